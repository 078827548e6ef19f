package awscloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// Collectors returns what collects evidence on the Lambda function that failed: its
// configuration, and what it logged. They share what they ask, so they are for one
// diagnosis; take new ones for the next.
func (c *Cloud) Collectors() []diagnose.Collector {
	if c.Functions == nil && c.Logs == nil {
		return nil
	}
	s := &settings{c: c, known: map[string]func() (*lambda.GetFunctionConfigurationOutput, error){}}
	return []diagnose.Collector{configuration{s}, invocation{s}}
}

// settings are the configurations of functions, each asked for once.
type settings struct {
	c     *Cloud
	mu    sync.Mutex
	known map[string]func() (*lambda.GetFunctionConfigurationOutput, error)
}

var errNoFunctions = errors.New("not looked at")

func (s *settings) of(ctx context.Context, fn function) (*lambda.GetFunctionConfigurationOutput, error) {
	s.mu.Lock()
	ask, ok := s.known[fn.arn.String()]
	if !ok {
		ask = sync.OnceValues(func() (*lambda.GetFunctionConfigurationOutput, error) { return s.ask(ctx, fn) })
		s.known[fn.arn.String()] = ask
	}
	s.mu.Unlock()
	return ask()
}

func (s *settings) ask(ctx context.Context, fn function) (*lambda.GetFunctionConfigurationOutput, error) {
	if s.c.Functions == nil {
		return nil, errNoFunctions
	}
	in := &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(fn.arn.String())}
	if fn.qualifier != "" {
		in.Qualifier = aws.String(fn.qualifier)
	}
	out, err := s.c.Functions.GetFunctionConfiguration(ctx, in, fn.arn.inLambda)
	if err != nil {
		return nil, need{"the configuration of the function " + fn.name, "lambda:GetFunctionConfiguration", fn.resource()}.explain(ctx, err)
	}
	return out, nil
}

// function is a Lambda function that a task called.
type function struct {
	arn       arn // without qualifier
	name      string
	qualifier string
}

// resource is what a policy names: a version or an alias is a resource of its own.
func (f function) resource() string {
	if f.qualifier == "" {
		return f.arn.String()
	}
	return f.arn.String() + ":" + f.qualifier
}

// functionOf returns the function that the failing task called.
func functionOf(c *diagnose.Case, f *diagnose.Failure) (function, bool) {
	if f == nil || c.Execution == nil {
		return function{}, false
	}
	base, ok := parseARN(c.Execution.ARN)
	if !ok {
		return function{}, false
	}
	given := f.Resource
	if a, ok := parseARN(given); !ok || a.service != "lambda" {
		if given = givenName(f.Parameters); !callsLambda(f.Resource) || given == "" {
			return function{}, false
		}
	}
	return parseFunction(base, given)
}

// callsLambda: the optimised integration, and that of the SDK.
func callsLambda(resource string) bool {
	return strings.Contains(resource, ":::lambda:invoke") || strings.Contains(strings.ToLower(resource), ":::aws-sdk:lambda:invoke")
}

func givenName(p history.Payload) string {
	var parameters struct{ FunctionName string }
	if json.Unmarshal([]byte(p.String()), &parameters) != nil {
		return ""
	}
	return parameters.FunctionName
}

var functionName = lazyregexp.New(`^[A-Za-z0-9_-]{1,140}$`)

// parseFunction understands what the API takes for a function: a name, a partial ARN
// ACCOUNT:function:NAME or a whole one, each with or without a version or an alias.
func parseFunction(base arn, given string) (function, bool) {
	a, whole := parseARN(given)
	if !whole {
		a = base
		parts := strings.Split(given, ":")
		if i := slices.Index(parts, "function"); i > 0 {
			a.account, parts = parts[i-1], parts[i+1:]
		}
		a = a.with("lambda", append([]string{"function"}, parts...)...)
	}
	if len(a.resource) < 2 || a.kind() != "function" || !functionName.MatchString(a.resource[1]) {
		return function{}, false
	}
	fn := function{name: a.resource[1]}
	if len(a.resource) > 2 && a.resource[2] != "$LATEST" {
		fn.qualifier = a.resource[2]
	}
	fn.arn = a.with("lambda", "function", fn.name)
	return fn, true
}

// innermost is the failure to look at: that in the execution that failed within, or the
// subject itself.
func innermost(c *diagnose.Case) *diagnose.Failure {
	f := c.Subject()
	for range maxDepth {
		if f == nil || f.Within == nil {
			break
		}
		f = f.Within
	}
	return f
}

