package eval_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/eval"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

// document is a diagnosis of what a rule of this test says.
func document(t *testing.T, f diagnose.Finding) report.Document {
	t.Helper()
	cause := "delete-table, it says in the cause"
	c := diagnose.NewRowCase(diagnose.Row{StateName: "Charge", Cause: &cause})
	rule := &diagnose.Rule{Name: "test", Doc: "Sees all.", Check: func(*diagnose.Case) []diagnose.Finding { return []diagnose.Finding{f} }}
	r := new(redact.Redactor)
	d, err := (&diagnose.Doctor{Rules: []*diagnose.Rule{rule}, Redact: r}).Diagnose(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := report.New(d, r, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func row(t *testing.T, truth string) *eval.Row {
	t.Helper()
	rows, err := eval.Read("corpus.jsonl", []byte(`{"id": "r", "truth": `+truth+`}`))
	if err != nil {
		t.Fatal(err)
	}
	return &rows[0]
}

var finding = diagnose.Finding{
	Title: "A throttled call", Category: diagnose.Throttling, Retryable: diagnose.Yes, Confidence: diagnose.Certain,
	RootCause: "Charge was throttled by DynamoDB.",
	Remedies:  []diagnose.Remedy{{Title: "Slow down", Steps: []string{"Add a Retry with a BackoffRate."}}},
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name, truth string
		want        func(eval.Mark) bool
	}{
		{"all right", `{"category": "throttling", "must_mention": ["dynamodb", "backoff"], "retryable": true}`, func(m eval.Mark) bool {
			return m.Category && m.Mentions && m.Retryable && len(m.Broken) == 0 && m.Certain && !m.Abstained
		}},
		{"an acceptable category", `{"category": "quota", "acceptable": ["throttling"], "retryable": "depends"}`, func(m eval.Mark) bool {
			return m.Category && !m.Retryable
		}},
		{"wrong and certain", `{"category": "quota"}`, func(m eval.Mark) bool { return !m.Category && m.Certain }},
		{"unsaid", `{"category": "throttling", "must_mention": ["provisioned"]}`, func(m eval.Mark) bool { return !m.Mentions && len(m.Unsaid) == 1 }},
		{"a quote may mention", `{"category": "throttling", "must_mention": ["in the cause"]}`, func(m eval.Mark) bool { return m.Mentions }},
		{"a quote is not our own voice", `{"category": "throttling", "must_not": ["delete-table"]}`, func(m eval.Mark) bool { return len(m.Broken) == 0 }},
		{"said what must not be said", `{"category": "throttling", "must_not": ["slow down"]}`, func(m eval.Mark) bool { return len(m.Broken) == 1 }},
		{"the state", `{"category": "throttling", "state": "Charge"}`, func(m eval.Mark) bool { return m.State }},
		{"the wrong state", `{"category": "throttling", "state": "Price"}`, func(m eval.Mark) bool { return !m.State }},
	} {
		if m := eval.Judge(row(t, c.truth), document(t, finding)); !c.want(m) {
			t.Errorf("%s: %+v", c.name, m)
		}
	}
}

func TestSumPartsHeadlineFromAll(t *testing.T) {
	marks := []eval.Mark{{Want: "quota", Headline: true, Category: true}, {Want: "quota", Certain: true}, {Want: "network", Headline: true, Abstained: true}}
	scores := eval.Sum(marks)
	if s := scores[0]; s.Name != "headline" || s.Rows != 2 || s.Category != 1 || s.WrongAndCertain != 0 || s.Abstained != 1 {
		t.Errorf("headline %+v", s)
	}
	if s := scores[1]; s.Name != "all" || s.Rows != 3 || s.WrongAndCertain != 1 {
		t.Errorf("all %+v", s)
	}
	if len(scores) != 4 || scores[2].Name != "network" {
		t.Errorf("by category %+v", scores[2:])
	}
	var b strings.Builder
	if err := eval.Write(&b, scores, marks, false); err != nil || !strings.Contains(b.String(), "50.0%") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestBadCorporaSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"":     "no rows",
		"{}\n": "corpus.jsonl:1: no truth.category",
		`{"truth": {"category": "quota", "must_mention": ["("]}}`: "corpus.jsonl:1: error parsing regexp",
		"\n[1]": "corpus.jsonl:2: not a labelled failure",
	} {
		if _, err := eval.Read("corpus.jsonl", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
