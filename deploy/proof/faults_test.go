//go:build unix

package proof_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock/bedrocktest"
)

// trial is something that goes wrong in the pattern while a workflow fails. Its name is
// the failure's error and the execution's name, so that trials keep out of each other's way.
type trial struct {
	name   string
	model  bedrocktest.Reply    // what Bedrock does; nil: it answers well
	breaks func(s *stack) fault // what AWS does; nil: as ever
	strike syscall.Signal       // what the function's process gets while it waits for the model
	input  func(*order)         // what is special of the order
	long   bool                 // it runs on the machine called long
	event  bool                 // people are told by the event, and not by the workflow
	says   []string             // what the mail says
	check  func(*testing.T, trying)
}

// trying is a trial under way.
type trying struct {
	*proof
	trial
	execution, plain string
	asked            chan struct{} // closed when the model was asked
}

// bare is the subject of the workflow's own note.
const bare = "the troubleshooter could not say why"

func (p *proof) trials() []trial {
	const diagnosed = "raised"
	return []trial{
		{name: "HandlerHangs", strike: syscall.SIGSTOP, says: []string{bare}, check: failedWith("Sandbox.Timedout")},
		{name: "BedrockSlow", model: bedrocktest.Hangs(), says: []string{diagnosed, "did not answer in the time"}},
		{name: "HandlerKilled", strike: syscall.SIGKILL, says: []string{bare}, check: failedWith("Runtime.ExitError")},
		{name: "BedrockThrottled", model: bedrocktest.Fails(http.StatusTooManyRequests, "ThrottlingException", "Too many requests, please wait before trying again."), says: []string{diagnosed, "throttled"}},
		{name: "BedrockDenied", model: bedrocktest.Denies("User is not authorized to perform: bedrock:InvokeModel"), says: []string{diagnosed, "bedrock:InvokeModel"}},
		{name: "BedrockGarbage", model: bedrocktest.Says("\x00 I'd rather {not: say"), says: []string{diagnosed, "the model's answer has not the form"}},
		{name: "SNSDown", breaks: func(*stack) fault { return down("Publish", "SNSDown") }, event: true, says: []string{diagnosed}, check: diagnosedAndPutAside},
		{name: "HistoryDenied", breaks: func(*stack) fault { return denies("GetExecutionHistory", says("HistoryDenied")) }, says: []string{"HistoryDenied", "states:GetExecutionHistory"}},
		{name: "LogsDenied", breaks: func(s *stack) fault { return denies("FilterLogEvents", s.saysRequestOf("LogsDenied")) }, says: []string{diagnosed, "logs:FilterLogEvents"}},
		{name: "HugeError", input: func(o *order) { o.Customer.Fails.Times = 256 << 10 / len(o.Customer.Fails.Message) }, says: []string{"FAILED order / Charge card HugeError", diagnosed}},
		{name: "LongHistory", long: true, input: func(o *order) { o.Rounds = 6200 }, says: []string{diagnosed}},
		{name: "HistoryFull", long: true, input: func(o *order) { o.Rounds = 7000 }, event: true, says: []string{"25000"}},
	}
}

// faults has every trial run, those first that take their time, and looks at each.
func (p *proof) faults(t *testing.T) string {
	p.create(t, "order-plain", read(t, root+"/examples/order/order.asl.json"))
	file := filepath.Join(t.TempDir(), "long.asl.json")
	if err := os.WriteFile(file, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	p.create(t, "long", execute(t, p.bin, "instrument", file, "--topic", topic, "--quiet"))
	p.create(t, "long-plain", long)
	all := p.trials()
	var begun []trying
	for _, c := range all {
		begun = append(begun, p.begin(t, c))
	}
	told := 0
	for _, c := range begun {
		t.Run(c.name, func(t *testing.T) { told += c.look(t) })
	}
	return fmt.Sprintf("%d, %d told of, every workflow ended as without the pattern", len(all), told)
}

// long goes round as often as its input says, four events each time, and charges the card.
const long = `{"StartAt": "Count", "States": {
	"Count": {"Type": "Pass", "Parameters": {"round.$": "States.MathAdd($.round, 1)", "rounds.$": "$.rounds", "customer.$": "$.customer"}, "Next": "Enough?"},
	"Enough?": {"Type": "Choice", "Choices": [{"Variable": "$.round", "NumericLessThanPath": "$.rounds", "Next": "Count"}], "Default": "Charge card"},
	"Charge card": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "charge-card", "Payload.$": "$"}, "End": true}}}`

// begin starts a workflow that fails, and the same without the pattern.
func (p *proof) begin(t *testing.T, c trial) trying {
	t.Helper()
	r := trying{proof: p, trial: c, asked: make(chan struct{})}
	switch {
	case c.strike != 0:
		asked := sync.OnceFunc(func() { close(r.asked) })
		p.bedrock.about(c.name, func(w http.ResponseWriter, question *http.Request, got bedrocktest.Request) {
			asked()
			bedrocktest.Hangs()(w, question, got)
		})
	case c.model != nil:
		p.bedrock.about(c.name, c.model)
	}
	if c.breaks != nil {
		p.cloud.breaks(c.name, c.breaks(p.stack))
	}
	o := newOrder(failing{Type: c.name, Message: keyError.Message})
	if c.input != nil {
		c.input(&o)
	}
	machine := "order"
	if c.long {
		machine = "long"
	}
	r.plain = p.startHere(t, machine+"-plain", c.name, o)
	r.execution = p.startHere(t, machine, c.name, o)
	if c.strike != 0 {
		r.hit(t)
	}
	return r
}

// startHere starts an execution without the CLI, which takes its time.
func (s *stack) startHere(t *testing.T, machine, name string, input order) string {
	t.Helper()
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	started, err := s.client.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: aws.String(machines + machine), Name: &name, Input: aws.String(string(text))})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(started.ExecutionArn)
}

