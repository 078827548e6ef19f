package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

const (
	maxEvidence = 4 << 10 // bytes of one piece of evidence from definition or input
	maxParts    = 8       // parts of an input
)

// NewCase locates what failed in an execution and collects what can be cited of
// it. The definition may be nil. The histories of executions that x started, or
// of its Map runs' children, may be given beside it.
func NewCase(m *asl.Machine, x *history.Execution, children ...*history.Execution) *Case {
	loc := Locate(x, m, children...)
	c := &Case{
		Phase: Run, Machine: m, Execution: x, Failure: loc.Failure, Origin: loc.Origin,
		HandlerFailed: loc.HandlerFailed, Others: loc.Others, OtherCount: loc.OtherCount,
	}
	c.assemble()
	return c
}

// NewNoticeCase makes a case of word of a failure that came without its history.
func NewNoticeCase(m *asl.Machine, n *history.Notice) *Case {
	c := &Case{Phase: Run, Machine: m, Execution: n.Execution}
	loc := Locate(n.Execution, m)
	c.Failure = loc.Failure
	if f := c.Failure; f != nil && n.State != "" {
		f.State, f.Path = n.State, names(enclosing(m, n.State))
		if s := findState(m, n.State); s != nil {
			f.StateType = string(s.Type)
			if enteredOnce(s) {
				f.Input = n.Execution.Input
			}
		}
	}
	c.assemble()
	return c
}

// enteredOnce tells of a state that it is the first, and that none leads back to it: its
// input is the execution's.
func enteredOnce(s *asl.State) bool {
	m := s.Machine
	if m == nil || m.Outer() != nil || m.StartAt != s.Name {
		return false
	}
	return !slices.ContainsFunc(m.States, func(other *asl.State) bool {
		return other.Next == s.Name || other.Default == s.Name ||
			slices.ContainsFunc(other.Choices, func(r *asl.Rule) bool { return r.Next == s.Name }) ||
			slices.ContainsFunc(other.Catch, func(c *asl.Catcher) bool { return c.Next == s.Name })
	})
}

// Row is a failure of which only this is known: a line of a list, an API call's refusal.
type Row struct {
	Phase        Phase // "": Run
	Error, Cause *string
	State        *asl.State // the failing state's definition, alone; may be nil
	StateName    string     // "": State's, if it is there
	Input        history.Payload
}

// NewRowCase makes a case of a row.
func NewRowCase(r Row) *Case {
	f := &Failure{Error: r.Error, Cause: r.Cause, State: r.StateName, Input: r.Input, Outcome: Ended, Nested: nested(r.Cause)}
	c := &Case{Phase: cmp.Or(r.Phase, Run), State: r.State, Failure: f}
	if s := r.State; s != nil {
		f.State = cmp.Or(f.State, s.Name)
		f.StateType = string(s.Type)
		if s.Task != nil {
			f.Resource = s.Task.Resource
		}
	}
	if r.Error != nil && strings.HasPrefix(*r.Error, "States.") && strings.HasSuffix(*r.Error, "Timeout") && r.State != nil && r.State.Task != nil {
		f.Heartbeat = r.State.Task.Heartbeat != nil
	}
	c.assemble()
	return c
}

func names(states []*asl.State) []string {
	var all []string
	for _, s := range states {
		all = append(all, s.Name)
	}
	return all
}

// assemble finds the failing state's definition and collects evidence.
func (c *Case) assemble() {
	subject := c.Subject()
	if subject == nil && len(c.Others) > 0 {
		subject = &c.Others[0]
	}
	if c.State == nil && subject != nil {
		c.State = findState(c.Machine, subject.State)
	}
	e := &dossier{c: c}
	for _, f := range []*Failure{c.Failure, c.Origin} {
		if f != nil {
			e.failure(f)
		}
	}
	if c.Failure == nil && subject != nil {
		e.failure(subject)
	}
	if subject != nil {
		e.definition()
		e.input(subject)
	}
	c.Evidence = e.all
	c.Missing = missing(c)
}

