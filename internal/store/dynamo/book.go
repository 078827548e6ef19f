package dynamo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stepsleuth/stepsleuth/internal/store"
)

// Every item has the number of its last write, so that a transaction can demand that
// what it read is still so:
//
//	pk name#NAME     sk -       series           where a name leads to
//	pk series        sk ID      …                all series, for digests
//	pk ticket#TICKET sk ID                       which series a ticket is for

type key struct{ pk, sk string }

func nameKey(name string) key { return key{"name#" + name, "-"} }
func seriesKey(id string) key { return key{"series", id} }

func ticketKey(t store.Ticket, id string) key { return key{"ticket#" + string(t), id} }

// item is an item's attributes; nil: there is none.
type item map[string]types.AttributeValue

// book is a store.Book: what is read is remembered, and what is written is kept back
// until commit.
type book struct {
	ctx     context.Context
	s       *Store
	now     time.Time
	read    map[key]item // as the table has it
	written map[key]item // as it shall be; nil: deleted
}

func (b *book) Lookup(name string) (string, error) {
	it, err := b.get(nameKey(name))
	return it.text("series"), err
}

func (b *book) Record(name, series string) error {
	k := nameKey(name)
	if _, err := b.get(k); err != nil {
		return err
	}
	if series == "" {
		b.written[k] = nil
		return nil
	}
	b.written[k] = item{"series": text(series), "expires": b.expires(b.now)}
	return nil
}

func (b *book) Series(id string) (store.Series, bool, error) {
	it, err := b.get(seriesKey(id))
	if it == nil || err != nil {
		return store.Series{}, false, err
	}
	return b.series(id, it), true, nil
}

// Save also keeps for which series a ticket is.
func (b *book) Save(s store.Series) error {
	old, err := b.get(seriesKey(s.ID))
	if err != nil {
		return err
	}
	if before := store.Ticket(old.text("ticket")); before != s.Ticket {
		if before != "" {
			if _, err := b.get(ticketKey(before, s.ID)); err != nil {
				return err
			}
			b.written[ticketKey(before, s.ID)] = nil
		}
		if s.Ticket != "" {
			if _, err := b.get(ticketKey(s.Ticket, s.ID)); err != nil {
				return err
			}
			b.written[ticketKey(s.Ticket, s.ID)] = item{"expires": b.expires(b.now)}
		}
	}
	b.written[seriesKey(s.ID)] = item{
		"count": number(int64(s.Count)), "first": millis(s.First), "last": millis(s.Last), "example": text(s.Example.String()),
		"unreported": number(int64(s.Unreported)), "told": millis(s.Told), "subject": text(s.Draft.Subject.String()), "text": text(s.Draft.Text.String()),
		"ticket": text(string(s.Ticket)), "until": millis(s.Until), "covers": number(int64(s.Covers)), "expires": b.expires(s.Last),
	}
	return nil
}

func (b *book) series(id string, it item) store.Series {
	return store.Series{
		ID: id, Count: int(it.number("count")), First: it.time("first"), Last: it.time("last"), Example: b.s.Redact.Stored(it.text("example")),
		Unreported: int(it.number("unreported")), Told: it.time("told"),
		Draft:  store.Draft{Subject: b.s.Redact.Stored(it.text("subject")), Text: b.s.Redact.Stored(it.text("text"))},
		Ticket: store.Ticket(it.text("ticket")), Until: it.time("until"), Covers: int(it.number("covers")),
	}
}

// held returns the series that a ticket is for.
func (b *book) held(t store.Ticket) ([]store.Series, error) {
	if t == "" {
		return nil, nil
	}
	var held []store.Series
	err := b.query(ticketKey(t, "").pk, "", func(id string, _ item) error {
		s, found, err := b.Series(id)
		if found && s.Ticket == t {
			held = append(held, s)
		}
		return err
	})
	return held, err
}

