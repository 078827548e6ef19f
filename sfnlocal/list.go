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
	items := make([]listed, 0, len(all))
	for _, e := range all {
		if item := e.item(); fits(&item, in) {
			items = append(items, listed{e.seq, item})
		}
	}
	return listPage(items, "executions "+a.text, in)
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

type listed struct {
	seq  int64
	item types.ExecutionListItem
}

func (l listed) seqOf() int64 { return l.seq }

func (e *execution) item() types.ExecutionListItem {
	d := e.describe(types.IncludedDataMetadataOnly)
	return types.ExecutionListItem{
		ExecutionArn: d.ExecutionArn, Name: d.Name, StateMachineArn: d.StateMachineArn, Status: d.Status,
		StartDate: d.StartDate, StopDate: d.StopDate, RedriveCount: d.RedriveCount, RedriveDate: d.RedriveDate,
		StateMachineVersionArn: d.StateMachineVersionArn, StateMachineAliasArn: d.StateMachineAliasArn,
	}
}

func fits(item *types.ExecutionListItem, in *sfn.ListExecutionsInput) bool {
	redriven := item.RedriveCount != nil && *item.RedriveCount > 0
	switch {
	case in.StatusFilter != "" && item.Status != in.StatusFilter:
		return false
	case in.RedriveFilter == types.ExecutionRedriveFilterRedriven:
		return redriven
	case in.RedriveFilter == types.ExecutionRedriveFilterNotRedriven:
		return !redriven
	}
	return true
}

func listPage(items []listed, list string, in *sfn.ListExecutionsInput) (*sfn.ListExecutionsOutput, error) {
	list += " " + string(in.StatusFilter) + " " + string(in.RedriveFilter)
	items, next, err := page(items, listed.seqOf, pageRequest{list: list, max: in.MaxResults, token: in.NextToken, reverse: true})
	if err != nil {
		return nil, err
	}
	out := &sfn.ListExecutionsOutput{NextToken: next, Executions: make([]types.ExecutionListItem, len(items))}
	for i := range items {
		out.Executions[i] = items[i].item
	}
	return out, nil
}
