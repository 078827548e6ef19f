package jsonpath

import "github.com/stepsleuth/stepsleuth/internal/value"

// walk is one evaluation of a path that may have many matches.
type walk struct {
	path   *Path
	root   value.Value // what $ means inside filters
	item   value.Value // what @ means in this path itself
	end    int         // the steps before end are taken
	found  []value.Value
	visits int
	fixed  map[*Path]resolved // paths inside filters that begin with $
	miss   *NotFound          // the first index that was out of bounds
}

type resolved struct {
	value value.Value
	ok    bool
}

func (p *Path) evalMany(root value.Value) (value.Value, error) {
	w := &walk{path: p, root: root, end: len(p.steps)}
	return w.run(root)
}

func (w *walk) run(start value.Value) (value.Value, error) {
	p := w.path
	if p.aggregate {
		w.end = len(p.steps) - 1
	}
	if err := w.from(start, 0, true); err != nil {
		return value.Value{}, err
	}
	switch {
	case p.aggregate:
		return w.call(value.Array(w.found...), w.item, w.end)
	case !p.Definite():
		return value.Array(w.found...), nil
	case len(w.found) == 0:
		return value.Value{}, w.miss
	}
	return w.found[0], nil
}

// resolve evaluates a path inside a filter or an argument.
func (w *walk) resolve(p *Path, item value.Value) (value.Value, bool) {
	start := item
	if p.root == Item && p.single {
		w.visits += len(p.steps)
		v, broke := p.follow(item)
		if broke < len(p.steps) {
			return value.Value{}, false
		}
		return v, true
	}
	if p.root != Item {
		if r, ok := w.fixed[p]; ok {
			return r.value, r.ok
		}
		start = w.root
	}
	w.visits += len(p.steps)
	sub := &walk{path: p, root: w.root, item: item, end: len(p.steps), visits: w.visits, fixed: w.fixed}
	v, err := sub.run(start)
	w.visits, w.fixed = sub.visits, sub.fixed
	if p.root != Item {
		if w.fixed == nil {
			w.fixed = map[*Path]resolved{}
		}
		w.fixed[p] = resolved{v, err == nil}
	}
	return v, err == nil
}

// from takes the steps from index i on, starting at v. definite says that the
// steps before led to one place: then a step that cannot be taken is an error,
// else it is just no match.
func (w *walk) from(v value.Value, i int, definite bool) error {
	if w.visits++; w.visits > MaxVisits {
		return ErrTooWide
	}
	if i == w.end {
		w.found = append(w.found, v)
		return nil
	}
	switch s := &w.path.steps[i]; s.Kind {
	case Field:
		return w.field(v, s.Name, i, definite)
	case Fields:
		return w.fields(v, i, definite)
	case Index, Indices, Slice:
		return w.items(v, i, definite)
	case Wildcard:
		return w.children(v, func(child value.Value) error { return w.from(child, i+1, false) })
	case Descend:
		return w.descend(v, i+1)
	case Filter:
		return w.filter(v, i, definite)
	default:
		result, err := w.call(v, w.item, i)
		if err == nil {
			w.found = append(w.found, result)
		}
		return err
	}
}

func (w *walk) field(v value.Value, name string, i int, definite bool) error {
	child, ok := v.Get(name)
	switch {
	case ok:
		return w.from(child, i+1, definite)
	case definite:
		return w.path.missing(i, v)
	}
	return nil
}

// fields makes one object of several fields where they end the path, else it goes
// on from each.
func (w *walk) fields(v value.Value, i int, definite bool) error {
	if v.Kind() != value.KindObject {
		if definite {
			return w.path.missing(i, v)
		}
		return nil
	}
	var b value.Builder
	for _, name := range w.path.steps[i].Names {
		child, ok := v.Get(name)
		if !ok {
			continue
		}
		if i != len(w.path.steps)-1 {
			if err := w.from(child, i+1, false); err != nil {
				return err
			}
			continue
		}
		b.Set(name, child)
	}
	if i == len(w.path.steps)-1 {
		w.found = append(w.found, b.Object())
	}
	return nil
}

func (w *walk) items(v value.Value, i int, definite bool) error {
	if v.Kind() != value.KindArray {
		if definite {
			return w.path.missing(i, v)
		}
		return nil
	}
	s := &w.path.steps[i]
	if s.Kind == Slice {
		for _, child := range slice(v.Items(), s.From, s.To) {
			if err := w.from(child, i+1, false); err != nil {
				return err
			}
		}
		return nil
	}
	list := s.Indices
	if s.Kind == Index {
		list = []int{s.Index}
	}
	for _, n := range list {
		child, ok := item(v, n)
		if !ok {
			w.miss = &NotFound{Path: w.path, Step: i, At: v}
			continue
		}
		if err := w.from(child, i+1, definite && s.Kind == Index); err != nil {
			return err
		}
	}
	return nil
}

func slice(items []value.Value, from, to *int) []value.Value {
	clamp := func(i *int, open int) int {
		if i == nil {
			return open
		}
		n := *i
		if n < 0 {
			n += len(items)
		}
		return max(0, min(n, len(items)))
	}
	low, high := clamp(from, 0), clamp(to, len(items))
	if low >= high {
		return nil
	}
	return items[low:high]
}

// children calls f for every item or member of v until it fails.
func (w *walk) children(v value.Value, f func(value.Value) error) error {
	for _, child := range v.Items() {
		if err := f(child); err != nil {
			return err
		}
	}
	for _, m := range v.Members() {
		if err := f(m.Value); err != nil {
			return err
		}
	}
	return nil
}

// descend applies the step at index i to v and to all arrays and objects below it.
func (w *walk) descend(v value.Value, i int) error {
	if w.visits++; w.visits > MaxVisits {
		return ErrTooWide
	}
	if v.Kind() != value.KindArray && v.Kind() != value.KindObject {
		return nil
	}
	if s := &w.path.steps[i]; s.Kind == Filter {
		if s.filter.holds(w, v) {
			if err := w.from(v, i+1, false); err != nil {
				return err
			}
		}
	} else if s.Kind != Fields || hasAll(v, s.Names) {
		if err := w.from(v, i, false); err != nil {
			return err
		}
	}
	return w.children(v, func(child value.Value) error { return w.descend(child, i) })
}

func hasAll(v value.Value, names []string) bool {
	for _, name := range names {
		if _, ok := v.Get(name); !ok {
			return false
		}
	}
	return true
}

// filter keeps the items of an array, or an object itself, for which the condition holds.
func (w *walk) filter(v value.Value, i int, definite bool) error {
	s := &w.path.steps[i]
	switch v.Kind() {
	case value.KindArray:
		for _, child := range v.Items() {
			if err := w.keep(child, s, i); err != nil {
				return err
			}
		}
		return nil
	case value.KindObject:
		return w.keep(v, s, i)
	}
	if definite {
		return &NotFound{Path: w.path, Step: i, At: v, reason: primitive}
	}
	return nil
}

func (w *walk) keep(v value.Value, s *Step, i int) error {
	if w.visits++; w.visits > MaxVisits {
		return ErrTooWide
	}
	if !s.filter.holds(w, v) {
		return nil
	}
	return w.from(v, i+1, false)
}
