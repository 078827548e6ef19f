package diagnose_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
)

const orders = `{"StartAt":"Each","States":{"Each":{"Type":"Map","ItemProcessor":{"StartAt":"A/B","States":{
 "A/B":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Id.$":"$.order.id","Whole.$":"$$.Execution.Input.x"},
  "ResultPath":"$.result","TimeoutSeconds":30,"End":true}}},"End":true}}}`

func parse(t testing.TB, definition string) *asl.Machine {
	t.Helper()
	m, err := asl.Parse("orders.asl.json", []byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const ordersHistory = `1 0 ExecutionStarted {"input":[{"order":{"nr":7}}]}
2 0 MapStateEntered {"name":"Each","input":[{"order":{"nr":7}}]}
3 2 MapStateStarted {"length":1}
4 3 MapIterationStarted {"name":"Each","index":0}
5 4 TaskStateEntered {"name":"A/B","input":{"order":{"nr":7}}}
6 5 MapIterationFailed {"name":"Each","index":0}
7 5 MapStateFailed
8 7 ExecutionFailed {"error":"States.Runtime","cause":"An error occurred while executing the state 'A/B' (entered at the event id #5). The JSONPath '$.order.id' specified for the field 'Id.$' could not be found in the input '{\"order\":{\"nr\":7}}'"}`

func TestACaseHasEvidenceThatCanBeCited(t *testing.T) {
	m := parse(t, orders)
	c := diagnose.NewCase(m, short(t, ordersHistory, ""))
	if c.State == nil || c.State.Name != "A/B" || c.Failure.State != "A/B" {
		t.Fatalf("state %+v, failure %+v", c.State, c.Failure)
	}
	got := map[string]string{}
	for _, e := range c.Evidence {
		got[e.ID+" "+e.Pointer] = e.Text
	}
	for id, want := range map[string]string{
		"E5 ":       "type: TaskStateEntered\nname: A/B\ninput: {\"order\":{\"nr\":7}}",
		"E8 ":       "type: ExecutionFailed\nerror: States.Runtime\ncause: An error occurred while executing",
		"I1 /order": `{"nr":7}`,
		"D3 /States/Each/ItemProcessor/States/A~1B/Parameters": `{"FunctionName":"f","Id.$":"$.order.id"`,
	} {
		if !strings.HasPrefix(got[id], want) {
			t.Errorf("%s is %q, want %q", id, got[id], want)
		}
	}
	if len(c.Missing) != 0 {
		t.Errorf("missing %q", c.Missing)
	}
}

func TestEvidenceIDsAreUniqueAndEventsReal(t *testing.T) {
	for _, file := range cases(t) {
		x, m, children := readCase(t, readArchive(t, file))
		c := diagnose.NewCase(m, x, children...)
		seen := map[string]bool{}
		for _, e := range c.Evidence {
			if seen[e.ID] || e.ID == "" || e.Text == "" {
				t.Errorf("%s: evidence %+v", file, e)
			}
			seen[e.ID] = true
			if e.Event != 0 && !slices.ContainsFunc(x.Events(), func(ev history.Event) bool { return ev.ID == e.Event }) {
				t.Errorf("%s: no event %d", file, e.Event)
			}
		}
		if f := c.Failure; f != nil && f.FailedEvent > 0 && !seen[fmt.Sprintf("E%d", f.FailedEvent)] {
			t.Errorf("%s: the failed event is no evidence", file)
		}
	}
}

func cases(t testing.TB) []string {
	files, err := filepath.Glob("testdata/locate/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	return files
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	for file, want := range map[string]string{
		"first_page_missing":            "the events before 5: fetch all pages",
		"end_missing":                   "the events after 12: fetch all pages",
		"truncated_payloads":            "the recorded input of \"Next\": it was rebuilt",
		"heartbeat_missed":              "a cause: none is recorded",
		"nested_execution_failed":       "the history of the nested execution: aws stepfunctions get-execution-history --execution-arn arn:aws:states:us-east-1:111111111111:execution:child:c1",
		"distributed_map_run_failed":    "the failed children of the Map run: aws stepfunctions list-executions",
		"failed_before_any_state":       "the state that failed",
		"caught_then_failed_on_purpose": "the definition: aws stepfunctions describe-state-machine-for-execution",
	} {
		x, m, children := readCase(t, readArchive(t, "testdata/locate/"+file+".txtar"))
		c := diagnose.NewCase(m, x, children...)
		if !strings.Contains(strings.Join(c.Missing, "\n"), want) {
			t.Errorf("%s: missing %q, want %q", file, c.Missing, want)
		}
	}
	other := diagnose.NewCase(parse(t, `{"StartAt":"X","States":{"X":{"Type":"Succeed"}}}`), short(t, ordersHistory, ""))
	if !strings.Contains(strings.Join(other.Missing, "\n"), `the state "A/B" in the definition given`) {
		t.Errorf("missing %q", other.Missing)
	}
}

func TestTheSubjectIsTheOriginUnlessTheHandlerFailedItself(t *testing.T) {
	for file, want := range map[string]string{
		"caught_then_failed_on_purpose":               "Charge",
		"handler_failed_on_something_else":            "Notify",
		"handler_reads_a_field_that_the_catcher_lost": "Report",
		"error_output_still_in_the_input":             "Charge",
	} {
		x, m, _ := readCase(t, readArchive(t, "testdata/locate/"+file+".txtar"))
		if got := diagnose.NewCase(m, x).Subject().State; got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}

func TestACaseOfABareRow(t *testing.T) {
	problem, cause := "States.Timeout", ""
	s, err := asl.ParseState("Wait", []byte(`{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","HeartbeatSeconds":60,"End":true}`))
	if err != nil {
		t.Fatal(err)
	}
	c := diagnose.NewRowCase(diagnose.Row{Error: &problem, Cause: &cause, State: s})
	f := c.Failure
	if c.Phase != diagnose.Run || f.State != "Wait" || f.StateType != "Task" || !f.Heartbeat || f.Resource != "arn:aws:states:::sqs:sendMessage.waitForTaskToken" {
		t.Errorf("%+v", f)
	}
	if len(c.Evidence) < 3 || c.Evidence[0].Text != "error: States.Timeout\ncause: " {
		t.Errorf("%+v", c.Evidence)
	}
	empty := diagnose.NewRowCase(diagnose.Row{Phase: diagnose.Create})
	if empty.Failure == nil || empty.Phase != diagnose.Create {
		t.Errorf("%+v", empty)
	}
}

func TestACaseOfANotice(t *testing.T) {
	n, err := history.ParseEvent([]byte(`{"executionArn":"arn:aws:states:us-east-1:111111111111:execution:orders:r","state":"A/B","error":"E","cause":"c"}`))
	if err != nil {
		t.Fatal(err)
	}
	c := diagnose.NewNoticeCase(parse(t, orders), n)
	if c.Failure == nil || c.Failure.State != "A/B" || c.Failure.StateType != "Task" || fmt.Sprint(c.Failure.Path) != "[Each]" || c.State == nil {
		t.Errorf("%+v", c.Failure)
	}
	if !strings.Contains(strings.Join(c.Missing, "\n"), "get-execution-history --execution-arn arn:aws:states:us-east-1:111111111111:execution:orders:r") {
		t.Errorf("missing %q", c.Missing)
	}
}

func TestRecordedHistoriesMakeCases(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(sharedtest.Dir(t, "conformance/histories"), "*.label.json"))
	for _, file := range files {
		base := strings.TrimSuffix(file, ".label.json")
		c := diagnose.NewCase(recordedMachine(t, base), readHistory(t, base+".json"))
		if len(c.Evidence) == 0 || diagnose.Fingerprint(c) == "" {
			t.Errorf("%s: %d pieces of evidence, fingerprint %q", filepath.Base(base), len(c.Evidence), diagnose.Fingerprint(c))
		}
	}
}
