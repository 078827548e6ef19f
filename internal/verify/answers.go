package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Unknown is a task whose answer the recording does not hold: the run ends there,
// as an invented answer would prove nothing.
type Unknown struct {
	State  string
	Place  string // with the states around it
	Reason string // a sentence without its full stop

	asked int64 // event of the run in which it was scheduled; 0: none
}

func (u *Unknown) Error() string { return u.Reason }

// answers is a TaskHandler that answers as was recorded: by the place of the
// state, its visit and its attempt, and only where it is asked what was asked then.
type answers struct {
	rec      *trace
	original *asl.Machine     // the one that ran
	control  map[call]request // what the original definition asked in the same run; nil in that run
	enter    *visit           // where the run begins; nil: at the beginning
	until    time.Time        // the machine's own deadline; zero: none
	apart    map[string]bool  // states in child executions, which have histories of their own
	refusal  *refusal

	live    *trace // belongs to the event loop
	running chan *engine.Running

	mu       sync.Mutex
	next     *engine.Task
	calls    map[*engine.Task]call
	asked    map[*engine.Task]int64 // event
	requests map[call]request
	unknown  []*Unknown
}

// call is one attempt of a task in a run or in the recording.
type call struct {
	place   string
	nth     int // visit of the place
	attempt int
}

// request is what a task is asked.
type request struct {
	resource string
	role     string
	input    value.Value
}

// refusal is a recorded failure of a task that Step Functions did not even
// schedule, as its parameters made no request.
type refusal struct {
	at    *visit
	cause string
}

const enterResource = "arn:aws:lambda:us-east-1:000000000000:function:stepsleuth-enter"

// observe follows the run. It is called from the event loop, right before the
// task that a …Scheduled event is about goes to its handler, and right after
// CheckParameters was asked about it.
func (a *answers) observe(e history.Event) {
	a.live.add(e)
	if suffix, ok := taskEvent(e.Type); !ok || suffix != "Scheduled" {
		return
	}
	v := a.live.at[e.ID].now
	a.mu.Lock()
	defer a.mu.Unlock()
	if v != nil && a.next != nil {
		a.calls[a.next] = call{v.place, a.nth(v), len(v.attempts) - 1}
		a.asked[a.next] = e.ID
	}
	a.next = nil
}

// nth counts a visit of the run as the recording does: visits before the one that
// the run began with are not in the run.
func (a *answers) nth(v *visit) int {
	if a.enter == nil {
		return v.nth
	}
	before := 0
	for _, old := range a.rec.byPlace[v.place] {
		if old.event < a.enter.event {
			before++
		}
	}
	return before + v.nth
}

// recorded returns the visit of the recording that v is in the run, or nil.
func (a *answers) recorded(v *visit) *visit {
	visits := a.rec.byPlace[v.place]
	if n := a.nth(v); n < len(visits) {
		return visits[n]
	}
	return nil
}

// CheckParameters learns of a task before it is scheduled, and refuses it where
// that was recorded and nothing about it has changed.
func (a *answers) CheckParameters(t *engine.Task) error {
	a.mu.Lock()
	a.next = t
	a.mu.Unlock()
	v := a.live.byEvent[a.live.last.ID]
	if v == nil || a.refusal == nil || a.recorded(v) != a.refusal.at || a.refusal.at.name != v.name {
		return nil
	}
	asked, err := requestOf(t)
	if err != nil {
		return err
	}
	c := call{v.place, a.nth(v), -1}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests[c] = asked
	if before, ok := a.control[c]; ok && (before.resource != asked.resource || !value.Equal(before.input, asked.input)) {
		return nil
	}
	return &engine.TaskError{Cause: &a.refusal.cause, Phase: engine.PhaseParameters}
}

// refused finds what CheckParameters is to refuse.
func refused(target *visit, cause *string) *refusal {
	text := told(cause)
	if target == nil || target.kind != "Task" || len(target.attempts) > 0 || !strings.Contains(text, "could not be used to start the Task") {
		return nil
	}
	return &refusal{target, text}
}

