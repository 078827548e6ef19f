package jsonata

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// run is one evaluation: what it may use and what it has used.
type run struct {
	ctx   context.Context
	env   Env
	expr  *Expr
	input value.Value
	root  value.Value // the document: $$
	top   *frame

	globals [4]cell // of names, as they are first used
	more    []cell

	budget  int64 // of steps
	steps   int64 // left
	check   int64 // look at ctx when steps has fallen to this
	bytes   int64 // left
	depth   int   // left
	now     time.Time
	carried bool // functions, infinities or marks may be within values

	callFrame *frame // of the call that is under way, for $eval
	tail      tailCall
}

// cell is a variable's value; an unbound one is looked for further out.
type cell struct {
	v   value.Value
	set bool
}

// frame holds the variables of a block, a function call or a tuple.
type frame struct {
	parent *frame
	slots  []cell
	tuple  *bound
	scope  *scope
}

// runs are used again: a run is larger than what most expressions allocate.
var runs = sync.Pool{New: func() any { return new(run) }}

const stepsBetweenChecks = 4096

func (ev *run) begin(input value.Value) {
	b := ev.env.Budget
	ev.steps, ev.depth, ev.bytes = b.Steps, b.Depth, b.Bytes
	if ev.steps <= 0 {
		ev.steps = defaultSteps
	}
	if ev.depth <= 0 {
		ev.depth = defaultDepth
	}
	if ev.bytes <= 0 {
		ev.bytes = defaultBytes
	}
	ev.budget = ev.steps
	ev.check = max(ev.steps-stepsBetweenChecks, 0)
	ev.root = input
	ev.input = input
	if input.Kind() == value.KindArray {
		ev.input = value.Array(input).Marked(markSequence | markOuter)
	}
	if n := len(ev.expr.globals); n > len(ev.globals) {
		ev.more = make([]cell, n-len(ev.globals))
	}
	if s := ev.expr.scope; s.size() > 0 {
		ev.top = newFrame(nil, s)
	}
}

// tick spends n steps.
func (ev *run) tick(n int) error {
	ev.steps -= int64(n)
	if ev.steps <= ev.check {
		return ev.pause()
	}
	return nil
}

func (ev *run) pause() error {
	if ev.steps <= 0 {
		return overBudget("Expression evaluation timeout: Check for infinite loop")
	}
	ev.check = max(ev.steps-stepsBetweenChecks, 0)
	return ev.ctx.Err()
}

func overBudget(message string) error {
	e := fail("U1001")
	e.Message = message
	return e
}

// alloc spends n bytes of memory that is about to be taken.
func (ev *run) alloc(n int) error {
	ev.bytes -= int64(n)
	if ev.bytes < 0 {
		return overBudget("Expression evaluation memory limit exceeded: Check for excessive memory usage")
	}
	return nil
}

const (
	valueBytes  = 24
	memberBytes = 64
)

// allocItems spends the memory and the steps of n items.
func (ev *run) allocItems(n int) error {
	if err := ev.alloc(n * valueBytes); err != nil {
		return err
	}
	return ev.tick(n / 8)
}

func (ev *run) enter() error {
	ev.depth--
	if ev.depth < 0 {
		return overBudget("Stack overflow error: Check for non-terminating recursive function.  Consider rewriting as tail-recursive.")
	}
	return nil
}

func (ev *run) leave() { ev.depth++ }

func (ev *run) clock() time.Time {
	if ev.now.IsZero() {
		ev.now = ev.env.Now
		if ev.now.IsZero() {
			ev.now = time.Now()
		}
	}
	return ev.now
}

func (ev *run) random() uint64 {
	if ev.env.Random != nil {
		return ev.env.Random()
	}
	return rand.Uint64()
}

// randomFloat is in [0, 1).
func (ev *run) randomFloat() float64 { return float64(ev.random()>>11) / (1 << 53) }

// global returns the value of a name that the expression does not bind.
func (ev *run) global(i int) value.Value {
	var b *cell
	if i < len(ev.globals) {
		b = &ev.globals[i]
	} else {
		b = &ev.more[i-len(ev.globals)]
	}
	if !b.set {
		b.v = ev.resolve(ev.expr.globals[i])
		b.set = true
	}
	return b.v
}

