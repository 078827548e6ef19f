package oncall_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/internal/store/sqlite"
	"github.com/stepsleuth/stepsleuth/redact"
)

const (
	machineARN = "arn:aws:states:us-east-1:123456789012:stateMachine:order"
	runARN     = "arn:aws:states:us-east-1:123456789012:execution:order:"
)

// failed is an execution whose state Charge fails.
const failed = `{"events": [
 {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": "2026-11-22T10:15:00Z", "executionStartedEventDetails": {"input": "{}", "inputDetails": {"truncated": false}, "roleArn": "arn:aws:iam::123456789012:role/r"}},
 {"id": 2, "previousEventId": 0, "type": "TaskStateEntered", "timestamp": "2026-11-22T10:15:00Z", "stateEnteredEventDetails": {"name": "Charge", "input": "{}", "inputDetails": {"truncated": false}}},
 {"id": 3, "previousEventId": 2, "type": "TaskScheduled", "timestamp": "2026-11-22T10:15:00Z", "taskScheduledEventDetails": {"resourceType": "lambda", "resource": "invoke", "region": "us-east-1", "parameters": "{\"FunctionName\":\"charge\"}"}},
 {"id": 4, "previousEventId": 3, "type": "TaskStarted", "timestamp": "2026-11-22T10:15:00Z", "taskStartedEventDetails": {"resourceType": "lambda", "resource": "invoke"}},
 {"id": 5, "previousEventId": 4, "type": "TaskFailed", "timestamp": "2026-11-22T10:15:01Z", "taskFailedEventDetails": {"resourceType": "lambda", "resource": "invoke", "error": ERROR, "cause": CAUSE}},
 {"id": 6, "previousEventId": 5, "type": "ExecutionFailed", "timestamp": "2026-11-22T10:15:01Z", "executionFailedEventDetails": {"error": ERROR, "cause": CAUSE}}
]}`

const cause = `"{\"errorMessage\":\"'currency' of ana@example.com\",\"errorType\":\"KeyError\",\"stackTrace\":[]}"`

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func execution(t testing.TB, name, problem, cause string) *history.Execution {
	t.Helper()
	x, err := history.Parse([]byte(strings.NewReplacer("ERROR", fmt.Sprintf("%q", problem), "CAUSE", cause, "lambda", "lambda").Replace(failed)))
	if err != nil {
		t.Fatal(err)
	}
	x.ARN, x.StateMachineARN = runARN+name, machineARN
	return x
}

func call(t testing.TB, name string, at time.Time) oncall.Call {
	return oncall.Call{Case: diagnose.NewCase(nil, execution(t, name, "KeyError", cause)), At: at}
}

// model counts how often it is asked.
type model struct{ asked atomic.Int64 }

func (m *model) Ask(ctx context.Context, _ diagnose.Prompt) (diagnose.Answer, error) {
	m.asked.Add(1)
	// An answer that needs no second pass.
	const text = `{"category": "other", "root_cause": "Nothing more can be said.", "explanation": "", "claims": [], "remediation": [], "prevention": []}`
	return diagnose.Answer{Text: text, ModelID: "test"}, ctx.Err()
}

// inbox keeps what people are told; while down is set, it refuses.
type inbox struct {
	mu   sync.Mutex
	down error
	got  []notify.Message
}

func (b *inbox) Notify(ctx context.Context, m notify.Message) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := errors.Join(b.down, ctx.Err()); err != nil {
		return "", err
	}
	b.got = append(b.got, m)
	return fmt.Sprint("mail ", len(b.got)), nil
}

// office is a responder with all that belongs to it.
type office struct {
	oncall.Responder
	model *model
	inbox *inbox
}

func newOffice(in oncall.Incidents) *office {
	r := &redact.Redactor{Key: []byte("0123456789abcdef")}
	o := &office{model: new(model), inbox: new(inbox)}
	o.Responder = oncall.Responder{
		Redact: r, Doctor: &diagnose.Doctor{Rules: rules.All(), Redact: r, Model: o.model}, Notify: o.inbox, Incidents: in,
	}
	return o
}

func (o *office) respond(t *testing.T, c oncall.Call) oncall.Response {
	t.Helper()
	out, err := o.Respond(context.Background(), c)
	if err != nil {
		t.Error(err)
	}
	return out
}

