package engine

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// rule is one Choice rule, or a part of one.
type rule struct {
	next   *node
	output *template
	assign *template

	and, or []rule
	not     *rule

	variable *path
	other    *path       // …Path operators
	operand  value.Value // the others
	test     comparison
	presence bool // IsPresent: a path that leads nowhere is an answer

	condition *expression // JSONata
}

// comparison is an operator of Choice rules: does the value v of Variable fit the
// operand? Values of the wrong type never do.
type comparison func(v, operand value.Value) bool

// choice compiles the rule of a Choice with the given index.
func (c *compiler) choice(i int, r *asl.Rule) rule {
	place := fmt.Sprintf("Choices[%d]/", i)
	out := c.rule(r)
	out.next = c.target("Next", r.Next)
	out.output = c.template(place+"Output", r.Output)
	out.assign = c.template(place+"Assign", r.Assign)
	out.condition = c.expression(place+"Condition", r.Condition)
	return out
}

func (c *compiler) rule(r *asl.Rule) rule {
	out := rule{operand: value.Value(r.Value)}
	switch {
	case c.node.jsonata:
		return out // true or false as it stands
	case r.And != nil:
		out.and = c.rules(r.And)
		return out
	case r.Or != nil:
		out.or = c.rules(r.Or)
		return out
	case r.Not != nil:
		not := c.rule(r.Not)
		out.not = &not
		return out
	}
	out.variable = c.anyPath("Variable", r.Variable)
	out.other = c.anyPath(r.Operator, r.Path)
	out.presence = r.Operator == "IsPresent"
	if out.test = operator(strings.TrimSuffix(r.Operator, "Path")); out.test == nil {
		c.fail("Choices", fmt.Errorf("unknown operator %q", r.Operator))
	}
	return out
}

func (c *compiler) rules(list []*asl.Rule) []rule {
	out := make([]rule, len(list))
	for i, r := range list {
		out[i] = c.rule(r)
	}
	return out
}

// operator finds the comparison behind an operator's name without "Path".
func operator(name string) comparison {
	if test := typeTests[name]; test != nil {
		return func(v, operand value.Value) bool {
			want, _ := operand.AsBool()
			return test(v) == want
		}
	}
	if name == "BooleanEquals" {
		return equalBooleans
	}
	if name == "StringMatches" {
		return matchesPattern
	}
	for _, kind := range []struct {
		prefix  string
		compare func(a, b value.Value) (int, bool)
	}{{"String", compareStrings}, {"Numeric", compareNumbers}, {"Timestamp", compareTimestamps}} {
		if how, ok := strings.CutPrefix(name, kind.prefix); ok {
			return ordered(kind.compare, how)
		}
	}
	return nil
}

var typeTests = map[string]func(value.Value) bool{
	"IsPresent": func(v value.Value) bool { return !v.IsAbsent() },
	"IsNull":    func(v value.Value) bool { return v.IsNull() },
	"IsBoolean": func(v value.Value) bool { return v.Kind() == value.KindBool },
	"IsNumeric": func(v value.Value) bool { return v.Kind() == value.KindNumber },
	"IsString":  func(v value.Value) bool { return v.Kind() == value.KindString },
	"IsTimestamp": func(v value.Value) bool {
		s, ok := v.AsString()
		if ok {
			_, ok = parseInstant(s)
		}
		return ok
	},
}

func equalBooleans(v, operand value.Value) bool {
	a, ok := v.AsBool()
	b, also := operand.AsBool()
	return ok && also && a == b
}

// ordered makes a comparison of an order and the end of an operator's name.
func ordered(compare func(a, b value.Value) (int, bool), how string) comparison {
	accept, ok := map[string]func(int) bool{
		"Equals":            func(c int) bool { return c == 0 },
		"LessThan":          func(c int) bool { return c < 0 },
		"LessThanEquals":    func(c int) bool { return c <= 0 },
		"GreaterThan":       func(c int) bool { return c > 0 },
		"GreaterThanEquals": func(c int) bool { return c >= 0 },
	}[how]
	if !ok {
		return nil
	}
	return func(v, operand value.Value) bool {
		c, comparable := compare(v, operand)
		return comparable && accept(c)
	}
}

