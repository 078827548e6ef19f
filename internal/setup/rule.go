package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// badEnds are the statuses that a rule should name.
var badEnds = []string{"ABORTED", "FAILED", "TIMED_OUT"}

// eventPattern is what matters of a rule's pattern.
type eventPattern struct {
	Source []any `json:"source"`
	Detail struct {
		Status          []any `json:"status"`
		StateMachineARN []any `json:"stateMachineArn"`
	} `json:"detail"`
}

func (p eventPattern) forExecutions() bool { return slices.Contains(p.Source, any("aws.states")) }

// rules looks at the way beside the workflow: a rule for failed executions, switched on,
// with the function as its target, that may call it.
func (x *examination) rules(ctx context.Context) {
	names, err := x.ruleNames(ctx)
	if err != nil {
		x.cannot("rule", "events:ListRuleNamesByTarget", "*", err)
		return
	}
	permissions, denied := x.callers(ctx)
	watches, digest := false, false
	for _, name := range names {
		rule, err := x.Rules.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name})
		if err != nil {
			x.cannot("rule", "events:DescribeRule", x.arn("events", "rule/"+name), err)
			continue
		}
		label := "rule"
		if aws.ToString(rule.ScheduleExpression) != "" {
			label, digest = "digest", true
		} else {
			var p eventPattern
			if json.Unmarshal([]byte(aws.ToString(rule.EventPattern)), &p) != nil || !p.forExecutions() {
				continue
			}
			watches = true
			x.pattern(name, p)
		}
		x.enabled(label, name, rule)
		if denied == nil {
			x.mayCall(label, name, aws.ToString(rule.Arn), permissions)
		}
		x.target(ctx, label, name)
	}
	if denied != nil && len(names) > 0 {
		x.cannot("rule", "lambda:GetPolicy", x.settings.arn, denied)
	}
	if !watches {
		x.mend("rule", "no rule of EventBridge calls the function when an execution fails; only instrumented workflows do, and no Catch sees States.Runtime or a machine's own time-out",
			fmt.Sprintf(`aws events put-rule --name %s-failures --event-pattern '{"source":["aws.states"],"detail-type":["Step Functions Execution Status Change"],"detail":{"status":["FAILED","TIMED_OUT","ABORTED"],"stateMachineArn":["STATE-MACHINE-ARN"]}}'`, x.name),
			fmt.Sprintf("aws events put-targets --rule %s-failures --targets Id=troubleshooter,Arn=%s", x.name, x.settings.arn),
			x.addPermission("failures", "events.amazonaws.com", x.arn("events", "rule/"+x.name+"-failures")))
	}
	if !digest {
		x.ok("digest", "no schedule: repeats are told of when the next failure comes")
	}
}

func (x *examination) ruleNames(ctx context.Context) ([]string, error) {
	var names []string
	for token := (*string)(nil); ; {
		out, err := x.Rules.ListRuleNamesByTarget(ctx, &eventbridge.ListRuleNamesByTargetInput{TargetArn: &x.settings.arn, NextToken: token})
		if err != nil {
			return nil, err
		}
		names = append(names, out.RuleNames...)
		if token = out.NextToken; token == nil {
			return names, nil
		}
	}
}

// pattern records which machines are watched.
func (x *examination) pattern(name string, p eventPattern) {
	for _, arn := range p.Detail.StateMachineARN {
		if s, ok := arn.(string); ok && !slices.Contains(x.watched, s) {
			x.watched = append(x.watched, s)
		}
	}
	var missing []string
	for _, status := range badEnds {
		if len(p.Detail.Status) > 0 && !slices.Contains(p.Detail.Status, any(status)) {
			missing = append(missing, status)
		}
	}
	which := "every state machine"
	if n := len(p.Detail.StateMachineARN); n > 0 {
		which = fmt.Sprintf("%d state machines", n)
		if n == 1 {
			which = "one state machine"
		}
	}
	if len(missing) > 0 {
		which += ", but not when " + strings.Join(missing, " or ")
	}
	x.ok("rule", "%s watches %s", name, which)
}

func (x *examination) enabled(label, name string, rule *eventbridge.DescribeRuleOutput) {
	if rule.State == eventstypes.RuleStateDisabled {
		x.mend(label, name+" is switched off", "aws events enable-rule --name "+name)
	}
}

