package definition_test

import (
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/definition"
)

const order = `# the order workflow
StartAt: Charge
TimeoutSeconds: 0x3C
States:
  Charge: &task
    Type: Task
    Resource: ${Function}
    TimeoutSeconds: 1e1
    Parameters: {on: yes, when: 2026-01-01, "id.$": $.id, none: ~, ratio: .5}
    Next: Ship
  Ship:
    <<: *task
    Comment: >-
      ships
      it
    Next: Done
  Done: {Type: Succeed}
`

const orderJSON = `{
  "StartAt": "Charge",
  "TimeoutSeconds": 60,
  "States": {
    "Charge": {
      "Type": "Task",
      "Resource": "${Function}",
      "TimeoutSeconds": 1e1,
      "Parameters": {
        "on": "yes",
        "when": "2026-01-01",
        "id.$": "$.id",
        "none": null,
        "ratio": 0.5
      },
      "Next": "Ship"
    },
    "Ship": {
      "Type": "Task",
      "Resource": "${Function}",
      "TimeoutSeconds": 1e1,
      "Parameters": {
        "on": "yes",
        "when": "2026-01-01",
        "id.$": "$.id",
        "none": null,
        "ratio": 0.5
      },
      "Comment": "ships it",
      "Next": "Done"
    },
    "Done": {
      "Type": "Succeed"
    }
  }
}
`

func TestYAMLBecomesJSONInTheSameOrder(t *testing.T) {
	for _, name := range []string{"order.asl.yaml", "standard input"} {
		f, err := definition.Read(name, []byte(order))
		if err != nil {
			t.Fatal(err)
		}
		if !f.Converted || string(f.JSON) != orderJSON {
			t.Errorf("%s: got\n%s", name, f.JSON)
		}
		if _, err := f.Parse(); err != nil {
			t.Error(err)
		}
	}
}

func TestJSONStaysAsItIs(t *testing.T) {
	for name, text := range map[string]string{
		"order.asl.json": orderJSON, "order.yaml": orderJSON, "broken.json": `{"StartAt": `, "text": "hello", "list.json": "- a", "nothing": "", "mark": "\ufeff" + orderJSON,
		"quotes.json": `{"StartAt": "A", "States": {"A": {"Type": "Pass", "Comment": "\"Resources\"", "End": true}}}`,
	} {
		f, err := definition.Read(name, []byte(text))
		if err != nil || f.Converted || string(f.JSON) != text {
			t.Errorf("%s: %v\n%+v", name, err, f)
		}
	}
}

func TestMistakesAreShownInTheLinesOfTheFile(t *testing.T) {
	for text, want := range map[string]string{
		strings.Replace(order, "Next: Ship", "Next: Shop", 1):       `order.yaml:10:5: /States/Charge/Next: no state "Shop"`,
		strings.Replace(order, "Type: Succeed", "Type: Sucede", 1):  `order.yaml:17:10: /States/Done/Type: no state type "Sucede"`,
		strings.Replace(order, "StartAt: Charge", "StartAt: [", 1):  "order.yaml:",
		strings.Replace(order, ".5}", ".nan}", 1):                   "order.yaml:9:",
		strings.Replace(order, "Type: Task", "Type: !Join Task", 1): "order.yaml:6:11: the tag !Join means nothing",
		strings.Replace(order, "Type: Task", "{a: b}: Task", 1):     "order.yaml:6:5: a key must be a text",
		order + "---\na: b\n":      "a second document begins here",
		"a: &a [*a]\nStartAt: x\n": "order.yaml:",
		"a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nStates: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n": "too large",
	} {
		f, err := definition.Read("order.yaml", []byte(text))
		if err == nil {
			_, err = f.Parse()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

const sam = `AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Order:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
        StartAt: Charge
        States:
          Charge:
            Type: Task
            Resource: !GetAtt ChargeFunction.Arn
            Parameters: {Table: {Ref: Orders}, Name: !Sub "${AWS::StackName}-x"}
            End: true
`

func TestTheOneDefinitionOfATemplateIsTaken(t *testing.T) {
	inJSON := `{"Resources": {"Order": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": {"Fn::Sub": "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"${F.Arn}\",\"End\":true}}}"}}}}}`
	serverless := "service: x\nstepFunctions:\n  stateMachines:\n    order:\n      definition:\n        StartAt: A\n        States: {A: {Type: Task, Resource: {'Fn::GetAtt': [f, Arn]}, End: true}}\n"
	for text, want := range map[string]string{sam: `"Resource": "${ChargeFunction.Arn}"`, inJSON: `"Resource":"${F.Arn}"`, serverless: `"Resource": "${f.Arn}"`} {
		f, err := definition.Read("template", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.ParseTemplate(); err != nil || !strings.Contains(string(f.JSON), want) {
			t.Errorf("%v\n%s", err, f.JSON)
		}
	}
	f, err := definition.Read("template.yaml", []byte(sam))
	if err != nil || !strings.Contains(string(f.JSON), `"Table": "${Orders}"`) || !strings.Contains(string(f.JSON), `"${AWS::StackName}-x"`) {
		t.Errorf("%v\n%s", err, f.JSON)
	}
}

func TestATemplateThatHasItElsewhereIsToldWhatToDo(t *testing.T) {
	two := sam + "  Refund:\n    Type: AWS::Serverless::StateMachine\n    Properties: {DefinitionUri: statemachine/refund.asl.json}\n"
	for text, want := range map[string]string{
		two: "give the file with the definition of Order (in the template) or Refund (in statemachine/refund.asl.json)",
		"Resources:\n  Refund:\n    Type: AWS::Serverless::StateMachine\n    Properties: {DefinitionUri: refund.asl.json}\n": "template.yaml: a CloudFormation template, not a definition: give the file with the definition of Refund (in refund.asl.json)",
		"Resources:\n  Topic: {Type: AWS::SNS::Topic}\n":                                                                     "no state machine in it",
		"stepFunctions:\n  stateMachines:\n    a: {definition: \"${file(a.yml)}\"}\n":                                        "a (in ${file(a.yml)})",
		"Resources:\n  A: {Type: AWS::StepFunctions::StateMachine, Properties: {RoleArn: x}}\n":                              "definition of A",
	} {
		if _, err := definition.Read("template.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{order, sam, styles, orderJSON, "a: &a {<<: *a}\nStates: *a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"x.yaml", "x.json"} {
			if file, err := definition.Read(name, []byte(text)); err == nil {
				if m, _ := file.ParseTemplate(); m != nil {
					checkFound(t, m.Source())
				}
			}
		}
	})
}
