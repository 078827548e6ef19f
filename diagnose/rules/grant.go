package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// Whoever can make a task fail can write its error and cause, and whoever reads a
// report pastes what it offers. So what a remedy grants or runs follows these rules:
//
//   - A grantee (a Principal, a trusted service, a --principal) is never the message's.
//     It is a placeholder, or what the definition's own integration says; the message's
//     is told beside it, as the message's.
//   - A Resource may be one that a message names only where it lies in the execution's
//     own account (where that is not known, in the account of whoever was denied), has
//     no account in its ARN (as S3's have none), or stands in the definition. Else the
//     account is the placeholder ACCOUNT. What it is granted to is the workflow's own
//     role in any case.
//   - Packages, images and the like are installed under a placeholder's name.
//   - Commands that change something take names from the definition and what the task
//     was given; commands that only look may name what the message names.

// account is the account in which the execution ran; "" unknown.
func (f *facts) account() string {
	x := f.c.Execution
	if x == nil {
		return ""
	}
	return or(accountOf(x.ARN), accountOf(x.StateMachineARN))
}

// deniedAccount is the account of whoever was denied something, as the message has it;
// "" where it names none.
func (f *facts) deniedAccount() string {
	m := notAuthorized.FindStringSubmatch(f.msg)
	if m == nil {
		return ""
	}
	return accountOf(m[1])
}

// accountOf is the account in an ARN; "" where it has none or is no ARN.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[4]
	}
	return ""
}

// written reports that text stands as it is in the definition.
func (f *facts) written(text string) bool {
	has := func(m *asl.Machine) bool {
		return m != nil && m.Source() != nil && strings.Contains(m.Source().Text, text)
	}
	return text != "" && (has(f.c.Machine) || f.c.State != nil && has(f.c.State.Machine) || f.state != nil && has(f.state.Machine))
}

// creating are actions on what has no name yet, for which AWS itself names a resource
// with a wildcard.
var creating = lazyregexp.New(`^[\w-]+:(?:Run|Create|Describe|List)`)

// grantable is arn as a policy for the IAM action may name it; the form of the
// service's ARNs where it stands for too much.
func (f *facts) grantable(arn, action string) string {
	if f.written(arn) {
		return arn
	}
	service, _, _ := strings.Cut(action, ":")
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return anyOf(service)
	}
	if wide := strings.ContainsAny(parts[5], "*?"); wide && !creating.MatchString(action) || strings.HasPrefix(parts[5], "*") {
		return anyOf(service)
	}
	if a := parts[4]; a != "" && a != "aws" && a != or(f.account(), f.deniedAccount()) && !f.written(a) {
		parts[4] = "ACCOUNT"
	}
	return strings.Join(parts, ":")
}

// trusting is the Principal of a trust policy, and, where the message names another
// than we do, a step that says so. by is the service that the message or we name,
// role the assuming role that it names instead ("" none).
func (f *facts) trusting(by, role string) (principal string, warning []string) {
	if role != "" {
		return `{"AWS": "ARN_OF_THE_ASSUMING_ROLE"}`, []string{fmt.Sprintf("The message says that the assuming role is %s. Take the ARN from the state machine itself and not from the message: aws stepfunctions describe-state-machine --state-machine-arn ARN --query roleArn", named(role))}
	}
	if by == statesService || by == passedTo[f.task.service] {
		return fmt.Sprintf(`{"Service": %s}`, jsonString(by)), nil
	}
	return `{"Service": "SERVICE.amazonaws.com"}`, []string{fmt.Sprintf("SERVICE is the service that has to assume the role; the message speaks of %s. Put that in only where it is what the role was made for.", named(by))}
}

// statesService is Step Functions in a trust policy.
const statesService = "states.amazonaws.com"

// allowedInCluster are verb and resource for a Kubernetes role, where the task itself
// asks for them; else placeholders.
func (f *facts) allowedInCluster(verb, resource string) (string, string) {
	const anyVerb, anyResource = "VERB", "RESOURCE"
	if f.task.service != "eks" || f.nested != nil {
		return anyVerb, anyResource
	}
	switch {
	case f.task.action == "runJob" && slices.Contains(jobVerbs, verb) && slices.Contains(jobResources, strings.TrimSuffix(resource, ".batch")):
		return verb, resource
	case f.task.action == "call" && slices.Contains(methodVerbs[f.param("Method")], verb) && slices.Contains(strings.Split(f.param("Path"), "/"), firstOf(strings.Split(resource, ".")...)):
		return verb, resource
	}
	return anyVerb, anyResource
}

// What eks:runJob does in a cluster.
var (
	jobVerbs     = []string{"create", "get", "list", "watch", "delete"}
	jobResources = []string{"jobs", "pods", "pods/log"}
)

// methodVerbs are the verbs that Kubernetes makes of an HTTP method.
var methodVerbs = map[string][]string{
	"GET": {"get", "list", "watch"}, "POST": {"create"}, "PUT": {"update"}, "PATCH": {"patch"}, "DELETE": {"delete", "deletecollection"},
}
