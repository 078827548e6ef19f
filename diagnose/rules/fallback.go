package rules

import (
	"fmt"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
)

// BranchFailed sees a Parallel or Map of which only the failure is known.
var BranchFailed = &diagnose.Rule{
	Name:  "branch-failed",
	Doc:   "Only the failure of a Parallel branch or Map iteration is known, not what failed in it.",
	Check: one(branchFailed),
}

func branchFailed(f *facts) *diagnose.Finding {
	t := f.stateType()
	if !f.errorIs("States.BranchFailed") && !((t == asl.Parallel || t == asl.Map) && f.err == "" && f.msg == "" && !f.sub.Aborted && !f.sub.TimedOut) {
		return nil
	}
	d := f.finding(diagnose.BranchFailed, diagnose.Likely, diagnose.Depends)
	d.Title = "A branch or iteration failed; what failed in it is not known"
	d.RootCause = fmt.Sprintf("A branch or iteration of %s failed, and what was recorded does not say with which error.", f.ofState())
	d.Explanation = "One failed branch ends a Parallel, and stops the others, which then show as aborted: the first failure in the order of time is the cause."
	d.Remedies = []diagnose.Remedy{{Title: "Find the first failure inside", Steps: []string{"In the execution history, look for the first event whose type ends in Failed or TimedOut, inside that Parallel or Map."}}}
	d.Prevention = []string{"Catch inside the branches where one may fail without ending the others."}
	d.Docs = []string{"Parallel workflow state", "Map workflow state"}
	return d
}

// Unknown says honestly that nothing is known.
var Unknown = &diagnose.Rule{
	Name:  "unknown",
	Doc:   "Nothing more is known of the failure than its words, or not even those.",
	Check: one(unknown),
}

func unknown(f *facts) *diagnose.Finding {
	if f.phase == "" && f.err == "" && f.msg == "" && f.stateName() == "" && f.c.Failure == nil {
		return nil
	}
	d := f.finding(diagnose.Other, diagnose.Hypothesis, diagnose.Depends)
	d.Title = "No rule knows this failure"
	name := or(f.err, f.root.Type)
	switch {
	case name == "" && f.msg == "":
		d.RootCause = fmt.Sprintf("%s failed without an error and a cause, so that nothing can be said from the record alone.", upper(f.here()))
	case name == "":
		d.RootCause = fmt.Sprintf("%s failed%s; that is all that was recorded.", upper(f.here()), saying(f.msg))
	default:
		d.RootCause = fmt.Sprintf("%s failed with %s%s; no rule knows more about it.", upper(f.here()), named(name), saying(f.msg))
	}
	d.Explanation = "The error name and cause were set by the called code or service, and say no more than that."
	steps := []string{"Read the log of the called work at the time of the failure (" + f.logPlace() + ").", "Look at the state's input and parameters in the history, and at the same state in an execution that went well."}
	d.Remedies = []diagnose.Remedy{{Title: "Look where it happened", Steps: steps}}
	d.Prevention = []string{"Let whoever reports the failure give an error name and a cause that say what was wrong."}
	d.Docs = []string{"Handling errors in Step Functions workflows", "Troubleshooting issues in Step Functions"}
	return d
}
