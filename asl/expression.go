package asl

import (
	"errors"
	"strings"
	"unicode"

	"github.com/stepsleuth/stepsleuth/jsonata"
)

// isExpression tells a JSONata expression: "{%" first and "%}" last, with no
// white space around (ASL "JSONata strings").
func isExpression(s string) bool {
	return len(s) >= 4 && strings.HasPrefix(s, "{%") && strings.HasSuffix(s, "%}")
}

// openExpression reports half a JSONata expression.
func (d *decoder) openExpression(v *node, q QueryLanguage) {
	if q != JSONata {
		return
	}
	opens := strings.HasPrefix(strings.TrimSpace(v.text), "{%")
	closes := strings.HasSuffix(strings.TrimSpace(v.text), "%}")
	switch {
	case opens && closes:
		d.warnf(v, codeSchema, "taken as text, because of the white space around it: {%% must come first in the string and %%} last")
	case opens:
		d.schemaf(v, "an expression begins with {%% and does not end with %%}")
	case closes:
		d.schemaf(v, "an expression ends with %%} and does not begin with {%%")
	}
}

// expression reads and compiles a JSONata string.
func (d *decoder) expression(v *node) *Expression {
	inner := v.text[2 : len(v.text)-2]
	e := &Expression{Text: strings.TrimSpace(inner), Span: v.span}
	if isPlaceholder(v.text) {
		return e
	}
	compiled, err := jsonata.Compile(e.Text, jsonata.StepFunctions)
	if err != nil {
		d.badExpression(v, err)
		return e
	}
	e.Compiled = compiled
	d.topLevel(v, e.Text)
	d.stateReferences(v, compiled)
	return e
}

func (d *decoder) badExpression(v *node, err error) {
	var syntax *jsonata.Error
	if !errors.As(err, &syntax) {
		d.problemf(v, codeBadJSONata, "%v", err)
		return
	}
	e := d.problemf(v, codeBadJSONata, "%s: no JSONata: %s", label(v), syntax.Message).saying("%s", syntax.Message)
	lead := 2 + len(v.text[2:]) - len(strings.TrimLeft(v.text[2:], " \t\r\n"))
	if at := lead + syntax.Offset; !v.raw && syntax.Position >= 0 && syntax.Offset > 0 && at < len(v.text) {
		e.Span = Span{v.span.Start + at, v.span.End - 1} // the offset is behind the token: point at its end
	}
}

// topLevel reports an expression that begins with a bare name. There is nothing
// that such a name could be a field of: data is in $states and in variables.
func (d *decoder) topLevel(v *node, text string) {
	end := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	if end < 0 {
		end = len(text)
	}
	name := text[:end]
	switch name {
	case "", "true", "false", "null", "function", "λ":
		return
	}
	if !unicode.IsDigit(rune(name[0])) {
		d.problemf(v, codeNoTopLevel, "%s is a field of nothing: data is in $states.input, $states.result and in variables", name).
			saying("Reference to '%s' at the top level is not supported.", name)
	}
}

// stateFieldsOfJSONata are what $states has (Developer Guide, "Transforming data").
var stateFieldsOfJSONata = []string{"input", "result", "errorOutput", "context"}

// stateReferences looks at what an expression reads of $states.
func (d *decoder) stateReferences(v *node, compiled *jsonata.Expr) {
	for _, r := range compiled.References() {
		if r.Name == "states" && len(r.Path) > 0 {
			d.stateReference(v, r.Path[0])
		}
	}
}

func (d *decoder) stateReference(v *node, field string) {
	for _, known := range stateFieldsOfJSONata {
		if field == known {
			if field == "errorOutput" && !inCatch(v) {
				d.problemf(v, codeBadJSONata, "$states.errorOutput is there in a catcher's Output and Assign only")
			}
			return
		}
	}
	d.warnf(v, codeBadJSONata, "$states has no %s%s", field, d.didYouMean(field, stateFieldsOfJSONata))
}

// inCatch tells whether a value stands in a catcher.
func inCatch(n *node) bool {
	for ; n != nil; n = n.parent {
		if n.key == "Catch" && n.kind == '[' {
			return true
		}
	}
	return false
}
