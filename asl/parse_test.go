package asl_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
)

func mustParse(t testing.TB, text string) *asl.Machine {
	t.Helper()
	m, err := asl.Parse("m.asl.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const order = `{
  "StartAt": "Charge",
  "States": {
    "Charge": {
      "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 30,
      "Parameters": {"FunctionName": "charge", "Payload": {"total.$": "$.payment.total", "list": [1, {"x.$": "States.Format('{} {}', $.a, $$.Task.Token)"}], "fixed": {"k": []}}},
      "ResultPath": null,
      "Retry": [{"ErrorEquals": ["States.TaskFailed"], "BackoffRate": 1.5, "JitterStrategy": "FULL", "MaxDelaySeconds": 60}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Handle"}],
      "Next": "Each"
    },
    "Each": {
      "Type": "Map", "ItemsPath": "$.items", "ItemSelector": {"item.$": "$$.Map.Item.Value"}, "MaxConcurrencyPath": "$.width",
      "ItemProcessor": {"StartAt": "Pick", "States": {
        "Pick": {"Type": "Choice", "Choices": [{"And": [{"Variable": "$.item.n", "NumericGreaterThan": 1.50}, {"Not": {"Variable": "$.item.x", "IsPresent": true}}], "Next": "Yes"}], "Default": "No"},
        "Yes": {"Type": "Wait", "SecondsPath": "$.item.n", "End": true},
        "No": {"Type": "Pass", "Result": {"b": 1, "a": 1.10}, "End": true}}},
      "End": true
    },
    "Handle": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "States.JsonToString($.error)"}
  }
}`

func TestMachineIsWhatTheTextSays(t *testing.T) {
	m := mustParse(t, order)
	charge := m.State("Charge")
	if charge.Task.Resource == "" || *charge.Task.Timeout.Number != 30 || charge.Next != "Each" || !charge.ResultPath.Null {
		t.Errorf("Charge: %+v", charge)
	}
	if r := charge.Retry[0]; r.IntervalSeconds != 1 || r.MaxAttempts != 3 || r.BackoffRate != 1.5 || !r.JitterFull || r.MaxDelaySeconds != 60 {
		t.Errorf("retrier: %+v", r)
	}
	if c := charge.Catch[0]; c.Next != "Handle" || c.ResultPath.Text != "$.error" || !reflect.DeepEqual(c.ErrorEquals, []string{"States.ALL"}) {
		t.Errorf("catcher: %+v", c)
	}
	payload := charge.Parameters.Root.Members[1].Node
	if total := payload.Members[0]; total.Key != "total" || total.Node.Path.Text != "$.payment.total" || total.Node.Path.Compiled == nil {
		t.Errorf("total: %+v", total)
	}
	if call := payload.Members[1].Node.Items[1].Members[0].Node.Call; call == nil || call.Compiled == nil {
		t.Errorf("call: %+v", call)
	}
	if fixed := payload.Members[2].Node; fixed.Literal.JSON() != `{"k":[]}` || fixed.Members != nil {
		t.Errorf("fixed: %+v", fixed)
	}
	pick := m.Lookup("Pick")[0]
	if and := pick.Choices[0].And; len(and) != 2 || and[0].Operator != "NumericGreaterThan" || and[0].Value.JSON() != "1.50" || and[1].Not.Operator != "IsPresent" {
		t.Errorf("rule: %+v", and)
	}
	if no := m.Lookup("No")[0]; no.Result.JSON() != `{"b":1,"a":1.10}` {
		t.Errorf("Result: %s", no.Result.JSON())
	}
	if f := m.State("Handle").Fail; f.Error.Path == nil || f.Cause.Call == nil {
		t.Errorf("Fail: %+v", f)
	}
}

func TestWalkAndPaths(t *testing.T) {
	m := mustParse(t, order)
	var got []string
	m.Walk(func(path []string, s *asl.State) {
		got = append(got, strings.Join(path, "/"))
		if !reflect.DeepEqual(path, s.Path()) {
			t.Errorf("walked to %v, Path is %v", path, s.Path())
		}
	})
	if want := "Charge Each Each/Pick Each/Yes Each/No Handle"; strings.Join(got, " ") != want {
		t.Errorf("walked %v", got)
	}
	if m.Lookup("Yes")[0].Machine.Outer() != m.State("Each") || m.Lookup("Nobody") != nil {
		t.Error("Lookup or Outer is wrong")
	}
}

func TestReadsPointIntoTheText(t *testing.T) {
	m := mustParse(t, order)
	var got []string
	m.Walk(func(_ []string, s *asl.State) {
		for _, r := range s.Reads() {
			if text := order[r.Span.Start:r.Span.End]; strings.Trim(text, `"`) != r.Text {
				t.Errorf("%s: the span holds %s, not %s", r.Pointer, text, r.Text)
			}
			if !r.Inner {
				val, _, err := asl.Find(order, "/States/"+strings.Join(s.Path(), "/ItemProcessor/States/")+r.Pointer)
				if err != nil || val != r.Span {
					t.Errorf("%s %s: %v, %v, want %v", s.Name, r.Pointer, err, val, r.Span)
				}
			}
			got = append(got, s.Name+r.Pointer+" "+r.Text)
		}
	})
	want := []string{
		"Charge/Parameters/Payload/total.$ $.payment.total",
		"Charge/Parameters/Payload/list/1/x.$ States.Format('{} {}', $.a, $$.Task.Token)",
		"Charge/Parameters/Payload/list/1/x.$ $.a",
		"Charge/Parameters/Payload/list/1/x.$ $$.Task.Token",
		"Each/ItemsPath $.items", "Each/ItemSelector/item.$ $$.Map.Item.Value", "Each/MaxConcurrencyPath $.width",
		"Pick/Choices/0/And/0/Variable $.item.n", "Pick/Choices/0/And/1/Not/Variable $.item.x",
		"Yes/SecondsPath $.item.n",
		"Handle/ErrorPath $.error.Error", "Handle/CausePath States.JsonToString($.error)", "Handle/CausePath $.error",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestResources(t *testing.T) {
	for resource, want := range map[string]asl.Integration{
		"arn:aws:lambda:us-east-1:123456789012:function:f:PROD":      {asl.KindLambda, "aws", "lambda", "", asl.RequestResponse, "f:PROD"},
		"arn:aws-cn:states:cn-north-1:123456789012:activity:a":       {asl.KindActivity, "aws-cn", "states", "", asl.RequestResponse, "a"},
		"arn:aws-us-gov:states:::sns:publish.waitForTaskToken":       {asl.KindOptimized, "aws-us-gov", "sns", "publish", asl.WaitForTaskToken, ""},
		"arn:aws:states:::states:startExecution.sync:2":              {asl.KindOptimized, "aws", "states", "startExecution", asl.Sync2, ""},
		"arn:aws:states:::glue:startJobRun.sync":                     {asl.KindOptimized, "aws", "glue", "startJobRun", asl.Sync, ""},
		"arn:aws:states:::aws-sdk:sfn:startExecution":                {asl.KindSDK, "aws", "sfn", "startExecution", asl.RequestResponse, ""},
		"arn:aws:states:eu-west-1:123456789012:aws-sdk:s3:getObject": {asl.KindSDK, "aws", "s3", "getObject", asl.RequestResponse, ""},
		"arn:${AWS::Partition}:states:::sqs:sendMessage":             {asl.KindOptimized, "${AWS::Partition}", "sqs", "sendMessage", asl.RequestResponse, ""},
		"${FunctionArn}": {},
		"arn:aws:states:us-east-1:123456789012:stateMachine:m": {asl.KindUnknown, "aws", "", "", asl.RequestResponse, ""},
		"nonsense": {Kind: asl.KindUnknown},
		"arn:aws:lambda:us-east-1:123456789012:function:${Name}": {asl.KindLambda, "aws", "lambda", "", asl.RequestResponse, "${Name}"},
		"arn:aws:states:::aws-sdk:bedrockruntime:invokeModel":    {asl.KindSDK, "aws", "bedrockruntime", "invokeModel", asl.RequestResponse, ""},
		"arn:aws:states:::elasticmapreduce:addStep.sync":         {asl.KindOptimized, "aws", "elasticmapreduce", "addStep", asl.Sync, ""},
	} {
		if got := asl.ParseResource(resource); got != want {
			t.Errorf("%s: %+v, want %+v", resource, got, want)
		}
	}
}

func TestFunctionOfATask(t *testing.T) {
	for state, want := range map[string]string{
		`{"Type":"Task","End":true,"Resource":"arn:aws:lambda:r:1:function:f"}`:                                                                    "arn:aws:lambda:r:1:function:f",
		`{"Type":"Task","End":true,"Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"g"}}`:                                 "g",
		`{"Type":"Task","End":true,"Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"g","Payload.$":"$"}}`:                 "g",
		`{"Type":"Task","End":true,"Resource":"arn:aws:states:::aws-sdk:lambda:invoke","Parameters":{"FunctionName.$":"$.fn"}}`:                    "$.fn",
		`{"Type":"Task","End":true,"Resource":"arn:aws:states:::lambda:invoke","QueryLanguage":"JSONata","Arguments":{"FunctionName":"{% $f %}"}}`: "$f",
		`{"Type":"Task","End":true,"Resource":"arn:aws:states:::lambda:invoke"}`:                                                                   "",
		`{"Type":"Task","End":true,"Resource":"arn:aws:states:::sns:publish","Parameters":{"FunctionName":"g"}}`:                                   "",
		`{"Type":"Pass","End":true}`: "",
	} {
		s, err := asl.ParseState("S", []byte(state))
		if err != nil {
			t.Errorf("%s: %v", state, err)
			continue
		}
		got, selected := s.Function()
		if selected != nil && selected.Path != nil {
			got = selected.Path.Text
		} else if selected != nil {
			got = selected.Expr.Text
		}
		if got != want {
			t.Errorf("%s: %q, want %q", state, got, want)
		}
	}
}

func TestStateAloneNeedsNoTargets(t *testing.T) {
	s, err := asl.ParseState("S", []byte(`{"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": true, "Next": "Elsewhere"}]}`))
	if err != nil || s.Name != "S" || s.Choices[0].Next != "Elsewhere" {
		t.Errorf("%+v, %v", s, err)
	}
	var list asl.ErrorList
	if _, err := asl.ParseState("S", []byte(`{"Type": "Pass"}`)); !errors.As(err, &list) || list[0].Pointer != "" {
		t.Errorf("got %v", err)
	}
}

// TestHostileTextsAreRefused: no panic, a clear error, memory that grows with the
// length at most.
func TestHostileTextsAreRefused(t *testing.T) {
	const head = `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true,"Result":`
	for name, c := range map[string]struct{ text, want string }{
		"deep arrays":    {head + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}}}", "nested deeper than 1000"},
		"deep objects":   {head + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000) + "}}}", "nested deeper than 1000"},
		"open arrays":    {strings.Repeat("[", 500_000), "nested deeper than 1000"},
		"invalid UTF-8":  {head + "\"\xff\"}}}", "UTF-8"},
		"200 MB":         {strings.Repeat(" ", 200<<20), "takes at most 1048576 characters"},
		"BOM only":       {"\ufeff", "empty"},
		"NUL":            {"\x00", "1:1"},
		"null":           {"null", "this is null"},
		"number":         {"1e999999", "a number"},
		"empty target":   {`{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.x","IsNull":true,"Next":""}],"Default":"B"},"B":{"Type":"Succeed"}}}`, `/States/A/Choices/0/Next: no state ""`},
		"many errors":    {`{"StartAt":"A","States":{` + strings.Repeat(`"x":{"Type":"Pass","Next":"y"},`, 30_000) + `"A":1}}`, `no state "y"`},
		"many bad names": {head + "1" + strings.Repeat(`,"TimeoutSecond":1`, 40_000) + "}}}", "there twice"},
		"surrogates":     {`{"StartAt":"\ud800","States":{}}`, "surrogate"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := asl.Parse("", []byte(c.text))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.300v, want %q", err, c.want)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+500*uint64(len(c.text)) {
				t.Errorf("took %d bytes for a text of %d", took, len(c.text))
			}
		})
	}
}

