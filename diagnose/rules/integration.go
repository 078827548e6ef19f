package rules

import (
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// integration is what a Task's Resource means.
type integration struct {
	known    bool
	sdk      bool   // arn:aws:states:::aws-sdk:…
	service  string // "lambda", "dynamodb", "states"; "activity"
	action   string // "invoke", "startExecution"
	pattern  string // "", "sync", "waitForTaskToken"
	sync2    bool   // .sync:2
	function string // Lambda named by the Resource itself
	activity string
}

var (
	optimised = lazyregexp.New(`^arn:aws[\w-]*:states:[^:]*:[^:]*:(?:aws-sdk:)?([\w-]+):([\w-]+)(\.[\w]+)?(:2)?$`)
	activity  = lazyregexp.New(`^arn:aws[\w-]*:states:[^:]+:[^:]*:activity:(.+)$`)
	direct    = lazyregexp.New(`^arn:aws[\w-]*:lambda:[^:]*:[^:]*:function:(.+)$`)
)

func readIntegration(resource string) integration {
	if m := activity.FindStringSubmatch(resource); m != nil {
		return integration{known: true, service: "activity", activity: m[1]}
	}
	if m := direct.FindStringSubmatch(resource); m != nil {
		return integration{known: true, service: "lambda", action: "invoke", function: m[1]}
	}
	m := optimised.FindStringSubmatch(resource)
	if m == nil {
		return integration{}
	}
	return integration{
		known: true, sdk: strings.Contains(resource, ":aws-sdk:"), service: m[1], action: m[2],
		pattern: strings.TrimPrefix(m[3], "."), sync2: m[4] != "",
	}
}

// callback reports that somebody outside has to report the task's result.
func (i integration) callback() bool {
	return i.pattern == "waitForTaskToken" || i.service == "activity"
}

func (i integration) sync() bool { return i.pattern == "sync" }

// name is what the integration is called in a Resource: "batch:submitJob.sync".
func (i integration) name() string {
	if i.service == "activity" {
		return "activity " + i.activity
	}
	if i.function != "" {
		return "lambda " + i.function
	}
	s := i.service + ":" + i.action
	if i.sdk {
		s = "aws-sdk:" + s
	}
	if i.pattern != "" {
		s += "." + i.pattern
	}
	if i.sync2 {
		s += ":2"
	}
	return s
}

// job is a service that Step Functions can wait for with .sync, and what the
// role of the state machine needs for it.
type job struct {
	service string
	noun    string   // "the Batch job"
	rule    string   // managed EventBridge rule; "" where Step Functions polls
	actions []string // beside the call itself
	logs    string   // where the work's own log is
}

var jobs = []job{
	{"batch", "the Batch job", "StepFunctionsGetEventsForBatchJobsRule", []string{"batch:DescribeJobs", "batch:TerminateJob"}, "/aws/batch/job"},
	{"ecs", "the ECS task", "StepFunctionsGetEventsForECSTaskRule", []string{"ecs:StopTask", "ecs:DescribeTasks"}, "the awslogs group of the task definition"},
	{"codebuild", "the build", "StepFunctionsGetEventForCodeBuildStartBuildRule", []string{"codebuild:StopBuild", "codebuild:BatchGetBuilds", "codebuild:BatchGetReports"}, "/aws/codebuild/PROJECT"},
	{"states", "the nested execution", "StepFunctionsGetEventsForStepFunctionsExecutionRule", []string{"states:DescribeExecution", "states:StopExecution"}, ""},
	{"sagemaker", "the SageMaker job", "StepFunctionsGetEventsForSageMakerTrainingJobsRule", []string{"sagemaker:AddTags", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"}, "/aws/sagemaker/TrainingJobs"},
	{"glue", "the Glue job", "", []string{"glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"}, "/aws-glue/jobs/error"},
	{"athena", "the query", "", []string{"athena:GetQueryExecution", "athena:StopQueryExecution"}, ""},
	{"elasticmapreduce", "the EMR step", "StepFunctionsGetEventForEMRAddJobFlowStepsRule", []string{"elasticmapreduce:DescribeStep", "elasticmapreduce:CancelSteps", "elasticmapreduce:DescribeCluster", "elasticmapreduce:TerminateJobFlows"}, "the cluster's LogUri in S3"},
	{"emr-serverless", "the EMR Serverless job run", "StepFunctionsGetEventsForEMRServerlessJobRule", []string{"emr-serverless:GetJobRun", "emr-serverless:CancelJobRun"}, ""},
	{"emr-containers", "the EMR on EKS job run", "", []string{"emr-containers:DescribeJobRun", "emr-containers:CancelJobRun"}, ""},
	{"databrew", "the DataBrew job", "", []string{"databrew:ListJobRuns", "databrew:StopJobRun"}, ""},
	{"eks", "the Kubernetes job", "", nil, ""},
	{"bedrock", "the Bedrock customisation job", "StepFunctionsGetEventsForBedrockRule", []string{"bedrock:GetModelCustomizationJob", "bedrock:StopModelCustomizationJob"}, ""},
}

func jobOf(service string) job {
	for _, j := range jobs {
		if j.service == service {
			return j
		}
	}
	return job{service: service, noun: "the job"}
}

// iamAction is the IAM action that a Task's own call needs: "batch:SubmitJob".
func (i integration) iamAction() string {
	if i.action == "" {
		return ""
	}
	service := i.service
	switch service {
	case "apigateway", "http":
		return ""
	case "sfn":
		service = "states"
	case "sesv2":
		service = "ses"
	case "cloudwatchlogs":
		service = "logs"
	case "bedrockruntime", "bedrockagentruntime":
		service = "bedrock"
	case "eventbridge":
		service = "events"
	}
	action := strings.ToUpper(i.action[:1]) + i.action[1:]
	switch service + ":" + i.action {
	case "lambda:invoke":
		action = "InvokeFunction"
	case "elasticmapreduce:createCluster":
		action = "RunJobFlow"
	case "elasticmapreduce:addStep":
		action = "AddJobFlowSteps"
	case "elasticmapreduce:terminateCluster":
		action = "TerminateJobFlows"
	case "s3:listObjectsV2":
		action = "ListBucket"
	}
	return service + ":" + action
}
