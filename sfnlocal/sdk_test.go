package sfnlocal_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

const role = "arn:aws:iam::123456789012:role/workflow"

// serve serves a Server and returns AWS's own client for it. The client's
// connections all go to the Server, those to the host sync-… as well.
func serve(t *testing.T, s *sfnlocal.Server) *sfn.Client {
	t.Helper()
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		web.Close()
	})
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, web.Listener.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return sfn.New(sfn.Options{
		BaseEndpoint:     &web.URL,
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Transport: transport},
	})
}

// done fails the test where a call failed.
func done[T any](out T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// create makes a machine and returns its ARN.
func create(t *testing.T, c *sfn.Client, name string, kind types.StateMachineType, definition string) *string {
	t.Helper()
	return done(c.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: &name, Definition: &definition, RoleArn: aws.String(role), Type: kind,
	}))(t).StateMachineArn
}

// run starts an execution and waits for its end.
func run(t *testing.T, c *sfn.Client, machine *string, input string) *sfn.DescribeExecutionOutput {
	t.Helper()
	x := done(c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: machine, Input: &input}))(t)
	return ended(t, c, x.ExecutionArn)
}

func ended(t *testing.T, c *sfn.Client, execution *string) *sfn.DescribeExecutionOutput {
	t.Helper()
	var d *sfn.DescribeExecutionOutput
	until(t, func() bool {
		d = done(c.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: execution}))(t)
		return d.Status != types.ExecutionStatusRunning
	})
	return d
}

// until polls as clients of the API do.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen within 20 s")
		}
		<-time.After(5 * time.Millisecond)
	}
}

func code(err error) string {
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

const (
	passes = `{"StartAt":"P","States":{"P":{"Type":"Pass","Result":{"a":1},"End":true}}}`
	fails  = `{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"E","Cause":"why"}}}`
	waits  = `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"End":true}}}`
)

func TestAMachineIsCreatedRunAndLookedAt(t *testing.T) {
	c := serve(t, &sfnlocal.Server{})
	m := create(t, c, "order", "", passes)
	d := run(t, c, m, `{"in":2}`)
	if d.Status != types.ExecutionStatusSucceeded || *d.Output != `{"a":1}` || *d.Input != `{"in":2}` {
		t.Errorf("described as %s %v", d.Status, d.Output)
	}
	if since := time.Since(*d.StartDate); since < 0 || since > time.Minute {
		t.Errorf("started %v ago", since)
	}
	h := done(c.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: d.ExecutionArn}))(t)
	if len(h.Events) != 4 || h.Events[3].Type != types.HistoryEventTypeExecutionSucceeded || *h.Events[3].ExecutionSucceededEventDetails.Output != `{"a":1}` {
		t.Errorf("history %+v", h.Events)
	}
	if at := h.Events[0].Timestamp; !at.Equal(*d.StartDate) {
		t.Errorf("the first event is of %v, the execution of %v", at, d.StartDate)
	}
	list := done(c.ListStateMachines(t.Context(), &sfn.ListStateMachinesInput{}))(t)
	if len(list.StateMachines) != 1 || *list.StateMachines[0].StateMachineArn != *m {
		t.Errorf("listed %+v", list.StateMachines)
	}
}

func TestAHistoryComesInPagesForwardsAndBackwards(t *testing.T) {
	c := serve(t, &sfnlocal.Server{})
	d := run(t, c, create(t, c, "order", "", passes), "{}")
	for _, reverse := range []bool{false, true} {
		var ids []int64
		pages := sfn.NewGetExecutionHistoryPaginator(c, &sfn.GetExecutionHistoryInput{ExecutionArn: d.ExecutionArn, MaxResults: 3, ReverseOrder: reverse})
		for pages.HasMorePages() {
			for _, e := range done(pages.NextPage(t.Context()))(t).Events {
				ids = append(ids, e.Id)
			}
		}
		if len(ids) != 4 || (ids[0] == 1) == reverse {
			t.Errorf("reverse %v: events %v", reverse, ids)
		}
	}
	bare := done(c.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: d.ExecutionArn, IncludeExecutionData: aws.Bool(false)}))(t)
	if in := bare.Events[0].ExecutionStartedEventDetails; in.Input != nil || in.InputDetails == nil || in.RoleArn == nil {
		t.Errorf("without data: %+v", in)
	}
}

