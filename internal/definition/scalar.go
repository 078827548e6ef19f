package definition

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/asl"
	"go.yaml.in/yaml/v3"
)

// sign is a character that is no white space, and where it is written. White space is
// what the styles of YAML fold, strip and indent, each in its own way: two texts with
// the same signs say the same.
type sign struct {
	char rune
	span asl.Span
}

// written is a scalar as it stands in a text.
type written struct {
	whole asl.Span // with its quotes
	signs []sign
}

// lines are a text whose places go by line and column, as the YAML reader counts them.
type lines struct {
	text   string
	starts []int // of each line
	ascii  bool  // a column is a byte
}

// linesOf ends a line wherever YAML 1.1 does.
func linesOf(text string) lines {
	l := lines{text: text, starts: []int{0}, ascii: true}
	for i, c := range text {
		l.ascii = l.ascii && c < utf8.RuneSelf
		switch c {
		case '\r':
			if strings.HasPrefix(text[i:], "\r\n") {
				continue
			}
		case '\n', '\u0085', '\u2028', '\u2029':
		default:
			continue
		}
		l.starts = append(l.starts, i+utf8.RuneLen(c))
	}
	return l
}

// offset is where a node begins: at its tag or anchor, if it has one.
func (l lines) offset(n *yaml.Node) (int, bool) {
	if n.Line < 1 || n.Line > len(l.starts) {
		return 0, false
	}
	at := l.starts[n.Line-1]
	if n.Line == 1 {
		at += len(l.text) - len(strings.TrimPrefix(l.text, "\ufeff"))
	}
	if l.ascii {
		return min(at+n.Column-1, len(l.text)), true
	}
	for range n.Column - 1 {
		_, size := utf8.DecodeRuneInString(l.text[at:])
		at += size
	}
	return at, true
}

// scalar reads a scalar where it stands; ok is false where that is not what the node
// says: no place is better than a wrong one.
func (l lines) scalar(n *yaml.Node) (w written, ok bool) {
	at, ok := l.offset(n)
	if !ok {
		return written{}, false
	}
	at = skipProperties(l.text, at)
	value := plain(n.Value, asl.Span{End: len(n.Value)})
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.DoubleQuotedStyle:
		w.signs, w.whole, ok = quoted(l.text, at)
	case yaml.SingleQuotedStyle:
		w.signs, w.whole, ok = singleQuoted(l.text, at)
	case yaml.LiteralStyle, yaml.FoldedStyle:
		header := max(0, strings.IndexAny(l.text[at:], "\r\n"))
		w.signs, w.whole = unquoted(l.text, at+header, len(value))
	default:
		w.signs, w.whole = unquoted(l.text, at, len(value))
	}
	return w, ok && equalSigns(w.signs, value)
}

// skipProperties goes past the tag and the anchor of a node.
func skipProperties(text string, at int) int {
	for at < len(text) && (text[at] == '!' || text[at] == '&') {
		rest := strings.TrimLeftFunc(strings.TrimLeftFunc(text[at:], notSpace), unicode.IsSpace)
		at = len(text) - len(rest)
	}
	return at
}

func notSpace(c rune) bool { return !unicode.IsSpace(c) }

// plain are the signs of a part of a text.
func plain(text string, within asl.Span) []sign {
	signs := []sign{}
	for i, c := range text[within.Start:within.End] {
		if at := within.Start + i; !unicode.IsSpace(c) {
			signs = append(signs, sign{c, asl.Span{Start: at, End: at + utf8.RuneLen(c)}})
		}
	}
	return signs
}

// unquoted are the next n signs of a text.
func unquoted(text string, at, n int) ([]sign, asl.Span) {
	signs := make([]sign, 0, n)
	for i, c := range text[at:] {
		if len(signs) == n {
			break
		}
		if !unicode.IsSpace(c) {
			signs = append(signs, sign{c, asl.Span{Start: at + i, End: at + i + utf8.RuneLen(c)}})
		}
	}
	if len(signs) == 0 {
		return signs, asl.Span{Start: at, End: at}
	}
	return signs, asl.Span{Start: signs[0].span.Start, End: signs[len(signs)-1].span.End}
}

// singleQuoted reads a scalar in single quotes.
func singleQuoted(text string, at int) (signs []sign, whole asl.Span, ok bool) {
	return inQuotes(text, at, '\'', func(rest string) (rune, int) {
		if strings.HasPrefix(rest, "''") {
			return '\'', 2
		}
		return utf8.DecodeRuneInString(rest)
	})
}

// quoted reads a scalar of YAML in double quotes, or a string of JSON, whose escapes are
// among YAML's.
func quoted(text string, at int) (signs []sign, whole asl.Span, ok bool) {
	return inQuotes(text, at, '"', func(rest string) (rune, int) {
		if rest[0] == '\\' && len(rest) > 1 {
			return escaped(rest)
		}
		return utf8.DecodeRuneInString(rest)
	})
}

// inQuotes reads up to the closing quote; next reads one character and tells its size.
func inQuotes(text string, at int, quote byte, next func(rest string) (rune, int)) (signs []sign, whole asl.Span, ok bool) {
	if at >= len(text) || text[at] != quote {
		return nil, asl.Span{}, false
	}
	for i := at + 1; i < len(text); {
		c, size := next(text[i:])
		if text[i] == quote && size == 1 {
			return signs, asl.Span{Start: at, End: i + 1}, true
		}
		if !unicode.IsSpace(c) {
			signs = append(signs, sign{c, asl.Span{Start: i, End: i + size}})
		}
		i += size
	}
	return nil, asl.Span{}, false
}

// escapes are those of one letter that stand for a sign; of white space nobody asks.
var escapes = map[byte]rune{'0': 0, 'a': '\a', 'b': '\b', 'e': 0x1b}

// escapedSpaces are the letters that stand for white space, and the line break that a
// backslash takes away.
const escapedSpaces = "tnvfrN_LP \t\r\n"

// digits are how many an escape has.
var digits = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// escaped reads the escape that rest begins with.
func escaped(rest string) (rune, int) {
	c := rest[1]
	if strings.IndexByte(escapedSpaces, c) >= 0 {
		return ' ', 2
	}
	if sign, ok := escapes[c]; ok {
		return sign, 2
	}
	if n := digits[c]; n > 0 && len(rest) >= 2+n {
		code, err := strconv.ParseUint(rest[2:2+n], 16, 32)
		if err == nil {
			return rune(code), 2 + n
		}
	}
	sign, size := utf8.DecodeRuneInString(rest[1:])
	return sign, 1 + size
}
