package awscloud

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stepsleuth/stepsleuth/history"
)

// Tasks is what is needed of the client of AWS Step Functions to answer a task that
// waits for its token.
type Tasks interface {
	SendTaskSuccess(context.Context, *sfn.SendTaskSuccessInput, ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error)
}

// Callers is what is needed of the client of AWS STS.
type Callers interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// maxBack is how many bytes of a history Back reads.
const maxBack = 256 << 20

// Back returns an execution with its newest events: as many as it takes until enough
// says so, or all. It needs states:GetExecutionHistory alone; the error is a *Problem.
func (c *Cloud) Back(ctx context.Context, executionArn string, enough func(*history.Execution) bool) (*history.Execution, error) {
	a, err := executionARN(executionArn)
	if err != nil {
		return nil, err
	}
	if a.kind() == kindExpress {
		return nil, &Problem{Kind: Unsupported, What: theExecution, Reason: "it is of an Express workflow, which keeps no history and waits for nobody"}
	}
	r := &reading{c: &Cloud{States: c.States, Bytes: orElse(c.Bytes, maxBack)}, a: a}
	if err := r.page(ctx, firstPage); err != nil {
		return nil, err
	}
	for checkAt := 1; ; { // each look reads all pages again: 1, 2, 4, 8 …
		more := r.token != nil && r.left() > 0 && len(r.pages) < maxPages
		if !more || len(r.pages) >= checkAt {
			checkAt *= 2
			x, err := r.execution()
			if err != nil || !more || enough(x) {
				return x, err
			}
		}
		if err := r.page(ctx, r.further()); err != nil {
			return nil, err
		}
	}
}

// Running returns the ARNs of a state machine's executions that run, newest first and
// limit at most, and whether there are more. It needs states:ListExecutions alone; the
// error is a *Problem.
func (c *Cloud) Running(ctx context.Context, machine string, limit int) (executions []string, more bool, err error) {
	a, err := machineARN(machine)
	if err != nil {
		return nil, false, err
	}
	in := &sfn.ListExecutionsInput{StateMachineArn: aws.String(a.String()), StatusFilter: types.ExecutionStatusRunning, MaxResults: int32(min(limit, mostPage))}
	for {
		out, err := c.States.ListExecutions(ctx, in, a.inStates)
		if err != nil {
			return nil, false, need{"running executions", "states:ListExecutions", a.unqualified().String()}.explain(ctx, err)
		}
		for _, x := range out.Executions {
			executions = append(executions, aws.ToString(x.ExecutionArn))
		}
		in.NextToken = out.NextToken
		if more = in.NextToken != nil; !more || len(executions) >= limit {
			n := min(limit, len(executions))
			return executions[:n], more || n < len(executions), nil
		}
	}
}

// CompleteTask ends the task that waits for a token. The error is a *Problem, whose kind
// is Over where the task does not wait any more, and which never says the token.
func (c *Cloud) CompleteTask(ctx context.Context, executionArn, token string, output []byte) error {
	a, err := executionARN(executionArn)
	if err != nil {
		return err
	}
	const what = "the decision"
	if c.Tasks == nil {
		return &Problem{Kind: Unsupported, What: what, Reason: "nothing here can answer a task"}
	}
	_, err = c.Tasks.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(string(output))}, a.inStates)
	var api smithy.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &api) && slices.Contains([]string{"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}, api.ErrorCode()):
		return &Problem{Kind: Over, What: what, Reason: "the execution does not wait for it any more: somebody else decided, or the time for it is over",
			Mend: "see what became of it: stepsleuth diagnose " + executionArn, Err: err}
	case errors.As(err, &api) && slices.Contains(codesUnusable, api.ErrorCode()), errors.As(err, &api) && api.ErrorCode() == "InvalidOutput":
		// AWS quotes what it refuses, and that may be the token.
		return &Problem{Kind: Unusable, What: what, Reason: "AWS refuses the request: " + api.ErrorCode()}
	}
	// The action has no resource in IAM: whoever may read the history of an execution and
	// has this, may answer its tasks.
	return need{what, "states:SendTaskSuccess", "*"}.explain(ctx, err)
}

// Caller returns the ARN of whoever asks AWS here.
func (c *Cloud) Caller(ctx context.Context, executionArn string) (string, error) {
	a, err := executionARN(executionArn)
	if err != nil {
		return "", err
	}
	const what = "who is asking"
	if c.Callers == nil {
		return "", &Problem{Kind: Unsupported, What: what, Reason: "nothing here can tell"}
	}
	out, err := c.Callers.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.Options) { o.Region = orElse(a.region, o.Region) })
	if err != nil {
		return "", need{what, "sts:GetCallerIdentity", "*"}.explain(ctx, err)
	}
	return aws.ToString(out.Arn), nil
}
