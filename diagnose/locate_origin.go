package diagnose

import (
	"strings"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// origin returns the earlier, caught failure that led to failure f, or none:
// one whose catcher was left on the way to f with no work in between that
// succeeded, or whose error output f's input still holds.
func (l *locator) origin(f int32) int32 {
	n := l.failures[f].entry
	if g := l.before(f); g != none {
		return g
	}
	if g := l.onTheWay(n); g != none {
		return g
	}
	return l.held(n)
}

// before returns an earlier failure of the very same entry: its catcher took it,
// but could not do what it says.
func (l *locator) before(f int32) int32 {
	for g := f - 1; g >= 0 && g >= f-2; g-- {
		if l.failures[g].entry == l.failures[f].entry && l.failures[g].outcome == "" {
			l.failures[g].outcome = Caught
			return g
		}
	}
	return none
}

// onTheWay walks back from entry n through the states before it, and out of the
// Map or Parallel around it, to the first catcher that was taken. Work that
// succeeded ends the walk; a Pass, a Choice or a Wait does no work.
func (l *locator) onTheWay(n int32) int32 {
	origin := none
	for steps := 0; n != none && steps <= len(l.entries); steps++ {
		l.turns++
		x := &l.entries[n]
		if x.caught != none {
			origin = x.caught
		} else if steps > 0 && (x.kind == "Task" || x.kind == "Map" || x.kind == "Parallel") && x.exit != none {
			return origin
		}
		if x.event == none {
			return origin
		}
		p := l.previous(x.event)
		if p == none {
			return origin
		}
		switch before := l.in[p]; {
		case before != none && l.entries[before].exit == p:
			n = before
		default:
			n = l.scopes[x.scope].owner
			if n != none { // the way that led to the Map or Parallel itself
				n = l.leftBefore(n)
			}
		}
	}
	return origin
}

// leftBefore returns the entry that was left just before the container n was entered,
// or the container around it.
func (l *locator) leftBefore(n int32) int32 {
	for n != none {
		l.turns++
		x := &l.entries[n]
		if x.event == none {
			return none
		}
		p := l.previous(x.event)
		if p == none {
			return none
		}
		if before := l.in[p]; before != none && l.entries[before].exit == p {
			return before
		}
		n = l.scopes[x.scope].owner
	}
	return none
}

// held returns the latest caught failure whose error output is in n's input.
func (l *locator) held(n int32) int32 {
	in, _ := l.inputOf(n)
	if !mayHoldError(in) {
		return none
	}
	outputs := errorOutputs(in)
	for g := int32(len(l.failures)) - 1; g >= 0; g-- {
		l.turns++
		at := &l.failures[g]
		if at.outcome != Caught || at.catcher == none || !l.leadsTo(at.catcher, n) {
			continue
		}
		mine, ok := newErrorOutput(l.input(at.catcher), l.output(at.catcher))
		if !ok {
			continue
		}
		for _, o := range outputs {
			if o.equal(mine) {
				return g
			}
		}
	}
	return none
}

// leadsTo reports that entry c was left before n was entered, in the scope of n
// or one around it.
func (l *locator) leadsTo(c, n int32) bool {
	exit, entered := l.entries[c].exit, l.entries[n].event
	if exit == none || entered == none || exit >= entered {
		return false
	}
	for range maxDepth {
		if l.entries[n].scope == l.entries[c].scope {
			return true
		}
		if n = l.scopes[l.entries[n].scope].owner; n == none {
			return false
		}
	}
	return false
}

// errorOutput is what a catcher makes of a failure: {"Error": …, "Cause": …}.
type errorOutput struct{ err, cause *string }

func (o errorOutput) equal(p errorOutput) bool {
	return equalText(o.err, p.err) && equalText(o.cause, p.cause)
}

func equalText(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// mayHoldError is a cheap look before a payload is parsed.
func mayHoldError(p history.Payload) bool {
	if p.IsAbsent() {
		return false
	}
	s := p.String()
	return strings.Contains(s, `"Error"`) && strings.Contains(s, `"Cause"`)
}

// newErrorOutput returns the error output that is in out and was not yet in in.
func newErrorOutput(in, out history.Payload) (o errorOutput, ok bool) {
	var old []errorOutput
	if mayHoldError(in) {
		old = errorOutputs(in)
	}
next:
	for _, o := range errorOutputs(out) {
		for _, p := range old {
			if o.equal(p) {
				continue next
			}
		}
		return o, true
	}
	return errorOutput{}, false
}

// errorOutputs finds every object in a payload that has a catcher's error output's members.
func errorOutputs(p history.Payload) []errorOutput {
	if !mayHoldError(p) {
		return nil
	}
	v, err := value.Parse(p.String())
	if err != nil {
		return nil
	}
	return appendErrorOutputs(nil, v)
}

func appendErrorOutputs(found []errorOutput, v value.Value) []errorOutput {
	switch v.Kind() {
	case value.KindObject:
		if o, ok := asErrorOutput(v); ok {
			found = append(found, o)
		}
		for _, m := range v.Members() {
			found = appendErrorOutputs(found, m.Value)
		}
	case value.KindArray:
		for _, item := range v.Items() {
			found = appendErrorOutputs(found, item)
		}
	}
	return found
}

func asErrorOutput(v value.Value) (o errorOutput, ok bool) {
	problem, ok1 := v.Get("Error")
	cause, ok2 := v.Get("Cause")
	if !ok1 || !ok2 {
		return o, false
	}
	if s, ok := problem.AsString(); ok {
		o.err = &s
	} else if !problem.IsNull() {
		return o, false
	}
	if s, ok := cause.AsString(); ok {
		o.cause = &s
	} else if !cause.IsNull() {
		return o, false
	}
	return o, true
}

// nested reads the cause of a state that started an execution and waited for it.
func nested(cause *string) *Nested {
	if cause == nil || !strings.HasPrefix(*cause, "{") || !strings.Contains(*cause, `"ExecutionArn"`) {
		return nil
	}
	v, err := value.Parse(*cause)
	if err != nil {
		return nil
	}
	text := func(name string) *string {
		if m, ok := v.Get(name); ok {
			if s, ok := m.AsString(); ok {
				return &s
			}
		}
		return nil
	}
	arn := text("ExecutionArn")
	if arn == nil {
		return nil
	}
	n := &Nested{ARN: *arn, Error: text("Error"), Cause: text("Cause")}
	if s := text("StateMachineArn"); s != nil {
		n.StateMachineARN = *s
	}
	if s := text("Status"); s != nil {
		n.Status = *s
	}
	return n
}
