package definition_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/internal/definition"
)

// origin reads a YAML text that is a definition, or holds one.
func origin(t *testing.T, text string) *asl.Source {
	t.Helper()
	f, err := definition.Read("order.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.ParseTemplate()
	if m == nil {
		t.Fatal(err)
	}
	return m.Source()
}

// spot is where in the YAML the one piece of the JSON between marks is: in
// `"Next": <"Ship">` it is "Ship" with its quotes.
func spot(t *testing.T, s *asl.Source, marked string) string {
	t.Helper()
	before, rest, _ := strings.Cut(marked, "<")
	piece, after, _ := strings.Cut(rest, ">")
	if n := strings.Count(s.Text, before+piece+after); n != 1 {
		t.Fatalf("%q is there %d times:\n%s", before+piece+after, n, s.Text)
	}
	start := strings.Index(s.Text, before+piece+after) + len(before)
	at, ok := s.Origin.Find(asl.Span{Start: start, End: start + len(piece)})
	if !ok {
		return "nowhere"
	}
	line, column := s.Origin.Source.Position(at.Start)
	return fmt.Sprintf("%d:%d %s", line, column, s.Origin.Source.Text[at.Start:at.End])
}

const styles = `# styles of YAML
StartAt: Charge
TimeoutSeconds: 0x3C
States:
  Charge: &task
    Type: Task
    Resource: "arn:aws:states:::lambda:invoke"
    Parameters: {FunctionName: 'it''s', größe: ü, "total.$": $.order.total, none: , "tab\there": [1, !!str 2]}
    ResultSelector:
      folded.$: >-
        States.Format('{} {}',
          $.first, $.second)
      literal.$: |2
          States.Array($.a,
          $.b)
      plain.$: States.Array($.c,
        $.d)
      double.$: "States.Format('\u007b\x7d \"', \
        $.e)"
      single.$: 'States.Format(''{}'',

        $.f)'
    Retry:
    - ErrorEquals: [States.ALL]
      MaxAttempts: 2
    Next: "Shi\x70"
  Ship:
    <<: *task
    Comment: &said shipped
    Next: Done
  Done: {Type: Succeed, Comment: *said}
`

func TestWhatStandsInTheJSONIsFoundInTheYAML(t *testing.T) {
	s := origin(t, styles)
	for marked, want := range map[string]string{
		`<"Done">: {`:                            `31:3 Done`,
		`<"Charge">: {`:                          `5:3 Charge`,
		`"TimeoutSeconds": <60>`:                 `3:17 0x3C`,
		`<"TimeoutSeconds">: 60`:                 `3:1 TimeoutSeconds`,
		`"Next": <"Ship">`:                       `26:11 "Shi\x70"`,
		`"Next": "<Ship>"`:                       `26:12 Shi\x70`,
		`"StartAt": "Ch<arg>e"`:                  `2:12 arg`,
		`"Comment": "ship<ped">,`:                `29:24 ped`,
		`"Type": "<Succeed>"`:                    `31:16 Succeed`,
		`<"States">: {`:                          `4:1 States`,
		`"States": <{` + "\n":                    `nowhere`, // the brace alone: YAML has none
		"\"StartAt\": <\"Charge\",\n  \"Ti>meou": "2:10 Charge\nTimeoutSeconds",
	} {
		if got := spot(t, s, marked); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", marked, got, want)
		}
	}
}

