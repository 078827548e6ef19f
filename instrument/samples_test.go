package instrument_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// failed tells whether the state failed by its own work, or by what is inside it, and
// not in a way that nothing catches.
func (b *bench) failed(x *history.Execution) bool {
	if b.state.Type == asl.Task {
		return b.hits > 0
	}
	events := x.Events()
	for i, e := range events {
		if e.Type != history.EventType(b.state.Type)+"StateFailed" || i+1 == len(events) || e.Details != nil && deref(e.Details.Error) == "States.Runtime" {
			continue
		}
		next := events[i+1]
		if next.Type == "ExecutionFailed" && deref(x.Error) != "States.Runtime" || next.Type.IsExited() && next.Details.Name == b.state.Name {
			return true
		}
	}
	return false
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
		case n == 0 && x.Status == history.Succeeded:
			why = errors.New("nothing of it can be made to fail: it succeeded")
		case n == 0:
			why = fmt.Errorf("%s %s: %s", x.Status, text(x.Error), deref(x.Cause))
		}
	}
	return made{}, nil, why
}

var eventID = regexp.MustCompile(`event id #\d+`)

func comparable(x *history.Execution) string {
	return strings.Join([]string{string(x.Status), text(x.Error), eventID.ReplaceAllString(deref(x.Cause), "event id #N"), x.Output.String()}, " ")
}

// Each state of a sample that can fail is entered with an input made up from what it
// reads, and fails: that reaches the troubleshooter, and the execution ends as it
// would have.
func TestEveryFailureOfTheSamplesReachesTheTroubleshooter(t *testing.T) {
	count := map[asl.Type][2]int{} // all, entered
	var impossible []string
	all := samples(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m := runnable(t, name, filled(t, name, all[name]))
		with := patterned(t, m)
		for _, s := range m.States {
			if s.Type != asl.Task && s.Type != asl.Parallel && s.Type != asl.Map {
				continue
			}
			err := enterAll(t, m, with, s.Name)
			n := count[s.Type]
			n[0]++
			if err == nil {
				n[1]++
			} else {
				impossible = append(impossible, fmt.Sprintf("%s, %s: %v", name, s.Name, err))
			}
			count[s.Type] = n
		}
	}
	n := count[asl.Task]
	t.Logf("entered: %d of %d top-level tasks, impossible: %d", n[1], n[0], n[0]-n[1])
	for _, kind := range []asl.Type{asl.Parallel, asl.Map} {
		t.Logf("entered: %d of %d of type %s", count[kind][1], count[kind][0], kind)
	}
	for _, why := range impossible {
		t.Logf("impossible: %s", why)
	}
	if n[1]*100 < n[0]*99 {
		t.Errorf("that is too few")
	}
}

var (
	placeholder = regexp.MustCompile(`\$\{[^}]*\}`)
	refusal     = regexp.MustCompile(`^engine: state "([^"]*)", (\w+):`)
)

// filled is a template as it could be deployed. A Task that hands its token on calls
// something that waits for it.
func filled(t *testing.T, name, text string) string {
	t.Helper()
	m, err := asl.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var edits []asl.Edit
	for _, s := range m.States {
		if s.Task != nil && placeholder.FindString(s.Task.Resource) == s.Task.Resource && strings.Contains(text[s.Span.Start:s.Span.End], "$$.Task.Token") {
			edits = append(edits, asl.Edit{Span: s.Fields["Resource"], New: `"arn:aws:states:::sqs:sendMessage.waitForTaskToken"`})
		}
	}
	out, err := asl.Apply(text, edits)
	if err != nil {
		t.Fatal(err)
	}
	whole := placeholder.ReplaceAllString(out, "filled")
	if _, err := asl.Parse(name, []byte(whole)); err != nil {
		return out // some are numbers, or stand for more than a name
	}
	return whole
}

// runnable takes from a definition what the engine refuses to begin with, and says so.
func runnable(t *testing.T, name, text string) *asl.Machine {
	t.Helper()
	for {
		m, err := asl.Parse(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&bench{machine: m, state: m.States[0]}).run(made{input: []byte("{}")})
		var refused []string
		if err != nil {
			refused = refusal.FindStringSubmatch(err.Error())
		}
		if refused == nil {
			return m
		}
		t.Logf("%s: entered without what cannot run: %v", name, err)
		doc, err := asl.OpenDocument(text)
		if err != nil {
			t.Fatal(err)
		}
		edit, err := doc.Remove("/States/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(refused[1]) + "/" + refused[2])
		if err != nil {
			t.Fatal(err)
		}
		if text, err = asl.Apply(text, []asl.Edit{edit}); err != nil {
			t.Fatal(err)
		}
	}
}

// patterned are the machines that the pattern makes of one; of all but the first,
// everything that fails is told.
func patterned(t *testing.T, m *asl.Machine) []*asl.Machine {
	t.Helper()
	var all []*asl.Machine
	for _, o := range []instrument.Options{{}, {Handled: true}, {Handled: true, Express: true}} {
		added, err := instrument.Add(m.Source().Name, []byte(m.Source().Text), o)
		if errors.Is(err, instrument.ErrNotExpress) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		with, err := asl.Parse(m.Source().Name, []byte(added.Text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, with)
	}
	return all
}

// enterAll runs a state without the pattern and with it. The error says that it cannot
// be entered.
func enterAll(t *testing.T, m *asl.Machine, with []*asl.Machine, state string) error {
	t.Helper()
	in, plain, err := enter(m, state)
	if err != nil {
		return err
	}
	for n, machine := range with {
		where := fmt.Sprintf("%s, %s, %d", m.Source().Name, state, n)
		b := newBench(machine, state)
		x, err := b.run(in)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		if got, want := comparable(x), comparable(plain); got != want {
			t.Errorf("%s: ends\n%s\nwithout the pattern\n%s\ninput %s", where, got, want, in.input)
		}
		switch {
		case len(b.sent) > 0:
			if err := firstTold(b.sent[0], m.State(state)); err != nil && n > 0 {
				t.Errorf("%s: %v", where, err)
			}
		case n > 0 || len(m.State(state).Catch) == 0:
			t.Errorf("%s: nothing reached the troubleshooter", where)
		}
	}
	return nil
}

// firstTold checks what the troubleshooter was given first.
func firstTold(event string, s *asl.State) error {
	var e struct {
		State   string
		Failure *struct{ Error string }
	}
	if err := json.Unmarshal([]byte(event), &e); err != nil {
		return err
	}
	if e.State != s.Name {
		return fmt.Errorf("it names the state %q", e.State)
	}
	if s.Type == asl.Task && e.Failure != nil && e.Failure.Error != madeUp {
		return fmt.Errorf("it has the error %q", e.Failure.Error)
	}
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
