package sfnlocal

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
)

// loneState is what TestState calls a state that was given without a name.
const loneState = "StateName"

// stateOutput is TestState's answer, its inspection data as the engine orders it.
type stateOutput struct {
	Status         types.TestExecutionStatus
	Output         *string
	Error, Cause   *string
	NextState      *string
	InspectionData map[string]any
}

func (s *Server) testState(ctx context.Context, in *sfn.TestStateInput) (*stateOutput, error) {
	test, err := stateTest(in)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	test.Seed = s.rand.Uint64()
	s.mu.Unlock()
	r, err := s.engine.TestState(ctx, test)
	if unsupported := (*engine.UnsupportedError)(nil); errors.As(err, &unsupported) {
		return nil, refuse("ValidationException", "%s", err)
	}
	if err != nil {
		return nil, err
	}
	out := &stateOutput{Status: types.TestExecutionStatus(r.Status), Error: r.Error, Cause: r.Cause, NextState: optional(r.NextState), Output: optional(string(r.Output))}
	if in.InspectionLevel == types.InspectionLevelDebug || in.InspectionLevel == types.InspectionLevelTrace {
		out.InspectionData = inspectionData(r.Inspection)
	}
	return out, nil
}

func stateTest(in *sfn.TestStateInput) (engine.StateTest, error) {
	test := engine.StateTest{
		RoleARN: str(in.RoleArn), RevealSecrets: in.RevealSecrets,
		Input: bytesOf(in.Input), Context: bytesOf(in.Context), Mock: mock(in.Mock), Config: stateConfig(in.StateConfiguration),
	}
	if in.Input != nil && !valid(*in.Input) {
		return test, refuse("InvalidExecutionInput", "Invalid State Machine Execution Input: 'Invalid execution input.'")
	}
	if in.Variables != nil {
		var variables map[string]json.RawMessage
		if err := unmarshal(*in.Variables, &variables); err != nil {
			return test, refuse("ValidationException", "Variables must be a JSON object")
		}
		test.Variables = make(map[string][]byte, len(variables))
		for name, text := range variables {
			test.Variables[name] = text
		}
	}
	return test, define(&test, []byte(*in.Definition), str(in.StateName))
}

// define takes the state from the definition: a whole machine's, where it is named.
func define(test *engine.StateTest, definition []byte, name string) (err error) {
	found := asl.DiagnoseState
	if name != "" {
		found = func(text []byte) []asl.Diagnostic { return asl.Diagnose(text, asl.Standard) }
	}
	if refusal := asl.Refusal(found(definition)); refusal != "" {
		return &apiError{"InvalidDefinition", refusal}
	}
	if test.State = name; name != "" {
		test.Machine, err = asl.Parse("definition", definition)
		return err
	}
	test.State = loneState
	state, err := asl.ParseState(loneState, definition)
	if err != nil {
		return err
	}
	test.Machine = state.Machine
	return nil
}

func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

func mock(in *types.MockInput) *engine.Mock {
	if in == nil {
		return nil
	}
	m := &engine.Mock{Result: bytesOf(in.Result), Mode: string(in.FieldValidationMode)}
	if e := in.ErrorOutput; e != nil {
		m.Error = &engine.MockError{Name: e.Error, Cause: e.Cause}
	}
	return m
}

func stateConfig(in *types.TestStateConfiguration) engine.StateConfig {
	if in == nil {
		return engine.StateConfig{}
	}
	c := engine.StateConfig{FailedState: str(in.ErrorCausedByState), MapReaderData: bytesOf(in.MapItemReaderData)}
	if in.RetrierRetryCount != nil {
		c.RetryCount = int(*in.RetrierRetryCount)
	}
	if in.MapIterationFailureCount != nil {
		c.MapFailures = int(*in.MapIterationFailureCount)
	}
	return c
}

// inspectionData has payloads as JSON text, as the API does; settings stay numbers.
func inspectionData(text []byte) map[string]any {
	var stages map[string]json.RawMessage
	if unmarshal(string(text), &stages) != nil {
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
