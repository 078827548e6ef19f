package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

// recorded is the history that AWS wrote, nil where the case has none.
func (c *Case) recorded() json.RawMessage { return c.Expected["get_execution_history"] }

// answer is how one attempt of a task went on AWS.
type answer struct {
	parameters any
	worker     string
	submitted  json.RawMessage
	output     json.RawMessage
	error      *engine.TaskError // nil: it succeeded, or
	hangs      bool              // it timed out
	used       bool
}

// script is what the tasks of a case answered, by state.
type script struct {
	c       *Case
	mu      sync.Mutex
	answers map[string][]*answer
	items   map[string]mapAnswer // what Map states read
	refused map[string]string    // States whose parameters AWS refused, and why
	other   engine.TaskHandler
	running chan *engine.Running
}

// mapAnswer is what an ItemReader gave, as far as the history tells.
type mapAnswer struct {
	items json.RawMessage
	error *engine.TaskError
}

func replay(ctx context.Context, c *Case, e *engine.Engine, req engine.Request) (*history.Execution, error) {
	list := events(mustDecode(c.recorded()))
	if lost(list) { // what followed what is not recorded
		tasks, err := c.tasks()
		if err != nil {
			return nil, err
		}
		e.Tasks = tasks
		return e.RunRequest(ctx, req)
	}
	s := newScript(c, list)
	e.Tasks = s
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if n := len(list); list[n-1]["type"] == "ExecutionAborted" {
		e.Observe = func(ev history.Event) {
			if ev.ID == int64(n-1) {
				stop() // as somebody did on AWS
			}
		}
	}
	running, err := e.Start(ctx, req)
	if err != nil {
		return nil, err
	}
	s.running <- running
	<-running.Done()
	return running.Wait(context.Background())
}

func newScript(c *Case, list []event) *script {
	s := &script{
		c:       c,
		answers: make(map[string][]*answer),
		items:   make(map[string]mapAnswer),
		refused: make(map[string]string),
		other:   functions(c),
		running: make(chan *engine.Running, 1),
	}
	all := byID(list)
	open := make(map[string]*answer) // by the id of the attempt's last event
	for _, e := range list {
		kind, id, prev := fmt.Sprint(e["type"]), fmt.Sprint(e["id"]), fmt.Sprint(e["previousEventId"])
		if strings.HasSuffix(kind, "StateEntered") {
			continue
		}
		d := details(e)
		switch {
		case kind == "ExecutionFailed":
			s.refusal(all, e, d)
		case kind == "MapRunFailed":
			state := stateOf(all, e)
			s.items[state] = mapAnswer{error: taskError(d)}
		case kind == "MapStateExited":
			s.read(d)
		case strings.HasSuffix(kind, "Scheduled"):
			a := &answer{parameters: parametersOf(d), hangs: true}
			state := stateOf(all, e)
			s.answers[state] = append(s.answers[state], a)
			open[id] = a
		default:
			if a := open[prev]; a != nil && a.add(kind, d) {
				open[id] = a
			}
		}
	}
	return s
}

// add takes in an event of the attempt, and reports that there may be more.
func (a *answer) add(kind string, d event) bool {
	switch {
	case strings.HasSuffix(kind, "Started"):
		a.worker, _ = d["workerName"].(string)
	case strings.HasSuffix(kind, "Submitted"):
		a.submitted = jsonOf(d["output"])
	case strings.HasSuffix(kind, "Succeeded"):
		a.output, a.hangs = jsonOf(d["output"]), false
	case strings.HasSuffix(kind, "SubmitFailed"):
		a.error, a.hangs = taskError(d), false
		a.error.Phase = engine.PhaseSubmit
	case strings.HasSuffix(kind, "StartFailed"):
		a.error, a.hangs = taskError(d), false
		a.error.Phase = engine.PhaseStart
	case strings.HasSuffix(kind, "Failed"):
		a.error, a.hangs = taskError(d), false
	}
	return a.hangs && !strings.HasSuffix(kind, "TimedOut")
}

// details is the member of an event that says more.
func details(e event) event {
	for k, v := range e {
		if d, ok := v.(map[string]any); ok && strings.HasSuffix(k, "EventDetails") {
			return d
		}
	}
	return event{}
}

func parametersOf(d event) any {
	if p, ok := d["parameters"]; ok {
		return p
	}
	return d["input"]
}

