package jsonata

import "github.com/stepsleuth/stepsleuth/internal/value"

// shaper turns the tree as parsed into paths of steps, and finds for every
// parent operator (%) the step whose input it means.
type shaper struct {
	text  string
	slots int
}

// slot is one use of %. level counts the steps still to climb; label is under
// which name the parent is bound once the step is found. Two uses that mean the
// same parent share it.
type slot struct {
	level int
	label *string
}

func (s *shaper) fail(code string, n *ast) *Error {
	e := fail(code)
	e.Offset, e.Position = n.pos, utf16Len(s.text[:n.pos])
	if !n.value.IsAbsent() {
		e.Value = Value(n.value)
	}
	return e.fill("", value.Value{})
}

// shapeRoot shapes a whole expression, in which no % may be left over.
func shapeRoot(text string, n *ast) (*ast, *Error) {
	s := &shaper{text: text}
	root, err := s.shape(n)
	if err != nil {
		return nil, err
	}
	if root.kind == astParent || len(root.seeking) > 0 {
		return nil, s.orphan(root)
	}
	return root, nil
}

func (s *shaper) orphan(n *ast) *Error {
	e := s.fail("S0217", n)
	e.Token = kindNames[n.kind]
	return e
}

func (s *shaper) shape(n *ast) (*ast, *Error) {
	out, err := s.shapeBare(n)
	if err == nil && n.keepArray {
		out.keepArray = true
	}
	return out, err
}

func (s *shaper) shapeBare(n *ast) (*ast, *Error) {
	switch n.kind {
	case astName:
		path := &ast{kind: astPath, start: n.start, pos: n.pos, steps: []*ast{n}, keepSingleton: n.keepArray}
		return path, nil
	case astEnd:
		e := s.fail("S0207", n)
		e.Token = "(end)"
		return nil, e
	case astParent:
		label := "%" + string(rune('a'+s.slots))
		s.slots++
		n.slot = &slot{level: 1, label: &label}
		n.seeking = []*slot{n.slot}
		return n, nil
	case astDot:
		return s.dot(n)
	case astPredicate:
		return s.predicate(n)
	case astGroup:
		return s.groupBy(n)
	case astSort:
		return s.orderBy(n)
	case astFocus:
		return s.focus(n)
	case astIndex:
		return s.index(n)
	case astUnaryMinus:
		return s.minus(n)
	case astObject:
		return n, s.pairs(n, n.pairs)
	case astBlock:
		return s.block(n)
	case astLambda:
		return n, s.inPlace(n, &n.rhs, false)
	}
	return n, s.children(n)
}

// inPlace shapes *child; where inherit is set its unresolved parents are n's.
func (s *shaper) inPlace(n *ast, child **ast, inherit bool) *Error {
	if *child == nil {
		return nil
	}
	c, err := s.shape(*child)
	if err != nil {
		return err
	}
	*child = c
	if inherit {
		n.seeking = append(n.seeking, c.seeking...)
	}
	return nil
}

func (s *shaper) children(n *ast) *Error {
	if n.kind == astBind {
		return s.inPlace(n, &n.rhs, true)
	}
	// A transform's clauses have contexts of their own, which no path leads to;
	// with ~> the reference does not look further either.
	inherit := n.kind != astTransform && n.kind != astApply
	for i, child := range []**ast{&n.lhs, &n.rhs, &n.third} {
		callee := i == 0 && (n.kind == astCall || n.kind == astPartial)
		if err := s.inPlace(n, child, inherit && !callee); err != nil {
			return err
		}
	}
	for i := range n.items {
		if err := s.inPlace(n, &n.items[i], true); err != nil {
			return err
		}
	}
	if n.kind == astApply {
		n.keepArray = n.keepArray || n.lhs.keepArray || n.rhs.keepArray
	}
	return nil
}

func (s *shaper) pairs(n *ast, pairs []pair) *Error {
	for i := range pairs {
		if err := s.inPlace(n, &pairs[i].key, true); err != nil {
			return err
		}
		if err := s.inPlace(n, &pairs[i].value, true); err != nil {
			return err
		}
	}
	return nil
}

