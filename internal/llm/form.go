package llm

import "github.com/stepsleuth/stepsleuth/internal/lazyregexp"

// Form is how a model is told the schema of its answer. Not every model takes each, and
// which one it takes shows only when it is asked.
type Form int32

// The forms, best first. A model that refuses one is asked in a later one.
const (
	BySchema Form = iota // the API's own structured output
	ByTool               // a tool that it has to call
	ByOffer              // a tool that it may call
	ByText               // words in the prompt
)

// Tool is the tool whose input is the answer, and what is said of it.
const (
	Tool            = "report_diagnosis"
	ToolDescription = "Takes the finished diagnosis."
)

// Words are what is said beside the prompt in a form; "" where the API says it all.
func (f Form) Words(schema []byte) string {
	switch f {
	case ByOffer:
		return "Give your answer by calling the tool " + Tool + " once; if you cannot, answer with its input as one JSON object and nothing else."
	case ByText:
		return "Answer with one JSON object and nothing else, by this JSON Schema:\n" + string(schema)
	}
	return ""
}

var (
	refusesSchema = lazyregexp.New(`(?i)output[_ ]?config|text[_ ]?format|output[_ ]?format|structured[_ ]?output|json[_ ]?schema|response[_ ]?format|\bschema\b`)
	refusesChoice = lazyregexp.New(`(?i)tool_?choice|forces? tool use`)
	refusesTools  = lazyregexp.New(`(?i)tool_?config|tool use|\btools?\b`)
)

// After is the form to try after a request was refused with these words: the same where
// the form was not the reason.
func (f Form) After(said string) Form {
	switch {
	case f == BySchema && refusesSchema.MatchString(said):
		return ByTool
	case f == ByTool && refusesChoice.MatchString(said):
		return ByOffer
	case (f == ByTool || f == ByOffer) && refusesTools.MatchString(said):
		return ByText
	}
	return f
}
