package asl

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// node is one JSON value with its place in the text: what the rest of the
// package reads definitions from.
type node struct {
	kind    jsontext.Kind // 'n', 't', 'f', '0', '"', '{' or '['
	span    Span
	text    string // a string decoded, a number as written
	raw     bool   // the string is written with escapes
	hole    bool   // an unquoted placeholder: text is what is written, and kind says string
	masked  bool   // of the root: the text is not JSON because of placeholders
	key     string // of a member
	keySpan Span
	index   int // of an item
	parent  *node
	kids    []*node // members or items, in the order of the text
}

const bom = "\ufeff"

// MaxDefinition is the longest text that CreateStateMachine takes, in characters.
const MaxDefinition = 1 << 20

// readNodes reads one JSON document. masked is "", or the same text with its
// placeholders made JSON, byte for byte in the same place.
func readNodes(text, masked string) (*node, error) {
	r := nodeReader{text: text, masked: masked}
	body := strings.TrimPrefix(text, bom)
	r.base = len(text) - len(body)
	if masked != "" {
		body = masked[r.base:]
	}
	r.dec.Reset(strings.NewReader(body), jsontext.AllowDuplicateNames(true))
	root, err := r.value(nil, 0)
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return nil, syntaxError(text, body, err)
	}
	root.masked = masked != ""
	return root, nil
}

type nodeReader struct {
	text   string
	masked string // "": text is JSON
	base   int    // bytes before what the decoder sees
	dec    jsontext.Decoder
	slab   []node
}

func (r *nodeReader) new() *node {
	if len(r.slab) == 0 {
		r.slab = make([]node, 64)
	}
	n := &r.slab[0]
	r.slab = r.slab[1:]
	return n
}

var errTooDeep = errors.New("too deep")

func (r *nodeReader) value(parent *node, depth int) (*node, error) {
	if depth > value.MaxDepth {
		return nil, errTooDeep
	}
	n := r.new()
	n.parent, n.kind = parent, r.dec.PeekKind()
	switch n.kind {
	case '{', '[':
		return n, r.collection(n, depth)
	}
	span, err := r.scalar()
	if err != nil {
		return nil, err
	}
	n.span = span
	switch n.kind {
	case '"':
		n.text, n.raw = r.unquote(span)
		n.hole = r.text[span.Start] == '$'
	case '0':
		n.text = r.text[span.Start:span.End]
	}
	return n, nil
}

func (r *nodeReader) scalar() (Span, error) {
	v, err := r.dec.ReadValue()
	if err != nil {
		return Span{}, err
	}
	end := r.base + int(r.dec.InputOffset())
	return Span{end - len(v), end}, nil
}

func (r *nodeReader) unquote(s Span) (text string, raw bool) {
	if r.masked != "" && r.text[s.Start:s.End] != r.masked[s.Start:s.End] {
		written := r.text[s.Start:s.End]
		if written[0] == '"' {
			written = written[1 : len(written)-1]
		}
		return written, false
	}
	inner := r.text[s.Start+1 : s.End-1]
	if strings.IndexByte(inner, '\\') < 0 {
		return inner, false
	}
	b, err := jsontext.AppendUnquote(nil, r.text[s.Start:s.End])
	if err != nil {
		return inner, true // cannot be: the decoder has read it
	}
	return string(b), true
}

func (r *nodeReader) collection(n *node, depth int) error {
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	n.span.Start = r.base + int(r.dec.InputOffset()) - 1
	for k := r.dec.PeekKind(); k != '}' && k != ']'; k = r.dec.PeekKind() {
		kid, err := r.kid(n, depth)
		if err != nil {
			return err
		}
		n.kids = append(n.kids, kid)
	}
	_, err := r.dec.ReadToken()
	n.span.End = r.base + int(r.dec.InputOffset())
	return err
}

func (r *nodeReader) kid(n *node, depth int) (*node, error) {
	if n.kind == '[' {
		kid, err := r.value(n, depth+1)
		if err == nil {
			kid.index = len(n.kids)
		}
		return kid, err
	}
	keySpan, err := r.scalar()
	if err != nil {
		return nil, err
	}
	kid, err := r.value(n, depth+1)
	if err == nil {
		kid.keySpan = keySpan
		kid.key, _ = r.unquote(keySpan)
	}
	return kid, err
}

func (r *nodeReader) end() error {
	if rest := strings.TrimLeft(r.text[r.base+int(r.dec.InputOffset()):], " \t\r\n"); rest != "" {
		return errors.New("more text")
	}
	return nil
}

