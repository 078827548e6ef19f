package value_test

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

func TestRoundTripKeepsBytes(t *testing.T) {
	for _, doc := range []string{
		`null`, `true`, `false`, `0`, `-0`, `1.50`, `1E+2`, `12345678901234567890.000`, `""`,
		`"plain"`, `"\u00e9\/\n\"\\"`, `"é"`, `[]`, `{}`, `[1,"a",null,[{}]]`,
		`{"b":1,"a":{"\u0062":2},"":3}`, `"\ud83d\ude00"`, `["\\","\\\""]`,
		`{"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9,"k10":10,"k11":"\"x"}`,
	} {
		v, err := value.Parse(doc)
		if err != nil {
			t.Errorf("Parse(%s): %v", doc, err)
			continue
		}
		if got := v.JSON(); got != doc {
			t.Errorf("round trip of %s gave %s", doc, got)
		}
		if v.Size() != len(doc) {
			t.Errorf("Size of %s = %d, want %d", doc, v.Size(), len(doc))
		}
	}
}

func TestWhiteSpaceIsDropped(t *testing.T) {
	v := value.MustParse(" { \"a\" : [ 1 , 2.0 ] ,\n \"b\" : \"x y\" } ")
	if got, want := v.JSON(), `{"a":[1,2.0],"b":"x y"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSyntaxErrorsSayWhere(t *testing.T) {
	for doc, want := range map[string]string{
		"":                 "1:1: empty",
		"{\"a\":\n tru}":   "2:",
		`{"a":1} x`:        "1:9: more text",
		`{"a":1`:           "the text ends",
		"\"\xff\"":         "UTF-8",
		`[1,]`:             "1:3",
		`{"a" 1}`:          "1:6",
		`'a'`:              "1:1",
		`[01]`:             "1:",
		`"` + "\x01" + `"`: "1:2",
	} {
		_, err := value.Parse(doc)
		var syn *value.SyntaxError
		if !errors.As(err, &syn) || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want %q in it", doc, err, want)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	deep := strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)
	if _, err := value.Parse(deep); err == nil || !strings.Contains(err.Error(), "nested deeper") {
		t.Errorf("10,001 levels: %v", err)
	}
	fine := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	if _, err := value.Parse(fine); err != nil {
		t.Errorf("1,000 levels: %v", err)
	}
}

func TestLastOfEqualKeysCounts(t *testing.T) {
	if got := value.MustParse(`{"a":1,"b":2,"a":3}`).JSON(); got != `{"a":3,"b":2}` {
		t.Errorf("got %s", got)
	}
}

func TestWithAndWithoutLeaveTheOriginal(t *testing.T) {
	v := value.MustParse(`{"a":1,"b":[1,2,3]}`)
	w := v.With("a", value.String("x\"y")).With("c", value.Null()).Without("b")
	if got, want := w.JSON(), `{"a":"x\"y","c":null}`; got != want || w.Size() != len(want) {
		t.Errorf("got %s (%d bytes), want %s", got, w.Size(), want)
	}
	if got := v.JSON(); got != `{"a":1,"b":[1,2,3]}` {
		t.Errorf("the original became %s", got)
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`1`, `1.0`, true}, {`1e3`, `1000`, true}, {`"é"`, `"\u00e9"`, true}, {`{"a":1,"b":2}`, `{"b":2,"a":1}`, true},
		{`[1,2]`, `[2,1]`, false}, {`null`, `0`, false}, {`9007199254740993`, `9007199254740992`, false}, {`{"a":1}`, `{"b":1}`, false},
	} {
		if got := value.Equal(value.MustParse(c.a), value.MustParse(c.b)); got != c.want {
			t.Errorf("Equal(%s, %s) = %v", c.a, c.b, got)
		}
	}
}

func TestFloatsAreWrittenAsECMAScriptDoes(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 1: "1", -1.5: "-1.5", 1e21: "1e+21", 1e20: "100000000000000000000", 1e-6: "0.000001", 1e-7: "1e-7", 0.1: "0.1", 1.5e300: "1.5e+300",
	} {
		if got := value.Float(f).JSON(); got != want {
			t.Errorf("%g: got %s, want %s", f, got, want)
		}
		if value.Float(f).Size() != len(want) {
			t.Errorf("%g: size", f)
		}
	}
}

func TestKindsAndAccessors(t *testing.T) {
	var absent value.Value
	if !absent.IsAbsent() || absent.Kind() != value.KindAbsent || absent.IsNull() {
		t.Error("the zero Value is not absent")
	}
	if s, ok := value.String("").AsString(); !ok || s != "" || value.String("").Kind() != value.KindString {
		t.Error("the empty string is lost")
	}
	if i, ok := value.MustParse("1.0").AsInt(); !ok || i != 1 {
		t.Error("1.0 is a whole number")
	}
	if _, ok := value.MustParse("1.5").AsInt(); ok {
		t.Error("1.5 is no whole number")
	}
	if _, ok := value.MustParse(`"1"`).AsFloat(); ok {
		t.Error(`"1" is no number`)
	}
	if _, err := value.NumberText("1 "); err == nil {
		t.Error("NumberText takes a blank")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,"\u00e9\\",null]}`, `-0.0e1`, `[[]]`, `"\ud800"`, "{\"\\\"\":\"\\\\\"}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		v, err := value.Parse(doc)
		if err != nil {
			return
		}
		out := v.JSON()
		if len(out) != v.Size() {
			t.Fatalf("Size %d, wrote %d bytes: %q", v.Size(), len(out), out)
		}
		if !json.Valid([]byte(out)) {
			t.Fatalf("%q was written as %q, which is no JSON", doc, out)
		}
		again, err := value.Parse(out)
		if err != nil || again.JSON() != out || !value.Equal(v, again) {
			t.Fatalf("%q: second trip gave %q, %v", doc, again, err)
		}
	})
}

