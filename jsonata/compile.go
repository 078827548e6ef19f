package jsonata

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// node is an executable piece of an expression. It is immutable.
type node interface {
	eval(ev *run, in value.Value, fr *frame) (value.Value, error)
}

// place is where in the text a node stands.
type place struct {
	position int32 // UTF-16 units
	offset   int32 // bytes
}

// scope is what a frame holds: the variables of a block, a function or, where
// tuple is set, of the steps of a path that bind variables.
type scope struct {
	parent *scope
	names  []string
	params int // so many of names are always bound
	tuple  bool
	labels []string
}

func (s *scope) size() int {
	if s == nil {
		return 0
	}
	return len(s.names)
}

type compiler struct {
	text    string
	ascii   bool
	dialect Dialect
	dynamic bool // names that are not bound here are looked for in the caller's frames
	globals []string
	refs    []Reference
	err     *Error
}

func compile(text string, d Dialect, dynamic bool) (*Expr, *Error) {
	tree, err := parse(text, d)
	if err != nil {
		return nil, err
	}
	tree, err = shapeRoot(text, tree)
	if err != nil {
		return nil, err
	}
	c := &compiler{text: text, ascii: isASCII(text), dialect: d, dynamic: dynamic}
	var top *scope
	if names := declared(tree); len(names) > 0 {
		top = &scope{names: names}
	}
	e := &Expr{text: text, dialect: d, scope: top}
	e.root = c.compile(tree, top, false)
	e.globals, e.refs = c.globals, c.refs
	if c.err != nil {
		return nil, c.err
	}
	slices.SortStableFunc(e.refs, func(a, b Reference) int { return a.Offset - b.Offset })
	return e, nil
}

// declared returns the variables that := binds directly in n, so not in blocks
// and functions within, which have frames of their own.
func declared(n *ast) []string {
	var names []string
	var walk func(*ast)
	walk = func(n *ast) {
		if n.kind == astBlock || n.kind == astLambda {
			n.clauses(walk) // what stands behind it is still here
			return
		}
		if n.kind == astBind && !slices.Contains(names, n.lhs.text) {
			names = append(names, n.lhs.text)
		}
		n.children(walk)
	}
	walk(n)
	return names
}

// children calls f for what n is made of.
func (n *ast) children(f func(*ast)) {
	for _, child := range []*ast{n.lhs, n.rhs, n.third} {
		if child != nil {
			f(child)
		}
	}
	for _, list := range [][]*ast{n.items, n.steps} {
		for _, child := range list {
			f(child)
		}
	}
	for _, p := range n.pairs {
		f(p.key)
		f(p.value)
	}
	for _, t := range n.terms {
		f(t.expr)
	}
	n.clauses(f)
}

// clauses calls f for what follows n in brackets: filters and grouping.
func (n *ast) clauses(f func(*ast)) {
	for _, list := range [][]stage{n.stages, n.predicates} {
		for _, st := range list {
			if st.filter != nil {
				f(st.filter)
			}
		}
	}
	if n.group != nil {
		for _, p := range n.group.pairs {
			f(p.key)
			f(p.value)
		}
	}
}

func (c *compiler) at(n *ast) place {
	pos := n.pos
	if !c.ascii {
		pos = utf16Len(c.text[:n.pos])
	}
	return place{position: int32(pos), offset: int32(n.pos)}
}

// compile makes n executable, with the clauses that follow it.
func (c *compiler) compile(n *ast, s *scope, tail bool) node {
	plain := len(n.predicates) == 0 && (n.group == nil || n.kind == astPath)
	out := c.bare(n, s, tail && plain)
	if len(n.predicates) > 0 {
		inner := s
		if n.tuple {
			inner = &scope{parent: s, tuple: true, labels: labelsOf(n)}
		}
		out = &filtered{base: out, filters: c.filters(n.predicates, inner), keep: n.keepArray, tuples: n.tuple}
	}
	if n.group != nil && n.kind != astPath {
		out = &grouped{base: out, group: c.pairs(n.group.pairs, n.group.pos, s)}
	}
	return out
}

