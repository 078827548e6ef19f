package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// Verdict is what comparing a result with a recording gives.
type Verdict struct {
	Pass bool
	Why  string // the first difference found, where it does not pass
}

// Compare judges a result of Run as the recordings' own comparer does at its level
// "unordered": every event has its equal, with an equal parent event. A nil result
// is none.
func Compare(c *Case, result []byte) Verdict {
	actual, err := decode(result)
	if err != nil {
		return Verdict{Why: "unusable result: " + err.Error()}
	}
	got, ok := actual.(map[string]any)
	if !ok {
		return Verdict{Why: "the result is no object"}
	}
	return c.judge(got)
}

func (c *Case) judge(got map[string]any) Verdict {
	if h := c.Expected["get_execution_history"]; h != nil {
		return c.compareHistory(mustDecode(h), got)
	}
	switch {
	case c.Kind == "execution-table":
		return c.compareTable(got)
	case c.Expected["start_sync_execution"] != nil:
		m := newMatcher(c)
		return m.verdict(m.match(mustDecode(c.Expected["start_sync_execution"]), got, ""))
	case c.Kind == "express-async" || c.Expected["describe_execution"] != nil && c.Outcome != nil:
		return c.compareOutcome(got)
	case c.Kind == "test-state" || c.Kind == "validation":
		return c.compareCall(got)
	}
	return Verdict{Why: "no comparer for kind " + c.Kind}
}

func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func mustDecode(text json.RawMessage) any {
	v, err := decode(text)
	if err != nil {
		panic(err) // it was decoded before, as part of its case
	}
	return v
}

func (c *Case) compareTable(got map[string]any) Verdict {
	runs, _ := got["runs"].([]any)
	if len(runs) > len(c.Runs) {
		return Verdict{Why: fmt.Sprintf("%d runs expected, %d produced", len(c.Runs), len(runs))}
	}
	for i, want := range c.Runs {
		var run map[string]any
		if i < len(runs) {
			run, _ = runs[i].(map[string]any)
		}
		m := newMatcher(c)
		out, has := run["output"]
		if run["status"] != "SUCCEEDED" || !has || !m.match(mustDecode(want.Expected["output"]), out, "") {
			return Verdict{Why: fmt.Sprintf("run %d differs", i)}
		}
	}
	return Verdict{Pass: true}
}

func (c *Case) compareOutcome(got map[string]any) Verdict {
	want := mustDecode(must(json.Marshal(c.Outcome))).(map[string]any)
	if want["status"] != got["status"] || want["error"] != nil && want["error"] != got["error"] {
		return Verdict{Why: fmt.Sprintf("expected %v %v, got %v %v", want["status"], want["error"], got["status"], got["error"])}
	}
	m := newMatcher(c)
	for _, key := range []string{"output", "error", "cause"} {
		w, expected := want[key]
		g, produced := got[key]
		if !expected && (!produced || g == nil) {
			continue
		}
		if expected != produced || !m.match(w, g, "."+key) {
			return m.verdict(false)
		}
	}
	return Verdict{Pass: true}
}

func must(b []byte, err error) json.RawMessage {
	if err != nil {
		panic(err)
	}
	return b
}

func (c *Case) compareCall(got map[string]any) Verdict {
	m := newMatcher(c)
	refused, _ := got["error"].(map[string]any)
	if want := c.Expected["error"]; want != nil {
		if refused == nil && got["Error"] == nil {
			return Verdict{Why: "call accepted; AWS rejects it"}
		}
		if refused == nil {
			refused = got
		}
		code, message := apiError(mustDecode(want).(map[string]any))
		gotCode, gotMessage := apiError(refused)
		if code == gotCode && m.text(message, gotMessage, ".message") {
			return Verdict{Pass: true}
		}
		return Verdict{Why: fmt.Sprintf("expected %s: %s, got %s: %s", code, message, gotCode, gotMessage)}
	}
	if refused != nil {
		return Verdict{Why: fmt.Sprintf("call rejected: %v", refused)}
	}
	return m.verdict(m.match(mustDecode(c.Expected["response"]), got, ""))
}

var callError = regexp.MustCompile(`(?s)^An error occurred \((\w+)\) when calling the \w+ operation[^:]*: (.*)`)

