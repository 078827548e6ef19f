package instrument_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
)

func runAs(t *testing.T, kind history.Type, definition string, w *world, input string) *history.Execution {
	t.Helper()
	m, err := asl.Parse("", []byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	e := engine.Engine{Tasks: w.tasks(), Clock: engine.VirtualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	x, err := e.RunRequest(context.Background(), engine.Request{Machine: m, Input: []byte(input), Type: kind})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// event is what is sent off.
type event struct {
	ExecutionARN string
	State        string
	HandledBy    string
	Tell         bool
	At, Started  time.Time
	Failure      *struct{ Error, Cause *string }
	Input        json.RawMessage
}

func sentEvent(t *testing.T, text string) event {
	t.Helper()
	var e event
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(e.ExecutionARN, "arn:aws:states:") || !e.Tell || e.At.IsZero() || e.Started.IsZero() {
		t.Errorf("sent %s", text)
	}
	return e
}

var (
	sendings = map[string]func(context.Context, *engine.Task) (engine.Result, error){
		"is taken": answers(`{"StatusCode": 202}`),
		"fails":    fails(ptr("Lambda.AWSLambdaException"), ptr("no permission")),
		"hangs":    hangs,
	}
	inputs = map[string]string{
		"an object": `{"a":1}`, "a number": `7`, "an array": `[1,"two"]`, "a text": `"text"`, "null": `null`,
		"large": `{"a":"` + strings.Repeat("ä€", 50_000) + `"}`,
	}
)

// However the sending goes and whatever the input is, an Express execution ends as it
// would have; and what is sent always fits.
func TestAnExpressExecutionEndsAsItWouldHave(t *testing.T) {
	works := map[string]func(context.Context, *engine.Task) (engine.Result, error){
		"error and cause": fails(ptr("Declined"), ptr("no funds")), "neither": fails(nil, nil), "time-out": hangs,
		"a large cause": fails(ptr("E"), ptr(strings.Repeat("€", 30_000))),
	}
	for language, definition := range machines {
		for workName, work := range works {
			for inputName, input := range inputs {
				plain := runAs(t, history.Express, definition, &world{work: work}, input)
				for sending, handler := range sendings {
					name := strings.Join([]string{language, workName, inputName, sending}, ", ")
					w := &world{work: work, handler: handler}
					added, err := instrument.Add("machine", []byte(definition), instrument.Options{Express: true})
					if err != nil {
						t.Fatal(err)
					}
					x := runAs(t, history.Express, added.Text, w, input)
					if x.Status != plain.Status || text(x.Error) != text(plain.Error) || text(x.Cause) != text(plain.Cause) {
						t.Errorf("%s: ends %s %s %s, without the pattern %s %s %s", name,
							x.Status, text(x.Error), text(x.Cause), plain.Status, text(plain.Error), text(plain.Cause))
					}
					if len(w.asked) == 0 {
						t.Fatalf("%s: nothing was sent", name)
					}
					e := sentEvent(t, w.asked[0])
					if e.HandledBy != "" || e.Failure == nil || text(e.Failure.Error) != text(plain.Error) || text(e.Failure.Cause) != text(plain.Cause) {
						t.Errorf("%s: sent %.300s", name, w.asked[0])
					}
					want := input
					if inputName == "large" {
						want = "null"
					}
					if string(e.Input) != want {
						t.Errorf("%s: the input sent is %.100s", name, e.Input)
					}
				}
			}
		}
	}
}

// catching have catchers of their own around a task that fails.
var catching = map[string]string{
	"replaced":         `{"StartAt":"Work","States":{"Work":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:work","TimeoutSeconds":5,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Save"}],"End":true},"Save":{"Type":"Pass","End":true}}}`,
	"beside":           `{"StartAt":"Work","States":{"Work":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:work","TimeoutSeconds":5,"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.deep.er['ror']","Next":"Save"}],"End":true},"Save":{"Type":"Pass","End":true}}}`,
	"dropped":          `{"StartAt":"Work","States":{"Work":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:work","TimeoutSeconds":5,"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":null,"Next":"Save"}],"End":true},"Save":{"Type":"Pass","End":true}}}`,
	"JSONata":          `{"QueryLanguage":"JSONata","StartAt":"Work","States":{"Work":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:work","TimeoutSeconds":5,"Catch":[{"ErrorEquals":["States.ALL"],"Assign":{"problem":"{% $states.errorOutput %}"},"Next":"Save"}],"End":true},"Save":{"Type":"Pass","Output":{"problem":"{% $problem %}","input":"{% $states.input %}"},"End":true}}}`,
	"JSONata, output":  `{"QueryLanguage":"JSONata","StartAt":"Work","States":{"Work":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:work","TimeoutSeconds":5,"Catch":[{"ErrorEquals":["States.ALL"],"Output":"{% $states.input %}","Next":"Save"}],"End":true},"Save":{"Type":"Pass","End":true}}}`,
	"mixed":            `{"StartAt":"Work","States":{"Work":{"QueryLanguage":"JSONata","Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:work","TimeoutSeconds":5,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Save"}],"End":true},"Save":{"Type":"Pass","End":true}}}`,
	"two to one state": `{"StartAt":"Work","States":{"Work":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:work","TimeoutSeconds":5,"Catch":[{"ErrorEquals":["States.Timeout"],"ResultPath":null,"Next":"Save"},{"ErrorEquals":["States.ALL"],"Next":"Save"}],"End":true},"Save":{"Type":"Fail","Error":"E"}}}`,
}

// The user's handlers are given the very same data, whatever becomes of the sending.
func TestWhatIsHandledGoesOnAsItDid(t *testing.T) {
	ran := 0
	for catcher, definition := range catching {
		for inputName, input := range inputs {
			if catcher == "beside" && input[0] != '{' {
				continue // fails with or without the pattern
			}
			for _, kind := range []history.Type{history.Standard, history.Express} {
				for sending, handler := range sendings {
					ran++
					name := strings.Join([]string{catcher, inputName, string(kind), sending}, ", ")
					work := fails(ptr("Declined"), ptr("no funds"))
					plain := runAs(t, kind, definition, &world{work: work}, input)
					w := &world{work: work, handler: handler, publish: answers(`{}`)}
					added, err := instrument.Add("machine", []byte(definition), instrument.Options{Handled: true, Express: kind == history.Express})
					if err != nil {
						t.Fatal(err)
					}
					x := runAs(t, kind, added.Text, w, input)
					if x.Status != plain.Status || text(x.Error) != text(plain.Error) || x.Output.String() != plain.Output.String() {
						t.Errorf("%s: ends %s %s %.200s, without the pattern %s %s %.200s", name, x.Status, text(x.Error), x.Output, plain.Status, text(plain.Error), plain.Output)
					}
					if len(w.asked) == 0 {
						t.Fatalf("%s: nothing was sent", name)
					}
					e := sentEvent(t, w.asked[0])
					if e.State != "Work" || e.HandledBy != "Save" {
						t.Errorf("%s: sent %s", name, w.asked[0])
					}
					if known := catcher != "dropped" && catcher != "JSONata, output"; known != (e.Failure != nil) || known && text(e.Failure.Error) != `"Declined"` {
						t.Errorf("%s: the failure sent is %+v", name, e.Failure)
					}
				}
			}
		}
	}
	t.Logf("ran %d combinations", ran)
}

// The names that the user wrote come back as he wrote them.
func TestHandledIsTakenAwayByteForByte(t *testing.T) {
	for name, definition := range catching {
		roundTripWith(t, name, definition, instrument.Options{Handled: true})
	}
	roundTripWith(t, "escapes", `{"StartAt":"W","States":{"W":{"Type":"Task","Resource":"${F}","Catch":[{"ErrorEquals":["A"],"Next":"caf\u00e9"},{"ErrorEquals":["States.ALL"],"Next":"café"}],"Next":"café"},"caf\u00e9":{"Type":"Pass","End":true}}}`,
		instrument.Options{Handled: true})
	roundTripWith(t, "a boolean of YAML's", `{"StartAt":"W","States":{"W":{"Type":"Task","Resource":"${F}","Catch":[{"ErrorEquals":["A"],"Next":true}],"End":true},"true":{"Type":"Pass","End":true}}}`,
		instrument.Options{Handled: true})
	long := strings.Repeat("n", 75)
	added := roundTripWith(t, "long names", `{"StartAt":"`+long+`1","States":{"`+long+`1":{"Type":"Task","Resource":"${F}","Catch":[{"ErrorEquals":["A"],"Next":"`+long+`2"}],"Next":"`+long+`2"},"`+long+`2":{"Type":"Task","Resource":"${F}","Catch":[{"ErrorEquals":["A"],"Next":"`+long+`2"}],"End":true}}}`,
		instrument.Options{Handled: true})
	if added == nil || len(added.Reported) != 2 || len(added.Caught) != 2 {
		t.Errorf("%+v", added)
	}
}

func TestAfterSucceedInExpressHasTheFailureAlone(t *testing.T) {
	for language, definition := range machines {
		added, err := instrument.Add("machine", []byte(definition), instrument.Options{Express: true, After: instrument.Succeed})
		if err != nil {
			t.Fatal(err)
		}
		x := runAs(t, history.Express, added.Text, &world{work: fails(ptr("Declined"), nil), handler: answers(`{"StatusCode":202}`)}, `[]`)
		if x.Status != history.Succeeded || !strings.Contains(x.Output.String(), `"failure":{"Error":"Declined"`) || strings.Contains(x.Output.String(), "diagnosis") {
			t.Errorf("%s: %s %s", language, x.Status, x.Output)
		}
	}
}
