package diagnose

import (
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/history"
)

// none stands for "no such index".
const none int32 = -1

// maxDepth bounds how many Maps and Parallels in each other are followed, so that
// time stays linear whatever a history claims.
const maxDepth = 64

// trace is a history put in order: which event belongs to which entering of
// which state, in which iteration or branch, and what became of each failure.
//
// It is built in one pass, each event looking only at the one its
// previousEventId names, and only if that came earlier: so it takes linear time
// and no cycle can catch it. Iterations and branches run concurrently and their
// events are interleaved; only that chain tells them apart.
type trace struct {
	events   []history.Event
	base     int64           // id of events[0], where ids are consecutive
	ids      map[int64]int32 // else
	in       []int32         // by event: the entry it belongs to
	at       []int32         // by event: the scope it is in
	entries  []entry
	scopes   []scope
	failures []failing
	latest   map[string]int32 // by state name: its latest entry
	end      int32            // the event that ended the execution
	final    int32            // the failure that did
	turns    int              // turns of the loops so far: what tests measure, as no clock can be trusted
}

// entry is one entering of a state.
type entry struct {
	name, kind string
	event      int32 // its …StateEntered; none where that is not recorded
	exit       int32
	scope      int32
	attempts   int // of work, or starts of a Map or Parallel
	scheduled  int32
	mapRun     int32
	own        int32   // failure of its own work that is not yet overcome
	pending    int32   // the failure that it fails with, its own or one from inside
	caught     int32   // the failure that its catcher took
	inner      []int32 // failures inside it, in this try
	iteration  int32   // the one that its last failed iteration failed with
	open       bool    // not left, not failed
	worked     bool    // work of its own succeeded
	succeeded  bool    // a Map or Parallel did
}

// scope is where states run one after the other: the machine, an iteration, a branch.
type scope struct {
	owner   int32 // the Map or Parallel
	index   int64 // of the iteration; -1: a branch, or the machine
	unknown bool  // its beginning is not recorded
}

// failing is one failure and what became of it.
type failing struct {
	entry   int32
	event   int32
	outcome Outcome
	catcher int32 // the entry that caught it: the state itself, or a Map or Parallel around it
	target  string
}

func newTrace(events []history.Event) *trace {
	t := &trace{
		events: events, in: make([]int32, len(events)), at: make([]int32, len(events)),
		scopes: []scope{{owner: none, index: -1}}, latest: map[string]int32{}, end: none, final: none,
	}
	t.number()
	for i := range t.in {
		t.in[i] = none // until its event has been looked at, whatever refers to it before
	}
	for i := range events {
		t.step(int32(i))
	}
	return t
}

// number makes events findable by id.
func (t *trace) number() {
	if len(t.events) == 0 {
		return
	}
	t.base = t.events[0].ID
	for i := range t.events {
		if t.events[i].ID != t.base+int64(i) {
			t.ids = make(map[int64]int32, len(t.events))
			break
		}
	}
	if t.ids != nil {
		for i := range t.events {
			t.ids[t.events[i].ID] = int32(i)
		}
	}
}

// find returns the event of that id, or none.
func (t *trace) find(id int64) int32 {
	if id <= 0 {
		return none
	}
	if t.ids != nil {
		if i, ok := t.ids[id]; ok {
			return i
		}
		return none
	}
	if i := id - t.base; i >= 0 && i < int64(len(t.events)) {
		return int32(i)
	}
	return none
}

// previous returns the event that i chains to, or none.
func (t *trace) previous(i int32) int32 {
	e := &t.events[i]
	if e.ID <= 0 { // ids were lost: only the order is left
		return i - 1
	}
	if p := t.find(e.PreviousID); p < i {
		return p
	}
	return none
}

func (t *trace) step(i int32) {
	t.turns++
	e := &t.events[i]
	p := t.previous(i)
	t.in[i], t.at[i] = none, 0
	if p != none {
		t.in[i], t.at[i] = t.in[p], t.at[p]
	} else if i > 0 && e.PreviousID != 0 {
		t.at[i] = t.newScope(scope{owner: none, index: -1, unknown: true})
	}
	switch {
	case e.Type.IsEntered():
		t.entered(i, p)
	case e.Type.IsExited():
		t.exited(i, p)
	default:
		t.other(i, p)
	}
}

