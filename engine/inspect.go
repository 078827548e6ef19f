package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// StateTest asks for one state to be run alone, as the TestState API does.
type StateTest struct {
	Machine   *asl.Machine // a whole machine, or one of just the state (asl.ParseState)
	State     string       // its name
	Input     []byte
	Context   []byte // the Context object to use; none: one is made up
	Variables map[string][]byte
	RoleARN   string
	Mock      *Mock
	Config    StateConfig
	Seed      uint64

	RevealSecrets bool
}

// Mock answers in place of whatever the state would call, with a Result or an Error.
type Mock struct {
	Result []byte
	Error  *MockError
	Mode   string // STRICT (where ""), PRESENT or NONE: how Result is checked
}

// MockError is an error that a mock raises.
type MockError struct{ Name, Cause *string }

// StateConfig sets the scene for a state that is tested.
type StateConfig struct {
	RetryCount    int    // of the retrier that matches
	MapFailures   int    // iterations that have failed
	FailedState   string // in a Map or Parallel: the state that the mock's error comes from
	MapReaderData []byte // what an ItemReader has read
}

// StateResult is what TestState answers. Members that do not apply are nil.
type StateResult struct {
	Status       string // SUCCEEDED, FAILED, RETRIABLE, CAUGHT_ERROR
	Output       []byte
	Error, Cause *string
	NextState    string

	// Inspection is the data at each stage, in JSON: afterInputPath,
	// afterParameters, result …
	Inspection []byte
}

// APIError is a request that AWS refuses.
type APIError struct{ Code, Message string }

func (e *APIError) Error() string { return e.Code + ": " + e.Message }

func invalidRequest(format string, args ...any) error {
	return &APIError{"ValidationException", fmt.Sprintf(format, args...)}
}

// TestState runs one state. The error is an *APIError where AWS refuses the
// request; a state that fails is data.
func (e *Engine) TestState(ctx context.Context, test StateTest) (*StateResult, error) {
	p, err := e.program(test.Machine)
	if err != nil {
		return nil, err
	}
	n := p.find(test.State)
	if n == nil {
		return nil, invalidRequest("State not found in definition")
	}
	probe := &inspection{mock: test.Mock, config: test.Config}
	req := Request{
		Machine: test.Machine, Input: test.Input, StartAt: test.State, RoleARN: test.RoleARN,
		Type: history.Express, Sync: true, Seed: test.Seed, inspect: probe,
	}
	if err := test.check(n, &req); err != nil {
		return nil, err
	}
	test.name(&req)
	x, err := newExecution(ctx, e, p, n, req)
	if err != nil {
		return nil, err
	}
	for name, text := range test.Variables {
		v, err := value.ParseBytes(text)
		if err != nil {
			return nil, invalidRequest("variable %s is not JSON", name)
		}
		x.root.assign([]assignment{{name, v}})
	}
	probe.stages.Set("input", x.main.input)
	x.loop()
	if x.err != nil {
		return nil, x.err
	}
	return probe.result(x), nil
}

// name makes up the machine that the state is said to be in, in the role's account.
func (test *StateTest) name(req *Request) {
	names := execution{rand: seeded(test.Seed)}
	partition, account := "aws", "123456789012"
	if parts := strings.Split(test.RoleARN, ":"); len(parts) == 6 && parts[4] != "" {
		partition, account = parts[1], parts[4]
	}
	req.Name = names.uuid()
	machine := names.uuid()
	prefix := fmt.Sprintf("arn:%s:states:us-east-1:%s:", partition, account)
	req.StateMachineARN = prefix + "stateMachine:" + machine
	req.ARN = prefix + "express:" + machine + ":" + req.Name
}

// check refuses what AWS refuses.
func (test *StateTest) check(n *node, req *Request) error {
	kind := n.state.Type
	container := kind == asl.Map || kind == asl.Parallel
	switch {
	case test.Mock == nil && container:
		return &APIError{"InvalidDefinition", "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"}
	case test.Mock == nil && kind == asl.Task && test.RoleARN == "":
		return invalidRequest("RoleArn must be specified when testing a Task state")
	case test.Mock != nil && test.Mock.Result != nil && test.Mock.Error != nil:
		return invalidRequest("A test mock should have only one of the following fields: [result, errorOutput].")
	case test.Mock != nil && test.RevealSecrets:
		return invalidRequest("TestState does not support RevealSecrets when a mock is specified.")
	case test.Mock != nil && !container && kind != asl.Task:
		return invalidRequest("State type '%s' is not supported when a mock is specified", kind)
	}
	if len(test.Context) > 0 {
		if err := test.checkContext(n, req); err != nil {
			return err
		}
	}
	if test.Mock == nil || test.Mock.Error != nil {
		return nil
	}
	return test.checkMock(n)
}

