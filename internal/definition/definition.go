// Package definition reads a state machine's definition from what people keep it in:
// JSON, YAML, what describe-state-machine prints, and templates of CloudFormation, SAM
// and the Serverless Framework that hold one.
//
// JSON is passed on as it is. All else is turned into JSON, with the order of keys kept
// and with every message in the lines of the file itself; a Machine's Source has the file
// as its Origin, so that reports show its lines too.
package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"go.yaml.in/yaml/v3"
)

// File is a definition that was read.
type File struct {
	Name string // of the file, for messages
	JSON []byte // the definition's text

	// Converted says that JSON is not what stands in the file.
	Converted bool

	places map[string]place // where a value of JSON stands in the file, by its pointer
	origin *asl.Origin      // the file, where JSON was made of YAML; else nil
}

// place is a line and a column, both from 1.
type place struct{ line, column int }

// Read finds the definition in a text. What is neither YAML nor a template is taken for
// JSON, of whatever quality: Parse says what is wrong with it.
func Read(name string, text []byte) (*File, error) {
	asItIs := &File{Name: name, JSON: text}
	if described := described(text); described != nil {
		return &File{Name: name, JSON: described, Converted: true}, nil
	}
	named := slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(filepath.Ext(name)))
	body := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n")
	looksJSON := len(body) > 0 && body[0] == '{'
	if looksJSON && (!named || json.Valid(body)) && !holdsTemplate(body) {
		return asItIs, nil
	}
	root, err := readYAML(name, text)
	switch {
	case err != nil && named:
		return nil, err
	case err != nil || root == nil || root.Kind != yaml.MappingNode:
		return asItIs, nil
	}
	c := &converter{name: name, text: string(text)}
	if machine, err := c.machineOf(root); machine != nil || err != nil {
		return machine, err
	}
	if !named && !hasAny(root, "StartAt", "States") {
		return asItIs, nil
	}
	return c.file(root)
}

// Parse is asl.Parse of the definition.
func (f *File) Parse() (*asl.Machine, error) {
	m, err := asl.Parse(f.source(), f.JSON)
	return f.made(m), f.explain(err)
}

// ParseTemplate is asl.ParseTemplate of the definition.
func (f *File) ParseTemplate() (*asl.Machine, error) {
	m, err := asl.ParseTemplate(f.source(), f.JSON)
	return f.made(m), f.explain(err)
}

// made tells the machine, nil or not, what its text was made of.
func (f *File) made(m *asl.Machine) *asl.Machine {
	if m != nil {
		m.Source().Origin = f.origin
	}
	return m
}

// source is what lines of the JSON are said to be of.
func (f *File) source() string {
	if f.places != nil {
		return f.Name + " as JSON"
	}
	return f.Name
}

// explain puts errors where they are in the file.
func (f *File) explain(err error) error {
	var list asl.ErrorList
	if f.places == nil || !errors.As(err, &list) {
		return err
	}
	moved := make(asl.ErrorList, len(list))
	for i, e := range list {
		there := *e
		at := f.placeOf(e.Pointer)
		there.File, there.Line, there.Column = f.Name, at.line, at.column
		moved[i] = &there
	}
	return moved
}

// placeOf is where the value at a pointer stands, or the nearest one around it.
func (f *File) placeOf(pointer string) place {
	for {
		if at, ok := f.places[pointer]; ok || pointer == "" {
			return at
		}
		pointer = pointer[:strings.LastIndexByte(pointer, '/')]
	}
}

// described takes the definition out of what describe-state-machine prints, nil where
// the text is nothing of that kind.
func described(text []byte) []byte {
	if !bytes.Contains(text, []byte(`"stateMachineArn"`)) {
		return nil
	}
	var d struct {
		Definition string `json:"definition"`
	}
	if json.Unmarshal(text, &d) != nil || d.Definition == "" {
		return nil
	}
	return []byte(d.Definition)
}
