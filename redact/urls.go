package redact

import "strings"

// userinfo finds the password of a URL, and a token in the place of its user.
var userinfo = &rule{anchors: []string{"://"}, find: func(sc *scan, start, end int) {
	s := sc.s
	at := authorityEnd(s, end)
	sc.charge(256)
	if at < 0 {
		sc.cutUserinfo(end)
		return
	}
	if i := strings.IndexByte(s[end:at], ':'); i >= 0 {
		if v := s[end+i+1 : at]; !harmless(v) {
			sc.add(span{start: end + i + 1, end: at, kind: Password, named: true})
		}
		return
	}
	if v := s[end:at]; len(v) >= 16 && opaque.accepts(v) {
		sc.conceal(end, at, Token)
	}
}}

// cutUserinfo conceals what stands at i, behind the scheme of a URL that was cut before
// its host: what is neither a port nor an image's tag follows a user's name, and no host
// is a word of mixed letters.
func (sc *scan) cutUserinfo(i int) {
	s := sc.s
	stop, cut := cutRun(userinfoSet, s[:min(len(s), i+1024)], i)
	if !cut {
		return
	}
	user, password, found := strings.Cut(s[i:stop], ":")
	switch port := decimals.run(password, 0); {
	case !found && len(user) >= 20 && isScrambled(user) && alnum.run(user, 0) == len(user):
		sc.conceal(i, stop, Token)
	case !found, strings.ContainsAny(user, "/?#;"), strings.HasPrefix(password, "/"), port > 0 && !isAlnum(at(password, port)), namesParts(s[:i]), isReference(password):
	case user == "" || unguessable.accepts(password):
		sc.add(span{start: i + len(user) + 1, end: stop, kind: Password, named: true})
	}
}

var userinfoSet = newCharSet("0-9A-Za-z!#$%&()*+,./:;=?^_~-")

// namesParts reports a scheme after which name:tag or host:path stands.
func namesParts(s string) bool {
	for _, scheme := range [...]string{"docker://", "oci://", "docker-image://", "docker-daemon://", "containers-storage://", "ssh://", "git://", "s3://", "gs://"} {
		if strings.HasSuffix(s, scheme) {
			return true
		}
	}
	return false
}

// authorityEnd returns where the @ after the userinfo stands, or -1. In a password
// that was not encoded, slashes and further @s can stand.
func authorityEnd(s string, i int) int {
	found, slash := -1, -1
	for j := i; j < len(s) && j-i < 1024; j++ {
		switch c := s[j]; {
		case isSpace(c), isQuote(c), c == '<', c == '>', c == '\\':
			return found
		case c == '@':
			if slash >= 0 && !strings.Contains(s[i:slash], ":") {
				return found // in a path
			}
			if slash < 0 || isHost(s, j+1) && !isPort(s[i:slash]) {
				found = j
			}
		case c == '/' || c == '?' || c == '#':
			if slash < 0 {
				slash = j
			}
			if found >= 0 && (c != '/' || isHost(s, found+1)) {
				return found
			}
		}
	}
	return found
}

// isPort reports host:1234, so that what follows is a path.
func isPort(authority string) bool {
	i := strings.LastIndexByte(authority, ':')
	return i >= 0 && i+1 < len(authority) && strings.Trim(authority[i+1:], "0123456789") == ""
}

func isHost(s string, i int) bool {
	end := dottedSet.run(s, i)
	return end > i && (strings.IndexByte(s[i:end], '.') > 0 || at(s, end) == ':')
}

// goDSN finds user:password@tcp(host) of Go's MySQL driver.
var goDSN = &rule{anchors: []string{"@tcp(", "@unix(", "@tcp6("}, find: func(sc *scan, start, _ int) {
	from := start
	for from > 0 && start-from < 256 && !isSpace(sc.s[from-1]) && !isQuote(sc.s[from-1]) {
		from--
	}
	if i := strings.IndexByte(sc.s[from:start], ':'); i >= 0 {
		sc.conceal(from+i+1, start, Password)
	}
}}

