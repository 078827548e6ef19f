package setup_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	bedrocktypes "github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stepsleuth/stepsleuth/internal/setup"
)

const (
	functionARN = "arn:aws:lambda:eu-west-1:123456789012:function:stepsleuth-troubleshooter"
	topicARN    = "arn:aws:sns:eu-west-1:123456789012:stepsleuth-troubleshooter"
	queueARN    = "arn:aws:sqs:eu-west-1:123456789012:stepsleuth-troubleshooter-dead-letters"
	ruleARN     = "arn:aws:events:eu-west-1:123456789012:rule/stepsleuth-troubleshooter-failures"
	machineARN  = "arn:aws:states:eu-west-1:123456789012:stateMachine:order"
	roleARN     = "arn:aws:iam::123456789012:role/stepsleuth-troubleshooter"
	machineRole = "arn:aws:iam::123456789012:role/service/order"
	profileARN  = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0"
)

// world is an account in memory. A fresh one is well; tests break a part of it.
type world struct {
	refuse map[string]error // by operation

	seconds     int32
	state       lambdatypes.State
	concurrency *int32
	environment map[string]string
	policy      string // of the function; "" none
	onFailure   string

	topicKey      string
	subscriptions []string
	keys          []string
	ttl           string
	retention     *int32
	groups        []string
	rules         map[string]*eventbridge.DescribeRuleOutput
	targets       []eventstypes.Target
	waiting       string // messages in the queue

	definition string
	express    bool
	logging    *sfntypes.LoggingConfiguration
	filters    []logstypes.SubscriptionFilter

	profile      *bedrock.GetInferenceProfileOutput
	availability *bedrock.GetFoundationModelAvailabilityOutput
	parameter    ssmtypes.ParameterType // "" none

	caller   string
	lacks    []string                           // actions that a simulation does not allow
	denies   []string                           // actions that it says are denied
	policies map[string]string                  // of roles, by name, where no simulation may be had
	asked    []iam.SimulatePrincipalPolicyInput // simulations
}

func newWorld() *world {
	pattern, _ := json.Marshal(map[string]any{
		"source": []string{"aws.states"}, "detail-type": []string{"Step Functions Execution Status Change"},
		"detail": map[string]any{"status": []string{"ABORTED", "FAILED", "TIMED_OUT"}, "stateMachineArn": []string{machineARN}},
	})
	return &world{
		refuse: map[string]error{}, seconds: 55, state: lambdatypes.StateActive, onFailure: queueARN,
		environment: map[string]string{
			"STEPSLEUTH_TOPIC_ARN": topicARN, "STEPSLEUTH_TABLE": "stepsleuth-troubleshooter",
			"STEPSLEUTH_MODEL": "bedrock:eu.amazon.nova-lite-v1:0", "STEPSLEUTH_REDACTION_KEY_PARAMETER": "/stepsleuth/redaction-key",
		},
		policy:        `{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + functionARN + `","Condition":{"ArnLike":{"AWS:SourceArn":"` + ruleARN + `"}}}]}`,
		subscriptions: []string{topicARN + ":1"}, keys: []string{"pk", "sk"}, ttl: "expires", retention: aws.Int32(30), groups: []string{"/aws/lambda/stepsleuth-troubleshooter"},
		rules: map[string]*eventbridge.DescribeRuleOutput{"stepsleuth-troubleshooter-failures": {
			Name: aws.String("stepsleuth-troubleshooter-failures"), Arn: aws.String(ruleARN), State: eventstypes.RuleStateEnabled, EventPattern: aws.String(string(pattern)),
		}},
		targets: []eventstypes.Target{{Id: aws.String("troubleshooter"), Arn: aws.String(functionARN), DeadLetterConfig: &eventstypes.DeadLetterConfig{Arn: aws.String(queueARN)}}},
		waiting: "0", definition: `{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`,
		profile: &bedrock.GetInferenceProfileOutput{InferenceProfileArn: aws.String(profileARN), Status: bedrocktypes.InferenceProfileStatusActive, Models: []bedrocktypes.InferenceProfileModel{
			{ModelArn: aws.String("arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0")}, {ModelArn: aws.String("arn:aws:bedrock:eu-north-1::foundation-model/amazon.nova-lite-v1:0")},
		}},
		availability: &bedrock.GetFoundationModelAvailabilityOutput{
			AgreementAvailability: &bedrocktypes.AgreementAvailability{Status: bedrocktypes.AgreementStatusAvailable}, AuthorizationStatus: bedrocktypes.AuthorizationStatusAuthorized,
			EntitlementAvailability: bedrocktypes.EntitlementAvailabilityAvailable, RegionAvailability: bedrocktypes.RegionAvailabilityAvailable,
		},
		parameter: ssmtypes.ParameterTypeSecureString, caller: "arn:aws:sts::123456789012:assumed-role/admin/ana",
	}
}

