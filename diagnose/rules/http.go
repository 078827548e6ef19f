package rules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// HTTPTask sees an HTTP endpoint that answered with an error, or did not answer.
var HTTPTask = &diagnose.Rule{
	Name:  "http-task",
	Doc:   "An HTTP endpoint (http:invoke) answered with a status of 400 or more, or could not be reached in 60 seconds.",
	Check: one(httpTask),
}

// APIGatewayStatus sees an API called with apigateway:invoke that answered with an error.
var APIGatewayStatus = &diagnose.Rule{
	Name:  "api-gateway-status",
	Doc:   "An API called with apigateway:invoke answered with a status of 400 or more (ApiGateway.403 and the like).",
	Check: one(apiGatewayStatus),
}

var (
	httpStatus = lazyregexp.New(`^States\.Http\.StatusCode\.(\d{3})$`)
	apiStatus  = lazyregexp.New(`^(?:ApiGateway|APIGateway)\.(\d{3})$`)
)

// ofStatus says what an HTTP status means for who called.
func ofStatus(status int) (category diagnose.Category, retryable diagnose.Retryable, why, step string) {
	switch {
	case status == 401 || status == 403:
		return diagnose.Permission, diagnose.No, "the endpoint does not accept who is calling (credentials, API key, signature, or a rule that forbids it)", "Check what the call is authorized with, and that it is valid for this endpoint and path."
	case status == 404 || status == 410:
		return diagnose.ResourceNotFound, diagnose.No, "there is nothing at that address (path, id, stage)", "Compare the URL as it was sent (TaskScheduled) with the API's documentation; a value in the path may be empty."
	case status == 408 || status == 504:
		return diagnose.ServiceError, diagnose.Yes, "the endpoint did not get its own answer in time", "Retry with back-off, and see whether the API has an asynchronous form for long work."
	case status == 409:
		return diagnose.Concurrency, diagnose.Depends, "it conflicts with what the other side has (a duplicate, a newer version, work in progress)", "Look into the body of the answer; send an idempotency key where the API has one."
	case status == 413 || status == 414 || status == 431:
		return diagnose.PayloadSize, diagnose.No, "the request (body, URL or headers) is too large for the endpoint", "Send less, or a reference to where the data lies."
	case status == 429:
		return diagnose.Throttling, diagnose.Yes, "it is called too often: a rate limit (too many requests, throttled)", "Retry with back-off and jitter, limit MaxConcurrency, and heed Retry-After in the answer."
	case status >= 500:
		return diagnose.ServiceError, diagnose.Yes, "it failed on its side", "Retry with back-off; if it stays, ask its operator with the time and request id."
	}
	return diagnose.InvalidParameters, diagnose.No, "it refuses the request as it was sent (method, headers, content type, fields of the body)", "Compare the recorded request (TaskScheduled, or TestState with inspection level TRACE, which shows headers and body) with the API's documentation; look into the body of the answer."
}

func httpTask(f *facts) *diagnose.Finding {
	if f.says("Events.ConnectionResource", "RetrieveConnectionCredentials", "InvokeHTTPEndpoint") {
		return f.connectionDenied()
	}
	if connectionDown.MatchString(f.msg) {
		return f.connectionNotReady()
	}
	if f.errorIs("States.Http.Socket") {
		d := f.finding(diagnose.Network, diagnose.Certain, diagnose.Depends)
		d.Also = []diagnose.Category{diagnose.Timeout, diagnose.ServiceError}
		d.Title = "The HTTP endpoint could not be reached, or did not answer in 60 seconds"
		d.RootCause = fmt.Sprintf("%s got no answer from its HTTP endpoint: no connection, or none within the 60 seconds that an HTTP Task waits%s.", upper(f.here()), saying(f.msg))
		d.Explanation = "The 60 seconds are fixed, whatever TimeoutSeconds says. The endpoint has to have a public name and a publicly trusted certificate (a private one is reached through the connection's VPC Lattice resource configuration); mutual TLS is not supported."
		d.Remedies = []diagnose.Remedy{f.retryRemedy("Retry what is safe to repeat"), {Title: "Take long work out of the call", Steps: []string{"Start it with one call and poll or be called back for the result; or call it from a Lambda function, which may wait for 15 minutes."}}}
		if badCertificate.MatchString(f.msg) {
			d.Retryable, d.Also = diagnose.No, []diagnose.Category{diagnose.Configuration}
			d.Title = "The HTTP endpoint's certificate is not trusted"
			d.RootCause = fmt.Sprintf("%s could not agree on TLS with its HTTP endpoint%s: the certificate is not one that is publicly trusted for that name.", upper(f.here()), saying(f.msg))
			d.Explanation = "An HTTP Task trusts public certificate authorities only, and there is no setting for another: a self-signed certificate, one of a private authority, one that has expired or was made out to another name, and a server that leaves its intermediate certificates out are refused each time."
			d.Remedies = []diagnose.Remedy{{Title: "Give the endpoint a publicly trusted certificate", Steps: []string{"See what it sends: openssl s_client -connect HOST:443 -servername HOST -showcerts", "Renew it, send the whole chain, or put an API Gateway or load balancer with a certificate of ACM in front; a private endpoint is called from a Lambda function that knows its authority."}}}
		}
		d.Focus = f.focusField("no answer from here", "Parameters", "Arguments")
		d.Prevention = []string{"Alarm on the endpoint's own latency, and give writes an idempotency key, so that a repeat after a lost answer does no harm."}
		d.Docs = []string{"Call HTTPS APIs in Step Functions workflows"}
		return d
	}
	m := httpStatus.FindStringSubmatch(f.err)
	if m == nil {
		return nil
	}
	d := f.answered(m[1], "the HTTP endpoint")
	d.Explanation += " An HTTP Task authorizes with an EventBridge connection; an Authorization header in the definition is not sent. The body is in the cause, at most 256 KiB of the whole answer are taken, and redirects are not followed for every method."
	d.Docs = []string{"Call HTTPS APIs in Step Functions workflows", "Using TestState API to test a state"}
	return d
}

