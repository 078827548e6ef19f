package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/redact"
)

// maxSubject is what SNS takes: under 100 characters of ASCII.
const maxSubject = 99

// mailWidth suits every mail program.
const mailWidth = 78

// Mail returns the subject and the plain text of a notification. The subject is ASCII
// without control characters, so nothing in it can add a header. A run in which nothing
// failed makes two lines, of which the second warns about what went wrong quietly. A
// Document that New did not make has no mail: both are "[concealed]".
func Mail(doc Document) (subject, text redact.Text) {
	if doc.conceal == nil {
		return redact.Static("[concealed]"), redact.Static("[concealed]")
	}
	body := success(doc)
	if doc.Failure != nil {
		body = failure(doc)
	}
	subject = doc.conceal.Stored(ascii("[stepsleuth] "+strings.Join(verdictForMail(doc), " "), maxSubject))
	return subject.Truncate(maxSubject), doc.conceal.Stored(body)
}

// failure is the report of the terminal, with the links.
func failure(doc Document) string {
	var text, b bytes.Buffer
	Text(&text, doc, Style{Width: mailWidth}) // a buffer takes everything
	b.WriteString(Inert(text.String()))
	for i, l := range doc.Links {
		if i == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:\n%s\n", neutral(l.Title.String()), neutral(l.URL.String()))
	}
	return b.String()
}

// verdictForMail is short: the category is worth more than what surrounds the state.
func verdictForMail(doc Document) []string {
	out := []string{outcome(doc)}
	if name := machine(doc); name != "" {
		out = append(out, clip(name, 32))
	}
	f := subject(doc)
	if f == nil {
		if n := doc.OtherFailureCount; n > 0 {
			out = append(out, fmt.Sprintf("(%s inside)", plural(n, "quiet failure")))
		}
		return out
	}
	if f.State != nil {
		if len(out) > 1 {
			out = append(out, "/")
		}
		out = append(out, clip(str(f.State), 32))
	}
	if f.Error != nil {
		out = append(out, clip(str(f.Error), 40))
	}
	if doc.Category != nil {
		out = append(out, "("+str(doc.Category)+")")
	}
	return out
}

// ascii keeps printable ASCII, and of the rest a question mark.
func ascii(s string, limit int) string {
	var b strings.Builder
	for _, c := range neutral(s) {
		switch {
		case b.Len() == limit:
			return b.String()
		case c == '…':
			b.WriteByte('~')
		case c < ' ' || c > '~':
			b.WriteByte('?')
		default:
			b.WriteRune(c)
		}
	}
	return strings.TrimSpace(b.String())
}

// success is two lines.
func success(doc Document) string {
	first := outcome(doc)
	if x := doc.Execution; x != nil {
		first = strings.Join(nonEmpty(first, machine(doc), str(x.Name)), "  ")
		if x.Start != nil && x.Stop != nil {
			first += "  in " + x.Stop.Sub(*x.Start).Round(time.Millisecond).String()
		}
	}
	return Inert(clip(neutral(first), 200) + "\n" + clip(neutral(warning(doc)), 400) + "\n")
}

// addresses are what mail programs make links of.
var addresses = lazyregexp.New(`(?i)\b(?:(?:https?|ftps?|file)://|mailto:|www\.)`)

// Inert takes from addresses what makes mail programs show them as links: what stands in
// an input or a cause is to be read, and not to be clicked. https[:]//example.org
func Inert(s string) string {
	return addresses.ReplaceAllStringFunc(s, func(address string) string {
		if name, rest, ok := strings.Cut(address, ":"); ok {
			return name + "[:]" + rest
		}
		return strings.TrimSuffix(address, ".") + "[.]"
	})
}

// warning says what went wrong quietly.
func warning(doc Document) string {
	var parts []string
	if n := doc.OtherFailureCount; n > 0 {
		text := plural(n, "failure") + " inside did not end the execution"
		var names []string
		for i, f := range doc.OtherFailures {
			if i < 3 {
				names = append(names, strings.Join(nonEmpty(where(&f), str(f.Error)), " "))
			}
		}
		parts = append(parts, text+": "+strings.Join(names, "; "))
	}
	for _, f := range doc.Findings {
		parts = append(parts, f.Title.String())
	}
	if len(parts) == 0 {
		return "Nothing went wrong quietly that the history could show."
	}
	return "Look: " + strings.Join(parts, ". ")
}
