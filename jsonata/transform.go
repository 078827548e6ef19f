package jsonata

import "github.com/stepsleuth/stepsleuth/internal/value"

// transform is |pattern|update, remove|: a function that copies its argument
// and changes the objects in it that the pattern finds.
type transform struct {
	pattern, update, remove node
	updateAt, removeAt      place
}

var transformSignature = mustSignature("<(oa):o>")

func (n *transform) eval(_ *run, _ value.Value, fr *frame) (value.Value, error) {
	return value.Opaque(&function{arity: 1, sig: transformSignature, native: func(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
		if args[0].IsAbsent() {
			return args[0], nil
		}
		return n.change(ev, args[0], fr)
	}}), nil
}

// edits are the objects changed so far, by the node of the copy they stand for.
type edits map[any]value.Value

func (n *transform) change(ev *run, doc value.Value, fr *frame) (value.Value, error) {
	// The copy's nodes are all different, so that each stands for one place.
	doc, err := ev.copyTree(doc, 0)
	if err != nil {
		return doc, err
	}
	matches, err := n.pattern.eval(ev, doc, fr)
	if err != nil || matches.IsAbsent() {
		return doc, err
	}
	done := edits{}
	for _, m := range itemsOf(&matches) {
		if err := n.changeOne(ev, m, done, fr); err != nil {
			return doc, err
		}
	}
	if len(done) == 0 {
		return doc, nil
	}
	return ev.applyEdits(doc, done)
}

func (n *transform) changeOne(ev *run, match value.Value, done edits, fr *frame) error {
	current, err := ev.applyEdits(match, done)
	if err != nil {
		return err
	}
	update, err := n.update.eval(ev, current, fr)
	if err != nil {
		return err
	}
	var removed value.Value
	if !update.IsAbsent() && update.Kind() != value.KindObject {
		return n.updateAt.fail("T2011", "", update)
	}
	if match.Kind() != value.KindObject {
		return nil // there is nothing to change in it
	}
	// The edit is kept without the edits below it, which applyEdits adds.
	next, ok := done[match.Node()]
	if !ok {
		next = match
	}
	for _, m := range update.Members() {
		// A copy again: the object must not come to contain itself.
		v, err := ev.copyTree(m.Value, 0)
		if err != nil {
			return err
		}
		next = next.With(m.Key, v)
	}
	done[match.Node()] = next
	if n.remove == nil {
		return nil
	}
	if current, err = ev.applyEdits(match, done); err != nil {
		return err
	}
	if removed, err = n.remove.eval(ev, current, fr); err != nil {
		return err
	}
	if removed.IsAbsent() {
		return nil
	}
	for _, key := range itemsOf(&removed) {
		name, ok := key.AsString()
		if !ok {
			return n.removeAt.fail("T2012", "", removed)
		}
		next = next.Without(name)
	}
	done[match.Node()] = next
	return nil
}

// applyEdits returns v with the edits to it and below it.
func (ev *run) applyEdits(v value.Value, done edits) (value.Value, error) {
	if len(done) == 0 {
		return v, nil
	}
	if err := ev.tick(1); err != nil {
		return v, err
	}
	switch v.Kind() {
	case value.KindArray:
		return ev.editArray(v, done)
	case value.KindObject:
		if next, ok := done[v.Node()]; ok {
			v = next
		}
		return ev.editObject(v, done)
	}
	return v, nil
}

func (ev *run) editArray(v value.Value, done edits) (value.Value, error) {
	var items []value.Value
	for i, item := range v.Items() {
		next, err := ev.applyEdits(item, done)
		if err != nil {
			return v, err
		}
		if items == nil && next != item {
			items = append([]value.Value(nil), v.Items()...)
			if err := ev.allocItems(len(items)); err != nil {
				return v, err
			}
		}
		if items != nil {
			items[i] = next
		}
	}
	if items == nil {
		return v, nil
	}
	return value.Array(items...), nil
}

func (ev *run) editObject(v value.Value, done edits) (value.Value, error) {
	out := v
	for _, m := range v.Members() {
		next, err := ev.applyEdits(m.Value, done)
		if err != nil {
			return v, err
		}
		if next != m.Value {
			if err := ev.alloc(memberBytes * v.Len()); err != nil {
				return v, err
			}
			out = out.With(m.Key, next)
		}
	}
	return out, nil
}

// copyTree returns v with arrays and objects of its own. Functions become the
// empty string, as they do in JSON.
func (ev *run) copyTree(v value.Value, depth int) (value.Value, error) {
	if depth > maxResultDepth {
		return v, overBudget("The value is nested too deeply")
	}
	switch v.Kind() {
	case value.KindArray:
		if err := ev.allocItems(v.Len()); err != nil {
			return v, err
		}
		items := make([]value.Value, v.Len())
		for i, item := range v.Items() {
			c, err := ev.copyTree(item, depth+1)
			if err != nil {
				return v, err
			}
			items[i] = c
		}
		return value.Array(items...), nil
	case value.KindObject:
		if err := ev.alloc(memberBytes * v.Len()); err != nil {
			return v, err
		}
		members := append([]value.Member(nil), v.Members()...)
		for i := range members {
			c, err := ev.copyTree(members[i].Value, depth+1)
			if err != nil {
				return v, err
			}
			members[i].Value = c
		}
		return value.Distinct(members), nil
	case value.KindOpaque:
		if asFunction(v) != nil {
			return value.String(""), nil
		}
		return value.Null(), nil
	}
	return v, nil
}
