package report_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

const hostile = "naïve 日本 \x1b[2J\x1b]8;;https://evil.example\x07click\x1b]8;;\x07 ![x](https://evil.example/p.png) <img src=x onerror=alert(1)> " +
	"[a](javascript:x) https://evil.example www.evil.example admin@evil.example @everyone #1 ``` \n```\n# Heading\n> quote\n| a | b |\n\u202egnp.exe\u2066\u200b\rSubject: x\r\nBcc: victim@evil.example"

// hostileDiagnosis has hostile text wherever the input of a workflow, a rule or a model can put some.
func hostileDiagnosis(t *testing.T) *diagnose.Diagnosis {
	d := missingPath(t)
	h := ptr(hostile)
	f := d.Case.Failure
	f.State, f.Path, f.Error, f.Cause, f.Resource, f.EndedAt = hostile, []string{hostile, "[3]"}, h, h, hostile, hostile
	f.Input = history.Text(hostile)
	d.Case.Others, d.Case.OtherCount = []diagnose.Failure{*f}, 1
	d.Case.Execution.Name = hostile
	d.RootCause, d.Explanation, d.Missing = hostile, hostile, []string{hostile}
	d.Findings[0].Title, d.Findings[0].Cites, d.Findings[0].Focus.Label = hostile, []string{hostile}, hostile
	d.Remedies[0].Title, d.Remedies[0].Steps, d.Remedies[0].Verification.How = hostile, []string{hostile}, hostile
	d.Remedies[0].Edits[0].New = `"x` + strings.NewReplacer("\n", `\n`, "\r", `\r`, "\x1b", `\u001b`, "\x07", "", `"`, `'`).Replace(hostile) + `"`
	d.Prevention, d.Docs = []string{hostile}, []string{hostile}
	d.Model = &diagnose.ModelUse{Answer: diagnose.Answer{ModelID: hostile}, Cut: []string{hostile},
		Err: &diagnose.ModelError{Kind: "x", Reason: hostile, Mend: hostile}}
	d.Claims = []diagnose.Claim{{Text: hostile, Standing: diagnose.Demoted, Reason: hostile, Cites: []diagnose.Citation{{Evidence: "E7", Quote: hostile}}}}
	return d
}

func TestTerminalObeysNothingOfTheDocument(t *testing.T) {
	doc := document(t, hostileDiagnosis(t), report.Options{History: hostile})
	ours := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for _, style := range []report.Style{{}, {Color: true}, {Width: 40}} {
		out := ours.ReplaceAllString(string(text(t, doc, style)), "")
		for i, c := range out {
			if c != '\n' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf)) {
				t.Fatalf("%U at %d: %q", c, i, out[max(0, i-40):min(len(out), i+40)])
			}
		}
	}
}

