package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// batchRow is one line of --batch. All but the id may be absent or null.
type batchRow struct {
	ID         json.RawMessage `json:"id"`
	Error      *string         `json:"error"`
	Cause      *string         `json:"cause"`
	State      json.RawMessage `json:"state"` // the definition of the failed state alone
	StateName  *string         `json:"state_name"`
	Phase      *string         `json:"phase"`
	Definition json.RawMessage `json:"definition"` // an object, or its text
	Input      json.RawMessage `json:"input"`
	History    json.RawMessage `json:"history"`
}

func diagnoseBatch(c *cobra.Command, o *options, name string) error {
	text, err := readData(name, "batch", c.InOrStdin(), maxBatch)
	if err != nil {
		return err
	}
	// Every row is read before the first one is diagnosed, so that a bad line
	// leaves no half of an output behind.
	cases, err := readBatch(label(name), text)
	if err != nil {
		return err
	}
	r, err := newResponder(c.Context(), o)
	if err != nil {
		return err
	}
	failed := false
	w := bufio.NewWriter(c.OutOrStdout())
	for _, row := range cases {
		doc, err := examine(c.Context(), r, row.kase, report.Options{})
		if err != nil {
			return fmt.Errorf("row %s: %w", row.id, err)
		}
		failed = failed || doc.Failure != nil
		if err := writeRow(w, row.id, doc); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if failed {
		return found
	}
	return nil
}

type batchCase struct {
	id   json.RawMessage
	kase *diagnose.Case
}

func readBatch(name string, text []byte) ([]batchCase, error) {
	var cases []batchCase
	for i, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		kase, err := readRow(line)
		var syntax *value.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("%s:%d:%d: not a row: %s; each line is one JSON object", name, i+1, syntax.Column, syntax.Problem)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
		cases = append(cases, kase)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("%s: no rows; give one JSON object a line", name)
	}
	return cases, nil
}

func readRow(line []byte) (batchCase, error) {
	var row batchRow
	if err := value.Decode(line, &row); err != nil {
		return batchCase{}, fmt.Errorf("not a row: %w", err)
	}
	if len(row.ID) == 0 {
		return batchCase{}, fmt.Errorf("not a row: it has no id")
	}
	kase, err := row.kase()
	return batchCase{row.ID, kase}, err
}

// kase is made of the history where there is one, else of error and cause.
func (row *batchRow) kase() (*diagnose.Case, error) {
	m, err := row.machine()
	if err != nil {
		return nil, err
	}
	if given(row.History) {
		x, err := history.Parse(unquoted(row.History))
		if err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		return diagnose.NewCase(m, x), nil
	}
	s, err := row.state()
	if err != nil {
		return nil, err
	}
	name := deref(row.StateName)
	if s == nil && m != nil {
		if named := m.Lookup(name); len(named) == 1 {
			s = named[0]
		}
	}
	r := diagnose.Row{Phase: diagnose.Phase(deref(row.Phase)), Error: row.Error, Cause: row.Cause, State: s, StateName: name}
	if given(row.Input) {
		r.Input = history.Text(compact(row.Input))
	}
	kase := diagnose.NewRowCase(r)
	kase.Machine = m
	return kase, nil
}

// state reads the failed state's definition; one that AWS would refuse is of use all the same.
func (row *batchRow) state() (*asl.State, error) {
	if !given(row.State) {
		return nil, nil
	}
	s, err := asl.ParseState(deref(row.StateName), unquoted(row.State))
	if s == nil && err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return s, nil
}

func (row *batchRow) machine() (*asl.Machine, error) {
	if !given(row.Definition) {
		return nil, nil
	}
	m, err := asl.Parse("", unquoted(row.Definition))
	if m == nil && err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	return m, nil
}

// unquoted is a document that may have been given as the text of one.
func unquoted(raw json.RawMessage) []byte {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []byte(text)
	}
	return raw
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

func compact(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// writeRow writes the document on one line, with the row's id as its first member.
func writeRow(w io.Writer, id json.RawMessage, doc report.Document) error {
	var b bytes.Buffer
	if err := report.JSON(&b, doc); err != nil {
		return err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, b.Bytes()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "{\"id\":%s,%s\n", id, line.Bytes()[1:])
	return err
}
