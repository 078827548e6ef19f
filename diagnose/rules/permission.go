package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// denial is what an access error says.
type denial struct {
	principal string // ARN or whatever stands there
	role      string // name of the role; "" no role
	action    string // "lambda:InvokeFunction"; "" unknown
	resource  string // ARN; "" unknown
	by        string // "scp", "boundary", "session", "resource", "endpoint", "explicit", "" identity
}

var (
	notAuthorized = lazyregexp.New(`(?s)(?:User|Principal)?:? ?['"]?(arn:aws[\w-]*:[^\s'"]+|[\w+=,.@-]+)?['"]? is not authorized to perform:? ['"]?([a-zA-Z0-9-]+:[A-Z*][A-Za-z0-9*]*)['"]?(?: (?:on|for) (?:the )?(?:resource|following resource)s?:? ?['"]?([^\s'",)]+))?(.*)`)
	assumedRole   = lazyregexp.New(`:assumed-role/([\w+=,.@-]+)`)
	plainRole     = lazyregexp.New(`:role/(?:[\w+=,.@/-]+/)?([\w+=,.@-]+)`)
	anyARN        = lazyregexp.New(`arn:aws[\w-]*:[a-z0-9-]+:[a-z0-9-]*:\d*:[^\s'",;)]+`)
	mayNotCall    = lazyregexp.New(`(?i)(?:not have (?:sufficient |the required )?permissions? to (?:call|perform)|not authorized to call|no permission to call|missing (?:the )?permission) ['"]?([a-z0-9-]+:)?([A-Z]\w+)['"]?(?: on (\w+))?`)
)

// namedAction is an IAM action somewhere in a message.
var namedAction = lazyregexp.New(`(?:^|[\s'"(\[])([a-z][a-z0-9-]{1,30}:[A-Z][A-Za-z]{3,60})(?:$|[\s'",.;)\]])`)

func readDenial(msg string) denial {
	var d denial
	if m := notAuthorized.FindStringSubmatch(msg); m != nil {
		d.principal, d.action, d.resource = m[1], m[2], strings.TrimRight(m[3], ".")
		d.by = denier(m[4])
	} else if m := mayNotCall.FindStringSubmatch(msg); m != nil {
		service := strings.TrimSuffix(m[1], ":")
		if service == "" {
			service = strings.ToLower(m[3])
		}
		if service != "" {
			d.action = service + ":" + m[2]
		}
	}
	if m := outputBucket.FindStringSubmatch(msg); m != nil && d.action == "" {
		d.action = "s3:GetBucketLocation"
		if m[1] != "" {
			d.resource = "arn:aws:s3:::" + m[1]
		}
	}
	if d.action == "" {
		if m := namedAction.FindStringSubmatch(msg); m != nil {
			d.action = m[1]
		}
	}
	if d.by == "" {
		d.by = denier(msg)
	}
	if m := assumedRole.FindStringSubmatch(d.principal); m != nil {
		d.role = m[1]
	} else if m := plainRole.FindStringSubmatch(d.principal); m != nil {
		d.role = m[1]
	}
	if !looksLikeName(strings.ReplaceAll(d.resource, "*", "x")) {
		d.resource = ""
	}
	return d
}

// outputBucket is how Athena says that the caller may not look at the bucket for
// the results, or that there is none of that name.
var outputBucket = lazyregexp.New(`(?i)unable to verify/create output bucket ?([a-z0-9.-]*[a-z0-9])?`)

func denier(s string) string {
	s = strings.ToLower(s)
	switch {
	case strings.Contains(s, "service control policy"), strings.Contains(s, "resource control policy"):
		return "scp"
	case strings.Contains(s, "permissions boundary"):
		return "boundary"
	case strings.Contains(s, "session policy"):
		return "session"
	case strings.Contains(s, "vpc endpoint policy"):
		return "endpoint"
	case strings.Contains(s, "resource-based policy"):
		return "resource"
	case strings.Contains(s, "explicit deny"):
		return "explicit"
	}
	return ""
}

// AccessDenied sees an identity that may not do what it tries.
var AccessDenied = &diagnose.Rule{
	Name:  "access-denied",
	Doc:   "An identity lacks an IAM permission, or a policy denies it: names principal, action and resource, and writes the statement.",
	Check: one(accessDenied),
}