// dossier collects evidence.
type dossier struct {
	c                  *Case
	all                []Evidence
	definitions, parts int
}

func (e *dossier) add(ev Evidence) {
	if ev.Text == "" || slices.ContainsFunc(e.all, func(other Evidence) bool { return other.ID == ev.ID }) {
		return
	}
	e.all = append(e.all, ev)
}

// failure adds the events of one failure: state entered, work scheduled, failed.
func (e *dossier) failure(f *Failure) {
	if f.FailedEvent == 0 {
		if text := told(f.Error, f.Cause); text != "" {
			e.add(Evidence{ID: "E0", Source: FromHistory, Text: text})
		}
		return
	}
	ids := []int64{f.EnteredEvent, e.scheduledBefore(f), f.FailedEvent}
	for _, id := range ids {
		if event := e.event(id); event != nil {
			e.add(Evidence{ID: "E" + strconv.FormatInt(id, 10), Source: FromHistory, Event: id, At: event.Time, Text: eventText(event)})
		}
	}
}

func (e *dossier) event(id int64) *history.Event {
	if id <= 0 || e.c.Execution == nil {
		return nil
	}
	events := e.c.Execution.Events()
	i, ok := slices.BinarySearchFunc(events, id, func(ev history.Event, id int64) int { return cmp.Compare(ev.ID, id) })
	if !ok {
		return nil
	}
	return &events[i]
}

// scheduledBefore follows the chain from the failed event to the try that failed.
func (e *dossier) scheduledBefore(f *Failure) int64 {
	const steps = 5 // TaskScheduled, TaskStarted, TaskSubmitted, TaskFailed
	id := f.FailedEvent
	for range steps {
		event := e.event(id)
		if event == nil || event.PreviousID >= id {
			return 0
		}
		switch event.Type {
		case history.TaskScheduled, history.LambdaFunctionScheduled, history.ActivityScheduled:
			return id
		}
		id = event.PreviousID
	}
	return 0
}

// eventText is an event as lines of "member: text", texts as they were before
// they became JSON, so that a quotation can be found in it.
func eventText(e *history.Event) string {
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			b.WriteString("\n" + name + ": " + text)
		}
	}
	b.WriteString("type: " + string(e.Type))
	d := e.Details
	if d == nil {
		return b.String()
	}
	line("name", d.Name)
	line("state", d.State)
	line("resourceType", d.ResourceType)
	line("resource", d.Resource)
	line("input", cut(d.Input.String()))
	line("parameters", cut(d.Parameters.String()))
	if d.TimeoutSeconds != nil {
		line("timeoutInSeconds", strconv.FormatInt(*d.TimeoutSeconds, 10))
	}
	if d.HeartbeatSeconds != nil {
		line("heartbeatInSeconds", strconv.FormatInt(*d.HeartbeatSeconds, 10))
	}
	line("output", cut(d.Output.String()))
	line("mapRunArn", d.MapRunARN)
	if d.Location != nil {
		line("location", *d.Location)
	}
	if text := told(d.Error, d.Cause); text != "" {
		b.WriteString("\n" + text)
	}
	return b.String()
}

func told(problem, cause *string) string {
	var lines []string
	if problem != nil {
		lines = append(lines, "error: "+*problem)
	}
	if cause != nil {
		lines = append(lines, "cause: "+*cause)
	}
	return strings.Join(lines, "\n")
}

// cut shortens a text at the boundary of a character.
func cut(s string) string {
	if len(s) <= maxEvidence {
		return s
	}
	end := maxEvidence
	for end > 0 && s[end]&0xc0 == 0x80 {
		end--
	}
	return s[:end] + " …"
}

