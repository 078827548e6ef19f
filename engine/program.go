package engine

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// program is a machine made ready to run: paths and expressions compiled, names
// resolved. It is immutable and shared by all executions of the machine.
type program struct {
	root   *graph
	graphs []*graph
}

// find returns the state of that name, also in nested machines.
func (p *program) find(name string) *node {
	for _, g := range p.graphs {
		if n := g.nodes[name]; n != nil {
			return n
		}
	}
	return nil
}

// graph is one machine: the outermost or a nested one.
type graph struct {
	source *asl.Machine
	start  *node
	nodes  map[string]*node
	outer  *node // the Map or Parallel around it
}

// node is one state.
type node struct {
	name    string
	state   *asl.State
	graph   *graph
	jsonata bool
	next    *node // nil: the state ends its machine
	run     func(*thread)

	entered, exited kind
	aborted         history.EventType // "" where a type has no such event

	// JSONPath; nil is "$".
	inputPath, resultPath, outputPath *path
	parameters, resultSelector        *template
	result                            value.Value
	// JSONata.
	arguments, output *template
	// Both.
	assign *template
	catch  []catcher

	rules     []rule // Choice
	otherwise *node

	seconds *amount // Wait
	until   *text

	failError, failCause *text // Fail

	resource           resource // Task
	timeout, heartbeat *amount
	credentials        *template

	branches []*graph // Parallel

	mapPlan *mapPlan // Map
}

type catcher struct {
	errorEquals []string
	next        *node
	resultPath  *path
	assign      *template
	output      *template
}

// path is a compiled JSONPath; discard is JSON null in its place.
type path struct {
	*jsonpath.Path
	discard bool
}

// amount is a number that is written down, selected or computed.
type amount struct {
	number *float64
	text   string
	path   *path
	expr   *expression
	field  string // "TimeoutSeconds"
}

// text is a string that is written down, selected, made by an intrinsic function
// or computed.
type text struct {
	literal *string
	path    *path
	call    *call
	expr    *expression
	field   string
}

// template is a payload template, or a part of one.
type template struct {
	literal value.Value
	path    *path
	call    *call
	expr    *expression
	object  bool
	repeats bool // a key stands there twice
	fields  []templateField
	items   []*template
	place   string // "Arguments/FunctionName" in JSONata, "FunctionName.$" in JSONPath
}

type templateField struct {
	member value.Member // without a value
	tmpl   *template
}

func compile(m *asl.Machine) (*program, error) {
	c := &compiler{prog: &program{}}
	c.prog.root = c.graph(m, nil)
	return c.prog, c.err
}

// compiler keeps the first error that it meets, and goes on.
type compiler struct {
	prog *program
	node *node
	err  error
}

func (c *compiler) fail(field string, err error) {
	if c.err == nil {
		c.err = fmt.Errorf("engine: state %q, %s: %w", c.node.name, field, err)
	}
}

func (c *compiler) graph(m *asl.Machine, outer *node) *graph {
	g := &graph{source: m, nodes: make(map[string]*node, len(m.States)), outer: outer}
	c.prog.graphs = append(c.prog.graphs, g)
	for _, s := range m.States {
		g.nodes[s.Name] = &node{name: s.Name, state: s, graph: g, jsonata: s.QueryLanguage == asl.JSONata}
	}
	for _, s := range m.States {
		c.state(g.nodes[s.Name])
	}
	if g.start = g.nodes[m.StartAt]; g.start == nil && c.err == nil {
		c.err = fmt.Errorf("engine: StartAt: no state %q", m.StartAt)
	}
	return g
}

func behaviour(t asl.Type) func(*thread) {
	switch t {
	case asl.Pass:
		return runPass
	case asl.Task:
		return runTask
	case asl.Choice:
		return runChoice
	case asl.Wait:
		return runWait
	case asl.Succeed:
		return runSucceed
	case asl.Fail:
		return runFail
	case asl.Parallel:
		return runParallel
	case asl.Map:
		return runMap
	}
	return nil
}

