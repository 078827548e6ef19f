package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// JSONataFailed sees an expression that could not be evaluated, or gave nothing or the wrong type.
var JSONataFailed = &diagnose.Rule{
	Name:  "jsonata",
	Doc:   "A JSONata expression could not be evaluated, returned nothing, or the wrong type: names expression, field and code.",
	Check: one(jsonataFailed),
}

var (
	jsonataExpr  = lazyregexp.New(`(?s)The JSONata expression '(.*?)' specified for the field '([^']*)' (.*)$`)
	jsonataCode  = lazyregexp.New(`\b([STD]\d{4}|U\d{4}): (.*)`)
	unexpected   = lazyregexp.New(`Expected '?(\w+)'?, but was '?(\w+)'?`)
	mapInput     = lazyregexp.New(`Map state input must be an array but was: (.*)`)
	statesData   = lazyregexp.New(`^\$states\.(input|result)((?:\.(?:[A-Za-z_]\w*|` + "`[^`]+`" + `)|\[\d+\])*)$`)
	variableName = lazyregexp.New(`^\$([A-Za-z_]\w*)(?:[.\[].*)?$`)
)

func jsonataFailed(f *facts) *diagnose.Finding {
	if !f.errorIs("States.QueryEvaluationError") && !strings.Contains(f.msg, "The JSONata expression '") {
		return nil
	}
	if waitValue(f) != nil || numberPath(f) != nil {
		return nil
	}
	d := f.finding(diagnose.JSONataEval, diagnose.Certain, diagnose.No)
	d.Prevention = []string{
		"Write defaults where something may be absent, in JSONata 2.0.6 as Step Functions speaks it: {% $exists($states.input.x) ? $states.input.x : 'none' %}; the operators ?? and ?: of newer versions, and $eval, are not there.",
		"Try the state with TestState and a recorded input. States.QueryEvaluationError can be caught by name or by States.ALL.",
	}
	d.Docs = []string{"Transforming data with JSONata in Step Functions", "Passing data between states with variables"}
	if m := mapInput.FindStringSubmatch(f.msg); m != nil {
		d.Also = []diagnose.Category{diagnose.DataPath}
		d.Title = "The Map has no Items, and its input is no array"
		d.RootCause = fmt.Sprintf("%s is a JSONata Map without Items, so that it iterates over its input, and that is not an array.", upper(f.here()))
		d.Explanation = "Without Items a Map takes the state's input itself, which has to be an array (in JSONata an object is not taken)."
		d.Focus = f.focusField("no Items, and the input is no array", "Items", "ItemProcessor")
		d.Remedies = []diagnose.Remedy{{Title: "Say what to iterate over", Steps: []string{`Add "Items": "{% $states.input.items %}" with the member that holds the array; [$states.input] makes an array of a single value.`}}}
		return d
	}
	m := jsonataExpr.FindStringSubmatch(f.msg)
	if m == nil {
		d.Title = "A JSONata expression or value of the state cannot be used"
		d.RootCause = fmt.Sprintf("%s could not evaluate JSONata, or got a value that the field does not take%s.", upper(f.here()), saying(f.msg))
		d.Explanation = "The field needs another type or range than the expression gives with this input."
		d.Remedies = []diagnose.Remedy{{Title: "Correct the expression or its input", Steps: []string{"Evaluate it with the recorded input of the state: aws stepfunctions test-state --definition … --input … --inspection-level DEBUG"}}}
		return d
	}
	expr, field, why := m[1], pathed(m[2]), m[3]
	shown := or(quoted(expr), "an expression")
	d.Title = fmt.Sprintf("The JSONata expression of %s failed", field)
	d.Focus = f.focusExpression(expr, field)
	exact := d.Focus != nil && d.Focus.Label == noValue
	switch {
	case strings.Contains(why, "returned nothing"):
		return f.jsonataNothing(d, expr, field)
	case unexpected.MatchString(why):
		t := unexpected.FindStringSubmatch(why)
		if d.Focus != nil {
			d.Focus.Label = fmt.Sprintf("gives %s, not %s", article(t[2]), article(t[1]))
		}
		d.Title = fmt.Sprintf("%s needs %s, and the expression gives %s", field, article(t[1]), article(t[2]))
		d.RootCause = fmt.Sprintf("%s gets for its field %s from %s the type %s, but %s is expected.", upper(f.here()), field, shown, t[2], article(t[1]))
		d.Explanation = "The expression was evaluated; its value has the wrong type for this field. JSONata makes a single value of an array with one item: write the expression in [ … ] (or ( … )[]) where an array is needed."
		d.Also = []diagnose.Category{diagnose.DataPath}
		r := diagnose.Remedy{Title: "Give the expected type", Steps: []string{"For an array: {% [ … ] %}; for a number: $number(…); for a text: $string(…); for a boolean: $boolean(…)."}}
		if t[1] == "array" && d.Focus != nil && t[2] != "null" {
			r.Steps = append(r.Steps, "Only wrap it where one value is meant to be one item; else mend where the value comes from.")
		}
		d.Remedies = []diagnose.Remedy{r}
		if whole := f.operands(expr); len(whole) == 1 && whole[0].text == strings.TrimSpace(expr) {
			d.RootCause = fmt.Sprintf("%s: %s.", strings.TrimSuffix(d.RootCause, "."), sayOperands(whole))
			if fix, ok := f.convert(d, expr, field, whole, wantedKinds[t[1]], exact); ok {
				d.Remedies = []diagnose.Remedy{fix, r}
			}
		}
	default:
		code, words := "", why
		if c := jsonataCode.FindStringSubmatch(why); c != nil {
			code, words = c[1], c[2]
		}
		codeText := ""
		if code != "" {
			codeText = " (" + code + ")"
		}
		d.Title = fmt.Sprintf("The JSONata expression of %s threw an error%s", field, codeText)
		d.RootCause = fmt.Sprintf("%s evaluates %s for its field %s, and the evaluation threw an error%s%s.", upper(f.here()), shown, field, codeText, saying(words))
		d.Explanation = jsonataCodes[code]
		if d.Explanation == "" && code != "" {
			d.Explanation = jsonataCodes[code[:1]]
		}
		d.Remedies = []diagnose.Remedy{{Title: "Correct the expression for this input", Steps: []string{
			"Evaluate it with the recorded input of the state: aws stepfunctions test-state --definition … --input … --inspection-level DEBUG",
			"Convert types where they differ ($number, $string), and ask $exists(…) before using what may be absent.",
		}}}
		if strings.HasPrefix(code, "T") || code == "D3030" || code == "D1002" {
			f.ofOtherType(d, expr, field, code, words, exact)
		}
	}
	return d
}

