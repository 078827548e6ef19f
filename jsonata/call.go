package jsonata

import (
	"errors"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// function is a function value: of the library, of the host, or a lambda.
type function struct {
	name  string
	arity int // how many arguments a higher-order function passes
	sig   *signature

	// One of these:
	native native
	lambda *closure
	host   *Function

	regex      *regex // of a literal
	wantsFrame bool   // $eval: sees the variables of its caller
}

// native is the code of a function. args fit the signature; in is the context.
type native func(ev *run, args []value.Value, in value.Value) (value.Value, error)

// closure is a lambda with the frame and the context it was made in.
type closure struct {
	*lambda
	frame *frame
	in    value.Value
}

type lambda struct {
	place
	scope *scope
	arity int
	sig   *signature
	body  node
	// captures: something in the body, such as another function, may keep its frame.
	captures bool
}

func (n *lambda) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	if err := ev.alloc(160); err != nil {
		return in, err
	}
	return value.Opaque(&function{arity: n.arity, sig: n.sig, lambda: &closure{lambda: n, frame: fr, in: in}}), nil
}

// tailCall is a call in tail position that its function's caller makes for it,
// so that recursion does not deepen the stack.
type tailCall struct {
	fn    *function
	args  []value.Value
	in    value.Value
	place place
	token string
}

type tailMark struct{}

var tailMarker = value.Opaque(&tailMark{})

// noContext is the context of functions that are called where there is none: not
// undefined, which would do for an argument that was left out.
var noContext = value.Null()

// apply calls f. The result is not normalized.
func (ev *run) apply(f *function, args []value.Value, in value.Value) (value.Value, error) {
	if err := ev.enter(); err != nil {
		return in, err
	}
	v, err := ev.applyOnce(f, args, in)
	if err == nil && v == tailMarker {
		v, err = ev.finishTail()
	}
	ev.leave()
	return v, err
}

// finishTail makes the call that a function left to its caller, and those that
// it leads to.
func (ev *run) finishTail() (v value.Value, err error) {
	for v = tailMarker; err == nil && v == tailMarker; {
		t := ev.tail
		ev.tail = tailCall{}
		if v, err = ev.applyOnce(t.fn, t.args, t.in); err != nil {
			err = located(err, t.place, t.token)
		}
	}
	return v, err
}

func (ev *run) applyOnce(f *function, args []value.Value, in value.Value) (value.Value, error) {
	if err := ev.tick(1); err != nil {
		return in, err
	}
	if f.sig != nil {
		var err *Error
		if args, err = f.sig.check(f.name, args, in); err != nil {
			return in, err
		}
	}
	switch {
	case f.native != nil:
		return f.native(ev, args, in)
	case f.lambda != nil:
		return f.lambda.call(ev, args)
	}
	return f.host.invoke(ev, args)
}

func (c *closure) call(ev *run, args []value.Value) (value.Value, error) {
	if err := ev.alloc(64 + 32*c.scope.size()); err != nil {
		return value.Value{}, err
	}
	fr := newFrame(c.frame, c.scope)
	for i := range min(c.arity, len(args)) {
		fr.slots[i].v = args[i]
	}
	return c.body.eval(ev, c.in, fr)
}

func (f *Function) invoke(ev *run, args []value.Value) (value.Value, error) {
	list := make([]Value, len(args))
	for i, a := range args {
		if a.Kind() == value.KindOpaque {
			a = cleanOpaque(a)
		}
		list[i] = Value(a.Marked(0))
	}
	v, err := f.call(ev.ctx, list)
	var e *Error
	if errors.As(err, &e) {
		c := *e // the host's may be shared
		if c.Position == 0 && c.Offset == 0 {
			c.Position, c.Offset = -1, -1
		}
		return value.Value{}, &c
	}
	return value.Value(v), err
}

// located adds the place of the call to an error that has none.
func located(err error, p place, token string) error {
	if e, ok := err.(*Error); ok {
		return e.placed(p, token)
	}
	return err
}

// call is f(a, b).
type call struct {
	place
	proc     node
	args     []node // nil is a ? of a partial application
	token    string
	mistaken string
	keep     bool
}

// noFunction is the error where v, which is no function, is called.
func (n *call) noFunction(ev *run, v value.Value, meant, plain string) error {
	if v.IsAbsent() && n.mistaken != "" && asFunction(ev.resolve(n.mistaken)) != nil {
		e := fail(meant)
		e.raw = n.mistaken
		return e.placed(n.place, n.token)
	}
	return n.fail(plain, n.token, value.Value{})
}

// prepare evaluates the function and its arguments, with first before them where
// it is given.
func (n *call) prepare(ev *run, in value.Value, fr *frame, first *value.Value, room []value.Value) (*function, []value.Value, error) {
	v, err := n.proc.eval(ev, in, fr)
	if err != nil {
		return nil, nil, err
	}
	args := room
	if first != nil {
		args = append(args, *first)
	}
	for _, arg := range n.args {
		a, err := arg.eval(ev, in, fr)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, a)
	}
	f := asFunction(v)
	if f == nil {
		return nil, nil, n.noFunction(ev, v, "T1005", "T1006")
	}
	if f.wantsFrame {
		ev.callFrame = fr
	}
	return f, args, nil
}

