package redact_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"html"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/redact"
)

// A case is a text with its secrets marked «KIND:secret»; everything else must
// survive. {alnum:12} stands for twelve random letters and digits, so that no file
// holds what looks like a token.
type testCase struct {
	name, text string
	secrets    []string
	want       string // with <KIND> for each secret
}

var (
	generated   = regexp.MustCompile(`\{(alnum|hex|upper|digits|slug|b64):(\d+)\}`)
	marked      = regexp.MustCompile(`(?s)«([A-Z_]+):(.*?)»`)
	placeholder = regexp.MustCompile(`<([A-Z_]+)_[a-z2-9]{6}>`)
)

var alphabets = map[string]string{
	"alnum":  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
	"hex":    "0123456789abcdef",
	"upper":  "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
	"digits": "123456789",
	"slug":   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
	"b64":    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/",
}

func cases(t testing.TB) []testCase {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var list []testCase
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for _, block := range strings.Split("\n"+string(data), "\n-- ")[1:] {
			name, text, _ := strings.Cut(block, " --\n")
			list = append(list, newCase(base+"/"+name, strings.TrimSuffix(text, "\n")))
		}
	}
	return list
}

func newCase(name, text string) testCase {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	random := rand.New(rand.NewPCG(hash.Sum64(), 1))
	text = generated.ReplaceAllStringFunc(text, func(m string) string {
		parts := generated.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[2])
		return randomText(random, parts[1], n)
	})
	c := testCase{name: name, text: marked.ReplaceAllString(text, "$2"), want: marked.ReplaceAllString(text, "<$1>")}
	for _, m := range marked.FindAllStringSubmatch(text, -1) {
		c.secrets = append(c.secrets, m[2])
	}
	return c
}

// randomText has a letter of each case and a digit near its beginning, as real
// tokens have by all likelihood.
func randomText(random *rand.Rand, set string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabets[set][random.IntN(len(alphabets[set]))]
	}
	if must := map[string]string{"alnum": "k7Q", "slug": "k7Q", "b64": "k7Q"}[set]; n >= 6 {
		copy(b[1:], must)
	}
	return string(b)
}

func TestCases(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.name, func(t *testing.T) {
			var r redact.Redactor
			text := r.Text(c.text)
			if got := placeholder.ReplaceAllString(text.String(), "<$1>"); got != c.want {
				t.Errorf("\n in   %s\n got  %s\n want %s", c.text, got, c.want)
			}
			if got := r.Restore(text); got != c.text {
				t.Errorf("restored\n in   %s\n got  %s", c.text, got)
			}
			if again := r.Stored(text.String()); again != text {
				t.Errorf("stored\n was  %s\n got  %s", text, again)
			}
		})
	}
}

// wrappings are what a text goes through on its way into an error's cause; inside
// looks through them again.
var wrappings = []struct {
	name    string
	wrap    func(string) string
	inside  func(string) (string, error)
	twofold bool
}{
	{"json", jsonString, unJSON, true},
	{"percent", url.QueryEscape, url.QueryUnescape, false},
	{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }, unBase64, false},
	{"repr", func(s string) string { return "{'body': " + fmt.Sprintf("%q", s) + "}" }, func(s string) (string, error) { return s, nil }, false},
	{"hex", func(s string) string { return hex.EncodeToString([]byte(s)) }, unHex, false},
	{"base64 in lines", func(s string) string { return inLines(base64.StdEncoding.EncodeToString([]byte(s))) }, unBase64, false},
	{"gzip", gzipped, unGzip, false},
	{"quoted-printable", quotedPrintable, unQuoted, false},
	{"html", html.EscapeString, func(s string) (string, error) { return html.UnescapeString(s), nil }, false},
}

func unHex(s string) (string, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return s, nil // concealed
	}
	return string(b), nil
}

// inLines cuts a text as MIME does.
func inLines(s string) string {
	var b strings.Builder
	for ; len(s) > 76; s = s[76:] {
		b.WriteString(s[:76] + "\n")
	}
	return b.String() + s
}

// gzipped is what CloudWatch Logs sends to a subscriber.
func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s)) // a buffer takes all
	w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func unGzip(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return s, nil // concealed
	}
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	plain, err := io.ReadAll(r)
	return string(plain), err
}

func quotedPrintable(s string) string {
	var b strings.Builder
	w := quotedprintable.NewWriter(&b)
	w.Write([]byte(s)) // a builder takes all
	w.Close()
	return "Content-Transfer-Encoding: quoted-printable\n\n" + b.String()
}

func unQuoted(s string) (string, error) {
	_, body, _ := strings.Cut(s, "\n\n")
	b, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
	return string(b), err
}

func jsonString(s string) string {
	b, _ := json.Marshal(map[string]string{"Cause": s})
	return string(b)
}

func unJSON(s string) (string, error) {
	var m map[string]string
	err := json.Unmarshal([]byte(s), &m)
	return m["Cause"], err
}

func unBase64(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return s, nil // concealed
	}
	return string(b), nil
}

// TestWrapped wraps every case as often as a nested execution does.
func TestWrapped(t *testing.T) {
	for _, c := range cases(t) {
		for _, w := range wrappings {
			text, depth := c.text, 1
			if w.twofold {
				depth = 3
			}
			for n := 1; n <= depth; n++ {
				text = w.wrap(text)
				t.Run(fmt.Sprintf("%s/%s %d", c.name, w.name, n), func(t *testing.T) {
					var r redact.Redactor
					for _, out := range []string{r.Text(text).String(), r.JSON([]byte(text)).String()} {
						inside, err := out, error(nil)
						for range n {
							if inside, err = w.inside(inside); err != nil {
								t.Fatalf("%v\n in  %s\n out %s", err, text, out)
							}
						}
						for _, secret := range c.secrets {
							if strings.Contains(inside, secret) || strings.Contains(out, secret) {
								t.Fatalf("%q survives\n in  %s\n out %s", secret, text, out)
							}
						}
					}
				})
			}
		}
	}
}
