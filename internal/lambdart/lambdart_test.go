package lambdart_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/lambdart"
)

// built is where bootstrap put what it built.
var built string

// bootstrap builds testdata/go as it is built for Lambda, once.
var bootstrap = sync.OnceValues(func() (string, error) {
	var err error
	if built, err = os.MkdirTemp("", "lambdart-test-"); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", filepath.Join(built, "bootstrap"), "./testdata/go")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return built, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

func goFunction(t *testing.T) lambdart.Function {
	t.Helper()
	dir, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	return lambdart.Function{Runtime: "provided.al2023", Code: dir, Timeout: 20 * time.Second}
}

func pythonFunction(t *testing.T, handler string) lambdart.Function {
	t.Helper()
	need(t, "python3")
	return lambdart.Function{Runtime: "python3.13", Code: "testdata/python", Handler: handler, Timeout: 20 * time.Second}
}

func nodeFunction(t *testing.T, handler string) lambdart.Function {
	t.Helper()
	need(t, "node")
	return lambdart.Function{Runtime: "nodejs22.x", Code: "testdata/node", Handler: handler, Timeout: 20 * time.Second}
}

func need(t *testing.T, command string) {
	t.Helper()
	if _, err := exec.LookPath(command); err != nil {
		t.Skipf("NOT TESTED: no %s on this machine", command)
	}
}

// hostOf is a host with one function, f.
func hostOf(t *testing.T, f lambdart.Function) *lambdart.Host {
	t.Helper()
	h := &lambdart.Host{Functions: map[string]lambdart.Function{"f": f}}
	t.Cleanup(func() { closeHost(t, h) })
	return h
}

func closeHost(t *testing.T, h *lambdart.Host) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func invoke(t *testing.T, h *lambdart.Host, id, event string) engine.LambdaReply {
	t.Helper()
	reply, err := h.Invoke(t.Context(), call(id, event))
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func call(id, event string) engine.LambdaCall {
	return engine.LambdaCall{Function: "f", Payload: []byte(event), Task: &engine.Task{ID: id, StateMachine: "arn:aws:states:eu-west-1:123456789012:stateMachine:m"}}
}

func text(h *lambdart.Host, id string) string { return textOf(h, "f", id) }

func textOf(h *lambdart.Host, function, id string) string {
	var b strings.Builder
	for _, line := range h.Logs(function, id) {
		b.WriteString(line.Text + "\n")
	}
	return b.String()
}

// reported is how a function's failure reads, in whichever language.
type reported struct {
	Type    string  `json:"errorType"`
	Message string  `json:"errorMessage"`
	Request *string `json:"requestId"`
	Stack   []any   `json:"stackTrace"`
	Trace   []any   `json:"trace"`
}

func failure(t *testing.T, reply engine.LambdaReply) reported {
	t.Helper()
	var r reported
	if err := json.Unmarshal(reply.Payload, &r); err != nil || !reply.Failed {
		t.Fatalf("failed %v, payload %.300s (%v); want a failure", reply.Failed, reply.Payload, err)
	}
	return r
}

// outcome is one row: an event, and the answer or the failure that comes of it.
type outcome struct {
	name, event   string
	function      string // "" is f
	answer        string // JSON, or "" where it fails
	kind, message string // regular expressions of the failure
	log           string // regular expression
}

func (o outcome) check(t *testing.T, h *lambdart.Host) {
	t.Helper()
	c := call(o.name, o.event)
	c.Function = cmp.Or(o.function, c.Function)
	reply, err := h.Invoke(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if o.answer != "" {
		if string(reply.Payload) != o.answer || reply.Failed {
			t.Errorf("answered %.300s (failed %v), want %s", reply.Payload, reply.Failed, o.answer)
		}
	} else {
		got := failure(t, reply)
		if !matches(o.kind, got.Type) || !matches(o.message, got.Message) {
			t.Errorf("failed with %s: %s\nwant %s: %s", got.Type, got.Message, o.kind, o.message)
		}
	}
	if log := textOf(h, c.Function, o.name); !regexp.MustCompile(o.log).MatchString(log) {
		t.Errorf("log is\n%s\nwant %s in it", log, o.log)
	}
}

func matches(want, got string) bool {
	return regexp.MustCompile("^(?s:" + want + ")$").MatchString(got)
}

func check(t *testing.T, f lambdart.Function, rows []outcome) {
	h := hostOf(t, f)
	for _, o := range rows {
		t.Run(o.name, func(t *testing.T) { o.check(t, h) })
	}
}

func TestGo(t *testing.T) {
	check(t, goFunction(t), []outcome{
		{name: "echo", event: `{"do":"echo","value":{"b":1,"a":"é<"}}`, answer: `{"b":1,"a":"é<"}`},
		{name: "error", event: `{"do":"error"}`, kind: "errorString", message: "no luck", log: `"no luck"`},
		{name: "custom", event: `{"do":"custom"}`, kind: "CardDeclined", message: "card 1234 was declined"},
		{name: "panic", event: `{"do":"panic"}`, kind: "string", message: "at the disco", log: `Runtime exited with error: exit status 1\nRuntime.ExitError\nEND .*\nREPORT .*Status: error\tError Type: Runtime.ExitError`},
		{name: "after a panic", event: `{"do":"echo","value":1}`, answer: `1`, log: `Init Duration: `},
		{name: "exit", event: `{"do":"exit"}`, kind: `Runtime\.ExitError`, message: "RequestId: exit Error: Runtime exited with error: exit status 3", log: "last words"},
		{name: "log", event: `{"do":"log"}`, answer: "null", log: `START.*\nto stdout\nto stderr\nno end\nEND`},
		{name: "big", event: `{"do":"big","mb":7}`, kind: `Function\.ResponseSizeTooLarge`, message: `Response payload size exceeded maximum allowed payload size \(6291556 bytes\)\.`},
		{name: "large", event: `{"do":"echo","value":"` + strings.Repeat("y", 5<<20) + `"}`, answer: `"` + strings.Repeat("y", 5<<20) + `"`},
	})
}

func TestAPanicShowsItsStack(t *testing.T) {
	h := hostOf(t, goFunction(t))
	var got messages.InvokeResponse_Error
	if err := json.Unmarshal(invoke(t, h, "1", `{"do":"panic"}`).Payload, &got); err != nil || len(got.StackTrace) == 0 {
		t.Errorf("%+v, %v; want a stack trace", got, err)
	}
}

func TestPython(t *testing.T) {
	check(t, pythonFunction(t, "app.handler"), []outcome{
		{name: "echo", event: `{"do":"echo","value":{"b":1,"a":"é"}}`, answer: `{"b": 1, "a": "é"}`},
		{name: "error", event: `{"do":"error"}`, kind: "ValueError", message: "no luck", log: `(?s)\[ERROR\] ValueError: no luck\nTraceback \(most recent call last\):\n  File ".*app\.py", line \d+, in handler`},
		{name: "custom", event: `{"do":"custom"}`, kind: "CardDeclined", message: "card 1234 was declined"},
		{name: "missing key", event: `{}`, kind: "KeyError", message: "'do'"},
		{name: "not an object", event: `"text"`, kind: "TypeError", message: ".*"},
		{name: "date", event: `{"do":"date"}`, kind: `Runtime\.MarshalError`, message: "Unable to marshal response: Object of type datetime is not JSON serializable"},
		{name: "decimal", event: `{"do":"decimal"}`, answer: `[1.5, 7]`},
		{name: "log", event: `{"do":"log"}`, answer: "null", log: `START.*\nto stdout\nto stderr\n\[WARNING\]\t\S+Z\tlog\ta warning\nno end\nEND`},
		{name: "exit", event: `{"do":"exit"}`, kind: `Runtime\.ExitError`, message: "RequestId: exit Error: Runtime exited with error: exit status 1", log: "last words\nRequestId: exit Error: Runtime exited with error: exit status 1\nRuntime.ExitError\nEND"},
		{name: "exit well", event: `{"do":"exit_well"}`, kind: `Runtime\.ExitError`, message: "RequestId: exit well Error: Runtime exited without providing a reason"},
		{name: "big", event: `{"do":"big","mb":7}`, kind: `Function\.ResponseSizeTooLarge`, message: "Response payload size exceeded .*"},
		{name: "afterwards", event: `{"do":"echo","value":1}`, answer: "1", log: "Init Duration: "},
	})
}

func TestPythonReportsTheWholeShape(t *testing.T) {
	h := hostOf(t, pythonFunction(t, "app.handler"))
	reply := invoke(t, h, "id-1", `{"do":"error"}`)
	got := failure(t, reply)
	if got.Request == nil || *got.Request != "id-1" || len(got.Stack) != 2 ||
		!matches(`  File ".*app\.py", line \d+, in do_error\n    raise ValueError\("no luck"\)\n`, fmt.Sprint(got.Stack[1])) {
		t.Errorf("got %s", reply.Payload)
	}
	if order := regexp.MustCompile(`"(\w+)": ["\[]`).FindAllStringSubmatch(string(reply.Payload), -1); len(order) != 4 || order[0][1] != "errorMessage" || order[3][1] != "stackTrace" {
		t.Errorf("members in another order: %s", reply.Payload)
	}
}

func TestNode(t *testing.T) {
	check(t, nodeFunction(t, "index.handler"), []outcome{
		{name: "echo", event: `{"do":"echo","value":{"b":1,"a":"é"}}`, answer: `{"b":1,"a":"é"}`},
		{name: "nothing", event: `{"do":"echo"}`, answer: `null`},
		{name: "error", event: `{"do":"error"}`, kind: "TypeError", message: "no luck", log: `\terror\tERROR\tInvoke Error \t\{"errorType":"TypeError","errorMessage":"no luck","stack":\["TypeError: no luck","    at `},
		{name: "custom", event: `{"do":"custom"}`, kind: "CardDeclined", message: "card 1234 was declined"},
		{name: "string", event: `{"do":"string"}`, kind: "string", message: "just text"},
		{name: "missing", event: `{"do":"nothing known"}`, kind: "TypeError", message: ".* is not a function"},
		{name: "log", event: `{"do":"log"}`, answer: "null", log: `START.*\n\S+Z\tlog\tINFO\tto stdout \{ a: 1 \}\n\S+Z\tlog\tERROR\tto stderr\nEND`},
		{name: "uncaught", event: `{"do":"uncaught"}`, kind: "Error", message: "too late", log: `Runtime exited with error: exit status 129`},
		{name: "unhandled", event: `{"do":"unhandled"}`, kind: `Runtime\.UnhandledPromiseRejection`, message: "Error: nobody cares", log: `Runtime exited with error: exit status 128`},
		{name: "exit", event: `{"do":"exit"}`, kind: `Runtime\.ExitError`, message: "RequestId: exit Error: Runtime exited with error: exit status 4", log: "last words"},
		{name: "circular", event: `{"do":"circular"}`, kind: "Error", message: "Unable to stringify response body"},
		{name: "never", event: `{"do":"never"}`, kind: `Runtime\.NodeJsExit`, message: ".*never settled.*"},
		{name: "big", event: `{"do":"big","mb":7}`, kind: `Function\.ResponseSizeTooLarge`, message: "Response payload size exceeded .*"},
		{name: "afterwards", event: `{"do":"echo","value":1}`, answer: "1"},
	})
}

func TestNodeHandlers(t *testing.T) {
	h := hostOf(t, lambdart.Function{})
	for _, c := range []struct {
		code, handler string
		outcome
	}{
		{"testdata/node", "index.callback", outcome{name: "callback", event: `{"value":2}`, answer: `2`}},
		{"testdata/node", "index.callback", outcome{name: "callback fails", event: `{"fail":true}`, kind: "CardDeclined", message: "by callback"}},
		{"testdata/node", "index.hasty", outcome{name: "callback without waiting", event: `{}`, answer: `"done"`}},
		{"testdata/node", "index.sync", outcome{name: "thrown at once", event: `{}`, kind: "RangeError", message: "at once"}},
		{"testdata/node", "index.forgets", outcome{name: "no answer", event: `{}`, answer: `null`}},
		{"testdata/esm", "index.handler", outcome{name: "module", event: `{}`, answer: `42`}},
		{"testdata/esm", "index.box.inner", outcome{name: "nested", event: `{}`, answer: `"boxed"`}},
		{"testdata/esm", "fails.handler", outcome{name: "mjs", event: `{}`, kind: "SyntaxError", message: "from a module"}},
		{"testdata/esm", "lib/price.price", outcome{name: "in a folder", event: `21`, answer: `null`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := nodeFunction(t, c.handler)
			f.Code = c.code
			h.Functions[c.name] = f
			c.function = c.name
			c.check(t, h)
			c.check(t, h) // and again, warm
		})
	}
}

// Init failures: what the runtime reports, or what Lambda says of a process that ends.
func TestInitFails(t *testing.T) {
	h := hostOf(t, lambdart.Function{})
	for _, c := range []struct {
		make    func(*testing.T, string) lambdart.Function
		handler string
		outcome
	}{
		{pythonFunction, "gone.handler", outcome{name: "python module", kind: `Runtime\.ImportModuleError`, message: "Unable to import module 'gone': No module named 'gone'", log: `INIT_REPORT .*Status: error\tError Type: Runtime.ImportModuleError\nSTART`}},
		{pythonFunction, "bad_import.handler", outcome{name: "python import", kind: `Runtime\.ImportModuleError`, message: "Unable to import module 'bad_import': No module named 'not_there'"}},
		{pythonFunction, "bad_syntax.handler", outcome{name: "python syntax", kind: `Runtime\.UserCodeSyntaxError`, message: `Syntax error in module 'bad_syntax': .*\(bad_syntax\.py, line 1\)`}},
		{pythonFunction, "app.handle", outcome{name: "python handler", kind: `Runtime\.HandlerNotFound`, message: "Handler 'handle' missing on module 'app'"}},
		{pythonFunction, "init_raises.handler", outcome{name: "python raises", kind: "RuntimeError", message: "no configuration", log: `(?s)loading\n\[ERROR\] RuntimeError: no configuration.*REPORT .*Error Type: RuntimeError`}},
		{pythonFunction, "init_exits.handler", outcome{name: "python exits", kind: `Runtime\.ExitError`, message: "RequestId: python exits Error: Runtime exited with error: exit status 7"}},
		{nodeFunction, "gone.handler", outcome{name: "node module", kind: `Runtime\.ImportModuleError`, message: "Error: Cannot find module 'gone'\nRequire stack:.*"}},
		{nodeFunction, "bad_import.handler", outcome{name: "node import", kind: `Runtime\.ImportModuleError`, message: "Error: Cannot find module 'not-there'\nRequire stack:\n- .*bad_import.js.*"}},
		{nodeFunction, "bad_syntax.handler", outcome{name: "node syntax", kind: `Runtime\.UserCodeSyntaxError`, message: "SyntaxError: .*"}},
		{nodeFunction, "index.handle", outcome{name: "node handler", kind: `Runtime\.HandlerNotFound`, message: "index.handle is undefined or not exported"}},
		{nodeFunction, "index.notAFunction", outcome{name: "node number", kind: `Runtime\.HandlerNotFound`, message: "index.notAFunction is not a function"}},
		{nodeFunction, "init_raises.handler", outcome{name: "node raises", kind: "RangeError", message: "no configuration", log: `undefined\tERROR\tUncaught Exception \t`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.event, c.function = `{}`, c.name
			h.Functions[c.name] = c.make(t, c.handler)
			c.check(t, h)
		})
	}
}

func TestBootstrapsThatCannotStart(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("NOT TESTED: this machine has no executable bits")
	}
	for name, c := range map[string]struct {
		mode os.FileMode
		want string
	}{
		"missing":        {0, `Couldn't find valid bootstrap\(s\): \[/var/task/bootstrap /opt/bootstrap\]`},
		"not executable": {0o644, "fork/exec /var/task/bootstrap: permission denied"},
		"not a program":  {0o755, "fork/exec /var/task/bootstrap: exec format error"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.mode != 0 {
				if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("\x01\x02"), c.mode); err != nil {
					t.Fatal(err)
				}
			}
			h := hostOf(t, lambdart.Function{Runtime: "provided.al2023", Code: dir})
			outcome{name: "1", event: "{}", kind: `Runtime\.InvalidEntrypoint`, message: "RequestId: 1 Error: " + c.want, log: `REPORT .*Error Type: Runtime.InvalidEntrypoint`}.check(t, h)
		})
	}
}

func TestATimeoutEndsTheEnvironment(t *testing.T) {
	f := goFunction(t)
	f.Timeout = 1500 * time.Millisecond
	h := hostOf(t, f)
	before := contextOf(t, h, "before")
	outcome{
		name: "slow", event: `{"do":"sleep","seconds":30}`, kind: `Sandbox\.Timedout`, message: `RequestId: slow Error: Task timed out after 1\.50 seconds`,
		log: `going to sleep\n\S+Z slow Task timed out after 1\.50 seconds\nEND RequestId: slow\nREPORT RequestId: slow\tDuration: 1500.00 ms\tBilled Duration: 1500 ms\t.*Status: timeout\n$`,
	}.check(t, h)
	if after := contextOf(t, h, "after"); after.PID == before.PID || after.Calls != 1 {
		t.Errorf("process %d before, %d after; want another", before.PID, after.PID)
	}
}

type seen struct {
	PID, Calls                      int
	ID, ARN, Name, Region, TZ, Mine string
	Root, Home                      string
	Memory                          any
	Left                            float64
}

func contextOf(t *testing.T, h *lambdart.Host, id string) seen {
	t.Helper()
	var s seen
	if reply := invoke(t, h, id, `{"do":"context"}`); reply.Failed || json.Unmarshal(reply.Payload, &s) != nil {
		t.Fatalf("answered %s", reply.Payload)
	}
	return s
}

func TestWhatAFunctionIsTold(t *testing.T) {
	f := goFunction(t)
	f.Environment = map[string]string{"MINE": "yes", "TZ": "Asia/Tokyo"}
	h := &lambdart.Host{Functions: map[string]lambdart.Function{"f": f}, Environment: map[string]string{"MINE": "no"}}
	defer closeHost(t, h)
	got := contextOf(t, h, "id-1")
	if got.ID != "id-1" || got.ARN != "arn:aws:lambda:eu-west-1:123456789012:function:f" || got.Name != "f" || got.Region != "eu-west-1" ||
		fmt.Sprint(got.Memory) != "128" || got.Left <= 0 || got.Left > 20 || got.Mine != "yes" || got.TZ != "Asia/Tokyo" || got.Root != f.Code || got.Home != "" {
		t.Errorf("got %+v", got)
	}
}

func TestWarmStarts(t *testing.T) {
	for name, f := range map[string]func(*testing.T) lambdart.Function{
		"go": goFunction, "python": func(t *testing.T) lambdart.Function { return pythonFunction(t, "app.handler") },
		"node": func(t *testing.T) lambdart.Function { return nodeFunction(t, "index.handler") },
	} {
		t.Run(name, func(t *testing.T) {
			h := hostOf(t, f(t))
			first := contextOf(t, h, "1")
			invoke(t, h, "2", `{"do":"error"}`) // an error that is reported ends nothing
			if third := contextOf(t, h, "3"); third.PID != first.PID || third.Calls != 3 {
				t.Errorf("first %+v, third %+v; want the same process", first, third)
			}
			if log := text(h, "3"); strings.Contains(log, "Init Duration") || !strings.Contains(text(h, "1"), "Init Duration") {
				t.Errorf("a warm start logs %s", log)
			}
		})
	}
}

func TestMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: memory is watched on Linux only")
	}
	for name, f := range map[string]func(*testing.T) lambdart.Function{
		"go": goFunction, "python": func(t *testing.T) lambdart.Function { return pythonFunction(t, "app.handler") },
		"node": func(t *testing.T) lambdart.Function { return nodeFunction(t, "index.handler") },
	} {
		t.Run(name, func(t *testing.T) {
			h := hostOf(t, f(t))
			outcome{
				name: "1", event: `{"do":"hog","mb":300}`, kind: `Runtime\.OutOfMemory`, message: "RequestId: 1 Error: Runtime exited with error: signal: killed",
				log: `Memory Size: 128 MB\tMax Memory Used: 128 MB\t.*Status: error\tError Type: Runtime\.OutOfMemory`,
			}.check(t, h)
			outcome{name: "2", event: `{"do":"echo","value":1}`, answer: "1", log: `Max Memory Used: \d+ MB`}.check(t, h)
		})
	}
}

