package redact

import (
	"fmt"
	"sync"
)

// rule finds secrets of one sort. find is called for each place [start, end) where
// one of the anchors stands, in any case, in the order of the text; it checks what
// stands around it and conceals what it is sure of.
type rule struct {
	anchors []string // lower case
	find    func(sc *scan, start, end int)
}

// automaton looks for the anchors of all rules in one pass over the text
// (Aho and Corasick's machine, with its failure links folded into one table).
type automaton struct {
	class [256]uint8 // byte to column; upper and lower case share one
	next  []uint16   // state<<columnBits | column to state; hitBit: something ends there
	hits  [][]hit    // by state
}

type hit struct {
	rule   *rule
	length int
}

const (
	columnBits = 6
	hitBit     = 1 << 15
)

// builtin is shared by all redactors and never changes.
var builtin = sync.OnceValue(func() *automaton { return newAutomaton(rules()) })

func newAutomaton(rules []*rule) *automaton {
	a := &automaton{hits: make([][]hit, 1), next: make([]uint16, 1<<columnBits)}
	columns := uint8(1) // column 0 is every byte that no anchor has
	for _, r := range rules {
		for _, anchor := range r.anchors {
			state := 0
			for _, c := range []byte(anchor) {
				if a.class[c] == 0 {
					a.class[c] = columns
					if isLower(c) {
						a.class[c&^0x20] = columns
					}
					columns++
				}
				state = a.child(state, a.class[c])
			}
			a.hits[state] = append(a.hits[state], hit{r, len(anchor)})
		}
	}
	if columns > 1<<columnBits || len(a.hits) >= hitBit {
		panic(fmt.Sprintf("anchors need %d columns and %d states", columns, len(a.hits)))
	}
	a.link()
	return a
}

func (a *automaton) child(state int, column uint8) int {
	at := state<<columnBits | int(column)
	if a.next[at] == 0 {
		a.next[at] = uint16(len(a.hits))
		a.hits = append(a.hits, nil)
		a.next = append(a.next, make([]uint16, 1<<columnBits)...)
	}
	return int(a.next[at])
}

// link gives every state a next state for every column, breadth first, so that
// a state's failure state is complete before the state itself is looked at.
func (a *automaton) link() {
	failure := make([]int, len(a.hits))
	queue := []int{0}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		for column := range 1 << columnBits {
			at := state<<columnBits | column
			fallback := int(a.next[failure[state]<<columnBits|column] &^ hitBit)
			child := int(a.next[at])
			if child == 0 {
				a.next[at] = a.marked(fallback)
				continue
			}
			if state != 0 {
				failure[child] = fallback
			}
			a.hits[child] = append(a.hits[child], a.hits[failure[child]]...)
			a.next[at] = a.marked(child)
			queue = append(queue, child)
		}
	}
}

func (a *automaton) marked(state int) uint16 {
	if len(a.hits[state]) > 0 {
		return uint16(state) | hitBit
	}
	return uint16(state)
}

// scan calls the rules for every anchor in the text.
func (a *automaton) scan(sc *scan) {
	s, next := sc.s, a.next
	var state uint16
	for i := 0; i < len(s); i++ {
		state = next[int(state&^hitBit)<<columnBits|int(a.class[s[i]])]
		if state&hitBit == 0 {
			continue
		}
		for _, h := range a.hits[state&^hitBit] {
			h.rule.find(sc, i+1-h.length, i+1)
		}
	}
}
