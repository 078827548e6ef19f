package instrument

import (
	"fmt"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

/*
Where nobody can wait for an answer, the failure is sent off: the function is invoked
with the InvocationType Event, and tells people itself.

In an Express workflow ("--express") no history would tell of the failure afterwards,
so that all that is known goes along:

	Charge ──Catch──► "… failed in Charge" ──► troubleshoot ──► what is known? ──► a Fail

What the user's own catchers take ("--handled") is told on the way to his handler,
which gets the very same data as before:

	Charge ──his Catch──► "… handled in Charge" ──► his handler
*/

const (
	nameHandledIn = prefix + "handled in "

	sendSeconds = 10

	// maxSent is how long, in characters, failure and input may be together to go along:
	// four bytes a character still fit the 256 KiB that a state may be given.
	maxSent = 60_000
)

// sentFailure is what a caught failure of an Express workflow runs through, but for the
// states that say where it was caught. No topic is needed.
func (p *pattern) sentFailure() []state {
	next, ends := nameKnown, p.fails
	if p.After == Succeed {
		next, ends = nameDoneBare, p.doneBare
	}
	return append([]state{p.sentWhole(next)}, ends()...)
}

// sentWhole sends what failedIn recorded, and the execution's input unless it is too
// large. It is in JSONata in any machine: nothing else can measure, and what fails in
// JSONata can be caught.
func (p *pattern) sentWhole(next string) state {
	var j jsonata
	payload := p.sentAlways(j, value.Value{})
	j.computed(payload, "state", "state")
	j.computed(payload, "failure", "failure")
	payload.Set("input", j.expr("$length($string($states.context.Execution.Input)) + $length($string($states.input.failure)) < %d ? $states.context.Execution.Input : null", maxSent))
	return p.sent(nameTroubleshoot, j, payload, p.rename(next), value.String(p.rename(next)))
}

// sentAlways begins the event: what is known wherever it is sent from.
func (p *pattern) sentAlways(l language, handledBy value.Value) *value.Builder {
	var b value.Builder
	l.context(&b, "executionArn", "Execution.Id")
	l.context(&b, "started", "Execution.StartTime")
	l.context(&b, "at", "State.EnteredTime")
	b.Set("tell", value.Bool(true)) // nobody waits: the function itself is to tell people
	if !handledBy.IsAbsent() {
		b.Set("handledBy", handledBy)
	}
	return &b
}

// sent is a Task that sends an event off; its output is its input, whatever comes of
// that. written is the name of the next state as the text has it.
func (p *pattern) sent(name string, l language, payload *value.Builder, to string, written value.Value) state {
	b := begin("Task")
	if l != p.language {
		b.Set("QueryLanguage", value.String(string(asl.JSONata)))
	}
	b.Set("Resource", value.String(fmt.Sprintf(invoke, p.partition)))
	b.Set(l.arguments(), object(
		"FunctionName", value.String(p.Handler),
		"InvocationType", value.String("Event"),
		"Payload", payload.Object()))
	l.pass(b)
	b.Set("TimeoutSeconds", value.Int(sendSeconds))
	b.Set("Retry", busyLambda())
	b.Set("Catch", value.Array(l.catcher(to, "States.ALL")))
	b.Set("Next", written)
	return p.state(name, b)
}

// handledIn sends what a catcher of the user's took and goes on to his handler, whose
// name is next as he wrote it.
func (p *pattern) handledIn(name string, s *asl.State, c *asl.Catcher, next value.Value) state {
	payload := p.sentAlways(p.language, value.String(c.Next))
	payload.Set("state", value.String(s.Name))
	p.taken(payload, s, c)
	return p.sent(name, p.language, payload, c.Next, next)
}

// taken sets the failure where it is certain in which place of the data the catcher put
// it: what is not there must not be read.
func (p *pattern) taken(payload *value.Builder, s *asl.State, c *asl.Catcher) {
	switch {
	case s.QueryLanguage == asl.JSONata && c.Output == nil:
		p.computed(payload, "failure", "")
	case s.QueryLanguage == asl.JSONata || c.ResultPath != nil && (c.ResultPath.Null || c.ResultPath.Compiled == nil):
	case c.ResultPath == nil:
		p.computed(payload, "failure", "")
	default: // such a state is in a machine in JSONPath
		payload.Set("failure.$", value.String(c.ResultPath.Text))
	}
}

// reportHandled leads the user's own catchers to states that send what they take, and
// returns these. The catchers stay as they are but for where they lead.
func (e *editor) reportHandled() ([]state, error) {
	var added []state
	for _, s := range e.machine.States {
		sent, err := e.reportCatchers(s)
		if err != nil {
			return nil, err
		}
		if len(sent) > 0 {
			e.result.Reported = append(e.result.Reported, s.Name)
		}
		added = append(added, sent...)
	}
	return added, nil
}

// sameWay is what catchers of one state have in common that can share a state of ours.
type sameWay struct {
	next  string // as written
	place string // of the failure in the data
}

func (e *editor) reportCatchers(s *asl.State) ([]state, error) {
	var added []state
	names := map[sameWay]string{}
	for i, c := range s.Catch {
		span, set := c.Fields["Next"]
		if !set || e.isPlaceholder(span) {
			continue
		}
		next, err := value.Parse(e.text[span.Start:span.End])
		if err != nil {
			return nil, err
		}
		way := sameWay{e.text[span.Start:span.End], ""}
		if v, set := c.Fields["ResultPath"]; set {
			way.place = e.text[v.Start:v.End]
		} else if v, set := c.Fields["Output"]; set {
			way.place = e.text[v.Start:v.End]
		}
		if names[way] == "" {
			name := nameHandledIn + s.Name
			if len(names) > 0 {
				name += fmt.Sprintf(", catcher %d", i+1)
			}
			sent := e.pattern.handledIn(name, s, c, next)
			names[way] = sent.name
			added = append(added, sent)
		}
		e.edits = append(e.edits, asl.Edit{Span: span, New: value.String(names[way]).JSON()})
	}
	return added, nil
}
