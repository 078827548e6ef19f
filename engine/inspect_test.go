package engine_test

import (
	"context"
	"errors"
	"strings"
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
		{"a mock that answers and fails", mocked, func(req *engine.StateTest) {
			req.Mock = &engine.Mock{Result: []byte(`{}`), Error: &engine.MockError{}}
		}, "A test mock should have only one of the following fields: [result, errorOutput]."},
		{"a mock that is too long", `"Type":"Task","Resource":"arn:aws:states:::aws-sdk:kms:encrypt","End":true`, func(req *engine.StateTest) {
			req.Mock = &engine.Mock{Result: []byte(`{"CiphertextBlob":"` + strings.Repeat("A", 6145) + `"}`)}
		}, "Mock result schema validation error: Field 'CiphertextBlob' exceeds the maximum length"},
		{"a wrong attribute in a list of attributes", `"Type":"Task","Resource":"arn:aws:states:::dynamodb:getItem","End":true`, func(req *engine.StateTest) {
			req.Mock = &engine.Mock{Result: []byte(`{"Item":{"id":{"L":[{"S":"a"},{"N":1}]}}}`)}
		}, "Mock result schema validation error: Field 'N' must be a string"},
		{"a job's answer that does not describe it", `"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","End":true`, func(req *engine.StateTest) {
			req.Mock = &engine.Mock{Result: []byte(`{"ExecutionArn":"a","StateMachineArn":"m","Status":"DONE","StartDate":"d"}`)}
		}, "Mock result schema validation error: Field 'Status' is not an expected value"},
		{"no such state", mocked, func(req *engine.StateTest) { req.State = "X" }, "State not found in definition"},
	} {
		_, err := test(t, tt.state, tt.with)
		var api *engine.APIError
		if !errors.As(err, &api) || api.Message != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// mockedResult gives a test a mock that answers, and further settings.
func mockedResult(with func(*engine.StateTest)) func(*engine.StateTest) {
	return func(req *engine.StateTest) {
		req.Mock = &engine.Mock{Result: []byte(`[1]`)}
		with(req)
	}
}

func TestWhatATestShowsOfAState(t *testing.T) {
	for _, tt := range []struct {
		name, state string
		with        func(*engine.StateTest)
		want        string
	}{
		{
			"the variables, those that were there and those that it sets", `"Type":"Pass","Assign":{"w.$":"$v"},"End":true`,
			func(req *engine.StateTest) { req.Variables = map[string][]byte{"v": []byte(`5`)} }, `"variables":{"v":5,"w":5}`,
		},
		{
			"what ItemSelector makes of the items, in a Context object of the request's",
			`"Type":"Map","ItemsPath":"$$.x","ItemSelector":{"i.$":"$$.Map.Item.Index","y.$":"$$.y"},"End":true,` + inlineProcessor,
			mockedResult(func(req *engine.StateTest) { req.Context = []byte(`{"x":["a","b"],"y":7}`) }), `"afterItemSelector":[{"i":0,"y":7},{"i":1,"y":7}]`,
		},
		{
			"the batches", `"Type":"Map","ItemsPath":"$.a.c","ItemBatcher":{"MaxItemsPerBatch":2},"End":true,` + distributedProcessor,
			mockedResult(func(req *engine.StateTest) { req.Input = []byte(`{"a":{"c":[1,2,3]}}`) }), `"afterItemBatcher":[{"Items":[1,2]},{"Items":[3]}]`,
		},
		{
			"the items in what an ItemReader read",
			`"Type":"Map","ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW"},"Parameters":{"Bucket":"b","Key":"k"}},"ItemSelector":{"v.$":"$$.Map.Item.Value.a"},"End":true,` + distributedProcessor,
			mockedResult(func(req *engine.StateTest) { req.Config.MapReaderData = []byte("a,b\n1,2\n3,4\n") }), `"afterItemSelector":[{"v":"1"},{"v":"3"}]`,
		},
		{
			"the array that ItemsPointer points to",
			`"Type":"Map","ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","ItemsPointer":"/p"},"Parameters":{"Bucket":"b","Key":"k"}},"End":true,` + distributedProcessor,
			mockedResult(func(req *engine.StateTest) { req.Config.MapReaderData = []byte(`{"p":[4]}`) }), `"afterItemsPointer":[4]`,
		},
	} {
		r, err := test(t, tt.state, tt.with)
		if err != nil || r.Status != "SUCCEEDED" || !strings.Contains(string(r.Inspection), tt.want) {
			t.Errorf("%s: %v, %+v\n got %s\nwant %s", tt.name, err, r, r.Inspection, tt.want)
		}
	}
}

func TestAStateAloneFails(t *testing.T) {
	const tolerant = `"Type":"Map","ItemsPath":"$.v","ToleratedFailureCount":1,"End":true,` + distributedProcessor
	failed := func(n int) func(*engine.StateTest) {
		return mockedResult(func(req *engine.StateTest) { req.Input, req.Config.MapFailures = []byte(`{"v":[1,2,3]}`), n })
	}
	for _, tt := range []struct {
		name, state string
		with        func(*engine.StateTest)
		want        string // "" where it succeeds
	}{
		{"without a word on an execution, as there is none", `"Type":"Pass","InputPath":"$.z","End":true`, nil, `States.Runtime: Invalid path '$.z' : No results for path: $['z']`},
		{
			"by items that are none, the path being the Context object's", `"Type":"Map","ItemsPath":"$$.x","End":true,` + inlineProcessor,
			mockedResult(func(req *engine.StateTest) { req.Context = []byte(`{"x":{}}`) }), `States.Runtime: Reference path "$.x" must point to array.`,
		},
		{"not by as many iterations as may fail", tolerant, failed(1), ""},
		{"by one more", tolerant, failed(2), "States.ExceedToleratedFailureThreshold: The specified tolerated failure threshold was exceeded"},
	} {
		r, err := test(t, tt.state, tt.with)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := ""
		if r.Status == "FAILED" {
			got = deref(r.Error) + ": " + deref(r.Cause)
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestAMockMayAnswerAnythingForATaskToken(t *testing.T) {
	r, err := test(t, `"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Parameters":{"QueueUrl":"q","MessageBody":"b"},"End":true`,
		func(req *engine.StateTest) { req.Mock = &engine.Mock{Result: []byte(`"approved"`)} })
	if err != nil || r.Status != "SUCCEEDED" || string(r.Output) != `"approved"` {
		t.Errorf("%v, %+v", err, r)
	}
}
