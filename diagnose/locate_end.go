package diagnose

// ended takes ExecutionFailed.
func (t *trace) ended(i, p int32) {
	t.end, t.final = i, none
	d := t.events[i].Details
	var cause, problem *string
	if d != nil {
		cause, problem = d.Cause, d.Error
	}
	n := none
	if p != none {
		n = t.in[p]
	}
	if said := t.named(cause); said != none && (n == none || t.entries[n].kind != "Fail") {
		n = said
	}
	if n == none {
		if n = t.guess(problem); n == none {
			return
		}
	}
	t.final = t.endedBy(n, i, problem)
}

// endedBy returns the failure of entry n that ended the execution with that
// error. Another error than the one n carries is a failure of n's own: a catcher
// that could not take it, or tolerance that was exceeded.
func (t *trace) endedBy(n, i int32, problem *string) int32 {
	x := &t.entries[n]
	if f := x.pending; f != none && !t.contradicts(f, problem) {
		return f
	}
	x.open = false
	return t.newFailure(n, i)
}

func (t *trace) contradicts(f int32, problem *string) bool {
	d := t.events[t.failures[f].event].Details
	return problem != nil && d != nil && d.Error != nil && *d.Error != *problem
}

// guess finds the entry that failed where the chain is broken: the latest failure
// with that error that nothing took, else the state that was never left.
func (t *trace) guess(problem *string) int32 {
	for f := len(t.failures) - 1; f >= 0; f-- {
		if t.failures[f].outcome == "" && !t.contradicts(int32(f), problem) {
			return t.failures[f].entry
		}
	}
	return t.stuck()
}

// stuck returns the state that was entered last and never left, or none.
func (t *trace) stuck() int32 {
	for n := int32(len(t.entries)) - 1; n >= 0; n-- {
		if t.isOpen(n) {
			return n
		}
	}
	return none
}

// isOpen reports that an entry and all around it were never left.
func (t *trace) isOpen(n int32) bool {
	for range maxDepth {
		x := &t.entries[n]
		if !x.open || x.exit != none {
			return false
		}
		if n = t.scopes[x.scope].owner; n == none {
			return true
		}
	}
	return false
}

// redriven takes ExecutionRedriven: it goes on in the state that failed.
func (t *trace) redriven(i int32) {
	n := none
	if t.final != none {
		t.failures[t.final].outcome = Redriven
		n = t.failures[t.final].entry
	} else {
		n = t.stuck()
	}
	t.end, t.final = none, none
	if n == none {
		return
	}
	t.entries[n].attempts = 0
	for o := n; o != none; o = t.scopes[t.entries[o].scope].owner {
		x := &t.entries[o]
		x.open, x.own, x.pending, x.iteration = true, none, none, none
	}
	t.in[i], t.at[i] = n, t.entries[n].scope
}
