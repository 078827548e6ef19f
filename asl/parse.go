package asl

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Parse reads and checks a definition in either query language. The name is the
// file's, for messages; it may be empty.
//
// The error is an ErrorList with everything that Step Functions would refuse;
// the Machine that comes with it is what could be read, fit to be looked at and
// not to be run. It is nil where the text is no JSON object.
func Parse(name string, text []byte) (*Machine, error) {
	return newDecoder(name, text).parse()
}

func (d *decoder) parse() (*Machine, error) {
	root, err := d.read()
	if err != nil {
		return nil, err
	}
	m := d.topMachine(root)
	m.template = root.masked
	d.checkTree(m)
	return m, d.finish(m)
}

// ParseState reads and checks the object of one state alone, as TestState takes
// it. Where it leads to is not checked. Its Machine holds just this state.
func ParseState(name string, text []byte) (*State, error) {
	d := newDecoder("", text)
	root, err := d.read()
	if err != nil {
		return nil, err
	}
	s := d.loneState(name, root)
	return s, d.finish(s.Machine)
}

// loneState reads a state that has no machine, and gives it one.
func (d *decoder) loneState(name string, root *node) *State {
	d.lone, d.language = true, JSONPath
	m := &Machine{QueryLanguage: JSONPath, StartAt: name, Span: root.span, source: d.src}
	root.key = name
	s := d.state(m, root)
	m.States, m.index = []*State{s}, map[string]*State{name: s}
	d.checkNames(m)
	return s
}

// checkTree checks what concerns more than one state.
func (d *decoder) checkTree(m *Machine) {
	d.checkNames(m)
	d.checkVariables(m)
}

// Warnings lists what Step Functions accepts and what still looks wrong, in the
// order of the text. It is the outermost machine's.
func (m *Machine) Warnings() ErrorList { return m.warnings }

// decoder turns nodes into a Machine and collects what is wrong on the way.
type decoder struct {
	src          *Source
	problems     ErrorList
	lone         bool          // one state without its machine
	placeholders bool          // may stand for any value
	language     QueryLanguage // of the outermost machine
	processor    *ProcessorConfig
	nodes        map[*State]*node
	hints        int
	ends         []int // offsets of line ends, once they are needed
	starts       map[*Machine]*node
}

func newDecoder(name string, text []byte) *decoder {
	return &decoder{src: &Source{Name: name, Text: string(text)}, nodes: map[*State]*node{}, starts: map[*Machine]*node{}}
}

// read reads the text as one JSON object.
func (d *decoder) read() (*node, error) {
	if len(d.src.Text) > utf8.UTFMax*MaxDefinition || utf8.RuneCountInString(d.src.Text) > MaxDefinition {
		e := d.problemf(&node{}, codeSchema, "the definition has %d bytes; Step Functions takes at most %d characters",
			len(d.src.Text), MaxDefinition)
		return nil, d.fatal(e)
	}
	root, err := d.nodesOf(d.src.Text)
	if err != nil {
		return nil, d.fatal(err.(*Error))
	}
	d.duplicates(root)
	if !root.is("object") {
		d.problemf(root, codeSchema, "a definition is a JSON object with StartAt and States; this is %s", article(root.name()))
		return nil, d.finish(nil)
	}
	return root, nil
}

func (d *decoder) nodesOf(text string) (*node, error) {
	if d.placeholders {
		return readTemplate(text)
	}
	return readNodes(text, "")
}

func (d *decoder) fatal(e *Error) error {
	d.problems = ErrorList{e}
	return d.finish(nil)
}

func (d *decoder) finish(m *Machine) error {
	d.problems.place(d.src)
	errs, warnings := d.problems.split()
	if m != nil {
		m.warnings = warnings
	}
	return errs.err()
}

// problemf notes an error at the value n.
func (d *decoder) problemf(n *node, code, format string, args ...any) *Error {
	e := &Error{Span: n.span, Pointer: n.pointer(), Code: code, Message: fmt.Sprintf(format, args...), aws: verdict{location: n.location()}}
	d.problems = append(d.problems, e)
	return e
}

