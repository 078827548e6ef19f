package lazyregexp_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

func TestLiterals(t *testing.T) {
	for _, c := range []struct {
		expr string
		want []string
	}{
		{`(?i)rate exceeded`, []string{"rate exceeded"}},
		{`(?i)is (?:not )?Authorized to|access ?denied`, []string{"authorized to", "access"}},
		{`too(?: many)? requests`, []string{" requests"}},
		{`a|bc`, nil},                   // one letter is not worth it
		{`\d+ seconds|\w+`, nil},        // the second can be anything
		{`^(?:abc|def)$`, nil},          // anchored: fails at once
		{`(?:^|x)abc`, []string{"abc"}}, // not anchored
		{`(?:timeout){2,3}`, []string{"timeout"}},
		{`(?:timeout){0,3}end`, []string{"end"}},
	} {
		if got := lazyregexp.New(c.expr).Literals(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.expr, got, c.want)
		}
	}
}

func TestListFindsTheFirst(t *testing.T) {
	l := lazyregexp.Any(`(?i)\bworld\b`, `\bhel+o\b`, `never`)
	if got := l.Index("oh, hello World"); got != 4 {
		t.Errorf("begins at %d", got)
	}
	if l.Index("worldly helium") != -1 || l.MatchString("worldly helium") {
		t.Error("matches what it must not")
	}
}

// It answers as regexp does.
func FuzzRegexp(f *testing.F) {
	f.Add(`(?i)access ?denied|Forbidden`, "ACCESSDENIED, forbidden")
	f.Add(`(?s)'(.+?)' for (\w+)`, "'a' for b 'c' for d")
	f.Add(`(?i)kelvins`, "\u212aelvin\u017f")
	f.Fuzz(func(t *testing.T, expr, s string) {
		re, err := regexp.Compile(expr)
		if err != nil {
			t.Skip()
		}
		p := lazyregexp.New(expr)
		if got, want := p.FindStringSubmatch(s), re.FindStringSubmatch(s); !slices.Equal(got, want) {
			t.Errorf("%s in %q: %q, want %q", expr, s, got, want)
		}
	})
}
