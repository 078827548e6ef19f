package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
)

// maxChain is how far back an exit looks for its entry.
const maxChain = 400

// visit is one stay in a state.
type visit struct {
	name    string
	event   int64
	at      time.Time
	left    time.Time // zero: never
	outcome string
	times   int
}

// timeline lists the states that were entered, in order. Consecutive visits of one
// state become one step; of a long run the beginning and the end are shown.
func (b *builder) timeline() ([]Step, int) {
	out := []Step{}
	if b.c.Execution == nil {
		return out, 0
	}
	visits := merged(b.visits(b.c.Execution.Events()))
	if b.opts.Omit != nil {
		visits = slices.DeleteFunc(visits, func(v *visit) bool { return b.opts.Omit(v.name) })
	}
	omitted := 0
	if len(visits) > maxTimeline {
		head := maxTimeline / 4
		omitted = len(visits) - maxTimeline
		visits = append(visits[:head:head], visits[len(visits)-(maxTimeline-head):]...)
	}
	for _, v := range visits {
		out = append(out, b.step(v))
	}
	return out, omitted
}

func (b *builder) step(v *visit) Step {
	s := Step{
		State: b.text(v.name), Event: v.event, At: when(v.at),
		Outcome: b.text(v.outcome), Iterations: v.times,
	}
	if !v.left.IsZero() && v.times == 1 {
		ms := v.left.Sub(v.at).Milliseconds()
		s.Millis = &ms
	}
	return s
}

func (b *builder) visits(events []history.Event) []*visit {
	outcomes := b.outcomes()
	byEvent := map[int64]*visit{}
	previous := map[int64]int64{}
	var all []*visit
	for _, e := range events {
		previous[e.ID] = e.PreviousID
		if e.Details == nil {
			continue
		}
		switch {
		case strings.HasSuffix(string(e.Type), "StateEntered"):
			v := &visit{name: e.Details.Name, event: e.ID, at: e.Time, outcome: "open", times: 1}
			if o, ok := outcomes[e.ID]; ok {
				v.outcome = o
			}
			byEvent[e.ID] = v
			all = append(all, v)
		case strings.HasSuffix(string(e.Type), "StateExited"):
			leave(byEvent, previous, e)
		}
	}
	return all
}

// leave walks back from an exit to the entry of the same state.
func leave(byEvent map[int64]*visit, previous map[int64]int64, e history.Event) {
	id := e.PreviousID
	for range maxChain {
		if v := byEvent[id]; v != nil && v.name == e.Details.Name && v.left.IsZero() {
			v.left = e.Time
			if v.outcome == "open" {
				v.outcome = "succeeded"
			}
			return
		}
		if id = previous[id]; id == 0 {
			return
		}
	}
}

// outcomes are known for the failures that were located.
func (b *builder) outcomes() map[int64]string {
	out := map[int64]string{}
	for _, f := range b.c.Others {
		out[f.EnteredEvent] = cmp.Or(string(f.Outcome), string(diagnose.Caught))
	}
	if f := b.c.Origin; f != nil {
		out[f.EnteredEvent] = "caught"
	}
	if f := b.c.Failure; f != nil {
		out[f.EnteredEvent] = "failed"
	}
	delete(out, 0)
	return out
}

func merged(visits []*visit) []*visit {
	var out []*visit
	for _, v := range visits {
		if n := len(out); n > 0 && out[n-1].name == v.name && out[n-1].outcome == v.outcome {
			out[n-1].times++
			continue
		}
		out = append(out, v)
	}
	return out
}
