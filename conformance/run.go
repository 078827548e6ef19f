package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

// Mode is where the answers of tasks come from.
type Mode string

// The modes. In both of them time is virtual, and the engine computes everything
// but what tasks answer.
const (
	Direct Mode = "direct" // functions behave as the case says they do
	Replay Mode = "replay" // tasks answer as recorded, whatever service they call
)

// Account and region of the recordings.
const (
	account = "111111111111"
	region  = "us-east-1"
)

// patience is how long a case may take, in real time.
const patience = time.Minute

// Run runs a case and returns the result in the shape that the recordings' README
// asks for; nil for kinds that have none. The error is for what cannot be run: what
// the engine cannot do, a case that cannot be read, a kind that is not known.
func Run(ctx context.Context, c *Case, mode Mode) (result []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // a case of a shape that nobody thought of
			result, err = nil, fmt.Errorf("the case cannot be run: %v", p)
		}
	}()
	if c.unread != nil {
		return nil, c.unread
	}
	return run(ctx, c, mode)
}

func run(ctx context.Context, c *Case, mode Mode) ([]byte, error) {
	switch c.Kind {
	case "execution":
		return runExecution(ctx, c, mode)
	case "mocked":
		return runMocked(ctx, c, mode)
	case "express-sync":
		return runSync(ctx, c, mode)
	case "express-async":
		return runAsync(ctx, c, mode)
	case "execution-table":
		return runTable(ctx, c)
	case "test-state":
		return runTestState(ctx, c)
	case "validation":
		return runValidation(c)
	case "api":
		return nil, nil
	}
	return nil, fmt.Errorf("cases of kind %q cannot be run", c.Kind)
}

// request makes the engine's request for a case.
func request(c *Case, definition, input []byte) (engine.Request, error) {
	m, err := asl.Parse("definition", definition)
	if err != nil {
		return engine.Request{}, err
	}
	name := c.StateMachineName
	if name == "" {
		name = "machine"
	}
	return engine.Request{
		Machine:         m,
		Input:           input,
		StateMachineARN: fmt.Sprintf("arn:aws:states:%s:%s:stateMachine:%s", region, account, name),
		RoleARN:         c.placeholder("snf_role_arn", c.placeholder("sfn_role_arn", "arn:aws:iam::"+account+":role/states")),
		Seed:            1,
		AsOf:            c.Time(),
	}, nil
}

// clock starts when the inputs that speak of "now" were filled in: as the recordings
// had it, "now" has come then, and "in 24,855 days" lies so many days ahead.
func clock() engine.Clock {
	return engine.VirtualClock(time.Date(2026, 11, 22, 9, 36, 30, 0, time.UTC))
}

func start(ctx context.Context, c *Case, mode Mode, req engine.Request) (*history.Execution, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	e := &engine.Engine{Clock: clock()}
	if mode == Replay && c.recorded() != nil {
		return replay(ctx, c, e, req)
	}
	tasks, err := c.tasks(req.Machine)
	if err != nil {
		return nil, err
	}
	e.Tasks = tasks
	return e.RunRequest(ctx, req)
}

// tasks is the handler that a case describes: its mocks, or its functions.
func (c *Case) tasks(m *asl.Machine) (engine.TaskHandler, error) {
	if c.MockConfig != nil {
		return newMocks(c, m)
	}
	return functions(c), nil
}

func runExecution(ctx context.Context, c *Case, mode Mode) ([]byte, error) {
	req, err := request(c, c.DefinitionText(), c.InputText())
	if err != nil {
		return nil, err
	}
	x, err := start(ctx, c, mode, req)
	if x == nil {
		return nil, err
	}
	return historyJSON(x), err
}

// watched is how long whoever recorded the cases may have watched an execution. Here
// time is virtual and the wait of a lifetime ends; what comes later nobody saw.
const watched = 24 * time.Hour

func historyJSON(x *history.Execution) []byte {
	out := []byte(`{"events":[`)
	for i, e := range x.Events() {
		if e.Time.Sub(x.Start) > watched {
			break
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = e.AppendJSON(out)
	}
	return append(out, `]}`...)
}

// runMocked runs a case whose tasks answer as a mock configuration says. On AWS it
// was recorded with the real services.
func runMocked(ctx context.Context, c *Case, mode Mode) ([]byte, error) {
	if c.StateMachineType == "EXPRESS" {
		return runSync(ctx, c, mode)
	}
	return runExecution(ctx, c, mode)
}

func runSync(ctx context.Context, c *Case, mode Mode) ([]byte, error) {
	req, err := request(c, c.DefinitionText(), c.InputText())
	if err != nil {
		return nil, err
	}
	req.Type, req.Sync = history.Express, true
	x, err := start(ctx, c, mode, req)
	if err != nil {
		return nil, err
	}
	out := outcome(x)
	out["executionArn"], out["stateMachineArn"], out["name"] = x.ARN, x.StateMachineARN, x.Name
	out["input"] = compact(req.Input)
	out["inputDetails"] = included
	out["outputDetails"] = included
	return json.Marshal(out)
}

var included = map[string]bool{"included": true}

func compact(text []byte) string {
	var b bytes.Buffer
	if len(text) == 0 {
		return "{}"
	}
	if json.Compact(&b, text) != nil {
		return string(text)
	}
	return b.String()
}

// outcome is how an execution ended.
func outcome(x *history.Execution) map[string]any {
	out := map[string]any{"status": string(x.Status)}
	if !x.Output.IsAbsent() {
		out["output"] = x.Output.String()
	}
	if x.Error != nil {
		out["error"] = *x.Error
	}
	if x.Cause != nil {
		out["cause"] = *x.Cause
	}
	return out
}

func runAsync(ctx context.Context, c *Case, mode Mode) ([]byte, error) {
	req, err := request(c, c.DefinitionText(), c.InputText())
	if err != nil {
		return nil, err
	}
	req.Type = history.Express
	x, err := start(ctx, c, mode, req)
	if err != nil {
		return nil, err
	}
	return json.Marshal(outcome(x))
}

func runTable(ctx context.Context, c *Case) ([]byte, error) {
	runs := make([]map[string]any, len(c.Runs))
	for i, r := range c.Runs {
		req, err := request(c, r.Definition, r.Input)
		if err != nil {
			return nil, fmt.Errorf("run %d: %w", i, err)
		}
		x, err := start(ctx, c, Direct, req)
		if err != nil {
			return nil, fmt.Errorf("run %d: %w", i, err)
		}
		runs[i] = outcome(x)
	}
	return json.Marshal(map[string]any{"runs": runs})
}
