// Package oncall is what happens when an execution failed: examine it, tell
// people, once. The command and the Lambda function share it; it knows no engine.
package oncall

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Notifier tells people. It returns where the message went: a path, an id. With an
// error, that is where it went all the same, in one way of several; "" is nowhere.
type Notifier interface {
	Notify(ctx context.Context, m notify.Message) (string, error)
}

// Responder examines failures and tells people. It is safe for concurrent use.
type Responder struct {
	Doctor    *diagnose.Doctor
	Redact    *redact.Redactor // the Doctor's own, so that placeholders agree
	Notify    Notifier         // nil: nobody is told from here
	Incidents Incidents        // nil: every failure is told
	Spare     *store.Memory    // counts while Incidents cannot; nil: every failure is told then
}

// Call is word of a failure.
type Call struct {
	Case    *diagnose.Case
	Report  report.Options // Seen is filled in
	At      time.Time      // now
	Untold  bool           // the workflow was to tell people itself, and could not
	Repeats Depth          // how what people know of, or are being told of, is examined
}

// Depth is how thorough an examination is.
type Depth int

// The depths.
const (
	NotAtAll   Depth = iota // there is no document then
	Briefly                 // by the rules alone: no model, no collectors, no replay
	Thoroughly              // like a first failure: for a person who asked
)

// Response is what came of a call.
type Response struct {
	Document *report.Document // nil: not examined
	Incident *store.Incident  // nil: not counted
	Tell     bool             // this call is the one that people are told of: by the caller, where Notify is nil
	Told     string           // where the notification went; "" nowhere
	Problems []redact.Text    // what could not be done besides
}

// Respond claims the failure, examines it, tells people and settles the incident. It
// goes on wherever it can: without a store people are told and learn of it; where the
// doctor breaks down people are told of the failure itself; and what could not be told
// stays open for the next who claims it. The error is for what was not done then.
func (r *Responder) Respond(ctx context.Context, call Call) (Response, error) {
	v := visit{Responder: r, call: call}
	v.claim(ctx)
	doc, err := v.examine(ctx)
	if err == nil {
		v.out.Document = doc
	}
	if !v.out.Tell {
		return v.out, err
	}
	return v.out, errors.Join(err, v.tell(ctx, err))
}

// Examine makes the document of a case.
func (r *Responder) Examine(ctx context.Context, c *diagnose.Case, o report.Options) (report.Document, error) {
	return r.examine(ctx, r.Doctor, c, o)
}

func (r *Responder) examine(ctx context.Context, doctor *diagnose.Doctor, c *diagnose.Case, o report.Options) (doc report.Document, err error) {
	defer func() {
		if recover() != nil { // what it was about may be a secret
			err = errors.New("diagnose: the doctor broke down on this case; please report it")
		}
	}()
	d, err := doctor.Diagnose(ctx, c)
	if err != nil {
		return report.Document{}, fmt.Errorf("diagnose: %w", err)
	}
	o.Omit = instrument.Added
	doc, err = report.New(d, r.Redact, o)
	if err != nil {
		return report.Document{}, fmt.Errorf("write the report: %w", err)
	}
	return doc, nil
}

// Tell sends the document to people.
func (r *Responder) Tell(ctx context.Context, id string, doc report.Document, at time.Time) (string, error) {
	if r.Notify == nil {
		return "", nil
	}
	return r.Notify.Notify(ctx, message(id, doc, at))
}

func message(id string, doc report.Document, at time.Time) notify.Message {
	m := mail(doc)
	return notify.Message{ID: id, Subject: m.Subject, Text: m.Text, Time: at, Document: &doc}
}

// mailText is a mail's subject and body.
type mailText struct {
	Subject redact.Text `json:"subject"`
	Text    redact.Text `json:"text"`
}

func mail(doc report.Document) mailText {
	subject, text := report.Mail(doc)
	return mailText{Subject: subject, Text: text}
}