// oracleDSN finds user/password@host of Oracle's drivers.
var oracleDSN = &rule{anchors: []string{"jdbc:oracle:"}, find: func(sc *scan, _, end int) {
	s := sc.s
	at := strings.IndexByte(s[end:min(len(s), end+256)], '@')
	if at < 0 {
		stop, cut := cutRun(userinfoSet, s[:min(len(s), end+256)], end)
		if !cut {
			return
		}
		at = stop - end
	}
	slash := strings.IndexByte(s[end:end+at], '/')
	if slash >= 0 && !strings.ContainsAny(s[end:end+at], " \"'\n") {
		sc.conceal(end+slash+1, end+at, Password)
	}
}}

// signedURL finds what makes pre-signed URLs work: AWS Signature Version 4 and 2,
// CloudFront, Google Cloud Storage, Azure shared access signatures.
var signedURL = &rule{
	anchors: []string{
		"x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-goog-signature", "x-goog-credential",
		"signature=", "sig=", "key-pair-id=", "oauth_signature=",
	},
	find: func(sc *scan, start, end int) {
		s := sc.s
		if !wordStarts(s, start) {
			return
		}
		if s[end-1] != '=' {
			sep := sc.separator(name{start: start, end: end, text: s[start:end]})
			if sep.kind != equals && sep.kind != colon {
				return
			}
			if sep.kind == colon || sep.spaced {
				sc.concealQuoted(sep.value, claim{URLSignature, unguessable})
				return
			}
			end = sep.value
		}
		stop := bareValue(s, end)
		if sc.charge(stop - end); stop-end >= 16 && unguessable.accepts(s[end:stop]) {
			sc.conceal(end, stop, URLSignature)
		}
	},
}

// queryKey finds keys and codes of a query, whose short names say little elsewhere.
var queryKey = &rule{
	anchors: []string{"?key=", "&key=", "?code=", "&code=", "?k=", "&hmac=", "?hmac=", "u0026key=", "u0026code=", "&amp;key="},
	find: func(sc *scan, _, end int) {
		if stop := bareValue(sc.s, end); stop-end >= 16 && opaque.accepts(sc.s[end:stop]) {
			sc.conceal(end, stop, Token)
		}
	},
}

// webhook finds URLs that are secrets as a whole: whoever has one may post.
var webhook = &rule{
	anchors: []string{
		"hooks.slack.com/services/", "hooks.slack.com/workflows/", "hooks.slack.com/triggers/",
		"discord.com/api/webhooks/", "discordapp.com/api/webhooks/", "webhook.office.com/webhookb2/",
		"outlook.office.com/webhook/", "hooks.zapier.com/hooks/catch/", "hook.us1.make.com/", "hook.eu1.make.com/",
		"maker.ifttt.com/trigger/", "hooks.chime.aws/incomingwebhooks/", "events.pagerduty.com/integration/",
	},
	find: func(sc *scan, _, end int) {
		if stop := urlTail.run(sc.s, end); stop-end >= 8 {
			for strings.IndexByte(".,:;)", sc.s[stop-1]) >= 0 {
				stop--
			}
			sc.conceal(end, stop, URLSignature)
		}
	},
}

var urlTail = newCharSet("0-9A-Za-z._~/?&=%:;,+!*@-")

// email finds addresses. A version after an @ (lodash@4.17.21), a file's name
// (icon@2x.png) and git's login (git@github.com:…) are none.
var email = &rule{anchors: []string{"@"}, find: func(sc *scan, where, end int) {
	s := sc.s
	start := emailLocal.runBack(s, where)
	if inAuthority(s, start) {
		return
	}
	if i := strings.LastIndexByte(s[start:where], '/'); i >= 0 { // a path before it: …:assumed-role/Admin/ana@example.com
		start += i + 1
	}
	for start < where && (s[start] == '.' || s[start] == '-' || s[start] == '\'' || s[start] == '/') {
		start++
	}
	if at(s, start-1) == '\\' {
		start += escapeLength(s, start)
	}
	stop := emailDomain.run(s, end)
	for stop > end && (s[stop-1] == '.' || s[stop-1] == '-') {
		stop--
	}
	dot := strings.LastIndexByte(s[end:stop], '.')
	if start >= where || dot < 1 || inAuthority(s, start) {
		return
	}
	top := s[end+dot+1 : stop]
	if len(top) < 2 || !isAllLetters(top) || fileTypes[strings.ToLower(top)] || s[start:where] == "git" && at(s, stop) == ':' {
		return
	}
	sc.conceal(start, stop, Email)
}}

