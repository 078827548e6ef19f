package engine

import (
	"math"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// fail takes an error of the thread's state to the first retrier that has
// attempts left, else to the first catcher that matches, else to whatever the
// thread is part of (ASL "Errors").
func (x *execution) fail(t *thread, f *failure) {
	t.stop()
	t.evaluationFailed(f)
	if x.inspectFailure(t, f) {
		return
	}
	if delay, ok := t.retryDelay(f); ok {
		t.retryCount++
		t.timer = x.timers.set(x.now+delay, t.again)
		return
	}
	t.giveUp(f)
}

// giveUp is fail with the retriers used up.
func (t *thread) giveUp(f *failure) {
	if c := t.catcher(f); c != nil {
		t.stateFailed()
		t.caught(c, f)
		return
	}
	t.stateFailed()
	t.join.failed(t, f)
}

// evaluationFailed writes the event of a failed JSONata field. It follows the
// event before the state was entered, as AWS has it.
func (t *thread) evaluationFailed(f *failure) {
	if f.evaluation == nil {
		return
	}
	e, state := f.evaluation, t.node.name
	f.evaluation = nil
	t.prev = t.run.note("EvaluationFailed", t.beforeEntry, t.x.now, func(d *historyDetails) {
		f.fill(d)
		d.State, d.Location = state, e.location
	})
}

// retryDelay finds the retrier for f. The first that matches decides: where its
// attempts are used up, no later one is asked.
func (t *thread) retryDelay(f *failure) (ms int64, ok bool) {
	for i, r := range t.node.state.Retry {
		if !f.matches(r.ErrorEquals) {
			continue
		}
		for len(t.retries) <= i {
			t.retries = append(t.retries, 0)
		}
		if int64(t.retries[i]) >= r.MaxAttempts {
			return 0, false
		}
		delay := t.x.jitter(r, backoff(r, t.retries[i]))
		t.retries[i]++
		return delay, true
	}
	return 0, false
}

// backoff is the wait in milliseconds before the retry with the given number,
// from 0 (ASL "Retriers": IntervalSeconds times BackoffRate for each retry before
// it, at most MaxDelaySeconds).
func backoff(r *asl.Retrier, retry int) int64 {
	seconds := float64(r.IntervalSeconds) * math.Pow(r.BackoffRate, float64(retry))
	if r.MaxDelaySeconds > 0 {
		seconds = min(seconds, float64(r.MaxDelaySeconds))
	}
	const most = 100 * 365 * 24 * 3600 // a century; the execution is long over then
	return int64(min(seconds, most) * 1000)
}

// jitter draws the wait at random between nothing and its full length where the
// retrier asks for it (ASL "JitterStrategy").
func (x *execution) jitter(r *asl.Retrier, ms int64) int64 {
	if !r.JitterFull || ms == 0 {
		return ms
	}
	return x.rand.Int64N(ms + 1)
}

func (t *thread) catcher(f *failure) *catcher {
	for i := range t.node.catch {
		if c := &t.node.catch[i]; f.matches(c.errorEquals) {
			return c
		}
	}
	return nil
}

// caught leaves the state through a catcher.
func (t *thread) caught(c *catcher, f *failure) {
	out := f.output()
	if t.node.jsonata {
		t.caughtJSONata(c, out)
		return
	}
	env := t.env(out)
	assign, bad := env.assign(c.assign)
	if bad == nil {
		var result value.Value
		if result, bad = t.placeResult(c.resultPath, t.input, out); bad == nil {
			t.leaveCaught(c, result, assign)
			return
		}
	}
	t.join.failed(t, bad)
}

// leaveCaught leaves the state through a catcher. An output that is too large is
// beyond catching: its cause would be in the next one again.
func (t *thread) leaveCaught(c *catcher, output value.Value, assign []assignment) {
	if t.x.tooLarge(output) {
		t.join.failed(t, tooLarge(t.node.name))
		return
	}
	t.leave(c.next, output, assign)
}

func (t *thread) caughtJSONata(c *catcher, out value.Value) {
	env := t.env(t.input)
	env.errorOutput = out
	assign, bad := env.assign(c.assign)
	result := out
	if bad == nil && c.output != nil {
		result, bad = env.eval(c.output)
	}
	if bad != nil {
		t.evaluationFailed(bad)
		t.join.failed(t, bad)
		return
	}
	t.leaveCaught(c, result, assign)
}
