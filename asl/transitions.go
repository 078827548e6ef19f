package asl

// checkNames checks what concerns names: targets of transitions, states that
// cannot be reached, names that are there twice in the whole tree.
func (d *decoder) checkNames(m *Machine) {}

// resource checks the Resource of a Task.
func (d *decoder) resource(s *State, v *node) {}
