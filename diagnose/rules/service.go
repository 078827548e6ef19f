package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// NotFound sees something referred to that is not there.
var NotFound = &diagnose.Rule{
	Name:  "not-found",
	Doc:   "What the call refers to does not exist there: function, table, queue, topic, bucket, object, state machine, job, cluster.",
	Check: one(notFound),
}

var (
	absentName   = lazyregexp.New(`(?i)notfound|doesnotexist|nosuch|nonexistent`)
	qualifiedARN = lazyregexp.New(`:function:[\w-]+:[\w-]+`)
	serverStatus = lazyregexp.New(`\b(50[0-9])\b`)
)

var quotedName = lazyregexp.New(`['"` + "`" + `“]([\w$@./:+=#-]{2,200})['"` + "`" + `”]|(?i:function|topic|queue|bucket|table|job|cluster|crawler|workgroup|database|secret|parameter|key|model|rule|project|activity|machine|repository|image|definition|file)(?: (?:named?|with name|id|arn))?:? ([\w$@./:+=#-]*[\d_/:.-][\w$@./:+=#-]*)`)

// subjectOf is the thing that a message is about: an ARN or a name in it; "" unknown.
func subjectOf(msg string) string {
	if arn := anyARN.FindString(msg); arn != "" {
		if arn = strings.TrimRight(arn, ".'\""); looksLikeName(arn) {
			return arn
		}
		return ""
	}
	m := quotedName.FindStringSubmatch(msg)
	if m == nil || link.MatchString(m[0]) {
		return ""
	}
	return strings.TrimRight(or(m[1], m[2]), ".,:;")
}

// things are the kinds of resource, and where a Task names them.
var things = []struct {
	service, kind string
	params        []string
	look          string // command that lists what is there
}{
	{"lambda", "function", []string{"FunctionName"}, "aws lambda get-function --function-name %s"},
	{"dynamodb", "table", []string{"TableName"}, "aws dynamodb describe-table --table-name %s"},
	{"sqs", "queue", []string{"QueueUrl"}, "aws sqs get-queue-attributes --queue-url %s"},
	{"sns", "topic", []string{"TopicArn", "TargetArn"}, "aws sns get-topic-attributes --topic-arn %s"},
	{"s3", "bucket or object", []string{"Bucket", "Key"}, "aws s3api head-bucket --bucket %s"},
	{"states", "state machine", []string{"StateMachineArn"}, "aws stepfunctions describe-state-machine --state-machine-arn %s"},
	{"sfn", "state machine or execution", []string{"StateMachineArn", "ExecutionArn"}, "aws stepfunctions describe-state-machine --state-machine-arn %s"},
	{"glue", "job", []string{"JobName", "Name"}, "aws glue get-job --job-name %s"},
	{"ecs", "cluster or task definition", []string{"TaskDefinition", "Cluster"}, "aws ecs describe-task-definition --task-definition %s"},
	{"batch", "job queue or job definition", []string{"JobDefinition", "JobQueue"}, "aws batch describe-job-definitions --job-definitions %s"},
	{"athena", "workgroup, database or table", []string{"WorkGroup"}, "aws athena get-work-group --work-group %s"},
	{"sagemaker", "model, job or endpoint", []string{"ModelName", "TrainingJobName", "EndpointName"}, ""},
	{"codebuild", "project", []string{"ProjectName"}, "aws codebuild batch-get-projects --names %s"},
	{"elasticmapreduce", "cluster", []string{"ClusterId"}, "aws emr describe-cluster --cluster-id %s"},
	{"events", "event bus", nil, "aws events describe-event-bus --name %s"},
	{"secretsmanager", "secret", []string{"SecretId"}, "aws secretsmanager describe-secret --secret-id %s"},
	{"ssm", "parameter or document", []string{"Name", "DocumentName"}, "aws ssm get-parameter --name %s"},
	{"bedrock", "model", []string{"ModelId"}, "aws bedrock list-inference-profiles"},
	{"activity", "activity", nil, "aws stepfunctions describe-activity --activity-arn %s"},
}

