package rules_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
)

// row is one labelled failure.
type row struct {
	ID            string          `json:"id"`
	Error         *string         `json:"error"`
	Cause         *string         `json:"cause"`
	Phase         string          `json:"phase"`
	StateName     *string         `json:"state_name"`
	State         json.RawMessage `json:"state"`
	Confidence    string          `json:"confidence"`
	CauseFidelity string          `json:"cause_fidelity"`
	MustNot       []string        `json:"must_not"` // of an injection
	Truth         struct {
		Category    string   `json:"category"`
		Acceptable  []string `json:"acceptable"`
		MustMention []string `json:"must_mention"`
		MustNot     []string `json:"must_not"`
		Retryable   any      `json:"retryable"`
	} `json:"truth"`
}

func rowsOf(t *testing.T, file string) []row {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedtest.Dir(t, "corpus"), file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []row
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// caseOf makes a case of a failure alone, or with its state.
func caseOf(phase, name string, state, input json.RawMessage, err, cause *string) *diagnose.Case {
	c := &diagnose.Case{Phase: diagnose.Phase(cmp.Or(phase, "run")), Failure: &diagnose.Failure{State: name, Error: err, Cause: cause}}
	if len(state) > 0 && string(state) != "null" {
		s, _ := asl.ParseState(name, state)
		c.State = s
		if s != nil {
			c.Failure.StateType = string(s.Type)
		}
	}
	if len(input) > 0 {
		c.Failure.Input = history.Text(string(input))
	}
	return c
}

// report is all that a report says of a finding in its own voice.
func report(f diagnose.Finding) string {
	parts := []string{f.Title, f.RootCause, f.Explanation}
	for _, r := range f.Remedies {
		parts = append(parts, r.Title)
		parts = append(parts, r.Steps...)
		for _, e := range r.Edits {
			parts = append(parts, e.New)
		}
	}
	parts = append(parts, f.Prevention...)
	parts = append(parts, f.Docs...)
	return strings.Join(parts, "\n")
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// score counts one group of rows.
type score struct{ rows, category, mention, mustNot, retryable, sureAndWrong int }

func (s score) String() string {
	pct := func(n int) string {
		return fmt.Sprintf("%d/%d (%.1f %%)", n, s.rows, 100*float64(n)/float64(max(s.rows, 1)))
	}
	return fmt.Sprintf("category %s  mention %s  retryable %s  must_not broken %d  certain and wrong %d", pct(s.category), pct(s.mention), pct(s.retryable), s.mustNot, s.sureAndWrong)
}

func TestCorpus(t *testing.T) {
	rows := rowsOf(t, "failures.jsonl")
	scores := map[string]*score{}
	count := func(name string, add func(*score)) {
		if scores[name] == nil {
			scores[name] = &score{}
		}
		add(scores[name])
	}
	third := os.Getenv("CORPUS") // "dev" or "held": only that part is looked at
	for i, r := range rows {
		held := i%3 == 0
		if third == "dev" && held || third == "held" && !held {
			continue
		}
		headline := r.Confidence != "low" && r.CauseFidelity != "reconstructed"
		found := diagnose.Judge(caseOf(r.Phase, deref(r.StateName), r.State, nil, r.Error, r.Cause), rules.All())
		if len(found) == 0 || found[0].Contributing {
			t.Errorf("%s: nothing found", r.ID)
			continue
		}
		best := found[0]
		okCategory := string(best.Category) == r.Truth.Category || slices.Contains(r.Truth.Acceptable, string(best.Category))
		okRetry := fmt.Sprint(r.Truth.Retryable) == string(best.Retryable)
		text := report(best)
		okMention, unsaid := mentions(text+"\n"+deref(r.Cause), r.Truth.MustMention)
		broken := breaks(text, r.Truth.MustNot)
		groups := []string{"every row"}
		if headline {
			part := "headline, looked at"
			if held {
				part = "headline, held out"
			}
			groups = append(groups, "headline", part, "  "+r.Truth.Category)
		}
		for _, g := range groups {
			count(g, func(s *score) {
				s.rows++
				s.category += b2i(okCategory)
				s.mention += b2i(okMention)
				s.retryable += b2i(okRetry)
				s.mustNot += b2i(broken != "")
				s.sureAndWrong += b2i(!okCategory && best.Confidence == diagnose.Certain)
			})
		}
		if held && third != "held" {
			continue // its texts are not shown: rules are not to be written after them
		}
		if !okCategory || !okRetry || !okMention || broken != "" {
			t.Logf("%s (headline %v): %s (%s, rule %s), want %s %v; retryable %s, want %v; unsaid %q; broken %q\n\t%s",
				r.ID, headline, best.Category, best.Confidence, best.Rule, r.Truth.Category, r.Truth.Acceptable, best.Retryable, r.Truth.Retryable, unsaid, broken, best.RootCause)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(scores)) {
		t.Logf("%-32s %s", name, scores[name])
	}
	h := scores["headline"]
	if h == nil {
		return
	}
	if h.category*100 < h.rows*95 || h.mention*100 < h.rows*90 || h.retryable*100 < h.rows*95 || h.mustNot > 0 || h.sureAndWrong > 0 {
		t.Errorf("below the mark: %s", h)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func mentions(text string, want []string) (bool, []string) {
	var unsaid []string
	for _, w := range want {
		if !regexp.MustCompile("(?i)" + w).MatchString(text) {
			unsaid = append(unsaid, w)
		}
	}
	return unsaid == nil, unsaid
}

func breaks(text string, not []string) string {
	for _, n := range not {
		if m := regexp.MustCompile("(?i)" + n).FindString(text); m != "" {
			return m
		}
	}
	return ""
}

// TestInjections asks that text which commands is never passed on.
func TestInjections(t *testing.T) {
	for _, r := range rowsOf(t, "injection.jsonl") {
		t.Run(r.ID, func(t *testing.T) {
			for _, f := range diagnose.Judge(caseOf("run", "", r.State, nil, r.Error, r.Cause), rules.All()) {
				if m := breaks(report(f), r.MustNot); m != "" {
					t.Errorf("%s says %q:\n%s", f.Rule, m, report(f))
				}
			}
			best := diagnose.Judge(caseOf("run", "", r.State, nil, r.Error, r.Cause), rules.All())[0]
			if string(best.Category) != r.Truth.Category {
				t.Errorf("category %s, want %s (%s)", best.Category, r.Truth.Category, best.Rule)
			}
			if ok, unsaid := mentions(report(best)+"\n"+deref(r.Cause), r.Truth.MustMention); !ok {
				t.Errorf("does not say %q", unsaid)
			}
			if got := fmt.Sprint(r.Truth.Retryable); got != string(best.Retryable) {
				t.Logf("retryable %s, label %s", best.Retryable, got)
			}
			t.Log(best.RootCause)
		})
	}
}

// TestRecordedHistories judges recorded failures by error, cause and state alone.
func TestRecordedHistories(t *testing.T) {
	labels, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "conformance"), "histories", "*.label.json"))
	if err != nil {
		t.Fatal(err)
	}
	right, all := 0, 0
	for _, file := range labels {
		var l struct {
			Status      string
			Error       *string
			Cause       json.RawMessage
			FailedState string
			Category    string
			Acceptable  []string
			Note        string
		}
		readJSON(t, file, &l)
		var meta struct{ Definition json.RawMessage }
		readJSON(t, strings.Replace(file, ".label.", ".meta.", 1), &meta)
		var cause *string
		if len(l.Cause) > 0 && string(l.Cause) != "null" {
			text := string(l.Cause)
			_ = json.Unmarshal(l.Cause, &text) // an object stays the text it is
			cause = &text
		}
		c := caseOf("run", l.FailedState, nil, nil, l.Error, cause)
		if m, _ := asl.Parse("", meta.Definition); m != nil {
			c.Machine = m
			c.State = stateIn(m, l.FailedState)
		}
		if c.State != nil {
			c.Failure.StateType = string(c.State.Type)
		}
		c.Failure.Aborted, c.Failure.TimedOut = l.Status == "ABORTED", l.Status == "TIMED_OUT"
		best := diagnose.Judge(c, rules.All())[0]
		all++
		if string(best.Category) == l.Category || slices.Contains(l.Acceptable, string(best.Category)) {
			right++
			continue
		}
		t.Logf("%s: %s (%s, rule %s), want %s %v: %s\n\t%s", filepath.Base(file), best.Category, best.Confidence, best.Rule, l.Category, l.Acceptable, l.Note, best.RootCause)
	}
	t.Logf("category %d/%d (%.1f %%)", right, all, 100*float64(right)/float64(max(all, 1)))
	if right*100 < all*97 {
		t.Error("below the mark of 97 %")
	}
}

func stateIn(m *asl.Machine, name string) *asl.State {
	for _, s := range m.States {
		if s.Name == name {
			return s
		}
		inner := slices.Clone(s.Branch)
		if s.Map != nil && s.Map.Processor != nil {
			inner = append(inner, s.Map.Processor)
		}
		for _, b := range inner {
			if found := stateIn(b, name); found != nil {
				return found
			}
		}
	}
	return nil
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func jsonOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
