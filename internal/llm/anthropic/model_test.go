package anthropic_test

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm"
	"github.com/stepsleuth/stepsleuth/internal/llm/anthropic"
	"github.com/stepsleuth/stepsleuth/internal/llm/anthropic/anthropictest"
	"github.com/stepsleuth/stepsleuth/internal/llm/standin"
	"github.com/stepsleuth/stepsleuth/redact"
)

var prompt = diagnose.Prompt{
	System: redact.Static("You are terse."), User: redact.Static("Why?"), MaxTokens: 700,
	Schema: []byte(`{"type":"object","properties":{"n":{"type":"number"}},"required":["n"],"additionalProperties":false}`),
}

func TestRequest(t *testing.T) {
	s := anthropictest.New(t, anthropictest.Says(`{"n":1}`))
	if _, err := model(s, anthropic.Options{}).Ask(t.Context(), prompt); err != nil {
		t.Fatal(err)
	}
	got := s.Requests()[0]
	if got.Header.Get("X-Api-Key") != key || got.Header.Get("Anthropic-Version") != "2023-06-01" {
		t.Errorf("%v", got.Header)
	}
	for _, wanted := range []string{`"model":"claude-haiku-4-5"`, `"max_tokens":700`, `"output_config":{"format":{"type":"json_schema","schema":{`, `"system":[{"type":"text","text":"You are terse."}]`, `"text":"Why?"`} {
		if !strings.Contains(got.Raw, wanted) {
			t.Errorf("%s is not sent: %s", wanted, got.Raw)
		}
	}
	for _, unwanted := range []string{"temperature", "top_p", "top_k", "stream", "tools", "cache_control"} {
		if strings.Contains(got.Raw, unwanted) {
			t.Errorf("%s is sent: %s", unwanted, got.Raw)
		}
	}
}

func TestFormsAreTriedInTurnAndRemembered(t *testing.T) {
	invalid := func(message string) standin.Reply {
		return anthropictest.Fails(400, "invalid_request_error", message)
	}
	noSchema := invalid("output_config.format: Extra inputs are not permitted")
	oldModel := invalid("'claude-3-haiku-20240307' does not support output format.")
	noChoice := invalid("Thinking may not be enabled when tool_choice forces tool use.")
	noTools := invalid("tools: Extra inputs are not permitted")
	calls, says := anthropictest.Calls(`{"n":1.50}`), anthropictest.Says(`{"n":1.50}`)
	for name, test := range map[string]struct {
		script []standin.Reply
		forms  string
	}{
		"schema":          {[]standin.Reply{says}, "schema schema"},
		"tool":            {[]standin.Reply{noSchema, calls}, "schema tool tool"},
		"old model":       {[]standin.Reply{oldModel, calls}, "schema tool tool"},
		"offered tool":    {[]standin.Reply{noSchema, noChoice, calls}, "schema tool offer offer"},
		"offer not taken": {[]standin.Reply{noSchema, noChoice, says}, "schema tool offer offer"},
		"no tools":        {[]standin.Reply{noSchema, noTools, says}, "schema tool text text"},
	} {
		s := anthropictest.New(t, test.script...)
		m := model(s, anthropic.Options{CachePrompt: true})
		for range 2 {
			a, err := m.Ask(t.Context(), prompt)
			var v struct{ N float64 }
			if err != nil || json.Unmarshal([]byte(a.Text), &v) != nil || v.N != 1.5 {
				t.Errorf("%s: %q, %v", name, a.Text, err)
			}
		}
		var forms []string
		for _, r := range s.Requests() {
			forms = append(forms, formOf(r))
			system, _ := r.Body["system"].([]any)
			for i, block := range system {
				if cached := block.(map[string]any)["cache_control"] != nil; cached != (i == len(system)-1) {
					t.Errorf("%s: the system prompt is not kept to its end: %s", name, r.Raw)
				}
			}
		}
		if got := strings.Join(forms, " "); got != test.forms {
			t.Errorf("%s: forms %q, want %q", name, got, test.forms)
		}
	}
}

