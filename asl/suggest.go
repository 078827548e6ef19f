package asl

import "strings"

// DidYouMean proposes the nearest of names for a name that is not among them, as the
// end of a sentence such as `; did you mean "Charge"?`; "" where none is near. It is
// for other files that name the states of a definition.
func DidYouMean(name string, names []string) string { return didYouMean(name, names) }

// didYouMean proposes the nearest of names for a name that is not among them, as
// the end of a sentence; "" where none is near.
func didYouMean(name string, names []string) string {
	best, distance := "", min(len(name)/3+2, 5)
	if len(name) < 3 {
		distance = 1 // everything is near a short name
	}
	for _, candidate := range names {
		if len(name) > 3 && len(candidate) > len(name) && strings.EqualFold(candidate[:len(name)], name) && best == "" {
			best = candidate // Timeout for TimeoutSeconds
		}
		if d := editDistance(name, candidate, distance); d < distance {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return `; did you mean "` + best + `"?`
}

// maxHints is how many proposals a definition gets: they cost time, and nobody reads
// a thousand of them.
const maxHints = 100

func (d *decoder) didYouMean(name string, names []string) string {
	if d.hints++; d.hints > maxHints {
		return ""
	}
	return didYouMean(name, names)
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours that turn a into b, regardless of case; limit where it is that or
// more.
func editDistance(a, b string, limit int) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if len(a) > 200 || len(b) > 200 || len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var before []int
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev = prev, row
	}
	return min(prev[len(b)], limit)
}
