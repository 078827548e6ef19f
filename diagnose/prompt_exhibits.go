package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
)

// maxExhibit is how much of one piece of evidence is ever shown.
const maxExhibit = 12000

// shownOf lists the case's evidence, redacted, the most relevant first.
func shownOf(c *Case, findings []Finding, r *Concealer) []exhibit {
	f := c.Subject()
	cited := map[string]bool{}
	for _, finding := range findings {
		for _, id := range finding.Cites {
			cited[id] = true
		}
	}
	var out []exhibit
	for _, e := range c.Evidence {
		x := exhibit{id: e.ID, head: headOf(e), rank: rankOf(e, f, cited[e.ID])}
		x.text = r.JSON(lineEnds.Replace(e.Text))
		if len(x.text.String()) > maxExhibit {
			x.text, x.cutOff = x.text.Truncate(maxExhibit), true
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b exhibit) int { return a.rank - b.rank })
	return out
}

// lineEnds are all that a reader may take for the end of a line.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// rankOf: what failed and where it is defined comes first, what nothing points at last.
func rankOf(e Evidence, f *Failure, cited bool) int {
	switch {
	case e.Event != 0 && e.Event == f.FailedEvent, e.Source == FromDefinition && cited:
		return 0
	case cited, e.Source == FromDefinition, e.Source == FromInput:
		return 1
	case e.Source == FromLog, e.Source == FromPolicy, e.Source == FromConfig:
		return 2
	case e.Event != 0 && e.Event == f.EnteredEvent:
		return 2
	}
	return 3
}

func headOf(e Evidence) string {
	head := fmt.Sprintf("%s is from the %s", e.ID, e.Source)
	if e.Event != 0 {
		head += fmt.Sprintf(", event %d", e.Event)
	}
	if e.Pointer != "" {
		head += fmt.Sprintf(", at %q", e.Pointer)
	}
	return head + ":"
}

// complete adds what every case should have: the cause, the state's definition and its input.
func complete(c *Case) []Evidence {
	all := slices.Clone(c.Evidence)
	f := c.Subject()
	has := func(is func(Evidence) bool) bool { return slices.ContainsFunc(all, is) }
	if f.Cause != nil && !has(func(e Evidence) bool { return e.Event != 0 && e.Event == f.FailedEvent || e.Text == *f.Cause }) {
		all = append(all, Evidence{ID: causeID(all, f), Source: FromHistory, Event: f.FailedEvent, Text: *f.Cause})
	}
	if text := stateText(c); text != "" && !has(func(e Evidence) bool { return e.Source == FromDefinition }) {
		all = append(all, Evidence{ID: freeID(all, FromDefinition), Source: FromDefinition, Text: text})
	}
	if !f.Input.IsAbsent() && !has(func(e Evidence) bool { return e.Source == FromInput }) {
		all = append(all, Evidence{ID: freeID(all, FromInput), Source: FromInput, Text: f.Input.String()})
	}
	return all
}

func causeID(all []Evidence, f *Failure) string {
	id := fmt.Sprintf("E%d", f.FailedEvent)
	if f.FailedEvent == 0 || slices.ContainsFunc(all, func(e Evidence) bool { return e.ID == id }) {
		return freeID(all, FromHistory)
	}
	return id
}

// stateText is the failing state as it is written.
func stateText(c *Case) string {
	source := c.machineSource()
	if c.State == nil || source == nil {
		return ""
	}
	from, to := c.State.NameSpan.Start, c.State.Span.End
	if c.State.NameSpan == (asl.Span{}) {
		from = c.State.Span.Start
	}
	if from < 0 || to > len(source.Text) || from >= to {
		return ""
	}
	return source.Text[from:to]
}

func (c *Case) machineSource() *asl.Source {
	switch {
	case c.Machine != nil && c.Machine.Source() != nil:
		return c.Machine.Source()
	case c.State != nil && c.State.Machine != nil:
		return c.State.Machine.Source()
	}
	return nil
}

// walkStates visits every state's name, nested ones after the state they are in.
func walkStates(m *asl.Machine, visit func(name string)) {
	for _, s := range m.States {
		visit(s.Name)
		for _, b := range s.Branch {
			walkStates(b, visit)
		}
		if s.Map != nil && s.Map.Processor != nil {
			walkStates(s.Map.Processor, visit)
		}
	}
}

// answerSchema is the form of an answer. It uses only what every provider's structured
// output takes: all members required, nothing beside them, no lengths.
const answerSchema = `{"type":"object","additionalProperties":false,` +
	`"required":["category","root_cause","explanation","claims","remediation","prevention"],"properties":{` +
	`"category":{"type":"string"},"root_cause":{"type":"string"},"explanation":{"type":"string"},` +
	`"claims":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["text","cites"],"properties":{` +
	`"text":{"type":"string"},"cites":{"type":"array","items":{"type":"object","additionalProperties":false,` +
	`"required":["evidence","quote"],"properties":{"evidence":{"type":"string"},"quote":{"type":"string"}}}}}}},` +
	`"remediation":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["title","steps"],"properties":{` +
	`"title":{"type":"string"},"steps":{"type":"array","items":{"type":"string"}}}}},` +
	`"prevention":{"type":"array","items":{"type":"string"}}}}`
