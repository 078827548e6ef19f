package jsonata

import (
	"math"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// fail is the error of a code at this place.
func (p place) fail(code, token string, v value.Value) error {
	return failValue(code, v).placed(p, token)
}

type literal struct{ v value.Value }

func (n *literal) eval(*run, value.Value, *frame) (value.Value, error) { return n.v, nil }

// contextNode is $.
type contextNode struct{}

func (contextNode) eval(_ *run, in value.Value, _ *frame) (value.Value, error) {
	return normalize(unwrapOuter(in)), nil
}

// globalVariable is a name that only the host or the library can know.
type globalVariable struct {
	index int
	name  string
}

func (n *globalVariable) eval(ev *run, _ value.Value, _ *frame) (value.Value, error) {
	return ev.global(n.index), nil
}

type variable struct {
	hops    []hop
	name    string
	global  int
	dynamic bool  // the caller's frames, up from here, may know it
	up      int32 // frames of this expression's own
}

func (n *variable) eval(ev *run, _ value.Value, fr *frame) (value.Value, error) {
	up := int32(0)
	for i := range n.hops {
		h := &n.hops[i]
		for ; up < h.up; up++ {
			fr = fr.parent
		}
		if h.slot < 0 {
			if b := fr.tuple.find(h.label); b != nil {
				return b.v, nil
			}
		} else if c := &fr.slots[h.slot]; c.set || h.fixed {
			return c.v, nil
		}
	}
	if n.dynamic {
		for ; up < n.up; up++ {
			fr = fr.parent
		}
		if v, ok := fr.lookup(n.name); ok {
			return v, nil
		}
	}
	if n.global < 0 {
		return value.Value{}, nil
	}
	return ev.global(n.global), nil
}

// lookup finds a variable by name, as $eval has to.
func (fr *frame) lookup(name string) (value.Value, bool) {
	for ; fr != nil; fr = fr.parent {
		if b := fr.tuple.find(name); b != nil {
			return b.v, true
		}
		if fr.scope == nil {
			continue
		}
		for i, n := range fr.scope.names {
			if n == name && (fr.slots[i].set || i < fr.scope.params) {
				return fr.slots[i].v, true
			}
		}
	}
	return value.Value{}, false
}

type assignment struct {
	up, slot int
	value    node
}

func (n *assignment) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	v, err := n.value.eval(ev, in, fr)
	if err != nil {
		return v, err
	}
	for range n.up {
		fr = fr.parent
	}
	fr.slots[n.slot] = cell{v: v, set: true}
	return v, nil
}

type block struct {
	scope *scope
	items []node
}

func (n *block) eval(ev *run, in value.Value, fr *frame) (v value.Value, err error) {
	if err := ev.tick(1); err != nil {
		return v, err
	}
	if n.scope != nil {
		if err := ev.alloc(32 + 32*n.scope.size()); err != nil {
			return v, err
		}
		fr = newFrame(fr, n.scope)
	}
	for _, item := range n.items {
		if v, err = item.eval(ev, in, fr); err != nil {
			return v, err
		}
	}
	return v, nil
}

type condition struct{ test, then, otherwise node }

func (n *condition) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	test, err := n.test.eval(ev, in, fr)
	if err != nil {
		return test, err
	}
	if truth(test) {
		return n.then.eval(ev, in, fr)
	}
	if n.otherwise == nil {
		return value.Value{}, nil
	}
	return n.otherwise.eval(ev, in, fr)
}

// fallback is a ?? b, or where truthy is set, a ?: b.
type fallback struct {
	truthy   bool
	lhs, rhs node
}

func (n *fallback) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	v, err := n.lhs.eval(ev, in, fr)
	if err != nil {
		return v, err
	}
	if n.truthy && truth(v) || !n.truthy && !v.IsAbsent() {
		return v, nil
	}
	return n.rhs.eval(ev, in, fr)
}

// truth is what $boolean makes of v, false for undefined.
func truth(v value.Value) bool {
	if b, ok := v.AsBool(); ok { // as of most conditions
		return b
	}
	switch v.Kind() {
	case value.KindString:
		s, _ := v.AsString()
		return s != ""
	case value.KindNumber:
		f, _ := v.AsFloat()
		return f != 0
	case value.KindObject:
		return v.Len() > 0
	case value.KindOpaque:
		f, ok := v.Opaque().(nonFinite)
		return ok && !math.IsNaN(float64(f))
	case value.KindArray:
		for _, item := range v.Items() {
			if truth(item) {
				return true
			}
		}
	}
	return false
}

