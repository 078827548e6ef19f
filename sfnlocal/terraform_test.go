package sfnlocal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

// slowClients guards tests with clients that take their time.
func slowClients(t *testing.T) {
	t.Helper()
	if os.Getenv("STEPSLEUTH_SLOW_CLIENTS") == "" {
		t.Skip("SKIPPED: slow; set STEPSLEUTH_SLOW_CLIENTS=1 to try the AWS CLI and Terraform against the server")
	}
}

// terraform is a folder with a configuration, and the commands in it.
type terraform struct {
	path, dir, endpoint string
}

// newTerraform finds Terraform and the AWS provider, which must lie unpacked below
// a plugin folder: STEPSLEUTH_TF_PLUGINS, or one below /opt.
func newTerraform(t *testing.T, endpoint string) *terraform {
	t.Helper()
	slowClients(t)
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("SKIPPED: no terraform on this machine, so it was not tried against the server")
	}
	mirror := os.Getenv("STEPSLEUTH_TF_PLUGINS")
	if found, _ := filepath.Glob("/opt/*/registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws*"); mirror == "" && len(found) > 0 {
		mirror, _, _ = strings.Cut(found[0], "/registry.terraform.io/")
	}
	if mirror == "" {
		t.Skip("SKIPPED: no unpacked AWS provider for Terraform; name its plugin folder in STEPSLEUTH_TF_PLUGINS")
	}
	tf := &terraform{path: path, dir: t.TempDir(), endpoint: endpoint}
	tf.write(t, "rc", fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror))
	return tf
}

func (tf *terraform) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(tf.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (tf *terraform) run(t *testing.T, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, tf.path, append(args, "-no-color")...)
	cmd.Dir = tf.dir
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(tf.dir, "rc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
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

// configure writes a machine with a version and an alias, and an activity.
func (tf *terraform) configure(t *testing.T, definition string) {
	t.Helper()
	tf.write(t, "main.tf", fmt.Sprintf(`
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  max_retries                 = 2
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
  endpoints {
    sfn = %q
  }
}

resource "aws_sfn_activity" "approve" {
  name = "approve"
  tags = { team = "shop" }
}

resource "aws_sfn_state_machine" "order" {
  name       = "order"
  role_arn   = %q
  publish    = true
  definition = %q
  tags       = { team = "shop" }
}

resource "aws_sfn_alias" "live" {
  name = "live"
  routing_configuration {
    state_machine_version_arn = aws_sfn_state_machine.order.state_machine_version_arn
    weight                    = 100
  }
}

data "aws_sfn_state_machine" "order" {
  name       = aws_sfn_state_machine.order.name
}

output "found" {
  value = data.aws_sfn_state_machine.order.arn
}
`, tf.endpoint, role, definition))
}

func TestTerraform(t *testing.T) {
	s := &sfnlocal.Server{}
	c := serve(t, s)
	web := httptest.NewServer(s)
	defer web.Close()
	tf := newTerraform(t, web.URL)
	tf.configure(t, passes)
	tf.ok(t, "init")
	tf.ok(t, "apply", "-auto-approve")
	arn := aws.String("arn:aws:states:us-east-1:123456789012:stateMachine:order")
	if d := run(t, c, aws.String(*arn+":live"), "{}"); *d.Output != `{"a":1}` || aws.ToString(d.StateMachineVersionArn) != *arn+":1" {
		t.Errorf("through the alias: %+v", d)
	}
	if tags := done(c.ListTagsForResource(t.Context(), &sfn.ListTagsForResourceInput{ResourceArn: arn}))(t).Tags; len(tags) != 1 {
		t.Errorf("tags %+v", tags)
	}
	tf.ok(t, "plan", "-detailed-exitcode") // 0: nothing to change

	tf.configure(t, fails)
	tf.ok(t, "apply", "-auto-approve")
	if d := run(t, c, aws.String(*arn+":live"), "{}"); aws.ToString(d.Error) != "E" {
		t.Errorf("after the update: %+v", d)
	}

	tf.configure(t, `{"StartAt":"P","States":{"P":{"Type":"Pass","Next":"Nowhere"}}}`)
	out, err := tf.run(t, "plan")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(out, "MISSING_TRANSITION_TARGET") {
		t.Errorf("a wrong definition was planned: %v\n%s", err, out)
	}

	tf.configure(t, fails)
	tf.ok(t, "destroy", "-auto-approve")
	if left := done(c.ListStateMachines(t.Context(), &sfn.ListStateMachinesInput{}))(t).StateMachines; len(left) > 0 {
		t.Errorf("left behind: %+v", left)
	}
}
