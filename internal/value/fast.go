package value

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// fast reads documents without mistakes, straight from the text. Whatever it does
// not understand it leaves to the parser on jsontext, which knows how to complain.
type fast struct {
	text string
	at   int

	// What open arrays and objects hold so far, the innermost last.
	items   []Value
	members []Member
}

// parseFast reads a whole document; false where Parse has to look again.
func parseFast(text string) (Value, bool) {
	f := fast{text: text}
	v, ok := f.value(0)
	if !ok {
		return Value{}, false
	}
	f.space()
	return v, f.at == len(text)
}

func (f *fast) space() {
	for f.at < len(f.text) {
		switch f.text[f.at] {
		case ' ', '\t', '\r', '\n':
			f.at++
		default:
			return
		}
	}
}

// next skips white space and returns the byte behind it, 0 at the end.
func (f *fast) next() byte {
	f.space()
	if f.at == len(f.text) {
		return 0
	}
	return f.text[f.at]
}

func (f *fast) value(depth int) (Value, bool) {
	if depth > MaxDepth {
		return Value{}, false
	}
	switch c := f.next(); {
	case c == '"':
		raw, s, ok := f.string()
		switch {
		case !ok:
			return Value{}, false
		case raw == "":
			return text(s), true
		}
		return Value{p: &escaped{text: s, raw: raw}}, true
	case c == '{':
		return f.object(depth)
	case c == '[':
		return f.array(depth)
	case c == '-' || c >= '0' && c <= '9':
		return f.number()
	case c == 't':
		return Bool(true), f.word("true")
	case c == 'f':
		return Bool(false), f.word("false")
	case c == 'n':
		return Null(), f.word("null")
	}
	return Value{}, false
}

func (f *fast) word(w string) bool {
	if !strings.HasPrefix(f.text[f.at:], w) {
		return false
	}
	f.at += len(w)
	return true
}

func (f *fast) digits() bool {
	start := f.at
	for f.at < len(f.text) && f.text[f.at] >= '0' && f.text[f.at] <= '9' {
		f.at++
	}
	return f.at > start
}

func (f *fast) peek() byte {
	if f.at == len(f.text) {
		return 0
	}
	return f.text[f.at]
}

func (f *fast) number() (Value, bool) {
	start := f.at
	if f.peek() == '-' {
		f.at++
	}
	if f.peek() == '0' {
		f.at++
	} else if !f.digits() {
		return Value{}, false
	}
	if f.peek() == '.' {
		f.at++
		if !f.digits() {
			return Value{}, false
		}
	}
	if c := f.peek(); c == 'e' || c == 'E' {
		f.at++
		if c := f.peek(); c == '+' || c == '-' {
			f.at++
		}
		if !f.digits() {
			return Value{}, false
		}
	}
	return number(f.text[start:f.at]), true
}

// string reads a string: its text, and what stands between its quotes where that differs.
func (f *fast) string() (raw, s string, ok bool) {
	start := f.at + 1
	for i := start; i < len(f.text); i++ {
		switch c := f.text[i]; {
		case c == '"':
			f.at = i + 1
			return "", f.text[start:i], true
		case c == '\\':
			return f.escapedString(start, i)
		case c < 0x20:
			return "", "", false
		case c >= utf8.RuneSelf:
			return f.wideString(start, i)
		}
	}
	return "", "", false
}

// wideString goes on with a string from its first byte that is not ASCII.
func (f *fast) wideString(start, i int) (raw, s string, ok bool) {
	for ; i < len(f.text); i++ {
		switch c := f.text[i]; {
		case c == '"':
			f.at = i + 1
			return "", f.text[start:i], utf8.ValidString(f.text[start:i])
		case c == '\\':
			if !utf8.ValidString(f.text[start:i]) {
				return "", "", false
			}
			return f.escapedString(start, i)
		case c < 0x20:
			return "", "", false
		}
	}
	return "", "", false
}

// escapedString goes on with a string from its first backslash.
func (f *fast) escapedString(start, i int) (raw, s string, ok bool) {
	buf := make([]byte, i-start, i-start+32)
	copy(buf, f.text[start:i])
	for i < len(f.text) {
		switch c := f.text[i]; {
		case c == '"':
			f.at = i + 1
			return f.text[start:i], string(buf), utf8.Valid(buf)
		case c < 0x20:
			return "", "", false
		case c != '\\':
			buf = append(buf, c)
			i++
		default:
			if buf, i, ok = unescape(buf, f.text, i+1); !ok {
				return "", "", false
			}
		}
	}
	return "", "", false
}

const escapes, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

// unescape appends what the escape means whose letter is at i, and returns where
// it ends.
func unescape(buf []byte, s string, i int) ([]byte, int, bool) {
	if i >= len(s) {
		return buf, i, false
	}
	if s[i] != 'u' {
		k := strings.IndexByte(escapes, s[i])
		if k < 0 {
			return buf, i, false
		}
		return append(buf, meanings[k]), i + 1, true
	}
	r, ok := hex4(s, i+1)
	if !ok {
		return buf, i, false
	}
	i += 5
	if utf16.IsSurrogate(r) {
		low, ok := rune(0), false
		if strings.HasPrefix(s[i:], `\u`) {
			low, ok = hex4(s, i+2)
		}
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return buf, i, false
		}
		i += 6
	}
	return utf8.AppendRune(buf, r), i, true
}

func hex4(s string, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[i : i+4]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (f *fast) array(depth int) (Value, bool) {
	f.at++ // [
	if f.next() == ']' {
		f.at++
		return Array(), true
	}
	base := len(f.items)
	for {
		v, ok := f.value(depth + 1)
		if !ok {
			return Value{}, false
		}
		f.items = append(f.items, v)
		switch f.next() {
		case ',':
			f.at++
		case ']':
			f.at++
			items := make([]Value, len(f.items)-base)
			copy(items, f.items[base:])
			f.items = f.items[:base]
			return Array(items...), true
		default:
			return Value{}, false
		}
	}
}

func (f *fast) object(depth int) (Value, bool) {
	f.at++ // {
	if f.next() == '}' {
		f.at++
		return newObject(nil), true
	}
	base := len(f.members)
	for {
		if f.next() != '"' {
			return Value{}, false
		}
		raw, key, ok := f.string()
		if !ok || f.next() != ':' {
			return Value{}, false
		}
		f.at++
		v, ok := f.value(depth + 1)
		if !ok {
			return Value{}, false
		}
		f.members = append(f.members, Member{Key: key, Value: v, rawKey: raw})
		switch f.next() {
		case ',':
			f.at++
		case '}':
			f.at++
			return f.close(base), true
		default:
			return Value{}, false
		}
	}
}

// close makes an object of the members that were gathered from base on.
func (f *fast) close(base int) Value {
	members := f.members[base:]
	f.members = f.members[:base]
	if len(members) >= indexFrom || repeats(members) {
		var b Builder
		for _, m := range members {
			b.set(m)
		}
		return b.Object()
	}
	own := make([]Member, len(members))
	copy(own, members)
	return newObject(own)
}

// repeats reports that a key stands twice among a few members.
func repeats(members []Member) bool {
	for i := range members {
		for j := range i {
			if members[i].Key == members[j].Key {
				return true
			}
		}
	}
	return false
}
