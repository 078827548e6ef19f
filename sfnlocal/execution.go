package sfnlocal

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
)

// execution is one execution of a machine, over all its redrives.
type execution struct {
	seq     int64
	arn     string
	name    string
	machine *machine
	rev     *revision
	version string // ARN, where it was started through a version or an alias
	alias   string // ARN
	input   string
	trace   *string
	sync    bool
	started time.Time

	// Guarded by Server.mu.
	forgotten bool
	tokens    []string
	bytes     int64 // what it takes, about, once it has ended

	mu       sync.Mutex
	running  *engine.Running
	settled  chan struct{}        // closed when the Server knows that running has ended
	over     bool                 // nothing runs: final is set
	final    *history.Execution   // the last run's
	earlier  []*history.Execution // children of map runs before the last redrive
	redriven time.Time
}

func (e *execution) seqOf() int64 { return e.seq }

// executionKey finds an execution in the context of its tasks.
type executionKey struct{}

// start is what StartExecution and StartSyncExecution ask for.
type start struct {
	machine string // ARN
	name    string
	input   string
	trace   *string
	sync    bool
}

// begin starts an execution, or finds the one that was started just like it.
func (s *Server) begin(r start) (*execution, error) {
	a, err := parseARN(r.machine, kindMachine)
	if err != nil {
		return nil, err
	}
	if a.label() != "" {
		return nil, refuse("ValidationException", "Executions of a distributed map cannot be started: '%s'", r.machine)
	}
	if err := checkName(r.name); err != nil {
		return nil, err
	}
	if r.input == "" {
		r.input = "{}"
	}
	if !valid(r.input) {
		return nil, refuse("InvalidExecutionInput", "Invalid State Machine Execution Input: 'Invalid execution input.'")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, rev, v, err := s.qualified(a)
	if err != nil {
		return nil, err
	}
	e := &execution{machine: m, rev: rev, name: r.name, input: r.input, trace: r.trace, sync: r.sync}
	if al := m.alias(a.text); al != nil {
		v = s.choose(m, al)
		e.alias, e.rev = al.arn, v.rev
	}
	if v != nil {
		e.version = v.arn
	}
	if m.kind == types.StateMachineTypeExpress {
		return e, s.beginExpress(e)
	}
	if r.sync {
		return nil, errType
	}
	return s.beginStandard(e)
}

var errType = &apiError{"StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"}

func (s *Server) beginExpress(e *execution) error {
	e.name = orElse(e.name, s.uuid())
	e.arn = s.arn(kindExpress, e.machine.name+":"+e.name+":"+s.uuid())
	return s.launch(e, nil)
}

// beginStandard starts a Standard execution. Its name is taken for as long as the
// execution is remembered; a running one of that name and input is the same one
// (API reference, StartExecution).
func (s *Server) beginStandard(e *execution) (*execution, error) {
	m := e.machine
	e.name = orElse(e.name, s.uuid())
	e.arn = s.arn(kindExecution, m.name+":"+e.name)
	if old := m.byName[e.name]; old != nil {
		if _, ended := old.end(); !ended && old.input == e.input {
			return old, nil
		}
		return nil, refuse("ExecutionAlreadyExists", "Execution Already Exists: '%s'", e.arn)
	}
	if err := s.launch(e, nil); err != nil {
		return nil, err
	}
	e.seq = s.next()
	m.executions = append(m.executions, e)
	m.byName[e.name] = e
	s.executions[e.arn] = e
	return e, nil
}

// launch has the engine run an execution, from its beginning or on from where it
// failed. s.mu is held.
func (s *Server) launch(e *execution, redrive *history.Execution) error {
	if s.closed {
		return refuse("InternalFailure", "the server is closing")
	}
	if s.running >= s.Limits.Running {
		return refuse("ExecutionLimitExceeded", "The maximum number of running executions has been reached: %d", s.Limits.Running)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	running, err := s.engine.Start(context.WithValue(s.ctx, executionKey{}, e), engine.Request{
		Machine: e.rev.parsed, Input: []byte(e.input), Name: e.name, ARN: e.arn,
		StateMachineARN: e.machine.arn, RoleARN: e.rev.role, Type: history.Type(e.machine.kind),
		Sync: e.sync, Seed: s.rand.Uint64(), Redrive: redrive,
	})
	if err != nil && redrive != nil {
		return refuse("ExecutionNotRedrivable", "%s", err)
	}
	if err != nil {
		return err
	}
	if redrive == nil {
		e.started = running.Execution().Start
	} else {
		e.earlier = append(e.earlier, e.running.MapRuns()...)
		e.redriven = s.now()
		s.unend(func(other *execution) bool { return other == e })
	}
	e.running, e.over, e.settled = running, false, make(chan struct{})
	s.running++
	settled := e.settled
	s.wg.Go(func() {
		x := s.await(e, running)
		close(settled)
		if s.Ended != nil {
			s.Ended(x, e.rev.parsed)
		}
	})
	return nil
}

// await takes in the end of an execution.
func (s *Server) await(e *execution, running *engine.Running) *history.Execution {
	// The error is of what the engine could not do. It aborted the execution, whose
	// error and cause say why.
	x, _ := running.Wait(context.Background())
	bytes := weigh(running.History())
	s.mu.Lock()
	defer s.mu.Unlock()
	e.mu.Lock()
	e.over, e.final = true, x
	e.mu.Unlock()
	s.running--
	switch {
	case e.machine.kind == types.StateMachineTypeExpress:
		s.forget(e)
	case !e.forgotten:
		e.bytes = bytes
		s.ended = append(s.ended, e)
		s.endedBytes += bytes
		s.forgetOld()
	}
	return x
}

// end returns the execution where it has ended. Between the engine's end and the
// Server's notice of it, it has not.
func (e *execution) end() (*history.Execution, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.final, e.over
}

// latest returns what runs or ran last.
func (e *execution) latest() *engine.Running {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.running
}

// abort ends the execution and waits until it has ended.
func (e *execution) abort(name, cause *string) {
	e.mu.Lock()
	running, settled := e.running, e.settled
	e.mu.Unlock()
	_ = running.Stop(name, cause) // an error says that it has ended already
	<-settled
}

// status is RUNNING until the Server knows of the end.
func (e *execution) status() types.ExecutionStatus {
	if x, ended := e.end(); ended {
		return types.ExecutionStatus(x.Status)
	}
	return types.ExecutionStatusRunning
}

// redrives is how often it was redriven.
func (e *execution) redrives() int { return e.latest().Execution().RedriveCount }

func (s *Server) startExecution(_ context.Context, in *sfn.StartExecutionInput) (*sfn.StartExecutionOutput, error) {
	e, err := s.begin(start{machine: *in.StateMachineArn, name: str(in.Name), input: str(in.Input), trace: in.TraceHeader})
	if err != nil {
		return nil, err
	}
	return &sfn.StartExecutionOutput{ExecutionArn: &e.arn, StartDate: &e.started}, nil
}

func (s *Server) startSyncExecution(ctx context.Context, in *sfn.StartSyncExecutionInput) (*sfn.StartSyncExecutionOutput, error) {
	e, err := s.begin(start{machine: *in.StateMachineArn, name: str(in.Name), input: str(in.Input), trace: in.TraceHeader, sync: true})
	if err != nil {
		return nil, err
	}
	if e.machine.kind != types.StateMachineTypeExpress {
		return nil, errType
	}
	x, err := e.latest().Wait(ctx)
	if x == nil {
		return nil, err
	}
	out := &sfn.StartSyncExecutionOutput{
		ExecutionArn: &x.ARN, StateMachineArn: &e.machine.arn, Name: &x.Name, StartDate: &x.Start, StopDate: &x.Stop,
		Status: types.SyncExecutionStatus(x.Status), Error: x.Error, Cause: x.Cause, TraceHeader: e.trace,
		BillingDetails: billed(x.Stop.Sub(x.Start)),
	}
	if x.Status == history.Aborted { // AWS aborts none; here the engine could not go on
		out.Status = types.SyncExecutionStatusFailed
	}
	out.Input, out.InputDetails = data(e.input, true, in.IncludedData)
	if !x.Output.IsAbsent() {
		out.Output, out.OutputDetails = data(x.Output.String(), true, in.IncludedData)
	}
	return out, nil
}

// billed counts as AWS does: 100 ms and 64 MB at a time.
func billed(d time.Duration) *types.BillingDetails {
	const unit = 100 * time.Millisecond
	units := max(1, (d+unit-1)/unit)
	return &types.BillingDetails{BilledDurationInMilliseconds: (units * unit).Milliseconds(), BilledMemoryUsedInMB: 64}
}

// data is an input or output with the member that tells whether it is included.
func data(text string, there bool, asked types.IncludedData) (*string, *types.CloudWatchEventsExecutionDataDetails) {
	if !there {
		return nil, nil
	}
	if asked == types.IncludedDataMetadataOnly {
		return nil, &types.CloudWatchEventsExecutionDataDetails{}
	}
	return &text, &types.CloudWatchEventsExecutionDataDetails{Included: true}
}
