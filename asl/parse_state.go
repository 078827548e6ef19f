package asl

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxStateName is how long a state's name may be, in characters (ASL "States").
const maxStateName = 80

// state reads one state; n's key is its name.
func (d *decoder) state(m *Machine, n *node) *State {
	s := &State{Name: n.key, Span: n.span, NameSpan: n.keySpan, Machine: m, QueryLanguage: m.QueryLanguage}
	d.nodes[s] = n
	d.stateName(s, n)
	if !d.wants(n, "object") {
		return s
	}
	s.Fields = make(map[string]Span, len(n.kids))
	for _, kid := range n.kids {
		s.Fields[kid.key] = kid.span
	}
	s.QueryLanguage = d.queryLanguage(n, m.QueryLanguage)
	if !d.stateType(s, n) {
		return s
	}
	d.checkFields(s, n)
	d.common(s, n)
	d.dataFlow(s, n)
	d.byType(s, n)
	return s
}

func (d *decoder) stateName(s *State, n *node) {
	switch length := utf8.RuneCountInString(s.Name); {
	case d.lone:
	case length == 0:
		d.keyProblemf(n, codeStateName, "a state needs a name").saying("State name cannot be empty")
	case length > maxStateName:
		d.keyProblemf(n, codeStateName, "the name of a state has at most %d characters; this has %d", maxStateName, length).
			saying("State name must not exceed %d characters", maxStateName)
	}
}

func (d *decoder) stateType(s *State, n *node) bool {
	v := n.get("Type")
	if v == nil {
		d.missingf(n, "Type is missing: it is one of %s", typeNames()).saying("These fields are required: [Type]")
		return false
	}
	if !d.wants(v, "string") {
		return false
	}
	s.Type = Type(v.text)
	if s.Type.known() {
		return true
	}
	d.schemaf(v, "no state type %q%s", v.text, didYouMean(v.text, typeList())).
		saying("The field 'Type' should have one of these values: [%s]", strings.Join(typeList(), ", "))
	return false
}

func (t Type) known() bool { return slices.Contains(types, t) }

// common reads what most types have.
func (d *decoder) common(s *State, n *node) {
	if v := n.get("Comment"); v != nil {
		s.Comment = d.text(v)
	}
	if v := n.get("Next"); v != nil {
		s.Next = d.target(v)
	}
	if v := n.get("End"); v != nil && d.wants(v, "boolean") {
		s.End = v.kind == 't'
	}
	d.transition(s, n)
}

// transition checks that a state says where it goes: ASL "Transitions".
func (d *decoder) transition(s *State, n *node) {
	next, end := n.get("Next"), n.get("End")
	switch s.Type {
	case Choice, Succeed, Fail:
		return // a field too many is reported as unknown
	}
	switch {
	case next != nil && s.End:
		d.keyProblemf(end, codeSchema, "a state has Next or End, not both").
			saying("There should only be one of the following fields: [Next, End]").at(n)
	case end != nil && end.hole:
	case next == nil && !s.End:
		d.missingf(n, `%s leads nowhere: it needs Next, or "End": true`, s.Name).
			saying("Exactly one of the following fields is required: [Next, End]")
	}
}

// dataFlow reads the fields that select and make data.
func (d *decoder) dataFlow(s *State, n *node) {
	s.InputPath = d.pathField(n, "InputPath", anyPath|orNull)
	s.OutputPath = d.pathField(n, "OutputPath", anyPath|orNull)
	s.ResultPath = d.pathField(n, "ResultPath", referencePath|inputOnly|orNull)
	if s.Type != Map { // there it is the older name of ItemSelector
		s.Parameters = d.template(n, "Parameters", s.QueryLanguage)
	}
	s.ResultSelector = d.template(n, "ResultSelector", s.QueryLanguage)
	s.Arguments = d.template(n, "Arguments", s.QueryLanguage)
	s.Output = d.template(n, "Output", s.QueryLanguage)
	s.Assign = d.assign(n, s.QueryLanguage)
	if v := n.get("Retry"); v != nil && d.wants(v, "array") {
		s.Retry = d.retry(v)
	}
	if v := n.get("Catch"); v != nil && d.wants(v, "array") {
		s.Catch = d.catch(v, s.QueryLanguage)
	}
}

