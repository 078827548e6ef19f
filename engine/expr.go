package engine

import (
	"errors"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// expression is a compiled JSONata expression and the field that it stands in.
type expression struct {
	text  string
	field string // "Arguments/Input"
}

// call is a compiled call of an intrinsic function.
type call struct{ text string }

func (c *compiler) expression(field string, x *asl.Expression) *expression {
	if x == nil {
		return nil
	}
	return &expression{text: x.Text, field: field}
}

func (c *compiler) call(field string, x *asl.Intrinsic) *call {
	if x == nil {
		return nil
	}
	return &call{text: x.Text}
}

var errNotYet = errors.New("not supported yet")

func (e *env) evalExpression(x *expression) (value.Value, *failure) {
	return value.Value{}, e.t.queryFailure(x.field, "JSONata is not supported yet: field %s.", x.field)
}

func (e *env) evalCall(c *call) (value.Value, *failure) {
	return value.Value{}, e.t.runtimeFailure("Intrinsic functions are not supported yet: %s", c.text)
}

// condition evaluates the Condition of a Choice rule, which must be true or false.
func (e *env) condition(x *expression) (bool, *failure) {
	v, f := e.evalExpression(x)
	if f != nil {
		return false, f
	}
	b, ok := v.AsBool()
	if !ok {
		return false, e.wrongType(x, "boolean", v)
	}
	return b, nil
}

// computedInteger evaluates a field that must give a whole number.
func (e *env) computedInteger(a *amount) (int64, *failure) {
	v, f := e.evalExpression(a.expr)
	if f != nil {
		return 0, f
	}
	n, ok := v.AsInt()
	if !ok {
		return 0, e.wrongType(a.expr, "integer", v)
	}
	return n, nil
}

// computedTime evaluates a field that must give a timestamp.
func (e *env) computedTime(x *text) (int64, *failure) {
	v, f := e.evalExpression(x.expr)
	if f != nil {
		return 0, f
	}
	s, ok := v.AsString()
	if !ok {
		return 0, e.wrongType(x.expr, "string", v)
	}
	at, ok := parseTimestamp(s)
	if !ok {
		return 0, e.t.queryFailure(x.field, "The %s field cannot be parsed as an ISO-8601 extended offset date-time format string: %s", x.field, s)
	}
	return at, nil
}

// wrongType is the error of an expression that gives a value of another type than
// its field takes.
func (e *env) wrongType(x *expression, want string, v value.Value) *failure {
	return e.t.queryFailure(x.field,
		"The JSONata expression '%s' specified for the field '%s' returned an unexpected result type. Expected '%s', but was '%s' for value: %s",
		x.text, x.field, want, v.Kind(), v.JSON())
}
