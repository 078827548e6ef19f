package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/redact"
)

// cause writes the root cause with what it rests on.
func (p *printer) cause() {
	text := p.doc.RootCause.String()
	if text == "" {
		text = "not found: no rule knows this failure"
	}
	var cites []string
	for _, f := range p.doc.Findings {
		if len(cites) == 0 && !f.Contributing && f.Rule != redact.Static("model") {
			for _, c := range f.Cites {
				cites = append(cites, "["+c.String()+"]")
			}
		}
	}
	if m := p.doc.Model; m != nil && m.Leads {
		text = "(the model's reading, checked against the evidence) " + text
		for _, c := range m.Claims {
			for _, id := range c.Cites {
				cites = append(cites, "["+id.String()+"]")
			}
		}
		slices.Sort(cites)
		cites = slices.Compact(cites)
	}
	p.item("root cause", text+"  "+strings.Join(cites[:min(len(cites), 6)], " "), 6)
	p.item("", p.doc.Explanation.String(), 5)
}

// badges colours what is known of a remedy.
var badges = map[string]string{
	string(diagnose.Verified): green, string(diagnose.Partial): yellow,
	string(diagnose.Refuted): red, string(diagnose.Unverifiable): yellow,
}

// fixes writes the first remedy in full and the titles of the others.
func (p *printer) fixes() {
	for i, r := range p.doc.Remediation {
		if i == 0 {
			p.fix(r)
			continue
		}
		if i < 4 {
			p.item("or", who(r)+r.Title.String(), 2)
		}
	}
}

func who(r Remedy) string {
	if r.ByModel {
		return "(the model proposes) "
	}
	return ""
}

// fix writes badge, title, how it was tried, the diff and the steps.
func (p *printer) fix(r Remedy) {
	badge, how := badgeOf(r)
	text := strings.TrimSpace(badge + " " + who(r) + r.Title.String())
	if how != "" {
		text += ": " + how
	}
	for i, s := range fold(neutral(text), p.width-labelWidth) {
		label := ""
		if i == 0 {
			label = "fix"
			s = p.paint(bold+";"+badges[badge], badge) + strings.TrimPrefix(s, badge)
		}
		p.line(p.paint(bold, fmt.Sprintf("%-*s", labelWidth, label)) + s)
	}
	p.diff(r)
	for i, s := range r.Steps {
		if i == 5 {
			p.item("", fmt.Sprintf("… %d more steps", len(r.Steps)-i), 1)
			break
		}
		p.item("", fmt.Sprintf("%d. %s", i+1, s.String()), 3)
	}
}

// badgeOf is "" for a remedy that changes no definition: nothing could be run.
func badgeOf(r Remedy) (badge, how string) {
	if v := r.Verification; v != nil {
		return neutral(v.Status.String()), v.How.String()
	}
	if r.Diff != nil || r.LocalOnly {
		return "UNVERIFIED", ""
	}
	return "", ""
}

// maxDiffLines is how much of a diff a terminal shows.
const maxDiffLines = 12

func (p *printer) diff(r Remedy) {
	if r.LocalOnly {
		p.item("", "this change touches a concealed place: only the machine that has the definition can apply it", 2)
	}
	if r.Diff == nil {
		return
	}
	if r.DiffOf != nil {
		p.item("", "of "+str(r.DiffOf)+", the form it was read in; make the same change in the file:", 2)
	}
	lines := strings.Split(strings.TrimSuffix(changedLines(r.Diff.String()), "\n"), "\n")
	leads := commonLeads(lines, p.width-6)
	for i, s := range lines {
		if s == "" {
			continue
		}
		if i == maxDiffLines {
			p.line(fmt.Sprintf("   … %d more lines", len(lines)-i))
			break
		}
		color := red
		if s[0] == '+' {
			color = green
		}
		text := s[1:]
		if n := leads[i]; n > 0 {
			text = "…" + text[n:]
		}
		p.line("   " + p.paint(color, s[:1]+" "+clip(expand(text), p.width-6)))
	}
}

// commonLeads says, for each line of a diff, how many bytes of its text to leave out:
// the beginning that it shares with the line that stands for it, where the change
// would lie outside of the room otherwise.
func commonLeads(lines []string, room int) []int {
	leads := make([]int, len(lines))
	for i := 0; i < len(lines); {
		removed := run(lines[i:], '-')
		added := run(lines[i+removed:], '+')
		for k := range min(removed, added) {
			a, b := lines[i+k][1:], lines[i+removed+k][1:]
			n := commonLead(a, b)
			if width(expand(a[:n])) < room*2/3 || width(expand(a)) <= room && width(expand(b)) <= room {
				continue
			}
			leads[i+k], leads[i+removed+k] = n, n
		}
		i += max(1, removed+added)
	}
	return leads
}

// run counts the lines at the beginning that have the sign.
func run(lines []string, sign byte) int {
	for i, s := range lines {
		if s == "" || s[0] != sign {
			return i
		}
	}
	return len(lines)
}

// shownLead is how much of what two lines share is shown before they differ.
const shownLead = 24

// commonLead is how many bytes two lines begin with alike, less what is shown of it;
// it ends between characters.
func commonLead(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n = max(0, n-shownLead); n > 0 && !utf8.RuneStart(a[n]); {
		n--
	}
	return n
}
