package notify

import (
	"html"
	"strings"
)

// The page shows the text as it is, in letters of one width, so that what is underlined
// stands above its line; mail programs that show plain text in other letters break that.
const (
	pageStart = `<!DOCTYPE html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="margin:0;padding:16px;background:#ffffff;color:#1f2328">
<pre style="margin:0;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre-wrap;overflow-wrap:anywhere">`
	pageEnd = "</pre>\n</body></html>\n"
)

// html is the message's text as a page. Nothing in it is a link but those that the document
// has made itself, and nothing is fetched to show it.
func (m Message) html() string {
	links := map[string]bool{}
	if m.Document != nil {
		for _, l := range m.Document.Links {
			links[l.URL.String()] = true
		}
	}
	var b strings.Builder
	b.WriteString(pageStart)
	for i, line := range strings.Split(strings.TrimRight(m.Text.String(), "\n"), "\n") {
		b.WriteString(htmlLine(line, i == 0, links[line]) + "\n")
	}
	b.WriteString(pageEnd)
	return b.String()
}

// htmlLine marks the verdict, the lines of a diff, and our own links.
func htmlLine(line string, verdict, link bool) string {
	text := html.EscapeString(line)
	switch changed := strings.TrimLeft(line, " "); {
	case link:
		return `<a href="` + text + `" style="color:#0550ae">` + text + `</a>`
	case verdict:
		return "<b>" + text + "</b>"
	case strings.HasPrefix(changed, "-  ") && len(line)-len(changed) == diffIndent:
		return `<span style="background:#ffebe9">` + text + `</span>`
	case strings.HasPrefix(changed, "+  ") && len(line)-len(changed) == diffIndent:
		return `<span style="background:#dafbe1">` + text + `</span>`
	}
	return text
}

// diffIndent is how far the report's text indents a diff.
const diffIndent = 3
