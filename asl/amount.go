package asl

import (
	"math"
	"strconv"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/intrinsic"
)

// whole reads a whole number of a range, nil where n is none.
func (d *decoder) whole(n *node, least, most int64) *int64 {
	if n.is("string") && isPlaceholder(n.text) {
		return nil
	}
	if !d.wants(n, "number") {
		return nil
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		d.schemaf(n, "%s must be a whole number, not %s", n.key, n.text).saying("Expected value of type Integer")
		return nil
	}
	i := int64(f)
	if !d.inRange(n, f, float64(least), float64(most)) {
		return nil
	}
	return &i
}

func (d *decoder) inRange(n *node, f, least, most float64) bool {
	switch {
	case f < least:
		d.schemaf(n, "%s must be at least %v, not %s", n.key, least, n.text).saying("Minimum value is %s", bound(n, least))
	case f > most:
		d.schemaf(n, "%s must be at most %s, not %s", n.key, strconv.FormatFloat(most, 'f', -1, 64), n.text).
			saying("Maximum value is %s", bound(n, most))
	default:
		return true
	}
	return false
}

// bound writes a limit as Step Functions does: with a decimal point where the
// field takes fractions.
func bound(n *node, limit float64) string {
	text := strconv.FormatFloat(limit, 'f', -1, 64)
	if n.fractional() {
		text += ".0"
	}
	return text
}

// amount reads the field name of n, or its …Path, or its expression.
func (d *decoder) amount(n *node, name string, q QueryLanguage, least, most float64) *Amount {
	v, path := n.get(name), n.get(name+"Path")
	if v != nil && path != nil {
		d.keyProblemf(path, codeSchema, "%s and %s exclude each other", name, path.key).
			saying("There should only be one of the following fields: [%s, %s]", name, path.key).at(n)
	}
	switch {
	case v == nil && path == nil:
		return nil
	case v == nil:
		return &Amount{Path: d.pathField(n, path.key, amountPath(name)), Span: path.span}
	case v.is("string") && q == JSONata && isExpression(v.text):
		return &Amount{Expr: d.expression(v), Span: v.span}
	case v.is("string") && isPlaceholder(v.text):
		return &Amount{Text: v.text, Span: v.span}
	case v.is("string") && q == JSONata:
		d.schemaf(v, "%s must be a number or an expression between {%% and %%}, not %q", name, v.text)
		return nil
	}
	return d.number(v, least, most)
}

// amountPath is what the …Path of a number takes: those of a Map do without the
// Context object.
func amountPath(name string) pathKind {
	switch name {
	case "Seconds", "TimeoutSeconds", "HeartbeatSeconds":
		return referencePath
	}
	return referencePath | noContext
}

func (d *decoder) number(v *node, least, most float64) *Amount {
	if !d.wants(v, "number") {
		return nil
	}
	f, err := strconv.ParseFloat(v.text, 64)
	if err != nil {
		d.schemaf(v, "%s is too large a number: %s", v.key, v.text)
		return nil
	}
	if v.key != "ToleratedFailurePercentage" && f != math.Trunc(f) {
		d.schemaf(v, "%s must be a whole number, not %s", v.key, v.text).saying("Expected value of type Integer")
	}
	d.inRange(v, f, least, most)
	return &Amount{Number: &f, Text: v.text, Span: v.span}
}

// textOr reads the field name of n, or its …Path, or its expression.
func (d *decoder) textOr(n *node, name string, q QueryLanguage, calls bool) *TextOr {
	v, path := n.get(name), n.get(name+"Path")
	if v != nil && path != nil {
		d.keyProblemf(path, codeSchema, "%s and %s exclude each other", name, path.key).
			saying("There should only be one of the following fields: [%s, %s]", name, path.key).at(n)
	}
	switch {
	case v == nil && path == nil:
		return nil
	case v == nil && calls && path.is("string") && intrinsic.IsCall(path.text):
		return &TextOr{Call: d.call(path, path), Span: path.span}
	case v == nil:
		return &TextOr{Path: d.pathField(n, path.key, referencePath), Span: path.span}
	case !d.wants(v, "string"):
		return nil
	case q == JSONata && isExpression(v.text):
		return &TextOr{Expr: d.expression(v), Span: v.span}
	}
	text := v.text
	return &TextOr{Text: &text, Span: v.span}
}

// isTimestamp tells the RFC 3339 form that ASL "Timestamps" asks for: with an
// upper-case T, and an upper-case Z where there is no offset.
func isTimestamp(s string) bool {
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil
}
