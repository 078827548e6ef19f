package history_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
)

func recordings(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "conformance/histories"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range all {
		if !strings.HasSuffix(f, ".meta.json") && !strings.HasSuffix(f, ".label.json") {
			files = append(files, f)
		}
	}
	return files
}

func read(t testing.TB, text string) *history.Execution {
	t.Helper()
	x, err := history.Read(strings.NewReader(text))
	if err != nil {
		t.Fatalf("read: %v\n%.400s", err, text)
	}
	return x
}

func write(t testing.TB, x *history.Execution) string {
	t.Helper()
	var b bytes.Buffer
	if err := history.Write(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func decoded(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return v
}

func sameJSON(t testing.TB, got, want string) {
	t.Helper()
	if !reflect.DeepEqual(decoded(t, got), decoded(t, want)) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRecordedHistoriesRoundTrip(t *testing.T) {
	files := recordings(t)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		x, err := history.Parse(b)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(f), err)
			continue
		}
		want := decoded(t, string(b))
		oldestFirst(want.(map[string]any)["events"].([]any))
		if !reflect.DeepEqual(decoded(t, write(t, x)), want) {
			t.Errorf("%s is not the same after reading and writing:\n%s", filepath.Base(f), write(t, x))
		}
	}
	t.Logf("round trips: %d", len(files))
}

// oldestFirst reverses events that were recorded newest first.
func oldestFirst(events []any) {
	id := func(i int) string { return fmt.Sprint(events[i].(map[string]any)["id"]) }
	if len(events) > 1 && id(1) == "3" && id(3) == "1" {
		slices.Reverse(events)
	}
}

const started = `{"timestamp":"2024-03-01T12:00:00Z","type":"ExecutionStarted","id":1,"previousEventId":0,` +
	`"executionStartedEventDetails":{"input":"{\"a\": 1}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111111111111:role/r"}}`
const entered = `{"timestamp":"2024-03-01T12:00:01Z","type":"TaskStateEntered","id":2,"previousEventId":0,` +
	`"stateEnteredEventDetails":{"name":"Charge","input":"{\"a\": 1}","inputDetails":{"truncated":false}}}`
const failed = `{"timestamp":"2024-03-01T12:00:02.5Z","type":"ExecutionFailed","id":3,"previousEventId":2,` +
	`"executionFailedEventDetails":{"error":"E","cause":""}}`

func page(events ...string) string { return `{"events":[` + strings.Join(events, ",") + `]}` }

func TestEveryShapeOfHistoryIsRead(t *testing.T) {
	whole := write(t, read(t, page(started, entered, failed)))
	for name, text := range map[string]string{
		"bare array":          "[" + started + "," + entered + "," + failed + "]",
		"newest first":        page(failed, entered, started),
		"two pages":           `{"events":[` + started + `],"nextToken":"t"}` + page(entered, failed),
		"pages newest first":  `{"events":[` + failed + `],"nextToken":"t"}` + "\n" + page(entered, started),
		"array of pages":      `[{"events":[` + started + `],"nextToken":"t"},` + page(entered, failed) + `]`,
		"an event a line":     started + "\n" + entered + "\n" + failed + "\n",
		"a page read twice":   page(started, entered) + page(entered, failed),
		"byte order mark":     "\ufeff" + page(started, entered, failed),
		"white space about":   "\n\n  " + page(started, entered, failed) + "\r\n",
		"nextToken is null":   strings.Replace(page(started, entered, failed), "]}", `]}`, 1),
		"filtered log events": `{"events":[{"timestamp":1,"message":` + strconv.Quote(started) + `},{"timestamp":1,"message":` + strconv.Quote(entered) + `},{"message":` + strconv.Quote(failed) + `,"timestamp":2}]}`,
	} {
		x := read(t, text)
		if got := write(t, x); got != whole {
			t.Errorf("%s: read as\n%s\nwant\n%s", name, got, whole)
		}
		if x.Incomplete {
			t.Errorf("%s: Incomplete", name)
		}
	}
}

func TestWhatNobodyToldIsDerivedFromTheEvents(t *testing.T) {
	x := read(t, page(started, entered, failed))
	if x.Status != history.Failed || *x.Error != "E" || x.Cause == nil || *x.Cause != "" || x.Input.String() != `{"a": 1}` {
		t.Errorf("derived %+v", x)
	}
	if got := x.Stop.Sub(x.Start); got != 2500*time.Millisecond {
		t.Errorf("took %v", got)
	}
	sameJSON(t, write(t, x), page(started, entered, failed))
}