// definition adds the fields of the failing state as they are written.
func (e *dossier) definition() {
	s := e.c.State
	if s == nil || s.Machine == nil || s.Machine.Source() == nil {
		return
	}
	text := s.Machine.Source().Text
	pointer := statePointer(e.c.Machine, s)
	for _, field := range fieldsInOrder(s) {
		span := s.Fields[field]
		if span.Start < 0 || span.End > len(text) || span.Start >= span.End {
			continue
		}
		if inner := field == "ItemProcessor" || field == "Iterator" || field == "Branches"; inner {
			continue
		}
		e.definitions++
		e.add(Evidence{
			ID: "D" + strconv.Itoa(e.definitions), Source: FromDefinition,
			Pointer: pointer + "/" + escapePointer(field), Text: cut(text[span.Start:span.End]),
		})
	}
}

func fieldsInOrder(s *asl.State) []string {
	fields := make([]string, 0, len(s.Fields))
	for name := range s.Fields {
		fields = append(fields, name)
	}
	slices.SortFunc(fields, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.Fields[a].Start, s.Fields[b].Start), cmp.Compare(a, b))
	})
	return fields
}

// statePointer is the JSON pointer of a state in the definition; "" of a state that stands alone.
func statePointer(m *asl.Machine, s *asl.State) string {
	if m == nil {
		return ""
	}
	if m.State(s.Name) == s {
		return "/States/" + escapePointer(s.Name)
	}
	for _, outer := range m.States {
		for i, inner := range innerMachines(outer) {
			rest := statePointer(inner, s)
			if rest == "" {
				continue
			}
			return "/States/" + escapePointer(outer.Name) + innerPointer(outer, i) + rest
		}
	}
	return ""
}

func innerPointer(s *asl.State, i int) string {
	if s.Map == nil {
		return "/Branches/" + strconv.Itoa(i)
	}
	if _, older := s.Fields["Iterator"]; older {
		return "/Iterator"
	}
	return "/ItemProcessor"
}

func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// input adds the parts of the failing state's input that its definition reads,
// or where they are not known, the input.
func (e *dossier) input(f *Failure) {
	if f.Input.IsAbsent() {
		return
	}
	text := f.Input.String()
	v, err := value.Parse(text)
	if err == nil && e.c.State != nil {
		for _, p := range readsOf(e.all) {
			e.part(v, p, f)
		}
	}
	if e.parts == 0 {
		e.parts++
		e.add(Evidence{ID: "I1", Source: FromInput, Event: f.EnteredEvent, Text: cut(text)})
	}
}

// part adds the value at a path, or what comes closest to it.
func (e *dossier) part(v value.Value, path []string, f *Failure) {
	pointer := ""
	for _, name := range path {
		next, ok := step(v, name)
		if !ok {
			break
		}
		v, pointer = next, pointer+"/"+escapePointer(name)
	}
	if e.parts >= maxParts || slices.ContainsFunc(e.all, func(o Evidence) bool { return o.Source == FromInput && o.Pointer == pointer }) {
		return
	}
	e.parts++
	e.add(Evidence{ID: "I" + strconv.Itoa(e.parts), Source: FromInput, Event: f.EnteredEvent, Pointer: pointer, Text: cut(v.JSON())})
}

func step(v value.Value, name string) (value.Value, bool) {
	if v.Kind() == value.KindArray {
		i, err := strconv.Atoi(name)
		if items := v.Items(); err == nil && i >= 0 && i < len(items) {
			return items[i], true
		}
		return value.Value{}, false
	}
	return v.Get(name)
}

// reading finds paths into the input in the text of a state: "$.a.b[0]" of
// JSONPath and $states.input.a.b of JSONata, but not "$$.Execution".
var reading = lazyregexp.New(`(?:^|[^$\w])\$(?:states\.input)?((?:\.[A-Za-z_][\w-]*|\[\d+\]|\['[^'\]]+'\])+)`)

var pathStep = lazyregexp.New(`\.([A-Za-z_][\w-]*)|\[(\d+)\]|\['([^'\]]+)'\]`)

