package oncall

import (
	"fmt"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Terms are what people may decide of a failure that is to wait for them, as an
// instrumented workflow sends them. What is told of it always names the commands, and
// is told however many equal failures people know of.
type Terms struct {
	TimeoutSeconds int64               `json:"timeoutSeconds"`
	Default        instrument.Decision `json:"default"`
}

// errWaits is what the event of a waiting execution is answered with. The task token in
// it is read by nobody: whoever decides takes it from the history, with his own rights.
var errWaits = fmt.Errorf("%w: an execution waits for a decision", ErrNoAlarm)

// maxSubject is what SNS takes.
const maxSubject = 99

// ask makes of a mail one that asks for a decision. now is when the wait begins, about.
func (t *Terms) ask(m mailText, executionARN string, now time.Time, r *redact.Redactor) mailText {
	if t == nil {
		return m
	}
	const began = "[stepsleuth] "
	subject := r.Stored(began + "decide: " + strings.TrimPrefix(m.Subject.String(), began))
	return mailText{Subject: subject.Truncate(maxSubject), Text: redact.Format("%v\n%v", m.Text, t.commands(executionARN, now, r))}
}

// commands say how to decide, until when, and what happens otherwise.
func (t *Terms) commands(executionARN string, now time.Time, r *redact.Redactor) redact.Text {
	otherwise := redact.Static("it fails")
	if t.Default == instrument.DecideSkip {
		otherwise = redact.Static("the state is skipped")
	}
	until := r.Text(now.Add(time.Duration(t.TimeoutSeconds) * time.Second).UTC().Format("2006-01-02 15:04"))
	arn := r.Text(executionARN)
	return redact.Join("\n",
		redact.Format("decide      The execution waits until %v UTC for one of these; after that %v.", until, otherwise),
		redact.Static("run the state again, with the input it had:"),
		redact.Format("  stepsleuth decide %v retry", arn),
		redact.Static("go on behind it, as if this had been its output:"),
		redact.Format("  stepsleuth decide %v skip --output '{}'", arn),
		redact.Static("end the execution now:"),
		redact.Format("  stepsleuth decide %v fail\n", arn))
}