func TestAbsentAndEmptyStayDifferent(t *testing.T) {
	for details, want := range map[string][2]bool{
		`{}`:                      {false, false},
		`{"error":""}`:            {true, false},
		`{"cause":""}`:            {false, true},
		`{"error":"","cause":""}`: {true, true},
	} {
		text := page(started, `{"timestamp":"2024-03-01T12:00:01Z","type":"ExecutionFailed","id":2,"previousEventId":1,"executionFailedEventDetails":`+details+`}`)
		x := read(t, text)
		if got := [2]bool{x.Error != nil, x.Cause != nil}; got != want {
			t.Errorf("%s: error and cause there: %v, want %v", details, got, want)
		}
		sameJSON(t, write(t, x), text)
	}
}

func TestDescribeExecutionMayStandBesideTheEvents(t *testing.T) {
	describe := `"executionArn":"arn:aws-cn:states:cn-north-1:111111111111:execution:orders:run-7","stateMachineArn":"arn:aws-cn:states:cn-north-1:111111111111:stateMachine:orders",` +
		`"name":"run-7","status":"FAILED","startDate":1709294400.125,"stopDate":"2024-03-01T13:00:02.500000+01:00","input":"{}","inputDetails":{"included":true},` +
		`"error":"E","redriveCount":2,"redriveStatus":"REDRIVABLE","traceHeader":null`
	merged := `{` + describe + `,"events":[` + started + `,` + entered + `,` + failed + `]}`
	for name, text := range map[string]string{
		"merged":           merged,
		"as a member":      `{"execution":{` + describe + `},"events":[` + started + `,` + entered + `,` + failed + `]}`,
		"before":           `{` + describe + `}` + page(started, entered, failed),
		"after, as a line": page(started, entered, failed) + "\n{" + describe + `}`,
	} {
		x := read(t, text)
		if x.Name != "run-7" || x.Type != history.Standard || x.RedriveCount != 2 || x.Status != history.Failed {
			t.Errorf("%s: %+v", name, x)
		}
		if got := x.Start.Format(time.RFC3339Nano); got != "2024-03-01T12:00:00.125Z" {
			t.Errorf("%s: start %s", name, got)
		}
		sameJSON(t, write(t, x), merged)
	}
}

func TestTimestampsOfEveryForm(t *testing.T) {
	want := "2024-03-01T12:00:00.025Z"
	for _, stamp := range []string{
		`"2024-03-01T12:00:00.025Z"`, `"2024-03-01T12:00:00.025000+00:00"`, `"2024-03-01T17:30:00.025+05:30"`,
		`1709294400.025`, `"1709294400.025"`, `1.709294400025e9`, `1709294400025`, `"2024-03-01T12:00:00.025"`, `"2024-03-01T12:00:00.025+0000"`,
	} {
		text := strings.Replace(page(started), `"2024-03-01T12:00:00Z"`, stamp, 1)
		x := read(t, text)
		if got := x.Events()[0].Time.Format(time.RFC3339Nano); got != want {
			t.Errorf("%s is read as %s, want %s", stamp, got, want)
		}
		sameJSON(t, write(t, x), text)
	}
}

func TestUnknownMembersAndTypesSurvive(t *testing.T) {
	for _, event := range []string{
		`{"timestamp":"x","type":"FutureThing","id":1,"previousEventId":0,"futureThingEventDetails":{"name":"n","new":[1,{"a":1.50}],"index":3}}`,
		`{"timestamp":1,"type":"TaskFailed","id":1,"previousEventId":0,"otherEventDetails":{"cause":"c"},"lambdaFunctionFailedEventDetails":null,"more":"m"}`,
		`{"timestamp":1,"type":"TaskStateEntered","id":1,"previousEventId":0,"stateEnteredEventDetails":{"name":"","input":{"a":[]},"inputDetails":{"truncated":true,"new":1}}}`,
		`{"timestamp":1,"type":"PassStateExited","id":1,"stateExitedEventDetails":{"name":"a","assignedVariables":{"b":"1","a":"\"\\u00e9\""},"assignedVariablesDetails":{"truncated":false}}}`,
		`{"timestamp":1,"type":"TaskScheduled","id":1,"previousEventId":0,"taskScheduledEventDetails":{"taskCredentials":{"roleArn":"r"},"timeoutInSeconds":5,"heartbeatInSeconds":0,"parameters":"{}","region":""}}`,
		`{"timestamp":1,"type":"TaskScheduled","id":[0],"previousEventId":[0],"taskScheduledEventDetails":{"taskCredentials":{"roleArn":"r","x":"y"},"timeoutInSeconds":-5,"assignedVariables":{"a":null}}}`,
		`{"timestamp":1,"type":"ActivityStarted","id":1,"previousEventId":0,"activityStartedEventDetails":{"workerName":""},"message":"kept"}`,
	} {
		sameJSON(t, write(t, read(t, page(event))), page(event))
	}
}

