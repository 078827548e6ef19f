// Package eval scores diagnoses against labelled failures: what a reader is told
// is held against what people who know the answer wrote down.
//
// It knows nothing of how a diagnosis is made.
package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/value"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Row is one labelled failure, a line of a corpus.
type Row struct {
	ID         string          `json:"id"`
	Error      *string         `json:"error"`
	Cause      *string         `json:"cause"`
	State      json.RawMessage `json:"state"` // the failed state's definition
	StateName  *string         `json:"state_name"`
	Phase      string          `json:"phase"`
	Definition json.RawMessage `json:"definition"`
	Input      json.RawMessage `json:"input"`
	History    json.RawMessage `json:"history"`
	Truth      Truth           `json:"truth"`
	MustNot    []string        `json:"must_not"` // of a prompt injection; besides Truth's

	Confidence    string `json:"confidence"`
	CauseFidelity string `json:"cause_fidelity"`
}

// Truth is the label.
type Truth struct {
	Category    string   `json:"category"`
	Acceptable  []string `json:"acceptable"`   // other defensible categories
	MustMention []string `json:"must_mention"` // RE2, case does not matter; every one
	MustNot     []string `json:"must_not"`     // RE2; none in the report's own voice
	Retryable   any      `json:"retryable"`    // true, false or "depends"
	State       *string  `json:"state"`        // of a history: where it failed
}

// Headline tells whether the row counts for the headline figures: its label is
// sure, and its cause was seen and not made up.
func (r *Row) Headline() bool { return r.Confidence != "low" && r.CauseFidelity != "reconstructed" }

// Read reads a corpus, one JSON object a line.
func Read(name string, text []byte) ([]Row, error) {
	var rows []Row
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var r Row
		err := value.Decode(line, &r)
		var syntax *value.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("%s:%d:%d: not a labelled failure: %s; each line is one JSON object", name, n, syntax.Column, syntax.Problem)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: not a labelled failure: %w", name, n, err)
		}
		if r.Truth.Category == "" {
			return nil, fmt.Errorf("%s:%d: no truth.category", name, n)
		}
		for _, expr := range slices.Concat(r.Truth.MustMention, r.Truth.MustNot, r.MustNot) {
			if _, err := compile(expr); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, n, err)
			}
		}
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: no rows; give one labelled failure a line", name)
	}
	return rows, nil
}

func compile(expr string) (*regexp.Regexp, error) { return regexp.Compile("(?i)" + expr) }

// Mark is what one document got.
type Mark struct {
	ID       string `json:"id"`
	Want     string `json:"want"` // the label's category
	Got      string `json:"got"`
	Headline bool   `json:"headline"`

	Abstained bool     `json:"abstained"` // "other", and nothing more: no claim was made
	Category  bool     `json:"category"`
	Mentions  bool     `json:"mentions"`
	Retryable bool     `json:"retryable"`
	State     bool     `json:"state"`
	Certain   bool     `json:"certain"`                 // a finding called certain was shown
	Answer    string   `json:"retryableSaid,omitempty"` // "true", "false" or "depends"
	Label     string   `json:"retryableWant,omitempty"`
	Unsaid    []string `json:"unsaid,omitempty"` // of must_mention
	Broken    []string `json:"broken,omitempty"` // of must_not
}

// Perfect tells that nothing of what was asked is wrong. Of a history only state
// and category are asked.
func (m Mark) Perfect(history bool) bool {
	return m.Category && m.State && len(m.Broken) == 0 && (history || m.Mentions && m.Retryable)
}

// Judge holds a document against a row's label.
func Judge(r *Row, doc report.Document) Mark {
	m := Mark{ID: r.ID, Want: r.Truth.Category, Headline: r.Headline()}
	if doc.Category != nil {
		m.Got = doc.Category.String()
	}
	m.Category = m.Got == m.Want || slices.Contains(r.Truth.Acceptable, m.Got)
	m.Abstained = m.Got == "other" || m.Got == ""
	m.Label = fmt.Sprint(r.Truth.Retryable)
	if doc.Retryable != nil {
		m.Answer = answer(*doc.Retryable)
	}
	m.Retryable = m.Answer == m.Label
	m.Certain = certain(doc)
	m.State = r.Truth.State == nil || state(doc) == *r.Truth.State
	own := ownVoice(doc)
	m.Unsaid = misses(own+"\n"+quoted(doc), r.Truth.MustMention)
	m.Mentions = len(m.Unsaid) == 0
	m.Broken = hits(own, slices.Concat(r.Truth.MustNot, r.MustNot))
	return m
}

func answer(r report.Retryable) string {
	text, err := json.Marshal(r)
	if err != nil {
		return ""
	}
	return strings.Trim(string(text), `"`)
}

// certain looks at the finding that the category comes from.
func certain(doc report.Document) bool {
	for _, f := range doc.Findings {
		if !f.Contributing && f.Category != nil && doc.Category != nil && f.Category.String() == doc.Category.String() {
			return f.Confidence.String() == "certain"
		}
	}
	return false
}

// state is where the document says that it began.
func state(doc report.Document) string {
	f := doc.Failure
	if doc.Origin != nil && !doc.HandlerFailed {
		f = doc.Origin
	}
	if f == nil || f.State == nil {
		return ""
	}
	return f.State.String()
}

// ownVoice is all that the document says itself: no quotes of what was recorded.
func ownVoice(doc report.Document) string {
	texts := []redact.Text{doc.RootCause, doc.Explanation}
	for _, f := range doc.Findings {
		texts = append(texts, f.Title)
	}
	for _, r := range doc.Remediation {
		texts = append(append(texts, r.Title), r.Steps...)
		if r.Diff != nil {
			texts = append(texts, *r.Diff)
		}
	}
	texts = append(append(append(texts, doc.Prevention...), doc.Docs...), doc.Next...)
	lines := make([]string, len(texts))
	for i, t := range texts {
		lines[i] = t.String()
	}
	return strings.Join(lines, "\n")
}

// quoted is what the document shows of the failure itself.
func quoted(doc report.Document) string {
	var lines []string
	for _, f := range []*report.Failure{doc.Failure, doc.Origin} {
		if f == nil {
			continue
		}
		for _, t := range []*redact.Text{f.Error, f.Cause} {
			if t != nil {
				lines = append(lines, t.String())
			}
		}
	}
	return strings.Join(lines, "\n")
}

func misses(text string, exprs []string) []string {
	var out []string
	for _, expr := range exprs {
		if re, err := compile(expr); err != nil || !re.MatchString(text) {
			out = append(out, expr)
		}
	}
	return out
}

func hits(text string, exprs []string) []string {
	var out []string
	for _, expr := range exprs {
		if re, err := compile(expr); err == nil && re.MatchString(text) {
			out = append(out, expr)
		}
	}
	return out
}
