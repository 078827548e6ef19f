package engine

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Short names for parts of events.
type (
	historyDetails   = history.Details
	historyEventType = history.EventType
)

// runPass runs a Pass state (ASL "Pass State").
func runPass(t *thread) {
	n := t.node
	if n.jsonata {
		out, assign, f := t.jsonataOutput(n.output, n.assign, value.Value{})
		if f != nil {
			t.x.fail(t, f)
			return
		}
		t.exit(n.next, out, assign)
		return
	}
	result, f := t.effectiveInput()
	if f != nil {
		t.x.fail(t, f)
		return
	}
	if !n.result.IsAbsent() {
		result = n.result
	}
	t.probe("result", result)
	t.complete(result)
}

// runSucceed runs a Succeed state, which ends its machine.
func runSucceed(t *thread) {
	n := t.node
	var out value.Value
	var f *failure
	if n.jsonata {
		out, _, f = t.jsonataOutput(n.output, nil, value.Value{})
	} else if out, f = t.env(t.input).choose(n.inputPath); f == nil {
		t.probe("afterInputPath", out)
		out, f = t.env(out).choose(n.outputPath)
	}
	if f != nil {
		t.x.fail(t, f)
		return
	}
	t.exit(nil, out, nil)
}

// runFail runs a Fail state. It has no exit: its error is the machine's.
func runFail(t *thread) {
	e := t.env(t.input)
	name, bad := e.text(t.node.failError)
	if bad == nil {
		var cause *string
		if cause, bad = e.text(t.node.failCause); bad == nil {
			f := &failure{name: name, cause: cause}
			if !t.x.inspectFailure(t, f) {
				t.join.failed(t, f)
			}
			return
		}
	}
	t.x.fail(t, bad)
}

// text evaluates a field that gives a string; nil where there is no such field.
func (e *env) text(x *text) (*string, *failure) {
	switch {
	case x == nil:
		return nil, nil
	case x.literal != nil:
		return x.literal, nil
	}
	v, f := e.textValue(x)
	if f != nil {
		return nil, f
	}
	s, ok := v.AsString()
	if !ok {
		return nil, e.notText(x, v)
	}
	return &s, nil
}

func (e *env) textValue(x *text) (value.Value, *failure) {
	switch {
	case x.call != nil:
		return e.evalCall(x.call)
	case x.expr != nil:
		return e.evalExpression(x.expr)
	}
	return e.selected(x.path, x.field+"Path")
}

func (e *env) notText(x *text, v value.Value) *failure {
	if x.expr != nil {
		return e.wrongType(x.expr, "string", v)
	}
	return e.t.runtimeFailure("The %sPath field refers to value %s which is not a string: %s", x.field, v.JSON(), x.source())
}

func (x *text) source() string {
	if x.path != nil {
		return x.path.String()
	}
	return x.call.text
}

// runWait runs a Wait state (ASL "Wait State").
func runWait(t *thread) {
	n := t.node
	e, f := t.waitEnv()
	if f != nil {
		t.x.fail(t, f)
		return
	}
	var until int64
	if n.until != nil {
		until, f = e.waitUntil(n.until)
	} else {
		until, f = e.waitSeconds(n.seconds)
	}
	if f == nil && until-t.x.now > math.MaxInt32*int64(1000) {
		f = t.runtimeFailure("Wait state delay is too long.")
	}
	if f != nil {
		t.x.fail(t, f)
		return
	}
	if until <= t.x.now || t.x.req.inspect != nil {
		t.waited(e.root)
		return
	}
	root := e.root
	t.timer = t.x.timers.set(until, func() { t.timer = nil; t.waited(root) })
}

func (t *thread) waitEnv() (*env, *failure) {
	if t.node.jsonata {
		return t.env(t.input), nil
	}
	v, f := t.env(t.input).choose(t.node.inputPath)
	t.probe("afterInputPath", v)
	return t.env(v), f
}

