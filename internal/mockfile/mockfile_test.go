package mockfile_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/mockfile"
)

const order = `{"StartAt":"Price","States":{
  "Price":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"price"},"Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":5}],"Next":"Each"},
  "Each":{"Type":"Map","ItemsPath":"$.Payload","ItemProcessor":{"StartAt":"Charge","States":{
    "Charge":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:charge","End":true}}},"Next":"Ask"},
  "Ask":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Parameters":{"QueueUrl":"q","MessageBody.$":"$$.Task.Token"},"ResultPath":"$[0]","End":true}}}`

const mocks = `{
  "StateMachines": {
    "order": {"TestCases": {
      "Fine": {"Price": "priced", "Charge": "charged", "Ask": "approved"},
      "Refused": {"Price": "priced", "Charge": "charged", "Ask": "refused"},
      "Half": {"Price": "priced"}
    }}
  },
  "MockedResponses": {
    "priced": {
      "0": {"Throw": {"Error": "Busy"}},
      "1-2": {"Throw": {"Error": "Busier", "Cause": "still"}},
      "3": {"Return": {"StatusCode": 200, "Payload": [1, 2, 3]}}
    },
    "charged": {"0": {"Return": {"StatusCode": 200, "Payload": "a"}}, "1": {"Return": {"StatusCode": 200, "Payload": "b"}}, "2": {"Return": "c"}},
    "approved": {"0": {"Return": {"by": "Ada"}}},
    "refused": {"0": {"Throw": {"Error": "No", "Cause": "too dear"}}}
  }
}`

