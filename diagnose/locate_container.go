package diagnose

import (
	"strings"

	"github.com/stepsleuth/stepsleuth/history"
)

// lastInside is the latest failure inside a Map or Parallel that nothing took, or none.
func (t *trace) lastInside(n int32) int32 {
	x := &t.entries[n]
	if x.iteration != none {
		return x.iteration
	}
	for i := len(x.inner) - 1; i >= 0; i-- {
		t.turns++
		if f := x.inner[i]; t.failures[f].outcome == "" {
			return f
		}
	}
	return none
}

func (t *trace) nearestOpen(p int32, kind string) int32 {
	return t.nearest(p, func(x *entry) bool { return x.open && x.kind == kind })
}

func containerKind(e *history.Event) string {
	if strings.HasPrefix(string(e.Type), "Map") {
		return "Map"
	}
	return "Parallel"
}

func (t *trace) containerStarted(i, p int32) {
	n := t.nearestOpen(p, containerKind(&t.events[i]))
	if n == none {
		return
	}
	x := &t.entries[n]
	x.attempts++
	if x.attempts > 1 { // a retry: there is no new StateEntered
		t.resolve(n, Retried)
	}
	t.in[i], t.at[i] = n, x.scope
}

// resolve gives the failures inside n that are still open their outcome.
func (t *trace) resolve(n int32, outcome Outcome) {
	x := &t.entries[n]
	t.turns += len(x.inner)
	for _, f := range x.inner {
		if t.failures[f].outcome == "" {
			t.failures[f].outcome = outcome
		}
	}
	x.inner, x.iteration = x.inner[:0], none
}

func (t *trace) containerFailed(i, p int32) {
	n := t.nearestOpen(p, containerKind(&t.events[i]))
	if n == none {
		return
	}
	f := t.causeOf(p, n, i)
	x := &t.entries[n]
	x.pending, x.open = f, false
	t.turns += len(x.inner)
	for _, g := range x.inner {
		if g != f && t.failures[g].outcome == "" {
			t.failures[g].outcome = Beside
		}
	}
	x.inner = x.inner[:0]
	t.in[i], t.at[i] = n, x.scope
}

// causeOf returns the failure that the chain at p carries out of the state
// before the event i, which tells of it, up to the container n.
func (t *trace) causeOf(p, n, i int32) int32 {
	from := none
	if p != none {
		from = t.in[p]
	}
	if from == none {
		from = n
	}
	x := &t.entries[from]
	if x.pending != none {
		return x.pending
	}
	if from == n {
		if f := t.lastInside(n); f != none {
			return f
		}
	}
	x.open = false
	f := t.newFailure(from, i)
	t.entries[from].pending = f
	return f
}

func (t *trace) containerSucceeded(i, p int32) {
	n := t.nearestOpen(p, containerKind(&t.events[i]))
	if n == none {
		return
	}
	t.resolve(n, Tolerated)
	t.entries[n].succeeded = true
	t.in[i], t.at[i] = n, t.entries[n].scope
}

// iteration takes an event of a Map's iteration, which names the Map.
func (t *trace) iteration(i, p int32) {
	e := &t.events[i]
	if e.Details == nil {
		return
	}
	index := int64(0)
	if e.Details.Index != nil {
		index = *e.Details.Index
	}
	n := t.nearest(p, func(x *entry) bool { return x.name == e.Details.Name && x.kind == "Map" })
	if n == none {
		n = t.adopt(i, e.Details.Name, index)
	}
	if e.Type == history.MapIterationStarted {
		t.in[i], t.at[i] = none, t.newScope(scope{owner: n, index: index})
		return
	}
	if e.Type == history.MapIterationFailed {
		t.iterationFailed(i, p, n)
	}
	t.in[i], t.at[i] = n, t.entries[n].scope
}

func (t *trace) iterationFailed(i, p, n int32) {
	from := n
	if p != none && t.in[p] != none {
		from = t.in[p]
	}
	f := none
	if from != n {
		f = t.entries[from].pending
	}
	if f == none {
		f = t.newFailure(from, i)
	}
	if from == n {
		t.entries[n].inner = append(t.entries[n].inner, f)
	} else {
		t.entries[from].pending, t.entries[from].open = f, false
	}
	t.entries[n].iteration = f
}

// adopt makes an entry for a Map whose StateEntered is not recorded, and puts
// what was going on at event i into its iteration.
func (t *trace) adopt(i int32, name string, index int64) int32 {
	outer := t.newScope(scope{owner: none, index: -1, unknown: true})
	n := t.newEntry(none, outer, name, "Map")
	s := t.at[i]
	for range maxDepth {
		if t.scopes[s].owner == none {
			break
		}
		s = t.entries[t.scopes[s].owner].scope
	}
	if t.scopes[s].unknown && t.scopes[s].owner == none {
		t.scopes[s].owner, t.scopes[s].index = n, index
	}
	return n
}
