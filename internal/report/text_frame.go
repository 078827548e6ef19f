package report

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

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
	room := p.width - len(gutter) - 4
	whole, before, marked := laidOut(line, f.Caret, room)
	p.line(p.paint(cyan, fmt.Sprintf("%*d |", len(gutter), line.Number)) + " " + clip(whole, room))
	if line.Number != f.Caret.Line {
		return
	}
	bar := gutter + p.paint(cyan, " |") + " "
	carets := strings.Repeat("^", max(1, min(width(marked), room-width(before))))
	label := neutral(f.Label.String())
	pad := strings.Repeat(" ", width(before))
	if width(before)+len(carets)+1+width(label) <= room {
		p.line(bar + pad + p.paint(red, carets+" "+label))
		return
	}
	p.line(bar + pad + p.paint(red, carets))
	for _, s := range fold(label, room) {
		p.line(bar + p.paint(red, s))
	}
}

// laidOut returns a line as it is shown, what stands before the marked part and that
// part: with two columns of indentation, and cut at its beginning where the marked part
// would lie outside of the room.
func laidOut(line Line, c Caret, room int) (whole, before, marked string) {
	runes := []rune(line.Text.String())
	start := min(max(c.Start-1, 0), len(runes))
	end := min(max(c.End-1, start), len(runes))
	whole, before = expand(string(runes)), expand(string(runes[:start]))
	if rest, ok := strings.CutPrefix(expand(string(runes[:end])), before); ok {
		marked = rest
	}
	indent := len(whole) - len(strings.TrimLeft(whole, " "))
	if drop := min(indent-2, width(before)); drop > 0 {
		whole, before = whole[drop:], before[min(drop, len(before)):]
	}
	over := width(before) + width(marked) - room
	if over <= 0 || width(before) <= 8 {
		return whole, before, marked
	}
	kept := before
	for cut := min(over+4, width(before)-4); kept != "" && width(before)-width(kept) < cut; {
		_, size := utf8.DecodeRuneInString(kept)
		kept = kept[size:]
	}
	return "…" + strings.TrimPrefix(whole, strings.TrimSuffix(before, kept)), "…" + kept, marked
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
