package engine

import (
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// entry is one event as the engine keeps it: references to what happened, made
// into a history.Event when somebody looks.
type entry struct {
	kind    history.EventType
	prev    int64
	at      int64                   // ms since 1970
	state   string                  // StateEntered, StateExited
	payload value.Value             // their input or output
	assign  []assignment            // StateExited
	details func() *history.Details // every other kind; nil: no details member
	exited  bool
	bare    bool           // neither entered nor exited
	past    *history.Event // of an execution that is redriven
}

// assignment is one variable that a state has set.
type assignment struct {
	name  string
	value value.Value
}

// log is an execution's history in the making. It belongs to the event loop;
// render may be called from elsewhere once the execution has ended, and by
// snapshot while it runs.
type log struct {
	mu      sync.Mutex // guards entries against snapshot
	entries []entry
	limit   int // events; 0: none
	observe func(history.Event)
}

func (l *log) add(e entry) int64 {
	l.mu.Lock()
	l.entries = append(l.entries, e)
	id := int64(len(l.entries))
	l.mu.Unlock()
	if l.observe != nil && e.past == nil {
		l.observe(e.event(id))
	}
	return id
}

// full reports that only the last event, the one that ends the execution, still fits.
func (l *log) full() bool { return l.limit > 0 && len(l.entries) >= l.limit-1 }

func (l *log) render() []history.Event {
	l.mu.Lock()
	entries := l.entries
	l.mu.Unlock()
	events := make([]history.Event, len(entries))
	for i := range entries {
		events[i] = entries[i].event(int64(i + 1))
	}
	return events
}

func (e *entry) event(id int64) history.Event {
	if e.past != nil {
		return *e.past
	}
	ev := history.Event{ID: id, PreviousID: e.prev, Type: e.kind, Time: time.UnixMilli(e.at).UTC()}
	switch {
	case e.bare:
		if e.details != nil {
			ev.Details = e.details()
		}
	case e.exited:
		ev.Details = &history.Details{Name: e.state, Output: payload(e.payload)}
		if len(e.assign) > 0 {
			assigned(ev.Details, e.assign)
		}
	default:
		ev.Details = &history.Details{Name: e.state, Input: payload(e.payload)}
	}
	return ev
}

func assigned(d *history.Details, list []assignment) {
	no := false
	d.AssignedDetails = &no
	d.AssignedVariables = make([]history.Variable, len(list))
	for i, a := range list {
		d.AssignedVariables[i] = history.Variable{Name: a.name, Text: payload(a.value)}
	}
}

// payload is a value as an event carries it, or none for an absent value.
func payload(v value.Value) history.Payload {
	if v.IsAbsent() {
		return history.Payload{}
	}
	return history.Rendered(v)
}

// bare logs an event that is not about entering or exiting a state. details may be nil.
func (r *run) bare(kind history.EventType, prev, at int64, details func() *history.Details) int64 {
	return r.log.add(entry{kind: kind, prev: prev, at: at, bare: true, details: details})
}

// ended logs an event with the error and cause of f.
func (f *failure) details() *history.Details {
	return &history.Details{Error: f.name, Cause: f.cause}
}
