package setup

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// The environment of the function, as deployments set it.
const (
	envTopic = "STEPSLEUTH_TOPIC_ARN"
	envTable = "STEPSLEUTH_TABLE"
	envModel = "STEPSLEUTH_MODEL"
	envKey   = "STEPSLEUTH_REDACTION_KEY"
	envParam = "STEPSLEUTH_REDACTION_KEY_PARAMETER"
)

// credentials reports whether there are any to go on with.
func (x *examination) credentials(ctx context.Context) bool {
	if x.Region == "" {
		x.mend("credentials", "no region is configured", "export AWS_REGION=eu-west-1", "or give --region")
		return false
	}
	out, err := x.Identity.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		x.mend("credentials", "AWS does not know you: "+reason(err), "aws sso login", "aws sts get-caller-identity")
		return false
	}
	arn := strings.Split(aws.ToString(out.Arn), ":")
	if len(arn) < 6 {
		x.add("credentials", Unknown, "AWS gave an identity that is no ARN")
		return false
	}
	x.partition, x.account, x.caller = arn[1], aws.ToString(out.Account), principal(aws.ToString(out.Arn))
	x.ok("credentials", "%s in account %s, %s", arn[5], x.account, x.Region)
	return true
}

// function reports whether there is one to go on with.
func (x *examination) function(ctx context.Context) bool {
	out, err := x.Functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &x.name})
	if err != nil && !absent(err) {
		x.cannot("function", "lambda:GetFunctionConfiguration", x.arn("lambda", "function:"+x.name), err)
		return false
	}
	if err != nil {
		x.mend("function", fmt.Sprintf("there is no function %s in %s, account %s", x.name, x.Region, x.account),
			"stepsleuth package --out build", "or give the name of yours with --function, and its region with --region")
		return false
	}
	x.settings = settings{arn: unqualified(aws.ToString(out.FunctionArn)), role: aws.ToString(out.Role), seconds: int(aws.ToInt32(out.Timeout)), environment: map[string]string{}}
	x.name = aws.ToString(out.FunctionName)
	if out.Environment != nil {
		x.settings.environment = out.Environment.Variables
	}
	x.settings.logGroup = "/aws/lambda/" + x.name
	if out.LoggingConfig != nil && aws.ToString(out.LoggingConfig.LogGroup) != "" {
		x.settings.logGroup = aws.ToString(out.LoggingConfig.LogGroup)
	}
	if out.DeadLetterConfig != nil {
		x.deadLetter(aws.ToString(out.DeadLetterConfig.TargetArn))
	}
	x.state(out)
	x.timeout()
	return true
}

// unqualified is a function's ARN without a version or alias.
func unqualified(arn string) string {
	if parts := strings.SplitN(arn, ":", 8); len(parts) == 8 {
		return strings.Join(parts[:7], ":")
	}
	return arn
}

func (x *examination) state(out *lambda.GetFunctionConfigurationOutput) {
	wait := fmt.Sprintf("aws lambda wait function-updated-v2 --function-name %s", x.name)
	switch {
	case out.State == types.StateFailed || out.State == types.StatePending:
		x.mend("function", fmt.Sprintf("%s is %s: %s", x.name, out.State, aws.ToString(out.StateReason)), wait, "deploy it again if it stays so")
	case out.LastUpdateStatus == types.LastUpdateStatusFailed || out.LastUpdateStatus == types.LastUpdateStatusInProgress:
		x.mend("function", fmt.Sprintf("the last update of %s is %s: %s", x.name, out.LastUpdateStatus, aws.ToString(out.LastUpdateStatusReason)), wait, "deploy it again if it stays so")
	default:
		x.ok("function", "%s: %s, %s, %d MB", x.name, out.Runtime, architectures(out.Architectures), aws.ToInt32(out.MemorySize))
	}
}

func architectures(list []types.Architecture) string {
	if len(list) == 0 {
		return string(types.ArchitectureX8664)
	}
	return string(list[0])
}

// slowAnswer is how long a model may well need, in seconds.
const slowAnswer = 30

