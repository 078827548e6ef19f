package diagnose

import (
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
)

// maxOthers is how many of the other failures are shown.
const maxOthers = 20

// Location is what a history tells of failures.
type Location struct {
	Failure       *Failure  // the one that ended the execution; nil where it did not fail
	Origin        *Failure  // an earlier, caught failure that led to Failure
	HandlerFailed bool      // Failure is one of its own, in what was to handle Origin
	Others        []Failure // in the order in which they happened: first 20
	OtherCount    int
}

// Locate finds the failure that ended the execution, the failure it began with,
// and the others that are in its history. It takes linear time, and reads
// payloads only of states that failed.
//
// The definition may be nil; it adds what the history leaves out: the states
// around the one that failed, its resource, the texts of a Fail. The histories of
// the executions that x started, or of a Map run's children, may be given beside it.
func Locate(x *history.Execution, m *asl.Machine, children ...*history.Execution) Location {
	if x == nil {
		return Location{}
	}
	l := &locator{trace: newTrace(x.Events()), x: x, machine: m, children: children}
	return l.locate()
}

type locator struct {
	*trace
	x        *history.Execution
	machine  *asl.Machine
	children []*history.Execution
}

func (l *locator) locate() Location {
	var loc Location
	origin := none
	switch l.status() {
	case history.Failed:
		l.unfinished()
		loc.Failure = l.ending()
		if l.final != none {
			l.failures[l.final].outcome = Ended
			origin = l.origin(l.final)
		}
	case history.Aborted:
		loc.Failure = l.stopped()
		loc.Failure.Aborted = true
	case history.TimedOut:
		loc.Failure = l.stopped()
		loc.Failure.TimedOut = true
	}
	if origin != none {
		f := l.failure(origin)
		loc.Origin = &f
		loc.HandlerFailed = loc.Failure.StateType != "Fail"
	}
	l.others(&loc, origin)
	return loc
}

// status is how the execution ended: as its last event says, else as
// describe-execution does. Events without an end that break off at a failure
// are taken for a failed execution.
func (l *locator) status() history.Status {
	if l.end != none {
		return l.events[l.end].Type.Status()
	}
	if s := l.x.Status; s != "" {
		return s
	}
	if n := len(l.events); n > 0 && l.in[n-1] != none {
		if f := l.entries[l.in[n-1]].pending; f != none && l.failures[f].outcome == "" {
			return history.Failed
		}
	}
	if len(l.events) == 0 && (l.x.Error != nil || l.x.Cause != nil) {
		return history.Failed
	}
	return ""
}

// unfinished finds the failure of a history whose end is missing.
func (l *locator) unfinished() {
	if l.end != none || l.final != none || len(l.events) == 0 {
		return
	}
	n := l.named(l.x.Cause)
	if n == none {
		n = l.guess(l.x.Error)
	}
	if n != none {
		l.final = l.endedBy(n, int32(len(l.events)-1), l.x.Error)
	}
}

// ending is the failure that ended the execution, with the execution's own error and cause.
func (l *locator) ending() *Failure {
	f := Failure{Outcome: Ended, Error: l.x.Error, Cause: l.x.Cause, At: l.x.Stop}
	if l.final != none {
		f = l.failure(l.final)
		f.Outcome = Ended
	}
	if l.end != none {
		e := &l.events[l.end]
		f.At = e.Time
		if l.final == none || !l.tells(l.failures[l.final].event) {
			f.FailedEvent = e.ID
		}
		f.Error, f.Cause = nil, nil
		if e.Details != nil {
			f.Error, f.Cause = e.Details.Error, e.Details.Cause
		}
	}
	if (l.end == none || f.Error == nil && f.Cause == nil) && (l.x.Error != nil || l.x.Cause != nil) {
		f.Error, f.Cause = l.x.Error, l.x.Cause
	}
	l.within(&f)
	return &f
}

// tells reports that an event is that of work that failed, not one that only
// says that a state was entered, or that a Map or Parallel failed of it.
func (l *locator) tells(i int32) bool {
	t := l.events[i].Type
	return !t.IsEntered() && !t.IsExited() && t != history.MapIterationFailed && t != history.MapStateFailed && t != history.ParallelStateFailed
}

// stopped is where an execution was that was stopped from outside, or by its own TimeoutSeconds.
func (l *locator) stopped() *Failure {
	var f Failure
	if n := l.stuck(); n != none {
		f = l.describe(n)
	}
	f.Outcome, f.At, f.Error, f.Cause = Ended, l.x.Stop, l.x.Error, l.x.Cause
	if l.end != none {
		e := &l.events[l.end]
		f.FailedEvent, f.At = e.ID, e.Time
		if e.Details != nil {
			f.Error, f.Cause = e.Details.Error, e.Details.Cause
		}
	}
	return &f
}

// failure describes failure g.
func (l *locator) failure(g int32) Failure {
	at := &l.failures[g]
	f := l.describe(at.entry)
	e := &l.events[at.event]
	f.FailedEvent, f.At, f.Outcome, f.EndedAt = e.ID, e.Time, at.outcome, at.target
	if e.Details != nil && !e.Type.IsEntered() && !e.Type.IsExited() {
		f.Error, f.Cause = e.Details.Error, e.Details.Cause
	}
	if f.Error == nil && f.Cause == nil {
		l.tellFromElsewhere(&f, at)
	}
	f.Heartbeat = l.heartbeat(at.entry, &f)
	f.Nested = nested(f.Cause)
	l.within(&f)
	return f
}

