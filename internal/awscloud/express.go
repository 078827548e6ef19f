package awscloud

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/history"
)

// An Express workflow has no API for its executions. What happened is in a log group,
// if it logs at all, and its definition is today's: which revision ran nobody tells,
// unless it was started as a published version.

// expressMinutes is how long an Express execution can take.
const expressMinutes = 5

// fetchExpress makes an execution of its log events.
func (c *Cloud) fetchExpress(ctx context.Context, a arn, ask Ask) (*Fetched, error) {
	f := &Fetched{}
	machine, problem := c.express(ctx, a.machine().String())
	if problem != nil {
		f.miss(renamed(problem, theDefinition))
	}
	group := ask.LogGroup
	if group == "" && machine != nil {
		var err error
		if group, err = machine.logGroup(); err != nil && len(ask.Events) == 0 {
			if !ask.Told {
				return nil, err
			}
			f.miss(err)
		}
	}
	events := ask.Events
	if more, err := c.logged(ctx, a, group, ask); err == nil {
		events = append(slices.Clone(events), more...)
	} else if len(events) == 0 && !(ask.Told && machine != nil) {
		if problem != nil && group == "" {
			return nil, problem
		}
		return nil, err
	} else if group != "" {
		f.miss(err)
	}
	f.Execution = expressExecution(a, events)
	if machine != nil {
		c.addExpressDefinition(ctx, f, machine)
	}
	c.addChildren(ctx, f, ask)
	return f, nil
}

// expressMachine is an Express state machine as it is today.
type expressMachine struct {
	*sfn.DescribeStateMachineOutput
}

func (c *Cloud) express(ctx context.Context, text string) (*expressMachine, *Problem) {
	a, err := machineARN(text)
	if err != nil {
		return nil, err.(*Problem)
	}
	out, err := c.States.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(text)}, a.inStates)
	if err != nil {
		return nil, need{"the state machine", "states:DescribeStateMachine", a.unqualified().String()}.explain(ctx, err)
	}
	return &expressMachine{out}, nil
}

// logGroup returns the name of the log group, in which there may be nothing for all
// that.
func (m *expressMachine) logGroup() (string, error) {
	p := &Problem{Kind: Unsupported, What: theEvents, Reason: "this Express workflow logs nothing, and nothing else remembers its executions",
		Mend: "set its loggingConfiguration to level ALL with includeExecutionData, for the next time"}
	l := m.LoggingConfiguration
	if l == nil || l.Level == sfntypes.LogLevelOff {
		return "", p
	}
	for _, d := range l.Destinations {
		if g := d.CloudWatchLogsLogGroup; g != nil {
			if a, ok := parseARN(aws.ToString(g.LogGroupArn)); ok && len(a.resource) > 1 && a.kind() == "log-group" {
				return a.resource[1], nil
			}
		}
	}
	return "", p
}

// addExpressDefinition adds the definition of the version that ran, or today's.
func (c *Cloud) addExpressDefinition(ctx context.Context, f *Fetched, machine *expressMachine) {
	exact := false
	if events := f.Execution.Events(); len(events) > 0 && events[0].Details != nil && events[0].Details.VersionARN != "" {
		version, problem := c.express(ctx, events[0].Details.VersionARN)
		if exact = problem == nil; exact {
			machine = version
		}
	}
	m, err := parse(aws.ToString(machine.Name), aws.ToString(machine.Definition))
	f.Machine = m
	f.miss(err)
	if m != nil && !exact {
		f.Missing = append(f.Missing, "the definition that ran: AWS does not keep it for Express executions, and the one shown is today's; it may have changed since")
	}
	if l := machine.LoggingConfiguration; l != nil && l.Level != sfntypes.LogLevelOff && (l.Level != sfntypes.LogLevelAll || !l.IncludeExecutionData) {
		f.Missing = append(f.Missing, fmt.Sprintf("what the workflow does not log: level %s, execution data %s; set level ALL and includeExecutionData",
			l.Level, map[bool]string{true: "included", false: "left out"}[l.IncludeExecutionData]))
	}
}

// expressExecution puts log events in order.
func expressExecution(a arn, events []history.Event) *history.Execution {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b history.Event) int { return cmp.Compare(a.ID, b.ID) })
	events = slices.CompactFunc(events, func(a, b history.Event) bool { return a.ID == b.ID })
	var text strings.Builder
	for i := range events {
		text.Write(events[i].AppendJSON(nil))
		text.WriteByte('\n')
	}
	x, err := history.Parse([]byte(text.String())) // derives what the events tell
	if err != nil {
		x = &history.Execution{Incomplete: true}
		x.SetEvents(events)
	}
	x.ARN, x.Type, x.Name, x.StateMachineARN = a.String(), history.Express, a.resource[2], a.machine().String()
	return x
}

