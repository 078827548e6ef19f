package jsonata

import (
	"encoding/base64"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

func toString(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	v := arg(args, 0)
	switch v.Kind() {
	case value.KindAbsent, value.KindString:
		return v, nil
	}
	pretty, _ := arg(args, 1).AsBool()
	s, err := ev.stringify(unwrapOuter(v), pretty)
	if err != nil {
		return v, err
	}
	return value.String(s), nil
}

// stringify is what $string makes of v: JSON, with numbers at 15 digits.
func (ev *run) stringify(v value.Value, pretty bool) (string, error) {
	switch v.Kind() {
	case value.KindString:
		s, _ := v.AsString()
		return s, nil
	case value.KindOpaque:
		if asFunction(v) != nil {
			return "", nil
		}
		return "", failValue("D3001", v)
	}
	w := jsonWriter{ev: ev, pretty: pretty}
	if err := w.write(v, 0); err != nil {
		return "", err
	}
	return string(w.buf), nil
}

type jsonWriter struct {
	ev     *run
	buf    []byte
	pretty bool
	paid   int
}

func (w *jsonWriter) write(v value.Value, depth int) error {
	if depth > maxResultDepth {
		return overBudget("The value is nested too deeply")
	}
	if len(w.buf) > w.paid {
		if err := w.ev.alloc(len(w.buf) - w.paid + 4096); err != nil {
			return err
		}
		w.paid = len(w.buf) + 4096
	}
	switch v.Kind() {
	case value.KindNumber:
		f, _ := v.AsFloat()
		if math.IsInf(f, 0) {
			return failValue("D1001", v)
		}
		w.buf = value.Float(precise(f)).AppendJSON(w.buf)
	case value.KindArray:
		return w.array(v.Items(), depth)
	case value.KindObject:
		return w.object(v.Members(), depth)
	case value.KindOpaque:
		if asFunction(v) == nil {
			return failValue("D1001", v)
		}
		w.buf = append(w.buf, `""`...)
	default:
		w.buf = v.AppendJSON(w.buf)
	}
	return nil
}

func (w *jsonWriter) array(items []value.Value, depth int) error {
	if err := w.ev.tick(len(items)); err != nil {
		return err
	}
	w.buf = append(w.buf, '[')
	for i, item := range items {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.line(depth + 1)
		if err := w.write(item, depth+1); err != nil {
			return err
		}
	}
	if len(items) > 0 {
		w.line(depth)
	}
	w.buf = append(w.buf, ']')
	return nil
}

func (w *jsonWriter) object(members []value.Member, depth int) error {
	if err := w.ev.tick(len(members)); err != nil {
		return err
	}
	w.buf = append(w.buf, '{')
	for i, m := range members {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.line(depth + 1)
		w.buf = value.String(m.Key).AppendJSON(w.buf)
		w.buf = append(w.buf, ':')
		if w.pretty {
			w.buf = append(w.buf, ' ')
		}
		if err := w.write(m.Value, depth+1); err != nil {
			return err
		}
	}
	if len(members) > 0 {
		w.line(depth)
	}
	w.buf = append(w.buf, '}')
	return nil
}

func (w *jsonWriter) line(depth int) {
	if !w.pretty {
		return
	}
	w.buf = append(w.buf, '\n')
	for range depth {
		w.buf = append(w.buf, ' ', ' ')
	}
}

// textArg is the ith argument as a string; ok is false where it is undefined.
func textArg(args []value.Value, i int) (string, bool) {
	return arg(args, i).AsString()
}

func substring(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	start, begins := asNumber(arg(args, 1))
	n := countIn(s)
	if float64(n)+start < 0 {
		start = 0
	}
	end := math.Inf(1)
	if size, ok := asNumber(arg(args, 2)); ok {
		if size <= 0 || !begins { // so many characters from nowhere
			return value.String(""), nil
		}
		end = start + size
		if start < 0 {
			end += float64(n)
		}
	}
	from, to := sliceIndex(start, n), sliceIndex(end, n)
	if from >= to {
		return value.String(""), nil
	}
	if err := ev.tick(len(s) / 16); err != nil {
		return value.Value{}, err
	}
	if n == len(s) {
		return value.String(s[from:to]), nil
	}
	a := byteIndex(s, from)
	return value.String(s[a : a+byteIndex(s[a:], to-from)]), nil
}

// countIn counts characters.
func countIn(s string) int {
	if isASCII(s) {
		return len(s)
	}
	return countChars(s)
}

// sliceIndex is an index as ECMAScript's slice takes it.
func sliceIndex(f float64, n int) int {
	if math.IsNaN(f) {
		return 0
	}
	f = math.Trunc(f)
	if f < 0 {
		f = max(f+float64(n), 0)
	}
	return int(min(f, float64(n)))
}

func substringBefore(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	sep, given := textArg(args, 1)
	if before, _, found := strings.Cut(s, sep); found && given {
		return value.String(before), nil
	}
	return value.String(s), nil
}

func substringAfter(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	sep, given := textArg(args, 1)
	if _, after, found := strings.Cut(s, sep); found && given {
		return value.String(after), nil
	}
	return value.String(s), nil
}

func lowercase(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	return value.String(lower(s)), ev.alloc(len(s))
}

// lower is s in lower case. A Σ at the end of a word becomes ς (Unicode, "Final_Sigma"),
// and İ keeps its dot.
func lower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	s = strings.ReplaceAll(s, "İ", "i̇")
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "Σ")
		b.WriteString(strings.ToLower(before))
		if !found {
			return b.String()
		}
		if endsInLetter(b.String()) && !beginsWithLetter(after) {
			b.WriteString("ς")
		} else {
			b.WriteString("σ")
		}
		s = after
	}
}

