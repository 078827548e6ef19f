package history

import "strings"

// The event types that AWS records (API reference, HistoryEvent). Others may come;
// they are read and written all the same.
const (
	ActivityFailed               EventType = "ActivityFailed"
	ActivityScheduleFailed       EventType = "ActivityScheduleFailed"
	ActivityScheduled            EventType = "ActivityScheduled"
	ActivityStarted              EventType = "ActivityStarted"
	ActivitySucceeded            EventType = "ActivitySucceeded"
	ActivityTimedOut             EventType = "ActivityTimedOut"
	ChoiceStateEntered           EventType = "ChoiceStateEntered"
	ChoiceStateExited            EventType = "ChoiceStateExited"
	EvaluationFailed             EventType = "EvaluationFailed"
	ExecutionAborted             EventType = "ExecutionAborted"
	ExecutionFailed              EventType = "ExecutionFailed"
	ExecutionRedriven            EventType = "ExecutionRedriven"
	ExecutionStarted             EventType = "ExecutionStarted"
	ExecutionSucceeded           EventType = "ExecutionSucceeded"
	ExecutionTimedOut            EventType = "ExecutionTimedOut"
	FailStateEntered             EventType = "FailStateEntered"
	LambdaFunctionFailed         EventType = "LambdaFunctionFailed"
	LambdaFunctionScheduleFailed EventType = "LambdaFunctionScheduleFailed"
	LambdaFunctionScheduled      EventType = "LambdaFunctionScheduled"
	LambdaFunctionStartFailed    EventType = "LambdaFunctionStartFailed"
	LambdaFunctionStarted        EventType = "LambdaFunctionStarted"
	LambdaFunctionSucceeded      EventType = "LambdaFunctionSucceeded"
	LambdaFunctionTimedOut       EventType = "LambdaFunctionTimedOut"
	MapIterationAborted          EventType = "MapIterationAborted"
	MapIterationFailed           EventType = "MapIterationFailed"
	MapIterationStarted          EventType = "MapIterationStarted"
	MapIterationSucceeded        EventType = "MapIterationSucceeded"
	MapRunAborted                EventType = "MapRunAborted"
	MapRunFailed                 EventType = "MapRunFailed"
	MapRunRedriven               EventType = "MapRunRedriven"
	MapRunStarted                EventType = "MapRunStarted"
	MapRunSucceeded              EventType = "MapRunSucceeded"
	MapStateAborted              EventType = "MapStateAborted"
	MapStateEntered              EventType = "MapStateEntered"
	MapStateExited               EventType = "MapStateExited"
	MapStateFailed               EventType = "MapStateFailed"
	MapStateStarted              EventType = "MapStateStarted"
	MapStateSucceeded            EventType = "MapStateSucceeded"
	ParallelStateAborted         EventType = "ParallelStateAborted"
	ParallelStateEntered         EventType = "ParallelStateEntered"
	ParallelStateExited          EventType = "ParallelStateExited"
	ParallelStateFailed          EventType = "ParallelStateFailed"
	ParallelStateStarted         EventType = "ParallelStateStarted"
	ParallelStateSucceeded       EventType = "ParallelStateSucceeded"
	PassStateEntered             EventType = "PassStateEntered"
	PassStateExited              EventType = "PassStateExited"
	SucceedStateEntered          EventType = "SucceedStateEntered"
	SucceedStateExited           EventType = "SucceedStateExited"
	TaskFailed                   EventType = "TaskFailed"
	TaskScheduled                EventType = "TaskScheduled"
	TaskStartFailed              EventType = "TaskStartFailed"
	TaskStarted                  EventType = "TaskStarted"
	TaskStateAborted             EventType = "TaskStateAborted"
	TaskStateEntered             EventType = "TaskStateEntered"
	TaskStateExited              EventType = "TaskStateExited"
	TaskSubmitFailed             EventType = "TaskSubmitFailed"
	TaskSubmitted                EventType = "TaskSubmitted"
	TaskSucceeded                EventType = "TaskSucceeded"
	TaskTimedOut                 EventType = "TaskTimedOut"
	WaitStateAborted             EventType = "WaitStateAborted"
	WaitStateEntered             EventType = "WaitStateEntered"
	WaitStateExited              EventType = "WaitStateExited"
)

