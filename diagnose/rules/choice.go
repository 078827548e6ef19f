package rules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
	"github.com/stepsleuth/stepsleuth/redact"
)

// ChoiceNoMatch sees a Choice with no way out.
var ChoiceNoMatch = &diagnose.Rule{
	Name:  "choice-no-match",
	Doc:   "No rule of a Choice matches and it has no Default: says the value, and what it was compared with.",
	Check: one(choiceNoMatch),
}

func choiceNoMatch(f *facts) *diagnose.Finding {
	byName := f.errorIs("States.NoChoiceMatched")
	if !byName && !f.says("does not point to a next state", "Failed to transition out of the state", "no choice rule matched", "No Choice matched", "no choices matched") {
		return nil
	}
	d := f.finding(diagnose.ChoiceNoMatch, diagnose.Certain, diagnose.No)
	d.Title = "No rule of the Choice matched, and it has no Default"
	d.RootCause = fmt.Sprintf("None of the rules of the Choice %s matches its input, and it has no Default to go to.", strings.TrimPrefix(f.here(), "the state "))
	if f.stateName() == "" {
		d.RootCause = "None of the rules of the Choice state matches its input, and it has no Default to go to."
	}
	d.Explanation = "The operators compare types too: \"5\" does not match NumericEquals 5, \"True\" does not match BooleanEquals, StringEquals minds upper and lower case and blanks; a comparison of other types is false and raises nothing."
	if f.state != nil && f.state.QueryLanguage == asl.JSONata {
		d.Explanation = "A Condition counts where it is true and nothing else; JSONata's = is false between other types (\"5\" = 5), and minds upper and lower case and blanks."
	}
	if compared := f.compared(); len(compared) > 0 {
		d.RootCause = fmt.Sprintf("%s: %s.", strings.TrimSuffix(d.RootCause, "."), strings.Join(compared[:min(3, len(compared))], "; "))
	}
	d.Focus = f.focusField("no rule matches, no Default", "Choices")
	d.Remedies = []diagnose.Remedy{{
		Title: "Cover the value, or mend who writes it",
		Steps: []string{
			"Look at the recorded input of the state and add the rule that was meant for it (a border such as < and > without the equal value, another spelling, another type), or mend who writes the value.",
		},
	}, f.addDefault()}
	d.Prevention = []string{"Every Choice gets a Default, even if that is a Fail state: it can then say which value it did not expect."}
	d.Docs = []string{"Choice workflow state"}
	return d
}

// addDefault offers a Default, which somebody has to decide on: to the one Fail state
// that is there, else to a new one.
func (f *facts) addDefault() diagnose.Remedy {
	r := diagnose.Remedy{Title: "Decide where all other values go: add a Default", Workaround: true, Steps: []string{
		`Give the Choice "Default": "UnexpectedValue", and let that state be a Fail (or a handler) that names the value: {"Type": "Fail", "Error": "UnexpectedValue", "Cause": "no Choice rule matches the input"}. The input itself is still not provided for.`,
	}}
	s := f.state
	if s == nil || f.c.Machine == nil || s.Machine == nil || s.Machine.Source() == nil || !strings.HasPrefix(f.definitionText(), "{") {
		return r
	}
	name, ends := "", []string(nil)
	for _, other := range s.Machine.States {
		if other.Type == asl.Fail {
			ends = append(ends, other.Name)
		}
	}
	edits := []asl.Edit(nil)
	if len(ends) == 1 && nameOnly(ends[0]) {
		name = ends[0]
		edits = f.addField("Default", jsonString(name))
		r.Steps = []string{fmt.Sprintf("Give the Choice \"Default\": %s, if a value that nobody has thought of is to end there; else let Default lead to a state of its own, a Fail that names the value, or a handler. The input itself is still not provided for.", jsonString(name))}
	} else {
		name = f.freeName("UnexpectedValue")
		fail := fmt.Sprintf(`,%s%s: {"Type": "Fail", "Error": "UnexpectedValue", "Cause": "no Choice rule matches the input"}`, f.gapBefore(), jsonString(name))
		edits = append(f.addField("Default", jsonString(name)), asl.Edit{Span: asl.Span{Start: s.Span.End, End: s.Span.End}, New: fail})
	}
	if fixed, err := asl.Apply(s.Machine.Source().Text, edits); err == nil {
		if _, err := asl.Parse("", []byte(fixed)); err == nil {
			r.Edits = edits
		}
	}
	return r
}

