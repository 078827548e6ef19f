package engine

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

type (
	// reader is an ItemReader.
	reader struct {
		resource   string
		parameters *template
		config     value.Value
		maxItems   *amount
	}

	// batcher is an ItemBatcher.
	batcher struct {
		input              *template
		maxItems, maxBytes *amount
	}

	// writer is a ResultWriter.
	writer struct {
		resource   string
		parameters *template
		config     value.Value
	}
)

func (c *compiler) reader(r *asl.ItemReader) *reader {
	if r == nil {
		return nil
	}
	return &reader{
		resource:   r.Resource,
		parameters: c.template("ItemReader/"+c.parametersField(), r.Parameters),
		config:     value.Value(r.Config),
		maxItems:   c.amountIn("ItemReader/ReaderConfig/", "MaxItems", r.MaxItems),
	}
}

func (c *compiler) parametersField() string {
	if c.node.jsonata {
		return "Arguments"
	}
	return "Parameters"
}

func (c *compiler) batcher(b *asl.ItemBatcher) *batcher {
	if b == nil {
		return nil
	}
	return &batcher{
		input:    c.template("ItemBatcher/BatchInput", b.BatchInput),
		maxItems: c.amountIn("ItemBatcher/", "MaxItemsPerBatch", b.MaxItems),
		maxBytes: c.amountIn("ItemBatcher/", "MaxInputBytesPerBatch", b.MaxInputBytes),
	}
}

func (c *compiler) writer(w *asl.ResultWriter) *writer {
	if w == nil {
		return nil
	}
	return &writer{resource: w.Resource, parameters: c.template("ResultWriter/"+c.parametersField(), w.Parameters), config: value.Value(w.Config)}
}

// tolerance is how many child executions may fail; a threshold that is zero is not given.
type tolerance struct {
	count      int64
	percentage float64
}

// exceeded reports that failed of total executions are too many: more than either of
// the thresholds that are given; where neither is, one is (Developer Guide, "Setting
// failure thresholds for Distributed Map states in Step Functions").
func (o tolerance) exceeded(failed, total int) bool {
	if o.count == 0 && o.percentage == 0 {
		return failed > 0
	}
	return o.count > 0 && int64(failed) > o.count ||
		o.percentage > 0 && float64(failed)*100 > o.percentage*float64(total)
}

func tooManyFailures() *failure {
	return newFailure(errToleratedFailures, "The specified tolerated failure threshold was exceeded")
}

func (t *thread) tolerance(input value.Value) (tolerance, *failure) {
	p, e := t.node.mapPlan, t.env(input)
	count, f := e.count(p.toleratedCount)
	if f == nil && count < 0 {
		f = e.outOfBounds(p.toleratedCount, "ToleratedFailureCount cannot be negative.")
	}
	if f != nil {
		return tolerance{}, f
	}
	percentage, f := e.percentage(p.toleratedPercentage)
	return tolerance{count, percentage}, f
}

func (e *env) percentage(a *amount) (float64, *failure) {
	switch {
	case a == nil:
		return 0, nil
	case a.number != nil:
		return *a.number, nil
	}
	var v value.Value
	var f *failure
	if a.expr != nil {
		if v, f = e.evalExpression(a.expr); f != nil {
			return 0, f
		}
	} else {
		var err error
		if v, err = e.follow(a.path.Path); err != nil {
			return 0, e.t.runtimeFailure("The %sPath field does not reference an input value: %s", a.field, a.path)
		}
	}
	n, ok := v.AsFloat()
	if s, isText := v.AsString(); isText {
		n, ok = parseFloat(s)
	}
	switch {
	case !ok && a.expr != nil:
		return 0, e.wrongType(a.expr, "number", v)
	case !ok:
		return 0, e.t.runtimeFailure("The %sPath field refers to value \"%s\" which is not a valid float: %s", a.field, jsonpathText(v), a.path)
	case n < 0 || n > 100:
		return 0, e.outOfBounds(a, "ToleratedFailurePercentage must be between 0 and 100.")
	}
	return n, nil
}

