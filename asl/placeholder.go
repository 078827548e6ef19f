package asl

import (
	"bytes"
	"strings"
)

// ParseTemplate is Parse for a text in which deployment fills in placeholders: an
// unquoted ${Name} is a value of which nothing is known, and a ${…} inside a string may
// hold quotes, as Terraform's expressions do. A definition that is JSON already is
// read as Parse does. What stands in a placeholder's place is not looked into, so that
// a Machine for which IsTemplate holds is to be looked at and not to be run.
func ParseTemplate(name string, text []byte) (*Machine, error) {
	d := newDecoder(name, text)
	d.placeholders = true
	return d.parse()
}

// IsTemplate reports that the text becomes JSON only when its placeholders are filled in.
func (m *Machine) IsTemplate() bool { return m.template }

// readTemplate reads a text whose placeholders may stand where JSON has values. Text
// that is JSON is read as it is; the error is that of readNodes.
func readTemplate(text string) (*node, error) {
	root, err := readNodes(text, "")
	if err == nil {
		return root, nil
	}
	masked, holes := maskPlaceholders(text)
	if !holes {
		return nil, err
	}
	return readNodes(text, masked)
}

// maskPlaceholders puts in the place of each placeholder that no JSON could have there
// a text of the same length that JSON can: a string for a value, and letters for
// quotes inside a string. So all that is read keeps its place. holes is false where
// there is nothing of that kind.
func maskPlaceholders(text string) (masked string, holes bool) {
	out := []byte(text)
	for i := 0; i < len(out); {
		switch {
		case text[i] == '"':
			end, found := maskString(out, text, i)
			i, holes = end, holes || found
		case opensPlaceholder(text, i):
			end := placeholderEnd(text, i)
			if end < 0 {
				return text, false
			}
			copy(out[i:end], `"`+strings.Repeat("_", end-i-2)+`"`)
			i, holes = end, true
		default:
			i++
		}
	}
	return string(out), holes
}

// maskString masks what is in the string that begins at i, and returns where it ends.
func maskString(out []byte, text string, i int) (end int, holes bool) {
	for i++; i < len(text) && text[i] != '"'; {
		switch {
		case text[i] == '\\':
			i += 2
		case opensPlaceholder(text, i):
			end := placeholderEnd(text, i)
			if end < 0 || strings.Contains(text[i:end], "\n") {
				i += 2
				continue
			}
			if bytes.ContainsAny(out[i:end], `"\`) {
				copy(out[i:end], strings.Repeat("_", end-i))
				holes = true
			}
			i = end
		default:
			i++
		}
	}
	return min(i+1, len(text)), holes
}

// opensPlaceholder tells a ${ from the $${ by which Terraform writes it as text.
func opensPlaceholder(text string, i int) bool {
	return strings.HasPrefix(text[i:], "${") && (i == 0 || text[i-1] != '$')
}

// placeholderEnd is behind the brace that closes the placeholder at i, -1 where none
// does. Braces may be nested, and those in quotes count for nothing.
func placeholderEnd(text string, i int) int {
	depth, quoted := 0, false
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}
