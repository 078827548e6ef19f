package sfnlocal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/engine"
)

// tasks is what the engine asks to do the work of Task states: what is of Step
// Functions itself is done here, all else by Server.Tasks.
type tasks struct{ s *Server }

// CheckParameters asks whoever will do the task. Nobody does that of an activity that
// is not there.
func (h tasks) CheckParameters(t *engine.Task) error {
	if isActivity(t) {
		return h.s.checkActivity(t)
	}
	if c, ok := h.handler(t).(engine.ParameterChecker); ok {
		return c.CheckParameters(t)
	}
	return nil
}

// HandleTask does the task.
func (h tasks) HandleTask(ctx context.Context, t *engine.Task) (engine.Result, error) {
	if t.Token == "" {
		return h.handler(t).HandleTask(ctx, t)
	}
	e, ok := ctx.Value(executionKey{}).(*execution)
	if !ok { // a state that is tested alone: nobody could send its token
		return engine.Result{}, &engine.UnsupportedError{Resource: t.Resource}
	}
	j := &job{execution: e, token: t.Token, input: string(t.Input()), ctx: ctx, answered: make(chan struct{})}
	h.s.wait(j)
	if !isActivity(t) {
		return h.handler(t).HandleTask(ctx, t)
	}
	if err := h.s.schedule(j, t.Resource); err != nil {
		return engine.Result{}, err
	}
	if h.s.virtual() {
		select { // while the handler is at work, virtual time stands still
		case <-j.answered:
		case <-ctx.Done():
			return engine.Result{}, ctx.Err()
		}
	}
	return engine.Result{}, engine.ErrPending
}

func (h tasks) handler(t *engine.Task) engine.TaskHandler {
	switch name := service(t.Resource); {
	case strings.HasPrefix(name, "states:startExecution"):
		return engine.NestedHandler{Start: h.s.startChild}
	case strings.HasPrefix(name, sdkPrefix):
		return engine.TaskFunc(h.s.sdkCall)
	}
	if h.s.Tasks == nil {
		return engine.TaskMux(nil)
	}
	return h.s.Tasks
}

func isActivity(t *engine.Task) bool {
	return service(t.Resource) == "" && strings.Contains(t.Resource, ":"+kindActivity+":")
}

// service is what follows arn:PARTITION:states::: in a resource, or "".
func service(resource string) string {
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) < 6 || parts[2] != "states" || parts[3] != "" {
		return ""
	}
	return parts[5]
}

// startChild starts an execution that a Task asks for. One that its parent waits
// for is aborted when the parent stops waiting.
func (s *Server) startChild(ctx context.Context, machine, name string, input []byte, parent *engine.Task) (*engine.Running, error) {
	e, err := s.begin(start{machine: machine, name: name, input: string(input)})
	if refusal := (*apiError)(nil); errors.As(err, &refusal) {
		cause := fmt.Sprintf("%s (Service: AWSStepFunctions; Status Code: 400; Error Code: %s; Request ID: %s; Proxy: null)", refusal.Message, refusal.Code, parent.ID)
		return nil, engine.NewTaskError("StepFunctions."+exception(refusal.Code), cause)
	}
	if err != nil {
		return nil, err
	}
	running := e.latest()
	if strings.Contains(parent.Resource, ".sync") {
		context.AfterFunc(ctx, func() { _ = running.Stop(nil, nil) }) // it may have ended
	}
	return running, nil
}

func exception(code string) string { return strings.TrimSuffix(code, "Exception") + "Exception" }

const sdkPrefix = "aws-sdk:sfn:"

// sdkCall does a task of the AWS SDK integration with Step Functions: one of the
// API's operations on this Server, its members with capital letters.
func (s *Server) sdkCall(ctx context.Context, t *engine.Task) (engine.Result, error) {
	action, _, _ := strings.Cut(strings.TrimPrefix(service(t.Resource), sdkPrefix), ".")
	request, err := renamed(t.Input(), lowerFirst)
	if err != nil {
		return engine.Result{}, err
	}
	answer, err := s.call(ctx, upperFirst(action), request)
	if refusal := (*apiError)(nil); errors.As(err, &refusal) {
		cause := fmt.Sprintf("%s (Service: Sfn, Status Code: 400, Request ID: %s) (SDK Attempt Count: 1)", refusal.Message, t.ID)
		return engine.Result{}, engine.NewTaskError("Sfn."+exception(refusal.Code), cause)
	}
	if err != nil {
		return engine.Result{}, err
	}
	output, err := renamed(answer, upperFirst)
	return engine.Result{Output: output}, err
}

// renamed changes the names of all members of JSON objects.
func renamed(text []byte, change func(string) string) ([]byte, error) {
	var v any
	if err := unmarshal(string(text), &v); err != nil {
		return nil, err
	}
	return json.Marshal(rename(v, change))
}

func rename(v any, change func(string) string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[change(name)] = rename(member, change)
		}
		return out
	case []any:
		for i := range v {
			v[i] = rename(v[i], change)
		}
	}
	return v
}