func notFound(f *facts) *diagnose.Finding {
	s := f.signal()
	if s.category != diagnose.ResourceNotFound || literalPath(f) != nil {
		return nil
	}
	d := f.finding(diagnose.ResourceNotFound, s.confidence(), diagnose.No)
	if s.sure && f.root.Shape == diagnose.ServiceCause && absentName.MatchString(exception(f.root.Type)+exception(f.err)) {
		d.Confidence = diagnose.Certain
	}
	kind, from, name, look := "resource", "", subjectOf(f.msg), ""
	var given []string // what the task names: "Bucket media", "Key a.json"
	for _, t := range things {
		if f.lambda() || t.service != f.task.service && (f.task.known || serviceName(t.service) != f.service()) {
			continue
		}
		kind, look = t.kind, t.look
		for _, p := range t.params {
			if v := f.param(p); v != "" && looksLikeName(v) {
				name = or(name, v)
				given = append(given, p+" "+v)
			}
			if node := f.paramNode(p); node != nil && node.Path != nil {
				from += fmt.Sprintf(" (%s comes from %s)", p, node.Path.Text)
			}
		}
	}
	kind = kindIn(f.msg, kind)
	if kind == "resource" {
		kind = kindIn(camel.ReplaceAllString(f.root.Action, "$1 $2"), kind) // HeadObject: the object
	}
	if f.task.service == "activity" {
		name = or(name, f.task.activity)
	}
	thing := "the " + kind
	if name != "" {
		thing += " " + name
	}
	if bucket, key := f.param("Bucket"), f.param("Key"); f.task.service == "s3" && len(given) > 0 && looksLikeName(bucket) && (kind == "key" || kind == "object") {
		thing, given = "the object", given[:0]
		look = "aws s3api list-objects-v2 --bucket " + bucket + " --max-items 10"
		if key != "" && looksLikeName(key) {
			thing += " " + key
			look = "aws s3api head-object --bucket " + bucket + " --key " + key
		}
		thing += " in the bucket " + bucket
	}
	if len(given) > 1 {
		from += " (the task names " + list(given) + ")"
	}
	d.Title = fmt.Sprintf("%s does not exist", upper(thing))
	d.RootCause = fmt.Sprintf("%s refers to %s%s, which does not exist in the region and account of the call%s.", upper(f.actorShort()), thing, from, saying(f.msg))
	d.Explanation = "It has another name, was deleted, was not yet created, or lives in another region or account: a name is looked up where the state machine runs, an ARN or URL where it says."
	if f.task.service == "s3" || f.says("NoSuchKey", "specified key") {
		d.Explanation += " S3 keys are taken literally: blanks and special characters that arrive URL-encoded in an S3 event have to be decoded."
	}
	if f.says("alias", ":RAM", "Cannot find alias") || qualifiedARN.MatchString(f.msg) {
		d.Explanation += " The name has a qualifier: that version or alias has to be there too."
	}
	if strings.Contains(f.msg, ":express:") {
		d.Explanation = "Executions of Express workflows cannot be described, listed or have their history read: what happened in them is only in CloudWatch Logs, where the state machine's logging is switched on (level ALL or ERROR, with execution data)."
	}
	d.Focus = f.focusField("does not exist", "Parameters", "Arguments", "Resource")
	var steps []string
	if look != "" {
		arg := or(name, "NAME")
		if strings.Contains(look, "%s") {
			look = fmt.Sprintf(look, arg)
		}
		steps = append(steps, "Look whether it is there, in the same region and account:", look)
	}
	steps = append(steps, "Correct the name, ARN or region in the definition (or in the data it comes from), or deploy (create) what is missing, before the state machine that uses it.")
	d.Remedies = []diagnose.Remedy{{Title: "Correct the reference, or create what is missing", Steps: steps}}
	d.Prevention = []string{"Let the deployment fill in names and ARNs (DefinitionSubstitutions, templatefile, CDK references), so that a definition cannot name what is not deployed."}
	d.Docs = []string{"Integrating services with Step Functions", "Troubleshooting issues in Step Functions"}
	return d
}

var kindWord = lazyregexp.New(`(?i)\b(function|alias|layer|topic|queue|bucket|object|key|table|index|job queue|job definition|task definition|job|cluster|crawler|workgroup|database|schema|column|secret|parameter|model|endpoint|rule|project|activity|state machine|execution|repository|image|log group|stream|stack|instance|subnet|security group|volume|snapshot|role|user|vault|file|connection|event bus|catalog|partition|document)\b`)

var camel = lazyregexp.New(`([a-z])([A-Z])`)

func kindIn(msg, otherwise string) string {
	m := kindWord.FindStringSubmatch(strings.ReplaceAll(msg, "_", " "))
	if m == nil {
		return otherwise
	}
	return strings.ToLower(m[1])
}

// AlreadyExists sees something to be created that is there.
var AlreadyExists = &diagnose.Rule{
	Name:  "already-exists",
	Doc:   "What is to be created is there already: a name in use, an execution, an object, an item under a condition.",
	Check: one(alreadyExists),
}