// stateOf goes back to the state that an event belongs to.
func stateOf(all map[string]event, e event) string {
	for e != nil {
		if strings.HasSuffix(fmt.Sprint(e["type"]), "StateEntered") {
			name, _ := details(e)["name"].(string)
			return name
		}
		e = all[fmt.Sprint(e["previousEventId"])]
	}
	return ""
}

// jsonOf gives back the JSON text that a recording may hold parsed.
func jsonOf(v any) json.RawMessage {
	if s, ok := v.(string); ok && json.Valid([]byte(s)) {
		return json.RawMessage(s)
	}
	return must(json.Marshal(v))
}

func taskError(d event) *engine.TaskError {
	e := &engine.TaskError{}
	if v, ok := d["error"]; ok {
		e.Name = textOf(v)
	}
	if v, ok := d["cause"]; ok {
		e.Cause = textOf(v)
	}
	return e
}

func textOf(v any) *string {
	s, ok := v.(string)
	if !ok {
		s = string(must(json.Marshal(v)))
	}
	return &s
}

const refusal = "could not be used to start the Task: ["

// refusal notes a task whose parameters AWS refused before it was scheduled.
func (s *script) refusal(all map[string]event, e, d event) {
	cause, _ := d["cause"].(string)
	if _, problem, ok := strings.Cut(cause, refusal); ok {
		s.refused[stateOf(all, e)] = strings.TrimSuffix(problem, "]")
	}
}

// read notes what a Map gave: in the recordings its iterations change nothing, so
// that it is what was read as well.
func (s *script) read(d event) {
	name, _ := d["name"].(string)
	if s.items[name].error == nil {
		s.items[name] = mapAnswer{items: jsonOf(d["output"])}
	}
}

// CheckParameters refuses what AWS refused.
func (s *script) CheckParameters(t *engine.Task) error {
	if problem, ok := s.refused[t.State]; ok {
		return t.RefuseParameters(problem)
	}
	return nil
}

// HandleTask answers as recorded.
func (s *script) HandleTask(ctx context.Context, t *engine.Task) (engine.Result, error) {
	if m, ok := s.items[t.State]; ok {
		if m.error != nil {
			return engine.Result{}, m.error
		}
		return engine.Result{Output: m.items}, nil
	}
	a := s.next(t)
	if a == nil {
		return s.other.HandleTask(ctx, t)
	}
	return s.play(ctx, t, a)
}

// next finds the answer for a task: one for the same parameters where there is
// one, else the next in order.
func (s *script) next(t *engine.Task) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first *answer
	parameters := mustDecode(t.Input())
	for _, a := range s.answers[t.State] {
		if a.used {
			continue
		}
		if newMatcher(s.c).match(a.parameters, parameters, "") {
			a.used = true
			return a
		}
		if first == nil {
			first = a
		}
	}
	if first != nil {
		first.used = true
	}
	return first
}

func (s *script) play(ctx context.Context, t *engine.Task, a *answer) (engine.Result, error) {
	if t.Token != "" && a.submitted != nil || strings.Contains(t.Resource, ":activity:") {
		return s.callback(ctx, t, a)
	}
	if a.submitted != nil {
		t.Submitted(engine.Result{Output: a.submitted})
	}
	if a.hangs {
		return engine.Result{}, hang(ctx, t)
	}
	if a.error != nil {
		return engine.Result{}, a.error
	}
	return engine.Result{Output: a.output}, nil
}

// callback answers for whoever holds the task's token.
func (s *script) callback(ctx context.Context, t *engine.Task, a *answer) (engine.Result, error) {
	running := <-s.running
	s.running <- running
	result, pending := engine.Result{Output: a.submitted}, error(nil)
	if a.submitted == nil {
		t.Started(a.worker)
		pending = engine.ErrPending
	}
	var err error
	switch {
	case a.hangs:
	case a.error != nil:
		err = running.FailTask(t.Token, a.error.Name, a.error.Cause)
	default:
		err = running.CompleteTask(t.Token, a.output)
	}
	if err != nil && ctx.Err() == nil {
		return result, err
	}
	return result, pending
}

// hang waits until the task times out.
func hang(ctx context.Context, t *engine.Task) error {
	return t.Sleep(ctx, 100*365*24*time.Hour)
}
