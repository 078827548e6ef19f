package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/stepsleuth/stepsleuth/engine"
)

// mockConfig is a mock configuration file of Step Functions Local.
type mockConfig struct {
	StateMachines map[string]struct {
		TestCases map[string]map[string]string // state → response
	}
	MockedResponses map[string]map[string]mockResponse // "0", "1-3" → response
}

type mockResponse struct {
	Return json.RawMessage
	Throw  *struct{ Error, Cause *string }
}

// mocks answers tasks as a mock configuration says.
type mocks struct {
	config mockConfig
	states map[string]string

	mu    sync.Mutex
	calls map[string]int
}

func newMocks(c *Case) (*mocks, error) {
	m := &mocks{calls: make(map[string]int)}
	if err := json.Unmarshal(c.MockConfig, &m.config); err != nil {
		return nil, err
	}
	m.states = m.config.StateMachines[c.StateMachineName].TestCases[c.TestCase]
	if m.states == nil {
		return nil, fmt.Errorf("the mock configuration has no test case %s for %s", c.TestCase, c.StateMachineName)
	}
	return m, nil
}

func (m *mocks) HandleTask(ctx context.Context, t *engine.Task) (engine.Result, error) {
	r, ok := m.next(t.State)
	switch {
	case !ok:
		return engine.Result{}, fmt.Errorf("the mock configuration has no response for another call of state %s", t.State)
	case r.Throw != nil:
		return engine.Result{}, &engine.TaskError{Name: r.Throw.Error, Cause: r.Throw.Cause}
	}
	var lambda struct{ Payload json.RawMessage }
	if strings.Contains(t.Resource, ":lambda:") && json.Unmarshal(r.Return, &lambda) == nil && lambda.Payload != nil {
		h := engine.LambdaHandler{Invoke: func(context.Context, engine.LambdaCall) (engine.LambdaReply, error) {
			return engine.LambdaReply{Payload: python(lambda.Payload)}, nil
		}}
		return h.HandleTask(ctx, t)
	}
	return engine.Result{Output: r.Return}, nil
}

// next finds the response for the next call of a state.
func (m *mocks) next(state string) (mockResponse, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.calls[state]
	m.calls[state]++
	for key, r := range m.config.MockedResponses[m.states[state]] {
		first, last, _ := strings.Cut(key, "-")
		if last == "" {
			last = first
		}
		from, _ := strconv.Atoi(first)
		to, _ := strconv.Atoi(last)
		if from <= n && n <= to {
			return r, true
		}
	}
	return mockResponse{}, false
}
