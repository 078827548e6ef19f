package diagnose_test

import (
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
)

// graph makes events of random bytes, four an event: any type, any id, any
// previousEventId (later ones and itself too), any name.
func graph(data []byte) *history.Execution {
	types := append(history.EventTypes(), "Unheard", "MapStateEntered", "TaskStateEntered", "MapIterationStarted", "MapIterationFailed")
	names := []string{"", "A", "B", "Each", "Both"}
	payload := []history.Payload{{}, history.Text(`{"Error":"E","Cause":"c"}`), history.Text(`{"e":{"Error":"E","Cause":null}}`), history.Text("{"), {Truncated: true, Details: true}}
	problems := []string{"E", "States.Runtime", "An error occurred while executing the state 'A' (entered at the event id #2). x", "An error occurred while executing the state 'A' (entered at the event id #999999999999999999999)."}
	var events []history.Event
	for i := 0; i+3 < len(data); i += 4 {
		b := data[i:]
		e := history.Event{ID: int64(i/4) + 1, PreviousID: int64(b[1]), Type: types[int(b[0])%len(types)], Time: time.Unix(int64(i), 0)}
		if b[3]&0x10 != 0 {
			e.ID = int64(b[1])
		}
		if b[3]&0x20 != 0 {
			e.PreviousID = e.ID - 1
		}
		if b[3]&0x0f != 0 {
			index := int64(b[2] >> 4)
			problem := &problems[int(b[2])%len(problems)]
			e.Details = &history.Details{Name: names[int(b[2])%len(names)], State: names[int(b[3])%len(names)], Index: &index, Cause: problem, Input: payload[int(b[3])%len(payload)], Output: payload[int(b[2])%len(payload)]}
			if b[3]&1 != 0 {
				e.Details.Error = problem
			}
		}
		events = append(events, e)
	}
	x := &history.Execution{}
	x.SetEvents(events)
	return x
}

// mostTurns is how many turns of its loops Locate may take for an event: a few walks
// out of as many Maps and Parallels as it follows.
const mostTurns = 8 * 64

func FuzzLocate(f *testing.F) {
	f.Add([]byte("0000"))
	f.Add([]byte{10, 0, 0, 1, 52, 0, 1, 1, 53, 2, 1, 1, 11, 3, 2, 3})
	for seed := range byte(8) {
		var b []byte
		for i := range 400 {
			b = append(b, byte(i*i)*seed+byte(i/7))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x := graph(data)
		m := parse(t, orders)
		if work := diagnose.LocateWork(x); work > mostTurns*(len(x.Events())+1) {
			t.Errorf("%d events took %d turns", len(x.Events()), work)
		}
		loc := diagnose.Locate(x, m)
		c := diagnose.NewCase(nil, x)
		diagnose.Fingerprint(c)
		if len(loc.Others) > loc.OtherCount || len(loc.Others) > 20 {
			t.Errorf("%d others of %d", len(loc.Others), loc.OtherCount)
		}
		if loc.Origin != nil && loc.Failure == nil {
			t.Error("an origin without a failure")
		}
	})
}
