package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// MissingPath sees a JSONPath of Parameters, ResultSelector and the like that finds nothing.
var MissingPath = &diagnose.Rule{
	Name:  "missing-path",
	Doc:   "A field of Parameters, ItemSelector, ResultSelector or Assign reads a JSONPath that is not in the data.",
	Check: one(missingPath),
}

var (
	notFoundInInput = lazyregexp.New(`(?s)The JSONPath '(.+?)' specified for the field '(.+?)' could not be found in the input(?: '?(.*?)'?)?\.?$`)
	// of an intrinsic function's argument
	argumentNotFound = lazyregexp.New(`(?s)The JsonPath argument for the field '(.+?)' could not be found in the input(?: '?(.*?)'?)?\.?$`)
	notFoundShort    = lazyregexp.New(`(?s)(?:The )?(?:JSONPath|path|variable path|Reference path) ["'](\$[^"']*(?:\['[^']*'\][^"']*)*)["'](?: specified for the field ["']([^"']+)["'])? (?:could not be found|was not found|cannot be found|not found|does not exist)`)
)

func missingPath(f *facts) *diagnose.Finding {
	found := f.once.missing()
	if found == nil {
		return nil
	}
	own := *found
	return &own
}

func (f *facts) findMissing() *diagnose.Finding {
	var path, field string
	in := f.input()
	if m := notFoundInInput.FindStringSubmatch(f.msg); m != nil {
		path, field = m[1], m[2]
		if quotedInput, err := value.Parse(strings.TrimSpace(m[3])); err == nil && in.IsAbsent() {
			in = quotedInput
		}
	} else if m := argumentNotFound.FindStringSubmatch(f.msg); m != nil {
		path = m[1]
		if quotedInput, err := value.Parse(strings.TrimSpace(m[2])); err == nil && in.IsAbsent() {
			in = quotedInput
		}
	} else if m := notFoundShort.FindStringSubmatch(f.msg); m != nil && f.says("States.") {
		path, field = m[1], m[2]
	} else {
		return nil
	}
	m := missing{path: path, field: field, input: in, confidence: diagnose.Certain}
	if f.selectsResult(field, path) {
		m.data, m.input = theResult, f.quotedInput()
	}
	return f.notThere(m)
}

// selectsResult reports a path that stands in the state's ResultSelector, and there alone.
func (f *facts) selectsResult(field, path string) bool {
	span, located := f.place(field, path)
	in, has := f.field("ResultSelector")
	return located && has && in.Start <= span.Start && span.End <= in.End
}

// missing is a path that finds nothing.
type missing struct {
	path, field string      // "$.payment.total", "total.$" ("" unknown)
	reader      string      // "its Choice rule", where there is no field
	input       value.Value // what the path was looked up in; absent where unknown
	data        string      // what that is: "its input", theResult, ofResult
	event       int64       // in which data is recorded, where that is not the input
	confidence  diagnose.Confidence
}

// What a path behind the task is held against, which is not the state's input.
const (
	theResult = "the result that it selects from" // by a ResultSelector
	ofResult  = "the result of this state"        // by an OutputPath
)

// pathCall is a function at the end of a path: $.list.sum().
var pathCall = lazyregexp.New(`\.([a-z]\w*)\(\)$`)

