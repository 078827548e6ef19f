package history

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// rare is what only unusual events have.
type rare struct {
	member     string  // the details member's name where it does not follow from the type
	extra      []extra // members this package does not know, or whose value is not of the right kind
	noPrevious bool    // there is no previousEventId
}

func (e *Event) unusual() *rare {
	if e.rare == nil {
		e.rare = new(rare)
	}
	return e.rare
}

// draft is an event while it is read.
type draft struct {
	Event
	member   string // of the details
	previous bool   // there was a previousEventId
	logged   bool   // it has the form of a log event
	message  string // of a log event that is wrapped in what FilterLogEvents answers
}

// event reads one event, in the form of GetExecutionHistory or of CloudWatch Logs.
func (r *reader) event() error {
	at := r.offset()
	if k := r.dec.PeekKind(); k != '{' {
		if k == 0 {
			_, err := r.dec.ReadToken()
			return r.syntaxError(err)
		}
		return r.problem(r.next(), "here stands "+aKind(k)+" where an event was expected", nextHistory)
	}
	var d draft
	if err := r.object(func(name string) error { return r.eventMember(&d, name) }); err != nil {
		return err
	}
	if d.Type == "" && d.message != "" {
		return r.wrapped(d.message, at)
	}
	if d.Type == "" {
		return r.problem(r.startAfter(at), "an object without a type, so not an event", nextHistory)
	}
	if d.member != "" && !d.Type.isDetailsMember(d.member) && !d.logged {
		d.unusual().member = d.member
	}
	if d.message != "" {
		d.keep("message", d.message)
	}
	if !d.previous {
		d.unusual().noPrevious = true
	}
	r.events = append(r.events, d.Event)
	return nil
}

// wrapped reads a log event that is text inside another object.
func (r *reader) wrapped(message string, at int) error {
	inner, err := newReader([]byte(unquote(message)))
	if err == nil {
		inner.x = r.x
		err = inner.documents()
	}
	if err != nil {
		return r.problem(r.startAfter(at), "a log message that is no event of an execution", "export only the log group of the state machine")
	}
	r.events = append(r.events, inner.events...)
	return nil
}

func (r *reader) eventMember(d *draft, name string) error {
	if name == "details" || strings.HasSuffix(name, detailsSuffix) {
		if d.Details == nil && r.dec.PeekKind() == '{' {
			d.member = name
			d.logged = d.logged || name == "details"
			d.Details = r.newDetails()
			return r.object(func(name string) error { return r.detail(d.Details, name) })
		}
	}
	m, err := r.member(name)
	if err != nil {
		return err
	}
	if ok, err := r.known(d, m); ok || err != nil {
		return err
	}
	d.keep(name, m.text)
	return nil
}

func (e *Event) keep(name, text string) {
	u := e.unusual()
	u.extra = append(u.extra, extra{name, text})
}

// known takes a member over if it is one of those that all events have.
func (r *reader) known(d *draft, m member) (ok bool, err error) {
	switch m.name {
	case "id":
		return setID(&d.ID, m.text), nil
	case "type":
		ok := setString((*string)(&d.Type), m.text)
		if t, known := knownTypes[d.Type]; known { // equal strings at one address compare fastest
			d.Type = t
		}
		return ok, nil
	case "timestamp":
		d.stamp = m.text
		d.Time, _ = parseStamp(m.text)
		return true, nil
	case "previousEventId":
		d.previous = true
		return setID(&d.PreviousID, m.text), nil
	case "message", "@message":
		d.message = m.text
		return m.text[0] == '"', nil
	}
	return r.logged(d, m)
}

// logged takes over a member that only log events have: there, all numbers are strings.
func (r *reader) logged(d *draft, m member) (ok bool, err error) {
	switch m.name {
	case "previous_event_id":
		d.logged, d.previous = true, true
		return setID(&d.PreviousID, m.text), nil
	case "event_timestamp":
		d.logged = true
		t, ok := parseStamp(m.text)
		if ok {
			d.Time = t
		}
		return ok, nil
	case "execution_arn":
		arn := unquote(m.text)
		if m.text[0] != '"' || arn == "" {
			return false, nil
		}
		d.logged = true
		if r.x.ARN != "" && r.x.ARN != arn {
			return false, r.problem(m.at, "log events of more than one execution", "filter them by execution_arn, for example with jq")
		}
		r.x.ARN = arn
		return true, nil
	case "map_run_arn":
		return setString(&r.x.MapRunARN, m.text), nil
	case "redrive_count":
		n, err := strconv.Atoi(unquote(m.text))
		r.x.RedriveCount = max(r.x.RedriveCount, n)
		return err == nil, nil
	}
	return false, nil
}

const slab = 256

func (r *reader) newDetails() *Details {
	if len(r.details) == 0 {
		r.details = make([]Details, slab)
	}
	d := &r.details[0]
	r.details = r.details[1:]
	return d
}

// detail reads one member of a details object.
func (r *reader) detail(d *Details, name string) error {
	m, err := r.member(name)
	if err != nil {
		return err
	}
	if !d.set(name, m.text) {
		d.extra = append(d.extra, extra{name, m.text})
	}
	return nil
}

