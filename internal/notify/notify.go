// Package notify tells people: by mail into an outbox folder or through a mail
// server, through an Amazon SNS topic, in Slack, or through a webhook. It can send
// nothing but redacted text, and judges nothing.
//
// No notifier shows what it was configured with in an error, but for the name of the
// server, the folder or the topic. Every error is one line.
package notify

import (
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Message is one notification.
type Message struct {
	ID       string // unique and stable for one incident: the same message sent twice has the same
	Subject  redact.Text
	Text     redact.Text
	Time     time.Time
	Document *report.Document // what it is about, for those that show more than the text; may be nil
}

// MaxSubject is how long a subject may be: SNS takes fewer than 100 characters.
const MaxSubject = 99

// asciiSubject makes a subject that SNS and every mail program take: printable
// ASCII, one line, not too long.
func asciiSubject(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 0x20 && r < 0x7f:
			b.WriteRune(r)
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		default:
			b.WriteByte('?')
		}
	}
	subject := strings.Join(strings.Fields(b.String()), " ")
	if len(subject) > MaxSubject {
		subject = subject[:MaxSubject-3] + "..."
	}
	return subject
}