func (c *compiler) state(n *node) {
	s := n.state
	c.node = n
	if n.run = behaviour(s.Type); n.run == nil {
		c.fail("Type", fmt.Errorf("unknown state type %q", s.Type))
		return
	}
	prefix := history.EventType(s.Type) + "State"
	n.entered = kind{typ: prefix + "Entered", state: s.Name, about: aboutEntry}
	n.exited = kind{typ: prefix + "Exited", state: s.Name, about: aboutExit}
	switch s.Type {
	case asl.Task, asl.Wait, asl.Parallel, asl.Map:
		n.aborted = prefix + "Aborted"
	}
	n.next = c.target("Next", s.Next)
	c.dataFlow(n)
	for i, k := range s.Catch {
		place := fmt.Sprintf("Catch[%d]/", i)
		n.catch = append(n.catch, catcher{
			errorEquals: k.ErrorEquals,
			next:        c.target("Catch", k.Next),
			resultPath:  c.path("ResultPath", k.ResultPath),
			assign:      c.template(place+"Assign", k.Assign),
			output:      c.template(place+"Output", k.Output),
		})
	}
	c.typeFields(n)
}

func (c *compiler) dataFlow(n *node) {
	s := n.state
	n.inputPath = c.path("InputPath", s.InputPath)
	n.resultPath = c.path("ResultPath", s.ResultPath)
	n.outputPath = c.path("OutputPath", s.OutputPath)
	n.parameters = c.template("Parameters", s.Parameters)
	n.resultSelector = c.template("ResultSelector", s.ResultSelector)
	n.arguments = c.template("Arguments", s.Arguments)
	n.output = c.template("Output", s.Output)
	n.assign = c.template("Assign", s.Assign)
	n.result = value.Value(s.Result)
}

func (c *compiler) typeFields(n *node) {
	switch s := n.state; s.Type {
	case asl.Choice:
		for i, r := range s.Choices {
			n.rules = append(n.rules, c.choice(i, r))
		}
		n.otherwise = c.target("Default", s.Default)
	case asl.Wait:
		if s.Wait != nil {
			n.seconds = c.amount("Seconds", s.Wait.Seconds)
			n.until = c.text("Timestamp", s.Wait.Timestamp)
		}
	case asl.Fail:
		if s.Fail != nil {
			n.failError = c.text("Error", s.Fail.Error)
			n.failCause = c.text("Cause", s.Fail.Cause)
		}
	case asl.Task:
		n.resource = parseResource(s.Task.Resource)
		n.timeout = c.amount("TimeoutSeconds", s.Task.Timeout)
		n.heartbeat = c.amount("HeartbeatSeconds", s.Task.Heartbeat)
		n.credentials = c.template("Credentials", s.Task.Credentials)
	case asl.Parallel:
		for _, b := range s.Branch {
			n.branches = append(n.branches, c.graph(b, n))
			c.node = n
		}
	case asl.Map:
		n.mapPlan = c.mapFields(n)
		c.node = n
	}
}

// target resolves the name of a state in the machine at hand; "" is none.
func (c *compiler) target(field, name string) *node {
	if name == "" {
		return nil
	}
	if n := c.node.graph.nodes[name]; n != nil {
		return n
	}
	if len(c.node.graph.source.States) == 1 && c.node.graph.outer == nil {
		return &node{name: name} // a state to be tested alone
	}
	c.fail(field, fmt.Errorf("no state %q", name))
	return nil
}

func (c *compiler) path(field string, p *asl.Path) *path {
	switch {
	case p == nil:
		return nil
	case p.Null:
		return &path{discard: true}
	case p.Text == "$":
		return nil
	}
	return c.pathText(field, p.Text)
}

func (c *compiler) pathText(field, text string) *path {
	compiled, err := jsonpath.Compile(text)
	if err != nil {
		c.fail(field, err)
		return nil
	}
	return &path{Path: compiled}
}

// anyPath is path for places where "$" is not the same as nothing.
func (c *compiler) anyPath(field string, p *asl.Path) *path {
	if p == nil {
		return nil
	}
	return c.pathText(field, p.Text)
}

