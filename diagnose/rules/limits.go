package rules

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// Throttled sees a rate limit.
var Throttled = &diagnose.Rule{
	Name:  "throttled",
	Doc:   "A service throttles the calls: too many requests, rate exceeded, provisioned throughput, Lambda concurrency.",
	Check: one(throttled),
}

// service names the called service in words.
func (f *facts) service() string {
	name := ""
	switch {
	case f.lambda():
		name = f.root.Service
	case f.root.Service != "":
		name = f.root.Service
	case strings.Contains(f.err, ".") && !strings.HasPrefix(f.err, "States."):
		name, _, _ = strings.Cut(f.err, ".")
	case f.nested == nil && f.task.service != "" && f.task.service != "activity":
		name = f.task.service
	}
	return serviceName(name)
}

var serviceNames = map[string]string{
	"awslambda": "Lambda", "lambda": "Lambda", "amazondynamodbv2": "DynamoDB", "dynamodb": "DynamoDB", "amazonsqs": "SQS", "sqs": "SQS", "amazonsns": "SNS", "sns": "SNS",
	"amazons3": "S3", "s3": "S3", "amazon s3": "S3", "amazonecs": "ECS", "ecs": "ECS", "awsbatch": "Batch", "batch": "Batch", "awsglue": "Glue", "glue": "Glue",
	"amazonathena": "Athena", "athena": "Athena", "amazonelasticmapreduce": "EMR", "emr": "EMR", "elasticmapreduce": "EMR", "amazonsagemaker": "SageMaker", "sagemaker": "SageMaker",
	"awscodebuild": "CodeBuild", "codebuild": "CodeBuild", "awsstepfunctions": "Step Functions", "sfn": "Step Functions", "stepfunctions": "Step Functions", "states": "Step Functions",
	"eventbridge": "EventBridge", "amazoncloudwatchevents": "EventBridge", "cloudwatchevents": "EventBridge", "events": "EventBridge", "apigateway": "API Gateway", "bedrock": "Bedrock", "bedrockruntime": "Bedrock",
	"secretsmanager": "Secrets Manager", "ssm": "Systems Manager", "kms": "KMS", "iam": "IAM", "ec2": "EC2", "rds": "RDS", "cloudformation": "CloudFormation", "organizations": "Organizations",
	"http": "the HTTP endpoint", "amazonapigateway": "API Gateway",
}

func serviceName(s string) string {
	lower := strings.ToLower(s)
	for _, name := range []string{lower, strings.TrimPrefix(lower, "amazon"), strings.TrimPrefix(lower, "aws")} {
		if name, ok := serviceNames[name]; ok {
			return name
		}
	}
	if s == "" || !looksLikeName(s) {
		return "the called service"
	}
	return s
}

// throttleErrors is what a Retry has to name for an integration's throttling.
var throttleErrors = map[string][]string{
	"lambda":      {"Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"},
	"dynamodb":    {"DynamoDB.ProvisionedThroughputExceededException", "DynamoDB.RequestLimitExceeded", "DynamoDB.ThrottlingException"},
	"batch":       {"Batch.TooManyRequestsException", "Batch.AWSBatchException"},
	"bedrock":     {"Bedrock.ThrottlingException", "Bedrock.ModelTimeoutException"},
	"sagemaker":   {"SageMaker.ThrottlingException", "SageMaker.AmazonSageMakerException"},
	"states":      {"StepFunctions.ThrottlingException", "StepFunctions.AWSStepFunctionsException"},
	"eventbridge": {"EventBridge.ThrottlingException"},
}

// passing lists error names to retry: the one that came and its kin.
func (f *facts) passing() []string {
	var names []string
	if f.top.Error != "" && looksLikeName(f.top.Error) {
		names = append(names, f.top.Error)
	}
	if f.top == f.root {
		names = append(names, throttleErrors[f.task.service]...)
	}
	return uniq(names)
}

// retryRemedy offers a Retry with jitter for what passes by itself.
func (f *facts) retryRemedy(title string, steps ...string) diagnose.Remedy {
	names := f.passing()
	if len(names) == 0 {
		names = []string{"States.TaskFailed"}
	}
	r := diagnose.Remedy{Title: title}
	if f.phase == diagnose.API && f.state == nil {
		r.Steps = append([]string{"Let the caller try again with exponential back-off and jitter; the SDKs do so when told: AWS_RETRY_MODE=adaptive, AWS_MAX_ATTEMPTS=8."}, steps...)
		return r
	}
	entry := retrier(names...)
	r.Steps = append([]string{fmt.Sprintf("Give %s a Retry with back-off and jitter, as its first entry: %s", f.ofState(), entry)}, steps...)
	if s := f.state; s != nil && f.nested == nil && !f.retried() {
		r.Edits = f.addEntry("Retry", entry)
	}
	return r
}

// retried reports that the state's Retry already names the error that came.
func (f *facts) retried() bool {
	s := f.outerState()
	if s == nil {
		return false
	}
	for _, r := range s.Retry {
		for _, e := range r.ErrorEquals {
			if e == f.top.Error || e == "States.ALL" || e == "States.TaskFailed" && f.top.Error != "States.Timeout" {
				return true
			}
		}
	}
	return false
}

// retryNote says whether the state's Retry covers the error.
func (f *facts) retryNote() string {
	s := f.outerState()
	if s == nil || f.top.Error == "" {
		return ""
	}
	switch {
	case f.retried():
		return fmt.Sprintf(" The state's Retry covers %s, but the attempts were used up before the limit gave way.", named(f.top.Error))
	case len(s.Retry) == 0:
		return " The state has no Retry, so that the first refusal ended it."
	}
	return fmt.Sprintf(" The state has a Retry, but none of its entries names %s.", named(f.top.Error))
}

func throttled(f *facts) *diagnose.Finding {
	s := f.signal()
	if s.category != diagnose.Throttling || lambdaEnvironment(f) != nil {
		return nil
	}
	d := f.finding(diagnose.Throttling, s.confidence(), diagnose.Yes)
	if s.sure && throttleName.MatchString(exception(or(f.root.Type, f.err))) {
		d.Confidence = diagnose.Certain
	}
	status := ""
	if f.root.Status == 429 {
		status = " with HTTP 429"
	}
	d.Title = fmt.Sprintf("%s throttled the call (rate limit)", upper(f.service()))
	d.RootCause = fmt.Sprintf("%s throttled a call of %s%s, as there were too many requests at that moment%s.", upper(f.service()), f.actorShort(), status, saying(f.msg))
	d.Also = []diagnose.Category{diagnose.Quota}
	switch {
	case f.service() == "Lambda" || f.says("ConcurrentInvocationLimit", "Lambda.TooManyRequests"):
		d.RootCause = fmt.Sprintf("Lambda throttled the invocation of %s%s%s: its concurrency limit was reached.", f.functionOr(), status, saying(f.msg))
		d.Explanation = "Lambda answers 429 when the function's reserved concurrency or the account's concurrency (1,000 a region unless raised) is in use, or when concurrency grows faster than it scales. A Map without MaxConcurrency, and many executions at a time, are what brings it about."
	case f.service() == "DynamoDB":
		d.Explanation = "The table, an index or one hot partition takes no more reads or writes per second; on-demand tables too refuse a sudden doubling of traffic."
	case f.service() == "Bedrock":
		d.Explanation = "Bedrock counts requests and tokens per minute and model; large prompts, a large max_tokens (it is reserved ahead) and parallel iterations use that up."
	case f.service() == "Step Functions":
		d.Explanation = "The Step Functions API has token buckets per operation, account and region; polling with DescribeExecution in loops and many StartExecution calls at a time empty them."
	default:
		d.Explanation = "The service counts requests per account and region, so other callers of the same account count too; parallel iterations and executions that start at the same moment add up."
	}
	d.Explanation += f.retryNote()
	d.Focus = f.focusField("throttled here", "Retry", "Resource")
	d.Remedies = []diagnose.Remedy{
		f.retryRemedy("Retry with back-off and jitter"),
		{Title: "Send less at a time", Steps: []string{
			"Set MaxConcurrency on the Map around it, stagger the starts (SQS or EventBridge Pipes in front, a Wait with a random part), or batch items (ItemBatcher, BatchWriteItem, SendMessageBatch).",
			limitStep(f),
		}},
	}
	d.Prevention = []string{"Watch the service's throttling metric (Lambda: Throttles and ConcurrentExecutions; DynamoDB: ThrottledRequests) and set an alarm before executions fail.", "JitterStrategy FULL on every Retry that many executions share."}
	d.Docs = []string{"Error handling: retrying after an error", "Handling transient Lambda service exceptions", "Managing retry behaviour and throttling"}
	return d
}

