package diagnose

import (
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Comparison is how what failed differs from an execution that did not.
type Comparison struct {
	Execution   string // ARN or name of the one that went well; may be empty
	State       string // whose inputs are compared; "": the executions' own, as the other never came to the state
	Differences []Difference
	Count       int // of all differences; Differences are the first 20
}

// Difference is a place in which two inputs differ.
type Difference struct {
	Pointer  string // RFC 6901
	Was, Now string // JSON; "" absent
}

const maxDifferences = 20

// Compare notes how the input of the state that failed differs from the one that
// the same state had in an execution that went well. It does nothing where nothing
// failed, or where an input is not known.
func (c *Case) Compare(well *history.Execution) {
	subject := c.Subject()
	if subject == nil || well == nil {
		return
	}
	comparison := Comparison{Execution: well.ARN, State: subject.State}
	if comparison.Execution == "" {
		comparison.Execution = well.Name
	}
	was, now := enteredWith(well, subject.State), subject.Input
	if was.IsAbsent() {
		comparison.State = ""
		was = well.Input
		if c.Execution != nil {
			now = c.Execution.Input
		}
	}
	a, aErr := value.Parse(was.String())
	b, bErr := value.Parse(now.String())
	if aErr != nil || bErr != nil {
		c.Missing = append(c.Missing, "what differs from the execution that went well: its input, or this one's, is not in the history")
		return
	}
	comparison.compare("", a, b)
	c.Comparison = &comparison
}

// enteredWith is the input of a state when it was first entered.
func enteredWith(x *history.Execution, state string) history.Payload {
	for _, e := range x.Events() {
		if e.Type.IsEntered() && e.Details != nil && e.Details.Name == state {
			return e.Details.Input
		}
	}
	return history.Payload{}
}

func (c *Comparison) compare(pointer string, was, now value.Value) {
	switch {
	case value.Equal(was, now) && was.Kind() == now.Kind():
	case was.Kind() == value.KindObject && now.Kind() == value.KindObject:
		c.members(pointer, was, now)
	case was.Kind() == value.KindArray && now.Kind() == value.KindArray:
		c.items(pointer, was.Items(), now.Items())
	default:
		c.Count++
		if len(c.Differences) < maxDifferences {
			c.Differences = append(c.Differences, Difference{Pointer: pointer, Was: text(was), Now: text(now)})
		}
	}
}

func (c *Comparison) members(pointer string, was, now value.Value) {
	for _, m := range was.Members() {
		other, _ := now.Get(m.Key)
		c.compare(pointer+"/"+pointerEscape.Replace(m.Key), m.Value, other)
	}
	for _, m := range now.Members() {
		if _, there := was.Get(m.Key); !there {
			c.compare(pointer+"/"+pointerEscape.Replace(m.Key), value.Value{}, m.Value)
		}
	}
}

func (c *Comparison) items(pointer string, was, now []value.Value) {
	for i := range max(len(was), len(now)) {
		var a, b value.Value
		if i < len(was) {
			a = was[i]
		}
		if i < len(now) {
			b = now[i]
		}
		c.compare(pointer+"/"+strconv.Itoa(i), a, b)
	}
}

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

func text(v value.Value) string {
	if v.IsAbsent() {
		return ""
	}
	return v.JSON()
}
