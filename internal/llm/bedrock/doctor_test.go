package bedrock_test

import (
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock/bedrocktest"
	"github.com/stepsleuth/stepsleuth/internal/llm/llmtest"
)

// An answer by way of a tool is as good as one by schema.
func TestDoctorTakesAnswersOfATool(t *testing.T) {
	s := bedrocktest.New(t, invalid("outputConfig is not supported by this model"), bedrocktest.Calls(llmtest.Good))
	problem, cause := "TableError", "the write was refused by the table"
	c := diagnose.NewRowCase(diagnose.Row{Error: &problem, Cause: &cause, StateName: "Save"})
	d, err := (&diagnose.Doctor{Model: model(s, bedrock.Options{})}).Diagnose(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if d.Model.Err != nil || !d.Model.Leads || d.Category != diagnose.Throttling {
		t.Errorf("%+v", d.Model)
	}
}
