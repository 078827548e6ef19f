package jsonata

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Integers are written by a picture as XPath's fn:format-integer has it:
// decimal digits with grouping, letters, Roman numerals or words, and any of
// them as an ordinal (F&O 4.6.1).

type integerStyle uint8

const (
	styleDecimal integerStyle = iota
	styleLetters
	styleRoman
	styleWords
	styleSequence // something else, which is not supported
)

type letterCase uint8

const (
	lowerCase letterCase = iota
	upperCase
	titleCase
)

type integerPicture struct {
	style      integerStyle
	letters    letterCase
	ordinal    bool
	primary    string
	zero       rune // of the decimal digits
	mandatory  int
	optional   int
	regular    int // the same separator at every multiple of this
	separator  rune
	separators []separator
	parseWidth int // exactly so many digits when parsing, 0 is any
}

type separator struct {
	position int // digits to its right
	char     rune
}

// decimalZeros are the zeros of the digits that pictures may be written in.
var decimalZeros = []rune{0x30, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
	0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
	0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10}

func zeroOf(r rune) (rune, bool) {
	for _, z := range decimalZeros {
		if r >= z && r <= z+9 {
			return z, true
		}
	}
	return 0, false
}

func parseIntegerPicture(picture string) (*integerPicture, *Error) {
	p := &integerPicture{primary: picture}
	if i := strings.LastIndexByte(picture, ';'); i >= 0 {
		p.primary = picture[:i]
		p.ordinal = strings.HasPrefix(picture[i+1:], "o")
	}
	switch p.primary {
	case "A", "a":
		p.style = styleLetters
	case "I", "i":
		p.style = styleRoman
	case "W", "w", "Ww":
		p.style = styleWords
	default:
		return p, p.decimal()
	}
	switch p.primary {
	case "A", "I", "W":
		p.letters = upperCase
	case "Ww":
		p.letters = titleCase
	}
	return p, nil
}

// decimal reads a pattern such as #,##0 from its end.
func (p *integerPicture) decimal() *Error {
	chars := []rune(p.primary)
	position := 0
	for i := len(chars) - 1; i >= 0; i-- {
		c := chars[i]
		if z, ok := zeroOf(c); ok {
			if p.mandatory > 0 && z != p.zero {
				return fail("D3131")
			}
			p.zero = z
			p.mandatory++
			position++
		} else if c == '#' {
			p.optional++
			position++
		} else {
			p.separators = append(p.separators, separator{position, c})
		}
	}
	if p.mandatory == 0 {
		p.style = styleSequence
		return nil
	}
	p.findRegular()
	return nil
}

// findRegular sets regular where the separators are all the same and stand at
// every multiple of a number, so that they go on to the left.
func (p *integerPicture) findRegular() {
	if len(p.separators) == 0 {
		return
	}
	factor := 0
	for _, s := range p.separators {
		if s.char != p.separators[0].char {
			return
		}
		factor = gcd(factor, s.position)
	}
	if factor == 0 {
		return
	}
	for i := range p.separators {
		if !p.hasSeparator((i + 1) * factor) {
			return
		}
	}
	p.regular, p.separator = factor, p.separators[0].char
}

func (p *integerPicture) hasSeparator(position int) bool {
	for _, s := range p.separators {
		if s.position == position {
			return true
		}
	}
	return false
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (p *integerPicture) unsupported() *Error {
	return failValue("D3130", value.String(p.primary))
}

func (p *integerPicture) format(x float64) (string, *Error) {
	x = math.Floor(x)
	negative := x < 0
	x = math.Abs(x)
	var s string
	switch p.style {
	case styleLetters:
		s = inLetters(x, p.letters)
	case styleRoman:
		s = roman(x, p.letters)
	case styleWords:
		s = p.inCase(words(x, p.ordinal))
	case styleDecimal:
		s = p.digits(x)
	default:
		return "", p.unsupported()
	}
	if negative {
		s = "-" + s
	}
	return s, nil
}

func (p *integerPicture) inCase(s string) string {
	switch p.letters {
	case upperCase:
		return strings.ToUpper(s)
	case lowerCase:
		return strings.ToLower(s)
	}
	return s
}

func (p *integerPicture) digits(x float64) string {
	s := formatNumberText(x)
	if len(s) < p.mandatory {
		s = strings.Repeat("0", p.mandatory-len(s)) + s
	}
	suffix := ""
	if p.ordinal {
		suffix = ordinalSuffix(s)
	}
	if p.zero != '0' {
		s = strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r - '0' + p.zero
			}
			return r
		}, s)
	}
	if len(p.separators) > 0 {
		s = p.separate([]rune(s))
	}
	return s + suffix
}

