package redact

import "strings"

// writer puts placeholders in the place of secrets.
type writer struct {
	redactor *Redactor
	key      []byte
	keep     bool // leave what looks like a placeholder alone
	remember bool // so that the secret can be restored
	out      strings.Builder
}

// write appends s with its spans concealed, and with an underscore at each of
// escapes, where something looks like a placeholder.
func (w *writer) write(s string, spans []span, escapes []int) {
	w.writeFrom(s, 0, len(s), spans, escapes)
}

// writeFrom appends s[start:end]. A span that begins before start has its placeholder
// already.
func (w *writer) writeFrom(s string, start, end int, spans []span, escapes []int) {
	w.out.Grow(end - start)
	for _, sp := range spans {
		if sp.end <= start || sp.start >= end {
			continue
		}
		if sp.start >= start {
			escapes = w.plain(s, start, sp.start, escapes)
			w.placeholder(sp, s[sp.start:sp.end])
		}
		start = min(sp.end, end)
	}
	w.plain(s, start, end, escapes)
}

// plain appends s[start:end], which holds no secrets, and returns the escapes that
// are left.
func (w *writer) plain(s string, start, end int, escapes []int) []int {
	for len(escapes) > 0 && escapes[0] < end {
		if at := escapes[0]; at >= start && !w.keep {
			w.out.WriteString(s[start:at])
			w.out.WriteByte('_')
			start = at
		}
		escapes = escapes[1:]
	}
	w.out.WriteString(s[start:end])
	return escapes
}

func (w *writer) placeholder(sp span, raw string) {
	id := w.redactor.concealed(w.key, sp.kind, raw, sp.plain, w.remember)
	text := "<" + string(sp.kind) + "_" + id + ">"
	if sp.bare {
		text = `"` + text + `"`
	}
	w.out.WriteString(text)
}

// concealed returns the id of a secret, counts it and, if asked to, remembers it.
func (r *Redactor) concealed(key []byte, kind Kind, raw, plain string, remember bool) string {
	plain = canonical(kind, plain)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.totals.count(kind)
	id, known := r.ids[plain]
	if !known {
		id = placeholderID(key, plain)
		if len(r.ids) < maxRemembered {
			if r.ids == nil {
				r.ids = map[string]string{}
			}
			r.ids[strings.Clone(plain)] = id
		}
	}
	if remember {
		r.remember("<"+string(kind)+"_"+id+">", raw, plain)
	}
	return id
}

func (r *Redactor) remember(placeholder, raw, plain string) {
	if r.origins == nil {
		r.origins = map[string]origin{}
	}
	from, known := r.origins[placeholder]
	switch {
	case known && from.plain != plain:
		from.ambiguous = true
		r.origins[placeholder] = from
	case !known && len(r.origins) < maxRemembered:
		r.origins[placeholder] = origin{raw: strings.Clone(raw), plain: strings.Clone(plain)}
	}
}

// canonical is the spelling of a secret that its id is made of, so that a card
// number with and without spaces is one secret.
func canonical(kind Kind, plain string) string {
	switch kind {
	case Card, IBAN, Phone, SSN:
		if s := squash(plain); s != "" {
			return s
		}
	case Email:
		return strings.ToLower(plain)
	}
	return plain
}
