package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/redact"
)

// verdict is the first line in parts: what became of it, where, and the facts.
func verdict(doc Document, zone *time.Location) []string {
	out := []string{outcome(doc), strings.Join(nonEmpty(machine(doc), places(doc)), " / ")}
	if f := subject(doc); f != nil {
		out = append(out, nonEmpty(str(f.Error))...)
	}
	out = append(out, nonEmpty(str(doc.Category))...)
	if doc.Retryable != nil {
		out = append(out, retryWords[doc.Retryable.answer])
	}
	if s := doc.Seen; s != nil && s.Count > 1 {
		seen := fmt.Sprintf("seen %dx", s.Count)
		if s.Since != nil {
			seen += " since " + clock(*s.Since, doc.Execution, zone)
		}
		out = append(out, seen)
	}
	return out
}

var retryWords = map[diagnose.Retryable]string{
	diagnose.Yes: "retryable", diagnose.No: "not retryable", diagnose.Depends: "a retry may help",
}

// clock shows the time, and the date where it is not the execution's.
func clock(t time.Time, x *Execution, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	t = t.In(zone)
	if x != nil && x.Start != nil && x.Start.In(zone).Format(time.DateOnly) == t.Format(time.DateOnly) {
		return t.Format("15:04 MST")
	}
	return t.Format("2006-01-02 15:04 MST")
}

func outcome(doc Document) string {
	if doc.HandledBy != nil {
		return "HANDLED"
	}
	if doc.Phase.String() != string(diagnose.Run) {
		return "REFUSED"
	}
	if x := doc.Execution; x != nil && x.Status != nil {
		return neutral(str(x.Status))
	}
	if doc.Failure != nil {
		return "FAILED"
	}
	return "UNKNOWN"
}

func machine(doc Document) string {
	if doc.Execution == nil {
		return ""
	}
	return cmp.Or(str(doc.Execution.StateMachine), str(doc.Execution.Name))
}

// places names the failing state; with an origin both, the one to mend first in front.
func places(doc Document) string {
	if doc.Failure == nil {
		return ""
	}
	failed := where(doc.Failure)
	switch {
	case doc.HandledBy != nil:
		return failed + ", and went on to " + str(doc.HandledBy)
	case doc.Origin == nil:
		return failed
	case doc.HandlerFailed:
		return strings.TrimSpace(cmp.Or(failed, "the handler") + ", which was to handle " + where(doc.Origin) + " " + str(doc.Origin.Error))
	}
	if e := str(doc.Failure.Error); e != "" && e != str(doc.Origin.Error) {
		failed += " " + e
	}
	return where(doc.Origin) + ", which led to " + cmp.Or(failed, "the end")
}

// where is a state with what it lies in: "Orders[3] / Charge".
func where(f *Failure) string {
	var b strings.Builder
	for _, t := range f.Path {
		s := t.String()
		if b.Len() > 0 && !strings.HasPrefix(s, "[") {
			b.WriteString(" / ")
		}
		b.WriteString(s)
	}
	if f.State != nil {
		if b.Len() > 0 {
			b.WriteString(" / ")
		}
		b.WriteString(str(f.State))
	}
	return b.String()
}

// subject is the failure that category and root cause describe.
func subject(doc Document) *Failure {
	if doc.Origin != nil && !doc.HandlerFailed {
		return doc.Origin
	}
	return doc.Failure
}

func str(t *redact.Text) string {
	if t == nil {
		return ""
	}
	return t.String()
}

func nonEmpty(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}