// hit sends the signal to the process that waits for the model's answer.
func (r trying) hit(t *testing.T) {
	t.Helper()
	select {
	case <-r.asked:
	case <-time.After(time.Minute):
		t.Fatal("the model was not asked within a minute")
	}
	process := r.host.Process(function, r.request(r.execution))
	if process == nil {
		t.Fatal("no process works on the execution")
	}
	if err := process.Signal(r.strike); err != nil {
		t.Fatal(err)
	}
}

// look sees how a trial ended, and returns how many mails there were.
func (r trying) look(t *testing.T) int {
	want, x := r.wait(t, r.plain), r.wait(t, r.execution)
	if got, want := ending(x), ending(want); got != want {
		t.Errorf("ended as %.500q, without the pattern as %.500q", got, want)
	}
	before := len(r.mails(t))
	if r.event != (before == 0) {
		t.Errorf("%d mails before the event came", before)
	}
	if r.check != nil {
		r.check(t, r)
	}
	asked := r.bedrock.asked(r.name)
	if a := r.deliver(t, x); a.failed {
		t.Errorf("the event was answered with %+v", a)
	}
	if again := r.bedrock.asked(r.name); !r.event && again != asked {
		t.Errorf("for the event the model was asked again, %d times", again-asked)
	}
	mails := r.mails(t)
	if len(mails) != 1 {
		t.Fatalf("people got %d mails: %+v", len(mails), mails)
	}
	for _, want := range r.says {
		if !strings.Contains(mails[0].Subject+"\n"+unwrap(mails[0].Message), want) {
			t.Errorf("the mail does not say %q:\n%s\n%s", want, mails[0].Subject, mails[0].Message)
		}
	}
	return len(mails)
}

// mails are those about the execution.
func (r trying) mails(t *testing.T) []mail { return r.people.about(t, ":"+r.name) }

// unwrap takes the line breaks out of a mail.
func unwrap(text string) string { return strings.Join(strings.Fields(text), " ") }

// failedWith wants the troubleshooter to have failed, and with that.
func failedWith(want string) func(*testing.T, trying) {
	return func(t *testing.T, r trying) {
		if got := r.failureOf(t, r.execution, troubleshoot); got != want {
			t.Errorf("the troubleshooter failed with %q, want %q", got, want)
		}
	}
}

// diagnosedAndPutAside wants a diagnosis that is in the history while nobody can be told,
// and an event that is delivered again until somebody is. SNS is up again in the end.
func diagnosedAndPutAside(t *testing.T, r trying) {
	d := handedOn(t, r.outputOf(t, r.execution, troubleshoot))
	if d.Category != "lambda-unhandled-exception" || !strings.Contains(d.Mail.Text, "SNSDown") {
		t.Errorf("the troubleshooter's state gave %+v", d)
	}
	if got := r.failureOf(t, r.execution, "stepsleuth: notify"); got != "SNS.SdkClientException" {
		t.Errorf("the notification failed with %q", got)
	}
	if a := r.deliver(t, r.wait(t, r.execution)); !a.failed {
		t.Errorf("the event was not left to be delivered again: %+v", a)
	}
	if log := r.logged(); !strings.Contains(log, "nobody was told: publish to "+topic) || !strings.Contains(log, "AWS is to deliver the event again") {
		t.Errorf("the log does not say that nobody was told:\n%s", log)
	}
	r.cloud.mends(r.name)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
