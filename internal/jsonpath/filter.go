package jsonpath

import (
	"regexp"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// A condition is what stands between the parentheses of [?(…)].
type condition interface {
	holds(w *walk, item value.Value) bool
}

type (
	allOf []condition
	anyOf []condition
	not   struct{ condition }
	exist struct{ path *Path }

	comparison struct {
		left, right operand
		compare     func(left, right value.Value) bool
	}
	match struct {
		subject operand
		pattern *regexp.Regexp
	}
)

func (c allOf) holds(w *walk, item value.Value) bool {
	for _, sub := range c {
		if !sub.holds(w, item) {
			return false
		}
	}
	return true
}

func (c anyOf) holds(w *walk, item value.Value) bool {
	for _, sub := range c {
		if sub.holds(w, item) {
			return true
		}
	}
	return false
}

func (c not) holds(w *walk, item value.Value) bool { return !c.condition.holds(w, item) }

func (c exist) holds(w *walk, item value.Value) bool {
	_, ok := w.resolve(c.path, item)
	return ok
}

func (c comparison) holds(w *walk, item value.Value) bool {
	if c.left.isScalarItem(item) || c.right.isScalarItem(item) {
		return false
	}
	left, right := c.left.value(w, item), c.right.value(w, item)
	w.visits += left.Len() + right.Len() + left.Len()*right.Len()
	return w.visits <= MaxVisits && c.compare(left, right)
}

func (c match) holds(w *walk, item value.Value) bool {
	if c.subject.isScalarItem(item) {
		return false
	}
	v := c.subject.value(w, item)
	switch v.Kind() {
	case value.KindString, value.KindNumber, value.KindBool:
		return c.pattern.MatchString(JavaText(v))
	}
	return false
}

// operand is one side of a comparison: a path, or else a literal. A path that
// leads nowhere counts as absent.
type operand struct {
	path    *Path
	literal value.Value
	pattern *regexp.Regexp
}

type argument struct{ operand }

func (o operand) value(w *walk, item value.Value) value.Value {
	if o.path == nil {
		return o.literal
	}
	v, _ := w.resolve(o.path, item)
	return v
}

// isScalarItem reports a bare @ on a scalar: AWS documents that @ matches objects only.
func (o operand) isScalarItem(item value.Value) bool {
	if o.path == nil || o.path.root != Item || len(o.path.steps) > 0 {
		return false
	}
	kind := item.Kind()
	return kind != value.KindObject && kind != value.KindArray
}

func (o operand) inner() []*Path {
	if o.path == nil {
		return nil
	}
	all := []*Path{o.path}
	for i := range o.path.steps {
		all = append(all, o.path.steps[i].Inner...)
	}
	return all
}

func (p *parser) filterStep() (Step, error) {
	start := p.pos
	if !p.accept("?(") {
		return Step{}, p.errorf(start, "a filter is written [?(…)]")
	}
	if err := p.deeper(); err != nil {
		return Step{}, err
	}
	defer func() { p.nesting-- }()
	step := Step{Kind: Filter}
	cond, err := p.either(&step)
	if err != nil {
		return Step{}, err
	}
	p.blanks()
	if !p.accept(")") {
		return Step{}, p.errorf(p.pos, "expected an operator or ) in this filter")
	}
	step.filter = cond
	return step, nil
}

func (p *parser) either(step *Step) (condition, error) {
	var list anyOf
	for {
		c, err := p.both(step)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
		if p.blanks(); !p.accept("||") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

func (p *parser) both(step *Step) (condition, error) {
	var list allOf
	for {
		c, err := p.unary(step)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
		if p.blanks(); !p.accept("&&") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

func (p *parser) unary(step *Step) (condition, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.nesting-- }()
	p.blanks()
	if p.accept("!") {
		c, err := p.unary(step)
		return not{c}, err
	}
	if !p.accept("(") {
		return p.relation(step)
	}
	c, err := p.either(step)
	if err != nil {
		return nil, err
	}
	if p.blanks(); !p.accept(")") {
		return nil, p.errorf(p.pos, "expected ) in this filter")
	}
	return c, nil
}

func (p *parser) relation(step *Step) (condition, error) {
	start := p.pos
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	step.Inner = append(step.Inner, left.inner()...)
	p.blanks()
	if c := p.peek(); c == ')' || c == '&' || c == '|' {
		if left.path == nil {
			return nil, p.errorf(start, "expected a path or a comparison")
		}
		return exist{left.path}, nil
	}
	name, compare, err := p.operator()
	if err != nil {
		return nil, err
	}
	p.blanks()
	if name == "empty" && p.peek() == ')' {
		return comparison{left, operand{literal: value.Bool(true)}, compare}, nil
	}
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	step.Inner = append(step.Inner, right.inner()...)
	switch {
	case name != "=~" && (left.pattern != nil || right.pattern != nil):
		return nil, p.errorf(start, "a regular expression goes with =~ only")
	case name != "=~":
		return comparison{left, right, compare}, nil
	case right.pattern != nil:
		return match{left, right.pattern}, nil
	case left.pattern != nil:
		return match{right, left.pattern}, nil
	}
	return nil, p.errorf(start, "=~ needs a regular expression: =~ /…/")
}

func (p *parser) operator() (string, func(a, b value.Value) bool, error) {
	start := p.pos
	for _, name := range symbols {
		if p.accept(name) {
			return name, operators[name], nil
		}
	}
	for p.pos < len(p.text) && (p.text[p.pos]|0x20) >= 'a' && (p.text[p.pos]|0x20) <= 'z' {
		p.pos++
	}
	name := strings.ToLower(p.text[start:p.pos])
	if compare, ok := operators[name]; ok && name != "" {
		return name, compare, nil
	}
	p.pos = start
	return "", nil, p.errorf(start, "expected an operator such as == or in, not %q", p.rest(8))
}

func (p *parser) operand() (operand, error) {
	switch c := p.peek(); {
	case c == '@' || c == '$':
		path, err := p.path()
		return operand{path: path}, err
	case c == '\'' || c == '"':
		s, err := p.stringLiteral()
		return operand{literal: value.String(s)}, err
	case c == '/':
		pattern, err := p.regexpLiteral()
		return operand{pattern: pattern}, err
	case c == '[' || c == '{':
		return p.jsonLiteral()
	}
	return p.wordLiteral()
}

func (p *parser) wordLiteral() (operand, error) {
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n)]}&|,<>=!", p.text[p.pos]) < 0 {
		p.pos++
	}
	word := p.text[start:p.pos]
	switch word {
	case "undefined":
		return operand{}, nil
	case "true", "false", "null":
		return operand{literal: value.MustParse(word)}, nil
	}
	n, err := value.NumberText(strings.TrimPrefix(word, "+"))
	if err != nil {
		return operand{}, p.errorf(start, "expected a path, a number, a text in quotes, true, false or null")
	}
	return operand{literal: n}, nil
}

