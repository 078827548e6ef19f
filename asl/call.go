package asl

import (
	"errors"

	"github.com/stepsleuth/stepsleuth/internal/intrinsic"
)

// CompiledCall is a call of an intrinsic function ready to be evaluated, opaque
// outside this module.
type CompiledCall intrinsic.Call

// call reads the call of an intrinsic function in v, a part of the field.
func (d *decoder) call(v, field *node) *Intrinsic {
	c := &Intrinsic{Text: v.text, Span: v.span}
	if isPlaceholder(v.text) {
		return c
	}
	compiled, err := intrinsic.Parse(v.text)
	if err != nil {
		d.badCall(v, field, err)
		return c
	}
	c.Compiled = (*CompiledCall)(compiled)
	return c
}

func (d *decoder) badCall(v, field *node, err error) {
	why, at := err.Error(), 0
	var syntax *intrinsic.SyntaxError
	if errors.As(err, &syntax) {
		why, at = syntax.Problem, syntax.Offset
	}
	e := d.schemaf(v, "%s: %q is no call of an intrinsic function: %s", label(v), v.text, why).
		saying("The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", v.key).at(field)
	if !v.raw && at > 0 && at < len(v.text) {
		e.Span = Span{v.span.Start + 1 + at, v.span.End - 1}
	}
}
