package diagnose

import (
	"github.com/stepsleuth/stepsleuth/asl"
)

// Confidence is how sure a finding is.
type Confidence string

// The confidences. Certain means that no other reading of the evidence is left.
const (
	Certain    Confidence = "certain"
	Likely     Confidence = "likely"
	Hypothesis Confidence = "hypothesis"
)

// Retryable tells whether trying the same again can help.
type Retryable string

// The answers; in a document they are true, false and "depends".
const (
	Yes     Retryable = "true"
	No      Retryable = "false"
	Depends Retryable = "depends"
)

// Rule recognises one kind of failure. Check is pure: no I/O, no clock, safe for
// concurrent use; it returns nothing where the rule has nothing to say.
type Rule struct {
	Name  string // kebab-case, unique, never renamed: "missing-path"
	Doc   string // one sentence: what it sees
	Check func(*Case) []Finding
}

// Finding is what a rule says of a case. All texts are raw and are redacted by
// package report.
type Finding struct {
	Rule         string // filled in by the Doctor
	Title        string // one line
	Category     Category
	Also         []Category // further categories that are defensible
	Retryable    Retryable
	RootCause    string   // one sentence, with the names from the user's workflow
	Explanation  string   // how it came about; may be empty
	Cites        []string // evidence ids
	Confidence   Confidence
	Contributing bool     // makes it worse or hides it, but is not the cause
	Focus        *Focus   // where in the definition to look; nil where unknown
	Remedies     []Remedy // best first
	Prevention   []string
	Docs         []string // pages of documentation by name
}

// Focus points into the definition and the recorded input.
type Focus struct {
	Span    asl.Span // in the definition's text
	Label   string   // what stands below the caret: "not in the input of this state"
	Pointer string   // JSON pointer into the failing state's input that matters most; "" whole
}

// Remedy is one way to mend it.
type Remedy struct {
	Title        string
	Steps        []string   // in order; a command, a policy statement as JSON, or a sentence
	Edits        []asl.Edit // of the definition, where the remedy is one
	Workaround   bool       // the failure goes away and its reason stays: never before a remedy that mends it, never VERIFIED
	Verification Verification
}

// Verification says whether a remedy was run.
type Verification struct {
	Status VerificationStatus
	How    string // one sentence
}

// VerificationStatus is the badge of a remedy.
type VerificationStatus string

// The badges. Verified means that the recorded failure was run again with the fix
// and the state then succeeded.
const (
	Verified     VerificationStatus = "VERIFIED"
	Partial      VerificationStatus = "PARTIAL"
	Refuted      VerificationStatus = "REFUTED"
	Unverifiable VerificationStatus = "UNVERIFIABLE"
)
