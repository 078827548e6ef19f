package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// What the history and the definition add to what error and cause say.

// RetriesUsedUp sees a Retry that fitted the error and gave up before it passed.
var RetriesUsedUp = &diagnose.Rule{
	Name:  "retries-used-up",
	Doc:   "Contributing: the state's Retry fits the error, and all its attempts were used up: how many, and over what time.",
	Check: one(retriesUsedUp),
}

func retriesUsedUp(f *facts) *diagnose.Finding {
	r := f.retrier()
	if r == nil || f.sub.Attempts < 2 || int64(f.sub.Attempts) <= r.MaxAttempts || !f.mayPass() {
		return nil
	}
	waits := waitsOf(r)
	over := fmt.Sprintf("about %s of waiting", short60(waits))
	if d, ok := f.took(); ok {
		over = short60(d.Seconds())
	}
	d := f.contributing(fmt.Sprintf("%d attempts within %s were not enough", f.sub.Attempts, over),
		fmt.Sprintf("%s was tried %d times over %s (MaxAttempts %d, BackoffRate %g), and %s did not pass in that time.", upper(f.here()), f.sub.Attempts, over, r.MaxAttempts, r.BackoffRate, named(or(f.top.Error, "the error"))),
		"What passes by itself may take longer than these attempts: a throttled service and an outage last minutes. Attempts that come close together add to a throttle.",
		diagnose.Remedy{Title: "Try for longer, and not all at once", Steps: []string{fmt.Sprintf(`Let the entry wait longer: {"IntervalSeconds": 5, "MaxAttempts": 8, "BackoffRate": 2, "MaxDelaySeconds": 300, "JitterStrategy": "FULL"} goes on for about 20 minutes; this one did for %s.`, over)}})
	d.Focus = f.focusField("gave up too early", "Retry")
	return d
}

// retrier is the entry of the state's Retry that takes the error, or nil.
func (f *facts) retrier() *asl.Retrier {
	s := f.outerState()
	if s == nil {
		return nil
	}
	for _, r := range s.Retry {
		for _, e := range r.ErrorEquals {
			if e == f.top.Error || e == "States.ALL" || e == "States.TaskFailed" && f.top.Error != "States.Timeout" {
				return r
			}
		}
	}
	return nil
}

// mayPass reports that the error is of a kind that passes by itself.
func (f *facts) mayPass() bool {
	switch f.signal().category {
	case diagnose.Throttling, diagnose.ServiceError, diagnose.Network, diagnose.Concurrency, diagnose.Quota:
		return true
	}
	return f.timedOut() || lambdaTimeout(f) != nil
}

// waitsOf adds up the seconds that r waits between its attempts, without jitter.
func waitsOf(r *asl.Retrier) float64 {
	sum, wait := 0.0, float64(r.IntervalSeconds)
	for range min(r.MaxAttempts, 50) {
		if r.MaxDelaySeconds > 0 {
			wait = min(wait, float64(r.MaxDelaySeconds))
		}
		sum += wait
		wait *= r.BackoffRate
	}
	return sum
}

// took is the time from when the state was entered to its failure, by the history.
func (f *facts) took() (time.Duration, bool) {
	if f.c.Execution == nil || f.sub.EnteredEvent == 0 || f.sub.FailedEvent == 0 {
		return 0, false
	}
	var from, to time.Time
	for _, e := range f.c.Execution.Events() {
		switch e.ID {
		case f.sub.EnteredEvent:
			from = e.Time
		case f.sub.FailedEvent:
			to = e.Time
		}
	}
	if from.IsZero() || !to.After(from) {
		return 0, false
	}
	return to.Sub(from), true
}

// short60 says seconds the way people do: "14 s", "3 min", "2.5 h".
func short60(s float64) string {
	switch {
	case s < 90:
		return fmt.Sprintf("%.0f s", s)
	case s < 90*60:
		return fmt.Sprintf("%.0f min", s/60)
	}
	return strings.Replace(fmt.Sprintf("%.1f h", s/3600), ".0 h", " h", 1)
}

// cameFrom is the state that the execution was in before the failing one, by the
// history, and a sentence on how it led there, where it is a Choice; "" unknown.
func (f *facts) cameFrom() (state, how string) {
	if f.c.Execution == nil || f.sub.EnteredEvent == 0 || f.nested != nil {
		return "", ""
	}
	byID := map[int64]*history.Event{}
	for _, e := range f.c.Execution.Events() {
		byID[e.ID] = &e
	}
	entered := byID[f.sub.EnteredEvent]
	if entered == nil {
		return "", ""
	}
	exited := byID[entered.PreviousID]
	if exited == nil || exited.Details == nil || !strings.HasSuffix(string(exited.Type), "StateExited") {
		return "", ""
	}
	state = exited.Details.Name
	how = fmt.Sprintf("%s led there.", upper(named(state)))
	if f.c.Machine == nil || looksLikeName(state) && findState(f.c.Machine, state) == nil {
		return state, how
	}
	if turn := turnOf(findState(f.c.Machine, state), f.sub.State, exited.Details.Output); turn != "" {
		how = fmt.Sprintf("The Choice %s led there, %s.", named(state), turn)
	}
	return state, how
}

