package jsonata

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Numbers are written by a picture as XPath's fn:format-number has it (F&O 4.7).

// decimalFormat is the characters that pictures use.
type decimalFormat struct {
	decimal, grouping, exponent, infinity, minus, nan, percent, perMille, digit, pattern string
	zero                                                                                 rune
}

func newDecimalFormat(options value.Value) *decimalFormat {
	f := &decimalFormat{decimal: ".", grouping: ",", exponent: "e", infinity: "Infinity", minus: "-", nan: "NaN",
		percent: "%", perMille: "\u2030", digit: "#", pattern: ";", zero: '0'}
	fields := map[string]*string{
		"decimal-separator": &f.decimal, "grouping-separator": &f.grouping, "exponent-separator": &f.exponent, "infinity": &f.infinity,
		"minus-sign": &f.minus, "NaN": &f.nan, "percent": &f.percent, "per-mille": &f.perMille, "digit": &f.digit, "pattern-separator": &f.pattern,
	}
	for _, m := range options.Members() {
		s, _ := m.Value.AsString()
		if field := fields[m.Key]; field != nil {
			*field = s
		} else if m.Key == "zero-digit" && s != "" {
			f.zero = []rune(s)[0]
		}
	}
	return f
}

func (f *decimalFormat) isDigit(r rune) bool { return r >= f.zero && r <= f.zero+9 }

// active reports that r means something in the middle of a sub-picture.
func (f *decimalFormat) active(r rune) bool {
	s := string(r)
	return f.isDigit(r) || s == f.decimal || s == f.grouping || s == f.digit
}

// subPicture is one half of a picture, analysed.
type subPicture struct {
	prefix, suffix      string
	percent, perMille   bool
	minInt, scale       int
	minFrac, maxFrac    int
	minExp              int
	intGroups           []int // digits to the right of each separator
	regular             int
	fracGroups          []int // digits to the left of each separator
	intPart, fracPart   string
	mantissa, exponent  string
	active              string
	hasExponent, hasDot bool
}

func (f *decimalFormat) split(text string) *subPicture {
	p := &subPicture{active: text}
	chars := []rune(text)
	first := slices.IndexFunc(chars, f.active)
	if first >= 0 {
		last := len(chars) - 1
		for last > first && !f.active(chars[last]) && string(chars[last]) != f.exponent {
			last--
		}
		p.prefix, p.active, p.suffix = string(chars[:first]), string(chars[first:last+1]), string(chars[last+1:])
	}
	p.percent = f.percent != "" && strings.Contains(text, f.percent)
	p.perMille = f.perMille != "" && strings.Contains(text, f.perMille)
	p.mantissa, p.exponent, p.hasExponent = cutNonEmpty(p.active, f.exponent)
	p.intPart, p.fracPart, p.hasDot = cutNonEmpty(p.mantissa, f.decimal)
	return p
}

func cutNonEmpty(s, sep string) (before, after string, found bool) {
	if sep == "" {
		return s, "", false
	}
	return strings.Cut(s, sep)
}

// check finds what is wrong with a sub-picture. Of several faults the last one
// in the order of the specification is told.
func (f *decimalFormat) check(text string, p *subPicture) *Error {
	code := ""
	times := func(sep string) int {
		if sep == "" {
			return 0
		}
		return strings.Count(text, sep)
	}
	percents, perMilles := times(f.percent), times(f.perMille)
	rules := []struct {
		broken bool
		code   string
	}{
		{times(f.decimal) > 1, "D3081"},
		{percents > 1, "D3082"},
		{perMilles > 1, "D3083"},
		{percents > 0 && perMilles > 0, "D3084"},
		{!strings.ContainsFunc(p.mantissa, func(r rune) bool { return f.isDigit(r) || string(r) == f.digit }), "D3085"},
		{strings.ContainsFunc(p.active, func(r rune) bool { return !f.active(r) && string(r) != f.exponent }), "D3086"},
		{p.hasDot && f.grouping != "" && (strings.HasSuffix(p.intPart, f.grouping) || strings.HasPrefix(p.fracPart, f.grouping)), "D3087"},
		{!p.hasDot && f.grouping != "" && strings.HasSuffix(p.intPart, f.grouping), "D3088"},
		{f.grouping != "" && strings.Contains(text, f.grouping+f.grouping), "D3089"},
		{f.digitBefore(p.intPart), "D3090"},
		{f.digitBehind(p.fracPart), "D3091"},
		{p.hasExponent && p.exponent != "" && (percents > 0 || perMilles > 0), "D3092"},
		{p.hasExponent && (p.exponent == "" || strings.ContainsFunc(p.exponent, func(r rune) bool { return !f.isDigit(r) })), "D3093"},
	}
	for _, r := range rules {
		if r.broken {
			code = r.code
		}
	}
	if code == "" {
		return nil
	}
	return fail(code)
}

// digitBefore: a mandatory digit stands before the first optional one.
func (f *decimalFormat) digitBefore(part string) bool {
	before, _, found := cutNonEmpty(part, f.digit)
	return found && strings.ContainsFunc(before, f.isDigit)
}

// digitBehind: a mandatory digit stands behind the last optional one.
func (f *decimalFormat) digitBehind(part string) bool {
	i := strings.LastIndex(part, f.digit)
	return f.digit != "" && i >= 0 && strings.ContainsFunc(part[i:], f.isDigit)
}

