package setup

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// need is one permission that somebody needs, and what for.
type need struct {
	what, action, resource string
	context                map[string]string // what a condition may ask of the call
}

func (x *examination) need(what, action, resource string) {
	x.needs = append(x.needs, need{what: what, action: action, resource: resource})
}

// role looks whether the function may do all that it has to.
func (x *examination) role(ctx context.Context) {
	for _, arn := range x.watched {
		execution := strings.Replace(arn, ":stateMachine:", ":execution:", 1) + ":any"
		for _, action := range []string{"DescribeExecution", "GetExecutionHistory", "DescribeStateMachineForExecution"} {
			x.need("read the failed executions", "states:"+action, execution)
		}
		x.need("read the state machines", "states:DescribeStateMachine", arn)
	}
	x.permissions(ctx, "role", "the function", x.settings.role, x.needs)
}

// permissions records which of the needs a role has not.
func (x *examination) permissions(ctx context.Context, check, who, role string, needs []need) {
	if len(needs) == 0 {
		return
	}
	verdicts, how, err := x.verdicts(ctx, role, needs)
	if err != nil {
		x.cannot(check, "iam:SimulatePrincipalPolicy", role, err)
		return
	}
	var lacks, open []need
	denies := false
	for i, n := range needs {
		switch verdicts[i] {
		case missing, forbidden:
			lacks, denies = append(lacks, n), denies || verdicts[i] == forbidden
		case undecided:
			open = append(open, n)
		}
	}
	name := resourceOf(role)
	switch {
	case denies:
		x.mend(check, fmt.Sprintf("%s may not %s: something denies it (a Deny in %s, a boundary or a service control policy)", who, purposes(lacks), name), grant(lacks)...)
	case len(lacks) > 0:
		x.mend(check, fmt.Sprintf("%s may not %s", who, purposes(lacks)), putPolicy(name, lacks))
	case len(open) > 0:
		x.add(check, Unknown, fmt.Sprintf("whether %s may %s depends on conditions that cannot be weighed here", who, purposes(open)),
			"allow yourself: "+statement([]string{"iam:SimulatePrincipalPolicy"}, []string{role}, nil))
	default:
		x.ok(check, "%s may do what it has to: %d permissions of %s, %s", who, len(needs), name, how)
	}
}

func purposes(needs []need) string {
	var out []string
	for _, n := range needs {
		if !slices.Contains(out, n.what) {
			out = append(out, n.what)
		}
	}
	return strings.Join(out, ", ")
}

// grant returns statements that allow the needs, those of one condition and one list of
// actions together.
func grant(needs []need) []string {
	type group struct {
		actions, resources []string
		context            map[string]string
	}
	var groups []*group
	actionsOf := func(resource string, context map[string]string) []string {
		var out []string
		for _, n := range needs {
			if n.resource == resource && fmt.Sprint(n.context) == fmt.Sprint(context) && !slices.Contains(out, n.action) {
				out = append(out, n.action)
			}
		}
		return out
	}
	for _, n := range needs {
		actions, resource := actionsOf(n.resource, n.context), anyExecution(n.resource)
		i := slices.IndexFunc(groups, func(g *group) bool {
			return slices.Equal(g.actions, actions) && fmt.Sprint(g.context) == fmt.Sprint(n.context)
		})
		if i < 0 {
			groups = append(groups, &group{actions, []string{resource}, n.context})
		} else if !slices.Contains(groups[i].resources, resource) {
			groups[i].resources = append(groups[i].resources, resource)
		}
	}
	var out []string
	for _, g := range groups {
		out = append(out, statement(g.actions, g.resources, g.context))
	}
	return out
}

// anyExecution is the pattern for what was asked of one execution by the name of any.
func anyExecution(resource string) string {
	if strings.Contains(resource, ":execution:") {
		return strings.TrimSuffix(resource, ":any") + ":*"
	}
	return resource
}