// outOfBounds is the error of a number that its field does not take.
func (e *env) outOfBounds(a *amount, problem string) *failure {
	if a.expr != nil {
		return e.t.queryFailure(a.expr.field, "%s", problem)
	}
	return e.t.runtimeFailure("%s", problem)
}

func parseFloat(s string) (float64, bool) {
	v, err := value.NumberText(strings.TrimSpace(s))
	if err != nil {
		return 0, false
	}
	return v.AsFloat()
}

// distributedMap is a Map at work whose iterations are executions of their own.
type distributedMap struct {
	t        *thread
	input    value.Value
	items    []*mapItem
	results  []value.Value // absent where the child failed
	started  []*history.Execution
	children []*thread // of started; nil once a child has ended, as its history is all that is left of it
	slots    int
	ended    int
	failures int
	allowed  tolerance
	arn      string
	machine  string // of the children, as they name it
	began    int64  // MapRunStarted
	maxItems int64
}

// runDistributed starts a map run. Its ItemReader, if any, reads first.
func (t *thread) runDistributed(input value.Value, items []*mapItem, concurrency int64) {
	p, x := t.node.mapPlan, t.x
	maxItems, f := t.maxItems(input)
	if f != nil {
		t.mapFail(f)
		return
	}
	allowed, f := t.tolerance(input)
	if f != nil {
		t.mapFail(f)
		return
	}
	m := &distributedMap{t: t, input: input, slots: atMost(concurrency, distributedConcurrency), allowed: allowed}
	m.add(items, fromState)
	t.frame = m
	m.arn = x.mapRunARN(p.label)
	m.machine = childMachine(m.arn)
	arn := m.arn
	t.event("MapRunStarted", func(d *historyDetails) { d.MapRunARN = arn })
	m.began = t.prev
	m.maxItems = maxItems
	if f := m.check(); f != nil {
		m.fail(f)
		return
	}
	if _, ok := x.engine.Tasks.(MapRunHandler); ok {
		m.ask()
		return
	}
	m.iterate()
}

// add adds items to iterate over. Where they come from, iterations are told since
// that can be more than one place.
func (m *distributedMap) add(items []*mapItem, source string) {
	for _, item := range items {
		item.index = len(m.items)
		if !m.t.x.asOfBefore(objectItemsAnnounced) {
			item.source = source
		}
		m.items = append(m.items, item)
	}
}

// check finds what is wrong with the settings of the ItemReader.
func (m *distributedMap) check() *failure {
	switch r := m.t.node.mapPlan.reader; {
	case r == nil:
		return nil
	case m.maxItems < 0:
		return newFailure(errItemReader, "field MaxItems must be positive")
	default:
		return r.check()
	}
}

// ask has a MapRunHandler answer for the run.
func (m *distributedMap) ask() {
	m.t.side("", m.input, true, func(v value.Value, err error) {
		switch {
		case errors.Is(err, ErrIterate):
			m.iterate()
		case err != nil:
			m.fail(failureOf(err))
		default:
			m.complete(v)
		}
	})
}

// failureOf makes a failure of a *TaskError.
func failureOf(err error) *failure {
	var e *TaskError
	errors.As(err, &e)
	return e.failure()
}

// iterate reads the items, where there is an ItemReader, and starts the executions.
func (m *distributedMap) iterate() {
	if m.t.node.mapPlan.reader == nil {
		m.begin()
		return
	}
	m.read()
}

// childMachine names the machine of a map run's child executions after the Map.
func childMachine(mapRun string) string {
	machine := strings.Replace(mapRun, ":mapRun:", ":stateMachine:", 1)
	return machine[:strings.LastIndexByte(machine, ':')]
}

// mapRunARN names a map run: after its Map's Label, where it has one.
func (x *execution) mapRunARN(label string) string {
	if label == "" {
		label = x.uuid()
	}
	return strings.Replace(x.req.StateMachineARN, ":stateMachine:", ":mapRun:", 1) + "/" + label + ":" + x.uuid()
}

