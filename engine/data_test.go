package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/engine"
)

// one runs a machine of one state, which is named S and ends the machine where it can.
func one(t *testing.T, state, input string, tasks engine.TaskHandler) string {
	t.Helper()
	caught := ""
	if strings.Contains(state, `"C"`) {
		caught = `,"C":{"Type":"Succeed"}`
	}
	x := run(t, `{"StartAt":"S","States":{"S":{`+state+`}`+caught+`}}`, input, tasks)
	if x.Error != nil {
		return *x.Error + ": " + strings.TrimPrefix(deref(x.Cause), "An error occurred while executing the state 'S' (entered at the event id #2). ")
	}
	return x.Output.String()
}

func TestDataFlowInJSONPath(t *testing.T) {
	big := `"` + strings.Repeat("a", 200_000) + `"`
	for _, tt := range []struct{ name, state, input, want string }{
		{"InputPath", `"Type":"Pass","InputPath":"$.a","End":true`, `{"a":{"b":1}}`, `{"b":1}`},
		{"InputPath null", `"Type":"Pass","InputPath":null,"End":true`, `{"a":1}`, `{}`},
		{"InputPath missing", `"Type":"Pass","InputPath":"$.x","End":true`, `{"a":1}`, `States.Runtime: Invalid path '$.x' : No results for path: $['x']`},
		{"OutputPath null", `"Type":"Pass","OutputPath":null,"End":true`, `{"a":1}`, `{}`},
		{"ResultPath", `"Type":"Pass","Result":2,"ResultPath":"$.r.s","End":true`, `{"a":1}`, `{"a":1,"r":{"s":2}}`},
		{"ResultPath null", `"Type":"Pass","Result":2,"ResultPath":null,"End":true`, `{"a":1}`, `{"a":1}`},
		{"ResultPath into no object", `"Type":"Pass","Result":2,"ResultPath":"$.r","End":true`, `"text"`, `States.ResultPathMatchFailure: Unable to apply ReferencePath $.r to input "text"`},
		{"Parameters", `"Type":"Pass","Parameters":{"k":1,"p.$":"$.a","c.$":"$$.State.Name","f.$":"States.Format('{}!', $.a)"},"End":true`, `{"a":"x"}`, `{"k":1,"p":"x","c":"S","f":"x!"}`},
		{"Parameters missing", `"Type":"Pass","Parameters":{"p.$":"$.b"},"End":true`, `{"a":1}`, `States.Runtime: The JSONPath '$.b' specified for the field 'p.$' could not be found in the input '{"a":1}'`},
		{"an argument missing", `"Type":"Pass","Parameters":{"p.$":"States.Format('{}', $.b)"},"End":true`, `{"a":1}`, `States.Runtime: The JsonPath argument for the field '$.b' could not be found in the input '{"a":1}'`},
		{"no input", `"Type":"Pass","InputPath":"$.x","End":true`, `null`, `States.Runtime: Unable to apply Path transformation to null or empty input.`},
		{"an output that is too large", `"Type":"Pass","Parameters":{"a.$":"$","b.$":"$"},"End":true`, big, `States.DataLimitExceeded: The state/task 'S' returned a result with a size exceeding the maximum number of bytes service limit.`},
		{"Fail by paths", `"Type":"Fail","ErrorPath":"$.e","CausePath":"States.Format('because {}', $.c)"`, `{"e":"E","c":"c"}`, `E: because c`},
		{"Fail by a path that leads nowhere", `"Type":"Fail","Error":"E","CausePath":"$.c"`, `{"e":1}`, `States.Runtime: The JSONPath '$.c' specified for the field 'CausePath' could not be found in the input '{"e":1}'`},
		{"Fail by a path to no text", `"Type":"Fail","ErrorPath":"$.e","Cause":"c"`, `{"e":1}`, `States.Runtime: The ErrorPath field refers to value 1 which is not a string: $.e`},
		{"ItemsPath to no array", `"Type":"Map","ItemsPath":"$.a","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true`, `{"a":1}`, `States.Runtime: Reference path "$.a" must point to array.`},
	} {
		if got := one(t, tt.state, tt.input, nil); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestWaiting(t *testing.T) {
	for _, tt := range []struct{ fields, input, want string }{
		{`"Seconds":0`, `{}`, `{}`},
		{`"SecondsPath":"$.n"`, `{"n":3}`, `{"n":3}`},
		{`"SecondsPath":"$.n"`, `{"n":1.5}`, `States.Runtime: The SecondsPath parameter cannot be parsed as a long value: $.n == 1.5`},
		{`"SecondsPath":"$.n"`, `{"n":-1}`, `States.Runtime: The SecondsPath parameter references a negative value: $.n == -1`},
		{`"SecondsPath":"$.n"`, `{}`, `States.Runtime: The SecondsPath parameter does not reference an input value: $.n`},
		{`"SecondsPath":"$.n"`, `{"n":99999999999}`, `States.Runtime: Wait state delay is too long.`},
		{`"Timestamp":"2026-02-01T00:00:00Z"`, `{}`, `{}`},
		{`"TimestampPath":"$.t"`, `{"t":"2026-02-01T00:00:00+02:00"}`, `{"t":"2026-02-01T00:00:00+02:00"}`},
		{`"TimestampPath":"$.t"`, `{"t":"2026-02-30T00:00:00Z"}`, `States.Runtime: The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: $.t == 2026-02-30T00:00:00Z`},
		{`"QueryLanguage":"JSONata","Seconds":"{% $states.input.n %}"`, `{"n":2}`, `{"n":2}`},
		{`"QueryLanguage":"JSONata","Timestamp":"{% $states.input.t %}"`, `{"t":"2016-12-05T21:29:29"}`, `States.QueryEvaluationError: The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: 2016-12-05T21:29:29`},
	} {
		if got := one(t, `"Type":"Wait",`+tt.fields+`,"End":true`, tt.input, nil); got != tt.want {
			t.Errorf("%s of %s:\n got %s\nwant %s", tt.fields, tt.input, got, tt.want)
		}
	}
}

func TestDataFlowInJSONata(t *testing.T) {
	for _, tt := range []struct{ name, state, want string }{
		{"Output", `"Type":"Pass","Output":{"sum":"{% $states.input.a + 1 %}","l":[1,"{% 'x' %}"]},"End":true`, `{"sum":2,"l":[1,"x"]}`},
		{"a task's result", `"Type":"Task","Resource":"` + lambda + `","Arguments":{"b":"{% $states.input.a %}"},"Output":"{% $states.result.b * 10 %}","End":true`, `10`},
		{"the context", `"Type":"Pass","Output":"{% $states.context.State.Name %}","End":true`, `"S"`},
		{"nothing", `"Type":"Pass","Output":{"x":["{% $states.input.gone %}"]},"End":true`, `States.QueryEvaluationError: The JSONata expression '$states.input.gone' specified for the field 'Output/x[0]' returned nothing (undefined).`},
		{"an error", `"Type":"Pass","Output":"{% 1 + 'a' %}","End":true`, `States.QueryEvaluationError: The JSONata expression '1 + 'a'' specified for the field 'Output' threw an error during evaluation. T2002: The right side of the "+" operator must evaluate to a number`},
		{"a condition that is no boolean", `"Type":"Choice","Choices":[{"Condition":"{% 1 %}","Next":"C"}],"Default":"C"`, `States.QueryEvaluationError: The JSONata expression '1' specified for the field 'Choices[0]/Condition' returned an unexpected result type. Expected 'boolean', but was 'number' for value: 1`},
		{"a rule's Output", `"Type":"Choice","Choices":[{"Condition":false,"Next":"C"},{"Condition":true,"Output":{"v":"{% $gone %}"},"Next":"C"}],"Default":"C"`, `States.QueryEvaluationError: The JSONata expression '$gone' specified for the field 'Choices[1]/Output/v' returned nothing (undefined).`},
		{"a catcher's Assign", `"Type":"Task","Resource":"` + lambda + `","Arguments":"{% $gone %}","Catch":[{"ErrorEquals":["E"],"Next":"C"},{"ErrorEquals":["States.ALL"],"Assign":{"x":"{% $gone %}"},"Next":"C"}],"End":true`, `States.QueryEvaluationError: The JSONata expression '$gone' specified for the field 'Catch[1]/Assign/x' returned nothing (undefined).`},
		{"a bound that is reached, which has no code", `"Type":"Pass","Output":"{% $sum([1..9000000]) %}","End":true`, `States.QueryEvaluationError: The JSONata expression '$sum([1..9000000])' specified for the field 'Output' threw an error during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory usage`},
		{"a time-out that is no integer", `"Type":"Task","Resource":"` + lambda + `","TimeoutSeconds":"{% 'a' %}","End":true`, `States.QueryEvaluationError: The JSONata expression ''a'' specified for the field 'TimeoutSeconds' returned an unexpected result type. Expected 'integer', but was 'string' for value: "a"`},
		{"Fail", `"Type":"Fail","Error":"{% 'E' & $states.input.a %}","Cause":"c"`, `E1: c`},
		{"a failed evaluation is caught", `"Type":"Task","Resource":"` + lambda + `","Arguments":"{% $gone %}","Catch":[{"ErrorEquals":["States.QueryEvaluationError"],"Output":"{% $states.errorOutput.Error %}","Next":"C"}],"End":true`, `"States.QueryEvaluationError"`},
	} {
		echo := engine.TaskFunc(func(_ context.Context, task *engine.Task) (engine.Result, error) { return task.Echo(), nil })
		if got := one(t, `"QueryLanguage":"JSONata",`+tt.state, `{"a":1}`, echo); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestAnEffectiveInputThatIsTooLargeFails(t *testing.T) {
	const want = "States.DataLimitExceeded: The state/task 'S' returned a result with a size exceeding the maximum number of bytes service limit."
	const pass = `{"StartAt":"P","States":{"P":{"Type":"Pass","Result":1,"End":true}}}`
	small := engine.TaskFunc(func(context.Context, *engine.Task) (engine.Result, error) { return engine.JSON(`1`), nil })
	for name, state := range map[string]string{
		"Parameters":           `"Type":"Task","Resource":"` + lambda + `","Parameters":{"a.$":"$.a","b.$":"$.a"},"End":true`,
		"Arguments":            `"Type":"Task","Resource":"` + lambda + `","QueryLanguage":"JSONata","Arguments":"{% $states.input.a & $states.input.a %}","End":true`,
		"a Parallel's":         `"Type":"Parallel","Parameters":{"a.$":"$.a","b.$":"$.a"},"Branches":[` + pass + `],"End":true`,
		"a Pass's":             `"Type":"Pass","Parameters":{"a.$":"$.a","b.$":"$.a"},"ResultPath":null,"End":true`,
		"an iteration's":       `"Type":"Map","ItemsPath":"$.i","ItemSelector":{"a.$":"$.a","b.$":"$.a"},"ItemProcessor":` + pass + `,"End":true`,
		"a child execution's ": `"Type":"Map","ItemsPath":"$.i","ItemSelector":{"a.$":"$.a","b.$":"$.a"},"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},` + pass[1:] + `,"End":true`,
	} {
		if got := one(t, state, `{"a":"`+strings.Repeat("a", 150_000)+`","i":[1]}`, small); got != want {
			t.Errorf("%s: %.200s", name, got)
		}
	}
	caught := one(t, `"Type":"Task","Resource":"`+lambda+`","Parameters":{"a.$":"$.a","b.$":"$.a"},"Catch":[{"ErrorEquals":["States.DataLimitExceeded"],"Next":"C"}],"End":true`,
		`{"a":"`+strings.Repeat("a", 150_000)+`"}`, small)
	if !strings.HasPrefix(caught, `{"Error":"States.DataLimitExceeded"`) {
		t.Errorf("caught: %.200s", caught)
	}
}

func TestACaughtErrorThatIsTooLargeEndsTheMachine(t *testing.T) {
	fails := outcomes(engine.NewTaskError("E", strings.Repeat("c", 300_000)))
	got := one(t, `"Type":"Task","Resource":"`+lambda+`","Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.e","Next":"C"}],"End":true`, `{"a":"`+strings.Repeat("a", 240_000)+`"}`, fails)
	if !strings.HasPrefix(got, "States.DataLimitExceeded: The state/task 'S'") {
		t.Errorf("%.200s", got)
	}
}

func TestAnActivityStartsWhenAWorkerTakesIt(t *testing.T) {
	tokens := make(chan string, 1)
	e := &engine.Engine{Tasks: engine.TaskFunc(func(_ context.Context, task *engine.Task) (engine.Result, error) {
		tokens <- task.Token
		return engine.Result{}, engine.ErrPending
	})}
	r, err := e.Start(context.Background(), engine.Request{Machine: machine(t, `{"StartAt":"A","States":{"A":{"Type":"Task",
		"Resource":"arn:aws:states:us-east-1:123456789012:activity:a","TimeoutSeconds":60,"HeartbeatSeconds":30,"End":true}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	token := <-tokens
	if err := r.StartTask(token, "w"); err != nil {
		t.Fatal(err)
	}
	name, cause := "E", "c"
	if err := r.FailTask(token, &name, &cause); err != nil {
		t.Fatal(err)
	}
	x, err := r.Wait(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, x, `
1<0 ExecutionStarted
2<0 TaskStateEntered
3<2 ActivityScheduled
4<3 ActivityStarted
5<4 ActivityFailed
6<5 ExecutionFailed
`)
	if d := x.Events()[3].Details; d.WorkerName == nil || *d.WorkerName != "w" {
		t.Errorf("worker %v", d.WorkerName)
	}
}
