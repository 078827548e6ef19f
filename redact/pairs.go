package redact

import "strings"

// Where a name is itself a value, what it names stands beside it:
//
//	{"Name": "DB_PASSWORD", "Value": "…"}   members of one object, in any order
//	<add key="Password" value="…"/>         attributes of one element
//	("password", "…")                       a tuple, a pair of a list
//	["--password", "…"]                     an argument vector
//	ParameterKey=DbPassword,ParameterValue=…  the shorthand of the AWS CLI
//	- name: DB_PASSWORD, and value: … in the next line  an item of YAML

// concealPair conceals the value that a quoted name speaks of.
func (sc *scan) concealPair(n name, sep separator, c claim) {
	s := sc.s
	open := n.start
	for open > 0 && pathSet[s[open-1]] {
		open--
	}
	if open == 0 || !isQuote(s[open-1]) {
		return
	}
	open--
	for open > 0 && s[open-1] == '\\' {
		open--
	}
	switch before := strings.TrimRight(s[max(0, open-64):open], " \t\r\n"); {
	case strings.HasSuffix(before, "form-data; name="):
		sc.concealPart(n.end, c)
	case n.flag && at(s, sep.value) != '-':
		sc.concealQuoted(sep.value, c)
	case strings.HasSuffix(before, "(") || strings.HasSuffix(before, "["):
		if _, _, ok := openQuote(s, sep.value); ok {
			sc.concealQuoted(sep.value, c)
		}
	case strings.HasSuffix(before, ":") || strings.HasSuffix(before, "="):
		if last := lastName(before); nameKeys[last] || last == "type" && c.kind == Password {
			sc.concealSibling(open, sep.value, c)
		}
	}
}

// concealPart conceals what a part of a multipart form holds, whose head i is in.
func (sc *scan) concealPart(i int, c claim) {
	s := sc.s
	for limit := min(len(s), i+256); i < limit; {
		i = lineEnd(s, i)
		next := lineBreak(s, i)
		if breaks := strings.Count(s[i:next], "\n") + strings.Count(s[i:next], `\n`); breaks > 1 {
			sc.concealIf(value{start: next, end: restOfLine(s, next)}, c)
			return
		} else if breaks == 0 {
			return
		}
		i = next
	}
}

// pathSet is what may stand before the last part of a name: /prod/db/password.
var pathSet = newCharSet("0-9A-Za-z_./-")

// shorthand conceals the value that follows a name that is a value without quotes,
// and reports whether one does.
func (sc *scan) shorthand(n name) bool {
	s := sc.s
	open := pathSet.runBack(s, n.start)
	for open > 0 && isBlank(s[open-1]) {
		open--
	}
	if c := at(s, open-1); c != '=' && c != ':' || !nameKeys[lastName(s[max(0, open-32):open-1])] {
		return false
	}
	i := skipBlanks(s, lineBreak(s, n.end))
	for at(s, i) == ',' || isBlank(at(s, i)) {
		i++
	}
	c := sc.claimOf(n.text)
	return i > n.end && c.demand != nothing && sc.concealMember(i, c)
}

var (
	nameKeys  = wordSetOf("name key header headername field fieldname parametername parameterkey variable var k id")
	valueKeys = wordSetOf("value val parametervalue v stringvalue content data text valuestring headervalue")
)

// lastName returns the last identifier of s, in lower case.
func lastName(s string) string {
	end := len(s)
	for end > 0 && !isAlnum(s[end-1]) {
		end--
	}
	return strings.ToLower(s[alnum.runBack(s, end):end])
}

// concealSibling conceals the member or attribute beside the one that holds the name:
// the next one, the element's text, or one that stands before it.
func (sc *scan) concealSibling(open, next int, c claim) {
	s := sc.s
	limit := min(len(s), next+256)
	for i := next; i < limit && s[i] != '{' && s[i] != '}' && s[i] != '<'; i++ {
		if s[i] == '>' && s[max(i-1, 0)] != '/' {
			sc.concealElement(i+1, c)
			return
		}
		if isAlnum(s[i]) && !isAlnum(s[i-1]) && sc.concealMember(i, c) {
			return
		}
	}
	start := max(0, open-maxSibling)
	sc.charge(open - start)
	start += 1 + max(strings.LastIndexByte(s[start:open], '{'), strings.LastIndexByte(s[start:open], '<'))
	for i := start; i < open; i++ {
		if isAlnum(s[i]) && (i == 0 || !isAlnum(s[i-1])) && sc.concealMember(i, c) {
			return
		}
	}
}

