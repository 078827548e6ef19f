package asl

import (
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/intrinsic"
)

// template reads a payload template (JSONPath) or an expression, or JSON with
// expressions in it (JSONata).
func (d *decoder) template(n *node, name string, q QueryLanguage) *Template {
	v := n.get(name)
	if v == nil {
		return nil
	}
	if q == JSONPath && stateFields[name].language == JSONata {
		return nil // reported already
	}
	return &Template{Root: d.templateNode(v, q, v), Span: v.span}
}

// assign reads Assign: an object that names variables.
func (d *decoder) assign(n *node, q QueryLanguage) *Template {
	v := n.get("Assign")
	if v == nil || !d.wants(v, "object") {
		return nil
	}
	return d.template(n, "Assign", q)
}

// templateNode reads one value of a template; field is the field that it is in.
func (d *decoder) templateNode(v *node, q QueryLanguage, field *node) *Node {
	switch v.kind {
	case '{':
		return d.templateObject(v, q, field)
	case '[':
		return d.templateArray(v, q, field)
	case '"':
		if q == JSONata && isExpression(v.text) {
			return &Node{Expr: d.expression(v), Span: v.span}
		}
		d.openExpression(v, q)
	}
	return d.literal(v)
}

func (d *decoder) literal(v *node) *Node {
	return &Node{Literal: Value(v.value(d.src.Text)), Span: v.span}
}

func (d *decoder) templateObject(v *node, q QueryLanguage, field *node) *Node {
	out := &Node{Object: true, Span: v.span, Members: make([]Field, 0, len(v.kids))}
	constant := true
	for _, kid := range v.kids {
		member := d.templateMember(kid, q, field)
		constant = constant && !member.Node.Literal.IsAbsent()
		out.Members = append(out.Members, member)
	}
	d.clashes(v, q)
	if constant {
		return d.literal(v)
	}
	return out
}

func (d *decoder) templateArray(v *node, q QueryLanguage, field *node) *Node {
	out := &Node{Span: v.span, Items: make([]*Node, 0, len(v.kids))}
	constant := true
	for _, kid := range v.kids {
		item := d.templateNode(kid, q, field)
		constant = constant && !item.Literal.IsAbsent()
		out.Items = append(out.Items, item)
	}
	if constant {
		return d.literal(v)
	}
	return out
}

func (d *decoder) templateMember(kid *node, q QueryLanguage, field *node) Field {
	f := Field{Key: kid.key, KeySpan: kid.keySpan}
	if q == JSONPath && hasDollarSuffix(kid.key) {
		f.Key = strings.TrimSuffix(kid.key, ".$")
		f.Node = d.selected(kid, field)
		return f
	}
	if q == JSONPath && kid.is("string") && (isPathLike(kid.text) || isCallText(kid.text)) {
		d.warnf(kid, codeNoDollar, "%q is taken as text; to evaluate it, name the field %q", kid.text, kid.key+".$").
			saying("The field '%s' does not end with '.$' but its value appears to be a JSONPath or an intrinsic function", kid.key)
	}
	f.Node = d.templateNode(kid, q, field)
	return f
}

// selected reads the value of a key that ends in ".$".
func (d *decoder) selected(kid, field *node) *Node {
	switch {
	case !kid.is("string"):
		d.schemaf(kid, "%s must be a path or a call of an intrinsic function in quotes, not %s", kid.key, article(kid.name())).
			saying("The value for the field '%s' must be a STRING that contains a JSONPath or an intrinsic function expression", kid.key).at(field)
	case isPathText(kid.text):
		return &Node{Path: d.path(kid, anyPath, field), Span: kid.span}
	case intrinsic.IsCall(kid.text):
		return &Node{Call: d.call(kid, field), Span: kid.span}
	case isPlaceholder(kid.text):
	default:
		d.notSelectable(kid, field, "it begins with neither $ nor States.")
	}
	return d.literal(kid)
}

func (d *decoder) notSelectable(kid, field *node, why string) {
	d.schemaf(kid, "%s: %q is neither a path nor a call of an intrinsic function: %s", kid.key, kid.text, why).
		saying("The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", kid.key).at(field)
}

// clashes finds keys that become equal when the ".$" is dropped.
func (d *decoder) clashes(v *node, q QueryLanguage) {
	if q != JSONPath || !slices.ContainsFunc(v.kids, func(kid *node) bool { return hasDollarSuffix(kid.key) }) {
		return
	}
	plain := make(map[string]bool, len(v.kids))
	for _, kid := range v.kids {
		if !hasDollarSuffix(kid.key) {
			plain[kid.key] = true
		}
	}
	for _, kid := range v.kids {
		if key := strings.TrimSuffix(kid.key, ".$"); hasDollarSuffix(kid.key) && plain[key] {
			d.keyProblemf(kid, codeSchema, "%s and %s give the same field", kid.key, key)
		}
	}
}

func hasDollarSuffix(key string) bool { return strings.HasSuffix(key, ".$") }

// isPathText tells a path by its beginning.
func isPathText(s string) bool { return strings.HasPrefix(s, "$") && !strings.HasPrefix(s, "${") }

// isPathLike is stricter: what a person surely meant as a path.
func isPathLike(s string) bool {
	return s == "$" || s == "$$" || strings.HasPrefix(s, "$.") || strings.HasPrefix(s, "$$.") || strings.HasPrefix(s, "$[")
}

// isCallText tells a call of an intrinsic function by its beginning.
func isCallText(s string) bool { return strings.HasPrefix(s, "States.") && strings.Contains(s, "(") }
