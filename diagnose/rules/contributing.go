package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// The rules here name what made a failure worse or hid it. They need the
// definition, and are never the cause by themselves.

func (f *facts) contributing(title, root, explain string, remedies ...diagnose.Remedy) *diagnose.Finding {
	d := f.finding(diagnose.Configuration, diagnose.Certain, diagnose.Depends)
	d.Contributing = true
	d.Title, d.RootCause, d.Explanation, d.Remedies = title, root, explain, remedies
	d.Docs = []string{"Handling errors in Step Functions workflows"}
	return d
}

// RetryNeverMatches sees a Retry that was meant for this failure and does not name it.
var RetryNeverMatches = &diagnose.Rule{
	Name:  "retry-never-matches",
	Doc:   "Contributing: a Retry or Catch names an error that this failure never has, as States.Timeout for a Lambda time-out.",
	Check: alsoOfOrigin(retryNeverMatches),
}

// alsoOfOrigin asks a check that only contributes about the failure that ended the
// execution and, where that was a handler's own, about the one it was handling.
func alsoOfOrigin(check func(*facts) *diagnose.Finding) func(*diagnose.Case) []diagnose.Finding {
	return on(func(f *facts) []diagnose.Finding {
		var found []diagnose.Finding
		if d := check(f); d != nil {
			found = append(found, *d)
		}
		if f.c.HandlerFailed && f.c.Origin != nil {
			c := *f.c
			c.Failure, c.State, c.Origin, c.HandlerFailed = f.c.Origin, nil, nil, false
			if first := read(&c); first != nil {
				if d := check(first); d != nil {
					found = append(found, *d)
				}
			}
		}
		return found
	})
}

func retryNeverMatches(f *facts) *diagnose.Finding {
	s := f.outerState()
	if s == nil || f.top.Error == "" || f.retried() {
		return nil
	}
	for _, name := range namedErrors(s) {
		why := ""
		switch {
		case name == "States.Timeout" && lambdaTimeout(f) != nil:
			why = "a Lambda function that runs into its own time limit is reported as Sandbox.Timedout or Lambda.Unknown; States.Timeout is only for the state's TimeoutSeconds and HeartbeatSeconds"
		case name == "Lambda.Timeout" || name == "Lambda.TimeoutException":
			why = "there is no such error: a Lambda time-out is Sandbox.Timedout or Lambda.Unknown"
		case strings.HasPrefix(name, "DynamoDB.") && strings.HasPrefix(f.top.Error, "DynamoDb."), strings.HasPrefix(name, "DynamoDb.") && strings.HasPrefix(f.top.Error, "DynamoDB."):
			why = "the optimised integration says DynamoDB.…, the aws-sdk one DynamoDb.…"
		case name != f.top.Error && strings.EqualFold(name, f.top.Error):
			why = "error names are case-sensitive, and this integration says " + named(f.top.Error)
		case name == "States.TaskFailed" && f.top.Error == "States.Timeout":
			why = "States.TaskFailed matches every failure of a task but States.Timeout"
		case f.top.Error == name+"Exception":
			why = "the name lacks its end: " + named(f.top.Error)
		case name == exception(f.top.Error) && name != f.top.Error:
			why = "the name has the service in front: " + named(f.top.Error)
		}
		if why != "" {
			d := f.contributing(fmt.Sprintf("Retry or Catch on %s never matches this failure", named(name)),
				fmt.Sprintf("%s names %s in its Retry or Catch, which cannot match: %s.", upper(f.here()), named(name), why),
				"The failure therefore went past it, untried.",
				diagnose.Remedy{Title: "Name the error that really comes", Steps: []string{fmt.Sprintf("Add %s to ErrorEquals of that entry.", jsonString(f.top.Error))}})
			d.Focus = f.focusField("does not name this error", "Retry", "Catch")
			return d
		}
	}
	return nil
}

func namedErrors(s *asl.State) []string {
	var names []string
	for _, r := range s.Retry {
		names = append(names, r.ErrorEquals...)
	}
	for _, c := range s.Catch {
		names = append(names, c.ErrorEquals...)
	}
	return names
}

