package setup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/instrument"
)

// cutShort looks whether a failure can wait for a decision for as long as it should.
func (x *examination) cutShort(name string, p added) {
	if p.wait == 0 || p.limit == 0 || p.limit > p.wait {
		return
	}
	wait, limit := instrument.Lasting(p.wait), instrument.Lasting(p.limit)
	shorter := p
	shorter.wait = p.limit / 2
	x.mend("machine", fmt.Sprintf("a failure of %s waits %s for a decision, and the machine's own time-out of %s ends it before, as TIMED_OUT, which no Catch sees", name, wait, limit),
		fmt.Sprintf("raise TimeoutSeconds of the definition well above %d, or have it wait for less:", int(p.wait.Seconds())),
		shorter.again(x.settings.arn, x.settings.environment[envTopic]))
}

// decider looks whether the caller may decide on executions that wait. That others may
// cannot be seen, so it is no fault where the caller may not.
func (x *examination) decider(ctx context.Context, name, machine string, wait time.Duration) {
	const check = "decide"
	says := fmt.Sprintf("a failure of %s waits %s for a decision", name, instrument.Lasting(wait))
	execution := strings.Replace(machine, ":stateMachine:", ":execution:", 1) + ":any"
	needs := []need{
		{what: "list what waits", action: "states:ListExecutions", resource: machine},
		{what: "read it", action: "states:GetExecutionHistory", resource: execution},
		{what: "send the decision", action: "states:SendTaskSuccess", resource: "*"},
	}
	verdicts, _, err := x.verdicts(ctx, x.caller, needs)
	if err != nil {
		x.ok(check, "%s; whether you may decide could not be looked at: %s", says, reason(err))
		return
	}
	var lacks []need
	for i, n := range needs {
		if verdicts[i] != allowed {
			lacks = append(lacks, n)
		}
	}
	if len(lacks) > 0 {
		x.add(check, OK, fmt.Sprintf("%s; you may not %s, so that somebody else has to decide, or you need", says, purposes(lacks)), grant(lacks)...)
		return
	}
	x.ok(check, "%s, and you may decide: stepsleuth decide --list --state-machine %s", says, machine)
}

// principal is the ARN by which IAM knows a caller: of an assumed role the role's,
// whose path is not told.
func principal(caller string) string {
	parts := strings.SplitN(caller, ":", 6)
	if len(parts) < 6 || parts[2] != "sts" {
		return caller
	}
	role, ok := strings.CutPrefix(parts[5], "assumed-role/")
	if !ok {
		return caller
	}
	parts[2], role = "iam", strings.SplitN(role, "/", 2)[0]
	parts[5] = "role/" + role
	return strings.Join(parts, ":")
}
