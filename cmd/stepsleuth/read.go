package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/definition"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// The most that is read of each kind of input. What is larger cannot be what it
// is said to be, and is refused before it fills the memory.
const (
	maxDefinition = 8 << 20 // AWS takes 1 MB
	maxInput      = 4 << 20 // AWS takes 256 KiB
	maxFunctions  = 64 << 20
	maxHistory    = 512 << 20
	maxBatch      = 512 << 20
)

// readFile reads a file, or stdin where the name is "-".
func readFile(name, what string, stdin io.Reader, limit int64) ([]byte, error) {
	if name == "-" {
		return readAll(stdin, "standard input", what, limit)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, cannotRead(name, what, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		if info.IsDir() {
			return nil, fmt.Errorf("%s: is a folder; give %s", name, fileOf(what))
		}
		if info.Size() > limit {
			return nil, tooLarge(name, what, limit)
		}
	}
	return readAll(f, name, what, limit)
}

// readData is readFile for JSON of ours and of users: a byte order mark, as Windows
// puts there, is left out, and UTF-16 is told from something that is no JSON.
func readData(name, what string, stdin io.Reader, limit int64) ([]byte, error) {
	text, err := readFile(name, what, stdin, limit)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("%s:1:1: this is UTF-16; save it as UTF-8 (in PowerShell: | Out-File -Encoding utf8)", label(name))
	}
	return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), nil
}

// openDefinition reads a definition of any form that package definition knows.
func openDefinition(name string, stdin io.Reader) (*definition.File, error) {
	text, err := readFile(name, "definition", stdin, maxDefinition)
	if err != nil {
		return nil, err
	}
	return definition.Read(label(name), text)
}

func readAll(r io.Reader, name, what string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, cannotRead(name, what, err)
	}
	if int64(len(data)) > limit {
		return nil, tooLarge(name, what, limit)
	}
	return data, nil
}

func tooLarge(name, what string, limit int64) error {
	return fmt.Errorf("%s: too large for the %s: more than %d MiB", name, what, limit>>20)
}

func cannotRead(name, what string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such file; give %s", name, fileOf(what))
	}
	return fmt.Errorf("%s: cannot read the %s: %w", name, what, err)
}

// notJSON puts place and advice around what is wrong with a file's JSON.
func notJSON(name string, err error, advice string) error {
	var syntax *value.SyntaxError
	if !errors.As(err, &syntax) {
		return inFile(name, err)
	}
	return fmt.Errorf("%s:%d:%d: not JSON: %s; %s", label(name), syntax.Line, syntax.Column, syntax.Problem, advice)
}

// fileOf says what is to be given: "the functions file", "the file of the input".
func fileOf(what string) string {
	if strings.HasSuffix(what, " file") {
		return "the " + what
	}
	return "the file of the " + what
}

// asArgument is how a command names a definition that was read: by its file, or, where
// it came from standard input, by a word to replace.
func asArgument(definition string) string {
	if definition == "-" || definition == label("-") {
		return "DEFINITION"
	}
	return definition
}

// inFile puts the file's name before an error that may say a place in it.
func inFile(name string, err error) error {
	if text := err.Error(); text != "" && text[0] >= '0' && text[0] <= '9' {
		return fmt.Errorf("%s:%w", label(name), err)
	}
	return fmt.Errorf("%s: %w", label(name), err)
}
