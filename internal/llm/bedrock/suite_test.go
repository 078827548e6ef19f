package bedrock_test

import (
	"net/http"
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock/bedrocktest"
	"github.com/stepsleuth/stepsleuth/internal/llm/llmtest"
)

func reply(l llmtest.Line) bedrocktest.Reply {
	switch l.Does {
	case llmtest.CutsOff:
		return bedrocktest.Stops("max_tokens", l.Text)
	case llmtest.Refuses:
		return bedrocktest.Stops("refusal", l.Text)
	case llmtest.Throttles:
		return bedrocktest.Fails(429, "ThrottlingException", "Too many requests, please wait before trying again.")
	case llmtest.Falters:
		return bedrocktest.Fails(500, "InternalServerException", "Internal error.")
	case llmtest.TimesOut:
		return bedrocktest.Fails(408, "ModelTimeoutException", "The request took too long.")
	case llmtest.Handles:
		return func(w http.ResponseWriter, r *http.Request, _ bedrocktest.Request) { l.Raw(w, r) }
	}
	return bedrocktest.Says(l.Text)
}

func raw(r bedrocktest.Reply) llmtest.Line {
	return llmtest.Line{Does: llmtest.Handles, Raw: func(w http.ResponseWriter, request *http.Request) {
		r(w, request, bedrocktest.Request{})
	}}
}

// What AWS alone says is told by TestRefusalsAreExplained; here are those of all vendors.
func TestSuite(t *testing.T) {
	llmtest.Suite(t, llmtest.Vendor{
		Key: "fake", // the secret access key of bedrocktest
		Start: func(t testing.TB, script ...llmtest.Line) (diagnose.Model, llmtest.StandIn) {
			var replies []bedrocktest.Reply
			for _, l := range script {
				replies = append(replies, reply(l))
			}
			s := bedrocktest.New(t, replies...)
			return model(s, bedrock.Options{Attempts: llmtest.Attempts}), s
		},
		Denials: []llmtest.Denial{
			{Name: "wrong key", Line: raw(bedrocktest.Fails(403, "UnrecognizedClientException", "The security token included in the request is invalid.")), Kind: "denied", Reason: "does not accept", Mend: "get-caller-identity"},
			{Name: "not allowed", Line: raw(bedrocktest.Denies("User: u is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/m")), Kind: "denied", Reason: "may not bedrock:InvokeModel", Mend: "allow"},
			{Name: "no credit", Line: raw(bedrocktest.Fails(429, "ThrottlingException", "Too many tokens per day, please wait before trying again.")), Kind: "throttled", Reason: "used up", Mend: "tomorrow"},
			{Name: "no model", Line: raw(invalid("The provided model identifier is invalid.")), Kind: "rejected", Reason: "no model", Mend: "list-inference-profiles"},
			{Name: "too long", Line: raw(invalid("Input is too long for requested model.")), Kind: "rejected", Reason: "too long", Mend: "budget"},
			{Name: "guardrail", Line: raw(bedrocktest.Stops("guardrail_intervened", "Sorry, blocked.")), Kind: "rejected", Reason: "guardrail", Mend: "loosen"},
			{Name: "a page for people", Line: llmtest.Page(404), Kind: "garbled", Reason: "no answer of its API", Mend: "proxy"},
		},
	})
}
