package engine

import (
	"context"
	"strings"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// ChildStarter starts the execution that a Task asks for. The execution must not
// end with ctx where the task does not wait for it. A *TaskError fails the task;
// any other error ends the parent.
type ChildStarter func(ctx context.Context, stateMachineARN, name string, input []byte, parent *Task) (*Running, error)

// NestedHandler is a TaskHandler for arn:aws:states:::states:startExecution, also
// with .sync and .sync:2: state machines that run state machines.
type NestedHandler struct{ Start ChildStarter }

// CheckParameters refuses a call without a state machine, or with one or a name that is no text.
func (h NestedHandler) CheckParameters(t *Task) error {
	if err := t.checkRequired("StateMachineArn"); err != nil {
		return err
	}
	return t.checkOptional("Name")
}

// HandleTask starts the execution, and waits for it where the task is a .sync one.
func (h NestedHandler) HandleTask(ctx context.Context, t *Task) (Result, error) {
	input, ok := t.input.Get("Input")
	text := jsonpathText(input)
	if !ok || input.IsNull() {
		text = "{}"
	}
	child, err := h.Start(ctx, t.TextParameter("StateMachineArn"), t.TextParameter("Name"), []byte(text), t)
	if err != nil {
		return Result{}, err
	}
	started := Result{value: t.answer("application/x-amz-json-1.0", 161,
		value.Member{Key: "ExecutionArn", Value: value.String(child.Execution().ARN)},
		value.Member{Key: "StartDate", Value: value.Int(child.Execution().Start.UnixMilli())},
	)}
	r := parseResource(t.Resource)
	if !r.sync {
		return started, nil
	}
	t.Submitted(started)
	x, err := child.Wait(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := t.Sleep(ctx, x.Stop.Sub(x.Start)-t.Now().Sub(x.Start)); err != nil {
		return Result{}, err
	}
	return childResult(x, strings.HasSuffix(r.action, ":2"))
}

// childResult is what a .sync task makes of its execution: DescribeExecution's
// answer, in which the output is JSON text, or with .sync:2 JSON.
func childResult(x *history.Execution, parsed bool) (Result, error) {
	var b value.Builder
	text := func(key string, s string) { b.Set(key, value.String(s)) }
	included := value.Object(value.Member{Key: "Included", Value: value.Bool(true)})
	data := func(key, s string) {
		v := value.String(s)
		if p, err := value.Parse(s); parsed && err == nil {
			v = p
		}
		b.Set(key, v)
		b.Set(key+"Details", included)
	}
	failed := x.Status != history.Succeeded
	if failed && x.Cause != nil {
		text("Cause", *x.Cause)
	}
	if failed && x.Error != nil {
		text("Error", *x.Error)
	}
	text("ExecutionArn", x.ARN)
	if failed {
		parsed = false
	}
	data("Input", x.Input.String())
	text("Name", x.Name)
	if !failed {
		data("Output", x.Output.String())
	}
	b.Set("StartDate", value.Int(x.Start.UnixMilli()))
	text("StateMachineArn", x.StateMachineARN)
	text("Status", string(x.Status))
	b.Set("StopDate", value.Int(x.Stop.UnixMilli()))
	if failed {
		return Result{}, NewTaskError(errTaskFailed, b.Object().JSON())
	}
	return Result{value: b.Object()}, nil
}
