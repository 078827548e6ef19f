package redact

import "strings"

// jwt finds JSON Web Tokens, whole or cut: the header in base64url, and what
// follows it after a dot.
var jwt = &rule{anchors: []string{"eyj"}, find: func(sc *scan, start, end int) {
	s := sc.s
	if s[start:end] != "eyJ" || !wordStarts(s, start) || start < sc.tokenEnd {
		return
	}
	header := slugSet.run(s, start)
	sc.charge(header - start)
	if at(s, header) != '.' && wrapped(s, header) == header || !strings.Contains(decodeBase64(s[start:header]), `"`) {
		return
	}
	stop := jwtEnd(s, start)
	for stop > start && s[stop-1] == '.' {
		stop--
	}
	if strings.IndexByte(s[start:stop], '.') >= 0 {
		sc.tokenEnd = stop
		sc.conceal(start, stop, JWT)
	}
}}

// jwtEnd returns where the token ends that begins at i. A line break cuts it where a
// part is missing yet, or where its signature has a length that none has.
func jwtEnd(s string, i int) int {
	stop := dottedSet.run(s, i)
	for {
		token := s[i:stop]
		signature := len(token) - 1 - strings.LastIndexByte(token, '.')
		next := wrapped(s, stop)
		if strings.Count(token, ".") >= 2 && signatureLengths[signature] || next == stop {
			return stop
		}
		end := dottedSet.run(s, next)
		if end-next < 4 || !endsValue(s, end) && at(s, end) != '\\' && !isQuote(at(s, end)) || isAllLetters(s[next:end]) {
			return stop
		}
		stop = end
	}
}

// signatureLengths are those of HMAC, RSA and elliptic curves in base64url, and of
// the tag of an encrypted token.
var signatureLengths = map[int]bool{22: true, 43: true, 64: true, 86: true, 128: true, 171: true, 176: true, 342: true, 512: true, 683: true}

// maxPEM bounds a PEM block; an RSA key of 16,384 bits has 13,000 bytes.
const maxPEM = 32 << 10

// privateKey finds PEM and PGP blocks of private keys, with real or escaped line
// breaks, in one line or several, with or without their end. Certificates and
// public keys stay.
var privateKey = &rule{anchors: []string{"-----begin ", "---- begin "}, find: func(sc *scan, start, end int) {
	s := sc.s
	label, body := pemLabel(s, end)
	if !strings.Contains(label, "PRIVATE") && !strings.Contains(label, "SECRET") {
		return
	}
	stop := pemBody(s, body)
	window := s[body:min(len(s), body+maxPEM)]
	sc.charge(len(window))
	if i := strings.Index(window, "--END "); i >= 0 && !strings.Contains(window, "-- END ") {
		next := strings.Index(window, "--BEGIN ")
		if next < 0 || next > i {
			_, after := pemLabel(s, body+i+len("--END "))
			stop = max(stop, after)
		}
	}
	for start > 0 && s[start-1] == '-' {
		start--
	}
	sc.conceal(start, stop, PrivateKey)
}}

// pemLabel reads a label, and returns it with where its dashes end.
func pemLabel(s string, i int) (string, int) {
	end := i
	for end < len(s) && end-i < 48 && (isUpper(s[end]) || isDigit(s[end]) || s[end] == ' ' || s[end] == '2') {
		end++
	}
	label := s[i:end]
	if at(s, end) == '-' || at(s, end-1) == ' ' {
		for end < len(s) && s[end] == '-' {
			end++
		}
	}
	return label, end
}

// pemBody returns where the lines of base64 end that begin at i: at the first line
// that holds anything else, header fields aside.
func pemBody(s string, i int) int {
	stop := i
	for i < len(s) {
		line := skipFiller(s, i)
		end := pemLine.run(s, line)
		if end == line {
			return stop
		}
		if at(s, end) == ':' && at(s, end+1) == ' ' { // Proc-Type: 4,ENCRYPTED
			end = restOfLine(s, end)
		} else if at(s, end) == ' ' && end-line < 16 && !hasByte(s[line:end], isDigit) {
			return stop // a word of a sentence
		}
		stop, i = end, end
	}
	return stop
}

var pemLine = newCharSet("0-9A-Za-z+/=-")

// skipFiller skips what may stand between the lines of a block: white space, and the
// quotes, commas and plus signs of a program that joins them.
func skipFiller(s string, i int) int {
	for j := skipSpaces(s, i); ; j = skipSpaces(s, j+1) {
		if c := at(s, j); c != '"' && c != '\'' && c != ',' && c != '+' && c != '\\' {
			if pemLine.run(s, j)-j >= 16 || isSpace(at(s, i)) || at(s, i) == '\\' {
				return j
			}
			return i
		}
	}
}

// privateKeyEnd finds blocks whose beginning was cut off.
var privateKeyEnd = &rule{anchors: []string{"private key-----", "private key block-----"}, find: func(sc *scan, start, end int) {
	s := sc.s
	mark := strings.LastIndex(s[max(0, start-24):start], "-----END ")
	if mark < 0 {
		return
	}
	mark += max(0, start-24)
	from := mark
	for from > 0 && mark-from < maxPEM && (pemLine[s[from-1]] || isSpace(s[from-1]) || s[from-1] == '\\') {
		from--
	}
	sc.charge(mark - from)
	if space := strings.LastIndexAny(s[from:mark], " \t"); space >= 0 {
		from += space + 1
	}
	sc.conceal(from, end, PrivateKey)
}}

var puttyKey = &rule{anchors: []string{"private-lines: "}, find: func(sc *scan, _, end int) {
	digits := end
	for digits < len(sc.s) && isDigit(sc.s[digits]) {
		digits++
	}
	sc.conceal(end, pemBody(sc.s, digits), PrivateKey)
}}

// derKey finds private keys in base64 without the lines around them, by the bytes
// that PKCS #8 and PKCS #1 begin with.
var derKey = &rule{
	anchors: []string{"ibadanbgkqhkig9w0baqefaasc", "ibaakcaq", "mc4caqawbqydk2vwbciei", "migh"},
	find: func(sc *scan, start, _ int) {
		s := sc.s
		from := base64Set.runBack(s, start)
		if i := strings.LastIndexByte(s[from:start], '='); i >= 0 {
			from += i + 1
		}
		if !strings.HasPrefix(s[from:], "MI") && !strings.HasPrefix(s[from:], "MC4") || start-from > 8 ||
			strings.HasPrefix(s[start:], "MIGH") && !strings.HasPrefix(s[from:], "MIGHAgEAMBMGByqGSM49") {
			return
		}
		if stop := wrappedRun(base64Set, s, from); stop-from >= 60 {
			sc.conceal(from, stop, PrivateKey)
		}
	},
}

// jwk finds the private members of JSON Web Keys.
var jwk = &rule{anchors: []string{`"kty"`, `"kty\`, "'kty'"}, find: func(sc *scan, start, end int) {
	s := sc.s
	from := max(0, start-maxSibling)
	from += max(strings.LastIndexByte(s[from:start], '{'), 0)
	stop := closeBracket(s, from)
	sc.charge(stop - from)
	for i := from; i < stop; i++ {
		word := alnum.run(s, i)
		if word == i {
			continue
		}
		if jwkPrivate[s[i:word]] {
			sep := sc.separator(name{start: i, end: word, text: s[i:word]})
			if sep.quoted && sep.kind == colon {
				sc.concealQuoted(sep.value, claim{PrivateKey, unguessable})
			}
		}
		i = word
	}
}}

var jwkPrivate = wordSetOf("d p q dp dq qi k")
