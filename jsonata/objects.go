package jsonata

import "github.com/stepsleuth/stepsleuth/internal/value"

func keys(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	var names []value.Value
	seen := map[string]bool{}
	var collect func(v value.Value, depth int) error
	collect = func(v value.Value, depth int) error {
		if depth > maxResultDepth {
			return overBudget("The arrays are nested too deeply")
		}
		for _, m := range v.Members() {
			if !seen[m.Key] {
				seen[m.Key] = true
				names = append(names, value.String(m.Key))
			}
		}
		for _, item := range v.Items() {
			if err := collect(item, depth+1); err != nil {
				return err
			}
		}
		return ev.tick(v.Len())
	}
	if err := collect(unwrapOuter(arg(args, 0)), 0); err != nil {
		return value.Value{}, err
	}
	return sequence(names), ev.allocItems(len(names))
}

func lookup(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	name, _ := textArg(args, 1)
	in := arg(args, 0)
	if in.Kind() == value.KindArray {
		var c collector
		err := ev.collectField(&c, in, name, 0)
		return sequence(c.items()), err
	}
	return ev.field(in, name)
}

func spread(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	in := unwrapOuter(arg(args, 0))
	if in.Kind() != value.KindArray && in.Kind() != value.KindObject {
		if asFunction(in) != nil {
			return value.String(""), nil
		}
		return in, nil
	}
	var out []value.Value
	var collect func(v value.Value, depth int) error
	collect = func(v value.Value, depth int) error {
		if depth > maxResultDepth {
			return overBudget("The arrays are nested too deeply")
		}
		switch v.Kind() {
		case value.KindArray:
			for _, item := range v.Items() {
				if err := collect(item, depth+1); err != nil {
					return err
				}
			}
		case value.KindObject:
			for _, m := range v.Members() {
				out = append(out, value.Object(m))
			}
			return ev.alloc(v.Len() * (valueBytes + memberBytes))
		default:
			out = append(out, v)
		}
		return ev.tick(v.Len())
	}
	if err := collect(in, 0); err != nil {
		return in, err
	}
	if in.Kind() == value.KindArray && in.Len() > 0 {
		return value.Array(out...), nil
	}
	return sequence(out), nil
}

func merge(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	list := arg(args, 0)
	if list.IsAbsent() {
		return list, nil
	}
	size := 0
	for _, item := range list.Items() {
		size += item.Len()
	}
	if err := ev.alloc(size * memberBytes); err != nil {
		return list, err
	}
	if err := ev.tick(size); err != nil {
		return list, err
	}
	var b value.Builder
	b.Grow(min(size, growth))
	for _, item := range list.Items() {
		for _, m := range item.Members() {
			b.Set(m.Key, m.Value)
		}
	}
	return b.Object(), nil
}

// growth is for how many members room is made before it is known that keys differ.
const growth = 64

func clone(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	return arg(args, 0).Marked(0), nil // values do not change: they are their own copies
}

func each(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	object, f := arg(args, 0), caller{f: asFunction(arg(args, 1))}
	var out []value.Value
	for _, m := range object.Members() {
		v, err := f.onMember(ev, m, object)
		if err != nil {
			return v, err
		}
		if !v.IsAbsent() {
			out = append(out, ev.pushed(v))
		}
	}
	return sequence(out), ev.allocItems(len(out))
}

func (c *caller) onMember(ev *run, m value.Member, object value.Value) (value.Value, error) {
	return c.with(ev, &[4]value.Value{m.Value, value.String(m.Key), object}, 3)
}

func sift(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	object, f := arg(args, 0), caller{f: asFunction(arg(args, 1))}
	if f.f == nil {
		return value.Value{}, nil
	}
	var b value.Builder
	for _, m := range object.Members() {
		v, err := f.onMember(ev, m, object)
		if err != nil {
			return v, err
		}
		if truth(v) {
			b.Set(m.Key, m.Value)
		}
	}
	if b.Len() == 0 {
		return value.Value{}, nil
	}
	return b.Object(), ev.alloc(b.Len() * memberBytes)
}
