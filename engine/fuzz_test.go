package engine_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

// maker writes random machines: in JSONPath, in JSONata, or mixed.
type maker struct {
	*rand.Rand
	names   int
	even    bool // every time in the machine is on a grid of 20 ms
	jsonata bool // of the machine at hand
}

func (m *maker) pick(list ...string) string { return list[m.IntN(len(list))] }

// whole writes a machine with its query language.
func (m *maker) whole(depth int) string {
	m.jsonata = m.IntN(2) == 0
	text := m.machine(depth)
	if m.jsonata {
		return `{"QueryLanguage":"JSONata",` + text[1:]
	}
	return text
}

func (m *maker) machine(depth int) string {
	n := 1 + m.IntN(4)
	names := make([]string, n+1)
	for i := range names {
		m.names++
		names[i] = fmt.Sprintf("S%d", m.names)
	}
	states := make([]string, 0, n+1)
	for i := range n {
		states = append(states, fmt.Sprintf("%q:%s", names[i], m.state(depth, names, names[i+1])))
	}
	states = append(states, fmt.Sprintf("%q:%s", names[n], m.pick(
		`{"Type":"Succeed"}`, `{"Type":"Succeed"}`, `{"Type":"Pass","End":true}`, `{"Type":"Pass","End":true}`, `{"Type":"Pass","End":true}`, `{"Type":"Pass","End":true}`,
		`{"Type":"Fail","Error":"Last"}`, `{"Type":"Fail"}`)))
	return fmt.Sprintf(`{"StartAt":%q,"States":{%s}}`, names[0], strings.Join(states, ","))
}

// handlers writes Retry and Catch.
func (m *maker) handlers(names []string) string {
	if m.IntN(3) == 0 {
		return ""
	}
	jitter := m.pick("FULL", "NONE")
	if m.even {
		jitter = "NONE"
	}
	caught := ""
	if m.jsonata {
		caught = m.pick("", `"Output":"{% $merge([$states.input, {'e': $states.errorOutput.Error}]) %}",`, `"Assign":{"v":"{% $states.errorOutput %}"},`, `"Output":"{% $states.gone %}",`)
	} else {
		caught = m.pick("", `"ResultPath":"$.e",`, `"ResultPath":null,`, `"ResultPath":"$.n.deep",`)
	}
	return fmt.Sprintf(`"Retry":[{"ErrorEquals":[%q],"IntervalSeconds":%d,"MaxAttempts":%d,"BackoffRate":%s,"JitterStrategy":%q}],"Catch":[{"ErrorEquals":[%q],%s"Next":%q}],`,
		m.pick("E", "States.ALL", "States.Timeout", "States.TaskFailed"), 1+m.IntN(9), m.IntN(3), m.pick("1", "2.5"), jitter,
		m.pick("E", "States.ALL", "States.Runtime", "States.DataLimitExceeded", "States.QueryEvaluationError"), caught, names[m.IntN(len(names))])
}

