package deploy_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of the READMEs anew")

// The tables of settings in the two READMEs are made from the module's variables and
// outputs and from the template's parameters.
func TestReferenceIsCurrent(t *testing.T) {
	module := read(t, "terraform/variables.tf")
	outputs := read(t, "terraform/outputs.tf")
	template := read(t, "sam/template.yaml")
	current(t, "terraform/README.md", "variables", variablesTable(t, module))
	current(t, "terraform/README.md", "outputs", outputsTable(t, outputs))
	current(t, "sam/README.md", "parameters", parametersTable(t, template))
}

// current compares what stands between two marks of a file with what should.
func current(t *testing.T, file, name, want string) {
	t.Helper()
	text := read(t, file)
	begin, end := "<!-- "+name+": made from the source, do not edit -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for its %s", file, name)
	}
	if got == want {
		return
	}
	if !*update {
		t.Errorf("%s: its table of %s is not current; go test ./deploy -update writes it\nwant:\n%s\ngot:\n%s", file, name, want, got)
		return
	}
	if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

var (
	hclBlock = regexp.MustCompile(`(?ms)^(variable|output) "(\w+)" \{\n(.*?)\n\}$`)
	hclType  = regexp.MustCompile(`(?ms)^  type\s*= (.*?)\n  \w`)
	hclText  = regexp.MustCompile(`(?m)^  description\s*= "(.*)"$`)
	hclValue = regexp.MustCompile(`(?m)^  default\s*= (.*)$`)
	blanks   = regexp.MustCompile(`\s+`)
)

func variablesTable(t *testing.T, text string) string {
	var b strings.Builder
	b.WriteString("| variable | type | default | what it is |\n|---|---|---|---|\n")
	blocks := hclBlock.FindAllStringSubmatch(text, -1)
	if n := strings.Count(text, "\nvariable "); n != len(blocks) {
		t.Fatalf("%d variables were read of %d", len(blocks), n)
	}
	for _, block := range blocks {
		typ, said := hclType.FindStringSubmatch(block[3]), hclText.FindStringSubmatch(block[3])
		if typ == nil || said == nil {
			t.Fatalf("variable %s has no type or no description", block[2])
		}
		value := "**required**"
		if found := hclValue.FindStringSubmatch(block[3]); found != nil {
			value = "`" + found[1] + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", block[2], blanks.ReplaceAllString(typ[1], " "), value, unquote(said[1]))
	}
	return b.String()
}

func outputsTable(t *testing.T, text string) string {
	var b strings.Builder
	b.WriteString("| output | what it is |\n|---|---|\n")
	for _, block := range hclBlock.FindAllStringSubmatch(text, -1) {
		said := hclText.FindStringSubmatch(block[3])
		if said == nil {
			t.Fatalf("output %s has no description", block[2])
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", block[2], unquote(said[1]))
	}
	return b.String()
}

func unquote(s string) string { return strings.NewReplacer(`\"`, `"`, `\\`, `\`, "|", `\|`).Replace(s) }

var (
	yamlParameters = regexp.MustCompile(`(?ms)^Parameters:\n(.*?)^\w`)
	yamlParameter  = regexp.MustCompile(`(?m)^  (\w+):\n((?:    .*\n|\n)+)`)
	yamlField      = regexp.MustCompile(`(?m)^    (\w+): (.*)$`)
)

func parametersTable(t *testing.T, text string) string {
	var b strings.Builder
	b.WriteString("| parameter | type | default | what it is |\n|---|---|---|---|\n")
	section := yamlParameters.FindStringSubmatch(text)
	if section == nil {
		t.Fatal("the template has no parameters")
	}
	for _, p := range yamlParameter.FindAllStringSubmatch(section[1], -1) {
		fields := map[string]string{}
		for _, f := range yamlField.FindAllStringSubmatch(p[2], -1) {
			fields[f[1]] = strings.Trim(f[2], `'"`)
		}
		if fields["Description"] == "" || fields["Type"] == "" {
			t.Fatalf("parameter %s has no type or no description", p[1])
		}
		value, given := fields["Default"]
		switch {
		case !given:
			value = "**required**"
		case value == "":
			value = "empty"
		default:
			value = "`" + value + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p[1], fields["Type"], value, strings.ReplaceAll(fields["Description"], "|", `\|`))
	}
	return b.String()
}

// The two ways to deploy grant the same and set the same environment, so that neither
// falls behind the other.
func TestModuleAndTemplateAgree(t *testing.T) {
	var module strings.Builder
	files, err := filepath.Glob("terraform/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no module: %v", err)
	}
	for _, file := range files {
		module.WriteString(read(t, file))
	}
	template := read(t, "sam/template.yaml")
	for what, pattern := range map[string]string{
		"permissions":           `\b(?:states|lambda|logs|bedrock|sns|dynamodb|ssm|sqs|kms):[A-Z][A-Za-z]+`,
		"environment variables": `STEPSLEUTH_[A-Z_]+`,
	} {
		a, b := found(module.String(), pattern), found(template, pattern)
		if !slices.Equal(a, b) {
			t.Errorf("%s differ\nmodule:   %v\ntemplate: %v", what, a, b)
		}
		if len(a) == 0 {
			t.Errorf("no %s found", what)
		}
	}
}

// What is set is read: the function says in its documentation what it is configured by.
func TestTheFunctionReadsWhatIsSet(t *testing.T) {
	documented := found(read(t, "../cmd/troubleshooter/main.go"), `STEPSLEUTH_[A-Z_]+`)
	for _, name := range found(read(t, "terraform/function.tf"), `STEPSLEUTH_[A-Z_]+`) {
		if !slices.Contains(documented, name) {
			t.Errorf("%s is set, and the function knows nothing of it", name)
		}
	}
}

// notSet are environment variables that are spoken of and not set.
var notSet = []string{"STEPSLEUTH_REDACTION_KEY"}

func found(text, pattern string) []string {
	all := regexp.MustCompile(pattern).FindAllString(text, -1)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return slices.Contains(notSet, s) })
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