// lookBack is how far back an execution is looked for whose time is not known.
var lookBack = []time.Duration{time.Hour, 24 * time.Hour, 14 * 24 * time.Hour}

// logged returns the events of an execution in a log group.
func (c *Cloud) logged(ctx context.Context, a arn, group string, ask Ask) ([]history.Event, error) {
	if group == "" || c.Logs == nil {
		return nil, &Problem{Kind: Unsupported, What: theEvents, Reason: "it is not known where this Express workflow logs"}
	}
	q := query{a: a, group: group, pattern: fmt.Sprintf(`{ $.execution_arn = "%s" }`, a), what: theEvents}
	if !ask.Around.IsZero() {
		q.from, q.to = ask.Around.Add(-2*expressMinutes*time.Minute), ask.Around.Add(2*expressMinutes*time.Minute)
		return c.eventsOf(ctx, q)
	}
	q.to = c.now().Add(time.Minute)
	for _, back := range lookBack {
		q.from = c.now().Add(-back)
		events, err := c.eventsOf(ctx, q)
		if len(events) > 0 || err != nil {
			return events, err
		}
		q.to = q.from
	}
	return nil, &Problem{Kind: NotFound, What: theEvents, Reason: fmt.Sprintf("the log group %s has none of %s in the last 14 days", group, a),
		Mend: "see that the ARN is whole, and how long the log group keeps its events"}
}

func (c *Cloud) eventsOf(ctx context.Context, q query) ([]history.Event, error) {
	lines, err := c.filter(ctx, q)
	if err != nil {
		return nil, err
	}
	var events []history.Event
	for _, l := range lines {
		_, e, err := ReadLogEvent(aws.ToString(l.Message))
		if err == nil {
			events = append(events, e)
		}
	}
	return events, nil
}

// ReadLogEvent reads a line of a state machine's log group: the execution that it is
// of, and the event.
func ReadLogEvent(line string) (executionARN string, e history.Event, err error) {
	x, err := history.Parse([]byte(line))
	if err != nil {
		return "", e, err
	}
	if len(x.Events()) != 1 || x.ARN == "" {
		return "", e, fmt.Errorf("not an event of an execution: %s", sentence(line))
	}
	return x.ARN, x.Events()[0], nil
}

// query is a question to CloudWatch Logs.
type query struct {
	a        arn // of what lies in the same region and account
	group    string
	streams  []string
	pattern  string
	from, to time.Time
	latest   bool // the latest first
	limit    int  // lines; 0: maxLines
	what     string
}

// How much of a log is read.
const (
	maxLines    = 2000
	maxLogPages = 20 // pages may be empty and have a further one all the same
)

// newestFirstSince is from when on CloudWatch Logs can begin with the latest.
var newestFirstSince = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// filter returns the log events that match, in the order of their time.
func (c *Cloud) filter(ctx context.Context, q query) ([]types.FilteredLogEvent, error) {
	in := &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String(q.group), LogStreamNames: q.streams,
		StartTime: aws.Int64(q.from.UnixMilli()), EndTime: aws.Int64(q.to.UnixMilli()),
	}
	if q.pattern != "" {
		in.FilterPattern = aws.String(q.pattern)
	}
	if q.latest && !q.from.Before(newestFirstSince) {
		in.StartFromHead = aws.Bool(false)
	}
	limit := orElse(q.limit, maxLines)
	var all []types.FilteredLogEvent
	for range maxLogPages {
		out, err := c.Logs.FilterLogEvents(ctx, in, q.a.inLogs)
		if err != nil {
			return nil, need{q.what, "logs:FilterLogEvents", q.a.with("logs", "log-group", q.group, "*").String()}.explain(ctx, err)
		}
		all = append(all, out.Events...)
		if in.NextToken = out.NextToken; in.NextToken == nil || len(all) >= limit {
			break
		}
	}
	all = all[:min(len(all), limit)]
	if in.StartFromHead != nil {
		slices.Reverse(all) // those of one millisecond too
	}
	slices.SortStableFunc(all, func(a, b types.FilteredLogEvent) int {
		return cmp.Compare(aws.ToInt64(a.Timestamp), aws.ToInt64(b.Timestamp))
	})
	return all, nil
}

// quotedTerm is a filter pattern that matches a text wherever it stands.
func quotedTerm(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}