func accessDenied(f *facts) *diagnose.Finding {
	s := f.signal()
	if s.category != diagnose.Permission {
		return nil
	}
	switch {
	case managedRule.MatchString(f.msg), assumes(f), logDestination.MatchString(f.msg), badCredentials(f), modelAccess.MatchString(f.msg):
		return nil // told by rules of their own
	}
	if m := notAdmitted.FindStringSubmatch(f.msg); m != nil {
		return f.notAdmitted(m[1] != "")
	}
	deny := readDenial(f.msg)
	if k := kubernetesDenied.FindStringSubmatch(f.msg); k != nil || f.task.service == "eks" && (f.root.Status == 401 || f.root.Status == 403) && deny.action == "" {
		return f.clusterDenied(k)
	}
	if deny.action == "" && f.err != "" {
		deny.action = f.actionTried()
	}
	d := f.finding(diagnose.Permission, s.confidence(), diagnose.No)
	if notAuthorized.MatchString(f.msg) {
		d.Confidence = diagnose.Certain
	}
	if outputBucket.MatchString(f.msg) {
		d.Also = []diagnose.Category{diagnose.Configuration, diagnose.ResourceNotFound}
	}
	who, action := f.principal(deny), or(deny.action, "the call")
	if deny.action == "" && f.root.Action != "" {
		action = f.root.Action
	}
	on := ""
	if deny.resource != "" {
		on = " on " + deny.resource
	} else if _, words := f.resourceTried(deny.action); words != "" {
		on = " on " + words
	}
	d.Title = fmt.Sprintf("%s may not call %s", upper(who), action)
	d.RootCause = fmt.Sprintf("%s calls %s%s, and %s.", upper(f.actor()), action, on, whyDenied(who, action, deny))
	if action == "the call" {
		d.Title = fmt.Sprintf("%s was denied access", upper(who))
		d.RootCause = fmt.Sprintf("%s made a call that was denied%s: %s.", upper(f.actor()), strings.Replace(saying(f.msg), ": ", " with the words ", 1), whyDenied(who, "it", deny))
	}
	d.Explanation = explainDenial(f, deny)
	d.Focus = f.focusField("this call is denied", "Resource")
	d.Remedies = remediesOf(f, deny)
	d.Prevention = []string{
		"Write the role's policy beside the definition and deploy both together; IAM's policy simulator or Access Analyzer tells before the deployment whether a call is allowed.",
		"Leave access errors out of Retry: they do not pass by themselves. That needs an eye where they come under a service's common name, such as Lambda.AWSLambdaException.",
	}
	d.Docs = []string{"How AWS Step Functions works with IAM", "IAM policies for integrated services", "Troubleshooting access denied error messages"}
	return d
}

// kubernetesDenied is how a cluster's own API says no, to whom, and to what.
var kubernetesDenied = lazyregexp.New(`(?:(\S+) (?:"[^"]*" )?is forbidden: )?User "([^"]*)" cannot (\w+) (?:resource )?"?([\w./-]+)"?(?:.{0,60}? in the namespace "([^"]*)")?`)

// notAdmitted is how a cluster says that the caller may ask, and that what is asked for
// is not let in: a quota of the namespace (the first group), a LimitRange, a policy.
var notAdmitted = lazyregexp.New(`is forbidden: (?:(exceeded quota)|failed quota|violates PodSecurity|(?:maximum|minimum) \S+ usage per)|admission webhook \S+ denied the request`)

// notAdmitted tells of an object that a cluster's admission refuses, whoever asks.
func (f *facts) notAdmitted(quota bool) *diagnose.Finding {
	d := f.finding(diagnose.Configuration, diagnose.Likely, diagnose.No)
	d.Also = []diagnose.Category{diagnose.InvalidParameters, diagnose.Permission}
	d.Title = "A policy of the cluster does not admit what is asked for"
	d.RootCause = fmt.Sprintf("%s asks the cluster for something that a policy of its own does not admit%s.", upper(f.here()), saying(f.msg))
	d.Explanation = "The role was let in: it is the object itself that is refused (a LimitRange, the namespace's Pod Security level, an admission webhook), and would be refused to everybody."
	d.Remedies = []diagnose.Remedy{{Title: "Make the object fit the policy", Steps: []string{
		"Set what the message names in the job's manifest (requests and limits, securityContext, labels), or have the cluster's owner except the namespace.",
		"See what the namespace asks for: kubectl describe namespace NAMESPACE; kubectl get limitrange,resourcequota --namespace NAMESPACE -o yaml",
	}}}
	if quota {
		d.Category, d.Confidence, d.Retryable = diagnose.Quota, diagnose.Certain, diagnose.Depends
		d.Also = nil
		d.Title = "The namespace's quota in the cluster is used up"
		d.RootCause = fmt.Sprintf("%s asks the cluster for more than the ResourceQuota of the namespace has left%s.", upper(f.here()), saying(f.msg))
		d.Explanation = "The role was let in. A ResourceQuota adds up what all pods of the namespace request: it passes where others end and give theirs back, and does not where the request alone is larger than the quota."
		d.Remedies = []diagnose.Remedy{{Title: "Ask for less, or raise the quota", Steps: []string{
			"See what is used and by whom: kubectl describe resourcequota --namespace NAMESPACE",
			"Lower the requests of the job, delete finished pods (ttlSecondsAfterFinished), or have the quota raised.",
		}}, f.retryRemedy("Or wait until other work has ended")}
	}
	d.Focus = f.focusField("refused by the cluster", "Parameters", "Arguments", "Resource")
	d.Prevention = []string{"Limit how many jobs run at once (MaxConcurrency) to what the namespace's quota holds, and check manifests against the cluster's policies before they are deployed."}
	d.Docs = []string{"Create and manage Amazon EKS clusters with Step Functions"}
	return d
}

