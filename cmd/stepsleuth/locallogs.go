package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/functions"
	"github.com/stepsleuth/stepsleuth/internal/lambdart"
)

// localLogs collects what the function that failed logged where it ran on this machine.
type localLogs struct{ functions *functions.Set }

// How much of a function's log is evidence, as for what ran on AWS.
const (
	maxLogLines = 40
	maxLogLine  = 1 << 10
)

// Collect implements diagnose.Collector. The request is the one that the cause names,
// else the function's latest: its retries log before it.
func (l localLogs) Collect(_ context.Context, c *diagnose.Case) ([]diagnose.Evidence, error) {
	f := c.Subject()
	if f == nil {
		return nil, nil
	}
	name := calledFunction(f)
	lines := l.functions.Logs(name, "")
	if name == "" || len(lines) == 0 {
		return nil, nil // it did not run here, or said nothing
	}
	id := lines[len(lines)-1].RequestID
	for _, line := range lines {
		if f.Cause != nil && line.RequestID != "" && strings.Contains(*f.Cause, line.RequestID) {
			id = line.RequestID
			break
		}
	}
	lines = slices.DeleteFunc(lines, func(line lambdart.Line) bool { return line.RequestID != id })
	return []diagnose.Evidence{{
		Source: diagnose.FromLog, At: f.At, // in the execution's time, which is virtual
		Text: fmt.Sprintf("log group /aws/lambda/%s of this machine, by request id %s\n%s", name, id, tailOf(lines)),
	}}, nil
}

// calledFunction is the name of the function that a failed task called; "" for none.
func calledFunction(f *diagnose.Failure) string {
	if strings.Contains(f.Resource, ":lambda:") && strings.Contains(f.Resource, ":function:") {
		return functions.Name(f.Resource)
	}
	var given struct{ FunctionName string }
	if !strings.Contains(f.Resource, ":::lambda:invoke") || json.Unmarshal([]byte(f.Parameters.String()), &given) != nil {
		return ""
	}
	return functions.Name(given.FunctionName)
}

// tailOf is the end of a log as text.
func tailOf(lines []lambdart.Line) string {
	var b strings.Builder
	if omitted := len(lines) - maxLogLines; omitted > 0 {
		fmt.Fprintf(&b, "(%d earlier lines)\n", omitted)
		lines = lines[omitted:]
	}
	for _, line := range lines {
		text := line.Text
		if len(text) > maxLogLine {
			text = strings.ToValidUTF8(text[:maxLogLine], "") + " …"
		}
		b.WriteString(text + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
