package jsonpath

import (
	"errors"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// MaxVisits bounds how many nodes one evaluation may look at, so that paths like
// $..*..*..* come to an end.
const MaxVisits = 1 << 20

// ErrTooWide says that a path would look at more than MaxVisits nodes.
var ErrTooWide = errors.New("the path visits too many nodes")

// Eval follows the path from root: the input, the Context object or the variable's
// value, as Root and Variable say. A definite path gives the value it leads to; any
// other gives the array of all matches in document order, empty where there are
// none. The error is a *NotFound, or ErrTooWide.
func (p *Path) Eval(root value.Value) (value.Value, error) {
	if !p.single {
		return p.evalMany(root)
	}
	v, broke := p.follow(root)
	if broke < len(p.steps) {
		return value.Value{}, p.missing(broke, v)
	}
	return v, nil
}

// follow takes field and index steps from root as far as they lead. It returns where
// that is and the index of the step that could not be taken, or how many there are.
func (p *Path) follow(root value.Value) (v value.Value, broke int) {
	v = root
	for i := range p.steps {
		s := &p.steps[i]
		next, ok := value.Value{}, false
		if s.Kind == Field {
			next, ok = v.Get(s.Name)
		} else {
			next, ok = item(v, s.Index)
		}
		if !ok {
			return v, i
		}
		v = next
	}
	return v, len(p.steps)
}

// item returns the item of an array at i, which counts from the end where negative.
func item(v value.Value, i int) (value.Value, bool) {
	items := v.Items()
	if i < 0 {
		i += len(items)
	}
	if i < 0 || i >= len(items) {
		return value.Value{}, false
	}
	return items[i], true
}

// missing explains why the step at index i cannot be taken from at.
func (p *Path) missing(i int, at value.Value) *NotFound {
	e := &NotFound{Path: p, Step: i, At: at}
	kind := at.Kind()
	switch step := &p.steps[i]; {
	case i == 0 && p.root == Input && (kind == value.KindNull || kind == value.KindAbsent):
		e.reason = nullInput
	case step.Kind == Field || step.Kind == Fields:
		e.reason = leafMissing
		if kind != value.KindObject {
			e.reason = notObject
		} else if i < len(p.steps)-1 {
			e.reason = fieldMissing
		}
	case kind == value.KindNull:
		e.reason = nullArray
	case kind != value.KindArray:
		e.reason = notArray
	}
	return e
}