// target looks at how the rule delivers to the function.
func (x *examination) target(ctx context.Context, label, name string) {
	out, err := x.Rules.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &name})
	if err != nil {
		x.cannot(label, "events:ListTargetsByRule", x.arn("events", "rule/"+name), err)
		return
	}
	for _, t := range out.Targets {
		if unqualified(aws.ToString(t.Arn)) != x.settings.arn {
			continue
		}
		if t.DeadLetterConfig == nil || aws.ToString(t.DeadLetterConfig.Arn) == "" {
			x.mend(label, "what "+name+" cannot deliver is lost: it has no dead-letter queue", fmt.Sprintf("aws events put-targets --rule %s --targets 'Id=%s,Arn=%s,DeadLetterConfig={Arn=%s}'",
				name, aws.ToString(t.Id), aws.ToString(t.Arn), x.arn("sqs", "QUEUE")))
			continue
		}
		x.deadLetter(aws.ToString(t.DeadLetterConfig.Arn))
	}
}

// caller is a statement of the function's own policy.
type caller struct {
	Effect    string
	Principal any
	Action    any
	Condition map[string]map[string]any
}

// callers reads who may call the function.
func (x *examination) callers(ctx context.Context) ([]caller, error) {
	out, err := x.Functions.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &x.name})
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var policy struct{ Statement []caller }
	if err := json.Unmarshal([]byte(aws.ToString(out.Policy)), &policy); err != nil {
		return nil, fmt.Errorf("read the function's policy: %w", err)
	}
	return policy.Statement, nil
}

// lets reports whether the statement lets a service call on behalf of something.
func (c caller) lets(service, source string) bool {
	if c.Effect != "Allow" || !slices.ContainsFunc(texts(c.Action), func(a string) bool { return match(strings.ToLower(a), "lambda:invokefunction") }) {
		return false
	}
	principals := texts(c.Principal)
	if m, ok := c.Principal.(map[string]any); ok {
		principals = texts(m["Service"])
	}
	if !slices.Contains(principals, service) && !slices.Contains(principals, "*") {
		return false
	}
	for _, condition := range c.Condition {
		for name, wanted := range condition {
			if strings.EqualFold(name, "aws:SourceArn") && !slices.ContainsFunc(texts(wanted), func(p string) bool { return match(p, source) }) {
				return false
			}
		}
	}
	return true
}

func (x *examination) mayCall(label, name, arn string, permissions []caller) {
	if slices.ContainsFunc(permissions, func(c caller) bool { return c.lets("events.amazonaws.com", arn) }) {
		x.ok(label, "%s may call the function", name)
		return
	}
	x.mend(label, name+" may not call the function", x.addPermission(label+"-"+name, "events.amazonaws.com", arn))
}

func (x *examination) addPermission(id, principal, source string) string {
	return fmt.Sprintf("aws lambda add-permission --function-name %s --statement-id %s --action lambda:InvokeFunction --principal %s --source-arn %s", x.name, id, principal, source)
}

// queues looks whether events lie there that could not be handled.
func (x *examination) queues(ctx context.Context) {
	for _, arn := range x.deadLetters {
		parts := strings.Split(arn, ":")
		if len(parts) != 6 || parts[2] != "sqs" {
			continue // a topic or a bucket, which somebody else empties
		}
		x.queue(ctx, arn, parts[5])
	}
}

func (x *examination) queue(ctx context.Context, arn, name string) {
	x.need("put aside what it could not handle", "sqs:SendMessage", arn)
	url, err := x.Queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if absent(err) {
		x.mend("dead letters", "there is no queue "+name, "aws sqs create-queue --queue-name "+name)
		return
	}
	if err != nil {
		x.cannot("dead letters", "sqs:GetQueueUrl", arn, err)
		return
	}
	out, err := x.Queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{
		sqstypes.QueueAttributeNameApproximateNumberOfMessages, sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible}})
	if err != nil {
		x.cannot("dead letters", "sqs:GetQueueAttributes", arn, err)
		return
	}
	n := 0
	for _, value := range out.Attributes {
		count, _ := strconv.Atoi(value)
		n += count
	}
	if n > 0 {
		x.mend("dead letters", fmt.Sprintf("%d events that could not be handled lie in %s", n, name),
			"aws sqs receive-message --queue-url "+aws.ToString(url.QueueUrl)+" --max-number-of-messages 10 --message-attribute-names All",
			"mend what their ErrorMessage says, then: stepsleuth diagnose EXECUTION-ARN", "aws sqs purge-queue --queue-url "+aws.ToString(url.QueueUrl))
		return
	}
	x.ok("dead letters", "none in %s", name)
}
