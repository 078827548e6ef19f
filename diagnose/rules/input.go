package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// steps splits a plain path ("$.a.b[0]['c d']") into its steps, indices as
// "[0]". ok is false where the path does more than walk (filters, wildcards, "$$").
func steps(path string) (out []string, ok bool) {
	rest, found := strings.CutPrefix(path, "$")
	if !found || strings.HasPrefix(rest, "$") {
		return nil, false
	}
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, ".") && !strings.HasPrefix(rest, ".."):
			rest = rest[1:]
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 || rest[:end] == "*" || strings.ContainsAny(rest[:end], "()") {
				return nil, false
			}
			out, rest = append(out, rest[:end]), rest[end:]
		case strings.HasPrefix(rest, "['"), strings.HasPrefix(rest, `["`):
			end := strings.Index(rest, rest[1:2]+"]")
			if end < 2 {
				return nil, false
			}
			out, rest = append(out, rest[2:end]), rest[end+2:]
		case strings.HasPrefix(rest, "["):
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, false
			}
			if _, err := strconv.Atoi(rest[1:end]); err != nil {
				return nil, false
			}
			out, rest = append(out, rest[:end+1]), rest[end+1:]
		default:
			return nil, false
		}
	}
	return out, true
}

// stepInto returns what one step leads to.
func stepInto(v value.Value, step string) (value.Value, bool) {
	if strings.HasPrefix(step, "[") {
		i, err := strconv.Atoi(strings.Trim(step, "[]"))
		items := v.Items()
		if i < 0 {
			i += len(items)
		}
		if err != nil || i < 0 || i >= len(items) {
			return value.Value{}, false
		}
		return items[i], true
	}
	return v.Get(step)
}

// follow returns what a plain path leads to in v.
func follow(v value.Value, path string) (value.Value, bool) {
	way, ok := steps(path)
	if !ok || v.IsAbsent() {
		return value.Value{}, false
	}
	for _, s := range way {
		if v, ok = stepInto(v, s); !ok {
			return value.Value{}, false
		}
	}
	return v, true
}

// gap is where a path leaves the data.
type gap struct {
	reached string      // "$.payment": the longest part that is there
	missing string      // "total": the step that is not
	at      value.Value // what reached leads to
	pointer string      // JSON pointer of reached
	rest    []string    // steps behind missing
	tail    string      // "[*].Key": the end of the path, from the first step on that does more than walk
}

// beyondWalking is the first step of a path that does more than walk: a wildcard, a
// filter, a slice, a list of indices, "..".
var beyondWalking = lazyregexp.New(`\.\.|\.\*|\[(?:\*|\?|-?\d*:|-?\d+,)`)

// findGap walks path in v, up to where it does more than walk; ok is false where the
// input is unknown, the path is no plain one, or all of it is there.
func findGap(v value.Value, path string) (g gap, ok bool) {
	tail := ""
	if at := beyondWalking.FindStringIndex(path); at != nil {
		path, tail = path[:at[0]], path[at[0]:]
	}
	way, plain := steps(path)
	if !plain || v.IsAbsent() {
		return gap{}, false
	}
	g = gap{reached: "$", at: v, tail: tail}
	for i, s := range way {
		next, there := stepInto(g.at, s)
		if !there {
			g.missing, g.rest = s, way[i+1:]
			return g, true
		}
		g.at = next
		g.reached = join(g.reached, s)
		g.pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(strings.Trim(s, "[]"))
	}
	return gap{}, false
}

// join appends one step to a path.
func join(path, step string) string {
	if strings.HasPrefix(step, "[") {
		return path + step
	}
	if simpleKey(step) {
		return path + "." + step
	}
	return path + "['" + step + "']"
}

func simpleKey(s string) bool {
	for i, r := range s {
		if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && (r >= '0' && r <= '9')) {
			return false
		}
	}
	return s != ""
}

// keysOf lists the members of an object, as far as they can be said.
func keysOf(v value.Value) []string {
	var keys []string
	for _, m := range v.Members() {
		if looksLikeName(m.Key) && len(m.Key) <= 64 {
			keys = append(keys, m.Key)
		}
	}
	return keys
}

