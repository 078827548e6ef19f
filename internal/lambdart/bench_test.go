package lambdart_test

import (
	"testing"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/lambdart"
)

func languages(b *testing.B) map[string]lambdart.Function {
	b.Helper()
	dir, err := bootstrap()
	if err != nil {
		b.Fatal(err)
	}
	return map[string]lambdart.Function{
		"go":     {Runtime: "provided.al2023", Code: dir},
		"python": {Runtime: "python3.13", Code: "testdata/python", Handler: "app.handler"},
		"node":   {Runtime: "nodejs22.x", Code: "testdata/node", Handler: "index.handler"},
	}
}

var echo = engine.LambdaCall{Function: "f", Payload: []byte(`{"do":"echo","value":1}`)}

func BenchmarkWarm(b *testing.B) {
	for name, f := range languages(b) {
		b.Run(name, func(b *testing.B) {
			h := &lambdart.Host{Functions: map[string]lambdart.Function{"f": f}}
			defer h.Close()
			for b.Loop() {
				if reply, err := h.Invoke(b.Context(), echo); err != nil || reply.Failed {
					b.Fatalf("%s, %v", reply.Payload, err)
				}
			}
		})
	}
}

func BenchmarkCold(b *testing.B) {
	for name, f := range languages(b) {
		b.Run(name, func(b *testing.B) {
			h := &lambdart.Host{Functions: map[string]lambdart.Function{"f": f}}
			defer h.Close()
			exit := engine.LambdaCall{Function: "f", Payload: []byte(`{"do":"exit"}`)}
			for b.Loop() {
				b.StopTimer()
				if reply, err := h.Invoke(b.Context(), exit); err != nil || !reply.Failed {
					b.Fatalf("%s, %v", reply.Payload, err)
				}
				b.StartTimer()
				if reply, err := h.Invoke(b.Context(), echo); err != nil || reply.Failed {
					b.Fatalf("%s, %v", reply.Payload, err)
				}
			}
		})
	}
}
