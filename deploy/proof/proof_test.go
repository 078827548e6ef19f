//go:build unix

package proof_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stepsleuth/stepsleuth/internal/clienttest"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock/bedrocktest"
)

// secrets are planted in the order, in the error, and in the log of the function.
var secrets = map[string]string{
	"card":         "4242 4242 4242 4242",
	"e-mail":       "ana@example.com",
	"AWS key":      "AKIA" + "Q4ZJ7X2M9PL5T3BW",
	"bearer token": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiJhbmEtMTAwMSJ9" + ".Qz8rV1p4uY2mXw7LsT0bKe5",
}

// keyError is the failure of the tests in which nothing else goes wrong.
var keyError = failing{Type: "KeyError", Message: "'currency' (charging card " + secrets["card"] + " of " + secrets["e-mail"] +
	", key " + secrets["AWS key"] + ", Authorization: Bearer " + secrets["bearer token"] + ")"}

// opinion is what the model says.
const opinion = `{"category":"lambda-unhandled-exception","root_cause":"The customer's record has no currency.","explanation":"","claims":[],"remediation":[],"prevention":[]}`

// questionOf is all that the model was told.
func questionOf(got bedrocktest.Request) string {
	text, _ := json.Marshal(got.Body)
	return string(text)
}

// proof is one run through the whole pattern, section by section.
type proof struct {
	*stack
	figures []string
}

// section runs a part, which returns its figures.
func (p *proof) section(t *testing.T, name string, part func(*testing.T) string) {
	t.Helper()
	began, figures := time.Now(), "failed"
	t.Run(name, func(t *testing.T) { figures = part(t) })
	p.tell(name, began, figures)
}

func (p *proof) tell(section string, began time.Time, figures string) {
	p.figures = append(p.figures, fmt.Sprintf("%-22s %6.1f s  %s", section, time.Since(began).Seconds(), figures))
}

func TestDeployedPattern(t *testing.T) {
	clienttest.Slow(t)
	p := &proof{stack: newStack(t)}
	defer func() { t.Log("\n" + strings.Join(p.figures, "\n")) }()
	p.apply(t)
	p.section(t, "FirstFailureIsTold", p.firstFailure)
	p.section(t, "EqualFailureIsCounted", p.equalFailure)
	p.section(t, "UncaughtComesByEvent", p.uncaught)
	p.section(t, "AfterSucceed", p.afterSucceed)
	p.section(t, "Success", p.success)
	p.section(t, "Faults", p.faults)
	p.section(t, "NoSecretGotOut", p.noSecret)
	p.section(t, "SetUpIsWell", p.checkSetup)
	p.section(t, "Destroyed", func(t *testing.T) string {
		p.destroy(t)
		return "nothing is left"
	})
}

// apply deploys the pattern. It is no section of its own: what it starts ends with the
// whole test.
func (p *proof) apply(t *testing.T) {
	began := time.Now()
	resources := p.deploy(t)
	p.run(t)
	p.people = newMailbox(t, p.moto)
	info, err := os.Stat(p.zip)
	if err != nil {
		t.Fatal(err)
	}
	p.tell("Applied", began, fmt.Sprintf("%d resources; zip %.1f MB", resources, float64(info.Size())/1e6))
}

