package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/value"
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
// fix, next command, notes, timeline, gaps, and what it cost. All text of the document
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
		p.fixes()
	}
	p.list("next", p.notShown(doc.Next))
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

// verdict is the first line in parts: what became of it, where, and the facts.
func verdict(doc Document, zone *time.Location) []string {
	out := []string{outcome(doc), strings.Join(nonEmpty(machine(doc), places(doc)), " / ")}
	if f := subject(doc); f != nil {
		out = append(out, nonEmpty(str(f.Error))...)
	}
	out = append(out, nonEmpty(str(doc.Category))...)
	if doc.Retryable != nil {
		out = append(out, retryWords[doc.Retryable.answer])
	}
	if s := doc.Seen; s != nil && s.Count > 1 {
		seen := fmt.Sprintf("seen %dx", s.Count)
		if s.Since != nil {
			seen += " since " + clock(*s.Since, doc.Execution, zone)
		}
		out = append(out, seen)
	}
	return out
}

var retryWords = map[diagnose.Retryable]string{
	diagnose.Yes: "retryable", diagnose.No: "not retryable", diagnose.Depends: "a retry may help",
}

// clock shows the time, and the date where it is not the execution's.
func clock(t time.Time, x *Execution, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	t = t.In(zone)
	if x != nil && x.Start != nil && x.Start.In(zone).Format(time.DateOnly) == t.Format(time.DateOnly) {
		return t.Format("15:04 MST")
	}
	return t.Format("2006-01-02 15:04 MST")
}

func outcome(doc Document) string {
	if doc.Phase.String() != string(diagnose.Run) {
		return "REFUSED"
	}
	if x := doc.Execution; x != nil && x.Status != nil {
		return neutral(str(x.Status))
	}
	if doc.Failure != nil {
		return "FAILED"
	}
	return "UNKNOWN"
}

func machine(doc Document) string {
	if doc.Execution == nil {
		return ""
	}
	return cmp.Or(str(doc.Execution.StateMachine), str(doc.Execution.Name))
}

// places names the failing state; with an origin both, the one to mend first in front.
func places(doc Document) string {
	if doc.Failure == nil {
		return ""
	}
	failed := where(doc.Failure)
	switch {
	case doc.Origin == nil:
		return failed
	case doc.HandlerFailed:
		return strings.TrimSpace(cmp.Or(failed, "the handler") + ", which was to handle " + where(doc.Origin) + " " + str(doc.Origin.Error))
	}
	if e := str(doc.Failure.Error); e != "" && e != str(doc.Origin.Error) {
		failed += " " + e
	}
	return where(doc.Origin) + ", which led to " + cmp.Or(failed, "the end")
}

// where is a state with what it lies in: "Orders[3] / Charge".
func where(f *Failure) string {
	var b strings.Builder
	for _, t := range f.Path {
		s := t.String()
		if b.Len() > 0 && !strings.HasPrefix(s, "[") {
			b.WriteString(" / ")
		}
		b.WriteString(s)
	}
	if f.State != nil {
		if b.Len() > 0 {
			b.WriteString(" / ")
		}
		b.WriteString(str(f.State))
	}
	return b.String()
}

// subject is the failure that category and root cause describe.
func subject(doc Document) *Failure {
	if doc.Origin != nil && !doc.HandlerFailed {
		return doc.Origin
	}
	return doc.Failure
}

func str(t *redact.Text) string {
	if t == nil {
		return ""
	}
	return t.String()
}

