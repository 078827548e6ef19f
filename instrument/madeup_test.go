package instrument_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/intrinsic"
	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/jsonata"
)

// shape is what is known of a value from what is read of it.
type shape struct {
	fields map[string]*shape
	items  *shape
	length int    // of an array, at least
	kind   string // "number", "text", "json", "time", "array", "object"; "" unknown
	values []any  // that a Choice asks for
}

func (s *shape) field(name string) *shape {
	if s.fields == nil {
		s.fields = map[string]*shape{}
	}
	if s.fields[name] == nil {
		s.fields[name] = &shape{}
	}
	return s.fields[name]
}

func (s *shape) item() *shape {
	if s.items == nil {
		s.items = &shape{}
	}
	return s.items
}

func (s *shape) at(steps []jsonpath.Step) *shape {
	for _, step := range steps {
		switch step.Kind {
		case jsonpath.Field:
			s = s.field(step.Name)
		case jsonpath.Fields:
			for _, name := range step.Names {
				s.field(name)
			}
			return s
		case jsonpath.Index:
			s.length = max(s.length, step.Index+1)
			s = s.item()
		case jsonpath.Indices, jsonpath.Slice, jsonpath.Wildcard, jsonpath.Filter:
			s = s.item()
			for _, inner := range step.Inner {
				if inner.Root() == jsonpath.Item {
					s.at(inner.Steps())
				}
			}
		default:
			return s
		}
	}
	return s
}

// make makes a value up. Where the kind is not known, and sometimes where it is, it is
// left to chance.
func (s *shape) make(r *rand.Rand, chance float64) any {
	switch {
	case len(s.fields) > 0:
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(s.fields)) {
			out[name] = s.fields[name].make(r, chance)
		}
		return out
	case s.items != nil:
		out := []any{}
		for range max(s.length, 1) {
			out = append(out, s.items.make(r, chance))
		}
		return out
	case len(s.values) > 0 && r.Float64() < 0.8:
		return s.values[r.IntN(len(s.values))]
	}
	kind := s.kind
	if kind == "" || r.Float64() < chance {
		kinds := []string{"text", "number", "json", "time", "array", "object", "digits", "true", "objects"}
		kind = kinds[0]
		if r.Float64() < chance {
			kind = kinds[r.IntN(len(kinds))]
		}
	}
	return map[string]any{
		"text": "one/two/three", "number": 1 + r.IntN(3), "json": `{"a": [1]}`, "time": "2026-01-01T00:00:10Z", "array": []any{"text"}, "object": map[string]any{},
		"digits": "1", "true": true, "objects": []any{map[string]any{}},
	}[kind]
}

// guess is what a state could be given so that it can do its work.
type guess struct {
	input     *shape
	variables map[string]*shape
}

func newGuess(s *asl.State) *guess {
	g := &guess{input: &shape{kind: "object"}, variables: map[string]*shape{}}
	g.state(s, g.input, nil)
	return g
}

// view is what a state sees: its own input, and the item of the Map around it.
type view struct{ input, item *shape }

func (g *guess) state(s *asl.State, in, item *shape) {
	v := view{in, item}
	if s.QueryLanguage == asl.JSONata {
		g.expressions(s, v)
		return
	}
	if p := s.InputPath; p != nil && p.Compiled != nil {
		v.input = g.path((*jsonpath.Path)(p.Compiled), v)
	}
	for _, read := range s.Reads() {
		kind := ""
		switch {
		case strings.HasPrefix(read.Field, "Timestamp"):
			kind = "time"
		case strings.Contains(read.Pointer, "Seconds"), strings.HasPrefix(read.Field, "Max"), strings.HasPrefix(read.Field, "Tolerated"):
			kind = "number"
		}
		switch {
		case slices.Contains([]string{"ResultSelector", "OutputPath", "Output", "Catch"}, read.Field):
		case read.Path != nil && read.Path.Compiled != nil && !read.Inner && read.Field != "InputPath" && !selects(read.Field, s):
			g.leaf((*jsonpath.Path)(read.Path.Compiled), v, kind)
		case read.Call != nil && read.Call.Compiled != nil && !selects(read.Field, s):
			g.call((*intrinsic.Call)(read.Call.Compiled), v)
		}
	}
	for _, rule := range s.Choices {
		g.rule(rule, v)
	}
	g.inside(s, v)
}

