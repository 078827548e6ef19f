package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
)

func samples(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "samples"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = string(text)
	}
	return all
}

// Every sample, in either query language, is instrumented and restored.
func TestSamples(t *testing.T) {
	all, done := samples(t), 0
	for name, text := range all {
		whole := true
		for _, o := range []instrument.Options{{}, {After: instrument.Succeed}, {Handled: true}, {Express: true, Handled: true}} {
			whole = roundTripWith(t, name, text, o) != nil && whole
		}
		if whole {
			done++
		}
	}
	t.Logf("samples instrumented and restored, in four ways: %d of %d", done, len(all))
}

const madeUp = "Made.Up"

// bench runs one state of a machine, which fails.
type bench struct {
	machine *asl.Machine
	state   *asl.State
	inside  map[string]bool // the state, and those inside it

	mu   sync.Mutex
	hits int      // times that its work was tried
	sent []string // what reached the troubleshooter
}

func newBench(m *asl.Machine, state string) *bench {
	b := &bench{machine: m, state: m.State(state), inside: map[string]bool{state: true}}
	for _, nested := range append(b.state.Branch, processor(b.state)...) {
		nested.Walk(func(_ []string, s *asl.State) { b.inside[s.Name] = true })
	}
	return b
}

func processor(s *asl.State) []*asl.Machine {
	if s.Map == nil || s.Map.Processor == nil {
		return nil
	}
	return []*asl.Machine{s.Map.Processor}
}

// HandleTask fails what belongs to the state, and answers for the rest.
func (b *bench) HandleTask(_ context.Context, t *engine.Task) (engine.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.inside[t.State]:
		b.hits++
		return engine.Result{}, engine.NewTaskError(madeUp, "by the test")
	case instrument.Added(t.State) && strings.HasSuffix(t.Resource, ":lambda:invoke"):
		b.sent = append(b.sent, string(t.Parameter("Payload")))
		return engine.JSON(diagnosis), nil
	case strings.HasSuffix(t.Resource, ".waitForTaskToken") || strings.Contains(t.Resource, ":activity:"):
		return engine.Result{}, engine.NewTaskError("Other.Up", "nobody answers")
	}
	return engine.JSON(`{}`), nil
}

// HandleMapRun fails a distributed Map as a whole.
func (b *bench) HandleMapRun(ctx context.Context, t *engine.Task) (engine.Result, error) {
	return b.HandleTask(ctx, t)
}

func (b *bench) run(in made) (*history.Execution, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	e := engine.Engine{Tasks: b, Clock: engine.VirtualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	return e.RunRequest(ctx, engine.Request{Machine: b.machine, Input: in.input, Variables: in.variables, StartAt: b.state.Name, Limits: engine.Limits{Events: 4000}})
}

// failed tells whether the state failed as it was to: its own work, or that of what is
// inside it.
func (b *bench) failed(x *history.Execution) bool {
	if b.state.Type == asl.Task {
		return b.hits > 0
	}
	for _, e := range x.Events() {
		if e.Type == history.EventType(b.state.Type)+"StateFailed" && e.Details != nil && e.Details.Error != nil && *e.Details.Error == madeUp {
			return true
		}
	}
	return b.hits > 0 && x.Error != nil && *x.Error == madeUp
}

// enter finds an input with which the state does its work, and the way the execution
// ends then. The error says why there is none.
func enter(m *asl.Machine, state string) (made, *history.Execution, error) {
	const attempts = 400
	g := newGuess(m.State(state))
	var why error
	for n := range attempts {
		in := g.make(n)
		b := newBench(m, state)
		x, err := b.run(in)
		switch {
		case err != nil:
			why = err
		case b.failed(x):
			return in, x, nil
		case n == 0:
			why = fmt.Errorf("%s %s: %.150s", x.Status, text(x.Error), text(x.Cause))
		}
	}
	return made{}, nil, why
}

var eventID = regexp.MustCompile(`event id #\d+`)

func comparable(x *history.Execution) string {
	return strings.Join([]string{string(x.Status), text(x.Error), eventID.ReplaceAllString(fmt.Sprint(text(x.Cause)), "event id #N")}, " ")
}

// Each state of a sample that can fail is entered with an input made up from what it
// reads, and fails: that reaches the troubleshooter, and the execution ends as it
// would have.
func TestEveryFailureOfTheSamplesReachesTheTroubleshooter(t *testing.T) {
	var mu sync.Mutex
	count := map[asl.Type][2]int{} // all, entered
	var impossible []string
	for name, text := range samples(t) {
		m, err := asl.Parse(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		added, err := instrument.Add(name, []byte(text), instrument.Options{Handled: true})
		if err != nil {
			t.Fatal(err)
		}
		with, err := asl.Parse(name, []byte(added.Text))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range m.States {
			if s.Type != asl.Task && s.Type != asl.Parallel && s.Type != asl.Map {
				continue
			}
			err := enterBoth(t, m, with, s.Name)
			mu.Lock()
			n := count[s.Type]
			n[0]++
			if err == nil {
				n[1]++
			} else {
				impossible = append(impossible, fmt.Sprintf("%s, %s: %v", name, s.Name, err))
			}
			count[s.Type] = n
			mu.Unlock()
		}
	}
	for kind, n := range count {
		t.Logf("%s: entered %d of %d", kind, n[1], n[0])
	}
	for _, why := range impossible {
		t.Logf("impossible: %s", why)
	}
	if n := count[asl.Task]; n[1]*100 < n[0]*95 {
		t.Errorf("tasks: entered %d of %d, which is too few", n[1], n[0])
	}
}

// enterBoth runs a state with and without the pattern. The error says that it cannot be
// entered.
func enterBoth(t *testing.T, m, with *asl.Machine, state string) error {
	t.Helper()
	in, plain, err := enter(m, state)
	if err != nil {
		return err
	}
	where := m.Source().Name + ", " + state
	b := newBench(with, state)
	x, err := b.run(in)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return nil
	}
	if got, want := comparable(x), comparable(plain); got != want {
		t.Errorf("%s: ends\n%s\nwithout the pattern\n%s\ninput %s", where, got, want, in.input)
	}
	if len(b.sent) == 0 {
		t.Errorf("%s: nothing reached the troubleshooter", where)
		return nil
	}
	if err := firstTold(b.sent[0], state); err != nil {
		t.Errorf("%s: %v", where, err)
	}
	return nil
}

// firstTold checks what the troubleshooter was given first.
func firstTold(event, state string) error {
	if !strings.Contains(event, `"state":`+string(marshal(state))) {
		return fmt.Errorf("it names another state: %.300s", event)
	}
	if strings.Contains(event, `"failure":`) && !strings.Contains(event, madeUp) {
		return errors.New("it has another error: " + event)
	}
	return nil
}
