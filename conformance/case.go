// Package conformance runs cases that were recorded on AWS Step Functions through
// the engine, and compares what comes out with what AWS did.
//
// The recordings are not part of the project; Find looks for them beside it.
package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Case is one recorded test. Which members it has depends on its Kind.
type Case struct {
	ID, Slug, Group, Kind string
	Needs                 []string
	Incomplete            bool `json:"-"` // recorded while it was still running

	Recorded, LastValidated string
	Provenance              string
	StateMachineType        string
	StateMachineName        string
	Definition              json.RawMessage
	DefinitionRaw           *string
	Input                   json.RawMessage
	InputRaw                *string
	Lambdas                 []Lambda
	Auxiliary               []Auxiliary
	Placeholders            map[string]any
	Tokens                  map[string]string
	Transforms              []string
	Request                 json.RawMessage
	MockConfig              json.RawMessage
	TestCase                string
	Runs                    []TableRun
	Outcome                 map[string]any
	Expected                map[string]json.RawMessage

	unread error // why the case could not be read
}

// Lambda is a function of a test, and what it does.
type Lambda struct {
	Name     string
	Behavior Behavior `json:"lambda_behavior"`
}

// Behavior is what a function does: echo, return, raise, sleep-then-echo or
// return-repeated-string.
type Behavior struct {
	Type         string
	Value        json.RawMessage
	ErrorType    string
	ErrorMessage string
	Seconds      float64
	Char         string
	Count        int
}

// Auxiliary is another state machine of a test.
type Auxiliary struct {
	Name       string
	Definition json.RawMessage
}

// TableRun is one run of an execution-table.
type TableRun struct {
	Definition json.RawMessage
	Input      json.RawMessage
	Expected   map[string]json.RawMessage
}

// Time is when the case was last seen to be true on AWS; zero where nobody knows.
func (c *Case) Time() time.Time {
	if t, err := time.Parse(time.RFC3339, c.LastValidated); err == nil {
		return t
	}
	t, _ := time.Parse("02-01-2006, 15:04:05", c.Recorded)
	return t
}

// DefinitionText is the definition as it goes to the parser.
func (c *Case) DefinitionText() []byte {
	if c.DefinitionRaw != nil {
		return []byte(*c.DefinitionRaw)
	}
	return c.Definition
}

// InputText is the execution's input.
func (c *Case) InputText() []byte {
	if c.InputRaw != nil {
		return []byte(*c.InputRaw)
	}
	return c.Input
}

// placeholder is the literal behind a placeholder of the recording, or other.
func (c *Case) placeholder(name, other string) string {
	if s, ok := c.Placeholders[name].(string); ok {
		return s
	}
	return other
}

// entry is what the index says of a case.
type entry struct {
	File, Slug string
	Incomplete any
}

// Load reads all cases of a folder with an index.json, in the order of the index; in
// a folder without one every JSON file is a case. A case that cannot be read is there
// nevertheless, and Run says what is wrong with it.
func Load(dir string) ([]*Case, error) {
	entries, err := entriesOf(dir)
	if err != nil {
		return nil, err
	}
	cases := make([]*Case, 0, len(entries))
	for _, entry := range entries {
		c := &Case{}
		c.unread = readJSON(filepath.Join(dir, entry.File), c)
		if c.Slug = entry.Slug; c.Slug == "" {
			c.Slug = strings.TrimSuffix(filepath.Base(entry.File), ".json")
		}
		c.Incomplete = entry.Incomplete != nil && entry.Incomplete != false
		cases = append(cases, c)
	}
	return cases, nil
}

func entriesOf(dir string) ([]entry, error) {
	var index struct{ Cases []entry }
	err := readJSON(filepath.Join(dir, "index.json"), &index)
	if !errors.Is(err, fs.ErrNotExist) {
		return index.Cases, err
	}
	var entries []entry
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		file, err := filepath.Rel(dir, path)
		entries = append(entries, entry{File: file})
		return err
	})
	if err == nil && len(entries) == 0 {
		return nil, fmt.Errorf("no cases in %s: neither index.json nor any other JSON file", dir)
	}
	return entries, err
}

func readJSON(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// Find looks for the recordings: shared/conformance beside the folder that holds
// go.mod, going up from dir. It returns "" where there are none.
func Find(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			shared := filepath.Join(filepath.Dir(dir), "shared", "conformance")
			if _, err := os.Stat(filepath.Join(shared, "index.json")); err == nil {
				return shared
			}
			return ""
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}