func (f *facts) notThere(m missing) *diagnose.Finding {
	if m.data == "" {
		m.data = "its input"
		if strings.HasPrefix(m.path, "$$.Execution.Input") {
			m.data = "the input that the execution was started with"
		}
	}
	path, field := pathed(m.path), m.field
	if field != "" {
		field = pathed(field)
	}
	d := f.finding(diagnose.DataPath, m.confidence, diagnose.No)
	reads := fmt.Sprintf("reads %s", path)
	switch m.field {
	case "":
	case "InputPath", "OutputPath", "ItemsPath":
		reads = fmt.Sprintf("has the %s %s", field, path)
	default:
		reads = fmt.Sprintf("takes %s from %s", field, path)
	}
	if m.reader != "" {
		reads = fmt.Sprintf("reads %s in %s", path, m.reader)
	}
	d.Title = fmt.Sprintf("%s is missing: it is not in the data of %s", path, f.ofState())
	d.RootCause = fmt.Sprintf("%s %s, but %s has no such member.", upper(f.here()), reads, m.data)
	g, known := findGap(m.input, m.path)
	if call := pathCall.FindStringSubmatch(m.path); call != nil {
		d.Title = fmt.Sprintf("%s calls a function in a path", path)
		d.RootCause = fmt.Sprintf("%s %s, and Step Functions' paths do not support functions such as %s().", upper(f.here()), reads, call[1])
		d.Explanation = "JSONPath evaluators elsewhere have length(), sum(), max() and the like; a path in Step Functions only selects what is there, whatever the input."
		d.Also = []diagnose.Category{diagnose.DefinitionInvalid, diagnose.IntrinsicMisuse}
		span, located := f.place(m.field, m.path)
		d.Focus = f.focusOn("a path cannot call a function", "", span, located)
		d.Remedies = []diagnose.Remedy{{Title: "Let something else compute it", Steps: []string{
			"States.ArrayLength($.list) counts items, States.MathAdd($.a, $.b) adds two numbers; for sums, maxima and averages set \"QueryLanguage\": \"JSONata\" in this state: {% $sum($states.input.Jobs) %}, $max(…), $count(…); or use a Lambda function.",
		}}}
		d.Prevention = []string{"Try paths with TestState before they are deployed: what works in a JSONPath tester elsewhere may not work here."}
		d.Docs = []string{"Intrinsic functions for JSONPath states in Step Functions", "Transforming data with JSONata in Step Functions"}
		return d
	}
	if own := f.ofContext(d, m, g, known, reads); own != nil {
		return own
	}
	if m.input.IsNull() {
		d.RootCause = fmt.Sprintf("%s %s, but %s is null: there is nothing to read from.", upper(f.here()), reads, m.data)
	} else if known {
		d.RootCause = fmt.Sprintf("%s %s, but %s does not have it: %s.", upper(f.here()), reads, m.data, there(g))
	}
	span, located := f.place(m.field, m.path)
	if !located {
		span, located = f.place("", m.path)
	}
	at, pointed := span, located
	if !pointed {
		at, pointed = f.argument(m.path)
	}
	d.Focus = f.focusOn("missing: not in "+strings.Replace(m.data, "its", "this state's", 1), g.pointer, at, pointed)
	if d.Focus != nil && m.data == theResult {
		d.Focus.Label, d.Focus.Pointer = "missing: not in "+theResult, ""
	}
	d.Explanation = f.lost(m, g, known)
	lost, wasThere := f.lossOf(m.path)
	wasThere = wasThere && m.data == "its input" && !(hasKeys(m.input, "Error", "Cause") && m.input.Len() == 2)
	if wasThere {
		d.Explanation = lost.say(f, m.path)
	}
	d.Remedies = f.fillGap(m, g, known, span, located)
	if explanation, r, ok := f.ofAnswer(m, g); ok && known {
		d.Explanation = explanation
		at := 0
		if d.Remedies[0].Edits != nil { // a key that is nearly the same was meant rather than none
			at = 1
		}
		d.Remedies = slices.Insert(d.Remedies, at, r)
	}
	if r, ok := lost.remedy(f, m.path); ok && wasThere {
		d.Remedies = append([]diagnose.Remedy{r}, d.Remedies...)
	}
	if r, ok := f.keepBesideError(m.input); ok {
		d.Remedies = append([]diagnose.Remedy{r}, d.Remedies...)
	}
	d.Prevention = []string{
		"Validate the execution's input in a first Choice state (IsPresent) or in the caller, so that a missing field is refused with words of its own.",
		"States.ALL does not catch States.Runtime: a Catch cannot save a state from a path that is not there.",
	}
	d.Docs = []string{"Processing input and output in Step Functions", "Using JSONPath paths", "Handling errors in Step Functions workflows"}
	return d
}

// contextMember is a path to what only the context object has, written with the one
// dollar sign of the input.
var contextMember = lazyregexp.New(`^\$\.(?:Execution\.(?:Id|Input|Name|RoleArn|StartTime|RedriveCount|RedriveTime)|StateMachine\.(?:Id|Name)|State\.(?:EnteredTime|Name|RetryCount)|Task\.Token|Map\.Item\.(?:Index|Value|Key|Source))\b`)

// ofContext completes d where the path was meant for the context object; else nil.
func (f *facts) ofContext(d *diagnose.Finding, m missing, g gap, known bool, reads string) *diagnose.Finding {
	if !contextMember.MatchString(m.path) || known && g.reached != "$" {
		return nil
	}
	meant := "$" + m.path
	d.Title = fmt.Sprintf("%s reads the input; the context object is %s", pathed(m.path), pathed(meant))
	d.RootCause = fmt.Sprintf("%s %s, which asks the state's input: what the context object holds is read with two dollar signs, %s.", upper(f.here()), reads, pathed(meant))
	d.Explanation = "$ is the state's input, $$ the context object, in which Step Functions keeps Execution, State, StateMachine, Task.Token (with .waitForTaskToken) and, inside a Map, Map.Item."
	span, located := f.place(m.field, m.path)
	if !located {
		span, located = f.place("", m.path)
	}
	d.Focus = f.focusOn("one dollar sign asks the input", g.pointer, span, located)
	r := diagnose.Remedy{Title: "Read " + pathed(meant), Steps: []string{fmt.Sprintf("In %s, replace %s by %s (in JSONata: $states.context%s).", f.ofState(), pathed(m.path), pathed(meant), harmless(strings.TrimPrefix(m.path, "$")))}}
	if located {
		r.Edits = replace(span, jsonString(meant))
	}
	d.Remedies = []diagnose.Remedy{r}
	d.Prevention = []string{"Try the state with TestState before it is deployed: a misplaced $ shows at once."}
	d.Docs = []string{"Accessing execution data from the Context object in Step Functions"}
	return d
}