func TestDetailsMembersFollowFromTheType(t *testing.T) {
	for typ, want := range map[history.EventType]string{
		history.MapStateEntered: "stateEnteredEventDetails", history.FailStateEntered: "stateEnteredEventDetails",
		history.ParallelStateExited: "stateExitedEventDetails", history.MapRunRedriven: "mapRunRedrivenEventDetails",
		history.ExecutionRedriven: "executionRedrivenEventDetails", history.EvaluationFailed: "evaluationFailedEventDetails",
		history.LambdaFunctionScheduleFailed: "lambdaFunctionScheduleFailedEventDetails", history.TaskStateAborted: "taskStateAbortedEventDetails",
	} {
		if got := typ.DetailsMember(); got != want {
			t.Errorf("%s: %s, want %s", typ, got, want)
		}
	}
}

func TestIncompleteHistoriesAreMarked(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"whole":             {page(started, entered, failed), false},
		"beginning missing": {page(entered, failed), true},
		"end missing":       {page(started, entered), true},
		"gap":               {page(started, failed), true},
		"another page":      {`{"events":[` + started + `,` + entered + `,` + failed + `],"nextToken":"t"}`, true},
		"no events":         {`{"executionArn":"a","status":"FAILED","error":"E"}`, true},
	} {
		x := read(t, c.text)
		if x.Incomplete != c.want {
			t.Errorf("%s: Incomplete is %v", name, x.Incomplete)
		}
		again := read(t, write(t, x))
		if again.Incomplete != c.want {
			t.Errorf("%s: Incomplete is %v after writing and reading", name, again.Incomplete)
		}
	}
}

const expressARN = "arn:aws:states:us-east-1:111111111111:express:orders:run-7:0b1c"

var logged = []string{
	`{"id":"1","type":"ExecutionStarted","details":{"input":"{}","inputDetails":{"truncated":false},"roleArn":"r"},"previous_event_id":"0","event_timestamp":"1709294400025","execution_arn":"` + expressARN + `","redrive_count":"0"}`,
	`{"id":"2","type":"PassStateEntered","details":{"name":"P"},"previous_event_id":"0","event_timestamp":"1709294400030","execution_arn":"` + expressARN + `","redrive_count":"0"}`,
	`{"id":"3","type":"ExecutionFailed","details":{"cause":"c","error":"E"},"previous_event_id":"2","event_timestamp":"1709294400035","execution_arn":"` + expressARN + `","redrive_count":"0"}`,
}

func TestLogEventsOfExpressWorkflowsAreRead(t *testing.T) {
	x := read(t, strings.Join([]string{logged[2], logged[0], logged[1]}, "\n"))
	if x.ARN != expressARN || x.Type != history.Express || x.Name != "run-7" || x.Status != history.Failed || x.Incomplete {
		t.Errorf("%+v", x)
	}
	if got := x.Events()[1]; got.ID != 2 || got.Details.Name != "P" || got.Time.UnixMilli() != 1709294400030 {
		t.Errorf("%+v", got)
	}
	if x.StateMachineARN != "arn:aws:states:us-east-1:111111111111:stateMachine:orders" {
		t.Errorf("state machine %s", x.StateMachineARN)
	}
	if !strings.Contains(write(t, x), `"stateEnteredEventDetails":{"name":"P"}`) {
		t.Errorf("written as %s", write(t, x))
	}
}

