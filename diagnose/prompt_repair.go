package diagnose

import (
	"github.com/stepsleuth/stepsleuth/redact"
)

// The limits of what a model is shown again.
const (
	maxLastAnswer = 6000 // bytes
	maxFlaws      = 12
)

// repair is the question once more, with the last answer and what is wrong with it. The
// answer is text like any other that comes from outside: it was redacted, and every line
// of it is marked.
func (q *question) repair(last *reply, r *redact.Redactor) Prompt {
	texts := []redact.Text{q.prompt.User, {}, redact.Static("YOUR LAST ANSWER, every line of it marked")}
	answer := r.Stored(lineEnds.Replace(last.answer.Text))
	for _, line := range answer.Truncate(maxLastAnswer).Lines() {
		texts = append(texts, redact.Format("ANSWER| %s", line))
	}
	texts = append(texts, redact.Text{}, redact.Static("WHAT A PROGRAM FOUND WRONG WITH IT"))
	for i, flaw := range last.flaws {
		if i == maxFlaws {
			texts = append(texts, redact.Format("- and %d more of the kind", len(last.flaws)-maxFlaws))
			break
		}
		texts = append(texts, redact.Format("- %s", r.Stored(flaw)))
	}
	texts = append(texts, redact.Text{}, redact.Static(again))
	p := q.prompt
	p.User, p.Pass = redact.Join("\n", texts...), 2
	return p
}

// again ends the question.
const again = `Answer once more, whole and in the same form. Copy every quote character by character from the piece of evidence that it names; leave out a claim that no passage supports, and whatever was found wrong and cannot be put right. What was not found wrong may stay as it is.`
