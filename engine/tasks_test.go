package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

// kinds lists the types of an execution's events, each with the one it follows.
func kinds(x *history.Execution) string {
	var b strings.Builder
	for _, e := range x.Events() {
		fmt.Fprintf(&b, "%d<%d %s\n", e.ID, e.PreviousID, e.Type)
	}
	return b.String()
}

// wantKinds compares the types of an execution's events.
func wantKinds(t *testing.T, x *history.Execution, want string) {
	t.Helper()
	if got := kinds(x); got != strings.TrimPrefix(want, "\n") {
		t.Errorf("events:\n%swant:%s", got, want)
	}
}

// outcomes answers a task with one outcome an attempt; the last one stays.
func outcomes(list ...any) engine.TaskHandler {
	return engine.TaskFunc(func(ctx context.Context, task *engine.Task) (engine.Result, error) {
		switch o := list[min(task.Call, len(list)-1)].(type) {
		case error:
			return engine.Result{}, o
		case time.Duration:
			return engine.JSON(`"slept"`), task.Sleep(ctx, o)
		default:
			return engine.JSON(o.(string)), nil
		}
	})
}

const lambda = "arn:aws:lambda:us-east-1:123456789012:function:f"

func TestRetriesWaitLongerEachTimeUpToTheCap(t *testing.T) {
	x := run(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+lambda+`","End":true,
		"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":2,"BackoffRate":3,"MaxDelaySeconds":10,"MaxAttempts":4}]}}}`,
		`{}`, outcomes(engine.NewTaskError("E", "e"), engine.NewTaskError("E", "e"), engine.NewTaskError("E", "e"), `1`))
	var at []float64
	for _, e := range x.Events() {
		if e.Type == "LambdaFunctionScheduled" {
			at = append(at, e.Time.Sub(start).Seconds())
		}
	}
	if got := fmt.Sprint(at); got != "[0 2 8 18]" {
		t.Errorf("attempts at %s s, want [0 2 8 18]: waits of 2, 6 and (18 capped to) 10 s", got)
	}
	if x.Status != history.Succeeded {
		t.Errorf("status %s", x.Status)
	}
}

func TestARetrierWithoutAttemptsRetriesNothing(t *testing.T) {
	x := run(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+lambda+`","End":true,
		"Retry":[{"ErrorEquals":["E"],"MaxAttempts":0},{"ErrorEquals":["States.ALL"]}]}}}`, `{}`, outcomes(engine.NewTaskError("E", "e")))
	wantKinds(t, x, `
1<0 ExecutionStarted
2<0 TaskStateEntered
3<2 LambdaFunctionScheduled
4<3 LambdaFunctionStarted
5<4 LambdaFunctionFailed
6<5 ExecutionFailed
`)
}

func TestEachRetrierCountsItsOwnAttempts(t *testing.T) {
	a, b := engine.NewTaskError("A", ""), engine.NewTaskError("B", "")
	x := run(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+lambda+`","End":true,
		"Retry":[{"ErrorEquals":["A"],"MaxAttempts":1},{"ErrorEquals":["B"],"MaxAttempts":2}]}}}`, `{}`, outcomes(a, b, b, a))
	if n := strings.Count(kinds(x), "Scheduled"); n != 4 || deref(x.Error) != "A" {
		t.Errorf("%d attempts and error %s, want 4 and A", n, deref(x.Error))
	}
}