// byType reads what only one type has.
func (d *decoder) byType(s *State, n *node) {
	switch s.Type {
	case Pass:
		d.pass(s, n)
	case Task:
		d.task(s, n)
	case Choice:
		d.choice(s, n)
	case Wait:
		d.wait(s, n)
	case Fail:
		d.fail(s, n)
	case Parallel:
		d.branches(s, n)
	case Map:
		d.mapState(s, n)
	case Succeed:
	}
}

func (d *decoder) pass(s *State, n *node) {
	if v := n.get("Result"); v != nil {
		s.Result = Value(v.value(d.src.Text))
		d.staticResult(v)
	}
}

// staticResult warns of paths in a Pass state's Result, which is never evaluated.
func (d *decoder) staticResult(n *node) {
	if n.is("string") && n.parent.kind == '{' && hasDollarSuffix(n.key) && (isPathText(n.text) || isCallText(n.text)) {
		d.warnf(n, codeStaticValue, "Result is not evaluated: %s stays the text %q; use Parameters", n.key, n.text).
			saying("The 'Result' field of a Pass state is static; use 'Parameters' to reference a path")
	}
	for _, kid := range n.kids {
		d.staticResult(kid)
	}
}

func (d *decoder) task(s *State, n *node) {
	s.Task = &TaskFields{
		Timeout:     d.amount(n, "TimeoutSeconds", s.QueryLanguage, 1, maxTimeout),
		Heartbeat:   d.amount(n, "HeartbeatSeconds", s.QueryLanguage, 1, maxTimeout),
		Credentials: d.template(n, "Credentials", s.QueryLanguage),
	}
	d.beats(s.Task, n)
	v := n.get("Resource")
	if v == nil || !d.wants(v, "string") {
		return
	}
	s.Task.Resource = v.text
	d.resource(s, v)
}

// beats checks that a heartbeat is shorter than the time-out: ASL "Timeouts and Heartbeats".
func (d *decoder) beats(t *TaskFields, n *node) {
	if t.Timeout == nil || t.Heartbeat == nil || t.Timeout.Number == nil || t.Heartbeat.Number == nil {
		return
	}
	if *t.Heartbeat.Number >= *t.Timeout.Number {
		d.schemaf(n.get("HeartbeatSeconds"), "HeartbeatSeconds (%s) must be smaller than TimeoutSeconds (%s)", t.Heartbeat.Text, t.Timeout.Text).
			saying("HeartbeatSeconds should be less than TimeoutSeconds").at(n)
	}
}

func (d *decoder) wait(s *State, n *node) {
	given := d.exactlyOne(n, "Seconds", "SecondsPath", "Timestamp", "TimestampPath")
	if given == nil {
		return
	}
	s.Wait = &WaitFields{}
	switch given.key {
	case "Seconds", "SecondsPath":
		s.Wait.Seconds = d.amount(n, "Seconds", s.QueryLanguage, 0, maxTimeout)
	default:
		s.Wait.Timestamp = d.textOr(n, "Timestamp", s.QueryLanguage, false)
		d.timestamp(s.Wait.Timestamp, given)
	}
}

func (d *decoder) timestamp(t *TextOr, n *node) {
	if t != nil && t.Text != nil && !isPlaceholder(*t.Text) && !isTimestamp(*t.Text) {
		d.schemaf(n, `%q is no timestamp: write it as "2016-03-14T01:59:00Z"`, *t.Text).
			saying("Value is not a valid ISO8601 timestamp")
	}
}

func (d *decoder) fail(s *State, n *node) {
	s.Fail = &FailFields{
		Error: d.textOr(n, "Error", s.QueryLanguage, true),
		Cause: d.textOr(n, "Cause", s.QueryLanguage, true),
	}
}
