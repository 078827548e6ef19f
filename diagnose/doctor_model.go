package diagnose

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepsleuth/stepsleuth/redact"
)

// consult asks the model. Whatever goes wrong, the diagnosis so far stays, and the
// reason is named.
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
	use.Cut = q.cut
	answer, err := ask(ctx, v.doctor.Model, q.prompt)
	use.Answer = answer
	if err != nil {
		v.unanswered(use, modelError(ctx, err))
		return
	}
	said, err := readAnswer(r.Stored(answer.Text).String())
	if err != nil {
		v.unanswered(use, garbled(answer, q.prompt.MaxTokens, err))
		return
	}
	v.weigh(use, &q, said, r)
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

// garbled says why an answer could not be read: most often it was cut off or refused.
func garbled(a Answer, limit int, err error) *ModelError {
	switch a.StopReason {
	case "max_tokens", "model_context_window_exceeded":
		return &ModelError{Kind: "garbled", Err: err,
			Reason: fmt.Sprintf("the model's answer was cut off at its limit (%d tokens)", limit),
			Mend:   "raise the limit of tokens for an answer"}
	case "refusal", "content_filtered":
		return &ModelError{Kind: "rejected", Err: err, Reason: "the model refused to answer (" + a.StopReason + ")",
			Mend: "try another model; the rest of this diagnosis needs none"}
	case "guardrail_intervened":
		return &ModelError{Kind: "rejected", Err: err, Reason: "a guardrail withheld the question or the answer",
			Mend: "loosen that guardrail for this role, or use one made for error messages"}
	}
	return &ModelError{Kind: "garbled", Err: err, Reason: "the model's answer has not the form that was asked for: " + err.Error(),
		Mend: "try again, or choose a model that supports structured output"}
}

// weigh checks the answer and takes over what holds. A certain finding is never
// overruled: what the model says against it is shown as such.
func (v *visit) weigh(use *ModelUse, q *question, said *answerForm, r *redact.Redactor) {
	d := v.diagnosis
	check := newChecker(q, v.findings)
	for _, c := range said.Claims {
		d.Claims = append(d.Claims, check.claim(c))
	}
	drop := func(reason string) {
		d.Claims = append(d.Claims, Claim{Standing: Dropped, Reason: reason})
	}
	// text returns what may be shown of a sentence that cites nothing itself.
	text := func(s string) redact.Text {
		if s = tidy(s); s == "" {
			return redact.Text{}
		}
		if reason := check.sentence(s); reason != "" {
			drop(reason)
			return redact.Text{}
		}
		return r.Stored(s)
	}
	// fact is text that may name only what occurs in the case: it is told as what happened.
	fact := func(s string) redact.Text {
		if check.strayTerm(tidy(s)) != "" {
			drop("it names something that does not occur in this case")
			return redact.Text{}
		}
		return text(s)
	}
	opinion := &Opinion{Category: vocabularyOf(said.Category), RootCause: fact(said.RootCause), Explanation: fact(said.Explanation)}
	for i, remedy := range said.Remediation {
		if i == 3 {
			break
		}
		if a := advice(remedy, text); a != nil {
			opinion.Remedies = append(opinion.Remedies, *a)
		}
	}
	for i, s := range said.Prevention {
		if t := text(s); i < 3 && !t.IsZero() {
			opinion.Prevention = append(opinion.Prevention, t)
		}
	}
	use.Opinion = opinion
	v.compare(use, opinion)
}

func advice(remedy remedyForm, text func(string) redact.Text) *Advice {
	title := text(remedy.Title)
	if title.IsZero() {
		return nil
	}
	a := Advice{Title: title}
	for i, s := range remedy.Steps {
		if t := text(s); i < 5 && !t.IsZero() {
			a.Steps = append(a.Steps, t)
		}
	}
	return &a
}

// compare decides whose the root cause is: the rules' where they are certain or think
// it likely, else the model's, if at least one of its claims is supported.
func (v *visit) compare(use *ModelUse, opinion *Opinion) {
	d := v.diagnosis
	lead := v.lead()
	if lead != nil && lead.Confidence != Hypothesis {
		if opinion.Category != "" && opinion.Category != d.Category && !contains(d.Also, opinion.Category) {
			opinion.Contradicts = string(d.Category)
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
