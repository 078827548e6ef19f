package sfnlocal_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/clienttest"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

// stamp is a time as the CLI shows it: version 1 in seconds, version 2 in words.
type stamp struct{ time.Time }

func (s *stamp) UnmarshalJSON(text []byte) error {
	var seconds float64
	if json.Unmarshal(text, &seconds) != nil {
		return s.Time.UnmarshalJSON(text)
	}
	s.Time = time.UnixMilli(int64(seconds * 1000))
	return nil
}

func TestTheAWSCLI(t *testing.T) {
	s := &sfnlocal.Server{Clock: engine.VirtualClock(time.Time{})}
	web := httptest.NewServer(s)
	defer web.Close()
	defer s.Close()
	clienttest.Slow(t)
	cli := clienttest.NewCLI(t, web.URL)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	var made struct{ StateMachineArn string }
	ok(cli.Command(t, &made, "stepfunctions", "create-state-machine", "--name", "order", "--role-arn", role, "--definition",
		`{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"Next":"F"},"F":{"Type":"Fail","Error":"Declined","Cause":"no money"}}}`, "--tags", "key=team,value=shop"))
	var started struct{ ExecutionArn string }
	ok(cli.Command(t, &started, "stepfunctions", "start-execution", "--state-machine-arn", made.StateMachineArn, "--input", `{"total":84.50}`))
	var described struct {
		Status, Error, Cause, Input string
		StartDate, StopDate         stamp
	}
	until(t, func() bool {
		ok(cli.Command(t, &described, "stepfunctions", "describe-execution", "--execution-arn", started.ExecutionArn))
		return described.Status != "RUNNING"
	})
	took := described.StopDate.Sub(described.StartDate.Time).Round(time.Second)
	if described.Status != "FAILED" || described.Error != "Declined" || described.Input != `{"total":84.50}` || took != time.Hour {
		t.Errorf("described as %+v", described)
	}
	var h struct {
		Events []struct {
			ID   int
			Type string
		}
	}
	ok(cli.Command(t, &h, "stepfunctions", "get-execution-history", "--execution-arn", started.ExecutionArn, "--page-size", "2"))
	if len(h.Events) != 5 || h.Events[4].Type != "ExecutionFailed" {
		t.Errorf("history %+v", h)
	}
	var tested struct{ Status, Output string }
	ok(cli.Command(t, &tested, "stepfunctions", "test-state", "--role-arn", role, "--definition", `{"Type":"Pass","Result":[1],"End":true}`))
	if tested.Status != "SUCCEEDED" || tested.Output != "[1]" {
		t.Errorf("tested %+v", tested)
	}
	err := cli.Command(t, nil, "stepfunctions", "describe-execution", "--execution-arn", started.ExecutionArn+"x")
	if err == nil || !strings.Contains(err.Error(), "(ExecutionDoesNotExist)") || !strings.Contains(err.Error(), "Execution Does Not Exist: '"+started.ExecutionArn+"x'") {
		t.Errorf("no such execution: %v", err)
	}
}
