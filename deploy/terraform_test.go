package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestModuleIsValidAndDoesWhatItSays(t *testing.T) {
	tf := newTerraform(t)
	if err := os.CopyFS(filepath.Join(tf.dir, "tests"), os.DirFS("terraform/tests")); err != nil {
		t.Fatal(err)
	}
	tf.ok(t, "fmt", "-check", "-recursive", "-diff")
	tf.ok(t, "init", "-backend=false")
	tf.ok(t, "validate")
	out := tf.ok(t, "test")
	t.Log(out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:])
}

// The whole module is made and taken away again, against a stand-in for AWS.
func TestModuleIsAppliedAndDestroyed(t *testing.T) {
	tf, aws := newTerraform(t), newMoto(t)
	tf.env = aws.env()
	write(t, filepath.Join(tf.dir, "..", "stepsleuth-troubleshooter-arm64.zip"), emptyZip)
	write(t, filepath.Join(tf.dir, "test.auto.tfvars.json"), `{
		"state_machine_arns": ["arn:aws:states:us-east-1:123456789012:stateMachine:order"],
		"function_arns": ["arn:aws:lambda:us-east-1:123456789012:function:charge-card"],
		"emails": ["oncall@example.com"],
		"model": "us.anthropic.claude-haiku-4-5-20251001-v1:0"
	}`)
	tf.ok(t, "init", "-backend=false")
	tf.ok(t, "apply", "-auto-approve", "-input=false")
	nothingToChange(t, tf)
	noSecretInState(t, filepath.Join(tf.dir, "terraform.tfstate"))
	tf.ok(t, "destroy", "-auto-approve", "-input=false")
	for what, text := range aws.listings(t) {
		if strings.Contains(text, "stepsleuth") {
			t.Errorf("destroy leaves behind, of %s:\n%s", what, text)
		}
	}
}

// nothingToChange plans a second time. The stand-in forgets where the function logs.
func nothingToChange(t *testing.T, tf *terraform) {
	t.Helper()
	tf.ok(t, "plan", "-out=plan", "-input=false")
	out := tf.ok(t, "show", "-json", "plan")
	var plan struct {
		Changes []struct {
			Address string
			Change  struct {
				Actions       []string
				Before, After map[string]any
			}
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(out), &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan.Changes) == 0 {
		t.Error("apply made nothing")
	}
	for _, c := range plan.Changes {
		delete(c.Change.Before, "logging_config")
		delete(c.Change.After, "logging_config")
		if diff := cmp.Diff(c.Change.Before, c.Change.After); diff != "" {
			t.Errorf("a second apply would %v %s (-before +after):\n%s", c.Change.Actions, c.Address, diff)
		}
	}
}

// emptyZip is a zip file with nothing in it.
const emptyZip = "PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// noSecretInState looks for the redaction key, which is written only.
func noSecretInState(t *testing.T, file string) {
	t.Helper()
	var state struct {
		Resources []struct {
			Type      string
			Instances []struct{ Attributes map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(read(t, file)), &state); err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, r := range state.Resources {
		if r.Type != "aws_ssm_parameter" {
			continue
		}
		for _, i := range r.Instances {
			seen = true
			for _, name := range []string{"value", "value_wo", "insecure_value"} {
				if v, _ := i.Attributes[name].(string); v != "" {
					t.Errorf("the state holds the redaction key, as %s", name)
				}
			}
		}
	}
	if !seen {
		t.Error("there is no parameter for the redaction key")
	}
}