// apiError reads the forms in which recordings hold a refused call.
func apiError(e map[string]any) (code, message string) {
	str := func(v any) string {
		if v == nil {
			return ""
		}
		return fmt.Sprint(v)
	}
	if inner, ok := e["Error"].(map[string]any); ok {
		return str(inner["Code"]), str(inner["Message"])
	}
	for _, key := range []string{"exception_value", "exception"} {
		if v, ok := e[key]; ok {
			if parts := callError.FindStringSubmatch(str(v)); parts != nil {
				return parts[1], parts[2]
			}
			return str(e["exception_typename"]), str(v)
		}
	}
	first := func(keys ...string) string {
		for _, k := range keys {
			if v := str(e[k]); v != "" {
				return v
			}
		}
		return ""
	}
	return first("Code", "code", "__type"), first("Message", "message")
}

// event is an event of a history, as JSON.
type event = map[string]any

func events(h any) []event {
	object, _ := h.(map[string]any)
	list, _ := object["events"].([]any)
	out := make([]event, 0, len(list))
	for _, e := range list {
		if e, ok := e.(map[string]any); ok {
			out = append(out, e)
		}
	}
	return out
}

func eventID(e event) (int64, bool) {
	n, ok := e["id"].(json.Number)
	if !ok {
		return 0, false
	}
	id, err := n.Int64()
	return id, err == nil
}

// lost reports that the recording lacks ids.
func lost(list []event) bool {
	for _, e := range list {
		if id, ok := eventID(e); !ok || id == 0 {
			return true
		}
	}
	return false
}

// joins are events whose parent depends on which branch ended last.
var joins = []string{"ParallelStateSucceeded", "MapStateSucceeded", "ParallelStateFailed", "MapStateFailed", "MapRunSucceeded",
	"MapRunFailed", "MapStateAborted", "ParallelStateAborted", "ExecutionFailed", "MapIterationAborted"}

func isJoin(e event) bool { return slices.Contains(joins, fmt.Sprint(e["type"])) }

func (c *Case) compareHistory(want any, got map[string]any) Verdict {
	if got["events"] == nil {
		return Verdict{Why: "no events produced"}
	}
	expected, actual := events(want), events(got)
	if slices.Contains(c.Transforms, "SfnNoneRecursiveParallelTransformer") && !lost(actual) {
		actual = normaliseParallel(actual)
	}
	if len(expected) != len(actual) {
		return Verdict{Why: fmt.Sprintf("%d events expected, %d produced", len(expected), len(actual))}
	}
	p := &pairing{
		m: newMatcher(c), left: slices.Clone(actual), noParents: lost(expected),
		expected: byID(expected), actual: byID(actual),
	}
	for _, e := range expected {
		if !p.find(e) {
			why := p.m.why
			if why == "" {
				why = fmt.Sprintf("no produced event like #%v %v", e["id"], e["type"])
			}
			return Verdict{Why: why}
		}
	}
	return Verdict{Pass: true}
}

// pairing finds an equal for every expected event.
type pairing struct {
	m                *matcher
	left             []event
	noParents        bool
	expected, actual map[string]event
}

func byID(list []event) map[string]event {
	m := make(map[string]event, len(list))
	for _, e := range list {
		if n, ok := e["id"].(json.Number); ok {
			m[n.String()] = e
		}
	}
	return m
}

func (p *pairing) find(e event) bool {
	why := ""
	for i, a := range p.left {
		if a["type"] != e["type"] {
			continue
		}
		bound, before := p.m.save()
		if p.m.match(strip(e), strip(a), fmt.Sprintf(".%v", e["type"])) && p.sameParent(e, a) {
			p.left = slices.Delete(p.left, i, i+1)
			return true
		}
		if why == "" {
			why = p.m.why
		}
		p.m.restore(bound, before)
	}
	p.m.why = why
	return false
}

func (p *pairing) sameParent(e, a event) bool {
	if p.noParents || isJoin(e) {
		return true
	}
	pe, pa := p.expected[fmt.Sprint(e["previousEventId"])], p.actual[fmt.Sprint(a["previousEventId"])]
	if pe == nil || pa == nil {
		return pe == nil && pa == nil
	}
	return pe["type"] == pa["type"] && (isJoin(pe) || p.m.match(strip(pe), strip(pa), ".parent"))
}

