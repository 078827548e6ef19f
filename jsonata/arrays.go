package jsonata

import (
	"github.com/stepsleuth/stepsleuth/internal/value"
)

func count(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	return value.Float(float64(arg(args, 0).Len())), nil
}

func appendItems(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	a, b := arg(args, 0), arg(args, 1)
	if a.IsAbsent() {
		return b, nil
	}
	if b.IsAbsent() {
		return a, nil
	}
	left, right := itemsOf(&a), itemsOf(&b)
	if err := ev.allocItems(len(left) + len(right)); err != nil {
		return a, err
	}
	items := make([]value.Value, 0, len(left)+len(right))
	items = append(append(items, left...), right...)
	for i := range items {
		items[i] = ev.stored(items[i])
	}
	return value.Array(items...), nil
}

func reverse(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	list := arg(args, 0)
	if list.Len() < 2 {
		return list.Marked(0), nil
	}
	items, err := ev.copyItems(list)
	if err != nil {
		return list, err
	}
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
		items[i], items[j] = items[j], items[i]
	}
	return value.Array(items...), nil
}

func (ev *run) copyItems(list value.Value) ([]value.Value, error) {
	if err := ev.allocItems(list.Len()); err != nil {
		return nil, err
	}
	return append([]value.Value(nil), list.Items()...), nil
}

func shuffle(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	list := arg(args, 0)
	if list.Len() < 2 {
		return list.Marked(0), nil
	}
	items, err := ev.copyItems(list)
	if err != nil {
		return list, err
	}
	for i := len(items) - 1; i > 0; i-- {
		j := int(ev.randomFloat() * float64(i+1))
		items[i], items[j] = items[j], items[i]
	}
	return value.Array(items...), nil
}

func zip(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	n := -1
	for _, a := range args {
		if n < 0 || a.Len() < n {
			n = a.Len()
		}
	}
	if err := ev.allocItems(max(n, 0) * (len(args) + 2)); err != nil {
		return value.Value{}, err
	}
	rows := make([]value.Value, 0, max(n, 0))
	for i := range max(n, 0) {
		row := make([]value.Value, len(args))
		for k := range args {
			row[k] = args[k].Items()[i]
		}
		rows = append(rows, value.Array(row...))
	}
	return value.Array(rows...), nil
}

func sortItems(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	list := arg(args, 0)
	if list.Len() < 2 {
		return list, nil
	}
	items, err := ev.copyItems(list)
	if err != nil {
		return list, err
	}
	var after func(a, b value.Value) (bool, error)
	if f := asFunction(arg(args, 1)); f != nil {
		c := caller{f: f}
		after = func(a, b value.Value) (bool, error) {
			v, err := c.with(ev, &[4]value.Value{a, b}, 2)
			return truthy(normalize(v)), err
		}
	} else if after, err = naturalOrder(items); err != nil {
		return list, err
	}
	if err := mergeSort(ev, items, after); err != nil {
		return list, err
	}
	return value.Array(items...), nil
}

// truthy is what ECMAScript takes for true, which a comparator may return.
func truthy(v value.Value) bool {
	switch v.Kind() {
	case value.KindArray, value.KindObject:
		return true
	case value.KindOpaque:
		if asFunction(v) != nil {
			return true
		}
	}
	return truth(v)
}

func naturalOrder(items []value.Value) (func(a, b value.Value) (bool, error), error) {
	kind := symbol(items[0])
	for _, item := range items {
		if k := symbol(item); k != kind || k != 'n' && k != 's' {
			return nil, failArg("D3070", value.Value{}, 1)
		}
	}
	if kind == 'n' {
		return func(a, b value.Value) (bool, error) {
			x, _ := asNumber(a)
			y, _ := asNumber(b)
			return x > y, nil
		}, nil
	}
	return func(a, b value.Value) (bool, error) {
		s, _ := a.AsString()
		t, _ := b.AsString()
		return compareText(s, t) > 0, nil
	}, nil
}