func TestLineEndsAndByteOrderMarks(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(order, "\n", "\r\n")
	m, err := asl.Parse("", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if s := m.State("Handle"); text[s.NameSpan.Start:s.NameSpan.End] != `"Handle"` || text[s.Span.Start] != '{' || text[s.Span.End-1] != '}' {
		t.Errorf("spans: %v %v", s.NameSpan, s.Span)
	}
	_, err = asl.Parse("", []byte(strings.Replace(text, `"Next": "Each"`, `"Next": "each"`, 1)))
	if err == nil || !strings.Contains(err.Error(), "10:15: /States/Charge/Next: no state \"each\"; did you mean \"Each\"?") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(order)
	for _, pattern := range []string{"testdata/check/*.txtar", "testdata/edit/*.txtar"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			part := archive(f, file)
			f.Add(part["asl.json"] + part["in.json"])
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		asl.Diagnose([]byte(text), asl.Express)
		s, _ := asl.ParseState("S", []byte(text))
		if s != nil {
			checkSpans(t, text, s)
		}
		m, err := asl.Parse("f", []byte(text))
		var list asl.ErrorList
		if errors.As(err, &list) {
			for _, e := range list {
				if e.Span.Start < 0 || e.Span.End < e.Span.Start || e.Span.End > len(text) || e.Line < 1 || e.Column < 1 || strings.Contains(e.Error(), "\n") && !strings.Contains(text, `\n`) {
					t.Fatalf("%q: error out of the text: %+v", text, e)
				}
			}
		} else if err != nil {
			t.Fatalf("%q: the error is a %T", text, err)
		}
		if m != nil {
			m.Walk(func(_ []string, s *asl.State) { checkSpans(t, text, s) })
		}
	})
}

