package llm_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// replays is a transport that needs no network: each trip takes a second of whatever time
// the test runs in.
type replays struct {
	trips int
	next  func(n int) *http.Response
}

func (r *replays) RoundTrip(q *http.Request) (*http.Response, error) {
	time.Sleep(time.Second)
	r.trips++
	response := r.next(r.trips)
	response.Request = q
	return response, q.Context().Err()
}

func says(status int, text string, headers ...string) *http.Response {
	w := httptest.NewRecorder()
	for i := 0; i < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	io.WriteString(w, text)
	return w.Result()
}

func service(r *replays) *llm.Service {
	return &llm.Service{Name: "Test", URL: "http://test.invalid/v1", Client: &http.Client{Transport: r}}
}

func TestRetryAfterIsHeeded(t *testing.T) {
	for name, test := range map[string]struct {
		headers   []string
		least     time.Duration
		most      time.Duration
		exhausted bool
	}{
		"seconds":       {[]string{"Retry-After", "7"}, 7 * time.Second, 10 * time.Second, false},
		"milliseconds":  {[]string{"Retry-After-Ms", "2500", "Retry-After", "40"}, 2500 * time.Millisecond, 6 * time.Second, false},
		"a date":        {[]string{"Retry-After", "Sat, 01 Jan 2000 00:00:20 GMT"}, 15 * time.Second, 25 * time.Second, false},
		"a date gone":   {[]string{"Retry-After", "Sat, 01 Jan 1999 00:00:20 GMT"}, 0, 3 * time.Second, false},
		"nonsense":      {[]string{"Retry-After", "soon"}, 0, 3 * time.Second, false},
		"an hour":       {[]string{"Retry-After", "3600"}, 0, time.Second, true},
		"not to retry":  {[]string{"X-Should-Retry", "false"}, 0, time.Second, true},
		"nothing":       {nil, 0, 3 * time.Second, false},
		"negative time": {[]string{"Retry-After", "-5"}, 0, 3 * time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) { // it begins at midnight UTC 2000-01-01
			r := &replays{next: func(n int) *http.Response {
				if n == 1 {
					return says(429, `{"error":"slow"}`, test.headers...)
				}
				return says(200, "ok")
			}}
			began := time.Now()
			_, err := service(r).Post(t.Context(), nil)
			waited := time.Since(began) - time.Duration(r.trips)*time.Second
			if (err != nil) != test.exhausted || waited < test.least || waited > test.most {
				t.Errorf("%s: waited %v, %v", name, waited, err)
			}
		})
	}
}

// A try that could not begin before the deadline is not made.
func TestNoTryAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &replays{next: func(int) *http.Response { return says(429, "", "Retry-After", "30") }}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		_, err := service(r).Post(ctx, nil)
		var refusal *llm.Refusal
		if !errors.As(err, &refusal) || refusal.Tries != 1 || time.Since(began) > 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestTriesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &replays{next: func(int) *http.Response { return says(503, "") }}
		_, err := service(r).Post(t.Context(), nil)
		var refusal *llm.Refusal
		if !errors.As(err, &refusal) || refusal.Tries != 6 || r.trips != 6 {
			t.Errorf("%v, %d trips", err, r.trips)
		}
	})
}

func TestWhatIsTriedAgain(t *testing.T) {
	for _, status := range []int{408, 429, 500, 502, 503, 504, 529} {
		synctest.Test(t, func(t *testing.T) {
			r := &replays{next: func(n int) *http.Response {
				if n == 1 {
					return says(status, "")
				}
				return says(200, "ok")
			}}
			if answer, err := service(r).Post(t.Context(), nil); err != nil || string(answer) != "ok" || r.trips != 2 {
				t.Errorf("%d: %q, %v, %d trips", status, answer, err, r.trips)
			}
		})
	}
}

// fails is a transport whose connections break.
type fails struct {
	trips *int
	err   error
}

func (f fails) RoundTrip(*http.Request) (*http.Response, error) {
	*f.trips++
	return nil, f.err
}

func TestBrokenConnectionsAreTriedAgain(t *testing.T) {
	for text, tries := range map[string]int{
		"http2: server sent GOAWAY and closed the connection; LastStreamID=1": 3, "stream error: stream ID 1; INTERNAL_ERROR; received from peer": 3,
		"http2: client connection lost": 3, "http: server closed idle connection": 3, "read tcp: connection reset by peer": 3,
		"dial tcp: lookup nowhere.invalid: no such host": 1, "x509: certificate has expired": 1, "unsupported protocol scheme": 1,
	} {
		trips := 0
		s := &llm.Service{Name: "Test", URL: "http://test.invalid/v1", Attempts: 3, Client: &http.Client{Transport: fails{&trips, errors.New(text)}},
			Wait: func(int) time.Duration { return 0 }}
		_, err := s.Post(t.Context(), nil)
		if e := s.Unsent(t.Context(), err, "m"); trips != tries || e.Kind != "unavailable" || e.Mend == "" {
			t.Errorf("%s: %d tries, %+v", text, trips, e)
		}
	}
}

