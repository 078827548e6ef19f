package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxBytes is how large the JSON of a history may be. AWS ends histories at 25,000
// events; the largest seen in the wild are below 100 MB.
const MaxBytes = 128 << 20

const nextHistory = "pass the output of: aws stepfunctions get-execution-history --include-execution-data --execution-arn …"

// ReadError says what is wrong with a history, where, and what to do about it.
type ReadError struct {
	Line, Column int // from 1; 0 where no place is to blame
	Problem      string
	Next         string
	Looks        Shape // what it is instead, where that was recognised
}

// Shape is what a JSON document looks like that is not a history.
type Shape string

// The shapes that are told apart; ParseEvent reads the last two.
const (
	LooksUnknown          Shape = ""
	LooksLikeDefinition   Shape = "definition"
	LooksLikeStatusChange Shape = "status-change"
	LooksLikeFailure      Shape = "failure"
)

func (e *ReadError) Error() string {
	s := e.Problem
	if e.Next != "" {
		s += "; " + e.Next
	}
	if e.Line > 0 {
		s = fmt.Sprintf("%d:%d: %s", e.Line, e.Column, s)
	}
	return s
}

// Read reads an execution from the JSON of get-execution-history: one or several
// pages, oldest or newest event first, a bare array of events, events a line each,
// or the log events that Express workflows leave in CloudWatch Logs. The JSON of
// describe-execution may stand before, after or around it. Whatever it does not
// tell is derived from the events. An error is a *ReadError, or r's own.
func Read(r io.Reader) (*Execution, error) {
	var b bytes.Buffer
	b.Grow(min(size(r), MaxBytes) + bytes.MinRead)
	if n, err := b.ReadFrom(io.LimitReader(r, MaxBytes+1)); err != nil {
		return nil, err
	} else if n > MaxBytes {
		return nil, tooLarge()
	}
	return Parse(b.Bytes())
}

// size is how much there is to read, 0 where r does not tell.
func size(r io.Reader) int {
	switch r := r.(type) {
	case interface{ Len() int }:
		return r.Len()
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil && info.Mode().IsRegular() {
			return int(min(info.Size(), MaxBytes))
		}
	}
	return 0
}

func tooLarge() *ReadError {
	return &ReadError{
		Problem: fmt.Sprintf("larger than %d MiB", MaxBytes>>20),
		Next:    "fetch it again with --no-include-execution-data, or only its end with --reverse-order --max-items 1000",
	}
}

// Parse is Read of bytes that are at hand. The execution keeps data: it must not be changed afterwards.
func Parse(data []byte) (*Execution, error) {
	if len(data) > MaxBytes {
		return nil, tooLarge()
	}
	r, err := newReader(data)
	if err != nil {
		return nil, err
	}
	if err := r.documents(); err != nil {
		return nil, err
	}
	return r.finish()
}

// reader reads one text; every string it keeps is a part of that text.
type reader struct {
	text  string
	data  []byte // the same bytes
	dec   *jsontext.Decoder
	base  int // where in text dec began
	x     *Execution
	pages int // "events" members, or events that stand alone
	open  int // pages with a nextToken

	events  []Event
	details []Details // a slab
	token   extra     // the last nextToken
	odd     Shape
	oddAt   int
}

func newReader(data []byte) (*reader, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, &ReadError{Line: 1, Column: 1, Problem: "this is UTF-16", Next: "save it as UTF-8 (in PowerShell: | Out-File -Encoding utf8)"}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, &ReadError{Line: 1, Column: 1, Problem: "nothing in it", Next: nextHistory}
	}
	r := &reader{text: unsafe.String(&data[0], len(data)), data: data, x: &Execution{record: new(record)}}
	r.events = make([]Event, 0, len(data)/bytesAnEvent+1)
	r.dec = decoder(data)
	return r, nil
}

// bytesAnEvent is about what an event takes that carries no large payload.
const bytesAnEvent = 512

func decoder(data []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
}

// documents reads all that stands in the text, one document after the other.
func (r *reader) documents() error {
	for {
		switch r.dec.PeekKind() {
		case '{':
			if err := r.document(); err != nil {
				return err
			}
		case '[':
			if err := r.array(r.element); err != nil {
				return err
			}
		default:
			at := r.next()
			tok, err := r.dec.ReadToken()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return r.syntaxError(err)
			}
			return r.problem(at, "a JSON "+kindName(tok.Kind())+", not a history", nextHistory)
		}
	}
}

// element reads one element of the array that is the whole text: an event or a page.
func (r *reader) element() error {
	if r.dec.PeekKind() != '{' {
		return r.problem(r.next(), "here stands "+aKind(r.dec.PeekKind())+" where an event was expected", nextHistory)
	}
	return r.document()
}

// document reads an object that may be a page, an event, describe-execution's
// answer, or a page with that around it.
func (r *reader) document() error {
	begin := r.next()
	var members []member
	pages := r.pages
	err := r.object(func(name string) error {
		switch name {
		case "events":
			if r.dec.PeekKind() == '[' {
				r.pages++
				return r.array(r.event)
			}
		case "execution":
			if r.dec.PeekKind() == '{' {
				return r.object(r.describeNext)
			}
		}
		m, err := r.member(name)
		members = append(members, m)
		return err
	})
	if err != nil {
		return err
	}
	return r.classify(begin, members, r.pages > pages)
}

