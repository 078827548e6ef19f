package engine

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/stepsleuth/stepsleuth/internal/value"
	"github.com/stepsleuth/stepsleuth/jsonata"
)

// thread goes through the states of one machine, one at a time: the execution's
// own, a branch of a Parallel, or an iteration of a Map.
type thread struct {
	x     *execution
	run   *run
	join  joiner
	index int // branch or iteration
	graph *graph
	scope *scope
	item  *mapItem // of the innermost Map around it
	dead  bool
	prev  int64 // event that the next one follows

	// The state that it is in.
	node        *node
	input       value.Value // raw
	entered     int64       // event
	beforeEntry int64       // event before that
	enteredAt   int64       // ms
	retryCount  int
	retries     []int // attempts by retrier
	inner       bool  // the error at hand came from below the state, a Map or Parallel
	frame       frame // of a Map or Parallel at work
	task        *attempt
	timer       *timer
	ctx         value.Value // Context object of this state, made when first needed
	token       string
	calls       map[*node]int // attempts of Tasks
	scratch     env
	lookup      func(string) (jsonata.Value, bool) // for expressions, made when first needed
	limit       *timer                             // of an Express child execution

	// Where it goes next.
	next      *node
	nextInput value.Value
}

// joiner is told how a thread ended.
type joiner interface {
	done(t *thread, output value.Value)
	failed(t *thread, f *failure)
}

// frame is a Map or a Parallel at work: the threads below one thread.
type frame interface {
	// abort stops the threads below because the state around them ends early, and
	// writes that down.
	abort()
	// kill stops them without a word.
	kill()
}

// scope holds the variables of a thread; those of the threads around it can be
// read but not set (ASL "Variable scope").
type scope struct {
	outer *scope
	vars  map[string]value.Value
}

func (s *scope) lookup(name string) (value.Value, bool) {
	for ; s != nil; s = s.outer {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return value.Value{}, false
}

func (t *thread) assign(list []assignment) {
	if len(list) == 0 {
		return
	}
	if t.scope == nil || t.scope.vars == nil {
		t.scope = &scope{outer: t.scopeOuter(), vars: make(map[string]value.Value, len(list))}
	}
	for _, a := range list {
		t.scope.vars[a.name] = a.value
	}
}

func (t *thread) scopeOuter() *scope {
	if t.scope == nil {
		return nil
	}
	return t.scope.outer
}

// preset sets the variables that a Request brings along.
func (t *thread) preset(vars map[string]json.RawMessage) error {
	names := make([]string, 0, len(vars))
	for name := range vars {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v, err := value.ParseBytes(vars[name])
		if err != nil {
			return fmt.Errorf("engine: variable %s is not JSON: %w", name, err)
		}
		t.assign([]assignment{{name, v}})
	}
	return nil
}

// goTo readies the thread to enter a state.
func (t *thread) goTo(n *node, input value.Value) {
	t.next, t.nextInput = n, input
	t.x.ready.push(t)
}

// resume enters the state that the thread was sent to.
func (t *thread) resume() {
	n := t.next
	t.node, t.input = n, t.nextInput
	t.next, t.nextInput = nil, value.Value{}
	if n.run == nil {
		t.x.giveUp(fmt.Errorf("no state %q", n.name))
		return
	}
	t.beforeEntry, t.enteredAt = t.prev, t.x.now
	t.retryCount, t.retries, t.inner = 0, t.retries[:0], false
	t.ctx, t.token = value.Value{}, ""
	t.entered = t.run.log.add(entry{kind: &n.entered, prev: t.prev, at: t.x.now, payload: t.input})
	t.prev = t.entered
	n.run(t)
}

// again runs the state once more, for a retry.
func (t *thread) again() {
	t.inner = false
	t.timer = nil
	t.ctx, t.token = value.Value{}, ""
	t.node.run(t)
}

// exit writes that the state is left, sets its variables, and sends the thread on.
func (t *thread) exit(next *node, output value.Value, assign []assignment) {
	x := t.x
	if x.tooLarge(output) {
		x.fail(t, tooLarge(t.node.name))
		return
	}
	t.leave(next, output, assign)
}

func (t *thread) leave(next *node, output value.Value, assign []assignment) {
	if t.inspectExit(next, output, assign) {
		return
	}
	t.prev = t.run.log.add(entry{kind: &t.node.exited, prev: t.prev, at: t.x.now, payload: output, fill: assigned(assign)})
	t.assign(assign)
	if next == nil {
		t.join.done(t, output)
		return
	}
	t.goTo(next, output)
}

func (x *execution) tooLarge(v value.Value) bool {
	return x.limits.PayloadBytes > 0 && v.Size() > x.limits.PayloadBytes
}

// event writes an event of the thread and makes it the one that the next follows;
// fill may be nil.
func (t *thread) event(typ historyEventType, fill func(*historyDetails)) {
	t.prev = t.run.note(typ, t.prev, t.x.now, fill)
}

// stop ends everything that the thread has going on.
func (t *thread) stop() {
	t.timer.stop()
	t.timer = nil
	if t.task != nil {
		t.task.abandon()
		t.task = nil
	}
}

// kill ends the thread and all below it without a word in the history.
func (t *thread) kill() {
	t.dead = true
	t.stop()
	if t.frame != nil {
		t.frame.kill()
		t.frame = nil
	}
}

// abort ends the thread because the Map or Parallel around it ends early. The
// history says so for states that take time.
func (t *thread) abort() {
	if t.dead {
		return
	}
	busy := t.task != nil || t.timer != nil || t.frame != nil
	t.dead = true
	t.stop()
	if t.frame != nil {
		t.frame.abort()
		t.frame = nil
	}
	if busy && t.next == nil {
		t.stateAborted()
	}
}

// stateAborted writes the event that stands for the exit of a state that was
// stopped, of the types that have one.
func (t *thread) stateAborted() {
	if t.node != nil && t.node.aborted != "" {
		t.run.note(t.node.aborted, t.prev, t.x.now, nil)
	}
}