func strip(e event) event {
	out := make(event, len(e))
	for k, v := range e {
		if k != "id" && k != "previousEventId" && k != "timestamp" {
			out[k] = v
		}
	}
	return out
}

// normaliseParallel does what the recordings' snapshot library did to events
// inside a Parallel: sorted, without ids, and ParallelStateSucceeded left out.
func normaliseParallel(list []event) []event {
	out := make([]event, len(list))
	for i, e := range list {
		out[i] = mapsClone(e)
	}
	var inner []event
	inside, first := false, 0
	for i := 0; i < len(out); i++ {
		e := out[i]
		switch fmt.Sprint(e["type"]) {
		case "ParallelStateSucceeded", "ParallelStateAborted", "ParallelStateExited", "ParallelStateFailed":
			sorted := slices.Clone(inner)
			sort.SliceStable(sorted, func(a, b int) bool { return pythonKey(sorted[a]) < pythonKey(sorted[b]) })
			// The list changes under the loop, which goes on counting: ParallelStateSucceeded is lost.
			out = append(append(append([]event{}, out[:first]...), sorted...), out[i:]...)
			inside = false
		case "ParallelStateStarted":
			inside, inner, first = true, nil, i+1
		default:
			if inside {
				e["id"], e["previousEventId"] = []any{json.Number("0")}, json.Number("0")
				inner = append(inner, e)
			}
		}
	}
	return out
}

func mapsClone(e event) event {
	out := make(event, len(e))
	for k, v := range e {
		out[k] = v
	}
	return out
}

func pythonKey(e event) string { return string(must(json.Marshal(e))) }

// matcher compares values, and remembers what placeholders stand for.
type matcher struct {
	bound        map[string]string
	tokens       map[string]string
	placeholders map[string]any
	why          string
	whyPath      string
}

func newMatcher(c *Case) *matcher {
	m := &matcher{bound: make(map[string]string), tokens: c.Tokens, placeholders: c.Placeholders}
	if m.tokens == nil {
		m.tokens = map[string]string{"timestamp": "value", "datetime": "value", "date": "value"}
	}
	return m
}

func (m *matcher) save() (map[string]string, [2]string) {
	bound := make(map[string]string, len(m.bound))
	for k, v := range m.bound {
		bound[k] = v
	}
	return bound, [2]string{m.why, m.whyPath}
}

func (m *matcher) restore(bound map[string]string, why [2]string) {
	m.bound, m.why, m.whyPath = bound, why[0], why[1]
}

func (m *matcher) verdict(pass bool) Verdict {
	if pass {
		return Verdict{Pass: true}
	}
	return Verdict{Why: m.why}
}

func (m *matcher) fail(path, format string, args ...any) bool {
	if m.why == "" || len(path) >= len(m.whyPath) {
		m.whyPath = path
		m.why = path + ": " + fmt.Sprintf(format, args...)
	}
	return false
}

var ignored = []string{"ResponseMetadata", "timestamp", "creationDate", "updateDate", "startDate", "stopDate", "event_timestamp",
	"billingDetails", "redriveCount", "redriveStatus", "redriveStatusReason"}

var placeholder = regexp.MustCompile(`<[A-Za-z][\w .:\-]*>`)

func isPlaceholder(s string) bool { return placeholder.FindString(s) == s && s != "" }

// jsonText parses text that looks like JSON.
func jsonText(v any) (any, bool) {
	s, ok := v.(string)
	if !ok || s == "" || !strings.ContainsRune(`{["-0123456789tfn`, rune(s[0])) {
		return nil, false
	}
	if !json.Valid([]byte(s)) {
		return nil, false
	}
	parsed, err := decode([]byte(s))
	return parsed, err == nil
}