func distinct(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	list := arg(args, 0)
	if list.Kind() != value.KindArray || list.Len() < 2 {
		return list, nil
	}
	if err := ev.allocItems(list.Len()); err != nil {
		return list, err
	}
	var items, nodes []value.Value
	seen := map[any]bool{}
	for _, item := range list.Items() {
		known := false
		if key, scalar := scalarKey(item); scalar {
			if known = seen[key]; !known {
				if err := ev.alloc(memberBytes); err != nil {
					return list, err
				}
				seen[key] = true
			}
		} else {
			for _, other := range nodes {
				same, err := ev.equal(item, other, 0)
				if err != nil {
					return list, err
				}
				if known = same; known {
					break
				}
			}
			if !known {
				nodes = append(nodes, item)
			}
			if err := ev.tick(len(nodes)); err != nil {
				return list, err
			}
		}
		if !known {
			items = append(items, item)
		}
	}
	return value.Array(items...).Marked(list.Marks() & markSequence), nil
}

// scalarKey is equal for equal scalars.
func scalarKey(v value.Value) (any, bool) {
	switch v.Kind() {
	case value.KindString:
		s, _ := v.AsString()
		return s, true
	case value.KindNumber:
		f, _ := v.AsFloat()
		return f, true
	case value.KindBool:
		b, _ := v.AsBool()
		return b, true
	case value.KindNull:
		return nil, true
	case value.KindOpaque:
		return v.Opaque(), true
	}
	return nil, false
}

func mapItems(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	list, f := arg(args, 0), caller{f: asFunction(arg(args, 1))}
	if list.IsAbsent() {
		return list, nil
	}
	out := make([]value.Value, 0, list.Len())
	if err := ev.allocItems(list.Len()); err != nil {
		return list, err
	}
	for i, item := range list.Items() {
		v, err := f.onItem(ev, item, i, list)
		if err != nil {
			return v, err
		}
		if !v.IsAbsent() {
			out = append(out, ev.pushed(v))
		}
	}
	return sequence(out), nil
}

// onItem calls the function for an item of a list, with its index and the list.
func (c *caller) onItem(ev *run, item value.Value, i int, list value.Value) (value.Value, error) {
	return c.with(ev, &[4]value.Value{item, value.Float(float64(i)), list}, 3)
}

func filterItems(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	list, f := arg(args, 0), caller{f: asFunction(arg(args, 1))}
	if list.IsAbsent() {
		return list, nil
	}
	var out []value.Value
	for i, item := range list.Items() {
		v, err := f.onItem(ev, item, i, list)
		if err != nil {
			return v, err
		}
		if truth(v) {
			out = append(out, item)
		}
	}
	return sequence(out), ev.allocItems(len(out))
}

func single(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	list, f := arg(args, 0), caller{f: asFunction(arg(args, 1))}
	if list.IsAbsent() {
		return list, nil
	}
	var found value.Value
	any := false
	for i, item := range list.Items() {
		if f.f != nil {
			v, err := f.onItem(ev, item, i, list)
			if err != nil {
				return v, err
			}
			if !truth(v) {
				continue
			}
		}
		if any {
			return found, failArg("D3138", value.Value{}, 1)
		}
		found, any = item, true
	}
	if !any {
		return found, failArg("D3139", value.Value{}, 1)
	}
	return found, nil
}

func reduce(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	list, f, acc := arg(args, 0), asFunction(arg(args, 1)), arg(args, 2)
	if list.IsAbsent() {
		return list, nil
	}
	if f.arity < 2 {
		return list, failArg("D3050", value.Value{}, 1)
	}
	items := list.Items()
	c := caller{f: f}
	start := 0
	if acc.IsAbsent() && len(items) > 0 {
		acc, start = items[0], 1
	}
	for i := start; i < len(items); i++ {
		var err error
		if acc, err = c.with(ev, &[4]value.Value{acc, items[i], value.Float(float64(i)), list}, 4); err != nil {
			return acc, err
		}
	}
	return acc, nil
}
