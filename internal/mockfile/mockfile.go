// Package mockfile answers tasks as a mock configuration file of Step Functions
// Local says (Developer Guide, "Mock configuration file"):
//
//	{
//	  "StateMachines": {
//	    "order": {"TestCases": {"TheCardIsRefused": {"Charge card": "refused", "Ship": "shipped"}}}
//	  },
//	  "MockedResponses": {
//	    "refused": {
//	      "0":   {"Throw": {"Error": "CardDeclined", "Cause": "insufficient funds"}},
//	      "1-2": {"Return": {"StatusCode": 200, "Payload": {"ok": true}}}
//	    },
//	    "shipped": {"0": {"Return": {}}}
//	  }
//	}
//
// A test case names the response of each state that it mocks; a response says what
// the state's first attempt gets ("0"), its second, and so on. Retries count. It
// knows nothing of files and of where the machine comes from.
package mockfile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// File is a mock configuration.
type File struct {
	name, text string
	machines   map[string]map[string]testCase
	responses  map[string]response
}

// testCase is the response of each mocked state, by name.
type testCase map[string]string

// response is what the attempts of a state get.
type response []span

// span is what the attempts from first to last get, counted from 0.
type span struct {
	first, last int
	key         string
	answer      answer
}

// answer is one mocked answer: what the call returns, or its error.
type answer struct {
	result engine.Result
	value  value.Value
	throw  *engine.TaskError // nil: it returns
}

