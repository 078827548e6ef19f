package engine

import (
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// mapPlan is what a Map state needs to run.
type mapPlan struct {
	body        *graph
	distributed bool
	express     bool // child executions of a distributed Map
	itemsPath   *path
	items       *template // JSONata
	selector    *template
	concurrency *amount
	reader      *reader
	batcher     *batcher
	writer      *writer
	label       string

	toleratedCount, toleratedPercentage *amount
}

func (c *compiler) mapFields(n *node) *mapPlan {
	m := n.state.Map
	p := &mapPlan{
		distributed:         m.Distributed,
		itemsPath:           c.anyPath("ItemsPath", m.ItemsPath),
		items:               c.template("Items", m.Items),
		selector:            c.template("ItemSelector", m.Selector),
		concurrency:         c.amount("MaxConcurrency", m.MaxConcurrency),
		toleratedCount:      c.amount("ToleratedFailureCount", m.ToleratedFailureCount),
		toleratedPercentage: c.amount("ToleratedFailurePercentage", m.ToleratedFailurePercentage),
		reader:              c.reader(m.Reader),
		batcher:             c.batcher(m.Batcher),
		writer:              c.writer(m.Writer),
		label:               m.Label,
	}
	if cfg := m.Processor.Processor; cfg != nil {
		p.express = cfg.ExecutionType == string(asl.Express)
	}
	p.body = c.graph(m.Processor, n)
	return p
}

// mapItem is what one iteration of a Map works on.
type mapItem struct {
	index  int
	value  value.Value
	key    *string // of an object's member
	source string  // where a distributed Map has it from, "" elsewhere
	batch  bool    // what ItemBatcher put together of items that ItemSelector has seen
	ctx    value.Value
}

// fromState is the source of items that are not read.
const fromState = "STATE_DATA"

// context returns the Map part of the Context object.
func (m *mapItem) context() value.Value {
	if m.ctx.IsAbsent() {
		var b value.Builder
		b.Set("Index", value.Int(int64(m.index)))
		if m.key != nil {
			b.Set("Key", value.String(*m.key))
		}
		b.Set("Value", m.value)
		if m.source != "" {
			b.Set("Source", value.String(m.source))
		}
		m.ctx = value.Object(value.Member{Key: "Item", Value: b.Object()})
	}
	return m.ctx
}

// input is what an iteration gets without an ItemSelector: the item, or the member
// of an object with its key.
func (m *mapItem) input() value.Value {
	if m.key == nil {
		return m.value
	}
	return value.Object(
		value.Member{Key: "Key", Value: value.String(*m.key)},
		value.Member{Key: "Value", Value: m.value},
	)
}

// AWS's limits on how many iterations run at once.
const (
	inlineConcurrency      = 40
	distributedConcurrency = 10_000
)

// runMap runs a Map state (ASL "Map State").
func runMap(t *thread) {
	p := t.node.mapPlan
	input, f := t.mapInput()
	if f != nil {
		t.mapFail(f)
		return
	}
	concurrency, f := t.env(input).count(p.concurrency)
	if f != nil {
		t.mapFail(f)
		return
	}
	items, f := t.mapItems(input)
	if f != nil {
		t.mapFail(f)
		return
	}
	if t.x.req.inspect != nil {
		if f := t.inspectMap(input, items, concurrency); f != nil {
			t.mapFail(f)
			return
		}
		t.inspectMock()
		return
	}
	length := int64(len(items))
	t.event("MapStateStarted", func(d *historyDetails) { d.Length = &length })
	if p.distributed {
		t.runDistributed(input, items, concurrency)
		return
	}
	if _, f := t.tolerance(input); f != nil {
		t.mapFail(f)
		return
	}
	m := &inlineMap{t: t, input: input, items: items, results: make([]value.Value, len(items))}
	t.frame = m
	m.start(atMost(concurrency, inlineConcurrency))
}

func atMost(asked, most int64) int {
	if asked <= 0 || asked > most {
		return int(most)
	}
	return int(asked)
}

// mapFail fails a Map by one of its fields. Where that is a JSONata field, the history
// has a MapStateFailed.
func (t *thread) mapFail(f *failure) {
	t.inner = f.evaluation != nil
	t.x.fail(t, f)
}

// mapInput applies InputPath.
func (t *thread) mapInput() (value.Value, *failure) {
	if t.node.jsonata {
		return t.input, nil
	}
	v, f := t.env(t.input).choose(t.node.inputPath)
	t.probe("afterInputPath", v)
	return v, f
}

// mapItems finds what to iterate over: nothing yet where an ItemReader does.
func (t *thread) mapItems(input value.Value) ([]*mapItem, *failure) {
	p := t.node.mapPlan
	if p.reader != nil {
		return nil, nil
	}
	if t.node.jsonata {
		return t.computedItems()
	}
	v, at := input, "$"
	if p.itemsPath != nil {
		var f *failure
		if v, f = t.env(input).choose(p.itemsPath); f != nil {
			return nil, f
		}
		at = p.itemsPath.String()
	}
	if !t.iterable(v) {
		// A path into the Context object stands there as a path in that object.
		return nil, t.runtimeFailure("Reference path \"%s\" must point to array.", strings.Replace(at, "$$", "$", 1))
	}
	t.probe("afterItemsPath", v)
	return itemsOf(v), nil
}

func (t *thread) computedItems() ([]*mapItem, *failure) {
	p := t.node.mapPlan
	v := t.input
	if p.items != nil {
		var f *failure
		if v, f = t.env(t.input).eval(p.items); f != nil {
			return nil, f
		}
		if x := p.items.expr; x != nil && !t.iterable(v) {
			return nil, t.env(t.input).wrongType(x, "array", v)
		}
	}
	if !t.iterable(v) {
		return nil, t.queryFailure("", "Map state input must be an array but was: %s", v.JSON())
	}
	return itemsOf(v), nil
}

// iterable reports that a Map can iterate over v: an array, or an object's members.
// "In Inline mode, the Map state accepts only a JSON array as input" (Developer Guide).
func (t *thread) iterable(v value.Value) bool {
	if v.Kind() == value.KindObject {
		return t.node.mapPlan.distributed && !t.x.asOfBefore(objectItemsAnnounced)
	}
	return v.Kind() == value.KindArray
}

// itemsOf makes items of an array, or of the members of an object.
func itemsOf(v value.Value) []*mapItem {
	var items []*mapItem
	for i, item := range v.Items() {
		items = append(items, &mapItem{index: i, value: item})
	}
	for i, m := range v.Members() {
		key := m.Key
		items = append(items, &mapItem{index: i, key: &key, value: m.Value})
	}
	return items
}

// count evaluates a number of items or failures; 0 where there is no such field.
func (e *env) count(a *amount) (int64, *failure) {
	switch {
	case a == nil:
		return 0, nil
	case a.number != nil:
		return int64(*a.number), nil
	case a.expr != nil:
		return e.computedInteger(a)
	}
	v, err := e.follow(a.path.Path)
	if err != nil {
		return 0, e.t.runtimeFailure("The %sPath field does not reference an input value: %s", a.field, a.path)
	}
	n, ok := wholeNumber(v)
	if !ok {
		return 0, e.t.runtimeFailure("The %sPath field refers to value \"%s\" which is not a valid integer: %s", a.field, jsonpathText(v), a.path)
	}
	return n, nil
}

// iterationInput makes the input of one iteration: ItemSelector's, or the item.
func (t *thread) iterationInput(input value.Value, item *mapItem) (value.Value, *failure) {
	if t.node.mapPlan.selector == nil || item.batch {
		return item.input(), nil
	}
	outer, ctx := t.item, t.ctx
	t.item, t.ctx = item, value.Value{}
	v, f := t.env(input).eval(t.node.mapPlan.selector)
	t.item, t.ctx = outer, ctx
	return t.bounded(v, f)
}

// inlineMap is a Map at work whose iterations are part of the same history.
type inlineMap struct {
	t       *thread
	input   value.Value
	items   []*mapItem
	results []value.Value
	threads []*thread // by index, as far as they have started
	ended   int
}

func (m *inlineMap) start(slots int) {
	t := m.t
	if len(m.items) == 0 {
		t.frame = nil
		t.run.note("MapStateSucceeded", t.prev, t.x.now, nil)
		t.complete(value.Array())
		return
	}
	began := t.prev
	for i := 0; i < min(slots, len(m.items)) && t.frame == m; i++ {
		m.iterate(began)
	}
}

// iterate starts the next iteration. It follows the event that its slot saw last:
// the start of the Map, or the end of the iteration before, without
// MapIterationSucceeded.
func (m *inlineMap) iterate(prev int64) {
	t, i := m.t, len(m.threads)
	item := m.items[i]
	b := &thread{x: t.x, run: t.run, join: m, index: i, graph: t.node.mapPlan.body, item: item, prev: prev, scope: &scope{outer: t.scope}}
	m.threads = append(m.threads, b)
	b.prev = m.event(b, "MapIterationStarted")
	input, f := t.iterationInput(m.input, item)
	if f != nil {
		m.failedAt(b, f)
		return
	}
	b.goTo(b.graph.start, input)
}

// event writes an event of an iteration.
func (m *inlineMap) event(b *thread, typ historyEventType) int64 {
	index, name := int64(b.index), m.t.node.name
	return m.t.run.note(typ, b.prev, m.t.x.now, func(d *historyDetails) {
		i := index
		d.Name, d.Index = name, &i
	})
}

func (m *inlineMap) done(b *thread, output value.Value) {
	t := m.t
	b.dead = true
	m.results[b.index] = output
	id := m.event(b, "MapIterationSucceeded")
	m.ended++
	switch {
	case m.ended == len(m.items):
		t.frame = nil
		t.prev = id
		t.run.note("MapStateSucceeded", id, t.x.now, nil)
		t.complete(value.Array(m.results...))
	case len(m.threads) < len(m.items):
		m.iterate(b.prev)
	}
}

// failed ends the Map with the first iteration that fails.
func (m *inlineMap) failed(b *thread, f *failure) {
	if !f.fatal {
		b.failedState()
		m.event(b, "MapIterationFailed")
	}
	m.failedAt(b, f)
}

// failedAt ends the other iterations, and then the state with an error of b's. What
// nothing catches ends the execution at once.
func (m *inlineMap) failedAt(b *thread, f *failure) {
	t := m.t
	t.frame = nil
	if f.fatal {
		m.kill()
		t.failedThrough(b, f)
		return
	}
	m.abort()
	t.prev, t.inner = b.prev, true
	t.x.fail(t, f)
}

func (m *inlineMap) abort() {
	for _, b := range m.threads {
		if !b.dead {
			b.abort()
			m.event(b, "MapIterationAborted")
		}
	}
}

func (m *inlineMap) kill() {
	for _, b := range m.threads {
		b.kill()
	}
}
