package engine

import "github.com/stepsleuth/stepsleuth/internal/value"

// inspection gathers what TestState shows of a state at work.
type inspection struct{}

func (t *thread) probe(stage string, v value.Value)            {}
func (t *thread) inspectMock() bool                            { return false }
func (x *execution) inspectFailure(t *thread, f *failure) bool { return false }
func (x *execution) redrive(start *node, input string) error   { return nil }