func alreadyExists(f *facts) *diagnose.Finding {
	s := f.signal()
	if s.category != diagnose.ResourceAlreadyExists || f.errorIs("ExecutionAlreadyExists", "StepFunctions.ExecutionAlreadyExistsException") {
		return nil
	}
	d := f.finding(diagnose.ResourceAlreadyExists, s.confidence(), diagnose.No)
	if f.says("ConditionalCheckFailed", "conditional request failed") {
		return f.conditionFailed(d)
	}
	if s.sure && f.root.Shape == diagnose.ServiceCause {
		d.Confidence = diagnose.Certain
	}
	thing := "What it creates"
	if name := subjectOf(f.msg); name != "" {
		thing = name
	}
	d.Title = thing + " already exists"
	d.RootCause = fmt.Sprintf("%s creates %s, which already exists%s.", upper(f.actorShort()), strings.Replace(thing, "What", "what", 1), saying(f.msg))
	d.Explanation = "A retry or a redrive repeats the call after it had already worked, two executions use the same name, or the name is kept (job names of SageMaker, names of closed executions for 90 days)."
	d.Focus = f.focusField("this name is taken", "Parameters", "Arguments")
	d.Remedies = []diagnose.Remedy{
		{Title: "Make the name unique to the execution", Steps: []string{"Derive it from the execution: \"Name.$\": \"States.Format('job-{}', $$.Execution.Name)\" (JSONata: $states.context.Execution.Name), or from States.UUID() where each attempt may create its own."}},
		{Title: "Take “already there” for success", Steps: []string{fmt.Sprintf("Where the step only has to make sure that it is there, catch %s and go on to the next state.", named(or(f.top.Error, "this error")))}},
	}
	d.Prevention = []string{"Make every step that creates something repeatable: retries and redrives run it again."}
	d.Docs = []string{"Handling errors in Step Functions workflows", "Making requests idempotent"}
	return d
}

func (f *facts) conditionFailed(d *diagnose.Finding) *diagnose.Finding {
	cond := f.param("ConditionExpression")
	d.Also = []diagnose.Category{diagnose.Concurrency}
	d.Retryable = diagnose.No
	d.Confidence = diagnose.Likely
	expects := "its condition"
	switch {
	case strings.Contains(cond, "attribute_not_exists"):
		d.Confidence = diagnose.Certain
		expects = "the item not to be there yet (attribute_not_exists), but it is"
	case strings.Contains(cond, "attribute_exists"):
		d.Category, d.Also = diagnose.ResourceNotFound, []diagnose.Category{diagnose.ResourceAlreadyExists}
		expects = "the item to be there (attribute_exists), but it is not"
	case strings.Contains(cond, "=") || strings.Contains(cond, "<"):
		d.Category, d.Also = diagnose.Concurrency, []diagnose.Category{diagnose.ResourceAlreadyExists}
		d.Retryable = diagnose.Depends
		expects = "a value (a version, a lock, a status) that the item does not have any more"
	}
	d.Title = "The condition of the write was not met"
	d.RootCause = fmt.Sprintf("%s writes to DynamoDB under a condition (ConditionExpression) that the stored item does not meet: the conditional request failed.", upper(f.actorShort()))
	if expects != "its condition" {
		d.RootCause = fmt.Sprintf("%s writes to DynamoDB under a condition (ConditionExpression), and expects %s.", upper(f.actorShort()), expects)
	}
	d.Explanation = "A failed condition is how DynamoDB says “somebody was here before”: an item that already exists, a lock that is taken, a version that has moved on; a retry of the same write gives the same answer unless the item changes."
	d.Focus = f.focusField("the condition is not met", "Parameters", "Arguments")
	d.Remedies = []diagnose.Remedy{
		{Title: "Handle it as the answer it is", Steps: []string{
			"Catch DynamoDB.ConditionalCheckFailedException (optimised integration) or DynamoDb.ConditionalCheckFailedException (aws-sdk), and go on as “already done”, or wait and try again where it is a lock.",
		}},
		{Title: "Look at the stored item", Steps: []string{"Set \"ReturnValuesOnConditionCheckFailure\": \"ALL_OLD\", so that the error shows the item that is in the way, and check whether an earlier attempt of the same execution wrote it."}},
	}
	d.Prevention = []string{"Make the key or the condition know the execution (for example its name), so that its own retry is told from somebody else's write."}
	d.Docs = []string{"DynamoDB condition expressions", "Handling errors in Step Functions workflows"}
	return d
}

