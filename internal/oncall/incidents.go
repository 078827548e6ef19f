package oncall

import (
	"cmp"
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Incidents remembers failures, so that one failure makes one notification. It is
// safe for concurrent use, also by several processes; time comes from the caller.
// Where it cannot answer it returns an error of one line, and people are told all
// the same, perhaps twice.
type Incidents interface {
	// Claim enters a delivery and says where it belongs. Of all who claim failures of
	// one series, exactly one is told true: it examines the failure, tells people and
	// settles the incident's ticket. If it has not done so when its lease ends, the
	// next claim or digest takes over. The same delivery may be claimed any number of
	// times, and is counted once.
	Claim(ctx context.Context, d store.Delivery) (store.Incident, bool, error)

	// Settle ends a lease; the error is store.ErrLost where it had ended and was taken over.
	Settle(ctx context.Context, end store.Settlement) error

	// Due returns what people should be told of by now and were not, and nothing that
	// another caller has been given; the digest's ticket is to be settled.
	Due(ctx context.Context, now time.Time) (store.Digest, error)
}

// Unavailable stands for a store that could not be opened: people are told all the
// same, and learn of it.
func Unavailable(why error) Incidents { return unavailable{why} }

type unavailable struct{ why error }

func (u unavailable) Claim(context.Context, store.Delivery) (store.Incident, bool, error) {
	return store.Incident{}, false, u.why
}

func (u unavailable) Settle(context.Context, store.Settlement) error { return u.why }

func (u unavailable) Due(context.Context, time.Time) (store.Digest, error) {
	return store.Digest{}, u.why
}

// delivery makes the delivery of a case; false where nothing in it failed.
func delivery(c *diagnose.Case, r *redact.Redactor, local bool, now time.Time) (store.Delivery, bool) {
	d := store.Delivery{Fingerprint: diagnose.Fingerprint(c), At: now}
	if d.Fingerprint == "" {
		return d, false
	}
	subject := c.Subject()
	if subject == nil {
		subject = &c.Others[0] // else there were no fingerprint
	}
	d.Key = store.Key{Execution: store.IDOf(identity(c, d.Fingerprint, local)), Event: subject.FailedEvent}
	d.Nested = causes(subject)
	if x := c.Execution; x != nil {
		d.Key.Redrive = x.RedriveCount
		d.Example = r.Text(cmp.Or(x.ARN, x.Name))
		if x.MapRunARN != "" {
			d.MapRun = store.IDOf(x.MapRunARN)
		}
	}
	return d, true
}

// identity tells the execution from all others. On this machine names come back, so
// that the time belongs to it; where there is no name, what is known has to do.
func identity(c *diagnose.Case, fingerprint string, local bool) string {
	x := c.Execution
	if x == nil {
		return fingerprint
	}
	start := strconv.FormatInt(x.Start.UnixNano(), 10)
	switch {
	case x.ARN != "" && !local:
		return x.ARN
	case x.ARN != "" || x.Name != "" || !x.Start.IsZero():
		return x.StateMachineARN + "\n" + x.ARN + "\n" + x.Name + "\n" + start
	}
	return fingerprint
}

// causes are the executions and Map runs whose failure is the cause of f: that which
// its state started, and those which that one started in turn.
func causes(f *diagnose.Failure) []store.ID {
	const deep = 8
	var ids []store.ID
	add := func(arn string) {
		if arn != "" {
			ids = append(ids, store.IDOf(arn))
		}
	}
	for ; f != nil && len(ids) < deep; f = f.Within {
		add(f.MapRunARN)
		if f.Nested != nil {
			add(f.Nested.ARN)
			for inner := started(f.Nested.Cause); inner != nil && len(ids) < deep; inner = started(inner.Cause) {
				add(inner.ExecutionArn)
			}
		}
	}
	return ids
}

// startedExecution is what a state that started an execution has as its cause.
type startedExecution struct {
	ExecutionArn string
	Cause        *string
}

func started(cause *string) *startedExecution {
	var s startedExecution
	if cause == nil || json.Unmarshal([]byte(*cause), &s) != nil || s.ExecutionArn == "" {
		return nil
	}
	return &s
}
