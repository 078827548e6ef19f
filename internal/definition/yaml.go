package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"go.yaml.in/yaml/v3"
)

// How much a file may become: aliases can make a few lines many.
const (
	maxNodes = 200_000
	maxDepth = 200
)

// readYAML reads the one document of a text, nil where it is empty.
func readYAML(name string, text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s", located(name, err))
	}
	if dec.Decode(&more) == nil {
		return nil, fmt.Errorf("%s:%d: a second document begins here; a file has one definition", name, more.Line)
	}
	return doc.Content[0], nil
}

var yamlLine = lazyregexp.New(`^yaml: (?:line (\d+): )?`)

// located puts the line in front, as other messages have it.
func located(name string, err error) string {
	text := err.Error()
	found := yamlLine.FindStringSubmatch(text)
	if found == nil {
		return name + ": not YAML: " + text
	}
	if found[1] != "" {
		name += ":" + found[1]
	}
	return name + ": not YAML: " + strings.TrimPrefix(text, found[0])
}

// converter turns YAML into JSON and remembers where each value stood.
type converter struct {
	name     string
	text     string // of the file
	template bool   // functions of CloudFormation may be written as objects
	out      bytes.Buffer
	level    int // of indentation
	places   map[string]place
	parts    []part
	nodes    int
}

// file converts a node that is a definition.
func (c *converter) file(root *yaml.Node) (*File, error) {
	c.places = map[string]place{}
	if err := c.value(root, nil, "", 0); err != nil {
		return nil, err
	}
	c.out.WriteByte('\n')
	made := &conversion{text: c.text, json: c.out.String(), parts: c.parts}
	return &File{Name: c.name, JSON: c.out.Bytes(), Converted: true, places: c.places, origin: c.origin(made.find)}, nil
}

// origin is the file, found its way around in by find.
func (c *converter) origin(find func(asl.Span) (asl.Span, bool)) *asl.Origin {
	return &asl.Origin{Source: &asl.Source{Name: c.name, Text: c.text}, Find: find}
}

func (c *converter) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", c.name, n.Line, n.Column, fmt.Sprintf(format, args...))
}

// value writes n, which is at pointer; key is that of a member.
func (c *converter) value(n, key *yaml.Node, pointer string, depth int) error {
	if c.nodes++; c.nodes > maxNodes || depth > maxDepth {
		return c.errorf(n, "too large or too deep for a definition, once its aliases are followed")
	}
	if _, known := c.places[pointer]; !known {
		c.places[pointer] = place{n.Line, n.Column}
	}
	if n.Kind == yaml.AliasNode {
		return c.value(n.Alias, key, pointer, depth+1)
	}
	i, start := len(c.parts), c.out.Len()
	c.parts = append(c.parts, part{})
	from, err := c.write(n, pointer, depth)
	c.parts[i] = part{span: asl.Span{Start: start, End: c.out.Len()}, scalar: from, key: key}
	return err
}

// write writes n, and returns the scalar that it was made of, nil for a collection.
func (c *converter) write(n *yaml.Node, pointer string, depth int) (from *yaml.Node, err error) {
	if text, from, ok := c.reference(n); ok {
		c.string(text)
		return from, nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return nil, c.mapping(n, pointer, depth)
	case yaml.SequenceNode:
		return nil, c.sequence(n, pointer, depth)
	}
	return n, c.scalar(n)
}

func (c *converter) mapping(n *yaml.Node, pointer string, depth int) error {
	pairs, err := c.pairs(n, 0)
	if err != nil {
		return err
	}
	c.open('{')
	for i, p := range pairs {
		c.next(i)
		inner := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(p.key.Value)
		c.places[inner] = place{p.key.Line, p.key.Column}
		start := c.out.Len()
		c.string(p.key.Value)
		c.parts = append(c.parts, part{span: asl.Span{Start: start, End: c.out.Len()}, scalar: p.key})
		c.out.WriteString(": ")
		if err := c.value(p.value, p.key, inner, depth+1); err != nil {
			return err
		}
	}
	c.close('}', len(pairs))
	return nil
}

// open, next and close lay out an object or an array of n parts, each on its own line.
func (c *converter) open(bracket byte) {
	c.out.WriteByte(bracket)
	c.level++
}

func (c *converter) next(i int) {
	if i > 0 {
		c.out.WriteByte(',')
	}
	c.newline()
}

func (c *converter) close(bracket byte, n int) {
	c.level--
	if n > 0 {
		c.newline()
	}
	c.out.WriteByte(bracket)
}

func (c *converter) newline() {
	c.out.WriteByte('\n')
	for range c.level {
		c.out.WriteString("  ")
	}
}

type pair struct{ key, value *yaml.Node }

// pairs are the members of a mapping. Those that "<<" merges in come where it stands,
// and give way to those that are written down.
func (c *converter) pairs(n *yaml.Node, depth int) ([]pair, error) {
	if depth > maxDepth {
		return nil, c.errorf(n, "merges itself")
	}
	var all []pair
	own := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		own[n.Content[i].Value] = true
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, c.errorf(key, "a key must be a text")
		case key.Tag != "!!merge":
			all = append(all, pair{key, value})
			continue
		}
		sources := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			sources = value.Content
		}
		for _, source := range sources {
			for source.Kind == yaml.AliasNode {
				source = source.Alias
			}
			if source.Kind != yaml.MappingNode {
				return nil, c.errorf(value, "only mappings can be merged with <<")
			}
			merged, err := c.pairs(source, depth+1)
			if err != nil {
				return nil, err
			}
			for _, p := range merged {
				if !own[p.key.Value] {
					own[p.key.Value] = true
					all = append(all, p)
				}
			}
		}
	}
	return all, nil
}

func (c *converter) sequence(n *yaml.Node, pointer string, depth int) error {
	c.open('[')
	for i, item := range n.Content {
		c.next(i)
		if err := c.value(item, nil, pointer+"/"+strconv.Itoa(i), depth+1); err != nil {
			return err
		}
	}
	c.close(']', len(n.Content))
	return nil
}

func (c *converter) scalar(n *yaml.Node) error {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		c.out.WriteString("null")
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return c.errorf(n, "%q is no boolean", n.Value)
		}
		c.out.WriteString(strconv.FormatBool(b))
	case "!!int", "!!float":
		return c.number(n)
	case "!!str", "!!timestamp", "!!binary":
		c.string(n.Value)
	default:
		return c.errorf(n, "the tag %s means nothing in a definition", tag)
	}
	return nil
}

// number writes a number as it is written, where JSON has that form.
func (c *converter) number(n *yaml.Node) error {
	if json.Valid([]byte(n.Value)) {
		c.out.WriteString(strings.TrimSpace(n.Value))
		return nil
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return c.errorf(n, "%q is no number", n.Value)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return c.errorf(n, "JSON has no number %s", n.Value)
	}
	c.out.Write(text)
	return nil
}

// string writes a string.
func (c *converter) string(s string) {
	enc := json.NewEncoder(&c.out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string can always be written
	c.out.Truncate(c.out.Len() - 1)
}
