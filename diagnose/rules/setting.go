package rules

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// WaitValue sees a Wait whose seconds or timestamp are no such thing.
var WaitValue = &diagnose.Rule{
	Name:  "wait-value",
	Doc:   "A Wait state is given seconds or a timestamp that it cannot use: fractions, negative numbers, a date without T or offset.",
	Check: one(waitValue),
}

var (
	secondsPath   = lazyregexp.New(`(?s)The (SecondsPath|TimestampPath|TimeoutSecondsPath|HeartbeatSecondsPath) (?:parameter|field) (.*?): (\$\S*?)(?: == (.*?))?\.?$`)
	timestampText = lazyregexp.New(`(?s)The (Timestamp|Seconds) (?:field|parameter) (cannot be parsed as .*?|.*?): (.*?)\.?$`)
)

func waitValue(f *facts) *diagnose.Finding {
	var field, path, got string
	if m := secondsPath.FindStringSubmatch(f.msg); m != nil {
		field, path, got = m[1], m[3], m[4]
	} else if m := timestampText.FindStringSubmatch(f.msg); m != nil && f.says("States.") {
		field, got = m[1], m[3]
	} else if f.says("Wait state delay is too long") {
		field = "Wait"
	} else {
		return nil
	}
	if f.says("does not reference an input value") {
		return f.nothingToWaitFor(field, path)
	}
	category := diagnose.DataPath
	if f.errorIs("States.QueryEvaluationError") {
		category = diagnose.JSONataEval
	}
	d := f.finding(category, diagnose.Certain, diagnose.No)
	if category == diagnose.JSONataEval {
		d.Also = []diagnose.Category{diagnose.DataPath}
	}
	d.Focus = f.focusField("not a value that this field takes", field, strings.TrimSuffix(field, "Path"), "Timestamp", "TimestampPath", "Seconds", "SecondsPath")
	value := quoted(got)
	d.Title = fmt.Sprintf("%s has a value that a Wait cannot use", field)
	switch {
	case field == "Wait":
		d.Title = "The Wait is longer than Step Functions allows"
		d.RootCause = upper(f.here()) + " is to wait longer than an execution may last (one year; five minutes in an Express workflow), as the seconds or the timestamp it was given lie too far ahead."
		d.Explanation = "Milliseconds taken for seconds, and a wrong century in a date, are the usual reasons."
	case strings.Contains(field, "Timestamp"):
		d.RootCause = fmt.Sprintf("%s reads %s%s, which is no ISO-8601 / RFC 3339 timestamp: %s.", upper(f.here()), field, pathIn(path), timestampFault(got))
		if value != "" {
			d.RootCause = fmt.Sprintf("%s reads %s%s and gets %s, which is no ISO-8601 / RFC 3339 timestamp: %s.", upper(f.here()), field, pathIn(path), value, timestampFault(got))
		}
		d.Explanation = "Step Functions is strict here: a date, a capital T, a time, and an offset (Z or +hh:mm) must all be there, as in 2024-03-18T17:33:00Z."
	case f.says("negative"):
		d.RootCause = fmt.Sprintf("%s reads %s%s and gets a negative number (%s); seconds start at 0.", upper(f.here()), field, pathIn(path), or(value, "less than 0"))
		d.Explanation = "A duration that was computed as end minus now turns negative when the end has passed."
	default:
		d.RootCause = fmt.Sprintf("%s reads %s%s and gets %s, which is not a whole number of seconds (an integer).", upper(f.here()), field, pathIn(path), or(value, "something"))
		d.Explanation = "Only whole numbers are taken: 1.5, \"30\" in quotes that is no number, and null are refused."
	}
	steps := []string{"Let the writer of this value round it to a whole number of seconds of at least 0; or set the state's Seconds to a number."}
	if strings.Contains(field, "Timestamp") {
		steps = []string{"Let the writer of this value write it in UTC as 2024-03-18T17:33:00Z (Python: datetime.now(timezone.utc).isoformat(); JavaScript: new Date().toISOString())."}
		if fault := timestampFault(got); strings.Contains(fault, "offset") {
			steps = append(steps, fmt.Sprintf("Where the writer cannot be changed, add the offset in a Pass state before: States.Format('{}Z', %s)", or(path, "$.time")))
		}
	}
	if field == "Wait" {
		steps = []string{"Hand over seconds and not milliseconds, and a time within the longest an execution may last; for more, let a schedule (EventBridge Scheduler) start a new execution then."}
	}
	d.Remedies = []diagnose.Remedy{{Title: "Hand over a value of the right form", Steps: steps}}
	d.Prevention = []string{"Test the Wait with the real producer's value: a wrong form raises States.Runtime, which no Catch sees."}
	d.Docs = []string{"Wait workflow state"}
	return d
}

