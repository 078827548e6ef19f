package jsonpath

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on the text of a path, far beyond what people write.
const (
	maxSteps   = 500
	maxNesting = 50 // filters and arguments within each other
)

// SyntaxError says where a text stops being a path.
type SyntaxError struct {
	Text    string
	Offset  int // in bytes, from 0
	Problem string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("path %q, offset %d: %s", e.Text, e.Offset, e.Problem)
}

// Compile reads a path. The error is a *SyntaxError.
func Compile(text string) (*Path, error) {
	p := parser{text: text}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	p.blanks()
	if p.pos < len(text) {
		return nil, p.trailing()
	}
	path.text = text
	return path, nil
}

// MustCompile is Compile for texts that are known to be paths; it panics where
// they are not.
func MustCompile(text string) *Path {
	p, err := Compile(text)
	if err != nil {
		panic(err)
	}
	return p
}

// parser reads paths and, inside brackets, filters. nesting is 0 for the outermost
// path, whose field names may hold more characters than those inside a filter.
type parser struct {
	text    string
	pos     int
	nesting int
}

func (p *parser) errorf(offset int, format string, args ...any) error {
	return &SyntaxError{Text: p.text, Offset: offset, Problem: fmt.Sprintf(format, args...)}
}

func (p *parser) trailing() error {
	if strings.IndexByte(" \t\r\n", p.text[p.pos-1]) >= 0 {
		return p.errorf(p.pos, "a name with a blank in it must be written in brackets: ['my field']")
	}
	return p.errorf(p.pos, "expected . or [ here, not %q", p.rest(1))
}

func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *parser) at(s string) bool { return strings.HasPrefix(p.text[p.pos:], s) }

func (p *parser) accept(s string) bool {
	if p.at(s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *parser) blanks() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

// rest returns up to n characters from here on, for messages.
func (p *parser) rest(n int) string {
	end := p.pos
	for ; n > 0 && end < len(p.text); n-- {
		_, size := utf8.DecodeRuneInString(p.text[end:])
		end += size
	}
	return p.text[p.pos:end]
}

func (p *parser) path() (*Path, error) {
	start := p.pos
	path := &Path{single: true}
	if err := p.root(path); err != nil {
		return nil, err
	}
	for p.peek() == '.' || p.peek() == '[' {
		if err := p.step(path); err != nil {
			return nil, err
		}
		if len(path.steps) > maxSteps {
			return nil, p.errorf(start, "more than %d steps", maxSteps)
		}
	}
	path.text = p.text[start:p.pos]
	path.classify()
	return path, nil
}

func (path *Path) classify() {
	descends := false
	for i := range path.steps {
		kind := path.steps[i].Kind
		path.single = path.single && (kind == Field || kind == Index)
		descends = descends || kind == Descend
	}
	if n := len(path.steps); descends && path.steps[n-1].Kind == Function {
		path.aggregate = true
	}
}

func (p *parser) root(path *Path) error {
	if p.nesting > 0 && p.accept("@") {
		path.root = Item
		return nil
	}
	if !p.accept("$") {
		return p.errorf(p.pos, "a path begins with $")
	}
	if p.accept("$") {
		path.root = Context
	} else if name := p.identifier(); name != "" {
		path.root, path.variable = Variable, name
	}
	if p.nesting > 0 && path.root != Input {
		return p.errorf(p.pos, "inside a filter paths begin with @ or $")
	}
	return nil
}

// identifier reads a variable's name (ASL "Variables": Unicode identifier).
func (p *parser) identifier() string {
	start := p.pos
	for p.pos < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.pos:])
		if !unicode.IsLetter(r) && r != '_' && (p.pos == start || !unicode.IsDigit(r)) {
			break
		}
		p.pos += size
	}
	return p.text[start:p.pos]
}

func (p *parser) step(path *Path) error {
	start := p.pos
	if n := len(path.steps); n > 0 && path.steps[n-1].Kind == Function {
		return p.errorf(start, "a function must be the last step")
	}
	if p.accept("..") {
		path.steps = append(path.steps, Step{Kind: Descend, Offset: start, End: p.pos})
		if p.peek() == '.' || p.peek() == 0 {
			return p.errorf(p.pos, "expected a field behind the two dots")
		}
	} else {
		p.accept(".") // also before a bracket: $.['a'] is $['a']
	}
	descends := p.pos == start+2
	step, err := p.selector()
	if err != nil {
		return err
	}
	if descends && step.Kind == Function {
		return p.errorf(start, "expected a field behind the two dots, not a function")
	}
	step.Offset, step.End = start, p.pos
	if descends {
		step.Offset = start + 2
	}
	path.steps = append(path.steps, step)
	return nil
}

func (p *parser) selector() (Step, error) {
	if p.peek() == '[' {
		return p.bracket()
	}
	if p.accept("*") {
		return Step{Kind: Wildcard}, nil
	}
	start := p.pos
	for p.pos < len(p.text) && p.inName(p.text[p.pos]) {
		p.pos++
	}
	name := p.text[start:p.pos]
	if name == "" {
		return Step{}, p.errorf(start, "expected the name of a field behind the dot")
	}
	if p.peek() == '(' {
		return p.function(start, name)
	}
	return Step{Kind: Field, Name: name}, nil
}