func there(g gap) string {
	step := g.missing
	if g.reached == "$" {
		return fmt.Sprintf("it is %s, so %s is missing", contents(g.at), step)
	}
	return fmt.Sprintf("%s is %s, so %s is missing", g.reached, contents(g.at), step)
}

// lost says how the field may have gone missing on the way.
func (f *facts) lost(m missing, g gap, known bool) string {
	in := m.input
	if c, ok := in.Get("Comment"); ok {
		if s, _ := c.AsString(); strings.HasPrefix(s, "Insert your JSON here") {
			return "The input is the sample that the console offers (“Insert your JSON here”): the execution was started without an input of its own."
		}
	}
	switch {
	case known && textWithJSON(g.at):
		return fmt.Sprintf("%s is a text that holds JSON, as bodies of HTTP answers, queue messages and causes are, and a path does not look into a text: it has to be parsed first.", upper(pathed(g.reached)))
	case known && beyond(g):
		return fmt.Sprintf("%s is %s, and a path to an item that is not there fails the state. A list with fewer items than usual, or none, is an ordinary answer of queries, filters and listings.", upper(pathed(g.reached)), contents(g.at))
	case strings.HasPrefix(m.path, "$$.Execution.Input"):
		return "The context object's Execution.Input is what the execution was started with, whatever the states made of it: whoever starts it (a schedule, a rule, an API, a person) did not send this member."
	case known && in.Kind() == value.KindObject && in.Len() == 0:
		return "The input is an empty object ({}): the execution was started with no input, or an earlier state replaced all of it."
	case hasKeys(in, "Error", "Cause") && in.Len() == 2:
		return "The input holds nothing but Error and Cause: a catcher without ResultPath led here and replaced what the states before had put together."
	case hasKeys(in, "Payload", "StatusCode"):
		return "The input is the whole answer of lambda:invoke; what the function returned stands under $.Payload."
	case hasKeys(in, "ExecutedVersion"), hasKeys(in, "SdkHttpMetadata"):
		return "The input is the whole answer of the service that the state before called: without ResultPath a task's result replaces the state's input."
	case replacedBy(f.state) != "":
		return replacedBy(f.state)
	case inMap(f.state):
		return "Inside a Map the input of the first state is one item, or what ItemSelector makes of it; what the Map's own input holds is there only if ItemSelector passes it on."
	}
	why := "The field may never have been in the execution's input, or a state on the way replaced it: without ResultPath a state's result replaces its whole input, and what a state put under its own ResultPath has to be read from there."
	if f.c.Machine == nil {
		why += " Inside a Map (also one that is not shown here), only what its ItemSelector passes on is there, besides the item."
	}
	return why
}

func hasKeys(v value.Value, keys ...string) bool {
	for _, k := range keys {
		if _, ok := v.Get(k); !ok {
			return false
		}
	}
	return true
}

func inMap(s *asl.State) bool { return s != nil && s.Machine != nil && s.Machine.Processor != nil }

// textWithJSON reports a text that is a JSON object or array.
func textWithJSON(v value.Value) bool {
	s, ok := v.AsString()
	if s = strings.TrimSpace(s); !ok || s == "" || s[0] != '{' && s[0] != '[' {
		return false
	}
	_, err := value.Parse(s)
	return err == nil
}

