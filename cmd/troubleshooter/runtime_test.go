package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// runtimeAPI is Lambda's Runtime API for one function: events in, answers out.
type runtimeAPI struct {
	events  chan string
	answers chan string
}

func (r *runtimeAPI) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	const base = "/2018-06-01/runtime/"
	switch path := strings.TrimPrefix(req.URL.Path, base); {
	case path == "invocation/next":
		select {
		case e := <-r.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8f507cfc-0001-4697-b07a-ac58fc914c95")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:stepsleuth")
			io.WriteString(w, e)
		case <-req.Context().Done():
		}
	default:
		body, _ := io.ReadAll(req.Body)
		w.WriteHeader(http.StatusAccepted)
		r.answers <- path[strings.LastIndexByte(path, '/')+1:] + " " + string(body)
	}
}

// TestTheFunctionStartsUnderTheRuntimeAPI builds the function as it is deployed, for this
// machine, and prints how long a cold start takes to the first answer.
func TestTheFunctionStartsUnderTheRuntimeAPI(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short")
	}
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", bootstrap, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var times []time.Duration
	var memory string
	for range 5 {
		took, rss := coldStart(t, bootstrap)
		times, memory = append(times, took), rss
	}
	slices.Sort(times)
	info, _ := os.Stat(bootstrap)
	t.Logf("cold start to the first answer: best %v, median %v; resident %s; %d bytes", times[0], times[len(times)/2], memory, info.Size())
}

func coldStart(t *testing.T, bootstrap string) (time.Duration, string) {
	t.Helper()
	api := &runtimeAPI{events: make(chan string, 1), answers: make(chan string, 1)}
	srv := httptest.NewServer(api)
	defer srv.Close()
	// Nobody listens there, and the SDK is not to try for long.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, bootstrap)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + srv.Listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=stepsleuth", "_HANDLER=bootstrap", "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true",
		"HOME=" + t.TempDir(), "STEPSLEUTH_TOPIC_ARN=" + topic, "GOMEMLIMIT=96MiB",
	}
	// An event of an execution in no region's API: it is answered with what it says.
	api.events <- `{"executionArn":"offline","state":"Charge","failure":{"Error":"KeyError","Cause":"{\"errorMessage\":\"'currency'\",\"errorType\":\"KeyError\",\"stackTrace\":[\"  File \\\"/var/task/app.py\\\", line 7, in handler\\n\"]}"}}`
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = cmd.Wait()
	}()
	select {
	case got := <-api.answers:
		took := time.Since(began)
		kind, body, _ := strings.Cut(got, " ")
		var a answer
		if err := json.Unmarshal([]byte(body), &a); kind != "response" || err != nil || !strings.Contains(a.Mail.Text, "KeyError") {
			t.Errorf("%s, %v", got, err)
		}
		return took, resident(cmd.Process.Pid)
	case <-time.After(30 * time.Second):
		t.Fatalf("no answer within 30 s\n%s", out.String())
	}
	return 0, ""
}

// resident is the most memory that the process had, as Linux tells it.
func resident(pid int) string {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); name == "VmHWM" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
