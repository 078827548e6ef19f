// Package redact is the only door through which text leaves the process: it turns
// a string into a [Text], in which secrets and personal data are replaced by typed
// placeholders. The same secret gets the same placeholder wherever one key is used,
// so that redacted texts can still be compared, cached and reasoned about.
//
// A secret is told by its own form (a GitHub token, a card number with a right
// check digit, a PEM block) or by the name beside it ("dbPassword": …, --token …,
// <password>…), through any depth of JSON escaping, percent encoding, character
// references and base64. There is no entropy guessing: request ids, hashes and
// keys of S3 objects stay readable.
//
// It knows nothing of Step Functions' histories, of diagnoses and of models. It
// reads no environment and writes no file.
package redact

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Redactor conceals secrets. The zero Redactor is ready to use; its fields must not
// be changed after the first use. It is safe for concurrent use.
//
// Redaction fails closed: where it cannot run, as a pattern is not valid or a rule
// panics, the result is a constant that says so and holds nothing of the input.
type Redactor struct {
	// Key makes placeholders stable: the same key and the same secret give the same
	// placeholder in every process. Nil means a random key for this process. A key
	// needs 16 bytes at least, as short secrets could otherwise be found by trying.
	Key []byte
	// Patterns are further secrets, besides the built-in ones.
	Patterns []Pattern
	// Names are further names whose values are concealed, compared without regard
	// to case and punctuation: "loyaltyId" is also loyalty_id.
	Names []string
	// Allow are regular expressions (RE2). A value which one of them matches from its
	// beginning to its end is left as it is.
	Allow []string

	once     sync.Once
	setup    *setup
	setupErr error

	mu      sync.Mutex
	ids     map[string]string // plain secret to id, so that each is hashed once
	origins map[string]origin // placeholder to what it stands for
	totals  Receipt
}

// Pattern finds secrets of a kind of your own.
type Pattern struct {
	// Kind is capital letters, digits and single underscores: "LOYALTY_ID".
	Kind Kind
	// Expr is a regular expression (RE2). If it has groups, what the first one
	// matches is concealed, else the whole match. It sees the text as it is, with
	// its escapes, then what was percent-encoded or in base64, and in a stream at
	// most a window of it.
	Expr string
}

// origin is what a placeholder stands for.
type origin struct {
	raw, plain string
	ambiguous  bool // two secrets share the placeholder
}

// maxRemembered bounds the memory for what was concealed. What comes after is
// concealed alike, but [Redactor.Restore] does not know it.
const maxRemembered = 1 << 16

// withheldText stands for a text that could not be redacted.
const withheldText = "[concealed: redaction could not run]"

// Check reports what is wrong with the configuration. Every text would be withheld
// as a whole.
func (r *Redactor) Check() error {
	_, err := r.prepare()
	return err
}

// Text conceals the secrets of a text of any form: prose, logs, JSON, reprs of
// other languages, URLs, configuration files, or several of them inside another.
func (r *Redactor) Text(s string) Text {
	t, _ := r.redact(s, false)
	return t
}

// Stored is [Redactor.Text] for text that was redacted before, stored and read
// back: its placeholders stay, instead of being escaped as forgeries. Use it only
// for what this installation wrote.
func (r *Redactor) Stored(s string) Text {
	t, _ := r.redact(s, true)
	return t
}

func (r *Redactor) redact(s string, keep bool) (t Text, err error) {
	defer func() {
		if recover() != nil {
			t, err = Text{withheldText}, errRedaction
		}
	}()
	setup, err := r.prepare()
	if err != nil {
		return Text{withheldText}, err
	}
	w := writer{redactor: r, key: setup.key, keep: keep, remember: true}
	sc := newScan(s, setup)
	spans := sc.run()
	if keep {
		spans = outsidePlaceholders(s, spans)
	}
	w.write(s, spans, sc.escapes)
	return Text{w.out.String()}, nil
}

// errRedaction has no detail, as a panic's value could hold text of the input.
var errRedaction = errors.New("redaction could not run")

// prepare reads the configuration once.
func (r *Redactor) prepare() (*setup, error) {
	r.once.Do(func() { r.setup, r.setupErr = newSetup(r) })
	return r.setup, r.setupErr
}

// setup is the configuration, read and checked.
type setup struct {
	builtin  *automaton
	key      []byte
	patterns []compiled
	names    map[string]bool // letters and digits only, lower case
	allow    []*regexp.Regexp
}

type compiled struct {
	kind Kind
	expr *regexp.Regexp
}

func newSetup(r *Redactor) (*setup, error) {
	setup := &setup{builtin: builtin(), key: r.Key, names: map[string]bool{}}
	if r.Key == nil {
		setup.key = make([]byte, 32)
		rand.Read(setup.key) // never fails
	}
	if len(setup.key) < 16 {
		return nil, fmt.Errorf("redact: the key has %d bytes; it needs 16 at least", len(setup.key))
	}
	for _, p := range r.Patterns {
		expr, err := regexp.Compile(p.Expr)
		if err != nil {
			return nil, fmt.Errorf("redact: pattern for %q: %w", p.Kind, err)
		}
		if !p.Kind.valid() {
			return nil, fmt.Errorf("redact: kind %q: only capital letters, digits and single underscores", p.Kind)
		}
		setup.patterns = append(setup.patterns, compiled{p.Kind, expr})
	}
	for _, name := range r.Names {
		setup.names[squash(name)] = true
	}
	if len(r.Names) > 0 {
		setup.builtin = newAutomaton(append(rules(), configured))
	}
	for _, allow := range r.Allow {
		expr, err := regexp.Compile(`\A(?:` + allow + `)\z`)
		if err != nil {
			return nil, fmt.Errorf("redact: allow list: %w", err)
		}
		setup.allow = append(setup.allow, expr)
	}
	return setup, nil
}

// squash keeps the letters and digits of a name, in lower case.
func squash(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if isAlnum(c) || c >= 0x80 {
			b.WriteByte(lower(c))
		}
	}
	return b.String()
}

// allowed reports whether the configuration lets a value out.
func (setup *setup) allowed(plain string) bool {
	for _, expr := range setup.allow {
		if expr.MatchString(plain) {
			return true
		}
	}
	return false
}

// scan applies the configured patterns.
func (setup *setup) scan(sc *scan) {
	for _, p := range setup.patterns {
		for _, m := range p.expr.FindAllStringSubmatchIndex(sc.s, -1) {
			start, end := m[0], m[1]
			if len(m) > 2 && m[2] >= 0 {
				start, end = m[2], m[3]
			}
			sc.conceal(start, end, p.kind)
		}
	}
}

// Restore puts back what this Redactor has concealed, each secret as it was written
// where it was met first. Placeholders it does not know, or of which it knows two
// meanings, stay. The result is for this process only.
func (r *Redactor) Restore(t Text) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	done := 0
	for p := range placeholders(t.s) {
		from, known := r.origins[t.s[p.start:p.end]]
		if !known || from.ambiguous {
			continue
		}
		b.WriteString(unescape(t.s[done:p.start]))
		b.WriteString(from.raw)
		done = p.end
	}
	b.WriteString(unescape(t.s[done:]))
	return b.String()
}

// Format keeps a Redactor's key and memory out of every printed form of it.
func (r *Redactor) Format(f fmt.State, _ rune) { fmt.Fprint(f, "redact.Redactor") }
