package oncall_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/redact"
)

// caught is an execution in the middle of the pattern: Charge failed, its catcher
// led over the state that records its name to the troubleshooter.
const caught = `{"events": [
 {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": "2026-11-22T10:15:00Z", "executionStartedEventDetails": {"input": "{}", "inputDetails": {"truncated": false}, "roleArn": "arn:aws:iam::123456789012:role/r"}},
 {"id": 2, "previousEventId": 0, "type": "TaskStateEntered", "timestamp": "2026-11-22T10:15:00Z", "stateEnteredEventDetails": {"name": "Charge", "input": "{}", "inputDetails": {"truncated": false}}},
 {"id": 3, "previousEventId": 2, "type": "TaskScheduled", "timestamp": "2026-11-22T10:15:00Z", "taskScheduledEventDetails": {"resourceType": "lambda", "resource": "invoke", "region": "us-east-1", "parameters": "{\"FunctionName\":\"charge\"}"}},
 {"id": 4, "previousEventId": 3, "type": "TaskStarted", "timestamp": "2026-11-22T10:15:00Z", "taskStartedEventDetails": {"resourceType": "lambda", "resource": "invoke"}},
 {"id": 5, "previousEventId": 4, "type": "TaskFailed", "timestamp": "2026-11-22T10:15:01Z", "taskFailedEventDetails": {"resourceType": "lambda", "resource": "invoke", "error": "KeyError", "cause": "{\"errorMessage\":\"'currency' of ana@example.com\",\"errorType\":\"KeyError\",\"stackTrace\":[\"  File \\\"/var/task/app.py\\\", line 7, in handler\\n\"]}"}},
 {"id": 6, "previousEventId": 5, "type": "TaskStateExited", "timestamp": "2026-11-22T10:15:01Z", "stateExitedEventDetails": {"name": "Charge", "output": "{}", "outputDetails": {"truncated": false}}},
 {"id": 7, "previousEventId": 6, "type": "PassStateEntered", "timestamp": "2026-11-22T10:15:01Z", "stateEnteredEventDetails": {"name": "stepsleuth: failed in Charge", "input": "{}", "inputDetails": {"truncated": false}}},
 {"id": 8, "previousEventId": 7, "type": "PassStateExited", "timestamp": "2026-11-22T10:15:01Z", "stateExitedEventDetails": {"name": "stepsleuth: failed in Charge", "output": "{}", "outputDetails": {"truncated": false}}},
 {"id": 9, "previousEventId": 8, "type": "TaskStateEntered", "timestamp": "2026-11-22T10:15:01Z", "stateEnteredEventDetails": {"name": "stepsleuth: troubleshoot", "input": "{}", "inputDetails": {"truncated": false}}}
]}`

const event = `{"executionArn": "arn:aws:states:us-east-1:123456789012:execution:order:run-1", "state": "Charge", "failure": {"Error": "KeyError", "Cause": CAUSE}}`

func troubleshooter(t *testing.T, text string) *oncall.Troubleshooter {
	t.Helper()
	x, err := history.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	x.ARN = "arn:aws:states:us-east-1:123456789012:execution:order:run-1"
	r := new(redact.Redactor)
	return &oncall.Troubleshooter{
		Responder: oncall.Responder{Redact: r, Doctor: &diagnose.Doctor{Rules: rules.All(), Redact: r}},
		Fetch: func(context.Context, string) (*history.Execution, *asl.Machine, error) {
			return x, nil, nil
		},
	}
}

type answer struct {
	Mail   struct{ Subject, Text string }
	Notify bool
	// of the document
	Category string
	Failure  *struct {
		State string
		Error *string
		Cause *string
	}
}

func handle(t *testing.T, s *oncall.Troubleshooter, event string) answer {
	t.Helper()
	out, err := s.Handle(context.Background(), []byte(event))
	if err != nil {
		t.Fatal(err)
	}
	if len(out) > oncall.MaxAnswer {
		t.Errorf("the answer has %d bytes", len(out))
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestACaughtFailureIsDiagnosedAsIfNobodyHadCaughtIt(t *testing.T) {
	a := handle(t, troubleshooter(t, caught), strings.Replace(event, "CAUSE", `"{}"`, 1))
	if a.Failure == nil || a.Failure.State != "Charge" || a.Failure.Error == nil || *a.Failure.Error != "KeyError" {
		t.Fatalf("failure %+v", a.Failure)
	}
	if a.Category != "lambda-unhandled-exception" {
		t.Errorf("category %s", a.Category)
	}
	if !strings.Contains(a.Mail.Subject, "Charge") || strings.Contains(a.Mail.Text, "ana@example.com") {
		t.Errorf("mail %+v", a.Mail)
	}
}

func TestErrorAndCauseMayBeNull(t *testing.T) {
	s := troubleshooter(t, caught)
	for _, e := range []string{
		strings.Replace(event, "CAUSE", "null", 1),
		`{"executionArn": "arn:aws:states:us-east-1:123456789012:execution:order:run-1", "state": "Charge", "failure": {}}`,
		`{"executionArn": "arn:aws:states:us-east-1:123456789012:execution:order:run-1", "state": "Charge"}`,
		`{"executionArn": "arn:aws:states:us-east-1:123456789012:execution:order:run-1", "state": "Unheard of"}`,
	} {
		handle(t, s, e)
	}
}

func TestAHugeCauseStillMakesASmallAnswer(t *testing.T) {
	cause, _ := json.Marshal(strings.Repeat("the same long story ", 12_000))
	text := strings.Replace(caught, `"cause": "{\"errorMessage\"`, `"cause": `+string(cause)+`, "was": "{\"errorMessage\"`, 1)
	a := handle(t, troubleshooter(t, text), strings.Replace(event, "CAUSE", string(cause), 1))
	if a.Mail.Subject == "" || a.Failure == nil || a.Failure.State != "Charge" {
		t.Errorf("what matters was cut: %+v", a)
	}
}

func TestASuccessIsReviewed(t *testing.T) {
	a := handle(t, troubleshooter(t, caught), `{"executionArn": "arn:aws:states:us-east-1:123456789012:execution:order:run-1", "status": "SUCCEEDED"}`)
	if a.Failure != nil || !strings.Contains(a.Mail.Subject, "SUCCEEDED") {
		t.Errorf("got %+v", a)
	}
	if !strings.Contains(a.Mail.Text, "Charge") {
		t.Errorf("the caught failure inside is not mentioned: %q", a.Mail.Text)
	}
}

func TestAnEventThatIsNoneIsRefused(t *testing.T) {
	s := troubleshooter(t, caught)
	for _, e := range []string{``, `[]`, `{}`, `{"executionArn": 7}`} {
		if _, err := s.Handle(context.Background(), []byte(e)); err == nil {
			t.Errorf("%q was taken", e)
		}
	}
	s.Fetch = func(context.Context, string) (*history.Execution, *asl.Machine, error) {
		return nil, nil, errors.New("denied")
	}
	if _, err := s.Handle(context.Background(), []byte(strings.Replace(event, "CAUSE", "null", 1))); err == nil || !strings.Contains(err.Error(), "denied") {
		t.Errorf("got %v", err)
	}
}
