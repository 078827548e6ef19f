package awscloud

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// arn is an ARN in its parts.
type arn struct {
	partition, service, region, account string
	resource                            []string // what follows, cut at colons: "execution", "order", "run-1"
}

// arnForm keeps out what is no ARN of any partition: "aws-iso-b" and the like are fine.
var arnForm = lazyregexp.New(`^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{0,12}:.+$`)

func parseARN(text string) (arn, bool) {
	if !arnForm.MatchString(text) {
		return arn{}, false
	}
	p := strings.Split(text, ":")
	return arn{p[1], p[2], p[3], p[4], p[5:]}, true
}

func (a arn) String() string {
	return strings.Join(append([]string{"arn", a.partition, a.service, a.region, a.account}, a.resource...), ":")
}

// with returns the ARN of another resource of the same account and region.
func (a arn) with(service string, resource ...string) arn {
	a.service, a.resource = service, resource
	return a
}

func (a arn) kind() string { return a.resource[0] }

// The kinds of ARNs of AWS Step Functions that can be asked for.
const (
	kindExecution = "execution"
	kindExpress   = "express"
	kindMachine   = "stateMachine"
)

// IsExecution reports whether text is the ARN of an execution.
func IsExecution(text string) bool {
	_, err := executionARN(text)
	return err == nil
}

func executionARN(text string) (arn, error) {
	const parts = 3 // execution:MACHINE:NAME
	a, ok := parseARN(text)
	if !ok || a.service != "states" || len(a.resource) < parts || a.kind() != kindExecution && a.kind() != kindExpress {
		return a, &Problem{Kind: Unusable, What: "the execution", Reason: fmt.Sprintf("%q is not the ARN of an execution", text),
			Mend: "give one like arn:aws:states:us-east-1:123456789012:execution:order:run-1, as aws stepfunctions list-executions prints them"}
	}
	return a, nil
}

func machineARN(text string) (arn, error) {
	const parts = 2 // stateMachine:NAME
	a, ok := parseARN(text)
	if !ok || a.service != "states" || len(a.resource) < parts || a.kind() != kindMachine {
		return a, &Problem{Kind: Unusable, What: "the state machine", Reason: fmt.Sprintf("%q is not the ARN of a state machine", text),
			Mend: "give one like arn:aws:states:us-east-1:123456789012:stateMachine:order, as aws stepfunctions list-state-machines prints them"}
	}
	return a, nil
}

// machine returns the state machine of an execution. A child of a Map run has
// MACHINE/LABEL, and belongs to MACHINE.
func (a arn) machine() arn {
	name, _, _ := strings.Cut(a.resource[1], "/")
	return a.with("states", kindMachine, name)
}

// anyExecution is the resource that a policy names for the executions of a machine.
func (a arn) anyExecution() string {
	return a.with("states", a.kind(), a.resource[1], "*").String()
}

// unqualified is a state machine's ARN without version or alias.
func (a arn) unqualified() arn {
	a.resource = slices.Clone(a.resource[:2])
	return a
}

// The region of a call is that of the ARN it is about, whatever the configuration says.

func (a arn) inStates(o *sfn.Options)          { o.Region = orElse(a.region, o.Region) }
func (a arn) inLambda(o *lambda.Options)       { o.Region = orElse(a.region, o.Region) }
func (a arn) inLogs(o *cloudwatchlogs.Options) { o.Region = orElse(a.region, o.Region) }
