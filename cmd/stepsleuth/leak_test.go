package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
)

// secretRow is a text with what must not leave in it.
type secretRow struct {
	ID      string
	Text    string
	Secrets []string
}

// canaries are secrets that tell themselves, one of each commonest form.
func canaries() []secretRow {
	// Put together here, so that scanners of this repository find none.
	return []secretRow{
		{"password", `{"dbPassword": "Zq7rT0pW9xLm2"}`, []string{"Zq7rT0pW9xLm2"}},
		{"card", "card 4242 4242 4242 4242 was declined", []string{"4242 4242 4242 4242"}},
		{"mail", "no such user: ana.canary@example.com", []string{"ana.canary@example.com"}},
		{"key", "signed with AK" + "IAPYCDYBK377OXTZQ6 today", []string{"AK" + "IAPYCDYBK377OXTZQ6"}},
		{"bearer", "Authorization: Bearer 720aFzZe7Vv8YuNnJwctGTROxs7qQK7Zym5sEWU4", []string{"720aFzZe7Vv8YuNnJwctGTROxs7qQK7Zym5sEWU4"}},
		{"url", "GET postgres://app:S3cr3tC4n4ry@db.internal/orders failed", []string{"S3cr3tC4n4ry"}},
	}
}

func recordedSecrets(t *testing.T) []secretRow {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedtest.Dir(t, "corpus"), "redaction.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []secretRow
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var wrapped struct {
			Row string `json:"row_b64"`
		}
		if err := json.Unmarshal(lines.Bytes(), &wrapped); err != nil {
			t.Fatal(err)
		}
		text, err := base64.StdEncoding.DecodeString(wrapped.Row)
		if err != nil {
			t.Fatal(err)
		}
		var r secretRow
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// leaving runs a command and returns every byte that leaves it.
func leaving(t *testing.T, dir string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	Main(context.Background(), args, strings.NewReader(""), &out, &out)
	err := filepath.WalkDir(filepath.Join(dir, "outbox"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // no outbox
		}
		text, err := os.ReadFile(path)
		out.Write(text)
		// Quoted-printable folds lines and escapes signs; unfold it.
		out.WriteString(strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func holdsNone(t *testing.T, what, output string, secrets []string) {
	t.Helper()
	if output == "" {
		t.Errorf("%s: nothing came out", what)
	}
	for _, secret := range secrets {
		if strings.Contains(output, secret) {
			t.Errorf("%s: a secret came out", what)
		}
	}
}

// plant makes the files of a workflow that fails, with the text in its input, in
// what the function raises, in the definition's comment and its parameters.
func plant(t *testing.T, dir string, r secretRow) {
	t.Helper()
	machine := map[string]any{
		"Comment": r.Text,
		"StartAt": "Work",
		"States": map[string]any{
			"Work": map[string]any{
				"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Comment": r.Text,
				"Parameters": map[string]any{"FunctionName": "work", "Payload": map[string]any{"note": r.Text, "input.$": "$"}},
				"Next":       "After",
			},
			"After": map[string]any{"Type": "Pass", "End": true},
		},
	}
	input := map[string]any{"note": r.Text, "list": []any{r.Text}}
	functions := map[string]any{"work": map[string]any{"type": "raise", "errorType": "WorkFailed", "errorMessage": r.Text,
		"stackTrace": []string{"  File \"/var/task/app.py\", line 7, in handler\n    raise WorkFailed(" + r.Text + ")\n"}}}
	for name, v := range map[string]any{"machine.asl.json": machine, "input.json": input, "functions.json": functions} {
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// No secret leaves, whichever verb, format and medium.
func TestNothingSecretLeaves(t *testing.T) {
	t.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
	rows := canaries()
	if !testing.Short() {
		rows = append(rows, recordedSecrets(t)...)
	}
	for _, r := range rows {
		t.Run(r.ID, func(t *testing.T) {
			dir := t.TempDir()
			plant(t, dir, r)
			in := func(name string) string { return filepath.Join(dir, name) }
			run := []string{"run", in("machine.asl.json"), "--input", in("input.json"), "--functions", in("functions.json")}
			holdsNone(t, "run --outbox", leaving(t, dir, append(run, "--outbox", in("outbox"), "--save-history", in("history.json"))...), r.Secrets)
			for _, format := range []string{formatText, formatMarkdown, formatJSON} {
				holdsNone(t, "run "+format, leaving(t, dir, append(run, "--format", format)...), r.Secrets)
				holdsNone(t, "diagnose "+format, leaving(t, dir, "diagnose", in("history.json"), "--definition", in("machine.asl.json"),
					"--compare", in("history.json"), "--format", format), r.Secrets)
				holdsNone(t, "verify "+format, leaving(t, dir, "verify", in("history.json"), "--definition", in("machine.asl.json"),
					"--fix", in("machine.asl.json"), "--format", format), r.Secrets)
			}
		})
	}
}

// A bare failure, its state and its name are as private.
func TestNothingSecretLeavesABatch(t *testing.T) {
	t.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
	var batch bytes.Buffer
	var secrets []string
	for i, r := range append(canaries(), recordedSecrets(t)...) {
		line, err := json.Marshal(map[string]any{
			"id": i, "error": "E", "cause": r.Text, "input": map[string]any{"note": r.Text}, "state_name": "S",
			"state": map[string]any{"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": map[string]any{"MessageBody": r.Text}, "End": true},
		})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&batch, "%s\n", line)
		secrets = append(secrets, r.Secrets...)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "batch.jsonl")
	if err := os.WriteFile(file, batch.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	holdsNone(t, "diagnose --batch", leaving(t, dir, "diagnose", "--batch", file), secrets)
}

// What a model is shown, and what is kept of its answer, is as clean.
func TestNothingSecretReachesAModelOrItsCache(t *testing.T) {
	t.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
	var mu sync.Mutex
	var asked bytes.Buffer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&asked, "%s %s %v\n", r.Method, r.URL, r.Header)
		_, _ = io.Copy(&asked, r.Body)
		const answer = `{"category": "other", "root_cause": "Nothing more can be said.", "explanation": "", "claims": [], "remediation": [], "prevention": []}`
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": answer}}}})
	}))
	defer server.Close()
	rows := canaries()
	if !testing.Short() {
		rows = append(rows, recordedSecrets(t)...)
	}
	for _, r := range rows {
		t.Run(r.ID, func(t *testing.T) {
			dir := t.TempDir()
			plant(t, dir, r)
			config := filepath.Join(dir, "stepsleuth.yaml")
			if err := os.WriteFile(config, []byte("modelCache: "+filepath.Join(dir, "cache")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			asked.Reset()
			leaving(t, dir, "run", filepath.Join(dir, "machine.asl.json"), "--input", filepath.Join(dir, "input.json"),
				"--functions", filepath.Join(dir, "functions.json"), "--config", config, "--model", "openai:test@"+server.URL)
			holdsNone(t, "the prompt", asked.String(), r.Secrets)
			var kept bytes.Buffer
			err := filepath.WalkDir(filepath.Join(dir, "cache"), func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				text, err := os.ReadFile(path)
				kept.Write(text)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			holdsNone(t, "the cache", kept.String(), r.Secrets)
		})
	}
}