// set takes one member over; false means that it has to be kept as it is, as
// its name is unknown or its value not what the API promises.
func (d *Details) set(name, text string) bool {
	switch name {
	case "name":
		return setString(&d.Name, text)
	case "input":
		return setPayload(&d.Input, text)
	case "inputDetails":
		return setTruncated(&d.Input, text, "truncated")
	case "output":
		return setPayload(&d.Output, text)
	case "outputDetails":
		return setTruncated(&d.Output, text, "truncated")
	case "parameters":
		return setPayload(&d.Parameters, text)
	case "error":
		return setOptional(&d.Error, text)
	case "cause":
		return setOptional(&d.Cause, text)
	case "resource":
		return setString(&d.Resource, text)
	case "resourceType":
		return setString(&d.ResourceType, text)
	case "region":
		return setString(&d.Region, text)
	case "index":
		return setInt(&d.Index, text)
	case "length":
		return setInt(&d.Length, text)
	}
	return d.setSeldom(name, text)
}

func (d *Details) setSeldom(name, text string) bool {
	switch name {
	case "roleArn":
		return setString(&d.RoleARN, text)
	case "timeoutInSeconds":
		return setInt(&d.TimeoutSeconds, text)
	case "heartbeatInSeconds":
		return setInt(&d.HeartbeatSeconds, text)
	case "taskCredentials":
		return setOnly(&d.TaskCredentials, text, "roleArn")
	case "stateMachineAliasArn":
		return setString(&d.AliasARN, text)
	case "stateMachineVersionArn":
		return setString(&d.VersionARN, text)
	case "mapRunArn":
		return setString(&d.MapRunARN, text)
	case "redriveCount":
		return setInt(&d.RedriveCount, text)
	case "workerName":
		return setOptional(&d.WorkerName, text)
	case "assignedVariables":
		return setVariables(&d.AssignedVariables, text)
	case "assignedVariablesDetails":
		truncated, ok := onlyMember(text, "truncated")
		return ok && setBool(&d.AssignedDetails, truncated)
	case "state":
		return setString(&d.State, text)
	case "location":
		return setOptional(&d.Location, text)
	}
	return false
}

// unquote returns the text of a JSON string, and what is no string as it is.
func unquote(raw string) string {
	if raw == "" || raw[0] != '"' {
		return raw
	}
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	b, _ := jsontext.AppendUnquote(nil, raw) // was checked when it was read
	return string(b)
}

func setString(dst *string, text string) bool {
	if text[0] != '"' || text == `""` { // an empty string would not be written again
		return false
	}
	*dst = unquote(text)
	return true
}

func setOptional(dst **string, text string) bool {
	if text[0] != '"' {
		return false
	}
	s := unquote(text)
	*dst = &s
	return true
}

func setInt(dst **int64, text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || text[0] == '-' {
		return false
	}
	*dst = &n
	return true
}

// setID reads an event id; log events have it as a string.
func setID(dst *int64, text string) bool {
	n, err := strconv.ParseInt(unquote(text), 10, 64)
	if err != nil || n < 0 {
		return false
	}
	*dst = n
	return true
}

func setBool(dst **bool, text string) bool {
	b := text == "true"
	if !b && text != "false" {
		return false
	}
	*dst = &b
	return true
}

func setPayload(dst *Payload, text string) bool {
	switch text[0] {
	case 'n':
		return false
	case '"':
		dst.src = quoted(text)
	default:
		dst.src = inline(text)
	}
	return true
}

func setTruncated(dst *Payload, text, name string) bool {
	value, ok := onlyMember(text, name)
	if !ok || value != "true" && value != "false" {
		return false
	}
	dst.Details = true
	dst.Truncated = (value == "true") == (name == "truncated")
	return true
}

func setOnly(dst *string, text, name string) bool {
	value, ok := onlyMember(text, name)
	return ok && setString(dst, value)
}

// onlyMember returns the value of an object's only member, a scalar, if it has that name.
func onlyMember(text, name string) (value string, ok bool) {
	const space = " \t\r\n"
	if text[0] != '{' {
		return "", false
	}
	rest := strings.TrimLeft(text[1:len(text)-1], space)
	if len(rest) < len(name)+2 || rest[0] != '"' || rest[1:len(name)+1] != name || rest[len(name)+1] != '"' {
		return "", false
	}
	rest = strings.Trim(rest[len(name)+2:], space)
	value = strings.TrimLeft(strings.TrimPrefix(rest, ":"), space)
	if value == "" || jsontext.Value(value).Kind() == '[' || jsontext.Value(value).Kind() == '{' {
		return "", false
	}
	scalar := value[0] == '"' && strings.IndexByte(value[1:], '"') == len(value)-2 || value[0] != '"' && strings.IndexByte(value, ',') < 0
	return value, scalar
}

func setVariables(dst *[]Variable, text string) bool {
	if text[0] != '{' {
		return false
	}
	r := &reader{text: text, data: []byte(text)}
	r.dec = decoder(r.data)
	vars := []Variable{}
	strange := false
	err := r.object(func(name string) error {
		m, err := r.member(name)
		v := Variable{Name: name}
		strange = strange || err != nil || !setPayload(&v.Text, m.text)
		vars = append(vars, v)
		return err
	})
	if err != nil || strange {
		return false
	}
	*dst = vars
	return true
}
