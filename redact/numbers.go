package redact

import "strings"

// scanRuns looks at every run of letters and digits once, for what has no anchor:
// card numbers, bank accounts, phone numbers, base64.
func (sc *scan) scanRuns() {
	s := sc.s
	encodedEnd := 0
	for i := 0; i < len(s); {
		c := s[i]
		if !alnum[c] {
			if c == '+' || c == '(' {
				sc.phone(i)
			} else if c == 0xc2 || c == 0xe2 || c == 0xef {
				sc.unseen(i)
			}
			i++
			continue
		}
		end := alnum.run(s, i)
		if at(s, i-1) == '\\' {
			if i = min(i+escapeLength(s, i), end); i == end {
				continue
			}
			c = s[i]
		}
		if isDigit(c) {
			sc.number(i, end)
		} else if end-i >= 4 && isDigit(s[i+2]) && isDigit(s[i+3]) {
			if isUpper(c) && isUpper(s[i+1]) {
				sc.iban(i)
			} else if end-i >= 15 && end-i <= 34 && isLower(c) && isLower(s[i+1]) {
				sc.smallIBAN(i, end)
			}
		}
		if end-i >= minHex {
			from := i + 2*b2i(c == '0' && s[i+1] == 'x')
			sc.hexText(from, end)
		}
		if i >= encodedEnd {
			if encodedEnd = encodedSet.run(s, end); encodedEnd-i >= minEncoded {
				encodedEnd = sc.encodedText(i, encodedEnd)
				if at(s, encodedEnd) == '.' {
					if stop := discord(s, i); stop > 0 {
						sc.conceal(i, stop, Token)
					}
				}
			}
		}
		i = end
	}
}

var encodedSet = newCharSet("0-9A-Za-z+/_-")

// number looks at the digits s[i:end], which no letter and no digit precedes.
func (sc *scan) number(i, end int) {
	s := sc.s
	left := before(s, i)
	if isDecimal(s, i) || left >= 0x80 {
		return
	}
	switch length := end - i; {
	case length >= 13 && length <= 19:
		if at(s, end) != '.' || !isDigit(at(s, end+1)) {
			sc.card(i, end)
		}
	case length == 4:
		sc.groupedCard(i)
		if s[i] == '0' && s[i+1] == '0' && s[i+2] != '0' && at(s, end) == ' ' && sc.saysPhone(i) {
			sc.phoneDigits(i, i+2)
		}
	case length == 3 && !slugSet[left]:
		sc.dashed(i)
	}
}

// isDecimal reports that the digits at i are the fraction of a number.
func isDecimal(s string, i int) bool { return at(s, i-1) == '.' && isDigit(at(s, i-2)) }

func (sc *scan) card(i, end int) {
	for j := i; j < end; j++ {
		if !isDigit(sc.s[j]) {
			return
		}
	}
	if isCard(sc.s[i:end]) {
		sc.conceal(i, end, Card)
	}
}

// cardGroups are the ways to print card numbers: four times four, Maestro's nineteen,
// American Express, Diners.
var cardGroups = [][]int{{4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}}

// groupedCard looks for a card number in groups with one separator between all.
func (sc *scan) groupedCard(i int) {
	s := sc.s
	if !isDigit(at(s, i+6)) || !isDigit(at(s, i+7)) || !isDigit(at(s, i+8)) {
		return
	}
	width := 1
	switch sep := at(s, i+4); sep {
	case ' ', '-', '.', '+', '_':
	case 0xc2: // no-break space
		width = 2
	default:
		return
	}
	sep := s[i+4 : min(len(s), i+4+width)]
	for _, groups := range cardGroups {
		digits, end := readGroups(s, i, sep, groups)
		if end > 0 && isCard(digits) {
			sc.conceal(i, end, Card)
			return
		}
	}
}

// readGroups reads groups of digits of given lengths, and returns their digits and
// where they end, or 0.
func readGroups(s string, i int, sep string, groups []int) (string, int) {
	var digits [20]byte
	n := 0
	for g, length := range groups {
		if g > 0 {
			if !strings.HasPrefix(s[i:], sep) {
				return "", 0
			}
			i += len(sep)
		}
		for range length {
			if !isDigit(at(s, i)) {
				return "", 0
			}
			digits[n] = s[i]
			n, i = n+1, i+1
		}
	}
	if isAlnum(at(s, i)) {
		return "", 0
	}
	return string(digits[:n]), i
}

// isCard reports an issuer's prefix at a length it issues, with a right check digit
// (ISO/IEC 7812).
func isCard(digits string) bool { return issued(digits) && luhn(digits) }

