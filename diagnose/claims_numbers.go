package diagnose

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

var numberForm = lazyregexp.New(`\d[\d,]*(\.\d+)?`)

// number is a number's text without separators and trailing zeros of a fraction.
func number(s string) string {
	s = strings.TrimRight(strings.ReplaceAll(s, ",", ""), ".")
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// documented are limits of AWS that an explanation may name.
var documented = []string{"256", "25000", "262144", "15", "900", "29", "10240", "512", "128", "1000", "100", "10", "60", "365"}

// counted is how a sentence goes on after a digit that counts or measures something.
var counted = lazyregexp.New(`(?i)^[ -]?(?:times|tries|attempts?|retries|seconds?|minutes?|hours?|days?|items?|records?|events?|bytes|characters|percent|ms|[KMG]i?B|s|%|` +
	`mal|versuche?n?|sekunden?|minuten?|stunden?|tagen?|einträgen?|datensätzen?|ereignissen?|zeichen|prozent)(?:\W|$)`)

// quantity is a number of a text, in digits or words.
type quantity struct {
	start, end int
	digits     string // "500" of "five hundred"
	counts     bool   // it counts something by itself: twice
}

// quantities finds the numbers of a text, but for those that are part of a name.
func quantities(s string) []quantity {
	var list []quantity
	for _, loc := range numberForm.FindAllStringIndex(s, -1) {
		n := number(s[loc[0]:loc[1]])
		if loc[0] == 0 || !isWordByte(s[loc[0]-1]) {
			list = append(list, quantity{start: loc[0], end: loc[1], digits: n})
		}
	}
	return append(list, spelled(s)...)
}

func (k *checker) learnNumbers() {
	for _, loc := range numberForm.FindAllStringIndex(k.known, -1) {
		if n := number(k.known[loc[0]:loc[1]]); len(n) > 1 { // the 7 of E7 counts nothing
			k.numbers[n] = true
		}
	}
	for _, q := range quantities(k.known) {
		k.numbers[q.digits] = true
	}
}

// strayNumber finds a number that is nowhere in the evidence. One digit alone is looked at
// only where it counts or measures something.
func (k *checker) strayNumber(s string) string {
	for _, q := range quantities(s) {
		if len(q.digits) < 2 && !q.counts && !counted.MatchString(s[q.end:]) || k.numbers[q.digits] || slices.Contains(documented, q.digits) {
			continue
		}
		if text := s[q.start:q.end]; !strings.EqualFold(text, "one") { // an article mostly
			return text
		}
	}
	return ""
}

// spelled finds numbers that are written as words, English or German.
func spelled(s string) []quantity {
	var list []quantity
	open := false // the last of the list may go on: "two" hundred
	var sum spelling
	for _, loc := range wordForm.FindAllStringIndex(s, -1) {
		word := strings.ToLower(s[loc[0]:loc[1]])
		gap := ""
		if open {
			gap = s[list[len(list)-1].end:loc[0]]
		}
		if open && (word == "and" || word == "und") && gap == " " && sum.scaled {
			sum.joined = loc[1]
			continue
		}
		next, known := spelling{}, false
		if open && (gap == " " || gap == "-" || sum.joined > 0) && sum.add(word) {
			last := &list[len(list)-1]
			last.end, last.digits = loc[1], strconv.Itoa(sum.value())
			continue
		}
		if next, known = spell(word); known {
			list = append(list, quantity{start: loc[0], end: loc[1], digits: strconv.Itoa(next.value()), counts: next.counts})
			sum = next
		}
		open = known
	}
	return list
}
