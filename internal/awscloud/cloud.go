// Package awscloud fetches from AWS what a diagnosis needs: an execution with its
// history and definition, the executions that failed inside it, the configuration of
// the Lambda function that failed and the lines that it logged.
//
// It also answers a task that waits for its token, for a person who decides. It judges
// nothing and reads no environment: clients are handed in. What it may not do it names,
// with the policy statement that would allow it.
package awscloud

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Cloud fetches from the regions that the ARNs it is asked for name. It is safe for
// concurrent use, and every call heeds its context.
type Cloud struct {
	States    States
	Functions Functions // nil: no function is looked at
	Logs      Logs      // nil: no log is read
	Tasks     Tasks     // nil: no task is answered
	Callers   Callers   // nil: nobody tells who is asking

	Lag   time.Duration    // how long to wait for a history that lags behind; 0: 3 seconds
	Poll  time.Duration    // the first wait between two looks at it; 0: 150 ms
	Bytes int              // of a history, about, after which no more is read; 0: 24 MiB
	Now   func() time.Time // nil: time.Now
}

// States is what is needed of the client of AWS Step Functions.
type States interface {
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
	DescribeStateMachine(context.Context, *sfn.DescribeStateMachineInput, ...func(*sfn.Options)) (*sfn.DescribeStateMachineOutput, error)
	DescribeStateMachineForExecution(context.Context, *sfn.DescribeStateMachineForExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeStateMachineForExecutionOutput, error)
	GetExecutionHistory(context.Context, *sfn.GetExecutionHistoryInput, ...func(*sfn.Options)) (*sfn.GetExecutionHistoryOutput, error)
	ListExecutions(context.Context, *sfn.ListExecutionsInput, ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error)
	ListMapRuns(context.Context, *sfn.ListMapRunsInput, ...func(*sfn.Options)) (*sfn.ListMapRunsOutput, error)
}

// Functions is what is needed of the client of AWS Lambda.
type Functions interface {
	GetFunctionConfiguration(context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error)
}

// Logs is what is needed of the client of Amazon CloudWatch Logs.
type Logs interface {
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

// tries of one call in all, so that a throttled account does not eat the deadline.
const tries = 3

// New returns a Cloud with clients that are reached by config: credentials and,
// where set, endpoints come from there. It asks nothing yet.
func New(config aws.Config) *Cloud {
	if config.Credentials == nil { // the SDK would panic
		config.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errNoCredentials
		})
	}
	config.RetryMaxAttempts = tries
	states := sfn.NewFromConfig(config)
	return &Cloud{
		States:    states,
		Tasks:     states,
		Callers:   sts.NewFromConfig(config),
		Functions: lambda.NewFromConfig(config),
		Logs:      cloudwatchlogs.NewFromConfig(config),
	}
}

var errNoCredentials = errors.New("no credentials are configured")

func (c *Cloud) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// sleep reports whether it slept: not where ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func orElse[T comparable](v, usual T) T {
	var zero T
	if v == zero {
		return usual
	}
	return v
}
