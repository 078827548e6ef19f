package main

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/deploy"
)

type packageFlags struct {
	out       string
	archs     []string
	bootstrap []string
	source    string
}

func packageCommand(o *options) *cobra.Command {
	var f packageFlags
	c := &cobra.Command{
		Use:   "package",
		Short: "Write the Lambda's zip files with the Terraform module and the SAM template",
		Long: `package writes into a folder all that a deployment needs: a zip file of the
troubleshooter for each architecture, the Terraform module, the SAM template, and a
file of checksums. The same sources and the same Go give the same bytes.

It compiles the troubleshooter from the sources of this module, which it looks for
in the current folder and those above, or takes bootstraps that were compiled
before (--bootstrap); these tell by themselves which architecture they are for.

The files of an earlier package are replaced, and those that are no longer part of
it removed. Nothing else in the folder is touched, and where anything goes wrong,
nothing at all.`,
		Example: "  stepsleuth package --out build\n  stepsleuth package --out build --arch arm64 --bootstrap ./bootstrap",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c, o) },
	}
	c.Flags().StringVar(&f.out, "out", "", "folder to write to; it is made if need be (required)")
	c.Flags().StringSliceVar(&f.archs, "arch", []string{"arm64", "amd64"}, "architectures: arm64, amd64")
	c.Flags().StringSliceVar(&f.bootstrap, "bootstrap", nil, "use this compiled bootstrap instead of compiling one; give one for each architecture")
	c.Flags().StringVar(&f.source, "source", "", "folder with the sources of this module (default: found from the current folder)")
	_ = c.MarkFlagRequired("out")
	return c
}

func (f packageFlags) run(c *cobra.Command, o *options) error {
	bootstraps, err := f.bootstraps(c.Context(), func(format string, args ...any) { o.note(c.ErrOrStderr(), format, args...) })
	if err != nil {
		return err
	}
	files, err := deploy.Package(bootstraps)
	if err != nil {
		return err
	}
	if err := deploy.Write(f.out, files); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintln(c.OutOrStdout(), filepath.Join(f.out, filepath.FromSlash(name)))
	}
	f.tellNext(c.ErrOrStderr(), o, slices.Sorted(maps.Keys(bootstraps)))
	return nil
}

// tellNext prints what deploys the package, either way.
func (f packageFlags) tellNext(w io.Writer, o *options, archs []string) {
	dir := filepath.ToSlash(filepath.Join(f.out, "terraform"))
	extra := ""
	if !slices.Contains(archs, "arm64") {
		extra = " -var architecture=x86_64"
	}
	o.note(w, "\ndeploy it with Terraform, by itself or as a module (%s/README.md):", dir)
	o.note(w, "  terraform -chdir=%s init", shellWord(dir))
	o.note(w, "  terraform -chdir=%s apply -var 'state_machine_arns=[\"STATE-MACHINE-ARN\"]' -var 'emails=[\"MAIL-ADDRESS\"]'%s", shellWord(dir), extra)
	o.note(w, "or with SAM:")
	o.note(w, "  aws ssm put-parameter --name /stepsleuth/redaction-key --type SecureString --value \"$(openssl rand -hex 32)\"")
	o.note(w, "  sam deploy --template-file %s --stack-name stepsleuth --capabilities CAPABILITY_IAM --resolve-s3 --parameter-overrides StateMachineArns=STATE-MACHINE-ARN Email=MAIL-ADDRESS",
		shellWord(filepath.ToSlash(filepath.Join(f.out, filepath.FromSlash(deploy.Template)))))
	o.note(w, "then see whether all of it works: stepsleuth check-setup")
}

func shellWord(s string) string {
	if strings.ContainsAny(s, " '\"$\\&;|<>()*?`!#~") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// machines are the architectures that Lambda has, as an executable names them.
var machines = map[elf.Machine]string{elf.EM_AARCH64: "arm64", elf.EM_X86_64: "amd64"}

// bootstraps returns the function's executable for each architecture asked for.
func (f packageFlags) bootstraps(ctx context.Context, note func(string, ...any)) (map[string][]byte, error) {
	for _, arch := range f.archs {
		if !slices.Contains(slices.Collect(maps.Values(machines)), arch) {
			return nil, fmt.Errorf("--arch %s: it is arm64, amd64 or both", arch)
		}
	}
	if len(f.bootstrap) > 0 {
		return f.given()
	}
	source, err := findSource(f.source)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, arch := range f.archs {
		note("compiling the troubleshooter for %s", arch)
		if out[arch], err = compile(ctx, source, arch); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// maxBootstrap is more than Lambda takes, unzipped.
const maxBootstrap = 250 << 20

// given reads the bootstraps that the flag names.
func (f packageFlags) given() (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, file := range f.bootstrap {
		data, err := readFile(file, "bootstrap", nil, maxBootstrap)
		if err != nil {
			return nil, err
		}
		arch, err := architecture(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if out[arch] != nil {
			return nil, fmt.Errorf("%s: a second bootstrap for %s; give one for each architecture", file, arch)
		}
		out[arch] = data
	}
	return out, nil
}

// architecture reads from an executable what it is for.
func architecture(data []byte) (string, error) {
	const what = `build one with GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -tags lambda.norpc -o bootstrap ./cmd/troubleshooter`
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return "", errors.New("is no executable for Linux; " + what)
	}
	defer file.Close()
	arch, ok := machines[file.Machine]
	if !ok || file.Class != elf.ELFCLASS64 {
		return "", fmt.Errorf("is for %v, which Lambda does not run; %s", file.Machine, what)
	}
	return arch, nil
}

const (
	modulePath     = "github.com/stepsleuth/stepsleuth"
	troubleshooter = "cmd/troubleshooter"
)

// findSource returns the folder of this module's sources: the one given, or the
// current one, or one above it.
func findSource(given string) (string, error) {
	dir := given
	if given == "" {
		var err error
		if dir, err = os.Getwd(); err != nil {
			return "", fmt.Errorf("find the sources: %w", err)
		}
	}
	for ; ; dir = filepath.Dir(dir) {
		if isSource(dir) {
			return dir, nil
		}
		if given != "" || dir == filepath.Dir(dir) {
			break
		}
	}
	if given != "" {
		return "", fmt.Errorf("--source %s: the sources of %s are not there", given, modulePath)
	}
	return "", fmt.Errorf("the sources of %s are not here; run this in a clone of it, name one with --source, or give compiled bootstraps with --bootstrap", modulePath)
}

func isSource(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "module" {
			return strings.Trim(fields[1], `"`) == modulePath
		}
	}
	return false
}

// compile makes the executable. Nothing of this machine goes into it: no paths, no
// build id, no state of a repository.
func compile(ctx context.Context, source, arch string) ([]byte, error) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return nil, errors.New("there is no Go here to compile the troubleshooter with; give compiled bootstraps with --bootstrap")
	}
	dir, err := os.MkdirTemp("", "stepsleuth-package-")
	if err != nil {
		return nil, fmt.Errorf("compile the troubleshooter: %w", err)
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "bootstrap")
	cmd := exec.CommandContext(ctx, goTool, "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", out, "./"+troubleshooter)
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOWORK=off")
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile the troubleshooter for %s: %w\n%s", arch, err, bytes.TrimSpace(said))
	}
	data, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("compile the troubleshooter: %w", err)
	}
	return data, nil
}
