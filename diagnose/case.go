// Package diagnose finds out why an execution failed: it locates the failing
// state in a history, collects evidence, asks the rules, and, where there is one,
// a model whose every claim it checks.
//
// It works on any history.Execution, knows no engine and no vendor, and what it
// makes is raw: only package report turns a Diagnosis into something that may
// leave the process.
package diagnose

import (
	"context"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
)

// Phase tells when it failed.
type Phase string

// The phases: running, or refused at create, update or start, or by another API call.
const (
	Run    Phase = "run"
	Create Phase = "create"
	API    Phase = "api"
)

// Case is all that is known of one failed (or quietly failing) execution. Each
// member but Phase may be missing: nil, zero or empty.
type Case struct {
	Phase      Phase
	Machine    *asl.Machine       // the definition that ran
	State      *asl.State         // the failing state: of Machine, or given alone
	Execution  *history.Execution // its history
	Failure    *Failure           // what ended the execution; nil where it did not fail
	Origin     *Failure           // an earlier, caught failure that led to Failure
	Others     []Failure          // failures inside that did not end the execution: first 20
	OtherCount int                // all of them, also those beyond the first 20
	Evidence   []Evidence
	Missing    []string    // what could not be had, and how to get it
	Comparison *Comparison // with an execution that went well; nil: none was given

	// HandlerFailed says that Failure is one of its own, in what was to handle
	// Origin: it is what to mend first, and both belong in the verdict.
	HandlerFailed bool

	shared *shared // while Judge asks its rules
}

// Subject is the failure that category and root cause describe: the origin where
// there is one that was only passed on, else the failure itself; nil where
// nothing failed.
func (c *Case) Subject() *Failure {
	if c.Origin != nil && !c.HandlerFailed {
		return c.Origin
	}
	return c.Failure
}

// Failure is one failure in an execution.
type Failure struct {
	State        string          // innermost state in which it began; "" where the execution failed before any
	Path         []string        // enclosing states from the outside, iterations as "[3]", without State itself
	StateType    string          // "Task", "Map" …, "" where unknown
	EnteredEvent int64           // its StateEntered (of this iteration); 0 unknown
	FailedEvent  int64           // the event that tells the failure; 0 unknown
	Attempts     int             // how often the work was tried, from 1; 0 where nothing was tried or it is unknown
	Error, Cause *string         // absent (nil) is not empty
	Resource     string          // as recorded or defined: "arn:aws:states:::lambda:invoke"
	Input        history.Payload // of the state
	Parameters   history.Payload // what the task was given, where recorded
	At           time.Time
	EndedAt      string // state or phase in which a caught failure was taken: the catcher's target; "" else
	Aborted      bool   // stopped from outside
	TimedOut     bool   // the machine's own TimeoutSeconds
	Heartbeat    bool   // a heartbeat was set, and a time-out recorded

	Outcome   Outcome  // what became of it
	Rebuilt   bool     // Input is not recorded there, but what the event before it says
	MapRunARN string   // the Map run that failed
	Nested    *Nested  // the execution that the state started, and that failed
	Within    *Failure // what failed in that execution or Map run, where its history was given
}

// Outcome is what became of a failure.
type Outcome string

// The outcomes; "" where the history does not tell.
const (
	Ended     Outcome = "ended"     // the execution, or it was running when that was ended
	Caught    Outcome = "caught"    // by the state's catcher, or that of a Map or Parallel around it
	Retried   Outcome = "retried"   // and then succeeded, or failed anew
	Tolerated Outcome = "tolerated" // by its Map
	Beside    Outcome = "beside"    // in another branch or iteration of what had failed anyway
	Redriven  Outcome = "redriven"  // it ended the execution, which was redriven
)

// Nested is a failed execution as the cause of the state that started it tells it.
type Nested struct {
	ARN             string
	StateMachineARN string
	Status          string
	Error, Cause    *string
}

// Evidence is something that can be cited: raw text and where it stands.
type Evidence struct {
	ID      string // "E7" is event 7; "D1", "I1", "L1" … count definition, input, log
	Source  Source
	Pointer string // JSON pointer in the definition or input
	Event   int64  // event id, 0 none
	At      time.Time
	Text    string
}

// Source is the kind of place where evidence stands.
type Source string

// The sources of evidence.
const (
	FromHistory    Source = "history"
	FromDefinition Source = "definition"
	FromInput      Source = "input"
	FromLog        Source = "log"
	FromConfig     Source = "config"
	FromPolicy     Source = "policy"
)

// Collector fetches further evidence: log lines, configurations, policies. What
// it cannot have it says in an error, which ends up in Missing. It heeds ctx.
type Collector interface {
	Collect(ctx context.Context, c *Case) ([]Evidence, error)
}