func (n *call) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	var room [3]value.Value
	f, args, err := n.prepare(ev, in, fr, nil, room[:0])
	if err != nil {
		return in, err
	}
	v, err := ev.apply(f, args, in)
	if err != nil {
		return v, located(err, n.place, n.token)
	}
	if n.keep && v.Marks()&markSequence != 0 {
		v = v.Marked(v.Marks() | markKeep)
	}
	return normalize(v), nil
}

// tailCallNode is a call whose result is its function's result. That is not
// normalized: $map(x, function($v){$filter($v, …)}) gives arrays, also of one.
type tailCallNode struct{ call }

func (n *tailCallNode) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	f, args, err := n.prepare(ev, in, fr, nil, nil)
	if err != nil {
		return in, err
	}
	if f.lambda == nil {
		v, err := ev.apply(f, args, in)
		if err != nil {
			return v, located(err, n.place, n.token)
		}
		return v, nil
	}
	ev.tail = tailCall{fn: f, args: args, in: in, place: n.place, token: n.token}
	return tailMarker, nil
}

// application is a ~> f and a ~> f(b).
type application struct {
	place
	lhs  node
	rhs  node
	call *call // f(b): a becomes the first argument
	keep bool
}

func (n *application) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	lhs, err := n.lhs.eval(ev, in, fr)
	if err != nil {
		return lhs, err
	}
	v, err := n.applyTo(ev, lhs, in, fr)
	if err != nil {
		return v, err
	}
	if n.keep && v.Marks()&markSequence != 0 {
		v = v.Marked(v.Marks() | markKeep)
	}
	return normalize(v), nil
}

func (n *application) applyTo(ev *run, lhs, in value.Value, fr *frame) (value.Value, error) {
	if n.call != nil {
		f, args, err := n.call.prepare(ev, in, fr, &lhs, nil)
		if err != nil {
			return lhs, err
		}
		v, err := ev.apply(f, args, in)
		return v, locatedIfAny(err, n.call.place, n.call.token)
	}
	rhs, err := n.rhs.eval(ev, in, fr)
	if err != nil {
		return rhs, err
	}
	g := asFunction(rhs)
	if g == nil {
		return rhs, n.fail("T2006", "~>", rhs)
	}
	if f := asFunction(lhs); f != nil {
		return value.Opaque(composed(f, g)), nil
	}
	v, err := ev.apply(g, []value.Value{lhs}, noContext)
	return v, locatedIfAny(err, n.place, g.name)
}

func locatedIfAny(err error, p place, token string) error {
	if err == nil {
		return nil
	}
	return located(err, p, token)
}

// composed is f ~> g: g of f of the argument.
func composed(f, g *function) *function {
	return &function{arity: 1, native: func(ev *run, args []value.Value, in value.Value) (value.Value, error) {
		var arg value.Value
		if len(args) > 0 {
			arg = args[0]
		}
		v, err := ev.apply(f, []value.Value{arg}, in)
		if err != nil {
			return v, err
		}
		return ev.apply(g, []value.Value{normalize(v)}, in)
	}}
}

// partial is f(?, b): a function of the arguments left open.
type partial struct{ call }

func (n *partial) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	args := make([]value.Value, len(n.args))
	var holes []int
	for i, arg := range n.args {
		if arg == nil {
			holes = append(holes, i)
			continue
		}
		v, err := arg.eval(ev, in, fr)
		if err != nil {
			return v, err
		}
		args[i] = v
	}
	v, err := n.proc.eval(ev, in, fr)
	if err != nil {
		return v, err
	}
	f := asFunction(v)
	if f == nil {
		return v, n.noFunction(ev, v, "T1007", "T1008")
	}
	return value.Opaque(&function{name: f.name, arity: len(holes), native: func(ev *run, given []value.Value, in value.Value) (value.Value, error) {
		all := append([]value.Value(nil), args...)
		for i, at := range holes {
			if i < len(given) {
				all[at] = given[i]
			}
		}
		v, err := ev.apply(f, all, in)
		return v, locatedIfAny(err, n.place, n.token)
	}}), nil
}

// caller calls one function for many items. The frame of a lambda is used again
// where nothing in its body can hold on to it.
type caller struct {
	f  *function
	fr *frame
}

// with calls the function with the first n of args, or fewer if it takes fewer.
func (c *caller) with(ev *run, args *[4]value.Value, n int) (value.Value, error) {
	f := c.f
	n = max(1, min(f.arity, n))
	if f.lambda == nil || f.sig != nil {
		return ev.apply(f, append([]value.Value(nil), args[:n]...), value.Value{})
	}
	if err := ev.enter(); err != nil {
		return value.Value{}, err
	}
	defer ev.leave()
	if err := ev.tick(1); err != nil {
		return value.Value{}, err
	}
	l := f.lambda
	if c.fr == nil || l.captures {
		if err := ev.alloc(64 + 32*l.scope.size()); err != nil {
			return value.Value{}, err
		}
		c.fr = newFrame(l.frame, l.scope)
	} else {
		clear(c.fr.slots)
	}
	for i := range min(l.arity, n) {
		c.fr.slots[i].v = args[i]
	}
	v, err := l.body.eval(ev, l.in, c.fr)
	if err != nil || v != tailMarker {
		return v, err
	}
	return ev.finishTail()
}
