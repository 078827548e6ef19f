package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func checkSetupRun(t *testing.T, o *options, args ...string) (string, error) {
	t.Helper()
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_REGION", "")
	t.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
	var out bytes.Buffer
	c := checkSetupCommand(o)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestCheckSetupWithNoRegion(t *testing.T) {
	out, err := checkSetupRun(t, &options{format: formatText})
	if !errors.Is(err, found) || !strings.Contains(out, "MEND  credentials   no region is configured") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCheckSetupWithCredentialsThatHaveExpired(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error></ErrorResponse>`))
	}))
	defer server.Close()
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	out, err := checkSetupRun(t, &options{format: formatJSON, region: "eu-west-1"}, "--function", "mine")
	if !errors.Is(err, found) || !strings.Contains(out, `"function": "mine"`) || !strings.Contains(out, "AWS does not know you: ExpiredToken") || !strings.Contains(out, "aws sso login") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCheckSetupPrintsNoMarkdown(t *testing.T) {
	if _, err := checkSetupRun(t, &options{format: formatMarkdown}); err == nil || errors.Is(err, found) {
		t.Errorf("got %v", err)
	}
}
