package rules

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// DefinitionRefused sees a definition that Step Functions does not take.
var DefinitionRefused = &diagnose.Rule{
	Name:  "definition-refused",
	Doc:   "Step Functions refuses the definition at create, update or validation: names each place and what is wrong there.",
	Check: one(definitionRefused),
}

var (
	refusal = lazyregexp.New(`(?i)Invalid State Machine Definition|SCHEMA_VALIDATION_FAILED|MISSING_TRANSITION_TARGET|MISSING_END_STATE|DUPLICATE_STATE_NAME|INVALID_JSON_DESCRIPTION|MISSING_DESCRIPTION|TEST_STATE_NOT_SUPPORTED|SECRETS_?MANAGER|Field \w+ not allowed`)
	// Where one problem begins: "CODE: ".
	problemCode  = lazyregexp.New(`(?:^|, |\s)([A-Z]{3,}(?:_[A-Z]+)+): `)
	problemPlace = lazyregexp.New(`(?s)^(.*) at (/.*)$`)
	statePointer = lazyregexp.New(`/States/([^/]+?)(?:/([^/']+(?:/[^/']+)*))?$`)
	required     = lazyregexp.New(`(?:These fields are required|field is required|required): \[?([\w, ]+)\]?`)
	notAllowed   = lazyregexp.New(`(?:Field '?(\w+)'? (?:is )?not (?:allowed|supported)|[Tt]he field ['"]([\w.$]+)['"] is not supported|'([\w.$]+)' is not (?:a )?supported)`)
	badPath      = lazyregexp.New(`The value for the field '([^']+)' must be a valid (?:JSONPath|ReferencePath|Reference Path)`)
	oneOf        = lazyregexp.New(`field '(\w+)' should have one of these values: \[([^\]]*)\]`)
	missingNext  = lazyregexp.New(`Missing '(\w+)' target: (.+?)(?: at |$)`)
	// placeholder is a variable of a template that nobody filled in.
	placeholder     = lazyregexp.New(`\$\{([A-Za-z][\w.-]{0,80})\}`)
	distributedOnly = lazyregexp.New(`\b(?:ItemReader|ItemBatcher|ResultWriter|ToleratedFailure\w+)\b`)
	// templateModel is CloudFormation's refusal of how a template gives the definition.
	templateModel = lazyregexp.New(`#/(Definition(?:String|S3Location|Substitutions)?)\b[^:]*: (expected type: (\w+), found: (\w+))?`)
	notReachable  = lazyregexp.New(`State "(.+?)" is not reachable`)
)

// refused reports that the failure is about the definition's own text.
func (f *facts) refused() bool { return f.once.refused() }

func (f *facts) isRefused() bool {
	if f.nested != nil || f.lambda() {
		return false
	}
	if f.errorIs("InvalidDefinition", "StepFunctions.InvalidDefinitionException") || strings.HasPrefix(f.msg, "Invalid State Machine Definition") || templateModel.MatchString(f.msg) {
		return true
	}
	return f.phase == diagnose.Create && refusal.MatchString(f.msg)
}

func definitionRefused(f *facts) *diagnose.Finding {
	if !f.refused() {
		return nil
	}
	d := f.finding(diagnose.DefinitionInvalid, diagnose.Certain, diagnose.No)
	all := readProblems(f.msg)
	first := all[0]
	what, explain, steps := first.say(f)
	where := ""
	if first.state != "" {
		where = fmt.Sprintf(" in the state %s", named(first.state))
	} else if first.pointer == "/" {
		where = " at its top"
	}
	d.Title = fmt.Sprintf("The definition is refused%s: %s", where, what)
	d.RootCause = fmt.Sprintf("Step Functions refuses the definition%s: %s.", where, what)
	if len(all) > 1 {
		d.RootCause = fmt.Sprintf("Step Functions refuses the definition for %d problems, the first%s: %s.", len(all), where, what)
		for _, p := range all[1:min(len(all), 5)] {
			w, _, _ := p.say(f)
			explain += fmt.Sprintf(" Also%s: %s.", atPointer(p), w)
		}
	}
	d.Explanation = strings.TrimSpace(explain)
	if first.intrinsic {
		d.Also = []diagnose.Category{diagnose.IntrinsicMisuse}
	}
	d.Focus = f.focusField("refused", first.field)
	if first.pointer != "" && f.state == nil {
		steps = append([]string{fmt.Sprintf("The place in the definition is %s.", harmless(first.pointer))}, steps...)
	}
	d.Remedies = []diagnose.Remedy{{Title: "Correct the definition", Steps: append(steps, "Check it before the next deployment: aws stepfunctions validate-state-machine-definition --definition file://definition.json")}}
	d.Prevention = []string{"Validate definitions in the pipeline (validate-state-machine-definition, or a linter), so that a deployment is not where it shows."}
	d.Docs = []string{"Amazon States Language", "State machine structure in Amazon States Language"}
	return d
}

