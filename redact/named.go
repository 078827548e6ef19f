package redact

import "strings"

// named finds the secrets that only the name beside them tells: in JSON, reprs of
// other languages, YAML, environments, command lines, properties, XML, forms, URLs
// and connection strings. The anchors are stems of the names that claimOf knows.
var named = &rule{
	anchors: []string{
		"pass", "pwd", "pw=", "pw:", `pw"`, "pw'", "pw<", "_pat", "heslo", "parola", "salasana", "senord", "adgangskode", "psk", "preshared", "mnemonic", "seedphrase", "seed_phrase", "kvnr", "jelszo", "sifre", "insur", "empf", "kund", "kontakt", "absender", "destinata", "lieferadresse", "rechnungsadresse", "mitarbeiter", "teilnehmer", "versicherte", "comprador", "psw", "pword", "kennwort", "contrase", "senha", "wachtwoord", "haslo",
		"pin", "otp", "secret", "cred", "token", "jwt", "bearer", "key", "connstr", "auth", "cookie", "sessid",
		"sessionid", "signature", "sig", "cvc", "cvv", "csc", "code", "pan", "ccnum", "card", "iban",
		"routing", "account", "bsb", "ssn", "security", "nino", "tax", "national", "identity", "aadha", "cpf",
		"curp", "dni", "nif", "pesel", "bsn", "personnummer", "steuer", "driver", "driving", "name", "holder",
		"initials", "address", "line", "street", "stra", "dob", "birth", "geburt", "phone", "mobil", "tel", "fax",
		"cell", "msisdn", "whatsapp", "landline", "handy",
		"shipto", "ship_to", "billto", "bill_to", "shipping", "billing", "delivery", "customer", "recipient",
		"sender", "contact", "buyer", "purchaser", "payer", "payee", "beneficiary", "patient", "passenger", "guest",
		"employee", "person", "subscriber", "member", "applicant", "insured", "student", "traveler", "traveller",
		"attendee", "user", "owner", "client", "author", "profile", "first", "last", "given", "family", "attn",
		"attention", "ausweis", "reisepass", "passeport", "pasaporte", "versicherung", "svn", "fiscal", "itin", "insee", "inhaber",
		"apellido", "cognome", "nom", "naam", "navn", "namn", "imie", "nazwisko", "titula", "anschrift", "adresse", "direcc",
		"indirizzo", "endere", "domicilio", "naissance", "nacimiento", "nascita", "nascimento", "geboorte", "portable", "celular",
		"movil", "móvil", "rufnummer", "nhs", "medicare", "cuit", "cuil", "nie", "motdepasse", "mot_de_passe", "wohnort",
	},
	find: func(sc *scan, start, end int) {
		if end > sc.keyed {
			sc.named(start, end)
		}
	},
}

// configured finds the names of the configuration; it stands beside every colon and
// equals sign, as such names have no stems.
var configured = &rule{anchors: []string{":", "="}, find: func(sc *scan, start, _ int) {
	end := start
	for end > 0 && (isBlank(sc.s[end-1]) || isQuote(sc.s[end-1]) || sc.s[end-1] == '\\') {
		end--
	}
	if end > 0 && keySet[sc.s[end-1]] {
		if n, ok := sc.nameAt(end-1, end); ok && sc.setup.names[squash(n.text)] {
			sc.follow(n, claim{Secret, anything})
		}
	}
}}

// name is an identifier in the text.
type name struct {
	start, end int // without the dashes of a flag and the ".$" of a path field
	text       string
	flag       bool // --name or -name
}

// maxName bounds a name; what is longer is a value.
const maxName = 100