var throttleName = lazyregexp.New(`(?i)throttl|toomanyrequests|slowdown|throughputexceeded|requestlimitexceeded|ratelimit`)

func limitStep(f *facts) string {
	switch f.service() {
	case "Lambda":
		return "Look whether reserved concurrency holds the function down: aws lambda get-function-concurrency --function-name " + f.functionArg() + "; raise or remove it, or ask for a higher account concurrency limit in Service Quotas."
	case "DynamoDB":
		return "Switch the table to on-demand capacity or raise the provisioned throughput, and choose a partition key that spreads the load."
	}
	return "Where the load is meant to stay, ask for a higher limit in Service Quotas."
}

// actorShort is who called, without article trouble: "ChargeCard".
func (f *facts) actorShort() string {
	if f.lambda() {
		return "the code of " + f.functionOr()
	}
	return f.who()
}

// QuotaReached sees a count limit of the account or a service.
var QuotaReached = &diagnose.Rule{
	Name:  "quota-reached",
	Doc:   "A quota of the account or service is used up: running jobs, instances, executions, resources of a kind.",
	Check: one(quotaReached),
}

var instanceQuota = lazyregexp.New(`service limit '([\w. -]+)' is (\d+) Instances?`)

// executionsExceeded tells of the limit of open executions.
func executionsExceeded(d *diagnose.Finding) *diagnose.Finding {
	d.Title = "The account has as many open executions as it may have"
	d.RootCause = "The account's quota of open executions in that region (1,000,000 of Standard workflows by default) is used up, so that no new execution is started."
	d.Explanation = "Every execution counts that has not ended, whatever it waits for: a callback that nobody answers keeps one open for up to a year."
	d.Remedies = []diagnose.Remedy{{Title: "Find what stays open, and end it", Steps: []string{
		"See which state machine has them: aws stepfunctions list-executions --state-machine-arn ARN --status-filter RUNNING --max-items 20, or the CloudWatch metric OpenExecutionCount.",
		"Stop those that nobody needs: aws stepfunctions stop-execution --execution-arn ARN",
		"Ask for more: Service Quotas console, or aws service-quotas list-service-quotas --service-code states",
	}}, {Title: "Let the caller wait and try again", Steps: []string{"Start executions from a queue whose consumer backs off on ExecutionLimitExceeded."}}}
	d.Prevention = []string{"Give every .waitForTaskToken and activity a TimeoutSeconds, and the state machine one at its top; alarm on OpenExecutionCount."}
	d.Docs = []string{"Step Functions service quotas"}
	return d
}

