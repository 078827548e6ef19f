package asl

import (
	"errors"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
)

// CompiledPath is a path ready to be followed, opaque outside this module.
type CompiledPath jsonpath.Path

// pathKind says what a field takes.
type pathKind uint8

const (
	anyPath       pathKind = 1 << iota
	referencePath          // one place: no wildcards, slices, filters or functions
	noContext              // not of the Context object
	inputOnly              // nor of a variable
	orNull
)

// pathField reads a field that is a path.
func (d *decoder) pathField(n *node, name string, kind pathKind) *Path {
	v := n.get(name)
	switch {
	case v == nil:
		return nil
	case v.isNull() && kind&orNull != 0:
		return &Path{Null: true, Span: v.span}
	case !d.wants(v, "string"):
		return nil
	}
	return d.path(v, kind, v)
}

// path compiles the path in v, a part of the field.
func (d *decoder) path(v *node, kind pathKind, field *node) *Path {
	p := &Path{Text: v.text, Span: v.span}
	if isPlaceholder(v.text) {
		return p
	}
	compiled, err := jsonpath.Compile(v.text)
	if err != nil {
		d.badPath(v, field, err)
		return p
	}
	p.Compiled = (*CompiledPath)(compiled)
	if why := unfit(compiled, kind); why != "" {
		d.schemaf(v, "%s: %q %s", label(v), v.text, why).saying("Value is not a Reference Path")
	}
	return p
}

// unfit says why a path is not of the kind that a field takes, "" where it is.
func unfit(p *jsonpath.Path, kind pathKind) string {
	switch {
	case kind&referencePath != 0 && !p.Reference():
		return "can select more than one value; this field takes a path of names and indices only"
	case kind&(noContext|inputOnly) != 0 && p.Root() == jsonpath.Context:
		return "is a path of the Context object; this field takes none"
	case kind&inputOnly != 0 && p.Root() == jsonpath.Variable:
		return "is a variable; this field takes a path of the state's own data"
	}
	return ""
}

func (d *decoder) badPath(v, field *node, err error) {
	why := err.Error()
	at := 0
	var syntax *jsonpath.SyntaxError
	if errors.As(err, &syntax) {
		why, at = syntax.Problem, syntax.Offset
	}
	e := d.schemaf(v, "%s: %q is no path: %s", label(v), v.text, why).saying("Value must be a valid JSONPath.")
	if i := strings.Index(v.text, "[?"); i >= 0 && at > i && isPathText(v.text) {
		e.Severity = SeverityWarning // Step Functions looks into a filter only when the path is followed
	}
	if v != field {
		e.saying("The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", v.key).at(field)
	}
	if !v.raw && at > 0 && at < len(v.text) {
		e.Span = Span{v.span.Start + 1 + at, v.span.End - 1}
	}
}