// configuration collects how the function is configured.
type configuration struct{ *settings }

func (s configuration) Collect(ctx context.Context, c *diagnose.Case) ([]diagnose.Evidence, error) {
	fn, ok := functionOf(c, innermost(c))
	if !ok || s.c.Functions == nil {
		return nil, nil
	}
	out, err := s.of(ctx, fn)
	if err != nil {
		return nil, err
	}
	return []diagnose.Evidence{{Source: diagnose.FromConfig, Text: describe(out)}}, nil
}

// describe lists what may have to do with a failure. Of the environment it gives the
// names alone.
func describe(out *lambda.GetFunctionConfigurationOutput) string {
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, text)
		}
	}
	line("function", aws.ToString(out.FunctionArn))
	line("runtime", string(out.Runtime))
	line("handler", aws.ToString(out.Handler))
	line("package type", string(out.PackageType))
	line("architectures", join(out.Architectures))
	line("timeout", strconv.Itoa(int(aws.ToInt32(out.Timeout)))+" s")
	line("memory", strconv.Itoa(int(aws.ToInt32(out.MemorySize)))+" MB")
	if out.EphemeralStorage != nil {
		line("ephemeral storage", strconv.Itoa(int(aws.ToInt32(out.EphemeralStorage.Size)))+" MB")
	}
	line("version", aws.ToString(out.Version))
	line("last modified", aws.ToString(out.LastModified))
	line("state", joined(string(out.State), string(out.StateReasonCode), aws.ToString(out.StateReason)))
	line("last update", joined(string(out.LastUpdateStatus), string(out.LastUpdateStatusReasonCode), aws.ToString(out.LastUpdateStatusReason)))
	line("role", aws.ToString(out.Role))
	if v := out.VpcConfig; v != nil && aws.ToString(v.VpcId) != "" {
		line("vpc", joined(aws.ToString(v.VpcId), "subnets "+strings.Join(v.SubnetIds, " "), "security groups "+strings.Join(v.SecurityGroupIds, " ")))
	}
	for _, l := range out.Layers {
		line("layer", aws.ToString(l.Arn))
	}
	if e := out.Environment; e != nil {
		line("environment variables (names)", strings.Join(slices.Sorted(maps.Keys(e.Variables)), " "))
		if e.Error != nil {
			line("environment error", joined(aws.ToString(e.Error.ErrorCode), aws.ToString(e.Error.Message)))
		}
	}
	line("log group", logGroup(out, ""))
	return strings.TrimSuffix(b.String(), "\n")
}

func join[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, t := range all {
		texts[i] = string(t)
	}
	return strings.Join(texts, " ")
}

func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), ", ")
}

// logGroup is the one that is configured, else the usual one of that name.
func logGroup(out *lambda.GetFunctionConfigurationOutput, name string) string {
	if out != nil && out.LoggingConfig != nil && aws.ToString(out.LoggingConfig.LogGroup) != "" {
		return *out.LoggingConfig.LogGroup
	}
	if name == "" && out != nil {
		name = aws.ToString(out.FunctionName)
	}
	return "/aws/lambda/" + name
}

// invocation collects what the function logged when it failed.
type invocation struct{ *settings }

// How much of a function's log is evidence.
const (
	maxLogLines = 40
	maxLogLine  = 1 << 10
	maxLogText  = 8 << 10
)

func (s invocation) Collect(ctx context.Context, c *diagnose.Case) ([]diagnose.Evidence, error) {
	failure := innermost(c)
	fn, ok := functionOf(c, failure)
	if !ok || s.c.Logs == nil {
		return nil, nil
	}
	out, err := s.of(ctx, fn)
	group := logGroup(out, fn.name) // where the configuration is not to be had, the usual one
	var p *Problem
	if errors.As(err, &p) && (p.Kind == NotFound || p.Kind == Late) {
		return nil, nil // the configuration's collector says so
	}
	q := query{a: fn.arn, group: group, what: "the log of the function " + fn.name, latest: true}
	q.from, q.to = period(c, failure)
	id := requestID(failure)
	how := "by request id " + id
	var lines []types.FilteredLogEvent
	if id != "" {
		lines, err = s.byRequest(ctx, q, id)
	} else {
		how = byTime
		q.limit = maxLines / 4
		lines, err = s.c.filter(ctx, q)
	}
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s: nothing in %s between %s and %s (%s)", q.what, group, clock(q.from), clock(q.to), strings.TrimSuffix(how, amongOthers))
	}
	last := lines[len(lines)-1]
	return []diagnose.Evidence{{
		Source: diagnose.FromLog, At: time.UnixMilli(aws.ToInt64(last.Timestamp)).UTC(),
		Text: fmt.Sprintf("log group %s, %s\n%s", group, how, tail(lines)),
	}}, nil
}

