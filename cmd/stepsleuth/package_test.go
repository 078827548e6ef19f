package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/redact"
)

// packageRun runs the verb by itself and returns what it wrote to stdout and stderr.
func packageRun(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	c := packageCommand(&options{})
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&errs)
	err = c.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

// executable writes the header of a program for Linux, and some bytes.
func executable(t *testing.T, machine elf.Machine) string {
	t.Helper()
	var b bytes.Buffer
	header := elf.Header64{Ident: [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, Type: 2, Machine: uint16(machine), Version: 1, Ehsize: 64}
	if err := binary.Write(&b, binary.LittleEndian, header); err != nil {
		t.Fatal(err)
	}
	b.WriteString(strings.Repeat("code", 1000))
	file := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(file, b.Bytes(), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPackageOfGivenBootstraps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "build")
	stdout, stderr, err := packageRun(t, "--out", dir, "--bootstrap", executable(t, elf.EM_AARCH64), "--bootstrap", executable(t, elf.EM_X86_64))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(stdout) {
		if info, err := os.Stat(strings.TrimSpace(line)); err != nil || info.Size() == 0 {
			t.Errorf("it says that it wrote %q: %v", line, err)
		}
	}
	for _, want := range []string{"stepsleuth-troubleshooter-arm64.zip", "stepsleuth-troubleshooter-amd64.zip", "terraform/variables.tf", "sam/template.yaml", "checksums.txt"} {
		if !strings.Contains(stdout, filepath.FromSlash(want)) {
			t.Errorf("no %s in\n%s", want, stdout)
		}
	}
	for _, want := range []string{"terraform -chdir=", "sam deploy", "stepsleuth check-setup"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("it does not say what to run next (%s):\n%s", want, stderr)
		}
	}
	if shown := new(redact.Redactor).Text(stderr).String(); shown != stderr {
		t.Errorf("what it says next is shown with placeholders:\n%s", shown)
	}
	if sums, err := exec.LookPath("sha256sum"); err == nil {
		cmd := exec.Command(sums, "--check", "--strict", "checksums.txt")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("sha256sum: %v\n%s", err, out)
		}
	}
}

func TestPackageRefusals(t *testing.T) {
	text := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	arm := executable(t, elf.EM_AARCH64)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no folder":        {nil, `"out" not set`},
		"a script":         {[]string{"--bootstrap", text}, "is no executable for Linux; build one with"},
		"another machine":  {[]string{"--bootstrap", executable(t, elf.EM_RISCV)}, "which Lambda does not run"},
		"the same twice":   {[]string{"--bootstrap", arm, "--bootstrap", arm}, "a second bootstrap for arm64"},
		"no such file":     {[]string{"--bootstrap", "absent"}, "absent: no such file"},
		"an unknown arch":  {[]string{"--arch", "x86_64"}, "--arch x86_64: it is arm64, amd64 or both"},
		"no sources there": {[]string{"--source", t.TempDir()}, "are not there"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "build")
			args := c.args
			if name != "no folder" {
				args = append(args, "--out", dir)
			}
			_, _, err := packageRun(t, args...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("the folder was made all the same")
			}
		})
	}
}

// placeholder makes the sources of a module with our name and a small troubleshooter.
func placeholder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, troubleshooter), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.mod":                    "module " + modulePath + "\n\ngo 1.26\n",
		troubleshooter + "/main.go": "package main\n\nfunc main() { println(\"troubleshooter\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPackageFromSourceIsTheSameFromAnyFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: compiles")
	}
	var sums []string
	for range 2 {
		dir := filepath.Join(t.TempDir(), "build")
		if _, _, err := packageRun(t, "--out", dir, "--arch", "amd64", "--source", placeholder(t)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "checksums.txt"))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, string(text))
		programIn(t, filepath.Join(dir, "stepsleuth-troubleshooter-amd64.zip"))
	}
	if sums[0] != sums[1] {
		t.Errorf("two packages differ:\n%s\n%s", sums[0], sums[1])
	}
}

// programIn checks that the zip holds a program for Linux that needs no library.
func programIn(t *testing.T, file string) {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	r, err := z.Open("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	program, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if libraries, _ := program.ImportedLibraries(); len(libraries) > 0 || program.Machine != elf.EM_X86_64 {
		t.Errorf("%v, needs %v", program.Machine, libraries)
	}
}

func TestPackageSaysWhatTheCompilerSaid(t *testing.T) {
	source := placeholder(t)
	if err := os.WriteFile(filepath.Join(source, troubleshooter, "main.go"), []byte("package main\n\nfunc main() { undefined() }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err := packageRun(t, "--out", filepath.Join(t.TempDir(), "build"), "--arch", "amd64", "--source", source)
	if err == nil || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("got %v", err)
	}
}
