package diagnose

import "github.com/stepsleuth/stepsleuth/history"

// LocateWork is how many turns the loops of Locate take for x.
func LocateWork(x *history.Execution) int {
	l := &locator{trace: newTrace(x.Events()), x: x}
	l.locate()
	return l.turns
}