func apiGatewayStatus(f *facts) *diagnose.Finding {
	m := apiStatus.FindStringSubmatch(f.err)
	if m == nil {
		return nil
	}
	d := f.answered(m[1], "the API (API Gateway)")
	if d.Category == diagnose.Permission {
		d.Explanation += " With AuthType IAM_ROLE the state machine's role needs execute-api:Invoke on arn:aws:execute-api:REGION:ACCOUNT:API_ID/STAGE/METHOD/PATH; with RESOURCE_POLICY the API's policy has to name the state machine's role; “Missing Authentication Token” means that stage, method or path do not exist."
		d.Also = []diagnose.Category{diagnose.ResourceNotFound}
	}
	if strings.HasPrefix(m[1], "5") {
		d.Explanation += " API Gateway answers 502 where the integration behind it gave what it cannot use (a Lambda function that raised, or whose result is not {statusCode, headers, body as a text}), 504 where the integration took longer than its time-out (29 seconds as a rule), 503 where it could not be reached."
		d.Remedies = append([]diagnose.Remedy{{Title: "Look at the integration behind the API", Steps: []string{
			"Read the API's execution log of that request (switch logging on for the stage), and the log of the Lambda function or service behind it.",
		}}}, d.Remedies...)
	}
	d.Explanation += " ApiEndpoint is the host name alone (id.execute-api.region.amazonaws.com), Stage and Path stand in fields of their own."
	d.Docs = []string{"Create API Gateway REST APIs with Step Functions"}
	return d
}

// address is method and place of the call, for a sentence: " (GET api.example.com/v1/items)".
// Only what the definition itself says is told: an address from the input is anybody's.
func (f *facts) address() string {
	text := func(name string) string {
		node := f.paramNode(name)
		if node == nil || node.Literal.IsAbsent() {
			return ""
		}
		s, _ := value.Value(node.Literal).AsString()
		if !plainAddress.MatchString(s) {
			return ""
		}
		return s
	}
	where := strings.TrimPrefix(text("ApiEndpoint"), "https://")
	if where == "" {
		return ""
	}
	for _, part := range []string{text("Stage"), text("Path")} {
		if part != "" {
			where = strings.TrimSuffix(where, "/") + "/" + strings.TrimPrefix(part, "/")
		}
	}
	return " (" + strings.TrimSpace(text("Method")+" "+where) + ")"
}

// plainAddress has no query, no user and no blank in it.
var plainAddress = lazyregexp.New(`^(?:https://)?[\w.{}$/:~+-]{1,200}$`)

