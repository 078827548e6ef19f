package diagnose

import (
	"context"
	"time"

	"github.com/stepsleuth/stepsleuth/redact"
)

// Model answers prompts. Implementations are stateless and safe for concurrent
// use; they retry transport faults within ctx, never answers. An error is a
// *ModelError where the service said why.
type Model interface {
	Ask(ctx context.Context, p Prompt) (Answer, error)
}

// Prompt is one question. Only redacted text can stand in it.
type Prompt struct {
	System    redact.Text
	User      redact.Text
	Schema    []byte // JSON Schema of the answer
	MaxTokens int
	// Fingerprint is that of the failure that is asked about: questions with the same one
	// may share an answer. "" where there is none.
	Fingerprint string
	// Pass is 1 for the first question about a failure, 2 where an answer is to be corrected.
	Pass int
}

// Answer is what the model said: untrusted text, and what it cost.
type Answer struct {
	Text         string
	ModelID      string
	InputTokens  int
	OutputTokens int
	CostUSD      float64 // 0 where the price is not known
	Latency      time.Duration
	StopReason   string // "end_turn", "max_tokens", "refusal" …
	Cached       bool   // it was given before, and cost nothing this time
}

// ModelError says why there is no answer, and what a person can do about it.
type ModelError struct {
	Kind   string // "denied", "throttled", "timeout", "unavailable", "rejected", "garbled", "budget"
	Reason string // what happened, one sentence
	Mend   string // what to click, add or change, one sentence
	Err    error
}

func (e *ModelError) Error() string { return e.Reason }

func (e *ModelError) Unwrap() error { return e.Err }
