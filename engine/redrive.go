package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// redrive goes on with an execution that ended without success (Developer Guide,
// "Redriving state machine executions"): from the outermost state that it stopped
// in, which is run anew with the input it had. A Map or Parallel starts over.
func (x *execution) redrive() error {
	old := x.req.Redrive
	switch old.Status {
	case history.Failed, history.TimedOut, history.Aborted:
	default:
		return fmt.Errorf("engine: an execution that is %s cannot be redriven", old.Status)
	}
	if old.Incomplete {
		return fmt.Errorf("engine: the execution cannot be redriven: events are missing from its history")
	}
	at, err := x.stoppedIn(old.Events())
	if err != nil {
		return err
	}
	r := x.main
	r.info.Start, r.start = old.Start, old.Start.UnixMilli()
	r.info.RedriveCount = old.RedriveCount + 1
	x.now = max(x.now, old.Stop.UnixMilli())
	r.redriven = x.now
	r.log.addPast(old.Events())
	count := int64(r.info.RedriveCount)
	t := x.root
	t.node, t.input = at.node, at.input
	t.entered, t.beforeEntry, t.enteredAt = at.event, at.previous, at.time.UnixMilli()
	t.prev = r.note("ExecutionRedriven", int64(len(old.Events())), x.now, func(d *historyDetails) { d.RedriveCount = &count })
	x.startTimeout()
	t.timer = x.timers.set(x.now, t.again)
	return nil
}

// stop is a state that an execution was in when it stopped.
type stop struct {
	node            *node
	input           value.Value
	event, previous int64
	time            time.Time
}

// stoppedIn finds the outermost state that was entered and not left, and sets the
// variables as they were by then.
func (x *execution) stoppedIn(events []history.Event) (*stop, error) {
	var at *stop
	for i := range events {
		e := &events[i]
		if e.Details == nil {
			continue
		}
		n := x.prog.root.nodes[e.Details.Name]
		switch {
		case n == nil:
		case strings.HasSuffix(string(e.Type), "StateEntered"):
			input, err := value.Parse(e.Details.Input.String())
			if err != nil {
				return nil, fmt.Errorf("engine: the input of event %d is not JSON: %w", e.ID, err)
			}
			at = &stop{node: n, input: input, event: e.ID, previous: e.PreviousID, time: e.Time}
		case strings.HasSuffix(string(e.Type), "StateExited"):
			at = nil
			if err := x.reassign(e); err != nil {
				return nil, err
			}
		}
	}
	if at == nil {
		return nil, fmt.Errorf("engine: the history names no state of this machine that the execution stopped in")
	}
	return at, nil
}

func (x *execution) reassign(e *history.Event) error {
	for _, v := range e.Details.AssignedVariables {
		val, err := value.Parse(v.Text.String())
		if err != nil {
			return fmt.Errorf("engine: variable %s in event %d is not JSON: %w", v.Name, e.ID, err)
		}
		x.root.assign([]assignment{{v.Name, val}})
	}
	return nil
}
