package instrument

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

/*
The states that are added to a machine, and the ways between them:

	Charge ──Catch──► "… failed in Charge" ─┐      (one such state for each instrumented state)
	Ship   ──Catch──► "… failed in Ship"   ─┤
	                                        ▼
	                     troubleshoot ──(its own failure)──────────┐
	                          ▼                                    ▼
	                     diagnosed? ──no──► notify of the bare failure
	                          ▼ yes                                │
	                     notify ──(its own failure)──┐             │
	                          ▼                      ▼             ▼
	                     what is known? ──► one of four Fail states, as Error and Cause
	                                        may each be there or not; or, with After
	                                        Succeed, a Pass whose output is the diagnosis

	last states ──► tell of the success ──► succeeded, output unchanged
	                 (a Parallel: review ──► reviewed? ──► notify)

No state of ours reads a field that may be absent: a Choice looks first. So none
of them can fail with States.Runtime, which nothing catches.
*/

// names of the added states, before they are made unique in the machine.
const (
	nameFailedIn     = prefix + "failed in "
	nameTroubleshoot = prefix + "troubleshoot"
	nameDiagnosed    = prefix + "diagnosed?"
	nameNotify       = prefix + "notify"
	nameNotifyBare   = prefix + "notify without diagnosis"
	nameKnown        = prefix + "what is known?"
	nameFailBoth     = prefix + "fail as before"
	nameFailError    = prefix + "fail with the error alone"
	nameFailCause    = prefix + "fail with the cause alone"
	nameFailNeither  = prefix + "fail with neither"
	nameDone         = prefix + "end with the diagnosis"
	nameReview       = prefix + "review the success"
	nameReviewed     = prefix + "reviewed?"
	nameSuccess      = prefix + "notify of the success"
	nameSuccessBare  = prefix + "notify of the success briefly"
	nameSucceeded    = prefix + "tell of the success"
	nameEnd          = prefix + "succeeded"
	nameFromSucceed  = prefix + "from a Succeed state"
)

// prefix begins the name of every added state.
const prefix = "stepsleuth: "

// Added tells by a state's name whether Add added it.
func Added(state string) bool { return strings.HasPrefix(state, prefix) }

// mark is the Comment by which an added state is known again.
const mark = "added by stepsleuth instrument"

const (
	invoke  = "arn:%s:states:::lambda:invoke"
	publish = "arn:%s:states:::sns:publish"

	troubleshootSeconds = 60
	notifySeconds       = 30
)

// state is one added state.
type state struct {
	name string
	body value.Value
}

// pattern makes the added states for one machine.
type pattern struct {
	Options
	partition string
	rename    func(string) string // makes a name unique in the machine
}

// failure returns what a caught failure runs through, but for the states that
// say where it was caught.
func (p *pattern) failure() []state {
	after := p.rename(nameKnown)
	if p.After == Succeed {
		after = p.rename(nameDone)
	}
	const subject, text = "$.stepsleuth.diagnosis.mail.subject", "$.stepsleuth.diagnosis.mail.text"
	states := []state{
		p.troubleshooter(nameTroubleshoot, "$.stepsleuth", nameDiagnosed, nameNotifyBare),
		p.choice(nameDiagnosed, nameNotifyBare, rule(p.rename(nameNotify), isString(subject), isString(text))),
		p.publish(nameNotify, after, object(
			"TopicArn", value.String(p.Topic),
			"Subject.$", value.String(subject),
			"Message.$", value.String(text))),
		p.publish(nameNotifyBare, after, object(
			"TopicArn", value.String(p.Topic),
			"Subject", value.String("FAILED, and the troubleshooter could not say why"),
			"Message.$", value.String(`States.Format('{} failed in the state {}. The troubleshooter gave no diagnosis. To have one now: stepsleuth diagnose {}', $$.StateMachine.Name, $.state, $.executionArn)`))),
	}
	if p.After == Succeed {
		return append(states, state{p.rename(nameDone), object(
			"Type", value.String("Pass"),
			"Comment", value.String(mark),
			"End", value.Bool(true))})
	}
	return append(states, p.fails()...)
}

