// Package functions stands in for Lambda on this machine: a file says, for each
// function, how it behaves, or where it really runs.
//
//	{
//	  "price-order":   {"type": "return", "value": {"total": 84.5}},
//	  "reserve-stock": {"type": "echo"},
//	  "charge-card":   [{"type": "raise", "errorType": "GatewayBusy", "errorMessage": "try again"},
//	                    {"type": "sleep", "seconds": 3, "then": {"type": "return", "value": "ok"}}],
//	  "ship":          {"url": "http://127.0.0.1:9001"},
//	  "invoice":       {"type": "process", "runtime": "python3.13", "code": "src/invoice", "handler": "app.handler",
//	                    "timeoutSeconds": 3, "memoryMB": 128, "environment": {"STAGE": "dev"}, "concurrency": 10},
//	  "arn:aws:states:::dynamodb:getItem": {"type": "return", "value": {"Item": {}}}
//	}
//
// A list is gone through attempt by attempt; its last outcome stays. A function is
// named as the definition names it, by its ARN, or by the name in its ARN; "*" is
// every function that has no entry of its own. A process runs the function's own
// code (a folder or a .zip, relative to the file) as Lambda would, with this user's
// rights but none of this process's environment variables; see internal/lambdart.
// A task of another service is named by its Resource. {"type": "callback", "value": …}
// stands for whoever holds the task token of a .waitForTaskToken. For people all this
// is told in docs/functions.md.
package functions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/lambdart"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Set is what a functions file says. The nil Set knows no function. One with a
// process in it is to be closed.
type Set struct {
	byName map[string][]outcome
	hosts  []*lambdart.Host
}

// outcome is how a function answers one attempt.
type outcome func(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error)

// Invoke calls a function of the set: engine.Invoker.
func (s *Set) Invoke(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
	outcomes := s.find(call.Function)
	if outcomes == nil {
		return engine.LambdaReply{}, engine.ErrNoFunction
	}
	return outcomes[min(call.Task.Attempt, len(outcomes)-1)](ctx, call)
}

// Names tells whether the set has an entry for just this function.
func (s *Set) Names(function string) bool {
	if s == nil {
		return false
	}
	return s.byName[function] != nil || s.byName[Name(function)] != nil
}

// HandleTask answers tasks of other services than Lambda as the entry of their
// Resource says; a resource without one is an *engine.UnsupportedError.
func (s *Set) HandleTask(ctx context.Context, t *engine.Task) (engine.Result, error) {
	var outcomes []outcome
	if s != nil {
		outcomes = s.byName[t.Resource]
	}
	if outcomes == nil {
		return engine.Result{}, &engine.UnsupportedError{Resource: t.Resource}
	}
	reply, err := outcomes[min(t.Attempt, len(outcomes)-1)](ctx, engine.LambdaCall{Function: t.Resource, Payload: t.Input(), Task: t})
	if err != nil {
		return engine.Result{}, err
	}
	if reply.Failed {
		return engine.Result{}, taskError(reply.Payload)
	}
	return engine.JSON(string(reply.Payload)), nil
}

// taskError makes an error of what a raise says, as services have it: name and text.
func taskError(payload []byte) *engine.TaskError {
	v, _ := value.ParseBytes(payload)
	text := func(key string) *string {
		member, _ := v.Get(key)
		if s, ok := member.AsString(); ok {
			return &s
		}
		return nil
	}
	return &engine.TaskError{Name: text("errorType"), Cause: text("errorMessage")}
}

func (s *Set) find(function string) []outcome {
	if s == nil {
		return nil
	}
	for _, name := range []string{function, Name(function), "*"} {
		if o, ok := s.byName[name]; ok {
			return o
		}
	}
	return nil
}

// Name takes the name out of a function's ARN, without version or alias.
func Name(function string) string {
	if _, rest, ok := strings.Cut(function, ":function:"); ok {
		function = rest
	}
	name, _, _ := strings.Cut(function, ":")
	return name
}

