package engine

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// pastThread is a thread as a history tells of it: the state that it was in when the
// execution stopped, and the branches or iterations inside that state.
type pastThread struct {
	outer *pastThread
	graph *graph
	index int

	node            *node // entered and not left; nil: between two states
	input           value.Value
	event, previous int64
	at              int64
	failed          bool                // the Map or Parallel that it is in has said so
	inside          map[int]*pastThread // of the Map or Parallel that it is in, by branch or iteration

	exits  []*history.Event // of its states
	next   *node            // after the state that was left last; nil after the last one
	ended  bool             // with a result
	output value.Value
	last   int64 // its latest event
}

// retrace goes through a history and returns the execution's own thread. Each event
// belongs to a thread: that of the event before it, or one inside or around that.
func (x *execution) retrace(events []history.Event) (*pastThread, error) {
	root := &pastThread{graph: x.prog.root}
	owners := make([]*pastThread, len(events)+1)
	owners[0] = root
	for i := range events {
		e := &events[i]
		if e.ID != int64(i+1) || e.PreviousID < 0 || e.PreviousID >= e.ID {
			return nil, fmt.Errorf("engine: the execution cannot be redriven: event %d of its history stands at place %d", e.ID, i+1)
		}
		owner, err := owners[e.PreviousID].take(e)
		if err != nil {
			return nil, err
		}
		owners[i+1] = owner
	}
	return root, nil
}

// take takes in an event that follows one of p's, and returns whose it is.
func (p *pastThread) take(e *history.Event) (*pastThread, error) {
	kind, name := string(e.Type), ""
	if e.Details != nil {
		name = e.Details.Name
	}
	switch {
	case e.Type.IsEntered():
		return p.enter(e, name)
	case e.Type.IsExited():
		return p.exit(e, name)
	case strings.HasPrefix(kind, "Execution"):
		return p, nil
	case kind == "MapIterationStarted":
		return p.iterate(e, name), nil
	case strings.HasPrefix(kind, "MapIteration"):
		return p.iterationEnded(e, name), nil
	case strings.HasSuffix(kind, "StateAborted"), strings.HasSuffix(kind, "StateSucceeded"):
		return p, nil
	case kind == "MapStateStarted", kind == "ParallelStateStarted":
		p = p.container(kind)
		p.inside, p.failed = make(map[int]*pastThread), false
	case kind == "MapStateFailed", kind == "ParallelStateFailed":
		p = p.container(kind)
		p.failed = true
	case e.Type == "EvaluationFailed" && e.Details != nil:
		p = p.evaluating(e.Details.State)
	}
	p.last = e.ID
	return p, nil
}

// enter finds the thread that enters a state: p, or a branch of the Parallel that has
// just started.
func (p *pastThread) enter(e *history.Event, name string) (*pastThread, error) {
	if p.node != nil && p.graph.nodes[name] == nil {
		for i, g := range p.node.branches {
			if g.nodes[name] != nil {
				b := &pastThread{outer: p, graph: g, index: i}
				p.inside[i] = b
				p = b
				break
			}
		}
	}
	n := p.graph.nodes[name]
	if n == nil {
		return nil, fmt.Errorf("engine: the execution cannot be redriven: event %d enters state %q, which the machine does not have there", e.ID, name)
	}
	input, err := value.Parse(e.Details.Input.String())
	if err != nil {
		return nil, fmt.Errorf("engine: the input of event %d is not JSON: %w", e.ID, err)
	}
	p.node, p.input, p.inside, p.failed = n, input, nil, false
	p.event, p.previous, p.at, p.last = e.ID, e.PreviousID, e.Time.UnixMilli(), e.ID
	p.next, p.ended = nil, false
	return p, nil
}

// exit finds the thread that leaves a state: p, or one around it.
func (p *pastThread) exit(e *history.Event, name string) (*pastThread, error) {
	for p.outer != nil && (p.node == nil || p.node.name != name) {
		p = p.outer
	}
	n := p.graph.nodes[name]
	if n == nil {
		return nil, fmt.Errorf("engine: the execution cannot be redriven: event %d leaves state %q, which the machine does not have there", e.ID, name)
	}
	output, err := value.Parse(e.Details.Output.String())
	if err != nil {
		return nil, fmt.Errorf("engine: the output of event %d is not JSON: %w", e.ID, err)
	}
	p.exits, p.last = append(p.exits, e), e.ID
	if n.state.Type == "Choice" { // where it went is not told before the next state is entered
		return p, nil
	}
	p.node, p.inside = nil, nil
	p.input, p.output, p.next, p.ended = output, output, n.next, n.next == nil
	return p, nil
}

// iterate begins an iteration of the Map of that name, which p is in or inside of.
func (p *pastThread) iterate(e *history.Event, name string) *pastThread {
	for p.outer != nil && (p.node == nil || p.node.name != name) {
		p = p.outer
	}
	if p.node == nil || p.node.mapPlan == nil || p.inside == nil || e.Details == nil || e.Details.Index == nil {
		return p
	}
	b := &pastThread{outer: p, graph: p.node.mapPlan.body, index: int(*e.Details.Index), last: e.ID}
	p.inside[b.index] = b
	return b
}

// iterationEnded takes in how an iteration ended. The next event of its slot follows
// the last one of its own.
func (p *pastThread) iterationEnded(e *history.Event, name string) *pastThread {
	b := p
	for b.outer != nil && (b.outer.node == nil || b.outer.node.name != name) {
		b = b.outer
	}
	if e.Type == "MapIterationSucceeded" {
		b.ended = true
	}
	return p
}

// container is the thread that is in a state of that type and at work on it: p or
// one around it.
func (p *pastThread) container(event string) *pastThread {
	kind, _, _ := strings.Cut(event, "State") // MapStateStarted
	for c := p; c != nil; c = c.outer {
		if c.node != nil && string(c.node.state.Type) == kind && !c.failed {
			return c
		}
	}
	return p
}

// evaluating is the thread in the state of that name: p, or a branch inside it.
func (p *pastThread) evaluating(name string) *pastThread {
	if p.node != nil && p.node.name == name {
		return p
	}
	for _, b := range p.inside {
		if b.node != nil && b.node.name == name {
			return b
		}
	}
	return p
}
