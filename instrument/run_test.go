package instrument_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
)

// machines have a task that fails and, behind it, one that does not.
var machines = map[string]string{
	"JSONPath": `{"StartAt": "Work", "States": {
		"Work": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:work", "TimeoutSeconds": 5, "Next": "Done"},
		"Done": {"Type": "Succeed"}}}`,
	"JSONata": `{"QueryLanguage": "JSONata", "StartAt": "Work", "States": {
		"Work": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:work", "TimeoutSeconds": 5, "Next": "Done"},
		"Done": {"Type": "Succeed"}}}`,
	"mixed": `{"StartAt": "Work", "States": {
		"Work": {"QueryLanguage": "JSONata", "Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:work", "TimeoutSeconds": 5, "Next": "Done"},
		"Done": {"QueryLanguage": "JSONata", "Type": "Succeed", "Output": "{% $states.input %}"}}}`,
	"in a Parallel": `{"StartAt": "Both", "States": {
		"Both": {"Type": "Parallel", "Branches": [{"StartAt": "Work", "States": {
			"Work": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:work", "TimeoutSeconds": 5, "End": true}}}], "End": true}}}`,
}

// world answers the tasks of an instrumented machine.
type world struct {
	work    func(context.Context, *engine.Task) (engine.Result, error)
	handler func(context.Context, *engine.Task) (engine.Result, error)
	publish func(context.Context, *engine.Task) (engine.Result, error)

	asked, told []string // payloads and subjects
}

func (w *world) tasks() engine.TaskMux {
	return engine.TaskMux{
		"arn:aws:lambda": engine.TaskFunc(w.work),
		"arn:aws:states:::lambda:invoke": engine.TaskFunc(func(ctx context.Context, t *engine.Task) (engine.Result, error) {
			w.asked = append(w.asked, string(t.Parameter("Payload")))
			return w.handler(ctx, t)
		}),
		"arn:aws:states:::sns:publish": engine.TaskFunc(func(ctx context.Context, t *engine.Task) (engine.Result, error) {
			w.told = append(w.told, t.TextParameter("Subject"))
			return w.publish(ctx, t)
		}),
	}
}

func answers(json string) func(context.Context, *engine.Task) (engine.Result, error) {
	return func(context.Context, *engine.Task) (engine.Result, error) { return engine.JSON(json), nil }
}

func fails(name, cause *string) func(context.Context, *engine.Task) (engine.Result, error) {
	return func(context.Context, *engine.Task) (engine.Result, error) {
		return engine.Result{}, &engine.TaskError{Name: name, Cause: cause}
	}
}

func hangs(ctx context.Context, t *engine.Task) (engine.Result, error) {
	return engine.Result{}, t.Sleep(ctx, time.Hour)
}

const diagnosis = `{"ExecutedVersion": "$LATEST", "Payload": {"category": "other", "mail": {"subject": "FAILED for a reason", "text": "because"}}, "StatusCode": 200}`

func runInstrumented(t *testing.T, definition string, o instrument.Options, w *world, input string) *history.Execution {
	t.Helper()
	added, err := instrument.Add("machine", []byte(definition), o)
	if err != nil {
		t.Fatal(err)
	}
	return runMachine(t, added.Text, w, input)
}

