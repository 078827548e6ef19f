package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// operand is a member of the input or the result that an expression reads.
type operand struct {
	text       string      // "$states.input.total", as written
	start, end int         // of it in the expression
	value      value.Value // what is recorded there; absent where it is not there
}

var operandPath = lazyregexp.New(`\$states\.(input|result)((?:\.(?:[A-Za-z_]\w*|` + "`[^`]+`" + `)|\[\d+\])+)`)

// operands are the plain members that expr reads of data that is recorded, in order.
func (f *facts) operands(expr string) []operand {
	var found []operand
	for _, at := range operandPath.FindAllStringSubmatchIndex(expr, 12) {
		if rest := strings.TrimLeft(expr[at[1]:], " "); rest != "" && strings.ContainsRune("[.(", rune(rest[0])) {
			continue // it goes on in a way that is not followed here
		}
		from, data := expr[at[2]:at[3]], f.input()
		if from == "result" {
			data, _ = f.result()
		}
		way, ok := steps("$" + strings.ReplaceAll(expr[at[4]:at[5]], "`", ""))
		if !ok || data.IsAbsent() {
			continue
		}
		found = append(found, operand{expr[at[0]:at[1]], at[0], at[1], along(data, way)})
	}
	return found
}

// along walks as a JSONata path does, through the items of arrays too.
func along(v value.Value, way []string) value.Value {
	for i, step := range way {
		if v.Kind() == value.KindArray && !strings.HasPrefix(step, "[") {
			var items []value.Value
			for _, item := range v.Items() {
				if got := along(item, way[i:]); !got.IsAbsent() {
					items = append(items, got)
				}
			}
			return value.Array(items...)
		}
		v, _ = stepInto(v, step)
	}
	return v
}

var (
	operatorNamed = lazyregexp.New(`of the "?([^\s"]+)"? operator`)
	functionNamed = lazyregexp.New(`[fF]unction "?\$?(\w+)"?`)
)

// What the functions of JSONata take that are given other types most often.
var (
	ofNumbers = []string{"sum", "max", "min", "average", "abs", "floor", "ceil", "round", "power", "sqrt", "formatNumber", "formatBase", "formatInteger", "fromMillis"}
	ofTexts   = []string{"uppercase", "lowercase", "trim", "length", "substring", "substringBefore", "substringAfter", "pad", "contains", "split", "replace", "match", "join", "base64encode", "base64decode", "encodeUrl", "encodeUrlComponent", "decodeUrl", "decodeUrlComponent", "toMillis", "parseInteger"}
)

// typeWanted is the type that an error of JSONata asks for; KindAbsent where that is not said.
func typeWanted(code, words string) value.Kind {
	switch code {
	case "T2001", "T2002", "T2003", "T2004", "D1002":
		return value.KindNumber
	case "T0410", "T0411", "T0412":
		m := functionNamed.FindStringSubmatch(words)
		switch {
		case m == nil:
		case slices.Contains(ofNumbers, m[1]):
			return value.KindNumber
		case slices.Contains(ofTexts, m[1]):
			return value.KindString
		}
	}
	return value.KindAbsent
}

// misfits are the operands whose recorded value does not have the type that the error
// asks for; all of them where it asks for none.
func (f *facts) misfits(expr, code, words string) []operand {
	all, want := f.operands(expr), typeWanted(code, words)
	if m := operatorNamed.FindStringSubmatch(words); m != nil && strings.Count(expr, m[1]) == 1 {
		at := strings.Index(expr, m[1])
		all = slices.DeleteFunc(all, func(o operand) bool {
			return code == "T2001" && o.start > at || code == "T2002" && o.start < at
		})
	}
	if strings.HasPrefix(code, "T04") {
		all = firstArguments(expr, words, all)
	}
	if want == value.KindAbsent {
		return all
	}
	return slices.DeleteFunc(all, func(o operand) bool {
		if o.value.Kind() == value.KindArray && code != "T2001" && code != "T2002" {
			return !slices.ContainsFunc(o.value.Items(), func(i value.Value) bool { return i.Kind() != want })
		}
		return o.value.Kind() == want
	})
}

// laterArgument is an argument behind the first, whose type is not known here.
var laterArgument = lazyregexp.New(`Argument (?:[2-9]|\d\d)`)

