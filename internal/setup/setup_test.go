package setup_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	bedrocktypes "github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/setup"
)

func examine(t *testing.T, w *world) setup.Report {
	t.Helper()
	e := &setup.Examiner{Clients: w.clients(), Region: "eu-west-1"}
	return e.Examine(t.Context(), "stepsleuth-troubleshooter")
}

func text(t *testing.T, r setup.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// instrumented is the order workflow of the examples with the pattern in it.
func instrumented(t *testing.T, handler, topic string) string {
	t.Helper()
	definition, err := os.ReadFile("../../examples/order/order.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	result, err := instrument.Add("order", definition, instrument.Options{Handler: handler, Topic: topic})
	if err != nil {
		t.Fatal(err)
	}
	return result.Text
}

// waiting is the order workflow with a failure that waits for a decision, its own
// time-out in seconds.
func waiting(t *testing.T, topic string, wait time.Duration, limit int) string {
	t.Helper()
	definition, err := os.ReadFile("../../examples/order/order.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	if limit > 0 {
		definition = []byte(strings.Replace(string(definition), `"StartAt"`, fmt.Sprintf(`"TimeoutSeconds": %d, "StartAt"`, limit), 1))
	}
	result, err := instrument.Add("order", definition, instrument.Options{Handler: functionARN, Topic: topic, Approve: &instrument.Approval{Timeout: wait}})
	if err != nil {
		t.Fatal(err)
	}
	return result.Text
}

func sending(t *testing.T, definition, handler string) string {
	t.Helper()
	result, err := instrument.Add("quick", []byte(definition), instrument.Options{Handler: handler, Express: true})
	if err != nil {
		t.Fatal(err)
	}
	return result.Text
}

func TestAWholeSetUpIsWell(t *testing.T) {
	w := newWorld()
	w.definition = instrumented(t, functionARN, topicARN)
	r := examine(t, w)
	if !r.Well() {
		t.Errorf("not well:\n%s", text(t, r))
	}
	profile := 0
	for _, q := range w.asked {
		for _, c := range q.ContextEntries {
			if *c.ContextKeyName == "bedrock:InferenceProfileArn" && c.ContextKeyValues[0] == profileARN {
				profile++
			}
		}
	}
	if profile != 2 {
		t.Errorf("%d of the models behind the profile were asked for by way of it, want 2", profile)
	}
}

// Each breaks one part, and names what must be said of it and what mends it.
func TestWhatIsToBeMended(t *testing.T) {
	for name, c := range map[string]struct {
		breakIt    func(*world)
		check      string
		says, mend string
	}{
		"nobody is signed in": {func(w *world) { w.refuse["GetCallerIdentity"] = refusal("ExpiredToken") },
			"credentials", "AWS does not know you: ExpiredToken", "aws sso login"},
		"no function": {func(w *world) { w.refuse["GetFunctionConfiguration"] = refusal("ResourceNotFoundException") },
			"function", "there is no function stepsleuth-troubleshooter in eu-west-1", "stepsleuth package --out build"},
		"a function that failed": {func(w *world) { w.state = lambdatypes.StateFailed },
			"function", "is Failed", "aws lambda wait function-updated"},
		"too short a time-out for a model": {func(w *world) { w.seconds = 3 },
			"time-out", "may run for 3 s, and a model may well need more than 30", "update-function-configuration --function-name stepsleuth-troubleshooter --timeout 55"},
		"it never runs": {func(w *world) { w.concurrency = aws.Int32(0) },
			"concurrency", "so it never runs", "delete-function-concurrency"},
		"what it fails on is forgotten": {func(w *world) { w.onFailure = "" },
			"lost events", "is forgotten after three tries", "put-function-event-invoke-config"},
		"no key": {func(w *world) { delete(w.environment, "STEPSLEUTH_REDACTION_KEY_PARAMETER") },
			"redaction", "there is no key", "aws ssm put-parameter --name /stepsleuth/redaction-key --type SecureString"},
		"a key that many can read": {func(w *world) {
			delete(w.environment, "STEPSLEUTH_REDACTION_KEY_PARAMETER")
			w.environment["STEPSLEUTH_REDACTION_KEY"] = "00"
		}, "redaction", "can read it", "remove STEPSLEUTH_REDACTION_KEY"},
		"a parameter that is not there": {func(w *world) { w.parameter = "" },
			"redaction", "there is no parameter /stepsleuth/redaction-key", "aws ssm put-parameter"},
		"a parameter in the clear": {func(w *world) { w.parameter = ssmtypes.ParameterTypeString },
			"redaction", "is not encrypted", "aws ssm delete-parameter"},
		"no topic": {func(w *world) { delete(w.environment, "STEPSLEUTH_TOPIC_ARN") },
			"topic", "nobody is told", "STEPSLEUTH_TOPIC_ARN"},
		"a topic that is gone": {func(w *world) { w.refuse["GetTopicAttributes"] = refusal("NotFound") },
			"topic", "there is no topic " + topicARN, "aws sns create-topic --name stepsleuth-troubleshooter"},
		"nobody is subscribed": {func(w *world) { w.subscriptions = nil },
			"subscription", "nobody is subscribed", "aws sns subscribe --topic-arn " + topicARN + " --protocol email"},
		"nobody followed the link": {func(w *world) { w.subscriptions = []string{"PendingConfirmation", "Deleted"} },
			"subscription", "none of 1 is confirmed", "aws sns subscribe"},
		"no table": {func(w *world) { delete(w.environment, "STEPSLEUTH_TABLE") },
			"table", "every repeat is told of again", "aws dynamodb create-table"},
		"a table that is gone": {func(w *world) { w.refuse["DescribeTable"] = refusal("ResourceNotFoundException") },
			"table", "there is no table stepsleuth-troubleshooter", "aws dynamodb create-table --table-name stepsleuth-troubleshooter"},
		"a table of somebody else": {func(w *world) { w.keys = []string{"id"} },
			"table", "other keys than pk and sk", "aws dynamodb create-table"},
		"a table that never forgets": {func(w *world) { w.ttl = "" },
			"table", "keeps everything for ever", "aws dynamodb update-time-to-live"},
		"a log for ever": {func(w *world) { w.retention = nil },
			"log", "kept for ever", "aws logs put-retention-policy --log-group-name /aws/lambda/stepsleuth-troubleshooter"},
		"no log": {func(w *world) { w.groups = []string{"/aws/lambda/stepsleuth-troubleshooter-2"} },
			"log", "there is no log group", "aws logs create-log-group"},
		"no rule": {func(w *world) { w.rules = nil },
			"rule", "no rule of EventBridge calls the function", "aws events put-targets"},
		"a rule that is off": {func(w *world) { w.rules["stepsleuth-troubleshooter-failures"].State = eventstypes.RuleStateDisabled },
			"rule", "is switched off", "aws events enable-rule --name stepsleuth-troubleshooter-failures"},
		"a rule that may not call": {func(w *world) { w.policy = strings.Replace(w.policy, "-failures", "-other", 1) },
			"rule", "may not call the function", "aws lambda add-permission --function-name stepsleuth-troubleshooter"},
		"a function that nobody may call": {func(w *world) { w.policy = "" },
			"rule", "may not call the function", "--source-arn " + ruleARN},
		"a rule with no dead-letter queue": {func(w *world) { w.targets[0].DeadLetterConfig = nil },
			"rule", "is lost", "DeadLetterConfig"},
		"events that could not be handled": {func(w *world) { w.waiting = "3" },
			"dead letters", "3 events that could not be handled", "aws sqs receive-message --queue-url https://sqs.eu-west-1.amazonaws.com/"},
		"a queue that is gone": {func(w *world) { w.refuse["GetQueueUrl"] = refusal("AWS.SimpleQueueService.NonExistentQueue") },
			"dead letters", "there is no queue", "aws sqs create-queue"},
		"an unknown profile": {func(w *world) { w.refuse["GetInferenceProfile"] = refusal("ResourceNotFoundException") },
			"model", "there is no inference profile eu.amazon.nova-lite-v1:0 in eu-west-1", "aws bedrock list-inference-profiles"},
		"an unknown vendor": {func(w *world) { w.environment["STEPSLEUTH_MODEL"] = "oracle:1" },
			"model", "does not know", "bedrock:"},
		"no agreement for the model": {func(w *world) { w.availability.AgreementAvailability.Status = bedrocktypes.AgreementStatusNotAvailable },
			"model", "no agreement for amazon.nova-lite-v1:0", "aws bedrock create-foundation-model-agreement --model-id amazon.nova-lite-v1:0"},
		"no access to the model": {func(w *world) { w.availability.AuthorizationStatus = bedrocktypes.AuthorizationStatusNotAuthorized },
			"model", "not authorized for", "request access to the model"},
		"no permission for the Bedrock API": {func(w *world) { w.lacks = []string{"bedrock:InvokeModel"} },
			"role", "the function may not ask the model", `"Condition":{"ArnEquals":{"bedrock:InferenceProfileArn":"` + profileARN + `"}}`},
		"no permission to read executions": {func(w *world) { w.lacks = []string{"states:GetExecutionHistory"} },
			"role", "may not read the failed executions", `"Action":["states:GetExecutionHistory"],"Resource":["arn:aws:states:eu-west-1:123456789012:execution:order:*"]`},
		"no permission to read the logs of the functions": {func(w *world) {
			w.definition, w.lacks = instrumented(t, functionARN, topicARN), []string{"logs:FilterLogEvents"}
		}, "role", "may not read the logs and settings of the functions that order calls", "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/reserve-stock:*"},
		"no permission to use the topic's key": {func(w *world) {
			w.definition, w.topicKey, w.lacks = instrumented(t, functionARN, topicARN), "1234-5678", []string{"kms:GenerateDataKey"}
		}, "machine", "order may not use the topic's key", `"Action":["kms:GenerateDataKey"],"Resource":["arn:aws:kms:eu-west-1:123456789012:key/1234-5678"]`},
		"something denies it": {func(w *world) { w.denies = []string{"sns:Publish"} },
			"role", "may not tell people: something denies it", `"Action":["sns:Publish"]`},
		"a machine that is gone": {func(w *world) { w.refuse["DescribeStateMachine"] = refusal("StateMachineDoesNotExist") },
			"machine", "there is no state machine " + machineARN, "aws stepfunctions list-state-machines"},
		"a workflow that does not wait long enough": {func(w *world) { w.definition, w.seconds = instrumented(t, functionARN, topicARN), 60 },
			"machine", "order waits 60 s for the function, which may run for 60 s", "--timeout 55"},
		"a workflow that asks another function": {func(w *world) { w.definition = instrumented(t, "other", topicARN) },
			"machine", "asks another function: other", "stepsleuth instrument DEFINITION --handler " + functionARN + " --topic " + topicARN},
		"a workflow that publishes elsewhere": {func(w *world) { w.definition = instrumented(t, "stepsleuth-troubleshooter", topicARN+"-2") },
			"machine", "publishes to " + topicARN + "-2", "--topic " + topicARN},
		"a workflow with a place to fill in": {func(w *world) { w.definition = instrumented(t, "", "") },
			"machine", "which was to be filled in", "stepsleuth instrument"},
		"a workflow that may not call": {func(w *world) {
			w.definition, w.lacks = instrumented(t, functionARN, topicARN), []string{"lambda:InvokeFunction"}
		}, "machine", "order may not call the troubleshooter", "aws iam put-role-policy --role-name order --policy-name stepsleuth-"},
		"a workflow that ends before anybody decides": {func(w *world) { w.definition = waiting(t, topicARN, 24*time.Hour, 3600) },
			"machine", "a failure of order waits 24h for a decision, and the machine's own time-out of 1h ends it before",
			"well above 86400, or have it wait for less:\nstepsleuth instrument DEFINITION --handler " + functionARN + " --topic " + topicARN + " --approve --approve-timeout 30m"},
		"a workflow that waits, with a place to fill in": {func(w *world) { w.definition = waiting(t, "", time.Hour, 0) },
			"machine", "which was to be filled in", "--topic " + topicARN + " --approve --approve-timeout 1h"},
		"a workflow that waits and may not call": {func(w *world) {
			w.definition, w.lacks = waiting(t, topicARN, time.Hour, 0), []string{"lambda:InvokeFunction"}
		}, "machine", "order may not call the troubleshooter", "aws iam put-role-policy --role-name order"},
		"an Express workflow that waits": {func(w *world) { w.express, w.definition = true, instrumented(t, functionARN, topicARN) },
			"machine", "waits for the troubleshooter, which has no history of it", "instrument DEFINITION --express --handler " + functionARN},
		"an Express workflow in JSONata that asks another function": {func(w *world) {
			w.express, w.definition = true, sending(t, `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Task","Resource":"${F}","End":true}}}`, "other")
		}, "machine", "asks another function: other", "stepsleuth instrument DEFINITION --express"},
		"an Express workflow that logs nothing": {func(w *world) { w.express = true },
			"machine", "does not log its failures", "aws stepfunctions update-state-machine"},
		"an Express workflow whose log goes nowhere": {func(w *world) { w.express, w.logging = true, logging() },
			"machine", "its log does not reach the function", "express_log_group_names"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			c.breakIt(w)
			r := examine(t, w)
			found := false
			for _, check := range r.Checks {
				all := ""
				for _, m := range check.Mend {
					all += m.String() + "\n"
				}
				if check.Status == setup.Mend && check.Name == c.check && strings.Contains(check.Says.String(), c.says) && strings.Contains(all, c.mend) {
					found = true
				}
			}
			if !found || r.Well() {
				t.Errorf("want %s: %q, mended by %q, in\n%s", c.check, c.says, c.mend, text(t, r))
			}
		})
	}
}

func logging() *sfntypes.LoggingConfiguration {
	return &sfntypes.LoggingConfiguration{Level: sfntypes.LogLevelError, Destinations: []sfntypes.LogDestination{
		{CloudWatchLogsLogGroup: &sfntypes.CloudWatchLogsLogGroup{LogGroupArn: aws.String("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/states/order:*")}}}}
}

func TestOtherSetUpsThatAreWell(t *testing.T) {
	for name, change := range map[string]func(*world){
		"no model":         func(w *world) { w.environment["STEPSLEUTH_MODEL"] = "" },
		"a plain model":    func(w *world) { w.environment["STEPSLEUTH_MODEL"] = "bedrock:amazon.nova-lite-v1:0" },
		"the usual model":  func(w *world) { w.environment["STEPSLEUTH_MODEL"] = "bedrock" },
		"one link to come": func(w *world) { w.subscriptions = append(w.subscriptions, "PendingConfirmation") },
		"an Express workflow that sends its failures": func(w *world) {
			w.express, w.logging, w.filters = true, logging(), []logstypes.SubscriptionFilter{{DestinationArn: aws.String(functionARN)}}
			w.definition = sending(t, `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::http:invoke","End":true}}}`, functionARN)
		},
		"an Express workflow": func(w *world) {
			w.express, w.logging, w.filters = true, logging(), []logstypes.SubscriptionFilter{{DestinationArn: aws.String(functionARN)}}
		},
		"a short wait for a decision": func(w *world) { w.definition = waiting(t, topicARN, 30*time.Second, 86400) },
		"called by an alias":          func(w *world) { w.definition = instrumented(t, functionARN+":live", topicARN) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			change(w)
			if r := examine(t, w); !r.Well() {
				t.Errorf("not well:\n%s", text(t, r))
			}
		})
	}
}

