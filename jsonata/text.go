package jsonata

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// Strings are UTF-8. A lone surrogate, which UTF-8 does not have, is kept in
// three bytes the way UTF-8 would write it (as WTF-8 does), so that halves of a
// pair that meet again become their character.

const (
	surrogateLead  = 0xED // first byte of U+D000 to U+DFFF
	surrogateFirst = 0xD800
	surrogateLast  = 0xDFFF
)

// appendUnit appends one UTF-16 unit, which may be half a pair.
func appendUnit(b []byte, u uint16) []byte {
	if u < surrogateFirst || u > surrogateLast {
		return utf8.AppendRune(b, rune(u))
	}
	return append(b, surrogateLead, 0x80|byte(u>>6)&0x3F, 0x80|byte(u)&0x3F)
}

// nextUnit decodes the character at the start of s; a lone surrogate is one.
func nextUnit(s string) (rune, int) {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 && len(s) >= 3 && s[0] == surrogateLead && s[1] >= 0xA0 && s[1] <= 0xBF {
		return rune(surrogateFirst&0xF000) | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return r, n
}

// joinSurrogates turns a high and a low surrogate that stand together into their character.
func joinSurrogates(s string) string {
	if strings.IndexByte(s, surrogateLead) < 0 || utf8.ValidString(s) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		hi, n := nextUnit(s[i:])
		if hi >= surrogateFirst && hi < 0xDC00 && i+n < len(s) {
			if lo, m := nextUnit(s[i+n:]); lo >= 0xDC00 && lo <= surrogateLast {
				b = utf8.AppendRune(b, (hi-surrogateFirst)<<10|(lo-0xDC00)+0x10000)
				i += n + m
				continue
			}
		}
		b = append(b, s[i:i+n]...)
		i += n
	}
	return string(b)
}

// hasLoneSurrogate reports that s has half a pair in it.
func hasLoneSurrogate(s string) bool {
	return strings.IndexByte(s, surrogateLead) >= 0 && !utf8.ValidString(s)
}

// countChars returns the number of characters (code points) in s.
func countChars(s string) int {
	n := 0
	for i := 0; i < len(s); n++ {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := nextUnit(s[i:])
		i += size
	}
	return n
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// byteIndex returns where the nth character of s starts, len(s) past the end.
func byteIndex(s string, n int) int {
	i := 0
	for ; n > 0 && i < len(s); n-- {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := nextUnit(s[i:])
		i += size
	}
	return i
}

// compareText orders strings by their UTF-16 units, as the reference does: -1, 0 or 1.
func compareText(a, b string) int {
	n := min(len(a), len(b))
	for i := 0; i < n; i++ {
		if a[i] == b[i] {
			continue
		}
		x, y := a[i], b[i]
		// Characters from U+10000 (lead byte F0 and up) are pairs of D800–DFFF
		// there, and so come before U+E000–U+FFFF (lead bytes EE and EF).
		if x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0) {
			x, y = y, x
		}
		if x < y {
			return -1
		}
		return 1
	}
	return cmp.Compare(len(a), len(b))
}
