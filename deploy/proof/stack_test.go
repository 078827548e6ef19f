//go:build unix

// Package proof applies the whole pattern as users deploy it, and has workflows fail in
// it. What answers is on this machine: moto for AWS's services, sfnlocal for Step
// Functions, lambdart for Lambda, a stand-in for Bedrock; Terraform, the AWS CLI and the
// function's zip file are the real ones.
//
//	aws stepfunctions start-execution ─► sfnlocal ─► charge-card, which fails
//	                                        │
//	                                        ├─► lambdart ─► bootstrap of the deployed zip ─► cloud ─► sfnlocal, moto
//	                                        │                                             └► Bedrock's stand-in
//	                                        └─► sns:publish ─► cloud ─► moto's SNS ─► an SQS queue: what people read
package proof_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/clienttest"
	"github.com/stepsleuth/stepsleuth/internal/lambdart"
	"github.com/stepsleuth/stepsleuth/internal/topics"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

const (
	root     = "../.."
	function = "stepsleuth-troubleshooter"
	account  = "123456789012"
	topic    = "arn:aws:sns:us-east-1:" + account + ":" + function
	role     = "arn:aws:iam::" + account + ":role/order"
	machines = "arn:aws:states:us-east-1:" + account + ":stateMachine:"
	model    = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
)

// stack is the pattern as it is deployed, on this machine.
type stack struct {
	bin     string // stepsleuth
	moto    *clienttest.Moto
	aws     aws.Config // leads to the cloud
	cloud   *cloud
	bedrock *bedrock
	states  *sfnlocal.Server
	client  *sfn.Client
	cli     clienttest.CLI
	tf      *clienttest.Terraform
	zip     string
	host    *lambdart.Host
	lambda  *httptest.Server // Lambda's Invoke API
	people  *mailbox
	logs    *cloudwatchlogs.Client

	mu       sync.Mutex
	ended    map[string]chan struct{} // by execution
	requests map[string]string        // by execution: the latest of the troubleshooter
	charges  map[string][]string      // by error: requests of charge-card
}

// newStack starts what stands in for AWS. Nothing is deployed there yet.
func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{bin: filepath.Join(t.TempDir(), "stepsleuth"), moto: clienttest.NewMoto(t), bedrock: newBedrock(t),
		ended: map[string]chan struct{}{}, requests: map[string]string{}, charges: map[string][]string{}}
	s.states = &sfnlocal.Server{Ended: func(x *history.Execution, _ *asl.Machine) { close(s.end(x.ARN)) }}
	s.cloud = newCloud(t, s.moto.URL, s.states)
	s.cli = clienttest.NewCLI(t, s.cloud.URL)
	s.aws = s.moto.Config()
	s.aws.BaseEndpoint = &s.cloud.URL
	s.client, s.logs = sfn.NewFromConfig(s.aws), cloudwatchlogs.NewFromConfig(s.moto.Config())
	s.states.Tasks = engine.TaskMux{
		"arn:aws:states:::lambda:invoke": engine.LambdaHandler{Invoke: s.invoke},
		"arn:aws:states:::sns:publish":   engine.SNSHandler{Publish: topics.Publisher(sns.NewFromConfig(s.aws))},
	}
	t.Cleanup(func() {
		if err := s.states.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// pack builds the command, and has it package the function.
func (s *stack) pack(t *testing.T, dir string) {
	t.Helper()
	execute(t, "go", "build", "-trimpath", "-o", s.bin, root+"/cmd/stepsleuth")
	execute(t, s.bin, "package", "--out", dir, "--arch", runtime.GOARCH, "--quiet")
	s.zip = filepath.Join(dir, "stepsleuth-troubleshooter-"+runtime.GOARCH+".zip")
}

func execute(t *testing.T, command string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command, args...)
	cmd.WaitDelay = time.Second
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(command), strings.Join(args, " "), err, said.String())
	}
	return string(out)
}