// clusterDenied tells of a Kubernetes API that does not let the state machine's
// role in, which no IAM policy changes. m is a match of kubernetesDenied, or nil.
func (f *facts) clusterDenied(m []string) *diagnose.Finding {
	d := f.finding(diagnose.Permission, diagnose.Certain, diagnose.No)
	cluster := or(f.param("ClusterName"), "CLUSTER")
	if !looksLikeName(cluster) {
		cluster = "CLUSTER"
	}
	who, what, verb, resource, namespace := "the state machine's role", "the call", "", "", "NAMESPACE"
	if m != nil {
		verb, resource = m[3], m[4]
		what = verb + " " + resource
		if m[5] != "" && looksLikeName(m[5]) {
			namespace = m[5]
			what += " in the namespace " + namespace
		}
		if m[2] != "" && m[2] != "system:anonymous" {
			who = "the user " + named(m[2])
		}
	}
	d.Title = fmt.Sprintf("The cluster's Kubernetes API does not let %s in", who)
	d.RootCause = fmt.Sprintf("%s calls the Kubernetes API of the cluster %s, and the cluster does not allow %s to %s%s.", upper(f.who()), cluster, who, what, saying(f.msg))
	d.Explanation = "The Kubernetes API asks its own rules (RBAC) and not IAM: the cluster has to know the state machine's role (an EKS access entry, or a mapping in the aws-auth ConfigMap), and a Role has to give it the verb."
	if m != nil && m[2] == "system:anonymous" || f.root.Status == 401 {
		d.Explanation += " It was taken for an unknown user (system:anonymous, or 401): the mapping is what is missing."
	}
	if !f.written(namespace) {
		namespace = "NAMESPACE"
	}
	verb, resource = f.allowedInCluster(verb, resource)
	d.Remedies = []diagnose.Remedy{{Title: "Make the role known to the cluster, and give it the right", Steps: []string{
		"aws eks create-access-entry --cluster-name " + cluster + " --principal-arn ARN_OF_THE_STATE_MACHINES_ROLE --kubernetes-groups workflows",
		fmt.Sprintf("kubectl create role workflow --namespace %s --verb=%s --resource=%s", namespace, verb, resource),
		fmt.Sprintf("kubectl create rolebinding workflow --namespace %s --role=workflow --group=workflows", namespace),
	}}}
	d.Focus = f.focusField("refused by the cluster", "Resource")
	d.Prevention = []string{"Create access entry and RBAC rules with the cluster, in the same deployment as the state machine's role: a role that is made anew has to be entered anew."}
	d.Docs = []string{"Create and manage Amazon EKS clusters with Step Functions", "Grant IAM users access to Kubernetes with EKS access entries"}
	return d
}

// actionTried is the IAM action of the call that failed, as far as it is known.
func (f *facts) actionTried() string {
	if f.lambda() {
		return ""
	}
	if f.task.known && f.nested == nil {
		return f.task.iamAction()
	}
	return ""
}

// actor is who made the call.
func (f *facts) actor() string {
	if f.lambda() {
		return "the code of " + f.functionOr()
	}
	if f.phase == diagnose.API || f.phase == diagnose.Create {
		return "the caller"
	}
	return f.who()
}

// grantee names who a remedy is for: who was denied, but nobody of an account other
// than the execution's own.
func (f *facts) grantee(d denial) string {
	if own, of := f.account(), accountOf(d.principal); own != "" && of != "" && own != of {
		d.role, d.principal = "", ""
	}
	return f.principal(d)
}

// principal names who was denied.
func (f *facts) principal(d denial) string {
	kind := "the state machine's role"
	switch {
	case f.lambda():
		kind = "the function's role"
	case f.nested != nil:
		kind = "the role"
	case f.phase == diagnose.API || strings.HasPrefix(d.action, "states:SendTask"):
		kind = "the caller's role"
	case f.phase == diagnose.Create:
		kind = "the deploying identity"
	}
	if d.role != "" {
		return kind + " " + d.role
	}
	if d.principal != "" && looksLikeName(d.principal) {
		return d.principal
	}
	return kind
}

func whyDenied(who, action string, d denial) string {
	switch d.by {
	case "scp":
		return fmt.Sprintf("a service control policy of the organization (SCP) denies it explicitly to %s, whatever the role's own policies say", who)
	case "boundary":
		return fmt.Sprintf("the permissions boundary of %s does not allow it", who)
	case "session":
		return fmt.Sprintf("the session policy of %s does not allow it", who)
	case "endpoint":
		return "the policy of the VPC endpoint it goes through does not allow it"
	case "resource":
		return fmt.Sprintf("no resource-based policy (of the resource itself) allows it to %s", who)
	case "explicit":
		return fmt.Sprintf("a policy denies it explicitly to %s; an Allow elsewhere does not undo that", who)
	}
	return fmt.Sprintf("%s has no policy that allows %s", who, action)
}