func (f *facts) fillGap(m missing, g gap, known bool, span asl.Span, located bool) []diagnose.Remedy {
	var out []diagnose.Remedy
	if known && textWithJSON(g.at) && isPath(g.reached) {
		out = append(out, diagnose.Remedy{Title: "Parse the text first", Steps: []string{
			fmt.Sprintf(`Put a Pass in front with "Parameters": {"parsed.$": "States.StringToJson(%s)"} and "ResultPath": "$.body", and read %s here.`, g.reached, harmless(join("$.body.parsed", g.missing))),
			fmt.Sprintf("In JSONata: $parse($states.input%s).%s", strings.TrimPrefix(g.reached, "$"), harmless(g.missing)),
		}})
	}
	if path, why := nearest(m.input, g); known && path != "" && strings.HasPrefix(m.path, "$.") {
		r := diagnose.Remedy{
			Title: fmt.Sprintf("Read %s, %s", path, why),
			Steps: []string{fmt.Sprintf("In %s, replace %s by %s.", f.ofState(), m.path, path)},
		}
		if located {
			r.Edits = replace(span, jsonString(path))
		}
		out = append(out, r)
	}
	if m.data == ofResult || m.data == theResult {
		return append(out, giveResult(m))
	}
	if known && beyond(g) && isPath(m.path) {
		item := join(g.reached, g.missing)
		return append(out, diagnose.Remedy{Title: "Let an empty list take another way", Steps: []string{
			fmt.Sprintf("Put a Choice in front: {\"Variable\": %s, \"IsPresent\": true, \"Next\": %s}, with a Default that leads to what is to happen without an item.", jsonString(item), jsonString(f.stateLabel())),
			"Is the list never to be so short, look at who makes it: the query's key, a filter, the region, a page that was not read.",
		}})
	}
	from := "the state before"
	if prev := previous(f.state); prev != "" {
		from = "the state " + prev
	}
	keep := `give that state a ResultPath, such as "ResultPath": "$.result", so that its result is added to the input and does not replace it, and read it below that path.`
	if w := writerOf(f.state, g.reached); known && w != nil {
		from, keep = "the state "+named(w.Name), "see in the history what it put there, and why that has no "+harmless(g.missing)+"."
	}
	out = append(out,
		diagnose.Remedy{
			Title: "Supply " + pathed(m.path),
			Steps: []string{
				fmt.Sprintf("Look at the input of %s in the execution's history, and at the state that should have written %s.", f.ofState(), pathed(m.path)),
				fmt.Sprintf("Is it the caller's to send, start the execution with it. Is it %s's to write, %s", from, keep),
			},
		})
	if !isPath(m.path) {
		return out
	}
	return append(out,
		diagnose.Remedy{
			Title: "If the field is optional, ask for it first",
			Steps: []string{
				fmt.Sprintf("Put a Choice in front: {\"Variable\": %s, \"IsPresent\": true, \"Next\": %s}, and for the other case a Pass state that sets a default.", jsonString(m.path), jsonString(f.stateLabel())),
			},
		})
}

// beyond reports a gap behind the end of an array.
func beyond(g gap) bool {
	return strings.HasPrefix(g.missing, "[") && g.at.Kind() == value.KindArray
}

// giveResult is what to do where the result of a state lacks what its own path selects.
func giveResult(m missing) diagnose.Remedy {
	where := "in the history, the output of its TaskSucceeded event"
	if m.event != 0 {
		where = fmt.Sprintf("event %d of the history", m.event)
	}
	return diagnose.Remedy{Title: "Select what the result has", Steps: []string{
		fmt.Sprintf("Look at what the task really gave (%s), and correct %s to a path that is in it on every way.", where, pathed(m.path)),
		"Is the member to be there, let what is called return it always, null or empty where it has nothing.",
	}}
}

// previous names the one state of the same machine that leads to s; "" where there are more or none.
func previous(s *asl.State) string {
	if p := previousState(s); p != nil {
		return named(p.Name)
	}
	return ""
}

func previousState(s *asl.State) *asl.State {
	if s == nil || s.Machine == nil {
		return nil
	}
	var found *asl.State
	for _, other := range s.Machine.States {
		leads := other.Next == s.Name || other.Default == s.Name
		for _, r := range other.Choices {
			leads = leads || r.Next == s.Name
		}
		for _, c := range other.Catch {
			leads = leads || c.Next == s.Name
		}
		if leads && other != s {
			if found != nil {
				return nil
			}
			found = other
		}
	}
	return found
}

// handsOn reports that a state's output is its input.
func handsOn(s *asl.State) bool {
	if s.OutputPath != nil && (s.OutputPath.Null || s.OutputPath.Text != "$") || s.InputPath != nil && (s.InputPath.Null || s.InputPath.Text != "$") {
		return false
	}
	switch s.Type {
	case asl.Wait, asl.Choice:
		return true
	case asl.Pass:
		return s.Result == (asl.Value{}) && s.Parameters == nil || s.ResultPath != nil && s.ResultPath.Null
	case asl.Task, asl.Map, asl.Parallel:
		return s.ResultPath != nil && s.ResultPath.Null
	}
	return false
}

// replacedBy says that the state before s put its result in the place of all that it had.
func replacedBy(s *asl.State) string {
	p := previousState(s)
	for range 8 { // states that hand on what they get are not where a field is lost
		if p == nil || !handsOn(p) {
			break
		}
		p = previousState(p)
	}
	if p == nil || p.QueryLanguage == asl.JSONata || s.QueryLanguage == asl.JSONata {
		return ""
	}
	name := named(p.Name)
	switch {
	case p.Type == asl.Wait || p.Type == asl.Choice:
		return ""
	case p.OutputPath != nil && !p.OutputPath.Null && p.OutputPath.Text != "$":
		return fmt.Sprintf("The state %s before it has \"OutputPath\": %s: only that part of what it had is handed on.", name, jsonString(p.OutputPath.Text))
	case p.Type == asl.Pass && p.Result == (asl.Value{}) && p.Parameters == nil:
		return ""
	case p.ResultPath == nil && (p.Type != asl.Pass || p.Parameters != nil):
		return fmt.Sprintf("The state %s before it has no ResultPath, so that its result replaced its whole input.", name)
	case p.ResultPath != nil && !p.ResultPath.Null && p.ResultPath.Text != "$":
		return fmt.Sprintf("The state %s before it puts its result at %s of its input.", name, pathed(p.ResultPath.Text))
	}
	return ""
}

