package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/awscloud/awstest"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

const (
	topic  = "arn:aws:sns:us-east-1:123456789012:oncall"
	charge = `{"StartAt":"Charge","States":{"Charge":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"charge","Payload.$":"$"},"End":true}}}`
	boom   = `{"errorType":"KeyError","errorMessage":"'currency' of ana@example.com","requestId":"8f507cfc-0001-4697-b07a-ac58fc914c95"}`
)

// station is an account with the function in it.
type station struct {
	*testing.T
	web     *awstest.Cloud
	states  *sfnlocal.Server
	client  *sfn.Client
	handler *handler
	ended   chan *history.Execution
	busy    atomic.Bool // Lambda throttles the troubleshooter
	mute    atomic.Bool // SNS takes nothing from workflows
	waits   chan string // ARNs of executions that wait for a decision

	mu   sync.Mutex
	logs bytes.Buffer
}

// Write is the function's standard output.
func (s *station) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logs.Write(p)
}

func (s *station) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logs.String()
}

func newStation(t *testing.T, environment map[string]string) *station {
	t.Helper()
	s := &station{T: t, ended: make(chan *history.Execution, 100), waits: make(chan string, 100)}
	s.states = &sfnlocal.Server{Ended: func(x *history.Execution, _ *asl.Machine) { s.ended <- x }}
	lambda := engine.LambdaHandler{Invoke: s.invoke}
	s.states.Tasks = engine.TaskMux{"arn:aws:states:::lambda:invoke": lambda, "arn:aws:states:::sns:publish": engine.TaskFunc(s.publish)}
	s.web = &awstest.Cloud{States: s.states, Tables: &awstest.Table{}, Functions: map[string]json.RawMessage{
		"charge": json.RawMessage(`{"FunctionName":"charge","Runtime":"python3.13","Timeout":3,"MemorySize":128}`)},
		Secrets: map[string]string{"/stepsleuth/redaction-key": strings.Repeat("0123456789abcdef", 8)}}
	srv := httptest.NewServer(s.web)
	t.Cleanup(func() { srv.Close(); s.states.Close() })
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": srv.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none,
	} {
		t.Setenv(name, value)
	}
	s.client = sfn.New(sfn.Options{BaseEndpoint: &srv.URL, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	s.handler = newHandler(t.Context(), func(name string) string {
		return map[string]string{"STEPSLEUTH_TOPIC_ARN": topic, "STEPSLEUTH_TABLE": "incidents"}[name] + environment[name]
	}, s)
	return s
}

// invoke is Lambda: charge fails, and the troubleshooter is ours.
func (s *station) invoke(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
	if !strings.Contains(call.Function, instrument.DefaultHandler) {
		return engine.LambdaReply{Payload: []byte(boom), Failed: true}, nil
	}
	if s.busy.Load() {
		return engine.LambdaReply{Payload: []byte(`{"errorType":"Busy"}`), Failed: true}, nil
	}
	out, err := s.handler.Invoke(ctx, call.Payload)
	if call.Task.Token != "" {
		s.waits <- call.Task.Execution
	}
	if err != nil {
		return engine.LambdaReply{Payload: []byte(`{"errorType":"E"}`), Failed: true}, nil
	}
	return engine.LambdaReply{Payload: out}, nil
}

// publish is sns:publish of a workflow.
func (s *station) publish(_ context.Context, t *engine.Task) (engine.Result, error) {
	if s.mute.Load() {
		return engine.Result{}, engine.NewTaskError("SNS.SdkClientException", "Unable to execute HTTP request")
	}
	fmt.Fprintf(s, "workflow published: %s\n%s\n", t.TextParameter("Subject"), t.TextParameter("Message"))
	return engine.JSON(`{"MessageId":"m"}`), nil
}

// run creates a machine, runs it and returns the execution as it ended.
func (s *station) run(name, definition string) *history.Execution {
	s.Helper()
	m, err := s.client.CreateStateMachine(s.Context(), &sfn.CreateStateMachineInput{Name: &name, Definition: &definition, RoleArn: aws.String("arn:aws:iam::123456789012:role/workflow")})
	if err != nil {
		s.Fatal(err)
	}
	if _, err := s.client.StartExecution(s.Context(), &sfn.StartExecutionInput{StateMachineArn: m.StateMachineArn}); err != nil {
		s.Fatal(err)
	}
	return <-s.ended
}

// answer is what comes back, of any form.
type answer struct {
	Mail     struct{ Subject, Text string }
	Notify   bool
	Problem  string
	Ignored  string
	Category string
	Failure  *struct{ State string }
	Missing  []string
	Answers  []struct {
		Execution, Category, Standing, Told string
		Problems                            []string
	}
}

func (s *station) ask(payload string) answer {
	s.Helper()
	a, err := s.try(payload, 20*time.Second)
	if err != nil {
		s.Fatal(err)
	}
	return a
}

// standstill watches, until ctx ends, for how long this process was not given a
// processor at a stretch; the function that it returns says so, then.
func standstill(ctx context.Context) func() time.Duration {
	longest := make(chan time.Duration, 1)
	go func() {
		const beat = 10 * time.Millisecond
		var gap time.Duration
		for last := time.Now(); ctx.Err() == nil; last = time.Now() {
			time.Sleep(beat)
			gap = max(gap, time.Since(last)-beat)
		}
		longest <- gap
	}()
	return func() time.Duration { return <-longest }
}

func (s *station) try(payload string, within time.Duration) (answer, error) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), within)
	defer cancel()
	stoodStill := standstill(ctx)
	out, err := s.handler.Invoke(ctx, []byte(payload))
	if ctx.Err() != nil {
		if gap := stoodStill(); gap > 300*time.Millisecond {
			s.Skipf("nothing is measured: this machine stood still for %v", gap)
		}
		s.Errorf("answered too late, or out of breath")
	}
	if len(out) > oncall.MaxAnswer {
		s.Errorf("an answer of %d bytes", len(out))
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		s.Fatalf("%q: %v", out, err)
	}
	return a, err
}

