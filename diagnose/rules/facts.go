package rules

import (
	"fmt"
	"strings"
	"sync"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// facts is a case as the rules read it: error and cause taken apart, the state
// and its integration found. Members are zero where nothing is known.
type facts struct {
	c      *diagnose.Case
	sub    diagnose.Failure
	top    *diagnose.Cause // as recorded
	root   *diagnose.Cause // what began it
	nested *diagnose.Cause // the report of a nested execution on the way to root
	err    string          // error name of root
	msg    string          // its words
	state  *asl.State      // the failing state; nil where root failed in another execution
	task   integration     // what that state calls
	phase  diagnose.Phase
	lower  string // error name, type and words of root, in lower case
	once   onces
}

// onces are what several rules ask of the same facts, worked out when it is first asked.
type onces struct {
	signal       func() signal
	input        func() value.Value
	job          func() *jobReport // not to be changed
	refused      func() bool
	tokenIsDead  func() bool
	modelTrouble func() bool
	missing      func() *diagnose.Finding // not to be changed
}

// key is where a case holds its facts.
type key struct{}

// on makes a rule's Check of a function of facts.
func on(check func(*facts) []diagnose.Finding) func(*diagnose.Case) []diagnose.Finding {
	return func(c *diagnose.Case) []diagnose.Finding {
		f, _ := c.Once(key{}, func() any { return read(c) }).(*facts)
		if f == nil {
			return nil
		}
		found := check(f)
		for i := range found {
			f.complete(&found[i])
		}
		return found
	}
}

// complete says what every finding has to say: in which execution it happened, and
// which of the names in the message are meant, where the finding's own words leave
// them out.
func (f *facts) complete(d *diagnose.Finding) {
	if d.Contributing {
		return
	}
	said := d.Title + "\n" + d.RootCause + "\n" + d.Explanation
	add := func(sentence string) { d.Explanation = strings.TrimSpace(d.Explanation + " " + sentence) }
	if f.nested != nil {
		if machine, execution := childNames(f.nested); machine != "" && !strings.Contains(said, machine) || execution != "" && !strings.Contains(said, execution) {
			add(fmt.Sprintf("It happened in %s.", f.child()))
		}
	}
	if where := f.iterations(); where != "" && d.Category != diagnose.MapThreshold {
		add(where)
	}
	if earlier := f.caughtBefore(); earlier != "" && !strings.Contains(said, earlier) && d.Category != diagnose.ExplicitFailState {
		add(fmt.Sprintf("An earlier failure led here: the input holds %s, which a catcher passed on, and which is to be mended too.", named(earlier)))
	}
	for _, r := range d.Remedies {
		said += "\n" + r.Title + "\n" + strings.Join(r.Steps, "\n")
	}
	if names := f.unsaid(said); len(names) > 0 {
		add(fmt.Sprintf("The message names %s.", list(names)))
	}
}

// unsaid are names in the root's words (ARNs, and what stands in quotes) that said lacks: at most four.
func (f *facts) unsaid(said string) []string {
	if f.root.Shape == diagnose.JSONCause && f.job() == nil {
		return nil
	}
	text := ends(f.msg)
	if f.stepFunctionsRuntime() || strings.HasPrefix(f.err, "States.") {
		text = quotedData.ReplaceAllString(text, " ")
	}
	if r := f.job(); r != nil {
		text = ends(r.reason)
	}
	var names []string
	for _, m := range messageName.FindAllStringSubmatch(text, 12) {
		name := strings.TrimRight(firstOf(m[1:]...), ".:,")
		if m := assumedRole.FindStringSubmatch(name); m != nil && strings.Contains(said, m[1]) {
			continue
		}
		if i := strings.LastIndexAny(name, ":/"); strings.HasPrefix(name, "arn:") && i > 0 && strings.Contains(said, name[i+1:]) {
			continue
		}
		if len(name) < 3 || len(name) > 120 || strings.Contains(said, name) || !looksLikeName(name) || commanding.MatchString(name) || longWord.MatchString(name) || hostLike.MatchString(name) && !fileLike.MatchString(name) || broad.MatchString(name) || javaClass.MatchString(name) {
			continue
		}
		if names = uniq(append(names, name)); len(names) == 4 {
			break
		}
	}
	return names
}

// quotedData is data that Step Functions repeats in a message.
var quotedData = lazyregexp.New(`(?s)'\{.*\}'|input '.*'|to input .*`)

// Names of hosts and of policies that allow much are not repeated as if they were
// the workflow's own.
var (
	hostLike = lazyregexp.New(`^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?:[:/].*)?$`)
	fileLike = lazyregexp.New(`\.(?:py|js|mjs|ts|json|csv|tsv|zip|jar|parquet|orc|avro|txt|xml|ya?ml|gz|sql|sh|java|rb|go|so|log|pdf|html|xlsx?|amazonaws\.com)$`)
	broad    = lazyregexp.New(`(?i)administrator|fullaccess|poweruser|^\*|:\*$`)
)

// messageName is an ARN, or one word in quotes.
var messageName = lazyregexp.New(`(arn:aws[\w-]*:[a-z0-9-]+:[a-z0-9-]*:\d*:[\w:/+=,.@*$-]+)|'([\w$@./:+=*#-]+)'|"([\w$@./:+=*#-]+)"|` + "`([\\w$@./:+=*#-]+)`")

// javaClass is a class of Step Functions' own works, which no workflow knows.
var javaClass = lazyregexp.New(`^(?:com\.(?:fasterxml|jayway)|java\.(?:lang|util))\.`)

// one is on for checks that have at most one finding.
func one(check func(*facts) *diagnose.Finding) func(*diagnose.Case) []diagnose.Finding {
	return on(func(f *facts) []diagnose.Finding {
		if finding := check(f); finding != nil {
			return []diagnose.Finding{*finding}
		}
		return nil
	})
}

func read(c *diagnose.Case) *facts {
	sub := c.Subject()
	if sub == nil {
		return nil
	}
	f := &facts{c: c, sub: *sub, phase: c.Phase}
	f.top = diagnose.ReadCause(sub.Error, sub.Cause)
	f.root = f.top.Root()
	f.nested = f.top.Nested()
	f.err, f.msg = f.root.Error, f.root.Message
	if f.root.Shape == diagnose.LambdaCause || f.root.Shape == diagnose.JSONCause {
		f.msg = ends(f.msg)
	}
	f.state = c.State
	if c.Machine != nil && f.stateName() != "" && (f.state == nil || f.state.Name != f.stateName()) {
		f.state = findState(c.Machine, f.stateName())
	}
	f.task = readIntegration(f.resource())
	if f.nested != nil {
		f.state = nil
	}
	f.lower = strings.ToLower(f.err + "\n" + f.root.Type + "\n" + f.msg)
	f.once = onces{
		signal:       sync.OnceValue(f.readSignal),
		input:        sync.OnceValue(f.readInput),
		job:          sync.OnceValue(f.readJob),
		refused:      sync.OnceValue(f.isRefused),
		tokenIsDead:  sync.OnceValue(f.isTokenDead),
		modelTrouble: sync.OnceValue(f.hasModelTrouble),
		missing:      sync.OnceValue(f.findMissing),
	}
	return f
}

func findState(m *asl.Machine, name string) *asl.State {
	for _, s := range m.States {
		if s.Name == name {
			return s
		}
		for _, branch := range s.Branch {
			if found := findState(branch, name); found != nil {
				return found
			}
		}
		if s.Map != nil && s.Map.Processor != nil {
			if found := findState(s.Map.Processor, name); found != nil {
				return found
			}
		}
	}
	return nil
}

// outerState is the failing state of this execution, also where a nested one is to blame.
func (f *facts) outerState() *asl.State {
	if f.state != nil || f.nested == nil {
		return f.state
	}
	if f.c.Machine != nil && f.sub.State != "" {
		return findState(f.c.Machine, f.sub.State)
	}
	return f.c.State
}

// stateName is the failing state's name in this execution; "" unknown.
func (f *facts) stateName() string {
	switch {
	case f.sub.State != "":
		return f.sub.State
	case f.c.State != nil && f.c.State.Name != "" && f.c.Subject() == f.c.Failure:
		return f.c.State.Name
	}
	return f.top.State
}

func (f *facts) stateType() asl.Type {
	if s := f.outerState(); s != nil {
		return s.Type
	}
	return asl.Type(f.sub.StateType)
}

func (f *facts) resource() string {
	if f.sub.Resource != "" {
		return f.sub.Resource
	}
	if s := f.outerState(); s != nil && s.Task != nil {
		return s.Task.Resource
	}
	return ""
}

// who names the place for a sentence: "the state ChargeCard".
func (f *facts) who() string {
	if f.nested != nil {
		return f.child()
	}
	return f.here()
}

// here names the state in this execution: "the state ChargeCard".
func (f *facts) here() string {
	switch {
	case f.stateName() != "":
	case f.phase == diagnose.Create && f.state == nil:
		return "the state machine"
	case f.phase == diagnose.API && f.state == nil:
		return "the call"
	default:
		return "the state"
	}
	return "the state " + named(f.stateName())
}

// stateLabel is the state's name for a definition; THIS_STATE where the name is not known from a definition.
func (f *facts) stateLabel() string {
	if name := f.stateName(); name != "" && nameOnly(name) && (f.outerState() != nil && f.outerState().Name != "" || looksLikeName(name)) {
		return name
	}
	return "THIS_STATE"
}

// ofState names the state as the owner of something: "this state", "the state ChargeCard".
func (f *facts) ofState() string {
	if f.stateName() == "" {
		return "this state"
	}
	return "the state " + named(f.stateName())
}

// child names the nested execution: "the nested execution e1 of the state machine child".
func (f *facts) child() string {
	machine, execution := childNames(f.nested)
	switch {
	case machine == "":
		return "the nested execution"
	case execution == "":
		return "the nested execution of the state machine " + machine
	}
	return fmt.Sprintf("the nested execution %s of the state machine %s", execution, machine)
}

func childNames(c *diagnose.Cause) (machine, execution string) {
	if m := executionARN.FindStringSubmatch(c.Get("ExecutionArn")); m != nil {
		machine, execution = named(m[1]), named(m[2])
	}
	if m := machineARN.FindStringSubmatch(c.Get("StateMachineArn")); m != nil {
		machine = named(m[1])
	}
	return machine, execution
}

var (
	executionARN = lazyregexp.New(`:(?:execution|express):([\w.-]+(?:/[\w.-]+)?):([\w.-]+)`)
	machineARN   = lazyregexp.New(`:stateMachine:([\w.-]+)`)
)

// cites are the events of the failure, as evidence ids.
func (f *facts) cites() []string {
	var ids []string
	for _, id := range []int64{f.sub.EnteredEvent, f.sub.FailedEvent} {
		if id > 0 {
			ids = append(ids, fmt.Sprintf("E%d", id))
		}
	}
	return ids
}

// finding begins a finding with what every finding of f has.
func (f *facts) finding(category diagnose.Category, confidence diagnose.Confidence, retryable diagnose.Retryable) *diagnose.Finding {
	return &diagnose.Finding{Category: category, Confidence: confidence, Retryable: retryable, Cites: f.cites()}
}

// input is the failing state's input, absent where it is unknown or truncated.
func (f *facts) input() value.Value { return f.once.input() }

func (f *facts) readInput() value.Value {
	if f.nested != nil || f.sub.Input.IsAbsent() || f.sub.Input.Truncated {
		return value.Value{}
	}
	v, err := value.Parse(f.sub.Input.String())
	if err != nil {
		return value.Value{}
	}
	return v
}

// result is what the failing state's task gave back last, and the event that has it;
// absent and 0 where the history does not tell.
func (f *facts) result() (value.Value, int64) {
	if f.c.Execution == nil || f.sub.EnteredEvent == 0 || f.nested != nil {
		return value.Value{}, 0
	}
	byID := map[int64]*history.Event{}
	events := f.c.Execution.Events()
	for i := range events {
		byID[events[i].ID] = &events[i]
	}
	for i := len(events) - 1; i >= 0 && events[i].ID > f.sub.EnteredEvent; i-- {
		e := &events[i]
		switch e.Type {
		case history.TaskSucceeded, history.LambdaFunctionSucceeded, history.ActivitySucceeded:
		default:
			continue
		}
		if e.ID > f.sub.FailedEvent || !follows(byID, e, f.sub.EnteredEvent) {
			continue
		}
		if e.Details == nil || e.Details.Output.IsAbsent() || e.Details.Output.Truncated {
			return value.Value{}, 0
		}
		v, err := value.Parse(e.Details.Output.String())
		if err != nil {
			return value.Value{}, 0
		}
		return v, e.ID
	}
	return value.Value{}, 0
}

// follows reports that e came of the event with the ID entered, in the same state.
func follows(byID map[int64]*history.Event, e *history.Event, entered int64) bool {
	for ; e != nil && e.ID > entered; e = byID[e.PreviousID] {
		if strings.HasSuffix(string(e.Type), "StateExited") {
			return false
		}
	}
	return e != nil && e.ID == entered
}

// says reports that the root's error name, type or words contain one of the texts, whatever the case.
func (f *facts) says(texts ...string) bool {
	for _, t := range texts {
		if strings.Contains(f.lower, strings.ToLower(t)) {
			return true
		}
	}
	return false
}

// errorIs reports that the error as recorded, at the root or on top, is one of names.
func (f *facts) errorIs(names ...string) bool {
	for _, n := range names {
		if f.err == n || f.root.Type == n || f.top.Error == n && f.nested == nil {
			return true
		}
	}
	return false
}

// lambda reports that a Lambda function's own code or runtime reported the root.
func (f *facts) lambda() bool {
	return f.root.Shape == diagnose.LambdaCause
}

// function names the Lambda function that was called; "" unknown.
func (f *facts) function() string {
	if f.nested != nil {
		return ""
	}
	if name := f.task.function; name != "" {
		return name
	}
	name := f.param("FunctionName")
	if m := functionARN.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	if looksLikeName(name) {
		return name
	}
	return ""
}

var functionARN = lazyregexp.New(`:function:([\w-]+(?::[\w$-]+)?)`)

// functionOr is "the function X" or "the function".
func (f *facts) functionOr() string {
	if name := f.function(); name != "" {
		return "the function " + named(name)
	}
	return "the function"
}

// functionArg is the function's name for a command line.
func (f *facts) functionArg() string {
	if name := f.function(); name != "" && looksLikeName(name) {
		name, _, _ = strings.Cut(name, ":")
		return name
	}
	return "FUNCTION"
}

// param is the text of a member of what the task was given: as recorded, as
// written down, or as the input gives it. "" unknown.
func (f *facts) param(name string) string {
	if f.nested != nil {
		return ""
	}
	if !f.sub.Parameters.IsAbsent() {
		if v, err := value.Parse(f.sub.Parameters.String()); err == nil {
			if m, ok := v.Get(name); ok {
				s, _ := m.AsString()
				return s
			}
		}
	}
	node := f.paramNode(name)
	if node == nil {
		return ""
	}
	if !node.Literal.IsAbsent() {
		s, _ := value.Value(node.Literal).AsString()
		return s
	}
	if node.Path != nil {
		if v, ok := follow(f.input(), node.Path.Text); ok {
			s, _ := v.AsString()
			return s
		}
	}
	return ""
}

// paramNode is the member of Parameters or Arguments called name, or nil.
func (f *facts) paramNode(name string) *asl.Node {
	if f.state == nil {
		return nil
	}
	for _, t := range []*asl.Template{f.state.Parameters, f.state.Arguments} {
		if t == nil || t.Root == nil {
			continue
		}
		for i := range t.Root.Members {
			if t.Root.Members[i].Key == name {
				return t.Root.Members[i].Node
			}
		}
		if lit := value.Value(t.Root.Literal); t.Root.Members == nil && !lit.IsAbsent() {
			if v, ok := lit.Get(name); ok {
				return &asl.Node{Literal: asl.Value(v)}
			}
		}
	}
	return nil
}

// definitionText is the failing state's definition as written; "" unknown.
func (f *facts) definitionText() string {
	if f.state == nil || f.state.Machine == nil || f.state.Machine.Source() == nil {
		return ""
	}
	text, span := f.state.Machine.Source().Text, f.state.Span
	if span.Start < 0 || span.End > len(text) || span.Start >= span.End {
		return ""
	}
	return text[span.Start:span.End]
}
