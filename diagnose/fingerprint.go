package diagnose

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

const (
	fingerprintPrefix = "fp1:"
	fingerprintDigits = 32
	maxCause          = 8 << 10 // of a cause that counts
)

// Fingerprint is what failures have in common that happened for the same reason
// in different executions: "fp1:" and 32 hex digits over the state machine, the
// state with the Maps and Parallels around it, the error, and the cause without
// what differs from run to run. It rests on recorded facts alone. Where nothing
// failed it is "".
func Fingerprint(c *Case) string {
	facts := []string{machineIdentity(c)}
	switch {
	case c.Failure != nil:
		facts = appendFacts(facts, c.Failure)
		if c.Origin != nil {
			facts = appendFacts(append(facts, "origin"), c.Origin)
		}
	case len(c.Others) > 0:
		facts = append(facts, quietFacts(c.Others)...)
	default:
		return ""
	}
	h := sha256.New()
	for _, f := range facts { // each with its length, so that no two lists run together
		h.Write([]byte(strconv.Itoa(len(f)) + ":" + f + "\n"))
	}
	return fingerprintPrefix + hex.EncodeToString(h.Sum(nil))[:fingerprintDigits]
}

func appendFacts(facts []string, f *Failure) []string {
	facts = append(facts, statePath(f), kindOf(f))
	if f.Error != nil {
		facts = append(facts, "error", *f.Error)
	}
	if f.Cause != nil {
		facts = append(facts, "cause", normalCause(*f.Cause))
	}
	return facts
}

// quietFacts are states and errors, each once: how often and in which order
// something was caught differs from run to run.
func quietFacts(others []Failure) []string {
	var facts []string
	for i := range others {
		problem := ""
		if others[i].Error != nil {
			problem = *others[i].Error
		}
		facts = append(facts, statePath(&others[i])+"\n"+string(others[i].Outcome)+"\n"+problem)
	}
	slices.Sort(facts)
	return slices.Compact(facts)
}

// statePath is the path and the state without the indices of iterations.
func statePath(f *Failure) string {
	names := slices.DeleteFunc(slices.Clone(f.Path), isIteration)
	return strings.Join(append(names, f.State), "\n")
}

func isIteration(name string) bool {
	inner, ok := strings.CutPrefix(name, "[")
	if !ok {
		return false
	}
	digits, ok := strings.CutSuffix(inner, "]")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

func kindOf(f *Failure) string {
	switch {
	case f.Aborted:
		return "aborted"
	case f.TimedOut:
		return "timed out"
	}
	return "failed"
}

// machineIdentity is the state machine's ARN without version or alias, else a
// hash of the definition.
func machineIdentity(c *Case) string {
	if x := c.Execution; x != nil {
		arn := x.StateMachineARN
		if arn == "" {
			arn = history.MachineOf(x.ARN)
		}
		if arn != "" {
			return unversioned(arn)
		}
	}
	if m := c.Machine; m != nil && m.Source() != nil {
		sum := sha256.Sum256([]byte(m.Source().Text))
		return hex.EncodeToString(sum[:])
	}
	return ""
}

// unversioned cuts version or alias, and the label of a Map run, off a state machine's ARN.
func unversioned(arn string) string {
	const upToName = 7
	parts := strings.Split(arn, ":")
	if len(parts) > upToName {
		parts = parts[:upToName]
	}
	arn, _, _ = strings.Cut(strings.Join(parts, ":"), "/")
	return arn
}

// normalCause is a cause without what differs from run to run.
func normalCause(cause string) string {
	if v, ok := parseObject(cause); ok {
		return normalJSON(v, 0)
	}
	return normalText(cause)
}

func parseObject(s string) (value.Value, bool) {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "{") {
		return value.Value{}, false
	}
	v, err := value.Parse(s)
	return v, err == nil
}

const maxNested = 4 // JSON in JSON in JSON