func (p *parser) inName(c byte) bool {
	if p.nesting > 0 && strings.IndexByte("=!<>&|,~", c) >= 0 {
		return false
	}
	return c > ' ' && strings.IndexByte(".[]()", c) < 0
}

func (p *parser) bracket() (Step, error) {
	open := p.pos
	p.pos++
	p.blanks()
	var step Step
	var err error
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		step, err = p.names()
	case c == '*':
		p.pos++
		step = Step{Kind: Wildcard}
	case c == '?':
		step, err = p.filterStep()
	case c == '-' || c == ':' || c >= '0' && c <= '9':
		step, err = p.indices()
	case c == 0:
		return Step{}, p.errorf(open, "this [ has no ]")
	default:
		return Step{}, p.errorf(p.pos, "expected a 'name', an index, * or ?( behind [")
	}
	if err != nil {
		return Step{}, err
	}
	p.blanks()
	if !p.accept("]") {
		return Step{}, p.errorf(p.pos, "expected ] here to close the [ at %d", open)
	}
	return step, nil
}

func (p *parser) names() (Step, error) {
	var names []string
	for {
		name, err := p.quotedName()
		if err != nil {
			return Step{}, err
		}
		names = append(names, name)
		p.blanks()
		if !p.accept(",") {
			break
		}
		p.blanks()
	}
	if len(names) == 1 {
		return Step{Kind: Field, Name: names[0]}, nil
	}
	return Step{Kind: Fields, Names: names}, nil
}

// quotedName reads 'name' or "name". It ends at the first quote of its kind that
// stands before , or ], so that quotes inside need no escape. A backslash stands
// for itself, as it does on AWS, but before such a quote.
func (p *parser) quotedName() (string, error) {
	start := p.pos
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		return "", p.errorf(start, "expected a name in quotes")
	}
	for i := start + 1; i < len(p.text); i++ {
		if p.text[i] == quote && p.text[i-1] != '\\' && closesName(p.text[i+1:]) {
			p.pos = i + 1
			name := p.text[start+1 : i]
			return strings.ReplaceAll(name, `\`+string(quote), string(quote)), nil
		}
	}
	return "", p.errorf(start, "this quote is never closed")
}

func closesName(rest string) bool {
	rest = strings.TrimLeft(rest, " \t\r\n")
	return rest != "" && (rest[0] == ']' || rest[0] == ',')
}

func (p *parser) indices() (Step, error) {
	first, err := p.optionalInt()
	if err != nil {
		return Step{}, err
	}
	p.blanks()
	if p.accept(":") {
		p.blanks()
		to, err := p.optionalInt()
		if err == nil && first == nil && to == nil {
			err = p.errorf(p.pos, "a slice needs a number on one side of its colon")
		}
		return Step{Kind: Slice, From: first, To: to}, err
	}
	if first == nil {
		return Step{}, p.errorf(p.pos, "expected an index")
	}
	list := []int{*first}
	for p.accept(",") {
		p.blanks()
		next, err := p.optionalInt()
		if err != nil {
			return Step{}, err
		}
		if next == nil {
			return Step{}, p.errorf(p.pos, "expected an index behind the comma")
		}
		list = append(list, *next)
		p.blanks()
	}
	if len(list) == 1 {
		return Step{Kind: Index, Index: list[0]}, nil
	}
	return Step{Kind: Indices, Indices: list}, nil
}

func (p *parser) optionalInt() (*int, error) {
	start := p.pos
	p.accept("-")
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	if p.pos == start {
		return nil, nil
	}
	n, err := strconv.ParseInt(p.text[start:p.pos], 10, 32)
	if err != nil {
		return nil, p.errorf(start, "%q is no index", p.text[start:p.pos])
	}
	i := int(n)
	return &i, nil
}

// deeper guards everything that holds paths or conditions inside brackets.
func (p *parser) deeper() error {
	p.nesting++
	if p.nesting > maxNesting {
		return p.errorf(p.pos, "nested deeper than %d levels", maxNesting)
	}
	return nil
}

func (p *parser) function(start int, name string) (Step, error) {
	if !slices.Contains(functionNames, name) {
		return Step{}, p.errorf(start, "there is no function %s(); there are %s", name, strings.Join(functionNames, ", "))
	}
	if err := p.deeper(); err != nil {
		return Step{}, err
	}
	defer func() { p.nesting-- }()
	step := Step{Kind: Function, Name: name}
	p.pos++
	p.blanks()
	for !p.accept(")") {
		if len(step.args) > 0 {
			if !p.accept(",") {
				return Step{}, p.errorf(p.pos, "expected , or ) in the arguments of %s()", name)
			}
			p.blanks()
		}
		arg, err := p.operand()
		if err != nil {
			return Step{}, err
		}
		step.args = append(step.args, argument{arg})
		step.Inner = append(step.Inner, arg.inner()...)
		p.blanks()
	}
	return step, nil
}
