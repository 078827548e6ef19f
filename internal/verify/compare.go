package verify

import (
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// read parses a recorded payload. What was cut off or left out cannot be read.
func read(p history.Payload) (value.Value, bool) {
	if p.IsAbsent() || p.Truncated {
		return value.Value{}, false
	}
	if v, ok := p.Source().(value.Value); ok {
		return v, true
	}
	v, err := value.Parse(p.String())
	return v, err == nil
}

// differ returns the JSON pointer of the first place where a value is neither
// what was recorded nor, where that is known, what the run with the original
// definition made of it: a random number or a date counts as recorded.
func differ(now, recorded, control value.Value) (pointer string, found bool) {
	if value.Equal(now, recorded) || !control.IsAbsent() && value.Equal(now, control) {
		return "", false
	}
	if s, ok := now.AsString(); ok && s == taskToken && recorded.Kind() == value.KindString {
		return "", false
	}
	switch {
	case now.Kind() == value.KindObject && recorded.Kind() == value.KindObject:
		return differInMembers(now, recorded, control)
	case now.Kind() == value.KindArray && recorded.Kind() == value.KindArray && now.Len() == recorded.Len():
		for i, item := range now.Items() {
			if p, found := differ(item, recorded.Items()[i], itemOf(control, i)); found {
				return "/" + strconv.Itoa(i) + p, true
			}
		}
		return "", false
	}
	return "", true
}

func differInMembers(now, recorded, control value.Value) (string, bool) {
	for _, m := range now.Members() {
		old, ok := recorded.Get(m.Key)
		before, _ := control.Get(m.Key)
		if !ok {
			if before.IsAbsent() || !value.Equal(before, m.Value) {
				return "/" + escape(m.Key), true
			}
			continue
		}
		if p, found := differ(m.Value, old, before); found {
			return "/" + escape(m.Key) + p, true
		}
	}
	for _, m := range recorded.Members() {
		if _, ok := now.Get(m.Key); ok {
			continue
		}
		if _, ok := control.Get(m.Key); ok || control.IsAbsent() {
			return "/" + escape(m.Key), true
		}
	}
	return "", false
}

func itemOf(v value.Value, i int) value.Value {
	if v.Kind() != value.KindArray || i >= v.Len() {
		return value.Value{}
	}
	return v.Items()[i]
}

func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// follow goes where a JSON pointer that differ returned leads.
func follow(v value.Value, pointer string) value.Value {
	for _, step := range strings.Split(pointer, "/")[1:] {
		if v.Kind() == value.KindArray {
			i, _ := strconv.Atoi(step)
			v = itemOf(v, i)
			continue
		}
		v, _ = v.Get(strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
	}
	return v
}

const taskToken = "<task token>"

// withoutToken puts a mark in the place of a task's token, which no two runs share.
func withoutToken(v value.Value, token string) value.Value {
	if token == "" {
		return v
	}
	text := v.JSON()
	if !strings.Contains(text, token) {
		return v
	}
	if marked, err := value.Parse(strings.ReplaceAll(text, token, taskToken)); err == nil {
		return marked
	}
	return v
}

// where begins the causes of errors that Step Functions itself raises.
var where = lazyregexp.New(`^An error occurred while executing the state '.*?' \(entered at the event id #\d+\)\. `)

// told is a cause without what differs from run to run.
func told(cause *string) string {
	if cause == nil {
		return ""
	}
	return where.ReplaceAllString(*cause, "")
}

// invalidPath is how causes begin that tell of a path which leads nowhere. How
// they go on has been worded in more than one way.
var invalidPath = lazyregexp.New(`^Invalid path '.+?'`)

// alike reports that two causes tell the same.
func alike(a, b *string) bool {
	if told(a) == told(b) {
		return true
	}
	path := invalidPath.FindString(told(a))
	return path != "" && path == invalidPath.FindString(told(b))
}

func textOr(s *string, or string) string {
	if s == nil {
		return or
	}
	return *s
}