// compareStrings orders strings by UTF-16 units, as AWS, being Java, does.
func compareStrings(a, b value.Value) (int, bool) {
	s, ok := a.AsString()
	t, also := b.AsString()
	if !ok || !also {
		return 0, false
	}
	i := 0
	for i < len(s) && i < len(t) && s[i] == t[i] {
		i++
	}
	if i == len(s) || i == len(t) || s[i] < 0x80 || t[i] < 0x80 {
		return strings.Compare(s, t), true
	}
	u, v := utf16.Encode([]rune(s)), utf16.Encode([]rune(t))
	for i := 0; i < len(u) && i < len(v); i++ {
		if u[i] != v[i] {
			return cmp.Compare(u[i], v[i]), true
		}
	}
	return cmp.Compare(len(u), len(v)), true
}

func compareNumbers(a, b value.Value) (int, bool) {
	if a.Kind() != value.KindNumber || b.Kind() != value.KindNumber {
		return 0, false
	}
	i, whole := a.AsInt()
	j, also := b.AsInt()
	if whole && also {
		return cmp.Compare(i, j), true
	}
	f, _ := a.AsFloat()
	g, _ := b.AsFloat()
	return cmp.Compare(f, g), true
}

func compareTimestamps(a, b value.Value) (int, bool) {
	s, ok := a.AsString()
	t, also := b.AsString()
	if !ok || !also {
		return 0, false
	}
	i, ok := parseInstant(s)
	j, also := parseInstant(t)
	return i.Compare(j), ok && also
}

// matchesPattern is StringMatches: * stands for any text, \* for an asterisk and
// \\ for a backslash.
func matchesPattern(v, operand value.Value) bool {
	s, ok := v.AsString()
	pattern, also := operand.AsString()
	return ok && also && matchParts(s, splitPattern(pattern))
}

// splitPattern cuts a pattern at its wildcards.
func splitPattern(pattern string) []string {
	var parts []string
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern) && (pattern[i+1] == '*' || pattern[i+1] == '\\'):
			i++
			b.WriteByte(pattern[i])
		case c == '*':
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(parts, b.String())
}

// matchParts reports that s is the parts in order with any text between them.
func matchParts(s string, parts []string) bool {
	last := len(parts) - 1
	if last == 0 {
		return s == parts[0]
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1:last] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, parts[last])
}

// holds evaluates a rule.
func (e *env) holds(r *rule) (bool, *failure) {
	switch {
	case r.condition != nil:
		return e.condition(r.condition)
	case r.and != nil:
		return e.every(r.and, false)
	case r.or != nil:
		return e.every(r.or, true)
	case r.not != nil:
		holds, f := e.holds(r.not)
		return !holds, f
	case r.variable == nil:
		holds, _ := r.operand.AsBool() // JSONata: just true or false
		return holds, nil
	}
	return e.compare(r)
}

// every evaluates rules until one gives stop, and returns that; else the opposite.
func (e *env) every(rules []rule, stop bool) (bool, *failure) {
	for i := range rules {
		holds, f := e.holds(&rules[i])
		if f != nil || holds == stop {
			return holds, f
		}
	}
	return !stop, nil
}

func (e *env) compare(r *rule) (bool, *failure) {
	v, f := e.operand(r.variable, r.presence)
	if f != nil {
		return false, f
	}
	operand := r.operand
	if r.other != nil {
		if operand, f = e.operand(r.other, false); f != nil {
			return false, f
		}
	}
	return r.test(v, operand), nil
}

func (e *env) operand(p *path, mayMiss bool) (value.Value, *failure) {
	v, err := e.follow(p.Path)
	switch {
	case err == nil:
		return v, nil
	case mayMiss:
		return value.Value{}, nil
	}
	return value.Value{}, e.t.runtimeFailure("Invalid path '%s': The choice state's condition path references an invalid value.", p)
}
