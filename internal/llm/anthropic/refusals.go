package anthropic

import (
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// refusals of the Messages API, the more special before the more general.
var refusals = llm.Table{
	{Text: lazyregexp.New(`(?i)credit balance is too low`), Final: true, Kind: "denied",
		Reason: "the Anthropic account behind the key has no credit left",
		Mend:   "buy credits under Plans & Billing in the Claude Console; a Pro or Max subscription does not pay for the API"},
	{Code: "billing_error", Final: true, Kind: "denied", Reason: "Anthropic refuses for a matter of billing: {said}", Mend: "see Billing in the Claude Console"},
	{Text: lazyregexp.New(`(?i)reached (your|its) specified .*usage limit|spend(ing)? limit`), Final: true, Kind: "throttled",
		Reason: "the spending limit of the Anthropic account or workspace is reached: {said}",
		Mend:   "raise the limit in the Claude Console, or wait until it starts anew"},
	{Status: 401, Kind: "denied", Reason: "Anthropic does not accept the API key",
		Mend: "set ANTHROPIC_API_KEY to a key from the Claude Console, whole and without quotes; a revoked key has to be replaced"},
	{Status: 403, Kind: "denied", Reason: "the API key may not use {model} at Anthropic: {said}",
		Mend: "see the workspace of the key in the Claude Console, and whether Anthropic serves the country the request comes from"},
	{Status: 404, Text: lazyregexp.New(`(?i)model`), Kind: "rejected", Reason: "Anthropic has no model {model}",
		Mend: "set the model to a current id (its Models page lists them), such as " + DefaultID},
	{Status: 404, Kind: "rejected", Reason: "{host} has no Messages API: {said}", Mend: "set the base URL to https://api.anthropic.com, or to what speaks its API"},
	{Text: lazyregexp.New(`(?i)prompt is too long|exceed.{0,20}context|context (window|limit)`), Kind: "rejected",
		Reason: "the question was too long for {model}: {said}", Mend: "lower the token budget of prompts, or choose a model with a larger context"},
	{Code: "request_too_large", Kind: "rejected", Reason: "the question was too large for Anthropic", Mend: "lower the token budget of prompts"},
	{Text: lazyregexp.New(`(?i)max_tokens: \d+ >`), Kind: "rejected", Reason: "{model} does not write answers as long as asked for: {said}",
		Mend: "lower the limit of tokens for an answer"},
	{Text: lazyregexp.New(`(?i)usage polic|content filter|blocked by`), Final: true, Kind: "rejected",
		Reason: "Anthropic's content policy withheld the question or the answer", Mend: "choose another model; the rest of the diagnosis needs none"},
	{Code: "overloaded_error", Kind: "unavailable", Reason: "Anthropic was overloaded in {tries} tries", Mend: "try later, or choose another model: their loads differ"},
	{Status: 529, Kind: "unavailable", Reason: "Anthropic was overloaded in {tries} tries", Mend: "try later, or choose another model: their loads differ"},
	{Status: 429, Kind: "throttled", Reason: "Anthropic throttled the question {tries} times in a row",
		Mend: "try later, or see Limits in the Claude Console: requests and tokens a minute rise with the usage tier"},
	{Code: "timeout_error", Kind: "timeout", Reason: "{model} took longer than Anthropic allows, in {tries} tries",
		Mend: "lower the limit of tokens for an answer, or choose a faster model"},
}