func (c *compiler) bare(n *ast, s *scope, tail bool) node {
	switch n.kind {
	case astLiteral:
		return &literal{v: n.value}
	case astVariable:
		return c.variable(n, s, nil, false)
	case astParent:
		return c.parent(*n.slot.label, s)
	case astName:
		return &field{name: n.text}
	case astWildcard:
		return &wildcard{keep: n.keepArray}
	case astDescendant:
		return &descendants{keep: n.keepArray}
	case astRegex:
		return c.regex(n)
	case astPath:
		return c.path(n, s)
	case astBinary:
		return c.binary(n, s)
	case astUnaryMinus:
		return &negation{place: c.at(n), operand: c.compile(n.lhs, s, false)}
	case astArray:
		return c.array(n, s)
	case astObject:
		return &objectConstructor{group: c.pairs(n.pairs, n.pos, s)}
	case astBlock:
		return c.block(n, s, tail)
	case astBind:
		return c.bind(n, s)
	}
	return c.control(n, s, tail)
}

func (c *compiler) control(n *ast, s *scope, tail bool) node {
	switch n.kind {
	case astCondition:
		out := &condition{test: c.compile(n.lhs, s, false), then: c.compile(n.rhs, s, tail)}
		if n.third != nil {
			out.otherwise = c.compile(n.third, s, tail)
		}
		return out
	case astCoalesce, astElvis:
		return &fallback{truthy: n.kind == astElvis, lhs: c.compile(n.lhs, s, false), rhs: c.compile(n.rhs, s, tail)}
	case astCall, astPartial:
		return c.call(n, s, tail)
	case astLambda:
		return c.lambda(n, s)
	case astApply:
		return c.apply(n, s)
	case astTransform:
		out := &transform{pattern: c.compile(n.lhs, s, false), update: c.compile(n.rhs, s, false), updateAt: c.at(n.rhs)}
		if n.third != nil {
			out.remove, out.removeAt = c.compile(n.third, s, false), c.at(n.third)
		}
		return out
	}
	return &literal{} // a placeholder outside of arguments cannot be parsed
}

// hop is one place where a variable may be bound.
type hop struct {
	up    int32
	slot  int32 // -1: a label of a tuple
	fixed bool  // a parameter: bound for sure
	label string
}

// parent is the object that a % means, undefined where no step binds it.
func (c *compiler) parent(label string, s *scope) node {
	out := &variable{name: label, global: -1}
	for up := int32(0); s != nil; s, up = s.parent, up+1 {
		if s.tuple && slices.Contains(s.labels, label) {
			out.hops = append(out.hops, hop{up: up, slot: -1, label: label})
		}
	}
	return out
}

// resolve finds where name may be bound, from the inside out.
func (c *compiler) resolve(name string, s *scope, n *ast) node {
	var hops []hop
	up := int32(0)
	for ; s != nil; s = s.parent {
		if s.tuple {
			if slices.Contains(s.labels, name) {
				hops = append(hops, hop{up: up, slot: -1, label: name})
			}
		} else if i := slices.Index(s.names, name); i >= 0 {
			h := hop{up: up, slot: int32(i), fixed: i < s.params}
			hops = append(hops, h)
			if h.fixed {
				return &variable{hops: hops, name: name}
			}
		}
		up++
	}
	if len(hops) > 0 {
		return &variable{hops: hops, name: name, global: c.global(name), dynamic: c.dynamic, up: up}
	}
	if c.dynamic {
		return &variable{name: name, dynamic: true, up: up, global: c.global(name)}
	}
	return &globalVariable{index: c.global(name), name: name}
}

func (c *compiler) global(name string) int {
	if i := slices.Index(c.globals, name); i >= 0 {
		return i
	}
	c.globals = append(c.globals, name)
	return len(c.globals) - 1
}

