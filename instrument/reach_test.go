package instrument_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/instrument"
)

const busy = `{"StartAt": "Charge", "TimeoutSeconds": 60, "States": {
  "Charge": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Catch": [{"ErrorEquals": ["Declined"], "Next": "No"}], "Next": "Ship"},
  "Ship": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "No"}], "Next": "Both"},
  "Both": {"Type": "Parallel", "Branches": [{"StartAt": "In", "States": {
    "In": {"Type": "Task", "Resource": "${F}", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Out"}], "Next": "Out"}, "Out": {"Type": "Pass", "End": true}}}], "Next": "Each"},
  "Each": {"Type": "Map", "ToleratedFailureCount": 3, "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "It", "States": {"It": {"Type": "Pass", "End": true}}}, "Next": "Well?"},
  "Well?": {"Type": "Choice", "Choices": [{"Variable": "$.n", "IsPresent": true, "Next": "Yes"}], "Default": "No"},
  "Yes": {"Type": "Succeed"},
  "No": {"Type": "Fail"}}}`

func TestWhatIsNotReachedIsNamed(t *testing.T) {
	list := func(o instrument.Options) map[string]string {
		added, err := instrument.Add("busy", []byte(busy), o)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, g := range added.Unreached {
			all[g.Why] = strings.Join(g.States, ",")
		}
		return all
	}
	got := list(instrument.Options{})
	for why, states := range map[string]string{
		"a States.ALL catcher of the definition's own takes what fails there":                        "Ship",
		"the definition's own catchers take the errors that they name":                               "Charge",
		"a Fail ends the execution by itself":                                                        "No",
		"a Choice, Pass or Wait has no Catch":                                                        "Well?",
		"a catcher inside takes what fails there":                                                    "Both",
		"a Map tolerates failures inside":                                                            "Each",
		"the machine's own time-out, which ends the execution at once":                               "",
		"States.Runtime (a path that finds nothing, say), which no catcher takes, whatever it names": "",
		"an execution that cannot start, or is stopped":                                              "",
	} {
		if s, ok := got[why]; !ok || s != states {
			t.Errorf("%q: %q, %t", why, s, ok)
		}
	}
	if len(got) != 9 || len(list(instrument.Options{Handled: true})) != 7 {
		t.Errorf("%d kinds, with Handled %d", len(got), len(list(instrument.Options{Handled: true})))
	}
}

func TestTheRoleNeedsWhatIsAdded(t *testing.T) {
	const topic = "arn:aws:sns:eu-central-1:123456789012:oncall"
	for _, c := range []struct {
		o    instrument.Options
		text string
		want []string // resources of the statements
	}{
		{instrument.Options{}, "aws", []string{"arn:aws:lambda:REGION:ACCOUNT:function:stepsleuth-troubleshooter arn:aws:lambda:REGION:ACCOUNT:function:stepsleuth-troubleshooter:*", "${StepsleuthTopicArn}"}},
		{instrument.Options{Topic: topic, Handler: "f:live"}, "aws", []string{"arn:aws:lambda:eu-central-1:123456789012:function:f:live", topic}},
		{instrument.Options{Topic: strings.Replace(topic, ":aws:", ":aws-cn:", 1), Handler: "210987654321:function:f"}, "aws",
			[]string{"arn:aws-cn:lambda:eu-central-1:210987654321:function:f arn:aws-cn:lambda:eu-central-1:210987654321:function:f:*", strings.Replace(topic, ":aws:", ":aws-cn:", 1)}},
		{instrument.Options{Handler: "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:f"}, "aws",
			[]string{"arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:f arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:f:*", "${StepsleuthTopicArn}"}},
		{instrument.Options{Handler: "${F.Arn}", Topic: "${T}"}, "${AWS::Partition}", []string{"${F.Arn} ${F.Arn}:*", "${T}"}},
		{instrument.Options{Handler: "f", Topic: "${T}"}, "aws-us-gov", []string{"arn:aws-us-gov:lambda:REGION:ACCOUNT:function:f arn:aws-us-gov:lambda:REGION:ACCOUNT:function:f:*", "${T}"}},
	} {
		added, err := instrument.Add("busy", []byte(strings.ReplaceAll(busy, "arn:aws:", "arn:"+c.text+":")), c.o)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range added.Permissions {
			got = append(got, strings.Join(s.Resource, " "))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %q", c.o, got)
		}
		if c.text != "aws" && strings.Contains(added.Text, "arn:aws:") {
			t.Errorf("%s: another partition is in\n%s", c.text, added.Text)
		}
	}
}

func TestWhatNoExpressWorkflowCanHaveIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		busy: `busy:6:11: the state "Each" is a distributed Map: no Express workflow can have that`,
		`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","End":true}}}`:     `the state "A" waits for a job`,
		`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","End":true}}}`: `the state "A" waits for a task token`,
		`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a","End":true}}}`:  `the state "A" waits for an activity`,
	} {
		if _, err := instrument.Add("busy", []byte(text), instrument.Options{Express: true}); !errors.Is(err, instrument.ErrNotExpress) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAnExpressWorkflowNeedsNoTopic(t *testing.T) {
	added, err := instrument.Add("quick", []byte(machines["JSONPath"]), instrument.Options{Express: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(added.Permissions) != 1 || added.Permissions[0].Action[0] != "lambda:InvokeFunction" || strings.Contains(added.Text, "sns:") {
		t.Errorf("%+v", added.Permissions)
	}
}