func TestASlowInitIsTriedAgain(t *testing.T) {
	f := pythonFunction(t, "init_slow.handler")
	f.Environment = map[string]string{"MARK": filepath.Join(t.TempDir(), "mark")}
	h := &lambdart.Host{Functions: map[string]lambdart.Function{"f": f}, InitLimit: 4 * time.Second}
	defer closeHost(t, h)
	outcome{name: "1", event: "{}", answer: `"at last"`, log: `INIT_REPORT .*Phase: init\tStatus: timeout\nSTART`}.check(t, h)
}

func TestAnInitThatNeverEndsTimesOut(t *testing.T) {
	f := pythonFunction(t, "init_slow.handler")
	f.Environment = map[string]string{"MARK": filepath.Join(t.TempDir(), "mark"), "ALWAYS": "1"}
	f.Timeout = time.Second
	h := &lambdart.Host{Functions: map[string]lambdart.Function{"f": f}, InitLimit: time.Second}
	defer closeHost(t, h)
	outcome{name: "1", event: "{}", kind: `Sandbox\.Timedout`, message: `.*Task timed out after 1\.00 seconds`, log: `Phase: init\tStatus: timeout\nINIT_REPORT .*Phase: invoke\tStatus: timeout\nSTART`}.check(t, h)
}