func explainDenial(f *facts, d denial) string {
	service, call, _ := strings.Cut(d.action, ":")
	switch {
	case outputBucket.MatchString(f.msg):
		return "Athena looks at the bucket for the results (OutputLocation, or the workgroup's) as whoever starts the query. It says the same where the bucket does not exist, lies in another region, or keeps the role out by its own policy."
	case d.action == "iam:PassRole":
		return "Whoever hands a role to a service needs iam:PassRole on that role: here the state machine's execution role (or the function's) passes the role of the task definition, job, cluster or target. The allowance stands with the passing role, not in the passed one."
	case strings.HasPrefix(d.action, "states:SendTask"):
		return "The one who reports the result of a task token needs states:SendTaskSuccess, states:SendTaskFailure and states:SendTaskHeartbeat on the state machine; the execution's own role has no part in it."
	case service == "kms" || f.says("KMS", "kms:"):
		return "The data is encrypted with a customer managed KMS key: besides the role's policy, the key's own policy has to let the role use the key (kms:Decrypt, kms:GenerateDataKey)."
	case service == "bedrock":
		return "A model id that begins with us., eu., apac. or global. is an inference profile, which sends the call to several regions: the role needs the action on the profile's ARN and on the model in every one of them (arn:aws:bedrock:*::foundation-model/MODEL), and no policy of the organization may keep those regions out."
	case strings.EqualFold(call, "AddTags") || strings.EqualFold(call, "TagResource"):
		return "With .sync Step Functions adds tags of its own to the job it starts, so that the role needs the tagging action besides the one that creates the job."
	case service == "s3" || f.task.service == "s3" || f.says("S3"):
		return "S3 answers Access Denied also for an object that is not there, when the role lacks s3:ListBucket on the bucket; a bucket policy, a KMS key or another account's ownership can deny as well."
	case f.says("Lake Formation"):
		return "Lake Formation guards the table besides IAM: the role needs a grant there, on the database, the table and its location."
	case f.task.sync() && f.nested == nil && !f.lambda():
		j := jobOf(f.task.service)
		if len(j.actions) > 0 {
			return fmt.Sprintf("With .sync the role needs more than the call that starts the work: also %s, so that Step Functions can follow and stop it.", list(j.actions))
		}
	case f.task.service == "eks" || strings.HasPrefix(f.err, "EKS."):
		return "The Kubernetes API does not let the state machine's role in: IAM alone is not enough, the cluster has to know the role (an EKS access entry, or a mapping in the aws-auth ConfigMap) and give it the right in RBAC; a cluster with a private endpoint cannot be reached at all."
	case f.task.service == "apigateway":
		return "With AuthType IAM_ROLE the role needs execute-api:Invoke on the API's stage, method and path, and a resource policy of the API must let it in."
	}
	return ""
}

func remediesOf(f *facts, d denial) []diagnose.Remedy {
	who := f.grantee(d)
	switch d.by {
	case "scp":
		return []diagnose.Remedy{{Title: "Ask the organization's administrators", Steps: []string{
			fmt.Sprintf("The account's own policies cannot help: whoever manages the organization's service control policies has to except %s for %s, or the work has to move to a region or account where it is allowed.", who, or(d.action, "this call")),
		}}}
	case "boundary":
		return []diagnose.Remedy{{Title: "Allow it in the permissions boundary too", Steps: []string{
			fmt.Sprintf("A call needs an Allow in both, the role's policy and its permissions boundary: add %s to the boundary of %s.", or(d.action, "the action"), who),
			or(statement(d, f), ""),
		}}}
	case "explicit":
		return []diagnose.Remedy{{Title: "Find the Deny", Steps: []string{
			fmt.Sprintf("Look for a statement with \"Effect\": \"Deny\" that covers %s among the policies of %s and of the resource, with its conditions (source VPC, MFA, encryption, tags), and except this role there.", or(d.action, "the call"), who),
		}}}
	}
	var steps []string
	switch st := statement(d, f); {
	case d.by == "resource":
		steps = f.onResource(d)
	case st != "":
		steps = append(steps, fmt.Sprintf("Add this statement to the policy of %s:", who), st)
	default:
		steps = append(steps, fmt.Sprintf("Find the denied call in CloudTrail (errorCode AccessDenied) and allow just that action, on just that resource, to %s.", who))
	}
	if d.action == "iam:PassRole" {
		steps = append(steps, "Tasks often have two roles, one to run with and one to start with (ECS: task role and execution role): pass both.")
	}
	if j := jobOf(f.task.service); f.task.sync() && f.nested == nil && !f.lambda() && len(j.actions) > 0 && d.action != "iam:PassRole" {
		steps = append(steps, fmt.Sprintf("A .sync task of this kind (%s) needs in all: %s.", f.task.name(), list(uniq(append([]string{f.task.iamAction()}, j.actions...)))))
	}
	remedies := []diagnose.Remedy{{Title: "Allow " + or(d.action, "the call") + " to " + who, Steps: steps}}
	if f.says("KMS", "kms:") {
		remedies = append(remedies, diagnose.Remedy{Title: "Let the key's policy allow it too", Steps: []string{"Add the role as a Principal to the policy of the KMS key, with kms:Decrypt and kms:GenerateDataKey."}})
	}
	return remedies
}

