package clienttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// CLI is AWS's command-line client.
type CLI struct {
	Endpoint string

	path string
}

// NewCLI finds the client.
func NewCLI(t testing.TB, endpoint string) CLI {
	t.Helper()
	return CLI{endpoint, Tool(t, "aws", "get the AWS CLI from https://aws.amazon.com/cli/")}
}

// Command makes a command's JSON the value of out, which may be nil; args are those after
// `aws`. The error holds what the command said.
func (c CLI) Command(t testing.TB, out any, args ...string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := command(ctx, c.path, append([]string{"--endpoint-url", c.Endpoint, "--region", "us-east-1", "--output", "json"}, args...)...)
	none := filepath.Join(t.TempDir(), "none") // no settings of this machine's user
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=",
		"AWS_DISABLE_HOST_PREFIX_INJECTION=true", "AWS_PAGER=", "AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := run(cmd); err != nil {
		return fmt.Errorf("aws %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(stdout.Bytes(), out)
}
