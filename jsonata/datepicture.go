package jsonata

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Dates and times are written and read by a picture as XPath's fn:format-dateTime
// has it (F&O 9.8): text with markers in brackets, such as [Y0001]-[M01]-[D01].

// datePart is a piece of literal text, or a marker.
type datePart struct {
	literal   string
	component byte // 0 is a literal
	named     bool // month, day or am/pm by name
	names     letterCase
	minWidth  int // -1 is open
	maxWidth  int
	integer   *integerPicture
	modulo    int // digits of the year that count, 0 is all
	zulu      bool
}

const (
	dateComponents    = "YMDdFWwXxHhPmsfZzCE"
	integerComponents = "YMDdFWwXxHhmsf"
)

// isoPicture is what $fromMillis writes without a picture.
const isoPicture = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]"

func defaultModifier(component byte) string {
	switch component {
	case 'F', 'P', 'C', 'E':
		return "n"
	case 'm', 's':
		return "01"
	case 'Z', 'z':
		return "01:01"
	}
	return "1"
}

func parseDatePicture(picture string) ([]*datePart, *Error) {
	var parts []*datePart
	text := func(s string) {
		if s != "" {
			parts = append(parts, &datePart{literal: strings.ReplaceAll(s, "]]", "]")})
		}
	}
	start := 0
	for i := 0; i < len(picture); {
		if picture[i] != '[' {
			i++
			continue
		}
		if strings.HasPrefix(picture[i:], "[[") {
			text(picture[start:i])
			text("[")
			i += 2
			start = i
			continue
		}
		text(picture[start:i])
		end := strings.IndexByte(picture[i:], ']')
		if end < 0 {
			return nil, fail("D3135")
		}
		part, err := parseMarker(picture[i+1 : i+end])
		if err != nil {
			return nil, err
		}
		if n := len(parts); part.integer != nil && n > 0 && parts[n-1].integer != nil && part.component != 'Z' && part.component != 'z' {
			// No text in between: the width tells where the one ends.
			parts[n-1].integer.parseWidth = parts[n-1].integer.mandatory
		}
		parts = append(parts, part)
		i += end + 1
		start = i
	}
	text(picture[start:])
	return parts, nil
}

func parseMarker(marker string) (*datePart, *Error) {
	marker = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, marker)
	unknown := func() *Error {
		first := ""
		if marker != "" {
			first = string([]rune(marker)[:1])
		}
		return failValue("D3132", value.String(first))
	}
	if marker == "" || strings.IndexByte(dateComponents, marker[0]) < 0 {
		return nil, unknown()
	}
	p := &datePart{component: marker[0], minWidth: -1, maxWidth: -1}
	modifier := marker[1:]
	if comma := strings.LastIndexByte(marker, ','); comma > 0 {
		modifier = marker[1:comma]
		low, high, _ := strings.Cut(marker[comma+1:], "-")
		p.minWidth, p.maxWidth = width(low), width(high)
	}
	ordinal := false
	if n := len(modifier); n > 1 && strings.IndexByte("atco", modifier[n-1]) >= 0 {
		ordinal, p.zulu = modifier[n-1] == 'o', modifier[n-1] == 't'
		modifier = modifier[:n-1]
	}
	if modifier == "" {
		modifier = defaultModifier(p.component)
	}
	return p, p.modify(modifier, ordinal)
}

