package notify

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Secret is a password, or a URL that works like one. It has no printed form.
type Secret string

// Format says that there is something, and not what.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[secret]") }

// MarshalText keeps it out of JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// hide takes the secret out of what another party says, in the forms that a protocol
// gives it.
func (s Secret) hide(text string) string {
	if s == "" {
		return text
	}
	plain := string(s)
	for _, form := range []string{plain, base64.StdEncoding.EncodeToString([]byte(plain)), url.QueryEscape(plain), url.PathEscape(plain)} {
		text = strings.ReplaceAll(text, form, "[secret]")
	}
	return text
}

// failure is an error of one line. Its text is what another party may have said.
type failure struct {
	text string
	err  error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// fault makes an error of what went wrong with whom: one line, not long, without
// control characters, and without the secrets.
func fault(whom, text string, err error, secrets ...Secret) error {
	for _, s := range secrets {
		text = s.hide(text)
	}
	return &failure{text: whom + ": " + oneLine(text, maxFault), err: err}
}

const maxFault = 300

// oneLine makes text of another party fit to be shown in a line.
func oneLine(s string, limit int) string {
	s = strings.Join(strings.Fields(visible(s)), " ")
	if len(s) <= limit {
		return s
	}
	s = s[:limit]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}

// visible drops what cannot be seen or turns text around, but for line feeds and tabs.
func visible(s string) string {
	return strings.Map(func(c rune) rune {
		if c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp)) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
}
