package engine

import (
	"errors"

	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// env is what paths and expressions of a state can see.
type env struct {
	t    *thread
	root value.Value // what "$" is

	// JSONata: $states.result and $states.errorOutput; absent where there is none.
	result, errorOutput value.Value

	// $states as it was last made, with or without the Context object, which not
	// every expression reads and which takes time to make.
	states      value.Value
	withContext bool
}

// env gives the thread's env a new root. There is one of them a thread: the one
// before must not be used any more.
func (t *thread) env(root value.Value) *env {
	t.scratch = env{t: t, root: root}
	return &t.scratch
}

// follow evaluates a path.
func (e *env) follow(p *jsonpath.Path) (value.Value, error) {
	switch p.Root() {
	case jsonpath.Context:
		return p.Eval(e.t.context())
	case jsonpath.Variable:
		v, ok := e.t.scope.lookup(p.Variable())
		if !ok {
			return value.Value{}, errUnassigned
		}
		return p.Eval(v)
	}
	return p.Eval(e.root)
}

var errUnassigned = errors.New("the variable has no value")

// select follows the path of a field like InputPath. A nil path is "$".
func (e *env) choose(p *path) (value.Value, *failure) {
	switch {
	case p == nil:
		return e.root, nil
	case p.discard:
		return emptyObject, nil
	}
	v, err := e.follow(p.Path)
	if err != nil {
		return value.Value{}, e.invalidPath(p, err)
	}
	return v, nil
}

var emptyObject = value.Object()

func (e *env) invalidPath(p *path, err error) *failure {
	if errors.Is(err, errUnassigned) {
		return e.unassigned(p)
	}
	if e.root.IsNull() && p.Root() == jsonpath.Input {
		return e.t.runtimeFailure("Unable to apply Path transformation to null or empty input.")
	}
	return e.t.runtimeFailure("Invalid path '%s' : %s", p, err)
}

func (e *env) unassigned(p *path) *failure {
	return e.t.runtimeFailure("The variable '%s' referenced by '%s' could not be found.", p.Variable(), p)
}

// eval computes a payload template. A nil template gives an absent value.
func (e *env) eval(t *template) (value.Value, *failure) {
	switch {
	case t == nil:
		return value.Value{}, nil
	case t.object:
		return e.evalObject(t)
	case t.items != nil:
		return e.evalArray(t)
	case t.path != nil:
		return e.selected(t.path, t.place)
	case t.call != nil:
		return e.evalCall(t.call)
	case t.expr != nil:
		return e.evalExpression(t.expr)
	}
	return t.literal, nil
}

func (e *env) evalObject(t *template) (value.Value, *failure) {
	members := make([]value.Member, len(t.fields))
	for i := range t.fields {
		v, f := e.eval(t.fields[i].tmpl)
		if f != nil {
			return value.Value{}, f
		}
		members[i] = t.fields[i].member
		members[i].Value = v
	}
	if t.repeats {
		return value.Object(members...), nil
	}
	return value.Distinct(members), nil
}

func (e *env) evalArray(t *template) (value.Value, *failure) {
	items := make([]value.Value, len(t.items))
	for i, item := range t.items {
		v, f := e.eval(item)
		if f != nil {
			return value.Value{}, f
		}
		items[i] = v
	}
	return value.Array(items...), nil
}

// selected follows the path of a field that takes its value from there: of a payload
// template, or of a Fail state.
func (e *env) selected(p *path, field string) (value.Value, *failure) {
	v, err := e.follow(p.Path)
	if err == nil {
		return v, nil
	}
	if errors.Is(err, errUnassigned) {
		return value.Value{}, e.unassigned(p)
	}
	return value.Value{}, e.t.runtimeFailure("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
		p, field, e.root.JSON())
}

// assign computes what Assign sets. Every expression in it sees the variables as
// they were before.
func (e *env) assign(t *template) ([]assignment, *failure) {
	if t == nil {
		return nil, nil
	}
	if !t.object {
		return literalAssignments(t.literal), nil
	}
	list := make([]assignment, len(t.fields))
	for i := range t.fields {
		v, f := e.eval(t.fields[i].tmpl)
		if f != nil {
			return nil, f
		}
		list[i] = assignment{t.fields[i].member.Key, v}
	}
	return list, nil
}

// literalAssignments are those of an Assign with nothing to compute.
func literalAssignments(v value.Value) []assignment {
	list := make([]assignment, v.Len())
	for i, m := range v.Members() {
		list[i] = assignment{m.Key, m.Value}
	}
	return list
}

// effectiveInput applies InputPath, and then Parameters or Arguments (ASL
// "Input and Output Processing").
func (t *thread) effectiveInput() (value.Value, *failure) {
	n := t.node
	if n.jsonata {
		if n.arguments == nil {
			return t.input, nil
		}
		v, f := t.env(t.input).eval(n.arguments)
		t.probe("afterArguments", v)
		return t.bounded(v, f)
	}
	v, f := t.env(t.input).choose(n.inputPath)
	if f != nil {
		return value.Value{}, f
	}
	t.probe("afterInputPath", v)
	if n.parameters == nil {
		t.probe("afterParameters", v)
		return v, nil
	}
	v, f = t.env(v).eval(n.parameters)
	t.probe("afterParameters", v)
	return t.bounded(v, f)
}

// bounded fails where an effective input that was computed is over the payload limit
// (Developer Guide, "Handling errors in Step Functions workflows": States.DataLimitExceeded).
func (t *thread) bounded(v value.Value, f *failure) (value.Value, *failure) {
	if f == nil && t.x.tooLarge(v) {
		return value.Value{}, tooLarge(t.node.name)
	}
	return v, f
}

// complete leaves a state that has a result.
func (t *thread) complete(result value.Value) {
	out, assign, f := t.effectiveOutput(result)
	if f != nil {
		t.x.fail(t, f)
		return
	}
	t.exit(t.node.next, out, assign)
}

// effectiveOutput applies ResultSelector, ResultPath, OutputPath and Assign, or
// JSONata's Output and Assign, to a state's result.
func (t *thread) effectiveOutput(result value.Value) (value.Value, []assignment, *failure) {
	n := t.node
	if n.jsonata {
		return t.jsonataOutput(n.output, n.assign, result)
	}
	selected := result
	var f *failure
	if n.resultSelector != nil {
		if selected, f = t.env(result).eval(n.resultSelector); f != nil {
			return value.Value{}, nil, f
		}
	}
	t.probe("afterResultSelector", selected)
	assign, f := t.env(selected).assign(n.assign)
	if f != nil {
		return value.Value{}, nil, f
	}
	out, f := t.placeResult(n.resultPath, t.input, selected)
	if f != nil {
		return value.Value{}, nil, f
	}
	t.probe("afterResultPath", out)
	out, f = t.env(out).choose(n.outputPath)
	return out, assign, f
}

// jsonataOutput computes Output and Assign. The default Output is the result
// where the state has one, else its input.
func (t *thread) jsonataOutput(output, assign *template, result value.Value) (value.Value, []assignment, *failure) {
	e := t.env(t.input)
	e.result = result
	out := result
	if out.IsAbsent() {
		out = t.input
	}
	if output != nil {
		v, f := e.eval(output)
		if f != nil {
			return value.Value{}, nil, f
		}
		out = v
	}
	list, f := e.assign(assign)
	return out, list, f
}

// placeResult applies a ResultPath: nil replaces the input, discard keeps it.
func (t *thread) placeResult(p *path, input, result value.Value) (value.Value, *failure) {
	switch {
	case p == nil:
		return result, nil
	case p.discard:
		return input, nil
	}
	v, err := p.Set(input, result)
	if err != nil {
		return value.Value{}, newFailure("States.ResultPathMatchFailure", t.atState()+err.Error())
	}
	return v, nil
}
