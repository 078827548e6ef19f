package jsonata

import (
	"math"
	"unsafe"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// path is a.b.c: each step is evaluated with every item of what the step before
// gave as its context, and the results are strung together.
type path struct {
	steps        []step
	group        *group
	keep         bool // a[]: an array even if it has one item
	fromVariable bool // starts from a variable, not from the context's items
	tupleFrom    int  // first step that gives tuples, -1 is none
	wantTuples   bool // the path around this one needs its tuples
}

type step struct {
	expr     node
	isField  bool
	name     string
	sort     *ordering
	filters  []filter
	cons     bool // an array constructor that starts the path: not taken apart
	focus    string
	index    string
	ancestor string // label under which the step's input is bound
}

// field is a name: the member of an object, or of each object of an array.
type field struct{ name string }

func (n *field) eval(ev *run, in value.Value, _ *frame) (value.Value, error) {
	return ev.field(in, n.name)
}

func (ev *run) field(in value.Value, name string) (value.Value, error) {
	switch in.Kind() {
	case value.KindObject:
		v, _ := in.Get(name)
		return v, nil
	case value.KindArray:
		var c collector
		if err := ev.collectField(&c, in, name, 0); err != nil {
			return value.Value{}, err
		}
		return c.result(), nil
	}
	return value.Value{}, nil
}

func (ev *run) collectField(c *collector, in value.Value, name string, depth int) error {
	if depth > maxResultDepth {
		return overBudget("The arrays are nested too deeply")
	}
	before := c.n
	for _, item := range in.Items() {
		switch item.Kind() {
		case value.KindObject:
			if v, ok := item.Get(name); ok {
				if v.Kind() == value.KindArray {
					c.addAll(v.Items())
				} else {
					c.add(v)
				}
			}
		case value.KindArray:
			if err := ev.collectField(c, item, name, depth+1); err != nil {
				return err
			}
		}
	}
	if err := ev.tick(in.Len()); err != nil {
		return err
	}
	return ev.allocItems(c.n - before)
}

// fieldPath is the commonest path: fields of a variable or of the context.
type fieldPath struct {
	base  node // nil is the context
	names []string
	full  *path
}

// simple returns a faster node for p if p is nothing but fields.
func (p *path) simple() node {
	if p.keep || p.group != nil || p.tupleFrom >= 0 || p.wantTuples || p.steps[0].cons {
		return nil
	}
	out := &fieldPath{full: p}
	for i := range p.steps {
		st := &p.steps[i]
		if len(st.filters) > 0 || st.sort != nil {
			return nil
		}
		switch {
		case st.isField:
			out.names = append(out.names, st.name)
		case i == 0 && p.fromVariable:
			out.base = st.expr
		default:
			return nil
		}
	}
	return out
}

func (n *fieldPath) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	v := in
	if n.base != nil {
		var err error
		if v, err = n.base.eval(ev, in, fr); err != nil {
			return v, err
		}
	}
	if err := ev.tick(1); err != nil {
		return v, err
	}
	for i, name := range n.names {
		if v.Kind() != value.KindObject {
			if v.Kind() == value.KindArray {
				return ev.walkFields(v, n.names[i:])
			}
			return value.Value{}, nil
		}
		v, _ = v.Get(name)
	}
	return v, nil
}

// walkFields goes on from an array, of whose items every step takes its field.
func (ev *run) walkFields(v value.Value, names []string) (value.Value, error) {
	for i, name := range names {
		var c collector
		results := 0
		var lone value.Value
		for _, item := range itemsOf(&v) {
			r, err := ev.field(item, name)
			if err != nil {
				return v, err
			}
			if r.IsAbsent() {
				continue
			}
			results++
			lone = r
			c.flatten(r)
		}
		if err := ev.tick(v.Len()); err != nil {
			return v, err
		}
		if err := ev.allocItems(c.n); err != nil {
			return v, err
		}
		if i == len(names)-1 && results == 1 && lone.Kind() == value.KindArray && lone.Marks()&markSequence == 0 {
			return lone, nil
		}
		if c.n == 0 {
			return value.Value{}, nil
		}
		if i == len(names)-1 {
			return c.result(), nil
		}
		v = value.Value{}
		if c.n == 1 {
			v = c.one
			if v.Kind() == value.KindArray {
				v = value.Array(v)
			}
			continue
		}
		v = sequence(c.many)
	}
	return v, nil
}

func (n *path) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	if n.tupleFrom >= 0 {
		return n.evalTuples(ev, in, fr)
	}
	items, lone, err := n.walk(ev, in, fr, len(n.steps))
	if err != nil {
		return value.Value{}, err
	}
	return n.finish(ev, items, lone, fr)
}

