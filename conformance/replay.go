package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
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
	states  map[string]*asl.State
	mapRuns map[string]mapAnswer
	refused map[string]string // States whose parameters AWS refused, and why
	gone    map[string]bool   // States whose activity was not there
	other   engine.TaskHandler
	running chan *engine.Running
}

// mapAnswer is how a run of a distributed Map ended.
type mapAnswer struct {
	result json.RawMessage
	error  *engine.TaskError
}

// mapFailed notes the error of a run of a Map with an ItemReader.
func (s *script) mapFailed(name string, d event) {
	if state := s.states[name]; state != nil && state.Map != nil && state.Map.Reader != nil {
		s.mapRuns[name] = mapAnswer{error: taskError(d)}
	}
}

func replay(ctx context.Context, c *Case, e *engine.Engine, req engine.Request) (*history.Execution, error) {
	list := events(mustDecode(c.recorded()))
	if len(list) == 0 || lost(list) { // what followed what is not recorded
		tasks, err := c.tasks(req.Machine)
		if err != nil {
			return nil, err
		}
		e.Tasks = tasks
		return e.RunRequest(ctx, req)
	}
	s := newScript(c, req.Machine, list)
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

func newScript(c *Case, m *asl.Machine, list []event) *script {
	s := &script{
		c:       c,
		answers: make(map[string][]*answer),
		states:  make(map[string]*asl.State),
		mapRuns: make(map[string]mapAnswer),
		refused: make(map[string]string),
		gone:    make(map[string]bool),
		other:   functions(c),
		running: make(chan *engine.Running, 1),
	}
	s.name(m)
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
			s.mapFailed(stateOf(all, e), d)
		case kind == "MapStateExited":
			name, _ := d["name"].(string)
			s.ran(name, d)
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

// name finds the states of a machine and of those in it.
func (s *script) name(m *asl.Machine) {
	for _, state := range m.States {
		s.states[state.Name] = state
		for _, b := range state.Branch {
			s.name(b)
		}
		if state.Map != nil {
			s.name(state.Map.Processor)
		}
	}
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

// refusal notes a task whose parameters AWS refused before it was scheduled, or whose
// activity was not there.
func (s *script) refusal(all map[string]event, e, d event) {
	cause, _ := d["cause"].(string)
	name := stateOf(all, e)
	if _, problem, ok := strings.Cut(cause, refusal); ok {
		s.refused[name] = strings.TrimSuffix(problem, "]")
	}
	s.gone[name] = strings.Contains(cause, ". The activity ") && strings.HasSuffix(cause, " does not exist.")
}

// ran notes the result of a Map with an ItemReader, as far as it can be told from
// the state's output.
func (s *script) ran(name string, d event) {
	state := s.states[name]
	if state == nil || state.Map == nil || state.Map.Reader == nil || s.mapRuns[name].error != nil {
		return
	}
	if state.ResultSelector != nil || state.OutputPath != nil || state.Output != nil {
		return
	}
	output, err := value.ParseBytes(jsonOf(d["output"]))
	if err != nil {
		return
	}
	if p := state.ResultPath; p != nil {
		path, err := jsonpath.Compile(p.Text)
		if p.Null || err != nil {
			return
		}
		if output, err = path.Eval(output); err != nil {
			return
		}
	}
	s.mapRuns[name] = mapAnswer{result: output.AppendJSON(nil)}
}

// CheckParameters refuses what AWS refused.
func (s *script) CheckParameters(t *engine.Task) error {
	if problem, ok := s.refused[t.State]; ok {
		return t.RefuseParameters(problem)
	}
	if s.gone[t.State] {
		return t.RefuseActivity()
	}
	return nil
}

// HandleTask answers as recorded.
func (s *script) HandleTask(ctx context.Context, t *engine.Task) (engine.Result, error) {
	if a := s.next(t); a != nil {
		return s.play(ctx, t, a)
	}
	if strings.HasSuffix(t.Resource, ":s3:putObject") {
		return engine.Result{}, nil // a ResultWriter
	}
	return s.other.HandleTask(ctx, t)
}

// HandleMapRun answers for a distributed Map that reads its items, which are not
// part of the recording.
func (s *script) HandleMapRun(_ context.Context, t *engine.Task) (engine.Result, error) {
	m, ok := s.mapRuns[t.State]
	switch {
	case !ok:
		return engine.Result{}, engine.ErrIterate
	case m.error != nil:
		return engine.Result{}, m.error
	}
	return engine.Result{Output: m.result}, nil
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
