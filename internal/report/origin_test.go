package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/report"
)

// madeOf is the diagnosis of a definition that was made of a text in which find finds.
func madeOf(t *testing.T, written string, find func(asl.Span) (asl.Span, bool)) *diagnose.Diagnosis {
	t.Helper()
	d := missingPath(t)
	source := d.Case.Machine.Source()
	source.Name = "order.yaml as JSON"
	source.Origin = &asl.Origin{Source: &asl.Source{Name: "order.yaml", Text: written}, Find: find}
	return d
}

// finder finds one piece of a text, whatever is asked for.
func finder(written, piece string) func(asl.Span) (asl.Span, bool) {
	start := strings.Index(written, piece)
	return func(asl.Span) (asl.Span, bool) { return asl.Span{Start: start, End: start + len(piece)}, true }
}

func TestTheFrameIsOfTheTextThatPeopleWrote(t *testing.T) {
	for name, test := range map[string]struct{ written, line, caret string }{
		"YAML":       {"# order\nStates:\n  A: {Variable: $.payment.total}\n", `3 |   A: {Variable: $.payment.total}`, `  |                 ^^^^^^^^^^^^^^^ not`},
		"line ends":  {"# order\r\nStates:\r\n  A: {Variable: $.payment.total}\r\n", `3 |   A: {Variable: $.payment.total}`, `  |                 ^^^^^^^^^^^^^^^ not`},
		"tabs":       {"States:\n  ü:\t{Variable: $.payment.total}", `2 |   ü:    {Variable: $.payment.total}`, `  |                    ^^^^^^^^^^^^^^^ not`},
		"wide signs": {"States:\n  状態: {Variable: $.payment.total}", `2 |   状態: {Variable: $.payment.total}`, `  |                    ^^^^^^^^^^^^^^^ not`},
	} {
		d := madeOf(t, test.written, finder(test.written, "$.payment.total"))
		doc := document(t, d, report.Options{})
		got := string(text(t, doc, report.Style{Width: 100}))
		for _, want := range []string{"--> order.yaml:", test.line, test.caret, "of order.yaml as JSON, the form"} {
			if strings.Count(got, want) != 1 {
				t.Errorf("%s: %q is not there once:\n%s", name, want, got)
			}
		}
		if next := doc.Next[0].String(); !strings.Contains(next, "--definition order.yaml ") {
			t.Errorf("%s: %s", name, next)
		}
	}
}

func TestWhatIsNotFoundIsShownAsJSON(t *testing.T) {
	const written = "States:\n  A: {Variable: $.payment.total}\n"
	for name, find := range map[string]func(asl.Span) (asl.Span, bool){
		"nowhere":  func(asl.Span) (asl.Span, bool) { return asl.Span{}, false },
		"outside":  func(asl.Span) (asl.Span, bool) { return asl.Span{Start: 1, End: 1000}, true },
		"nothing":  func(asl.Span) (asl.Span, bool) { return asl.Span{Start: 9, End: 9}, true },
		"negative": func(asl.Span) (asl.Span, bool) { return asl.Span{Start: -1, End: 9}, true },
	} {
		got := string(text(t, document(t, madeOf(t, written, find), report.Options{}), report.Style{}))
		if !strings.Contains(got, "--> order.yaml as JSON:") || !strings.Contains(got, "^^^") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

// What the definition conceals is never shown in the form that people wrote it in, where
// its name, its quotes and its lines tell less.
func TestTheTextThatPeopleWroteShowsNoSecret(t *testing.T) {
	const definition = `{
  "StartAt": "A",
  "States": {
    "A": {
      "Type": "Pass",
      "Parameters": {
        "password": "plainword",
        "total.$": "$.totl"
      },
      "End": true
    }
  }
}`
	const together, apart = "what opens it: plainword, total: $.totl\n", "what opens it:\n  plainword\ntotal: $.totl\n"
	for written, file := range map[string]string{together: `"order.yaml as JSON"`, apart: `"order.yaml"`} {
		d := madeOf(t, written, nil)
		origin := d.Case.Machine.Source().Origin
		m := machine(t, "order.yaml as JSON", definition)
		m.Source().Origin, d.Case.Machine, d.Case.State = origin, m, m.States[0]
		origin.Find = func(s asl.Span) (asl.Span, bool) {
			if strings.Contains(definition[s.Start:s.End], "plainword") {
				return finder(written, "plainword")(s)
			}
			return finder(written, "$.totl")(s)
		}
		d.Remedies = nil
		d.Findings[0].Focus = &diagnose.Focus{Span: span(t, definition, `"$.totl"`), Label: "missing"}
		var b bytes.Buffer
		if err := report.JSON(&b, document(t, d, report.Options{})); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); strings.Contains(got, "plainword") || !strings.Contains(got, `"file": `+file) {
			t.Errorf("%q:\n%s", written, got)
		}
	}
}
