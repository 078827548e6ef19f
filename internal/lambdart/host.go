// Package lambdart runs Lambda functions on this machine, as processes under the
// Lambda Runtime API: no container, no account. A function is a folder or a .zip
// with a bootstrap (Go and other custom runtimes), Python code or Node code.
//
//	Invoke ─► slot ─► environment, warm or new ─► Runtime API ─► process
//	              reply ◄─ answer, exit, time-out, memory ◄─┘
//
// What a caller sees (payloads, error types, log lines) is what Lambda's managed
// runtimes and Lambda itself write. A function is a process of this user with this
// user's rights: this is no sandbox.
//
// Unlike Lambda, an idle environment is not frozen, an init that failed is not tried
// a second time, asynchronous calls are not retried, and there are no layers and no
// extensions. Memory is watched on Linux only.
//
// It knows nothing of state machines beyond the call that the engine makes, and
// nothing of diagnosis.
package lambdart

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
)

// Host runs functions. The zero Host knows none. It is safe for concurrent use; its
// fields are not changed after the first call.
type Host struct {
	Functions   map[string]Function // by name; Any is every other
	Environment map[string]string   // variables for every function; a function's own go before
	Region      string              // where a function called by its name alone is; "" is us-east-1
	Account     string              // "" is 123456789012
	InitLimit   time.Duration       // how long a start may take outside the time-out; 0 is Lambda's 10 s

	setUp    sync.Once
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	tearDown sync.Once
	logs     logbook
	tools    toolbox

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
	pools  map[string]*pool
	dir    string // holds the bootstraps and unpacked code; removed by Close
}

// Any is the name under which a Host finds the function for every name that it does
// not know.
const Any = "*"

// ErrClosed is what calls get during and after Close.
var ErrClosed = errors.New("the functions are shut down")

// maxEvent is how much a function may be given, Lambda's 6 MB.
const maxEvent = 6 << 20

// Invoke calls a function: engine.Invoker. A function that failed is a reply, a call
// that Lambda would refuse an *engine.TaskError, a function that is not there
// engine.ErrNoFunction; any other error is about this machine.
//
// When ctx ends Invoke returns at once, and the function runs on to its own end, as
// on Lambda, or to Close.
func (h *Host) Invoke(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
	if err := ctx.Err(); err != nil {
		return engine.LambdaReply{}, err
	}
	to := h.target(call)
	p, err := h.pool(to.name)
	if err != nil {
		return engine.LambdaReply{}, err
	}
	inv := &invocation{host: h, pool: p, call: call, to: to, id: requestID(call), done: make(chan struct{})}
	if err := checkEvent(inv.id, call.Payload); err != nil {
		return engine.LambdaReply{}, err
	}
	if !call.Event && !p.take() {
		return engine.LambdaReply{}, refusal("TooManyRequestsException", http.StatusTooManyRequests, inv.id, "Rate Exceeded.")
	}
	if !h.begin() {
		return engine.LambdaReply{}, ErrClosed
	}
	go inv.handle()
	if call.Event {
		return engine.LambdaReply{}, nil
	}
	select {
	case <-inv.done:
		return inv.reply, inv.err
	case <-ctx.Done():
		return engine.LambdaReply{}, ctx.Err()
	}
}

// Close ends every process and waits until they are gone. Calls under way return
// ErrClosed. It may be called more than once.
func (h *Host) Close() error {
	var err error
	h.tearDown.Do(func() {
		h.init()
		h.mu.Lock()
		h.closed = true
		h.mu.Unlock()
		h.cancel()
		h.calls.Wait()
		for _, p := range h.pools {
			p.clear()
		}
		if h.dir != "" {
			err = os.RemoveAll(h.dir)
		}
	})
	return err
}

// Logs returns what was logged for one request of a function, or with no request id
// for all that are still held, oldest first.
func (h *Host) Logs(function, requestID string) []Line {
	return h.logs.lines(functionName(function), func(l Line) bool { return requestID == "" || l.RequestID == requestID })
}

