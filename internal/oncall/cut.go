package oncall

import (
	"encoding/json"
	"slices"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
)

// endedAt returns the execution as it would have ended if nobody had caught the
// failure of that state: cut where its catcher took over, and closed by the
// failure. So a failure is located the same way whether it was caught for the
// troubleshooter or not. Where the state is not found the execution stays as it is.
func endedAt(x *history.Execution, state string, failure *CaughtFailure) *history.Execution {
	events := x.Events()
	i := lastExit(events, state)
	if i < 0 {
		return x
	}
	exit := events[i]
	out := head(x)
	out.Status, out.Stop = history.Failed, exit.Time
	if failure != nil {
		out.Error, out.Cause = failure.Error, failure.Cause
	}
	if events[0].ID == 1 && exit.ID == int64(i+1) {
		out.Incomplete = false // what may be missing comes after
	}
	before := slices.Clone(events[:i:i])
	out.SetEvents(append(before, history.Event{
		ID:         exit.ID,
		PreviousID: exit.PreviousID,
		Type:       "ExecutionFailed",
		Time:       exit.Time,
		Details:    &history.Details{Error: out.Error, Cause: out.Cause},
	}))
	return out
}

// endedWell returns a running execution, all of whose own states are done, as one
// that succeeded.
func endedWell(x *history.Execution) *history.Execution {
	out := head(x)
	out.Status = history.Succeeded
	events := beforeOurs(x.Events())
	if len(events) > 0 {
		last := events[len(events)-1]
		out.Stop = last.Time
		if last.Type != "ExecutionSucceeded" {
			events = append(slices.Clone(events), history.Event{
				ID: last.ID + 1, PreviousID: last.ID, Type: "ExecutionSucceeded", Time: last.Time, Details: &history.Details{},
			})
		}
	}
	out.SetEvents(events)
	return out
}

// beforeOurs returns the events before the states that instrument added, of which the
// execution is in the last. Ones before a state of its own stay: a person had it go on.
func beforeOurs(events []history.Event) []history.Event {
	end := len(events)
	for i := len(events) - 1; i >= 0; i-- {
		e := &events[i]
		if !e.Type.IsEntered() || e.Details == nil {
			continue
		}
		if !instrument.Added(e.Details.Name) {
			break
		}
		end = i
	}
	return events[:end:end]
}

// head copies an execution without its events.
func head(x *history.Execution) *history.Execution {
	return &history.Execution{
		ARN: x.ARN, Name: x.Name, StateMachineARN: x.StateMachineARN, MapRunARN: x.MapRunARN, Type: x.Type,
		Start: x.Start, Input: x.Input, RedriveCount: x.RedriveCount, Incomplete: x.Incomplete,
	}
}

func lastExit(events []history.Event, state string) int {
	for i := len(events) - 1; i >= 0; i-- {
		e := &events[i]
		if e.Type.IsExited() && e.Details != nil && e.Details.Name == state {
			return i
		}
	}
	return -1
}

// Uncaught returns an execution that ended in the states that instrument added, or waits
// for a decision there, as it would have ended without them, so that word of it from
// outside is the same failure that the workflow itself told of; and whether it did.
func Uncaught(x *history.Execution) (*history.Execution, bool) {
	events := x.Events()
	last := lastEntered(events)
	if last < 0 || !instrument.Added(events[last].Details.Name) {
		return x, false
	}
	failure := &CaughtFailure{Error: x.Error, Cause: x.Cause}
	switch {
	case x.Status == history.Failed:
	case (x.Status == history.Running || x.Status == "") && instrument.Waits(events[last].Details.Name):
		failure = failureThatWaits(&events[last])
	default:
		return x, false
	}
	for i := last; i >= 0; i-- {
		e := &events[i]
		if !e.Type.IsEntered() || e.Details == nil || !instrument.Added(e.Details.Name) {
			continue
		}
		from := byID(events[:i], e.PreviousID)
		if from != nil && from.Type.IsExited() && from.Details != nil && !instrument.Added(from.Details.Name) {
			return endedAt(x, from.Details.Name, failure), true
		}
	}
	return x, false
}

// failureThatWaits is what the waiting state was entered with.
func failureThatWaits(entered *history.Event) *CaughtFailure {
	var input struct{ Failure CaughtFailure }
	_ = json.Unmarshal([]byte(entered.Details.Input.String()), &input) // of any form: what is missing is not known
	return &input.Failure
}

func lastEntered(events []history.Event) int {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Type.IsEntered() && events[i].Details != nil {
			return i
		}
	}
	return -1
}

func byID(events []history.Event, id int64) *history.Event {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].ID == id {
			return &events[i]
		}
	}
	return nil
}