// failedIn records which state failed: a handler that many states share could
// not tell otherwise.
func (p *pattern) failedIn(name string) state {
	return state{p.rename(shorten(nameFailedIn + name)), object(
		"Type", value.String("Pass"),
		"Comment", value.String(mark),
		"Parameters", object(
			"executionArn.$", value.String("$$.Execution.Id"),
			"state", value.String(name),
			"failure.$", value.String("$")),
		"Next", value.String(p.rename(nameTroubleshoot)))}
}

// fails are the ends: Error and Cause are each given only where the first failure
// had them, since a path to what is absent or null would fail itself.
func (p *pattern) fails() []state {
	const err, cause = "$.failure.Error", "$.failure.Cause"
	return []state{
		p.choice(nameKnown, nameFailNeither,
			rule(p.rename(nameFailBoth), isString(err), isString(cause)),
			rule(p.rename(nameFailError), isString(err)),
			rule(p.rename(nameFailCause), isString(cause))),
		p.fail(nameFailBoth, "ErrorPath", err, "CausePath", cause),
		p.fail(nameFailError, "ErrorPath", err),
		p.fail(nameFailCause, "CausePath", cause),
		p.fail(nameFailNeither),
	}
}

func (p *pattern) fail(name string, fields ...string) state {
	var b value.Builder
	b.Set("Type", value.String("Fail"))
	b.Set("Comment", value.String(mark))
	for i := 0; i < len(fields); i += 2 {
		b.Set(fields[i], value.String(fields[i+1]))
	}
	return state{p.rename(name), b.Object()}
}

// success returns the state that a successful execution runs through at its end:
// a Parallel, since that passes the output by unchanged whatever it is.
func (p *pattern) success() state {
	const subject, text = "$.diagnosis.mail.subject", "$.diagnosis.mail.text"
	inner := []state{
		p.troubleshooter(nameReview, "$", nameReviewed, nameSuccessBare),
		p.choice(nameReviewed, nameSuccessBare, rule(p.rename(nameSuccess), isString(subject), isString(text))),
		p.publish(nameSuccess, "", object(
			"TopicArn", value.String(p.Topic),
			"Subject.$", value.String(subject),
			"Message.$", value.String(text))),
		p.publish(nameSuccessBare, "", object(
			"TopicArn", value.String(p.Topic),
			"Subject", value.String("SUCCEEDED, and not reviewed"),
			"Message.$", value.String(`States.Format('{} succeeded: {}. The troubleshooter could not look for failures inside.', $$.StateMachine.Name, $$.Execution.Name)`))),
	}
	return state{p.rename(nameSucceeded), object(
		"Type", value.String("Parallel"),
		"Comment", value.String(mark),
		"Branches", value.Array(object(
			"StartAt", value.String(p.rename(nameReview)),
			"States", statesObject(inner))),
		"Parameters", object( // an object, whatever the output is
			"executionArn.$", value.String("$$.Execution.Id"),
			"status", value.String("SUCCEEDED")),
		"ResultPath", value.Null(),
		"Catch", value.Array(catcher(value.Null(), p.rename(nameEnd))),
		"Next", value.String(p.rename(nameEnd)))}
}

func (p *pattern) end() state {
	return state{p.rename(nameEnd), object("Type", value.String("Succeed"), "Comment", value.String(mark))}
}

// fromSucceed is where the Pass states lead that were Succeed states, so that
// Remove can tell them from those that were a Pass already.
func (p *pattern) fromSucceed() state {
	return state{p.rename(nameFromSucceed), object(
		"Type", value.String("Pass"),
		"Comment", value.String(mark),
		"Next", value.String(p.rename(nameSucceeded)))}
}

