package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// around returns JSON text of at most about limit bytes: whole where it fits, else the
// values on the way to the pointer, what stands beside them as far as there is room,
// and a note in place of the rest. Text that is not JSON is left as it is.
func around(text, pointer string, limit int) string {
	if len(text) <= limit {
		return text
	}
	v, err := value.Parse(text)
	if err != nil {
		return text
	}
	return prune(v, tokens(pointer), limit).JSON()
}

// tokens of a JSON pointer (RFC 6901).
func tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, p := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(p)
	}
	return parts
}

// prune keeps v within about limit bytes. Half of the room is kept for what the path leads to.
func prune(v value.Value, path []string, limit int) value.Value {
	if v.Size() <= limit {
		return v
	}
	switch v.Kind() {
	case value.KindObject:
		return pruneObject(v, path, limit)
	case value.KindArray:
		return pruneArray(v, path, limit)
	}
	return note(v)
}

func pruneObject(v value.Value, path []string, limit int) value.Value {
	room := limit
	if len(path) > 0 {
		room = limit / 2
	}
	var b value.Builder
	left := 0
	for _, m := range v.Members() {
		size := len(m.Key) + 4
		switch {
		case len(path) > 0 && m.Key == path[0]:
			b.Set(m.Key, prune(m.Value, path[1:], limit/2))
			continue
		case m.Value.Size()+size <= room:
			b.Set(m.Key, m.Value)
			room -= m.Value.Size() + size
		case size+32 <= room:
			b.Set(m.Key, note(m.Value))
			room -= size + 32
		default:
			left++
		}
	}
	if left > 0 {
		b.Set("…", value.String(fmt.Sprintf("%d more members", left)))
	}
	return b.Object()
}

func pruneArray(v value.Value, path []string, limit int) value.Value {
	at := -1
	room := limit
	if len(path) > 0 {
		if i, err := strconv.Atoi(path[0]); err == nil && i >= 0 && i < v.Len() {
			at, room = i, limit/2
		}
	}
	var kept []value.Value
	skipped := 0
	for i, item := range v.Items() {
		if i == at {
			kept = append(withSkipped(kept, &skipped), prune(item, path[1:], limit/2))
			continue
		}
		if item.Size()+1 > room {
			skipped++
			room = min(room, 0)
			continue
		}
		kept = append(withSkipped(kept, &skipped), item)
		room -= item.Size() + 1
	}
	return value.Array(withSkipped(kept, &skipped)...)
}

func withSkipped(items []value.Value, skipped *int) []value.Value {
	if *skipped == 0 {
		return items
	}
	items = append(items, value.String(fmt.Sprintf("… %d items", *skipped)))
	*skipped = 0
	return items
}

// note stands in place of a value that is too large.
func note(v value.Value) value.Value {
	return value.String(fmt.Sprintf("… %s of %d bytes", v.Kind(), v.Size()))
}
