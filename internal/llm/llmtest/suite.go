// Package llmtest is the suite that every vendor's Model runs: what a service can do to a
// question, and what must become of it. The vendors' stand-ins say it in their own words.
package llmtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Line is what a service does with one request, in no vendor's words.
type Line struct {
	Does Act
	Text string           // of an answer
	Raw  http.HandlerFunc // for Handles
}

// Act is a kind of answer or refusal.
type Act int

// The acts.
const (
	Says      Act = iota // an answer that ended by itself
	CutsOff              // an answer that reached its limit of tokens
	Refuses              // the model would rather not
	Throttles            // too many requests
	Falters              // a fault on the service's side
	TimesOut             // the service gave the model up
	Handles              // whatever Raw does: no vendor's words at all
)

// StandIn is a service that acts by a script.
type StandIn interface {
	Asked() int // requests so far
}

// Attempts is how many tries the models of the suite have.
const Attempts = 4

// Vendor is what the suite needs to know of a vendor.
type Vendor struct {
	// Start returns a model with Attempts tries and hardly a wait between them, and the
	// stand-in that it asks. The script's last line repeats. The stand-in's answers used
	// 1000 tokens of input and 200 of output, and the model has a price.
	Start func(t testing.TB, script ...Line) (diagnose.Model, StandIn)
	// Key is the model's, which must be shown nowhere.
	Key string
	// Denials are the refusals that the vendor is known for.
	Denials []Denial
}

// Denial is a refusal that has to be explained.
type Denial struct {
	Name         string
	Line         Line
	Kind         string
	Reason, Mend string // parts of them
	Tries        int    // 0: 1
}

// usual are denials that every vendor has to explain.
var usual = []string{"wrong key", "not allowed", "no credit", "no model", "too long"}

var prompt = diagnose.Prompt{
	System: redact.Static("You are terse."), User: redact.Static("Why?"), MaxTokens: 700,
	Schema: []byte(`{"type":"object","properties":{"n":{"type":"number"}},"required":["n"],"additionalProperties":false}`),
}

// Suite runs everything.
func Suite(t *testing.T, v Vendor) {
	t.Run("answers", v.answers)
	t.Run("tries again", v.triesAgain)
	t.Run("is explained", v.isExplained)
	t.Run("denials", v.denials)
	t.Run("time", v.time)
	t.Run("huge answer", v.huge)
	t.Run("many at once", v.manyAtOnce)
	t.Run("doctor", v.doctor)
	t.Run("document", v.document)
}

func (v Vendor) answers(t *testing.T) {
	m, s := v.Start(t, Line{Text: `{"n":1}`})
	a, err := m.Ask(t.Context(), prompt)
	if err != nil {
		t.Fatal(err)
	}
	if a.Text != `{"n":1}` || a.InputTokens != 1000 || a.OutputTokens != 200 || a.CostUSD <= 0 || a.Latency <= 0 || a.ModelID == "" || a.StopReason != "end_turn" || a.Cached {
		t.Errorf("%+v", a)
	}
	if s.Asked() != 1 {
		t.Errorf("%d requests", s.Asked())
	}
	m, s = v.Start(t, Line{Does: CutsOff, Text: `{"n":`}, Line{Text: `{"n":2}`})
	if a, err := m.Ask(t.Context(), prompt); err != nil || a.Text != `{"n":` || a.StopReason != "max_tokens" || s.Asked() != 1 {
		t.Errorf("an answer that was cut off: %+v, %v, %d requests", a, err, s.Asked())
	}
	m, s = v.Start(t, Line{Text: ""}, Line{Text: `{"n":2}`})
	if a, err := m.Ask(t.Context(), prompt); err != nil || a.Text != "" || s.Asked() != 1 {
		t.Errorf("an empty answer: %+v, %v, %d requests", a, err, s.Asked())
	}
}

func (v Vendor) triesAgain(t *testing.T) {
	for name, fault := range map[string]Line{
		"throttled": {Does: Throttles}, "faltering": {Does: Falters}, "model time-out": {Does: TimesOut},
		"connection reset": {Does: Handles, Raw: Resets}, "cut in the middle": {Does: Handles, Raw: cuts},
	} {
		m, s := v.Start(t, fault, fault, Line{Text: `{"n":1}`})
		if a, err := m.Ask(t.Context(), prompt); err != nil || a.Text != `{"n":1}` {
			t.Errorf("%s: %q, %v", name, a.Text, err)
		}
		if s.Asked() != 3 {
			t.Errorf("%s: %d requests", name, s.Asked())
		}
	}
}

// Resets breaks the connection before there is an answer.
func Resets(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// cuts ends the connection in the middle of an answer.
func cuts(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"content\":[")
	conn.Close()
}

// body answers with status 200 and what is given.
func body(kind, text string) Line {
	return Line{Does: Handles, Raw: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, text)
	}}
}

