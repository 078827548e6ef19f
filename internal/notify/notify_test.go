package notify_test

import (
	"context"
	"errors"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/redact"
)

func message() notify.Message {
	var r redact.Redactor
	return notify.Message{
		ID:      "arn:aws:states:us-east-1:123456789012:execution:order:run-1/0/12",
		Subject: r.Text("FAILED order / Charge card\r\nBcc: everyone@example.com é"),
		Text:    r.Text("first line\nsecond line of ana@example.com\n"),
		Time:    time.Date(2026, 11, 22, 10, 15, 0, 0, time.UTC),
	}
}

func TestOutboxHoldsAMailThatMailProgramsRead(t *testing.T) {
	box := notify.Outbox{Dir: filepath.Join(t.TempDir(), "new", "outbox")}
	path, err := box.Notify(context.Background(), message())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := mail.ReadMessage(f)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Header.Get("Subject"); strings.Contains(got, "\n") || !strings.HasPrefix(got, "FAILED order / Charge card Bcc:") {
		t.Errorf("subject %q", got)
	}
	if m.Header.Get("Bcc") != "" {
		t.Error("a header was injected")
	}
	if got := m.Header.Get("Date"); !strings.Contains(got, "22 Nov 2026 10:15:00") {
		t.Errorf("date %q", got)
	}
}

func TestTheSameMessageTwiceIsOneFile(t *testing.T) {
	box, m := notify.Outbox{Dir: t.TempDir()}, message()
	for range 2 {
		if _, err := box.Notify(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	if files, _ := os.ReadDir(box.Dir); len(files) != 1 {
		t.Errorf("%d files, want 1", len(files))
	}
}

// Runs of the same workflow have one ARN and may fail in one second, with different inputs.
func TestWhatSaysSomethingElseIsAnotherFile(t *testing.T) {
	box, m := notify.Outbox{Dir: t.TempDir()}, message()
	for _, text := range []string{"order 1", "order 2"} {
		m.Text = new(redact.Redactor).Text(text)
		if _, err := box.Notify(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	if files, _ := os.ReadDir(box.Dir); len(files) != 2 {
		t.Errorf("%d files, want 2: a mail was overwritten", len(files))
	}
}

func TestAnUnwritableOutboxIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	err := notify.Outbox{Dir: file}.Check()
	if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

type topic struct {
	got *sns.PublishInput
	err error
}

func (t *topic) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	t.got = in
	return &sns.PublishOutput{MessageId: aws.String("m-1")}, t.err
}

func TestSNSTakesTheSubject(t *testing.T) {
	var client topic
	m := message()
	m.Subject = redact.Format("%v", new(redact.Redactor).Text(strings.Repeat("long ", 40)))
	id, err := notify.SNS{Client: &client, TopicARN: "arn:aws:sns:us-east-1:123456789012:oncall"}.Notify(context.Background(), m)
	if err != nil || id != "m-1" {
		t.Fatalf("%q, %v", id, err)
	}
	if n := len(*client.got.Subject); n > notify.MaxSubject {
		t.Errorf("the subject has %d characters", n)
	}
	if *client.got.Message != m.Text.String() {
		t.Errorf("message %q", *client.got.Message)
	}
}

func TestSNSSaysWhichTopicRefused(t *testing.T) {
	client := topic{err: errors.New("not authorized")}
	_, err := notify.SNS{Client: &client, TopicARN: "arn:aws:sns:us-east-1:123456789012:oncall"}.Notify(context.Background(), message())
	if err == nil || !strings.Contains(err.Error(), ":oncall") || !strings.Contains(err.Error(), "not authorized") {
		t.Errorf("got %v", err)
	}
}
