// Package report makes the diagnosis document, which is what may leave the process,
// and shows it: in a terminal, as Markdown, as JSON and as mail.
//
// New is the only way from a raw diagnosis to a Document, and every text of a
// Document is a redact.Text. The package knows nothing of how a diagnosis is found,
// and opens no file and no connection.
package report

import (
	"encoding/json"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/redact"
)

// SchemaV1 is the name of the document's form. Within it members are only added,
// and readers ignore what they do not know.
const SchemaV1 = "stepsleuth/diagnosis/v1"

// Document is the diagnosis document. Members whose value is not known are null in
// JSON; lists are never null. The same diagnosis gives the same bytes.
type Document struct {
	Schema            redact.Text   `json:"schema"`
	Execution         *Execution    `json:"execution"`     // null: only a failure was given
	Phase             redact.Text   `json:"phase"`         // run, create or api
	Failure           *Failure      `json:"failure"`       // null: nothing ended the execution
	Origin            *Failure      `json:"origin"`        // an earlier, caught failure that led to it
	HandlerFailed     bool          `json:"handlerFailed"` // failure is one of its own, in what was to handle origin
	HandledBy         *redact.Text  `json:"handledBy"`     // the state that the workflow went on to with failure; null: it ended
	OtherFailures     []Failure     `json:"otherFailures"`
	OtherFailureCount int           `json:"otherFailureCount"`
	Category          *redact.Text  `json:"category"`
	AlsoCategories    []redact.Text `json:"alsoCategories"`
	Retryable         *Retryable    `json:"retryable"`
	RootCause         redact.Text   `json:"rootCause"`
	Explanation       redact.Text   `json:"explanation"`
	Focus             *Focus        `json:"focus"`
	Comparison        *Comparison   `json:"comparison"` // with an execution that went well; null: none was given
	Evidence          []Evidence    `json:"evidence"`   // what is cited below, and no more
	Findings          []Finding     `json:"findings"`
	Remediation       []Remedy      `json:"remediation"`
	Prevention        []redact.Text `json:"prevention"`
	Next              []redact.Text `json:"next"` // commands to run or people to ask, best first
	Timeline          []Step        `json:"timeline"`
	TimelineOmitted   int           `json:"timelineOmitted"`
	Docs              []redact.Text `json:"docs"` // pages of documentation by name
	Links             []Link        `json:"links"`
	Fingerprint       *redact.Text  `json:"fingerprint"`
	Seen              *Seen         `json:"seen"`
	Missing           []redact.Text `json:"missing"`
	Redactions        Redactions    `json:"redactions"`
	Model             *Model        `json:"model"` // null: no model was asked
	ReviewRequired    bool          `json:"reviewRequired"`

	conceal *diagnose.Concealer // of New, for what is composed of the texts above
}

// Execution is which run it was.
type Execution struct {
	ARN             *redact.Text `json:"arn"`
	Name            *redact.Text `json:"name"`
	StateMachineARN *redact.Text `json:"stateMachineArn"`
	StateMachine    *redact.Text `json:"stateMachine"` // the name at the ARN's end
	Status          *redact.Text `json:"status"`
	Start           *time.Time   `json:"start"`
	Stop            *time.Time   `json:"stop"`
}

// Failure is one failure in the execution.
type Failure struct {
	State        *redact.Text  `json:"state"`
	Path         []redact.Text `json:"path"` // enclosing states from the outside, iterations as "[3]"
	EnteredEvent *int64        `json:"enteredEvent"`
	FailedEvent  *int64        `json:"failedEvent"`
	Attempts     *int          `json:"attempts"`
	Error        *redact.Text  `json:"error"`
	Cause        *redact.Text  `json:"cause"`
	Resource     *redact.Text  `json:"resource"`
	Input        *redact.Text  `json:"input"` // JSON text, at most 4 KiB around the failing path
	At           *time.Time    `json:"at"`
	EndedAt      *redact.Text  `json:"endedAt"`   // where a caught failure was taken
	Outcome      *redact.Text  `json:"outcome"`   // ended, caught, retried, tolerated, beside or redriven
	NestedARN    *redact.Text  `json:"nestedArn"` // the execution that the state started, and that failed
	Within       *Failure      `json:"within"`    // what failed in that execution or Map run, where its history was given
}

// Focus is the place of the definition to look at, and the recorded input there.
type Focus struct {
	File         *redact.Text `json:"file"`
	Line         int          `json:"line"`   // from 1
	Column       int          `json:"column"` // in characters, from 1
	Label        redact.Text  `json:"label"`
	Lines        []Line       `json:"lines"`
	Caret        Caret        `json:"caret"`
	InputPointer *redact.Text `json:"inputPointer"`
	InputEvent   *int64       `json:"inputEvent"`
}

// Line is one line of the definition.
type Line struct {
	Number int         `json:"number"`
	Text   redact.Text `json:"text"`
}

// Caret underlines part of a line: columns in characters from 1, the end excluded.
type Caret struct {
	Line  int `json:"line"`
	Start int `json:"start"`
	End   int `json:"end"`
}