func atPointer(p refusedPlace) string {
	if p.pointer == "" {
		return ""
	}
	return " at " + harmless(p.pointer)
}

// refusedPlace is one problem of a definition.
type refusedPlace struct {
	code, words, pointer string
	state, field         string
	intrinsic            bool
}

func readProblems(msg string) []refusedPlace {
	msg = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(msg), "Invalid State Machine Definition:"))
	if len(msg) > 1 && msg[0] == '\'' && msg[len(msg)-1] == '\'' {
		msg = msg[1 : len(msg)-1]
	}
	at := problemCode.FindAllStringSubmatchIndex(msg, 20)
	if at == nil {
		p := refusedPlace{words: msg}
		p.place()
		return []refusedPlace{p}
	}
	var out []refusedPlace
	for i, m := range at {
		end := len(msg)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		p := refusedPlace{code: msg[m[2]:m[3]], words: strings.TrimSpace(msg[m[1]:end])}
		p.place()
		out = append(out, p)
	}
	return out
}

func (p *refusedPlace) place() {
	if m := problemPlace.FindStringSubmatch(p.words); m != nil {
		p.words, p.pointer = m[1], strings.TrimRight(m[2], "' ")
	}
	if i := strings.LastIndex(p.pointer, "/States/"); i >= 0 {
		if m := statePointer.FindStringSubmatch(p.pointer[i:]); m != nil {
			p.state, p.field = m[1], m[2]
		}
	}
	p.intrinsic = strings.Contains(p.words, "intrinsic")
}

