package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// attempt is one attempt of a Task state, on the loop's side.
type attempt struct {
	x      *execution
	t      *thread
	number uint64
	task   *Task
	cancel context.CancelFunc
	input  value.Value
	then   func(value.Value, error) // of a distributed Map: no events
	mapRun bool                     // for HandleMapRun

	timeout, alarm *timer // TimeoutSeconds, HeartbeatSeconds
	beatMS         int64
	begun          bool           // TaskStarted is written
	accepted       bool           // TaskSubmitted is written
	waiting        bool           // for its token, the handler being done
	early          func(*attempt) // what came for the token before that
	over           bool
	asleep         *timer
	grace          *timer

	working bool // guarded by the mailbox
}

// runTask runs a Task state (ASL "Task State").
func runTask(t *thread) {
	x, r := t.x, &t.node.resource
	if r.token || r.kind == activityTask {
		t.token, t.ctx = x.newToken(), value.Value{}
	}
	input, f := t.effectiveInput()
	if f != nil {
		x.fail(t, f)
		return
	}
	a := &attempt{x: x, t: t, input: input}
	a.task = &Task{
		Execution:    t.run.info.ARN,
		StateMachine: t.run.info.StateMachineARN,
		State:        t.node.name,
		Resource:     r.text,
		Attempt:      t.retryCount,
		Token:        t.token,
		input:        input,
		attempt:      a,
	}
	if f := a.settings(); f != nil {
		x.fail(t, f)
		return
	}
	if t.inspectMock() || a.refused() {
		return
	}
	a.dispatch()
}

// refused asks whoever will handle the task whether its parameters are of any use.
func (a *attempt) refused() bool {
	checker, ok := a.x.engine.Tasks.(ParameterChecker)
	if !ok {
		return false
	}
	if a.x.req.inspect != nil && a.t.node.resource.kind == activityTask {
		return false // a state that is tested alone has no workers, whoever is asked
	}
	err := checker.CheckParameters(a.task)
	if err == nil {
		return false
	}
	var refusal *TaskError
	if !errors.As(err, &refusal) || refusal.Cause == nil {
		a.giveUp(err)
		return true
	}
	a.x.fail(a.t, a.t.runtimeFailure("%s", *refusal.Cause))
	return true
}

// settings computes the time-outs and credentials.
func (a *attempt) settings() *failure {
	t, n := a.t, a.t.node
	e := t.env(t.input)
	timeout, f := e.seconds(n.timeout)
	if f != nil {
		return f
	}
	heartbeat, f := e.seconds(n.heartbeat)
	if f != nil {
		return f
	}
	credentials, f := e.eval(n.credentials)
	if f != nil {
		return f
	}
	a.task.Timeout = time.Duration(timeout) * time.Second
	a.task.Heartbeat = time.Duration(heartbeat) * time.Second
	role, _ := credentials.Get("RoleArn")
	a.task.Role, _ = role.AsString()
	return nil
}

// seconds evaluates a positive number of seconds; 0 where there is no such field.
func (e *env) seconds(a *amount) (int64, *failure) {
	switch {
	case a == nil:
		return 0, nil
	case a.number != nil:
		return int64(*a.number), nil
	case a.expr != nil:
		n, f := e.computedInteger(a)
		if f == nil && n <= 0 {
			f = e.t.queryFailure(a.field, "The JSONata expression '%s' specified for the field '%s' returned a value that is not positive: %d", a.expr.text, a.field, n)
		}
		return n, f
	}
	v, err := e.follow(a.path.Path)
	if err != nil {
		return 0, e.t.runtimeFailure("The %sPath parameter does not reference an input value: %s", a.field, a.path)
	}
	n, ok := wholeNumber(v)
	switch {
	case !ok:
		return 0, e.t.runtimeFailure("The %sPath parameter cannot be parsed as a long value: %s == %s", a.field, a.path, jsonpathText(v))
	case n <= 0:
		return 0, e.t.runtimeFailure("The %sPath parameter references a value that is not positive: %s == %d", a.field, a.path, n)
	}
	return n, nil
}

// countCall returns how many attempts the state has had before in this thread.
func (t *thread) countCall() int {
	if t.calls == nil {
		t.calls = make(map[*node]int)
	}
	n := t.calls[t.node]
	t.calls[t.node]++
	return n
}

func (x *execution) newToken() string {
	var b [48]byte
	for i := 0; i < len(b); i += 8 {
		n := x.rand.Uint64()
		for j := range 8 {
			b[i+j] = byte(n >> (8 * j))
		}
	}
	return base64.StdEncoding.EncodeToString(b[:])
}

// dispatch writes that the task is scheduled, arms its time-outs and hands it to
// its handler.
func (a *attempt) dispatch() {
	x, t := a.x, a.t
	x.taskSeq++
	a.number = x.taskSeq
	a.task.ID = x.uuid()
	a.task.Call = t.countCall()
	t.task = a
	a.scheduled()
	activity := t.node.resource.kind == activityTask
	if !activity {
		a.arm()
	}
	if t.token != "" {
		if x.tokens == nil {
			x.tokens = make(map[string]*attempt)
		}
		x.tokens[t.token] = a
	}
	a.launch()
	if !activity {
		x.soonStarted(a)
	}
}

