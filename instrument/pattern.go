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
	nameDoneBare     = prefix + "end without a diagnosis"
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

// mark begins the Comment by which an added state is known again; instead marks the one
// that a catcher leads to in what was an empty list, which follows as it was written.
const (
	mark    = "added by stepsleuth instrument"
	instead = mark + ", the Catch was "
)

const (
	invoke          = "arn:%s:states:::lambda:invoke"
	invokeWithToken = invoke + ".waitForTaskToken"
	publish         = "arn:%s:states:::sns:publish"

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
	language
	partition string
	rename    func(string) string // makes a name unique in the machine
}

// begin starts a state's body.
func begin(kind string) *value.Builder {
	var b value.Builder
	b.Set("Type", value.String(kind))
	b.Set("Comment", value.String(mark))
	return &b
}

func (p *pattern) state(name string, b *value.Builder) state {
	return state{p.rename(name), b.Object()}
}

// failure returns what the failures of these states run through, but for the states
// that say where one was caught.
func (p *pattern) failure(caught []waiter) []state {
	if p.Express {
		return p.sentFailure()
	}
	diagnosed, bare, ends := nameKnown, nameKnown, p.fails
	if p.After == Succeed {
		diagnosed, bare, ends = nameDone, nameDoneBare, p.dones
	}
	quiet := []value.Value{p.whenFalse(p.rename(diagnosed), mayNotify)}
	var wait []state
	if p.Approve != nil {
		refused := nameKnown
		if p.After == Succeed {
			refused, wait = nameDiagnosis, []state{p.diagnosed()}
		}
		diagnosed, bare, wait = nameWait, nameWait, append(p.wait(caught, refused), wait...)
		quiet = nil // who is to decide is always told
	}
	states := []state{
		p.asked(nameTroubleshoot, nameDiagnosed, nameNotifyBare),
		p.choice(nameDiagnosed, nameNotifyBare, append(quiet, p.whenText(p.rename(nameNotify), mailSubject, mailText))...),
		p.publish(nameNotify, diagnosed, p.message()),
		p.publish(nameNotifyBare, bare, p.bareMessage()),
	}
	return append(append(states, wait...), ends()...)
}

// What the troubleshooter answered stands beside the state's input, and its mail in there.
const (
	answer      = "stepsleuth"
	answered    = answer + ".Payload"
	mailSubject = answered + ".mail.subject"
	mailText    = answered + ".mail.text"
	mayNotify   = answered + ".notify" // false: people know of equal failures already
)

// dones end the execution well, with the diagnosis in its output where there is one.
func (p *pattern) dones() []state {
	return append([]state{p.done(nameDone, append(p.doneFields(), "diagnosis="+answered)...)}, p.doneBare()...)
}

func (p *pattern) doneBare() []state { return []state{p.done(nameDoneBare, p.doneFields()...)} }

// doneFields are what each such end says.
func (p *pattern) doneFields() []string {
	fields := []string{"executionArn", "state", "failure"}
	if p.Approve != nil {
		fields = append(fields, decision)
	}
	return fields
}

// done is an end whose output has these fields of its input; "a=b" is b, called a.
func (p *pattern) done(name string, fields ...string) state {
	var out value.Builder
	for _, field := range fields {
		key, from, ok := strings.Cut(field, "=")
		if !ok {
			from = key
		}
		p.computed(&out, key, from)
	}
	b := begin("Pass")
	p.transform(b, out.Object())
	b.Set("End", value.Bool(true))
	return p.state(name, b)
}

// failedIn records which state failed: a handler that many states share could
// not tell otherwise. empty is the state's Catch where that is a list of none.
func (p *pattern) failedIn(name, empty string) state {
	var out value.Builder
	p.context(&out, "executionArn", "Execution.Id")
	p.text(&out, "state", name)
	p.computed(&out, "failure", "")
	if p.Approve != nil {
		out.Set(terms, p.terms())
	}
	b := begin("Pass")
	if empty != "" {
		b.Set("Comment", value.String(instead+empty))
	}
	p.transform(b, out.Object())
	b.Set("Next", value.String(p.rename(nameTroubleshoot)))
	return p.state(nameFailedIn+name, b)
}

// fails are the ends: Error and Cause are each given only where the first failure
// had them, since reading what is absent or null would fail itself.
func (p *pattern) fails() []state {
	const err, cause = "failure.Error", "failure.Cause"
	return []state{
		p.choice(nameKnown, nameFailNeither,
			p.whenText(p.rename(nameFailBoth), err, cause),
			p.whenText(p.rename(nameFailError), err),
			p.whenText(p.rename(nameFailCause), cause)),
		p.fail(nameFailBoth, "Error", err, "Cause", cause),
		p.fail(nameFailError, "Error", err),
		p.fail(nameFailCause, "Cause", cause),
		p.fail(nameFailNeither),
	}
}

func (p *pattern) fail(name string, fields ...string) state {
	b := begin("Fail")
	for i := 0; i < len(fields); i += 2 {
		p.failWith(b, fields[i], fields[i+1])
	}
	return p.state(name, b)
}

