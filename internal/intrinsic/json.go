package intrinsic

import (
	"slices"
	"unicode/utf16"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

func stringToJSON(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	s, ok := args[0].AsString()
	if !ok {
		return value.Value{}, "the argument must be a string, not " + aKind(args[0])
	}
	v, err := value.Parse(s)
	if err != nil {
		return value.Value{}, "the argument is no JSON text: " + err.Error()
	}
	return v, ""
}

func jsonToString(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	return value.String(args[0].JSON()), ""
}

// jsonMerge merges the top level only: AWS refuses a deep merge.
func jsonMerge(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	for _, v := range args[:2] {
		if v.Kind() != value.KindObject {
			return value.Value{}, "the first two arguments must be objects, not " + aKind(v)
		}
	}
	deep, ok := args[2].AsBool()
	if !ok || deep {
		return value.Value{}, "the third argument must be false: only a shallow merge is supported"
	}
	var b value.Builder
	for _, v := range args[:2] {
		for _, m := range v.Members() {
			b.Set(m.Key, m.Value)
		}
	}
	return value.Object(hashOrder(b.Object().Members())...), ""
}

// hashOrder returns members in the order in which Java's HashMap iterates over
// them, which is the order of recorded results of States.JsonMerge.
func hashOrder(members []value.Member) []value.Member {
	buckets := uint32(16)
	for len(members) > int(buckets)*3/4 {
		buckets *= 2
	}
	ordered := slices.Clone(members)
	slices.SortStableFunc(ordered, func(a, b value.Member) int {
		return int(javaHash(a.Key)&(buckets-1)) - int(javaHash(b.Key)&(buckets-1))
	})
	return ordered
}

func javaHash(s string) uint32 {
	h := uint32(0)
	for _, unit := range utf16.Encode([]rune(s)) {
		h = 31*h + uint32(unit)
	}
	return h ^ h>>16
}
