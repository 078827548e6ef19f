package asl_test

import (
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
)

const template = "\ufeff" + `{
  "StartAt": "Charge",
  "TimeoutSeconds": ${Timeout},
  "States": {
    "Charge": {
      "Type": "Task",
      "Resource": "${aws_lambda_function.charge["main"].arn}",
      "Parameters": ${jsonencode({a = "b", "c" = "}"})},
      "TimeoutSeconds": ${Seconds}, "HeartbeatSeconds": "${Beat}",
      "ResultPath": ${Where},
      "Retry": ${Retry},
      "Catch": [${Catcher}, {"ErrorEquals": ["E"], "Next": ${Next}}],
      "Next": "Each"
    },
    "Each": {"Type": "Map", "MaxConcurrency": ${N}, "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "Comment": "costs $${5} or ${", "End": true}}}, "Next": "Amount"},
    "Amount": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThan": ${Limit}, "Next": "Wait"}], "Default": "Wait"},
    "Wait": {"Type": "Wait", "Seconds": ${Seconds}, "End": true}
  }
}
`

func TestATemplateIsReadWithItsPlaceholders(t *testing.T) {
	m, err := asl.ParseTemplate("order.asl.json", []byte(template))
	if err != nil {
		t.Fatal(err)
	}
	if !m.IsTemplate() || len(m.States) != 4 {
		t.Fatalf("%d states, a template: %t", len(m.States), m.IsTemplate())
	}
	s := m.State("Charge")
	if s.Task.Resource != `${aws_lambda_function.charge["main"].arn}` || len(s.Catch) != 1 || s.Catch[0].Next != "${Next}" {
		t.Errorf("resource %s, catchers %+v", s.Task.Resource, s.Catch)
	}
	span := s.Fields["Parameters"]
	if got := template[span.Start:span.End]; got != `${jsonencode({a = "b", "c" = "}"})}` {
		t.Errorf("the parameters are at %s", got)
	}
	doc, err := asl.OpenDocument(template)
	if err != nil {
		t.Fatal(err)
	}
	edit, err := doc.Insert("/States/Wait", "", "Comment", `"x"`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := asl.Apply(template, []asl.Edit{edit})
	if err != nil || !strings.Contains(got, `"Seconds": ${Seconds}, "End": true, "Comment": "x"}`) {
		t.Errorf("%v\n%s", err, got)
	}
}

// AWS would refuse it, and so does Parse; ParseTemplate still sees what is wrong.
func TestWhatIsWrongBesidesThePlaceholdersIsSaid(t *testing.T) {
	if _, err := asl.Parse("", []byte(template)); err == nil || !strings.Contains(err.Error(), "3:21: not JSON") || !strings.Contains(err.Error(), "placeholder") {
		t.Errorf("got %v", err)
	}
	for text, want := range map[string]string{
		`{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": ${S}, "Next": "B"}}}`:                             `1:76: /States/A/Next: no state "B"`,
		`{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": ${S, "End": true`:                                 "1:62: not JSON",
		"{\"StartAt\": \"A\",\n%{ if x }\n\"States\": {\"A\": {\"Type\": \"Wait\", \"Seconds\": ${S}, \"End\": true}}}": "2:1: not JSON",
		`{"StartAt": "A", "States": {"A": {"Type": "Wait", ${More}, "End": true}}}`:                                     "1:58: not JSON",
		`{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": $${S}, "End": true}}}`:                            "1:62: not JSON",
	} {
		if _, err := asl.ParseTemplate("", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestWhatIsJSONIsReadAlike(t *testing.T) {
	const text = `{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${", "Comment": "${a}}", "End": true}}}`
	m, err := asl.ParseTemplate("", []byte(text))
	if err != nil || m.IsTemplate() {
		t.Errorf("%v", err)
	}
}

func FuzzParseTemplate(f *testing.F) {
	f.Add([]byte(template))
	f.Add([]byte(`{"a": "${x("${y}")}", ${`))
	f.Add([]byte(`"\${`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, _ := asl.ParseTemplate("", text)
		plain, _ := asl.Parse("", text)
		if plain != nil && (m == nil || m.IsTemplate()) {
			t.Error("read otherwise, although it is JSON")
		}
	})
}