// RetriedInVain sees a Retry for something that never passes.
var RetriedInVain = &diagnose.Rule{
	Name:  "retried-in-vain",
	Doc:   "Contributing: the state's Retry repeats an error that does not pass by itself, such as a denial under Lambda.AWSLambdaException.",
	Check: one(retriedInVain),
}

func retriedInVain(f *facts) *diagnose.Finding {
	if !f.retried() || f.phase == diagnose.Create {
		return nil
	}
	what := ""
	switch c := f.signal().category; c {
	case diagnose.Permission:
		what = "a missing permission"
	case diagnose.ResourceNotFound:
		what = "a resource that does not exist"
	case diagnose.InvalidParameters:
		what = "a request that the service refuses"
	case diagnose.PayloadSize:
		what = "data that is too large"
	}
	if what == "" && lambdaPackaging(f) != nil {
		what = "code that cannot be loaded"
	}
	if what == "" {
		return nil
	}
	times := ""
	if f.sub.Attempts > 1 {
		times = fmt.Sprintf(" (%d attempts were made)", f.sub.Attempts)
	}
	d := f.contributing("The Retry repeats what cannot pass",
		fmt.Sprintf("%s retries %s%s, but %s does not go away by trying again.", upper(f.here()), named(f.top.Error), times, what),
		"Several kinds of failure share one error name, so that the customary Retry block for passing Lambda errors (Lambda.AWSLambdaException among them) also repeats denials and wrong parameters; that costs time and hides the failure for so long.",
		diagnose.Remedy{Title: "Retry only what can pass", Steps: []string{"Leave the common name out of Retry, or keep its MaxAttempts low, and name the passing errors: Lambda.ServiceException, Lambda.SdkClientException, Lambda.TooManyRequestsException."}})
	d.Focus = f.focusField("repeats what does not pass", "Retry")
	return d
}

// RuntimeNotCaught sees a catcher on States.ALL that could not catch this.
var RuntimeNotCaught = &diagnose.Rule{
	Name:  "runtime-not-caught",
	Doc:   "Contributing: the state has a Catch or Retry on States.ALL or States.TaskFailed, which does not take States.Runtime.",
	Check: one(runtimeNotCaught),
}

func runtimeNotCaught(f *facts) *diagnose.Finding {
	s := f.outerState()
	if s == nil || f.top.Error != "States.Runtime" {
		return nil
	}
	names := namedErrors(s)
	if !slices.Contains(names, "States.ALL") && !slices.Contains(names, "States.Runtime") && !slices.Contains(names, "States.TaskFailed") {
		return nil
	}
	d := f.contributing("The Catch cannot see States.Runtime",
		fmt.Sprintf("%s has a Catch or Retry, but nothing catches States.Runtime: neither States.ALL nor its own name.", upper(f.here())),
		"States.Runtime ends the execution at once, past all catchers, those of a Parallel or Map around it included.",
		diagnose.Remedy{Title: "Avoid the error, or catch it from outside", Steps: []string{
			"Ask for the field with a Choice (IsPresent) before it is used; or run the risky part as a nested execution (states:startExecution.sync:2), whose failure the parent can catch.",
			"For notifications, use the EventBridge event “Step Functions Execution Status Change”, which comes for this failure too.",
		}})
	d.Focus = f.focusField("does not take States.Runtime", "Catch", "Retry")
	return d
}

// CatcherDropsInput sees a catcher that replaced the state's input by the error.
var CatcherDropsInput = &diagnose.Rule{
	Name:  "catcher-drops-input",
	Doc:   "Contributing: a catcher without ResultPath replaced the state's input by Error and Cause, so that later states miss it.",
	Check: one(catcherDropsInput),
}

