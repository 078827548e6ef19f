package rules

import (
	"strings"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// Names and messages come from whoever wrote the input, so nothing of theirs is
// said in our voice: names are shortened, words are quoted, and what reads like
// an instruction, a link or markup is left out.

const (
	nameLength  = 80
	quoteLength = 160
)

// named makes a name of the workflow's fit for a sentence.
func named(s string) string {
	if !nameOnly(s) {
		return or(quoted(s), "(a name that is left out here)")
	}
	s = withoutTags.Replace(oneLine(s))
	if utf8.RuneCountInString(s) > nameLength {
		s = string([]rune(s)[:nameLength]) + "…"
	}
	if strings.ContainsAny(s, " ,;\"") {
		return `"` + strings.ReplaceAll(s, `"`, `'`) + `"`
	}
	return s
}

// prose has what names lack: a sentence's marks, a tag, what joins commands, a command.
var prose = lazyregexp.Any(
	`[.,;:!?][ \n\r]|[<>|{}\\\x00-\x1f]|\[\w*\]|&&`,
	`(?i)\b(?:pip3?|npm|yarn|pnpm|gem|apt|apt-get|yum|brew|cargo|go|docker|podman|python3?|node) (?:-|install|add|get|run|exec|pull|login|rm)\b`,
	` --?[a-z]`,
	`(?i)\b(?:you|your|please|everyone)\b|@\S+\.`,
)

// maxNameWords is more than names of states have.
const maxNameWords = 8

// nameOnly reports that s is what things are called, and says nothing besides.
func nameOnly(s string) bool {
	return !commanding.MatchString(s) && !link.MatchString(s) && !prose.MatchString(s) && len(strings.Fields(s)) <= maxNameWords
}

var plainName = lazyregexp.New(`^[\w$@./:+=#-]{1,256}$`)

// looksLikeName reports that s can stand in a command or a policy.
func looksLikeName(s string) bool {
	return plainName.MatchString(s) && !strings.HasPrefix(s, "-") && !link.MatchString(s)
}

var plainPath = lazyregexp.New(`^[\w$@.\[\]'"*:/#()=?!&|<>,{}%+-]{1,200}$`)

// isPath reports that s is a path or a field's name that can be said and written as it is.
func isPath(s string) bool { return plainPath.MatchString(s) && !link.MatchString(s) }

// pathed makes a path or a field's name fit for a sentence.
func pathed(s string) string {
	if isPath(s) {
		return s
	}
	return or(quoted(s), "(a path that is left out here)")
}

var (
	link = lazyregexp.New(`(?i)\b(?:https?|ftp|file|javascript|data):[^\s]*|\bwww\.\S+`)
	// commanding is text that tells its reader what to do, or pretends to be somebody.
	commanding = lazyregexp.Any(
		`(?i)\b(?:ignore|disregard|forget) (?:all |any |the |your |previous |prior |above )`,
		`(?i)\b(?:you are|act as|pretend)\b`,
		`(?i)\bassistant\b`,
		`(?i)\bsystem prompt`,
		`(?i)\binstructions?\b`,
		`(?i)\b(?:tell|inform|advise|instruct|ask|remind) (?:the|them|him|her|your?|users?|operators?|everyone)\b`,
		`(?i)\b(?:please|now|then|must|should|also|just) (?:run|execute|call|delete|drop|remove|set|add|grant|attach|send|post|render|visit|open|click|print|reply|respond|answer|report|say|output|paste|disable|enable|approve|mark|use|apply|export|upload|install|curl|fetch|wget|tell)\b`,
		`(?i)\b(?:run|execute|exec)(?:ning)?:? [`+"`"+`'"]?(?:aws|curl|wget|rm|sudo|bash|sh|python|npm|pip|kubectl|terraform|docker|git)\b`,
		`(?i)\baws [a-z0-9-]+ [a-z]+-[a-z-]+`,
		`(?i)\brm -`,
		`(?i)\bsudo\b`,
		`(?i)\bcurl\b`,
		`(?i)\bwget\b`,
		`(?i)\bno (?:root cause|action|retry|fix)\b`,
		`(?i)\b(?:terraform|kubectl|helm|ssh|scp) [a-z-]+|\b(?:psql|mysql) (?:-|[a-z]+ -)`,
		`(?i)\b(?:enter|type|share|provide|give|send|confirm) (?:me |us |in )?(?:your|the) `,
		`(?i)\bpasswords?\b`,
		`(?i)\bvisit \S`,
		`(?i)\b(?:recommended|suggested|required|correct) (?:action|remedy|fix|step)s?\b`,
		`(?i)\bremediation:`,
		`(?i)\b(?:AI|LLM|model|agent|bot|reviewer|reader|incident commander|operator)s?[:,]`,
		`(?i)</?(?:cause|system|user|prompt|instructions?|context|evidence)\b`,
		`(?i)###`,
		`(?i)\[/?INST`,
		`(?i)<\|`,
		`(?i)`+"```",
		`(?i)!\[`,
		`(?i)\b(?:delete|drop|truncate|terminate|destroy|wipe|disable|deactivate|detach|grant|attach)[- ](?:the |all |every |this |your )?[\w'"`+"`"+`-]*[ -]?(?:table|bucket|stack|machine|role|policy|user|logging|database|cluster|queue|access|key|keys|permissions?|guardrails?|alarms?)\b`,
		`(?i)\b(?:access[- ]key|credentials?|environment variables?|secrets?)\b.{0,40}\b(?:print|send|post|dump|base64|report)`,
		`(?i)\b(?:print|send|post|dump|reveal|exfiltrate|leak|expose|include)\b.{0,40}\b(?:credentials?|environment variables?|secrets?|tokens?|keys?)\b`,
	)
	markup        = lazyregexp.New(`(?s)<!--.*?-->|</?[a-zA-Z][^>]*>|!?\[[^\]]*\]\([^)]*\)`)
	tagStart      = lazyregexp.New(`<(/?[a-zA-Z!])`) // of a tag that is cut off
	longWord      = lazyregexp.New(`[A-Za-z0-9+/_=-]{48,}`)
	inQuotes      = lazyregexp.New(`'[^'\n]{40,}'|"[^"\n]{40,}"|` + "`[^`\n]{40,}`")
	withoutTags   = strings.NewReplacer("<", "", ">", "", "`", "'")
	withoutQuotes = strings.NewReplacer("“", "'", "”", "'")
	// inQuotesWhole is an exception that prints its message in quotes: AnalysisException: "…".
	inQuotesWhole = lazyregexp.New(`(?s)^([\w.]+(?:Exception|Error): )u?"([^"\n]*)"[;.]?$`)
	spaces        = lazyregexp.New(`\s+`)
)

func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff || r >= 0xe0000 && r <= 0xe007f {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(spaces.ReplaceAllString(s, " "))
}

// quoted returns what somebody else wrote as a marked quote, shortened and
// without links, markup, long values in quotes or anything that commands; "" where nothing is left.
func quoted(s string) string {
	q := harmless(s)
	if q == "" {
		return ""
	}
	return "“" + q + "”"
}

func harmless(s string) string {
	if len(s) > 8*quoteLength { // what stands further on would be cut off anyway
		s = strings.ToValidUTF8(s[:8*quoteLength], "")
	}
	if m := inQuotesWhole.FindStringSubmatch(s); m != nil {
		s = m[1] + strings.ReplaceAll(m[2], `"`, "'")
	}
	s = markup.ReplaceAllString(s, " ")
	s = oneLine(s)
	s = link.ReplaceAllString(tagStart.ReplaceAllString(s, "$1"), "…")
	s = longWord.ReplaceAllString(s, "…")
	s = inQuotes.ReplaceAllStringFunc(s, func(q string) string {
		if plainName.MatchString(q[1 : len(q)-1]) {
			return q
		}
		return q[:1] + "…" + q[:1]
	})
	if at := commanding.Index(s); at >= 0 {
		s = before(s, at)
		if commanding.MatchString(s) {
			return ""
		}
	}
	s = withoutQuotes.Replace(s)
	s = strings.TrimSpace(clip(s, quoteLength))
	if !strings.HasSuffix(s, "..") {
		s = strings.TrimSuffix(s, ".")
	}
	return s
}

// before returns the whole sentences in front of offset, or, where there are
// none, the first clause: of a text that turns out to command, no more is shown.
func before(s string, offset int) string {
	if i := strings.LastIndex(s[:offset], ". "); i > 0 {
		return s[:i]
	}
	return firstClause(s)
}

// firstClause is what stands before the first mark that ends a thought.
func firstClause(s string) string {
	if i := strings.IndexAny(s, ".;:!?\n(){}<>#\"'`"); i >= 0 {
		s = s[:i]
	}
	return clip(strings.TrimSpace(s), 60)
}

func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	cut := string(r[:n])
	if i := strings.LastIndexByte(cut, ' '); i > n*2/3 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:") + "…"
}

// saying is `: “words”`, or nothing where there is nothing harmless to quote.
func saying(s string) string {
	if q := quoted(s); q != "" {
		return ": " + q
	}
	return ""
}

// list joins with commas and a last "and".
func list(items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	}
	return strings.Join(items[:len(items)-1], ", ") + " and " + items[len(items)-1]
}

// upper begins a sentence.
func upper(s string) string {
	if strings.HasPrefix(s, "arn:") {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(string(r)) + s[n:]
}

// or is s, or otherwise where s is empty.
func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// deref is the text at s, "" where there is none.
func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
