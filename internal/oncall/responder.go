// Package oncall is what happens when an execution failed: examine it, tell
// people. The command and the Lambda function share it; it knows no engine.
package oncall

import (
	"context"
	"fmt"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Notifier tells people. It returns where the message went: a path, an id.
type Notifier interface {
	Notify(ctx context.Context, m notify.Message) (string, error)
}

// Responder examines failures and tells people. It is safe for concurrent use.
type Responder struct {
	Doctor *diagnose.Doctor
	Redact *redact.Redactor // the Doctor's own, so that placeholders agree
	Notify Notifier         // nil: nobody is told
}

// Examine makes the document of a case.
func (r *Responder) Examine(ctx context.Context, c *diagnose.Case, o report.Options) (report.Document, error) {
	d, err := r.Doctor.Diagnose(ctx, c)
	if err != nil {
		return report.Document{}, fmt.Errorf("diagnose: %w", err)
	}
	doc, err := report.New(d, r.Redact, o)
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
	m := mail(doc)
	return r.Notify.Notify(ctx, notify.Message{ID: id, Subject: m.Subject, Text: m.Text, Time: at})
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