func TestConcurrency(t *testing.T) {
	f := goFunction(t)
	f.Concurrency = 2
	h := hostOf(t, f)
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			if reply, err := h.Invoke(t.Context(), call(fmt.Sprint(i), `{"do":"sleep","seconds":2}`)); err != nil || string(reply.Payload) != `"rested"` {
				t.Errorf("%s, %v", reply.Payload, err)
			}
		})
	}
	waitFor(t, func() bool {
		return strings.Contains(text(h, "0"), "to sleep") && strings.Contains(text(h, "1"), "to sleep")
	})
	_, err := h.Invoke(t.Context(), call("third", `{}`))
	var refused *engine.TaskError
	if !errors.As(err, &refused) || *refused.Name != "Lambda.TooManyRequestsException" || !strings.HasPrefix(*refused.Cause, "Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: third;") {
		t.Errorf("a third call got %v", err)
	}
	all.Wait()
	if s := contextOf(t, h, "later"); s.Calls != 2 {
		t.Errorf("call %d of its process, want a warm one", s.Calls)
	}
}

func waitFor(t *testing.T, what func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !what(); {
		if time.Now().After(deadline) {
			t.Fatal("waited for too long")
		}
		runtime.Gosched()
		time.Sleep(5 * time.Millisecond)
	}
}