// Conflict sees simultaneous work on the same thing.
var Conflict = &diagnose.Rule{
	Name:  "conflict",
	Doc:   "Simultaneous work conflicts: resource updating or in use, transaction conflict, lost optimistic lock.",
	Check: one(conflict),
}

func conflict(f *facts) *diagnose.Finding {
	s := f.signal()
	if s.category != diagnose.Concurrency {
		return nil
	}
	d := f.finding(diagnose.Concurrency, s.confidence(), diagnose.Yes)
	thing := strings.TrimSpace("the resource " + subjectOf(f.msg))
	switch {
	case referenced.MatchString(f.msg), broken.MatchString(f.msg):
		d.Retryable = diagnose.No
	case lasting.MatchString(f.msg) && !transitional.MatchString(f.msg):
		d.Retryable = diagnose.Depends
	}
	d.Title = fmt.Sprintf("%s is being changed or used by something else", upper(thing))
	d.RootCause = fmt.Sprintf("%s calls for %s while another operation on it is in progress or conflicts with it%s.", upper(f.actorShort()), thing, saying(f.msg))
	d.Explanation = "The service lets one change at a time through and refuses the rest; it passes when the other operation ends."
	if f.says("update is in progress for resource") && f.says("lambda") {
		d.Explanation = "Lambda updates a function in the background (LastUpdateStatus InProgress) and refuses further changes until it is Successful; tools have to wait for the function's state in between, which older versions do not do."
	}
	if broken.MatchString(f.msg) {
		d.Also = []diagnose.Category{diagnose.Configuration}
		d.RootCause = fmt.Sprintf("%s calls a function that is in the state Failed%s.", upper(f.actorShort()), saying(f.msg))
		d.Explanation = "Lambda could not set the function up when it was created or changed, and keeps it Failed until it is changed again: its StateReason says why (image, role, KMS key, subnets)."
	}
	d.Focus = f.focusField("conflicts with other work", "Resource")
	d.Remedies = []diagnose.Remedy{
		f.retryRemedy("Retry with back-off and jitter", "Choose IntervalSeconds in the order of how long the other operation takes: seconds for a function or an item, minutes for a database, a crawler, a cluster or a stack."),
		{Title: "Wait until the other operation is done, or take turns", Steps: []string{
			"Wait for the resource's state before the call: poll its status (Lambda: State and LastUpdateStatus; tables, clusters: ACTIVE) in a Wait and Choice loop, or with the CLI's waiter, such as aws lambda wait function-updated-v2; upgrade tools that do not.",
			"Let only one execution at a time touch the resource: MaxConcurrency 1, an SQS FIFO queue in front, or a lock in DynamoDB.",
		}},
	}
	if broken.MatchString(f.msg) {
		d.Remedies = []diagnose.Remedy{{Title: "Mend what Lambda could not set up", Steps: []string{
			"See the reason: aws lambda get-function-configuration --function-name " + f.functionArg() + " --query '[State,StateReasonCode,StateReason]'",
			"Mend that, then update the function (its code or configuration), and wait until it is Active: aws lambda wait function-active-v2 --function-name " + f.functionArg(),
		}}}
	}
	d.Prevention = []string{"Name in the definition which error means “busy”, and retry that one for as long as such an operation takes."}
	d.Docs = []string{"Error handling: retrying after an error", "Lambda function states"}
	return d
}

var (
	// referenced is a resource that something else points to, until that is undone.
	referenced = lazyregexp.New(`(?i)because (?:the following |it |other )?.{0,30}\b(?:reference|refer to|depend)|\breferenced by|has (?:a )?dependen|still (?:has|have) dependen`)
	// broken is a function that Lambda could not set up, and does not try to again.
	broken = lazyregexp.New(`(?i)following state: failed`)
	// lasting are states that a resource is in until somebody changes it; transitional
	// are states that it leaves by itself.
	lasting      = lazyregexp.New(`(?i)\b(?:not (?:currently )?in (?:an? )?(?:the )?['"]?(?:\w+ )?(?:valid|active|running|ready|stopped)|invalid state|not in a (?:valid )?state|must be in|in (?:an? )?(?:failed|error|stopped|inactive|disabled|deleted)|following state: (?:failed|inactive))`)
	transitional = lazyregexp.New(`(?i)_in_progress|in progress|(?:\b(?:is|was|are|in|currently|being|still)|state:?|status:?|state is|status is) (?:in )?(?:the |an? )?['"]?(?:creating|updating|deleting|modifying|pending|starting|stopping|rebooting|resizing|scaling|provisioning|backing-up|restoring|upgrading|configuring|initializing)\b`)
)