// firstFailure is the pattern's whole way: caught, examined, told, and ended as it would have.
func (p *proof) firstFailure(t *testing.T) string {
	execution := p.start(t, "order", "first", newOrder(keyError))
	x := p.wait(t, execution)
	var seen struct{ Status, Error, Cause string } // as people see it
	if err := p.cli.Command(t, &seen, "stepfunctions", "describe-execution", "--execution-arn", execution); err != nil {
		t.Fatal(err)
	}
	if seen.Status != "FAILED" || seen.Error != "KeyError" || !strings.Contains(seen.Cause, secrets["card"]) {
		t.Errorf("ended as %+v", seen)
	}
	d := handedOn(t, p.outputOf(t, execution, troubleshoot))
	if d.Schema != "stepsleuth/diagnosis/v1" || d.Category != "lambda-unhandled-exception" || d.Failure == nil || d.Failure.State != "Charge card" || len(d.Missing) > 0 {
		t.Errorf("the troubleshooter's state gave %+v", d)
	}
	mails := p.people.about(t, "")
	if len(mails) != 1 || mails[0].Subject != d.Mail.Subject || mails[0].Message != d.Mail.Text {
		t.Fatalf("people got %+v, the state gave %+v", mails, d.Mail)
	}
	for _, want := range []string{"FAILED order / Charge card KeyError", "charge-card raised KeyError at payments/charge.py:41", "the function logged: [ERROR] KeyError", "time-out of 3 s and 128 MB", model} {
		if !strings.Contains(unwrap(mails[0].Message), want) {
			t.Errorf("the mail does not say %q:\n%s", want, mails[0].Message)
		}
	}
	asked := p.bedrock.Requests()
	if len(asked) != 1 || asked[0].ModelID != model {
		t.Fatalf("the model was asked %d times", len(asked))
	}
	for _, want := range []string{"CARD_", "EMAIL_", "AWS_KEY_", "JWT_", "gateway called with Bearer"} {
		if !strings.Contains(questionOf(asked[0]), want) {
			t.Errorf("the question has no %s: was it about this failure?", want)
		}
	}
	if a := p.deliver(t, x); a.failed || a.told() != "" || len(a.Answers) != 1 || a.Answers[0].Standing != "again" {
		t.Errorf("the event of the same failure was answered with %+v", a)
	}
	p.quiet(t, 1, 1)
	return fmt.Sprintf("Bedrock asked %d time, mails %d, by Catch and by event", len(asked), len(mails))
}

// quiet wants no more questions and mails than there were.
func (p *proof) quiet(t *testing.T, questions, mails int) {
	t.Helper()
	if got := p.bedrock.Asked(); got != questions {
		t.Errorf("the model was asked %d times by now, want %d", got, questions)
	}
	if got := p.people.about(t, ""); len(got) != mails {
		t.Errorf("people got %d mails by now, want %d: %+v", len(got), mails, got)
	}
}

func (p *proof) equalFailure(t *testing.T) string {
	x := p.wait(t, p.start(t, "order", "second", newOrder(keyError)))
	d := handedOn(t, p.outputOf(t, *x.ExecutionArn, troubleshoot))
	if d.Notify == nil || *d.Notify || d.Category != "lambda-unhandled-exception" {
		t.Errorf("the troubleshooter's state gave %+v", d)
	}
	if got := ending(x); got[0] != "FAILED" || got[1] != "KeyError" {
		t.Errorf("ended as %q", got)
	}
	if a := p.deliver(t, x); a.failed || a.told() != "" || len(a.Answers) != 1 || a.Answers[0].Standing != "again" {
		t.Errorf("its event was answered with %+v", a)
	}
	p.quiet(t, 1, 1)
	return "no question, no mail, by Catch and by event"
}

// uncaught is a failure that no Catch sees.
func (p *proof) uncaught(t *testing.T) string {
	o := newOrder(failing{})
	o.Items = nil
	x := p.wait(t, p.start(t, "order", "uncaught", o))
	if got := ending(x); got[0] != "FAILED" || got[1] != "States.Runtime" {
		t.Fatalf("ended as %q", got)
	}
	if got := p.people.about(t, ":uncaught"); len(got) != 0 {
		t.Errorf("people were told before the event came: %+v", got)
	}
	a := p.deliver(t, x)
	mails := p.people.about(t, ":uncaught")
	if a.failed || a.told() == "" || len(mails) != 1 {
		t.Fatalf("the event was answered with %+v, and people got %+v", a, mails)
	}
	for _, want := range []string{"FAILED  order / Price", "States.Runtime", "items"} {
		if !strings.Contains(mails[0].Message, want) {
			t.Errorf("the mail does not say %q:\n%s", want, mails[0].Message)
		}
	}
	if again := p.deliver(t, x); again.failed || again.told() != "" {
		t.Errorf("the event delivered once more was answered with %+v", again)
	}
	p.quiet(t, 2, 2)
	return "States.Runtime told by the event alone, once"
}