// nameAt widens an anchor to the identifier around it.
func (sc *scan) nameAt(start, end int) (name, bool) {
	s := sc.s
	for start > 0 && keySet[s[start-1]] {
		start--
	}
	for end < len(s) && keySet[s[end]] {
		end++
	}
	if end-start > maxName+8 {
		return name{end: end}, false
	}
	n := name{start: start, end: end}
	if at(s, start-1) == '\\' {
		n.start = min(start+escapeLength(s, start), end)
	}
	for n.start < n.end && !isWordByte(s[n.start]) {
		n.flag = s[n.start] == '-'
		n.start++
	}
	n.end = trimName(s, n.start, n.end)
	n.flag = n.flag && (start == 0 || !isAlnum(s[start-1]))
	n.text = s[n.start:n.end]
	return n, n.start < n.end
}

// escapeLength is the length of what follows a backslash at the beginning of s[i:].
func escapeLength(s string, i int) int {
	switch at(s, i) {
	case 'n', 'r', 't', 'b', 'f':
		return 1
	case 'u':
		if hexDigits.run(s, i+1) >= i+5 {
			return 5
		}
	}
	return 0
}

func trimName(s string, start, end int) int {
	for end > start && !isWordByte(s[end-1]) {
		end--
	}
	return end
}

// named looks at the identifier around an anchor, and at what follows it.
func (sc *scan) named(start, end int) {
	n, ok := sc.nameAt(start, end)
	sc.keyed = max(end, n.end)
	if !ok || sc.last.start <= n.start && n.start < sc.last.end {
		return
	}
	sep := sc.separator(n)
	if sep.kind == noSeparator {
		switch c := at(sc.s, n.end); {
		case c == '(':
			sc.enter(n, n.end)
		case c == ',' && sc.shorthand(n), lineBreak(sc.s, n.end) > n.end && sc.shorthand(n):
		case sc.claimOf(n.text).demand != nothing:
			sc.table(n)
		}
		return
	}
	if sep.kind == blank && sc.shorthand(n) {
		return
	}
	claim := sc.claim(n)
	if claim.demand != nothing {
		sc.follow(n, claim)
		return
	}
	if sep.kind == colon || sep.kind == equals {
		sc.personal(n, sep)
		sc.called(n, sep)
		sc.enter(n, sep.value)
	}
}

// claim reads the name, and where it says nothing alone, with the words before it:
// "API key: …".
func (sc *scan) claim(n name) claim {
	if c := sc.claimOf(n.text); c.demand != nothing {
		return c
	}
	start := n.start
	for range 2 {
		if start < 2 || sc.s[start-1] != ' ' || !isLetter(sc.s[start-2]) {
			break
		}
		start = alnum.runBack(sc.s, start-1)
		if n.end-start > maxName {
			break
		}
		if c := sc.claimOf(sc.s[start:n.end]); c.demand != nothing {
			return c
		}
	}
	return claim{}
}

// claimOf remembers the claims of names, as a document repeats them.
func (sc *scan) claimOf(name string) claim {
	c, known := sc.claims[name]
	if !known {
		if sc.claims == nil {
			sc.claims = map[string]claim{}
		}
		c = claimOf(name)
		sc.claims[name] = c
	}
	return c
}

// separator is what stands between a name and its value.
type separator struct {
	kind   separatorKind
	quoted bool // the name is quoted
	value  int  // where the value begins
	spaced bool // blanks stand between
}

type separatorKind uint8

const (
	noSeparator separatorKind = iota
	colon                     // name: value
	equals                    // name=value, name => value, name := value
	comma                     // "name", "value": arguments, tuples, name and value as two members
	blank                     // --name value, password 'value'
	element                   // <name>value</name>
	call                      // name("value")
)

// separator reads what follows a name.
func (sc *scan) separator(n name) separator {
	s, i := sc.s, n.end
	var sep separator
	if strings.HasPrefix(s[i:], ".$") {
		i += 2
	}
	if j := skipBackslashes(s, i); j < len(s) && isQuote(s[j]) {
		sep.quoted, i = true, j+1
	}
	if at(s, i) == ']' {
		i++
	}
	sep.kind, i = sc.separatorKind(n, i, sep.quoted)
	sep.value = skipBlanks(s, i)
	if sep.quoted {
		sep.value = skipSpaces(s, i)
	}
	sep.spaced = sep.value > i
	return sep
}

