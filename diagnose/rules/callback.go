package rules

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
)

// DeadToken sees an answer for a task token that is not valid any more, or never was.
var DeadToken = &diagnose.Rule{
	Name:  "dead-token",
	Doc:   "SendTaskSuccess, SendTaskFailure or SendTaskHeartbeat with a task token that is wrong, used, or of a task that is gone.",
	Check: one(deadToken),
}

// tokenIsDead reports that an answer came for a token that is not valid.
func (f *facts) tokenIsDead() bool { return f.once.tokenIsDead() }

func (f *facts) isTokenDead() bool {
	known := f.errorIs("TaskTimedOut", "TaskDoesNotExist", "InvalidToken", "Sfn.InvalidTokenException", "Sfn.TaskTimedOutException", "Sfn.TaskDoesNotExistException", "InvalidTokenException", "TaskTimedOutException", "TaskDoesNotExistException",
		"StepFunctions.TaskTimedOutException", "StepFunctions.InvalidTokenException", "StepFunctions.TaskDoesNotExistException") ||
		f.says("Task Timed Out: '", "Provided task does not exist anymore", "Invalid Token: '", "Task does not exist: '", "InvalidToken) when calling the SendTask", "TaskTimedOut) when calling the SendTask")
	return known && !f.says("security token", "ExpiredToken")
}

func deadToken(f *facts) *diagnose.Finding {
	if !f.tokenIsDead() {
		return nil
	}
	d := f.finding(diagnose.CallbackFailure, diagnose.Certain, diagnose.No)
	limit, beat := f.limits()
	if limit != "" || beat != "" {
		d.Also = []diagnose.Category{diagnose.Timeout}
		if beat != "" {
			d.Also = append(d.Also, diagnose.Heartbeat)
		}
	}
	times := ""
	switch {
	case limit != "" && beat != "":
		times = fmt.Sprintf(" (HeartbeatSeconds %s, TimeoutSeconds %s)", beat, limit)
	case limit != "":
		times = fmt.Sprintf(" (TimeoutSeconds %s)", limit)
	case beat != "":
		times = fmt.Sprintf(" (HeartbeatSeconds %s)", beat)
	}
	if f.says("Invalid Token", "InvalidToken") {
		d.Title = "The task token is not valid"
		d.RootCause = "The callback was sent with a text that is no valid task token (empty, cut off, encoded once more, or another field)."
		d.Explanation = "A task token is a long, opaque text (up to 2,048 characters), valid in its own region and account. It is damaged by a column or header that is too short, by URL or HTML encoding, or by “$$.Task.Token” sent literally because the key lacks “.$”."
		d.Remedies = []diagnose.Remedy{{Title: "Hand the token on unchanged", Steps: []string{"In the state: \"TaskToken.$\": \"$$.Task.Token\" (JSONata: {% $states.context.Task.Token %}); compare the token that the consumer sends, character by character and by its length, with the one in the TaskScheduled event."}}}
	} else {
		d.Title = "The callback came for a task that is gone: its token is dead"
		d.RootCause = fmt.Sprintf("The answer with the task token came too late or a second time: the waiting task had timed out%s, was already answered, or its execution had ended, so the token is dead.", times)
		d.Explanation = "A token is valid for one attempt of one task: after a time-out, a retry (which makes a new token), an earlier answer, or the end of the execution, Step Functions refuses it with TaskTimedOut or TaskDoesNotExist."
		d.Remedies = []diagnose.Remedy{
			{Title: "Answer in time, once, with the newest token", Steps: []string{
				"Compare the time of the callback with the TaskTimedOut or TaskSucceeded event of the state; set HeartbeatSeconds and TimeoutSeconds to what the other side really needs, and send heartbeats with SendTaskHeartbeat while it works.",
				"Let the other side treat TaskTimedOut and TaskDoesNotExist as “nobody waits any more”: stop, and undo what it did where that is needed. A repeat of the same answer gives the same error.",
			}},
		}
	}
	d.Focus = f.focusField("waits for a token that is gone", "TimeoutSeconds", "HeartbeatSeconds", "Resource")
	d.Prevention = []string{"Store each token with its execution and time, and replace it when a newer one of the same step comes; set a time-out on every .waitForTaskToken, so that a lost callback shows."}
	d.Docs = []string{"Wait for a Callback with Task Token", "SendTaskSuccess API reference"}
	return d
}

// CallbackFailed sees a party outside that reported failure of a task it held the token of.
var CallbackFailed = &diagnose.Rule{
	Name:  "callback-failed",
	Doc:   "An activity worker or the holder of a task token reported failure with SendTaskFailure.",
	Check: one(callbackFailed),
}

