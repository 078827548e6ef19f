package diagnose_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
)

// largest is how many events AWS records of an execution at most.
const largest = 25_000

// manyIterations is a history of n events: a Map whose iterations run
// concurrently, each a Pass and a Task, some of whose attempts fail; in the last
// iteration the Task fails for good.
func manyIterations(n int) *history.Execution {
	m := &maker{r: rand.New(rand.NewPCG(1, 2)), payload: history.Text(`{"order":{"id":"` + strings.Repeat("0123456789", 30) + `"},"note":"\"quoted\""}`)}
	m.event(history.ExecutionStarted, 0, &history.Details{Input: m.payload, RoleARN: "arn:aws:iam::111111111111:role/r"})
	m.event(history.MapStateEntered, 0, &history.Details{Name: "Each", Input: m.payload})
	started := m.event(history.MapStateStarted, 2, nil)
	var live [][]func()
	for next := int64(0); len(m.events) < n-10; {
		for len(live) < 40 {
			live = append(live, m.iteration(started, next))
			next++
		}
		i := m.r.IntN(len(live))
		live[i][0]()
		if live[i] = live[i][1:]; len(live[i]) == 0 {
			live = slices.Delete(live, i, i+1)
		}
	}
	problem, cause := "Card.Declined", "the bank said no"
	last := m.event(history.MapIterationStarted, started, &history.Details{Name: "Each", Index: ptr(int64(100_000))})
	last = m.event(history.TaskStateEntered, last, &history.Details{Name: "Charge", Input: m.payload})
	last = m.event(history.TaskScheduled, last, &history.Details{ResourceType: "lambda", Resource: "invoke", Parameters: m.payload})
	last = m.event(history.TaskFailed, last, &history.Details{ResourceType: "lambda", Resource: "invoke", Error: &problem, Cause: &cause})
	m.event(history.MapIterationFailed, last, &history.Details{Name: "Each", Index: ptr(int64(100_000))})
	last = m.event(history.MapStateFailed, last, nil)
	m.event(history.ExecutionFailed, last, &history.Details{Error: &problem, Cause: &cause})
	x := &history.Execution{}
	x.SetEvents(m.events)
	return x
}

func ptr[T any](v T) *T { return &v }

type maker struct {
	r       *rand.Rand
	payload history.Payload
	events  []history.Event
}

func (m *maker) event(typ history.EventType, previous int64, d *history.Details) int64 {
	id := int64(len(m.events)) + 1
	m.events = append(m.events, history.Event{ID: id, PreviousID: previous, Type: typ, Time: time.UnixMilli(1709294400000 + id*7).UTC(), Details: d})
	return id
}

// iteration returns the steps of one iteration.
func (m *maker) iteration(started, index int64) []func() {
	problem, cause := "Lambda.TooManyRequestsException", "Rate exceeded"
	last := started
	then := func(typ history.EventType, d *history.Details) func() {
		return func() { last = m.event(typ, last, d) }
	}
	task := &history.Details{ResourceType: "lambda", Resource: "invoke", Parameters: m.payload}
	steps := []func(){
		then(history.MapIterationStarted, &history.Details{Name: "Each", Index: &index}),
		then(history.PassStateEntered, &history.Details{Name: "Shape", Input: m.payload}),
		then(history.PassStateExited, &history.Details{Name: "Shape", Output: m.payload}),
		then(history.TaskStateEntered, &history.Details{Name: "Charge", Input: m.payload}),
	}
	if index%10 == 0 {
		steps = append(steps, then(history.TaskScheduled, task), then(history.TaskStarted, &history.Details{ResourceType: "lambda", Resource: "invoke"}),
			then(history.TaskFailed, &history.Details{ResourceType: "lambda", Resource: "invoke", Error: &problem, Cause: &cause}))
	}
	return append(steps, then(history.TaskScheduled, task), then(history.TaskStarted, &history.Details{ResourceType: "lambda", Resource: "invoke"}),
		then(history.TaskSucceeded, &history.Details{ResourceType: "lambda", Resource: "invoke", Output: m.payload}),
		then(history.TaskStateExited, &history.Details{Name: "Charge", Output: m.payload}),
		then(history.MapIterationSucceeded, &history.Details{Name: "Each", Index: &index}))
}

func largestJSON(t testing.TB) []byte {
	var b bytes.Buffer
	if err := history.Write(&b, manyIterations(largest)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// How long that takes is for BenchmarkReadAndLocate to say.
func TestTheLargestHistoryIsLocated(t *testing.T) {
	x, err := history.Parse(largestJSON(t))
	if err != nil {
		t.Fatal(err)
	}
	loc := diagnose.Locate(x, nil)
	if f := loc.Failure; f == nil || strings.Join(f.Path, "/") != "Each/[100000]" || f.State != "Charge" || len(loc.Others) != 20 || loc.OtherCount < 200 {
		t.Fatalf("%+v, %d others", f, loc.OtherCount)
	}
}

// Four times the events may not take sixteen times the work.
func TestLocateDoesWorkInProportionToTheEvents(t *testing.T) {
	small, large := diagnose.LocateWork(manyIterations(largest)), diagnose.LocateWork(manyIterations(4*largest))
	t.Logf("%d turns, for four times the events %d", small, large)
	if small < largest || large > 5*small {
		t.Errorf("%d turns, but for four times the events %d", small, large)
	}
}

func BenchmarkReadAndLocate(b *testing.B) {
	data := largestJSON(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		x, err := history.Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		if diagnose.Locate(x, nil).Failure == nil {
			b.Fatal("nothing found")
		}
	}
}

func BenchmarkLocate(b *testing.B) {
	x, err := history.Parse(largestJSON(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		diagnose.Locate(x, nil)
	}
}