// contents says what a value is: "an object with amount and card".
func contents(v value.Value) string {
	switch v.Kind() {
	case value.KindObject:
		keys := keysOf(v)
		switch {
		case v.Len() == 0:
			return "an empty object ({})"
		case len(keys) == 0:
			return "an object"
		case len(keys) > 8:
			return "an object with " + strings.Join(keys[:8], ", ") + " and " + strconv.Itoa(v.Len()-8) + " more"
		}
		return "an object with " + list(keys)
	case value.KindArray:
		if v.Len() == 0 {
			return "an empty array"
		}
		return fmt.Sprintf("an array of %d", v.Len())
	case value.KindNull:
		return "null"
	case value.KindAbsent:
		return "nothing"
	}
	return "a " + v.Kind().String()
}

// elsewhere finds plain paths in v that end in the same key as the missing one, or
// in the same further steps; at most three, shortest first.
func elsewhere(v value.Value, g gap) []string {
	want := append([]string{g.missing}, g.rest...)
	var found []string
	var walk func(v value.Value, path string, depth int)
	walk = func(v value.Value, path string, depth int) {
		if depth > 6 || len(found) > 20 {
			return
		}
		at, ok := v, true
		for _, s := range want {
			if at, ok = stepInto(at, s); !ok {
				break
			}
		}
		if ok {
			p := path
			for _, s := range want {
				p = join(p, s)
			}
			found = append(found, p)
		}
		for _, m := range v.Members() {
			if looksLikeName(m.Key) {
				walk(m.Value, join(path, m.Key), depth+1)
			}
		}
		for i, item := range v.Items() {
			if i == 3 {
				break
			}
			walk(item, fmt.Sprintf("%s[%d]", path, i), depth+1)
		}
	}
	walk(v, "$", 0)
	slices.SortStableFunc(found, func(a, b string) int { return len(a) - len(b) })
	return found[:min(3, len(found))]
}

// nearest is the path that was probably meant instead of the one with gap g, and
// why; "" where nothing is near.
func nearest(v value.Value, g gap) (path, why string) {
	if strings.HasPrefix(g.missing, "[") {
		return "", ""
	}
	if key := nearestKey(g); key != "" {
		p := join(g.reached, key)
		for _, s := range g.rest {
			p = join(p, s)
		}
		if len(g.rest) == 0 {
			return p + g.tail, "the nearest key there"
		}
		if _, ok := follow(v, p); ok {
			return p + g.tail, "the nearest key there"
		}
	}
	if found := elsewhere(v, g); len(found) > 0 {
		return found[0] + g.tail, "where that key does exist"
	}
	return "", ""
}

func nearestKey(g gap) string {
	best, bestDistance := "", 1000
	norm := func(s string) string {
		return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s))
	}
	for _, k := range keysOf(g.at) {
		d := distance(norm(k), norm(g.missing))
		if strings.Contains(norm(k), norm(g.missing)) || strings.Contains(norm(g.missing), norm(k)) && len(k) > 3 {
			d = min(d, 2)
		}
		if d < bestDistance {
			best, bestDistance = k, d
		}
	}
	if bestDistance <= max(1, len(g.missing)/3) {
		return best
	}
	for _, group := range synonyms {
		if !slices.Contains(group, norm(g.missing)) {
			continue
		}
		var same []string
		for _, k := range keysOf(g.at) {
			if slices.Contains(group, norm(k)) {
				same = append(same, k)
			}
		}
		if len(same) == 1 {
			return same[0]
		}
	}
	return ""
}

// synonyms are names that people give to the same thing.
var synonyms = [][]string{
	{"total", "amount", "sum", "price", "value", "cost"},
	{"id", "identifier", "uuid", "key", "ref", "reference"},
	{"name", "title", "label"},
	{"status", "state", "result", "outcome"},
	{"items", "list", "records", "rows", "entries", "elements", "lines", "results"},
	{"email", "mail", "emailaddress"},
	{"file", "filename", "path", "filepath", "object", "key"},
	{"url", "uri", "link", "endpoint"},
	{"date", "time", "timestamp", "day", "datetime"},
	{"count", "number", "num", "size", "length", "quantity", "qty"},
	{"message", "msg", "text", "body", "content"},
	{"user", "customer", "client", "account"},
	{"error", "err", "exception", "failure"},
	{"payload", "data", "body", "detail", "event"},
}

// distance is the Levenshtein distance of two short texts.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 1000
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			prev, row[j] = row[j], min(row[j]+1, row[j-1]+1, prev+cost)
		}
	}
	return row[len(b)]
}