func parse(t *testing.T, text string) *asl.Machine {
	t.Helper()
	m, err := asl.Parse("order.asl.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func run(t *testing.T, name string) (*history.Execution, error) {
	t.Helper()
	m := parse(t, order)
	f, err := mockfile.Parse("mocks.json", []byte(mocks))
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Case("order", name, m)
	if err != nil {
		t.Fatal(err)
	}
	e := &engine.Engine{Tasks: c, Clock: engine.VirtualClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	return e.Run(context.Background(), m, []byte(`{}`))
}

func TestAttemptsGetTheirAnswers(t *testing.T) {
	for range 20 { // whatever order the iterations' handlers run in
		x, err := run(t, "Fine")
		if err != nil {
			t.Fatal(err)
		}
		if want := `[{"by":"Ada"},"b","c"]`; x.Output.String() != want {
			t.Fatalf("output %s, want %s", x.Output, want)
		}
	}
}

func TestAThrowFailsTheTaskWithItsErrorAndCause(t *testing.T) {
	x, err := run(t, "Refused")
	if err != nil {
		t.Fatal(err)
	}
	if x.Status != history.Failed || *x.Error != "No" || *x.Cause != "too dear" {
		t.Errorf("%s %v %v", x.Status, x.Error, x.Cause)
	}
	var failures []string
	for _, e := range x.Events() {
		if e.Type == "TaskFailed" {
			cause := "absent"
			if e.Details.Cause != nil {
				cause = *e.Details.Cause
			}
			failures = append(failures, *e.Details.Error+" "+cause)
		}
	}
	if got := strings.Join(failures, ", "); got != "Busy absent, Busier still, Busier still, No too dear" {
		t.Error(got)
	}
}

func TestATaskThatIsNotMockedIsNotCalledByMistake(t *testing.T) {
	_, err := run(t, "Half")
	if err == nil || !strings.Contains(err.Error(), `state "Charge": no handler for the resource arn:aws:lambda`) {
		t.Error(err)
	}
}

func TestAnAttemptWithoutAnAnswerIsNamed(t *testing.T) {
	text := strings.Replace(mocks, `"2": {"Return": "c"}`, `"5": {"Return": "c"}`, 1)
	f, err := mockfile.Parse("mocks.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m := parse(t, order)
	c, err := f.Case("order", "Fine", m)
	if err != nil {
		t.Fatal(err)
	}
	e := &engine.Engine{Tasks: c, Clock: engine.VirtualClock(time.Time{})}
	_, err = e.Run(context.Background(), m, nil)
	if want := `mocks.json:15:5: "charged" has no answer for attempt 2 of state "Charge", counted from 0, in test case "Fine"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	const responses = `"MockedResponses": {"r": {"0": {"Return": {}}}}`
	for _, tt := range []struct{ name, text, want string }{
		{"no JSON", `{`, "mocks.json:1:"},
		{"no object", `[]`, "mocks.json:1:1: a mock configuration is an object; this is an array"},
		{"misspelt", `{"StateMachine": {}}`, `mocks.json:1:2: "StateMachine" is no field of a mock configuration, which has StateMachines and MockedResponses; did you mean "StateMachines"?`},
		{"no machines", `{` + responses + `}`, "mocks.json:1:1: no StateMachines"},
		{"unknown response", "{\"StateMachines\": {\"order\": {\"TestCases\": {\n\"Fine\": {\"Price\": \"rr\"}}}}, " + responses + "}", `mocks.json:2:10: no response "rr" in MockedResponses`},
		{"response is no name", `{"StateMachines": {"order": {"TestCases": {"Fine": {"Price": {}}}}}, ` + responses + `}`, "named by a string; this is an object"},
		{"bad number", `{"StateMachines": {}, "MockedResponses": {"r": {"first": {"Return": 1}}}}`, `mocks.json:1:49: "first" is no number of an attempt`},
		{"range backwards", `{"StateMachines": {}, "MockedResponses": {"r": {"3-1": {"Return": 1}}}}`, `"3-1" is no number of an attempt`},
		{"overlap", `{"StateMachines": {}, "MockedResponses": {"r": {"0-2": {"Return": 1}, "2": {"Return": 1}}}}`, `attempts 2 are mocked twice: here and as "0-2"`},
		{"both", `{"StateMachines": {}, "MockedResponses": {"r": {"0": {"Return": 1, "Throw": {}}}}}`, "has one of Return and Throw"},
		{"neither", `{"StateMachines": {}, "MockedResponses": {"r": {"0": {}}}}`, "has one of Return and Throw"},
		{"empty", `{"StateMachines": {}, "MockedResponses": {"r": {}}}`, "the response is empty"},
		{"error is no text", `{"StateMachines": {}, "MockedResponses": {"r": {"0": {"Throw": {"Error": 1}}}}}`, "Error is a string; this is a number"},
		{"unknown in throw", `{"StateMachines": {}, "MockedResponses": {"r": {"0": {"Throw": {"Eror": "E"}}}}}`, `"Eror" is no field of Throw, which has Error and Cause; did you mean "Error"?`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := mockfile.Parse("mocks.json", []byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestACaseIsFoundOrItsNearestIsProposed(t *testing.T) {
	f, err := mockfile.Parse("mocks.json", []byte(mocks))
	if err != nil {
		t.Fatal(err)
	}
	m := parse(t, order)
	for _, tt := range []struct{ machine, name, want string }{
		{"order", "Fine", ""},
		{"another file's name", "Fine", ""}, // there is only one state machine
		{"another", "order#Fine", ""},
		{"order", "Fin", `mocks.json:3:15: no test case "Fin" for order; did you mean "Fine"?`},
		{"order", "xyz", "; there are Fine, Half, Refused"},
		{"order", "odrer#Fine", `no state machine "odrer"; did you mean "order"?`},
	} {
		_, err := f.Case(tt.machine, tt.name, m)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: %v, want %s", tt.machine, tt.name, err, tt.want)
		}
	}
	for state, want := range map[string]string{
		"Prise": `the workflow has no state "Prise"; did you mean "Price"?`,
		"Each":  `state "Each" is no Task`,
	} {
		f, err := mockfile.Parse("mocks.json", []byte(strings.Replace(mocks, `"Half": {"Price"`, `"Half": {"`+state+`"`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Case("order", "Half", m); err == nil || !strings.Contains(err.Error(), "mocks.json:6:16: "+want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(mocks)
	f.Add(`{"StateMachines":{"":{"TestCases":{"":{}}}},"MockedResponses":{"a/~":{"0-1":{"Throw":{}}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		file, err := mockfile.Parse("m", []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "m:") {
				t.Errorf("an error without a place: %v", err)
			}
			return
		}
		_, _ = file.Case("order", "Fine", parse(t, order))
	})
}
