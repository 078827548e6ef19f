package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/redact"
)

// topic stands for Amazon SNS: what workflows publish becomes a mail in the outbox.
type topic struct {
	options *options
	stderr  io.Writer
	redact  *redact.Redactor
	outbox  *notify.Outbox // nil: it goes nowhere

	mu      sync.Mutex
	told    []string // where mails went
	toldEnd bool     // one of them was of how the execution ends
}

// publish is an engine.TaskFunc for sns:publish.
func (p *topic) publish(ctx context.Context, t *engine.Task) (engine.Result, error) {
	subject, message := t.TextParameter("Subject"), t.TextParameter("Message")
	if message == "" && t.Parameter("Message") == nil {
		return engine.Result{}, t.RefuseParameters("The field 'Message' is required but was missing")
	}
	if p.outbox == nil {
		p.options.note(p.stderr, "sns:publish in %s: %s (no --outbox, so it goes nowhere)", t.State, p.redact.Text(subject))
		return published(t)
	}
	// The workflow's own messages are redacted like everything else; those of the
	// troubleshooter are so already, and keep their placeholders.
	path, err := p.outbox.Notify(ctx, notify.Message{
		ID:      t.ID,
		Subject: p.redact.Stored(subject),
		Text:    p.redact.Stored(message),
		Time:    t.Now(),
	})
	if err != nil {
		return engine.Result{}, engine.NewTaskError("SNS.AmazonSNSException", err.Error())
	}
	p.keep(path, true)
	return published(t)
}

func (p *topic) keep(path string, end bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told, p.toldEnd = append(p.told, path), p.toldEnd || end
}

// forget says that what was told last does not end the execution.
func (p *topic) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toldEnd = false
}

// desk tells people for the troubleshooter, where it has to do so itself.
type desk struct{ *topic }

// Notify puts the message into the outbox.
func (d desk) Notify(ctx context.Context, m notify.Message) (string, error) {
	if d.outbox == nil {
		d.options.note(d.stderr, "%s (no --outbox, so it goes nowhere)", m.Subject)
		return "", nil
	}
	path, err := d.outbox.Notify(ctx, m)
	if err == nil {
		d.keep(path, m.Document == nil || m.Document.HandledBy == nil)
	}
	return path, err
}

func published(t *engine.Task) (engine.Result, error) {
	out, err := json.Marshal(map[string]any{"MessageId": t.ID, "SdkHttpMetadata": map[string]int{"HttpStatusCode": 200}})
	if err != nil {
		return engine.Result{}, errors.Join(fmt.Errorf("answer of sns:publish"), err)
	}
	return engine.JSON(string(out)), nil
}
