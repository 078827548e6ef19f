package bedrock_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock/bedrocktest"
)

const goodAnswer = `{"category":"throttling","root_cause":"The table refuses the write.","explanation":"",` +
	`"claims":[{"text":"The write was refused.","cites":[{"evidence":"E0","quote":"the write was refused"}]}],"remediation":[],"prevention":[]}`

// A diagnosis with a model over the wire: whatever Bedrock does, what needs no model is there.
func TestDoctorOverTheWire(t *testing.T) {
	throttled := bedrocktest.Fails(429, "ThrottlingException", "Too many requests.")
	for name, test := range map[string]struct {
		script []bedrocktest.Reply
		kind   string // "" where the answer is used
	}{
		"good":               {[]bedrocktest.Reply{bedrocktest.Says(goodAnswer)}, ""},
		"text around it":     {[]bedrocktest.Reply{bedrocktest.Says("Sure {here it is}:\n```json\n" + goodAnswer + "\n```\nBye.")}, ""},
		"by a tool":          {[]bedrocktest.Reply{invalid("outputConfig is not supported by this model"), bedrocktest.Calls(goodAnswer)}, ""},
		"throttled, good":    {[]bedrocktest.Reply{throttled, throttled, bedrocktest.Says(goodAnswer)}, ""},
		"broken JSON":        {[]bedrocktest.Reply{bedrocktest.Says(goodAnswer[:100])}, "garbled"},
		"cut off":            {[]bedrocktest.Reply{bedrocktest.Stops("max_tokens", goodAnswer[:100])}, "garbled"},
		"refusal":            {[]bedrocktest.Reply{bedrocktest.Stops("refusal", "")}, "rejected"},
		"throttled for ever": {[]bedrocktest.Reply{throttled}, "throttled"},
		"denied":             {[]bedrocktest.Reply{bedrocktest.Denies("User: u is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/m")}, "denied"},
		"model timeout":      {[]bedrocktest.Reply{bedrocktest.Fails(408, "ModelTimeoutException", "Too slow.")}, "timeout"},
		"too slow":           {[]bedrocktest.Reply{bedrocktest.Hangs()}, "timeout"},
	} {
		s := bedrocktest.New(t, test.script...)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if name == "too slow" {
			ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		}
		d := diagnosisOf(t, ctx, &diagnose.Doctor{Model: model(s, bedrock.Options{})})
		cancel()
		if d.Findings == nil && d.Fingerprint == "" {
			t.Errorf("%s: there is no diagnosis", name)
		}
		switch e := d.Model.Err; {
		case test.kind == "" && (e != nil || !d.Model.Leads || d.Category != diagnose.Throttling || d.Model.Answer.CostUSD == 0):
			t.Errorf("%s: %+v, category %s, leads %v", name, e, d.Category, d.Model.Leads)
		case test.kind != "" && (e == nil || e.Kind != test.kind || e.Mend == ""):
			t.Errorf("%s: %+v", name, e)
		case test.kind != "" && !strings.Contains(strings.Join(d.Missing, "\n"), e.Reason):
			t.Errorf("%s: Missing does not say it: %q", name, d.Missing)
		}
	}
}

func diagnosisOf(t *testing.T, ctx context.Context, doctor *diagnose.Doctor) *diagnose.Diagnosis {
	t.Helper()
	problem, cause := "TableError", "the write was refused by the table"
	d, err := doctor.Diagnose(ctx, diagnose.NewRowCase(diagnose.Row{Error: &problem, Cause: &cause, StateName: "Save"}))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
