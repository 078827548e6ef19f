package intrinsic_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/intrinsic"
	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// world is an Env of plain values. Its random numbers are always the lowest.
type world struct {
	input, context value.Value
	variables      map[string]value.Value
	uuids          int
}

func (w *world) Lookup(p *jsonpath.Path) (value.Value, error) {
	switch p.Root() {
	case jsonpath.Context:
		return p.Eval(w.context)
	case jsonpath.Variable:
		return p.Eval(w.variables[p.Variable()])
	}
	return p.Eval(w.input)
}

func (w *world) Random(low, _ int64) int64 { return low }

func (w *world) UUID() string {
	w.uuids++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", w.uuids)
}

func newWorld() *world {
	return &world{
		input: value.MustParse(`{"name":"Arnav","template":"Hello, my name is {}.","n":7,"half":0.5,"big":1e300,"list":[1,2,3,3,2],
			"text":"a|b,,c","obj":{"foo":"bar","deep":{"x":[1,null]}},"json":"{\"foo\": \"bar\"}","nil":null,"braced":"{\"k\":{}}","escaped":"\\{{}\\}"}`),
		context:   value.MustParse(`{"Execution":{"Name":"e1"},"StateMachine":{"Id":"arn","Name":"m"}}`),
		variables: map[string]value.Value{"v": value.MustParse(`{"a":[10,20]}`)},
	}
}

