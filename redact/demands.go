package redact

import "strings"

// accepts reports whether a value is what its name promises, so that it has to be
// concealed.
func (d demand) accepts(v string) bool {
	if harmless(v) {
		return false
	}
	switch d {
	case nothing:
		return false
	case anything:
		return true
	case unguessable:
		return isUnguessable(v)
	case opaque:
		return len(v) >= 8 && isUnguessable(v) && hasByte(v, isDigit) && hasByte(v, isLetter)
	case digits:
		return countDigits(v) >= 3 && len(v) <= 40
	case manyDigits:
		return countDigits(v) >= 7 && len(v) <= 64 && (countDigits(v) != 12 || len(v) != 12)
	case personal:
		return looksPersonal(v)
	case anyText:
		return hasByte(v, isLetter) && !looksMachine(v)
	case capitals:
		return looksCapital(v)
	case streetText:
		return hasByte(v, isLetter) && hasByte(v, isBlank)
	case accessKeyID:
		return len(v) >= 16 && hasByte(v, isUpper) && alnum.run(v, 0) == len(v)
	case nationalText:
		return len(v) >= 5 && len(v) <= 40 && hasByte(v, isDigit)
	}
	return true
}

func isLetter(c byte) bool { return isUpper(c) || isLower(c) || c >= 0x80 }

func hasByte(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if is(s[i]) {
			return true
		}
	}
	return false
}

func countDigits(s string) int {
	n := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			n++
		}
	}
	return n
}

// harmlessWords are values that no one keeps secret.
var harmlessWords = wordSetOf(`true false null none nil undefined nan yes no on off n/a na empty string number
	boolean object array required optional enabled disabled redacted masked hidden concealed removed secret-redacted
	basic bearer digest negotiate apikey api_key aws_iam iam jwt`)

// harmless reports that a value holds no secret whatever its name: nothing, a word
// such as true, a mask, a reference to where the value is kept, an expression that
// selects it, or a resource name.
func harmless(v string) bool {
	v = strings.TrimSpace(v)
	if v == "" {
		return true
	}
	if len(v) <= 16 {
		var buf [16]byte
		for i := range len(v) {
			buf[i] = lower(v[i])
		}
		if harmlessWords[string(buf[:len(v)])] {
			return true
		}
	}
	return isMask(v) || isExpression(v) || isReference(v)
}

// isMask reports that nothing but a mask or a placeholder stands there.
func isMask(v string) bool {
	if strings.Trim(v, "*xX.•…-_#[](){}<>") == "" {
		return true
	}
	if v[0] == '<' && v[len(v)-1] == '>' && (nameInside.run(v, 1) == len(v)-1 && countDigits(v) < 4) {
		return true // <your-token>
	}
	inner := strings.Trim(v, "*[]<>()")
	return len(inner) < len(v) && (harmlessWords[strings.ToLower(inner)] || looksConcealed(v))
}

var nameInside = newCharSet("0-9A-Za-z_: -")

// isExpression reports a JSONPath, a JSONata expression or an intrinsic function.
func isExpression(v string) bool {
	switch {
	case v[0] == '$':
		return isPath(v)
	case strings.HasPrefix(v, "States."):
		return strings.HasSuffix(v, ")")
	case strings.HasPrefix(v, "{%"):
		return strings.HasSuffix(v, "%}")
	}
	return false
}

// isPath reports $, $.a, $$.a, $[0], $name.a and $name of JSONPath and JSONata. A
// password may begin with a dollar sign too, so that all of it has to be a path.
func isPath(v string) bool {
	rest := strings.TrimLeft(v, "$")
	if rest == "" || strings.HasPrefix(rest, "states.") || strings.HasPrefix(rest, "{") && strings.HasSuffix(rest, "}") {
		return true
	}
	if rest[0] == '(' && strings.HasSuffix(rest, ")") {
		return true
	}
	if upper := strings.Trim(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"); upper == "" {
		return true // a shell variable
	}
	if rest[0] != '.' && rest[0] != '[' {
		return false
	}
	for i := range len(rest) {
		if c := rest[i]; !keySet[c] && strings.IndexByte("[]'*:?@()", c) < 0 {
			return false
		}
	}
	return true
}

// isReference reports a value that names where the secret is kept.
func isReference(v string) bool {
	for _, prefix := range [...]string{"arn:", "{{", "${", "%(", "alias/", "ssm:", "vault:", "projects/"} {
		if strings.HasPrefix(v, prefix) {
			return true
		}
	}
	return false
}

// isUnguessable tells tokens from words, identifiers and paths.
func isUnguessable(v string) bool {
	if len(v) < 6 || strings.ContainsAny(v, " \t\n(){}") || isURL(v) {
		return false
	}
	if hasByte(v, isDigit) {
		return !isPlainNumber(v)
	}
	letters := 0
	mixed := false
	for i := range len(v) {
		if isLetter(v[i]) {
			letters++
			mixed = mixed || i > 0 && isUpper(v[i]) && isLower(v[i-1])
		} else if strings.IndexByte("-_./: ", v[i]) < 0 {
			return true // punctuation that no identifier has
		}
	}
	return len(v) >= 16 && (letters == len(v) || mixed)
}

func isURL(v string) bool {
	i := strings.Index(v, "://")
	return i > 0 && i < 12
}

func isPlainNumber(v string) bool {
	return len(v) < 8 && strings.Trim(v, "0123456789.,-+e") == ""
}

// looksMachine tells identifiers from what people are called.
func looksMachine(v string) bool {
	return strings.ContainsAny(v, "/\\:_$={}<>@") || len(v) > 120 || isURL(v)
}

// looksPersonal reports two to five words that begin with a capital letter.
func looksPersonal(v string) bool {
	words := strings.Fields(v)
	if len(words) < 2 || len(words) > 5 || looksMachine(v) || hasByte(v, isDigit) {
		return false
	}
	for _, w := range words {
		if !isUpper(w[0]) && w[0] < 0x80 && !particles[w] {
			return false
		}
	}
	return true
}

// looksCapital reports words of letters that each begin with a capital and go on in
// small letters, as names do and identifiers mostly do not.
func looksCapital(v string) bool {
	words := strings.Fields(v)
	if len(words) == 0 || len(words) > 5 || looksMachine(v) || hasByte(v, isDigit) {
		return false
	}
	for _, w := range words {
		if particles[w] {
			continue
		}
		if !isUpper(w[0]) && w[0] < 0x80 || strings.ToUpper(w) == w || strings.ContainsAny(w[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && strings.IndexByte(w, '-') < 0 {
			return false
		}
	}
	return true
}

var particles = wordSetOf("von van de der den del la le da di dos bin ibn al y zu")