func database(t *testing.T, path string, p store.Policy, r *redact.Redactor) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{Policy: p, Redact: r, Busy: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestAStormOfEqualFailuresIsOneQuestionOneMailAndADigest(t *testing.T) {
	const failures, handles, workers = storm, 4, 16
	path := filepath.Join(t.TempDir(), "incidents.db")
	events := execution(t, "run", "KeyError", cause).Events()
	o := newOffice(nil)
	var clerks [handles]oncall.Responder
	for i := range clerks {
		clerks[i] = o.Responder
		clerks[i].Incidents = database(t, path, store.Policy{}, o.Redact)
	}
	began := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range handles * workers {
		wg.Go(func() {
			for {
				n := int(next.Add(1))
				if n > failures {
					return
				}
				x := &history.Execution{ARN: fmt.Sprint(runARN, "run-", n), StateMachineARN: machineARN, Status: history.Failed}
				x.SetEvents(events)
				c := oncall.Call{Case: diagnose.NewCase(nil, x), At: noon.Add(time.Duration(n) * time.Millisecond)}
				for range 1 + n%2 { // every other one is delivered twice
					if _, err := clerks[w%handles].Respond(context.Background(), c); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d failures, %d deliveries in %s", failures, failures*3/2, time.Since(began).Round(time.Millisecond))
	if n := o.model.asked.Load(); n != 1 {
		t.Errorf("the model was asked %d times", n)
	}
	if len(o.inbox.got) != 1 {
		t.Fatalf("%d notifications", len(o.inbox.got))
	}
	for range 3 { // whoever asks first sends it
		for i := range clerks {
			if _, err := clerks[i].Digest(context.Background(), noon.Add(2*time.Hour)); err != nil {
				t.Error(err)
			}
		}
	}
	if len(o.inbox.got) != 2 {
		t.Fatalf("%d messages, want the digest besides", len(o.inbox.got))
	}
	digest := o.inbox.got[1].Text.String()
	for _, want := range []string{fmt.Sprintf("%dx", failures-1), fmt.Sprintf("%d in all since 2026-11-22 12:00 UTC", failures), "order / Charge", "execution:order:run-", "fp1:"} {
		if !strings.Contains(digest, want) {
			t.Errorf("the digest does not say %q:\n%s", want, digest)
		}
	}
}

func TestTheReportSaysHowOftenItWasSeen(t *testing.T) {
	o := newOffice(&store.Memory{})
	o.respond(t, call(t, "run-1", noon))
	c := call(t, "run-2", noon.Add(time.Minute))
	c.Repeats = oncall.Briefly
	out := o.respond(t, c)
	if s := out.Document.Seen; s == nil || s.Count != 2 || !s.Since.Equal(noon) {
		t.Errorf("seen %+v", s)
	}
	if out.Tell || out.Told != "" || out.Document.Model != nil || len(o.inbox.got) != 1 {
		t.Errorf("%+v, %d mails", out, len(o.inbox.got))
	}
	c.Repeats = oncall.Thoroughly
	if out := o.respond(t, c); out.Document.Model == nil || out.Document.Seen.Count != 2 {
		t.Error("a person who asks gets the model's word")
	}
	c.Repeats = oncall.NotAtAll
	if out := o.respond(t, c); out.Document != nil {
		t.Error("examined")
	}
}

func TestTheCatchAndTheEventOfOneFailureMeet(t *testing.T) {
	in := &store.Memory{}
	o := newOffice(in)
	o.Notify = nil // the workflow itself tells people
	inside, ended := instrumentedRun(t, o)
	for n, a := range inside {
		if a.Notify != (n == 0) || a.Category != "lambda-unhandled-exception" {
			t.Errorf("delivery %d: %+v", n, a)
		}
	}
	// The same execution when it has ended, by the event of its end.
	o.Notify = o.inbox
	out := o.respond(t, oncall.Call{Case: diagnose.NewCase(nil, ended), At: noon})
	if out.Tell || out.Incident.Standing != store.Again {
		t.Errorf("%+v", out.Incident)
	}
	// And by an event whose history could not be had.
	notice, err := history.ParseEvent(fmt.Appendf(nil, `{"detail-type": "Step Functions Execution Status Change", "detail":
		{"executionArn": %q, "stateMachineArn": %q, "status": "FAILED", "error": "KeyError", "cause": "x"}}`, ended.ARN, ended.StateMachineARN))
	if err != nil {
		t.Fatal(err)
	}
	if out := o.respond(t, oncall.Call{Case: diagnose.NewNoticeCase(nil, notice), At: noon}); out.Incident.Standing != store.Again {
		t.Errorf("%+v", out.Incident)
	}
	if len(o.inbox.got) != 0 {
		t.Errorf("%d mails", len(o.inbox.got))
	}
}

// instrumentedRun executes a workflow whose state Charge fails and leads to the
// troubleshooter, which AWS calls twice. It returns what the troubleshooter answered,
// and the history.
func instrumentedRun(t *testing.T, o *office) ([]answer, *history.Execution) {
	t.Helper()
	const definition = `{"StartAt": "Charge", "States": {"Charge": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
		"Parameters": {"FunctionName": "charge"}, "End": true}}}`
	added, err := instrument.Add("order", []byte(definition), instrument.Options{Topic: "arn:aws:sns:us-east-1:123456789012:oncall"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse("order", []byte(added.Text))
	if err != nil {
		t.Fatal(err)
	}
	var running *engine.Running
	ready := make(chan struct{})
	var inside []answer
	invoke := func(_ context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
		if call.Function == "charge" {
			return engine.LambdaReply{Failed: true, Payload: []byte(`{"errorType": "KeyError", "errorMessage": "'currency'"}`)}, nil
		}
		<-ready
		s := &oncall.Troubleshooter{Responder: o.Responder, Now: func() time.Time { return noon }}
		s.Fetch = func(context.Context, string) (*history.Execution, *asl.Machine, error) {
			info := running.Execution()
			x := &history.Execution{ARN: info.ARN, StateMachineARN: info.StateMachineARN, Status: history.Running, Start: info.Start}
			x.SetEvents(running.History())
			return x, nil, nil
		}
		inside = append(inside, handle(t, s, string(call.Payload)), handle(t, s, string(call.Payload)))
		return engine.LambdaReply{Payload: []byte(`{}`)}, nil
	}
	e := &engine.Engine{Clock: engine.VirtualClock(noon), Tasks: engine.TaskMux{
		"arn:aws:states:::lambda:invoke": engine.LambdaHandler{Invoke: invoke},
		"arn:aws:states:::sns:publish":   engine.TaskFunc(func(context.Context, *engine.Task) (engine.Result, error) { return engine.JSON(`{}`), nil }),
	}}
	running, err = e.Start(context.Background(), engine.Request{Machine: m, Input: []byte(`{}`), StateMachineARN: machineARN})
	if err != nil {
		t.Fatal(err)
	}
	close(ready)
	x, err := running.Wait(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(inside) != 2 || x.Status != history.Failed {
		t.Fatalf("%d answers, %s", len(inside), x.Status)
	}
	return inside, x
}

func TestANestedFailureIsToldOnce(t *testing.T) {
	child := execution(t, "child", "KeyError", cause)
	nested := fmt.Sprintf("%q", fmt.Sprintf(`{"ExecutionArn":%q,"StateMachineArn":%q,"Status":"FAILED","Error":"KeyError","Cause":"x"}`, child.ARN, machineARN))
	parent := execution(t, "parent", "States.TaskFailed", nested)
	outer := fmt.Sprintf("%q", fmt.Sprintf(`{"ExecutionArn":%q,"Status":"FAILED","Error":"States.TaskFailed","Cause":%s}`, parent.ARN, nested))
	top := execution(t, "top", "States.TaskFailed", outer)
	for name, order := range map[string][]*history.Execution{
		"child first": {child, parent, top}, "parent first": {parent, child, top}, "top first": {top, child, parent},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(&store.Memory{})
			for _, x := range order {
				o.respond(t, oncall.Call{Case: diagnose.NewCase(nil, x), At: noon})
			}
			if len(o.inbox.got) != 1 {
				t.Errorf("%d mails", len(o.inbox.got))
			}
		})
	}
}

func TestWhatCouldNotBeSentIsSentLaterAndNotExaminedAgain(t *testing.T) {
	o := newOffice(database(t, filepath.Join(t.TempDir(), "incidents.db"), store.Policy{}, nil))
	o.inbox.down = errors.New("the mail server is down")
	out, err := o.Respond(context.Background(), call(t, "run-1", noon))
	if err == nil || !strings.Contains(err.Error(), "nobody was told: the mail server is down") || out.Document == nil {
		t.Fatalf("%+v, %v", out, err)
	}
	o.inbox.down = nil
	if out := o.respond(t, call(t, "run-1", noon.Add(time.Second))); out.Told != "mail 1" {
		t.Errorf("%+v", out)
	}
	if n := o.model.asked.Load(); n != 1 {
		t.Errorf("the model was asked %d times", n)
	}
	if m := o.inbox.got[0]; !strings.Contains(m.Subject.String(), "Charge") || !strings.Contains(m.Text.String(), "root cause") {
		t.Errorf("%s\n%s", m.Subject, m.Text)
	}
	if out := o.respond(t, call(t, "run-1", noon.Add(time.Minute))); out.Told != "" {
		t.Error("told twice")
	}
}

func TestWhatCouldNotBeSentIsInTheDigestWhole(t *testing.T) {
	o := newOffice(&store.Memory{})
	o.inbox.down = errors.New("down")
	if _, err := o.Respond(context.Background(), call(t, "run-1", noon)); err == nil {
		t.Error("no error")
	}
	if where, err := o.Digest(context.Background(), noon); err == nil || where != "" {
		t.Errorf("%q, %v", where, err)
	}
	o.inbox.down = nil
	if where, err := o.Digest(context.Background(), noon); err != nil || where == "" {
		t.Errorf("%q, %v", where, err)
	}
	if text := o.inbox.got[0].Text.String(); !strings.Contains(text, "not told of when they happened") || !strings.Contains(text, "root cause") {
		t.Error(text)
	}
	if where, err := o.Digest(context.Background(), noon.Add(24*time.Hour)); err != nil || where != "" {
		t.Errorf("again: %q, %v", where, err)
	}
}

func TestWhoWasToldInOneWayIsNotToldAgain(t *testing.T) {
	o := newOffice(&store.Memory{})
	o.Notify = notify.Fanout{o.inbox, &inbox{down: errors.New("the other way is down")}}
	out, err := o.Respond(context.Background(), call(t, "run-1", noon))
	if out.Told != "mail 1" || err == nil || !strings.Contains(err.Error(), "the other way is down") {
		t.Errorf("%+v, %v", out, err)
	}
	if out := o.respond(t, call(t, "run-1", noon.Add(time.Hour))); out.Tell || len(o.inbox.got) != 1 {
		t.Errorf("%d mails", len(o.inbox.got))
	}
	if d := o.inbox.got[0].Document; d == nil || d.Failure == nil {
		t.Error("the message has no document")
	}
}

var errDown = errors.New("incident store /var/incidents.db: the disk is full")

func TestWithoutTheStorePeopleAreToldAndLearnOfIt(t *testing.T) {
	o := newOffice(oncall.Unavailable(errDown))
	for n := range 2 {
		out := o.respond(t, call(t, "run-1", noon))
		if out.Incident != nil || len(out.Problems) != 1 || out.Told == "" {
			t.Errorf("%+v", out)
		}
		if m := o.inbox.got[n]; !strings.Contains(m.Text.String(), "the disk is full") || m.ID != o.inbox.got[0].ID {
			t.Errorf("id %s: %s", m.ID, m.Text)
		}
	}
	if _, err := o.Digest(context.Background(), noon); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
}

func TestWithoutTheStoreTheSpareOneCounts(t *testing.T) {
	o := newOffice(oncall.Unavailable(errDown))
	o.Spare = &store.Memory{}
	for n := range 5 {
		o.respond(t, call(t, fmt.Sprint("run-", n), noon))
	}
	if len(o.inbox.got) != 1 || !strings.Contains(o.inbox.got[0].Text.String(), "the disk is full") {
		t.Errorf("%d mails", len(o.inbox.got))
	}
	if where, err := o.Digest(context.Background(), noon.Add(time.Hour)); where == "" || !errors.Is(err, errDown) {
		t.Errorf("%q, %v", where, err)
	}
}

// forgetful claims, and is down when it is told what came of it.
type forgetful struct{ *store.Memory }

func (forgetful) Settle(context.Context, store.Settlement) error { return errDown }

func TestWhatCouldNotBeNotedIsSaid(t *testing.T) {
	o := newOffice(forgetful{&store.Memory{}})
	out := o.respond(t, call(t, "run-1", noon))
	if out.Told == "" || len(out.Problems) != 1 || !strings.Contains(out.Problems[0].String(), "may be told again") {
		t.Errorf("%+v", out)
	}
	if out := o.respond(t, call(t, "run-1", noon.Add(time.Hour))); out.Told == "" || o.inbox.got[0].ID != o.inbox.got[1].ID {
		t.Error("the repetition cannot be told by its id")
	}
}

func TestWhereTheDoctorFailsPeopleAreToldPlainly(t *testing.T) {
	for name, spoil := range map[string]func(*office){
		"it breaks down":   func(o *office) { o.Doctor = nil },
		"a rule cannot be": func(o *office) { o.Doctor = &diagnose.Doctor{Rules: []*diagnose.Rule{nil}} },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(&store.Memory{})
			spoil(o)
			out, err := o.Respond(context.Background(), call(t, "run-1", noon))
			if err == nil || out.Told == "" {
				t.Fatalf("%+v, %v", out, err)
			}
			m := o.inbox.got[0]
			for _, want := range []string{"could not find out why", runARN + "run-1", "Charge", "KeyError", "broke down"} {
				if !strings.Contains(m.Text.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, m.Text)
				}
			}
			if m.Subject.String() != "[stepsleuth] FAILED order (not diagnosed)" || strings.Contains(m.Text.String(), "ana@example.com") {
				t.Errorf("%s\n%s", m.Subject, m.Text)
			}
			if _, err := o.Respond(context.Background(), call(t, "run-1", noon)); err != nil || len(o.inbox.got) != 1 {
				t.Errorf("%d mails, %v", len(o.inbox.got), err)
			}
		})
	}
}

func TestWhereNothingCanBeRedactedPeopleAreToldThatItFailed(t *testing.T) {
	o := newOffice(&store.Memory{})
	o.Redact.Patterns = []redact.Pattern{{Kind: "X", Expr: "("}}
	if _, err := o.Respond(context.Background(), call(t, "run-1", noon)); err == nil {
		t.Error("no error")
	}
	if len(o.inbox.got) != 1 || strings.Contains(o.inbox.got[0].Text.String(), "KeyError") {
		t.Errorf("%+v", o.inbox.got)
	}
}

// patient answers when the context ends.
type patient struct{}

func (patient) Ask(ctx context.Context, _ diagnose.Prompt) (diagnose.Answer, error) {
	<-ctx.Done()
	return diagnose.Answer{}, ctx.Err()
}

func TestASlowModelLeavesTimeToTellPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(&store.Memory{})
		o.Doctor.Model = patient{}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		out, err := o.Respond(ctx, call(t, "run-1", noon))
		if err != nil || out.Told == "" || ctx.Err() != nil {
			t.Errorf("%+v, %v, %v", out, err, ctx.Err())
		}
	})
}

func TestTheStoreHoldsNothingThatWasNotRedacted(t *testing.T) {
	dir := t.TempDir()
	o := newOffice(nil)
	s, err := sqlite.Open(context.Background(), filepath.Join(dir, "incidents.db"), sqlite.Options{Redact: o.Redact})
	if err != nil {
		t.Fatal(err)
	}
	o.Incidents = s
	o.inbox.down = errors.New("down") // so that the whole text is kept
	c := oncall.Call{Case: diagnose.NewCase(nil, execution(t, "ana.lopez@example.com", "KeyError", cause)), At: noon}
	if _, err := o.Respond(context.Background(), c); err == nil {
		t.Error("no error")
	}
	var all strings.Builder
	for _, name := range []string{"incidents.db", "incidents.db-wal"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	if strings.Contains(all.String(), "@example.com") || strings.Contains(all.String(), "ana") || !strings.Contains(all.String(), "<EMAIL_") {
		t.Error("the database has an address in it, or nothing at all")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.inbox.down, o.Incidents = nil, database(t, filepath.Join(dir, "incidents.db"), store.Policy{}, o.Redact)
	o.respond(t, c)
	if text := o.inbox.got[0].Text.String(); !strings.Contains(text, "<EMAIL_") || strings.Contains(text, `\<`) {
		t.Error(text)
	}
}

func TestOnThisMachineNamesComeBack(t *testing.T) {
	o := newOffice(&store.Memory{})
	for n := range 2 {
		c := call(t, "run-1", noon)
		c.Case.Execution.Start = noon.Add(time.Duration(n) * time.Second)
		c.Report.Local = true
		if out := o.respond(t, c); out.Incident.Count != n+1 {
			t.Errorf("%+v", out.Incident)
		}
	}
}
