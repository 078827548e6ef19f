package deploy_test

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stepsleuth/stepsleuth/internal/clienttest"
)

func TestTemplateIsClean(t *testing.T) {
	clienttest.Slow(t)
	path := clienttest.Tool(t, "cfn-lint", "get it with: pip install cfn-lint")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, path, "sam/template.yaml").CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}

// policy is a role's policy and the function's environment, as CloudFormation would work
// them out.
type policy struct {
	Statements  []map[string]any
	Environment map[string]any
}

func (p policy) resources(sid string) any {
	for _, s := range p.Statements {
		if s["Sid"] == sid {
			return s["Resource"]
		}
	}
	return nil
}

func workedOut(t *testing.T, parameters map[string]string) policy {
	t.Helper()
	clienttest.Slow(t)
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "import samtranslator").Run() != nil {
		t.Skip("SKIPPED: no Python with the SAM translator on this machine, so the template's policy was not worked out")
	}
	text, err := json.Marshal(parameters)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, python, "testdata/resolve.py", "sam/template.yaml", string(text)).Output()
	var p policy
	if err != nil || json.Unmarshal(out, &p) != nil {
		t.Fatalf("resolve.py: %v\n%s", err, out)
	}
	return p
}

// The template makes ARNs out of others by Join and Split alone.
func TestTemplateGrantsWhatIsNamed(t *testing.T) {
	p := workedOut(t, map[string]string{
		"StateMachineArns":    "arn:aws:states:eu-west-1:123456789012:stateMachine:order,arn:aws:states:eu-west-1:123456789012:stateMachine:refund",
		"FunctionArns":        "arn:aws:lambda:eu-west-1:123456789012:function:price,arn:aws:lambda:eu-west-1:123456789012:function:charge-card",
		"Model":               "eu.amazon.nova-lite-v1:0",
		"ModelArns":           "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0,arn:aws:bedrock:eu-north-1::foundation-model/amazon.nova-lite-v1:0",
		"InferenceProfileArn": "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
		"GuardrailArn":        "arn:aws:bedrock:eu-west-1:123456789012:guardrail/abc123", "GuardrailVersion": "2",
	})
	for sid, want := range map[string]any{
		"ReadTheFailedExecutions": list("arn:aws:states:eu-west-1:123456789012:execution:order:*", "arn:aws:states:eu-west-1:123456789012:execution:refund:*",
			"arn:aws:states:eu-west-1:123456789012:execution:order/*:*", "arn:aws:states:eu-west-1:123456789012:execution:refund/*:*"),
		"ReadTheStateMachines":         list("arn:aws:states:eu-west-1:123456789012:stateMachine:order", "arn:aws:states:eu-west-1:123456789012:stateMachine:refund"),
		"FindWhatFailedInTheirMapRuns": list("arn:aws:states:eu-west-1:123456789012:mapRun:order/*:*", "arn:aws:states:eu-west-1:123456789012:mapRun:refund/*:*"),
		"ReadTheFunctionsLogs":         list("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/price:*", "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/charge-card:*"),
		"AskTheModelBehindTheProfile":  list("arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0", "arn:aws:bedrock:eu-north-1::foundation-model/amazon.nova-lite-v1:0"),
		"AskThroughTheProfile":         "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
		"ApplyTheGuardrail":            "arn:aws:bedrock:eu-west-1:123456789012:guardrail/abc123",
		"ReadTheRedactionKey":          "arn:aws:ssm:eu-west-1:123456789012:parameter/stepsleuth/redaction-key",
		"AskTheModel":                  nil,
		"UseTheKey":                    nil,
	} {
		if diff := cmp.Diff(want, p.resources(sid)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sid, diff)
		}
	}
	if p.Environment["STEPSLEUTH_GUARDRAIL"] != "abc123:2" || p.Environment["STEPSLEUTH_MODEL"] != "bedrock:eu.amazon.nova-lite-v1:0" {
		t.Errorf("environment: %v", p.Environment)
	}
}

func TestTemplateGrantsNothingElse(t *testing.T) {
	p := workedOut(t, map[string]string{"StateMachineArns": "arn:aws:states:eu-west-1:123456789012:stateMachine:order"})
	for _, s := range p.Statements {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "bedrock") || strings.Contains(string(text), "kms:") || s["Sid"] == "ReadTheFunctionsLogs" || s["Resource"] == "*" {
			t.Errorf("granted though nothing needs it: %s", text)
		}
	}
	if len(p.Statements) == 0 {
		t.Error("no statements")
	}
}

func list(texts ...string) []any {
	var out []any
	for _, text := range texts {
		out = append(out, text)
	}
	return out
}
