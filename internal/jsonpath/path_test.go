package jsonpath_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// store is the document of Jayway's README, a little shorter.
const store = `{
  "store": {
    "book": [
      {"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
      {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
      {"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3", "price": 8.99},
      {"category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord of the Rings", "isbn": "0-395-19395-8", "price": 22.99}
    ],
    "bicycle": {"color": "red", "price": 19.95}
  },
  "expensive": 10,
  "numbers": [1, 2, 3, 6],
  "texts": ["a", "b"],
  "tags": [{"n": "x", "t": ["a", "b"]}, {"n": "y", "t": []}, {"n": "", "t": ["c"]}],
  "mixed": [{"id": 1}, {"id": "1"}, {"id": true}, {"id": null}, {}],
  "delivery-partner": "UQS",
  "nothing": null
}`

func TestEval(t *testing.T) {
	doc := value.MustParse(store)
	tests := []struct{ path, want string }{
		{"$.expensive", `10`},
		{"$['expensive']", `10`},
		{`$["expensive"]`, `10`},
		{"$.['expensive']", `10`},
		{"$.delivery-partner", `"UQS"`},
		{"$.store.book[0].author", `"Nigel Rees"`},
		{"$.store.book.[0].author", `"Nigel Rees"`},
		{"$['store']['book'][ 0 ]['author']", `"Nigel Rees"`},
		{"$.store.book[-1].title", `"The Lord of the Rings"`},
		{"$.nothing", `null`},
		{"$.numbers", `[1,2,3,6]`},

		{"$.store.book[*].author", `["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]`},
		{"$..author", `["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]`},
		{"$.store..price", `[8.95,12.99,8.99,22.99,19.95]`},
		{"$..book[2].title", `["Moby Dick"]`},
		{"$..book[0,1].price", `[8.95,12.99]`},
		{"$.numbers[0,2]", `[1,3]`},
		{"$.numbers[:2]", `[1,2]`},
		{"$.numbers[1:3]", `[2,3]`},
		{"$.numbers[-2:]", `[3,6]`},
		{"$.numbers[2:]", `[3,6]`},
		{"$.numbers[1:-1]", `[2,3]`},
		{"$.numbers[7:]", `[]`},
		{"$.numbers[3:1]", `[]`},
		{"$.numbers[9][*]", `[]`},
		{"$.store.bicycle.*", `["red",19.95]`},
		{"$.expensive.*", `[]`},
		{"$.store.bicycle['color','price']", `{"color":"red","price":19.95}`},
		{"$.store.bicycle['color','size']", `{"color":"red"}`},
		{"$.store.book[:2]['title','price']", `[{"title":"Sayings of the Century","price":8.95},{"title":"Sword of Honour","price":12.99}]`},
		{"$.store['book','bicycle'].color", `["red"]`},
		{"$..nobody", `[]`},
		{"$.store.book[*].nobody", `[]`},

		{"$.store.book[?(@.isbn)].title", `["Moby Dick","The Lord of the Rings"]`},
		{"$.store.book[?(!@.isbn)].title", `["Sayings of the Century","Sword of Honour"]`},
		{"$.store.book[?(@.price < 10)].title", `["Sayings of the Century","Moby Dick"]`},
		{"$.store.book[?(@.price <= $.expensive)].title", `["Sayings of the Century","Moby Dick"]`},
		{"$.store.book[?(@['price'] > 10 && @.isbn)].title", `["The Lord of the Rings"]`},
		{"$.store.book[?(@.price > 20 || @.category == 'reference')].price", `[8.95,22.99]`},
		{"$.store.book[?(!(@.price > 20 || @.category == \"fiction\"))].price", `[8.95]`},
		{"$.store.book[?(@.author =~ /.*REES/i)].price", `[8.95]`},
		{"$.store.book[?(@.author =~ /Rees/)].price", `[]`},
		{"$.store.book[?(@.category in ['reference', 'poetry'])].price", `[8.95]`},
		{"$.store.book[?(@.category nin ['reference', 'poetry'])].price", `[12.99,8.99,22.99]`},
		{"$.store.book[?(@.title contains 'of')].price", `[8.95,12.99,22.99]`},
		{"$.tags[?(@.t contains 'c')].n", `[""]`},
		{"$.tags[?(@.t subsetof ['a','b','d'])].n", `["x","y"]`},
		{"$.tags[?(@.t anyof ['a','z'])].n", `["x"]`},
		{"$.tags[?(@.t noneof ['a','z'])].n", `["y",""]`},
		{"$.tags[?(@.t all ['a'])].n", `["x"]`},
		{"$.tags[?(@.t size 2)].n", `["x"]`},
		{"$.tags[?(@.t empty true)].n", `["y"]`},
		{"$.tags[?(@.n empty false)].n", `["x","y"]`},
		{"$.tags[?(@.t.length() > 1)].n", `["x"]`},
		{"$.tags[?(@.t == ['a','b'])].n", `["x"]`},
		{"$.tags[?(@.n == 'x')].t[0]", `["a"]`},
		{"$.tags[?(@.t[0] == 'c')].n", `[""]`},
		{"$.mixed[?(@.id == 1)]", `[{"id":1},{"id":"1"}]`},
		{"$.mixed[?(@.id === 1)]", `[{"id":1}]`},
		{"$.mixed[?(@.id == true)]", `[{"id":true}]`},
		{"$.mixed[?(@.id == null)]", `[{"id":null}]`},
		{"$.mixed[?(@.id != null)]", `[{"id":1},{"id":"1"},{"id":true},{}]`},
		{"$.store.bicycle[?(@.color == 'red')].price", `[19.95]`},
		{"$..[?(@.color)].price", `[19.95]`},
		{"$.texts[?(@ == 'a')]", `[]`}, // AWS: @ matches objects only

		{"$.numbers.length()", `4`},
		{"$.store.bicycle.length()", `2`},
		{"$.numbers.sum()", `12.0`},
		{"$.numbers.min()", `1.0`},
		{"$.numbers.max()", `6.0`},
		{"$.numbers.avg()", `3.0`},
		{"$.numbers.first()", `1`},
		{"$.numbers.last()", `6`},
		{"$.numbers.index(1)", `2`},
		{"$.texts.concat('!')", `"ab!"`},
		{"$.texts.append('c')", `["a","b","c"]`},
		{"$.store.bicycle.keys()", `["color","price"]`},
		{"$..price.max()", `22.99`},
		{"$.length($.numbers)", `4`},
		{"$.tags[*].t.length()", `[2,0,1]`},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			got, err := jsonpath.MustCompile(tt.path).Eval(doc)
			if err != nil {
				t.Fatal(err)
			}
			if got.JSON() != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestNotFound(t *testing.T) {
	doc := value.MustParse(`{"a": {"b": {"c": 1}}, "list": [{"x": 1}], "text": "t", "nil": null}`)
	tests := []struct {
		path, message string
		step          int
		at            string
	}{
		{"$.no.such.result.path", "Missing property in path $['no']", 0, doc.JSON()},
		{"$.a.no.c", "Missing property in path $['a']['no']", 1, `{"b":{"c":1}}`},
		{"$.no", "No results for path: $['no']", 0, doc.JSON()},
		{"$.a.b.d", "No results for path: $['a']['b']['d']", 2, `{"c":1}`},
		{"$.no[*]", "Missing property in path $['no']", 0, doc.JSON()},
		{"$.list[1]", "No results for path: $['list'][1]", 1, `[{"x":1}]`},
		{"$.list[-2].x", "No results for path: $['list'][-2]['x']", 1, `[{"x":1}]`},
		{"$.list[3].length()", "No results for path: $['list'][3].length()", 1, `[{"x":1}]`},
		{"$[0]", "Filter: [0] can only be applied to arrays. Current context is: {a={b={c=1}}, list=[{x=1}], text=t, nil=null}", 0, doc.JSON()},
		{"$.a[0]['id']", "Filter: [0]['id'] can only be applied to arrays. Current context is: {b={c=1}}", 1, `{"b":{"c":1}}`},
		{"$.a[1:]", "Filter: [1:] can only be applied to arrays. Current context is: {b={c=1}}", 1, `{"b":{"c":1}}`},
		{"$.nil[0]", "The path $['nil'] is null", 1, `null`},
		{"$.text.length", "Property ['length'] not found in path $['text']", 1, `"t"`},
		{"$.list.x", "Property ['x'] not found in path $['list']", 1, `[{"x":1}]`},
		{"$.text[?(@.x)]", "Filter: [?] can not be applied to primitives. Current context is: t", 1, `"t"`},
		{"$.list.sum()", "Aggregation function attempted to calculate value using empty array", 1, `[{"x":1}]`},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			_, err := jsonpath.MustCompile(tt.path).Eval(doc)
			var missing *jsonpath.NotFound
			if !errors.As(err, &missing) {
				t.Fatalf("got %v, want a NotFound", err)
			}
			if missing.Error() != tt.message {
				t.Errorf("got  %s\nwant %s", missing, tt.message)
			}
			if missing.Step != tt.step || missing.At.JSON() != tt.at {
				t.Errorf("broke at step %d on %s, want step %d on %s", missing.Step, missing.At, tt.step, tt.at)
			}
		})
	}
}

