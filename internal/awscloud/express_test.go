package awscloud_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/awscloud"
	"github.com/stepsleuth/stepsleuth/internal/awscloud/awstest"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

const (
	expressARN = "arn:aws:states:us-east-1:123456789012:express:quick:run-1:0a1b"
	quickARN   = "arn:aws:states:us-east-1:123456789012:stateMachine:quick"
	quickGroup = "/aws/vendedlogs/states/quick"
	quick      = `{"StartAt":"Check","States":{"Check":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:check","End":true}}}`
)

// expressLines are what an Express workflow logs, at level ALL with execution data.
func expressLines(execution string, at time.Time) []awstest.Line {
	var lines []awstest.Line
	for i, e := range []string{
		`"type":"ExecutionStarted","details":{"input":"{\"n\":1}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::123456789012:role/r"},"previous_event_id":"0"`,
		`"type":"TaskStateEntered","details":{"name":"Check","input":"{\"n\":1}","inputDetails":{"truncated":false}},"previous_event_id":"0"`,
		`"type":"LambdaFunctionScheduled","details":{"resource":"arn:aws:lambda:us-east-1:123456789012:function:check","input":"{\"n\":1}"},"previous_event_id":"2"`,
		`"type":"LambdaFunctionFailed","details":{"error":"Boom","cause":"{\"errorType\":\"Boom\",\"errorMessage\":\"no\"}"},"previous_event_id":"3"`,
		`"type":"ExecutionFailed","details":{"error":"Boom","cause":"{\"errorType\":\"Boom\",\"errorMessage\":\"no\"}"},"previous_event_id":"4"`,
	} {
		ms := at.UnixMilli() + int64(i)
		lines = append(lines, awstest.Line{Stream: "states/quick", Timestamp: ms,
			Text: fmt.Sprintf(`{"id":"%d",%s,"event_timestamp":"%d","execution_arn":%q,"redrive_count":"0"}`, i+1, e, ms, execution)})
	}
	return lines
}

func (s *site) createQuick(logging *types.LoggingConfiguration) {
	s.Helper()
	_, err := s.sfn.CreateStateMachine(s.Context(), &sfn.CreateStateMachineInput{Name: aws.String("quick"), Definition: aws.String(quick),
		RoleArn: aws.String(role), Type: types.StateMachineTypeExpress, LoggingConfiguration: logging}, func(o *sfn.Options) { o.Region = "us-east-1" })
	if err != nil {
		s.Fatal(err)
	}
}

func logging(level types.LogLevel, data bool) *types.LoggingConfiguration {
	return &types.LoggingConfiguration{Level: level, IncludeExecutionData: data, Destinations: []types.LogDestination{{
		CloudWatchLogsLogGroup: &types.CloudWatchLogsLogGroup{LogGroupArn: aws.String("arn:aws:logs:us-east-1:123456789012:log-group:" + quickGroup + ":*")}}}}
}

func TestAnExpressExecutionIsReadFromItsLogGroup(t *testing.T) {
	for _, back := range []time.Duration{time.Minute, 5 * time.Hour, 9 * 24 * time.Hour} {
		s := newSite(t, &sfnlocal.Server{}, &awstest.Cloud{Page: 3})
		s.createQuick(logging(types.LogLevelAll, true))
		at := time.Now().Add(-back)
		s.Log(quickGroup, expressLines(expressARN, at)...)
		s.Log(quickGroup, expressLines(strings.Replace(expressARN, "run-1", "run-2", 1), at)...)
		c := s.fetch(awscloud.Ask{ARN: expressARN})
		f := c.Failure
		if f == nil || f.State != "Check" || *f.Error != "Boom" || f.Input.String() != `{"n":1}` || c.Execution.Incomplete || len(c.Execution.Events()) != 5 {
			t.Errorf("%s ago: failure %+v", back, f)
		}
		if c.Execution.StateMachineARN != quickARN || c.State == nil {
			t.Errorf("execution %+v", c.Execution)
		}
		if got := strings.Join(c.Missing, "\n"); got != "the definition that ran: AWS does not keep it for Express executions, and the one shown is today's; it may have changed since" {
			t.Errorf("missing %q", got)
		}
	}
}

