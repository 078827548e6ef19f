package bedrock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// explanation of a refusal: what it is told by, and what is said of it.
type explanation struct {
	code    string             // "" any
	text    *lazyregexp.Regexp // nil any
	explain func(m *Model, said string, tries int) *diagnose.ModelError
}

var (
	dailyQuota = lazyregexp.New(`(?i)too many tokens per day|daily (token )?(quota|limit)`)
	notAllowed = lazyregexp.New(`not authorized to perform:? ([a-zA-Z0-9-]+:[a-zA-Z]+)(?: on (?:resource|the resource):? ([^\s"]+))?`)
	arnRegion  = lazyregexp.New(`^arn:[a-z-]+:bedrock:([a-z0-9-]*):`)
)

// explanations, the more special before the more general.
var explanations = []explanation{
	{text: lazyregexp.New(`(?i)use case details have not been submitted|use-case form`), explain: useCaseForm},
	{text: lazyregexp.New(`(?i)aws-marketplace:|marketplace subscription|AWS Marketplace`), explain: marketplace},
	{text: lazyregexp.New(`(?i)on-demand throughput isn.{1,3}t supported`), explain: needsProfile},
	{text: lazyregexp.New(`(?i)marked by provider as legacy|end of its life|end of life`), explain: legacy},
	{text: notAllowed, explain: denied},
	{text: lazyregexp.New(`(?i)don.{1,3}t have access to the model`), explain: noAccess},
	{text: lazyregexp.New(`(?i)security token included in the request is expired|ExpiredToken|token (has|is) expired`), explain: expired},
	{code: "ExpiredTokenException", explain: expired},
	{code: "ExpiredToken", explain: expired},
	{code: "UnrecognizedClientException", explain: unknownCredentials},
	{code: "InvalidSignatureException", explain: unknownCredentials},
	{code: "SignatureDoesNotMatch", explain: unknownCredentials},
	{code: "IncompleteSignatureException", explain: unknownCredentials},
	{text: lazyregexp.New(`(?i)model identifier is invalid|could not resolve the foundation model|model.{0,20}not found`), explain: noModel},
	{code: "ResourceNotFoundException", explain: noModel},
	{code: "UnknownOperationException", explain: noModel},
	{text: dailyQuota, explain: spent},
	{code: "ThrottlingException", explain: throttled},
	{code: "TooManyRequestsException", explain: throttled},
	{code: "ServiceQuotaExceededException", explain: spent},
	{code: "ModelNotReadyException", explain: notReady},
	{code: "ModelTimeoutException", explain: slow},
	{code: "ServiceUnavailableException", explain: unavailable},
	{code: "InternalServerException", explain: unavailable},
	{code: "ModelErrorException", explain: unavailable},
	{text: lazyregexp.New(`(?i)input is too long|prompt is too long|too many input tokens|maximum context|context window`), explain: tooLong},
	{text: lazyregexp.New(`(?i)guardrail`), explain: guardrail},
	{code: "AccessDeniedException", explain: deniedOtherwise},
	{code: "ValidationException", explain: refusedRequest},
}

// explain makes one error of whatever went wrong, with a way to mend it.
func (m *Model) explain(ctx context.Context, err error) *diagnose.ModelError {
	e := m.reason(ctx, err)
	e.Err = err
	return e
}

func (m *Model) reason(ctx context.Context, err error) *diagnose.ModelError {
	var r *refused
	tries := 1
	if errors.As(err, &r) {
		tries = r.tries
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		said := messageOf(err)
		for _, x := range explanations {
			if (x.code == "" || x.code == api.ErrorCode()) && (x.text == nil || x.text.MatchString(said)) {
				return x.explain(m, said, tries)
			}
		}
		return &diagnose.ModelError{Kind: "unavailable", Reason: "Amazon Bedrock answered with " + llm.Sentence(api.ErrorCode()+": "+said),
			Mend: "look the error up in Amazon Bedrock's documentation, and try again later"}
	}
	return m.unsent(ctx, err)
}