// separatorKind reads the separator that begins at i or after blanks, and returns
// where it ends.
func (sc *scan) separatorKind(n name, i int, quoted bool) (separatorKind, int) {
	s, after := sc.s, i
	i = skipBlanks(s, i)
	switch c := at(s, i); {
	case strings.HasPrefix(s[i:], ":="), strings.HasPrefix(s[i:], "=>"), strings.HasPrefix(s[i:], "=="):
		return equals, i + 2
	case strings.HasPrefix(s[i:], "=&gt;"):
		return equals, i + 5
	case c == ':':
		return colon, i + 1
	case c == '=':
		return equals, i + 1
	case c == ',' && quoted:
		return comma, i + 1
	case c == ';' && quoted && serialized(s, i) > 0:
		return equals, serialized(s, i)
	case quoted:
		return sc.quotedEnd(i), i
	case c == '(' && i == after:
		if _, _, ok := openQuote(s, i+1); ok || wraps(s, n, i) {
			return call, i + 1
		}
		return noSeparator, i
	case c == '>' && i == after && startsElement(s, n.start):
		return element, i + 1
	case i > after && startsElement(s, n.start) && tagEnd(s, i) > 0:
		return element, tagEnd(s, i)
	case i > after:
		return blank, i
	}
	return noSeparator, i
}

// serialized returns where the string begins that follows a key as PHP serializes it,
// s:8:"password";s:12:"…", or 0.
func serialized(s string, i int) int {
	return shape(s, i, part{semicolon, 1, 1, 's'}, part{colons, 1, 1, 0}, part{decimals, 1, 9, ':'})
}

var semicolon, colons = newCharSet(";"), newCharSet(":")

// wraps reports that brackets after a name hold one value that is no argument:
// Password(k7Qm2…) as Scala and others print a value of that type.
func wraps(s string, n name, open int) bool {
	end := bareValue(s, open+1)
	return isUpper(s[n.start]) && !isAlnum(at(s, n.start-1)) && at(s, end) == ')' && opaque.accepts(s[open+1:end])
}

// quotedEnd tells what follows a quoted name that is neither key nor item: the end
// of an object, of an element's start tag or of a line, or its next attribute.
func (sc *scan) quotedEnd(i int) separatorKind {
	switch c := at(sc.s, skipSpaces(sc.s, i)); {
	case c == '}', c == '>', c == '/', isLetter(c), lineBreak(sc.s, i) > i:
		return comma
	}
	return noSeparator
}

func skipBackslashes(s string, i int) int {
	for i < len(s) && s[i] == '\\' {
		i++
	}
	return i
}

// startsElement reports whether < or <ns: stands before a name.
func startsElement(s string, i int) bool {
	if at(s, i-1) == ':' {
		i = alnum.runBack(s, i-1)
	}
	return at(s, i-1) == '<' && !looksLikePlaceholder(s, i)
}

// tagEnd returns where the start tag ends whose attributes begin at i, or 0.
func tagEnd(s string, i int) int {
	end := strings.IndexAny(s[i:min(len(s), i+256)], "<>")
	if end <= 0 || s[i+end] != '>' || s[i+end-1] == '/' {
		return 0
	}
	return i + end + 1
}

// follow conceals the value of a name that claims one.
func (sc *scan) follow(n name, c claim) {
	if strings.HasPrefix(sc.s[n.end:], ".$") {
		return // ASL: the value is a path or an intrinsic function
	}
	sep := sc.separator(n)
	switch sep.kind {
	case colon, equals:
		if !sc.scoped(n, sep) {
			sc.concealAt(n, sep, c)
		}
	case call:
		if !sc.concealQuoted(sep.value, c) && c.demand == anything {
			sc.concealIf(value{start: sep.value, end: bareValue(sc.s, sep.value)}, c)
		}
	case comma:
		sc.concealPair(n, sep, c)
	case element:
		sc.concealElement(sep.value, c)
	case blank:
		sc.concealAfterBlank(n, sep, c)
	}
}

