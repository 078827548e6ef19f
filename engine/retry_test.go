package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"pgregory.net/rapid"
)

// retrier is a Retry entry as the definition has it; nil fields are left out.
type retrier struct {
	ErrorEquals     []string
	IntervalSeconds *int     `json:",omitempty"`
	MaxAttempts     *int     `json:",omitempty"`
	BackoffRate     *float64 `json:",omitempty"`
	MaxDelaySeconds *int     `json:",omitempty"`
	JitterStrategy  string   `json:",omitempty"`
}

func drawRetrier(t *rapid.T, names []string) retrier {
	r := retrier{ErrorEquals: names}
	if rapid.Bool().Draw(t, "interval?") {
		n := rapid.IntRange(1, 100).Draw(t, "interval")
		r.IntervalSeconds = &n
	}
	if rapid.Bool().Draw(t, "attempts?") {
		n := rapid.IntRange(0, 12).Draw(t, "attempts")
		r.MaxAttempts = &n
	}
	if rapid.Bool().Draw(t, "backoff?") {
		f := float64(rapid.IntRange(100, 400).Draw(t, "backoff")) / 100
		r.BackoffRate = &f
	}
	if rapid.Bool().Draw(t, "most?") {
		n := rapid.IntRange(101, 1000).Draw(t, "most")
		r.MaxDelaySeconds = &n
	}
	if rapid.Bool().Draw(t, "jitter") {
		r.JitterStrategy = "FULL"
	}
	return r
}

func or[T any](p *T, usual T) T {
	if p == nil {
		return usual
	}
	return *p
}

// wait is the full wait before the retry with that number, from 0, in seconds, by
// the words of the language: the interval grows by the rate with each retry.
func (r retrier) wait(retry int) float64 {
	seconds := float64(or(r.IntervalSeconds, 1))
	for range retry {
		seconds *= or(r.BackoffRate, 2)
	}
	if r.MaxDelaySeconds != nil {
		seconds = math.Min(seconds, float64(*r.MaxDelaySeconds))
	}
	return seconds
}

// failingTask fails with one name after the other, and then succeeds.
func failingTask(names []string) engine.TaskHandler {
	return engine.TaskFunc(func(_ context.Context, task *engine.Task) (engine.Result, error) {
		if task.Call < len(names) {
			return engine.Result{}, engine.NewTaskError(names[task.Call], "")
		}
		return task.Echo(), nil
	})
}

// TestRetriersDecideAsTheLanguageSays: the first retrier that matches counts its own
// attempts, waits grow by its own rate, and the one that is used up ends the state.
func TestRetriersDecideAsTheLanguageSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := []retrier{drawRetrier(t, []string{"A"}), drawRetrier(t, []string{"B", "C"}), drawRetrier(t, []string{"States.ALL"})}
		list = list[:rapid.IntRange(1, 3).Draw(t, "retriers")]
		errs := rapid.SliceOfN(rapid.SampledFrom([]string{"A", "B", "C", "D"}), 0, 20).Draw(t, "errors")
		x := runRetries(t, list, errs)

		scheduled := attemptTimes(x)
		used := make([]int, len(list))
		attempts := 1
		failed := ""
		for _, name := range errs {
			i := decides(list, name)
			if i < 0 || used[i] >= or(list[i].MaxAttempts, 3) {
				failed = name
				break
			}
			full := list[i].wait(used[i])
			used[i]++
			if attempts >= len(scheduled) {
				t.Fatalf("%d attempts, want more", len(scheduled))
			}
			took := scheduled[attempts].Sub(scheduled[attempts-1])
			attempts++
			if took > time.Duration(full*float64(time.Second))+time.Millisecond || list[i].JitterStrategy != "FULL" && took < time.Duration(full*float64(time.Second))-2*time.Millisecond {
				t.Fatalf("retry %d of retrier %d waited %v, full wait %vs", used[i]-1, i, took, full)
			}
		}
		if len(scheduled) != attempts {
			t.Fatalf("%d attempts, want %d", len(scheduled), attempts)
		}
		if failed == "" && x.Status != history.Succeeded || failed != "" && (x.Error == nil || *x.Error != failed) {
			t.Fatalf("%s %s, want error %q", x.Status, deref(x.Error), failed)
		}
	})
}

// decides is the first retrier that matches the name.
func decides(list []retrier, name string) int {
	for i, r := range list {
		for _, e := range r.ErrorEquals {
			if e == name || e == "States.ALL" {
				return i
			}
		}
	}
	return -1
}

func runRetries(t *rapid.T, list []retrier, errs []string) *history.Execution {
	retry, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("", []byte(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+lambda+`","Retry":`+string(retry)+`,"End":true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	e := &engine.Engine{Tasks: failingTask(errs), Clock: engine.VirtualClock(start)}
	x, err := e.RunRequest(context.Background(), engine.Request{Machine: m, Seed: rapid.Uint64().Draw(t, "seed")})
	if err != nil {
		t.Fatal(errors.Join(err, errors.New(string(retry))))
	}
	return x
}

func attemptTimes(x *history.Execution) []time.Time {
	var list []time.Time
	for _, e := range x.Events() {
		if e.Type == "LambdaFunctionScheduled" {
			list = append(list, e.Time)
		}
	}
	return list
}