// putPolicy is the command that grants the needs. The policy's name comes from what is
// in it, so that a second one does not replace the first.
func putPolicy(role string, needs []need) string {
	document := `{"Version":"2012-10-17","Statement":[` + strings.Join(grant(needs), ",") + `]}`
	sum := sha256.Sum256([]byte(document))
	return fmt.Sprintf(`aws iam put-role-policy --role-name %s --policy-name stepsleuth-%x --policy-document '%s'`, roleName(role), sum[:4], document)
}

// roleName is what stands after role/ and any path.
func roleName(role string) string { return role[strings.LastIndexByte(role, '/')+1:] }

// verdicts asks AWS to simulate, or where that may not be, reads the role's policies.
// The error is that of the simulation where neither could be had.
func (x *examination) verdicts(ctx context.Context, role string, needs []need) ([]verdict, string, error) {
	out, err := x.simulate(ctx, role, needs)
	if err == nil {
		return out, "simulated by AWS", nil
	}
	if !strings.Contains(role, ":role/") { // whoever asks may be a user
		return nil, "", err
	}
	policies, readErr := x.policies(ctx, roleName(role))
	if readErr != nil {
		return nil, "", err
	}
	out = nil
	for _, n := range needs {
		out = append(out, decide(policies, n))
	}
	return out, "by the policies of the role alone, as a simulation could not be had", nil
}

func (x *examination) simulate(ctx context.Context, role string, needs []need) ([]verdict, error) {
	out := make([]verdict, len(needs))
	for i, n := range needs {
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &role, ActionNames: []string{n.action}, ResourceArns: []string{n.resource}}
		for key, value := range n.context {
			in.ContextEntries = append(in.ContextEntries, types.ContextEntry{ContextKeyName: aws.String(key), ContextKeyType: types.ContextKeyTypeEnumString, ContextKeyValues: []string{value}})
		}
		answer, err := x.Roles.SimulatePrincipalPolicy(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, r := range answer.EvaluationResults {
			switch r.EvalDecision {
			case types.PolicyEvaluationDecisionTypeAllowed:
				out[i] = allowed
			case types.PolicyEvaluationDecisionTypeExplicitDeny:
				out[i] = forbidden
			case types.PolicyEvaluationDecisionTypeImplicitDeny:
				out[i] = missing
			}
			if d := r.OrganizationsDecisionDetail; d != nil && !d.AllowedByOrganizations && out[i] != allowed {
				out[i] = forbidden
			}
		}
	}
	return out, nil
}

// policies reads all policies of a role, its own and those attached to it.
func (x *examination) policies(ctx context.Context, role string) ([]document, error) {
	var texts []string
	for marker := (*string)(nil); ; {
		list, err := x.Roles.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &role, Marker: marker})
		if err != nil {
			return nil, err
		}
		for _, name := range list.PolicyNames {
			policy, err := x.Roles.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
			if err != nil {
				return nil, err
			}
			texts = append(texts, aws.ToString(policy.PolicyDocument))
		}
		if marker = list.Marker; !list.IsTruncated {
			break
		}
	}
	for marker := (*string)(nil); ; {
		list, err := x.Roles.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &role, Marker: marker})
		if err != nil {
			return nil, err
		}
		for _, attached := range list.AttachedPolicies {
			text, err := x.attached(ctx, attached.PolicyArn)
			if err != nil {
				return nil, err
			}
			texts = append(texts, text)
		}
		if marker = list.Marker; !list.IsTruncated {
			break
		}
	}
	return documents(texts)
}

func (x *examination) attached(ctx context.Context, arn *string) (string, error) {
	policy, err := x.Roles.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	if err != nil {
		return "", err
	}
	version, err := x.Roles.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: policy.Policy.DefaultVersionId})
	if err != nil {
		return "", err
	}
	return aws.ToString(version.PolicyVersion.Document), nil
}

// documents parses policies, which IAM gives percent-encoded.
func documents(texts []string) ([]document, error) {
	var out []document
	for _, text := range texts {
		if decoded, err := url.PathUnescape(text); err == nil {
			text = decoded
		}
		var d document
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			return nil, fmt.Errorf("read a policy: %w", err)
		}
		out = append(out, d)
	}
	return out, nil
}