// analyse counts what the parts of a sub-picture ask for (F&O 4.7.4).
func (f *decimalFormat) analyse(p *subPicture) {
	digits := func(s string) int { return f.count(s, false) }
	p.intGroups = f.groups(p.intPart, true)
	p.fracGroups = f.groups(p.fracPart, false)
	p.regular = regularGroups(p.intGroups)
	p.minInt = digits(p.intPart)
	p.scale = p.minInt
	p.minFrac = digits(p.fracPart)
	p.maxFrac = f.count(p.fracPart, true)
	if p.hasExponent {
		p.minExp = digits(p.exponent)
	}
	if p.minInt == 0 && p.maxFrac == 0 {
		if p.hasExponent {
			p.minFrac, p.maxFrac = 1, 1
		} else {
			p.minInt = 1
		}
	}
	if p.hasExponent && p.minInt == 0 && f.digit != "" && strings.Contains(p.intPart, f.digit) {
		p.minInt = 1
	}
	if p.minInt == 0 && p.minFrac == 0 {
		p.minFrac = 1
	}
}

func (f *decimalFormat) count(s string, optional bool) int {
	n := 0
	for _, r := range s {
		if f.isDigit(r) || optional && string(r) == f.digit {
			n++
		}
	}
	return n
}

func (f *decimalFormat) groups(part string, fromRight bool) []int {
	var at []int
	for i := 0; f.grouping != ""; {
		k := strings.Index(part[i:], f.grouping)
		if k < 0 {
			break
		}
		rest := part[:i+k]
		if fromRight {
			rest = part[i+k+len(f.grouping):]
		}
		at = append(at, f.count(rest, true))
		i += k + len(f.grouping)
	}
	return at
}

func regularGroups(at []int) int {
	factor := 0
	for _, n := range at {
		factor = gcd(factor, n)
	}
	if factor == 0 {
		return 0
	}
	for i := range at {
		if !slices.Contains(at, (i+1)*factor) {
			return 0
		}
	}
	return factor
}

func formatNumber(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	x, ok := asNumber(arg(args, 0))
	if !ok {
		return value.Value{}, nil
	}
	picture, _ := textArg(args, 1)
	f := newDecimalFormat(arg(args, 2))
	halves := []string{picture}
	if f.pattern != "" {
		halves = strings.Split(picture, f.pattern)
	}
	if len(halves) > 2 {
		return value.Value{}, fail("D3080")
	}
	var subs []*subPicture
	for _, text := range halves {
		p := f.split(text)
		if err := f.check(text, p); err != nil {
			return value.Value{}, err
		}
		f.analyse(p)
		subs = append(subs, p)
	}
	sub := subs[0]
	if x < 0 || math.IsNaN(x) {
		if len(subs) == 2 {
			sub = subs[1]
		} else {
			sub.prefix = f.minus + sub.prefix
		}
	}
	return value.String(sub.prefix + f.body(sub, math.Abs(x)) + sub.suffix), nil
}

// body writes the number between prefix and suffix.
func (f *decimalFormat) body(p *subPicture, x float64) string {
	switch {
	case math.IsNaN(x):
		return f.nan
	case math.IsInf(x, 0):
		return f.infinity
	}
	if p.percent {
		x *= 100
	} else if p.perMille {
		x *= 1000
	}
	exponent := 0
	if p.hasExponent && x != 0 {
		x, exponent = normalizeMantissa(x, p.scale)
	}
	text := fixed(roundTo(x, p.maxFrac), p.maxFrac)
	whole, frac, _ := strings.Cut(text, ".")
	whole = strings.TrimLeft(whole, "0")
	frac = strings.TrimRight(frac, "0")
	whole = strings.Repeat("0", max(0, p.minInt-len(whole))) + whole
	frac += strings.Repeat("0", max(0, p.minFrac-len(frac)))
	out := f.localize(groupWhole(whole, p, f.grouping))
	if frac != "" {
		out += f.decimal + f.localize(groupFraction(frac, p.fracGroups, f.grouping))
	}
	if p.hasExponent {
		e := strconv.Itoa(max(exponent, -exponent))
		e = f.localize(strings.Repeat("0", max(0, p.minExp-len(e))) + e)
		if exponent < 0 {
			e = f.minus + e
		}
		out += f.exponent + e
	}
	return out
}

// normalizeMantissa gives x so many digits before the point.
func normalizeMantissa(x float64, scale int) (mantissa float64, exponent int) {
	text := strconv.FormatFloat(x, 'e', -1, 64)
	_, e, _ := strings.Cut(text, "e")
	n, _ := strconv.Atoi(e)
	exponent = n + 1 - scale
	return shiftDecimal(x, -exponent), exponent
}

// fixed is ECMAScript's toFixed.
func fixed(x float64, places int) string {
	if x >= 1e21 {
		return formatNumberText(x)
	}
	return strconv.FormatFloat(x, 'f', places, 64)
}

func (f *decimalFormat) localize(s string) string {
	if f.zero == '0' {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + f.zero
		}
		return r
	}, s)
}

func groupWhole(s string, p *subPicture, sep string) string {
	at := p.intGroups
	if p.regular > 0 {
		at = nil
		for n := p.regular; n < len(s); n += p.regular {
			at = append(at, n)
		}
	}
	slices.Sort(at)
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && slices.Contains(at, len(s)-i) {
			b.WriteString(sep)
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func groupFraction(s string, at []int, sep string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(s[i])
		if i+1 < len(s) && slices.Contains(at, i+1) {
			b.WriteString(sep)
		}
	}
	return b.String()
}