func TestLinesAreFolded(t *testing.T) {
	d := missingPath(t)
	d.RootCause = strings.Repeat("日本語の説明 ", 40) + strings.Repeat("x", 300)
	d.Case.Failure.Input = history.Text(`{"payment":{"wide":"` + strings.Repeat("広", 200) + `"}}`)
	for _, line := range strings.Split(string(text(t, document(t, d, report.Options{}), report.Style{Width: 80})), "\n") {
		n := 0
		for _, c := range line {
			n++
			if c > 0x1100 {
				n++
			}
		}
		if n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestCaretStandsBelowTheSpan(t *testing.T) {
	for name, test := range map[string]struct{ definition, mark, line string }{
		"tabs":        {"{\n\t\"StartAt\": \"A\", \"States\": {\n\t\t\"A\": {\t\"Type\": \"Succeed\"\t}}}", `"Succeed"`, `  "A": { "Type": "Succeed"   }}}`},
		"wide":        {`{"StartAt": "状態", "States": {"状態": {"Type": "Succeed"}}}`, `"Succeed"`, ""},
		"one line":    {`{"StartAt": "A", "Comment": "` + strings.Repeat("long ", 200) + `", "States": {"A": {"Type": "Succeed"}}}`, `"Succeed"`, ""},
		"a secret":    {`{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"password": "hunter2hunter2"}, "Next": "B"}, "B": {"Type": "Succeed"}}}`, `"Succeed"`, ""},
		"at the end":  {`{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}`, `}}}`, ""},
		"many lines":  {"{\"StartAt\": \"A\", \"States\": {\"A\": {\n  \"Type\":\n \"Succeed\"}}}", "{\n  \"Type\":\n \"Succeed\"}", ""},
		"a long span": {`{"StartAt": "A", "Comment": "` + strings.Repeat("long ", 200) + `", "States": {"A": {"Type": "Succeed"}}}`, `"` + strings.Repeat("long ", 200) + `"`, ""},
	} {
		m := machine(t, "a.asl.json", test.definition)
		d := missingPath(t)
		d.Case.Machine, d.Case.State = m, m.States[0]
		d.Remedies = nil
		d.Findings[0].Focus = &diagnose.Focus{Span: span(t, test.definition, test.mark), Label: "here"}
		lines := strings.Split(string(text(t, document(t, d, report.Options{}), report.Style{Width: 80})), "\n")
		for i, line := range lines {
			if !strings.Contains(line, "^") {
				continue
			}
			code, start := lines[i-1], strings.Index(line, "^")
			carets := strings.Count(line, "^")
			marked := columns(code, start, start+carets)
			want, _, _ := strings.Cut(test.mark, "\n")
			if !strings.HasPrefix(want, strings.TrimRight(marked, "…")) || marked == "" {
				t.Errorf("%s: the caret marks %q:\n%s\n%s", name, marked, code, line)
			}
		}
		if !strings.Contains(strings.Join(lines, "\n"), "^") {
			t.Errorf("%s: there is no caret", name)
		}
	}
}

// columns cuts by terminal columns.
func columns(s string, from, to int) string {
	var b strings.Builder
	at := 0
	for _, c := range s {
		if at >= from && at < to {
			b.WriteRune(c)
		}
		at++
		if c > 0x1100 && c != '…' {
			at++
		}
	}
	return b.String()
}

func TestMarkdownCannotBeBrokenOutOf(t *testing.T) {
	doc := document(t, hostileDiagnosis(t), report.Options{History: hostile})
	var b bytes.Buffer
	if err := report.Markdown(&b, doc); err != nil {
		t.Fatal(err)
	}
	if what := breaksOut(t, b.String()); what != "" {
		t.Error(what)
	}
}

// breaksOut finds markup that the document's text made; "" none.
func breaksOut(t *testing.T, md string) string {
	t.Helper()
	ours := regexp.MustCompile(`\[(execution in the AWS console|log group of the function)\]\(https://[^)]*\)`)
	rest := ours.ReplaceAllString(outsideCode(t, md), "")
	for what, form := range map[string]string{
		"a link":       `(^|[^\\])\]\(`,
		"an image":     `(^|[^\\])!\[`,
		"HTML":         `(^|[^\\])<[a-zA-Z/!]`,
		"an address":   `(?i)https?://|www\.|@|mailto`,
		"a table":      `(^|[^\\])\|`,
		"an issue":     `(^|\s)#\d`,
		"a block":      `(?m)^(# |> |- - |\d+\. \d+\. )`,
		"an invisible": "[\u202e\u2066\u200b\x1b\x07]",
	} {
		if m := regexp.MustCompile(form).FindString(rest); m != "" {
			return what + ": " + m
		}
	}
	return ""
}

// outsideCode removes fenced blocks and code spans as CommonMark finds them.
func outsideCode(t *testing.T, md string) string {
	t.Helper()
	var out []string
	fence := ""
	for _, line := range strings.Split(md, "\n") {
		run := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && len(run) >= 3:
			fence = run
		case fence != "" && len(run) >= len(fence) && strings.TrimSpace(line[len(run):]) == "":
			fence = ""
		case fence == "":
			out = append(out, withoutSpans(line))
		}
	}
	if fence != "" {
		t.Error("a fence stays open")
	}
	return strings.Join(out, "\n")
}

func withoutSpans(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		switch {
		case line[i] == '\\' && i+1 < len(line):
			b.WriteString(line[i : i+2])
			i += 2
		case line[i] == '`':
			run := len(line[i:]) - len(strings.TrimLeft(line[i:], "`"))
			mark := line[i : i+run]
			end := regexp.MustCompile("(^|[^`])" + mark + "($|[^`])").FindStringSubmatchIndex(line[i+run:])
			if end == nil {
				b.WriteString(mark)
				i += run
				continue
			}
			i += run + end[3] + run // end[3]: behind the character before the closing mark, however many bytes it has
		default:
			b.WriteByte(line[i])
			i++
		}
	}
	return b.String()
}

func TestSubjectIsOneShortASCIILine(t *testing.T) {
	for _, d := range []*diagnose.Diagnosis{hostileDiagnosis(t), missingPath(t), succeeded(true), succeeded(false)} {
		mail, _ := report.Mail(document(t, d, report.Options{}))
		subject := mail.String()
		if len(subject) >= 100 {
			t.Errorf("%d characters: %q", len(subject), subject)
		}
		for _, c := range subject {
			if c < ' ' || c > '~' {
				t.Errorf("%q in %q", c, subject)
			}
		}
	}
}