type logical struct {
	or       bool
	lhs, rhs node
}

func (n *logical) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	v, err := n.lhs.eval(ev, in, fr)
	if err != nil {
		return v, err
	}
	if truth(v) == n.or {
		return value.Bool(n.or), nil
	}
	v, err = n.rhs.eval(ev, in, fr)
	if err != nil {
		return v, err
	}
	return value.Bool(truth(v)), nil
}

func evalBoth(ev *run, in value.Value, fr *frame, l, r node) (lhs, rhs value.Value, err error) {
	if err = ev.tick(1); err != nil {
		return
	}
	if lhs, err = l.eval(ev, in, fr); err != nil {
		return
	}
	rhs, err = r.eval(ev, in, fr)
	return
}

type arithmetic struct {
	place
	op       byte
	lhs, rhs node
}

func (n *arithmetic) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	lhs, rhs, err := evalBoth(ev, in, fr, n.lhs, n.rhs)
	if err != nil {
		return lhs, err
	}
	a, aok := lhs.AsFloat()
	b, bok := rhs.AsFloat()
	if !aok || !bok || math.IsInf(a, 0) || math.IsInf(b, 0) {
		return n.unusual(lhs, rhs)
	}
	return number(compute(n.op, a, b)), nil
}

// unusual handles operands that are not both finite numbers.
func (n *arithmetic) unusual(lhs, rhs value.Value) (value.Value, error) {
	for i, v := range []value.Value{lhs, rhs} {
		if v.IsAbsent() {
			continue
		}
		f, ok := asNumber(v)
		switch {
		case !ok || math.IsNaN(f):
			return v, n.fail([]string{"T2001", "T2002"}[i], string(n.op), v)
		case math.IsInf(f, 0):
			return v, n.fail("D1001", string(n.op), v)
		}
	}
	return value.Value{}, nil
}

func compute(op byte, a, b float64) float64 {
	switch op {
	case '+':
		return a + b
	case '-':
		return a - b
	case '*':
		return a * b
	case '/':
		return a / b
	}
	return math.Mod(a, b)
}

type negation struct {
	place
	operand node
}

func (n *negation) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	v, err := n.operand.eval(ev, in, fr)
	if err != nil || v.IsAbsent() {
		return v, err
	}
	f, ok := asNumber(v)
	if !ok || math.IsNaN(f) {
		return v, n.fail("D1002", "-", v)
	}
	if math.IsInf(f, 0) {
		return v, n.fail("D1001", "-", v)
	}
	return number(-f), nil
}

type equality struct {
	negate   bool
	lhs, rhs node
}

func (n *equality) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	lhs, rhs, err := evalBoth(ev, in, fr, n.lhs, n.rhs)
	if err != nil {
		return lhs, err
	}
	if lhs.IsAbsent() || rhs.IsAbsent() {
		return value.Bool(false), nil
	}
	same, err := ev.equal(lhs, rhs, 0)
	return value.Bool(same != n.negate), err
}

// equal compares deeply; numbers by their float64.
func (ev *run) equal(a, b value.Value, depth int) (bool, error) {
	k := a.Kind()
	if k != b.Kind() {
		return false, nil
	}
	switch k {
	case value.KindNumber:
		x, _ := a.AsFloat()
		y, _ := b.AsFloat()
		return x == y, nil
	case value.KindOpaque:
		return a.Opaque() == b.Opaque(), nil
	case value.KindArray, value.KindObject:
		if a.Len() != b.Len() {
			return false, nil
		}
		if a.Node() == b.Node() && !ev.carried {
			return true, nil
		}
		if depth > maxResultDepth {
			return false, overBudget("The values compared are nested too deeply")
		}
		if err := ev.tick(a.Len()); err != nil {
			return false, err
		}
		if k == value.KindArray {
			return ev.equalArrays(a.Items(), b.Items(), depth)
		}
		return ev.equalObjects(a, b, depth)
	}
	return value.Equal(a, b), nil
}

