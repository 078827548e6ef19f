package redact

// charSet is a set of bytes, fit for the inner loops.
type charSet [256]bool

// newCharSet reads ranges written as in a regular expression class: "a-z0-9_".
// A minus sign stands for itself at the end.
func newCharSet(ranges string) *charSet {
	var set charSet
	for i := 0; i < len(ranges); i++ {
		low, high := ranges[i], ranges[i]
		if i+2 < len(ranges) && ranges[i+1] == '-' {
			high = ranges[i+2]
			i += 2
		}
		for c := int(low); c <= int(high); c++ {
			set[c] = true
		}
	}
	return &set
}

var (
	alnum     = newCharSet("0-9A-Za-z")
	hexDigits = newCharSet("0-9a-fA-F")
	wordSet   = newCharSet("0-9A-Za-z_")
	slugSet   = newCharSet("0-9A-Za-z_-")
	dottedSet = newCharSet("0-9A-Za-z._-")
	base64Set = newCharSet("0-9A-Za-z+/=_-")
	keySet    = newCharSet("0-9A-Za-z_.$\x80-\xff-")
)

// run returns where the run of set's bytes that begins at i ends.
func (set *charSet) run(s string, i int) int {
	for i < len(s) && set[s[i]] {
		i++
	}
	return i
}

// runBack returns where the run of set's bytes that ends at i begins.
func (set *charSet) runBack(s string, i int) int {
	for i > 0 && set[s[i-1]] {
		i--
	}
	return i
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlnum(c byte) bool { return alnum[c] }
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
func isBlank(c byte) bool { return c == ' ' || c == '\t' }
func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

func lower(c byte) byte {
	if isUpper(c) {
		return c | 0x20
	}
	return c
}

// at returns the byte at i, or 0 outside of s.
func at(s string, i int) byte {
	if i < 0 || i >= len(s) {
		return 0
	}
	return s[i]
}

// before returns the byte before i, or 0 at the beginning and after an escape.
func before(s string, i int) byte {
	if i == 0 || escapeEnds(s, i) {
		return 0
	}
	return s[i-1]
}

// wordStarts reports that no letter or digit runs into i from the left. An escape
// (\n, \t, \u0026, quoted-printable's =3D) is not part of the word that follows it.
func wordStarts(s string, i int) bool {
	return i == 0 || !alnum[s[i-1]] || escapeEnds(s, i) || i >= 3 && s[i-3:i] == "=3D"
}

// escapeEnds reports that a backslash escape ends at i.
func escapeEnds(s string, i int) bool {
	if at(s, i-2) == '\\' {
		switch s[i-1] {
		case 'n', 'r', 't', 'f', 'b':
			return true
		}
	}
	return i >= 6 && s[i-6] == '\\' && s[i-5] == 'u'
}

func skipBlanks(s string, i int) int {
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	return i
}

// skipSpaces skips white space, escaped white space included.
func skipSpaces(s string, i int) int {
	for i < len(s) {
		if isSpace(s[i]) {
			i++
		} else if end := escapedSpace(s, i); end > i {
			i = end
		} else {
			break
		}
	}
	return i
}

// escapedSpace returns where an escaped white space (\n, \\r, …) that begins at i
// ends, or i.
func escapedSpace(s string, i int) int {
	j := i
	for j < len(s) && s[j] == '\\' {
		j++
	}
	if j == i || j == len(s) {
		return i
	}
	switch s[j] {
	case 'n', 'r', 't':
		return j + 1
	}
	return i
}

// lineBreak returns where a line break at i ends, real or escaped, or i.
func lineBreak(s string, i int) int {
	j := i
	for j < len(s) {
		if s[j] == '\n' || s[j] == '\r' {
			j++
		} else if end := escapedSpace(s, j); end > j && s[end-1] != 't' {
			j = end
		} else {
			break
		}
	}
	return j
}

// hasPrefixFold reports whether the lower-case prefix stands at i, in any case.
func hasPrefixFold(s string, i int, prefix string) bool {
	if len(s)-i < len(prefix) {
		return false
	}
	for j := range len(prefix) {
		if lower(s[i+j]) != prefix[j] {
			return false
		}
	}
	return true
}
