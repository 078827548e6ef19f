package jsonpath_test

import (
	"errors"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

var seeds = []string{
	"$", "$$.Execution.Id", "$v.a[0]", "$.a.b[-1]", "$['a','b']", "$..a[?(@.b == 'x' && !@.c)].d",
	"$.a[1:2]", "$.a[?(@.x =~ /y+/i)]", "$.length($.a[*])", "$.a[?(@.b in [1,'2',{\"c\":3}])]", "$.[0].['x']",
	`$['Test\""Name"']`, "$..*..*", "$.a.sum()", "$..a.max()", "$.a[0,1]['b','c']",
}

func FuzzCompile(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := jsonpath.Compile(text)
		if err != nil {
			var syntax *jsonpath.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if p.String() != text {
			t.Fatalf("String gives %q for %q", p, text)
		}
		if p.Reference() && !p.Definite() {
			t.Fatalf("%q is a reference path, yet not definite", text)
		}
		for _, s := range p.Steps() {
			if s.Offset < 0 || s.Offset > s.End || s.End > len(text) {
				t.Fatalf("%q: a step at %d to %d", text, s.Offset, s.End)
			}
		}
	})
}

func FuzzEval(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, store)
		f.Add(s, `{"a":[{"b":"x","d":1},{"b":[1,2]}],"b":null}`)
	}
	f.Fuzz(func(t *testing.T, text, document string) {
		p, err := jsonpath.Compile(text)
		if err != nil {
			return
		}
		doc, err := value.Parse(document)
		if err != nil {
			return
		}
		before := doc.JSON()
		got, err := p.Eval(doc)
		var missing *jsonpath.NotFound
		switch {
		case err == nil && got.IsAbsent():
			t.Fatalf("%q gives no value and no error", text)
		case err == nil && !p.Definite() && got.Kind() != value.KindArray:
			t.Fatalf("%q is not definite and gives %s", text, got)
		case errors.As(err, &missing) && (missing.Error() == "" || missing.Step >= len(p.Steps())):
			t.Fatalf("%q: %#v", text, missing)
		}
		marker := value.String("marker")
		if set, err := p.Set(doc, marker); err == nil {
			back, err := p.Eval(set)
			if err != nil || !value.Equal(back, marker) {
				t.Fatalf("%q in %s: Set gives %s, Eval then %s, %v", text, document, set, back, err)
			}
		}
		if doc.JSON() != before {
			t.Fatalf("%q changed the document to %s", text, doc)
		}
	})
}
