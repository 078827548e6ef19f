package lambdart

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/engine"
)

// latest is the version of every function here.
const latest = "$LATEST"

// initLimit is how long Lambda lets an init take outside the function's time-out.
const initLimit = 10 * time.Second

// invocation is one call on its way through an environment.
type invocation struct {
	host *Host
	pool *pool
	call engine.LambdaCall
	to   target
	id   string
	log  *requestLog

	env      *environment
	began    time.Time     // when the event was given
	deadline time.Time     // of the function's time-out; zero before the time-out runs
	initTook time.Duration // 0 in a warm environment

	done  chan struct{} // closed when reply and err are there
	reply engine.LambdaReply
	err   error
}

// handle runs the invocation in the background and lets the caller know.
func (inv *invocation) handle() {
	defer inv.host.calls.Done()
	defer close(inv.done)
	if inv.call.Event {
		select { // asynchronous calls queue
		case inv.pool.slots <- struct{}{}:
		case <-inv.host.ctx.Done():
			return
		}
	}
	defer inv.pool.release()
	inv.reply, inv.err = inv.run(inv.host.ctx)
}

// run finds an environment, has it handle the event, and writes the log.
func (inv *invocation) run(ctx context.Context) (engine.LambdaReply, error) {
	prog, err := inv.pool.program()
	if err != nil {
		return engine.LambdaReply{}, fmt.Errorf("function %s: %w", inv.pool.name, err)
	}
	inv.log = inv.host.logs.open(inv.pool.name, inv.id)
	failed, err := inv.enter(ctx, prog)
	if err != nil {
		return engine.LambdaReply{}, fmt.Errorf("function %s: %w", inv.pool.name, err)
	}
	inv.log.addf("START RequestId: %s Version: %s", inv.id, latest)
	var got answer
	if failed == nil {
		got, failed = inv.perform(ctx)
	}
	inv.leave(failed)
	inv.conclude(got, failed)
	if failed == shutDown {
		return engine.LambdaReply{}, ErrClosed
	}
	return inv.replyWith(got, failed), nil
}

// enter takes a warm environment or starts one.
func (inv *invocation) enter(ctx context.Context, prog program) (*failure, error) {
	if inv.env = inv.pool.warm(); inv.env != nil {
		inv.env.out.turn(inv.log)
		return nil, nil
	}
	inv.log.addf("INIT_START Runtime Version: %s", prog.version)
	limit := initLimit
	if inv.host.InitLimit > 0 {
		limit = inv.host.InitLimit
	}
	failed, err := inv.start(ctx, prog, "init", limit)
	if err == nil && failed == timedOut {
		// Lambda tries an init that took too long again, on the function's own time.
		inv.env.stop()
		inv.deadline = time.Now().Add(inv.pool.Timeout)
		failed, err = inv.start(ctx, prog, "invoke", inv.pool.Timeout)
	}
	return failed, err
}

// start starts an environment and waits for its init.
func (inv *invocation) start(ctx context.Context, prog program, phase string, limit time.Duration) (*failure, error) {
	began := time.Now()
	env, err := start(inv.pool, prog, inv.to, inv.variables(prog), inv.log)
	var failed *failure
	switch {
	case errors.As(err, &failed):
		inv.env = nil
	case err != nil:
		return nil, err
	default:
		inv.env = env
		_, failed = await(ctx, env, began.Add(limit), env.api.asked)
		env.out.flush()
	}
	inv.initTook = time.Since(began)
	switch {
	case failed == timedOut:
		inv.log.addf("INIT_REPORT Init Duration: %s ms\tPhase: %s\tStatus: timeout", millis(inv.initTook), phase)
	case failed != nil:
		inv.log.addf("INIT_REPORT Init Duration: %s ms\tPhase: %s\tStatus: error\tError Type: %s", millis(inv.initTook), phase, failed.kind)
	}
	return failed, nil
}

// variables are those that a function may change: the usual, then the host's, then
// its own.
func (inv *invocation) variables(prog program) map[string]string {
	env := map[string]string{
		"PATH": prog.path, "LANG": "en_US.UTF-8", "TZ": ":UTC",
		"PYTHONPYCACHEPREFIX": prog.runtime + "/pycache", // the code's folder stays as it is
	}
	maps.Copy(env, inv.host.Environment)
	maps.Copy(env, inv.pool.Environment)
	return env
}

