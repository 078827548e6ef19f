// Package value holds JSON values as the rest of stepsleuth sees them: immutable,
// ordered, and faithful to the text they were read from. Key order, the text of
// numbers and the escapes of strings survive a round trip byte for byte; only
// white space between tokens is dropped.
//
// It knows nothing of Step Functions.
package value

import (
	"fmt"
	"math"
	"strconv"
	"unsafe"
)

// Kind tells what a Value is. KindAbsent is no JSON value at all: a field that
// was not there, a JSONata "undefined".
type Kind uint8

// The kinds, in the order in which JSON's specification names them.
const (
	KindAbsent Kind = iota
	KindNull
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
	KindOpaque // no JSON either: something of an engine's own, see Opaque
)

var kindNames = [...]string{"absent", "null", "boolean", "number", "string", "array", "object", "opaque"}

func (k Kind) String() string { return kindNames[k] }

// Value is one JSON value, or none: the zero Value is absent. Values are
// immutable and cheap to copy; arrays and objects are shared, never cloned.
// A Value is safe for concurrent use.
type Value struct {
	// p tells what n means: *textByte and *numberByte point at n bytes of text,
	// a scalar says which kind n encodes, the rest are nodes of their own.
	p any
	n uint64
}

type (
	textByte   byte // first byte of a string that needs no escaping
	numberByte byte // first byte of a number's text
	scalar     uint8
)

const (
	scalarNull scalar = iota
	scalarBool
	scalarFloat
	scalarEmptyString
)

// escaped is a string whose JSON form is not just its text in quotes.
type escaped struct {
	text string // decoded
	raw  string // between the quotes, as written
}

type array struct {
	items []Value
	size  int
}

// Null returns the JSON null.
func Null() Value { return Value{p: scalarNull} }

// Bool returns a JSON boolean.
func Bool(b bool) Value {
	v := Value{p: scalarBool}
	if b {
		v.n = 1
	}
	return v
}

// Float returns a JSON number for f, which must be finite: NaN and the
// infinities have no JSON form and give an absent Value. Its text is the shortest
// that reads back as f, without exponent between 1e-6 and 1e21 (as ECMAScript has it).
func Float(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return Value{p: scalarFloat, n: math.Float64bits(f)}
}

// Int returns a JSON number whose text is i in decimal.
func Int(i int64) Value { return number(strconv.FormatInt(i, 10)) }

// number wraps text that is known to be a JSON number.
func number(text string) Value {
	return Value{p: (*numberByte)(unsafe.StringData(text)), n: uint64(len(text))}
}

// NumberText returns a JSON number that keeps text as it is. It fails where text
// is no number by JSON's grammar.
func NumberText(text string) (Value, error) {
	if !isNumber(text) {
		return Value{}, fmt.Errorf("%q is no JSON number", text)
	}
	return number(text), nil
}

// String returns a JSON string. Invalid UTF-8 is written as U+FFFD.
func String(s string) Value {
	if s == "" {
		return Value{p: scalarEmptyString}
	}
	if plain(s) {
		return text(s)
	}
	return Value{p: &escaped{text: s, raw: string(appendEscaped(nil, s))}}
}

// text wraps a string that needs no escaping.
func text(s string) Value {
	if s == "" {
		return Value{p: scalarEmptyString}
	}
	return Value{p: (*textByte)(unsafe.StringData(s)), n: uint64(len(s))}
}

// Array returns a JSON array of items, which the caller hands over. Absent items
// are written as null.
func Array(items ...Value) Value {
	size := 2
	if len(items) > 1 {
		size += len(items) - 1
	}
	for _, item := range items {
		size += item.Size()
	}
	return Value{p: &array{items: items, size: size}}
}

// Strings returns a JSON array of strings.
func Strings(items ...string) Value {
	vs := make([]Value, len(items))
	for i, s := range items {
		vs[i] = String(s)
	}
	return Array(vs...)
}

// Kind tells what v is.
func (v Value) Kind() Kind {
	switch p := v.p.(type) {
	case *textByte, *escaped:
		return KindString
	case *numberByte:
		return KindNumber
	case *object:
		return KindObject
	case *array:
		return KindArray
	case scalar:
		switch p {
		case scalarNull:
			return KindNull
		case scalarBool:
			return KindBool
		case scalarFloat:
			return KindNumber
		case scalarEmptyString:
			return KindString
		}
	case nil:
		return KindAbsent
	}
	return KindOpaque
}

// IsAbsent reports that v is no value at all.
func (v Value) IsAbsent() bool { return v.p == nil }

