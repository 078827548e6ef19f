package jsonpath

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// NotFound says that a path leads nowhere in a value. Its text is what AWS writes
// behind "Invalid path '…' : ".
type NotFound struct {
	Path *Path
	Step int         // index into Path.Steps of the step that could not be taken
	At   value.Value // the value that this step was tried on

	reason reason
}

type reason uint8

const (
	leafMissing   reason = iota // no such field, or index out of bounds, at the last step
	fieldMissing                // no such field further up
	notObject                   // a field of something that has none
	notArray                    // an item of something that has none
	nullArray                   // an item of null
	primitive                   // a filter on a scalar
	nullInput                   // any step from an input that is null
	nothingToFold               // min(), sum() … of no numbers
	noSuchItem                  // first(), index() … beyond the array
)

// Where returns the path up to the value that the failed step was tried on, as
// AWS shows paths.
func (e *NotFound) Where() string {
	return e.Path.rootText() + e.Path.fragments(0, e.Step)
}

func (e *NotFound) Error() string {
	step := &e.Path.steps[e.Step]
	switch e.reason {
	case fieldMissing:
		return fmt.Sprintf("Missing property in path %s['%s']", e.Where(), step.Name)
	case notObject:
		return fmt.Sprintf("Property %s not found in path %s", e.Path.fragments(e.Step, e.Step+1), e.Where())
	case notArray:
		return fmt.Sprintf("Filter: %s can only be applied to arrays. Current context is: %s",
			e.Path.fragments(e.Step, len(e.Path.steps)), JavaText(e.At))
	case nullArray:
		return fmt.Sprintf("The path %s is null", e.Where())
	case primitive:
		return fmt.Sprintf("Filter: %s can not be applied to primitives. Current context is: %s",
			e.Path.fragments(e.Step, len(e.Path.steps)), JavaText(e.At))
	case nullInput:
		return "Unable to apply Path transformation to null or empty input."
	case nothingToFold:
		return "Aggregation function attempted to calculate value using empty array"
	case noSuchItem:
		return fmt.Sprintf("%s() is applied to no array that has such an item: %s", step.Name, e.Where())
	}
	return "No results for path: " + e.Path.Canonical()
}

// JavaText returns v as Java's toString writes it, {a=1, b=[x, y]}, which is how
// AWS shows values in causes and how States.Format puts them into text.
func JavaText(v value.Value) string {
	if s, ok := v.AsString(); ok {
		return s
	}
	if v.Len() == 0 {
		return v.JSON()
	}
	var b strings.Builder
	appendJava(&b, v)
	return b.String()
}

func appendJava(b *strings.Builder, v value.Value) {
	switch v.Kind() {
	case value.KindString:
		s, _ := v.AsString()
		b.WriteString(s)
	case value.KindArray:
		b.WriteByte('[')
		for i, item := range v.Items() {
			if i > 0 {
				b.WriteString(", ")
			}
			appendJava(b, item)
		}
		b.WriteByte(']')
	case value.KindObject:
		b.WriteByte('{')
		for i, m := range v.Members() {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(m.Key + "=")
			appendJava(b, m.Value)
		}
		b.WriteByte('}')
	default:
		b.WriteString(v.JSON())
	}
}
