package jsonpath

import (
	"math"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// functionNames are the functions that may end a path, those of Jayway's README.
// AWS documents but length().
var functionNames = []string{
	"length", "size", "min", "max", "avg", "stddev", "sum",
	"keys", "concat", "append", "first", "last", "index",
}

// call applies the function step at index i to v. Where the function ends a path
// with .., v is the array of all its matches.
func (w *walk) call(v, item value.Value, i int) (value.Value, error) {
	step := &w.path.steps[i]
	args := make([]value.Value, len(step.args))
	for j, arg := range step.args {
		args[j] = arg.value(w, item)
	}
	switch step.Name {
	case "length", "size":
		return w.length(v, step, args), nil
	case "keys":
		return keys(v), nil
	case "concat":
		return value.String(concat(v, args)), nil
	case "append":
		return v.Append(args...), nil
	case "first", "last", "index":
		return w.pick(v, i, args)
	}
	numbers := collectNumbers(nil, append([]value.Value{v}, args...))
	if len(numbers) > 0 {
		if f := fold(step.Name, numbers); !math.IsInf(f, 0) && !math.IsNaN(f) {
			return double(f), nil
		}
	}
	return value.Value{}, &NotFound{Path: w.path, Step: i, At: v, reason: nothingToFold}
}

// length counts the children of v, or of the argument. With a path that has many
// matches Jayway counts the children of them all.
func (w *walk) length(v value.Value, step *Step, args []value.Value) value.Value {
	many := w.path.aggregate
	if len(args) > 0 {
		v = args[0]
		many = step.args[0].path != nil && !step.args[0].path.Definite()
	}
	if many {
		n := 0
		for _, match := range v.Items() {
			n += match.Len()
		}
		return value.Int(int64(n))
	}
	if v.Kind() != value.KindArray && v.Kind() != value.KindObject {
		return value.Null()
	}
	return value.Int(int64(v.Len()))
}

func keys(v value.Value) value.Value {
	if v.Kind() != value.KindObject {
		return value.Null()
	}
	names := make([]string, 0, v.Len())
	for _, m := range v.Members() {
		names = append(names, m.Key)
	}
	return value.Strings(names...)
}

func concat(v value.Value, args []value.Value) string {
	var b strings.Builder
	for _, item := range v.Items() {
		if s, ok := item.AsString(); ok {
			b.WriteString(s)
		}
	}
	for _, arg := range args {
		b.WriteString(JavaText(arg))
	}
	return b.String()
}

func (w *walk) pick(v value.Value, i int, args []value.Value) (value.Value, error) {
	at := int64(0)
	switch w.path.steps[i].Name {
	case "last":
		at = -1
	case "index":
		n, ok := int64(0), false
		if len(args) > 0 {
			n, ok = args[0].AsInt()
		}
		if !ok {
			n = math.MaxInt32
		}
		at = n
	}
	at = max(math.MinInt32, min(at, math.MaxInt32))
	got, ok := item(v, int(at))
	if !ok {
		return value.Value{}, &NotFound{Path: w.path, Step: i, At: v, reason: noSuchItem}
	}
	return got, nil
}

// collectNumbers gathers the numbers among vs and one level down in its arrays.
func collectNumbers(numbers []float64, vs []value.Value) []float64 {
	for _, v := range vs {
		if f, ok := v.AsFloat(); ok {
			numbers = append(numbers, f)
		}
		for _, item := range v.Items() {
			if f, ok := item.AsFloat(); ok {
				numbers = append(numbers, f)
			}
		}
	}
	return numbers
}

func fold(name string, numbers []float64) float64 {
	low, high, sum, squares := numbers[0], numbers[0], 0.0, 0.0
	for _, f := range numbers {
		low, high = min(low, f), max(high, f)
		sum += f
		squares += f * f
	}
	n := float64(len(numbers))
	switch name {
	case "min":
		return low
	case "max":
		return high
	case "avg":
		return sum / n
	case "stddev":
		return math.Sqrt(max(0, squares/n-sum*sum/n/n))
	}
	return sum
}

// double returns f as Java's doubles are written: 6 is 6.0.
func double(f float64) value.Value {
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if abs := math.Abs(f); abs >= 1e7 || abs < 1e-3 && abs > 0 {
		text = strings.Replace(strconv.FormatFloat(f, 'E', -1, 64), "E+", "E", 1)
		text = strings.Replace(strings.Replace(text, "E0", "E", 1), "E-0", "E-", 1)
	}
	if mantissa, exponent, _ := strings.Cut(text, "E"); !strings.Contains(mantissa, ".") {
		text = mantissa + ".0"
		if exponent != "" {
			text += "E" + exponent
		}
	}
	v, _ := value.NumberText(text)
	return v
}