func TestJitterIsDrawnFromTheSeed(t *testing.T) {
	text := `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"` + lambda + `","End":true,
		"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":1000,"JitterStrategy":"FULL","MaxAttempts":1}]}}}`
	waits := func(seed uint64) time.Duration {
		e := &engine.Engine{Tasks: outcomes(engine.NewTaskError("E", ""), `1`), Clock: engine.VirtualClock(start)}
		x, err := e.RunRequest(context.Background(), engine.Request{Machine: machine(t, text), Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return x.Stop.Sub(x.Start)
	}
	first, second := waits(7), waits(7)
	if first != second {
		t.Error("the same seed gives different waits")
	}
	if first == waits(8) {
		t.Error("another seed gives the same wait")
	}
	if w := first; w < 0 || w > 1000*time.Second {
		t.Errorf("waited %s, want at most 1000 s", w)
	}
}

func TestWhatCatchersCatch(t *testing.T) {
	timeout := `"TimeoutSeconds":1,`
	for _, tt := range []struct {
		name, fields, catches string
		outcome               any
		caught                bool
	}{
		{"its own name", "", "E", engine.NewTaskError("E", ""), true},
		{"another name", "", "F", engine.NewTaskError("E", ""), false},
		{"States.ALL, an error", "", "States.ALL", engine.NewTaskError("E", ""), true},
		{"States.ALL, an error without a name", "", "States.ALL", &engine.TaskError{}, true},
		{"States.TaskFailed, an error", "", "States.TaskFailed", engine.NewTaskError("E", ""), true},
		{"States.TaskFailed, an error without a name", "", "States.TaskFailed", &engine.TaskError{}, true},
		{"another name, an error without a name", "", "E", &engine.TaskError{}, false},
		{"States.TaskFailed, a time-out", timeout, "States.TaskFailed", time.Hour, false},
		{"States.Timeout, a time-out", timeout, "States.Timeout", time.Hour, true},
		{"States.ALL, a result that is too large", "", "States.ALL", `"` + strings.Repeat("a", 300_000) + `"`, true},
		{"States.DataLimitExceeded, a result that is too large", "", "States.DataLimitExceeded", `"` + strings.Repeat("a", 300_000) + `"`, true},
		{"States.ALL, a bad path", `"OutputPath":"$.gone",`, "States.ALL", `{}`, false},
		{"States.Runtime, a bad path", `"OutputPath":"$.gone",`, "States.Runtime", `{}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := run(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+lambda+`",`+tt.fields+`"End":true,
				"Catch":[{"ErrorEquals":["`+tt.catches+`"],"Next":"C"}]},"C":{"Type":"Succeed"}}}`, `{}`, outcomes(tt.outcome))
			if caught := x.Status == history.Succeeded; caught != tt.caught {
				t.Errorf("caught: %t, want %t (%s %s)", caught, tt.caught, deref(x.Error), deref(x.Cause))
			}
		})
	}
}

// API reference, TaskFailedEventDetails: error has 256 characters at most, cause 32768. What a
// catcher makes of the longest cause still fits into a payload.
func TestAHugeErrorIsCut(t *testing.T) {
	long := engine.NewTaskError(strings.Repeat("É", 300), strings.Repeat("é", 300_000))
	for caught, handler := range map[string]string{"": "", `"Catch":[{"ErrorEquals":["States.ALL"],"Next":"C"}],`: `,"C":{"Type":"Fail","ErrorPath":"$.Error","CausePath":"$.Cause"}`} {
		x := run(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+lambda+`",`+caught+`"End":true}`+handler+`}}`, `{}`, outcomes(long))
		if deref(x.Error) != strings.Repeat("É", 256) || deref(x.Cause) != strings.Repeat("é", 32768) {
			t.Errorf("with %s it ended with %.300s and a cause of %d bytes", caught, deref(x.Error), len(deref(x.Cause)))
		}
	}
}

func TestATaskThatTakesTooLongTimesOut(t *testing.T) {
	x := run(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"TimeoutSeconds":5,"End":true}}}`,
		`{}`, outcomes(time.Hour))
	wantKinds(t, x, `
