package asl

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// fieldUse tells where a field of a state belongs.
type fieldUse struct {
	types    typeSet
	language QueryLanguage // "" both
}

type typeSet uint8

const (
	inTask typeSet = 1 << iota
	inWait
	inPass
	inSucceed
	inFail
	inChoice
	inParallel
	inMap

	inAll   = inPass | inTask | inChoice | inWait | inSucceed | inFail | inParallel | inMap
	inWork  = inTask | inParallel | inMap
	inSteps = inWork | inPass | inWait
)

// types are in the order in which Step Functions lists them.
var types = []Type{Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map}

func (s typeSet) has(t Type) bool {
	i := slices.Index(types, t)
	return i >= 0 && s&(1<<i) != 0
}

func typeList() []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return names
}

func typeNames() string { return strings.Join(typeList(), ", ") }

// stateFields is the table of ASL "Fields": which state type and which query
// language has which field.
var stateFields = map[string]fieldUse{
	"Type": {types: inAll}, "Comment": {types: inAll}, "QueryLanguage": {types: inAll},
	"Next": {types: inSteps}, "End": {types: inSteps},

	"InputPath":      {types: inAll &^ inFail, language: JSONPath},
	"OutputPath":     {types: inAll &^ inFail, language: JSONPath},
	"ResultPath":     {types: inWork | inPass, language: JSONPath},
	"Parameters":     {types: inWork | inPass, language: JSONPath},
	"ResultSelector": {types: inWork, language: JSONPath},
	"Arguments":      {types: inTask | inParallel, language: JSONata},
	"Output":         {types: inAll &^ inFail, language: JSONata},
	"Assign":         {types: inSteps | inChoice},
	"Retry":          {types: inWork}, "Catch": {types: inWork},

	"Result": {types: inPass, language: JSONPath},

	"Resource":       {types: inTask},
	"TimeoutSeconds": {types: inTask}, "TimeoutSecondsPath": {types: inTask, language: JSONPath},
	"HeartbeatSeconds": {types: inTask}, "HeartbeatSecondsPath": {types: inTask, language: JSONPath},
	"Credentials": {types: inTask},

	"Choices": {types: inChoice}, "Default": {types: inChoice},

	"Seconds": {types: inWait}, "SecondsPath": {types: inWait, language: JSONPath},
	"Timestamp": {types: inWait}, "TimestampPath": {types: inWait, language: JSONPath},

	"Error": {types: inFail}, "ErrorPath": {types: inFail, language: JSONPath},
	"Cause": {types: inFail}, "CausePath": {types: inFail, language: JSONPath},

	"Branches": {types: inParallel},

	"ItemProcessor": {types: inMap}, "Iterator": {types: inMap},
	"ItemsPath": {types: inMap, language: JSONPath}, "Items": {types: inMap, language: JSONata},
	"ItemSelector": {types: inMap}, "ItemReader": {types: inMap}, "ItemBatcher": {types: inMap},
	"ResultWriter": {types: inMap}, "Label": {types: inMap},
	"MaxConcurrency": {types: inMap}, "MaxConcurrencyPath": {types: inMap, language: JSONPath},
	"ToleratedFailureCount":          {types: inMap},
	"ToleratedFailureCountPath":      {types: inMap, language: JSONPath},
	"ToleratedFailurePercentage":     {types: inMap},
	"ToleratedFailurePercentagePath": {types: inMap, language: JSONPath},
}

// checkFields finds fields that the state's type or query language does not
// have, and required ones that are not there.
func (d *decoder) checkFields(s *State, n *node) {
	for _, kid := range n.kids {
		use, known := stateFields[kid.key]
		switch {
		case !known:
			d.unknownField(kid, article(string(s.Type))+" state", fieldsOf(s.Type))
		case !use.types.has(s.Type):
			d.keyProblemf(kid, codeSchema, "a %s state has no field %s%s", s.Type, kid.key, d.misplaced(s, kid.key)).
				saying("Field '%s' is not supported", kid.key).at(n)
		case use.language != "" && use.language != s.QueryLanguage:
			d.wrongLanguage(n, kid.key, s.QueryLanguage)
		}
	}
	if key := requiredFields[s.Type]; key != "" && n.get(key) == nil {
		d.missingf(n, "%s is missing in %s: a %s state needs it", key, s.Name, s.Type).saying("These fields are required: [%s]", key)
	}
}

// requiredFields are those that a type cannot do without; what a Wait and a Map need
// is a matter of more than one field.
var requiredFields = map[Type]string{Task: "Resource", Choice: "Choices", Parallel: "Branches"}

