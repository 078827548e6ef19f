package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

// statuses answers with one after the other, then with 200.
func statuses(codes ...int) func(http.ResponseWriter, *http.Request) {
	next := 0
	return func(w http.ResponseWriter, _ *http.Request) {
		if next < len(codes) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(codes[next])
			next++
		}
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name           string
		codes          []int
		slack, webhook int // requests; negative where it fails
	}{
		{"fine", nil, 1, 1},
		{"too many requests", []int{429, 429}, 3, 3},
		{"not available", []int{503}, 2, 2},
		{"a fault that may have come after the message was posted", []int{500}, -1, 2},
		{"bad gateway", []int{502, 504}, -1, 3},
		{"for ever", []int{503, 503, 503, 503, 503, 503, 503, 503}, -4, -5},
		{"refused", []int{400}, -1, -1},
		{"gone", []int{410}, -1, -1},
		{"elsewhere", []int{307}, -1, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, want := range map[string]int{"Slack": c.slack, "webhook": c.webhook} {
				r := newReceiver(t)
				r.answer = statuses(c.codes...)
				var way notify.Way = notify.Slack{URL: r.url(), Pause: time.Millisecond}
				if name == "webhook" {
					way = notify.Webhook{URL: r.url(), Pause: time.Millisecond}
				}
				_, err := way.Notify(context.Background(), message())
				if (err != nil) != (want < 0) || len(r.all()) != max(want, -want) {
					t.Errorf("%s: %d requests, %v; want %d", name, len(r.all()), err, want)
				}
				if err != nil {
					oneLine(t, err, fmt.Sprint(c.codes[0]))
				}
			}
		})
	}
}

func TestARedirectionIsNotFollowed(t *testing.T) {
	elsewhere, r := newReceiver(t), newReceiver(t)
	r.answer = func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, elsewhere.URL, http.StatusTemporaryRedirect)
	}
	_, err := notify.Webhook{URL: r.url(), Key: hidden}.Notify(context.Background(), message())
	oneLine(t, err, "307")
	if len(elsewhere.all()) != 0 {
		t.Error("the message went elsewhere")
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	r := newReceiver(t)
	r.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	began := time.Now()
	_, err := notify.Slack{URL: r.url(), Pause: time.Millisecond}.Notify(soon(t, time.Minute), message())
	oneLine(t, err, "Slack: 429")
	if len(r.all()) != 1 || time.Since(began) > 30*time.Second {
		t.Errorf("%d requests in %s: an hour does not fit, so there is nothing to wait for", len(r.all()), time.Since(began))
	}
	tries := 0
	r = newReceiver(t)
	r.answer = func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}
	began = time.Now()
	if _, err := (notify.Slack{URL: r.url(), Pause: time.Millisecond}).Notify(soon(t, time.Minute), message()); err != nil || time.Since(began) < time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

func TestAReceiverThatHangsOrHangsUp(t *testing.T) {
	r := newReceiver(t)
	r.answer = func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }
	for _, way := range []notify.Way{notify.Slack{URL: r.url()}, notify.Webhook{URL: r.url()}} {
		_, err := way.Notify(soon(t, 100*time.Millisecond), message())
		oneLine(t, err, "no answer in time")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%#v", err)
		}
	}
	r = newReceiver(t)
	r.answer = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	_, err := notify.Slack{URL: r.url(), Pause: time.Millisecond}.Notify(context.Background(), message())
	oneLine(t, err, "Slack: EOF")
	if n := len(r.all()); n != 1 {
		t.Errorf("%d posts, of which Slack may have shown each", n)
	}
}

func TestAURLThatIsNone(t *testing.T) {
	for _, u := range []notify.Secret{"", "hooks\x00" + hidden, "ftp://127.0.0.1/" + hidden} {
		for _, way := range []notify.Way{notify.Slack{URL: u, Pause: time.Millisecond}, notify.Webhook{URL: u, Pause: time.Millisecond}} {
			if _, err := way.Notify(soon(t, 10*time.Millisecond), message()); err == nil {
				t.Errorf("%s", string(u))
			}
		}
	}
}

func TestAWebhookIsSigned(t *testing.T) {
	r := newReceiver(t)
	r.answer = statuses(500)
	w := notify.Webhook{URL: r.url(), Key: "a key", Pause: time.Millisecond}
	m := hostile()
	m.Document = document(t)
	id, err := w.Notify(context.Background(), m)
	if err != nil || len(r.bodies) != 2 {
		t.Fatalf("%d requests, %v", len(r.bodies), err)
	}
	for i, h := range r.headers {
		stamp := h.Get("webhook-timestamp")
		mac := hmac.New(sha256.New, []byte("a key"))
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, r.bodies[i])
		if h.Get("webhook-id") != id || h.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) || h.Get("Content-Type") != "application/json" {
			t.Errorf("%v", h)
		}
	}
	var body struct {
		Schema, ID, Subject string
		Document            struct{ Schema, RootCause string }
	}
	if err := json.Unmarshal([]byte(r.bodies[0]), &body); err != nil {
		t.Fatal(err)
	}
	if body.Schema != notify.NotificationV1 || body.ID != id || body.Document.Schema != report.SchemaV1 || body.Document.RootCause == "" {
		t.Errorf("%+v", body)
	}
}

