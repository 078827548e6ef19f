package jsonpath_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

func BenchmarkEvalDefinite(b *testing.B) {
	doc := value.MustParse(store)
	p := jsonpath.MustCompile("$.store.book[2].title")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Eval(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvalMissing(b *testing.B) {
	doc := value.MustParse(store)
	p := jsonpath.MustCompile("$.store.shelf")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Eval(doc); err == nil {
			b.Fatal("found")
		}
	}
}

// Ten times the items must take about ten times as long.
func BenchmarkEvalFilter(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":%d,"name":"item %d"}`, i, i)
		}
		doc := value.MustParse(`{"max":50,"items":[` + strings.Join(items, ",") + `]}`)
		p := jsonpath.MustCompile("$.items[?(@.id < $.max && @.name =~ /item .*/)].name")
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Eval(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSet(b *testing.B) {
	doc := value.MustParse(store)
	p := jsonpath.MustCompile("$.store.result.value")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Set(doc, value.Null()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		jsonpath.MustCompile("$.store.book[2].title")
	}
}
