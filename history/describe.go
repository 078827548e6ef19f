package history

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// record is what an Execution remembers of the JSON it was read from, so that
// Write gives the same again.
type record struct {
	start, stop string  // dates as they stood there
	extra       []extra // members this package does not know
	derived     derived
}

// derived is what the events told, or the ARN, and no member of its own.
type derived struct {
	name, machine string
	kind          Type
	status        Status
	start, stop   time.Time
	input, output Payload
	err, cause    *string
	redriveCount  int
}

// describeNext reads one member of what describe-execution answers.
func (r *reader) describeNext(name string) error {
	m, err := r.member(name)
	if err == nil {
		r.describe(m)
	}
	return err
}

func (r *reader) describe(m member) {
	if m.name == "nextToken" && m.text[0] == '"' && m.text != `""` {
		r.open++
		r.token = extra(m.extra())
		return
	}
	if !r.x.set(m.name, m.text) {
		r.x.record.extra = append(r.x.record.extra, m.extra())
	}
}

func (m member) extra() extra { return extra{m.name, m.text} }

// set takes over one member of DescribeExecution; false means that it has to be kept as it is.
func (x *Execution) set(name, text string) bool {
	switch name {
	case "executionArn":
		return setString(&x.ARN, text)
	case "name":
		return setString(&x.Name, text)
	case "stateMachineArn":
		return setString(&x.StateMachineARN, text)
	case "mapRunArn":
		return setString(&x.MapRunARN, text)
	case "type":
		return setString((*string)(&x.Type), text)
	case "status":
		return setString((*string)(&x.Status), text)
	case "startDate":
		return setDate(&x.Start, &x.record.start, text)
	case "stopDate":
		return setDate(&x.Stop, &x.record.stop, text)
	case "input":
		return setPayload(&x.Input, text)
	case "inputDetails":
		return setTruncated(&x.Input, text, "included")
	case "output":
		return setPayload(&x.Output, text)
	case "outputDetails":
		return setTruncated(&x.Output, text, "included")
	case "error":
		return setOptional(&x.Error, text)
	case "cause":
		return setOptional(&x.Cause, text)
	case "redriveCount":
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 { // 0 would not be written again
			return false
		}
		x.RedriveCount = n
		return true
	}
	return false
}

func setDate(dst *time.Time, stamp *string, text string) bool {
	t, ok := parseStamp(text)
	if !ok || t.IsZero() {
		return false
	}
	*dst, *stamp = t, text
	return true
}

// inOrder returns events oldest first, each once, and whether they are whole.
func inOrder(events []Event) (ordered []Event, whole bool) {
	byID := func(a, b Event) int { return int(a.ID - b.ID) }
	known := !slices.ContainsFunc(events, func(e Event) bool { return e.ID <= 0 })
	if known && !slices.IsSortedFunc(events, byID) {
		slices.SortStableFunc(events, byID)
	}
	if known {
		events = slices.CompactFunc(events, func(a, b Event) bool { return a.ID == b.ID && a.Type == b.Type && a.Time.Equal(b.Time) })
	}
	if len(events) == 0 {
		return events, false
	}
	whole = known && events[0].Type == ExecutionStarted && events[len(events)-1].Type.Status() != ""
	for i := range events {
		whole = whole && events[i].ID == events[0].ID+int64(i)
	}
	return events, whole
}

// derive fills in from the ARN and the events what nothing else told, and notes that it did.
func (x *Execution) derive() {
	d := &x.record.derived
	fill(&x.Name, &d.name, nameOf(x.ARN))
	fill(&x.StateMachineARN, &d.machine, MachineOf(x.ARN))
	fill(&x.Type, &d.kind, typeOf(x.ARN))
	events := x.Events()
	if len(events) == 0 {
		return
	}
	if first := &events[0]; first.Type == ExecutionStarted {
		fill(&x.Start, &d.start, first.Time)
		if first.Details != nil {
			x.fillPayload("inputDetails", &x.Input, &d.input, first.Details.Input)
		}
	}
	x.deriveEnd(lastWord(events))
}

// lastWord returns the last event that says how the execution stands, or nil.
func lastWord(events []Event) *Event {
	for i := len(events) - 1; i >= 0; i-- {
		if t := events[i].Type; t.Status() != "" || t == ExecutionRedriven {
			return &events[i]
		}
	}
	return nil
}

func (x *Execution) deriveEnd(last *Event) {
	if last == nil {
		return
	}
	d := &x.record.derived
	if last.Type == ExecutionRedriven {
		fill(&x.Status, &d.status, Running)
		if last.Details != nil && last.Details.RedriveCount != nil {
			fill(&x.RedriveCount, &d.redriveCount, int(*last.Details.RedriveCount))
		}
		return
	}
	fill(&x.Status, &d.status, last.Type.Status())
	fill(&x.Stop, &d.stop, last.Time)
	x.RedriveCount = max(x.RedriveCount, x.redrives(d))
	if last.Details == nil {
		return
	}
	x.fillPayload("outputDetails", &x.Output, &d.output, last.Details.Output)
	fill(&x.Error, &d.err, last.Details.Error)
	fill(&x.Cause, &d.cause, last.Details.Cause)
}

// redrives counts how often the execution was redriven, as far as its events tell.
func (x *Execution) redrives(d *derived) int {
	n := 0
	for _, e := range x.Events() {
		if e.Type == ExecutionRedriven {
			n++
			if e.Details != nil && e.Details.RedriveCount != nil {
				n = int(*e.Details.RedriveCount)
			}
		}
	}
	if n > x.RedriveCount {
		d.redriveCount = n
	}
	return n
}

// fillPayload is fill for payloads. Where describe-execution said only that it
// leaves the text out, that is kept to be said again.
func (x *Execution) fillPayload(details string, dst, note *Payload, v Payload) {
	if !dst.IsAbsent() || v.IsAbsent() {
		return
	}
	if dst.Details {
		x.record.extra = append(x.record.extra, extra{details, `{"included":` + strconv.FormatBool(!dst.Truncated) + `}`})
	}
	*dst, *note = v, v
}

// fill sets dst, where it is zero, to v, and says so in note.
func fill[T comparable](dst, note *T, v T) {
	var zero T
	if *dst == zero {
		*dst, *note = v, v
	}
}

// An execution's ARN is
//
//	arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME      or, of a Map run's child, MACHINE/LABEL:NAME
//	arn:aws:states:REGION:ACCOUNT:express:MACHINE:NAME:ID
const (
	arnKind    = 5
	arnMachine = 6
	arnName    = 7
)

func arnParts(arn string) []string {
	parts := strings.Split(arn, ":")
	if len(parts) <= arnName || parts[0] != "arn" || parts[arnKind] != "execution" && parts[arnKind] != "express" {
		return nil
	}
	return parts
}

func nameOf(arn string) string {
	if p := arnParts(arn); p != nil {
		return p[arnName]
	}
	return ""
}

func typeOf(arn string) Type {
	p := arnParts(arn)
	switch {
	case p == nil:
		return ""
	case p[arnKind] == "express":
		return Express
	}
	return Standard
}

// MachineOf returns the state machine's ARN that follows from an execution's, or "".
func MachineOf(executionARN string) string {
	p := arnParts(executionARN)
	if p == nil {
		return ""
	}
	machine, _, _ := strings.Cut(p[arnMachine], "/")
	return strings.Join(append(slices.Clone(p[:arnKind]), "stateMachine", machine), ":")
}
