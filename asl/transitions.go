package asl

import (
	"slices"
	"strings"
)

// checkNames checks what concerns the names of states: targets of transitions,
// states that cannot be reached, and names that are there twice in the whole tree.
func (d *decoder) checkNames(m *Machine) {
	if !d.lone {
		d.graph(m)
	}
	for _, s := range m.States {
		for _, nested := range s.nested() {
			d.graphTree(nested)
		}
	}
	d.unique(m)
	d.labels(m)
}

// labels finds labels that two Map states share: they name the Map Runs.
func (d *decoder) labels(m *Machine) {
	seen := map[string]string{}
	m.Walk(func(_ []string, s *State) {
		if s.Map == nil || s.Map.Label == "" {
			return
		}
		if other, twice := seen[s.Map.Label]; twice {
			d.problemf(d.nodes[s].get("Label"), codeLabelTwice, "the Map %q has the label %q too", other, s.Map.Label).
				saying("Duplicate label name: %s", s.Map.Label)
		}
		seen[s.Map.Label] = s.Name
	})
}

func (d *decoder) graphTree(m *Machine) {
	d.graph(m)
	for _, s := range m.States {
		for _, nested := range s.nested() {
			d.graphTree(nested)
		}
	}
}

// nested returns the machines inside a state.
func (s *State) nested() []*Machine {
	if s.Map != nil && s.Map.Processor != nil {
		return []*Machine{s.Map.Processor}
	}
	return s.Branch
}

// graph checks one machine: ASL "Transitions".
func (d *decoder) graph(m *Machine) {
	if len(m.States) == 0 {
		return
	}
	reached := map[string]bool{}
	at := d.starts[m]
	if at != nil {
		d.arrow(m, at, m.StartAt, reached)
	}
	ends := false
	for _, s := range m.States {
		ends = ends || s.End || s.Type == Succeed || s.Type == Fail || !s.Type.known() // who knows
		d.arrows(m, s, reached)
	}
	switch {
	case d.leadsAnywhere(m):
		return // whatever a placeholder will be may lead there, or end it
	case !ends:
		d.noEnd(m)
		return
	case at == nil:
		return // nothing begins, so that nothing is reached
	}
	for _, s := range m.States {
		if !reached[s.Name] {
			d.keyProblemf(d.nodes[s], codeTransition, "no state leads to %q: it is never reached", s.Name).
				saying("State \"%s\" is not reachable.", s.Name)
		}
	}
}

// noEnd reports a machine that cannot end. Step Functions names no place for that.
func (d *decoder) noEnd(m *Machine) {
	states := d.nodes[m.States[0]].parent
	e := d.keyProblemf(states, codeEndState, `the state machine never ends: no state is Succeed or Fail or has "End": true`).
		saying("Workflow has no terminal state")
	e.aws.location = ""
}

// leadsAnywhere tells whether a state of the machine, or what leads out of one, is a
// placeholder.
func (d *decoder) leadsAnywhere(m *Machine) bool {
	return d.placeholders && slices.ContainsFunc(m.States, func(s *State) bool {
		n := d.nodes[s]
		return n.hole || slices.ContainsFunc(n.kids, func(kid *node) bool {
			return kid.hole && slices.Contains([]string{"Next", "End", "Default", "Choices", "Catch"}, kid.key) ||
				slices.ContainsFunc(kid.kids, func(item *node) bool { return item.hole && (kid.key == "Choices" || kid.key == "Catch") })
		})
	})
}

// arrows follows all transitions out of a state. A state counts as reached when
// any state leads to it, be that one reached or not, as it does for Step Functions.
func (d *decoder) arrows(m *Machine, s *State, reached map[string]bool) {
	n := d.nodes[s]
	follow := func(at *node, to string) {
		if at != nil {
			d.arrow(m, at, to, reached)
		}
	}
	follow(n.get("Next"), s.Next)
	follow(n.get("Default"), s.Default)
	for i, r := range objects(n.get("Choices")) {
		if i < len(s.Choices) {
			follow(r.get("Next"), s.Choices[i].Next)
		}
	}
	for i, c := range objects(n.get("Catch")) {
		if i < len(s.Catch) {
			follow(c.get("Next"), s.Catch[i].Next)
		}
	}
}

// objects returns the items of an array that are objects: the ones that were read.
func objects(n *node) []*node {
	if n == nil || n.kind != '[' {
		return nil
	}
	var out []*node
	for _, kid := range n.kids {
		if kid.kind == '{' {
			out = append(out, kid)
		}
	}
	return out
}

func (d *decoder) arrow(m *Machine, at *node, to string, reached map[string]bool) {
	if m.index[to] != nil {
		reached[to] = true
		return
	}
	if to == "" && at.kind != '"' || isPlaceholder(to) { // what is no text was reported as that
		return
	}
	d.problemf(at, codeTransition, "no state %q%s", to, d.hint(m, to)).saying("Missing 'Next' target: %s", to)
}

// hint says what a target that is not there may have been meant for.
func (d *decoder) hint(m *Machine, to string) string {
	if d.hints >= maxHints {
		return ""
	}
	if d.elsewhere(m, to) {
		return ": it is in another state machine of this definition, and transitions do not leave theirs"
	}
	return d.didYouMean(to, m.names())
}

func (m *Machine) names() []string {
	names := make([]string, len(m.States))
	for i, s := range m.States {
		names[i] = s.Name
	}
	return names
}

func (d *decoder) elsewhere(m *Machine, name string) bool {
	for s := range d.nodes {
		if s.Name == name && s.Machine != m {
			return true
		}
	}
	return false
}

// unique finds names that stand in two machines of the tree: ASL "States" wants
// them unique in the whole state machine.
func (d *decoder) unique(m *Machine) {
	seen := map[string]*node{}
	m.Walk(func(_ []string, s *State) {
		n := d.nodes[s]
		first := seen[s.Name]
		if first == nil {
			seen[s.Name] = n
			return
		}
		d.keyProblemf(n, codeDuplicate, "there is a state %q already, in line %d (%s); names are unique in the whole definition",
			s.Name, d.line(first.keySpan.Start), strings.TrimPrefix(first.pointer(), "/")).saying("Duplicate State name: %s", s.Name)
	})
}