// IsNull reports that v is the JSON null.
func (v Value) IsNull() bool { return v.p == scalarNull }

// AsBool returns v's truth value, and whether v is a boolean.
func (v Value) AsBool() (b, ok bool) { return v.n == 1 && v.p == scalarBool, v.p == scalarBool }

// AsString returns the decoded text of a string, and whether v is one.
func (v Value) AsString() (string, bool) {
	switch p := v.p.(type) {
	case *textByte:
		return unsafe.String((*byte)(p), v.n), true
	case *escaped:
		return p.text, true
	case scalar:
		return "", p == scalarEmptyString
	}
	return "", false
}

// Number returns a number's text as written, and whether v is a number.
func (v Value) Number() (string, bool) {
	switch p := v.p.(type) {
	case *numberByte:
		return unsafe.String((*byte)(p), v.n), true
	case scalar:
		if p == scalarFloat {
			return string(appendFloat(nil, math.Float64frombits(v.n))), true
		}
	}
	return "", false
}

// AsFloat returns the nearest float64 to a number, and whether v is a number.
// Numbers beyond the range of float64 give an infinity.
func (v Value) AsFloat() (float64, bool) {
	switch p := v.p.(type) {
	case *numberByte:
		text := unsafe.String((*byte)(p), v.n)
		if i, ok := shortInt(text); ok {
			return float64(i), true
		}
		f, _ := strconv.ParseFloat(text, 64)
		return f, true
	case scalar:
		if p == scalarFloat {
			return math.Float64frombits(v.n), true
		}
	}
	return 0, false
}

// shortInt reads what most numbers are: a whole one of few digits, which float64
// holds exactly. It leaves -0 to others.
func shortInt(text string) (int64, bool) {
	digits := text
	if text[0] == '-' {
		digits = text[1:]
	}
	if len(digits) > 15 || digits == "0" && len(text) == 2 {
		return 0, false
	}
	n := int64(0)
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = 10*n + int64(d)
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, true
}

// AsInt returns a number that is a whole one in the range of int64 (1, 1.0 and
// 1e3 are), and whether v is that.
func (v Value) AsInt() (int64, bool) {
	switch p := v.p.(type) {
	case *numberByte:
		s := unsafe.String((*byte)(p), v.n)
		if i, ok := shortInt(s); ok {
			return i, true
		}
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i, true
		}
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, false
		}
		return wholeFloat(f)
	case scalar:
		if p == scalarFloat {
			return wholeFloat(math.Float64frombits(v.n))
		}
	}
	return 0, false
}

func wholeFloat(f float64) (int64, bool) {
	if f != math.Trunc(f) || f < -(1<<63) || f >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// Items returns the items of an array, nil for anything else. The slice is
// shared and must not be changed.
func (v Value) Items() []Value {
	if a, ok := v.p.(*array); ok {
		return a.items
	}
	return nil
}

// Len returns the number of items of an array or members of an object, else 0.
func (v Value) Len() int {
	switch p := v.p.(type) {
	case *array:
		return len(p.items)
	case *object:
		return len(p.members)
	}
	return 0
}

// Append returns the array v with items added at its end; v stays as it is. An
// absent v counts as an empty array.
func (v Value) Append(items ...Value) Value {
	old := v.Items()
	all := make([]Value, 0, len(old)+len(items))
	return Array(append(append(all, old...), items...)...)
}

// Equal reports whether a and b are the same JSON value. Numbers are compared by
// value, objects without regard to the order of their members.
func Equal(a, b Value) bool {
	ka := a.Kind()
	if ka != b.Kind() {
		return false
	}
	switch ka {
	case KindBool:
		return a.n == b.n
	case KindNumber:
		return equalNumbers(a, b)
	case KindString:
		s, _ := a.AsString()
		t, _ := b.AsString()
		return s == t
	case KindArray:
		return equalArrays(a.Items(), b.Items())
	case KindObject:
		return equalObjects(a, b)
	}
	return true
}

func equalNumbers(a, b Value) bool {
	s, _ := a.Number()
	t, _ := b.Number()
	if s == t {
		return true
	}
	i, iok := a.AsInt()
	j, jok := b.AsInt()
	if iok && jok {
		return i == j
	}
	f, _ := a.AsFloat()
	g, _ := b.AsFloat()
	return f == g
}

func equalArrays(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalObjects(a, b Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	for _, m := range a.Members() {
		other, ok := b.Get(m.Key)
		if !ok || !Equal(m.Value, other) {
			return false
		}
	}
	return true
}
