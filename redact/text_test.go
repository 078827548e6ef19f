//lint:file-ignore SA9005 that nothing can be read into a Text is what is tested here

package redact_test

import (
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/redact"
)

func TestFormatTakesOnlyTextAndNumbers(t *testing.T) {
	var r redact.Redactor
	order := r.Text("order O-7")
	tests := []struct {
		got  redact.Text
		want string
	}{
		{redact.Format("%s failed %d times after %v", order, 3, 1.5), "order O-7 failed 3 times after 1.5"},
		{redact.Format("%-12s|%q|%5d|%t", order, order, uint8(7), true), `order O-7   |"order O-7"|    7|true`},
		{redact.Format("%s", "hunter2"), "[concealed]"},
		{redact.Format("%d %x %q %#v %T", "hunter2", "hunter2", "hunter2", "hunter2", []byte("hunter2")), "[concealed] [concealed] [concealed] [concealed] redact.withheld"},
		{redact.Format("%v %v %v", errors.New("hunter2"), nil, []int{1}), "[concealed] [concealed] [concealed]"},
		{redact.Format("%v", struct{ redact.Text }{order}), "[concealed]"},
		{redact.Format("%v %v", talkative(1), time.Second), "1 1000000000"},
	}
	for _, test := range tests {
		if got := test.got.String(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// talkative is a number whose method would say more.
type talkative int

func (talkative) String() string { return "hunter2" }

func TestOnlyConstantsBecomeStatic(t *testing.T) {
	for _, f := range []any{redact.Static, redact.Format, redact.Join} {
		parameter := reflect.TypeOf(f).In(0)
		if parameter == reflect.TypeFor[string]() || parameter.Kind() != reflect.String || parameter.Name() != "literal" {
			t.Errorf("%T takes %v, which a string variable can be passed for", f, parameter)
		}
	}
	if got := redact.Static("no model").String(); got != "no model" {
		t.Error(got)
	}
}

func TestTextIsNeverReadBack(t *testing.T) {
	text := redact.Static("old")
	if err := json.Unmarshal([]byte(`"hunter2"`), &text); err == nil {
		t.Error("a JSON string was read into a Text")
	}
	if err := json.Unmarshal([]byte(`{"s":"hunter2","S":"hunter2"}`), &text); err != nil || text.String() != "old" {
		t.Errorf("a JSON object was read into a Text: %v %q", err, text)
	}
	if _, err := fmt.Sscan("hunter2", &text); err == nil {
		t.Error("fmt scanned a Text")
	}
	if err := gob.NewEncoder(io.Discard).Encode(struct{ T redact.Text }{text}); err == nil {
		var back struct{ T redact.Text }
		var b strings.Builder
		if err := gob.NewEncoder(&b).Encode(struct{ T string }{"hunter2"}); err != nil {
			t.Fatal(err)
		}
		if err := gob.NewDecoder(strings.NewReader(b.String())).Decode(&back); err == nil {
			t.Errorf("gob decoded %q", back.T)
		}
	}
}

func TestTextMarshals(t *testing.T) {
	var r redact.Redactor
	text := r.Text("a <b> & \"c\"\n" + strings.Repeat("é", 2))
	got, err := json.Marshal(map[string]redact.Text{"t": text})
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]string
	if err := json.Unmarshal(got, &back); err != nil || back["t"] != text.String() {
		t.Errorf("%v %s", err, got)
	}
	if b, err := text.MarshalText(); err != nil || string(b) != text.String() {
		t.Errorf("%v %s", err, b)
	}
	if got, err := json.Marshal(struct {
		T redact.Text `json:"t,omitzero"`
	}{}); err != nil || string(got) != "{}" {
		t.Errorf("%v %s", err, got)
	}
}

func TestTruncateKeepsPlaceholdersWhole(t *testing.T) {
	r := redact.Redactor{Key: testKey}
	text := r.Text("é mail ana@example.com please")
	full := text.String()
	for n := -1; n <= len(full)+1; n++ {
		got := text.Truncate(n).String()
		if len(got) > max(n, 0) || !strings.HasPrefix(full, got) {
			t.Fatalf("Truncate(%d) = %q", n, got)
		}
		if strings.Count(got, "<") != strings.Count(got, ">") {
			t.Fatalf("Truncate(%d) cuts a placeholder: %q", n, got)
		}
		if strings.ToValidUTF8(got, "?") != got {
			t.Fatalf("Truncate(%d) cuts a character: %q", n, got)
		}
	}
}

func TestLinesAndJoin(t *testing.T) {
	var r redact.Redactor
	lines := r.Text("a\r\nb\n\nc\n").Lines()
	if got := redact.Join("|", lines...).String(); got != "a|b||c" {
		t.Error(got)
	}
	if !redact.Join(", ").IsZero() || len(redact.Text{}.Lines()) != 0 {
		t.Error("nothing joined is something")
	}
}