// perform gives the event to the runtime and waits for its answer, and until it asks
// for the next one: only then is it done.
func (inv *invocation) perform(ctx context.Context) (answer, *failure) {
	inv.began = time.Now()
	if inv.deadline.IsZero() {
		inv.deadline = inv.began.Add(inv.pool.Timeout)
	}
	e := inv.env
	inv.pool.working(e, inv.id)
	e.api.give(event{id: inv.id, header: inv.header(), payload: inv.event()})
	got, failed := await(ctx, e, inv.deadline, e.api.answers)
	if failed == nil && got.tooLarge {
		failed = tooLarge
	}
	if failed == nil {
		_, failed = await(ctx, e, inv.deadline, e.api.asked)
	}
	return got, failed
}

func (inv *invocation) event() []byte {
	if len(inv.call.Payload) == 0 {
		return []byte("{}")
	}
	return inv.call.Payload
}

func (inv *invocation) header() http.Header {
	var trace [20]byte
	_, _ = rand.Read(trace[:]) // never fails
	random := hex.EncodeToString(trace[:])
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", inv.to.arn)
	h.Set("Lambda-Runtime-Trace-Id", fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", inv.began.Unix(), random[:24], random[24:]))
	return h
}

// leave gives the environment back, or ends it: a time-out, a crash or too large an
// answer is the end of it.
func (inv *invocation) leave(failed *failure) {
	e := inv.env
	switch {
	case e == nil:
	case failed != nil:
		inv.pool.working(e, "")
		e.checkMemory()
		e.stop()
	default:
		e.checkMemory()
		e.out.flush()
		inv.pool.keep(e)
	}
}

// conclude writes the end of the log.
func (inv *invocation) conclude(got answer, failed *failure) {
	switch {
	case failed == nil || failed == shutDown || failed.payload != nil:
	case failed == timedOut:
		inv.log.addf("%s %s %s", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), inv.id, inv.timeout())
	case failed == tooLarge:
		inv.log.add(failed.message)
		inv.log.add(failed.kind)
	default:
		inv.log.addf("RequestId: %s Error: %s", inv.id, failed.message)
		inv.log.add(failed.kind)
	}
	inv.log.addf("END RequestId: %s", inv.id)
	inv.log.add(inv.report(failed))
}

func (inv *invocation) timeout() string {
	return fmt.Sprintf("Task timed out after %.2f seconds", inv.pool.Timeout.Seconds())
}

// report is the REPORT line. A cold start is billed, too.
func (inv *invocation) report(failed *failure) string {
	took, initTook := time.Duration(0), inv.initTook
	if !inv.began.IsZero() {
		took = time.Since(inv.began)
	} else {
		took, initTook = initTook, 0 // the init failed, and is what was done
	}
	if failed == timedOut {
		took = inv.pool.Timeout
	}
	var b strings.Builder
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %s ms\tBilled Duration: %d ms\tMemory Size: %d MB",
		inv.id, millis(took), int64(math.Ceil((took+initTook).Seconds()*1000)), inv.pool.MemoryMB)
	if inv.env != nil && inv.env.peak.Load() > 0 {
		fmt.Fprintf(&b, "\tMax Memory Used: %d MB", min((inv.env.peak.Load()+1<<20-1)>>20, int64(inv.pool.MemoryMB)))
	}
	if initTook > 0 {
		fmt.Fprintf(&b, "\tInit Duration: %s ms", millis(initTook))
	}
	switch {
	case failed == timedOut:
		b.WriteString("\tStatus: timeout")
	case failed != nil:
		b.WriteString("\tStatus: error\tError Type: " + failed.kind)
	default:
		b.WriteString("\t")
	}
	return b.String()
}

func millis(d time.Duration) string { return strconv.FormatFloat(d.Seconds()*1000, 'f', 2, 64) }

// replyWith is what the caller gets. What the runtime answered stands, even if it
// crashed afterwards.
func (inv *invocation) replyWith(got answer, failed *failure) engine.LambdaReply {
	reply := engine.LambdaReply{Payload: got.payload, Failed: got.failed, Version: latest}
	switch {
	case failed == timedOut && got.payload == nil:
		reply.Payload, reply.Failed = errorPayload(failed.kind, "RequestId: "+inv.id+" Error: "+inv.timeout()), true
	case failed != nil && got.payload == nil:
		reply.Payload, reply.Failed = failed.report(inv.id), true
	case len(got.payload) == 0:
		reply.Payload = []byte("null")
	}
	if inv.call.LogTail {
		reply.Log = inv.log.tail()
	}
	return reply
}
