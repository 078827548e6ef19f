package functions_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/engine/functions"
	"github.com/stepsleuth/stepsleuth/history"
)

// runWith runs a machine of one task with a functions file.
func runWith(t *testing.T, file, task string) *history.Execution {
	t.Helper()
	set, err := functions.Parse("functions.json", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("", []byte(`{"StartAt":"T","States":{"T":{"Type":"Task",`+task+`,"End":true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	e := &engine.Engine{Tasks: set.Handlers(), Clock: engine.VirtualClock(time.Unix(0, 0))}
	x, err := e.Run(context.Background(), m, []byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

const byARN = `"Resource":"arn:aws:lambda:us-east-1:123456789012:function:F"`

func end(x *history.Execution) string {
	if x.Error != nil {
		cause := ""
		if x.Cause != nil {
			cause = *x.Cause
		}
		return *x.Error + " " + cause
	}
	return x.Output.String()
}

func TestBehaviours(t *testing.T) {
	for _, tt := range []struct{ name, file, task, want string }{
		{"echo", `{"F":{"type":"echo"}}`, byARN, `{"a":1}`},
		{"return", `{"F":{"type":"return","value":[1,{"b":2}]}}`, byARN, `[1,{"b":2}]`},
		{"raise", `{"F":{"type":"raise","errorType":"E","errorMessage":"m"}}`, byARN, `E {"errorMessage":"m","errorType":"E"}`},
		{"by ARN", `{"arn:aws:lambda:eu-west-1:1:function:F":{"type":"return","value":1}}`, byARN, `1`},
		{"any", `{"*":{"type":"return","value":2}}`, byARN, `2`},
		{"not there", `{"G":{"type":"echo"}}`, byARN, `Lambda.ResourceNotFoundException Function not found: `},
		{"attempt by attempt", `{"F":[{"type":"raise","errorType":"E"},{"type":"return","value":3}]}`, byARN + `,"Retry":[{"ErrorEquals":["E"]}]`, `3`},
		{"sleep", `{"F":{"type":"sleep","seconds":5,"then":{"type":"return","value":4}}}`, byARN + `,"TimeoutSeconds":6`, `4`},
		{"sleep too long", `{"F":{"type":"sleep","seconds":7}}`, byARN + `,"TimeoutSeconds":6`, `States.Timeout `},
		{"another resource", `{"arn:aws:states:::dynamodb:getItem":{"type":"return","value":{"Item":{}}}}`,
			`"Resource":"arn:aws:states:::dynamodb:getItem","Parameters":{"TableName":"t","Key":{}}`, `{"Item":{}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := end(runWith(t, tt.file, tt.task)); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAFunctionBehindAURL(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/2015-03-31/functions/F/invocations":
			_, _ = w.Write([]byte(`{"got":` + string(body) + `}`))
		case "/2015-03-31/functions/G/invocations":
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = w.Write([]byte(`{"errorType":"E","errorMessage":"m"}`))
		case "/2015-03-31/functions/H/invocations":
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"Message":"Rate Exceeded."}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	for name, want := range map[string]string{
		"F": `{"got":{"a":1}}`,
		"G": `E {"errorType":"E","errorMessage":"m"}`,
		"H": `Lambda.TooManyRequestsException Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; `,
		"I": `Lambda.ResourceNotFoundException `,
	} {
		got := end(runWith(t, `{"*":{"url":"`+server.URL+`/"}}`, strings.Replace(byARN, ":F", ":"+name, 1)))
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestABadFileIsExplainedWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "f.json:1:1: empty",
		"[]":                                  "f.json:1:1: a functions file is an object",
		"{\n \"F\": {\"type\": \"eccho\"}}":   "f.json:2:7: unknown type \"eccho\"",
		"{\n \"F\": 3}":                       "f.json:2:7: how a function behaves is an object",
		`{"F":[]}`:                            "f.json:1:6: the list of outcomes is empty",
		`{"F":{"type":"return"}}`:             "f.json:1:6: \"return\" needs a member \"value\"",
		`{"F":{"type":"echo","value":1}}`:     "f.json:1:21: \"echo\" has no member \"value\"",
		`{"F":{"type":"sleep","seconds":-1}}`: "f.json:1:32: seconds must be a number that is not negative",
		`{"F":{"url":"ftp://x"}}`:             "f.json:1:13: url must begin with http",
		"{\"F\":{\"type\":\"echo\"}":          "f.json:1:21: the text ends",
	} {
		_, err := functions.Parse("f.json", []byte(text))
		if !errors.Is(err, functions.ErrFormat) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s…", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"F":[{"type":"raise","errorType":"E","errorMessage":"m","stackTrace":[1]},{"type":"sleep","seconds":1,"then":{"type":"echo"}}]}`)
	f.Add(`{"F":{"url":"http://h"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := functions.Parse("f", []byte(text))
		if (set == nil) == (err == nil) {
			t.Errorf("a set and an error, or neither: %v", err)
		}
	})
}
