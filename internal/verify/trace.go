package verify

import (
	"fmt"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
)

// trace puts the events of a history where they belong: to which visit of which
// state, in which iteration or branch, and to which attempt of its task. It is
// fed one event after the other, so that it can also follow a run while it runs.
//
// Iterations and branches are interleaved; only previousEventId tells them apart.
type trace struct {
	machine *asl.Machine
	names   map[string]string // by a state's name in this run: its name in the recording, where that is another

	root    *strand
	at      map[int64]*strand // by event
	types   map[int64]history.EventType
	left    map[int64]*visit // by exit event
	visits  []*visit
	byPlace map[string][]*visit
	byEvent map[int64]*visit // by StateEntered
	last    history.Event
	end     *history.Event // the last that ended the execution
}

// strand is where states run one after the other: the machine, a branch, an iteration.
type strand struct {
	owner *visit // the Map or Parallel around it
	index int64  // of the iteration; -1: none
	outer string // what is around the outermost strand, where a run starts further inside
	now   *visit // the state that it is in
}

// visit is one entering of a state.
type visit struct {
	name, kind string
	place      string // with the states around it: "Each/[3]/Charge"
	nth        int    // of the visits of this place, from 0
	strand     *strand
	event      int64 // StateEntered
	before     int64 // the event that this one follows
	at         time.Time
	input      history.Payload
	attempts   []*attempt
	err, cause *string // of the last attempt, or of what is inside; nil where that did not fail
	failing    bool    // the last thing that happened is a failure
	closed     bool    // a Map or Parallel that failed
	exit       *history.Event
	caught     bool // it was left through a catcher
	unread     bool // a distributed Map that could not read its items or write its results
}

// attempt is one attempt of a Task.
type attempt struct {
	scheduled history.Event
	taken     *history.Event // by a worker: of an activity
	submitted *history.Event
	end       *history.Event
}

func newTrace(m *asl.Machine) *trace {
	return &trace{
		machine: m, root: &strand{index: -1}, at: map[int64]*strand{}, types: map[int64]history.EventType{},
		left: map[int64]*visit{}, byPlace: map[string][]*visit{}, byEvent: map[int64]*visit{},
	}
}

func traceOf(x *history.Execution, m *asl.Machine) *trace {
	t := newTrace(m)
	for _, e := range x.Events() {
		t.add(e)
	}
	return t
}

func (s *strand) path() string {
	switch {
	case s.owner == nil:
		return s.outer
	case s.index >= 0:
		return s.owner.place + fmt.Sprintf("/[%d]/", s.index)
	}
	return s.owner.place + "/"
}

func (t *trace) add(e history.Event) {
	s := t.at[e.PreviousID]
	if s == nil {
		s = t.beginning(&e)
	}
	switch {
	case e.Type.IsEntered():
		s = t.entered(&e, s)
	case e.Type.IsExited():
		s = t.exited(&e, s)
	default:
		s = t.other(&e, s)
	}
	t.at[e.ID], t.types[e.ID], t.last = s, e.Type, e
}

// beginning is where an event is whose predecessor is not recorded: in the
// outermost machine, where the event's state is of that.
func (t *trace) beginning(e *history.Event) *strand {
	if e.PreviousID == 0 || e.Details != nil && t.machine != nil && t.machine.State(e.Details.Name) != nil {
		return t.root
	}
	return &strand{index: -1, outer: "?/"}
}

func (t *trace) entered(e *history.Event, s *strand) *strand {
	if t.types[e.PreviousID] == history.ParallelStateStarted && s.now != nil {
		s = &strand{owner: s.now, index: -1}
	}
	if t.types[e.PreviousID] == history.ExecutionRedriven {
		if v := t.resumed(e); v != nil {
			return v.strand
		}
	}
	v := &visit{kind: e.Type.StateType(), strand: s, event: e.ID, before: e.PreviousID, at: e.Time}
	if e.Details != nil {
		v.name, v.input = e.Details.Name, e.Details.Input
	}
	if from := t.left[e.PreviousID]; from != nil && t.viaCatcher(from, v.name) {
		from.caught = true
	}
	if old, ok := t.names[v.name]; ok {
		v.name = old
	}
	v.place = s.path() + v.name
	v.nth = len(t.byPlace[v.place])
	t.byPlace[v.place] = append(t.byPlace[v.place], v)
	t.byEvent[e.ID] = v
	t.visits = append(t.visits, v)
	s.now = v
	return s
}

