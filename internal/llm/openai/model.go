// Package openai asks models behind OpenAI's chat completions API, which Ollama, vLLM,
// llama.cpp, LM Studio and many gateways speak too.
//
// It sends what it is given and returns what came back; it knows nothing of diagnoses
// beyond the interface that it implements, reads no environment, and writes nothing.
package openai

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// The base URLs of OpenAI, and of Ollama as it is installed.
const (
	OpenAI = "https://api.openai.com/v1"
	Ollama = "http://localhost:11434/v1"
)

// Options say which model is asked, where and how. Only the ID has no usual value.
type Options struct {
	ID       string               // model id
	BaseURL  string               // "" is OpenAI; a URL without a path gets /v1
	Key      string               // API key; servers of one's own often want none
	Prices   map[string]llm.Price // by model id; what is here wins over DefaultPrices
	Attempts int                  // tries in all where the service throttles or falters; 0: 6
	// Extra are further members of a request, such as reasoning_effort. They win over
	// those that are sent anyway.
	Extra map[string]any
	// Wait is how long to wait before try n+1 where the service does not say; nil:
	// exponential with full jitter.
	Wait func(n int) time.Duration
	// Client sends the requests; nil: the usual one. Redirects are not followed.
	Client *http.Client
}

// Model is a diagnose.Model behind a chat completions API. It remembers in which form
// the server takes the schema of an answer, so one Model should serve a whole process. It
// is safe for concurrent use.
type Model struct {
	service *llm.Service
	opts    Options
	form    atomic.Int32
	flipped atomic.Bool // the server wants the other name of the limit of tokens
}

var _ diagnose.Model = (*Model)(nil)

// New returns a model. It asks nothing yet.
func New(opts Options) *Model {
	opts.Key = strings.TrimSpace(opts.Key)
	opts.Extra = maps.Clone(opts.Extra)
	s := &llm.Service{
		URL: address(cmp.Or(opts.BaseURL, OpenAI)), Key: opts.Key, Header: http.Header{"Content-Type": {"application/json"}},
		Attempts: opts.Attempts, Wait: opts.Wait, Client: opts.Client, Final: refusals.Final,
	}
	if opts.Key != "" {
		s.Header.Set("Authorization", "Bearer "+opts.Key)
	}
	s.Name = nameOf(s.Host())
	return &Model{opts: opts, service: s}
}

// address is the whole of what a base URL is the base of.
func address(base string) string {
	u, err := url.Parse(strings.TrimSpace(base))
	if err != nil {
		return base
	}
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/chat/completions")
	u.Path = cmp.Or(path, "/v1") + "/chat/completions"
	return u.String()
}

const openAIHost = "api.openai.com"

func nameOf(host string) string {
	switch {
	case host == openAIHost:
		return "OpenAI"
	case strings.HasSuffix(host, ":11434"):
		return "Ollama"
	}
	return "the model's server"
}

func (m *Model) isOpenAI() bool { return m.service.Host() == openAIHost }

// ID tells this model from every other, for caches and reports.
func (m *Model) ID() string {
	if m.isOpenAI() {
		return "openai:" + m.opts.ID
	}
	return "openai:" + m.opts.ID + "@" + m.service.Host()
}

// Estimate is what the question costs at most, in US dollars; 0 where no price is known.
func (m *Model) Estimate(p diagnose.Prompt) float64 {
	price, _ := llm.PriceOf(m.opts.ID, m.opts.Prices, DefaultPrices())
	return price.Most(p)
}

// Ask sends the prompt in the best form that the server takes.
func (m *Model) Ask(ctx context.Context, p diagnose.Prompt) (diagnose.Answer, error) {
	answer := diagnose.Answer{ModelID: m.opts.ID}
	if e := m.unset(); e != nil {
		return answer, e
	}
	began := time.Now()
	for {
		form, flipped := form(m.form.Load()), m.flipped.Load()
		body, err := m.service.Post(ctx, m.request(p, form, flipped))
		answer.Latency = time.Since(began)
		if err == nil {
			return m.answer(body, p, answer)
		}
		var r *llm.Refusal
		if !errors.As(err, &r) {
			return answer, m.service.Unsent(ctx, err, m.opts.ID)
		}
		next := form.after(r)
		switch {
		case !flipped && wantsOtherLimit(r):
			m.flipped.Store(true)
		case next != form:
			m.form.CompareAndSwap(int32(form), int32(next))
		default:
			return answer, m.explain(r)
		}
	}
}