func TestManyAtOnce(t *testing.T) {
	f := goFunction(t)
	f.Concurrency = 4
	h := hostOf(t, f)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 25 {
				id := fmt.Sprintf("%d-%d", i, j)
				reply, err := h.Invoke(t.Context(), call(id, `{"do":"log"}`))
				if log := text(h, id); err != nil || reply.Failed || strings.Count(log, "to stdout") != 1 || strings.Count(log, "no end") != 1 {
					t.Errorf("%s: %v %s\n%s", id, err, reply.Payload, log)
				}
			}
		})
	}
	all.Wait()
}

func TestTheFunctionRunsOnWhenItsCallerGoes(t *testing.T) {
	h := hostOf(t, goFunction(t))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		waitFor(t, func() bool { return strings.Contains(text(h, "1"), "going to sleep") })
		cancel()
	}()
	began := time.Now()
	if _, err := h.Invoke(ctx, call("1", `{"do":"sleep","seconds":1}`)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if time.Since(began) > 20*time.Second {
		t.Error("the caller had to wait")
	}
	waitFor(t, func() bool { return strings.Contains(text(h, "1"), "REPORT") })
	if _, err := h.Invoke(ctx, call("2", `{}`)); !errors.Is(err, context.Canceled) {
		t.Errorf("a call with a context that has ended got %v", err)
	}
}

func TestCloseWhileRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	h := hostOf(t, pythonFunction(t, "app.handler"))
	idle := contextOf(t, h, "0").PID
	var child int
	if err := json.Unmarshal(invoke(t, h, "child", `{"do":"child"}`).Payload, &child); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	for _, id := range []string{"1", "2"} {
		go func() {
			_, err := h.Invoke(context.Background(), call(id, `{"do":"sleep","seconds":60}`))
			ended <- err
		}()
	}
	waitFor(t, func() bool {
		return strings.Contains(text(h, "1"), "to sleep") && strings.Contains(text(h, "2"), "to sleep")
	})
	closeHost(t, h)
	for range 2 {
		if err := <-ended; !errors.Is(err, lambdart.ErrClosed) {
			t.Errorf("a call under way got %v", err)
		}
	}
	if _, err := h.Invoke(t.Context(), call("3", `{}`)); !errors.Is(err, lambdart.ErrClosed) {
		t.Errorf("a call after Close got %v", err)
	}
	waitFor(t, func() bool { return gone(idle) && gone(child) })
	waitFor(t, func() bool { return runtime.NumGoroutine() <= before })
}

// gone tells whether a process has ended; a zombie has.
func gone(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

func TestCloseTwiceAndUnused(t *testing.T) {
	h := &lambdart.Host{}
	closeHost(t, h)
	closeHost(t, h)
	if _, err := new(lambdart.Host).Invoke(t.Context(), call("1", `{}`)); !errors.Is(err, engine.ErrNoFunction) {
		t.Errorf("the zero host answered %v", err)
	}
}

func TestEventsRunInTheBackground(t *testing.T) {
	f := goFunction(t)
	f.Concurrency = 1
	h := hostOf(t, f)
	for _, id := range []string{"1", "2", "3"} {
		c := call(id, `{"do":"log"}`)
		c.Event = true
		if _, err := h.Invoke(t.Context(), c); err != nil {
			t.Error(err)
		}
	}
	for _, id := range []string{"1", "2", "3"} {
		waitFor(t, func() bool { return strings.Contains(text(h, id), "REPORT") })
	}
}

func TestLogs(t *testing.T) {
	h := hostOf(t, goFunction(t))
	began := time.Now()
	c := call("1", `{"do":"log"}`)
	c.LogTail = true
	reply, err := h.Invoke(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	tail, err := base64.StdEncoding.DecodeString(reply.Log)
	if err != nil || string(tail) != text(h, "1") || !strings.HasPrefix(string(tail), "INIT_START Runtime Version: provided.al2023\nstarting\nSTART RequestId: 1 Version: $LATEST\n") {
		t.Errorf("tail %q (%v), log %q", tail, err, text(h, "1"))
	}
	between := time.Now()
	invoke(t, h, "2", `{"do":"log"}`)
	first, second := h.LogsBetween("f", began, between), h.LogsBetween("f", between, time.Now())
	if len(first) == 0 || len(second) == 0 || first[0].RequestID != "1" || second[0].RequestID != "2" || len(first)+len(second) != len(h.Logs("f", "")) {
		t.Errorf("by time: %v and %v", first, second)
	}
	if !slices.Equal(h.Logs("arn:aws:lambda:eu-west-1:123456789012:function:f:live", "2"), second) || h.Logs("g", "") != nil {
		t.Error("a log is found by another name than its function's, or not by its ARN")
	}
}

// Of too much said, the end is held; of too many requests, the latest.
func TestLogsAreBounded(t *testing.T) {
	h := hostOf(t, goFunction(t))
	invoke(t, h, "chatter", `{"do":"chatter","mb":2}`)
	log := text(h, "chatter")
	if len(log) > 300<<10 || !matches(`\[\d+ earlier lines of this request are not held\].*\n2047 \.{1000}\nEND .*\nREPORT .*`, log) {
		t.Errorf("%d bytes of log: %.200s … %s", len(log), log, log[max(0, len(log)-300):])
	}
	invoke(t, h, "line", `{"do":"one line","mb":1}`)
	for _, line := range h.Logs("f", "line") {
		if len(line.Text) > 300<<10 {
			t.Errorf("a line of %d bytes", len(line.Text))
		}
	}
	for i := range 100 {
		invoke(t, h, fmt.Sprint(i), `{"do":"chatter","mb":1}`)
	}
	total := 0
	for _, line := range h.Logs("f", "") {
		total += len(line.Text)
	}
	if total > 16<<20 || total < 8<<20 || text(h, "chatter") != "" || text(h, "99") == "" {
		t.Errorf("%d bytes are held in all", total)
	}
}

func TestCallsThatLambdaRefuses(t *testing.T) {
	h := hostOf(t, goFunction(t))
	for event, want := range map[string]string{
		`{"a":`:                                "Lambda.InvalidRequestContentException",
		`"` + strings.Repeat("x", 6<<20) + `"`: "Lambda.RequestTooLargeException",
	} {
		_, err := h.Invoke(t.Context(), call("1", event))
		var refused *engine.TaskError
		if !errors.As(err, &refused) || *refused.Name != want {
			t.Errorf("%.20s: got %v, want %s", event, err, want)
		}
	}
}

func TestAProcessIsFoundByItsRequest(t *testing.T) {
	h := hostOf(t, goFunction(t))
	replies := make(chan engine.LambdaReply, 1)
	go func() {
		reply, _ := h.Invoke(context.WithoutCancel(t.Context()), call("1", `{"do":"sleep","seconds":15}`))
		replies <- reply
	}()
	until(t, func() bool { return strings.Contains(text(h, "1"), "going to sleep") })
	if h.Process("f", "2") != nil || h.Process("g", "1") != nil {
		t.Error("there is a process of a request that is not there")
	}
	p := h.Process("arn:aws:lambda:us-east-1:123456789012:function:f", "1")
	if p == nil {
		t.Fatal("the process was not found")
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := failure(t, <-replies); got.Type != "Runtime.ExitError" || !strings.Contains(got.Message, "signal: killed") {
		t.Errorf("failed with %s: %s", got.Type, got.Message)
	}
	if h.Process("f", "1") != nil {
		t.Error("it is still found when it is gone")
	}
	if invoke(t, h, "3", `{"do":"echo","value":1}`); h.Process("f", "3") != nil {
		t.Error("it is still found when its request is answered")
	}
}

// until waits for what is bound to come.
func until(t *testing.T, come func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for end := time.After(10 * time.Second); !come(); {
		select {
		case <-ticker.C:
		case <-end:
			t.Fatal("it did not come within 10 s")
		}
	}
}
