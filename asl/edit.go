package asl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Edit replaces the bytes of Span, in the original text, by New.
type Edit struct {
	Span Span
	New  string
}

// Apply makes all edits at once. Their spans are of the original text, in any order
// and apart from each other; insertions at the same place come out in their order.
func Apply(text string, edits []Edit) (string, error) {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int {
		if a.Span.Start != b.Span.Start {
			return a.Span.Start - b.Span.Start
		}
		return a.Span.End - b.Span.End
	})
	var b strings.Builder
	done := 0
	for _, e := range sorted {
		if e.Span.Start < done || e.Span.End < e.Span.Start || e.Span.End > len(text) {
			return "", fmt.Errorf("edit of bytes %d to %d: outside the text or over another edit", e.Span.Start, e.Span.End)
		}
		b.WriteString(text[done:e.Span.Start])
		b.WriteString(e.New)
		done = e.Span.End
	}
	b.WriteString(text[done:])
	return b.String(), nil
}

// ErrNoSuchValue says that a pointer leads nowhere in a document.
var ErrNoSuchValue = errors.New("no such value")

// Document makes edits of one JSON text that leave every other byte alone and write
// what is new as the text itself is written: its indentation, its line ends, or
// all in one line.
type Document struct {
	text  string
	root  *node
	style style
}

// style is how a text is laid out.
type style struct {
	unit    string // one level of indentation; "" where the text is in one line
	newline string
	colon   string // between key and value
	comma   string // between members on one line
	compact bool   // no white space, whatever the text itself has
}

// OpenDocument reads a JSON text of any kind, or a template as ParseTemplate takes it.
// The error is an *Error.
func OpenDocument(text string) (*Document, error) {
	root, err := readTemplate(text)
	if err != nil {
		e := err.(*Error)
		ErrorList{e}.place(&Source{Text: text})
		return nil, e
	}
	return &Document{text: text, root: root, style: styleOf(text, root)}, nil
}

// Compact returns the same document, into which what is new is written without white
// space: for texts near AWS's limit.
func (d *Document) Compact() *Document {
	return &Document{text: d.text, root: d.root, style: style{newline: d.style.newline, colon: ":", comma: ",", compact: true}}
}

// styleOf looks at how the first members of objects are laid out.
func styleOf(text string, root *node) style {
	s := style{newline: "\n", colon: ": ", comma: ", "}
	if strings.Contains(text, "\r\n") {
		s.newline = "\r\n"
	}
	spread := firstSpread(text, root)
	if spread != nil {
		own, outer := lineIndent(text, spread.kids[0].start()), lineIndent(text, spread.span.Start)
		s.unit = strings.TrimPrefix(own, outer)
		if s.unit == "" {
			s.unit = "  "
		}
	}
	if n := firstObject(root); n != nil {
		kid := n.kids[0]
		s.colon = text[kid.keySpan.End:kid.span.Start]
		if strings.ContainsAny(s.colon, "\r\n") {
			s.colon = ": "
		}
		if s.colon == ":" {
			s.comma = ","
		}
	}
	return s
}

// start is where a member or an item begins: at its key.
func (n *node) start() int {
	if n.keySpan != (Span{}) {
		return n.keySpan.Start
	}
	return n.span.Start
}

// firstSpread finds the first collection that has its parts on lines of their own.
func firstSpread(text string, n *node) *node {
	if len(n.kids) > 0 && strings.Contains(text[n.span.Start:n.kids[0].start()], "\n") {
		return n
	}
	for _, kid := range n.kids {
		if found := firstSpread(text, kid); found != nil {
			return found
		}
	}
	return nil
}

func firstObject(n *node) *node {
	if n.kind == '{' && len(n.kids) > 0 {
		return n
	}
	for _, kid := range n.kids {
		if found := firstObject(kid); found != nil {
			return found
		}
	}
	return nil
}

