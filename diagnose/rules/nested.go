package rules

import (
	"fmt"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// NestedFailed sees a started execution that failed.
var NestedFailed = &diagnose.Rule{
	Name:  "nested-failed",
	Doc:   "A nested execution failed; its own error and cause are inside the parent's.",
	Check: one(nestedFailed),
}

var relayedText = lazyregexp.New(`(?i)(?:state ?machine|step function|execution|workflow)s?\b[^.]{0,160}\b(?:has status:? ?|status (?:is|was|of)?:? ?|ended (?:with|in|as)|finished (?:with|as)|returned|did not succeed|completed with)\W*(?:FAILED|TIMED_OUT|ABORTED|failure|failed)|(?:state ?machine|step function|execution|workflow)\b[^.]{0,80}\b(?:FAILED\b|has failed|failed with|execution failed)`)

var accountID = lazyregexp.New(`\b(\d{12})\b`)

// relayedExecution reports that code says that an execution it started failed.
func relayedExecution(f *facts) bool {
	return f.nested == nil && f.lambda() && relayedText.MatchString(f.msg) && f.root.Service == "" && f.root.Action == ""
}

// retryNested says whether starting the child again can help, by what failed in it.
func (f *facts) retryNested() diagnose.Retryable {
	if f.stepFunctionsRuntime() || f.nested.Get("Status") == "ABORTED" {
		return diagnose.No
	}
	switch s := signalOf(f.root); s.category {
	case "":
	case diagnose.Throttling, diagnose.ServiceError, diagnose.Concurrency:
		return diagnose.Yes
	case diagnose.Network, diagnose.Quota:
		return diagnose.Depends
	default:
		return diagnose.No
	}
	if f.lambda() {
		r, _ := ofException(or(f.root.Type, f.err), f.msg)
		return r
	}
	return diagnose.Depends
}

func nestedFailed(f *facts) *diagnose.Finding {
	relay := relayedExecution(f)
	if f.nested == nil && !relay {
		return nil
	}
	d := f.finding(diagnose.NestedExecutionFailed, diagnose.Certain, diagnose.Depends)
	if relay {
		account := ""
		if m := accountID.FindString(f.msg); m != "" {
			account = " in the account " + m
		}
		d.Confidence = diagnose.Likely
		d.Also = []diagnose.Category{diagnose.LambdaUnhandled}
		d.Title = "The code reports that another execution failed"
		d.RootCause = fmt.Sprintf("The code of %s only relays that the execution of another state machine%s failed%s; the cause is in that execution.", f.functionOr(), account, saying(f.msg))
		d.Explanation = "The function started or watched another execution and raised when that failed, without passing its error and cause on."
		d.Remedies = []diagnose.Remedy{{Title: "Diagnose that execution", Steps: []string{
			"List the failed executions of that state machine" + account + ": aws stepfunctions list-executions --state-machine-arn ARN --status-filter FAILED --max-items 5",
			"Then: aws stepfunctions describe-execution --execution-arn ARN, and diagnose it by its ARN.",
		}}}
		d.Prevention = []string{"Let the function put the child's execution ARN, error and cause into what it raises; or start it with states:startExecution.sync:2 in place of code."}
		d.Docs = []string{"Start workflow executions from a task state in Step Functions"}
		return d
	}
	machine, execution := childNames(f.nested)
	if machine == "" && execution == "" {
		machine = "a nested state machine"
	}
	error := or(f.root.Error, "an error without a name")
	d.Title = fmt.Sprintf("The nested execution of %s failed with %s", machine, named(error))
	d.RootCause = fmt.Sprintf("%s only passes on that %s failed with %s%s.", upper(f.here()), f.child(), named(error), saying(f.msg))
	d.Explanation = "What has to change is in the child: its own error and cause are what the parent quotes here, and its own history has the state that failed."
	if in := f.sub.Within; in != nil && in.State != "" {
		d.Explanation += fmt.Sprintf(" By its history it failed in the state %s.", named(in.State))
	}
	arn := f.nested.Get("ExecutionArn")
	if !looksLikeName(arn) {
		arn = "CHILD_EXECUTION_ARN"
	}
	redriven := "CHILD_EXECUTION_ARN"
	if f.task.service == "states" || f.task.service == "sfn" {
		redriven = arn // Step Functions started it itself, and wrote this cause
	}
	d.Focus = f.focusField("the execution started here failed", "Resource", "Parameters")
	d.Remedies = []diagnose.Remedy{{Title: "Diagnose the child execution", Steps: []string{
		"aws stepfunctions get-execution-history --execution-arn " + arn + " --reverse-order --max-items 20",
		"Mend the child and redrive it (aws stepfunctions redrive-execution --execution-arn " + redriven + "), then redrive the parent, which otherwise starts a new one.",
	}}}
	d.Remedies = append(d.Remedies, f.catchRemedy()...)
	d.Prevention = []string{"Give the child a name that shows its parent (\"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$\": \"$$.Execution.Id\" in its Input links both in the console).", "The error name of the parent is States.TaskFailed whatever happened in the child: decide on the child's Error, in a Catch and a Choice, not on the name."}
	d.Docs = []string{"Start workflow executions from a task state in Step Functions", "Restarting state machine executions with redrive in Step Functions"}
	d.Retryable = f.retryNested()
	return d
}
