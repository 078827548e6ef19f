package awstest

import (
	"encoding/json"
	"hash/crc32"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Table is a DynamoDB table with the key pk and sk, and of the API the calls that the
// store of incidents makes. It is safe for concurrent use.
type Table struct {
	Name   string
	Refuse func() *Refusal // may be nil

	mu    sync.Mutex
	items map[[2]string]attributes
}

type attributes map[string]map[string]any // name → {"S": "…"} or {"N": "…"}

func (a attributes) key() [2]string {
	pk, _ := a["pk"]["S"].(string)
	sk, _ := a["sk"]["S"].(string)
	return [2]string{pk, sk}
}

func (a attributes) number(name string) float64 {
	s, _ := a[name]["N"].(string)
	n, _ := strconv.ParseFloat(s, 64)
	return n
}

// action is one of a transaction's.
type action struct {
	Key, Item                 attributes
	ConditionExpression       string
	ExpressionAttributeValues attributes
}

// ServeHTTP answers one request.
func (t *Table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if t.Refuse != nil {
		if refusal := t.Refuse(); refusal != nil {
			refuse(w, refusal)
			return
		}
	}
	var in struct {
		TableName                 string
		Key                       attributes
		FilterExpression          string
		ExpressionAttributeValues attributes
		TransactItems             []struct{ ConditionCheck, Put, Delete *action }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, &Refusal{Code: "SerializationException", Message: err.Error()})
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.items == nil {
		t.items = map[[2]string]attributes{}
	}
	switch r.Header.Get("X-Amz-Target") {
	case "DynamoDB_20120810.GetItem":
		out := map[string]any{}
		if it, ok := t.items[in.Key.key()]; ok {
			out["Item"] = it
		}
		answer(w, out)
	case "DynamoDB_20120810.Query":
		answer(w, map[string]any{"Items": t.query(in.ExpressionAttributeValues.pk(), in.FilterExpression)})
	case "DynamoDB_20120810.TransactWriteItems":
		var all []action
		var kinds []string
		for _, x := range in.TransactItems {
			switch {
			case x.Put != nil:
				x.Put.Key = x.Put.Item
				all, kinds = append(all, *x.Put), append(kinds, "put")
			case x.Delete != nil:
				all, kinds = append(all, *x.Delete), append(kinds, "delete")
			default:
				all, kinds = append(all, *x.ConditionCheck), append(kinds, "check")
			}
		}
		t.transact(w, all, kinds)
	default:
		refuse(w, &Refusal{Code: "UnknownOperationException", Message: r.Header.Get("X-Amz-Target")})
	}
}

func (a attributes) pk() string {
	pk, _ := a[":pk"]["S"].(string)
	return pk
}

func (t *Table) query(pk, filter string) []attributes {
	found := []attributes{}
	for k, it := range t.items {
		if k[0] == pk && (filter == "" || it.number("unreported") > 0) {
			found = append(found, it)
		}
	}
	slices.SortFunc(found, func(a, b attributes) int { return strings.Compare(a.key()[1], b.key()[1]) })
	return found
}

// transact does all of it or nothing.
func (t *Table) transact(w http.ResponseWriter, all []action, kinds []string) {
	reasons, failed := []map[string]string{}, false
	for _, x := range all {
		it, ok := t.items[x.Key.key()]
		holds := !ok
		if x.ConditionExpression == "writes = :writes" {
			holds = ok && it.number("writes") == x.ExpressionAttributeValues.number(":writes")
		}
		code := "None"
		if !holds {
			code, failed = "ConditionalCheckFailed", true
		}
		reasons = append(reasons, map[string]string{"Code": code})
	}
	if failed {
		text, _ := json.Marshal(map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
			"Message": "Transaction cancelled, please refer cancellation reasons for specific reasons", "CancellationReasons": reasons})
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10))
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(text)
		return
	}
	for i, x := range all {
		switch kinds[i] {
		case "put":
			t.items[x.Item.key()] = x.Item
		case "delete":
			delete(t.items, x.Key.key())
		}
	}
	answer(w, map[string]any{})
}
