package report

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/value"
	"github.com/stepsleuth/stepsleuth/redact"
)

func (b *builder) comparison() *Comparison {
	c := b.c.Comparison
	if c == nil {
		return nil
	}
	out := &Comparison{Execution: b.opt(c.Execution), State: b.opt(c.State), Differences: []Difference{}, Count: c.Count}
	for _, d := range c.Differences {
		out.Differences = append(out.Differences, Difference{
			Pointer: b.text(d.Pointer),
			Was:     b.named(d, d.Was),
			Now:     b.named(d, d.Now),
		})
	}
	return out
}

// maxDifference is how much of a value is shown, in bytes.
const maxDifference = 200

// named redacts a value together with its name, which may tell that it is secret.
func (b *builder) named(d diagnose.Difference, json string) *redact.Text {
	if json == "" {
		return nil
	}
	name := d.Pointer[strings.LastIndexByte(d.Pointer, '/')+1:]
	t := b.json(fmt.Sprintf("{%s:%s}", value.String(name).JSON(), json)).Truncate(maxDifference)
	return &t
}

// differences are the lines of a report.
func (p *printer) differences() {
	c := p.doc.Comparison
	if c == nil {
		return
	}
	what := "input of the execution"
	if c.State != nil {
		what = "input of " + c.State.String()
	}
	if c.Count == 0 {
		p.item("compared", "the "+what+" is the same as in the execution that went well", 0)
		return
	}
	const shown = 4
	p.item("compared", what+" with that of an execution that went well:", 0)
	for _, d := range c.Differences[:min(shown, len(c.Differences))] {
		p.item("", fmt.Sprintf("%s: %s then, %s now", d.Pointer, given(d.Was), given(d.Now)), 3)
	}
	if c.Count > shown {
		p.item("", fmt.Sprintf("and %d more differences", c.Count-shown), 0)
	}
}

func given(t *redact.Text) string {
	if t == nil {
		return "absent"
	}
	return t.String()
}
