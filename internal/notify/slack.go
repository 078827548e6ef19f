package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Slack posts to an incoming webhook: verdict, root cause, fix, and the document's own
// links as blocks. Nothing else in the message can become a link, a mention or markup.
//
// Slack cannot tell a repetition, so only what it has refused for now (429, 503), or
// what did not reach it, is tried again.
type Slack struct {
	URL    Secret
	Client *http.Client  // nil: one with 30 seconds for a try
	Pause  time.Duration // before the second try, doubled each time; 0: half a second
}

// What Slack takes, in characters.
const (
	maxHeader   = 150
	maxSection  = 3000
	maxContext  = 1000 // our choice: it is the small print
	maxSections = 8    // of a text without a document
	slackTries  = 4
)

type slackMessage struct {
	Text        string       `json:"text"` // for notifications and screen readers
	Blocks      []slackBlock `json:"blocks"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
	Parse       string       `json:"parse"`
	LinkNames   bool         `json:"link_names"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim,omitempty"` // no links of bare addresses and names
	Emoji    *bool  `json:"emoji,omitempty"`
}

// Notify posts the message. Slack gives no id.
func (s Slack) Notify(ctx context.Context, m Message) (string, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(slackOf(m)); err != nil {
		return "", fmt.Errorf("write the message for Slack: %w", err)
	}
	p := poster{
		whom: "Slack", url: s.URL, client: s.Client, tries: slackTries, pause: s.Pause,
		again: func(status int) bool {
			return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
		},
		header: func(time.Time) http.Header { return http.Header{} },
	}
	if err := p.post(ctx, body.Bytes()); err != nil {
		return "", err
	}
	return "Slack", nil
}

func slackOf(m Message) slackMessage {
	headline := strings.TrimPrefix(oneLine(m.Subject.String(), maxHeader-10), "[stepsleuth] ")
	out := slackMessage{Text: escape(headline), Parse: "none"}
	no := false
	out.Blocks = append(out.Blocks, slackBlock{Type: "header", Text: &slackText{Type: "plain_text", Text: headline, Emoji: &no}})
	if m.Document == nil {
		out.Blocks = append(out.Blocks, plainBlocks(m.Text)...)
		return out
	}
	out.Blocks = append(out.Blocks, documentBlocks(*m.Document)...)
	return out
}

// documentBlocks are root cause, fix, and the small print.
func documentBlocks(doc report.Document) []slackBlock {
	var blocks []slackBlock
	if !doc.RootCause.IsZero() {
		blocks = append(blocks, section("*Root cause*\n", doc.RootCause, ""))
	}
	if len(doc.Remediation) > 0 {
		blocks = append(blocks, fixBlocks(doc.Remediation[0])...)
	}
	if len(doc.Next) > 0 {
		blocks = append(blocks, section("*Next*\n```", doc.Next[0], "```"))
	}
	if links := ownLinks(doc); links != "" {
		text := slackText{Type: "mrkdwn", Text: links, Verbatim: true}
		blocks = append(blocks, slackBlock{Type: "section", Text: &text})
	}
	if small := smallPrint(doc); !small.IsZero() {
		blocks = append(blocks, slackBlock{Type: "context", Elements: []slackText{mrkdwn("", small, "", maxContext)}})
	}
	return blocks
}

// ownLinks are the links that the report has built itself, in Slack's form.
func ownLinks(doc report.Document) string {
	var links []string
	for _, l := range doc.Links {
		if address := l.URL.String(); strings.HasPrefix(address, "https://") && !strings.ContainsAny(address, "<>| \n") {
			links = append(links, "<"+strings.ReplaceAll(address, "&", "&amp;")+"|"+escape(oneLine(l.Title.String(), maxHeader))+">")
		}
	}
	return strings.Join(links, "  ·  ")
}

// trimmed is a diff without the white space at its end.
func trimmed(t redact.Text) redact.Text {
	return t.Truncate(len(strings.TrimRight(t.String(), " \n")))
}

func fixBlocks(r report.Remedy) []slackBlock {
	title := r.Title
	if v := r.Verification; v != nil {
		title = redact.Format("%v: %v", v.Status, title)
	}
	blocks := []slackBlock{section("*Fix* ", title, "")}
	switch {
	case r.Diff != nil:
		blocks = append(blocks, section("```", trimmed(*r.Diff), "```"))
	case len(r.Steps) > 0:
		blocks = append(blocks, section("", redact.Join("\n", r.Steps...), ""))
	}
	return blocks
}

// smallPrint names the execution, how often it was seen, and the fingerprint.
func smallPrint(doc report.Document) redact.Text {
	var parts []redact.Text
	if x := doc.Execution; x != nil && x.ARN != nil {
		parts = append(parts, *x.ARN)
	}
	if s := doc.Seen; s != nil && s.Count > 1 {
		parts = append(parts, redact.Format("seen %dx", s.Count))
	}
	if n := len(doc.Missing); n > 0 {
		parts = append(parts, redact.Format("not checked: %v", doc.Missing[0]))
	}
	if doc.Fingerprint != nil {
		parts = append(parts, *doc.Fingerprint)
	}
	return redact.Join("\n", parts...)
}

// plainBlocks shows a text as it is, in pieces.
func plainBlocks(t redact.Text) []slackBlock {
	var blocks []slackBlock
	var piece []redact.Text
	length := 0
	flush := func() {
		if len(piece) > 0 {
			blocks = append(blocks, section("```", redact.Join("\n", piece...), "```"))
		}
		piece, length = nil, 0
	}
	for _, line := range t.Lines() {
		n := utf8.RuneCountInString(escape(line.String())) + 1
		if length+n > maxSection-6 {
			flush()
		}
		piece, length = append(piece, line), length+n
	}
	flush()
	if len(blocks) > maxSections {
		blocks = append(blocks[:maxSections], section("_and more_", redact.Text{}, ""))
	}
	return blocks
}

func section(before string, t redact.Text, after string) slackBlock {
	text := mrkdwn(before, t, after, maxSection)
	return slackBlock{Type: "section", Text: &text}
}

// mrkdwn is text between our own markup, cut so that all of it has at most limit characters.
func mrkdwn(before string, t redact.Text, after string, limit int) slackText {
	room := limit - utf8.RuneCountInString(before+after) - 1
	text := escape(t.String())
	for n := len(t.String()); utf8.RuneCountInString(text) > room; n = n * 9 / 10 {
		text = escape(t.Truncate(n).String()) + "…"
	}
	return slackText{Type: "mrkdwn", Text: before + text + after, Verbatim: true}
}

// escape leaves no control sequence: those begin with <. What else Slack would take for
// markup gets an invisible character, so that it is shown as it is.
func escape(s string) string {
	return slackEscapes.Replace(visible(s))
}

var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "ˋ", "://", ":\u2060//", "@", "@\u2060")