// keyProblemf notes an error at the key of n.
func (d *decoder) keyProblemf(n *node, code, format string, args ...any) *Error {
	e := d.problemf(n, code, format, args...)
	if n.keySpan != (Span{}) {
		e.Span = n.keySpan
	}
	return e
}

// schemaf notes the commonest error at the value n.
func (d *decoder) schemaf(n *node, format string, args ...any) *Error {
	return d.problemf(n, codeSchema, format, args...)
}

// missingf notes that something is not in the object n: the place is its brace.
func (d *decoder) missingf(n *node, format string, args ...any) *Error {
	e := d.schemaf(n, format, args...)
	if n.keySpan != (Span{}) {
		e.Span = n.keySpan
	} else {
		e.Span.End = min(e.Span.Start+1, e.Span.End)
	}
	return e
}

func (d *decoder) warnf(n *node, code, format string, args ...any) *Error {
	e := d.problemf(n, code, format, args...)
	e.Severity = SeverityWarning
	return e
}

// duplicates finds keys that stand twice in one object: which of them counts is
// anybody's guess, and Step Functions refuses them.
func (d *decoder) duplicates(n *node) {
	if n.kind == '{' {
		seen := make(map[string]*node, len(n.kids))
		for _, kid := range n.kids {
			if first := seen[kid.key]; first != nil {
				d.keyProblemf(kid, codeJSON, "the key %q is there twice; the first is in line %d", kid.key, d.line(first.keySpan.Start)).
					saying("Duplicate field '%s'", kid.key)
				continue
			}
			seen[kid.key] = kid
		}
	}
	for _, kid := range n.kids {
		if len(kid.kids) > 0 {
			d.duplicates(kid)
		}
	}
}

// wants notes that n is of another kind than it must be.
func (d *decoder) wants(n *node, kinds ...string) bool {
	for _, k := range kinds {
		if n.is(k) {
			return true
		}
	}
	if n.hole {
		return false // whatever it will be
	}
	d.schemaf(n, "%s must be %s, not %s", label(n), alternatives(kinds), article(n.name())).
		saying("Expected value of type %s", strings.Join(javaTypes(n, kinds), " or "))
	return false
}

// javaTypes names kinds of JSON as Step Functions does.
func javaTypes(n *node, kinds []string) []string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		switch {
		case kind != "number":
			names[i] = strings.ToUpper(kind[:1]) + kind[1:]
		case n.fractional():
			names[i] = "Float"
		default:
			names[i] = "Integer"
		}
	}
	return names
}

// fractional reports that the field n takes numbers that are not whole.
func (n *node) fractional() bool {
	return n.key == "ToleratedFailurePercentage" || n.key == "BackoffRate" || strings.HasPrefix(n.key, "Numeric")
}

// line is the line of an offset. Messages may name thousands of them, so that the
// text is not counted for each.
func (d *decoder) line(offset int) int {
	if d.ends == nil {
		d.ends = []int{}
		for i := range len(d.src.Text) {
			if d.src.Text[i] == '\n' {
				d.ends = append(d.ends, i)
			}
		}
	}
	before, _ := slices.BinarySearch(d.ends, offset)
	return before + 1
}

// label names a value in a message.
func label(n *node) string {
	switch {
	case n.key != "":
		return n.key
	case n.parent != nil && n.parent.kind == '[':
		return fmt.Sprintf("%s[%d]", label(n.parent), n.index)
	}
	return "this"
}

func article(kind string) string {
	switch kind {
	case "object", "array":
		return "an " + kind
	case "null":
		return kind
	}
	return "a " + kind
}

func alternatives(kinds []string) string {
	out := ""
	for i, k := range kinds {
		if i > 0 {
			out += " or "
		}
		out += article(k)
	}
	return out
}
