package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

func document(t *testing.T, d *diagnose.Diagnosis, opts report.Options) report.Document {
	t.Helper()
	doc, err := report.New(d, redactor(), opts)
	if err != nil {
		t.Fatal(err)
	}
	valid(t, doc)
	return doc
}

func text(t *testing.T, doc report.Document, style report.Style) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.Text(&b, doc, style); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatAReaderSeesFirst(t *testing.T) {
	opts := report.Options{
		History: "run-7f3.history.json",
		Seen:    &report.Sighting{Count: 14, Since: time.Date(2026, 11, 22, 9, 12, 0, 0, time.UTC)},
	}
	doc := document(t, missingPath(t), opts)
	golden(t, "missing-path.txt", text(t, doc, report.Style{}))
	golden(t, "missing-path.narrow.txt", text(t, doc, report.Style{Width: 60}))
	golden(t, "missing-path.color.txt", text(t, doc, report.Style{Color: true}))
	var md, js bytes.Buffer
	if err := report.Markdown(&md, doc); err != nil {
		t.Fatal(err)
	}
	golden(t, "missing-path.md", md.Bytes())
	if err := report.JSON(&js, doc); err != nil {
		t.Fatal(err)
	}
	golden(t, "missing-path.json", js.Bytes())
	subject, body := report.Mail(doc)
	golden(t, "missing-path.mail.txt", []byte("Subject: "+subject.String()+"\n\n"+body.String()))
}

func TestWhatAModelAddsIsTold(t *testing.T) {
	r := redactor()
	d := missingPath(t)
	d.Model = &diagnose.ModelUse{
		Answer: diagnose.Answer{ModelID: "us.example-model", InputTokens: 2100, OutputTokens: 310, CostUSD: 0.0042, Latency: 2100 * time.Millisecond},
		Cut:    []string{"the end of L1"},
		Opinion: &diagnose.Opinion{
			Category: diagnose.PayloadSize, RootCause: r.Text("The payload is too large."), Contradicts: "data-path",
			Remedies:   []diagnose.Advice{{Title: r.Text("Add the total before ChargeCard")}},
			Prevention: []redact.Text{r.Text("Test orders without a total.")},
		},
	}
	d.Claims = []diagnose.Claim{
		{Text: "Price returned amount and no total.", Standing: diagnose.Kept, Cites: []diagnose.Citation{{Evidence: "E7", Quote: `"amount":42.5`}}},
		{Text: "Price was changed this week.", Standing: diagnose.Demoted, Reason: "it cites no evidence"},
		{Text: "Run rm -rf / now.", Standing: diagnose.Dropped, Reason: "it contains a command"},
	}
	doc := document(t, d, report.Options{})
	golden(t, "model.txt", text(t, doc, report.Style{}))
	if doc.Category.String() != "data-path" || doc.Model.Kept != 1 || doc.Model.Demoted != 1 || doc.Model.Dropped != 1 {
		t.Errorf("category %s, model %+v", doc.Category, doc.Model)
	}
	var b bytes.Buffer
	if err := report.JSON(&b, doc); err != nil || bytes.Contains(b.Bytes(), []byte("rm -rf")) {
		t.Errorf("what was dropped is shown (%v)", err)
	}
}

func TestWhatBecameOfTheModelIsTold(t *testing.T) {
	d := missingPath(t)
	d.Model = &diagnose.ModelUse{Err: &diagnose.ModelError{
		Kind: "denied", Reason: "the role may not bedrock:InvokeModel on the model", Mend: "allow bedrock:InvokeModel in the role's policy",
	}}
	d.Missing = append(d.Missing, "a model's reading: the role may not bedrock:InvokeModel on the model")
	golden(t, "model-denied.txt", text(t, document(t, d, report.Options{}), report.Style{}))
}

// verify reads files, so that what is on AWS is saved first.
func TestTheNextCommandSavesWhatIsOnAWS(t *testing.T) {
	arn := "arn:aws:states:us-east-1:123456789012:execution:order-pipeline:run-7f3"
	doc := document(t, missingPath(t), report.Options{History: arn})
	want := "stepsleuth diagnose " + arn + " --save failed && stepsleuth verify failed/history.json --definition failed/definition.asl.json --remedy 1"
	if got := doc.Next[0].String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Of a change at the end of a long line, the change is what has to be seen.
func TestTheDiffOfALongLineShowsTheChange(t *testing.T) {
	definition := `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:pay-claim:live", "Comment": "für die Schäden", "TimeoutSeconds": 10, "End": true}}}`
	m := machine(t, "a.asl.json", definition)
	d := missingPath(t)
	d.Case.Machine, d.Case.State, d.Findings[0].Focus = m, m.State("A"), nil
	d.Remedies = []diagnose.Remedy{{Title: "x", Edits: []asl.Edit{{Span: span(t, definition, `10`), New: `20`}}}}
	got := string(text(t, document(t, d, report.Options{}), report.Style{}))
	for _, want := range []string{"\n   - …", `"TimeoutSeconds": 10, "End"`, "\n   + …", `"TimeoutSeconds": 20, "End"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not shown:\n%s", want, got)
		}
	}
}