// waiting returns the series of which people are still to be told something.
func (b *book) waiting(before time.Time) ([]store.Series, error) {
	var waiting []store.Series
	err := b.query(seriesKey("").pk, "unreported > :zero", func(id string, it item) error {
		b.read[seriesKey(id)] = it
		if s := b.series(id, it); !s.Last.Before(before) {
			waiting = append(waiting, s)
		}
		return nil
	})
	for k := range b.read { // what is not taken need not stay as it is
		if !slices.ContainsFunc(waiting, func(s store.Series) bool { return seriesKey(s.ID) == k }) {
			delete(b.read, k)
		}
	}
	return waiting, err
}

// get reads an item once.
func (b *book) get(k key) (item, error) {
	if it, ok := b.written[k]; ok {
		return it, nil
	}
	if it, ok := b.read[k]; ok {
		return it, nil
	}
	out, err := b.s.Client.GetItem(b.ctx, &dynamodb.GetItemInput{TableName: &b.s.Table, ConsistentRead: aws.Bool(true), Key: k.attributes()})
	if err != nil {
		return nil, err
	}
	b.read[k] = item(out.Item)
	if len(out.Item) == 0 {
		b.read[k] = nil
	}
	return b.read[k], nil
}

func (b *book) query(pk, filter string, each func(sk string, it item) error) error {
	in := &dynamodb.QueryInput{
		TableName: &b.s.Table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: item{":pk": text(pk)},
	}
	if filter != "" {
		in.FilterExpression = &filter
		in.ExpressionAttributeValues[":zero"] = number(0)
	}
	for {
		out, err := b.s.Client.Query(b.ctx, in)
		if err != nil {
			return err
		}
		for _, it := range out.Items {
			if err := each(item(it).text("sk"), it); err != nil {
				return err
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return nil
		}
	}
}

// maxTransaction is how many items one transaction may have.
const maxTransaction = 100

// commit writes what was written if all that was read is unchanged.
func (b *book) commit() error {
	if len(b.written) == 0 {
		return nil
	}
	var all []types.TransactWriteItem
	keys := slices.SortedFunc(maps.Keys(b.read), func(x, y key) int { return strings.Compare(x.pk+"\n"+x.sk, y.pk+"\n"+y.sk) })
	for _, k := range keys {
		written, changed := b.written[k]
		all = append(all, b.write(k, written, changed))
	}
	if len(all) > maxTransaction {
		return fmt.Errorf("a transaction of %d items, of %d at most", len(all), maxTransaction)
	}
	_, err := b.s.Client.TransactWriteItems(b.ctx, &dynamodb.TransactWriteItemsInput{TransactItems: all})
	return err
}

// write is what the transaction does about an item that was read.
func (b *book) write(k key, written item, changed bool) types.TransactWriteItem {
	condition, values := aws.String("attribute_not_exists(pk)"), item(nil)
	if old := b.read[k]; old != nil {
		condition, values = aws.String("writes = :writes"), item{":writes": old["writes"]}
	}
	table := &b.s.Table
	switch {
	case !changed:
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: table, Key: k.attributes(), ConditionExpression: condition, ExpressionAttributeValues: values}}
	case written == nil:
		return types.TransactWriteItem{Delete: &types.Delete{TableName: table, Key: k.attributes(), ConditionExpression: condition, ExpressionAttributeValues: values}}
	}
	whole := maps.Clone(written)
	maps.Copy(whole, k.attributes())
	whole["writes"] = number(b.read[k].number("writes") + 1)
	return types.TransactWriteItem{Put: &types.Put{TableName: table, Item: whole, ConditionExpression: condition, ExpressionAttributeValues: values}}
}

func (k key) attributes() item { return item{"pk": text(k.pk), "sk": text(k.sk)} }

// expires is when the table itself forgets, in seconds: later than the policy does.
func (b *book) expires(last time.Time) types.AttributeValue {
	return number(last.Add(b.now.Sub(b.s.Policy.Forgets(b.now)) + 24*time.Hour).Unix())
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func millis(t time.Time) types.AttributeValue {
	if t.IsZero() {
		return number(0)
	}
	return number(t.UnixMilli())
}

func (it item) text(name string) string {
	if v, ok := it[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func (it item) number(name string) int64 {
	if v, ok := it[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(v.Value, 10, 64)
		return n
	}
	return 0
}

func (it item) time(name string) time.Time {
	if ms := it.number(name); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}