// arm starts to count TimeoutSeconds and HeartbeatSeconds: for an activity when a
// worker has taken the task, however long it waited for one (Developer Guide, "Task").
func (a *attempt) arm() {
	x := a.x
	if d := a.task.Timeout; d > 0 {
		a.timeout = x.timers.set(x.now+d.Milliseconds(), func() { a.timedOut() })
	}
	if d := a.task.Heartbeat; d > 0 && a.t.token != "" {
		a.beatMS = d.Milliseconds()
		a.beat()
	}
}

// startGrace is how long a task may take to say that it could not even start.
const startGrace = 10 // ms

// soonStarted has a task count as started soon: when time moves on.
func (x *execution) soonStarted(a *attempt) {
	if x.virtual {
		x.fresh = append(x.fresh, a)
		return
	}
	a.grace = x.timers.set(x.now+startGrace, func() { a.start("") })
}

// startTasks writes down as started what is still at work when time moves on.
func (x *execution) startTasks() {
	for _, a := range x.fresh {
		if !a.over {
			a.start("")
		}
	}
	x.fresh = nil
}

// launch hands the task to its handler.
func (a *attempt) launch() {
	x := a.x
	handler := x.engine.Tasks
	if handler == nil {
		handler = TaskMux(nil)
	}
	var ctx context.Context
	ctx, a.cancel = context.WithCancel(x.ctx)
	x.mail.work(a)
	x.wg.Add(1)
	go a.run(ctx, handler)
}

func (a *attempt) run(ctx context.Context, handler TaskHandler) {
	defer a.x.wg.Done()
	result, err := a.call(ctx, handler)
	a.x.mail.report(a, true, func(*execution) { a.finish(result, err) })
}

// call keeps a handler's panic from taking the process down.
func (a *attempt) call(ctx context.Context, handler TaskHandler) (result Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the task handler panicked: %v\n%s", p, debug.Stack())
		}
	}()
	if a.mapRun {
		return handler.(MapRunHandler).HandleMapRun(ctx, a.task)
	}
	return handler.HandleTask(ctx, a.task)
}

// finish takes in what the handler returned.
func (a *attempt) finish(result Result, err error) {
	if a.over {
		return
	}
	var failed *TaskError
	switch {
	case a.then != nil && (errors.As(err, &failed) || errors.Is(err, ErrIterate)):
		a.end()
		a.then(value.Value{}, err)
	case errors.As(err, &failed):
		a.fail(failed)
	case errors.Is(err, ErrPending):
		a.pend()
	case err != nil:
		a.giveUp(err)
	default:
		v, err := result.read()
		if err != nil {
			a.giveUp(err)
			return
		}
		a.returned(v)
	}
}

func (a *attempt) returned(v value.Value) {
	if a.then != nil {
		a.end()
		a.then(v, nil)
		return
	}
	if a.t.node.resource.token {
		a.submitted(v)
		a.pend()
		return
	}
	a.succeed(v)
}

// pend waits for the task's token.
func (a *attempt) pend() {
	a.waiting = true
	if a.early != nil {
		a.early(a)
	}
}

func (a *attempt) giveUp(err error) {
	if a.x.ctx.Err() != nil {
		return // the execution is ending; the handler says no more than that
	}
	a.x.giveUp(fmt.Errorf("state %q: %w", a.t.node.name, err))
}

// succeed ends the attempt with the task's result.
func (a *attempt) succeed(v value.Value) {
	a.start("")
	if a.x.tooLarge(v) {
		a.failWith(PhaseRun, tooLarge(a.what()))
		return
	}
	a.end()
	a.write("Succeeded", func(d *historyDetails) { d.Output = payload(v) })
	a.t.probe("result", v)
	a.t.complete(v)
}

// what names the task in the message about a result that is too large.
func (a *attempt) what() string {
	if r := &a.t.node.resource; r.kind == serviceTask {
		return r.service
	}
	return a.t.node.resource.text
}

func (a *attempt) fail(e *TaskError) {
	a.failWith(e.Phase, e.failure())
}

func (a *attempt) failWith(phase Phase, f *failure) {
	if phase == PhaseRun || phase == PhaseSubmit {
		a.start("")
	}
	a.end()
	a.write(phase.event(a.t.node.resource.kind), func(d *historyDetails) { d.Error, d.Cause = f.name, f.cause })
	a.x.fail(a.t, f)
}

// event is the end of the name of the event of a task that failed in that phase.
func (p Phase) event(kind resourceKind) string {
	switch {
	case p == PhaseSubmit && kind == serviceTask:
		return "SubmitFailed"
	case p == PhaseSchedule && kind != serviceTask:
		return "ScheduleFailed"
	case p == PhaseStart && kind != activityTask, p == PhaseSchedule:
		return "StartFailed"
	}
	return "Failed"
}

