package openai_test

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm"
	"github.com/stepsleuth/stepsleuth/internal/llm/openai"
	"github.com/stepsleuth/stepsleuth/internal/llm/openai/openaitest"
	"github.com/stepsleuth/stepsleuth/internal/llm/standin"
	"github.com/stepsleuth/stepsleuth/redact"
)

var prompt = diagnose.Prompt{
	System: redact.Static("You are terse."), User: redact.Static("Why?"), MaxTokens: 700,
	Schema: []byte(`{"type":"object","properties":{"n":{"type":"number"}},"required":["n"],"additionalProperties":false}`),
}

func explained(t *testing.T, name string, err error, kind, reason, mend string) {
	t.Helper()
	var e *diagnose.ModelError
	if !errors.As(err, &e) {
		t.Errorf("%s: %v is no ModelError", name, err)
		return
	}
	if e.Kind != kind || !strings.Contains(e.Reason, reason) || !strings.Contains(e.Mend, mend) {
		t.Errorf("%s: %s\n  reason %q, want %q\n  mend %q, want %q", name, e.Kind, e.Reason, reason, e.Mend, mend)
	}
}

func TestRequest(t *testing.T) {
	s := openaitest.New(t, openaitest.Says(`{"n":1}`))
	if _, err := model(s, openai.Options{Extra: map[string]any{"reasoning_effort": "low"}}).Ask(t.Context(), prompt); err != nil {
		t.Fatal(err)
	}
	got := s.Requests()[0]
	if h := got.Header.Get("Authorization"); h != "Bearer "+key {
		t.Errorf("authorization %q", h)
	}
	for _, wanted := range []string{`"model":"gpt-4.1-mini"`, `"stream":false`, `"max_tokens":700`, `"type":"json_schema"`, `"strict":true`, `"role":"system"`, `You are terse.`, `"content":"Why?"`, `"reasoning_effort":"low"`} {
		if !strings.Contains(got.Raw, wanted) {
			t.Errorf("%s is not sent: %s", wanted, got.Raw)
		}
	}
	for _, unwanted := range []string{"temperature", "top_p", "seed", "penalty"} {
		if strings.Contains(got.Raw, unwanted) {
			t.Errorf("%s is sent: %s", unwanted, got.Raw)
		}
	}
}

