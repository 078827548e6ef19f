package redact_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/redact"
)

// row is an example: no secret may survive, every keep must.
type row struct {
	ID      string
	Text    string
	Secrets []string
	Keep    []string
}

func (r row) check(t *testing.T, out string) {
	t.Helper()
	for _, secret := range r.Secrets {
		if strings.Contains(out, secret) {
			t.Errorf("secret %q survives\n in  %s\n out %s", secret, r.Text, out)
		}
	}
	for _, keep := range r.Keep {
		if !strings.Contains(out, keep) {
			t.Errorf("%q does not survive\n in  %s\n out %s", keep, r.Text, out)
		}
	}
}

func TestRecordedRows(t *testing.T) {
	for _, row := range recordedRows(t) {
		t.Run(row.ID, func(t *testing.T) {
			var r redact.Redactor
			out := r.Text(row.Text).String()
			row.check(t, out)
			if json.Valid([]byte(row.Text)) {
				structured := r.JSON([]byte(row.Text)).String()
				row.check(t, structured)
				if !json.Valid([]byte(structured)) {
					t.Errorf("not valid JSON any more: %s", structured)
				}
			}
		})
	}
}

// recordedRows reads the corpus that stands beside a maintainer's checkout.
func recordedRows(t testing.TB) []row {
	t.Helper()
	dir := sharedDir(t)
	file, err := os.Open(filepath.Join(dir, "corpus", "redaction.jsonl"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no corpus: %v", err)
	}
	defer file.Close()
	var rows []row
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var line struct {
			ID  string `json:"id"`
			Row []byte `json:"row_b64"`
		}
		var r row
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(line.Row, &r); err != nil {
			t.Fatal(err)
		}
		r.ID = line.ID
		rows = append(rows, r)
	}
	return rows
}

// sharedDir is ../shared of the repository's root.
func sharedDir(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared")
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		t.Fatal("no go.mod above the tests")
	}
}