func TestNullInput(t *testing.T) {
	for _, root := range []value.Value{value.Null(), {}} {
		_, err := jsonpath.MustCompile("$.a").Eval(root)
		if want := "Unable to apply Path transformation to null or empty input."; err == nil || err.Error() != want {
			t.Errorf("$.a on %s: got %v", root, err)
		}
	}
	if got, err := jsonpath.MustCompile("$").Eval(value.Null()); err != nil || !got.IsNull() {
		t.Errorf("$ on null: got %s, %v", got, err)
	}
	_, err := jsonpath.MustCompile("$v.a").Eval(value.Null())
	if want := "Property ['a'] not found in path $"; err == nil || err.Error() != want {
		t.Errorf("$v.a on null: got %v", err)
	}
}

// A name in brackets keeps its backslashes and needs no escape for quotes within,
// as recorded from AWS.
func TestQuotedNames(t *testing.T) {
	tests := []struct{ path, name string }{
		{`$['Test\""Name"']`, `Test\""Name"`},
		{`$['it\'s']`, `it's`},
		{`$["say 'hi'"]`, `say 'hi'`},
		{`$['a.b[0]']`, `a.b[0]`},
		{`$['with blank']`, `with blank`},
		{`$['']`, ``},
	}
	for _, tt := range tests {
		p, err := jsonpath.Compile(tt.path)
		if err != nil {
			t.Error(err)
			continue
		}
		if steps := p.Steps(); len(steps) != 1 || steps[0].Name != tt.name {
			t.Errorf("%s: got %+v, want the field %q", tt.path, steps, tt.name)
		}
	}
}

