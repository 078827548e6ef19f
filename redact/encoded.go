package redact

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// percentEncoded looks into percent-encoded runs: form bodies, queries, URLs inside
// of URLs. A form may also have nothing but its blanks encoded, as plus signs.
var percentEncoded = &rule{anchors: []string{"%", "+"}, find: func(sc *scan, start, end int) {
	s := sc.s
	percent := s[start] == '%'
	if start < sc.percent || percent && (!hexDigits[at(s, end)] || !hexDigits[at(s, end+1)]) || !percent && !formBlank(s, start) {
		return
	}
	from, stop := start, start
	for from > sc.percent && start-from < maxBare && !endsRun(s[from-1]) {
		from--
	}
	for stop < len(s) && stop-start < maxBare && !endsRun(s[stop]) {
		stop++
	}
	sc.percent = stop
	run := s[from:stop]
	if percent = strings.IndexByte(run, '%') >= 0; percent {
		sc.inner(decodePercent(run, from))
	}
	if strings.IndexByte(run, '+') >= 0 && (percent || strings.IndexByte(run, '/') < 0) {
		sc.inner(decodePercent(strings.ReplaceAll(run, "+", " "), from))
	}
}}

// formBlank reports a plus sign between two words.
func formBlank(s string, i int) bool {
	return i > 0 && i+1 < len(s) && slugSet[s[i-1]] && slugSet[s[i+1]]
}

func endsRun(c byte) bool {
	return isSpace(c) || c == '"' || c == '\'' || c == '<' || c == '>' || c == '\\'
}

// decodePercent also returns, for every byte, where it came from.
func decodePercent(s string, offset int) (string, []int) {
	decoded := make([]byte, 0, len(s))
	origin := make([]int, 0, len(s)+1)
	for i := 0; i < len(s); {
		c, length := s[i], 1
		if c == '%' && i+2 < len(s) && hexDigits[s[i+1]] && hexDigits[s[i+2]] {
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8)
			c, length = byte(n), 3
		}
		decoded, origin = append(decoded, c), append(origin, offset+i)
		i += length
	}
	return string(decoded), append(origin, offset+len(s))
}

// references notes that the text has letters written as \u0041, \x41, &#65; or
// &amp;, or slashes written as \/. It is then scanned once more without them.
var references = &rule{
	anchors: []string{"\\u0", "\\u1", "\\u20", "\\ufe", "\\x", "\\/", "&#", "&amp;", "&quot;", "&apos;", "&lt;", "&gt;", "&shy;", "&zw"},
	find:    func(sc *scan, _, _ int) { sc.references = true },
}

// unseen notes a character at i that shows nothing, put between the letters of a word:
// a soft hyphen, a zero-width space or joiner, a byte order mark. The text is scanned
// once more without them.
func (sc *scan) unseen(i int) {
	if c, _ := utf8.DecodeRuneInString(sc.s[i:]); invisible(c) {
		sc.references = true
	}
}

// invisible reports soft hyphens and characters of no width.
func invisible(c rune) bool {
	return c == softHyphen || c >= 0x200b && c <= 0x200f || c >= 0x2060 && c <= 0x2064 || c == 0xfeff
}

// quotedPrintable notes a mail's body whose lines are cut with =\n and whose equals
// signs are written =3D.
var quotedPrintable = &rule{anchors: []string{"quoted-printable", "=3d"}, find: func(sc *scan, start, end int) {
	if s := sc.s[start:end]; s == "=3D" && softBreak(sc.s) || s[0] != '=' {
		sc.mail, sc.references = true, true
	}
}}

// softBreak reports a line that goes on in the next one.
func softBreak(s string) bool { return strings.Contains(s, "=\n") || strings.Contains(s, "=\r\n") }

func (sc *scan) scanReferences() {
	if !sc.references {
		return
	}
	if decoded, origin := decodeReferences(sc.s, sc.mail); len(decoded) < len(sc.s) {
		sc.inner(decoded, origin)
	}
}

// decodeReferences also returns, for every byte, where it came from. Characters that
// show nothing are left out; mail says that the text is quoted-printable.
func decodeReferences(s string, mail bool) (string, []int) {
	decoded := make([]byte, 0, len(s))
	origin := make([]int, 0, len(s)+1)
	for i := 0; i < len(s); {
		c, length := reference(s, i)
		if length == 0 && mail {
			c, length = printable(s, i)
		}
		if length == 0 {
			length = 1
			decoded, origin = append(decoded, s[i]), append(origin, i)
		} else if !invisible(c) {
			for range utf8.RuneLen(c) {
				origin = append(origin, i)
			}
			decoded = utf8.AppendRune(decoded, c)
		}
		i += length
	}
	return string(decoded), append(origin, len(s))
}

// reference reads the character reference at i; its length is 0 where none stands.
// The backslashes before an escaped quote or backslash stay, as they tell its depth.
func reference(s string, i int) (rune, int) {
	switch s[i] {
	case '\\':
		return backslashReference(s, i)
	case '&':
		return entity(s, i)
	case 0xc2, 0xe2, 0xef:
		if c, length := utf8.DecodeRuneInString(s[i:]); invisible(c) {
			return c, length
		}
	}
	return 0, 0
}

