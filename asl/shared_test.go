package asl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
)

// shared is a folder of recorded cases.
func shared(t testing.TB, name string) string { return sharedtest.Dir(t, name) }

// archive reads a txtar file: its files by name, what stands before them as "".
func archive(t testing.TB, file string) map[string]string {
	t.Helper()
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
	return part
}

// recorded is what these tests read of a case that was recorded on AWS.
type recorded struct {
	File          string          `json:"-"`
	ID            string          `json:"id"`
	Kind          string          `json:"kind"`
	Group         string          `json:"group"`
	Provenance    string          `json:"provenance"`
	Definition    json.RawMessage `json:"definition"`
	DefinitionRaw string          `json:"definitionRaw"`
	Runs          []struct {
		Definition json.RawMessage `json:"definition"`
	} `json:"runs"`
	Request struct {
		Operation string `json:"operation"`
		Type      string `json:"type"`
	} `json:"request"`
	Steps []struct {
		Operation string `json:"operation"`
		Params    struct {
			Definition string `json:"definition"`
			Type       string `json:"type"`
		} `json:"params"`
	} `json:"steps"`
	Expected json.RawMessage `json:"expected"`
}

// text is the definition as it was sent: an object, or any text.
func (c *recorded) text() []byte {
	if c.DefinitionRaw != "" {
		return []byte(c.DefinitionRaw)
	}
	return c.Definition
}

func recordings(t testing.TB) []*recorded {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(shared(t, "conformance/cases"), "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded cases: %v", err)
	}
	var out []*recorded
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := &recorded{File: filepath.Base(file)}
		if err := json.Unmarshal(text, c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, c)
	}
	return out
}

// definitions are the machines of a case that AWS ran.
func (c *recorded) definitions() [][]byte {
	if c.Kind != "execution-table" {
		return [][]byte{c.text()}
	}
	var out [][]byte
	for _, run := range c.Runs {
		out = append(out, run.Definition)
	}
	return out
}

func TestWhatAWSAcceptedParses(t *testing.T) {
	machines := 0
	for _, c := range recordings(t) {
		switch c.Kind {
		case "execution", "express-sync", "express-async", "mocked", "execution-table":
			for _, text := range c.definitions() {
				machines++
				if _, err := asl.Parse("", text); err != nil {
					t.Errorf("%s:\n%v\n%s", c.ID, err, text)
				}
			}
		}
	}
	t.Logf("%d definitions that ran on AWS parse", machines)
}

func TestWhatTestStateAcceptedParses(t *testing.T) {
	states := 0
	for _, c := range recordings(t) {
		if c.Kind != "test-state" || len(c.text()) == 0 || strings.Contains(string(c.Expected), "InvalidDefinition") {
			continue
		}
		states++
		if err := parseEither(c.text()); err != nil {
			t.Errorf("%s:\n%v\n%s", c.ID, err, c.text())
		}
	}
	t.Logf("%d definitions that TestState took parse", states)
}

// parseEither parses what TestState takes: a state, or a machine with it.
func parseEither(text []byte) error {
	var machine struct{ States json.RawMessage }
	if json.Unmarshal(text, &machine) == nil && machine.States != nil {
		_, err := asl.Parse("", text)
		return err
	}
	_, err := asl.ParseState("StateName", text)
	return err
}

func TestSamplesParse(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "samples"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	refused := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := asl.Parse(filepath.Base(file), text)
		if err != nil {
			refused++
			t.Errorf("refused:\n%v", err)
			continue
		}
		for _, w := range m.Warnings() {
			t.Log(w)
		}
	}
	t.Logf("%d of %d samples parse", len(files)-refused, len(files))
}