func (s *shaper) minus(n *ast) (*ast, *Error) {
	if err := s.inPlace(n, &n.lhs, true); err != nil {
		return nil, err
	}
	if f, ok := n.lhs.value.AsFloat(); ok && n.lhs.kind == astLiteral && len(n.lhs.predicates) == 0 && n.lhs.group == nil {
		n.lhs.value = value.Float(-f)
		return n.lhs, nil
	}
	return n, nil
}

func (s *shaper) block(n *ast) (*ast, *Error) {
	for i := range n.items {
		if err := s.inPlace(n, &n.items[i], true); err != nil {
			return nil, err
		}
		item := n.items[i]
		if item.consArray || item.kind == astPath && item.steps[0].consArray {
			n.consArray = true
		}
	}
	return n, nil
}

func (s *shaper) dot(n *ast) (*ast, *Error) {
	left, err := s.shape(n.lhs)
	if err != nil {
		return nil, err
	}
	path := left
	if left.kind != astPath {
		path = &ast{kind: astPath, start: left.start, pos: left.pos, steps: []*ast{left}}
		if left.kind == astParent {
			path.seeking = append(path.seeking, left.seeking...)
		}
	}
	rest, err := s.shape(n.rhs)
	if err != nil {
		return nil, err
	}
	if rest.kind == astPath {
		path.steps = append(path.steps, rest.steps...)
		path.keepSingleton = path.keepSingleton || rest.keepSingleton
		if rest.group != nil {
			path.group = rest.group
		}
	} else {
		rest.stages = append(rest.stages, rest.predicates...)
		rest.predicates = nil
		path.steps = append(path.steps, rest)
	}
	if err := s.checkSteps(path); err != nil {
		return nil, err
	}
	first, last := path.steps[0], path.steps[len(path.steps)-1]
	if first.kind == astArray {
		first.consArray = true
	}
	if last.kind == astArray {
		last.consArray = true
	}
	return path, s.resolveAncestry(path)
}

// checkSteps turns string steps into names and refuses other literals.
func (s *shaper) checkSteps(path *ast) *Error {
	for _, step := range path.steps {
		if step.kind == astLiteral {
			text, ok := step.value.AsString()
			if !ok {
				return s.fail("S0213", step)
			}
			step.kind, step.text = astName, text
		}
		if step.keepArray {
			path.keepSingleton = true
		}
	}
	return nil
}

// lastStep is the step to which what follows n belongs, and whether n is a path.
func lastStep(n *ast) (*ast, bool) {
	if n.kind == astPath {
		return n.steps[len(n.steps)-1], true
	}
	return n, false
}

func (s *shaper) predicate(n *ast) (*ast, *Error) {
	result, err := s.shape(n.lhs)
	if err != nil {
		return nil, err
	}
	step, inPath := lastStep(result)
	if step.group != nil {
		return nil, s.fail("S0209", n)
	}
	filter, err := s.shape(n.rhs)
	if err != nil {
		return nil, err
	}
	for _, sl := range filter.seeking {
		if sl.level == 1 {
			if err := s.seek(step, sl); err != nil {
				return nil, err
			}
		} else {
			sl.level--
		}
	}
	// What is still sought is sought further up the path. (What was found stays
	// in the list too: outside of a path the reference refuses it.)
	step.seeking = append(step.seeking, filter.seeking...)
	if inPath {
		step.stages = append(step.stages, stage{filter: filter})
	} else {
		step.predicates = append(step.predicates, stage{filter: filter})
	}
	return result, nil
}

func (s *shaper) groupBy(n *ast) (*ast, *Error) {
	result, err := s.shape(n.lhs)
	if err != nil {
		return nil, err
	}
	if result.group != nil {
		return nil, s.fail("S0210", n)
	}
	holder := &ast{}
	if err := s.pairs(holder, n.pairs); err != nil {
		return nil, err
	}
	result.group = &grouping{pairs: n.pairs, pos: n.pos}
	return result, s.adoptIn(result, holder.seeking)
}

