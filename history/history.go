// Package history holds what happened in an execution: the events that AWS Step
// Functions records, read from and written to the JSON of get-execution-history.
//
// It is the narrow waist of stepsleuth: the engine writes an Execution, the
// diagnosis reads one, and neither knows the other. This package knows nothing of
// engines and passes no judgement.
package history

import "time"

// Status is the state of an execution as DescribeExecution gives it.
type Status string

// The statuses of executions. Unknown ("") is that of a history that does not tell.
const (
	Running        Status = "RUNNING"
	Succeeded      Status = "SUCCEEDED"
	Failed         Status = "FAILED"
	TimedOut       Status = "TIMED_OUT"
	Aborted        Status = "ABORTED"
	PendingRedrive Status = "PENDING_REDRIVE"
)

// Execution is one run of a state machine. Members that are not known are zero.
type Execution struct {
	ARN             string
	Name            string
	StateMachineARN string
	MapRunARN       string
	Type            Type // Standard or Express; "" where unknown
	Status          Status
	Start, Stop     time.Time
	Input, Output   Payload
	Error, Cause    *string // absent (nil) is not empty
	RedriveCount    int
	Incomplete      bool // events are known to be missing (a page, the end, the beginning)

	log    log
	record *record // nil: it was not read
}

// Type is the kind of workflow.
type Type string

// The two kinds of workflow.
const (
	Standard Type = "STANDARD"
	Express  Type = "EXPRESS"
)

// Event is one entry of a history.
type Event struct {
	ID         int64 // from 1
	PreviousID int64 // 0: none
	Type       EventType
	Time       time.Time
	Details    *Details // nil: the event carries no details member

	stamp string // the timestamp as it stood in the JSON that was read
	rare  *rare  // what only unusual events have
}

// EventType names what happened: "TaskStateEntered", "LambdaFunctionFailed".
type EventType string

// Details is the union of all that AWS records of events; which members an event
// uses follows from its type, and so does the name of the details member in JSON.
type Details struct {
	Name              string // state, or Map of an iteration
	Index             *int64 // MapIteration…: from 0
	Length            *int64 // MapStateStarted
	Input, Output     Payload
	Parameters        Payload
	Error, Cause      *string // absent (nil) is not empty
	Resource          string
	ResourceType      string
	Region            string
	RoleARN           string
	TimeoutSeconds    *int64
	HeartbeatSeconds  *int64
	TaskCredentials   string // taskCredentials.roleArn
	AliasARN          string // stateMachineAliasArn
	VersionARN        string // stateMachineVersionArn
	MapRunARN         string
	RedriveCount      *int64
	WorkerName        *string
	AssignedVariables []Variable // in the order recorded; nil: member absent
	AssignedDetails   *bool      // assignedVariablesDetails.truncated; nil: member absent
	State             string     // EvaluationFailed
	Location          *string    // EvaluationFailed

	extra []extra // members this package does not know, kept for writing
}

// Variable is one assignedVariables entry: the variable's name and the JSON text of its value.
type Variable struct {
	Name string
	Text Payload
}