// The values of a state that another merges in are found where they are written, for
// either state.
func TestMergedValuesAreFoundWhereTheyAreWritten(t *testing.T) {
	s := origin(t, styles)
	charge, ship, _ := strings.Cut(s.Text, `"Ship": {`)
	for piece, want := range map[string]string{
		`"it's"`:                                `8:32 'it''s'`,
		`it's`:                                  `8:33 it''s`,
		`"größe"`:                               `8:41 größe`,
		`"ü"`:                                   `8:48 ü`,
		`$.order.total`:                         `8:62 $.order.total`,
		`"total.$"`:                             `8:51 "total.$"`,
		`null`:                                  `8:77 none`,
		`"tab\there"`:                           `8:85 "tab\there"`,
		`"2"`:                                   `8:108 2`,
		`$.first`:                               `12:11 $.first`,
		`{}',\n  $.first`:                       "11:27 {}',\n          $.first",
		`$.a`:                                   `14:24 $.a`,
		`$.b`:                                   `15:11 $.b`,
		`$.d`:                                   `17:9 $.d`,
		`{} \"`:                                 `18:33 \u007b\x7d \"`,
		`$.e`:                                   `19:9 $.e`,
		`$.f)`:                                  `22:9 $.f)`,
		`"arn:aws:states:::la`:                  `7:15 "arn:aws:states:::lambda:invoke"`,
		`aws:states`:                            `7:20 aws:states`,
		`"ErrorEquals"`:                         `24:7 ErrorEquals`,
		`"States.ALL"`:                          `24:21 States.ALL`,
		`"MaxAttempts": 2`:                      `25:7 MaxAttempts: 2`,
		collection(t, charge, `"Parameters": `): `8:5 Parameters`,
		collection(t, charge, `"ResultSelector": `): `9:5 ResultSelector`,
	} {
		for name, part := range map[string]string{"Charge": charge, "Ship": ship} {
			if strings.Count(part, piece) != 1 && name == "Ship" {
				continue // indented another way
			}
			start := strings.Index(s.Text, part) + strings.Index(part, piece)
			at, ok := s.Origin.Find(asl.Span{Start: start, End: start + len(piece)})
			line, column := s.Origin.Source.Position(at.Start)
			if got := fmt.Sprintf("%d:%d %s", line, column, s.Origin.Source.Text[at.Start:at.End]); !ok || got != want {
				t.Errorf("%s, %s: %v\ngot  %s\nwant %s", name, piece, ok, got, want)
			}
		}
	}
}

// collection is the object behind a key, up to its own brace.
func collection(t *testing.T, text, key string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, key)
	end := strings.Index(rest, "\n      }")
	if !ok || end < 0 {
		t.Fatal(key)
	}
	return rest[:end+len("\n      }")]
}

func TestLineEndsAndMarksDoNotMoveThings(t *testing.T) {
	for name, text := range map[string]string{
		"CRLF":     strings.ReplaceAll(styles, "\n", "\r\n"),
		"mark":     "\ufeff" + styles,
		"comments": strings.Replace(styles, "0x3C", "0x3C \t# größer\u00a0", 1),
	} {
		s := origin(t, text)
		for marked, want := range map[string]string{
			`<"Done">: {`:            `31:3 Done`,
			`"StartAt": <"Charge">`:  `2:10 Charge`,
			`"TimeoutSeconds": <60>`: `3:17 0x3C`,
		} {
			if got := spot(t, s, marked); got != want {
				t.Errorf("%s, %s: got %s, want %s", name, marked, got, want)
			}
		}
	}
	if s := origin(t, "StartAt: \"a\u2028b\"\rStates:\r  Done: {Type: Succeed}\n"); spot(t, s, `<"Done">: {`) == "nowhere" {
		t.Error("a line that ends as YAML has it, and editors have not, leads nowhere")
	}
	wide := "\xff\xfe"
	for _, c := range "StartAt: Done\nStates:\n  Done: {Type: Succeed}\n" {
		wide += string([]byte{byte(c), 0})
	}
	if got := spot(t, origin(t, wide), `<"Done">: {`); got != "nowhere" {
		t.Errorf("in UTF-16, which is not shown, it is found at %s", got)
	}
}