// nothingToWaitFor tells of a field whose path leads to nothing at all.
func (f *facts) nothingToWaitFor(field, path string) *diagnose.Finding {
	d := f.notThere(missing{path: path, field: field, input: f.input(), confidence: diagnose.Certain})
	if d.Focus == nil {
		d.Focus = f.focusField("missing: not in this state's input", field)
	}
	return d
}

func pathIn(path string) string {
	if path == "" {
		return ""
	}
	return " (" + path + ")"
}

var (
	isoDate   = lazyregexp.New(`^\d{4}-(\d\d)-(\d\d)`)
	isoTime   = lazyregexp.New(`[T ](\d\d):(\d\d):?(\d\d)?`)
	isoOffset = lazyregexp.New(`(?:Z|[+-]\d\d:?\d\d)$`)
)

// timestampFault says what is wrong with a timestamp, as far as can be told.
func timestampFault(s string) string {
	date, clock := isoDate.FindStringSubmatch(s), isoTime.FindStringSubmatch(s)
	switch {
	case s == "":
		return "date, T, time and an offset such as Z are needed"
	case date == nil:
		return "the date is not written as YYYY-MM-DD"
	case date[1] > "12" || date[1] == "00":
		return fmt.Sprintf("there is no month %s", date[1])
	case date[2] > "31" || date[2] == "00":
		return fmt.Sprintf("there is no day %s", date[2])
	case clock == nil:
		return "it has no time of day after the separator T"
	case clock[1] > "23" || clock[2] > "59":
		return fmt.Sprintf("there is no time %s:%s", clock[1], clock[2])
	case !strings.Contains(s, "T"):
		return "the separator T between date and time is missing"
	case !isoOffset.MatchString(s):
		return "the offset from UTC (time zone: Z or +hh:mm) is missing"
	}
	return "it is not of the form 2024-03-18T17:33:00Z"
}

// NumberPath sees a Map's or a time-out's setting that is no whole number.
var NumberPath = &diagnose.Rule{
	Name:  "number-path",
	Doc:   "MaxConcurrencyPath, ToleratedFailureCountPath, MaxItemsPath or a like setting leads to something that is not a number in range.",
	Check: one(numberPath),
}

var (
	fieldRefers   = lazyregexp.New(`(?s)The (\w+) field refers to value "(.*?)" which is not a valid (\w+): (\S+?)\.?$`)
	cannotBe      = lazyregexp.New(`(?:^|field )(MaxConcurrency|ToleratedFailureCount|ToleratedFailurePercentage|MaxItems|MaxItemsPerBatch|MaxInputBytesPerBatch|TimeoutSeconds|HeartbeatSeconds)(?:Path)? (cannot be negative|must be (?:positive|between \d+ and \d+|greater than \w+|a \w+(?: \w+)?|less than [^.]*)|cannot be greater than [^.]*|is not a valid \w+)`)
	mapSettingSet = lazyregexp.New(`^States\.(?:Runtime|ItemReaderFailed|QueryEvaluationError)$`)
)

