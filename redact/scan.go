package redact

import (
	"cmp"
	"slices"
	"strings"
)

// maxDecodings bounds how many layers of base64, percent encoding and character
// references are taken off one value.
const maxDecodings = 4

// span is a secret at s[start:end].
type span struct {
	start, end int
	kind       Kind
	named      bool   // told by the name beside it, not by its own form
	bare       bool   // a number of a JSON document: its placeholder needs quotes
	plain      string // the secret without the escapes of its surroundings, where they differ
}

// scan looks for secrets in one text. Rules add spans; they may overlap.
type scan struct {
	s         string
	setup     *setup
	spans     []span
	escapes   []int // where something looks like a placeholder
	decodings int

	// Where the rules have got to, so that no text is looked at twice.
	keyed      int // identifiers before it have been classified
	percent    int // percent-encoded runs before it have been decoded
	claims     map[string]claim
	budget     int
	tabled     int      // tables before it have been read
	lined      int      // lines of passwords before it have been read
	zipped     int      // compressed texts before it have been unpacked
	tokenEnd   int      // of the token that was concealed last
	last       span     // concealed last because of a name
	references bool     // there are character references
	mail       bool     // the text is quoted-printable
	regions    []region // the objects around the place where the scan is
}

// budgetPerByte bounds the work for a text. Rules look ahead, so a text can be made
// in which each of its names looks at all that follows.
const budgetPerByte = 32

func newScan(s string, setup *setup) *scan {
	return &scan{s: s, setup: setup, budget: budgetPerByte*len(s) + 1<<20}
}

// charge takes from the budget. A text that has used it up is withheld as a whole.
func (sc *scan) charge(n int) {
	if sc.budget -= n; sc.budget < 0 {
		panic("too much to look at")
	}
}

// run applies every rule and returns disjoint spans in the order of the text.
func (sc *scan) run() []span {
	sc.setup.builtin.scan(sc)
	sc.scanRuns()
	sc.scanReferences()
	sc.setup.scan(sc)
	return sc.merge()
}

// conceal adds a secret which its own form has told.
func (sc *scan) conceal(start, end int, kind Kind) {
	sc.add(span{start: start, end: end, kind: kind})
}

// concealNamed adds a secret which a name beside it has told.
func (sc *scan) concealNamed(v value, kind Kind) {
	sc.last = span{start: v.start, end: v.end, kind: kind, named: true, plain: v.plain(sc.s)}
	sc.add(sc.last)
}

func (sc *scan) add(sp span) {
	sc.charge(sp.end - sp.start)
	if sp.start >= sp.end || looksConcealed(sc.s[sp.start:sp.end]) {
		return
	}
	if sp.plain == "" {
		sp.plain = sc.s[sp.start:sp.end]
	}
	if sc.setup.allowed(sp.plain) {
		return
	}
	sc.spans = append(sc.spans, sp)
}

// looksConcealed reports that a value is as a whole a placeholder, or what looks
// like one: it hides nothing, and is escaped instead.
func looksConcealed(s string) bool {
	if len(s) < idLength+4 || s[0] != '<' || s[len(s)-1] != '>' {
		return false
	}
	_, end := parsePlaceholder(strings.TrimLeft(s, "<_"), 0)
	return end > 0 && end == len(strings.TrimLeft(s, "<_"))-1
}

// merge unites overlapping spans. The longest gives the kind; among equals, one
// told by its form.
func (sc *scan) merge() []span {
	slices.SortStableFunc(sc.spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), compareBool(a.named, b.named))
	})
	merged := sc.spans[:0]
	var longest int
	for _, sp := range sc.spans {
		last := len(merged) - 1
		if last < 0 || sp.start >= merged[last].end {
			merged, longest = append(merged, sp), sp.end-sp.start
			continue
		}
		if sp.end <= merged[last].end {
			continue
		}
		if length := sp.end - sp.start; length > longest {
			longest, merged[last].kind = length, sp.kind
		}
		merged[last].end = sp.end
		merged[last].plain = sc.s[merged[last].start:sp.end]
	}
	return merged
}

// outsidePlaceholders cuts the placeholders of a stored text out of its spans. What
// is left of one is a scheme, an escape, a quote.
func outsidePlaceholders(s string, spans []span) []span {
	var rest []span
	add := func(start, end int, kind Kind) {
		if end-start > 3 && !harmless(s[start:end]) {
			rest = append(rest, span{start: start, end: end, kind: kind, plain: s[start:end]})
		}
	}
	for _, sp := range spans {
		start, whole := sp.start, true
		for p := range placeholders(s[sp.start:sp.end]) {
			add(start, sp.start+p.start, sp.kind)
			start, whole = sp.start+p.end, false
		}
		if whole {
			rest = append(rest, sp)
		} else {
			add(start, sp.end, sp.kind)
		}
	}
	return rest
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// inner scans a decoded part of the text. origin[i] is where decoded[i] begins in
// s; its last element is where the part ends.
func (sc *scan) inner(decoded string, origin []int) {
	if sc.decodings >= maxDecodings {
		return
	}
	in := newScan(decoded, sc.setup)
	in.decodings = sc.decodings + 1
	for _, sp := range in.run() {
		sp.start, sp.end = origin[sp.start], origin[sp.end]
		sc.spans = append(sc.spans, sp)
	}
}

// holdsSecret scans a decoded text whose parts cannot be concealed one by one.
func (sc *scan) holdsSecret(decoded string) bool {
	if sc.decodings >= maxDecodings {
		return true
	}
	in := newScan(decoded, sc.setup)
	in.decodings = sc.decodings + 1
	return len(in.run()) > 0
}
