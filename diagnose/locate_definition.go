package diagnose

import (
	"strconv"

	"github.com/stepsleuth/stepsleuth/asl"
)

func iterationName(index int64) string { return "[" + strconv.FormatInt(index, 10) + "]" }

// findState returns the state of that name in m or any machine nested in it, or
// nil: names are unique in the whole definition.
func findState(m *asl.Machine, name string) *asl.State {
	if m == nil || name == "" {
		return nil
	}
	if s := m.State(name); s != nil {
		return s
	}
	for _, s := range m.States {
		for _, inner := range innerMachines(s) {
			if found := findState(inner, name); found != nil {
				return found
			}
		}
	}
	return nil
}

// innerMachines are the branches of a Parallel or the processor of a Map.
func innerMachines(s *asl.State) []*asl.Machine {
	if s.Map != nil && s.Map.Processor != nil {
		return []*asl.Machine{s.Map.Processor}
	}
	return s.Branch
}

// enclosing returns the states around the one of that name, from the outside.
func enclosing(m *asl.Machine, name string) []*asl.State {
	if m == nil || m.State(name) != nil {
		return nil
	}
	for _, s := range m.States {
		for _, inner := range innerMachines(s) {
			if inner.State(name) != nil {
				return []*asl.State{s}
			}
			if around := enclosing(inner, name); around != nil {
				return append([]*asl.State{s}, around...)
			}
		}
	}
	return nil
}

func (l *locator) defined(name string) *asl.State { return findState(l.machine, name) }