func numberPath(f *facts) *diagnose.Finding {
	var field, got, path, why string
	if m := fieldRefers.FindStringSubmatch(f.msg); m != nil {
		field, got, path, why = m[1], m[2], m[4], "not a valid "+m[3]
	} else if m := cannotBe.FindStringSubmatch(f.msg); m != nil && mapSettingSet.MatchString(f.err) {
		field, why = m[1], "out of range: it "+m[2]
		got, path = f.settingAt(field)
	} else {
		return nil
	}
	category := diagnose.DataPath
	if f.errorIs("States.QueryEvaluationError") {
		category = diagnose.JSONataEval
	}
	d := f.finding(category, diagnose.Certain, diagnose.No)
	d.Title = fmt.Sprintf("%s is %s", field, why)
	d.RootCause = fmt.Sprintf("%s takes %s%s and gets %s, which is %s; a whole number (integer) in range is needed.", upper(f.here()), field, pathIn(path), or(quoted(got), "a value"), why)
	if strings.HasPrefix(why, "out of range") {
		d.RootCause = fmt.Sprintf("%s takes %s%s and gets %s, which is %s; a whole number (integer) in that range is needed.", upper(f.here()), field, pathIn(path), or(quoted(got), "a number"), why)
	}
	d.Explanation = "A number in quotes that is no number, a fraction, an object or a negative number is refused, before the first iteration runs; this cannot be caught in JSONPath workflows."
	d.Focus = f.focusField("needs a whole number", field, strings.TrimSuffix(field, "Path"), strings.TrimSuffix(field, "Path")+"Path", "ItemReader")
	number := "10"
	if strings.HasPrefix(field, "Tolerated") {
		number = "0"
	}
	d.Remedies = []diagnose.Remedy{{
		Title: "Send a number",
		Steps: []string{fmt.Sprintf("Let the caller send %s as a JSON number, without quotes; or write the setting down in the definition, as in %s: %s.", or(path, "the value"), jsonString(strings.TrimSuffix(field, "Path")), number)},
	}}
	d.Prevention = []string{"Check the setting with a Choice (IsNumeric, NumericGreaterThanEquals) before the Map."}
	d.Docs = []string{"Map workflow state", "Setting failure thresholds for Distributed Map states"}
	return d
}

// settingAt is the value that a setting's path (MaxItemsPath) leads to in the
// state's input, and the path; "" where that is not known.
func (f *facts) settingAt(field string) (got, path string) {
	span, ok := f.field(strings.TrimSuffix(field, "Path") + "Path")
	if !ok || f.state.Machine.Source() == nil {
		return "", ""
	}
	path = strings.Trim(f.state.Machine.Source().Text[span.Start:span.End], `"`)
	v, ok := follow(f.input(), path)
	if !ok || !isPath(path) {
		return "", ""
	}
	return v.JSON(), path
}

// TaskFormat sees parameters that Step Functions itself refuses before it calls the service.
var TaskFormat = &diagnose.Rule{
	Name:  "task-format",
	Doc:   "Step Functions cannot start the task, as a parameter has a wrong type or form, or a text is no JSON.",
	Check: one(taskFormat),
}

var (
	couldNotStart = lazyregexp.New(`(?s)The (?:Parameters|Arguments) '(.*)' could not be used to start the Task: \[(.*)\]`)
	fieldInvalid  = lazyregexp.New(`The (?:value (?:of|for) the )?field ['"]?([\w./\[\]$-]+)['"]? (has an invalid format|is required|is not supported|was missing|is invalid|must be [\w ]+)`)
	requiredField = lazyregexp.New(`(?:The )?field ['"]?([\w.\[\]]+)['"]? is (?:required|missing)`)
	notParsed     = lazyregexp.New(`(?s)The (Parameters|Arguments|Input|Output|Payload|state output|input|output) could not be (?:parsed|deserialized|read)`)
	column        = lazyregexp.New(`line: (\d+), column: (\d+)`)
)

func taskFormat(f *facts) *diagnose.Finding {
	if m := couldNotStart.FindStringSubmatch(f.msg); m != nil {
		return f.notStarted(m[2])
	}
	if !f.says("States.") || !notParsed.MatchString(f.msg) && !f.says("Unexpected character (", "is not valid JSON", "was expecting comma to separate") {
		return nil
	}
	d := f.finding(diagnose.InvalidParameters, diagnose.Likely, diagnose.No)
	d.Also = []diagnose.Category{diagnose.DataPath}
	d.Title = "What the task is given, or gave, is not valid JSON"
	where := ""
	if m := column.FindStringSubmatch(f.msg); m != nil {
		where = fmt.Sprintf(" (the parser stopped at line: %s, column: %s)", m[1], m[2])
	}
	d.RootCause = fmt.Sprintf("%s handles a text as JSON that is none%s, so Step Functions could not read it%s.", upper(f.here()), where, f.jsonFault())
	d.Explanation = "JSON that is put together by hand (string concatenation, templates, toString) breaks on the first quote, backslash or newline in a value."
	d.Remedies = []diagnose.Remedy{{Title: "Let a JSON library write it", Steps: []string{
		"In the code that makes the text, replace the concatenation by json.dumps, JSON.stringify, Jackson's ObjectMapper or the like.",
		"In a definition, pass the object itself and not a text; States.JsonToString makes a text of it where one is needed.",
	}}}
	d.Prevention = []string{"Test the writer with a value that has a quote (\"), a backslash and a newline in it."}
	d.Docs = []string{"Processing input and output in Step Functions", "Intrinsic functions for JSONPath states in Step Functions"}
	return d
}

