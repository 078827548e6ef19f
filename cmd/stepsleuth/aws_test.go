package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/awscloud/awstest"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

// TestScriptsOnAWS runs testdata/aws, each script in an account of its own that only
// this machine knows.
func TestScriptsOnAWS(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/aws",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
			env.Values[accountKey{}] = &account{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "aws": failedTwice, "waits": waits, "mend": mend, "deny": deny, "expire": expire, "metadata": metadata},
	})
}

// metadata is the command metadata STATUS: the environment has no credentials, and the
// service that gives them to machines on EC2 answers with that status.
func metadata(ts *testscript.TestScript, _ bool, args []string) {
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	ts.Defer(srv.Close)
	ts.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", srv.URL)
	ts.Setenv("AWS_REGION", "us-east-1")
}

type accountKey struct{}

// account is the AWS of one script.
type account struct {
	mu      sync.Mutex
	denied  []string
	expired bool
	shop    *shop // of the command waits
}

func (a *account) refuse(action string) *awstest.Refusal {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.expired:
		return &awstest.Refusal{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}
	case slices.Contains(a.denied, action):
		return awstest.Denied(action, "*")
	}
	return nil
}

func accountOf(ts *testscript.TestScript) *account { return ts.Value(accountKey{}).(*account) }

const keyError = `{"errorType":"KeyError","errorMessage":"'currency' of ana@example.com","requestId":"8f507cfc-0001-4697-b07a-ac58fc914c95"}`

// failedTwice is the command aws DEFINITION NAME: in the account there is a state machine
// of that name whose executions failed twice. $MACHINE and $EXECUTION are their ARNs, and
// the environment reaches it.
func failedTwice(ts *testscript.TestScript, _ bool, args []string) {
	ended := make(chan *history.Execution, 2)
	local := &sfnlocal.Server{
		Tasks: engine.TaskMux{"arn:aws:states:::lambda:invoke": engine.LambdaHandler{Invoke: func(context.Context, engine.LambdaCall) (engine.LambdaReply, error) {
			return engine.LambdaReply{Payload: []byte(keyError), Failed: true}, nil
		}}},
		Ended: func(x *history.Execution, _ *asl.Machine) { ended <- x },
	}
	web := &awstest.Cloud{States: local, Refuse: accountOf(ts).refuse, Functions: map[string]json.RawMessage{
		"charge": json.RawMessage(`{"FunctionName":"charge","Runtime":"python3.13","Timeout":3,"MemorySize":128,"State":"Active","LastUpdateStatus":"Successful"}`),
	}}
	srv := httptest.NewServer(web)
	ts.Defer(func() { srv.Close(); local.Close() })
	machine := start(ts, srv.URL, args[1], ts.ReadFile(args[0]), 2)
	<-ended
	x := <-ended
	at := x.Stop.UnixMilli()
	web.Log("/aws/lambda/charge",
		awstest.Line{Stream: "a", Timestamp: at, Text: "START RequestId: 8f507cfc-0001-4697-b07a-ac58fc914c95 Version: 3\n"},
		awstest.Line{Stream: "a", Timestamp: at, Text: "[ERROR] KeyError: 'currency' of ana@example.com\n"},
		awstest.Line{Stream: "a", Timestamp: at, Text: "REPORT RequestId: 8f507cfc-0001-4697-b07a-ac58fc914c95 Duration: 3 ms\n"})
	ts.Setenv("MACHINE", machine)
	ts.Setenv("EXECUTION", x.ARN)
	reach(ts, srv.URL)
}

// reach has the commands of a script reach an account.
func reach(ts *testscript.TestScript, url string) {
	none := filepath.Join(ts.Getenv("WORK"), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none,
	} {
		ts.Setenv(name, value)
	}
}

func start(ts *testscript.TestScript, url, name, definition string, times int) string {
	c := sfn.New(sfn.Options{BaseEndpoint: &url, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	m, err := c.CreateStateMachine(context.Background(), &sfn.CreateStateMachineInput{
		Name: &name, Definition: &definition, RoleArn: aws.String("arn:aws:iam::123456789012:role/workflow"),
	})
	ts.Check(err)
	for range times {
		_, err := c.StartExecution(context.Background(), &sfn.StartExecutionInput{StateMachineArn: m.StateMachineArn})
		ts.Check(err)
	}
	return *m.StateMachineArn
}

// deny ACTION… has AWS deny these actions and no others.
func deny(ts *testscript.TestScript, _ bool, args []string) {
	a := accountOf(ts)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.denied = args
}

// expire has AWS take the credentials for expired.
func expire(ts *testscript.TestScript, _ bool, _ []string) {
	a := accountOf(ts)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expired = true
}