// Parse reads a mock configuration. An error names the file, the place and what is
// wrong there.
func Parse(name string, text []byte) (*File, error) {
	root, err := value.ParseBytes(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	f := &File{name: name, text: string(text), machines: make(map[string]map[string]testCase), responses: make(map[string]response)}
	if err := f.object("", root, "a mock configuration", "StateMachines", "MockedResponses"); err != nil {
		return nil, err
	}
	responses, _ := root.Get("MockedResponses")
	if err := f.readResponses("/MockedResponses", responses); err != nil {
		return nil, err
	}
	machines, ok := root.Get("StateMachines")
	if !ok {
		return nil, f.errorf("", `no StateMachines, which names the test cases: {"StateMachines": {"order": {"TestCases": {…}}}}`)
	}
	return f, f.readMachines("/StateMachines", machines)
}

// errorf is an error at a place of the file.
func (f *File) errorf(pointer, format string, args ...any) error {
	span, key, err := asl.Find(f.text, pointer)
	if err != nil {
		span = asl.Span{}
	} else if key.End > key.Start {
		span = key
	}
	line, column := value.Position(f.text, span.Start)
	return fmt.Errorf("%s:%d:%d: %s", f.name, line, column, fmt.Sprintf(format, args...))
}

// object checks that v is an object with no other members than fields; none is any.
func (f *File) object(pointer string, v value.Value, what string, fields ...string) error {
	if v.Kind() != value.KindObject {
		return f.errorf(pointer, "%s is an object; this is %s", what, v.Kind().WithArticle())
	}
	for _, m := range v.Members() {
		if len(fields) > 0 && !slices.Contains(fields, m.Key) {
			return f.errorf(pointer+"/"+escape(m.Key), "%q is no field of %s, which has %s%s", m.Key, what, strings.Join(fields, " and "), asl.DidYouMean(m.Key, fields))
		}
	}
	return nil
}

func (f *File) readMachines(pointer string, v value.Value) error {
	if err := f.object(pointer, v, "StateMachines"); err != nil {
		return err
	}
	for _, m := range v.Members() {
		at := pointer + "/" + escape(m.Key)
		if err := f.object(at, m.Value, "a state machine", "TestCases"); err != nil {
			return err
		}
		cases, _ := m.Value.Get("TestCases")
		if err := f.readCases(at+"/TestCases", m.Key, cases); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) readCases(pointer, machine string, v value.Value) error {
	f.machines[machine] = make(map[string]testCase)
	if v.IsAbsent() {
		return nil
	}
	if err := f.object(pointer, v, "TestCases"); err != nil {
		return err
	}
	for _, c := range v.Members() {
		at := pointer + "/" + escape(c.Key)
		if err := f.object(at, c.Value, "a test case"); err != nil {
			return err
		}
		states := make(testCase)
		for _, s := range c.Value.Members() {
			name, ok := s.Value.AsString()
			if !ok {
				return f.errorf(at+"/"+escape(s.Key), "a state's response is named by a string; this is %s", s.Value.Kind().WithArticle())
			}
			if _, known := f.responses[name]; !known {
				return f.errorf(at+"/"+escape(s.Key), "no response %q in MockedResponses%s", name, asl.DidYouMean(name, names(f.responses)))
			}
			states[s.Key] = name
		}
		f.machines[machine][c.Key] = states
	}
	return nil
}

func (f *File) readResponses(pointer string, v value.Value) error {
	if v.IsAbsent() {
		return nil
	}
	if err := f.object(pointer, v, "MockedResponses"); err != nil {
		return err
	}
	for _, m := range v.Members() {
		at := pointer + "/" + escape(m.Key)
		if err := f.object(at, m.Value, "a mocked response"); err != nil {
			return err
		}
		r, err := f.readResponse(at, m.Value)
		if err != nil {
			return err
		}
		f.responses[m.Key] = r
	}
	return nil
}

func (f *File) readResponse(pointer string, v value.Value) (response, error) {
	var r response
	for _, m := range v.Members() {
		at := pointer + "/" + escape(m.Key)
		s, ok := parseSpan(m.Key)
		if !ok {
			return nil, f.errorf(at, `%q is no number of an attempt; it is "0", "1", or a range such as "2-4"`, m.Key)
		}
		for _, other := range r {
			if s.first <= other.last && other.first <= s.last {
				return nil, f.errorf(at, "attempts %s are mocked twice: here and as %q", m.Key, other.key)
			}
		}
		var err error
		if s.answer, err = f.readAnswer(at, m.Value); err != nil {
			return nil, err
		}
		r = append(r, s)
	}
	if len(r) == 0 {
		return nil, f.errorf(pointer, `the response is empty; it says what each attempt gets: {"0": {"Return": {}}}`)
	}
	return r, nil
}

// parseSpan reads "3" or "1-2".
func parseSpan(key string) (span, bool) {
	from, to, isRange := strings.Cut(key, "-")
	if !isRange {
		to = from
	}
	first, err := strconv.ParseUint(from, 10, 31)
	last, err2 := strconv.ParseUint(to, 10, 31)
	return span{first: int(first), last: int(last), key: key}, err == nil && err2 == nil && first <= last
}

func (f *File) readAnswer(pointer string, v value.Value) (answer, error) {
	if err := f.object(pointer, v, "a mocked answer", "Return", "Throw"); err != nil {
		return answer{}, err
	}
	result, returns := v.Get("Return")
	throw, throws := v.Get("Throw")
	if returns == throws {
		return answer{}, f.errorf(pointer, `a mocked answer has one of Return and Throw: {"Return": {…}} or {"Throw": {"Error": "…", "Cause": "…"}}`)
	}
	if returns {
		return answer{result: engine.Result{Output: result.AppendJSON(nil)}, value: result}, nil
	}
	if err := f.object(pointer+"/Throw", throw, "Throw", "Error", "Cause"); err != nil {
		return answer{}, err
	}
	e := &engine.TaskError{}
	for name, to := range map[string]**string{"Error": &e.Name, "Cause": &e.Cause} {
		member, ok := throw.Get(name)
		if !ok {
			continue
		}
		s, ok := member.AsString()
		if !ok {
			return answer{}, f.errorf(pointer+"/Throw/"+name, "%s is a string; this is %s", name, member.Kind().WithArticle())
		}
		*to = &s
	}
	return answer{throw: e}, nil
}

func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }
