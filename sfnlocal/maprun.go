package sfnlocal

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
)

// mapRun is one run of a distributed Map, put together from what the execution's
// history and its children say at the moment.
type mapRun struct {
	arn      string
	parent   *execution
	seq      int64 // the event that began it
	start    time.Time
	stop     time.Time // zero while it runs
	status   types.MapRunStatus
	state    *asl.State
	children []*child
}

// child is an execution of a map run.
type child struct {
	parent *execution
	run    *mapRun
	info   *history.Execution
	index  int64
	ended  bool // only then may more than the names be read
}

func (r *mapRun) seqOf() int64 { return r.seq }

// label is the Map's Label, or what stands in its place.
func (r *mapRun) label() string {
	_, label, _ := strings.Cut(r.arn, "/")
	label, _, _ = strings.Cut(label, ":")
	return label
}

var mapRunEnds = map[history.EventType]types.MapRunStatus{
	history.MapRunSucceeded: types.MapRunStatusSucceeded,
	history.MapRunFailed:    types.MapRunStatusFailed,
	history.MapRunAborted:   types.MapRunStatusAborted,
}

// mapRuns finds the map runs of an execution. The events are read before the
// children: where a run's end is among them, its children have ended too.
func (e *execution) mapRuns() []*mapRun {
	e.mu.Lock()
	running, over, earlier := e.running, e.over, e.earlier
	e.mu.Unlock()
	events := running.History()
	byARN := make(map[string]*mapRun)
	byEvent := make(map[int64]*mapRun)
	var runs []*mapRun
	for i := range events {
		ev := &events[i]
		switch status, ends := mapRunEnds[ev.Type]; {
		case ev.Type == history.MapRunStarted && ev.Details != nil:
			r := &mapRun{arn: ev.Details.MapRunARN, parent: e, seq: ev.ID, start: ev.Time, status: types.MapRunStatusRunning}
			r.state = e.rev.mapAround(events, ev)
			byARN[r.arn], byEvent[ev.ID] = r, r
			runs = append(runs, r)
		case ends && byEvent[ev.PreviousID] != nil:
			r := byEvent[ev.PreviousID]
			r.status, r.stop = status, ev.Time
		}
	}
	if over {
		endWith(runs, events)
	}
	for _, info := range append(earlier[:len(earlier):len(earlier)], running.MapRuns()...) {
		if r := byARN[info.MapRunARN]; r != nil {
			ended := over || r.status != types.MapRunStatusRunning
			r.children = append(r.children, &child{parent: e, run: r, info: info, index: int64(len(r.children)), ended: ended})
		}
	}
	return runs
}

// endWith ends the runs that ended without an event of their own, with their execution.
func endWith(runs []*mapRun, events []history.Event) {
	for _, r := range runs {
		if r.status == types.MapRunStatusRunning {
			r.status, r.stop = types.MapRunStatusAborted, events[len(events)-1].Time
		}
	}
}

// mapAround finds the Map whose run an event began: the last one entered before it.
func (r *revision) mapAround(events []history.Event, began *history.Event) *asl.State {
	for id := began.PreviousID; id > 0 && id <= int64(len(events)); id = events[id-1].PreviousID {
		ev := &events[id-1]
		if ev.Type != history.MapStateEntered {
			continue
		}
		var found *asl.State
		r.parsed.Walk(func(_ []string, s *asl.State) {
			if s.Name == ev.Details.Name {
				found = s
			}
		})
		return found
	}
	return nil
}

