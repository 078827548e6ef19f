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
	// text sets a member to a text that stays as it is.
	text(b *value.Builder, key, text string)
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
	// catcher takes failures of that name; the input goes on.
	catcher(next, name string) value.Value
	// whenText is a Choice rule: all fields are there, and strings.
	whenText(next string, fields ...string) value.Value
	// whenFalse is a Choice rule: the field is there, and false.
	whenFalse(next, field string) value.Value
	// failWith gives a Fail an Error or a Cause that is in the input.
	failWith(state *value.Builder, name, field string)
	// record has a Pass put an object beside its input, with the time as its member "at".
	record(state *value.Builder, key string, literal value.Value)
	// literal refuses a value that would not stay as it is in record.
	literal(v value.Value) error
	// whenDecided is a Choice rule: it was decided so, and the record has the member.
	whenDecided(next string, d Decision, member string) value.Value
	// whenState is a Choice rule: the input's member state says so. The field is the output then.
	whenState(next, state, field string) value.Value
	// chosen makes the field the output of a Choice, whichever whenState holds.
	chosen(state *value.Builder, field string)
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

func (jsonPath) text(b *value.Builder, key, text string) { b.Set(key, value.String(text)) }

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

func (jsonPath) catcher(next, name string) value.Value {
	return object("ErrorEquals", value.Strings(name), "ResultPath", value.Null(), "Next", value.String(next))
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

func (jsonPath) record(state *value.Builder, key string, literal value.Value) {
	state.Set("Parameters", literal.With("at.$", value.String("$$.State.EnteredTime")))
	state.Set("ResultPath", value.String("$."+key))
}

// literal: in Parameters a name that ends in .$ makes a path of its value.
func (l jsonPath) literal(v value.Value) error {
	for _, m := range v.Members() {
		if strings.HasSuffix(m.Key, ".$") {
			return fmt.Errorf("the name %q: in JSONPath a name that ends in .$ makes a path of its value", m.Key)
		}
		if err := l.literal(m.Value); err != nil {
			return err
		}
	}
	for _, item := range v.Items() {
		if err := l.literal(item); err != nil {
			return err
		}
	}
	return nil
}

// whenDecided asks first whether what it compares is there.
func (l jsonPath) whenDecided(next string, d Decision, member string) value.Value {
	said := value.String(l.path(decision + ".decision"))
	return object("And", value.Array(
		object("Variable", said, "IsPresent", value.Bool(true)),
		object("Variable", said, "StringEquals", value.String(string(d))),
		object("Variable", value.String(l.path(decision+"."+member)), "IsPresent", value.Bool(true))), "Next", value.String(next))
}

func (l jsonPath) whenState(next, state, _ string) value.Value {
	return object("Variable", value.String(l.path("state")), "StringEquals", value.String(state), "Next", value.String(next))
}

func (l jsonPath) chosen(state *value.Builder, field string) {
	state.Set("OutputPath", value.String(l.path(field)))
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

func (l jsonata) text(b *value.Builder, key, text string) {
	v := value.String(text)
	if strings.HasPrefix(text, "{%") {
		v = l.expr("%s", l.quote(v))
	}
	b.Set(key, v)
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

func (l jsonata) catcher(next, name string) value.Value {
	return object("ErrorEquals", value.Strings(name), "Output", l.expr("$states.input"), "Next", value.String(next))
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

func (l jsonata) record(state *value.Builder, key string, literal value.Value) {
	state.Set("Output", l.expr("$merge([$states.input, {'%s': $merge([%s, {'at': $states.context.State.EnteredTime}])}])", key, l.quote(literal)))
}

func (jsonata) literal(value.Value) error { return nil }

// quote writes a value as JSONata has it: as JSON. An expression ends at its first %}, so
// that no percent sign may stand in it; in JSON they stand in strings alone.
func (jsonata) quote(v value.Value) string { return strings.ReplaceAll(v.JSON(), "%", `\u0025`) }

func (l jsonata) whenDecided(next string, d Decision, member string) value.Value {
	record := l.input(decision)
	return object("Condition", l.expr("$type(%s) = 'object' and %s.decision = '%s' and $exists(%s.%s)", record, record, d, record, member), "Next", value.String(next))
}

func (l jsonata) whenState(next, state, field string) value.Value {
	return object("Condition", l.expr("$states.input.state = %s", l.quote(value.String(state))), "Output", l.expr("%s", l.input(field)), "Next", value.String(next))
}

func (jsonata) chosen(*value.Builder, string) {}
