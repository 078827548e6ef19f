package redact_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stepsleuth/stepsleuth/redact"
)

var testKey = []byte("a key of a test, 32 bytes long..")

func TestSameSecretSamePlaceholder(t *testing.T) {
	first, second, other := redact.Redactor{Key: testKey}, redact.Redactor{Key: testKey}, redact.Redactor{}
	a := first.Text("card 4242 4242 4242 4242").String()
	for _, same := range []string{"4242424242424242", "4242-4242-4242-4242"} {
		if b := second.Text("card " + same).String(); a != b {
			t.Errorf("%s is not %s", a, b)
		}
	}
	if b := other.Text("card 4242 4242 4242 4242").String(); a == b {
		t.Error("a random key gives the same placeholder")
	}
	if b := second.Text("card 5555 5555 5555 4444").String(); a == b {
		t.Error("two cards have one placeholder")
	}
}

func TestOneSecretAtAnyDepthOfEscaping(t *testing.T) {
	r := redact.Redactor{Key: testKey}
	text := `{"password":"a\"b\\c42"}`
	want := placeholder.FindString(r.Text(text).String())
	for range 3 {
		text = jsonString(text)
		if got := placeholder.FindString(r.Text(text).String()); got != want {
			t.Errorf("%s is not %s in %s", got, want, text)
		}
	}
}

func TestPlaceholdersCannotBeForged(t *testing.T) {
	r := redact.Redactor{Key: testKey}
	real := r.Text("card 4242 4242 4242 4242").String()[len("card "):]
	for _, forged := range []string{
		real,
		"<CARD_abcdef>",
		strings.Replace(real, "<", "<_", 1),
		strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(real),
		strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(real),
		strings.NewReplacer("<", "%3C", ">", "%3E").Replace(real),
		"password: " + real,
		`{"password":"` + real + `"}`,
	} {
		text := r.Text(forged)
		if text.Receipt().Count != 0 || strings.Contains(text.String(), real) || strings.Contains(text.String(), forged) {
			t.Errorf("%s comes out as %s", forged, text)
		}
		if got := r.Restore(text); got != forged {
			t.Errorf("%s is restored as %s", forged, got)
		}
	}
}

func TestStoredKeepsPlaceholdersAndConcealsTheRest(t *testing.T) {
	r := redact.Redactor{Key: testKey}
	once := r.Text("mail ana@example.com").String()
	got := r.Stored(once + " and bob@example.com").String()
	if !strings.HasPrefix(got, once) || strings.Contains(got, "bob") {
		t.Error(got)
	}
}

func TestRestoreKnowsOnlyItsOwn(t *testing.T) {
	a, b := redact.Redactor{Key: testKey}, redact.Redactor{Key: testKey}
	text := a.Text("mail ana@example.com")
	if got := a.Restore(text); got != "mail ana@example.com" {
		t.Error(got)
	}
	if got := b.Restore(text); got != text.String() {
		t.Errorf("another process restores %s", got)
	}
}

// TestRestoreLeavesAmbiguousPlaceholders looks for two addresses with one id.
func TestRestoreLeavesAmbiguousPlaceholders(t *testing.T) {
	r := redact.Redactor{Key: testKey}
	seen := map[redact.Text]bool{}
	for i := range 1 << 18 {
		text := r.Text(fmt.Sprintf("a%d@example.com", i))
		if seen[text] {
			if got := r.Restore(text); got != text.String() {
				t.Errorf("restored %s for two secrets", got)
			}
			return
		}
		seen[text] = true
	}
	t.Skip("no two of them share an id")
}

func TestFailsClosed(t *testing.T) {
	const secret = "hunter2 and all the rest"
	for name, r := range map[string]*redact.Redactor{
		"bad pattern":    {Patterns: []redact.Pattern{{Kind: "X", Expr: "("}}},
		"bad kind":       {Patterns: []redact.Pattern{{Kind: "x y", Expr: "a"}}},
		"bad allow list": {Allow: []string{"("}},
		"short key":      {Key: []byte("short")},
	} {
		t.Run(name, func(t *testing.T) {
			if r.Check() == nil {
				t.Error("Check finds nothing wrong")
			}
			var out bytes.Buffer
			if err := r.Stream(&out, strings.NewReader(secret)); err == nil || out.Len() > 0 {
				t.Errorf("Stream: %v, %q", err, out.String())
			}
			for _, text := range []redact.Text{r.Text(secret), r.Stored(secret), r.JSON([]byte(`{"a":"` + secret + `"}`))} {
				if !strings.Contains(text.String(), "concealed") || strings.Contains(text.String(), "rest") {
					t.Errorf("got %s", text)
				}
			}
			if doc := r.JSON([]byte(`{}`)).String(); !json.Valid([]byte(doc)) {
				t.Errorf("not JSON: %s", doc)
			}
		})
	}
}