func TestAnActivityIsWorkedOn(t *testing.T) {
	for _, clock := range []engine.Clock{nil, engine.VirtualClock(time.Time{})} {
		c := serve(t, &sfnlocal.Server{Clock: clock})
		activity := done(c.CreateActivity(t.Context(), &sfn.CreateActivityInput{Name: aws.String("approve")}))(t).ActivityArn
		m := create(t, c, "m", "", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"`+*activity+`","TimeoutSeconds":300,"HeartbeatSeconds":60,"End":true}}}`)
		x := done(c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: m, Input: aws.String(`{"n":1}`)}))(t)
		task := done(c.GetActivityTask(t.Context(), &sfn.GetActivityTaskInput{ActivityArn: activity, WorkerName: aws.String("me")}))(t)
		if *task.Input != `{"n":1}` {
			t.Errorf("input %s", *task.Input)
		}
		done(c.SendTaskHeartbeat(t.Context(), &sfn.SendTaskHeartbeatInput{TaskToken: task.TaskToken}))(t)
		done(c.SendTaskSuccess(t.Context(), &sfn.SendTaskSuccessInput{TaskToken: task.TaskToken, Output: aws.String(`"yes"`)}))(t)
		if d := ended(t, c, x.ExecutionArn); d.Status != types.ExecutionStatusSucceeded || *d.Output != `"yes"` {
			t.Errorf("ended %s", d.Status)
		}
		_, err := c.SendTaskSuccess(t.Context(), &sfn.SendTaskSuccessInput{TaskToken: task.TaskToken, Output: aws.String(`"again"`)})
		if code(err) != "TaskTimedOut" {
			t.Errorf("the token a second time: %v", err)
		}
		h := done(c.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: x.ExecutionArn}))(t)
		if e := h.Events[3]; e.Type != types.HistoryEventTypeActivityStarted || *e.ActivityStartedEventDetails.WorkerName != "me" {
			t.Errorf("event 4 is %+v", e)
		}
	}
}

func TestTheTaskOfADeletedActivity(t *testing.T) {
	c := serve(t, &sfnlocal.Server{Clock: engine.VirtualClock(time.Time{})})
	activity := done(c.CreateActivity(t.Context(), &sfn.CreateActivityInput{Name: aws.String("a")}))(t).ActivityArn
	m := create(t, c, "m", "", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"`+*activity+`","Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}],"End":true},"B":{"Type":"Pass","End":true}}}`)
	done(c.DeleteActivity(t.Context(), &sfn.DeleteActivityInput{ActivityArn: activity}))(t)
	x := done(c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: m}))(t)
	want := "An error occurred while executing the state 'A' (entered at the event id #2). The activity " + *activity + " does not exist."
	if d := ended(t, c, x.ExecutionArn); aws.ToString(d.Error) != "States.Runtime" || aws.ToString(d.Cause) != want {
		t.Errorf("ended %s: %s: %s", d.Status, aws.ToString(d.Error), aws.ToString(d.Cause))
	}
}

func TestAPollWithoutATaskEndsEmpty(t *testing.T) {
	c := serve(t, &sfnlocal.Server{Limits: sfnlocal.Limits{LongPoll: 20 * time.Millisecond}})
	activity := done(c.CreateActivity(t.Context(), &sfn.CreateActivityInput{Name: aws.String("a")}))(t).ActivityArn
	task := done(c.GetActivityTask(t.Context(), &sfn.GetActivityTaskInput{ActivityArn: activity}))(t)
	if task.TaskToken != nil {
		t.Errorf("a task: %s", *task.TaskToken)
	}
}

