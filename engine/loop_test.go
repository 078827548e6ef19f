package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

// written is the bytes of an execution's history.
func written(t testing.TB, x *history.Execution) string {
	t.Helper()
	var b bytes.Buffer
	if err := history.Write(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// busy has everything that could come out in another order: branches, iterations,
// retries with jitter, time-outs, random identifiers.
const busy = `{"StartAt":"P","States":{
 "P":{"Type":"Parallel","Branches":[
  {"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.items","ItemProcessor":{"StartAt":"T","States":{
    "T":{"Type":"Task","Resource":"` + lambda + `","Retry":[{"ErrorEquals":["Flaky"],"JitterStrategy":"FULL","MaxAttempts":5}],"End":true}}},"End":true}}},
  {"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":1,"Next":"U"},"U":{"Type":"Pass","Parameters":{"id.$":"States.UUID()"},"End":true}}},
  {"StartAt":"X","States":{"X":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"TimeoutSeconds":2,
    "Catch":[{"ErrorEquals":["States.Timeout"],"Next":"Y"}],"End":true},"Y":{"Type":"Pass","End":true}}}],
  "End":true}}}`

// busyTasks sleeps, fails the first attempts, and hangs.
func busyTasks() engine.TaskHandler {
	return engine.TaskFunc(func(ctx context.Context, task *engine.Task) (engine.Result, error) {
		if task.State == "X" {
			return engine.JSON(`1`), task.Sleep(ctx, time.Hour)
		}
		var n int
		if err := json.Unmarshal(task.Input(), &n); err != nil {
			return engine.Result{}, err
		}
		if err := task.Sleep(ctx, time.Duration(n%3)*100*time.Millisecond); err != nil {
			return engine.Result{}, err
		}
		if task.Call < n%3 {
			return engine.Result{}, engine.NewTaskError("Flaky", fmt.Sprint(n))
		}
		return task.Echo(), nil
	})
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	m := machine(t, busy)
	once := func(seed uint64) string {
		e := &engine.Engine{Tasks: busyTasks(), Clock: engine.VirtualClock(start)}
		x, err := e.RunRequest(context.Background(), engine.Request{Machine: m, Input: []byte(`{"items":[0,1,2,3,4,5,6,7,8,9]}`), Seed: seed})
		if err != nil || x.Status != history.Succeeded {
			t.Fatal(err, x.Status, deref(x.Error), deref(x.Cause))
		}
		return written(t, x)
	}
	first := once(1)
	for range 20 {
		if once(1) != first {
			t.Fatal("the same seed gave another history")
		}
	}
	if once(2) == first {
		t.Error("another seed gave the same history")
	}
}

func TestBothClocksTellTheSameStory(t *testing.T) {
	m := machine(t, busy)
	input := []byte(`{"items":[0,1,2,3,4]}`)
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		story := func(c engine.Clock) string {
			e := &engine.Engine{Tasks: busyTasks(), Clock: c}
			x, err := e.RunRequest(context.Background(), engine.Request{Machine: m, Input: input, Seed: 3})
			if err != nil || x.Status != history.Succeeded {
				t.Fatal(err, x.Status)
			}
			var b strings.Builder
			for _, e := range x.Events() {
				at := e.Time.Sub(x.Start).String()
				if strings.HasSuffix(string(e.Type), "FunctionStarted") || e.Type == "TaskStarted" {
					at = "" // on the system's clock a little later
				}
				fmt.Fprintf(&b, "%s %s\n", at, e.Type)
			}
			return b.String()
		}
		virtual, real := story(engine.VirtualClock(now)), story(engine.SystemClock())
		if sortLines(virtual) != sortLines(real) {
			t.Errorf("virtual:\n%s\nsystem:\n%s", virtual, real)
		}
	})
}

func sortLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		for j := i + 1; j < len(lines); j++ {
			if lines[j] < lines[i] {
				lines[i], lines[j] = lines[j], lines[i]
			}
		}
	}
	return strings.Join(lines, "\n")
}

func TestACancelledContextAbortsAndLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails where goroutines are left
		ctx, cancel := context.WithCancel(context.Background())
		e := &engine.Engine{Tasks: engine.TaskFunc(func(ctx context.Context, _ *engine.Task) (engine.Result, error) {
			<-ctx.Done()
			return engine.Result{}, ctx.Err()
		})}
		r, err := e.Start(ctx, engine.Request{Machine: machine(t, busy), Input: []byte(`{"items":[1,2,3]}`)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		x, err := r.Wait(context.Background())
		if err != nil || x.Status != history.Aborted {
			t.Errorf("%v, status %s", err, x.Status)
		}
		last := x.Events()[len(x.Events())-1]
		if last.Type != "ExecutionAborted" || last.PreviousID != 0 {
			t.Errorf("last event %s < %d", last.Type, last.PreviousID)
		}
	})
}

func TestStopEndsAnExecution(t *testing.T) {
	e := &engine.Engine{}
	r, err := e.Start(context.Background(), engine.Request{Machine: machine(t, `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"End":true}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	name, cause := "Me", "enough"
	if err := r.Stop(&name, &cause); err != nil {
		t.Fatal(err)
	}
	x, err := r.Wait(context.Background())
	if err != nil || x.Status != history.Aborted || deref(x.Error) != "Me" || deref(x.Cause) != "enough" {
		t.Errorf("%v %s %s %s", err, x.Status, deref(x.Error), deref(x.Cause))
	}
	if err := r.Stop(nil, nil); !errors.Is(err, engine.ErrEnded) {
		t.Errorf("stopped twice: %v", err)
	}
}

func TestObserveSeesEveryEventAsItHappens(t *testing.T) {
	var seen []history.Event
	e := &engine.Engine{Clock: engine.VirtualClock(start), Observe: func(e history.Event) { seen = append(seen, e) }}
	x, err := e.Run(context.Background(), machine(t, `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Succeed"}}}`), nil)
	if err != nil || len(seen) != len(x.Events()) {
		t.Fatalf("%v: saw %d of %d events", err, len(seen), len(x.Events()))
	}
	for i, e := range x.Events() {
		if seen[i].ID != e.ID || seen[i].Type != e.Type {
			t.Errorf("event %d: saw %v", e.ID, seen[i])
		}
	}
}

const forever = `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Choice",
	"Choices":[{"Variable":"$.stop","IsPresent":true,"Next":"C"}],"Default":"A"},"C":{"Type":"Succeed"}}}`

func TestAHistoryEndsAtItsLimit(t *testing.T) {
	x := run(t, forever, `{}`, nil)
	if n := len(x.Events()); n != 25_000 || x.Status != history.Failed {
		t.Errorf("%d events, status %s", n, x.Status)
	}
	if !strings.Contains(deref(x.Cause), "maximum number of history events") {
		t.Errorf("cause %s", deref(x.Cause))
	}
}

func TestAnInputThatIsTooLargeFailsAtTheStart(t *testing.T) {
	x := run(t, `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`, `"`+strings.Repeat("a", 300_000)+`"`, nil)
	wantKinds(t, x, `
1<0 ExecutionStarted
2<0 ExecutionFailed
`)
	if deref(x.Error) != "States.DataLimitExceeded" {
		t.Errorf("error %s", deref(x.Error))
	}
}

func TestVariablesStayInTheirScope(t *testing.T) {
	x := run(t, `{"StartAt":"A","States":{
		"A":{"Type":"Pass","Assign":{"x":1,"y":1},"Next":"P"},
		"P":{"Type":"Parallel","Branches":[{"StartAt":"I","States":{
			"I":{"Type":"Pass","Assign":{"z.$":"States.MathAdd($x, 1)"},"Next":"J"},
			"J":{"Type":"Pass","Parameters":{"x.$":"$x","z.$":"$z"},"End":true}}}],"ResultSelector":{"r.$":"$[0]"},"Next":"B"},
		"B":{"Type":"Pass","Assign":{"x.$":"$y","y.$":"$x"},"Next":"C"},
		"C":{"Type":"Pass","Parameters":{"in.$":"$.r","x.$":"$x"},"End":true}}}`, `{}`, nil)
	if got := x.Output.String(); got != `{"in":{"x":1,"z":2},"x":1}` {
		t.Errorf("output %s, error %s", got, deref(x.Cause))
	}
}

func TestStartingInTheMiddle(t *testing.T) {
	e := &engine.Engine{Clock: engine.VirtualClock(start)}
	text := `{"StartAt":"A","States":{"A":{"Type":"Fail"},"M":{"Type":"Map","ItemProcessor":{"StartAt":"X","States":{
		"X":{"Type":"Fail"},"Y":{"Type":"Pass","Parameters":{"v.$":"$v","i.$":"$.i"},"End":true}}},"End":true}}}`
	text = strings.Replace(text, `"A":{"Type":"Fail"}`, `"A":{"Type":"Pass","Next":"M"}`, 1)
	text = strings.Replace(text, `"X":{"Type":"Fail"}`, `"X":{"Type":"Pass","Next":"Y"}`, 1)
	x, err := e.RunRequest(context.Background(), engine.Request{
		Machine: machine(t, text), StartAt: "Y", Input: []byte(`{"i":3}`), Variables: map[string]json.RawMessage{"v": json.RawMessage(`"set"`)},
	})
	if err != nil || x.Output.String() != `{"v":"set","i":3}` {
		t.Errorf("%v, output %s", err, x.Output)
	}
	if _, err := e.RunRequest(context.Background(), engine.Request{Machine: machine(t, text), StartAt: "Z"}); err == nil {
		t.Error("started at a state that is not there")
	}
}

func TestARedriveGoesOnWhereItStopped(t *testing.T) {
	text := `{"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"v":7},"Result":{"a":1},"Next":"T"},
		"T":{"Type":"Task","Resource":"` + lambda + `","Next":"B"},"B":{"Type":"Pass","Parameters":{"v.$":"$v","r.$":"$"},"End":true}}}`
	failed := run(t, text, `{}`, outcomes(engine.NewTaskError("E", "e")))
	e := &engine.Engine{Tasks: outcomes(`"ok"`), Clock: engine.VirtualClock(start)}
	x, err := e.RunRequest(context.Background(), engine.Request{Machine: machine(t, text), Redrive: failed})
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, x, `
1<0 ExecutionStarted
2<0 PassStateEntered
3<2 PassStateExited
4<3 TaskStateEntered
5<4 LambdaFunctionScheduled
6<5 LambdaFunctionStarted
7<6 LambdaFunctionFailed
8<7 ExecutionFailed
9<8 ExecutionRedriven
10<9 LambdaFunctionScheduled
11<10 LambdaFunctionStarted
12<11 LambdaFunctionSucceeded
13<12 TaskStateExited
14<13 PassStateEntered
15<14 PassStateExited
16<15 ExecutionSucceeded
`)
	if x.Output.String() != `{"v":7,"r":"ok"}` || x.RedriveCount != 1 {
		t.Errorf("output %s, redrive count %d", x.Output, x.RedriveCount)
	}
	if _, err := e.RunRequest(context.Background(), engine.Request{Machine: machine(t, text), Redrive: x}); err == nil {
		t.Error("an execution that succeeded was redriven")
	}
}

// A handler that asks for the time while others work does not have their results taken
// in before it is their turn.
func TestAskingForTheTimeChangesNoOrder(t *testing.T) {
	m := machine(t, `{"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
		{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:a", "End": true}}},
		{"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:b", "End": true}}},
		{"StartAt": "C", "States": {"C": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:c", "End": true}}}]}}}`)
	answered, asked := make(chan struct{}), make(chan struct{})
	e := &engine.Engine{Clock: engine.VirtualClock(start), Tasks: engine.TaskFunc(func(_ context.Context, task *engine.Task) (engine.Result, error) {
		switch name := task.Resource; name[len(name)-1] {
		case 'a': // works longest
			<-asked
		case 'b':
			close(answered)
		case 'c':
			<-answered
			for range 100 {
				task.Now()
				time.Sleep(10 * time.Microsecond) // for b to be heard of
			}
			close(asked)
		}
		return engine.JSON(`null`), nil
	})}
	x, err := e.RunRequest(context.Background(), engine.Request{Machine: m, Input: []byte(`{}`)})
	if err != nil || x.Status != history.Succeeded {
		t.Fatal(err, x.Status)
	}
	var order string
	for _, ev := range x.Events() {
		if ev.Type.IsExited() && ev.Details.Name != "P" {
			order += ev.Details.Name
		}
	}
	if order != "ABC" {
		t.Errorf("the tasks ended in the order %s", order)
	}
}