func (t *thread) maxItems(input value.Value) (int64, *failure) {
	r := t.node.mapPlan.reader
	if r == nil {
		return 0, nil
	}
	return t.env(input).count(r.maxItems)
}

// fail ends the map run, and with it the state.
func (m *distributedMap) fail(f *failure) {
	t := m.t
	t.frame = nil
	m.kill()
	t.event("MapRunFailed", f.fill)
	t.inner = !f.fatal
	t.x.fail(t, f)
}

// begin starts the first child executions.
func (m *distributedMap) begin() {
	if f := m.batch(); f != nil {
		m.fail(f)
		return
	}
	m.results = make([]value.Value, len(m.items))
	if len(m.items) == 0 {
		m.succeed()
		return
	}
	for i := 0; i < min(m.slots, len(m.items)) && m.t.frame == m; i++ {
		m.startChild()
	}
}

// startChild starts the execution for the next item.
func (m *distributedMap) startChild() {
	t, i := m.t, len(m.children)
	item := m.items[i]
	m.items[i] = nil // the child has it now
	input, f := t.iterationInput(m.input, item)
	if f != nil {
		m.fail(f)
		return
	}
	child := &thread{x: t.x, run: m.childRun(input), join: m, index: i, graph: t.node.mapPlan.body, item: item}
	m.started, m.children = append(m.started, child.run.info), append(m.children, child)
	child.run.log.full = func() { t.x.overfull = append(t.x.overfull, child) }
	role := t.x.req.RoleARN
	child.run.note("ExecutionStarted", 0, t.x.now, func(d *historyDetails) {
		d.Input, d.RoleARN = payload(input), role
	})
	if child.run.info.Type == history.Express {
		child.limit = t.x.timers.set(t.x.now+expressLimit*1000, child.outOfTime)
	}
	child.goTo(child.graph.start, input)
}

func (m *distributedMap) childRun(input value.Value) *run {
	x := m.t.x
	kind := history.Standard
	if m.t.node.mapPlan.express {
		kind = history.Express
	}
	name := x.uuid()
	info := &history.Execution{
		ARN:             executionARN(m.machine, name, kind, x.uuid),
		Name:            name,
		StateMachineARN: m.machine,
		MapRunARN:       m.arn,
		Type:            kind,
		Status:          history.Running,
		Start:           time.UnixMilli(x.now).UTC(),
		Input:           history.Rendered(input),
	}
	l := &log{limit: x.limits.Events, discard: x.req.Discard, first: childChunk}
	if kind == history.Express {
		l.limit = x.expressEvents()
	}
	info.DeferEvents(l.render)
	x.childMu.Lock()
	x.mapRuns = append(x.mapRuns, info)
	x.childMu.Unlock()
	return &run{log: l, info: info, input: input, start: x.now}
}

func (m *distributedMap) done(child *thread, output value.Value) {
	child.dead = true
	m.end(child, history.Succeeded, nil, output)
	m.results[child.index] = output
	m.childEnded()
}

func (m *distributedMap) failed(child *thread, f *failure) { m.lost(child, history.Failed, f) }

// end ends a child execution, of which nothing is kept but its history.
func (m *distributedMap) end(child *thread, status history.Status, f *failure, output value.Value) {
	child.limit.stop()
	child.run.finish(status, f, output, child.prev, m.t.x.now)
	child.run.log.seal()
	m.children[child.index] = nil
}

// lost counts a child execution that ended without success.
func (m *distributedMap) lost(child *thread, status history.Status, f *failure) {
	child.kill()
	m.end(child, status, f, value.Value{})
	m.failures++
	if m.allowed.exceeded(m.failures, len(m.items)) {
		m.fail(tooManyFailures())
		return
	}
	m.childEnded()
}

func (m *distributedMap) childEnded() {
	m.ended++
	switch {
	case m.ended == len(m.items):
		m.succeed()
	case len(m.children) < len(m.items):
		m.startChild()
	}
}

// succeed ends the map run with the results of the children that succeeded.
func (m *distributedMap) succeed() {
	if m.t.node.mapPlan.writer != nil {
		m.write()
		return
	}
	results := make([]value.Value, 0, len(m.results))
	for _, v := range m.results {
		if !v.IsAbsent() {
			results = append(results, v)
		}
	}
	m.complete(value.Array(results...))
}

