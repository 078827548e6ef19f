package eval

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Score sums up marks. Counts are of documents.
type Score struct {
	Name            string `json:"name"` // "headline", "all", or a category of the labels
	Rows            int    `json:"rows"`
	State           int    `json:"state"`
	Category        int    `json:"category"`
	Mentions        int    `json:"mentions"`
	Retryable       int    `json:"retryable"`
	Abstained       int    `json:"abstained"`       // "other", whether right or not
	Broken          int    `json:"mustNotBroken"`   // said what must not be said
	WrongAndCertain int    `json:"wrongAndCertain"` // a wrong category, called certain
}

func (s *Score) add(m Mark) {
	s.Rows++
	s.State += one(m.State)
	s.Category += one(m.Category)
	s.Mentions += one(m.Mentions)
	s.Retryable += one(m.Retryable)
	s.Abstained += one(m.Abstained)
	s.Broken += one(len(m.Broken) > 0)
	s.WrongAndCertain += one(!m.Category && m.Certain)
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Sum adds marks up: all of them, the headline rows, and those by their label's category.
func Sum(marks []Mark) []Score {
	all, headline := &Score{Name: "all"}, &Score{Name: "headline"}
	byCategory := map[string]*Score{}
	for _, m := range marks {
		all.add(m)
		if !m.Headline {
			continue
		}
		headline.add(m)
		if byCategory[m.Want] == nil {
			byCategory[m.Want] = &Score{Name: m.Want}
		}
		byCategory[m.Want].add(m)
	}
	scores := []Score{*headline, *all}
	var rest []Score
	for _, s := range byCategory {
		rest = append(rest, *s)
	}
	slices.SortFunc(rest, func(a, b Score) int { return cmp.Compare(a.Name, b.Name) })
	return append(scores, rest...)
}

// Write prints the scores as a table, and below it each mark that is not perfect.
// With states, the table says how often the failing state was right.
func Write(w io.Writer, scores []Score, marks []Mark, states bool) error {
	p := &printer{w: w}
	p.printf("%-28s %5s", "", "rows")
	if states {
		p.printf(" %9s", "state")
	}
	p.printf(" %9s %9s %9s %9s %8s %14s\n", "category", "mentions", "retryable", "abstained", "mustnot", "wrong+certain")
	for _, s := range scores {
		p.printf("%-28s %5d", s.Name, s.Rows)
		if states {
			p.printf(" %8.1f%%", percent(s.State, s.Rows))
		}
		p.printf(" %8.1f%% %8.1f%% %8.1f%% %9d %8d %14d\n", percent(s.Category, s.Rows), percent(s.Mentions, s.Rows),
			percent(s.Retryable, s.Rows), s.Abstained, s.Broken, s.WrongAndCertain)
	}
	for _, m := range marks {
		p.mark(m, states)
	}
	return p.err
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) mark(m Mark, states bool) {
	if m.Category && m.Mentions && m.Retryable && len(m.Broken) == 0 && (m.State || !states) {
		return
	}
	p.printf("\n%s", m.ID)
	if !m.Category {
		p.printf("  category %s, want %s", cmp.Or(m.Got, "none"), m.Want)
	}
	if !m.State && states {
		p.printf("  wrong state")
	}
	if !m.Retryable {
		p.printf("  wrong retryable")
	}
	for _, expr := range m.Unsaid {
		p.printf("  unsaid /%s/", expr)
	}
	for _, expr := range m.Broken {
		p.printf("  SAID /%s/", expr)
	}
	p.printf("\n")
}
