package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// expectation is how an execution must end. The nil expectation takes anything.
type expectation struct {
	status       string
	error, cause *string
	output       value.Value // absent: any
	transitions  int         // 0: any

	mu   sync.Mutex
	seen string // an output text that was found equal
}

func readExpectation(name string, stdin io.Reader) (*expectation, error) {
	text, err := readData(name, "expected result", stdin, maxInput)
	if err != nil {
		return nil, err
	}
	var fields struct {
		Status       *string
		Error, Cause *string
		Output       json.RawMessage
		Transitions  int
	}
	if err := value.Decode(text, &fields); err != nil {
		return nil, inFile(name, err)
	}
	if fields.Status == nil {
		return nil, fmt.Errorf(`%s: no status; an expected result is {"status": "SUCCEEDED", "output": …} or {"status": "FAILED", "error": …, "cause": …}`, label(name))
	}
	e := &expectation{status: *fields.Status, error: fields.Error, cause: fields.Cause, transitions: fields.Transitions}
	if fields.Output != nil {
		e.output, err = value.ParseBytes(fields.Output)
	}
	return e, err
}

func (e *expectation) check(x *history.Execution) error {
	switch {
	case e == nil:
		return nil
	case string(x.Status) != e.status:
		return fmt.Errorf("the execution is %s, expected %s", x.Status, e.status)
	case !sameText(e.error, x.Error):
		return fmt.Errorf("the error is %s, expected %s", quoted(x.Error), quoted(e.error))
	case !sameText(e.cause, x.Cause):
		return fmt.Errorf("the cause is %s, expected %s", quoted(x.Cause), quoted(e.cause))
	case e.output.IsAbsent():
		return nil
	}
	return e.checkOutput(x.Output.String())
}

func (e *expectation) checkOutput(text string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen == text && text != "" {
		return nil
	}
	got, err := value.Parse(text)
	if err != nil || !value.Equal(got, e.output) {
		return fmt.Errorf("the output is %.200s, expected %.200s", text, e.output.JSON())
	}
	e.seen = text
	return nil
}

func (e *expectation) checkTransitions(n int) error {
	if e == nil || e.transitions == 0 || n == e.transitions {
		return nil
	}
	return fmt.Errorf("the execution entered %d states, expected %d", n, e.transitions)
}

// sameText reports that a text is as expected; what is not expected may be anything.
func sameText(want, got *string) bool { return want == nil || got != nil && *got == *want }

func quoted(s *string) string {
	if s == nil {
		return "absent"
	}
	return strconv.Quote(*s)
}
