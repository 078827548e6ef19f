// Package verify runs a recorded failure again with a fix applied, and says
// honestly what that showed.
//
//	history ──► answers ──┐
//	                      ├──► engine, the definition that ran: must fail as recorded
//	history ──► entry ────┤
//	                      └──► engine, the fixed definition: what becomes of it now?
//
// Time is virtual, nothing is called, and no answer is made up: tasks answer what
// was recorded, and only what they were asked then. Where that ends, so does the
// proof.
//
// It knows nothing of how a fix was found, and applies none.
package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
)

// Try runs the recorded failure of c again with the edits of r applied. It is a
// diagnose.TryFunc, and safe for concurrent use. It ends when ctx does, or when a
// run is as long as a history can be.
func Try(ctx context.Context, c *diagnose.Case, r diagnose.Remedy) diagnose.Verification {
	if len(r.Edits) == 0 {
		return unverifiable("this remedy changes nothing in the definition, so there is nothing to run here")
	}
	if v, ok := known(c); !ok {
		return v
	}
	text, err := asl.Apply(c.Machine.Source().Text, r.Edits)
	if err != nil {
		return refuted("the edits do not fit the definition that ran: %v", err)
	}
	fixed, err := parse(c.Machine, text)
	if err != nil {
		return refuted("with the fix, the definition is refused: %v", err)
	}
	return newStudy(c).verify(ctx, fixed)
}

func unverifiable(format string, args ...any) diagnose.Verification {
	return diagnose.Verification{Status: diagnose.Unverifiable, How: fmt.Sprintf(format, args...)}
}

func refuted(format string, args ...any) diagnose.Verification {
	return diagnose.Verification{Status: diagnose.Refuted, How: fmt.Sprintf(format, args...)}
}

// known reports that a case has what a run needs; else the Verification says what it lacks.
func known(c *diagnose.Case) (diagnose.Verification, bool) {
	switch subject := c.Subject(); {
	case c.Machine == nil || c.Machine.Source() == nil:
		return unverifiable("the definition that ran is not known"), false
	case c.Machine.IsTemplate():
		return unverifiable("some values of the definition are placeholders; give the one that was deployed (aws stepfunctions describe-state-machine)"), false
	case c.Execution == nil || len(c.Execution.Events()) == 0:
		return unverifiable("there is no history to replay; fetch it with get-execution-history"), false
	case c.Execution.Events()[0].ID <= 0:
		return unverifiable("the events of this history have no ids, so they do not say what follows what"), false
	case subject == nil:
		return unverifiable("nothing failed in this execution"), false
	case subject.Aborted:
		return unverifiable("the execution was stopped from outside, which cannot be replayed"), false
	}
	return diagnose.Verification{}, true
}

// parse parses a changed definition. The error is the first thing that Step
// Functions would refuse.
func parse(ran *asl.Machine, text string) (*asl.Machine, error) {
	m, err := asl.Parse(ran.Source().Name, []byte(text))
	return m, onlyOld(ran, m, err)
}

// onlyOld takes the errors of a changed definition, and returns the first that is
// not one of the definition that ran: what ran was accepted, whatever we think of it.
func onlyOld(ran, changed *asl.Machine, err error) error {
	var found, old asl.ErrorList
	if changed == nil || !errors.As(err, &found) {
		return err
	}
	_, before := asl.Parse("", []byte(ran.Source().Text))
	errors.As(before, &old)
	seen := map[string]bool{}
	for _, e := range old {
		seen[e.Pointer+" "+e.Message] = true
	}
	for _, e := range found {
		if !seen[e.Pointer+" "+e.Message] {
			return e
		}
	}
	return nil
}

// verify runs the failure with the definition that ran and with the fixed one,
// from the latest place that shows the whole fix; where the failure cannot be
// reproduced from there, from further off.
func (s *study) verify(ctx context.Context, fixed *asl.Machine) diagnose.Verification {
	if s.target == nil && !s.subject.TimedOut {
		return unverifiable("the failure could not be reproduced here: the state that failed is not in the history")
	}
	entries := s.entries(fixed)
	why := "the input of the state that failed, or of the states that the fix changes, is not in the history"
	for _, e := range entries {
		if s.readsInput(e, fixed) {
			why = "the definition reads the input of the execution, which is not in the history"
			continue
		}
		control := s.begin(ctx, e, s.c.Machine, nil)
		if ctx.Err() != nil {
			return unverifiable("the replay ran out of time")
		}
		if ok, reason := control.reproduced(); !ok {
			why = reason
			continue
		}
		r := s.begin(ctx, e, fixed, control)
		if ctx.Err() != nil {
			return unverifiable("the replay ran out of time")
		}
		v := r.judge()
		if name := s.late(fixed); name != "" && v.Status == diagnose.Refuted {
			return unverifiable("the fix changes %q, which may have run before the history begins", name)
		}
		return v
	}
	return unverifiable("the failure could not be reproduced here: %s", why)
}

