package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Text is text that may leave the process: every secret in it has been replaced
// by a placeholder such as <CARD_k7f3mq>. The zero Text is empty. Texts are
// comparable.
//
// A Text comes from a [Redactor], or from constants of our own through [Static]
// and [Format]; there is no way to read one back from JSON or from a plain
// string. What was stored goes through [Redactor.Stored].
type Text struct{ s string }

// literal is the type of our own wording. It is not exported, so that only an
// untyped constant can be passed where it is asked for, never a string variable.
type literal string

// concealed stands where text had to be withheld as a whole.
const concealed = "[concealed]"

// Static returns a constant of our own as a Text.
func Static(s literal) Text { return Text{string(s)} }

// Format composes Texts, numbers and booleans as fmt.Sprintf does. Any other
// argument (a string, an error, a Stringer) is not shown: "[concealed]" stands in
// its place, whatever the verb.
func Format(format literal, args ...any) Text {
	safe := make([]any, len(args))
	for i, arg := range args {
		safe[i] = formattable(arg)
	}
	return Text{fmt.Sprintf(string(format), safe...)}
}

// withheld prints the same for every verb, %d and %x included.
type withheld struct{}

func (withheld) Format(f fmt.State, _ rune) { fmt.Fprint(f, concealed) }

// formattable strips methods from numbers and booleans, as a String method could
// say anything.
func formattable(arg any) any {
	if t, ok := arg.(Text); ok {
		return t.s
	}
	v := reflect.ValueOf(arg)
	switch {
	case !v.IsValid():
		return withheld{}
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	case v.CanFloat():
		return v.Float()
	case v.Kind() == reflect.Bool:
		return v.Bool()
	}
	return withheld{}
}

// Join puts a separator of our own between texts.
func Join(sep literal, texts ...Text) Text {
	parts := make([]string, len(texts))
	for i, t := range texts {
		parts[i] = t.s
	}
	return Text{strings.Join(parts, string(sep))}
}

// String returns the text.
func (t Text) String() string { return t.s }

// IsZero reports that there is no text; encoding/json's omitzero asks it.
func (t Text) IsZero() bool { return t.s == "" }

// MarshalText returns the text.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.s), nil }

// MarshalJSON returns the text as a JSON string.
func (t Text) MarshalJSON() ([]byte, error) { return appendJSONString(nil, t.s), nil }

// appendJSONString leaves <, > and & alone, so that placeholders stay readable.
func appendJSONString(dst []byte, s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string cannot fail to encode
		panic(err)
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// Lines cuts the text at line feeds, which no line contains; a last line feed
// adds no empty line.
func (t Text) Lines() []Text {
	var lines []Text
	for line := range strings.Lines(t.s) {
		lines = append(lines, Text{strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")})
	}
	return lines
}

// Truncate returns at most n bytes of the text, never half a placeholder or half
// a character.
func (t Text) Truncate(n int) Text {
	if n >= len(t.s) {
		return t
	}
	n = max(n, 0)
	for place := range placeholders(t.s) {
		if place.start < n && n < place.end {
			n = place.start
			break
		}
	}
	for n > 0 && !utf8.RuneStart(t.s[n]) {
		n--
	}
	return Text{t.s[:n]}
}
