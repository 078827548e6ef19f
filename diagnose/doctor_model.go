package diagnose

import (
	"context"
	"errors"
	"time"

	"github.com/stepsleuth/stepsleuth/redact"
)

// consult asks the model, and once more where its answer does not pass the checks. Whatever
// goes wrong, the diagnosis so far stays, and the reason is named.
func (v *visit) consult(ctx context.Context) {
	r := v.doctor.Redact
	if r == nil {
		r = &redact.Redactor{}
	}
	use := &ModelUse{}
	v.diagnosis.Model = use
	if err := r.Check(); err != nil {
		v.unanswered(use, &ModelError{Kind: "rejected", Err: err, Reason: "nothing was sent to the model: " + err.Error(),
			Mend: "mend the configuration of the redaction"})
		return
	}
	v.c.Evidence = complete(v.c)
	q := newQuestion(v.c, v.findings, NewConcealer(v.c, r), v.doctor.PromptTokens, v.doctor.MaxTokens)
	q.prompt.Fingerprint, q.prompt.Pass = v.diagnosis.Fingerprint, 1
	use.Cut = q.cut
	best := v.read(ctx, &q, q.prompt, r)
	use.count(best)
	if v.doctor.Passes != 1 && best.failed && timeFor(ctx, best.answer.Latency) {
		best = v.correct(ctx, use, &q, best, r)
	}
	v.adopt(use, best)
}

// timeFor reports that there is time for what took so long before.
func timeFor(ctx context.Context, took time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > took)
}

// correct has an answer corrected, and returns the better of the two.
func (v *visit) correct(ctx context.Context, use *ModelUse, q *question, first *reply, r *redact.Redactor) *reply {
	second := v.read(ctx, q, q.repair(first, r), r)
	use.count(second)
	use.Flaws = first.flaws
	if second.asking != nil {
		v.diagnosis.Missing = append(v.diagnosis.Missing, "a correction of the model's answer: "+second.asking.Reason)
	}
	if first.worth() > second.worth() {
		return first
	}
	return second
}

// adopt makes a reply that of the diagnosis.
func (v *visit) adopt(use *ModelUse, said *reply) {
	use.Answer.Text, use.Answer.ModelID, use.Answer.StopReason = said.answer.Text, said.answer.ModelID, said.answer.StopReason
	if e := said.err(); e != nil {
		v.unanswered(use, e)
		return
	}
	v.diagnosis.Claims = append(v.diagnosis.Claims, said.claims...)
	use.Opinion = said.opinion
	v.compare(use, said.opinion)
}

// count adds what a pass cost.
func (use *ModelUse) count(said *reply) {
	a, sum := said.answer, &use.Answer
	sum.InputTokens += a.InputTokens
	sum.OutputTokens += a.OutputTokens
	sum.CostUSD += a.CostUSD
	sum.Latency += a.Latency
	use.Cached = a.Cached && (use.Passes == 0 || use.Cached)
	sum.Cached = use.Cached
	use.Passes++
}

// ask contains a model that panics.
func ask(ctx context.Context, m Model, p Prompt) (answer Answer, err error) {
	defer func() {
		if recover() != nil {
			answer, err = Answer{}, &ModelError{Kind: "unavailable", Reason: "the model's client broke down", Mend: "please report it"}
		}
	}()
	return m.Ask(ctx, p)
}

// unanswered notes why there is no opinion of a model.
func (v *visit) unanswered(use *ModelUse, err *ModelError) {
	use.Err = err
	v.diagnosis.Missing = append(v.diagnosis.Missing, "a model's reading: "+err.Reason)
}

// modelError gives every error of a model a reason and a way to mend it.
func modelError(ctx context.Context, err error) *ModelError {
	var known *ModelError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &ModelError{Kind: "timeout", Err: err, Reason: "the model did not answer in the time that was left",
			Mend: "give the diagnosis more time, or choose a faster model"}
	case errors.Is(err, context.Canceled):
		return &ModelError{Kind: "timeout", Err: err, Reason: "the question to the model was called off", Mend: "run it again"}
	}
	return &ModelError{Kind: "unavailable", Err: err, Reason: "the model could not be asked: " + err.Error(),
		Mend: "see whether the model's service can be reached from here"}
}

// compare decides whose the root cause is: the rules' where they are certain or think
// it likely, else the model's, if at least one of its claims is supported.
func (v *visit) compare(use *ModelUse, opinion *Opinion) {
	d := v.diagnosis
	lead := v.lead()
	if lead != nil && lead.Confidence != Hypothesis {
		if opinion.Category != "" && opinion.Category != d.Category && !contains(d.Also, opinion.Category) {
			opinion.Contradicts = string(d.Category)
			v.dismiss(lead, opinion)
		}
		return
	}
	supported := false
	for _, c := range d.Claims {
		supported = supported || c.Standing == Kept
	}
	if !supported || opinion.RootCause.IsZero() {
		return
	}
	use.Leads = true
	d.RootCause, d.Explanation = opinion.RootCause.String(), opinion.Explanation.String()
	if opinion.Category != "" && opinion.Category != d.Category {
		if lead != nil {
			d.Also = append([]Category{d.Category}, d.Also...)
		}
		d.Category, d.Retryable = opinion.Category, Depends
	}
}

// dismiss takes away what is to mend a cause that was disproved.
func (v *visit) dismiss(lead *Finding, opinion *Opinion) {
	if lead.Confidence != Certain {
		return
	}
	for range len(opinion.Remedies) + len(opinion.Prevention) {
		v.diagnosis.Claims = append(v.diagnosis.Claims, Claim{Standing: Dropped, Reason: "it is against another cause than the one that was proved"})
	}
	opinion.Remedies, opinion.Prevention = nil, nil
}

func contains(all []Category, c Category) bool {
	for _, other := range all {
		if other == c {
			return true
		}
	}
	return false
}

// vocabularyOf is "" for a word that is no category.
func vocabularyOf(s string) Category {
	if c := Category(tidy(s)); contains(Categories(), c) {
		return c
	}
	return ""
}