// freeName is a name that no state of the definition has: name, or name with a number.
func (f *facts) freeName(name string) string {
	free := name
	for i := 2; f.written(jsonString(free)); i++ {
		free = name + strconv.Itoa(i)
	}
	return free
}

// gapBefore is the white space in front of the failing state's name.
func (f *facts) gapBefore() string {
	text := f.state.Machine.Source().Text[:f.state.NameSpan.Start]
	return text[len(strings.TrimRight(text, " \t\r\n")):]
}

// compared says of each value that the Choice asks for what it is, and what it was
// held against in vain: "$.amount is 100, which is neither < 100 nor > 100".
func (f *facts) compared() []string {
	if f.state == nil || f.input().IsAbsent() {
		return nil
	}
	if f.state.QueryLanguage == asl.JSONata {
		return f.conditionsTried()
	}
	tried := map[string][]string{}
	var paths []string
	var add func(r *asl.Rule)
	add = func(r *asl.Rule) {
		for _, part := range r.And {
			if f.holds(part) {
				continue // it is not that part which fails
			}
			add(part)
		}
		for _, part := range r.Or {
			add(part)
		}
		if r.Not != nil && r.Not.Variable != nil {
			if test := f.test(r.Not); test != "" {
				paths = append(paths, r.Not.Variable.Text)
				tried[r.Not.Variable.Text] = append(tried[r.Not.Variable.Text], "anything but "+test)
			}
		}
		if r.Variable != nil {
			if test := f.test(r); test != "" {
				paths = append(paths, r.Variable.Text)
				tried[r.Variable.Text] = append(tried[r.Variable.Text], test)
			}
		}
	}
	for _, r := range f.state.Choices {
		add(r)
	}
	var said []string
	for _, path := range uniq(paths) {
		v, there := follow(f.input(), path)
		if !isPath(path) {
			continue
		}
		is := "is absent"
		if there {
			is = "is " + shownAt(path, v)
		}
		said = append(said, fmt.Sprintf("%s %s, which is %s", path, is, neither(uniq(tried[path]))))
	}
	return said
}

// comparisons are how an operator's name, without its type and "Path", is said.
var comparisons = map[string]string{"Equals": "=", "LessThan": "<", "LessThanEquals": "<=", "GreaterThan": ">", "GreaterThanEquals": ">=", "Matches": "like"}

// operandKinds are the types that operators compare, by the beginnings of their names.
var operandKinds = []struct {
	prefix string
	kind   value.Kind
	noun   string
}{{"Numeric", value.KindNumber, "a number"}, {"String", value.KindString, "a string"}, {"Boolean", value.KindBool, "a boolean"}, {"Timestamp", value.KindString, "a timestamp"}}

// test says what a rule asks of its Variable: "< 100", "a number (NumericEquals 5)"
// where the type alone rules it out; "" where that cannot be said.
func (f *facts) test(r *asl.Rule) string {
	operator := strings.TrimSuffix(r.Operator, "Path")
	operand := value.Value(r.Value)
	shown := shownValue(operand)
	if r.Path != nil {
		there := false
		if operand, there = follow(f.input(), r.Path.Text); !there || !isPath(r.Path.Text) {
			return ""
		}
		shown = fmt.Sprintf("%s (%s)", r.Path.Text, shownAt(r.Path.Text, operand))
	}
	if strings.HasPrefix(operator, "Is") {
		kind := map[string]string{"IsPresent": "present", "IsNull": "null", "IsBoolean": "a boolean", "IsNumeric": "a number", "IsString": "a string", "IsTimestamp": "a timestamp"}[operator]
		if no, isBool := operand.AsBool(); isBool && !no && kind != "" {
			return "other than " + kind
		}
		return kind
	}
	for _, k := range operandKinds {
		how, ok := strings.CutPrefix(operator, k.prefix)
		if !ok || comparisons[how] == "" {
			continue
		}
		if v, there := follow(f.input(), r.Variable.Text); there && v.Kind() != k.kind {
			return fmt.Sprintf("%s (%s %s)", k.noun, operator, shown)
		}
		return comparisons[how] + " " + shown
	}
	return ""
}

