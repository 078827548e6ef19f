package sfnlocal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

// floors is how many of the recorded cases pass, by group; fewer is a failure. Of
// those that do not pass, one wants a log group deleted in CloudWatch, and two
// describe machines that their recordings do not create.
var floors = map[string]int{
	"api": 23, "api_activities": 11, "api_aliasing": 10, "api_express": 5, "api_logs": 5, "api_tagging": 11,
	"api_variable_references": 20, "api_versioning": 12, "scenarios": 2, "services": 1, "test_state": 114,
}

// TestAnswersAreAsRecordedOnAWS replays calls that were recorded on AWS.
func TestAnswersAreAsRecordedOnAWS(t *testing.T) {
	dir := sharedtest.Dir(t, "conformance")
	files, err := filepath.Glob(filepath.Join(dir, "cases", "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	passed, total := map[string]int{}, map[string]int{}
	for _, file := range files {
		c := readRecorded(t, file)
		if !c.replayable() {
			continue
		}
		total[c.Group]++
		problem := c.replay(t)
		if problem == "" {
			passed[c.Group]++
		} else if testing.Verbose() {
			t.Logf("%s: %s", filepath.Base(file), problem)
		}
	}
	for _, group := range slices.Sorted(maps.Keys(total)) {
		t.Logf("%-24s %3d of %3d", group, passed[group], total[group])
		if passed[group] < floors[group] {
			t.Errorf("%s: %d pass, %d did", group, passed[group], floors[group])
		}
	}
}

type recorded struct {
	Group, Kind, Provenance string
	Definition              json.RawMessage
	DefinitionRaw           string
	Request                 map[string]any
	Steps                   []step
	Expected                map[string]any
	Lambdas                 []struct {
		Behavior struct {
			Type  string
			Value json.RawMessage
		} `json:"lambda_behavior"`
	}
	Placeholders map[string]string
	Tokens       map[string]string
}

type step struct {
	Operation    string
	Params       map[string]any
	ExpectedKeys []string
	ExpectError  bool
}

func readRecorded(t *testing.T, file string) *recorded {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := new(recorded)
	if err := json.Unmarshal(text, c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

// replayable tells the cases of calls from those of executions, and what AWS said
// from what others made up.
func (c *recorded) replayable() bool {
	if c.Provenance == "localstack-text" {
		return false
	}
	switch c.Kind {
	case "api":
		return len(c.Steps) > 0
	case "test-state", "validation":
		c.Steps = []step{c.single()}
		return true
	}
	return false
}

// single makes a step of a case that records one call.
func (c *recorded) single() step {
	params := maps.Clone(c.Request)
	operation, _ := params["operation"].(string)
	delete(params, "operation")
	params["definition"] = c.DefinitionRaw
	if c.DefinitionRaw == "" {
		params["definition"] = string(c.Definition)
	}
	st := step{Operation: operation, Params: params}
	for key := range c.Expected {
		st.ExpectedKeys = append(st.ExpectedKeys, key)
	}
	return st
}

// replay makes the calls and returns the first difference, or "".
func (c *recorded) replay(t *testing.T) string {
	s := &sfnlocal.Server{AccountID: "111111111111", Tasks: c.tasks()}
	defer s.Close()
	r := &replayer{server: s, match: newMatcher(c), names: c.executionNames(), arns: map[string]string{}, tokens: map[string]any{}}
	for i, st := range c.Steps {
		if problem := r.step(st, c.Expected); problem != "" {
			return fmt.Sprintf("step %d %s: %s", i+1, st.Operation, problem)
		}
	}
	return ""
}

// tasks answers as the case's function did; whatever else is called echoes.
func (c *recorded) tasks() engine.TaskHandler {
	echo := engine.TaskFunc(func(_ context.Context, task *engine.Task) (engine.Result, error) { return task.Echo(), nil })
	lambda := engine.LambdaHandler{Invoke: func(_ context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
		for _, f := range c.Lambdas {
			if f.Behavior.Type == "return" {
				var text string // the value is JSON text, in JSON
				if json.Unmarshal(f.Behavior.Value, &text) == nil && json.Valid([]byte(text)) {
					return engine.LambdaReply{Payload: []byte(text)}, nil
				}
				return engine.LambdaReply{Payload: f.Behavior.Value}, nil
			}
		}
		return engine.LambdaReply{Payload: call.Payload}, nil
	}}
	return engine.TaskMux{"": echo, "arn:aws:lambda": lambda, "arn:aws:states:::lambda:invoke": lambda}
}

var executionName = regexp.MustCompile(`exec-(\d+)`)

// executionNames lists the names that stand for those that AWS made up, in the
// order of the executions.
func (c *recorded) executionNames() []string {
	text, _ := json.Marshal([]any{c.Steps, c.Placeholders})
	names := executionName.FindAllString(string(text), -1)
	slices.SortFunc(names, func(a, b string) int {
		m, _ := strconv.Atoi(a[5:])
		n, _ := strconv.Atoi(b[5:])
		return m - n
	})
	return slices.Compact(names)
}

type replayer struct {
	server *sfnlocal.Server
	match  *matcher
	names  []string
	arns   map[string]string // of executions, by the names that stand for theirs
	tokens map[string]any    // the last nextToken, by operation
}

func (r *replayer) step(st step, expected map[string]any) string {
	for _, key := range st.ExpectedKeys {
		if text := fmt.Sprint(expected[key]); strings.Contains(text, "Parameter validation failed") {
			return "" // the client itself refused it
		}
	}
	answer := r.call(st.Operation, r.params(st))
	r.learn(st, answer)
	_, refused := answer["__type"]
	if refused != st.ExpectError && len(st.ExpectedKeys) == 0 {
		return fmt.Sprintf("answered %v", answer)
	}
	for _, key := range st.ExpectedKeys {
		want, ok := expected[key]
		if !ok {
			continue // recorded with another case
		}
		if problem := r.match.answer(want, answer); problem != "" {
			return key + problem
		}
	}
	return ""
}

// params puts what was learnt into the parameters.
func (r *replayer) params(st step) map[string]any {
	params := make(map[string]any, len(st.Params))
	for name, v := range st.Params {
		text, isText := v.(string)
		switch {
		case name == "nextToken" && (v == nil || text == "<<StubObj>>"):
			v = r.tokens[st.Operation]
		case isText && strings.HasPrefix(text, "arn:"):
			if arn := r.arns[text[strings.LastIndexByte(text, ':')+1:]]; arn != "" {
				v = arn
			}
		}
		if v != nil {
			params[name] = v
		}
	}
	return params
}

func (r *replayer) learn(st step, answer map[string]any) {
	if next, ok := answer["nextToken"]; ok {
		r.tokens[st.Operation] = next
	}
	arn, ok := answer["executionArn"].(string)
	if st.Operation != "start_execution" || !ok {
		return
	}
	if _, named := st.Params["name"]; !named && len(r.names) > 0 {
		r.arns[r.names[0]] = arn
		r.names = r.names[1:]
	}
	for range 100 { // as the recorded tests did, wait for the end; some have none
		if d := r.call("describe_execution", map[string]any{"executionArn": arn}); d["status"] != "RUNNING" {
			return
		}
		<-time.After(time.Millisecond)
	}
}

func (r *replayer) call(operation string, params map[string]any) map[string]any {
	var target strings.Builder
	for word := range strings.SplitSeq(operation, "_") {
		target.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	body, _ := json.Marshal(params)
	request := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	request.Header.Set("X-Amz-Target", "AWSStepFunctions."+target.String())
	w := httptest.NewRecorder()
	r.server.ServeHTTP(w, request)
	answer := map[string]any{}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		answer["__type"] = err.Error()
	}
	return answer
}

// matcher compares an answer with a recorded one: placeholders stand for any text,
// the same one everywhere in a case.
type matcher struct {
	tokens map[string]string
	marks  *regexp.Regexp
	bound  map[string]string
}

func newMatcher(c *recorded) *matcher {
	marks := []string{`<[^<>]+>`}
	var names []string
	for name := range c.Placeholders {
		names = append(names, name)
	}
	for name, how := range c.Tokens {
		if how == "substring" {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	for _, name := range names {
		if !strings.HasPrefix(name, "<") {
			marks = append(marks, regexp.QuoteMeta(name))
		}
	}
	return &matcher{tokens: c.Tokens, marks: regexp.MustCompile(strings.Join(marks, "|")), bound: map[string]string{}}
}

var raised = regexp.MustCompile(`^An error occurred \((\w+)\) when calling the \w+ operation: ((?s:.*))$`)

// answer compares a whole answer, also one that refuses.
func (m *matcher) answer(want any, got map[string]any) string {
	if text, ok := want.(string); ok {
		want = map[string]any{"exception_value": text}
	}
	object, ok := want.(map[string]any)
	if !ok {
		return fmt.Sprintf(": recorded as %v", want)
	}
	object = maps.Clone(object)
	delete(object, "ResponseMetadata")
	if e, ok := object["Error"].(map[string]any); ok {
		return m.value("", map[string]any{"__type": e["Code"], "message": e["Message"]}, any(got))
	}
	if text, ok := object["exception_value"].(string); ok {
		parts := raised.FindStringSubmatch(text)
		if parts == nil {
			return ": recorded as " + text
		}
		return m.value("", map[string]any{"__type": parts[1], "message": parts[2]}, any(got))
	}
	return m.value("", object, any(got))
}

// added are members that AWS did not have yet when some cases were recorded.
var added = []string{"encryptionConfiguration"}

func (m *matcher) value(at string, want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if text, isText := got.(string); isText {
			ok = json.Unmarshal([]byte(text), &object) == nil
		}
		if !ok {
			return fmt.Sprintf("%s: %v, recorded %v", at, got, want)
		}
		return m.object(at, want, object)
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Sprintf("%s: %v, recorded %v", at, got, want)
		}
		for i := range want {
			if problem := m.value(fmt.Sprintf("%s/%d", at, i), want[i], list[i]); problem != "" {
				return problem
			}
		}
		return ""
	case string:
		if m.tokens[want] == "value" || want == "creation-date" || want == "datetime" {
			return ""
		}
		if text, ok := got.(string); ok && (m.text(want, text) || sameJSON(want, text)) {
			return ""
		}
	}
	if fmt.Sprint(want) != fmt.Sprint(got) {
		return fmt.Sprintf("%s: %v, recorded %v", at, got, want)
	}
	return ""
}

// sameJSON compares texts that hold JSON; recordings have other white space.
func sameJSON(a, b string) bool {
	var v, w any
	return json.Unmarshal([]byte(a), &v) == nil && json.Unmarshal([]byte(b), &w) == nil && reflect.DeepEqual(v, w)
}

func (m *matcher) object(at string, want, got map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		v, ok := got[name]
		if !ok {
			return fmt.Sprintf("%s/%s is missing, recorded %v", at, name, want[name])
		}
		if problem := m.value(at+"/"+name, want[name], v); problem != "" {
			return problem
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok && !slices.Contains(added, name) {
			return fmt.Sprintf("%s/%s: %v, not recorded", at, name, got[name])
		}
	}
	return ""
}

func (m *matcher) text(want, got string) bool {
	var pattern strings.Builder
	var names []string
	pattern.WriteString(`(?s)^`)
	rest := want
	for _, at := range m.marks.FindAllStringIndex(want, -1) {
		pattern.WriteString(regexp.QuoteMeta(want[len(want)-len(rest) : at[0]]))
		name := want[at[0]:at[1]]
		rest = want[at[1]:]
		if known, ok := m.bound[name]; ok {
			pattern.WriteString(regexp.QuoteMeta(known))
			continue
		}
		names = append(names, name)
		pattern.WriteString(`(.+)`)
	}
	pattern.WriteString(regexp.QuoteMeta(rest) + `$`)
	found := regexp.MustCompile(pattern.String()).FindStringSubmatch(got)
	if found == nil {
		return false
	}
	for i, name := range names {
		if old, ok := m.bound[name]; ok && old != found[i+1] {
			return false
		}
		m.bound[name] = found[i+1]
	}
	return true
}
