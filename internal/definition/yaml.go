package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

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
	template bool // functions of CloudFormation may be written as objects
	out      bytes.Buffer
	places   map[string]place
	nodes    int
}

// file converts a node that is a definition.
func (c *converter) file(root *yaml.Node) (*File, error) {
	c.places = map[string]place{}
	if err := c.value(root, "", 0); err != nil {
		return nil, err
	}
	var spread bytes.Buffer
	if err := json.Indent(&spread, c.out.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("%s: as JSON: %w", c.name, err)
	}
	spread.WriteByte('\n')
	return &File{Name: c.name, JSON: spread.Bytes(), Converted: true, places: c.places}, nil
}

func (c *converter) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", c.name, n.Line, n.Column, fmt.Sprintf(format, args...))
}

// value writes n, which is at pointer.
func (c *converter) value(n *yaml.Node, pointer string, depth int) error {
	if c.nodes++; c.nodes > maxNodes || depth > maxDepth {
		return c.errorf(n, "too large or too deep for a definition, once its aliases are followed")
	}
	if _, known := c.places[pointer]; !known {
		c.places[pointer] = place{n.Line, n.Column}
	}
	if text, ok := c.reference(n); ok {
		c.text(text)
		return nil
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.value(n.Alias, pointer, depth+1)
	case yaml.MappingNode:
		return c.mapping(n, pointer, depth)
	case yaml.SequenceNode:
		return c.sequence(n, pointer, depth)
	}
	return c.scalar(n)
}

func (c *converter) mapping(n *yaml.Node, pointer string, depth int) error {
	pairs, err := c.pairs(n, 0)
	if err != nil {
		return err
	}
	c.out.WriteByte('{')
	for i, p := range pairs {
		if i > 0 {
			c.out.WriteByte(',')
		}
		inner := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(p.key.Value)
		c.places[inner] = place{p.key.Line, p.key.Column}
		c.text(p.key.Value)
		c.out.WriteByte(':')
		if err := c.value(p.value, inner, depth+1); err != nil {
			return err
		}
	}
	c.out.WriteByte('}')
	return nil
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
	c.out.WriteByte('[')
	for i, item := range n.Content {
		if i > 0 {
			c.out.WriteByte(',')
		}
		if err := c.value(item, pointer+"/"+strconv.Itoa(i), depth+1); err != nil {
			return err
		}
	}
	c.out.WriteByte(']')
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
		c.text(n.Value)
	default:
		return c.errorf(n, "the tag %s means nothing in a definition", tag)
	}
	return nil
}

// number writes a number as it is written, where JSON has that form.
func (c *converter) number(n *yaml.Node) error {
	if json.Valid([]byte(n.Value)) {
		c.out.WriteString(n.Value)
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

// text writes a string.
func (c *converter) text(s string) {
	enc := json.NewEncoder(&c.out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string can always be written
	c.out.Truncate(c.out.Len() - 1)
}