func TestEval(t *testing.T) {
	tests := []struct{ call, want string }{
		{"States.Array()", `[]`},
		{"States.Array('a', 1, -2.50, true, false, null, $.n, $$.Execution.Name, $v.a[1])", `["a",1,-2.50,true,false,null,7,"e1",20]`},
		{"States.Array(States.Array(States.Array()))", `[[[]]]`},
		{"States.Array( ' ' , $.n )", `[" ",7]`},
		{"States.Array($.list[?(@.x in ['),', \"(\"])], $['list'][0])", `[[],1]`},

		{"States.ArrayPartition($.list, 2)", `[[1,2],[3,3],[2]]`},
		{"States.ArrayPartition($.list, 1.5)", `[[1,2],[3,3],[2]]`},
		{"States.ArrayPartition($.list, 99)", `[[1,2,3,3,2]]`},
		{"States.ArrayPartition(States.Array(), 3)", `[]`},
		{"States.ArrayContains($.list, 3)", `true`},
		{"States.ArrayContains($.list, '3')", `false`},
		{"States.ArrayContains(States.Array($.obj), $.obj)", `true`},
		{"States.ArrayRange(1, 9, 2)", `[1,3,5,7,9]`},
		{"States.ArrayRange(3, 1, -1)", `[3,2,1]`},
		{"States.ArrayRange(3, 1, 1)", `[]`},
		{"States.ArrayRange(0.4, 2.5, 1)", `[0,1,2,3]`},
		{"States.ArrayLength(States.ArrayRange(1, 1000, 1))", `1000`},
		{"States.ArrayRange(9223372036854775806, 9223372036854775807, 1)", `[9223372036854775806,9223372036854775807]`},
		{"States.ArrayGetItem($.list, 0)", `1`},
		{"States.ArrayGetItem($v.a, 1)", `20`},
		{"States.ArrayLength($.list)", `5`},
		{"States.ArrayUnique($.list)", `[1,2,3]`},
		{`States.ArrayUnique(States.StringToJson('[1,1.0,"1",{"a":1,"b":2},{"b":2,"a":1.0},[1],[1,1],null,null]'))`,
			`[1,"1",{"a":1,"b":2},[1],[1,1],null]`},

		{"States.Base64Encode('Data to encode')", `"RGF0YSB0byBlbmNvZGU="`},
		{"States.Base64Decode('RGVjb2RlZCBkYXRh')", `"Decoded data"`},
		{"States.Base64Decode(States.Base64Encode('grün €'))", `"grün €"`},
		{"States.Hash('input data', 'SHA-1')", `"aaff4a450a104cd177d28d18d74485e8cae074b7"`},
		{"States.Hash($.nil, 'MD5')", `"37a6259cc0c1dae299a7866489dff0bd"`},

		{"States.JsonMerge($.obj, States.StringToJson('{\"foo\":1}'), false)", `{"deep":{"x":[1,null]},"foo":1}`},
		{"States.StringToJson($.json)", `{"foo":"bar"}`},
		{"States.StringToJson('12.50')", `12.50`},
		{"States.JsonToString($.obj)", `"{\"foo\":\"bar\",\"deep\":{\"x\":[1,null]}}"`},
		{"States.JsonToString($.name)", `"\"Arnav\""`},

		{"States.MathAdd(111, -1)", `110`},
		{"States.MathAdd($.half, -0.5)", `1`},
		{"States.MathAdd(-2.5, -3.5)", `-5`},
		{"States.MathRandom(1, 999)", `1`},
		{"States.MathRandom(12.5, 44.51)", `13`},
		{"States.MathRandom(5, 6, 42)", `5`},
		{"States.UUID()", `"00000000-0000-4000-8000-000000000001"`},

		{"States.StringSplit('1,2,3', ',')", `["1","2","3"]`},
		{"States.StringSplit('This.is+a,test=string', '.+,=')", `["This","is","a","test","string"]`},
		{"States.StringSplit($.text, '|,')", `["a","b","c"]`},
		{"States.StringSplit('', ',')", `[]`},
		{"States.StringSplit('abc', '')", `["abc"]`},

		{"States.Format('plain')", `"plain"`},
		{"States.Format('Hello, my name is {}.', $.name)", `"Hello, my name is Arnav."`},
		{"States.Format($.template, $.name)", `"Hello, my name is Arnav."`},
		{"States.Format('{}{}', $.n, $.nil)", `"7null"`},
		{"States.Format('{}', $.obj)", `"{foo=bar, deep={x=[1, null]}}"`},
		{"States.Format('{}', $.list)", `"[1, 2, 3, 3, 2]"`},
		{"States.Format('{}', $.json)", `"{\"foo\": \"bar\"}"`},
		{`States.Format('\{{}\} it\'s a \\ {}', 1, '{}')`, `"{1} it's a \\ {}"`},
		{`States.Format('unload (\'{}\')', 'select')`, `"unload ('select')"`},
		{`States.Format('\{\}')`, `"{}"`},
		{"States.Format('closing } is text')", `"closing } is text"`},
		{"States.Format($.escaped, 1)", `"{1}"`},
		{"States.Format('{}\n{}', 'a', 'b')", `"a\nb"`},
		{"States.Format('{}.{}', States.ArrayGetItem(States.StringSplit('a/b', '/'), 0), States.UUID())",
			`"a.00000000-0000-4000-8000-000000000001"`},
	}
	for _, tt := range tests {
		t.Run(tt.call, func(t *testing.T) {
			call, err := intrinsic.Parse(tt.call)
			if err != nil {
				t.Fatal(err)
			}
			got, err := call.Eval(newWorld())
			if err != nil {
				t.Fatal(err)
			}
			if got.JSON() != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if call.String() != tt.call {
				t.Errorf("String gives %s", call)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	long := strings.Repeat("x", 10001)
	tests := []struct{ call, function, problem string }{
		{"States.ArrayPartition($.n, 2)", "States.ArrayPartition", "the first argument must be an array, not a number"},
		{"States.ArrayPartition($.list, 0.4)", "States.ArrayPartition", "the chunk size must be a positive integer"},
		{"States.ArrayContains($.obj, 1)", "States.ArrayContains", "the first argument must be an array, not an object"},
		{"States.ArrayRange(0, 1000, 1)", "States.ArrayRange", "the range has more than 1000 items"},
		{"States.ArrayRange(1, 2, 0)", "States.ArrayRange", "the step must not be zero"},
		{"States.ArrayRange(1, '2', 1)", "States.ArrayRange", "argument 2 must be a number, not a string"},
		{"States.ArrayRange(1, 2)", "States.ArrayRange", "takes 3 arguments, not 2 arguments"},
		{"States.ArrayGetItem($.list, 5)", "States.ArrayGetItem", "index 5 is outside the array, which has 5 items"},
		{"States.ArrayGetItem($.list, -1)", "States.ArrayGetItem", "index -1 is outside the array, which has 5 items"},
		{"States.ArrayLength($.nil)", "States.ArrayLength", "the first argument must be an array, not null"},
		{"States.ArrayUnique('x')", "States.ArrayUnique", "the first argument must be an array, not a string"},
		{"States.Base64Encode($.n)", "States.Base64Encode", "the argument must be a string, not a number"},
		{"States.Base64Encode('" + long + "')", "States.Base64Encode", "more than 10000 characters"},
		{"States.Base64Decode('?')", "States.Base64Decode", "the argument is no Base64"},
		{"States.Hash('x', 'SHA-2')", "States.Hash", "the algorithm must be MD5, SHA-1, SHA-256, SHA-384 or SHA-512"},
		{"States.Hash('" + long + "', 'MD5')", "States.Hash", "more than 10000 characters"},
		{"States.JsonMerge($.obj, $.list, false)", "States.JsonMerge", "the first two arguments must be objects, not an array"},
		{"States.JsonMerge($.obj, $.obj, true)", "States.JsonMerge", "the third argument must be false: only a shallow merge is supported"},
		{"States.StringToJson($.obj)", "States.StringToJson", "the argument must be a string, not an object"},
		{"States.StringToJson('{')", "States.StringToJson", "the argument is no JSON text: 1:2: the text ends in the middle of the JSON value"},
		{"States.MathAdd(1, $.name)", "States.MathAdd", "argument 2 must be a number, not a string"},
		{"States.MathAdd(9223372036854775807, 1)", "States.MathAdd", "the sum is too large"},
		{"States.MathAdd($.big, 1)", "States.MathAdd", "argument 1 is beyond the range of integers"},
		{"States.MathRandom(5, 5)", "States.MathRandom", "start must be less than end"},
		{"States.MathRandom(1, 2, 'x')", "States.MathRandom", "argument 3 must be a number, not a string"},
		{"States.StringSplit($.n, ',')", "States.StringSplit", "both arguments must be strings, not a number and a string"},
		{"States.UUID(1)", "States.UUID", "takes 0 arguments, not 1 argument"},
		{"States.Format()", "States.Format", "takes at least 1 argument, not 0 arguments"},
		{"States.Format(1)", "States.Format", "the first argument must be a string, not a number"},
		{"States.Format('{} {}', 1)", "States.Format", "there are more {} than arguments to put into them"},
		{"States.Format('{}', 1, 2)", "States.Format", "there are fewer {} than arguments to put into them"},
		{`States.Format('{"a":{}}', 1)`, "States.Format", `matching '}' not found for '{': write \{ for a brace that is meant as text`},
		{"States.Array(States.ArrayLength(1))", "States.ArrayLength", "the first argument must be an array, not a number"},
	}
	for _, tt := range tests {
		_, err := intrinsic.MustParse(tt.call).Eval(newWorld())
		var failure *intrinsic.Failure
		if !errors.As(err, &failure) {
			t.Errorf("%.60s: got %v, want a Failure", tt.call, err)
			continue
		}
		if failure.Function != tt.function || failure.Problem != tt.problem {
			t.Errorf("%.60s: got %s: %s", tt.call, failure.Function, failure.Problem)
		}
		if want := "Invalid arguments in " + tt.function; failure.Error() != want {
			t.Errorf("%.60s: got %q, want %q", tt.call, failure, want)
		}
	}
}

func TestLookupErrorsComeBackAsTheyAre(t *testing.T) {
	_, err := intrinsic.MustParse("States.Array(States.Format('{}', $.no.where))").Eval(newWorld())
	var missing *jsonpath.NotFound
	if !errors.As(err, &missing) || missing.Error() != "Missing property in path $['no']" {
		t.Errorf("got %v", err)
	}
}

func TestSeedDecides(t *testing.T) {
	call := intrinsic.MustParse("States.MathRandom(0, 1000000, $.n)")
	first, err1 := call.Eval(newWorld())
	second, err2 := call.Eval(newWorld())
	other, err3 := intrinsic.MustParse("States.MathRandom(0, 1000000, 8)").Eval(newWorld())
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if !value.Equal(first, second) || value.Equal(first, other) {
		t.Errorf("got %s and %s with one seed, %s with another", first, second, other)
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		text   string
		offset int
	}{
		{"", 0},
		{"$.a", 0},
		{"States.Nope()", 0},
		{"States.Format", 13},
		{"States.Format('x'", 13},
		{"States.Format('x", 14},
		{"States.Format('x') + 1", 19},
		{"States.Format('x',)", 18},
		{"States.Format('x' 'y')", 18},
		{`States.Format("x")`, 14},
		{"States.Format(x)", 14},
		{"States.Format(01)", 14},
		{"States.Format($.)", 16},
		{"States.Format($.a b)", 18},
		{"States.Format(States.Nope())", 14},
		{`States.Format('a\nb')`, 16},
		// AWS refuses these two at creation.
		{`States.StringToJson('{"text":"An \"escaped double quote\" here"}')`, 33},
		{`States.Format('He said, \"Hello, {}!\"', 'Test \"Name\" Here')`, 24},
		{strings.Repeat("States.Array(", 11) + strings.Repeat(")", 11), 130},
	}
	for _, tt := range tests {
		_, err := intrinsic.Parse(tt.text)
		var syntax *intrinsic.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: got %v, want a SyntaxError", tt.text, err)
			continue
		}
		if syntax.Offset != tt.offset {
			t.Errorf("%q: got offset %d, want %d: %v", tt.text, syntax.Offset, tt.offset, err)
		}
	}
	if _, err := intrinsic.Parse(strings.Repeat("States.Array(", 10) + strings.Repeat(")", 10)); err != nil {
		t.Errorf("ten functions: %v", err)
	}
}

func TestPaths(t *testing.T) {
	text := "States.Format('{}{}{}', $.a[0] , States.ArrayLength($$.x['b,)']), $v)"
	call := intrinsic.MustParse(text)
	var got []string
	for _, use := range call.Paths() {
		if text[use.Offset:use.End] != use.Path.String() {
			t.Errorf("%s is said to be at %q", use.Path, text[use.Offset:use.End])
		}
		got = append(got, use.Path.String())
	}
	if want := "[$.a[0] $$.x['b,)'] $v]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if call.Function() != "States.Format" || len(call.Args()) != 4 {
		t.Errorf("got %s with %d arguments", call.Function(), len(call.Args()))
	}
	nested := call.Args()[2].Call
	if from, to := nested.Span(); text[from:to] != "States.ArrayLength($$.x['b,)'])" || nested.String() != text[from:to] {
		t.Errorf("the nested call is said to be %s at %d to %d", nested, from, to)
	}
}

func TestNames(t *testing.T) {
	names := intrinsic.Names()
	if len(names) != 18 {
		t.Errorf("there are 18 intrinsic functions, not %d", len(names))
	}
	for _, name := range names {
		if !intrinsic.IsCall(name + "()") {
			t.Errorf("%s is no call", name)
		}
	}
	if intrinsic.IsCall("$.States.Format") {
		t.Error("a path is no call")
	}
}