// executionsNamed returns the executions of the machine that an ARN's NAME or
// NAME/LABEL is of.
func (s *Server) executionsNamed(a arn) []*execution {
	name, _, _ := strings.Cut(a.rest[0], "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[s.arn(kindMachine, name)]
	if m == nil {
		return nil
	}
	return append([]*execution(nil), m.executions...)
}

// findChild finds an execution that a map run started, or returns nil.
func (s *Server) findChild(text string) *child {
	a, err := parseARN(text, kindExecution, kindExpress)
	if err != nil || a.label() == "" {
		return nil
	}
	for _, e := range s.executionsNamed(a) {
		for _, r := range e.mapRuns() {
			for _, c := range r.children {
				if c.info.ARN == text {
					return c
				}
			}
		}
	}
	return nil
}

func (s *Server) findMapRun(text string) (*mapRun, error) {
	a, err := parseARN(text, kindMapRun)
	if err != nil {
		return nil, err
	}
	for _, e := range s.executionsNamed(a) {
		for _, r := range e.mapRuns() {
			if r.arn == text {
				return r, nil
			}
		}
	}
	return nil, refuse("ResourceNotFound", "Resource not found: '%s'", text)
}

func (s *Server) listMapRuns(_ context.Context, in *sfn.ListMapRunsInput) (*sfn.ListMapRunsOutput, error) {
	e, err := s.find(*in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	runs, next, err := page(e.mapRuns(), (*mapRun).seqOf, pageRequest{list: "map runs " + e.arn, max: in.MaxResults, token: in.NextToken, reverse: true})
	if err != nil {
		return nil, err
	}
	out := &sfn.ListMapRunsOutput{NextToken: next, MapRuns: make([]types.MapRunListItem, len(runs))}
	for i, r := range runs {
		out.MapRuns[i] = types.MapRunListItem{
			ExecutionArn: &e.arn, MapRunArn: &r.arn, StateMachineArn: &e.machine.arn, StartDate: &r.start, StopDate: moment(r.stop),
		}
	}
	return out, nil
}

func (s *Server) describeMapRun(_ context.Context, in *sfn.DescribeMapRunInput) (*sfn.DescribeMapRunOutput, error) {
	r, err := s.findMapRun(*in.MapRunArn)
	if err != nil {
		return nil, err
	}
	executions, items := r.counts()
	none := int32(0)
	out := &sfn.DescribeMapRunOutput{
		MapRunArn: &r.arn, ExecutionArn: &r.parent.arn, Status: r.status, StartDate: &r.start, StopDate: moment(r.stop),
		ExecutionCounts: &executions, ItemCounts: &items, RedriveCount: &none,
	}
	if r.state != nil && r.state.Map != nil {
		m := r.state.Map
		out.MaxConcurrency = int32(literal(m.MaxConcurrency))
		out.ToleratedFailureCount = int64(literal(m.ToleratedFailureCount))
		out.ToleratedFailurePercentage = float32(literal(m.ToleratedFailurePercentage))
	}
	return out, nil
}

// literal is a number that the definition has written down, else 0.
func literal(a *asl.Amount) float64 {
	if a == nil || a.Number == nil {
		return 0
	}
	return *a.Number
}

// counts counts the executions of a run, and their items. Of a run that has not
// ended all that is known is how many have been started.
func (r *mapRun) counts() (executions types.MapRunExecutionCounts, items types.MapRunItemCounts) {
	for _, c := range r.children {
		executions.Total++
		n := c.items()
		items.Total += n
		if !c.ended {
			executions.Running++
			items.Running += n
			continue
		}
		switch c.info.Status {
		case history.Succeeded:
			executions.Succeeded++
			items.Succeeded += n
		case history.Failed:
			executions.Failed++
			items.Failed += n
		case history.TimedOut:
			executions.TimedOut++
			items.TimedOut += n
		default:
			executions.Aborted++
			items.Aborted += n
		}
	}
	if r.status == types.MapRunStatusSucceeded && r.state != nil && r.state.Map != nil && r.state.Map.Writer != nil {
		executions.ResultsWritten, items.ResultsWritten = executions.Succeeded, items.Succeeded
	}
	return executions, items
}

// items is how many items the execution was given: one, or a batch.
func (c *child) items() int64 {
	if c.run.state == nil || c.run.state.Map == nil || c.run.state.Map.Batcher == nil {
		return 1
	}
	var batch struct{ Items []json.RawMessage }
	if unmarshal(c.info.Input.String(), &batch) != nil {
		return 1
	}
	return int64(len(batch.Items))
}

// updateMapRun is refused: the engine takes a run's settings once, when it begins.
func (s *Server) updateMapRun(_ context.Context, in *sfn.UpdateMapRunInput) (*sfn.UpdateMapRunOutput, error) {
	r, err := s.findMapRun(*in.MapRunArn)
	if err != nil {
		return nil, err
	}
	if r.status != types.MapRunStatusRunning {
		return nil, refuse("ValidationException", "The map run has ended and cannot be updated: '%s'", r.arn)
	}
	return nil, refuse("ValidationException", "stepsleuth cannot change the settings of a map run that runs: '%s'", r.arn)
}

// listMapRunExecutions lists the executions of a map run, newest first.
func (s *Server) listMapRunExecutions(in *sfn.ListExecutionsInput) (*sfn.ListExecutionsOutput, error) {
	r, err := s.findMapRun(*in.MapRunArn)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(slices.Clone(r.children), func(c *child) bool { return !fits(c.status(), 0, in) })
	children, next, err := page(all, (*child).seqOf, listRequest(r.arn, in))
	if err != nil {
		return nil, err
	}
	out := &sfn.ListExecutionsOutput{NextToken: next, Executions: make([]types.ExecutionListItem, len(children))}
	for i, c := range children {
		d := c.describe(types.IncludedDataMetadataOnly)
		count := int32(c.items())
		out.Executions[i] = types.ExecutionListItem{
			ExecutionArn: d.ExecutionArn, Name: d.Name, StateMachineArn: d.StateMachineArn, MapRunArn: &r.arn, ItemCount: &count,
			Status: d.Status, StartDate: d.StartDate, StopDate: d.StopDate, RedriveCount: d.RedriveCount,
		}
	}
	return out, nil
}

func (c *child) seqOf() int64 { return c.index }

func (c *child) status() types.ExecutionStatus {
	if c.ended {
		return types.ExecutionStatus(c.info.Status)
	}
	return types.ExecutionStatusRunning
}

// describe is DescribeExecution of a map run's execution.
func (c *child) describe(asked types.IncludedData) *sfn.DescribeExecutionOutput {
	x, none := c.info, int32(0)
	out := &sfn.DescribeExecutionOutput{
		ExecutionArn: &x.ARN, Name: &x.Name, StateMachineArn: &x.StateMachineARN, MapRunArn: &c.run.arn,
		StartDate: &x.Start, Status: c.status(), RedriveCount: &none,
	}
	out.Input, out.InputDetails = data(x.Input.String(), true, asked)
	if c.ended {
		out.StopDate, out.Error, out.Cause = moment(x.Stop), x.Error, x.Cause
		out.Output, out.OutputDetails = data(x.Output.String(), !x.Output.IsAbsent(), asked)
	}
	out.RedriveStatus, out.RedriveStatusReason = redrivable(out.Status)
	return out
}
