package jsonata

import "github.com/stepsleuth/stepsleuth/internal/value"

// ordering is ^(term, >term).
type ordering struct {
	place
	terms []orderTerm
}

type orderTerm struct {
	expr       node
	descending bool
}

func (o *ordering) values(ev *run, items []value.Value, fr *frame) ([]value.Value, error) {
	sorted, err := o.sort(ev, len(items), func(i int) (value.Value, *frame) { return items[i], fr })
	if err != nil {
		return nil, err
	}
	out := make([]value.Value, len(sorted))
	for k, i := range sorted {
		out[k] = items[i]
	}
	return out, nil
}

// sort returns the order of n contexts. Keys are evaluated once each, the first
// term's at the start, the others' when they decide.
func (o *ordering) sort(ev *run, n int, context func(int) (value.Value, *frame)) ([]int, error) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if n < 2 {
		return order, nil
	}
	if err := ev.allocItems(n * (1 + 2*len(o.terms))); err != nil {
		return nil, err
	}
	keys := make([][]cell, len(o.terms))
	for t := range keys {
		keys[t] = make([]cell, n)
	}
	key := func(t, i int) (value.Value, error) {
		c := &keys[t][i]
		if !c.set {
			in, fr := context(i)
			v, err := o.terms[t].expr.eval(ev, in, fr)
			if err != nil {
				return v, err
			}
			*c = cell{v: v, set: true}
		}
		return c.v, nil
	}
	return order, mergeSort(ev, order, func(a, b int) (bool, error) {
		for t := range o.terms {
			x, err := key(t, a)
			if err != nil {
				return false, err
			}
			y, err := key(t, b)
			if err != nil {
				return false, err
			}
			if x.IsAbsent() != y.IsAbsent() {
				return x.IsAbsent(), nil // last in either direction
			}
			cmp, err := o.compare(x, y)
			if err != nil {
				return false, err
			}
			if cmp != 0 {
				return (cmp > 0) != o.terms[t].descending, nil
			}
		}
		return false, nil
	})
}

// compare compares two keys, of which none or both are undefined.
func (o *ordering) compare(x, y value.Value) (int, error) {
	if x.IsAbsent() {
		return 0, nil
	}
	for _, v := range []value.Value{x, y} {
		if !orderable(v) {
			return 0, o.fail("T2008", "^", v)
		}
	}
	a, aok := asNumber(x)
	b, bok := asNumber(y)
	switch {
	case aok && bok:
		if cmp := compareNumbers(a, b); cmp != unordered {
			return cmp, nil
		}
		return 1, nil
	case aok != bok:
		e := failValue("T2007", x)
		e.value2 = y
		return 0, e.placed(o.place, "^")
	}
	s, _ := x.AsString()
	t, _ := y.AsString()
	return compareText(s, t), nil
}

// mergeSort sorts stably; after(a, b) reports that a belongs behind b. It asks
// in the same order as the reference, which shows where after is inconsistent.
func mergeSort[T any](ev *run, list []T, after func(a, b T) (bool, error)) error {
	if len(list) < 2 {
		return nil
	}
	return mergeInto(ev, list, make([]T, len(list)), after)
}

func mergeInto[T any](ev *run, list, room []T, after func(a, b T) (bool, error)) error {
	if len(list) < 2 {
		return nil
	}
	if err := ev.tick(len(list)); err != nil {
		return err
	}
	mid := len(list) / 2
	if err := mergeInto(ev, list[:mid], room[:mid], after); err != nil {
		return err
	}
	if err := mergeInto(ev, list[mid:], room[mid:], after); err != nil {
		return err
	}
	copy(room, list)
	left, right := room[:mid], room[mid:]
	for i := range list {
		takeRight := len(left) == 0
		if !takeRight && len(right) > 0 {
			var err error
			if takeRight, err = after(left[0], right[0]); err != nil {
				return err
			}
		}
		if takeRight {
			list[i], right = right[0], right[1:]
		} else {
			list[i], left = left[0], left[1:]
		}
	}
	return nil
}