// variable compiles a use of a variable; path is what follows it.
func (c *compiler) variable(n *ast, s *scope, path []string, call bool) node {
	if n.text == "" {
		return contextNode{}
	}
	out := c.resolve(n.text, s, n)
	if v, bound := out.(*variable); (!bound || len(v.hops) == 0) && n.text != "$" {
		c.refs = append(c.refs, Reference{
			Name: n.text, Path: path, Offset: n.start, End: n.pos, Call: call, Known: library(c.dialect)[n.text] != nil,
		})
		if call && n.text == "eval" && c.dialect == StepFunctions {
			c.refuseEval(n)
		}
	}
	return out
}

// refuseEval is the error of a call that can only fail: variables of a state machine
// are no functions.
func (c *compiler) refuseEval(n *ast) {
	err := fail("T1006").placed(c.at(n), n.text)
	err.Message += ": Step Functions has no $eval"
	c.fail(err)
}

func (c *compiler) bind(n *ast, s *scope) node {
	out := &assignment{value: c.compile(n.rhs, s, false)}
	for s.tuple {
		// What a step of such a path binds, the frame around the path holds.
		s = s.parent
		out.up++
	}
	out.slot = slices.Index(s.names, n.lhs.text)
	return out
}

func (c *compiler) block(n *ast, s *scope, tail bool) node {
	var names []string
	for _, item := range n.items {
		for _, name := range declared(item) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	out := &block{}
	if len(names) > 0 {
		s = &scope{parent: s, names: names}
		out.scope = s
	}
	for i, item := range n.items {
		out.items = append(out.items, c.compile(item, s, tail && i == len(n.items)-1))
	}
	if len(out.items) == 1 && out.scope == nil {
		return out.items[0]
	}
	return out
}

func (c *compiler) array(n *ast, s *scope) node {
	out := &arrayConstructor{cons: n.consArray}
	constant := !n.consArray
	for _, item := range n.items {
		if item.kind == astBinary && item.text == ".." {
			out.items = append(out.items, arrayItem{node: &rangeOperator{
				place: c.at(item), from: c.compile(item.lhs, s, false), to: c.compile(item.rhs, s, false),
			}})
			constant = false
			continue
		}
		it := arrayItem{node: c.compile(item, s, false), nested: item.kind == astArray}
		lit, ok := it.node.(*literal)
		if !ok || lit.v.Kind() == value.KindArray && !it.nested { // an array in parentheses is taken apart
			constant = false
		}
		out.items = append(out.items, it)
	}
	if constant {
		items := make([]value.Value, len(out.items))
		for i := range out.items {
			items[i] = out.items[i].node.(*literal).v
		}
		return &literal{v: value.Array(items...)}
	}
	return out
}

// pairs compiles the members of an object constructor or a grouping.
func (c *compiler) pairs(pairs []pair, pos int, s *scope) *group {
	g := &group{place: c.at(&ast{pos: pos}), static: true}
	seen := map[string]bool{}
	for _, p := range pairs {
		gp := groupPair{value: c.compile(p.value, s, false)}
		if text, ok := p.key.value.AsString(); ok && p.key.kind == astLiteral && len(p.key.predicates) == 0 && p.key.group == nil {
			gp.member = value.NewMember(text, value.Value{})
			g.static = g.static && !seen[text]
			seen[text] = true
		} else {
			g.static = false
		}
		gp.key = c.compile(p.key, s, false)
		g.pairs = append(g.pairs, gp)
	}
	return g
}

func (c *compiler) filters(stages []stage, s *scope) []filter {
	out := make([]filter, 0, len(stages))
	for _, st := range stages {
		if st.filter == nil {
			out = append(out, filter{bindIndex: st.index})
			continue
		}
		f := filter{test: c.compile(st.filter, s, false)}
		if l, ok := f.test.(*literal); ok {
			if n, ok := l.v.AsFloat(); ok {
				f.isIndex, f.index = true, n
			}
		}
		out = append(out, f)
	}
	return out
}

func (c *compiler) regex(n *ast) node {
	re, err := newRegex(n.text, n.flags)
	if err != nil {
		p := c.at(n)
		c.fail(err.placed(p, ""))
		return &literal{}
	}
	return &literal{v: value.Opaque(re.matcher())}
}

func (c *compiler) fail(err *Error) {
	if c.err == nil {
		c.err = err
	}
}

// path compiles a path. Up to the first step that binds a variable or whose
// parent is asked for, steps give values; from there on they give tuples.
func (c *compiler) path(n *ast, s *scope) node {
	out := &path{keep: n.keepSingleton || n.keepArray, tupleFrom: -1, wantTuples: n.tuple}
	first := n.steps[0]
	out.fromVariable = first.kind == astVariable
	for i, st := range n.steps {
		if st.tuple {
			out.tupleFrom = i
			break
		}
	}
	inner := s
	if out.tupleFrom >= 0 {
		inner = &scope{parent: s, tuple: true, labels: labelsOf(n)}
	}
	for i, st := range n.steps {
		env := s
		if out.tupleFrom >= 0 && i >= out.tupleFrom {
			env = inner
		}
		out.steps = append(out.steps, c.step(n, i, st, env, s, i == out.tupleFrom))
	}
	if n.group != nil {
		out.group = c.pairs(n.group.pairs, n.group.pos, inner)
	}
	if fast := out.simple(); fast != nil {
		return fast
	}
	return out
}

func (c *compiler) step(n *ast, i int, st *ast, env, outer *scope, firstTuple bool) step {
	out := step{focus: st.focus, index: st.index, cons: st.consArray && i == 0}
	if st.ancestor != nil {
		out.ancestor = *st.ancestor.label
	}
	switch {
	case st.kind == astSort:
		terms := env
		if firstTuple {
			terms = outer // there are no tuples yet to take variables from
		}
		out.sort = c.sortTerms(st, terms)
	case st.kind == astName:
		out.isField, out.name = true, st.text
		out.expr = &field{name: st.text}
	case st.kind == astVariable:
		out.expr = c.clauseless(st, c.variable(st, env, followingFields(n, i), false), env)
	default:
		// A clause of a step is a stage of it, a group its own.
		out.expr = c.compile(st, env, false)
		if f, ok := out.expr.(*filtered); ok {
			f.wantTuples = true
		}
	}
	out.filters = c.filters(st.stages, env)
	return out
}

// clauseless adds a variable's own predicates and grouping.
func (c *compiler) clauseless(n *ast, base node, s *scope) node {
	if len(n.predicates) > 0 {
		base = &filtered{base: base, filters: c.filters(n.predicates, s), keep: n.keepArray}
	}
	if n.group != nil {
		base = &grouped{base: base, group: c.pairs(n.group.pairs, n.group.pos, s)}
	}
	return base
}

// followingFields are the names behind step i, as far as they are plain fields.
func followingFields(n *ast, i int) []string {
	var names []string
	if len(n.steps[i].predicates) > 0 || len(n.steps[i].stages) > 0 {
		return nil
	}
	for _, st := range n.steps[i+1:] {
		if st.kind != astName {
			break
		}
		names = append(names, st.text)
		if len(st.stages) > 0 {
			break
		}
	}
	return names
}

// labelsOf lists the variables that steps of a path bind, also those of paths
// within that hand their tuples on.
func labelsOf(n *ast) []string {
	var labels []string
	add := func(name string) {
		if name != "" && !slices.Contains(labels, name) {
			labels = append(labels, name)
		}
	}
	var walk func(*ast)
	walk = func(n *ast) {
		add(n.focus)
		add(n.index)
		if n.ancestor != nil {
			add(*n.ancestor.label)
		}
		for _, st := range n.stages {
			add(st.index)
		}
		if n.kind == astPath || n.kind == astBlock {
			for _, list := range [][]*ast{n.steps, n.items} {
				for _, child := range list {
					walk(child)
				}
			}
		}
	}
	walk(n)
	return labels
}

func (c *compiler) sortTerms(n *ast, s *scope) *ordering {
	out := &ordering{place: c.at(n)}
	for _, t := range n.terms {
		out.terms = append(out.terms, orderTerm{expr: c.compile(t.expr, s, false), descending: t.descending})
	}
	return out
}

func (c *compiler) call(n *ast, s *scope, tail bool) node {
	out := call{place: c.at(n), keep: n.keepArray}
	out.token, out.mistaken = c.callee(n.lhs)
	if n.lhs.kind == astVariable && len(n.lhs.predicates) == 0 {
		out.proc = c.variable(n.lhs, s, nil, true)
	} else {
		out.proc = c.compile(n.lhs, s, false)
	}
	holes := false
	for _, arg := range n.items {
		if arg.kind == astPlaceholder {
			out.args = append(out.args, nil)
			holes = true
			continue
		}
		out.args = append(out.args, c.compile(arg, s, false))
	}
	switch {
	case holes:
		return &partial{call: out}
	case tail && !n.keepArray:
		return &tailCallNode{call: out}
	}
	return &out
}

// callee is how errors name what is called, and the library's function that was
// probably meant where the $ is missing.
func (c *compiler) callee(n *ast) (token, mistaken string) {
	switch {
	case n.kind == astPath && n.steps[0].kind == astName:
		token = n.steps[0].text
		if len(n.steps) == 1 {
			mistaken = token
		}
	case n.kind == astVariable:
		token = n.text
	case n.kind == astLiteral:
		token = strings.Trim(n.value.JSON(), `"`)
	case n.kind == astCall:
		token = "("
	}
	return token, mistaken
}

func (c *compiler) lambda(n *ast, s *scope) node {
	inner := &scope{parent: s}
	for _, p := range n.items {
		inner.names = append(inner.names, p.text)
	}
	inner.params = len(inner.names)
	for _, name := range declared(n.rhs) {
		if !slices.Contains(inner.names, name) {
			inner.names = append(inner.names, name)
		}
	}
	return &lambda{scope: inner, arity: len(n.items), sig: n.sig, body: c.compile(n.rhs, inner, true), place: c.at(n), captures: capturing(n.rhs)}
}

// capturing reports that evaluating n may make a value that holds on to a frame.
func capturing(n *ast) bool {
	switch n.kind {
	case astLambda, astPartial, astTransform:
		return true
	case astVariable:
		if n.text == "eval" {
			return true
		}
	}
	found := false
	n.children(func(child *ast) { found = found || capturing(child) })
	return found
}

func (c *compiler) apply(n *ast, s *scope) node {
	out := &application{place: c.at(n), lhs: c.compile(n.lhs, s, false), keep: n.keepArray}
	if n.rhs.kind == astCall && len(n.rhs.predicates) == 0 && n.rhs.group == nil {
		out.call, _ = c.call(n.rhs, s, false).(*call)
		return out
	}
	out.rhs = c.compile(n.rhs, s, false)
	return out
}

func (c *compiler) binary(n *ast, s *scope) node {
	lhs, rhs := c.compile(n.lhs, s, false), c.compile(n.rhs, s, false)
	p := c.at(n)
	switch n.text {
	case "+", "-", "*", "/", "%":
		return &arithmetic{place: p, op: n.text[0], lhs: lhs, rhs: rhs}
	case "=", "!=":
		return &equality{negate: n.text == "!=", lhs: lhs, rhs: rhs}
	case "<", "<=", ">", ">=":
		return &comparison{place: p, op: n.text, lhs: lhs, rhs: rhs}
	case "&":
		return c.concatenation(p, lhs, rhs)
	case "and", "or":
		return &logical{or: n.text == "or", lhs: lhs, rhs: rhs}
	case "in":
		return &inclusion{lhs: lhs, rhs: rhs}
	}
	panic("jsonata: unknown operator " + strconv.Quote(n.text))
}

// concatenation joins a & b & c into one node.
func (c *compiler) concatenation(p place, lhs, rhs node) node {
	if left, ok := lhs.(*concatenation); ok {
		return &concatenation{parts: append(slices.Clip(left.parts), rhs)}
	}
	return &concatenation{parts: []node{lhs, rhs}}
}
