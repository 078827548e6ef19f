package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// serving is the command serve while it runs.
type serving struct {
	*testing.T
	dir    string
	url    string
	client *sfn.Client
	lines  chan string // of stderr
	broken atomic.Bool // the function charge

	mu   sync.Mutex
	said bytes.Buffer // on stdout and stderr
}

func (s *serving) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.Write(p)
}

func (s *serving) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}

// startServe runs serve with a function charge that speaks Lambda's Invoke API.
func startServe(t *testing.T) *serving {
	t.Helper()
	s := &serving{T: t, dir: t.TempDir(), lines: make(chan string, 1000)}
	s.broken.Store(true)
	lambda := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.broken.Load() {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = io.WriteString(w, `{"errorType":"Declined","errorMessage":"no funds"}`)
			return
		}
		_, _ = io.WriteString(w, `{"paid":true}`)
	}))
	t.Cleanup(lambda.Close)
	functions := s.file("functions.json", `{"charge": {"url": "`+lambda.URL+`"}}`)
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- Main(ctx, []string{"serve", "--addr", "127.0.0.1:0", "--functions", functions, "--outbox", filepath.Join(s.dir, "outbox")}, strings.NewReader(""), s, io.MultiWriter(s, w))
		w.Close()
	}()
	go func() {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			s.lines <- lines.Text()
		}
	}()
	t.Cleanup(func() { stop(); <-ended })
	s.url = s.line(`^listening on (http://.*)$`)
	none := filepath.Join(s.dir, "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": s.url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none,
	} {
		t.Setenv(name, value)
	}
	s.client = sfn.New(sfn.Options{BaseEndpoint: &s.url, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	return s
}

func (s *serving) file(name, text string) string {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	return path
}

// line waits for a line of stderr and returns what its group matches.
func (s *serving) line(pattern string) string {
	s.Helper()
	re := regexp.MustCompile(pattern)
	for {
		select {
		case line := <-s.lines:
			if found := re.FindStringSubmatch(line); found != nil {
				return found[1]
			}
		case <-s.Context().Done():
			s.Fatalf("no line %s in\n%s", pattern, s.output())
		}
	}
}

// command runs a command; what it prints counts as said.
func (s *serving) command(args ...string) (string, int) {
	s.Helper()
	var out bytes.Buffer
	code := Main(s.Context(), args, strings.NewReader(""), &out, &out)
	_, _ = s.Write(out.Bytes())
	return out.String(), code
}

// tokens are those that the history of an execution has.
func (s *serving) tokens(arn string) []string {
	s.Helper()
	out, err := s.client.GetExecutionHistory(s.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})
	if err != nil {
		s.Fatal(err)
	}
	var tokens []string
	for _, e := range out.Events {
		var p struct{ Payload struct{ TaskToken string } }
		if d := e.TaskScheduledEventDetails; d != nil && json.Unmarshal([]byte(aws.ToString(d.Parameters)), &p) == nil && p.Payload.TaskToken != "" {
			tokens = append(tokens, p.Payload.TaskToken)
		}
	}
	return tokens
}

const paying = `{"StartAt": "Charge", "States": {
  "Charge": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "charge", "Payload.$": "$"}, "OutputPath": "$.Payload", "End": true}}}`

// From the failure over the mail and the decision to the end, with no AWS account: and
// nowhere on the way is a task token told.
func TestAServedWorkflowWaitsForADecision(t *testing.T) {
	s := startServe(t)
	definition, code := s.command("instrument", s.file("order.asl.json", paying), "--approve", "-q")
	if code != exitFine {
		t.Fatal(definition)
	}
	m, err := s.client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: aws.String("order"), Definition: &definition, RoleArn: aws.String("arn:aws:iam::123456789012:role/workflow")})
	if err != nil {
		t.Fatal(err)
	}
	begin := func() string {
		x, err := s.client.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: m.StateMachineArn, Input: aws.String(`[1,"two"]`)})
		if err != nil {
			t.Fatal(err)
		}
		arn := regexp.QuoteMeta(*x.ExecutionArn)
		return s.line(`^(` + arn + `) waits for a decision: stepsleuth decide ` + arn + ` retry\|skip\|fail$`)
	}
	says := func(wantCode int, want string, args ...string) {
		t.Helper()
		if out, code := s.command(args...); code != wantCode || !strings.Contains(out, want) {
			t.Errorf("%q: exit %d, want %d and %q:\n%s", args, code, wantCode, want, out)
		}
	}

	arn := begin()
	says(exitFailure, "it waits for a decision; stepsleuth decide "+arn+" retry", "diagnose", arn)
	says(exitFine, "would send", "decide", arn, "retry", "--dry-run")
	says(exitFailure, "it failed again, and waits for the next decision", "decide", arn, "retry")
	s.broken.Store(false)
	says(exitFine, "SUCCEEDED", "decide", arn, "retry", "--note", "charged by hand")
	says(exitUsage, "it was decided already, retry by", "decide", arn, "skip", "--output", "{}")
	if out, err := s.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn}); err != nil || aws.ToString(out.Output) != `{"paid":true}` {
		t.Errorf("%+v, %v", out, err)
	}
	tokens := s.tokens(arn)
	if len(tokens) != 2 {
		t.Fatalf("%d tokens in the history", len(tokens))
	}

	s.broken.Store(true)
	arn = begin()
	says(exitFine, "SUCCEEDED", "decide", arn, "skip", "--output", `"skipped"`, "--format", "json")
	tokens = append(tokens, s.tokens(arn)...)
	arn = begin()
	says(exitFine, "FAILED (Declined)", "decide", arn, "fail")
	says(exitFailure, "Declined", "diagnose", arn, "--format", "json")
	tokens = append(tokens, s.tokens(arn)...)

	said := s.output() + leaving(t, s.dir, "version")
	if !strings.Contains(said, "stepsleuth decide "+arn) || !strings.Contains(said, "decide: FAILED") {
		t.Error("the mails are missing in what was looked through")
	}
	holdsNone(t, "all that was said", said, tokens)
}
