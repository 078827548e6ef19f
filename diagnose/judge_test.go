package diagnose_test

import (
	"slices"
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
)

func TestJudgeOrdersFindings(t *testing.T) {
	rule := func(name string, found ...diagnose.Finding) *diagnose.Rule {
		return &diagnose.Rule{Name: name, Check: func(*diagnose.Case) []diagnose.Finding { return found }}
	}
	found := diagnose.Judge(&diagnose.Case{}, []*diagnose.Rule{
		rule("unknown", diagnose.Finding{Category: diagnose.Other, Confidence: diagnose.Hypothesis}),
		rule("makes-worse", diagnose.Finding{Category: diagnose.Configuration, Confidence: diagnose.Certain, Contributing: true}),
		rule("guess", diagnose.Finding{Category: diagnose.Permission, Confidence: diagnose.Hypothesis}),
		rule("later", diagnose.Finding{Category: diagnose.DataPath, Confidence: diagnose.Certain}),
		rule("earlier", diagnose.Finding{Category: diagnose.Throttling, Confidence: diagnose.Certain, Also: []diagnose.Category{diagnose.Quota}}),
		rule("echo", diagnose.Finding{Category: diagnose.Throttling, Confidence: diagnose.Likely}),
	})
	var names []string
	for _, f := range found {
		names = append(names, f.Rule)
	}
	if want := []string{"earlier", "later", "guess", "makes-worse"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if want := []diagnose.Category{diagnose.Quota, diagnose.DataPath}; !slices.Equal(found[0].Also, want) {
		t.Errorf("also %q, want %q", found[0].Also, want)
	}
}

func TestJudgeAdmitsKnowingNothing(t *testing.T) {
	unknown := &diagnose.Rule{Name: "unknown", Check: func(*diagnose.Case) []diagnose.Finding {
		return []diagnose.Finding{{Category: diagnose.Other, Confidence: diagnose.Hypothesis}}
	}}
	if found := diagnose.Judge(&diagnose.Case{}, []*diagnose.Rule{unknown}); len(found) != 1 || found[0].Rule != "unknown" {
		t.Errorf("%+v", found)
	}
}

// While the rules are asked, what they have in common is worked out once; the case
// itself keeps nothing of it.
func TestRulesShareWhatTheyWorkOut(t *testing.T) {
	type key struct{}
	made := 0
	ask := func(c *diagnose.Case) []diagnose.Finding {
		c.Once(key{}, func() any { made++; return made })
		return nil
	}
	c := &diagnose.Case{}
	diagnose.Judge(c, []*diagnose.Rule{{Check: ask}, {Check: ask}, {Check: ask}})
	if made != 1 {
		t.Errorf("worked out %d times", made)
	}
	diagnose.Judge(c, []*diagnose.Rule{{Check: ask}})
	if made != 2 {
		t.Errorf("worked out %d times after a second judgement", made)
	}
	ask(c)
	ask(c)
	if made != 4 {
		t.Errorf("worked out %d times outside of a judgement", made)
	}
}