func TestATaskTokenIsAnsweredFromOutside(t *testing.T) {
	tokens := make(chan string, 1)
	c := serve(t, &sfnlocal.Server{Tasks: engine.TaskFunc(func(_ context.Context, task *engine.Task) (engine.Result, error) {
		tokens <- task.TextParameter("Token")
		return engine.JSON(`{"MessageId":"1"}`), nil
	})})
	m := create(t, c, "m", "", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken",
		"Parameters":{"QueueUrl":"q","MessageBody":"b","Token.$":"$$.Task.Token"},"End":true}}}`)
	x := done(c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: m}))(t)
	token := <-tokens
	done(c.SendTaskFailure(t.Context(), &sfn.SendTaskFailureInput{TaskToken: &token, Error: aws.String("No"), Cause: aws.String("because")}))(t)
	if d := ended(t, c, x.ExecutionArn); d.Status != types.ExecutionStatusFailed || *d.Error != "No" || *d.Cause != "because" {
		t.Errorf("ended %s", d.Status)
	}
	_, err := c.SendTaskHeartbeat(t.Context(), &sfn.SendTaskHeartbeatInput{TaskToken: aws.String("none")})
	if code(err) != "InvalidToken" {
		t.Errorf("no such token: %v", err)
	}
}

func TestAnExpressMachineAnswersItsCaller(t *testing.T) {
	c := serve(t, &sfnlocal.Server{Clock: engine.VirtualClock(time.Time{})})
	m := create(t, c, "quick", types.StateMachineTypeExpress, `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":2,"Next":"F"},"F":{"Type":"Fail","Error":"E"}}}`)
	x := done(c.StartSyncExecution(t.Context(), &sfn.StartSyncExecutionInput{StateMachineArn: m, Input: aws.String("[]")}))(t)
	if x.Status != types.SyncExecutionStatusFailed || *x.Error != "E" || x.BillingDetails.BilledDurationInMilliseconds != 2000 {
		t.Errorf("answered %s %+v", x.Status, x.BillingDetails)
	}
	_, err := c.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: x.ExecutionArn})
	if code(err) != "InvalidArn" {
		t.Errorf("described: %v", err)
	}
}

func TestAStateIsTestedAlone(t *testing.T) {
	c := serve(t, &sfnlocal.Server{})
	out := done(c.TestState(t.Context(), &sfn.TestStateInput{
		Definition: aws.String(`{"Type":"Pass","Parameters":{"b.$":"$.a"},"Next":"N"}`), Input: aws.String(`{"a":[1]}`), InspectionLevel: types.InspectionLevelDebug,
	}))(t)
	if out.Status != types.TestExecutionStatusSucceeded || *out.Output != `{"b":[1]}` || *out.NextState != "N" || *out.InspectionData.AfterParameters != `{"b":[1]}` {
		t.Errorf("%+v %+v", out, out.InspectionData)
	}
}

func TestAStateWithoutAHandlerIsNotTested(t *testing.T) {
	c := serve(t, &sfnlocal.Server{})
	for _, resource := range []string{"arn:aws:states:us-east-1:123456789012:activity:a", "arn:aws:lambda:us-east-1:123456789012:function:f"} {
		_, err := c.TestState(t.Context(), &sfn.TestStateInput{
			Definition: aws.String(`{"Type":"Task","Resource":"` + resource + `","End":true}`), RoleArn: aws.String(role),
		})
		if code(err) != "ValidationException" || !strings.Contains(err.Error(), resource) {
			t.Errorf("%s: %v", resource, err)
		}
	}
}