func formOf(r standin.Request) string {
	switch {
	case r.Body["output_config"] != nil:
		return "schema"
	case strings.Contains(r.Raw, `"tool_choice":{"type":"tool"`):
		return "tool"
	case strings.Contains(r.Raw, `"tool_choice":{"type":"auto"`):
		return "offer"
	case strings.Contains(r.Raw, "JSON Schema"):
		return "text"
	}
	return "none"
}

func TestCachedTokensCostLess(t *testing.T) {
	s := anthropictest.New(t, standin.JSON(200, map[string]any{
		"type": "message", "stop_reason": "end_turn", "content": []any{map[string]any{"type": "text", "text": "{}"}},
		"usage": map[string]any{"input_tokens": 100, "output_tokens": 200, "cache_read_input_tokens": 4000, "cache_creation_input_tokens": 1000},
	}))
	a, err := model(s, anthropic.Options{}).Ask(t.Context(), prompt)
	if want := (100 + 0.1*4000 + 1.25*1000 + 200*5) / 1e6; err != nil || a.InputTokens != 5100 || a.CostUSD < want-1e-9 || a.CostUSD > want+1e-9 {
		t.Errorf("%+v, %v, want %v", a, err, want)
	}
}

func TestPricesAndIDs(t *testing.T) {
	for id, want := range map[string]float64{
		"claude-haiku-4-5-20251001": 0.002, "claude-haiku-4-5-plus": 0, "claude-next": 0.004,
	} {
		s := anthropictest.New(t, anthropictest.Says(`{}`))
		m := model(s, anthropic.Options{ID: id, Prices: map[string]llm.Price{"claude-next": {Input: 2, Output: 10}}})
		a, err := m.Ask(t.Context(), prompt)
		if err != nil || a.CostUSD < want-1e-9 || a.CostUSD > want+1e-9 || m.ID() != "anthropic:"+id {
			t.Errorf("%s costs %v, want %v (%v), %s", id, a.CostUSD, want, err, m.ID())
		}
	}
}

func TestWhatIsWrongOnThisSide(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	listener.Close()
	for name, test := range map[string]struct {
		opts               anthropic.Options
		kind, reason, mend string
	}{
		"no key":          {anthropic.Options{BaseURL: closed, Key: " \n"}, "denied", "no API key", "ANTHROPIC_API_KEY"},
		"half a key file": {anthropic.Options{BaseURL: closed, Key: "sk-ant-1\nsk-ant-2"}, "denied", "line ends", "one line"},
		"nothing listens": {anthropic.Options{BaseURL: closed, Key: key}, "unavailable", "nothing listens", "base URL"},
	} {
		_, err := anthropic.New(test.opts).Ask(t.Context(), prompt)
		var e *diagnose.ModelError
		if !errors.As(err, &e) || e.Kind != test.kind || !strings.Contains(e.Reason, test.reason) || !strings.Contains(e.Mend, test.mend) {
			t.Errorf("%s: %#v", name, e)
		}
	}
}

func TestBaseURLs(t *testing.T) {
	s := anthropictest.New(t, anthropictest.Says(`{}`))
	for _, base := range []string{s.URL, s.URL + "/", s.URL + "/v1", s.URL + "/v1/"} {
		if _, err := anthropic.New(anthropic.Options{BaseURL: base, Key: key}).Ask(t.Context(), prompt); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// TestLive asks a real model once. It costs money, so it needs STEPSLEUTH_LIVE_ANTHROPIC=1
// beside ANTHROPIC_API_KEY.
func TestLive(t *testing.T) {
	if os.Getenv("STEPSLEUTH_LIVE_ANTHROPIC") != "1" {
		t.Skip("SKIPPED: NOTHING IS KNOWN OF REAL MODELS. Set STEPSLEUTH_LIVE_ANTHROPIC=1 and ANTHROPIC_API_KEY to ask one (it costs about $0.01).")
	}
	p := prompt
	p.User = redact.Static(`Answer with {"n": 7}.`)
	a, err := anthropic.New(anthropic.Options{Key: os.Getenv("ANTHROPIC_API_KEY")}).Ask(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", a)
	if !json.Valid([]byte(a.Text)) {
		t.Errorf("no JSON: %q", a.Text)
	}
}
