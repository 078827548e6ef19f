package awscloud

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// Observed returns the rules that say what stands in the evidence of Collectors. They
// name no cause: the cause of a failure is what the built-in rules and a model judge.
func Observed() []*diagnose.Rule {
	return []*diagnose.Rule{
		{Name: "function-log", Doc: "Contributing: what the failed function logged.", Check: functionLog},
		{Name: "function-settings", Doc: "Contributing: the failed function's time-out and memory, and an update that is not through.", Check: functionSettings},
	}
}

func evidence(c *diagnose.Case, source diagnose.Source, begin string) (diagnose.Evidence, bool) {
	i := slices.IndexFunc(c.Evidence, func(e diagnose.Evidence) bool {
		return e.Source == source && strings.HasPrefix(e.Text, begin)
	})
	if i < 0 {
		return diagnose.Evidence{}, false
	}
	return c.Evidence[i], true
}

// telling are lines of a log that say what went wrong, as the runtimes write them.
var telling = lazyregexp.New(`(?i)\b(error|exception|fatal|panic|traceback|timed out|killed|denied|refused)\b|Error:|Exception:`)

// framing are Lambda's own lines around every invocation.
var framing = lazyregexp.New(`^(START|END|REPORT|INIT_START|EXTENSION|XRAY)\b|"type":"platform\.(start|runtimeDone|report|initStart)"`)

func functionLog(c *diagnose.Case) []diagnose.Finding {
	e, ok := evidence(c, diagnose.FromLog, "log group ")
	if !ok {
		return nil
	}
	lines := strings.Split(e.Text, "\n")[1:]
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "" || framing.MatchString(l) })
	if len(lines) == 0 {
		return nil
	}
	said := lines[len(lines)-1]
	for i := len(lines) - 1; i >= 0; i-- {
		if telling.MatchString(lines[i]) {
			said = lines[i]
			break
		}
	}
	title, confidence := "the function logged: ", diagnose.Likely
	if head, _, _ := strings.Cut(e.Text, "\n"); strings.HasSuffix(head, byTime) {
		title, confidence = "at that time the function logged, perhaps for another request: ", diagnose.Hypothesis
	}
	return []diagnose.Finding{{
		Title: title + sentence(said), Category: diagnose.Configuration,
		Contributing: true, Confidence: confidence, Cites: []string{e.ID},
	}}
}

var setting = lazyregexp.New(`(?m)^(timeout|memory|last update|state): (.*)$`)

func functionSettings(c *diagnose.Case) []diagnose.Finding {
	e, ok := evidence(c, diagnose.FromConfig, "function: ")
	if !ok {
		return nil
	}
	is := map[string]string{}
	for _, found := range setting.FindAllStringSubmatch(e.Text, -1) {
		is[found[1]] = found[2]
	}
	title := fmt.Sprintf("the function has a time-out of %s and %s of memory", is["timeout"], is["memory"])
	for _, name := range []string{"state", "last update"} {
		if s := is[name]; s != "" && s != "Active" && s != "Successful" {
			title += fmt.Sprintf("; its %s is %s", name, s)
		}
	}
	return []diagnose.Finding{{
		Title: title, Category: diagnose.Configuration, Contributing: true, Confidence: diagnose.Certain, Cites: []string{e.ID},
	}}
}
