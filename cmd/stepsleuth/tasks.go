package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/functions"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/report"
)

// partitions are the parts of AWS's cloud that ARNs may begin with.
var partitions = []string{"aws", "aws-cn", "aws-us-gov"}

// tasks is what answers the workflow's tasks: the mocks, the functions file, the
// buckets, the troubleshooter and the outbox.
func (r *runner) tasks() engine.TaskHandler {
	mux := functionTasks(r.functions, engine.LambdaHandler{Invoke: r.invoke})
	for _, partition := range partitions {
		mux["arn:"+partition+":states:::sns:publish"] = engine.TaskFunc(r.publish)
		if len(r.buckets) > 0 {
			mux["arn:"+partition+":states:::s3"] = r.buckets
			mux["arn:"+partition+":states:::aws-sdk:s3"] = r.buckets
		}
	}
	if r.mocks != nil {
		r.mocks.Else = mux
		return r.mocks
	}
	return mux
}

// functionTasks has lambda answer for functions, and the functions file for
// whatever else it names.
func functionTasks(set *functions.Set, lambda engine.LambdaHandler) engine.TaskMux {
	mux := engine.TaskMux{"": set}
	for _, partition := range partitions {
		mux["arn:"+partition+":lambda"] = lambda
		mux["arn:"+partition+":states:::lambda:invoke"] = lambda
	}
	return mux
}

// invoke calls a function of the functions file, or the troubleshooter.
func (r *runner) invoke(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
	if r.functions.Names(call.Function) || functions.Name(call.Function) != instrument.DefaultHandler {
		return r.functions.Invoke(ctx, call)
	}
	t := oncall.Troubleshooter{Responder: *r.responder, Fetch: r.fetch, Examined: r.keep, Report: report.Options{Local: true}}
	if t.Notify = nil; call.Event { // the workflow does not wait, and tells nobody
		t.Notify = desk{r}
	}
	answer, err := t.Handle(ctx, call.Payload)
	if err != nil {
		// As a function of ours would fail on AWS: the workflow's own catcher takes it.
		payload, _ := json.Marshal(map[string]string{"errorType": "TroubleshooterError", "errorMessage": err.Error()})
		return engine.LambdaReply{Payload: payload, Failed: true}, nil
	}
	return engine.LambdaReply{Payload: answer}, nil
}

// fetch is what GetExecutionHistory is on AWS: the events so far.
func (r *runner) fetch(context.Context, string) (*history.Execution, *asl.Machine, error) {
	<-r.ready
	info := r.running.Execution()
	x := &history.Execution{
		ARN: info.ARN, Name: info.Name, StateMachineARN: info.StateMachineARN, Type: info.Type,
		Status: history.Running, Start: info.Start, Input: info.Input,
	}
	x.SetEvents(r.running.History())
	return x, r.written, nil
}

func (r *runner) keep(doc report.Document) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if doc.HandledBy == nil {
		r.examined = &doc
	}
}

// desk tells people for the troubleshooter, where it has to do so itself.
type desk struct{ *runner }

// Notify puts the message into the outbox.
func (d desk) Notify(ctx context.Context, m notify.Message) (string, error) {
	if d.outbox == nil {
		d.options.note(d.stderr, "%s (no --outbox, so it goes nowhere)", m.Subject)
		return "", nil
	}
	path, err := d.outbox.Notify(ctx, m)
	if err == nil {
		d.keepTold(path, m.Document == nil || m.Document.HandledBy == nil)
	}
	return path, err
}

func (r *runner) keepTold(path string, end bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told, r.toldEnd = append(r.told, path), r.toldEnd || end
}

// publish puts what goes to a topic into the outbox.
func (r *runner) publish(ctx context.Context, t *engine.Task) (engine.Result, error) {
	subject, message := t.TextParameter("Subject"), t.TextParameter("Message")
	if message == "" && t.Parameter("Message") == nil {
		return engine.Result{}, t.RefuseParameters("The field 'Message' is required but was missing")
	}
	if r.outbox == nil {
		r.options.note(r.stderr, "sns:publish in %s: %s (no --outbox, so it goes nowhere)", t.State, r.responder.Redact.Text(subject))
		return published(t)
	}
	// The workflow's own messages are redacted like everything else; those of the
	// troubleshooter are so already, and keep their placeholders.
	path, err := r.outbox.Notify(ctx, notify.Message{
		ID:      t.ID,
		Subject: r.responder.Redact.Stored(subject),
		Text:    r.responder.Redact.Stored(message),
		Time:    t.Now(),
	})
	if err != nil {
		return engine.Result{}, engine.NewTaskError("SNS.AmazonSNSException", err.Error())
	}
	r.keepTold(path, true)
	return published(t)
}

func published(t *engine.Task) (engine.Result, error) {
	out, err := json.Marshal(map[string]any{"MessageId": t.ID, "SdkHttpMetadata": map[string]int{"HttpStatusCode": 200}})
	if err != nil {
		return engine.Result{}, errors.Join(fmt.Errorf("answer of sns:publish"), err)
	}
	return engine.JSON(string(out)), nil
}
