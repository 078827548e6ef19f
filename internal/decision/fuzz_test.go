package decision_test

import (
	"encoding/json"
	"testing"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/decision"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
)

// Whatever a history says, what waits in it is found or it is said why not, and what
// would be sent is JSON.
func FuzzFind(f *testing.F) {
	f.Add([]byte(waiting))
	f.Add([]byte(`{"events": [{"id": 1, "type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "stepsleuth: wait for a decision"}}, {"id": 2, "type": "TaskScheduled"}]}`))
	f.Add([]byte(`{"events": [{"id": 3, "type": "TaskStateExited", "stateExitedEventDetails": {"name": "A"}}, {"id": 4, "previousEventId": 3, "type": "FailStateEntered", "stateEnteredEventDetails": {"name": "stepsleuth: x"}}, {"id": 5, "type": "ExecutionFailed"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		x, err := history.Parse(text)
		if err != nil {
			return
		}
		oncall.Uncaught(x)
		w, err := decision.Find(x)
		if err != nil {
			if w != nil || err.Error() == "" {
				t.Errorf("%v beside %v", w, err)
			}
			return
		}
		for _, a := range []decision.Answer{{Decision: instrument.DecideRetry, By: "<a>"}, {Decision: instrument.DecideSkip, Output: []byte(`{"b":1}`)}, {Decision: instrument.DecideFail}} {
			if record, err := w.Record(a); err == nil && !json.Valid(record) {
				t.Errorf("%s is sent", record)
			}
		}
	})
}