func nonEmpty(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// place shows the code frame and the recorded input.
func (p *printer) place() {
	gutter := " "
	if f := p.doc.Focus; f != nil && len(f.Lines) > 0 {
		last := f.Lines[len(f.Lines)-1].Number
		gutter = strings.Repeat(" ", len(strconv.Itoa(last)))
		file := neutral(cmp.Or(str(f.File), p.style.File, "definition"))
		p.arrow(gutter, fmt.Sprintf("%s:%d:%d", file, f.Line, f.Column), "   ("+p.event()+")")
		p.line(gutter + p.paint(cyan, " |"))
		for _, line := range f.Lines {
			p.codeLine(line, gutter)
		}
	} else {
		p.arrow(gutter, p.event(), "")
	}
	p.recorded(gutter)
}

// arrow writes the place, which stays in one piece so that it can be clicked, and what belongs to it.
func (p *printer) arrow(gutter, place, rest string) {
	if width(gutter)+4+width(place)+width(rest) <= p.width {
		place += rest
		rest = ""
	}
	p.line(gutter + p.paint(cyan, "-->") + " " + place)
	if rest != "" {
		p.line(gutter + "    " + strings.TrimSpace(rest))
	}
}

// event says which execution, event and attempt it was.
func (p *printer) event() string {
	var parts []string
	if x := p.doc.Execution; x != nil && x.Name != nil {
		parts = append(parts, "execution "+neutral(str(x.Name)))
	}
	f := subject(p.doc)
	if f.FailedEvent != nil {
		parts = append(parts, fmt.Sprintf("event %d", *f.FailedEvent))
	}
	if f.Attempts != nil {
		parts = append(parts, fmt.Sprintf("attempt %d", *f.Attempts))
	}
	return cmp.Or(strings.Join(parts, ", "), "only error and cause were given")
}

// codeLine shows a line, and the caret below it where it is the one.
func (p *printer) codeLine(line Line, gutter string) {
	f := p.doc.Focus
	runes := []rune(line.Text.String())
	start := min(max(f.Caret.Start-1, 0), len(runes))
	end := min(max(f.Caret.End-1, start), len(runes))
	before, marked := expand(string(runes[:start])), ""
	whole := expand(string(runes))
	if rest, ok := strings.CutPrefix(expand(string(runes[:end])), before); ok {
		marked = rest
	}
	indent := len(whole) - len(strings.TrimLeft(whole, " "))
	if drop := min(indent-2, width(before)); drop > 0 { // deep nesting leaves little room
		whole, before = whole[drop:], before[min(drop, len(before)):]
	}
	room := p.width - len(gutter) - 4
	if over := width(before) + width(marked) - room; over > 0 && width(before) > 8 {
		cut := min(over+4, width(before)-4)
		kept := before
		for width(before)-width(kept) < cut && kept != "" {
			_, size := utf8.DecodeRuneInString(kept)
			kept = kept[size:]
		}
		whole = "…" + strings.TrimPrefix(whole, strings.TrimSuffix(before, kept))
		before = "…" + kept
	}
	p.line(p.paint(cyan, fmt.Sprintf("%*d |", len(gutter), line.Number)) + " " + clip(whole, room))
	if line.Number != f.Caret.Line {
		return
	}
	carets := strings.Repeat("^", max(1, min(width(marked), room-width(before))))
	label := neutral(f.Label.String())
	pad := strings.Repeat(" ", width(before))
	if width(before)+len(carets)+1+width(label) <= room {
		p.line(gutter + p.paint(cyan, " |") + " " + pad + p.paint(red, carets+" "+label))
		return
	}
	p.line(gutter + p.paint(cyan, " |") + " " + pad + p.paint(red, carets))
	for _, s := range fold(label, room) {
		p.line(gutter + p.paint(cyan, " |") + " " + p.paint(red, s))
	}
}

// recorded shows the input at the place that matters, and the cause as it was recorded.
func (p *printer) recorded(gutter string) {
	f := subject(p.doc)
	if f.Input != nil {
		pointer, text := "", f.Input.String()
		if focus := p.doc.Focus; focus != nil {
			pointer, text = nearest(text, str(focus.InputPointer))
		}
		label := "input"
		if f.EnteredEvent != nil {
			label += fmt.Sprintf(" (event %d)", *f.EnteredEvent)
		}
		if pointer != "" {
			label += " at " + pointer
		}
		p.note(gutter, label+": "+text, 2)
	}
	if c := causeText(str(f.Cause)); c != "" {
		p.note(gutter, "cause: "+c, 3)
	}
}

// causeText is what a Lambda function raised, in the way languages write it, where the
// cause is the JSON of that; else the cause.
func causeText(cause string) string {
	v, err := value.Parse(cause)
	if err != nil {
		return cause
	}
	message, _ := v.Get("errorMessage")
	kind, _ := v.Get("errorType")
	m, ok := message.AsString()
	if !ok {
		return cause
	}
	k, _ := kind.AsString()
	return strings.TrimPrefix(k+": "+m, ": ")
}

// note writes "= …" below a frame, at most n lines of it.
func (p *printer) note(gutter, text string, n int) {
	room := p.width - len(gutter) - 5
	lines := foldTight(neutral(text), room)
	if len(lines) > n {
		lines = lines[:n]
		lines[n-1] = clip(lines[n-1]+" …", room)
	}
	for i, s := range lines {
		mark := "=  "
		if i > 0 {
			mark = "   "
		}
		p.line(gutter + " " + p.paint(cyan, mark[:1]) + mark[1:2] + s)
	}
}

// nearest returns what stands at the pointer, or at its nearest ancestor that is there.
func nearest(text, pointer string) (string, string) {
	v, err := value.Parse(text)
	if err != nil || pointer == "" {
		return "", text
	}
	at := ""
	for _, token := range tokens(pointer) {
		next, ok := v.Get(token)
		if i, err := strconv.Atoi(token); !ok && err == nil && i >= 0 && i < len(v.Items()) {
			next, ok = v.Items()[i], true
		}
		if !ok {
			break
		}
		if k := next.Kind(); k != value.KindObject && k != value.KindArray {
			break // a scalar alone says less than the object that it stands in
		}
		v, at = next, at+"/"+escapeToken(token)
	}
	return at, v.JSON()
}

// cause writes the root cause with what it rests on.
func (p *printer) cause() {
	text := p.doc.RootCause.String()
	if text == "" {
		text = "not found: no rule knows this failure"
	}
	var cites []string
	for _, f := range p.doc.Findings {
		if len(cites) == 0 && !f.Contributing && f.Rule != redact.Static("model") {
			for _, c := range f.Cites {
				cites = append(cites, "["+c.String()+"]")
			}
		}
	}
	if m := p.doc.Model; m != nil && m.Leads {
		text = "(the model's reading, checked against the evidence) " + text
		for _, c := range m.Claims {
			for _, id := range c.Cites {
				cites = append(cites, "["+id.String()+"]")
			}
		}
		slices.Sort(cites)
		cites = slices.Compact(cites)
	}
	p.item("root cause", text+"  "+strings.Join(cites[:min(len(cites), 6)], " "), 6)
	p.item("", p.doc.Explanation.String(), 5)
}

// badges colours what is known of a remedy.
var badges = map[string]string{
	string(diagnose.Verified): green, string(diagnose.Partial): yellow,
	string(diagnose.Refuted): red, string(diagnose.Unverifiable): yellow,
}

// fixes writes the first remedy in full and the titles of the others.
func (p *printer) fixes() {
	for i, r := range p.doc.Remediation {
		if i == 0 {
			p.fix(r)
			continue
		}
		if i < 4 {
			p.item("or", who(r)+r.Title.String(), 2)
		}
	}
}

func who(r Remedy) string {
	if r.ByModel {
		return "(the model proposes) "
	}
	return ""
}

// fix writes badge, title, how it was tried, the diff and the steps.
func (p *printer) fix(r Remedy) {
	badge, how := badgeOf(r)
	text := strings.TrimSpace(badge + " " + who(r) + r.Title.String())
	if how != "" {
		text += ": " + how
	}
	for i, s := range fold(neutral(text), p.width-labelWidth) {
		label := ""
		if i == 0 {
			label = "fix"
			s = p.paint(bold+";"+badges[badge], badge) + strings.TrimPrefix(s, badge)
		}
		p.line(p.paint(bold, fmt.Sprintf("%-*s", labelWidth, label)) + s)
	}
	p.diff(r)
	for i, s := range r.Steps {
		if i == 5 {
			p.item("", fmt.Sprintf("… %d more steps", len(r.Steps)-i), 1)
			break
		}
		p.item("", fmt.Sprintf("%d. %s", i+1, s.String()), 3)
	}
}

// badgeOf is "" for a remedy that changes no definition: nothing could be run.
func badgeOf(r Remedy) (badge, how string) {
	if v := r.Verification; v != nil {
		return neutral(v.Status.String()), v.How.String()
	}
	if r.Diff != nil || r.LocalOnly {
		return "UNVERIFIED", ""
	}
	return "", ""
}

// maxDiffLines is how much of a diff a terminal shows.
const maxDiffLines = 12

func (p *printer) diff(r Remedy) {
	if r.LocalOnly {
		p.item("", "this change touches a concealed place: only the machine that has the definition can apply it", 2)
	}
	if r.Diff == nil {
		return
	}
	lines := strings.Split(strings.TrimSuffix(changedLines(r.Diff.String()), "\n"), "\n")
	for i, s := range lines {
		if s == "" {
			continue
		}
		if i == maxDiffLines {
			p.line(fmt.Sprintf("   … %d more lines", len(lines)-i))
			break
		}
		color := red
		if s[0] == '+' {
			color = green
		}
		p.line("   " + p.paint(color, s[:1]+" "+clip(expand(s[1:]), p.width-6)))
	}
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
		say(fmt.Sprintf("%s inside that did not end the execution", plural(p.doc.OtherFailureCount, "failure")))
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