// elsewhere makes what the workflow stands on and somebody else deploys: its functions,
// and their logs.
func (s *stack) elsewhere(t *testing.T) {
	t.Helper()
	config := s.moto.Config()
	trust := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}`
	made, err := iam.NewFromConfig(config).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("functions"), AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"price-order", "reserve-stock", "charge-card"} {
		_, err := lambda.NewFromConfig(config).CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: &name, Role: made.Role.Arn, Runtime: types.RuntimePython313, Handler: aws.String("app.handler"),
			Code: &types.FunctionCode{ZipFile: []byte("PK\x05\x06" + strings.Repeat("\x00", 18))},
		})
		if err != nil {
			t.Fatal(err)
		}
		group := "/aws/lambda/" + name
		if _, err := s.logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &group}); err != nil {
			t.Fatal(err)
		}
	}
}

// settings of Terraform lead it here, and say what the example leaves open: this
// machine's architecture, a short time-out (the shortest that the module takes), and the
// other machines of this test.
const settings = `
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  max_retries                 = 2
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  endpoints {
    sfn = %[1]q
%[2]s  }
}
`

const override = `
module "stepsleuth" {
  architecture       = %q
  package            = %q
  timeout            = 31
  state_machine_arns = [for name in [aws_sfn_state_machine.order.name, "order-plain", "order-succeeds", "long"] : "%s${name}"]
}
`

// configure copies the example and the package, and adds the settings.
func (s *stack) configure(t *testing.T, dir string) {
	t.Helper()
	for from, to := range map[string]string{filepath.Join(dir, "build", "terraform"): "deploy/terraform", root + "/examples/terraform": "examples/terraform"} {
		if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	s.tf = clienttest.NewTerraform(t, filepath.Join(dir, "examples", "terraform", "inline"))
	s.tf.Env = []string{"TF_VAR_email=oncall@example.com", "TF_VAR_model=" + model}
	var endpoints strings.Builder
	for _, name := range []string{"cloudwatch", "dynamodb", "events", "iam", "lambda", "logs", "sns", "sqs", "ssm", "sts"} {
		fmt.Fprintf(&endpoints, "    %s = %q\n", name, s.moto.URL)
	}
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	for name, text := range map[string]string{
		"settings.tf": fmt.Sprintf(settings, s.cloud.URL, endpoints.String()),
		"override.tf": fmt.Sprintf(override, architecture, s.zip, machines),
	} {
		if err := os.WriteFile(filepath.Join(s.tf.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// deploy applies the inline example with a package made from these sources, and returns
// how many resources that made.
func (s *stack) deploy(t *testing.T) (resources int) {
	t.Helper()
	dir := t.TempDir()
	s.pack(t, filepath.Join(dir, "build"))
	s.elsewhere(t)
	s.configure(t, dir)
	s.tf.OK(t, "init", "-backend=false")
	said := s.tf.OK(t, "apply", "-auto-approve", "-input=false")
	_, sum, _ := strings.Cut(said, "Apply complete! Resources: ")
	if _, err := fmt.Sscanf(sum, "%d added, 0 changed, 0 destroyed.", &resources); err != nil || resources == 0 {
		t.Fatalf("what apply made is not to be read: %v\n%s", err, said)
	}
	return resources
}

// run runs the function as it was deployed: its settings are those that Lambda's control
// plane was given, its code the file whose bytes were sent there.
func (s *stack) run(t *testing.T) {
	t.Helper()
	f, err := lambda.NewFromConfig(s.moto.Config()).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(function)})
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(s.zip)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(code)
	if got, want := aws.ToString(f.CodeSha256), base64.StdEncoding.EncodeToString(sum[:]); got != want {
		t.Fatalf("deployed is the zip %s, packaged was %s", got, want)
	}
	s.host = &lambdart.Host{
		Functions: map[string]lambdart.Function{function: {
			Runtime: string(f.Runtime), Code: s.zip, Handler: aws.ToString(f.Handler), MemoryMB: int(aws.ToInt32(f.MemorySize)),
			Timeout: time.Duration(aws.ToInt32(f.Timeout)) * time.Second, Environment: f.Environment.Variables,
		}},
		Environment: map[string]string{
			"AWS_ENDPOINT_URL": s.cloud.URL, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": s.bedrock.URL,
			"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
			"AWS_CONFIG_FILE": s.zip + ".none", "AWS_SHARED_CREDENTIALS_FILE": s.zip + ".none",
		},
	}
	deployed := s.host.Functions[function]
	if err := deployed.Check(); err != nil {
		t.Fatal(err)
	}
	s.lambda = httptest.NewServer(s.host.Handler())
	t.Cleanup(func() {
		s.lambda.Close()
		if err := s.host.Close(); err != nil {
			t.Error(err)
		}
	})
}

// logged is all that the function wrote to its log.
func (s *stack) logged() string {
	var b strings.Builder
	for _, line := range s.host.Logs(function, "") {
		b.WriteString(line.Text + "\n")
	}
	return b.String()
}

// destroy takes everything away, and looks for what is left.
func (s *stack) destroy(t *testing.T) {
	t.Helper()
	s.people.close(t)
	s.tf.OK(t, "destroy", "-auto-approve", "-input=false")
	for what, text := range s.moto.Listings(t) {
		if strings.Contains(text, "stepsleuth") || strings.Contains(text, "role/order") {
			t.Errorf("destroy leaves behind, of %s:\n%s", what, text)
		}
	}
	left, err := s.client.ListStateMachines(t.Context(), &sfn.ListStateMachinesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range left.StateMachines {
		if aws.ToString(m.Name) == "order" {
			t.Error("destroy leaves behind the state machine")
		}
	}
}
