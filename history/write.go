package history

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Write writes an execution as the JSON of get-execution-history, an event a
// line, with what is known of the execution besides around it as
// describe-execution names it. What Read read it writes again: nothing is lost,
// and what was only derived is not added.
func Write(w io.Writer, x *Execution) error {
	b := append([]byte{'{'}, x.appendDescription(nil)...)
	b = appendName(b, "events")
	b = append(b, '[')
	for i, e := range x.Events() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '\n')
		b = e.AppendJSON(b)
		if len(b) >= flushAt {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	b = append(b, "\n]}\n"...)
	_, err := w.Write(b)
	return err
}

const flushAt = 1 << 20

// AppendJSON appends the event as get-execution-history gives it.
func (e *Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	if e.stamp != "" || !e.Time.IsZero() {
		dst = appendStamp(appendName(dst, "timestamp"), e.Time, e.stamp)
	}
	dst = appendString(appendName(dst, "type"), string(e.Type))
	if e.ID != 0 || !e.has("id") {
		dst = strconv.AppendInt(appendName(dst, "id"), e.ID, 10)
	}
	if e.PreviousID != 0 || e.rare == nil || !e.rare.noPrevious && !e.has("previousEventId") {
		dst = strconv.AppendInt(appendName(dst, "previousEventId"), e.PreviousID, 10)
	}
	if e.Details != nil {
		member := e.Type.DetailsMember()
		if e.rare != nil && e.rare.member != "" {
			member = e.rare.member
		}
		dst = append(e.Details.appendMembers(append(appendName(dst, member), '{')), '}')
	}
	if e.rare != nil {
		dst = appendExtra(dst, e.rare.extra)
	}
	return append(dst, '}')
}

// has reports that a member of that name is kept as it was read.
func (e *Event) has(name string) bool {
	if e.rare != nil {
		for _, m := range e.rare.extra {
			if m.name == name {
				return true
			}
		}
	}
	return false
}

func (d *Details) appendMembers(dst []byte) []byte {
	dst = appendText(dst, "name", d.Name)
	dst = appendInt(dst, "index", d.Index)
	dst = appendInt(dst, "length", d.Length)
	dst = appendText(dst, "resourceType", d.ResourceType)
	dst = appendText(dst, "resource", d.Resource)
	dst = appendText(dst, "region", d.Region)
	dst = appendPayload(dst, "input", d.Input, "truncated")
	dst = appendPayload(dst, "output", d.Output, "truncated")
	dst = appendPayload(dst, "parameters", d.Parameters, "")
	dst = appendOptional(dst, "error", d.Error)
	dst = appendOptional(dst, "cause", d.Cause)
	dst = appendText(dst, "roleArn", d.RoleARN)
	dst = appendText(dst, "stateMachineAliasArn", d.AliasARN)
	dst = appendText(dst, "stateMachineVersionArn", d.VersionARN)
	dst = appendInt(dst, "timeoutInSeconds", d.TimeoutSeconds)
	dst = appendInt(dst, "heartbeatInSeconds", d.HeartbeatSeconds)
	if d.TaskCredentials != "" {
		dst = append(appendText(append(appendName(dst, "taskCredentials"), '{'), "roleArn", d.TaskCredentials), '}')
	}
	dst = appendText(dst, "mapRunArn", d.MapRunARN)
	dst = appendInt(dst, "redriveCount", d.RedriveCount)
	dst = appendOptional(dst, "workerName", d.WorkerName)
	dst = appendText(dst, "state", d.State)
	dst = appendOptional(dst, "location", d.Location)
	dst = d.appendAssigned(dst)
	return appendExtra(dst, d.extra)
}

func (d *Details) appendAssigned(dst []byte) []byte {
	if d.AssignedVariables != nil {
		dst = append(appendName(dst, "assignedVariables"), '{')
		for _, v := range d.AssignedVariables {
			dst = appendSource(appendName(dst, v.Name), v.Text)
		}
		dst = append(dst, '}')
	}
	if d.AssignedDetails != nil {
		dst = appendName(dst, "assignedVariablesDetails")
		dst = append(strconv.AppendBool(append(dst, `{"truncated":`...), *d.AssignedDetails), '}')
	}
	return dst
}