// syntaxError says in words where the text stops being JSON, and what to do.
func syntaxError(text, body string, cause error) error {
	if _, err := value.Parse(body); err != nil {
		cause = err
	}
	e := &Error{Code: codeJSON, Message: cause.Error()}
	var syn *value.SyntaxError
	if errors.As(cause, &syn) {
		at := syn.Offset + len(text) - len(body)
		e.Span = Span{at, min(at+1, len(text))}
		e.Message = "not JSON: " + syn.Problem + adviceOn(body, syn.Offset)
	}
	if strings.TrimSpace(body) == "" {
		e.Code, e.Message = codeMissing, "the definition is empty: it needs at least StartAt and States"
		_ = e.saying("Received a null or empty workflow input.")
	}
	return e
}

// adviceOn guesses from what stands around offset how to mend the text.
func adviceOn(text string, offset int) string {
	before := strings.TrimRight(text[:offset], " \t\r\n")
	after := strings.TrimLeft(text[offset:], " \t\r\n")
	switch {
	case after == "":
		return "; close every { with } and every [ with ]"
	case strings.HasPrefix(after, "//") || strings.HasPrefix(after, "/*") || strings.HasPrefix(after, "#"):
		return "; JSON has no comments: use a Comment field"
	case after[0] == ',' && strings.ContainsAny(firstByte(after[1:]), "}],") || strings.HasSuffix(before, ",") && strings.ContainsAny(firstByte(after), "}]"):
		return "; is there a comma too many?"
	case after[0] == '\'':
		return `; strings stand in double quotes`
	case after[0] == '"':
		return "; is there a comma or a colon missing before it?"
	case strings.HasPrefix(after, "${"):
		return "; a placeholder stands in double quotes, or replace it first"
	case strings.HasPrefix(after, "%{"):
		return "; a directive of Terraform: give the definition as Terraform renders it (templatefile in terraform console)"
	case offset < 2:
		return "; a definition is a JSON object and begins with {"
	}
	return ""
}

// firstByte is the first byte that is no white space, "" where there is none.
func firstByte(text string) string {
	text = strings.TrimLeft(text, " \t\r\n")
	return text[:min(1, len(text))]
}

// is tells kinds apart: "object", "array", "string", "number", "boolean", "null".
func (n *node) is(kind string) bool { return n.name() == kind }

func (n *node) name() string {
	switch n.kind {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case '0':
		return "number"
	case 't', 'f':
		return "boolean"
	}
	return "null"
}

func (n *node) isNull() bool { return n.kind == 'n' }

// get returns the member of that key, nil where there is none. Of equal keys the
// last one counts.
func (n *node) get(key string) *node {
	if n.kind != '{' {
		return nil
	}
	for i := len(n.kids) - 1; i >= 0; i-- {
		if n.kids[i].key == key {
			return n.kids[i]
		}
	}
	return nil
}

// pointer is the RFC 6901 pointer of n, "" for the root.
func (n *node) pointer() string {
	return n.path(func(i int) string { return "/" + strconv.Itoa(i) }, func(key string) string { return "/" + escapePointer.Replace(key) })
}

// location is the place of n as Step Functions writes it: /States/Pick/Choices[0]/Next.
func (n *node) location() string {
	if n.parent == nil {
		return "/"
	}
	return n.path(func(i int) string { return "[" + strconv.Itoa(i) + "]" }, func(key string) string { return "/" + key })
}

func (n *node) path(index func(int) string, key func(string) string) string {
	var steps []string
	for ; n != nil && n.parent != nil; n = n.parent {
		if n.parent.kind == '[' {
			steps = append(steps, index(n.index))
		} else {
			steps = append(steps, key(n.key))
		}
	}
	slices.Reverse(steps)
	return strings.Join(steps, "")
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

// value turns n into a Value that shares the text.
func (n *node) value(text string) value.Value {
	switch n.kind {
	case '{', '[', 'n', 't', 'f':
		return n.plainValue(text)
	case '"':
		if !n.raw {
			return value.String(n.text)
		}
	}
	v, err := value.Parse(text[n.span.Start:n.span.End])
	if err != nil {
		panic(fmt.Sprintf("asl: what was read once cannot be read again: %v", err))
	}
	return v
}

func (n *node) plainValue(text string) value.Value {
	switch n.kind {
	case '{':
		var b value.Builder
		for _, kid := range n.kids {
			b.Set(kid.key, kid.value(text))
		}
		return b.Object()
	case '[':
		items := make([]value.Value, len(n.kids))
		for i, kid := range n.kids {
			items[i] = kid.value(text)
		}
		return value.Array(items...)
	case 't', 'f':
		return value.Bool(n.kind == 't')
	}
	return value.Null()
}
