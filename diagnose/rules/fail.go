package rules

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// Aborted sees an execution that was stopped.
var Aborted = &diagnose.Rule{
	Name:  "aborted",
	Doc:   "Somebody or something stopped the execution; nothing failed by itself.",
	Check: one(aborted),
}

func aborted(f *facts) *diagnose.Finding {
	if f.errorIs("Stepsleuth.Unsupported") {
		return gaveUp(f)
	}
	nested := f.nested != nil && f.nested.Get("Status") == "ABORTED"
	if !f.sub.Aborted && !nested && !(f.c.Execution != nil && f.c.Execution.Status == "ABORTED") && !f.errorIs("States.Aborted", "ExecutionAborted") && !(f.nested == nil && saysAborted.MatchString(f.err)) {
		return nil
	}
	d := f.finding(diagnose.AbortedByHand, diagnose.Certain, diagnose.No)
	if nested {
		d.Also = []diagnose.Category{diagnose.NestedExecutionFailed}
	}
	what := "The execution"
	if nested {
		what = upper(f.child())
	}
	at := ""
	if f.stateName() != "" && !nested {
		at = fmt.Sprintf(" while it was in %s", f.ofState())
	}
	d.Title = what + " was stopped (aborted)"
	d.RootCause = fmt.Sprintf("%s was stopped from outside with StopExecution%s; nothing failed by itself.", what, at)
	if said := quoted(f.stopReason()); said != "" && !saysAborted.MatchString(f.err) {
		d.RootCause = fmt.Sprintf("%s was stopped from outside with StopExecution%s, with the reason %s; nothing failed by itself.", what, at, said)
	}
	d.Explanation = "StopExecution is called by a person in the console or the CLI, by a script or pipeline, by a parent execution that was itself stopped or timed out, or by a Distributed Map that is over its failure threshold."
	d.Remedies = []diagnose.Remedy{
		{Title: "Ask who stopped it", Steps: []string{"aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=StopExecution   (userIdentity tells who, sourceIPAddress from where)"}},
		{Title: "Go on from where it stopped", Steps: []string{"A Standard execution can be redriven for 14 days: aws stepfunctions redrive-execution --execution-arn ARN"}},
	}
	d.Prevention = []string{"Give --error and --cause when you stop an execution, so that the next reader knows why."}
	d.Docs = []string{"StopExecution API reference", "Restarting state machine executions with redrive in Step Functions"}
	return d
}

// gaveUp sees an execution that ran on this machine, and that our engine, not AWS, could
// take no further.
func gaveUp(f *facts) *diagnose.Finding {
	d := f.finding(diagnose.Configuration, diagnose.Certain, diagnose.No)
	d.Title = "stepsleuth could not run this any further"
	d.RootCause = fmt.Sprintf("stepsleuth, which ran this execution in the place of AWS, could not go on in %s%s.", f.ofState(),
		saying(strings.TrimPrefix(f.msg, fmt.Sprintf("state %q: ", f.stateName()))))
	d.Explanation = "Neither the workflow nor a person ended it, and no Catch sees it; on AWS it may well go on from there."
	d.Focus = f.focusField("it could not go on here", "Resource", "ItemReader")
	d.Remedies = []diagnose.Remedy{{Title: "Say how the task behaves here", Steps: []string{
		"Name its resource in the file of --functions, with what it answers: JSON, or an error.",
	}}}
	return d
}

// saysAborted is a status in the place of an error name: an aborted execution has none of its own.
var saysAborted = lazyregexp.New(`\bABORTED\b`)

// stopReason is the reason given with StopExecution.
func (f *facts) stopReason() string {
	if f.err == "" && f.msg == "" {
		return ""
	}
	return strings.TrimSpace(f.err + " " + f.msg)
}

// ExplicitFail sees the author's own Fail state.
var ExplicitFail = &diagnose.Rule{
	Name:  "explicit-fail",
	Doc:   "The author's own Fail state ended the execution, by the workflow's logic.",
	Check: one(explicitFail),
}

// ownFail reports that the failing state is a Fail.
func (f *facts) ownFail() bool {
	return f.nested == nil && f.stateType() == asl.Fail && !f.stepFunctionsRuntime()
}

func (f *facts) stepFunctionsRuntime() bool {
	return f.err == "States.Runtime" || f.err == "States.QueryEvaluationError" || f.err == "States.IntrinsicFailure"
}

