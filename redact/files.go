package redact

import "strings"

// Files of credentials in which no name stands beside the secret, only its place:
//
//	db.internal:5432:orders:app:…        ~/.pgpass
//	kim:…:19445:0:99999:7:::             /etc/shadow
//	<master>{…}</master>                 Maven's settings-security.xml
//	b3BlbnNzaC1rZXktdjE…                 the lines of an OpenSSH key

// passwordFile finds lines of ~/.pgpass. Words with a port and colons between them stand in
// many texts; these have a port at which PostgreSQL, its poolers and its kin listen, or a *
// for any, or the file's name stands above them.
var passwordFile = &rule{
	anchors: []string{":5432:", ":5433:", ":5434:", ":5439:", ":6432:", ":26257:", ":*:", "pgpass"},
	find: func(sc *scan, start, end int) {
		if sc.s[start] != ':' {
			sc.passwordLines(end)
			return
		}
		host := hostSet.runBack(sc.s, start)
		if at(sc.s, host-1) == '\\' {
			host = min(host+escapeLength(sc.s, host), start)
		}
		if v, any := passwordOfLine(sc.s, host); any {
			sc.concealIf(v, claim{Password, anything})
		} else {
			sc.concealIf(v, claim{Password, unguessable})
		}
	},
}

// passwordLines conceals the passwords of the lines that follow a word of the file.
func (sc *scan) passwordLines(i int) {
	if i < sc.lined {
		return
	}
	for range maxPasswordLines {
		end := lineEnd(sc.s[:min(len(sc.s), i+maxPasswordLine)], i)
		next := lineBreak(sc.s, end)
		sc.charge(next - i)
		if next == end {
			return
		}
		v, _ := passwordOfLine(sc.s, skipBlanks(sc.s, next))
		sc.concealIf(v, claim{Password, anything})
		i, sc.lined = next, next
	}
}

// maxPasswordLines and maxPasswordLine bound what is looked at behind the file's name.
const (
	maxPasswordLines = 16
	maxPasswordLine  = 160
)

// passwordOfLine reads HOST:PORT:DATABASE:USER:PASSWORD at i; wild says that a * stands for
// any value, as in no other text.
func passwordOfLine(s string, i int) (v value, wild bool) {
	before := at(s, i-1)
	if i > 0 && !isSpace(before) && !isQuote(before) && !escapeEnds(s, i) {
		return value{}, false
	}
	for field := range 4 {
		end := hostSet.run(s, i)
		if end == i || at(s, end) != ':' || field == 1 && strings.Trim(s[i:end], "0123456789") != "" && s[i:end] != "*" || field > 1 && isDigit(s[i]) {
			return value{}, false
		}
		wild = wild || s[i:end] == "*"
		i = end + 1
	}
	end := i
	for end < len(s) && !endsValue(s, end) && !quoteEnds(s, end) && (s[end] != ':' || s[end-1] == '\\') {
		end++
	}
	if at(s, end) == ':' {
		return value{}, false
	}
	return value{start: i, end: end}, wild
}

var hostSet = newCharSet("0-9A-Za-z_.*@-")

// shadowFile finds hashes of passwords that have no prefix, by the days that follow them.
var shadowFile = &rule{anchors: []string{":99999:", ":7:::"}, find: func(sc *scan, start, _ int) {
	s := sc.s
	from := start
	for from > 0 && start-from < 160 && (hashSet[s[from-1]] || s[from-1] == ':') {
		from--
	}
	user, rest, _ := strings.Cut(s[from:], ":")
	hash := from + len(user) + 1
	end := hashSet.run(rest, 0)
	if end >= 13 && shape(rest, end, part{colons, 1, 1, 0}, part{decimals, 1, 6, ':'}, part{decimals, 1, 6, ':'}) > 0 {
		sc.conceal(hash, hash+end, Password)
	}
}}

// mavenMaster finds the password that opens the others of Maven's settings.
var mavenMaster = &rule{anchors: []string{"<master"}, find: func(sc *scan, _, end int) {
	if !strings.HasPrefix(sc.s[end:], ">{") {
		return
	}
	end += len(">{")
	if stop := base64Set.run(sc.s, end); stop-end >= 16 && at(sc.s, stop) == '}' {
		sc.conceal(end, stop, Password)
	}
}}

// opensshKey finds the lines of an OpenSSH key without those around them: they begin with
// "openssh-key-v1".
var opensshKey = &rule{anchors: []string{"b3blbnnzac1rzxktdj"}, find: func(sc *scan, start, _ int) {
	if !strings.HasPrefix(sc.s[start:], "b3BlbnNzaC1rZXktdj") {
		return
	}
	if stop := wrappedRun(base64Set, sc.s, start); stop-start >= 60 {
		sc.conceal(start, stop, PrivateKey)
	}
}}
