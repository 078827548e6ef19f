// Package lazyregexp holds regular expressions that cost nothing until they are
// asked, so that the hundreds that stand in variables of packages are free for a
// command that does not use them, and little where they cannot match: each knows
// texts of which every match holds one, and looks for those first.
package lazyregexp

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// Regexp is a regular expression that is compiled when it is first used. Its
// methods are those of regexp.Regexp. It is safe for concurrent use.
type Regexp struct {
	text     string
	compiled func() compiled
}

type compiled struct {
	re  *regexp.Regexp
	has []string // lower case; every match holds one of them; nil: nothing is known
}

// New returns the regular expression that text describes (RE2). One that is wrong
// panics at its first use: tests compile every constant text in this repository.
func New(text string) *Regexp {
	return &Regexp{text, sync.OnceValue(func() compiled {
		return compiled{regexp.MustCompile(text), literals(text)}
	})}
}

// String is the text of the expression.
func (r *Regexp) String() string { return r.text }

// Literals returns the lower-case texts of which every match holds one; nil where
// none are known, and every text has to be tried.
func (r *Regexp) Literals() []string { return r.compiled().has }

// in returns the expression, or nil where s cannot match.
func (r *Regexp) in(s string) *regexp.Regexp {
	if c := r.compiled(); c.has == nil {
		return c.re
	}
	return r.inLower(strings.ToLower(s))
}

func (r *Regexp) inLower(lower string) *regexp.Regexp {
	c := r.compiled()
	if c.has == nil {
		return c.re
	}
	for _, literal := range c.has {
		if strings.Contains(lower, literal) {
			return c.re
		}
	}
	if strings.Contains(lower, "ſ") { // a letter s to an expression that heeds no case
		return c.re
	}
	return nil
}

// MatchString is regexp.Regexp's.
func (r *Regexp) MatchString(s string) bool {
	re := r.in(s)
	return re != nil && re.MatchString(s)
}

// FindString is regexp.Regexp's.
func (r *Regexp) FindString(s string) string {
	if re := r.in(s); re != nil {
		return re.FindString(s)
	}
	return ""
}

// FindStringIndex is regexp.Regexp's.
func (r *Regexp) FindStringIndex(s string) []int {
	if re := r.in(s); re != nil {
		return re.FindStringIndex(s)
	}
	return nil
}

// FindStringSubmatch is regexp.Regexp's.
func (r *Regexp) FindStringSubmatch(s string) []string {
	if re := r.in(s); re != nil {
		return re.FindStringSubmatch(s)
	}
	return nil
}

// FindStringSubmatchIndex is regexp.Regexp's.
func (r *Regexp) FindStringSubmatchIndex(s string) []int {
	if re := r.in(s); re != nil {
		return re.FindStringSubmatchIndex(s)
	}
	return nil
}

// FindAllString is regexp.Regexp's.
func (r *Regexp) FindAllString(s string, n int) []string {
	if re := r.in(s); re != nil {
		return re.FindAllString(s, n)
	}
	return nil
}

// FindAllStringSubmatch is regexp.Regexp's.
func (r *Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	if re := r.in(s); re != nil {
		return re.FindAllStringSubmatch(s, n)
	}
	return nil
}

// FindAllStringSubmatchIndex is regexp.Regexp's.
func (r *Regexp) FindAllStringSubmatchIndex(s string, n int) [][]int {
	if re := r.in(s); re != nil {
		return re.FindAllStringSubmatchIndex(s, n)
	}
	return nil
}

// FindAllStringIndex is regexp.Regexp's.
func (r *Regexp) FindAllStringIndex(s string, n int) [][]int {
	if re := r.in(s); re != nil {
		return re.FindAllStringIndex(s, n)
	}
	return nil
}

// ReplaceAllString is regexp.Regexp's.
func (r *Regexp) ReplaceAllString(s, with string) string {
	if re := r.in(s); re != nil {
		return re.ReplaceAllString(s, with)
	}
	return s
}

// ReplaceAllLiteralString is regexp.Regexp's.
func (r *Regexp) ReplaceAllLiteralString(s, with string) string {
	if re := r.in(s); re != nil {
		return re.ReplaceAllLiteralString(s, with)
	}
	return s
}

// Split is regexp.Regexp's.
func (r *Regexp) Split(s string, n int) []string { return r.compiled().re.Split(s, n) }

// ReplaceAllStringFunc is regexp.Regexp's.
func (r *Regexp) ReplaceAllStringFunc(s string, with func(string) string) string {
	if re := r.in(s); re != nil {
		return re.ReplaceAllStringFunc(s, with)
	}
	return s
}

// List is several expressions of which any may match. Apart they can each be left
// out of a text that does not hold what they need; as one expression they cannot.
type List []*Regexp

// Any returns the list of the expressions that texts describe.
func Any(texts ...string) List {
	list := make(List, len(texts))
	for i, text := range texts {
		list[i] = New(text)
	}
	return list
}

// MatchString reports that one of them matches.
func (l List) MatchString(s string) bool {
	return l.Index(s) >= 0
}

// Index is where the first match begins, -1 where none matches.
func (l List) Index(s string) int {
	first, lower := -1, strings.ToLower(s)
	for _, p := range l {
		re := p.inLower(lower)
		if re == nil {
			continue
		}
		if loc := re.FindStringIndex(s); loc != nil && (first < 0 || loc[0] < first) {
			first = loc[0]
		}
	}
	return first
}

// shortest is how long a literal has to be to be worth looking for.
const shortest = 2

func literals(expr string) []string {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil || anchored(tree) {
		return nil // an anchored expression fails at once anyway
	}
	return needed(tree)
}

func anchored(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginText:
		return true
	case syntax.OpConcat, syntax.OpCapture:
		return len(re.Sub) > 0 && anchored(re.Sub[0])
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if !anchored(sub) {
				return false
			}
		}
		return true
	}
	return false
}

// needed returns texts of which every match of re holds one, nil where there are none.
func needed(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if s := strings.ToLower(string(re.Rune)); ascii(s) && len(s) >= shortest {
			return []string{s}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if found := needed(sub); better(found, best) {
				best = found
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			found := needed(sub)
			if found == nil {
				return nil
			}
			all = append(all, found...)
		}
		return all
	}
	return nil
}

// better prefers the set whose shortest text is longer: it says more.
func better(a, b []string) bool {
	return a != nil && (b == nil || least(a) > least(b) || least(a) == least(b) && len(a) < len(b))
}

func least(texts []string) int {
	n := len(texts[0])
	for _, t := range texts {
		n = min(n, len(t))
	}
	return n
}

// ascii keeps letters out whose lower case is not simply that of one letter.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