func statusEvent(x *history.Execution) string {
	text, _ := json.Marshal(map[string]any{
		"version": "0", "id": "e", "detail-type": "Step Functions Execution Status Change", "source": "aws.states", "account": "123456789012",
		"time": x.Stop.Format(time.RFC3339), "region": "us-east-1", "resources": []string{x.ARN},
		"detail": map[string]any{"executionArn": x.ARN, "stateMachineArn": x.StateMachineARN, "name": x.Name, "status": x.Status,
			"startDate": x.Start.UnixMilli(), "stopDate": x.Stop.UnixMilli(), "input": "{}", "error": x.Error, "cause": x.Cause},
	})
	return string(text)
}

func TestOneFailureIsOneNotificationHoweverItComes(t *testing.T) {
	s := newStation(t, nil)
	added, err := instrument.Add("order", []byte(charge), instrument.Options{Topic: topic})
	if err != nil {
		t.Fatal(err)
	}
	x := s.run("order", added.Text)
	if x.Status != history.Failed || *x.Error != "KeyError" {
		t.Fatalf("ended %s, %v", x.Status, aws.ToString(x.Error))
	}
	if n := strings.Count(s.logged(), "workflow published: [stepsleuth] FAILED order"); n != 1 {
		t.Fatalf("the workflow published %d mails:\n%s", n, s.logged())
	}
	a := s.ask(statusEvent(x))
	if len(s.web.Published()) != 0 || len(a.Answers) != 1 || a.Answers[0].Standing != "again" {
		t.Errorf("published %v, answers %+v", s.web.Published(), a.Answers)
	}
	other := s.run("order", added.Text)
	if a := s.ask(statusEvent(other)); len(s.web.Published()) != 0 || a.Answers[0].Standing != "again" {
		t.Errorf("published %v, answers %+v", s.web.Published(), a.Answers)
	}
}

