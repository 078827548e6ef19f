package jsonata

import (
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// signature is what a function takes, as in <s-n?:s>: one letter a parameter,
// with -, ? and + after it.
type signature struct {
	params  []param
	repeats bool // some parameter takes several arguments
}

type param struct {
	accepts  string // letters of the types that fit; m is a missing argument
	array    bool   // what is no array becomes one
	subtype  byte   // of an array's items, 0 is any
	shown    string // the subtype as messages have it
	context  bool   // the context value stands in for a missing argument
	optional bool
	repeated bool
}

var subtypeNames = map[byte]string{'n': "numbers", 's': "strings", 'b': "booleans", 'f': "functions", 'o': "objects", 'a': "arrays"}

// mustSignature is for the signatures of the library.
func mustSignature(text string) *signature {
	s, err := parseSignature(text)
	if err != nil {
		panic(err)
	}
	return s
}

func parseSignature(text string) (*signature, *Error) {
	s := &signature{}
	i := 1 // behind the <
	for i < len(text) && text[i] != ':' && text[i] != '>' {
		n, err := s.parseParam(text, i)
		if err != nil {
			err.Offset = i
			return nil, err
		}
		i = n
	}
	return s, nil
}

func (s *signature) parseParam(text string, i int) (int, *Error) {
	var last *param
	if n := len(s.params); n > 0 {
		last = &s.params[n-1]
	}
	switch c := text[i]; c {
	case 's', 'n', 'b', 'l', 'o':
		s.params = append(s.params, param{accepts: string(c) + "m"})
	case 'a':
		s.params = append(s.params, param{accepts: "asnblfom", array: true})
	case 'f':
		s.params = append(s.params, param{accepts: "f"})
	case 'j':
		s.params = append(s.params, param{accepts: "asnblom"})
	case 'x':
		s.params = append(s.params, param{accepts: "asnblfom"})
	case '-':
		if last != nil {
			last.context, last.optional = true, true
		}
	case '?':
		if last != nil {
			last.optional = true
		}
	case '+':
		if last != nil {
			last.repeated, s.repeats = true, true
		}
	case '(':
		end := closing(text, i, '(', ')')
		choice := text[i+1 : end]
		if strings.IndexByte(choice, '<') >= 0 {
			return 0, failValue("S0402", value.String(choice)).fill("", value.Value{})
		}
		s.params = append(s.params, param{accepts: choice + "m"})
		return end + 1, nil
	case '<':
		end := closing(text, i, '<', '>')
		if last == nil || !last.array && last.accepts != "f" {
			return 0, fail("S0401").fill("", value.Value{})
		}
		if sub := text[i+1 : end]; last.array && sub != "" {
			last.subtype, last.shown = sub[0], sub
		}
		return end + 1, nil
	}
	return i + 1, nil
}

// closing returns where the bracket that opens at i is closed.
func closing(text string, i int, open, end byte) int {
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(text) - 1
}

// symbol is the letter of v's type.
func symbol(v value.Value) byte {
	switch v.Kind() {
	case value.KindString:
		return 's'
	case value.KindNumber:
		return 'n'
	case value.KindBool:
		return 'b'
	case value.KindNull:
		return 'l'
	case value.KindArray:
		return 'a'
	case value.KindObject:
		return 'o'
	case value.KindOpaque:
		if _, ok := v.Opaque().(nonFinite); ok {
			return 'n'
		}
		return 'f'
	}
	return 'm'
}

// check fits args to the parameters. The result may be args itself.
func (s *signature) check(name string, args []value.Value, context value.Value) ([]value.Value, *Error) {
	if s.fitsInOrder(args) {
		return s.convertInOrder(name, args)
	}
	var buf [12]byte
	syms := buf[:0]
	for _, a := range args {
		syms = append(syms, symbol(a))
	}
	var takesBuf [12]int
	takes := append(takesBuf[:0], make([]int, len(s.params))...)
	if !s.match(syms, 0, takes) {
		return nil, s.mismatch(name, args, syms)
	}
	out := make([]value.Value, 0, max(len(args), len(s.params)))
	at := 0
	for i := range s.params {
		p := &s.params[i]
		if takes[i] == 0 {
			// Nothing was taken for it: the context, or the next argument
			// unchecked as the reference does, which is none in practice.
			v, err := p.missing(name, args, at, context)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
			if !p.context {
				at++
			}
			continue
		}
		for range takes[i] {
			v, err := p.convert(name, arg(args, at), at)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
			at++
		}
	}
	return out, nil
}

// fitsInOrder reports that each argument is its parameter's and no more are
// needed, which is nearly always so.
func (s *signature) fitsInOrder(args []value.Value) bool {
	if s.repeats || len(args) > len(s.params) {
		return false
	}
	for i := range s.params {
		p := &s.params[i]
		if i >= len(args) {
			if !p.optional || p.context {
				return false
			}
		} else if strings.IndexByte(p.accepts, symbol(args[i])) < 0 {
			return false
		}
	}
	return true
}

func (s *signature) convertInOrder(name string, args []value.Value) ([]value.Value, *Error) {
	for i := range args {
		if !s.params[i].array {
			continue
		}
		v, err := s.params[i].convert(name, args[i], i)
		if err != nil {
			return nil, err
		}
		if v.Node() != args[i].Node() {
			args = append([]value.Value(nil), args...)
			args[i] = v
		}
	}
	for len(args) < len(s.params) {
		args = append(args, value.Value{})
	}
	return args, nil
}

// match finds how many arguments each parameter takes, greedily as a regular
// expression over the argument's letters would.
func (s *signature) match(syms []byte, i int, takes []int) bool {
	if i == len(s.params) {
		return len(syms) == 0
	}
	least, most := s.params[i].takes(syms)
	for n := most; n >= least; n-- {
		takes[i] = n
		if s.match(syms[n:], i+1, takes) {
			return true
		}
	}
	return false
}

// takes is how many of the next arguments the parameter may take.
func (p *param) takes(syms []byte) (least, most int) {
	if !p.optional {
		least = 1
	}
	limit := 1
	if p.repeated {
		limit = len(syms)
	}
	for most < min(limit, len(syms)) && strings.IndexByte(p.accepts, syms[most]) >= 0 {
		most++
	}
	return least, most
}

func (p *param) missing(name string, args []value.Value, at int, context value.Value) (value.Value, *Error) {
	if p.context {
		context = unwrapOuter(context)
		if strings.IndexByte(p.accepts, symbol(context)) >= 0 {
			return context, nil
		}
		e := failValue("T0411", context)
		e.Index, e.Token = at+1, name
		return value.Value{}, e
	}
	if at < len(args) {
		return args[at], nil
	}
	return value.Value{}, nil
}

func (p *param) convert(name string, arg value.Value, at int) (value.Value, *Error) {
	if !p.array || arg.IsAbsent() {
		return arg, nil
	}
	sym := symbol(arg)
	if p.subtype != 0 && !p.itemsFit(arg, sym) {
		e := failValue("T0412", arg)
		e.Index, e.Token = at+1, name
		return value.Value{}, e.fill(subtypeShown(p), value.Value{})
	}
	if sym != 'a' {
		return value.Array(arg), nil
	}
	return arg, nil
}

func subtypeShown(p *param) string {
	if n, ok := subtypeNames[p.subtype]; ok {
		return n
	}
	return p.shown
}

func (p *param) itemsFit(arg value.Value, sym byte) bool {
	if sym != 'a' {
		return sym == p.subtype
	}
	for _, item := range arg.Items() {
		if symbol(item) != p.subtype {
			return false
		}
	}
	return true
}

// mismatch tells which argument does not fit: the one behind the longest prefix
// that the parameters can take.
func (s *signature) mismatch(name string, args []value.Value, syms []byte) *Error {
	good := 0
	for n := 1; n <= len(s.params); n++ {
		m, ok := (&signature{params: s.params[:n]}).longest(syms, 0)
		if !ok {
			break
		}
		good = m
	}
	e := fail("T0410")
	if good < len(args) {
		e.Value = Value(args[good])
	}
	e.Index, e.Token = good+1, name
	return e
}

// longest returns how many arguments the parameters from i on take when more may follow.
func (s *signature) longest(syms []byte, i int) (int, bool) {
	if i == len(s.params) {
		return 0, true
	}
	least, most := s.params[i].takes(syms)
	for n := most; n >= least; n-- {
		if m, ok := s.longest(syms[n:], i+1); ok {
			return n + m, true
		}
	}
	return 0, false
}
