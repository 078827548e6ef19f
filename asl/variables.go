package asl

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/jsonata"
)

const maxVariableName = 80

// checkVariables checks names of variables, where they may be set and whether
// anything sets what is read (ASL "Variables").
func (d *decoder) checkVariables(m *Machine) { d.scope(m, nil) }

// variables are those that the states of one machine set, and those of the machines
// around it.
type variables struct {
	own   map[string]bool
	outer *variables
}

func (v *variables) has(name string) bool {
	for ; v != nil; v = v.outer {
		if v.own[name] {
			return true
		}
	}
	return false
}

// some returns names to choose a near one from.
func (v *variables) some() []string {
	var out []string
	for ; v != nil && len(out) < 1000; v = v.outer {
		out = append(out, keys(v.own)...)
	}
	return out
}

// scope checks one machine. Variables of outer scopes can be read and not set;
// those outside a distributed Map can be neither.
func (d *decoder) scope(m *Machine, outer *variables) {
	seen := &variables{own: map[string]bool{}, outer: outer}
	for _, s := range m.States {
		for _, a := range d.assignments(s) {
			d.variableName(a)
			seen.own[variableOf(a)] = true
			if outer.has(variableOf(a)) {
				// Step Functions takes the definition all the same.
				e := d.keyProblemf(a, codeSchema, "the variable %q is set in an outer scope too; an inner scope can read it, not set it", variableOf(a))
				e.Severity = SeverityWarning
			}
		}
	}
	for _, s := range m.States {
		d.unset(s, seen)
		for _, nested := range s.nested() {
			if s.Map != nil && s.Map.Distributed {
				d.scope(nested, nil)
			} else {
				d.scope(nested, seen)
			}
		}
	}
}

// assignments returns the members of all Assign fields of a state.
func (d *decoder) assignments(s *State) []*node {
	n := d.nodes[s]
	holders := []*node{n}
	for _, key := range []string{"Choices", "Catch"} {
		holders = append(holders, objects(n.get(key))...)
	}
	var out []*node
	for _, h := range holders {
		if v := h.get("Assign"); v != nil && v.kind == '{' {
			out = append(out, v.kids...)
		}
	}
	return out
}

func variableOf(n *node) string { return strings.TrimSuffix(n.key, ".$") }

func (d *decoder) variableName(n *node) {
	name := variableOf(n)
	switch {
	case name == "states":
		d.keyProblemf(n, codeSchema, `a variable cannot be called "states": $states is reserved`).
			saying("'states' is a reserved variable name")
	case utf8.RuneCountInString(name) > maxVariableName:
		d.keyProblemf(n, codeSchema, "the name of a variable has at most %d characters", maxVariableName)
	case !isVariableName(name):
		d.keyProblemf(n, codeSchema, "%q is no name of a variable: letters, digits and _, and no digit first", name)
	}
}

// isVariableName follows Unicode's identifiers (UAX 31).
func isVariableName(s string) bool {
	for i, r := range s {
		if unicode.IsLetter(r) || r == '_' || unicode.Is(unicode.Nl, r) {
			continue
		}
		if i == 0 || !unicode.In(r, unicode.Nd, unicode.Mn, unicode.Mc, unicode.Pc) {
			return false
		}
	}
	return s != ""
}

// unset warns of variables that nothing sets: reading them fails the state.
func (d *decoder) unset(s *State, seen *variables) {
	for _, r := range s.Reads() {
		if r.Inner || isPlaceholder(r.Text) {
			continue
		}
		for _, name := range r.Variables() {
			if seen.has(name) {
				continue
			}
			hint := ""
			if d.hints < maxHints {
				near := seen.some()
				if r.Expr != nil {
					near = append(near, functionNames...)
				}
				hint = d.didYouMean(name, near)
			}
			e := d.warnf(d.nodes[s], codeSchema, "no state sets the variable $%s before this one can read it%s", name, hint)
			e.Span = r.Span
			e.Pointer += r.Pointer
		}
	}
}

// expressionVariables finds the workflow variables in a JSONata expression: free
// names that are neither $states nor functions.
func expressionVariables(e *jsonata.Expr) []string {
	var found []string
	for _, r := range e.References() {
		if r.Name != "states" && !r.Known {
			found = append(found, r.Name)
		}
	}
	return found
}

// functionNames are the functions of JSONata and those that Step Functions adds, to
// choose a near name from.
var functionNames = strings.Fields(`
	abs append assert average base64decode base64encode boolean ceil clone contains count decodeUrl decodeUrlComponent
	distinct each encodeUrl encodeUrlComponent error eval exists filter floor formatBase formatInteger formatNumber
	fromMillis hash join keys length lookup lowercase map match max merge millis min not now number pad parse
	parseInteger partition power random range reduce replace reverse round shuffle sift single sort split spread
	sqrt string substring substringAfter substringBefore sum toMillis trim type uppercase uuid zip`)