// adoptIn resolves parents sought by a clause that is evaluated once the path is
// walked: its context is what the last step gave.
func (s *shaper) adoptIn(path *ast, slots []*slot) *Error {
	if path.kind != astPath {
		path.seeking = append(path.seeking, slots...)
		return nil
	}
	for _, sl := range slots {
		for i := len(path.steps) - 1; i >= 0 && sl.level > 0; i-- {
			if err := s.seek(path.steps[i], sl); err != nil {
				return err
			}
		}
		if sl.level > 0 {
			path.seeking = append(path.seeking, sl)
		}
	}
	return nil
}

func (s *shaper) orderBy(n *ast) (*ast, *Error) {
	left, err := s.shape(n.lhs)
	if err != nil {
		return nil, err
	}
	path := left
	if left.kind != astPath {
		path = &ast{kind: astPath, start: left.start, pos: left.pos, steps: []*ast{left}}
	}
	step := &ast{kind: astSort, start: n.start, pos: n.pos, terms: n.terms}
	for i := range step.terms {
		if err := s.inPlace(step, &step.terms[i].expr, true); err != nil {
			return nil, err
		}
	}
	path.steps = append(path.steps, step)
	return path, s.resolveAncestry(path)
}

func (s *shaper) focus(n *ast) (*ast, *Error) {
	result, err := s.shape(n.lhs)
	if err != nil {
		return nil, err
	}
	step, _ := lastStep(result)
	if len(step.stages) > 0 || len(step.predicates) > 0 {
		return nil, s.fail("S0215", n)
	}
	if step.kind == astSort {
		return nil, s.fail("S0216", n)
	}
	step.keepArray = step.keepArray || n.keepArray
	step.focus, step.tuple = n.rhs.text, true
	return result, nil
}

func (s *shaper) index(n *ast) (*ast, *Error) {
	result, err := s.shape(n.lhs)
	if err != nil {
		return nil, err
	}
	step, inPath := lastStep(result)
	if !inPath {
		result = &ast{kind: astPath, start: step.start, pos: step.pos, steps: []*ast{step}}
		step.stages, step.predicates = step.predicates, nil
	}
	if len(step.stages) == 0 {
		step.index = n.rhs.text
	} else {
		step.stages = append(step.stages, stage{index: n.rhs.text})
	}
	step.tuple = true
	return result, nil
}

// resolveAncestry finds the steps that the parents sought by the last step mean.
func (s *shaper) resolveAncestry(path *ast) *Error {
	last := len(path.steps) - 1
	slots := path.steps[last].seeking
	if len(slots) == 0 {
		return nil
	}
	path.steps[last].seeking = nil
	for _, sl := range slots {
		i := last - 1
		for sl.level > 0 {
			if i < 0 {
				path.seeking = append(path.seeking, sl)
				break
			}
			step := path.steps[i]
			i--
			// Steps that bind their focus leave the context where it was.
			for i >= 0 && step.focus != "" && path.steps[i].focus != "" {
				step = path.steps[i]
				i--
			}
			if err := s.seek(step, sl); err != nil {
				return err
			}
		}
	}
	return nil
}

// seek climbs one step of the tree in search of the parent that sl means.
func (s *shaper) seek(n *ast, sl *slot) *Error {
	switch n.kind {
	case astName, astWildcard:
		sl.level--
		if sl.level == 0 {
			if n.ancestor == nil {
				n.ancestor = sl
			} else {
				*sl.label = *n.ancestor.label
			}
			n.tuple = true
		}
	case astParent:
		sl.level++
	case astBlock:
		if len(n.items) > 0 {
			n.tuple = true
			return s.seek(n.items[len(n.items)-1], sl)
		}
	case astPath:
		n.tuple = true
		for i := len(n.steps) - 1; i >= 0 && sl.level > 0; i-- {
			if err := s.seek(n.steps[i], sl); err != nil {
				return err
			}
		}
	default:
		return s.orphan(n)
	}
	return nil
}
