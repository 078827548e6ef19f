package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// functions is the task handler of direct mode: the case's functions.
func functions(c *Case) engine.TaskHandler {
	byName := make(map[string]Behavior, len(c.Lambdas))
	for _, l := range c.Lambdas {
		byName[l.Name] = l.Behavior
	}
	h := engine.LambdaHandler{Invoke: func(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
		b, ok := byName[functionName(call.Function)]
		if !ok {
			return engine.LambdaReply{}, engine.ErrNoFunction
		}
		return b.invoke(ctx, call)
	}}
	return engine.TaskMux{
		"arn:aws:lambda":                 h,
		"arn:aws:states:::lambda:invoke": h,
	}
}

// functionName takes the name out of an ARN, without version or alias.
func functionName(function string) string {
	if _, rest, ok := strings.Cut(function, ":function:"); ok {
		function = rest
	}
	name, _, _ := strings.Cut(function, ":")
	return name
}

// invoke behaves as a Python function would.
func (b Behavior) invoke(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
	var reply engine.LambdaReply
	if call.LogTail {
		reply.Log = "U1RBUlQ="
	}
	switch b.Type {
	case "echo":
		reply.Payload = python(call.Payload)
	case "sleep-then-echo":
		if err := call.Task.Sleep(ctx, time.Duration(b.Seconds*float64(time.Second))); err != nil {
			return reply, err
		}
		reply.Payload = python(call.Payload)
	case "return":
		reply.Payload = python(b.returned())
	case "return-repeated-string":
		reply.Payload = python(value.String(strings.Repeat(b.Char, b.Count)).AppendJSON(nil))
	case "raise":
		reply.Failed = true
		reply.Payload = b.raised(call.Task.ID)
	default:
		return reply, fmt.Errorf("unknown behaviour %q of function %s", b.Type, call.Function)
	}
	return reply, nil
}

// returned is the value of "return", which may stand in the case as JSON text.
func (b Behavior) returned() []byte {
	var text string
	if json.Unmarshal(b.Value, &text) == nil && json.Valid([]byte(text)) {
		return []byte(text)
	}
	return b.Value
}

func (b Behavior) raised(requestID string) []byte {
	line := fmt.Sprintf("  File \"/var/task/handler.py\", line 2, in handler\n    raise %s(%q)\n", b.ErrorType, b.ErrorMessage)
	return value.Object(
		value.Member{Key: "errorMessage", Value: value.String(b.ErrorMessage)},
		value.Member{Key: "errorType", Value: value.String(b.ErrorType)},
		value.Member{Key: "requestId", Value: value.String(requestID)},
		value.Member{Key: "stackTrace", Value: value.Strings(line)},
	).AppendJSON(nil)
}

// python writes JSON as Python's json.dumps does, with blanks after separators:
// Content-Length tells.
func python(text []byte) []byte {
	v, err := value.ParseBytes(text)
	if err != nil {
		return text
	}
	return appendPython(nil, v)
}

func appendPython(dst []byte, v value.Value) []byte {
	switch v.Kind() {
	case value.KindArray:
		dst = append(dst, '[')
		for i, item := range v.Items() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendPython(dst, item)
		}
		return append(dst, ']')
	case value.KindObject:
		dst = append(dst, '{')
		for i, m := range v.Members() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = value.String(m.Key).AppendJSON(dst)
			dst = append(dst, ": "...)
			dst = appendPython(dst, m.Value)
		}
		return append(dst, '}')
	}
	return v.AppendJSON(dst)
}
