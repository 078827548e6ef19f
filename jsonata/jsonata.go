// Package jsonata evaluates JSONata, the query and transformation language for
// JSON (https://docs.jsonata.org). An expression is compiled once, may then be
// evaluated by many goroutines at a time, and every evaluation has budgets, so
// that no expression can hang or exhaust its host. Objects keep the order of
// their members.
//
// It knows nothing of Step Functions but the dialect that they speak.
package jsonata

import (
	"context"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Dialect is a version of the language.
type Dialect uint8

const (
	// Standard is JSONata 2.2.
	Standard Dialect = iota
	// StepFunctions is what AWS Step Functions has: JSONata 2.0.6, so without the
	// operators ?? and ?: and without $eval, which Compile refuses, and with
	// $partition, $range, $hash, $random with a seed, $uuid and $parse.
	StepFunctions
)

// Expr is a compiled expression. It is immutable and safe for concurrent use.
type Expr struct {
	text    string
	dialect Dialect
	root    node
	scope   *scope
	globals []string // names that are not bound in the expression
	refs    []Reference
}

// Compile parses text. The error is an *Error.
func Compile(text string, d Dialect) (*Expr, error) {
	e, err := compile(text, d, false)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// MustCompile is Compile for texts that are known to be right; it panics where they are not.
func MustCompile(text string, d Dialect) *Expr {
	e, err := Compile(text, d)
	if err != nil {
		panic(err)
	}
	return e
}

// String returns the text that was compiled.
func (e *Expr) String() string { return e.text }

// Reference is a use of a variable that the expression does not bind itself: the
// host's, or the name of a function.
type Reference struct {
	Name   string   // without the $
	Path   []string // the fields that follow directly: input and id in $states.input.id
	Offset int      // byte offset of the $
	End    int      // byte offset behind the name
	Call   bool     // used as a function: $name(…)
	Known  bool     // names a function of the dialect's library
}

// References returns the uses of free variables in the order of the text. A
// variable that is bound on some ways through the expression only counts as bound.
func (e *Expr) References() []Reference { return e.refs }

// Env is what an evaluation may use of its surroundings. The zero Env has no
// variables, the usual budget, the system's clock and randomness.
type Env struct {
	// Lookup returns the value of a variable, and whether there is one. It is
	// asked once an evaluation for every name that is used.
	Lookup func(name string) (Value, bool)
	// Functions are further functions by name.
	Functions map[string]*Function
	Budget    Budget
	// Now is the time of $now and $millis; the zero time means the system's clock.
	Now time.Time
	// Random returns 64 random bits, for $random, $shuffle and $uuid; nil means
	// the runtime's generator.
	Random func() uint64
}

// Budget bounds one evaluation; 0 means the default. What exceeds it fails with
// an error that is an ErrBudget.
type Budget struct {
	Steps int64 // operations; 10 million
	Depth int   // nested function calls; 3,000
	Bytes int64 // memory allocated in all; 96 MiB
}

const (
	defaultSteps = 10_000_000
	defaultDepth = 3_000
	defaultBytes = 96 << 20
)

// Function is a function of the host's. It is safe for concurrent use if Call is.
type Function struct {
	name string
	sig  *signature
	call func(ctx context.Context, args []Value) (Value, error)
}

// NewFunction makes a function with a signature such as <s-n?:s>, which may be
// empty. An *Error that call returns is passed on, with the place added; other
// errors end the evaluation as they are.
func NewFunction(name, signature string, call func(ctx context.Context, args []Value) (Value, error)) (*Function, error) {
	f := &Function{name: name, call: call}
	if signature != "" {
		sig, err := parseSignature(signature)
		if err != nil {
			return nil, err
		}
		f.sig = sig
	}
	return f, nil
}

// Eval evaluates the expression with input as its context. The result is
// undefined where the expression leads nowhere or gives a function. The error is
// an *Error, ctx's, or a host function's.
func (e *Expr) Eval(ctx context.Context, input Value, env Env) (Value, error) {
	ev := runs.Get().(*run)
	ev.ctx, ev.env, ev.expr = ctx, env, e
	ev.begin(value.Value(input))
	v, err := e.root.eval(ev, ev.input, ev.top)
	if err == nil {
		v, err = ev.finish(v)
	}
	*ev = run{}
	runs.Put(ev)
	if err != nil {
		return Value{}, err
	}
	return Value(v), nil
}
