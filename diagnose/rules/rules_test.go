package rules_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/diagnose/rules/internal/example"
	"github.com/stepsleuth/stepsleuth/history"
)

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
			hits, misses := files(t, rule.Name, "hit"), files(t, rule.Name, "miss")
			if len(hits) == 0 || len(misses) == 0 {
				t.Errorf("%d hits and %d misses; one of each is wanted", len(hits), len(misses))
			}
			for _, file := range hits {
				t.Run(filepath.Base(file), func(t *testing.T) { hit(t, rule, file) })
			}
			for _, file := range misses {
				t.Run(filepath.Base(file), func(t *testing.T) {
					_, c := read(t, file)
					if found := rule.Check(c); len(found) > 0 {
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

func filesOf(t testing.TB, rule string) []string { return files(t, rule, "hit") }

func exampleOf(t testing.TB, file string) example.Example {
	t.Helper()
	e, err := example.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func files(t testing.TB, rule, kind string) []string {
	t.Helper()
	names, err := example.Files("testdata", rule, kind)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func read(t *testing.T, file string) (example.Want, *diagnose.Case) {
	t.Helper()
	e := exampleOf(t, file)
	c, err := e.Case()
	if err != nil {
		t.Fatal(err)
	}
	return e.Want, c
}

func hit(t *testing.T, rule *diagnose.Rule, file string) {
	want, c := read(t, file)
	own := rule.Check(c)
	if len(own) == 0 {
		t.Fatal("the rule is silent")
	}
	found := diagnose.Judge(c, rules.All())
	best := found[0]
	if want.Contributing {
		best = own[0]
		if !best.Contributing {
			t.Error("not Contributing")
		}
	} else {
		if best.Category != want.Category {
			t.Errorf("category %s (%s, rule %s), want %s\n%s", best.Category, best.Confidence, best.Rule, want.Category, best.RootCause)
		}
		if best.Retryable != want.Retryable {
			t.Errorf("retryable %s, want %s", best.Retryable, want.Retryable)
		}
	}
	text := report(best)
	if ok, unsaid := mentions(text, want.Mention); !ok {
		t.Errorf("does not say %q:\n%s", unsaid, text)
	}
	if m := breaks(text, want.MustNot); m != "" {
		t.Errorf("says %q:\n%s", m, text)
	}
	whole(t, best)
	sound(t, c, best)
	if want.Edited != "" {
		edited(t, c, best, want.Edited)
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

// sound asks that every edit offered leaves a definition that can be read and is no worse than it was.
func sound(t *testing.T, c *diagnose.Case, f diagnose.Finding) {
	t.Helper()
	for _, r := range f.Remedies {
		if len(r.Edits) == 0 {
			continue
		}
		old := c.State.Machine.Source().Text
		text, err := asl.Apply(old, r.Edits)
		if err != nil {
			t.Fatalf("%s: %v", r.Title, err)
		}
		parse := func(text string) error {
			if c.Machine != nil {
				_, err := asl.Parse("", []byte(text))
				return err
			}
			_, err := asl.ParseState(c.State.Name, []byte(text))
			return err
		}
		if before, after := parse(old), parse(text); before == nil && after != nil {
			t.Errorf("%s: the edited definition is refused: %v\n%s", r.Title, after, text)
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

// A path that leads to nothing is not pointed at as if its value were wrong.
func TestAMissingWaitIsPointedAtAsMissing(t *testing.T) {
	for _, field := range []string{"SecondsPath", "TimestampPath"} {
		c := given("States.Runtime", "The "+field+" parameter does not reference an input value: $.delay", `{"Type": "Wait", "`+field+`": "$.delay", "End": true}`)
		c.Failure.Input = history.Text(`{"a": 1}`)
		f := diagnose.Judge(c, rules.All())[0]
		if f.Focus == nil || !strings.HasPrefix(f.Focus.Label, "missing") {
			t.Errorf("%s: %+v", field, f.Focus)
		}
	}
}

// The reference of the rules is made of the rules and their examples.
func TestReferenceIsCurrent(t *testing.T) {
	want, err := example.Page("testdata")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("..", "..", "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/rules.md is not current; run: go run ./diagnose/rules/internal/gendocs")
	}
}

// A rule that can be left out without any of its examples coming out otherwise
// is not needed, or its examples do not show what it is for.
func TestEveryRuleMatters(t *testing.T) {
	if raceDetector {
		t.Skip("nothing of it runs at the same time")
	}
	all := rules.All()
	for i, rule := range all {
		without := slices.Delete(slices.Clone(all), i, i+1)
		matters := false
		for _, file := range files(t, rule.Name, "hit") {
			want, c := read(t, file)
			found := diagnose.Judge(c, without)
			if want.Contributing || len(found) == 0 {
				matters = true
				continue
			}
			said, _ := mentions(report(found[0]), want.Mention)
			matters = matters || !said || found[0].Category != want.Category || found[0].Retryable != want.Retryable
		}
		if !matters {
			t.Errorf("%s: its examples come out the same without it", rule.Name)
		}
	}
}
