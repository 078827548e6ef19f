package value_test

import (
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// FuzzBothParsersAgree holds the fast parser to what the one on jsontext says.
func FuzzBothParsersAgree(f *testing.F) {
	for _, s := range []string{
		``, ` `, `null`, ` true `, `[1, -0, 0.5e+3, 1E5]`, `{"a":{"b":[]},"a":2}`, `"a\u00e9\ud83d\ude00\n"`, `"\ud800"`, `"\udc00\ud800"`,
		`01`, `1.`, `-`, `1e`, `[1,]`, `{"a":1,}`, `{a:1}`, `"` + "\xff" + `"`, `"é"`, `"` + "\t" + `"`, `nul`, `1 2`, `"\x"`, `"\u12"`, `[`, `{"a"`,
		`"\"`, `"é\"` + "\xff" + `"`, `{"\u0061":1,"a":2}`, "\ufeff1", `"\/"`, `[[[[]]]]`, `-01`, `"\ud83d\u0041"`, `1e999`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		slow, err := value.ParseSlow(s)
		quick, ok := value.ParseFast(s)
		switch {
		case ok && err != nil:
			t.Fatalf("%q: taken, though %v", s, err)
		case !ok && err == nil:
			t.Fatalf("%q: not taken", s)
		case ok && (slow.JSON() != quick.JSON() || !value.Equal(slow, quick) || slow.Size() != quick.Size()):
			t.Fatalf("%q: %s, want %s", s, quick.JSON(), slow.JSON())
		}
	})
}