// ChoicePath sees a Choice that compares a path which is not in its input.
var ChoicePath = &diagnose.Rule{
	Name:  "choice-path",
	Doc:   "A Choice rule compares a path that is not in the state's input; Default is not taken for a missing path.",
	Check: one(choicePath),
}

var choiceInvalid = lazyregexp.New(`(?s)Invalid path '(.+?)'\s*: The choice state's condition path references an invalid value`)

func choicePath(f *facts) *diagnose.Finding {
	m := choiceInvalid.FindStringSubmatch(f.msg)
	if m == nil {
		return nil
	}
	d := f.notThere(missing{path: m[1], reader: "the condition of a Choice rule", input: f.input(), confidence: diagnose.Certain})
	d.Title = fmt.Sprintf("The Choice reads %s, which is not in its input", pathed(m[1]))
	d.Explanation += " A missing path fails the Choice state itself; Default is only for values that match no rule."
	d.Docs = append([]string{"Choice workflow state"}, d.Docs...)
	if !isPath(m[1]) {
		return d
	}
	guard := fmt.Sprintf(`{"And": [{"Variable": %s, "IsPresent": true}, {…the rule as it is…}], "Next": "…"}`, jsonString(m[1]))
	d.Remedies[len(d.Remedies)-1] = diagnose.Remedy{
		Title: "If the field is optional, guard the rule with IsPresent",
		Steps: []string{"Let the rule ask for the field before it compares: " + guard + ". Then Default is taken where the field is absent."},
		Edits: f.guardChoice(m[1]),
	}
	return d
}

// guardChoice wraps the one simple rule that compares path with an IsPresent.
func (f *facts) guardChoice(path string) []asl.Edit {
	if f.state == nil || f.definitionText() == "" {
		return nil
	}
	var hit *asl.Rule
	for _, r := range f.state.Choices {
		if r.Variable != nil && r.Variable.Text == path {
			if hit != nil {
				return nil
			}
			hit = r
		}
	}
	text := f.state.Machine.Source().Text
	if hit == nil || hit.Operator == "" || hit.Span.End > len(text) || hit.Span.Start >= hit.Span.End {
		return nil
	}
	op, ok := hit.Fields[hit.Operator]
	if !ok || op.End > len(text) || op.Start >= op.End || hit.Assign != nil || hit.Output != nil {
		return nil
	}
	v := jsonString(path)
	return replace(hit.Span, fmt.Sprintf(`{"And": [{"Variable": %s, "IsPresent": true}, {"Variable": %s, %s: %s}], "Next": %s}`,
		v, v, jsonString(hit.Operator), text[op.Start:op.End], jsonString(hit.Next)))
}

// InvalidPath sees InputPath, OutputPath, ResultPath and other paths that do not fit the data.
var InvalidPath = &diagnose.Rule{
	Name:  "invalid-path",
	Doc:   "InputPath, OutputPath or another path of the state asks for something that the data does not have, or has in another shape.",
	Check: one(invalidPath),
}

var (
	invalidPathText = lazyregexp.New(`(?s)Invalid path '(.+?)'\s*:\s*(.*)$`)
	unableToApply   = lazyregexp.New(`(?s)Unable to apply (?:Path|JSONPath|InputPath|OutputPath|ReferencePath|path) ['"]?(\$[^\s'"]*)['"]? to (?:the )?(input|output|.*)`)
)