func (t *thread) waited(input value.Value) {
	n := t.node
	var out value.Value
	var assign []assignment
	var f *failure
	if n.jsonata {
		out, assign, f = t.jsonataOutput(n.output, n.assign, value.Value{})
	} else {
		e := t.env(input)
		if out, f = e.choose(n.outputPath); f == nil {
			assign, f = e.assign(n.assign)
		}
	}
	if f != nil {
		t.x.fail(t, f)
		return
	}
	t.exit(n.next, out, assign)
}

func (e *env) waitSeconds(a *amount) (until int64, f *failure) {
	now := e.t.x.now
	switch {
	case a == nil:
		return now, nil
	case a.number != nil:
		return now + int64(*a.number*1000), nil
	case a.expr != nil:
		n, f := e.computedInteger(a)
		if f == nil && n < 0 {
			f = e.t.queryFailure(a.field, "The JSONata expression '%s' specified for the field '%s' returned a negative value: %d", a.expr.text, a.field, n)
		}
		return now + clampSeconds(n), f
	}
	v, err := e.follow(a.path.Path)
	if err != nil || v.IsNull() {
		return 0, e.t.runtimeFailure("The SecondsPath parameter does not reference an input value: %s", a.path)
	}
	n, ok := wholeNumber(v)
	if !ok {
		return 0, e.t.runtimeFailure("The SecondsPath parameter cannot be parsed as a long value: %s == %s", a.path, jsonpathText(v))
	}
	if n < 0 {
		return 0, e.t.runtimeFailure("The SecondsPath parameter references a negative value: %s == %d", a.path, n)
	}
	return now + clampSeconds(n), nil
}

// clampSeconds turns seconds into milliseconds; more than any wait may take stays more.
func clampSeconds(n int64) int64 { return min(n, math.MaxInt32+1) * 1000 }

// wholeNumber reads a number without fraction, also from text.
func wholeNumber(v value.Value) (int64, bool) {
	text, ok := v.Number()
	if !ok {
		text, ok = v.AsString()
	}
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// jsonpathText writes a value as it stands in messages: strings without quotes.
func jsonpathText(v value.Value) string {
	if s, ok := v.AsString(); ok {
		return s
	}
	return v.JSON()
}

func (e *env) waitUntil(x *text) (int64, *failure) {
	now := e.t.x.now
	switch {
	case x.literal != nil:
		at, ok := parseTimestamp(*x.literal)
		if !ok {
			return 0, e.t.runtimeFailure("The Timestamp parameter does not reference a valid ISO-8601 extended offset date-time format string: %s", *x.literal)
		}
		return at, nil
	case x.expr != nil:
		return e.computedTime(x)
	}
	v, err := e.follow(x.path.Path)
	if err != nil {
		return now, e.t.runtimeFailure("The TimestampPath parameter does not reference an input value: %s", x.path)
	}
	at, ok := int64(0), false
	if s, isText := v.AsString(); isText {
		at, ok = parseTimestamp(s)
	}
	if !ok {
		return now, e.t.runtimeFailure("The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s", x.path, jsonpathText(v))
	}
	return at, nil
}

// offsetDateTime is ISO 8601's extended format with an offset, as Java's
// ISO_OFFSET_DATE_TIME reads it: seconds may be left out.
var offsetDateTime = lazyregexp.New(`^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$`)

// parseTimestamp reads a timestamp, in milliseconds.
func parseTimestamp(s string) (ms int64, ok bool) {
	t, ok := parseInstant(s)
	return t.UnixMilli(), ok
}

// parseInstant reads a timestamp as strictly as AWS does: T and an offset are needed.
func parseInstant(s string) (t time.Time, ok bool) {
	m := offsetDateTime.FindStringSubmatch(s)
	if m == nil {
		return t, false
	}
	seconds := m[2]
	if seconds == "" {
		seconds = ":00"
	}
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(m[1]+seconds+m[3]))
	return t, err == nil
}

// runChoice runs a Choice state: the first rule that holds decides.
func runChoice(t *thread) {
	n := t.node
	e, f := t.choiceEnv()
	if f != nil {
		t.x.fail(t, f)
		return
	}
	for i := range n.rules {
		r := &n.rules[i]
		holds, f := e.holds(r)
		if f != nil {
			t.x.fail(t, f)
			return
		}
		if holds {
			t.choose(e, r.next, r.output, r.assign)
			return
		}
	}
	if n.otherwise == nil {
		t.x.fail(t, t.noChoice())
		return
	}
	t.choose(e, n.otherwise, n.output, n.assign)
}

