package asl

import (
	"fmt"
	"slices"
	"strings"
)

const diffContext = 3 // lines around a change

// maxDiffEdits bounds the work of a diff, which grows with the square of the number
// of changed lines; beyond it all that differs is one change.
const maxDiffEdits = 1000

// Diff returns a unified diff from a to b, as patch and git apply take it; "" where
// they are equal.
func Diff(oldName, newName, a, b string) string {
	if a == b {
		return ""
	}
	before, after := splitLines(a), splitLines(b)
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", oldName, newName)
	for _, h := range hunks(diffLines(before, after)) {
		h.write(&out, before, after)
	}
	return out.String()
}

// splitLines keeps the line ends: a line without one differs from the same with it.
func splitLines(s string) []string {
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		return lines[:len(lines)-1]
	}
	return lines
}

// diffOp is a run of lines [a, aEnd) of the old text that became [b, bEnd) of the
// new one.
type diffOp struct {
	a, aEnd, b, bEnd int
	same             bool
}

// diffLines compares what is left between the equal ends.
func diffLines(a, b []string) []diffOp {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	ops := merge(nil, diffOp{0, head, 0, head, true})
	for _, op := range myers(a[head:len(a)-tail], b[head:len(b)-tail]) {
		ops = merge(ops, diffOp{op.a + head, op.aEnd + head, op.b + head, op.bEnd + head, op.same})
	}
	return merge(ops, diffOp{len(a) - tail, len(a), len(b) - tail, len(b), true})
}

// merge appends op, or makes the last one longer by it.
func merge(ops []diffOp, op diffOp) []diffOp {
	if op.a == op.aEnd && op.b == op.bEnd {
		return ops
	}
	if n := len(ops); n > 0 && ops[n-1].same == op.same {
		ops[n-1].aEnd, ops[n-1].bEnd = op.aEnd, op.bEnd
		return ops
	}
	return append(ops, op)
}

// myers finds the fewest insertions and deletions (Myers, "An O(ND) Difference
// Algorithm"). A frontier holds, at the place of each diagonal k = x-y, how far x
// has come with d edits.
func myers(a, b []string) []diffOp {
	limit := min(len(a)+len(b), maxDiffEdits)
	var trace []frontier
	last := frontier{0}
	for d := 0; d <= limit; d++ {
		now := make(frontier, 2*d+1)
		for k := -d; k <= d; k += 2 {
			x := 0
			if d > 0 {
				x = last.step(d, k)
			}
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			now[d+k] = x
			if x >= len(a) && x-k >= len(b) {
				return backtrack(trace, len(a), len(b))
			}
		}
		trace, last = append(trace, now), now
	}
	return []diffOp{{0, len(a), 0, len(b), false}}
}

type frontier []int

// down tells whether edit d reaches diagonal k by an insertion, from k+1.
func (f frontier) down(d, k int) bool {
	return k == -d || k != d && f[d-1+k-1] < f[d-1+k+1]
}

// step is the x at which edit d begins on diagonal k.
func (f frontier) step(d, k int) int {
	if f.down(d, k) {
		return f[d-1+k+1]
	}
	return f[d-1+k-1] + 1
}

func backtrack(trace []frontier, x, y int) []diffOp {
	var back []diffOp
	for d := len(trace); d > 0; d-- {
		f, k := trace[d-1], x-y
		from := f.step(d, k)
		for ; x > from; x, y = x-1, y-1 {
			back = append(back, diffOp{x - 1, x, y - 1, y, true})
		}
		if f.down(d, k) {
			back = append(back, diffOp{x, x, y - 1, y, false})
			y--
		} else {
			back = append(back, diffOp{x - 1, x, y, y, false})
			x--
		}
	}
	for ; x > 0; x, y = x-1, y-1 {
		back = append(back, diffOp{x - 1, x, y - 1, y, true})
	}
	slices.Reverse(back)
	return back
}

// hunk is changes with the lines around them.
type hunk []diffOp

// hunks cuts the long unchanged runs.
func hunks(ops []diffOp) []hunk {
	var all []hunk
	var now hunk
	for i, op := range ops {
		if !op.same {
			now = append(now, op)
			continue
		}
		length := op.aEnd - op.a
		first, last := len(now) == 0, i == len(ops)-1
		switch {
		case first && last:
		case first:
			keep := min(length, diffContext)
			now = append(now, diffOp{op.aEnd - keep, op.aEnd, op.bEnd - keep, op.bEnd, true})
		case !last && length <= 2*diffContext:
			now = append(now, op)
		default:
			keep := min(length, diffContext)
			now = append(now, diffOp{op.a, op.a + keep, op.b, op.b + keep, true})
			all, now = append(all, now), nil
			if !last {
				now = hunk{{op.aEnd - keep, op.aEnd, op.bEnd - keep, op.bEnd, true}}
			}
		}
	}
	if len(now) > 0 {
		all = append(all, now)
	}
	return all
}

func (h hunk) write(out *strings.Builder, a, b []string) {
	first, last := h[0], h[len(h)-1]
	fmt.Fprintf(out, "@@ -%s +%s @@\n", lineRange(first.a, last.aEnd), lineRange(first.b, last.bEnd))
	for _, op := range h {
		if op.same {
			writeLines(out, " ", b[op.b:op.bEnd])
			continue
		}
		writeLines(out, "-", a[op.a:op.aEnd])
		writeLines(out, "+", b[op.b:op.bEnd])
	}
}

func lineRange(from, to int) string {
	if from == to {
		return fmt.Sprintf("%d,0", from)
	}
	if to == from+1 {
		return fmt.Sprint(to)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

func writeLines(out *strings.Builder, mark string, lines []string) {
	for _, line := range lines {
		out.WriteString(mark + line)
		if !strings.HasSuffix(line, "\n") {
			out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}
