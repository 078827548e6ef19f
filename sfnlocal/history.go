package sfnlocal

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/awsjson"
)

// historyOutput is GetExecutionHistory's answer, its events written by history.
type historyOutput struct {
	Events    []json.RawMessage
	NextToken *string
}

func (s *Server) getExecutionHistory(_ context.Context, in *sfn.GetExecutionHistoryInput) (*historyOutput, error) {
	events, err := s.events(*in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	events, next, err := page(events, func(e history.Event) int64 { return e.ID }, pageRequest{
		list: "history " + *in.ExecutionArn, max: in.MaxResults, token: in.NextToken, reverse: in.ReverseOrder,
	})
	if err != nil {
		return nil, err
	}
	withData := in.IncludeExecutionData == nil || *in.IncludeExecutionData
	out := &historyOutput{NextToken: next, Events: make([]json.RawMessage, len(events))}
	for i := range events {
		out.Events[i] = appendEvent(nil, &events[i], withData)
	}
	return out, nil
}

// events returns what has happened so far in an execution or in a map run's child.
func (s *Server) events(text string) ([]history.Event, error) {
	e, err := s.find(text)
	if err == nil {
		return s.eventsOf(e), nil
	}
	if child := s.findChild(text); child != nil && child.ended {
		return child.info.Events(), nil
	} else if child != nil {
		return nil, nil
	}
	return nil, err
}

// rendered is the history that was asked for last, as clients ask page by page.
type rendered struct {
	running *engine.Running
	events  []history.Event
}

func (s *Server) eventsOf(e *execution) []history.Event {
	running := e.latest()
	if _, ended := e.end(); !ended {
		return running.History()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recent.running != running {
		s.recent = rendered{running, running.History()}
	}
	return s.recent.events
}

// appendEvent writes an event with its time as the API has it, and without inputs
// and outputs where they are not wanted.
func appendEvent(dst []byte, e *history.Event, withData bool) []byte {
	event := *e
	event.Time = time.Time{} // history writes it as the CLI shows it
	if !withData && e.Details != nil {
		details := *e.Details
		details.Input = history.Payload{Details: details.Input.Details}
		details.Output = history.Payload{Details: details.Output.Details}
		event.Details = &details
	}
	dst = awsjson.Seconds(append(dst, `{"timestamp":`...), e.Time)
	return append(append(dst, ','), event.AppendJSON(nil)[1:]...)
}
