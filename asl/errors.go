package asl

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severity tells what Step Functions refuses from what it lets pass.
type Severity uint8

// SeverityError is refused by Step Functions, SeverityWarning is accepted and suspicious.
const (
	SeverityError Severity = iota
	SeverityWarning
)

func (s Severity) String() string {
	if s == SeverityWarning {
		return "warning"
	}
	return "error"
}

// Error is one thing wrong with a definition, and where.
type Error struct {
	File         string // may be empty
	Line, Column int    // from 1; the column counts characters
	Span         Span
	Pointer      string // RFC 6901 pointer to the place, as "/States/Charge/Next"
	Code         string // as Step Functions calls it: SCHEMA_VALIDATION_FAILED, MISSING_TRANSITION_TARGET …
	Severity     Severity
	Message      string

	aws verdict
}

// verdict is how Step Functions itself puts it.
type verdict struct {
	message  string // "" is the Error's own
	location string // "" is none
}

// below is the place with prefix before it.
func (v verdict) below(prefix string) string {
	if prefix != "" && v.location == "/" {
		return prefix
	}
	return prefix + v.location
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
	}
	fmt.Fprintf(&b, "%d:%d: ", e.Line, e.Column)
	if e.Pointer != "" {
		b.WriteString(e.Pointer + ": ")
	}
	if e.Severity == SeverityWarning {
		b.WriteString("warning: ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// saying sets Step Functions' own wording of the message.
func (e *Error) saying(format string, args ...any) *Error {
	e.aws.message = fmt.Sprintf(format, args...)
	return e
}

// at sets the place that Step Functions names.
func (e *Error) at(n *node) *Error {
	e.aws.location = n.location()
	return e
}

// ErrorList is everything wrong with a definition, in the order of the text.
type ErrorList []*Error

// Error prints one line for each error.
func (l ErrorList) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find an *Error.
func (l ErrorList) Unwrap() []error {
	errs := make([]error, len(l))
	for i, e := range l {
		errs[i] = e
	}
	return errs
}

// err is the list as an error: nil where it is empty.
func (l ErrorList) err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// place sorts the list by position and fills in lines and columns, in one pass
// over the text.
func (l ErrorList) place(src *Source) {
	slices.SortStableFunc(l, func(a, b *Error) int { return a.Span.Start - b.Span.Start })
	offset, line, column := 0, 1, 1
	for _, e := range l {
		passed := src.Text[offset:min(max(e.Span.Start, offset), len(src.Text))]
		if i := strings.LastIndexByte(passed, '\n'); i >= 0 {
			line += strings.Count(passed, "\n")
			column = 1
			column += utf8.RuneCountInString(passed[i+1:])
		} else {
			column += utf8.RuneCountInString(passed)
		}
		offset += len(passed)
		e.File, e.Line, e.Column = src.Name, line, column
	}
}

// split parts errors from warnings.
func (l ErrorList) split() (errs, warnings ErrorList) {
	for _, e := range l {
		if e.Severity == SeverityWarning {
			warnings = append(warnings, e)
		} else {
			errs = append(errs, e)
		}
	}
	return errs, warnings
}

// The codes of ValidateStateMachineDefinition that are used here.
const (
	codeJSON        = "INVALID_JSON_DESCRIPTION"
	codeMissing     = "MISSING_DESCRIPTION"
	codeSchema      = "SCHEMA_VALIDATION_FAILED"
	codeEndState    = "MISSING_END_STATE"
	codeDuplicate   = "DUPLICATE_STATE_NAME"
	codeStateName   = "INVALID_STATE_NAME"
	codeTransition  = "MISSING_TRANSITION_TARGET"
	codeLabelTwice  = "DUPLICATE_LABEL_NAME"
	codeLabelName   = "INVALID_LABEL_NAME"
	codeNoDollar    = "NO_DOLLAR"
	codeNoPath      = "NO_PATH"
	codeStaticValue = "PASS_RESULT_IS_STATIC"
	codeBadJSONata  = "INVALID_JSONATA_EXPRESSION"
	codeNoTopLevel  = "UNSUPPORTED_JSONATA_EXPRESSION"
)