// Parse reads a functions file. An error names the file, the line and what is wrong.
func Parse(file string, text []byte) (*Set, error) {
	v, err := value.Parse(string(text))
	if err != nil {
		var syntax *value.SyntaxError
		errors.As(err, &syntax) // as Parse gives no other
		return nil, fmt.Errorf(`%s:%d:%d: not JSON: %s; a functions file is an object such as {"charge-card": {"type": "echo"}}`, file, syntax.Line, syntax.Column, syntax.Problem)
	}
	p := &parser{file: file, text: string(text)}
	if v.Kind() != value.KindObject {
		return nil, p.errorf("", "a functions file is an object of functions by name; this is %s", v.Kind().WithArticle())
	}
	set := &Set{byName: make(map[string][]outcome, v.Len())}
	for _, m := range v.Members() {
		outcomes, err := p.outcomes("/"+escape(m.Key), m.Value)
		if err != nil {
			return nil, err
		}
		set.byName[m.Key] = outcomes
	}
	set.hosts = p.hosts
	return set, nil
}

type parser struct {
	file, text string
	hosts      []*lambdart.Host
}

func (p *parser) errorf(pointer, format string, args ...any) error {
	span, _, err := asl.Find(p.text, pointer)
	if err != nil {
		span = asl.Span{}
	}
	line, column := value.Position(p.text, span.Start)
	return fmt.Errorf("%s:%d:%d: %s", p.file, line, column, fmt.Sprintf(format, args...))
}

