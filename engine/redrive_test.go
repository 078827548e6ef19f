package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

// calls notes which tasks were called, and fails those that fail names.
type calls struct {
	mu   sync.Mutex
	fail func(state, input string) bool
	made []string
}

func (c *calls) HandleTask(ctx context.Context, t *engine.Task) (engine.Result, error) {
	c.mu.Lock()
	c.made = append(c.made, t.State+string(t.Input()))
	c.mu.Unlock()
	if c.fail != nil && c.fail(t.State, string(t.Input())) {
		return engine.Result{}, engine.NewTaskError("E", "e")
	}
	return t.Echo(), nil
}

func (c *calls) sorted() string {
	slices.Sort(c.made)
	return strings.Join(c.made, " ")
}

// redrive fails an execution, and redrives it with tasks that all succeed.
func redrive(t *testing.T, text, input string, fail func(state, input string) bool) (failed, x *history.Execution, again *calls) {
	t.Helper()
	m := machine(t, text)
	e := &engine.Engine{Tasks: &calls{fail: fail}, Clock: engine.VirtualClock(start)}
	failed, err := e.Run(context.Background(), m, []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	if failed.Status == history.Succeeded {
		t.Fatal("it succeeded at once")
	}
	again = &calls{}
	e.Tasks = again
	x, err = e.RunRequest(context.Background(), engine.Request{Machine: m, Redrive: failed})
	if err != nil {
		t.Fatal(err)
	}
	return failed, x, again
}

const task = `"Type":"Task","Resource":"` + lambda + `"`

func TestARedriveRunsOnlyWhatDidNotSucceed(t *testing.T) {
	each := func(fields, body string) string {
		return `{"StartAt":"M","States":{"M":{"Type":"Map",` + fields + `"ItemProcessor":` + body + `,"End":true}}}`
	}
	one := `{"StartAt":"T","States":{"T":{` + task + `,"End":true}}}`
	for _, tt := range []struct {
		name, text, input string
		fail              func(state, input string) bool
		calls, output     string
	}{
		{
			"the branch that failed, and the one that was aborted",
			`{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[
				{"StartAt":"A","States":{"A":{` + task + `,"End":true}}},
				{"StartAt":"B","States":{"B":{"Type":"Wait","Seconds":1,"Next":"C"},"C":{` + task + `,"End":true}}},
				{"StartAt":"D","States":{"D":{"Type":"Wait","Seconds":5,"Next":"E"},"E":{` + task + `,"End":true}}}],"End":true}}}`,
			`1`, func(state, _ string) bool { return state == "C" }, "C1 E1", "[1,1,1]",
		},
		{
			"the iterations that failed or never started",
			each(`"MaxConcurrency":2,`, one), `[1,2,3,4,5]`, func(_, input string) bool { return input == "3" }, "T3 T4 T5", "[1,2,3,4,5]",
		},
		{
			"from the state of the iteration that failed",
			each("", `{"StartAt":"T","States":{"T":{`+task+`,"Assign":{"v.$":"$"},"Next":"U"},"U":{`+task+`,"Parameters":{"v.$":"$v"},"End":true}}}`),
			`[1,2]`, func(state, input string) bool { return state == "U" && strings.Contains(input, "2") }, `U{"v":2}`, `[{"v":1},{"v":2}]`,
		},
		{
			"a Map inside a branch inside a Map",
			each("", `{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[`+one+`,{"StartAt":"N","States":{"N":{"Type":"Map","ItemsPath":"$.l","ItemProcessor":{"StartAt":"V","States":{"V":{`+task+`,"End":true}}},"End":true}}}],"End":true}}}`),
			`[{"l":[1,2]},{"l":[3,4]}]`, func(_, input string) bool { return input == "4" }, "V4", `[[{"l":[1,2]},[1,2]],[{"l":[3,4]},[3,4]]]`,
		},
		{
			"after retries of the whole Map",
			each(`"Retry":[{"ErrorEquals":["E"],"MaxAttempts":2}],`, one), `[1,2]`, func(_, input string) bool { return input == "2" }, "T2", "[1,2]",
		},
		{
			"none where all iterations succeeded",
			`{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":` + one + `,"OutputPath":"$[7]","End":true}}}`,
			`[1]`, func(string, string) bool { return false }, "", "",
		},
		{
			"in JSONata, with the variables of before",
			`{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"k":5},"Next":"M"},
				"M":{"Type":"Map","Items":"{% $states.input %}","ItemSelector":"{% $states.context.Map.Item.Value + $k %}","ItemProcessor":{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"` + lambda + `","Arguments":"{% $states.input * 10 %}","End":true}}},"End":true}}}`,
			`[1,2]`, func(_, input string) bool { return input == "70" }, "T70", "[60,70]",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			failed, x, again := redrive(t, tt.text, tt.input, tt.fail)
			if got := again.sorted(); got != tt.calls {
				t.Errorf("called %q, want %q", got, tt.calls)
			}
			if got := x.Output.String(); got != tt.output {
				t.Errorf("output %s (%s), want %s", got, deref(x.Cause), tt.output)
			}
			old := failed.Events()
			if e := x.Events()[len(old)]; e.Type != "ExecutionRedriven" || e.PreviousID != int64(len(old)) {
				t.Errorf("event %d is %s", e.ID, e.Type)
			}
			check(t, x)
		})
	}
}

