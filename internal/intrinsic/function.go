package intrinsic

import (
	"strconv"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Limits of the Developer Guide, "Intrinsic functions".
const (
	maxRange = 1000  // items that States.ArrayRange makes
	maxChars = 10000 // characters that are encoded, decoded or hashed
)

// function is one of the intrinsic functions. apply gets as many arguments as min
// and max allow and returns a result, or what is wrong with the arguments.
type function struct {
	name     string
	min, max int // arguments; max -1: any number
	apply    func(c *Call, env Env, args []value.Value) (value.Value, string)
}

var functions = []*function{
	{"States.Array", 0, -1, array},
	{"States.ArrayPartition", 2, 2, arrayPartition},
	{"States.ArrayContains", 2, 2, arrayContains},
	{"States.ArrayRange", 3, 3, arrayRange},
	{"States.ArrayGetItem", 2, 2, arrayGetItem},
	{"States.ArrayLength", 1, 1, arrayLength},
	{"States.ArrayUnique", 1, 1, arrayUnique},
	{"States.Base64Encode", 1, 1, base64Encode},
	{"States.Base64Decode", 1, 1, base64Decode},
	{"States.Hash", 2, 2, hashOf},
	{"States.JsonMerge", 3, 3, jsonMerge},
	{"States.StringToJson", 1, 1, stringToJSON},
	{"States.JsonToString", 1, 1, jsonToString},
	{"States.MathRandom", 2, 3, mathRandom},
	{"States.MathAdd", 2, 2, mathAdd},
	{"States.StringSplit", 2, 2, stringSplit},
	{"States.UUID", 0, 0, uuid},
	{"States.Format", 1, -1, format},
}

var byName = index(functions)

func index(list []*function) map[string]*function {
	m := make(map[string]*function, len(list))
	for _, f := range list {
		m[f.name] = f
	}
	return m
}

// Names returns the names of all functions, in the order of the Developer Guide.
func Names() []string {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.name
	}
	return names
}

func (f *function) arity() string {
	switch {
	case f.max < 0:
		return "at least " + plural(f.min)
	case f.min == f.max:
		return plural(f.min)
	}
	return strconv.Itoa(f.min) + " to " + plural(f.max)
}

func plural(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return strconv.Itoa(n) + " arguments"
}
