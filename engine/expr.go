package engine

import (
	"errors"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/intrinsic"
	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
	"github.com/stepsleuth/stepsleuth/jsonata"
)

// expression is a compiled JSONata expression and the field that it stands in.
type expression struct {
	*jsonata.Expr
	text    string
	field   string // "Arguments/Input"
	context bool   // reads $states.context, or all of $states
}

// call is a compiled call of an intrinsic function.
type call struct {
	*intrinsic.Call
	text string
}

func (c *compiler) expression(field string, x *asl.Expression) *expression {
	if x == nil {
		return nil
	}
	compiled, err := jsonata.Compile(x.Text, jsonata.StepFunctions)
	if err != nil {
		c.fail(field, err)
		return nil
	}
	e := &expression{Expr: compiled, text: x.Text, field: field}
	for _, r := range compiled.References() {
		if r.Name == "states" && (len(r.Path) == 0 || r.Path[0] == "context") {
			e.context = true
		}
	}
	return e
}

func (c *compiler) call(field string, x *asl.Intrinsic) *call {
	if x == nil {
		return nil
	}
	parsed, err := intrinsic.Parse(x.Text)
	if err != nil {
		c.fail(field, err)
		return nil
	}
	return &call{parsed, x.Text}
}

// evalExpression evaluates an expression; to lead nowhere is an error (ASL
// "JSONata").
func (e *env) evalExpression(x *expression) (value.Value, *failure) {
	if x.context && !e.withContext {
		e.states, e.withContext = value.Value{}, true
	}
	v, err := x.Eval(e.t.x.ctx, jsonata.Value{}, jsonata.Env{
		Lookup: e.t.variables(),
		Now:    time.UnixMilli(e.t.x.now),
		Random: e.t.x.random,
	})
	switch {
	case errors.Is(err, jsonata.ErrBudget):
		return value.Value{}, e.t.queryFailure(x.field,
			"The JSONata expression '%s' specified for the field '%s' threw an error during evaluation: %s", x.text, x.field, budgetMessage(err))
	case err != nil:
		return value.Value{}, e.t.queryFailure(x.field,
			"The JSONata expression '%s' specified for the field '%s' threw an error during evaluation. %s", x.text, x.field, err)
	case value.Value(v).IsAbsent():
		return value.Value{}, e.t.queryFailure(x.field,
			"The JSONata expression '%s' specified for the field '%s' returned nothing (undefined).", x.text, x.field)
	}
	return value.Value(v), nil
}

// budgetMessage is the message of a bound that was reached, which AWS writes without
// a code: JSONata knows none for it.
func budgetMessage(err error) string {
	var e *jsonata.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// variables finds $states and the state machine's variables for expressions.
func (t *thread) variables() func(string) (jsonata.Value, bool) {
	if t.lookup == nil {
		t.lookup = func(name string) (jsonata.Value, bool) {
			if name == "states" {
				return jsonata.Value(t.scratch.reserved()), true
			}
			v, ok := t.scope.lookup(name)
			return jsonata.Value(v), ok
		}
	}
	return t.lookup
}

var statesMembers = [...]value.Member{
	value.NewMember("input", value.Value{}), value.NewMember("context", value.Value{}),
	value.NewMember("result", value.Value{}), value.NewMember("errorOutput", value.Value{}),
}

// reserved makes $states (ASL "Reserved variable: $states").
func (e *env) reserved() value.Value {
	if !e.states.IsAbsent() {
		return e.states
	}
	var context value.Value
	if e.withContext {
		context = e.t.context()
	}
	members := make([]value.Member, 0, 2)
	for i, v := range [...]value.Value{e.t.input, context, e.result, e.errorOutput} {
		if !v.IsAbsent() {
			m := statesMembers[i]
			m.Value = v
			members = append(members, m)
		}
	}
	e.states = value.Distinct(members)
	return e.states
}

func (e *env) evalCall(c *call) (value.Value, *failure) {
	v, err := c.Eval(intrinsicEnv{e})
	if err == nil {
		return v, nil
	}
	var lookup *lookupError
	if errors.As(err, &lookup) {
		return value.Value{}, lookup.failure
	}
	return value.Value{}, newFailure(errIntrinsic, e.t.atState()+err.Error())
}

// intrinsicEnv is what intrinsic functions can reach.
type intrinsicEnv struct{ *env }

// lookupError carries a failure through the evaluation of a call.
type lookupError struct{ *failure }

func (*lookupError) Error() string { return "path not found" }

func (e intrinsicEnv) Lookup(p *jsonpath.Path) (value.Value, error) {
	v, err := e.follow(p)
	switch {
	case err == nil:
		return v, nil
	case errors.Is(err, errUnassigned):
		return v, &lookupError{e.unassigned(&path{Path: p})}
	}
	return v, &lookupError{e.t.runtimeFailure("The JsonPath argument for the field '%s' could not be found in the input '%s'", p, e.root.JSON())}
}

func (e intrinsicEnv) Random(low, high int64) int64 { return low + e.t.x.rand.Int64N(high-low) }

func (e intrinsicEnv) UUID() string { return e.t.x.uuid() }

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
