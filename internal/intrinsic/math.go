package intrinsic

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// rounded returns a number as the integer that AWS takes it for: the nearest, and
// of two the greater one, as Java's Math.round has it (-1.5 is -1).
func rounded(v value.Value) (int64, bool) {
	if i, ok := v.AsInt(); ok {
		return i, true
	}
	f, ok := v.AsFloat()
	if !ok {
		return 0, false
	}
	whole := math.Floor(f)
	if f-whole >= 0.5 {
		whole++
	}
	if whole < math.MinInt64 || whole >= math.MaxInt64 {
		return 0, false
	}
	return int64(whole), true
}

// notIntegers says which of args cannot be rounded to an integer.
func notIntegers(args []value.Value) string {
	for i, v := range args {
		if _, ok := rounded(v); ok {
			continue
		}
		problem := "argument " + strconv.Itoa(i+1) + " must be a number, not " + aKind(v)
		if v.Kind() == value.KindNumber {
			problem = "argument " + strconv.Itoa(i+1) + " is beyond the range of integers"
		}
		return problem
	}
	return ""
}

// mathAdd rounds each number by itself before it adds: -0.5 + 0.5 is 1.
func mathAdd(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	x, ok1 := rounded(args[0])
	y, ok2 := rounded(args[1])
	if !ok1 || !ok2 {
		return value.Value{}, notIntegers(args)
	}
	sum := x + y
	if (sum > x) != (y > 0) && y != 0 {
		return value.Value{}, "the sum is too large"
	}
	return value.Int(sum), ""
}

// mathRandom returns a number from start up to but not including end. The same
// seed gives the same number here; which one it gives on AWS is not known.
func mathRandom(_ *Call, env Env, args []value.Value) (value.Value, string) {
	low, ok1 := rounded(args[0])
	high, ok2 := rounded(args[1])
	if !ok1 || !ok2 {
		return value.Value{}, notIntegers(args)
	}
	if low >= high || uint64(high)-uint64(low) > math.MaxInt64 {
		return value.Value{}, "start must be less than end"
	}
	if len(args) < 3 {
		return value.Int(env.Random(low, high)), ""
	}
	seed, ok := rounded(args[2])
	if !ok {
		return value.Value{}, notIntegers(args)
	}
	return value.Int(low + rand.New(rand.NewPCG(uint64(seed), 0)).Int64N(high-low)), ""
}
