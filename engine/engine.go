// Package engine runs state machines in the Amazon States Language and writes
// down what happens as AWS Step Functions does, event by event.
//
//	tasks ──results──┐                        ┌──► history.Execution
//	timers ──────────┼──► one event loop ─────┤
//	tokens, stop ────┘    (frames, no          └──► tasks to start
//	                      goroutine a branch)
//
// One event loop owns an execution. What comes from outside — results of tasks,
// timers, task tokens, requests to stop — comes in as inputs, one after another;
// events and commands go out. Parallel and Map are frames inside the loop, and
// only task handlers run concurrently. The same definition, input, seed and order
// of inputs give the same history, byte for byte.
//
// It knows nothing of diagnosis, and nothing of AWS's SDK.
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Engine runs executions. The zero Engine works: it runs machines without tasks
// on the system's clock. Its fields must not change while executions run; its
// methods may be called concurrently.
type Engine struct {
	// Tasks does the work of Task states, and reads and writes for distributed
	// Maps. Without it every Task ends the execution with an *UnsupportedError.
	Tasks TaskHandler

	// Clock is where time comes from; nil is the system's clock.
	Clock Clock

	// Observe is called with every event as it happens, from the event loop, which
	// waits for it: it must not call the execution's Running. Executions that run at the same time call it concurrently. The
	// events of a distributed Map's child executions are not among them.
	Observe func(history.Event)

	mu       sync.Mutex
	programs map[*asl.Machine]*program
}

// Request says what to run. Only Machine is needed.
type Request struct {
	Machine *asl.Machine
	Input   []byte // JSON; none is {}

	// What the Context object and the history say about the execution. Empty
	// members get names made from Seed, in a made-up account.
	Name            string
	ARN             string
	StateMachineARN string
	RoleARN         string

	Type history.Type // Standard, where ""
	Sync bool         // an Express execution that its caller waits for (StartSyncExecution)

	// Seed decides everything that is left to chance: names, tokens, jitter,
	// States.UUID, $random.
	Seed uint64

	// StartAt is the state to start from, also one inside a Map or Parallel, which
	// then runs as if it were the machine; "" is the machine's own StartAt.
	StartAt string

	// Variables are set before the first state is entered, in JSON.
	Variables map[string]json.RawMessage

	// Redrive is a failed, timed-out or aborted execution that is to go on from
	// where it stopped, with its events before the new ones.
	Redrive *history.Execution

	// AsOf asks for the details of history as AWS wrote them at that time, for
	// comparing with histories recorded then; zero is today.
	AsOf time.Time

	Limits Limits

	// Discard drops events once they were observed: the execution has no history
	// to look at afterwards, and none in memory meanwhile.
	Discard bool

	inspect *inspection // TestState
	context value.Value // TestState: the Context object to use
}

// Limits bound an execution. Zero members are AWS's limits, negative ones none.
type Limits struct {
	PayloadBytes int // input, output and result of a state: 262,144
	Events       int // of a Standard execution: 25,000
}

const (
	awsPayloadBytes = 256 << 10
	awsEvents       = 25_000
)

func limit(asked, aws int) int {
	switch {
	case asked > 0:
		return asked
	case asked < 0:
		return 0
	}
	return aws
}

// Run runs a machine to its end. A machine that fails is data: the error is for
// what could not be done at all, and comes with the execution so far where there is one.
func (e *Engine) Run(ctx context.Context, m *asl.Machine, input []byte) (*history.Execution, error) {
	return e.RunRequest(ctx, Request{Machine: m, Input: input})
}

// RunRequest is Run for a whole Request.
func (e *Engine) RunRequest(ctx context.Context, req Request) (*history.Execution, error) {
	x, err := e.prepare(ctx, req)
	if err != nil {
		return nil, err
	}
	x.loop()
	return x.finished()
}

// Start starts an execution and returns while it runs. When ctx ends, so does the
// execution: it is aborted.
func (e *Engine) Start(ctx context.Context, req Request) (*Running, error) {
	x, err := e.prepare(ctx, req)
	if err != nil {
		return nil, err
	}
	go x.loop()
	return &Running{x}, nil
}

func (e *Engine) prepare(ctx context.Context, req Request) (*execution, error) {
	if req.Machine == nil {
		return nil, errors.New("engine: the request has no machine")
	}
	p, err := e.program(req.Machine)
	if err != nil {
		return nil, err
	}
	start := p.root.start
	if req.StartAt != "" {
		if start = p.find(req.StartAt); start == nil {
			return nil, fmt.Errorf("engine: no state %q to start at", req.StartAt)
		}
	}
	return newExecution(ctx, e, p, start, req)
}

// program compiles a machine, or finds it compiled.
func (e *Engine) program(m *asl.Machine) (*program, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.programs[m]; p != nil {
		return p, nil
	}
	p, err := compile(m)
	if err != nil {
		return nil, err
	}
	const keep = 256 // machines of a long-lived engine; the next round compiles again
	if e.programs == nil || len(e.programs) >= keep {
		e.programs = make(map[*asl.Machine]*program)
	}
	e.programs[m] = p
	return p, nil
}