// rule notes what a Choice asks for, and what is beside it.
func (g *guess) rule(r *asl.Rule, v view) {
	for _, part := range append(append([]*asl.Rule{}, r.And...), r.Or...) {
		g.rule(part, v)
	}
	if r.Variable == nil || r.Variable.Compiled == nil || r.Operator == "IsPresent" {
		return
	}
	at := g.path((*jsonpath.Path)(r.Variable.Compiled), v)
	var asked any
	if json.Unmarshal([]byte(r.Value.JSON()), &asked) != nil {
		return
	}
	at.values = append(at.values, asked)
	if n, ok := asked.(float64); ok {
		at.values = append(at.values, n+1, n-1)
	}
}

// selects tells of a field that is evaluated for each item.
func selects(field string, s *asl.State) bool {
	return s.Type == asl.Map && (field == "ItemSelector" || field == "Parameters")
}

func (g *guess) leaf(p *jsonpath.Path, v view, kind string) {
	if at := g.path(p, v); at.kind == "" {
		at.kind = kind
	}
}

func (g *guess) path(p *jsonpath.Path, v view) *shape {
	steps := p.Steps()
	switch p.Root() {
	case jsonpath.Input:
		return v.input.at(steps)
	case jsonpath.Variable:
		return g.variable(p.Variable()).at(steps)
	case jsonpath.Context:
		return g.context(v, steps)
	}
	return &shape{}
}

func (g *guess) variable(name string) *shape {
	if g.variables[name] == nil {
		g.variables[name] = &shape{}
	}
	return g.variables[name]
}

func (g *guess) context(v view, steps []jsonpath.Step) *shape {
	var names []string
	for _, step := range steps {
		names = append(names, step.Name)
	}
	switch {
	case len(names) > 1 && names[0] == "Execution" && names[1] == "Input":
		return g.input.at(steps[2:])
	case len(names) > 2 && names[0] == "Map" && names[2] == "Value" && v.item != nil:
		return v.item.at(steps[3:])
	}
	return &shape{}
}

// kindsOfArguments are what the intrinsic functions take, the last one repeated.
var kindsOfArguments = map[string][]string{
	"States.ArrayPartition": {"array", "number"}, "States.ArrayContains": {"array", ""}, "States.ArrayRange": {"number"},
	"States.ArrayGetItem": {"array", "number"}, "States.ArrayLength": {"array"}, "States.ArrayUnique": {"array"},
	"States.Base64Encode": {"text"}, "States.Base64Decode": {"text"}, "States.Hash": {"text"}, "States.JsonMerge": {"object", "object", ""},
	"States.MathAdd": {"number"}, "States.MathRandom": {"number"}, "States.StringSplit": {"text"}, "States.StringToJson": {"json"}, "States.Format": {"text"},
}

func (g *guess) call(c *intrinsic.Call, v view) {
	kinds := kindsOfArguments[c.Function()]
	for i, arg := range c.Args() {
		kind := ""
		if len(kinds) > 0 {
			kind = kinds[min(i, len(kinds)-1)]
		}
		switch arg.Kind {
		case intrinsic.PathArg:
			g.leaf(arg.Path, v, kind)
		case intrinsic.Nested:
			g.call(arg.Call, v)
		}
	}
}

