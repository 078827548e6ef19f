package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stepsleuth/stepsleuth/deploy"
)

func slowClients(t *testing.T) {
	t.Helper()
	if os.Getenv("STEPSLEUTH_SLOW_CLIENTS") == "" {
		t.Skip("SKIPPED: slow; set STEPSLEUTH_SLOW_CLIENTS=1 to try Terraform and cfn-lint")
	}
}

// terraform is a folder with a configuration, and the commands in it.
type terraform struct {
	path, dir, rc string
	env           []string
}

// newTerraform finds Terraform and the AWS provider, which must lie unpacked below a
// plugin folder: STEPSLEUTH_TF_PLUGINS, or one below /opt. The folder gets what the
// embedded files hold.
func newTerraform(t *testing.T) *terraform {
	t.Helper()
	slowClients(t)
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("SKIPPED: no terraform on this machine, so the module was not tried")
	}
	mirror := os.Getenv("STEPSLEUTH_TF_PLUGINS")
	if found, _ := filepath.Glob("/opt/*/registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws*"); mirror == "" && len(found) > 0 {
		mirror, _, _ = strings.Cut(found[0], "/registry.terraform.io/")
	}
	if mirror == "" {
		t.Skip("SKIPPED: no unpacked AWS provider for Terraform; name its plugin folder in STEPSLEUTH_TF_PLUGINS")
	}
	root := t.TempDir()
	if err := os.CopyFS(root, deploy.Files()); err != nil {
		t.Fatal(err)
	}
	tf := &terraform{path: path, dir: filepath.Join(root, "terraform"), rc: filepath.Join(root, "rc")}
	write(t, tf.rc, fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror))
	return tf
}

func (tf *terraform) run(t *testing.T, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, tf.path, append(args, "-no-color")...)
	cmd.Dir = tf.dir
	cmd.Env = append(append(os.Environ(), "TF_CLI_CONFIG_FILE="+tf.rc, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1"), tf.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that it ends its provider
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	t.Logf("terraform %s: %.1f s", strings.Join(args, " "), time.Since(began).Seconds())
	return out.String(), err
}

func (tf *terraform) ok(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tf.run(t, args...)
	if err != nil {
		t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// moto is a stand-in for AWS on this machine.
type moto struct{ url string }

// newMoto starts moto_server, and ends it with the test.
func newMoto(t *testing.T) *moto {
	t.Helper()
	slowClients(t)
	path, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("SKIPPED: no moto_server on this machine, so nothing was applied")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().(*net.TCPAddr)
	listener.Close()
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", fmt.Sprint(address.Port))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group that it began
		_ = cmd.Wait()
	})
	m := &moto{url: "http://" + address.String()}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ticker := time.NewTicker(200 * time.Millisecond); ; {
		if _, err := m.ask(ctx, http.MethodGet, "/moto-api/data.json", "", nil); err == nil {
			ticker.Stop()
			return m
		}
		select {
		case <-ctx.Done():
			t.Fatal("moto_server did not start within a minute")
		case <-ticker.C:
		}
	}
}

// listings are what each service says there is.
func (m *moto) listings(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, l := range []struct{ what, service, target, body string }{
		{"function", "lambda", "", ""},
		{"role", "iam", "", "Action=ListRoles&Version=2010-05-08"},
		{"topic", "sns", "", "Action=ListTopics&Version=2010-03-31"},
		{"subscription", "sns", "", "Action=ListSubscriptions&Version=2010-03-31"},
		{"alarm", "monitoring", "", "Action=DescribeAlarms&Version=2010-08-01"},
		{"queue", "sqs", "AmazonSQS.ListQueues", "{}"},
		{"table", "dynamodb", "DynamoDB_20120810.ListTables", "{}"},
		{"rule", "events", "AWSEvents.ListRules", "{}"},
		{"log group", "logs", "Logs_20140328.DescribeLogGroups", "{}"},
		{"parameter", "ssm", "AmazonSSM.DescribeParameters", "{}"},
	} {
		method, path, kind := http.MethodPost, "/", "application/x-www-form-urlencoded"
		if l.target != "" {
			kind = "application/x-amz-json-1.1"
		}
		if l.service == "lambda" {
			method, path = http.MethodGet, "/2015-03-31/functions/"
		}
		text, err := m.ask(t.Context(), method, path, l.body, map[string]string{
			"Content-Type": kind, "X-Amz-Target": l.target,
			// moto reads the service from here, and no signature
			"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/" + l.service + "/aws4_request, SignedHeaders=host, Signature=none",
		})
		if err != nil {
			t.Fatalf("list what there is of %s: %v\n%s", l.what, err, text)
		}
		out[l.what] = text
	}
	return out
}

func (m *moto) ask(ctx context.Context, method, path, body string, headers map[string]string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, m.url+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	for name, value := range headers {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return string(text), err
}

// env leads the AWS SDKs, and with them Terraform's provider, to moto.
func (m *moto) env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + m.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=2", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
}

// config leads the SDK of Go to moto.
func (m *moto) config() aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &m.url, RetryMaxAttempts: 2,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