// firstArguments are those of all that are the first argument of the function that
// words name, and nothing more.
func firstArguments(expr, words string, all []operand) []operand {
	m := functionNamed.FindStringSubmatch(words)
	if m == nil || laterArgument.MatchString(words) {
		return nil
	}
	return slices.DeleteFunc(all, func(o operand) bool {
		before, after := strings.TrimRight(expr[:o.start], " "), strings.TrimLeft(expr[o.end:], " ")
		return !strings.HasSuffix(before, "$"+m[1]+"(") || !strings.HasPrefix(after, ",") && !strings.HasPrefix(after, ")")
	})
}

// sayOperands says what operands are: `$states.input.total is the string "12"`; "" where there are none.
func sayOperands(found []operand) string {
	var said []string
	for _, o := range found {
		if isPath(o.text) {
			is := typed(o.value)
			if secretAt(o.text, o.value) {
				is = contents(o.value)
			}
			said = append(said, o.text+" is "+is)
		}
	}
	said = uniq(said)
	return list(said[:min(3, len(said))])
}

// typed is a value with its type, for a sentence: `the string "12"`, "an array of 2 with the string "1"".
func typed(v value.Value) string {
	switch v.Kind() {
	case value.KindString:
		if s, _ := v.AsString(); s == "" {
			return "an empty string"
		}
		if shown := shownValue(v); shown != contents(v) {
			return "the string " + shown
		}
	case value.KindNumber:
		return "the number " + v.JSON()
	case value.KindBool:
		return "the boolean " + v.JSON()
	case value.KindAbsent:
		return "not there"
	case value.KindArray:
		for _, item := range v.Items() {
			if item.Kind() == value.KindString {
				return contents(v) + " with " + typed(item)
			}
		}
	}
	return contents(v)
}

// numeric reports a text that $number takes.
func numeric(v value.Value) bool {
	s, ok := v.AsString()
	_, err := strconv.ParseFloat(s, 64)
	return ok && err == nil && !strings.ContainsAny(s, "_xXpPnN+")
}

// conversion is expr with each misfit converted to the type that is wanted, and the
// function that does it; "" where one of them cannot be.
func conversion(expr string, found []operand, want value.Kind) (converted, function string) {
	if len(found) == 0 {
		return "", ""
	}
	converted = expr
	for _, o := range slices.Backward(found) {
		items, each := []value.Value{o.value}, o.value.Kind() == value.KindArray
		if each {
			items = o.value.Items()
		}
		for _, item := range items {
			switch {
			case want == value.KindNumber && (numeric(item) || each && item.Kind() == value.KindNumber):
				function = "$number"
			case want == value.KindString && (item.Kind() == value.KindNumber || item.Kind() == value.KindBool || each && item.Kind() == value.KindString):
				function = "$string"
			default:
				return "", ""
			}
		}
		with := function + "(" + o.text + ")"
		if each {
			with = o.text + "." + function + "($)"
		}
		converted = converted[:o.start] + with + converted[o.end:]
	}
	return converted, function
}

// convert is the remedy for operands of another type; ok is false where converting
// them would not help.
func (f *facts) convert(d *diagnose.Finding, expr, field string, found []operand, want value.Kind, exact bool) (diagnose.Remedy, bool) {
	converted, function := conversion(expr, found, want)
	if function == "" {
		return diagnose.Remedy{}, false
	}
	r := diagnose.Remedy{Title: fmt.Sprintf("Convert it with %s", function), Steps: []string{
		"Write {% " + converted + " %}",
		fmt.Sprintf("Or let whoever writes it send %s: then every reader is served.", article(want.String())),
	}}
	if !nameOnlyExpression(converted) {
		r.Steps[0] = fmt.Sprintf("In the expression of %s, put %s(…) around what has the other type.", field, function)
	}
	if exact && d.Focus != nil {
		r.Edits = replace(d.Focus.Span, jsonString("{% "+converted+" %}"))
	}
	return r, true
}

// nameOnlyExpression reports an expression that can be said as it is: paths,
// functions, numbers and operators, and no text of its own.
func nameOnlyExpression(expr string) bool {
	return plainExpression.MatchString(expr) && !link.MatchString(expr) && !commanding.MatchString(expr)
}

var plainExpression = lazyregexp.New(`^[\w$.,()\[\]{}:?*/+\-%=<>!& ]{1,200}$`)
