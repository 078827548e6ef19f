package diagnose

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Comparison is how what failed differs from an execution that did not.
type Comparison struct {
	Execution   string       // ARN or name of the one that went well; may be empty
	State       string       // whose inputs are compared; "": the executions' own, as the other never came to the state
	Differences []Difference // what the failure names first, then what the state reads, then the rest
	Count       int          // of all differences; Differences are the first 20
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
	d := differ{named: pointersTo(pathsIn(deref(subject.Cause))), read: pointersTo(readsOf(c.Evidence))}
	d.compare("", a, b)
	comparison.Differences, comparison.Count = d.first(), d.count
	c.Comparison = &comparison
}

// pointersTo are paths as pointers, without the indices of arrays.
func pointersTo(paths [][]string) []string {
	var pointers []string
	for _, path := range paths {
		pointer := ""
		for _, step := range path {
			pointer += "/" + escapePointer(step)
		}
		pointers = append(pointers, withoutIndices(pointer))
	}
	return pointers
}

// differ collects differences by how near they are to the failure.
type differ struct {
	named, read []string        // pointers that the failure names, and that the state reads
	found       [3][]Difference // of the named, the read and the rest, at most maxDifferences each
	count       int
}

func (d *differ) first() []Difference {
	all := slices.Concat(d.found[0], d.found[1], d.found[2])
	return all[:min(maxDifferences, len(all))]
}

func (d *differ) add(pointer string, was, now value.Value) {
	d.count++
	class := 2
	switch plain := withoutIndices(pointer); {
	case touches(d.named, plain):
		class = 0
	case touches(d.read, plain):
		class = 1
	}
	if len(d.found[class]) < maxDifferences {
		d.found[class] = append(d.found[class], Difference{Pointer: pointer, Was: text(was), Now: text(now)})
	}
}

// withoutIndices leaves the steps of a pointer out that are numbers.
func withoutIndices(pointer string) string {
	steps := strings.Split(pointer, "/")
	return strings.Join(slices.DeleteFunc(steps, func(s string) bool { _, err := strconv.Atoi(s); return err == nil }), "/")
}

// touches reports that one of the pointers is pointer, or lies around or inside it.
func touches(pointers []string, pointer string) bool {
	return slices.ContainsFunc(pointers, func(p string) bool {
		return p == pointer || strings.HasPrefix(p, pointer+"/") || strings.HasPrefix(pointer, p+"/")
	})
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

func (d *differ) compare(pointer string, was, now value.Value) {
	switch {
	case value.Equal(was, now) && was.Kind() == now.Kind():
	case was.Kind() == value.KindObject && now.Kind() == value.KindObject:
		d.members(pointer, was, now)
	case was.Kind() == value.KindArray && now.Kind() == value.KindArray:
		d.items(pointer, was.Items(), now.Items())
	default:
		d.add(pointer, was, now)
	}
}

func (d *differ) members(pointer string, was, now value.Value) {
	for _, m := range was.Members() {
		other, _ := now.Get(m.Key)
		d.compare(pointer+"/"+pointerEscape.Replace(m.Key), m.Value, other)
	}
	for _, m := range now.Members() {
		if _, there := was.Get(m.Key); !there {
			d.compare(pointer+"/"+pointerEscape.Replace(m.Key), value.Value{}, m.Value)
		}
	}
}

func (d *differ) items(pointer string, was, now []value.Value) {
	for i := range max(len(was), len(now)) {
		var a, b value.Value
		if i < len(was) {
			a = was[i]
		}
		if i < len(now) {
			b = now[i]
		}
		d.compare(pointer+"/"+strconv.Itoa(i), a, b)
	}
}

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

func text(v value.Value) string {
	if v.IsAbsent() {
		return ""
	}
	return v.JSON()
}
