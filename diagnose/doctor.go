package diagnose

import (
	"context"
	"errors"
	"slices"

	"github.com/stepsleuth/stepsleuth/redact"
)

// TryFunc runs the recorded failure of c again with a remedy's edits applied.
type TryFunc func(ctx context.Context, c *Case, r Remedy) Verification

// Doctor makes diagnoses. The zero Doctor asks no rules and no model; it only
// locates. It is safe for concurrent use.
type Doctor struct {
	Rules        []*Rule
	Collectors   []Collector
	Redact       *redact.Redactor // for what a model is shown; nil: a fresh one
	Model        Model            // nil: none
	MaxTokens    int              // of an answer; 0: 1500
	PromptTokens int              // of a question, estimated; 0: 8000
	Passes       int              // questions at most: 1, or 2 to have an answer corrected once; 0: 2
	Try          TryFunc          // nil: remedies stay unverified
}

// Diagnose finds out what can be found out about c, which stays as it is. The error is
// for a case that is none; what rules, collectors, replays and the model could not do
// is named in Missing and in the Diagnosis' Model, and the rest is there all the same.
func (d *Doctor) Diagnose(ctx context.Context, c *Case) (*Diagnosis, error) {
	if c == nil {
		return nil, errors.New("diagnose: no case")
	}
	own := *c
	own.Evidence = slices.Clone(c.Evidence)
	v := &visit{doctor: d, c: &own, diagnosis: &Diagnosis{Case: &own, Missing: slices.Clone(c.Missing)}}
	v.judge()
	if v.collect(ctx) {
		v.judge()
	}
	v.conclude()
	v.try(ctx)
	v.diagnosis.Fingerprint = Fingerprint(v.c)
	if d.Model != nil && own.Subject() != nil {
		v.consult(ctx)
	}
	v.diagnosis.Missing = append(v.diagnosis.Missing, v.broken...)
	v.diagnosis.Missing = once(v.diagnosis.Missing)
	return v.diagnosis, nil
}

// Diagnosis is what was found: raw, for this process only. It has no marshaller
// on purpose; package report makes the document that may leave.
type Diagnosis struct {
	Case        *Case
	Category    Category
	Also        []Category
	Retryable   Retryable
	RootCause   string
	Explanation string
	Findings    []Finding // best first; contributing ones last
	Remedies    []Remedy
	Prevention  []string
	Docs        []string
	Fingerprint string // "fp1:" and 32 hex digits, from facts alone
	Missing     []string
	Model       *ModelUse // nil: no model was asked
	Claims      []Claim   // what the model said, after checking
}

// ModelUse tells what a model was asked and what became of it.
type ModelUse struct {
	Answer  Answer      // the one that is used; tokens, cost and latency are those of all passes
	Err     *ModelError // nil: it answered, and the answer could be read
	Passes  int         // questions that were put: 2 where the first answer was to be corrected
	Flaws   []string    // what was wrong with the first answer then
	Cached  bool        // every answer was given before, and nothing was asked anew
	Cut     []string    // what did not fit the prompt
	Opinion *Opinion    // what checking left of the answer; nil: nothing
	Leads   bool        // root cause, explanation and perhaps category of the diagnosis are the model's
}

// Opinion is a model's answer after checking. It was made from redacted text and
// holds placeholders, not what they stand for.
type Opinion struct {
	Category    Category
	RootCause   redact.Text
	Explanation redact.Text
	Remedies    []Advice
	Prevention  []redact.Text
	Contradicts string // the certain finding's category that it does not agree with; "" none
}

// Advice is a remedy in a model's words: never an edit, and never a command.
type Advice struct {
	Title redact.Text
	Steps []redact.Text
}

// Claim is one sentence of a model's with the evidence it quotes. Its texts are
// redacted: the model was shown nothing else.
type Claim struct {
	Text     string
	Cites    []Citation
	Standing Standing
	Reason   string // why it was demoted or dropped
}

// Citation is a quote that is said to stand in a piece of evidence.
type Citation struct {
	Evidence string // id
	Quote    string
}

// Standing is what checking made of a claim.
type Standing string

// The standings: supported by evidence, shown as a hypothesis, or not shown.
const (
	Kept    Standing = "kept"
	Demoted Standing = "demoted"
	Dropped Standing = "dropped"
)
