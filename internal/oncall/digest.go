package oncall

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Digest tells people what happened since they were last told, where that is due:
// equal failures in one message, and what could not be told when it happened. It
// returns where the message went, "" where nothing was due. Whoever calls it decides
// how often; several callers do not disturb each other.
func (r *Responder) Digest(ctx context.Context, now time.Time) (string, error) {
	var where string
	var errs error
	for _, in := range r.counts() {
		told, err := r.digest(ctx, in, now)
		where, errs = cmp.Or(told, where), errors.Join(errs, err)
	}
	return where, errs
}

// counts are the stores that may know something.
func (r *Responder) counts() []Incidents {
	var all []Incidents
	if r.Incidents != nil {
		all = append(all, r.Incidents)
	}
	if r.Spare != nil {
		all = append(all, r.Spare)
	}
	return all
}

func (r *Responder) digest(ctx context.Context, in Incidents, now time.Time) (string, error) {
	if r.Notify == nil {
		return "", nil
	}
	due, err := in.Due(ctx, now)
	if err != nil || len(due.Lines) == 0 {
		return "", err
	}
	where, err := r.Notify.Notify(ctx, digestMessage(due, r.Redact, now))
	if err != nil {
		err = fmt.Errorf("the digest was not sent: %w", err)
	}
	ctx, cancel := settling(ctx)
	defer cancel()
	return where, errors.Join(err, in.Settle(ctx, store.Settlement{Ticket: due.Ticket, At: now, Told: err == nil || where != ""}))
}

// How long a digest may be.
const (
	maxLines  = 40
	maxDrafts = 5
	maxDraft  = 16 << 10
)

func digestMessage(d store.Digest, r *redact.Redactor, now time.Time) notify.Message {
	var known, untold []redact.Text
	var drafts []store.Draft
	total := 0
	hash := sha256.New()
	for i, l := range d.Lines {
		total += l.New
		fmt.Fprintln(hash, l.Fingerprint, l.Count, l.New)
		if i >= maxLines {
			continue
		}
		if l.Told {
			known = append(known, lineText(l, r))
			continue
		}
		untold = append(untold, lineText(l, r))
		if !l.Draft.Text.IsZero() && len(drafts) < maxDrafts {
			drafts = append(drafts, l.Draft)
		}
	}
	var text []redact.Text
	if len(known) > 0 {
		text = append(append(text, redact.Static("Failures that you were told of happened again:\n")), known...)
	}
	if len(untold) > 0 {
		text = append(append(text, redact.Static("Failures that you were not told of when they happened, as the message could not be sent:\n")), untold...)
	}
	if n := len(d.Lines) - maxLines; n > 0 {
		text = append(text, redact.Format("and %d more kinds of failure\n", n))
	}
	for _, draft := range drafts {
		text = append(text, redact.Format("----\n%v\n\n%v", draft.Subject, draft.Text.Truncate(maxDraft)))
	}
	return notify.Message{
		ID:      "digest/" + hex.EncodeToString(hash.Sum(nil)[:16]),
		Subject: redact.Format("[stepsleuth] digest: failures since the last message: %d, kinds: %d", total, len(d.Lines)),
		Text:    redact.Join("\n", text...),
		Time:    now,
	}
}

// lineText is one series in a digest.
func lineText(l store.Line, r *redact.Redactor) redact.Text {
	headline := l.Headline
	if headline.IsZero() {
		headline = redact.Static("a failure that could not be examined")
	}
	text := redact.Format("%6dx  %v\n         %d in all since %v, the last at %v\n", l.New, inert(r, r.Stored(strings.TrimPrefix(headline.String(), "[stepsleuth] "))), l.Count, clock(l.First), clock(l.Last))
	if !l.Example.IsZero() {
		text = redact.Format("%v         the latest: %v\n", text, l.Example)
	}
	return redact.Format("%v         fingerprint %v\n", text, r.Text(l.Fingerprint))
}

// inert is a text in which a mail program finds no link.
func inert(r *redact.Redactor, t redact.Text) redact.Text { return r.Stored(report.Inert(t.String())) }

func clock(t time.Time) redact.Text {
	t = t.UTC()
	return redact.Format("%04d-%02d-%02d %02d:%02d UTC", t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute())
}
