package asl

import "strings"

// choice reads the rules of a Choice state.
func (d *decoder) choice(s *State, n *node) {
	if v := n.get("Default"); v != nil {
		s.Default = d.target(v)
	}
	v := n.get("Choices")
	if v == nil || !d.wants(v, "array") {
		return
	}
	if len(v.kids) == 0 {
		d.schemaf(v, "Choices is empty: a Choice state has at least one rule").saying("Value cannot be empty")
	}
	for _, kid := range v.kids {
		if d.wants(kid, "object") {
			s.Choices = append(s.Choices, d.rule(kid, s.QueryLanguage, true))
		}
	}
}

// rule reads a rule, or below And, Or and Not a part of one.
func (d *decoder) rule(n *node, q QueryLanguage, top bool) *Rule {
	r := &Rule{Span: n.span, Fields: make(map[string]Span, len(n.kids))}
	for _, kid := range n.kids {
		r.Fields[kid.key] = kid.span
	}
	if top {
		d.ruleTop(r, n, q)
	}
	if q == JSONata {
		d.condition(r, n)
		d.onlyFields(n, "a Choice rule in JSONata", "Condition", "Next", "Comment", "Assign", "Output")
		return r
	}
	d.comparison(r, n, top)
	return r
}

func (d *decoder) ruleTop(r *Rule, n *node, q QueryLanguage) {
	if v := n.get("Next"); v != nil {
		r.Next = d.target(v)
	} else {
		d.missingf(n, "Next is missing: the rule leads nowhere").saying("These fields are required: [Next]")
	}
	r.Assign = d.assign(n, q)
	if q == JSONata {
		r.Output = d.template(n, "Output", q)
	}
}

// condition reads the Condition of a rule in JSONata; one that is just true or
// false stands in Value.
func (d *decoder) condition(r *Rule, n *node) {
	v := n.get("Condition")
	switch {
	case v == nil:
		d.missingf(n, "Condition is missing: a Choice rule in JSONata needs it").saying("These fields are required: [Condition]")
	case v.is("boolean"):
		r.Value = Value(v.value(d.src.Text))
	case !d.wants(v, "string"):
	case isExpression(v.text):
		r.Condition = d.expression(v)
	default:
		d.openExpression(v, JSONata)
		d.schemaf(v, "Condition must be an expression between {%% and %%}, not %q", v.text).
			saying("Field must be a JSONata string enclosed by {%% %%}")
	}
}

// comparison reads the test of a rule in JSONPath: And, Or, Not, or one operator.
func (d *decoder) comparison(r *Rule, n *node, top bool) {
	var tests []*node
	for _, kid := range n.kids {
		switch {
		case kid.key == "And", kid.key == "Or", kid.key == "Not", operators[kid.key] != "":
			tests = append(tests, kid)
		case kid.key == "Variable", kid.key == "Comment", top && (kid.key == "Next" || kid.key == "Assign"):
		case kid.key == "Next" || kid.key == "Assign":
			d.keyProblemf(kid, codeSchema, "%s belongs to the whole rule, not to a part of it", kid.key).
				saying("Field '%s' is not supported", kid.key).at(n)
		case kid.key == "Condition" || kid.key == "Output":
			d.wrongLanguage(n, kid.key, JSONPath)
		default:
			d.unknownField(kid, "a Choice rule", append(keys(operators), "Variable", "And", "Or", "Not", "Next", "Comment", "Assign"))
		}
	}
	switch {
	case len(tests) == 0:
		d.missingf(n, "the rule tests nothing: it needs a comparison as StringEquals, or And, Or, Not").
			saying("A Choice rule must have exactly one comparison operator")
	case len(tests) > 1:
		d.keyProblemf(tests[1], codeSchema, "%s and %s in one rule: combine them with And", tests[0].key, tests[1].key).
			saying("A Choice rule must have exactly one comparison operator").at(n)
	}
	for _, test := range tests {
		d.test(r, n, test)
	}
}

func (d *decoder) test(r *Rule, n, test *node) {
	switch test.key {
	case "And":
		r.And = d.parts(test)
	case "Or":
		r.Or = d.parts(test)
	case "Not":
		if d.wants(test, "object") {
			r.Not = d.rule(test, JSONPath, false)
		}
	default:
		d.operator(r, n, test)
		return
	}
	if v := n.get("Variable"); v != nil {
		d.keyProblemf(v, codeSchema, "Variable does not go with %s: it stands in its parts", test.key).
			saying("Field 'Variable' is not supported").at(n)
	}
}

func (d *decoder) parts(n *node) []*Rule {
	if !d.wants(n, "array") {
		return nil
	}
	if len(n.kids) == 0 {
		d.schemaf(n, "%s is empty: it needs at least one rule", n.key).saying("Value cannot be empty")
	}
	rules := make([]*Rule, 0, len(n.kids))
	for _, kid := range n.kids {
		if d.wants(kid, "object") {
			rules = append(rules, d.rule(kid, JSONPath, false))
		}
	}
	return rules
}

// operators maps ASL "Choice" comparison operators to what they compare with:
// a JSON type, "timestamp", or "path".
var operators = makeOperators()

func makeOperators() map[string]string {
	out := map[string]string{
		"StringMatches": "string",
		"BooleanEquals": "boolean", "BooleanEqualsPath": "path",
		"IsNull": "boolean", "IsPresent": "boolean", "IsNumeric": "boolean",
		"IsString": "boolean", "IsBoolean": "boolean", "IsTimestamp": "boolean",
	}
	for prefix, kind := range map[string]string{"String": "string", "Numeric": "number", "Timestamp": "timestamp"} {
		for _, suffix := range []string{"Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"} {
			out[prefix+suffix] = kind
			out[prefix+suffix+"Path"] = "path"
		}
	}
	return out
}

func (d *decoder) operator(r *Rule, n, test *node) {
	r.Operator = test.key
	if v := n.get("Variable"); v == nil {
		d.missingf(n, "Variable is missing: %s compares it", test.key).saying("These fields are required: [Variable]")
	} else {
		r.Variable = d.pathField(n, "Variable", anyPath)
	}
	kind := operators[test.key]
	if kind == "path" {
		r.Path = d.pathField(n, test.key, anyPath)
		return
	}
	r.Value = Value(test.value(d.src.Text))
	if test.is("string") && isPlaceholder(test.text) {
		return
	}
	d.operand(test, kind)
}

func (d *decoder) operand(test *node, kind string) {
	if kind == "timestamp" {
		if d.wants(test, "string") && !isTimestamp(test.text) {
			d.schemaf(test, `%s: %q is no timestamp: write it as "2016-03-14T01:59:00Z"`, test.key, test.text).
				saying("Value is not a valid ISO8601 timestamp")
		}
		return
	}
	if d.wants(test, kind) && kind == "string" && isPathLike(test.text) && !strings.HasSuffix(test.key, "Path") && test.key != "StringMatches" {
		d.warnf(test, codeNoPath, "%q is taken as text; to compare with what it selects, use %sPath", test.text, test.key).
			saying("The value for the field '%s' appears to be a path, but the field name does not end with 'Path'", test.key)
	}
}
