package redact

import "strings"

// Causes and lines of logs are cut at a length. What was cut has no end by which its form
// could be told: no closing quote, no @ of a URL, fewer letters than a token has.

// cutMarks are what is written after a text that was cut.
var cutMarks = [...]string{"…", "...", "[trunc", "(trunc", "<trunc"}

// cutAt reports that the text may have been cut at i: it ends there, the string ends that
// it stands in, the line does, or a mark says so.
func cutAt(s string, i int) bool {
	if endsValue(s, i) && (i == len(s) || !isBlank(s[i])) || quoteEnds(s, i) {
		return true
	}
	i = skipBlanks(s, i)
	for _, mark := range cutMarks {
		if strings.HasPrefix(s[i:], mark) {
			return true
		}
	}
	return false
}

// cutRun returns where the run of a set at i ends, and whether it may have been cut there.
func cutRun(set *charSet, s string, i int) (end int, cut bool) {
	end = set.run(s, i)
	for end > i && (s[end-1] == '.' || s[end-1] == '(') {
		end--
	}
	return end, cutAt(s, end)
}

// holdsMark reports that a mark in a text says that it was cut.
func holdsMark(s string) bool {
	for _, mark := range cutMarks {
		if strings.Contains(s, mark) {
			return true
		}
	}
	return false
}