// A letter is here one that has cases; marks and points between are looked through.

func endsInLetter(s string) bool {
	s = strings.TrimRightFunc(s, caseIgnorable)
	r, _ := utf8.DecodeLastRuneInString(s)
	return cased(r)
}

func beginsWithLetter(s string) bool {
	s = strings.TrimLeftFunc(s, caseIgnorable)
	r, _ := utf8.DecodeRuneInString(s)
	return cased(r)
}

func cased(r rune) bool { return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt) }

func caseIgnorable(r rune) bool {
	return strings.ContainsRune("'.:·’‘․﹒＇．", r) || unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}

// expanding are the letters in use that become several in upper case.
var expanding = strings.NewReplacer("ß", "SS", "ﬀ", "FF", "ﬁ", "FI", "ﬂ", "FL", "ﬃ", "FFI", "ﬄ", "FFL", "ŉ", "ʼN", "ǰ", "J̌", "ΐ", "\u0399\u0308\u0301", "ΰ", "\u03A5\u0308\u0301")

func uppercase(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	if !isASCII(s) {
		s = expanding.Replace(s)
	}
	return value.String(strings.ToUpper(s)), ev.alloc(len(s))
}

func length(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	return value.Float(float64(countIn(s))), nil
}

func trim(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	if err := ev.alloc(len(s)); err != nil {
		return value.Value{}, err
	}
	blank := func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }
	return value.String(strings.Join(strings.FieldsFunc(s, blank), " ")), nil
}

func pad(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	fill, _ := textArg(args, 2)
	if fill == "" {
		fill = " "
	}
	width, _ := asNumber(arg(args, 1))
	missing := math.Trunc(math.Abs(width)) - float64(countIn(s))
	if missing <= 0 || math.IsNaN(missing) {
		return value.String(s), nil
	}
	if missing > defaultBytes || ev.alloc(int(missing)*len(fill)) != nil {
		return value.Value{}, overBudget("The padded string is too long")
	}
	n := countIn(fill)
	padding := strings.Repeat(fill, int(missing)/n)
	padding += fill[:byteIndex(fill, int(missing)%n)]
	if width < 0 {
		return ev.text(padding + s), nil
	}
	return ev.text(s + padding), nil
}

