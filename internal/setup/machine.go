package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// machines looks at the state machines that the rules name, and those asked for.
func (x *examination) machines(ctx context.Context) {
	all := append(slices.Clone(x.watched), x.Machines...)
	slices.Sort(all)
	for _, arn := range slices.Compact(all) {
		x.machine(ctx, arn)
	}
}

func (x *examination) machine(ctx context.Context, arn string) {
	name := resourceOf(arn)
	out, err := x.States.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &arn})
	switch {
	case absent(err):
		x.mend("machine", "there is no state machine "+arn, "aws stepfunctions list-state-machines --query stateMachines[].stateMachineArn")
		return
	case err != nil:
		x.cannot("machine", "states:DescribeStateMachine", arn, err)
		return
	}
	if out.Type == types.StateMachineTypeExpress {
		x.express(ctx, name, out)
	} else if !slices.Contains(x.watched, arn) {
		x.mend("machine", name+" is watched by no rule", "name it in the rule's pattern: state_machine_arns of the Terraform module, StateMachineArns of the SAM template")
	}
	x.functionsOf(name, aws.ToString(out.Definition))
	p, err := patternIn(aws.ToString(out.Definition))
	switch {
	case err != nil:
		x.add("machine", Unknown, fmt.Sprintf("the definition of %s cannot be read: %v", name, err))
	case len(p.calls) == 0:
		x.ok("machine", "%s is not instrumented: its failures come by the rule", name)
	case out.Type == types.StateMachineTypeExpress && slices.ContainsFunc(p.calls, func(c call) bool { return !c.sent }):
		x.mend("machine", name+" is an Express workflow and waits for the troubleshooter, which has no history of it to look at",
			sendAgain(x.settings.arn))
	default:
		x.instrumented(ctx, arn, aws.ToString(out.RoleArn), p)
	}
}

// added is what matters of the states that instrument added to a definition.
type added struct {
	calls  []call
	topics []string
	limit  time.Duration // the machine's own time-out; 0: none
	wait   time.Duration // that a failure waits for a decision; 0: it does not
}

// call is a state that asks the troubleshooter.
type call struct {
	function string
	sent     bool // it does not wait for an answer
	seconds  int  // how long it waits; 0: as long as it takes
}

type stateText struct {
	Type           string
	TimeoutSeconds int
	Parameters     arguments
	Arguments      arguments // in JSONata
	Branches       []struct{ States map[string]stateText }
}

type arguments struct{ FunctionName, InvocationType, TopicArn string }

// patternIn finds the added states in a definition.
func patternIn(definition string) (added, error) {
	var machine struct {
		TimeoutSeconds int
		States         map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(definition), &machine); err != nil {
		return added{}, err
	}
	p := added{limit: seconds(machine.TimeoutSeconds)}
	for _, name := range slices.Sorted(maps.Keys(machine.States)) {
		if !instrument.Added(name) {
			continue
		}
		var s stateText
		if err := json.Unmarshal(machine.States[name], &s); err != nil {
			return added{}, fmt.Errorf("state %q: %w", name, err)
		}
		if instrument.Waits(name) {
			p.wait, s.TimeoutSeconds = seconds(s.TimeoutSeconds), 0 // it is not the function that it waits for
		}
		p.take(s)
	}
	return p, nil
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// functionsOf records that the logs and settings of the functions which a workflow
// calls are to be read. Those that are only named at run time are not known.
func (x *examination) functionsOf(name, definition string) {
	var machine map[string]any
	if json.Unmarshal([]byte(definition), &machine) != nil {
		return
	}
	for _, f := range lambdas(machine, nil) {
		if f == x.name {
			continue
		}
		what := "read the logs and settings of the functions that " + name + " calls (name them in function_arns of the Terraform module, or FunctionArns of the SAM template)"
		x.need(what, "lambda:GetFunctionConfiguration", x.arn("lambda", "function:"+f))
		x.need(what, "logs:FilterLogEvents", x.arn("logs", "log-group:/aws/lambda/"+f+":*"))
	}
}

// lambdas returns the names of the functions in a definition, in order.
func lambdas(v any, names []string) []string {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			names = lambdas(item, names)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			text, ok := v[key].(string)
			switch {
			case !ok:
				names = lambdas(v[key], names)
			case key == "Resource" && strings.Contains(text, ":lambda:") && strings.Contains(text, ":function:"), key == "FunctionName" && functionNamed.MatchString(text):
				if f := functionName(text); !slices.Contains(names, f) {
					names = append(names, f)
				}
			}
		}
	}
	return names
}

// functionNamed is a function's name or ARN, and no placeholder or expression.
var functionNamed = lazyregexp.New(`^[a-zA-Z0-9:$_-]+$`)

func (p *added) take(s stateText) {
	for _, given := range []arguments{s.Parameters, s.Arguments} {
		if f := given.FunctionName; f != "" {
			p.calls = append(p.calls, call{function: f, sent: given.InvocationType == "Event", seconds: s.TimeoutSeconds})
		}
		if t := given.TopicArn; t != "" && !slices.Contains(p.topics, t) {
			p.topics = append(p.topics, t)
		}
	}
	for _, branch := range s.Branches {
		for _, name := range slices.Sorted(maps.Keys(branch.States)) {
			p.take(branch.States[name])
		}
	}
}

