package jsonpath

import (
	"cmp"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// symbols are tried in this order: the longer before those that they begin with.
var symbols = []string{"===", "!==", "==", "!=", "=~", "<=", ">=", "<", ">"}

// operators are those of Jayway's README. A missing operand is absent, which
// equals nothing and is less than nothing.
var operators = map[string]func(a, b value.Value) bool{
	"==":       equal,
	"!=":       func(a, b value.Value) bool { return !equal(a, b) },
	"===":      strictEqual,
	"!==":      func(a, b value.Value) bool { return !strictEqual(a, b) },
	"<":        func(a, b value.Value) bool { c, ok := order(a, b); return ok && c < 0 },
	"<=":       func(a, b value.Value) bool { c, ok := order(a, b); return ok && c <= 0 },
	">":        func(a, b value.Value) bool { c, ok := order(a, b); return ok && c > 0 },
	">=":       func(a, b value.Value) bool { c, ok := order(a, b); return ok && c >= 0 },
	"in":       in,
	"nin":      func(a, b value.Value) bool { return !in(a, b) },
	"contains": contains,
	"all":      func(a, b value.Value) bool { return subset(b, a) },
	"subsetof": subset,
	"anyof":    intersects,
	"noneof":   func(a, b value.Value) bool { return bothArrays(a, b) && !intersects(a, b) },
	"size":     hasSize,
	"empty":    isEmpty,
	"=~":       nil, // is a condition of its own
}

// equal compares with Jayway's ==, to which the number 1 and the text "1" are the same.
func equal(a, b value.Value) bool {
	switch ka, kb := a.Kind(), b.Kind(); {
	case ka == value.KindAbsent || kb == value.KindAbsent:
		return false
	case ka == value.KindNumber && kb == value.KindString:
		return equal(b, a)
	case ka == value.KindString && kb == value.KindNumber:
		s, _ := a.AsString()
		n, err := value.NumberText(s)
		return err == nil && value.Equal(n, b)
	}
	return value.Equal(a, b)
}

func strictEqual(a, b value.Value) bool {
	return !a.IsAbsent() && value.Equal(a, b)
}

// order compares two numbers or two strings; ok is false for anything else.
func order(a, b value.Value) (c int, ok bool) {
	if s, isString := a.AsString(); isString {
		t, isString := b.AsString()
		return strings.Compare(s, t), isString
	}
	if i, isInt := a.AsInt(); isInt {
		if j, isInt := b.AsInt(); isInt {
			return cmp.Compare(i, j), true
		}
	}
	f, isNumber := a.AsFloat()
	g, bothNumbers := b.AsFloat()
	return cmp.Compare(f, g), isNumber && bothNumbers
}

func in(a, b value.Value) bool {
	for _, item := range b.Items() {
		if equal(a, item) {
			return true
		}
	}
	return false
}

func contains(a, b value.Value) bool {
	if s, ok := a.AsString(); ok {
		t, ok := b.AsString()
		return ok && strings.Contains(s, t)
	}
	return in(b, a)
}

func bothArrays(a, b value.Value) bool {
	return a.Kind() == value.KindArray && b.Kind() == value.KindArray
}

func subset(a, b value.Value) bool {
	if !bothArrays(a, b) {
		return false
	}
	for _, item := range a.Items() {
		if !in(item, b) {
			return false
		}
	}
	return true
}

func intersects(a, b value.Value) bool {
	for _, item := range a.Items() {
		if in(item, b) {
			return true
		}
	}
	return false
}

func hasSize(a, b value.Value) bool {
	n, ok := b.AsInt()
	if s, isString := a.AsString(); isString {
		return ok && int64(len([]rune(s))) == n
	}
	return ok && a.Kind() == value.KindArray && int64(a.Len()) == n
}

func isEmpty(a, b value.Value) bool {
	want, ok := b.AsBool()
	if !ok {
		return false
	}
	switch a.Kind() {
	case value.KindString:
		s, _ := a.AsString()
		return (s == "") == want
	case value.KindArray, value.KindObject:
		return (a.Len() == 0) == want
	}
	return false
}
