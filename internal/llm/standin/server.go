// Package standin is a server on this machine that answers by a script, for tests of
// clients of models. What an answer looks like on the wire is the caller's business.
package standin

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Server answers POST requests to one path by its script.
type Server struct {
	URL string

	path     string
	mu       sync.Mutex
	script   []Reply
	requests []Request
}

// Request is what a client sent.
type Request struct {
	Header http.Header
	Raw    string
	Body   map[string]any
}

// Reply answers one request. It may block until the client goes away.
type Reply func(w http.ResponseWriter, r *http.Request, got Request)

// New starts a server whose replies are those of the script in turn; the last one
// repeats. It listens on 127.0.0.1 and ends with the test. Other paths are not found.
func New(t testing.TB, path string, script ...Reply) *Server {
	t.Helper()
	s := &Server{path: path, script: script}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Requests are those that came so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Asked is how many requests came so far.
func (s *Server) Asked() int { return len(s.Requests()) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != s.path {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	got := Request{Header: r.Header.Clone(), Raw: string(raw)}
	if err != nil || json.Unmarshal(raw, &got.Body) != nil {
		http.Error(w, "the body is no JSON object", http.StatusBadRequest)
		return
	}
	s.next(got)(w, r, got)
}

func (s *Server) next(got Request) Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, got)
	reply := s.script[0]
	if len(s.script) > 1 {
		s.script = s.script[1:]
	}
	return reply
}

// Hangs never answers; it ends with the client's patience.
func Hangs() Reply {
	return func(_ http.ResponseWriter, r *http.Request, _ Request) { <-r.Context().Done() }
}

// Plain is a handler that looks at no request.
func Plain(h http.HandlerFunc) Reply {
	return func(w http.ResponseWriter, r *http.Request, _ Request) { h(w, r) }
}

// JSON answers with a status and a body; further pairs are headers.
func JSON(status int, body any, headers ...string) Reply {
	return func(w http.ResponseWriter, _ *http.Request, _ Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			panic(err)
		}
	}
}

// Handler is a reply that looks at no request, as a handler.
func Handler(reply Reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { reply(w, r, Request{}) }
}