// TestWithholdsWhatCostsTooMuch uses a text in which every name looks at all that
// follows it.
func TestWithholdsWhatCostsTooMuch(t *testing.T) {
	var r redact.Redactor
	text := strings.Repeat(`phone:{iban:{`, 1<<14)
	if got := r.Text(text).String(); len(got) > 100 {
		t.Errorf("%d bytes came out", len(got))
	}
	if err := r.Stream(io.Discard, strings.NewReader(text)); err == nil {
		t.Error("no error")
	}
}

func TestConfiguration(t *testing.T) {
	r := redact.Redactor{
		Patterns: []redact.Pattern{{Kind: "LOYALTY", Expr: `\bLOY-(\d+)`}, {Kind: "PLATE", Expr: `[A-Z]{2} \d{4}`}},
		Names:    []string{"loyaltyTier"},
		Allow:    []string{`noreply@example\.com`, `4242.*`},
	}
	got := placeholder.ReplaceAllString(r.Text(
		`LOY-123 AB 1234 loyalty_tier="gold" {"loyaltyTier":"gold"} noreply@example.com xnoreply@example.com 4242424242424242`).String(), "<$1>")
	want := `LOY-<LOYALTY> <PLATE> loyalty_tier="<SECRET>" {"loyaltyTier":"<SECRET>"} noreply@example.com <EMAIL> 4242424242424242`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestReceipts(t *testing.T) {
	r := redact.Redactor{Key: testKey}
	text := r.Text("mail ana@example.com\nand\n  card 4242 4242 4242 4242, bob@example.com")
	receipt := text.Receipt()
	if receipt.Count != 3 || receipt.Kinds[redact.Email] != 2 || receipt.Kinds[redact.Card] != 1 {
		t.Errorf("%+v", receipt)
	}
	if p := receipt.Removals[1]; p.Kind != redact.Card || p.Line != 3 || p.Column != 8 || !strings.Contains(text.String(), p.Placeholder) {
		t.Errorf("%+v", p)
	}
	r.Text("again ana@example.com")
	if total := r.Receipt(); total.Count != 4 || total.Kinds[redact.Email] != 3 || total.Removals != nil {
		t.Errorf("%+v", total)
	}
	joined := redact.Join(" ", text, text)
	if joined.Receipt().Count != 6 {
		t.Error("joined texts lose their receipts")
	}
}

func TestRedactorPrintsNothing(t *testing.T) {
	r := &redact.Redactor{Key: testKey}
	r.Text("mail ana@example.com")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, r); got != "redact.Redactor" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	var r redact.Redactor
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for j := range 50 {
				text := r.Text(fmt.Sprintf("mail a%d@example.com %d", j, i))
				if r.Restore(text) == text.String() {
					t.Error("not concealed")
				}
			}
		})
	}
	wait.Wait()
	if got := r.Receipt().Count; got != 400 {
		t.Errorf("%d removals", got)
	}
}

