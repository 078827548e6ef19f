package conformance

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
)

// testRequest is a TestState request, as the cases hold it.
type testRequest struct {
	StateName       string
	RoleArn         string
	Input           *string
	Context         *string
	Variables       *string
	InspectionLevel string
	RevealSecrets   bool
	Mock            *struct {
		Result              *string
		ErrorOutput         *struct{ Error, Cause *string }
		FieldValidationMode string
	}
	StateConfiguration struct {
		RetrierRetryCount        int
		MapIterationFailureCount int
		ErrorCausedByState       string
		MapItemReaderData        *string
	}
}

// TestState calls a state that stands alone StateName.
const loneState = "StateName"

func runTestState(ctx context.Context, c *Case) ([]byte, error) {
	var r testRequest
	if err := json.Unmarshal(c.Request, &r); err != nil {
		return nil, err
	}
	if message := definitionRefusal(c, r.StateName); message != "" {
		return refusedWith("InvalidDefinition", message), nil
	}
	test, err := stateTest(c, &r)
	if err != nil {
		return nil, err
	}
	e := &engine.Engine{Tasks: functions(c), Clock: clock()}
	result, err := e.TestState(ctx, test)
	if err != nil {
		return refused(err)
	}
	return json.Marshal(testResponse(result, r.InspectionLevel))
}

// definitionRefusal is what AWS says to a definition that it does not take, or "".
func definitionRefusal(c *Case, state string) string {
	if state == "" {
		return asl.Refusal(asl.DiagnoseState(c.DefinitionText()))
	}
	return asl.Refusal(asl.Diagnose(c.DefinitionText(), asl.Standard))
}

func stateTest(c *Case, r *testRequest) (engine.StateTest, error) {
	test := engine.StateTest{
		State: r.StateName, RoleARN: r.RoleArn, RevealSecrets: r.RevealSecrets, Seed: 1,
		Input: bytesOf(r.Input), Context: bytesOf(r.Context),
		Config: engine.StateConfig{
			RetryCount:    r.StateConfiguration.RetrierRetryCount,
			MapFailures:   r.StateConfiguration.MapIterationFailureCount,
			FailedState:   r.StateConfiguration.ErrorCausedByState,
			MapReaderData: bytesOf(r.StateConfiguration.MapItemReaderData),
		},
	}
	if r.Mock != nil {
		test.Mock = &engine.Mock{Result: bytesOf(r.Mock.Result), Mode: r.Mock.FieldValidationMode}
		if e := r.Mock.ErrorOutput; e != nil {
			test.Mock.Error = &engine.MockError{Name: e.Error, Cause: e.Cause}
		}
	}
	if r.Variables != nil {
		var vars map[string]json.RawMessage
		if err := json.Unmarshal([]byte(*r.Variables), &vars); err != nil {
			return test, err
		}
		test.Variables = make(map[string][]byte, len(vars))
		for name, text := range vars {
			test.Variables[name] = text
		}
	}
	var err error
	if r.StateName != "" {
		test.Machine, err = asl.Parse("definition", c.DefinitionText())
		return test, err
	}
	test.State = loneState
	state, err := asl.ParseState(loneState, c.DefinitionText())
	if err == nil {
		test.Machine = state.Machine
	}
	return test, err
}

func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

func testResponse(r *engine.StateResult, level string) map[string]any {
	out := map[string]any{"status": r.Status}
	if r.Output != nil {
		out["output"] = string(r.Output)
	}
	if r.Error != nil {
		out["error"] = *r.Error
	}
	if r.Cause != nil {
		out["cause"] = *r.Cause
	}
	if r.NextState != "" {
		out["nextState"] = r.NextState
	}
	if level == "DEBUG" || level == "TRACE" {
		out["inspectionData"] = inspectionData(r.Inspection)
	}
	return out
}

// inspectionData writes payloads as JSON text, as the API does; settings stay numbers.
func inspectionData(text []byte) map[string]any {
	var stages map[string]json.RawMessage
	if json.Unmarshal(text, &stages) != nil {
		return nil
	}
	out := make(map[string]any, len(stages))
	for name, v := range stages {
		switch name {
		case "maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage", "errorDetails":
			out[name] = v
		default:
			out[name] = string(v)
		}
	}
	return out
}

// refused is the result of a call that AWS refuses.
func refused(err error) ([]byte, error) {
	var api *engine.APIError
	if errors.As(err, &api) {
		return refusedWith(api.Code, api.Message), nil
	}
	return nil, err
}

func refusedWith(code, message string) []byte {
	return must(json.Marshal(map[string]any{"error": map[string]string{"Code": code, "Message": message}}))
}
