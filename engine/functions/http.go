package functions

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/stepsleuth/stepsleuth/engine"
)

// answerLimit is what Lambda lets a function answer at most, and some room.
const answerLimit = 8 << 20

// invokeURL calls a function through Lambda's Invoke API.
func (s *Set) invokeURL(ctx context.Context, base string, call engine.LambdaCall) (engine.LambdaReply, error) {
	target := base + "/2015-03-31/functions/" + url.PathEscape(Name(call.Function)) + "/invocations"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(call.Payload))
	if err != nil {
		return engine.LambdaReply{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if call.Event {
		req.Header.Set("X-Amz-Invocation-Type", "Event")
	}
	if call.LogTail {
		req.Header.Set("X-Amz-Log-Type", "Tail")
	}
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return engine.LambdaReply{}, ctx.Err()
		}
		return engine.LambdaReply{}, engine.NewTaskError("Lambda.SdkClientException", "Unable to execute HTTP request: "+err.Error())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return engine.LambdaReply{}, engine.NewTaskError("Lambda.SdkClientException", "Unable to read the function's answer: "+err.Error())
	}
	if resp.StatusCode >= 300 {
		return engine.LambdaReply{}, refusal(resp, body, call)
	}
	return engine.LambdaReply{
		Payload: body,
		Failed:  resp.Header.Get("X-Amz-Function-Error") != "",
		Version: resp.Header.Get("X-Amz-Executed-Version"),
		Log:     resp.Header.Get("X-Amz-Log-Result"),
	}, nil
}

// refusal is the error of a call that Lambda did not make.
func refusal(resp *http.Response, body []byte, call engine.LambdaCall) error {
	name := resp.Header.Get("X-Amzn-ErrorType")
	var detail struct{ Message, Type string }
	_ = json.Unmarshal(body, &detail) // a body without a message is as good as none
	switch {
	case resp.StatusCode == http.StatusNotFound && (name == "" || name == "ResourceNotFoundException"):
		return engine.ErrNoFunction
	case name != "":
	case resp.StatusCode == http.StatusTooManyRequests:
		name = "TooManyRequestsException"
	case resp.StatusCode >= 500:
		name = "ServiceException"
	default:
		name = "AWSLambdaException"
	}
	if detail.Message == "" {
		detail.Message = http.StatusText(resp.StatusCode)
	}
	return engine.NewTaskError("Lambda."+name, fmt.Sprintf(
		"%s (Service: AWSLambda; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", detail.Message, resp.StatusCode, name, call.Task.ID))
}