// resumed finds the visit that goes on after ExecutionRedriven, where that enters
// its state anew.
func (t *trace) resumed(e *history.Event) *visit {
	for i := len(t.visits) - 1; i >= 0; i-- {
		if v := t.visits[i]; v.exit == nil && e.Details != nil && v.name == e.Details.Name {
			t.byEvent[e.ID] = v
			return v
		}
	}
	return nil
}

// viaCatcher tells what no event does: that a state whose result could not be
// placed was left for a catcher's state.
func (t *trace) viaCatcher(from *visit, to string) bool {
	if t.machine == nil {
		return false
	}
	for _, s := range t.machine.Lookup(from.name) {
		for _, c := range s.Catch {
			if s.Next != to && c.Next == to {
				return true
			}
		}
	}
	return false
}

func (t *trace) exited(e *history.Event, s *strand) *strand {
	name := ""
	if e.Details != nil {
		name = e.Details.Name
	}
	if old, ok := t.names[name]; ok {
		name = old
	}
	s = s.outwards(func(v *visit) bool { return v.name == name && v.exit == nil })
	if v := s.now; v != nil && v.name == name {
		v.exit, v.caught = e, v.failing
		t.left[e.ID] = v
	}
	return s
}

// outwards is the nearest strand, from s on, that is in a fitting state; s where there is none.
func (s *strand) outwards(fits func(*visit) bool) *strand {
	for at := s; at != nil; {
		if at.now != nil && fits(at.now) {
			return at
		}
		if at.owner == nil {
			break
		}
		at = at.owner.strand
	}
	return s
}

func (s *strand) around(kind string) *strand {
	return s.outwards(func(v *visit) bool { return v.kind == kind && v.exit == nil && !v.closed })
}

func (t *trace) other(e *history.Event, s *strand) *strand {
	kind := strings.TrimSuffix(string(e.Type), "Aborted")
	switch e.Type {
	case history.ExecutionStarted:
		return t.root
	case history.ExecutionFailed, history.ExecutionAborted, history.ExecutionTimedOut, history.ExecutionSucceeded:
		end := *e
		t.end = &end
	case history.ExecutionRedriven:
		t.redriven()
	case history.EvaluationFailed:
		return t.evaluationFailed(e, s)
	case history.MapIterationStarted, history.MapIterationSucceeded, history.MapIterationFailed, history.MapIterationAborted:
		return t.iteration(e, s)
	case history.MapStateStarted, history.ParallelStateStarted:
		s = s.around(strings.TrimSuffix(kind, "StateStarted"))
		s.now.recover()
	case history.MapStateFailed, history.ParallelStateFailed:
		return t.containerFailed(e, s)
	case history.MapStateSucceeded, history.ParallelStateSucceeded:
		s = s.around(strings.TrimSuffix(kind, "StateSucceeded"))
		s.now.recover()
	case history.MapRunFailed:
		s.now.fail(e)
		s.now.readFailed()
	default:
		s.now.work(e)
	}
	return s
}

// redriven takes ExecutionRedriven: what failed is tried anew.
func (t *trace) redriven() {
	t.end = nil
	for _, v := range t.visits {
		if v.exit == nil {
			v.attempts, v.closed = nil, false
			v.recover()
		}
	}
}

// evaluationFailed finds the state by its name and by the event before it was
// entered, which is where AWS chains EvaluationFailed to.
func (t *trace) evaluationFailed(e *history.Event, s *strand) *strand {
	if e.Details == nil {
		return s
	}
	var found *visit
	for i := len(t.visits) - 1; i >= 0; i-- {
		v := t.visits[i]
		if v.name != e.Details.State || v.exit != nil {
			continue
		}
		if v.before == e.PreviousID {
			found = v
			break
		}
		if found == nil {
			found = v
		}
	}
	if found == nil {
		return s
	}
	found.fail(e)
	return found.strand
}

