package value

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep arrays and objects may be nested in a document. AWS stops
// at a thousand levels; more is a mistake or an attack.
const MaxDepth = 1000

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	Offset       int // byte offset, from 0
	Line, Column int // from 1; the column counts characters
	Problem      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Problem)
}

// Parse reads one JSON document. The Value shares text's memory. Of members with
// the same key the last one counts. The error is a *SyntaxError.
func Parse(text string) (Value, error) {
	if v, ok := parseFast(text); ok {
		return v, nil
	}
	return parseSlow(text)
}

// parseSlow is Parse for texts with a mistake somewhere.
func parseSlow(text string) (Value, error) {
	p := parser{text: text}
	p.dec.Reset(strings.NewReader(text), jsontext.AllowDuplicateNames(true))
	v, err := p.value(0)
	if err != nil {
		return Value{}, syntaxError(text, err, int(p.dec.InputOffset()))
	}
	if rest := strings.TrimLeft(text[p.dec.InputOffset():], " \t\r\n"); rest != "" {
		return Value{}, problemAt(text, len(text)-len(rest), "more text after the end of the JSON value")
	}
	return v, nil
}

// ParseBytes is Parse for bytes, which it copies.
func ParseBytes(b []byte) (Value, error) { return Parse(string(b)) }

// MustParse is Parse for texts that are known to be JSON; it panics where they are not.
func MustParse(text string) Value {
	v, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return v
}

var errDepth = fmt.Errorf("nested deeper than %d levels", MaxDepth)

type parser struct {
	text string
	dec  jsontext.Decoder
}

func (p *parser) value(depth int) (Value, error) {
	if depth > MaxDepth {
		return Value{}, errDepth
	}
	tok, err := p.dec.ReadToken()
	if err != nil {
		return Value{}, err
	}
	end := int(p.dec.InputOffset())
	switch tok.Kind() {
	case 'n':
		return Null(), nil
	case 't', 'f':
		return Bool(tok.Bool()), nil
	case '0':
		return number(p.text[p.numberStart(end):end]), nil
	case '"':
		raw, s := p.stringAt(end, tok)
		if raw == "" {
			return text(s), nil
		}
		return Value{p: &escaped{text: s, raw: raw}}, nil
	case '[':
		return p.array(depth)
	case '{':
		return p.object(depth)
	}
	return Value{}, fmt.Errorf("unexpected %q", tok.Kind())
}

func (p *parser) numberStart(end int) int {
	i := end
	for i > 0 && strings.IndexByte("0123456789+-.eE", p.text[i-1]) >= 0 {
		i--
	}
	return i
}

// stringAt returns the text of the string that ends before end, and what stands
// between its quotes where that differs.
func (p *parser) stringAt(end int, tok jsontext.Token) (raw, s string) {
	s = tok.String()
	start := end - 2 - len(s)
	// Without escapes the text is the source: share it.
	if start >= 0 && p.text[start] == '"' && p.text[start+1:end-1] == s {
		return "", p.text[start+1 : end-1]
	}
	open := end - 2
	for {
		open = strings.LastIndexByte(p.text[:open+1], '"')
		if !escapedAt(p.text, open) {
			return p.text[open+1 : end-1], s
		}
		open--
	}
}

// escapedAt reports that the byte at i stands behind an odd run of backslashes.
func escapedAt(s string, i int) bool {
	n := 0
	for i-n > 0 && s[i-n-1] == '\\' {
		n++
	}
	return n%2 == 1
}

func (p *parser) array(depth int) (Value, error) {
	var items []Value
	for p.dec.PeekKind() != ']' {
		v, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		items = append(items, v)
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return Value{}, err
	}
	return Array(items...), nil
}

func (p *parser) object(depth int) (Value, error) {
	var b Builder
	for p.dec.PeekKind() != '}' {
		tok, err := p.dec.ReadToken()
		if err != nil {
			return Value{}, err
		}
		raw, key := p.stringAt(int(p.dec.InputOffset()), tok)
		v, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		b.set(Member{Key: key, Value: v, rawKey: raw})
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return Value{}, err
	}
	return b.Object(), nil
}

func syntaxError(text string, err error, offset int) error {
	if strings.TrimSpace(text) == "" {
		return problemAt(text, 0, "empty: there is no JSON value")
	}
	var syn *jsontext.SyntacticError
	if !errors.As(err, &syn) {
		return problemAt(text, offset, err.Error())
	}
	problem := err.Error()
	if syn.Err != nil {
		problem = syn.Err.Error()
	}
	if int(syn.ByteOffset) >= len(text) {
		problem = "the text ends in the middle of the JSON value"
	}
	return problemAt(text, int(syn.ByteOffset), problem)
}

func problemAt(text string, offset int, problem string) *SyntaxError {
	offset = min(offset, len(text))
	line, column := Position(text, offset)
	return &SyntaxError{Offset: offset, Line: line, Column: column, Problem: strings.TrimPrefix(problem, "jsontext: ")}
}

// Position returns line and column, both from 1, of a byte offset in text. The
// column counts characters; an offset past the end means the end.
func Position(text string, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

func isNumber(s string) bool {
	v := jsontext.Value(s)
	return v.Kind() == '0' && v.IsValid() && s == strings.TrimSpace(s)
}