// finish makes the path's value of what its last step gave.
func (n *path) finish(ev *run, items []value.Value, lone value.Value, fr *frame) (value.Value, error) {
	v := lone
	if lone.IsAbsent() {
		v = sequence(items)
	} else if n.keep && v.Marks()&markCons != 0 && v.Marks()&markSequence == 0 {
		v = sequence([]value.Value{v})
	}
	if n.keep && v.Marks()&markSequence != 0 {
		v = v.Marked(v.Marks() | markKeep)
	}
	if n.group != nil {
		return n.group.eval(ev, v, fr)
	}
	return normalize(v), nil
}

// walk evaluates the first steps of a path. lone is set where the outcome is one
// array that is to stay as it is.
func (n *path) walk(ev *run, in value.Value, fr *frame, steps int) (items []value.Value, lone value.Value, err error) {
	items = unsafe.Slice(&in, 1)
	if in.Kind() == value.KindArray && !n.fromVariable {
		items = in.Items()
	}
	for i := range steps {
		st := &n.steps[i]
		lone = value.Value{}
		switch {
		case st.cons:
			lone, err = st.expr.eval(ev, in, fr)
			if err == nil {
				lone, err = ev.filterAll(st.filters, lone, fr)
			}
			if err != nil {
				return nil, lone, err
			}
			items = lone.Items()
			if lone.Kind() != value.KindArray && !lone.IsAbsent() && i < len(n.steps)-1 {
				// By a filter or a group it became something else, which in the
				// reference has no items for the next step.
				return nil, value.Value{}, nil
			}
		case st.sort != nil:
			if items, err = st.sort.values(ev, items, fr); err != nil {
				return nil, lone, err
			}
			if len(st.filters) > 0 {
				v, err := ev.filterAll(st.filters, sequence(items), fr)
				if err != nil {
					return nil, lone, err
				}
				items = itemsOf(&v)
			}
		default:
			if items, lone, err = st.each(ev, items, fr, i == len(n.steps)-1); err != nil {
				return nil, lone, err
			}
		}
		if len(items) == 0 {
			break
		}
	}
	return items, lone, nil
}

// each evaluates the step for every item.
func (st *step) each(ev *run, items []value.Value, fr *frame, last bool) ([]value.Value, value.Value, error) {
	var c collector
	var lone value.Value
	results := 0
	for i := range items {
		if err := ev.tick(1); err != nil {
			return nil, lone, err
		}
		r, err := st.one(ev, items[i], fr)
		if err != nil {
			return nil, lone, err
		}
		if r.IsAbsent() {
			continue
		}
		results++
		lone = r
		before := c.n
		if last && results == 1 && r.Kind() == value.KindArray && i == len(items)-1 && r.Marks()&markSequence == 0 {
			return r.Items(), r, nil // the only result: as it is
		}
		c.flatten(r)
		if c.n > 1 {
			if err := ev.alloc((c.n - before) * valueBytes); err != nil {
				return nil, lone, err
			}
		}
	}
	if last && results == 1 && lone.Kind() == value.KindArray && lone.Marks()&markSequence == 0 {
		return lone.Items(), lone, nil
	}
	return c.items(), value.Value{}, nil
}

// one evaluates the step with one item as context, and its filters.
func (st *step) one(ev *run, in value.Value, fr *frame) (r value.Value, err error) {
	if st.isField {
		r, err = ev.field(in, st.name)
	} else {
		r, err = st.expr.eval(ev, in, fr)
	}
	if err != nil || len(st.filters) == 0 {
		return r, err
	}
	return ev.filterAll(st.filters, r, fr)
}

// filter is one predicate in brackets, or the binding of an index.
type filter struct {
	test      node
	isIndex   bool // a number as written
	index     float64
	bindIndex string
}

// filterAll applies filters in turn. The result is a sequence, not normalized.
func (ev *run) filterAll(filters []filter, v value.Value, fr *frame) (value.Value, error) {
	for i := range filters {
		f := &filters[i]
		var err error
		switch {
		case f.test == nil: // an index outside of tuples binds nothing
		case f.isIndex:
			v = pick(v, f.index)
		default:
			v, err = f.apply(ev, v, fr)
		}
		if err != nil {
			return v, err
		}
	}
	return v, nil
}

// pick returns the item at an index, from the end where it is negative.
func pick(v value.Value, index float64) value.Value {
	if v.IsAbsent() {
		return v
	}
	items := itemsOf(&v)
	i := math.Floor(index)
	if i < 0 {
		i += float64(len(items))
	}
	if i < 0 || i >= float64(len(items)) {
		return sequence(nil)
	}
	item := items[int(i)]
	if item.Kind() == value.KindArray {
		return item
	}
	return sequence([]value.Value{item})
}