// scoped reports that a colon after the name is part of a resource name, a path, a
// place in a file or a scope of a program: secret:prod/db, Token::new.
func (sc *scan) scoped(n name, sep separator) bool {
	if sep.kind != colon || sep.quoted || sep.spaced {
		return false
	}
	before := at(sc.s, n.start-1)
	return before == ':' || before == '/' || before == '.' || at(sc.s, sep.value) == ':' ||
		strings.HasPrefix(sc.s[sep.value:], "//")
}

// concealAt conceals the value after a colon or an equals sign.
func (sc *scan) concealAt(n name, sep separator, c claim) {
	s, i := sc.s, sep.value
	switch {
	case c.kind == Authorize && c.demand == anything:
		sc.concealAuthorization(i)
	case c.kind == Cookie && sc.concealCookies(i, hasPrefixFold(n.text, 0, "set")):
	case at(s, i) == '{' && sep.kind == equals && !sep.quoted:
		if end := strings.IndexByte(s[i:min(len(s), i+1024)], '}'); end > 0 {
			sc.concealIf(value{start: i + 1, end: i + end}, c)
		}
	case at(s, i) == '{' && c.kind == Address:
		sc.enter(n, i)
	case at(s, i) == '{', at(s, i) == '[':
		sc.concealInside(i, closeBracket(s, i), c)
	case sc.concealQuoted(i, c):
	default:
		sc.concealBare(n, sep, c)
	}
}

// concealQuoted conceals the string literal at i, if one is there.
func (sc *scan) concealQuoted(i int, c claim) bool {
	start, escapes, ok := openQuote(sc.s, i)
	if !ok {
		return false
	}
	if c.kind == Authorize && c.demand == anything {
		sc.concealAuthorization(i)
		return true
	}
	sc.concealIf(value{start, closeQuote(sc.s, start, escapes), true, escapes}, c)
	return true
}

// concealIf conceals a value that is what its name promises.
func (sc *scan) concealIf(v value, c claim) {
	if v.start >= v.end {
		return
	}
	sc.charge(v.end - v.start)
	if v.quoted && !c.demand.accepts(sc.s[v.start:v.end]) {
		v.end = sc.unclosed(v)
	}
	text := sc.s[v.start:v.end]
	if !c.demand.accepts(text) && !sc.bankAccount(v, c) || !v.quoted && !c.numeric(text) {
		return
	}
	if c.kind == Secret && v.quoted && text[0] == '{' && text[len(text)-1] == '}' {
		sc.concealInside(v.start, v.end, c)
		return
	}
	before := strings.TrimRight(sc.s[max(0, v.start-16):v.start], "\\\"'=: ")
	if !workingDirectory(before, text) {
		sc.concealNamed(v, c.kind)
	}
}

// unclosed returns where a string ends that was cut, so that what follows it up to the
// next quote was taken for a part of it: the end of its first word. Others keep their end.
func (sc *scan) unclosed(v value) int {
	if v.end == len(sc.s) || lineEnd(sc.s[:v.end], v.start) < v.end || holdsMark(sc.s[v.start:v.end]) {
		return min(v.end, bareValue(sc.s, v.start))
	}
	return v.end
}

// bankAccount reports an account number of twelve digits, as accounts of AWS have,
// beside words that only a bank's has.
func (sc *scan) bankAccount(v value, c claim) bool {
	if c.kind != BankAccount || v.end-v.start != 12 || decimals.run(sc.s, v.start) != v.end {
		return false
	}
	around := strings.ToLower(sc.s[max(0, v.start-100):min(len(sc.s), v.end+100)])
	for _, word := range [...]string{"routing", "bank", "iban", "sortcode", "sort_code", "bsb", "swift", "ifsc"} {
		if strings.Contains(around, word) {
			return true
		}
	}
	return false
}

