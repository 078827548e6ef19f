package awscloud

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/diagnose"
)

// Failed is one execution that did not succeed.
type Failed struct {
	ARN  string
	Stop time.Time
}

// didNotSucceed are the statuses of such executions.
var didNotSucceed = []types.ExecutionStatus{types.ExecutionStatusFailed, types.ExecutionStatusTimedOut, types.ExecutionStatusAborted}

// LastFailed returns the execution of a state machine that failed last. A *Problem of
// kind NotFound says that none has, as far as AWS remembers.
func (c *Cloud) LastFailed(ctx context.Context, machine string) (Failed, error) {
	list, err := c.FailedSince(ctx, machine, time.Time{}, 1)
	if err == nil && len(list) == 0 {
		err = &Problem{Kind: NotFound, What: "failed executions", Reason: "AWS remembers none of " + machine,
			Mend: "it forgets executions 90 days after their end"}
	}
	if err != nil {
		return Failed{}, err
	}
	return list[0], nil
}

// FailedSince lists the executions of a state machine that failed since, newest first,
// limit at most.
func (c *Cloud) FailedSince(ctx context.Context, machine string, since time.Time, limit int) ([]Failed, error) {
	a, err := machineARN(machine)
	if err != nil {
		return nil, err
	}
	var all []Failed
	for _, status := range didNotSucceed {
		some, err := c.list(ctx, a, status, since, limit)
		var p *Problem
		if p, _ = err.(*Problem); p != nil && p.Kind == Unsupported {
			return c.expressFailed(ctx, a, since, limit)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return newest(all, limit), nil
}

// newest sorts by the end; of ends in one millisecond AWS's own order, newest start
// first, decides.
func newest(all []Failed, limit int) []Failed {
	slices.SortStableFunc(all, func(a, b Failed) int { return b.Stop.Compare(a.Stop) })
	return all[:min(len(all), limit)]
}

// list pages through the executions of one status, which come newest start first: one
// that ended since may have begun long before, so a page is read beyond the last hit.
func (c *Cloud) list(ctx context.Context, a arn, status types.ExecutionStatus, since time.Time, limit int) ([]Failed, error) {
	in := &sfn.ListExecutionsInput{StateMachineArn: aws.String(a.String()), StatusFilter: status, MaxResults: int32(min(max(limit, 1), 1000))}
	var found []Failed
	for {
		out, err := c.States.ListExecutions(ctx, in, a.inStates)
		if err != nil {
			return nil, need{"failed executions", "states:ListExecutions", a.unqualified().String()}.explain(ctx, err)
		}
		hit := false
		for _, x := range out.Executions {
			stop := aws.ToTime(x.StopDate)
			if stop.Before(since) {
				continue
			}
			hit = true
			found = append(found, Failed{aws.ToString(x.ExecutionArn), stop})
		}
		if in.NextToken = out.NextToken; in.NextToken == nil || !hit || len(found) >= limit {
			return found, nil
		}
	}
}

// expressFailed finds the failures of an Express workflow in its log group.
func (c *Cloud) expressFailed(ctx context.Context, a arn, since time.Time, limit int) ([]Failed, error) {
	machine, problem := c.express(ctx, a.String())
	if problem != nil {
		return nil, problem
	}
	group, err := machine.logGroup()
	if err != nil {
		return nil, renamed(err, "failed executions")
	}
	if c.Logs == nil {
		return nil, nil
	}
	if since.IsZero() {
		since = c.now().Add(-lookBack[len(lookBack)-1])
	}
	lines, err := c.filter(ctx, query{
		a: a, group: group, what: "failed executions", from: since, to: c.now().Add(time.Minute), latest: true,
		pattern: `{ ($.type = "ExecutionFailed") || ($.type = "ExecutionTimedOut") || ($.type = "ExecutionAborted") }`,
	})
	if err != nil {
		return nil, err
	}
	var found []Failed
	for _, l := range lines {
		execution, e, err := ReadLogEvent(aws.ToString(l.Message))
		of, errARN := executionARN(execution)
		if err != nil || errARN != nil || of.machine().String() != a.unqualified().String() {
			continue
		}
		found = append(found, Failed{execution, e.Time})
	}
	return newest(found, limit), nil
}

// Group is what failures have in common that happened for the same reason.
type Group struct {
	Fingerprint string
	Count       int
	First, Last time.Time
	Case        *diagnose.Case // of the last one
	Executions  []string       // ARNs, newest first
}

// fetchers at once; AWS throttles GetExecutionHistory at 20 a second.
const fetchers = 4

// Triage fetches failed executions, makes cases of them, and puts equal ones together,
// the most frequent group first. What could not be fetched is told in the error, which
// may come with groups of the others.
func (c *Cloud) Triage(ctx context.Context, list []Failed, of func(*Fetched) *diagnose.Case) ([]Group, error) {
	cases := make([]*diagnose.Case, len(list))
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	free := make(chan struct{}, fetchers)
	for i, x := range list {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			f, err := c.Fetch(ctx, Ask{ARN: x.ARN, Ended: true, Around: x.Stop})
			if err != nil {
				errs[i] = err
				return
			}
			cases[i] = of(f)
		})
	}
	wg.Wait()
	var groups []Group
	for i, kase := range cases {
		if kase != nil {
			groups = add(groups, list[i], kase)
		}
	}
	slices.SortStableFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.Last.Compare(a.Last))
	})
	return groups, several(errs)
}

// add puts a failure, older than those before it, into its group.
func add(groups []Group, x Failed, kase *diagnose.Case) []Group {
	fingerprint := diagnose.Fingerprint(kase)
	i := slices.IndexFunc(groups, func(g Group) bool { return g.Fingerprint == fingerprint })
	if i < 0 {
		return append(groups, Group{fingerprint, 1, x.Stop, x.Stop, kase, []string{x.ARN}})
	}
	g := &groups[i]
	g.Count++
	g.First = x.Stop
	g.Executions = append(g.Executions, x.ARN)
	return groups
}

// several is the first of some errors, and how many there are.
func several(errs []error) error {
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return fmt.Errorf("%d executions could not be fetched; the first: %w", len(errs), errs[0])
}
