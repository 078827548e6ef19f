package llm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// Refusal is a service's no.
type Refusal struct {
	Status     int
	Codes      []string // what the service calls it: its "type" and its "code"
	Said       string   // one line, without the key
	HTML       bool     // a page for people: hardly the API
	Tries      int
	RetryAfter time.Duration // 0: not said

	service *Service
	again   string // "x-should-retry"
}

func (r *Refusal) Error() string { return fmt.Sprintf("HTTP status %d", r.Status) }

func newRefusal(s *Service, response *http.Response, body []byte) *Refusal {
	r := &Refusal{
		Status: response.StatusCode, RetryAfter: retryAfter(response.Header), again: response.Header.Get("X-Should-Retry"),
		HTML: isHTML(response.Header.Get("Content-Type"), body), service: s, Tries: 1,
	}
	if !r.HTML {
		var said string
		r.Codes, said = reading(body)
		r.Said = Sentence(s.scrub(said)) // in this order: half a key is one too
	}
	return r
}

// isHTML tells pages from what an API says.
func isHTML(kind string, body []byte) bool {
	return strings.HasPrefix(kind, "text/html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

// reading finds codes and message in the shapes that are in use: an object or a text
// under "error", or the same members at the top; else the text itself.
func reading(body []byte) (codes []string, said string) {
	var top map[string]any
	if json.Unmarshal(body, &top) != nil {
		return nil, string(body)
	}
	inner, ok := top["error"].(map[string]any)
	if !ok {
		inner = top
	}
	for _, name := range []string{"type", "code"} {
		switch v := inner[name].(type) {
		case string:
			codes = append(codes, v)
		case float64:
			codes = append(codes, strconv.Itoa(int(v)))
		}
	}
	for _, v := range []any{inner["message"], top["error"], top["detail"]} {
		if text, ok := v.(string); ok && text != "" {
			return codes, text
		}
	}
	if top["detail"] != nil {
		detail, _ := json.Marshal(top["detail"])
		return codes, string(detail)
	}
	return codes, ""
}

// keyForm is what keys look like, also where a service has masked a part of one.
var keyForm = lazyregexp.New(`\b(sk|pk|rk|gsk|hf|key)[-_][A-Za-z0-9*_.…-]{6,}`)

// scrub takes keys out of what a service says: some repeat what they were sent.
func (s *Service) scrub(text string) string {
	if s.Key != "" {
		text = strings.ReplaceAll(text, s.Key, "[key]")
	}
	return keyForm.ReplaceAllString(text, "[key]")
}

// passing tells refusals that may be gone at the next try.
func (r *Refusal) passing() bool {
	switch r.again {
	case "true":
		return true
	case "false":
		return false
	}
	switch r.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return r.Status >= 500
}

// Explanation is what a refusal is told by, and what is said of it. In Reason and Mend,
// {model}, {host}, {said} and {tries} are filled in.
type Explanation struct {
	Status int                // 0 any
	Code   string             // "" any
	Text   *lazyregexp.Regexp // nil any
	Final  bool               // no use in trying again, whatever the status says
	Kind   string             // of the ModelError
	Reason string
	Mend   string
}

func (x *Explanation) fits(r *Refusal) bool {
	return (x.Status == 0 || x.Status == r.Status) && (x.Code == "" || slices.Contains(r.Codes, x.Code)) &&
		(x.Text == nil || x.Text.MatchString(r.Said))
}

// Table explains refusals: the first explanation that fits counts, so the more special
// ones come first. What none fits gets one of Usual's.
type Table []Explanation

// Final is for Service.Final.
func (t Table) Final(r *Refusal) bool {
	x := t.find(r)
	return x != nil && x.Final
}

func (t Table) find(r *Refusal) *Explanation {
	for i := range t {
		if t[i].fits(r) {
			return &t[i]
		}
	}
	return nil
}

// Explain makes an error of a refusal, with a way to mend it.
func (t Table) Explain(r *Refusal, model string) *diagnose.ModelError {
	x := t.find(r)
	if x == nil || r.HTML {
		x = usual(r)
	}
	fill := strings.NewReplacer("{model}", cmp.Or(model, "the model"), "{host}", r.service.Host(), "{name}", r.service.Name,
		"{said}", cmp.Or(r.Said, r.Error()), "{tries}", strconv.Itoa(r.Tries))
	return &diagnose.ModelError{Kind: x.Kind, Reason: fill.Replace(x.Reason), Mend: fill.Replace(x.Mend), Err: r}
}

// usual explains by the status alone.
func usual(r *Refusal) *Explanation {
	switch {
	case r.Status/100 == 3:
		return &Explanation{Kind: "rejected", Reason: "{host} sends elsewhere, and a key is not sent after it ({said})",
			Mend: "set the base URL to where it leads, if that is {name}'s API"}
	case r.HTML && r.Status < 500:
		return &Explanation{Kind: "rejected", Reason: "{host} answers with a web page, not as {name}'s API would",
			Mend: "set the base URL to the API's own; sign-in pages and proxies answer like this too"}
	case r.Status == http.StatusUnauthorized:
		return &Explanation{Kind: "denied", Reason: "{name} does not accept the API key", Mend: "set a key that is valid at {host}"}
	case r.Status == http.StatusForbidden:
		return &Explanation{Kind: "denied", Reason: "{name} denies access to {model}: {said}", Mend: "see what the key may do, and where it may be used from"}
	case r.Status == http.StatusNotFound:
		return &Explanation{Kind: "rejected", Reason: "{host} knows no such address or no {model}: {said}", Mend: "see that the base URL and the model's id are right"}
	case r.Status == http.StatusRequestEntityTooLarge:
		return &Explanation{Kind: "rejected", Reason: "the question was too large for {name}", Mend: "lower the token budget of prompts"}
	case r.Status == http.StatusTooManyRequests:
		return &Explanation{Kind: "throttled", Reason: "{name} throttled the question {tries} times in a row", Mend: "try later, or ask {name} for a higher rate"}
	case r.Status == http.StatusRequestTimeout, r.Status == http.StatusGatewayTimeout:
		return &Explanation{Kind: "timeout", Reason: "{model} took longer than {name} allows, in {tries} tries", Mend: "lower the limit of tokens for an answer, or choose a faster model"}
	case r.Status >= 500:
		return &Explanation{Kind: "unavailable", Reason: "{name} failed on its side in {tries} tries (HTTP status " + strconv.Itoa(r.Status) + ")", Mend: "try later; the service's status page tells of incidents"}
	}
	return &Explanation{Kind: "rejected", Reason: "{name} refuses the request: {said}", Mend: "choose another model, or report this together with the model's id"}
}
