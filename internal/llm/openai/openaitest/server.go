// Package openaitest stands in for OpenAI-compatible servers in tests: a server on this
// machine that speaks chat completions and gives written answers and refusals.
package openaitest

import (
	"net/http"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/llm/standin"
)

// New starts a server whose replies are those of the script in turn; the last one repeats.
func New(t testing.TB, script ...standin.Reply) *standin.Server {
	return standin.New(t, "/v1/chat/completions", script...)
}

// Says answers with text.
func Says(text string) standin.Reply { return Stops("stop", text) }

// Stops answers with text and a reason to finish: "length", "content_filter" …
func Stops(reason, text string) standin.Reply {
	return Usage{1000, 200}.Stops(reason, text)
}

// Refuses answers with a refusal in the model's own words.
func Refuses(words string) standin.Reply {
	return Usage{1000, 200}.answers("stop", map[string]any{"role": "assistant", "content": nil, "refusal": words})
}

// Usage is how many tokens question and answer are said to have.
type Usage struct{ Prompt, Completion int }

// Stops is Stops with this usage.
func (u Usage) Stops(reason, text string) standin.Reply {
	return u.answers(reason, map[string]any{"role": "assistant", "content": text})
}

func (u Usage) answers(reason string, message map[string]any) standin.Reply {
	return standin.JSON(http.StatusOK, map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1750000000, "model": "a-model",
		"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": reason}},
		"usage":   map[string]any{"prompt_tokens": u.Prompt, "completion_tokens": u.Completion, "total_tokens": u.Prompt + u.Completion},
	})
}

// Fails refuses as OpenAI does; further pairs are headers.
func Fails(status int, kind, code, message string, headers ...string) standin.Reply {
	inner := map[string]any{"message": message, "type": kind, "param": nil, "code": nil}
	if code != "" {
		inner["code"] = code
	}
	return standin.JSON(status, map[string]any{"error": inner}, headers...)
}