func TestATimedOutExecutionIsRedriven(t *testing.T) {
	m := machine(t, `{"StartAt":"P","TimeoutSeconds":3,"States":{"P":{"Type":"Parallel","Branches":[
		{"StartAt":"A","States":{"A":{`+task+`,"End":true}}},
		{"StartAt":"B","States":{"B":{"Type":"Wait","SecondsPath":"$.n","End":true}}}],"End":true}}}`)
	tasks := &calls{}
	e := &engine.Engine{Tasks: tasks, Clock: engine.VirtualClock(start)}
	x, err := e.Run(context.Background(), m, []byte(`{"n":9}`))
	if err != nil || x.Status != history.TimedOut {
		t.Fatal(x.Status, err)
	}
	x, err = e.RunRequest(context.Background(), engine.Request{Machine: m, Redrive: x})
	if err != nil || x.Status != history.TimedOut || x.RedriveCount != 1 {
		t.Fatal(x.Status, err)
	}
	if len(tasks.made) != 1 {
		t.Errorf("called %v", tasks.made)
	}
}

// Whatever machine failed and however, its redrive comes to an end, twice the same way.
func TestRandomMachinesAreRedriven(t *testing.T) {
	redriven, succeeded := 0, 0
	for seed := range uint64(600) {
		text := (&maker{Rand: rand.New(rand.NewPCG(seed, 3))}).whole(3)
		m, err := asl.Parse("", []byte(text))
		if err != nil {
			continue
		}
		e := &engine.Engine{Tasks: chance(seed), Clock: engine.VirtualClock(start)}
		req := request(m, seed)
		req.Limits.Events = 300
		failed, err := e.RunRequest(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		if failed.Status == history.Succeeded || len(failed.Events()) >= 290 {
			continue
		}
		once := func() (*history.Execution, string) {
			e := &engine.Engine{Tasks: answering{}, Clock: engine.VirtualClock(start.Add(time.Hour))}
			req := request(m, seed+1)
			req.Redrive = failed
			x, err := e.RunRequest(context.Background(), req)
			if err != nil {
				if strings.Contains(err.Error(), "names no state") {
					return nil, "" // it failed before its first state
				}
				t.Fatalf("seed %d: %v\n%s", seed, err, text)
			}
			check(t, x)
			return x, written(t, x)
		}
		x, a := once()
		if _, b := once(); a != b {
			t.Fatalf("seed %d: two redrives differ\n%s\n%s\n%s", seed, text, a, b)
		}
		if x == nil {
			continue
		}
		redriven++
		if x.Status == history.Succeeded {
			succeeded++
		}
	}
	t.Logf("%d redriven, %d of them with success", redriven, succeeded)
	if redriven < 100 || succeeded < 5 {
		t.Errorf("%d redriven, %d of them with success", redriven, succeeded)
	}
}

// answering answers every task.
type answering struct{}

func (answering) HandleTask(_ context.Context, t *engine.Task) (engine.Result, error) {
	if t.Token != "" {
		t.Complete(engine.JSON(`{"list":[1],"n":1}`))
		return engine.JSON(`{}`), nil
	}
	return engine.JSON(fmt.Sprintf(`{"list":[1,2],"n":%d}`, len(t.State))), nil
}

func TestAnExpressLoopThatNeverWaitsRunsOutOfItsFiveMinutes(t *testing.T) {
	loop := `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Choice","Choices":[{"Variable":"$.stop","IsPresent":true,"Next":"C"}],"Default":"A"},"C":{"Type":"Succeed"}}}`
	e := &engine.Engine{Clock: engine.VirtualClock(start)}
	x, err := e.RunRequest(context.Background(), engine.Request{Machine: machine(t, loop), Type: history.Express})
	if err != nil || x.Status != history.TimedOut {
		t.Errorf("%s %v", x.Status, err)
	}
	child := strings.Replace(loop, `{"StartAt"`, `{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"},"StartAt"`, 1)
	x = run(t, `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":`+child+`,"End":true}}}`, `[1]`, nil)
	if deref(x.Error) != "States.ExceedToleratedFailureThreshold" {
		t.Errorf("%s %s", x.Status, deref(x.Error))
	}
}

func TestALoopThatNeverWaitsCanBeStopped(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	e := &engine.Engine{Clock: engine.VirtualClock(start), Observe: func(ev history.Event) {
		if ev.ID == 5000 {
			stop()
		}
	}}
	m := machine(t, `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Choice","Choices":[{"Variable":"$.stop","IsPresent":true,"Next":"C"}],"Default":"A"},"C":{"Type":"Succeed"}}}`)
	x, err := e.RunRequest(ctx, engine.Request{Machine: m, Limits: engine.Limits{Events: -1}})
	if err != nil || x.Status != history.Aborted || len(x.Events()) > 10_000 {
		t.Errorf("%s %v, %d events", x.Status, err, len(x.Events()))
	}
}
