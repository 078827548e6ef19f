package clienttest

import (
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
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Moto is a stand-in for AWS on this machine.
type Moto struct {
	URL string

	none string // a file that is not there, in place of the user's settings
}

// NewMoto starts moto_server, and ends it with the test.
func NewMoto(t testing.TB) *Moto {
	t.Helper()
	path := Tool(t, "moto_server", "get it with: pip install 'moto[server]'")
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", port)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		killGroup(cmd.Process.Pid)
		_ = cmd.Wait()
	})
	m := &Moto{URL: "http://" + address, none: filepath.Join(t.TempDir(), "none")}
	m.ready(t)
	return m
}

// freeAddress is one on which nobody listens, for a server that cannot choose one itself.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func (m *Moto) ready(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, err := m.ask(ctx, http.MethodGet, "/moto-api/data.json", "", nil); err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("moto_server did not start within a minute")
		case <-ticker.C:
		}
	}
}

// Env leads the AWS SDKs, and with them Terraform's provider, to moto.
func (m *Moto) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + m.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=2", "AWS_CONFIG_FILE=" + m.none, "AWS_SHARED_CREDENTIALS_FILE=" + m.none,
	}
}

// Config leads the SDK of Go to moto.
func (m *Moto) Config() aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &m.URL, RetryMaxAttempts: 2,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}
}

// Listings are what each service says there is, by what it is called: "function", "topic" …
func (m *Moto) Listings(t testing.TB) map[string]string {
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

func (m *Moto) ask(ctx context.Context, method, path, body string, headers map[string]string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, m.URL+path, strings.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("ask moto: %w", err)
	}
	for name, value := range headers {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("ask moto: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return string(text), err
}
