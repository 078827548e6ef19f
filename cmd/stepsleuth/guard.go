package main

import (
	"io"
	"sync/atomic"

	"github.com/stepsleuth/stepsleuth/redact"
)

// guarded is the standard error stream of every verb: messages quote what could not be
// read, asked or sent, so that they are redacted like reports. Placeholders in them stay.
type guarded struct {
	to       io.Writer
	redactor atomic.Pointer[redact.Redactor]
}

func guard(w io.Writer) *guarded {
	g := &guarded{to: w}
	g.redactor.Store(new(redact.Redactor))
	return g
}

// heed takes the configuration's secrets into account, too. A configuration that is not
// valid is reported, and what is secret everywhere stays so.
func (g *guarded) heed(c redactConfig) {
	if r := c.redactor(nil); r.Check() == nil {
		g.redactor.Store(r)
	}
}

// Write redacts a message and writes it. Messages come whole.
func (g *guarded) Write(message []byte) (int, error) {
	if _, err := io.WriteString(g.to, g.redactor.Load().Stored(string(message)).String()); err != nil {
		return 0, err
	}
	return len(message), nil
}