func (c *compiler) amount(field string, a *asl.Amount) *amount { return c.amountIn("", field, a) }

// amountIn compiles an amount in an object of the state's, whose place ends in a slash.
func (c *compiler) amountIn(place, field string, a *asl.Amount) *amount {
	if a == nil {
		return nil
	}
	return &amount{
		number: a.Number,
		text:   a.Text,
		path:   c.anyPath(field+"Path", a.Path),
		expr:   c.expression(place+field, a.Expr),
		field:  field,
	}
}

func (c *compiler) text(field string, t *asl.TextOr) *text {
	if t == nil {
		return nil
	}
	return &text{
		literal: t.Text,
		path:    c.anyPath(field+"Path", t.Path),
		call:    c.call(field+"Path", t.Call),
		expr:    c.expression(field, t.Expr),
		field:   field,
	}
}

func (c *compiler) template(field string, t *asl.Template) *template {
	if t == nil || t.Root == nil {
		return nil
	}
	place := ""
	if c.node.jsonata {
		place = field
	}
	return c.templateNode(place, t.Root)
}

func (c *compiler) templateNode(place string, n *asl.Node) *template {
	t := &template{place: place}
	switch {
	case n.Path != nil:
		t.path = c.pathText(place, n.Path.Text)
	case n.Call != nil:
		t.call = c.call(place, n.Call)
	case n.Expr != nil:
		t.expr = c.expression(place, n.Expr)
	case n.Object || n.Members != nil:
		t.object = true
		seen := make(map[string]bool, len(n.Members))
		for _, m := range n.Members {
			t.fields = append(t.fields, templateField{value.NewMember(m.Key, value.Value{}), c.templateNode(c.memberPlace(place, m), m.Node)})
			t.repeats = t.repeats || seen[m.Key]
			seen[m.Key] = true
		}
	case n.Items != nil:
		for i, item := range n.Items {
			t.items = append(t.items, c.templateNode(fmt.Sprintf("%s[%d]", place, i), item))
		}
	default:
		t.literal = value.Value(n.Literal)
	}
	return t
}

// memberPlace names a member as AWS's messages do.
func (c *compiler) memberPlace(outer string, m asl.Field) string {
	if c.node.jsonata {
		return outer + "/" + m.Key
	}
	if m.Node.Path != nil || m.Node.Call != nil {
		return m.Key + ".$"
	}
	return m.Key
}

// resource is a Task's Resource taken apart.
type resource struct {
	text    string
	kind    resourceKind
	service string // "sqs", "aws-sdk:dynamodb"
	action  string // "sendMessage.waitForTaskToken"
	token   bool   // .waitForTaskToken
	sync    bool   // .sync, .sync:2
}

type resourceKind uint8

const (
	serviceTask resourceKind = iota
	lambdaTask
	activityTask
)

// parseResource knows the three kinds of resources: a Lambda function's ARN, an
// activity's ARN, and arn:PARTITION:states:REGION:ACCOUNT:SERVICE:ACTION.
func parseResource(text string) resource {
	r := resource{text: text}
	parts := strings.SplitN(text, ":", 6)
	switch {
	case len(parts) == 6 && parts[2] == "lambda":
		r.kind = lambdaTask
	case len(parts) == 6 && parts[2] == "states" && strings.HasPrefix(parts[5], "activity:"):
		r.kind = activityTask
	case len(parts) == 6 && parts[2] == "states":
		r.service, r.action = splitService(parts[5])
		r.token = strings.HasSuffix(r.action, ".waitForTaskToken")
		r.sync = strings.HasSuffix(r.action, ".sync") || strings.HasSuffix(r.action, ".sync:2")
	default:
		r.service, r.action = "", text
	}
	return r
}

// splitService cuts "aws-sdk:dynamodb:putItem" and "states:startExecution.sync:2"
// before the action.
func splitService(s string) (service, action string) {
	suffix := ""
	if base, ok := strings.CutSuffix(s, ".sync:2"); ok {
		s, suffix = base, ".sync:2"
	}
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, suffix
	}
	return s[:i], s[i+1:] + suffix
}
