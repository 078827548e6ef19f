package history

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// JSONAppender is what a Payload can be rendered from: a value that knows its JSON text.
type JSONAppender interface {
	AppendJSON(dst []byte) []byte
}

// Payload is JSON text that an event carries: an input, an output, parameters.
// It is absent (the zero Payload), text, or a value that becomes text when it is
// read, so that writing a history costs nothing for events nobody looks at.
// A Payload is immutable and safe for concurrent use.
type Payload struct {
	src JSONAppender

	// Truncated is what inputDetails or outputDetails say: AWS left the text out,
	// or part of it, as it was too large. Details is false where that member is
	// absent altogether.
	Truncated, Details bool
}

type text string

func (t text) AppendJSON(dst []byte) []byte { return append(dst, t...) }

// quoted is text as it stands in JSON that was read, quotes and escapes included:
// most payloads of a history are never looked at.
type quoted string

func (q quoted) AppendJSON(dst []byte) []byte {
	if strings.IndexByte(string(q), '\\') < 0 {
		return append(dst, q[1:len(q)-1]...)
	}
	dst, _ = jsontext.AppendUnquote(dst, string(q)) // was checked when it was read
	return dst
}

// inline is a payload that was recorded as JSON and not, as AWS does, as text that holds JSON.
type inline string

func (v inline) AppendJSON(dst []byte) []byte { return append(dst, v...) }

// Text returns a Payload of the given text with inputDetails{truncated: false} beside it.
func Text(s string) Payload { return Payload{src: text(s), Details: true} }

// Rendered returns a Payload whose text is made by v when somebody reads it. v must be immutable.
func Rendered(v JSONAppender) Payload { return Payload{src: v, Details: true} }

// IsAbsent reports that the event has no such member.
func (p Payload) IsAbsent() bool { return p.src == nil }

// Source returns what the Payload was made from by Rendered, or nil.
func (p Payload) Source() JSONAppender {
	switch p.src.(type) {
	case text, quoted, inline:
		return nil
	}
	return p.src
}

// String returns the text; "" where the Payload is absent.
func (p Payload) String() string {
	switch src := p.src.(type) {
	case nil:
		return ""
	case text:
		return string(src)
	case inline:
		return string(src)
	}
	return string(p.src.AppendJSON(nil))
}
