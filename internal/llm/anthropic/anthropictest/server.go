// Package anthropictest stands in for Anthropic in tests: a server on this machine that
// speaks the wire protocol of the Messages API and gives written answers and refusals.
package anthropictest

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/llm/standin"
)

// New starts a server whose replies are those of the script in turn; the last one repeats.
func New(t testing.TB, script ...standin.Reply) *standin.Server {
	return standin.New(t, "/v1/messages", script...)
}

// Says answers with text.
func Says(text string) standin.Reply { return Stops("end_turn", text) }

// Stops answers with text and a reason to stop: "max_tokens", "refusal" …
func Stops(reason, text string) standin.Reply {
	content := []any{}
	if text != "" {
		content = append(content, map[string]any{"type": "text", "text": text})
	}
	return answers(reason, content)
}

// Calls answers with a call of the tool that was offered first; input is JSON. A
// sentence stands before it, as models write one.
func Calls(input string) standin.Reply {
	return func(w http.ResponseWriter, r *http.Request, got standin.Request) {
		name := "none was offered"
		if tools, _ := got.Body["tools"].([]any); len(tools) > 0 {
			tool, _ := tools[0].(map[string]any)
			name, _ = tool["name"].(string)
		}
		answers("tool_use", []any{
			map[string]any{"type": "text", "text": "I will report what I found."},
			map[string]any{"type": "tool_use", "id": "toolu_01", "name": name, "input": json.RawMessage(input)},
		})(w, r, got)
	}
}

func answers(reason string, content []any) standin.Reply {
	return standin.JSON(http.StatusOK, map[string]any{
		"id": "msg_01", "type": "message", "role": "assistant", "model": "claude-haiku-4-5-20251001",
		"content": content, "stop_reason": reason, "stop_sequence": nil,
		"usage": map[string]any{"input_tokens": 1000, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 200},
	}, "request-id", "req_01")
}

// Fails refuses as Anthropic does; further pairs are headers.
func Fails(status int, kind, message string, headers ...string) standin.Reply {
	return standin.JSON(status, map[string]any{
		"type": "error", "error": map[string]any{"type": kind, "message": message}, "request_id": "req_01",
	}, headers...)
}