func (test *StateTest) checkContext(n *node, req *Request) error {
	v, err := value.ParseBytes(test.Context)
	if err != nil || v.Kind() != value.KindObject {
		return invalidRequest("Invalid Context object provided: it is not a JSON object")
	}
	r := &n.resource
	if _, ok := v.Get("Task"); ok && !(n.state.Type == asl.Task && (r.token || r.sync)) {
		return invalidRequest("Invalid Context object provided: Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern")
	}
	req.context = v
	return nil
}

func (test *StateTest) checkMock(n *node) error {
	v, err := value.ParseBytes(test.Mock.Result)
	if err != nil {
		return invalidRequest("Mocked result must be valid JSON.")
	}
	switch n.state.Type {
	case asl.Parallel:
		switch {
		case v.Kind() != value.KindArray:
			return invalidRequest("Mocked result must be an array.")
		case v.Len() != len(n.branches):
			return invalidRequest("Mocked result must contain the same number of items as number of Parallel branches.")
		}
	case asl.Map:
		if v.Kind() != value.KindArray && n.mapPlan.writer == nil {
			return invalidRequest("Mocked result must be an array.")
		}
	case asl.Task:
		if problem := checkMockedResult(&n.resource, v, test.Mock.Mode); problem != "" {
			return invalidRequest("Mock result schema validation error: %s", problem)
		}
	}
	return nil
}

// inspection gathers what TestState shows of a state at work.
type inspection struct {
	mock   *Mock
	config StateConfig
	stages value.Builder
	detail value.Builder // errorDetails
	status string
	next   *node
	failed *failure
	output value.Value
}

func (p *inspection) result(x *execution) *StateResult {
	r := &StateResult{Status: p.status}
	if p.failed != nil {
		r.Error, r.Cause = p.failed.name, p.failed.cause
	}
	if !p.output.IsAbsent() {
		r.Output = p.output.AppendJSON(nil)
	}
	if p.next != nil {
		r.NextState = p.next.name
	}
	if p.detail.Len() > 0 {
		p.stages.Set("errorDetails", p.detail.Object())
	}
	r.Inspection = p.stages.Object().AppendJSON(nil)
	return r
}

// shown tells which stages TestState shows of a type of state; a Pass with a
// Result shows nothing of what led there.
func shown(n *node, stage string) bool {
	switch stage {
	case "afterInputPath", "afterParameters":
		switch n.state.Type {
		case asl.Parallel:
			return false
		case asl.Pass:
			return n.result.IsAbsent()
		}
	case "result":
		switch n.state.Type {
		case asl.Pass:
			return !n.result.IsAbsent()
		case asl.Task:
			return true
		}
		return false
	}
	return true
}

// probe notes the data at a stage of a state that is tested.
func (t *thread) probe(stage string, v value.Value) {
	if p := t.x.req.inspect; p != nil && !v.IsAbsent() && shown(t.node, stage) {
		p.stages.Set(stage, v)
	}
}

// inspectMock ends a tested state with what its mock says.
func (t *thread) inspectMock() bool {
	p := t.x.req.inspect
	if p == nil || p.mock == nil {
		return false
	}
	if e := p.mock.Error; e != nil {
		t.x.fail(t, &failure{name: e.Name, cause: e.Cause})
		return true
	}
	v, err := value.ParseBytes(p.mock.Result)
	if err != nil {
		t.x.giveUp(err) // it was checked before
		return true
	}
	t.probe("result", v)
	t.complete(v)
	return true
}

