package engine

import (
	"fmt"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Error names that Step Functions itself raises (ASL "Errors").
const (
	errAll               = "States.ALL"
	errTimeout           = "States.Timeout"
	errTaskFailed        = "States.TaskFailed"
	errRuntime           = "States.Runtime"
	errDataLimit         = "States.DataLimitExceeded"
	errQueryEvaluation   = "States.QueryEvaluationError"
	errItemReader        = "States.ItemReaderFailed"
	errResultWriter      = "States.ResultWriterFailed"
	errToleratedFailures = "States.ExceedToleratedFailureThreshold"
	errHeartbeat         = "States.HeartbeatTimeout"
	errIntrinsic         = "States.IntrinsicFailure"
)

// failure is an error inside the machine: what retriers and catchers look at. A
// nil name or cause is one that is not there, which is not an empty one.
type failure struct {
	name, cause *string

	// fatal says that neither retriers nor catchers apply: States.Runtime.
	fatal bool

	// heartbeat says that States.Timeout stands for a missed heartbeat, which goes by
	// the name of States.HeartbeatTimeout as well.
	heartbeat bool

	// evaluation is set where a JSONata field failed, which has an event of its own.
	evaluation *evaluation
}

// evaluation is what an EvaluationFailed event says beyond error and cause.
type evaluation struct {
	location *string // the field, "Arguments/Input"; nil where it is the state's input
}

func newFailure(name, cause string) *failure { return &failure{name: &name, cause: &cause} }

// What Step Functions keeps of an error and its cause, in characters (API reference,
// TaskFailedEventDetails and all its like): so a cause always fits into the state's output
// of 256 KiB that a catcher makes of it.
const (
	maxError = 256
	maxCause = 32768
)

// failure is what becomes of a task's error in the machine.
func (e *TaskError) failure() *failure {
	f := &failure{name: e.Name, cause: e.Cause}
	if e.Name != nil {
		name := firstRunes(*e.Name, maxError)
		f.name = &name
	}
	if e.Cause != nil {
		cause := firstRunes(*e.Cause, maxCause)
		f.cause = &cause
	}
	return f
}

// firstRunes cuts a text after n characters.
func firstRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// runtimeFailure is a States.Runtime: AWS lets nothing catch it, not even
// States.ALL or its own name.
func (t *thread) runtimeFailure(format string, args ...any) *failure {
	f := newFailure(errRuntime, t.atState()+fmt.Sprintf(format, args...))
	f.fatal = true
	return f
}

// queryFailure is a States.QueryEvaluationError in a field of a JSONata state.
func (t *thread) queryFailure(location, format string, args ...any) *failure {
	f := newFailure(errQueryEvaluation, t.atState()+fmt.Sprintf(format, args...))
	f.evaluation = &evaluation{}
	if location != "" {
		f.evaluation.location = &location
	}
	return f
}

// atState begins the causes of errors that Step Functions raises itself. A state
// that is tested alone is no part of an execution: there the cause begins with what
// went wrong.
func (t *thread) atState() string {
	if t.x.req.inspect != nil {
		return ""
	}
	return fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). ", t.node.name, t.entered)
}

// tooLarge is what a result over the payload limit raises; what names the state or the task.
func tooLarge(what string) *failure {
	return newFailure(errDataLimit, "The state/task '"+what+"' returned a result with a size exceeding the maximum number of bytes service limit.")
}

// output is the Error Output: what catchers pass on (ASL "Error Output").
func (f *failure) output() value.Value {
	var b value.Builder
	b.Set("Error", textOrNull(f.name))
	b.Set("Cause", textOrNull(f.cause))
	return b.Object()
}

func textOrNull(s *string) value.Value {
	if s == nil {
		return value.Null()
	}
	return value.String(*s)
}

// matches reports whether one of the names in ErrorEquals stands for f.
func (f *failure) matches(errorEquals []string) bool {
	if f.fatal || f.name != nil && *f.name == errRuntime {
		return false
	}
	for _, name := range errorEquals {
		switch {
		case name == errAll:
			return true
		case name == errTaskFailed && (f.name == nil || *f.name != errTimeout):
			return true
		case f.name == nil:
		case name == *f.name:
			return true
		case name == errHeartbeat && f.heartbeat:
			return true
		}
	}
	return false
}