func catcherDropsInput(f *facts) *diagnose.Finding {
	in := f.input()
	if in.IsAbsent() {
		in = f.quotedInput()
	}
	lost := hasKeys(in, "Error", "Cause") && in.Len() == 2 && (missingPath(f) != nil || choicePath(f) != nil || invalidPath(f) != nil)
	var at *asl.State
	if o := f.c.Origin; o != nil && f.c.Machine != nil {
		at = findState(f.c.Machine, o.State)
	}
	bare := ""
	if at != nil && at.QueryLanguage != asl.JSONata {
		for _, c := range at.Catch {
			if c.ResultPath == nil && (f.c.Origin.EndedAt == "" || c.Next == f.c.Origin.EndedAt) {
				bare = at.Name
			}
		}
	}
	if !lost && bare == "" {
		return nil
	}
	who := "An earlier state"
	if bare != "" {
		who = "The state " + named(bare)
	}
	d := f.contributing("A catcher without ResultPath threw the input away",
		fmt.Sprintf("%s has a catcher without ResultPath, so that what it leads to gets nothing but Error and Cause: the input of the failed state is gone.", who),
		"The default ResultPath “$” of a catcher replaces the whole input. What failed, and with which data, can then only be seen in the history, and every state after it that reads the old input fails itself.",
		diagnose.Remedy{Title: "Keep the input beside the error", Steps: []string{`Add "ResultPath": "$.error" to the catcher, and read Error and Cause below $.error after it (JSONata: an Output that merges $states.input and $states.errorOutput).`}, Edits: keepInput(f, at)})
	if _, ok := f.keepBesideError(in); ok && missingPath(f) != nil {
		d.Remedies = nil // the finding of the missing path offers it
	}
	return d
}

// keepBesideError is the remedy for an input that a catcher threw away, where the
// definition shows which.
func (f *facts) keepBesideError(in value.Value) (diagnose.Remedy, bool) {
	o := f.c.Origin
	if o == nil || f.c.Machine == nil || !hasKeys(in, "Error", "Cause") || in.Len() != 2 {
		return diagnose.Remedy{}, false
	}
	at := findState(f.c.Machine, o.State)
	edits := keepInput(f, at)
	if edits == nil {
		return diagnose.Remedy{}, false
	}
	return diagnose.Remedy{Title: "Keep the input beside the error", Steps: []string{
		fmt.Sprintf(`Give the catcher of %s a ResultPath, "ResultPath": "$.error": what it leads to then finds the input of %s as it was, and has to read Error and Cause below $.error.`, named(at.Name), named(at.Name)),
	}, Edits: edits}, true
}

func keepInput(f *facts, s *asl.State) []asl.Edit {
	if s == nil || s.Machine == nil || s.Machine.Source() == nil {
		return nil
	}
	c := catcherOf(s, f.c.Origin)
	if c == nil || c.ResultPath != nil {
		return nil
	}
	if text := s.Machine.Source().Text; c.Span.Start >= len(text) || text[c.Span.Start] != '{' {
		return nil
	}
	at := c.Span.Start + 1
	edits := []asl.Edit{{Span: asl.Span{Start: at, End: at}, New: `"ResultPath": "$.error", `}}
	return append(edits, belowError(s.Machine, c.Next)...)
}

// errorMember is what a catcher without ResultPath leaves of an input.
var errorMember = lazyregexp.New(`\$\.(?:Error|Cause)\b`)

// belowError lets the state called name read Error and Cause below $.error.
func belowError(m *asl.Machine, name string) []asl.Edit {
	for _, s := range m.States {
		if s.Name != name || s.QueryLanguage == asl.JSONata || s.Branch != nil || s.Map != nil {
			continue
		}
		var edits []asl.Edit
		text := m.Source().Text
		for _, hit := range errorMember.FindAllStringIndex(text[s.Span.Start:s.Span.End], -1) {
			at := s.Span.Start + hit[0]
			if at > 0 && text[at-1] == '$' {
				continue
			}
			edits = append(edits, asl.Edit{Span: asl.Span{Start: at + len("$."), End: at + len("$.")}, New: "error."})
		}
		return edits
	}
	return nil
}

// catcherOf is the catcher of s that takes a failure: the first that names its error,
// or one of the names that stand for many. It is nil where none does.
func catcherOf(s *asl.State, failure *diagnose.Failure) *asl.Catcher {
	name := ""
	if failure != nil && failure.Error != nil {
		name = *failure.Error
	}
	for _, c := range s.Catch {
		for _, e := range c.ErrorEquals {
			if e == name || e == "States.ALL" || e == "States.TaskFailed" && name != "States.Timeout" {
				return c
			}
		}
	}
	return nil
}

