package report_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/report"
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
	golden(t, "missing-path.mail.txt", []byte("Subject: "+subject+"\n\n"+body))
}