func requestOf(t *engine.Task) (request, error) {
	v, err := value.ParseBytes(t.Input())
	return request{t.Resource, t.Role, withoutToken(v, t.Token)}, err
}

// HandleTask answers a task.
func (a *answers) HandleTask(ctx context.Context, t *engine.Task) (engine.Result, error) {
	if t.Resource == enterResource {
		return a.begin(ctx, t)
	}
	began := t.Now()
	a.mu.Lock()
	c, ok := a.calls[t]
	a.mu.Unlock()
	if !ok {
		return engine.Result{}, a.beside(ctx, t, began)
	}
	old, unknown := a.look(c, t)
	if unknown != nil {
		return engine.Result{}, a.stall(ctx, t, began, unknown)
	}
	return a.answer(ctx, t, began, c, old)
}

// begin stands in for everything before the state that the run begins with: at
// the time recorded it passes on the input recorded.
func (a *answers) begin(ctx context.Context, t *engine.Task) (engine.Result, error) {
	if d := a.enter.at.Sub(t.Now()); d > 0 {
		if err := t.Sleep(ctx, d); err != nil {
			return engine.Result{}, err
		}
	}
	return engine.JSON(a.enter.input.String()), nil
}

// beside answers what no event of the run is about: a task in a child execution,
// whose recording is not here, and what a distributed Map reads and writes, of
// which only the failure is recorded.
func (a *answers) beside(ctx context.Context, t *engine.Task, began time.Time) error {
	if a.apart[t.State] {
		u := &Unknown{State: t.State, Place: t.State, Reason: fmt.Sprintf("%q runs in child executions of a distributed Map, whose histories are apart", t.State)}
		return a.stall(ctx, t, began, u)
	}
	asked, err := requestOf(t)
	if err != nil {
		return err
	}
	c := call{place: t.State + " \u2022 " + t.Resource}
	a.mu.Lock()
	a.requests[c] = asked
	before, ok := a.control[c]
	a.mu.Unlock()
	same := !ok || value.Equal(before.input, asked.input) && aside(a.original, t.State) == aside(a.live.machine, t.State)
	if failed := a.rec.mapRun(t.State); failed != nil && same {
		return &engine.TaskError{Name: failed.err, Cause: failed.cause}
	}
	return a.stall(ctx, t, began, &Unknown{State: t.State, Place: t.State, Reason: fmt.Sprintf("what the Map %q reads or writes is not in its history", t.State)})
}

// aside is the text of what a Map reads and writes with.
func aside(m *asl.Machine, name string) string {
	var b strings.Builder
	if m == nil {
		return ""
	}
	for _, s := range m.Lookup(name) {
		for _, field := range []string{"ItemReader", "ResultWriter"} {
			if span, ok := s.Fields[field]; ok {
				b.WriteString(m.Source().Text[span.Start:span.End])
			}
		}
	}
	return b.String()
}