func TestAnExecutionIsStoppedAndRedriven(t *testing.T) {
	c := serve(t, &sfnlocal.Server{})
	m := create(t, c, "m", "", waits)
	x := done(c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: m}))(t).ExecutionArn
	_, err := c.RedriveExecution(t.Context(), &sfn.RedriveExecutionInput{ExecutionArn: x})
	if code(err) != "ExecutionNotRedrivable" {
		t.Errorf("redriven while it runs: %v", err)
	}
	for n := range int32(2) {
		done(c.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: x, Error: aws.String("Enough")}))(t)
		d := done(c.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: x}))(t)
		if d.Status != types.ExecutionStatusAborted || *d.Error != "Enough" || *d.RedriveCount != n || d.RedriveStatus != types.ExecutionRedriveStatusRedrivable {
			t.Errorf("stopped: %s, %d times redriven", d.Status, *d.RedriveCount)
		}
		done(c.RedriveExecution(t.Context(), &sfn.RedriveExecutionInput{ExecutionArn: x}))(t)
		if d := done(c.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: x}))(t); d.Status != types.ExecutionStatusRunning || d.RedriveDate == nil {
			t.Errorf("redriven: %s", d.Status)
		}
	}
	list := func(filter types.ExecutionRedriveFilter) int {
		return len(done(c.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: m, RedriveFilter: filter}))(t).Executions)
	}
	if list(types.ExecutionRedriveFilterRedriven) != 1 || list(types.ExecutionRedriveFilterNotRedriven) != 0 {
		t.Error("the redrive filter does not find it")
	}
}

func TestMachinesRunMachines(t *testing.T) {
	c := serve(t, &sfnlocal.Server{})
	child := create(t, c, "child", "", passes)
	for resource, want := range map[string]string{
		"states:startExecution.sync:2":     `{"a":1}`,
		"aws-sdk:sfn:describeStateMachine": `"child"`,
	} {
		path := map[bool]string{true: "$.Output", false: "$.Name"}[want == `{"a":1}`]
		m := create(t, c, "parent-"+resource[:3], "", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::`+resource+`",
			"Parameters":{"StateMachineArn":"`+*child+`"},"OutputPath":"`+path+`","End":true}}}`)
		if d := run(t, c, m, "{}"); d.Status != types.ExecutionStatusSucceeded || *d.Output != want {
			t.Errorf("%s: %s %s", resource, d.Status, aws.ToString(d.Cause))
		}
	}
	token := create(t, c, "token", "", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sfn:sendTaskSuccess",
		"Parameters":{"TaskToken":"none","Output":"not JSON"},"End":true}}}`)
	if d := run(t, c, token, "{}"); aws.ToString(d.Error) != "Sfn.InvalidTokenException" || !strings.HasPrefix(aws.ToString(d.Cause), "Invalid Token: 'Invalid token' (Service: Sfn, Status Code: 400, Request ID: ") {
		t.Errorf("no such token: %s %s", aws.ToString(d.Error), aws.ToString(d.Cause))
	}
	m := create(t, c, "lost", "", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution",
		"Parameters":{"StateMachineArn":"`+*child+`x"},"End":true}}}`)
	if d := run(t, c, m, "{}"); aws.ToString(d.Error) != "StepFunctions.StateMachineDoesNotExistException" {
		t.Errorf("no such child: %s", aws.ToString(d.Error))
	}
}

func TestAMapRunIsListedWithItsExecutions(t *testing.T) {
	c := serve(t, &sfnlocal.Server{})
	m := create(t, c, "m", "", `{"StartAt":"M","States":{"M":{"Type":"Map","Label":"L","MaxConcurrency":2,"ToleratedFailureCount":1,"End":true,"ItemProcessor":{
		"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"C","States":{
			"C":{"Type":"Choice","Choices":[{"Variable":"$","NumericEquals":2,"Next":"F"}],"Default":"P"},"F":{"Type":"Fail"},"P":{"Type":"Pass","End":true}}}}}}`)
	x := run(t, c, m, "[1,2,3]")
	runs := done(c.ListMapRuns(t.Context(), &sfn.ListMapRunsInput{ExecutionArn: x.ExecutionArn}))(t).MapRuns
	if len(runs) != 1 || runs[0].StopDate == nil {
		t.Fatalf("map runs %+v of an execution that %s", runs, x.Status)
	}
	d := done(c.DescribeMapRun(t.Context(), &sfn.DescribeMapRunInput{MapRunArn: runs[0].MapRunArn}))(t)
	if n := d.ExecutionCounts; d.Status != types.MapRunStatusSucceeded || n.Total != 3 || n.Succeeded != 2 || n.Failed != 1 || d.MaxConcurrency != 2 || d.ToleratedFailureCount != 1 {
		t.Errorf("described %+v %+v", d, n)
	}
	failed := done(c.ListExecutions(t.Context(), &sfn.ListExecutionsInput{MapRunArn: runs[0].MapRunArn, StatusFilter: types.ExecutionStatusFailed}))(t).Executions
	if len(failed) != 1 {
		t.Fatalf("failed executions: %+v", failed)
	}
	child := done(c.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: failed[0].ExecutionArn}))(t)
	if child.Status != types.ExecutionStatusFailed || *child.MapRunArn != *runs[0].MapRunArn || *child.Input != "2" {
		t.Errorf("the child: %+v", child)
	}
	h := done(c.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: failed[0].ExecutionArn}))(t)
	if last := h.Events[len(h.Events)-1]; last.Type != types.HistoryEventTypeExecutionFailed {
		t.Errorf("the child's history ends with %s", last.Type)
	}
	of := done(c.DescribeStateMachineForExecution(t.Context(), &sfn.DescribeStateMachineForExecutionInput{ExecutionArn: failed[0].ExecutionArn}))(t)
	if aws.ToString(of.Label) != "L" || of.MapRunArn == nil {
		t.Errorf("the child's machine: %+v", of)
	}
}

func TestAMapRunCountsTheItemsOfItsBatches(t *testing.T) {
	c := serve(t, &sfnlocal.Server{})
	m := create(t, c, "m", "", `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemBatcher":{"MaxItemsPerBatch":2},"ItemProcessor":{
		"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}}}}`)
	x := run(t, c, m, `[{"n":1},{"n":2},{"n":3}]`)
	runs := done(c.ListMapRuns(t.Context(), &sfn.ListMapRunsInput{ExecutionArn: x.ExecutionArn}))(t).MapRuns
	d := done(c.DescribeMapRun(t.Context(), &sfn.DescribeMapRunInput{MapRunArn: runs[0].MapRunArn}))(t)
	if d.ExecutionCounts.Succeeded != 2 || d.ItemCounts.Succeeded != 3 || d.ItemCounts.Total != 3 {
		t.Errorf("executions %+v, items %+v", d.ExecutionCounts, d.ItemCounts)
	}
}

