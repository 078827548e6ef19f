package rules

import (
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// knownRefusal is what a service's customary words for refusing a request mean, and
// what to do then.
type knownRefusal struct {
	words *lazyregexp.Regexp
	why   string
	steps []string // in place of the usual ones; nil: the usual ones
	also  []diagnose.Category
}

var refusals = []knownRefusal{
	{
		words: nothingToDo,
		why:   "The request would change nothing, and the service takes that for an error: what is wanted is there already.",
		steps: []string{"Catch this error by its name and go on as after a success, or compare before the call."},
	},
	{
		words: lazyregexp.New(`(?i)reserved keyword`),
		why:   "DynamoDB keeps that word for itself: put a placeholder into the expression, #name, and say what it stands for in ExpressionAttributeNames.",
		steps: []string{`Write the expression with #name for the word, and add "ExpressionAttributeNames": {"#name": "the attribute"} beside it.`},
	},
	{
		words: lazyregexp.New(`(?i)cannot be converted to (?:string|numeric)|Start of structure or map found where not expected|Unexpected value type`),
		why:   "DynamoDB takes typed values, and every number as a text under N: {\"count\": {\"N\": \"7\"}}, {\"id\": {\"S\": \"x\"}}.",
		steps: []string{`In a JSONPath workflow make a text of the number: "N.$": "States.Format('{}', $.count)"; in JSONata: {% $string($states.input.count) %}.`},
	},
	{
		words: lazyregexp.New(`(?i)provided key element does not match|Type mismatch for key|number of conditions on the keys is invalid`),
		why:   "Key has to hold just the attributes that are the table's key, the partition key and, where there is one, the sort key, by their exact names and with the types that the table gives them; DynamoDB takes typed values, such as {\"S\": \"…\"}.",
		steps: []string{"See what the key is: aws dynamodb describe-table --table-name TABLE --query 'Table.[KeySchema,AttributeDefinitions]'", `Write it so: "Key": {"id": {"S.$": "$.id"}} (a number as a text under N), and leave all other attributes out.`},
	},
	{
		words: lazyregexp.New(`(?i)MessageGroupId|MessageDeduplicationId`),
		why:   "A FIFO queue or topic (its name ends in .fifo) wants a MessageGroupId with every message, and a MessageDeduplicationId unless content-based deduplication is on; a standard one knows neither.",
		steps: []string{`Add "MessageGroupId" (what has to stay in order, such as a customer's id) to the parameters, and "MessageDeduplicationId.$": "$$.Execution.Name" or switch ContentBasedDeduplication on at the queue or topic.`},
	},
	{
		words: lazyregexp.New(`(?i)Network Configuration must be provided|networkConfiguration is (?:required|missing)`),
		why:   "A task definition with the network mode awsvpc (the only one on Fargate) has to be told its subnets by whoever runs it.",
		steps: []string{`Add to the parameters: "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-…"], "SecurityGroups": ["sg-…"], "AssignPublicIp": "DISABLED"}} (ENABLED in a public subnet without NAT).`},
		also:  []diagnose.Category{diagnose.DefinitionInvalid, diagnose.Configuration},
	},
	{
		words: lazyregexp.New(`(?i)Network Configuration is not valid for the given networkMode`),
		why:   "Only a task definition with the network mode awsvpc takes a NetworkConfiguration; with bridge and host the task uses its instance's network.",
		steps: []string{"Take NetworkConfiguration out of the parameters, or give the task definition the networkMode awsvpc (aws ecs describe-task-definition --task-definition NAME --query taskDefinition.networkMode)."},
		also:  []diagnose.Category{diagnose.Configuration},
	},
	{
		words: lazyregexp.New(`(?i)Instances? \[+i-.{0,200}not in (?:a )?valid state`),
		why:   "Systems Manager cannot reach the instance: it is stopped or terminated, its SSM agent does not run or has no way to the ssm endpoints, or its instance profile lacks AmazonSSMManagedInstanceCore.",
		steps: []string{"See whether Systems Manager knows it: aws ssm describe-instance-information --query 'InstanceInformationList[].[InstanceId,PingStatus]'", "Start the instance and wait until its PingStatus is Online before the command is sent (a Wait and Choice loop)."},
		also:  []diagnose.Category{diagnose.Configuration, diagnose.Concurrency, diagnose.ResourceNotFound},
	},
	{
		words: lazyregexp.New(`(?i)job flow that is shutting down, terminated|cluster .{0,60}is (?:terminated|terminating|not running)`),
		why:   "The EMR cluster that the step is for has ended: it terminated itself after its last step (KeepJobFlowAliveWhenNoSteps false), was idle too long, failed in its bootstrap, or the id is an old one.",
		steps: []string{"See how it ended: aws emr describe-cluster --cluster-id ID --query Cluster.Status", "Create the cluster in the same workflow (elasticmapreduce:createCluster.sync with KeepJobFlowAliveWhenNoSteps true), hand its ClusterId to the step, and terminate it at the end."},
		also:  []diagnose.Category{diagnose.ResourceNotFound, diagnose.Concurrency, diagnose.Configuration},
	},
	{
		words: lazyregexp.New(`(?i)job-?definition\b.{0,160}\bis not ACTIVE|is in INACTIVE state`),
		why:   "That revision was deregistered: revisions are not changed but replaced, and tools such as Terraform deregister the old one.",
		steps: []string{"Name the job definition without a revision (the latest active one is taken), or the revision that is there: aws batch describe-job-definitions --job-definition-name NAME --status ACTIVE --query 'jobDefinitions[].jobDefinitionArn'"},
		also:  []diagnose.Category{diagnose.ResourceNotFound, diagnose.Configuration},
	},
	{
		words: lazyregexp.New(`(?i)Malformed input request|required key \[\w+\] not found|extraneous key`),
		why:   "Each family of models on Amazon Bedrock has its own form of request: Anthropic's wants anthropic_version, max_tokens and messages, others have other members.",
		steps: []string{`Write Body as the model's page has it, for Anthropic's {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 1000, "messages": [{"role": "user", "content": …}]}; or call aws-sdk:bedrockruntime:converse, whose form is the same for all models.`},
	},
}

// refusalOf is the customary refusal that f's words are, or nil.
func (f *facts) refusalOf() *knownRefusal {
	for i := range refusals {
		if refusals[i].words.MatchString(f.msg) {
			return &refusals[i]
		}
	}
	return nil
}
