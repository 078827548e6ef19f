package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
)

// test runs one state alone.
func test(t *testing.T, state string, with func(*engine.StateTest)) (*engine.StateResult, error) {
	t.Helper()
	s, err := asl.ParseState("S", []byte(`{`+state+`}`))
	if err != nil {
		t.Fatal(err)
	}
	req := engine.StateTest{Machine: s.Machine, State: "S", Input: []byte(`{"a":{"b":1}}`), RoleARN: "arn:aws:iam::111122223333:role/r"}
	if with != nil {
		with(&req)
	}
	return (&engine.Engine{Clock: engine.VirtualClock(start)}).TestState(context.Background(), req)
}

func TestAStateAlone(t *testing.T) {
	r, err := test(t, `"Type":"Pass","InputPath":"$.a","Parameters":{"p.$":"$.b"},"ResultPath":"$.r","Next":"T"`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != "SUCCEEDED" || string(r.Output) != `{"a":{"b":1},"r":{"p":1}}` || r.NextState != "T" {
		t.Errorf("%s %s, next %s", r.Status, r.Output, r.NextState)
	}
	want := `{"input":{"a":{"b":1}},"afterInputPath":{"b":1},"afterParameters":{"p":1},"afterResultSelector":{"p":1},"afterResultPath":{"a":{"b":1},"r":{"p":1}}}`
	if string(r.Inspection) != want {
		t.Errorf("inspection\n got %s\nwant %s", r.Inspection, want)
	}
}

const mocked = `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},
	"Retry":[{"ErrorEquals":["R"],"IntervalSeconds":3,"BackoffRate":2,"MaxAttempts":2}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"C"}],"Next":"T"`

func TestAMockAnswersForATask(t *testing.T) {
	failing := func(name string, retries int) func(*engine.StateTest) {
		return func(req *engine.StateTest) {
			cause := "c"
			req.Mock = &engine.Mock{Error: &engine.MockError{Name: &name, Cause: &cause}}
			req.Config.RetryCount = retries
		}
	}
	for _, tt := range []struct {
		name   string
		with   func(*engine.StateTest)
		status string
		next   string
	}{
		{"a result", func(req *engine.StateTest) { req.Mock = &engine.Mock{Result: []byte(`{"StatusCode":200}`)} }, "SUCCEEDED", "T"},
		{"an error to retry", failing("R", 1), "RETRIABLE", ""},
		{"an error retried often enough", failing("R", 2), "CAUGHT_ERROR", "C"},
		{"another error", failing("E", 0), "CAUGHT_ERROR", "C"},
		{"one that nothing catches", failing("States.Runtime", 0), "FAILED", ""},
	} {
		r, err := test(t, mocked, tt.with)
		if err != nil || r.Status != tt.status || r.NextState != tt.next {
			t.Errorf("%s: %v, %+v", tt.name, err, r)
		}
	}
}

func TestRefusedTests(t *testing.T) {
	for _, tt := range []struct {
		name, state string
		with        func(*engine.StateTest)
		want        string
	}{
		{"no role", mocked, func(req *engine.StateTest) { req.RoleARN = "" }, "RoleArn must be specified when testing a Task state"},
		{"a mock for a Pass", `"Type":"Pass","End":true`, func(req *engine.StateTest) { req.Mock = &engine.Mock{Result: []byte(`1`)} }, "State type 'Pass' is not supported when a mock is specified"},
		{"a wrong mock", mocked, func(req *engine.StateTest) { req.Mock = &engine.Mock{Result: []byte(`{"StatusCode":"200"}`)} }, "Mock result schema validation error: Field 'StatusCode' must be a number"},
		{"no such state", mocked, func(req *engine.StateTest) { req.State = "X" }, "State not found in definition"},
	} {
		_, err := test(t, tt.state, tt.with)
		var api *engine.APIError
		if !errors.As(err, &api) || api.Message != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}
