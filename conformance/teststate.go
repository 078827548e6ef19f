package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

// runTestState has our API answer a case's TestState request, as its clients are answered.
func runTestState(ctx context.Context, c *Case) ([]byte, error) {
	var request map[string]json.RawMessage
	if err := json.Unmarshal(c.Request, &request); err != nil {
		return nil, err
	}
	if request == nil {
		request = make(map[string]json.RawMessage)
	}
	delete(request, "operation")
	request["definition"] = must(json.Marshal(string(c.DefinitionText())))
	s := &sfnlocal.Server{Tasks: functions(c), Clock: clock(), AccountID: account, Region: region, Seed: 1}
	defer s.Close()
	return call(ctx, s, "TestState", must(json.Marshal(request)))
}

// call is the answer to a call of the API, or what it is refused with.
func call(ctx context.Context, s *sfnlocal.Server, operation string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Amz-Target", "AWSStepFunctions."+operation)
	a := &response{header: make(http.Header), status: http.StatusOK}
	s.ServeHTTP(a, r)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if a.status == http.StatusOK {
		return a.body.Bytes(), nil
	}
	var refusal struct {
		Type    string `json:"__type"`
		Message string
	}
	if err := json.Unmarshal(a.body.Bytes(), &refusal); err != nil {
		return nil, fmt.Errorf("%s answered %d: %w", operation, a.status, err)
	}
	if a.status != http.StatusBadRequest {
		return nil, fmt.Errorf("%s: %s", operation, refusal.Message)
	}
	return refusedWith(refusal.Type, refusal.Message), nil
}

// response is an http.ResponseWriter that keeps what is written.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *response) Header() http.Header         { return a.header }
func (a *response) WriteHeader(status int)      { a.status = status }
func (a *response) Write(b []byte) (int, error) { return a.body.Write(b) }

// refusedWith is the result of a call that AWS refuses.
func refusedWith(code, message string) []byte {
	return must(json.Marshal(map[string]any{"error": map[string]string{"Code": code, "Message": message}}))
}
