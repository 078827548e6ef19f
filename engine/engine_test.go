package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// machine parses a definition.
func machine(t testing.TB, text string) *asl.Machine {
	t.Helper()
	m, err := asl.Parse("test.asl.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// run runs a definition on virtual time.
func run(t testing.TB, text, input string, tasks engine.TaskHandler) *history.Execution {
	t.Helper()
	e := &engine.Engine{Tasks: tasks, Clock: engine.VirtualClock(start)}
	x, err := e.Run(context.Background(), machine(t, text), []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// deref shows a text that may be absent.
func deref(s *string) string {
	if s == nil {
		return "(absent)"
	}
	return *s
}

func TestAWaitOfAYearTakesNoTime(t *testing.T) {
	x := run(t, `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":31536000,"End":true}}}`, `{"a":1}`, nil)
	if x.Status != history.Succeeded || x.Output.String() != `{"a":1}` {
		t.Errorf("status %s, output %s", x.Status, x.Output)
	}
	if got := x.Stop.Sub(x.Start); got != 365*24*time.Hour {
		t.Errorf("took %s", got)
	}
}

func TestADiscardedHistoryIsObservedAndGone(t *testing.T) {
	observed := 0
	e := &engine.Engine{Clock: engine.VirtualClock(start), Observe: func(history.Event) { observed++ }}
	m := machine(t, `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Succeed"}}}`)
	x, err := e.RunRequest(context.Background(), engine.Request{Machine: m, Input: []byte(`{"a":1}`), Discard: true})
	if err != nil {
		t.Fatal(err)
	}
	if observed != 6 || len(x.Events()) != 0 || x.Status != history.Succeeded || x.Output.String() != `{"a":1}` {
		t.Errorf("%d events observed, %d kept, %s %s", observed, len(x.Events()), x.Status, x.Output)
	}
}