// InvalidRequest sees values that the called service refuses.
var InvalidRequest = &diagnose.Rule{
	Name:  "invalid-request",
	Doc:   "The called service refuses the request's values: a missing or null member, a wrong type, a bad format.",
	Check: one(invalidRequest),
}

var (
	constraintAt  = lazyregexp.New(`Value (?:'([^']*)'|null|at) ?(?:at )?'([\w.]+)' failed to satisfy constraint: ([^;(]+)`)
	patternOf     = lazyregexp.New(`regular expression pattern: (\S+)`)
	parameterName = lazyregexp.New(`(?i:parameter|argument|member|field|property|attribute)s?:? ['"]?([A-Z]\w{1,40}(?:\.\w+)*)['"]?`)
	namedBefore   = lazyregexp.New(`(?i:the|required|missing) ['"]?([A-Z]\w{2,40})['"]? (?:parameter|argument|member|field|property)`)
)

func invalidRequest(f *facts) *diagnose.Finding {
	s := f.signal()
	if s.category != diagnose.InvalidParameters || f.apiInput() || literalPath(f) != nil || lambdaEnvironment(f) != nil {
		return nil
	}
	d := f.finding(diagnose.InvalidParameters, s.confidence(), diagnose.No)
	if s.sure && f.root.Shape == diagnose.ServiceCause && (f.root.Status == 400 || f.root.Status == 0) && constraintAt.MatchString(f.msg) {
		d.Confidence = diagnose.Certain
	}
	member, detail := "", ""
	if m := constraintAt.FindStringSubmatch(f.msg); m != nil {
		member = m[2]
		value := "null"
		if m[1] != "" {
			value = quoted(m[1])
		}
		detail = fmt.Sprintf("%s at %s breaks the rule %s", or(value, "the value"), member, quoted(m[3]))
	} else if m := namedBefore.FindStringSubmatch(f.msg); m != nil {
		member = m[1]
	} else if m := parameterName.FindStringSubmatch(f.msg); m != nil && m[1] != "The" {
		member = m[1]
	}
	what := "a value of the request"
	if member != "" {
		what = member
	}
	d.Title = fmt.Sprintf("%s refuses %s", upper(f.service()), what)
	said := quoted(f.msg)
	if detail != "" {
		said = detail
	}
	d.RootCause = fmt.Sprintf("%s sends a request that %s refuses as not valid", upper(f.actorShort()), f.service())
	if said != "" {
		d.RootCause += ": " + said
	}
	d.RootCause += "."
	d.Explanation = f.whyInvalid(member)
	if from := f.comesFrom(member); from != "" {
		d.RootCause = strings.TrimSuffix(d.RootCause, ".") + "; " + from + "."
	}
	d.Focus = f.focusParam(member)
	d.Remedies = []diagnose.Remedy{{Title: "Correct " + what, Steps: []string{
		fmt.Sprintf("Compare the parameters as they were sent (TaskScheduled event of the history) with the API reference of %s; look at %s first.", f.service(), what),
		"Where the value comes from the input, check it in the caller or with a Choice (IsPresent, IsString, StringMatches) before the task.",
	}}}
	if patternOf.MatchString(f.msg) {
		d.Remedies[0].Steps = append(d.Remedies[0].Steps, "Leave out the characters that the pattern does not allow (a slash, a space, a dot): replace them where the name is made.")
	}
	if r := f.refusalOf(); r != nil {
		d.Explanation, d.Also = r.why, r.also
		if r.steps != nil {
			d.Remedies[0].Steps = slices.Clone(r.steps)
		}
		if table := f.param("TableName"); table != "" && looksLikeName(table) {
			for i, s := range d.Remedies[0].Steps {
				d.Remedies[0].Steps[i] = strings.ReplaceAll(s, "--table-name TABLE ", "--table-name "+table+" ")
			}
		}
	}
	d.Prevention = []string{"Try the state alone with TestState and a recorded input, and validate input where it enters the workflow."}
	d.Docs = []string{"Integrating services with Step Functions", "Using TestState API to test a state"}
	return d
}

