package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Result tells how a recorded execution goes with another definition. States are
// named with those around them, "Each/[3]/Charge", and as in that definition.
type Result struct {
	From         int64          // the event that the replay began with; 0: the start
	Status       history.Status // how it ends; "" where the recording has no more answers
	Error, Cause *string        // of an execution that failed
	State        string         // where it ends
	Unknown      *Unknown       // why Status is ""
	States       []string       // as they are entered, each time
	New, Gone    []string       // entered now and not in the recording; Gone, where it ends: the other way round
	Renamed      map[string]string
	Difference   *Difference // the first; nil: every state that ends in both gives the same
	Execution    *history.Execution

	// Verification says what this shows of the recorded failure; its Status is ""
	// where nothing failed.
	Verification diagnose.Verification
}

// Difference is the first output that is not as recorded.
type Difference struct {
	State         string
	Event         int64  // of the recording: where the state was left
	Pointer       string // RFC 6901, in the output
	Recorded, Now string // JSON; "" absent
}

// Replay runs the execution of c again with another definition, from its recorded
// input and with every task answering as recorded; where its beginning is not in
// the history, from the first state that is. The definition that ran, c.Machine,
// may be missing; then random values and dates count as differences.
//
// The error is for what cannot be run: no history, or a definition that Step
// Functions would refuse (an asl.ErrorList).
func Replay(ctx context.Context, c *diagnose.Case, definition string) (*Result, error) {
	if c.Execution == nil || len(c.Execution.Events()) == 0 {
		return nil, errors.New("there is no history to replay")
	}
	fixed, err := asl.Parse("", []byte(definition))
	if err != nil && (c.Machine == nil || onlyOld(c.Machine, fixed, err) != nil) {
		return nil, err
	}
	s := newStudy(c)
	s.names = renamed(c.Machine, fixed)
	e, err := s.first()
	if err != nil {
		return nil, err
	}
	control := s.control(ctx, e)
	r := s.begin(ctx, e, fixed, control)
	if r.err != nil {
		return nil, fmt.Errorf("replay: %w", r.err)
	}
	result := r.result(control)
	if v, ok := known(c); !ok && c.Subject() != nil {
		result.Verification = v
	} else if ok {
		result.Verification = s.verify(ctx, fixed)
	}
	return result, nil
}

// first is where a replay of everything begins.
func (s *study) first() (entry, error) {
	if s.fromStart() {
		return entry{}, nil
	}
	for _, v := range s.rec.visits {
		if s.enterable(v) {
			return entry{visit: v}, nil
		}
	}
	return entry{}, errors.New("no input of a state is in the history; fetch it with --include-execution-data")
}

// control is the run that a replay is compared with; without the definition that
// ran, it knows of nothing.
func (s *study) control(ctx context.Context, e entry) *run {
	if s.c.Machine != nil {
		return s.begin(ctx, e, s.c.Machine, nil)
	}
	return &run{study: s, entry: e, trace: newTrace(nil), answers: &answers{requests: map[call]request{}}}
}

func (r *run) result(control *run) *Result {
	res := &Result{Execution: r.x, Unknown: r.unknown, Renamed: r.study.names}
	if r.entry.visit != nil {
		res.From = r.entry.visit.event
	}
	visited := map[string]bool{}
	for _, v := range r.trace.visits {
		if v.name == enterState {
			continue
		}
		res.States = append(res.States, r.nameOf(v))
		visited[v.place] = true
		res.State = v.name
		if len(r.study.rec.byPlace[v.place]) == 0 && v.nth == 0 {
			res.New = append(res.New, r.nameOf(v))
		}
		if res.Difference == nil {
			res.Difference = r.difference(v, control)
		}
	}
	for _, v := range r.study.rec.visits {
		if r.unknown == nil && !visited[v.place] && v.nth == 0 && (r.entry.visit == nil || v.event >= r.entry.visit.event) {
			res.Gone = append(res.Gone, v.place)
		}
	}
	r.end(res)
	return res
}

func (r *run) end(res *Result) {
	if r.unknown != nil {
		res.State = r.unknown.State
		return
	}
	res.Status, res.Error, res.Cause = r.x.Status, r.x.Error, r.x.Cause
	if f := r.failure(); f != nil {
		res.State = f.State
	}
}

// nameOf is the place of a visit in the words of the definition that runs.
func (r *run) nameOf(v *visit) string {
	steps := strings.Split(v.place, "/")
	for i, step := range steps {
		for now, old := range r.study.names {
			if old == step {
				steps[i] = now
			}
		}
	}
	return strings.Join(steps, "/")
}

// difference compares what a visit gave with what it gave in the recording.
func (r *run) difference(v *visit, control *run) *Difference {
	old := r.answers.recorded(v)
	if old == nil || old.exit == nil || v.exit == nil || old.exit.Details == nil {
		return nil
	}
	now, ok := read(v.exit.Details.Output)
	was, known := read(old.exit.Details.Output)
	if !ok || !known {
		return nil
	}
	var before value.Value
	if same := control.trace.byPlace[v.place]; v.nth < len(same) && same[v.nth].exit != nil {
		before, _ = read(same[v.nth].exit.Details.Output)
	}
	pointer, found := differ(now, was, before)
	if !found {
		return nil
	}
	return &Difference{r.nameOf(v), old.exit.ID, pointer, jsonAt(was, pointer), jsonAt(now, pointer)}
}

func jsonAt(v value.Value, pointer string) string {
	if v = follow(v, pointer); v.IsAbsent() {
		return ""
	}
	return v.JSON()
}

// renamed finds states that have another name: their text is the same, or one
// state went and one of its type came in the same place.
func renamed(old, now *asl.Machine) map[string]string {
	if old == nil {
		return nil
	}
	gone, came := unmatched(old, now), unmatched(now, old)
	names := map[string]string{}
	pair := func(fits func(a, b *asl.State) bool) {
		for _, b := range came {
			var match []*asl.State
			for _, a := range gone {
				if fits(a, b) && !taken(names, a.Name) {
					match = append(match, a)
				}
			}
			if len(match) == 1 && names[b.Name] == "" {
				names[b.Name] = match[0].Name
			}
		}
	}
	pair(func(a, b *asl.State) bool { return textOf(old, a) == textOf(now, b) })
	pair(func(a, b *asl.State) bool {
		return a.Type == b.Type && len(gone) == 1 && len(came) == 1 && len(a.Path()) == len(b.Path())
	})
	return names
}

func taken(names map[string]string, old string) bool {
	for _, name := range names {
		if name == old {
			return true
		}
	}
	return false
}

// unmatched lists the states of m of whose name there is none in other.
func unmatched(m, other *asl.Machine) []*asl.State {
	var list []*asl.State
	m.Walk(func(_ []string, s *asl.State) {
		if len(other.Lookup(s.Name)) == 0 {
			list = append(list, s)
		}
	})
	return list
}