// numeric reports that a value without quotes is no count: a name such as secrets or
// tokens may as well say how many there are.
func (c claim) numeric(v string) bool {
	if !isPlainNumber(v) {
		return true
	}
	switch c.kind {
	case Secret, Token, Authorize, Cookie, URLSignature:
		return false
	}
	return len(v) >= 3
}

// workingDirectory reports that a PWD is not a password: a path, in an environment.
func workingDirectory(name, v string) bool {
	return v[0] == '/' && strings.HasSuffix(name, "PWD")
}

// concealBare conceals a value without quotes.
func (sc *scan) concealBare(n name, sep separator, c claim) {
	s, i := sc.s, sep.value
	if at(s, n.start-1) == '$' || inExpression(s, i) {
		return
	}
	var end int
	switch c.demand {
	case digits, manyDigits:
		end = bareNumber.run(s, i)
	case anyText, streetText, personal, capitals:
		end = bareWords(s, i, c.kind == PersonName)
	case nationalText:
		end = nationalNumber(s, i)
	default:
		if sc.concealLines(n, sep, c) {
			return
		}
		end = bareSecret(s, n, sep, c)
	}
	for end > i && strings.IndexByte(".,:;!? ", s[end-1]) >= 0 {
		end--
	}
	sc.concealIf(value{start: i, end: end}, c)
}

// nationalNumber returns where a number that no quotes hold ends; its digits may stand
// in groups: 2345 6789 0124, QQ 12 34 56 C.
func nationalNumber(s string, i int) int {
	end := bareValue(s, i)
	for at(s, end) == ' ' && isDigit(at(s, end+1)) {
		group := decimals.run(s, end+1)
		if group-end > 5 || isAlnum(at(s, group)) || !isDigit(at(s, end-1)) {
			break
		}
		end = group
	}
	return end
}

// bareSecret returns where a password or token without quotes ends, or where it
// begins if it is none.
func bareSecret(s string, n name, sep separator, c claim) int {
	i := sep.value
	end := bareValue(s, i)
	if sep.kind == colon && sep.spaced && isProse(s[i:end]) {
		return i
	}
	if c.kind == Secret && sep.spaced && strings.IndexByte(s[i:end], '/') > 0 && !hasByte(s[i:end], isDigit) {
		return i // the name of a secret: prod/db
	}
	if c.demand == anything && sep.spaced && startsLine(s, n.start) {
		return max(end, beforeComment(s, i, restOfLine(s, i)))
	}
	return end
}

// concealLines conceals values of several lines: block scalars of YAML, and secret
// access keys that a line break has cut.
func (sc *scan) concealLines(n name, sep separator, c claim) bool {
	s, v := sc.s, value{start: sep.value}
	switch first := at(s, v.start); {
	case sep.kind == colon && (first == '|' || first == '>'):
		v.start, v.end = v.start+1, yamlBlock(s, n.start, v.start)
	case c.kind == AWSSecret:
		end := bareValue(s, v.start)
		if v.end = wholeSecret(s, v.start, end); v.end == end {
			return false
		}
	default:
		return false
	}
	sc.concealNamed(v, c.kind)
	return true
}

// wholeSecret returns where a secret access key ends that a line break has cut: its
// forty characters are known.
func wholeSecret(s string, i, end int) int {
	next := wrapped(s, end)
	if rest := secretSet.run(s, next); next > end && end-i+rest-next == 40 {
		return rest
	}
	return end
}

// inExpression reports that i is in a JSONata expression: what no quotes hold there
// is code.
func inExpression(s string, i int) bool {
	before := s[max(0, i-512):i]
	return strings.LastIndex(before, "{%") > strings.LastIndex(before, "%}")
}

var bareNumber = newCharSet("0-9 ()+./-")

