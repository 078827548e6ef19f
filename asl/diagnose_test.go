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