// look finds the recorded attempt that answers a call.
func (a *answers) look(c call, t *engine.Task) (*attempt, *Unknown) {
	no := func(format string, args ...any) (*attempt, *Unknown) {
		return nil, &Unknown{State: t.State, Place: c.place, Reason: fmt.Sprintf(format, args...)}
	}
	asked, err := requestOf(t)
	if err != nil {
		return no("the parameters of %q are no JSON: %v", t.State, err)
	}
	a.mu.Lock()
	a.requests[c] = asked
	a.mu.Unlock()
	visits := a.rec.byPlace[c.place]
	switch {
	case len(visits) == 0:
		return no("%q was never reached in the recording, so what its task answers is not known", t.State)
	case c.nth >= len(visits):
		return no("%q was entered %s in the recording; what its task answers then is not known", t.State, times(len(visits)))
	case len(visits[c.nth].attempts) == 0:
		return no("the task of %q was never called in the recording, so what it answers is not known", t.State)
	}
	if changed := a.changed(visits[c.nth], c, asked); changed != "" {
		return no("the task of %q would be called with %s, so what it answers is not known", t.State, changed)
	}
	if c.attempt >= len(visits[c.nth].attempts) {
		return no("the task of %q was tried %s in the recording; what a further attempt answers is not known", t.State, times(len(visits[c.nth].attempts)))
	}
	old := visits[c.nth].attempts[c.attempt]
	if old.end != nil && strings.HasSuffix(string(old.end.Type), "Succeeded") {
		if _, ok := read(old.end.Details.Output); !ok {
			return no("what the task of %q answered was left out of the history", t.State)
		}
	}
	return old, nil
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// changed says how a request differs from the one that was recorded; "" not at all.
func (a *answers) changed(v *visit, c call, asked request) string {
	if a.control == nil {
		return "" // the run with the original definition asks what it asked
	}
	c.attempt = min(c.attempt, len(v.attempts)-1)
	before := a.control[c]
	if old := a.resource(v.name); old != "" && old != asked.resource {
		return "another resource than recorded"
	}
	scheduled := v.attempts[c.attempt].scheduled.Details
	recorded, ok := value.Value{}, false
	if scheduled != nil {
		if recorded, ok = read(scheduled.Parameters); !ok {
			recorded, ok = read(scheduled.Input)
		}
	}
	switch {
	case scheduled != nil && asked.role != scheduled.TaskCredentials && (before.input.IsAbsent() || asked.role != before.role):
		return "another role than recorded"
	case !ok && before.input.IsAbsent():
		return "parameters that cannot be compared, as the recorded ones were left out"
	case !ok:
		recorded = before.input
	}
	pointer, found := differ(asked.input, recorded, before.input)
	switch {
	case !found:
		return ""
	case pointer == "":
		return "other parameters than recorded"
	}
	return "other parameters than recorded (" + pointer + ")"
}

// resource is what a state called in the definition that ran.
func (a *answers) resource(state string) string {
	if a.original == nil {
		return ""
	}
	for _, s := range a.original.Lookup(state) {
		if s.Task != nil {
			return s.Task.Resource
		}
	}
	return ""
}

// answer gives a task what was recorded, after the time that it took.
func (a *answers) answer(ctx context.Context, t *engine.Task, began time.Time, c call, old *attempt) (engine.Result, error) {
	if old.taken != nil {
		queued := max(0, old.taken.Time.Sub(old.scheduled.Time))
		if err := t.Sleep(ctx, queued); err != nil {
			return engine.Result{}, err
		}
		t.Started(old.worker())
		began = began.Add(queued)
	}
	if old.submitted != nil && old.submitted.Details != nil {
		if text := old.submitted.Details.Output.String(); text != "" && !old.submitted.Details.Output.Truncated {
			t.Submitted(engine.JSON(text))
		}
	}
	if old.end == nil {
		u := &Unknown{State: t.State, Place: c.place, Reason: fmt.Sprintf("the task of %q had not answered when the recording ends", t.State)}
		return engine.Result{}, a.stall(ctx, t, began, u)
	}
	took, timedOut := old.took()
	if err := sleep(ctx, t, took, timedOut); err != nil {
		return engine.Result{}, err
	}
	d := old.end.Details
	if d == nil {
		d = &history.Details{}
	}
	switch {
	case timedOut:
		u := &Unknown{State: t.State, Place: c.place, Reason: fmt.Sprintf("the task of %q had not answered after %s, and whether it answers later is not known", t.State, took.Truncate(time.Second))}
		return engine.Result{}, a.stall(ctx, t, began, u)
	case strings.HasSuffix(string(old.end.Type), "Succeeded"):
		return a.succeed(ctx, t, d.Output.String())
	case t.Token != "" && old.submitted != nil:
		return engine.Result{}, a.failToken(ctx, t, d)
	}
	return engine.Result{}, &engine.TaskError{Name: d.Error, Cause: d.Cause, Phase: phaseOf(old.end.Type)}
}

// worker is who took the task of an activity; it may have no name.
func (a *attempt) worker() string {
	if d := a.taken.Details; d != nil && d.WorkerName != nil {
		return *d.WorkerName
	}
	return ""
}

// began is from when on an attempt's time-outs ran.
func (a *attempt) began() time.Time {
	if a.taken != nil {
		return a.taken.Time
	}
	return a.scheduled.Time
}

// took is how long an attempt took. One that timed out takes longer than the
// time-out that it had, and another one less.
func (a *attempt) took() (d time.Duration, timedOut bool) {
	lasted := a.end.Time.Sub(a.began())
	d = max(0, lasted)
	timedOut = strings.HasSuffix(string(a.end.Type), "TimedOut")
	s := a.scheduled.Details
	if s == nil {
		return d, timedOut
	}
	for _, limit := range []*int64{s.TimeoutSeconds, s.HeartbeatSeconds} {
		if limit == nil || *limit <= 0 || *limit > 100*365*24*3600 {
			continue
		}
		at := time.Duration(*limit) * time.Second
		switch {
		case timedOut && limit == s.HeartbeatSeconds && s.TimeoutSeconds != nil && lasted >= time.Duration(*s.TimeoutSeconds)*time.Second:
		case timedOut && limit == s.TimeoutSeconds && s.HeartbeatSeconds != nil:
		case timedOut:
			d = max(d, at+time.Millisecond)
		case limit == s.TimeoutSeconds:
			d = min(d, at-time.Millisecond)
		}
	}
	return d, timedOut
}

// sleep lets the recorded time pass. Heartbeats are not recorded: a task that did
// not time out sent them.
func sleep(ctx context.Context, t *engine.Task, d time.Duration, silent bool) error {
	if t.Heartbeat <= 0 || silent {
		return t.Sleep(ctx, d)
	}
	for d > 0 {
		step := min(d, t.Heartbeat/2)
		if err := t.Sleep(ctx, step); err != nil {
			return err
		}
		t.Beat()
		d -= step
	}
	return nil
}

func (a *answers) succeed(ctx context.Context, t *engine.Task, output string) (engine.Result, error) {
	if !strings.HasSuffix(t.Resource, ".waitForTaskToken") {
		return engine.JSON(output), nil
	}
	running, err := a.wait(ctx)
	if err != nil {
		return engine.Result{}, err
	}
	return engine.Result{}, running.CompleteTask(t.Token, []byte(output))
}

func (a *answers) failToken(ctx context.Context, t *engine.Task, d *history.Details) error {
	if !strings.HasSuffix(t.Resource, ".waitForTaskToken") {
		return &engine.TaskError{Name: d.Error, Cause: d.Cause}
	}
	running, err := a.wait(ctx)
	if err != nil {
		return err
	}
	return running.FailTask(t.Token, d.Error, d.Cause)
}

func (a *answers) wait(ctx context.Context) (*engine.Running, error) {
	select {
	case r := <-a.running:
		a.running <- r
		return r, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func phaseOf(t history.EventType) engine.Phase {
	suffix, _ := taskEvent(t)
	switch suffix {
	case "ScheduleFailed":
		return engine.PhaseSchedule
	case "StartFailed":
		return engine.PhaseStart
	case "SubmitFailed":
		return engine.PhaseSubmit
	}
	return engine.PhaseRun
}

// farOff is longer than anything in a machine waits.
const farOff = 10 * 365 * 24 * time.Hour

// stall ends the run at a task without an answer, but not before everything that
// does not need the answer has gone as far as it can. It ends right before a
// time-out would decide what nobody knows.
func (a *answers) stall(ctx context.Context, t *engine.Task, began time.Time, u *Unknown) error {
	a.mu.Lock()
	u.asked = a.asked[t]
	a.unknown = append(a.unknown, u)
	a.mu.Unlock()
	until := began.Add(farOff)
	if t.Timeout > 0 {
		until = earlier(until, began.Add(t.Timeout-time.Millisecond))
	}
	if t.Heartbeat > 0 {
		until = earlier(until, began.Add(t.Heartbeat-time.Millisecond))
	}
	if !a.until.IsZero() {
		until = earlier(until, a.until)
	}
	if d := until.Sub(t.Now()); d > 0 {
		if err := t.Sleep(ctx, d); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return u
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
