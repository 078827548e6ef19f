package example

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
)

const head = `# Rules

<!-- Made by go run ./diagnose/rules/internal/gendocs from the rules and their examples; edit those. -->

What stepsleuth knows without a model. Each rule recognises one kind of failure in a failed execution; with no more than
an error and a cause, and better with the definition and the recorded input. Where several speak, the surest comes first,
and of equally sure ones the category that stands earlier in the vocabulary. Rules called contributing never name the
cause: they say what made it worse or hid it.

`

// Page is the reference of all rules, with the first example of each, from the examples below dir.
func Page(dir string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(head)
	b.WriteString("| rule | sees |\n|---|---|\n")
	for _, r := range rules.All() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", r.Name, r.Name, cell(r.Doc))
	}
	for _, r := range rules.All() {
		if err := section(&b, dir, r); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func section(b *bytes.Buffer, dir string, r *diagnose.Rule) error {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", r.Name, r.Doc)
	files, err := Files(dir, r.Name, "hit")
	if err != nil || len(files) == 0 {
		return err
	}
	e, err := Read(files[0])
	if err != nil {
		return err
	}
	c, err := e.Case()
	if err != nil {
		return fmt.Errorf("%s: %w", files[0], err)
	}
	found := r.Check(c)
	if len(found) == 0 {
		return fmt.Errorf("%s: the rule is silent", files[0])
	}
	f := found[0]
	b.WriteString("\nFor example, of\n\n```text\n" + failure(e) + "```\n\nit says")
	if !f.Contributing {
		fmt.Fprintf(b, " (%s, %s, retryable: %s)", f.Category, f.Confidence, f.Retryable)
	}
	fmt.Fprintf(b, ":\n\n> **%s**\n>\n> %s\n", plain(f.Title), plain(f.RootCause))
	if f.Explanation != "" {
		fmt.Fprintf(b, ">\n> %s\n", plain(f.Explanation))
	}
	for _, m := range f.Remedies {
		fmt.Fprintf(b, "\n- %s\n", plain(m.Title))
		for _, s := range m.Steps {
			fmt.Fprintf(b, "  - %s\n", step(s))
		}
	}
	return nil
}

func failure(e Example) string {
	var b strings.Builder
	if e.StateName != "" {
		fmt.Fprintf(&b, "state  %s\n", e.StateName)
	}
	fmt.Fprintf(&b, "error  %s\ncause  %s\n", orNone(e.Error), clip(orNone(e.Cause), 300))
	return b.String()
}

func orNone(s *string) string {
	if s == nil {
		return "(none)"
	}
	return strings.ReplaceAll(*s, "\n", `\n`)
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// plain keeps Markdown from reading more into a sentence than stands there.
func plain(s string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "<", "&lt;", "`", "'").Replace(s)
}

// step is code where it is a command or JSON, else a sentence.
func step(s string) string {
	if strings.HasPrefix(s, "{") || strings.HasPrefix(s, "aws ") {
		return "`" + strings.ReplaceAll(s, "`", "'") + "`"
	}
	return plain(s)
}