// bareWords returns where words end that no quotes hold: at punctuation, at a line's
// end and before the next name. Of a person's name only words with capitals are
// taken.
func bareWords(s string, i int, capitals bool) int {
	end := i
	for end < len(s) && end-i < 120 {
		if c := s[end]; strings.IndexByte(",;&|(){}[]\"<>\n\r\t\\'", c) >= 0 {
			break
		} else if c == ' ' && (wordFollows(s, end+1) || capitals && isLower(at(s, end+1)) || at(s, end+1) == ' ') {
			break
		}
		end++
	}
	return end
}

// wordFollows reports whether name= or name: begins at i.
func wordFollows(s string, i int) bool {
	end := keySet.run(s, i)
	return end > i && (at(s, end) == '=' || at(s, end) == ':')
}

// startsLine reports whether a name is the first thing of its line, list dashes
// and "export" aside.
func startsLine(s string, i int) bool {
	for i > 0 && (isBlank(s[i-1]) || s[i-1] == '-') {
		i--
	}
	if strings.HasSuffix(s[:i], "export") {
		i -= len("export")
	}
	return i == 0 || s[i-1] == '\n' || escapeEnds(s, i)
}

// beforeComment cuts a YAML comment off.
func beforeComment(s string, start, end int) int {
	if i := strings.Index(s[start:end], " #"); i >= 0 {
		return start + i
	}
	return end
}

// yamlBlock returns where a block ends that begins after i: before the first line
// that is indented no deeper than its key.
func yamlBlock(s string, key, i int) int {
	indent := 0
	for c := at(s, key-1); isBlank(c) || c == '-'; c = at(s, key-indent-1) {
		indent++
	}
	for end := i; ; {
		end = lineEnd(s, end)
		next := lineBreak(s, end)
		if text := skipBlanks(s, next); next == end || end-i > maxBare || text-next <= indent && !isSpace(at(s, text)) {
			return end
		}
		end = next
	}
}

// lineEnd returns where the line of i ends, before its line break, real or escaped.
func lineEnd(s string, i int) int {
	for i < len(s) && lineBreak(s, i) == i {
		i++
	}
	return i
}

// proseWords begin what is said about a password, not the password.
var proseWords = wordSetOf(`must is was were should shall cannot can could required invalid not missing may might has
	have had too field expected for the a an incorrect wrong expired does do did value failed mismatch and or of in
	to by at length minimum maximum please provide enter authentication access unable no`)

func isProse(word string) bool {
	return proseWords[strings.ToLower(strings.TrimRight(word, ".,:;!"))]
}

// concealAfterBlank conceals what follows a flag, or a quoted value that follows
// the word password.
func (sc *scan) concealAfterBlank(n name, sep separator, c claim) {
	s, i := sc.s, sep.value
	if n.flag {
		if at(s, i) != '-' && !sc.concealQuoted(i, c) {
			sc.concealIf(value{start: i, end: bareValue(s, i)}, c)
		}
		return
	}
	switch c.kind {
	case Phone:
		sc.concealSpoken(i)
		return
	case NationalID, SSN:
		if v := (value{start: i, end: nationalNumber(s, i)}); countDigits(s[v.start:v.end]) >= 5 {
			sc.concealIf(v, c)
		}
		return
	}
	if !hasPrefixFold(n.text, 0, "bearer") && sc.concealLong(i, c) || c.kind != Password && c.kind != Secret {
		return
	}
	if c.demand != anything { // pass and the like may be a verb: only what is no word is taken
		if open, escapes, ok := openQuote(s, i); ok && isQuote(s[i]) && opaque.accepts(s[open:closeQuote(s, open, escapes)]) {
			sc.concealQuoted(i, c)
		}
		return
	}
	i = predicate(s, i)
	if sc.concealQuoted(i, c) {
		return
	}
	end := bareValue(s, i)
	for end > i && strings.IndexByte(".,:;", s[end-1]) >= 0 {
		end--
	}
	if v := s[i:end]; i > sep.value && opaque.accepts(v) || netrc(s, n.start) && !isProse(v) {
		sc.concealIf(value{start: i, end: end}, c)
	}
}