// Whether others may decide cannot be seen, so that the caller may not is no fault.
func TestWhoMayDecide(t *testing.T) {
	const waits = "a failure of order waits 24h for a decision"
	for name, c := range map[string]struct {
		change     func(*world)
		says, mend string
	}{
		"you": {func(*world) {}, waits + ", and you may decide: stepsleuth decide --list --state-machine " + machineARN, ""},
		"somebody else": {func(w *world) { w.lacks = []string{"states:SendTaskSuccess"} },
			waits + "; you may not send the decision, so that somebody else has to decide, or you need", `{"Effect":"Allow","Action":["states:SendTaskSuccess"],"Resource":["*"]}`},
		"a user that nothing tells of": {func(w *world) {
			w.caller, w.policies = "arn:aws:iam::123456789012:user/ana", map[string]string{"ana": everything, "order": everything, "stepsleuth-troubleshooter": everything}
		}, waits + "; whether you may decide could not be looked at: AccessDenied", ""},
		"a role whose policies tell": {func(w *world) {
			w.policies = map[string]string{"admin": everything, "order": everything, "stepsleuth-troubleshooter": everything}
		}, waits + ", and you may decide", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.definition = waiting(t, topicARN, 24*time.Hour, 0)
			c.change(w)
			r := examine(t, w)
			i := slices.IndexFunc(r.Checks, func(c setup.Check) bool { return c.Name == "decide" })
			if i < 0 || !r.Well() || !strings.Contains(r.Checks[i].Says.String(), c.says) || (c.mend != "") != (len(r.Checks[i].Mend) == 1 && r.Checks[i].Mend[0].String() == c.mend) {
				t.Errorf("got\n%s", text(t, r))
			}
			asRole := func(q iam.SimulatePrincipalPolicyInput) bool {
				return q.ActionNames[0] == "states:SendTaskSuccess" && *q.PolicySourceArn == "arn:aws:iam::123456789012:role/admin"
			}
			if w.policies == nil && !slices.ContainsFunc(w.asked, asRole) {
				t.Error("it was not asked what the role of the session may do")
			}
		})
	}
}

