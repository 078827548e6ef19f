package rules

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
)

// HeartbeatMissed sees a heartbeat that did not come.
var HeartbeatMissed = &diagnose.Rule{
	Name:  "heartbeat-missed",
	Doc:   "A heartbeat was set for the task and none came in time.",
	Check: one(heartbeatMissed),
}

func (f *facts) timedOut() bool {
	return f.errorIs("States.Timeout", "States.HeartbeatTimeout") && f.nested == nil && f.root.Shape != diagnose.LambdaCause && !f.ownFail()
}

func seconds(a *asl.Amount) string {
	switch {
	case a == nil:
		return ""
	case a.Number != nil:
		return fmt.Sprintf("%g", *a.Number)
	case a.Path != nil:
		return a.Path.Text
	case a.Expr != nil:
		return a.Expr.Text
	}
	return a.Text
}

func (f *facts) limits() (timeout, heartbeat string) {
	if s := f.outerState(); s != nil && s.Task != nil {
		return seconds(s.Task.Timeout), seconds(s.Task.Heartbeat)
	}
	return "", ""
}

func heartbeatMissed(f *facts) *diagnose.Finding {
	limit, beat := f.limits()
	byName := f.errorIs("States.HeartbeatTimeout") && f.nested == nil
	if !byName && !(f.timedOut() && (f.sub.Heartbeat || beat != "" && shorter(f))) {
		return nil
	}
	confidence := diagnose.Likely
	if byName || f.sub.Heartbeat {
		confidence = diagnose.Certain
	}
	d := f.finding(diagnose.Heartbeat, confidence, diagnose.Depends)
	d.Also = []diagnose.Category{diagnose.Timeout}
	within := ""
	if beat != "" {
		within = fmt.Sprintf(" within HeartbeatSeconds (%s)", beat)
	}
	d.Title = "No heartbeat came" + within
	d.RootCause = fmt.Sprintf("Whoever works on %s did not send a heartbeat%s, so Step Functions gave the task up.", f.ofState(), within)
	gone, clock := "died or never took the task", "the start of the task, the time in a queue included"
	if f.task.service == "activity" {
		gone, clock = "died", takenFrom
	}
	d.Explanation = fmt.Sprintf("The worker %s, its work has a part longer than the heartbeat without a call of SendTaskHeartbeat in it, or it sends heartbeats with another token. Without any heartbeat at all the clock runs from %s. AWS records this as States.Timeout as well.", gone, clock)
	if limit != "" {
		d.Explanation += fmt.Sprintf(" TimeoutSeconds (%s) was not what ended it.", limit)
	}
	d.Focus = f.focusField("no heartbeat within this time", "HeartbeatSeconds", "HeartbeatSecondsPath", "Resource")
	d.Remedies = []diagnose.Remedy{
		{Title: "See whether the worker took the task at all", Steps: []string{"Look in the worker's log for this execution: did it get the task token, and where did it stop? For a queue, look at ApproximateAgeOfOldestMessage and the dead-letter queue."}},
		{Title: "Send heartbeats more often than the limit", Steps: []string{"Call SendTaskHeartbeat from a timer at a third of HeartbeatSeconds, beside the work: aws stepfunctions send-task-heartbeat --task-token TOKEN; and stop working when it answers TaskTimedOut."}},
		f.retryTimeout(),
	}
	d.Prevention = []string{"HeartbeatSeconds at three times the interval in which the worker reports, and TimeoutSeconds for the whole."}
	d.Docs = []string{"Wait for a Callback with Task Token", "SendTaskHeartbeat API reference"}
	return d
}

// takenFrom is where the clocks of an activity begin (Developer Guide, "Task").
const takenFrom = "when a worker took the task (ActivityStarted)"

// shorter reports that the heartbeat ends before the time-out, or that there is no time-out.
func shorter(f *facts) bool {
	s := f.outerState()
	if s == nil || s.Task == nil || s.Task.Heartbeat == nil {
		return false
	}
	t, h := s.Task.Timeout, s.Task.Heartbeat
	return t == nil || t.Number == nil || h.Number == nil || *h.Number < *t.Number
}

func (f *facts) retryTimeout() diagnose.Remedy {
	entry := `{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 10, "MaxAttempts": 2, "BackoffRate": 2}`
	r := diagnose.Remedy{Title: "Try again, if the work may be done twice", Steps: []string{"Give the state a Retry: " + entry}}
	if f.state != nil && !f.retried() {
		r.Edits = f.addEntry("Retry", entry)
	}
	return r
}

// TaskTimeout sees TimeoutSeconds of a state that ran out.
var TaskTimeout = &diagnose.Rule{
	Name:  "task-timeout",
	Doc:   "TimeoutSeconds of a task ran out before it had a result.",
	Check: one(taskTimeout),
}