// normalJSON takes what tells one failure from another out of a cause that is JSON.
func normalJSON(v value.Value, depth int) string {
	if depth > maxNested {
		return ""
	}
	var b strings.Builder
	if arn, ok := v.Get("ExecutionArn"); ok {
		s, _ := arn.AsString()
		b.WriteString("execution of " + unversioned(history.MachineOf(s)) + "\n")
	}
	for _, name := range []string{"errorType", "name", "errorMessage", "message", "ErrorMessage", "Message", "Error", "Cause", "Status", "State",
		"StatusReason", "StoppedReason", "StopCode", "Reason", "FailureReason", "JobRunState", "ErrorCode", "ExitCode"} {
		appendMember(&b, v, name, depth)
	}
	b.WriteString(firstFrame(v))
	for _, name := range []string{"Containers", "Container", "Attempts", "Entries", "Build", "Detail"} {
		if m, ok := v.Get(name); ok {
			b.WriteString(normalValue(m, depth+1))
		}
	}
	if b.Len() == 0 {
		return normalMembers(v, depth)
	}
	return b.String()
}

func appendMember(b *strings.Builder, v value.Value, name string, depth int) {
	if m, ok := v.Get(name); ok {
		text := normalValue(m, depth+1)
		if n, isNumber := m.Number(); isNumber { // an exit code tells failures apart
			text = n
		}
		switch name {
		case "errorType", "name", "Error", "ErrorCode", "Status", "State", "StopCode": // so do names, with their numbers
			if s, isText := m.AsString(); isText && isName(s) {
				text = s
			}
		}
		b.WriteString(name + "=" + text + "\n")
	}
}

func isName(s string) bool {
	const longest = 80
	strange := func(c rune) bool { return c != '.' && (c > 0x7f || !isWord(byte(c))) }
	return s != "" && s[0] > '9' && len(s) <= longest && strings.IndexFunc(s, strange) < 0
}

func normalValue(v value.Value, depth int) string {
	switch v.Kind() {
	case value.KindString:
		s, _ := v.AsString()
		if o, ok := parseObject(s); ok {
			return normalJSON(o, depth)
		}
		return normalText(s)
	case value.KindObject:
		return normalJSON(v, depth)
	case value.KindArray:
		var all []string
		for _, item := range v.Items() {
			all = append(all, normalValue(item, depth+1))
		}
		return strings.Join(slices.Compact(all), "\n")
	case value.KindNumber:
		return "#"
	}
	return v.JSON()
}

// normalMembers is an object of which nothing is known: its names, and its texts.
func normalMembers(v value.Value, depth int) string {
	var b strings.Builder
	for _, m := range v.Members() {
		b.WriteString(m.Key + "=" + normalValue(m.Value, depth+1) + "\n")
	}
	return b.String()
}

// firstFrame is the first line of a stack trace that is a place in code:
//
//	"stackTrace": ["  File \"/var/task/app.py\", line 8, in handler\n …"]      Python
//	"trace": ["Error: no", "    at handler (/var/task/index.js:3:9)"]         Node.js
//	"stackTrace": ["app.Handler.run(Handler.java:8)"]                         Java
func firstFrame(v value.Value) string {
	for _, name := range []string{"stackTrace", "trace"} {
		m, _ := v.Get(name)
		for _, item := range m.Items() {
			line, ok := item.AsString()
			if !ok {
				line = item.JSON()
			}
			line, _, _ = strings.Cut(strings.TrimSpace(line), "\n")
			if strings.HasPrefix(line, "at ") || strings.HasPrefix(line, "File ") || strings.Contains(line, "(") || !ok {
				return "frame=" + volatile(line) + "\n"
			}
		}
	}
	return ""
}

// normalText is a text without embedded JSON, quoted values, and whatever is
// numbered, dated or random in it.
func normalText(s string) string {
	if len(s) > maxCause {
		s = s[:maxCause]
	}
	return volatile(unquoted(withoutJSON(s)))
}

// withoutJSON replaces each JSON object or array in a text by "{}".
func withoutJSON(s string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(s, "{[")
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		if !opensJSON(s) {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		b.WriteString("{}")
		s = s[closing(s):]
	}
}

func opensJSON(s string) bool {
	rest := strings.TrimLeft(s[1:], " \n\t\\")
	if rest == "" {
		return false
	}
	if s[0] == '{' {
		return rest[0] == '"' || rest[0] == '}'
	}
	return rest[0] == '{' || rest[0] == '"' || rest[0] == '['
}

