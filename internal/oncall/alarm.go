package oncall

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/awscloud"
)

// Alarm is word of a failure, however it came.
type Alarm struct {
	Way          Way
	ExecutionARN string
	State        string         // Caught, Sent: the state that failed
	Failure      *CaughtFailure // Caught, Sent: what it was caught with; nil where that is not known
	Status       history.Status // Caught: SUCCEEDED, or "" for a failure
	Decide       *Terms         // Caught: what people may decide, where it is to wait for them
	At           time.Time      // when it happened, where that is told

	HandledBy string          // Sent: the state of the user's that goes on with it; "" where the execution ends
	Input     history.Payload // Sent: of the execution, where it went along
	Started   time.Time       // Sent: the execution

	Notice   *history.Notice // Event: what it tells of the failure itself
	LogGroup string          // Logged
	Events   []history.Event // Logged: those at hand
}

// Way is how an alarm came.
type Way string

// The ways.
const (
	Caught Way = "catch"  // from inside the workflow, which tells people itself
	Sent   Way = "sent"   // from inside a workflow that does not wait: people are told from here
	Status Way = "status" // EventBridge: "Step Functions Execution Status Change"
	Logged Way = "log"    // a subscription to the log group of an Express workflow
	Asked  Way = "asked"  // by somebody who wants to know, and to tell nobody else
	Digest Way = "digest" // a schedule: tell what happened since
)

// ErrNoAlarm is the error of an event that tells of nothing that failed.
var ErrNoAlarm = errors.New("nothing failed")

// detailTypes of EventBridge that are understood.
const (
	statusChange = "Step Functions Execution Status Change"
	scheduled    = "Scheduled Event"
)

// ReadAlarms tells by its form what an event is: what an instrumented workflow sends, an
// event of EventBridge, log events, or {"executionArn": …} alone. The error is ErrNoAlarm
// for an event that is understood and tells of no failure, such as that of an execution
// that waits for a decision.
func ReadAlarms(payload []byte) ([]Alarm, error) {
	var event struct {
		Event
		DetailType string `json:"detail-type"`
		AWSLogs    *struct {
			Data string `json:"data"`
		} `json:"awslogs"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	switch {
	case event.AWSLogs != nil:
		return logged(event.AWSLogs.Data)
	case event.DetailType == statusChange:
		return changed(payload)
	case event.Stepsleuth == instrument.WaitEvent:
		return nil, errWaits
	case event.DetailType == scheduled:
		return []Alarm{{Way: Digest}}, nil
	case event.ExecutionARN == "":
		return nil, errors.New("read the event: neither an executionArn, nor a status change of an execution, nor log events")
	}
	alarm := Alarm{Way: Asked, ExecutionARN: event.ExecutionARN}
	if event.Tell {
		return []Alarm{sent(event.Event)}, nil
	}
	if event.State != "" || event.Failure != nil || event.Status != "" {
		alarm.Way, alarm.State, alarm.Failure, alarm.Status = Caught, event.State, event.Failure, event.Status
		alarm.Decide = event.Decide
	}
	return []Alarm{alarm}, nil
}

func sent(e Event) Alarm {
	a := Alarm{Way: Sent, ExecutionARN: e.ExecutionARN, State: e.State, Failure: e.Failure, HandledBy: e.HandledBy, At: e.At.Time, Started: e.Started.Time}
	if input := string(e.Input); input != "" && input != "null" {
		a.Input = history.Text(input)
	}
	return a
}

// changed reads EventBridge's event.
func changed(payload []byte) ([]Alarm, error) {
	notice, err := history.ParseEvent(payload)
	if err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	x := notice.Execution
	switch x.Status {
	case history.Failed, history.TimedOut, history.Aborted:
		return []Alarm{{Way: Status, ExecutionARN: x.ARN, Notice: notice, At: x.Stop}}, nil
	}
	return nil, fmt.Errorf("%w: the execution is %s", ErrNoAlarm, x.Status)
}

// maxLogData is how large log events may be once they are unpacked.
const maxLogData = 32 << 20

// logged reads what CloudWatch Logs sends to a subscriber: the executions whose end is
// among the events, and was no success.
func logged(data string) ([]Alarm, error) {
	packed, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, fmt.Errorf("read the log events: %w", err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("read the log events: %w", err)
	}
	var batch struct {
		MessageType, LogGroup string
		LogEvents             []struct{ Message string }
	}
	if err := json.NewDecoder(io.LimitReader(r, maxLogData)).Decode(&batch); err != nil {
		return nil, fmt.Errorf("read the log events: %w", err)
	}
	if batch.MessageType == "CONTROL_MESSAGE" {
		return nil, fmt.Errorf("%w: CloudWatch Logs is testing the subscription", ErrNoAlarm)
	}
	var order []string
	events := map[string][]history.Event{}
	for _, l := range batch.LogEvents {
		arn, e, err := awscloud.ReadLogEvent(l.Message)
		if err != nil {
			continue // other lines may stand in the same group
		}
		if _, known := events[arn]; !known {
			order = append(order, arn)
		}
		events[arn] = append(events[arn], e)
	}
	var alarms []Alarm
	for _, arn := range order {
		for _, e := range events[arn] {
			if status := e.Type.Status(); status != "" && status != history.Succeeded {
				alarms = append(alarms, Alarm{Way: Logged, ExecutionARN: arn, LogGroup: batch.LogGroup, Events: events[arn], At: e.Time})
				break
			}
		}
	}
	if len(alarms) == 0 {
		return nil, fmt.Errorf("%w: no execution ended badly in these log events", ErrNoAlarm)
	}
	return alarms, nil
}
