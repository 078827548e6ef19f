package lambdart

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Function is a function's configuration.
type Function struct {
	Runtime     string        // provided.al2023, provided.al2, python3.x or nodejsN.x
	Code        string        // folder, or .zip file
	Handler     string        // module.function; a custom runtime may do without
	Timeout     time.Duration // at most 15 minutes; 0 is Lambda's 3 s
	MemoryMB    int           // 128 to 10240; 0 is 128
	Environment map[string]string
	Concurrency int // how many processes at once; 0 is 10
}

// What a function gets that does not say.
const (
	defaultTimeout     = 3 * time.Second
	defaultMemoryMB    = 128
	defaultConcurrency = 10
)

// Problem says what is wrong with one field of a Function.
type Problem struct {
	Field string // as Function names it
	Key   string // of Environment
	Text  string
}

func (p *Problem) Error() string { return p.Text }

// Check says why Lambda would not take the function, or why it cannot run here: the
// error is a *Problem.
func (f Function) Check() error {
	lang, err := languageOf(f.Runtime)
	switch {
	case err != nil:
		return &Problem{Field: "Runtime", Text: err.Error()}
	case lang != custom && !strings.Contains(f.Handler, "."):
		return &Problem{Field: "Handler", Text: fmt.Sprintf("the runtime %s needs a handler such as app.handler", f.Runtime)}
	case f.Timeout < 0 || f.Timeout > 15*time.Minute:
		return &Problem{Field: "Timeout", Text: "a time-out is more than 0 and at most 900 seconds"}
	case f.MemoryMB != 0 && (f.MemoryMB < 128 || f.MemoryMB > 10240):
		return &Problem{Field: "MemoryMB", Text: "memory is 128 to 10240 MB"}
	case f.Concurrency < 0:
		return &Problem{Field: "Concurrency", Text: "concurrency is at least 1"}
	}
	if err := f.checkEnvironment(); err != nil {
		return err
	}
	return f.checkCode()
}

func (f Function) checkCode() error {
	info, err := os.Stat(f.Code)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &Problem{Field: "Code", Text: fmt.Sprintf("no folder or .zip file %s", f.Code)}
	case err != nil:
		return &Problem{Field: "Code", Text: err.Error()}
	case !info.IsDir() && !strings.HasSuffix(strings.ToLower(f.Code), ".zip"):
		return &Problem{Field: "Code", Text: fmt.Sprintf("%s is neither a folder nor a .zip file", f.Code)}
	}
	return nil
}

// reserved are variables that Lambda does not let a function set.
var reserved = []string{"_HANDLER", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"}

func (f Function) checkEnvironment() error {
	for key := range f.Environment {
		if slices.Contains(reserved, key) || strings.HasPrefix(key, "AWS_LAMBDA_") {
			return &Problem{Field: "Environment", Key: key, Text: fmt.Sprintf("%s is set by Lambda and cannot be given", key)}
		}
		if key == "" || strings.ContainsAny(key, "=\x00") || strings.Contains(f.Environment[key], "\x00") {
			return &Problem{Field: "Environment", Key: key, Text: fmt.Sprintf("%q cannot be an environment variable", key)}
		}
	}
	return nil
}

// withDefaults fills in what is not said.
func (f Function) withDefaults() Function {
	if f.Timeout == 0 {
		f.Timeout = defaultTimeout
	}
	if f.MemoryMB == 0 {
		f.MemoryMB = defaultMemoryMB
	}
	if f.Concurrency == 0 {
		f.Concurrency = defaultConcurrency
	}
	return f
}

// pool holds the environments of one function.
type pool struct {
	Function
	name    string
	slots   chan struct{} // one for each call under way
	program func() (program, error)

	mu   sync.Mutex
	idle []*environment          // the warmest last
	at   map[*environment]string // the request that each one works on
}

func newPool(h *Host, name string, f Function) *pool {
	f = f.withDefaults()
	return &pool{
		Function: f, name: name, slots: make(chan struct{}, f.Concurrency),
		program: sync.OnceValues(func() (program, error) { return h.prepare(f) }),
	}
}

// take takes a slot if one is free.
func (p *pool) take() bool {
	select {
	case p.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p *pool) release() { <-p.slots }

// warm returns an environment that waits for a call, or nil.
func (p *pool) warm() *environment {
	for {
		p.mu.Lock()
		if len(p.idle) == 0 {
			p.mu.Unlock()
			return nil
		}
		last := len(p.idle) - 1
		e := p.idle[last]
		p.idle = p.idle[:last]
		p.mu.Unlock()
		if e.alive() {
			return e
		}
		e.stop()
	}
}

func (p *pool) keep(e *environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, e)
	p.idle = append(p.idle, e)
}

// working notes which request an environment works on; "" none any more.
func (p *pool) working(e *environment, requestID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if requestID == "" {
		delete(p.at, e)
		return
	}
	if p.at == nil {
		p.at = make(map[*environment]string)
	}
	p.at[e] = requestID
}

// process returns the environment that works on a request, or nil.
func (p *pool) process(requestID string) *environment {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e, id := range p.at {
		if id == requestID && e.alive() {
			return e
		}
	}
	return nil
}

func (p *pool) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.idle {
		e.stop()
	}
	p.idle = nil
}