func TestWhatIsToldFromOutsideIsTheFailureThatTheWorkflowCaught(t *testing.T) {
	s := newStation(t, nil)
	added, err := instrument.Add("order", []byte(charge), instrument.Options{Topic: topic})
	if err != nil {
		t.Fatal(err)
	}
	s.run("order", added.Text)
	s.busy.Store(true) // the second time the workflow cannot reach the function
	x := s.run("order", added.Text)
	s.busy.Store(false)
	a := s.ask(statusEvent(x))
	if len(s.web.Published()) != 0 || a.Answers[0].Standing != "repeat" {
		t.Errorf("published %v, answers %+v", s.web.Published(), a.Answers)
	}
	if b := s.ask(fmt.Sprintf(`{"executionArn":%q}`, x.ARN)); b.Failure == nil || b.Failure.State != "Charge" {
		t.Errorf("%+v", b)
	}
}

func TestWhatTheWorkflowCouldNotTellIsToldFromOutside(t *testing.T) {
	for name, busy := range map[string]bool{"with a diagnosis": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t, nil)
			added, err := instrument.Add("order", []byte(charge), instrument.Options{Topic: topic})
			if err != nil {
				t.Fatal(err)
			}
			s.mute.Store(true)
			s.busy.Store(busy)
			x := s.run("order", added.Text)
			if x.Status != history.Failed || *x.Error != "KeyError" {
				t.Fatalf("ended %s, %v", x.Status, aws.ToString(x.Error))
			}
			for range 2 { // EventBridge may deliver twice
				s.ask(statusEvent(x))
			}
			if sent := s.web.Published(); len(sent) != 1 || !strings.Contains(sent[0].Text, "Charge") {
				t.Errorf("published %+v", sent)
			}
			other := s.run("order", added.Text)
			if a := s.ask(statusEvent(other)); len(s.web.Published()) != 1 {
				t.Errorf("an equal failure is told again: %+v", a)
			}
		})
	}
}

func TestAStatusChangeIsPublishedOnce(t *testing.T) {
	s := newStation(t, nil)
	x := s.run("order", charge)
	s.ask(statusEvent(x))
	sent := s.web.Published()
	if len(sent) != 1 || sent[0].Topic != topic || !strings.HasPrefix(sent[0].Subject, "[stepsleuth] FAILED order") || !strings.Contains(sent[0].Text, "Charge") {
		t.Fatalf("published %+v", sent)
	}
	if strings.Contains(sent[0].Text+s.logged(), "ana@example.com") {
		t.Error("what should be concealed is in the mail or the log")
	}
	s.ask(statusEvent(x))
	a := s.ask(statusEvent(s.run("order", charge)))
	if len(s.web.Published()) != 1 || a.Answers[0].Standing != "repeat" {
		t.Errorf("published %+v, answers %+v", s.web.Published(), a.Answers)
	}
}

func TestAStatusChangeThatIsNoFailureIsIgnored(t *testing.T) {
	s := newStation(t, nil)
	x := s.run("fine", `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`)
	if a := s.ask(statusEvent(x)); !strings.Contains(a.Ignored, "SUCCEEDED") || len(s.web.Published()) != 0 {
		t.Errorf("%+v", a)
	}
}

func subscription(group string, lines ...awstest.Line) string {
	events := []map[string]any{}
	for i, l := range lines {
		events = append(events, map[string]any{"id": fmt.Sprint(i), "timestamp": l.Timestamp, "message": l.Text})
	}
	text, _ := json.Marshal(map[string]any{"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": group, "logStream": "s", "subscriptionFilters": []string{"f"}, "logEvents": events})
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(text)
	z.Close()
	return fmt.Sprintf(`{"awslogs":{"data":%q}}`, base64.StdEncoding.EncodeToString(b.Bytes()))
}

