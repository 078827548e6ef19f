package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/redact"
)

const orders = `{
  "StartAt": "Price",
  "States": {
    "Price": {
      "Type": "Task",
      "Resource": "arn:aws:states:::lambda:invoke",
      "Parameters": { "FunctionName": "price", "Payload.$": "$" },
      "OutputPath": "$.Payload",
      "Next": "ChargeCard"
    },
    "ChargeCard": {
      "Type": "Choice",
      "Choices": [
        {
          "Variable": "$.payment.total",
          "NumericGreaterThan": 0,
          "Next": "Done"
        }
      ],
      "Default": "Done"
    },
    "Done": { "Type": "Succeed" }
  }
}
`

const (
	executionARN = "arn:aws:states:eu-central-1:123456789012:execution:order-pipeline:run-7f3"
	machineARN   = "arn:aws:states:eu-central-1:123456789012:stateMachine:order-pipeline"
	stateInput   = `{"payment":{"amount":42.5,"card":"4111111111111111"},"customer":"c-77"}`
	stateCause   = `An error occurred while executing the state 'ChargeCard' (entered at the event id #11). Invalid path '$.payment.total': The choice state's condition path references an invalid value.`
)

var (
	began  = time.Date(2026, 11, 22, 9, 12, 0, 0, time.UTC)
	secret = []byte("a key of the tests, 32 bytes long")
)

// redactor gives the same placeholders in every run.
func redactor() *redact.Redactor { return &redact.Redactor{Key: secret} }

func at(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }

func ptr[T any](v T) *T { return &v }

// span finds a text in the definition.
func span(t *testing.T, definition, text string) asl.Span {
	t.Helper()
	i := strings.Index(definition, text)
	if i < 0 {
		t.Fatalf("%q is not in the definition", text)
	}
	return asl.Span{Start: i, End: i + len(text)}
}

func machine(t *testing.T, name, definition string) *asl.Machine {
	t.Helper()
	m, err := asl.Parse(name, []byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func execution() *history.Execution {
	x := &history.Execution{
		ARN: executionARN, Name: "run-7f3", StateMachineARN: machineARN, Status: history.Failed,
		Start: began, Stop: at(360), Error: ptr("States.Runtime"), Cause: ptr(stateCause),
	}
	x.SetEvents([]history.Event{
		{ID: 1, Type: "ExecutionStarted", Time: at(0)},
		{ID: 2, Type: "TaskStateEntered", Time: at(10), Details: &history.Details{Name: "Price"}},
		{ID: 7, PreviousID: 2, Type: "TaskStateExited", Time: at(320), Details: &history.Details{Name: "Price"}},
		{ID: 11, PreviousID: 7, Type: "ChoiceStateEntered", Time: at(340), Details: &history.Details{Name: "ChargeCard"}},
		{ID: 12, PreviousID: 11, Type: "ExecutionFailed", Time: at(360)},
	})
	return x
}

// missingPath is the diagnosis of an order whose total is missing.
func missingPath(t *testing.T) *diagnose.Diagnosis {
	m := machine(t, "order.asl.json", orders)
	c := &diagnose.Case{
		Phase: diagnose.Run, Machine: m, State: m.State("ChargeCard"), Execution: execution(),
		Failure: &diagnose.Failure{
			State: "ChargeCard", StateType: "Choice", EnteredEvent: 11, FailedEvent: 12, Attempts: 1,
			Error: ptr("States.Runtime"), Cause: ptr(stateCause), Input: history.Text(stateInput), At: at(360),
		},
		Evidence: []diagnose.Evidence{
			{ID: "E7", Source: diagnose.FromHistory, Event: 7, Text: `{"payment":{"amount":42.5}}`},
			{ID: "E12", Source: diagnose.FromHistory, Event: 12, Text: stateCause},
			{ID: "D1", Source: diagnose.FromDefinition, Pointer: "/States/ChargeCard", Text: "never cited"},
		},
	}
	return &diagnose.Diagnosis{
		Case: c, Category: diagnose.DataPath, Retryable: diagnose.No,
		RootCause:   "ChargeCard reads $.payment.total; its input has payment.amount, written by Price.",
		Explanation: "Price renamed the field; a Choice whose Variable is missing fails the execution.",
		Findings: []diagnose.Finding{
			{
				Rule: "missing-path", Title: "$.payment.total is not in the input of ChargeCard", Category: diagnose.DataPath,
				Confidence: diagnose.Certain, Retryable: diagnose.No, Cites: []string{"E7", "E12"},
				Focus: &diagnose.Focus{
					Span: span(t, orders, `"$.payment.total"`), Label: "not in the input of this state",
					Pointer: "/payment/total",
				},
			},
			{
				Rule: "uncatchable", Title: "States.ALL does not catch States.Runtime: no catcher would have seen this failure",
				Confidence: diagnose.Certain, Contributing: true,
			},
		},
		Remedies: []diagnose.Remedy{
			{
				Title: "Read payment.amount",
				Edits: []asl.Edit{{Span: span(t, orders, `"$.payment.total"`), New: `"$.payment.amount"`}},
				Verification: diagnose.Verification{
					Status: diagnose.Verified, How: "with it the state succeeds and the execution ends SUCCEEDED, in a replay of the recorded run",
				},
			},
			{Title: "Have Price write payment.total", Steps: []string{"Change the function price so that it returns payment.total."}},
		},
		Prevention:  []string{"Guard the rule with IsPresent."},
		Docs:        []string{"Choice workflow state", "Handling errors in Step Functions workflows"},
		Fingerprint: "fp1:9c1e0a52b7d84f6391aa02c4e5f60718",
		Missing:     []string{"logs of price are not readable: needs logs:FilterLogEvents"},
	}
}

// succeeded is a run in which a failure was swallowed.
func succeeded(quiet bool) *diagnose.Diagnosis {
	x := execution()
	x.Status, x.Error, x.Cause = history.Succeeded, nil, nil
	c := &diagnose.Case{Phase: diagnose.Run, Execution: x}
	if quiet {
		c.Others = []diagnose.Failure{{State: "Price", Error: ptr("PriceError"), EndedAt: "ChargeCard", EnteredEvent: 2}}
		c.OtherCount = 1
	}
	return &diagnose.Diagnosis{Case: c}
}