// afterSucceed is the other way to end: with the diagnosis.
func (p *proof) afterSucceed(t *testing.T) string {
	definition := execute(t, p.bin, "instrument", filepath.Join(root, "examples/order/order.asl.json"), "--after", "succeed", "--topic", topic, "--quiet")
	p.create(t, "order-succeeds", definition)
	x := p.wait(t, p.start(t, "order-succeeds", "succeeds", newOrder(keyError)))
	var out struct{ Diagnosis diagnosis }
	if err := json.Unmarshal([]byte(aws.ToString(x.Output)), &out); err != nil {
		t.Fatal(err)
	}
	d := out.Diagnosis
	if x.Status != "SUCCEEDED" || d.Category != "lambda-unhandled-exception" || !strings.Contains(d.RootCause, "charge-card raised KeyError") {
		t.Errorf("ended %s with %s", x.Status, aws.ToString(x.Output))
	}
	if mails := p.people.about(t, ":succeeds"); len(mails) != 1 {
		t.Errorf("people got %+v", mails)
	}
	return "the execution's output is the diagnosis"
}

// success is told as well, and is no model's business.
func (p *proof) success(t *testing.T) string {
	questions := p.bedrock.Asked()
	x := p.wait(t, p.start(t, "order", "goes-well", newOrder(failing{})))
	if x.Status != "SUCCEEDED" || aws.ToString(x.Output) != `{"orderId":"O-1042","total":84.5,"status":"CONFIRMED"}` {
		t.Errorf("ended %s with %s", x.Status, aws.ToString(x.Output))
	}
	mails := p.people.about(t, "goes-well")
	if len(mails) != 1 || !strings.Contains(mails[0].Subject, "SUCCEEDED order") || p.bedrock.Asked() != questions {
		t.Errorf("people got %+v", mails)
	}
	if rules := p.targets(t, statusChange(t, x)); len(rules) != 0 {
		t.Errorf("its event goes to %v", rules)
	}
	return "mails 1, no question"
}

// checkSetup has the command examine what Terraform made. The stand-ins have no models.
func (p *proof) checkSetup(t *testing.T) string {
	cmd := exec.CommandContext(t.Context(), p.bin, "check-setup", "--format", "json")
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+p.cloud.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_MAX_ATTEMPTS=1", "AWS_CONFIG_FILE="+p.zip+".none", "AWS_SHARED_CREDENTIALS_FILE="+p.zip+".none")
	out, err := cmd.Output()
	var report struct {
		Checks []struct{ Name, Status, Said string }
	}
	if json.Unmarshal(out, &report) != nil {
		t.Fatalf("%v: %s", err, out)
	}
	well := 0
	for _, c := range report.Checks {
		if c.Status == "ok" {
			well++
		} else if c.Name != "model" {
			t.Errorf("%s: %s", c.Name, c.Status)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
	return fmt.Sprintf("%d of %d checks ok", well, len(report.Checks))
}

// noSecret looks for what was planted in all that left the function.
func (p *proof) noSecret(t *testing.T) string {
	places := map[string]string{"log": p.logged(), "requests to AWS": p.cloud.said(), "table": p.table(t)}
	for _, got := range p.bedrock.Requests() {
		places["questions"] += questionOf(got)
	}
	for _, got := range p.people.about(t, "") {
		places["mails"] += got.raw
	}
	for _, name := range []string{"order:first", "order:second", "order-succeeds:succeeds"} {
		var out struct {
			Stepsleuth struct{ Payload json.RawMessage }
		}
		text := p.outputOf(t, strings.Replace(machines, ":stateMachine:", ":execution:", 1)+name, troubleshoot)
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			t.Fatal(err)
		}
		places["answers"] += string(out.Stepsleuth.Payload)
		for what, secret := range secrets { // it was there to be found
			if !strings.Contains(text, secret) {
				t.Errorf("%s held no %s in the first place", name, what)
			}
		}
	}
	size := 0
	for place, text := range places {
		size += len(text)
		if len(text) == 0 {
			t.Errorf("nothing was seen of the %s", place)
		}
		for what, secret := range secrets {
			for _, form := range []string{secret, strings.ReplaceAll(secret, " ", "")} {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("the %s shows the %s: …%s…", place, what, text[max(0, i-100):min(len(text), i+100)])
				}
			}
		}
	}
	return fmt.Sprintf("%d secrets in none of %d kB of questions, mails, answers, log, table and requests", len(secrets), size/1000)
}

func (p *proof) table(t *testing.T) string {
	t.Helper()
	out, err := dynamodb.NewFromConfig(p.moto.Config()).Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(function)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(out.Items)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