// How the log's lines were found, where no request id leads to them.
const (
	byTime      = "by time" + amongOthers
	amongOthers = ", so that lines of other invocations may be among them"
)

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// byRequest returns the lines of one invocation: those that name it tell stream and
// time, and between them stand those that do not.
func (s invocation) byRequest(ctx context.Context, q query, id string) ([]types.FilteredLogEvent, error) {
	named := q
	named.pattern = quotedTerm(id)
	lines, err := s.c.filter(ctx, named)
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	stream := aws.ToString(lines[0].LogStreamName)
	if stream == "" {
		return lines, nil
	}
	q.streams = []string{stream}
	q.from, q.to = time.UnixMilli(aws.ToInt64(lines[0].Timestamp)), time.UnixMilli(aws.ToInt64(lines[len(lines)-1].Timestamp))
	all, err := s.c.filter(ctx, q)
	if err != nil || len(all) == 0 {
		return lines, nil
	}
	return between(all, id), nil
}

// between cuts off what neighbours logged in the same millisecond.
func between(lines []types.FilteredLogEvent, id string) []types.FilteredLogEvent {
	names := func(l types.FilteredLogEvent) bool { return strings.Contains(aws.ToString(l.Message), id) }
	first := slices.IndexFunc(lines, names)
	if first < 0 {
		return lines
	}
	last := len(lines) - 1
	for !names(lines[last]) {
		last--
	}
	return lines[first : last+1]
}

// tail is the end of a log as text.
func tail(lines []types.FilteredLogEvent) string {
	var kept []string
	size := 0
	for i := len(lines) - 1; i >= 0 && len(kept) < maxLogLines; i-- {
		text := strings.TrimRight(aws.ToString(lines[i].Message), "\r\n")
		if len(text) > maxLogLine {
			text = strings.ToValidUTF8(text[:maxLogLine], "") + " …"
		}
		if size += len(text); size > maxLogText {
			break
		}
		kept = append(kept, text)
	}
	slices.Reverse(kept)
	if omitted := len(lines) - len(kept); omitted > 0 {
		kept = append([]string{fmt.Sprintf("(%d earlier lines)", omitted)}, kept...)
	}
	return strings.Join(kept, "\n")
}

var requestIDForm = lazyregexp.New(`(?i)request_?id\\*"?\s*:\s*\\*"?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})`)

// requestID is the one that the cause names: those of Python do, and Lambda's own.
func requestID(f *diagnose.Failure) string {
	if f.Cause == nil {
		return ""
	}
	if found := requestIDForm.FindStringSubmatch(*f.Cause); found != nil {
		return found[1]
	}
	return ""
}

// A function runs 15 minutes at most; clocks differ, and a line may come a moment after
// its invocation has failed.
const (
	longestRun = 15 * time.Minute
	slack      = 2 * time.Second
)

// period is from the task's last start to its failure.
func period(c *diagnose.Case, f *diagnose.Failure) (from, to time.Time) {
	to = f.At
	events := c.Execution.Events()
	at := func(id int64) *history.Event {
		i, ok := slices.BinarySearchFunc(events, id, func(e history.Event, id int64) int { return int(e.ID - id) })
		if !ok {
			return nil
		}
		return &events[i]
	}
	const steps = 5 // TaskScheduled, TaskStarted, TaskFailed
	if f == c.Subject() {
		id := f.FailedEvent
		for range steps {
			e := at(id)
			if e == nil || e.Type.IsEntered() {
				break
			}
			if from, id = e.Time, e.PreviousID; e.Type == history.TaskScheduled || e.Type == history.LambdaFunctionScheduled {
				break
			}
		}
		if e := at(f.FailedEvent); e != nil {
			to = e.Time
		}
	}
	if to.IsZero() {
		to = c.Execution.Stop
	}
	if from.IsZero() || to.Sub(from) > longestRun || !from.Before(to) {
		from = to.Add(-time.Minute)
	}
	return from.Add(-slack), to.Add(slack)
}
