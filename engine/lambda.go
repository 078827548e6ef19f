package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// LambdaCall is a call of a Lambda function.
type LambdaCall struct {
	Function string // name or ARN, as the task has it, with version or alias if any
	Payload  []byte // JSON
	LogTail  bool   // LogType Tail: the caller wants the end of the log
	Event    bool   // InvocationType Event: the caller does not wait
	Task     *Task
}

// LambdaReply is what Lambda answers.
type LambdaReply struct {
	Payload []byte // JSON text as the function's runtime wrote it
	Failed  bool   // X-Amz-Function-Error: Payload says how the function failed
	Version string // "" is $LATEST
	Log     string // base64, with LogTail
}

// Invoker calls Lambda functions. It is called concurrently and must heed ctx. An
// error that is ErrNoFunction or a *TaskError fails the task; any other ends the
// execution.
type Invoker func(ctx context.Context, call LambdaCall) (LambdaReply, error)

// ErrNoFunction is what an Invoker returns where there is no such function.
var ErrNoFunction = errors.New("no such function")

// LambdaHandler is a TaskHandler that turns both kinds of Lambda task, by the
// function's ARN and by arn:aws:states:::lambda:invoke, into calls of Invoke, and
// Lambda's answers and errors into what Step Functions makes of them.
type LambdaHandler struct{ Invoke Invoker }

// HandleTask calls the function.
func (h LambdaHandler) HandleTask(ctx context.Context, t *Task) (Result, error) {
	if parseResource(t.Resource).kind == lambdaTask {
		return h.byARN(ctx, t)
	}
	return h.invoke(ctx, t)
}

func (h LambdaHandler) byARN(ctx context.Context, t *Task) (Result, error) {
	reply, err := h.call(ctx, LambdaCall{Function: t.Resource, Payload: t.Input(), Task: t})
	if err != nil {
		return Result{}, err
	}
	return Result{Output: reply.Payload}, nil
}

// CheckParameters refuses a lambda:invoke without a FunctionName.
func (h LambdaHandler) CheckParameters(t *Task) error {
	if parseResource(t.Resource).kind == lambdaTask {
		return nil
	}
	return t.checkRequired("FunctionName")
}

func (h LambdaHandler) invoke(ctx context.Context, t *Task) (Result, error) {
	function := t.TextParameter("FunctionName")
	payload, _ := t.input.Get("Payload")
	call := LambdaCall{
		Function: function,
		Payload:  lambdaPayload(payload),
		LogTail:  t.TextParameter("LogType") == "Tail",
		Event:    t.TextParameter("InvocationType") == "Event",
		Task:     t,
	}
	reply, err := h.call(ctx, call)
	if err != nil {
		return Result{}, err
	}
	v, err := reply.service(t, call.Event)
	return Result{value: v}, err
}

// lambdaPayload is what the function gets as its event: a string is taken for
// JSON text, and null for {}.
func lambdaPayload(v value.Value) []byte {
	if s, ok := v.AsString(); ok {
		return []byte(s)
	}
	if v.IsAbsent() || v.IsNull() {
		return []byte("{}")
	}
	return v.AppendJSON(nil)
}

// RefuseParameters is the error of parameters that are of no use to a service, as
// Step Functions words it.
func (t *Task) RefuseParameters(problem string) *TaskError {
	return NewTaskError(errRuntime, fmt.Sprintf("The Parameters '%s' could not be used to start the Task: [%s]", t.input.JSON(), problem))
}

// checkRequired refuses parameters without the one of that name, or where it is no string.
func (t *Task) checkRequired(name string) error {
	v, ok := t.input.Get(name)
	switch {
	case !ok:
		return t.RefuseParameters("The field '" + name + "' is required but was missing")
	case v.Kind() != value.KindString:
		return t.refuseKind(name)
	}
	return nil
}

// checkOptional refuses parameters in which one of those names is no string; it may be
// absent, or null.
func (t *Task) checkOptional(names ...string) error {
	for _, name := range names {
		if v, ok := t.input.Get(name); ok && !v.IsNull() && v.Kind() != value.KindString {
			return t.refuseKind(name)
		}
	}
	return nil
}