func isContainer(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// match reports that a is what e, the recording, asks for.
func (m *matcher) match(e, a any, path string) bool {
	if strings.HasSuffix(path, ".stackTrace") {
		_, ok := e.([]any)
		_, also := a.([]any)
		if ok && also {
			return true // the function's own lines
		}
	}
	es, eText := e.(string)
	as, aText := a.(string)
	switch {
	case isContainer(e) && aText:
		if v, ok := jsonText(a); ok {
			return m.match(e, v, path)
		}
		return m.fail(path, "expected JSON text, got %.120q", as)
	case eText && isContainer(a):
		if m.tokens[es] == "value" || isPlaceholder(es) {
			return true
		}
		if v, ok := jsonText(e); ok {
			return m.match(v, a, path)
		}
		return m.fail(path, "expected text %.100q, got JSON", es)
	}
	switch e := e.(type) {
	case map[string]any:
		return m.object(e, a, path)
	case []any:
		return m.array(e, a, path)
	}
	return m.scalar(e, a, es, as, eText, aText, path)
}

func (m *matcher) scalar(e, a any, es, as string, eText, aText bool, path string) bool {
	_, eBool := e.(bool)
	_, aBool := a.(bool)
	if eBool || aBool || e == nil || a == nil {
		return e == a || m.fail(path, "expected %v, got %v", e, a)
	}
	en, eNumber := e.(json.Number)
	an, aNumber := a.(json.Number)
	switch {
	case eNumber && aNumber:
		return sameNumber(en, an) || m.fail(path, "expected %v, got %v", e, a)
	case eText && !aText:
		if m.tokens[es] == "value" || isPlaceholder(es) || es == an.String() {
			return true
		}
		return m.fail(path, "expected text %.100q, got %v", es, a)
	case aText && !eText:
		if v, ok := jsonText(a); ok {
			return m.match(e, v, path)
		}
		return m.fail(path, "expected %v, got text %.120q", e, as)
	}
	return m.text(es, as, path)
}

func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	f, _ := a.Float64()
	g, _ := b.Float64()
	if f == g {
		return true
	}
	floats := strings.ContainsAny(a.String(), ".eE") && strings.ContainsAny(b.String(), ".eE")
	return floats && math.Abs(f-g) <= 1e-12*max(math.Abs(f), math.Abs(g))
}

