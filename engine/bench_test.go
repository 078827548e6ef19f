package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// perfMachine is one of the machines that speed is measured with.
type perfMachine struct {
	name     string
	machine  *asl.Machine
	input    []byte
	expected value.Value
}

func perfMachines(t testing.TB) []perfMachine {
	t.Helper()
	dir := filepath.Join(sharedtest.Dir(t, "perf"), "machines")
	files, err := filepath.Glob(filepath.Join(dir, "*.asl.json"))
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var list []perfMachine
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".asl.json")
		expected, err := value.ParseBytes(read(name + ".expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, perfMachine{name, machine(t, string(read(name+".asl.json"))), read(name + ".input.json"), expected})
	}
	return list
}

func TestTheMachinesOfTheBenchmarksComeToTheRightEnd(t *testing.T) {
	for _, m := range perfMachines(t) {
		t.Run(m.name, func(t *testing.T) {
			e := &engine.Engine{Clock: engine.VirtualClock(start)}
			x, err := e.Run(context.Background(), m.machine, m.input)
			if err != nil {
				t.Fatal(err)
			}
			status, _ := m.expected.Get("status")
			if want, _ := status.AsString(); want != string(x.Status) {
				t.Fatalf("status %s, want %s (%s %s)", x.Status, want, deref(x.Error), deref(x.Cause))
			}
			if want, ok := m.expected.Get("output"); ok {
				got, err := value.Parse(x.Output.String())
				if err != nil || !value.Equal(got, want) {
					t.Errorf("output %.300s, want %.300s", x.Output.String(), want.JSON())
				}
			}
		})
	}
}

func BenchmarkRun(b *testing.B) {
	for _, m := range perfMachines(b) {
		b.Run(m.name, func(b *testing.B) {
			e := &engine.Engine{Clock: engine.VirtualClock(start)}
			b.ReportAllocs()
			events := 0
			for b.Loop() {
				x, err := e.Run(context.Background(), m.machine, m.input)
				if err != nil {
					b.Fatal(err)
				}
				_ = x.Output.String()
				events++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exec/s")
		})
	}
}
