package rules

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
)

// jsonString is s as a JSON string.
func jsonString(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// place is where text stands as a value in the failing state's definition, as the
// member key where that is given; ok is false where it is not there just once.
func (f *facts) place(key, text string) (asl.Span, bool) {
	def := f.definitionText()
	if def == "" || text == "" {
		return asl.Span{}, false
	}
	want := regexp.QuoteMeta(jsonString(text))
	if key != "" {
		want = regexp.QuoteMeta(jsonString(key)) + `\s*:\s*(` + want + `)`
	} else {
		want = `(` + want + `)`
	}
	hits := regexp.MustCompile(want).FindAllStringSubmatchIndex(def, 2)
	if len(hits) != 1 {
		return asl.Span{}, false
	}
	start := f.state.Span.Start
	return asl.Span{Start: start + hits[0][2], End: start + hits[0][3]}, true
}

// argument is where path stands once in the failing state's definition as an
// argument of an intrinsic function.
func (f *facts) argument(path string) (asl.Span, bool) {
	def := f.definitionText()
	if def == "" || !isPath(path) {
		return asl.Span{}, false
	}
	hits := regexp.MustCompile(`[(,]\s*(`+regexp.QuoteMeta(path)+`)\s*[,)]`).FindAllStringSubmatchIndex(def, 2)
	if len(hits) != 1 {
		return asl.Span{}, false
	}
	start := f.state.Span.Start
	return asl.Span{Start: start + hits[0][2], End: start + hits[0][3]}, true
}

// field is the span of one of the state's own fields.
func (f *facts) field(name string) (asl.Span, bool) {
	if f.state == nil {
		return asl.Span{}, false
	}
	s, ok := f.state.Fields[name]
	return s, ok && s != asl.Span{}
}

// focusOn points at the first of the places that is known.
func (f *facts) focusOn(label, pointer string, span asl.Span, ok bool) *diagnose.Focus {
	if !ok {
		return nil
	}
	return &diagnose.Focus{Span: span, Label: label, Pointer: pointer}
}

// focusField points at one of the state's own fields, else at its name.
func (f *facts) focusField(label string, names ...string) *diagnose.Focus {
	if f.state == nil {
		return nil
	}
	for _, n := range names {
		if s, ok := f.field(n); ok {
			return &diagnose.Focus{Span: s, Label: label}
		}
	}
	if f.state.NameSpan == (asl.Span{}) {
		return nil
	}
	return &diagnose.Focus{Span: f.state.NameSpan, Label: label}
}

// replace is the edit that puts a JSON text where another stands.
func replace(span asl.Span, jsonText string) []asl.Edit {
	return []asl.Edit{{Span: span, New: jsonText}}
}

// addField is the edit that gives the failing state one more field, in front of
// its first; nil where the text is not known or the field is there.
func (f *facts) addField(name, jsonText string) []asl.Edit {
	def := f.definitionText()
	if def == "" || !strings.HasPrefix(def, "{") {
		return nil
	}
	if _, there := f.field(name); there {
		return nil
	}
	rest := def[1:]
	gap := rest[:len(rest)-len(strings.TrimLeft(rest, " \t\r\n"))]
	insert := gap + jsonString(name) + ": " + jsonText
	if !strings.HasPrefix(strings.TrimSpace(rest), "}") {
		insert += ","
	}
	at := f.state.Span.Start + 1
	return []asl.Edit{{Span: asl.Span{Start: at, End: at}, New: insert}}
}

// setField replaces one of the state's own fields, or adds it.
func (f *facts) setField(name, jsonText string) []asl.Edit {
	if span, ok := f.field(name); ok {
		return replace(span, jsonText)
	}
	return f.addField(name, jsonText)
}

// addEntry puts one more entry in front of a list field of the state (Retry, Catch), or adds the list.
func (f *facts) addEntry(field, jsonText string) []asl.Edit {
	span, ok := f.field(field)
	if !ok {
		return f.addField(field, "["+jsonText+"]")
	}
	text := f.state.Machine.Source().Text
	if span.End > len(text) || span.Start >= span.End || text[span.Start] != '[' {
		return nil
	}
	insert := jsonText
	if !strings.HasPrefix(strings.TrimSpace(text[span.Start+1:span.End]), "]") {
		insert += ", "
	}
	at := span.Start + 1
	return []asl.Edit{{Span: asl.Span{Start: at, End: at}, New: insert}}
}

// handler is the state that most catchers of the same machine lead to; "" where there is none.
func (f *facts) handler() string {
	if f.state == nil || f.state.Machine == nil {
		return ""
	}
	count, best := map[string]int{}, ""
	for _, s := range f.state.Machine.States {
		for _, c := range s.Catch {
			count[c.Next]++
			if best == "" || count[c.Next] > count[best] {
				best = c.Next
			}
		}
	}
	if best == f.state.Name {
		return ""
	}
	return best
}

// catchRemedy offers a catcher, where the machine has a handler and the state no Catch.
func (f *facts) catchRemedy() []diagnose.Remedy {
	next := f.handler()
	if next == "" || len(f.state.Catch) > 0 || f.err == "States.Runtime" {
		return nil
	}
	entry := `{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": ` + jsonString(next) + `}`
	if f.state.QueryLanguage == asl.JSONata {
		entry = `{"ErrorEquals": ["States.ALL"], "Output": "{% $merge([$states.input, {'error': $states.errorOutput}]) %}", "Next": ` + jsonString(next) + `}`
	}
	return []diagnose.Remedy{{
		Title: "Lead the failure to " + named(next) + ", as other states do",
		Steps: []string{"This state has no Catch, so that its failure ends the execution unhandled. Add: " + entry},
		Edits: f.addEntry("Catch", entry),
	}}
}

// retrier is a Retry entry for errors that pass.
func retrier(errors ...string) string {
	quoted := make([]string, len(errors))
	for i, e := range errors {
		quoted[i] = jsonString(e)
	}
	return `{"ErrorEquals": [` + strings.Join(quoted, ", ") + `], "IntervalSeconds": 2, "MaxAttempts": 6, "BackoffRate": 2, "MaxDelaySeconds": 60, "JitterStrategy": "FULL"}`
}

// keyOf is the key whose value is text, somewhere in the failing state's definition; "" none or several.
func (f *facts) keyOf(text string) string {
	hits := regexp.MustCompile(`("(?:[^"\\]|\\.)*")\s*:\s*`+regexp.QuoteMeta(jsonString(text))).FindAllStringSubmatch(f.definitionText(), 2)
	if len(hits) != 1 {
		return ""
	}
	var key string
	if json.Unmarshal([]byte(hits[0][1]), &key) != nil || !looksLikeName(key) {
		return ""
	}
	return key
}

// renameKey gives the one member called key another name; nil where there are several.
func (f *facts) renameKey(key, name string) []asl.Edit {
	def := f.definitionText()
	hits := regexp.MustCompile(regexp.QuoteMeta(jsonString(key))+`\s*:`).FindAllStringIndex(def, 2)
	if len(hits) != 1 {
		return nil
	}
	start := f.state.Span.Start + hits[0][0]
	return []asl.Edit{{Span: asl.Span{Start: start, End: start + len(jsonString(key))}, New: jsonString(name)}}
}
