package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
	"github.com/stepsleuth/stepsleuth/internal/verify"
)

// recordedCase is a case as it comes from a definition and a history.
func recordedCase(t testing.TB, definition, events []byte) *diagnose.Case {
	t.Helper()
	c := &diagnose.Case{Phase: diagnose.Run}
	if len(definition) > 0 && string(definition) != "null" {
		m, err := asl.Parse("", definition)
		if m == nil {
			t.Fatalf("definition: %v", err)
		}
		c.Machine = m
	}
	x, err := history.Parse(events)
	if err != nil {
		t.Fatalf("history: %v", err)
	}
	c.Execution = x
	found := diagnose.Locate(x, c.Machine)
	c.Failure, c.Origin = found.Failure, found.Origin
	return c
}

// withInput puts the input of a case back where its recording has placeholders
// for dates in it.
func withInput(t testing.TB, events []byte, input json.RawMessage) []byte {
	t.Helper()
	var list struct{ Events []map[string]json.RawMessage }
	if err := json.Unmarshal(events, &list); err != nil || len(list.Events) == 0 || len(input) == 0 {
		return events
	}
	var started struct{ Input json.RawMessage }
	if err := json.Unmarshal(list.Events[0]["executionStartedEventDetails"], &started); err != nil {
		return events
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, input); err != nil {
		t.Fatal(err)
	}
	real, err := json.Marshal(compact.String())
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(events, append([]byte(`"input": `), started.Input...), append([]byte(`"input": `), real...))
}

// reproducedFloor is how many of the failures recorded on AWS the replay
// reproduces at least. It goes up only.
const reproducedFloor = 58

// A fix can be proven only where the failure itself can be reproduced.
func TestRecordedFailuresAreReproduced(t *testing.T) {
	dir := filepath.Join(sharedtest.Dir(t, "conformance"), "histories")
	files, err := filepath.Glob(filepath.Join(dir, "*.label.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no labelled histories in %s: %v", dir, err)
	}
	reproduced := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".label.json")
		var meta struct{ Definition, Input json.RawMessage }
		text, err := os.ReadFile(strings.TrimSuffix(file, ".label.json") + ".meta.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &meta); err != nil {
			t.Fatal(err)
		}
		events, err := os.ReadFile(strings.TrimSuffix(file, ".label.json") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		why := verify.Reproduce(context.Background(), recordedCase(t, meta.Definition, events))
		if why != "" {
			why = verify.Reproduce(context.Background(), recordedCase(t, meta.Definition, withInput(t, events, meta.Input)))
		}
		if why != "" {
			t.Logf("not reproduced: %s: %s", name, why)
			continue
		}
		reproduced++
	}
	t.Logf("reproduced: %d of %d", reproduced, len(files))
	if reproduced < reproducedFloor {
		t.Errorf("reproduced %d, want at least %d", reproduced, reproducedFloor)
	}
}