// resolve asks the host, then the library.
func (ev *run) resolve(name string) value.Value {
	if name == "$" {
		return ev.root
	}
	if ev.env.Lookup != nil {
		if v, ok := ev.env.Lookup(name); ok {
			return value.Value(v)
		}
	}
	if f := ev.env.Functions[name]; f != nil {
		return value.Opaque(&function{name: f.name, sig: f.sig, arity: f.arity(), host: f})
	}
	if f := library(ev.expr.dialect)[name]; f != nil {
		return value.Opaque(f)
	}
	return value.Value{}
}

func (f *Function) arity() int {
	if f.sig == nil {
		return 1
	}
	return len(f.sig.params)
}

func newFrame(parent *frame, s *scope) *frame {
	switch n := s.size(); {
	case n == 0:
		return &frame{parent: parent, scope: s}
	case n == 1:
		f := &struct {
			frame
			room [1]cell
		}{}
		f.parent, f.scope, f.slots = parent, s, f.room[:]
		return &f.frame
	case n <= 2:
		f := &struct {
			frame
			room [2]cell
		}{}
		f.parent, f.scope, f.slots = parent, s, f.room[:n]
		return &f.frame
	case n <= 4:
		f := &struct {
			frame
			room [4]cell
		}{}
		f.parent, f.scope, f.slots = parent, s, f.room[:n]
		return &f.frame
	default:
		return &frame{parent: parent, scope: s, slots: make([]cell, n)}
	}
}

// maxResultDepth is how deep a result may be nested: what can be read back.
const maxResultDepth = value.MaxDepth

// finish turns the outcome into plain JSON.
func (ev *run) finish(v value.Value) (value.Value, error) {
	v = unwrapOuter(v)
	// What took few steps cannot be nested too deeply.
	if ev.carried || ev.budget-ev.steps > maxResultDepth {
		return ev.clean(v, 0)
	}
	if v.Kind() == value.KindOpaque {
		return cleanOpaque(v), nil
	}
	return v.Marked(0), nil
}

// cleanOpaque: functions have no JSON, numbers out of range are null.
func cleanOpaque(v value.Value) value.Value {
	if _, ok := v.Opaque().(nonFinite); ok {
		return value.Null()
	}
	return value.Value{}
}

// clean returns v without functions, infinities and marks, at any depth.
func (ev *run) clean(v value.Value, depth int) (value.Value, error) {
	if depth > maxResultDepth {
		return value.Value{}, overBudget("The result is nested too deeply")
	}
	switch v.Kind() {
	case value.KindOpaque:
		return cleanOpaque(v), nil
	case value.KindArray:
		return ev.cleanArray(v, depth)
	case value.KindObject:
		return ev.cleanObject(v, depth)
	}
	return v, nil
}

func (ev *run) cleanArray(v value.Value, depth int) (value.Value, error) {
	old := v.Items()
	var items []value.Value
	for i, item := range old {
		c, err := ev.clean(item, depth+1)
		if err != nil {
			return v, err
		}
		if items == nil && c != item {
			items = append(make([]value.Value, 0, len(old)), old[:i]...)
		}
		if items != nil {
			if c.IsAbsent() {
				c = value.Null()
			}
			items = append(items, c)
		}
	}
	if items == nil {
		return v.Marked(0), nil
	}
	return value.Array(items...), nil
}

func (ev *run) cleanObject(v value.Value, depth int) (value.Value, error) {
	old := v.Members()
	var members []value.Member
	for i, m := range old {
		c, err := ev.clean(m.Value, depth+1)
		if err != nil {
			return v, err
		}
		if members == nil && c != m.Value {
			members = append(make([]value.Member, 0, len(old)), old[:i]...)
		}
		if members != nil && !c.IsAbsent() {
			m.Value = c
			members = append(members, m)
		}
	}
	if members == nil {
		return v, nil
	}
	return value.Distinct(members), nil
}
