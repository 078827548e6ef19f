package mockfile

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
)

// Case is a test case at work: a TaskHandler for one execution.
type Case struct {
	// Else takes the tasks that the case does not mock; nil ends the execution with
	// an *engine.UnsupportedError, as nothing real is called by mistake.
	Else engine.TaskHandler

	file      *File
	name      string
	responses map[string]mocked

	mu       sync.Mutex
	calls    map[string]int
	numbered map[*engine.Task]int
}

// mocked is the response of one state.
type mocked struct {
	name string
	response
}

// Case returns the test case for a machine: of the state machine of that name, or of
// the only one in the file. name may say both, as in "order#TheCardIsRefused". Every
// state that the case names must be a Task of m.
func (f *File) Case(machine, name string, m *asl.Machine) (*Case, error) {
	if prefix, rest, ok := strings.Cut(name, "#"); ok {
		machine, name = prefix, rest
	} else if _, known := f.machines[machine]; !known && len(f.machines) == 1 {
		machine = names(f.machines)[0]
	}
	cases, ok := f.machines[machine]
	if !ok {
		return nil, f.errorf("/StateMachines", "no state machine %q%s", machine, choices(machine, names(f.machines)))
	}
	pointer := "/StateMachines/" + escape(machine) + "/TestCases"
	states, ok := cases[name]
	if !ok {
		return nil, f.errorf(pointer, "no test case %q for %s%s", name, machine, choices(name, names(cases)))
	}
	c := &Case{file: f, name: name, responses: make(map[string]mocked), calls: make(map[string]int), numbered: make(map[*engine.Task]int)}
	tasks, all := stateNames(m, nil, nil)
	for state, response := range states {
		c.responses[state] = mocked{response, f.responses[response]}
	}
	for _, state := range names(states) {
		at := pointer + "/" + escape(name) + "/" + escape(state)
		switch {
		case !slices.Contains(all, state):
			return nil, f.errorf(at, "the workflow has no state %q%s", state, asl.DidYouMean(state, all))
		case !slices.Contains(tasks, state):
			return nil, f.errorf(at, "state %q is no Task; only Tasks are mocked", state)
		}
	}
	return c, nil
}

// choices is how a sentence ends that says that a name is not there.
func choices(name string, list []string) string {
	if hint := asl.DidYouMean(name, list); hint != "" {
		return hint
	}
	if len(list) == 0 {
		return "; there are none"
	}
	return "; there are " + strings.Join(list, ", ")
}

// stateNames lists the states of a machine and of those in it, and its Tasks.
func stateNames(m *asl.Machine, tasks, all []string) (_, _ []string) {
	for _, s := range m.States {
		all = append(all, s.Name)
		if s.Type == asl.Task {
			tasks = append(tasks, s.Name)
		}
		for _, b := range s.Branch {
			tasks, all = stateNames(b, tasks, all)
		}
		if s.Map != nil {
			tasks, all = stateNames(s.Map.Processor, tasks, all)
		}
	}
	return tasks, all
}

// CheckParameters numbers the attempts of mocked states, in the order in which the
// event loop comes to them: their handlers run in any order.
func (c *Case) CheckParameters(t *engine.Task) error {
	if _, ok := c.responses[t.State]; ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.numbered[t] = c.calls[t.State]
		c.calls[t.State]++
		return nil
	}
	if checker, ok := c.Else.(engine.ParameterChecker); ok {
		return checker.CheckParameters(t)
	}
	return nil
}

// HandleTask answers as the test case says.
func (c *Case) HandleTask(ctx context.Context, t *engine.Task) (engine.Result, error) {
	m, ok := c.responses[t.State]
	switch {
	case ok:
	case c.Else == nil:
		return engine.Result{}, &engine.UnsupportedError{Resource: t.Resource}
	default:
		return c.Else.HandleTask(ctx, t)
	}
	c.mu.Lock()
	n := c.numbered[t]
	delete(c.numbered, t)
	c.mu.Unlock()
	for _, s := range m.response {
		if s.first <= n && n <= s.last {
			return s.answer.give(t)
		}
	}
	return engine.Result{}, c.file.errorf("/MockedResponses/"+escape(m.name),
		"%q has no answer for attempt %d of state %q, counted from 0, in test case %q", m.name, n, t.State, c.name)
}

// give answers a task. For one that waits for its token, the answer is what the
// token's holder would send.
func (a answer) give(t *engine.Task) (engine.Result, error) {
	if t.Token == "" || !strings.HasSuffix(t.Resource, ".waitForTaskToken") {
		if a.throw != nil {
			return engine.Result{}, a.throw
		}
		return a.returned(t), nil
	}
	if a.throw != nil {
		t.Fail(a.throw)
	} else {
		t.Complete(a.result)
	}
	return engine.JSON(`{}`), nil
}

// returned is what the task gives back. A task whose Resource is a function's own
// ARN gets what the function returned, without the answer of Lambda's API around it.
func (a answer) returned(t *engine.Task) engine.Result {
	if !isFunction(t.Resource) {
		return a.result
	}
	payload, ok := a.value.Get("Payload")
	if _, api := a.value.Get("StatusCode"); !ok || !api {
		return a.result
	}
	return engine.Result{Output: payload.AppendJSON(nil)}
}

// isFunction reports an ARN such as arn:aws:lambda:us-east-1:123456789012:function:f.
func isFunction(resource string) bool {
	parts := strings.SplitN(resource, ":", 4)
	return len(parts) == 4 && parts[0] == "arn" && parts[2] == "lambda"
}