// wantedKinds are the types that Step Functions names for a field.
var wantedKinds = map[string]value.Kind{"number": value.KindNumber, "string": value.KindString}

// ofOtherType completes d with the recorded values that the expression cannot work with.
func (f *facts) ofOtherType(d *diagnose.Finding, expr, field, code, words string, exact bool) {
	found := f.misfits(expr, code, words)
	said := sayOperands(found)
	if said == "" {
		return
	}
	d.RootCause = fmt.Sprintf("%s; %s.", strings.TrimSuffix(d.RootCause, "."), said)
	if exact {
		d.Focus.Label = said
	}
	want := typeWanted(code, words)
	if code == "T2009" || code == "T2010" {
		want = value.KindNumber
		found = slices.DeleteFunc(found, func(o operand) bool { return o.value.Kind() == value.KindNumber })
	}
	if fix, ok := f.convert(d, expr, field, found, want, exact); ok {
		d.Remedies = append([]diagnose.Remedy{fix}, d.Remedies...)
	}
}

func article(noun string) string {
	if noun == "null" {
		return "null"
	}
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// jsonataCodes says what the commoner codes of JSONata mean.
var jsonataCodes = map[string]string{
	"T0410": "An argument does not match the function's signature: null or a missing value, or another type than the function takes.",
	"T0411": "The context value does not match the function's signature.",
	"T0412": "An array was given whose items have another type than the function takes.",
	"T1003": "A key of an object is no text.",
	"T1005": "What is called is not a function: the name is misspelled or missing its $.",
	"T1006": "What is called is not a function: JSONata has none of that name in Step Functions (its own are $partition, $range, $hash, $random, $uuid and $parse).",
	"T2001": "The left side of an arithmetic operator is not a number (a text in quotes, null).",
	"T2002": "The right side of an arithmetic operator is not a number (a text in quotes, null).",
	"T2003": "The left side of a range .. is not an integer.",
	"T2004": "The right side of a range .. is not an integer.",
	"T2006": "The right side of ~> is not a function.",
	"T2009": "The two sides of a comparison have different types.",
	"T2010": "The sides of a comparison (<, >) have to be both numbers or both texts; one is something else, or absent.",
	"D1001": "A number is out of range (a division by zero, for example).",
	"D1002": "A number that is negated is no number.",
	"D1004": "A regular expression matches the empty text.",
	"D2014": "The range has too many items.",
	"D3001": "A value cannot be made a text.",
	"D3030": "The text cannot be made a number.",
	"D3040": "The third argument of match or replace is not allowed.",
	"D3110": "The text is no ISO-8601 timestamp.",
	"D3137": "The expression raised this itself with $error.",
	"D3141": "An assertion of the expression ($assert) failed.",
	"D3138": "$single found more than one match.",
	"D3139": "$single found no match.",
	"T":     "A value has a type that the operator or function does not take.",
	"D":     "A value is not in the range that the operator or function takes.",
	"S":     "The expression is not well formed.",
}

func (f *facts) jsonataNothing(d *diagnose.Finding, expr, field string) *diagnose.Finding {
	d.Also = []diagnose.Category{diagnose.DataPath}
	shown := or(quoted(expr), "an expression")
	d.Title = fmt.Sprintf("The JSONata expression of %s gives nothing (undefined)", field)
	d.RootCause = fmt.Sprintf("%s evaluates %s for its field %s, and that returned nothing (undefined): what it reads is missing.", upper(f.here()), shown, field)
	d.Explanation = "JSONata gives undefined where a member, a variable or an item does not exist, and Step Functions refuses a field without a value."
	fix := diagnose.Remedy{Title: "Correct what the expression reads", Steps: []string{"Look at the recorded input of the state and at the variables assigned before it, and correct the name; mind upper and lower case."}}
	trimmed := strings.TrimSpace(expr)
	switch {
	case statesData.MatchString(trimmed):
		from := statesData.FindStringSubmatch(trimmed)[1]
		in, data, root := f.input(), "its input", "$states."+from
		if from == "result" {
			in, _ = f.result()
			data = "the result of its task"
		}
		path := "$" + strings.ReplaceAll(strings.TrimPrefix(trimmed, root), "`", "")
		if g, ok := findGap(in, path); ok {
			d.RootCause = fmt.Sprintf("%s takes its field %s from %s, but %s does not have it (the expression returned nothing): %s.", upper(f.here()), field, shown, data, thereIn(g, root))
			if d.Focus != nil && from == "input" {
				d.Focus.Pointer = g.pointer
			}
			if better, why := nearest(in, g); better != "" {
				to := root + strings.TrimPrefix(better, "$")
				fix = diagnose.Remedy{Title: fmt.Sprintf("Read %s, %s", to, why), Steps: []string{fmt.Sprintf("In the field %s, replace %s by %s.", field, trimmed, to)}}
				if d.Focus != nil {
					fix.Edits = replace(d.Focus.Span, jsonString("{% "+to+" %}"))
				}
			}
		} else if in.IsAbsent() && from == "input" {
			d.Explanation += " The state's input has no such member on this way through the workflow."
		} else if from == "result" {
			d.Explanation += resultIsThere
		}
	case strings.HasPrefix(trimmed, "$states."):
		d.Explanation += resultIsThere
	case variableName.MatchString(trimmed):
		v := variableName.FindStringSubmatch(trimmed)[1]
		if v != "states" {
			d.Explanation = fmt.Sprintf("No state on the way has assigned a variable %s: Assign sets a variable for the states after it, not for the state itself, and a variable of a Map iteration or Parallel branch is not seen outside of it.", v)
			fix = diagnose.Remedy{Title: "Assign the variable before it is read", Steps: []string{fmt.Sprintf("Add \"Assign\": {%s: …} to an earlier state on every way that leads here; or correct the variable's name.", jsonString(v))}}
		}
	}
	read := "…"
	if isPath(trimmed) {
		read = trimmed
	}
	withDefault := fmt.Sprintf("{%% $exists(%s) ? %s : null %%}", read, read)
	optional := diagnose.Remedy{Title: "If it may be absent, give a default", Workaround: true, Steps: []string{
		withDefault,
		fmt.Sprintf("%s is then null, and so is what the states after it read there: each of them has to bear that, or a default that means something has to stand in place of null.", upper(field)),
	}}
	if top, _, _ := strings.Cut(field, "/"); (top == "Output" || top == "Assign") && d.Focus != nil && f.state != nil && d.Focus.Label == noValue && isPath(trimmed) {
		optional.Edits = replace(d.Focus.Span, jsonString(withDefault))
	}
	d.Remedies = []diagnose.Remedy{fix, optional}
	return d
}

const resultIsThere = " $states.result is there only in Output and Assign of a state that had a result, $states.errorOutput only in a catcher."

// thereIn is there for data that an expression calls root.
func thereIn(g gap, root string) string {
	if root == "$states.input" {
		return there(g)
	}
	return fmt.Sprintf("%s is %s, so %s is missing", root+strings.TrimPrefix(g.reached, "$"), contents(g.at), g.missing)
}

// noValue stands below an expression that gave nothing.
const noValue = "no value with this state's input"

// focusExpression points at the expression in the definition, by its text.
func (f *facts) focusExpression(expr, field string) *diagnose.Focus {
	def := f.definitionText()
	if def != "" {
		want := regexp.MustCompile(`"\{%\s*` + strings.ReplaceAll(regexp.QuoteMeta(strings.Trim(jsonString(strings.TrimSpace(expr)), `"`)), " ", `\s+`) + `\s*%\}"`)
		if hits := want.FindAllStringIndex(def, 2); len(hits) == 1 {
			span, _ := f.field("Type")
			span.Start, span.End = f.state.Span.Start+hits[0][0], f.state.Span.Start+hits[0][1]
			return &diagnose.Focus{Span: span, Label: noValue}
		}
	}
	top, _, _ := strings.Cut(field, "/")
	return f.focusField("fails with this state's input", top)
}

// IntrinsicFailed sees an intrinsic function that cannot work with what it is given.
var IntrinsicFailed = &diagnose.Rule{
	Name:  "intrinsic",
	Doc:   "An intrinsic function (States.Format, States.StringToJson …) was given what it does not take.",
	Check: one(intrinsicFailed),
}

var intrinsicCall = lazyregexp.New(`(?:The (?:intrinsic )?[fF]unction |[iI]ntrinsic [fF]unction )?'?(States\.(?:Format|StringToJson|JsonToString|Array|ArrayPartition|ArrayContains|ArrayRange|ArrayGetItem|ArrayLength|ArrayUnique|Base64Encode|Base64Decode|Hash|JsonMerge|MathRandom|MathAdd|StringSplit|UUID))\b`)

// intrinsics says what each function takes.
var intrinsics = map[string]string{
	"States.Format":         "as many values as the template has {} (each text, number, boolean or null; braces and quotes in the template are escaped with a backslash)",
	"States.StringToJson":   "one text that is valid JSON; an object or null is refused (it is JSON already)",
	"States.JsonToString":   "one JSON value",
	"States.ArrayPartition": "an array and a positive whole number; at most 1,000 parts",
	"States.ArrayContains":  "an array and a value",
	"States.ArrayRange":     "three whole numbers; at most 1,000 items, and a step that is not 0",
	"States.ArrayGetItem":   "an array and an index from 0 that it has",
	"States.ArrayLength":    "an array",
	"States.ArrayUnique":    "an array",
	"States.Base64Encode":   "a text of at most 10,000 characters",
	"States.Base64Decode":   "a Base64 text of at most 10,000 characters",
	"States.Hash":           "data of at most 10,000 characters, and an algorithm such as SHA-256",
	"States.JsonMerge":      "two objects and false (deep merging is not supported)",
	"States.MathRandom":     "two numbers, the first smaller, and an optional seed",
	"States.MathAdd":        "two whole numbers",
	"States.StringSplit":    "a text and a text of delimiter characters",
	"States.UUID":           "no argument",
}

func intrinsicFailed(f *facts) *diagnose.Finding {
	m := intrinsicCall.FindStringSubmatch(f.msg)
	if !f.errorIs("States.IntrinsicFailure") && (m == nil || !f.says("States.Runtime") || f.refused()) {
		return nil
	}
	if missingPath(f) != nil {
		return nil
	}
	d := f.finding(diagnose.IntrinsicMisuse, diagnose.Certain, diagnose.No)
	name, takes := "an intrinsic function", "arguments of the right number and type"
	if m != nil {
		name = m[1]
		takes = or(intrinsics[name], takes)
	}
	d.Title = name + " was given what it does not take"
	d.RootCause = fmt.Sprintf("%s calls %s with arguments it cannot work with%s.", upper(f.here()), name, saying(f.msg))
	d.Explanation = fmt.Sprintf("%s takes %s; with this input something else arrived.", upper(name), takes)
	d.Focus = f.focusField("this call fails", "Parameters", "ResultSelector", "ItemSelector", "Assign")
	if def := f.definitionText(); m != nil && strings.Count(def, name+"(") == 1 {
		start := f.state.Span.Start + strings.Index(def, name+"(")
		end := start + strings.IndexAny(def[start-f.state.Span.Start:], "\"\n")
		if end > start {
			d.Focus = &diagnose.Focus{Label: "fails with this input"}
			d.Focus.Span.Start, d.Focus.Span.End = start, end
		}
		for _, arg := range argumentPaths.FindAllString(def[start-f.state.Span.Start:end-f.state.Span.Start], 4) {
			if v, ok := follow(f.input(), arg); ok {
				d.Explanation += fmt.Sprintf(" In the recorded input, %s is %s.", arg, contents(v))
			}
		}
	}
	steps := []string{"Look at the values of its arguments in the state's recorded input."}
	switch name {
	case "States.StringToJson":
		steps = append(steps, "Is the value an object already, pass it as it is; is it a text around JSON, cut it to the JSON where it is made.")
	case "States.ArrayGetItem":
		steps = append(steps, "Ask States.ArrayLength in a Choice first, so that an empty array takes another way.")
	case "States.Format":
		steps = append(steps, "Wrap objects in States.JsonToString(…), and count the {} of the template.")
	}
	d.Remedies = []diagnose.Remedy{{Title: "Give it what it takes", Steps: steps}}
	d.Prevention = []string{"Guard the call with a Choice (IsPresent, IsString) where its argument comes from outside."}
	d.Docs = []string{"Intrinsic functions for JSONPath states in Step Functions"}
	return d
}

var argumentPaths = lazyregexp.New(`\$(?:\.[A-Za-z_]\w*)+`)
