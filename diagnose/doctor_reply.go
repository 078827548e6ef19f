package diagnose

import (
	"context"
	"fmt"

	"github.com/stepsleuth/stepsleuth/redact"
)

// reply is one answer of a model and what checking made of it.
type reply struct {
	answer     Answer
	asking     *ModelError // there is no answer
	unreadable *ModelError // there is one, but not in the form that was asked for
	claims     []Claim
	opinion    *Opinion
	flaws      []string // what is wrong with it, in words of ours
	failed     bool     // and that is worth another question
}

// read asks once, and checks what comes back.
func (v *visit) read(ctx context.Context, q *question, p Prompt, r *redact.Redactor) *reply {
	answer, err := ask(ctx, v.doctor.Model, p)
	if err != nil {
		return &reply{answer: answer, asking: modelError(ctx, err)}
	}
	if len(answer.Text) > maxAnswer {
		answer.Text = answer.Text[:maxAnswer+1] // enough to be refused
	}
	answer.Text = r.Stored(answer.Text).String()
	form, err := readAnswer(answer.Text)
	if err != nil {
		e := garbled(answer, p.MaxTokens, err)
		return &reply{answer: answer, unreadable: e, flaws: []string{formFlaw(answer, p.MaxTokens, err)}, failed: e.Kind == "garbled"}
	}
	got := &reply{answer: answer}
	got.weigh(newChecker(q, v.findings), form, r)
	return got
}

// err is why there is nothing to take over; nil where there is something.
func (a *reply) err() *ModelError {
	if a.asking != nil {
		return a.asking
	}
	return a.unreadable
}

// worth compares replies: one that can be read comes before one that cannot, one whose
// root cause is supported before one whose is not, and then what is kept counts against
// what is wrong.
func (a *reply) worth() int {
	switch {
	case a.asking != nil:
		return -2000
	case a.unreadable != nil:
		return -1000
	}
	worth := -len(a.flaws)
	for _, c := range a.claims {
		if c.Standing == Kept {
			worth++
		}
	}
	if worth > -len(a.flaws) && !a.opinion.RootCause.IsZero() {
		worth += 1000
	}
	return worth
}

// garbled says why an answer could not be read: most often it was cut off or refused.
func garbled(a Answer, limit int, err error) *ModelError {
	switch a.StopReason {
	case "max_tokens":
		return &ModelError{Kind: "garbled", Err: err,
			Reason: fmt.Sprintf("the model's answer was cut off at its limit (%d tokens)", limit),
			Mend:   "raise the limit of tokens for an answer"}
	case "model_context_window_exceeded":
		return &ModelError{Kind: "garbled", Err: err,
			Reason: "the model's answer was cut off, as question and answer together are more than it has room for",
			Mend:   "lower the token budget of prompts, or give the model more context (Ollama: OLLAMA_CONTEXT_LENGTH)"}
	case "refusal", "content_filtered":
		return &ModelError{Kind: "rejected", Err: err, Reason: "the model refused to answer (" + a.StopReason + ")",
			Mend: "try another model; the rest of this diagnosis needs none"}
	case "guardrail_intervened":
		return &ModelError{Kind: "rejected", Err: err, Reason: "a guardrail withheld the question or the answer",
			Mend: "loosen that guardrail for this role, or use one made for error messages"}
	}
	if tidy(a.Text) == "" && len(a.Text) <= maxText {
		return &ModelError{Kind: "garbled", Err: err, Reason: "the model's answer is empty",
			Mend: "raise the limit of tokens for an answer (a model may spend them all on thinking), or choose another model"}
	}
	return &ModelError{Kind: "garbled", Err: err, Reason: "the model's answer has not the form that was asked for: " + err.Error(),
		Mend: "try again, or choose a model that supports structured output"}
}

// formFlaw tells the model what garbled tells people.
func formFlaw(a Answer, limit int, err error) string {
	switch a.StopReason {
	case "max_tokens":
		return fmt.Sprintf("it was cut off at %d tokens: write a shorter one, with at most three claims", limit)
	case "model_context_window_exceeded":
		return "it was cut off for lack of room: write a much shorter one, with at most two claims"
	}
	return err.Error()
}

// weigh checks what was said, and keeps what may be shown. A certain finding is never
// overruled: what the model says against it is shown as such.
func (a *reply) weigh(check *checker, form *answerForm, r *redact.Redactor) {
	for i, c := range form.Claims {
		claim := check.claim(c)
		a.claims = append(a.claims, claim)
		if claim.Standing != Kept {
			a.flaw(fmt.Sprintf("claim %d", i+1), claim.Reason)
			a.failed = true
		}
	}
	// text returns what may be shown of a sentence that cites nothing itself.
	text := func(place, s string) redact.Text {
		if s = tidy(s); s == "" {
			return redact.Text{}
		}
		if reason := check.sentence(s); reason != "" {
			a.drop(place, reason)
			return redact.Text{}
		}
		return r.Stored(s)
	}
	// fact is text that may have only names and numbers of the case: it is told as what happened.
	fact := func(place, s string) redact.Text {
		before := len(a.flaws)
		defer func() { a.failed = a.failed || len(a.flaws) > before }()
		if check.strayTerm(tidy(s)) != "" {
			a.drop(place, "it names something that does not occur in this case")
			return redact.Text{}
		}
		if n := check.strayNumber(tidy(s)); n != "" {
			a.drop(place, n+" does not stand in the evidence")
			return redact.Text{}
		}
		return text(place, s)
	}
	opinion := &Opinion{
		Category:  vocabularyOf(form.Category),
		RootCause: fact("root_cause", form.RootCause), Explanation: fact("explanation", form.Explanation),
	}
	if opinion.Category == "" {
		a.flaw("category", "it is none of the list")
		a.failed = true
	}
	for i, remedy := range form.Remediation {
		if i == 3 {
			break
		}
		if a := advice(remedy, func(s string) redact.Text { return text(fmt.Sprintf("remediation %d", i+1), s) }); a != nil {
			opinion.Remedies = append(opinion.Remedies, *a)
		}
	}
	for i, s := range form.Prevention {
		if t := text(fmt.Sprintf("prevention %d", i+1), s); i < 3 && !t.IsZero() {
			opinion.Prevention = append(opinion.Prevention, t)
		}
	}
	a.opinion = opinion
}

func (a *reply) flaw(place, reason string) {
	a.flaws = append(a.flaws, place+": "+reason)
}

// drop counts a sentence that is shown nowhere.
func (a *reply) drop(place, reason string) {
	a.claims = append(a.claims, Claim{Standing: Dropped, Reason: reason})
	a.flaw(place, reason)
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
