package oncall_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/redact"
)

const decidable = `{"executionArn": "arn:aws:states:us-east-1:123456789012:execution:order:run-1", "state": "Charge", "failure": {"Error": "KeyError", "Cause": CAUSE},
 "decide": {"timeoutSeconds": 3600, "default": "fail"}}`

// asks checks that a mail says how to decide.
func asks(t *testing.T, a answer, otherwise string) {
	t.Helper()
	const arn = "arn:aws:states:us-east-1:123456789012:execution:order:run-1"
	for _, want := range []string{"stepsleuth decide " + arn + " retry\n", "stepsleuth decide " + arn + " skip --output '{}'\n", "stepsleuth decide " + arn + " fail\n",
		"until 2026-11-22 11:15 UTC", otherwise} {
		if !strings.Contains(a.Mail.Text, want) {
			t.Errorf("the mail does not say %q:\n%s", want, a.Mail.Text)
		}
	}
	if !strings.HasPrefix(a.Mail.Subject, "[stepsleuth] decide: FAILED order") || len(a.Mail.Subject) > 99 {
		t.Errorf("subject %q", a.Mail.Subject)
	}
	if !a.Notify {
		t.Error("the mail is kept back")
	}
}

func atTen() time.Time { return time.Date(2026, 11, 22, 10, 15, 0, 0, time.UTC) }

func TestTheMailOfAFailureThatWaitsSaysHowToDecide(t *testing.T) {
	s := troubleshooter(t, caught)
	s.Now = atTen
	asks(t, handle(t, s, strings.Replace(decidable, "CAUSE", `"{}"`, 1)), "after that it fails")
	asks(t, handle(t, s, strings.NewReplacer("CAUSE", `"{}"`, `"fail"`, `"skip"`).Replace(decidable)), "after that the state is skipped")
	// However much of the diagnosis has to be cut.
	cause, _ := json.Marshal(strings.Repeat("the same long story ", 12_000))
	text := strings.Replace(caught, `"cause": "{\"errorMessage\"`, `"cause": `+string(cause)+`, "was": "{\"errorMessage\"`, 1)
	s = troubleshooter(t, text)
	s.Now = atTen
	asks(t, handle(t, s, strings.Replace(decidable, "CAUSE", string(cause), 1)), "after that it fails")
}

// Though nobody could find out why it failed.
func TestAFailureThatCannotBeDiagnosedIsDecidedTheSame(t *testing.T) {
	r := new(redact.Redactor)
	d := &oncall.Duty{Responder: oncall.Responder{Redact: r, Doctor: &diagnose.Doctor{Rules: rules.All(), Redact: r}}, Now: atTen}
	out, err := d.Answer(context.Background(), []byte(strings.Replace(decidable, "CAUSE", `"no funds"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	asks(t, a, "after that it fails")
}

// The event of the state that waits is answered, and what is in it goes nowhere.
func TestNothingIsDoneWithATaskToken(t *testing.T) {
	const token = "AAAAKgAAAAIAAAAAAAAAAQPlanted+Token/Value=="
	event := []byte(`{"stepsleuth": "wait for a decision", "executionArn": "arn:aws:states:us-east-1:123456789012:execution:order:run-1", "state": "Charge", "taskToken": "` + token + `"}`)
	r := new(redact.Redactor)
	var seen []oncall.Outcome
	d := &oncall.Duty{Responder: oncall.Responder{Redact: r, Doctor: &diagnose.Doctor{Rules: rules.All(), Redact: r}}, Observe: func(o oncall.Outcome) { seen = append(seen, o) }}
	s := troubleshooter(t, caught)
	s.Fetch = nil // not even asked
	for name, answer := range map[string]func(context.Context, []byte) ([]byte, error){"on AWS": d.Answer, "here": s.Handle} {
		out, err := answer(context.Background(), event)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(string(out), token) || !strings.Contains(string(out), "waits for a decision") {
			t.Errorf("%s: answered %s", name, out)
		}
	}
	if len(seen) != 0 {
		t.Errorf("observed %+v", seen)
	}
}

// A member of that name and another kind is nobody's.
func TestWhatOnlyLooksLikeAWaitIsDiagnosed(t *testing.T) {
	a := handle(t, troubleshooter(t, caught), strings.NewReplacer("CAUSE", `"{}"`, `"decide"`, `"stepsleuth": {"Payload": 1}, "was"`).Replace(decidable))
	if a.Failure == nil || a.Failure.State != "Charge" {
		t.Errorf("got %+v", a)
	}
}

// A workflow that went on after a decision is reviewed whole.
func TestASuccessAfterADecisionIsReviewedWhole(t *testing.T) {
	events := strings.TrimSuffix(strings.TrimSpace(caught), "]}") + `,
 {"id": 10, "previousEventId": 9, "type": "TaskStateExited", "timestamp": "2026-11-22T10:15:02Z", "stateExitedEventDetails": {"name": "stepsleuth: troubleshoot", "output": "{}"}},
 {"id": 11, "previousEventId": 10, "type": "TaskStateEntered", "timestamp": "2026-11-22T10:15:02Z", "stateEnteredEventDetails": {"name": "Charge", "input": "{}"}},
 {"id": 12, "previousEventId": 11, "type": "TaskStateExited", "timestamp": "2026-11-22T10:15:09Z", "stateExitedEventDetails": {"name": "Charge", "output": "{}"}},
 {"id": 13, "previousEventId": 12, "type": "TaskStateEntered", "timestamp": "2026-11-22T10:15:09Z", "stateEnteredEventDetails": {"name": "Ship", "input": "{}"}},
 {"id": 14, "previousEventId": 13, "type": "TaskScheduled", "timestamp": "2026-11-22T10:15:09Z", "taskScheduledEventDetails": {"resourceType": "lambda", "resource": "invoke", "region": "us-east-1", "parameters": "{}"}},
 {"id": 15, "previousEventId": 14, "type": "TaskFailed", "timestamp": "2026-11-22T10:15:10Z", "taskFailedEventDetails": {"resourceType": "lambda", "resource": "invoke", "error": "NoTruck"}},
 {"id": 16, "previousEventId": 15, "type": "TaskStateExited", "timestamp": "2026-11-22T10:15:10Z", "stateExitedEventDetails": {"name": "Ship", "output": "{}"}},
 {"id": 17, "previousEventId": 16, "type": "ParallelStateEntered", "timestamp": "2026-11-22T10:15:10Z", "stateEnteredEventDetails": {"name": "stepsleuth: tell of the success", "input": "{}"}},
 {"id": 18, "previousEventId": 17, "type": "ParallelStateStarted", "timestamp": "2026-11-22T10:15:10Z"},
 {"id": 19, "previousEventId": 18, "type": "TaskStateEntered", "timestamp": "2026-11-22T10:15:10Z", "stateEnteredEventDetails": {"name": "stepsleuth: review the success", "input": "{}"}}
]}`
	a := handle(t, troubleshooter(t, events), `{"executionArn": "arn:aws:states:us-east-1:123456789012:execution:order:run-1", "status": "SUCCEEDED"}`)
	if !strings.Contains(a.Mail.Subject, "SUCCEEDED") || !strings.Contains(a.Mail.Text, "NoTruck") {
		t.Errorf("what came after the decision is not in %+v", a.Mail)
	}
}
