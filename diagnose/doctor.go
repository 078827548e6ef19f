package diagnose

import (
	"context"

	"github.com/stepsleuth/stepsleuth/redact"
)

// TryFunc runs the recorded failure of c again with a remedy's edits applied.
type TryFunc func(ctx context.Context, c *Case, r Remedy) Verification

// Doctor makes diagnoses. The zero Doctor asks no rules and no model; it only
// locates. It is safe for concurrent use.
type Doctor struct {
	Rules      []*Rule
	Collectors []Collector
	Redact     *redact.Redactor // for what a model is shown; nil: a fresh one
	Model      Model            // nil: none
	MaxTokens  int              // of an answer; 0: 1500
	Try        TryFunc          // nil: remedies stay unverified
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
	Answer Answer
	Err    *ModelError // nil: it answered
}

// Claim is one sentence of a model's with the evidence it quotes.
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