// say tells one problem in words of our own, why it is one, and what to do.
func (p *refusedPlace) say(f *facts) (what, explain string, steps []string) {
	w := p.words
	if m := templateModel.FindStringSubmatch(w); m != nil {
		what = fmt.Sprintf("CloudFormation does not take the value of its property %s", m[1])
		if m[3] != "" {
			what += fmt.Sprintf(" (a %s is expected, the template gives a %s)", m[3], m[4])
		}
		return what + saying(w), "CloudFormation checks the template against the resource's schema before Step Functions sees it: DefinitionString is a text (JSON in a text), Definition an object, DefinitionSubstitutions a map of texts.", []string{
			"Give an object as Definition, a text as DefinitionString (Fn::Sub of a text, or toJsonString), not the one under the name of the other."}
	}
	if m := required.FindStringSubmatch(w); m != nil {
		fields := strings.Split(m[1], ",")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		what = fmt.Sprintf("the required field %s is missing", list(fields))
		if len(fields) > 1 {
			what = fmt.Sprintf("the required fields %s are missing", list(fields))
		}
		explain = requiredWhy[fields[0]]
		return what, explain, []string{fmt.Sprintf("Add %s there; was the definition generated, look why that part came out empty (a list without entries, a wrong path, a template variable that was not filled).", list(fields))}
	}
	if m := oneOf.FindStringSubmatch(w); m != nil {
		what = fmt.Sprintf("%s is not one of the valid values %s", m[1], harmless(m[2]))
		return what, "Names are case-sensitive and have to be spelled just so.", []string{fmt.Sprintf("Set %s to one of: %s.", m[1], harmless(m[2]))}
	}
	if m := badPath.FindStringSubmatch(w); m != nil {
		what = fmt.Sprintf("the value of the field %s is neither a valid JSONPath nor a valid intrinsic function call", harmless(m[1]))
		explain = "Below a key that ends in “.$” stands a path that begins with $, or a call of an intrinsic function. Function names are case-sensitive (States.Format, not States.format) and have to be spelled exactly; text arguments stand in single quotes, in which a newline, a quote or a brace has to be escaped; calls may be nested, but arithmetic, concatenation and [ ] behind a call are not there."
		steps = []string{
			"Look at the spelling of the function: Format, StringToJson, JsonToString, Array, ArrayPartition, ArrayContains, ArrayRange, ArrayGetItem, ArrayLength, ArrayUnique, Base64Encode, Base64Decode, Hash, JsonMerge, MathRandom, MathAdd, StringSplit, UUID, each with States. before it.",
			"Is a plain text meant, drop “.$” from the key.",
		}
		if node := f.definitionText(); node != "" {
			if fix := spelling.FindStringSubmatch(node); fix != nil {
				if right := rightSpelling(fix[1]); right != "" && right != fix[1] {
					steps = append([]string{fmt.Sprintf("Write %s: the case of the name is wrong (%s).", right, fix[1])}, steps...)
				}
			}
			if strings.Contains(node, `\n`) {
				steps = append([]string{`The text in States.Format holds a newline (\n in the JSON): escape it for the intrinsic as well (\\n), or pass the text as a value of its own.`}, steps...)
			}
		}
		p.intrinsic = true
		return what, explain, steps
	}
	if m := notAllowed.FindStringSubmatch(w); m != nil {
		field := firstOf(m[1:]...)
		if strings.Contains(w, "not supported by Step Functions") || parametersOf.MatchString(p.field) {
			return notTaken(field)
		}
		kind := ""
		if s := f.stateType(); s != "" {
			kind = fmt.Sprintf(" in a %s state", s)
		}
		what = fmt.Sprintf("the field %s is not allowed%s", field, kind)
		explain = "Each state type has fields of its own (ResultPath, for example, is for Task, Parallel, Map and Pass, not for Wait, Choice, Succeed or Fail), and so has each query language: Parameters, InputPath, OutputPath, ResultPath, ResultSelector belong to JSONPath, Arguments and Output to JSONata."
		if near := nearField(field); near != "" {
			return what, fmt.Sprintf("There is no field %s; %s is the one with the nearest name. ", field, near) + explain, []string{fmt.Sprintf("Write %s (seconds are a whole number), or remove %s.", near, field)}
		}
		return what, explain, []string{fmt.Sprintf("Remove %s there, or move it to a state that has it (a Pass state before or after).", field)}
	}
	if m := missingNext.FindStringSubmatch(w); m != nil {
		target := named(m[2])
		what = fmt.Sprintf("it leads to a state %s (%s) that does not exist", target, m[1])
		return what, "A transition can only go to a state of the same level: from a branch or an ItemProcessor nothing outside can be reached, and nothing inside from outside. Names are case-sensitive.", []string{
			fmt.Sprintf("Correct the target %s, or add the state it names at the same level.", target)}
	}
	if m := notReachable.FindStringSubmatch(w); m != nil {
		what = fmt.Sprintf("no state leads to the state %s (it is not reachable)", named(m[1]))
		return what, "Every state has to be the start or the target of some Next, Default or Catch at its level.", []string{"Lead to it, or remove it."}
	}
	switch {
	case placeholder.MatchString(w):
		name := placeholder.FindStringSubmatch(w)[1]
		return "the placeholder ${" + name + "} was not filled in" + saying(w), "The definition reached Step Functions as it was written: in CloudFormation and SAM DefinitionSubstitutions give the values, in Terraform templatefile(), in the CDK definitionSubstitutions.", []string{
			fmt.Sprintf("Give %s a value where the definition is deployed, or write the ARN itself.", name)}
	case distributedOnly.MatchString(w) && strings.Contains(strings.ToLower(w), "distributed"):
		name := distributedOnly.FindString(w)
		return name + " stands in a Map that is not distributed" + saying(w), "ItemReader, ItemBatcher, ResultWriter, Label and the ToleratedFailure fields are for Maps whose ItemProcessor runs its items as child executions.", []string{
			fmt.Sprintf(`Give the ItemProcessor "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, or remove %s.`, name)}
	case strings.Contains(w, "Task.Token") || strings.Contains(strings.ToLower(w), "task token"):
		return "it uses a task token where there is none" + saying(w), "$$.Task.Token ($states.context.Task.Token) exists only while a task waits for an answer: in a Task whose Resource ends in .waitForTaskToken.", []string{"Add .waitForTaskToken to the Resource, such as arn:aws:states:::lambda:invoke.waitForTaskToken, or take the token out of the parameters."}
	case strings.Contains(w, "States.ALL") && strings.Contains(p.pointer+w, "ErrorEquals"):
		return "States.ALL does not stand alone and last" + saying(w), "States.ALL takes every error, so that it has to be the only name in its ErrorEquals, and its entry the last of the Retry or Catch: nothing behind it could ever match.", []string{
			"Split the entry: the named errors in an entry of their own, and behind it one with \"ErrorEquals\": [\"States.ALL\"] alone."}
	case p.code == "MISSING_END_STATE" || strings.Contains(w, "no terminal state"):
		return "it has no end (no terminal state)", "Some state has to have \"End\": true, or be a Succeed or Fail.", []string{"Add \"End\": true to the last state."}
	case p.code == "DUPLICATE_STATE_NAME" || strings.Contains(w, "Duplicate state name"):
		return "a state name stands twice" + saying(w), "State names have to be unique in the whole definition, branches and iterators included.", []string{"Rename one of them."}
	case strings.Contains(w, "not recognized") || strings.Contains(w, "resource ARN") || strings.Contains(w, "not a valid ARN"):
		return "the Resource is not one that Step Functions knows" + saying(w), "The service, the action or the pattern (.sync, .waitForTaskToken) is misspelled or not supported in that region or workflow type; aws-sdk integrations have the form arn:aws:states:::aws-sdk:service:apiAction, with the action in camelCase. Express workflows support neither .sync nor .waitForTaskToken.", []string{
			"Correct the Resource by the list of supported services; for the partitions aws-cn and aws-us-gov the ARN begins with those."}
	case p.code == "INVALID_JSON_DESCRIPTION" || strings.Contains(strings.ToLower(w), "json") && (strings.Contains(w, "Unexpected") || strings.Contains(w, "Unrecognized")):
		at := ""
		if m := column.FindStringSubmatch(w); m != nil {
			at = fmt.Sprintf(" (line %s, column %s)", m[1], m[2])
		}
		return "it is not valid JSON" + at + saying(w), "A comma too many or missing, single quotes, or a template variable (${…}) that was not filled.", []string{"Let a JSON parser show the place: python3 -m json.tool definition.json"}
	case strings.Contains(w, "Query") || strings.Contains(w, "JSONata") || strings.Contains(w, "JSONPath"):
		return "it mixes the query languages" + saying(w), "Parameters, InputPath, OutputPath, ResultPath, ResultSelector, ItemsPath and “.$” keys are for JSONPath; Arguments, Output, Items and {% … %} for JSONata. QueryLanguage at the top holds for all states that do not say otherwise.", []string{"Set \"QueryLanguage\" at the top or in the state, or use the fields of the language in force."}
	}
	return "a rule of the Amazon States Language is broken there" + saying(w), "", []string{"Compare the place with the page of that state type."}
}