// onResource are the steps that let the resource itself allow what was denied.
func (f *facts) onResource(d denial) []string {
	if !iamActionForm.MatchString(d.action) || mighty.MatchString(d.action) {
		return []string{"Allow the call in the resource's own policy, with the role as its Principal, and in the role's policy too where the resource is in another account."}
	}
	const principal = "ARN_OF_THE_CALLING_ROLE"
	resource := "RESOURCE_ARN"
	if d.resource != "" {
		resource = f.grantable(d.resource, d.action)
	}
	steps := []string{"In the resource's own policy, in the account that owns it, add:"}
	if d.action == "lambda:InvokeFunction" {
		steps = append(steps, fmt.Sprintf("aws lambda add-permission --function-name %s --statement-id step-functions --action lambda:InvokeFunction --principal %s", resource, principal))
	} else {
		steps = append(steps, fmt.Sprintf(`{"Effect": "Allow", "Principal": {"AWS": %s}, "Action": %s, "Resource": %s}`, jsonString(principal), jsonString(d.action), jsonString(resource)))
	}
	return append(steps, fmt.Sprintf(`Where the resource is in another account, the role's own policy has to allow it too: {"Effect": "Allow", "Action": %s, "Resource": %s}`, jsonString(d.action), jsonString(resource)))
}

