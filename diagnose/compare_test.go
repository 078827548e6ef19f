package diagnose_test

import (
	"fmt"
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
)

// entered is an execution that enters the state Work with an input.
func entered(t *testing.T, status, state, input string) *history.Execution {
	t.Helper()
	end := `"type": "ExecutionSucceeded"`
	if status == "FAILED" {
		end = `"type": "ExecutionFailed", "executionFailedEventDetails": {"error": "E"}`
	}
	x, err := history.Parse([]byte(fmt.Sprintf(`{"events": [
		{"id": 1, "previousEventId": 0, "timestamp": 1, "type": "ExecutionStarted", "executionStartedEventDetails": {"input": %q}},
		{"id": 2, "previousEventId": 0, "timestamp": 1, "type": "PassStateEntered", "stateEnteredEventDetails": {"name": %q, "input": %q}},
		{"id": 3, "previousEventId": 2, "timestamp": 1, %s}]}`, input, state, input, end)))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		was, now string
		want     []diagnose.Difference
	}{
		{`{"a":1}`, `{"a":1.0}`, nil},
		{`{"a":1,"b":2}`, `{"a":1,"c":3}`, []diagnose.Difference{{"/b", "2", ""}, {"/c", "", "3"}}},
		{`{"a":[1,{"x/y":null}]}`, `{"a":[1,{"x/y":0},4]}`, []diagnose.Difference{{"/a/1/x~1y", "null", "0"}, {"/a/2", "", "4"}}},
		{`{"a":"1"}`, `[]`, []diagnose.Difference{{"", `{"a":"1"}`, "[]"}}},
	} {
		kase := diagnose.NewCase(nil, entered(t, "FAILED", "Work", c.now))
		kase.Compare(entered(t, "SUCCEEDED", "Work", c.was))
		got := kase.Comparison
		if got == nil || got.State != "Work" || got.Count != len(c.want) || fmt.Sprint(got.Differences) != fmt.Sprint(c.want) {
			t.Errorf("%s to %s: %+v", c.was, c.now, got)
		}
	}
}

func TestCompareWithAnExecutionThatNeverCameThere(t *testing.T) {
	kase := diagnose.NewCase(nil, entered(t, "FAILED", "Work", `{"a":1}`))
	kase.Compare(entered(t, "SUCCEEDED", "Other", `{"a":2}`))
	if got := kase.Comparison; got == nil || got.State != "" || got.Count != 1 {
		t.Errorf("got %+v", got)
	}
}