func TestProperties(t *testing.T) {
	tests := []struct {
		path                string
		root                jsonpath.Root
		variable            string
		definite, reference bool
	}{
		{"$", jsonpath.Input, "", true, true},
		{"$$", jsonpath.Context, "", true, true},
		{"$$.Execution.Id", jsonpath.Context, "", true, true},
		{"$customer", jsonpath.Variable, "customer", true, true},
		{"$über_1.a[0]", jsonpath.Variable, "über_1", true, true},
		{"$.a.b[-1]", jsonpath.Input, "", true, true},
		{"$.a['b','c']", jsonpath.Input, "", true, false},
		{"$.a['b','c'].d", jsonpath.Input, "", false, false},
		{"$.a.length()", jsonpath.Input, "", true, false},
		{"$..a.length()", jsonpath.Input, "", true, false},
		{"$.a[*]", jsonpath.Input, "", false, false},
		{"$.a[1:]", jsonpath.Input, "", false, false},
		{"$.a[1,2]", jsonpath.Input, "", false, false},
		{"$..a", jsonpath.Input, "", false, false},
		{"$.a[?(@.b)]", jsonpath.Input, "", false, false},
	}
	for _, tt := range tests {
		p := jsonpath.MustCompile(tt.path)
		if p.Root() != tt.root || p.Variable() != tt.variable || p.Definite() != tt.definite || p.Reference() != tt.reference {
			t.Errorf("%s: got root %d, variable %q, definite %t, reference %t",
				p, p.Root(), p.Variable(), p.Definite(), p.Reference())
		}
		if p.String() != tt.path {
			t.Errorf("String: got %s, want %s", p, tt.path)
		}
	}
}

