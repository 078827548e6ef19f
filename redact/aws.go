package redact

// awsKeyID finds access key ids. Other ids of IAM (AROA, AIDA, …) name roles and
// users, and stay.
var awsKeyID = &rule{anchors: []string{"akia", "asia", "abia", "acca"}, find: func(sc *scan, start, end int) {
	s := sc.s
	switch s[start:end] {
	case "AKIA", "ASIA", "ABIA", "ACCA":
	default:
		return
	}
	if !wordStarts(s, start) {
		return
	}
	stop := end
	for n := 0; n < 16; n++ {
		if next := wrapped(s, stop); n > 0 && next > stop {
			stop = next
		}
		if c := at(s, stop); !isUpper(c) && !isDigit(c) {
			return
		}
		stop++
	}
	if isAlnum(at(s, stop)) {
		return
	}
	sc.conceal(start, stop, AWSKey)
	sc.secretBeside(stop)
}}

// secretBeside finds the secret access key that stands near its id without a name
// of its own: forty characters of base64, which no hash has.
func (sc *scan) secretBeside(i int) {
	s := sc.s
	limit := min(len(s), i+120)
	for i < limit {
		if !secretSet[s[i]] {
			i++
			continue
		}
		stop := secretSet.run(s, i)
		if v := s[i:stop]; len(v) == 40 && at(s, stop) != '=' && hasByte(v, isUpper) && hasByte(v, isLower) && hasByte(v, isDigit) {
			sc.conceal(i, stop, AWSSecret)
			return
		}
		i = stop
	}
}

// spokenSecret finds a secret access key after words that speak of one: "invalid
// secret key: …". Only forty characters of base64 in mixed case are taken for one.
var spokenSecret = &rule{anchors: []string{"secret", "access key"}, find: func(sc *scan, _, end int) {
	s := sc.s
	for i, limit := end, min(len(s), end+60); i < limit; {
		if lineBreak(s, i) > i {
			return
		}
		stop := secretSet.run(s, i)
		if v := s[i:stop]; len(v) == 40 && at(s, stop) != '=' && hasByte(v, isUpper) && hasByte(v, isLower) && hasByte(v, isDigit) {
			sc.conceal(i, stop, AWSSecret)
			return
		}
		i = stop + 1
	}
}}

var secretSet = newCharSet("0-9A-Za-z+/")

// awsTokens finds session tokens by how AWS begins them, and task tokens of Step
// Functions, with which anyone may end a waiting task.
var awsTokens = []*rule{
	longToken(AWSToken, 60, "IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz", "FQoDYXdz"),
	longToken(TaskToken, 60, "AQCEAAAAKgAA", "AAAAKgAAAA", "AQC"),
}

// longToken makes a rule for base64 that begins in a known way.
func longToken(kind Kind, length int, prefixes ...string) *rule {
	anchors := make([]string, len(prefixes))
	exact := map[string]bool{}
	for i, p := range prefixes {
		anchors[i], exact[p] = lowered(p), true
	}
	return &rule{anchors: anchors, find: func(sc *scan, start, end int) {
		s := sc.s
		if !exact[s[start:end]] || !wordStarts(s, start) || base64Set[at(s, start-1)] && s[start-1] != '=' && s[start-1] != '/' {
			return
		}
		stop := wrappedRun(percentBase64, s, end)
		sc.charge(stop - end)
		if stop-start < length || !hasByte(s[start:stop], isDigit) || !hasByte(s[start:stop], isLower) {
			return
		}
		sc.conceal(start, stop, kind)
	}}
}

var percentBase64 = newCharSet("0-9A-Za-z+/=%_-")

// wrappedRun returns where a run ends that line breaks may cut: a line that is full
// goes on, where the next one is nothing but the run.
func wrappedRun(set *charSet, s string, i int) int {
	stop := set.run(s, i)
	for {
		next := wrapped(s, stop)
		if next == stop || stop-i < 40 {
			return stop
		}
		end := set.run(s, next)
		if after := at(s, end); end-next < 4 || after != 0 && after != '"' && after != '\'' && after != '\\' && after != '\n' && after != '\r' && after != '<' {
			return stop
		}
		if isAllLetters(s[next:end]) {
			return stop
		}
		stop = end
	}
}

func isAllLetters(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) {
			return false
		}
	}
	return true
}
