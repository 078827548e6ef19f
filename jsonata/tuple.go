package jsonata

import (
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// tuple is one context of a path that binds variables (@, #) or whose parents
// are asked for (%): an item with what was bound on the way to it.
type tuple struct {
	item value.Value
	vars *bound
}

// bound is a list of bindings, the latest first. Tuples share their tails.
type bound struct {
	label string
	v     value.Value
	next  *bound
}

const boundBytes = 64

func (b *bound) find(label string) *bound {
	for ; b != nil; b = b.next {
		if b.label == label {
			return b
		}
	}
	return nil
}

// tupleStream is what a path gives to a path around it that needs its tuples.
type tupleStream struct{ tuples []tuple }

func (ts *tupleStream) values() value.Value {
	items := make([]value.Value, len(ts.tuples))
	for i := range ts.tuples {
		items[i] = ts.tuples[i].item
	}
	return sequence(items)
}

// within is the frame in which a step sees the tuple's variables.
func (t *tuple) within(fr *frame) *frame { return &frame{parent: fr, tuple: t.vars} }

func (n *path) evalTuples(ev *run, in value.Value, fr *frame) (value.Value, error) {
	from := n.tupleFrom
	items, lone, err := n.walk(ev, in, fr, from)
	if err != nil {
		return value.Value{}, err
	}
	if from == 0 && n.steps[0].cons {
		// An array constructor at the start is evaluated by itself; a focus on it
		// leaves the context where it is.
		v, err := n.steps[0].expr.eval(ev, in, &frame{parent: fr})
		if err != nil {
			return v, err
		}
		if n.steps[0].focus == "" {
			items = itemsOf(&v)
		}
		from = 1
	}
	if n.tupleFrom > 0 && len(items) == 0 {
		if n.group != nil {
			fr = &frame{parent: fr} // where the group expects the tuple's
		}
		return n.finish(ev, nil, lone, fr)
	}
	ts := &tupleStream{tuples: make([]tuple, 0, len(items))}
	for _, item := range items {
		ts.tuples = append(ts.tuples, tuple{item: item})
	}
	for i := from; i < len(n.steps); i++ {
		if ts, err = n.tupleStep(ev, &n.steps[i], ts, fr, i == n.tupleFrom); err != nil {
			return value.Value{}, err
		}
	}
	if n.group != nil {
		return n.group.evalTuples(ev, ts.tuples, fr)
	}
	if n.wantTuples {
		return value.Opaque(ts), nil
	}
	v := ts.values()
	if n.keep {
		v = v.Marked(v.Marks() | markKeep)
	}
	return normalize(v), nil
}

func (n *path) tupleStep(ev *run, st *step, in *tupleStream, fr *frame, first bool) (*tupleStream, error) {
	out := &tupleStream{}
	if st.sort != nil {
		if err := st.sortTuples(ev, in, out, fr, first); err != nil {
			return nil, err
		}
		return out, st.stages(ev, out, fr)
	}
	for i := range in.tuples {
		t := &in.tuples[i]
		if err := ev.tick(1); err != nil {
			return nil, err
		}
		r, err := st.expr.eval(ev, t.item, t.within(fr))
		if err != nil {
			return nil, err
		}
		if err := st.extend(ev, t, r, out); err != nil {
			return nil, err
		}
	}
	return out, st.stages(ev, out, fr)
}

// extend adds to out a tuple for every item of r, the step's result for t.
func (st *step) extend(ev *run, t *tuple, r value.Value, out *tupleStream) error {
	if r.IsAbsent() {
		return nil
	}
	if ts, ok := r.Opaque().(*tupleStream); ok {
		for i := range ts.tuples {
			inner := &ts.tuples[i]
			nt := tuple{item: inner.item, vars: t.vars}
			nt.vars = stack(inner.vars, nt.vars)
			out.tuples = append(out.tuples, nt)
		}
		return ev.alloc(len(ts.tuples) * boundBytes)
	}
	items := itemsOf(&r)
	if err := ev.alloc(len(items) * boundBytes * 2); err != nil {
		return err
	}
	for i := range items {
		nt := tuple{item: items[i], vars: t.vars}
		if st.focus != "" {
			nt.item = t.item
			nt.vars = &bound{label: st.focus, v: items[i], next: nt.vars}
		}
		if st.index != "" {
			nt.vars = &bound{label: st.index, v: value.Float(float64(i)), next: nt.vars}
		}
		if st.ancestor != "" {
			nt.vars = &bound{label: st.ancestor, v: t.item, next: nt.vars}
		}
		out.tuples = append(out.tuples, nt)
	}
	return nil
}

// stack puts the bindings of top over those of base.
func stack(top, base *bound) *bound {
	if top == nil {
		return base
	}
	return &bound{label: top.label, v: top.v, next: stack(top.next, base)}
}

// stages applies filters and index bindings to the whole stream.
func (st *step) stages(ev *run, ts *tupleStream, fr *frame) error {
	return ev.filterStream(st.filters, ts, fr)
}

func (ev *run) filterStream(filters []filter, ts *tupleStream, fr *frame) error {
	for i := range filters {
		f := &filters[i]
		if f.bindIndex != "" {
			for k := range ts.tuples {
				t := &ts.tuples[k]
				t.vars = &bound{label: f.bindIndex, v: value.Float(float64(k)), next: t.vars}
			}
			continue
		}
		if err := f.tuples(ev, ts, fr); err != nil {
			return err
		}
	}
	return nil
}

func (f *filter) tuples(ev *run, ts *tupleStream, fr *frame) error {
	var kept []tuple
	for i := range ts.tuples {
		t := &ts.tuples[i]
		if err := ev.tick(1); err != nil {
			return err
		}
		test, err := f.test.eval(ev, t.item, t.within(fr))
		if err != nil {
			return err
		}
		for range selects(test, i, len(ts.tuples)) {
			kept = append(kept, *t)
		}
	}
	ts.tuples = kept
	return nil
}

func (st *step) sortTuples(ev *run, in, out *tupleStream, fr *frame, first bool) error {
	if !first {
		sorted, err := st.sort.sort(ev, len(in.tuples), func(i int) (value.Value, *frame) {
			return in.tuples[i].item, in.tuples[i].within(fr)
		})
		for _, i := range sorted {
			out.tuples = append(out.tuples, in.tuples[i])
		}
		return err
	}
	sorted, err := st.sort.sort(ev, len(in.tuples), func(i int) (value.Value, *frame) { return in.tuples[i].item, fr })
	for k, i := range sorted {
		t := in.tuples[i]
		if st.index != "" {
			t.vars = &bound{label: st.index, v: value.Float(float64(k)), next: t.vars}
		}
		out.tuples = append(out.tuples, t)
	}
	return err
}

// merged is one tuple for many: items and variables are appended to each other.
func merged(tuples []tuple) tuple {
	if len(tuples) == 1 {
		return tuples[0]
	}
	var out tuple
	item := appender{}
	vars := map[string]*appender{}
	var order []string
	for i := range tuples {
		item.add(tuples[i].item)
		seen := ""
		for b := tuples[i].vars; b != nil; b = b.next {
			if strings.Contains(seen, "\x00"+b.label+"\x00") {
				continue // shadowed
			}
			seen += "\x00" + b.label + "\x00"
			if vars[b.label] == nil {
				vars[b.label] = &appender{}
				order = append(order, b.label)
			}
			vars[b.label].add(b.v)
		}
	}
	out.item = item.value()
	for _, label := range order {
		out.vars = &bound{label: label, v: vars[label].value(), next: out.vars}
	}
	return out
}

// appender is $append applied again and again.
type appender struct {
	n     int
	first value.Value
	items []value.Value
}

func (a *appender) add(v value.Value) {
	if v.IsAbsent() {
		return
	}
	switch a.n {
	case 0:
		a.first = v
	case 1:
		a.items = append(append([]value.Value(nil), itemsOf(&a.first)...), itemsOf(&v)...)
	default:
		a.items = append(a.items, itemsOf(&v)...)
	}
	a.n++
}

func (a *appender) value() value.Value {
	if a.n <= 1 {
		return a.first
	}
	return value.Array(a.items...)
}
