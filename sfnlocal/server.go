// Package sfnlocal is the API of AWS Step Functions over the engine, as an
// http.Handler: AWS's own clients create state machines here, start executions
// and read their histories, and nothing leaves the machine.
//
//	srv := httptest.NewServer(&sfnlocal.Server{Tasks: tasks})
//	client := sfn.New(sfn.Options{BaseEndpoint: &srv.URL, …})
//
// Everything is kept in memory. It knows nothing of diagnosis; whoever wants to
// look at executions that ended sets Server.Ended.
package sfnlocal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/awsjson"
)

// Server answers the 37 operations of the Step Functions API (JSON 1.0). The zero
// Server works: it runs machines without Lambda tasks, in real time, as account
// 123456789012 in us-east-1. Fields must not change once it serves. Signatures of
// requests are accepted and not verified, so listen on a loopback address only.
type Server struct {
	// Tasks does the work of Task states. Activities, task tokens and the resources
	// states:startExecution and aws-sdk:sfn are answered by the Server itself.
	Tasks engine.TaskHandler

	// Clock is where executions take their time from; nil is the system's. On a
	// virtual one waiting takes no time, but the time of workers of activities: while
	// a worker is awaited, time stands still.
	Clock engine.Clock

	Partition string // "" is aws
	AccountID string // "" is 123456789012
	Region    string // "" is us-east-1

	// Seed decides names, tokens, jitter and which version an alias chooses. 0 is
	// another seed each time.
	Seed uint64

	Limits Limits

	// Ended is called with every execution that has ended, Express ones included,
	// and the machine that it ran. Calls may be concurrent; the execution is
	// immutable. May be nil.
	Ended func(*history.Execution, *asl.Machine)

	setUp  sync.Once
	engine *engine.Engine
	ctx    context.Context // of all executions; ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // executions that run

	mu         sync.Mutex // guards all below, and what they point to
	rand       *rand.Rand
	sequence   int64
	machines   map[string]*machine   // by ARN
	executions map[string]*execution // by ARN
	activities map[string]*activity  // by ARN
	tokens     map[string]*job       // by task token
	running    int
	ended      []*execution // in the order in which they ended
	endedBytes int64        // what they take, about
	closed     bool
	recent     rendered
}

// Limits bound what a Server keeps and does. Zero members are the usual.
type Limits struct {
	Running    int           // executions at the same time: 1,000
	Ended      int           // executions that are remembered after their end: 10,000
	EndedFor   time.Duration // how long they are: 90 days, as on AWS
	EndedBytes int64         // memory that they may take, about: 512 MiB
	Machines   int           // state machines, and activities as well: 10,000, as on AWS
	LongPoll   time.Duration // how long GetActivityTask waits: 60 s, as on AWS
	RequestLen int64         // bytes of a request: 4 MiB
}

func orElse[T comparable](v, usual T) T {
	var zero T
	if v == zero {
		return usual
	}
	return v
}

// ready makes what the zero Server lacks.
func (s *Server) ready() {
	s.setUp.Do(func() {
		s.Partition = orElse(s.Partition, "aws")
		s.AccountID = orElse(s.AccountID, "123456789012")
		s.Region = orElse(s.Region, "us-east-1")
		s.Clock = orElse(s.Clock, engine.SystemClock())
		l := &s.Limits
		l.Running = orElse(l.Running, 1000)
		l.Ended = orElse(l.Ended, 10_000)
		l.EndedFor = orElse(l.EndedFor, 90*24*time.Hour)
		l.EndedBytes = orElse(l.EndedBytes, 512<<20)
		l.Machines = orElse(l.Machines, 10_000)
		l.LongPoll = orElse(l.LongPoll, time.Minute)
		l.RequestLen = orElse(l.RequestLen, 4<<20)
		seed := orElse(s.Seed, rand.Uint64())
		s.rand = rand.New(rand.NewPCG(seed, 0x53464e))
		s.ctx, s.cancel = context.WithCancel(context.Background())
		s.engine = &engine.Engine{Tasks: tasks{s}, Clock: s.Clock}
		s.machines = make(map[string]*machine)
		s.executions = make(map[string]*execution)
		s.activities = make(map[string]*activity)
		s.tokens = make(map[string]*job)
	})
}

// Close aborts the executions that run and waits for their end. The Server starts
// none afterwards.
func (s *Server) Close() error {
	s.ready()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
	return nil
}

// now is the time that the API tells, to the millisecond.
func (s *Server) now() time.Time { return s.Clock.Now().UTC().Truncate(time.Millisecond) }

// virtual reports that waiting takes no time.
func (s *Server) virtual() bool { return s.Clock != engine.SystemClock() }

// next numbers what is created. s.mu is held.
func (s *Server) next() int64 {
	s.sequence++
	return s.sequence
}

// uuid makes an identifier. s.mu is held.
func (s *Server) uuid() string {
	a, b := s.rand.Uint64(), s.rand.Uint64()
	a = a&^0xf000 | 0x4000 // version 4
	b = b&^(3<<62) | 2<<62 // variant
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

const targetPrefix = "AWSStepFunctions."

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.ready()
	answer, err := s.answer(w, r)
	if r.Context().Err() != nil {
		return // nobody listens any more
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.0")
	s.mu.Lock()
	h.Set("X-Amzn-Requestid", s.uuid())
	s.mu.Unlock()
	if err != nil {
		writeError(w, err)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(answer)))
	if len(answer) > bufferedByClients {
		time.Sleep(breath)
	}
	_, _ = w.Write(answer) // an error is the client's, who went away
}

// AWS's SDK for Go closes a request as soon as the answer's head is there. Where
// its transport has not noticed by then that the request was sent, it drops the
// connection, and what of the answer it has not buffered is lost. No service on a
// network answers that soon; one in the same process does, in one of 500 calls.
const (
	bufferedByClients = 3 << 10
	breath            = time.Millisecond
)

func (s *Server) answer(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, &apiError{Code: "UnknownOperationException"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.Limits.RequestLen))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, refuse("RequestEntityTooLargeException", "Request size exceeded %d bytes", s.Limits.RequestLen)
	case err != nil:
		return nil, err
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	if !ok {
		return nil, &apiError{Code: "UnknownOperationException"}
	}
	return s.call(r.Context(), name, body)
}

// call runs an operation on JSON and gives its answer in JSON.
func (s *Server) call(ctx context.Context, name string, body []byte) ([]byte, error) {
	operation, ok := operationNamed(name)
	if !ok {
		return nil, &apiError{Code: "UnknownOperationException"}
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	if err := check(name, body); err != nil {
		return nil, err
	}
	out, err := operation(s, ctx, body)
	if err != nil {
		return nil, err
	}
	return awsjson.Append(nil, out, awsjson.Seconds), nil
}

// apiError is what AWS answers where it does not do what was asked.
type apiError struct{ Code, Message string }

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func refuse(code, format string, args ...any) error {
	return &apiError{code, fmt.Sprintf(format, args...)}
}

func writeError(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	var refusal *apiError
	var test *engine.APIError
	switch {
	case errors.As(err, &refusal):
	case errors.As(err, &test):
		refusal = &apiError{test.Code, test.Message}
	default:
		status, refusal = http.StatusInternalServerError, &apiError{"InternalFailure", err.Error()}
	}
	w.Header().Set("X-Amzn-Errortype", refusal.Code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Type    string `json:"__type"`
		Message string `json:"message,omitempty"`
	}{refusal.Code, refusal.Message})
}