func (ev *run) equalArrays(a, b []value.Value, depth int) (bool, error) {
	for i := range a {
		if same, err := ev.equal(a[i], b[i], depth+1); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func (ev *run) equalObjects(a, b value.Value, depth int) (bool, error) {
	for _, m := range a.Members() {
		other, ok := b.Get(m.Key)
		if !ok {
			return false, nil
		}
		if same, err := ev.equal(m.Value, other, depth+1); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

type comparison struct {
	place
	op       string
	lhs, rhs node
}

func (n *comparison) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	lhs, rhs, err := evalBoth(ev, in, fr, n.lhs, n.rhs)
	if err != nil {
		return lhs, err
	}
	a, numeric := asNumber(lhs)
	if numeric { // as most comparisons are
		if b, ok := asNumber(rhs); ok {
			return value.Bool(holds(n.op, compareNumbers(a, b))), nil
		}
	}
	if !orderable(lhs) {
		return lhs, n.fail("T2010", n.op, lhs)
	}
	if !orderable(rhs) {
		return lhs, n.fail("T2010", n.op, rhs)
	}
	if lhs.IsAbsent() || rhs.IsAbsent() {
		return value.Value{}, nil
	}
	if !numeric && rhs.Kind() == value.KindString {
		s, _ := lhs.AsString()
		t, _ := rhs.AsString()
		return value.Bool(holds(n.op, compareText(s, t))), nil
	}
	e := failValue("T2009", lhs)
	e.value2 = rhs
	return lhs, e.placed(n.place, n.op)
}

func orderable(v value.Value) bool {
	switch v.Kind() {
	case value.KindAbsent, value.KindNumber, value.KindString:
		return true
	}
	_, ok := v.Opaque().(nonFinite)
	return ok
}

const unordered = 2 // NaN is neither less, equal nor greater

func compareNumbers(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	return unordered
}

func holds(op string, cmp int) bool {
	if cmp == unordered {
		return false
	}
	switch op {
	case "<":
		return cmp < 0
	case "<=":
		return cmp <= 0
	case ">":
		return cmp > 0
	}
	return cmp >= 0
}

type inclusion struct{ lhs, rhs node }

func (n *inclusion) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	lhs, rhs, err := evalBoth(ev, in, fr, n.lhs, n.rhs)
	if err != nil {
		return lhs, err
	}
	if lhs.IsAbsent() || rhs.IsAbsent() {
		return value.Bool(false), nil
	}
	items := itemsOf(&rhs)
	if err := ev.tick(len(items) / 4); err != nil {
		return lhs, err
	}
	for _, item := range items {
		if identical(lhs, item) {
			return value.Bool(true), nil
		}
	}
	return value.Bool(false), nil
}

// identical: scalars by value, arrays and objects only if they are the same one.
func identical(a, b value.Value) bool {
	if n := a.Node(); n != nil {
		return n == b.Node()
	}
	return b.Node() == nil && value.Equal(a, b) && a.Opaque() == b.Opaque()
}

type concatenation struct{ parts []node }

func (n *concatenation) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	if err := ev.tick(1); err != nil {
		return value.Value{}, err
	}
	var buf [6]string
	texts := buf[:0]
	size := 0
	for _, part := range n.parts {
		v, err := part.eval(ev, in, fr)
		if err != nil {
			return v, err
		}
		s, ok := v.AsString()
		if !ok && !v.IsAbsent() {
			if s, err = ev.stringify(v, false); err != nil {
				return v, err
			}
		}
		size += len(s)
		texts = append(texts, s)
	}
	if err := ev.alloc(size); err != nil {
		return value.Value{}, err
	}
	return ev.text(strings.Join(texts, "")), nil
}

// text makes a string value; halves of surrogate pairs that met are joined.
func (ev *run) text(s string) value.Value {
	return value.String(joinSurrogates(s))
}

type rangeOperator struct {
	place
	from, to node
}

const maxRange = 10_000_000

func (n *rangeOperator) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	var none value.Value
	from, to, err := evalBoth(ev, in, fr, n.from, n.to)
	if err != nil {
		return none, err
	}
	a, aok := asNumber(from)
	b, bok := asNumber(to)
	if !from.IsAbsent() && (!aok || a != math.Trunc(a) || math.IsInf(a, 0)) {
		return none, n.fail("T2003", "..", from)
	}
	if !to.IsAbsent() && (!bok || b != math.Trunc(b) || math.IsInf(b, 0)) {
		return none, n.fail("T2004", "..", to)
	}
	if !aok || !bok || a > b {
		return none, nil
	}
	size := b - a + 1
	if size > maxRange {
		return none, n.fail("D2014", "..", number(size))
	}
	if err := ev.allocItems(int(size)); err != nil {
		return none, err
	}
	items := make([]value.Value, int(size))
	for i := range items {
		items[i] = value.Float(a + float64(i))
	}
	return sequence(items), nil
}
