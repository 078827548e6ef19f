package jsonata

import (
	"github.com/stepsleuth/stepsleuth/internal/value"
)

type astKind uint8

const (
	astLiteral astKind = iota // string, number, true, false, null
	astName
	astVariable
	astWildcard
	astDescendant
	astParent
	astRegex
	astBinary
	astUnaryMinus
	astArray
	astObject
	astBlock
	astCondition
	astCoalesce // ??
	astElvis    // ?:
	astCall
	astPartial
	astPlaceholder // ? as an argument
	astLambda
	astTransform
	astBind
	astApply
	astDot
	astPredicate
	astGroup
	astSort
	astFocus
	astIndex
	astEnd  // where the text ends too early
	astPath // made by shape
)

// kindNames are the reference's, which show in S0217.
var kindNames = map[astKind]string{
	astLiteral: "string", astName: "name", astVariable: "variable", astWildcard: "wildcard", astDescendant: "descendant",
	astParent: "parent", astRegex: "regex", astBinary: "binary", astUnaryMinus: "unary", astArray: "unary", astObject: "unary",
	astBlock: "block", astCondition: "condition", astCoalesce: "condition", astElvis: "condition", astCall: "function",
	astPartial: "partial", astLambda: "lambda", astTransform: "transform", astBind: "bind", astApply: "apply", astPath: "path", astSort: "sort",
}

// ast is a node of the expression as written. shape turns it into paths with
// steps; compile then makes it executable.
type ast struct {
	kind  astKind
	start int // bytes, of the token
	pos   int // bytes, end of the token: what the reference calls position
	text  string
	value value.Value

	lhs, rhs, third *ast
	items           []*ast // of an array, block, call; parameters of a lambda
	pairs           []pair
	terms           []sortTerm
	signature       string
	flags           string
	sig             *signature

	keepArray bool

	// What shape finds out.
	steps         []*ast
	stages        []stage // in a path: filters and index bindings after the step
	predicates    []stage // outside a path
	group         *grouping
	focus, index  string
	tuple         bool
	ancestor      *slot
	slot          *slot // of a %
	seeking       []*slot
	consArray     bool
	keepSingleton bool
}

type pair struct{ key, value *ast }

type sortTerm struct {
	expr       *ast
	descending bool
}

// stage is a filter, or where filter is nil, the binding of an index.
type stage struct {
	filter *ast
	index  string
}

type grouping struct {
	pairs []pair
	pos   int
}

// maxNesting bounds how deep an expression may be nested.
const maxNesting = 500

type parser struct {
	lex   lexer
	tok   token // not yet consumed
	depth int
}

func parse(text string, d Dialect) (root *ast, err *Error) {
	p := &parser{lex: lexer{text: text, dialect: d}}
	if err := p.advance(false); err != nil {
		return nil, err
	}
	root, err = p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.failTok("S0201")
	}
	return root, nil
}

func (p *parser) failTok(code string) *Error {
	e := p.lex.failAt(code, p.tok.end, p.tok.shownAs())
	if p.tok.kind == tokNumber || p.tok.kind == tokLiteral {
		e.Message = expand(messages[code], e.Token, e.Token)
	}
	return e
}

func (p *parser) advance(infix bool) (err *Error) {
	p.tok, err = p.lex.next(infix)
	return err
}

func (p *parser) at(op string) bool { return p.tok.kind == tokOperator && p.tok.text == op }

// expect consumes the operator op.
func (p *parser) expect(op string, infix bool) *Error {
	if p.at(op) {
		return p.advance(infix)
	}
	code := "S0202"
	if p.tok.kind == tokEnd {
		code = "S0203"
	}
	e := p.lex.failAt(code, p.tok.end, p.tok.shownAs())
	e.Value = Value(value.String(op))
	shownTok := quoted(e.Token)
	if p.tok.kind == tokNumber || p.tok.kind == tokLiteral {
		shownTok = e.Token
	}
	e.Message = expand(messages[code], shownTok, quoted(op))
	return e
}

func bindingPower(t *token) int {
	if t.kind != tokOperator {
		return 0
	}
	switch t.text {
	case "[", "(", "@", "#":
		return 80
	case ".":
		return 75
	case "{":
		return 70
	case "*", "/", "%":
		return 60
	case "+", "-", "&":
		return 50
	case "=", "<", ">", "!=", "<=", ">=", "^", "~>", "in", "??", "?:":
		return 40
	case "and":
		return 30
	case "or":
		return 25
	case "?":
		return 20
	case ":=":
		return 10
	}
	return 0
}