func invalidPath(f *facts) *diagnose.Finding {
	if choiceInvalid.MatchString(f.msg) {
		return nil
	}
	m := invalidPathText.FindStringSubmatch(f.msg)
	if m == nil {
		if m = unableToApply.FindStringSubmatch(f.msg); m == nil || strings.Contains(f.msg, "ReferencePath") {
			return nil
		}
	}
	path, why := m[1], m[2]
	field := f.fieldWith(path)
	miss := missing{path: path, field: field, input: f.input(), confidence: diagnose.Certain}
	switch field {
	case "OutputPath":
		miss.data, miss.input = ofResult, value.Value{}
		if s := f.state; s.ResultPath == nil && s.ResultSelector == nil {
			miss.input, miss.event = f.result()
		}
	case "ResultSelector":
		miss.data = theResult
		miss.input, miss.event = f.result()
	}
	d := f.notThere(miss)
	path = pathed(path)
	switch {
	case strings.Contains(why, "Multi properties"):
		d.Title = fmt.Sprintf("%s picks several members in the middle of a path", path)
		d.RootCause = fmt.Sprintf("%s applies %s%s, and several members at once ['a','b'] may only be the last step of a path.", upper(f.here()), path, inField(field))
		d.Explanation = "The data is not the trouble: the path itself asks for what Step Functions' JSONPath does not do, whatever the input."
		d.Also = []diagnose.Category{diagnose.DefinitionInvalid}
		d.Remedies = []diagnose.Remedy{{Title: "Take each member by a path of its own", Steps: []string{`Make an object of them: "Parameters": {"a.$": "$.a.v", "b.$": "$.b.v"}; or use the query language JSONata.`}}}
	case strings.Contains(why, "can only be applied to arrays"):
		d.Title = fmt.Sprintf("%s asks for an item of an array, but the data is an object", path)
		d.RootCause = fmt.Sprintf("%s applies %s%s, which picks an item of an array, but on this way the data is not an array, it is a single object.", upper(f.here()), path, inField(field))
		d.Explanation = "A Parallel or Map state hands on an array, a Task an object: where several ways lead to one state, the path fits only one of them."
		d.Remedies = append([]diagnose.Remedy{{
			Title: "Make the shape the same on every way",
			Steps: []string{
				fmt.Sprintf("Let the states that lead to %s hand on the same shape: give the Parallel or Map a ResultSelector or OutputPath that picks the item, and drop %s here; or send the ways to two states.", f.ofState(), path),
			},
		}}, d.Remedies[len(d.Remedies)-1])
	case strings.Contains(why, "Expected to find an object") || strings.Contains(why, "but found") || strings.Contains(why, "can only be applied"):
		d.RootCause = fmt.Sprintf("%s applies %s%s, but the data there has another type than the path needs%s.", upper(f.here()), path, inField(field), is(foundType(why)))
		if d.Focus != nil {
			d.Focus.Label = "needs another type than the data has"
		}
		if foundType(why) == "a string" {
			d.Explanation = "A path does not look into a text. Where the text holds JSON (the body of an HTTP answer or a queue message, a function that returns a string) it has to be parsed first."
			d.Remedies = append([]diagnose.Remedy{{Title: "Parse the text first, or hand on an object", Steps: []string{
				`Put a Pass in front with "Parameters": {"parsed.$": "States.StringToJson($.text)"}, where $.text stands for the text's own path, and read below $.parsed here; in JSONata: $parse($states.input.text).`,
				"Or let whoever writes it hand on the object itself and not a text of it.",
			}}}, d.Remedies[len(d.Remedies)-1])
		}
	}
	if field == "OutputPath" {
		d.Explanation = "OutputPath is applied to what the state puts out (its result, placed by ResultPath), not to its input; a bad OutputPath raises States.Runtime, which no Catch sees. " +
			"With lambda:invoke the function's own result stands under $.Payload."
	}
	return d
}

// foundInstead is the class of the value that a path met, as Step Functions writes it.
var foundInstead = lazyregexp.New(`but found '(?:[\w.]+\.)?(Text|Int|Long|Double|Decimal|BigInteger|Boolean|Null|Array|String|Integer)(?:Node|List)?'`)

// foundType is the JSON type in a message of foundInstead; "" where it names none.
func foundType(why string) string {
	m := foundInstead.FindStringSubmatch(why)
	if m == nil {
		return ""
	}
	switch m[1] {
	case "Text", "String":
		return "a string"
	case "Boolean":
		return "a boolean"
	case "Null":
		return "null"
	case "Array":
		return "an array"
	}
	return "a number"
}

// is makes ": it is a string" of a type; "" of none.
func is(what string) string {
	if what == "" {
		return ""
	}
	return ": it is " + what
}

func inField(field string) string {
	if field == "" {
		return ""
	}
	return " in " + field
}

// fieldWith names the field of the state that holds path.
func (f *facts) fieldWith(path string) string {
	s := f.state
	if s == nil {
		return ""
	}
	switch is := func(p *asl.Path) bool { return p != nil && p.Text == path }; {
	case is(s.InputPath):
		return "InputPath"
	case is(s.OutputPath):
		return "OutputPath"
	case is(s.ResultPath):
		return "ResultPath"
	}
	if s.Map != nil && s.Map.ItemsPath != nil && s.Map.ItemsPath.Text == path {
		return "ItemsPath"
	}
	return ""
}

// NullInput sees a path applied to nothing.
var NullInput = &diagnose.Rule{
	Name:  "null-input",
	Doc:   "A path is applied to an input that is null or empty, as the state before handed on nothing.",
	Check: one(nullInput),
}

