package jsonata

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unsafe"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Value is one JSON value, or undefined, which the zero Value is. Objects keep
// the order of their members. Values are immutable and cheap to copy.
type Value value.Value

// Parse reads one JSON document.
func Parse(text string) (Value, error) {
	v, err := value.Parse(text)
	return Value(v), err
}

// From converts what encoding/json would give for a document: nil, bool, string,
// numbers, json.Number, []any and map[string]any (whose keys are sorted, for want
// of an order), besides Value itself. Other types go through encoding/json.
func From(x any) (Value, error) {
	v, err := from(x)
	return Value(v), err
}

func from(x any) (value.Value, error) {
	switch x := x.(type) {
	case nil:
		return value.Null(), nil
	case Value:
		return value.Value(x), nil
	case bool:
		return value.Bool(x), nil
	case string:
		return value.String(x), nil
	case int:
		return value.Int(int64(x)), nil
	case int64:
		return value.Int(x), nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return value.Value{}, fmt.Errorf("%v is no JSON number", x)
		}
		return value.Float(x), nil
	case json.Number:
		return value.NumberText(string(x))
	case []any:
		return fromSlice(x)
	case map[string]any:
		return fromMap(x)
	}
	b, err := json.Marshal(x)
	if err != nil {
		return value.Value{}, fmt.Errorf("no JSON value: %w", err)
	}
	return value.ParseBytes(b)
}

func fromSlice(x []any) (value.Value, error) {
	items := make([]value.Value, len(x))
	for i := range x {
		v, err := from(x[i])
		if err != nil {
			return value.Value{}, err
		}
		items[i] = v
	}
	return value.Array(items...), nil
}

func fromMap(x map[string]any) (value.Value, error) {
	keys := make([]string, 0, len(x))
	for k := range x {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var b value.Builder
	for _, k := range keys {
		v, err := from(x[k])
		if err != nil {
			return value.Value{}, err
		}
		b.Set(k, v)
	}
	return b.Object(), nil
}

// IsUndefined reports that v is no value: a path that led nowhere.
func (v Value) IsUndefined() bool { return value.Value(v).IsAbsent() }

// JSON returns v's JSON text without white space, "null" for undefined.
func (v Value) JSON() string { return value.Value(v).JSON() }

// String returns v's JSON text, for messages and debugging.
func (v Value) String() string {
	if v.IsUndefined() {
		return "undefined"
	}
	return v.JSON()
}

// MarshalJSON lets encoding/json write a Value as it is.
func (v Value) MarshalJSON() ([]byte, error) { return value.Value(v).MarshalJSON() }

// UnmarshalJSON lets encoding/json read into a Value.
func (v *Value) UnmarshalJSON(b []byte) error { return (*value.Value)(v).UnmarshalJSON(b) }

// Interface returns v as encoding/json would have decoded it into an any: nil,
// bool, float64, string, []any, map[string]any. Undefined is nil too.
func (v Value) Interface() any {
	w := value.Value(v)
	switch w.Kind() {
	case value.KindBool:
		b, _ := w.AsBool()
		return b
	case value.KindNumber:
		f, _ := w.AsFloat()
		return f
	case value.KindString:
		s, _ := w.AsString()
		return s
	case value.KindArray:
		list := make([]any, 0, w.Len())
		for _, item := range w.Items() {
			list = append(list, Value(item).Interface())
		}
		return list
	case value.KindObject:
		m := make(map[string]any, w.Len())
		for _, member := range w.Members() {
			m[member.Key] = Value(member.Value).Interface()
		}
		return m
	}
	return nil
}

// Marks of arrays while an expression is evaluated.
const (
	markSequence = 1 << iota // a result of many, not an array by itself: one of one is its item
	markKeep                 // a sequence that stays an array with one item: a[]
	markCons                 // written as an array at the end of a path: is not flattened
	markOuter                // the input document, an array, wrapped to be one context
)

// nonFinite is a number that JSON does not have: an infinity or NaN.
type nonFinite float64

func number(f float64) value.Value {
	if v := value.Float(f + 0); !v.IsAbsent() { // + 0 makes -0 plain
		return v
	}
	return value.Opaque(nonFinite(f))
}

// asNumber returns v's number, and whether it is one. Infinities and NaN are.
func asNumber(v value.Value) (float64, bool) {
	if f, ok := v.AsFloat(); ok {
		return f, true
	}
	if f, ok := v.Opaque().(nonFinite); ok {
		return float64(f), true
	}
	return 0, false
}

func asFunction(v value.Value) *function {
	f, _ := v.Opaque().(*function)
	return f
}

// normalize gives a sequence its value: nothing for none, its item for one.
func normalize(v value.Value) value.Value {
	m := v.Marks()
	if m&markSequence == 0 {
		return v
	}
	switch v.Len() {
	case 0:
		return value.Value{}
	case 1:
		if m&markKeep == 0 {
			return v.Items()[0]
		}
	}
	return v
}

// unwrapOuter returns the document that is the context of the whole expression.
func unwrapOuter(v value.Value) value.Value {
	if v.Marks()&markOuter != 0 {
		return v.Items()[0]
	}
	return v
}

func sequence(items []value.Value) value.Value {
	return value.Array(items...).Marked(markSequence)
}

// itemsOf returns the items of an array, or v itself as the one item.
func itemsOf(v *value.Value) []value.Value {
	if v.Kind() == value.KindArray {
		return v.Items()
	}
	return unsafe.Slice(v, 1)
}

// collector gathers a sequence without allocating for the first item.
type collector struct {
	n    int
	one  value.Value
	many []value.Value
}

func (c *collector) add(v value.Value) {
	switch c.n {
	case 0:
		c.one = v
	case 1:
		c.many = append(make([]value.Value, 0, 8), c.one, v)
	default:
		c.many = append(c.many, v)
	}
	c.n++
}

// flatten adds v, or its items where it is an array that may be flattened.
func (c *collector) flatten(v value.Value) {
	if v.Kind() != value.KindArray || v.Marks()&markCons != 0 {
		c.add(v)
		return
	}
	c.addAll(v.Items())
}

func (c *collector) addAll(items []value.Value) {
	if c.n == 0 && len(items) > 1 {
		c.many = append(make([]value.Value, 0, len(items)), items...)
		c.n = len(items)
		return
	}
	for _, item := range items {
		c.add(item)
	}
}

func (c *collector) items() []value.Value {
	if c.n == 1 {
		return []value.Value{c.one}
	}
	return c.many
}

// result is the normalized sequence.
func (c *collector) result() value.Value {
	switch c.n {
	case 0:
		return value.Value{}
	case 1:
		return c.one
	}
	return sequence(c.many)
}

// kept is result, but an array also for one item where keep is set.
func (c *collector) kept(keep bool) value.Value {
	if keep && c.n > 0 {
		return sequence(c.items()).Marked(markSequence | markKeep)
	}
	return c.result()
}

func formatNumberText(f float64) string {
	return value.Float(f).JSON()
}

// precise rounds to 15 significant digits, as fractions in strings are.
func precise(f float64) float64 {
	if f == math.Trunc(f) {
		return f
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(f, 'e', 14, 64), 64)
	if err != nil {
		return f
	}
	return r
}
