package notify_test

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

// A mail shows the same twice: as plain text, and as a page with letters of one width.
func TestAMailIsTextAndPage(t *testing.T) {
	dir := t.TempDir()
	var r redact.Redactor
	const ours = "https://eu-central-1.console.aws.amazon.com/x?a=1&b=2"
	doc := report.Document{Links: []report.Link{{Title: redact.Static("execution"), URL: redact.Static(ours)}}}
	text := "FAILED <b>x</b>\n  &amp; https[:]//evil.example/ <img src=x onerror=alert(1)> \"'\n   -  old\n   +  new\n" + ours + "\nsee " + ours + " too\n"
	_, err := notify.Outbox{Dir: dir}.Notify(t.Context(), notify.Message{
		ID: "1", Subject: redact.Static("s"), Text: r.Text(text), Time: time.Unix(0, 0), Document: &doc,
	})
	if err != nil {
		t.Fatal(err)
	}
	parts := partsOf(t, dir)
	if len(parts) != 2 || !strings.HasPrefix(parts[0], "text/plain") || !strings.HasPrefix(parts[1], "text/html") {
		t.Fatalf("parts %q", parts)
	}
	if plain := strings.ReplaceAll(parts[0], "\r\n", "\n"); !strings.HasSuffix(plain, text) {
		t.Errorf("plain text %q", plain)
	}
	page := parts[1]
	allowed := regexp.MustCompile(`^</?(html|head|meta|body|pre|b|span|a|!DOCTYPE)\b`)
	for _, tag := range regexp.MustCompile(`<[^>]*`).FindAllString(page, -1) {
		if !allowed.MatchString(tag) || strings.Contains(tag, "onerror") {
			t.Errorf("tag %s", tag)
		}
	}
	if n := strings.Count(page, "<a "); n != 1 || !strings.Contains(page, `<a href="https://eu-central-1.console.aws.amazon.com/x?a=1&amp;b=2"`) {
		t.Errorf("%d links: %s", n, page)
	}
	if strings.Contains(page, "src=") && !strings.Contains(page, "&lt;img src=") || strings.Contains(page, "url(") {
		t.Errorf("it fetches something: %s", page)
	}
	if !strings.Contains(page, "<b>FAILED &lt;b&gt;x&lt;/b&gt;</b>") || strings.Count(page, "<span") != 2 {
		t.Errorf("verdict and diff: %s", page)
	}
}

// partsOf are the parts of the one mail in a folder, their type before their text.
func partsOf(t *testing.T, dir string) []string {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(dir, "*.eml"))
	if len(names) != 1 {
		t.Fatalf("mails %v", names)
	}
	raw, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	m, err := mail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s %v", kind, err)
	}
	var parts []string
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p.Header.Get("Content-Type")+"\n"+string(text))
	}
}
