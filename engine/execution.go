package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// execution is one run of a machine: the event loop and all that it owns. Only
// the loop touches its fields, but for those in mailbox.
type execution struct {
	engine *Engine
	prog   *program
	req    Request
	limits Limits
	rand   *rand.Rand
	random func() uint64 // of rand, for expressions

	ctx    context.Context // of the tasks; ends with the execution
	cancel context.CancelFunc
	wg     sync.WaitGroup // task handlers

	virtual bool
	now     int64 // ms
	timers  timers
	ready   queue
	mail    mailbox
	tokens  map[string]*attempt
	taskSeq uint64
	fresh   []*attempt // on a virtual clock: dispatched, perhaps not yet written down as started

	main *run
	root *thread

	overfull []*thread // first threads of runs whose history has reached its limit

	over    bool // the terminal event is written
	err     error
	done    chan struct{}
	childMu sync.Mutex
	mapRuns []*history.Execution
}

// run is what an execution and the child executions of its distributed Maps each
// have of their own: a name, an input, a history.
type run struct {
	log   *log
	info  *history.Execution
	input value.Value
	start int64

	contextBase value.Value // Execution and StateMachine, made when first needed
	sync        bool
	redriven    int64 // ms; 0: never
}

func newExecution(ctx context.Context, e *Engine, p *program, start *node, req Request) (*execution, error) {
	clock := e.Clock
	if clock == nil {
		clock = SystemClock()
	}
	text := string(req.Input)
	if strings.TrimSpace(text) == "" {
		text = "{}"
	}
	input, err := value.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("engine: the input is not JSON: %w", err)
	}
	x := &execution{
		engine:  e,
		prog:    p,
		req:     req,
		limits:  Limits{PayloadBytes: limit(req.Limits.PayloadBytes, awsPayloadBytes), Events: limit(req.Limits.Events, awsEvents)},
		rand:    seeded(req.Seed),
		virtual: clock.virtual(),
		now:     clock.Now().UnixMilli(),
		done:    make(chan struct{}),
	}
	x.random = x.rand.Uint64
	x.mail.init()
	x.ctx, x.cancel = context.WithCancel(ctx)
	x.main = x.newRun(input)
	x.root = &thread{x: x, run: x.main, join: rootJoin{}, graph: start.graph}
	x.main.log.full = func() { x.overfull = append(x.overfull, x.root) }
	if err := x.root.preset(req.Variables); err != nil {
		x.cancel()
		return nil, err
	}
	if req.Redrive != nil {
		if err := x.redrive(); err != nil {
			x.cancel()
			return nil, err
		}
		return x, nil
	}
	x.begin(start, text)
	return x, nil
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5354455053)) }

// newRun names the execution.
func (x *execution) newRun(input value.Value) *run {
	req := &x.req
	if req.Type == "" {
		req.Type = history.Standard
	}
	if req.StateMachineARN == "" {
		req.StateMachineARN = "arn:aws:states:us-east-1:123456789012:stateMachine:machine"
	}
	if req.Name == "" {
		req.Name = x.uuid()
	}
	if req.RoleARN == "" {
		req.RoleARN = "arn:aws:iam::123456789012:role/stepsleuth"
	}
	if req.ARN == "" {
		req.ARN = executionARN(req.StateMachineARN, req.Name, req.Type, x.uuid)
	}
	info := &history.Execution{
		ARN:             req.ARN,
		Name:            req.Name,
		StateMachineARN: req.StateMachineARN,
		Type:            req.Type,
		Status:          history.Running,
		Start:           time.UnixMilli(x.now).UTC(),
		Input:           history.Rendered(input),
	}
	l := &log{limit: x.limits.Events, observe: x.engine.Observe, discard: req.Discard}
	if req.Type == history.Express {
		l.limit = x.expressEvents()
	}
	info.DeferEvents(l.render)
	return &run{log: l, info: info, input: input, start: x.now, sync: req.Sync}
}

