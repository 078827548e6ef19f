package topics_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/topics"
)

// publish runs a state that publishes, against an SNS that answers with a status and a
// body, and returns the execution and what was sent.
func publish(t *testing.T, parameters string, status int, body string) (*history.Execution, url.Values) {
	t.Helper()
	var sent url.Values
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		sent, _ = url.ParseQuery(string(text))
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer srv.Close()
	return run(t, srv.URL, parameters), sent
}

func run(t *testing.T, endpoint, parameters string) *history.Execution {
	t.Helper()
	m, err := asl.Parse("", fmt.Appendf(nil, `{"StartAt": "Tell", "States": {"Tell": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": %s, "End": true}}}`, parameters))
	if err != nil {
		t.Fatal(err)
	}
	client := sns.New(sns.Options{BaseEndpoint: &endpoint, Region: "us-east-1", RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	e := engine.Engine{Tasks: engine.SNSHandler{Publish: topics.Publisher(client)}}
	x, err := e.Run(context.WithoutCancel(t.Context()), m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

const published = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>94f20ce6</MessageId></PublishResult><ResponseMetadata><RequestId>f187a3c1</RequestId></ResponseMetadata></PublishResponse>`

func TestPublishes(t *testing.T) {
	x, sent := publish(t, `{"TopicArn": "arn:aws:sns:us-east-1:123456789012:oncall", "Subject": "It failed", "Message": {"why": "é"},
		"MessageAttributes": {"severity": {"DataType": "String", "StringValue": "high"}}}`, 200, published)
	if !strings.HasPrefix(x.Output.String(), `{"MessageId":"94f20ce6",`) {
		t.Errorf("ended %s with %s, %s", x.Status, aws.ToString(x.Error), x.Output)
	}
	for name, want := range map[string]string{
		"Action": "Publish", "TopicArn": "arn:aws:sns:us-east-1:123456789012:oncall", "Subject": "It failed", "Message": `{"why":"é"}`,
		"MessageAttributes.entry.1.Name": "severity", "MessageAttributes.entry.1.Value.StringValue": "high",
	} {
		if got := sent.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestRefusalsAreTheTasksFailure(t *testing.T) {
	refusal := func(code, message string) string {
		return fmt.Sprintf(`<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>9d2f</RequestId></ErrorResponse>`, code, message)
	}
	for name, c := range map[string]struct {
		status        int
		body          string
		failed, cause string
	}{
		"no topic":   {404, refusal("NotFound", "Topic does not exist"), "SNS.NotFoundException", "Topic does not exist (Service: AmazonSNS; Status Code: 404; Error Code: NotFound; Request ID: 9d2f; Proxy: null)"},
		"undeclared": {400, refusal("Throttling", "Rate exceeded"), "SNS.AmazonSNSException", "Rate exceeded (Service: AmazonSNS; Status Code: 400; Error Code: Throttling; Request ID: 9d2f; Proxy: null)"},
	} {
		t.Run(name, func(t *testing.T) {
			x, _ := publish(t, `{"TopicArn": "t", "Message": "m"}`, c.status, c.body)
			if aws.ToString(x.Error) != c.failed || aws.ToString(x.Cause) != c.cause {
				t.Errorf("failed with %s: %s", aws.ToString(x.Error), aws.ToString(x.Cause))
			}
		})
	}
	x := run(t, "http://127.0.0.1:1", `{"TopicArn": "t", "Message": "m"}`) // nobody listens there
	if aws.ToString(x.Error) != "SNS.SdkClientException" || !strings.Contains(aws.ToString(x.Cause), "Unable to execute HTTP request") {
		t.Errorf("unreachable: %s: %s", aws.ToString(x.Error), aws.ToString(x.Cause))
	}
}
