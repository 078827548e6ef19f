package instrument_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/instrument"
)

func order(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../examples/order/order.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestEachStateThatCanFailIsCaught(t *testing.T) {
	got, err := instrument.Add("order.asl.json", order(t), instrument.Options{Topic: "arn:aws:sns:us-east-1:123456789012:oncall"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"Price", "Check", "Charge card"}; !slices.Equal(got.Caught, want) {
		t.Errorf("caught %q, want %q", got.Caught, want)
	}
	m, err := asl.Parse("", []byte(got.Text))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range got.Caught {
		s := m.State(name)
		last := s.Catch[len(s.Catch)-1]
		if !slices.Equal(last.ErrorEquals, []string{"States.ALL"}) {
			t.Errorf("%s: its last catcher takes %q", name, last.ErrorEquals)
		}
		recorder := m.State(last.Next)
		if recorder == nil || !strings.HasSuffix(recorder.Name, name) {
			t.Errorf("%s: its catcher leads to %q", name, last.Next)
		}
	}
}

// What a state reads must be there: States.Runtime, which nothing catches, would
// take the place of the first error.
func TestEveryOtherByteStays(t *testing.T) {
	text := string(order(t))
	got, err := instrument.Add("order.asl.json", []byte(text), instrument.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rest := got.Text
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, `"End": true`) || line == "      }" || line == "    }" {
			continue // turned into Next, or followed by a comma now
		}
		_, after, ok := strings.Cut(rest, strings.TrimRight(line, ","))
		if !ok {
			t.Fatalf("the line %q is gone or out of order", line)
		}
		rest = after
	}
}

func TestRemoveRestoresTheBytes(t *testing.T) {
	for name, text := range map[string]string{
		"as it is":    string(order(t)),
		"minified":    `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"Next":"B"},"B":{"Type":"Succeed"}}}`,
		"CRLF, tabs":  strings.ReplaceAll(strings.ReplaceAll(string(order(t)), "  ", "\t"), "\n", "\r\n"),
		"a catcher":   `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"${F}","Catch":[{"ErrorEquals":["E"],"Next":"B"}],"End":true},"B":{"Type":"Fail"}}}`,
		"odd spacing": "{ \"StartAt\" : \"A\" , \"States\" : { \"A\" : { \"Type\" : \"Task\" , \"Resource\" : \"${F}\" , \"End\"  :  true } } }\n\n",
		"caught":      `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"${F}","Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}],"End":true},"B":{"Type":"Fail"}}}`,
	} {
		t.Run(name, func(t *testing.T) { roundTrip(t, name, text) })
	}
}

func roundTrip(t *testing.T, name, text string) *instrument.Result {
	t.Helper()
	return roundTripWith(t, name, text, instrument.Options{})
}

func roundTripWith(t *testing.T, name, text string, o instrument.Options) *instrument.Result {
	t.Helper()
	added, err := instrument.Add(name, []byte(text), o)
	if o.Express && errors.Is(err, instrument.ErrNotExpress) {
		o.Express = false
		return roundTripWith(t, name, text, o)
	}
	if err != nil {
		t.Errorf("%s, %+v: %v", name, o, err)
		return nil
	}
	if added.Text == text && len(added.Caught)+len(added.Ends)+len(added.Reported) > 0 {
		t.Errorf("%s, %+v: nothing was added", name, o)
	}
	removed, err := instrument.Remove(name, []byte(added.Text))
	if err != nil {
		t.Errorf("%s, %+v: %v", name, o, err)
	} else if removed.Text != text {
		t.Errorf("%s, %+v: not restored:\n%s", name, o, asl.Diff("before", "after", text, removed.Text))
	}
	if _, err := instrument.Add(name, []byte(added.Text), o); err == nil && len(added.Caught) > 0 {
		t.Errorf("%s, %+v: instrumented twice", name, o)
	}
	return added
}

func TestRemoveKeepsWhatTheUserChangedSince(t *testing.T) {
	added, err := instrument.Add("order.asl.json", order(t), instrument.Options{})
	if err != nil {
		t.Fatal(err)
	}
	change := func(s string) string { return strings.Replace(s, `"TimeoutSeconds": 20`, `"TimeoutSeconds": 25`, 1) }
	removed, err := instrument.Remove("order.asl.json", []byte(change(added.Text)))
	if err != nil {
		t.Fatal(err)
	}
	if want := change(string(order(t))); removed.Text != want {
		t.Errorf("got\n%s", asl.Diff("want", "got", want, removed.Text))
	}
}

func TestNamesOfTheUsersAreLeftToHim(t *testing.T) {
	text := `{"StartAt":"stepsleuth: notify","States":{"stepsleuth: notify":{"Type":"Task","Resource":"${F}","End":true}}}`
	roundTrip(t, "same name", text)
}

func TestAfterSucceedEndsGreen(t *testing.T) {
	got, err := instrument.Add("order.asl.json", order(t), instrument.Options{After: instrument.Succeed})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got.Text, `"Fail"`) {
		t.Error("there is a Fail state, although the execution is to end green")
	}
}

