package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stepsleuth/stepsleuth/history"
)

// A workflow with a task token of its own, which it mails around, and those that it
// waits for decisions with.
const tokenful = `{"StartAt": "Ask", "States": {"Ask": {
	"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "TimeoutSeconds": 5,
	"Parameters": {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q", "MessageBody": {"TaskToken.$": "$$.Task.Token", "callback.$": "States.Format('send-task-success --task-token {} now', $$.Task.Token)"}},
	"End": true}}}`

// historyTokens are the task tokens in a saved history.
func historyTokens(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x, err := history.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for _, e := range x.Events() {
		var p struct {
			Payload     struct{ TaskToken string }
			MessageBody struct{ TaskToken string }
		}
		if e.Type == history.TaskScheduled && json.Unmarshal([]byte(e.Details.Parameters.String()), &p) == nil {
			if token := p.Payload.TaskToken + p.MessageBody.TaskToken; token != "" {
				tokens = append(tokens, token)
			}
		}
	}
	return tokens
}

// A task token leaves in nothing that stepsleuth says, sends, asks or keeps.
func TestNoTaskTokenLeaves(t *testing.T) {
	t.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
	var mu sync.Mutex
	var asked bytes.Buffer
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.Copy(&asked, r.Body)
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer model.Close()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"machine.asl.json": tokenful,
		"functions.json":   `{"arn:aws:states:::sqs:sendMessage.waitForTaskToken": {"type": "return", "value": {"MessageId": "m"}}}`,
		"stepsleuth.yaml":  fmt.Sprintf("incidents: %s\nnotify: {outbox: %s}\n", in("incidents.db"), in("outbox")),
	} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said strings.Builder
	say := func(args ...string) {
		t.Helper()
		said.WriteString(leaving(t, dir, append(args, "--config", in("stepsleuth.yaml"))...))
	}
	say("run", in("machine.asl.json"), "--functions", in("functions.json"), "--outbox", in("outbox"), "--decide", "retry,fail", "--save-history", in("history.json"))
	tokens := historyTokens(t, in("history.json"))
	if len(tokens) != 4 { // each of two failures of Ask, and of two waits
		t.Fatalf("%d tokens are in the history", len(tokens))
	}
	for _, format := range []string{formatText, formatMarkdown, formatJSON} {
		say("diagnose", in("history.json"), "--format", format)
		say("diagnose", in("history.json"), "--definition", in("machine.asl.json"), "--compare", in("history.json"), "--format", format)
		say("verify", in("history.json"), "--definition", in("machine.asl.json"), "--fix", in("machine.asl.json"), "--format", format)
	}
	say("diagnose", in("history.json"), "--notify", "--model", "openai:test@"+model.URL)
	incidents, err := os.ReadFile(in("incidents.db"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "send-task-success") || !strings.Contains(asked.String(), "send-task-success") {
		t.Error("what the token stands in was not told, so that nothing is shown by its absence")
	}
	holdsNone(t, "what was said", said.String(), tokens)
	holdsNone(t, "the model's prompt", asked.String(), tokens)
	holdsNone(t, "the incidents", string(incidents), tokens)
}