func (p *parser) outcomes(pointer string, v value.Value) ([]outcome, error) {
	if v.Kind() != value.KindArray {
		o, err := p.outcome(pointer, v)
		return []outcome{o}, err
	}
	if v.Len() == 0 {
		return nil, p.errorf(pointer, "the list of outcomes is empty")
	}
	var all []outcome
	for i, item := range v.Items() {
		o, err := p.outcome(fmt.Sprintf("%s/%d", pointer, i), item)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// fields are the members that each kind of behaviour takes.
var fields = map[string][]string{
	"echo":     {},
	"return":   {"value"},
	"raise":    {"errorType", "errorMessage", "stackTrace", "payload"},
	"error":    {"error", "cause"},
	"callback": {"value", "error", "cause"},
	"sleep":    {"seconds", "then"},
	"url":      {"url"},
	"process":  {"runtime", "code", "handler", "timeoutSeconds", "memoryMB", "environment", "concurrency"},
}

func (p *parser) outcome(pointer string, v value.Value) (outcome, error) {
	if v.Kind() != value.KindObject {
		return nil, p.errorf(pointer, `an outcome is an object such as {"type": "echo"}; this is a %s`, v.Kind())
	}
	kind, err := p.kind(pointer, v)
	if err != nil {
		return nil, err
	}
	for _, m := range v.Members() {
		if m.Key != "type" && !slices.Contains(fields[kind], m.Key) {
			return nil, p.errorf(pointer+"/"+escape(m.Key), "%q does not go with the type %q, which takes %s", m.Key, kind, oneOf(fields[kind]))
		}
	}
	switch kind {
	case "return":
		return p.returns(pointer, v)
	case "raise":
		return p.raises(pointer, v)
	case "error":
		return p.refuses(pointer, v)
	case "callback":
		return p.answers(pointer, v)
	case "sleep":
		return p.sleeps(pointer, v)
	case "url":
		return p.calls(pointer, v)
	case "process":
		return p.runs(pointer, v)
	}
	return echo, nil
}

func (p *parser) kind(pointer string, v value.Value) (string, error) {
	t, ok := v.Get("type")
	if !ok {
		if _, ok := v.Get("url"); ok {
			return "url", nil
		}
		return "", p.errorf(pointer, "no type; it is one of echo, return, raise, error, callback, sleep, process, or give a url")
	}
	kind, ok := t.AsString()
	if _, known := fields[kind]; !ok || !known {
		return "", p.errorf(pointer+"/type", "no such type: %s; it is one of echo, return, raise, error, callback, sleep, url, process", t)
	}
	return kind, nil
}

func echo(_ context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
	return engine.LambdaReply{Payload: call.Payload}, nil
}

func (p *parser) returns(pointer string, v value.Value) (outcome, error) {
	val, ok := v.Get("value")
	if !ok {
		return nil, p.errorf(pointer, `a return needs a value, as {"type": "return", "value": 1}`)
	}
	payload := val.AppendJSON(nil)
	return func(context.Context, engine.LambdaCall) (engine.LambdaReply, error) {
		return engine.LambdaReply{Payload: payload}, nil
	}, nil
}

// raises answers as Lambda does when a function's own code failed.
func (p *parser) raises(pointer string, v value.Value) (outcome, error) {
	payload, given := v.Get("payload")
	if !given {
		var b value.Builder
		for _, name := range []string{"errorMessage", "errorType", "stackTrace"} {
			if val, ok := v.Get(name); ok {
				b.Set(name, val)
			}
		}
		if kind, ok := b.Get("errorType"); !ok || kind.Kind() != value.KindString {
			return nil, p.errorf(pointer, `a raise needs an errorType, as {"type": "raise", "errorType": "ValueError", "errorMessage": "…"}`)
		}
		payload = b.Object()
	}
	text := payload.AppendJSON(nil)
	return func(context.Context, engine.LambdaCall) (engine.LambdaReply, error) {
		return engine.LambdaReply{Payload: text, Failed: true}, nil
	}, nil
}

// refuses answers as Lambda does when it did not run the function at all.
func (p *parser) refuses(pointer string, v value.Value) (outcome, error) {
	failure, err := p.failure(pointer, v)
	if err != nil {
		return nil, err
	}
	return func(context.Context, engine.LambdaCall) (engine.LambdaReply, error) {
		return engine.LambdaReply{}, failure
	}, nil
}

// answers is what whoever holds the task's token sends: SendTaskSuccess with the value,
// or else SendTaskFailure.
func (p *parser) answers(pointer string, v value.Value) (outcome, error) {
	failure, err := p.failure(pointer, v)
	if err != nil {
		return nil, err
	}
	output, success := v.Get("value")
	if success && (failure.Name != nil || failure.Cause != nil) {
		return nil, p.errorf(pointer, "a callback has a value, or an error and a cause, not both")
	}
	text := output.JSON()
	return func(_ context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
		switch t := call.Task; {
		case t.Token == "":
			return engine.LambdaReply{}, fmt.Errorf("%s: a callback answers a task that waits for its token, and %s does not (.waitForTaskToken)", call.Function, t.Resource)
		case success:
			t.Complete(engine.JSON(text))
		default:
			t.Fail(failure)
		}
		return engine.LambdaReply{Payload: []byte("{}")}, nil
	}, nil
}

// failure reads error and cause; what is absent stays so.
func (p *parser) failure(pointer string, v value.Value) (*engine.TaskError, error) {
	failure := &engine.TaskError{}
	for name, to := range map[string]**string{"error": &failure.Name, "cause": &failure.Cause} {
		val, ok := v.Get(name)
		if !ok {
			continue
		}
		s, ok := val.AsString()
		if !ok {
			return nil, p.errorf(pointer+"/"+name, "%s is a string; this is %s", name, val.Kind().WithArticle())
		}
		*to = &s
	}
	return failure, nil
}

func (p *parser) sleeps(pointer string, v value.Value) (outcome, error) {
	val, _ := v.Get("seconds")
	seconds, ok := val.AsFloat()
	if !ok || seconds < 0 || seconds > float64(time.Duration(1<<63-1)/time.Second) {
		return nil, p.errorf(pointer, `a sleep needs its seconds, as {"type": "sleep", "seconds": 1.5}`)
	}
	then := outcome(echo)
	if next, ok := v.Get("then"); ok {
		var err error
		if then, err = p.outcome(pointer+"/then", next); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
		if err := call.Task.Sleep(ctx, time.Duration(seconds*float64(time.Second))); err != nil {
			return engine.LambdaReply{}, err
		}
		return then(ctx, call)
	}, nil
}

func oneOf(names []string) string {
	if len(names) == 0 {
		return "nothing else"
	}
	return strings.Join(names, ", ")
}

func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }
