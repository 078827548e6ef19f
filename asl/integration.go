package asl

import (
	"slices"
	"strings"
)

// Kind is how a Task reaches what does its work.
type Kind string

// The kinds of Task.
const (
	KindLambda     Kind = "lambda"    // Resource is the function's own ARN
	KindActivity   Kind = "activity"  // polled by workers
	KindOptimized  Kind = "optimized" // arn:aws:states:::sns:publish
	KindSDK        Kind = "aws-sdk"   // arn:aws:states:::aws-sdk:sqs:sendMessage
	KindUnknown    Kind = "unknown"   // an ARN of something else
	KindUnresolved Kind = ""          // a ${…} placeholder hides it
)

// Pattern is how long a Task waits for what it started.
type Pattern string

// The service integration patterns.
const (
	RequestResponse  Pattern = "request-response"
	Sync             Pattern = "sync"
	Sync2            Pattern = "sync:2"
	WaitForTaskToken Pattern = "waitForTaskToken"
)

// Integration is what a Task calls.
type Integration struct {
	Kind      Kind
	Partition string // aws, aws-cn, aws-us-gov …
	Service   string // lambda, sns, dynamodb, states …; "" where Kind is unknown
	Action    string // publish, startExecution …; "" for functions and activities
	Pattern   Pattern
	Name      string // of the function or activity that Resource is the ARN of
}

// Integration returns what a Task calls, read from its Resource; the zero
// Integration for other states.
func (s *State) Integration() Integration {
	if s.Task == nil {
		return Integration{}
	}
	return ParseResource(s.Task.Resource)
}

// StartsExecution reports that the Task starts an execution of a state machine.
func (i Integration) StartsExecution() bool {
	return i.Service == "states" && strings.EqualFold(i.Action, "startExecution") || strings.EqualFold(i.Action, "startSyncExecution") && i.Service == "sfn"
}

// ParseResource reads the Resource of a Task, an ItemReader or a ResultWriter.
func ParseResource(resource string) Integration {
	parts := splitARN(resource)
	if len(parts) < 6 || parts[0] != "arn" {
		if isPlaceholder(resource) {
			return Integration{}
		}
		return Integration{Kind: KindUnknown}
	}
	i := Integration{Partition: parts[1], Kind: KindUnknown, Pattern: RequestResponse}
	service, rest := parts[2], parts[5]
	switch {
	case service == "lambda" && strings.HasPrefix(rest, "function:"):
		i.Kind, i.Service, i.Name = KindLambda, "lambda", strings.TrimPrefix(rest, "function:")
	case service == "states" && strings.HasPrefix(rest, "activity:"):
		i.Kind, i.Service, i.Name = KindActivity, "states", strings.TrimPrefix(rest, "activity:")
	case service == "states" && !strings.HasPrefix(rest, "stateMachine:"):
		i.serviceCall(rest) // region and account may be given, and count for nothing
	}
	return i
}

// splitARN cuts an ARN at its colons, but not at those inside a ${AWS::Partition}.
func splitARN(arn string) []string {
	inside := false
	masked := strings.Map(func(r rune) rune {
		switch {
		case r == '{':
			inside = true
		case r == '}':
			inside = false
		case r == ':' && inside:
			return 0
		}
		return r
	}, arn)
	parts := strings.SplitN(masked, ":", 6)
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "\x00", ":")
	}
	return parts
}

// serviceCall reads what follows arn:aws:states:::.
func (i *Integration) serviceCall(rest string) {
	rest, i.Pattern = cutPattern(rest)
	kind := KindOptimized
	if after, ok := strings.CutPrefix(rest, "aws-sdk:"); ok {
		kind, rest = KindSDK, after
	}
	service, action, ok := strings.Cut(rest, ":")
	if ok && service != "" && action != "" {
		i.Kind, i.Service, i.Action = kind, service, action
	}
}

func cutPattern(rest string) (string, Pattern) {
	for _, p := range []Pattern{Sync2, Sync, WaitForTaskToken} {
		if before, ok := strings.CutSuffix(rest, "."+string(p)); ok {
			return before, p
		}
	}
	return rest, RequestResponse
}

// Function returns the Lambda function that a Task calls: its ARN or name as
// written, where it is written down; or the path or expression that selects it. Both
// are zero for a Task that calls no function.
func (s *State) Function() (name string, selected *Node) {
	i := s.Integration()
	switch {
	case i.Kind == KindLambda:
		return s.Task.Resource, nil
	case i.Service != "lambda" || !strings.EqualFold(i.Action, "invoke"):
		return "", nil
	}
	given := s.Parameters
	if s.QueryLanguage == JSONata {
		given = s.Arguments
	}
	return given.member("FunctionName")
}

// member returns the text of a member of a template's object, or what selects it.
func (t *Template) member(key string) (text string, selected *Node) {
	if t == nil || t.Root == nil {
		return "", nil
	}
	for _, f := range t.Root.Members {
		if f.Key != key {
			continue
		}
		if f.Node.Literal.IsAbsent() {
			return "", f.Node
		}
		return f.Node.Literal.text(), nil
	}
	return t.Root.Literal.get(key).text(), nil
}

