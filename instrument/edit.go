package instrument

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// editor collects the edits of one definition.
type editor struct {
	machine *asl.Machine
	text    string
	doc     *asl.Document
	pattern pattern
	edits   []asl.Edit
	result  Result
}

func newEditor(m *asl.Machine, o Options) (*editor, error) {
	text := m.Source().Text
	doc, err := asl.OpenDocument(text)
	if err != nil {
		return nil, err
	}
	if o.Approve != nil && o.Approve.Output != "" {
		if err := languageOf(m).literal(value.MustParse(o.Approve.Output)); err != nil {
			return nil, fmt.Errorf("the output to skip with: %w", err)
		}
	}
	return &editor{
		machine: m,
		text:    text,
		doc:     doc,
		pattern: pattern{Options: o, language: languageOf(m), partition: partitionOf(text, o.Handler, o.Topic), rename: unique(m)},
	}, nil
}

// addWithin adds the pattern so that AWS takes the result: written like the rest, or,
// where that would be too long, without white space.
func addWithin(m *asl.Machine, o Options) (*Result, error) {
	e, err := newEditor(m, o)
	if err != nil {
		return nil, err
	}
	whole, err := e.add()
	if err != nil || utf8.RuneCountInString(whole.Text) <= asl.MaxDefinition {
		return whole, err
	}
	tight, err := newEditor(m, o)
	if err != nil {
		return nil, err
	}
	tight.doc, tight.result.Compact = tight.doc.Compact(), true
	result, err := tight.add()
	if err != nil {
		return nil, err
	}
	if n := utf8.RuneCountInString(result.Text); n > asl.MaxDefinition {
		return nil, &TooLargeError{Has: utf8.RuneCountInString(e.text), Would: n}
	}
	return result, nil
}

// languageOf is the machine's own: in a JSONata machine no state may be written in JSONPath.
func languageOf(m *asl.Machine) language {
	if m.QueryLanguage == asl.JSONata {
		return jsonata{}
	}
	return jsonPath{}
}

// add makes the pattern's edits.
func (e *editor) add() (*Result, error) {
	added, err := e.catchFailures()
	if err != nil {
		return nil, err
	}
	if e.pattern.Handled {
		handled, err := e.reportHandled()
		if err != nil {
			return nil, err
		}
		added = append(added, handled...)
	}
	if !e.pattern.Express { // else there are too many of them
		ends, err := e.leadEnds()
		if err != nil {
			return nil, err
		}
		added = append(added, ends...)
	}
	for _, s := range added {
		edit, err := e.doc.Insert("/States", "", s.name, s.body.JSON())
		if err != nil {
			return nil, err
		}
		e.edits = append(e.edits, edit)
	}
	e.result.Unreached, e.result.Permissions = e.gaps(), e.permissions()
	e.result.Limit = e.limit()
	e.result.Text, err = asl.Apply(e.text, e.edits)
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(e.result.Text) > asl.MaxDefinition {
		return &e.result, nil // the caller sees to that
	}
	if _, err := asl.ParseTemplate("", []byte(e.result.Text)); err != nil {
		return nil, fmt.Errorf("the instrumented definition would not be valid: %w", err)
	}
	return &e.result, nil
}

// limit is Result.Limit.
func (e *editor) limit() time.Duration {
	if e.pattern.Approve == nil || e.machine.TimeoutSeconds == nil {
		return 0
	}
	if seconds := *e.machine.TimeoutSeconds; seconds <= e.pattern.Approve.seconds() {
		return time.Duration(seconds) * time.Second
	}
	return 0
}

// catchFailures gives catchers to the states of the top level that can fail, and
// returns the states that they need.
func (e *editor) catchFailures() ([]state, error) {
	var added []state
	var caught []waiter
	for _, s := range e.machine.States {
		if s.Type != asl.Task && s.Type != asl.Parallel && s.Type != asl.Map {
			continue
		}
		if len(s.Catch) > 0 {
			e.result.Catching = append(e.result.Catching, s.Name)
		}
		switch {
		case e.isPlaceholder(s.Fields["Catch"]):
			e.result.Unknown = append(e.result.Unknown, s.Name)
			continue
		case catchesAll(s):
			e.result.Handled = append(e.result.Handled, s.Name)
			continue
		}
		recorder := e.pattern.failedIn(s.Name, e.emptyCatch(s))
		edit, err := e.catch(s, recorder.name)
		if err != nil {
			return nil, err
		}
		e.edits = append(e.edits, edit)
		e.result.Caught = append(e.result.Caught, s.Name)
		added = append(added, recorder)
		caught = append(caught, waiter{s.Name, e.behind(s)})
	}
	if len(added) == 0 {
		return nil, nil
	}
	return append(added, e.pattern.failure(caught)...), nil
}

