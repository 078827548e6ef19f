package conformance

import (
	"context"
	"encoding/json"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

// recorded is the history that AWS wrote, nil where the case has none.
func (c *Case) recorded() json.RawMessage { return c.Expected["get_execution_history"] }

func replay(ctx context.Context, c *Case, e *engine.Engine, req engine.Request) (*history.Execution, error) {
	e.Tasks = functions(c)
	return e.RunRequest(ctx, req)
}
