// Package dynamo remembers failures in a DynamoDB table, which any number of Lambda
// functions share. Claims are transactions: everything that one read is unchanged when
// it writes, or it begins anew.
//
// The table has the key pk (string) and sk (string), expires as its attribute for time
// to live, and no index.
package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Client is what is needed of the client of DynamoDB.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Store is a table. It is safe for concurrent use.
type Store struct {
	Client Client
	Table  string // name or ARN
	Policy store.Policy

	// Redact is this installation's redactor: what is read back goes through it once
	// more, so that a table that others write shows nothing either. nil: a fresh one.
	Redact *redact.Redactor

	// Patience is how long to try again where others write the same; 0: 10 seconds.
	Patience time.Duration

	mu sync.Mutex // one process does not compete with itself
}

// Claim is oncall.Incidents' Claim.
func (s *Store) Claim(ctx context.Context, d store.Delivery) (store.Incident, bool, error) {
	var incident store.Incident
	var mine bool
	err := s.do(ctx, d.At, func(b *book) (err error) {
		incident, mine, err = store.Claim(b, d, s.Policy)
		return err
	})
	return incident, mine, err
}

// Settle is oncall.Incidents' Settle.
func (s *Store) Settle(ctx context.Context, end store.Settlement) error {
	return s.do(ctx, end.At, func(b *book) error {
		held, err := b.held(end.Ticket)
		if err != nil {
			return err
		}
		if len(held) == 0 {
			return store.ErrLost
		}
		for _, series := range held {
			series.Settle(end)
			if err := b.Save(series); err != nil {
				return err
			}
		}
		return nil
	})
}

// maxDigest is how many series one digest takes, so that its transaction is not too
// large; the others come with the next.
const maxDigest = 30

// Due is oncall.Incidents' Due.
func (s *Store) Due(ctx context.Context, now time.Time) (store.Digest, error) {
	var digest store.Digest
	err := s.do(ctx, now, func(b *book) error {
		waiting, err := b.waiting(s.Policy.Forgets(now))
		if err != nil {
			return err
		}
		slices.SortStableFunc(waiting, func(a, b store.Series) int { return cmp.Compare(b.Unreported, a.Unreported) })
		waiting = waiting[:min(len(waiting), maxDigest)]
		var taken []store.Series
		digest, taken = store.Due(waiting, now, s.Policy)
		for _, series := range taken {
			if err := b.Save(series); err != nil {
				return err
			}
		}
		return nil
	})
	return digest, err
}

// do runs a transaction, again as long as another one comes first.
func (s *Store) do(ctx context.Context, now time.Time, work func(*book) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	patience := s.Patience
	if patience <= 0 {
		patience = 10 * time.Second
	}
	if s.Redact == nil {
		s.Redact = new(redact.Redactor)
	}
	give := time.Now().Add(patience)
	for n := 0; ; n++ {
		b := &book{ctx: ctx, s: s, now: now, read: map[key]item{}, written: map[key]item{}}
		err := work(b)
		if err == nil {
			err = b.commit()
		}
		if !contested(err) {
			return s.explain(err)
		}
		wait := rand.N(min(10*time.Millisecond<<min(n, 6), 300*time.Millisecond)) + time.Millisecond
		if time.Now().Add(wait).After(give) || !sleep(ctx, wait) {
			return s.explain(err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// contested reports whether another transaction came first.
func contested(err error) bool {
	var cancelled *types.TransactionCanceledException
	var conflict *types.TransactionConflictException
	if errors.As(err, &conflict) {
		return true
	}
	if !errors.As(err, &cancelled) {
		return false
	}
	for _, r := range cancelled.CancellationReasons {
		switch aws.ToString(r.Code) {
		case "", "None", "ConditionalCheckFailed", "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError":
		default:
			return false
		}
	}
	return true
}

// explain makes one line of an error, with what to do.
func (s *Store) explain(err error) error {
	var api smithy.APIError
	switch {
	case err == nil, errors.Is(err, store.ErrLost):
		return err
	case contested(err):
		return fmt.Errorf("table %s: too many write at once: %w", s.Table, err)
	case !errors.As(err, &api):
		return fmt.Errorf("table %s: %w", s.Table, err)
	case strings.HasPrefix(api.ErrorCode(), "AccessDenied"):
		return fmt.Errorf(`table %s: not allowed; the role needs dynamodb:GetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:DeleteItem and dynamodb:ConditionCheckItem on it: %w`, s.Table, err)
	case api.ErrorCode() == "ResourceNotFoundException":
		return fmt.Errorf("table %s: there is none of that name in this region: %w", s.Table, err)
	}
	return fmt.Errorf("table %s: %w", s.Table, err)
}
