// Package asl reads definitions in the Amazon States Language: text becomes a
// checked Machine whose every node knows its place in the text, and edits to it
// leave every other byte alone.
//
// It knows nothing of running a machine.
package asl

import (
	"github.com/stepsleuth/stepsleuth/internal/value"
	"github.com/stepsleuth/stepsleuth/jsonata"
)

// Value is a JSON value of the definition, opaque outside this module; the zero
// Value is a field that is not there.
type Value value.Value

// JSON returns the value's JSON text without white space.
func (v Value) JSON() string { return value.Value(v).JSON() }

// IsAbsent reports that there is no value.
func (v Value) IsAbsent() bool { return value.Value(v).IsAbsent() }

func (v Value) get(key string) Value {
	member, _ := value.Value(v).Get(key)
	return Value(member)
}

func (v Value) text() string {
	text, _ := value.Value(v).AsString()
	return text
}

// QueryLanguage is how a state machine or a state selects and makes data.
type QueryLanguage string

// The two query languages; JSONPath is the default.
const (
	JSONPath QueryLanguage = "JSONPath"
	JSONata  QueryLanguage = "JSONata"
)

// WorkflowType is STANDARD or EXPRESS.
type WorkflowType string

// The two types of workflow; Standard is the default.
const (
	Standard WorkflowType = "STANDARD"
	Express  WorkflowType = "EXPRESS"
)

// Span is a range of bytes in the definition's text: [Start, End). The zero Span
// means that the node is not in the text.
type Span struct{ Start, End int }

// Machine is a state machine, or one nested in a Map or a Parallel. It is
// immutable and safe for concurrent use.
type Machine struct {
	Comment        string
	QueryLanguage  QueryLanguage // resolved: never ""
	Version        string
	StartAt        string
	TimeoutSeconds *int64
	States         []*State // in the order of the text
	Span           Span

	// ProcessorConfig of a Map's ItemProcessor; nil elsewhere.
	Processor *ProcessorConfig

	source   *Source
	index    map[string]*State
	outer    *State // the Map or Parallel around a nested machine
	warnings ErrorList
	template bool // its text has placeholders where JSON has values
}

// State returns the state of that name in this machine (not in nested ones), or nil.
func (m *Machine) State(name string) *State { return m.index[name] }

// Source returns the text that the machine was parsed from.
func (m *Machine) Source() *Source { return m.source }

// Source is a definition's text and what it is called.
type Source struct {
	Name string // file name, for messages; may be empty
	Text string

	// Origin is what people wrote, where Text was made of that; nil: Text is what they wrote.
	Origin *Origin
}

// Origin is a text in another form that a Source was made of, such as YAML.
type Origin struct {
	Source *Source

	// Find returns where that stands in this text which stands at span in the text made
	// of it: a key, a value, a part of a string, or all of these that span touches. Of an
	// object or an array it is the key, as not every form has braces. ok is false where
	// it cannot be told exactly. It is safe for concurrent use.
	Find func(span Span) (at Span, ok bool)
}

// Position returns line and column, both from 1, of a byte offset; the column counts characters.
func (s *Source) Position(offset int) (line, column int) { return value.Position(s.Text, offset) }

// Type is the kind of a state.
type Type string

// The eight state types.
const (
	Pass     Type = "Pass"
	Task     Type = "Task"
	Choice   Type = "Choice"
	Wait     Type = "Wait"
	Succeed  Type = "Succeed"
	Fail     Type = "Fail"
	Parallel Type = "Parallel"
	Map      Type = "Map"
)

// State is one state with every field of both query languages; which ones count
// follows from Type and QueryLanguage. A nil pointer is a field that is not there.
type State struct {
	Name          string
	Type          Type
	Comment       string
	QueryLanguage QueryLanguage // resolved: never ""
	Next          string
	End           bool
	Span          Span // the state's object
	NameSpan      Span // its key, with the quotes

	// JSONPath: data flow. PathNull says that the field is JSON null ("discard").
	InputPath      *Path
	OutputPath     *Path
	ResultPath     *Path
	Parameters     *Template
	ResultSelector *Template
	// JSONata: data flow.
	Arguments *Template
	Output    *Template
	// Both.
	Assign *Template

	Result Value // Pass, JSONPath; absent where not given

	Task    *TaskFields     // Type Task
	Choices []*Rule         // Type Choice
	Default string          // Type Choice; "" none
	Wait    *WaitFields     // Type Wait
	Fail    *FailFields     // Type Fail
	Branch  []*Machine      // Type Parallel
	Map     *MapFields      // Type Map
	Retry   []*Retrier      // Task, Parallel, Map
	Catch   []*Catcher      // Task, Parallel, Map
	Fields  map[string]Span // spans of the values of the state's own fields, by name

	// Machine is the machine that the state is in.
	Machine *Machine
}

// TaskFields are the fields that only a Task has.
type TaskFields struct {
	Resource    string
	Timeout     *Amount // TimeoutSeconds or TimeoutSecondsPath
	Heartbeat   *Amount // HeartbeatSeconds or HeartbeatSecondsPath
	Credentials *Template
}