func (m *maker) state(depth int, names []string, next string) string {
	handlers, out := m.handlers(names), fmt.Sprintf(`"Next":%q}`, next)
	if m.jsonata {
		return m.jsonataState(depth, names, next, handlers, out)
	}
	switch kind := m.IntN(8); {
	case kind == 0 && depth > 0:
		return fmt.Sprintf(`{"Type":"Parallel","Branches":[%s,%s],%s%s`, m.machine(depth-1), m.machine(0), handlers, out)
	case kind == 1 && depth > 0:
		return fmt.Sprintf(`{"Type":"Map","ItemsPath":%q,"MaxConcurrency":%d,"ItemProcessor":%s,"ResultPath":"$.m",%s%s`,
			m.pick("$.list", "$.list", "$.list", "$.gone", "$.n"), m.IntN(3), m.processor(depth), handlers, out)
	case kind <= 3:
		return fmt.Sprintf(`{"Type":"Task","Resource":%s,%s%s%s`, m.pick(`"`+lambda+`"`, `"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Parameters":{"MessageBody.$":"$$.Task.Token"}`),
			m.pick("", `"TimeoutSeconds":5,`, `"TimeoutSeconds":2,"ResultPath":"$.r",`, `"ResultPath":"$.r",`, `"OutputPath":"$.gone",`), handlers, out)
	case kind == 4:
		return fmt.Sprintf(`{"Type":"Choice","Choices":[{"Variable":%q,"NumericGreaterThan":1,"Next":%q},{"Not":{"Variable":"$.n","IsPresent":true},"Next":%q}],"Default":%q}`,
			m.pick("$.n", "$.n", "$.gone"), names[m.IntN(len(names))], next, next)
	case kind == 5:
		return fmt.Sprintf(`{"Type":"Wait",%s,%s`, m.pick(`"Seconds":7`, `"Seconds":7`, `"SecondsPath":"$.n"`, `"SecondsPath":"$.gone"`, `"Timestamp":"2030-01-01T00:00:00Z"`), out)
	case kind == 6:
		return fmt.Sprintf(`{"Type":"Pass","QueryLanguage":"JSONata","Output":%q,"Assign":{"v":"{%% $uuid() %%}"},%s`,
			m.pick("{% $merge([$states.input, {'n': $random()}]) %}", "{% $states.input.gone %}", "{% $states.context.Execution.Name %}"), out)
	}
	return fmt.Sprintf(`{"Type":"Pass",%s%s`, m.pick("", `"Parameters":{"list":[1,2,3],"n":2,"u.$":"States.UUID()"},`, `"Assign":{"v.$":"$.n"},`, `"InputPath":"$.list",`), out)
}

func (m *maker) processor(depth int) string {
	mode := m.pick("INLINE", `DISTRIBUTED","ExecutionType":"STANDARD`, `DISTRIBUTED","ExecutionType":"EXPRESS`)
	return strings.Replace(m.machine(depth-1), `{"StartAt"`, `{"ProcessorConfig":{"Mode":"`+mode+`"},"StartAt"`, 1)
}

func (m *maker) jsonataState(depth int, names []string, next, handlers, out string) string {
	output := m.pick("", `"Output":"{% $merge([$states.input, {'o': 1}]) %}",`, `"Assign":{"v":"{% $states.input.n %}","w":[1]},`, `"Output":{"list":"{% $states.input.list %}","n":2},`)
	switch kind := m.IntN(8); {
	case kind == 0 && depth > 0:
		return fmt.Sprintf(`{"Type":"Parallel","Arguments":%s,"Branches":[%s,%s],"Output":"{%% $states.result[0] %%}",%s%s`,
			m.pick(`"{% $states.input %}"`, `{"list":[1,2],"n":3}`), m.machine(depth-1), m.machine(0), handlers, out)
	case kind == 1 && depth > 0:
		return fmt.Sprintf(`{"Type":"Map","Items":%s,"MaxConcurrency":%d,"ItemSelector":%s,"ItemProcessor":%s,"Output":%s,%s%s`,
			m.pick(`"{% $states.input.list %}"`, `"{% [1..4] %}"`, `"{% [1..3] %}"`, `[1,"{% $states.input.n %}"]`, `"{% $states.input.gone %}"`), m.IntN(3),
			m.pick(`{"n":"{% $states.context.Map.Item.Index %}","list":[1]}`, `"{% $states.context.Map.Item.Value %}"`), m.processor(depth),
			m.pick(`"{% {'list': $states.result} %}"`, `"{% $states.input %}"`), handlers, out)
	case kind <= 3:
		return fmt.Sprintf(`{"Type":"Task","Resource":%s,%s%s%s%s`, m.pick(`"`+lambda+`"`, `"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Arguments":{"MessageBody":"{% $states.context.Task.Token %}"}`),
			m.pick("", `"TimeoutSeconds":5,`, `"TimeoutSeconds":"{% $states.input.n + 1 %}",`), output, handlers, out)
	case kind == 4:
		return fmt.Sprintf(`{"Type":"Choice","Choices":[{"Condition":%q,"Next":%q},{"Condition":"{%% $exists($v) %%}","Next":%q}],"Default":%q}`,
			m.pick("{% $states.input.n > 1 %}", "{% $states.input.gone %}", "{% $states.input.list[0] = 1 %}"), names[m.IntN(len(names))], next, next)
	case kind == 5:
		return fmt.Sprintf(`{"Type":"Wait",%s,%s%s`, m.pick(`"Seconds":7`, `"Seconds":"{% $states.input.n %}"`, `"Timestamp":"2030-01-01T00:00:00Z"`), output, out)
	case kind == 6:
		return fmt.Sprintf(`{"Type":"Pass","QueryLanguage":"JSONPath","Parameters":{"list":[1,2,3],"n":2,"u.$":"States.UUID()"},%s`, out)
	}
	return fmt.Sprintf(`{"Type":"Pass",%s%s`, output, out)
}