func (m *distributedMap) complete(result value.Value) {
	t := m.t
	t.frame = nil
	t.prev = m.began
	t.event("MapRunSucceeded", nil)
	succeeded := t.prev
	t.run.note("MapStateSucceeded", succeeded, t.x.now, nil)
	if !t.x.asOfBefore(variablesAnnounced) {
		t.prev = m.began
	}
	t.complete(result)
}

func (m *distributedMap) abort() {
	m.kill()
	m.t.run.note("MapRunAborted", m.began, m.t.x.now, nil)
}

// kill aborts the child executions that still run.
func (m *distributedMap) kill() {
	for _, child := range m.children {
		if child == nil {
			continue
		}
		child.kill()
		child.prev = 0
		m.end(child, history.Aborted, nil, value.Value{})
	}
	m.t.stop()
}

// batch puts items together as ItemBatcher says.
func (m *distributedMap) batch() *failure {
	if m.t.node.mapPlan.batcher == nil {
		return nil
	}
	batches, f := m.t.batches(m.input, m.items)
	if f == nil {
		m.items = batches
	}
	return f
}

// batches are the items as ItemBatcher puts them together.
func (t *thread) batches(input value.Value, all []*mapItem) ([]*mapItem, *failure) {
	b, e := t.node.mapPlan.batcher, t.env(input)
	most, f := e.positive(b.maxItems)
	if f != nil {
		return nil, f
	}
	bytes, f := e.positive(b.maxBytes)
	if f != nil {
		return nil, f
	}
	shared, f := e.eval(b.input)
	if f != nil {
		return nil, f
	}
	if limit := t.x.limits.PayloadBytes; limit > 0 { // a batch is an input
		bytes = min(bytes, int64(limit-batchValue(shared, nil).Size()))
	}
	var batches []*mapItem
	var items []value.Value
	flush := func() {
		if len(items) > 0 {
			batches = append(batches, &mapItem{index: len(batches), value: batchValue(shared, items), batch: true})
			items = nil
		}
	}
	size := 0
	for _, item := range all {
		v, f := t.iterationInput(input, item)
		if f != nil {
			return nil, f
		}
		if n := len(items); int64(n) >= most || n > 0 && int64(size+v.Size()) > bytes {
			flush()
			size = 0
		}
		items = append(items, v)
		size += v.Size() + 1
	}
	flush()
	return batches, nil
}

// positive is the amount that a field of ItemBatcher gives; without bounds where it is not given.
func (e *env) positive(a *amount) (int64, *failure) {
	if a == nil {
		return math.MaxInt64, nil
	}
	n, f := e.count(a)
	if f == nil && n <= 0 {
		f = e.outOfBounds(a, a.field+" must be positive.")
	}
	return n, f
}

func batchValue(shared value.Value, items []value.Value) value.Value {
	var b value.Builder
	if !shared.IsAbsent() {
		b.Set("BatchInput", shared)
	}
	b.Set("Items", value.Array(items...))
	return b.Object()
}

// side has a handler do something for a state that is no Task, without events.
func (t *thread) side(resource string, input value.Value, mapRun bool, then func(value.Value, error)) {
	x := t.x
	x.taskSeq++
	a := &attempt{x: x, t: t, number: x.taskSeq, input: input, then: then, mapRun: mapRun}
	a.task = &Task{
		Execution: t.run.info.ARN, StateMachine: t.run.info.StateMachineARN,
		State: t.node.name, Resource: resource, ID: x.uuid(), input: input, attempt: a,
	}
	t.task = a
	a.launch()
}

func (r *reader) check() *failure {
	headers, _ := r.config.Get("CSVHeaders")
	seen := make(map[string]bool)
	for _, h := range headers.Items() {
		s, _ := h.AsString()
		if seen[s] {
			return newFailure(errItemReader, "CSV headers cannot contain duplicates.")
		}
		seen[s] = true
	}
	return nil
}