func TestMailOfASuccessIsTwoLines(t *testing.T) {
	for quiet, want := range map[bool]string{
		true:  "SUCCEEDED  order-pipeline  run-7f3  in 360ms\nLook: 1 failure inside did not end the execution: Price PriceError\n",
		false: "SUCCEEDED  order-pipeline  run-7f3  in 360ms\nNothing went wrong quietly that the history could show.\n",
	} {
		if _, got := report.Mail(document(t, succeeded(quiet), report.Options{})); got.String() != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	golden(t, "quiet.txt", text(t, document(t, succeeded(true), report.Options{}), report.Style{}))
}

func TestSecretsStayInside(t *testing.T) {
	d := missingPath(t)
	const key = "AKIAPYCDYBK377OXTZQ6"
	leak := "card 4111111111111111 key " + key
	d.RootCause, d.Explanation, d.Missing, d.Prevention = leak, leak, []string{leak}, []string{leak}
	d.Case.Failure.Cause, d.Case.Failure.Error = &leak, &leak
	d.Case.Execution.Name = leak
	d.Case.Evidence[0].Text = leak
	d.Findings[0].Title, d.Findings[0].Focus.Label = leak, leak
	d.Remedies[0].Title, d.Remedies[0].Steps, d.Remedies[0].Verification.How = leak, []string{leak}, leak
	d.Model = &diagnose.ModelUse{Err: &diagnose.ModelError{Reason: leak, Mend: leak}}
	d.Claims = []diagnose.Claim{{Text: leak, Standing: diagnose.Kept}}
	doc := document(t, d, report.Options{History: leak})
	var out bytes.Buffer
	for _, write := range []func() error{
		func() error { return report.JSON(&out, doc) },
		func() error { return report.Markdown(&out, doc) },
		func() error { return report.Text(&out, doc, report.Style{}) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	subject, body := report.Mail(doc)
	out.WriteString(subject.String() + body.String())
	for _, secret := range []string{"4111111111111111", key} {
		if i := strings.Index(out.String(), secret); i >= 0 {
			t.Errorf("%s got out: %q", secret, out.String()[max(0, i-80):i+30])
		}
	}
	if doc.Redactions.Count != 2 {
		t.Errorf("%d values concealed: %v", doc.Redactions.Count, doc.Redactions.Kinds)
	}
}

// The input tells by a name that a value is secret; rules and causes repeat it alone.
func TestSecretsOfTheInputStayInsideEverywhere(t *testing.T) {
	d := missingPath(t)
	d.Case.Failure.Input = history.Text(`{"payment":{"password":"Tr0ub4dor&3"}}`)
	d.Case.Failure.Cause = ptr("cannot log in with Tr0ub4dor&3 (retry)")
	d.RootCause = "The service refuses Tr0ub4dor&3."
	doc := document(t, d, report.Options{})
	var b bytes.Buffer
	if err := report.JSON(&b, doc); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "Tr0ub4dor") {
		t.Error(b.String())
	}
	if doc.Redactions.Count != 1 {
		t.Errorf("one secret is counted as %d: %v", doc.Redactions.Count, doc.Redactions.Kinds)
	}
}

func TestNothingLeavesWithoutRedaction(t *testing.T) {
	if subject, body := report.Mail(report.Document{RootCause: redact.Static("x")}); subject != body || subject.String() != "[concealed]" {
		t.Errorf("a document that nobody redacted is mailed: %s", body)
	}
	for name, r := range map[string]*redact.Redactor{
		"none": nil, "short key": {Key: []byte("short")}, "bad pattern": {Patterns: []redact.Pattern{{Kind: "X", Expr: "("}}},
	} {
		if doc, err := report.New(missingPath(t), r, report.Options{}); err == nil {
			t.Errorf("%s: there is a document: %v", name, doc.RootCause)
		}
	}
}

func TestRemedyThatTouchesASecretIsLocal(t *testing.T) {
	const definition = `{
  "StartAt": "A",
  "States": {
    "A": {
      "Type": "Pass",
      "Parameters": {
        "password": "correct-horse-battery",
        "user.$": "$.usr"
      },
      "End": true
    }
  }
}
`
	m := machine(t, "a.asl.json", definition)
	for name, test := range map[string]struct {
		old, new string
		local    bool
	}{
		"beside the secret": {`"$.usr"`, `"$.user"`, false},
		"the secret":        {`"correct-horse-battery"`, `"another-horse-battery"`, true},
		"a new secret":      {`"$.usr"`, `"$.usr", "apiKey": "sk-proj-Zk93kd02kfLq8s7d6f5g4h3j2k1lQwErTyUi"`, true},
	} {
		d := missingPath(t)
		d.Case.Machine, d.Case.State, d.Findings[0].Focus = m, m.State("A"), nil
		d.Remedies = []diagnose.Remedy{{Title: "x", Edits: []asl.Edit{{Span: span(t, definition, test.old), New: test.new}}}}
		doc := document(t, d, report.Options{})
		r := doc.Remediation[0]
		if r.LocalOnly != test.local || (r.Patch == nil) != test.local {
			t.Errorf("%s: local %v, patch %v, diff:\n%v", name, r.LocalOnly, r.Patch, r.Diff)
		}
		var b bytes.Buffer
		if err := report.JSON(&b, doc); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "horse-battery") || strings.Contains(b.String(), "sk-proj-Z") {
			t.Errorf("%s: the secret got out", name)
		}
	}
}

func TestLinksAreOurs(t *testing.T) {
	for arn, want := range map[string]string{
		executionARN: "https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/" + executionARN,
		"arn:aws-cn:states:cn-north-1:123456789012:execution:m:e":        "https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#/v2/executions/details/arn:aws-cn:states:cn-north-1:123456789012:execution:m:e",
		"arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:m:e": "https://us-gov-west-1.console.amazonaws-us-gov.com/states/home?region=us-gov-west-1#/v2/executions/details/arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:m:e",
		"arn:aws:states:us-east-1:123456789012:express:m:e:1-2":          "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/express-executions/details/arn:aws:states:us-east-1:123456789012:express:m:e:1-2?startDate=1795338720000",
		"arn:aws:states:us-east-1:123456789012:execution:m:a b/../<x>":   "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/arn:aws:states:us-east-1:123456789012:execution:m:a%20b%2F..%2F%3Cx%3E",
		"arn:aws:states:evil.example/:123456789012:execution:m:e":        "",
		"arn:evil:states:us-east-1:123456789012:execution:m:e":           "",
		"arn:aws-cn:states:cn-northwest-1:123456789012:execution:m:e":    "https://cn-northwest-1.console.amazonaws.cn/states/home?region=cn-northwest-1#/v2/executions/details/arn:aws-cn:states:cn-northwest-1:123456789012:execution:m:e",
		"arn:aws-us-gov:states:us-gov-east-1:123456789012:express:m:e:1": "https://us-gov-east-1.console.amazonaws-us-gov.com/states/home?region=us-gov-east-1#/express-executions/details/arn:aws-us-gov:states:us-gov-east-1:123456789012:express:m:e:1?startDate=1795338720000",
		"arn:aws:states:ap-southeast-5:123456789012:execution:m:e":       "https://ap-southeast-5.console.aws.amazon.com/states/home?region=ap-southeast-5#/v2/executions/details/arn:aws:states:ap-southeast-5:123456789012:execution:m:e",
		"arn:aws-eusc:states:eusc-de-east-1:123456789012:execution:m:e":  "",
		"arn:aws-iso:states:us-iso-east-1:123456789012:execution:m:e":    "",
		"arn:aws-iso-b:states:us-isob-east-1:123456789012:execution:m:e": "",
		"arn:aws-iso-e:states:eu-isoe-west-1:123456789012:execution:m:e": "",
		"arn:aws:states:us-iso-east-1:123456789012:execution:m:e":        "",
		"arn:aws:states:eusc-de-east-1:123456789012:execution:m:e":       "",
		"arn:aws:states:us-gov-west-1:123456789012:execution:m:e":        "",
		"arn:aws:states:cn-north-1:123456789012:execution:m:e":           "",
		"arn:aws-cn:states:us-east-1:123456789012:execution:m:e":         "",
		"arn:aws-us-gov:states:us-west-1:123456789012:execution:m:e":     "",
		"https://evil.example": "",
		"arn:aws:states:us-east-1:123456789012:execution:m:dave@example.com": "",
	} {
		d := missingPath(t)
		d.Case.Execution.ARN = arn
		got := ""
		for _, l := range document(t, d, report.Options{}).Links {
			got = l.URL.String()
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", arn, got, want)
		}
	}
}

func TestLogLink(t *testing.T) {
	const want = "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fprice"
	for name, f := range map[string]diagnose.Failure{
		"parameters": {Resource: "arn:aws:states:::lambda:invoke", Parameters: history.Text(`{"FunctionName":"price:live"}`)},
		"arn given":  {Resource: "arn:aws:states:::lambda:invoke", Parameters: history.Text(`{"FunctionName":"arn:aws:lambda:eu-central-1:123456789012:function:price"}`)},
		"resource":   {Resource: "arn:aws:lambda:eu-central-1:123456789012:function:price:3"},
	} {
		d := missingPath(t)
		d.Case.Failure.Resource, d.Case.Failure.Parameters = f.Resource, f.Parameters
		links := document(t, d, report.Options{}).Links
		if len(links) != 2 || links[1].URL.String() != want {
			t.Errorf("%s: %v", name, links)
		}
	}
	d := missingPath(t)
	d.Case.Failure.Resource, d.Case.Failure.Parameters = "arn:aws:states:::lambda:invoke", history.Text(`{"FunctionName":"../../evil"}`)
	if links := document(t, d, report.Options{}).Links; len(links) != 1 {
		t.Errorf("a name that is none became %v", links)
	}
}

func TestInputIsCutAroundThePlaceThatMatters(t *testing.T) {
	d := missingPath(t)
	filler := strings.Repeat(`"0123456789",`, 2000)
	d.Case.Failure.Input = history.Text(`{"before":[` + filler + `1],"payment":{"amount":42.5,"lines":[` + filler + `1]},"after":"short"}`)
	input := document(t, d, report.Options{}).Failure.Input.String()
	if len(input) > 4096 {
		t.Errorf("%d bytes", len(input))
	}
	for _, want := range []string{`"amount":42.5`, `"after":"short"`, `… `} {
		if !strings.Contains(input, want) {
			t.Errorf("%q is not in %s", want, input)
		}
	}
}

func TestOriginAndHandlerStandInTheVerdict(t *testing.T) {
	for handlerFailed, want := range map[bool]string{
		false: "FAILED  order-pipeline / ChargeCard, which led to Refuse OrderRefused   CardError",
		true:  "FAILED  order-pipeline / Refuse, which was to handle ChargeCard CardError   OrderRefused",
	} {
		d := missingPath(t)
		d.Case.Origin = &diagnose.Failure{State: "ChargeCard", Error: ptr("CardError"), EnteredEvent: 11}
		d.Case.Failure.State, d.Case.Failure.Error = "Refuse", ptr("OrderRefused")
		d.Case.HandlerFailed = handlerFailed
		got := string(text(t, document(t, d, report.Options{}), report.Style{Width: 200}))
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q", got[:min(len(got), 200)])
		}
	}
}

