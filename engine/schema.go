package engine

import (
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// shape is what a member of a service's answer has to look like.
type shape struct {
	kind     string // string, number, boolean, array, object, map
	required []string
	members  map[string]*shape
	item     *shape
	min, max float64 // of a number; length of a string or blob
	bounded  bool
	enum     []string
}

// checkMockedResult compares a mocked result with what is known of the service's
// answers: "" where it fits, or nothing is known. In the mode PRESENT nothing is
// required; in NONE nothing is checked. What comes with a task token is nobody's
// answer, and a .sync task gives what describes the job.
func checkMockedResult(r *resource, v value.Value, mode string) string {
	if mode == "NONE" || r.token {
		return ""
	}
	s := answers()[r.service+":"+r.action]
	if s == nil {
		return ""
	}
	return s.check("", v, mode != "PRESENT")
}

func (s *shape) check(field string, v value.Value, strict bool) string {
	if v.IsNull() && field != "" {
		return ""
	}
	if problem := s.checkKind(field, v); problem != "" {
		return problem
	}
	switch s.kind {
	case "object":
		return s.checkObject(v, strict)
	case "array":
		for _, item := range v.Items() {
			if problem := s.item.check(field, item, strict); problem != "" {
				return problem
			}
		}
	case "map":
		for _, m := range v.Members() {
			if problem := s.item.check(m.Key, m.Value, strict); problem != "" {
				return problem
			}
		}
	}
	return ""
}

func (s *shape) checkObject(v value.Value, strict bool) string {
	if strict {
		for _, name := range s.required {
			if _, ok := v.Get(name); !ok {
				return "Required field '" + name + "' is missing"
			}
		}
	}
	for _, m := range v.Members() {
		if member := s.members[m.Key]; member != nil {
			if problem := member.check(m.Key, m.Value, strict); problem != "" {
				return problem
			}
		}
	}
	return ""
}

func (s *shape) checkKind(field string, v value.Value) string {
	name := "Field '" + field + "' "
	switch s.kind {
	case "string":
		text, ok := v.AsString()
		if !ok {
			return name + "must be a string"
		}
		return s.checkText(name, text)
	case "number":
		if v.Kind() != value.KindNumber {
			return name + "must be a number"
		}
		n, _ := v.AsFloat()
		if s.bounded && n < s.min {
			return name + "is less than the minimum value"
		}
		if s.bounded && n > s.max {
			return name + "exceeds the maximum value"
		}
	case "boolean":
		if v.Kind() != value.KindBool {
			return name + "must be a boolean"
		}
	case "array":
		if v.Kind() != value.KindArray {
			return name + "must be an array"
		}
	case "object", "map":
		if v.Kind() != value.KindObject {
			return name + "must be an object"
		}
	}
	return ""
}

func (s *shape) checkText(name, text string) string {
	n := float64(utf8.RuneCountInString(text))
	switch {
	case s.bounded && n < s.min:
		return name + "is smaller than the minimum length"
	case s.bounded && s.max > 0 && n > s.max:
		return name + "exceeds the maximum length"
	case len(s.enum) > 0:
		for _, e := range s.enum {
			if e == text {
				return ""
			}
		}
		return name + "is not an expected value"
	}
	return ""
}

// Makers of shapes, to write them down briefly.

func str() *shape                   { return &shape{kind: "string"} }
func sized(min, max float64) *shape { return &shape{kind: "string", min: min, max: max, bounded: true} }
func oneOf(values ...string) *shape { return &shape{kind: "string", enum: values} }
func num() *shape                   { return &shape{kind: "number"} }
func within(min, max float64) *shape {
	return &shape{kind: "number", min: min, max: max, bounded: true}
}
func flag() *shape              { return &shape{kind: "boolean"} }
func listOf(item *shape) *shape { return &shape{kind: "array", item: item} }
func mapOf(item *shape) *shape  { return &shape{kind: "map", item: item} }

type fields map[string]*shape

func record(members fields, required ...string) *shape {
	return &shape{kind: "object", members: members, required: required}
}
