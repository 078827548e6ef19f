package main

import (
	"context"
	"encoding/json"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/decision"
	"github.com/stepsleuth/stepsleuth/internal/functions"
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
		mux["arn:"+partition+":states:::sns:publish"] = engine.TaskFunc(r.topic.publish)
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
	if call.Task.Token != "" && instrument.Waits(call.Task.State) {
		return engine.LambdaReply{Payload: []byte("{}")}, r.decide(ctx, call.Task)
	}
	if r.functions.Names(call.Function) || functions.Name(call.Function) != instrument.DefaultHandler {
		return r.functions.Invoke(ctx, call)
	}
	t := oncall.Troubleshooter{Responder: *r.responder, Fetch: r.fetch, Examined: r.keep, Report: r.reportOptions()}
	if t.Notify = nil; call.Event { // the workflow does not wait, and tells nobody
		t.Notify = desk{r.topic}
	}
	return troubleshoot(ctx, &t, call.Payload)
}

// troubleshoot is a call of the troubleshooter's function.
func troubleshoot(ctx context.Context, t *oncall.Troubleshooter, event []byte) (engine.LambdaReply, error) {
	answer, err := t.Handle(ctx, event)
	if err != nil {
		// As a function of ours would fail on AWS: the workflow's own catcher takes it.
		payload, _ := json.Marshal(map[string]string{"errorType": "TroubleshooterError", "errorMessage": err.Error()})
		return engine.LambdaReply{Payload: payload, Failed: true}, nil
	}
	return engine.LambdaReply{Payload: answer}, nil
}

// decide answers a failure that waits as --decide says. Where that says nothing more,
// nobody decides.
func (r *runner) decide(ctx context.Context, t *engine.Task) error {
	if len(r.decisions) == 0 {
		r.options.note(r.stderr, "%s: a failure waits for a decision, and nobody decides (--decide would)", r.file)
		return nil
	}
	x, _, err := r.fetch(ctx, t.Execution)
	if err != nil {
		return err
	}
	w, err := decision.Find(x)
	if err != nil {
		return err
	}
	next := r.decisions[0]
	r.decisions = r.decisions[1:]
	next.At = t.Now()
	record, err := w.Record(next)
	if err != nil {
		return err
	}
	if next.Decision != instrument.DecideFail {
		r.settle()
	}
	t.Complete(engine.JSON(string(record)))
	r.options.note(r.stderr, "decided %s, for the state %s", next.Decision, r.responder.Redact.Text(w.State))
	return nil
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

// settle forgets a failure that does not end the execution.
func (r *runner) settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.examined = nil
	r.topic.forget()
}

func (r *runner) keep(doc report.Document) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if doc.HandledBy == nil {
		r.examined = &doc
	}
}
