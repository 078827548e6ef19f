// Package jsonpath reads and writes JSON values by the paths that Step Functions
// understands: Jayway's dialect of JSONPath, with $ for a state's input, $$ for
// the Context object and $name for a variable.
//
// It knows nothing of states: which value a path starts from is its caller's
// business, and so is what a failure means for an execution.
package jsonpath

import (
	"strconv"
	"strings"
)

// Root tells what a path starts from.
type Root uint8

// What paths start from. Item occurs only inside a filter.
const (
	Input    Root = iota // $
	Context              // $$
	Variable             // $name
	Item                 // @, the item that a filter looks at
)

// StepKind tells what one step of a path does.
type StepKind uint8

// The kinds of steps.
const (
	Field    StepKind = iota // .name or ['name']
	Index                    // [0], [-1]: from the end
	Fields                   // ['a','b']
	Indices                  // [0,2]
	Slice                    // [1:3]
	Wildcard                 // .* or [*]
	Descend                  // the two dots of ..name: this node and all below it
	Filter                   // [?(…)]
	Function                 // .length()
)

// Step is one step of a path. Which members count depends on Kind.
type Step struct {
	Kind    StepKind
	Name    string   // Field, Function
	Names   []string // Fields
	Index   int      // Index
	Indices []int    // Indices
	From    *int     // Slice: first item, nil where open
	To      *int     // Slice: the item behind the last, nil where open
	Offset  int      // where the step stands in the path's text, in bytes
	End     int
	Inner   []*Path // paths that a filter or a function's arguments read

	filter condition  // Filter
	args   []argument // Function
}

// Path is a compiled path. It is immutable and safe for concurrent use.
type Path struct {
	text      string
	root      Root
	variable  string
	steps     []Step
	single    bool // only Field and Index: one node at most
	aggregate bool // …..x.sum(): the function takes all matches at once
}

// Root returns what the path starts from.
func (p *Path) Root() Root { return p.root }

// Variable returns the name behind $ of a path that starts from a variable, else "".
func (p *Path) Variable() string { return p.variable }

// String returns the path as it was written.
func (p *Path) String() string { return p.text }

// Steps returns the path's steps in order. The slice is shared and must not be changed.
func (p *Path) Steps() []Step { return p.steps }

// Definite reports that the path leads to one value or none. A path that is not
// definite evaluates to the array of its matches.
func (p *Path) Definite() bool {
	if p.single || p.aggregate {
		return true
	}
	for i := range p.steps {
		switch p.steps[i].Kind {
		case Field, Index, Function:
		case Fields: // the last step makes one object of them
			if i != len(p.steps)-1 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// Reference reports that the path is a Reference Path (ASL "Reference Paths"): of
// field and index steps only, so that it can name but a single node.
func (p *Path) Reference() bool { return p.single }

// Canonical returns the path as AWS shows it in causes: $['a'][0]['b'].
func (p *Path) Canonical() string { return p.rootText() + p.fragments(0, len(p.steps)) }

func (p *Path) rootText() string {
	if p.root == Item {
		return "@"
	}
	return "$"
}

func (p *Path) fragments(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		p.steps[i].appendTo(&b)
	}
	return b.String()
}

func (s *Step) appendTo(b *strings.Builder) {
	switch s.Kind {
	case Field:
		b.WriteString("['" + s.Name + "']")
	case Fields:
		b.WriteString("['" + strings.Join(s.Names, "','") + "']")
	case Index:
		b.WriteString("[" + strconv.Itoa(s.Index) + "]")
	case Indices:
		b.WriteString("[" + joinInts(s.Indices) + "]")
	case Slice:
		b.WriteString("[" + bound(s.From) + ":" + bound(s.To) + "]")
	case Wildcard:
		b.WriteString("[*]")
	case Descend:
		b.WriteString("..")
	case Filter:
		b.WriteString("[?]")
	case Function:
		b.WriteString("." + s.Name + "()")
	}
}

func bound(i *int) string {
	if i == nil {
		return ""
	}
	return strconv.Itoa(*i)
}

func joinInts(list []int) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, ",")
}
