package diagnose_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
)

func readJSON(t testing.TB, file string, v any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func readHistory(t testing.TB, file string) *history.Execution {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	x, err := history.Parse(b)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return x
}

// label is what is known of a recorded failure.
type label struct {
	Status       string `json:"status"`
	Error, Cause *string
	FailedState  string   `json:"failedState"`
	Entered      int64    `json:"failedStateEnteredEventId"`
	Enclosing    []string `json:"enclosingStates"`
}

func TestEveryRecordedFailureIsLocated(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "conformance/histories"), "*.label.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, definition := range []string{"without", "with"} {
		located := 0
		for _, file := range files {
			base := strings.TrimSuffix(file, ".label.json")
			var want label
			readJSON(t, file, &want)
			var m *asl.Machine
			if definition == "with" {
				m = recordedMachine(t, base)
			}
			if isLocated(t, filepath.Base(base), diagnose.Locate(readHistory(t, base+".json"), m), want) {
				located++
			}
		}
		t.Logf("located: %d of %d (%s definition)", located, len(files), definition)
		if located < len(files) || len(files) == 0 {
			t.Errorf("not all")
		}
	}
}

func recordedMachine(t testing.TB, base string) *asl.Machine {
	var meta struct{ Definition json.RawMessage }
	readJSON(t, base+".meta.json", &meta)
	m, err := asl.Parse("definition", meta.Definition)
	if err != nil {
		t.Logf("%s: %v", filepath.Base(base), err)
	}
	return m
}

func isLocated(t testing.TB, name string, got diagnose.Location, want label) bool {
	f := got.Failure
	if f == nil {
		t.Errorf("%s: no failure found", name)
		return false
	}
	names := slices.DeleteFunc(slices.Clone(f.Path), func(s string) bool { return strings.HasPrefix(s, "[") })
	if f.State != want.FailedState || f.EnteredEvent != want.Entered || text(f.Error) != text(want.Error) || text(f.Cause) != text(want.Cause) || strings.Join(names, "/") != strings.Join(want.Enclosing, "/") {
		t.Errorf("%s: %v/%s entered %d error %s cause %.60s\nwant %v/%s entered %d error %s", name, f.Path, f.State, f.EnteredEvent, text(f.Error), text(f.Cause), want.Enclosing, want.FailedState, want.Entered, text(want.Error))
		return false
	}
	return true
}

func text(s *string) string {
	if s == nil {
		return "<absent>"
	}
	return *s
}

// every recorded history, failed or not, is located without trouble.
func TestRecordedSuccessesHaveNoFailure(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(sharedtest.Dir(t, "conformance/histories"), "*.meta.json"))
	quiet := 0
	for _, file := range files {
		x := readHistory(t, strings.TrimSuffix(file, ".meta.json")+".json")
		got := diagnose.Locate(x, nil)
		if x.Status == history.Succeeded {
			if got.Failure != nil {
				t.Errorf("%s: %+v", filepath.Base(file), got.Failure)
			}
			if got.OtherCount > 0 {
				quiet++
				for _, f := range got.Others {
					t.Logf("%s: %v/%s %s %s -> %s", filepath.Base(file), f.Path, f.State, f.Outcome, text(f.Error), f.EndedAt)
				}
			}
		}
	}
	t.Logf("succeeded with failures inside: %d", quiet)
}
