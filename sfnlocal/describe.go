package sfnlocal

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
)

// Execution returns a Standard execution as it is now, with its events so far, and the
// machine that it runs. It may be called from Tasks. The error is for an ARN that names none.
func (s *Server) Execution(arn string) (*history.Execution, *asl.Machine, error) {
	s.ready()
	e, err := s.find(arn)
	if err != nil {
		return nil, nil, err
	}
	if x, ended := e.end(); ended {
		return x, e.rev.parsed, nil
	}
	running := e.latest()
	info := running.Execution()
	x := &history.Execution{
		ARN: info.ARN, Name: info.Name, StateMachineARN: info.StateMachineARN, Type: info.Type,
		Status: history.Running, Start: info.Start, Input: info.Input, RedriveCount: info.RedriveCount,
	}
	x.SetEvents(running.History())
	return x, e.rev.parsed, nil
}

// find finds a Standard execution by its ARN.
func (s *Server) find(text string) (*execution, error) {
	a, err := parseARN(text, kindExecution)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.executions[a.text]; e != nil {
		return e, nil
	}
	return nil, noExecution(text)
}

func noExecution(text string) error {
	return refuse("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", text)
}

func (s *Server) describeExecution(_ context.Context, in *sfn.DescribeExecutionInput) (*sfn.DescribeExecutionOutput, error) {
	e, err := s.find(*in.ExecutionArn)
	if err != nil {
		if child := s.findChild(*in.ExecutionArn); child != nil {
			return child.describe(in.IncludedData), nil
		}
		return nil, err
	}
	return e.describe(in.IncludedData), nil
}

func (e *execution) describe(asked types.IncludedData) *sfn.DescribeExecutionOutput {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := &sfn.DescribeExecutionOutput{
		ExecutionArn: &e.arn, Name: &e.name, StateMachineArn: &e.machine.arn, StartDate: &e.started,
		StateMachineVersionArn: optional(e.version), StateMachineAliasArn: optional(e.alias), TraceHeader: e.trace,
		Status: types.ExecutionStatusRunning,
	}
	out.Input, out.InputDetails = data(e.input, true, asked)
	count := int32(e.running.Execution().RedriveCount)
	out.RedriveCount, out.RedriveDate = &count, moment(e.redriven)
	if e.over {
		x := e.final
		out.Status, out.StopDate = types.ExecutionStatus(x.Status), &x.Stop
		out.Error, out.Cause = x.Error, x.Cause
		out.Output, out.OutputDetails = data(x.Output.String(), !x.Output.IsAbsent(), asked)
	}
	out.RedriveStatus, out.RedriveStatusReason = redrivable(out.Status)
	return out
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func redrivable(status types.ExecutionStatus) (types.ExecutionRedriveStatus, *string) {
	switch status {
	case types.ExecutionStatusRunning, types.ExecutionStatusSucceeded:
		reason := "Execution is " + string(status) + " and cannot be redriven"
		return types.ExecutionRedriveStatusNotRedrivable, &reason
	}
	return types.ExecutionRedriveStatusRedrivable, nil
}

func (s *Server) describeStateMachineForExecution(_ context.Context, in *sfn.DescribeStateMachineForExecutionInput) (*sfn.DescribeStateMachineForExecutionOutput, error) {
	e, err := s.find(*in.ExecutionArn)
	out := &sfn.DescribeStateMachineForExecutionOutput{}
	if err != nil {
		child := s.findChild(*in.ExecutionArn)
		if child == nil {
			return nil, err
		}
		e = child.parent
		out.MapRunArn, out.Label = &child.run.arn, optional(child.run.label())
	}
	m, rev := e.machine, e.rev
	out.StateMachineArn, out.Name, out.Definition, out.RoleArn = &m.arn, &m.name, &rev.text, &rev.role
	out.UpdateDate, out.RevisionId = &rev.updated, optional(rev.id)
	out.LoggingConfiguration, out.TracingConfiguration, out.EncryptionConfiguration = rev.logging, rev.tracing, rev.encryption
	if len(rev.references) > 0 {
		out.VariableReferences = rev.references
	}
	if in.IncludedData == types.IncludedDataMetadataOnly {
		out.Definition, out.VariableReferences = new(string), nil
	}
	return out, nil
}

func (s *Server) stopExecution(_ context.Context, in *sfn.StopExecutionInput) (*sfn.StopExecutionOutput, error) {
	e, err := s.find(*in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	e.abort(in.Error, in.Cause)
	return &sfn.StopExecutionOutput{StopDate: &e.latest().Execution().Stop}, nil
}

// redriveExecution goes on with an execution that did not succeed. It keeps its
// ARN, its definition and its history.
func (s *Server) redriveExecution(_ context.Context, in *sfn.RedriveExecutionInput) (*sfn.RedriveExecutionOutput, error) {
	e, err := s.find(*in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ended := e.end()
	if status, reason := redrivable(e.status()); !ended || status == types.ExecutionRedriveStatusNotRedrivable {
		return nil, refuse("ExecutionNotRedrivable", "%s", *reason)
	}
	if err := s.launch(e, x); err != nil {
		return nil, err
	}
	return &sfn.RedriveExecutionOutput{RedriveDate: e.describe("").RedriveDate}, nil
}
