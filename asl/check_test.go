package asl_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
)

var update = flag.Bool("update", false, "write what is found into testdata/check")

// TestChecks runs testdata/check: each archive holds a definition and what is to be
// said about it, errors and warnings.
func TestChecks(t *testing.T) {
	files, err := filepath.Glob("testdata/check/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			part := archive(t, file)
			got := findings(part["asl.json"])
			if *update {
				text := part[""] + "-- asl.json --\n" + part["asl.json"] + "-- want --\n" + got
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != part["want"] {
				t.Errorf("got\n%swant\n%s", got, part["want"])
			}
		})
	}
}

// findings are the errors, then the warnings, a line each.
func findings(text string) string {
	m, err := asl.Parse("asl.json", []byte(text))
	var b strings.Builder
	var list asl.ErrorList
	if errors.As(err, &list) {
		for _, e := range list {
			b.WriteString(e.Error() + "\n")
		}
	}
	if m != nil {
		for _, w := range m.Warnings() {
			b.WriteString(w.Error() + "\n")
		}
	}
	return b.String()
}
