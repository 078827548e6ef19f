package awscloud

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/awsjson"
)

// How much of a history is read. What failed is at its end, so the first page is small;
// the next ones are as large as those before let expect that they can be held.
const (
	firstPage = 100
	leastPage = 50
	mostPage  = 1000
	maxPages  = 500 // 25,000 events are the most that AWS records
	maxBytes  = 24 << 20
)

// events returns the execution with its newest events, as many as resolve its failure:
// nil where there is not even one page.
func (c *Cloud) events(ctx context.Context, a arn, ask Ask, described *history.Execution, m *asl.Machine) (*history.Execution, error) {
	r := &reading{c: c, a: a, ask: ask, described: described, machine: m}
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	checkAt := 1
	for r.token != nil && len(r.pages) < maxPages && r.left() > 0 {
		if len(r.pages) >= checkAt { // each look reads all pages again: 1, 2, 4, 8 …
			if r.resolved() {
				break
			}
			checkAt *= 2
		}
		if err := r.page(ctx, r.further()); err != nil {
			break // what is there is of use, and its beginning is named as missing
		}
	}
	return r.execution()
}

// reading is a history while it is fetched, newest page first.
type reading struct {
	c         *Cloud
	a         arn
	ask       Ask
	described *history.Execution // nil: that was denied
	machine   *asl.Machine
	pages     [][]byte
	bytes     int // and events in them
	count     int
	token     *string
	newest    history.Event
	enough    bool
}

// begin reads the newest page, again until it is as new as what is known already or
// the patience for a history that lags behind is used up.
func (r *reading) begin(ctx context.Context) error {
	wait := orElse(r.c.Poll, 150*time.Millisecond)
	for left := orElse(r.c.Lag, 3*time.Second); ; wait *= 2 {
		r.pages, r.bytes, r.count, r.token = nil, 0, 0, nil
		err := r.page(ctx, firstPage)
		var p *Problem
		absent := errors.As(err, &p) && p.Kind == NotFound && r.expectsEnd()
		if err != nil && !absent {
			return err
		}
		wait = min(wait, left)
		if err == nil && r.fresh() || left <= 0 || !sleep(ctx, wait) {
			return err
		}
		left -= wait
	}
}

// left is how many bytes may still be read.
func (r *reading) left() int { return orElse(r.c.Bytes, maxBytes) - r.bytes }

// further is how many events to ask for next.
func (r *reading) further() int32 {
	each := max(r.bytes/max(r.count, 1), 1)
	return int32(min(max(r.left()/each, leastPage), mostPage))
}

func (r *reading) expectsEnd() bool {
	return r.ask.Ended || r.described != nil && !r.described.Stop.IsZero()
}

// fresh reports whether the newest page has what is known to have happened.
func (r *reading) fresh() bool {
	if r.ask.Left != "" {
		x, err := r.execution()
		return err == nil && left(x.Events(), r.ask.Left) >= 0
	}
	return !r.expectsEnd() || r.newest.Type.Status() != ""
}

// page reads one more page.
func (r *reading) page(ctx context.Context, size int32) error {
	out, err := r.c.States.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{
		ExecutionArn: aws.String(r.a.String()), IncludeExecutionData: aws.Bool(true), MaxResults: size, ReverseOrder: true, NextToken: r.token,
	}, r.a.inStates)
	if err != nil {
		return need{theEvents, "states:GetExecutionHistory", r.a.anyExecution()}.explain(ctx, err)
	}
	r.token, out.NextToken = out.NextToken, nil
	if len(r.pages) == 0 && len(out.Events) > 0 {
		r.newest = history.Event{ID: out.Events[0].Id, Type: history.EventType(out.Events[0].Type)}
	}
	text := awsjson.Append(nil, out, awsjson.Text)
	r.pages, r.bytes, r.count = append(r.pages, text), r.bytes+len(text), r.count+len(out.Events)
	return nil
}

