package anthropic_test

import (
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm/anthropic"
	"github.com/stepsleuth/stepsleuth/internal/llm/anthropic/anthropictest"
	"github.com/stepsleuth/stepsleuth/internal/llm/llmtest"
	"github.com/stepsleuth/stepsleuth/internal/llm/standin"
)

const key = "sk-ant-api03-0123456789abcdefghijkl"

func model(s *standin.Server, opts anthropic.Options) *anthropic.Model {
	opts.BaseURL, opts.Key = s.URL, key
	opts.Wait = func(int) time.Duration { return time.Microsecond }
	return anthropic.New(opts)
}

func reply(l llmtest.Line) standin.Reply {
	switch l.Does {
	case llmtest.CutsOff:
		return anthropictest.Stops("max_tokens", l.Text)
	case llmtest.Refuses:
		return anthropictest.Stops("refusal", l.Text)
	case llmtest.Throttles:
		return anthropictest.Fails(429, "rate_limit_error", "This request would exceed your organization's rate limit of 50 requests per minute.", "retry-after-ms", "1")
	case llmtest.Falters:
		return anthropictest.Fails(500, "api_error", "Internal server error")
	case llmtest.TimesOut:
		return anthropictest.Fails(504, "timeout_error", "Request timed out")
	case llmtest.Handles:
		return standin.Plain(l.Raw)
	}
	return anthropictest.Says(l.Text)
}

func refuses(status int, kind, message string, headers ...string) llmtest.Line {
	r := anthropictest.Fails(status, kind, message, headers...)
	return llmtest.Line{Does: llmtest.Handles, Raw: standin.Handler(r)}
}

func TestSuite(t *testing.T) {
	llmtest.Suite(t, llmtest.Vendor{
		Key: key,
		Start: func(t testing.TB, script ...llmtest.Line) (diagnose.Model, llmtest.StandIn) {
			var replies []standin.Reply
			for _, l := range script {
				replies = append(replies, reply(l))
			}
			s := anthropictest.New(t, replies...)
			return model(s, anthropic.Options{Attempts: llmtest.Attempts}), s
		},
		Denials: []llmtest.Denial{
			{Name: "wrong key", Line: refuses(401, "authentication_error", "invalid x-api-key "+key), Kind: "denied", Reason: "does not accept the API key", Mend: "ANTHROPIC_API_KEY"},
			{Name: "not allowed", Line: refuses(403, "permission_error", "Your API key does not have permission to use the specified resource "+key), Kind: "denied", Reason: "may not use claude-haiku-4-5", Mend: "workspace"},
			{Name: "no credit", Line: refuses(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."), Kind: "denied", Reason: "no credit", Mend: "buy credits"},
			{Name: "billing", Line: refuses(402, "billing_error", "There is an issue with your payment."), Kind: "denied", Reason: "payment", Mend: "Billing"},
			{Name: "spending limit", Line: refuses(400, "invalid_request_error", "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."), Kind: "throttled", Reason: "2026-12-01", Mend: "raise the limit"},
			{Name: "spending limit at 429", Line: refuses(429, "rate_limit_error", "This organization has reached its specified API usage limits."), Kind: "throttled", Reason: "spending limit", Mend: "raise"},
			{Name: "no model", Line: refuses(404, "not_found_error", "model: claude-haiku-4-5"), Kind: "rejected", Reason: "no model claude-haiku-4-5", Mend: "current id"},
			{Name: "no such address", Line: refuses(404, "not_found_error", "Not found"), Kind: "rejected", Reason: "no Messages API", Mend: "base URL"},
			{Name: "a page for people", Line: llmtest.Page(404), Kind: "rejected", Reason: "web page", Mend: "base URL"},
			{Name: "sent elsewhere", Line: llmtest.Redirect(), Kind: "rejected", Reason: "sends elsewhere", Mend: "base URL"},
			{Name: "gateway page", Line: llmtest.Page(502), Kind: "unavailable", Reason: "502", Mend: "later", Tries: llmtest.Attempts},
			{Name: "too long", Line: refuses(400, "invalid_request_error", "prompt is too long: 215000 tokens > 200000 maximum"), Kind: "rejected", Reason: "too long for claude-haiku-4-5: prompt is too long: 215000", Mend: "budget"},
			{Name: "too large", Line: refuses(413, "request_too_large", "Request exceeds the maximum size"), Kind: "rejected", Reason: "too large", Mend: "budget"},
			{Name: "too many tokens asked for", Line: refuses(400, "invalid_request_error", "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5"), Kind: "rejected", Reason: "64000", Mend: "lower the limit"},
			{Name: "content policy", Line: refuses(400, "invalid_request_error", "Output blocked by content filtering policy"), Kind: "rejected", Reason: "content policy", Mend: "another model"},
			{Name: "overloaded", Line: refuses(529, "overloaded_error", "Overloaded"), Kind: "unavailable", Reason: "overloaded in 4 tries", Mend: "later", Tries: llmtest.Attempts},
			{Name: "told not to try again", Line: refuses(529, "overloaded_error", "Overloaded", "x-should-retry", "false"), Kind: "unavailable", Reason: "overloaded in 1 tries", Mend: "later"},
			{Name: "told to come back tomorrow", Line: refuses(429, "rate_limit_error", "Rate limited", "retry-after", "86400"), Kind: "throttled", Reason: "1 times", Mend: "Limits"},
			{Name: "unheard of", Line: refuses(418, "teapot_error", "short and stout"), Kind: "rejected", Reason: "short and stout", Mend: "report"},
		},
	})
}