// jobRunsExceeded tells of the limit that a Glue job itself sets to its runs.
func (f *facts) jobRunsExceeded(d *diagnose.Finding) *diagnose.Finding {
	job := f.param("JobName")
	if m := runsOf.FindStringSubmatch(f.msg); m != nil {
		job = or(job, m[1])
	}
	arg := or(job, "JOB")
	if !looksLikeName(arg) {
		arg = "JOB"
	}
	d.Title = "As many runs of the Glue job are under way as it allows"
	d.RootCause = fmt.Sprintf("%s starts the Glue job %s while as many of its runs are under way as the job's own MaxConcurrentRuns (ExecutionProperty) allows%s.", upper(f.who()), named(or(job, "it names")), saying(f.msg))
	d.Explanation = "MaxConcurrentRuns is 1 unless the job says otherwise. A run counts until it has ended, also one that hangs or was started by somebody else, and for some seconds after its end. The account's quota of concurrent runs is another, larger limit."
	d.Remedies = []diagnose.Remedy{
		{Title: "Let the job run more than once at a time", Steps: []string{
			"See what runs: aws glue get-job-runs --job-name " + arg + " --query \"JobRuns[?JobRunState=='RUNNING'].[Id,StartedOn]\"",
			"If its runs do not disturb each other, raise the limit: ExecutionProperty={MaxConcurrentRuns=5} in the job's definition (Terraform: execution_property { max_concurrent_runs = 5 }; CloudFormation: ExecutionProperty). The CLI's update-job replaces the whole definition, so change it where the job is defined.",
		}},
		f.retryRemedy("Or wait for the run that is under way", "Choose IntervalSeconds in the order of the job's duration (minutes, not seconds); in a Map, set MaxConcurrency to what the job allows."),
	}
	d.Focus = f.focusField("the job runs already", "Parameters", "Arguments", "Resource")
	d.Prevention = []string{"Let only one thing start the job (a schedule or the workflow), and use .sync, so that the next run begins when the last has ended."}
	d.Docs = []string{"Start AWS Glue jobs with Step Functions", "AWS Glue job run states"}
	return d
}

// runsOf is how Glue names the job.
var runsOf = lazyregexp.New(`(?i)concurrent runs exceeded for ([\w.-]+)`)

// paidFor are limits of money.
var paidFor = lazyregexp.New(`(?i)billing|insufficient_quota|credit balance|your (?:current )?plan\b|budget`)