// HandlerMasksError sees an error handler that failed itself and buried what it was to handle.
var HandlerMasksError = &diagnose.Rule{
	Name:  "handler-masks-error",
	Doc:   "Contributing: the state that failed was handling an earlier error, which its failure buried.",
	Check: one(handlerMasksError),
}

func handlerMasksError(f *facts) *diagnose.Finding {
	earlier, name, words := "", "", ""
	if f.c.HandlerFailed || f.c.Origin == nil {
		earlier = f.caughtBefore()
	}
	if f.c.HandlerFailed && f.c.Origin != nil {
		name = f.c.Origin.State
	}
	if c := f.caughtCause(); c != nil {
		words = saying(c.Root().Message)
	}
	if earlier == "" || missingPath(f) == nil && choicePath(f) == nil && invalidPath(f) == nil && nullInput(f) == nil && jsonataFailed(f) == nil {
		return nil
	}
	of := ""
	if name != "" {
		of = " of the state " + named(name)
	}
	d := f.contributing("The error handler failed itself and buried "+named(earlier),
		fmt.Sprintf("%s was on the way of handling %s%s, and failed by reading a field that only some paths set.", upper(f.here()), named(earlier), of),
		"The execution ends with the handler's own error; the first one, which matters, stands in the handler's input only"+words+".",
		diagnose.Remedy{Title: "Let the handler read nothing that may be absent", Steps: []string{
			"Pass the whole input on (\"Payload.$\": \"$\" or States.JsonToString($)), in place of single fields, and take what there is in code.",
			"Then look at the first error: Error and Cause in this state's recorded input.",
		}})
	d.Focus = f.focusField("reads what only some paths set", "Parameters", "Arguments", "InputPath")
	return d
}

// TimeoutsCrossed sees time limits that cannot work together.
var TimeoutsCrossed = &diagnose.Rule{
	Name:  "timeouts-crossed",
	Doc:   "Contributing: the heartbeat is not shorter than the time-out, or the machine's time-out is shorter than the state's attempts need.",
	Check: alsoOfOrigin(timeoutsCrossed),
}

func timeoutsCrossed(f *facts) *diagnose.Finding {
	s := f.outerState()
	if s == nil || s.Task == nil {
		return nil
	}
	t, h := s.Task.Timeout, s.Task.Heartbeat
	if t != nil && h != nil && t.Number != nil && h.Number != nil && *h.Number >= *t.Number {
		d := f.contributing("The heartbeat is not shorter than the time-out",
			fmt.Sprintf("%s has HeartbeatSeconds %g and TimeoutSeconds %g: the heartbeat has to be the shorter one, or it never fires.", upper(f.here()), *h.Number, *t.Number),
			"A dead worker is then only noticed when the whole time is over.",
			diagnose.Remedy{Title: "Shorten the heartbeat", Steps: []string{"Set HeartbeatSeconds to about three times the interval in which the worker reports."}})
		d.Focus = f.focusField("not shorter than TimeoutSeconds", "HeartbeatSeconds")
		return d
	}
	m := f.c.Machine
	if m == nil || m.TimeoutSeconds == nil || len(s.Retry) == 0 {
		return nil
	}
	each := 0.0 // of one attempt, as far as it has a limit
	if t != nil && t.Number != nil {
		each = *t.Number
	}
	need := each
	for _, r := range s.Retry {
		need += waitsOf(r) + each*float64(min(r.MaxAttempts, 50))
	}
	if need <= float64(*m.TimeoutSeconds) {
		return nil
	}
	d := f.contributing("The state machine's time-out is shorter than the retries need",
		fmt.Sprintf("%s may need %.0f s with all its attempts (Retry, and TimeoutSeconds where it is set), but the state machine's TimeoutSeconds is %d.", upper(f.here()), need, *m.TimeoutSeconds),
		"The execution then ends as TIMED_OUT, which no Catch sees, before the last attempts are made.",
		diagnose.Remedy{Title: "Make the limits fit", Steps: []string{"Fewer attempts or a shorter TimeoutSeconds in the state, or a longer TimeoutSeconds at the top."}})
	d.Focus = f.focusField("needs longer than the machine has", "Retry", "TimeoutSeconds")
	return d
}

