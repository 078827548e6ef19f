package report

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/redact"
)

// maxFrameLine is how much of one line of a definition is shown: definitions on one
// line exist. It counts characters.
const maxFrameLine = 160

// focus finds the place of the leading finding, else the failing state's name.
func (b *builder) focus() *Focus {
	place := b.leadingFocus()
	if place == nil || place.Span == (asl.Span{}) {
		place = b.stateFocus(place)
	}
	source := b.source()
	if place == nil || source == nil || !within(place.Span, len(source.Text)) {
		return nil
	}
	source, span := b.asWritten(source, place.Span)
	line, column := source.Position(span.Start)
	f := &Focus{
		File:         b.opt(source.Name),
		Line:         line,
		Column:       column,
		Label:        b.text(place.Label),
		InputPointer: b.opt(place.Pointer),
	}
	if s := b.c.Subject(); s != nil && !s.Input.IsAbsent() {
		f.InputEvent = number(s.EnteredEvent)
	}
	b.frame(f, source.Text, span)
	return f
}

// asWritten is a place of the definition in the text that people wrote, where the
// definition was made of that: in it they look, and mend. The definition itself is shown
// where that is not to be told, or where something secret stands: what is secret is told
// best in JSON, and no other form may show it.
func (b *builder) asWritten(source *asl.Source, span asl.Span) (*asl.Source, asl.Span) {
	if source.Origin == nil {
		return source, span
	}
	written := source.Origin.Source
	at, ok := source.Origin.Find(span)
	if !ok || !within(at, len(written.Text)) || b.hides(source, lineOf(written.Text, at.Start)) {
		return source, span
	}
	return written, at
}

// hides reports that a line of what a definition was made of has something in it that is
// concealed in the definition, or that this is not to be told.
func (b *builder) hides(source *asl.Source, line asl.Span) bool {
	raw, shown := strings.Split(source.Text, "\n"), strings.Split(b.json(source.Text).String(), "\n")
	if len(raw) != len(shown) {
		return true
	}
	start := 0
	for i := range raw {
		end := start + len(raw[i])
		if raw[i] != shown[i] {
			at, ok := source.Origin.Find(asl.Span{Start: start, End: end})
			if !ok || at.Start < line.End && line.Start < at.End {
				return true
			}
		}
		start = end + 1
	}
	return false
}

// lineOf is the line that an offset is on, without its end.
func lineOf(text string, at int) asl.Span {
	line := asl.Span{Start: strings.LastIndexByte(text[:at], '\n') + 1, End: len(text)}
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		line.End = at + i
	}
	return line
}

func within(s asl.Span, size int) bool { return 0 <= s.Start && s.Start < s.End && s.End <= size }

// stateFocus is the name of the failing state, with the input pointer that is known.
func (b *builder) stateFocus(known *diagnose.Focus) *diagnose.Focus {
	if b.c.State == nil || b.c.State.NameSpan == (asl.Span{}) {
		return known
	}
	place := diagnose.Focus{Span: b.c.State.NameSpan, Label: "failed here"}
	if known != nil {
		place.Pointer, place.Label = known.Pointer, cmp.Or(known.Label, place.Label)
	}
	return &place
}

func (b *builder) source() *asl.Source {
	switch {
	case b.c.Machine != nil && b.c.Machine.Source() != nil:
		return b.c.Machine.Source()
	case b.c.State != nil && b.c.State.Machine != nil:
		return b.c.State.Machine.Source()
	}
	return nil
}

// frame adds the line that the span begins on, redacted, and where the caret goes.
// The whole text is redacted, as a single line does not tell what is secret in it.
func (b *builder) frame(f *Focus, text string, span asl.Span) {
	line := lineOf(text, span.Start)
	start := line.Start
	raw := strings.TrimSuffix(text[line.Start:line.End], "\r")
	shown := b.text(raw)
	if lines := strings.Split(b.json(text).String(), "\n"); len(lines) == strings.Count(text, "\n")+1 {
		shown = b.r.Stored(strings.TrimSuffix(lines[f.Line-1], "\r"))
	}
	from := utf8.RuneCountInString(raw[:min(span.Start-start, len(raw))])
	to := from + utf8.RuneCountInString(raw[min(span.Start-start, len(raw)):min(span.End-start, len(raw))])
	from, to = carry(raw, shown.String(), from, to)
	shown, from, to = b.window(shown, from, to)
	f.Lines = []Line{{Number: f.Line, Text: shown}}
	f.Caret = Caret{Line: f.Line, Start: from + 1, End: max(to, from+1) + 1}
}

// carry moves a range of characters from a raw line to the redacted one: as it is
// where the lines agree up to it, else the whole line.
func carry(raw, shown string, from, to int) (int, int) {
	if raw == shown {
		return from, to
	}
	a, b := []rune(raw), []rune(shown)
	span := string(a[from:to])
	if to <= len(b) && string(a[:to]) == string(b[:to]) {
		return from, to
	}
	if i := strings.Index(shown, span); i >= 0 && strings.Count(shown, span) == 1 {
		from = utf8.RuneCountInString(shown[:i])
		return from, from + utf8.RuneCountInString(span)
	}
	indent := len(b) - len([]rune(strings.TrimLeft(shown, " \t")))
	return indent, len(b)
}

// window cuts a very long line around the caret.
func (b *builder) window(line redact.Text, from, to int) (redact.Text, int, int) {
	runes := []rune(line.String())
	if len(runes) <= maxFrameLine {
		return line, from, to
	}
	start := max(0, min(from-maxFrameLine/4, len(runes)-maxFrameLine))
	end := min(len(runes), start+maxFrameLine)
	return b.r.Stored(string(runes[start:end])), from - start, min(to, end) - start
}
