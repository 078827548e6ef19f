package asl

import (
	"slices"
	"strconv"

	"github.com/stepsleuth/stepsleuth/internal/intrinsic"
	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
)

// Read is one place of a state where data is selected or computed. Just one of
// Path, Call and Expr is set.
type Read struct {
	Field   string // the state's field that it is in: "Parameters", "Choices"
	Pointer string // from the state on: "/Parameters/card.$"
	Text    string // the path, call or expression
	Span    Span   // the JSON string with its quotes; of a path within a call, the path
	Path    *Path
	Call    *Intrinsic
	Expr    *Expression
	Inner   bool // a path within the call that precedes it
}

// Variables returns the names of the workflow variables that are read, sorted.
func (r Read) Variables() []string {
	var names []string
	switch {
	case r.Path != nil && r.Path.Compiled != nil:
		names = pathVariables((*jsonpath.Path)(r.Path.Compiled))
	case r.Call != nil && r.Call.Compiled != nil:
		for _, use := range (*intrinsic.Call)(r.Call.Compiled).Paths() {
			names = append(names, pathVariables(use.Path)...)
		}
	case r.Expr != nil && r.Expr.Compiled != nil:
		names = expressionVariables(r.Expr.Compiled)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func pathVariables(p *jsonpath.Path) []string {
	var names []string
	if p.Root() == jsonpath.Variable {
		names = append(names, p.Variable())
	}
	for _, step := range p.Steps() {
		for _, inner := range step.Inner {
			names = append(names, pathVariables(inner)...)
		}
	}
	return names
}

// Reads lists all that the state itself selects and computes, its retriers' and
// catchers' parts included, the states inside it not.
func (s *State) Reads() []Read {
	c := &collector{paths: s.QueryLanguage == JSONPath}
	c.path("InputPath", s.InputPath)
	c.template("Parameters", s.Parameters)
	c.template("Arguments", s.Arguments)
	if s.Task != nil {
		c.task(s.Task)
	}
	for i, r := range s.Choices {
		c.rule("Choices", "/Choices/"+strconv.Itoa(i), r)
	}
	if s.Wait != nil {
		c.amount("Seconds", s.Wait.Seconds)
		c.text("Timestamp", s.Wait.Timestamp)
	}
	if s.Fail != nil {
		c.text("Error", s.Fail.Error)
		c.text("Cause", s.Fail.Cause)
	}
	if s.Map != nil {
		c.mapFields(s)
	}
	c.template("ResultSelector", s.ResultSelector)
	c.path("OutputPath", s.OutputPath)
	c.template("Output", s.Output)
	c.template("Assign", s.Assign)
	for i, catcher := range s.Catch {
		at := "/Catch/" + strconv.Itoa(i)
		c.node("Catch", at+"/Output", catcher.Output.root())
		c.node("Catch", at+"/Assign", catcher.Assign.root())
	}
	return c.reads
}

func (t *Template) root() *Node {
	if t == nil {
		return nil
	}
	return t.Root
}

type collector struct {
	paths bool // the state is in JSONPath
	reads []Read
}

func (c *collector) task(t *TaskFields) {
	c.amount("TimeoutSeconds", t.Timeout)
	c.amount("HeartbeatSeconds", t.Heartbeat)
	c.template("Credentials", t.Credentials)
}

func (c *collector) mapFields(s *State) {
	m := s.Map
	c.path("ItemsPath", m.ItemsPath)
	c.template("Items", m.Items)
	if _, old := s.Fields["Parameters"]; old {
		c.template("Parameters", m.Selector)
	} else {
		c.template("ItemSelector", m.Selector)
	}
	c.amount("MaxConcurrency", m.MaxConcurrency)
	c.amount("ToleratedFailureCount", m.ToleratedFailureCount)
	c.amount("ToleratedFailurePercentage", m.ToleratedFailurePercentage)
	given := "/Arguments"
	if c.paths {
		given = "/Parameters"
	}
	if r := m.Reader; r != nil {
		c.node("ItemReader", "/ItemReader"+given, r.Parameters.root())
		c.amountAt("ItemReader", "/ItemReader/ReaderConfig/MaxItems", r.MaxItems)
	}
	if b := m.Batcher; b != nil {
		c.node("ItemBatcher", "/ItemBatcher/BatchInput", b.BatchInput.root())
		c.amountAt("ItemBatcher", "/ItemBatcher/MaxItemsPerBatch", b.MaxItems)
		c.amountAt("ItemBatcher", "/ItemBatcher/MaxInputBytesPerBatch", b.MaxInputBytes)
	}
	if w := m.Writer; w != nil {
		c.node("ResultWriter", "/ResultWriter"+given, w.Parameters.root())
	}
}

func (c *collector) rule(field, at string, r *Rule) {
	c.pathAt(field, at+"/Variable", r.Variable)
	c.pathAt(field, at+"/"+r.Operator, r.Path)
	c.expr(field, at+"/Condition", r.Condition)
	for i, part := range r.And {
		c.rule(field, at+"/And/"+strconv.Itoa(i), part)
	}
	for i, part := range r.Or {
		c.rule(field, at+"/Or/"+strconv.Itoa(i), part)
	}
	if r.Not != nil {
		c.rule(field, at+"/Not", r.Not)
	}
	c.node(field, at+"/Assign", r.Assign.root())
	c.node(field, at+"/Output", r.Output.root())
}

func (c *collector) path(field string, p *Path) { c.pathAt(field, "/"+field, p) }

func (c *collector) pathAt(field, at string, p *Path) {
	if p != nil && !p.Null {
		c.reads = append(c.reads, Read{Field: field, Pointer: at, Text: p.Text, Span: p.Span, Path: p})
	}
}

func (c *collector) expr(field, at string, e *Expression) {
	if e != nil {
		c.reads = append(c.reads, Read{Field: field, Pointer: at, Text: e.Text, Span: e.Span, Expr: e})
	}
}

// call collects a call and the paths that it reads.
func (c *collector) call(field, at string, call *Intrinsic) {
	if call == nil {
		return
	}
	c.reads = append(c.reads, Read{Field: field, Pointer: at, Text: call.Text, Span: call.Span, Call: call})
	if call.Compiled == nil {
		return
	}
	for _, use := range (*intrinsic.Call)(call.Compiled).Paths() {
		p := &Path{Text: use.Path.String(), Compiled: (*CompiledPath)(use.Path), Span: call.Span}
		if call.Span.End-call.Span.Start == len(call.Text)+2 { // written without escapes
			p.Span = Span{call.Span.Start + 1 + use.Offset, call.Span.Start + 1 + use.End}
		}
		c.reads = append(c.reads, Read{Field: field, Pointer: at, Text: p.Text, Span: p.Span, Path: p, Inner: true})
	}
}

func (c *collector) amount(field string, a *Amount) { c.amountAt(field, "/"+field, a) }

func (c *collector) amountAt(field, at string, a *Amount) {
	if a == nil {
		return
	}
	c.pathAt(field, at+"Path", a.Path)
	c.expr(field, at, a.Expr)
}

func (c *collector) text(field string, t *TextOr) {
	if t == nil {
		return
	}
	c.pathAt(field, "/"+field+"Path", t.Path)
	c.call(field, "/"+field+"Path", t.Call)
	c.expr(field, "/"+field, t.Expr)
}

func (c *collector) template(field string, t *Template) { c.node(field, "/"+field, t.root()) }

func (c *collector) node(field, at string, n *Node) {
	if n == nil {
		return
	}
	c.pathAt(field, at, n.Path)
	c.call(field, at, n.Call)
	c.expr(field, at, n.Expr)
	for _, f := range n.Members {
		key := escapePointer.Replace(f.Key)
		if f.Node.Path != nil || f.Node.Call != nil {
			key += ".$"
		}
		c.node(field, at+"/"+key, f.Node)
	}
	for i, item := range n.Items {
		c.node(field, at+"/"+strconv.Itoa(i), item)
	}
}

// VariableReferences lists which variables which state reads, as
// DescribeStateMachine shows them: names sorted, states without any left out.
func (m *Machine) VariableReferences() map[string][]string {
	refs := map[string][]string{}
	m.Walk(func(_ []string, s *State) {
		var names []string
		for _, r := range s.Reads() {
			names = append(names, r.Variables()...)
		}
		if len(names) > 0 {
			slices.Sort(names)
			refs[s.Name] = slices.Compact(names)
		}
	})
	return refs
}
