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
	Mentions        int    `json:"mentions"`        // of a history: not asked, and 0
	Retryable       int    `json:"retryable"`       // likewise
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
// Of histories the table says how often the failing state and the category were
// right, which is all that their labels tell.
func Write(w io.Writer, scores []Score, marks []Mark, histories bool) error {
	p := &printer{w: w}
	if histories {
		p.printf("%-28s %5s %9s %9s %9s %14s\n", "", "rows", "state", "category", "abstained", "wrong+certain")
		for _, s := range scores {
			p.printf("%-28s %5d %8.1f%% %8.1f%% %9d %14d\n", s.Name, s.Rows, percent(s.State, s.Rows), percent(s.Category, s.Rows), s.Abstained, s.WrongAndCertain)
		}
	} else {
		p.printf("%-28s %5s %9s %9s %9s %9s %8s %14s\n", "", "rows", "category", "mentions", "retryable", "abstained", "mustnot", "wrong+certain")
		for _, s := range scores {
			p.printf("%-28s %5d %8.1f%% %8.1f%% %8.1f%% %9d %8d %14d\n", s.Name, s.Rows, percent(s.Category, s.Rows), percent(s.Mentions, s.Rows),
				percent(s.Retryable, s.Rows), s.Abstained, s.Broken, s.WrongAndCertain)
		}
	}
	for _, m := range marks {
		p.mark(m, histories)
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

func (p *printer) mark(m Mark, history bool) {
	if m.Perfect(history) {
		return
	}
	p.printf("\n%s", m.ID)
	if !m.Category {
		sure := ""
		if m.Certain {
			sure = " (called certain)"
		}
		p.printf("  category %s%s, want %s", cmp.Or(m.Got, "none"), sure, m.Want)
	}
	if !m.State {
		p.printf("  wrong state")
	}
	if !m.Retryable && !history {
		p.printf("  retryable %s, want %s", cmp.Or(m.Answer, "not said"), m.Label)
	}
	for _, expr := range m.Unsaid {
		p.printf("  unsaid /%s/", expr)
	}
	for _, expr := range m.Broken {
		p.printf("  SAID /%s/", expr)
	}
	p.printf("\n")
}
