package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/redact"
)

// Style is how a terminal report looks. The zero Style is plain text, 100 columns wide.
type Style struct {
	Color bool           // ANSI colours
	Width int            // columns; 0: 100
	File  string         // name of the definition where the document has none
	Zone  *time.Location // of the times shown; nil: UTC
}

// Text writes the report that a person reads first: verdict, code frame, root cause,
// fix, next command, prevention and documentation, notes, timeline, gaps, and what it cost. All text of the document
// is taken as untrusted: nothing in it can steer the terminal.
func Text(w io.Writer, doc Document, style Style) error {
	p := &printer{doc: doc, style: style, width: cmp.Or(style.Width, 100)}
	p.width = max(p.width, 40)
	p.verdict()
	if doc.Failure == nil {
		p.quiet()
	} else {
		p.place()
		p.cause()
		p.differences()
		p.fixes()
	}
	p.list("next", p.notShown(doc.Next))
	if doc.Failure != nil {
		p.toRead()
	}
	p.notes()
	p.timeline()
	p.gaps()
	p.footer()
	_, err := w.Write(p.out.Bytes())
	return err
}

// printer makes one report.
type printer struct {
	doc   Document
	style Style
	width int
	out   bytes.Buffer
}

// The ANSI colours in use.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (p *printer) paint(codes, s string) string {
	if !p.style.Color || s == "" {
		return s
	}
	return "\x1b[" + codes + "m" + s + "\x1b[0m"
}

func (p *printer) line(s string) { p.out.WriteString(strings.TrimRight(s, " ") + "\n") }

// labelWidth is the column at which the texts beside labels begin.
const labelWidth = 12

// item writes a label and text beside it, folded, at most lines of it; 0: all.
func (p *printer) item(label, text string, lines int) {
	folded := fold(neutral(text), p.width-labelWidth)
	if lines > 0 && len(folded) > lines {
		folded = folded[:lines]
		folded[lines-1] = clip(folded[lines-1]+" …", p.width-labelWidth)
	}
	for i, s := range folded {
		if i > 0 {
			label = ""
		}
		p.line(p.paint(bold, fmt.Sprintf("%-*s", labelWidth, label)) + s)
	}
}

// list writes texts below one label, each on a line of its own that can be copied.
func (p *printer) list(label string, texts []redact.Text) {
	for i, t := range texts {
		if i > 0 {
			label = ""
		}
		p.line(p.paint(bold, fmt.Sprintf("%-*s", labelWidth, label)) + p.paint(cyan, neutral(t.String())))
	}
}

// notShown leaves out what the first remedy's steps say already.
func (p *printer) notShown(texts []redact.Text) []redact.Text {
	if len(p.doc.Remediation) == 0 || p.doc.Failure == nil {
		return texts
	}
	return slices.DeleteFunc(slices.Clone(texts), func(t redact.Text) bool {
		return slices.Contains(p.doc.Remediation[0].Steps, t)
	})
}

