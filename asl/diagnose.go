package asl

import (
	"slices"
	"strings"
)

// Diagnostic is one finding in the form of ValidateStateMachineDefinition.
type Diagnostic struct {
	Severity string // ERROR or WARNING
	Code     string
	Message  string // Step Functions' own words where they are known, else ours
	Location string // "/States/Pick/Choices[0]/Next"; "" where none is given
}

// Diagnose checks a definition as ValidateStateMachineDefinition does: errors and
// warnings in the order of the text. A definition without errors has result OK.
func Diagnose(text []byte, t WorkflowType) []Diagnostic {
	d := newDecoder("", text)
	if t == Express {
		d.processor = &ProcessorConfig{ExecutionType: string(Express)}
	}
	if root, err := d.read(); err == nil {
		m := d.topMachine(root)
		d.checkTree(m)
		_ = d.finish(m)
	}
	return d.diagnostics("")
}

// DiagnoseState checks one state alone as TestState does, which calls it StateName
// in locations.
func DiagnoseState(text []byte) []Diagnostic {
	d := newDecoder("", text)
	if root, err := d.read(); err == nil {
		d.loneState("StateName", root)
	}
	return d.diagnostics("/States/StateName")
}

func (d *decoder) diagnostics(prefix string) []Diagnostic {
	out := make([]Diagnostic, 0, len(d.problems))
	for _, e := range d.problems {
		found := Diagnostic{Severity: strings.ToUpper(e.Severity.String()), Code: e.Code, Message: e.aws.message, Location: e.aws.below(prefix)}
		if found.Message == "" {
			found.Message = e.Message
		}
		if !slices.Contains(out, found) {
			out = append(out, found)
		}
	}
	// What has no place comes last.
	slices.SortStableFunc(out, func(a, b Diagnostic) int { return placeless(a) - placeless(b) })
	return out
}

func placeless(d Diagnostic) int {
	if d.Location == "" {
		return 1
	}
	return 0
}

// Refusal puts the errors among the diagnostics into the message of an
// InvalidDefinition; "" where there are none.
func Refusal(found []Diagnostic) string {
	var parts []string
	for _, d := range found {
		if d.Severity != "ERROR" {
			continue
		}
		location := d.Location
		if location == "" {
			location = "null"
		}
		parts = append(parts, d.Code+": "+d.Message+" at "+location)
	}
	if parts == nil {
		return ""
	}
	return "Invalid State Machine Definition: '" + strings.Join(parts, ", ") + "'"
}