// stringLiteral reads '…' or "…" with the escapes of JSON and \'.
func (p *parser) stringLiteral() (string, error) {
	start := p.pos
	quote := p.peek()
	var json strings.Builder
	json.WriteByte('"')
	for i := start + 1; i < len(p.text); i++ {
		c := p.text[i]
		switch {
		case c == quote:
			p.pos = i + 1
			json.WriteByte('"')
			v, err := value.Parse(json.String())
			if err != nil {
				return "", p.errorf(start, "this text has an escape that does not exist")
			}
			s, _ := v.AsString()
			return s, nil
		case c == '\\' && i+1 < len(p.text):
			i++
			if p.text[i] != '\'' {
				json.WriteByte('\\')
			}
			json.WriteByte(p.text[i])
		case c == '"':
			json.WriteString(`\"`)
		default:
			json.WriteByte(c)
		}
	}
	return "", p.errorf(start, "this quote is never closed")
}

// jsonLiteral reads an array or object, in which texts may have single quotes.
func (p *parser) jsonLiteral() (operand, error) {
	start := p.pos
	var json strings.Builder
	for depth := 0; p.pos < len(p.text); {
		c := p.text[p.pos]
		if c == '\'' || c == '"' {
			s, err := p.stringLiteral()
			if err != nil {
				return operand{}, err
			}
			json.WriteString(value.String(s).JSON())
			continue
		}
		p.pos++
		json.WriteByte(c)
		if c == '[' || c == '{' {
			depth++
		}
		if c != ']' && c != '}' {
			continue
		}
		if depth--; depth == 0 {
			v, err := value.Parse(json.String())
			if err != nil {
				return operand{}, p.errorf(start, "this is no JSON value: %s", p.text[start:p.pos])
			}
			return operand{literal: v}, nil
		}
	}
	return operand{}, p.errorf(start, "this array or object is never closed")
}

// regexpLiteral reads /…/flags. As in Java's matches(), the whole text has to match.
func (p *parser) regexpLiteral() (*regexp.Regexp, error) {
	start := p.pos
	end := start + 1
	for ; end < len(p.text) && p.text[end] != '/'; end++ {
		if p.text[end] == '\\' {
			end++
		}
	}
	if end >= len(p.text) {
		return nil, p.errorf(start, "this regular expression is never closed")
	}
	source := strings.ReplaceAll(p.text[start+1:end], `\/`, `/`)
	flags := ""
	for p.pos = end + 1; p.peek()|0x20 >= 'a' && p.peek()|0x20 <= 'z'; p.pos++ {
		switch c := p.peek(); c {
		case 'i', 'm', 's':
			flags += string(c)
		case 'd', 'u', 'U':
		default:
			return nil, p.errorf(p.pos, "there is no regular expression flag %q", string(c))
		}
	}
	if flags != "" {
		flags = "(?" + flags + ")"
	}
	re, err := regexp.Compile(`\A` + flags + `(?:` + source + `)\z`)
	if err != nil {
		return nil, p.errorf(start, "this regular expression cannot be used: %v", err)
	}
	return re, nil
}
