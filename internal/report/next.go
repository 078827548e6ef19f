package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/redact"
)

// next says what to do now: prove a change, take a step of the best remedy, ask.
func (b *builder) next(doc Document) []redact.Text {
	out := []redact.Text{}
	for i, r := range doc.Remediation {
		if r.ByModel || b.c.Machine != nil && b.c.Machine.IsTemplate() { // which nothing can run
			continue
		}
		if r.Diff != nil || r.LocalOnly {
			out = append(out, b.text(b.verify(i+1)))
			break
		}
	}
	if len(out) == 0 {
		out = append(out, b.ask(doc)...)
	}
	if m := doc.Model; m != nil && m.Error != nil && !m.Error.Mend.IsZero() {
		out = append(out, redact.Format("for the model: %s", m.Error.Mend))
	}
	return slices.Insert(out, 0, b.opts.Next...)
}

// verify is the command that proves a remedy. It reads files: what AWS remembers is
// saved first, and a run on this machine has to be told to save its history.
func (b *builder) verify(remedy int) string {
	history, definition := b.opts.History, b.definitionFlag()
	first := ""
	switch {
	case strings.HasPrefix(history, "arn:"):
		first, history, definition = "stepsleuth diagnose "+shellWord(history)+" --save failed && ", "failed/history.json", " --definition failed/definition.asl.json"
	case history == "" && b.opts.Local:
		first, history = "run it again with --save-history history.json, then: ", "history.json"
	}
	return fmt.Sprintf("%sstepsleuth verify %s%s --remedy %d", first, shellWord(cmp.Or(history, "HISTORY")), definition, remedy)
}

// definitionFlag names the definition's file to a command, where it came from one.
func (b *builder) definitionFlag() string {
	if b.c.Machine == nil {
		return ""
	}
	source := b.c.Machine.Source()
	if source.Origin != nil {
		source = source.Origin.Source
	}
	name := cmp.Or(b.opts.Definition, source.Name)
	if name == "" {
		return ""
	}
	return " --definition " + shellWord(name)
}

// shellWord is s as a shell takes it for one word.
func shellWord(s string) string {
	if strings.IndexFunc(s, unsafeInShell) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func unsafeInShell(c rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:@%+=,", c)
}

// whom names who can help where no change of the definition does.
var whom = map[diagnose.Category]redact.Text{
	diagnose.Permission:              redact.Static("ask whoever owns the role or the policy that denies it"),
	diagnose.Quota:                   redact.Static("see the limit in Service Quotas, and ask for more or run less at once"),
	diagnose.AbortedByHand:           redact.Static("find StopExecution in CloudTrail to see who stopped it"),
	diagnose.LambdaUnhandled:         redact.Static("read the function's log of that request, and ask whoever owns its code"),
	diagnose.LambdaPackaging:         redact.Static("ask whoever builds and deploys the function"),
	diagnose.LambdaResourceExhausted: redact.Static("ask whoever owns the function's memory and time-out settings"),
	diagnose.NestedExecutionFailed:   redact.Static("diagnose the nested execution: its own cause is there"),
	diagnose.Other:                   redact.Static("hand over what the gaps name; where no rule helps, a model may"),
	diagnose.ServiceError:            redact.Static("see the AWS Health Dashboard, then redrive the execution"),
}

func (b *builder) ask(doc Document) []redact.Text {
	var out []redact.Text
	if t, ok := whom[b.d.Category]; ok {
		out = append(out, t)
	}
	if command := b.again(); command != "" && redrivable[b.d.Category] {
		out = append(out, redact.Format("when that is mended: %s", b.text(command)))
	}
	if len(out) > 0 {
		return out
	}
	for _, r := range doc.Remediation {
		if !r.ByModel && len(r.Steps) > 0 {
			return r.Steps[:1:1]
		}
	}
	return nil
}

// redrivable are the categories in which the same definition and input can succeed
// once something outside of them is mended.
var redrivable = map[diagnose.Category]bool{
	diagnose.Permission: true, diagnose.Quota: true, diagnose.Throttling: true, diagnose.LambdaResourceExhausted: true,
	diagnose.LambdaPackaging: true, diagnose.LambdaUnhandled: true, diagnose.ResourceNotFound: true, diagnose.Concurrency: true,
	diagnose.Network: true, diagnose.ServiceError: true, diagnose.Configuration: true, diagnose.NestedExecutionFailed: true,
}

// again is the command that tries the execution once more: "" for what cannot be
// redriven (Express workflows, runs that go on, histories without ARN), and for
// what ran on this machine. Where the workflow caught the failure itself a redrive
// would only run into its Fail state again.
func (b *builder) again() string {
	x := b.c.Execution
	if x == nil || b.c.Failure == nil || b.opts.HandledBy != "" || b.opts.Local || x.Type == history.Express || executionURL(x.ARN, 0) == "" || strings.Contains(x.ARN, ":express:") {
		return ""
	}
	if strings.IndexFunc(x.ARN, unsafeInShell) >= 0 {
		return ""
	}
	if b.opts.Inline {
		if machine := history.MachineOf(x.ARN); machine != "" {
			return "aws stepfunctions start-execution --state-machine-arn " + machine + " --input file://INPUT.json"
		}
		return ""
	}
	return "aws stepfunctions redrive-execution --execution-arn " + x.ARN
}