func TestAnAliasSharesItsExecutionsOut(t *testing.T) {
	c := serve(t, &sfnlocal.Server{Seed: 1})
	m := create(t, c, "m", "", passes)
	one := done(c.PublishStateMachineVersion(t.Context(), &sfn.PublishStateMachineVersionInput{StateMachineArn: m}))(t).StateMachineVersionArn
	two := done(c.UpdateStateMachine(t.Context(), &sfn.UpdateStateMachineInput{StateMachineArn: m, Definition: aws.String(fails), Publish: true}))(t).StateMachineVersionArn
	alias := done(c.CreateStateMachineAlias(t.Context(), &sfn.CreateStateMachineAliasInput{Name: aws.String("live"), RoutingConfiguration: []types.RoutingConfigurationListItem{
		{StateMachineVersionArn: one, Weight: 80}, {StateMachineVersionArn: two, Weight: 20},
	}}))(t).StateMachineAliasArn
	for range 50 {
		run(t, c, alias, "{}")
	}
	count := func(arn *string) int {
		return len(done(c.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: arn}))(t).Executions)
	}
	if a, b := count(one), count(two); a+b != 50 || a < 30 || b < 2 || count(alias) != 50 {
		t.Errorf("%d and %d executions through weights of 80 and 20", a, b)
	}
	_, err := c.DeleteStateMachineVersion(t.Context(), &sfn.DeleteStateMachineVersionInput{StateMachineVersionArn: one})
	if code(err) != "ConflictException" {
		t.Errorf("deleted a version that an alias routes to: %v", err)
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	c := serve(t, &sfnlocal.Server{Limits: sfnlocal.Limits{Running: 1, Ended: 3, EndedBytes: 600_000}})
	m := create(t, c, "m", "", passes)
	for range 5 {
		run(t, c, m, "{}")
	}
	if n := len(done(c.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: m}))(t).Executions); n != 3 {
		t.Errorf("%d executions are remembered", n)
	}
	last := create(t, c, "large", "", `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`)
	for range 3 {
		run(t, c, last, `"`+strings.Repeat("x", 100_000)+`"`)
	}
	for arn, want := range map[*string]int{m: 0, last: 1} {
		if n := len(done(c.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: arn}))(t).Executions); n != want {
			t.Errorf("%d executions of %s are remembered, want %d", n, *arn, want)
		}
	}
	slow := create(t, c, "slow", "", waits)
	done(c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: slow}))(t)
	_, err := c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: slow})
	if code(err) != "ExecutionLimitExceeded" {
		t.Errorf("a second one at the same time: %v", err)
	}
}

