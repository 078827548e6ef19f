package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"
	"github.com/stepsleuth/stepsleuth/internal/clienttest"
	"github.com/stepsleuth/stepsleuth/internal/setup"
)

func TestModuleIsValidAndDoesWhatItSays(t *testing.T) {
	tf := newTerraform(t)
	if err := os.CopyFS(filepath.Join(tf.Dir, "tests"), os.DirFS("terraform/tests")); err != nil {
		t.Fatal(err)
	}
	tf.OK(t, "fmt", "-check", "-recursive", "-diff")
	tf.OK(t, "init", "-backend=false")
	tf.OK(t, "validate")
	out := tf.OK(t, "test")
	t.Log(out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:])
}

// The whole module is made and taken away again, against a stand-in for AWS.
func TestModuleIsAppliedAndDestroyed(t *testing.T) {
	tf, aws := newTerraform(t), newMoto(t)
	tf.Env = aws.Env()
	write(t, filepath.Join(tf.Dir, "..", "stepsleuth-troubleshooter-arm64.zip"), emptyZip)
	write(t, filepath.Join(tf.Dir, "test.auto.tfvars.json"), `{
		"state_machine_arns": ["arn:aws:states:us-east-1:123456789012:stateMachine:order"],
		"function_arns": ["arn:aws:lambda:us-east-1:123456789012:function:charge-card"],
		"emails": ["oncall@example.com"],
		"model": "us.anthropic.claude-haiku-4-5-20251001-v1:0"
	}`)
	tf.OK(t, "init", "-backend=false")
	tf.OK(t, "apply", "-auto-approve", "-input=false")
	nothingToChange(t, tf)
	noSecretInState(t, filepath.Join(tf.Dir, "terraform.tfstate"))
	t.Run("CheckSetup", func(t *testing.T) { checkSetup(t, aws) })
	tf.OK(t, "destroy", "-auto-approve", "-input=false")
	for what, text := range aws.Listings(t) {
		if strings.Contains(text, "stepsleuth") {
			t.Errorf("destroy leaves behind, of %s:\n%s", what, text)
		}
	}
}

// nothingToChange plans a second time. The stand-in forgets where the function logs.
func nothingToChange(t *testing.T, tf *clienttest.Terraform) {
	t.Helper()
	tf.OK(t, "plan", "-out=plan", "-input=false")
	out := tf.OK(t, "show", "-json", "plan")
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

// checkSetup examines what was made, as far as the stand-in can answer, then breaks it
// in two places and examines it again.
func checkSetup(t *testing.T, aws *clienttest.Moto) {
	config := aws.Config()
	e := &setup.Examiner{Clients: setup.NewClients(config), Region: config.Region}
	// The stand-in simulates no policy and has no models, no machine was made, and it
	// confirms mail by itself.
	well := []string{"credentials", "function", "time-out", "lost events", "redaction", "topic", "subscription", "table", "log", "rule", "digest", "dead letters", "role"}
	report := e.Examine(t.Context(), "stepsleuth-troubleshooter")
	said := textOf(t, report)
	for _, name := range well {
		if got := statuses(report, name); len(got) == 0 || slices.Contains(got, setup.Mend) || slices.Contains(got, setup.Unknown) {
			t.Errorf("%s is %v", name, got)
		}
	}
	t.Logf("as it was made:\n%s", said)

	_, err := lambda.NewFromConfig(config).RemovePermission(t.Context(), &lambda.RemovePermissionInput{FunctionName: ptr("stepsleuth-troubleshooter"), StatementId: ptr("failures")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = eventbridge.NewFromConfig(config).DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: ptr("stepsleuth-troubleshooter-failures")})
	if err != nil {
		t.Fatal(err)
	}
	said = textOf(t, e.Examine(t.Context(), "stepsleuth-troubleshooter"))
	for _, want := range []string{"stepsleuth-troubleshooter-failures is switched off", "stepsleuth-troubleshooter-failures may not call the function"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
}

func ptr(s string) *string { return &s }

func textOf(t *testing.T, r setup.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func statuses(r setup.Report, name string) []setup.Status {
	var out []setup.Status
	for _, c := range r.Checks {
		if c.Name == name {
			out = append(out, c.Status)
		}
	}
	return out
}
