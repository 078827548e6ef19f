package diagnose

import (
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
)

// inputOf returns the input of an entry: as recorded, or where that is left out
// as the event before it tells it.
func (l *locator) inputOf(n int32) (in history.Payload, rebuilt bool) {
	for range maxDepth {
		in = l.input(n)
		if !in.IsAbsent() && !in.Truncated {
			return in, rebuilt
		}
		before, outer := l.inputBefore(n)
		if !before.IsAbsent() && !before.Truncated {
			return before, true
		}
		if outer == none {
			return in, false
		}
		n, rebuilt = outer, true
	}
	return in, false
}

// inputBefore returns the output that became n's input, or the Parallel whose
// input goes to its branches as it is.
func (l *locator) inputBefore(n int32) (before history.Payload, outer int32) {
	x := &l.entries[n]
	if x.event == none {
		return before, none
	}
	p := l.previous(x.event)
	if p == none || l.events[p].Type == history.ExecutionStarted {
		if owner := l.scopes[x.scope].owner; owner == none && !l.scopes[x.scope].unknown {
			return l.x.Input, none
		}
		return before, none
	}
	e := &l.events[p]
	if e.Type.IsExited() && e.Details != nil {
		return e.Details.Output, none
	}
	if e.Type == history.ParallelStateStarted {
		owner := l.scopes[x.scope].owner
		if owner == none {
			return before, none
		}
		if s := l.defined(l.entries[owner].name); s != nil && passesOn(s) {
			return before, owner
		}
	}
	return before, none
}

// passesOn reports that a Parallel gives its branches its own input.
func passesOn(s *asl.State) bool {
	return s.InputPath == nil && s.Parameters == nil && s.Arguments == nil
}
