package functions_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/functions"
)

// folder writes files and returns the path of a functions file among them.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "functions.json")
}

// A retry of a real function, whose process is warm the second time.
func TestAProcess(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("NOT TESTED: no python3 on this machine")
	}
	file := folder(t, map[string]string{"src/app.py": `
calls = 0
class Busy(Exception): pass
def handler(event, context):
    global calls
    calls += 1
    print("call", calls)
    if calls < 3: raise Busy("try again")
    return {"got": event, "calls": calls}
`})
	set, err := functions.Parse(file, []byte(`{"f": {"type": "process", "runtime": "python3.13", "code": "src", "handler": "app.handler", "timeoutSeconds": 30}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	}()
	m, err := asl.Parse("", []byte(machine))
	if err != nil {
		t.Fatal(err)
	}
	e := engine.Engine{Tasks: engine.LambdaHandler{Invoke: set.Invoke}, Clock: engine.VirtualClock(engineStart)}
	x, err := e.Run(t.Context(), m, []byte(`{"a": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := x.Output.String(); x.Status != history.Succeeded || got != `{"got":{"a":1},"calls":3}` {
		t.Errorf("%s with %s", x.Status, got)
	}
	lines := set.Logs("f", "")
	var said []string
	for _, line := range lines {
		if strings.HasPrefix(line.Text, "call ") {
			said = append(said, line.Text)
		}
	}
	if strings.Join(said, ",") != "call 1,call 2,call 3" || len(set.LogsBetween("f", lines[0].Time, lines[len(lines)-1].Time)) != len(lines) {
		t.Errorf("logged %v", said)
	}
}

// One process may stand for every function, and for another service, too.
func TestAProcessForEveryName(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("NOT TESTED: no python3 on this machine")
	}
	file := folder(t, map[string]string{"app.py": "def handler(event, context): return {'name': context.function_name}\n"})
	const process = `{"type": "process", "runtime": "python3.13", "code": ".", "handler": "app.handler", "timeoutSeconds": 30}`
	set, err := functions.Parse(file, []byte(`{"*": `+process+`, "arn:aws:states:::dynamodb:getItem": `+process+`}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	}()
	m, err := asl.Parse("", []byte(`{"StartAt": "A", "States": {
		"A": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:some", "ResultPath": "$.a", "Next": "B"},
		"B": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": {"TableName": "t", "Key": {}}, "ResultPath": "$.b", "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	tasks := engine.TaskMux{"arn:aws:lambda": engine.LambdaHandler{Invoke: set.Invoke}, "arn:aws:states:::dynamodb": set}
	e := engine.Engine{Tasks: tasks, Clock: engine.VirtualClock(engineStart)}
	x, err := e.Run(t.Context(), m, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := x.Output.String(); got != `{"a":{"name":"some"},"b":{"name":"getItem"}}` {
		t.Errorf("%s with %s", x.Status, got)
	}
	if len(set.Logs("some", "")) == 0 {
		t.Error("no log under the name it was called by")
	}
}

func TestBadProcessesSayWhere(t *testing.T) {
	file := folder(t, map[string]string{"src/app.py": "", "app.py": ""})
	good := `"runtime": "python3.13", "code": "src", "handler": "a.b"`
	for process, want := range map[string]string{
		`"code": "src", "handler": "a.b"`:                             ":1:7: a process needs its runtime",
		`"runtime": "python3.13"`:                                     ":1:7: a process needs its code",
		`"runtime": "python3.13", "code": "src"`:                      ":1:7: the runtime python3.13 needs a handler such as app.handler",
		`"runtime": "python2.7", "code": "src", "handler": "a.b"`:     `:1:38: no such runtime: "python2.7"; it is one of`,
		`"runtime": "python3.13", "code": "gone", "handler": "a.b"`:   "gone",
		`"runtime": "python3.13", "code": "app.py", "handler": "a.b"`: "neither a folder nor a .zip file",
		`"runtime": "python3.13", "code": 1, "handler": "a.b"`:        "code is a string",
		good + `, "value": 1`:                                         `"value" does not go with the type "process"`,
		good + `, "timeoutSeconds": 0`:                                "timeoutSeconds is more than 0 and at most 900",
		good + `, "timeoutSeconds": 901`:                              "at most 900",
		good + `, "memoryMB": 64`:                                     "memory is 128 to 10240 MB",
		good + `, "memoryMB": 128.5`:                                  "whole number",
		good + `, "concurrency": 0`:                                   "whole number of at least 1",
		good + `, "environment": []`:                                  "environment is an object",
		good + `, "environment": {"A": 1}`:                            "an environment variable is a string",
		good + `, "environment": {"AWS_LAMBDA_X": "1"}`:               "AWS_LAMBDA_X is set by Lambda",
		good + `, "environment": {"A=B": "1"}`:                        `"A=B" cannot be an environment variable`,
		good + `, "environment": {"B": "", "_HANDLER": ""}`:           ":1:",
	} {
		_, err := functions.Parse(file, []byte(`{"f": {"type": "process", `+process+`}}`))
		if err == nil || !strings.HasPrefix(err.Error(), file+":1:") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %q in it", process, err, want)
		}
	}
}
