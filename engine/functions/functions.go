// Package functions reads a file that says how Lambda functions behave, so that a
// workflow runs without them: canned answers and errors, attempt by attempt, or
// the address of something that speaks Lambda's Invoke API.
//
//	{
//	  "Charge": [
//	    {"type": "raise", "errorType": "CardDeclined", "errorMessage": "no funds"},
//	    {"type": "return", "value": {"ok": true}}
//	  ],
//	  "Audit": {"type": "echo"},
//	  "Slow": {"type": "sleep", "seconds": 90, "then": {"type": "echo"}},
//	  "Real": {"url": "http://localhost:9001"},
//	  "arn:aws:states:::dynamodb:getItem": {"type": "return", "value": {"Item": {}}}
//	}
//
// A key is a function's name or ARN, or the resource of another task; "*" stands
// for every function that no other key names. Of a list the first outcome is for
// the first attempt of a state, and the last for all that follow.
//
// It knows nothing of processes: functions that run for real are elsewhere.
package functions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Set is the behaviours of a file. It is immutable and safe for concurrent use.
type Set struct {
	// Client makes the calls of behaviours with a url; nil is http.DefaultClient.
	Client *http.Client

	file       string
	behaviours map[string][]*outcome
	byName     map[string][]*outcome // of keys that are functions' ARNs; the first in the file
}

// outcome is what one attempt comes to.
type outcome struct {
	kind       string // echo, return, raise, sleep, url
	value      value.Value
	errorType  *string
	message    *string
	stackTrace value.Value
	seconds    float64
	then       *outcome
	url        string
}

// Invoke is an engine.Invoker.
func (s *Set) Invoke(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
	list := s.function(call.Function)
	if list == nil {
		return engine.LambdaReply{}, engine.ErrNoFunction
	}
	o, err := pick(ctx, list, call.Task)
	if err != nil {
		return engine.LambdaReply{}, err
	}
	switch o.kind {
	case "echo":
		return engine.LambdaReply{Payload: call.Payload}, nil
	case "return":
		return engine.LambdaReply{Payload: o.value.AppendJSON(nil)}, nil
	case "raise":
		return engine.LambdaReply{Payload: o.failure(), Failed: true}, nil
	}
	return s.invokeURL(ctx, o.url, call)
}

// HandleTask answers tasks that are no Lambda's: what the file says of their
// resource. Others are an *engine.UnsupportedError.
func (s *Set) HandleTask(ctx context.Context, t *engine.Task) (engine.Result, error) {
	list := s.resource(t.Resource)
	if list == nil {
		return engine.Result{}, &engine.UnsupportedError{Resource: t.Resource}
	}
	o, err := pick(ctx, list, t)
	if err != nil {
		return engine.Result{}, err
	}
	switch o.kind {
	case "echo":
		return t.Echo(), nil
	case "return":
		return engine.Result{Output: o.value.AppendJSON(nil)}, nil
	case "raise":
		return engine.Result{}, &engine.TaskError{Name: o.errorType, Cause: o.message}
	}
	return engine.Result{}, fmt.Errorf("%s: a url is for Lambda functions, and %s is none", s.file, t.Resource)
}

// Handlers returns a mux in which Lambda's resources, and those that the file
// names, are answered by s.
func (s *Set) Handlers() engine.TaskMux {
	lambda := engine.LambdaHandler{Invoke: s.Invoke}
	mux := engine.TaskMux{"arn:aws:lambda": lambda, "arn:aws:states:::lambda:invoke": lambda}
	for _, partition := range []string{"aws-cn", "aws-us-gov"} {
		mux["arn:"+partition+":lambda"] = lambda
		mux["arn:"+partition+":states:::lambda:invoke"] = lambda
	}
	for key := range s.behaviours {
		if strings.HasPrefix(key, "arn:") && strings.Contains(key, ":states:") {
			mux[key] = s
		}
	}
	return mux
}

// Has reports whether the file says how a function behaves.
func (s *Set) Has(function string) bool { return s.function(function) != nil }

// function finds the behaviour for a function's name or ARN, with or without a
// version or alias.
func (s *Set) function(function string) []*outcome {
	name := Name(function)
	for _, key := range []string{function, strings.TrimSuffix(function, ":$LATEST"), name} {
		if list := s.behaviours[key]; list != nil {
			return list
		}
	}
	if list := s.byName[name]; list != nil {
		return list
	}
	return s.behaviours["*"]
}

func (s *Set) resource(resource string) []*outcome {
	if list := s.behaviours[resource]; list != nil {
		return list
	}
	base, _, _ := strings.Cut(resource, ".")
	return s.behaviours[base]
}

// Name takes a function's name out of its ARN, without version or alias.
func Name(function string) string {
	if _, rest, ok := strings.Cut(function, ":function:"); ok {
		function = rest
	}
	name, _, _ := strings.Cut(function, ":")
	return name
}

// pick finds the outcome for an attempt, having slept where it says so.
func pick(ctx context.Context, list []*outcome, t *engine.Task) (*outcome, error) {
	o := list[min(t.Call, len(list)-1)]
	for o.kind == "sleep" {
		if err := t.Sleep(ctx, time.Duration(o.seconds*float64(time.Second))); err != nil {
			return nil, err
		}
		o = o.then
	}
	return o, nil
}

// failure is the payload with which Lambda reports an error of a function.
func (o *outcome) failure() []byte {
	var b value.Builder
	if o.message != nil {
		b.Set("errorMessage", value.String(*o.message))
	}
	if o.errorType != nil {
		b.Set("errorType", value.String(*o.errorType))
	}
	if !o.stackTrace.IsAbsent() {
		b.Set("stackTrace", o.stackTrace)
	}
	return b.Object().AppendJSON(nil)
}

// ErrFormat is in every error about what a file says.
var ErrFormat = errors.New("not a valid functions file")
