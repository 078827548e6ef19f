package functions

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// invokePath is Lambda's Invoke API.
const invokePath = "/2015-03-31/functions/"

// maxPayload is how much a function may answer: Lambda's 6 MB.
const maxPayload = 6 << 20

// calls passes the call on to an endpoint that speaks Lambda's Invoke API: a base
// URL, or that of one function's invocations.
func (p *parser) calls(pointer string, v value.Value) (outcome, error) {
	val, _ := v.Get("url")
	text, _ := val.AsString()
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, p.errorf(pointer, `a url is one of an endpoint that speaks Lambda's Invoke API, as {"url": "http://127.0.0.1:9001"}`)
	}
	return func(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
		return invoke(ctx, u, call)
	}, nil
}

func invoke(ctx context.Context, base *url.URL, call engine.LambdaCall) (engine.LambdaReply, error) {
	target := *base
	if !strings.Contains(target.Path, invokePath) {
		target = *base.JoinPath(invokePath, url.PathEscape(Name(call.Function)), "invocations")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(call.Payload))
	if err != nil {
		return engine.LambdaReply{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if call.Event {
		req.Header.Set("X-Amz-Invocation-Type", "Event")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return engine.LambdaReply{}, engine.NewTaskError("Lambda.SdkClientException", fmt.Sprintf("Unable to execute HTTP request: %v", err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPayload+1))
	if err != nil {
		return engine.LambdaReply{}, engine.NewTaskError("Lambda.SdkClientException", fmt.Sprintf("Unable to execute HTTP request: %v", err))
	}
	return reply(resp, body, call)
}

func reply(resp *http.Response, body []byte, call engine.LambdaCall) (engine.LambdaReply, error) {
	switch {
	case len(body) > maxPayload:
		return engine.LambdaReply{}, engine.NewTaskError("Lambda.SdkClientException", "the function's answer is larger than 6 MB")
	case resp.StatusCode == http.StatusNotFound:
		return engine.LambdaReply{}, engine.ErrNoFunction
	case resp.StatusCode == http.StatusTooManyRequests:
		return engine.LambdaReply{}, engine.NewTaskError("Lambda.TooManyRequestsException", serviceCause(resp, body))
	case resp.StatusCode >= http.StatusInternalServerError:
		return engine.LambdaReply{}, engine.NewTaskError("Lambda.ServiceException", serviceCause(resp, body))
	case resp.StatusCode >= http.StatusMultipleChoices:
		return engine.LambdaReply{}, engine.NewTaskError("Lambda.AWSLambdaException", serviceCause(resp, body))
	}
	if len(body) == 0 {
		body = []byte("null")
	}
	return engine.LambdaReply{
		Payload: body,
		Failed:  resp.Header.Get("X-Amz-Function-Error") != "",
		Version: resp.Header.Get("X-Amz-Executed-Version"),
		Log:     resp.Header.Get("X-Amz-Log-Result"),
	}, nil
}

// serviceCause says what Lambda answered, in the form that Step Functions records.
func serviceCause(resp *http.Response, body []byte) string {
	v, _ := value.ParseBytes(body)
	message := strings.TrimSpace(string(body))
	for _, key := range []string{"Message", "message"} {
		if m, ok := v.Get(key); ok {
			message, _ = m.AsString()
		}
	}
	code, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Errortype"), ":")
	return fmt.Sprintf("%s (Service: AWSLambda; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)",
		message, resp.StatusCode, code, resp.Header.Get("X-Amzn-Requestid"))
}
