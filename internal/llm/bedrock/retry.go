package bedrock

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/smithy-go"

	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// converse asks until there is an answer, a refusal that stays one, or no time: a try
// that could not begin before the deadline is not made.
func (m *Model) converse(ctx context.Context, in *bedrockruntime.ConverseInput) (*bedrockruntime.ConverseOutput, error) {
	for n := 1; ; n++ {
		kept := &refusal{}
		out, err := m.client.Converse(context.WithValue(ctx, refusalKey{}, kept), in)
		if err == nil {
			return out, nil
		}
		err = &refused{err: err, body: kept, tries: n}
		if n >= m.opts.Attempts || ctx.Err() != nil || !transient(err) {
			return nil, err
		}
		if !llm.Sleep(ctx, m.opts.Wait(n)) {
			return nil, err
		}
	}
}

// transientCodes are Bedrock's, of which the SDK leaves out the first two.
var transientCodes = []string{
	"ModelNotReadyException", "ModelTimeoutException", "ThrottlingException", "ServiceUnavailableException", "InternalServerException",
}

// transient tells faults that may be gone at the next try.
func transient(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) {
		if dailyQuota.MatchString(messageOf(err)) {
			return false
		}
		if slices.Contains(transientCodes, api.ErrorCode()) {
			return true
		}
	}
	switch {
	case errors.Is(err, errTooLarge): // whatever else came of closing it early
		return false
	case errors.Is(err, errCut):
		return true
	}
	return retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// refused is an error of one try with what the SDK leaves out.
type refused struct {
	err   error
	body  *refusal
	tries int
}

func (e *refused) Error() string { return e.err.Error() }
func (e *refused) Unwrap() error { return e.err }

// refusalKey is where a request's context keeps its refusal.
type refusalKey struct{}

// refusal is the body that came with a status of 400 or more.
type refusal struct{ text string }

// How much of a body is read.
const (
	maxRefusal = 64 << 10
	maxAnswer  = 4 << 20
)

var (
	errTooLarge = errors.New("the answer is larger than any should be")
	errCut      = errors.New("the connection broke in the middle of the answer")
)

// bounded is a body that ends with an error of ours where it is too large or was cut off:
// a reader of JSON takes the latter for a fault of the JSON.
type bounded struct {
	io.ReadCloser
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%w: %w", errCut, err)
	}
	return n, err
}

// read takes the body, and puts it back.
func (k *refusal) read(response *http.Response) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxRefusal))
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err == nil {
		k.text = string(body)
	}
}

// messageOf is what the service said: IAM writes "Message", Bedrock "message".
func messageOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorMessage() != "" {
		return api.ErrorMessage()
	}
	var r *refused
	if !errors.As(err, &r) {
		return err.Error()
	}
	var body map[string]any
	if json.Unmarshal([]byte(r.body.text), &body) == nil {
		for name, v := range body {
			if s, ok := v.(string); ok && strings.EqualFold(name, "message") {
				return s
			}
		}
	}
	if r.body.text != "" {
		return r.body.text
	}
	return r.err.Error()
}
