package anthropic

import (
	"encoding/json"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// request is the body of POST /v1/messages. It has no sampling parameters: the newest
// models refuse them.
type request struct {
	Model        string        `json:"model"`
	MaxTokens    int           `json:"max_tokens"`
	System       []block       `json:"system,omitempty"`
	Messages     []message     `json:"messages"`
	OutputConfig *outputConfig `json:"output_config,omitempty"`
	Tools        []tool        `json:"tools,omitempty"`
	ToolChoice   *choice       `json:"tool_choice,omitempty"`
}

type message struct {
	Role    string  `json:"role"`
	Content []block `json:"content"`
}

type block struct {
	Type         string          `json:"type"`
	Text         string          `json:"text,omitempty"`
	Input        json.RawMessage `json:"input,omitempty"`
	CacheControl *cacheControl   `json:"cache_control,omitempty"`
}

type cacheControl struct {
	Type string `json:"type"`
}

type outputConfig struct {
	Format format `json:"format"`
}

type format struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

type tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	InputSchema json.RawMessage `json:"input_schema"`
}

type choice struct {
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
}

type response struct {
	Content    []block `json:"content"`
	StopReason string  `json:"stop_reason"`
	Usage      struct {
		Input      int `json:"input_tokens"`
		Output     int `json:"output_tokens"`
		CacheWrite int `json:"cache_creation_input_tokens"`
		CacheRead  int `json:"cache_read_input_tokens"`
	} `json:"usage"`
}

// usualTokens are asked for where the prompt has no limit: the API wants one.
const usualTokens = 4096

func (m *Model) request(p diagnose.Prompt, f llm.Form) []byte {
	r := request{
		Model: m.opts.ID, MaxTokens: p.MaxTokens,
		Messages: []message{{Role: "user", Content: []block{{Type: "text", Text: p.User.String()}}}},
	}
	if r.MaxTokens <= 0 {
		r.MaxTokens = usualTokens
	}
	if system := p.System.String(); system != "" {
		r.System = append(r.System, block{Type: "text", Text: system})
	}
	if len(p.Schema) > 0 {
		r.ask(p.Schema, f)
	}
	if n := len(r.System); n > 0 && m.opts.CachePrompt {
		r.System[n-1].CacheControl = &cacheControl{Type: "ephemeral"}
	}
	body, err := json.Marshal(r)
	if err != nil {
		panic(err) // only a schema that is no JSON could do it, and that one is ours
	}
	return body
}

// ask says the schema in a form.
func (r *request) ask(schema []byte, f llm.Form) {
	switch f {
	case llm.BySchema:
		r.OutputConfig = &outputConfig{format{Type: "json_schema", Schema: schema}}
	case llm.ByTool, llm.ByOffer:
		r.Tools = []tool{{Name: llm.Tool, Description: llm.ToolDescription, InputSchema: schema}}
		r.ToolChoice = &choice{Type: "tool", Name: llm.Tool}
		if f == llm.ByOffer {
			r.ToolChoice = &choice{Type: "auto"}
		}
	}
	if words := f.Words(schema); words != "" {
		r.System = append(r.System, block{Type: "text", Text: words})
	}
}
