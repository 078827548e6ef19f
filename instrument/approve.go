package instrument

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

/*
With Options.Approve a failure waits for a person before it ends the execution. What
led to "what is known?", or to the end with the diagnosis, leads here:

	wait for a decision ──(nobody in time)──► nobody decided ────┐
	   │      └───(the wait itself failed)──► could not wait ────┤
	   ▼                                                         │
	what was decided? ◄──────────────────────────────────────────┘
	   │ retry, with an input ──► retry ──► the state that failed, its input as it was
	   │ skip, with an output ──► skip  ──► what follows that state, or the success
	   ▼ fail, and all else
	what is known?, or with After Succeed what was diagnosed? ──► as without Approve

The wait is a Lambda task with a token whose function does nothing with it: whoever
decides reads the token from the history, with rights of his own, and answers with a
DecisionRecord. The record stays in the outputs of these states.
*/

const (
	nameWait      = prefix + "wait for a decision"
	nameNobody    = prefix + "nobody decided"
	nameNoWait    = prefix + "could not wait for a decision"
	nameDecided   = prefix + "what was decided?"
	nameRetry     = prefix + "retry"
	nameSkip      = prefix + "skip"
	nameDiagnosis = prefix + "what was diagnosed?"
)

// Decision is what a person wants of an execution that failed and waits.
type Decision string

// The decisions. All else is DecideFail.
const (
	DecideRetry Decision = "retry" // run the state again, with the input it had
	DecideSkip  Decision = "skip"  // go on behind it, with a given output
	DecideFail  Decision = "fail"  // end as without Approve
)