func quotaReached(f *facts) *diagnose.Finding {
	if historyFull.MatchString(f.msg) {
		return nil
	}
	s := f.signal()
	name := exception(or(f.root.Type, f.err))
	api := name == "StateMachineLimitExceeded" || name == "ExecutionLimitExceeded" || name == "ActivityLimitExceeded" || name == "ActivityWorkerLimitExceeded"
	if s.category != diagnose.Quota && !api {
		return nil
	}
	d := f.finding(diagnose.Quota, s.confidence(), diagnose.Yes)
	if s.sure || api {
		d.Confidence = diagnose.Likely
	}
	if f.root.Shape == diagnose.ServiceCause && s.sure {
		d.Confidence = diagnose.Certain
	}
	what := "a quota (service limit) of " + f.service()
	none := false
	if m := instanceQuota.FindStringSubmatch(f.msg); m != nil {
		what = fmt.Sprintf("the account's quota %q (limit %s)", m[1], m[2])
		none = m[2] == "0"
	}
	d.Title = fmt.Sprintf("A quota of %s is used up", f.service())
	d.RootCause = fmt.Sprintf("%s could not get what it asked for, as %s is reached%s.", upper(f.who()), what, saying(f.msg))
	d.Explanation = "A quota counts what exists or runs in the account and region at the same time, whoever started it. A retry helps when something that runs now will end; it does not help where what counts is never removed."
	if f.phase == diagnose.Create || name == "StateMachineLimitExceeded" {
		d.Retryable = diagnose.No
		d.Explanation = "A region holds at most 10,000 state machines (and activities) by default; old ones that nobody uses, left by test stacks, count too."
	}
	if paidFor.MatchString(f.msg) {
		d.Retryable = diagnose.No
		d.Explanation = "What is used up here is credit or a plan, not room: it comes back when somebody pays, raises the budget or the next period begins."
	}
	if kept.MatchString(f.msg+" "+name) && !underway.MatchString(f.msg) {
		d.Retryable = diagnose.No
		d.Explanation = "What counts here is kept until somebody deletes it, so that a retry meets the same limit: delete what is not needed, or ask for a higher quota."
	}
	if f.lambda() && ofDatabase(f.msg) == diagnose.Quota {
		d.Confidence = diagnose.Likely
		d.Also = []diagnose.Category{diagnose.Network, diagnose.Throttling, diagnose.LambdaUnhandled}
		what = "the database's limit of connections (max_connections)"
		d.RootCause = fmt.Sprintf("%s could not get a connection, as %s is reached%s.", upper(f.actorShort()), what, saying(f.msg))
		d.Title = "The database takes no more connections"
		d.Explanation = "Every environment of a function holds connections of its own, so that parallel iterations and executions add up to more than the server takes; connections that are opened in the handler and not closed stay until the environment ends."
		d.Remedies = []diagnose.Remedy{
			{Title: "Share the connections", Steps: []string{"Put RDS Proxy in front (or a pool with a small limit, made once outside the handler), and set MaxConcurrency on the Map or reserved concurrency on the function below what the server takes.", "SHOW max_connections; and the CloudWatch metric DatabaseConnections tell how far it is; a larger instance takes more."}},
			f.retryRemedy("Retry with back-off and jitter, as others let go"),
		}
		d.Focus = f.focusField("the database is full here", "Resource", "Parameters")
		d.Prevention = []string{"Alarm on DatabaseConnections at 80 % of max_connections."}
		d.Docs = []string{"Managing connections with Amazon RDS Proxy", "Map workflow state"}
		return d
	}
	if none {
		d.Retryable = diagnose.No
		d.Explanation = "The quota is 0: nothing of that kind may run at all until it is raised, so that neither waiting nor a retry helps."
	}
	if name == "CodeStorageExceededException" {
		d.Retryable = diagnose.No
		d.Explanation = "Lambda stores at most 75 GB of code per region by default; old versions of functions and layers count."
	}
	if name == "LimitExceededException" || f.says("limit for the number of") {
		d.Also = []diagnose.Category{diagnose.Throttling}
	}
	if name == "ExecutionLimitExceeded" {
		return executionsExceeded(d)
	}
	if name == "ConcurrentRunsExceededException" {
		return f.jobRunsExceeded(d)
	}
	steps := []string{"See the quota and its use: Service Quotas console, or aws service-quotas list-service-quotas --service-code " + quotaCode(f), "Ask there for a higher value (increase); for instances that takes hours to days."}
	remedies := []diagnose.Remedy{{Title: "Raise the quota or free what counts against it", Steps: append(steps, "Stop or delete what is not needed: finished endpoints and notebooks, idle clusters, old versions, stale state machines.")}}
	if d.Retryable == diagnose.Yes {
		remedies = append(remedies, f.retryRemedy("Wait for what runs now", "Choose IntervalSeconds in the order of the running work's duration (minutes, not seconds), or limit how many run at a time with MaxConcurrency or a semaphore in DynamoDB."))
	}
	d.Remedies = remedies
	d.Focus = f.focusField("the quota is reached here", "Parameters", "Arguments", "Resource")
	d.Prevention = []string{"Set an alarm on the quota's usage in CloudWatch (AWS/Usage) at 80 %."}
	d.Docs = []string{"Service Quotas User Guide", "Step Functions service quotas"}
	return d
}

var (
	// kept are things that count against a quota until they are deleted; underway is
	// what ends by itself.
	kept     = lazyregexp.New(`(?i)cannot create more than|snapshots?\b|(?:maximum|max) number of (?:\w+ ){0,3}(?:buckets|stack ?sets|stacks|certificates|security groups|subnets|topics|queues|tables|roles|policies|rules|alarms|functions|layers|keys|secrets|parameters|repositories|versions|tags|users|groups|domains|stacks|stream|subscriptions|schedules|log groups|network interfaces|security groups|VPCs|subnets|addresses)|TooMany(?:Buckets|Topics|Tags|Rules|Policies|Functions)|CodeStorage|AddressLimit`)
	underway = lazyregexp.New(`(?i)concurren|running|in progress|active (?:jobs|runs|executions)|pending|queued|at the same time|simultaneous`)
)

