package asl

// Walk calls visit for every state of the tree, in the order of the text, a state
// before those inside it. The path holds the names of the Map and Parallel states
// around it and its own name last; it is valid during the call only.
func (m *Machine) Walk(visit func(path []string, s *State)) { m.walk(nil, visit) }

func (m *Machine) walk(path []string, visit func([]string, *State)) {
	for _, s := range m.States {
		here := append(path, s.Name)
		visit(here, s)
		for _, nested := range s.nested() {
			nested.walk(here, visit)
		}
	}
}

// Lookup returns the states of that name in the whole tree. On AWS there is one at
// most.
func (m *Machine) Lookup(name string) []*State {
	var found []*State
	m.Walk(func(_ []string, s *State) {
		if s.Name == name {
			found = append(found, s)
		}
	})
	return found
}

// Outer returns the Map or Parallel state that the machine is in, nil for the
// outermost.
func (m *Machine) Outer() *State { return m.outer }

// Path returns the names of the Map and Parallel states around s, outermost first,
// and its own name last.
func (s *State) Path() []string {
	var path []string
	if s.Machine != nil && s.Machine.outer != nil {
		path = s.Machine.outer.Path()
	}
	return append(path, s.Name)
}