var memberAt = lazyregexp.New(`"([A-Za-z_][\w-]{0,40})"\s*:\s*""+"`)

func (f *facts) jsonFault() string {
	if m := memberAt.FindStringSubmatch(f.msg); m != nil {
		return fmt.Sprintf(": the value of %s has a stray quote", m[1])
	}
	return ""
}

func (f *facts) notStarted(problems string) *diagnose.Finding {
	d := f.finding(diagnose.InvalidParameters, diagnose.Certain, diagnose.No)
	d.Also = []diagnose.Category{diagnose.DataPath}
	var fields []string
	fault := ""
	for _, m := range fieldInvalid.FindAllStringSubmatch(problems, 8) {
		fields = append(fields, m[1])
		fault = or(fault, m[2])
	}
	for _, m := range requiredField.FindAllStringSubmatch(problems, 8) {
		if !contains(fields, m[1]) {
			fields = append(fields, m[1])
		}
	}
	what := "a parameter"
	if len(fields) > 0 {
		what = list(fields)
		d.Focus = f.focusField("has a form that the integration does not take", "Parameters", "Arguments")
		if node := f.paramNode(fields[0]); node != nil && node.Span.End > 0 {
			d.Focus = &diagnose.Focus{Span: node.Span, Label: "has a form that the integration does not take"}
		}
	}
	d.Title = fmt.Sprintf("The task could not be started: %s is missing or has an invalid format", what)
	d.RootCause = fmt.Sprintf("%s could not start its task%s, as %s is missing or has an invalid format%s.", upper(f.here()), f.calling(), what, saying(problems))
	d.Explanation = "Step Functions checks the parameters of an optimised integration itself, before it calls the service."
	if contains(fields, "Headers") || contains(fields, "QueryParameters") {
		d.Explanation += " For apigateway:invoke, Headers and QueryParameters are objects whose values are arrays of strings: {\"Content-Type\": [\"application/json\"]}."
	}
	d.Remedies = []diagnose.Remedy{{Title: "Give " + what + " the type that the integration takes", Steps: []string{
		"Compare the recorded parameters (TaskScheduled event) with the integration's page: a list where a text was sent, an object of lists, a number in place of a text; or a member that is missing altogether.",
	}}}
	switch {
	case fault == "is not supported":
		d.Title = fmt.Sprintf("The task could not be started: %s is no parameter of it", what)
		d.RootCause = fmt.Sprintf("%s could not start its task%s, as %s is no parameter that this integration takes%s.", upper(f.here()), f.calling(), what, saying(problems))
		d.Explanation = "An optimised integration takes the parameters on its page in Step Functions' documentation, in their capitals, and no others; a library or tool that made them may be newer or older than that."
		d.Remedies[0] = diagnose.Remedy{Title: "Leave " + what + " out", Steps: []string{
			"Take it out of the parameters, or out of the data that they are taken from, with a list of the members that are wanted in place of the whole object (\"Parameters.$\": \"$\" hands on all there is).",
			"Where the service needs it, call the service through the AWS SDK integration (arn:aws:states:::aws-sdk:…), which takes all parameters of the API.",
		}}
	case strings.HasPrefix(fault, "must be"):
		d.Title = fmt.Sprintf("The task could not be started: %s %s", what, fault)
		d.RootCause = fmt.Sprintf("%s could not start its task%s, as %s has another type than the integration takes: it %s.", upper(f.here()), f.calling(), what, fault)
		d.Remedies[0].Steps = []string{fmt.Sprintf("Let the writer of %s send the type that is asked for; or convert it on the way. A number becomes a text with States.Format('{}', $.value), in JSONata with $string($states.input.value); a text becomes a number with States.StringToJson($.value), in JSONata with $number($states.input.value).", what)}
	}
	d.Prevention = []string{"Run the state alone with TestState and a recorded input before it is deployed."}
	d.Docs = []string{"Integrating services with Step Functions", "Using TestState API to test a state"}
	return d
}

// calling is " (batch:submitJob.sync)" where the integration is known.
func (f *facts) calling() string {
	if !f.task.known {
		return ""
	}
	return " (" + f.task.name() + ")"
}