// EventTypes lists the types above.
func EventTypes() []EventType {
	return []EventType{
		ActivityFailed, ActivityScheduleFailed, ActivityScheduled, ActivityStarted, ActivitySucceeded,
		ActivityTimedOut, ChoiceStateEntered, ChoiceStateExited, EvaluationFailed, ExecutionAborted,
		ExecutionFailed, ExecutionRedriven, ExecutionStarted, ExecutionSucceeded, ExecutionTimedOut,
		FailStateEntered, LambdaFunctionFailed, LambdaFunctionScheduleFailed, LambdaFunctionScheduled, LambdaFunctionStartFailed,
		LambdaFunctionStarted, LambdaFunctionSucceeded, LambdaFunctionTimedOut, MapIterationAborted, MapIterationFailed,
		MapIterationStarted, MapIterationSucceeded, MapRunAborted, MapRunFailed, MapRunRedriven,
		MapRunStarted, MapRunSucceeded, MapStateAborted, MapStateEntered, MapStateExited,
		MapStateFailed, MapStateStarted, MapStateSucceeded, ParallelStateAborted, ParallelStateEntered,
		ParallelStateExited, ParallelStateFailed, ParallelStateStarted, ParallelStateSucceeded, PassStateEntered,
		PassStateExited, SucceedStateEntered, SucceedStateExited, TaskFailed, TaskScheduled,
		TaskStartFailed, TaskStarted, TaskStateAborted, TaskStateEntered, TaskStateExited,
		TaskSubmitFailed, TaskSubmitted, TaskSucceeded, TaskTimedOut, WaitStateAborted,
		WaitStateEntered, WaitStateExited,
	}
}

// knownTypes maps each type to itself.
var knownTypes = func() map[EventType]EventType {
	known := map[EventType]EventType{}
	for _, t := range EventTypes() {
		known[t] = t
	}
	return known
}()

const (
	enteredSuffix = "StateEntered"
	exitedSuffix  = "StateExited"
	detailsSuffix = "EventDetails"
)

// IsEntered reports a …StateEntered event.
func (t EventType) IsEntered() bool { return strings.HasSuffix(string(t), enteredSuffix) }

// IsExited reports a …StateExited event.
func (t EventType) IsExited() bool { return strings.HasSuffix(string(t), exitedSuffix) }

// StateType returns "Task" of TaskStateEntered and TaskStateExited, and "" of other types.
func (t EventType) StateType() string {
	if s, ok := strings.CutSuffix(string(t), enteredSuffix); ok {
		return s
	}
	s, _ := strings.CutSuffix(string(t), exitedSuffix)
	if len(s) == len(t) {
		return ""
	}
	return s
}

// Status returns the status that an execution has after an event that ends it, and "" of other types.
func (t EventType) Status() Status {
	switch t {
	case ExecutionSucceeded:
		return Succeeded
	case ExecutionFailed:
		return Failed
	case ExecutionAborted:
		return Aborted
	case ExecutionTimedOut:
		return TimedOut
	}
	return ""
}

// DetailsMember is the name of the JSON member that holds the details of events of this type.
func (t EventType) DetailsMember() string {
	switch {
	case t == "":
		return ""
	case t.IsEntered():
		return "stateEntered" + detailsSuffix
	case t.IsExited():
		return "stateExited" + detailsSuffix
	}
	return strings.ToLower(string(t[:1])) + string(t[1:]) + detailsSuffix
}

// isDetailsMember is t.DetailsMember() == name, without making the name.
func (t EventType) isDetailsMember(name string) bool {
	switch {
	case t == "":
		return false
	case t.IsEntered():
		return name == "stateEntered"+detailsSuffix
	case t.IsExited():
		return name == "stateExited"+detailsSuffix
	}
	rest, ok := strings.CutSuffix(name, detailsSuffix)
	return ok && len(rest) == len(t) && rest[1:] == string(t[1:]) && rest[:1] == strings.ToLower(string(t[:1]))
}