func TestDeletingAMachineEndsItsExecutions(t *testing.T) {
	over := make(chan *history.Execution, 1)
	s := &sfnlocal.Server{Ended: func(x *history.Execution, m *asl.Machine) {
		if m.State("W") == nil {
			t.Error("Ended was given another machine")
		}
		over <- x
	}}
	c := serve(t, s)
	m := create(t, c, "m", "", waits)
	x := done(c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: m}))(t).ExecutionArn
	done(c.DeleteStateMachine(t.Context(), &sfn.DeleteStateMachineInput{StateMachineArn: m}))(t)
	if e := <-over; e.Status != history.Aborted || e.ARN != *x {
		t.Errorf("%s ended %s", e.ARN, e.Status)
	}
	_, err := c.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: x})
	if code(err) != "ExecutionDoesNotExist" {
		t.Errorf("described: %v", err)
	}
}

func TestPagesDoNotShiftWhenExecutionsComeIn(t *testing.T) {
	c := serve(t, &sfnlocal.Server{})
	m := create(t, c, "m", "", passes)
	seen := map[string]bool{}
	for range 4 {
		run(t, c, m, "{}")
	}
	pages := sfn.NewListExecutionsPaginator(c, &sfn.ListExecutionsInput{StateMachineArn: m, MaxResults: 2})
	for pages.HasMorePages() {
		for _, x := range done(pages.NextPage(t.Context()))(t).Executions {
			if seen[*x.Name] {
				t.Errorf("%s is on two pages", *x.Name)
			}
			seen[*x.Name] = true
		}
		run(t, c, m, "{}")
	}
	if len(seen) != 4 {
		t.Errorf("%d executions listed", len(seen))
	}
}

func BenchmarkAnExecutionFromStartToEnd(b *testing.B) {
	over := make(chan struct{}, 1)
	s := &sfnlocal.Server{Ended: func(*history.Execution, *asl.Machine) { over <- struct{}{} }}
	defer s.Close()
	call := func(target, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "AWSStepFunctions."+target)
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
	call("CreateStateMachine", `{"name":"m","roleArn":"`+role+`","definition":`+strconv.Quote(passes)+`}`)
	b.ReportAllocs()
	for b.Loop() {
		call("StartExecution", `{"stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m"}`)
		<-over
	}
}

func TestAnUnknownOperationIsRefused(t *testing.T) {
	web := httptest.NewServer(&sfnlocal.Server{})
	defer web.Close()
	for target, want := range map[string]string{"AWSStepFunctions.Nothing": "UnknownOperationException", "": "UnknownOperationException", "AWSStepFunctions.ListActivities": ""} {
		r, err := http.NewRequest(http.MethodPost, web.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", target)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got := answer.Header.Get("X-Amzn-Errortype"); got != want {
			t.Errorf("%q: %s %q", target, answer.Status, got)
		}
	}
}
