package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/awscloud"
	"github.com/stepsleuth/stepsleuth/internal/awscloud/awstest"
	"github.com/stepsleuth/stepsleuth/internal/functions"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/redact"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

// shop is the AWS of a script with a workflow whose function charge fails until it is
// mended, and with the troubleshooter.
type shop struct {
	duty    *oncall.Duty
	waiting chan string // ARNs of executions that wait for a decision
	mail    string      // file that the last mail is written to

	mu     sync.Mutex
	mended bool
}

// waits is the command waits DEFINITION NAME [TIMES]: in the account so many executions
// (one) of that machine, which is instrumented with --approve, failed and wait for a
// decision. $MACHINE is its ARN and $EXECUTION that of the last that came to wait; the
// last mail is in the file mail.txt.
func waits(ts *testscript.TestScript, _ bool, args []string) {
	s := &shop{waiting: make(chan string, 100), mail: ts.MkAbs("mail.txt")}
	local := &sfnlocal.Server{Tasks: engine.TaskMux{
		"arn:aws:states:::lambda:invoke": engine.LambdaHandler{Invoke: s.invoke},
		"arn:aws:states:::sns:publish":   engine.TaskFunc(s.publish),
	}}
	srv := httptest.NewServer(&awstest.Cloud{States: local, Refuse: accountOf(ts).refuse})
	ts.Defer(func() { srv.Close(); local.Close() })
	r := &redact.Redactor{Key: []byte("0123456789abcdef")}
	s.duty = &oncall.Duty{
		Responder: oncall.Responder{Redact: r, Doctor: &diagnose.Doctor{Rules: rules.All(), Redact: r}},
		Cloud:     awscloud.New(aws.Config{Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}),
	}
	times := 1
	if len(args) > 2 {
		_, err := fmt.Sscan(args[2], &times)
		ts.Check(err)
	}
	ts.Setenv("MACHINE", start(ts, srv.URL, args[1], ts.ReadFile(args[0]), times))
	for range times {
		ts.Setenv("EXECUTION", <-s.waiting)
	}
	reach(ts, srv.URL)
	accountOf(ts).shop = s
}

// mend has the function charge work from now on.
func mend(ts *testscript.TestScript, _ bool, _ []string) {
	s := accountOf(ts).shop
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mended = true
}

// invoke is Lambda.
func (s *shop) invoke(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
	if functions.Name(call.Function) != instrument.DefaultHandler {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.mended {
			return engine.LambdaReply{Payload: []byte(`{"paid":true}`)}, nil
		}
		return engine.LambdaReply{Payload: []byte(keyError), Failed: true}, nil
	}
	answer, err := s.duty.Answer(ctx, call.Payload)
	var event oncall.Event
	if json.Unmarshal(call.Payload, &event) == nil && event.Stepsleuth == instrument.WaitEvent {
		s.waiting <- event.ExecutionARN
	}
	return engine.LambdaReply{Payload: answer}, err
}

// publish is Amazon SNS.
func (s *shop) publish(_ context.Context, t *engine.Task) (engine.Result, error) {
	text := t.TextParameter("Subject") + "\n\n" + t.TextParameter("Message")
	return engine.JSON(`{"MessageId":"m"}`), os.WriteFile(s.mail, []byte(text), 0o600)
}
