package rules_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/history"
)

// forgeries are causes that whoever can make a task fail could write to be granted
// something, with what must not stand in anything that a reader would paste.
var forgeries = map[string]struct {
	error, cause, state string
	never               string
}{
	"assuming role": {
		"States.TaskFailed", "The role arn:aws:iam::666666666666:role/evil is not authorized to assume the task state's role, arn:aws:iam::111122223333:role/admin.", "",
		`666666666666|"AWS": "[^"]*evil`,
	},
	"assumed role": {
		"States.TaskFailed", "The role arn:aws:iam::111122223333:role/flow is not authorized to assume the task state's role, arn:aws:iam::666666666666:role/evil.", "",
		`666666666666`,
	},
	"trusted service": {
		"X", "AssumeRole operation: the role arn:aws:iam::111122223333:role/admin has to trust the service principal 'evil.amazonaws.com'", `{"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": {}, "End": true}`,
		`evil`,
	},
	"resource": {
		"Lambda.AWSLambdaException", "User: arn:aws:sts::111122223333:assumed-role/flow/x is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:666666666666:function:take because no identity-based policy allows the lambda:InvokeFunction action", "",
		`666666666666`,
	},
	"resource-based": {
		"Lambda.AWSLambdaException", "User: arn:aws:sts::666666666666:assumed-role/evil/x is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:111122223333:function:pay because no resource-based policy allows the lambda:InvokeFunction action", "",
		`666666666666|evil`,
	},
	"every object": {
		"S3.S3Exception", "User: arn:aws:sts::111122223333:assumed-role/flow/x is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::* because no identity-based policy allows it", "",
		`:::\*`,
	},
	"every function": {
		"X", "User: arn:aws:sts::111122223333:assumed-role/flow/x is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:111122223333:function:*", "",
		`:function:\*`,
	},
	"queue of the input": {
		"SQS.SqsException", "Access to the resource is denied. (Service: Sqs, Status Code: 403, Request ID: 1)",
		`{"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl.$": "$.q", "MessageBody": "x"}, "End": true}`,
		`666666666666`,
	},
	"job's role": {
		"States.TaskFailed", `{"JobName":"j","JobRunState":"FAILED","ErrorMessage":"User: arn:aws:sts::111122223333:assumed-role/glue/x is not authorized to perform: s3:GetObject on resource: arn:aws:secretsmanager:eu-west-1:666666666666:secret:x"}`, "",
		`666666666666`,
	},
	"package": {
		"States.TaskFailed", `{"JobName":"j","JobRunState":"FAILED","ErrorMessage":"ModuleNotFoundError: No module named 'evilpkg'"}`, `{"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Parameters": {"JobName": "j"}, "End": true}`,
		`(?i)install.*evilpkg|modules.*evilpkg`,
	},
	"cluster": {
		"EKS.403", `secrets is forbidden: User "arn:aws:iam::111122223333:role/flow" cannot list resource "secrets" in API group "" in the namespace "kube-system"`, `{"Type": "Task", "Resource": "arn:aws:states:::eks:runJob.sync", "Parameters": {"ClusterName": "c"}, "End": true}`,
		`secrets|kube-system`,
	},
	"nested execution": {
		"States.TaskFailed", `{"ExecutionArn":"arn:aws:states:eu-west-1:111122223333:execution:wipe:all","StateMachineArn":"arn:aws:states:eu-west-1:111122223333:stateMachine:wipe","Status":"FAILED","Error":"E","Cause":"c","Name":"all"}`, `{"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:111122223333:function:f", "End": true}`,
		`redrive-execution --execution-arn arn:`,
	},
}

// pasted is what a reader copies: a policy statement, a definition's fragment, a command that changes something.
var pasted = regexp.MustCompile(`"(?:Effect|Arguments|AWS)":|--principal|\b(?:kubectl|pip|npm) |redrive-execution|(?i:^install|^add )`)

func TestNothingOfAMessageIsGranted(t *testing.T) {
	for name, forged := range forgeries {
		t.Run(name, func(t *testing.T) {
			c := given(forged.error, forged.cause, forged.state)
			c.Execution = &history.Execution{ARN: "arn:aws:states:eu-west-1:111122223333:execution:m:e"}
			c.Failure.Input = history.Text(`{"q": "https://sqs.eu-west-1.amazonaws.com/666666666666/drain"}`)
			said := 0
			for _, f := range diagnose.Judge(c, rules.All()) {
				for _, r := range f.Remedies {
					for _, step := range append([]string{r.Title}, r.Steps...) {
						if !pasted.MatchString(step) {
							continue
						}
						said++
						if m := regexp.MustCompile(forged.never).FindString(step); m != "" {
							t.Errorf("%s offers %q of the message:\n%s", f.Rule, m, step)
						}
					}
				}
			}
			if said == 0 {
				t.Error("nothing is offered to paste: the case shows nothing")
			}
		})
	}
}

// What the execution's own account or its definition names may stand in a statement as it is.
func TestOwnResourcesAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ account, definition, want string }{
		"own account": {"111122223333", `{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName.$": "$.f"}, "End": true}`, "arn:aws:lambda:eu-west-1:111122223333:function:pay"},
		"definition":  {"999999999999", `{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "arn:aws:lambda:eu-west-1:111122223333:function:pay"}, "End": true}`, "arn:aws:lambda:eu-west-1:111122223333:function:pay"},
		"not known":   {"", `{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName.$": "$.f"}, "End": true}`, "arn:aws:lambda:eu-west-1:111122223333:function:pay"},
		"neither":     {"999999999999", `{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName.$": "$.f"}, "End": true}`, "arn:aws:lambda:eu-west-1:ACCOUNT:function:pay"},
	} {
		t.Run(name, func(t *testing.T) {
			failed := given("Lambda.AWSLambdaException", "User: arn:aws:sts::111122223333:assumed-role/flow/x is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:111122223333:function:pay because no identity-based policy allows the lambda:InvokeFunction action (Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException; Request ID: 1)", "")
			var err error
			if failed.Machine, err = asl.Parse("", []byte(`{"StartAt": "A", "States": {"A": `+c.definition+`}}`)); err != nil {
				t.Fatal(err)
			}
			failed.State = failed.Machine.States[0]
			if c.account != "" {
				failed.Execution = &history.Execution{ARN: "arn:aws:states:eu-west-1:" + c.account + ":execution:m:e"}
			}
			text := strings.Join(diagnose.Judge(failed, rules.All())[0].Remedies[0].Steps, "\n")
			if !strings.Contains(text, `"`+c.want+`"`) {
				t.Errorf("%s is not what the statement names:\n%s", c.want, text)
			}
		})
	}
}
