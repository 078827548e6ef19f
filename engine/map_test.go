package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

func TestAMapKeepsTheOrderOfItsItems(t *testing.T) {
	tasks := engine.TaskFunc(func(ctx context.Context, task *engine.Task) (engine.Result, error) {
		var n time.Duration
		if _, err := fmt.Sscan(string(task.Input()), &n); err != nil {
			return engine.Result{}, err
		}
		return task.Echo(), task.Sleep(ctx, (9-n)*time.Second)
	})
	x := run(t, `{"StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":2,"ItemProcessor":{"StartAt":"T","States":{
		"T":{"Type":"Task","Resource":"`+lambda+`","End":true}}},"End":true}}}`, `[1,2,3,4,5]`, tasks)
	if x.Output.String() != `[1,2,3,4,5]` {
		t.Errorf("output %s", x.Output)
	}
	running, most := 0, 0
	for _, e := range x.Events() {
		switch e.Type {
		case "MapIterationStarted":
			running++
		case "MapIterationSucceeded":
			running--
		}
		most = max(most, running)
	}
	if most != 2 {
		t.Errorf("%d iterations at once, want 2", most)
	}
	if took := x.Stop.Sub(x.Start); took != 17*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestTheFirstIterationThatFailsEndsTheMap(t *testing.T) {
	x := run(t, `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"StartAt":"C","States":{
		"C":{"Type":"Choice","Choices":[{"Variable":"$","NumericEquals":2,"Next":"F"}],"Default":"W"},
		"F":{"Type":"Fail","Error":"Two"},"W":{"Type":"Wait","Seconds":9,"End":true}}},
		"Catch":[{"ErrorEquals":["Two"],"Next":"D"}],"End":true},"D":{"Type":"Succeed"}}}`, `[1,2]`, nil)
	wantKinds(t, x, `
1<0 ExecutionStarted
2<0 MapStateEntered
3<2 MapStateStarted
4<3 MapIterationStarted
5<3 MapIterationStarted
6<4 ChoiceStateEntered
7<6 ChoiceStateExited
8<5 ChoiceStateEntered
9<8 ChoiceStateExited
10<7 WaitStateEntered
11<9 FailStateEntered
12<11 MapIterationFailed
13<10 WaitStateAborted
14<10 MapIterationAborted
15<11 MapStateFailed
16<15 MapStateExited
17<16 SucceedStateEntered
18<17 SucceedStateExited
19<18 ExecutionSucceeded
`)
}

func TestAMapThatIsRetriedStartsAnew(t *testing.T) {
	x := run(t, `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"E"}}},
		"Retry":[{"ErrorEquals":["E"],"MaxAttempts":1}],"End":true}}}`, `[1]`, nil)
	wantKinds(t, x, `
1<0 ExecutionStarted
2<0 MapStateEntered
3<2 MapStateStarted
4<3 MapIterationStarted
5<4 FailStateEntered
6<5 MapIterationFailed
7<5 MapStateStarted
8<7 MapIterationStarted
9<8 FailStateEntered
10<9 MapIterationFailed
11<9 MapStateFailed
12<11 ExecutionFailed
`)
}

// distributed is a distributed Map whose items fail that are below zero.
func distributed(fields string) string {
	return `{"StartAt":"M","States":{"M":{"Type":"Map",` + fields + `"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
		"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$","IsNumeric":false,"Next":"P"},{"Variable":"$","NumericLessThan":0,"Next":"F"}],"Default":"P"},
		"F":{"Type":"Fail","Error":"Negative"},"P":{"Type":"Pass","End":true}}},"End":true}}}`
}

func TestADistributedMapToleratesAsManyFailuresAsItSays(t *testing.T) {
	for _, tt := range []struct {
		fields, want string
	}{
		{"", "States.ExceedToleratedFailureThreshold"},
		{`"ToleratedFailureCount":1,`, "States.ExceedToleratedFailureThreshold"},
		{`"ToleratedFailureCount":2,`, "[1,3]"},
		{`"ToleratedFailurePercentage":49,`, "States.ExceedToleratedFailureThreshold"},
		{`"ToleratedFailurePercentage":50,`, "[1,3]"},
	} {
		x := run(t, distributed(tt.fields), `[1,-1,3,-2]`, nil)
		got := x.Output.String()
		if x.Error != nil {
			got = *x.Error
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.fields, got, tt.want)
		}
	}
}