func TestOpaqueValuesAndMarksAreNotWritten(t *testing.T) {
	type thing struct{}
	x := &thing{}
	o := value.Opaque(x)
	if o.Kind() != value.KindOpaque || o.IsAbsent() || o.Opaque() != x || o.JSON() != "null" || o.Size() != 4 {
		t.Errorf("opaque: %v %v", o.Kind(), o)
	}
	if value.Null().Opaque() != nil || (value.Value{}).Opaque() != nil {
		t.Error("null is opaque")
	}
	plain := value.MustParse(`[1]`)
	marked := plain.Marked(5)
	if plain.Marks() != 0 || marked.Marks() != 5 || marked.JSON() != "[1]" || !value.Equal(plain, marked) {
		t.Errorf("marks: %d %d %v", plain.Marks(), marked.Marks(), marked)
	}
	if value.String("abc").Marked(5).Marks() != 0 || value.String("abc").Marked(1).JSON() != `"abc"` {
		t.Error("a string was marked")
	}
}

func TestNodeTellsEqualNodesApart(t *testing.T) {
	a, b := value.MustParse(`{"a":1}`), value.MustParse(`{"a":1}`)
	if a.Node() == nil || a.Node() == b.Node() || value.Array(a).Items()[0].Node() != a.Node() || value.Null().Node() != nil {
		t.Error("Node does not follow identity")
	}
}

func TestNumbersAreReadAsStrconvReadsThem(t *testing.T) {
	for _, text := range []string{"0", "-0", "7", "-7", "10", "999999999999999", "-999999999999999", "1000000000000000", "9007199254740993",
		"0.5", "-0.0", "1e3", "-1E-3", "12345678901234567890", "1e400", "9223372036854775807", "-9223372036854775808", "9223372036854775808"} {
		v, err := value.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := strconv.ParseFloat(text, 64)
		if got, ok := v.AsFloat(); !ok || got != want || math.Signbit(got) != math.Signbit(want) {
			t.Errorf("AsFloat of %s is %v, want %v", text, got, want)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if got, ok := v.AsInt(); err == nil && (!ok || got != n) {
			t.Errorf("AsInt of %s is %v, want %v", text, got, n)
		}
	}
}

func TestHalvesOfPairsAreEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"a\xed\xa0\xbd":               `"a\ud83d"`,
		"\xed\xb8\x80\xed\xbf\xbf":    `"\ude00\udfff"`,
		"\xed\x9f\xbf":                "\"\ud7ff\"",
		"\xed\xa0":                    "\"��\"",
		"\xed\xa0\xbd and \U0001F600": "\"\\ud83d and \U0001F600\"",
	} {
		v := value.String(text)
		if got := v.JSON(); got != want || v.Size() != len(want) {
			t.Errorf("%q: %s of %d bytes, want %s", text, got, v.Size(), want)
		}
	}
}