// inspectMap notes the settings of a Map that is tested, and what ItemSelector and
// ItemBatcher make of its items. It fails where more iterations are said to have
// failed than may; an error that a mock raises comes first.
func (t *thread) inspectMap(input value.Value, items []*mapItem, concurrency int64) *failure {
	p, m := t.x.req.inspect, t.node.mapPlan
	p.stages.Set("maxConcurrency", value.Int(concurrency))
	allowed, f := t.tolerance(input)
	if f != nil {
		return f
	}
	if m.toleratedCount != nil {
		p.stages.Set("toleratedFailureCount", value.Int(allowed.count))
	}
	if m.toleratedPercentage != nil {
		p.stages.Set("toleratedFailurePercentage", value.Float(allowed.percentage))
	}
	if m.reader != nil {
		if items, f = t.inspectReader(input); f != nil {
			return f
		}
	}
	if f := t.inspectItems(input, items); f != nil {
		return f
	}
	if (p.mock == nil || p.mock.Error == nil) && allowed.exceeded(p.config.MapFailures, len(items)) {
		return tooManyFailures()
	}
	return nil
}

// inspectReader makes items of what the ItemReader is said to have read; none where
// the request has nothing of the sort.
func (t *thread) inspectReader(input value.Value) ([]*mapItem, *failure) {
	data, r := t.x.req.inspect.config.MapReaderData, t.node.mapPlan.reader
	if len(data) == 0 {
		return nil, nil
	}
	most, f := t.maxItems(input)
	if f != nil {
		return nil, f
	}
	list, err := r.parse(string(data))
	if err != nil {
		return nil, newFailure(errItemReader, err.Error())
	}
	if most > 0 && int64(len(list)) > most {
		list = list[:most]
	}
	if r.text("ItemsPointer") != "" {
		t.probe("afterItemsPointer", value.Array(list...))
	}
	return itemsOf(value.Array(list...)), nil
}

func (t *thread) inspectItems(input value.Value, items []*mapItem) *failure {
	m := t.node.mapPlan
	if m.selector != nil && items != nil {
		selected := make([]value.Value, len(items))
		for i, item := range items {
			var f *failure
			if selected[i], f = t.iterationInput(input, item); f != nil {
				return f
			}
		}
		t.probe("afterItemSelector", value.Array(selected...))
	}
	if m.batcher != nil && items != nil {
		batches, f := t.batches(input, items)
		if f != nil {
			return f
		}
		list := make([]value.Value, len(batches))
		for i, b := range batches {
			list[i] = b.value
		}
		t.probe("afterItemBatcher", value.Array(list...))
	}
	return nil
}

// inspectExit ends the test of a state with its exit.
func (t *thread) inspectExit(next *node, output value.Value, assign []assignment) bool {
	p := t.x.req.inspect
	if p == nil {
		return false
	}
	t.assign(assign)
	if t.scope != nil && len(t.scope.vars) > 0 {
		var vars value.Builder
		for _, name := range slices.Sorted(maps.Keys(t.scope.vars)) {
			vars.Set(name, t.scope.vars[name])
		}
		p.stages.Set("variables", vars.Object())
	}
	if p.status == "" {
		p.status = "SUCCEEDED"
	}
	p.next, p.output = next, output
	t.x.endAt(history.Succeeded, nil, output, t.prev)
	return true
}

// inspectFailure ends the test of a state with an error: it would be tried again,
// was caught, or fails.
func (x *execution) inspectFailure(t *thread, f *failure) bool {
	p := x.req.inspect
	if p == nil {
		return false
	}
	p.failed = f
	if t.node.state.Type == asl.Fail && !f.fatal {
		t.probe("afterInputPath", t.input)
	}
	if i, ok := t.matchingRetrier(f); ok {
		p.detail.Set("retryIndex", value.Int(int64(i)))
		r, count := t.node.state.Retry[i], p.config.RetryCount
		if int64(count) < r.MaxAttempts {
			p.status = "RETRIABLE"
			p.detail.Set("retryBackoffIntervalSeconds", value.Int(backoff(r, count)/1000))
			x.end(history.Failed, f)
			return true
		}
	}
	for i := range t.node.catch {
		if c := &t.node.catch[i]; f.matches(c.errorEquals) {
			p.detail.Set("catchIndex", value.Int(int64(i)))
			p.status = "CAUGHT_ERROR"
			t.caught(c, f)
			return true
		}
	}
	p.status = "FAILED"
	x.end(history.Failed, f)
	return true
}

func (t *thread) matchingRetrier(f *failure) (int, bool) {
	for i, r := range t.node.state.Retry {
		if f.matches(r.ErrorEquals) {
			return i, true
		}
	}
	return 0, false
}