// emptyCatch is how a list of no catchers is written; "" where there is none, or they are some.
func (e *editor) emptyCatch(s *asl.State) string {
	at, written := s.Fields["Catch"]
	if !written || len(s.Catch) > 0 {
		return ""
	}
	return e.text[at.Start:at.End]
}

// behind is where the way goes on behind a state: for a last one, to the success.
func (e *editor) behind(s *asl.State) string {
	if s.End {
		return e.pattern.rename(nameSucceeded)
	}
	return s.Next
}

// isPlaceholder tells of a value that deployment is to fill in as a whole.
func (e *editor) isPlaceholder(at asl.Span) bool {
	return strings.HasPrefix(e.text[at.Start:at.End], "$")
}

func catchesAll(s *asl.State) bool {
	return slices.ContainsFunc(s.Catch, func(c *asl.Catcher) bool { return slices.Contains(c.ErrorEquals, "States.ALL") })
}

// catch adds the catcher as the last one. It says nothing of ResultPath or Output:
// in both query languages the error output then takes the input's place.
func (e *editor) catch(s *asl.State, next string) (asl.Edit, error) {
	catcher := object("ErrorEquals", value.Strings("States.ALL"), "Next", value.String(next))
	pointer := "/States/" + escapePointer(s.Name)
	if _, _, err := e.doc.Find(pointer + "/Catch"); err == nil {
		return e.doc.InsertItem(pointer+"/Catch", -1, catcher.JSON())
	}
	return e.doc.Insert(pointer, "", "Catch", value.Array(catcher).JSON())
}

// leadEnds leads the last states to the notification of success, and returns the
// states that this needs.
func (e *editor) leadEnds() ([]state, error) {
	fromSucceed := false
	for _, s := range e.machine.States {
		var err error
		switch {
		case s.Type == asl.Succeed:
			err = e.leadSucceed(s)
			fromSucceed = true
		case s.End:
			err = e.leadEnd(s)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		e.result.Ends = append(e.result.Ends, s.Name)
	}
	if len(e.result.Ends) == 0 {
		return nil, nil
	}
	added := []state{e.pattern.success(), e.pattern.end()}
	if fromSucceed {
		added = append(added, e.pattern.fromSucceed())
	}
	return added, nil
}

// leadEnd turns "End": true into "Next": "…", token by token.
func (e *editor) leadEnd(s *asl.State) error {
	val, key, err := e.doc.Find("/States/" + escapePointer(s.Name) + "/End")
	if err != nil {
		return err
	}
	e.edits = append(e.edits,
		asl.Edit{Span: key, New: `"Next"`},
		asl.Edit{Span: val, New: value.String(e.pattern.rename(nameSucceeded)).JSON()})
	return nil
}

// leadSucceed turns a Succeed state into a Pass that leads on.
func (e *editor) leadSucceed(s *asl.State) error {
	pointer := "/States/" + escapePointer(s.Name)
	val, _, err := e.doc.Find(pointer + "/Type")
	if err != nil {
		return err
	}
	next, err := e.doc.Insert(pointer, "", "Next", value.String(e.pattern.rename(nameFromSucceed)).JSON())
	if err != nil {
		return err
	}
	e.edits = append(e.edits, asl.Edit{Span: val, New: `"Pass"`}, next)
	return nil
}

func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// unique returns a function that makes of a name of ours, however long, one that a
// state may have and no other state has; the same each time.
func unique(m *asl.Machine) func(string) string {
	taken := map[string]bool{}
	m.Walk(func(_ []string, s *asl.State) { taken[s.Name] = true })
	given := map[string]string{}
	return func(name string) string {
		if known, ok := given[name]; ok {
			return known
		}
		free := shortenTo(name, maxStateName)
		for i := 2; taken[free]; i++ {
			suffix := fmt.Sprintf(" (%d)", i)
			free = shortenTo(name, maxStateName-len(suffix)) + suffix
		}
		taken[free], given[name] = true, free
		return free
	}
}
