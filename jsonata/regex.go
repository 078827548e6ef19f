package jsonata

import (
	"io"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// regex is a regular expression literal. It is matched in linear time, so it has
// no look-around and no back-references.
type regex struct {
	re *regexp.Regexp
	// from matches in a text that starts one character before the place where the
	// search is to start, so that \b and ^ see what stands there.
	from     *regexp.Regexp
	nonEmpty bool // cannot match the empty string
}

func newRegex(pattern, flags string) (*regex, *Error) {
	text, problem := translateRegex(pattern)
	if problem != "" {
		return nil, regexError(pattern, problem)
	}
	prefix := ""
	if strings.Contains(flags, "i") {
		prefix += "i"
	}
	if strings.Contains(flags, "m") {
		prefix += "m"
	}
	if prefix != "" {
		text = "(?" + prefix + ":" + text + ")"
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, regexError(pattern, err.Error())
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, regexError(pattern, err.Error())
	}
	from, err := regexp.Compile(`\A(?s:.)(?s:.*?)(` + text + `)`)
	if err != nil {
		return nil, regexError(pattern, err.Error())
	}
	return &regex{re: re, from: from, nonEmpty: minLength(tree) > 0}, nil
}

func regexError(pattern, problem string) *Error {
	e := failValue("S0303", value.String(pattern))
	e.Message = "The regular expression /" + pattern + "/ cannot be used: " + problem
	return e
}

// minLength is the least number of characters that a match has.
func minLength(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return minLength(re.Sub[0])
	case syntax.OpRepeat:
		return min(re.Min, 1) * minLength(re.Sub[0])
	case syntax.OpConcat:
		n := 0
		for _, sub := range re.Sub {
			n += minLength(sub)
		}
		return n
	case syntax.OpAlternate:
		n := minLength(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			n = min(n, minLength(sub))
		}
		return n
	}
	return 0
}

const (
	jsSpace    = `\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
	jsNotSpace = `\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
	jsAnyChar  = `[^\n\r\x{2028}\x{2029}]`
)