// instrumented looks whether a workflow that asks the troubleshooter itself can do so.
func (x *examination) instrumented(ctx context.Context, arn, role string, p added) {
	name := resourceOf(arn)
	mended := len(x.report.Checks)
	wait := 0
	for _, c := range p.calls {
		if functionName(c.function) != x.name {
			again := p.again(x.settings.arn, x.settings.environment[envTopic])
			if c.sent && len(p.topics) == 0 {
				again = sendAgain(x.settings.arn)
			}
			x.mend("machine", fmt.Sprintf("%s asks another function: %s", name, c.function), again)
			return
		}
		if !c.sent && c.seconds > 0 && (wait == 0 || c.seconds < wait) {
			wait = c.seconds
		}
	}
	if wait > 0 && x.settings.seconds >= wait {
		x.mend("machine", fmt.Sprintf("%s waits %d s for the function, which may run for %d s: a late diagnosis would be lost", name, wait, x.settings.seconds), x.setTimeout(max(wait-5, 1)))
	}
	x.cutShort(name, p)
	var needs []need
	needs = append(needs, need{what: "call the troubleshooter", action: "lambda:InvokeFunction", resource: x.settings.arn})
	for _, topic := range p.topics {
		if strings.HasPrefix(topic, "${") {
			x.mend("machine", fmt.Sprintf("%s publishes to %s, which was to be filled in", name, topic), p.again(x.settings.arn, x.settings.environment[envTopic]))
			continue
		}
		if want := x.settings.environment[envTopic]; topic != want {
			x.mend("machine", fmt.Sprintf("%s publishes to %s, the function to %s", name, topic, want), p.again(x.settings.arn, want))
		}
		needs = append(needs, need{what: "publish to the topic", action: "sns:Publish", resource: topic})
		if topic == x.settings.environment[envTopic] {
			needs = append(needs, x.useOfTopicKey()...)
		}
	}
	if mended == len(x.report.Checks) {
		x.ok("machine", "%s is instrumented", name)
	}
	x.permissions(ctx, "machine", name, role, needs)
	if p.wait > 0 {
		x.decider(ctx, name, arn, p.wait)
	}
}

// again is the command that adds the pattern once more; what waits is to wait as before.
func (p added) again(function, topic string) string {
	command := fmt.Sprintf("stepsleuth instrument DEFINITION --handler %s --topic %s", function, topic)
	if p.wait > 0 {
		command += " --approve --approve-timeout " + instrument.Lasting(p.wait)
	}
	return command
}

func sendAgain(function string) string {
	return "stepsleuth instrument DEFINITION --express --handler " + function
}

// functionName is the name in a name, an ARN or a part of one.
func functionName(f string) string {
	if _, rest, ok := strings.Cut(f, "function:"); ok {
		f = rest
	}
	name, _, _ := strings.Cut(f, ":")
	return name
}

// express looks whether the logs of an Express workflow reach the function.
func (x *examination) express(ctx context.Context, name string, out *sfn.DescribeStateMachineOutput) {
	group := ""
	if c := out.LoggingConfiguration; c != nil && (c.Level == types.LogLevelError || c.Level == types.LogLevelAll) && len(c.Destinations) > 0 && c.Destinations[0].CloudWatchLogsLogGroup != nil {
		group = groupName(aws.ToString(c.Destinations[0].CloudWatchLogsLogGroup.LogGroupArn))
	}
	if group == "" {
		x.mend("machine", name+" is an Express workflow, which sends no events, and does not log its failures",
			fmt.Sprintf(`aws stepfunctions update-state-machine --state-machine-arn %s --logging-configuration '{"level":"ERROR","includeExecutionData":true,"destinations":[{"cloudWatchLogsLogGroup":{"logGroupArn":"%s"}}]}'`,
				aws.ToString(out.StateMachineArn), x.arn("logs", "log-group:/aws/vendedlogs/states/"+name+":*")))
		return
	}
	filters, err := x.Logs.DescribeSubscriptionFilters(ctx, &cloudwatchlogs.DescribeSubscriptionFiltersInput{LogGroupName: &group})
	if err != nil {
		x.cannot("machine", "logs:DescribeSubscriptionFilters", x.arn("logs", "log-group:"+group+":*"), err)
		return
	}
	for _, f := range filters.SubscriptionFilters {
		if unqualified(aws.ToString(f.DestinationArn)) == x.settings.arn {
			x.ok("machine", "%s is an Express workflow, and its log reaches the function", name)
			return
		}
	}
	x.mend("machine", name+" is an Express workflow, which sends no events, and its log does not reach the function",
		fmt.Sprintf("name %s in express_log_group_names of the Terraform module, or as ExpressLogGroup of the SAM template", group))
}

// groupName is a log group's name, from its ARN.
func groupName(arn string) string {
	_, name, _ := strings.Cut(arn, ":log-group:")
	return strings.TrimSuffix(name, ":*")
}
