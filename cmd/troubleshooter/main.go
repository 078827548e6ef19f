// Command troubleshooter is the Lambda function that finds out why an execution of AWS
// Step Functions failed, and tells people. It runs on provided.al2023:
//
//	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -trimpath -tags lambda.norpc \
//	    -ldflags "-s -w -buildid=" -o bootstrap ./cmd/troubleshooter && zip troubleshooter.zip bootstrap
//
// It is invoked by
//
//   - a workflow that `stepsleuth instrument` prepared: it answers with the diagnosis and
//     the mail, which the workflow publishes; one that then waits for a person's decision
//     calls it once more, with a task token, of which it takes no notice
//   - an EventBridge rule for "Step Functions Execution Status Change" (FAILED,
//     TIMED_OUT, ABORTED): it publishes to the topic itself
//   - a subscription filter of the log group of an Express workflow: likewise
//   - {"executionArn": "arn:…"}: it answers, and tells nobody else
//   - an EventBridge schedule: it publishes a digest of what happened since, if any
//
// It always answers, in 8 KiB at most and before its time is over: without the model,
// without the logs or without any diagnosis, and then it says so. Only where an event
// came from outside a workflow and people could not be told does it fail, so that AWS
// delivers the event again. The same failure makes one notification however it comes.
//
// It is configured by environment variables, all of which may be absent:
//
//	STEPSLEUTH_TOPIC_ARN          topic to publish to; absent: people are told by workflows only
//	STEPSLEUTH_TABLE              DynamoDB table (keys pk and sk, strings; TTL attribute expires) that
//	                              remembers failures; absent: each environment remembers its own
//	STEPSLEUTH_MODEL              none (default), bedrock, or bedrock:MODEL-OR-PROFILE-ID
//	STEPSLEUTH_GUARDRAIL          ID:VERSION of a Bedrock guardrail
//	STEPSLEUTH_REDACTION_KEY      16 bytes or more in hexadecimal: the same secret gets the same
//	                              placeholder everywhere; absent: the same within one environment only
//	STEPSLEUTH_REDACTION_KEY_PARAMETER  name of an SSM parameter (SecureString) that holds that key
//	STEPSLEUTH_DIGEST             between notifications of equal failures: 1h (default)
//	STEPSLEUTH_KEEP               after which a failure not seen again is forgotten: 720h (default)
//	STEPSLEUTH_COLLECT            all (default), or none: no configuration and no log of functions
//	STEPSLEUTH_METRICS_NAMESPACE  of the metrics: stepsleuth (default), or none
//	STEPSLEUTH_LOG_LEVEL          debug, info (default), warn or error
//	AWS_REGION, AWS_ENDPOINT_URL…  as for every AWS SDK
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	h := newHandler(context.Background(), os.Getenv, os.Stdout)
	debug.SetMemoryLimit(int64(h.memory) / 10 * 8) // collect rather than be killed
	lambda.Start(h)
}
