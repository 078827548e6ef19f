// Package bedrocktest stands in for Amazon Bedrock in tests: a server on this machine
// that speaks the wire protocol of Converse and gives written answers and refusals.
// It makes no answers up, and knows nothing of diagnoses.
package bedrocktest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Server answers POST /model/{id}/converse by its script.
type Server struct {
	URL string

	mu       sync.Mutex
	script   []Reply
	requests []Request
}

// Request is what a client sent.
type Request struct {
	Path    string // escaped, as sent
	ModelID string
	Header  http.Header
	Body    map[string]any
}

// Reply answers one request. It may block until the client goes away.
type Reply func(w http.ResponseWriter, r *http.Request, got Request)

// New starts a server whose replies are those of the script in turn; the last one
// repeats. It listens on 127.0.0.1 and ends with the test.
func New(t testing.TB, script ...Reply) *Server {
	t.Helper()
	s := &Server{script: script}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Config is how a client reaches the server: fixed fake credentials and a region.
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(s.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAFAKEFAKEFAKEFAKE", SecretAccessKey: "fake"}, nil
		}),
	}
}

// Requests are those that came so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Asked is how many requests came so far.
func (s *Server) Asked() int { return len(s.Requests()) }

// serve routes on the escaped path: a model's id may hold slashes and colons.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	id, rest, ok := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/model/"), "/")
	name, err := url.PathUnescape(id)
	if r.Method != http.MethodPost || !ok || rest != "converse" || err != nil {
		Fails(http.StatusNotFound, "UnknownOperationException", "")(w, r, Request{})
		return
	}
	got := Request{Path: r.URL.EscapedPath(), ModelID: name, Header: r.Header.Clone()}
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil || json.Unmarshal(body, &got.Body) != nil {
		Fails(http.StatusBadRequest, "SerializationException", "the body is no JSON object")(w, r, got)
		return
	}
	s.next(got)(w, r, got)
}

func (s *Server) next(got Request) Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, got)
	if len(s.script) == 0 {
		return Fails(http.StatusInternalServerError, "InternalServerException", "the script is empty")
	}
	reply := s.script[0]
	if len(s.script) > 1 {
		s.script = s.script[1:]
	}
	return reply
}

// Says answers with text.
func Says(text string) Reply { return Stops("end_turn", text) }

// Stops answers with text and a reason to stop: "max_tokens", "refusal" …
func Stops(reason, text string) Reply {
	content := []any{}
	if text != "" {
		content = append(content, map[string]any{"text": text})
	}
	return answers(reason, content)
}

// Calls answers with a call of the tool that was offered first; input is JSON. A
// sentence stands before it, as models write one.
func Calls(input string) Reply {
	return func(w http.ResponseWriter, r *http.Request, got Request) {
		answers("tool_use", []any{
			map[string]any{"text": "I will report what I found."},
			map[string]any{"toolUse": map[string]any{
				"toolUseId": "tooluse_1", "name": toolOf(got), "input": json.RawMessage(input),
			}},
		})(w, r, got)
	}
}

// toolOf is the name of the first tool of a request.
func toolOf(got Request) string {
	config, _ := got.Body["toolConfig"].(map[string]any)
	tools, _ := config["tools"].([]any)
	if len(tools) == 0 {
		return "none was offered"
	}
	tool, _ := tools[0].(map[string]any)
	spec, _ := tool["toolSpec"].(map[string]any)
	name, _ := spec["name"].(string)
	return name
}

// Costs answers with an empty object and this usage.
func Costs(usage map[string]any) Reply {
	return uses(usage, "end_turn", []any{map[string]any{"text": "{}"}})
}

func answers(reason string, content []any) Reply {
	return uses(map[string]any{"inputTokens": 1000, "outputTokens": 200, "totalTokens": 1200}, reason, content)
}

func uses(usage map[string]any, reason string, content []any) Reply {
	return func(w http.ResponseWriter, _ *http.Request, _ Request) {
		write(w, http.StatusOK, map[string]any{
			"metrics":    map[string]any{"latencyMs": 321},
			"output":     map[string]any{"message": map[string]any{"role": "assistant", "content": content}},
			"stopReason": reason,
			"usage":      usage,
		})
	}
}

// Fails refuses as Bedrock does.
func Fails(status int, code, message string) Reply {
	return refuses(status, code, map[string]any{"message": message})
}

// Denies refuses as IAM does at times: with a capital letter.
func Denies(message string) Reply {
	return refuses(http.StatusForbidden, "AccessDeniedException", map[string]any{"Message": message})
}

func refuses(status int, code string, body map[string]any) Reply {
	return func(w http.ResponseWriter, _ *http.Request, _ Request) {
		w.Header().Set("X-Amzn-ErrorType", code)
		write(w, status, body)
	}
}

// Hangs never answers; it ends with the client's patience.
func Hangs() Reply {
	return func(_ http.ResponseWriter, r *http.Request, _ Request) { <-r.Context().Done() }
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-RequestId", "00000000-0000-4000-8000-000000000000")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(fmt.Sprintf("bedrocktest: %v", err))
	}
}
