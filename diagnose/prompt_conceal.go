package diagnose

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/redact"
)

// Concealer redacts the texts of one case together. What is told to be secret in one
// of them by the name beside it ("password": …) is concealed in all of them: an error
// message repeats a value of the input without its name. It is safe for concurrent use.
type Concealer struct {
	r       *redact.Redactor
	secrets []secret // longest first
}

type secret struct{ raw, placeholder string }

// The limits of what is looked for in other texts: shorter or plainer values are words.
const (
	minSecret  = 6
	maxSecrets = 500
)

// NewConcealer learns the secrets of a case.
func NewConcealer(c *Case, r *redact.Redactor) *Concealer {
	k := &Concealer{r: r}
	seen := map[string]bool{}
	for _, text := range textsOf(c) {
		for _, removal := range r.JSON([]byte(text)).Receipt().Removals {
			if seen[removal.Placeholder] || len(seen) == maxSecrets {
				continue
			}
			seen[removal.Placeholder] = true
			raw := r.Restore(r.Stored(removal.Placeholder))
			if raw == removal.Placeholder {
				continue
			}
			for _, form := range formsOf(raw) {
				if telling(form) {
					k.secrets = append(k.secrets, secret{form, removal.Placeholder})
				}
			}
		}
	}
	slices.SortFunc(k.secrets, func(a, b secret) int {
		return cmp.Or(len(b.raw)-len(a.raw), cmp.Compare(a.raw, b.raw), cmp.Compare(a.placeholder, b.placeholder))
	})
	return k
}

// formsOf are a secret as it stands in one text, and as a sentence made of that text may
// have it: without the escapes of JSON, and each line for itself where it has several, as
// on one line nothing tells any more that they belong together.
func formsOf(raw string) []string {
	forms := []string{raw}
	plain := raw
	for len(forms) <= maxLayers && strings.IndexByte(plain, '\\') >= 0 {
		var opened string
		if json.Unmarshal([]byte(`"`+plain+`"`), &opened) != nil {
			break
		}
		plain = opened
		forms = append(forms, plain)
	}
	lines := strings.FieldsFunc(plain, func(c rune) bool { return c == '\n' || c == '\r' })
	if len(lines) > 1 {
		for _, line := range lines {
			forms = append(forms, strings.TrimSpace(line))
		}
	}
	return forms
}

// Text is Redactor.Text with the case's secrets.
func (k *Concealer) Text(s string) redact.Text { return k.conceal(k.r.Text(s)) }

// JSON is Redactor.JSON with the case's secrets.
func (k *Concealer) JSON(s string) redact.Text { return k.conceal(k.r.JSON([]byte(s))) }

// Stored is Redactor.Stored with the case's secrets.
func (k *Concealer) Stored(s string) redact.Text { return k.conceal(k.r.Stored(s)) }

func (k *Concealer) conceal(t redact.Text) redact.Text {
	s := t.String()
	for _, one := range k.secrets {
		s = replaceWord(s, one.raw, one.placeholder)
	}
	if s == t.String() {
		return t
	}
	return k.r.Stored(s)
}

// replaceWord replaces old where it is no part of a longer word.
func replaceWord(s, old, with string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, old)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i+len(old):])
		b.WriteString(s[:i])
		if wordRune(before) || wordRune(after) {
			b.WriteString(old)
		} else {
			b.WriteString(with)
		}
		s = s[i+len(old):]
	}
}

func wordRune(c rune) bool {
	return c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_')
}

// telling reports a value that is unlikely to stand elsewhere for something else: long
// enough, and not of one kind of character.
func telling(raw string) bool {
	if utf8.RuneCountInString(raw) < minSecret {
		return false
	}
	kinds := map[string]bool{}
	for _, c := range raw {
		switch {
		case unicode.IsLower(c):
			kinds["lower"] = true
		case unicode.IsUpper(c):
			kinds["upper"] = true
		case unicode.IsDigit(c):
			kinds["digit"] = true
		default:
			kinds["other"] = true
		}
	}
	return len(kinds) > 1
}

// textsOf are the recorded texts of a case.
func textsOf(c *Case) []string {
	var texts []string
	if s := c.machineSource(); s != nil {
		texts = append(texts, s.Text)
	}
	add := func(f *Failure) {
		if f == nil {
			return
		}
		texts = append(texts, f.Input.String(), f.Parameters.String())
		if f.Cause != nil {
			texts = append(texts, *f.Cause)
		}
	}
	add(c.Failure)
	add(c.Origin)
	for i := range c.Others {
		add(&c.Others[i])
	}
	if x := c.Execution; x != nil {
		texts = append(texts, x.Input.String(), x.Output.String())
	}
	for _, e := range c.Evidence {
		texts = append(texts, e.Text)
	}
	return texts
}
