package sfnlocal_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/stepsleuth/stepsleuth/internal/clienttest"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

// orders is a folder with a configuration of a machine, a version, an alias and an activity.
type orders struct {
	*clienttest.Terraform
	endpoint string
}

func (tf orders) configure(t *testing.T, definition string) {
	t.Helper()
	main := fmt.Sprintf(`
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
`, tf.endpoint, role, definition)
	if err := os.WriteFile(filepath.Join(tf.Dir, "main.tf"), []byte(main), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTerraform(t *testing.T) {
	clienttest.Slow(t)
	s := &sfnlocal.Server{}
	c := serve(t, s)
	web := httptest.NewServer(s)
	defer web.Close()
	tf := orders{clienttest.NewTerraform(t, t.TempDir()), web.URL}
	tf.configure(t, passes)
	tf.OK(t, "init")
	tf.OK(t, "apply", "-auto-approve")
	arn := aws.String("arn:aws:states:us-east-1:123456789012:stateMachine:order")
	if d := run(t, c, aws.String(*arn+":live"), "{}"); *d.Output != `{"a":1}` || aws.ToString(d.StateMachineVersionArn) != *arn+":1" {
		t.Errorf("through the alias: %+v", d)
	}
	if tags := done(c.ListTagsForResource(t.Context(), &sfn.ListTagsForResourceInput{ResourceArn: arn}))(t).Tags; len(tags) != 1 {
		t.Errorf("tags %+v", tags)
	}
	tf.OK(t, "plan", "-detailed-exitcode") // 0: nothing to change

	tf.configure(t, fails)
	tf.OK(t, "apply", "-auto-approve")
	if d := run(t, c, aws.String(*arn+":live"), "{}"); aws.ToString(d.Error) != "E" {
		t.Errorf("after the update: %+v", d)
	}

	tf.configure(t, `{"StartAt":"P","States":{"P":{"Type":"Pass","Next":"Nowhere"}}}`)
	out, err := tf.Run(t, "plan")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(out, "MISSING_TRANSITION_TARGET") {
		t.Errorf("a wrong definition was planned: %v\n%s", err, out)
	}

	tf.configure(t, fails)
	tf.OK(t, "destroy", "-auto-approve")
	if left := done(c.ListStateMachines(t.Context(), &sfn.ListStateMachinesInput{}))(t).StateMachines; len(left) > 0 {
		t.Errorf("left behind: %+v", left)
	}
}