func (t *thread) choiceEnv() (*env, *failure) {
	if t.node.jsonata {
		return t.env(t.input), nil
	}
	v, f := t.env(t.input).choose(t.node.inputPath)
	t.probe("afterInputPath", v)
	return t.env(v), f
}

func (t *thread) noChoice() *failure {
	f := t.runtimeFailure("Failed to transition out of the state. The state does not point to a next state.")
	return f
}

// choose leaves a Choice by the rule or Default that was taken, with that one's
// Output and Assign.
func (t *thread) choose(e *env, next *node, output, assign *template) {
	var out value.Value
	var list []assignment
	var f *failure
	if t.node.jsonata {
		out, list, f = t.jsonataOutput(output, assign, value.Value{})
	} else if out, f = e.choose(t.node.outputPath); f == nil {
		list, f = e.assign(assign)
	}
	if f != nil {
		t.x.fail(t, f)
		return
	}
	t.exit(next, out, list)
}

// runParallel runs a Parallel state: a thread for each branch.
func runParallel(t *thread) {
	input, f := t.effectiveInput()
	if f != nil {
		t.x.fail(t, f)
		return
	}
	if t.inspectMock() {
		return
	}
	t.event("ParallelStateStarted", nil)
	p := &parallel{t: t, results: make([]value.Value, len(t.node.branches)), left: len(t.node.branches)}
	t.frame = p
	for i, g := range t.node.branches {
		b := &thread{x: t.x, run: t.run, join: p, index: i, graph: g, item: t.item, prev: t.prev, scope: &scope{outer: t.scope}}
		p.branches = append(p.branches, b)
		b.goTo(g.start, input)
	}
	if p.left == 0 {
		t.frame = nil
		p.succeed(t.prev)
	}
}

// parallel is a Parallel state at work.
type parallel struct {
	t        *thread
	branches []*thread
	results  []value.Value
	left     int
}

func (p *parallel) done(b *thread, output value.Value) {
	b.dead = true
	p.results[b.index] = output
	if p.left--; p.left == 0 {
		p.t.frame = nil
		p.succeed(b.prev)
	}
}

// succeed ends the state. Its exit follows the last event of the branch that
// ended last, not ParallelStateSucceeded.
func (p *parallel) succeed(prev int64) {
	t := p.t
	t.run.note("ParallelStateSucceeded", prev, t.x.now, nil)
	t.prev = prev
	t.complete(value.Array(p.results...))
}

// failed ends the other branches, and then the state with the branch's error. What
// nothing catches ends the execution at once.
func (p *parallel) failed(b *thread, f *failure) {
	t := p.t
	t.frame = nil
	if f.fatal {
		p.kill()
		t.failedThrough(b, f)
		return
	}
	b.failedState()
	for _, other := range p.branches {
		other.abort()
	}
	t.prev, t.inner = b.prev, true
	t.x.fail(t, f)
}

// failedThrough passes on an error that nothing catches, from a thread below: the
// execution ends there and then, and its history says no more of what is around.
func (t *thread) failedThrough(below *thread, f *failure) {
	t.prev, t.inner = below.prev, false
	t.x.fail(t, f)
}

func (p *parallel) abort() {
	for _, b := range p.branches {
		b.abort()
	}
}

func (p *parallel) kill() {
	for _, b := range p.branches {
		b.kill()
	}
}

// failedState marks a thread as ended by an error of its state; the history of a
// branch says so where the state is one that takes time.
func (t *thread) failedState() {
	t.dead = true
	if t.inner {
		return // a Map or Parallel, which has its own event
	}
	t.stateAborted()
}

// stateFailed writes MapStateFailed or ParallelStateFailed where the error came
// from below, or from the Items of a JSONata Map.
func (t *thread) stateFailed() {
	if !t.inner {
		return
	}
	switch t.node.state.Type {
	case "Map", "Parallel":
		t.event(historyEventType(t.node.state.Type)+"StateFailed", nil)
	}
}