// LogsBetween returns what a function logged from one time up to another.
func (h *Host) LogsBetween(function string, from, to time.Time) []Line {
	return h.logs.lines(functionName(function), func(l Line) bool { return !l.Time.Before(from) && !l.Time.After(to) })
}

// Process returns the process of a function that works on a request, so that whoever
// wants to know what a workflow makes of its death, or to look into it, can find it. nil:
// none does now.
func (h *Host) Process(function, requestID string) *os.Process {
	h.mu.Lock()
	p := h.pools[functionName(function)]
	h.mu.Unlock()
	if p == nil {
		return nil
	}
	if e := p.process(requestID); e != nil {
		return e.cmd.Process
	}
	return nil
}

func (h *Host) init() {
	h.setUp.Do(func() { h.ctx, h.cancel = context.WithCancel(context.Background()) })
}

// begin counts a call in, unless the host is closed.
func (h *Host) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.calls.Add(1)
	return true
}

func (h *Host) pool(name string) (*pool, error) {
	f, ok := h.Functions[name]
	if !ok {
		f, ok = h.Functions[Any]
	}
	if !ok {
		return nil, engine.ErrNoFunction
	}
	h.init()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	if h.pools == nil {
		h.pools = make(map[string]*pool)
	}
	p := h.pools[name]
	if p == nil {
		p = newPool(h, name, f)
		h.pools[name] = p
	}
	return p, nil
}

// folder returns the host's own folder, with the bootstraps in it.
func (h *Host) folder() (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dir != "" {
		return h.dir, nil
	}
	dir, err := os.MkdirTemp("", "stepsleuth-functions-")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, bootstraps); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	h.dir = dir
	return dir, nil
}

// target is the function that a call means.
type target struct{ name, arn, region string }

// target completes a name to an ARN with the region and account of the caller's
// state machine, or else of the host.
func (h *Host) target(call engine.LambdaCall) target {
	name := functionName(call.Function)
	if parts := strings.Split(call.Function, ":"); len(parts) > 6 && parts[0] == "arn" {
		return target{name: name, arn: call.Function, region: cmp.Or(parts[3], h.Region, "us-east-1")}
	}
	partition, region, account := "aws", cmp.Or(h.Region, "us-east-1"), cmp.Or(h.Account, "123456789012")
	if call.Task != nil {
		if parts := strings.Split(call.Task.StateMachine, ":"); len(parts) > 4 {
			partition, region, account = parts[1], parts[3], parts[4]
		}
	}
	arn := strings.Join([]string{"arn", partition, "lambda", region, account, "function", call.Function}, ":")
	return target{name: name, arn: arn, region: region}
}

// functionName takes the name out of a name or ARN, with version or alias or not.
func functionName(function string) string {
	if parts := strings.Split(function, ":"); len(parts) > 6 && parts[0] == "arn" {
		return parts[6]
	}
	if _, rest, ok := strings.Cut(function, ":function:"); ok { // 123456789012:function:name
		function = rest
	}
	name, _, _ := strings.Cut(function, ":")
	return name
}

// requestID is the task's id, so that a log is found by what the history shows.
func requestID(call engine.LambdaCall) string {
	if call.Task != nil && call.Task.ID != "" {
		return call.Task.ID
	}
	return newID()
}

// newID makes a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func checkEvent(requestID string, event []byte) error {
	switch {
	case len(event) > maxEvent:
		return refusal("RequestTooLargeException", http.StatusRequestEntityTooLarge, requestID, tooLong(int64(len(event))))
	case len(event) > 0 && !json.Valid(event):
		return refusal("InvalidRequestContentException", http.StatusBadRequest, requestID, "Could not parse request body into json")
	}
	return nil
}

func tooLong(size int64) string {
	return fmt.Sprintf("%d byte payload is too large for the RequestResponse invocation type (limit %d bytes)", size, maxEvent)
}

// refusal is the error of a call that Lambda does not take, as Step Functions records it.
func refusal(code string, status int, requestID, message string) *engine.TaskError {
	return engine.NewTaskError("Lambda."+code, fmt.Sprintf(
		"%s (Service: AWSLambda; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", message, status, code, requestID))
}
