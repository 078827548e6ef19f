package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/awscloud/awstest"
)

// runExpress creates an Express machine that logs nothing, runs it and returns the
// execution with its events, as only its log would have them.
func (s *station) runExpress(definition, input string) *history.Execution {
	s.Helper()
	ended := make(chan *history.Execution, 1)
	s.states.Ended = func(x *history.Execution, _ *asl.Machine) { ended <- x }
	m, err := s.client.CreateStateMachine(s.Context(), &sfn.CreateStateMachineInput{Name: aws.String("quick"), Definition: &definition,
		RoleArn: aws.String("arn:aws:iam::123456789012:role/workflow"), Type: types.StateMachineTypeExpress})
	if err != nil {
		s.Fatal(err)
	}
	if _, err := s.client.StartExecution(s.Context(), &sfn.StartExecutionInput{StateMachineArn: m.StateMachineArn, Input: &input}); err != nil {
		s.Fatal(err)
	}
	return <-ended
}

// logLines are an execution's events as a state machine logs them.
func logLines(t *testing.T, x *history.Execution) []awstest.Line {
	t.Helper()
	var lines []awstest.Line
	for _, e := range x.Events() {
		var event map[string]json.RawMessage
		if err := json.Unmarshal(e.AppendJSON(nil), &event); err != nil {
			t.Fatal(err)
		}
		details := json.RawMessage("{}")
		for _, key := range slices.Sorted(maps.Keys(event)) {
			if strings.HasSuffix(key, "EventDetails") {
				details = event[key]
			}
		}
		text := fmt.Sprintf(`{"id":"%d","type":%q,"details":%s,"previous_event_id":"%d","event_timestamp":"%d","execution_arn":%q,"redrive_count":"0"}`,
			e.ID, e.Type, details, e.PreviousID, e.Time.UnixMilli(), x.ARN)
		lines = append(lines, awstest.Line{Stream: "s", Timestamp: e.Time.UnixMilli(), Text: text})
	}
	return lines
}

func instrumented(t *testing.T, definition string, o instrument.Options) string {
	t.Helper()
	o.Topic = topic
	added, err := instrument.Add("machine", []byte(definition), o)
	if err != nil {
		t.Fatal(err)
	}
	return added.Text
}

// An Express workflow waits for nobody and has no history: what it sends has to do.
func TestAnExpressWorkflowSendsItsFailure(t *testing.T) {
	s := newStation(t, nil)
	x := s.runExpress(instrumented(t, charge, instrument.Options{Express: true}), `{"order":{"number":"O-1042"}}`)
	if x.Status != history.Failed || aws.ToString(x.Error) != "KeyError" {
		t.Fatalf("ended %s, %q", x.Status, aws.ToString(x.Error))
	}
	sent := s.web.Published()
	if len(sent) != 1 || sent[0].Subject != "[stepsleuth] FAILED quick / Charge KeyError (lambda-unhandled-exception)" {
		t.Fatalf("published %+v\n%s", sent, s.logged())
	}
	for _, want := range []string{"O-1042", "it may have changed since", "this Express workflow logs nothing"} {
		if !strings.Contains(strings.Join(strings.Fields(sent[0].Text), " "), want) {
			t.Errorf("the mail does not say %q:\n%s", want, sent[0].Text)
		}
	}
	if strings.Contains(s.logged(), "workflow published") {
		t.Error("the workflow published too")
	}

	// The subscription to its log tells of the same.
	a := s.ask(subscription("/aws/vendedlogs/states/quick", logLines(t, x)...))
	if len(s.web.Published()) != 1 || len(a.Answers) != 1 || a.Answers[0].Standing != "again" {
		t.Errorf("published %d, answers %+v", len(s.web.Published()), a.Answers)
	}
}

func TestTheLogOfAnExpressWorkflowMayComeFirst(t *testing.T) {
	s := newStation(t, nil)
	s.busy.Store(true)
	x := s.runExpress(instrumented(t, charge, instrument.Options{Express: true}), `{}`)
	s.busy.Store(false)
	s.ask(subscription("/aws/vendedlogs/states/quick", logLines(t, x)...))
	event, _ := json.Marshal(map[string]any{"executionArn": x.ARN, "state": "Charge", "tell": true, "at": x.Stop, "started": x.Start,
		"failure": map[string]any{"Error": x.Error, "Cause": x.Cause}, "input": nil})
	a := s.ask(string(event))
	if len(s.web.Published()) != 1 || a.Answers[0].Standing != "again" {
		t.Errorf("published %d, answers %+v", len(s.web.Published()), a.Answers)
	}
}

// What nobody could be told of is delivered again: Lambda tries twice more.
func TestASentFailureOfWhichNobodyCouldBeToldIsAnError(t *testing.T) {
	s := newStation(t, nil)
	s.web.Refuse = func(action string) *awstest.Refusal {
		if action == "sns:Publish" {
			return awstest.Denied(action, topic)
		}
		return nil
	}
	if _, err := s.try(strings.Replace(caught, "{", `{"tell":true,`, 1), 20*time.Second); err == nil {
		t.Error("no error")
	}
}

const saved = `{"StartAt":"Charge","States":{
  "Charge":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"charge","Payload":{}},
    "Catch":[{"ErrorEquals":["KeyError"],"ResultPath":"$.problem","Next":"Save"},{"ErrorEquals":["States.ALL"],"Next":"Save"}],"End":true},
  "Save":{"Type":"Pass","End":true}}}`

func TestWhatAUsersCatcherTakesIsToldWhileTheWorkflowGoesOn(t *testing.T) {
	s := newStation(t, nil)
	plain := s.run("plain", saved)
	x := s.run("order", instrumented(t, saved, instrument.Options{Handled: true}))
	if x.Status != history.Succeeded || x.Output.String() != plain.Output.String() {
		t.Errorf("ended %s with %s, without the pattern %s", x.Status, x.Output, plain.Output)
	}
	sent := s.web.Published()
	if len(sent) != 1 || sent[0].Subject != "[stepsleuth] HANDLED order / Charge KeyError (lambda-unhandled-exception)" {
		t.Fatalf("published %+v\n%s", sent, s.logged())
	}
	if !strings.Contains(sent[0].Text, "Charge, and went on to Save") || strings.Contains(sent[0].Text, "redrive") {
		t.Errorf("the mail says\n%s", sent[0].Text)
	}
	if !bytes.Contains([]byte(s.logged()), []byte(`"way":"sent"`)) {
		t.Error("the log does not say how it came")
	}
}

// A handler that ends the execution: word of that end is of the failure that was told
// already, as if nothing stood between the catcher and the handler.
func TestWhatWasHandledByEndingIsToldOnce(t *testing.T) {
	s := newStation(t, nil)
	stops := strings.Replace(saved, `"Save":{"Type":"Pass","End":true}`, `"Save":{"Type":"Fail","Error":"OrderFailed"}`, 1)
	x := s.run("order", instrumented(t, stops, instrument.Options{Handled: true}))
	a := s.ask(statusEvent(x))
	if len(s.web.Published()) != 1 || a.Answers[0].Standing != "again" {
		t.Errorf("published %d, answers %+v", len(s.web.Published()), a.Answers)
	}
	if b := s.ask(fmt.Sprintf(`{"executionArn":%q}`, x.ARN)); b.Category != "lambda-unhandled-exception" {
		t.Errorf("%+v", b)
	}
}