// wrongLanguage reports the field key of n, where it is there, as one that only the
// other query language has.
func (d *decoder) wrongLanguage(n *node, key string, q QueryLanguage) {
	if v := n.get(key); v != nil {
		d.keyProblemf(v, codeSchema, "%s is a field of %s, and this state is in %s%s", key, otherLanguage(q), q, counterpart(key, q)).
			saying("The QueryLanguage is set to '%s', but field '%s' is only supported for the '%s' QueryLanguage", q, key, otherLanguage(q)).at(n)
	}
}

func otherLanguage(q QueryLanguage) QueryLanguage {
	if q == JSONata {
		return JSONPath
	}
	return JSONata
}

func (d *decoder) misplaced(s *State, key string) string {
	switch {
	case key == "Next" && s.Type == Choice:
		return "; its rules and Default say where it goes"
	case key == "End" || key == "Next":
		return ": it always ends the execution or goes where its rules say"
	}
	return ""
}

// counterpart names the field that does the same in the other query language.
func counterpart(key string, to QueryLanguage) string {
	pairs := map[string]string{"Parameters": "Arguments", "ItemsPath": "Items", "OutputPath": "Output", "ResultSelector": "Output", "Result": "Output", "ResultPath": "Output"}
	if to == JSONPath {
		pairs = map[string]string{"Arguments": "Parameters", "Items": "ItemsPath", "Output": "OutputPath"}
	}
	if strings.HasSuffix(key, "Path") && to == JSONata && pairs[key] == "" && key != "InputPath" {
		pairs[key] = strings.TrimSuffix(key, "Path")
	}
	if other := pairs[key]; other != "" {
		return "; use " + other
	}
	return ""
}

func (d *decoder) unknownField(kid *node, of string, known []string) {
	d.keyProblemf(kid, codeSchema, "no field %q in %s%s", kid.key, of, d.didYouMean(kid.key, known)).
		saying("Field '%s' is not supported", kid.key).at(kid.parent)
}

// onlyFields reports fields of the object n that are not among known.
func (d *decoder) onlyFields(n *node, of string, known ...string) {
	for _, kid := range n.kids {
		if !slices.Contains(known, kid.key) {
			d.unknownField(kid, of, known)
		}
	}
}

func fieldsOf(t Type) []string {
	var names []string
	for key, use := range stateFields {
		if use.types.has(t) {
			names = append(names, key)
		}
	}
	slices.Sort(names)
	return names
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// exactlyOne returns the one field of those that is there, nil where there is none or more.
func (d *decoder) exactlyOne(n *node, names ...string) *node {
	var given []*node
	for _, name := range names {
		if v := n.get(name); v != nil {
			given = append(given, v)
		}
	}
	list := strings.Join(names, ", ")
	switch {
	case len(given) == 0:
		d.missingf(n, "one of %s is missing", list).saying("Exactly one of the following fields is required: [%s]", list)
	case len(given) > 1:
		d.keyProblemf(given[1], codeSchema, "%s and %s exclude each other", given[0].key, given[1].key).
			saying("There should only be one of the following fields: [%s]", list).at(n)
	default:
		return given[0]
	}
	return nil
}

// text reads a string.
func (d *decoder) text(n *node) string {
	if d.wants(n, "string") {
		return n.text
	}
	return ""
}

func (d *decoder) oneOf(n *node, names ...string) string {
	if !d.wants(n, "string") {
		return ""
	}
	if !slices.Contains(names, n.text) && !isPlaceholder(n.text) {
		d.schemaf(n, "%s must be %s, not %q%s", n.key, strings.Join(names, " or "), n.text, didYouMean(n.text, names)).
			saying("The field '%s' should have one of these values: [%s]", n.key, strings.Join(names, ", "))
	}
	return n.text
}

// target reads the name of a state to go to.
func (d *decoder) target(n *node) string {
	if n.kind == 't' || n.kind == 'f' {
		// YAML makes booleans of unquoted names; Step Functions takes them for text.
		name := strconv.FormatBool(n.kind == 't')
		d.warnf(n, codeSchema, "%s is the boolean %s, read as the state %q; put it in quotes", n.key, name, name)
		return name
	}
	return d.text(n)
}

// isPlaceholder reports that a text holds a ${…} that is filled in at deployment,
// so that little can be said of it before.
func isPlaceholder(s string) bool {
	i := strings.Index(s, "${")
	return i >= 0 && strings.IndexByte(s[i:], '}') > 0
}
