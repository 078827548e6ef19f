package jsonata

import "github.com/stepsleuth/stepsleuth/internal/value"

// group is what stands in braces, as an object constructor or behind an
// expression: items with the same key are gathered, and the value is evaluated
// once for each key with its items as the context.
type group struct {
	place
	pairs  []groupPair
	static bool // all keys are different literals
}

type groupPair struct {
	member value.Member // of a literal key, without its value
	key    node
	value  node
}

type objectConstructor struct{ group *group }

func (n *objectConstructor) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	return n.group.eval(ev, in, fr)
}

// grouped is an expression that is no path, with a group behind it.
type grouped struct {
	base  node
	group *group
}

func (n *grouped) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	v, err := n.base.eval(ev, in, fr)
	if err != nil {
		return v, err
	}
	if ts, ok := v.Opaque().(*tupleStream); ok {
		return n.group.evalTuples(ev, ts.tuples, fr)
	}
	return n.group.eval(ev, v, fr)
}

func (g *group) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	if err := ev.tick(1); err != nil {
		return in, err
	}
	if in.Kind() == value.KindArray && in.Len() != 1 {
		if in.Len() == 0 {
			in = value.Value{}
		} else {
			return g.gather(ev, in.Items(), fr)
		}
	} else if in.Kind() == value.KindArray {
		in = in.Items()[0]
	}
	if g.static {
		return g.evalStatic(ev, in, fr)
	}
	return g.gather(ev, (&[1]value.Value{in})[:], fr)
}

// pushed is v as an item of what a higher-order function gathers: a sequence
// that was not normalized stays one.
func (ev *run) pushed(v value.Value) value.Value {
	if v.Marks() != 0 || v.Kind() == value.KindOpaque {
		ev.carried = true
	}
	return v
}

// evalStatic is the common case: literal keys and one context.
func (g *group) evalStatic(ev *run, in value.Value, fr *frame) (value.Value, error) {
	if err := ev.alloc(memberBytes * (len(g.pairs) + 1)); err != nil {
		return in, err
	}
	members := make([]value.Member, 0, len(g.pairs))
	for i := range g.pairs {
		p := &g.pairs[i]
		v, err := p.value.eval(ev, in, fr)
		if err != nil {
			return v, err
		}
		if !v.IsAbsent() {
			m := p.member
			m.Value = ev.stored(v)
			members = append(members, m)
		}
	}
	return value.Distinct(members), nil
}

// stored is v as it stands within another value.
func (ev *run) stored(v value.Value) value.Value {
	switch v.Kind() {
	case value.KindArray:
		m := v.Marks()
		if m&markOuter != 0 {
			return v.Items()[0]
		}
		if m&markCons != 0 {
			ev.carried = true
		}
		return v.Marked(m & markCons)
	case value.KindOpaque:
		ev.carried = true
	}
	return v
}

func (g *group) gather(ev *run, items []value.Value, fr *frame) (value.Value, error) {
	var none value.Value
	groups, err := g.keys(ev, len(items), func(i int) (value.Value, *frame) { return items[i], fr })
	if err != nil {
		return none, err
	}
	var b value.Builder
	for i := range groups {
		gr := &groups[i]
		var context appender
		for _, k := range gr.members {
			context.add(items[k])
		}
		if err := g.member(ev, &b, gr, context.value(), fr); err != nil {
			return none, err
		}
	}
	return b.Object(), nil
}

func (g *group) evalTuples(ev *run, tuples []tuple, fr *frame) (value.Value, error) {
	var none value.Value
	// Unlike with plain items, no tuples give an empty object.
	groups, err := g.keys(ev, len(tuples), func(i int) (value.Value, *frame) { return tuples[i].item, tuples[i].within(fr) })
	if err != nil {
		return none, err
	}
	var b value.Builder
	for i := range groups {
		gr := &groups[i]
		members := make([]tuple, 0, len(gr.members))
		for _, k := range gr.members {
			members = append(members, tuples[k])
		}
		all := merged(members)
		if err := g.member(ev, &b, gr, all.item, all.within(fr)); err != nil {
			return none, err
		}
	}
	return b.Object(), nil
}

type keyGroup struct {
	key     string
	pair    int
	members []int
}

// keys evaluates the keys for n contexts and sorts these by key.
func (g *group) keys(ev *run, n int, context func(int) (value.Value, *frame)) ([]keyGroup, error) {
	var groups []keyGroup
	index := map[string]int{}
	for i := range n {
		if err := ev.tick(len(g.pairs)); err != nil {
			return nil, err
		}
		in, fr := context(i)
		for p := range g.pairs {
			key, err := g.pairs[p].key.eval(ev, in, fr)
			if err != nil {
				return nil, err
			}
			if key.IsAbsent() {
				continue
			}
			name, ok := key.AsString()
			if !ok {
				return nil, g.fail("T1003", "", key)
			}
			at, ok := index[name]
			if !ok {
				at = len(groups)
				index[name] = at
				groups = append(groups, keyGroup{key: name, pair: p})
			} else if groups[at].pair != p {
				return nil, g.fail("D1009", "", key)
			}
			groups[at].members = append(groups[at].members, i)
		}
	}
	return groups, ev.alloc(len(groups)*memberBytes*2 + n*16)
}

func (g *group) member(ev *run, b *value.Builder, gr *keyGroup, in value.Value, fr *frame) error {
	v, err := g.pairs[gr.pair].value.eval(ev, in, fr)
	if err != nil {
		return err
	}
	if !v.IsAbsent() {
		b.Set(gr.key, ev.stored(v))
	}
	return nil
}

// arrayConstructor is [a, b, 1..3].
type arrayConstructor struct {
	items []arrayItem
	cons  bool
}

type arrayItem struct {
	node   node
	nested bool // an array constructor itself: stays one item
}

func (n *arrayConstructor) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	if err := ev.tick(1); err != nil {
		return in, err
	}
	var items []value.Value
	if len(n.items) > 0 {
		items = make([]value.Value, 0, len(n.items))
	}
	for i := range n.items {
		it := &n.items[i]
		v, err := it.node.eval(ev, in, fr)
		if err != nil {
			return v, err
		}
		switch {
		case v.IsAbsent():
		case it.nested || v.Kind() != value.KindArray:
			items = append(items, ev.stored(v))
		case len(n.items) == 1 && v.Marks()&markCons == 0:
			items = v.Items() // shared: arrays do not change
		default:
			if err := ev.allocItems(v.Len()); err != nil {
				return v, err
			}
			items = append(items, v.Items()...)
		}
	}
	if err := ev.alloc(valueBytes * (len(n.items) + 1)); err != nil {
		return in, err
	}
	out := value.Array(items...)
	if n.cons {
		ev.carried = true
		out = out.Marked(markCons)
	}
	return out, nil
}