// unsent explains errors that came up before Bedrock said anything.
func (m *Model) unsent(ctx context.Context, err error) *diagnose.ModelError {
	text := err.Error()
	var unreadable *smithy.DeserializationError
	var network net.Error
	var dns *net.DNSError
	switch {
	case errors.Is(err, errTooLarge):
		return &diagnose.ModelError{Kind: "garbled", Reason: fmt.Sprintf("Amazon Bedrock sent more than %d MB, which can be no answer", maxAnswer>>20),
			Mend: "choose another model"}
	case errors.As(err, &unreadable) && !errors.Is(err, errCut) && ctx.Err() == nil:
		return &diagnose.ModelError{Kind: "garbled", Reason: "what Amazon Bedrock sent is no answer of its API",
			Mend: "see AWS_ENDPOINT_URL_BEDROCK_RUNTIME and whether a proxy answers in its place, and try again"}
	case errors.Is(err, context.DeadlineExceeded) || llm.Late(ctx):
		return &diagnose.ModelError{Kind: "timeout", Reason: fmt.Sprintf("the model %s did not answer in the time that was left", m.opts.ID),
			Mend: "give the diagnosis more time (a Lambda function: raise its timeout), or choose a faster model"}
	case errors.Is(err, context.Canceled):
		return &diagnose.ModelError{Kind: "timeout", Reason: "the question to the model was called off", Mend: "run it again"}
	case contains(text, "missing region", "region is required", "region is not set", "invalid region", "endpoint rule error"):
		return &diagnose.ModelError{Kind: "rejected", Reason: "no AWS region is set, so Amazon Bedrock cannot be found",
			Mend: "set AWS_REGION, or region in the profile of the AWS configuration"}
	case contains(text, "expired", "sso session"):
		return expired(m, text, 1)
	case contains(text, "credentials", "no ec2 imds role", "get identity", "failed to retrieve credentials"):
		return &diagnose.ModelError{Kind: "denied", Reason: "there are no AWS credentials to call Amazon Bedrock with",
			Mend: "sign in with aws sso login, set AWS_PROFILE, or run where a role is attached; or go on without a model"}
	case errors.Is(err, errCut), errors.As(err, &dns), errors.As(err, &network), contains(text, "connection refused", "connection reset", "no such host", "dial tcp", "request send failed"):
		return &diagnose.ModelError{Kind: "unavailable", Reason: fmt.Sprintf("Amazon Bedrock cannot be reached in %s", m.place()),
			Mend: "in a VPC, add an interface endpoint for bedrock-runtime or a way out through NAT; else see proxy and firewall"}
	}
	return &diagnose.ModelError{Kind: "unavailable", Reason: "Amazon Bedrock could not be asked: " + llm.Sentence(text),
		Mend: "see whether Amazon Bedrock can be reached from here"}
}

func contains(text string, parts ...string) bool {
	text = strings.ToLower(text)
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

func (m *Model) place() string {
	if m.region == "" {
		return "any region"
	}
	return m.region
}

func useCaseForm(m *Model, _ string, _ int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "denied", Reason: "this account has not submitted Anthropic's use-case form, without which " + m.opts.ID + " answers nobody",
		Mend: "open Amazon Bedrock in the console, choose the model in the Model catalog and submit the use-case details; it counts after 15 minutes"}
}

func marketplace(m *Model, _ string, _ int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "denied", Reason: "this account is not subscribed to " + m.opts.ID + " in AWS Marketplace",
		Mend: "have an administrator who may subscribe use the model once in the Bedrock console; do not give this role aws-marketplace:Subscribe"}
}

func needsProfile(m *Model, _ string, _ int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "rejected", Reason: m.opts.ID + " can be called through an inference profile only",
		Mend: fmt.Sprintf("set the model to a profile's id, such as %s.%s, and allow bedrock:InvokeModel on profile and model", geography(m.region), bare(m.opts.ID))}
}

// bare is a model's id without its profile's prefix and version-independent ARN path.
func bare(id string) string {
	id = id[strings.LastIndexByte(id, '/')+1:]
	for _, prefix := range []string{"us-gov.", "us.", "eu.", "apac.", "jp.", "au.", "global."} {
		id = strings.TrimPrefix(id, prefix)
	}
	return id
}

func legacy(m *Model, _ string, _ int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "rejected", Reason: m.opts.ID + " is a legacy model that Amazon Bedrock no longer serves here",
		Mend: "set the model to a current one; the Model catalog of the Bedrock console lists them"}
}