func explicitFail(f *facts) *diagnose.Finding {
	confidence := diagnose.Certain
	name := f.here()
	error, cause := f.err, f.msg
	switch {
	case f.sub.Aborted || f.sub.TimedOut || f.phase == diagnose.Create || f.phase == diagnose.API:
		return nil
	case f.ownFail():
		if f.c.Execution == nil {
			confidence = diagnose.Likely // the way that led there is not known: it may have been a catcher's
		}
	case f.nested == nil && failInside(f) != nil:
		s := failInside(f)
		name = "the Fail state " + named(s.Name)
		confidence = diagnose.Certain
	case f.sub.Error == nil && f.sub.Cause == nil && f.stateType() == "" && f.stateName() != "":
		confidence = diagnose.Likely // only a Fail without fields leaves neither
	case f.looksLikeFail():
		confidence = diagnose.Hypothesis
	default:
		return nil
	}
	d := f.finding(diagnose.ExplicitFailState, confidence, diagnose.No)
	label := "without an error name"
	if error != "" {
		label = "with the error " + named(error)
	}
	d.Title = fmt.Sprintf("The workflow ended itself in a Fail state %s", label)
	d.RootCause = fmt.Sprintf("%s is a Fail state: the definition itself ends the execution there, %s%s.", upper(name), label, saying(cause))
	if strings.HasPrefix(name, "the Fail state ") {
		d.RootCause = fmt.Sprintf("%s, inside %s, ended the execution: the definition itself does that, %s%s.", upper(name), f.ofState(), label, saying(cause))
	}
	if confidence == diagnose.Hypothesis {
		d.RootCause = fmt.Sprintf("The execution ended %s, which is a name of the workflow's or its code's own: a Fail state by design, as it seems%s.", label, saying(cause))
	}
	d.Explanation = "Nothing broke in that state; the question is which way led there: a Choice that took this turn by its data, or an earlier step whose failure was handled. The history shows the states before it, with their inputs."
	before, turn := f.cameFrom()
	if turn != "" {
		d.Explanation = "Nothing broke in that state. " + turn
	}
	handled := f.handledBefore()
	if handled != nil {
		d.Explanation += " " + caughtOnTheWay(handled, before)
		d.Cites = uniq(append(d.Cites, fmt.Sprintf("E%d", handled.FailedEvent)))
	}
	if iterates(f) {
		d.Explanation += " It stands inside a Map or Parallel (an iteration or branch), so its error became that of the whole state; look at the failed iteration's own history for the underlying, earlier failure."
		d.Also = []diagnose.Category{diagnose.BranchFailed}
	}
	if sums.MatchString(cause) {
		d.Retryable = diagnose.Depends
		d.Explanation += " Its words only sum up that something else failed before it: the underlying errors are in that earlier work (items, files, iterations)."
	}
	d.Focus = f.focusField("the definition ends the execution here", "Error", "Cause", "Type")
	look := fmt.Sprintf("In the history, look at the state entered just before %s and at its input: the value that a Choice compared, or the Error and Cause that a catcher put there.", name)
	if before != "" {
		look = fmt.Sprintf("In the history, look at the input of %s: the value that a Choice compared, or the Error and Cause that a catcher put there.", named(before))
	}
	d.Remedies = []diagnose.Remedy{{Title: "See which decision led there", Steps: []string{
		look,
		"If that decision was right, the data has to change (or nothing has to); if it was wrong, correct the Choice rule.",
	}}}
	if handled != nil {
		d.Remedies = append([]diagnose.Remedy{{Title: "Mend what failed before that", Steps: []string{
			fmt.Sprintf("Look at the failure of the state %s (event %d): its error, cause and input are in the history. Where a catcher's clean-up ends in a Fail, that failure is why.", named(handled.State), handled.FailedEvent),
			`Keep the error for the Fail: "ResultPath": "$.error" in the catcher and in the states behind it, and "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause" in the Fail.`,
		}}}, d.Remedies...)
	}
	d.Prevention = []string{"Let Fail say what was found: CausePath (JSONata: Cause) with States.Format, in place of a fixed sentence."}
	d.Docs = []string{"Fail workflow state"}
	return d
}

// handledBefore is the last failure before the failing state that a catcher took; nil none.
func (f *facts) handledBefore() *diagnose.Failure {
	for i := len(f.c.Others) - 1; i >= 0; i-- {
		o := &f.c.Others[i]
		if o.Outcome == diagnose.Caught && o.State != "" && 0 < o.FailedEvent && o.FailedEvent < f.sub.EnteredEvent && f.c.Origin == nil && f.nested == nil {
			return o
		}
	}
	return nil
}

// caughtOnTheWay tells of a handled failure; before is the state that led to the Fail.
func caughtOnTheWay(o *diagnose.Failure, before string) string {
	cause := diagnose.ReadCause(o.Error, o.Cause).Root()
	way := ", which a catcher took"
	if before != "" && o.EndedAt == before {
		way = ", and its catcher led to " + named(before)
	}
	return fmt.Sprintf("Earlier the state %s failed with %s (event %d)%s%s.", named(o.State), named(or(cause.Error, "an error without a name")), o.FailedEvent, way, saying(cause.Message))
}

// sums are words of a Fail that speak of other failures.
var sums = lazyregexp.New(`(?i)\b(?:one or more|some|several|all|any|\d+)\b.{0,40}\bfail|\bfailed (?:items|files|records|tasks|jobs|steps)\b|\b(?:job|task|build|query|query execution|pipeline|deployment|transcription|import|export) (?:has )?failed\b`)

func iterates(f *facts) bool {
	if len(f.sub.Path) > 0 || inMap(f.state) {
		return true
	}
	s := f.outerState()
	return s != nil && (s.Type == asl.Parallel || s.Type == asl.Map)
}

// failInside is the Fail state inside the failing Parallel or Map whose literal error is the one that came.
func failInside(f *facts) *asl.State {
	s := f.state
	if s == nil || s.Type != asl.Parallel && s.Type != asl.Map {
		return nil
	}
	machines := append([]*asl.Machine(nil), s.Branch...)
	if s.Map != nil && s.Map.Processor != nil {
		machines = append(machines, s.Map.Processor)
	}
	for _, m := range machines {
		for _, inner := range m.States {
			if inner.Type == asl.Fail && inner.Fail != nil && inner.Fail.Error != nil && inner.Fail.Error.Text != nil && *inner.Fail.Error.Text == f.err && f.err != "" {
				return inner
			}
		}
	}
	return nil
}

// looksLikeFail is the guess for an error and cause alone: a name of one's own and plain words.
func (f *facts) looksLikeFail() bool {
	if f.stateType() != "" || f.task.known || f.err == "" || strings.Contains(f.err, ".") || f.nested != nil {
		return false
	}
	return (f.root.Shape == diagnose.PlainCause || f.root.Shape == diagnose.EmptyCause) && !strings.HasSuffix(f.err, "Exception") && signalOf(f.root).category == ""
}
