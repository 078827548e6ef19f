package asl_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
)

// refusal finds the message of a recorded refusal, whichever way it was recorded.
func refusal(expected json.RawMessage) string {
	var e struct {
		Error struct {
			Error struct{ Code, Message string }
			Value string `json:"exception_value"`
		} `json:"error"`
	}
	if json.Unmarshal(expected, &e) != nil {
		return ""
	}
	if e.Error.Error.Code == "InvalidDefinition" {
		return e.Error.Error.Message
	}
	_, message, _ := strings.Cut(e.Error.Value, "(InvalidDefinition) when calling the CreateStateMachine operation: ")
	return message
}

func TestRefusalsReadAsRecordedOnAWS(t *testing.T) {
	matched, all := 0, 0
	for _, c := range recordings(t) {
		want := refusal(c.Expected)
		if c.Provenance != "aws-validated" || want == "" || !strings.HasPrefix(want, "Invalid State Machine Definition") {
			continue
		}
		var found []asl.Diagnostic
		switch c.Kind {
		case "validation":
			found = asl.Diagnose(c.text(), asl.WorkflowType(c.Request.Type))
		case "test-state":
			found = asl.DiagnoseState(c.text())
		default:
			continue
		}
		all++
		got := asl.Refusal(found)
		if strings.ReplaceAll(got, "arn:aws:", "arn:<partition>:") != want {
			t.Errorf("%s:\n got %s\nwant %s", c.ID, got, want)
			continue
		}
		matched++
	}
	t.Logf("%d of %d recorded refusals match word for word", matched, all)
	if all == 0 {
		t.Error("no refusals were found: the test tests nothing")
	}
}

func TestVariableReferencesAsRecordedOnAWS(t *testing.T) {
	matched, all := 0, 0
	for _, c := range recordings(t) {
		if c.Group != "api_variable_references" {
			continue
		}
		var e struct {
			Described struct {
				VariableReferences map[string][]string `json:"variableReferences"`
			} `json:"describe_response"`
		}
		if err := json.Unmarshal(c.Expected, &e); err != nil {
			t.Fatal(err)
		}
		want := e.Described.VariableReferences
		if want == nil {
			want = map[string][]string{}
		}
		for _, names := range want {
			slices.Sort(names)
		}
		all++
		m, err := asl.Parse("", []byte(c.Steps[0].Params.Definition))
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		if got := m.VariableReferences(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", c.ID, got, want)
			continue
		}
		matched++
	}
	t.Logf("%d of %d recorded variable references match", matched, all)
	if all == 0 {
		t.Error("no case was found: the test tests nothing")
	}
}

