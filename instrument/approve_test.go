package instrument_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
)

// office is a world with a person in it, who answers what waits for a decision.
type office struct {
	world
	person func(t *engine.Task, event waitEvent) // nil: nobody answers
	waited []waitEvent
}

type waitEvent struct{ Stepsleuth, ExecutionARN, State, TaskToken string }

func (o *office) tasks() engine.TaskMux {
	mux := o.world.tasks()
	mux["arn:aws:states:::lambda:invoke.waitForTaskToken"] = engine.TaskFunc(func(_ context.Context, t *engine.Task) (engine.Result, error) {
		var event waitEvent
		if err := json.Unmarshal(t.Parameter("Payload"), &event); err != nil {
			return engine.Result{}, err
		}
		o.waited = append(o.waited, event)
		if o.person != nil {
			o.person(t, event)
		}
		return engine.JSON(`{"Payload": {}}`), nil
	})
	return mux
}

func (o *office) run(t *testing.T, definition string, options instrument.Options, input string) *history.Execution {
	t.Helper()
	added, err := instrument.Add("machine", []byte(definition), options)
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("", []byte(added.Text))
	if err != nil {
		t.Fatal(err)
	}
	e := engine.Engine{Tasks: o.tasks(), Clock: engine.VirtualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	x, err := e.Run(context.Background(), m, []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// answersWith sends these answers in turn, and then none.
func answersWith(outputs ...string) func(*engine.Task, waitEvent) {
	return func(t *engine.Task, _ waitEvent) {
		if len(outputs) > 0 {
			t.Complete(engine.JSON(outputs[0]))
			outputs = outputs[1:]
		}
	}
}

func declines(o *office, times int, output string) {
	o.handler, o.publish = answers(diagnosis), answers(`{}`)
	fail := fails(ptr("Declined"), ptr("no funds"))
	o.work = func(ctx context.Context, t *engine.Task) (engine.Result, error) {
		if times--; times >= 0 {
			return fail(ctx, t)
		}
		return engine.JSON(output), nil
	}
}

// entered are the inputs with which a state was entered, as JSON.
func entered(x *history.Execution, state string) []string {
	var inputs []string
	for _, e := range x.Events() {
		if e.Type.IsEntered() && e.Details.Name == state {
			inputs = append(inputs, e.Details.Input.String())
		}
	}
	return inputs
}

// outputOf is the output of a state that was left last.
func outputOf(t *testing.T, x *history.Execution, prefix string) map[string]any {
	t.Helper()
	events := x.Events()
	for _, e := range slices.Backward(events) {
		if e.Type.IsExited() && strings.HasPrefix(e.Details.Name, prefix) {
			var output map[string]any
			if err := json.Unmarshal([]byte(e.Details.Output.String()), &output); err != nil {
				t.Fatalf("output of %s: %v", e.Details.Name, err)
			}
			return output
		}
	}
	t.Fatalf("no state %s was left", prefix)
	return nil
}

// A waiting machine: Work fails, Then comes behind it where Work is not the last.
type waitingMachine struct {
	name, definition, input string
	last                    bool
}

// waitingMachines are all languages, kinds of state, places and kinds of input.
func waitingMachines(t *testing.T) []waitingMachine {
	t.Helper()
	const resource = `"Resource": "arn:aws:lambda:us-east-1:123456789012:function:work", "TimeoutSeconds": 5`
	inner := `{"StartAt": "Inner", "States": {"Inner": {"Type": "Task", ` + resource + `, "End": true}}}`
	inputs := []string{`{"a":1,"items":[1]}`, `["x"]`, `[[1]]`, `"text"`, `7`, `false`, `null`, `{"decision":{"decision":"fail"},"items":[1]}`}
	var all []waitingMachine
	for _, language := range []string{"JSONPath", "JSONata", "mixed"} {
		for _, kind := range []string{"Task", "Parallel", "Map"} {
			for _, last := range []bool{false, true} {
				for _, input := range inputs {
					fields := resource
					switch {
					case kind == "Parallel":
						fields = `"Branches": [` + inner + `]`
					case kind == "Map" && language == "JSONPath" && strings.HasPrefix(input, "{"):
						fields = `"ItemsPath": "$.items", "ItemProcessor": ` + inner
					case kind == "Map" && language == "JSONPath" && !strings.HasPrefix(input, "["):
						continue // nothing to iterate over
					case kind == "Map" && language == "JSONPath":
						fields = `"ItemProcessor": ` + inner
					case kind == "Map":
						fields = `"Items": [1], "ItemProcessor": ` + inner
					}
					own := map[string]string{"JSONPath": "", "JSONata": "", "mixed": `"QueryLanguage": "JSONata", `}[language]
					top := map[string]string{"JSONPath": "", "JSONata": `"QueryLanguage": "JSONata", `, "mixed": ""}[language]
					states := fmt.Sprintf(`"Work": {%s"Type": %q, %s, "Next": "Then"}, "Then": {"Type": "Pass", "End": true}`, own, kind, fields)
					if last {
						states = fmt.Sprintf(`"Work": {%s"Type": %q, %s, "End": true}`, own, kind, fields)
					}
					all = append(all, waitingMachine{
						name:       fmt.Sprintf("%s, %s, last %v, input %s", language, kind, last, input),
						definition: `{` + top + `"StartAt": "Work", "States": {` + states + `}}`, input: input, last: last,
					})
				}
			}
		}
	}
	return all
}

var approve = instrument.Options{Approve: &instrument.Approval{}}

func TestARetryRunsTheStateAgainWithTheInputItHad(t *testing.T) {
	for _, m := range waitingMachines(t) {
		var o office
		declines(&o, 1, `{"paid":true}`)
		o.person = answersWith(`{"decision": "retry", "by": "ana", "at": "2026-01-01T00:00:00Z", "input": ` + m.input + `}`)
		x := o.run(t, m.definition, approve, m.input)
		if x.Status != history.Succeeded {
			t.Errorf("%s: ended %s %s %s", m.name, x.Status, text(x.Error), text(x.Cause))
			continue
		}
		if got := entered(x, "Work"); !slices.Equal(got, []string{m.input, m.input}) {
			t.Errorf("%s: Work was entered with %q", m.name, got)
		}
		if output := x.Output.String(); !strings.Contains(output, `{"paid":true}`) {
			t.Errorf("%s: output %s", m.name, output)
		}
	}
}

func TestASkipGoesOnBehindTheStateWithTheOutputGiven(t *testing.T) {
	for _, m := range waitingMachines(t) {
		for _, output := range []string{`{"paid":false}`, `[1]`, `[]`, `"none"`, `0`, `null`} {
			var o office
			declines(&o, 9, `1`)
			o.person = answersWith(`{"decision": "skip", "by": "ana", "at": "2026-01-01T00:00:00Z", "output": ` + output + `}`)
			x := o.run(t, m.definition, approve, m.input)
			if x.Status != history.Succeeded || x.Output.String() != output {
				t.Errorf("%s: ended %s %s %s with %s, want %s", m.name, x.Status, text(x.Error), text(x.Cause), x.Output, output)
			}
			if got := entered(x, "stepsleuth: tell of the success"); len(got) != 1 {
				t.Errorf("%s: the success was told %d times", m.name, len(got))
			}
			if got := entered(x, "Then"); !m.last && !slices.Equal(got, []string{output}) {
				t.Errorf("%s: Then was entered with %q, want %s", m.name, got, output)
			}
		}
	}
}

// Whatever else comes, be it nothing, ends the execution as it would have ended.
func TestWhatIsNoDecisionFailsAsBefore(t *testing.T) {
	always := func(output string) func(*engine.Task, waitEvent) {
		return func(t *engine.Task, _ waitEvent) { t.Complete(engine.JSON(output)) }
	}
	people := map[string]func(*engine.Task, waitEvent){
		"fail":                    always(`{"decision": "fail", "by": "ana", "at": "2026-01-01T00:00:00Z"}`),
		"nobody":                  nil,
		"a retry without input":   always(`{"decision": "retry"}`),
		"a skip without output":   always(`{"decision": "skip", "input": 1}`),
		"an unknown decision":     always(`{"decision": "shrug", "input": 1, "output": 2}`),
		"a decision that is none": always(`{"decision": {"decision": "retry"}, "input": 1}`),
		"a number":                always(`{"decision": 1, "input": 1}`),
		"null":                    always(`null`),
		"a text":                  always(`"retry"`),
		"a list":                  always(`[{"decision": "retry", "input": 1}]`),
		"an empty object":         always(`{}`),
		"somebody fails the task": func(t *engine.Task, _ waitEvent) { t.Fail(engine.NewTaskError("Manual", "go away")) },
		"somebody says timed out": func(t *engine.Task, _ waitEvent) { t.Fail(engine.NewTaskError("States.Timeout", "")) },
		"an answer too large":     always(`{"decision": "retry", "input": "` + strings.Repeat("x", 262_000) + `"}`),
	}
	for name, person := range people {
		for _, m := range waitingMachines(t) {
			if !strings.HasPrefix(m.input, `{"a"`) {
				continue
			}
			name := m.name + ", " + name
			var plain, o office
			declines(&plain, 9, `1`)
			declines(&o, 9, `1`)
			o.person = person
			want, got := runMachine(t, m.definition, &plain.world, m.input), o.run(t, m.definition, approve, m.input)
			if got.Status != want.Status || text(got.Error) != text(want.Error) || text(got.Cause) != text(want.Cause) {
				t.Errorf("%s: ends %s %s %s, without the pattern %s %s %s", name, got.Status, text(got.Error), text(got.Cause), want.Status, text(want.Error), text(want.Cause))
			}
			if len(o.waited) != 1 || len(o.told) != 1 {
				t.Errorf("%s: waited %d times, told %q", name, len(o.waited), o.told)
			}
		}
	}
}

// Nothing is too large that came through the machine once already, and what is not
// answered in time takes the way chosen beforehand.
func TestWhatHappensWhereNobodyDecides(t *testing.T) {
	const output = `{"paid":"unknown","rate":"100 %","note":"{% $x %}","quote":"it's \"it\" \\","list":[[]]}`
	for _, m := range waitingMachines(t) {
		var o office
		declines(&o, 9, `1`)
		x := o.run(t, m.definition, instrument.Options{Approve: &instrument.Approval{Timeout: time.Hour, Default: instrument.DecideSkip, Output: output}}, m.input)
		if x.Status != history.Succeeded || x.Output.String() != output {
			t.Errorf("%s: ended %s %s %s with %s", m.name, x.Status, text(x.Error), text(x.Cause), x.Output)
		}
		if took := x.Stop.Sub(x.Start); took != time.Hour {
			t.Errorf("%s: waited %s", m.name, took)
		}
		record := outputOf(t, x, "stepsleuth: nobody decided")["decision"].(map[string]any)
		if record["by"] != "nobody: the default after 1h" || record["decision"] != "skip" || !strings.HasPrefix(record["at"].(string), "2026-01-01T01:00:00") {
			t.Errorf("%s: the record is %v", m.name, record)
		}
	}
}

// Who decided what and when stays in the execution.
func TestTheRecordStaysInTheExecution(t *testing.T) {
	for language, definition := range machines {
		for _, decision := range []string{"retry", "skip", "fail"} {
			var o office
			declines(&o, 1, `1`)
			o.person = answersWith(`{"decision": "` + decision + `", "by": "ana", "at": "2026-01-01T09:00:00Z", "note": "n", "input": {}, "output": 2}`)
			x := o.run(t, definition, approve, `{}`)
			output := outputOf(t, x, "stepsleuth: wait for a decision")
			record, _ := output["decision"].(map[string]any)
			if record["decision"] != decision || record["by"] != "ana" || record["at"] != "2026-01-01T09:00:00Z" || record["note"] != "n" {
				t.Errorf("%s, %s: the record is %v", language, decision, record)
			}
		}
		var o office
		declines(&o, 1, `1`)
		o.person = answersWith(`{"decision": "fail", "by": "ana", "at": "2026-01-01T09:00:00Z"}`)
		x := o.run(t, definition, instrument.Options{After: instrument.Succeed, Approve: &instrument.Approval{}}, `{}`)
		if x.Status != history.Succeeded || !strings.Contains(x.Output.String(), `"by":"ana"`) || !strings.Contains(x.Output.String(), `"category":"other"`) {
			t.Errorf("%s: %s %s", language, x.Status, x.Output)
		}
	}
}

// However the troubleshooter and the mail do, the wait comes, and with it the decision.
func TestADecisionIsWaitedForWhateverElseGoesWrong(t *testing.T) {
	handlers := map[string]func(context.Context, *engine.Task) (engine.Result, error){
		"answers": answers(diagnosis), "answers null": answers(`{"Payload": null}`), "fails": fails(ptr("E"), nil), "hangs": hangs,
		"keeps the mail back": answers(`{"Payload": {"notify": false, "mail": {"subject": "again", "text": "as before"}}}`),
	}
	publishes := map[string]func(context.Context, *engine.Task) (engine.Result, error){
		"goes out": answers(`{}`), "fails": fails(ptr("SNS.NotFound"), ptr("no such topic")), "hangs": hangs,
	}
	for language, definition := range machines {
		for handlerName, handler := range handlers {
			for publishName, publish := range publishes {
				for _, after := range []instrument.After{instrument.Fail, instrument.Succeed} {
					for _, decision := range []string{"retry", "fail"} {
						name := fmt.Sprintf("%s, after %s, the troubleshooter %s, the mail %s, %s", language, after, handlerName, publishName, decision)
						var o office
						declines(&o, 1, `{"b":2}`)
						o.handler, o.publish = handler, publish
						o.person = answersWith(`{"decision": "` + decision + `", "input": {"a":1}}`)
						x := o.run(t, definition, instrument.Options{After: after, Approve: &instrument.Approval{}}, `{"a":1}`)
						if want := decision == "fail" && after == instrument.Fail; want != (x.Status == history.Failed) {
							t.Errorf("%s: ended %s %s %s", name, x.Status, text(x.Error), text(x.Cause))
						}
						if len(o.waited) != 1 || len(o.told) == 0 {
							t.Errorf("%s: waited %d times, told %q", name, len(o.waited), o.told)
						}
					}
				}
			}
		}
	}
}

func TestEachFailureWaitsForADecisionOfItsOwn(t *testing.T) {
	for language, definition := range machines {
		var o office
		declines(&o, 2, `{"b":2}`)
		o.person = answersWith(`{"decision": "retry", "input": {"a":1}}`, `{"decision": "skip", "output": {"c":3}}`)
		x := o.run(t, definition, approve, `{"a":1}`)
		if x.Status != history.Succeeded || x.Output.String() != `{"c":3}` {
			t.Errorf("%s: %s %s %s", language, x.Status, text(x.Error), x.Output)
		}
		if len(o.waited) != 2 || o.waited[0].TaskToken == o.waited[1].TaskToken {
			t.Errorf("%s: waited for %v", language, o.waited)
		}
	}
	// Another state's failure leads back to that state.
	const two = `{"StartAt": "One", "States": {
		"One": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:one", "Next": "Two"},
		"Two": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:two", "End": true}}}`
	var o office
	declines(&o, 2, `{"b":2}`)
	o.person = answersWith(`{"decision": "skip", "output": {"c":3}}`, `{"decision": "retry", "input": {"d":4}}`)
	x := o.run(t, two, approve, `{"a":1}`)
	if got := entered(x, "Two"); x.Status != history.Succeeded || !slices.Equal(got, []string{`{"c":3}`, `{"d":4}`}) {
		t.Errorf("%s %s, Two was entered with %q", x.Status, text(x.Error), got)
	}
}

func TestVariablesOutliveADecision(t *testing.T) {
	for language, definition := range map[string]string{
		"JSONPath": `{"StartAt": "Set", "States": {"Set": {"Type": "Pass", "Assign": {"v": 1}, "Next": "Work"},
			"Work": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:work", "Assign": {"w": 2}, "Next": "Read"},
			"Read": {"Type": "Pass", "Parameters": {"v.$": "$v", "w.$": "$w"}, "End": true}}}`,
		"JSONata": `{"QueryLanguage": "JSONata", "StartAt": "Set", "States": {"Set": {"Type": "Pass", "Assign": {"v": 1}, "Next": "Work"},
			"Work": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:work", "Assign": {"w": 2}, "Next": "Read"},
			"Read": {"Type": "Pass", "Output": {"v": "{% $v %}", "w": "{% $w %}"}, "End": true}}}`,
	} {
		var o office
		declines(&o, 1, `1`)
		o.person = answersWith(`{"decision": "retry", "input": {}}`)
		if x := o.run(t, definition, approve, `{}`); x.Output.String() != `{"v":1,"w":2}` {
			t.Errorf("%s: %s %s %s", language, x.Status, text(x.Cause), x.Output)
		}
	}
}

// States may be called what they like.
func TestNamesOfAnyKindAreFoundAgain(t *testing.T) {
	for _, language := range []string{"JSONPath", "JSONata"} {
		for _, name := range []string{"stepsleuth: retry", "stepsleuth: wait for a decision", "it's", `say "x"`, `back\slash`, "100 % %} sure", "{% 1 %}", "état", "$.state", strings.Repeat("n", 80)} {
			key, _ := json.Marshal(name)
			definition := fmt.Sprintf(`{"QueryLanguage": %q, "StartAt": %s, "States": {%s: {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:work", "End": true}}}`, language, key, key)
			var o office
			declines(&o, 1, `1`)
			o.person = answersWith(`{"decision": "retry", "input": {"a":1}}`)
			x := o.run(t, definition, approve, `{}`)
			if x.Status != history.Succeeded || len(o.waited) != 1 || o.waited[0].State != name {
				t.Errorf("%s, %s: %s %s %s, waited %v", language, name, x.Status, text(x.Error), text(x.Cause), o.waited)
			}
		}
	}
}

// What looks like the end of an expression is in none of those that are added.
func TestAnExpressionEndsWhereItSeemsTo(t *testing.T) {
	definition := `{"QueryLanguage": "JSONata", "StartAt": "a %} b", "States": {"a %} b": {"Type": "Task", "Resource": "${F}", "End": true}}}`
	added, err := instrument.Add("x", []byte(definition), instrument.Options{Approve: &instrument.Approval{Default: instrument.DecideSkip, Output: `"100 %}"`}})
	if err != nil {
		t.Fatal(err)
	}
	expressions := 0
	for _, begun := range strings.Split(added.Text, `"{% `)[1:] {
		expression, _, _ := strings.Cut(begun, "%}")
		if rest := begun[len(expression):]; !strings.HasPrefix(rest, `%}"`) {
			t.Errorf("the expression %s goes on with %.20s", expression, rest)
		}
		expressions++
	}
	if expressions == 0 {
		t.Error("no expression was added")
	}
}

// The troubleshooter learns what people may decide; and of the token nobody but the
// state that waits.
func TestTheTermsAreToldAndTheTokenIsNot(t *testing.T) {
	for language, definition := range machines {
		var o office
		declines(&o, 9, `1`)
		o.run(t, definition, instrument.Options{Approve: &instrument.Approval{Timeout: 90 * time.Minute}}, `{}`)
		if len(o.asked) != 1 || !strings.Contains(o.asked[0], `"decide":{"timeoutSeconds":5400,"default":"fail"}`) {
			t.Errorf("%s: asked %q", language, o.asked)
		}
		e := o.waited[0]
		if e.Stepsleuth != instrument.WaitEvent || e.TaskToken == "" || !strings.HasPrefix(e.ExecutionARN, "arn:") || e.State == "" {
			t.Errorf("%s: waits with %+v", language, e)
		}
		if strings.Contains(strings.Join(append(o.asked, o.told...), ""), e.TaskToken) {
			t.Errorf("%s: the token was told", language)
		}
	}
}

func TestApproveIsRefusedWhereItCannotBe(t *testing.T) {
	for _, c := range []struct {
		approval instrument.Approval
		want     string
	}{
		{instrument.Approval{Default: instrument.DecideRetry}, "again and again"},
		{instrument.Approval{Default: instrument.DecideSkip}, "the output that"},
		{instrument.Approval{Output: `1`}, "is for skip alone"},
		{instrument.Approval{Default: instrument.DecideSkip, Output: `{`}, "not JSON"},
		{instrument.Approval{Default: instrument.DecideSkip, Output: `{"list": [{"a.$": "$.b"}]}`}, "makes a path"},
		{instrument.Approval{Default: "shrug"}, `"shrug"`},
		{instrument.Approval{Timeout: 1500 * time.Millisecond}, "to wait 1.5s for a decision: give whole seconds"},
		{instrument.Approval{Timeout: -time.Second}, "from 1s to 27777h46m39s"},
		{instrument.Approval{Timeout: 30_000 * time.Hour}, "to wait 30000h for a decision"},
	} {
		_, err := instrument.Add("order.asl.json", order(t), instrument.Options{Approve: &c.approval})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.approval, err, c.want)
		}
	}
}

// The machine's own time-out ends an execution that waits.
func TestAShorterTimeOutOfTheMachineIsTold(t *testing.T) {
	for limit, want := range map[string]time.Duration{`"TimeoutSeconds": 3600, `: time.Hour, `"TimeoutSeconds": 99999999, `: 0, ``: 0} {
		definition := `{` + limit + `"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${F}", "End": true}}}`
		added, err := instrument.Add("x", []byte(definition), approve)
		if err != nil || added.Limit != want {
			t.Errorf("%s: %v, %v", limit, added, err)
		}
	}
}

// Every sample, in either query language, is instrumented with Approve and restored.
func TestSamplesWithApprove(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "samples"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	done, waits := 0, 0
	for _, file := range files {
		original, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		added, err := instrument.Add(file, original, instrument.Options{Approve: &instrument.Approval{Default: instrument.DecideSkip, Output: `{"a":[1]}`}})
		if err != nil {
			t.Error(err)
			continue
		}
		if strings.Contains(added.Text, ".waitForTaskToken") && len(added.Caught) > 0 {
			waits++
		}
		removed, err := instrument.Remove(file, []byte(added.Text))
		if err != nil || removed.Text != string(original) {
			t.Errorf("%s: not restored: %v", file, err)
			continue
		}
		done++
	}
	t.Logf("samples instrumented with Approve and restored: %d of %d, %d of them wait", done, len(files), waits)
}
