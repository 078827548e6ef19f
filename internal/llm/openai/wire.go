package openai

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// form is how a server is told the schema of an answer. Not every server takes each.
type form int32

// The forms, best first. A server that refuses one is asked in the next.
const (
	bySchema form = iota // response_format json_schema
	byObject             // response_format json_object, and words
	byText               // words
)

var refusesFormat = lazyregexp.New(`(?i)response[_ ]?format|json[_ ]?schema|json[_ ]?object|structured[_ ]?output|guided|grammar|\bschema\b|generate json|json mode`)

// after is the form to try after a refusal: the same where the form was not the reason.
func (f form) after(r *llm.Refusal) form {
	if f == byText || r.Status != http.StatusBadRequest && r.Status != http.StatusUnprocessableEntity && r.Status != http.StatusNotImplemented {
		return f
	}
	if refusesFormat.MatchString(r.Said) {
		return f + 1
	}
	return f
}

var refusesLimit = lazyregexp.New(`(?i)max_(completion_)?tokens.{0,40}(unsupported|not (supported|permitted|allowed)|unrecognized|unknown|extra)|` +
	`(unsupported|not supported|unrecognized|unknown|extra).{0,60}max_(completion_)?tokens`)

// wantsOtherLimit reports that the server does not know this name of the limit of tokens.
func wantsOtherLimit(r *llm.Refusal) bool {
	return (r.Status == http.StatusBadRequest || r.Status == http.StatusUnprocessableEntity) && refusesLimit.MatchString(r.Said)
}

type response struct {
	Choices []struct {
		Message      reply  `json:"message"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
	} `json:"usage"`
}

type reply struct {
	Content json.RawMessage `json:"content"` // a text, or a list of parts
	Refusal string          `json:"refusal"`
}

func (r *reply) text() string {
	var text string
	if json.Unmarshal(r.Content, &text) == nil {
		return text
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(r.Content, &parts) != nil {
		return ""
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// request is the body of POST /chat/completions. It has no sampling parameters: reasoning
// models refuse them, and servers have defaults that suit their models.
func (m *Model) request(p diagnose.Prompt, f form, flipped bool) []byte {
	system := p.System.String()
	r := map[string]any{"model": m.opts.ID, "stream": false}
	if len(p.Schema) > 0 {
		if format := f.format(p.Schema); format != nil {
			r["response_format"] = format
		}
		if f != bySchema || !m.isOpenAI() { // a grammar alone does not tell the model what is wanted
			system = strings.TrimLeft(system+"\n\n"+llm.ByText.Words(p.Schema), "\n")
		}
	}
	var messages []message
	if system != "" {
		messages = append(messages, message{"system", system})
	}
	r["messages"] = append(messages, message{"user", p.User.String()})
	if p.MaxTokens > 0 {
		limit := "max_tokens"
		if m.isOpenAI() != flipped {
			limit = "max_completion_tokens"
		}
		r[limit] = p.MaxTokens
	}
	for name, v := range m.opts.Extra {
		r[name] = v
	}
	body, err := json.Marshal(r)
	if err != nil {
		panic(err) // only a schema or an extra that is no JSON could do it, and both are ours
	}
	return body
}

func (f form) format(schema []byte) any {
	switch f {
	case bySchema:
		return map[string]any{"type": "json_schema", "json_schema": map[string]any{
			"name": "diagnosis", "strict": true, "schema": json.RawMessage(schema),
		}}
	case byObject:
		return map[string]any{"type": "json_object"}
	}
	return nil
}