// executionARN makes an execution's ARN from its machine's: of an Express one it
// ends in a second unique part.
func executionARN(machine, name string, kind history.Type, unique func() string) string {
	prefix, rest, ok := strings.Cut(machine, ":stateMachine:")
	if !ok {
		return machine + ":" + name
	}
	machineName, _, _ := strings.Cut(rest, ":") // without alias or version
	if kind == history.Express {
		return prefix + ":express:" + machineName + ":" + name + ":" + unique()
	}
	return prefix + ":execution:" + machineName + ":" + name
}

// uuid makes an identifier from the seed.
func (x *execution) uuid() string {
	a, b := x.rand.Uint64(), x.rand.Uint64()
	a = a&^0xf000 | 0x4000 // version 4
	b = b&^(3<<62) | 2<<62 // variant
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// begin writes the first event, starts the execution's own timers and readies
// the first state.
func (x *execution) begin(start *node, input string) {
	r := x.main
	role := x.req.RoleARN
	r.note("ExecutionStarted", 0, x.now, func(d *history.Details) {
		d.Input, d.RoleARN = history.Text(input), role
	})
	x.startTimeout()
	x.root.goTo(start, r.input)
	if size := r.input.Size(); x.limits.PayloadBytes > 0 && size > x.limits.PayloadBytes {
		x.end(history.Failed, tooLarge(start.name))
	}
}

const expressLimit = 5 * 60 // seconds

// endlessEvents is how many events an Express execution may write on a virtual clock.
// AWS has no such limit, but it has the five minutes, which a loop that never waits
// would never come to: at a millisecond for each event they are over by now.
const endlessEvents = expressLimit * 1000

func (x *execution) expressEvents() int {
	switch {
	case !x.virtual:
		return 0
	case x.req.Limits.Events > 0:
		return x.req.Limits.Events
	}
	return endlessEvents
}

// startTimeout arms TimeoutSeconds of the machine, and the five minutes of an
// Express execution.
func (x *execution) startTimeout() {
	seconds := x.prog.root.source.TimeoutSeconds
	if x.req.Type == history.Express && (seconds == nil || *seconds > expressLimit) {
		s := int64(expressLimit)
		seconds = &s
	}
	if seconds != nil {
		x.timers.set(x.now+*seconds*1000, func() { x.end(history.TimedOut, nil) })
	}
}

// turnsBetweenChecks is how often a loop that never waits looks whether it is to stop.
const turnsBetweenChecks = 1024

// loop runs the execution to its end.
func (x *execution) loop() {
	defer close(x.done)
	for turn := 1; !x.over; turn++ {
		if turn%turnsBetweenChecks == 0 && x.ctx.Err() != nil {
			x.abort(nil, nil)
			break
		}
		switch t := x.ready.pop(); {
		case x.overfull != nil:
			x.tooManyEvents()
			if t != nil {
				x.ready.push(t)
			}
		case t != nil:
			t.resume()
		default:
			x.wait()
		}
	}
	x.cancel()
	x.wg.Wait()
}

// tooManyEvents ends the runs that have no room for more events.
func (x *execution) tooManyEvents() {
	list := x.overfull
	x.overfull = nil
	for _, t := range list {
		if t.dead {
			continue
		}
		if t.run.info.Type == history.Express {
			t.outOfTime()
			continue
		}
		f := newFailure(errRuntime, fmt.Sprintf("The execution reached the maximum number of history events (%d).", t.run.log.limit))
		f.fatal = true
		prev := int64(t.run.log.count)
		if t == x.root {
			t.kill()
			x.endAt(history.Failed, f, value.Value{}, prev)
			return
		}
		t.prev = prev
		t.join.failed(t, f)
	}
}

// outOfTime ends an Express execution whose first thread t is.
func (t *thread) outOfTime() {
	if m, ok := t.join.(*distributedMap); ok {
		m.lost(t, history.TimedOut, nil)
		return
	}
	t.x.end(history.TimedOut, nil)
}

// wait waits for the next input and takes it in.
func (x *execution) wait() {
	next := x.timers.next()
	var alarm <-chan time.Time
	switch {
	case next == nil:
	case !x.virtual && next.at <= x.now:
		x.tick()
		return
	case !x.virtual:
		t := time.NewTimer(time.Until(time.UnixMilli(next.at)))
		defer t.Stop()
		alarm = t.C
	case x.ctx.Err() == nil && x.mail.idle():
		// Nothing can happen before the next timer: time jumps there.
		if next.at > x.now {
			x.startTasks()
			x.now = next.at
		}
		x.timers.pop()
		next.fire()
		return
	}
	select {
	case <-x.mail.wake:
		x.takeMail()
	case <-alarm:
		x.tick()
	case <-x.ctx.Done():
		x.abort(nil, nil)
	}
}

// tick reads the clock and fires the timer that is due. One that is due at the same
// time waits until the threads have gone on: so it is on a virtual clock too.
func (x *execution) tick() {
	x.readClock()
	if t := x.timers.next(); t != nil && t.at <= x.now {
		x.timers.pop()
		t.fire()
	}
}

func (x *execution) readClock() {
	if !x.virtual {
		x.now = max(x.now, time.Now().UnixMilli())
	}
}

// takeMail takes in what came from outside. On a virtual clock it waits until
// every handler has said what it has to say, so that the order is the tasks'.
func (x *execution) takeMail() {
	x.readClock()
	for _, in := range x.mail.take(x.virtual) {
		if x.over {
			return
		}
		in.apply(x)
	}
}

// end writes the terminal event. f is what failed, for a failed or aborted one.
func (x *execution) end(status history.Status, f *failure) {
	x.endAt(status, f, value.Value{}, x.root.prev)
}

func (x *execution) endAt(status history.Status, f *failure, output value.Value, prev int64) {
	if x.over {
		return
	}
	x.over = true
	r := x.main
	if status == history.TimedOut || status == history.Aborted {
		x.root.kill()
		prev = 0
	}
	r.finish(status, f, output, prev, x.now)
}

// endings are the last events of executions.
var endings = map[history.Status]*kind{
	history.Succeeded: {typ: "ExecutionSucceeded", about: aboutEnd},
	history.Failed:    {typ: "ExecutionFailed", about: aboutEnd},
	history.TimedOut:  {typ: "ExecutionTimedOut", about: aboutEnd},
	history.Aborted:   {typ: "ExecutionAborted", about: aboutEnd},
}

// finish ends a run: the main one, or one of a distributed Map's.
func (r *run) finish(status history.Status, f *failure, output value.Value, prev, now int64) {
	info := r.info
	info.Status, info.Stop = status, time.UnixMilli(now).UTC()
	if f != nil {
		info.Error, info.Cause = f.name, f.cause
	}
	if !output.IsAbsent() {
		info.Output = history.Rendered(output)
	}
	r.log.add(entry{kind: endings[status], prev: prev, at: now, fill: func(d *history.Details) {
		d.Output = payload(output)
		switch {
		case f != nil:
			f.fill(d)
		case status == history.TimedOut: // of which the execution itself says nothing
			name := errTimeout
			d.Error = &name
		}
	}})
}

// abort ends the execution from outside.
func (x *execution) abort(name, cause *string) {
	x.end(history.Aborted, &failure{name: name, cause: cause})
}

// giveUp ends the execution because of something that the engine cannot do.
func (x *execution) giveUp(err error) {
	if x.err == nil {
		x.err = err
	}
	name, cause := "Stepsleuth.Unsupported", err.Error()
	x.abort(&name, &cause)
}

func (x *execution) finished() (*history.Execution, error) {
	<-x.done
	return x.main.info, x.err
}

// rootJoin ends the execution with its first thread.
type rootJoin struct{}

func (rootJoin) done(t *thread, output value.Value) {
	t.x.endAt(history.Succeeded, nil, output, t.prev)
}

func (rootJoin) failed(t *thread, f *failure) {
	t.x.endAt(history.Failed, f, value.Value{}, t.prev)
}

// queue holds the threads that can go on, first come first served.
type queue struct {
	items []*thread
	head  int
}

func (q *queue) push(t *thread) {
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	q.items = append(q.items, t)
}

func (q *queue) pop() *thread {
	for q.head < len(q.items) {
		t := q.items[q.head]
		q.items[q.head] = nil
		q.head++
		if !t.dead {
			return t
		}
	}
	return nil
}