func contains(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	if f := asFunction(arg(args, 1)); f != nil {
		found := false
		err := ev.eachMatch(f, s, 1, func(match) (bool, error) {
			found = true
			return false, nil
		})
		return value.Bool(found), err
	}
	part, given := textArg(args, 1)
	if err := ev.tick(len(s) / 64); err != nil {
		return value.Value{}, err
	}
	if !given {
		return value.Value{}, nil
	}
	return value.Bool(strings.Contains(s, part)), nil
}

// limitArg is an optional count; -1 means no limit.
func limitArg(args []value.Value, i int, code string) (int, error) {
	f, ok := asNumber(arg(args, i))
	if !ok {
		return -1, nil
	}
	if f < 0 {
		return 0, failArg(code, args[i], i+1)
	}
	if f > math.MaxInt32 {
		return -1, nil
	}
	return int(math.Floor(f)), nil
}

// ceilLimit is a count of which a fraction counts as one more.
func ceilLimit(args []value.Value, i int, limit int) int {
	if f, ok := asNumber(arg(args, i)); ok && limit >= 0 && f > float64(limit) {
		return limit + 1
	}
	return limit
}

func split(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	limit, err := limitArg(args, 2, "D3020")
	if err != nil {
		return value.Value{}, err
	}
	if f := asFunction(arg(args, 1)); f != nil {
		return splitAt(ev, f, s, ceilLimit(args, 2, limit))
	}
	var parts []string
	switch sep, given := textArg(args, 1); {
	case limit == 0:
	case !given:
		parts = []string{s}
	case sep == "":
		parts = units(s)
	default:
		parts = strings.Split(s, sep)
	}
	if limit >= 0 && len(parts) > limit {
		parts = parts[:limit]
	}
	if err := ev.allocItems(len(parts)); err != nil {
		return value.Value{}, err
	}
	return value.Strings(parts...), nil
}

// units takes a string apart into UTF-16 units.
func units(s string) []string {
	parts := make([]string, 0, len(s))
	for i := 0; i < len(s); {
		r, n := nextUnit(s[i:])
		if r > 0xFFFF {
			r -= 0x10000
			parts = append(parts, string(appendUnit(nil, uint16(surrogateFirst+r>>10))), string(appendUnit(nil, uint16(0xDC00+r&0x3FF))))
		} else {
			parts = append(parts, s[i:i+n])
		}
		i += n
	}
	return parts
}

func splitAt(ev *run, f *function, s string, limit int) (value.Value, error) {
	var parts []value.Value
	if limit == 0 {
		return value.Array(), nil
	}
	at, any := 0, false
	err := ev.eachMatch(f, s, -1, func(m match) (bool, error) {
		any = true
		if limit >= 0 && len(parts) >= limit {
			return false, nil
		}
		parts = append(parts, value.String(s[min(at, m.start):m.start]))
		at = m.end
		return true, ev.alloc(valueBytes)
	})
	if err != nil {
		return value.Value{}, err
	}
	if !any || limit < 0 || len(parts) < limit {
		parts = append(parts, value.String(s[at:]))
	}
	return value.Array(parts...), nil
}

func join(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	list := arg(args, 0)
	if list.IsAbsent() {
		return list, nil
	}
	sep, _ := textArg(args, 1)
	texts := make([]string, 0, list.Len())
	size := 0
	for _, item := range list.Items() {
		s, _ := item.AsString()
		texts = append(texts, s)
		size += len(s) + len(sep)
	}
	if err := ev.alloc(size + 16*len(texts)); err != nil {
		return list, err
	}
	return ev.text(strings.Join(texts, sep)), nil
}

func matchAll(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	limit, err := limitArg(args, 2, "D3040")
	if err != nil {
		return value.Value{}, err
	}
	var found []value.Value
	unit, at := 0, 0
	err = ev.eachMatch(asFunction(arg(args, 1)), s, ceilLimit(args, 2, limit), func(m match) (bool, error) {
		unit += utf16Len(s[at:max(at, m.start)])
		at = max(at, m.start)
		found = append(found, value.Object(
			value.Member{Key: "match", Value: value.String(m.text)},
			value.Member{Key: "index", Value: value.Float(float64(unit))},
			value.Member{Key: "groups", Value: value.Array(m.groups...)},
		))
		return true, ev.alloc(256 + valueBytes*len(m.groups))
	})
	return sequence(found), err
}