func (t *Task) refuseKind(name string) *TaskError {
	return t.RefuseParameters("The value for the field '" + name + "' must be a STRING")
}

// RefuseActivity is the error of a task whose activity is not there, or not any more.
func (t *Task) RefuseActivity() *TaskError {
	return NewTaskError(errRuntime, fmt.Sprintf("The activity %s does not exist.", t.Resource))
}

func (h LambdaHandler) call(ctx context.Context, call LambdaCall) (LambdaReply, error) {
	reply, err := h.Invoke(ctx, call)
	switch {
	case errors.Is(err, ErrNoFunction):
		return reply, noFunction(call)
	case err != nil:
		return reply, err
	case reply.Failed:
		return reply, functionError(reply.Payload)
	}
	return reply, nil
}

func noFunction(call LambdaCall) *TaskError {
	arn := functionARN(call)
	return NewTaskError("Lambda.ResourceNotFoundException", fmt.Sprintf(
		"Function not found: %s (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: %s; Proxy: null)",
		arn, call.Task.ID))
}

// functionARN completes a function's name to the ARN that Lambda shows in messages.
func functionARN(call LambdaCall) string {
	f := call.Function
	if !strings.HasPrefix(f, "arn:") {
		parts := strings.Split(call.Task.StateMachine, ":")
		if len(parts) > 4 {
			f = strings.Join([]string{parts[0], parts[1], "lambda", parts[3], parts[4], "function", f}, ":")
		}
	}
	if strings.Count(f, ":") == 6 {
		f += ":$LATEST"
	}
	return f
}

// functionError makes a task's error of the payload with which a function failed.
func functionError(payload []byte) *TaskError {
	v, err := value.ParseBytes(payload)
	kind, _ := v.Get("errorType")
	if name, ok := kind.AsString(); err == nil && ok && name != "" {
		return NewTaskError(name, string(payload))
	}
	return NewTaskError("Lambda.Unknown",
		"The cause could not be determined because Lambda did not return an error type. Returned payload: "+string(payload))
}

// service is the result of arn:aws:states:::lambda:invoke.
func (r LambdaReply) service(t *Task, event bool) (value.Value, error) {
	payload, err := value.ParseBytes(r.Payload)
	if err != nil && !event {
		return payload, fmt.Errorf("the function's answer is not JSON: %w", err)
	}
	version, status := r.Version, int64(200)
	if version == "" {
		version = "$LATEST"
	}
	headers := []header{
		{"X-Amz-Executed-Version", version},
		{"x-amzn-Remapped-Content-Length", "0"},
		{"Connection", "keep-alive"},
		{"x-amzn-RequestId", t.ID},
		{"Content-Length", strconv.Itoa(len(r.Payload))},
		{"Date", t.Now().UTC().Format(time.RFC1123)},
		{"X-Amzn-Trace-Id", "root=1-" + t.ID[:8] + "-" + strings.ReplaceAll(t.ID[9:], "-", "")[:24] + ";sampled=0"},
		{"Content-Type", "application/json"},
	}
	if r.Log != "" {
		headers = append([]header{{"X-Amz-Log-Result", r.Log}}, headers...)
	}
	var b value.Builder
	b.Set("ExecutedVersion", value.String(version))
	if r.Log != "" {
		b.Set("LogResult", value.String(r.Log))
	}
	if event {
		status = 202
	} else {
		b.Set("Payload", payload)
	}
	b.Set("SdkHttpMetadata", httpMetadata(headers, status))
	b.Set("SdkResponseMetadata", value.Object(value.Member{Key: "RequestId", Value: value.String(t.ID)}))
	b.Set("StatusCode", value.Int(status))
	return b.Object(), nil
}

type header struct{ name, value string }

// httpMetadata is the SdkHttpMetadata of optimized integrations.
func httpMetadata(headers []header, status int64) value.Value {
	var all, single value.Builder
	for _, h := range headers {
		all.Set(h.name, value.Strings(h.value))
		single.Set(h.name, value.String(h.value))
	}
	return value.Object(
		value.Member{Key: "AllHttpHeaders", Value: all.Object()},
		value.Member{Key: "HttpHeaders", Value: single.Object()},
		value.Member{Key: "HttpStatusCode", Value: value.Int(status)},
	)
}