func taskTimeout(f *facts) *diagnose.Finding {
	if !f.timedOut() || f.errorIs("States.HeartbeatTimeout") || f.sub.TimedOut || f.machineTimeout() {
		return nil
	}
	limit, beat := f.limits()
	confidence := diagnose.Certain
	if f.sub.Heartbeat || beat != "" {
		confidence = diagnose.Hypothesis
		if !f.sub.Heartbeat && !shorter(f) {
			confidence = diagnose.Likely
		}
	} else if f.stateName() == "" && f.state == nil {
		confidence = diagnose.Likely
	}
	d := f.finding(diagnose.Timeout, confidence, diagnose.Depends)
	after := "its time limit (TimeoutSeconds)"
	if inner := innerLimit(f); limit == "" && inner != "" {
		limit = inner
	}
	if limit != "" {
		after = fmt.Sprintf("TimeoutSeconds (%s s%s)", limit, inMinutes(limit))
	}
	d.Title = "The task ran longer than " + after
	d.RootCause = fmt.Sprintf("%s had no result when %s ran out%s.", upper(f.here()), after, f.waitedFor())
	clock := "the start of the attempt, queueing included"
	if f.task.service == "activity" {
		clock = takenFrom
	}
	d.Explanation = "The time counts from " + clock + ". A longer limit helps only where the work is known to end: work that hangs, loops or waits for an answer that never comes runs into any limit; the log of the worker shows which it is. Only the task was given up: what it started may still be running."
	switch {
	case f.keepsToken():
		d.Retryable = diagnose.No
		d.Also = []diagnose.Category{diagnose.CallbackFailure, diagnose.DefinitionInvalid}
		d.RootCause = fmt.Sprintf("%s waits for a callback (waitForTaskToken), but its parameters never hand out its task token ($$.Task.Token), so that nobody can answer before %s runs out.", upper(f.here()), after)
		d.Explanation = "A .waitForTaskToken task ends only by SendTaskSuccess or SendTaskFailure with its token; whoever is called has to be given it. " + d.Explanation
	case f.task.callback():
		d.Also = []diagnose.Category{diagnose.CallbackFailure}
		d.Explanation = "The task waits for a callback, and nobody reported a result with its task token in time: the request was lost, the consumer failed before it answered, or a person did not decide. " + d.Explanation
	case f.task.service == "lambda":
		d.Also = []diagnose.Category{diagnose.LambdaResourceExhausted}
		d.Explanation += " The function's own timeout (15 minutes at most) is another setting: it has to be below TimeoutSeconds for the function to say by itself what happened."
	case f.task.sync():
		d.Explanation += fmt.Sprintf(" With .sync, Step Functions learns the end of %s from an event or by asking: a role without %s cannot see that it is done, and waits until the time-out.", jobOf(f.task.service).noun, list(jobOf(f.task.service).actions))
		d.Also = []diagnose.Category{diagnose.Permission}
		if d.Confidence == diagnose.Certain {
			d.Confidence = diagnose.Likely
		}
	}
	d.Focus = f.focusField("ran out", "TimeoutSeconds", "TimeoutSecondsPath", "Resource")
	d.Remedies = []diagnose.Remedy{
		{Title: "Find out what it was doing", Steps: []string{
			"Read the log of the called work at the end of that time (" + f.logPlace() + "): did it begin, does it progress, is it stuck, is it waiting in a queue?",
		}},
		{Title: "Set the limit to what the work may take", Steps: []string{
			"If it is healthy and only slow, set TimeoutSeconds above its slowest good run, and split or parallelise the work where that is too long.",
		}},
		f.retryTimeout(),
	}
	if f.keepsToken() { // no limit is long enough for an answer that cannot come
		d.Remedies = append([]diagnose.Remedy{{Title: "Hand the token out", Steps: []string{
			`Add it to what is sent, in the message body or payload: "TaskToken.$": "$$.Task.Token" (JSONata: "TaskToken": "{% $states.context.Task.Token %}").`,
			"Let the receiver answer with it: aws stepfunctions send-task-success --task-token TOKEN --task-output '{}'",
		}}}, f.catchRemedy()...)
	} else {
		f.longerLimit(d, limit)
	}
	d.Prevention = []string{"Alarm on ExecutionTime and on the work's own duration before the limit is met; let the work report what it waits for."}
	d.Docs = []string{"Task workflow state", "Using timeouts to avoid stuck Step Functions workflow executions"}
	return d
}

// keepsToken reports a task that waits for its token's return and never gives it to anybody.
func (f *facts) keepsToken() bool {
	def := f.definitionText()
	return f.task.pattern == "waitForTaskToken" && def != "" && !strings.Contains(def, "Task.Token") && !strings.Contains(def, `"$$"`) && !strings.Contains(def, `"$$.Task"`) && !strings.Contains(def, "$states.context %")
}

