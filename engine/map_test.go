package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
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
		{`"ToleratedFailurePercentage":50,"ToleratedFailureCount":2,`, "[1,3]"},
		{`"ToleratedFailurePercentage":50,"ToleratedFailureCount":1,`, "States.ExceedToleratedFailureThreshold"},
		{`"ToleratedFailurePercentage":49,"ToleratedFailureCount":2,`, "States.ExceedToleratedFailureThreshold"},
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

func TestABatchIsNoLargerThanAnInputMayBe(t *testing.T) {
	const limit = 256 << 10
	text := strings.Repeat("a", 60_000)
	x := run(t, distributed(`"ItemBatcher":{"MaxItemsPerBatch":10,"BatchInput":{"k.$":"$.items[0]"}},"ItemsPath":"$.items","ResultSelector":{"n.$":"States.ArrayLength($)"},`),
		`{"items":["`+text+`","`+text+`","`+text+`","`+text+`"]}`, nil)
	if got := x.Output.String(); got != `{"n":2}` {
		t.Errorf("%s with an input of %d bytes at most: %s %s", got, limit, deref(x.Error), deref(x.Cause))
	}
}

func TestTheBoundsOfABatchArePositive(t *testing.T) {
	for _, tt := range []struct{ field, number string }{
		{"MaxItemsPerBatch", "0"}, {"MaxItemsPerBatch", "-1"}, {"MaxInputBytesPerBatch", "0"},
	} {
		x := run(t, distributed(`"ItemBatcher":{"`+tt.field+`Path":"$.n"},"ItemsPath":"$.items",`), `{"n":`+tt.number+`,"items":[1,2]}`, nil)
		want := "An error occurred while executing the state 'M' (entered at the event id #2). " + tt.field + " must be positive."
		if deref(x.Error) != "States.Runtime" || deref(x.Cause) != want {
			t.Errorf("%s of %s: %s %s", tt.field, tt.number, deref(x.Error), deref(x.Cause))
		}
	}
}

// store answers s3:getObject from a map of objects, and keeps what s3:putObject puts.
func store(objects map[string]string) engine.TaskHandler {
	var mu sync.Mutex
	return engine.TaskFunc(func(_ context.Context, task *engine.Task) (engine.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		key := task.TextParameter("Bucket") + "/" + task.TextParameter("Key")
		switch {
		case strings.HasSuffix(task.Resource, ":putObject"):
			objects[key] = string(task.Parameter("Body"))
			return engine.Result{}, nil
		case strings.HasSuffix(task.Resource, ":listObjectsV2"):
			if task.TextParameter("ContinuationToken") == "" {
				return engine.JSON(`{"Contents":[{"Key":"dir/"},{"Key":"a.json"}],"IsTruncated":true,"NextContinuationToken":"2"}`), nil
			}
			return engine.JSON(`{"Contents":[{"Key":"b.json"}],"IsTruncated":false}`), nil
		}
		text, ok := objects[key]
		if !ok {
			return engine.Result{}, engine.NewTaskError("S3.NoSuchKeyException", "no "+key)
		}
		body, err := json.Marshal(text)
		return engine.Result{Output: []byte(`{"Body":` + string(body) + `}`)}, err
	})
}

