package oncall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Troubleshooter is the error-handling function of an instrumented workflow.
type Troubleshooter struct {
	Responder

	// Fetch returns an execution with its events so far, and the definition that
	// runs; the definition may be nil.
	Fetch func(ctx context.Context, executionARN string) (*history.Execution, *asl.Machine, error)

	// Report is what the documents say beyond the diagnosis. History is the execution's
	// ARN, but where it is Local: then it stays what it is.
	Report report.Options

	// Now is the time; nil: the system's.
	Now func() time.Time

	// Examined, where set, is given every document that was made.
	Examined func(report.Document)
}

// Event is what an instrumented workflow sends: the failed state with the error
// it was caught with, or the news of a success.
type Event struct {
	ExecutionARN string         `json:"executionArn"`
	State        string         `json:"state"`
	Failure      *CaughtFailure `json:"failure"`
	Status       history.Status `json:"status"`     // SUCCEEDED; "" for a failure
	Decide       *Terms         `json:"decide"`     // nil: the failure will not wait for people
	Stepsleuth   any            `json:"stepsleuth"` // instrument.WaitEvent: it waits now, and nothing is to be done

	// Of a workflow that does not wait for an answer:
	Tell      bool            `json:"tell"`      // people are to be told by who gets this
	HandledBy string          `json:"handledBy"` // the state that the workflow goes on to; "" where it ends
	At        instant         `json:"at"`
	Started   instant         `json:"started"` // the execution
	Input     json.RawMessage `json:"input"`   // of the execution; null where it is too large
}

// instant is a time as the Context object has it. What is none is the zero time: a
// failure is told whatever is wrong with the clock.
type instant struct{ time.Time }

// UnmarshalJSON takes anything.
func (i *instant) UnmarshalJSON(text []byte) error {
	if i.Time.UnmarshalJSON(text) != nil {
		i.Time = time.Time{}
	}
	return nil
}

// CaughtFailure is what a catcher leaves: members may be absent or null.
type CaughtFailure struct {
	Error *string `json:"Error"`
	Cause *string `json:"Cause"`
}

// Answer is what the workflow gets back, and hands on to SNS.
type Answer struct {
	Mail   mailText `json:"mail"`
	Notify bool     `json:"notify"` // whether people are still to be told: not of what they know already
	report.Document
}

// MaxAnswer is how large an answer may be, in bytes: it has to pass through the
// workflow's own payload.
const MaxAnswer = 8 << 10

// Handle takes an Event as JSON and returns an Answer as JSON.
func (t *Troubleshooter) Handle(ctx context.Context, payload []byte) ([]byte, error) {
	var event Event
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	if event.Stepsleuth == instrument.WaitEvent {
		return note("ignored", t.Redact.Text(errWaits.Error())), nil
	}
	if event.ExecutionARN == "" {
		return nil, errors.New("read the event: no executionArn in it")
	}
	x, m, err := t.Fetch(ctx, event.ExecutionARN)
	if err != nil {
		return nil, fmt.Errorf("fetch the execution: %w", err)
	}
	if event.Status == history.Succeeded {
		x = endedWell(x)
	} else {
		x = endedAt(x, event.State, event.Failure, event.At.Time)
	}
	o := t.Report
	if o.Inline, o.HandledBy = event.HandledBy == "", event.HandledBy; !o.Local {
		o.History = event.ExecutionARN
	}
	now := time.Now
	if t.Now != nil {
		now = t.Now
	}
	out, err := t.Respond(ctx, Call{Case: diagnose.NewCase(m, x), Report: o, At: now(), Repeats: Briefly})
	if out.Document == nil {
		return nil, err
	}
	if t.Examined != nil {
		t.Examined(*out.Document)
	}
	// Where our own notification failed, the workflow's may arrive.
	notify := out.Tell && out.Told == "" || event.Decide != nil
	return answer(*out.Document, notify, func(m mailText) mailText { return event.Decide.ask(m, event.ExecutionARN, now(), t.Redact) })
}

// answer drops the longest parts of a document that is too large, least needed first.
// Whatever is left of the mail, finish has the last word on it.
func answer(doc report.Document, notify bool, finish func(mailText) mailText) ([]byte, error) {
	whole := Answer{Mail: mail(doc), Notify: notify, Document: doc}
	cuts := []func(*Answer){
		func(a *Answer) { a.Timeline = []report.Step{} },
		func(a *Answer) { a.Evidence = []report.Evidence{} },
		func(a *Answer) { a.Focus = nil },
		func(a *Answer) { a.OtherFailures = []report.Failure{} },
		func(a *Answer) { shorten(a.Failure) },
		func(a *Answer) { shorten(a.Origin) },
		func(a *Answer) { a.Findings = []report.Finding{} },
		func(a *Answer) { a.Explanation = redact.Text{} },
		func(a *Answer) { a.Mail.Text = a.Mail.Text.Truncate(MaxAnswer / 2) },
		func(a *Answer) { a.Remediation = []report.Remedy{} },
		func(a *Answer) {
			a.Prevention, a.Missing = []redact.Text{}, []redact.Text{redact.Static("the diagnosis was cut to fit the workflow's payload")}
		},
	}
	for {
		finished := whole
		finished.Mail = finish(whole.Mail)
		out, err := marshal(finished)
		if err != nil || len(out) <= MaxAnswer || len(cuts) == 0 {
			return out, err
		}
		cuts[0](&whole)
		cuts = cuts[1:]
	}
}

// shorten keeps of a failure what names it.
func shorten(f *report.Failure) {
	if f == nil {
		return
	}
	f.Input = nil
	if f.Cause != nil {
		cause := f.Cause.Truncate(1 << 10)
		f.Cause = &cause
	}
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write the answer: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