// expression parses as far as operators bind tighter than rbp.
func (p *parser) expression(rbp int) (*ast, *Error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNesting {
		e := p.lex.failAt("U1001", p.tok.end, p.tok.shownAs())
		e.Message = "Expression is nested too deeply"
		return nil, e
	}
	t := p.tok
	if t.kind == tokEnd {
		// shape tells, unless something else is found missing before.
		return newNode(astEnd, &t), nil
	}
	if err := p.advance(true); err != nil {
		return nil, err
	}
	left, err := p.prefix(&t)
	if err != nil {
		return nil, err
	}
	for rbp < bindingPower(&p.tok) {
		t = p.tok
		if err := p.advance(false); err != nil {
			return nil, err
		}
		if left, err = p.infix(&t, left); err != nil {
			return nil, err
		}
	}
	return left, nil
}

func newNode(kind astKind, t *token) *ast {
	return &ast{kind: kind, start: t.start, pos: t.end, text: t.text, value: t.value}
}

// prefix parses what starts with t, which is consumed.
func (p *parser) prefix(t *token) (*ast, *Error) {
	switch t.kind {
	case tokString, tokNumber, tokLiteral:
		return newNode(astLiteral, t), nil
	case tokName:
		return newNode(astName, t), nil
	case tokVariable:
		return newNode(astVariable, t), nil
	case tokRegex:
		n := newNode(astRegex, t)
		n.flags = t.flags
		return n, nil
	}
	n := newNode(astName, t)
	switch t.text {
	case "and", "or", "in":
		return n, nil
	case "*":
		n.kind = astWildcard
		return n, nil
	case "**":
		n.kind = astDescendant
		return n, nil
	case "%":
		n.kind = astParent
		return n, nil
	case "-":
		n.kind = astUnaryMinus
		return p.operand(n, 70)
	case "(":
		return p.block(n)
	case "[":
		return p.arrayConstructor(n)
	case "{":
		n.kind = astObject
		return n, p.members(&n.pairs)
	case "|":
		return p.transform(n)
	}
	code := "S0211"
	if t.text == "!" || t.text == "~" {
		code = "S0204"
	}
	return nil, p.lex.failAt(code, t.end, t.text)
}

func (p *parser) operand(n *ast, rbp int) (_ *ast, err *Error) {
	n.lhs, err = p.expression(rbp)
	return n, err
}

func (p *parser) block(n *ast) (*ast, *Error) {
	n.kind = astBlock
	for !p.at(")") {
		item, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
		if !p.at(";") {
			break
		}
		if err := p.advance(false); err != nil {
			return nil, err
		}
	}
	return n, p.expect(")", true)
}

func (p *parser) arrayConstructor(n *ast) (*ast, *Error) {
	n.kind = astArray
	for !p.at("]") {
		item, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		if p.at("..") {
			r := newNode(astBinary, &p.tok)
			if err := p.advance(false); err != nil {
				return nil, err
			}
			r.lhs = item
			if r.rhs, err = p.expression(0); err != nil {
				return nil, err
			}
			item = r
		}
		n.items = append(n.items, item)
		if !p.at(",") {
			break
		}
		if err := p.advance(false); err != nil {
			return nil, err
		}
		if p.at("]") {
			return nil, p.lex.failAt("S0211", p.tok.end, "]")
		}
	}
	return n, p.expect("]", true)
}

// members parses key: value pairs up to the closing brace.
func (p *parser) members(pairs *[]pair) *Error {
	for !p.at("}") {
		key, err := p.expression(0)
		if err != nil {
			return err
		}
		if err := p.expect(":", false); err != nil {
			return err
		}
		val, err := p.expression(0)
		if err != nil {
			return err
		}
		*pairs = append(*pairs, pair{key, val})
		if !p.at(",") {
			break
		}
		if err := p.advance(false); err != nil {
			return err
		}
		if p.at("}") {
			return p.lex.failAt("S0211", p.tok.end, "}")
		}
	}
	return p.expect("}", true)
}

func (p *parser) transform(n *ast) (_ *ast, err *Error) {
	n.kind = astTransform
	if n.lhs, err = p.expression(0); err != nil {
		return nil, err
	}
	if err = p.expect("|", false); err != nil {
		return nil, err
	}
	if n.rhs, err = p.expression(0); err != nil {
		return nil, err
	}
	if p.at(",") {
		if err = p.advance(false); err != nil {
			return nil, err
		}
		if n.third, err = p.expression(0); err != nil {
			return nil, err
		}
	}
	return n, p.expect("|", false) // so a slash behind it is no division, as in the reference
}

