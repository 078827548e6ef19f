package intrinsic_test

import (
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/intrinsic"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

func BenchmarkFormat(b *testing.B) {
	call := intrinsic.MustParse("States.Format('s3://{}/{}', $.name, States.ArrayGetItem($.list, 1))")
	w := newWorld()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := call.Eval(w); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArrayUnique(b *testing.B) {
	items := make([]value.Value, 10000)
	for i := range items {
		items[i] = value.Object(value.Member{Key: "id", Value: value.Int(int64(i % 5000))})
	}
	w := newWorld()
	w.input = value.Array(items...)
	call := intrinsic.MustParse("States.ArrayUnique($)")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := call.Eval(w); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		intrinsic.MustParse("States.Format('s3://{}/{}', $.name, States.ArrayGetItem($.list, 1))")
	}
}
