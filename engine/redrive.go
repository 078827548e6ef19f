package engine

import (
	"fmt"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// redrive goes on with an execution that ended without success (Developer Guide,
// "Redriving state machine executions"): every state that was entered and not left
// is run anew with the input it had. Of a Parallel or an inline Map these are the
// branches and iterations that failed, were aborted or had not started; the others
// keep their results. A distributed Map starts over, as its child executions are not
// part of the history.
func (x *execution) redrive() error {
	old := x.req.Redrive
	switch old.Status {
	case history.Failed, history.TimedOut, history.Aborted:
	default:
		return fmt.Errorf("engine: an execution that is %s cannot be redriven", old.Status)
	}
	if old.Incomplete {
		return fmt.Errorf("engine: the execution cannot be redriven: events are missing from its history")
	}
	past, err := x.retrace(old.Events())
	if err != nil {
		return err
	}
	if past.node == nil && past.next == nil {
		return fmt.Errorf("engine: the history names no state of this machine that the execution stopped in")
	}
	r := x.main
	r.info.Start, r.start = old.Start, old.Start.UnixMilli()
	r.info.RedriveCount = old.RedriveCount + 1
	x.now = max(x.now, old.Stop.UnixMilli())
	r.redriven = x.now
	r.log.addPast(old.Events())
	count := int64(r.info.RedriveCount)
	redriven := r.note("ExecutionRedriven", int64(len(old.Events())), x.now, func(d *historyDetails) { d.RedriveCount = &count })
	x.startTimeout()
	if err := past.restore(x.root); err != nil {
		return err
	}
	x.root.prev = redriven
	return nil
}

// restore puts a thread where its past ended, ready to run its state again. Events of
// branches and iterations follow their own earlier ones; which one AWS has there is
// not known.
func (p *pastThread) restore(t *thread) error {
	for _, e := range p.exits {
		if err := t.reassign(e); err != nil {
			return err
		}
	}
	t.prev = p.last
	if p.node == nil { // between two states, or before the first
		t.goTo(p.next, p.input)
		return nil
	}
	t.node, t.input = p.node, p.input
	t.entered, t.beforeEntry, t.enteredAt = p.event, p.previous, p.at
	resume := t.again
	if len(p.inside) > 0 {
		switch {
		case len(p.node.branches) > 0:
			resume = func() { t.timer = nil; p.resumeParallel(t) }
		case p.node.mapPlan != nil && !p.node.mapPlan.distributed:
			resume = func() { t.timer = nil; p.resumeMap(t) }
		}
	}
	t.timer = t.x.timers.set(t.x.now, resume)
	return nil
}

// resumeParallel goes on with a Parallel whose branches have started.
func (p *pastThread) resumeParallel(t *thread) {
	input, f := t.effectiveInput()
	if f != nil {
		t.x.fail(t, f)
		return
	}
	frame := &parallel{t: t, results: make([]value.Value, len(t.node.branches)), left: len(t.node.branches)}
	t.frame = frame
	for i, g := range t.node.branches {
		b := &thread{x: t.x, run: t.run, join: frame, index: i, graph: g, item: t.item, prev: t.prev, scope: &scope{outer: t.scope}}
		frame.branches = append(frame.branches, b)
		switch past := p.inside[i]; {
		case past == nil || past.node == nil && past.next == nil && !past.ended:
			b.goTo(g.start, input)
		case past.ended:
			b.dead, frame.results[i] = true, past.output
			frame.left--
		default:
			if err := past.restore(b); err != nil {
				t.x.giveUp(err)
				return
			}
		}
	}
	if frame.left == 0 { // what failed came after the branches
		t.frame = nil
		frame.succeed(t.prev)
	}
}

// resumeMap goes on with an inline Map whose iterations have started.
func (p *pastThread) resumeMap(t *thread) {
	input, f := t.mapInput()
	if f != nil {
		t.mapFail(f)
		return
	}
	concurrency, f := t.env(input).count(t.node.mapPlan.concurrency)
	if f != nil {
		t.x.fail(t, f)
		return
	}
	items, f := t.mapItems(input)
	if f != nil {
		t.mapFail(f)
		return
	}
	m := &inlineMap{t: t, input: input, items: items, results: make([]value.Value, len(items))}
	t.frame = m
	slots := atMost(concurrency, inlineConcurrency)
	for i := 0; i < len(items) && p.inside[i] != nil; i++ {
		if p.inside[i].ended {
			m.results[i] = p.inside[i].output
			m.threads = append(m.threads, &thread{x: t.x, run: t.run, index: i, dead: true})
			m.ended++
			continue
		}
		if !m.resumeIteration(p.inside[i], items[i]) {
			return
		}
		slots--
	}
	if m.ended == len(items) { // what failed came after the iterations
		t.frame = nil
		t.complete(value.Array(m.results...))
		return
	}
	for began := t.prev; slots > 0 && len(m.threads) < len(items) && t.frame == m; slots-- {
		m.iterate(began)
	}
}

// resumeIteration goes on with an iteration that did not succeed, and reports whether
// the Map is still at work.
func (m *inlineMap) resumeIteration(past *pastThread, item *mapItem) bool {
	t := m.t
	b := &thread{x: t.x, run: t.run, join: m, index: item.index, graph: t.node.mapPlan.body, item: item, prev: past.last, scope: &scope{outer: t.scope}}
	m.threads = append(m.threads, b)
	if past.node != nil || past.next != nil {
		if err := past.restore(b); err != nil {
			t.x.giveUp(err)
			return false
		}
		return true
	}
	input, f := t.iterationInput(m.input, item)
	if f != nil {
		m.failedAt(b, f)
		return false
	}
	b.goTo(b.graph.start, input)
	return true
}

// reassign sets the variables that a state has set.
func (t *thread) reassign(e *history.Event) error {
	for _, v := range e.Details.AssignedVariables {
		val, err := value.Parse(v.Text.String())
		if err != nil {
			return fmt.Errorf("engine: variable %s in event %d is not JSON: %w", v.Name, e.ID, err)
		}
		t.assign([]assignment{{v.Name, val}})
	}
	return nil
}
