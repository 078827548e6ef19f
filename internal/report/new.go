package report

import (
	"cmp"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Options are what a document says beyond the diagnosis itself. The zero Options are fine.
type Options struct {
	Seen    *Sighting     // nil: not counted
	Local   bool          // the execution ran on this machine: no links to the AWS console
	Inline  bool          // the workflow caught the failure itself, and is about to end in a Fail state for it
	Next    []redact.Text // what to do before all else
	History string        // how the reader names the history in a command: a file or an ARN; "" is HISTORY

	// Definition is how the reader names the definition in a command: a file; "" is
	// what the machine's source is called, if anything.
	Definition string

	// HandledBy is the state that the workflow went on to with the failure, which a
	// catcher of its own took: the execution is running. "": the failure ended it.
	HandledBy string

	// Omit tells which states the timeline leaves out: those that are none of the
	// workflow's own. nil: it has all.
	Omit func(state string) bool
}

// Sighting is how often a fingerprint was met, this time included.
type Sighting struct {
	Count int
	Since time.Time
}

// How much of a thing a document holds.
const (
	maxInput    = 4 << 10
	maxCause    = 16 << 10
	maxQuote    = 1 << 10
	maxEvidence = 40
	maxTimeline = 20
)

// New makes the document of a diagnosis. It fails closed: where r cannot redact there
// is no document. A model's texts are taken as redacted already, by the same r.
func New(d *diagnose.Diagnosis, r *redact.Redactor, opts Options) (Document, error) {
	if d == nil || d.Case == nil {
		return Document{}, errors.New("report: no diagnosis")
	}
	if r == nil {
		return Document{}, errors.New("report: no redactor, so nothing may leave")
	}
	if err := r.Check(); err != nil {
		return Document{}, err
	}
	b := builder{d: d, c: d.Case, r: diagnose.NewConcealer(d.Case, r), opts: opts}
	doc := b.document()
	doc.conceal = b.r
	if n := withheld(doc); n > 0 {
		doc.Missing = append(doc.Missing, redact.Format("%d texts: they could not be redacted, and were withheld as a whole", n))
	}
	doc.Redactions = countRedactions(doc, r)
	return doc, nil
}

// withheld counts the texts that the redactor gave up on.
func withheld(doc Document) int {
	n := 0
	eachText(reflect.ValueOf(doc), func(t redact.Text) {
		if strings.Contains(t.String(), "[concealed: redaction could not run]") {
			n++
		}
	})
	return n
}

// builder makes the parts of one document.
type builder struct {
	d    *diagnose.Diagnosis
	c    *diagnose.Case
	r    *diagnose.Concealer
	opts Options
}

func (b *builder) document() Document {
	doc := Document{
		Schema:            redact.Static(SchemaV1),
		Execution:         b.execution(),
		Phase:             b.among(string(b.c.Phase), string(diagnose.Run), string(diagnose.Create), string(diagnose.API)),
		Failure:           b.failure(b.c.Failure),
		Origin:            b.failure(b.c.Origin),
		HandlerFailed:     b.c.HandlerFailed,
		HandledBy:         b.opt(b.opts.HandledBy),
		OtherFailures:     []Failure{},
		OtherFailureCount: max(b.c.OtherCount, len(b.c.Others)),
		Category:          b.opt(string(b.d.Category)),
		AlsoCategories:    []redact.Text{},
		RootCause:         b.text(b.d.RootCause),
		Explanation:       b.text(b.d.Explanation),
		Focus:             b.focus(),
		Comparison:        b.comparison(),
		Findings:          b.findings(),
		Remediation:       b.remedies(),
		Prevention:        b.texts(b.d.Prevention),
		Docs:              b.texts(b.d.Docs),
		Links:             b.links(),
		Fingerprint:       b.fingerprint(),
		Missing:           b.missing(),
		Model:             b.model(),
	}
	for _, f := range b.c.Others[:min(len(b.c.Others), 20)] {
		doc.OtherFailures = append(doc.OtherFailures, *b.failure(&f))
	}
	for _, c := range b.d.Also {
		doc.AlsoCategories = append(doc.AlsoCategories, b.text(string(c)))
	}
	if b.d.Category != "" {
		doc.Retryable = &Retryable{cmp.Or(b.d.Retryable, diagnose.Depends)}
	}
	b.addOpinion(&doc)
	doc.Evidence = b.evidence()
	doc.Timeline, doc.TimelineOmitted = b.timeline()
	if s := b.opts.Seen; s != nil {
		doc.Seen = &Seen{Count: s.Count, Since: when(s.Since)}
	}
	doc.ReviewRequired = len(doc.Remediation) > 0
	doc.Next = b.next(doc)
	return doc
}

// text redacts.
func (b *builder) text(s string) redact.Text { return b.r.Text(s) }

// json redacts what should be JSON, and stays JSON where it is.
func (b *builder) json(s string) redact.Text { return b.r.JSON(s) }

// among is a word of a closed vocabulary; the first one stands for what is not in it.
func (b *builder) among(s string, words ...string) redact.Text {
	if !slices.Contains(words, s) {
		s = words[0]
	}
	return b.text(s)
}

// opt redacts; nil for none.
func (b *builder) opt(s string) *redact.Text {
	if s == "" {
		return nil
	}
	t := b.text(s)
	return &t
}

func (b *builder) optOf(s *string, limit int) *redact.Text {
	if s == nil {
		return nil
	}
	t := b.text(*s).Truncate(limit)
	return &t
}

func (b *builder) texts(all []string) []redact.Text {
	out := make([]redact.Text, 0, len(all))
	for _, s := range all {
		out = append(out, b.text(s))
	}
	return out
}

func (b *builder) execution() *Execution {
	x := b.c.Execution
	if x == nil {
		return nil
	}
	status, stop := x.Status, x.Stop
	if b.opts.HandledBy != "" { // the case shows it as it would have ended
		status, stop = history.Running, time.Time{}
	}
	return &Execution{
		ARN:             b.opt(x.ARN),
		Name:            b.opt(cmp.Or(x.Name, lastPart(x.ARN))),
		StateMachineARN: b.opt(x.StateMachineARN),
		StateMachine:    b.opt(machineName(x)),
		Status:          b.opt(string(status)),
		Start:           when(x.Start),
		Stop:            when(stop),
	}
}

var fingerprintForm = lazyregexp.New(`^fp1:[0-9a-f]{32}$`)

func (b *builder) fingerprint() *redact.Text {
	if !fingerprintForm.MatchString(b.d.Fingerprint) {
		return nil
	}
	return b.opt(b.d.Fingerprint)
}

// lastPart of an ARN is the name.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// machineName reads the state machine's name from either ARN.
func machineName(x *history.Execution) string {
	if p := strings.Split(x.StateMachineARN, ":"); len(p) >= 7 {
		return p[6]
	}
	if p := strings.Split(x.ARN, ":"); len(p) >= 8 {
		return p[6]
	}
	return ""
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func number[N int | int64](n N) *N {
	if n == 0 {
		return nil
	}
	return &n
}

func (b *builder) failure(f *diagnose.Failure) *Failure {
	if f == nil {
		return nil
	}
	out := &Failure{
		State:        b.opt(f.State),
		Path:         b.texts(f.Path),
		EnteredEvent: number(f.EnteredEvent),
		FailedEvent:  number(f.FailedEvent),
		Attempts:     number(f.Attempts),
		Error:        b.optOf(f.Error, maxCause),
		Cause:        b.optOf(f.Cause, maxCause),
		Resource:     b.opt(f.Resource),
		Input:        b.input(f),
		At:           when(f.At),
		EndedAt:      b.opt(f.EndedAt),
		Outcome:      b.opt(string(f.Outcome)),
	}
	if f.Nested != nil {
		out.NestedARN = b.opt(f.Nested.ARN)
	}
	if f.Within != f { // a case is made by others; a ring would never end
		out.Within = b.failure(f.Within)
	}
	return out
}

// input is the failure's input, cut to what lies around the pointer of the leading
// finding; only the subject's input has such a pointer.
func (b *builder) input(f *diagnose.Failure) *redact.Text {
	if f.Input.IsAbsent() {
		return nil
	}
	pointer := ""
	if focus := b.leadingFocus(); focus != nil && f == b.c.Subject() {
		pointer = focus.Pointer
	}
	t := b.json(around(f.Input.String(), pointer, maxInput)).Truncate(maxInput)
	return &t
}

// leadingFocus is that of the first finding that has one; contributing ones come last.
func (b *builder) leadingFocus() *diagnose.Focus {
	for _, f := range b.d.Findings {
		if f.Focus != nil {
			return f.Focus
		}
	}
	return nil
}

func (b *builder) findings() []Finding {
	out := []Finding{}
	for _, f := range b.d.Findings {
		out = append(out, Finding{
			Rule:         b.text(f.Rule),
			Title:        b.text(f.Title),
			Category:     b.opt(string(f.Category)),
			Confidence:   b.among(string(f.Confidence), string(diagnose.Hypothesis), string(diagnose.Likely), string(diagnose.Certain)),
			Contributing: f.Contributing,
			Cites:        b.texts(f.Cites),
		})
	}
	return out
}

// evidence is what findings and claims cite, in the order of the case.
func (b *builder) evidence() []Evidence {
	cited := map[string]bool{}
	for _, f := range b.d.Findings {
		for _, id := range f.Cites {
			cited[id] = true
		}
	}
	for _, c := range b.d.Claims {
		if c.Standing == diagnose.Dropped {
			continue
		}
		for _, cite := range c.Cites {
			cited[cite.Evidence] = true
		}
	}
	out := []Evidence{}
	for _, e := range b.c.Evidence {
		if !cited[e.ID] || len(out) == maxEvidence {
			continue
		}
		out = append(out, Evidence{
			ID: b.text(e.ID),
			Source: b.among(string(e.Source), string(diagnose.FromConfig), string(diagnose.FromHistory), string(diagnose.FromDefinition),
				string(diagnose.FromInput), string(diagnose.FromLog), string(diagnose.FromPolicy)),
			Pointer: b.opt(e.Pointer),
			Event:   number(e.Event),
			Quote:   b.json(e.Text).Truncate(maxQuote),
		})
	}
	return out
}

// missing says besides what the redactor had to withhold as a whole.
func (b *builder) missing() []redact.Text {
	return b.texts(slices.Compact(slices.Clone(b.d.Missing)))
}
