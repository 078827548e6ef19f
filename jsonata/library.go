package jsonata

import (
	"maps"
	"sync"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// define is one line of the library: a function with its signature and how many
// arguments a higher-order function passes to it.
type define struct {
	name  string
	sig   string
	arity int
	code  native
}

// common is what both dialects have.
func common() []define {
	return []define{
		{"sum", "<a<n>:n>", 1, sum},
		{"count", "<a:n>", 1, count},
		{"max", "<a<n>:n>", 1, maximum},
		{"min", "<a<n>:n>", 1, minimum},
		{"average", "<a<n>:n>", 1, average},
		{"number", "<(nsb)-:n>", 1, toNumber},
		{"floor", "<n-:n>", 1, floor},
		{"ceil", "<n-:n>", 1, ceil},
		{"round", "<n-n?:n>", 2, round},
		{"abs", "<n-:n>", 1, abs},
		{"sqrt", "<n-:n>", 1, squareRoot},
		{"power", "<n-n:n>", 2, power},
		{"random", "<:n>", 0, random},
		{"formatNumber", "<n-so?:s>", 3, formatNumber},
		{"formatBase", "<n-n?:s>", 2, formatBase},
		{"formatInteger", "<n-s:s>", 2, formatInteger},
		{"parseInteger", "<s-s:n>", 2, parseInteger},

		{"string", "<x-b?:s>", 1, toString},
		{"substring", "<s-nn?:s>", 3, substring},
		{"substringBefore", "<s-s:s>", 2, substringBefore},
		{"substringAfter", "<s-s:s>", 2, substringAfter},
		{"lowercase", "<s-:s>", 1, lowercase},
		{"uppercase", "<s-:s>", 1, uppercase},
		{"length", "<s-:n>", 1, length},
		{"trim", "<s-:s>", 1, trim},
		{"pad", "<s-ns?:s>", 3, pad},
		{"match", "<s-f<s:o>n?:a<o>>", 3, matchAll},
		{"contains", "<s-(sf):b>", 2, contains},
		{"replace", "<s-(sf)(sf)n?:s>", 4, replace},
		{"split", "<s-(sf)n?:a<s>>", 3, split},
		{"join", "<a<s>s?:s>", 2, join},
		{"base64encode", "<s-:s>", 1, base64encode},
		{"base64decode", "<s-:s>", 1, base64decode},
		{"encodeUrlComponent", "<s-:s>", 1, encodeURLComponent},
		{"encodeUrl", "<s-:s>", 1, encodeURL},
		{"decodeUrlComponent", "<s-:s>", 1, decodeURLComponent},
		{"decodeUrl", "<s-:s>", 1, decodeURL},

		{"boolean", "<x-:b>", 1, toBoolean},
		{"not", "<x-:b>", 1, not},
		{"exists", "<x:b>", 1, exists},
		{"type", "<x:s>", 1, typeOf},
		{"error", "<s?:x>", 1, raise},
		{"assert", "<bs?:x>", 2, assert},

		{"map", "<af>", 2, mapItems},
		{"filter", "<af>", 2, filterItems},
		{"single", "<af?>", 2, single},
		{"reduce", "<afj?:j>", 3, reduce},
		{"sift", "<o-f?:o>", 2, sift},
		{"each", "<o-f:a>", 2, each},
		{"zip", "<a+>", 0, zip},
		{"append", "<xx:a>", 2, appendItems},
		{"reverse", "<a:a>", 1, reverse},
		{"sort", "<af?:a>", 2, sortItems},
		{"shuffle", "<a:a>", 1, shuffle},
		{"distinct", "<x:x>", 1, distinct},
		{"keys", "<x-:a<s>>", 1, keys},
		{"lookup", "<x-s:x>", 2, lookup},
		{"spread", "<x-:a<o>>", 1, spread},
		{"merge", "<a<o>:o>", 1, merge},
		{"clone", "<(oa)-:o>", 1, clone},

		{"toMillis", "<s-s?:n>", 2, toMillis},
		{"fromMillis", "<n-s?s?:s>", 3, fromMillis},
		{"now", "<s?s?:s>", 2, now},
		{"millis", "<:n>", 0, millis},
	}
}

// stepFunctions is what AWS adds or has otherwise. AWS, "Transforming data with
// JSONata in Step Functions": "Additional JSONata functions provided by Step Functions".
func stepFunctions() []define {
	return []define{
		{"partition", "<an:a>", 2, partition},
		{"range", "<nnn:a>", 3, rangeOf},
		{"hash", "<s-s:s>", 2, hash},
		{"random", "<n?:n>", 0, random},
		{"uuid", "<:s>", 0, uuid},
		{"parse", "<s-:x>", 1, parseJSON},
	}
}

// libraries are built at the first use. (An initializer would be a cycle: $eval
// compiles, and compiling looks names up.)
var libraries struct {
	once          sync.Once
	standard, aws map[string]*function
}

func library(d Dialect) map[string]*function {
	libraries.once.Do(func() {
		standard := table(common())
		aws := maps.Clone(standard)
		maps.Copy(aws, table(stepFunctions()))
		eval := table([]define{{"eval", "<sx?:x>", 2, evalText}})
		eval["eval"].wantsFrame = true
		maps.Copy(standard, eval)
		libraries.standard, libraries.aws = standard, aws
	})
	if d == StepFunctions {
		return libraries.aws
	}
	return libraries.standard
}

func table(lines []define) map[string]*function {
	m := make(map[string]*function, len(lines))
	for _, d := range lines {
		m[d.name] = &function{name: d.name, arity: d.arity, sig: mustSignature(d.sig), native: d.code}
	}
	return m
}

// arg is the ith argument, undefined where there are fewer.
func arg(args []value.Value, i int) value.Value {
	if i < len(args) {
		return args[i]
	}
	return value.Value{}
}

// failArg is the error of a code about an argument.
func failArg(code string, v value.Value, index int) error {
	e := failValue(code, v)
	e.Index = index
	return e
}

func toBoolean(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	if arg(args, 0).IsAbsent() {
		return value.Value{}, nil
	}
	return value.Bool(truth(args[0])), nil
}

func not(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	if arg(args, 0).IsAbsent() {
		return value.Value{}, nil
	}
	return value.Bool(!truth(args[0])), nil
}

func exists(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	return value.Bool(!arg(args, 0).IsAbsent()), nil
}

func typeOf(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	v := arg(args, 0)
	switch v.Kind() {
	case value.KindAbsent:
		return v, nil
	case value.KindOpaque:
		if asFunction(v) != nil {
			return value.String("function"), nil
		}
		return v, failValue("D1001", v)
	}
	return value.String(v.Kind().String()), nil
}

func raise(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	e := fail("D3137")
	e.raw = "$error() function evaluated"
	if s, _ := arg(args, 0).AsString(); s != "" {
		e.raw = s
	}
	return value.Value{}, e
}

func assert(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	if ok, _ := arg(args, 0).AsBool(); ok {
		return value.Value{}, nil
	}
	e := fail("D3141")
	e.raw = "$assert() statement failed"
	if s, _ := arg(args, 1).AsString(); s != "" {
		e.raw = s
	}
	return value.Value{}, e
}

// evalText is $eval: the text is an expression, which sees its caller's variables.
func evalText(ev *run, args []value.Value, in value.Value) (value.Value, error) {
	text, ok := arg(args, 0).AsString()
	if !ok {
		return value.Value{}, nil
	}
	if v := arg(args, 1); !v.IsAbsent() {
		in = v
		if v.Kind() == value.KindArray {
			in = value.Array(v).Marked(markSequence | markOuter)
		}
	}
	if err := ev.alloc(64 * len(text)); err != nil {
		return in, err
	}
	expr, cerr := compile(text, ev.expr.dialect, true)
	if cerr != nil {
		return in, failValue("D3120", value.String(cerr.Message))
	}
	inner := *ev // its own names, but one purse
	inner.expr, inner.globals, inner.more = expr, [4]cell{}, nil
	if n := len(expr.globals); n > len(inner.globals) {
		inner.more = make([]cell, n-len(inner.globals))
	}
	fr := ev.callFrame
	if expr.scope.size() > 0 {
		fr = newFrame(fr, expr.scope)
	}
	v, err := expr.root.eval(&inner, in, fr)
	ev.steps, ev.check, ev.bytes, ev.carried = inner.steps, inner.check, inner.bytes, inner.carried
	if e, ok := err.(*Error); ok && e.Code != "U1001" {
		return in, failValue("D3121", value.String(e.Message))
	}
	return v, err
}