func (x *examination) timeout() {
	if x.settings.seconds <= slowAnswer {
		x.mend("time-out", fmt.Sprintf("%s may run for %d s, and a model may well need more than %d", x.name, x.settings.seconds, slowAnswer), x.setTimeout(55))
		return
	}
	x.ok("time-out", "%d s", x.settings.seconds)
}

func (x *examination) setTimeout(seconds int) string {
	return fmt.Sprintf("aws lambda update-function-configuration --function-name %s --timeout %d", x.name, seconds)
}

// deliveries are asynchronous calls: whether they may run, and where those go that
// failed for good.
func (x *examination) deliveries(ctx context.Context) {
	arn := x.settings.arn
	out, err := x.Functions.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &x.name})
	switch {
	case err != nil:
		x.cannot("concurrency", "lambda:GetFunctionConcurrency", arn, err)
	case out.ReservedConcurrentExecutions != nil && *out.ReservedConcurrentExecutions == 0:
		x.mend("concurrency", "its reserved concurrency is 0, so it never runs", "aws lambda delete-function-concurrency --function-name "+x.name)
	}
	config, err := x.Functions.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: &x.name})
	if err != nil && !absent(err) {
		x.cannot("lost events", "lambda:GetFunctionEventInvokeConfig", arn, err)
		return
	}
	if err == nil && config.DestinationConfig != nil && config.DestinationConfig.OnFailure != nil {
		x.deadLetter(aws.ToString(config.DestinationConfig.OnFailure.Destination))
	}
	if len(x.deadLetters) == 0 {
		x.mend("lost events", "an event that the function failed on is forgotten after three tries",
			fmt.Sprintf(`aws lambda put-function-event-invoke-config --function-name %s --destination-config '{"OnFailure":{"Destination":"%s"}}'`, x.name, x.arn("sqs", "QUEUE")))
		return
	}
	x.ok("lost events", "what the function fails on goes to %s", resourceOf(x.deadLetters[0]))
}

func (x *examination) deadLetter(arn string) {
	for _, known := range x.deadLetters {
		if known == arn {
			return
		}
	}
	if arn != "" {
		x.deadLetters = append(x.deadLetters, arn)
	}
}

// resourceOf is what stands at the end of an ARN.
func resourceOf(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

// redactionKey looks whether there is a key, and never at the key.
func (x *examination) redactionKey(ctx context.Context) {
	const name = "redaction"
	parameter := x.settings.environment[envParam]
	if parameter == "" {
		if x.settings.environment[envKey] != "" {
			x.mend(name, "the key by which placeholders are made stands in the function's environment, where whoever sees its settings can read it",
				makeKey("/stepsleuth/redaction-key"), "then set "+envParam+" to that name, and remove "+envKey)
			return
		}
		x.mend(name, "there is no key by which placeholders are made: the same secret has another one in each mail, and repeats are not known as such",
			makeKey("/stepsleuth/redaction-key"), "then set "+envParam+" to that name")
		return
	}
	arn := x.arn("ssm", "parameter/"+strings.TrimPrefix(parameter, "/"))
	out, err := x.Parameters.DescribeParameters(ctx, &ssm.DescribeParametersInput{
		ParameterFilters: []ssmtypes.ParameterStringFilter{{Key: aws.String("Name"), Option: aws.String("Equals"), Values: []string{parameter}}},
	})
	switch {
	case err != nil:
		x.cannot(name, "ssm:DescribeParameters", "*", err)
	case len(out.Parameters) == 0:
		x.mend(name, "there is no parameter "+parameter+" with the key by which placeholders are made", makeKey(parameter))
	case out.Parameters[0].Type != ssmtypes.ParameterTypeSecureString:
		x.mend(name, "the parameter "+parameter+" is not encrypted", "aws ssm delete-parameter --name "+parameter, makeKey(parameter))
	default:
		x.ok(name, "key in the parameter %s, encrypted", parameter)
	}
	x.need("read the key by which placeholders are made", "ssm:GetParameter", arn)
}

func makeKey(parameter string) string {
	return fmt.Sprintf(`aws ssm put-parameter --name %s --type SecureString --value "$(openssl rand -hex 32)"`, parameter)
}
