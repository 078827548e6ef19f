package intrinsic

import (
	"errors"
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// SyntaxError says where a text stops being a call.
type SyntaxError struct {
	Text    string
	Offset  int // in bytes, from 0
	Problem string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("intrinsic function %q, offset %d: %s", e.Text, e.Offset, e.Problem)
}

// Parse reads a call such as States.Format('{} is {}', $.name, States.UUID()). The
// number of arguments is checked by Eval, as on AWS. The error is a *SyntaxError.
func Parse(text string) (*Call, error) {
	p := parser{text: text}
	call, err := p.call()
	if err != nil {
		return nil, err
	}
	if p.blanks(); p.pos < len(text) {
		return nil, p.errorf(p.pos, "more text behind the closing parenthesis")
	}
	return call, nil
}

// MustParse is Parse for texts that are known to be calls; it panics where they
// are not.
func MustParse(text string) *Call {
	c, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return c
}

type parser struct {
	text  string
	pos   int
	calls int
}

func (p *parser) errorf(offset int, format string, args ...any) error {
	return &SyntaxError{Text: p.text, Offset: offset, Problem: fmt.Sprintf(format, args...)}
}

func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *parser) blanks() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) call() (*Call, error) {
	start := p.pos
	name := p.word()
	f := byName[name]
	if f == nil {
		return nil, p.errorf(start, "there is no intrinsic function %q", name)
	}
	if p.calls++; p.calls > MaxCalls {
		return nil, p.errorf(start, "more than %d intrinsic functions in one field", MaxCalls)
	}
	if p.blanks(); p.peek() != '(' {
		return nil, p.errorf(p.pos, "expected ( behind %s", name)
	}
	p.pos++
	c := &Call{text: p.text, function: f, offset: start}
	if err := p.arguments(c); err != nil {
		return nil, err
	}
	c.end = p.pos
	return c, nil
}

func (p *parser) arguments(c *Call) error {
	open := p.pos - 1
	p.blanks()
	if p.peek() == ')' {
		p.pos++
		return nil
	}
	for {
		p.blanks()
		arg, err := p.argument()
		if err != nil {
			return err
		}
		c.args = append(c.args, arg)
		p.blanks()
		switch p.peek() {
		case ',':
			p.pos++
		case ')':
			p.pos++
			return nil
		case 0:
			return p.errorf(open, "this parenthesis is never closed")
		default:
			return p.errorf(p.pos, "expected , or ) behind an argument")
		}
	}
}

func (p *parser) argument() (Arg, error) {
	start := p.pos
	arg := Arg{Offset: start}
	var err error
	switch c := p.peek(); {
	case c == '\'':
		arg.template, arg.Value, err = p.quoted()
	case c == '$':
		arg.Kind = PathArg
		arg.Path, err = p.path()
	case strings.HasPrefix(p.text[start:], "States."):
		arg.Kind = Nested
		arg.Call, err = p.call()
	default:
		arg.Value, err = p.literal()
	}
	arg.End = p.pos
	return arg, err
}

// word reads up to the next delimiter.
func (p *parser) word() string {
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n(),'\"", p.text[p.pos]) < 0 {
		p.pos++
	}
	return p.text[start:p.pos]
}

func (p *parser) literal() (value.Value, error) {
	start := p.pos
	switch word := p.word(); word {
	case "true", "false", "null":
		return value.MustParse(word), nil
	case "":
		if p.peek() == '"' {
			return value.Value{}, p.errorf(start, "a text stands in single quotes here")
		}
		return value.Value{}, p.errorf(start, "expected an argument")
	default:
		v, err := value.NumberText(word)
		if err != nil {
			return value.Value{}, p.errorf(start, "expected a path, a text in single quotes, a number, true, false, null or a function")
		}
		return v, nil
	}
}

// quoted reads a text in single quotes. A backslash may stand before ', {, } and
// itself only (ASL "Intrinsic Functions").
func (p *parser) quoted() (template string, v value.Value, err error) {
	start := p.pos
	var b strings.Builder
	for i := start + 1; i < len(p.text); i++ {
		switch c := p.text[i]; c {
		case '\'':
			p.pos = i + 1
			return p.text[start+1 : i], value.String(b.String()), nil
		case '\\':
			if i++; i >= len(p.text) || strings.IndexByte(`'{}\`, p.text[i]) < 0 {
				return "", value.Value{}, p.errorf(i-1, `a backslash may stand before ', {, } and \ only`)
			}
			b.WriteByte(p.text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", value.Value{}, p.errorf(start, "this quote is never closed")
}

// path reads up to the comma or parenthesis that ends the argument.
func (p *parser) path() (*jsonpath.Path, error) {
	start := p.pos
	p.pos += pathEnd(p.text[start:])
	text := strings.TrimRight(p.text[start:p.pos], " \t\r\n")
	path, err := jsonpath.Compile(text)
	var syntax *jsonpath.SyntaxError
	if errors.As(err, &syntax) {
		return nil, p.errorf(start+syntax.Offset, "%s", syntax.Problem)
	}
	p.pos = start + len(text)
	return path, err
}

func pathEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '[', '(':
			depth++
		case ']', ')':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		case '\'', '"':
			if depth == 0 {
				continue
			}
			if n := strings.IndexByte(s[i+1:], c); n >= 0 {
				i += n + 1
			}
		}
	}
	return len(s)
}
