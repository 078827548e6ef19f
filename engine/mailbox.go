package engine

import (
	"cmp"
	"slices"
	"sync"
)

// input is something that comes into the event loop from outside.
type input struct {
	order uint64 // on a virtual clock inputs are taken in this order: the task's number
	apply func(*execution)
}

// mailbox takes inputs from any goroutine; the loop empties it. It also counts
// the task handlers at work, as virtual time may not move while one of them is.
type mailbox struct {
	mu      sync.Mutex
	inputs  []input
	urgent  []input // that must not wait for handlers at work
	working int
	wake    chan struct{}
}

func (m *mailbox) init() { m.wake = make(chan struct{}, 1) }

// post puts in an input that concerns no handler at work.
func (m *mailbox) post(in input) {
	m.mu.Lock()
	m.urgent = append(m.urgent, in)
	m.mu.Unlock()
	m.signal()
}

// report puts in what a task's handler has to say. With rests the handler stops
// working: it is done, or asleep.
func (m *mailbox) report(a *attempt, rests bool, apply func(*execution)) {
	m.mu.Lock()
	m.inputs = append(m.inputs, input{a.number, apply})
	if rests {
		m.rest(a)
	}
	m.mu.Unlock()
	m.signal()
}

func (m *mailbox) rest(a *attempt) {
	if a.working {
		a.working = false
		m.working--
	}
}

// work says that a handler starts to work, or wakes up.
func (m *mailbox) work(a *attempt) {
	m.mu.Lock()
	a.working = true
	m.working++
	m.mu.Unlock()
}

// forget stops counting a handler whose task is over.
func (m *mailbox) forget(a *attempt) {
	m.mu.Lock()
	m.rest(a)
	m.mu.Unlock()
}

func (m *mailbox) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// idle reports that nothing has come in and no handler is at work.
func (m *mailbox) idle() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.working == 0 && len(m.inputs) == 0 && len(m.urgent) == 0
}

// take empties the mailbox. With patient it leaves what handlers report in it while one
// of them is at work, and then sorts it by task: so the order is not the processors'.
func (m *mailbox) take(patient bool) []input {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.urgent
	m.urgent = nil
	if patient && m.working > 0 {
		return taken
	}
	taken = append(taken, m.inputs...)
	m.inputs = nil
	if patient {
		slices.SortStableFunc(taken, func(a, b input) int { return cmp.Compare(a.order, b.order) })
	}
	return taken
}
