package openai

import (
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// refusals of chat completions, as OpenAI, Ollama, vLLM, llama.cpp and Azure word them;
// the more special before the more general.
var refusals = llm.Table{
	{Code: "insufficient_quota", Final: true, Kind: "denied", Reason: "the account behind the key has no credit left at {name}",
		Mend: "buy credit or raise the limit under Billing; a ChatGPT subscription does not pay for the API"},
	{Text: lazyregexp.New(`(?i)billing|insufficient (balance|credit)|exceeded your current quota`), Final: true, Kind: "denied",
		Reason: "{name} refuses for a matter of billing: {said}", Mend: "see Billing of the account behind the key"},
	{Status: 402, Kind: "denied", Reason: "the account behind the key has no credit left at {host}", Mend: "buy credit, or choose another model"},
	{Status: 401, Kind: "denied", Reason: "{host} does not accept the API key",
		Mend: "set OPENAI_API_KEY to a key that is valid there, whole and without quotes; a revoked key has to be replaced"},
	{Code: "unsupported_country_region_territory", Kind: "denied", Reason: "{name} does not serve the country the request comes from",
		Mend: "use a model that is served there, Amazon Bedrock's or one of your own"},
	{Status: 403, Kind: "denied", Reason: "the API key may not use {model} at {host}: {said}", Mend: "see what the key and its project may do"},
	{Text: lazyregexp.New(`(?i)try pulling it first|model .{0,80}not found, try`), Kind: "rejected", Reason: "Ollama at {host} has no model {model}",
		Mend: "fetch it with ollama pull {model}, or name one that ollama list shows"},
	{Code: "model_not_found", Kind: "rejected", Reason: "there is no model {model} at {host}, or the key may not use it",
		Mend: "name one that the server lists at /v1/models"},
	{Status: 404, Text: lazyregexp.New(`(?i)model`), Kind: "rejected", Reason: "there is no model {model} at {host}",
		Mend: "name one that the server lists at /v1/models; vLLM's is what --served-model-name says"},
	{Status: 404, Kind: "rejected", Reason: "{host} has no chat completions at this address", Mend: "set the base URL to the API's root, which usually ends in /v1"},
	{Status: 405, Kind: "rejected", Reason: "{host} has no chat completions at this address", Mend: "set the base URL to the API's root, which usually ends in /v1"},
	{Code: "context_length_exceeded", Kind: "rejected", Reason: "the question was too long for {model}: {said}",
		Mend: "lower the token budget of prompts, or choose a model with a larger context"},
	{Text: lazyregexp.New(`(?i)maximum context length|context (length|size|window)|too many tokens|(prompt|input) (is|length|tokens).{0,30}(too long|exceed)`), Final: true, Kind: "rejected",
		Reason: "the question was too long for {model}: {said}",
		Mend:   "lower the token budget of prompts, or give the server more context (vLLM: --max-model-len; Ollama: OLLAMA_CONTEXT_LENGTH)"},
	{Text: lazyregexp.New(`(?i)request too large for`), Final: true, Kind: "throttled",
		Reason: "one question is more than the rate of tokens a minute allows: {said}", Mend: "lower the token budget of prompts, or ask for a higher rate"},
	{Code: "content_filter", Final: true, Kind: "rejected", Reason: "{name}'s content filter withheld the question or the answer",
		Mend: "choose another model; the rest of the diagnosis needs none"},
	{Text: lazyregexp.New(`(?i)content (management )?policy|usage polic|flagged`), Final: true, Kind: "rejected",
		Reason: "{name}'s content policy withheld the question or the answer", Mend: "choose another model; the rest of the diagnosis needs none"},
	{Text: lazyregexp.New(`(?i)more system memory|out of memory|insufficient memory`), Final: true, Kind: "unavailable",
		Reason: "{host} has too little memory for {model}: {said}", Mend: "choose a smaller model, or a smaller quantisation of it"},
	{Text: lazyregexp.New(`(?i)loading model`), Kind: "unavailable", Reason: "{host} was still loading {model}, in {tries} tries",
		Mend: "try again in some minutes"},
	{Code: "server_overloaded", Kind: "unavailable", Reason: "{name} was overloaded in {tries} tries", Mend: "try later, or choose another model"},
	{Text: lazyregexp.New(`(?i)overloaded|server busy|slow down`), Kind: "unavailable", Reason: "{host} was overloaded in {tries} tries",
		Mend: "try later, or choose another model; Ollama's queue is OLLAMA_MAX_QUEUE long"},
	{Status: 429, Kind: "throttled", Reason: "{host} throttled the question {tries} times in a row",
		Mend: "try later, or see the limits of requests and tokens a minute of the account"},
}
