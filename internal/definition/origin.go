package definition

import (
	"cmp"
	"slices"
	"sync"

	"github.com/stepsleuth/stepsleuth/asl"
	"go.yaml.in/yaml/v3"
)

// part is a key or a value of the JSON, and the node that it was written from.
type part struct {
	span   asl.Span   // in the JSON
	scalar *yaml.Node // nil for a collection; of an alias what it stands for
	key    *yaml.Node // of a value that is a member
}

// conversion finds in a YAML text what was written from it as JSON.
type conversion struct {
	text, json string
	parts      []part // in the order of the JSON, a collection before what is in it

	once  sync.Once
	lines lines
}

// find is an asl.Origin's Find.
func (c *conversion) find(span asl.Span) (asl.Span, bool) {
	c.once.Do(func() { c.lines = linesOf(c.text) })
	first, _ := slices.BinarySearchFunc(c.parts, span.Start, func(p part, at int) int { return cmp.Compare(p.span.Start, at) })
	if first < len(c.parts) && c.parts[first].span == span {
		return c.whole(c.parts[first])
	}
	if first > 0 && span.End <= c.parts[first-1].span.End && c.parts[first-1].scalar != nil {
		return c.inside(c.parts[first-1], span)
	}
	return c.around(first, span)
}

// whole is a key, a scalar, or the key of a collection.
func (c *conversion) whole(p part) (asl.Span, bool) {
	for _, n := range []*yaml.Node{p.scalar, p.key} {
		if n == nil {
			continue
		}
		if s, ok := c.lines.scalar(n); ok && s.whole.Start < s.whole.End {
			return s.whole, true
		}
	}
	return asl.Span{}, false
}

// inside is part of a string, or all of it where it does not say the same in both texts.
func (c *conversion) inside(p part, span asl.Span) (asl.Span, bool) {
	s, ok := c.lines.scalar(p.scalar)
	if !ok {
		return asl.Span{}, false
	}
	if copied, _, same := quoted(c.json, p.span.Start); same && equalSigns(copied, s.signs) {
		return between(copied, s.signs, span)
	}
	return s.whole, s.whole.Start < s.whole.End
}

// around covers all keys and scalars that span touches, the first of which may begin
// before parts[first].
func (c *conversion) around(first int, span asl.Span) (asl.Span, bool) {
	var all asl.Span
	found := false
	for i := max(first-1, 0); i < len(c.parts) && c.parts[i].span.Start < span.End; i++ {
		p := c.parts[i]
		if p.span.End <= span.Start || p.scalar == nil {
			continue
		}
		s, ok := c.lines.scalar(p.scalar)
		if !ok {
			return asl.Span{}, false
		}
		if !found {
			all = s.whole
		}
		all = asl.Span{Start: min(all.Start, s.whole.Start), End: max(all.End, s.whole.End)}
		found = true
	}
	return all, found
}

// inscription finds in a YAML text the JSON that is the text of one scalar of it.
type inscription struct {
	text, json string
	scalar     *yaml.Node

	once         sync.Once
	copied, from []sign
	same         bool
}

// find is an asl.Origin's Find.
func (i *inscription) find(span asl.Span) (asl.Span, bool) {
	i.once.Do(func() {
		if i.scalar == nil {
			return
		}
		s, ok := linesOf(i.text).scalar(i.scalar)
		i.copied, i.from = plain(i.json, asl.Span{End: len(i.json)}), s.signs
		i.same = ok && equalSigns(i.copied, i.from)
	})
	if !i.same {
		return asl.Span{}, false
	}
	return between(i.copied, i.from, span)
}

// between is what in one text is copied at span in the other.
func between(copied, from []sign, span asl.Span) (asl.Span, bool) {
	first, _ := slices.BinarySearchFunc(copied, span.Start, func(s sign, at int) int { return cmp.Compare(s.span.End, at+1) })
	end, _ := slices.BinarySearchFunc(copied, span.End, func(s sign, at int) int { return cmp.Compare(s.span.Start, at) })
	if first >= end {
		return asl.Span{}, false
	}
	return asl.Span{Start: from[first].span.Start, End: from[end-1].span.End}, true
}

func equalSigns(a, b []sign) bool {
	return slices.EqualFunc(a, b, func(s, t sign) bool { return s.char == t.char })
}
