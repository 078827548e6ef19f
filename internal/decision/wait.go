// Package decision is a person's answer to an execution that failed and waits for one,
// as instrument.Options.Approve has it: it finds in the history what waits, and whose
// input a retry needs, and sends the answer.
//
// It knows nothing of why the execution failed.
package decision

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Wait is a failure that waits for a decision.
type Wait struct {
	State string    // that failed
	Error string    // it failed with; "": not known
	Since time.Time // it waits
	Until time.Time // after that nobody is asked; zero: not known

	token string
	event int64           // the task's schedule
	input history.Payload // of the state that failed, when it was entered last
	held  int             // bytes that the waiting state has, and hands on with the decision
}

// Format writes nothing of what is secret in it: whoever has the token can answer the task.
func (w Wait) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "a wait of the state %q", w.State) }

// NotWaiting is the error of an execution that waits for no decision.
type NotWaiting struct {
	Status  history.Status // "" is not known
	State   string         // that it is in or was in last
	Decided *instrument.DecisionRecord
	Expired bool // nobody decided in time
}

func (e *NotWaiting) Error() string {
	s := "the execution does not wait for a decision"
	switch {
	case e.Decided != nil && e.Decided.By != "":
		s += fmt.Sprintf(": it was decided already, %s by %s at %s", e.Decided.Decision, e.Decided.By, e.Decided.At.UTC().Format(time.RFC3339))
	case e.Decided != nil:
		s += ": it was decided already"
	case e.Expired:
		s += ": nobody decided in time"
	}
	if e.Status != "" && e.State != "" {
		s += fmt.Sprintf(" (%s, in the state %q)", e.Status, e.State)
	}
	return s
}

// errFurtherBack says that the events that are needed come before those at hand.
var errFurtherBack = errors.New("the history at hand does not reach back to where the state that failed was entered")

// Find finds what waits in an execution. The error is a *NotWaiting where nothing does.
// The newest events do, from the last entering of the state that failed on.
func Find(x *history.Execution) (*Wait, error) {
	w, at, err := wait(x)
	if err != nil {
		return nil, err
	}
	events := x.Events()
	entered := lastEntered(events, at, func(name string) bool { return name == w.State })
	if entered < 0 {
		return nil, errFurtherBack
	}
	w.input = events[entered].Details.Input
	return w, nil
}

// wait finds what waits, but for the input of the state that failed, and where the
// waiting state was entered. The newest page of events does: nothing else happens meanwhile.
func wait(x *history.Execution) (w *Wait, at int, err error) {
	at, scheduled := openWait(x)
	if scheduled == nil {
		return nil, at, notWaiting(x)
	}
	w = &Wait{Since: scheduled.Time}
	if s := scheduled.Details.TimeoutSeconds; s != nil {
		w.Until = w.Since.Add(time.Duration(*s) * time.Second)
	}
	return w, at, w.read(&x.Events()[at], scheduled)
}

// openWait returns where the waiting state was entered that the execution is in, and the
// schedule of its task; nil where it is in none.
func openWait(x *history.Execution) (at int, scheduled *history.Event) {
	events := x.Events()
	at = lastEntered(events, len(events), func(string) bool { return true })
	if at < 0 || !instrument.Waits(events[at].Details.Name) || status(x) != history.Running {
		return at, nil
	}
	return at, open(events[at:])
}

// read takes from the waiting state's entering what failed, and from its schedule the token.
func (w *Wait) read(entered, scheduled *history.Event) error {
	held := entered.Details.Input.String()
	var of struct {
		State   string
		Failure struct{ Error string }
	}
	if json.Unmarshal([]byte(held), &of) != nil || of.State == "" {
		return errors.New("the history does not tell which state failed: the input of the waiting state is missing in it; see whether the execution's data is encrypted with a key that you may use")
	}
	var parameters struct{ Payload struct{ TaskToken string } }
	if json.Unmarshal([]byte(scheduled.Details.Parameters.String()), &parameters) != nil || parameters.Payload.TaskToken == "" {
		return errors.New("the history does not have the task's token: the parameters of the waiting task are missing in it; see whether the execution's data is encrypted with a key that you may use")
	}
	w.State, w.Error, w.held = of.State, of.Failure.Error, len(held)
	w.token, w.event = parameters.Payload.TaskToken, scheduled.ID
	return nil
}

