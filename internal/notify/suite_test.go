package notify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/redact"
)

// password and path of a URL that must never be seen.
const hidden = "hunter2-T000/B000/XXXX"

// way is a notifier with the other side of it.
type way struct {
	notify.Way
	received func() []string // what arrived, whole
	broken   notify.Way      // the same where it cannot work
}

func ways(t *testing.T) map[string]way {
	var down broken
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	box := filepath.Join(dir, "outbox")
	published := &topics{}
	posts := newMailServer(t, nil)
	slack, hook := newReceiver(t), newReceiver(t)
	refuses := newReceiver(t)
	refuses.answer = func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no such hook: "+r.URL.Path+"\nin two lines", http.StatusNotFound)
	}
	refusingServer := newMailServer(t, func(s *mailServer) { s.refuseAuth = true })
	return map[string]way{
		"outbox":  {notify.Outbox{Dir: box}, func() []string { return files(t, box) }, notify.Outbox{Dir: file}},
		"sns":     {notify.SNS{Client: published, TopicARN: "arn:aws:sns:us-east-1:123456789012:oncall"}, published.all, notify.SNS{Client: down, TopicARN: "arn:aws:sns:us-east-1:123456789012:oncall"}},
		"smtp":    {posts.way(), posts.all, refusingServer.way()},
		"slack":   {notify.Slack{URL: slack.url()}, slack.all, notify.Slack{URL: refuses.url()}},
		"webhook": {notify.Webhook{URL: hook.url()}, hook.all, notify.Webhook{URL: refuses.url()}},
		"fanout":  {notify.Fanout{notify.Outbox{Dir: filepath.Join(dir, "other")}}, func() []string { return files(t, filepath.Join(dir, "other")) }, notify.Fanout{notify.Slack{URL: refuses.url()}, notify.Outbox{Dir: file}}},
	}
}

// What every way to tell people does.
func TestEveryWay(t *testing.T) {
	for name, w := range ways(t) {
		t.Run(name, func(t *testing.T) {
			m := message()
			where, err := w.Notify(context.Background(), m)
			if err != nil || where == "" {
				t.Fatalf("%q, %v", where, err)
			}
			got := w.received()
			if len(got) != 1 || !strings.Contains(got[0], "Charge card") || !strings.Contains(got[0], "second line") {
				t.Fatalf("received %q", got)
			}
			for _, secret := range []string{"ana@example.com", "\r\nBcc: everyone", hidden} {
				if strings.Contains(got[0], secret) {
					t.Errorf("%q is in %s", secret, got[0])
				}
			}
			if strings.Contains(where, hidden) {
				t.Errorf("the place tells the secret: %s", where)
			}
		})
		t.Run(name+", where it cannot work", func(t *testing.T) {
			where, err := w.broken.Notify(context.Background(), message())
			if err == nil || where != "" {
				t.Fatalf("%q, %v", where, err)
			}
			if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, hidden) || strings.Contains(text, "T000") || text == "" {
				t.Errorf("error %q", text)
			}
		})
		t.Run(name+", given up", func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			before := len(w.received())
			if _, err := w.Notify(ctx, message()); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if n := len(w.received()); n != before {
				t.Errorf("%d arrived", n-before)
			}
		})
	}
}

func TestASecretHasNoPrintedForm(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if s := fmt.Sprintf(format, notify.SMTP{Password: hidden}); strings.Contains(s, "hunter") || !strings.Contains(s, "[secret]") {
			t.Errorf("%s prints %s", format, s)
		}
	}
}

// message is one with everything that could do harm.
func hostile() notify.Message {
	m := message()
	m.Text = redact.Join("\n", m.Text, new(redact.Redactor).Text("<!channel> <@U123> <http://evil.example|click> http://evil.example ```\x1b[31m\u202e"))
	return m
}

type broken struct{}

func (broken) Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return nil, errors.New("not authorized\nin two lines")
}

type topics struct{ got []string }

func (t *topics) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.got = append(t.got, *in.Subject+"\n\n"+*in.Message)
	id := "m-1"
	return &sns.PublishOutput{MessageId: &id}, nil
}

func (t *topics) all() []string { return t.got }

func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	names, _ := filepath.Glob(filepath.Join(dir, "*.eml"))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// receiver is a server on this machine that keeps what it is sent.
type receiver struct {
	*httptest.Server
	answer func(http.ResponseWriter, *http.Request) // nil: 200

	mu      sync.Mutex
	bodies  []string
	headers []http.Header
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	var b strings.Builder
	_, _ = io.Copy(&b, req.Body)
	r.mu.Lock()
	r.bodies, r.headers = append(r.bodies, b.String()), append(r.headers, req.Header)
	r.mu.Unlock()
	if r.answer != nil {
		r.answer(w, req)
	}
}

func (r *receiver) url() notify.Secret { return notify.Secret(r.URL + "/services/" + hidden) }

func (r *receiver) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bodies
}

func soon(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
