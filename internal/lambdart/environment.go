package lambdart

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"time"
)

// memoryEvery is how often the memory of a working process is looked at.
const memoryEvery = 25 * time.Millisecond

// environment is one process of a function, with the Runtime API that it talks to.
type environment struct {
	api    *runtimeAPI
	server *http.Server
	served chan struct{} // closed when the server has ended
	out    *output
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone
	limit  int64         // of memory, bytes
	peak   atomic.Int64  // of memory, bytes; 0 where it cannot be seen
}

// start starts a process for a function. An error that is a *failure is one that
// Lambda would give the caller.
func start(p *pool, prog program, to target, env map[string]string, log *requestLog) (*environment, error) {
	out, err := newOutput(log)
	if err != nil {
		return nil, err
	}
	e := &environment{api: newRuntimeAPI(), out: out, served: make(chan struct{}), exited: make(chan struct{}), limit: int64(p.MemoryMB) << 20}
	address, err := e.serve()
	if err != nil {
		out.close()
		return nil, fmt.Errorf("listen for %s: %w", p.name, err)
	}
	for name, value := range setByLambda(p, prog, to, address) {
		env[name] = value
	}
	if err := e.exec(prog, env); err != nil {
		log.addf("%v", err)
		_ = e.server.Close()
		<-e.served
		out.close()
		return nil, err
	}
	return e, nil
}

// serve opens the Runtime API on a port of its own: a runtime finds it by host and
// port alone.
func (e *environment) serve() (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	e.server = &http.Server{Handler: e.api.handler(), ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		defer close(e.served)
		_ = e.server.Serve(l)
	}()
	return l.Addr().String(), nil
}

func (e *environment) exec(prog program, env map[string]string) error {
	e.cmd = exec.Command(prog.args[0], prog.args[1:]...)
	e.cmd.Dir = prog.root
	e.cmd.Stdout, e.cmd.Stderr = e.out.w, e.out.w
	e.cmd.SysProcAttr = processAttributes()
	e.cmd.Env = []string{}
	for name, value := range env {
		e.cmd.Env = append(e.cmd.Env, name+"="+value)
	}
	if err := e.cmd.Start(); err != nil {
		return entrypoint(prog, err)
	}
	go func() {
		defer close(e.exited)
		_ = e.cmd.Wait() // what it says is in ProcessState
		killGroup(e.cmd.Process)
	}()
	return nil
}

// entrypoint makes of a bootstrap that cannot be run what Lambda makes of it.
func entrypoint(prog program, err error) error {
	if !prog.custom {
		return err
	}
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist) && !exists(prog.args[0]):
		return &failure{kind: "Runtime.InvalidEntrypoint", message: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]", local: err}
	case errors.As(err, &at):
		return &failure{kind: "Runtime.InvalidEntrypoint", message: fmt.Sprintf("fork/exec /var/task/bootstrap: %v", at.Err), local: err}
	}
	return &failure{kind: "Runtime.InvalidEntrypoint", message: err.Error(), local: err}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// setByLambda are the variables that Lambda sets and functions cannot change.
func setByLambda(p *pool, prog program, to target, address string) map[string]string {
	var stream [16]byte
	_, _ = rand.Read(stream[:]) // never fails
	env := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          address,
		"_HANDLER":                        p.Handler,
		"LAMBDA_TASK_ROOT":                prog.root,
		"LAMBDA_RUNTIME_DIR":              prog.runtime,
		"AWS_REGION":                      to.region,
		"AWS_DEFAULT_REGION":              to.region,
		"AWS_LAMBDA_FUNCTION_NAME":        p.name,
		"AWS_LAMBDA_FUNCTION_VERSION":     latest,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(p.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + p.name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      time.Now().UTC().Format("2006/01/02") + "/[" + latest + "]" + hex.EncodeToString(stream[:]),
	}
	if !prog.custom {
		env["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + p.Runtime
	}
	return env
}

// alive tells whether the process is still there.
func (e *environment) alive() bool {
	select {
	case <-e.exited:
		return false
	default:
		return true
	}
}

// stop ends the process and all that it started, and waits for it.
func (e *environment) stop() {
	if e.alive() { // else its number may be another's by now
		killGroup(e.cmd.Process)
	}
	<-e.exited
	_ = e.server.Close()
	<-e.served
	e.out.close()
}

// checkMemory notes how much memory is in use, and whether that is too much.
func (e *environment) checkMemory() (tooMuch bool) {
	used := memoryUsed(e.cmd.Process.Pid)
	e.peak.Store(max(e.peak.Load(), used))
	return used > e.limit
}

// await waits for what the runtime is to do until it does, or fails to.
func await[T any](ctx context.Context, e *environment, until time.Time, wanted <-chan T) (T, *failure) {
	var none T
	timer, tick := time.NewTimer(time.Until(until)), time.NewTicker(memoryEvery)
	defer timer.Stop()
	defer tick.Stop()
	for {
		select {
		case got := <-wanted:
			return got, nil
		case a := <-e.api.initFail:
			return none, &failure{kind: a.errorType, payload: a.payload}
		case <-e.exited:
			return lastWords(e, wanted)
		case <-tick.C:
			if e.checkMemory() {
				return none, &failure{kind: "Runtime.OutOfMemory", message: "Runtime exited with error: signal: killed"}
			}
		case <-timer.C:
			return none, timedOut
		case <-ctx.Done():
			return none, shutDown
		}
	}
}

// lastWords returns what a process that is gone said before, or why it went.
func lastWords[T any](e *environment, wanted <-chan T) (T, *failure) {
	var none T
	select {
	case got := <-wanted:
		return got, nil
	case a := <-e.api.initFail:
		return none, &failure{kind: a.errorType, payload: a.payload}
	default:
		return none, e.exit()
	}
}

// exit says how the process ended.
func (e *environment) exit() *failure {
	message := "Runtime exited without providing a reason"
	if state := e.cmd.ProcessState; state != nil && !state.Success() {
		message = "Runtime exited with error: " + state.String()
	}
	return &failure{kind: "Runtime.ExitError", message: message}
}