// optimized lists the optimised integrations (Developer Guide, "Integrating optimized
// services"): the actions of each service.
var optimized = map[string][]string{
	"apigateway":   {"invoke"},
	"athena":       {"startQueryExecution", "stopQueryExecution", "getQueryExecution", "getQueryResults"},
	"batch":        {"submitJob"},
	"bedrock":      {"invokeModel", "createModelCustomizationJob"},
	"codebuild":    {"startBuild", "stopBuild", "batchDeleteBuilds", "batchGetReports", "startBuildBatch", "stopBuildBatch", "retryBuildBatch", "deleteBuildBatch"},
	"databrew":     {"startJobRun"},
	"dynamodb":     {"getItem", "putItem", "updateItem", "deleteItem"},
	"ecs":          {"runTask"},
	"eks":          {"createCluster", "deleteCluster", "createFargateProfile", "deleteFargateProfile", "createNodegroup", "deleteNodegroup", "call", "runJob"},
	"events":       {"putEvents"},
	"glue":         {"startJobRun"},
	"http":         {"invoke"},
	"lambda":       {"invoke"},
	"mediaconvert": {"createJob"},
	"s3":           {"getObject", "listObjectsV2", "putObject"},
	"sns":          {"publish"},
	"sqs":          {"sendMessage"},
	"states":       {"startExecution"},

	"elasticmapreduce": {
		"createCluster", "terminateCluster", "addStep", "cancelStep", "setClusterTerminationProtection",
		"modifyInstanceFleetByName", "modifyInstanceGroupByName",
	},
	"emr-containers": {"createVirtualCluster", "deleteVirtualCluster", "startJobRun"},
	"emr-serverless": {"createApplication", "startApplication", "stopApplication", "deleteApplication", "startJobRun", "cancelJobRun"},
	"sagemaker": {
		"createEndpoint", "createEndpointConfig", "createHyperParameterTuningJob", "createLabelingJob", "createModel",
		"createProcessingJob", "createTrainingJob", "createTransformJob", "updateEndpoint",
	},
}

// withoutToken are the optimised services that have no .waitForTaskToken.
var withoutToken = []string{"athena", "batch", "codebuild", "databrew", "dynamodb", "elasticmapreduce", "emr-containers", "glue", "http", "sagemaker"}

// withoutSync are those that have no .sync.
var withoutSync = []string{"apigateway", "dynamodb", "events", "http", "lambda", "sns", "sqs"}

// resource checks the Resource of a Task.
func (d *decoder) resource(s *State, v *node) {
	i := ParseResource(v.text)
	switch {
	case isPlaceholder(v.text):
		return
	case i.Kind == KindUnknown && !strings.HasPrefix(v.text, "arn:"):
		d.unrecognized(v, "%q is no ARN", v.text)
	case i.Kind == KindUnknown:
		d.unknownKind(v)
	case i.Kind == KindOptimized:
		d.optimizedResource(v, i)
	case i.Kind == KindSDK && i.Pattern != WaitForTaskToken && i.Pattern != RequestResponse:
		d.unrecognized(v, "SDK integrations have no .%s; only the optimised ones have", i.Pattern)
	}
	if d.processor != nil && d.processor.ExecutionType == string(Express) {
		d.expressResource(v, i)
	}
}

func (d *decoder) unknownKind(v *node) {
	if strings.Contains(v.text, ":states:::") || strings.Count(v.text, ":") < 5 {
		d.unrecognized(v, "%q is neither a service integration nor the ARN of a function or an activity", v.text)
		return
	}
	d.warnf(v, codeSchema, "%q is neither a service integration nor the ARN of a function or an activity", v.text)
}

func (d *decoder) optimizedResource(v *node, i Integration) {
	actions, known := optimized[i.Service]
	switch {
	case !known && didYouMean(i.Service, keys(optimized)) != "":
		d.unrecognized(v, "no optimised integration with %q%s", i.Service, didYouMean(i.Service, keys(optimized)))
	case !known:
		d.warnf(v, codeSchema, "no optimised integration with %q is known here", i.Service)
	case !slices.Contains(actions, i.Action):
		d.unrecognized(v, "no optimised integration %s:%s%s; any other action goes by arn:aws:states:::aws-sdk:%s:%s",
			i.Service, i.Action, didYouMean(i.Action, actions), i.Service, i.Action)
	case i.Pattern == WaitForTaskToken && slices.Contains(withoutToken, i.Service),
		(i.Pattern == Sync || i.Pattern == Sync2) && slices.Contains(withoutSync, i.Service),
		i.Pattern == Sync2 && i.Service != "states":
		d.unrecognized(v, "%s:%s has no .%s", i.Service, i.Action, i.Pattern)
	}
}

func (d *decoder) unrecognized(v *node, format string, args ...any) {
	d.schemaf(v, format, args...).saying("The resource provided %s is not recognized. "+
		"The value is not a valid resource ARN, or the resource is not available in this region.", v.text)
}

// expressResource reports what an Express workflow cannot wait for.
func (d *decoder) expressResource(v *node, i Integration) {
	const longer = "; an Express workflow ends within five minutes and cannot wait for it"
	switch {
	case i.Kind == KindActivity:
		d.schemaf(v, "an activity%s", longer).saying("Express state machine does not support Activity ARN")
	case i.Pattern == Sync || i.Pattern == Sync2:
		d.schemaf(v, ".%s%s", i.Pattern, longer).saying("Express state machine does not support '.%s' service integration", i.Pattern)
	case i.Pattern == WaitForTaskToken:
		// Step Functions writes two blanks here.
		d.schemaf(v, ".%s%s", i.Pattern, longer).saying("Express state machine does not support '.%s' service integration ", i.Pattern)
	}
}