// chance answers a task by its name and attempt alone.
func chance(seed uint64) engine.TaskHandler {
	return engine.TaskFunc(func(ctx context.Context, task *engine.Task) (engine.Result, error) {
		h := fnv.New64a()
		fmt.Fprint(h, seed, task.State, task.Call, string(task.Input()))
		if task.Token != "" {
			switch {
			case h.Sum64()%4 == 0:
				task.Fail(engine.NewTaskError("E", "by token"))
			case h.Sum64()%4 < 3 || task.Timeout == 0:
				task.Complete(engine.JSON(`{"list":[2],"n":1}`))
			} // else nobody answers, until the time-out
			return engine.JSON(`{}`), nil
		}
		switch h.Sum64() % 6 {
		case 0:
			return engine.Result{}, engine.NewTaskError("E", "c")
		case 1:
			return engine.Result{}, &engine.TaskError{}
		case 2:
			return task.Echo(), task.Sleep(ctx, time.Duration(h.Sum64()%9)*time.Second)
		case 3:
			return engine.JSON(`{"list":[1],"n":0}`), nil
		case 4:
			return engine.JSON(`"` + strings.Repeat("x", 5000) + `"`), nil
		}
		return task.Echo(), nil
	})
}

// random makes a machine and says what it is, or skips what AWS would not take.
func random(t testing.TB, m *maker) (*asl.Machine, string) {
	t.Helper()
	text := m.whole(3)
	machine, err := asl.Parse("", []byte(text))
	if err != nil {
		t.Skip("no machine that Step Functions would take: ", err)
	}
	return machine, text
}

func request(m *asl.Machine, seed uint64) engine.Request {
	return engine.Request{Machine: m, Input: []byte(`{"list":[1,{"n":2},3],"n":2}`), Seed: seed, Limits: engine.Limits{Events: 400, PayloadBytes: 4000}}
}

func FuzzRun(f *testing.F) {
	for seed := range uint64(600) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		m, text := random(t, &maker{Rand: rand.New(rand.NewPCG(seed, 1))})
		once := func() string {
			e := &engine.Engine{Tasks: chance(seed), Clock: engine.VirtualClock(start)}
			ctx, stop := context.WithTimeout(context.Background(), time.Minute)
			defer stop()
			r, err := e.Start(ctx, request(m, seed))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			x, err := r.Wait(context.Background())
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			check(t, x)
			for _, child := range r.MapRuns() {
				check(t, child)
			}
			return written(t, x)
		}
		if a, b := once(), once(); a != b {
			t.Fatalf("two runs differ:\n%s\n%s\n%s", text, a, b)
		}
	})
}

// TestRandomMachinesAreOfEveryKind: a fuzz test that comes to nothing proves nothing.
func TestRandomMachinesAreOfEveryKind(t *testing.T) {
	seen, statuses := make(map[history.EventType]int), make(map[history.Status]int)
	for seed := range uint64(600) {
		text := (&maker{Rand: rand.New(rand.NewPCG(seed, 1))}).whole(3)
		m, err := asl.Parse("", []byte(text))
		if err != nil {
			continue
		}
		e := &engine.Engine{Tasks: chance(seed), Clock: engine.VirtualClock(start)}
		x, err := e.RunRequest(context.Background(), request(m, seed))
		if err != nil {
			t.Fatal(err)
		}
		statuses[x.Status]++
		for _, e := range x.Events() {
			seen[e.Type]++
		}
	}
	t.Log(statuses, seen)
	for _, want := range []history.EventType{"MapIterationStarted", "MapIterationFailed", "MapIterationAborted", "MapRunSucceeded", "MapRunFailed", "ParallelStateSucceeded", "ParallelStateFailed",
		"EvaluationFailed", "TaskSucceeded", "TaskFailed", "TaskTimedOut", "LambdaFunctionTimedOut", "LambdaFunctionFailed", "WaitStateExited", "ChoiceStateExited", "FailStateEntered"} {
		if seen[want] < 3 {
			t.Errorf("%d of %s", seen[want], want)
		}
	}
	if statuses[history.Succeeded] < 30 || statuses[history.Failed] < 30 {
		t.Errorf("%v", statuses)
	}
}