func TestFormsAreTriedInTurnAndRemembered(t *testing.T) {
	refuses := func(message string) standin.Reply {
		return openaitest.Fails(400, "invalid_request_error", "", message)
	}
	noSchema := refuses("Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.")
	noObject := standin.JSON(400, map[string]any{"error": "'response_format.type' must be 'json_schema' or 'text'"})
	noLimit := openaitest.Fails(400, "invalid_request_error", "unsupported_parameter", "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
	says := openaitest.Says(`{"n":1}`)
	for name, test := range map[string]struct {
		script []standin.Reply
		forms  string
	}{
		"schema":        {[]standin.Reply{says}, "schema schema"},
		"object":        {[]standin.Reply{noSchema, says}, "schema object object"},
		"text":          {[]standin.Reply{noSchema, noObject, says}, "schema object text text"},
		"vLLM's 422":    {[]standin.Reply{standin.JSON(422, map[string]any{"detail": []any{map[string]any{"loc": []any{"body", "response_format"}, "msg": "extra fields not permitted"}}}), says}, "schema object object"},
		"limit":         {[]standin.Reply{noLimit, says}, "schema schema* schema*"},
		"limit, object": {[]standin.Reply{noLimit, noSchema, says}, "schema schema* object* object*"},
	} {
		s := openaitest.New(t, test.script...)
		m := model(s, openai.Options{})
		for range 2 {
			if a, err := m.Ask(t.Context(), prompt); err != nil || a.Text != `{"n":1}` {
				t.Errorf("%s: %q, %v", name, a.Text, err)
			}
		}
		var forms []string
		for _, r := range s.Requests() {
			forms = append(forms, formOf(r))
		}
		if got := strings.Join(forms, " "); got != test.forms {
			t.Errorf("%s: forms %q, want %q", name, got, test.forms)
		}
	}
}

func formOf(r standin.Request) string {
	star := ""
	if strings.Contains(r.Raw, "max_completion_tokens") {
		star = "*"
	}
	switch {
	case strings.Contains(r.Raw, `"json_schema"`):
		return "schema" + star
	case strings.Contains(r.Raw, `"json_object"`) && strings.Contains(r.Raw, "JSON Schema"):
		return "object" + star
	case strings.Contains(r.Raw, "JSON Schema"):
		return "text" + star
	}
	return "none"
}

func TestBaseURLs(t *testing.T) {
	s := openaitest.New(t, openaitest.Says(`{"n":1}`))
	for _, base := range []string{s.URL, s.URL + "/", s.URL + "/v1", s.URL + "/v1/", s.URL + "/v1/chat/completions", " " + s.URL + " "} {
		if _, err := model(s, openai.Options{BaseURL: base}).Ask(t.Context(), prompt); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
	_, err := model(s, openai.Options{BaseURL: s.URL + "/api"}).Ask(t.Context(), prompt)
	explained(t, "another path", err, "rejected", "no chat completions", "/v1")
}

func TestWhatIsWrongOnThisSide(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	listener.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	open := openaitest.New(t, openaitest.Fails(401, "", "", "no key"))
	for name, test := range map[string]struct {
		opts               openai.Options
		kind, reason, mend string
	}{
		"no key":             {openai.Options{ID: "gpt-4.1-mini"}, "denied", "no API key for OpenAI", "OPENAI_API_KEY"},
		"no model":           {openai.Options{BaseURL: closed}, "rejected", "no model", "ollama list"},
		"nothing listens":    {openai.Options{ID: "m", BaseURL: closed}, "unavailable", "nothing listens at 127.0.0.1", "is ollama running"},
		"authority":          {openai.Options{ID: "m", BaseURL: secure.URL}, "unavailable", "no trusted connection", "certificate"},
		"http behind https":  {openai.Options{ID: "m", BaseURL: strings.Replace(open.URL, "http:", "https:", 1)}, "unavailable", "no trusted connection", "https://"},
		"no address":         {openai.Options{ID: "m", BaseURL: "localhost:11434"}, "rejected", "no address", "https://"},
		"password in it":     {openai.Options{ID: "m", BaseURL: "http://user:hunter22@127.0.0.1:1?key=hunter22"}, "unavailable", "nothing listens at 127.0.0.1:1", "ollama"},
		"wants a key":        {openai.Options{ID: "m", BaseURL: open.URL}, "denied", "wants an API key", "OPENAI_API_KEY"},
		"key with line ends": {openai.Options{ID: "m", BaseURL: open.URL, Key: "sk-1\nX-Evil: 1"}, "denied", "line ends", "one line"},
	} {
		test.opts.Attempts = 1
		_, err := openai.New(test.opts).Ask(t.Context(), prompt)
		explained(t, name, err, test.kind, test.reason, test.mend)
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), "hunter22") || strings.Contains(e.Error(), "Evil") {
				t.Errorf("%s: %v", name, e)
			}
		}
	}
}

