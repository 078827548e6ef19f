// Package topics answers the tasks of arn:aws:states:::sns:publish by calling Amazon
// SNS, or what stands in for it. It knows nothing of what is published, nor why.
package topics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
	"github.com/stepsleuth/stepsleuth/engine"
)

// Publisher publishes what tasks say through the client. What SNS refuses, and a service
// that cannot be reached, are the task's failure, by the names that Step Functions gives
// them.
func Publisher(client *sns.Client) engine.Publisher {
	return func(ctx context.Context, n engine.Notification) (string, error) {
		input, err := parameters(n)
		if err != nil {
			return "", err
		}
		out, err := client.Publish(ctx, input)
		if err != nil {
			return "", failure(err)
		}
		return aws.ToString(out.MessageId), nil
	}
}

// parameters are those of the task. Their names are the API's own, save that the message
// may be JSON that is no string.
func parameters(n engine.Notification) (*sns.PublishInput, error) {
	var p struct {
		sns.PublishInput
		Message json.RawMessage
	}
	if err := json.Unmarshal(n.Parameters, &p); err != nil {
		return nil, n.Task.RefuseParameters(err.Error())
	}
	p.PublishInput.Message = &n.Message
	return &p.PublishInput, nil
}

// failure is the error of the task, as an optimised integration names it.
func failure(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var refused smithy.APIError
	var answer *awshttp.ResponseError
	if !errors.As(err, &refused) || !errors.As(err, &answer) {
		return engine.NewTaskError("SNS.SdkClientException", "Unable to execute HTTP request: "+err.Error())
	}
	name := "AmazonSNSException"
	if other := (*smithy.GenericAPIError)(nil); !errors.As(err, &other) { // an error that the API declares
		name = strings.TrimSuffix(refused.ErrorCode(), "Exception") + "Exception"
	}
	return engine.NewTaskError("SNS."+name, fmt.Sprintf("%s (Service: AmazonSNS; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)",
		refused.ErrorMessage(), answer.HTTPStatusCode(), refused.ErrorCode(), answer.ServiceRequestID()))
}