// Comparison is how the input of what failed differs from that of an execution
// that went well.
type Comparison struct {
	Execution   *redact.Text `json:"execution"`
	State       *redact.Text `json:"state"` // whose inputs; null: the executions' own
	Differences []Difference `json:"differences"`
	Count       int          `json:"count"`
}

// Difference is a place in which two inputs differ. Its values are shown with
// their names, as names tell what has to be concealed.
type Difference struct {
	Pointer redact.Text  `json:"pointer"`
	Was     *redact.Text `json:"was"` // null: absent
	Now     *redact.Text `json:"now"`
}

// Evidence is what a finding or a claim cites.
type Evidence struct {
	ID      redact.Text  `json:"id"`
	Source  redact.Text  `json:"source"`
	Pointer *redact.Text `json:"pointer"`
	Event   *int64       `json:"event"`
	Quote   redact.Text  `json:"quote"`
}

// Finding is what a rule or, as a hypothesis, a model says.
type Finding struct {
	Rule         redact.Text   `json:"rule"` // "model" for a model's
	Title        redact.Text   `json:"title"`
	Category     *redact.Text  `json:"category"`
	Confidence   redact.Text   `json:"confidence"`
	Contributing bool          `json:"contributing"`
	Cites        []redact.Text `json:"cites"`
}

// Remedy is one way to mend it.
type Remedy struct {
	Title        redact.Text   `json:"title"`
	Steps        []redact.Text `json:"steps"`
	Patch        []Operation   `json:"patch"`            // RFC 6902, of the definition; null: none that may leave
	Diff         *redact.Text  `json:"diff"`             // unified
	DiffOf       *redact.Text  `json:"diffOf,omitempty"` // "order.yaml as JSON": what patch and diff are of, where people wrote another form; nil: what they wrote
	LocalOnly    bool          `json:"localOnly"`        // touches a concealed place: apply it with verify --remedy
	ByModel      bool          `json:"byModel"`
	Verification *Verification `json:"verification"`
}

// Verification tells whether a remedy was run.
type Verification struct {
	Status redact.Text `json:"status"`
	How    redact.Text `json:"how"`
}

// Step is one state of the timeline.
type Step struct {
	State      redact.Text `json:"state"`
	Event      int64       `json:"event"`
	At         *time.Time  `json:"at"`
	Millis     *int64      `json:"durationMs"`
	Outcome    redact.Text `json:"outcome"` // succeeded, failed, open, or what became of a failure
	Iterations int         `json:"times"`   // consecutive visits shown as one
}

// Link is a page of the AWS console.
type Link struct {
	Title redact.Text `json:"title"`
	URL   redact.Text `json:"url"`
}

// Seen tells how often this fingerprint was met.
type Seen struct {
	Count int        `json:"count"`
	Since *time.Time `json:"since"`
}

// Redactions tells what was concealed in the document, each value counted once.
type Redactions struct {
	Count int                 `json:"count"`
	Kinds map[redact.Text]int `json:"kinds"`
}

// Model tells what a model was asked, what it cost and what checking left of its answer.
type Model struct {
	ID           *redact.Text  `json:"id"`
	InputTokens  int           `json:"inputTokens"`
	OutputTokens int           `json:"outputTokens"`
	CostUSD      float64       `json:"costUSD"`   // 0 where the price is not known
	CostKnown    bool          `json:"costKnown"` // tells a free answer from an unknown price
	LatencyMs    int64         `json:"latencyMs"`
	Cached       bool          `json:"cached"` // the answer was given before, for an equal failure
	Passes       int           `json:"passes"` // 2: the first answer had to be corrected
	Kept         int           `json:"kept"`
	Demoted      int           `json:"demoted"`
	Dropped      int           `json:"dropped"`
	Claims       []Claim       `json:"claims"` // kept and demoted ones; dropped ones are only counted
	Cut          []redact.Text `json:"cut"`    // what did not fit the prompt
	Leads        bool          `json:"leads"`  // root cause and explanation are the model's
	Error        *ModelError   `json:"error"`
}

// Claim is one sentence of a model's after checking.
type Claim struct {
	Text     redact.Text   `json:"text"`
	Standing redact.Text   `json:"standing"`
	Cites    []redact.Text `json:"cites"`
	Reason   redact.Text   `json:"reason"`
}

// ModelError tells why there is no answer of a model.
type ModelError struct {
	Kind   redact.Text `json:"kind"`
	Reason redact.Text `json:"reason"`
	Mend   redact.Text `json:"mend"`
}

// Retryable is true, false or "depends" in JSON.
type Retryable struct{ answer diagnose.Retryable }

// Is reports whether the answer is a.
func (r Retryable) Is(a diagnose.Retryable) bool { return r.answer == a }

// MarshalJSON returns true, false or "depends".
func (r Retryable) MarshalJSON() ([]byte, error) {
	switch r.answer {
	case diagnose.Yes, diagnose.No:
		return []byte(r.answer), nil
	}
	return json.Marshal(string(diagnose.Depends))
}