// execution is what the pages say so far.
func (r *reading) execution() (*history.Execution, error) {
	var text []byte
	for _, page := range r.pages {
		text = append(append(text, page...), '\n')
	}
	x, err := history.Parse(text)
	if err != nil {
		return nil, &Problem{Kind: Faulty, What: theEvents, Reason: sentence(err.Error()), Err: err}
	}
	r.describe(x)
	events := x.Events()
	// What was not fetched as it is not needed is not missing, and neither is what has
	// not happened yet.
	if r.enough || len(events) > 0 && events[0].ID == 1 && consecutive(events) && (events[len(events)-1].Type.Status() != "" || x.Status == history.Running) {
		x.Incomplete = false
	}
	return x, nil
}

// describe adds what DescribeExecution says. Where the events say that it ended since,
// they are right.
func (r *reading) describe(x *history.Execution) {
	x.ARN, x.Type = r.a.String(), history.Standard
	x.Name, x.StateMachineARN = r.a.resource[2], r.a.machine().String()
	d := r.described
	if d == nil {
		return
	}
	x.MapRunARN, x.Start, x.RedriveCount = d.MapRunARN, d.Start, max(x.RedriveCount, d.RedriveCount)
	x.Name, x.StateMachineARN = orElse(d.Name, x.Name), orElse(d.StateMachineARN, x.StateMachineARN)
	if x.Input.IsAbsent() {
		x.Input = d.Input
	}
	if x.Status == "" || d.Status != history.Running {
		x.Status, x.Stop = d.Status, d.Stop
	}
	if x.Error == nil && x.Cause == nil {
		x.Error, x.Cause = d.Error, d.Cause
	}
	if x.Output.IsAbsent() {
		x.Output = d.Output
	}
}

func consecutive(events []history.Event) bool {
	return events[len(events)-1].ID-events[0].ID == int64(len(events)-1)
}

// resolved reports whether earlier events could add nothing: the failure and the one
// that it began with are known from the state's entering on.
func (r *reading) resolved() bool {
	x, err := r.execution()
	if err != nil {
		return false
	}
	if r.ask.Left != "" {
		r.enough = r.leftResolved(x.Events())
		return r.enough
	}
	if r.ask.As != nil {
		x = r.ask.As(x)
	}
	loc := diagnose.Locate(x, r.machine)
	f := loc.Failure
	switch {
	case f == nil, !entered(x.Events(), f), f.Aborted && f.State == "":
		return false
	case loc.Origin != nil:
		r.enough = entered(x.Events(), loc.Origin)
	default: // a Fail, or an error in the input, come from a failure that may be further back
		input := f.Input.String()
		r.enough = f.StateType != "Fail" && !strings.Contains(input, `"Cause"`) && !strings.Contains(input, `"Error"`)
	}
	return r.enough
}

// entered reports whether the entering of the state and of those around it is among
// the events.
func entered(events []history.Event, f *diagnose.Failure) bool {
	if f.State == "" || f.EnteredEvent == 0 || f.Rebuilt {
		return false
	}
	for _, name := range f.Path {
		if !strings.HasPrefix(name, "[") && !hasEntered(events, name) {
			return false
		}
	}
	return true
}

func hasEntered(events []history.Event, name string) bool {
	return slices.ContainsFunc(events, func(e history.Event) bool {
		return e.Type.IsEntered() && e.Details != nil && e.Details.Name == name
	})
}

// leftResolved is resolved for a state that was left by its catcher.
func (r *reading) leftResolved(events []history.Event) bool {
	exit := left(events, r.ask.Left)
	if exit < 0 || !hasEntered(events[:exit], r.ask.Left) || r.machine == nil {
		return false
	}
	for _, s := range r.machine.Lookup(r.ask.Left) {
		for _, name := range s.Path() {
			if !hasEntered(events[:exit], name) {
				return false
			}
		}
	}
	return true
}

// left returns where a state was left last, -1 for nowhere.
func left(events []history.Event, name string) int {
	for i := len(events) - 1; i >= 0; i-- {
		if e := &events[i]; e.Type.IsExited() && e.Details != nil && e.Details.Name == name {
			return i
		}
	}
	return -1
}

// denied reports whether AWS answered that the caller may not.
func denied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codesDenied, api.ErrorCode())
}
