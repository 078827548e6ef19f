package redact

import "strings"

// concealAuthorization conceals what an Authorization header sends; the scheme
// stays. The value begins at i, with quotes or without.
func (sc *scan) concealAuthorization(i int) {
	s := sc.s
	start, end := i, 0
	v := value{}
	if open, escapes, ok := openQuote(s, i); ok {
		start = open
		end = closeQuote(s, open, escapes)
		v.quoted, v.escapes = true, escapes
	} else if at(s, i) == '[' {
		sc.concealInside(i, closeBracket(s, i), claim{Authorize, anything})
		return
	} else {
		end = restOfLine(s, i)
	}
	sc.charge(end - i)
	scheme := slugSet.run(s[:end], start)
	credentials := skipBlanks(s[:end], scheme)
	if credentials == scheme || credentials == end { // no scheme: all of it is the credential
		credentials = start
	}
	if at(s, credentials) == '<' && looksLikePlaceholder(s, credentials+1) {
		return
	}
	if !v.quoted {
		end = headerEnd(s, credentials, end)
		if !authSchemes[strings.ToLower(s[start:scheme])] && !opaque.accepts(s[credentials:end]) {
			return // "requires authorization: server said …"
		}
	}
	v.start, v.end = credentials, end
	if parameterSchemes[strings.ToLower(s[start:scheme])] && sc.concealParameters(credentials, end) {
		return
	}
	if !harmless(s[v.start:v.end]) {
		sc.concealNamed(v, Authorize)
	}
}

var authSchemes = wordSetOf(`basic bearer digest negotiate ntlm token apikey hmac hawk oauth aws4-hmac-sha256
	aws4-hmac-sha256-payload signature key sharedkey vapid mutual scram-sha-256 genie ssws`)

// parameterSchemes send a list of parameters, of which only some are secret.
var parameterSchemes = wordSetOf("digest aws4-hmac-sha256 aws4-hmac-sha256-payload aws4-ecdsa-p256-sha256 hawk oauth signature")

// publicParameters say what was signed and how.
var publicParameters = wordSetOf(`signedheaders headers realm uri algorithm qop nc method oauth_signature_method
	oauth_timestamp oauth_version ts created expires version`)

// concealParameters conceals the values of a header's parameters but for the public
// ones, and reports whether all of s[i:end] was such a list.
func (sc *scan) concealParameters(i, end int) bool {
	s := sc.s
	var found []value
	for i < end {
		name := wordSet.run(s, i)
		if name == i || at(s, name) != '=' {
			return false
		}
		v := value{start: name + 1}
		if open, escapes, ok := openQuote(s, v.start); ok {
			v = value{open, min(closeQuote(s, open, escapes), end), true, escapes}
			name = v.end + escapes + 1
		} else {
			for v.end = v.start; v.end < end && s[v.end] != ',' && !isBlank(s[v.end]); {
				v.end++
			}
			name = v.end
		}
		if !publicParameters[strings.ToLower(s[i:wordSet.run(s, i)])] {
			found = append(found, v)
		}
		for i = name; i < end && (s[i] == ',' || isBlank(s[i])); {
			i++
		}
	}
	for _, v := range found {
		if v.start < v.end && !harmless(s[v.start:v.end]) {
			sc.concealNamed(v, Authorize)
		}
	}
	return len(found) > 0
}

// headerEnd returns where the credentials of an unquoted header end. A list of
// parameters (Digest, AWS4-HMAC-SHA256) takes the rest of the line; one token ends
// at a blank or before the next header.
func headerEnd(s string, i, lineEnd int) int {
	end := bareValue(s, i)
	for next := i; ; next = skipBlanks(s, end+1) {
		name := slugSet.run(s, next)
		if name == next || at(s, name) != '=' || isSpace(at(s, name+1)) || name-next > 24 || hasByte(s[next:name], isDigit) {
			break // padding of base64 at the latest
		}
		if open, escapes, ok := openQuote(s, name+1); ok {
			end = min(closeQuote(s, open, escapes)+escapes+1, len(s))
		} else {
			end = bareValue(s, name+1)
		}
		if at(s, end) != ',' {
			return end
		}
	}
	if end <= i {
		end = lineEnd
	}
	for end > i && strings.IndexByte(",;.", s[end-1]) >= 0 {
		end--
	}
	return end
}

// concealCookies conceals the values of a Cookie header, or the first value of a
// Set-Cookie header, whose others are attributes. The names of the cookies stay. It
// reports whether there were any.
func (sc *scan) concealCookies(i int, first bool) (found bool) {
	s := sc.s
	end := restOfLine(s, i)
	if open, escapes, ok := openQuote(s, i); ok {
		i, end = open, closeQuote(s, open, escapes)
	}
	sc.charge(end - i)
	for i < end {
		i = skipBlanks(s, i)
		name := i
		for name < end && s[name] != '=' && s[name] != ';' && s[name] != ' ' {
			name++
		}
		if name >= end || s[name] != '=' {
			return found
		}
		stop := name + 1
		for stop < end && s[stop] != ';' && s[stop] != ' ' {
			stop++
		}
		if v := s[name+1 : stop]; !harmless(v) {
			sc.concealNamed(value{start: name + 1, end: stop}, Cookie)
		}
		found = true
		if first || stop >= end || s[stop] != ';' {
			break
		}
		i = stop + 1
	}
	return found
}

// schemes finds credentials by the scheme before them, wherever they stand.
var schemes = &rule{anchors: []string{"bearer ", "basic "}, find: func(sc *scan, start, end int) {
	s := sc.s
	if !wordStarts(s, start) {
		return
	}
	stop := bearerSet.run(s, end)
	for stop > end && strings.IndexByte(".:", s[stop-1]) >= 0 {
		stop--
	}
	v := s[end:stop]
	if len(v) < 8 || !hasByte(v, isDigit) && len(v) < 24 || !opaque.accepts(v) && !strings.HasSuffix(v, "=") {
		return
	}
	sc.add(span{start: end, end: stop, kind: Authorize, named: true})
}}

var bearerSet = newCharSet("0-9A-Za-z._~+/=:-")