func (w *world) clients() setup.Clients {
	return setup.Clients{Identity: identity{w}, Functions: functions{w}, Roles: roles{w}, Topics: topics{w}, Tables: tables{w}, Rules: rules{w},
		Logs: logs{w}, Queues: queues{w}, States: states{w}, Models: models{w}, Parameters: parameters{w}}
}

func refusal(code string) error { return &smithy.GenericAPIError{Code: code, Message: "said by AWS"} }

type (
	identity   struct{ *world }
	functions  struct{ *world }
	roles      struct{ *world }
	topics     struct{ *world }
	tables     struct{ *world }
	rules      struct{ *world }
	logs       struct{ *world }
	queues     struct{ *world }
	states     struct{ *world }
	models     struct{ *world }
	parameters struct{ *world }
)

func (w identity) GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Account: aws.String("123456789012"), Arn: &w.caller}, w.refuse["GetCallerIdentity"]
}

func (w functions) GetFunctionConfiguration(_ context.Context, in *lambda.GetFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	return &lambda.GetFunctionConfigurationOutput{
		FunctionName: aws.String("stepsleuth-troubleshooter"), FunctionArn: aws.String(functionARN), Role: aws.String(roleARN), Timeout: &w.seconds, MemorySize: aws.Int32(128),
		Runtime: lambdatypes.RuntimeProvidedal2023, Architectures: []lambdatypes.Architecture{lambdatypes.ArchitectureArm64}, State: w.state,
		LastUpdateStatus: lambdatypes.LastUpdateStatusSuccessful, Environment: &lambdatypes.EnvironmentResponse{Variables: w.environment},
	}, w.refuse["GetFunctionConfiguration"]
}

func (w functions) GetFunctionConcurrency(context.Context, *lambda.GetFunctionConcurrencyInput, ...func(*lambda.Options)) (*lambda.GetFunctionConcurrencyOutput, error) {
	return &lambda.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: w.concurrency}, w.refuse["GetFunctionConcurrency"]
}

func (w functions) GetFunctionEventInvokeConfig(context.Context, *lambda.GetFunctionEventInvokeConfigInput, ...func(*lambda.Options)) (*lambda.GetFunctionEventInvokeConfigOutput, error) {
	if w.onFailure == "" {
		return nil, refusal("ResourceNotFoundException")
	}
	return &lambda.GetFunctionEventInvokeConfigOutput{DestinationConfig: &lambdatypes.DestinationConfig{OnFailure: &lambdatypes.OnFailure{Destination: &w.onFailure}}}, nil
}

func (w functions) GetPolicy(context.Context, *lambda.GetPolicyInput, ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error) {
	if w.policy == "" {
		return nil, refusal("ResourceNotFoundException")
	}
	return &lambda.GetPolicyOutput{Policy: &w.policy}, w.refuse["GetPolicy"]
}

func (w roles) SimulatePrincipalPolicy(_ context.Context, in *iam.SimulatePrincipalPolicyInput, _ ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error) {
	if w.policies != nil {
		return nil, refusal("AccessDenied")
	}
	w.asked = append(w.asked, *in)
	decision := iamtypes.PolicyEvaluationDecisionTypeAllowed
	if slices.Contains(w.lacks, in.ActionNames[0]) {
		decision = iamtypes.PolicyEvaluationDecisionTypeImplicitDeny
	}
	if slices.Contains(w.denies, in.ActionNames[0]) {
		decision = iamtypes.PolicyEvaluationDecisionTypeExplicitDeny
	}
	return &iam.SimulatePrincipalPolicyOutput{EvaluationResults: []iamtypes.EvaluationResult{{EvalActionName: &in.ActionNames[0], EvalDecision: decision}}}, nil
}

func (w roles) ListRolePolicies(_ context.Context, in *iam.ListRolePoliciesInput, _ ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error) {
	if w.policies[*in.RoleName] == "" {
		return nil, refusal("AccessDenied")
	}
	return &iam.ListRolePoliciesOutput{PolicyNames: []string{"own"}}, nil
}

func (w roles) GetRolePolicy(_ context.Context, in *iam.GetRolePolicyInput, _ ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error) {
	return &iam.GetRolePolicyOutput{PolicyDocument: aws.String(strings.ReplaceAll(w.policies[*in.RoleName], `"`, "%22"))}, nil
}

func (w roles) ListAttachedRolePolicies(context.Context, *iam.ListAttachedRolePoliciesInput, ...func(*iam.Options)) (*iam.ListAttachedRolePoliciesOutput, error) {
	return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: []iamtypes.AttachedPolicy{{PolicyArn: aws.String("arn:aws:iam::123456789012:policy/shared")}}}, nil
}

func (w roles) GetPolicy(context.Context, *iam.GetPolicyInput, ...func(*iam.Options)) (*iam.GetPolicyOutput, error) {
	return &iam.GetPolicyOutput{Policy: &iamtypes.Policy{DefaultVersionId: aws.String("v3")}}, nil
}

