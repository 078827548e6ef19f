package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
)

// Every failure that was recorded on AWS makes a valid document, which every medium can show.
func TestRecordedFailures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "conformance"), "histories", "*.label.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d histories, %v", len(files), err)
	}
	doctor := &diagnose.Doctor{Rules: rules.All(), Redact: redactor()}
	lines := 0
	for _, file := range files {
		base := strings.TrimSuffix(file, ".label.json")
		d, err := doctor.Diagnose(t.Context(), recorded(t, base))
		if err != nil {
			t.Fatal(err)
		}
		doc := document(t, d, report.Options{})
		out := string(text(t, doc, report.Style{}))
		lines += strings.Count(out, "\n")
		for _, line := range strings.Split(out, "\n") {
			if utf8.RuneCountInString(line) > 100 && !strings.Contains(line, "-->") && !strings.HasPrefix(line, "next ") {
				t.Errorf("%s: too wide: %s", filepath.Base(base), line)
			}
		}
		var md bytes.Buffer
		if err := report.Markdown(&md, doc); err != nil {
			t.Fatal(err)
		}
		if what := breaksOut(t, md.String()); what != "" {
			t.Errorf("%s: %s", filepath.Base(base), what)
		}
		mail, _ := report.Mail(doc)
		if subject := mail.String(); len(subject) >= 100 || !strings.Contains(subject, "FAILED") && !strings.Contains(subject, "TIMED_OUT") && !strings.Contains(subject, "ABORTED") {
			t.Errorf("%s: subject %q", filepath.Base(base), subject)
		}
		if os.Getenv("STEPSLEUTH_SHOW") != "" && strings.Contains(base, os.Getenv("STEPSLEUTH_SHOW")) {
			t.Logf("%s\n%s", filepath.Base(base), out)
		}
	}
	if mean := lines / len(files); mean > 28 {
		t.Errorf("a report has %d lines on the average", mean)
	}
}

func recorded(t *testing.T, base string) *diagnose.Case {
	t.Helper()
	raw, err := os.ReadFile(base + ".json")
	if err != nil {
		t.Fatal(err)
	}
	x, err := history.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	var meta struct{ Definition json.RawMessage }
	if raw, err = os.ReadFile(base + ".meta.json"); err != nil || json.Unmarshal(raw, &meta) != nil {
		t.Fatal(base, err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, meta.Definition, "", "  "); err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("definition.asl.json", pretty.Bytes())
	if err != nil {
		t.Logf("%s: %v", filepath.Base(base), err) // AWS ran it; a definition that is not understood is no reason to say nothing
	}
	return diagnose.NewCase(m, x)
}