const everything = `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// What the caller may not look at is neither well nor broken, and it is said what the
// caller lacks.
func TestWhatMayNotBeLookedAtIsUnknown(t *testing.T) {
	for operation, want := range map[string]string{
		"GetTopicAttributes": "sns:GetTopicAttributes", "DescribeTable": "dynamodb:DescribeTable", "DescribeParameters": "ssm:DescribeParameters",
		"ListRuleNamesByTarget": "events:ListRuleNamesByTarget", "GetPolicy": "lambda:GetPolicy", "GetQueueUrl": "sqs:GetQueueUrl",
		"GetInferenceProfile": "bedrock:GetInferenceProfile", "GetFoundationModelAvailability": "bedrock:GetFoundationModelAvailability",
		"DescribeStateMachine": "states:DescribeStateMachine", "GetFunctionConcurrency": "lambda:GetFunctionConcurrency", "GetFunctionConfiguration": "lambda:GetFunctionConfiguration",
	} {
		t.Run(operation, func(t *testing.T) {
			w := newWorld()
			w.refuse[operation] = refusal("AccessDeniedException")
			r := examine(t, w)
			out := text(t, r)
			if r.Well() || !strings.Contains(out, "could not be looked at: you may not "+want) || !strings.Contains(out, `allow yourself: {"Effect":"Allow","Action":["`+want+`"]`) {
				t.Errorf("got\n%s", out)
			}
		})
	}
}

// Where no simulation may be had, the role's own policies are read.
func TestPoliciesAreReadWhereNoSimulationMayBeHad(t *testing.T) {
	const enough = `{"Statement":[
		{"Effect":"Allow","Action":["states:Describe*","states:GetExecutionHistory"],"Resource":["arn:aws:states:eu-west-1:123456789012:execution:order:*","` + machineARN + `"]},
		{"Effect":"Allow","Action":"bedrock:InvokeModel","Resource":"` + profileARN + `"},
		{"Effect":"Allow","Action":"bedrock:InvokeModel","Resource":"arn:aws:bedrock:*::foundation-model/amazon.nova-lite-v1:0","Condition":{"ArnLike":{"bedrock:inferenceProfileArn":"` + profileARN + `"}}},
		{"Effect":"Allow","NotAction":["bedrock:*","states:*"],"NotResource":"arn:aws:s3:::*"},
		{"Effect":"Deny","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:123456789012:other"}]}`
	for name, c := range map[string]struct {
		policy string
		status setup.Status
		want   string
	}{
		"enough":           {enough, setup.OK, "by the policies of the role alone"},
		"not the model":    {strings.Replace(enough, "foundation-model/amazon.nova-lite", "foundation-model/amazon.nova-pro", 1), setup.Mend, "may not ask the model behind the inference profile"},
		"another profile":  {strings.Replace(enough, `"bedrock:inferenceProfileArn":"`+profileARN, `"bedrock:inferenceProfileArn":"`+profileARN+"x", 1), setup.Mend, "may not ask the model behind the inference profile"},
		"denied":           {strings.Replace(enough, ":other", ":*", 1), setup.Mend, "something denies it"},
		"an open question": {strings.Replace(enough, `"ArnLike":{"bedrock:inferenceProfileArn":"`+profileARN, `"IpAddress":{"aws:SourceIp":"10.0.0.0/8`, 1), setup.Unknown, "cannot be weighed"},
		"none to be had":   {"", setup.Unknown, "you may not iam:SimulatePrincipalPolicy"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.policies = map[string]string{"stepsleuth-troubleshooter": c.policy}
			r := examine(t, w)
			for _, check := range r.Checks {
				if check.Name == "role" && check.Status == c.status && strings.Contains(check.Says.String(), c.want) {
					return
				}
			}
			t.Errorf("want %s %q in\n%s", c.status, c.want, text(t, r))
		})
	}
}

func TestReportHoldsNoAddressAndIsJSON(t *testing.T) {
	w := newWorld()
	w.refuse["GetTopicAttributes"] = refusal("InternalError: asked for by ana@example.com")
	r := examine(t, w)
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Schema string
		Well   bool
		Checks []struct{ Name, Status, Says string }
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got.Schema != "stepsleuth/setup/v1" || got.Well || len(got.Checks) != len(r.Checks) {
		t.Errorf("%v\n%s", err, &b)
	}
	if strings.Contains(b.String(), "ana@example.com") || strings.Contains(text(t, r), "ana@example.com") {
		t.Error("an address is shown")
	}
}

func TestWithNoRegionNothingIsAsked(t *testing.T) {
	e := &setup.Examiner{Clients: setup.Clients{}}
	if r := e.Examine(t.Context(), "f"); r.Well() || !strings.Contains(text(t, r), "export AWS_REGION") {
		t.Error(text(t, r))
	}
}

// Whatever a definition, a policy or a pattern holds, there is a report.
func TestOddTexts(t *testing.T) {
	odd := []string{"", "null", "[]", "{", `{"States":null,"Statement":null,"detail":null}`, `{"States":{"stepsleuth: a":{"Branches":[{"States":{"b":{"Parameters":{"FunctionName":"function:"}}}}]}}}`,
		`{"States":{"stepsleuth: a":[]}}`, `{"Statement":[{"Effect":"Allow","Action":{},"Principal":[1],"Condition":{"ArnLike":{"aws:SourceArn":7}}}]}`,
		`{"source":["aws.states"],"detail":{"stateMachineArn":[{"prefix":"x"},""],"status":[1]}}`, `{"Statement":"x"}`}
	for _, text := range odd {
		for _, other := range odd {
			w := newWorld()
			w.definition, w.policy = text, other
			w.rules["stepsleuth-troubleshooter-failures"].EventPattern = &text
			w.policies = map[string]string{"stepsleuth-troubleshooter": other, "order": other}
			if r := examine(t, w); len(r.Checks) < 8 {
				t.Errorf("%d checks with %q and %q", len(r.Checks), text, other)
			}
		}
	}
}