// translateRegex writes an ECMAScript pattern in RE2's syntax, or says why not.
func translateRegex(p string) (text, problem string) {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(p); {
		c := p[i]
		switch {
		case c == '\\':
			n, problem := translateEscape(&b, p[i:], inClass)
			if problem != "" {
				return "", problem
			}
			i += n
			continue
		case inClass:
			switch {
			case c == ']':
				inClass = false
				b.WriteByte(c)
			case c == '[':
				b.WriteString(`\[`)
			default:
				b.WriteByte(c)
			}
		case c == '[':
			n := translateClassStart(&b, p[i:])
			inClass = n < 0
			if inClass {
				n = -n
			}
			i += n
			continue
		case c == '.':
			b.WriteString(jsAnyChar)
		case c == '(' && strings.HasPrefix(p[i:], "(?"):
			rest := p[i+2:]
			if strings.HasPrefix(rest, "=") || strings.HasPrefix(rest, "!") || strings.HasPrefix(rest, "<=") || strings.HasPrefix(rest, "<!") {
				return "", "look-ahead and look-behind are not supported"
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
		i++
	}
	return b.String(), ""
}

// translateClassStart handles [ with what must come first; a negative result
// means that the class goes on.
func translateClassStart(b *strings.Builder, p string) int {
	switch {
	case strings.HasPrefix(p, "[^]"):
		b.WriteString(`[\x{0}-\x{10ffff}]`)
		return 3
	case strings.HasPrefix(p, "[]"):
		b.WriteString(`[^\x{0}-\x{10ffff}]`)
		return 2
	case strings.HasPrefix(p, "[^"):
		b.WriteString("[^")
		return -2
	}
	b.WriteByte('[')
	return -1
}

func translateEscape(b *strings.Builder, p string, inClass bool) (n int, problem string) {
	if len(p) < 2 {
		return 0, "it ends with a backslash"
	}
	c := p[1]
	switch {
	case c == 's' || c == 'S':
		set := jsSpace
		if c == 'S' {
			set = jsNotSpace
		}
		if !inClass {
			set = "[" + set + "]"
		}
		b.WriteString(set)
	case c == 'b' && inClass:
		b.WriteString(`\x08`)
	case strings.IndexByte("dDwWbBtnrfv", c) >= 0:
		b.WriteString(p[:2])
	case c == '0' && (len(p) < 3 || !isDigit(p[2])):
		b.WriteString(`\x{0}`)
	case isDigit(c):
		return 0, "back-references are not supported"
	case c == 'k':
		return 0, "back-references are not supported"
	case c == 'u' || c == 'x':
		return translateHex(b, p)
	case c == 'c' && len(p) > 2:
		b.WriteString(`\x{` + strconv.FormatInt(int64(p[2]&31), 16) + `}`)
		return 3, ""
	case (c == 'p' || c == 'P') && strings.HasPrefix(p[2:], "{"):
		b.WriteString(p[:2])
	default:
		_, size := utf8.DecodeRuneInString(p[1:])
		b.WriteString(regexp.QuoteMeta(p[1 : 1+size]))
		if c == '-' && inClass {
			// QuoteMeta leaves it bare, where it would make a range.
			s := b.String()
			b.Reset()
			b.WriteString(s[:len(s)-1] + `\-`)
		}
		return 1 + size, ""
	}
	return 2, ""
}

// translateHex handles \xHH and \uHHHH; without digits they are just letters.
func translateHex(b *strings.Builder, p string) (int, string) {
	digits := 2
	if p[1] == 'u' {
		digits = 4
	}
	if len(p) >= 2+digits {
		if u, err := strconv.ParseUint(p[2:2+digits], 16, 32); err == nil {
			b.WriteString(`\x{` + strconv.FormatUint(u, 16) + `}`)
			return 2 + digits, ""
		}
	}
	b.WriteByte(p[1])
	return 2, ""
}

// match is one place where a pattern matched. Offsets are bytes.
type match struct {
	text       string
	start, end int
	groups     []value.Value
}

// smallText is up to which size a text is searched at one go; longer ones match
// by match, with the characters read counted as steps.
const smallText = 512

// each calls f for the matches of re in s, at most limit of them (-1 is all),
// until f returns false.
func (r *regex) each(ev *run, s string, limit int, f func(match) (bool, error)) error {
	if r.nonEmpty && len(s) <= smallText {
		found := r.re.FindAllStringSubmatchIndex(s, limit)
		if err := ev.tick((1 + len(found)) * (1 + len(s)/8)); err != nil {
			return err
		}
		for _, loc := range found {
			if more, err := f(r.match(s, loc, 0)); err != nil || !more {
				return err
			}
		}
		return nil
	}
	for at, first := 0, true; limit != 0; limit, first = limit-1, false {
		m, ok, err := r.next(ev, s, at, first)
		if err != nil || !ok {
			return err
		}
		if more, err := f(m); err != nil || !more {
			return err
		}
		at = m.end
	}
	return nil
}

// next finds the first match at or behind a place. Only the first match in a
// text may be empty; a further one would never end.
func (r *regex) next(ev *run, s string, at int, first bool) (match, bool, error) {
	if !first && at >= len(s) {
		return match{}, false, nil
	}
	re, shift, skip := r.re, 0, 0
	if at > 0 {
		_, n := utf8.DecodeLastRuneInString(s[:at])
		re, shift, skip = r.from, at-n, 2
	}
	var loc []int
	if len(s)-at <= smallText {
		loc = re.FindStringSubmatchIndex(s[shift:])
		if err := ev.tick(1 + (len(s)-at)/8); err != nil {
			return match{}, false, err
		}
	} else {
		rd := &countingReader{s: s[shift:]}
		loc = re.FindReaderSubmatchIndex(rd)
		if err := ev.tick(1 + 2*rd.at); err != nil {
			return match{}, false, err
		}
	}
	if loc == nil {
		return match{}, false, nil
	}
	m := r.match(s, loc[skip:], shift)
	if m.start == m.end && !first {
		return m, false, failValue("D1004", value.String(""))
	}
	return m, true, nil
}

type countingReader struct {
	s  string
	at int
}

func (r *countingReader) ReadRune() (rune, int, error) {
	if r.at >= len(r.s) {
		return 0, 0, io.EOF
	}
	c, n := utf8.DecodeRuneInString(r.s[r.at:])
	r.at += n
	return c, n, nil
}

func (r *regex) match(s string, loc []int, shift int) match {
	m := match{start: loc[0] + shift, end: loc[1] + shift}
	m.text = s[m.start:m.end]
	for i := 2; i+1 < len(loc); i += 2 {
		var g value.Value
		if loc[i] >= 0 {
			g = value.String(s[loc[i]+shift : loc[i+1]+shift])
		}
		m.groups = append(m.groups, g)
	}
	return m
}

// matcher is the function that a regular expression is: from a string to its
// first match, which has a function that gives the next one.
func (r *regex) matcher() *function {
	f := r.matcherFrom("", 0, true)
	f.regex = r
	return f
}

func (r *regex) matcherFrom(s string, at int, first bool) *function {
	return &function{arity: 1, native: func(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
		text := s
		if first && len(args) > 0 {
			text, _ = args[0].AsString()
		}
		m, ok, err := r.next(ev, text, at, first)
		if err != nil || !ok {
			return value.Value{}, err
		}
		ev.carried = true
		return value.Object(
			value.Member{Key: "match", Value: value.String(m.text)},
			value.Member{Key: "start", Value: value.Float(float64(utf16Len(text[:m.start])))},
			value.Member{Key: "end", Value: value.Float(float64(utf16Len(text[:m.end])))},
			value.Member{Key: "groups", Value: value.Array(m.groups...)},
			value.Member{Key: "next", Value: value.Opaque(r.matcherFrom(text, m.end, false))},
		), nil
	}}
}

// eachMatch is regex.each for any matcher: a regular expression or a function
// that behaves like one.
func (ev *run) eachMatch(f *function, s string, limit int, yield func(match) (bool, error)) error {
	if f.regex != nil {
		return f.regex.each(ev, s, limit, yield)
	}
	v, err := ev.apply(f, []value.Value{value.String(s)}, noContext)
	for ; err == nil && limit != 0; limit-- {
		v = normalize(v)
		if v.IsAbsent() {
			return nil
		}
		m, next, ok := readMatch(v, s)
		if !ok {
			return failValue("T1010", v)
		}
		if more, err := yield(m); err != nil || !more || next == nil {
			return err
		}
		v, err = ev.apply(next, nil, noContext)
	}
	return err
}

// readMatch reads what a matcher function returned.
func readMatch(v value.Value, s string) (m match, next *function, ok bool) {
	start, hasStart := numberMember(v, "start")
	end, hasEnd := numberMember(v, "end")
	groups, _ := v.Get("groups")
	nextValue, _ := v.Get("next")
	next = asFunction(nextValue)
	if !hasStart && !hasEnd && groups.Kind() != value.KindArray && next == nil {
		return m, nil, false
	}
	text, _ := v.Get("match")
	m.text, _ = text.AsString()
	m.start, m.end = byteOfUnit(s, start), byteOfUnit(s, end)
	m.end = max(m.end, m.start)
	m.groups = groups.Items()
	return m, next, true
}

func numberMember(v value.Value, key string) (int, bool) {
	m, _ := v.Get(key)
	f, ok := m.AsFloat()
	if f < 0 || f > 1<<40 {
		f = 0
	}
	return int(f), ok
}

// byteOfUnit converts an offset in UTF-16 units to one in bytes.
func byteOfUnit(s string, unit int) int {
	for i, r := range s {
		if unit <= 0 {
			return i
		}
		unit--
		if r > 0xFFFF {
			unit--
		}
	}
	return len(s)
}
