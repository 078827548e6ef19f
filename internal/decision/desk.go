package decision

import (
	"context"
	"errors"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
)

// Desk is where decisions on executions on AWS are made.
type Desk struct {
	Cloud Cloud
	Poll  time.Duration // the first wait between two looks at an execution; 0: 200 ms
}

// Cloud is what a Desk needs of AWS; *awscloud.Cloud is one, and says what its errors are.
type Cloud interface {
	// Back returns an execution with its newest events, as many as it takes until enough says so.
	Back(ctx context.Context, executionARN string, enough func(*history.Execution) bool) (*history.Execution, error)
	// CompleteTask ends the task that waits for a token, and never says the token.
	CompleteTask(ctx context.Context, executionARN, token string, output []byte) error
}

// Find finds what waits in an execution: see the function Find.
func (d *Desk) Find(ctx context.Context, executionARN string) (*Wait, error) {
	x, err := d.Cloud.Back(ctx, executionARN, func(x *history.Execution) bool {
		_, err := Find(x)
		return !errors.Is(err, errFurtherBack)
	})
	if err != nil {
		return nil, err
	}
	return Find(x)
}

// Send ends the wait with a record.
func (d *Desk) Send(ctx context.Context, executionARN string, w *Wait, record []byte) error {
	return d.Cloud.CompleteTask(ctx, executionARN, w.token, record)
}

// Outcome is what an execution did after a decision.
type Outcome struct {
	Status history.Status // Running where nothing more was seen
	State  string         // of the workflow's own that it is in, or was in last; "": none since
	Waits  bool           // for the next decision
	Error  *string        // that it ended with
}

// Watch looks on after a decision until the execution has ended, has gone on to another state than the one
// that failed, or waits again, and no longer than ctx. What was not seen by then is no error.
func (d *Desk) Watch(ctx context.Context, executionARN string, w *Wait, what instrument.Decision) (Outcome, error) {
	wait := d.Poll
	if wait == 0 {
		wait = 200 * time.Millisecond
	}
	const longest = 2 * time.Second
	for o := (Outcome{Status: history.Running}); ; wait = min(2*wait, longest) {
		x, err := d.Cloud.Back(ctx, executionARN, func(*history.Execution) bool { return true })
		if ctx.Err() != nil {
			return o, nil
		}
		if err != nil {
			return o, err
		}
		if o = w.after(x, what); o.Status != history.Running || o.Waits || o.State != "" && o.State != w.State {
			return o, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return o, nil
		case <-timer.C:
		}
	}
}

// after is what happened since the wait began, as far as the newest events tell. While an
// execution waits, it does nothing else.
func (w *Wait) after(x *history.Execution, what instrument.Decision) Outcome {
	o := Outcome{Status: status(x)}
	inside := what == instrument.DecideRetry // the state runs again, and others may run in it
	events := x.Events()
	for i := range events {
		e := &events[i]
		switch {
		case e.ID <= w.event || e.Details == nil:
		case e.Type.IsExited() && e.Details.Name == w.State:
			inside = false
		case e.Type.IsEntered() && !instrument.Added(e.Details.Name) && (!inside || e.Details.Name == w.State):
			o.State = e.Details.Name
		case e.Type.Status() != "":
			o.Error = e.Details.Error
		}
	}
	_, next := openWait(x)
	o.Waits = next != nil && next.ID > w.event
	return o
}
