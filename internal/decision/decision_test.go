package decision_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/awscloud"
	"github.com/stepsleuth/stepsleuth/internal/awscloud/awstest"
	"github.com/stepsleuth/stepsleuth/internal/decision"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

// site is an account in which the function work fails the first time that it is called
// for a state.
type site struct {
	*testing.T
	client  *sfn.Client
	desk    decision.Desk
	waiting chan string // ARNs of executions that wait
	ended   chan *history.Execution
}

func newSite(t *testing.T, clock engine.Clock) *site {
	t.Helper()
	s := &site{T: t, waiting: make(chan string, 10), ended: make(chan *history.Execution, 10)}
	local := &sfnlocal.Server{Clock: clock, Ended: func(x *history.Execution, _ *asl.Machine) { s.ended <- x }, Tasks: engine.TaskMux{
		"arn:aws:lambda": engine.TaskFunc(func(_ context.Context, t *engine.Task) (engine.Result, error) {
			var input any
			if t.Call == 0 && json.Unmarshal(t.Input(), &input) == nil && fmt.Sprint(input) != "fine" {
				return engine.Result{}, engine.NewTaskError("Declined", "no funds")
			}
			return engine.JSON(`{"worked":true}`), nil
		}),
		"arn:aws:states:::lambda:invoke": engine.TaskFunc(func(context.Context, *engine.Task) (engine.Result, error) {
			return engine.JSON(`{"Payload":{"mail":{"subject":"s","text":"t"}}}`), nil
		}),
		"arn:aws:states:::lambda:invoke.waitForTaskToken": engine.TaskFunc(func(_ context.Context, t *engine.Task) (engine.Result, error) {
			s.waiting <- t.Execution
			return engine.JSON(`{}`), nil
		}),
		"arn:aws:states:::sns:publish": engine.TaskFunc(func(context.Context, *engine.Task) (engine.Result, error) { return engine.JSON(`{}`), nil }),
	}}
	srv := httptest.NewServer(&awstest.Cloud{States: local})
	t.Cleanup(func() { srv.Close(); local.Close() })
	config := aws.Config{Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	s.client = sfn.NewFromConfig(config)
	s.desk = decision.Desk{Cloud: awscloud.New(config), Poll: time.Millisecond}
	return s
}

// start starts an instrumented machine.
func (s *site) start(name, definition, input string, approval instrument.Approval) {
	s.Helper()
	added, err := instrument.Add(name, []byte(definition), instrument.Options{Approve: &approval})
	if err != nil {
		s.Fatal(err)
	}
	m, err := s.client.CreateStateMachine(s.Context(), &sfn.CreateStateMachineInput{Name: &name, Definition: &added.Text, RoleArn: aws.String("arn:aws:iam::123456789012:role/workflow")})
	if err != nil {
		s.Fatal(err)
	}
	if _, err := s.client.StartExecution(s.Context(), &sfn.StartExecutionInput{StateMachineArn: m.StateMachineArn, Input: &input}); err != nil {
		s.Fatal(err)
	}
}

func (s *site) find(arn string) *decision.Wait {
	s.Helper()
	w, err := s.desk.Find(s.Context(), arn)
	if err != nil {
		s.Fatal(err)
	}
	return w
}

func (s *site) decide(arn string, a decision.Answer) decision.Outcome {
	s.Helper()
	w := s.find(arn)
	record, err := w.Record(a)
	if err != nil {
		s.Fatal(err)
	}
	if err := s.desk.Send(s.Context(), arn, w, record); err != nil {
		s.Fatal(err)
	}
	o, err := s.desk.Watch(s.Context(), arn, w, a.Decision)
	if err != nil {
		s.Fatal(err)
	}
	return o
}

const (
	workTask = `"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:work"`
	inner    = `{"StartAt": "Inner", "States": {"Inner": {` + workTask + `, "End": true}}}`
)

// Decisions reach every kind of state, in either language, over the API: the input of a
// retry is the one of the history, however far back that is.
func TestDecisionsOverTheAPI(t *testing.T) {
	items := `["` + strings.Repeat(`fine","`, 150) + `poor"]` // a long history between the state's entering and its failure
	kinds := map[string]string{
		"Task":     workTask,
		"Parallel": `"Type": "Parallel", "Branches": [` + inner + `]`,
		"Map":      `"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": ` + inner,
	}
	s := newSite(t, nil)
	n := 0
	for _, language := range []string{"JSONPath", "JSONata"} {
		for kind, fields := range kinds {
			for _, decided := range []instrument.Decision{instrument.DecideRetry, instrument.DecideSkip, instrument.DecideFail} {
				n++
				name := fmt.Sprintf("%s-%s-%s", language, kind, decided)
				input := map[string]string{"Task": `"a text < & >"`, "Parallel": `{"b":[1.50,{"c":null}]}`, "Map": items}[kind]
				fields := fields
				if kind == "Map" && language == "JSONata" {
					fields += `, "Items": "{% $states.input %}"`
				}
				s.start(name, fmt.Sprintf(`{"QueryLanguage": %q, "StartAt": "Work", "States": {"Work": {%s, "Next": "Then"}, "Then": {"Type": "Pass", "End": true}}}`, language, fields), input, instrument.Approval{})
				arn := <-s.waiting
				a := decision.Answer{Decision: decided, By: "ana", At: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)}
				if decided == instrument.DecideSkip {
					a.Output = []byte(`["given"]`)
				}
				if w := s.find(arn); w.State != "Work" || w.Until.Sub(w.Since) != instrument.DefaultApproveTimeout {
					t.Errorf("%s: %s, since %s until %s", name, w, w.Since, w.Until)
				}
				o := s.decide(arn, a)
				switch again := kind != "Task" && decided == instrument.DecideRetry; { // what is inside fails anew each time that it is entered
				case again && (!o.Waits || o.Status != history.Running):
					t.Fatalf("%s: %+v", name, o)
				case again:
					s.decide(<-s.waiting, decision.Answer{Decision: instrument.DecideFail, By: "ana"})
				case decided == instrument.DecideFail && o.Status != history.Failed:
					t.Errorf("%s: %+v", name, o)
				}
				x := <-s.ended
				s.inspect(name, x, decided, input)
			}
		}
	}
	t.Logf("%d workflows were decided on", n)
}