// inAuthority reports that i is in the userinfo of a URL.
func inAuthority(s string, i int) bool {
	limit := max(0, i-256)
	for i > limit && s[i-1] != '/' && !isSpace(s[i-1]) && !isQuote(s[i-1]) {
		i--
	}
	return strings.HasSuffix(s[:i], "://") || strings.HasSuffix(s[:i], `:\/\/`)
}

var (
	emailLocal  = newCharSet("0-9A-Za-z!#$'*+/^_`{|}~.\x80-\xff-")
	emailDomain = newCharSet("0-9A-Za-z.\x80-\xff-")
	fileTypes   = wordSetOf("png jpg jpeg gif svg webp js mjs cjs ts tsx jsx css scss map json py rb java class go html xml yml yaml jar zip gz log txt md local")
)

// curlUser finds curl -u user:password.
var curlUser = &rule{anchors: []string{" -u ", " --user ", "'-u', ", `"-u", `, "'--user', "}, find: func(sc *scan, _, end int) {
	s := sc.s
	v := value{start: end, end: 0}
	if open, escapes, ok := openQuote(s, end); ok {
		v = value{open, closeQuote(s, open, escapes), true, escapes}
	} else {
		v.end = bareValue(s, end)
	}
	if i := strings.IndexByte(s[v.start:v.end], ':'); i > 0 && s[v.start+i+1:v.end] != "" {
		v.start += i + 1
		sc.concealIf(v, claim{Password, anything})
	}
}}

// identified finds the password of SQL's CREATE USER.
var identified = &rule{anchors: []string{"identified by ", " by password "}, find: func(sc *scan, _, end int) {
	sc.concealQuoted(end, claim{Password, anything})
}}

// commandPassword finds -p'secret', and -p secret where the command before it is one
// whose flag takes a password.
var commandPassword = &rule{anchors: []string{" -p", "'-p", `"-p`, " -w ", " -a "}, find: func(sc *scan, start, end int) {
	s := sc.s
	c := claim{Password, anything}
	flag := strings.TrimRight(s[start+1:end], " ")
	if flag == "-p" && isQuote(at(s, end)) && !isQuote(s[start]) {
		sc.concealQuoted(end, c)
		return
	}
	before := s[max(0, start-200):start]
	if i := strings.LastIndexAny(before, "\n;|"); i >= 0 {
		before = before[i:]
	}
	i := skipBlanks(s, end)
	if isQuote(s[start]) {
		_, i = sc.nextArgument(end)
	}
	for _, command := range passwordFlags[flag] {
		if !strings.Contains(before, command.name) || command.joined != (i == end && s[end-1] != ' ') || at(s, i) == '-' {
			continue
		}
		if !sc.concealQuoted(i, c) {
			if v := (value{start: i, end: bareValue(s, i)}); v.end-v.start >= 4 {
				sc.concealIf(v, c)
			}
		}
		return
	}
}}

// nextArgument passes over the quote that ends an argument, and reports where the
// next one begins: '-p', 'secret'.
func (sc *scan) nextArgument(i int) (bool, int) {
	if !isQuote(at(sc.s, i)) {
		return false, i
	}
	next := skipBlanks(sc.s, i+1)
	if at(sc.s, next) == ',' {
		next = skipBlanks(sc.s, next+1)
	}
	return true, next
}

// passwordFlag says of which command a short flag takes a password.
type passwordFlag struct {
	name   string
	joined bool // -psecret, not -p secret
}

var passwordFlags = map[string][]passwordFlag{
	"-p": {
		{"mysql", true}, {"mariadb", true}, {"7z", true}, {"sshpass", true}, {"sshpass", false}, {"docker login", false}, {"podman login", false},
		{"registry login", false}, {"oc login", false}, {"az login", false}, {"mongo", false}, {"cqlsh", false}, {"snowsql", false},
	},
	"-P": {{"zip", false}, {"sqlcmd", false}, {"bcp", false}, {"isql", false}},
	"-w": {{"ldap", false}, {"vsql", false}},
	"-a": {{"redis-cli", false}},
}

// secureString finds the password that PowerShell turns into one.
var secureString = &rule{anchors: []string{"convertto-securestring "}, find: func(sc *scan, _, end int) {
	if hasPrefixFold(sc.s, end, "-string ") {
		end += len("-string ")
	}
	sc.concealQuoted(end, claim{Password, anything})
}}
