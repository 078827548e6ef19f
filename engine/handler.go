package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// A TaskHandler does the work of Task states. It is called concurrently, once for
// each attempt. It must heed ctx, which ends when the task times out or the
// execution is over, as the execution waits for its handlers before it is done.
//
// What an error means: a *TaskError fails the task inside the machine, where
// retriers and catchers see it. ErrPending leaves the task to Running.CompleteTask
// and Running.FailTask. Every other error ends the execution, as something that
// could not be done; an *UnsupportedError is one of these.
//
// A handler of a task with .waitForTaskToken makes the call; the engine then
// records what it returned as TaskSubmitted and waits for the token. A handler of
// a task with .sync reports Task.Submitted and returns when the job is done.
type TaskHandler interface {
	HandleTask(ctx context.Context, t *Task) (Result, error)
}

// A ParameterChecker is a TaskHandler that can tell, before a task is scheduled,
// that its parameters are of no use. Step Functions then fails the execution with
// States.Runtime, and the history shows no attempt. It is called from the event
// loop and must not block; its error is a *TaskError, best made by Task.RefuseParameters or
// Task.RefuseActivity.
type ParameterChecker interface {
	CheckParameters(t *Task) error
}

// A MapRunHandler is a TaskHandler that can answer for a whole run of a distributed
// Map, its reading and its writing included, as it is known from a recording. Its
// Result is the state's result; ErrIterate lets the engine read and iterate.
type MapRunHandler interface {
	HandleMapRun(ctx context.Context, t *Task) (Result, error)
}

// ErrIterate is what HandleMapRun returns for a run that it has no answer for.
var ErrIterate = errors.New("engine: run the iterations")

// TaskFunc is a function that is a TaskHandler.
type TaskFunc func(ctx context.Context, t *Task) (Result, error)

// HandleTask calls f.
func (f TaskFunc) HandleTask(ctx context.Context, t *Task) (Result, error) { return f(ctx, t) }

// TaskMux hands tasks on by their resource: to the handler with the longest key
// that the resource is or begins with, where a key ends at a colon, a dot or the
// end of the resource. The key "" takes whatever no other key takes.
type TaskMux map[string]TaskHandler

// HandleTask hands t on. Without a fitting key the error is an *UnsupportedError.
func (m TaskMux) HandleTask(ctx context.Context, t *Task) (Result, error) {
	if h := m.find(t.Resource); h != nil {
		return h.HandleTask(ctx, t)
	}
	return Result{}, &UnsupportedError{Resource: t.Resource}
}

// CheckParameters asks the handler that the task would go to.
func (m TaskMux) CheckParameters(t *Task) error {
	if c, ok := m.find(t.Resource).(ParameterChecker); ok {
		return c.CheckParameters(t)
	}
	return nil
}

func (m TaskMux) find(resource string) TaskHandler {
	for end := len(resource); end > 0; end-- {
		if end < len(resource) && resource[end] != ':' && resource[end] != '.' {
			continue
		}
		if h := m[resource[:end]]; h != nil {
			return h
		}
	}
	return m[""]
}

// UnsupportedError says that nothing here does the work of a resource.
type UnsupportedError struct{ Resource string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("no handler for the resource %s", e.Resource)
}

// ErrPending is what a TaskHandler returns to leave a task open: it ends with
// Running.CompleteTask or Running.FailTask, or by a time-out.
var ErrPending = errors.New("engine: the task is pending")

// Phase is how far a task had come when it failed.
type Phase uint8

// The phases. The zero Phase, Run, is a task that failed at work.
const (
	PhaseRun        Phase = iota // TaskFailed, LambdaFunctionFailed, ActivityFailed
	PhaseSchedule                // LambdaFunctionScheduleFailed, ActivityScheduleFailed
	PhaseStart                   // TaskStartFailed, LambdaFunctionStartFailed
	PhaseSubmit                  // TaskSubmitFailed
	PhaseParameters              // refused before anything was scheduled: States.Runtime, which nothing catches
)