// infix parses what t, which is consumed, makes of the left side.
func (p *parser) infix(t *token, left *ast) (_ *ast, err *Error) {
	n := newNode(astBinary, t)
	n.lhs = left
	switch t.text {
	case "(":
		return p.call(n)
	case "[":
		return p.predicate(n)
	case "{":
		n.kind = astGroup
		return n, p.members(&n.pairs)
	case "^":
		return p.orderBy(n)
	case "?":
		return p.condition(n)
	case ":=":
		n.kind = astBind
		if left.kind != astVariable {
			return nil, p.lex.failAt("S0212", left.pos, left.text)
		}
		n.rhs, err = p.expression(9)
		return n, err
	case "@", "#":
		return p.binding(n)
	case ".":
		n.kind = astDot
	case "~>":
		n.kind = astApply
	case "??":
		n.kind = astCoalesce
		n.rhs, err = p.expression(0)
		return n, err
	case "?:":
		n.kind = astElvis
		n.rhs, err = p.expression(0)
		return n, err
	}
	n.rhs, err = p.expression(bindingPower(t))
	return n, err
}

func (p *parser) binding(n *ast) (_ *ast, err *Error) {
	n.kind = astFocus
	if n.text == "#" {
		n.kind = astIndex
	}
	if n.rhs, err = p.expression(80); err != nil {
		return nil, err
	}
	if n.rhs.kind != astVariable {
		return nil, p.lex.failAt("S0214", n.rhs.pos, n.text)
	}
	return n, nil
}

func (p *parser) predicate(n *ast) (_ *ast, err *Error) {
	if p.at("]") {
		// a[] keeps singletons as arrays, whatever predicates are in between.
		step := n.lhs
		for step.kind == astPredicate {
			step = step.lhs
		}
		step.keepArray = true
		return n.lhs, p.advance(false)
	}
	n.kind = astPredicate
	if n.rhs, err = p.expression(0); err != nil {
		return nil, err
	}
	return n, p.expect("]", true)
}

func (p *parser) condition(n *ast) (_ *ast, err *Error) {
	n.kind = astCondition
	if n.rhs, err = p.expression(0); err != nil {
		return nil, err
	}
	if p.at(":") {
		if err = p.advance(false); err != nil {
			return nil, err
		}
		n.third, err = p.expression(0)
	}
	return n, err
}

func (p *parser) orderBy(n *ast) (*ast, *Error) {
	n.kind = astSort
	if err := p.expect("(", false); err != nil {
		return nil, err
	}
	for {
		var term sortTerm
		if p.at("<") || p.at(">") {
			term.descending = p.tok.text == ">"
			if err := p.advance(false); err != nil {
				return nil, err
			}
		}
		var err *Error
		if term.expr, err = p.expression(0); err != nil {
			return nil, err
		}
		n.terms = append(n.terms, term)
		if !p.at(",") {
			break
		}
		if err := p.advance(false); err != nil {
			return nil, err
		}
	}
	return n, p.expect(")", true)
}

func (p *parser) call(n *ast) (*ast, *Error) {
	n.kind = astCall
	for !p.at(")") {
		if p.at("?") {
			n.kind = astPartial
			n.items = append(n.items, newNode(astPlaceholder, &p.tok))
			if err := p.advance(false); err != nil {
				return nil, err
			}
		} else {
			arg, err := p.expression(0)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, arg)
		}
		if !p.at(",") {
			break
		}
		if err := p.advance(false); err != nil {
			return nil, err
		}
		if p.at(")") {
			return nil, p.lex.failAt("S0211", p.tok.end, ")")
		}
	}
	if err := p.expect(")", true); err != nil {
		return nil, err
	}
	if n.lhs.kind == astName && (n.lhs.text == "function" || n.lhs.text == "λ") {
		return p.lambda(n)
	}
	return n, nil
}

func (p *parser) lambda(n *ast) (_ *ast, err *Error) {
	n.kind = astLambda
	for i, arg := range n.items {
		if arg.kind != astVariable {
			e := p.lex.failAt("S0208", arg.pos, arg.text)
			e.Value = Value(value.Int(int64(i + 1)))
			return nil, e.fill("", value.Value{})
		}
	}
	if p.at("<") {
		if err := p.signature(n); err != nil {
			return nil, err
		}
	}
	if err = p.expect("{", false); err != nil {
		return nil, err
	}
	if n.rhs, err = p.expression(0); err != nil {
		return nil, err
	}
	return n, p.expect("}", true)
}

// signature collects the text between angle brackets, which may be nested.
func (p *parser) signature(n *ast) *Error {
	start, at := p.tok.start, p.tok.end
	depth := 1
	for depth > 0 && !p.at("{") && p.tok.kind != tokEnd {
		if err := p.advance(true); err != nil {
			return err
		}
		if p.at(">") {
			depth--
		} else if p.at("<") {
			depth++
		}
	}
	end := p.tok.end
	if err := p.expect(">", true); err != nil {
		return err
	}
	n.signature = p.lex.text[start:end]
	sig, err := parseSignature(n.signature)
	if err != nil {
		at += err.Offset
		err.Offset, err.Position = at, utf16Len(p.lex.text[:at])
		return err
	}
	n.sig = sig
	return nil
}