// printable reads the character that quoted-printable writes at i, or the mark of a
// line that goes on.
func printable(s string, i int) (rune, int) {
	var c []byte
	for end := i; at(s, end) == '='; {
		if next := lineBreak(s, end+1); next > end+1 {
			if c == nil {
				return softHyphen, next - i
			}
			end = next
			continue
		}
		n, err := strconv.ParseUint(s[min(end+1, len(s)):min(end+3, len(s))], 16, 8)
		if err != nil {
			break
		}
		c, end = append(c, byte(n)), end+3
		if utf8.FullRune(c) {
			if r, _ := utf8.DecodeRune(c); r != utf8.RuneError && r >= 0x20 {
				return r, end - i
			}
			break
		}
	}
	return 0, 0
}

// softHyphen shows nothing where it stands.
const softHyphen = 0xad

func backslashReference(s string, i int) (rune, int) {
	j := skipBackslashes(s, i)
	length := 0
	switch {
	case at(s, j) == '/':
		return '/', j + 1 - i
	case at(s, j) == 'u':
		length = 4
	case at(s, j) == 'x':
		length = 2
	default:
		return 0, 0
	}
	if j+1+length > len(s) {
		return 0, 0
	}
	n, err := strconv.ParseUint(s[j+1:j+1+length], 16, 16)
	if err != nil || n < 0x20 || n >= 0x7f && n < 0xa0 || n == '\\' || n == '"' && j-i > 1 || utf16.IsSurrogate(rune(n)) {
		return 0, 0
	}
	return rune(n), j + 1 + length - i
}

var entities = map[string]rune{"shy": 0xad, "zwj": 0x200d, "zwnj": 0x200c, "amp": '&', "quot": '"', "apos": '\'', "lt": '<', "gt": '>', "nbsp": ' ', "commat": '@', "colon": ':', "equals": '='}

func entity(s string, i int) (rune, int) {
	end := strings.IndexByte(s[i:min(len(s), i+10)], ';')
	if end < 2 {
		return 0, 0
	}
	body := s[i+1 : i+end]
	if c, known := entities[body]; known {
		return c, end + 1
	}
	if body[0] != '#' {
		return 0, 0
	}
	base := 10
	if body = body[1:]; len(body) > 1 && lower(body[0]) == 'x' {
		body, base = body[1:], 16
	}
	n, err := strconv.ParseUint(body, base, 16)
	if err != nil || n < 0x20 || n >= 0x7f && n < 0xa0 {
		return 0, 0
	}
	return rune(n), end + 1
}

// encodedText conceals a run of base64 that holds a text with a secret in it, and
// returns where what it has looked at ends.
func (sc *scan) encodedText(start, end int) int {
	s := sc.s
	for tries := 0; tries < 3 && end-start >= minEncoded; tries++ {
		if beginsText(s[start:end]) {
			stop := wrappedRun(base64Set, s, start)
			if decoded := decodeBase64(s[start:stop]); isText(decoded) && sc.holdsSecret(decoded) {
				sc.conceal(start, stop, Encoded)
			}
			return stop
		}
		slash := strings.IndexByte(s[start:end], '/')
		if slash < 0 {
			break
		}
		start += slash + 1
	}
	return end
}

// beginsText reports whether the first eight characters of a run decode to text.
func beginsText(s string) bool {
	for i := 0; i < 8; i += 4 {
		n := uint32(base64Digit[s[i]])<<18 | uint32(base64Digit[s[i+1]])<<12 | uint32(base64Digit[s[i+2]])<<6 | uint32(base64Digit[s[i+3]])
		if !isTextByte(byte(n>>16)) || !isTextByte(byte(n>>8)) || !isTextByte(byte(n)) {
			return false
		}
	}
	return true
}

func isTextByte(c byte) bool { return c >= ' ' && c < 0x7f || isSpace(c) }

// base64Digit reads both alphabets.
var base64Digit = func() (digits [256]byte) {
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		digits[c] = byte(i)
	}
	digits['-'], digits['_'] = digits['+'], digits['/']
	return digits
}()

// minEncoded is the least base64 that is looked into: {"pin":"1234"}.
const minEncoded = 16

// decodeBase64 decodes either alphabet, with or without padding and line breaks, as
// far as it goes.
func decodeBase64(s string) string {
	clean := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '-':
			clean = append(clean, '+')
		case c == '_':
			clean = append(clean, '/')
		case isAlnum(c), c == '+', c == '/':
			clean = append(clean, c)
		case c == '\\':
			i = skipBackslashes(s, i) // an escaped line break
		}
	}
	clean = clean[:len(clean)-b2i(len(clean)%4 == 1)]
	n, _ := base64.RawStdEncoding.Decode(clean, clean)
	return string(clean[:n])
}

// isText tells text from binary data by its first bytes.
func isText(s string) bool {
	if len(s) < 6 {
		return false
	}
	for i := 0; i < min(len(s), 64); {
		c, size := utf8.DecodeRuneInString(s[i:])
		if c == utf8.RuneError && size == 1 && len(s)-i >= utf8.UTFMax || c < utf8.RuneSelf && !isTextByte(byte(c)) {
			return false
		}
		i += size
	}
	return true
}