// inside looks at what the states inside a Parallel or Map are given.
func (g *guess) inside(s *asl.State, v view) {
	given := v.input
	if s.Parameters != nil {
		given = g.template(s.Parameters.Root, v)
	}
	for _, branch := range s.Branch {
		g.machine(branch, given, v.item)
	}
	if s.Map == nil || s.Map.Processor == nil {
		return
	}
	array := v.input
	if p := s.Map.ItemsPath; p != nil && p.Compiled != nil {
		array = g.path((*jsonpath.Path)(p.Compiled), v)
	}
	g.items(s, array, v)
}

func (g *guess) items(s *asl.State, array *shape, v view) {
	item := array.item()
	given := item
	if s.Map.Selector != nil {
		given = g.template(s.Map.Selector.Root, view{v.input, item})
	}
	g.machine(s.Map.Processor, given, item)
}

func (g *guess) machine(m *asl.Machine, in, item *shape) {
	for _, s := range m.States {
		g.state(s, in, item)
	}
}

// template is the shape of what a template makes, so that what is read of that is read
// of where it came from.
func (g *guess) template(n *asl.Node, v view) *shape {
	switch {
	case n.Path != nil && n.Path.Compiled != nil:
		return g.path((*jsonpath.Path)(n.Path.Compiled), v)
	case n.Call != nil && n.Call.Compiled != nil:
		g.call((*intrinsic.Call)(n.Call.Compiled), v)
	case n.Expr != nil && n.Expr.Compiled != nil:
		return g.expression(n.Expr.Compiled, v)
	}
	out := &shape{}
	for _, f := range n.Members {
		if out.fields == nil {
			out.fields = map[string]*shape{}
		}
		out.fields[f.Key] = g.template(f.Node, v)
	}
	for _, item := range n.Items {
		out.items = g.template(item, v)
	}
	return out
}

// expression is the shape of what a JSONata expression reads, of the last one where
// there are several.
func (g *guess) expression(e *jsonata.Expr, v view) *shape {
	last := &shape{}
	for _, ref := range e.References() {
		if ref.Known {
			continue
		}
		path, from := ref.Path, (*shape)(nil)
		switch {
		case ref.Name != "states":
			from = g.variable(ref.Name)
		case len(path) > 0 && path[0] == "input":
			from, path = v.input, path[1:]
		case len(path) > 2 && path[0] == "context" && path[1] == "Execution" && path[2] == "Input":
			from, path = g.input, path[3:]
		case len(path) > 3 && path[0] == "context" && path[1] == "Map" && v.item != nil:
			from, path = v.item, path[4:]
		default:
			continue
		}
		for _, name := range path {
			from = from.field(name)
		}
		last = from
	}
	return last
}

func (g *guess) expressions(s *asl.State, v view) {
	given := v.input
	for _, read := range s.Reads() {
		if read.Expr == nil || read.Expr.Compiled == nil || slices.Contains([]string{"Output", "Assign", "Catch", "ItemSelector"}, read.Field) {
			continue
		}
		g.expression(read.Expr.Compiled, v)
	}
	if s.Arguments != nil {
		given = g.template(s.Arguments.Root, v)
	}
	for _, branch := range s.Branch {
		g.machine(branch, given, v.item)
	}
	if s.Map == nil || s.Map.Processor == nil {
		return
	}
	array := v.input
	if s.Map.Items != nil {
		array = g.template(s.Map.Items.Root, v)
	}
	g.items(s, array, v)
}

// made is an input with the variables that are read beside it.
type made struct {
	input     []byte
	variables map[string]json.RawMessage
}

// make makes the n-th attempt: the first as read, later ones more and more by chance.
func (g *guess) make(n int) made {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	chance := min(float64(n)/40, 0.9)
	out := made{variables: map[string]json.RawMessage{}}
	out.input = marshal(g.input.make(r, chance))
	for _, name := range slices.Sorted(maps.Keys(g.variables)) {
		out.variables[name] = marshal(g.variables[name].make(r, chance))
	}
	return out
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprint("what was made up cannot be written: ", err))
	}
	return text
}