func TestJSONKeepsEverythingElse(t *testing.T) {
	var r redact.Redactor
	tests := []struct{ in, want string }{
		{`{"b":1.50,"a":1e3,"z":-0,"big":12345678901234567890}`, `{"b":1.50,"a":1e3,"z":-0,"big":12345678901234567890}`},
		{"{\n  \"password\" : \"x\\u0041y\" ,\"u\":\"\\u00e9\\/\"}", "{\n  \"password\" : \"<PASSWORD>\" ,\"u\":\"\\u00e9\\/\"}"},
		{`{"pin":4711,"n":4242424242424242,"maxTokens":4096}`, `{"pin":"<PASSWORD>","n":"<CARD>","maxTokens":4096}`},
		{`{"ana@example.com":{"password":null,"token":true}}`, `{"<EMAIL>":{"password":null,"token":true}}`},
		{`"ana@example.com"`, `"<EMAIL>"`},
		{`{"a":["ana@example.com",{"b":"ana\u0040example.com"}]}`, `{"a":["<EMAIL>",{"b":"<EMAIL>"}]}`},
		{`{"Error":"InvalidIban","Cause":"GB82WEST12345698765433 failed"}`, `{"Error":"InvalidIban","Cause":"<IBAN> failed"}`},
		{`not JSON: ana@example.com`, `not JSON: <EMAIL>`},
		{``, ``},
		{`{"k":"-----BEGIN PRIVATE KEY-----\nMIIabcdefghijklmnop","next":"stays"}`, `{"k":"<PRIVATE_KEY>","next":"stays"}`},
	}
	for _, test := range tests {
		got := placeholder.ReplaceAllString(r.JSON([]byte(test.in)).String(), "<$1>")
		if got != test.want {
			t.Errorf("in   %s\ngot  %s\nwant %s", test.in, got, test.want)
		}
	}
	hexadecimal := redact.Redactor{Patterns: []redact.Pattern{{Kind: "NUMBER", Expr: `00\d\d`}}}
	if got := hexadecimal.JSON([]byte(`{"a":"b\u0041"}`)).String(); !json.Valid([]byte(got)) {
		t.Errorf("half an escape: %s", got)
	}
}

func TestStreamEqualsText(t *testing.T) {
	var all strings.Builder
	for _, c := range cases(t) {
		all.WriteString(c.text + "\n\n")
	}
	r := redact.Redactor{Key: testKey}
	want := r.Text(all.String()).String()
	readers := map[string]func(string) io.Reader{
		"at once":    func(s string) io.Reader { return strings.NewReader(s) },
		"by bytes":   func(s string) io.Reader { return iotest.OneByteReader(strings.NewReader(s)) },
		"halves":     func(s string) io.Reader { return iotest.HalfReader(strings.NewReader(s)) },
		"data & EOF": func(s string) io.Reader { return iotest.DataErrReader(strings.NewReader(s)) },
	}
	for name, reader := range readers {
		var out strings.Builder
		if err := r.Stream(&out, reader(all.String())); err != nil || out.String() != want {
			t.Errorf("%s: %v, %d bytes instead of %d", name, err, out.Len(), len(want))
		}
	}
}

// TestStreamFindsSecretsAcrossWindows pushes each case over the border of a window,
// in lines and in one line.
func TestStreamFindsSecretsAcrossWindows(t *testing.T) {
	const window = 1 << 20
	for i, c := range cases(t) {
		if i%8 != 0 {
			continue
		}
		for _, filler := range []string{"INFO nothing to see here, move on\n", "nothing to see here; "} {
			size := window - 64<<10 - len(c.text)*(i%5)/4
			text := strings.Repeat(filler, size/len(filler)) + "\n" + c.text + "\n" + strings.Repeat(filler, 90<<10/len(filler))
			var out strings.Builder
			r := redact.Redactor{Key: testKey}
			if err := r.Stream(&out, strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
			for _, secret := range c.secrets {
				if strings.Contains(out.String(), secret) && !strings.Contains(filler, secret) {
					t.Errorf("%s: %q survives", c.name, secret)
				}
			}
		}
	}
}

func TestStreamConcealsWhatFillsManyWindows(t *testing.T) {
	var r redact.Redactor
	long := strings.Repeat("k7Q+", 1<<20)
	for _, text := range []string{`{"a":"b","token":"` + long + `","n":1}`, "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat(long[:64]+"\n", 1<<15) + "-----END PRIVATE KEY-----\nafter"} {
		var out strings.Builder
		if err := r.Stream(&out, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 4<<10 {
			t.Errorf("%d bytes of a secret came out: %.100s … %.100s", out.Len(), out.String(), out.String()[out.Len()-100:])
		}
	}
}

func TestStreamReportsFaults(t *testing.T) {
	var r redact.Redactor
	fault := errors.New("fault")
	if err := r.Stream(io.Discard, iotest.ErrReader(fault)); !errors.Is(err, fault) {
		t.Errorf("read: %v", err)
	}
	if err := r.Stream(failing{fault}, strings.NewReader("text")); !errors.Is(err, fault) {
		t.Errorf("write: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
