package value

import (
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// Size returns the number of bytes of v's JSON text, as AppendJSON writes it. It
// is known without writing, so limits on payloads cost nothing to check.
func (v Value) Size() int {
	switch p := v.p.(type) {
	case *textByte:
		return int(v.n) + 2
	case *numberByte:
		return int(v.n)
	case *escaped:
		return len(p.raw) + 2
	case *object:
		return p.size
	case *array:
		return p.size
	case scalar:
		return v.scalarSize(p)
	}
	return len("null")
}

func (v Value) scalarSize(p scalar) int {
	switch p {
	case scalarBool:
		return 5 - int(v.n) // false, true
	case scalarFloat:
		f := math.Float64frombits(v.n)
		if f >= 0 && f < 1e15 && f == math.Trunc(f) {
			return digits(uint64(f)) // most numbers; Size must not cost a conversion
		}
		var buf [32]byte
		return len(appendFloat(buf[:0], f))
	case scalarEmptyString:
		return 2
	}
	return len("null")
}

func digits(u uint64) int {
	n := 1
	for ; u >= 10; u /= 10 {
		n++
	}
	return n
}

// AppendJSON appends v's JSON text without white space. An absent Value is
// written as null, as it is where a document has to have something.
func (v Value) AppendJSON(dst []byte) []byte {
	switch p := v.p.(type) {
	case *textByte:
		dst = append(dst, '"')
		dst = append(dst, unsafe.String((*byte)(p), v.n)...)
		return append(dst, '"')
	case *numberByte:
		return append(dst, unsafe.String((*byte)(p), v.n)...)
	case *escaped:
		dst = append(dst, '"')
		dst = append(dst, p.raw...)
		return append(dst, '"')
	case *object:
		return p.appendJSON(dst)
	case *array:
		return p.appendJSON(dst)
	case scalar:
		return v.appendScalar(dst, p)
	}
	return append(dst, "null"...)
}

func (v Value) appendScalar(dst []byte, p scalar) []byte {
	switch p {
	case scalarBool:
		return strconv.AppendBool(dst, v.n == 1)
	case scalarFloat:
		return appendFloat(dst, math.Float64frombits(v.n))
	case scalarEmptyString:
		return append(dst, `""`...)
	}
	return append(dst, "null"...)
}

func (a *array) appendJSON(dst []byte) []byte {
	dst = append(dst, '[')
	for i, item := range a.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = item.AppendJSON(dst)
	}
	return append(dst, ']')
}

func (o *object) appendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range o.members {
		m := &o.members[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		if m.rawKey != "" {
			dst = append(dst, m.rawKey...)
		} else {
			dst = append(dst, m.Key...)
		}
		dst = append(dst, '"', ':')
		dst = m.Value.AppendJSON(dst)
	}
	return append(dst, '}')
}

// JSON returns v's JSON text without white space.
func (v Value) JSON() string {
	b := v.AppendJSON(make([]byte, 0, v.Size()))
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// String returns v's JSON text, for messages and debugging.
func (v Value) String() string {
	if v.IsAbsent() {
		return "(absent)"
	}
	return v.JSON()
}

// MarshalJSON lets encoding/json write a Value as it is.
func (v Value) MarshalJSON() ([]byte, error) {
	return v.AppendJSON(make([]byte, 0, v.Size())), nil
}

// UnmarshalJSON lets encoding/json read into a Value.
func (v *Value) UnmarshalJSON(b []byte) error {
	parsed, err := Parse(string(b))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

// appendFloat writes f as ECMAScript's Number::toString does.
func appendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0') // also for -0
	}
	if f > -1e15 && f < 1e15 && f == math.Trunc(f) {
		return strconv.AppendInt(dst, int64(f), 10)
	}
	abs := math.Abs(f)
	if abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go pads the exponent to two digits: e-07 is e-7.
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// plain reports that s can stand between quotes as it is.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < 0x20 || c == '"' || c == '\\' {
			return false
		}
		if c >= utf8.RuneSelf {
			return plain8(s[i:])
		}
	}
	return true
}

func plain8(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.ValidString(s)
}

const hexDigits = "0123456789abcdef"

func appendEscaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if loneSurrogate(s[i:]) {
			dst = append(dst, '\\', 'u', 'd', hexDigits[s[i+1]>>2&0xF], hexDigits[s[i+1]<<2&0xC|s[i+2]>>4&0x3], hexDigits[s[i+2]&0xF])
			i += 3
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r) // invalid bytes become U+FFFD
			i += n
			continue
		}
		dst = appendEscapedByte(dst, c)
		i++
	}
	return dst
}

// loneSurrogate reports that s begins with half a UTF-16 pair, in the three bytes in
// which UTF-8 would write it (WTF-8): JSON has an escape for it, UTF-8 has nothing.
func loneSurrogate(s string) bool {
	return len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2] >= 0x80 && s[2] <= 0xBF
}

func appendEscapedByte(dst []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == '\r':
		return append(dst, '\\', 'r')
	case c == '\t':
		return append(dst, '\\', 't')
	case c == '\b':
		return append(dst, '\\', 'b')
	case c == '\f':
		return append(dst, '\\', 'f')
	case c < 0x20:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, c)
}
