package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

// study is a case made ready to be run again.
type study struct {
	c       *diagnose.Case
	x       *history.Execution
	rec     *trace
	subject *diagnose.Failure // nil: nothing failed
	target  *visit            // where it failed; nil: unknown, or no state did
	names   map[string]string // of a changed definition's states: what they were called
}

func newStudy(c *diagnose.Case) *study {
	s := &study{c: c, x: c.Execution, rec: traceOf(c.Execution, c.Machine), subject: c.Subject()}
	if s.subject != nil {
		s.target = s.find(s.subject)
	}
	return s
}

// find returns the visit in which a failure happened.
func (s *study) find(f *diagnose.Failure) *visit {
	if v := s.rec.byEvent[f.EnteredEvent]; v != nil {
		return v
	}
	for i := len(s.rec.visits) - 1; i >= 0; i-- {
		if v := s.rec.visits[i]; v.name == f.State && !v.succeeded() {
			return v
		}
	}
	return nil
}

// entry is where a run begins.
type entry struct {
	visit *visit // nil: the beginning of the execution
	alone bool   // the state is run as if the machine around it were just the one that it is in
}

func (e entry) String() string {
	if e.visit == nil {
		return "replayed from the start"
	}
	if e.alone {
		return fmt.Sprintf("run alone from event %d", e.visit.event)
	}
	return fmt.Sprintf("replayed from event %d", e.visit.event)
}

// run is the recorded failure run again with one definition.
type run struct {
	study   *study
	entry   entry
	answers *answers
	trace   *trace
	x       *history.Execution
	unknown *Unknown // where the recording had no answer
	err     error    // what could not be done at all

	located *diagnose.Failure // see failure
}

// enterState is the state that stands in for all that came before.
const enterState = "\u2022 before"

// begin runs a machine from an entry. control is the run with the definition that
// was recorded, nil for that one itself.
func (s *study) begin(ctx context.Context, e entry, m *asl.Machine, control *run) *run {
	r := &run{study: s, entry: e}
	r.answers = &answers{
		rec: s.rec, original: s.c.Machine, enter: e.visit, apart: apart(m),
		live: newTrace(m), running: make(chan *engine.Running, 1),
		calls: map[*engine.Task]call{}, asked: map[*engine.Task]int64{}, requests: map[call]request{},
	}
	r.trace = r.answers.live
	if s.subject != nil {
		r.answers.refusal = refused(s.target, s.subject.Cause)
	}
	if control != nil {
		r.answers.control = control.answers.requests
		r.trace.names = s.names
	}
	req, start := s.request(e, m, r.trace)
	r.answers.until = s.deadline(m, start, control == nil)
	eng := &engine.Engine{Tasks: r.answers, Clock: engine.VirtualClock(start), Observe: r.answers.observe}
	running, err := eng.Start(ctx, req)
	if err != nil {
		r.err = err
		return r
	}
	r.answers.running <- running
	<-running.Done()
	r.x, r.err = running.Wait(context.Background())
	if r.err == nil && ctx.Err() != nil {
		r.err = ctx.Err()
	}
	r.settle()
	return r
}

// settle tells an answer that was not there from what could not be done.
func (r *run) settle() {
	var u *Unknown
	if errors.As(r.err, &u) {
		r.err = nil
	}
	r.unknown = r.answers.first(r.study.target)
	if r.x != nil && r.unknown != nil && u == nil && r.x.Status != history.Aborted && !r.exhausted() {
		r.unknown = nil // it ended all the same
	}
}

// first is the missing answer to speak of: that of the state that failed, else the
// one that was asked for first.
func (a *answers) first(target *visit) *Unknown {
	slices.SortFunc(a.unknown, func(u, v *Unknown) int {
		return cmp.Or(cmp.Compare(u.asked, v.asked), strings.Compare(u.Place, v.Place))
	})
	for _, u := range a.unknown {
		if target != nil && u.Place == target.place {
			return u
		}
	}
	if len(a.unknown) > 0 {
		return a.unknown[0]
	}
	return nil
}

