package sfnlocal

import (
	"slices"

	"github.com/stepsleuth/stepsleuth/history"
)

// weigh estimates what events take in memory; data that several of them share
// counts each time.
func weigh(events []history.Event) int64 {
	const anEvent = 250
	bytes := int64(len(events)) * anEvent
	for i := range events {
		if d := events[i].Details; d != nil {
			for _, p := range [...]history.Payload{d.Input, d.Output, d.Parameters} {
				if sized, ok := p.Source().(interface{ Size() int }); ok {
					bytes += int64(sized.Size())
				}
			}
		}
	}
	return bytes
}

// forgetOld forgets executions that ended long ago, are too many or take too much. s.mu is held.
func (s *Server) forgetOld() {
	oldest := s.now().Add(-s.Limits.EndedFor)
	for len(s.ended) > 0 {
		e := s.ended[0]
		x, _ := e.end()
		if len(s.ended) <= s.Limits.Ended && s.endedBytes <= s.Limits.EndedBytes && x.Stop.After(oldest) {
			return
		}
		s.ended[0] = nil
		s.ended = s.ended[1:]
		s.endedBytes -= e.bytes
		s.forget(e)
	}
}

// unend takes executions out of those that have ended. s.mu is held.
func (s *Server) unend(which func(*execution) bool) {
	s.ended = slices.DeleteFunc(s.ended, func(e *execution) bool {
		if !which(e) {
			return false
		}
		s.endedBytes -= e.bytes
		return true
	})
}

// forget drops all that is kept of an execution. s.mu is held.
func (s *Server) forget(e *execution) {
	e.forgotten = true
	delete(s.executions, e.arn)
	for _, token := range e.tokens {
		delete(s.tokens, token)
	}
	m := e.machine
	if m.byName[e.name] == e {
		delete(m.byName, e.name)
		m.executions = without(m.executions, e)
	}
}

// without removes e from executions; mostly it is the first.
func without(executions []*execution, e *execution) []*execution {
	switch i := slices.Index(executions, e); i {
	case -1:
		return executions
	case 0:
		executions[0] = nil
		return executions[1:]
	default:
		return slices.Delete(executions, i, i+1)
	}
}