// TaskError fails a task with an error name and a cause. What is nil is absent,
// which is not the same as empty.
type TaskError struct {
	Name, Cause *string
	Phase       Phase
}

// NewTaskError returns a TaskError with name and cause for a task that failed at work.
func NewTaskError(name, cause string) *TaskError { return &TaskError{Name: &name, Cause: &cause} }

func (e *TaskError) Error() string {
	text := "task failed"
	if e.Name != nil {
		text += ": " + *e.Name
	}
	if e.Cause != nil {
		text += ": " + *e.Cause
	}
	return text
}

// Result is what a task gives back. The zero Result is JSON null.
type Result struct {
	Output json.RawMessage

	value value.Value // the same, where it is known already
}

// JSON returns a Result of JSON text.
func JSON(text string) Result { return Result{Output: json.RawMessage(text)} }

func (r Result) read() (value.Value, error) {
	switch {
	case !r.value.IsAbsent():
		return r.value, nil
	case r.Output == nil:
		return value.Null(), nil
	}
	v, err := value.ParseBytes(r.Output)
	if err != nil {
		return v, fmt.Errorf("the task's output is not JSON: %w", err)
	}
	return v, nil
}

// Task is one attempt of a Task state, as its handler sees it. Its methods may be
// called from any goroutine until HandleTask returns.
type Task struct {
	Execution    string // ARN
	StateMachine string // ARN
	State        string
	Resource     string // as the definition has it
	Attempt      int    // retries before this attempt
	Call         int    // attempts of this state before this one in the same branch or iteration, retries or not
	Token        string // .waitForTaskToken and activities
	ID           string // a UUID for this attempt, made from the seed
	Timeout      time.Duration
	Heartbeat    time.Duration
	Role         string // Credentials.RoleArn

	input   value.Value
	attempt *attempt
}

// Input returns the task's input, or the parameters of a service, as JSON.
func (t *Task) Input() []byte { return t.input.AppendJSON(nil) }

// Parameter returns a member of the task's input as JSON, nil where it has none.
func (t *Task) Parameter(name string) []byte {
	v, ok := t.input.Get(name)
	if !ok {
		return nil
	}
	return v.AppendJSON(nil)
}

// TextParameter returns a member of the task's input that is a string, else "".
func (t *Task) TextParameter(name string) string {
	v, _ := t.input.Get(name)
	s, _ := v.AsString()
	return s
}

// Echo returns the task's input as its Result.
func (t *Task) Echo() Result { return Result{value: t.input} }

// Now returns the time in the execution.
func (t *Task) Now() time.Time { return t.attempt.now() }

// Sleep waits on the execution's clock: for no time at all on a virtual one. It
// returns early, with ctx's error, when ctx ends.
func (t *Task) Sleep(ctx context.Context, d time.Duration) error { return t.attempt.sleep(ctx, d) }

// Started reports that a worker has taken the task; worker may be empty. Without
// it the task counts as started as soon as its handler reports anything else.
func (t *Task) Started(worker string) { t.attempt.report(func(a *attempt) { a.start(worker) }) }

// Submitted reports that the job of a .sync task was accepted, with what the
// service answered.
func (t *Task) Submitted(r Result) {
	t.attempt.report(func(a *attempt) {
		v, err := r.read()
		if err != nil {
			a.giveUp(err)
			return
		}
		a.submitted(v)
	})
}

// Complete ends a task that waits for its token, as whoever holds the token would
// with SendTaskSuccess. The handler still returns what the call itself gave.
func (t *Task) Complete(r Result) {
	t.attempt.answer(func(a *attempt) {
		v, err := r.read()
		if err != nil {
			a.giveUp(err)
			return
		}
		a.succeed(v)
	})
}

// Fail is Complete with SendTaskFailure.
func (t *Task) Fail(e *TaskError) { t.attempt.answer(func(a *attempt) { a.fail(e) }) }

// Beat reports that the task is still alive: HeartbeatSeconds start anew.
func (t *Task) Beat() { t.attempt.report((*attempt).beat) }
