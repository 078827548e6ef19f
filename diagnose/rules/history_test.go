package rules_test

import (
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/history"
)

func TestItemsOfAMapAreNamed(t *testing.T) {
	err := "KeyError"
	failed := func(state string, path ...string) diagnose.Failure {
		return diagnose.Failure{State: state, Path: path, Error: &err}
	}
	inside := failed("Price", "Each line", "[3]")
	c := &diagnose.Case{Phase: diagnose.Run, Failure: &inside, Others: []diagnose.Failure{
		failed("Price", "Each line", "[7]"), failed("Ship", "Each line", "[8]"), failed("Price", "Another", "[9]"),
	}}
	if text := report(diagnose.Judge(c, rules.All())[0]); !strings.Contains(text, "items 3 and 7 of the Map \"Each line\"") {
		t.Errorf("the items are not named:\n%s", text)
	}

	threshold := "States.ExceedToleratedFailureThreshold"
	c = &diagnose.Case{Phase: diagnose.Run, Failure: &diagnose.Failure{State: "Each line", Error: &threshold}, Others: []diagnose.Failure{
		failed("Price", "Each line", "[1]"), failed("Price", "Each line", "[4]"),
	}}
	if text := report(diagnose.Judge(c, rules.All())[0]); !strings.Contains(text, "items 1 and 4 failed, with KeyError") {
		t.Errorf("the items are not named:\n%s", text)
	}
}