func innerLimit(f *facts) string {
	s := f.outerState()
	if s == nil || s.Map == nil || s.Map.Processor == nil {
		return ""
	}
	for _, inner := range s.Map.Processor.States {
		if inner.Task != nil && inner.Task.Timeout != nil {
			return seconds(inner.Task.Timeout)
		}
	}
	return ""
}

func inMinutes(s string) string {
	var n float64
	if _, err := fmt.Sscanf(s, "%g", &n); err != nil || n < 120 || int(n)%60 != 0 {
		return ""
	}
	return fmt.Sprintf(", %d minutes", int(n)/60)
}

func (f *facts) waitedFor() string {
	switch {
	case f.task.callback():
		return ": nobody answered with its task token"
	case f.task.service == "lambda":
		return ": " + f.functionOr() + " had not returned"
	case f.task.sync():
		noun := jobOf(f.task.service).noun
		if f.task.service == "codebuild" {
			noun = "the CodeBuild build"
		}
		return ": " + noun + " (" + f.task.name() + ") was not known to be done"
	case f.task.known:
		return ": " + f.task.name() + " had not answered"
	}
	return ""
}

func (f *facts) logPlace() string {
	if f.task.service == "lambda" {
		return "/aws/lambda/" + f.functionArg()
	}
	if l := jobOf(f.task.service).logs; l != "" {
		return l
	}
	return "CloudWatch Logs"
}

// machineTimeout reports that the whole execution timed out.
func (f *facts) machineTimeout() bool {
	return f.sub.TimedOut || f.c.Execution != nil && f.c.Execution.Status == "TIMED_OUT" || f.errorIs("States.Timeout") && f.says("execution timed out", "State machine timed out", "state machine execution timed out")
}

// MachineTimeout sees the state machine's own TimeoutSeconds.
var MachineTimeout = &diagnose.Rule{
	Name:  "machine-timeout",
	Doc:   "The execution as a whole ran into the state machine's TimeoutSeconds, or the five minutes of an Express workflow.",
	Check: one(machineTimedOut),
}

func machineTimedOut(f *facts) *diagnose.Finding {
	nested := f.nested != nil && f.nested.Get("Status") == "TIMED_OUT"
	if !f.machineTimeout() && !nested {
		return nil
	}
	d := f.finding(diagnose.Timeout, diagnose.Certain, diagnose.Depends)
	what, limit := "The execution", ""
	if nested {
		what = upper(f.child())
		d.Also = []diagnose.Category{diagnose.NestedExecutionFailed}
	}
	if m := f.c.Machine; m != nil && m.TimeoutSeconds != nil && !nested {
		limit = fmt.Sprintf(" (%d s)", *m.TimeoutSeconds)
	}
	if f.c.Execution != nil && f.c.Execution.Type == "EXPRESS" && limit == "" {
		limit = " (five minutes at most in an Express workflow)"
	}
	at := ""
	if f.stateName() != "" && !nested {
		at = fmt.Sprintf("; it was in %s then", f.ofState())
	}
	d.Title = what + " ran into its own time-out" + limit
	d.RootCause = fmt.Sprintf("%s took longer than the TimeoutSeconds of its state machine%s%s.", what, limit, at)
	d.Explanation = "This limit is at the top of the definition and ends the execution with the status TIMED_OUT; no Catch or Retry of a state sees it, and the record has neither error nor cause. The state it was in is where it waited longest, or just where the time ended."
	d.Remedies = []diagnose.Remedy{
		{Title: "See where the time went", Steps: []string{"Compare the times of StateEntered and StateExited in the history: one slow or hanging state, a long Wait, retries with long intervals, or many rounds of a loop."}},
		{Title: "Give single tasks limits of their own", Steps: []string{"TimeoutSeconds on each Task that can hang makes the failure catchable and names the state; the machine's TimeoutSeconds stays above their sum, retries included."}},
	}
	d.Prevention = []string{"Alarm on the metric ExecutionsTimedOut; work that takes hours belongs into a Standard workflow."}
	d.Docs = []string{"State machine structure in Amazon States Language", "Using timeouts to avoid stuck Step Functions workflow executions"}
	return d
}

// longerLimit adds what a longer limit would be, and a catcher.
func (f *facts) longerLimit(d *diagnose.Finding, limit string) {
	d.Remedies = append(d.Remedies, f.catchRemedy()...)
	if s := f.state; s != nil && s.Task != nil && s.Task.Timeout != nil && s.Task.Timeout.Number != nil {
		longer := fmt.Sprintf("%g", 2**s.Task.Timeout.Number)
		d.Remedies[1].Edits = f.setField("TimeoutSeconds", longer)
		d.Remedies[1].Steps = append(d.Remedies[1].Steps, "The edit doubles it, to "+longer+" s; take the number that your slowest good run asks for.")
	}
	if limit == "" && f.state == nil {
		d.Remedies[1].Steps = append(d.Remedies[1].Steps, "Without TimeoutSeconds a task has 99,999,999 seconds: the limit that fired is written in the definition, or is the state machine's.")
	}
}