func TestAnExpressFailureIsToldFromItsLog(t *testing.T) {
	s := newStation(t, nil)
	const group = "/aws/vendedlogs/states/quick"
	_, err := s.client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: aws.String("quick"), Definition: aws.String(charge), RoleArn: aws.String("arn:aws:iam::123456789012:role/workflow"),
		Type: types.StateMachineTypeExpress, LoggingConfiguration: &types.LoggingConfiguration{Level: types.LogLevelAll, IncludeExecutionData: true, Destinations: []types.LogDestination{{
			CloudWatchLogsLogGroup: &types.CloudWatchLogsLogGroup{LogGroupArn: aws.String("arn:aws:logs:us-east-1:123456789012:log-group:" + group + ":*")}}}}})
	if err != nil {
		t.Fatal(err)
	}
	var lines []awstest.Line
	for i, e := range []string{
		`"type":"ExecutionStarted","details":{"input":"{}"},"previous_event_id":"0"`,
		`"type":"TaskStateEntered","details":{"name":"Charge","input":"{}"},"previous_event_id":"0"`,
		`"type":"TaskScheduled","details":{"resourceType":"lambda","resource":"invoke","parameters":"{\"FunctionName\":\"charge\"}"},"previous_event_id":"2"`,
		`"type":"TaskFailed","details":{"resourceType":"lambda","resource":"invoke","error":"KeyError","cause":"{}"},"previous_event_id":"3"`,
		`"type":"ExecutionFailed","details":{"error":"KeyError","cause":"{}"},"previous_event_id":"4"`,
	} {
		ms := time.Now().UnixMilli() + int64(i)
		lines = append(lines, awstest.Line{Stream: "s", Timestamp: ms, Text: fmt.Sprintf(
			`{"id":"%d",%s,"event_timestamp":"%d","execution_arn":"arn:aws:states:us-east-1:123456789012:express:quick:run:1","redrive_count":"0"}`, i+1, e, ms)})
	}
	s.web.Log(group, lines...)
	s.ask(subscription(group, lines[3:]...)) // the others came in another batch
	sent := s.web.Published()
	if len(sent) != 1 || !strings.Contains(sent[0].Subject, "quick") || !strings.Contains(sent[0].Subject, "Charge") {
		t.Fatalf("published %+v", sent)
	}
	s.ask(subscription(group, lines...))
	if n := len(s.web.Published()); n != 1 {
		t.Errorf("published %d", n)
	}
	if a := s.ask(subscription(group, lines[:2]...)); a.Ignored == "" {
		t.Errorf("%+v", a)
	}
}

func TestWhoAsksGetsAnAnswerAndNobodyElseIsTold(t *testing.T) {
	s := newStation(t, nil)
	x := s.run("order", charge)
	a := s.ask(fmt.Sprintf(`{"executionArn":%q}`, x.ARN))
	if a.Failure == nil || a.Failure.State != "Charge" || a.Category != "lambda-unhandled-exception" || len(s.web.Published()) != 0 {
		t.Errorf("%+v", a)
	}
	s.ask(statusEvent(x))
	if len(s.web.Published()) != 1 {
		t.Error("that somebody asked keeps others from being told")
	}
}

const caught = `{"executionArn":"arn:aws:states:us-east-1:123456789012:execution:order:gone","state":"Charge","failure":{"Error":"KeyError","Cause":"'currency' of ana@example.com"}}`

func TestAWorkflowAlwaysGetsItsMail(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice who goes away
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	})
	for name, ruin := range map[string]func(*station){
		"nothing is wrong but that it is gone": func(*station) {},
		"Step Functions does not answer":       func(s *station) { s.web.States = hang },
		"all is denied": func(s *station) {
			s.web.Refuse = func(action string) *awstest.Refusal { return awstest.Denied(action, "*") }
		},
		"the table does not answer": func(s *station) { s.web.Tables = hang },
		"there is no cloud":         func(s *station) { s.handler.duty.Cloud = nil },
		"fetching panics":           func(s *station) { s.handler.duty.Cloud.States = nil },
		"the store panics":          func(s *station) { s.handler.duty.Incidents = nil; s.handler.duty.Doctor = nil },
		"observing panics":          func(s *station) { s.handler.duty.Observe = func(oncall.Outcome) { panic("x") } },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t, nil)
			ruin(s)
			a, err := s.try(caught, 3*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(a.Mail.Subject, "FAILED order") || !strings.Contains(a.Mail.Text, "Charge") || !strings.Contains(a.Mail.Text, "KeyError") || !a.Notify {
				t.Errorf("mail %+v", a)
			}
			if strings.Contains(a.Mail.Text+s.logged(), "ana@example.com") {
				t.Error("what should be concealed is in the mail or the log")
			}
			b, err := s.try(`{"executionArn":"arn:aws:states:us-east-1:123456789012:execution:order:gone","status":"SUCCEEDED"}`, 3*time.Second)
			if err != nil || !strings.Contains(b.Mail.Subject, "SUCCEEDED") || b.Mail.Text == "" {
				t.Errorf("of a success: %+v, %v", b, err)
			}
		})
	}
}