func TestEqualDiagnosesGiveEqualBytes(t *testing.T) {
	var first string
	for range 5 {
		var b bytes.Buffer
		if err := report.JSON(&b, document(t, hostileDiagnosis(t), report.Options{})); err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = b.String()
		}
		if b.String() != first {
			t.Fatal("two documents differ")
		}
	}
}

func FuzzMarkdownAndText(f *testing.F) {
	f.Add(hostile)
	f.Add("`a``b` \\` ~~~")
	f.Fuzz(func(t *testing.T, s string) {
		d := missingPath(t)
		d.RootCause, d.Case.Failure.Cause, d.Findings[0].Title = s, &s, s
		doc := document(t, d, report.Options{})
		text(t, doc, report.Style{Width: 60})
		var b bytes.Buffer
		if err := report.Markdown(&b, doc); err != nil {
			t.Fatal(err)
		}
		if what := breaksOut(t, b.String()); what != "" {
			t.Errorf("%s in %q", what, b.String())
		}
	})
}

// Mail programs make links of addresses in plain text.
func TestMailMakesNoLinkButOurs(t *testing.T) {
	doc := document(t, hostileDiagnosis(t), report.Options{History: hostile})
	_, body := report.Mail(doc)
	ours := map[string]bool{}
	for _, l := range doc.Links {
		ours[l.URL.String()] = true
	}
	if len(ours) == 0 {
		t.Fatal("the document has no links of ours")
	}
	address := regexp.MustCompile(`(?i)(https?|ftp|file)://|www\.|mailto:`)
	for _, line := range strings.Split(body.String(), "\n") {
		if address.MatchString(line) && !ours[line] {
			t.Errorf("a link: %s", line)
		}
		delete(ours, line)
	}
	if len(ours) > 0 {
		t.Errorf("not in the mail: %v", ours)
	}
}