1<0 ExecutionStarted
2<0 TaskStateEntered
3<2 TaskScheduled
4<3 TaskStarted
5<4 TaskTimedOut
6<5 ExecutionFailed
`)
	if deref(x.Error) != "States.Timeout" || x.Cause != nil {
		t.Errorf("error %s, cause %s; want States.Timeout and none", deref(x.Error), deref(x.Cause))
	}
	if x.Stop.Sub(x.Start) != 5*time.Second {
		t.Errorf("timed out after %s", x.Stop.Sub(x.Start))
	}
}

func TestTheMachinesOwnTimeoutIsAnotherStatus(t *testing.T) {
	x := run(t, `{"TimeoutSeconds":3,"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"End":true}}}`, `{}`, nil)
	if x.Status != history.TimedOut || x.Error != nil || x.Cause != nil {
		t.Errorf("%s %s %s, want TIMED_OUT without error and cause", x.Status, deref(x.Error), deref(x.Cause))
	}
	events := x.Events()
	if last := events[len(events)-1]; last.PreviousID != 0 || last.Details == nil || deref(last.Details.Error) != "States.Timeout" || last.Details.Cause != nil {
		t.Errorf("ended by %+v; want States.Timeout in the event", last)
	}
}

func TestAnExpressExecutionEndsAfterFiveMinutes(t *testing.T) {
	e := &engine.Engine{Clock: engine.VirtualClock(start)}
	x, err := e.RunRequest(context.Background(), engine.Request{
		Machine: machine(t, `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":301,"End":true}}}`), Type: history.Express,
	})
	if err != nil || x.Status != history.TimedOut || x.Stop.Sub(x.Start) != 5*time.Minute {
		t.Errorf("%v, %s after %s", err, x.Status, x.Stop.Sub(x.Start))
	}
}

const callback = `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken",
	"HeartbeatSeconds":60,"Parameters":{"Token.$":"$$.Task.Token"},"End":true}}}`

