package jsonata_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/jsonata"
)

func BenchmarkEval(b *testing.B) {
	var items []string
	for i := range 1000 {
		items = append(items, fmt.Sprintf(`{"id":%d,"name":"item %d","price":%d.5,"tags":["a","b"]}`, i, i, i%97))
	}
	states := parse(b, `{"input":{"a":41,"name":"order","items":[`+strings.Join(items, ",")+`],"nested":{"x":{"y":{"z":7}}}},"context":{"Execution":{"Id":"x"}}}`)
	env := jsonata.Env{Lookup: func(name string) (jsonata.Value, bool) { return states, name == "states" }}
	for _, c := range []struct{ name, text string }{
		{"add", `$states.input.a + 1`},
		{"path", `$states.input.nested.x.y.z`},
		{"condition", `$states.input.a > 40 and $states.input.name = 'order' ? 'yes' : 'no'`},
		{"concat", `$states.input.name & '-' & $string($states.input.a)`},
		{"object10", `{"a":$states.input.a,"b":2,"c":"x","d":true,"e":null,"f":$states.input.name,"g":7,"h":8,"i":$states.context.Execution.Id,"j":10}`},
		{"merge", `$merge([$states.input.nested, {"n": 1}])`},
		{"count", `$count($states.input.items)`},
		{"fields1000", `$states.input.items.price`},
		{"sum1000", `$sum($states.input.items.price)`},
		{"predicate1000", `$states.input.items[price > 50].id`},
		{"map1000", `$map($states.input.items, function($v){$v.price * 2})`},
		{"filter1000", `$filter($states.input.items, function($v){$v.id % 2 = 0})`},
		{"objects1000", `$states.input.items.{"id": id, "label": name & "!"}`},
		{"reduce1000", `$reduce($states.input.items.id, function($a, $b){$a + $b})`},
		{"sort1000", `$states.input.items^(>price, name)`},
		{"group1000", `$states.input.items{$string(price): $count($)}`},
		{"regex", `$replace($states.input.name, /[aeiou]/, '*')`},
		{"date", `$fromMillis(1510067557121, '[Y0001]-[M01]-[D01]')`},
	} {
		expr := jsonata.MustCompile(c.text, jsonata.StepFunctions)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			ctx := context.Background()
			for b.Loop() {
				if _, err := expr.Eval(ctx, jsonata.Value{}, env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("compile", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := jsonata.Compile(`$states.input.items[price > 50].{"id": id}`, jsonata.StepFunctions); err != nil {
				b.Fatal(err)
			}
		}
	})
}