// concealSpoken conceals a telephone number after the word phone: in national form it
// begins with a zero, a bracket or the digits of a longer number.
func (sc *scan) concealSpoken(i int) {
	s := sc.s
	i = predicate(s, i)
	if hasPrefixFold(s, i, "number ") || hasPrefixFold(s, i, "no. ") {
		i = skipBlanks(s, i+strings.IndexByte(s[i:], ' '))
		i = predicate(s, i)
	}
	end := bareNumber.run(s, i)
	for end > i && !isDigit(s[end-1]) {
		end--
	}
	if n := countDigits(s[i:end]); n < 9 || n > 15 || s[i] != '0' && s[i] != '(' && s[i] != '+' || isAlnum(at(s, end)) {
		return
	}
	sc.concealNamed(value{start: i, end: end}, Phone)
}

// predicate passes over what is said between the word password at i and the password
// itself: "is", "for user app: ", "of the database was".
func predicate(s string, i int) int {
	limit := min(len(s), i+64)
	if end := lineEnd(s[:limit], i); end < limit {
		limit = end
	}
	for j := i; j < limit; {
		end := j
		for end < limit && s[end] != ' ' {
			end++
		}
		word := strings.ToLower(s[j:end])
		switch {
		case word == "is", word == "was", word == "=", word == "is:", word == "was:", j > i && strings.HasSuffix(word, ":"), j == i && word == "of" && end < limit && !isLower(s[end+1]):
			return skipBlanks(s, end)
		case j == i && word != "for" && word != "of" && word != "used" && word != "given" && word != "provided" && word != "supplied",
			strings.ContainsAny(word, ".,;:!?"):
			return i
		}
		j = skipBlanks(s, end)
	}
	return i
}

// concealLong conceals what follows the word token or key, if it cannot be a word.
func (sc *scan) concealLong(i int, c claim) bool {
	switch c.kind {
	case Token, Secret, Password, AWSSecret, PrivateKey:
	default:
		return false
	}
	end := alnum.run(sc.s, i)
	switch c.kind {
	case AWSSecret:
		end = secretSet.run(sc.s, i)
	case PrivateKey: // as WireGuard writes keys, with the padding that no path has
		if stop := secretSet.run(sc.s, i); at(sc.s, stop) == '=' {
			end = stop + 1
		}
	}
	if v := sc.s[i:slugSet.run(sc.s, i)]; c.kind == Token && len(v) > end-i && countDigits(v) >= 4 && hasByte(v, isUpper) && hasByte(v, isLower) {
		end = i + len(v)
	}
	if end-i < 20 || !endsValue(sc.s, end) && strings.IndexByte(".,;:)'\"\\", at(sc.s, end)) < 0 || !opaque.accepts(sc.s[i:end]) {
		return false
	}
	sc.concealNamed(value{start: i, end: end}, c.kind)
	return true
}

// netrc reports that "login NAME" or "machine NAME" stands before a name.
func netrc(s string, i int) bool {
	before := strings.Fields(s[max(0, i-80):i])
	return len(before) >= 2 && (before[len(before)-2] == "login" || strings.HasSuffix(before[len(before)-2], "machine") && strings.Contains(before[len(before)-1], "."))
}

// concealElement conceals the text of an XML element.
func (sc *scan) concealElement(i int, c claim) {
	s := sc.s
	if strings.HasPrefix(s[i:], "<![CDATA[") {
		i += len("<![CDATA[")
		end := strings.Index(s[i:], "]]>")
		if end < 0 {
			end = bareValue(s, i) - i
		}
		sc.concealIf(value{start: i, end: i + end}, c)
		return
	}
	end := strings.IndexByte(s[i:], '<')
	if end < 0 {
		end = bareValue(s, i) - i
	} else if next := skipBackslashes(s, i+end+1); at(s, next) != '/' && !cutAt(s, i+end) {
		return // <your-password> stands in for a value
	}
	sc.concealIf(value{start: i, end: i + end}, c)
}