func (p *integerPicture) separate(chars []rune) string {
	n := len(chars)
	if p.regular > 0 {
		for at := p.regular; at < n; at += p.regular {
			chars = insertRune(chars, n-at, p.separator)
		}
		return string(chars)
	}
	for _, s := range p.separators { // from the right
		if at := n - s.position; at > 0 {
			chars = insertRune(chars, at, s.char)
		}
	}
	return string(chars)
}

func insertRune(chars []rune, at int, c rune) []rune {
	chars = append(chars, 0)
	copy(chars[at+1:], chars[at:])
	chars[at] = c
	return chars
}

func ordinalSuffix(s string) string {
	last := s[len(s)-1]
	if len(s) > 1 && s[len(s)-2] == '1' {
		return "th"
	}
	switch last {
	case '1':
		return "st"
	case '2':
		return "nd"
	case '3':
		return "rd"
	}
	return "th"
}

// inLetters counts a, b … z, aa, ab.
func inLetters(x float64, c letterCase) string {
	first := byte('a')
	if c == upperCase {
		first = 'A'
	}
	if x > 1<<53 {
		return "" // nobody counts so far
	}
	var b []byte
	for n := int64(x); n > 0; n = (n - 1) / 26 {
		b = append([]byte{first + byte((n-1)%26)}, b...)
	}
	return string(b)
}

var romanNumerals = []struct {
	value float64
	text  string
}{
	{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"}, {40, "xl"},
	{10, "x"}, {9, "ix"}, {5, "v"}, {4, "iv"}, {1, "i"},
}

const maxRoman = 1_000_000 // a thousand letters m

func roman(x float64, c letterCase) string {
	if x > maxRoman {
		x = maxRoman
	}
	var b strings.Builder
	for _, r := range romanNumerals {
		for ; x >= r.value; x -= r.value {
			b.WriteString(r.text)
		}
	}
	if c == upperCase {
		return strings.ToUpper(b.String())
	}
	return b.String()
}

var (
	small = []string{"Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten",
		"Eleven", "Twelve", "Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen"}
	smallOrdinals = []string{"Zeroth", "First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth",
		"Eleventh", "Twelfth", "Thirteenth", "Fourteenth", "Fifteenth", "Sixteenth", "Seventeenth", "Eighteenth", "Nineteenth"}
	decades    = []string{"Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"}
	magnitudes = []string{"Thousand", "Million", "Billion", "Trillion"}
)

// words spells a whole number; beyond trillions it is so many trillions.
func words(x float64, ordinal bool) string {
	var b strings.Builder
	spell(&b, x, false, ordinal)
	return b.String()
}

// spell writes x behind what is already there: joined by "and" or a comma.
func spell(b *strings.Builder, x float64, joined, ordinal bool) {
	switch {
	case x < 20:
		if joined {
			b.WriteString(" and ")
		}
		if ordinal {
			b.WriteString(smallOrdinals[int(x)])
		} else {
			b.WriteString(small[int(x)])
		}
	case x < 100:
		if joined {
			b.WriteString(" and ")
		}
		decade, rest := decades[int(x)/10-2], math.Mod(x, 10)
		switch {
		case rest > 0:
			b.WriteString(decade + "-")
			spell(b, rest, false, ordinal)
		case ordinal:
			b.WriteString(decade[:len(decade)-1] + "ieth")
		default:
			b.WriteString(decade)
		}
	case x < 1000:
		spellLarge(b, x, 100, "Hundred", joined, ordinal)
	default:
		m := min(int(math.Log10(x)/3+1e-12), len(magnitudes))
		for m > 1 && math.Pow10(3*m) > x {
			m--
		}
		spellLarge(b, x, math.Pow10(3*m), magnitudes[m-1], joined, ordinal)
	}
}

func spellLarge(b *strings.Builder, x, unit float64, name string, joined, ordinal bool) {
	if joined {
		b.WriteString(", ")
	}
	count := math.Floor(x / unit)
	rest := x - count*unit
	spell(b, count, false, false)
	b.WriteString(" " + name)
	if rest > 0 {
		spell(b, rest, true, ordinal)
	} else if ordinal {
		b.WriteString("th")
	}
}

// wordValues are the numbers of words, cardinal and ordinal.
func wordValue(word string) (float64, bool) {
	for i, w := range small {
		if strings.EqualFold(word, w) || strings.EqualFold(word, smallOrdinals[i]) {
			return float64(i), true
		}
	}
	for i, w := range decades {
		if strings.EqualFold(word, w) || strings.EqualFold(word, w[:len(w)-1]+"ieth") {
			return float64(10 * (i + 2)), true
		}
	}
	if strings.EqualFold(word, "hundred") || strings.EqualFold(word, "hundredth") {
		return 100, true
	}
	for i, w := range magnitudes {
		if strings.EqualFold(word, w) || strings.EqualFold(word, w+"th") {
			return math.Pow10(3 * (i + 1)), true
		}
	}
	return 0, false
}

func parseWords(s string) float64 {
	var parts []float64
	pop := func() float64 {
		if len(parts) == 0 {
			return 0
		}
		last := parts[len(parts)-1]
		parts = parts[:len(parts)-1]
		return last
	}
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '-' || r == '\\' || r == '\t' || r == '\n' }) {
		if strings.EqualFold(word, "and") {
			continue
		}
		v, ok := wordValue(word)
		if !ok {
			return math.NaN()
		}
		if v >= 100 {
			parts = append(parts, pop()*v)
			continue
		}
		top := pop()
		if top >= 1000 {
			parts = append(parts, top)
			top = 0
		}
		parts = append(parts, top+v)
	}
	total := 0.0
	for _, v := range parts {
		total += v
	}
	return total
}