func TestTheDefinitionInATemplateIsFoundThere(t *testing.T) {
	s := origin(t, sam)
	for marked, want := range map[string]string{
		`<"Charge">: {`:                         `10:11 Charge`,
		`"Resource": <"${ChargeFunction.Arn}">`: `12:31 ChargeFunction.Arn`,
		`"${ChargeF<unct>ion.Arn}"`:             `12:31 ChargeFunction.Arn`,
		`"Table": <"${Orders}">`:                `13:39 Orders`,
		`StackName}<-x>"`:                       `13:77 -x`,
	} {
		if got := spot(t, s, marked); got != want {
			t.Errorf("%s: got %s, want %s", marked, got, want)
		}
	}
}

// A definition that is the text of one scalar is JSON already: it is found where each
// sign of it stands in the scalar, and nowhere where that is not so.
func TestJSONInsideOfYAMLIsFound(t *testing.T) {
	template := "Resources:\n  Order:\n    Type: AWS::StepFunctions::StateMachine\n    Properties:\n      DefinitionString: %s\n"
	block := "|\n        {\n          \"StartAt\": \"A\",\n          \"States\": {\"A\": {\"Type\": \"Wait\", \"SecondsPath\": \"$.größe\", \"End\": true}}\n        }"
	for value, want := range map[string]string{
		block:           `8:60 $.größe`,
		"!Sub " + block: `8:60 $.größe`,
		"!Sub\n        - " + strings.ReplaceAll(block, "\n", "\n    ") + "\n        - {x: y}":                                                   `9:64 $.größe`,
		`{"Fn::Sub": "{\"StartAt\":\"A\",\n\"States\":{\"A\":{\"Type\":\"Wait\",\"SecondsPath\":\"$.gr\u00f6ße\",\"End\":true}}}"}`:             `5:114 $.gr\u00f6ße`,
		`'{"StartAt":"A","States":{"A":{"Type":"Wait","SecondsPath":"$.größe","End":true}}}'`:                                                   `5:85 $.größe`,
		">-\n        {\"StartAt\":\"A\",\n        \"States\":{\"A\":{\"Type\":\"Wait\",\n          \"SecondsPath\":\"$.größe\",\"End\":true}}}": `8:26 $.größe`,
	} {
		if got := spot(t, origin(t, fmt.Sprintf(template, value)), `"<$.größe>"`); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", value, got, want)
		}
	}
}

func TestJSONHasNoOrigin(t *testing.T) {
	for _, text := range []string{orderJSON, `{"stateMachineArn": "x", "definition": "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Succeed\"}}}"}`} {
		if s := origin(t, text); s.Origin != nil {
			t.Errorf("%s\nhas an origin", text)
		}
	}
}

// checkFound looks at what is found of each word of a definition: the very word, or
// something as it stands in the file, which may have another word for it where it is no
// text (yes, ~ and none at all) or a reference (!Ref).
func checkFound(t *testing.T, s *asl.Source) {
	t.Helper()
	if s.Origin == nil {
		return
	}
	text := s.Origin.Source.Text
	for start, words := 0, 0; start < len(s.Text) && words < 2000; words++ {
		end := start
		for end < len(s.Text) && isLetter(s.Text[end]) {
			end++
		}
		if end == start {
			start++
			continue
		}
		at, ok := s.Origin.Find(asl.Span{Start: start, End: end})
		if ok && (at.Start < 0 || at.End > len(text) || at.Start >= at.End || !utf8.ValidString(text[at.Start:at.End])) {
			t.Fatalf("%q: found at %v of %q", s.Text[start:end], at, text)
		}
		if word := s.Text[start:end]; ok && word != "null" && at.End-at.Start == len(word) && plainWord(text[at.Start:at.End]) && !strings.EqualFold(text[at.Start:at.End], word) && !strings.Contains(text, "!") {
			t.Fatalf("%q: found %q in %q", word, text[at.Start:at.End], text)
		}
		start = end
	}
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func plainWord(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c > 'z' || !isLetter(byte(c)) }) < 0
}