// tellFromElsewhere fills in error and cause of a failure that has no event of
// its own: from the catcher's error output, or from what a Fail says.
func (l *locator) tellFromElsewhere(f *Failure, at *failing) {
	if at.catcher != none {
		if o, ok := newErrorOutput(l.input(at.catcher), l.output(at.catcher)); ok {
			f.Error, f.Cause = o.err, o.cause
			return
		}
	}
	if s := l.defined(f.State); s != nil && s.Fail != nil {
		f.Error, f.Cause = literal(s.Fail.Error), literal(s.Fail.Cause)
	}
}

func literal(t *asl.TextOr) *string {
	if t == nil {
		return nil
	}
	return t.Text
}

// describe tells what is known of an entry, whether it failed or not.
func (l *locator) describe(n int32) Failure {
	x := &l.entries[n]
	f := Failure{State: x.name, StateType: x.kind, Path: l.path(n), Attempts: l.attempts(x)}
	if x.event != none {
		f.EnteredEvent = l.events[x.event].ID
	}
	f.Input, f.Rebuilt = l.inputOf(n)
	if x.scheduled != none {
		l.work(&f, &l.events[x.scheduled])
	}
	if x.mapRun != none && l.events[x.mapRun].Details != nil {
		f.MapRunARN = l.events[x.mapRun].Details.MapRunARN
	}
	if s := l.defined(x.name); s != nil {
		if s.Task != nil && s.Task.Resource != "" {
			f.Resource = s.Task.Resource
		}
		if f.StateType == "" {
			f.StateType = string(s.Type)
		}
	}
	return f
}

// attempts counts a state that has no work to schedule as tried once.
func (l *locator) attempts(x *entry) int {
	switch x.kind {
	case "Task", "Map", "Parallel":
		return x.attempts
	}
	return 1
}

// work takes over what the event says that scheduled the work.
func (l *locator) work(f *Failure, e *history.Event) {
	d := e.Details
	if d == nil {
		return
	}
	f.Parameters = d.Parameters
	if f.Parameters.IsAbsent() {
		f.Parameters = d.Input
	}
	f.Resource = d.Resource
	if e.Type == history.TaskScheduled && d.ResourceType != "" {
		f.Resource = "arn:" + l.partition() + ":states:::" + d.ResourceType + ":" + d.Resource
	}
}

func (l *locator) partition() string {
	if p := strings.SplitN(l.x.ARN, ":", 3); len(p) == 3 && p[1] != "" {
		return p[1]
	}
	return "aws"
}

// path names the states around an entry from the outside, iterations as "[3]".
// The outermost ones may not be recorded: those the definition tells.
func (l *locator) path(n int32) []string {
	var inwards []string
	known := 0 // names among them
	for s := l.entries[n].scope; l.scopes[s].owner != none; s = l.entries[l.scopes[s].owner].scope {
		if i := l.scopes[s].index; i >= 0 {
			inwards = append(inwards, iterationName(i))
		}
		inwards = append(inwards, l.entries[l.scopes[s].owner].name)
		if known++; known == maxDepth {
			break
		}
	}
	path := make([]string, 0, len(inwards))
	if around := enclosing(l.machine, l.entries[n].name); len(around) > known {
		for _, s := range around[:len(around)-known] {
			path = append(path, s.Name)
		}
	}
	for i := len(inwards) - 1; i >= 0; i-- {
		path = append(path, inwards[i])
	}
	return path
}

// heartbeat reports that work with a heartbeat timed out.
func (l *locator) heartbeat(n int32, f *Failure) bool {
	if f.Error == nil || *f.Error != "States.Timeout" && *f.Error != "States.HeartbeatTimeout" {
		return false
	}
	if i := l.entries[n].scheduled; i != none && l.events[i].Details != nil && l.events[i].Details.HeartbeatSeconds != nil {
		return true
	}
	return *f.Error == "States.HeartbeatTimeout"
}

// others lists the failures that are neither Failure nor Origin.
func (l *locator) others(loc *Location, origin int32) {
	l.turns += len(l.failures)
	for g := range l.failures {
		if int32(g) == l.final && loc.Failure != nil || int32(g) == origin {
			continue
		}
		loc.OtherCount++
		if len(loc.Others) < maxOthers {
			loc.Others = append(loc.Others, l.failure(int32(g)))
		}
	}
}

// within looks into the histories of the executions that failed inside.
func (l *locator) within(f *Failure) {
	if f.Nested == nil && f.MapRunARN == "" || f.Within != nil {
		return
	}
	for _, child := range l.children {
		if f.Nested != nil && child.ARN == f.Nested.ARN || f.MapRunARN != "" && child.MapRunARN == f.MapRunARN {
			var m *asl.Machine
			if f.MapRunARN != "" {
				m = l.machine
			}
			if inner := Locate(child, m); inner.Failure != nil {
				f.Within = inner.Failure
				return
			}
		}
	}
}
