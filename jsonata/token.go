package jsonata

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokVariable
	tokOperator
	tokString
	tokNumber
	tokLiteral // true, false, null
	tokRegex
)

type token struct {
	kind  tokenKind
	text  string // name, operator, decoded string, pattern
	flags string // of a regex
	value value.Value
	start int // bytes
	end   int
}

// shownAs is the token as error messages have it: numbers bare, all else quoted.
func (t *token) shownAs() string {
	switch t.kind {
	case tokEnd:
		return "(end)"
	case tokNumber, tokLiteral:
		return t.value.JSON()
	}
	return t.text
}

type lexer struct {
	text    string
	dialect Dialect
	pos     int
}

const singleOperators = ".[]{}(),@#;:?+-*/%|=<>^&!~"

// next reads a token. In infix position a slash divides; elsewhere it opens a
// regular expression.
func (l *lexer) next(infix bool) (token, *Error) {
	if err := l.skipBlanks(); err != nil {
		return token{}, err
	}
	start := l.pos
	if start == len(l.text) {
		return token{kind: tokEnd, start: start, end: start}, nil
	}
	c := l.text[start]
	if c == '/' && !infix {
		return l.regex()
	}
	if op := l.operator(); op != "" {
		l.pos += len(op)
		return token{kind: tokOperator, text: op, start: start, end: l.pos}, nil
	}
	switch {
	case c == '"' || c == '\'':
		return l.stringLiteral(c)
	case c >= '0' && c <= '9':
		return l.number()
	case c == '`':
		return l.backtick()
	}
	return l.name(), nil
}

func (l *lexer) skipBlanks() *Error {
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v':
			l.pos++
		case c == '/' && strings.HasPrefix(l.text[l.pos:], "/*"):
			end := strings.Index(l.text[l.pos+2:], "*/")
			if end < 0 {
				return l.failAt("S0106", l.pos, "")
			}
			l.pos += end + 4
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) operator() string {
	rest := l.text[l.pos:]
	if len(rest) >= 2 {
		switch op := rest[:2]; op {
		case "..", ":=", "!=", ">=", "<=", "**", "~>":
			return op
		case "??", "?:":
			if l.dialect == Standard {
				return op
			}
		}
	}
	if strings.IndexByte(singleOperators, rest[0]) >= 0 {
		return rest[:1]
	}
	return ""
}

func (l *lexer) failAt(code string, offset int, tok string) *Error {
	e := fail(code)
	e.Token = tok
	e.Offset = offset
	e.Position = utf16Len(l.text[:offset])
	return e.fill("", value.Value{})
}

func (l *lexer) stringLiteral(quote byte) (token, *Error) {
	start := l.pos
	i := start + 1
	end := strings.IndexByte(l.text[i:], quote)
	if end >= 0 && strings.IndexByte(l.text[i:i+end], '\\') < 0 {
		l.pos = i + end + 1
		s := l.text[i : i+end]
		return token{kind: tokString, text: s, value: value.String(s), start: start, end: l.pos}, nil
	}
	var b []byte
	for i < len(l.text) {
		c := l.text[i]
		switch c {
		case quote:
			l.pos = i + 1
			s := joinSurrogates(string(b))
			return token{kind: tokString, text: s, value: value.String(s), start: start, end: l.pos}, nil
		case '\\':
			var err *Error
			if b, i, err = l.escape(b, i+1); err != nil {
				return token{}, err
			}
		default:
			b = append(b, c)
			i++
		}
	}
	return token{}, l.failAt("S0101", len(l.text), "")
}

// escape reads what follows a backslash at i-1.
func (l *lexer) escape(b []byte, i int) ([]byte, int, *Error) {
	if i >= len(l.text) {
		return b, i, l.failAt("S0101", len(l.text), "")
	}
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	c := l.text[i]
	if k := strings.IndexByte(from, c); k >= 0 {
		return append(b, to[k]), i + 1, nil
	}
	if c != 'u' {
		_, n := utf8.DecodeRuneInString(l.text[i:])
		return b, i, l.failAt("S0103", i, l.text[i:i+n])
	}
	if i+5 <= len(l.text) {
		if u, err := strconv.ParseUint(l.text[i+1:i+5], 16, 16); err == nil {
			return appendUnit(b, uint16(u)), i + 5, nil
		}
	}
	return b, i, l.failAt("S0104", i, "")
}

func (l *lexer) number() (token, *Error) {
	s := l.text[l.pos:]
	i := 1
	if s[0] != '0' {
		i = countDigits(s, 1)
	}
	if i+1 < len(s) && s[i] == '.' && isDigit(s[i+1]) {
		i = countDigits(s, i+1)
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		if j < len(s) && isDigit(s[j]) {
			i = countDigits(s, j)
		}
	}
	f, _ := strconv.ParseFloat(s[:i], 64)
	if math.IsInf(f, 0) {
		return token{}, l.failAt("S0102", l.pos, s[:i])
	}
	start := l.pos
	l.pos += i
	return token{kind: tokNumber, text: s[:i], value: value.Float(f), start: start, end: l.pos}, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func countDigits(s string, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

func (l *lexer) backtick() (token, *Error) {
	start := l.pos
	end := strings.IndexByte(l.text[start+1:], '`')
	if end < 0 {
		return token{}, l.failAt("S0105", len(l.text), "")
	}
	l.pos = start + end + 2
	return token{kind: tokName, text: l.text[start+1 : l.pos-1], start: start, end: l.pos}, nil
}

func (l *lexer) name() token {
	start := l.pos
	i := start
	for i < len(l.text) {
		c := l.text[i]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || strings.IndexByte(singleOperators, c) >= 0 {
			break
		}
		i++
	}
	l.pos = i
	t := token{kind: tokName, text: l.text[start:i], start: start, end: i}
	switch {
	case t.text[0] == '$':
		t.kind, t.text = tokVariable, t.text[1:]
	case t.text == "and" || t.text == "or" || t.text == "in":
		t.kind = tokOperator
	case t.text == "true" || t.text == "false":
		t.kind, t.value = tokLiteral, value.Bool(t.text == "true")
	case t.text == "null":
		t.kind, t.value = tokLiteral, value.Null()
	}
	return t
}

// regex reads /pattern/flags. Slashes within brackets do not end it.
func (l *lexer) regex() (token, *Error) {
	start := l.pos
	depth := 0
	for i := start + 1; i < len(l.text); i++ {
		switch l.text[i] {
		case '\\':
			i++
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '/':
			if depth != 0 {
				continue
			}
			pattern := l.text[start+1 : i]
			if pattern == "" {
				return token{}, l.failAt("S0301", i, "")
			}
			j := i + 1
			for j < len(l.text) && (l.text[j] == 'i' || l.text[j] == 'm') {
				j++
			}
			l.pos = j
			return token{kind: tokRegex, text: pattern, flags: l.text[i+1 : j], start: start, end: j}, nil
		}
	}
	return token{}, l.failAt("S0302", len(l.text), "")
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
