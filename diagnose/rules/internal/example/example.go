// Package example reads the examples of rules: failures that a rule has to see
// (hit*.json) or to pass over in silence (miss*.json).
package example

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
)

// Example is one failure and what is to be said of it.
type Example struct {
	Error, Cause *string
	State        json.RawMessage // definition of the failing state, alone
	StateName    string          `json:"state_name"`
	Phase        diagnose.Phase  // default: run
	Definition   json.RawMessage // whole definition; state_name is in it
	Input        json.RawMessage // of the failing state
	StateType    string          `json:"state_type"`
	Aborted      bool
	TimedOut     bool `json:"timed_out"`
	Attempts     int
	Path         []string // enclosing states and iterations: ["Fan", "[3]"]
	Heartbeat    bool
	Succeeded    bool // nothing failed

	Want Want
}

// Want is what the best finding of a hit has to be.
type Want struct {
	Category     diagnose.Category
	Retryable    diagnose.Retryable
	Contributing bool     // the rule only contributes: category and retryable are not asked
	Mention      []string // regular expressions that the texts have to match
	MustNot      []string `json:"must_not"` // and must not match
	Edited       string   // what the first edit offered puts into the definition
}

// Read reads one file.
func Read(file string) (Example, error) {
	var e Example
	text, err := os.ReadFile(file)
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return e, fmt.Errorf("%s: %w", file, err)
	}
	return e, nil
}

// Files lists the examples of a rule below dir whose names begin with kind ("hit", "miss"), in order.
func Files(dir, rule, kind string) ([]string, error) {
	return filepath.Glob(filepath.Join(dir, rule, kind+"*.json"))
}

// Case makes a case of the example.
func (e Example) Case() (*diagnose.Case, error) {
	c := &diagnose.Case{Phase: e.Phase, Failure: &diagnose.Failure{
		State: e.StateName, StateType: e.StateType, Error: e.Error, Cause: e.Cause,
		Aborted: e.Aborted, TimedOut: e.TimedOut, Heartbeat: e.Heartbeat, Attempts: e.Attempts, Path: e.Path,
	}}
	if c.Phase == "" {
		c.Phase = diagnose.Run
	}
	switch {
	case len(e.Definition) > 0:
		// What is wrong with a definition is part of some examples.
		c.Machine, _ = asl.Parse("example.asl.json", e.Definition)
		if c.Machine == nil {
			return nil, fmt.Errorf("the definition cannot be read")
		}
		if c.State = find(c.Machine, e.StateName); c.State == nil {
			return nil, fmt.Errorf("no state %q in the definition", e.StateName)
		}
	case len(e.State) > 0:
		c.State, _ = asl.ParseState(e.StateName, e.State)
	}
	if c.State != nil && c.Failure.StateType == "" {
		c.Failure.StateType = string(c.State.Type)
	}
	if len(e.Input) > 0 {
		c.Failure.Input = history.Text(string(e.Input))
	}
	if e.Succeeded {
		c.Failure = nil
	}
	return c, nil
}

func find(m *asl.Machine, name string) *asl.State {
	for _, s := range m.States {
		if s.Name == name {
			return s
		}
		inner := append([]*asl.Machine(nil), s.Branch...)
		if s.Map != nil && s.Map.Processor != nil {
			inner = append(inner, s.Map.Processor)
		}
		for _, b := range inner {
			if found := find(b, name); found != nil {
				return found
			}
		}
	}
	return nil
}
