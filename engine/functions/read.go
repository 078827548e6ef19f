package functions

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// FormatError says where a file is wrong. It is an ErrFormat.
type FormatError struct {
	File         string
	Line, Column int // from 1
	Problem      string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Problem)
}

// Is makes every FormatError an ErrFormat.
func (e *FormatError) Is(target error) bool { return target == ErrFormat }

// Read reads a file. What is wrong in it is a *FormatError with line and column.
func Read(file string) (*Set, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, text)
}

// Parse is Read for text that is at hand; the name is for messages.
func Parse(name string, text []byte) (*Set, error) {
	p := &parser{file: name, text: string(text)}
	if _, err := value.Parse(p.text); err != nil {
		var syntax *value.SyntaxError
		if errors.As(err, &syntax) {
			return nil, &FormatError{name, syntax.Line, syntax.Column, syntax.Problem}
		}
		return nil, err
	}
	root := p.tree()
	if root.kind != '{' {
		return nil, p.problem(root, "a functions file is an object: a function's name, and how it behaves")
	}
	s := &Set{file: name, behaviours: make(map[string][]*outcome, len(root.members)), byName: make(map[string][]*outcome)}
	for _, m := range root.members {
		list, err := p.behaviour(m.node)
		if err != nil {
			return nil, err
		}
		s.behaviours[m.key] = list
		if short := Name(m.key); strings.Contains(m.key, ":function:") && s.byName[short] == nil {
			s.byName[short] = list
		}
	}
	return s, nil
}

// node is a JSON value and where it stands.
type node struct {
	offset  int
	kind    jsontext.Kind
	raw     string // scalars
	members []member
	items   []*node
	text    string // the whole value
}

type member struct {
	key    string
	offset int
	node   *node
}

type parser struct {
	file string
	text string
	dec  *jsontext.Decoder
}

// tree reads text that is known to be JSON.
func (p *parser) tree() *node {
	p.dec = jsontext.NewDecoder(strings.NewReader(p.text), jsontext.AllowDuplicateNames(true))
	return p.node()
}

// start is where the next token begins.
func (p *parser) start() int {
	p.dec.PeekKind()
	i := int(p.dec.InputOffset())
	for i < len(p.text) && strings.IndexByte(" \t\r\n,:", p.text[i]) >= 0 {
		i++
	}
	return i
}

func (p *parser) node() *node {
	n := &node{offset: p.start()}
	tok, err := p.dec.ReadToken()
	if err != nil {
		return n
	}
	n.kind = tok.Kind()
	switch n.kind {
	case '{':
		for p.dec.PeekKind() != '}' {
			at := p.start()
			key, err := p.dec.ReadToken()
			if err != nil {
				break
			}
			m := member{key: key.String(), offset: at}
			m.node = p.node()
			n.members = append(n.members, m)
		}
		_, _ = p.dec.ReadToken()
	case '[':
		for p.dec.PeekKind() != ']' {
			n.items = append(n.items, p.node())
		}
		_, _ = p.dec.ReadToken()
	case '"', '0':
		n.raw = tok.String()
	}
	n.text = p.text[n.offset:int(p.dec.InputOffset())]
	return n
}

func (p *parser) problem(n *node, format string, args ...any) error {
	return p.problemAt(n.offset, format, args...)
}

func (p *parser) problemAt(offset int, format string, args ...any) error {
	line, column := value.Position(p.text, offset)
	return &FormatError{p.file, line, column, fmt.Sprintf(format, args...)}
}

func (p *parser) behaviour(n *node) ([]*outcome, error) {
	if n.kind != '[' {
		o, err := p.outcome(n)
		return []*outcome{o}, err
	}
	if len(n.items) == 0 {
		return nil, p.problem(n, "the list of outcomes is empty")
	}
	var list []*outcome
	for _, item := range n.items {
		o, err := p.outcome(item)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

// takes are the members of each type of outcome, those that it needs with a "!".
var takes = map[string]string{
	"echo":   "",
	"return": "!value",
	"raise":  "errorType errorMessage stackTrace",
	"sleep":  "!seconds then",
	"url":    "!url",
}

func (p *parser) outcome(n *node) (*outcome, error) {
	if n.kind != '{' {
		return nil, p.problem(n, `how a function behaves is an object with a type, such as {"type": "echo"}`)
	}
	o := &outcome{kind: p.kind(n)}
	allowed, ok := takes[o.kind]
	if !ok {
		return nil, p.problem(n, "unknown type %q: it is echo, return, raise or sleep, or there is a url", o.kind)
	}
	if err := p.checkMembers(n, o.kind, strings.Fields(allowed)); err != nil {
		return nil, err
	}
	for _, m := range n.members {
		if err := p.member(o, m); err != nil {
			return nil, err
		}
	}
	if o.kind == "sleep" && o.then == nil {
		o.then = &outcome{kind: "echo"}
	}
	return o, nil
}

func (p *parser) kind(n *node) string {
	for _, m := range n.members {
		switch {
		case m.key == "type" && m.node.kind == '"':
			return m.node.raw
		case m.key == "url":
			return "url"
		}
	}
	return ""
}

func (p *parser) checkMembers(n *node, kind string, allowed []string) error {
	found := make(map[string]bool)
	for _, m := range n.members {
		found[m.key] = true
		known := m.key == "type"
		for _, a := range allowed {
			known = known || strings.TrimPrefix(a, "!") == m.key
		}
		if !known {
			return p.problemAt(m.offset, "%q has no member %q", kind, m.key)
		}
	}
	for _, a := range allowed {
		if name, needed := strings.CutPrefix(a, "!"); needed && !found[name] {
			return p.problem(n, "%q needs a member %q", kind, name)
		}
	}
	return nil
}

func (p *parser) member(o *outcome, m member) error {
	var err error
	switch m.key {
	case "value":
		o.value, err = value.Parse(m.node.text)
	case "stackTrace":
		o.stackTrace, err = value.Parse(m.node.text)
	case "errorType":
		o.errorType, err = p.string(m)
	case "errorMessage":
		o.message, err = p.string(m)
	case "url":
		var u *string
		if u, err = p.string(m); err == nil {
			o.url = strings.TrimSuffix(*u, "/")
			if !strings.HasPrefix(o.url, "http://") && !strings.HasPrefix(o.url, "https://") {
				err = p.problem(m.node, "url must begin with http:// or https://")
			}
		}
	case "seconds":
		o.seconds, err = strconv.ParseFloat(m.node.raw, 64)
		if m.node.kind != '0' || err != nil || o.seconds < 0 {
			err = p.problem(m.node, "seconds must be a number that is not negative")
		}
	case "then":
		o.then, err = p.outcome(m.node)
	}
	return err
}

func (p *parser) string(m member) (*string, error) {
	if m.node.kind != '"' {
		return nil, p.problem(m.node, "%s must be a string", m.key)
	}
	return &m.node.raw, nil
}