const consoleURL = "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1&x=1#/v2/executions/details/arn:aws:states:us-east-1:123456789012:execution:m:e"

// document is one whose every text means harm.
func document(t *testing.T) *report.Document {
	t.Helper()
	const evil = "<!channel> <@U123> <http://evil.example|click me> *x* `y` ```z``` http://evil.example & ana@example.com \x1b[31m"
	m, err := asl.Parse("order", []byte(`{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	problem := evil
	c := diagnose.NewRowCase(diagnose.Row{Error: &problem, Cause: &problem, StateName: evil})
	c.Machine = m
	rule := &diagnose.Rule{Name: "evil", Check: func(*diagnose.Case) []diagnose.Finding {
		return []diagnose.Finding{{
			Title: evil, Category: diagnose.Other, Confidence: diagnose.Certain, RootCause: strings.Repeat(evil, 100),
			Remedies: []diagnose.Remedy{{Title: evil, Steps: []string{evil, strings.Repeat("<", 4000)}}},
		}}
	}}
	r := new(redact.Redactor)
	d, err := (&diagnose.Doctor{Rules: []*diagnose.Rule{rule}, Redact: r}).Diagnose(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := report.New(d, r, report.Options{Seen: &report.Sighting{Count: 14}})
	if err != nil {
		t.Fatal(err)
	}
	doc.Links = []report.Link{
		{Title: redact.Static("execution in the AWS console"), URL: redact.Static(consoleURL)},
		{Title: r.Text(evil), URL: r.Text("https://x.example/" + evil)}, // could only be of somebody else's making
	}
	return &doc
}

func TestNothingInASlackMessageIsALinkOrAMention(t *testing.T) {
	for name, m := range map[string]notify.Message{
		"document": {ID: "1", Subject: hostile().Text, Document: document(t)},
		"text":     {ID: "1", Subject: hostile().Text, Text: redact.Join("\n", hostile().Text, new(redact.Redactor).Text(strings.Repeat(strings.Repeat("<&>", 50)+"\n", 300)+strings.Repeat("é<", 9000)))},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			if _, err := (notify.Slack{URL: r.url()}).Notify(context.Background(), m); err != nil {
				t.Fatal(err)
			}
			var body struct {
				Text, Parse string
				UnfurlLinks bool `json:"unfurl_links"`
				Blocks      []struct {
					Type     string
					Text     *slackText
					Elements []slackText
				}
			}
			if err := json.Unmarshal([]byte(r.all()[0]), &body); err != nil {
				t.Fatal(err)
			}
			texts := []string{body.Text}
			for _, b := range body.Blocks {
				if b.Text != nil {
					b.Elements = append(b.Elements, *b.Text)
				}
				for _, e := range b.Elements {
					if n := utf8.RuneCountInString(e.Text); n == 0 || n > 3000 || b.Type == "header" && n > 150 {
						t.Errorf("%s has %d characters", b.Type, n)
					}
					if e.Type == "mrkdwn" {
						texts = append(texts, e.Text)
						if !e.Verbatim {
							t.Error("not verbatim")
						}
					}
				}
			}
			linked := false
			for _, text := range texts {
				if text == "<"+strings.ReplaceAll(consoleURL, "&", "&amp;")+"|execution in the AWS console>" {
					linked = true
					continue
				}
				if strings.ContainsAny(text, "<>\x1b") || strings.Contains(text, "http://") || strings.Count(text, "`")%6 != 0 {
					t.Errorf("%.300q", text)
				}
			}
			if linked != (m.Document != nil) {
				t.Errorf("our own link is there: %v", linked)
			}
			if len(body.Blocks) < 2 || len(body.Blocks) > 50 || body.Parse != "none" || body.UnfurlLinks {
				t.Errorf("%d blocks, parse %s", len(body.Blocks), body.Parse)
			}
		})
	}
}

type slackText struct {
	Type, Text string
	Verbatim   bool
}

type panicking struct{}

func (panicking) Notify(context.Context, notify.Message) (string, error) { panic(hidden) }

func TestFanoutTriesAll(t *testing.T) {
	good, bad := newReceiver(t), newReceiver(t)
	bad.answer = statuses(404)
	f := notify.Fanout{notify.Slack{URL: bad.url()}, panicking{}, notify.Slack{URL: good.url()}, notify.SMTP{}}
	where, err := f.Notify(context.Background(), message())
	if where != "Slack" || len(good.all()) != 1 {
		t.Errorf("%q, %d", where, len(good.all()))
	}
	oneLine(t, err, "Slack: 404")
	oneLine(t, err, "broke down (notify_test.panicking)")
	oneLine(t, err, "the sender's mail address")
}
