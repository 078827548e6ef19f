package definition

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// holder is a state machine in a template.
type holder struct {
	name   string
	inline *yaml.Node // the definition, as a mapping or a text; nil: it is elsewhere
	file   string     // where it is; "" unknown
}

// holdsTemplate guesses, before a JSON text is read, whether it is a template.
func holdsTemplate(text []byte) bool {
	return bytes.Contains(text, []byte(`"Resources"`)) && (bytes.Contains(text, []byte("::StateMachine")) || !bytes.Contains(text, []byte(`"StartAt"`)))
}

// machineOf reads the one state machine of a template; nil where root is none.
func (c *converter) machineOf(root *yaml.Node) (*File, error) {
	if hasAny(root, "StartAt", "States") {
		return nil, nil
	}
	kind, holders := "", []holder(nil)
	switch {
	case hasAny(root, "Resources"):
		kind, holders = "a CloudFormation template", resources(root)
	case member(root, "stepFunctions") != nil:
		kind, holders = "a file of the Serverless Framework", serverless(root)
	default:
		return nil, nil
	}
	if len(holders) == 1 && holders[0].inline != nil {
		c.template = true
		return c.inline(holders[0].inline)
	}
	return nil, fmt.Errorf("%s: %s, not a definition: %s", c.name, kind, advice(holders))
}

// inline reads a definition that stands in the template itself.
func (c *converter) inline(n *yaml.Node) (*File, error) {
	text, scalar, written := c.reference(n)
	switch {
	case written:
	case n.Kind == yaml.ScalarNode:
		text, scalar = n.Value, n
	default:
		return c.file(n)
	}
	made := &inscription{text: c.text, json: text, scalar: scalar}
	return &File{Name: c.name, JSON: []byte(text), Converted: true, places: map[string]place{"": {n.Line, n.Column}}, origin: c.origin(made.find)}, nil
}

func advice(holders []holder) string {
	if len(holders) == 0 {
		return "there is no state machine in it"
	}
	var all []string
	for _, h := range holders {
		switch {
		case h.inline != nil:
			all = append(all, h.name+" (in the template)")
		case h.file != "":
			all = append(all, h.name+" (in "+h.file+")")
		default:
			all = append(all, h.name)
		}
	}
	slices.Sort(all)
	return "give the file with the definition of " + strings.Join(all, " or ")
}

// resources are the state machines of a CloudFormation or SAM template.
func resources(root *yaml.Node) []holder {
	var all []holder
	each(member(root, "Resources"), func(name string, r *yaml.Node) {
		kind := member(r, "Type")
		if kind == nil || kind.Value != "AWS::Serverless::StateMachine" && kind.Value != "AWS::StepFunctions::StateMachine" {
			return
		}
		p := member(r, "Properties")
		h := holder{name: name, inline: member(p, "Definition")}
		if h.inline == nil {
			h.inline = member(p, "DefinitionString")
		}
		if h.inline != nil && h.inline.Kind == yaml.SequenceNode && h.inline.Tag != "!Sub" {
			h.inline = nil
		}
		if uri := member(p, "DefinitionUri"); uri != nil && uri.Kind == yaml.ScalarNode {
			h.file = uri.Value
		}
		all = append(all, h)
	})
	return all
}

// serverless are the state machines of the plug-in serverless-step-functions.
func serverless(root *yaml.Node) []holder {
	var all []holder
	each(member(member(root, "stepFunctions"), "stateMachines"), func(name string, m *yaml.Node) {
		h := holder{name: name, inline: member(m, "definition")}
		if h.inline != nil && h.inline.Kind != yaml.MappingNode {
			h.file, h.inline = h.inline.Value, nil
		}
		all = append(all, h)
	})
	return all
}

// reference is the text with a placeholder that a function of CloudFormation stands
// for: !Ref Table is "${Table}", !GetAtt Fn.Arn is "${Fn.Arn}". from is the scalar that
// it was made of, nil where there are several.
func (c *converter) reference(n *yaml.Node) (text string, from *yaml.Node, ok bool) {
	name, arg := n.Tag, n
	if c.template && n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		name, arg = strings.Replace(n.Content[0].Value, "Fn::", "!", 1), n.Content[1]
		if name == "Ref" {
			name = "!Ref"
		}
	}
	items := []*yaml.Node{arg}
	if arg.Kind == yaml.SequenceNode {
		items = arg.Content
	}
	var words []string
	for _, item := range items {
		words = append(words, item.Value)
	}
	if name == "!Sub" { // what fills its placeholders comes behind
		items = items[:min(1, len(items))]
	}
	if len(items) == 1 && items[0].Kind == yaml.ScalarNode {
		from = items[0]
	}
	switch name {
	case "!Ref", "!GetAtt", "!ImportValue":
		return "${" + strings.Join(words, ".") + "}", from, true
	case "!Sub":
		if len(words) > 0 {
			return words[0], from, true
		}
	}
	return "", nil, false
}

func hasAny(n *yaml.Node, keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return member(n, key) != nil })
}

// member is the value of a key in a mapping, nil where there is none.
func member(n *yaml.Node, key string) *yaml.Node {
	var found *yaml.Node
	each(n, func(name string, v *yaml.Node) {
		if name == key {
			found = v
		}
	})
	return found
}

func each(n *yaml.Node, visit func(key string, v *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		v := n.Content[i+1]
		if v.Kind == yaml.AliasNode {
			v = v.Alias
		}
		visit(n.Content[i].Value, v)
	}
}
