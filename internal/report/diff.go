package report

import (
	"cmp"
	"fmt"
	"strings"
)

// diffContext is how many unchanged lines surround a change.
const diffContext = 3

// maxDiffCells bounds the table of the longest common subsequence; above it the whole
// changed middle is shown as removed and added.
const maxDiffCells = 4 << 20

// unified returns a unified diff of two texts.
func unified(name, before, after string) string {
	name = cmp.Or(name, "definition")
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	var out strings.Builder
	fmt.Fprintf(&out, "--- a/%s\n+++ b/%s\n", oneLine(name), oneLine(name))
	for _, h := range hunks(edits(a, b)) {
		h.write(&out)
	}
	return out.String()
}

func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }

// changedLines are the added and removed lines of a diff.
func changedLines(diff string) string {
	var out strings.Builder
	for i, line := range strings.Split(diff, "\n") {
		if i > 1 && line != "" && line[0] != ' ' && line[0] != '@' {
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// diffLine is a line with its sign: ' ', '-' or '+'.
type diffLine struct {
	sign byte
	text string
	a, b int // line numbers from 1 that it has, or would have, in either text
}

// edits lists all lines of both texts.
func edits(a, b []string) []diffLine {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
	}
	d := differ{}
	for _, line := range a[:start] {
		d.add(' ', line)
	}
	d.middle(a[start:endA], b[start:endB])
	for _, line := range a[endA:] {
		d.add(' ', line)
	}
	return d.lines
}

type differ struct {
	lines []diffLine
	a, b  int
}

func (d *differ) add(sign byte, text string) {
	d.lines = append(d.lines, diffLine{sign, text, d.a + 1, d.b + 1})
	if sign != '+' {
		d.a++
	}
	if sign != '-' {
		d.b++
	}
}

// middle compares by the longest common subsequence.
func (d *differ) middle(a, b []string) {
	if len(a)*len(b) > maxDiffCells {
		a, b = d.replace(a, b)
	}
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	for len(a) > 0 || len(b) > 0 {
		i, j := len(common)-1-len(a), len(common[0])-1-len(b)
		switch {
		case len(a) > 0 && len(b) > 0 && a[0] == b[0]:
			d.add(' ', a[0])
			a, b = a[1:], b[1:]
		case len(b) == 0 || len(a) > 0 && common[i+1][j] >= common[i][j+1]:
			d.add('-', a[0])
			a = a[1:]
		default:
			d.add('+', b[0])
			b = b[1:]
		}
	}
}

func (d *differ) replace(a, b []string) (none, nothing []string) {
	for _, line := range a {
		d.add('-', line)
	}
	for _, line := range b {
		d.add('+', line)
	}
	return nil, nil
}

// hunk is a run of changes with the lines around them.
type hunk []diffLine

func hunks(lines []diffLine) []hunk {
	var out []hunk
	end := -1 // one past the last line of the hunk being made
	for i, line := range lines {
		if line.sign == ' ' {
			continue
		}
		from := max(i-diffContext, 0)
		if end < 0 || from > end {
			out = append(out, nil)
		} else {
			from = end
		}
		end = min(i+diffContext+1, len(lines))
		last := &out[len(out)-1]
		*last = append(*last, lines[from:end]...)
	}
	return out
}

func (h hunk) write(out *strings.Builder) {
	countA, countB := 0, 0
	for _, line := range h {
		if line.sign != '+' {
			countA++
		}
		if line.sign != '-' {
			countB++
		}
	}
	fmt.Fprintf(out, "@@ -%d,%d +%d,%d @@\n", h[0].a, countA, h[0].b, countB)
	for _, line := range h {
		out.WriteByte(line.sign)
		out.WriteString(line.text)
		out.WriteByte('\n')
	}
}