// open returns the schedule of the task of a state that has not ended, nil where there is none.
func open(events []history.Event) *history.Event {
	var scheduled *history.Event
	for i := range events {
		switch e := &events[i]; e.Type {
		case history.TaskScheduled:
			scheduled = e
		case history.TaskSucceeded, history.TaskFailed, history.TaskTimedOut, history.TaskStartFailed, history.TaskSubmitFailed:
			scheduled = nil
		}
	}
	if scheduled == nil || scheduled.Details == nil {
		return nil
	}
	return scheduled
}

// lastEntered returns the last of the first n events in which a state of such a name
// was entered, -1 for none.
func lastEntered(events []history.Event, n int, named func(string) bool) int {
	for i := n - 1; i >= 0; i-- {
		if e := &events[i]; e.Type.IsEntered() && e.Details != nil && named(e.Details.Name) {
			return i
		}
	}
	return -1
}

// status is RUNNING for an execution whose end is not among its events.
func status(x *history.Execution) history.Status {
	events := x.Events()
	if len(events) > 0 {
		if s := events[len(events)-1].Type.Status(); s != "" {
			return s
		}
	}
	return history.Running
}

// notWaiting says what the execution does instead, and what became of its last wait.
func notWaiting(x *history.Execution) *NotWaiting {
	events := x.Events()
	e := &NotWaiting{Status: status(x)}
	if last := lastEntered(events, len(events), func(string) bool { return true }); last >= 0 {
		e.State = events[last].Details.Name
	}
	at := lastEntered(events, len(events), instrument.Waits)
	if at < 0 {
		return e
	}
	for i := at; i < len(events); i++ {
		switch ev := &events[i]; {
		case ev.Type == history.TaskTimedOut:
			e.Expired = true
			return e
		case ev.Type == history.TaskSucceeded:
			e.Decided = new(instrument.DecisionRecord)
			if ev.Details != nil {
				_ = json.Unmarshal([]byte(ev.Details.Output.String()), e.Decided) // of any form
			}
			return e
		}
	}
	return e
}

// maxOutput is how large the output of a state may be, in bytes (AWS quotas).
const maxOutput = 256 << 10

// Answer is what a person decides.
type Answer struct {
	Decision instrument.Decision
	By       string // who
	At       time.Time
	Note     string
	Output   []byte // JSON, for DecideSkip and no other
}

// Record is the output that ends the wait. The error says what is wrong with the answer,
// or that it does not fit into the execution.
func (w *Wait) Record(a Answer) ([]byte, error) {
	r := instrument.DecisionRecord{Decision: a.Decision, By: a.By, At: a.At.UTC().Truncate(time.Second), Note: a.Note}
	switch a.Decision {
	case instrument.DecideRetry:
		if w.input.IsAbsent() || w.input.Truncated || !valid(w.input.String()) {
			return nil, fmt.Errorf("the input of the state %q is missing in the history, or cut short, so that it cannot be run again; skip it with an output of your own, or end the execution and start it anew", w.State)
		}
		r.Input = json.RawMessage(w.input.String())
	case instrument.DecideSkip:
		if !valid(string(a.Output)) {
			return nil, errors.New("to skip needs the output that the state is to have had, as JSON")
		}
		r.Output = a.Output
	case instrument.DecideFail:
	default:
		return nil, fmt.Errorf("decision %q: it is retry, skip or fail", a.Decision)
	}
	if len(a.Output) > 0 && a.Decision != instrument.DecideSkip {
		return nil, errors.New("an output goes with skip alone")
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // the input is to come back as it was
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("write the decision: %w", err)
	}
	out := bytes.TrimSpace(text.Bytes())
	return out, w.fits(len(out))
}

func valid(text string) bool {
	_, err := value.Parse(text)
	return err == nil
}

// fits checks the output of the waiting state: what it has and the record beside it.
func (w *Wait) fits(record int) error {
	const member = len(`,"decision":`)
	if size := w.held + member + record; size > maxOutput {
		return fmt.Errorf("the decision does not fit: with what the waiting state holds it makes an output of %d KiB, and a state's output may have %d KiB; skip with a smaller output, or end the execution (fail) and start it anew", (size+1023)>>10, maxOutput>>10)
	}
	return nil
}
