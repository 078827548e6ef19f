package asl

import (
	"errors"
	"slices"
	"strings"

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
	hint := ""
	if name, _, _ := strings.Cut(v.text[min(at, len(v.text)):], "("); strings.HasPrefix(name, "States.") && !slices.Contains(intrinsicNames, name) {
		hint = d.didYouMean(name, intrinsicNames)
	}
	e := d.schemaf(v, "%s: %q is no call of an intrinsic function: %s%s", label(v), v.text, why, hint).
		saying("The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", v.key).at(field)
	if !v.raw && at > 0 && at < len(v.text) {
		e.Span = Span{v.span.Start + 1 + at, v.span.End - 1}
	}
}

// intrinsicNames are the functions of ASL "Appendix B", to choose a near name from.
var intrinsicNames = []string{
	"States.Array", "States.ArrayContains", "States.ArrayGetItem", "States.ArrayLength", "States.ArrayPartition", "States.ArrayRange",
	"States.ArrayUnique", "States.Base64Decode", "States.Base64Encode", "States.Format", "States.Hash", "States.JsonMerge",
	"States.JsonToString", "States.MathAdd", "States.MathRandom", "States.StringSplit", "States.StringToJson", "States.UUID",
}
