// Package setup examines a deployed troubleshooter from end to end, and says of each
// part whether it is well or what mends it, as a command or a policy statement to copy.
//
// It reads and changes nothing: what may not be read is unknown, not well. It knows
// nothing of diagnoses, reads no environment, and prints nothing that has not been
// redacted.
package setup

import (
	"context"
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/redact"
)

// Status is what became of a check.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Mend    Status = "mend"    // it does not work, or not as it should
	Unknown Status = "unknown" // it could not be looked at
)

// Check is one part of a set-up.
type Check struct {
	Name   string        `json:"name"`
	Status Status        `json:"status"`
	Says   redact.Text   `json:"says"`
	Mend   []redact.Text `json:"mend"` // commands, policy statements or what else to do, in that order
}

// Examiner looks at set-ups.
type Examiner struct {
	Clients
	Region   string
	Redact   *redact.Redactor // nil: a fresh one
	Machines []string         // ARNs of state machines to look at besides those of the rule
}

// Examine looks at the set-up around a function, which is given by its name or ARN.
// What cannot be found out is a Check too, so there is no error.
func (e *Examiner) Examine(ctx context.Context, function string) Report {
	x := &examination{Examiner: e, report: Report{Function: function, Region: e.Region}, name: function}
	if x.redact = e.Redact; x.redact == nil {
		x.redact = &redact.Redactor{}
	}
	if !x.credentials(ctx) || !x.function(ctx) {
		return x.report
	}
	x.deliveries(ctx)
	x.redactionKey(ctx)
	x.topic(ctx)
	x.table(ctx)
	x.log(ctx)
	x.rules(ctx)
	x.queues(ctx)
	x.model(ctx)
	x.machines(ctx)
	x.role(ctx)
	return x.report
}

// examination is what is known of one set-up so far.
type examination struct {
	*Examiner
	redact *redact.Redactor
	report Report

	name      string // of the function
	partition string
	account   string
	caller    string // ARN by which IAM knows who asks
	settings  settings

	topicKey    string   // ARN; "" where publishing needs none
	deadLetters []string // ARNs of queues
	watched     []string // ARNs of the state machines that rules name
	needs       []need   // of the function's role
}

// settings are those of the function that matter to other checks.
type settings struct {
	arn, role   string
	seconds     int // time-out
	environment map[string]string
	logGroup    string
}

func (x *examination) ok(name, format string, args ...any) {
	x.add(name, OK, fmt.Sprintf(format, args...))
}

// mend records what does not work. what are the commands or statements to copy.
func (x *examination) mend(name, says string, what ...string) {
	x.add(name, Mend, says, what...)
}

func (x *examination) add(name string, status Status, says string, mend ...string) {
	c := Check{Name: name, Status: status, Says: x.redact.Text(says), Mend: []redact.Text{}}
	for _, text := range mend {
		c.Mend = append(c.Mend, x.redact.Text(text))
	}
	x.report.Checks = append(x.report.Checks, c)
}

// cannot records that the caller's own call, not the function's, failed.
func (x *examination) cannot(name, action, resource string, err error) {
	if denied(err) {
		x.add(name, Unknown, "could not be looked at: you may not "+action, "allow yourself: "+statement([]string{action}, []string{resource}, nil))
		return
	}
	x.add(name, Unknown, fmt.Sprintf("could not be looked at: %s: %s", action, reason(err)))
}

// arn makes an ARN in the set-up's partition, region and account.
func (x *examination) arn(service, resource string) string {
	return strings.Join([]string{"arn", x.partition, service, x.Region, x.account, resource}, ":")
}