// denied names action and resource; a geographic profile calls the model in other regions too.
func denied(m *Model, said string, _ int) *diagnose.ModelError {
	found := notAllowed.FindStringSubmatch(said)
	action, resource := found[1], strings.TrimRight(found[2], ".,")
	e := &diagnose.ModelError{Kind: "denied", Reason: "the role may not " + action}
	if resource != "" {
		e.Reason += " on " + resource
	}
	region := ""
	if r := arnRegion.FindStringSubmatch(resource); r != nil {
		region = r[1]
	}
	if region != "" && m.region != "" && region != m.region {
		e.Reason += fmt.Sprintf(" (in %s, a region that the inference profile forwards to)", region)
	}
	e.Mend = fmt.Sprintf("allow %s on %s in the role's policy", action, orAny(resource))
	if !strings.Contains(resource, "guardrail/") {
		e.Mend += "; an inference profile needs its own ARN and the model's ARN in every region that it forwards to"
	}
	if contains(said, "explicit deny") {
		e.Mend = "a policy denies " + action + " explicitly (" + whichPolicy(said) + "): ask whoever owns it for an exception"
	}
	return e
}

func orAny(resource string) string {
	if resource == "" {
		return "the model"
	}
	return resource
}

func whichPolicy(said string) string {
	if _, after, ok := strings.Cut(said, "explicit deny in a "); ok {
		return llm.Sentence(strings.TrimRight(after, "."))
	}
	return "of the organization, a boundary or the role itself"
}

func noAccess(m *Model, _ string, _ int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "denied", Reason: fmt.Sprintf("this account has no access to %s in %s", m.opts.ID, m.place()),
		Mend: "request access to the model in the Bedrock console, or choose another model"}
}

func deniedOtherwise(m *Model, said string, _ int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "denied", Reason: "Amazon Bedrock denies access: " + llm.Sentence(said),
		Mend: "allow bedrock:InvokeModel on " + m.opts.ID + " in the role's policy, and see that the model is enabled for the account"}
}

func expired(*Model, string, int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "denied", Reason: "the AWS credentials have expired",
		Mend: "sign in again (aws sso login), or fetch new session credentials"}
}

func unknownCredentials(*Model, string, int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "denied", Reason: "AWS does not accept these credentials",
		Mend: "see which credentials are in use (aws sts get-caller-identity), and whether the clock here is right"}
}

func noModel(m *Model, _ string, _ int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "rejected", Reason: fmt.Sprintf("there is no model %s in %s", m.opts.ID, m.place()),
		Mend: "set the model to an id, or an inference profile's id, of that region (aws bedrock list-inference-profiles)"}
}

func throttled(m *Model, _ string, tries int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "throttled", Reason: fmt.Sprintf("Amazon Bedrock throttled the question %d times in a row", tries),
		Mend: "try later, ask for more requests and tokens a minute of " + bare(m.opts.ID) + " in Service Quotas, or use a cross-region inference profile"}
}

func spent(m *Model, _ string, _ int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "throttled", Reason: "the account's quota of tokens for " + m.opts.ID + " is used up",
		Mend: "wait until tomorrow, ask for more in Service Quotas, or choose another model"}
}

func notReady(m *Model, _ string, tries int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "unavailable", Reason: fmt.Sprintf("%s was not ready in %d tries", m.opts.ID, tries),
		Mend: "try again in some minutes: the model is being loaded"}
}

func slow(m *Model, _ string, tries int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "timeout", Reason: fmt.Sprintf("%s took longer than Amazon Bedrock allows, in %d tries", m.opts.ID, tries),
		Mend: "lower the limit of tokens for an answer, or choose a faster model"}
}

func unavailable(_ *Model, _ string, tries int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "unavailable", Reason: fmt.Sprintf("Amazon Bedrock failed on its side in %d tries", tries),
		Mend: "try later; the AWS Health Dashboard tells of incidents"}
}

func tooLong(*Model, string, int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "rejected", Reason: "the question was too long for the model",
		Mend: "lower the token budget of prompts, or choose a model with a larger context"}
}

func guardrail(*Model, string, int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "rejected", Reason: "the guardrail in the settings could not be applied",
		Mend: "see that guardrail and version exist in this region, and that the role may bedrock:ApplyGuardrail"}
}

func refusedRequest(_ *Model, said string, _ int) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "rejected", Reason: "Amazon Bedrock refuses the request: " + llm.Sentence(said),
		Mend: "choose another model, or report this together with the model's id"}
}
