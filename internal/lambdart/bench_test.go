package lambdart_test

import (
	"testing"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/lambdart"
)

var languages = []struct {
	name     string
	function lambdart.Function
}{
	{"go", lambdart.Function{Runtime: "provided.al2023"}},
	{"python", lambdart.Function{Runtime: "python3.13", Code: "testdata/python", Handler: "app.handler"}},
	{"node", lambdart.Function{Runtime: "nodejs22.x", Code: "testdata/node", Handler: "index.handler"}},
}

// eachLanguage measures with a host of one function.
func eachLanguage(b *testing.B, measure func(*testing.B, *lambdart.Host)) {
	for _, l := range languages {
		b.Run(l.name, func(b *testing.B) {
			if l.function.Code == "" {
				dir, err := bootstrap()
				if err != nil {
					b.Fatal(err)
				}
				l.function.Code = dir
			}
			h := &lambdart.Host{Functions: map[string]lambdart.Function{"f": l.function}}
			defer h.Close()
			measure(b, h)
		})
	}
}

var (
	echo = engine.LambdaCall{Function: "f", Payload: []byte(`{"do":"echo","value":1}`)}
	exit = engine.LambdaCall{Function: "f", Payload: []byte(`{"do":"exit"}`)}
)

func do(b *testing.B, h *lambdart.Host, call engine.LambdaCall, fails bool) {
	if reply, err := h.Invoke(b.Context(), call); err != nil || reply.Failed != fails {
		b.Fatalf("%s, %v", reply.Payload, err)
	}
}

func BenchmarkWarm(b *testing.B) {
	eachLanguage(b, func(b *testing.B, h *lambdart.Host) {
		do(b, h, echo, false)
		for b.Loop() {
			do(b, h, echo, false)
		}
	})
}

// BenchmarkCold ends the process before each call.
func BenchmarkCold(b *testing.B) {
	eachLanguage(b, func(b *testing.B, h *lambdart.Host) {
		for b.Loop() {
			b.StopTimer()
			do(b, h, exit, true)
			b.StartTimer()
			do(b, h, echo, false)
		}
	})
}