func callbackFailed(f *facts) *diagnose.Finding {
	if !f.task.callback() || f.nested != nil || f.phase == diagnose.API || f.phase == diagnose.Create || f.sub.Aborted || f.sub.TimedOut || deadToken(f) != nil {
		return nil
	}
	if strings.HasPrefix(f.err, "States.") || f.root.Shape == diagnose.ServiceCause || f.startedByService() {
		return nil
	}
	d := f.finding(diagnose.CallbackFailure, diagnose.Certain, diagnose.Depends)
	worker := "whoever holds its task token"
	if f.task.service == "activity" {
		worker = "a worker of the activity " + named(f.task.activity)
	}
	error := "without an error name"
	if f.err != "" {
		error = "with the error " + named(f.err)
	}
	d.Retryable, _ = ofException(f.err, f.causeWords())
	if f.lambda() {
		d.Confidence = diagnose.Likely
	}
	d.Title = fmt.Sprintf("The task was reported as failed %s (SendTaskFailure)", error)
	d.RootCause = fmt.Sprintf("%s waits for an answer from outside, and %s reported failure %s (SendTaskFailure)%s.", upper(f.here()), worker, error, saying(f.causeWords()))
	d.Explanation = "Error and cause are the words of that worker or consumer, not of Step Functions; the reason is in its own log. If it means “rejected” by that (a person said no), it is an answer and no fault."
	d.Focus = f.focusField("answered with failure", "Resource")
	d.Remedies = []diagnose.Remedy{
		{Title: "Look into the log of who answered", Steps: []string{"Find the consumer of the queue, topic or activity, and its log at the time of the TaskFailed event, by the execution's name or the token."}},
		{Title: "Handle the answers you expect", Steps: []string{fmt.Sprintf("Catch %s by name and lead it to its own branch; retry only what can pass.", named(or(f.err, "the error")))}},
	}
	d.Remedies = append(d.Remedies, f.catchRemedy()...)
	d.Prevention = []string{"Let the worker send an error name of its own for every kind of failure, and in the cause what it was working on."}
	d.Docs = []string{"Wait for a Callback with Task Token", "Learn about Activities in Step Functions", "SendTaskFailure API reference"}
	return d
}

// startedByService is true where the called service, not the holder of the token, failed:
// then the error carries the integration's own prefix.
func (f *facts) startedByService() bool {
	prefix, _, ok := strings.Cut(f.err, ".")
	if !ok {
		return false
	}
	switch prefix {
	case "Lambda", "SQS", "SNS", "ECS", "DynamoDB", "EventBridge", "StepFunctions", "Sandbox", "Runtime", "Batch", "Glue", "ApiGateway", "AmazonECS", "Sfn", "Ssm", "S3":
		return true
	}
	return false
}

func (f *facts) causeWords() string {
	if f.root.Shape == diagnose.JSONCause {
		return ""
	}
	return f.msg
}

// EventRejected sees entries that EventBridge did not take.
var EventRejected = &diagnose.Rule{
	Name:  "event-rejected",
	Doc:   "EventBridge rejected entries of PutEvents (EventBridge.FailedEntry): names each entry's code and message.",
	Check: one(eventRejected),
}

func eventRejected(f *facts) *diagnose.Finding {
	if !f.errorIs("EventBridge.FailedEntry") && !f.has("FailedEntryCount") {
		return nil
	}
	code, words := "", ""
	at := 0
	for i := range f.root.Len("Entries") {
		n := fmt.Sprint(i)
		if c := f.get("Entries", n, "ErrorCode"); c != "" {
			code, words, at = c, f.get("Entries", n, "ErrorMessage"), i
			break
		}
	}
	category, retryable := diagnose.InvalidParameters, diagnose.No
	switch {
	case strings.Contains(code, "Throttl"):
		category, retryable = diagnose.Throttling, diagnose.Yes
	case strings.Contains(code, "Internal"):
		category, retryable = diagnose.ServiceError, diagnose.Yes
	case strings.Contains(code, "NotAuthorized") || strings.Contains(code, "AccessDenied"):
		category = diagnose.Permission
	case strings.Contains(code, "NotFound") || strings.Contains(words, "does not exist"):
		category = diagnose.ResourceNotFound
	}
	d := f.finding(category, diagnose.Certain, retryable)
	if !looksLikeName(code) {
		code = "an error"
	}
	d.Title = fmt.Sprintf("EventBridge rejected an entry: %s", or(code, "FailedEntry"))
	d.RootCause = fmt.Sprintf("EventBridge rejected entry %d of the Entries that %s puts on the bus with %s%s.", at, f.here(), code, saying(words))
	d.Explanation = "PutEvents answers 200 even when single entries are refused; Step Functions makes EventBridge.FailedEntry of it. The other entries of the same call have been delivered. Each entry needs Source, DetailType and Detail, and Detail has to be a JSON object (in the optimised integration the object itself)."
	d.Focus = f.focusParam("Entries")
	d.Remedies = []diagnose.Remedy{{Title: "Correct the entry", Steps: []string{
		"Look at the recorded parameters (TaskScheduled): is Source there and not empty (and not beginning with “aws.”), is DetailType there, is Detail a JSON object and not a plain text, does EventBusName exist?",
		"A retry sends the accepted entries a second time: let the consumer bear repeats.",
	}}}
	d.Prevention = []string{"Put one entry a task where a repeat hurts; check the fields before the task."}
	d.Docs = []string{"Add EventBridge events with Step Functions", "PutEvents API reference"}
	return d
}
