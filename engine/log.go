package engine

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// entry is one event as the engine keeps it: references to what happened, made
// into a history.Event when somebody looks.
type entry struct {
	kind    *kind
	payload value.Value            // StateEntered, StateExited: the input or output
	fill    func(*history.Details) // says the rest; nil where there is no more to say
	prev    int64
	at      int64 // ms since 1970
}

// kind is what all events of a type, and of a state where they are about one, share.
type kind struct {
	typ   history.EventType
	state string
	about about
}

type about uint8

const (
	aboutEntry about = iota // of a state
	aboutExit               // of a state
	aboutOther              // without details where nothing fills them
	aboutEnd                // of the execution
	aboutPast               // of an execution that is redriven
)

// other is the kind of an event that is not about entering or leaving a state.
func other(typ history.EventType) *kind {
	if k := others[typ]; k != nil {
		return k
	}
	return &kind{typ: typ, about: aboutOther}
}

// others holds the kinds of which there may be many in one history.
var others = func() map[history.EventType]*kind {
	m := make(map[history.EventType]*kind)
	for _, typ := range []history.EventType{
		"MapIterationStarted", "MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted", "MapStateStarted",
		"MapStateSucceeded", "ParallelStateStarted", "ParallelStateSucceeded", "LambdaFunctionScheduled", "LambdaFunctionStarted",
		"LambdaFunctionSucceeded", "LambdaFunctionFailed", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "TaskFailed",
		"ExecutionStarted",
	} {
		m[typ] = &kind{typ: typ, about: aboutOther}
	}
	return m
}()

var pastKind = &kind{about: aboutPast}

// assignment is one variable that a state has set.
type assignment struct {
	name  string
	value value.Value
}

// log is an execution's history in the making. It belongs to the event loop;
// render may be called from anywhere.
type log struct {
	mu      sync.Mutex // guards chunks and count against render
	chunks  [][]entry  // an entry that was written stays as it is; seal alone copies
	count   int
	past    []history.Event // of an execution that is redriven: the first events
	limit   int             // events; 0: none
	observe func(history.Event)
	discard bool   // keep none
	full    func() // called once, when no event fits any more but the one that ends the execution
	first   int    // entries that there is room for at first; 0: firstChunk
}

const firstChunk, lastChunk = 16, 1024

// childChunk is firstChunk of the child executions of a distributed Map: there may be a
// million of them, of four events each.
const childChunk = 4

// add writes an event and returns its id. What does not fit is dropped: the
// execution is at its end then.
func (l *log) add(e entry) int64 {
	if l.limit > 0 && l.count >= l.limit-1 && e.kind.about != aboutEnd {
		if l.full != nil {
			l.full()
			l.full = nil
		}
		return int64(l.count)
	}
	l.mu.Lock()
	if !l.discard {
		l.keep(e)
	}
	l.count++
	l.mu.Unlock()
	if l.observe != nil && e.kind.about != aboutPast {
		l.observe(l.event(int64(l.count), &e))
	}
	return int64(l.count)
}

func (l *log) keep(e entry) {
	last := len(l.chunks) - 1
	if last < 0 || len(l.chunks[last]) == cap(l.chunks[last]) {
		l.chunks = append(l.chunks, make([]entry, 0, min(cmp.Or(l.first, firstChunk)<<(2*(last+1)), lastChunk)))
		last++
	}
	l.chunks[last] = append(l.chunks[last], e)
}

// seal lets go of what only a history that goes on needs.
func (l *log) seal() {
	l.full = nil
	l.mu.Lock()
	defer l.mu.Unlock()
	if last := len(l.chunks) - 1; last >= 0 && len(l.chunks[last]) < cap(l.chunks[last]) {
		l.chunks[last] = slices.Clone(l.chunks[last]) // a copy: render may be reading the other
	}
}

// addPast writes the events of an execution that is redriven.
func (l *log) addPast(events []history.Event) {
	l.past = events
	for range events {
		l.add(entry{kind: pastKind})
	}
}

func (l *log) render() []history.Event {
	l.mu.Lock()
	count, chunks := l.count, make([][]entry, len(l.chunks))
	copy(chunks, l.chunks)
	l.mu.Unlock()
	events := make([]history.Event, 0, min(count, len(chunks)*lastChunk))
	for _, chunk := range chunks {
		for i := range chunk {
			events = append(events, l.event(int64(len(events)+1), &chunk[i]))
		}
	}
	return events
}

func (l *log) event(id int64, e *entry) history.Event {
	if e.kind.about == aboutPast {
		return l.past[id-1]
	}
	ev := history.Event{ID: id, PreviousID: e.prev, Type: e.kind.typ, Time: time.UnixMilli(e.at).UTC()}
	switch e.kind.about {
	case aboutEntry:
		ev.Details = &history.Details{Name: e.kind.state, Input: payload(e.payload)}
	case aboutExit:
		ev.Details = &history.Details{Name: e.kind.state, Output: payload(e.payload)}
	default:
		if e.fill == nil {
			return ev
		}
		ev.Details = &history.Details{}
	}
	if e.fill != nil {
		e.fill(ev.Details)
	}
	return ev
}

// assigned says which variables a state has set.
func assigned(list []assignment) func(*history.Details) {
	if len(list) == 0 {
		return nil
	}
	return func(d *history.Details) {
		no := false
		d.AssignedDetails = &no
		d.AssignedVariables = make([]history.Variable, len(list))
		for i, a := range list {
			d.AssignedVariables[i] = history.Variable{Name: a.name, Text: payload(a.value)}
		}
	}
}

// payload is a value as an event carries it, or none for an absent value.
func payload(v value.Value) history.Payload {
	if v.IsAbsent() {
		return history.Payload{}
	}
	return history.Rendered(v)
}

// note writes an event that is not about entering or leaving a state; fill may be nil.
func (r *run) note(typ history.EventType, prev, at int64, fill func(*history.Details)) int64 {
	return r.log.add(entry{kind: other(typ), prev: prev, at: at, fill: fill})
}

// fill says what an event with just an error and a cause says.
func (f *failure) fill(d *history.Details) { d.Error, d.Cause = f.name, f.cause }
