package conformance

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/mockfile"
)

// mocks answers tasks as a mock configuration says. What it was recorded with were
// the real services, so that Lambda's answers are dressed as Lambda dresses them.
type mocks struct{ *mockfile.Case }

func newMocks(c *Case, m *asl.Machine) (engine.TaskHandler, error) {
	f, err := mockfile.Parse("mockConfig", c.MockConfig)
	if err != nil {
		return nil, err
	}
	k, err := f.Case(c.StateMachineName, c.TestCase, m)
	if err != nil {
		return nil, err
	}
	k.Else = functions(c)
	return mocks{k}, nil
}

func (m mocks) HandleTask(ctx context.Context, t *engine.Task) (engine.Result, error) {
	result, err := m.Case.HandleTask(ctx, t)
	if err != nil || !strings.Contains(t.Resource, ":states:::lambda:invoke") {
		return result, err
	}
	var lambda struct{ Payload json.RawMessage }
	if json.Unmarshal(result.Output, &lambda) != nil || lambda.Payload == nil {
		return result, nil
	}
	h := engine.LambdaHandler{Invoke: func(context.Context, engine.LambdaCall) (engine.LambdaReply, error) {
		return engine.LambdaReply{Payload: python(lambda.Payload)}, nil
	}}
	return h.HandleTask(ctx, t)
}
