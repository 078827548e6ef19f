package instrument

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// language is how the added states say in one query language what they do. Input
// fields are named by their way down from the input: "failure.Error".
type language interface {
	// computed sets a member of an object to an input field, "" being all of the input.
	computed(b *value.Builder, key, field string)
	// context sets a member to a field of the Context object: "Execution.Id".
	context(b *value.Builder, key, field string)
	// sentence sets a member to texts and references in turn: see reference.
	sentence(b *value.Builder, key string, parts ...any)
	// arguments is the field that holds what a Task or Parallel is given.
	arguments() string
	// transform makes a Pass's output of what b has.
	transform(state *value.Builder, b value.Value)
	// keepBeside puts the result at key beside the input.
	keepBeside(state *value.Builder, key string)
	// pass makes the input the output, whatever the result.
	pass(state *value.Builder)
	// catcher takes any failure; the input goes on.
	catcher(next string) value.Value
	// whenText is a Choice rule: all fields are there, and strings.
	whenText(next string, fields ...string) value.Value
	// whenFalse is a Choice rule: the field is there, and false.
	whenFalse(next, field string) value.Value
	// failWith gives a Fail an Error or a Cause that is in the input.
	failWith(state *value.Builder, name, field string)
}

// reference stands in a sentence for an input field, or one of the Context object.
type reference struct {
	field   string
	context bool
}

// jsonPath writes states for machines whose query language is JSONPath.
type jsonPath struct{}

func (jsonPath) path(field string) string {
	if field == "" {
		return "$"
	}
	return "$." + field
}

func (l jsonPath) computed(b *value.Builder, key, field string) {
	b.Set(key+".$", value.String(l.path(field)))
}

func (jsonPath) context(b *value.Builder, key, field string) {
	b.Set(key+".$", value.String("$$."+field))
}

func (l jsonPath) sentence(b *value.Builder, key string, parts ...any) {
	var template strings.Builder
	var args []string
	for _, part := range parts {
		switch p := part.(type) {
		case string:
			template.WriteString(p)
		case reference:
			template.WriteString("{}")
			if p.context {
				args = append(args, "$$."+p.field)
			} else {
				args = append(args, l.path(p.field))
			}
		}
	}
	b.Set(key+".$", value.String(fmt.Sprintf("States.Format('%s', %s)", template.String(), strings.Join(args, ", "))))
}

func (jsonPath) arguments() string { return "Parameters" }

func (jsonPath) transform(state *value.Builder, b value.Value) { state.Set("Parameters", b) }

func (jsonPath) keepBeside(state *value.Builder, key string) {
	state.Set("ResultPath", value.String("$."+key))
}

func (jsonPath) pass(state *value.Builder) { state.Set("ResultPath", value.Null()) }

func (jsonPath) catcher(next string) value.Value {
	return object("ErrorEquals", value.Strings("States.ALL"), "ResultPath", value.Null(), "Next", value.String(next))
}

// whenText asks twice: IsString on a path that finds nothing fails the execution.
func (l jsonPath) whenText(next string, fields ...string) value.Value {
	var tests []value.Value
	for _, field := range fields {
		tests = append(tests,
			object("Variable", value.String(l.path(field)), "IsPresent", value.Bool(true)),
			object("Variable", value.String(l.path(field)), "IsString", value.Bool(true)))
	}
	return object("And", value.Array(tests...), "Next", value.String(next))
}

func (l jsonPath) whenFalse(next, field string) value.Value {
	return object("And", value.Array(
		object("Variable", value.String(l.path(field)), "IsPresent", value.Bool(true)),
		object("Variable", value.String(l.path(field)), "BooleanEquals", value.Bool(false))), "Next", value.String(next))
}

func (l jsonPath) failWith(state *value.Builder, name, field string) {
	state.Set(name+"Path", value.String(l.path(field)))
}

// jsonata writes states for machines whose query language is JSONata.
type jsonata struct{}

func (jsonata) expr(format string, args ...any) value.Value {
	return value.String("{% " + fmt.Sprintf(format, args...) + " %}")
}

func (jsonata) input(field string) string {
	if field == "" {
		return "$states.input"
	}
	return "$states.input." + field
}

func (l jsonata) computed(b *value.Builder, key, field string) {
	b.Set(key, l.expr("%s", l.input(field)))
}

func (l jsonata) context(b *value.Builder, key, field string) {
	b.Set(key, l.expr("$states.context.%s", field))
}

func (l jsonata) sentence(b *value.Builder, key string, parts ...any) {
	var terms []string
	for _, part := range parts {
		switch p := part.(type) {
		case string:
			terms = append(terms, "'"+p+"'")
		case reference:
			if p.context {
				terms = append(terms, "$states.context."+p.field)
			} else {
				terms = append(terms, l.input(p.field))
			}
		}
	}
	b.Set(key, l.expr("%s", strings.Join(terms, " & ")))
}

func (jsonata) arguments() string { return "Arguments" }

func (jsonata) transform(state *value.Builder, b value.Value) { state.Set("Output", b) }

func (l jsonata) keepBeside(state *value.Builder, key string) {
	state.Set("Output", l.expr("$merge([$states.input, {'%s': $states.result}])", key))
}

func (l jsonata) pass(state *value.Builder) { state.Set("Output", l.expr("$states.input")) }

func (l jsonata) catcher(next string) value.Value {
	return object("ErrorEquals", value.Strings("States.ALL"), "Output", l.expr("$states.input"), "Next", value.String(next))
}

func (l jsonata) whenText(next string, fields ...string) value.Value {
	var tests []string
	for _, field := range fields {
		tests = append(tests, fmt.Sprintf("$type(%s) = 'string'", l.input(field)))
	}
	return object("Condition", l.expr("%s", strings.Join(tests, " and ")), "Next", value.String(next))
}

func (l jsonata) whenFalse(next, field string) value.Value {
	return object("Condition", l.expr("%s = false", l.input(field)), "Next", value.String(next))
}

func (l jsonata) failWith(state *value.Builder, name, field string) {
	state.Set(name, l.expr("%s", l.input(field)))
}