func width(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

func (p *datePart) modify(modifier string, ordinal bool) (err *Error) {
	timezone := p.component == 'Z' || p.component == 'z'
	switch {
	case modifier[0] == 'n' && !timezone:
		p.named, p.names = true, lowerCase
		return nil
	case modifier[0] == 'N' && !timezone:
		p.named, p.names = true, upperCase
		if strings.HasPrefix(modifier, "Nn") {
			p.names = titleCase
		}
		return nil
	case timezone:
		p.integer, err = parseIntegerPicture(modifier)
		return err
	case strings.IndexByte(integerComponents, p.component) < 0:
		p.named = true // am and pm and eras have no numbers
		return nil
	}
	if ordinal {
		modifier += ";o"
	}
	if p.integer, err = parseIntegerPicture(modifier); err != nil {
		return err
	}
	if p.minWidth > p.integer.mandatory {
		p.integer.mandatory = p.minWidth
	}
	if p.component != 'Y' {
		return nil
	}
	if p.maxWidth >= 0 {
		p.modulo = p.maxWidth
		p.integer.mandatory = p.maxWidth
	} else if w := p.integer.mandatory + p.integer.optional; w >= 2 {
		p.modulo = w
	}
	return nil
}

var (
	dayNames   = []string{"", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
	monthNames = []string{"", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
)

// nameIn gives a name its case and width.
func (p *datePart) nameIn(name string) string {
	switch p.names {
	case upperCase:
		name = strings.ToUpper(name)
	case lowerCase:
		name = strings.ToLower(name)
	}
	if p.maxWidth >= 0 && p.maxWidth < len(name) {
		name = name[:p.maxWidth]
	}
	return name
}

// pattern is a regular expression for what the part can look like.
func (p *datePart) pattern() (string, *Error) {
	if p.component == 0 {
		return quoteRegex(p.literal), nil
	}
	if p.component == 'Z' || p.component == 'z' {
		return p.zonePattern(), nil
	}
	if p.named {
		switch p.component {
		case 'M', 'x', 'F', 'P':
			return `([a-zA-Z]+)`, nil
		}
		return "", failValue("D3133", value.String(string(p.component)))
	}
	switch i := p.integer; i.style {
	case styleLetters:
		return `([a-zA-Z]+)`, nil
	case styleRoman:
		return `([mdclxviMDCLXVI]+)`, nil
	case styleWords:
		return `((?:` + wordPattern() + `|and|[-, ])+)`, nil
	case styleDecimal:
		return "(" + i.decimalPattern() + ")", nil
	default:
		return "", i.unsupported()
	}
}

func quoteRegex(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`\.+*?()|[]{}^$`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (p *datePart) zonePattern() string {
	prefix := ""
	if p.component == 'z' {
		prefix = "GMT"
	}
	if len(p.integer.separators) == 0 {
		return prefix + `([-+][0-9]+)`
	}
	return prefix + `([-+][0-9]+` + quoteRegex(string(p.integer.separators[len(p.integer.separators)-1].char)) + `[0-9]+)`
}

func (i *integerPicture) decimalPattern() string {
	digit := "[0-9]"
	if i.zero != '0' {
		digit = "[" + string(i.zero) + "-" + string(i.zero+9) + "]"
	}
	text := digit + "+"
	switch {
	case i.parseWidth > 0:
		text = digit + "{" + strconv.Itoa(min(i.parseWidth, 1000)) + "}"
	case len(i.separators) > 0:
		text = "(?:" + digit + "|" + quoteRegex(string(i.separators[0].char)) + ")+"
	}
	if i.ordinal {
		text += "(?:th|st|nd|rd)"
	}
	return text
}

func wordPattern() string {
	all := slices.Concat(small, smallOrdinals, decades, magnitudes, []string{"Hundred", "Hundredth"})
	for _, d := range decades {
		all = append(all, d[:len(d)-1]+"ieth")
	}
	for _, m := range magnitudes {
		all = append(all, m+"th")
	}
	// The longest first, for alternatives are tried in turn.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return strings.Join(all, "|")
}

// lookupName finds a month, day or half of the day by its name as written.
func (p *datePart) lookupName(s string) (float64, bool) {
	names := monthNames
	switch p.component {
	case 'F':
		names = dayNames
	case 'P':
		switch s {
		case "am", "AM":
			return 0, true
		case "pm", "PM":
			return 1, true
		}
		return 0, false
	}
	for i, name := range names {
		if p.maxWidth >= 0 && p.maxWidth < len(name) {
			name = name[:p.maxWidth]
		}
		if i > 0 && s == name {
			return float64(i), true
		}
	}
	return 0, false
}
