package engine

import (
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// context returns the Context object of the state that the thread is in: $$, or
// $states.context.
func (t *thread) context() value.Value {
	if t.ctx.IsAbsent() {
		t.ctx = t.makeContext()
	}
	return t.ctx
}

func (t *thread) makeContext() value.Value {
	x := t.x
	if given := x.req.context; !given.IsAbsent() {
		if t.item != nil {
			given = given.With("Map", t.item.context())
		}
		return given
	}
	var b value.Builder
	for _, m := range t.run.base(x).Members() {
		b.Set(m.Key, m.Value)
	}
	if t.item != nil {
		b.Set("Map", t.item.context())
	}
	var state value.Builder
	state.Set("Name", value.String(t.node.name))
	state.Set("EnteredTime", timestamp(t.enteredAt))
	switch t.node.state.Type {
	case asl.Task, asl.Map, asl.Parallel:
		state.Set("RetryCount", value.Int(int64(t.retryCount)))
	}
	b.Set("State", state.Object())
	if t.token != "" {
		b.Set("Task", value.Object(value.Member{Key: "Token", Value: value.String(t.token)}))
	}
	return b.Object()
}

// base makes the part of the Context object that stays the same for a whole run.
func (r *run) base(x *execution) value.Value {
	if !r.contextBase.IsAbsent() {
		return r.contextBase
	}
	var execution value.Builder
	execution.Set("Id", value.String(r.info.ARN))
	execution.Set("Input", r.input)
	execution.Set("StartTime", timestamp(r.start))
	execution.Set("Name", value.String(r.info.Name))
	execution.Set("RoleArn", value.String(x.req.RoleARN))
	if !r.sync && !x.asOfBefore(redriveAnnounced) {
		execution.Set("RedriveCount", value.Int(int64(r.info.RedriveCount)))
	}
	if r.redriven != 0 {
		execution.Set("RedriveTime", timestamp(r.redriven))
	}
	machine := r.info.StateMachineARN
	r.contextBase = value.Object(
		value.Member{Key: "Execution", Value: execution.Object()},
		value.Member{Key: "StateMachine", Value: value.Object(
			value.Member{Key: "Id", Value: value.String(machine)},
			value.Member{Key: "Name", Value: value.String(machine[strings.LastIndexByte(machine, ':')+1:])},
		)},
	)
	return r.contextBase
}

// timestamp writes a time as the Context object has it.
func timestamp(ms int64) value.Value {
	return value.String(time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z"))
}

// Times at which AWS changed what histories look like. A Request that asks for an
// earlier time (AsOf) gets what was written then.
var (
	// Redrive came, and with it Execution.RedriveCount in the Context object.
	redriveAnnounced = time.Date(2023, 11, 15, 0, 0, 0, 0, time.UTC)
	// Variables and JSONata came. From then on MapStateExited of a distributed Map
	// follows MapRunStarted; before, it followed MapRunSucceeded.
	variablesAnnounced = time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC)
	// Maps take objects from then on, and iterate over their members.
	objectItemsAnnounced = time.Date(2025, 9, 18, 0, 0, 0, 0, time.UTC)
)

func (x *execution) asOfBefore(t time.Time) bool {
	return !x.req.AsOf.IsZero() && x.req.AsOf.Before(t)
}
