package functions_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/functions"
)

const machine = `{"StartAt": "Call", "States": {"Call": {
	"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "TimeoutSeconds": 10,
	"Retry": [{"ErrorEquals": ["Busy", "Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "MaxAttempts": 5}], "End": true}}}`

func run(t *testing.T, file string) *history.Execution {
	t.Helper()
	set, err := functions.Parse("functions.json", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("", []byte(machine))
	if err != nil {
		t.Fatal(err)
	}
	e := engine.Engine{Tasks: engine.LambdaHandler{Invoke: set.Invoke}, Clock: engine.VirtualClock(engineStart)}
	x, err := e.Run(context.Background(), m, []byte(`{"a": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestBehaviours(t *testing.T) {
	for _, c := range []struct{ name, file, output, err string }{
		{"echo", `{"f": {"type": "echo"}}`, `{"a":1}`, ""},
		{"return", `{"f": {"type": "return", "value": [1, "b"]}}`, `[1,"b"]`, ""},
		{"by ARN", `{"arn:aws:lambda:us-east-1:123456789012:function:f": {"type": "return", "value": 2}}`, `2`, ""},
		{"raise", `{"f": {"type": "raise", "errorType": "KeyError", "errorMessage": "'x'"}}`, "", "KeyError"},
		{"raise a payload", `{"f": {"type": "raise", "payload": {"errorMessage": "no type"}}}`, "", "Lambda.Unknown"},
		{"refused", `{"f": {"type": "error", "error": "Lambda.AWSLambdaException", "cause": "denied"}}`, "", "Lambda.AWSLambdaException"},
		{"attempt by attempt", `{"f": [{"type": "raise", "errorType": "Busy"}, {"type": "error", "error": "Lambda.TooManyRequestsException"}, {"type": "echo"}]}`, `{"a":1}`, ""},
		{"the last outcome stays", `{"f": [{"type": "echo"}, {"type": "raise", "errorType": "E"}]}`, `{"a":1}`, ""},
		{"sleep", `{"f": {"type": "sleep", "seconds": 9, "then": {"type": "return", "value": "late"}}}`, `"late"`, ""},
		{"every other function", `{"g": {"type": "raise", "errorType": "E"}, "*": {"type": "return", "value": "any"}}`, `"any"`, ""},
		{"sleep too long", `{"f": {"type": "sleep", "seconds": 11}}`, "", "States.Timeout"},
		{"no such function", `{"g": {"type": "echo"}}`, "", "Lambda.ResourceNotFoundException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := run(t, c.file)
			if got := x.Output.String(); got != c.output {
				t.Errorf("output %s, want %s", got, c.output)
			}
			if x.Error != nil && *x.Error != c.err || x.Error == nil && c.err != "" {
				t.Errorf("error %v, want %q", x.Error, c.err)
			}
		})
	}
}

func TestOtherServicesAreAnsweredByTheirResource(t *testing.T) {
	const file = `{"arn:aws:states:::dynamodb:getItem": [{"type": "raise", "errorType": "DynamoDB.InternalServerErrorException", "errorMessage": "later"}, {"type": "return", "value": {"Item": {}}}]}`
	set, err := functions.Parse("functions.json", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("", []byte(`{"StartAt": "Get", "States": {"Get": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem",
		"Parameters": {"TableName": "t", "Key": {"id": {"S": "1"}}}, "Retry": [{"ErrorEquals": ["DynamoDB.InternalServerErrorException"]}], "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	e := engine.Engine{Tasks: set, Clock: engine.VirtualClock(engineStart)}
	x, err := e.Run(context.Background(), m, nil)
	if err != nil || x.Output.String() != `{"Item":{}}` {
		t.Errorf("output %s, error %v, %v", x.Output, x.Error, err)
	}
	empty, _ := functions.Parse("functions.json", []byte(`{}`))
	e.Tasks = empty
	if _, err := e.Run(context.Background(), m, nil); err == nil || !strings.Contains(err.Error(), "dynamodb:getItem") {
		t.Errorf("an unknown resource gave %v", err)
	}
}

func TestAFunctionBehindAURL(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/2015-03-31/functions/f/invocations" {
			http.NotFound(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"a":1`) {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = io.WriteString(w, `{"errorType": "Boom", "errorMessage": "from afar"}`)
		}
	}))
	defer server.Close()
	x := run(t, `{"f": {"url": "`+server.URL+`"}}`)
	if x.Error == nil || *x.Error != "Boom" {
		t.Errorf("error %v, want Boom", x.Error)
	}
}

func TestAServerThatIsNotThereFailsTheTask(t *testing.T) {
	x := run(t, `{"f": {"url": "http://127.0.0.1:1"}}`)
	if x.Error == nil || *x.Error != "Lambda.SdkClientException" {
		t.Errorf("error %v", x.Error)
	}
}

func TestBadFilesSayWhere(t *testing.T) {
	for file, want := range map[string]string{
		"{\n \"f\": {\"type\": \"ecco\"}}":     "functions.json:2:16: no such type",
		`[]`:                                   "functions.json:1:1: a functions file is an object",
		`{"f": {"type": "echo", "value": 1}}`:  `"value" does not go with the type "echo"`,
		`{"f": []}`:                            "list of outcomes is empty",
		`{"f": 1}`:                             "an outcome is an object",
		`{"f": {}}`:                            "no type",
		`{"f": {"type": "return"}}`:            "needs a value",
		`{"f": {"type": "raise"}}`:             "needs an errorType",
		`{"f": {"type": "sleep"}}`:             "needs its seconds",
		`{"f": {"url": "ftp://x"}}`:            "Invoke API",
		`{"f": {"type": "error", "error": 1}}`: "error is a string",
		`{"f": {"type": "sleep", "seconds": 1, "then": {}}`: "functions.json:1:",
	} {
		_, err := functions.Parse("functions.json", []byte(file))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %q in it", file, err, want)
		}
	}
}

var engineStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// What the documentation shows is what Parse takes.
func TestTheDocumentedFileIsTaken(t *testing.T) {
	text, err := os.ReadFile("../../docs/functions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/functions.md shows no file")
	}
	set, err := functions.Parse("docs/functions.md", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"price-order", "reserve-stock", "charge-card", "audit", "ship"} {
		if !set.Names(name) {
			t.Errorf("no entry for %s", name)
		}
	}
}