// parse reads what format writes; NaN where it is something else.
func (p *integerPicture) parse(s string) (float64, *Error) {
	switch p.style {
	case styleLetters:
		return parseLetters(s, p.letters), nil
	case styleRoman:
		return parseRoman(s, p.letters), nil
	case styleWords:
		return parseWords(s), nil
	case styleDecimal:
		return p.parseDigits(s), nil
	}
	return 0, p.unsupported()
}

func (p *integerPicture) parseDigits(s string) float64 {
	if p.ordinal {
		for range 2 {
			_, n := utf8.DecodeLastRuneInString(s)
			s = s[:len(s)-n]
		}
	}
	s = strings.Map(func(r rune) rune {
		for _, sep := range p.separators {
			if r == sep.char {
				return -1
			}
		}
		if r >= p.zero && r <= p.zero+9 {
			return r - p.zero + '0'
		}
		return r
	}, s)
	return leadingInteger(s)
}

// leadingInteger is ECMAScript's parseInt: the number that s starts with.
func leadingInteger(s string) float64 {
	s = strings.TrimLeft(s, " \t\n\r")
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	end := countDigits(s, i)
	if end == i {
		return math.NaN()
	}
	f, _ := strconv.ParseFloat(strings.TrimPrefix(s[:end], "+"), 64)
	return f
}

func parseLetters(s string, c letterCase) float64 {
	first := rune('a')
	if c == upperCase {
		first = 'A'
	}
	n := 0.0
	for _, r := range s {
		n = n*26 + float64(r-first+1)
	}
	return n
}

func parseRoman(s string, c letterCase) float64 {
	total, largest := 0.0, 1.0
	for i := len(s) - 1; i >= 0; i-- {
		v := romanDigit(s[i], c)
		if v == 0 {
			return math.NaN()
		}
		if v < largest {
			total -= v
		} else {
			largest = v
			total += v
		}
	}
	return total
}

func romanDigit(c byte, lc letterCase) float64 {
	if lc == upperCase {
		if c < 'A' || c > 'Z' {
			return 0
		}
		c += 'a' - 'A'
	}
	switch c {
	case 'i':
		return 1
	case 'v':
		return 5
	case 'x':
		return 10
	case 'l':
		return 50
	case 'c':
		return 100
	case 'd':
		return 500
	case 'm':
		return 1000
	}
	return 0
}

func formatInteger(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	x, ok := asNumber(arg(args, 0))
	if !ok {
		return value.Value{}, nil
	}
	picture, _ := textArg(args, 1)
	p, err := parseIntegerPicture(picture)
	if err != nil {
		return value.Value{}, err
	}
	s, err := p.format(x)
	if err != nil {
		return value.Value{}, err
	}
	return value.String(s), nil
}

func parseInteger(_ *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	picture, _ := textArg(args, 1)
	p, err := parseIntegerPicture(picture)
	if err != nil {
		return value.Value{}, err
	}
	f, err := p.parse(s)
	if err != nil {
		return value.Value{}, err
	}
	return number(f), nil
}