// TestDiagnosticsReadAsMeasured holds what people report that Step Functions answered.
func TestDiagnosticsReadAsMeasured(t *testing.T) {
	const schema, transition, end = "SCHEMA_VALIDATION_FAILED", "MISSING_TRANSITION_TARGET", "MISSING_END_STATE"
	never := asl.Diagnostic{"ERROR", end, "Workflow has no terminal state", ""}
	mapWith := func(fields string) string {
		return `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,` + fields +
			`"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}}}}`
	}
	for name, c := range map[string]struct {
		text string
		want []asl.Diagnostic
	}{
		"a loop": {`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}}`, []asl.Diagnostic{never}},
		"a loop hides what is not reached": {
			`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"},"C":{"Type":"Pass","Next":"A"}}}`,
			[]asl.Diagnostic{never},
		},
		"a loop and an end that is not reached": {
			`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"},"C":{"Type":"Succeed"}}}`,
			[]asl.Diagnostic{{"ERROR", transition, `State "C" is not reachable.`, "/States/C"}},
		},
		"a target that is not there": {
			`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"NOPE"}}}`,
			[]asl.Diagnostic{{"ERROR", transition, "Missing 'Next' target: NOPE", "/States/A/Next"}, never},
		},
		"a start that is not there": {
			`{"StartAt":"Not sure","States":{"Pass One":{"Type":"Pass","Next":"Success"},"Success":{"Type":"Succeed"}}}`,
			[]asl.Diagnostic{
				{"ERROR", transition, "Missing 'Next' target: Not sure", "/StartAt"},
				{"ERROR", transition, `State "Pass One" is not reachable.`, "/States/Pass One"},
			},
		},
		"targets in rules, Default and Catch": {
			`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"X"},{"Variable":"$.a","IsNull":true,"Next":"T"}],"Default":"Y"},
			 "T":{"Type":"Task","Resource":"arn:aws:states:::sns:publish","Catch":[{"ErrorEquals":["States.ALL"],"Next":"Z"}],"End":true}}}`,
			[]asl.Diagnostic{
				{"ERROR", transition, "Missing 'Next' target: X", "/States/C/Choices[0]/Next"},
				{"ERROR", transition, "Missing 'Next' target: Y", "/States/C/Default"},
				{"ERROR", transition, "Missing 'Next' target: Z", "/States/T/Catch[0]/Next"},
			},
		},
		"values of other types": {
			`{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":"1","Comment":2,"End":true}}}`,
			[]asl.Diagnostic{
				{"ERROR", schema, "Expected value of type Integer", "/States/A/Seconds"},
				{"ERROR", schema, "Expected value of type String", "/States/A/Comment"},
			},
		},
		"a query language that there is not": {
			`{"QueryLanguage":"XPath","StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`,
			[]asl.Diagnostic{{"ERROR", schema, "The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata]", "/QueryLanguage"}},
		},
		"a type that there is not": {
			`{"StartAt":"A","States":{"A":{"Type":"Choise"}}}`,
			[]asl.Diagnostic{{"ERROR", schema, "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]", "/States/A/Type"}},
		},
		"no states": {`{"StartAt":"A"}`, []asl.Diagnostic{{"ERROR", schema, "These fields are required: [States]", "/"}}},
		"a field that the type has not": {
			`{"StartAt":"A","States":{"A":{"Type":"Pass","TimeoutSeconds":1,"End":true}}}`,
			[]asl.Diagnostic{{"ERROR", schema, "Field 'TimeoutSeconds' is not supported", "/States/A"}},
		},
		"a rule that leads nowhere": {
			`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$","StringMatches":"Test"}],"Default":"S"},"S":{"Type":"Succeed"}}}`,
			[]asl.Diagnostic{{"ERROR", schema, "These fields are required: [Next]", "/States/C/Choices[0]"}},
		},
		"a path that is none": {
			`{"StartAt":"A","States":{"A":{"Type":"Pass","OutputPath":"Test","End":true}}}`,
			[]asl.Diagnostic{{"ERROR", schema, "Value must be a valid JSONPath.", "/States/A/OutputPath"}},
		},
		"a wait that is too long": {
			`{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10000000000000000,"End":true}}}`,
			[]asl.Diagnostic{{"ERROR", schema, "Maximum value is 99999999", "/States/W/Seconds"}},
		},
		"numbers of a Map": {
			mapWith(`"MaxConcurrency":-1,"ToleratedFailurePercentage":-1,`),
			[]asl.Diagnostic{
				{"ERROR", schema, "Minimum value is 0", "/States/M/MaxConcurrency"},
				{"ERROR", schema, "Minimum value is 0.0", "/States/M/ToleratedFailurePercentage"},
			},
		},
		"a Map's number from the Context object": {
			mapWith(`"ItemsPath":"$$.Execution.Input.x","MaxConcurrencyPath":"$$.Execution.Input.n",`),
			[]asl.Diagnostic{{"ERROR", schema, "Value is not a Reference Path", "/States/M/MaxConcurrencyPath"}},
		},
		"the Map's query language is not that of the states in it": {
			`{"StartAt":"M","States":{"M":{"Type":"Map","QueryLanguage":"JSONata","End":true,"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","Output":1,"End":true}}}}}}`,
			[]asl.Diagnostic{{"ERROR", schema, "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage", "/States/M/ItemProcessor/States/P"}},
		},
		"back to JSONPath": {
			`{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","QueryLanguage":"JSONPath","End":true}}}`,
			[]asl.Diagnostic{{"ERROR", schema, "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", "/States/A"}},
		},
		"a query language of an ItemProcessor": {
			`{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":{"QueryLanguage":"JSONata","StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}}}}`,
			[]asl.Diagnostic{{"ERROR", schema, "Field 'QueryLanguage' is not supported", "/States/M/ItemProcessor"}},
		},
	} {
		if got := asl.Diagnose([]byte(c.text), asl.Standard); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
	if got, want := asl.Refusal([]asl.Diagnostic{never}), "Invalid State Machine Definition: 'MISSING_END_STATE: Workflow has no terminal state at null'"; got != want {
		t.Errorf("got %s", got)
	}
}