// appendDescription appends what was told of the execution, not what was derived.
func (x *Execution) appendDescription(dst []byte) []byte {
	r := x.record
	if r == nil {
		r = new(record)
	}
	d := &r.derived
	dst = appendText(dst, "executionArn", x.ARN)
	dst = appendText(dst, "stateMachineArn", unless(d.machine, x.StateMachineARN))
	dst = appendText(dst, "name", unless(d.name, x.Name))
	if x.Type != typeOf(x.ARN) {
		dst = appendText(dst, "type", string(x.Type))
	}
	dst = appendText(dst, "status", string(unless(d.status, x.Status)))
	dst = appendDate(dst, "startDate", unless(d.start, x.Start), r.start)
	dst = appendDate(dst, "stopDate", unless(d.stop, x.Stop), r.stop)
	if !same(x.Input, d.input) {
		dst = appendPayload(dst, "input", x.Input, "included")
	}
	if !same(x.Output, d.output) {
		dst = appendPayload(dst, "output", x.Output, "included")
	}
	dst = appendText(dst, "mapRunArn", x.MapRunARN)
	dst = appendOptional(dst, "error", unless(d.err, x.Error))
	dst = appendOptional(dst, "cause", unless(d.cause, x.Cause))
	if n := unless(d.redriveCount, x.RedriveCount); n != 0 {
		dst = strconv.AppendInt(appendName(dst, "redriveCount"), int64(n), 10)
	}
	return appendExtra(dst, r.extra)
}

// unless returns v, and zero where it is just what was derived.
func unless[T comparable](derived, v T) T {
	var zero T
	if v == derived {
		return zero
	}
	return v
}

// same reports that a payload is the very one that was derived.
func same(p, derived Payload) bool {
	if p.Details != derived.Details || p.Truncated != derived.Truncated {
		return false
	}
	switch src := p.src.(type) {
	case nil:
		return derived.src == nil
	case quoted:
		other, ok := derived.src.(quoted)
		return ok && src == other
	case inline:
		other, ok := derived.src.(inline)
		return ok && src == other
	}
	return false
}

func appendName(dst []byte, name string) []byte {
	return append(appendString(comma(dst), name), ':')
}

// comma separates a member from the one before it.
func comma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' {
		return append(dst, ',')
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	out, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		out, _ = jsontext.AppendQuote(dst, strings.ToValidUTF8(s, "\ufffd"))
	}
	return out
}

func appendText(dst []byte, name, s string) []byte {
	if s == "" {
		return dst
	}
	return appendString(appendName(dst, name), s)
}

func appendOptional(dst []byte, name string, s *string) []byte {
	if s == nil {
		return dst
	}
	return appendString(appendName(dst, name), *s)
}

func appendInt(dst []byte, name string, n *int64) []byte {
	if n == nil {
		return dst
	}
	return strconv.AppendInt(appendName(dst, name), *n, 10)
}

func appendDate(dst []byte, name string, t time.Time, stamp string) []byte {
	if t.IsZero() {
		return dst
	}
	return appendStamp(appendName(dst, name), t, stamp)
}

// appendPayload appends a payload and, named as flag says, whether it is whole.
func appendPayload(dst []byte, name string, p Payload, flag string) []byte {
	if !p.IsAbsent() {
		dst = appendSource(appendName(dst, name), p)
	}
	if p.Details && flag != "" {
		dst = append(appendName(dst, name+"Details"), '{')
		dst = strconv.AppendBool(appendName(dst, flag), p.Truncated == (flag == "truncated"))
		dst = append(dst, '}')
	}
	return dst
}

func appendSource(dst []byte, p Payload) []byte {
	switch src := p.src.(type) {
	case nil:
		return append(dst, "null"...)
	case quoted:
		return append(dst, src...)
	case inline:
		return append(dst, src...)
	}
	return appendString(dst, p.String())
}

func appendExtra(dst []byte, members []extra) []byte {
	for _, m := range members {
		dst = append(appendName(dst, m.name), m.text...)
	}
	return dst
}