func (v Vendor) isExplained(t *testing.T) {
	for name, test := range map[string]struct {
		line  Line
		kind  string
		tries int
	}{
		"throttled for ever": {Line{Does: Throttles}, "throttled", Attempts},
		"faltering for ever": {Line{Does: Falters}, "unavailable", Attempts},
		"model time-out":     {Line{Does: TimesOut}, "timeout", Attempts},
		"resetting for ever": {Line{Does: Handles, Raw: Resets}, "unavailable", Attempts},
		"cut for ever":       {Line{Does: Handles, Raw: cuts}, "unavailable", Attempts},
		"refusal":            {Line{Does: Refuses}, "rejected", 1},
		"garbage":            {body("application/json", "\x00\xff\xfe{{{\x1f\x8b"), "garbled", 1},
		"half an answer":     {body("application/json", `{"content":[{"type":"te`), "garbled", 1},
		"another kind":       {body("application/json", `[1,2,3]`), "garbled", 1},
	} {
		m, s := v.Start(t, test.line)
		_, err := m.Ask(t.Context(), prompt)
		v.explained(t, name, err, test.kind, "", "")
		if s.Asked() != test.tries {
			t.Errorf("%s: %d requests, want %d", name, s.Asked(), test.tries)
		}
	}
	for name, line := range map[string]Line{ // whatever it is called, it has to be called something
		"web page": body("text/html", "<!doctype html><title>Sign in</title>"), "nothing at all": body("application/json", ""), "other members": body("application/json", `{"status":"ok"}`),
	} {
		m, _ := v.Start(t, line)
		if a, err := m.Ask(t.Context(), prompt); a.Text != "" {
			t.Errorf("%s: %q is taken for an answer (%v)", name, a.Text, err)
		}
	}
}

func (v Vendor) denials(t *testing.T) {
	for _, d := range v.Denials {
		m, s := v.Start(t, d.Line)
		_, err := m.Ask(t.Context(), prompt)
		v.explained(t, d.Name, err, d.Kind, d.Reason, d.Mend)
		if want := max(d.Tries, 1); s.Asked() != want {
			t.Errorf("%s: %d requests, want %d", d.Name, s.Asked(), want)
		}
	}
	for _, name := range usual {
		found := false
		for _, d := range v.Denials {
			found = found || d.Name == name
		}
		if !found {
			t.Errorf("the vendor does not say how it refuses: %s", name)
		}
	}
}

// explained wants a ModelError of a kind that says what happened and what to do, and
// nowhere the key.
func (v Vendor) explained(t *testing.T, name string, err error, kind, reason, mend string) {
	t.Helper()
	var e *diagnose.ModelError
	if !errors.As(err, &e) {
		t.Errorf("%s: %v is no ModelError", name, err)
		return
	}
	if e.Kind != kind || e.Reason == "" || e.Mend == "" || !strings.Contains(e.Reason, reason) || !strings.Contains(e.Mend, mend) {
		t.Errorf("%s: %s, want %s\n  reason %q, want %q\n  mend %q, want %q", name, e.Kind, kind, e.Reason, reason, e.Mend, mend)
	}
	for err := error(e); err != nil; err = errors.Unwrap(err) {
		for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			if v.Key != "" && strings.Contains(shown, v.Key) && !strings.HasPrefix(shown, "&") {
				t.Errorf("%s: the key is shown: %s", name, shown)
			}
		}
	}
	if v.Key != "" && (strings.Contains(e.Reason, v.Key) || strings.Contains(e.Mend, v.Key)) {
		t.Errorf("%s: the key is shown: %q %q", name, e.Reason, e.Mend)
	}
}

func (v Vendor) time(t *testing.T) {
	hangs := Line{Does: Handles, Raw: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
	m, _ := v.Start(t, hangs)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := m.Ask(ctx, prompt)
	v.explained(t, "slower than the deadline", err, "timeout", "did not answer in the time", "more time")

	m, _ = v.Start(t, Line{Does: Handles, Raw: func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"content":[`)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}})
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = m.Ask(ctx, prompt)
	v.explained(t, "begins and goes on after the deadline", err, "timeout", "did not answer in the time", "more time")

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	m, s := v.Start(t, Line{Does: Handles, Raw: func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}})
	_, err = m.Ask(ctx, prompt)
	v.explained(t, "called off", err, "timeout", "called off", "again")
	if s.Asked() != 1 {
		t.Errorf("called off: %d requests", s.Asked())
	}
}

// huge sends an answer that does not end; a model reads only so much of it.
func (v Vendor) huge(t *testing.T) {
	const limit = 64 << 20
	written := make(chan int, Attempts)
	chunk := []byte(strings.Repeat("word ", 10_000))
	m, s := v.Start(t, Line{Does: Handles, Raw: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		n, err := w.Write([]byte(`{"content":[{"type":"text","text":"`))
		for err == nil && n < limit {
			var k int
			k, err = w.Write(chunk)
			n += k
		}
		written <- n
	}})
	_, err := m.Ask(t.Context(), prompt)
	v.explained(t, "huge", err, "garbled", "more than", "")
	if n := <-written; n >= limit || s.Asked() != 1 {
		t.Errorf("%d bytes were taken, in %d requests", n, s.Asked())
	}
}

func (v Vendor) manyAtOnce(t *testing.T) {
	m, s := v.Start(t, Line{Does: Throttles}, Line{Text: `{"n":1}`})
	errs := make(chan error)
	for range 16 {
		go func() {
			a, err := m.Ask(t.Context(), prompt)
			if err == nil && a.Text != `{"n":1}` {
				err = fmt.Errorf("answer %q", a.Text)
			}
			errs <- err
		}()
	}
	for range 16 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if s.Asked() != 17 {
		t.Errorf("%d requests", s.Asked())
	}
}
