package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// watched is an output that tells when something has been written to it.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	select {
	case w.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// await returns the first match in what is written, now or later.
func (w *watched) await(t *testing.T, form string) string {
	t.Helper()
	expr := regexp.MustCompile(form)
	for {
		if m := expr.FindString(w.String()); m != "" {
			return m
		}
		select {
		case <-w.more:
		case <-t.Context().Done():
			t.Fatalf("no %s in %s", form, w)
		}
	}
}

// What serve prints of executions that failed is redacted; its API answers what is the
// caller's own, as AWS does.
func TestNothingSecretIsServed(t *testing.T) {
	t.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
	for _, r := range canaries() {
		t.Run(r.ID, func(t *testing.T) {
			dir := t.TempDir()
			plant(t, dir, r)
			definition, err := os.ReadFile(filepath.Join(dir, "machine.asl.json"))
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			out := &watched{more: make(chan struct{}, 1)}
			var wg sync.WaitGroup
			wg.Go(func() {
				Main(ctx, []string{"serve", "--addr", "127.0.0.1:0", "--virtual-time", "--functions", filepath.Join(dir, "functions.json")}, strings.NewReader(""), out, out)
			})
			url := out.await(t, `http://\S+`)
			call(t, url, "CreateStateMachine", map[string]any{"name": "m", "definition": string(definition), "roleArn": "arn:aws:iam::123456789012:role/r"})
			input, _ := json.Marshal(map[string]string{"note": r.Text})
			call(t, url, "StartExecution", map[string]any{"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m", "input": string(input)})
			out.await(t, `fingerprint`)
			// What is refused is answered to the caller and logged nowhere.
			call(t, url, "StartExecution", map[string]any{"stateMachineArn": r.Text, "input": r.Text})
			stop()
			wg.Wait()
			holdsNone(t, "serve", out.String(), r.Secrets)
		})
	}
}

func call(t *testing.T, url, action string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "AWSStepFunctions."+action)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
}

// What a function prints where it runs on this machine is evidence, and redacted.
func TestNothingSecretLeavesALocalLog(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("NOT TESTED: no python3 on this machine")
	}
	t.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
	for _, r := range canaries() {
		t.Run(r.ID, func(t *testing.T) {
			dir := t.TempDir()
			plant(t, dir, r)
			if err := os.Mkdir(filepath.Join(dir, "src"), 0o700); err != nil {
				t.Fatal(err)
			}
			said, _ := json.Marshal(r.Text) // a string of Python as well
			writeFile(t, dir, "src/app.py", fmt.Sprintf("def handler(event, context):\n    print('ERROR:', %s)\n    raise KeyError('total')\n", said))
			functions := writeFile(t, dir, "functions.json", `{"work": {"type": "process", "runtime": "python3.13", "code": "src", "handler": "app.handler", "timeoutSeconds": 60}}`)
			out := leaving(t, dir, "run", filepath.Join(dir, "machine.asl.json"), "--input", filepath.Join(dir, "input.json"), "--functions", functions, "--format", "json")
			if !strings.Contains(out, `"source": "log"`) {
				t.Errorf("the log is no evidence: %s", out)
			}
			holdsNone(t, "run", out, r.Secrets)
		})
	}
}
