// Package anthropic asks Claude models through Anthropic's Messages API.
//
// It sends what it is given and returns what came back; it knows nothing of diagnoses
// beyond the interface that it implements, reads no environment, and writes nothing.
package anthropic

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// DefaultID is a cheap, current model.
const DefaultID = "claude-haiku-4-5"

// Options say which model is asked, and how. Only the Key has no usual value.
type Options struct {
	ID       string               // model id; "" is DefaultID
	BaseURL  string               // "" is https://api.anthropic.com; with or without /v1
	Key      string               // API key
	Prices   map[string]llm.Price // by model id; what is here wins over DefaultPrices
	Attempts int                  // tries in all where the service throttles or falters; 0: 6
	// CachePrompt has Anthropic keep the system prompt for five minutes, which makes the
	// next questions cheaper. It has an effect from a model's minimum on: 1024 tokens for
	// most, 4096 for Haiku 4.5.
	CachePrompt bool
	// Wait is how long to wait before try n+1 where the service does not say; nil:
	// exponential with full jitter.
	Wait func(n int) time.Duration
	// Client sends the requests; nil: the usual one. Redirects are not followed.
	Client *http.Client
}

// Model is a diagnose.Model at Anthropic. It remembers in which form the model takes the
// schema of an answer, so one Model should serve a whole process. It is safe for
// concurrent use.
type Model struct {
	service *llm.Service
	opts    Options
	form    atomic.Int32
}

var _ diagnose.Model = (*Model)(nil)

// New returns a model. It asks nothing yet.
func New(opts Options) *Model {
	if opts.ID == "" {
		opts.ID = DefaultID
	}
	if opts.BaseURL == "" {
		opts.BaseURL = "https://api.anthropic.com"
	}
	opts.Key = strings.TrimSpace(opts.Key)
	base := strings.TrimSuffix(strings.TrimRight(opts.BaseURL, "/"), "/v1")
	return &Model{opts: opts, service: &llm.Service{
		Name: "Anthropic", URL: base + "/v1/messages", Key: opts.Key,
		Header: http.Header{
			"Content-Type": {"application/json"}, "X-Api-Key": {opts.Key}, "Anthropic-Version": {"2023-06-01"},
		},
		Attempts: opts.Attempts, Wait: opts.Wait, Client: opts.Client, Final: refusals.Final,
	}}
}

// ID tells this model from every other, for caches and reports.
func (m *Model) ID() string { return "anthropic:" + m.opts.ID }

// Estimate is what the question costs at most, in US dollars; 0 where no price is known.
func (m *Model) Estimate(p diagnose.Prompt) float64 {
	price, _ := llm.PriceOf(m.opts.ID, m.opts.Prices, DefaultPrices())
	return price.Most(p)
}

// Ask sends the prompt in the best form that the model takes.
func (m *Model) Ask(ctx context.Context, p diagnose.Prompt) (diagnose.Answer, error) {
	answer := diagnose.Answer{ModelID: m.opts.ID}
	if m.opts.Key == "" {
		return answer, &diagnose.ModelError{Kind: "denied", Reason: "there is no API key for Anthropic",
			Mend: "set ANTHROPIC_API_KEY to a key from the Claude Console; or go on without a model"}
	}
	if e := m.service.BadKey(); e != nil {
		return answer, e
	}
	began := time.Now()
	for {
		form := llm.Form(m.form.Load())
		body, err := m.service.Post(ctx, m.request(p, form))
		answer.Latency = time.Since(began)
		if err == nil {
			return m.answer(body, answer)
		}
		var r *llm.Refusal
		if !errors.As(err, &r) {
			return answer, m.service.Unsent(ctx, err, m.opts.ID)
		}
		next := form
		if r.Status == http.StatusBadRequest {
			next = form.After(r.Said)
		}
		if next == form {
			return answer, refusals.Explain(r, m.opts.ID)
		}
		m.form.CompareAndSwap(int32(form), int32(next))
	}
}

// answer takes a tool's input before text: a model may write a sentence before it calls.
func (m *Model) answer(body []byte, a diagnose.Answer) (diagnose.Answer, error) {
	var said response
	if json.Unmarshal(body, &said) != nil || said.Content == nil && said.StopReason == "" {
		return a, m.service.Unreadable(body)
	}
	u := said.Usage
	a.InputTokens, a.OutputTokens, a.StopReason = u.Input+u.CacheWrite+u.CacheRead, u.Output, said.StopReason
	if price, ok := llm.PriceOf(m.opts.ID, m.opts.Prices, DefaultPrices()); ok {
		a.CostUSD = price.Cost(float64(u.Input)+cacheWrite*float64(u.CacheWrite)+cacheRead*float64(u.CacheRead), u.Output)
	}
	var text strings.Builder
	for _, b := range said.Content {
		switch b.Type {
		case "text":
			text.WriteString(b.Text)
		case "tool_use":
			a.Text = string(b.Input)
		}
	}
	if a.Text == "" {
		a.Text = text.String()
	}
	if a.StopReason == "refusal" {
		return a, llm.Refused(a.StopReason)
	}
	return a, nil
}

// What cached tokens cost, as a part of an input token's price.
const (
	cacheWrite = 1.25
	cacheRead  = 0.1
)

// DefaultPrices are list prices of models that suit a diagnosis. Prices move:
// Options.Prices replaces them.
func DefaultPrices() map[string]llm.Price {
	return map[string]llm.Price{
		"claude-haiku-4-5":  {Input: 1, Output: 5},
		"claude-sonnet-4-5": {Input: 3, Output: 15},
		"claude-sonnet-4-6": {Input: 3, Output: 15},
		"claude-opus-4-5":   {Input: 5, Output: 25},
		"claude-opus-4-6":   {Input: 5, Output: 25},
	}
}
