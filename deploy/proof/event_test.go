//go:build unix

package proof_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// statusChange is what EventBridge says of an execution that ended.
func statusChange(t *testing.T, x *sfn.DescribeExecutionOutput) string {
	t.Helper()
	included := map[string]bool{"included": true}
	text, err := json.Marshal(map[string]any{
		"version": "0", "id": "315c1398-40ff-a850-213b-158f73e60175", "detail-type": "Step Functions Execution Status Change",
		"source": "aws.states", "account": account, "time": x.StopDate.UTC().Format(time.RFC3339), "region": "us-east-1",
		"resources": []string{aws.ToString(x.ExecutionArn)},
		"detail": map[string]any{
			"executionArn": x.ExecutionArn, "stateMachineArn": x.StateMachineArn, "stateMachineVersionArn": nil, "stateMachineAliasArn": nil,
			"name": x.Name, "status": x.Status, "startDate": x.StartDate.UnixMilli(), "stopDate": x.StopDate.UnixMilli(),
			"input": x.Input, "inputDetails": included, "output": nil, "outputDetails": nil, "error": x.Error, "cause": x.Cause,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// answered is what came of an event.
type answered struct {
	failed  bool // Lambda would deliver the event again, and put it aside in the end
	Answers []struct {
		Standing, Told string
		Problems       []string
	}
}

func (a answered) told() string {
	if len(a.Answers) != 1 {
		return ""
	}
	return a.Answers[0].Told
}

// deliver does what EventBridge does with the event of an execution that ended: it goes
// to the targets of the rules that match it. EventBridge does not wait; here what came of
// it is wanted.
func (s *stack) deliver(t *testing.T, x *sfn.DescribeExecutionOutput) answered {
	t.Helper()
	event := statusChange(t, x)
	targets := s.targets(t, event)
	if len(targets) != 1 {
		t.Fatalf("rules lead the event to %q: %s", targets, event)
	}
	_, name, ok := strings.Cut(targets[0], ":function:")
	if !ok {
		t.Fatalf("the rule leads to %s", targets[0])
	}
	response, err := http.Post(s.lambda.URL+"/2015-03-31/functions/"+url.PathEscape(name)+"/invocations", "application/json", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %s", response.Status, err, text)
	}
	a := answered{failed: response.Header.Get("X-Amz-Function-Error") != ""}
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return a
}

// targets are those of the rules that match an event, as Terraform made them; each must
// let EventBridge in.
func (s *stack) targets(t *testing.T, event string) []string {
	t.Helper()
	client := eventbridge.NewFromConfig(s.moto.Config())
	rules, err := client.ListRules(t.Context(), &eventbridge.ListRulesInput{})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, rule := range rules.Rules {
		if rule.EventPattern == nil || !matches(t, *rule.EventPattern, event) {
			continue
		}
		out, err := client.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: rule.Name})
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range out.Targets {
			found = append(found, aws.ToString(target.Arn))
			policy, err := lambda.NewFromConfig(s.moto.Config()).GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: target.Arn})
			if err != nil || !strings.Contains(aws.ToString(policy.Policy), aws.ToString(rule.Arn)) {
				t.Errorf("%s may not call %s (%v)", aws.ToString(rule.Arn), aws.ToString(target.Arn), err)
			}
		}
	}
	return found
}

// matches tells whether a pattern that lists values matches an event.
func matches(t *testing.T, pattern, event string) bool {
	t.Helper()
	var p, e map[string]any
	if err := json.Unmarshal([]byte(pattern), &p); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(event), &e); err != nil {
		t.Fatal(err)
	}
	return matchesObject(p, e)
}

func matchesObject(pattern, event map[string]any) bool {
	for name, wanted := range pattern {
		switch wanted := wanted.(type) {
		case map[string]any:
			inner, _ := event[name].(map[string]any)
			if !matchesObject(wanted, inner) {
				return false
			}
		case []any:
			if !slices.Contains(wanted, event[name]) {
				return false
			}
		}
	}
	return true
}