// CallbackUnbounded sees a wait for an answer that may never come.
var CallbackUnbounded = &diagnose.Rule{
	Name:  "callback-unbounded",
	Doc:   "Contributing: a task waits for a callback or an activity worker with neither TimeoutSeconds nor HeartbeatSeconds.",
	Check: one(callbackUnbounded),
}

func callbackUnbounded(f *facts) *diagnose.Finding {
	s := f.outerState()
	if s == nil || s.Task == nil || !f.task.callback() || s.Task.Timeout != nil || s.Task.Heartbeat != nil {
		return nil
	}
	d := f.contributing("The task waits for an answer without a time limit",
		fmt.Sprintf("%s waits for a callback (%s) with neither TimeoutSeconds nor HeartbeatSeconds: an answer that is lost leaves the execution open for up to a year.", upper(f.here()), f.task.name()),
		"Nothing fails then, so nothing tells.",
		diagnose.Remedy{Title: "Set a limit", Steps: []string{`Add "TimeoutSeconds": 86400 (what the answer may take at most), and HeartbeatSeconds where a machine answers.`}, Edits: f.addField("TimeoutSeconds", "86400")})
	d.Focus = f.focusField("waits without a limit", "Resource")
	d.Docs = []string{"Wait for a Callback with Task Token", "Using timeouts to avoid stuck Step Functions workflow executions"}
	return d
}

// StatusForgotten sees polling that knows FAILED and no other end.
var StatusForgotten = &diagnose.Rule{
	Name:  "status-forgotten",
	Doc:   "Contributing: a polling loop asks for the status FAILED alone; TIMED_OUT, ABORTED, STOPPED and the like go round and round.",
	Check: one(statusForgotten),
}

var otherEnds = []string{"TIMED_OUT", "TIMEOUT", "ABORTED", "STOPPED", "CANCELLED", "CANCELED", "ERROR", "TERMINATED", "TERMINATED_WITH_ERRORS", "Stopped"}

func statusForgotten(f *facts) *diagnose.Finding {
	m := f.c.Machine
	if m == nil || historyFullFound(f) == nil && machineTimedOut(f) == nil && choiceNoMatch(f) == nil {
		return nil
	}
	for _, s := range m.States {
		byPath, paths := map[string][]string{}, []string(nil)
		for _, r := range s.Choices {
			if r.Variable != nil && r.Operator == "StringEquals" {
				v := strings.Trim(r.Value.JSON(), `"`)
				paths = append(paths, r.Variable.Text)
				byPath[r.Variable.Text] = append(byPath[r.Variable.Text], v)
			}
		}
		for _, path := range uniq(paths) {
			values := byPath[path]
			if !slices.Contains(values, "FAILED") && !slices.Contains(values, "Failed") || slices.ContainsFunc(otherEnds, func(e string) bool { return slices.Contains(values, e) }) {
				continue
			}
			d := f.contributing("The loop knows FAILED as the only bad end",
				fmt.Sprintf("The Choice %s compares %s with FAILED and no other bad end: work that timed out, was stopped or was cancelled is asked for again and again.", named(s.Name), harmless(path)),
				"Jobs end in more ways than FAILED (TIMED_OUT, TIMEOUT, STOPPED, ABORTED, CANCELLED, ERROR).",
				diagnose.Remedy{Title: "Name the states in which it still runs", Steps: []string{"Turn the Choice round: go on waiting only for RUNNING, PENDING, QUEUED and the like, go ahead for SUCCEEDED, and let Default lead to the failure; or use .sync and no loop at all."}})
			d.Focus = &diagnose.Focus{Span: s.NameSpan, Label: "knows only FAILED"}
			return d
		}
	}
	return nil
}
