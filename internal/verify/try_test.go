package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/verify"
)

var _ diagnose.TryFunc = verify.Try

// TestTry runs testdata/try. Each archive holds
//
//	definition.json   what ran; absent: not known
//	history.json      what AWS recorded, an event a line, or
//	run.json          how to make a history with the engine: see scenario
//	fix               edits, a line each: set POINTER JSON, insert POINTER KEY JSON,
//	                  remove POINTER
//	want              the badge, and below it How
func TestTry(t *testing.T) {
	for name, part := range archives(t, "testdata/try") {
		t.Run(name, func(t *testing.T) {
			c := caseOf(t, part)
			got := verify.Try(context.Background(), c, diagnose.Remedy{Edits: edits(t, part)})
			if text := string(got.Status) + "\n" + got.How; text != strings.TrimSpace(part["want"]) {
				t.Errorf("got\n%s\nwant\n%s", text, part["want"])
			}
			if again := verify.Try(context.Background(), c, diagnose.Remedy{Edits: edits(t, part)}); again != got {
				t.Errorf("the second time it says\n%+v", again)
			}
		})
	}
}

// All four badges have to be among the cases, or nobody would notice that one is never given.
func TestTryCasesHaveEveryBadge(t *testing.T) {
	count := map[string]int{}
	for _, part := range archives(t, "testdata/try") {
		badge, _, _ := strings.Cut(part["want"], "\n")
		count[badge]++
	}
	t.Log(count)
	for _, badge := range []diagnose.VerificationStatus{diagnose.Verified, diagnose.Partial, diagnose.Refuted, diagnose.Unverifiable} {
		if count[string(badge)] < 3 {
			t.Errorf("%d cases are %s, want 3", count[string(badge)], badge)
		}
	}
}

func TestTryWithoutMuch(t *testing.T) {
	m, err := asl.Parse("", []byte(`{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	edit := diagnose.Remedy{Edits: []asl.Edit{{New: " "}}}
	for name, c := range map[string]*diagnose.Case{
		"nothing":    {},
		"no history": {Machine: m, Failure: &diagnose.Failure{State: "A"}},
		"no failure": {Machine: m, Execution: run(t, m, scenario{})},
	} {
		if got := verify.Try(context.Background(), c, edit); got.Status != diagnose.Unverifiable || got.How == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	c := caseOf(t, archives(t, "testdata/try")["choice_variable_verified"])
	if got := verify.Try(context.Background(), c, diagnose.Remedy{}); got.Status != diagnose.Unverifiable {
		t.Errorf("no edits: %+v", got)
	}
	if got := verify.Try(context.Background(), c, diagnose.Remedy{Edits: []asl.Edit{{Span: asl.Span{Start: 1 << 20, End: 1 << 20}}}}); got.Status != diagnose.Refuted {
		t.Errorf("an edit outside the text: %+v", got)
	}
}

func TestTryHeedsItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	part := archives(t, "testdata/try")["choice_variable_verified"]
	got := verify.Try(ctx, caseOf(t, part), diagnose.Remedy{Edits: edits(t, part)})
	if want := (diagnose.Verification{Status: diagnose.Unverifiable, How: "the replay ran out of time"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// scenario says how the engine makes a history.
type scenario struct {
	Input json.RawMessage
	Tasks map[string][]reply // by state, or state and input, in the order of the calls
	First int64              // the events before are cut off
	Last  int64              // the events after are cut off
	Name  string
	Start time.Time
}

// reply is what a task answers.
type reply struct {
	Output json.RawMessage
	Error  string
	Cause  string
	Takes  float64 // seconds
}

func run(t testing.TB, m *asl.Machine, s scenario) *history.Execution {
	t.Helper()
	if s.Start.IsZero() {
		s.Start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	}
	h := &replies{left: s.Tasks}
	e := &engine.Engine{Tasks: engine.TaskFunc(h.handle), Clock: engine.VirtualClock(s.Start)}
	x, err := e.RunRequest(context.Background(), engine.Request{
		Machine: m, Input: s.Input, Seed: 77, Name: s.Name,
		StateMachineARN: "arn:aws:states:eu-central-1:111122223333:stateMachine:orders",
	})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := history.Write(&text, x); err != nil {
		t.Fatal(err)
	}
	if x, err = history.Parse(text.Bytes()); err != nil {
		t.Fatal(err)
	}
	return cut(t, x, s)
}

// cut leaves events out, as a page or a limit does.
func cut(t testing.TB, x *history.Execution, s scenario) *history.Execution {
	t.Helper()
	if s.First == 0 && s.Last == 0 {
		return x
	}
	var kept []history.Event
	for _, e := range x.Events() {
		if e.ID >= s.First && (s.Last == 0 || e.ID <= s.Last) {
			kept = append(kept, e)
		}
	}
	part := &history.Execution{Status: x.Status, Error: x.Error, Cause: x.Cause, Incomplete: true}
	part.SetEvents(kept)
	return part
}

type replies struct {
	mu   sync.Mutex
	left map[string][]reply
}

func (r *replies) handle(ctx context.Context, t *engine.Task) (engine.Result, error) {
	key := t.State + " " + string(t.Input())
	r.mu.Lock()
	if _, ok := r.left[key]; !ok {
		key = t.State
	}
	list := r.left[key]
	if len(list) > 0 {
		r.left[key] = list[1:]
	}
	r.mu.Unlock()
	if len(list) == 0 {
		return t.Echo(), nil
	}
	if d := list[0].Takes; d > 0 {
		if err := t.Sleep(ctx, time.Duration(d*float64(time.Second))); err != nil {
			return engine.Result{}, err
		}
	}
	if list[0].Error != "" {
		return engine.Result{}, engine.NewTaskError(list[0].Error, list[0].Cause)
	}
	return engine.Result{Output: list[0].Output}, nil
}

func caseOf(t testing.TB, part map[string]string) *diagnose.Case {
	t.Helper()
	var m *asl.Machine
	if text := part["definition.json"]; text != "" {
		var err error
		if m, err = asl.Parse("order.asl.json", []byte(text)); m == nil {
			t.Fatal(err)
		}
	}
	if text := part["history.json"]; text != "" {
		x, err := history.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return diagnose.NewCase(m, x)
	}
	var s scenario
	if err := json.Unmarshal([]byte(part["run.json"]), &s); err != nil {
		t.Fatal(err)
	}
	return diagnose.NewCase(m, run(t, m, s))
}

func edits(t testing.TB, part map[string]string) []asl.Edit {
	t.Helper()
	text := part["definition.json"]
	if text == "" {
		return []asl.Edit{{New: " "}}
	}
	doc, err := asl.OpenDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	var list []asl.Edit
	for line := range strings.Lines(part["fix"]) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		var e asl.Edit
		switch f[0] {
		case "set":
			e, err = doc.Set(f[1], f[2])
		case "insert":
			key, val, _ := strings.Cut(f[2], " ")
			e, err = doc.Insert(f[1], "", key, val)
		case "remove":
			e, err = doc.Remove(f[1])
		default:
			t.Fatalf("no edit %q", line)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		list = append(list, e)
	}
	return list
}

// archives reads the archives of a folder by name: text, and files between lines "-- name --".
func archives(t testing.TB, dir string) map[string]map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives in %s: %v", dir, err)
	}
	all := map[string]map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		part, name := map[string]string{}, ""
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(rest, " --\n") {
				name = strings.TrimSuffix(rest, " --\n")
				continue
			}
			part[name] += line
		}
		all[strings.TrimSuffix(filepath.Base(file), ".txtar")] = part
	}
	return all
}
