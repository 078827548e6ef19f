package engine_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

// maker writes random machines of both query languages.
type maker struct {
	*rand.Rand
	names int
}

func (m *maker) pick(list ...string) string { return list[m.IntN(len(list))] }

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
	states = append(states, fmt.Sprintf("%q:%s", names[n], m.pick(`{"Type":"Succeed"}`, `{"Type":"Fail","Error":"Last"}`, `{"Type":"Fail"}`, `{"Type":"Pass","End":true}`)))
	return fmt.Sprintf(`{"StartAt":%q,"States":{%s}}`, names[0], strings.Join(states, ","))
}

func (m *maker) state(depth int, names []string, next string) string {
	handlers := fmt.Sprintf(`"Retry":[{"ErrorEquals":[%q],"IntervalSeconds":%d,"MaxAttempts":%d,"BackoffRate":%s,"JitterStrategy":%q}],"Catch":[{"ErrorEquals":[%q],"Next":%q}],`,
		m.pick("E", "States.ALL", "States.Timeout", "States.TaskFailed"), 1+m.IntN(9), m.IntN(3), m.pick("1", "2.5"), m.pick("FULL", "NONE"),
		m.pick("E", "States.ALL", "States.Runtime", "States.DataLimitExceeded"), names[m.IntN(len(names))])
	if m.IntN(3) == 0 {
		handlers = ""
	}
	out := fmt.Sprintf(`"Next":%q}`, next)
	switch kind := m.IntN(8); {
	case kind == 0 && depth > 0:
		return fmt.Sprintf(`{"Type":"Parallel","Branches":[%s,%s],%s%s`, m.machine(depth-1), m.machine(depth-1), handlers, out)
	case kind == 1 && depth > 0:
		mode := m.pick("INLINE", `DISTRIBUTED","ExecutionType":"STANDARD`)
		body := strings.Replace(m.machine(depth-1), `{"StartAt"`, `{"ProcessorConfig":{"Mode":"`+mode+`"},"StartAt"`, 1)
		return fmt.Sprintf(`{"Type":"Map","ItemsPath":%q,"MaxConcurrency":%d,"ItemProcessor":%s,"ResultPath":"$.m",%s%s`,
			m.pick("$.list", "$.gone", "$.n"), m.IntN(3), body, handlers, out)
	case kind <= 3:
		return fmt.Sprintf(`{"Type":"Task","Resource":%q,%s%s%s`, lambda, m.pick("", `"TimeoutSeconds":5,`, `"ResultPath":"$.r",`, `"OutputPath":"$.gone",`), handlers, out)
	case kind == 4:
		return fmt.Sprintf(`{"Type":"Choice","Choices":[{"Variable":%q,"NumericGreaterThan":1,"Next":%q},{"Not":{"Variable":"$.n","IsPresent":true},"Next":%q}],"Default":%q}`,
			m.pick("$.n", "$.gone"), names[m.IntN(len(names))], next, next)
	case kind == 5:
		return fmt.Sprintf(`{"Type":"Wait",%s,%s`, m.pick(`"Seconds":7`, `"SecondsPath":"$.n"`, `"SecondsPath":"$.gone"`, `"Timestamp":"2030-01-01T00:00:00Z"`), out)
	case kind == 6:
		return fmt.Sprintf(`{"Type":"Pass","QueryLanguage":"JSONata","Output":%q,"Assign":{"v":"{%% $uuid() %%}"},%s`,
			m.pick("{% $merge([$states.input, {'n': $random()}]) %}", "{% $states.input.gone %}", "{% $states.context.Execution.Name %}"), out)
	}
	return fmt.Sprintf(`{"Type":"Pass",%s%s`, m.pick("", `"Parameters":{"list":[1,2,3],"n":2,"u.$":"States.UUID()"},`, `"Assign":{"v.$":"$.n"},`, `"InputPath":"$.list",`), out)
}

// chance answers a task by its name and attempt alone.
func chance(seed uint64) engine.TaskHandler {
	return engine.TaskFunc(func(ctx context.Context, task *engine.Task) (engine.Result, error) {
		h := fnv.New64a()
		fmt.Fprint(h, seed, task.State, task.Call, string(task.Input()))
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

func FuzzRun(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		text := (&maker{Rand: rand.New(rand.NewPCG(seed, 1))}).machine(3)
		m, err := asl.Parse("", []byte(text))
		if err != nil {
			t.Skip("no machine that Step Functions would take: ", err)
		}
		once := func() string {
			e := &engine.Engine{Tasks: chance(seed), Clock: engine.VirtualClock(start)}
			x, err := e.RunRequest(context.Background(), engine.Request{
				Machine: m, Input: []byte(`{"list":[1,{"n":2},3],"n":2}`), Seed: seed, Limits: engine.Limits{Events: 400, PayloadBytes: 4000},
			})
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			check(t, x)
			return written(t, x)
		}
		if a, b := once(), once(); a != b {
			t.Fatalf("two runs differ:\n%s\n%s\n%s", text, a, b)
		}
	})
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
		case strings.HasPrefix(kind, "Execution") && i > 0 && i < len(events)-1:
			t.Fatalf("%s in the middle", kind)
		}
	}
	if left > entered {
		t.Fatalf("%d states left, %d entered", left, entered)
	}
}
