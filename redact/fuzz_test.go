package redact_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/redact"
)

// canaries are secrets that must be found wherever they stand by themselves.
func canaries() []string {
	const random = "k7QmZ2xVb9Lw4TnRc8Hd1JfSg5PyAe3UoBiKtNqMvXzW6CjD0E"
	return []string{
		"AKIA" + "K7QMZ2XVB4LW5TNR",
		"ghp_" + random[:36],
		"sk_live_" + random[:24],
		"xoxb-" + "123456789012-" + random[:24],
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + random[:43],
		"postgres://app:" + random[:12] + "@db.internal/orders",
		"ana.lopez@example.com",
		"4242 4242 4242 4242",
		"GB82WEST12345698765432",
		"123-45-6789",
		`{"password":"` + random[:14] + `"}`,
		"Authorization: Bearer " + random[:40],
		"-----BEGIN PRIVATE KEY-----\n" + random[:40] + "\n-----END PRIVATE KEY-----",
	}
}

func FuzzText(f *testing.F) {
	for _, c := range cases(f) {
		f.Add(c.text, uint16(len(c.text)/2), uint8(len(c.text)))
	}
	list := canaries()
	f.Fuzz(func(t *testing.T, s string, position uint16, which uint8) {
		if len(s) > 1<<13 {
			return
		}
		canary := list[int(which)%len(list)]
		i := int(position) % (len(s) + 1)
		for i < len(s) && !utf8.RuneStart(s[i]) {
			i++
		}
		text := s[:i] + "\n " + canary + " \n" + s[i:]
		var r redact.Redactor
		out := r.Text(text)
		if strings.Contains(out.String(), canary) && strings.Count(out.String(), canary) >= strings.Count(text, canary) {
			t.Errorf("%q survives\n in  %q\n out %q", canary, text, out)
		}
		if out.String() == "[concealed: redaction could not run]" {
			t.Errorf("a rule panics on %q", text)
		}
		if utf8.ValidString(text) && !utf8.ValidString(out.String()) {
			t.Errorf("not UTF-8: %q", out)
		}
		var streamed bytes.Buffer
		if err := r.Stream(&streamed, iotest.HalfReader(strings.NewReader(text))); err == nil && streamed.String() != out.String() {
			t.Errorf("Stream differs\n text   %q\n stream %q", out, streamed.String())
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, c := range cases(f) {
		f.Add([]byte(c.text))
		f.Add([]byte(jsonString(c.text)))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if len(doc) > 1<<13 {
			return
		}
		var r redact.Redactor
		out := r.JSON(doc).String()
		if !json.Valid(doc) {
			return
		}
		if !json.Valid([]byte(out)) {
			t.Fatalf("not JSON any more\n in  %s\n out %s", doc, out)
		}
		if got, want := structure(t, []byte(out)), structure(t, doc); got != want {
			t.Errorf("structure\n in  %s %s\n out %s %s", doc, want, out, got)
		}
	})
}

// structure is the document's brackets and one letter for each value; a concealed
// number is a string, so that both have one letter.
func structure(t *testing.T, doc []byte) string {
	var b strings.Builder
	for tokens := json.NewDecoder(bytes.NewReader(doc)); tokens.More(); {
		token, err := tokens.Token()
		if err != nil {
			return b.String() + "!"
		}
		switch token := token.(type) {
		case json.Delim:
			b.WriteRune(rune(token))
		case string, float64:
			b.WriteByte('v')
		case bool:
			b.WriteByte('b')
		default:
			b.WriteByte('0')
		}
	}
	return b.String()
}
