package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// neutral returns one line without anything that a terminal obeys or that turns text
// around: control characters, escape codes, directional marks and invisible
// characters are shown as \x1b or \u202e, line ends and tabs become spaces.
func neutral(s string) string {
	clean := true
	for _, c := range s {
		if hostile(c) || c == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '\n' || c == '\t':
			b.WriteByte(' ')
		case c == '\r':
		case c < 0x100 && hostile(c):
			fmt.Fprintf(&b, `\x%02x`, c)
		case c > 0xffff && hostile(c):
			fmt.Fprintf(&b, `\U%08x`, c)
		case hostile(c):
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// hostile tells control, format, private, surrogate and line-separating characters.
func hostile(c rune) bool {
	return unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp)
}

// tabStop is how wide a tab is in a code frame.
const tabStop = 4

// expand replaces tabs by spaces up to the next stop, and neutralises the rest.
func expand(s string) string {
	if !strings.Contains(s, "\t") {
		return neutral(s)
	}
	var b strings.Builder
	column := 0
	for _, part := range strings.SplitAfter(s, "\t") {
		text := neutral(strings.TrimSuffix(part, "\t"))
		b.WriteString(text)
		column += width(text)
		if len(part) > 0 && part[len(part)-1] == '\t' {
			pad := tabStop - column%tabStop
			b.WriteString(strings.Repeat(" ", pad))
			column += pad
		}
	}
	return b.String()
}

// width is how many columns a terminal takes for s.
func width(s string) int { return displaywidth.String(s) }

// fold breaks one line at spaces so that no line is wider than limit. A word that is
// wider than that is broken inside.
func fold(s string, limit int) []string {
	limit = max(limit, 8)
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(s) {
		w := width(word)
		if used > 0 && used+1+w <= limit {
			line, used = line+" "+word, used+1+w
			continue
		}
		if used > 0 {
			lines = append(lines, line)
		}
		if w > limit {
			pieces := broken(word, limit)
			lines = append(lines, pieces[:len(pieces)-1]...)
			word = pieces[len(pieces)-1]
			w = width(word)
		}
		line, used = word, w
	}
	if used > 0 {
		lines = append(lines, line)
	}
	return lines
}

// foldTight is fold for JSON, which has few spaces: a long word begins where there is room.
func foldTight(s string, limit int) []string {
	var b strings.Builder
	used := 0
	for i, word := range strings.Fields(s) {
		w := width(word)
		room := limit - used - 1
		if i > 0 && w > room && w > limit/2 && room > 16 {
			head := displaywidth.TruncateString(word, room, "")
			b.WriteString(" " + head)
			word = word[len(head):]
			w, used = width(word), limit
		}
		if used+1+w > limit {
			used = w % max(limit, 1)
		} else {
			used += 1 + w
		}
		b.WriteString(" " + word)
	}
	return fold(b.String(), limit)
}

// broken cuts a word into pieces of at most limit columns.
func broken(word string, limit int) []string {
	var pieces []string
	start, at, used := 0, 0, 0
	for g := displaywidth.StringGraphemes(word); g.Next(); {
		if w := g.Width(); used+w > limit {
			pieces = append(pieces, word[start:at])
			start, used = at, w
		} else {
			used += w
		}
		at += len(g.Value())
	}
	return append(pieces, word[start:])
}

// clip shortens one line to n columns.
func clip(s string, n int) string {
	if width(s) <= n {
		return s
	}
	return displaywidth.TruncateString(s, n, "…")
}
