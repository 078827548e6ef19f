package awscloud_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/awscloud"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
)

// archive answers for one execution whose history was saved, a few events a page
// whatever is asked for.
type archive struct {
	events     []json.RawMessage
	definition string
	page       int
	asked      int
}

const archived = "arn:aws:states:us-east-1:123456789012:execution:archived:x"

func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ NextToken string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	var out map[string]any
	switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
	case "DescribeExecution":
		out = map[string]any{"executionArn": archived, "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:archived", "name": "x",
			"status": a.status(), "startDate": 1.7e9, "stopDate": 1.7e9 + 60}
	case "DescribeStateMachineForExecution":
		out = map[string]any{"name": "archived", "definition": a.definition}
	case "GetExecutionHistory":
		a.asked++
		newest := slices.Clone(a.events)
		slices.Reverse(newest)
		from := 0
		fmt.Sscan(in.NextToken, &from)
		to := min(from+a.page, len(newest))
		out = map[string]any{"events": newest[from:to]}
		if to < len(newest) {
			out["nextToken"] = fmt.Sprint(to)
		}
	default:
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]any{"__type": "AccessDeniedException", "message": operation}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (a *archive) status() history.Status {
	var last struct{ Type history.EventType }
	_ = json.Unmarshal(a.events[len(a.events)-1], &last)
	return last.Type.Status()
}

// readArchive reads a recorded history, with timestamps as the API has them.
func readArchive(t *testing.T, file string) (*archive, *history.Execution) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	full, err := history.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var page struct{ Events []map[string]json.RawMessage }
	if err := json.Unmarshal(text, &page); err != nil {
		t.Fatal(err)
	}
	a := &archive{page: 3}
	for i, e := range page.Events {
		e["timestamp"] = json.RawMessage(fmt.Sprint(1_700_000_000 + i))
		one, _ := json.Marshal(e)
		a.events = append(a.events, one)
	}
	var meta struct{ Definition json.RawMessage }
	if text, err := os.ReadFile(strings.TrimSuffix(file, ".json") + ".meta.json"); err == nil {
		_ = json.Unmarshal(text, &meta)
		if json.Unmarshal(meta.Definition, &a.definition) != nil {
			a.definition = string(meta.Definition)
		}
	}
	return a, full
}

// What was left unread adds nothing: paging newest first and stopping early locates the
// same failure and the same origin as reading everything.
func TestStoppingEarlyLocatesTheSame(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(sharedtest.Dir(t, "conformance"), "histories", "*.label.json"))
	early := 0
	for _, label := range files {
		file := strings.TrimSuffix(label, ".label.json") + ".json"
		a, full := readArchive(t, file)
		if a.status() == "" {
			continue
		}
		m, _ := asl.Parse("archived.asl.json", []byte(a.definition))
		cloud := awscloud.New(serve(t, a))
		f, err := cloud.Fetch(t.Context(), awscloud.Ask{ARN: archived})
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		if len(f.Execution.Events()) < len(full.Events()) {
			early++
		}
		if f.Execution.Incomplete {
			t.Errorf("%s: what was not needed is called missing", filepath.Base(file))
		}
		got, want := diagnose.Locate(f.Execution, f.Machine), diagnose.Locate(full, m)
		if g, w := brief(got.Failure), brief(want.Failure); g != w {
			t.Errorf("%s: %d of %d events:\nfailure %s\n   want %s", filepath.Base(file), len(f.Execution.Events()), len(full.Events()), g, w)
		}
		if g, w := brief(got.Origin), brief(want.Origin); g != w {
			t.Errorf("%s: %d of %d events:\norigin %s\n  want %s", filepath.Base(file), len(f.Execution.Events()), len(full.Events()), g, w)
		}
	}
	t.Logf("%d histories, %d of them not read to the beginning", len(files), early)
	if early < len(files)/20 {
		t.Errorf("only %d of %d histories were not read to the beginning", early, len(files))
	}
}

func brief(f *diagnose.Failure) string {
	if f == nil {
		return "none"
	}
	return fmt.Sprintf("%s %v %d %d %d %q %q %s %s %s", f.State, f.Path, f.EnteredEvent, f.FailedEvent, f.Attempts, aws.ToString(f.Error), aws.ToString(f.Cause), f.Input, f.Resource, f.EndedAt)
}

func TestALongHistoryIsNotReadToItsBeginning(t *testing.T) {
	a := &archive{page: 100, definition: `{"StartAt":"Work","States":{"Work":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true}}}`}
	add := func(format string, args ...any) {
		a.events = append(a.events, json.RawMessage(fmt.Sprintf(`{"id":%d,"timestamp":1.7e9,`+format+`}`, append([]any{len(a.events) + 1}, args...)...)))
	}
	add(`"type":"ExecutionStarted","previousEventId":0,"executionStartedEventDetails":{"input":"{}"}`)
	for i := range 10_000 {
		add(`"type":"PassStateEntered","previousEventId":%d,"stateEnteredEventDetails":{"name":"Again","input":"{}"}`, len(a.events))
		add(`"type":"PassStateExited","previousEventId":%d,"stateExitedEventDetails":{"name":"Again","output":"%d"}`, len(a.events), i)
	}
	add(`"type":"TaskStateEntered","previousEventId":%d,"stateEnteredEventDetails":{"name":"Work","input":"{}"}`, len(a.events))
	add(`"type":"LambdaFunctionScheduled","previousEventId":%d,"lambdaFunctionScheduledEventDetails":{"resource":"f"}`, len(a.events))
	add(`"type":"LambdaFunctionFailed","previousEventId":%d,"lambdaFunctionFailedEventDetails":{"error":"E","cause":"c"}`, len(a.events))
	add(`"type":"ExecutionFailed","previousEventId":%d,"executionFailedEventDetails":{"error":"E","cause":"c"}`, len(a.events))
	f, err := awscloud.New(serve(t, a)).Fetch(t.Context(), awscloud.Ask{ARN: archived})
	if err != nil {
		t.Fatal(err)
	}
	c := f.Case()
	if a.asked != 1 || c.Failure.State != "Work" || len(c.Missing) != 0 {
		t.Errorf("asked %d times, %+v, missing %q", a.asked, c.Failure, c.Missing)
	}
}

// runners answers ListExecutions, two a page whatever is asked for.
type runners int

func (n runners) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ NextToken, StatusFilter string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	from := 0
	fmt.Sscan(in.NextToken, &from)
	to := min(from+2, int(n))
	out := map[string]any{"executions": []any{}}
	for i := from; i < to && in.StatusFilter == "RUNNING"; i++ {
		out["executions"] = append(out["executions"].([]any), map[string]any{"executionArn": fmt.Sprint("run", i)})
	}
	if to < int(n) {
		out["nextToken"] = fmt.Sprint(to)
	}
	_ = json.NewEncoder(w).Encode(out)
}

func TestRunningExecutionsComeInPages(t *testing.T) {
	for _, c := range []struct {
		runs, limit, want int
		more              bool
	}{{0, 5, 0, false}, {5, 100, 5, false}, {5, 5, 5, false}, {5, 3, 3, true}, {5, 4, 4, true}, {2, 1, 1, true}} {
		got, more, err := awscloud.New(serve(t, runners(c.runs))).Running(t.Context(), "arn:aws:states:us-east-1:123456789012:stateMachine:order", c.limit)
		if err != nil || len(got) != c.want || more != c.more || c.want > 0 && got[c.want-1] != fmt.Sprint("run", c.want-1) {
			t.Errorf("%d of %d: %q, %v, %v", c.limit, c.runs, got, more, err)
		}
	}
}