func replace(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	pattern, plain := textArg(args, 1)
	if plain && pattern == "" {
		return value.Value{}, failArg("D3010", args[1], 2)
	}
	limit, err := limitArg(args, 3, "D3011")
	if err != nil {
		return value.Value{}, err
	}
	limit = ceilLimit(args, 3, limit)
	with, literal := textArg(args, 2)
	f := asFunction(arg(args, 1))
	if !plain && f == nil {
		return arg(args, 0), nil
	}
	if plain {
		if !literal && strings.Contains(s, pattern) {
			return value.Value{}, failValue("D3012", arg(args, 2))
		}
		grown := len(s) + strings.Count(s, pattern)*len(with)
		if err := ev.alloc(grown); err != nil {
			return value.Value{}, err
		}
		return ev.text(strings.Replace(s, pattern, with, limit)), nil
	}
	return replaceMatches(ev, f, s, limit, arg(args, 2))
}

func replaceMatches(ev *run, f *function, s string, limit int, with value.Value) (value.Value, error) {
	var b []byte
	at := 0
	template, _ := with.AsString()
	byFunction := asFunction(with)
	err := ev.eachMatch(f, s, limit, func(m match) (bool, error) {
		before := len(b)
		b = append(b, s[min(at, m.start):m.start]...)
		at = m.end
		if byFunction != nil {
			v, err := ev.apply(byFunction, []value.Value{matchObject(s, m)}, noContext)
			if err != nil {
				return false, err
			}
			text, ok := normalize(v).AsString()
			if !ok {
				return false, failValue("D3012", v)
			}
			b = append(b, text...)
		} else {
			b = appendTemplate(b, template, m)
		}
		return true, ev.alloc(2 * (len(b) - before))
	})
	if err != nil {
		return value.Value{}, err
	}
	return ev.text(string(append(b, s[at:]...))), nil
}

func matchObject(s string, m match) value.Value {
	return value.Object(
		value.Member{Key: "match", Value: value.String(m.text)},
		value.Member{Key: "start", Value: value.Float(float64(utf16Len(s[:m.start])))},
		value.Member{Key: "end", Value: value.Float(float64(utf16Len(s[:m.end])))},
		value.Member{Key: "groups", Value: value.Array(m.groups...)},
	)
}

// appendTemplate fills in $0, $1 … and $$. Of $12 as many digits count as make
// the number of a group.
func appendTemplate(b []byte, template string, m match) []byte {
	for {
		before, rest, found := strings.Cut(template, "$")
		b = append(b, before...)
		if !found {
			return b
		}
		template = rest
		switch {
		case rest == "" || rest[0] != '$' && !isDigit(rest[0]):
			b = append(b, '$')
		case rest[0] == '$':
			b = append(b, '$')
			template = rest[1:]
		case rest[0] == '0':
			b = append(b, m.text...)
			template = rest[1:]
		default:
			group, used := groupNumber(rest, len(m.groups))
			if group >= 1 && group <= len(m.groups) {
				text, _ := m.groups[group-1].AsString()
				b = append(b, text...)
			}
			template = rest[used:]
		}
	}
}

// groupNumber reads as many digits as the number of groups has, and fewer where
// that names no group.
func groupNumber(s string, groups int) (group, used int) {
	if groups == 0 {
		return 0, 1
	}
	most := 1
	for n := groups; n >= 10; n /= 10 {
		most++
	}
	n := 0
	for used < len(s) && used < most && isDigit(s[used]) {
		n = n*10 + int(s[used]-'0')
		used++
	}
	for used > 1 && n > groups {
		n /= 10
		used--
	}
	return n, used
}