// classify decides what the object was whose members were read.
func (r *reader) classify(begin int, members []member, page bool) error {
	has := func(name string) bool {
		for _, m := range members {
			if m.name == name {
				return true
			}
		}
		return false
	}
	switch {
	case page || has("executionArn") && has("status"):
		for _, m := range members {
			r.describe(m)
		}
		return nil
	case has("type") && has("id"), has("message") && has("timestamp"), has("@message"):
		r.pages++
		return r.lone(begin, r.offset())
	case has("States") || has("StartAt"):
		r.note(LooksLikeDefinition, begin)
	case has("detail-type"):
		r.note(LooksLikeStatusChange, begin)
	case has("error") || has("Error") || has("cause") || has("Cause"):
		r.note(LooksLikeFailure, begin)
	default:
		return r.problem(begin, "a JSON object with neither events nor executionArn, so not a history", nextHistory)
	}
	return r.oddity()
}

func (r *reader) note(s Shape, at int) { r.odd, r.oddAt = s, at }

func (r *reader) oddity() error {
	e := r.problem(r.oddAt, "", "")
	e.Looks = r.odd
	switch r.odd {
	case LooksLikeDefinition:
		e.Problem, e.Next = "a state machine's definition, not a history", "give it as the definition; here, "+nextHistory
	case LooksLikeStatusChange:
		e.Problem, e.Next = "an EventBridge event, not a history", "give it as an event, or "+nextHistory
	default:
		e.Problem, e.Next = "a single error, not a history", "give it as an event, or "+nextHistory
	}
	return e
}

// lone reads the event that is the text from begin to end.
func (r *reader) lone(begin, end int) error {
	dec, base := r.dec, r.base
	r.dec, r.base = decoder(r.data[begin:end]), begin
	err := r.event()
	r.dec, r.base = dec, base
	return err
}

// object reads an object; value is called for each member and has to read its value.
func (r *reader) object(value func(name string) error) error {
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntaxError(err)
	}
	for r.dec.PeekKind() == '"' {
		raw, err := r.dec.ReadValue()
		if err != nil {
			return r.syntaxError(err)
		}
		if err := value(unquote(r.last(raw))); err != nil {
			return err
		}
	}
	_, err := r.dec.ReadToken()
	return r.syntaxError(err)
}

// array reads an array; element is called at the beginning of each element and has to read it.
func (r *reader) array(element func() error) error {
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntaxError(err)
	}
	for k := r.dec.PeekKind(); k != ']' && k != 0; k = r.dec.PeekKind() {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := r.dec.ReadToken()
	return r.syntaxError(err)
}

// member is a member of an object, its value as JSON text.
type member struct {
	name, text string
	at         int
}

func (r *reader) member(name string) (member, error) {
	raw, err := r.dec.ReadValue()
	if err != nil {
		return member{}, r.syntaxError(err)
	}
	text := r.last(raw)
	return member{name: name, text: text, at: r.offset() - len(text)}, nil
}

// last returns the part of the text that the decoder has just read.
func (r *reader) last(raw jsontext.Value) string {
	end := r.offset()
	return r.text[end-len(raw) : end]
}

func (r *reader) offset() int { return r.base + int(r.dec.InputOffset()) }

// next is where the next token begins.
func (r *reader) next() int { return r.startAfter(r.offset()) }

// startAfter is where the first token after offset at begins.
func (r *reader) startAfter(at int) int {
	for at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	return at
}

// finish makes the execution of what was read.
func (r *reader) finish() (*Execution, error) {
	x := r.x
	events, whole := inOrder(r.events)
	x.SetEvents(events)
	x.Incomplete = !whole || r.open > 0 && r.open >= r.pages
	if x.Incomplete && r.token.name != "" {
		x.record.extra = append(x.record.extra, r.token)
	}
	x.derive()
	return x, nil
}

func (r *reader) problem(at int, problem, next string) *ReadError {
	e := &ReadError{Problem: problem, Next: next}
	e.Line, e.Column = position(r.text, at)
	return e
}

func (r *reader) syntaxError(err error) error {
	if err == nil {
		return nil
	}
	at, problem := r.offset(), err.Error()
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		at, problem = r.base+int(syntactic.ByteOffset), syntactic.Err.Error()
	}
	problem = strings.TrimPrefix(problem, "jsontext: ")
	next := "is it the whole file, and JSON?"
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		at, problem, next = len(r.text), r.cut(), "fetch the history again"
	case strings.Contains(problem, "UTF-8"), strings.Contains(problem, "surrogate"):
		next = "save it as UTF-8"
	case strings.Contains(problem, "depth"):
		next = "no history nests that deep"
	case at == 0 || strings.TrimSpace(r.text[:min(at, len(r.text))]) == "":
		problem, next = "not JSON", nextHistory
	}
	return r.problem(at, problem, next)
}

func (r *reader) cut() string {
	if n := len(r.events); n > 0 {
		return fmt.Sprintf("cut off after event %d", r.events[n-1].ID)
	}
	return "cut off"
}

// position returns line and column, both from 1, of an offset; the column counts characters.
func position(text string, at int) (line, column int) {
	head := text[:min(max(at, 0), len(text))]
	line = strings.Count(head, "\n") + 1
	return line, utf8.RuneCountInString(head[strings.LastIndexByte(head, '\n')+1:]) + 1
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '0':
		return "number"
	case '[':
		return "array"
	case '{':
		return "object"
	}
	return k.String()
}

// aKind is the kind as a sentence has it: "an array".
func aKind(k jsontext.Kind) string {
	switch k {
	case 'n':
		return kindName(k)
	case '[', '{':
		return "an " + kindName(k)
	}
	return "a " + kindName(k)
}
