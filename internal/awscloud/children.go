package awscloud

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
)

// How many executions inside an execution are looked at.
const (
	maxDepth    = 3 // executions in executions in executions
	maxMapItems = 3 // failed children of one Map run
	maxChildren = 8 // in all
)

// addChildren fetches the executions whose failure is the cause of a failure.
func (c *Cloud) addChildren(ctx context.Context, f *Fetched, ask Ask) {
	b := brood{c: c, f: f}
	b.of(ctx, f.Execution, f.Machine, ask.Left, maxDepth)
}

// brood are the children of an execution, and theirs.
type brood struct {
	c *Cloud
	f *Fetched
}

// of adds the children of one execution.
func (b *brood) of(ctx context.Context, x *history.Execution, m *asl.Machine, left string, depth int) {
	for _, failure := range suspects(diagnose.Locate(x, m), left) {
		var found []*history.Execution
		if failure.Nested != nil {
			found = append(found, b.nested(ctx, failure.Nested.ARN)...)
		}
		if run := b.mapRun(ctx, x, m, failure); run != "" {
			found = append(found, b.items(ctx, run)...)
		}
		for _, child := range found {
			b.f.Children = append(b.f.Children, child)
			if depth > 1 && len(b.f.Children) < maxChildren {
				b.of(ctx, child, nil, "", depth-1)
			}
		}
	}
}

// suspects are the failures that may have their cause in another execution. Where the
// execution still runs, that is the one of the state that was left.
func suspects(loc diagnose.Location, left string) []*diagnose.Failure {
	var all []*diagnose.Failure
	for _, f := range []*diagnose.Failure{loc.Failure, loc.Origin} {
		if f != nil {
			all = append(all, f)
		}
	}
	for i := range loc.Others {
		if f := &loc.Others[i]; left != "" && f.State == left {
			all = append(all, f)
		}
	}
	return all
}

func (b *brood) has(arn string) bool {
	return len(b.f.Children) >= maxChildren || slices.ContainsFunc(b.f.Children, func(x *history.Execution) bool { return x.ARN == arn })
}

// nested fetches a started execution.
func (b *brood) nested(ctx context.Context, text string) []*history.Execution {
	a, err := executionARN(text)
	if err != nil || b.has(text) {
		return nil
	}
	if a.kind() == kindExpress {
		inner, err := b.c.fetchExpress(ctx, a, Ask{ARN: text, Ended: true, Around: b.f.Execution.Stop})
		if err != nil {
			b.f.miss(renamed(err, theNested))
			return nil
		}
		return []*history.Execution{inner.Execution}
	}
	x, err := b.child(ctx, a)
	b.f.miss(renamed(err, theNested))
	if x == nil {
		return nil
	}
	return []*history.Execution{x}
}

// child fetches an execution without its definition: with its events if they can be
// had, and else with what is said of it. The problem may come with an execution.
func (b *brood) child(ctx context.Context, a arn) (*history.Execution, error) {
	described, problem := b.c.describe(ctx, a)
	if a.kind() == kindExpress { // a Map run's: described, but without a history
		if problem != nil {
			return nil, problem
		}
		return described, nil
	}
	x, err := b.c.events(ctx, a, Ask{ARN: a.String(), Ended: true}, described, nil)
	switch {
	case x != nil:
		return x, nil
	case described != nil:
		return described, err
	}
	return nil, err
}

// renamed says of a problem what it was for.
func renamed(err error, what string) error {
	if p, ok := err.(*Problem); ok && p != nil {
		other := *p
		other.What = what
		return &other
	}
	return err
}

// mapRun returns the Map run of a failed distributed Map, which a history that was cut
// short does not name.
func (b *brood) mapRun(ctx context.Context, x *history.Execution, m *asl.Machine, f *diagnose.Failure) string {
	if f.MapRunARN != "" || f.StateType != "Map" || m == nil {
		return f.MapRunARN
	}
	states := m.Lookup(f.State)
	if len(states) != 1 || states[0].Map == nil || !states[0].Map.Distributed {
		return ""
	}
	a, err := executionARN(x.ARN)
	if err != nil {
		return ""
	}
	out, err := b.c.States.ListMapRuns(ctx, &sfn.ListMapRunsInput{ExecutionArn: aws.String(x.ARN), MaxResults: 10}, a.inStates)
	if err != nil {
		b.f.miss(need{theMapItems, "states:ListMapRuns", a.anyExecution()}.explain(ctx, err))
		return ""
	}
	if len(out.MapRuns) != 1 {
		return "" // which one was this Map's is not told
	}
	run := aws.ToString(out.MapRuns[0].MapRunArn)
	if b.f.mapRuns == nil {
		b.f.mapRuns = map[string]string{}
	}
	b.f.mapRuns[f.State] = run
	return run
}

// items fetches the first failed children of a Map run.
func (b *brood) items(ctx context.Context, run string) []*history.Execution {
	const parts = 2 // mapRun:MACHINE/LABEL:ID
	a, ok := parseARN(run)
	if !ok || len(a.resource) < parts || slices.ContainsFunc(b.f.Children, func(x *history.Execution) bool { return x.MapRunARN == run }) {
		return nil
	}
	n := need{theMapItems, "states:ListExecutions", a.with("states", "mapRun", a.resource[1], "*").String()}
	var found []*history.Execution
	for _, status := range []types.ExecutionStatus{types.ExecutionStatusFailed, types.ExecutionStatusTimedOut} {
		out, err := b.c.States.ListExecutions(ctx, &sfn.ListExecutionsInput{
			MapRunArn: aws.String(run), StatusFilter: status, MaxResults: maxMapItems,
		}, a.inStates)
		if err != nil {
			b.f.miss(n.explain(ctx, err))
			return nil
		}
		for _, item := range out.Executions {
			if len(found) == maxMapItems {
				break
			}
			if x := b.item(ctx, item, run); x != nil {
				found = append(found, x)
			}
		}
	}
	return found
}

func (b *brood) item(ctx context.Context, item types.ExecutionListItem, run string) *history.Execution {
	a, err := executionARN(aws.ToString(item.ExecutionArn))
	if err != nil || b.has(a.String()) {
		return nil
	}
	x, err := b.child(ctx, a)
	b.f.miss(renamed(err, theMapItems))
	if x != nil {
		x.MapRunARN = run
	}
	return x
}