func quotaCode(f *facts) string {
	switch f.service() {
	case "Lambda":
		return "lambda"
	case "SageMaker":
		return "sagemaker"
	case "Glue":
		return "glue"
	case "Step Functions":
		return "states"
	case "EC2":
		return "ec2"
	case "Athena":
		return "athena"
	case "Bedrock":
		return "bedrock"
	}
	return "SERVICE"
}

// HistoryFull sees the 25,000th event.
var HistoryFull = &diagnose.Rule{
	Name:  "history-full",
	Doc:   "The execution reached the limit of 25,000 history events.",
	Check: one(historyFullFound),
}

var historyFull = lazyregexp.New(`(?i)maximum number of history events|history (?:event )?(?:limit|quota)|25,?000 (?:history )?events|exceeded .{0,30}history events`)

func historyFullFound(f *facts) *diagnose.Finding {
	if !historyFull.MatchString(f.msg) || f.apiInput() {
		return nil
	}
	d := f.finding(diagnose.Quota, diagnose.Certain, diagnose.No)
	d.Title = "The execution reached the limit of 25,000 history events"
	d.RootCause = "The execution has used up the 25,000 events that the history of one Standard execution can hold, so Step Functions ended it."
	d.Explanation = "Every state entered, scheduled, started and left counts, in all branches and iterations; a loop with Wait and Choice, a large inline Map and many retries are what fills it. The quota is fixed and the same run would end in the same way."
	d.Remedies = []diagnose.Remedy{{Title: "Let several executions share the work", Steps: []string{
		"Turn the Map into a Distributed Map (\"ProcessorConfig\": {\"Mode\": \"DISTRIBUTED\", \"ExecutionType\": \"EXPRESS\"}): each child workflow has a history of its own.",
		"In a loop, count the rounds and start a new execution of the same state machine that goes on (states:startExecution with the counter in its Input), then end this one.",
		"Replace polling (Wait, Describe, Choice) by .sync, by a callback (.waitForTaskToken), or by longer waits.",
	}}}
	d.Prevention = []string{"Alarm on long histories: events per execution grow with items and retries, so test with the largest input."}
	d.Docs = []string{"Avoiding the history quota: starting new executions", "Distributed Map state", "Step Functions service quotas"}
	return d
}

// PayloadTooLarge sees data over a byte limit.
var PayloadTooLarge = &diagnose.Rule{
	Name:  "payload-too-large",
	Doc:   "Something is larger than a byte limit: 256 KiB of a state, 6 MB of a Lambda payload, a message, an item, overrides.",
	Check: one(payloadTooLarge),
}

var byteLimit = lazyregexp.New(`(?i)(?:max(?:imum)?|limit|at most|up to|less than|smaller than|shorter than|allowed)[^.]{0,60}?(?:is|of|:|than|most|to)? (\d[\d,]*) ?(bytes|kb|kib|mb|mib|characters)|(\d[\d,]*)[ -]?(byte|kb|kib|mb|mib|character) (?:limit|maximum)`)

var resultOf = lazyregexp.New(`The state/task '([^']+)' returned a result`)