func contains(items []string, s string) bool {
	for _, i := range items {
		if i == s {
			return true
		}
	}
	return false
}

// LiteralPath sees a JSONPath that was sent as it stands, for want of ".$".
var LiteralPath = &diagnose.Rule{
	Name:  "literal-path",
	Doc:   "A service is given the text of a JSONPath or JSONata expression in place of its value: the key lacks “.$”, or the query language is another.",
	Check: one(literalPath),
}

var sentLiterally = lazyregexp.New(`(?:^|[\s'"=:(/\[])(\$\$?\.[A-Za-z_][\w.\[\]]*)`)

// literalInPlaceOfName is a JSONPath that the state gives as plain text for what a
// service does not find or take; "" where there is none.
func (f *facts) literalInPlaceOfName() string {
	if f.state == nil || f.nested != nil || f.state.QueryLanguage == asl.JSONata {
		return ""
	}
	switch f.signal().category {
	case diagnose.ResourceNotFound, diagnose.InvalidParameters:
	default:
		return ""
	}
	t := f.state.Parameters
	if t == nil || t.Root == nil {
		return ""
	}
	literal := func(v value.Value) string {
		s, _ := v.AsString()
		if s != "" && sentLiterally.FindString(s) == s {
			return s
		}
		return ""
	}
	for _, m := range t.Root.Members {
		if m.Node != nil {
			if s := literal(value.Value(m.Node.Literal)); s != "" {
				return s
			}
		}
	}
	for _, m := range value.Value(t.Root.Literal).Members() {
		if s := literal(m.Value); s != "" {
			return s
		}
	}
	return ""
}

func literalPath(f *facts) *diagnose.Finding {
	if f.phase == diagnose.Create || strings.HasPrefix(f.err, "States.") && f.err != "States.TaskFailed" || f.lambda() {
		return nil
	}
	m := sentLiterally.FindStringSubmatch(f.msg)
	expr := ""
	if m != nil {
		expr = strings.TrimRight(m[1], ".")
	} else if i := strings.Index(f.msg, "{% "); i >= 0 {
		expr = harmless(f.msg[i:])
	}
	if expr == "" {
		expr = f.literalInPlaceOfName()
	}
	if expr == "" || strings.Contains(f.msg, "$.xml") {
		return nil
	}
	key := ""
	if f.state != nil {
		key = f.keyOf(expr)
	}
	d := f.finding(diagnose.DataPath, diagnose.Likely, diagnose.No)
	if key != "" {
		d.Confidence = diagnose.Certain
	}
	d.Also = []diagnose.Category{diagnose.InvalidParameters}
	k := or(key, "Key")
	d.Title = fmt.Sprintf("%s was sent literally: the key lacks “.$”", expr)
	d.RootCause = fmt.Sprintf("%s sends the text %s itself to the service%s, and not the value it stands for: %s has to be written %s.$ for a JSONPath to be read.", upper(f.here()), expr, f.calling(), k, k)
	if strings.HasPrefix(expr, "{%") {
		d.RootCause = fmt.Sprintf("%s sends the text of a JSONata expression%s in place of its value: the state's QueryLanguage is JSONPath, so {%% … %%} means nothing to it.", upper(f.here()), f.calling())
	}
	d.Explanation = "In Parameters a value is taken as it stands, unless its key ends in “.$”; in CDK that comes from JsonPath.stringAt (string_at), not from a plain string."
	located := false
	if key != "" {
		if s, ok := f.place(key, expr); ok {
			located = true
			d.Focus = &diagnose.Focus{Span: s, Label: "a path, but " + k + " has no .$"}
		}
	}
	r := diagnose.Remedy{
		Title: fmt.Sprintf("Write %s.$", k),
		Steps: []string{fmt.Sprintf("-  %s: %s", jsonString(k), jsonString(expr)), fmt.Sprintf("+  %s: %s", jsonString(k+".$"), jsonString(expr)), "In CDK: use JsonPath.stringAt(…) (Python: JsonPath.string_at)."},
	}
	if located {
		r.Edits = f.renameKey(key, key+".$")
	}
	d.Remedies = []diagnose.Remedy{r}
	d.Prevention = []string{"Lint definitions for values that begin with “$.” below a key without “.$”."}
	d.Docs = []string{"Manipulating parameters in Step Functions workflows", "Processing input and output in Step Functions"}
	return d
}
