package oncall

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
)

// endedAt returns the execution as it would have ended if nobody had caught the
// failure of that state: cut where its catcher took over, and closed by the
// failure. So a failure is located the same way whether it was caught for the
// troubleshooter or not. Where the state is not found the execution stays as it is. A
// state may fail more than once: by is when it had happened, zero for the last time.
// Without a failure the events tell it.
func endedAt(x *history.Execution, state string, failure *CaughtFailure, by time.Time) *history.Execution {
	x = unsent(x)
	events := x.Events()
	i := lastExit(events, state, by)
	if i < 0 {
		return x
	}
	exit := events[i]
	if failure == nil {
		failure = failureBefore(events[:i], exit)
	}
	out := head(x)
	out.Status, out.Stop = history.Failed, exit.Time
	out.Error, out.Cause = failure.Error, failure.Cause
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
	x = unsent(x)
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

// beforeOurs returns the events before the workflow left the user's states for good.
func beforeOurs(events []history.Event) []history.Event {
	for i := len(events) - 1; i >= 0; i-- {
		if takesOver(events, i) {
			return events[:i:i]
		}
	}
	return events
}

// takesOver tells of an event that it enters a state of ours from one of the user's.
func takesOver(events []history.Event, i int) bool {
	e := &events[i]
	if !e.Type.IsEntered() || e.Details == nil || !instrument.Added(e.Details.Name) {
		return false
	}
	from := byID(events[:i], e.PreviousID)
	return from != nil && from.Type.IsExited() && from.Details != nil && !instrument.Added(from.Details.Name)
}

// unsent leaves out the states of ours that only told of a failure on the way to the
// user's handler, so that what led to what is seen as if they were not there.
func unsent(x *history.Execution) *history.Execution {
	events := x.Events()
	var kept []history.Event
	skipped := map[int64]int64{} // exits of ours, to the event before
	done := 0
	for i := range events {
		if i < done || !takesOver(events, i) {
			continue
		}
		end := nextExit(events, i)
		if end < 0 || !goesOn(events, end) {
			continue
		}
		kept = append(kept, events[done:i]...)
		skipped[events[end].ID] = events[i].PreviousID
		done = end + 1
	}
	if len(skipped) == 0 {
		return x
	}
	kept = append(kept, events[done:]...)
	for i := range kept {
		if before, ok := skipped[kept[i].PreviousID]; ok {
			kept[i].PreviousID = before
		}
	}
	out := head(x)
	out.Status, out.Stop, out.Output, out.Error, out.Cause = x.Status, x.Stop, x.Output, x.Error, x.Cause
	out.SetEvents(kept)
	return out
}

// nextExit is where the state is left that is entered at i, -1 where it is not.
func nextExit(events []history.Event, i int) int {
	for j := i; j < len(events); j++ {
		if e := &events[j]; e.Type.IsExited() && e.Details != nil && e.Details.Name == events[i].Details.Name {
			return j
		}
	}
	return -1
}

// goesOn tells whether a state of the user's comes after an event.
func goesOn(events []history.Event, i int) bool {
	if i+1 >= len(events) {
		return false
	}
	e := &events[i+1]
	return e.Type.IsEntered() && e.Details != nil && !instrument.Added(e.Details.Name)
}

// head copies an execution without its events.
func head(x *history.Execution) *history.Execution {
	return &history.Execution{
		ARN: x.ARN, Name: x.Name, StateMachineARN: x.StateMachineARN, MapRunARN: x.MapRunARN, Type: x.Type,
		Start: x.Start, Input: x.Input, RedriveCount: x.RedriveCount, Incomplete: x.Incomplete,
	}
}

func lastExit(events []history.Event, state string, by time.Time) int {
	for i := len(events) - 1; i >= 0; i-- {
		e := &events[i]
		if e.Type.IsExited() && e.Details != nil && e.Details.Name == state && (by.IsZero() || !e.Time.After(by)) {
			return i
		}
	}
	return -1
}

// failureBefore is what a state failed with that a catcher then left.
func failureBefore(events []history.Event, exit history.Event) *CaughtFailure {
	failed := byID(events, exit.PreviousID)
	if failed == nil || failed.Details == nil {
		return &CaughtFailure{}
	}
	return &CaughtFailure{Error: failed.Details.Error, Cause: failed.Details.Cause}
}

// Uncaught returns an execution that ended in the states that instrument added, or waits
// for a decision there, as it would have ended without them, so that word of it from
// outside is the same failure that the workflow itself told of; and whether it did.
func Uncaught(x *history.Execution) (*history.Execution, bool) {
	x = unsent(x)
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
		if takesOver(events, i) {
			from := byID(events[:i], events[i].PreviousID)
			return endedAt(x, from.Details.Name, failure, time.Time{}), true
		}
	}
	return x, false
}

// unpublished reports that the states that instrument added tried to tell people of an
// execution's failure, and failed at that.
func unpublished(x *history.Execution) bool {
	ours, failed := false, false
	for _, e := range x.Events() {
		switch {
		case e.Details == nil:
		case e.Type.IsEntered():
			ours = instrument.Added(e.Details.Name)
		case ours && e.Details.ResourceType == "sns":
			failed = failed && e.Type != "TaskSucceeded" || slices.Contains(notDone, e.Type)
		}
	}
	return failed
}

// notDone are the events of a task that came to nothing.
var notDone = []history.EventType{"TaskFailed", "TaskTimedOut", "TaskStartFailed", "TaskSubmitFailed"}

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
