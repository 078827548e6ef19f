package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Running is an execution that was started. Its methods may be called from any goroutine.
type Running struct{ x *execution }

// ErrUnknownToken says that no task waits for a token: it is wrong, was used, or
// its task timed out.
var ErrUnknownToken = errors.New("engine: no task waits for this token")

// ErrEnded says that the execution is over.
var ErrEnded = errors.New("engine: the execution has ended")

// Execution returns the execution, which goes on meanwhile: until it has ended
// only its names and its input may be read. History returns its events so far.
func (r *Running) Execution() *history.Execution { return r.x.main.info }

// History returns the events so far.
func (r *Running) History() []history.Event { return r.x.main.log.render() }

// MapRuns returns the child executions of distributed Maps that have started so far.
// Those that have not ended must not be read.
func (r *Running) MapRuns() []*history.Execution {
	r.x.childMu.Lock()
	defer r.x.childMu.Unlock()
	return slices.Clone(r.x.mapRuns)
}

// Done is closed when the execution has ended and its task handlers have returned.
func (r *Running) Done() <-chan struct{} { return r.x.done }

// Wait waits for the end of the execution. A machine that fails is data; the error
// is for what could not be done at all, or ctx's.
func (r *Running) Wait(ctx context.Context) (*history.Execution, error) {
	select {
	case <-r.x.done:
		return r.x.finished()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Stop aborts the execution, as StopExecution does. A nil text is absent.
func (r *Running) Stop(name, cause *string) error {
	return r.do(func(x *execution) error {
		x.abort(name, cause)
		return nil
	})
}

// CompleteTask ends the task that waits for the token with an output, as SendTaskSuccess does.
func (r *Running) CompleteTask(token string, output []byte) error {
	v, err := value.ParseBytes(output)
	if err != nil {
		return fmt.Errorf("engine: the output is not JSON: %w", err)
	}
	return r.token(token, func(a *attempt) { a.succeed(v) })
}

// FailTask fails the task that waits for the token, as SendTaskFailure does. A nil
// text is absent.
func (r *Running) FailTask(token string, name, cause *string) error {
	return r.token(token, func(a *attempt) { a.fail(&TaskError{Name: name, Cause: cause}) })
}

// Heartbeat says that the task is still alive, as SendTaskHeartbeat does.
func (r *Running) Heartbeat(token string) error {
	return r.do(func(x *execution) error {
		a := x.tokens[token]
		if a == nil {
			return ErrUnknownToken
		}
		a.beat()
		return nil
	})
}

// StartTask says that a worker has taken the task of an activity, as GetActivityTask does.
func (r *Running) StartTask(token, worker string) error {
	return r.do(func(x *execution) error {
		a := x.tokens[token]
		if a == nil {
			return ErrUnknownToken
		}
		a.start(worker)
		return nil
	})
}

// token hands an answer to the task that waits for it, or will once its handler is done.
func (r *Running) token(token string, answer func(*attempt)) error {
	return r.do(func(x *execution) error {
		a := x.tokens[token]
		if a == nil {
			return ErrUnknownToken
		}
		a.answered(answer)
		return nil
	})
}

// do runs something in the event loop.
func (r *Running) do(f func(*execution) error) error {
	reply := make(chan error, 1)
	r.x.mail.post(input{^uint64(0), func(x *execution) { reply <- f(x) }})
	select {
	case err := <-reply:
		return err
	case <-r.x.done:
		select {
		case err := <-reply:
			return err
		default:
			return ErrEnded
		}
	}
}