// success returns the state that a successful execution runs through at its end:
// a Parallel, since that passes the output by unchanged whatever it is.
func (p *pattern) success() state {
	var brief value.Builder
	brief.Set("TopicArn", value.String(p.Topic))
	brief.Set("Subject", value.String("SUCCEEDED, and not reviewed"))
	p.sentence(&brief, "Message", reference{"StateMachine.Name", true}, " succeeded: ", reference{"Execution.Name", true},
		". The troubleshooter could not look for failures inside.")
	inner := []state{
		p.asked(nameReview, nameReviewed, nameSuccessBare),
		p.choice(nameReviewed, nameSuccessBare, p.whenText(p.rename(nameSuccess), mailSubject, mailText)),
		p.publish(nameSuccess, "", p.message()),
		p.publish(nameSuccessBare, "", brief.Object()),
	}
	var given value.Builder // an object, whatever the output is
	p.context(&given, "executionArn", "Execution.Id")
	given.Set("status", value.String("SUCCEEDED"))
	b := begin("Parallel")
	b.Set("Branches", value.Array(object("StartAt", value.String(p.rename(nameReview)), "States", statesObject(inner))))
	b.Set(p.arguments(), given.Object())
	p.pass(b)
	b.Set("Catch", value.Array(p.catcher(p.rename(nameEnd), "States.ALL")))
	b.Set("Next", value.String(p.rename(nameEnd)))
	return p.state(nameSucceeded, b)
}

func (p *pattern) end() state { return p.state(nameEnd, begin("Succeed")) }

// fromSucceed is where the Pass states lead that were Succeed states, so that
// Remove can tell them from those that were a Pass already.
func (p *pattern) fromSucceed() state {
	b := begin("Pass")
	b.Set("Next", value.String(p.rename(nameSucceeded)))
	return p.state(nameFromSucceed, b)
}

func statesObject(states []state) value.Value {
	var b value.Builder
	for _, s := range states {
		b.Set(s.name, s.body)
	}
	return b.Object()
}

// asked is a Task that hands its input to the troubleshooter and puts the answer
// beside it; where that fails, otherwise comes next.
func (p *pattern) asked(name, next, otherwise string) state {
	var given value.Builder
	given.Set("FunctionName", value.String(p.Handler))
	p.computed(&given, "Payload", "")
	b := begin("Task")
	b.Set("Resource", value.String(fmt.Sprintf(invoke, p.partition)))
	b.Set(p.arguments(), given.Object())
	p.keepBeside(b, answer)
	b.Set("TimeoutSeconds", value.Int(troubleshootSeconds))
	b.Set("Retry", busyLambda())
	b.Set("Catch", value.Array(p.catcher(p.rename(otherwise), "States.ALL")))
	b.Set("Next", value.String(p.rename(next)))
	return p.state(name, b)
}

// publish tells people; where that fails, the way goes on as if it had not. Without
// a next state it ends the branch that it is in, and the Parallel around it catches.
func (p *pattern) publish(name, next string, arguments value.Value) state {
	b := begin("Task")
	b.Set("Resource", value.String(fmt.Sprintf(publish, p.partition)))
	b.Set(p.arguments(), arguments)
	p.pass(b)
	b.Set("TimeoutSeconds", value.Int(notifySeconds))
	if next == "" {
		b.Set("End", value.Bool(true))
	} else {
		b.Set("Catch", value.Array(p.catcher(p.rename(next), "States.ALL")))
		b.Set("Next", value.String(p.rename(next)))
	}
	return p.state(name, b)
}

// message is the diagnosis as mail.
func (p *pattern) message() value.Value {
	var b value.Builder
	b.Set("TopicArn", value.String(p.Topic))
	p.computed(&b, "Subject", mailSubject)
	p.computed(&b, "Message", mailText)
	return b.Object()
}

// bareMessage says only what is safe to say without the troubleshooter: no cause,
// since nobody has concealed the secrets in it.
func (p *pattern) bareMessage() value.Value {
	var b value.Builder
	b.Set("TopicArn", value.String(p.Topic))
	b.Set("Subject", value.String("FAILED, and the troubleshooter could not say why"))
	arn := reference{"executionArn", false}
	message := []any{reference{"StateMachine.Name", true}, " failed in the state ", reference{"state", false},
		". The troubleshooter gave no diagnosis. To have one now: stepsleuth diagnose ", arn}
	if p.Approve != nil {
		message = append(message, fmt.Sprintf(". It waits %s for a decision: stepsleuth decide ", Lasting(p.Approve.Timeout)), arn,
			fmt.Sprintf(" retry (or skip, with --output, or fail). Where nobody decides: %s", p.Approve.Default))
	}
	p.sentence(&b, "Message", message...)
	return b.Object()
}

func (p *pattern) choice(name, otherwise string, rules ...value.Value) state {
	b := begin("Choice")
	b.Set("Choices", value.Array(rules...))
	b.Set("Default", value.String(p.rename(otherwise)))
	return p.state(name, b)
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

func shortenTo(name string, limit int) string {
	if utf8.RuneCountInString(name) <= limit {
		return name
	}
	return string([]rune(name)[:limit-1]) + "…"
}