func TestBadDefinitionsAndOptionsAreRefused(t *testing.T) {
	if _, err := instrument.Add("x.json", []byte(`{"StartAt":"A","States":{}}`), instrument.Options{}); err == nil {
		t.Error("a definition without states was instrumented")
	}
	if _, err := instrument.Add("x.json", order(t), instrument.Options{After: "later"}); err == nil || !strings.Contains(err.Error(), "later") {
		t.Errorf("got %v", err)
	}
}

// Templates of SAM and Terraform, with placeholders where JSON has none.
func TestATemplateStaysOne(t *testing.T) {
	const text = `{
  "StartAt": "Work",
  "TimeoutSeconds": ${Timeout},
  "States": {
    "Work": {"Type": "Task", "Resource": "${f["a"].arn}", "Parameters": ${Params}, "TimeoutSeconds": ${Seconds}, "Catch": [${Own}, {"ErrorEquals": ["E"], "Next": "Work"}], "Next": "Rest"},
    "Rest": {"Type": "Task", "Resource": "${F}", "Catch": ${Catch}, "End": true}
  }
}`
	for _, o := range []instrument.Options{{}, {Handled: true}, {Express: true}} {
		added := roundTripWith(t, "template", text, o)
		if added == nil {
			continue
		}
		if !slices.Equal(added.Caught, []string{"Work"}) || !slices.Equal(added.Unknown, []string{"Rest"}) {
			t.Errorf("caught %q, unknown %q", added.Caught, added.Unknown)
		}
		for _, kept := range []string{"${Timeout}", `"${f["a"].arn}"`, `"Parameters": ${Params}`, "[${Own}, {", `"Catch": ${Catch}`} {
			if !strings.Contains(added.Text, kept) {
				t.Errorf("%s is gone:\n%s", kept, added.Text)
			}
		}
	}
	if _, err := instrument.Add("x", []byte(`{"StartAt": "A", "States": ${States}}`), instrument.Options{}); err == nil || !strings.Contains(err.Error(), "placeholder") {
		t.Errorf("got %v", err)
	}
}

// A definition near the limit of AWS has the pattern written tightly, or not at all.
func TestNearTheLimitOfAWS(t *testing.T) {
	long := func(room int) string {
		text := string(order(t))
		return strings.Replace(text, `"Comment": "`, `"Comment": "`+strings.Repeat("x", asl.MaxDefinition-len(text)-room), 1)
	}
	added := roundTrip(t, "room", long(30_000))
	if added == nil || added.Compact {
		t.Error("there is room, and it was written tightly")
	}
	added = roundTrip(t, "little room", long(9_000))
	if added == nil || !added.Compact || len(added.Text) > asl.MaxDefinition {
		t.Error("there is little room, and it was not written tightly")
	}
	var large *instrument.TooLargeError
	if _, err := instrument.Add("none", []byte(long(1_000)), instrument.Options{}); !errors.As(err, &large) || !strings.Contains(err.Error(), "stepsleuth package") {
		t.Errorf("got %v", err)
	}
}
