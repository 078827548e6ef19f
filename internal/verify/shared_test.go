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
	var m *asl.Machine
	if len(definition) > 0 && string(definition) != "null" {
		var err error
		if m, err = asl.Parse("", definition); m == nil {
			t.Fatalf("definition: %v", err)
		}
	}
	x, err := history.Parse(events)
	if err != nil {
		t.Fatalf("history: %v", err)
	}
	return diagnose.NewCase(m, x)
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
const reproducedFloor = 71

// A fix can be proven only where the failure itself can be reproduced.
func TestRecordedFailuresAreReproduced(t *testing.T) {
	all, reproduced := recordings(t), 0
	failed := 0
	for _, r := range all {
		if r.meta.Status == string(history.Succeeded) || r.meta.Status == string(history.Running) {
			continue
		}
		failed++
		why := verify.Reproduce(context.Background(), recordedCase(t, r.meta.Definition, r.events))
		if why != "" {
			why = verify.Reproduce(context.Background(), recordedCase(t, r.meta.Definition, withInput(t, r.events, r.meta.Input)))
		}
		if why != "" {
			t.Logf("not reproduced: %s: %s", r.name, why)
			continue
		}
		reproduced++
	}
	t.Logf("reproduced: %d of %d", reproduced, failed)
	if reproduced < reproducedFloor {
		t.Errorf("reproduced %d, want at least %d", reproduced, reproducedFloor)
	}
}

// A change that changes nothing proves nothing, whatever failed.
func TestNoFixIsNeverVerified(t *testing.T) {
	tried := 0
	for _, r := range recordings(t) {
		if r.meta.Status == string(history.Succeeded) || string(r.meta.Definition) == "null" {
			continue
		}
		c := recordedCase(t, r.meta.Definition, r.events)
		doc, err := asl.OpenDocument(string(r.meta.Definition))
		if err != nil {
			t.Fatal(err)
		}
		edit, err := doc.Insert("", "", "Comment", `"a fix"`)
		if err != nil {
			if edit, err = doc.Set("/Comment", `"a fix"`); err != nil {
				t.Fatal(err)
			}
		}
		switch got := verify.Try(context.Background(), c, diagnose.Remedy{Edits: []asl.Edit{edit}}); {
		case got.Status == diagnose.Refuted:
			tried++
		case got.Status != diagnose.Unverifiable:
			t.Errorf("%s: %+v", r.name, got)
		}
	}
	if tried < reproducedFloor-10 {
		t.Errorf("only %d were tried", tried)
	}
}

// sameFloor is how many of the executions that succeeded on AWS the replay ends
// as recorded, every state with the output recorded. It goes up only.
const sameFloor = 232

func TestRecordedSuccessesReplayAsRecorded(t *testing.T) {
	same, total := 0, 0
	for _, r := range recordings(t) {
		if r.meta.Status != string(history.Succeeded) || string(r.meta.Definition) == "null" || r.meta.IDsLost {
			continue
		}
		total++
		res, err := verify.Replay(context.Background(), recordedCase(t, nil, r.events), string(r.meta.Definition))
		switch {
		case err != nil:
			t.Logf("not run: %s: %v", r.name, err)
		case res.Unknown != nil:
			t.Logf("not answered: %s: %s", r.name, res.Unknown.Reason)
		case res.Status != history.Succeeded:
			t.Logf("ends %s: %s: at %s", res.Status, r.name, res.State)
		case res.Difference != nil:
			t.Logf("differs: %s: %+v", r.name, *res.Difference)
		default:
			same++
		}
	}
	t.Logf("same: %d of %d", same, total)
	if same < sameFloor {
		t.Errorf("%d replay as recorded, want at least %d", same, sameFloor)
	}
}

// recording is a history recorded on AWS.
type recording struct {
	name   string
	events []byte
	meta   struct {
		Definition, Input json.RawMessage
		Status            string
		IDsLost           bool // its events do not say what they follow
	}
}

func recordings(t testing.TB) []recording {
	t.Helper()
	dir := filepath.Join(sharedtest.Dir(t, "conformance"), "histories")
	files, err := filepath.Glob(filepath.Join(dir, "*.meta.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories in %s: %v", dir, err)
	}
	list := make([]recording, len(files))
	for i, file := range files {
		r := &list[i]
		r.name = strings.TrimSuffix(filepath.Base(file), ".meta.json")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &r.meta); err != nil {
			t.Fatal(err)
		}
		if r.events, err = os.ReadFile(filepath.Join(dir, r.name+".json")); err != nil {
			t.Fatal(err)
		}
	}
	return list
}