// checkSpans: every span is inside the text, and of a string begins and ends with a
// quote.
func checkSpans(t *testing.T, text string, s *asl.State) {
	t.Helper()
	if s.NameSpan != (asl.Span{}) {
		isString(t, text, s.NameSpan)
	}
	for name, span := range s.Fields {
		if span.Start < 0 || span.End > len(text) || span.Start >= span.End {
			t.Fatalf("%q: %s: %v", text, name, span)
		}
	}
	for _, r := range s.Reads() {
		if r.Inner {
			if r.Span.Start < 0 || r.Span.End > len(text) || r.Span.Start >= r.Span.End {
				t.Fatalf("%q: %s: %v", text, r.Pointer, r.Span)
			}
			continue
		}
		isString(t, text, r.Span)
		r.Variables()
	}
}

func isString(t *testing.T, text string, s asl.Span) {
	t.Helper()
	if s.Start < 0 || s.End > len(text) || s.End-s.Start < 2 || text[s.Start] != '"' || text[s.End-1] != '"' {
		t.Fatalf("%q: no string at %v", text, s)
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte(order)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := asl.Parse("", text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseSamples(b *testing.B) {
	files, err := filepath.Glob(filepath.Join(shared(b, "samples"), "*.json"))
	if err != nil {
		b.Fatal(err)
	}
	var texts [][]byte
	size := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		texts = append(texts, text)
		size += len(text)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range texts {
			_, _ = asl.Parse("", text)
		}
	}
}