func (f *filter) apply(ev *run, v value.Value, fr *frame) (value.Value, error) {
	// Undefined counts as one item, as in the reference: the predicate may fail,
	// and where it selects, undefined becomes part of the sequence.
	items := itemsOf(&v)
	var c collector
	for i := range items {
		if err := ev.tick(1); err != nil {
			return v, err
		}
		test, err := f.test.eval(ev, items[i], fr)
		if err != nil {
			return v, err
		}
		for range selects(test, i, len(items)) {
			c.add(items[i])
		}
	}
	if err := ev.allocItems(c.n); err != nil {
		return v, err
	}
	return sequence(c.items()), nil
}

// selects tells how often the item at index i of n is taken: a number, or an
// array of numbers, names positions; anything else is a condition.
func selects(test value.Value, i, n int) int {
	if f, ok := asNumber(test); ok {
		return position(f, i, n)
	}
	if test.Kind() != value.KindArray || test.Len() == 0 {
		return truthCount(test)
	}
	times := 0
	for _, item := range test.Items() {
		f, ok := asNumber(item)
		if !ok {
			return truthCount(test)
		}
		times += position(f, i, n)
	}
	return times
}

func truthCount(v value.Value) int {
	if truth(v) {
		return 1
	}
	return 0
}

func position(f float64, i, n int) int {
	at := math.Floor(f)
	if at < 0 {
		at += float64(n)
	}
	if at == float64(i) {
		return 1
	}
	return 0
}

// filtered is an expression that is no path, with predicates.
type filtered struct {
	base       node
	filters    []filter
	keep       bool
	tuples     bool // base gives tuples, which the filters see
	wantTuples bool // the path around needs them
}

func (n *filtered) eval(ev *run, in value.Value, fr *frame) (value.Value, error) {
	v, err := n.base.eval(ev, in, fr)
	if err != nil {
		return v, err
	}
	if ts, ok := v.Opaque().(*tupleStream); ok {
		ts = &tupleStream{tuples: ts.tuples}
		if err := ev.filterStream(n.filters, ts, fr); err != nil || n.wantTuples {
			return value.Opaque(ts), err
		}
		v = ts.values()
	} else {
		if n.tuples {
			fr = &frame{parent: fr}
		}
		if v, err = ev.filterAll(n.filters, v, fr); err != nil {
			return v, err
		}
	}
	if n.keep && v.Marks()&markSequence != 0 {
		v = v.Marked(v.Marks() | markKeep)
	}
	return normalize(v), nil
}

// wildcard is *: the values of all members.
type wildcard struct{ keep bool }

func (n *wildcard) eval(ev *run, in value.Value, _ *frame) (value.Value, error) {
	in = unwrapOuter(in)
	var c collector
	plain := false // the reference loses the mark when it appends an array
	each := func(v value.Value) error {
		if v.Kind() != value.KindArray {
			c.add(v)
			return nil
		}
		plain = true
		return ev.flattenDeep(&c, v, 0)
	}
	for _, item := range in.Items() {
		if err := each(item); err != nil {
			return in, err
		}
	}
	for _, m := range in.Members() {
		if err := each(m.Value); err != nil {
			return in, err
		}
	}
	if err := ev.allocItems(c.n); err != nil {
		return in, err
	}
	if plain {
		return value.Array(c.items()...), nil
	}
	return c.kept(n.keep), nil
}

func (ev *run) flattenDeep(c *collector, v value.Value, depth int) error {
	if depth > maxResultDepth {
		return overBudget("The arrays are nested too deeply")
	}
	if err := ev.tick(v.Len()); err != nil {
		return err
	}
	for _, item := range v.Items() {
		if item.Kind() != value.KindArray {
			c.add(item)
		} else if err := ev.flattenDeep(c, item, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// descendants is **: the value itself and all below it, without arrays.
type descendants struct{ keep bool }

func (n *descendants) eval(ev *run, in value.Value, _ *frame) (value.Value, error) {
	if in.IsAbsent() {
		return in, nil
	}
	var c collector
	if err := ev.descend(&c, unwrapOuter(in), 0); err != nil {
		return in, err
	}
	return c.kept(n.keep), nil
}

func (ev *run) descend(c *collector, v value.Value, depth int) error {
	if depth > maxResultDepth {
		return overBudget("The value is nested too deeply")
	}
	if err := ev.tick(1); err != nil {
		return err
	}
	if v.Kind() != value.KindArray {
		c.add(v)
		if err := ev.alloc(valueBytes); err != nil {
			return err
		}
	}
	for _, item := range v.Items() {
		if err := ev.descend(c, item, depth+1); err != nil {
			return err
		}
	}
	for _, m := range v.Members() {
		if err := ev.descend(c, m.Value, depth+1); err != nil {
			return err
		}
	}
	return nil
}