// inspect looks at what an execution did after it was decided on.
func (s *site) inspect(name string, x *history.Execution, decided instrument.Decision, input string) {
	s.Helper()
	var work, then []string
	for _, e := range x.Events() {
		if e.Type.IsEntered() && e.Details.Name == "Work" {
			work = append(work, e.Details.Input.String())
		}
		if e.Type.IsEntered() && e.Details.Name == "Then" {
			then = append(then, e.Details.Input.String())
		}
	}
	wantWork, wantThen := []string{input}, []string(nil)
	switch decided {
	case instrument.DecideRetry:
		wantWork = append(wantWork, input)
		if strings.Contains(name, "Task") {
			wantThen = []string{`{"worked":true}`}
		}
	case instrument.DecideSkip:
		wantThen = []string{`["given"]`}
	}
	if !slices.Equal(work, wantWork) || !slices.Equal(then, wantThen) {
		s.Errorf("%s: Work was entered with %.200q, Then with %q", name, work, then)
	}
}

func TestTheSecondOfTwoDecisionsComesTooLate(t *testing.T) {
	s := newSite(t, nil)
	s.start("order", `{"StartAt": "Work", "States": {"Work": {`+workTask+`, "End": true}}}`, `{}`, instrument.Approval{})
	arn := <-s.waiting
	w := s.find(arn)
	record, err := w.Record(decision.Answer{Decision: instrument.DecideFail, By: "ben"})
	if err != nil {
		t.Fatal(err)
	}
	s.decide(arn, decision.Answer{Decision: instrument.DecideRetry, By: "ana", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	var p *awscloud.Problem
	if err := s.desk.Send(t.Context(), arn, w, record); !errors.As(err, &p) || p.Kind != awscloud.Over || !strings.Contains(err.Error(), "somebody else decided") {
		t.Errorf("got %v", err)
	}
	var not *decision.NotWaiting
	if _, err := s.desk.Find(t.Context(), arn); !errors.As(err, &not) || not.Status != history.Succeeded || !strings.Contains(err.Error(), "it was decided already, retry by ana at 2026-01-02T03:04:05Z") {
		t.Errorf("got %v", err)
	}
}

func TestNobodyCanDecideWhenTheTimeIsOver(t *testing.T) {
	s := newSite(t, engine.VirtualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
	s.start("order", `{"StartAt": "Work", "States": {"Work": {`+workTask+`, "End": true}}}`, `{}`, instrument.Approval{})
	arn := <-s.waiting
	<-s.ended
	var not *decision.NotWaiting
	if _, err := s.desk.Find(t.Context(), arn); !errors.As(err, &not) || !not.Expired || !strings.Contains(err.Error(), "nobody decided in time (FAILED") {
		t.Errorf("got %v", err)
	}
}

// What would not fit into the waiting state's output is refused before it is sent.
func TestAnInputThatDoesNotFitIsRefused(t *testing.T) {
	s := newSite(t, nil)
	for size, fits := range map[int]bool{250_000: true, 262_000: false} {
		s.start(fmt.Sprint("order", size), `{"StartAt": "Work", "States": {"Work": {`+workTask+`, "End": true}}}`, `"`+strings.Repeat("x", size)+`"`, instrument.Approval{})
		arn := <-s.waiting
		w := s.find(arn)
		_, err := w.Record(decision.Answer{Decision: instrument.DecideRetry, By: "ana"})
		if fits {
			if o := s.decide(arn, decision.Answer{Decision: instrument.DecideRetry, By: "ana"}); err != nil || o.Status != history.Succeeded {
				t.Errorf("%d bytes: %v, %+v", size, err, o)
			}
		} else if err == nil || !strings.Contains(err.Error(), "does not fit") || !strings.Contains(err.Error(), "256 KiB") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// waiting is the end of a history in which Work failed and the execution waits, once
// more as the first call was throttled.
const waiting = `{"events": [
 {"id": 5, "previousEventId": 4, "type": "TaskStateEntered", "timestamp": "2026-11-22T10:15:00Z", "stateEnteredEventDetails": {"name": "Work", "input": "[1]", "inputDetails": {"truncated": false}}},
 {"id": 6, "previousEventId": 5, "type": "TaskStateExited", "timestamp": "2026-11-22T10:15:01Z", "stateExitedEventDetails": {"name": "Work", "output": "{}"}},
 {"id": 7, "previousEventId": 6, "type": "TaskStateEntered", "timestamp": "2026-11-22T10:15:01Z", "stateEnteredEventDetails": {"name": "stepsleuth: wait for a decision (2)", "input": "{\"state\":\"Work\"}"}},
 {"id": 8, "previousEventId": 7, "type": "TaskScheduled", "timestamp": "2026-11-22T10:15:01Z", "taskScheduledEventDetails": {"resourceType": "lambda", "resource": "invoke.waitForTaskToken", "timeoutInSeconds": 60, "parameters": "{\"Payload\":{\"taskToken\":\"old\"}}"}},
 {"id": 9, "previousEventId": 8, "type": "TaskFailed", "timestamp": "2026-11-22T10:15:02Z", "taskFailedEventDetails": {"error": "Lambda.TooManyRequestsException"}},
 {"id": 10, "previousEventId": 9, "type": "TaskScheduled", "timestamp": "2026-11-22T10:15:03Z", "taskScheduledEventDetails": {"resourceType": "lambda", "resource": "invoke.waitForTaskToken", "timeoutInSeconds": 60, "parameters": "{\"Payload\":{\"taskToken\":\"t0k3n-planted\"}}"}},
 {"id": 11, "previousEventId": 10, "type": "TaskSubmitted", "timestamp": "2026-11-22T10:15:03Z", "taskSubmittedEventDetails": {"resourceType": "lambda", "resource": "invoke.waitForTaskToken", "output": "{}"}}
]}`

func parse(t *testing.T, text string) *history.Execution {
	t.Helper()
	x, err := history.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// recorder is a Cloud that keeps what it is sent.
type recorder struct{ token, output string }

func (*recorder) Back(context.Context, string, func(*history.Execution) bool) (*history.Execution, error) {
	return nil, errors.New("not asked")
}

func (r *recorder) CompleteTask(_ context.Context, _, token string, output []byte) error {
	r.token, r.output = token, string(output)
	return nil
}

func TestTheTokenOfTheTaskThatStillWaitsIsUsedAndNeverShown(t *testing.T) {
	w, err := decision.Find(parse(t, waiting))
	if err != nil {
		t.Fatal(err)
	}
	if w.State != "Work" || w.Since.Second() != 3 || w.Until.Sub(w.Since) != time.Minute {
		t.Errorf("%s, since %s until %s", w, w.Since, w.Until)
	}
	record, err := w.Record(decision.Answer{Decision: instrument.DecideRetry, By: "ana", Note: "why not", At: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)})
	if want := `{"decision":"retry","by":"ana","at":"2026-01-02T03:04:05Z","note":"why not","input":[1]}`; err != nil || string(record) != want {
		t.Errorf("%s, %v; want %s", record, err, want)
	}
	var r recorder
	if err := (&decision.Desk{Cloud: &r}).Send(t.Context(), "arn", w, record); err != nil || r.token != "t0k3n-planted" || r.output != string(record) {
		t.Errorf("sent %+v, %v", r, err)
	}
	asJSON, _ := json.Marshal(w)
	shown := string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		shown += fmt.Sprintf(verb, w) + fmt.Sprintf(verb, *w)
	}
	if strings.Contains(shown, "t0k3n") || strings.Contains(shown, fmt.Sprintf("%x", "t0k3n")) {
		t.Errorf("the token is in %s", shown)
	}
}

func TestWhatIsMissingInAHistoryIsNamed(t *testing.T) {
	find := func(text string) (*decision.Wait, error) { return decision.Find(parse(t, text)) }
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(waiting) }
	for want, text := range map[string]string{
		"does not tell which state failed":      replace(`"input": "{\"state\":\"Work\"}"`, `"input": ""`),
		"does not have the task's token":        replace(`, "parameters": "{\"Payload\":{\"taskToken\":\"t0k3n-planted\"}}"`, ``),
		"does not reach back":                   replace(`"name": "Work", "input"`, `"name": "Other", "input"`),
		`(RUNNING, in the state "stepsleuth: w`: replace(`"type": "TaskSubmitted"`, `"type": "TaskFailed"`),
		`(RUNNING, in the state "Work")`:        replace(`stepsleuth: wait for a decision (2)`, `Work`),
	} {
		if _, err := find(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for name, text := range map[string]string{
		"no input":          replace(`, "input": "[1]", "inputDetails": {"truncated": false}`, ``),
		"an input cut off":  replace(`"truncated": false`, `"truncated": true`),
		"an input not JSON": replace(`"input": "[1]"`, `"input": "[1"`),
	} {
		w, err := find(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := w.Record(decision.Answer{Decision: instrument.DecideRetry}); err == nil || !strings.Contains(err.Error(), `the input of the state "Work" is missing in the history`) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.Record(decision.Answer{Decision: instrument.DecideSkip, Output: []byte(`1`)}); err != nil {
			t.Errorf("%s: and it cannot be skipped: %v", name, err)
		}
	}
}

func TestAnswersThatAreNoneAreRefused(t *testing.T) {
	w, err := decision.Find(parse(t, waiting))
	if err != nil {
		t.Fatal(err)
	}
	for want, a := range map[string]decision.Answer{
		"it is retry, skip or fail":       {Decision: "shrug"},
		"needs the output":                {Decision: instrument.DecideSkip},
		"to have had, as JSON":            {Decision: instrument.DecideSkip, Output: []byte(`{`)},
		"an output goes with skip alone":  {Decision: instrument.DecideFail, Output: []byte(`{}`)},
		"skip with a smaller output, or ": {Decision: instrument.DecideSkip, Output: []byte(`"` + strings.Repeat("x", 300_000) + `"`)},
	} {
		if _, err := w.Record(a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100v: %v", a, err)
		}
	}
}

// night has executions whose histories were saved, by ARN; one of no history is refused.
type night map[string]string

func (n night) Back(_ context.Context, arn string, _ func(*history.Execution) bool) (*history.Execution, error) {
	if n[arn] == "" {
		return nil, errors.New("refused")
	}
	return history.Parse([]byte(n[arn]))
}

func (night) CompleteTask(context.Context, string, string, []byte) error {
	return errors.New("not asked")
}

func TestThoseThatWaitAreListedSoonestFirst(t *testing.T) {
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(waiting) }
	desk := decision.Desk{Cloud: night{
		"for ever": replace(`"timeoutInSeconds": 60, `, ``),
		"late":     replace(`"timeoutInSeconds": 60`, `"timeoutInSeconds": 7200`),
		"soon":     replace(`{\"state\":\"Work\"}`, `{\"state\":\"Work\",\"failure\":{\"Error\":\"Declined\"}}`),
		"works":    replace(`stepsleuth: wait for a decision (2)`, `Work`),
		"far back": replace(`"name": "Work", "input"`, `"name": "Other", "input"`),
	}}
	list, err := desk.List(t.Context(), []string{"for ever", "late", "denied", "works", "soon", "gone", "far back"})
	var got []string
	for _, w := range list {
		got = append(got, w.Execution)
	}
	if want := []string{"soon", "far back", "late", "for ever"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(list) > 0 && (list[0].State != "Work" || list[0].Error != "Declined" || list[1].Error != "") {
		t.Errorf("got %+v, %+v", list[0], list[1])
	}
	if err == nil || err.Error() != "2 of 7 running executions could not be looked at; the first: refused" {
		t.Errorf("got %v", err)
	}
	if shown := fmt.Sprintf("%v %+v", list, list); strings.Contains(shown, "t0k3n") {
		t.Errorf("the token is in %s", shown)
	}
}
