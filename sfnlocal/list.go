package sfnlocal

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// listExecutions lists a machine's executions, newest first, or those of a map run.
func (s *Server) listExecutions(_ context.Context, in *sfn.ListExecutionsInput) (*sfn.ListExecutionsOutput, error) {
	if (in.StateMachineArn == nil) == (in.MapRunArn == nil) {
		return nil, refuse("ValidationException", "Must specify either a state machine ARN or a map run ARN but not both")
	}
	if in.MapRunArn != nil {
		return s.listMapRunExecutions(in)
	}
	a, err := parseARN(*in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	all, err := s.executionsOf(a)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(e *execution) bool { return !fits(e.status(), e.redrives(), in) })
	executions, next, err := page(all, (*execution).seqOf, listRequest(a.text, in))
	if err != nil {
		return nil, err
	}
	out := &sfn.ListExecutionsOutput{NextToken: next, Executions: make([]types.ExecutionListItem, len(executions))}
	for i, e := range executions {
		out.Executions[i] = e.item()
	}
	return out, nil
}

func listRequest(of string, in *sfn.ListExecutionsInput) pageRequest {
	list := "executions " + of + " " + string(in.StatusFilter) + " " + string(in.RedriveFilter)
	return pageRequest{list: list, max: in.MaxResults, token: in.NextToken, reverse: true}
}

func fits(status types.ExecutionStatus, redrives int, in *sfn.ListExecutionsInput) bool {
	switch {
	case in.StatusFilter != "" && status != in.StatusFilter:
		return false
	case in.RedriveFilter == types.ExecutionRedriveFilterRedriven:
		return redrives > 0
	case in.RedriveFilter == types.ExecutionRedriveFilterNotRedriven:
		return redrives == 0
	}
	return true
}

// executionsOf returns the executions of a machine, version or alias.
func (s *Server) executionsOf(a arn) ([]*execution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, _, _, err := s.qualified(a)
	switch {
	case err != nil:
		return nil, err
	case m.kind == types.StateMachineTypeExpress:
		return nil, errType
	}
	all := slices.Clone(m.executions)
	if a.qualifier() == "" {
		return all, nil
	}
	return slices.DeleteFunc(all, func(e *execution) bool { return e.version != a.text && e.alias != a.text }), nil
}

func (e *execution) item() types.ExecutionListItem {
	d := e.describe(types.IncludedDataMetadataOnly)
	return types.ExecutionListItem{
		ExecutionArn: d.ExecutionArn, Name: d.Name, StateMachineArn: d.StateMachineArn, Status: d.Status,
		StartDate: d.StartDate, StopDate: d.StopDate, RedriveCount: d.RedriveCount, RedriveDate: d.RedriveDate,
		StateMachineVersionArn: d.StateMachineVersionArn, StateMachineAliasArn: d.StateMachineAliasArn,
	}
}