// maxSibling bounds how far a value may stand before its name.
const maxSibling = 4096

// concealMember conceals the value of the member at i, if it is one that holds
// values.
func (sc *scan) concealMember(i int, c claim) bool {
	end := alnum.run(sc.s, i)
	if end-i > 16 || !valueKeys[strings.ToLower(sc.s[i:end])] {
		return false
	}
	sep := sc.separator(name{start: i, end: end, text: sc.s[i:end]})
	if sep.kind != colon && sep.kind != equals {
		return false
	}
	if !sc.concealQuoted(sep.value, c) {
		sc.concealIf(value{start: sep.value, end: bareValue(sc.s, sep.value)}, c)
	}
	return true
}

// concealInside conceals the strings and numbers of an object or array that stands
// where a single value was expected: DynamoDB's {"S": "…"}, lists of headers, and
// objects called credentials. Members that only describe the secret stay.
func (sc *scan) concealInside(start, end int, c claim) {
	sc.charge(end - start)
	if isState(sc.s[start:end]) {
		return
	}
	s, inside := sc.s, c
	for i := start + 1; i < end; {
		if s[i] == '<' && looksLikePlaceholder(s, i+1) {
			i += max(strings.IndexByte(s[i:end], '>'), 1)
		}
		if c := s[i]; !isQuote(c) && !isDigit(c) && !isLetter(c) || isQuote(c) && !opensString(s, i) {
			i++
			continue
		}
		v := sc.item(i, end)
		after := skipSpaces(s, v.end+v.escapes+b2i(v.quoted))
		if at(s, after) != ':' {
			sc.concealIf(v, inside)
			inside, i = c, max(after, i+1)
			continue
		}
		i = skipSpaces(s, after+1)
		member := s[v.start:v.end]
		if own := sc.claimOf(member); own.demand != nothing {
			inside = own
		} else if describes(member) {
			skip := sc.item(skipBackslashes(s, i), end)
			i = max(skip.end+skip.escapes+b2i(skip.quoted), i+1)
		}
	}
}

// isState reports an object that is a state of a definition: one may be called
// GetSecret, or Pass.
func isState(s string) bool {
	i := strings.Index(s, "Type")
	if i < 0 {
		return false
	}
	i += len("Type")
	for limit := min(len(s), i+16); i < limit && !isLetter(s[i]); {
		i++
	}
	return stateTypes[s[i:alnum.run(s, i)]]
}

var stateTypes = wordSetOf("Task Pass Choice Wait Succeed Fail Parallel Map")

// opensString reports that a quote follows a bracket, a comma, a colon or a blank.
func opensString(s string, i int) bool {
	for i > 0 && s[i-1] == '\\' {
		i--
	}
	c := at(s, i-1)
	return isSpace(c) || strings.IndexByte("{[,:nrt", c) >= 0
}

// item reads the string or bare word at i.
func (sc *scan) item(i, end int) value {
	s := sc.s
	if i < len(s) && isQuote(s[i]) {
		escapes := 0
		for i-escapes > 0 && s[i-escapes-1] == '\\' {
			escapes++
		}
		return value{i + 1, min(closeQuote(s, i+1, escapes), end), true, escapes}
	}
	j := i
	for j < end && strings.IndexByte(",:]}\n\"\\ ", s[j]) < 0 {
		j++
	}
	return value{start: i, end: max(j, i)}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// describing are members of a secret's object that hold no secret.
var describing = wordSetOf(`type name arn id version created updated modified date at time region algorithm alg
	expiration expires expiry url uri endpoint host hostname port user username login role rotation description status enabled
	scope scopes kind method provider source ref engine dbname database format pattern title label`)

func describes(member string) bool {
	var buf [maxWords]string
	words := splitWords(member, buf[:0])
	return len(words) > 0 && describing[words[len(words)-1]] && claimOf(member).demand == nothing
}