// comesFrom says where the definition takes a parameter from, and what is there: "Item comes from $.Item, which is null".
func (f *facts) comesFrom(member string) string {
	for _, name := range []string{member, upperFirst(member)} {
		node := f.paramNode(name)
		if node == nil || node.Path == nil || !isPath(node.Path.Text) {
			continue
		}
		from := fmt.Sprintf("%s comes from %s", name, node.Path.Text)
		v, ok := follow(f.input(), node.Path.Text)
		if !ok {
			return from
		}
		if v.Kind() == value.KindNull {
			return from + ", which is null in this state's input"
		}
		return from
	}
	return ""
}

func (f *facts) focusParam(member string) *diagnose.Focus {
	for _, name := range []string{member, upperFirst(member)} {
		if node := f.paramNode(name); node != nil && node.Span.End > node.Span.Start {
			return &diagnose.Focus{Span: node.Span, Label: "refused by the service"}
		}
	}
	return f.focusField("refused by the service", "Parameters", "Arguments")
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return upper(s)
}

// nothingToDo are refusals of a request that would change nothing.
var nothingToDo = lazyregexp.New(`(?i)no (?:updates|changes) (?:are|is)? ?to be (?:performed|made|applied)|didn't contain changes|does not contain (?:any )?changes|nothing to (?:update|change|commit)|already up[ -]to[ -]date`)

func (f *facts) whyInvalid(member string) string {
	switch {
	case f.says("null", "required", "must contain the parameter", "MissingParameter", "missing"):
		e := "A member that the service needs is null, empty or missing: it is not in the definition, or the path it comes from leads to null."
		if member != "" && f.state != nil && f.paramNode(upperFirst(member)) == nil && f.paramNode(member) == nil && (f.state.Parameters != nil || f.state.Arguments != nil) {
			e = fmt.Sprintf("The definition gives the task no %s at all.", upperFirst(member))
		}
		return e
	case f.service() == "DynamoDB" && f.says("provided key element", "type mismatch", "AttributeValue", "Supplied AttributeValue"):
		return "DynamoDB takes typed values: {\"id\": {\"S\": \"…\"}}; numbers are sent as text under N, and the key's names and types have to be the table's."
	case f.says("regular expression", "alphanumeric", "characters", "invalid name", "valid name"):
		return "A name holds a character that is not allowed there (a space, a slash, a dot), or is too long."
	case f.says("timestamp", "date", "time"):
		return "A date or time has another format than the service takes."
	}
	return "The same request would be refused again: the value, its type or its form has to change, in the definition or in the data it is taken from."
}

// ServiceFailed sees a service that failed on its side.
var ServiceFailed = &diagnose.Rule{
	Name:  "service-failed",
	Doc:   "The called service failed on its side (5xx, internal error, no capacity), Lambda's own service errors included.",
	Check: one(serviceFailed),
}

func serviceFailed(f *facts) *diagnose.Finding {
	s := f.signal()
	if s.category != diagnose.ServiceError {
		return nil
	}
	d := f.finding(diagnose.ServiceError, s.confidence(), diagnose.Yes)
	if f.root.Status >= 500 && s.sure || f.errorIs("Lambda.ServiceException") {
		d.Confidence = diagnose.Certain
	}
	service := f.service()
	if f.lambda() && f.root.Service == "" {
		service = "the upstream service that the function calls"
		if m := serverStatus.FindString(f.msg); m == "500" && f.root.Status == 0 {
			d.Retryable = diagnose.Depends // a program's own 500 is as often a bug as a hiccup
		}
	}
	status := ""
	if f.root.Status > 0 {
		status = fmt.Sprintf(" (HTTP %d)", f.root.Status)
	} else if m := serverStatus.FindString(f.msg); m != "" {
		status = fmt.Sprintf(" (HTTP %s)", m)
	}
	d.Title = fmt.Sprintf("%s failed on its side%s", upper(service), status)
	d.RootCause = fmt.Sprintf("%s answered a call of %s with a server-side error%s, which is transient as a rule%s.", upper(service), f.actorShort(), status, saying(f.msg))
	d.Explanation = "The request itself was not refused; the service could not do it at that moment. Most such failures pass within seconds, so a Retry with back-off is the cure; one that stays for an hour is an outage or a request that breaks the service each time."
	if f.says("capacity", "provision") {
		d.Explanation = "The service has no capacity of that kind in that zone at the moment. It comes back in minutes to hours; another instance type, zone or region is the way round."
	}
	if f.says("SdkClientException", "Unable to execute") {
		d.Explanation = "SdkClientException comes from the SDK that Step Functions uses to call the service: the call did not get through or got no answer. It passes."
	}
	d.Explanation += f.retryNote()
	d.Focus = f.focusField("the service failed here", "Retry", "Resource")
	d.Remedies = []diagnose.Remedy{
		f.retryRemedy("Retry with back-off"),
		{Title: "If it stays, ask the service", Steps: []string{"Look at the AWS Health Dashboard for the region, and open a support case with the request id and time from the history."}},
	}
	d.Prevention = []string{"Every Task that calls a service gets a Retry for its transient errors; for Lambda: Lambda.ServiceException, Lambda.AWSLambdaException, Lambda.SdkClientException, Lambda.TooManyRequestsException."}
	d.Docs = []string{"Handling transient Lambda service exceptions", "Error handling: retrying after an error"}
	return d
}

