package rules

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// loss is the state that had what a later one misses, and did not hand it on.
type loss struct {
	state   string
	entered int64 // event whose input still had it
	exited  int64 // event whose output has it no more; 0: the loss is inside of the state, a Map or Parallel
}

// maxSteps bounds how far the history is followed back from a failure.
const maxSteps = 2000

// lossOf follows the history back from the failing state to where path last led
// to something; ok is false where it never did, or the history does not tell.
func (f *facts) lossOf(path string) (l loss, ok bool) {
	if f.c.Execution == nil || f.sub.EnteredEvent == 0 || f.nested != nil || !strings.HasPrefix(path, "$.") {
		return loss{}, false
	}
	byID := map[int64]*history.Event{}
	events := f.c.Execution.Events()
	for i := range events {
		byID[events[i].ID] = &events[i]
	}
	e, within := byID[f.sub.EnteredEvent], "" // within: nothing counts before this state's beginning
	for range maxSteps {
		if e == nil {
			return loss{}, false
		}
		if e = byID[e.PreviousID]; e == nil || e.Details == nil {
			continue
		}
		switch kind := string(e.Type); {
		case within != "" && !(strings.HasSuffix(kind, "StateEntered") && e.Details.Name == within):
			// what went on inside of a state that ended, or in other iterations of a Map
		case strings.HasSuffix(kind, "StateExited"):
			within, l = e.Details.Name, loss{state: e.Details.Name, exited: e.ID}
		case kind == "MapIterationStarted":
			within = e.Details.Name
		case strings.HasSuffix(kind, "StateEntered"):
			if within = ""; e.Details.Name != l.state {
				l = loss{state: e.Details.Name}
			}
			if leads(e.Details.Input, path) {
				l.entered = e.ID
				return l, true
			}
		}
	}
	return loss{}, false
}

// leads reports that path leads to something in a recorded payload.
func leads(p history.Payload, path string) bool {
	if p.IsAbsent() || p.Truncated {
		return false
	}
	v, err := value.Parse(p.String())
	if err != nil {
		return false
	}
	_, there := follow(v, path)
	return there
}

// say tells of the loss in one sentence.
func (l loss) say(f *facts, path string) string {
	if l.exited == 0 {
		return fmt.Sprintf("The input of %s has %s (event %d), but the states inside of it get only what it hands in: the item of a Map, or what its ItemSelector or Parameters build.", named(l.state), pathed(path), l.entered)
	}
	why := ""
	if s := f.stateNamed(l.state); s != nil && replacesInput(s) {
		why = ": without ResultPath its result replaced the input"
	}
	return fmt.Sprintf("The input of %s still had %s (event %d), and its output has it no more (event %d)%s.", named(l.state), pathed(path), l.entered, l.exited, why)
}

// remedy keeps the input of the state that lost it.
func (l loss) remedy(f *facts, path string) (diagnose.Remedy, bool) {
	s := f.stateNamed(l.state)
	if l.exited == 0 || s == nil || !replacesInput(s) {
		return diagnose.Remedy{}, false
	}
	own := *f
	own.state = s
	return diagnose.Remedy{
		Title: "Let " + named(l.state) + " keep its input",
		Steps: []string{
			fmt.Sprintf(`Give %s "ResultPath": "$.result": its result is then added to the input under result, and %s stays where it was.`, named(l.state), pathed(path)),
			"Later states that read that result at the top have to read it below $.result.",
		},
		Edits: own.addField("ResultPath", `"$.result"`),
	}, true
}

func (f *facts) stateNamed(name string) *asl.State {
	if f.c.Machine == nil {
		return nil
	}
	return findState(f.c.Machine, name)
}

// replacesInput reports a state whose result replaces its input, for want of a ResultPath.
func replacesInput(s *asl.State) bool {
	if _, set := s.Fields["ResultPath"]; set || s.QueryLanguage == asl.JSONata {
		return false
	}
	switch s.Type {
	case asl.Task, asl.Parallel, asl.Map, asl.Pass:
		return true
	}
	return false
}