func statesObject(states []state) value.Value {
	var b value.Builder
	for _, s := range states {
		b.Set(s.name, s.body)
	}
	return b.Object()
}

// troubleshooter asks the handler. Its diagnosis is put beside the input, which
// is all that the handler is given; where the handler fails, otherwise comes next.
func (p *pattern) troubleshooter(name, resultPath, next, otherwise string) state {
	return state{p.rename(name), object(
		"Type", value.String("Task"),
		"Comment", value.String(mark),
		"Resource", value.String(fmt.Sprintf(invoke, p.partition)),
		"Parameters", object(
			"FunctionName", value.String(p.Handler),
			"Payload.$", value.String("$")),
		"ResultSelector", object("diagnosis.$", value.String("$.Payload")),
		"ResultPath", value.String(resultPath),
		"TimeoutSeconds", value.Int(troubleshootSeconds),
		"Retry", busyLambda(),
		"Catch", value.Array(catcher(value.String("$.stepsleuth"), p.rename(otherwise))),
		"Next", value.String(p.rename(next)))}
}

// publish tells people; where that fails, the way goes on as if it had not. Without
// a next state it ends the branch that it is in.
func (p *pattern) publish(name, next string, parameters value.Value) state {
	var b value.Builder
	b.Set("Type", value.String("Task"))
	b.Set("Comment", value.String(mark))
	b.Set("Resource", value.String(fmt.Sprintf(publish, p.partition)))
	b.Set("Parameters", parameters)
	b.Set("ResultPath", value.String("$.notification"))
	b.Set("TimeoutSeconds", value.Int(notifySeconds))
	if next == "" {
		b.Set("End", value.Bool(true)) // the Parallel around it catches its failure
	} else {
		b.Set("Catch", value.Array(catcher(value.String("$.notification"), next)))
		b.Set("Next", value.String(next))
	}
	return state{p.rename(name), b.Object()}
}

func (p *pattern) choice(name, otherwise string, rules ...value.Value) state {
	return state{p.rename(name), object(
		"Type", value.String("Choice"),
		"Comment", value.String(mark),
		"Choices", value.Array(rules...),
		"Default", value.String(p.rename(otherwise)))}
}

func rule(next string, tests ...value.Value) value.Value {
	return object("And", value.Array(flatten(tests)...), "Next", value.String(next))
}

// isString is two tests: the second would fail the execution where the path finds nothing.
func isString(path string) value.Value {
	return value.Array(
		object("Variable", value.String(path), "IsPresent", value.Bool(true)),
		object("Variable", value.String(path), "IsString", value.Bool(true)))
}

func flatten(pairs []value.Value) []value.Value {
	var out []value.Value
	for _, pair := range pairs {
		out = append(out, pair.Items()...)
	}
	return out
}

func catcher(resultPath value.Value, next string) value.Value {
	return object(
		"ErrorEquals", value.Strings("States.ALL"),
		"ResultPath", resultPath,
		"Next", value.String(next))
}

// busyLambda tries again what may pass by itself, twice and quickly.
func busyLambda() value.Value {
	return value.Array(object(
		"ErrorEquals", value.Strings("Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.SdkClientException"),
		"IntervalSeconds", value.Int(1),
		"MaxAttempts", value.Int(2),
		"BackoffRate", value.Int(2)))
}

// object makes an object of keys and values in turn.
func object(pairs ...any) value.Value {
	var b value.Builder
	for i := 0; i < len(pairs); i += 2 {
		b.Set(pairs[i].(string), pairs[i+1].(value.Value))
	}
	return b.Object()
}

// maxStateName is the number of characters that a state's name may have.
const maxStateName = 80

func shorten(name string) string { return shortenTo(name, maxStateName) }

func shortenTo(name string, limit int) string {
	if utf8.RuneCountInString(name) <= limit {
		return name
	}
	return string([]rune(name)[:limit-1]) + "…"
}