// slow is chance with every answer after a time that is no other answer's, as the
// order of what comes at the same time is the system's business.
func slow(seed uint64) engine.TaskHandler {
	return engine.TaskFunc(func(ctx context.Context, task *engine.Task) (engine.Result, error) {
		h := fnv.New64a()
		fmt.Fprint(h, seed, task.State, task.Call, string(task.Input()), task.ID)
		if err := task.Sleep(ctx, time.Duration(1+h.Sum64()%100_000)*20*time.Millisecond); err != nil {
			return engine.Result{}, err
		}
		if task.Token != "" {
			task.Complete(engine.JSON(`{"list":[2],"n":1}`))
		}
		switch h.Sum64() % 3 {
		case 0:
			return engine.Result{}, engine.NewTaskError("E", "c")
		case 1:
			return engine.JSON(`{"list":[1],"n":0}`), nil
		}
		return task.Echo(), nil
	})
}

var timestamp = regexp.MustCompile(`"(timestamp|EnteredTime|StartTime)":"[^"]*"|\\"(EnteredTime|StartTime)\\":\\"[^"]*\\"`)

// TestTheClocksAgree runs random machines on the system's clock, which stands still in
// a bubble of testing/synctest whenever everyone waits, and on a virtual one.
func TestTheClocksAgree(t *testing.T) {
	compared := 0
	for seed := range uint64(300) {
		text := (&maker{Rand: rand.New(rand.NewPCG(seed, 2)), even: true}).whole(2)
		m, err := asl.Parse("", []byte(text))
		if err != nil {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now().UTC()
			on := func(clock engine.Clock) string {
				e := &engine.Engine{Tasks: slow(seed), Clock: clock}
				x, err := e.RunRequest(context.Background(), request(m, seed))
				if err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				return timestamp.ReplaceAllString(written(t, x), "")
			}
			virtual := on(engine.VirtualClock(begin))
			if system := on(engine.SystemClock()); system != virtual {
				t.Fatalf("the clocks differ, seed %d:\n%s\nsystem  %s\nvirtual %s", seed, text, system, virtual)
			}
		})
		compared++
	}
	t.Logf("%d machines compared", compared)
	if compared < 100 {
		t.Errorf("only %d machines compared", compared)
	}
}

// check holds what is true of every history.
func check(t *testing.T, x *history.Execution) {
	t.Helper()
	events := x.Events()
	last := events[len(events)-1]
	if x.Status == history.Running || !strings.HasPrefix(string(last.Type), "Execution") {
		t.Fatalf("status %s, last event %s", x.Status, last.Type)
	}
	if len(events) > 400 {
		t.Fatalf("%d events, over the limit", len(events))
	}
	entered, left := 0, 0
	for i, e := range events {
		if e.ID != int64(i+1) || e.PreviousID >= e.ID || e.PreviousID < 0 {
			t.Fatalf("event %d < %d at place %d", e.ID, e.PreviousID, i+1)
		}
		if i > 0 && e.Time.Before(events[i-1].Time) {
			t.Fatalf("event %d is before the event before it", e.ID)
		}
		switch kind := string(e.Type); {
		case strings.HasSuffix(kind, "StateEntered"):
			entered++
		case strings.HasSuffix(kind, "StateExited"):
			left++
		case kind == "ExecutionRedriven", i < len(events)-1 && events[i+1].Type == "ExecutionRedriven":
		case strings.HasPrefix(kind, "Execution") && i > 0 && i < len(events)-1:
			t.Fatalf("%s in the middle", kind)
		}
	}
	if left > entered {
		t.Fatalf("%d states left, %d entered", left, entered)
	}
}
