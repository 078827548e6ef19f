package conformance

import (
	"encoding/json"

	"github.com/stepsleuth/stepsleuth/asl"
)

// validationRequest is a call of ValidateStateMachineDefinition or CreateStateMachine.
type validationRequest struct {
	Operation  string
	Type       string
	Severity   string
	MaxResults *int
}

// diagnostic is one line of ValidateStateMachineDefinition's answer.
type diagnostic struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
}

func runValidation(c *Case) ([]byte, error) {
	var r validationRequest
	if err := json.Unmarshal(c.Request, &r); err != nil {
		return nil, err
	}
	found := asl.Diagnose(c.DefinitionText(), asl.WorkflowType(r.Type))
	if r.Operation == "create_state_machine" {
		message := asl.Refusal(found)
		if message == "" {
			return json.Marshal(map[string]any{})
		}
		return refusedWith("InvalidDefinition", message), nil
	}
	list := []diagnostic{}
	result := "OK"
	for _, d := range found {
		if d.Severity == "ERROR" {
			result = "FAIL"
		} else if r.Severity == "ERROR" {
			continue
		}
		list = append(list, diagnostic(d))
	}
	truncated := false
	if most := r.MaxResults; most != nil && *most > 0 && len(list) > *most {
		list, truncated = list[:*most], true
	}
	return json.Marshal(map[string]any{"result": result, "diagnostics": list, "truncated": truncated})
}