func (t *trace) other(i, p int32) {
	switch t.events[i].Type {
	case history.TaskScheduled, history.LambdaFunctionScheduled, history.ActivityScheduled:
		t.tried(i)
	case history.LambdaFunctionScheduleFailed, history.ActivityScheduleFailed:
		if n := t.in[i]; n == none || t.entries[n].scheduled == none || t.entries[n].scheduled != p {
			t.tried(i)
		}
		t.failed(i, t.in[i])
	case history.TaskFailed, history.TaskStartFailed, history.TaskSubmitFailed, history.TaskTimedOut, history.MapRunFailed,
		history.LambdaFunctionFailed, history.LambdaFunctionStartFailed, history.LambdaFunctionTimedOut,
		history.ActivityFailed, history.ActivityTimedOut:
		t.failed(i, t.in[i])
	case history.EvaluationFailed:
		t.evaluationFailed(i)
	case history.TaskSucceeded, history.LambdaFunctionSucceeded, history.ActivitySucceeded, history.MapRunSucceeded:
		t.workSucceeded(i)
	case history.MapRunStarted, history.MapRunRedriven:
		if n := t.in[i]; n != none {
			t.entries[n].mapRun = i
		}
	case history.MapStateStarted, history.ParallelStateStarted:
		t.containerStarted(i, p)
	case history.MapStateFailed, history.ParallelStateFailed:
		t.containerFailed(i, p)
	case history.MapStateSucceeded, history.ParallelStateSucceeded:
		t.containerSucceeded(i, p)
	case history.MapIterationStarted, history.MapIterationSucceeded, history.MapIterationFailed, history.MapIterationAborted:
		t.iteration(i, p)
	case history.TaskStateAborted, history.WaitStateAborted, history.MapStateAborted, history.ParallelStateAborted:
		if n := t.in[i]; n != none {
			t.entries[n].open = false
		}
	case history.ExecutionFailed:
		t.ended(i, p)
	case history.ExecutionAborted, history.ExecutionTimedOut, history.ExecutionSucceeded:
		t.end = i
	case history.ExecutionRedriven:
		t.redriven(i)
	}
}

func (t *trace) newScope(s scope) int32 {
	t.scopes = append(t.scopes, s)
	return int32(len(t.scopes) - 1)
}

func (t *trace) newEntry(i, scope int32, name, kind string) int32 {
	n := int32(len(t.entries))
	t.entries = append(t.entries, entry{
		name: name, kind: kind, event: i, exit: none, scope: scope, open: true,
		scheduled: none, mapRun: none, own: none, pending: none, caught: none, iteration: none,
	})
	return n
}

func (t *trace) newFailure(n, i int32) int32 {
	t.failures = append(t.failures, failing{entry: n, event: i, catcher: none})
	f := int32(len(t.failures) - 1)
	for range maxDepth {
		if n = t.scopes[t.entries[n].scope].owner; n == none {
			break
		}
		t.entries[n].inner = append(t.entries[n].inner, f)
	}
	return f
}

func (t *trace) entered(i, p int32) {
	e := &t.events[i]
	s := t.at[i]
	if p != none && t.events[p].Type == history.ParallelStateStarted && t.in[p] != none {
		s = t.newScope(scope{owner: t.in[p], index: -1})
	}
	name := ""
	if e.Details != nil {
		name = e.Details.Name
	}
	if p != none && t.events[p].Type == history.ExecutionRedriven {
		if n := t.nearest(p, func(x *entry) bool { return x.name == name }); n != none {
			s = t.entries[n].scope
		}
	}
	if p != none && t.in[p] != none {
		if before := &t.entries[t.in[p]]; before.exit == p && before.caught != none {
			t.failures[before.caught].target = name
		}
	}
	n := t.newEntry(i, s, name, e.Type.StateType())
	t.latest[name] = n
	t.in[i], t.at[i] = n, s
	if e.Type == history.FailStateEntered {
		t.entries[n].open = false
		t.entries[n].pending = t.newFailure(n, i)
	}
}

func (t *trace) exited(i, p int32) {
	e := &t.events[i]
	name := ""
	if e.Details != nil {
		name = e.Details.Name
	}
	n := t.nearest(p, func(x *entry) bool { return x.name == name && x.exit == none })
	if n == none {
		if latest, ok := t.latest[name]; ok && t.entries[latest].exit == none {
			n = latest
		} else {
			n = t.newEntry(none, t.at[i], name, e.Type.StateType())
		}
	}
	x := &t.entries[n]
	x.exit, x.open = i, false
	t.in[i], t.at[i] = n, x.scope
	if f := t.carried(n); f != none {
		t.caught(f, n)
	} else if x.kind == "Task" && !x.worked && x.own == none && t.silent(n) {
		t.caught(t.newFailure(n, i), n)
	}
}