func TestWhatIsNoHistorySaysWhereAndWhatNext(t *testing.T) {
	other := strings.ReplaceAll(logged[1], "run-7", "run-8")
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "1:1: nothing in it; pass the output of: aws stepfunctions get-execution-history"},
		"blank":          {" \n\t", "1:1: nothing in it"},
		"not JSON":       {"hello", "1:1: not JSON; pass the output of"},
		"cut":            {page(started, entered)[:len(page(started, entered))-20], "cut off after event 1; fetch the history again"},
		"cut early":      {`{"events":[{"id"`, "1:17: cut off"},
		"a number":       {" 42", "1:2: a JSON number, not a history"},
		"a definition":   {"{\"StartAt\":\"A\",\n\"States\":{}}", "1:1: a state machine's definition, not a history; give it as the definition"},
		"EventBridge":    {`{"version":"0","id":"x","detail-type":"Step Functions Execution Status Change","detail":{}}`, "an EventBridge event, not a history; give it as an event"},
		"an error":       {`{"Error":"E","Cause":"c"}`, "a single error, not a history"},
		"something else": {`{"Items":[]}`, "a JSON object with neither events nor executionArn"},
		"no events":      {"{\"events\":[\n 1]}", "2:2: here stands a number where an event was expected"},
		"no type":        {`[` + `{"events":[{"id":1}]}]`, "1:13: an object without a type, so not an event"},
		"array of text":  {`["a"]`, "1:2: here stands a string where an event was expected"},
		"bad UTF-8":      {"{\"events\":[{\"type\":\n\"\xff\"}]}", "2:2: invalid UTF-8; save it as UTF-8"},
		"UTF-16":         {"\xff\xfe{\x00", "this is UTF-16; save it as UTF-8"},
		"trailing comma": {"{\"events\":[" + started + ",\n]}", "invalid character ','"},
		"two executions": {logged[0] + "\n" + other, "log events of more than one execution; filter them by execution_arn"},
		"too deep":       {`{"events":[{"type":"A","id":1,"x":` + strings.Repeat("[", 10001) + strings.Repeat("]", 10001) + `}]}`, "exceeded max depth; no history nests that deep"},
		"too deep array": {strings.Repeat("[", 10000), "1:2: here stands an array"},
	} {
		_, err := history.Read(strings.NewReader(c.text))
		var problem *history.ReadError
		if !errors.As(err, &problem) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, want %q in it", name, err, c.want)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %q", name, err)
		}
	}
}

func TestReadErrorsTellWhatItLooksLike(t *testing.T) {
	for text, want := range map[string]history.Shape{
		`{"StartAt":"A","States":{}}`: history.LooksLikeDefinition, `{"detail-type":"x"}`: history.LooksLikeStatusChange,
		`{"error":"x"}`: history.LooksLikeFailure, `{"a":1}`: history.LooksUnknown,
	} {
		_, err := history.Read(strings.NewReader(text))
		var problem *history.ReadError
		if !errors.As(err, &problem) || problem.Looks != want {
			t.Errorf("%s looks like %+v, want %q", text, problem, want)
		}
	}
}

type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.n += len(p)
	return len(p), nil
}

func TestWhatIsTooLargeIsRefusedWithoutReadingItAll(t *testing.T) {
	r := new(endless)
	_, err := history.Read(r)
	if err == nil || !strings.Contains(err.Error(), "larger than 128 MiB; fetch it again with") {
		t.Errorf("error %v", err)
	}
	if r.n > 4*history.MaxBytes {
		t.Errorf("read %d bytes", r.n)
	}
}

func TestEventBridgeEventsAreRead(t *testing.T) {
	n, err := history.ParseEvent([]byte(`{"version":"0","id":"315c1398-40ff-a850-213b-158f73e60175","detail-type":"Step Functions Execution Status Change",
	 "source":"aws.states","account":"111111111111","time":"2024-03-01T12:00:02Z","region":"us-east-1","resources":["arn:aws:states:us-east-1:111111111111:execution:orders:run-7"],
	 "detail":{"executionArn":"arn:aws:states:us-east-1:111111111111:execution:orders:run-7","stateMachineArn":"arn:aws:states:us-east-1:111111111111:stateMachine:orders",
	 "name":"run-7","status":"FAILED","startDate":1709294400025,"stopDate":1709294402500,"input":null,"inputDetails":{"included":false},"output":null,"outputDetails":null,
	 "error":"E","cause":"c","stateMachineVersionArn":null,"redriveCount":0}}`))
	if err != nil {
		t.Fatal(err)
	}
	x := n.Execution
	if x.Name != "run-7" || x.Status != history.Failed || *x.Error != "E" || *x.Cause != "c" || !x.Input.IsAbsent() || !x.Input.Truncated || x.Stop.Sub(x.Start) != 2475*time.Millisecond {
		t.Errorf("%+v", x)
	}
}