// readsInput reports that a run may read the input of the execution from the
// Context object, and that this is not known.
func (s *study) readsInput(e entry, fixed *asl.Machine) bool {
	if _, ok := read(s.x.Input); ok {
		return false
	}
	text := fixed.Source().Text
	if e.alone {
		text = textOf(fixed, fixed.Lookup(s.nameIn(fixed, e.visit.name))[0])
	}
	for _, mark := range []string{"Execution.Input", `"$$"`, `"$$.Execution"`, "$states.context ", "context.Execution "} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

// entries lists where a run that shows the whole of a fix can begin, best first:
// the latest place comes first, as all before it is then as recorded.
func (s *study) entries(fixed *asl.Machine) []entry {
	var list []entry
	changed, whole := s.changes(fixed)
	if !whole && s.target != nil {
		if v := s.earliest(changed); v != nil && s.enterable(v) && !(s.fromStart() && v == s.rec.visits[0]) {
			list = append(list, entry{visit: v})
		}
	}
	if s.fromStart() {
		list = append(list, entry{})
	}
	if v := s.target; v != nil && !whole && v.place != v.name && s.changesOnly(v.name, changed, fixed) && enterable(v) {
		list = append(list, entry{visit: v, alone: true})
	}
	return list
}

// changes names the machine's own states whose text is another in fixed; whole
// means that what concerns them all has changed.
func (s *study) changes(fixed *asl.Machine) (changed map[string]bool, whole bool) {
	old := s.c.Machine
	changed = map[string]bool{}
	whole = old.StartAt != s.nameOf(fixed.StartAt) || old.QueryLanguage != fixed.QueryLanguage ||
		(old.TimeoutSeconds == nil) != (fixed.TimeoutSeconds == nil) ||
		old.TimeoutSeconds != nil && *old.TimeoutSeconds != *fixed.TimeoutSeconds
	for _, now := range fixed.States {
		name := s.nameOf(now.Name)
		was := old.State(name)
		if was == nil || textOf(old, was) != textOf(fixed, now) {
			changed[name] = true
		}
	}
	for _, was := range old.States {
		if fixed.State(s.nameIn(fixed, was.Name)) == nil {
			changed[was.Name] = true
		}
	}
	return changed, whole
}

// nameOf is what a state of a changed definition was called in the one that ran.
func (s *study) nameOf(name string) string {
	if old, ok := s.names[name]; ok {
		return old
	}
	return name
}

func textOf(m *asl.Machine, s *asl.State) string {
	return m.Source().Text[s.Span.Start:s.Span.End]
}

// earliest is the first recorded visit, up to the failure, of a changed state of
// the machine's own, or what the failure is in; nil where the record may begin too late.
func (s *study) earliest(changed map[string]bool) *visit {
	top := s.target.outermost()
	for _, v := range s.rec.visits {
		if v.event > top.event {
			break
		}
		if v.strand == s.rec.root && (changed[v.name] || v == top) {
			return v
		}
	}
	return nil
}

// enterable reports that a run can begin at a visit of one of the machine's own states.
func (s *study) enterable(v *visit) bool {
	return v.strand == s.rec.root && enterable(v)
}

func enterable(v *visit) bool {
	_, ok := read(v.input)
	return ok
}

// fromStart reports that the whole execution can be run again.
func (s *study) fromStart() bool {
	first := s.x.Events()[0]
	if first.Type != history.ExecutionStarted {
		return false
	}
	_, ok := read(s.x.Input)
	return ok
}

// changesOnly reports that nothing but one state, somewhere inside the machine, is
// another in fixed.
func (s *study) changesOnly(name string, changed map[string]bool, fixed *asl.Machine) bool {
	was, now := s.c.Machine.Lookup(name), fixed.Lookup(s.nameIn(fixed, name))
	if len(was) != 1 || len(now) != 1 {
		return false
	}
	old, top := s.c.Machine.State(was[0].Path()[0]), fixed.State(now[0].Path()[0])
	for other := range changed {
		if other != old.Name {
			return false
		}
	}
	text := s.c.Machine.Source().Text
	text = text[old.Span.Start:was[0].Span.Start] + textOf(fixed, now[0]) + text[was[0].Span.End:old.Span.End]
	return text == textOf(fixed, top)
}

// late names a state that the fix changes and that may have run before the
// history begins; "" there is none.
func (s *study) late(fixed *asl.Machine) string {
	if s.x.Events()[0].Type == history.ExecutionStarted {
		return ""
	}
	changed, _ := s.changes(fixed)
	var names []string
	for name := range changed {
		if s.c.Machine.State(name) != nil && len(s.rec.byPlace[name]) == 0 && (s.target == nil || !strings.HasPrefix(s.target.place, "?/"+name+"/")) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// Reproduce runs the recorded failure of c again with the definition that ran. It
// returns "" where it fails as recorded, else a sentence that says why not: then
// nothing can be proven of a fix.
func Reproduce(ctx context.Context, c *diagnose.Case) string {
	if v, ok := known(c); !ok {
		return v.How
	}
	s := newStudy(c)
	if s.target == nil && !s.subject.TimedOut {
		return "the state that failed is not in the history"
	}
	why := "the input of the state that failed is not in the history"
	for _, e := range s.entries(c.Machine) {
		control := s.begin(ctx, e, c.Machine, nil)
		if ctx.Err() != nil {
			return "the replay ran out of time"
		}
		ok, reason := control.reproduced()
		if ok {
			return ""
		}
		why = reason
	}
	return why
}