func issued(d string) bool {
	four := int(d[0]-'0')*1000 + int(d[1]-'0')*100 + int(d[2]-'0')*10 + int(d[3]-'0')
	two, n := four/100, len(d)
	switch {
	case d[0] == '4': // Visa
		return n == 13 || n == 16 || n == 19
	case two >= 51 && two <= 55, four >= 2221 && four <= 2720: // Mastercard
		return n == 16
	case two == 34 || two == 37: // American Express
		return n == 15
	case four == 6011 || two == 65 || four >= 6440 && four <= 6499, two == 62: // Discover, UnionPay
		return n >= 16
	case four >= 3000 && four <= 3059, four == 3095, two == 36, two == 38, two == 39: // Diners
		return n == 14 || n == 16
	case four >= 3528 && four <= 3589, four >= 2200 && four <= 2204: // JCB, Mir
		return n == 16
	case four == 5018, four == 5020, four == 5038, four == 5893, four == 6304, four == 6759, four >= 6761 && four <= 6763: // Maestro
		return n == 16 || n >= 18
	}
	return false
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// dashed looks for ddd-dd-dddd, a social security number where its parts are ones
// that are issued, and for ddd-ddd-dddd, a phone number where a word says so.
func (sc *scan) dashed(i int) {
	s := sc.s
	if !isDigit(at(s, i+4)) || !isDigit(at(s, i+5)) {
		return
	}
	if digits, end := readGroups(s, i, "-", []int{3, 2, 4}); end > 0 && !slugSet[at(s, end)] {
		area, group, serial := digits[:3], digits[3:5], digits[5:]
		if area != "000" && area != "666" && area[0] != '9' && group != "00" && serial != "0000" {
			sc.conceal(i, end, SSN)
		}
		return
	}
	sep := "-"
	if c := at(s, i+3); c == '.' || c == ' ' {
		sep = string(c)
	}
	if _, end := readGroups(s, i, sep, []int{3, 3, 4}); end > 0 && !slugSet[at(s, end)] && sc.saysPhone(i) {
		sc.conceal(i, end, Phone)
	}
}

func (sc *scan) saysPhone(i int) bool {
	before := strings.ToLower(sc.s[max(0, i-40):i])
	for _, word := range [...]string{"phone", "mobile", "tel", "call", "fax", "cell", "sms", "contact", "anruf", "handy"} {
		if strings.Contains(before, word) {
			return true
		}
	}
	return false
}

// phone looks for an international number at a plus sign (ITU-T E.164: up to fifteen
// digits, the first not zero) and for a North American one at a bracket.
func (sc *scan) phone(i int) {
	s := sc.s
	if left := before(s, i); isAlnum(left) || left == '+' || left == '/' || left == '=' && s[i] == '(' {
		return
	}
	if s[i] == '(' {
		if end := shape(s, i+1, part{decimals, 3, 3, ')'}); end > 0 {
			end = skipBlanks(s, end)
			if _, stop := readGroups(s, end, "-", []int{3, 4}); stop > 0 {
				sc.conceal(i, stop, Phone)
			}
		}
		return
	}
	if c := at(s, i+1); c < '1' || c > '9' {
		return
	}
	sc.phoneDigits(i, i+1)
}

// phoneDigits conceals an international number that begins at i, its country's code at
// code.
func (sc *scan) phoneDigits(i, code int) {
	s := sc.s
	digits, end := 0, code
	for j := code; digits <= 15; {
		group := decimals.run(s, j)
		if group == j || digits > 0 && group-j < 2 && !(digits <= 3 && isArea(s, j)) {
			break
		}
		digits, end = digits+group-j, group
		for j = group; j < group+2 && strings.IndexByte(" -.()", at(s, j)) >= 0; j++ {
		}
	}
	if digits >= 8 && digits <= 15 && !isAlnum(at(s, end)) && at(s, end) != ':' {
		sc.conceal(i, end, Phone)
	}
}

// isArea reports that the digit at i stands alone between blanks and before two digits at
// least, as an area's code of one digit does behind a country's: +33 6 12 34 56 78.
func isArea(s string, i int) bool {
	return s[i-1] == ' ' && at(s, i+1) == ' ' && isDigit(at(s, i+2)) && isDigit(at(s, i+3))
}

var decimals = newCharSet("0-9")

// ibanLengths is the length of an IBAN by country (ISO 13616 registry).
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
	"BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
	"ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
	"HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
	"LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
	"MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
	"PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
	"SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
	"YE": 30,
}

// iban looks for an IBAN at i, in one piece or in groups of four. With a wrong
// checksum it is one only where the word stands near.
func (sc *scan) iban(i int) {
	s := sc.s
	length := ibanLengths[s[i:i+2]]
	if length == 0 {
		return
	}
	var digits [34]byte
	n, j := 0, i
	for ; j < len(s) && n < length; j++ {
		if c := s[j]; isUpper(c) || isDigit(c) {
			digits[n] = c
			n++
		} else if c != ' ' && c != '-' || n%4 != 0 {
			return
		}
	}
	if n < length || isAlnum(at(s, j)) {
		return
	}
	if mod97(string(digits[:n])) == 1 || sc.saysIBAN(i, j) {
		sc.conceal(i, j, IBAN)
	}
}

// smallIBAN looks at a run that could be an IBAN in small letters. Hashes and ids are
// written so too, but of those that a checksum takes by chance none has only digits
// behind its first four characters.
func (sc *scan) smallIBAN(start, end int) {
	text := strings.ToUpper(sc.s[start:end])
	if ibanLengths[text[:2]] != len(text) || mod97(text) != 1 {
		return
	}
	if hexDigits.run(text, 0) < len(text) || decimals.run(text, 4) == len(text) {
		sc.conceal(start, end, IBAN)
	}
}

// mod97 is the checksum of an IBAN, 1 where it is right (ISO 7064).
func mod97(iban string) int {
	sum := 0
	for _, c := range []byte(iban[4:] + iban[:4]) {
		if isDigit(c) {
			sum = (sum*10 + int(c-'0')) % 97
		} else {
			sum = (sum*100 + int(c-'A') + 10) % 97
		}
	}
	return sum
}

func (sc *scan) saysIBAN(start, end int) bool {
	around := strings.ToLower(sc.s[max(0, start-120):start] + " " + sc.s[end:min(len(sc.s), end+80)])
	return strings.Contains(around, "iban")
}
