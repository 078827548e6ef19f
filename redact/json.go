package redact

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON conceals the secrets of a JSON document. It finds what [Redactor.Text] finds,
// and looks at every string without its escapes besides. The result is a JSON
// document with the same keys in the same order and all other bytes as they were;
// a number that is concealed becomes a string.
//
// What is not valid JSON is redacted as text.
func (r *Redactor) JSON(doc []byte) (t Text) {
	if !json.Valid(doc) {
		return r.Text(string(doc))
	}
	withheld := Text{strconv.Quote(withheldText)}
	defer func() {
		if recover() != nil {
			t = withheld
		}
	}()
	setup, err := r.prepare()
	if err != nil {
		return withheld
	}
	sc := newScan(string(doc), setup)
	found := sc.run()
	d := document{scan: newScan(sc.s, setup), found: found}
	d.walk()
	w := writer{redactor: r, key: setup.key, remember: true}
	w.write(sc.s, d.scan.merge(), sc.escapes)
	return Text{w.out.String()}
}

// document puts the spans of a scan into the strings and numbers of a document.
type document struct {
	scan  *scan
	found []span // by the scan of the text, in order; those before the walk are gone
}

// walk goes from token to token of a valid document.
func (d *document) walk() {
	s, key := d.scan.s, ""
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '"':
			end := stringEnd(s, i+1)
			if at(s, skipSpaces(s, end+1)) == ':' {
				key = d.key(i+1, end)
			} else {
				d.string(key, i+1, end)
				key = ""
			}
			i = end + 1
		case c == '-' || isDigit(c):
			end := jsonNumber.run(s, i)
			d.number(key, i, end)
			key, i = "", end
		case c == '{' || c == '[' || c == ',':
			key = ""
			i++
		default:
			i++
		}
	}
}

var jsonNumber = newCharSet("0-9.eE+-")

// stringEnd returns where the closing quote of a string of a valid document stands.
func stringEnd(s string, i int) int {
	for s[i] != '"' {
		if s[i] == '\\' {
			i++
		}
		i++
	}
	return i
}

// key conceals what tells itself in a member's name, and returns the name. What the
// scan of the text has found there is left out: it may be half a secret.
func (d *document) key(start, end int) string {
	name, origin := decodeJSONString(d.scan.s[start:end], start)
	if hasByte(name, mayIdentify) {
		d.scan.inner(name, origin)
	}
	return name
}

// mayIdentify reports a byte that plain member names lack and secrets have.
func mayIdentify(c byte) bool { return !isLetter(c) && c != '_' && c != '-' && c != '.' }

// string adds the spans of a string, in its quotes and at its escapes' borders.
func (d *document) string(key string, start, end int) {
	s := d.scan.s
	d.take(start, end)
	decoded, origin := decodeJSONString(s[start:end], start)
	if len(decoded) != end-start {
		d.scan.inner(decoded, origin)
	}
	c := claimOf(key)
	if strings.HasSuffix(key, ".$") {
		return
	}
	if c.kind != Authorize && c.kind != Cookie && c.demand.accepts(decoded) && !workingDirectory(key, decoded) {
		d.scan.add(span{start: start, end: end, kind: c.kind, named: true, plain: decoded})
	}
}

// take moves what the scan of the text has found in s[start:end] to the result.
func (d *document) take(start, end int) {
	for len(d.found) > 0 && d.found[0].end <= start {
		d.found = d.found[1:]
	}
	for _, sp := range d.found {
		if sp.start >= end {
			return
		}
		from, to := max(sp.start, start), min(sp.end, end)
		from, to = escapeBorder(d.scan.s, start, from, false), escapeBorder(d.scan.s, start, to, true)
		if from != sp.start || to != sp.end {
			sp.start, sp.end, sp.plain = from, to, d.scan.s[from:to]
		}
		d.scan.spans = append(d.scan.spans, sp)
	}
}

// escapeBorder moves i out of an escape of the string that begins at start.
func escapeBorder(s string, start, i int, forward bool) int {
	for j := max(start, i-12); j < i; j++ {
		if s[j] != '\\' {
			continue
		}
		slashes := 0
		for j-slashes > start && s[j-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 1 {
			continue
		}
		end := j + 2
		if at(s, j+1) == 'u' {
			end = j + 6
		}
		if i < end {
			if forward {
				return end
			}
			return j
		}
	}
	return i
}

// number conceals a number as a whole. A name conceals it only where numbers are
// secrets: a token count is called tokens too.
func (d *document) number(key string, start, end int) {
	s := d.scan.s
	for len(d.found) > 0 && d.found[0].end <= start {
		d.found = d.found[1:]
	}
	kind := Kind("")
	if len(d.found) > 0 && d.found[0].start < end {
		kind = d.found[0].kind
	} else if c := claimOf(key); c.numeric(s[start:end]) && c.demand.accepts(s[start:end]) && !d.scan.setup.allowed(s[start:end]) {
		kind = c.kind
	}
	if kind != "" {
		d.scan.spans = append(d.scan.spans, span{start: start, end: end, kind: kind, bare: true, plain: s[start:end]})
	}
}

// decodeJSONString also returns, for every byte, where it came from.
func decodeJSONString(s string, offset int) (string, []int) {
	decoded := make([]byte, 0, len(s))
	origin := make([]int, 0, len(s)+1)
	for i := 0; i < len(s); {
		before, length := len(decoded), 1
		if s[i] == '\\' {
			decoded, length = appendEscape(decoded, s[i:])
		} else {
			decoded = append(decoded, s[i])
		}
		for range len(decoded) - before {
			origin = append(origin, offset+i)
		}
		i += length
	}
	return string(decoded), append(origin, offset+len(s))
}

// appendEscape decodes the escape that s begins with.
func appendEscape(decoded []byte, s string) ([]byte, int) {
	switch s[1] {
	case 'b':
		return append(decoded, '\b'), 2
	case 'f':
		return append(decoded, '\f'), 2
	case 'n':
		return append(decoded, '\n'), 2
	case 'r':
		return append(decoded, '\r'), 2
	case 't':
		return append(decoded, '\t'), 2
	case 'u':
		c := hexRune(s[2:6])
		if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
			if pair := utf16.DecodeRune(c, hexRune(s[8:12])); pair != utf8.RuneError {
				return utf8.AppendRune(decoded, pair), 12
			}
		}
		return utf8.AppendRune(decoded, c), 6
	}
	return append(decoded, s[1]), 2
}

func hexRune(s string) rune {
	n, _ := strconv.ParseUint(s, 16, 16)
	return rune(n)
}