func (f *facts) answered(status, who string) *diagnose.Finding {
	n, _ := strconv.Atoi(status)
	category, retryable, why, step := ofStatus(n)
	d := f.finding(category, diagnose.Certain, retryable)
	words := f.msg
	if f.root.Shape == diagnose.JSONCause {
		words = firstOf(f.get("message"), f.get("Message"), f.get("error"), f.get("errorMessage"), f.get("error", "message"), f.get("ResponseBody"), f.get("detail"))
	}
	d.Title = fmt.Sprintf("%s answered HTTP %s", upper(who), status)
	d.RootCause = fmt.Sprintf("%s that %s calls%s answered HTTP %s: %s%s.", upper(who), f.here(), f.address(), status, why, strings.Replace(saying(words), ": ", "; it says ", 1))
	d.Explanation = "The call got through; the status is the answer of the other side."
	d.Focus = f.focusField("answered "+status, "Parameters", "Arguments", "Resource")
	d.Remedies = []diagnose.Remedy{{Title: "Mend the request, or the other side", Steps: []string{step}}}
	if retryable == diagnose.Yes {
		d.Remedies = append(d.Remedies, f.retryRemedy("Retry with back-off and jitter"))
	}
	d.Prevention = []string{fmt.Sprintf("Catch %s by name where it is an expected answer; retry only 429 and 5xx.", f.err)}
	return d
}

var connectionDown = lazyregexp.New(`(?i)connection\b.{0,200}\b(?:not (?:in an? )?['"]?authorized['"]?(?: state)?|is (?:de-?authorized|deauthorizing|authorizing|creating|deleting)|in (?:an? )?['"]?(?:DEAUTHORIZED|AUTHORIZING|CREATING|DELETING))\b`)

// connectionNotReady tells of an EventBridge connection that is not usable now.
func (f *facts) connectionNotReady() *diagnose.Finding {
	if f.lambda() || notAuthorized.MatchString(f.msg) {
		return nil
	}
	d := f.finding(diagnose.Configuration, diagnose.Likely, diagnose.No)
	d.Also = []diagnose.Category{diagnose.Permission}
	d.Title = "The EventBridge connection of the HTTP Task is not authorized"
	d.RootCause = fmt.Sprintf("%s calls through an EventBridge connection that is not in the state AUTHORIZED, so that it has no credentials to send%s.", upper(f.here()), saying(f.msg))
	d.Explanation = "A connection gets its state when its credentials are checked or its OAuth token is fetched; a changed secret, a client that was revoked, or an OAuth endpoint that answered with an error leaves it DEAUTHORIZED."
	d.Focus = f.focusField("its connection is not authorized", "Parameters", "Arguments")
	d.Remedies = []diagnose.Remedy{{Title: "Authorize the connection again", Steps: []string{
		"See its state and the reason: aws events describe-connection --name NAME --query '[ConnectionState,StateReason]'",
		"Correct the credentials or the OAuth settings with aws events update-connection, and wait until it is AUTHORIZED.",
	}}}
	d.Prevention = []string{"Alarm on connections that are not AUTHORIZED, and renew their credentials before they expire."}
	d.Docs = []string{"Call HTTPS APIs in Step Functions workflows", "Connections for HTTP endpoints in Amazon EventBridge"}
	return d
}

func (f *facts) connectionDenied() *diagnose.Finding {
	d := f.finding(diagnose.Permission, diagnose.Certain, diagnose.No)
	d.Title = "The role may not use the EventBridge connection of the HTTP Task"
	d.RootCause = fmt.Sprintf("%s calls an HTTP endpoint through an EventBridge connection, and the state machine's role is not allowed to retrieve that connection's credentials or to call the endpoint%s.", upper(f.here()), saying(f.msg))
	d.Explanation = "The connection keeps its credentials in Secrets Manager; the role needs the connection, its secret, and the endpoint. Also: the connection itself has to be AUTHORIZED, and in the same region."
	d.Focus = f.focusField("its connection cannot be used", "Parameters", "Arguments")
	d.Remedies = []diagnose.Remedy{{Title: "Allow the connection to the role", Steps: []string{
		`{"Effect": "Allow", "Action": "events:RetrieveConnectionCredentials", "Resource": "arn:aws:events:REGION:ACCOUNT:connection/NAME/*"}`,
		`{"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"], "Resource": "arn:aws:secretsmanager:REGION:ACCOUNT:secret:events!connection/*"}`,
		`{"Effect": "Allow", "Action": "states:InvokeHTTPEndpoint", "Resource": "STATE_MACHINE_ARN", "Condition": {"StringEquals": {"states:HTTPMethod": "METHOD"}, "StringLike": {"states:HTTPEndpoint": "https://HOST/*"}}}`,
	}}}
	d.Prevention = []string{"Test the state with TestState under the same role before it is deployed."}
	d.Docs = []string{"Call HTTPS APIs in Step Functions workflows"}
	return d
}
