package awscloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// Problem is why something could not be had, and what a person can do about it.
type Problem struct {
	Kind      ProblemKind
	What      string // that could not be had: "the events"
	Reason    string // half a sentence
	Mend      string // what to do; may be empty
	Statement string // the policy statement that would allow it, as JSON; may be empty
	Err       error
}

// ProblemKind is the kind of a Problem.
type ProblemKind string

// The kinds of problems.
const (
	Denied      ProblemKind = "denied"      // the role or user may not do it
	Expired     ProblemKind = "expired"     // the credentials have expired
	Credentials ProblemKind = "credentials" // there are none, or AWS does not accept them
	NotFound    ProblemKind = "not found"
	Unsupported ProblemKind = "unsupported" // by this kind of workflow
	Unusable    ProblemKind = "unusable"    // what was asked for is not what can be asked for
	Throttled   ProblemKind = "throttled"
	Unreachable ProblemKind = "unreachable"
	Late        ProblemKind = "late" // there was no time left
	Over        ProblemKind = "over" // what was to be done was done already, or it is too late for it
	Faulty      ProblemKind = "faulty"
)

// Error is one line: what, why, and what to do.
func (p *Problem) Error() string {
	s := p.What + ": " + p.Reason
	if p.Mend != "" {
		s += "; " + p.Mend
	}
	if p.Statement != "" {
		s += " " + p.Statement
	}
	return s
}

func (p *Problem) Unwrap() error { return p.Err }

// need is what a call was for: what it was to bring, and what a policy has to allow.
type need struct {
	what, action, resource string
}

// statement is the IAM policy statement that allows it.
func (n need) statement() string {
	s, _ := json.Marshal(struct { // cannot fail
		Effect, Action, Resource string
	}{"Allow", n.action, n.resource})
	return string(s)
}

var (
	codesDenied      = []string{"AccessDeniedException", "AccessDenied", "UnauthorizedException", "KmsAccessDeniedException"}
	codesExpired     = []string{"ExpiredTokenException", "ExpiredToken", "RequestExpired"}
	codesCredentials = []string{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
		"IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationTokenException", "MissingAuthenticationToken"}
	codesNotFound  = []string{"ExecutionDoesNotExist", "StateMachineDoesNotExist", "ResourceNotFoundException", "ResourceNotFound"}
	codesUnusable  = []string{"InvalidArn", "ValidationException", "InvalidParameterException", "InvalidParameterValueException", "InvalidName"}
	codesThrottled = []string{"ThrottlingException", "Throttling", "TooManyRequestsException", "KmsThrottlingException", "LimitExceededException"}
)

// explain makes a Problem of what the SDK says.
func (n need) explain(ctx context.Context, err error) *Problem {
	p := &Problem{What: n.what, Err: err}
	var known *Problem
	var api smithy.APIError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		p.Kind, p.Reason = Late, "AWS did not answer in the time that was left"
	case errors.Is(err, context.Canceled):
		p.Kind, p.Reason = Late, "it was called off"
	case errors.As(err, &api):
		n.refused(p, api)
	default:
		n.unsent(p, err.Error())
	}
	return p
}

// refused explains what AWS answered.
func (n need) refused(p *Problem, api smithy.APIError) {
	code, said := api.ErrorCode(), sentence(api.ErrorMessage())
	switch {
	case slices.Contains(codesDenied, code), strings.Contains(said, "is not authorized to perform"):
		n.denied(p, code, said)
	case slices.Contains(codesExpired, code), strings.Contains(strings.ToLower(said), "token included in the request is expired"):
		expired(p)
	case slices.Contains(codesCredentials, code):
		p.Kind, p.Reason = Credentials, "AWS does not accept these credentials"
		p.Mend = "see which ones are in use (aws sts get-caller-identity), and whether the clock here is right"
	case slices.Contains(codesNotFound, code):
		p.Kind, p.Reason = NotFound, "there is none at "+n.resource
		p.Mend = "see region and account in the ARN; AWS forgets executions 90 days after their end"
	case code == "StateMachineTypeNotSupported":
		p.Kind, p.Reason = Unsupported, "this kind of workflow has no such thing"
	case slices.Contains(codesThrottled, code):
		p.Kind, p.Reason, p.Mend = Throttled, "AWS throttles "+n.action, "try again in a minute"
	case slices.Contains(codesUnusable, code):
		p.Kind, p.Reason = Unusable, "AWS refuses the request: "+said
	default:
		p.Kind, p.Reason, p.Mend = Faulty, "AWS answered with "+sentence(code+" "+said), "try again later"
	}
}

var kmsAction = lazyregexp.New(`(kms:[A-Za-z]+)[^.]*?(arn:[a-z-]+:kms:[^\s"']+)`)

func (n need) denied(p *Problem, code, said string) {
	p.Kind, p.Reason = Denied, n.action+" is not allowed"
	if found := kmsAction.FindStringSubmatch(said); found != nil || code == "KmsAccessDeniedException" {
		n.action, n.resource = "kms:Decrypt", "*"
		if found != nil {
			n.action, n.resource = found[1], strings.TrimRight(found[2], ".,")
		}
		p.Reason = "it is encrypted, and " + n.action + " is not allowed"
	}
	if strings.Contains(said, "explicit deny") {
		p.Mend = "a policy denies it explicitly: ask whoever owns that policy for an exception"
		return
	}
	p.Mend, p.Statement = "add to the policy of whoever runs this", n.statement()
}

func expired(p *Problem) {
	p.Kind, p.Reason, p.Mend = Expired, "the AWS credentials have expired", "sign in again (aws sso login), or fetch new session credentials"
}

// unsent explains errors that came up before AWS said anything.
func (n need) unsent(p *Problem, text string) {
	var dns *net.DNSError
	var network net.Error
	lower := strings.ToLower(text)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(lower, part) })
	}
	switch {
	case has("expired", "sso session", "sso token"):
		expired(p)
	case has("missing region", "region is required", "region is not set", "invalid region", "endpoint rule error", "not resolve endpoint"):
		p.Kind, p.Reason, p.Mend = Unusable, "no AWS region is set", "set AWS_REGION, or region in the profile of the AWS configuration"
	case has("credentials", "no ec2 imds role", "get identity"):
		p.Kind, p.Reason = Credentials, "there are no AWS credentials"
		p.Mend = "sign in with aws sso login, set AWS_PROFILE, or run where a role is attached"
	case errors.As(p.Err, &dns), errors.As(p.Err, &network), has("connection refused", "connection reset", "no such host", "dial tcp", "request send failed"):
		p.Kind, p.Reason = Unreachable, "AWS cannot be reached"
		p.Mend = fmt.Sprintf("in a VPC, add an interface endpoint for %s or a way out through NAT; else see proxy, firewall and AWS_ENDPOINT_URL", serviceOf(n.action))
	default:
		p.Kind, p.Reason = Faulty, "AWS could not be asked: "+sentence(text)
	}
}

func serviceOf(action string) string {
	service, _, _ := strings.Cut(action, ":")
	return service
}

// sentence is one line of what a service said, of bearable length.
func sentence(s string) string {
	const limit = 300
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