// A server that has less room than the question needs leaves out its beginning, and says so
// in numbers only.
func TestBeheadedQuestion(t *testing.T) {
	long := prompt
	long.User = redact.Static(question)
	for name, test := range map[string]struct {
		tokens int
		cut    bool
	}{"cut": {1024, true}, "not cut": {1300, false}, "fits": {2048, false}} {
		s := openaitest.New(t, openaitest.Usage{Prompt: test.tokens, Completion: 10}.Stops("stop", `{"n":1}`))
		_, err := model(s, openai.Options{}).Ask(t.Context(), long)
		if !test.cut {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		explained(t, name, err, "rejected", "room for 1024 tokens", "OLLAMA_CONTEXT_LENGTH")
	}
}

// question has some 6000 bytes: no variable can be Static.
const (
	question = tenTimes + tenTimes + tenTimes
	tenTimes = ten + ten + ten + ten + ten + ten + ten + ten + ten + ten
	ten      = "It is of no use to ask why, unless one asks it at full length: this sentence has two hundred bytes, or about as many as it takes to say nothing at all about anything whatever, in words of every day. Why? "
)

func TestContextThatIsFull(t *testing.T) {
	s := openaitest.New(t, openaitest.Usage{Prompt: 3900, Completion: 196}.Stops("length", `{"n":`))
	a, err := model(s, openai.Options{}).Ask(t.Context(), prompt)
	if err != nil || a.StopReason != "model_context_window_exceeded" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestOddAnswers(t *testing.T) {
	parts := standin.JSON(200, map[string]any{"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{
		"content": []any{map[string]any{"type": "text", "text": `{"n":`}, map[string]any{"type": "text", "text": `1}`}},
	}}}})
	for name, reply := range map[string]standin.Reply{
		"parts": parts, "thoughts": openaitest.Says("<think>\n{perhaps}\n</think>\n\n{\"n\":1}"),
	} {
		a, err := model(openaitest.New(t, reply), openai.Options{}).Ask(t.Context(), prompt)
		if err != nil || a.Text != `{"n":1}` {
			t.Errorf("%s: %q, %v", name, a.Text, err)
		}
	}
}

func TestPricesAndIDs(t *testing.T) {
	for id, want := range map[string]float64{
		"gpt-4.1-mini": 1000*0.40/1e6 + 200*1.60/1e6, "gpt-4.1-mini-2025-04-14": 1000*0.40/1e6 + 200*1.60/1e6,
		"gpt-4.1-mini-but-other": 0, "qwen3:8b": 0, "mine": 1000*2/1e6 + 200*4/1e6,
	} {
		s := openaitest.New(t, openaitest.Says(`{}`))
		m := model(s, openai.Options{ID: id, Prices: map[string]llm.Price{"mine": {Input: 2, Output: 4}}})
		a, err := m.Ask(t.Context(), prompt)
		if err != nil || a.CostUSD < want-1e-9 || a.CostUSD > want+1e-9 {
			t.Errorf("%s costs %v, want %v (%v)", id, a.CostUSD, want, err)
		}
		if !strings.HasPrefix(m.ID(), "openai:"+id+"@127.0.0.1:") {
			t.Errorf("id %q", m.ID())
		}
	}
	if got := openai.New(openai.Options{ID: "gpt-5"}).ID(); got != "openai:gpt-5" {
		t.Errorf("id %q", got)
	}
}

// TestLive asks a real server once: STEPSLEUTH_LIVE_OPENAI is its base URL, and
// STEPSLEUTH_LIVE_OPENAI_MODEL the model.
func TestLive(t *testing.T) {
	base := os.Getenv("STEPSLEUTH_LIVE_OPENAI")
	if base == "" {
		t.Skip("SKIPPED: NOTHING IS KNOWN OF REAL SERVERS. Set STEPSLEUTH_LIVE_OPENAI (http://localhost:11434/v1) and STEPSLEUTH_LIVE_OPENAI_MODEL to ask one.")
	}
	p := prompt
	p.User = redact.Static(`Answer with {"n": 7}.`)
	m := openai.New(openai.Options{ID: os.Getenv("STEPSLEUTH_LIVE_OPENAI_MODEL"), BaseURL: base, Key: os.Getenv("OPENAI_API_KEY")})
	began := time.Now()
	a, err := m.Ask(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v after %v", a, time.Since(began))
	if !json.Valid([]byte(a.Text)) {
		t.Errorf("no JSON: %q", a.Text)
	}
}