// others names the first few of the failures that did not end the execution, equal ones once.
func (p *printer) others() string {
	var names []string
	for _, f := range p.doc.OtherFailures {
		name := strings.Join(nonEmpty(where(&f), str(f.Error)), " ")
		if f.Outcome != nil {
			name += ", " + str(f.Outcome)
		}
		if slices.Contains(names, name) {
			continue
		}
		if len(names) == 3 {
			names = append(names, "…")
			break
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, "; ")
}

// toRead says what keeps it from coming back, the foremost advice alone, and names
// the pages of documentation.
func (p *printer) toRead() {
	if len(p.doc.Prevention) > 0 {
		p.item("prevent", p.doc.Prevention[0].String(), 3)
	}
	var pages []string
	for _, page := range p.doc.Docs {
		pages = append(pages, page.String())
	}
	if len(pages) > 0 {
		p.item("read", strings.Join(pages, "; "), 2)
	}
}

func (p *printer) verdict() {
	words := verdict(p.doc, p.style.Zone)
	head := p.paint(bold+";"+red, words[0])
	if p.doc.Failure == nil {
		head = p.paint(bold+";"+green, words[0])
	}
	line, shown := words[0], head
	if place := neutral(words[1]); place != "" {
		line, shown = line+"  "+place, shown+"  "+p.paint(bold, place)
	}
	for _, s := range words[2:] {
		if s = neutral(s); width(line)+3+width(s) > p.width {
			p.line(shown)
			line, shown = "     "+s, "     "+s
			continue
		}
		line, shown = line+"   "+s, shown+"   "+s
	}
	p.line(shown)
}

// notes are what makes it worse, what a model adds, and what else failed.
func (p *printer) notes() {
	label := "note"
	say := func(text string) {
		p.item(label, text, 3)
		label = ""
	}
	if f := subject(p.doc); f != nil && f.Within != nil {
		say("inside it failed " + strings.Join(nonEmpty(where(f.Within), str(f.Within.Error), str(f.Within.Cause)), ": "))
	}
	for _, f := range p.doc.Findings {
		switch {
		case f.Contributing:
			say(f.Title.String())
		case f.Rule == redact.Static("model"):
			say("unproved, by the model: " + f.Title.String())
		}
	}
	if m := p.doc.Model; m != nil && !m.Leads {
		for _, c := range m.Claims {
			if c.Standing == redact.Static("kept") {
				say("the model adds: " + c.Text.String() + " " + ids(c.Cites))
			}
		}
	}
	if p.doc.Failure != nil && p.doc.OtherFailureCount > 0 {
		say(fmt.Sprintf("%s inside that did not end the execution%s", plural(p.doc.OtherFailureCount, "failure"), p.others()))
	}
}

// quiet lists the failures inside a run that did not fail.
func (p *printer) quiet() {
	n := p.doc.OtherFailureCount
	if n == 0 {
		p.item("", "nothing failed inside", 1)
		return
	}
	p.item("quiet", plural(n, "failure")+" inside that did not end the execution:", 1)
	for i, f := range p.doc.OtherFailures {
		if i == 5 {
			break
		}
		text := where(&f) + "  " + str(f.Error)
		if f.Outcome != nil {
			text += ", " + str(f.Outcome)
		}
		if f.EndedAt != nil {
			text += ": went on at " + str(f.EndedAt)
		}
		p.item("", text, 2)
	}
}

func ids(cites []redact.Text) string {
	var out []string
	for _, c := range cites {
		out = append(out, "["+c.String()+"]")
	}
	return strings.Join(out, " ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (p *printer) timeline() {
	var parts []string
	for i, s := range p.doc.Timeline {
		if p.doc.TimelineOmitted > 0 && i == maxTimeline/4 {
			parts = append(parts, fmt.Sprintf("(%d more)", p.doc.TimelineOmitted))
		}
		parts = append(parts, stepText(s))
	}
	if len(parts) > 0 {
		p.item("timeline", strings.Join(parts, " > "), 4)
	}
}

func stepText(s Step) string {
	text := s.State.String()
	if s.Iterations > 1 {
		text += fmt.Sprintf(" x%d", s.Iterations)
	}
	if s.Millis != nil {
		text += " " + (time.Duration(*s.Millis) * time.Millisecond).String()
	}
	switch outcome := s.Outcome.String(); outcome {
	case "succeeded", "open":
	case "failed":
		text += " FAILED"
	default:
		text += " " + outcome
	}
	return text
}

// gaps are what could not be had.
func (p *printer) gaps() {
	label := "gaps"
	for i, t := range p.doc.Missing {
		if i == 5 {
			p.item(label, fmt.Sprintf("… %d more", len(p.doc.Missing)-i), 1)
			break
		}
		p.item(label, t.String(), 3)
		label = ""
	}
}

// footer says what a model did and cost, what was concealed, and the fingerprint.
func (p *printer) footer() {
	if m := p.doc.Model; m != nil {
		p.item("model", modelText(m), 3)
	}
	var parts []string
	if p.doc.Model == nil {
		by := "no model"
		if len(p.doc.Findings) > 0 {
			by += " (rule " + p.doc.Findings[0].Rule.String() + ")"
		}
		parts = append(parts, by)
	}
	parts = append(parts, plural(p.doc.Redactions.Count, "value")+" concealed")
	if p.doc.Fingerprint != nil {
		parts = append(parts, "fingerprint "+str(p.doc.Fingerprint))
	}
	for _, s := range fold(neutral(strings.Join(parts, " · ")), p.width-labelWidth) {
		p.line(strings.Repeat(" ", labelWidth) + p.paint(dim, s))
	}
}

func modelText(m *Model) string {
	var parts []string
	if m.ID != nil {
		parts = append(parts, str(m.ID))
	}
	if m.Error != nil {
		parts = append(parts, "no answer to use ("+m.Error.Kind.String()+")")
	} else {
		parts = append(parts, fmt.Sprintf("%s supported, %d hypothetical, %d dropped", plural(m.Kept, "claim"), m.Demoted, m.Dropped))
	}
	if n := m.InputTokens + m.OutputTokens; n > 0 {
		parts = append(parts, fmt.Sprintf("%d+%d tokens", m.InputTokens, m.OutputTokens), costText(m))
	}
	if m.LatencyMs > 0 {
		parts = append(parts, (time.Duration(m.LatencyMs) * time.Millisecond).String())
	}
	if m.Passes > 1 {
		parts = append(parts, "asked for a correction")
	}
	if m.Cached {
		parts = append(parts, "answered before, for an equal failure")
	}
	if len(m.Cut) > 0 {
		var cut []string
		for _, c := range m.Cut {
			cut = append(cut, c.String())
		}
		parts = append(parts, "not shown to it: "+strings.Join(cut, ", "))
	}
	return strings.Join(parts, " · ")
}

func costText(m *Model) string {
	if !m.CostKnown {
		return "price not known"
	}
	return fmt.Sprintf("$%.4f", m.CostUSD)
}