// Unreachable sees a connection that did not come about.
var Unreachable = &diagnose.Rule{
	Name:  "unreachable",
	Doc:   "No connection: DNS, refused, reset, timed out, TLS; most often from a function in a VPC.",
	Check: one(unreachable),
}

var hostIn = lazyregexp.New(`(?i)(?:server (?:on|at) ['"]|host[= ]['"]?|endpoint URL: "?https?://|getaddrinfo \w+ |ECONNREFUSED |ETIMEDOUT |connect to (?:\w+ server on |server at )?['"]?|dial tcp |lookup |UnknownHostException: |Unable to execute HTTP request: (?:Connect to )?)([a-z0-9][\w.-]*\.[\w.-]+|\d{1,3}(?:\.\d{1,3}){3}|[a-z0-9-]{4,})(?::(\d+))?(?:$|[^\w])`)

// badCertificate is a certificate that stays as it is.
var badCertificate = lazyregexp.New(`(?i)certificate (?:verify failed|has expired|is not trusted|signed by unknown)|CERTIFICATE_VERIFY_FAILED|self[- ]signed|hostname .{0,80}(?:doesn't match|mismatch)|PKIX path building|unable to (?:get local issuer|verify the first) certificate|CERT_HAS_EXPIRED|x509: certificate`)

func unreachable(f *facts) *diagnose.Finding {
	s := f.signal()
	if s.category != diagnose.Network {
		return nil
	}
	d := f.finding(diagnose.Network, s.confidence(), diagnose.Depends)
	host := "the other side"
	if m := hostIn.FindStringSubmatch(f.msg); m != nil {
		host = m[1]
		if m[2] != "" {
			host += ":" + m[2]
		}
		host = or(quoted(host), "the other side")
	}
	d.Title = "No connection to " + host
	how := "could not connect to"
	reason := "The host is not reachable from where the call is made: its security group, network ACL, route or a missing NAT keeps the packets away, or nothing listens there."
	switch {
	case f.says("ENOTFOUND", "not known", "resolve", "getaddrinfo", "UnknownHost", "no such host", "EAI_AGAIN"):
		how = "could not resolve (DNS) the name of"
		reason = "DNS does not know that name in the network of the caller: a wrong name, stage or region in it, a private zone that is not associated with the VPC, or DNS switched off in the VPC."
	case f.says("refused"):
		how = "was refused a connection by"
		reason = "The host is there, and nothing listens on that port, or a firewall says no at once."
	case f.says("certificate", "SSL", "TLS", "x509", "PKIX", "handshake"):
		how = "could not agree on TLS with"
		if badCertificate.MatchString(f.msg) {
			d.Retryable = diagnose.No
		}
		reason = "The certificate is expired, made out to another name, or signed by an authority that the runtime does not trust; old TLS versions are refused as well."
	case f.says("timed out", "timeout", "ETIMEDOUT"):
		how = "got no answer in time (timed out) from"
		reason = "Packets get lost on the way (security group, network ACL, route, no NAT or VPC endpoint), or the other side takes longer than the client waits."
	case f.says("reset", "hang up", "aborted", "broken pipe"):
		how = "lost its connection to"
		reason = "The connection was there and broke: the other side restarted, closed an idle connection that the client kept, or is overloaded."
	}
	d.RootCause = fmt.Sprintf("%s %s %s%s.", upper(f.actorShort()), how, host, saying(f.msg))
	d.Explanation = reason
	if f.lambda() {
		d.Explanation += " A function in a VPC reaches the internet only through a NAT gateway, and AWS services only through that or a VPC endpoint whose security group lets it in."
	}
	if !f.lambda() && f.task.known && f.nested == nil && f.task.service != "lambda" {
		return f.serviceUnreachable(d, host)
	}
	d.Remedies = []diagnose.Remedy{
		{Title: "Check the way to " + host, Steps: []string{
			"See where the caller runs: aws lambda get-function-configuration --function-name " + f.functionArg() + " --query VpcConfig (or the task's subnets and security groups).",
			"From its subnets there has to be a route (NAT gateway or VPC endpoint), an outbound rule of its security group, an inbound rule at the target for that port, and DNS switched on in the VPC; VPC Reachability Analyzer follows the way.",
			"Check the name and port in the caller's settings: stage names and regions in host names are easily mixed up.",
		}},
		f.retryRemedy("If it happens now and then, retry"),
	}
	d.Prevention = []string{"Set connect and read time-outs in the client well below the function's own, so that the error names the host and is not hidden by a time-out."}
	d.Docs = []string{"Giving Lambda functions access to resources in an Amazon VPC", "Troubleshoot networking issues in Lambda"}
	if f.says("SdkClientException") {
		d.Also = []diagnose.Category{diagnose.ServiceError, diagnose.ResourceNotFound}
	}
	return d
}

