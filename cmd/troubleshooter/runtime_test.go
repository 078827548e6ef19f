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
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/deploy"
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
// machine, and has it answer its first event.
func TestTheFunctionStartsUnderTheRuntimeAPI(t *testing.T) {
	took, rss := coldStart(t, build(t), offline, nowhere)
	t.Logf("cold start to the first answer: %v; resident %d kB", took, rss)
}

// TestMeasure prints what a cold start takes, beside what it is to take at most. It
// fails for no figure: those of a busy machine prove nothing.
func TestMeasure(t *testing.T) {
	if os.Getenv("STEPSLEUTH_MEASURE") == "" {
		t.Skip("SKIPPED: it measures; make measure-troubleshooter")
	}
	bootstrap := build(t)
	coldStart(t, bootstrap, offline, nowhere) // has the file read
	const starts = 41
	var times []time.Duration
	var memory []int
	for range starts {
		took, rss := coldStart(t, bootstrap, offline, nowhere)
		times, memory = append(times, took), append(memory, rss)
	}
	slices.Sort(times)
	slices.Sort(memory)
	program, err := os.ReadFile(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	files, err := deploy.Package(map[string][]byte{runtime.GOARCH: program})
	if err != nil {
		t.Fatal(err)
	}
	zipped := files["stepsleuth-troubleshooter-"+runtime.GOARCH+".zip"]
	aws := httptest.NewServer(new(largeHistory))
	defer aws.Close()
	_, large := coldStart(t, bootstrap, ofLarge, aws.URL)
	figure := func(what string, got, target float64, unit, how string) {
		verdict := "ok"
		if got > target {
			verdict = "OVER"
		}
		fmt.Printf("%-34s %7.1f %-2s  target %5.0f %-2s  %-4s  %s\n", what, got, unit, target, unit, verdict, how)
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	figure("cold start to the first answer", ms(times[starts/2]), 30, "ms", fmt.Sprintf("median of %d starts, %.1f to %.1f ms, offline", starts, ms(times[0]), ms(times[starts-1])))
	figure("zip", float64(len(zipped))/1e6, 8, "MB", fmt.Sprintf("linux/%s, %.1f MB unpacked", runtime.GOARCH, float64(len(program))/1e6))
	figure("peak memory, first answer", float64(memory[starts/2])/1024, 128, "MB", "median of the same starts")
	figure("peak memory, 25,000 large events", float64(large)/1024, 128, "MB", "one start")
}

// nowhere is an endpoint at which nobody listens.
const nowhere = "http://127.0.0.1:1"

// offline is an event of an execution in no region's API: it is answered with what it says.
const offline = `{"executionArn":"offline","state":"Charge","failure":{"Error":"KeyError","Cause":"{\"errorMessage\":\"'currency'\",\"errorType\":\"KeyError\",\"stackTrace\":[\"  File \\\"/var/task/app.py\\\", line 7, in handler\\n\"]}"}}`

func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: -short")
	}
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", bootstrap, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bootstrap
}

// TestALargeHistoryFitsIntoTheSmallestFunction reads backwards through 25,000 events with
// large payloads, which no early stop spares it.
func TestALargeHistoryFitsIntoTheSmallestFunction(t *testing.T) {
	bootstrap := build(t)
	history := new(largeHistory)
	aws := httptest.NewServer(history)
	defer aws.Close()
	took, rss := coldStart(t, bootstrap, ofLarge, aws.URL)
	served := history.served.Load()
	t.Logf("%d events of 20 KiB read in %v, resident %d kB", served, took, rss)
	if served < 100 || rss > 128<<10 {
		t.Errorf("%d events took %d kB", served, rss)
	}
}

// ofLarge is an event of the execution that largeHistory has.
var ofLarge = strings.Replace(offline, `"offline"`, `"arn:aws:states:us-east-1:123456789012:execution:order:large"`, 1)

// largeHistory is the API of Step Functions for one execution of 25,000 large events.
type largeHistory struct{ served atomic.Int64 }

func (h *largeHistory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if operation != "GetExecutionHistory" {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"executionArn":"arn:aws:states:us-east-1:123456789012:execution:order:large","stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:order","name":"order","status":"RUNNING","startDate":1.7e9,"definition":"{}"}`)
		return
	}
	var in struct {
		MaxResults int
		NextToken  string
	}
	json.NewDecoder(r.Body).Decode(&in)
	at := 25_000
	fmt.Sscan(in.NextToken, &at)
	fmt.Fprint(w, `{"events":[`)
	payload := strings.Repeat("x", 20<<10)
	for i := range in.MaxResults {
		id := at - i
		if i > 0 {
			fmt.Fprint(w, ",")
		}
		if id == 25_000 {
			fmt.Fprintf(w, `{"id":%d,"previousEventId":%d,"timestamp":1.7e9,"type":"TaskStateExited","stateExitedEventDetails":{"name":"Charge","output":"{}"}}`, id, id-1)
		} else {
			fmt.Fprintf(w, `{"id":%d,"previousEventId":%d,"timestamp":1.7e9,"type":"PassStateEntered","stateEnteredEventDetails":{"name":"Again","input":"\"%s\""}}`, id, id-1, payload)
		}
		h.served.Add(1)
	}
	fmt.Fprintf(w, `],"nextToken":"%d"}`, at-in.MaxResults)
}

// coldStart starts the function, gives it one event, and returns how long it took to the
// answer and the most memory that it had, in kB.
func coldStart(t *testing.T, bootstrap, event, endpoint string) (time.Duration, int) {
	t.Helper()
	api := &runtimeAPI{events: make(chan string, 1), answers: make(chan string, 1)}
	srv := httptest.NewServer(api)
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, bootstrap)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + srv.Listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=stepsleuth", "_HANDLER=bootstrap", "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_ENDPOINT_URL=" + endpoint, "AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true",
		"HOME=" + t.TempDir(), "STEPSLEUTH_TOPIC_ARN=" + topic, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
	}
	api.events <- event
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
	return 0, 0
}

// resident is the most memory that the process had in kB, as Linux tells it; 0 elsewhere.
func resident(pid int) int {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); name == "VmHWM" {
			kB := 0
			fmt.Sscan(value, &kB)
			return kB
		}
	}
	return 0
}
