package redact

import "strings"

// value is what stands beside a name.
type value struct {
	start, end int
	quoted     bool
	escapes    int // backslashes before the quotes
}

// plain returns a quoted value without the escapes of the strings it stands in, or
// "" where it has none.
func (v value) plain(s string) string {
	raw := s[v.start:v.end]
	if !v.quoted || strings.IndexByte(raw, '\\') < 0 {
		return ""
	}
	for n := v.escapes; ; n /= 2 {
		raw = unbackslash(raw)
		if n == 0 {
			return raw
		}
	}
}

// unbackslash takes one layer of backslashes away.
func unbackslash(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
				continue
			case 'r':
				b.WriteByte('\r')
				continue
			case 't':
				b.WriteByte('\t')
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// openQuote returns where the string literal at i begins inside its quotes, and how
// many backslashes stand before the opening quote. A prefix of one or two letters
// (b”, u"", rb”), one call around it (SecretStr(”)) and PHP's string(12) before it
// are passed over; of quotes in threes, all are the opening quote.
func openQuote(s string, i int) (start, escapes int, ok bool) {
	j := i
	for j < len(s) && s[j] == '\\' {
		j++
	}
	if j < len(s) && isQuote(s[j]) {
		if mark := s[i : j+1]; strings.HasPrefix(s[j+1:], mark) && strings.HasPrefix(s[j+1+len(mark):], mark) {
			j, i = j+2*len(mark), i+2*len(mark)
		}
		return j + 1, j - i, true
	}
	if j > i {
		return 0, 0, false
	}
	word := wordSet.run(s, i)
	if word == i || word-i > 40 {
		return 0, 0, false
	}
	if at(s, word) == '(' {
		word++
		if length := decimals.run(s, word); length > word && strings.HasPrefix(s[length:], ") ") {
			word = length + 2
		}
	} else if word-i > 2 {
		return 0, 0, false
	}
	quote := skipBackslashes(s, word)
	return quote + 1, quote - word, isQuote(at(s, quote))
}

// closeQuote returns where the string literal that begins at start ends: before the
// backslashes of its closing quote. In a text that was escaped n times, a quote that
// closes has 2^n-1 backslashes, one that belongs to the value 2^n more.
func closeQuote(s string, start, escapes int) int {
	quote := s[start-1]
	for i := start; ; {
		next := strings.IndexByte(s[i:], quote)
		if next < 0 {
			return len(s)
		}
		i += next
		n := 0
		for i-n > start && s[i-n-1] == '\\' {
			n++
		}
		if closes(s, i, n, escapes, quote) {
			if n < escapes { // an outer string ends first: the value was cut
				return i - n
			}
			return i - escapes
		}
		i++
	}
}

func closes(s string, i, backslashes, escapes int, quote byte) bool {
	if backslashes < escapes {
		return true
	}
	if backslashes%(2*(escapes+1)) != escapes {
		return false
	}
	next := at(s, i+1)
	if quote == '\'' && escapes == 0 {
		// An apostrophe needs no escape in JSON, so inside of JSON the quotes of a
		// Python repr do not tell their depth; and sloppy writers escape none.
		return backslashes == 0 && !isAlnum(next) || backslashes > 0 && strings.IndexByte(",}])", next) >= 0
	}
	return !isAlnum(next)
}

// maxBare bounds an unquoted value; a longer one is concealed in parts.
const maxBare = 1 << 16

// bareValue returns where an unquoted value that begins at i ends. Commas, brackets
// and the like end it only where what follows shows that the value is over.
func bareValue(s string, i int) int {
	limit := min(len(s), i+maxBare)
	for j := i; j < limit; j++ {
		switch c := s[j]; c {
		case ' ', '\t', '\n', '\r', '"', '`', '<', '>':
			return j
		case '\'':
			if !isAlnum(at(s, j+1)) {
				return j
			}
		case '\\':
			if end := bareBackslash(s, j); end < 0 {
				return j
			} else {
				j = end
			}
		case '&', ';':
			if endsValue(s, j+1) || nameFollows(s, j+1) || c == '&' && hasPrefixFold(s, j, "&amp;") {
				return j
			}
		case ',', '|':
			if endsValue(s, j+1) || nameFollows(s, j+1) || isQuote(at(s, j+1)) {
				return j
			}
		case ')', ']', '}':
			if endsValue(s, j+1) || strings.IndexByte(",;.:)]}'\"\\", at(s, j+1)) >= 0 {
				return j
			}
		}
	}
	return limit
}

// bareBackslash returns the last byte of a run of backslashes that belongs to a
// value, or -1 where it begins an escape that ends the value: a quote or white space.
func bareBackslash(s string, i int) int {
	j := i
	for j < len(s) && s[j] == '\\' {
		j++
	}
	switch next := at(s, j); {
	case isQuote(next), next == 'n', next == 'r', next == 't', hasPrefixFold(s, j, "u0026"):
		return -1
	}
	return j - 1
}

// endsValue reports that nothing of an unquoted value can stand at i.
func endsValue(s string, i int) bool {
	return i >= len(s) || isSpace(s[i]) || escapedSpace(s, i) > i
}

// nameFollows reports whether name= or name: stands at i.
func nameFollows(s string, i int) bool {
	i = skipBlanks(s, i)
	end := i
	for end < len(s) && end-i < 64 && (keySet[s[end]] || s[end] == ' ' || s[end] == '%') {
		end++
	}
	return end > i && (at(s, end) == '=' || at(s, end) == ':')
}

// restOfLine returns where the line ends, its trailing blanks and, in a quoted
// surrounding, the closing quote not included.
func restOfLine(s string, i int) int {
	end := i
	for end < len(s) && end-i < maxBare && lineBreak(s, end) == end && !quoteEnds(s, end) {
		end++
	}
	for end > i && isBlank(s[end-1]) {
		end--
	}
	return end
}

// quoteEnds reports that a quote at i, escaped or not, closes something: the text
// after it is not the text before it continued.
func quoteEnds(s string, i int) bool {
	for at(s, i) == '\\' {
		i++
	}
	return i < len(s) && isQuote(s[i]) && !isAlnum(at(s, i+1))
}

// closeBracket returns where the object or array that begins at i ends, after its
// bracket. Brackets in strings are rare and balanced mostly, so that they are not
// told apart.
func closeBracket(s string, i int) int {
	depth := 0
	limit := min(len(s), i+maxBare)
	for j := i; j < limit; j++ {
		switch s[j] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return j + 1
			}
		}
	}
	return limit
}