// carried is the failure with which a state is left: a catcher took it.
func (t *trace) carried(n int32) int32 {
	x := &t.entries[n]
	if x.pending != none {
		return x.pending
	}
	if x.succeeded {
		return none
	}
	return t.lastInside(n)
}

// output is what is recorded as the output of an entry.
func (t *trace) output(n int32) history.Payload {
	if i := t.entries[n].exit; i != none && t.events[i].Details != nil {
		return t.events[i].Details.Output
	}
	return history.Payload{}
}

func (t *trace) caught(f, n int32) {
	t.failures[f].outcome = Caught
	t.failures[f].catcher = n
	t.entries[n].pending = none
	t.entries[n].own = none
	t.entries[n].caught = f
}

// silent reports that a Task that tried nothing, or whose result is not
// recorded, was left with an error output that it did not get as input.
func (t *trace) silent(n int32) bool {
	out := t.output(n)
	if !mayHoldError(out) {
		return false
	}
	_, ok := newErrorOutput(t.input(n), out)
	return ok
}

// input is what is recorded as the input of an entry.
func (t *trace) input(n int32) history.Payload {
	if i := t.entries[n].event; i != none && t.events[i].Details != nil {
		return t.events[i].Details.Input
	}
	return history.Payload{}
}

func (t *trace) tried(i int32) {
	n := t.in[i]
	if n == none {
		return
	}
	t.entries[n].attempts++
	t.entries[n].scheduled = i
	t.entries[n].open = true
}

// failed records that work of entry n failed. Tries of one state are one failure.
func (t *trace) failed(i, n int32) {
	if n == none {
		return
	}
	x := &t.entries[n]
	if x.own != none && t.failures[x.own].outcome == "" {
		t.failures[x.own].event = i
	} else {
		x.own = t.newFailure(n, i)
	}
	t.entries[n].pending = t.entries[n].own
}

func (t *trace) workSucceeded(i int32) {
	n := t.in[i]
	if n == none {
		return
	}
	x := &t.entries[n]
	x.worked = true
	if x.own != none {
		t.failures[x.own].outcome = Retried
	}
	x.own, x.pending = none, none
}

// evaluationFailed: its previousEventId points before the StateEntered, so the
// state is known from the cause, else from the state's name.
func (t *trace) evaluationFailed(i int32) {
	d := t.events[i].Details
	if d == nil {
		return
	}
	n := t.named(d.Cause)
	if n == none || d.State != "" && t.entries[n].name != d.State {
		if latest, ok := t.latest[d.State]; ok {
			n = latest
		} else {
			n = t.in[i]
		}
	}
	if n == none {
		return
	}
	t.in[i], t.at[i] = n, t.entries[n].scope
	t.failed(i, n)
}

const (
	runtimeOpening = "An error occurred while executing the state '"
	runtimeEvent   = "' (entered at the event id #"
)

// named returns the entry that a cause of AWS's own names, or none:
//
//	An error occurred while executing the state 'Charge' (entered at the event id #7). …
func (t *trace) named(cause *string) int32 {
	if cause == nil {
		return none
	}
	rest, ok := strings.CutPrefix(*cause, runtimeOpening)
	if !ok {
		return none
	}
	name, rest, ok := strings.Cut(rest, runtimeEvent)
	if !ok {
		return none
	}
	number, _, _ := strings.Cut(rest, ")")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return none
	}
	i := t.find(id)
	if i == none || !t.events[i].Type.IsEntered() || t.events[i].Details == nil || t.events[i].Details.Name != name {
		return none
	}
	return t.in[i]
}

// nearest walks from event p outwards and returns the first entry that fits, or none.
func (t *trace) nearest(p int32, fits func(*entry) bool) int32 {
	if p == none {
		return none
	}
	n, s := t.in[p], t.at[p]
	for range maxDepth {
		t.turns++
		if n != none && fits(&t.entries[n]) {
			return n
		}
		if n = t.scopes[s].owner; n == none {
			return none
		}
		s = t.entries[n].scope
	}
	return none
}