// exhausted reports that the run was stopped for its length.
func (r *run) exhausted() bool {
	return r.x.Status == history.Failed && r.x.Cause != nil && len(r.x.Events()) >= maxEvents
}

// maxEvents is the step budget of a run: as long as a history can be.
const maxEvents = 25_000

func (s *study) request(e entry, m *asl.Machine, live *trace) (engine.Request, time.Time) {
	x := s.x
	req := engine.Request{
		Machine: m, Input: []byte(x.Input.String()), Name: x.Name, ARN: x.ARN, StateMachineARN: x.StateMachineARN,
		Seed: 1, Limits: engine.Limits{Events: maxEvents}, RoleARN: s.role(),
	}
	start := x.Start
	switch {
	case e.visit == nil:
	case e.alone:
		req.StartAt, req.Input = s.nameIn(m, e.visit.name), []byte(e.visit.input.String())
		live.root.outer = e.visit.strand.path()
		start = e.visit.at
	default:
		req.Machine = entered(m, s.nameIn(m, e.visit.name))
	}
	if e.visit != nil {
		req.Variables = s.variables(e.visit)
	}
	if start.IsZero() && e.visit != nil {
		start = e.visit.at
	}
	if start.IsZero() {
		start = time.Unix(1<<30, 0).UTC()
	}
	req.AsOf = start
	return req, start
}

// nameIn is what a recorded state is called in a machine.
func (s *study) nameIn(m *asl.Machine, name string) string {
	for now, old := range s.names {
		if old == name && m != s.c.Machine {
			return now
		}
	}
	return name
}

// entered returns the machine with a state before the one of that name that hands
// over what the recording says.
func entered(m *asl.Machine, name string) *asl.Machine {
	n := *m
	n.StartAt = enterState
	n.States = append(append([]*asl.State(nil), m.States...), &asl.State{
		Name: enterState, Type: asl.Task, QueryLanguage: asl.JSONPath, Next: name,
		Task: &asl.TaskFields{Resource: enterResource}, Machine: &n,
	})
	return &n
}

func (s *study) role() string {
	for _, e := range s.x.Events() {
		if e.Type == history.ExecutionStarted && e.Details != nil {
			return e.Details.RoleARN
		}
	}
	return ""
}

// variables are those that a visit could see: set before it by states of its
// strand and of those around it.
func (s *study) variables(v *visit) map[string]json.RawMessage {
	seen := map[*strand]bool{}
	for at := v.strand; at != nil; {
		seen[at] = true
		if at.owner == nil {
			break
		}
		at = at.owner.strand
	}
	vars := map[string]json.RawMessage{}
	for _, e := range s.x.Events() {
		if e.ID >= v.event {
			break
		}
		if e.Details == nil || !e.Type.IsExited() || !seen[s.rec.at[e.ID]] {
			continue
		}
		for _, a := range e.Details.AssignedVariables {
			if _, ok := read(a.Text); ok {
				vars[a.Name] = json.RawMessage(a.Text.String())
			}
		}
	}
	return vars
}

// deadline is when a run must end that waits for an answer nobody has: right
// before TimeoutSeconds of the machine would decide. Where that is what was
// recorded, the run with the original definition is to reach it.
func (s *study) deadline(m *asl.Machine, start time.Time, control bool) time.Time {
	if m.TimeoutSeconds == nil {
		return time.Time{}
	}
	at := start.Add(time.Duration(*m.TimeoutSeconds) * time.Second)
	if control && s.subject != nil && s.subject.TimedOut {
		return at.Add(time.Millisecond)
	}
	return at.Add(-time.Millisecond)
}

// apart names the states that run in child executions.
func apart(m *asl.Machine) map[string]bool {
	names := map[string]bool{}
	m.Walk(func(_ []string, s *asl.State) {
		if s.Map != nil && s.Map.Distributed && s.Map.Processor != nil {
			s.Map.Processor.Walk(func(_ []string, inner *asl.State) { names[inner.Name] = true })
		}
	})
	return names
}
