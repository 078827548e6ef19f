package rules_test

import (
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
)

// No error and cause may bring a rule down, leave it without a word, or make it pass a link on.
func FuzzRules(f *testing.F) {
	for _, rule := range rules.All() {
		for _, file := range filesOf(f, rule.Name) {
			e := exampleOf(f, file)
			f.Add(deref(e.Error), deref(e.Cause), string(e.State), string(e.Input))
		}
	}
	f.Fuzz(func(t *testing.T, error, cause, state, input string) {
		c := caseOf("run", "", []byte(state), []byte(input), &error, &cause)
		found := diagnose.Judge(c, rules.All())
		if len(found) == 0 {
			t.Fatal("nothing is said")
		}
		for _, x := range found {
			if x.Title == "" || x.RootCause == "" || x.Category == "" || x.Confidence == "" || x.Retryable == "" {
				t.Errorf("%s is not whole: %+v", x.Rule, x)
			}
			if strings.Contains(report(x), "http://") {
				t.Errorf("%s passes a link on", x.Rule)
			}
		}
	})
}