// serviceUnreachable tells of a service that Step Functions itself, from AWS's own
// network, could not reach: no VPC of the user's is on that way.
func (f *facts) serviceUnreachable(d *diagnose.Finding, host string) *diagnose.Finding {
	d.Also = []diagnose.Category{diagnose.ServiceError, diagnose.ResourceNotFound, diagnose.InvalidParameters}
	d.Explanation = "Step Functions makes this call from AWS's own network, so that no VPC, security group or NAT of yours is on the way: a short outage, which a retry gets over, or an address in the parameters that is not the service's."
	for _, name := range addressed {
		node := f.paramNode(name)
		if node == nil && f.param(name) == "" {
			continue
		}
		from := ""
		if node != nil && node.Path != nil && isPath(node.Path.Text) {
			from = " (it comes from " + node.Path.Text + ")"
		}
		d.Focus = f.focusParam(name)
		d.Remedies = []diagnose.Remedy{{Title: "Correct " + name, Steps: []string{
			fmt.Sprintf("Compare %s%s with the resource's real address: the host %s is taken from it. A queue's name, or its ARN, is no URL: aws sqs get-queue-url --queue-name NAME tells it.", name, from, host),
		}}}
		if name != "QueueUrl" {
			d.Remedies[0].Steps[0] = fmt.Sprintf("Compare %s%s with the real address: the host %s is taken from it.", name, from, host)
		}
		break
	}
	d.Remedies = append(d.Remedies, f.retryRemedy("If it happens now and then, retry"))
	d.Prevention = []string{"Every Task that calls a service gets a Retry for its transient errors, SdkClientException among them."}
	d.Docs = []string{"Integrating services with Step Functions"}
	return d
}

// addressed are parameters from which a call takes the host that it goes to.
var addressed = []string{"QueueUrl", "ApiEndpoint", "Bucket", "Endpoint"}

// UnfitSetting sees a resource whose setting does not let the call through.
var UnfitSetting = &diagnose.Rule{
	Name:  "unfit-setting",
	Doc:   "A setting of the called resource does not let the call through: disabled, not verified, another region, no instances.",
	Check: one(unfitSetting),
}

func unfitSetting(f *facts) *diagnose.Finding {
	s := f.signal()
	if s.category != diagnose.Configuration {
		return nil
	}
	d := f.finding(diagnose.Configuration, s.confidence(), diagnose.No)
	d.Also = []diagnose.Category{diagnose.InvalidParameters}
	thing := or(subjectOf(f.msg), "a resource")
	d.Title = upper(strings.TrimSpace("the resource "+subjectOf(f.msg))) + " is not set up for this call"
	d.RootCause = fmt.Sprintf("%s calls %s, and a setting there does not allow it%s.", upper(f.actorShort()), thing, saying(f.msg))
	d.Explanation = "The request is well formed and allowed, but the resource is disabled, not verified or subscribed, in another region, or lacks what it needs to do the work."
	d.Focus = f.focusField("is not set up for this", "Parameters", "Arguments", "Resource")
	d.Remedies = []diagnose.Remedy{{Title: "Set the resource up", Steps: []string{
		fmt.Sprintf("Look at the resource in the console of %s, in the region of the call, and switch on, verify or register what the message names; or use another resource that is ready.", f.service()),
	}}}
	d.Prevention = []string{"Create and configure the resource in the same deployment as the state machine, and test the state once after it."}
	d.Docs = []string{"Integrating services with Step Functions"}
	return d
}
