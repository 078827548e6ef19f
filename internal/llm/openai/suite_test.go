package openai_test

import (
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm/llmtest"
	"github.com/stepsleuth/stepsleuth/internal/llm/openai"
	"github.com/stepsleuth/stepsleuth/internal/llm/openai/openaitest"
	"github.com/stepsleuth/stepsleuth/internal/llm/standin"
)

const key = "sk-proj-0123456789abcdefghijkl"

func model(s *standin.Server, opts openai.Options) *openai.Model {
	if opts.ID == "" {
		opts.ID = "gpt-4.1-mini"
	}
	if opts.BaseURL == "" {
		opts.BaseURL = s.URL
	}
	opts.Key = key
	opts.Wait = func(int) time.Duration { return time.Microsecond }
	return openai.New(opts)
}

func reply(l llmtest.Line) standin.Reply {
	switch l.Does {
	case llmtest.CutsOff:
		return openaitest.Usage{Prompt: 1000, Completion: 1500}.Stops("length", l.Text)
	case llmtest.Refuses:
		return openaitest.Refuses("I'm sorry, I cannot assist with that.")
	case llmtest.Throttles:
		return openaitest.Fails(429, "requests", "rate_limit_exceeded", "Rate limit reached for gpt-4.1-mini in organization org-1 on requests per min (RPM): Limit 3, Used 3.", "Retry-After-Ms", "1")
	case llmtest.Falters:
		return openaitest.Fails(500, "server_error", "", "The server had an error while processing your request.")
	case llmtest.TimesOut:
		return openaitest.Fails(504, "server_error", "", "Gateway timeout")
	case llmtest.Handles:
		return standin.Plain(l.Raw)
	}
	return openaitest.Says(l.Text)
}

func raw(r standin.Reply) llmtest.Line {
	return llmtest.Line{Does: llmtest.Handles, Raw: standin.Handler(r)}
}

func refuses(status int, kind, code, message string) llmtest.Line {
	return raw(openaitest.Fails(status, kind, code, message))
}

func TestSuite(t *testing.T) {
	llmtest.Suite(t, vendor())
}

