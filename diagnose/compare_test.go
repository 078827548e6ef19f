package diagnose_test

import (
	"fmt"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
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

// What the failure names comes first, then what the state reads; also of more than are shown.
func TestCompareBeginsWithWhatIsRead(t *testing.T) {
	was, now := `{`, `{`
	for i := range 30 {
		was += fmt.Sprintf(`"noise%d":0,`, i)
		now += fmt.Sprintf(`"noise%d":1,`, i)
	}
	was += `"lines":[{"price":1},{"price":2}],"order":{"id":1,"total":5}}`
	now += `"lines":[{"price":1},{"price":3}],"order":{"id":1}}`
	m, err := asl.Parse("", []byte(`{"StartAt": "Work", "States": {"Work": {"Type": "Pass", "Parameters": {"t.$": "$.order.total", "p.$": "$.lines[*].price"}, "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	kase := diagnose.NewCase(m, entered(t, "FAILED", "Work", now))
	cause := "The JSONPath '$.order.total' specified for the field 't.$' could not be found in the input"
	kase.Failure.Cause = &cause
	kase.Compare(entered(t, "SUCCEEDED", "Work", was))
	got := kase.Comparison
	if got.Count != 32 || len(got.Differences) != 20 || got.Differences[0].Pointer != "/order/total" || got.Differences[1].Pointer != "/lines/1/price" || got.Differences[2].Pointer != "/noise0" {
		t.Errorf("%d, first of all %v", got.Count, got.Differences)
	}
}
