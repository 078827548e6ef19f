package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/clienttest"
)

const examples = "../examples"

func TestInlineExampleIsInstrumentedAsItWouldBeNow(t *testing.T) {
	result, err := instrument.Add("order", []byte(read(t, examples+"/order/order.asl.json")), instrument.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if read(t, examples+"/terraform/inline/order.instrumented.asl.json") != result.Text {
		t.Error("not current: stepsleuth instrument examples/order/order.asl.json -o examples/terraform/inline/order.instrumented.asl.json")
	}
}

// standIn is a test of Terraform's own: the example is applied with a stand-in for the
// provider, so that what refers to what is really worked out.
const standIn = `
mock_provider "aws" {
  mock_data "aws_partition" { defaults = { partition = "aws" } }
  mock_data "aws_region" { defaults = { id = "eu-west-1" } }
  mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
  mock_resource "aws_sfn_state_machine" { defaults = { arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:order" } }
  mock_resource "aws_iam_role" { defaults = { arn = "arn:aws:iam::123456789012:role/role" } }
  mock_resource "aws_sns_topic" { defaults = { arn = "arn:aws:sns:eu-west-1:123456789012:stepsleuth-troubleshooter" } }
  mock_resource "aws_sqs_queue" { defaults = { arn = "arn:aws:sqs:eu-west-1:123456789012:stepsleuth-troubleshooter-dead-letters" } }
  mock_resource "aws_lambda_function" { defaults = { arn = "arn:aws:lambda:eu-west-1:123456789012:function:stepsleuth-troubleshooter" } }
  mock_resource "aws_cloudwatch_event_rule" { defaults = { arn = "arn:aws:events:eu-west-1:123456789012:rule/rule" } }
}
variables {
`

// newExample copies an example, with the module and a zip file where it looks for them.
func newExample(t *testing.T, name string) *clienttest.Terraform {
	t.Helper()
	tf := newTerraform(t)
	root := t.TempDir()
	for from, to := range map[string]string{filepath.Dir(tf.Dir): "deploy", examples + "/terraform": "examples/terraform"} {
		if err := os.CopyFS(filepath.Join(root, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "build"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "build", "stepsleuth-troubleshooter-arm64.zip"), emptyZip)
	tf.Dir = filepath.Join(root, "examples", "terraform", name)
	return tf
}

// That the examples can be planned with a stand-in for the provider; deploy/proof applies
// the inline one for good.
func TestExamplesCanBeApplied(t *testing.T) {
	for name, c := range map[string]string{
		"beside": `  state_machine_arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:order"
  email = "oncall@example.com"
}
run "apply" {
  assert {
    condition     = output.topic_arn == "arn:aws:sns:eu-west-1:123456789012:stepsleuth-troubleshooter"
    error_message = "It tells no topic."
  }
}`,
		"inline": `  email = "oncall@example.com"
  model = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
}
run "apply" {
  assert {
    condition     = jsondecode(aws_sfn_state_machine.order.definition).States["stepsleuth: notify"].Parameters.TopicArn == module.stepsleuth.topic_arn
    error_message = "The workflow publishes elsewhere."
  }
  assert {
    condition     = jsondecode(aws_sfn_state_machine.order.definition).States["stepsleuth: troubleshoot"].Parameters.FunctionName == "stepsleuth-troubleshooter"
    error_message = "The workflow asks another function."
  }
}`,
	} {
		t.Run(name, func(t *testing.T) {
			tf := newExample(t, name)
			write(t, filepath.Join(tf.Dir, "apply.tftest.hcl"), standIn+c)
			tf.OK(t, "fmt", "-check", "-diff", "main.tf")
			tf.OK(t, "init", "-backend=false")
			out := tf.OK(t, "test")
			t.Log(out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:])
		})
	}
}