func vendor() llmtest.Vendor {
	return llmtest.Vendor{
		Key: key,
		Start: func(t testing.TB, script ...llmtest.Line) (diagnose.Model, llmtest.StandIn) {
			var replies []standin.Reply
			for _, l := range script {
				replies = append(replies, reply(l))
			}
			s := openaitest.New(t, replies...)
			return model(s, openai.Options{Attempts: llmtest.Attempts}), s
		},
		Denials: []llmtest.Denial{
			{Name: "wrong key", Line: refuses(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: "+key+". You can find your API key at https://platform.openai.com/account/api-keys."), Kind: "denied", Reason: "does not accept the API key", Mend: "OPENAI_API_KEY"},
			{Name: "vLLM's wrong key", Line: raw(standin.JSON(401, map[string]any{"error": "Unauthorized"})), Kind: "denied", Reason: "does not accept the API key", Mend: "OPENAI_API_KEY"},
			{Name: "not allowed", Line: refuses(403, "invalid_request_error", "", "Project does not have access to model gpt-4.1-mini, key "+key), Kind: "denied", Reason: "may not use gpt-4.1-mini", Mend: "project"},
			{Name: "country", Line: refuses(403, "request_forbidden", "unsupported_country_region_territory", "Country, region, or territory not supported"), Kind: "denied", Reason: "country", Mend: "Bedrock"},
			{Name: "no credit", Line: refuses(429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota, please check your plan and billing details."), Kind: "denied", Reason: "no credit", Mend: "Billing"},
			{Name: "no credit elsewhere", Line: raw(standin.JSON(402, map[string]any{"error": map[string]any{"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request_error"}})), Kind: "denied", Reason: "Insufficient Balance", Mend: "Billing"},
			{Name: "no model", Line: refuses(404, "invalid_request_error", "model_not_found", "The model `gpt-4.1-mini` does not exist or you do not have access to it."), Kind: "rejected", Reason: "no model gpt-4.1-mini", Mend: "/v1/models"},
			{Name: "Ollama's no model", Line: refuses(404, "api_error", "", `model "gpt-4.1-mini" not found, try pulling it first`), Kind: "rejected", Reason: "has no model gpt-4.1-mini", Mend: "ollama pull gpt-4.1-mini"},
			{Name: "vLLM's no model", Line: raw(standin.JSON(404, map[string]any{"object": "error", "message": "The model `gpt-4.1-mini` does not exist.", "type": "NotFoundError", "param": nil, "code": 404})), Kind: "rejected", Reason: "no model gpt-4.1-mini", Mend: "--served-model-name"},
			{Name: "no such address", Line: raw(standin.JSON(404, map[string]any{"detail": "Not Found"})), Kind: "rejected", Reason: "no chat completions", Mend: "/v1"},
			{Name: "method not allowed", Line: raw(standin.JSON(405, map[string]any{"detail": "Method Not Allowed"})), Kind: "rejected", Reason: "no chat completions", Mend: "/v1"},
			{Name: "a page for people", Line: llmtest.Page(404), Kind: "rejected", Reason: "web page", Mend: "base URL"},
			{Name: "a page that says all is well", Line: llmtest.Page(200), Kind: "rejected", Reason: "web page", Mend: "base URL"},
			{Name: "sent elsewhere", Line: llmtest.Redirect(), Kind: "rejected", Reason: "sends elsewhere", Mend: "base URL"},
			{Name: "gateway page", Line: llmtest.Page(502), Kind: "unavailable", Reason: "502", Mend: "later", Tries: llmtest.Attempts},
			{Name: "too long", Line: refuses(400, "invalid_request_error", "context_length_exceeded", "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."), Kind: "rejected", Reason: "9001 tokens", Mend: "budget"},
			{Name: "too long for vLLM", Line: raw(standin.JSON(400, map[string]any{"object": "error", "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens in the messages.", "type": "BadRequestError", "code": 400})), Kind: "rejected", Reason: "5000 tokens", Mend: "--max-model-len"},
			{Name: "too long for llama.cpp", Line: raw(standin.JSON(500, map[string]any{"error": map[string]any{"code": 500, "message": "the request exceeds the available context size", "type": "exceed_context_size_error"}})), Kind: "rejected", Reason: "context size", Mend: "budget"},
			{Name: "more than a minute's tokens", Line: refuses(429, "tokens", "rate_limit_exceeded", "Request too large for gpt-4.1-mini on tokens per min (TPM): Limit 1000, Requested 9000."), Kind: "throttled", Reason: "Requested 9000", Mend: "budget"},
			{Name: "content policy", Line: refuses(400, "", "content_filter", "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."), Kind: "rejected", Reason: "content filter", Mend: "another model"},
			{Name: "content filter", Line: raw(openaitest.Stops("content_filter", "")), Kind: "rejected", Reason: "refused", Mend: "another model"},
			{Name: "overloaded", Line: refuses(503, "api_error", "", "server busy, please try again.  maximum pending requests exceeded"), Kind: "unavailable", Reason: "overloaded in 4 tries", Mend: "later", Tries: llmtest.Attempts},
			{Name: "loading", Line: raw(standin.JSON(503, map[string]any{"error": map[string]any{"code": 503, "message": "Loading model", "type": "unavailable_error"}})), Kind: "unavailable", Reason: "still loading", Mend: "minutes", Tries: llmtest.Attempts},
			{Name: "memory", Line: refuses(500, "api_error", "", "model requires more system memory (5.6 GiB) than is available (3.4 GiB)"), Kind: "unavailable", Reason: "5.6 GiB", Mend: "smaller"},
			{Name: "unheard of", Line: refuses(418, "teapot", "", "short and stout"), Kind: "rejected", Reason: "short and stout", Mend: "report"},
		},
	}
}