func uniq(items []string) []string {
	var out []string
	for _, i := range items {
		if i != "" && !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	return out
}

// mighty are actions for which no ready statement is written: who could put them
// into an error message would be granted them.
var mighty = lazyregexp.New(`(?i)^(?:\*|[\w-]+:\*|iam:(?:Create|Put|Attach|Update|Add|Delete|Set|Tag|Upload)\w*|organizations:.*|account:.*|sts:GetFederationToken|aws-marketplace:.*|[\w-]+:(?:Delete|Put)\w*Policy\w*|[\w-]+:Add\w*Permission|ram:.*)$`)

var iamActionForm = lazyregexp.New(`^[a-z0-9-]+:[A-Z][A-Za-z0-9]+$`)

// invoked are the resources of a policy for a function's ARN: of one version or alias
// that alone, else the function with all of them.
func invoked(function string) []string {
	function = strings.TrimSuffix(function, ":$LATEST")
	if _, name, _ := strings.Cut(function, ":function:"); strings.Contains(name, ":") {
		return []string{function}
	}
	return []string{function, function + ":*"}
}

// statement is a policy statement that allows what was denied; "" where it is not safe or not possible to write one.
func statement(d denial, f *facts) string {
	if !iamActionForm.MatchString(d.action) || mighty.MatchString(d.action) {
		return ""
	}
	actions := []string{d.action}
	service, _, _ := strings.Cut(d.action, ":")
	resources := []string{f.grantable(d.resource, d.action)}
	switch {
	case d.action == "lambda:InvokeFunction" && d.resource != "" && resources[0] != anyOf(service):
		resources = invoked(resources[0])
	case d.action == "lambda:InvokeFunction" && f.function() != "":
		resources = invoked("arn:aws:lambda:REGION:ACCOUNT:function:" + f.function())
	case (d.resource == "" || d.resource == "*") && triedARN(f, d.action) != "":
		resources = []string{triedARN(f, d.action)}
	case d.resource == "" || d.resource == "*":
		resources = []string{anyOf(service)}
	}
	condition := ""
	if d.action == "iam:PassRole" {
		if p := passedTo[f.task.service]; p != "" {
			condition = fmt.Sprintf(`, "Condition": {"StringEquals": {"iam:PassedToService": %s}}`, jsonString(p))
		}
	}
	return fmt.Sprintf(`{"Effect": "Allow", "Action": %s, "Resource": %s%s}`, jsonStrings(actions), jsonStrings(resources), condition)
}

// namedResources tell how the ARN of a resource is made of the name that a task gives it.
var namedResources = []struct {
	service, param, noun, arn string
}{
	{"dynamodb", "TableName", "the table", "arn:aws:dynamodb:REGION:ACCOUNT:table/%s"},
	{"sns", "TopicArn", "the topic", "arn:aws:sns:REGION:ACCOUNT:%s"},
	{"states", "StateMachineArn", "the state machine", "arn:aws:states:REGION:ACCOUNT:stateMachine:%s"},
	{"secretsmanager", "SecretId", "the secret", "arn:aws:secretsmanager:REGION:ACCOUNT:secret:%s-*"},
	{"glue", "JobName", "the job", "arn:aws:glue:REGION:ACCOUNT:job/%s"},
	{"codebuild", "ProjectName", "the project", "arn:aws:codebuild:REGION:ACCOUNT:project/%s"},
	{"ssm", "Name", "the parameter", "arn:aws:ssm:REGION:ACCOUNT:parameter/%s"},
	{"kms", "KeyId", "the key", "arn:aws:kms:REGION:ACCOUNT:key/%s"},
}

var queueURL = lazyregexp.New(`^https://sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(\d{12})/([\w.-]+)$`)

// objectAction are S3's actions on objects; its others are on buckets.
var objectAction = lazyregexp.New(`^s3:[A-Z]\w*Object\w*$`)

// resourceTried is the resource that the failing task names for a call of the IAM
// action: its ARN, with REGION and ACCOUNT where they are not known, and its name
// for a sentence. Both are "" where the task does not name it.
func (f *facts) resourceTried(action string) (arn, words string) {
	service, _, _ := strings.Cut(action, ":")
	if f.lambda() || f.nested != nil || service == "" || action != f.task.iamAction() {
		return "", ""
	}
	plain := func(name string) bool { return name != "" && looksLikeName(name) && !strings.ContainsAny(name, "*?") }
	switch service {
	case "s3":
		bucket, key := f.param("Bucket"), f.param("Key")
		switch {
		case !plain(bucket):
			return "", ""
		case !objectAction.MatchString(action):
			return "arn:aws:s3:::" + bucket, "the bucket " + bucket
		case plain(key):
			return "arn:aws:s3:::" + bucket + "/" + key, "the object " + key + " of the bucket " + bucket
		}
		return "arn:aws:s3:::" + bucket + "/*", "an object of the bucket " + bucket
	case "sqs":
		if m := queueURL.FindStringSubmatch(f.param("QueueUrl")); m != nil {
			return fmt.Sprintf("arn:aws:sqs:%s:%s:%s", m[1], m[2], m[3]), "the queue " + m[3]
		}
	}
	for _, r := range namedResources {
		name := f.param(r.param)
		if r.service != service || !plain(name) {
			continue
		}
		if strings.HasPrefix(name, "arn:") {
			return name, r.noun + " " + name
		}
		return fmt.Sprintf(r.arn, strings.TrimPrefix(name, "/")), r.noun + " " + name
	}
	return "", ""
}

// anyOf is the form of the ARNs of a service.
func anyOf(service string) string {
	if service == "s3" {
		return "arn:aws:s3:::BUCKET/KEY"
	}
	return "arn:aws:" + service + ":REGION:ACCOUNT:RESOURCE"
}

// triedARN is the resource that the failing task names, as a policy may name it.
func triedARN(f *facts, action string) string {
	arn, _ := f.resourceTried(action)
	if a := accountOf(arn); a == "" || a == "ACCOUNT" {
		return arn // made of a name, with a wildcard of ours where one belongs there
	}
	return f.grantable(arn, action)
}

var passedTo = map[string]string{
	"ecs": "ecs-tasks.amazonaws.com", "batch": "batch.amazonaws.com", "glue": "glue.amazonaws.com", "sagemaker": "sagemaker.amazonaws.com",
	"elasticmapreduce": "elasticmapreduce.amazonaws.com", "emr-serverless": "emr-serverless.amazonaws.com", "scheduler": "scheduler.amazonaws.com",
	"lambda": "lambda.amazonaws.com", "codebuild": "codebuild.amazonaws.com", "ec2": "ec2.amazonaws.com", "states": "states.amazonaws.com",
}

func jsonStrings(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = jsonString(s)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// ManagedRule sees a role that may not keep the EventBridge rule a .sync task needs.
var ManagedRule = &diagnose.Rule{
	Name:  "managed-rule",
	Doc:   "The role may not create the managed EventBridge rule by which Step Functions follows a .sync task.",
	Check: one(managedRuleDenied),
}

var managedRule = lazyregexp.New(`(?i)not authorized to create managed-?\s?rule`)

func managedRuleDenied(f *facts) *diagnose.Finding {
	if !managedRule.MatchString(f.msg) {
		return nil
	}
	d := f.finding(diagnose.Permission, diagnose.Certain, diagnose.No)
	role := "the state machine's role"
	if m := plainRole.FindStringSubmatch(f.msg); m != nil {
		role = "the role " + m[1]
	}
	j := jobOf(f.task.service)
	rule := or(j.rule, "StepFunctionsGetEventsFor…Rule")
	task := "A .sync task"
	if f.task.known {
		task = "The task " + f.task.name()
	}
	d.Title = upper(role) + " may not create the managed rule that .sync needs"
	d.RootCause = fmt.Sprintf("%s follows its work through the managed EventBridge rule %s, and %s may not create or read that rule.", task, rule, role)
	d.Explanation = "Step Functions checks this when a state machine is created or updated: with .sync (and .sync:2) it learns the end of a job from an event. The permissions belong to the state machine's own role, not to whoever deploys. Right after a role is created the check can fail for some seconds, until IAM has spread it."
	steps := []string{
		fmt.Sprintf("Add this statement to the policy of %s:", role),
		fmt.Sprintf(`{"Effect": "Allow", "Action": ["events:PutTargets", "events:PutRule", "events:DescribeRule"], "Resource": "arn:aws:events:REGION:ACCOUNT:rule/%s"}`, strings.ReplaceAll(rule, "…", "*")),
	}
	if len(j.actions) > 0 {
		steps = append(steps, fmt.Sprintf("The same role also needs %s.", list(uniq(append([]string{f.task.iamAction()}, j.actions...)))))
	}
	steps = append(steps, "In Terraform or CloudFormation let the state machine depend on the policy (depends_on, DependsOn), so that it is there first.")
	d.Remedies = []diagnose.Remedy{{Title: "Allow the role to keep the managed rule", Steps: steps}}
	d.Focus = f.focusField(".sync needs a managed rule", "Resource")
	d.Prevention = []string{"Derive the role's policy from the definition: every .sync brings its service's actions and, for most services, the three events: actions."}
	d.Docs = []string{"Run a Job (.sync)", "IAM policies for integrated services"}
	return d
}

// AssumeRole sees a role that cannot be assumed.
var AssumeRole = &diagnose.Rule{
	Name:  "assume-role",
	Doc:   "A role cannot be assumed: the task's Credentials role, the execution role, a function's or a job's role.",
	Check: one(assumeRole),
}

var cannotAssume = lazyregexp.New(`(?i)not authorized to assume|is authorized to assume the provided role|(?:cannot|can't|could not|unable to|not able to|failed to) (?:be )?assumed?\b|role .{0,120}(?:cannot|can't|could not) be assumed|sts:AssumeRole|AssumeRole operation|invalid (?:iam )?role|is invalid or cannot be assumed`)

// deniedObject is what a job was not let read.
var deniedObject = lazyregexp.New(`(?i)(?:access denied to|could not access (?:[\w -]{1,30} at )?|cannot access) ?(s3://[\w./-]+[\w/-])`)

// servicePrincipal is the service that a message wants to see in a trust policy.
var servicePrincipal = lazyregexp.New(`(?i)principals? ['"]?([a-z0-9-]+\.amazonaws\.com(?:\.cn)?)['"]?`)

func assumes(f *facts) bool {
	return cannotAssume.MatchString(f.msg) && !f.refused() && !f.apiInput()
}

func assumeRole(f *facts) *diagnose.Finding {
	if !assumes(f) {
		return nil
	}
	d := f.finding(diagnose.Permission, diagnose.Certain, diagnose.No)
	var roles []string
	for _, m := range plainRole.FindAllStringSubmatch(f.msg, 4) {
		roles = append(roles, strings.TrimRight(m[1], ".,"))
	}
	for _, m := range assumedRole.FindAllStringSubmatch(f.msg, 2) {
		roles = append([]string{strings.TrimRight(m[1], ".,")}, roles...)
	}
	roles = uniq(roles)
	target, by, assuming := "the role", statesService, ""
	switch m := servicePrincipal.FindStringSubmatch(f.msg); {
	case m != nil:
		by = m[1]
	case f.says("by Lambda", "function cannot be assumed", "defined for the function"):
		by = "lambda.amazonaws.com"
	case f.says("ECS was unable"):
		by = "ecs-tasks.amazonaws.com"
	case passedTo[f.task.service] != "" && f.task.service != "states" && len(roles) < 2:
		by = passedTo[f.task.service]
	}
	if len(roles) > 0 {
		target = "the role " + roles[len(roles)-1]
	}
	if len(roles) > 1 {
		assuming, by = roles[0], "the role "+roles[0]
	}
	principal, warning := f.trusting(by, assuming)
	account := ""
	if arns := anyARN.FindAllString(f.msg, 4); len(arns) > 0 {
		if parts := strings.Split(arns[len(arns)-1], ":"); len(parts) > 4 && parts[4] != "" {
			account = " in the account " + parts[4]
		}
	}
	if m := deniedObject.FindStringSubmatch(f.msg); m != nil {
		d.Confidence = diagnose.Likely // the trust is but one of the reasons that the message names
		d.Title = fmt.Sprintf("%s or its permissions do not let the work read %s", upper(target), m[1])
		d.RootCause = fmt.Sprintf("%s was denied access to %s: %s does not exist, may not be assumed by %s, or lacks s3:GetObject and s3:ListBucket there.", upper(f.who()), m[1], target, by)
		d.Remedies = []diagnose.Remedy{{Title: "Check the role's permissions, then its trust", Steps: []string{
			fmt.Sprintf("The policy of %s has to allow s3:GetObject and s3:ListBucket on that bucket and key, and the bucket's policy and KMS key must not keep it out.", target),
			fmt.Sprintf(`Its trust policy has to hold {"Effect": "Allow", "Principal": %s, "Action": "sts:AssumeRole"}.`, principal),
		}}}
		d.Remedies[0].Steps = append(d.Remedies[0].Steps, warning...)
		d.Explanation = "The service names every condition for reading the object; a missing S3 permission is the commonest."
		d.Prevention = []string{"Deploy the bucket's policy and the role together."}
		d.Docs = []string{"Troubleshooting access denied error messages"}
		return d
	}
	d.Title = upper(target) + " cannot be assumed"
	d.RootCause = fmt.Sprintf("%s needs %s%s, but %s may not assume it: the role is not there, its trust policy does not name %s, or the assuming role lacks sts:AssumeRole.", upper(f.who()), target, account, by, by)
	d.Explanation = "Assuming a role takes two consents: the trust policy of the assumed role has to name the assuming one, and, across accounts, the assuming role's own policy has to allow sts:AssumeRole on it. A role that was deleted and made anew has another identity, though the name is the same; one made just now takes some seconds to be known everywhere."
	d.Focus = f.focusField("this role cannot be assumed", "Credentials", "Resource")
	steps := append([]string{
		fmt.Sprintf("In the trust policy of %s%s, add:", target, account),
		fmt.Sprintf(`{"Effect": "Allow", "Principal": %s, "Action": "sts:AssumeRole"}`, principal),
	}, warning...)
	if arns := anyARN.FindAllString(f.msg, 4); assuming != "" && len(arns) > 0 {
		steps = append(steps, fmt.Sprintf("In the policy of the assuming role %s, add:", assuming),
			fmt.Sprintf(`{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": %s}`, jsonString(f.grantable(strings.TrimRight(arns[len(arns)-1], ".,"), "sts:AssumeRole"))))
	}
	role := lastOf(roles)
	if !looksLikeName(role) {
		role = "ROLE"
	}
	steps = append(steps, "Check that the role exists: aws iam get-role --role-name "+role)
	d.Remedies = []diagnose.Remedy{{Title: "Mend the trust of " + target, Steps: steps}}
	d.Prevention = []string{"Deploy the role, its trust policy and the state machine in this order; across accounts, roll out the target role to every account before the workflow addresses it."}
	d.Docs = []string{"Accessing resources in other AWS accounts in Step Functions", "Creating an IAM role for your state machine"}
	return d
}

func lastOf(items []string) string {
	if len(items) == 0 {
		return ""
	}
	return items[len(items)-1]
}

// LoggingDestination sees logging that cannot be set up.
var LoggingDestination = &diagnose.Rule{
	Name:  "logging-destination",
	Doc:   "The state machine's log group is refused: the role may not deliver logs, the group's ARN is wrong, or the resource policy is full.",
	Check: one(loggingDestination),
}

var (
	logDestination = lazyregexp.New(`(?i)not authorized to access the Log Destination`)
	loggingInvalid = lazyregexp.New(`(?i)invalid logging configuration|log destination|LoggingConfiguration`)
)

func loggingDestination(f *facts) *diagnose.Finding {
	denied := logDestination.MatchString(f.msg)
	if !denied && !f.errorIs("InvalidLoggingConfiguration") && !loggingInvalid.MatchString(f.msg) {
		return nil
	}
	category := diagnose.Configuration
	if denied {
		category = diagnose.Permission
	}
	d := f.finding(category, diagnose.Certain, diagnose.No)
	d.Also = []diagnose.Category{diagnose.Configuration}
	if !denied {
		d.Also = []diagnose.Category{diagnose.Permission, diagnose.DefinitionInvalid}
	}
	d.Title = "The log destination of the state machine is refused"
	d.RootCause = "The state machine's logging configuration names a log group (log destination) that its role is not allowed to deliver to, or that cannot take the log."
	d.Explanation = "Step Functions checks the logging destination at create and update. Delivery needs the logs: actions on all resources, a resource policy on CloudWatch Logs for delivery.logs.amazonaws.com, and an ARN of the log group that ends in “:*”. That resource policy is limited to 5,120 characters; log groups named /aws/vendedlogs/… do not count against it. Each state machine can have one destination."
	d.Remedies = []diagnose.Remedy{{Title: "Give the role what log delivery needs", Steps: []string{
		"Add this statement to the policy of the state machine's role:",
		`{"Effect": "Allow", "Action": ["logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"], "Resource": "*"}`,
		"Write the log group's ARN with the ending: arn:aws:logs:REGION:ACCOUNT:log-group:/aws/vendedlogs/states/NAME:*",
		"Where the resource policy is full, name the group /aws/vendedlogs/states/…, or tidy up with: aws logs describe-resource-policies",
		"Let the state machine depend on the role's policy in Terraform or CloudFormation, so that IAM has it first.",
	}}}
	d.Prevention = []string{"Use log groups below /aws/vendedlogs/ for all state machines."}
	d.Docs = []string{"Using CloudWatch Logs to log execution history in Step Functions"}
	return d
}

// Credentials sees keys and tokens that are not valid.
var Credentials = &diagnose.Rule{
	Name:  "credentials",
	Doc:   "The credentials of the call are missing, expired or wrong.",
	Check: one(credentials),
}

func badCredentials(f *facts) bool {
	return f.says("ExpiredToken", "token included in the request is", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch",
		"signature we calculated", "Unable to locate credentials", "NoCredentials", "MissingAuthenticationToken", "Missing Authentication Token", "InvalidSignatureException")
}

func credentials(f *facts) *diagnose.Finding {
	if f.signal().category != diagnose.Permission || !badCredentials(f) {
		return nil
	}
	d := f.finding(diagnose.Permission, diagnose.Likely, diagnose.No)
	d.Title = "The credentials of the call are missing, expired or not valid"
	d.RootCause = fmt.Sprintf("%s calls a service with credentials that are not accepted%s.", upper(f.actor()), saying(f.msg))
	d.Explanation = "A function or container that uses its role's credentials gets fresh ones by itself; this comes from keys of its own (environment variables, a secret), from a client kept for longer than its token lives, from a region that is not switched on, or from a clock that is off."
	if f.says("Missing Authentication Token") {
		d.Explanation = "API Gateway says “Missing Authentication Token” also where stage, path or method do not exist: check the URL before the authorization. " + d.Explanation
		d.Also = []diagnose.Category{diagnose.ResourceNotFound}
	}
	d.Remedies = []diagnose.Remedy{{Title: "Use the role's own credentials", Steps: []string{
		"Remove access keys from the code and its environment, and let the SDK find the role's credentials; make the client anew where it is kept for hours.",
		"Is the key meant, check that it is active and whose it is: aws sts get-caller-identity",
	}}}
	d.Prevention = []string{"No long-lived keys in functions, containers and definitions."}
	d.Docs = []string{"Troubleshooting access denied error messages", "Lambda execution role"}
	return d
}