func TestAModelThatHangsIsGivenUp(t *testing.T) {
	s := newStation(t, map[string]string{"STEPSLEUTH_MODEL": "bedrock"})
	asked := make(chan struct{}, 10)
	s.web.Models = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	x := s.run("order", charge)
	a, err := s.try(fmt.Sprintf(`{"executionArn":%q}`, x.ARN), 30*time.Second)
	if err != nil || a.Category != "lambda-unhandled-exception" || len(asked) == 0 {
		t.Errorf("%+v, %v, asked %d times", a, err, len(asked))
	}
	for len(asked) > 0 {
		<-asked
	}
	if _, err := s.try(fmt.Sprintf(`{"executionArn":%q}`, x.ARN), 2*time.Second); err != nil || len(asked) != 0 {
		t.Errorf("with two seconds left a model was asked %d times, %v", len(asked), err)
	}
}

func TestAHugeCauseMakesASmallAnswer(t *testing.T) {
	s := newStation(t, nil)
	cause, _ := json.Marshal(strings.Repeat("the same long story of ana@example.com ", 6_000))
	a := s.ask(strings.Replace(caught, `"'currency' of ana@example.com"`, string(cause), 1))
	if !strings.Contains(a.Mail.Text, "Charge") {
		t.Errorf("%+v", a)
	}
}

func TestWhereNobodyCouldBeToldAWSDeliversAgain(t *testing.T) {
	s := newStation(t, nil)
	down := true
	s.web.Refuse = func(action string) *awstest.Refusal {
		if down && action == "sns:Publish" {
			return &awstest.Refusal{Status: 403, Code: "AuthorizationError", Message: "not authorized to perform: SNS:Publish"}
		}
		return nil
	}
	x := s.run("order", charge)
	if a, err := s.try(statusEvent(x), 20*time.Second); err == nil || len(a.Answers) != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	down = false
	if a := s.ask(statusEvent(x)); len(s.web.Published()) != 1 || a.Answers[0].Told == "" {
		t.Errorf("%+v", a)
	}
}

func TestAScheduleTellsWhatHappenedSince(t *testing.T) {
	s := newStation(t, nil)
	for range 3 {
		s.ask(statusEvent(s.run("order", charge)))
	}
	later := time.Now().Add(2 * time.Hour)
	s.handler.duty.Now = func() time.Time { return later }
	s.ask(`{"detail-type":"Scheduled Event","source":"aws.events","detail":{}}`)
	sent := s.web.Published()
	if len(sent) != 2 || !strings.Contains(sent[1].Subject, "digest") || !strings.Contains(sent[1].Text, "2x") {
		t.Errorf("published %+v", sent)
	}
}

func TestTheLogIsJSONAndCounts(t *testing.T) {
	s := newStation(t, map[string]string{"STEPSLEUTH_DIGEST": "soon"})
	s.ask(statusEvent(s.run("order", charge)))
	metrics := 0
	for _, l := range strings.Split(strings.TrimSpace(s.logged()), "\n") {
		var line map[string]any
		if err := json.Unmarshal([]byte(l), &line); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		if line["_aws"] != nil {
			metrics++
			if line["Diagnoses"] != 1.0 || line["Category"] != "lambda-unhandled-exception" || line["Redactions"].(float64) < 1 {
				t.Errorf("%s", l)
			}
		}
	}
	if metrics != 1 || !strings.Contains(s.logged(), "STEPSLEUTH_DIGEST: it is a duration like 1h") {
		t.Errorf("%s", s.logged())
	}
}

