package intrinsic

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

func array(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	return value.Array(args...), ""
}

// notArray returns what is wrong with v as the array that a function needs.
func notArray(v value.Value) string {
	if v.Kind() == value.KindArray {
		return ""
	}
	return "the first argument must be an array, not " + aKind(v)
}

// aKind names the kind of a value with its article.
func aKind(v value.Value) string {
	switch v.Kind() {
	case value.KindNull:
		return "null"
	case value.KindArray, value.KindObject:
		return "an " + v.Kind().String()
	}
	return "a " + v.Kind().String()
}

func arrayPartition(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	if problem := notArray(args[0]); problem != "" {
		return value.Value{}, problem
	}
	size, ok := rounded(args[1])
	if !ok || size < 1 {
		return value.Value{}, "the chunk size must be a positive integer"
	}
	items := args[0].Items()
	size = min(size, int64(max(1, len(items))))
	var chunks []value.Value
	for chunk := range slices.Chunk(items, int(size)) {
		chunks = append(chunks, value.Array(chunk...))
	}
	return value.Array(chunks...), ""
}

func arrayContains(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	if problem := notArray(args[0]); problem != "" {
		return value.Value{}, problem
	}
	for _, item := range args[0].Items() {
		if value.Equal(item, args[1]) {
			return value.Bool(true), ""
		}
	}
	return value.Bool(false), ""
}

func arrayRange(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	first, ok1 := rounded(args[0])
	last, ok2 := rounded(args[1])
	step, ok3 := rounded(args[2])
	if !ok1 || !ok2 || !ok3 {
		return value.Value{}, notIntegers(args)
	}
	if step == 0 {
		return value.Value{}, "the step must not be zero"
	}
	items := []value.Value{}
	for n := first; step > 0 && n <= last || step < 0 && n >= last; n += step {
		if len(items) == maxRange {
			return value.Value{}, fmt.Sprintf("the range has more than %d items", maxRange)
		}
		items = append(items, value.Int(n))
		if n+step > n != (step > 0) {
			break // beyond the range of integers
		}
	}
	return value.Array(items...), ""
}

func arrayGetItem(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	if problem := notArray(args[0]); problem != "" {
		return value.Value{}, problem
	}
	i, ok := rounded(args[1])
	if !ok {
		return value.Value{}, "the index must be a number, not " + aKind(args[1])
	}
	items := args[0].Items()
	if i < 0 || i >= int64(len(items)) {
		return value.Value{}, fmt.Sprintf("index %d is outside the array, which has %d items", i, len(items))
	}
	return items[i], ""
}

func arrayLength(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	if problem := notArray(args[0]); problem != "" {
		return value.Value{}, problem
	}
	return value.Int(int64(args[0].Len())), ""
}

func arrayUnique(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	if problem := notArray(args[0]); problem != "" {
		return value.Value{}, problem
	}
	items := args[0].Items()
	seen := make(map[string]bool, len(items))
	unique := make([]value.Value, 0, len(items))
	var key []byte
	for _, item := range items {
		key = appendKey(key[:0], item)
		if !seen[string(key)] {
			seen[string(key)] = true
			unique = append(unique, item)
		}
	}
	return value.Array(unique...), ""
}

// appendKey writes v so that values have the same text exactly where value.Equal
// finds them equal: members sorted, numbers by what they are worth.
func appendKey(dst []byte, v value.Value) []byte {
	switch v.Kind() {
	case value.KindNumber:
		if i, ok := v.AsInt(); ok {
			return strconv.AppendInt(dst, i, 10)
		}
		f, _ := v.AsFloat()
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	case value.KindString:
		s, _ := v.AsString()
		return strconv.AppendQuote(dst, s)
	case value.KindArray:
		dst = append(dst, '[')
		for _, item := range v.Items() {
			dst = append(appendKey(dst, item), ',')
		}
		return append(dst, ']')
	case value.KindObject:
		members := slices.Clone(v.Members())
		slices.SortFunc(members, func(a, b value.Member) int { return strings.Compare(a.Key, b.Key) })
		dst = append(dst, '{')
		for _, m := range members {
			dst = append(strconv.AppendQuote(dst, m.Key), ':')
			dst = append(appendKey(dst, m.Value), ',')
		}
		return append(dst, '}')
	}
	return v.AppendJSON(dst)
}