// holds reports a simple comparison that is known to be true.
func (f *facts) holds(r *asl.Rule) bool {
	if r.Variable == nil {
		return false
	}
	v, there := follow(f.input(), r.Variable.Text)
	operand := value.Value(r.Value)
	if r.Path != nil {
		operand, _ = follow(f.input(), r.Path.Text)
	}
	want, _ := operand.AsBool()
	switch operator := strings.TrimSuffix(r.Operator, "Path"); {
	case operator == "IsPresent":
		return there == want
	case !there:
		return false
	case operator == "IsNull":
		return v.IsNull() == want
	case operator == "IsString":
		return (v.Kind() == value.KindString) == want
	case operator == "IsNumeric":
		return (v.Kind() == value.KindNumber) == want
	case operator == "IsBoolean":
		return (v.Kind() == value.KindBool) == want
	case operator == "StringEquals", operator == "NumericEquals", operator == "BooleanEquals":
		return v.Kind() == operand.Kind() && value.Equal(v, operand)
	case strings.HasPrefix(operator, "Numeric"):
		a, ok := v.AsFloat()
		b, also := operand.AsFloat()
		how := strings.TrimPrefix(operator, "Numeric")
		return ok && also && (a < b && strings.HasPrefix(how, "LessThan") || a > b && strings.HasPrefix(how, "GreaterThan") || a == b && strings.HasSuffix(how, "Equals"))
	}
	return false
}

// neither joins tests that all failed: "not < 1", "neither < 1 nor > 1".
func neither(tests []string) string {
	const most = 6
	if len(tests) > most {
		tests = append(tests[:most:most], fmt.Sprintf("any of %d more", len(tests)-most))
	}
	last := len(tests) - 1
	if last == 0 {
		return "not " + tests[0]
	}
	return "neither " + strings.Join(tests[:last], ", ") + " nor " + tests[last]
}

// conditionInput is what a JSONata expression reads of the state's input.
var conditionInput = lazyregexp.New(`\$states\.input((?:\.[A-Za-z_]\w*)+)`)

// conditionsTried is compared for JSONata: the conditions that are not true, and what
// the members that they read are.
func (f *facts) conditionsTried() []string {
	var conditions, values []string
	for _, r := range f.state.Choices {
		if r.Condition == nil {
			continue
		}
		if q := quoted(r.Condition.Text); q != "" {
			conditions = append(conditions, q)
		}
		for _, m := range conditionInput.FindAllStringSubmatch(r.Condition.Text, 4) {
			v, there := follow(f.input(), "$"+m[1])
			if !there {
				values = append(values, m[0]+" is absent")
				continue
			}
			values = append(values, m[0]+" is "+shownAt(m[0], v))
		}
	}
	values = uniq(values)
	if len(values) == 0 || len(conditions) == 0 {
		return nil
	}
	all := "neither " + strings.Join(conditions[:len(conditions)-1], ", ") + " nor " + lastOf(conditions) + " is true"
	if len(conditions) == 1 {
		all = conditions[0] + " is not true"
	}
	return append([]string{list(values[:min(3, len(values))])}, all)
}

// shownValue is a value for a sentence: names and numbers as they are, other texts as a
// short quote, what is larger by its kind.
func shownValue(v value.Value) string {
	s, isText := v.AsString()
	switch {
	case isText && s != "" && len(s) <= 40 && looksLikeName(s):
		return jsonString(s)
	case isText && s != "" && quoted(clip(s, 40)) != "":
		return quoted(clip(s, 40))
	case v.Kind() == value.KindNumber || v.Kind() == value.KindBool:
		return v.String()
	}
	return contents(v)
}

// shownAt is shownValue for what stands at path, whose name may say that it is not to be shown.
func shownAt(path string, v value.Value) string {
	if secretAt(path, v) {
		return contents(v)
	}
	return shownValue(v)
}

// secretAt reports a value that the name of its member makes a secret ($.pin). Said in a
// sentence it has lost that name, and it may be too short for a report's redactor to
// know it again.
func secretAt(path string, v value.Value) bool {
	way := pathNames.FindAllString(path, -1)
	doc := fmt.Sprintf("{%s: %s}", jsonString(lastOf(way)), v.JSON())
	return len(way) > 0 && new(redact.Redactor).Text(doc).String() != doc
}

// pathNames are the names of members in a path.
var pathNames = lazyregexp.New(`[A-Za-z_][\w-]*`)
