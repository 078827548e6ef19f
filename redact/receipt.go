package redact

import (
	"io"
	"maps"
	"strings"
)

// Receipt says what was removed, never the value.
type Receipt struct {
	Count    int          `json:"count"`
	Kinds    map[Kind]int `json:"kinds,omitempty"`
	Removals []Removal    `json:"removals,omitempty"` // in the order of the text
}

// Removal is one concealed place.
type Removal struct {
	Kind        Kind   `json:"kind"`
	Placeholder string `json:"placeholder"`
	Line        int    `json:"line"`   // from 1
	Column      int    `json:"column"` // in bytes, from 1
}

func (r *Receipt) count(kind Kind) {
	if r.Kinds == nil {
		r.Kinds = map[Kind]int{}
	}
	r.Count++
	r.Kinds[kind]++
}

// Receipt says what was removed from the text, and where. It is read from the
// placeholders themselves, so it holds for joined and stored texts too.
func (t Text) Receipt() Receipt {
	var receipt Receipt
	line, lineStart, seen := 1, 0, 0
	for p := range placeholders(t.s) {
		for ; seen < p.start; seen++ {
			if t.s[seen] == '\n' {
				line, lineStart = line+1, seen+1
			}
		}
		receipt.count(p.kind)
		receipt.Removals = append(receipt.Removals, Removal{p.kind, t.s[p.start:p.end], line, p.start - lineStart + 1})
	}
	return receipt
}

// Receipt says how much this Redactor has removed so far, streams included, without
// the places.
func (r *Redactor) Receipt() Receipt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Receipt{Count: r.totals.Count, Kinds: maps.Clone(r.totals.Kinds)}
}

// StreamReceipt is [Redactor.Stream] with the places: where in what was written each
// placeholder stands.
func (r *Redactor) StreamReceipt(dst io.Writer, src io.Reader) (Receipt, error) {
	p := placer{dst: dst, line: 1, column: 1}
	err := r.Stream(&p, src)
	return p.receipt, err
}

// placer notes the placeholders of what is written through it. A Stream writes no
// placeholder in two pieces.
type placer struct {
	dst          io.Writer
	line, column int
	receipt      Receipt
}

func (p *placer) Write(text []byte) (int, error) {
	s, seen := string(text), 0
	for place := range placeholders(s) {
		p.pass(s[seen:place.start])
		p.receipt.count(place.kind)
		p.receipt.Removals = append(p.receipt.Removals, Removal{place.kind, s[place.start:place.end], p.line, p.column})
		p.pass(s[place.start:place.end])
		seen = place.end
	}
	p.pass(s[seen:])
	return p.dst.Write(text)
}

// pass goes over text without placeholders of its own account.
func (p *placer) pass(s string) {
	if n := strings.Count(s, "\n"); n > 0 {
		p.line += n
		p.column = 1
		s = s[strings.LastIndexByte(s, '\n')+1:]
	}
	p.column += len(s)
}
