package sfnlocal

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
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

// rawJSON is written as it is.
type rawJSON []byte

// appendJSON appends one of the SDK's outputs as the API writes it: members begin
// with a small letter, what is nil is left out, times are seconds since 1970.
func appendJSON(dst []byte, v any) []byte { return appendValue(dst, reflect.ValueOf(v)) }

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[rawJSON]()
)

func appendValue(dst []byte, v reflect.Value) []byte {
	switch v.Type() {
	case timeType:
		return appendTime(dst, v.Interface().(time.Time))
	case rawType:
		return append(dst, v.Bytes()...)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return appendValue(dst, v.Elem())
	case reflect.Struct:
		return appendStruct(dst, v)
	case reflect.Slice:
		dst = append(dst, '[')
		for i := range v.Len() {
			dst = appendValue(separate(dst, i), v.Index(i))
		}
		return append(dst, ']')
	}
	// Texts, numbers, truth values, and maps from texts to such.
	text, err := json.Marshal(v.Interface())
	if err != nil {
		panic(err) // no output holds anything else
	}
	return append(dst, text...)
}

func appendStruct(dst []byte, v reflect.Value) []byte {
	dst = append(dst, '{')
	written := 0
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" || omitted(v.Field(i)) {
			continue
		}
		dst = append(separate(dst, written), '"')
		dst = append(append(dst, lowerFirst(f.Name)...), `":`...)
		dst = appendValue(dst, v.Field(i))
		written++
	}
	return append(dst, '}')
}

// omitted reports a member that is not set: a nil one, or an enum without a value.
func omitted(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

func separate(dst []byte, written int) []byte {
	if written > 0 {
		return append(dst, ',')
	}
	return dst
}

func appendTime(dst []byte, t time.Time) []byte {
	return strconv.AppendFloat(dst, math.Round(float64(t.UnixMilli()))/1000, 'f', 3, 64)
}

func lowerFirst(name string) string { return mapFirst(name, unicode.ToLower) }

func upperFirst(name string) string { return mapFirst(name, unicode.ToUpper) }

func mapFirst(name string, change func(rune) rune) string {
	first, size := utf8.DecodeRuneInString(name)
	var b strings.Builder
	b.WriteRune(change(first))
	b.WriteString(name[size:])
	return b.String()
}