// parametersOf is where a state gives its integration what to call with.
var parametersOf = lazyregexp.New(`^(?:Parameters|Arguments)\b`)

// notTaken tells of a parameter that an integration does not know.
func notTaken(field string) (what, explain string, steps []string) {
	what = fmt.Sprintf("the integration does not take the parameter %s (the field is not supported by Step Functions)", field)
	explain = "Each optimised integration has a list of parameters of its own, which Step Functions checks. Their names begin with a capital letter, whatever the service's own API or SDK writes."
	if first := strings.ToUpper(field[:1]); first != field[:1] {
		right := first + field[1:]
		return what, explain, []string{fmt.Sprintf("Write %s.", right), fmt.Sprintf("Is %s refused too, the integration does not have it: see its page of the documentation.", right)}
	}
	return what, explain, []string{
		fmt.Sprintf("Look at the list of parameters on the integration's page. What is not there can be given through the AWS SDK integration (arn:aws:states:::aws-sdk:service:apiAction), which takes all of the API's, or in a call of its own after this one; else remove %s.", field),
	}
}

// fields are the fields of states, for names that are near to one.
var fields = []string{
	"Type", "Comment", "QueryLanguage", "Next", "End", "InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "Arguments", "Output", "Assign",
	"Resource", "TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Credentials", "Retry", "Catch", "Choices", "Default", "Seconds",
	"SecondsPath", "Timestamp", "TimestampPath", "Error", "Cause", "ErrorPath", "CausePath", "Branches", "ItemProcessor", "Iterator", "ItemsPath", "Items", "ItemSelector",
	"ItemReader", "ItemBatcher", "ResultWriter", "MaxConcurrency", "MaxConcurrencyPath", "ToleratedFailureCount", "ToleratedFailurePercentage", "Label", "Result",
	"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "StartAt", "States", "Version", "ProcessorConfig",
}

// nearField is the field that was probably meant by one that there is not.
func nearField(name string) string {
	best, bestDistance := "", 3
	for _, f := range fields {
		if f == name {
			return ""
		}
		d := distance(strings.ToLower(f), strings.ToLower(name))
		if len(name) > 5 && strings.HasPrefix(f, name) {
			d = 1
		}
		if d < bestDistance {
			best, bestDistance = f, d
		}
	}
	return best
}

var spelling = lazyregexp.New(`(States\.[A-Za-z0-9]+)\s*\(`)

func rightSpelling(s string) string {
	for name := range intrinsics {
		if strings.EqualFold(name, s) {
			return name
		}
	}
	if strings.EqualFold(s, "States.Array") {
		return "States.Array"
	}
	return ""
}

var requiredWhy = map[string]string{
	"States":        "The top level needs StartAt and States; what was sent may be empty, or wrapped in a further object.",
	"StartAt":       "The top level (and every branch and ItemProcessor) needs StartAt with the name of its first state.",
	"Choices":       "A Choice needs at least one rule in Choices.",
	"Type":          "Every state needs a Type.",
	"Resource":      "A Task needs a Resource.",
	"Next":          "A state needs Next or \"End\": true.",
	"End":           "A state needs Next or \"End\": true.",
	"ItemProcessor": "A Map needs an ItemProcessor (formerly Iterator).",
	"Branches":      "A Parallel needs at least one branch.",
	"ErrorEquals":   "Every catcher and retrier needs ErrorEquals.",
}
