package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// reachAWS reads how AWS is reached, as AWS's own command line does: AWS_PROFILE,
// AWS_ENDPOINT_URL and the rest count; a region that is not "" wins over theirs. The SDK
// logs nothing: what it could not do is in the error of a call, which is told once.
func reachAWS(ctx context.Context, region string) (aws.Config, error) {
	load := []func(*awsconfig.LoadOptions) error{awsconfig.WithLogger(logging.Nop{})}
	if region != "" {
		load = append(load, awsconfig.WithRegion(region))
	}
	c, err := awsconfig.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return c, fmt.Errorf("AWS configuration: %w", err)
	}
	return c, nil
}