func TestBareFailuresAreRead(t *testing.T) {
	for _, c := range []struct{ text, state, err, cause string }{
		{`{"executionArn":"arn:aws:states:us-east-1:1:execution:orders:run-7","state":"Charge","error":"E","cause":"c"}`, "Charge", "E", "c"},
		{`{"Error":"E","Cause":"c"}`, "", "E", "c"},
		{`{"orderId":1,"error":{"Error":"E","Cause":"c"}}`, "", "E", "c"},
		{`{"error":"E"}`, "", "E", "<nil>"},
	} {
		n, err := history.ParseEvent([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if n.State != c.state || text(n.Execution.Error) != c.err || text(n.Execution.Cause) != c.cause {
			t.Errorf("%s: %+v", c.text, n.Execution)
		}
	}
	for _, bad := range []string{`[]`, `{}`, ``, `{"error":`, `"x"`} {
		if n, err := history.ParseEvent([]byte(bad)); err == nil {
			t.Errorf("%s is read as %+v", bad, n.Execution)
		}
	}
}

func text(s *string) string {
	if s == nil {
		return "<nil>"
	}
	return *s
}

func TestAnExecutionMadeByHandIsWrittenAsAWSDoes(t *testing.T) {
	cause := "c"
	x := &history.Execution{ARN: expressARN, Status: history.Failed}
	x.SetEvents([]history.Event{
		{ID: 1, Type: history.ExecutionStarted, Time: time.UnixMilli(1709294400025).UTC(), Details: &history.Details{Input: history.Text(`{"a":"ü"}`), RoleARN: "r"}},
		{ID: 2, PreviousID: 1, Type: history.LambdaFunctionStarted, Time: time.UnixMicro(1709294400025001).UTC()},
		{ID: 3, PreviousID: 2, Type: history.ExecutionFailed, Time: time.UnixMilli(1709294400030).UTC(), Details: &history.Details{Cause: &cause}},
	})
	sameJSON(t, write(t, x), `{"executionArn":"`+expressARN+`","status":"FAILED","events":[
	 {"id":1,"previousEventId":0,"type":"ExecutionStarted","timestamp":"2024-03-01T12:00:00.025Z","executionStartedEventDetails":{"input":"{\"a\":\"ü\"}","inputDetails":{"truncated":false},"roleArn":"r"}},
	 {"id":2,"previousEventId":1,"type":"LambdaFunctionStarted","timestamp":"2024-03-01T12:00:00.025001Z"},
	 {"id":3,"previousEventId":2,"type":"ExecutionFailed","timestamp":"2024-03-01T12:00:00.030Z","executionFailedEventDetails":{"cause":"c"}}]}`)
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(page(started, entered, failed)))
	f.Add([]byte(strings.Join(logged, "\n")))
	f.Add([]byte(`{"executionArn":"a","status":"FAILED","startDate":1,"events":[{"type":"A","id":[0],"previousEventId":"x","timestamp":{}}],"nextToken":"t"}`))
	f.Add([]byte(`{"id":"1","type":"A"}{"id":"2","type":"A","event_timestamp":"","timestamp":"0"}`))
	f.Add([]byte(`[{"type":"A","details":{"input":{},"inputDetails":{"truncated":1}},"aEventDetails":null}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := history.Parse(data)
		if _, e := history.ParseEvent(data); e != nil && strings.Contains(e.Error(), "\n") {
			t.Errorf("more than one line: %q", e)
		}
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		once := write(t, x)
		again := write(t, read(t, once))
		if once != again {
			t.Errorf("once\n%s\nagain\n%s", once, again)
		}
	})
}

func TestFilesAreReadInOneGo(t *testing.T) {
	name := filepath.Join(t.TempDir(), "history.json")
	if err := os.WriteFile(name, []byte(page(started, entered, failed)), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, err := history.Read(f)
	if err != nil || len(x.Events()) != 3 {
		t.Errorf("%v, %v", x, err)
	}
}

func BenchmarkParse(b *testing.B) {
	var events []string
	for id := 1; id <= 25_000; id++ {
		events = append(events, strings.Replace(entered, `"id":2`, `"id":`+strconv.Itoa(id), 1))
	}
	data := []byte(page(events...))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := history.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