func (w roles) GetPolicyVersion(_ context.Context, in *iam.GetPolicyVersionInput, _ ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error) {
	return &iam.GetPolicyVersionOutput{PolicyVersion: &iamtypes.PolicyVersion{Document: aws.String(`{"Statement":{"Effect":"Allow","Action":"logs:*","Resource":"*"}}`)}}, nil
}

func (w topics) GetTopicAttributes(context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error) {
	return &sns.GetTopicAttributesOutput{Attributes: map[string]string{"KmsMasterKeyId": w.topicKey}}, w.refuse["GetTopicAttributes"]
}

func (w topics) ListSubscriptionsByTopic(context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options)) (*sns.ListSubscriptionsByTopicOutput, error) {
	out := &sns.ListSubscriptionsByTopicOutput{}
	for _, arn := range w.subscriptions {
		out.Subscriptions = append(out.Subscriptions, snstypes.Subscription{SubscriptionArn: aws.String(arn), Endpoint: aws.String("ana@example.com")})
	}
	return out, nil
}

func (w tables) DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	t := &dynamodbtypes.TableDescription{TableStatus: dynamodbtypes.TableStatusActive}
	for _, name := range w.keys {
		t.KeySchema = append(t.KeySchema, dynamodbtypes.KeySchemaElement{AttributeName: aws.String(name)})
	}
	return &dynamodb.DescribeTableOutput{Table: t}, w.refuse["DescribeTable"]
}

func (w tables) DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error) {
	d := &dynamodbtypes.TimeToLiveDescription{TimeToLiveStatus: dynamodbtypes.TimeToLiveStatusDisabled}
	if w.ttl != "" {
		d = &dynamodbtypes.TimeToLiveDescription{TimeToLiveStatus: dynamodbtypes.TimeToLiveStatusEnabled, AttributeName: &w.ttl}
	}
	return &dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: d}, nil
}

func (w rules) ListRuleNamesByTarget(context.Context, *eventbridge.ListRuleNamesByTargetInput, ...func(*eventbridge.Options)) (*eventbridge.ListRuleNamesByTargetOutput, error) {
	out := &eventbridge.ListRuleNamesByTargetOutput{}
	for name := range w.rules {
		out.RuleNames = append(out.RuleNames, name)
	}
	slices.Sort(out.RuleNames)
	return out, w.refuse["ListRuleNamesByTarget"]
}

func (w rules) DescribeRule(_ context.Context, in *eventbridge.DescribeRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error) {
	return w.rules[*in.Name], nil
}

func (w rules) ListTargetsByRule(context.Context, *eventbridge.ListTargetsByRuleInput, ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error) {
	return &eventbridge.ListTargetsByRuleOutput{Targets: w.targets}, nil
}

func (w logs) DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for _, name := range w.groups {
		out.LogGroups = append(out.LogGroups, logstypes.LogGroup{LogGroupName: aws.String(name), RetentionInDays: w.retention})
	}
	return out, nil
}

func (w logs) DescribeSubscriptionFilters(context.Context, *cloudwatchlogs.DescribeSubscriptionFiltersInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeSubscriptionFiltersOutput, error) {
	return &cloudwatchlogs.DescribeSubscriptionFiltersOutput{SubscriptionFilters: w.filters}, nil
}

func (w queues) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	return &sqs.GetQueueUrlOutput{QueueUrl: aws.String("https://sqs.eu-west-1.amazonaws.com/123456789012/" + *in.QueueName)}, w.refuse["GetQueueUrl"]
}

func (w queues) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{"ApproximateNumberOfMessages": w.waiting}}, nil
}

func (w states) DescribeStateMachine(_ context.Context, in *sfn.DescribeStateMachineInput, _ ...func(*sfn.Options)) (*sfn.DescribeStateMachineOutput, error) {
	kind := sfntypes.StateMachineTypeStandard
	if w.express {
		kind = sfntypes.StateMachineTypeExpress
	}
	return &sfn.DescribeStateMachineOutput{StateMachineArn: in.StateMachineArn, Definition: &w.definition, RoleArn: aws.String(machineRole), Type: kind, LoggingConfiguration: w.logging}, w.refuse["DescribeStateMachine"]
}

func (w models) GetInferenceProfile(context.Context, *bedrock.GetInferenceProfileInput, ...func(*bedrock.Options)) (*bedrock.GetInferenceProfileOutput, error) {
	return w.profile, w.refuse["GetInferenceProfile"]
}

func (w models) GetFoundationModelAvailability(context.Context, *bedrock.GetFoundationModelAvailabilityInput, ...func(*bedrock.Options)) (*bedrock.GetFoundationModelAvailabilityOutput, error) {
	return w.availability, w.refuse["GetFoundationModelAvailability"]
}

func (w parameters) DescribeParameters(context.Context, *ssm.DescribeParametersInput, ...func(*ssm.Options)) (*ssm.DescribeParametersOutput, error) {
	out := &ssm.DescribeParametersOutput{}
	if w.parameter != "" {
		out.Parameters = []ssmtypes.ParameterMetadata{{Type: w.parameter}}
	}
	return out, w.refuse["DescribeParameters"]
}