// The time over which attempts were made is the history's, where there is one.
func TestRetriesAreCountedOverTheirTime(t *testing.T) {
	x, err := history.Read(strings.NewReader(`{"events": [
		{"id": 1, "type": "ExecutionStarted", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0},
		{"id": 2, "type": "TaskStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0, "stateEnteredEventDetails": {"name": "Resize"}},
		{"id": 3, "type": "TaskFailed", "timestamp": "2026-01-01T00:04:00Z", "previousEventId": 2}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("", []byte(`{"StartAt": "Resize", "TimeoutSeconds": 10, "States": {"Resize": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
		"Parameters": {"FunctionName": "resize"}, "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 2, "MaxAttempts": 3}], "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	name, cause := "Lambda.TooManyRequestsException", "Rate Exceeded. (Service: Lambda, Status Code: 429, Request ID: 1)"
	c := &diagnose.Case{Phase: diagnose.Run, Machine: m, State: m.States[0], Execution: x,
		Failure: &diagnose.Failure{State: "Resize", StateType: "Task", EnteredEvent: 2, FailedEvent: 3, Attempts: 4, Error: &name, Cause: &cause}}
	var text string
	for _, f := range diagnose.Judge(c, rules.All()) {
		text += report(f) + "\n"
	}
	for _, want := range []string{"tried 4 times over 4 min", "may need 14 s with all its attempts"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said:\n%s", want, text)
		}
	}
}

// A Fail state is an answer of the workflow's own: the report says which turn led there, and on what value.
func TestTheTurnToAFailIsTold(t *testing.T) {
	x, err := history.Read(strings.NewReader(`{"events": [
		{"id": 1, "type": "ExecutionStarted", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0},
		{"id": 2, "type": "ChoiceStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0, "stateEnteredEventDetails": {"name": "Paid?"}},
		{"id": 3, "type": "ChoiceStateExited", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 2, "stateExitedEventDetails": {"name": "Paid?", "output": "{\"status\": \"refunded\"}"}},
		{"id": 4, "type": "FailStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 3, "stateEnteredEventDetails": {"name": "Odd"}},
		{"id": 5, "type": "ExecutionFailed", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 4}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ choices, dflt, want string }{
		{`{"Variable": "$.status", "StringEquals": "paid", "Next": "Done"}`, "Odd", "The Choice Paid? led there, by its Default, as none of its rules fitted: $.status was “refunded”"},
		{`{"Variable": "$.status", "StringEquals": "refunded", "Next": "Odd"}`, "Done", "The Choice Paid? led there, by its rule 1 ($.status StringEquals"},
	} {
		m, err := asl.Parse("", []byte(`{"StartAt": "Paid?", "States": {"Paid?": {"Type": "Choice", "Choices": [`+c.choices+`], "Default": "`+c.dflt+`"},
			"Odd": {"Type": "Fail", "Error": "OddStatus"}, "Done": {"Type": "Succeed"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		name := "OddStatus"
		failed := &diagnose.Case{Phase: diagnose.Run, Machine: m, Execution: x,
			Failure: &diagnose.Failure{State: "Odd", StateType: "Fail", EnteredEvent: 4, FailedEvent: 5, Error: &name}}
		if text := report(diagnose.Judge(failed, rules.All())[0]); !strings.Contains(text, c.want) || !strings.Contains(text, "look at the input of Paid?") {
			t.Errorf("%q is not said:\n%s", c.want, text)
		}
	}
}

// What made the first failure worse is told as well where its handler failed too.
func TestContributingCausesOfTheHandledFailure(t *testing.T) {
	m, err := asl.Parse("", []byte(`{"StartAt": "Resize", "TimeoutSeconds": 30, "States": {
		"Resize": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "resize"},
			"Retry": [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 40, "MaxAttempts": 2}],
			"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Tell"}], "End": true},
		"Tell": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {"Message.$": "$.id"}, "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	first, firstCause := "Sandbox.Timedout", `{"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: 1 Error: Task timed out after 30.00 seconds"}`
	then, thenCause := "States.Runtime", "An error occurred while executing the state 'Tell' (entered at the event id #7). The JSONPath '$.id' specified for the field 'Message.$' could not be found in the input '{\"Error\":\"Sandbox.Timedout\",\"Cause\":\"{}\"}'"
	c := &diagnose.Case{Phase: diagnose.Run, Machine: m, HandlerFailed: true,
		Origin:  &diagnose.Failure{State: "Resize", StateType: "Task", Error: &first, Cause: &firstCause, EndedAt: "Tell"},
		Failure: &diagnose.Failure{State: "Tell", StateType: "Task", Error: &then, Cause: &thenCause}}
	found := diagnose.Judge(c, rules.All())
	var text string
	for _, f := range found {
		text += report(f) + "\n"
	}
	for _, want := range []string{"Retry or Catch on States.Timeout never matches", "may need 120 s with all its attempts", "buried Sandbox.Timedout", "Keep the input beside the error"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said:\n%s", want, text)
		}
	}
	if len(found[0].Remedies) == 0 || len(found[0].Remedies[0].Edits) == 0 {
		t.Errorf("the first remedy has no edit of the catcher: %+v", found[0].Remedies)
	}
}

// Where the history shows who lost a field, the report names the state and offers to keep its input.
func TestTheStateThatLostAFieldIsNamed(t *testing.T) {
	x, err := history.Read(strings.NewReader(`{"events": [
		{"id": 1, "type": "ExecutionStarted", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0},
		{"id": 2, "type": "TaskStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0, "stateEnteredEventDetails": {"name": "Price", "input": "{\"order\": {\"id\": 7}}"}},
		{"id": 3, "type": "TaskSucceeded", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 2},
		{"id": 4, "type": "TaskStateExited", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 3, "stateExitedEventDetails": {"name": "Price", "output": "{\"total\": 9}"}},
		{"id": 5, "type": "PassStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 4, "stateEnteredEventDetails": {"name": "Round", "input": "{\"total\": 9}"}},
		{"id": 6, "type": "PassStateExited", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 5, "stateExitedEventDetails": {"name": "Round", "output": "{\"total\": 9}"}},
		{"id": 7, "type": "TaskStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 6, "stateEnteredEventDetails": {"name": "Mail", "input": "{\"total\": 9}"}},
		{"id": 8, "type": "ExecutionFailed", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 7}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("", []byte(`{"StartAt": "Price", "States": {
		"Price": {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:111122223333:function:price", "Next": "Round"},
		"Round": {"Type": "Pass", "Next": "Mail"},
		"Mail": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {"Message.$": "$.order.id"}, "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	name, cause := "States.Runtime", "An error occurred while executing the state 'Mail' (entered at the event id #7). The JSONPath '$.order.id' specified for the field 'Message.$' could not be found in the input '{\"total\": 9}'"
	c := &diagnose.Case{Phase: diagnose.Run, Machine: m, Execution: x, State: m.States[2],
		Failure: &diagnose.Failure{State: "Mail", StateType: "Task", EnteredEvent: 7, FailedEvent: 8, Error: &name, Cause: &cause, Input: history.Text(`{"total": 9}`)}}
	found := diagnose.Judge(c, rules.All())[0]
	want := "The input of Price still had $.order.id (event 2), and its output has it no more (event 4): without ResultPath its result replaced the input."
	if text := report(found); !strings.Contains(text, want) {
		t.Errorf("%q is not said:\n%s", want, text)
	}
	if r := found.Remedies[0]; r.Title != "Let Price keep its input" || len(r.Edits) != 1 {
		t.Errorf("the first remedy is %+v", r)
	}
}

// Of several catchers the one that took the failure is given its ResultPath, and the
// state it leads to reads the error where it then is.
func TestTheCatcherThatTookTheFailureKeepsTheInput(t *testing.T) {
	m, err := asl.Parse("", []byte(`{"StartAt": "Pay", "States": {
		"Pay": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "pay"},
			"Catch": [{"ErrorEquals": ["Busy"], "Next": "Wait"}, {"ErrorEquals": ["States.ALL"], "Next": "Tell"}], "End": true},
		"Wait": {"Type": "Pass", "End": true},
		"Tell": {"Type": "Pass", "Parameters": {"order.$": "$.id", "why.$": "$.Cause", "run.$": "$$.Execution.Id"}, "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	first, firstCause := "Declined", `{"errorType": "Declined", "errorMessage": "by the issuer"}`
	then, thenCause := "States.Runtime", "An error occurred while executing the state 'Tell' (entered at the event id #7). The JSONPath '$.id' specified for the field 'order.$' could not be found in the input '{\"Error\":\"Declined\",\"Cause\":\"{}\"}'"
	c := &diagnose.Case{Phase: diagnose.Run, Machine: m, State: m.States[2], HandlerFailed: true,
		Origin:  &diagnose.Failure{State: "Pay", StateType: "Task", Error: &first, Cause: &firstCause, EndedAt: "Tell"},
		Failure: &diagnose.Failure{State: "Tell", StateType: "Pass", Error: &then, Cause: &thenCause}}
	edited(t, c, diagnose.Judge(c, rules.All())[0], `{"ResultPath": "$.error", "ErrorEquals": ["States.ALL"], "Next": "Tell"}`)
	edited(t, c, diagnose.Judge(c, rules.All())[0], `"why.$": "$.error.Cause", "run.$": "$$.Execution.Id"`)
}

// A path that is applied to a result is held against the result that the history has.
func TestAnOutputPathIsComparedWithTheRecordedResult(t *testing.T) {
	x, err := history.Read(strings.NewReader(`{"events": [
		{"id": 1, "type": "ExecutionStarted", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0},
		{"id": 2, "type": "TaskStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0, "stateEnteredEventDetails": {"name": "Fetch", "input": "{\"body\": 1}"}},
		{"id": 3, "type": "TaskScheduled", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 2},
		{"id": 4, "type": "TaskSucceeded", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 3, "taskSucceededEventDetails": {"output": "{\"Payload\": {\"total\": 9}}"}},
		{"id": 5, "type": "ExecutionFailed", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 4}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("", []byte(`{"StartAt": "Fetch", "States": {"Fetch": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
		"Parameters": {"FunctionName": "fetch"}, "OutputPath": "$.Payload.body", "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	name, cause := "States.Runtime", "An error occurred while executing the state 'Fetch' (entered at the event id #2). Invalid path '$.Payload.body' : No results for path: $['Payload']['body']"
	c := &diagnose.Case{Phase: diagnose.Run, Machine: m, Execution: x, State: m.States[0],
		Failure: &diagnose.Failure{State: "Fetch", StateType: "Task", EnteredEvent: 2, FailedEvent: 5, Error: &name, Cause: &cause, Input: history.Text(`{"body": 1}`)}}
	text := report(diagnose.Judge(c, rules.All())[0])
	for _, want := range []string{"$.Payload is an object with total, so body is missing", "event 4 of the history"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said:\n%s", want, text)
		}
	}
}

// What went on inside of a Map that ended is not where a field was lost, but the Map itself may be.
func TestAMapThatReplacedItsInputIsNamed(t *testing.T) {
	x, err := history.Read(strings.NewReader(`{"events": [
		{"id": 1, "type": "ExecutionStarted", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0},
		{"id": 2, "type": "MapStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0, "stateEnteredEventDetails": {"name": "Each", "input": "{\"keys\": [7]}"}},
		{"id": 3, "type": "MapStateStarted", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 2, "mapStateStartedEventDetails": {"length": 1}},
		{"id": 4, "type": "MapIterationStarted", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 3, "mapIterationStartedEventDetails": {"name": "Each", "index": 0}},
		{"id": 5, "type": "PassStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 4, "stateEnteredEventDetails": {"name": "Inside", "input": "{\"keys\": 7}"}},
		{"id": 6, "type": "PassStateExited", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 5, "stateExitedEventDetails": {"name": "Inside", "output": "{}"}},
		{"id": 7, "type": "MapIterationSucceeded", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 6, "mapIterationSucceededEventDetails": {"name": "Each", "index": 0}},
		{"id": 8, "type": "MapStateSucceeded", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 7},
		{"id": 9, "type": "MapStateExited", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 8, "stateExitedEventDetails": {"name": "Each", "output": "[{}]"}},
		{"id": 10, "type": "PassStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 9, "stateEnteredEventDetails": {"name": "Count", "input": "[{}]"}},
		{"id": 11, "type": "ExecutionFailed", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 10}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("", []byte(`{"StartAt": "Each", "States": {
		"Each": {"Type": "Map", "ItemsPath": "$.keys", "ItemProcessor": {"StartAt": "Inside", "States": {"Inside": {"Type": "Pass", "End": true}}}, "Next": "Count"},
		"Count": {"Type": "Pass", "Parameters": {"n.$": "States.ArrayLength($.keys)"}, "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	name, cause := "States.Runtime", "An error occurred while executing the state 'Count' (entered at the event id #10). The JsonPath argument for the field '$.keys' could not be found in the input '[{}]'"
	c := &diagnose.Case{Phase: diagnose.Run, Machine: m, Execution: x, State: m.States[1],
		Failure: &diagnose.Failure{State: "Count", StateType: "Pass", EnteredEvent: 10, FailedEvent: 11, Error: &name, Cause: &cause, Input: history.Text(`[{}]`)}}
	found := diagnose.Judge(c, rules.All())[0]
	want := "The input of Each still had $.keys (event 2), and its output has it no more (event 9): without ResultPath its result replaced the input."
	if text := report(found); !strings.Contains(text, want) {
		t.Errorf("%q is not said:\n%s", want, text)
	}
	if r := found.Remedies[0]; r.Title != "Let Each keep its input" || len(r.Edits) != 1 {
		t.Errorf("the first remedy is %+v", r)
	}
}

// A clean-up that ends in a Fail hides what it cleaned up after: the report says what that was.
func TestWhatWasCaughtBeforeAFailIsTold(t *testing.T) {
	x, err := history.Read(strings.NewReader(`{"events": [
		{"id": 1, "type": "ExecutionStarted", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0},
		{"id": 2, "type": "TaskStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0, "stateEnteredEventDetails": {"name": "Load"}},
		{"id": 3, "type": "TaskFailed", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 2, "taskFailedEventDetails": {"resource": "invoke", "resourceType": "lambda", "error": "KeyError", "cause": "no rows"}},
		{"id": 4, "type": "TaskStateExited", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 3, "stateExitedEventDetails": {"name": "Load", "output": "{}"}},
		{"id": 5, "type": "TaskStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 4, "stateEnteredEventDetails": {"name": "Clean up"}},
		{"id": 6, "type": "TaskSucceeded", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 5, "taskSucceededEventDetails": {"resource": "invoke", "resourceType": "lambda"}},
		{"id": 7, "type": "TaskStateExited", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 6, "stateExitedEventDetails": {"name": "Clean up", "output": "{}"}},
		{"id": 8, "type": "FailStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 7, "stateEnteredEventDetails": {"name": "Failed", "input": "{}"}},
		{"id": 9, "type": "ExecutionFailed", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 8, "executionFailedEventDetails": {"error": "LoadFailed"}}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("", []byte(`{"StartAt": "Load", "States": {
		"Load": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "load"}, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Clean up"}], "End": true},
		"Clean up": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "clean"}, "Next": "Failed"},
		"Failed": {"Type": "Fail", "Error": "LoadFailed"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	found := diagnose.Judge(diagnose.NewCase(m, x), rules.All())[0]
	want := `Earlier the state Load failed with KeyError (event 3), and its catcher led to "Clean up": “no rows”`
	if text := report(found); found.Category != diagnose.ExplicitFailState || !strings.Contains(text, want) {
		t.Errorf("%q is not said:\n%s", want, text)
	}
	if r := found.Remedies[0]; r.Title != "Mend what failed before that" {
		t.Errorf("the first remedy is %+v", r)
	}
}

// Where an expression reads what the task did not give back, the report says what it did.
func TestWhatTheResultHasIsTold(t *testing.T) {
	x, err := history.Read(strings.NewReader(`{"events": [
		{"id": 1, "type": "ExecutionStarted", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0},
		{"id": 2, "type": "TaskStateEntered", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0, "stateEnteredEventDetails": {"name": "Ship", "input": "{}"}},
		{"id": 3, "type": "TaskScheduled", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 2},
		{"id": 4, "type": "TaskSucceeded", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 3, "taskSucceededEventDetails": {"resource": "invoke", "resourceType": "lambda", "output": "{\"Payload\": {\"trackingId\": \"T1\"}}"}},
		{"id": 5, "type": "EvaluationFailed", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 0},
		{"id": 6, "type": "ExecutionFailed", "timestamp": "2026-01-01T00:00:00Z", "previousEventId": 5}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("", []byte(`{"QueryLanguage": "JSONata", "StartAt": "Ship", "States": {"Ship": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
		"Arguments": {"FunctionName": "ship"}, "Output": "{% $states.result.Payload.trackingID %}", "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	name, cause := "States.QueryEvaluationError", "An error occurred while executing the state 'Ship' (entered at the event id #2). The JSONata expression '$states.result.Payload.trackingID' specified for the field 'Output' returned nothing (undefined)."
	c := &diagnose.Case{Phase: diagnose.Run, Machine: m, Execution: x, State: m.States[0],
		Failure: &diagnose.Failure{State: "Ship", StateType: "Task", EnteredEvent: 2, FailedEvent: 5, Error: &name, Cause: &cause, Input: history.Text(`{}`)}}
	found := diagnose.Judge(c, rules.All())[0]
	want := "the result of its task does not have it (the expression returned nothing): $states.result.Payload is an object with trackingId, so trackingID is missing"
	if text := report(found); !strings.Contains(text, want) {
		t.Errorf("%q is not said:\n%s", want, text)
	}
	if r := found.Remedies[0]; !strings.HasPrefix(r.Title, "Read $states.result.Payload.trackingId") || len(r.Edits) != 1 {
		t.Errorf("the first remedy is %+v", r)
	}
}
