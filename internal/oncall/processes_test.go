package oncall_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/store"
)

// stormShare, where it is set ("2/4"), makes TestOneShareOfAStorm a process that meets
// every fourth failure from the second on, and its catch and its event alike.
const stormShare = "STEPSLEUTH_TEST_STORM_SHARE"

// A storm that several processes meet at once is one question, one mail, and a digest,
// also where each failure comes by the catch and by the event, and with the failure of
// the execution that had started it.
func TestAStormThatProcessesShare(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out the storm of several processes")
	}
	const processes = 4
	dir := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	asked := 0
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() {
			c := exec.Command(program, "-test.run=^TestOneShareOfAStorm$", "-test.v")
			c.Env = append(os.Environ(), fmt.Sprintf("%s=%d/%d", stormShare, i, processes), "STEPSLEUTH_TEST_STORM_FOLDER="+dir)
			out, err := c.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			_, count, _ := strings.Cut(string(out), "questions: ")
			n, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(count, "\n", 2)[0]))
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			mu.Lock()
			defer mu.Unlock()
			asked += n
		})
	}
	wg.Wait()
	if asked != 1 {
		t.Errorf("the model was asked %d times", asked)
	}
	if n := len(mails(t, dir)); n != 1 {
		t.Fatalf("%d mails", n)
	}
	o := stormOffice(t, dir)
	if _, err := o.Digest(context.Background(), noon.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	all := mails(t, dir)
	if len(all) != 2 {
		t.Fatalf("%d mails, want the digest besides", len(all))
	}
	digest := all[0] + all[1]
	for _, want := range []string{fmt.Sprintf("%dx  ", storm-1), fmt.Sprintf("%d in all since 2026-11-22 12:00 UTC", storm)} {
		if !strings.Contains(digest, want) {
			t.Errorf("the digest does not say %q:\n%s", want, digest)
		}
	}
}

// stormOffice is an office whose book and mails are in a folder.
func stormOffice(t *testing.T, dir string) *office {
	o := newOffice(nil)
	o.Incidents = database(t, filepath.Join(dir, "incidents.db"), store.Policy{}, o.Redact)
	o.Notify = notify.Outbox{Dir: filepath.Join(dir, "outbox")}
	return o
}

func mails(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "outbox", "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

// TestOneShareOfAStorm is one of the processes of the test above.
func TestOneShareOfAStorm(t *testing.T) {
	var share, shares int
	if _, err := fmt.Sscanf(os.Getenv(stormShare), "%d/%d", &share, &shares); err != nil {
		t.Skip("it is a process of TestAStormThatProcessesShare")
	}
	o := stormOffice(t, os.Getenv("STEPSLEUTH_TEST_STORM_FOLDER"))
	events := execution(t, "run", "KeyError", cause).Events()
	for n := share; n < storm; n += shares {
		at := noon.Add(time.Duration(n) * time.Millisecond)
		name := fmt.Sprint("run-", n)
		x := &history.Execution{ARN: runARN + name, StateMachineARN: machineARN, Status: history.Failed}
		x.SetEvents(events)
		calls := []*diagnose.Case{diagnose.NewCase(nil, x)}
		if n%5 == 0 { // the event of its end, whose history could not be had
			calls = append(calls, endOf(t, x))
		}
		if n%7 == 0 { // and the execution that had started it
			nested := fmt.Sprintf("%q", fmt.Sprintf(`{"ExecutionArn":%q,"StateMachineArn":%q,"Status":"FAILED","Error":"KeyError","Cause":"x"}`, x.ARN, machineARN))
			calls = append(calls, diagnose.NewCase(nil, execution(t, "parent-"+name, "States.TaskFailed", nested)))
		}
		for _, c := range calls {
			o.respondTo(t, c, at)
		}
	}
	fmt.Printf("questions: %d\n", o.model.asked.Load())
}

func (o *office) respondTo(t *testing.T, c *diagnose.Case, at time.Time) {
	t.Helper()
	out, err := o.Respond(context.Background(), oncall.Call{Case: c, At: at})
	if err != nil {
		t.Error(err)
	}
	for _, problem := range out.Problems {
		t.Error(problem)
	}
}

// endOf is the case of the event that tells of an execution's end.
func endOf(t *testing.T, x *history.Execution) *diagnose.Case {
	t.Helper()
	notice, err := history.ParseEvent(fmt.Appendf(nil, `{"detail-type": "Step Functions Execution Status Change", "detail":
		{"executionArn": %q, "stateMachineArn": %q, "status": "FAILED", "error": "KeyError", "cause": "x"}}`, x.ARN, x.StateMachineARN))
	if err != nil {
		t.Fatal(err)
	}
	return diagnose.NewNoticeCase(nil, notice)
}