func nullInput(f *facts) *diagnose.Finding {
	if !f.says("Path transformation to null or empty input", "to null or empty input") {
		return nil
	}
	d := f.finding(diagnose.DataPath, diagnose.Certain, diagnose.No)
	d.Title = "The state's input is null, and a path is applied to it"
	prev := previous(f.state)
	if prev == "" {
		prev = "the preceding state"
	} else {
		prev = "the preceding state " + prev
	}
	d.RootCause = fmt.Sprintf("%s applies a path to its input, but that input is null: %s handed on null or nothing.", upper(f.here()), prev)
	d.Explanation = "That happens where a Lambda function returns nothing (None, undefined) and OutputPath \"$.Payload\" makes just that the state's output, or where OutputPath or InputPath selects a null; InputPath null gives {} and is not the same."
	d.Focus = f.focusField("its input is null", "InputPath", "Parameters")
	d.Remedies = []diagnose.Remedy{{
		Title: "Keep the data on the way",
		Steps: []string{
			fmt.Sprintf("Look at the output of %s in the history: it is null.", prev),
			"Let the function return an object; or set \"ResultPath\": null on that state, so that its result is dropped and its input handed on; or \"ResultPath\": \"$.result\" in place of OutputPath \"$.Payload\".",
		},
	}}
	d.Prevention = []string{"A function whose result nobody needs gets \"ResultPath\": null; one whose result is needed always returns an object."}
	d.Docs = []string{"Processing input and output in Step Functions", "Specifying state output using ResultPath"}
	return d
}

// ResultPathMisfit sees a ResultPath that cannot be put into the input.
var ResultPathMisfit = &diagnose.Rule{
	Name:  "result-path",
	Doc:   "ResultPath (of the state or of a catcher) cannot be put into the state's input, which is no object there.",
	Check: one(resultPathMisfit),
}

var referencePath = lazyregexp.New(`(?s)(?:Unable to apply (?:ReferencePath|step) ['"]?(\$?[^\s'"]+)['"]? to input|Reference path ['"]?(\$[^\s'"]*)['"]? .*?(?:could not be applied|cannot be applied))`)

func resultPathMisfit(f *facts) *diagnose.Finding {
	m := referencePath.FindStringSubmatch(f.msg)
	if m == nil && !f.errorIs("States.ResultPathMatchFailure") {
		return nil
	}
	path := "ResultPath"
	if m != nil {
		path = or(m[1], m[2])
	}
	if f.state != nil && f.state.ResultPath != nil && !strings.HasPrefix(path, "$") {
		path = or(f.state.ResultPath.Text, path)
	}
	d := f.finding(diagnose.DataPath, diagnose.Certain, diagnose.No)
	d.Title = "ResultPath does not fit the state's input"
	d.RootCause = fmt.Sprintf("%s is to put a result at ResultPath (%s) of its input, but the input is no object at that place, so nothing can be added to it.", upper(f.here()), path)
	if in := f.input(); !in.IsAbsent() {
		d.RootCause = fmt.Sprintf("%s is to put a result at ResultPath (%s) of its input, but the input is %s, and a member can only be added to an object.", upper(f.here()), path, contents(in))
	}
	d.Explanation = "ResultPath \"$.x\" adds a member x to the input; an array, a string, a number or null has no members. Items of a Map are often plain strings."
	d.Focus = f.focusField("cannot be added to this state's input", "ResultPath")
	d.Remedies = []diagnose.Remedy{{
		Title: "Make the input an object",
		Steps: []string{"Wrap the input: in a Map with \"ItemSelector\": {\"item.$\": \"$$.Map.Item.Value\"}, else with a Pass state and \"Parameters\": {\"value.$\": \"$\"}."},
	}, {
		Title: "Replace or drop the result",
		Steps: []string{"Where the input is not needed further on, leave ResultPath out (the result replaces the input); where the result is not needed, use \"ResultPath\": null."},
		Edits: f.setField("ResultPath", "null"),
	}}
	d.Prevention = []string{"Let every state of the workflow take and hand on an object."}
	d.Docs = []string{"Specifying state output using ResultPath"}
	return d
}

// ItemsNotArray sees a Map that is given no array.
var ItemsNotArray = &diagnose.Rule{
	Name:  "items-not-array",
	Doc:   "ItemsPath of a Map (or its input) leads to something that is not an array.",
	Check: one(itemsNotArray),
}

var (
	mustBeArray  = lazyregexp.New(`(?s)[Rr]eference path ['"]?(\$[^'"\s]*)['"]? must point to (?:an )?array`)
	itemsInvalid = lazyregexp.New(`(?i)non-iterable|(?:ItemsPath|items|item source)[^.]{0,60}(?:must be|is not|not) an? (?:\w+ )?(?:array|list)|Map state input must be an array`)
)