func payloadTooLarge(f *facts) *diagnose.Finding {
	limit := f.errorIs("States.DataLimitExceeded") || f.says("exceeding the maximum number of bytes service limit")
	s := f.signal()
	if !limit && s.category != diagnose.PayloadSize {
		return nil
	}
	confidence := diagnose.Certain
	if !limit {
		confidence = s.confidence()
	}
	if f.errorIs("Function.ResponseSizeTooLarge", "RequestEntityTooLargeException") {
		confidence = diagnose.Certain
	}
	d := f.finding(diagnose.PayloadSize, confidence, diagnose.No)
	what, most := "the data", "a limit"
	switch {
	case limit:
		what, most = "the output", "256 KiB (262,144 bytes), the limit for the input and output of a state"
		if m := resultOf.FindStringSubmatch(f.msg); m != nil {
			what = "the result of " + named(m[1])
		} else if f.says("input") {
			what = "the input"
		}
	case f.says("6291456", "6291556", "ResponseSizeTooLarge", "InvokeFunction operation"):
		what, most = "the request to "+f.functionOr(), "6 MB, the limit of a synchronous Lambda payload"
		if f.says("response", "6291556") {
			what = "the response of " + f.functionOr()
		}
	case f.service() == "DynamoDB":
		what, most = "the item", "400 KB, the limit of a DynamoDB item"
	case f.service() == "SQS" || f.service() == "SNS":
		what, most = "the message", "256 KiB (262,144 bytes), the limit of a message with its attributes"
	case f.service() == "EventBridge":
		what, most = "the entries of the request", "256 KB, the limit of one PutEvents request"
	case f.service() == "ECS" || f.service() == "Batch" || f.says("overrides length"):
		what, most = "the container overrides", "8,192 bytes (8192), the limit of the overrides"
	case f.service() != "Bedrock" && byteLimit.MatchString(f.msg):
		m := byteLimit.FindStringSubmatch(f.msg)
		what, most = "the request", fmt.Sprintf("%s %s, the limit of %s", or(m[1], m[3]), or(m[2], m[4]), f.service())
	case f.service() == "Bedrock" || f.says("too long for requested model"):
		what, most = "the prompt", "what the model takes as input (its context window)"
	}
	d.Title = fmt.Sprintf("%s is larger than %s", upper(what), most)
	d.RootCause = fmt.Sprintf("In %s, %s is larger than %s.", f.inWho(), what, most)
	d.Explanation = "The limit counts bytes (UTF-8), not characters, and the same data would meet it again on a retry."
	if most == "a limit" {
		d.Title = fmt.Sprintf("What %s sends is larger than %s takes", f.actorShort(), f.service())
		d.RootCause = fmt.Sprintf("%s sends more than %s takes at once%s.", upper(f.actorShort()), f.service(), saying(f.msg))
	}
	if limit {
		d.Explanation = "The limit counts UTF-8 bytes of the JSON text, cannot be raised, and the same data would meet it again on a retry. ResultPath adds a result to the input, so a state may burst with data that it only hands on; Parallel and Map put the outputs of all branches together."
		d.Explanation += " Contrary to the documentation, recorded executions show that Catch does take States.DataLimitExceeded of a task's result, by States.ALL and by name."
	}
	d.Focus = f.focusField("what comes from here is too large", "ResultPath", "ResultSelector", "OutputPath", "Resource")
	d.Remedies = []diagnose.Remedy{
		{Title: "Keep the data in S3 and hand on a reference", Steps: []string{
			"Let the producer write the large part to S3 and return only bucket and key; the consumer reads it from there. For lists, a Distributed Map reads its items from S3 (ItemReader) and writes results there (ResultWriter).",
			"Delete such objects with a lifecycle rule.",
		}},
		{Title: "Make it smaller: select only what later states need", Steps: []string{
			"Trim the result with ResultSelector or OutputPath where only a few members are used; drop it with \"ResultPath\": null where nobody reads it; reduce what the code returns (paging, fewer columns, no debug output).",
			"Mind that the service's whole answer is checked before ResultSelector: what is too large there has to be cut at its source.",
		}},
	}
	d.Prevention = []string{"Test with the largest real input: sizes grow with the data, not with the code."}
	d.Docs = []string{"Using Amazon S3 ARNs instead of passing large payloads in Step Functions", "Step Functions service quotas", "Lambda quotas"}
	return d
}

func (f *facts) inWho() string {
	if f.stateName() == "" && f.nested == nil {
		return "this state"
	}
	return f.who()
}