// readsOf are the paths into the input that the evidence of a definition reads.
func readsOf(evidence []Evidence) [][]string {
	var paths [][]string
	for _, ev := range evidence {
		if ev.Source == FromDefinition && !readsNothing(ev.Pointer) {
			paths = append(paths, pathsIn(ev.Text)...)
		}
	}
	return paths
}

// pathsIn are the paths into the input that a text names, each as its steps.
func pathsIn(text string) [][]string {
	var paths [][]string
	for _, found := range reading.FindAllStringSubmatch(text, -1) {
		var path []string
		for _, m := range pathStep.FindAllStringSubmatch(found[1], -1) {
			path = append(path, cmp.Or(m[1], m[2], m[3]))
		}
		paths = append(paths, path)
	}
	return paths
}

// readsNothing: these fields say where something goes, or read a result.
func readsNothing(pointer string) bool {
	switch pointer[strings.LastIndexByte(pointer, '/')+1:] {
	case "ResultPath", "OutputPath", "ResultSelector", "Catch", "Output", "Comment":
		return true
	}
	return false
}

// missing lists what could not be had, and how to get it.
func missing(c *Case) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	arn := "…"
	if c.Execution != nil && c.Execution.ARN != "" {
		arn = c.Execution.ARN
	}
	missingDefinition(c, arn, say)
	missingHistory(c, arn, say)
	if f := c.Subject(); f != nil {
		missingOfFailure(c, f, say)
	}
	return all
}

func missingDefinition(c *Case, arn string, say func(string, ...any)) {
	f := c.Subject()
	switch {
	case c.Machine == nil && c.State == nil:
		say("the definition: aws stepfunctions describe-state-machine-for-execution --execution-arn %s", arn)
	case c.State == nil && f != nil && f.State != "":
		say("the state %q in the definition given: it may be another version than the one that ran", f.State)
	}
}

func missingHistory(c *Case, arn string, say func(string, ...any)) {
	x := c.Execution
	switch {
	case x == nil:
		say("the history of the execution")
	case len(x.Events()) == 0 && x.Type == history.Express:
		say("the events: Express workflows leave them in the CloudWatch Logs group of the state machine (level ALL)")
	case len(x.Events()) == 0:
		say("the events: aws stepfunctions get-execution-history --execution-arn %s", arn)
	case x.Incomplete:
		say("%s: fetch all pages with aws stepfunctions get-execution-history --execution-arn %s", gap(x.Events()), arn)
	}
}

// gap says which part of a history is not there.
func gap(events []history.Event) string {
	first, last := &events[0], &events[len(events)-1]
	switch {
	case first.Type != history.ExecutionStarted:
		return fmt.Sprintf("the events before %d", first.ID)
	case last.Type.Status() == "":
		return fmt.Sprintf("the events after %d", last.ID)
	}
	return "some events between the first and the last"
}

func missingOfFailure(c *Case, f *Failure, say func(string, ...any)) {
	hasEvents := c.Execution != nil && len(c.Execution.Events()) > 0
	switch {
	case f.Rebuilt:
		say("the recorded input of %q: it was rebuilt from the output of the state before", f.State)
	case f.Input.Truncated:
		say("the whole input of %q: what is recorded was truncated", f.State)
	case f.Input.IsAbsent() && f.State != "" && hasEvents:
		say("the input of %q: fetch the history with --include-execution-data, or log with execution data", f.State)
	}
	if f.State == "" && !f.Aborted && c.Phase == Run {
		say("the state that failed")
	}
	if (f.Cause == nil || *f.Cause == "") && !f.Aborted && !f.TimedOut {
		say("a cause: none is recorded")
	}
	if f.Within != nil {
		return
	}
	if f.Nested != nil {
		say("the history of the nested execution: aws stepfunctions get-execution-history --execution-arn %s", f.Nested.ARN)
	}
	if f.MapRunARN != "" {
		say("the failed children of the Map run: aws stepfunctions list-executions --status-filter FAILED --map-run-arn %s", f.MapRunARN)
	}
}
