package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Webhook posts the message with its diagnosis document as JSON. Its headers are those
// of the Standard Webhooks specification: webhook-id, the same whenever a message is
// sent, so that a receiver can drop repetitions; webhook-timestamp; and, with a Key,
// webhook-signature: "v1," and the HMAC-SHA256 of "ID.TIMESTAMP.BODY" in base64.
//
// Answers of 429 and 5xx, and no answer, are tried again while ctx allows.
type Webhook struct {
	URL    Secret
	Key    Secret        // the bytes of the key as they are; "": not signed
	Client *http.Client  // nil: one with 30 seconds for a try
	Pause  time.Duration // before the second try, doubled each time; 0: half a second
}

// NotificationV1 is the name of the body's form. Within it members are only added.
const NotificationV1 = "stepsleuth/notification/v1"

// notification is the body.
type notification struct {
	Schema   redact.Text      `json:"schema"`
	ID       string           `json:"id"`
	Time     time.Time        `json:"time"`
	Subject  redact.Text      `json:"subject"`
	Text     redact.Text      `json:"text"`
	Document *report.Document `json:"document"` // null where the message is about no single failure
}

// webhookTries is how often a message is offered.
const webhookTries = 5

// Notify posts the message and returns its id.
func (w Webhook) Notify(ctx context.Context, m Message) (string, error) {
	id := "msg_" + m.hash()
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(notification{redact.Static(NotificationV1), id, m.Time.UTC(), m.Subject, m.Text, m.Document}); err != nil {
		return "", fmt.Errorf("write the notification: %w", err)
	}
	p := poster{
		whom: "webhook " + host(w.URL), url: w.URL, client: w.Client, tries: webhookTries, pause: w.Pause, resend: true,
		again:   func(status int) bool { return status == http.StatusTooManyRequests || status >= 500 },
		header:  func(now time.Time) http.Header { return w.header(id, now, body.Bytes()) },
		secrets: []Secret{w.Key},
	}
	if err := p.post(ctx, body.Bytes()); err != nil {
		return "", err
	}
	return id, nil
}

func (w Webhook) header(id string, now time.Time, body []byte) http.Header {
	stamp := strconv.FormatInt(now.Unix(), 10)
	h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}}
	if w.Key != "" {
		mac := hmac.New(sha256.New, []byte(w.Key))
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
		h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return h
}

// host is the part of a URL that may be shown.
func host(u Secret) string {
	parsed, err := url.Parse(string(u))
	if err != nil || parsed.Host == "" {
		return "(no valid URL)"
	}
	return oneLine(parsed.Host, 100)
}