func (m *matcher) object(e map[string]any, a any, path string) bool {
	got, ok := a.(map[string]any)
	if !ok {
		return m.fail(path, "expected an object, got %.100v", a)
	}
	extra := make(map[string]bool)
	for k := range got {
		if _, known := e[k]; !known && !slices.Contains(ignored, k) {
			extra[k] = true
		}
	}
	var fixed []string
	for _, k := range sortedKeys(e) {
		switch {
		case slices.Contains(ignored, k):
		case placeholder.MatchString(k):
			match := ""
			for _, x := range sortedKeys(extra) {
				if m.text(k, x, path) {
					match = x
					break
				}
			}
			if match == "" {
				return m.fail(path, "no key like %s", k)
			}
			if !m.match(e[k], got[match], path+"."+k) {
				return false
			}
			delete(extra, match)
		default:
			fixed = append(fixed, k)
		}
	}
	for _, k := range fixed {
		if _, ok := got[k]; !ok {
			return m.fail(path, "missing key %q", k)
		}
	}
	for _, k := range sortedKeys(extra) {
		return m.fail(path, "unexpected key %q = %.100v", k, got[k])
	}
	for _, k := range fixed {
		if !m.match(e[k], got[k], path+"."+k) {
			return false
		}
	}
	return true
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (m *matcher) array(e []any, a any, path string) bool {
	got, ok := a.([]any)
	if !ok {
		return m.fail(path, "expected an array, got %.100v", a)
	}
	if len(e) != len(got) {
		return m.fail(path, "%d items expected, %d produced", len(e), len(got))
	}
	for i := range e {
		if !m.match(e[i], got[i], fmt.Sprintf("%s[%d]", path, i)) {
			return false
		}
	}
	return true
}

var isoTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:?\d\d|Z)?`)

// text compares two texts, of which the first may hold placeholders and tokens.
func (m *matcher) text(e, a, path string) bool {
	if e == a || m.tokens[e] == "value" || m.tokens[e] == "substring" {
		return true
	}
	if parts := m.split(e); parts != nil {
		bound := make(map[string]string)
		if m.parts(parts, a, bound) {
			for k, v := range bound {
				m.bound[k] = v
			}
			return true
		}
	}
	if strings.Contains(e, "date") && e == isoTime.ReplaceAllString(a, "date") {
		return true
	}
	v1, ok := jsonText(e)
	v2, also := jsonText(a)
	if ok && also && isContainer(v1) && m.match(v1, v2, path+"{json}") {
		return true
	}
	return m.fail(path, "expected %.160q, got %.160q", e, a)
}

// part is a piece of a text with placeholders: a literal, or something to stand for.
type part struct {
	literal string
	name    string // a placeholder that stands for the same text each time
	free    bool   // one that stands for anything
}

// split cuts a text at its placeholders and tokens; nil where it has none.
func (m *matcher) split(e string) []part {
	tokens := make([]string, 0, len(m.tokens))
	for t, kind := range m.tokens {
		if kind == "substring" && strings.Contains(e, t) {
			tokens = append(tokens, t)
		}
	}
	if len(tokens) == 0 && !placeholder.MatchString(e) {
		return nil
	}
	slices.SortFunc(tokens, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	var parts []part
	rest := e
	for rest != "" {
		at, end, name := m.nextMark(rest, tokens)
		if at < 0 {
			break
		}
		parts = append(parts, part{literal: rest[:at]})
		if m.consistent(name) || slices.Contains(tokens, name) {
			parts = append(parts, part{name: name})
		} else {
			parts = append(parts, part{free: true})
		}
		rest = rest[end:]
	}
	return append(parts, part{literal: rest})
}

func (m *matcher) nextMark(s string, tokens []string) (at, end int, name string) {
	at = -1
	if loc := placeholder.FindStringIndex(s); loc != nil {
		at, end, name = loc[0], loc[1], s[loc[0]:loc[1]]
	}
	for _, t := range tokens {
		if i := strings.Index(s, t); i >= 0 && (at < 0 || i < at) {
			at, end, name = i, i+len(t), t
		}
	}
	return at, end, name
}

var numbered = regexp.MustCompile(`(:\d+>|idx>)$`)

func (m *matcher) consistent(name string) bool {
	_, listed := m.placeholders[name]
	return listed || numbered.MatchString(name) || name == "<region>" || name == "<partition>"
}

// parts reports that a is the parts in order; bound takes what names stand for.
func (m *matcher) parts(parts []part, a string, bound map[string]string) bool {
	if len(parts) == 0 {
		return a == ""
	}
	p, rest := parts[0], parts[1:]
	switch {
	case p.free:
		for n := 0; n <= len(a); n++ {
			if m.parts(rest, a[n:], bound) {
				return true
			}
		}
		return false
	case p.name != "":
		return m.named(p.name, rest, a, bound)
	}
	for _, n := range literalLengths(p.literal, a) {
		if m.parts(rest, a[n:], bound) {
			return true
		}
	}
	return false
}

func (m *matcher) named(name string, rest []part, a string, bound map[string]string) bool {
	known, ok := m.bound[name]
	if !ok {
		known, ok = bound[name]
	}
	if ok {
		return strings.HasPrefix(a, known) && m.parts(rest, a[len(known):], bound)
	}
	for n := 1; n <= len(a); n++ {
		bound[name] = a[:n]
		if m.parts(rest, a[n:], bound) {
			return true
		}
	}
	delete(bound, name)
	return false
}

// literalLengths gives the lengths of the beginnings of a that a literal fits;
// "date" in it stands for a timestamp as well.
func literalLengths(literal, a string) []int {
	before, after, ok := strings.Cut(literal, "date")
	if !ok {
		if strings.HasPrefix(a, literal) {
			return []int{len(literal)}
		}
		return nil
	}
	if !strings.HasPrefix(a, before) {
		return nil
	}
	var lengths []int
	at := len(before)
	if strings.HasPrefix(a[at:], "date") {
		for _, n := range literalLengths(after, a[at+4:]) {
			lengths = append(lengths, at+4+n)
		}
	}
	if loc := isoTime.FindStringIndex(a[at:]); loc != nil && loc[0] == 0 {
		for _, n := range literalLengths(after, a[at+loc[1]:]) {
			lengths = append(lengths, at+loc[1]+n)
		}
	}
	return lengths
}
