package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"iter"
	"strings"
)

// A placeholder is <KIND_id>. The id is a keyed hash of the secret, without the
// kind: one secret met as a password here and as a token there has one id.
//
// Text of the input that looks like one gets an underscore after its first
// character (<_CARD_k7f3mq>), and text that looks like an escaped one gets one more,
// so that no input can forge a placeholder and every escape can be undone.
const (
	idAlphabet = "abcdefghijkmnpqrstuvwxyz23456789"
	idLength   = 6
)

// placeholderID hashes a secret to six characters, thirty bits: two secrets of a
// thousand share an id once in two thousand documents. [Redactor.Restore] leaves
// such a pair alone.
func placeholderID(key []byte, plain string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(plain))
	sum := mac.Sum(nil)
	id := make([]byte, idLength)
	for i := range id {
		id[i] = idAlphabet[sum[i]&31]
	}
	return string(id)
}

// place is a placeholder in a text.
type place struct {
	start, end int
	kind       Kind
}

// placeholders finds every placeholder of a redacted text.
func placeholders(s string) iter.Seq[place] {
	return func(yield func(place) bool) {
		for i := 0; ; {
			next := strings.IndexByte(s[i:], '<')
			if next < 0 {
				return
			}
			i += next
			kind, end := parsePlaceholder(s, i+1)
			if end > 0 && end < len(s) && s[end] == '>' {
				if !yield(place{i, end + 1, kind}) {
					return
				}
			}
			i++
		}
	}
}

// parsePlaceholder reads KIND_id at i and returns where it ends, or 0.
func parsePlaceholder(s string, i int) (Kind, int) {
	start, end := i, i
	for end < len(s) && end-start < 64 && isPlaceholderByte(s[end]) {
		end++
	}
	split := end - idLength - 1
	if split <= start || s[split] != '_' || !Kind(s[start:split]).valid() {
		return "", 0
	}
	for _, c := range []byte(s[split+1 : end]) {
		if strings.IndexByte(idAlphabet, c) < 0 {
			return "", 0
		}
	}
	return Kind(s[start:split]), end
}

func isPlaceholderByte(c byte) bool { return isAlnum(c) || c == '_' }

// looksLikePlaceholder reports whether KIND_id stands at i, escaped or not.
func looksLikePlaceholder(s string, i int) bool {
	for i < len(s) && s[i] == '_' {
		i++
	}
	_, end := parsePlaceholder(s, i)
	return end > 0
}

// unescape undoes one escape of what looks like a placeholder.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		b.WriteByte(s[i])
		if opensPlaceholder(s, i+1) && i+1 < len(s) && s[i+1] == '_' && looksLikePlaceholder(s, i+1) {
			i++
		}
	}
	return b.String()
}

// forgeries finds what looks like a placeholder, to be escaped.
var forgeries = &rule{anchors: openings, find: func(sc *scan, _, end int) {
	if looksLikePlaceholder(sc.s, end) {
		sc.escapes = append(sc.escapes, end)
	}
}}

// openings are the ways to write the first character of a placeholder in plain
// text, in JSON, in XML and in a URL.
var openings = []string{"<", "u003c", "x3c", "&lt;", "&#60;", "&#x3c;", "%3c"}

// opensPlaceholder reports whether one of the openings ends at i.
func opensPlaceholder(s string, i int) bool {
	for _, o := range openings {
		if i >= len(o) && strings.EqualFold(s[i-len(o):i], o) {
			return true
		}
	}
	return false
}