func base64encode(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	if err := ev.alloc(2 * len(s)); err != nil {
		return value.Value{}, err
	}
	if isASCII(s) {
		return value.String(base64.StdEncoding.EncodeToString([]byte(s))), nil
	}
	var b []byte
	for i := 0; i < len(s); { // the low byte of every unit, as the reference does
		r, n := nextUnit(s[i:])
		if r > 0xFFFF {
			r -= 0x10000
			b = append(b, byte(r>>10), byte(r))
		} else {
			b = append(b, byte(r))
		}
		i += n
	}
	return value.String(base64.StdEncoding.EncodeToString(b)), nil
}

func base64decode(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	if err := ev.alloc(3 * len(s)); err != nil {
		return value.Value{}, err
	}
	var b []byte
	acc, bits := uint32(0), 0
	for i := 0; i < len(s) && s[i] != '='; i++ {
		d := base64Digit(s[i])
		if d < 0 {
			continue // blanks and other characters do not count
		}
		acc, bits = acc<<6|uint32(d), bits+6
		if bits >= 8 {
			bits -= 8
			b = utf8.AppendRune(b, rune(acc>>bits&0xFF)) // a byte is a character
		}
	}
	return value.String(string(b)), nil
}

func base64Digit(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	}
	return -1
}

const (
	urlUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"
	urlReserved   = ";/?:@&=+$,#"
)

func encodeURLComponent(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	return encode(ev, args, urlUnreserved, "encodeUrlComponent")
}

func encodeURL(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	return encode(ev, args, urlUnreserved+urlReserved, "encodeUrl")
}

func encode(ev *run, args []value.Value, keep, name string) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	if err := ev.alloc(3 * len(s)); err != nil {
		return value.Value{}, err
	}
	if hasLoneSurrogate(s) {
		return value.Value{}, malformed(s, name)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(keep, s[i]) >= 0 {
			b.WriteByte(s[i])
		} else {
			const hex = "0123456789ABCDEF"
			b.Write([]byte{'%', hex[s[i]>>4], hex[s[i]&15]})
		}
	}
	return value.String(b.String()), nil
}

func malformed(s, name string) error {
	e := failValue("D3140", value.String(s))
	e.raw = name
	return e
}

func decodeURLComponent(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	return decode(ev, args, "", "decodeUrlComponent")
}

func decodeURL(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	return decode(ev, args, urlReserved, "decodeUrl")
}

func decode(ev *run, args []value.Value, keep, name string) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	if err := ev.alloc(len(s)); err != nil {
		return value.Value{}, err
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] != '%' {
			b = append(b, s[i])
			i++
			continue
		}
		n := escapedLength(s[i:])
		if n == 0 {
			return value.Value{}, malformed(s, name)
		}
		var char []byte
		for k := i; k < i+3*n; k += 3 {
			char = append(char, unhex(s[k+1])<<4|unhex(s[k+2]))
		}
		if !utf8.Valid(char) {
			return value.Value{}, malformed(s, name)
		}
		if n == 1 && strings.IndexByte(keep, char[0]) >= 0 {
			b = append(b, s[i:i+3]...)
		} else {
			b = append(b, char...)
		}
		i += 3 * n
	}
	return value.String(string(b)), nil
}

// escapedLength returns how many %XX at the start of s make one character, 0
// where they are malformed.
func escapedLength(s string) int {
	if !escapedByte(s) {
		return 0
	}
	n := 1
	switch c := unhex(s[1])<<4 | unhex(s[2]); {
	case c < 0x80:
	case c&0xE0 == 0xC0:
		n = 2
	case c&0xF0 == 0xE0:
		n = 3
	case c&0xF8 == 0xF0:
		n = 4
	default:
		return 0
	}
	for i := 1; i < n; i++ {
		if len(s) < 3*i+3 || !escapedByte(s[3*i:]) {
			return 0
		}
	}
	return n
}

func escapedByte(s string) bool {
	return len(s) >= 3 && s[0] == '%' && unhex(s[1]) < 16 && unhex(s[2]) < 16
}

func unhex(c byte) byte {
	switch {
	case isDigit(c):
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 0xFF
}