// lineIndent returns the white space that the line of an offset begins with.
func lineIndent(text string, offset int) string {
	line := text[strings.LastIndexByte(text[:offset], '\n')+1 : offset]
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// Find returns the span of the value at an RFC 6901 pointer, and of its key where
// it is a member. The error is ErrNoSuchValue, wrapped.
func (d *Document) Find(pointer string) (val, key Span, err error) {
	n, err := d.node(pointer)
	if err != nil {
		return Span{}, Span{}, err
	}
	return n.span, n.keySpan, nil
}

// Find is Document.Find for a text that is asked once. The error is an *Error
// where the text is no JSON.
func Find(text, pointer string) (val, key Span, err error) {
	d, err := OpenDocument(text)
	if err != nil {
		return Span{}, Span{}, err
	}
	return d.Find(pointer)
}

func (d *Document) node(pointer string) (*node, error) {
	n := d.root
	if pointer == "" {
		return n, nil
	}
	if pointer[0] != '/' {
		return nil, fmt.Errorf("pointer %q does not begin with /: %w", pointer, ErrNoSuchValue)
	}
	for _, step := range strings.Split(pointer[1:], "/") {
		next := n.step(unescapePointer.Replace(step))
		if next == nil {
			return nil, fmt.Errorf("%s: nothing at %q: %w", pointer, step, ErrNoSuchValue)
		}
		n = next
	}
	return n, nil
}

var unescapePointer = strings.NewReplacer("~1", "/", "~0", "~")

func (n *node) step(step string) *node {
	if n.kind == '{' {
		return n.get(step)
	}
	i, ok := arrayIndex(step)
	if n.kind != '[' || !ok || i >= len(n.kids) {
		return nil
	}
	return n.kids[i]
}

func arrayIndex(step string) (int, bool) {
	if step == "" || len(step) > 9 || (step[0] == '0' && step != "0") {
		return 0, false
	}
	i := 0
	for _, c := range step {
		if c < '0' || c > '9' {
			return 0, false
		}
		i = i*10 + int(c-'0')
	}
	return i, true
}

// Set returns the edit that puts newJSON in the place of the value at pointer.
func (d *Document) Set(pointer, newJSON string) (Edit, error) {
	n, err := d.node(pointer)
	if err != nil {
		return Edit{}, err
	}
	layout, err := d.render(newJSON, lineIndent(d.text, n.start()), d.onLines(n.parent))
	return Edit{n.span, layout}, err
}

// Insert returns the edit that adds a member to the object at pointer: behind the
// member after, or at the end where after is "".
func (d *Document) Insert(pointer, after, key, newJSON string) (Edit, error) {
	n, err := d.node(pointer)
	switch {
	case err != nil:
		return Edit{}, err
	case n.kind != '{':
		return Edit{}, fmt.Errorf("insert %q: %s is %s, not an object", key, pointer, article(n.name()))
	case n.get(key) != nil:
		return Edit{}, fmt.Errorf("insert %q: %s has it already", key, pointer)
	}
	at := len(n.kids)
	if after != "" {
		before := n.get(after)
		if before == nil {
			return Edit{}, fmt.Errorf("insert behind %q in %s: %w", after, pointer, ErrNoSuchValue)
		}
		at = slices.Index(n.kids, before) + 1
	}
	return d.insert(n, at, value.String(key).JSON()+d.style.colon, newJSON)
}

// InsertItem returns the edit that adds an item to the array at pointer, so that
// it has the given index; an index behind the end, or below 0, means the end.
func (d *Document) InsertItem(pointer string, index int, newJSON string) (Edit, error) {
	n, err := d.node(pointer)
	if err != nil {
		return Edit{}, err
	}
	if n.kind != '[' {
		return Edit{}, fmt.Errorf("insert into %s: it is %s, not an array", pointer, article(n.name()))
	}
	if index < 0 || index > len(n.kids) {
		index = len(n.kids)
	}
	return d.insert(n, index, "", newJSON)
}

// insert adds label and newJSON as the part of n with index at.
func (d *Document) insert(n *node, at int, label, newJSON string) (Edit, error) {
	spread := d.onLines(n)
	outer := lineIndent(d.text, n.start())
	inner := outer + d.style.unit
	if spread && len(n.kids) > 0 {
		inner = lineIndent(d.text, n.kids[0].start())
	}
	text, err := d.render(newJSON, inner, spread)
	if err != nil {
		return Edit{}, err
	}
	text = label + text
	gap := d.style.comma[1:]
	if spread {
		gap = d.style.newline + inner
	}
	switch {
	case len(n.kids) == 0 && spread:
		return Edit{Span{n.span.Start + 1, n.span.End - 1}, gap + text + d.style.newline + outer}, nil
	case len(n.kids) == 0:
		return Edit{Span{n.span.Start + 1, n.span.End - 1}, text}, nil
	case at == 0:
		first := n.kids[0].start()
		return Edit{Span{first, first}, text + "," + gap}, nil
	}
	end := n.kids[at-1].span.End
	return Edit{Span{end, end}, "," + gap + text}, nil
}

// onLines tells whether the parts of n stand on lines of their own; of an empty n,
// whether they should.
func (d *Document) onLines(n *node) bool {
	if d.style.compact {
		return false
	}
	if n == nil || len(n.kids) == 0 {
		return d.style.unit != ""
	}
	return strings.Contains(d.text[n.span.Start:n.kids[0].start()], "\n")
}

// Remove returns the edit that takes away the member or item at pointer, with its
// comma and its line.
func (d *Document) Remove(pointer string) (Edit, error) {
	n, err := d.node(pointer)
	if err != nil {
		return Edit{}, err
	}
	if n.parent == nil {
		return Edit{}, fmt.Errorf("remove: %q is the whole document", pointer)
	}
	kids := n.parent.kids
	switch i := slices.Index(kids, n); {
	case len(kids) == 1:
		return Edit{Span: Span{n.parent.span.Start + 1, n.parent.span.End - 1}}, nil
	case i == 0:
		return Edit{Span: Span{n.start(), kids[1].start()}}, nil
	default:
		return Edit{Span: Span{kids[i-1].span.End, n.span.End}}, nil
	}
}

// render writes JSON in the document's style, its first line at a place that is
// indented by indent already.
func (d *Document) render(newJSON, indent string, spread bool) (string, error) {
	v, err := value.Parse(newJSON)
	if err != nil {
		return "", fmt.Errorf("new value: %w", err)
	}
	var b strings.Builder
	d.write(&b, v, indent, spread && d.style.unit != "")
	return b.String(), nil
}

func (d *Document) write(b *strings.Builder, v value.Value, indent string, spread bool) {
	if v.Len() == 0 {
		b.WriteString(v.JSON())
		return
	}
	inner := indent + d.style.unit
	gap, first, last := d.style.comma, "", ""
	if spread {
		gap, first, last = ","+d.style.newline+inner, d.style.newline+inner, d.style.newline+indent
	}
	open, end := "[", "]"
	if v.Kind() == value.KindObject {
		open, end = "{", "}"
	}
	b.WriteString(open + first)
	for i, item := range v.Items() {
		if i > 0 {
			b.WriteString(gap)
		}
		d.write(b, item, inner, spread)
	}
	for i, m := range v.Members() {
		if i > 0 {
			b.WriteString(gap)
		}
		b.WriteString(value.String(m.Key).JSON() + d.style.colon)
		d.write(b, m.Value, inner, spread)
	}
	b.WriteString(last + end)
}
