package jsonpath

import (
	"fmt"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Mismatch says that a value cannot be written where a path leads, which ASL calls
// States.ResultPathMatchFailure.
type Mismatch struct {
	Path *Path
	Step int         // index into Path.Steps of the step that could not be taken
	At   value.Value // the value that this step was tried on
	Root value.Value // what the path started from
}

func (e *Mismatch) Error() string {
	return fmt.Sprintf("Unable to apply ReferencePath %s to input %s", e.Path, e.Root.JSON())
}

// Set returns root with v in the place that the path leads to (ASL "ResultPath");
// root stays as it is. Fields that are not there are made, with the objects that
// lead to them; what is there is replaced. Items of arrays can be replaced only.
// The error is a *Mismatch, or says that the path is no reference path.
func (p *Path) Set(root, v value.Value) (value.Value, error) {
	if !p.single {
		return value.Value{}, fmt.Errorf("%s is no reference path: it may lead to more than one place", p)
	}
	result, failed, at := p.set(root, 0, v)
	if failed >= 0 {
		return value.Value{}, &Mismatch{Path: p, Step: failed, At: at, Root: root}
	}
	return result, nil
}

// set returns at with v put in by the steps from index i on, or the index of the
// step that cannot be taken and what it was tried on.
func (p *Path) set(at value.Value, i int, v value.Value) (result value.Value, failed int, where value.Value) {
	if i == len(p.steps) {
		return v, -1, value.Value{}
	}
	s := &p.steps[i]
	if s.Kind == Field {
		if at.Kind() != value.KindObject && !at.IsAbsent() {
			return value.Value{}, i, at
		}
		child, _ := at.Get(s.Name)
		child, failed, where = p.set(child, i+1, v)
		if failed >= 0 {
			return value.Value{}, failed, where
		}
		return at.With(s.Name, child), -1, value.Value{}
	}
	old, ok := item(at, s.Index)
	if !ok {
		return value.Value{}, i, at
	}
	child, failed, where := p.set(old, i+1, v)
	if failed >= 0 {
		return value.Value{}, failed, where
	}
	items := append([]value.Value(nil), at.Items()...)
	n := s.Index
	if n < 0 {
		n += len(items)
	}
	items[n] = child
	return value.Array(items...), -1, value.Value{}
}
