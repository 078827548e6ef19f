package intrinsic_test

import (
	"errors"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/intrinsic"
	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

var seeds = []string{
	`States.Format('\{{}\} \'', $.name)`, "States.Array(States.UUID(), $v.a[0], $$.Execution.Name, -1.5e3, null)",
	"States.ArrayRange(1, 9, 2)", "States.ArrayPartition($.list, 2)", "States.MathAdd($.n, 1)", "States.MathRandom(1, 5, 3)",
	"States.JsonMerge($.obj, $.obj, false)", "States.StringToJson($.json)", "States.Base64Decode('eA==')",
	"States.Hash($.obj, 'MD5')", "States.StringSplit($.text, ',|')", "States.ArrayUnique($.list)",
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		call, err := intrinsic.Parse(text)
		if err != nil {
			var syntax *intrinsic.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for _, use := range call.Paths() {
			if text[use.Offset:use.End] != use.Path.String() {
				t.Fatalf("%q: %s is said to be at %d to %d", text, use.Path, use.Offset, use.End)
			}
		}
		if _, err := intrinsic.Parse(call.String()); err != nil {
			t.Fatalf("%q does not parse again: %v", call, err)
		}
	})
}

func FuzzEval(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, `{"name":"n","n":1,"list":[1,[2],{"a":1}],"obj":{"a":1,"b":[]},"json":"[1]","text":"a,b"}`)
	}
	f.Fuzz(func(t *testing.T, text, input string) {
		call, err := intrinsic.Parse(text)
		if err != nil {
			return
		}
		w := newWorld()
		if w.input, err = value.Parse(input); err != nil {
			return
		}
		v, err := call.Eval(w)
		switch {
		case err == nil && v.IsAbsent():
			t.Fatalf("%q gives no value and no error", text)
		case err == nil:
			if _, err := value.Parse(v.JSON()); err != nil {
				t.Fatalf("%q gives what is no JSON: %s", text, v)
			}
		case !errors.As(err, new(*intrinsic.Failure)) && !errors.As(err, new(*jsonpath.NotFound)) && !errors.Is(err, jsonpath.ErrTooWide):
			t.Fatalf("%q: %v", text, err)
		}
	})
}
