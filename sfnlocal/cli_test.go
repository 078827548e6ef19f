package sfnlocal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

// awsCLI runs AWS's command-line client against a Server.
type awsCLI struct{ path, endpoint string }

func newCLI(t *testing.T, endpoint string) awsCLI {
	t.Helper()
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("SKIPPED: no AWS CLI (aws) on this machine, so it was not tried against the server")
	}
	slowClients(t)
	return awsCLI{path, endpoint}
}

// command makes a command's JSON the value of out; args are those after `aws stepfunctions`.
func (c awsCLI) command(t *testing.T, out any, args ...string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, append([]string{"--endpoint-url", c.endpoint, "--region", "us-east-1", "--output", "json", "stepfunctions"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=",
		"AWS_DISABLE_HOST_PREFIX_INJECTION=true", "AWS_PAGER=", "AWS_CONFIG_FILE="+os.DevNull)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return &cliError{err, strings.TrimSpace(stderr.String())}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(stdout.Bytes(), out)
}

type cliError struct {
	error
	said string
}

func (e *cliError) Error() string { return e.error.Error() + ": " + e.said }

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
	cli := newCLI(t, web.URL)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	var made struct{ StateMachineArn string }
	ok(cli.command(t, &made, "create-state-machine", "--name", "order", "--role-arn", role, "--definition",
		`{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"Next":"F"},"F":{"Type":"Fail","Error":"Declined","Cause":"no money"}}}`, "--tags", "key=team,value=shop"))
	var started struct{ ExecutionArn string }
	ok(cli.command(t, &started, "start-execution", "--state-machine-arn", made.StateMachineArn, "--input", `{"total":84.50}`))
	var described struct {
		Status, Error, Cause, Input string
		StartDate, StopDate         stamp
	}
	until(t, func() bool {
		ok(cli.command(t, &described, "describe-execution", "--execution-arn", started.ExecutionArn))
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
	ok(cli.command(t, &h, "get-execution-history", "--execution-arn", started.ExecutionArn, "--page-size", "2"))
	if len(h.Events) != 5 || h.Events[4].Type != "ExecutionFailed" {
		t.Errorf("history %+v", h)
	}
	var tested struct{ Status, Output string }
	ok(cli.command(t, &tested, "test-state", "--role-arn", role, "--definition", `{"Type":"Pass","Result":[1],"End":true}`))
	if tested.Status != "SUCCEEDED" || tested.Output != "[1]" {
		t.Errorf("tested %+v", tested)
	}
	err := cli.command(t, nil, "describe-execution", "--execution-arn", started.ExecutionArn+"x")
	if err == nil || !strings.Contains(err.Error(), "(ExecutionDoesNotExist)") || !strings.Contains(err.Error(), "Execution Does Not Exist: '"+started.ExecutionArn+"x'") {
		t.Errorf("no such execution: %v", err)
	}
}