func runMachine(t *testing.T, definition string, w *world, input string) *history.Execution {
	t.Helper()
	m, err := asl.Parse("", []byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	e := engine.Engine{Tasks: w.tasks(), Clock: engine.VirtualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	x, err := e.Run(context.Background(), m, []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func ptr(s string) *string { return &s }

// However the task fails and whatever goes wrong with the troubleshooter and the
// notification, the execution ends as it would have without them.
func TestTheExecutionEndsAsItWouldHave(t *testing.T) {
	works := map[string]func(context.Context, *engine.Task) (engine.Result, error){
		"error and cause":   fails(ptr("Declined"), ptr("no funds")),
		"error alone":       fails(ptr("Declined"), nil),
		"cause alone":       fails(nil, ptr("no funds")),
		"neither":           fails(nil, nil),
		"empty texts":       fails(ptr(""), ptr("")),
		"time-out":          hangs,
		"a result too long": answers(`"` + strings.Repeat("x", 300_000) + `"`),
	}
	handlers := map[string]func(context.Context, *engine.Task) (engine.Result, error){
		"answers":          answers(diagnosis),
		"answers null":     answers(`{"Payload": null}`),
		"answers a string": answers(`{"Payload": "hello"}`),
		"answers nothing":  answers(`{}`),
		"answers numbers":  answers(`{"Payload": {"mail": {"subject": 1, "text": [2]}}}`),
		"fails":            fails(ptr("Handler.Failed"), ptr("out of luck")),
		"hangs":            hangs,
		"too long":         answers(`{"Payload": "` + strings.Repeat("y", 300_000) + `"}`),
	}
	publishes := map[string]func(context.Context, *engine.Task) (engine.Result, error){
		"goes out": answers(`{"MessageId": "1"}`),
		"fails":    fails(ptr("SNS.NotFound"), ptr("no such topic")),
		"hangs":    hangs,
	}
	for language, definition := range machines {
		for workName, work := range works {
			plain := runMachine(t, definition, &world{work: work}, `{"a": 1}`)
			for handlerName, handler := range handlers {
				for publishName, publish := range publishes {
					name := fmt.Sprintf("%s, %s, the troubleshooter %s, the mail %s", language, workName, handlerName, publishName)
					w := &world{work: work, handler: handler, publish: publish}
					x := runInstrumented(t, definition, instrument.Options{}, w, `{"a": 1}`)
					if x.Status != plain.Status || text(x.Error) != text(plain.Error) || text(x.Cause) != text(plain.Cause) {
						t.Errorf("%s: ends %s %s %s, without the pattern %s %s %s", name,
							x.Status, text(x.Error), text(x.Cause), plain.Status, text(plain.Error), text(plain.Cause))
					}
					if len(w.told) != 1 {
						t.Errorf("%s: %d mails", name, len(w.told))
					}
				}
			}
		}
	}
}

// The input is nobody's business: it may be of any kind.
func TestTheInputMayBeAnything(t *testing.T) {
	for language, definition := range machines {
		for inputName, input := range inputs {
			for _, after := range []instrument.After{instrument.Fail, instrument.Succeed} {
				work := fails(ptr("Declined"), ptr("no funds"))
				plain := runMachine(t, definition, &world{work: work}, input)
				w := &world{work: work, handler: answers(diagnosis), publish: answers(`{}`)}
				x := runInstrumented(t, definition, instrument.Options{After: after}, w, input)
				if after == instrument.Fail && (x.Status != plain.Status || text(x.Error) != text(plain.Error)) || after == instrument.Succeed && x.Status != history.Succeeded {
					t.Errorf("%s, %s, after %s: ends %s %s", language, inputName, after, x.Status, text(x.Error))
				}
				if len(w.asked) != 1 || len(w.told) != 1 {
					t.Errorf("%s, %s, after %s: asked %d, told %d", language, inputName, after, len(w.asked), len(w.told))
				}
				well := &world{work: answers(input), handler: answers(diagnosis), publish: answers(`{}`)}
				if x := runInstrumented(t, definition, instrument.Options{After: after}, well, input); x.Status != history.Succeeded {
					t.Errorf("%s, %s: a success ends %s %s", language, inputName, x.Status, text(x.Error))
				}
			}
		}
	}
}

func text(s *string) string {
	if s == nil {
		return "(absent)"
	}
	return fmt.Sprintf("%.60q", *s)
}

func TestTheTroubleshooterLearnsTheStateAndNeverTheInput(t *testing.T) {
	for language, definition := range machines {
		w := &world{work: fails(ptr("Declined"), ptr("no funds")), handler: answers(diagnosis), publish: answers(`{}`)}
		runInstrumented(t, definition, instrument.Options{}, w, `{"secret": "of the input"}`)
		if len(w.asked) != 1 {
			t.Fatalf("%s: asked %d times", language, len(w.asked))
		}
		state := "Work"
		if language == "in a Parallel" {
			state = "Both"
		}
		for _, want := range []string{`"executionArn":"arn:aws:states:`, `"state":"` + state + `"`, `"Error":"Declined"`, `"Cause":"no funds"`} {
			if !strings.Contains(w.asked[0], want) {
				t.Errorf("%s: the event %s has no %s", language, w.asked[0], want)
			}
		}
		if strings.Contains(w.asked[0], "of the input") {
			t.Errorf("%s: the input is in the event %s", language, w.asked[0])
		}
		if w.told[0] != "FAILED for a reason" {
			t.Errorf("%s: told %q", language, w.told)
		}
	}
}

// Of equal failures people are told once: the troubleshooter knows.
func TestATroubleshooterThatSaysSoKeepsTheMailBack(t *testing.T) {
	const known = `{"Payload": {"category": "other", "notify": false, "mail": {"subject": "FAILED again", "text": "as before"}}}`
	for language, definition := range machines {
		w := &world{work: fails(ptr("Declined"), nil), handler: answers(known), publish: answers(`{}`)}
		x := runInstrumented(t, definition, instrument.Options{}, w, `{}`)
		if x.Status != history.Failed || text(x.Error) != `"Declined"` || len(w.told) != 0 {
			t.Errorf("%s: %s %s, told %q", language, x.Status, text(x.Error), w.told)
		}
	}
}

// A success passes its output by unchanged, be it an object or not, and whatever
// goes wrong on the way.
func TestASuccessIsToldAndPassesUnchanged(t *testing.T) {
	for language, definition := range machines {
		for _, output := range []string{`{"b":2}`, `[1,"two"]`, `"text"`, `null`, `7`} {
			for name, handler := range map[string]func(context.Context, *engine.Task) (engine.Result, error){
				"answers": answers(diagnosis), "fails": fails(ptr("E"), nil), "answers nothing": answers(`{}`), "hangs": hangs,
			} {
				plain := runMachine(t, definition, &world{work: answers(output)}, `{}`)
				w := &world{work: answers(output), handler: handler, publish: answers(`{}`)}
				x := runInstrumented(t, definition, instrument.Options{}, w, `{}`)
				if x.Status != history.Succeeded || x.Output.String() != plain.Output.String() {
					t.Errorf("%s, the troubleshooter %s: %s %s, without the pattern %s", language, name, x.Status, x.Output, plain.Output)
				}
				if len(w.told) != 1 {
					t.Errorf("%s, the troubleshooter %s: %d mails", language, name, len(w.told))
				}
			}
			w := &world{work: answers(output), handler: answers(diagnosis), publish: fails(ptr("SNS.NotFound"), nil)}
			if x := runInstrumented(t, definition, instrument.Options{}, w, `{}`); x.Status != history.Succeeded {
				t.Errorf("%s: the mail failed, and so did the execution: %s", language, text(x.Error))
			}
		}
	}
}

func TestAfterSucceedHasTheDiagnosisInTheOutput(t *testing.T) {
	for language, definition := range machines {
		w := &world{work: fails(ptr("Declined"), nil), handler: answers(diagnosis), publish: answers(`{}`)}
		x := runInstrumented(t, definition, instrument.Options{After: instrument.Succeed}, w, `{}`)
		if x.Status != history.Succeeded || !strings.Contains(x.Output.String(), `"category":"other"`) {
			t.Errorf("%s: %s %s", language, x.Status, x.Output)
		}
	}
}