func itemsNotArray(f *facts) *diagnose.Finding {
	m := mustBeArray.FindStringSubmatch(f.msg)
	if m == nil && (!itemsInvalid.MatchString(f.msg) || f.err == "States.ItemReaderFailed" || f.err == "States.QueryEvaluationError") {
		return nil
	}
	path := "$"
	if f.state != nil && f.state.Map != nil && f.state.Map.ItemsPath != nil {
		path = f.state.Map.ItemsPath.Text
	} else if m != nil {
		path = m[1]
	}
	d := f.finding(diagnose.DataPath, diagnose.Certain, diagnose.No)
	d.Title = fmt.Sprintf("ItemsPath %s is not an array", path)
	is := ""
	v, ok := follow(f.input(), path)
	if ok {
		is = fmt.Sprintf(": it is %s", contents(v))
	}
	d.RootCause = fmt.Sprintf("%s iterates over ItemsPath %s, but what stands there is not an array%s.", upper(f.here()), path, is)
	d.Explanation = "A Map in INLINE mode needs an array. The path was found; it has the wrong type, often because the array lies one level deeper, or was sent as a JSON text."
	d.Focus = f.focusField("must be an array", "ItemsPath")
	d.Remedies = []diagnose.Remedy{{Title: "Point ItemsPath at the array", Steps: []string{"Look at the state's input in the history and set ItemsPath to the member that holds the array."}}}
	for _, member := range v.Members() {
		if ok && member.Value.Kind() == value.KindArray && looksLikeName(member.Key) {
			better := join(path, member.Key)
			d.Remedies[0] = diagnose.Remedy{
				Title: "Iterate over " + better + ", an array that is there",
				Steps: []string{fmt.Sprintf("Set \"ItemsPath\": %s.", jsonString(better))},
				Edits: f.setField("ItemsPath", jsonString(better)),
			}
			break
		}
	}
	d.Remedies = append(d.Remedies, diagnose.Remedy{
		Title: "Make an array of it",
		Steps: []string{"Is it a JSON text, parse it first in a Pass state: \"items.$\": \"States.StringToJson($.items)\". Is it a single value, wrap it: \"items.$\": \"States.Array($.item)\"."},
	})
	d.Prevention = []string{"Check with a Choice that the member is present before the Map, and let its writer return an empty array for “nothing to do”."}
	d.Docs = []string{"Map workflow state", "ItemsPath (Map, JSONPath only)"}
	return d
}

// dataFault reports that one of the rules about data knows the failure.
func (f *facts) dataFault() bool {
	for _, known := range []func(*facts) *diagnose.Finding{
		missingPath, choicePath, invalidPath, nullInput, resultPathMisfit, itemsNotArray, waitValue, numberPath,
		taskFormat, choiceNoMatch, historyFullFound, intrinsicFailed, jsonataFailed,
	} {
		if known(f) != nil {
			return true
		}
	}
	return false
}

// RuntimeData sees a States.Runtime that no other rule knows: data that does not fit what the state does with it.
var RuntimeData = &diagnose.Rule{
	Name:  "runtime-data",
	Doc:   "A States.Runtime that no other rule knows: the data does not fit the paths and fields of the state.",
	Check: one(runtimeData),
}

var anyPath = lazyregexp.New(`\$\$?(?:\.[A-Za-z_]\w*|\[['"\d][^\]]*\])+`)

func runtimeData(f *facts) *diagnose.Finding {
	if f.err != "States.Runtime" && f.err != "States.ParameterPathFailure" || f.refused() {
		return nil
	}
	if f.dataFault() || f.signal().category != "" {
		return nil
	}
	path := anyPath.FindString(f.msg)
	d := f.finding(diagnose.DataPath, diagnose.Hypothesis, diagnose.No)
	d.Also = []diagnose.Category{diagnose.InvalidParameters}
	what := "a value of its data"
	if path != "" {
		d.Confidence, what = diagnose.Likely, path
	}
	d.Title = fmt.Sprintf("The data does not fit what %s does with it", f.ofState())
	d.RootCause = fmt.Sprintf("%s cannot work with %s%s.", upper(f.here()), what, saying(f.msg))
	d.Explanation = "States.Runtime is raised by Step Functions itself while it applies the state's paths and fields: something is missing, null, or of another type than that field takes. The same data would fail again, and no Retry or Catch sees it."
	if span, ok := f.place("", path); ok {
		d.Focus = &diagnose.Focus{Span: span, Label: "does not fit the data"}
	}
	d.Remedies = []diagnose.Remedy{{Title: "Compare the state's fields with its recorded input", Steps: []string{
		fmt.Sprintf("Look at the input of %s in the history, and follow each path of the state (InputPath, Parameters, ItemsPath, …Path fields) in it.", f.ofState()),
		"Run the state alone with that input: aws stepfunctions test-state --definition … --input … --inspection-level DEBUG",
	}}}
	d.Prevention = []string{"Check types with a Choice (IsString, IsNumeric, IsPresent) before the state, where the data comes from outside."}
	d.Docs = []string{"Processing input and output in Step Functions", "Handling errors in Step Functions workflows"}
	return d
}
