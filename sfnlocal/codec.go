package sfnlocal

import (
	"context"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// operation is one of the API's, on JSON.
type operation func(s *Server, ctx context.Context, body []byte) (any, error)

// op makes an operation of a method on the SDK's own input and output.
func op[In, Out any](f func(*Server, context.Context, *In) (*Out, error)) operation {
	return func(s *Server, ctx context.Context, body []byte) (any, error) {
		in := new(In)
		if err := json.Unmarshal(body, in); err != nil {
			return nil, refuse("SerializationException", "%s", err)
		}
		return f(s, ctx, in)
	}
}

// unmarshal reads JSON text; numbers that go into an any keep their text.
func unmarshal(text string, v any) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return dec.Decode(v)
}

func valid(text string) bool { return json.Valid([]byte(text)) }

func lowerFirst(name string) string { return mapFirst(name, unicode.ToLower) }

func upperFirst(name string) string { return mapFirst(name, unicode.ToUpper) }

func mapFirst(name string, change func(rune) rune) string {
	first, size := utf8.DecodeRuneInString(name)
	var b strings.Builder
	b.WriteRune(change(first))
	b.WriteString(name[size:])
	return b.String()
}