// DecisionRecord is the output that ends the wait, and who decided what and when.
// A retry needs Input and a skip Output: without them they count as DecideFail.
type DecisionRecord struct {
	Decision Decision  `json:"decision"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Note     string    `json:"note,omitempty"`
	// JSON:
	Input  json.RawMessage `json:"input,omitempty"`  // of the state that failed, as its StateEntered event has it
	Output json.RawMessage `json:"output,omitempty"` // that the state is to have had
}

// DefaultApproveTimeout is how long a failure waits for a decision.
const DefaultApproveTimeout = 24 * time.Hour

// maxTimeout is the largest TimeoutSeconds that AWS takes.
const maxTimeout = 99_999_999 * time.Second

// Approval has failures wait for a person's decision. The zero Approval waits for a
// day and then fails.
type Approval struct {
	Timeout time.Duration // in whole seconds; 0 is DefaultApproveTimeout
	Default Decision      // what happens where nobody decides in time: "" is DecideFail; never DecideRetry
	Output  string        // JSON; for the Default DecideSkip, and no other
}

// complete checks an Approval and fills in what it leaves open.
func (a Approval) complete() (*Approval, error) {
	if a.Timeout == 0 {
		a.Timeout = DefaultApproveTimeout
	}
	if a.Timeout < time.Second || a.Timeout > maxTimeout || a.Timeout%time.Second != 0 {
		return nil, fmt.Errorf("to wait %s for a decision: give whole seconds, from 1s to %s", Lasting(a.Timeout), Lasting(maxTimeout))
	}
	switch a.Default {
	case "", DecideFail:
		a.Default = DecideFail
	case DecideSkip:
		if a.Output == "" {
			return nil, errors.New("to skip where nobody decides needs the output that the state is to have had")
		}
	case DecideRetry:
		return nil, errors.New("retry cannot be what happens where nobody decides: a state that keeps failing would run again and again, with nobody looking; take fail or skip")
	default:
		return nil, fmt.Errorf("decision %q: it is %q or %q where nobody decides", a.Default, DecideFail, DecideSkip)
	}
	if a.Output != "" && a.Default != DecideSkip {
		return nil, errors.New("an output where nobody decides is for skip alone")
	}
	if a.Output == "" {
		return &a, nil
	}
	if _, err := value.Parse(a.Output); err != nil {
		return nil, fmt.Errorf("the output to skip with is not JSON: %w", err)
	}
	return &a, nil
}

// Lasting writes a duration without what is zero at its end: 24h, not 24h0m0s.
func Lasting(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// seconds is the TimeoutSeconds of the wait.
func (a *Approval) seconds() int64 { return int64(a.Timeout / time.Second) }

// Waits tells by a state's name whether it is the one in which a failure waits for a decision.
func Waits(state string) bool { return strings.HasPrefix(state, nameWait) }

// WaitEvent is the member stepsleuth of the event that the waiting state sends to the
// troubleshooter, which answers it and does no more.
const WaitEvent = "wait for a decision"

// members of what the added states hand on, and of what the troubleshooter is sent.
const (
	decision = "decision" // the DecisionRecord, beside the state's input
	terms    = "decide"   // what people are told of the decision: timeoutSeconds and default
)

// terms tell the troubleshooter, and through it people, what they may decide.
func (p *pattern) terms() value.Value {
	return object("timeoutSeconds", value.Int(p.Approve.seconds()), "default", value.String(string(p.Approve.Default)))
}

// wait returns the states of the picture above, for the states that were caught.
func (p *pattern) wait(caught []waiter, refused string) []state {
	return []state{
		p.waiting(),
		p.undecided(nameNobody, p.byDefault()),
		p.undecided(nameNoWait, object("decision", value.String(string(DecideFail)), "by", value.String("nobody: the wait for a decision failed"))),
		p.choice(nameDecided, refused,
			p.whenDecided(p.rename(nameRetry), DecideRetry, "input"),
			p.whenDecided(p.rename(nameSkip), DecideSkip, "output")),
		p.route(nameRetry, "input", caught, func(w waiter) string { return w.name }),
		p.route(nameSkip, "output", caught, func(w waiter) string { return w.next }),
	}
}

// waiter is a state whose failure can wait, and where the way goes on behind it.
type waiter struct{ name, next string }

// waiting is the Task that waits.
func (p *pattern) waiting() state {
	var payload value.Builder
	payload.Set("stepsleuth", value.String(WaitEvent))
	p.computed(&payload, "executionArn", "executionArn")
	p.computed(&payload, "state", "state")
	p.context(&payload, "taskToken", "Task.Token")
	b := begin("Task")
	b.Set("Resource", value.String(fmt.Sprintf(invokeWithToken, p.partition)))
	b.Set(p.arguments(), object("FunctionName", value.String(p.Handler), "Payload", payload.Object()))
	p.keepBeside(b, decision)
	b.Set("TimeoutSeconds", value.Int(p.Approve.seconds()))
	b.Set("Retry", busyLambda())
	b.Set("Catch", value.Array(
		p.catcher(p.rename(nameNobody), "States.Timeout"),
		p.catcher(p.rename(nameNoWait), "States.ALL")))
	b.Set("Next", value.String(p.rename(nameDecided)))
	return p.state(nameWait, b)
}

// byDefault is the record of a decision that nobody made.
func (p *pattern) byDefault() value.Value {
	a := p.Approve
	record := object("decision", value.String(string(a.Default)), "by", value.String("nobody: the default after "+Lasting(a.Timeout)))
	if a.Default == DecideSkip {
		record = record.With("output", value.MustParse(a.Output))
	}
	return record
}

// undecided is a Pass that puts a record beside its input.
func (p *pattern) undecided(name string, record value.Value) state {
	b := begin("Pass")
	p.record(b, decision, record)
	b.Set("Next", value.String(p.rename(nameDecided)))
	return p.state(name, b)
}

// route is a Choice that leads from the state that failed to a state of the user's, and
// makes a member of the record the output. It has no Default: the name that it asks for
// was written by one of the states that record it, and nobody else.
func (p *pattern) route(name, member string, caught []waiter, to func(waiter) string) state {
	rules := make([]value.Value, len(caught))
	for i, w := range caught {
		rules[i] = p.whenState(to(w), w.name, decision+"."+member)
	}
	b := begin("Choice")
	p.chosen(b, decision+"."+member)
	b.Set("Choices", value.Array(rules...))
	return p.state(name, b)
}

// diagnosed is what After Succeed asks once somebody has decided: the way here does not tell.
func (p *pattern) diagnosed() state {
	return p.choice(nameDiagnosis, nameDoneBare, p.whenText(p.rename(nameDone), mailSubject, mailText))
}