func TestWhatIsNotTriedAgain(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 409, 413, 422, 501, 505} {
		synctest.Test(t, func(t *testing.T) {
			r := &replays{next: func(int) *http.Response { return says(status, "") }}
			if _, err := service(r).Post(t.Context(), nil); err == nil || r.trips != 1 {
				t.Errorf("%d: %v, %d trips", status, err, r.trips)
			}
		})
	}
}

func TestBackoffGrowsAndStaysShort(t *testing.T) {
	for n, most := range map[int]time.Duration{1: 550 * time.Millisecond, 3: 2050 * time.Millisecond, 99: 20050 * time.Millisecond} {
		for range 200 {
			if d := llm.Backoff(n); d < 50*time.Millisecond || d > most {
				t.Errorf("before try %d: %v", n+1, d)
			}
		}
	}
}

func TestRefusalsAreRead(t *testing.T) {
	for body, want := range map[string]string{
		`{"type":"error","error":{"type":"a","message":"in Anthropic's shape"}}`: "in Anthropic's shape",
		`{"error":{"message":"in OpenAI's shape","code":null}}`:                  "in OpenAI's shape",
		`{"error":"in Ollama's shape"}`:                                          "in Ollama's shape",
		`{"object":"error","message":"in vLLM's shape","code":400}`:              "in vLLM's shape",
		`{"detail":"in FastAPI's shape"}`:                                        "in FastAPI's shape",
		`{"detail":[{"msg":"one"}]}`:                                             `[{"msg":"one"}]`,
		"in  no\nshape":                                                          "in no shape",
		"":                                                                       "HTTP status 400",
		`{"error":"with sk-proj-0123456789 and the-key-of-this-test"}`:           "with [key] and [key]",
		`{"error":"` + strings.Repeat("a", 290) + ` the-key-of-this-test"}`:      strings.Repeat("a", 290) + " [key]",
		`{"error":"` + strings.Repeat("ä", 400) + `"}`:                           strings.Repeat("ä", 150) + "…",
	} {
		synctest.Test(t, func(t *testing.T) {
			s := service(&replays{next: func(int) *http.Response { return says(400, body) }})
			s.Key = "the-key-of-this-test"
			_, err := s.Post(t.Context(), nil)
			var r *llm.Refusal
			if !errors.As(err, &r) {
				t.Fatalf("%s: %v", body, err)
			}
			table := llm.Table{{Text: lazyregexp.New(`^no such text$`), Reason: "never"}, {Kind: "k", Reason: "{said}", Mend: "{model}"}}
			if e := table.Explain(r, "m"); e.Reason != want || e.Kind != "k" || e.Mend != "m" {
				t.Errorf("%s: %+v, want %q", body, e, want)
			}
		})
	}
}

// once answers one request at once.
type once struct{ response *http.Response }

func (r once) RoundTrip(q *http.Request) (*http.Response, error) {
	r.response.Request = q
	return r.response, nil
}

// Whatever a service says, it is explained in a line, without the key.
func FuzzRefusal(f *testing.F) {
	const key = "the-key-of-this-test"
	f.Add(400, "application/json", `{"error":{"type":"a","message":"the-key-of-this-test","code":7}}`)
	f.Add(404, "text/html", "<html>")
	f.Add(429, "", `{"detail":[{"msg":"\u0000"}]}`)
	table := llm.Table{{Status: 404, Kind: "rejected", Reason: "{model} at {host}: {said}", Mend: "{tries}"}}
	f.Fuzz(func(t *testing.T, status int, kind, body string) {
		if status < 300 || status > 599 {
			return
		}
		s := &llm.Service{Name: "Test", URL: "http://test.invalid/v1", Key: key, Attempts: 1, Client: &http.Client{Transport: once{says(status, body, "Content-Type", kind)}}}
		_, err := s.Post(t.Context(), nil)
		var r *llm.Refusal
		if !errors.As(err, &r) {
			t.Fatalf("%v", err)
		}
		e := table.Explain(r, "m")
		if e.Kind == "" || e.Reason == "" || e.Mend == "" || strings.Contains(e.Reason+e.Mend, key) || strings.ContainsAny(e.Reason, "\n\r") || len(e.Reason) > 1000 {
			t.Errorf("%+v", e)
		}
	})
}
