package instrument_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/instrument"
)

// layouts write the same definition in other ways.
var layouts = map[string]func(string, *rand.Rand) string{
	"CRLF": func(s string, _ *rand.Rand) string {
		return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
	},
	"tabs":             func(s string, _ *rand.Rand) string { return indented(s, "\t") },
	"four spaces":      func(s string, _ *rand.Rand) string { return indented(s, "    ") },
	"minified":         func(s string, _ *rand.Rand) string { return indented(s, "") },
	"byte-order mark":  func(s string, _ *rand.Rand) string { return "\ufeff" + s },
	"no final newline": func(s string, _ *rand.Rand) string { return strings.TrimRight(s, "\n") },
	"any spaces":       scattered,
}

func indented(s, unit string) string {
	var b bytes.Buffer
	write := func() error { return json.Indent(&b, []byte(s), "", unit) }
	if unit == "" {
		write = func() error { return json.Compact(&b, []byte(s)) }
	}
	if err := write(); err != nil {
		panic(err)
	}
	return b.String()
}

// scattered puts white space of all kinds wherever JSON lets it be.
func scattered(s string, r *rand.Rand) string {
	var b strings.Builder
	space := func() {
		for range r.IntN(3) {
			b.WriteString([]string{" ", "\n", "\r\n", "\t", "  "}[r.IntN(5)])
		}
	}
	quoted := false
	tight := indented(s, "")
	for i, c := range tight {
		if c == '"' && (i == 0 || !escapes(tight, i)) {
			quoted = !quoted
		}
		structural := !quoted && strings.ContainsRune("{}[],:", c)
		if structural {
			space()
		}
		b.WriteRune(c)
		if structural {
			space()
		}
	}
	return b.String()
}

// escapes tells whether the byte at i is escaped.
func escapes(s string, i int) bool {
	n := 0
	for i--; i >= 0 && s[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

var ways = []instrument.Options{{}, {After: instrument.Succeed}, {Handled: true}, {Express: true}, {Express: true, Handled: true, After: instrument.Succeed}}

// However a sample is laid out, what is added can be taken away, and added anew gives
// the same.
func TestEveryLayoutIsRestored(t *testing.T) {
	all, ran := samples(t), 0
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, layout := range slices.Sorted(maps.Keys(layouts)) {
			text := layouts[layout](all[name], r)
			o := ways[r.IntN(len(ways))]
			added := roundTripWith(t, name+", "+layout, text, o)
			if added == nil {
				continue
			}
			ran++
			removed, err := instrument.Remove(name, []byte(added.Text))
			if err != nil {
				t.Fatal(err)
			}
			again, err := instrument.Add(name, []byte(removed.Text), o)
			if errors.Is(err, instrument.ErrNotExpress) {
				continue
			}
			if err != nil || again.Text != added.Text {
				t.Errorf("%s, %s: added anew it is another text: %v", name, layout, err)
			}
		}
	}
	t.Logf("restored: %d of %d", ran, len(all)*len(layouts))
}

// A list of no catchers is a list of none again, as it was written.
func TestAnEmptyCatchIsEmptyAgain(t *testing.T) {
	for _, empty := range []string{"[]", "[ ]", "[\n\t\t]", "[\r\n]"} {
		for _, o := range ways {
			added := roundTripWith(t, empty, strings.Replace(noCatcher, "[]", empty, 1), o)
			if added == nil {
				t.Errorf("%q: it cannot be instrumented", empty)
			}
		}
	}
	added, err := instrument.Add("", []byte(noCatcher), instrument.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const own = `{"ErrorEquals":["A"],"Next":"W"}`
	changed := strings.Replace(added.Text, `"Catch":[`, `"Catch":[`+own+`,`, 1)
	if removed, err := instrument.Remove("", []byte(changed)); err != nil || removed.Text != strings.Replace(noCatcher, "[]", "["+own+"]", 1) {
		t.Errorf("with a catcher of the user's since: %v\n%s", err, removed.Text)
	}
}

const noCatcher = `{"StartAt":"W","States":{"W":{"Type":"Task","Resource":"${F}","Catch":[],"End":true}}}`

func FuzzAddAndRemove(f *testing.F) {
	for _, text := range machines {
		f.Add(text)
	}
	for _, text := range catching {
		f.Add(text)
	}
	f.Add(busy)
	f.Add(noCatcher)
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range ways {
			added, err := instrument.Add("fuzz", []byte(text), o)
			if err != nil {
				continue
			}
			removed, err := instrument.Remove("fuzz", []byte(added.Text))
			if err != nil || removed.Text != text {
				t.Fatalf("%+v: %v\n%s\nbecame\n%s", o, err, text, removed.Text)
			}
		}
	})
}
