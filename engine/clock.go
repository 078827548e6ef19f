package engine

import "time"

// A Clock tells executions the time and lets them wait. The two clocks are
// SystemClock and VirtualClock; a nil Clock is the system's.
type Clock interface {
	// Now returns the time at which an execution that starts now starts.
	Now() time.Time

	// virtual reports that waiting takes no time: whenever an execution has nothing
	// to do but wait, its time jumps to the next thing that it waits for.
	virtual() bool
}

// SystemClock returns the clock on the wall: a Wait of an hour takes an hour.
func SystemClock() Clock { return systemClock{} }

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }
func (systemClock) virtual() bool  { return false }

// VirtualClock returns a clock on which waiting takes no time. An execution starts
// at the given time, and its own time moves on only where it waits: for a Wait, a
// retry, a time-out, or a task that sleeps (Task.Sleep). The work of task handlers
// takes no time on it. The zero time stands for the present.
//
// Nobody outside an execution can be waited for on it: a task that waits for its
// token runs into its time-out at once, unless its handler answers for the token.
//
// Task results that come in at the same virtual time are taken in the order in
// which their tasks were scheduled, so that runs can be repeated.
func VirtualClock(start time.Time) Clock { return virtualClock{start} }

type virtualClock struct{ start time.Time }

func (c virtualClock) Now() time.Time {
	if c.start.IsZero() {
		return time.Now()
	}
	return c.start
}

func (virtualClock) virtual() bool { return true }

// timer is something that happens at a time unless it is stopped before.
type timer struct {
	at      int64 // ms since 1970, as all times inside an execution
	seq     uint64
	fire    func()
	stopped bool
}

// stop is safe on a nil or fired timer.
func (t *timer) stop() {
	if t != nil {
		t.stopped = true
		t.fire = nil
	}
}

// timers is a binary heap, earliest first; timers of the same time fire in the
// order in which they were set.
type timers struct {
	heap []*timer
	seq  uint64
}

func (h *timers) set(at int64, fire func()) *timer {
	h.seq++
	t := &timer{at: at, seq: h.seq, fire: fire}
	h.heap = append(h.heap, t)
	h.up(len(h.heap) - 1)
	return t
}

// next returns the earliest timer that is not stopped, or nil.
func (h *timers) next() *timer {
	for len(h.heap) > 0 {
		if t := h.heap[0]; !t.stopped {
			return t
		}
		h.pop()
	}
	return nil
}

func (h *timers) pop() *timer {
	top := h.heap[0]
	last := len(h.heap) - 1
	h.heap[0] = h.heap[last]
	h.heap[last] = nil
	h.heap = h.heap[:last]
	h.down(0)
	return top
}

func (h *timers) less(i, j int) bool {
	a, b := h.heap[i], h.heap[j]
	if a.at != b.at {
		return a.at < b.at
	}
	return a.seq < b.seq
}

func (h *timers) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(i, parent) {
			return
		}
		h.heap[i], h.heap[parent] = h.heap[parent], h.heap[i]
		i = parent
	}
}

func (h *timers) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h.heap) {
			return
		}
		if right := child + 1; right < len(h.heap) && h.less(right, child) {
			child = right
		}
		if !h.less(child, i) {
			return
		}
		h.heap[i], h.heap[child] = h.heap[child], h.heap[i]
		i = child
	}
}
