package llmtest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Good is an answer to the suite's case in which everything holds.
const Good = `{"category":"throttling","root_cause":"The table refuses the write.","explanation":"",` +
	`"claims":[` + goodClaim + `],"remediation":[],"prevention":[]}`

const goodClaim = `{"text":"The write was refused.","cites":[{"evidence":"E0","quote":"the write was refused"}]}`

// Mixed has a claim that holds, one whose quote is made up, one that cites nothing, and
// one about a state that does not exist.
const Mixed = `{"category":"throttling","root_cause":"The table refuses the write.","explanation":"",` +
	`"claims":[` + goodClaim + `,` +
	`{"text":"The table is far too small.","cites":[{"evidence":"E0","quote":"capacity was exceeded"}]},` +
	`{"text":"The table is hot.","cites":[]},` +
	`{"text":"The state 'ReserveStock' lost the write.","cites":[{"evidence":"E0","quote":"the write was refused"}]}` +
	`],"remediation":[],"prevention":[]}`

// offline is a rule for the suite's case that is not sure of itself.
var offline = &diagnose.Rule{Name: "write-refused", Check: func(*diagnose.Case) []diagnose.Finding {
	return []diagnose.Finding{{Title: "a write was refused", RootCause: "A write was refused.", Category: diagnose.ServiceError, Confidence: diagnose.Hypothesis}}
}}

func diagnosisOf(t *testing.T, ctx context.Context, m diagnose.Model) *diagnose.Diagnosis {
	t.Helper()
	problem, cause := "TableError", "the write was refused by the table"
	c := diagnose.NewRowCase(diagnose.Row{Error: &problem, Cause: &cause, StateName: "Save"})
	d, err := (&diagnose.Doctor{Rules: []*diagnose.Rule{offline}, Model: m}).Diagnose(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// doctor runs the fault matrix through a diagnosis: whatever the service does, what needs
// no model is there, and says why there is no more.
func (v Vendor) doctor(t *testing.T) {
	good := Line{Text: Good}
	for name, test := range map[string]struct {
		script []Line
		kind   string // "" where the answer is used
		asked  int
	}{
		"good":                   {[]Line{good}, "", 1},
		"text around it":         {[]Line{{Text: "Sure {here it is}:\n" + Good + "\nBye."}}, "", 1},
		"fences":                 {[]Line{{Text: "```json\n" + Good + "\n```"}}, "", 1},
		"throttled, good":        {[]Line{{Does: Throttles}, {Does: Throttles}, good}, "", 3},
		"broken, corrected":      {[]Line{{Text: Good[:100]}, good}, "", 2},
		"cut off, corrected":     {[]Line{{Does: CutsOff, Text: Good[:100]}, good}, "", 2},
		"empty, corrected":       {[]Line{{Text: ""}, good}, "", 2},
		"good, never corrected":  {[]Line{good, {Does: Falters}}, "", 1},
		"bad, then throttled":    {[]Line{{Text: Mixed}, {Does: Throttles}}, "", 1 + Attempts},
		"broken, then throttled": {[]Line{{Text: Good[:100]}, {Does: Throttles}}, "garbled", 1 + Attempts},
		"broken twice":           {[]Line{{Text: Good[:100]}}, "garbled", 2},
		"cut off twice":          {[]Line{{Does: CutsOff, Text: Good[:100]}}, "garbled", 2},
		"empty twice":            {[]Line{{Text: ""}}, "garbled", 2},
		"prose":                  {[]Line{{Text: "I cannot tell."}}, "garbled", 2},
		"refusal":                {[]Line{{Does: Refuses}}, "rejected", 1},
		"throttled for ever":     {[]Line{{Does: Throttles}}, "throttled", Attempts},
		"faltering for ever":     {[]Line{{Does: Falters}}, "unavailable", Attempts},
		"model time-out":         {[]Line{{Does: TimesOut}}, "timeout", Attempts},
		"garbage":                {[]Line{body("application/json", "\x00\xff{{{")}, "garbled", 1},
	} {
		m, s := v.Start(t, test.script...)
		d := diagnosisOf(t, t.Context(), m)
		survives(t, name, d, test.kind)
		if s.Asked() != test.asked {
			t.Errorf("%s: %d requests, want %d", name, s.Asked(), test.asked)
		}
		if test.kind == "" && (!d.Model.Leads || d.Category != diagnose.Throttling || d.Model.Answer.CostUSD == 0) {
			t.Errorf("%s: the answer is not used: %+v", name, d.Model)
		}
	}
	for _, denial := range v.Denials {
		m, _ := v.Start(t, denial.Line)
		survives(t, denial.Name, diagnosisOf(t, t.Context(), m), denial.Kind)
	}
	m, _ := v.Start(t, Line{Does: Handles, Raw: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	survives(t, "too slow", diagnosisOf(t, ctx, m), "timeout")
}

// survives wants the offline diagnosis, whatever became of the model's.
func survives(t *testing.T, name string, d *diagnose.Diagnosis, kind string) {
	t.Helper()
	if len(d.Findings) != 1 || d.Fingerprint == "" || d.RootCause == "" {
		t.Errorf("%s: the offline diagnosis is not whole: %+v", name, d)
	}
	switch e := d.Model.Err; {
	case kind == "" && e != nil:
		t.Errorf("%s: %s: %s", name, e.Kind, e.Reason)
	case kind != "" && (e == nil || e.Kind != kind || e.Mend == ""):
		t.Errorf("%s: %+v, want %s", name, e, kind)
	case kind != "" && !strings.Contains(strings.Join(d.Missing, "\n"), e.Reason):
		t.Errorf("%s: Missing does not say it: %q", name, d.Missing)
	case kind != "" && (d.Category != diagnose.ServiceError || d.RootCause != "A write was refused."):
		t.Errorf("%s: the diagnosis was changed: %s %q", name, d.Category, d.RootCause)
	}
}

// document wants to see what was kept, demoted and dropped, and what that cost; of what was
// dropped not a word.
func (v Vendor) document(t *testing.T) {
	m, s := v.Start(t, Line{Text: Mixed})
	d := diagnosisOf(t, t.Context(), m)
	doc, err := report.New(d, &redact.Redactor{}, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	use := doc.Model
	if use == nil || use.Kept != 1 || use.Demoted != 2 || use.Dropped != 1 || len(use.Claims) != 3 {
		t.Fatalf("%+v", use)
	}
	if s.Asked() != 2 || use.InputTokens != 2000 || use.OutputTokens != 400 {
		t.Errorf("%d requests, and the document says %d+%d tokens", s.Asked(), use.InputTokens, use.OutputTokens)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := report.Text(&text, doc, report.Style{Width: 120}); err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{string(raw), text.String()} {
		if strings.Contains(shown, "ReserveStock") {
			t.Error("the document shows a state that does not exist")
		}
	}
	if !strings.Contains(text.String(), "1 claim supported, 2 hypothetical, 1 dropped") {
		t.Errorf("the report does not tell what checking made of the claims:\n%s", text.String())
	}
}