// timedOut fails the task by TimeoutSeconds or HeartbeatSeconds, which AWS records
// alike: States.Timeout without a cause.
func (a *attempt) timedOut() {
	a.end()
	name := errTimeout
	f := &failure{name: &name}
	a.write("TimedOut", func(d *historyDetails) { d.Error = f.name })
	a.x.fail(a.t, f)
}

func (a *attempt) missedBeat() {
	a.end()
	name := errTimeout
	f := &failure{name: &name, heartbeat: true}
	a.write("TimedOut", func(d *historyDetails) { d.Error = f.name })
	a.x.fail(a.t, f)
}

func (a *attempt) beat() {
	if a.beatMS == 0 {
		return
	}
	a.alarm.stop()
	a.alarm = a.x.timers.set(a.x.now+a.beatMS, a.missedBeat)
}

// end stops everything that still waits for the attempt.
func (a *attempt) end() {
	if a.over {
		return
	}
	a.over = true
	a.timeout.stop()
	a.alarm.stop()
	a.asleep.stop()
	a.grace.stop()
	a.cancel()
	a.x.mail.forget(a)
	delete(a.x.tokens, a.task.Token)
	if a.t.task == a {
		a.t.task = nil
	}
}

func (a *attempt) abandon() { a.end() }

// report passes on what a handler says while it works.
func (a *attempt) report(apply func(*attempt)) {
	a.x.mail.report(a, false, func(*execution) {
		if !a.over {
			apply(a)
		}
	})
}

// answer is answered from the task's handler.
func (a *attempt) answer(end func(*attempt)) {
	a.report(func(a *attempt) { a.answered(end) })
}

// answered has the task end as its token's holder says: at once, or when its
// handler is done. Nobody can use the token again.
func (a *attempt) answered(end func(*attempt)) {
	delete(a.x.tokens, a.task.Token)
	if a.waiting {
		end(a)
	} else {
		a.early = end
	}
}

func (a *attempt) now() time.Time {
	if !a.x.virtual {
		return time.Now()
	}
	reply := make(chan int64, 1)
	a.x.mail.post(input{a.number, func(x *execution) { reply <- x.now }})
	select {
	case ms := <-reply:
		return time.UnixMilli(ms).UTC()
	case <-a.x.ctx.Done():
		return time.UnixMilli(0).UTC()
	}
}

// sleep has the loop wake the handler up. On a virtual clock the handler does not
// count as working meanwhile.
func (a *attempt) sleep(ctx context.Context, d time.Duration) error {
	if !a.x.virtual {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	woken := make(chan struct{})
	a.x.mail.report(a, true, func(x *execution) {
		if a.over {
			return
		}
		a.asleep = x.timers.set(x.now+d.Milliseconds(), func() {
			x.mail.work(a)
			close(woken)
		})
	})
	select {
	case <-woken:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// The events of a task. Each kind of resource has its own family of them.

var families = [...]string{serviceTask: "Task", lambdaTask: "LambdaFunction", activityTask: "Activity"}

func (a *attempt) kind(suffix string) history.EventType {
	return history.EventType(families[a.t.node.resource.kind] + suffix)
}

// write writes an event of the task; fill may be nil.
func (a *attempt) write(suffix string, fill func(*historyDetails)) {
	r := &a.t.node.resource
	a.t.event(a.kind(suffix), func(d *historyDetails) {
		if r.kind == serviceTask {
			d.ResourceType, d.Resource = r.service, r.action
		}
		if fill != nil {
			fill(d)
		}
	})
}

func (a *attempt) scheduled() {
	r, in, region, role := &a.t.node.resource, a.input, a.x.region(), a.task.Role
	timeout, heartbeat := a.task.Timeout, a.task.Heartbeat
	a.write("Scheduled", func(d *historyDetails) {
		if r.kind == serviceTask {
			d.Region = region
			d.Parameters = payload(in)
		} else {
			d.Resource = r.text
			d.Input = payload(in)
		}
		d.TimeoutSeconds = secondsOrNil(timeout)
		if r.kind != lambdaTask {
			d.HeartbeatSeconds = secondsOrNil(heartbeat)
		}
		d.TaskCredentials = role
	})
}

func secondsOrNil(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	s := int64(d / time.Second)
	return &s
}

func (x *execution) region() string {
	parts := strings.Split(x.req.StateMachineARN, ":")
	if len(parts) > 3 && parts[3] != "" {
		return parts[3]
	}
	return "us-east-1"
}

// start writes that a worker took the task, once.
func (a *attempt) start(worker string) {
	if a.begun {
		return
	}
	a.begun = true
	switch a.t.node.resource.kind {
	case lambdaTask:
		a.t.event(a.kind("Started"), nil)
	case activityTask:
		a.arm()
		a.write("Started", func(d *historyDetails) {
			if worker != "" {
				d.WorkerName = &worker
			}
		})
	default:
		a.write("Started", nil)
	}
}

// submitted writes that the service took the job, once.
func (a *attempt) submitted(v value.Value) {
	if a.accepted {
		return
	}
	a.accepted = true
	a.start("")
	a.write("Submitted", func(d *historyDetails) { d.Output = payload(v) })
}