func TestATokenCompletesItsTask(t *testing.T) {
	tokens := make(chan string, 1)
	e := &engine.Engine{Tasks: engine.TaskFunc(func(_ context.Context, task *engine.Task) (engine.Result, error) {
		tokens <- task.TextParameter("Token")
		return engine.JSON(`{"MessageId":"m"}`), nil
	})}
	r, err := e.Start(context.Background(), engine.Request{Machine: machine(t, callback)})
	if err != nil {
		t.Fatal(err)
	}
	token := <-tokens
	if err := r.Heartbeat(token); err != nil {
		t.Error(err)
	}
	if err := r.CompleteTask("another", []byte(`1`)); !errors.Is(err, engine.ErrUnknownToken) {
		t.Errorf("a wrong token: %v", err)
	}
	if err := r.CompleteTask(token, []byte(`{"a":1}`)); err != nil {
		t.Error(err)
	}
	x, err := r.Wait(context.Background())
	if err != nil || x.Output.String() != `{"a":1}` {
		t.Errorf("%v, output %s", err, x.Output)
	}
	if err := r.CompleteTask(token, []byte(`1`)); !errors.Is(err, engine.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
	wantKinds(t, x, `
1<0 ExecutionStarted
2<0 TaskStateEntered
3<2 TaskScheduled
4<3 TaskStarted
5<4 TaskSubmitted
6<5 TaskSucceeded
7<6 TaskStateExited
8<7 ExecutionSucceeded
`)
}

func TestAMissedHeartbeatTimesTheTaskOut(t *testing.T) {
	for _, name := range []string{"States.Timeout", "States.HeartbeatTimeout"} {
		text := strings.Replace(callback, `"End":true`, `"End":true,"Catch":[{"ErrorEquals":["`+name+`"],"Next":"C"}]`, 1)
		text = strings.TrimSuffix(text, "}}") + `},"C":{"Type":"Succeed"}}}`
		x := run(t, strings.Replace(text, `}},"C"`, `},"C"`, 1), `{}`, outcomes(`{}`))
		if x.Status != history.Succeeded {
			t.Errorf("%s: %s %s", name, x.Status, deref(x.Error))
		}
	}
}

func TestAnActivitysClocksRunFromWhenAWorkerTookIt(t *testing.T) {
	worker := engine.TaskFunc(func(ctx context.Context, task *engine.Task) (engine.Result, error) {
		if err := task.Sleep(ctx, time.Hour); err != nil {
			return engine.Result{}, err
		}
		task.Started("w")
		return engine.Result{}, task.Sleep(ctx, time.Hour)
	})
	for fields, seconds := range map[string]int{`"TimeoutSeconds":5`: 5, `"TimeoutSeconds":60,"HeartbeatSeconds":7`: 7} {
		x := run(t, `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a",`+fields+`,"End":true}}}`, `{}`, worker)
		wantKinds(t, x, `
1<0 ExecutionStarted
2<0 TaskStateEntered
3<2 ActivityScheduled
4<3 ActivityStarted
5<4 ActivityTimedOut
6<5 ExecutionFailed
`)
		if took := x.Stop.Sub(x.Start); took != time.Hour+time.Duration(seconds)*time.Second {
			t.Errorf("%s: it took %s", fields, took)
		}
	}
}

func TestAnUnknownResourceIsNoSuccessAndIsNotCaught(t *testing.T) {
	e := &engine.Engine{Tasks: engine.TaskMux{"arn:aws:states:::sqs": outcomes(`1`)}, Clock: engine.VirtualClock(start)}
	x, err := e.Run(context.Background(), machine(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sns:publish","Parameters":{"Message":"m","TopicArn":"t"},
		"Catch":[{"ErrorEquals":["States.ALL"],"Next":"C"}],"End":true},"C":{"Type":"Succeed"}}}`), nil)
	var unsupported *engine.UnsupportedError
	if !errors.As(err, &unsupported) || unsupported.Resource != "arn:aws:states:::sns:publish" {
		t.Errorf("error %v", err)
	}
	if x.Status != history.Aborted {
		t.Errorf("status %s", x.Status)
	}
}

func TestTheLongestKeyOfAMuxWins(t *testing.T) {
	mux := engine.TaskMux{"arn:aws:states:::sqs": outcomes(`"sqs"`), "arn:aws:states:::sqs:sendMessage": outcomes(`"send"`), "": outcomes(`"rest"`)}
	for resource, want := range map[string]string{
		"arn:aws:states:::sqs:sendMessage":   `"send"`,
		"arn:aws:states:::sqs:sendMessageX":  `"sqs"`,
		"arn:aws:states:::sqs:receive":       `"sqs"`,
		"arn:aws:states:::dynamodb:getItem":  `"rest"`,
		"arn:aws:states:::sqs:sendMessage.x": `"send"`,
	} {
		got, err := mux.HandleTask(context.Background(), &engine.Task{Resource: resource})
		if err != nil || string(got.Output) != want {
			t.Errorf("%s: %s, %v; want %s", resource, got.Output, err, want)
		}
	}
}

func TestAPhaseNamesTheEventOfAFailure(t *testing.T) {
	for _, tt := range []struct {
		resource string
		phase    engine.Phase
		want     string
	}{
		{lambda, engine.PhaseSchedule, "LambdaFunctionScheduleFailed"},
		{lambda, engine.PhaseStart, "LambdaFunctionStartFailed"},
		{lambda, engine.PhaseRun, "LambdaFunctionFailed"},
		{"arn:aws:states:::ecs:runTask", engine.PhaseStart, "TaskStartFailed"},
		{"arn:aws:states:::ecs:runTask.sync", engine.PhaseSubmit, "TaskSubmitFailed"},
		{"arn:aws:states:us-east-1:123456789012:activity:a", engine.PhaseSchedule, "ActivityScheduleFailed"},
	} {
		err := engine.NewTaskError("E", "c")
		err.Phase = tt.phase
		x := run(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+tt.resource+`","End":true}}}`, `{}`, outcomes(err))
		if events := x.Events(); string(events[len(events)-2].Type) != tt.want {
			t.Errorf("%s, phase %d: %s, want %s", tt.resource, tt.phase, events[len(events)-2].Type, tt.want)
		}
	}
}

func TestAHandlersPanicIsAnErrorAndNoCrash(t *testing.T) {
	e := &engine.Engine{Tasks: engine.TaskFunc(func(context.Context, *engine.Task) (engine.Result, error) { panic("oops") })}
	_, err := e.Run(context.Background(), machine(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+lambda+`","End":true}}}`), nil)
	if err == nil || !strings.Contains(err.Error(), "oops") {
		t.Errorf("error %v", err)
	}
}