func TestSteps(t *testing.T) {
	text := "$.orders[?(@.id == $.wanted && @.lines[*].sku)].total"
	p := jsonpath.MustCompile(text)
	var got []string
	for _, s := range p.Steps() {
		got = append(got, fmt.Sprint(s.Kind, " ", text[s.Offset:s.End]))
		for _, inner := range s.Inner {
			got = append(got, "  "+inner.String()+" "+inner.Canonical())
		}
	}
	want := []string{
		"0 .orders",
		"7 [?(@.id == $.wanted && @.lines[*].sku)]", "  @.id @['id']", "  $.wanted $['wanted']", "  @.lines[*].sku @['lines'][*]['sku']",
		"0 .total",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct {
		path   string
		offset int
	}{
		{"", 0},
		{"a.b", 0},
		{" $.a", 0},
		{"@.a", 0},
		{"$.", 2},
		{"$..", 3},
		{"$...a", 3},
		{"$.a.", 4},
		{"$.a b", 4},
		{"$.a[", 3},
		{"$.a[]", 4},
		{"$.a[0", 5},
		{"$.a[x]", 4},
		{"$.a['b]", 4},
		{"$.a[99999999999]", 4},
		{"$.a[:]", 5},
		{"$.a[1:2:3]", 7},
		{"$.a]", 3},
		{"$.a.nope()", 4},
		{"$.a.length().b", 12},
		{"$..length()", 1},
		{"$-a", 1},
		{"$.a[?@.b]", 4},
		{"$.a[?(@.b]", 9},
		{"$.a[?(@.b ==)]", 12},
		{"$.a[?(@.b = 1)]", 10},
		{"$.a[?(@.b near 1)]", 10},
		{"$.a[?($$.b == 1)]", 8},
		{"$.a[?(@.b =~ 'x')]", 6},
		{"$.a[?(@.b =~ /(/)]", 13},
		{"$.a[?(@.b =~ /(?=x)/)]", 13},
		{"$.a[?(@.b == 'x)]", 13},
	}
	for _, tt := range tests {
		_, err := jsonpath.Compile(tt.path)
		var syntax *jsonpath.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: got %v, want a SyntaxError", tt.path, err)
			continue
		}
		if syntax.Offset != tt.offset {
			t.Errorf("%q: got offset %d, want %d: %v", tt.path, syntax.Offset, tt.offset, err)
		}
	}
}

func TestJavaText(t *testing.T) {
	tests := []struct{ json, want string }{
		{`"plain \"quoted\""`, `plain "quoted"`},
		{`1.50`, `1.50`},
		{`null`, `null`},
		{`true`, `true`},
		{`{}`, `{}`},
		{`[]`, `[]`},
		{`{"a":"x","b":[1,"y",null],"c":{}}`, `{a=x, b=[1, y, null], c={}}`},
	}
	for _, tt := range tests {
		if got := jsonpath.JavaText(value.MustParse(tt.json)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.json, got, tt.want)
		}
	}
}

// A path that fans out again and again is stopped, not followed to the end.
func TestTooWide(t *testing.T) {
	doc := value.Int(1)
	for range 40 {
		doc = value.Array(doc, doc)
		if doc.Size() > 1<<16 {
			break
		}
	}
	_, err := jsonpath.MustCompile("$..*..*..*..*").Eval(doc)
	if !errors.Is(err, jsonpath.ErrTooWide) {
		t.Errorf("got %v, want ErrTooWide", err)
	}
}
