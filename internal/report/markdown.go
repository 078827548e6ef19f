package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/stepsleuth/stepsleuth/redact"
)

// JSON writes the document as indented JSON with a line feed at its end.
func JSON(w io.Writer, doc Document) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Markdown writes the report for a ticket or a pull request. Text of the document
// cannot become a link, an image, HTML or a mention in it, nor leave a code fence.
func Markdown(w io.Writer, doc Document) error {
	m := &markdown{doc: doc}
	m.head()
	if doc.Failure != nil {
		m.code()
		m.cause()
		m.remedies()
	} else {
		m.quiet()
	}
	m.bullets("Next", doc.Next, code)
	m.findings()
	m.bullets("Prevention", doc.Prevention, prose)
	m.bullets("Documentation", doc.Docs, prose)
	m.timeline()
	m.bullets("Not checked", doc.Missing, prose)
	m.footer()
	_, err := w.Write(m.out.Bytes())
	return err
}

type markdown struct {
	doc Document
	out bytes.Buffer
}

func (m *markdown) printf(format string, args ...any) { fmt.Fprintf(&m.out, format, args...) }

func (m *markdown) head() {
	words := verdict(m.doc, nil)
	m.printf("## %s %s\n\n", prose(words[0]), prose(words[1]))
	var facts []string
	for _, s := range words[2:] {
		facts = append(facts, prose(s))
	}
	if len(facts) > 0 {
		m.printf("%s\n\n", strings.Join(facts, " · "))
	}
	if m.doc.Failure != nil {
		p := printer{doc: m.doc}
		m.printf("%s\n\n", prose(p.event()))
	}
}

// code shows frame, input and cause, each in a fence.
func (m *markdown) code() {
	p := &printer{doc: m.doc, width: 100}
	p.place()
	m.fence("text", p.out.String())
}

func (m *markdown) cause() {
	if t := m.doc.RootCause; !t.IsZero() {
		m.printf("**Root cause.** %s", prose(t.String()))
		for _, e := range m.doc.Evidence {
			m.printf(" [%s]", prose(e.ID.String()))
		}
		m.printf("\n\n")
	} else {
		m.printf("**Root cause.** Not found: no rule knows this failure.\n\n")
	}
	if t := m.doc.Explanation; !t.IsZero() {
		m.printf("%s\n\n", prose(t.String()))
	}
}

func (m *markdown) remedies() {
	for i, r := range m.doc.Remediation {
		m.printf("**Fix %d.** %s%s", i+1, who(r), prose(r.Title.String()))
		if v := r.Verification; v != nil {
			m.printf(" — **%s** %s", prose(v.Status.String()), prose(v.How.String()))
		}
		m.printf("\n\n")
		if r.LocalOnly {
			m.printf("This change touches a concealed place: only the machine that has the definition can apply it.\n\n")
		}
		if r.Diff != nil {
			m.fence("diff", r.Diff.String())
		}
		for n, s := range r.Steps {
			m.printf("%d. %s\n", n+1, prose(s.String()))
		}
		if len(r.Steps) > 0 {
			m.printf("\n")
		}
	}
}

func (m *markdown) quiet() {
	m.printf("%s inside that did not end the execution.\n\n", plural(m.doc.OtherFailureCount, "failure"))
	for _, f := range m.doc.OtherFailures {
		m.printf("- %s: %s\n", prose(where(&f)), prose(str(f.Error)))
	}
	if len(m.doc.OtherFailures) > 0 {
		m.printf("\n")
	}
}

func (m *markdown) findings() {
	if len(m.doc.Findings) == 0 {
		return
	}
	m.printf("**Findings**\n\n")
	for _, f := range m.doc.Findings {
		m.printf("- %s: %s (%s)\n", code(f.Rule.String()), prose(f.Title.String()), prose(f.Confidence.String()))
	}
	m.printf("\n")
}

func (m *markdown) bullets(title string, texts []redact.Text, show func(string) string) {
	if len(texts) == 0 {
		return
	}
	m.printf("**%s**\n\n", title)
	for _, t := range texts {
		m.printf("- %s\n", show(t.String()))
	}
	m.printf("\n")
}

func (m *markdown) timeline() {
	var parts []string
	for _, s := range m.doc.Timeline {
		parts = append(parts, prose(stepText(s)))
	}
	if len(parts) > 0 {
		m.printf("**Timeline** %s\n\n", strings.Join(parts, " → "))
	}
}

func (m *markdown) footer() {
	if use := m.doc.Model; use != nil {
		m.printf("**Model** %s\n\n", prose(modelText(use)))
	}
	parts := []string{plural(m.doc.Redactions.Count, "value") + " concealed"}
	if m.doc.Fingerprint != nil {
		parts = append(parts, "fingerprint "+code(str(m.doc.Fingerprint)))
	}
	for _, l := range m.doc.Links { // ours: built from ARNs, part by part
		parts = append(parts, fmt.Sprintf("[%s](%s)", prose(l.Title.String()), destination(l.URL.String())))
	}
	m.printf("%s\n", strings.Join(parts, " · "))
}

// destination escapes what could end a link's destination early.
func destination(url string) string {
	return strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", " ", "%20", "\n", "", "\\", "%5C").Replace(url)
}

// fence writes a code block whose fence is longer than any run of backticks inside.
func (m *markdown) fence(language, text string) {
	mark := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	m.printf("%s%s\n", mark, language)
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		m.printf("%s\n", expand(line))
	}
	m.printf("%s\n\n", mark)
}

func longestRun(s string, c rune) int {
	longest, run := 0, 0
	for _, r := range s {
		if r != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// code is a code span: nothing inside is markup.
func code(s string) string {
	s = cmp.Or(strings.TrimSpace(neutral(s)), " ")
	mark := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return mark + s + mark
}

// prose is one line of text in which nothing is markup. Words that some renderers
// link on their own (addresses, mentions, issue numbers) become code spans.
func prose(s string) string {
	words := strings.Fields(neutral(s))
	for i, w := range words {
		if linkable(w) {
			words[i] = code(w)
			continue
		}
		words[i] = escapeMarkup(w)
	}
	return strings.Join(words, " ")
}

func linkable(word string) bool {
	lower := strings.ToLower(word)
	return strings.Contains(lower, "://") || strings.Contains(lower, "www.") || strings.Contains(lower, "mailto:") ||
		strings.Contains(lower, "xmpp:") || strings.ContainsAny(word, "@#")
}

// escapeMarkup escapes what opens or closes markup: at any place the signs of spans, and
// at the beginning of a word those of blocks.
func escapeMarkup(word string) string {
	var b strings.Builder
	for i, c := range word {
		inside := strings.ContainsRune(`\`+"`*_[]<>|~&!$", c)
		atStart := i == 0 && strings.ContainsRune("#+-=>:", c)
		ordinal := (c == '.' || c == ')') && i > 0 && strings.Trim(word[:i], "0123456789") == ""
		if inside || atStart || ordinal {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