// closing is where the JSON that begins s ends; all of s where it was cut off.
func closing(s string) int {
	depth, inText := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// unquoted replaces quoted values by quotes. What a definition or a program
// names stays: paths, fields, states, modules.
func unquoted(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\'' && c != '"' && c != '`' || !opensQuote(s, i) {
			b.WriteByte(c)
			continue
		}
		end := closesQuote(s, i)
		if end < 0 {
			b.WriteByte(c)
			continue
		}
		switch inner := s[i+1 : end]; {
		case strings.HasPrefix(inner, "SCHEMA_VALIDATION_FAILED"): // a message with quotes of its own
			b.WriteByte(c)
			continue
		case isNamed(s[:i]), strings.HasPrefix(inner, "$"), strings.HasSuffix(inner, ".$"):
			b.WriteString(s[i : end+1])
		default:
			b.WriteString("''")
		}
		i = end
	}
	return b.String()
}

// isNamed reports that a text ends with a word after which a name of the
// definition or of a program is quoted, not a value.
func isNamed(before string) bool {
	before = strings.TrimRight(before, " :")
	word := before[strings.LastIndexAny(before, " \n(")+1:]
	switch strings.ToLower(word) {
	case "field", "state", "state/task", "parameter", "function", "module", "named", "attribute", "property", "at", "variable":
		return true
	}
	return false
}

// opensQuote tells a quote from an apostrophe.
func opensQuote(s string, i int) bool { return i == 0 || !isWord(s[i-1]) }

func closesQuote(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		if s[j] == s[i] && (j+1 == len(s) || !isWord(s[j+1])) {
			return j
		}
	}
	return -1
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

// changing is what differs from run to run, in the order in which it is taken
// out: the longer forms before the shorter ones that they contain.
var changing = []struct {
	form *lazyregexp.Regexp
	with string
}{
	{lazyregexp.New(`arn:(aws[a-z-]*):states:[\w-]*:\d*:(execution|express|mapRun):([\w.-]+)[\w:/.+=@-]*`), "arn:$1:states:$2:$3"},
	{lazyregexp.New(`arn:(aws[a-z-]*):sts:[\w-]*:\d*:assumed-role/([\w+=,.@-]+)/[\w+=,.@-]+`), "arn:$1:sts:assumed-role/$2"},
	{lazyregexp.New(`(?i)(request ?id|requestid|x-amzn-requestid|extended request id|invocation id|trace ?id)["']?[:= ]+[\w/+=-]+`), "$1 #"},
	{lazyregexp.New(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`), "#"},
	{lazyregexp.New(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?`), "#"},
	{lazyregexp.New(`\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? \d\d? \w{3} \d{4}( \d\d:\d\d:\d\d( GMT| UTC)?)?`), "#"},
	{lazyregexp.New(`0x[0-9a-fA-F]+`), "#"},
	{lazyregexp.New(`\b[0-9a-fA-F]*[0-9][0-9a-fA-F]{7,}\b|\b[0-9a-fA-F]{7,}[0-9][0-9a-fA-F]*\b`), "#"},
	{lazyregexp.New(`\b[A-Z0-9]*(?:[A-Z][0-9]|[0-9][A-Z])[A-Z0-9]{6,}\b`), "#"},
	{lazyregexp.New(`(^|[^A-Za-z_0-9])\d+(?:\.\d+)*`), "$1#"}, // not in a name: S3, python3.12, lambda2
	{lazyregexp.New(`\s+`), " "},
}

var longWord = lazyregexp.New(`[A-Za-z0-9+/_-]{40,}={0,2}`)

// isRandom tells a token from a path or a long name.
func isRandom(word string) bool {
	const aSlash = 24 // characters of base64 that have no more than one, by and large
	return strings.ContainsAny(word, "0123456789") && strings.ToLower(word) != word && strings.ToUpper(word) != word &&
		strings.Count(word, "/")*aSlash <= len(word)
}

func volatile(s string) string {
	s = longWord.ReplaceAllStringFunc(s, func(word string) string {
		if isRandom(word) {
			return "#"
		}
		return word
	})
	for _, c := range changing {
		s = c.form.ReplaceAllString(s, c.with)
	}
	return strings.TrimSpace(s)
}