func (t *trace) iteration(e *history.Event, s *strand) *strand {
	if e.Details == nil || e.Details.Index == nil {
		return s
	}
	name := e.Details.Name
	if old, ok := t.names[name]; ok {
		name = old
	}
	of := s.outwards(func(v *visit) bool { return v.name == name && v.exit == nil })
	if e.Type == history.MapIterationFailed {
		s.now.sink()
	}
	if e.Type != history.MapIterationStarted {
		return of
	}
	if of.now == nil || of.now.name != name {
		return &strand{index: -1, outer: fmt.Sprintf("?/%s/[%d]/", name, *e.Details.Index)}
	}
	return &strand{owner: of.now, index: *e.Details.Index}
}

func (t *trace) containerFailed(e *history.Event, s *strand) *strand {
	of := s.around(strings.TrimSuffix(string(e.Type), "StateFailed"))
	v := of.now
	if v == nil {
		return of
	}
	v.closed, v.failing = true, true
	if of != s && s.now != nil {
		s.now.sink()
		v.err, v.cause = s.now.err, s.now.cause
	}
	return of
}

func (v *visit) recover() {
	if v != nil {
		v.err, v.cause, v.failing = nil, nil, false
	}
}

func (v *visit) fail(e *history.Event) {
	if v == nil {
		return
	}
	v.recover()
	v.failing = true
	if e.Details != nil {
		v.err, v.cause = e.Details.Error, e.Details.Cause
	}
}

func (v *visit) readFailed() {
	if v != nil {
		name := textOr(v.err, "")
		v.unread = name == "States.ItemReaderFailed" || name == "States.ResultWriterFailed"
	}
}

// mapRun returns the visit of a distributed Map that could not read or write, or nil.
func (t *trace) mapRun(name string) *visit {
	for _, v := range t.visits {
		if v.name == name && v.unread {
			return v
		}
	}
	return nil
}

// sink marks a state that failed inside a Map or Parallel, though it has no event that says so.
func (v *visit) sink() {
	if v != nil && v.exit == nil {
		v.failing = true
	}
}

// work takes an event of a task.
func (v *visit) work(e *history.Event) {
	suffix, ok := taskEvent(e.Type)
	if !ok || v == nil {
		return
	}
	event := *e
	if suffix == "Scheduled" {
		v.recover()
		v.attempts = append(v.attempts, &attempt{scheduled: event})
		return
	}
	if n := len(v.attempts); suffix != "Started" && (n == 0 || v.attempts[n-1].end != nil) { // its beginning is not recorded
		v.attempts = append(v.attempts, &attempt{scheduled: event})
	}
	switch suffix {
	case "Started":
		if n := len(v.attempts); e.Type == history.ActivityStarted && n > 0 {
			v.attempts[n-1].taken = &event
		}
	case "Submitted":
		v.attempts[len(v.attempts)-1].submitted = &event
	case "Succeeded":
		v.attempts[len(v.attempts)-1].end = &event
		v.recover()
	case "Failed", "TimedOut", "ScheduleFailed", "StartFailed", "SubmitFailed":
		v.attempts[len(v.attempts)-1].end = &event
		v.fail(e)
	}
}

// taskEvent takes TaskSubmitFailed apart: it is "SubmitFailed" of a task.
func taskEvent(t history.EventType) (suffix string, ok bool) {
	for _, family := range []string{"LambdaFunction", "Activity", "Task"} {
		if suffix, ok = strings.CutPrefix(string(t), family); ok {
			return suffix, !strings.HasPrefix(suffix, "State")
		}
	}
	return "", false
}

// outermost is the visit of the machine's own state that v is in, or v itself.
func (v *visit) outermost() *visit {
	for v.strand.owner != nil {
		v = v.strand.owner
	}
	return v
}

// succeeded reports that the state was left as its author meant.
func (v *visit) succeeded() bool { return v.exit != nil && !v.caught }
