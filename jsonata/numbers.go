package jsonata

import (
	"math"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// fold reduces an array of numbers; it is undefined for an undefined array.
func fold(ev *run, args []value.Value, start float64, f func(acc, x float64) float64) (float64, int, error) {
	items := arg(args, 0).Items()
	acc := start
	for _, item := range items {
		x, _ := asNumber(item)
		acc = f(acc, x)
	}
	return acc, len(items), ev.tick(len(items) / 4)
}

func sum(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	if arg(args, 0).IsAbsent() {
		return value.Value{}, nil
	}
	total, _, err := fold(ev, args, 0, func(a, x float64) float64 { return a + x })
	return number(total), err
}

func average(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	total, n, err := fold(ev, args, 0, func(a, x float64) float64 { return a + x })
	if n == 0 {
		return value.Value{}, err
	}
	return number(total / float64(n)), err
}

func maximum(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	best, n, err := fold(ev, args, math.Inf(-1), math.Max)
	if n == 0 {
		return value.Value{}, err
	}
	return number(best), err
}

func minimum(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	best, n, err := fold(ev, args, math.Inf(1), math.Min)
	if n == 0 {
		return value.Value{}, err
	}
	return number(best), err
}

func toNumber(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	v := arg(args, 0)
	switch v.Kind() {
	case value.KindAbsent, value.KindNumber:
		return v, nil
	case value.KindBool:
		if b, _ := v.AsBool(); b {
			return value.Float(1), nil
		}
		return value.Float(0), nil
	case value.KindString:
		s, _ := v.AsString()
		if f, ok := parseNumber(s); ok {
			return value.Float(f), nil
		}
	}
	return v, failArg("D3030", v, 1)
}

func parseNumber(s string) (float64, bool) {
	if len(s) > 2 && s[0] == '0' {
		if base := map[byte]int{'x': 16, 'X': 16, 'o': 8, 'O': 8, 'b': 2, 'B': 2}[s[1]]; base != 0 {
			return parseBase(s[2:], base)
		}
	}
	i := 0
	if strings.HasPrefix(s, "-") {
		i++
	}
	from := i
	if i = countDigits(s, i); i == from {
		return 0, false
	}
	if i < len(s) && s[i] == '.' {
		from = i + 1
		if i = countDigits(s, from); i == from {
			return 0, false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		from = i + 1
		if from < len(s) && (s[from] == '-' || s[from] == '+') {
			from++
		}
		if i = countDigits(s, from); i == from {
			return 0, false
		}
	}
	if i != len(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

func parseBase(s string, base int) (float64, bool) {
	f := 0.0
	for i := 0; i < len(s); i++ {
		d := unhex(s[i])
		if int(d) >= base {
			return 0, false
		}
		f = f*float64(base) + float64(d)
	}
	return f, !math.IsInf(f, 0)
}

// onNumber applies f to the first argument.
func onNumber(args []value.Value, f func(float64) float64) (value.Value, error) {
	x, ok := asNumber(arg(args, 0))
	if !ok {
		return value.Value{}, nil
	}
	return number(f(x)), nil
}

func floor(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	return onNumber(args, math.Floor)
}

func ceil(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	return onNumber(args, math.Ceil)
}

func abs(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	return onNumber(args, math.Abs)
}

func squareRoot(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	if x, ok := asNumber(arg(args, 0)); ok && x < 0 {
		return value.Value{}, failArg("D3060", args[0], 1)
	}
	return onNumber(args, math.Sqrt)
}

func power(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	base, ok := asNumber(arg(args, 0))
	if !ok {
		return value.Value{}, nil
	}
	exp, ok := asNumber(arg(args, 1))
	if !ok {
		exp = math.NaN()
	}
	f := math.Pow(base, exp)
	if math.Abs(base) == 1 && (math.IsInf(exp, 0) || math.IsNaN(exp)) {
		f = math.NaN() // ECMAScript differs from C here
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		e := failValue("D3061", args[0])
		e.Index, e.value2 = 1, arg(args, 1)
		return value.Value{}, e
	}
	return value.Float(f), nil
}

// round rounds half to even, at a decimal place.
func round(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	x, ok := asNumber(arg(args, 0))
	if !ok {
		return value.Value{}, nil
	}
	places, _ := asNumber(arg(args, 1))
	return number(roundTo(x, int(places))), nil
}

func roundTo(x float64, places int) float64 {
	if places != 0 {
		x = shiftDecimal(x, places)
	}
	r := math.RoundToEven(x)
	if places != 0 {
		r = shiftDecimal(r, -places)
	}
	return r
}

// shiftDecimal moves the decimal point in the number's text, so that 1.005 does
// not become 100.49999999999999.
func shiftDecimal(x float64, places int) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	mantissa, exp, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	n, _ := strconv.Atoi(exp)
	f, _ := strconv.ParseFloat(mantissa+"e"+strconv.Itoa(n+places), 64)
	return f
}

func random(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	if seed, ok := asNumber(arg(args, 0)); ok {
		return value.Float(seeded(seed)), nil
	}
	return value.Float(ev.randomFloat()), nil
}

func formatBase(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	x, ok := asNumber(arg(args, 0))
	if !ok {
		return value.Value{}, nil
	}
	radix, ok := asNumber(arg(args, 1))
	if !ok {
		radix = 10
	}
	x, radix = roundTo(x, 0), roundTo(radix, 0)
	if radix < 2 || radix > 36 {
		return value.Value{}, failValue("D3100", number(radix))
	}
	if radix == 10 {
		return value.String(value.Float(x).JSON()), nil
	}
	return value.String(integerIn(x, int(radix))), nil
}

// integerIn writes a whole number of any size in a base.
func integerIn(x float64, base int) string {
	if math.Abs(x) < 1<<63 {
		return strconv.FormatInt(int64(x), base)
	}
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	var b []byte
	sign := ""
	if x < 0 {
		sign, x = "-", -x
	}
	for ; x >= 1; x = math.Floor(x / float64(base)) {
		b = append(b, digits[int(math.Mod(x, float64(base)))])
	}
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return sign + string(b)
}
