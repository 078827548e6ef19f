package intrinsic_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/intrinsic"
	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// shared returns a folder of ../shared, which lies beside the repository. Without
// it there is nothing to compare with: that is a failure where CI runs.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(filepath.Dir(dir), "shared", name)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the recorded cases are not there: %v", err)
		}
		t.Skipf("NOT COMPARED WITH AWS: %v", err)
	}
	return dir
}

func readJSON(t *testing.T, file string) value.Value {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	v, err := value.ParseBytes(text)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

func get(v value.Value, keys ...string) value.Value {
	for _, key := range keys {
		v, _ = v.Get(key)
	}
	return v
}

func text(v value.Value) string {
	s, _ := v.AsString()
	return s
}

// TestRecorded walks the Pass states at the beginning of recorded executions: what
// their templates give must be what AWS recorded as their output.
func TestRecorded(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "conformance/cases"), "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	compared, intrinsics := 0, 0
	for _, file := range files {
		c := readJSON(t, file)
		if text(get(c, "kind")) != "execution" || !get(c, "definition").IsAbsent() && text(get(c, "definition", "QueryLanguage")) == "JSONata" {
			continue
		}
		definition, input := withPlaceholders(c, "definition"), withPlaceholders(c, "input")
		r := &replay{t: t, name: filepath.Base(file), definition: definition, history: history(get(c, "expected"))}
		r.run(input)
		compared += r.compared
		if filepath.Base(filepath.Dir(file)) == "intrinsic_functions" {
			intrinsics += r.compared
		}
	}
	t.Logf("%d states compared, %d of them in intrinsic_functions", compared, intrinsics)
	if compared < 100 || intrinsics < 70 {
		t.Errorf("only %d states compared, %d of them in intrinsic_functions", compared, intrinsics)
	}
}

// withPlaceholders returns a member of a case with the names of real things
// replaced by the words that the recording has for them.
func withPlaceholders(c value.Value, key string) value.Value {
	text := get(c, key).JSON()
	for _, m := range get(c, "placeholders").Members() {
		if literal, _ := m.Value.AsString(); len(literal) > 8 {
			text = strings.ReplaceAll(text, literal, m.Key)
		}
	}
	return value.MustParse(text)
}

// history finds the events wherever the recording keeps them.
func history(v value.Value) []value.Value {
	if events := get(v, "events"); events.Kind() == value.KindArray {
		return events.Items()
	}
	for _, m := range v.Members() {
		if events := history(m.Value); events != nil {
			return events
		}
	}
	return nil
}

type replay struct {
	t          *testing.T
	name       string
	definition value.Value
	history    []value.Value
	compared   int
}

func (r *replay) run(input value.Value) {
	w := &world{input: input, context: recordedContext(input), variables: map[string]value.Value{}}
	for name := text(get(r.definition, "StartAt")); name != ""; {
		state := get(r.definition, "States", name)
		if !r.simple(state) {
			return
		}
		output, ok := r.output(w, state)
		if !ok {
			return
		}
		recorded, ok := r.exited(name)
		if !ok {
			return
		}
		if !sameAsRecorded(output, recorded) {
			r.t.Errorf("%s: state %s gives %s, AWS recorded %s", r.name, name, output, recorded)
			return
		}
		r.compared++
		w.input = output
		name = text(get(state, "Next"))
	}
}

func (r *replay) simple(state value.Value) bool {
	for _, m := range state.Members() {
		if !slices.Contains([]string{"Type", "Comment", "Parameters", "Result", "InputPath", "ResultPath", "OutputPath", "Next", "End"}, m.Key) {
			return false
		}
	}
	return text(get(state, "Type")) == "Pass"
}

func (r *replay) output(w *world, state value.Value) (value.Value, bool) {
	raw := w.input
	input, ok := r.path(w, state, "InputPath")
	result := input
	if parameters := get(state, "Parameters"); ok && !parameters.IsAbsent() {
		inner := *w
		inner.input = input
		result, ok = r.fill(&inner, parameters)
	}
	if given := get(state, "Result"); !given.IsAbsent() {
		result = given
	}
	output := result
	switch at := get(state, "ResultPath"); {
	case at.IsNull():
		output = raw
	case !at.IsAbsent():
		var err error
		if output, err = jsonpath.MustCompile(text(at)).Set(raw, result); err != nil {
			ok = false
		}
	}
	if !ok {
		return value.Value{}, false
	}
	inner := *w
	inner.input = output
	return r.path(&inner, state, "OutputPath")
}

func (r *replay) path(w *world, state value.Value, field string) (value.Value, bool) {
	at := get(state, field)
	switch {
	case at.IsAbsent():
		return w.input, true
	case at.IsNull():
		return value.Object(), true
	}
	v, err := w.Lookup(jsonpath.MustCompile(text(at)))
	return v, err == nil && !incomparable(text(at))
}

// fill evaluates a payload template. Random values are recorded as words, which
// cannot be compared.
func (r *replay) fill(w *world, template value.Value) (value.Value, bool) {
	var b value.Builder
	for _, m := range template.Members() {
		key, dynamic := strings.CutSuffix(m.Key, ".$")
		v, ok := m.Value, true
		switch {
		case dynamic:
			v, ok = r.evaluate(w, text(m.Value))
		case v.Kind() == value.KindObject:
			v, ok = r.fill(w, v)
		}
		if !ok {
			return value.Value{}, false
		}
		b.Set(key, v)
	}
	return b.Object(), true
}

