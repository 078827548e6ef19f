package sfnlocal_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

// FuzzCall sends requests that no client would: each is answered in JSON, and
// never with a fault of the server's own.
func FuzzCall(f *testing.F) {
	const machine = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
	for target, body := range map[string]string{
		"CreateStateMachine":      `{"name":"m","roleArn":"` + role + `","definition":"{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"End\":true}}}","tags":[null]}`,
		"CreateStateMachineAlias": `{"name":"a","routingConfiguration":[{"stateMachineVersionArn":"` + machine + `:1","weight":100},null]}`,
		"StartExecution":          `{"stateMachineArn":"` + machine + `","name":"x","input":"[1]"}`,
		"ListExecutions":          `{"stateMachineArn":"` + machine + `","maxResults":1,"nextToken":"eyJsIjoxfQ"}`,
		"DescribeExecution":       `{"executionArn":"arn:aws:states:us-east-1:123456789012:execution:m:x"}`,
		"DescribeMapRun":          `{"mapRunArn":"arn:aws:states:us-east-1:123456789012:mapRun:m/L:x"}`,
		"UpdateStateMachine":      `{"stateMachineArn":"` + machine + `","loggingConfiguration":{"level":"ALL","destinations":[{}]}}`,
		"TagResource":             `{"resourceArn":"` + machine + `","tags":[{}]}`,
		"TestState":               `{"definition":"{\"Type\":\"Pass\",\"End\":true}","variables":"{\"a\":1}","inspectionLevel":"TRACE"}`,
		"SendTaskSuccess":         `{"taskToken":"t","output":"1"}`,
		"CreateActivity":          `{"name":1}`,
		"ListActivities":          `[]`,
	} {
		f.Add(target, []byte(body))
	}
	f.Fuzz(func(t *testing.T, target string, body []byte) {
		s := &sfnlocal.Server{Clock: engine.VirtualClock(time.Time{}), Seed: 1, Limits: sfnlocal.Limits{LongPoll: time.Millisecond}}
		defer s.Close()
		for _, call := range []struct{ target, body string }{
			{"CreateStateMachine", `{"name":"m","roleArn":"` + role + `","publish":true,"definition":"{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"End\":true}}}"}`},
			{"StartExecution", `{"stateMachineArn":"` + machine + `","name":"x"}`},
			{target, string(body)},
		} {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(call.body))
			r.Header["X-Amz-Target"] = []string{"AWSStepFunctions." + call.target}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%s %q: %d %s", call.target, call.body, w.Code, w.Body)
			}
		}
	})
}