// Amount is a number that is written down, selected by a path, or computed.
type Amount struct {
	Number *float64    // literal, nil where selected or computed
	Text   string      // the literal's text as written
	Path   *Path       // …Path, JSONPath
	Expr   *Expression // "{% … %}", JSONata
	Span   Span
}

// WaitFields are the fields that only a Wait has; just one is set.
type WaitFields struct {
	Seconds   *Amount
	Timestamp *TextOr
}

// FailFields are the fields that only a Fail has.
type FailFields struct {
	Error, Cause *TextOr
}

// TextOr is a text that is written down, selected by a path, made by an
// intrinsic function (ErrorPath, CausePath), or computed.
type TextOr struct {
	Text *string // literal
	Path *Path
	Call *Intrinsic
	Expr *Expression
	Span Span
}

// MapFields are the fields that only a Map has.
type MapFields struct {
	Processor   *Machine // ItemProcessor, or the older Iterator
	Distributed bool
	ItemsPath   *Path     // JSONPath
	Items       *Template // JSONata
	Selector    *Template // ItemSelector, or the older Parameters
	Reader      *ItemReader
	Batcher     *ItemBatcher
	Writer      *ResultWriter
	Label       string

	MaxConcurrency             *Amount
	ToleratedFailureCount      *Amount
	ToleratedFailurePercentage *Amount
}

// ProcessorConfig says how a Map's iterations run.
type ProcessorConfig struct {
	Mode          string // INLINE or DISTRIBUTED; "" is INLINE
	ExecutionType string // STANDARD or EXPRESS, DISTRIBUTED only
	Span          Span
}

// ItemReader says where a distributed Map reads its items.
type ItemReader struct {
	Resource   string
	Parameters *Template // JSONPath; JSONata's Arguments
	Config     Value     // ReaderConfig as written; absent where not given
	MaxItems   *Amount
	Span       Span
}

// ItemBatcher says how items are put together.
type ItemBatcher struct {
	BatchInput    *Template
	MaxItems      *Amount // MaxItemsPerBatch(Path)
	MaxInputBytes *Amount // MaxInputBytesPerBatch(Path)
	Span          Span
}

// ResultWriter says where a distributed Map writes its results.
type ResultWriter struct {
	Resource   string
	Parameters *Template
	Config     Value // WriterConfig as written; absent where not given
	Span       Span
}

// Rule is one Choice rule, or a part of one below And, Or and Not.
type Rule struct {
	Next      string // top level only
	Variable  *Path  // JSONPath comparison
	Operator  string // "StringEquals", "IsPresent" …; "" for And, Or, Not and JSONata
	Value     Value  // what is compared with; JSONata: a Condition that is just true or false
	Path      *Path  // …Path operators: the other side
	And, Or   []*Rule
	Not       *Rule
	Condition *Expression // JSONata
	Assign    *Template
	Output    *Template // JSONata
	Span      Span
	Fields    map[string]Span
}

// Retrier is one entry of Retry.
type Retrier struct {
	ErrorEquals     []string
	IntervalSeconds int64   // default 1
	MaxAttempts     int64   // default 3
	BackoffRate     float64 // default 2.0
	MaxDelaySeconds int64   // 0: no limit
	JitterFull      bool    // JitterStrategy FULL
	Span            Span
}

// Catcher is one entry of Catch.
type Catcher struct {
	ErrorEquals []string
	Next        string
	ResultPath  *Path // JSONPath
	Assign      *Template
	Output      *Template // JSONata
	Span        Span
	Fields      map[string]Span
}

// Path is a JSONPath or reference path.
type Path struct {
	Text string // as written, decoded
	Null bool   // JSON null was written: "discard"
	Span Span

	// Compiled is nil where Null, where the text holds a ${…} placeholder, and where
	// a filter is wrong, which Step Functions notices only when it follows the path.
	Compiled *CompiledPath
}

// Intrinsic is a call of an intrinsic function.
type Intrinsic struct {
	Text     string
	Span     Span
	Compiled *CompiledCall // nil where the text holds a ${…} placeholder
}

// Expression is a JSONata expression.
type Expression struct {
	Text     string        // between "{%" and "%}", trimmed
	Span     Span          // of the JSON string, with the quotes
	Compiled *jsonata.Expr // nil where the text holds a ${…} placeholder
}

// Template is a payload template (Parameters, ResultSelector, Arguments, Output,
// Assign …): JSON in which some members are selected or computed.
type Template struct {
	Root *Node
	Span Span
}

// Node is one value of a Template; just one of the members but Span is set.
type Node struct {
	Literal Value // holds nothing to compute, at any depth
	Path    *Path
	Call    *Intrinsic
	Expr    *Expression
	Members []Field // an object
	Items   []*Node // an array
	Object  bool    // tells an empty object from none
	Span    Span
}

// Field is one member of an object in a Template. Key is without the ".$" that
// marks a path or a call in JSONPath.
type Field struct {
	Key     string
	Node    *Node
	KeySpan Span
}
