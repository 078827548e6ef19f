package rules_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/history"
)

// example is a failure that a rule has to see (hit*.json) or to pass over in
// silence (miss*.json).
type example struct {
	Error, Cause *string
	State        json.RawMessage // definition of the failing state, alone
	StateName    string          `json:"state_name"`
	Phase        string
	Definition   json.RawMessage // whole definition; state_name is in it
	Input        json.RawMessage // of the failing state
	StateType    string          `json:"state_type"`
	Aborted      bool
	TimedOut     bool `json:"timed_out"`
	Heartbeat    bool
	Succeeded    bool // nothing failed

	Want struct {
		Category     string
		Retryable    string
		Contributing bool
		Mention      []string
		MustNot      []string `json:"must_not"`
		Edited       string   // text that the first edit offered makes of the definition
	}
}

func (e example) toCase(t *testing.T) *diagnose.Case {
	t.Helper()
	c := caseOf(e.Phase, e.StateName, e.State, e.Input, e.Error, e.Cause)
	if len(e.Definition) > 0 {
		m, err := asl.Parse("example", e.Definition)
		if err != nil {
			t.Logf("definition: %v", err)
		}
		c.Machine, c.State = m, stateIn(m, e.StateName)
		if c.State == nil {
			t.Fatalf("no state %q in the definition", e.StateName)
		}
		c.Failure.StateType = string(c.State.Type)
	}
	if e.StateType != "" {
		c.Failure.StateType = e.StateType
	}
	if len(e.Input) > 0 {
		c.Failure.Input = history.Text(string(e.Input))
	}
	c.Failure.Aborted, c.Failure.TimedOut, c.Failure.Heartbeat = e.Aborted, e.TimedOut, e.Heartbeat
	if e.Succeeded {
		c.Failure = nil
	}
	return c
}

func TestEveryRuleHasExamples(t *testing.T) {
	seen := map[string]bool{}
	for _, rule := range rules.All() {
		t.Run(rule.Name, func(t *testing.T) {
			if seen[rule.Name] {
				t.Fatal("two rules have this name")
			}
			seen[rule.Name] = true
			if rule.Doc == "" {
				t.Error("no Doc")
			}
			dir := filepath.Join("testdata", rule.Name)
			hits := glob(t, dir, "hit*.json")
			misses := glob(t, dir, "miss*.json")
			if len(hits) == 0 || len(misses) == 0 {
				t.Errorf("%d hits and %d misses; one of each is wanted", len(hits), len(misses))
			}
			for _, file := range hits {
				t.Run(filepath.Base(file), func(t *testing.T) { hit(t, rule, file) })
			}
			for _, file := range misses {
				t.Run(filepath.Base(file), func(t *testing.T) {
					var e example
					readJSON(t, file, &e)
					if found := rule.Check(e.toCase(t)); len(found) > 0 {
						t.Errorf("speaks of %s (%s): %s", found[0].Category, found[0].Confidence, found[0].RootCause)
					}
				})
			}
		})
	}
	dirs, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if !seen[d.Name()] {
			t.Errorf("testdata/%s: no rule has this name", d.Name())
		}
	}
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func hit(t *testing.T, rule *diagnose.Rule, file string) {
	var e example
	readJSON(t, file, &e)
	c := e.toCase(t)
	own := rule.Check(c)
	if len(own) == 0 {
		t.Fatal("the rule is silent")
	}
	found := diagnose.Judge(c, rules.All())
	best := found[0]
	if e.Want.Contributing {
		best = own[0]
		if !best.Contributing {
			t.Error("not Contributing")
		}
	} else {
		if string(best.Category) != e.Want.Category {
			t.Errorf("category %s (%s, rule %s), want %s\n%s", best.Category, best.Confidence, best.Rule, e.Want.Category, best.RootCause)
		}
		if string(best.Retryable) != e.Want.Retryable {
			t.Errorf("retryable %s, want %s", best.Retryable, e.Want.Retryable)
		}
	}
	text := report(best)
	if ok, unsaid := mentions(text, e.Want.Mention); !ok {
		t.Errorf("does not say %q:\n%s", unsaid, text)
	}
	if m := breaks(text, e.Want.MustNot); m != "" {
		t.Errorf("says %q:\n%s", m, text)
	}
	whole(t, best)
	if e.Want.Edited != "" {
		edited(t, c, best, e.Want.Edited)
	}
}

// whole asks that a finding has what a reader needs.
func whole(t *testing.T, f diagnose.Finding) {
	t.Helper()
	for name, s := range map[string]string{"Title": f.Title, "RootCause": f.RootCause} {
		if strings.TrimSpace(s) == "" {
			t.Errorf("no %s", name)
		}
		if strings.Contains(s, "  ") || strings.Contains(s, "%!") || strings.Contains(s, "\n") || strings.Contains(s, "..") && !strings.Contains(s, "…") {
			t.Errorf("%s is not tidy: %q", name, s)
		}
	}
	if !strings.HasSuffix(f.RootCause, ".") {
		t.Errorf("RootCause is no sentence: %q", f.RootCause)
	}
	if len(f.Remedies) == 0 {
		t.Error("no remedy")
	}
	for _, r := range f.Remedies {
		if r.Title == "" || len(r.Steps) == 0 {
			t.Errorf("remedy %q has no steps", r.Title)
		}
		for _, s := range r.Steps {
			if strings.TrimSpace(s) == "" {
				t.Errorf("remedy %q has an empty step", r.Title)
			}
		}
	}
}

func edited(t *testing.T, c *diagnose.Case, f diagnose.Finding, want string) {
	t.Helper()
	for _, r := range f.Remedies {
		if len(r.Edits) == 0 {
			continue
		}
		text, err := asl.Apply(c.State.Machine.Source().Text, r.Edits)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, want) {
			t.Errorf("edited definition does not hold %s:\n%s", want, text)
		}
		return
	}
	t.Error("no edit is offered")
}