func TestAnExpressWorkflowThatLogsTooLittleIsTold(t *testing.T) {
	s := newSite(t, &sfnlocal.Server{}, nil)
	s.createQuick(nil)
	_, err := s.cloud.Fetch(t.Context(), awscloud.Ask{ARN: expressARN})
	if err == nil || !strings.Contains(err.Error(), "logs nothing") || !strings.Contains(err.Error(), "includeExecutionData") {
		t.Errorf("got %v", err)
	}
	s = newSite(t, &sfnlocal.Server{}, nil)
	s.createQuick(logging(types.LogLevelError, false))
	s.Log(quickGroup, expressLines(expressARN, time.Now())[3:]...)
	c := s.fetch(awscloud.Ask{ARN: expressARN})
	if c.Failure == nil || *c.Failure.Error != "Boom" || !strings.Contains(strings.Join(c.Missing, "\n"), "level ERROR, execution data left out") {
		t.Errorf("failure %+v, missing %q", c.Failure, c.Missing)
	}
}

func TestEventsAtHandDoWhereTheLogGroupIsDenied(t *testing.T) {
	web := &awstest.Cloud{Refuse: func(action string) *awstest.Refusal {
		if action == "logs:FilterLogEvents" {
			return awstest.Denied(action, "x")
		}
		return nil
	}}
	s := newSite(t, &sfnlocal.Server{}, web)
	s.createQuick(logging(types.LogLevelAll, true))
	ask := awscloud.Ask{ARN: expressARN, LogGroup: quickGroup, Around: time.Now()}
	for _, l := range expressLines(expressARN, time.Now()) {
		arn, e, err := awscloud.ReadLogEvent(l.Text)
		if err != nil || arn != expressARN {
			t.Fatal(arn, err)
		}
		ask.Events = append(ask.Events, e)
	}
	c := s.fetch(ask)
	if c.Failure.State != "Check" || !strings.Contains(strings.Join(c.Missing, "\n"), `"Action":"logs:FilterLogEvents","Resource":"arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/quick:*"`) {
		t.Errorf("failure %+v, missing %q", c.Failure, c.Missing)
	}
	ask.Events = nil
	var p *awscloud.Problem
	if _, err := s.cloud.Fetch(t.Context(), ask); !errors.As(err, &p) || p.Kind != awscloud.Denied {
		t.Errorf("got %v", err)
	}
}

func TestAnExpressWorkflowIsTriagedByItsLogGroup(t *testing.T) {
	s := newSite(t, &sfnlocal.Server{}, nil)
	inner := s.Cloud.States
	s.Cloud.States = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ListExecutions") { // as AWS answers for Express
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"StateMachineTypeNotSupported","message":"This operation is not supported by this type of state machine"}`)
			return
		}
		inner.ServeHTTP(w, r)
	})
	s.createQuick(logging(types.LogLevelAll, true))
	for i := range 3 {
		s.Log(quickGroup, expressLines(strings.Replace(expressARN, "run-1", fmt.Sprint("run-", i), 1), time.Now().Add(-time.Duration(i)*time.Hour))...)
	}
	list, err := s.cloud.FailedSince(t.Context(), quickARN, time.Now().Add(-90*time.Minute), 10)
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	groups, err := s.cloud.Triage(t.Context(), list, (*awscloud.Fetched).Case)
	if err != nil || len(groups) != 1 || groups[0].Count != 2 || groups[0].Case.Failure.State != "Check" {
		t.Errorf("%+v, %v", groups, err)
	}
	if subject := groups[0].Case.Subject(); subject.Outcome != diagnose.Ended {
		t.Errorf("%+v", subject)
	}
}