func TestItemsAreReadFromSeveralObjects(t *testing.T) {
	for _, tt := range []struct{ name, resource, config, want string }{
		{"listing, all pages", "listObjectsV2", ``, `[{"Key":"dir/"},{"Key":"a.json"},{"Key":"b.json"}]`},
		{"listing, no more than needed", "listObjectsV2", `{"MaxItems":2}`, `[{"Key":"dir/"},{"Key":"a.json"}]`},
		{"listed objects", "listObjectsV2", `{"Transformation":"LOAD_AND_FLATTEN","InputType":"JSON"}`, `[1,2,3]`},
		{"listed objects, some items", "listObjectsV2", `{"Transformation":"LOAD_AND_FLATTEN","InputType":"JSON","MaxItems":1}`, `[1]`},
		{"inventory", "getObject", `{"InputType":"MANIFEST"}`, `[{"Bucket":"src","Key":"x.txt","Size":"3"},{"Bucket":"src","Key":"y z.txt","Size":"4"},{"Bucket":"src","Key":"z.txt","Size":"5"}]`},
		{"inventory by its type", "getObject", `{"ManifestType":"S3_INVENTORY","MaxItems":2}`, `[{"Bucket":"src","Key":"x.txt","Size":"3"},{"Bucket":"src","Key":"y z.txt","Size":"4"}]`},
		{"Athena, CSV", "getObject", `{"ManifestType":"ATHENA_DATA","InputType":"CSV","CSVHeaderLocation":"GIVEN","CSVHeaders":["n"]}`, `[{"n":"1"},{"n":"2"}]`},
		{"Athena, JSON lines", "getObject", `{"ManifestType":"ATHENA_DATA","InputType":"JSONL"}`, `[1,2]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := "inventory/manifest.json"
			if strings.Contains(tt.config, "ATHENA") {
				key = "unload-manifest.csv"
			}
			config, parameters := "", `{"Bucket":"b","Key":"`+key+`"}`
			if tt.config != "" {
				config = `,"ReaderConfig":` + tt.config
			}
			if tt.resource == "listObjectsV2" {
				parameters = `{"Bucket":"b"}`
			}
			x := run(t, distributed(`"ItemReader":{"Resource":"arn:aws:states:::s3:`+tt.resource+`","Parameters":`+parameters+config+`},`), `{}`, store(map[string]string{
				"b/a.json":                  `[1]`,
				"b/b.json":                  `[2,3]`,
				"b/inventory/manifest.json": `{"sourceBucket":"src","destinationBucket":"arn:aws:s3:::inv","fileFormat":"CSV","fileSchema":"Bucket, Key, Size","files":[{"key":"data/1.csv.gz","size":9},{"key":"data/2.csv.gz","size":9}]}`,
				"inv/data/1.csv.gz":         "\"src\",\"x.txt\",\"3\"\n\"src\",\"y z.txt\",\"4\"\n",
				"inv/data/2.csv.gz":         "\"src\",\"z.txt\",\"5\"\n",
				"b/unload-manifest.csv":     "s3://out/part/1\ns3://out/part/2\n",
				"out/part/1":                "1\n",
				"out/part/2":                "2\n",
			}))
			if got := x.Output.String(); got != tt.want {
				t.Errorf("%s %s, want %s", got, deref(x.Cause), tt.want)
			}
		})
	}
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	for _, tt := range []struct{ name, config, body, want string }{
		{"no such object", `{"InputType":"JSON"}`, "", "States.ItemReaderFailed no b/k"},
		{"pointer", `{"InputType":"JSON","ItemsPointer":"/a/b"}`, `{"a":{}}`, "States.ItemReaderFailed ItemsPointer '/a/b' points to nothing in the file."},
		{"pointer to no array", `{"InputType":"JSON","ItemsPointer":"/a"}`, `{"a":1}`, "States.ItemReaderFailed Attempting to map over non-iterable node."},
		{"no JSON", `{"InputType":"JSON"}`, "[1,\n2,", "States.ItemReaderFailed S3://b/k is not JSON: 2:3: "},
		{"a line that is no JSON", `{"InputType":"JSONL"}`, "1\n\n{\"a\":x}\n", "States.ItemReaderFailed S3://b/k is not JSON: 3:6: "},
		{"manifest is no JSON", `{"InputType":"MANIFEST"}`, `x`, "States.ItemReaderFailed The manifest is not JSON: 1:1: "},
		{"manifest without files", `{"InputType":"MANIFEST"}`, `{}`, "States.ItemReaderFailed The manifest has no files."},
		{"file of the manifest", `{"InputType":"MANIFEST"}`, `{"files":[{"key":"gone"}]}`, "States.ItemReaderFailed no b/gone"},
		{"no URI", `{"ManifestType":"ATHENA_DATA","InputType":"JSONL"}`, "b/k", "States.ItemReaderFailed The manifest has a line that is no S3 URI: b/k"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			objects := map[string]string{"b/k": tt.body}
			if tt.body == "" {
				clear(objects)
			}
			x := run(t, distributed(`"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","Parameters":{"Bucket":"b","Key":"k"},"ReaderConfig":`+tt.config+`},`), `{}`, store(objects))
			if got := deref(x.Error) + " " + deref(x.Cause); !strings.HasPrefix(got, tt.want) {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	for config, want := range map[string]string{
		`{"InputType":"PARQUET"}`:                               "an ItemReader with InputType PARQUET",
		`{"InputType":"MANIFEST"}`:                              "an S3 inventory with fileFormat ORC",
		`{"InputType":"MANIFEST","ManifestType":"ATHENA_DATA"}`: "ManifestType ATHENA_DATA whose InputType is not that of the data",
		`{"InputType":"PARQUET","ManifestType":"ATHENA_DATA"}`:  "an ItemReader with InputType PARQUET",
	} {
		body := `{"fileFormat":"ORC","files":[]}`
		if strings.Contains(config, "ATHENA") {
			body = "s3://b/k"
		}
		e := &engine.Engine{Tasks: store(map[string]string{"b/k": body}), Clock: engine.VirtualClock(start)}
		m := machine(t, distributed(`"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","Parameters":{"Bucket":"b","Key":"k"},"ReaderConfig":`+config+`},`))
		_, err := e.Run(context.Background(), m, nil)
		var unsupported *engine.UnsupportedError
		if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", config, err, want)
		}
	}
}

func TestAPointerFindsTheItems(t *testing.T) {
	reader := `"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","Parameters":{"Bucket":"b","Key":"k"},"ReaderConfig":{"InputType":"JSON","ItemsPointer":"/a~1b/1/c"}},`
	x := run(t, distributed(reader), `{}`, store(map[string]string{"b/k": `{"a/b":[0,{"c":[7,8]}]}`}))
	if got := x.Output.String(); got != `[7,8]` {
		t.Errorf("%s %s", got, deref(x.Cause))
	}
}

func TestResultsAreWritten(t *testing.T) {
	writer := func(config string) string {
		return `"ToleratedFailureCount":9,"ResultWriter":{"Resource":"arn:aws:states:::s3:putObject","Parameters":{"Bucket":"b","Prefix":"p/"}` + config + `},`
	}
	for _, tt := range []struct{ name, config, succeeded string }{
		{"as usual", ``, `[{"ExecutionArn":"arn:aws:states:us-east-1:123456789012:execution:machine/`},
		{"records", `,"WriterConfig":{"Transformation":"NONE"}`, `[{"ExecutionArn":`},
		{"compact", `,"WriterConfig":{"Transformation":"COMPACT"}`, `[1,[2,3]]`},
		{"flat", `,"WriterConfig":{"Transformation":"FLATTEN"}`, `[1,2,3]`},
		{"lines", `,"WriterConfig":{"Transformation":"FLATTEN","OutputType":"JSONL"}`, `"1\n2\n3\n"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			objects := make(map[string]string)
			x := run(t, distributed(writer(tt.config)), `[1,-1,[2,3]]`, store(objects))
			var out struct{ ResultWriterDetails struct{ Bucket, Key string } }
			if err := json.Unmarshal([]byte(x.Output.String()), &out); err != nil {
				t.Fatal(err)
			}
			var manifest struct {
				DestinationBucket, MapRunArn string
				ResultFiles                  map[string][]struct {
					Key  string
					Size int
				}
			}
			if err := json.Unmarshal([]byte(objects["b/"+out.ResultWriterDetails.Key]), &manifest); err != nil {
				t.Fatalf("%v: %v", err, objects)
			}
			files := manifest.ResultFiles
			if manifest.DestinationBucket != "b" || len(files["SUCCEEDED"]) != 1 || len(files["FAILED"]) != 1 || len(files["PENDING"]) != 0 || !strings.HasPrefix(files["FAILED"][0].Key, "p/") {
				t.Fatalf("%+v", manifest)
			}
			if got := objects["b/"+files["SUCCEEDED"][0].Key]; !strings.HasPrefix(got, tt.succeeded) {
				t.Errorf("succeeded: %s, want %s", got, tt.succeeded)
			}
			if got := objects["b/"+files["FAILED"][0].Key]; !strings.Contains(got, "REDRIVABLE") || !strings.Contains(got, "Negative") {
				t.Errorf("failed: %s", got)
			}
		})
	}
	x := run(t, distributed(`"ResultWriter":{"WriterConfig":{"Transformation":"FLATTEN"}},`), `[1,[2,3]]`, nil)
	if got := x.Output.String(); got != `[1,2,3]` {
		t.Errorf("without a resource: %s", got)
	}
	x = run(t, distributed(writer("")), `[1]`, outcomes(engine.NewTaskError("S3.NoSuchBucketException", "no bucket")))
	if got := deref(x.Error) + " " + deref(x.Cause); got != "States.ResultWriterFailed no bucket" {
		t.Error(got)
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

// processors are the ItemProcessors of an inline and of a distributed Map.
const (
	inlineProcessor      = `"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`
	distributedProcessor = `"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`
)

// mapOf is a machine of one Map with these fields.
func mapOf(fields ...string) string {
	return `{"StartAt":"M","States":{"M":{"Type":"Map",` + strings.Join(fields, ",") + `,"End":true}}}`
}

func TestADistributedMapIteratesOverTheMembersOfAnObject(t *testing.T) {
	x := run(t, mapOf(distributedProcessor), `{"a":1,"b":[2]}`, nil)
	if got := x.Output.String(); got != `[{"Key":"a","Value":1},{"Key":"b","Value":[2]}]` {
		t.Errorf("output %s", got)
	}
	for name, req := range map[string]engine.Request{
		"two years before": {Machine: machine(t, mapOf(distributedProcessor)), AsOf: start.AddDate(-2, 0, 0)},
		"inline":           {Machine: machine(t, mapOf(inlineProcessor))},
	} {
		e := &engine.Engine{Clock: engine.VirtualClock(start)}
		req.Input = []byte(`{"a":1}`)
		x, err := e.RunRequest(context.Background(), req)
		if err != nil || !strings.HasSuffix(deref(x.Cause), `Reference path "$" must point to array.`) {
			t.Errorf("%s: %v, %s", name, err, deref(x.Cause))
		}
	}
}

func TestBatchesHoldWhatItemSelectorMadeOfTheItems(t *testing.T) {
	x := run(t, mapOf(`"ItemsPath":"$.v","ItemSelector":{"x.$":"$$.Map.Item.Value"},"ItemBatcher":{"MaxItemsPerBatch":2,"BatchInput":{"k.$":"$.k"}}`, distributedProcessor),
		`{"v":[1,2,3],"k":0}`, nil)
	if got, want := x.Output.String(), `[{"BatchInput":{"k":0},"Items":[{"x":1},{"x":2}]},{"BatchInput":{"k":0},"Items":[{"x":3}]}]`; got != want {
		t.Errorf("output\n got %s\nwant %s", got, want)
	}
}

func TestANumberOutOfBoundsFailsAMapInItsQueryLanguage(t *testing.T) {
	const cause = "An error occurred while executing the state 'M' (entered at the event id #2). ToleratedFailureCount cannot be negative."
	for fields, want := range map[string]string{
		`"ItemsPath":"$.v","ToleratedFailureCountPath":"$.n"`:                                   "States.Runtime",
		`"QueryLanguage":"JSONata","Items":[1],"ToleratedFailureCount":"{% $states.input.n %}"`: "States.QueryEvaluationError",
	} {
		x := run(t, mapOf(fields, distributedProcessor), `{"v":[1],"n":-1}`, nil)
		if deref(x.Error) != want || deref(x.Cause) != cause {
			t.Errorf("%s: %s: %s", fields, deref(x.Error), deref(x.Cause))
		}
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

func TestIterationsAreToldWhereTheirItemsComeFrom(t *testing.T) {
	const source = `"ItemSelector":{"i.$":"$$.Map.Item.Index","s.$":"$$.Map.Item.Source"},`
	reader := func(resource, config string) string {
		return source + `"ItemReader":{"Resource":"arn:aws:states:::s3:` + resource + `","Parameters":{"Bucket":"b","Key":"a.json"}` + config + `},`
	}
	for _, tt := range []struct{ name, fields, want string }{
		{"the state's input", source, `[{"i":0,"s":"STATE_DATA"}]`},
		{"an object", reader("getObject", ``), `[{"i":0,"s":"S3://b/a.json"}]`},
		{"a bucket", reader("listObjectsV2", `,"ReaderConfig":{"MaxItems":1}`), `[{"i":0,"s":"S3://b"}]`},
		{
			"the objects in a bucket", reader("listObjectsV2", `,"ReaderConfig":{"Transformation":"LOAD_AND_FLATTEN","InputType":"JSON"}`),
			`[{"i":0,"s":"S3://b/a.json"},{"i":1,"s":"S3://b/b.json"},{"i":2,"s":"S3://b/b.json"}]`,
		},
	} {
		x := run(t, distributed(tt.fields), `[7]`, store(map[string]string{"b/a.json": `[1]`, "b/b.json": `[2,3]`}))
		if got := x.Output.String(); got != tt.want {
			t.Errorf("%s: %s %s, want %s", tt.name, got, deref(x.Cause), tt.want)
		}
	}
}

// TestWhatNothingCatchesEndsAtOnce: the Parallel and the Map around a States.Runtime
// have no event of their own failure.
func TestWhatNothingCatchesEndsAtOnce(t *testing.T) {
	const lost = `"Type":"Pass","Parameters":{"m.$":"$.nope"},"End":true`
	for _, tt := range []struct{ name, text, want string }{
		{"a branch", `{"StartAt":"P","States":{"P":{"Type":"Parallel","Catch":[{"ErrorEquals":["States.ALL"],"Next":"S"}],"Next":"S","Branches":[
			{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":9,"End":true}}},{"StartAt":"F","States":{"F":{` + lost + `}}}]},"S":{"Type":"Succeed"}}}`, `
1<0 ExecutionStarted
2<0 ParallelStateEntered
3<2 ParallelStateStarted
4<3 WaitStateEntered
5<3 PassStateEntered
6<5 ExecutionFailed
`},
		{"an iteration in an iteration", mapOf(`"ItemProcessor":{"StartAt":"N","States":{"N":{"Type":"Map","ItemProcessor":{"StartAt":"F","States":{"F":{` + lost + `}}},"End":true}}}`), `
1<0 ExecutionStarted
2<0 MapStateEntered
3<2 MapStateStarted
4<3 MapIterationStarted
5<4 MapStateEntered
6<5 MapStateStarted
7<6 MapIterationStarted
8<7 PassStateEntered
9<8 ExecutionFailed
`},
		{"what an iteration is to work on", mapOf(`"ItemSelector":{"m.$":"$.nope"}`, inlineProcessor), `
1<0 ExecutionStarted
2<0 MapStateEntered
3<2 MapStateStarted
4<3 MapIterationStarted
5<4 ExecutionFailed
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, again, _ := redrive(t, tt.text, `[[1]]`, nil)
			wantKinds(t, x, tt.want)
			if deref(x.Error) != "States.Runtime" || deref(again.Error) != "States.Runtime" {
				t.Errorf("failed with %s, redriven with %s", deref(x.Error), deref(again.Error))
			}
		})
	}
}

func TestAnEndedChildOfADistributedMapKeepsItsHistoryAndLittleElse(t *testing.T) {
	const children, most = 20_000, 1600 // bytes of each
	m := machine(t, `{"QueryLanguage":"JSONata","StartAt":"M","States":{"M":{"Type":"Map","Items":"{% [1..20000] %}",
		"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
		"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"Output":1,"End":true}}}`)
	e := &engine.Engine{Clock: engine.VirtualClock(start)}
	before := heap()
	r, err := e.Start(context.Background(), engine.Request{Machine: m})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	kept := (heap() - before) / children
	runs := r.MapRuns()
	if last := runs[children-1]; len(runs) != children || len(last.Events()) != 4 || last.Output.String() != "20000" {
		t.Errorf("%d children, the last %s: %d events, output %s", len(runs), last.Status, len(last.Events()), last.Output)
	}
	if kept > most {
		t.Errorf("a child keeps %d bytes, want %d at most", kept, most)
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