func (r *replay) evaluate(w *world, source string) (value.Value, bool) {
	if !intrinsic.IsCall(source) {
		v, err := w.Lookup(jsonpath.MustCompile(source))
		return v, err == nil && !incomparable(source)
	}
	call, err := intrinsic.Parse(source)
	if err != nil {
		r.t.Errorf("%s: %v", r.name, err)
		return value.Value{}, false
	}
	v, err := call.Eval(w)
	if err != nil {
		r.t.Errorf("%s: %v", r.name, err)
	}
	return v, err == nil && !incomparable(source)
}

func incomparable(source string) bool {
	for _, s := range []string{"States.MathRandom", "States.UUID", "$$.Execution.StartTime", "$$.State", "$$.Execution.RoleArn"} {
		if strings.Contains(source, s) && !strings.Contains(source, "$$.StateMachine") {
			return true
		}
	}
	return source == "$$" || source == "$$.Execution" || source == "$$.Execution.Id"
}

// recordedContext is the Context object with the placeholders that stand for names
// in recordings.
func recordedContext(input value.Value) value.Value {
	return value.Object(
		value.Member{Key: "Execution", Value: value.Object(
			value.Member{Key: "Input", Value: input},
			value.Member{Key: "Name", Value: value.String("<ExecArnPart_0idx>")})},
		value.Member{Key: "StateMachine", Value: value.Object(
			value.Member{Key: "Id", Value: value.String("arn:<partition>:states:<region>:111111111111:stateMachine:<ArnPart_0idx>")},
			value.Member{Key: "Name", Value: value.String("<ArnPart_0idx>")})})
}

func (r *replay) exited(name string) (value.Value, bool) {
	for _, event := range r.history {
		details := get(event, "stateExitedEventDetails")
		if text(get(details, "name")) == name {
			output, ok := details.Get("output")
			return output, ok
		}
	}
	return value.Value{}, false
}

// sameAsRecorded compares with a recording, in which texts of JSON objects are
// those objects, and other outputs their JSON text.
func sameAsRecorded(got, recorded value.Value) bool {
	if recorded.Kind() == value.KindString && got.Kind() != value.KindObject {
		return got.JSON() == text(recorded) || value.Equal(got, recorded)
	}
	return value.Equal(parsed(got), parsed(recorded))
}

// parsed replaces texts of JSON objects by the objects, at any depth.
func parsed(v value.Value) value.Value {
	switch v.Kind() {
	case value.KindString:
		if s := text(v); strings.HasPrefix(s, "{") {
			if inner, err := value.Parse(s); err == nil {
				return parsed(inner)
			}
		}
	case value.KindArray:
		items := make([]value.Value, 0, v.Len())
		for _, item := range v.Items() {
			items = append(items, parsed(item))
		}
		return value.Array(items...)
	case value.KindObject:
		var b value.Builder
		for _, m := range v.Members() {
			b.Set(m.Key, parsed(m.Value))
		}
		return b.Object()
	}
	return v
}

// TestDefinitionsCompile compiles every path and call in the templates of recorded
// and sample definitions: AWS took them, but for those it says it refused.
func TestDefinitionsCompile(t *testing.T) {
	dir := shared(t, ".")
	cases, _ := filepath.Glob(filepath.Join(dir, "conformance", "cases", "*", "*.json"))
	samples, _ := filepath.Glob(filepath.Join(dir, "samples", "*.json"))
	taken, refused := 0, 0
	for _, file := range append(cases, samples...) {
		c := readJSON(t, file)
		definition := c
		if !get(c, "kind").IsAbsent() {
			definition = get(c, "definition")
		}
		wantBad := strings.Contains(c.JSON(), "must be a valid JSONPath or a valid intrinsic function call")
		bad := templateErrors(definition, false)
		if wantBad != (len(bad) > 0) {
			t.Errorf("%s: AWS refuses it: %t, we: %v", filepath.Base(file), wantBad, bad)
		}
		if wantBad {
			refused++
		}
		taken++
	}
	t.Logf("%d definitions, %d of them refused by AWS", taken, refused)
}

// templateErrors collects the errors of what ends in ".$" inside payload templates.
func templateErrors(v value.Value, inside bool) []error {
	var all []error
	for _, item := range v.Items() {
		all = append(all, templateErrors(item, inside)...)
	}
	for _, m := range v.Members() {
		if inside && strings.HasSuffix(m.Key, ".$") {
			if err := compile(text(m.Value)); err != nil {
				all = append(all, err)
			}
			continue
		}
		if m.Key == "Result" && !inside {
			continue
		}
		template := slices.Contains([]string{"Parameters", "ResultSelector", "ItemSelector", "Assign"}, m.Key)
		all = append(all, templateErrors(m.Value, inside || template)...)
	}
	return all
}

func compile(source string) error {
	var err error
	if intrinsic.IsCall(source) {
		_, err = intrinsic.Parse(source)
	} else {
		_, err = jsonpath.Compile(source)
	}
	return err
}