func TestChildExecutionsHaveHistoriesOfTheirOwn(t *testing.T) {
	e := &engine.Engine{Clock: engine.VirtualClock(start)}
	r, err := e.Start(context.Background(), engine.Request{Machine: machine(t, distributed(`"Label":"L",`)), Input: []byte(`[1,2]`)})
	if err != nil {
		t.Fatal(err)
	}
	x, err := r.Wait(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, x, `
1<0 ExecutionStarted
2<0 MapStateEntered
3<2 MapStateStarted
4<3 MapRunStarted
5<4 MapRunSucceeded
6<5 MapStateSucceeded
7<4 MapStateExited
8<7 ExecutionSucceeded
`)
	children := r.MapRuns()
	if len(children) != 2 {
		t.Fatalf("%d child executions", len(children))
	}
	for i, c := range children {
		if c.Status != history.Succeeded || len(c.Events()) != 6 || !strings.Contains(c.ARN, "/L:") || c.MapRunARN == "" {
			t.Errorf("child %d: %s, %d events, %s of %s", i, c.Status, len(c.Events()), c.ARN, c.MapRunARN)
		}
	}
}

func TestItemsAreReadFromWhatAServiceAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, resource, config, answer, want string
	}{
		{"JSON", "getObject", `{"InputType":"JSON"}`, `{"Body":"[1,2,3]"}`, `[1,2,3]`},
		{"JSON, some", "getObject", `{"InputType":"JSON","MaxItems":2}`, `{"Body":"[1,2,3]"}`, `[1,2]`},
		{"JSON, no array", "getObject", `{"InputType":"JSON"}`, `{"Body":"{\"a\":1}"}`, `Attempting to map over non-iterable node.`},
		{"JSON lines", "getObject", `{"InputType":"JSONL"}`, `{"Body":"1\n{\"a\":2}\n"}`, `[1,{"a":2}]`},
		{"CSV", "getObject", `{"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW"}`, `{"Body":"a,b\n1,2\n3\n"}`, `[{"a":"1","b":"2"},{"a":"3","b":""}]`},
		{"CSV, headers given", "getObject", `{"InputType":"CSV","CSVHeaderLocation":"GIVEN","CSVHeaders":["x"],"CSVDelimiter":"PIPE"}`, `{"Body":"1|2\n"}`, `[{"x":"1"}]`},
		{"a listing", "listObjectsV2", ``, `{"Contents":[{"Key":"k"}]}`, `[{"Key":"k"}]`},
		{"refused", "getObject", `{"InputType":"JSON"}`, ``, `no such bucket`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := ""
			if tt.config != "" {
				config = `,"ReaderConfig":` + tt.config
			}
			text := distributed(`"ItemReader":{"Resource":"arn:aws:states:::s3:` + tt.resource + `","Parameters":{"Bucket":"b","Key":"k"}` + config + `},`)
			if tt.resource == "listObjectsV2" {
				text = strings.Replace(text, `,"Key":"k"`, "", 1)
			}
			var answer any = tt.answer
			if tt.answer == "" {
				answer = engine.NewTaskError("States.ItemReaderFailed", "no such bucket")
			}
			x := run(t, text, `{}`, outcomes(answer))
			got := x.Output.String()
			if x.Cause != nil {
				got = *x.Cause
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestItemsAreBatched(t *testing.T) {
	x := run(t, distributed(`"ItemBatcher":{"MaxItemsPerBatch":2,"BatchInput":{"k.$":"$.k"}},"ItemsPath":"$.items",`), `{"k":7,"items":[1,2,3]}`, nil)
	if got := x.Output.String(); got != `[{"BatchInput":{"k":7},"Items":[1,2]},{"BatchInput":{"k":7},"Items":[3]}]` {
		t.Errorf("output %s %s", got, deref(x.Cause))
	}
}

func TestResultsAreWritten(t *testing.T) {
	var body string
	tasks := engine.TaskFunc(func(_ context.Context, task *engine.Task) (engine.Result, error) {
		body = string(task.Parameter("Body"))
		return engine.Result{}, nil
	})
	x := run(t, distributed(`"ResultWriter":{"Resource":"arn:aws:states:::s3:putObject","Parameters":{"Bucket":"b","Prefix":"p"}},`), `[1]`, tasks)
	if !strings.Contains(x.Output.String(), `"ResultWriterDetails":{"Bucket":"b","Key":"p/`) || body != `[1]` {
		t.Errorf("output %s, written %s", x.Output, body)
	}
}

func TestABranchThatFailsAbortsTheOthers(t *testing.T) {
	x := run(t, `{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[
		{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+lambda+`","End":true}}},
		{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":9,"End":true}}}],"End":true}}}`, `{}`, outcomes(engine.NewTaskError("E", "c")))
	wantKinds(t, x, `
1<0 ExecutionStarted
2<0 ParallelStateEntered
3<2 ParallelStateStarted
4<3 TaskStateEntered
5<4 LambdaFunctionScheduled
6<3 WaitStateEntered
7<5 LambdaFunctionStarted
8<7 LambdaFunctionFailed
9<8 TaskStateAborted
10<6 WaitStateAborted
11<8 ParallelStateFailed
12<11 ExecutionFailed
`)
}

func TestAMapIteratesOverTheMembersOfAnObject(t *testing.T) {
	text := `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`
	x := run(t, text, `{"a":1,"b":[2]}`, nil)
	if got := x.Output.String(); got != `[{"Key":"a","Value":1},{"Key":"b","Value":[2]}]` {
		t.Errorf("output %s", got)
	}
	e := &engine.Engine{Clock: engine.VirtualClock(start)}
	x, err := e.RunRequest(context.Background(), engine.Request{Machine: machine(t, text), Input: []byte(`{"a":1}`), AsOf: start.AddDate(-2, 0, 0)})
	if err != nil || !strings.HasSuffix(deref(x.Cause), `Reference path "$" must point to array.`) {
		t.Errorf("two years before: %v, %s", err, deref(x.Cause))
	}
}

func TestIterationsFollowOneAnotherWithoutTheirEnds(t *testing.T) {
	x := run(t, `{"StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":1,"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`, `[1,2]`, nil)
	wantKinds(t, x, `
1<0 ExecutionStarted
2<0 MapStateEntered
3<2 MapStateStarted
4<3 MapIterationStarted
5<4 PassStateEntered
6<5 PassStateExited
7<6 MapIterationSucceeded
8<6 MapIterationStarted
9<8 PassStateEntered
10<9 PassStateExited
11<10 MapIterationSucceeded
12<11 MapStateSucceeded
13<11 MapStateExited
14<13 ExecutionSucceeded
`)
}

func TestAnExpressChildHasFiveMinutes(t *testing.T) {
	text := `{"StartAt":"M","States":{"M":{"Type":"Map","ToleratedFailureCount":1,"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"},
		"StartAt":"W","States":{"W":{"Type":"Wait","SecondsPath":"$","End":true}}},"End":true}}}`
	x := run(t, text, `[10,301]`, nil)
	if x.Output.String() != `[10]` || x.Stop.Sub(x.Start) != 5*time.Minute {
		t.Errorf("output %s after %s (%s)", x.Output, x.Stop.Sub(x.Start), deref(x.Error))
	}
}