// turnOf says by which rule a Choice goes to next, as far as only one can have taken it there.
func turnOf(choice *asl.State, next string, data history.Payload) string {
	if choice == nil || choice.Type != asl.Choice {
		return ""
	}
	var by []string
	for i, r := range choice.Choices {
		if r.Next != next {
			continue
		}
		rule := fmt.Sprintf("by its rule %d", i+1)
		if r.Variable != nil && r.Operator != "" && isPath(r.Variable.Text) {
			rule += fmt.Sprintf(" (%s %s %s)", r.Variable.Text, r.Operator, harmless(r.Value.JSON()))
		}
		by = append(by, rule)
	}
	if choice.Default == next {
		rule := "by its Default, as none of its rules fitted"
		if seen := comparedValues(choice, data); seen != "" {
			rule += ": " + seen
		}
		by = append(by, rule)
	}
	if len(by) != 1 {
		return ""
	}
	return by[0]
}

// comparedValues are the values that a Choice compared: "$.status is “DONE”".
func comparedValues(choice *asl.State, data history.Payload) string {
	in, err := value.Parse(data.String())
	if err != nil || data.IsAbsent() || data.Truncated {
		return ""
	}
	var seen []string
	for _, r := range choice.Choices {
		if r.Variable == nil || !isPath(r.Variable.Text) {
			continue
		}
		if v, ok := follow(in, r.Variable.Text); ok && v.Members() == nil && v.Items() == nil {
			text, isText := v.AsString()
			if !isText {
				text = v.JSON()
			}
			seen = append(seen, fmt.Sprintf("%s was %s", r.Variable.Text, quoted(text)))
		}
	}
	seen = uniq(seen)
	return list(seen[:min(3, len(seen))])
}

// iterations says in which item of a Map it happened, and which other items
// failed in the same state; "" where the history tells no iteration.
func (f *facts) iterations() string {
	of, index, ok := iterationOf(f.sub.Path)
	if !ok {
		return ""
	}
	items := []string{index}
	for _, o := range f.c.Others {
		if in, i, ok := iterationOf(o.Path); ok && in == of && o.State == f.sub.State && !slices.Contains(items, i) {
			items = append(items, i)
		}
	}
	where := "of the Map"
	if of != "" {
		where = "of the Map " + named(of)
	}
	if len(items) == 1 {
		return fmt.Sprintf("It happened in item %s %s, counted from 0.", index, where)
	}
	more := ""
	if len(items) > 8 {
		items, more = items[:8], " and more"
	}
	return fmt.Sprintf("It happened in the items %s%s %s, counted from 0.", list(items), more, where)
}

// iterationOf is the innermost iteration in a failure's path: ["Fan", "[3]"].
func iterationOf(path []string) (of, index string, ok bool) {
	for i := len(path) - 1; i >= 0; i-- {
		if p := path[i]; strings.HasPrefix(p, "[") && strings.HasSuffix(p, "]") {
			if i > 0 {
				of = path[i-1]
			}
			return of, strings.Trim(p, "[]"), true
		}
	}
	return "", "", false
}

// caughtBefore is the name of an error that the state's input still holds from a
// catcher before it; "" none.
func (f *facts) caughtBefore() string {
	if c := f.caughtCause(); c != nil {
		return or(c.Error, "an error without a name")
	}
	return ""
}

// caughtCause is that error, taken apart; nil: none.
func (f *facts) caughtCause() *diagnose.Cause {
	if o := f.c.Origin; o != nil && f.c.HandlerFailed {
		return diagnose.ReadCause(o.Error, o.Cause)
	}
	in := f.input()
	if in.IsAbsent() {
		in = f.quotedInput()
	}
	if hasKeys(in, "Error", "Cause") {
		return errorOutput(in)
	}
	for _, m := range in.Members() {
		if hasKeys(m.Value, "Error", "Cause") {
			return errorOutput(m.Value)
		}
	}
	return nil
}

// errorOutput reads what a catcher passes on: {"Error": …, "Cause": …}.
func errorOutput(v value.Value) *diagnose.Cause {
	text := func(member string) *string {
		m, _ := v.Get(member)
		if s, ok := m.AsString(); ok {
			return &s
		}
		return nil
	}
	return diagnose.ReadCause(text("Error"), text("Cause"))
}

// quotedInput is the input that a message about a path quotes, absent where it
// quotes none or not all of it.
func (f *facts) quotedInput() value.Value {
	if f.nested != nil {
		return value.Value{}
	}
	i := strings.Index(f.msg, "could not be found in the input '")
	if i < 0 {
		return value.Value{}
	}
	text := strings.TrimRight(f.msg[i+len("could not be found in the input '"):], "'. \n")
	v, err := value.Parse(text)
	if err != nil {
		return value.Value{}
	}
	return v
}
