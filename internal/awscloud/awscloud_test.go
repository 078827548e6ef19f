package awscloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/awscloud"
	"github.com/stepsleuth/stepsleuth/internal/awscloud/awstest"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

const role = "arn:aws:iam::123456789012:role/workflow"

// site is an account with a Step Functions that really runs.
type site struct {
	*testing.T
	*awstest.Cloud
	sfn   *sfn.Client
	cloud *awscloud.Cloud
}

func newSite(t *testing.T, s *sfnlocal.Server, web *awstest.Cloud) *site {
	t.Helper()
	if web == nil {
		web = &awstest.Cloud{}
	}
	if web.States == nil {
		web.States = s
	}
	config := serve(t, web)
	t.Cleanup(func() { s.Close() })
	cloud := awscloud.New(config)
	cloud.Lag, cloud.Poll = 200*time.Millisecond, 5*time.Millisecond
	return &site{t, web, sfn.NewFromConfig(config), cloud}
}

// serve serves a handler and returns the configuration that reaches it and nothing else.
func serve(t *testing.T, h http.Handler) aws.Config {
	t.Helper()
	srv := httptest.NewServer(h)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.Close()
	})
	return aws.Config{
		BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: &http.Client{Transport: transport},
	}
}

// run creates a machine, runs it to its end, and returns the execution's ARN.
func (s *site) run(name, definition, input string) string {
	s.Helper()
	in := func(o *sfn.Options) { o.Region = "us-east-1" }
	m, err := s.sfn.CreateStateMachine(s.Context(), &sfn.CreateStateMachineInput{Name: &name, Definition: &definition, RoleArn: aws.String(role)}, in)
	if err != nil {
		s.Fatal(err)
	}
	x, err := s.sfn.StartExecution(s.Context(), &sfn.StartExecutionInput{StateMachineArn: m.StateMachineArn, Input: &input}, in)
	if err != nil {
		s.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		d, err := s.sfn.DescribeExecution(s.Context(), &sfn.DescribeExecutionInput{ExecutionArn: x.ExecutionArn}, in)
		if err != nil {
			s.Fatal(err)
		}
		if d.Status != types.ExecutionStatusRunning {
			return *x.ExecutionArn
		}
		if time.Now().After(deadline) {
			s.Fatal("it did not end within 20 s")
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (s *site) fetch(ask awscloud.Ask) *diagnose.Case {
	s.Helper()
	f, err := s.cloud.Fetch(s.Context(), ask)
	if err != nil {
		s.Fatal(err)
	}
	return f.Case()
}

// functions answers Lambda tasks: each function fails with its error and cause.
func functions(fail map[string][2]string) engine.TaskHandler {
	lambda := engine.LambdaHandler{Invoke: func(_ context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
		_, name, _ := strings.Cut(call.Function, ":function:")
		name, _, _ = strings.Cut(name, ":")
		if f, ok := fail[name]; ok {
			return engine.LambdaReply{Payload: []byte(f[1]), Failed: true}, nil
		}
		return engine.LambdaReply{Payload: []byte(`{}`)}, nil
	}}
	return engine.TaskMux{"arn:aws:lambda": lambda, "arn:aws:states:::lambda:invoke": lambda}
}

const charge = `{"StartAt":"Prepare","States":{"Prepare":{"Type":"Pass","Next":"Charge"},"Charge":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
 "Parameters":{"FunctionName":"arn:aws:lambda:us-east-1:123456789012:function:charge:live","Payload.$":"$"},"End":true}}}`

const keyError = `{"errorType":"KeyError","errorMessage":"'currency'","requestId":"8f507cfc-0001-4697-b07a-ac58fc914c95","stackTrace":["  File \"/var/task/app.py\", line 7, in handler\n"]}`

func TestAFailedExecutionIsFetchedWhole(t *testing.T) {
	s := newSite(t, &sfnlocal.Server{Tasks: functions(map[string][2]string{"charge": {"KeyError", keyError}})}, nil)
	arn := s.run("order", charge, `{"amount":7}`)
	c := s.fetch(awscloud.Ask{ARN: arn})
	f := c.Failure
	if f == nil || f.State != "Charge" || f.Error == nil || *f.Error != "KeyError" || f.Input.String() != `{"amount":7}` || f.Attempts != 1 {
		t.Fatalf("failure %+v", f)
	}
	if c.Machine == nil || c.State == nil || c.Machine.Source().Name != "order.asl.json" {
		t.Errorf("machine %v", c.Machine)
	}
	if c.Execution.Status != history.Failed || c.Execution.Start.IsZero() || c.Execution.Stop.IsZero() || c.Execution.Incomplete {
		t.Errorf("execution %+v", c.Execution)
	}
	if len(c.Missing) != 0 {
		t.Errorf("missing %q", c.Missing)
	}
}

func TestWhatIsDeniedIsNamedWithThePolicyStatementThatAllowsIt(t *testing.T) {
	for action, want := range map[string]string{
		"states:DescribeExecution":                `the execution: states:DescribeExecution is not allowed; add to the policy of whoever runs this {"Effect":"Allow","Action":"states:DescribeExecution","Resource":"arn:aws:states:us-east-1:123456789012:execution:order:*"}`,
		"states:DescribeStateMachineForExecution": `the definition: states:DescribeStateMachineForExecution is not allowed; add to the policy of whoever runs this {"Effect":"Allow","Action":"states:DescribeStateMachineForExecution","Resource":"arn:aws:states:us-east-1:123456789012:execution:order:*"}`,
		"states:GetExecutionHistory":              `the events: states:GetExecutionHistory is not allowed; add to the policy of whoever runs this {"Effect":"Allow","Action":"states:GetExecutionHistory","Resource":"arn:aws:states:us-east-1:123456789012:execution:order:*"}`,
	} {
		forbidden := ""
		web := &awstest.Cloud{Refuse: func(asked string) *awstest.Refusal {
			if asked == forbidden {
				return awstest.Denied(asked, "arn:aws:states:us-east-1:123456789012:execution:order:x")
			}
			return nil
		}}
		s := newSite(t, &sfnlocal.Server{Tasks: functions(map[string][2]string{"charge": {"KeyError", keyError}})}, web)
		arn := s.run("order", charge, `{}`)
		forbidden = action
		c := s.fetch(awscloud.Ask{ARN: arn})
		if c.Failure == nil || c.Failure.Error == nil || *c.Failure.Error != "KeyError" {
			t.Errorf("without %s: failure %+v", action, c.Failure)
		}
		got := strings.Join(c.Missing, "\n")
		if !strings.Contains(got, want) || strings.Count(got, strings.SplitN(want, ":", 2)[0]+":") != 1 {
			t.Errorf("without %s: missing %q, want %q", action, c.Missing, want)
		}
	}
}

func TestWhenNothingCanBeHadTheErrorSaysWhy(t *testing.T) {
	const arn = "arn:aws:states:eu-central-1:123456789012:execution:order:x"
	for _, c := range []struct {
		arn     string
		refusal *awstest.Refusal
		kind    awscloud.ProblemKind
		says    string
	}{
		{arn, &awstest.Refusal{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}, awscloud.Expired, "aws sso login"},
		{arn, &awstest.Refusal{Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."}, awscloud.Credentials, "get-caller-identity"},
		{arn, awstest.Denied("states:DescribeExecution", arn), awscloud.Denied, `"Resource":"arn:aws:states:eu-central-1:123456789012:execution:order:*"`},
		{arn, &awstest.Refusal{Code: "AccessDeniedException", Message: "User is not authorized to perform: states:DescribeExecution with an explicit deny in a service control policy"}, awscloud.Denied, "denies it explicitly"},
		{arn, &awstest.Refusal{Code: "KmsAccessDeniedException", Message: "User is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-central-1:123456789012:key/k."}, awscloud.Denied, `"Action":"kms:Decrypt","Resource":"arn:aws:kms:eu-central-1:123456789012:key/k"`},
		{arn, nil, awscloud.NotFound, "there is none at " + arn},
		{"arn:aws:states:eu-central-1:123456789012:stateMachine:order", nil, awscloud.Unusable, "is not the ARN of an execution"},
		{"run-1", nil, awscloud.Unusable, "list-executions"},
	} {
		web := &awstest.Cloud{Refuse: func(string) *awstest.Refusal { return c.refusal }}
		s := newSite(t, &sfnlocal.Server{Region: "eu-central-1"}, web)
		_, err := s.cloud.Fetch(t.Context(), awscloud.Ask{ARN: c.arn})
		var p *awscloud.Problem
		if !errors.As(err, &p) || p.Kind != c.kind || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %v: got %v", c.arn, c.refusal, err)
		}
	}
}

func TestUnreachableAndLateAreTold(t *testing.T) {
	const arn = "arn:aws:states:eu-central-1:123456789012:execution:order:x"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + l.Addr().String()
	l.Close()
	cloud := awscloud.New(aws.Config{BaseEndpoint: &gone, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), RetryMaxAttempts: 1})
	var p *awscloud.Problem
	if _, err := cloud.Fetch(t.Context(), awscloud.Ask{ARN: arn}); !errors.As(err, &p) || p.Kind != awscloud.Unreachable {
		t.Errorf("got %v", err)
	}
	stuck := make(chan struct{})
	defer close(stuck)
	s := newSite(t, &sfnlocal.Server{}, &awstest.Cloud{States: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck })})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.cloud.Fetch(ctx, awscloud.Ask{ARN: arn}); !errors.As(err, &p) || p.Kind != awscloud.Late {
		t.Errorf("got %v", err)
	}
	none := awscloud.New(aws.Config{BaseEndpoint: &gone})
	if _, err := none.Fetch(t.Context(), awscloud.Ask{ARN: arn}); !errors.As(err, &p) || p.Kind != awscloud.Credentials {
		t.Errorf("got %v", err)
	}
}

func TestAHistoryThatLagsBehindIsAwaited(t *testing.T) {
	s := newSite(t, &sfnlocal.Server{Tasks: functions(map[string][2]string{"charge": {"KeyError", keyError}})}, nil)
	arn := s.run("order", charge, `{}`)
	behind := 3
	inner := s.Cloud.States
	s.Cloud.States = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "GetExecutionHistory") || behind == 0 {
			inner.ServeHTTP(w, r)
			return
		}
		behind--
		rec := httptest.NewRecorder()
		inner.ServeHTTP(rec, r)
		var page struct {
			Events []json.RawMessage `json:"events"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &page); err != nil {
			t.Error(err)
		}
		text, _ := json.Marshal(map[string]any{"events": page.Events[2:]}) // the newest come first
		w.Write(text)
	})
	if c := s.fetch(awscloud.Ask{ARN: arn, Ended: true}); c.Failure.State != "Charge" || c.Execution.Incomplete || behind != 0 {
		t.Errorf("failure %+v, still %d behind", c.Failure, behind)
	}
	behind = 1 << 20 // for ever: what there is has to do
	if c := s.fetch(awscloud.Ask{ARN: arn, Ended: true}); c.Failure == nil || *c.Failure.Error != "KeyError" || !c.Execution.Incomplete {
		t.Errorf("failure %+v", c.Failure)
	}
}

func TestANestedExecutionIsLookedInto(t *testing.T) {
	s := newSite(t, &sfnlocal.Server{Tasks: functions(map[string][2]string{"charge": {"KeyError", keyError}})}, nil)
	s.run("order", charge, `{}`)
	arn := s.run("outer", `{"StartAt":"Order","States":{"Order":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2",
	 "Parameters":{"StateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:order","Input":{"a":1}},"End":true}}}`, `{}`)
	c := s.fetch(awscloud.Ask{ARN: arn})
	if c.Failure.State != "Order" || c.Failure.Within == nil || c.Failure.Within.State != "Charge" || *c.Failure.Within.Error != "KeyError" {
		t.Fatalf("failure %+v, within %+v", c.Failure, c.Failure.Within)
	}
	for _, line := range c.Missing {
		if strings.Contains(line, "nested") {
			t.Errorf("missing %q", line)
		}
	}
	middle := s.run("outermost", `{"StartAt":"Outer","States":{"Outer":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync",
	 "Parameters":{"StateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:outer"},"End":true}}}`, `{}`)
	c = s.fetch(awscloud.Ask{ARN: middle})
	if in := c.Failure.Within; in == nil || in.Within == nil || in.Within.State != "Charge" {
		t.Errorf("within %+v", in)
	}
}

func TestFailedItemsOfADistributedMapAreLookedInto(t *testing.T) {
	s := newSite(t, &sfnlocal.Server{Tasks: functions(map[string][2]string{"charge": {"KeyError", keyError}})}, nil)
	arn := s.run("each", `{"StartAt":"Each","States":{"Each":{"Type":"Map","Label":"Each","ItemsPath":"$.items","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
	 "StartAt":"Charge","States":{"Charge":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:charge","End":true}}},"End":true}}}`, `{"items":[{"n":1},{"n":2}]}`)
	c := s.fetch(awscloud.Ask{ARN: arn})
	if c.Failure.State != "Each" || c.Failure.Within == nil || c.Failure.Within.State != "Charge" {
		t.Fatalf("failure %+v, within %+v, missing %q", c.Failure, c.Failure.Within, c.Missing)
	}
	for _, line := range c.Missing {
		if strings.Contains(line, "Map run") {
			t.Errorf("missing %q", line)
		}
	}
}

const configured = `{"FunctionName":"charge","FunctionArn":"arn:aws:lambda:us-east-1:123456789012:function:charge:live","Runtime":"python3.13","Handler":"app.handler","Timeout":3,"MemorySize":128,
 "LastModified":"2026-11-01T00:00:00.000+0000","State":"Active","LastUpdateStatus":"Failed","LastUpdateStatusReason":"no such image",
 "Environment":{"Variables":{"API_TOKEN":"hunter2-hunter2","TABLE":"orders"}},"LoggingConfig":{"LogFormat":"Text","LogGroup":"/shop/charge"}}`

// collect asks the collectors, and returns evidence by source.
func (s *site) collect(c *diagnose.Case) (map[diagnose.Source]string, []string) {
	found, missing := map[diagnose.Source]string{}, []string(nil)
	for _, collector := range s.cloud.Collectors() {
		evidence, err := collector.Collect(s.Context(), c)
		for _, e := range evidence {
			found[e.Source] += e.Text
		}
		if err != nil {
			missing = append(missing, err.Error())
		}
	}
	return found, missing
}

func (s *site) logs(at time.Time) {
	ms := at.UnixMilli()
	s.Log("/shop/charge",
		awstest.Line{Stream: "a", Timestamp: ms - 3, Text: "another invocation\n"},
		awstest.Line{Stream: "a", Timestamp: ms - 2, Text: "START RequestId: 8f507cfc-0001-4697-b07a-ac58fc914c95 Version: 3\n"},
		awstest.Line{Stream: "a", Timestamp: ms - 2, Text: "charging card of ana@example.com\n"},
		awstest.Line{Stream: "b", Timestamp: ms - 2, Text: "elsewhere\n"},
		awstest.Line{Stream: "a", Timestamp: ms - 1, Text: "[ERROR] KeyError: 'currency'\n"},
		awstest.Line{Stream: "a", Timestamp: ms, Text: "REPORT RequestId: 8f507cfc-0001-4697-b07a-ac58fc914c95\tDuration: 3.00 ms\n"},
		awstest.Line{Stream: "a", Timestamp: ms + 1, Text: "the next invocation\n"},
		awstest.Line{Stream: "a", Timestamp: ms - 7_200_000, Text: "hours ago\n"})
}

func TestTheFunctionIsLookedAt(t *testing.T) {
	web := &awstest.Cloud{Functions: map[string]json.RawMessage{"charge": json.RawMessage(configured)}, Page: 2}
	s := newSite(t, &sfnlocal.Server{Tasks: functions(map[string][2]string{"charge": {"KeyError", keyError}})}, web)
	c := s.fetch(awscloud.Ask{ARN: s.run("order", charge, `{}`)})
	s.logs(c.Failure.At)
	found, missing := s.collect(c)
	if len(missing) > 0 {
		t.Errorf("missing %q", missing)
	}
	config, log := found[diagnose.FromConfig], found[diagnose.FromLog]
	for _, want := range []string{"timeout: 3 s", "memory: 128 MB", "runtime: python3.13", "last update: Failed, no such image", "API_TOKEN TABLE", "log group: /shop/charge"} {
		if !strings.Contains(config, want) {
			t.Errorf("configuration without %q:\n%s", want, config)
		}
	}
	if strings.Contains(config, "hunter2") {
		t.Error("the environment's values are not ours to read")
	}
	want := "log group /shop/charge, by request id 8f507cfc-0001-4697-b07a-ac58fc914c95\nSTART RequestId: 8f507cfc-0001-4697-b07a-ac58fc914c95 Version: 3\n" +
		"charging card of ana@example.com\n[ERROR] KeyError: 'currency'\nREPORT RequestId: 8f507cfc-0001-4697-b07a-ac58fc914c95\tDuration: 3.00 ms"
	if log != want {
		t.Errorf("got  %q\nwant %q", log, want)
	}
	if f := observed(c, log); f.Confidence != diagnose.Likely || f.Title != "the function logged: [ERROR] KeyError: 'currency'" {
		t.Errorf("it says %q (%s)", f.Title, f.Confidence)
	}
	if n := web.Calls("lambda:GetFunctionConfiguration"); n != 1 {
		t.Errorf("asked %d times for one configuration", n)
	}
}

func TestWithoutARequestIDTheLogIsTakenByTime(t *testing.T) {
	web := &awstest.Cloud{Functions: map[string]json.RawMessage{"charge": json.RawMessage(configured)}}
	s := newSite(t, &sfnlocal.Server{Tasks: functions(map[string][2]string{"charge": {"Error", `{"errorType":"Error","errorMessage":"no","trace":["Error: no"]}`}})}, web)
	c := s.fetch(awscloud.Ask{ARN: s.run("order", charge, `{}`)})
	s.logs(c.Failure.At)
	found, _ := s.collect(c)
	log := found[diagnose.FromLog]
	if !strings.HasPrefix(log, "log group /shop/charge, by time, so that lines of other invocations may be among them\n") || !strings.Contains(log, "elsewhere") || strings.Contains(log, "hours ago") {
		t.Errorf("got %q", log)
	}
	if f := observed(c, log); f.Confidence != diagnose.Hypothesis || f.Title != "at that time the function logged, perhaps for another request: [ERROR] KeyError: 'currency'" {
		t.Errorf("it says %q (%s)", f.Title, f.Confidence)
	}
}

// observed is what the rules make of a log.
func observed(c *diagnose.Case, log string) diagnose.Finding {
	looked := *c
	looked.Evidence = []diagnose.Evidence{{ID: "L1", Source: diagnose.FromLog, Text: log}}
	for _, rule := range awscloud.Observed() {
		if found := rule.Check(&looked); len(found) > 0 {
			return found[0]
		}
	}
	return diagnose.Finding{}
}

func TestWhatOfTheFunctionIsDeniedIsNamed(t *testing.T) {
	web := &awstest.Cloud{Refuse: func(action string) *awstest.Refusal {
		if strings.HasPrefix(action, "states:") {
			return nil
		}
		return awstest.Denied(action, "x")
	}}
	s := newSite(t, &sfnlocal.Server{Tasks: functions(map[string][2]string{"charge": {"KeyError", keyError}})}, web)
	c := s.fetch(awscloud.Ask{ARN: s.run("order", charge, `{}`)})
	_, missing := s.collect(c)
	got := strings.Join(missing, "\n")
	for _, want := range []string{
		`{"Effect":"Allow","Action":"lambda:GetFunctionConfiguration","Resource":"arn:aws:lambda:us-east-1:123456789012:function:charge:live"}`,
		`{"Effect":"Allow","Action":"logs:FilterLogEvents","Resource":"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/charge:*"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %s, want %s", got, want)
		}
	}
}

func TestFailuresAreGroupedByWhatTheyHaveInCommon(t *testing.T) {
	fail := map[string][2]string{"charge": {"KeyError", keyError}}
	s := newSite(t, &sfnlocal.Server{Tasks: functions(fail)}, nil)
	began := time.Now().Add(-time.Second)
	machine := "arn:aws:states:us-east-1:123456789012:stateMachine:order"
	definition := strings.Replace(charge, `"Prepare":{"Type":"Pass","Next":"Charge"}`,
		`"Prepare":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericGreaterThan":2,"Next":"Charge"}],"Default":"No"},"No":{"Type":"Fail","Error":"No","Cause":"too small"}`, 1)
	for _, n := range []int{1, 3, 4, 5} {
		s.run("order", definition, fmt.Sprintf(`{"n":%d}`, n))
	}
	list, err := s.cloud.FailedSince(t.Context(), machine, began, 10)
	if err != nil || len(list) != 4 {
		t.Fatalf("%d, %v", len(list), err)
	}
	groups, err := s.cloud.Triage(t.Context(), list, (*awscloud.Fetched).Case)
	if err != nil || len(groups) != 2 || groups[0].Count != 3 || groups[1].Count != 1 {
		t.Fatalf("%+v, %v", groups, err)
	}
	g := groups[0]
	if g.Case.Failure.State != "Charge" || g.Last.Before(g.First) || g.Executions[0] != g.Case.Execution.ARN || g.Case.Execution.Input.String() != `{"n":5}` {
		t.Errorf("%+v", g)
	}
	last, err := s.cloud.LastFailed(t.Context(), machine)
	if err != nil || last.ARN != g.Executions[0] {
		t.Errorf("%+v, %v", last, err)
	}
	if list, err := s.cloud.FailedSince(t.Context(), machine, time.Now().Add(time.Hour), 10); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	s.run("fine", `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`, `{}`)
	var p *awscloud.Problem
	if _, err := s.cloud.LastFailed(t.Context(), "arn:aws:states:us-east-1:123456789012:stateMachine:fine"); !errors.As(err, &p) || p.Kind != awscloud.NotFound {
		t.Errorf("got %v", err)
	}
}
