// Package intrinsic parses and evaluates the intrinsic functions of the Amazon
// States Language: States.Format, States.Array and their kin.
//
// It knows nothing of states. Where paths look, which random numbers come up and
// which UUIDs are made is up to the Env that a call is evaluated in.
package intrinsic

import (
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// MaxCalls is how many functions may stand within one field (Developer Guide,
// "Intrinsic functions": up to 10).
const MaxCalls = 10

// Env is what a call can reach. Its methods are called in the order in which the
// functions are evaluated: arguments first, from left to right.
type Env interface {
	// Lookup evaluates a path of whatever root. Its error is returned as it is.
	Lookup(path *jsonpath.Path) (value.Value, error)
	// Random returns a number n with low <= n < high; low is less than high.
	Random(low, high int64) int64
	// UUID returns a new version 4 UUID in its usual text form.
	UUID() string
}

// ArgKind tells what an argument is.
type ArgKind uint8

// The kinds of arguments.
const (
	Literal ArgKind = iota // a text in quotes, a number, true, false or null
	PathArg                // $.a, $$.b, $c
	Nested                 // another function
)

// Arg is one argument of a call.
type Arg struct {
	Kind   ArgKind
	Value  value.Value    // Literal: escapes undone
	Path   *jsonpath.Path // PathArg
	Call   *Call          // Nested
	Offset int            // where it stands in the text that was parsed, in bytes
	End    int

	template string // a text in quotes as it was written, for States.Format
}

// Call is a parsed call. It is immutable and safe for concurrent use.
type Call struct {
	text        string
	function    *function
	args        []Arg
	offset, end int
}

// Function returns the called function's name, such as "States.Format".
func (c *Call) Function() string { return c.function.name }

// Args returns the arguments in order. The slice is shared and must not be changed.
func (c *Call) Args() []Arg { return c.args }

// String returns the call as it was written.
func (c *Call) String() string { return c.text[c.offset:c.end] }

// Span returns where the call stands in the text that was parsed, in bytes.
func (c *Call) Span() (offset, end int) { return c.offset, c.end }

// Arity returns how many arguments the function takes; max is -1 for any number.
func (c *Call) Arity() (min, max int) { return c.function.min, c.function.max }

// PathUse is one path in the text of a call.
type PathUse struct {
	Path   *jsonpath.Path
	Offset int // in bytes, in the text that was parsed
	End    int
}

// Paths returns all paths that the call and those within it read, from left to right.
func (c *Call) Paths() []PathUse {
	var uses []PathUse
	for i := range c.args {
		switch arg := &c.args[i]; arg.Kind {
		case PathArg:
			uses = append(uses, PathUse{arg.Path, arg.Offset, arg.End})
		case Nested:
			uses = append(uses, arg.Call.Paths()...)
		}
	}
	return uses
}

// IsCall reports that text is meant as a call rather than as a path.
func IsCall(text string) bool { return strings.HasPrefix(text, "States.") }

// ErrorName is the error with which a *Failure ends an execution on AWS. The States
// Language calls it States.IntrinsicFailure; AWS itself reports States.Runtime.
const ErrorName = "States.Runtime"

// Failure says that a function refused its arguments. Its text is the cause that
// AWS gives.
type Failure struct {
	Function string // such as "States.MathAdd"
	Call     *Call
	Problem  string // what is wrong, for people
}

func (e *Failure) Error() string { return "Invalid arguments in " + e.Function }

// Eval evaluates the call. The error is a *Failure or comes from env.Lookup.
func (c *Call) Eval(env Env) (value.Value, error) {
	f := c.function
	if len(c.args) < f.min || f.max >= 0 && len(c.args) > f.max {
		return value.Value{}, c.fail("takes " + f.arity() + ", not " + plural(len(c.args)))
	}
	args := make([]value.Value, len(c.args))
	for i := range c.args {
		v, err := c.args[i].eval(env)
		if err != nil {
			return value.Value{}, err
		}
		args[i] = v
	}
	v, problem := f.apply(c, env, args)
	if problem != "" {
		return value.Value{}, c.fail(problem)
	}
	return v, nil
}

func (a *Arg) eval(env Env) (value.Value, error) {
	switch a.Kind {
	case PathArg:
		return env.Lookup(a.Path)
	case Nested:
		return a.Call.Eval(env)
	}
	return a.Value, nil
}

func (c *Call) fail(problem string) error {
	return &Failure{Function: c.function.name, Call: c, Problem: problem}
}
