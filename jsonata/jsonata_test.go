package jsonata_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/jsonata"
)

func eval(t testing.TB, text string, d jsonata.Dialect, env jsonata.Env) (jsonata.Value, error) {
	t.Helper()
	expr, err := jsonata.Compile(text, d)
	if err != nil {
		return jsonata.Value{}, err
	}
	return expr.Eval(context.Background(), jsonata.Value{}, env)
}

func code(err error) string {
	var e *jsonata.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestStepFunctionsDialect(t *testing.T) {
	for text, want := range map[string]string{
		`$partition([1,2,3,4,5], 2)`:        `[[1,2],[3,4],[5]]`,
		`$range(0, 10, 5)`:                  `[0,5,10]`,
		`$range(3, 1, -1)`:                  `[3,2,1]`,
		`$hash('input', 'SHA-1')`:           `"140f86aae51ab9e1cda9b4254fe98a74eb54c1a1"`,
		`$hash('a', 'MD5')`:                 `"0cc175b9c0f1b6a831c399e269772661"`,
		`$parse('{"b":[1,2.50],"a":null}')`: `{"b":[1,2.5],"a":null}`,
		`$parse('-0')`:                      `0`,
		`$range(1, 9, 9)`:                   `1`,
		`$random(7) = $random(7)`:           `true`,
		`$length($uuid())`:                  `36`,
		`$sum([1,2])`:                       `3`,
	} {
		v, err := eval(t, text, jsonata.StepFunctions, jsonata.Env{})
		if err != nil || v.JSON() != want {
			t.Errorf("%s: got %v, %v, want %s", text, v, err, want)
		}
	}
	for text, want := range map[string]string{
		`a ?? b`: "S0211", `a ?: b`: "S0211", `$eval('1')`: "T1006", `$partition([1], 0)`: "D3137", `$hash('a', 'MD4')`: "D3137",
		`$range(1, 2, 0)`: "D3137", `$parse('{')`: "D3137", `'a' + 1`: "T2001",
	} {
		if _, err := eval(t, text, jsonata.StepFunctions, jsonata.Env{}); code(err) != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{`a ?? b`, `a ?: b`, `$eval('1')`, `function($x){$x ~> $eval()}`} {
		if _, err := jsonata.Compile(text, jsonata.StepFunctions); err == nil {
			t.Errorf("%s: no error of the definition", text)
		}
	}
	for _, text := range []string{`($eval := function($x){$x}; $eval(1))`, `$eval + 1`} { // one of its own, and a state machine's variable
		if _, err := jsonata.Compile(text, jsonata.StepFunctions); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := eval(t, `$partition([1], 1)`, jsonata.Standard, jsonata.Env{}); code(err) != "T1006" {
		t.Errorf("partition in the standard dialect: %v", err)
	}
}

func TestErrorsReadAsOnAWS(t *testing.T) {
	_, err := eval(t, `'a' + 1`, jsonata.StepFunctions, jsonata.Env{})
	if want := `T2001: The left side of the "+" operator must evaluate to a number`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestKeysAndNumbersStayAsTheyAre(t *testing.T) {
	input := parse(t, `{"z":1.50,"a":[{"y":1,"b":1e2}],"m":"\u00e9"}`)
	for text, want := range map[string]string{
		`$`:                        `{"z":1.50,"a":[{"y":1,"b":1e2}],"m":"\u00e9"}`,
		`{"x": z, "a": a, "b": 1}`: `{"x":1.50,"a":[{"y":1,"b":1e2}],"b":1}`,
		`$merge([$, {"n": 1}])`:    `{"z":1.50,"a":[{"y":1,"b":1e2}],"m":"\u00e9","n":1}`,
		`$keys($)`:                 `["z","a","m"]`,
		`a.b`:                      `1e2`,
		`a.b + 0`:                  `100`,
		`$string(z)`:               `"1.5"`,
	} {
		v, err := jsonata.MustCompile(text, jsonata.Standard).Eval(context.Background(), input, jsonata.Env{})
		if err != nil || v.JSON() != want {
			t.Errorf("%s: got %v, %v, want %s", text, v, err, want)
		}
	}
}

func TestFunctionsHaveNoJSON(t *testing.T) {
	for text, want := range map[string]string{
		`$sum`: "undefined", `function($x){$x}`: "undefined", `[1, $sum]`: "[1,null]", `{"a": $sum, "b": 1}`: `{"b":1}`, `1/0`: "null", `[1/0]`: "[null]", `/a/`: "undefined",
	} {
		v, err := eval(t, text, jsonata.Standard, jsonata.Env{})
		if err != nil || v.String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, v, err, want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	twice, err := jsonata.NewFunction("twice", "<n-:n>", func(_ context.Context, args []jsonata.Value) (jsonata.Value, error) {
		f, _ := args[0].Interface().(float64)
		return jsonata.From(2 * f)
	})
	if err != nil {
		t.Fatal(err)
	}
	broken, _ := jsonata.NewFunction("broken", "", func(context.Context, []jsonata.Value) (jsonata.Value, error) {
		return jsonata.Value{}, errors.New("no luck")
	})
	asked := map[string]int{}
	n := uint64(0)
	env := jsonata.Env{
		Lookup: func(name string) (jsonata.Value, bool) {
			asked[name]++
			v, err := jsonata.Parse(map[string]string{"states": `{"input":{"a":2}}`, "sum": `5`}[name])
			return v, err == nil
		},
		Functions: map[string]*jsonata.Function{"twice": twice, "broken": broken},
		Now:       time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC),
		Random:    func() uint64 { n++; return n << 60 },
	}
	for text, want := range map[string]string{
		`$states.input.a + $states.input.a`:   `4`,
		`$twice(4) + $twice($states.input.a)`: `12`,
		`[1,2].$twice()`:                      `[2,4]`,
		`$map([1,2], $twice)`:                 `[2,4]`,
		`$sum`:                                `5`,
		`$now()`:                              `"2026-01-02T03:04:05.006Z"`,
		`$millis()`:                           `1767323045006`,
	} {
		v, err := eval(t, text, jsonata.StepFunctions, env)
		if err != nil || v.JSON() != want {
			t.Errorf("%s: got %v, %v, want %s", text, v, err, want)
		}
	}
	if asked["states"] != 2 {
		t.Errorf("states was asked for %d times in two evaluations", asked["states"])
	}
	n = 0
	a, _ := eval(t, `[$random(), $uuid(), $shuffle([1..9])]`, jsonata.StepFunctions, env)
	n = 0
	b, _ := eval(t, `[$random(), $uuid(), $shuffle([1..9])]`, jsonata.StepFunctions, env)
	if a.JSON() != b.JSON() {
		t.Errorf("the same random numbers gave %v and %v", a, b)
	}
	if _, err := eval(t, `$broken(1)`, jsonata.Standard, env); err == nil || err.Error() != "no luck" {
		t.Errorf("got %v", err)
	}
	if _, err := eval(t, `$twice('x')`, jsonata.Standard, env); code(err) != "T0410" {
		t.Errorf("got %v", err)
	}
}

func TestReferences(t *testing.T) {
	expr := jsonata.MustCompile(`($y := $x; $states.input.a.b[$z > 1] & $uppercase($y) & $map($q, function($v){$v & $states.context}) & $nope())`, jsonata.StepFunctions)
	var got []string
	for _, r := range expr.References() {
		if text := expr.String()[r.Offset:r.End]; text != "$"+r.Name {
			t.Errorf("%s stands at %q", r.Name, text)
		}
		got = append(got, fmt.Sprintf("%s%v call=%v known=%v", r.Name, r.Path, r.Call, r.Known))
	}
	want := []string{
		"x[] call=false known=false", "states[input a b] call=false known=false", "z[] call=false known=false", "uppercase[] call=true known=true",
		"map[] call=true known=true", "q[] call=false known=false", "states[context] call=false known=false", "nope[] call=true known=false",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestValues(t *testing.T) {
	v, err := jsonata.From(map[string]any{"b": []any{1, nil, true, "x", 1.5, json.Number("2.50")}, "a": struct{ N int }{3}})
	if want := `{"a":{"N":3},"b":[1,null,true,"x",1.5,2.50]}`; err != nil || v.JSON() != want {
		t.Errorf("got %v, %v", v, err)
	}
	var back jsonata.Value
	b, err := json.Marshal(v)
	if err != nil || json.Unmarshal(b, &back) != nil || back.JSON() != v.JSON() {
		t.Errorf("round trip gave %v, %v", back, err)
	}
	if _, err := jsonata.From(func() {}); err == nil {
		t.Error("a func is no JSON")
	}
	if (jsonata.Value{}).JSON() != "null" || !(jsonata.Value{}).IsUndefined() || (jsonata.Value{}).String() != "undefined" {
		t.Error("the zero Value is not undefined")
	}
}

func TestExpressionsAreSafeForConcurrentUse(t *testing.T) {
	expr := jsonata.MustCompile(`($f := function($n){$n <= 1 ? 1 : $n * $f($n-1)}; a.{'v': b, 'f': $f(b), 'm': $match(c, /x+/).match}^(v))`, jsonata.Standard)
	input := parse(t, `{"a":[{"b":3,"c":"xx"},{"b":1,"c":"yxy"}]}`)
	const want = `[{"v":1,"f":1,"m":"x"},{"v":3,"f":6,"m":"xx"}]`
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if v, err := expr.Eval(context.Background(), input, jsonata.Env{}); err != nil || v.JSON() != want {
					t.Errorf("got %v, %v", v, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestUnsupportedPatternsAreNamed(t *testing.T) {
	for _, text := range []string{`$match('a', /(?=a)/)`, `$match('aa', /(a)\1/)`, `$match('a', /(?<!b)a/)`} {
		if _, err := jsonata.Compile(text, jsonata.Standard); code(err) != "S0303" || !strings.Contains(err.Error(), "not supported") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzEval(f *testing.F) {
	for _, s := range []string{
		`a.b[c=1]{d: $sum(e)}^(>f)`, `$map(a, function($v,$i){$v & $i})`, `a@$x#$i.b@$y[$x.c=$y.c].{'p': %.%, 'x': $x}`, `$ ~> |**|{'a': 1}, ['b']|`,
		`($f := function($n)<n:n>{$n > 0 ? $f($n-1) : 'x'}; $f(5))`, `$replace('abc', /b/i, function($m){$m.match})`, `[1..5][[0..2]].$string()`,
		`$fromMillis(0, '[FNn] [D1o] [MNn] [Y] [H01]:[m]:[s].[f001] [Z]', '+0530')`, `$formatNumber(1.5, '#,##0.00;(#)')`, `$formatInteger(1234, 'w;o')`,
		`$toMillis('1 January 2018', '[D] [MNn] [Y]')`, "`a b`.* ~> $count() /* c */ ?? 1 ?: 2", `$eval('$$.a', {'a': [1]})`, `$sort([3,1], function($a,$b){$a>$b}) ~> $reverse`,
	} {
		f.Add(s, `{"a":[{"b":1,"c":"x"},{"b":[2,3]}],"d":null}`)
	}
	f.Fuzz(func(t *testing.T, text, data string) {
		input, err := jsonata.Parse(data)
		if err != nil {
			input = jsonata.Value{}
		}
		for _, d := range []jsonata.Dialect{jsonata.Standard, jsonata.StepFunctions} {
			expr, err := jsonata.Compile(text, d)
			if err != nil {
				if code(err) == "" {
					t.Fatalf("%q: no code: %v", text, err)
				}
				continue
			}
			v, err := expr.Eval(context.Background(), input, jsonata.Env{Budget: jsonata.Budget{Steps: 200_000, Bytes: 16 << 20}})
			if err == nil && !json.Valid([]byte(v.JSON())) {
				t.Fatalf("%q gave %q, which is no JSON", text, v.JSON())
			}
		}
	})
}