func TestTheSameSecretHasTheSamePlaceholderInEveryEnvironment(t *testing.T) {
	text := func(parameter string) string {
		s := newStation(t, map[string]string{"STEPSLEUTH_REDACTION_KEY_PARAMETER": parameter})
		return s.handler.duty.Redact.Text("ana@example.com").String()
	}
	const parameter = "/stepsleuth/redaction-key"
	if a, b := text(parameter), text(parameter); a != b || strings.Contains(a, "ana") {
		t.Errorf("%s, then %s", a, b)
	}
	if a, b := text(parameter), text("/none"); a == b {
		t.Errorf("without the key it is %s too", b)
	}
}

func FuzzEveryEventIsAnswered(f *testing.F) {
	for _, seed := range []string{``, `{}`, `[]`, `null`, `{"executionArn":7}`, caught, strings.Replace(caught, "{", `{"tell":true,"at":"soon","started":7,"input":{"a":1},"handledBy":"Save",`, 1), `{"awslogs":{"data":"H4sI"}}`, `{"awslogs":{}}`, `{"detail-type":"Step Functions Execution Status Change","detail":{"status":"FAILED"}}`,
		`{"detail-type":"Step Functions Execution Status Change","detail":{"executionArn":"x","status":"FAILED","error":"E","cause":"c"}}`} {
		f.Add([]byte(seed))
	}
	h := newHandler(context.Background(), func(string) string { return "" }, new(bytes.Buffer))
	h.duty.Cloud, h.duty.Observe = nil, nil
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, err := h.Invoke(context.Background(), payload)
		if err != nil || len(out) > oncall.MaxAnswer || !json.Valid(out) {
			t.Errorf("%q, %v", out, err)
		}
	})
}

// A failure that waits is told each time, however many like it are known, with how to
// decide; the token that answers it is in no mail and in no log.
func TestAFailureThatWaitsIsToldAndItsTokenIsNot(t *testing.T) {
	s := newStation(t, map[string]string{"STEPSLEUTH_LOG_LEVEL": "debug"})
	added, err := instrument.Add("order", []byte(charge), instrument.Options{Topic: topic, Approve: &instrument.Approval{}})
	if err != nil {
		t.Fatal(err)
	}
	name := "order"
	m, err := s.client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: &name, Definition: &added.Text, RoleArn: aws.String("arn:aws:iam::123456789012:role/workflow")})
	if err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for range 3 {
		if _, err := s.client.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: m.StateMachineArn}); err != nil {
			t.Fatal(err)
		}
		arn := <-s.waits
		if want := "stepsleuth decide " + arn + " retry"; !strings.Contains(s.logged(), want) {
			t.Errorf("nobody was told %q", want)
		}
		out, err := s.client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, ReverseOrder: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			var p struct{ Payload struct{ TaskToken string } }
			if d := e.TaskScheduledEventDetails; d != nil && json.Unmarshal([]byte(aws.ToString(d.Parameters)), &p) == nil && p.Payload.TaskToken != "" {
				tokens = append(tokens, p.Payload.TaskToken)
			}
		}
		if _, err := s.client.SendTaskSuccess(t.Context(), &sfn.SendTaskSuccessInput{TaskToken: &tokens[len(tokens)-1], Output: aws.String(`{"decision":"fail","by":"ana"}`)}); err != nil {
			t.Fatal(err)
		}
		if x := <-s.ended; x.Status != history.Failed || x.Error == nil || *x.Error != "KeyError" {
			t.Errorf("it ended %+v", x)
		}
	}
	if n := strings.Count(s.logged(), "workflow published: [stepsleuth] decide: FAILED order"); n != 3 {
		t.Errorf("%d mails ask for a decision", n)
	}
	for _, token := range tokens {
		if strings.Contains(s.logged(), token) {
			t.Error("a token was logged or told")
		}
	}
}
