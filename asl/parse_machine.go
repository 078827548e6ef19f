package asl

import "slices"

// machineFields are the fields of a state machine; the value tells where they go.
var machineFields = map[string]machineField{
	"Comment": anyMachine, "StartAt": anyMachine, "States": anyMachine,
	"QueryLanguage": topMachine, "Version": topMachine, "TimeoutSeconds": topMachine,
	"ProcessorConfig": processorMachine,
}

type machineField uint8

const (
	topMachine machineField = 1 << iota
	branchMachine
	processorMachine
	anyMachine = topMachine | branchMachine | processorMachine
)

// maxTimeout is the longest time-out that is taken, in seconds (about three years).
const maxTimeout = 99999999

func (d *decoder) topMachine(n *node) *Machine {
	m := &Machine{QueryLanguage: JSONPath, Span: n.span, source: d.src}
	if v := n.get("Version"); v != nil && d.wants(v, "string") {
		m.Version = v.text
		if v.text != "1.0" {
			d.schemaf(v, `Version must be "1.0", not %q`, v.text).saying("The field 'Version' should have one of these values: [1.0]")
		}
	}
	if v := n.get("TimeoutSeconds"); v != nil {
		m.TimeoutSeconds = d.whole(v, 1, maxTimeout)
	}
	m.QueryLanguage = d.queryLanguage(n, JSONPath)
	d.language = m.QueryLanguage
	d.machine(m, n, topMachine)
	return m
}

// machine reads what all machines have, nested or not.
func (d *decoder) machine(m *Machine, n *node, where machineField) {
	if v := n.get("Comment"); v != nil {
		m.Comment = d.text(v)
	}
	d.states(m, n)
	d.startAt(m, n)
	for _, kid := range n.kids {
		if machineFields[kid.key]&where == 0 {
			d.unknownField(kid, machineName(where), fieldsOfMachine(where))
		}
	}
}

func machineName(where machineField) string {
	if where == topMachine {
		return "a state machine"
	}
	return "a nested state machine"
}

func fieldsOfMachine(where machineField) []string {
	return slices.DeleteFunc(keys(machineFields), func(key string) bool { return machineFields[key]&where == 0 })
}

func (d *decoder) states(m *Machine, n *node) {
	states := n.get("States")
	m.index = map[string]*State{}
	if states == nil {
		d.missingf(n, "States is missing: a state machine has at least one state").
			saying("These fields are required: [States]")
		return
	}
	if !d.wants(states, "object") {
		return
	}
	if len(states.kids) == 0 {
		d.schemaf(states, "States is empty: a state machine has at least one state").saying("Value cannot be empty")
	}
	m.States = make([]*State, 0, len(states.kids))
	for _, kid := range states.kids {
		if m.index[kid.key] != nil {
			continue // reported as a key that is there twice
		}
		s := d.state(m, kid)
		m.States = append(m.States, s)
		m.index[s.Name] = s
	}
}

func (d *decoder) startAt(m *Machine, n *node) {
	v := n.get("StartAt")
	if v == nil {
		d.missingf(n, "StartAt is missing: it names the first state").saying("These fields are required: [StartAt]")
		return
	}
	m.StartAt = d.target(v)
	d.starts[m] = v
}

// queryLanguage resolves the QueryLanguage of the outermost machine or of a state.
// Nested machines have none: their states start from the outermost machine's, also
// where the Map or Parallel around them says otherwise.
func (d *decoder) queryLanguage(n *node, outer QueryLanguage) QueryLanguage {
	v := n.get("QueryLanguage")
	if v == nil || !d.wants(v, "string") {
		return outer
	}
	switch q := QueryLanguage(v.text); q {
	case JSONPath, JSONata:
		if q == JSONPath && outer == JSONata {
			d.schemaf(v, "QueryLanguage cannot go back to JSONPath inside a state machine in JSONata").
				saying("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine").at(n)
		}
		return q
	}
	d.schemaf(v, "QueryLanguage must be JSONPath or JSONata, not %q%s", v.text, didYouMean(v.text, []string{string(JSONPath), string(JSONata)})).
		saying("The field 'QueryLanguage' should have one of these values: [%s, %s]", JSONPath, JSONata)
	return outer
}

// branches reads the machines of a Parallel state.
func (d *decoder) branches(s *State, n *node) {
	v := n.get("Branches")
	if v == nil || !d.wants(v, "array") {
		return
	}
	if len(v.kids) == 0 {
		d.schemaf(v, "Branches is empty: a Parallel state has at least one branch").saying("Value cannot be empty")
	}
	for _, kid := range v.kids {
		if !d.wants(kid, "object") {
			continue
		}
		m := &Machine{QueryLanguage: d.language, Span: kid.span, source: d.src, outer: s}
		d.machine(m, kid, branchMachine)
		s.Branch = append(s.Branch, m)
	}
}

// processor reads the machine of a Map state.
func (d *decoder) itemProcessor(s *State, n *node) *Machine {
	v, old := n.get("ItemProcessor"), n.get("Iterator")
	switch {
	case v != nil && old != nil:
		d.keyProblemf(old, codeSchema, "a Map has ItemProcessor or the older Iterator, not both").
			saying("There should only be one of the following fields: [ItemProcessor, Iterator]").at(n)
	case v == nil && old == nil:
		d.missingf(n, "%s: a Map needs an ItemProcessor", s.Name).saying("These fields are required: [ItemProcessor]")
		return nil
	case v == nil:
		v = old
	}
	if !d.wants(v, "object") {
		return nil
	}
	m := &Machine{QueryLanguage: d.language, Span: v.span, source: d.src, outer: s}
	m.Processor = d.processorConfig(v)
	surrounding := d.processor
	if m.Processor != nil && m.Processor.Mode == distributed {
		d.notInExpress(v.get("ProcessorConfig"))
		d.processor = m.Processor
	}
	d.machine(m, v, processorMachine)
	d.processor = surrounding
	return m
}

const (
	inline      = "INLINE"
	distributed = "DISTRIBUTED"
)

// notInExpress reports a distributed Map in an Express workflow.
func (d *decoder) notInExpress(config *node) {
	if d.processor != nil && d.processor.ExecutionType == string(Express) {
		d.schemaf(config, "an Express workflow cannot run a Map in the mode DISTRIBUTED").
			saying("Express state machine does not support Map state in DISTRIBUTED mode")
	}
}

func (d *decoder) processorConfig(n *node) *ProcessorConfig {
	v := n.get("ProcessorConfig")
	if v == nil || !d.wants(v, "object") {
		return nil
	}
	c := &ProcessorConfig{Span: v.span}
	if mode := v.get("Mode"); mode != nil {
		c.Mode = d.oneOf(mode, inline, distributed)
	}
	if kind := v.get("ExecutionType"); kind != nil {
		c.ExecutionType = d.oneOf(kind, string(Standard), string(Express))
		if c.Mode != distributed {
			d.keyProblemf(kind, codeSchema, "ExecutionType goes with the mode DISTRIBUTED only")
		}
	} else if c.Mode == distributed {
		d.missingf(v, "ExecutionType is missing: the mode DISTRIBUTED needs STANDARD or EXPRESS").
			saying("These fields are required: [ExecutionType]")
	}
	d.onlyFields(v, "ProcessorConfig", "Mode", "ExecutionType")
	return c
}