// unset says what is missing before anything is sent.
func (m *Model) unset() *diagnose.ModelError {
	switch {
	case m.opts.ID == "":
		return &diagnose.ModelError{Kind: "rejected", Reason: "no model is named for " + m.service.Name,
			Mend: "name one: openai:ID, or ollama:ID for one that ollama list shows"}
	case m.opts.Key == "" && m.isOpenAI():
		return &diagnose.ModelError{Kind: "denied", Reason: "there is no API key for OpenAI",
			Mend: "set OPENAI_API_KEY to a key of the project; or go on without a model"}
	}
	return m.service.BadKey()
}

func (m *Model) explain(r *llm.Refusal) *diagnose.ModelError {
	e := refusals.Explain(r, m.opts.ID)
	if r.Status == http.StatusUnauthorized && m.opts.Key == "" {
		e.Reason, e.Mend = m.service.Host()+" wants an API key, and none is set", "set OPENAI_API_KEY to a key that is valid there"
	}
	return e
}

// reasons to stop, in the words of the other vendors.
var reasons = map[string]string{"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered", "tool_calls": "tool_use"}

func (m *Model) answer(body []byte, p diagnose.Prompt, a diagnose.Answer) (diagnose.Answer, error) {
	var said response
	if json.Unmarshal(body, &said) != nil || len(said.Choices) == 0 {
		return a, m.service.Unreadable(body)
	}
	first := said.Choices[0]
	a.InputTokens, a.OutputTokens = said.Usage.Prompt, said.Usage.Completion
	a.StopReason = cmp.Or(reasons[first.FinishReason], first.FinishReason)
	a.Text = withoutThoughts(first.Message.text())
	if price, ok := llm.PriceOf(m.opts.ID, m.opts.Prices, DefaultPrices()); ok {
		a.CostUSD = price.Cost(float64(a.InputTokens), a.OutputTokens)
	}
	if a.StopReason == "max_tokens" && a.OutputTokens > 0 && a.OutputTokens < p.MaxTokens {
		a.StopReason = "model_context_window_exceeded"
	}
	switch {
	case first.Message.Refusal != "" && a.Text == "":
		a.StopReason = "refusal"
		return a, llm.Refused(a.StopReason)
	case a.StopReason == "content_filtered":
		return a, llm.Refused(a.StopReason)
	case beheaded(p, a.InputTokens):
		return a, m.cutOff(a.InputTokens)
	}
	return a, nil
}

// beheaded reports that a server took only as many tokens of the question as it has room
// for, which Ollama does without a word, leaving out the beginning: the instructions. The
// count is then exactly the size of its context, and too small for the question.
func beheaded(p diagnose.Prompt, tokens int) bool {
	size := len(p.System.String()) + len(p.User.String())
	return tokens >= 1024 && tokens&(tokens-1) == 0 && size > 4*tokens
}

func (m *Model) cutOff(tokens int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "rejected",
		Reason: fmt.Sprintf("%s has room for %d tokens and cut the question, so its answer is not used", m.service.Name, tokens),
		Mend:   "give the server more context (Ollama: OLLAMA_CONTEXT_LENGTH=16384, or num_ctx in a Modelfile), or lower the token budget of prompts"}
}

// withoutThoughts drops what some models think aloud before they answer.
func withoutThoughts(text string) string {
	if rest, ok := strings.CutPrefix(strings.TrimSpace(text), "<think>"); ok {
		if _, answer, ok := strings.Cut(rest, "</think>"); ok {
			return strings.TrimSpace(answer)
		}
	}
	return text
}

// DefaultPrices are OpenAI's list prices of models that suit a diagnosis. Prices move:
// Options.Prices replaces them. Input that OpenAI had cached costs less than this says.
func DefaultPrices() map[string]llm.Price {
	return map[string]llm.Price{
		"gpt-4o":       {Input: 2.50, Output: 10},
		"gpt-4o-mini":  {Input: 0.15, Output: 0.60},
		"gpt-4.1":      {Input: 2, Output: 8},
		"gpt-4.1-mini": {Input: 0.40, Output: 1.60},
		"gpt-4.1-nano": {Input: 0.10, Output: 0.40},
		"gpt-5":        {Input: 1.25, Output: 10},
		"gpt-5-mini":   {Input: 0.25, Output: 2},
		"gpt-5-nano":   {Input: 0.05, Output: 0.40},
	}
}
