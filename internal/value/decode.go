package value

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Decode reads one JSON document into a Go value, as encoding/json does, but refuses
// invalid UTF-8. The error is a *SyntaxError, or says which member has the wrong type,
// in the words of JSON.
func Decode(text []byte, into any) error {
	err := json.Unmarshal(text, into)
	if err == nil && utf8.Valid(text) {
		return nil
	}
	if _, syntax := ParseBytes(text); syntax != nil {
		return syntax
	}
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return err
	}
	where := "it"
	if mismatch.Field != "" {
		where = mismatch.Field
	}
	kind, _, _ := strings.Cut(mismatch.Value, " ") // "number 7"
	return fmt.Errorf("%s cannot be %s", where, withArticle(kind))
}

// WithArticle is the kind as a sentence has it: "an array", "null".
func (k Kind) WithArticle() string { return withArticle(k.String()) }

func withArticle(kind string) string {
	switch {
	case kind == "null" || kind == "":
		return kind
	case kind == "bool":
		return "a boolean"
	case strings.ContainsRune("aeiou", rune(kind[0])):
		return "an " + kind
	}
	return "a " + kind
}
