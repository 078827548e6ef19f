//go:build unix

package proof_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/stepsleuth/stepsleuth/engine"
)

// order is what an execution is started with. Charging the card fails as it says.
type order struct {
	OrderID  string   `json:"orderId"`
	Items    []item   `json:"items,omitempty"`
	Customer customer `json:"customer"`
	Rounds   int      `json:"rounds"`
	Round    int      `json:"round"`
}

type item struct {
	SKU string `json:"sku"`
}

type customer struct {
	Email         string  `json:"email"`
	Card          string  `json:"card"`
	Authorization string  `json:"authorization"`
	Key           string  `json:"gatewayKey"`
	Fails         failing `json:"fails"`
}

// failing is how charge-card fails.
type failing struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
	Times   int    `json:"times,omitempty"` // that it says so
}

func newOrder(fails failing) order {
	return order{OrderID: "O-1042", Items: []item{{"lamp"}, {"bulb"}}, Customer: customer{
		Email: secrets["e-mail"], Card: secrets["card"], Authorization: "Bearer " + secrets["bearer token"], Key: secrets["AWS key"], Fails: fails,
	}}
}

// invoke is Lambda: the troubleshooter is what was deployed, the workflow's own functions
// do as the order says.
func (s *stack) invoke(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
	switch call.Function {
	case "price-order":
		return engine.LambdaReply{Payload: []byte(`{"total":84.5}`)}, nil
	case "reserve-stock":
		return engine.LambdaReply{Payload: call.Payload}, nil
	case "charge-card":
		return s.charge(ctx, call)
	case function:
		var event struct{ ExecutionArn string }
		if err := json.Unmarshal(call.Payload, &event); err != nil {
			return engine.LambdaReply{}, err
		}
		s.mu.Lock()
		s.requests[event.ExecutionArn] = call.Task.ID
		s.mu.Unlock()
		return s.host.Invoke(ctx, call)
	}
	return engine.LambdaReply{}, engine.ErrNoFunction
}

// charge is charge-card: it logs, as functions of Python do, and fails.
func (s *stack) charge(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
	var event struct{ Customer customer }
	if err := json.Unmarshal(call.Payload, &event); err != nil {
		return engine.LambdaReply{}, err
	}
	f := event.Customer.Fails
	if f.Type == "" {
		return engine.LambdaReply{Payload: []byte(`{"charged":true}`)}, nil
	}
	s.mu.Lock()
	s.charges[f.Type] = append(s.charges[f.Type], call.Task.ID)
	s.mu.Unlock()
	payload, err := json.Marshal(map[string]any{
		"errorMessage": strings.Repeat(f.Message, max(1, f.Times)), "errorType": f.Type, "requestId": call.Task.ID,
		"stackTrace": []string{"  File \"/var/task/payments/charge.py\", line 41, in charge\n    currency = event[\"customer\"][\"currency\"]\n"},
	})
	if err != nil {
		return engine.LambdaReply{}, err
	}
	return engine.LambdaReply{Payload: payload, Failed: true}, s.log(ctx, "/aws/lambda/charge-card",
		"START RequestId: "+call.Task.ID+" Version: $LATEST",
		"gateway called with "+event.Customer.Authorization+" and "+event.Customer.Key,
		"[ERROR] "+f.Type+": "+f.Message,
		"END RequestId: "+call.Task.ID,
		"REPORT RequestId: "+call.Task.ID+"\tDuration: 3.10 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB")
}

func (s *stack) log(ctx context.Context, group string, lines ...string) error {
	now := time.Now().UnixMilli()
	var events []logtypes.InputLogEvent
	for _, line := range lines {
		events = append(events, logtypes.InputLogEvent{Message: aws.String(line + "\n"), Timestamp: &now})
	}
	_, err := s.logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &group, LogEvents: events})
	return err
}

// create makes a further state machine.
func (s *stack) create(t *testing.T, name, definition string) {
	t.Helper()
	_, err := s.client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: &name, Definition: &definition, RoleArn: aws.String(role)})
	if err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
}

// start starts an execution as people do, and returns its ARN.
func (s *stack) start(t *testing.T, machine, name string, input order) string {
	t.Helper()
	file := t.TempDir() + "/input.json"
	text, err := json.Marshal(input)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var started struct{ ExecutionArn string }
	if err := s.cli.Command(t, &started, "stepfunctions", "start-execution", "--state-machine-arn", machines+machine, "--name", name, "--input", "file://"+file); err != nil {
		t.Fatal(err)
	}
	return started.ExecutionArn
}

// end is closed when the execution has ended.
func (s *stack) end(execution string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended[execution] == nil {
		s.ended[execution] = make(chan struct{})
	}
	return s.ended[execution]
}

// request is the latest of the troubleshooter for an execution.
func (s *stack) request(execution string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[execution]
}

// wait waits for the end of an execution, and returns it.
func (s *stack) wait(t *testing.T, execution string) *sfn.DescribeExecutionOutput {
	t.Helper()
	select {
	case <-s.end(execution):
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s did not end within two minutes", execution)
	}
	x, err := s.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &execution})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// ending is what there is to be seen of how an execution ended. Requests' ids differ each time.
func ending(x *sfn.DescribeExecutionOutput) [3]string {
	cause := requestIDs.ReplaceAllString(aws.ToString(x.Cause), "REQUEST")
	return [3]string{string(x.Status), aws.ToString(x.Error), cause}
}

var requestIDs = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// outputOf is what a state gave, "" where it did not end.
func (s *stack) outputOf(t *testing.T, execution, state string) string {
	t.Helper()
	pages := sfn.NewGetExecutionHistoryPaginator(s.client, &sfn.GetExecutionHistoryInput{ExecutionArn: &execution, ReverseOrder: true, MaxResults: 100})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if d := e.StateExitedEventDetails; d != nil && aws.ToString(d.Name) == state {
				return aws.ToString(d.Output)
			}
		}
	}
	return ""
}

// troubleshoot is the state that asks for the diagnosis, as instrument calls it.
const troubleshoot = "stepsleuth: troubleshoot"

// diagnosis is what the pattern hands on.
type diagnosis struct {
	Mail   struct{ Subject, Text string }
	Notify *bool
	Schema string

	Category  string
	RootCause string
	Failure   *struct{ State, Error string }
	Missing   []string
	Model     *struct {
		ID    string
		Error *string
	}
	Problem string
}

// handedOn is the diagnosis in an output of the pattern.
func handedOn(t *testing.T, output string) diagnosis {
	t.Helper()
	var out struct{ Stepsleuth struct{ Payload diagnosis } }
	if err := json.Unmarshal([]byte(output), &out); err != nil {
		t.Fatalf("%v in the output %.300q", err, output)
	}
	return out.Stepsleuth.Payload
}

// failureOf is the error with which a task failed in a state, "" where none did.
func (s *stack) failureOf(t *testing.T, execution, state string) string {
	t.Helper()
	pages := sfn.NewGetExecutionHistoryPaginator(s.client, &sfn.GetExecutionHistoryInput{ExecutionArn: &execution, MaxResults: 1000})
	entered, failed := "", ""
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if d := e.StateEnteredEventDetails; d != nil {
				entered = aws.ToString(d.Name)
			}
			if d := e.TaskFailedEventDetails; d != nil && entered == state {
				failed = aws.ToString(d.Error)
			}
		}
	}
	return failed
}

// saysRequestOf finds the calls that name a request in which charge-card failed with
// that error.
func (s *stack) saysRequestOf(failed string) func(string) bool {
	return func(body string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.ContainsFunc(s.charges[failed], func(id string) bool { return strings.Contains(body, id) })
	}
}
