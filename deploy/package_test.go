package deploy_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stepsleuth/stepsleuth/deploy"
)

func pack(t *testing.T, bootstraps map[string][]byte) map[string][]byte {
	t.Helper()
	files, err := deploy.Package(bootstraps)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTheSameBootstrapGivesTheSameBytes(t *testing.T) {
	bootstraps := map[string][]byte{"arm64": bytes.Repeat([]byte("arm"), 5000), "amd64": []byte("amd")}
	if diff := cmp.Diff(pack(t, bootstraps), pack(t, bootstraps)); diff != "" {
		t.Error(diff)
	}
}

func TestAZipIsWhatLambdaRuns(t *testing.T) {
	files := pack(t, map[string][]byte{"arm64": []byte("the program")})
	data := files["stepsleuth-troubleshooter-arm64.zip"]
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(z.File) != 1 {
		t.Fatalf("%v, %d files", err, len(z.File))
	}
	entry := z.File[0]
	if entry.Name != "bootstrap" || entry.Mode() != 0o755 || entry.Modified.Year() != 1980 {
		t.Errorf("%s %v %v", entry.Name, entry.Mode(), entry.Modified)
	}
	r, err := entry.Open()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != "the program" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestChecksumsNameEveryOtherFile(t *testing.T) {
	files := pack(t, map[string][]byte{"arm64": []byte("a"), "amd64": []byte("b")})
	sums := string(files["checksums.txt"])
	for name, data := range files {
		line := fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name)
		if name != "checksums.txt" && !strings.Contains(sums, line) {
			t.Errorf("no line %q", line)
		}
	}
	if got, want := strings.Count(sums, "\n"), len(files)-1; got != want {
		t.Errorf("%d lines for %d files", got, want)
	}
}

func TestTheTemplateNamesTheZipThatIsThere(t *testing.T) {
	for arch, lambda := range map[string]string{"arm64": "arm64", "amd64": "x86_64"} {
		files := pack(t, map[string][]byte{arch: []byte("a")})
		text := string(files[deploy.Template])
		if !strings.Contains(text, "CodeUri: ../stepsleuth-troubleshooter-"+arch+".zip\n") || !strings.Contains(text, "Architectures: ["+lambda+"]\n") {
			t.Errorf("for %s the template has another zip or architecture", arch)
		}
	}
}

func TestWriteReplacesAPackageAndLeavesTheRest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "build")
	first := pack(t, map[string][]byte{"arm64": []byte("a"), "amd64": []byte("b")})
	first["terraform/old.tf"] = []byte("# a part of an older package")
	first["checksums.txt"] = append(first["checksums.txt"], "00  terraform/old.tf\n00  ../outside\n"...)
	outside, state := filepath.Join(dir, "..", "outside"), filepath.Join(dir, "terraform", "terraform.tfstate")
	for _, err := range []error{deploy.Write(dir, first), os.WriteFile(outside, nil, 0o644), os.WriteFile(state, []byte("{}"), 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	second := pack(t, map[string][]byte{"arm64": []byte("c")})
	if err := deploy.Write(dir, second); err != nil {
		t.Fatal(err)
	}
	got := map[string][]byte{}
	for _, name := range tree(t, dir) {
		got[name] = []byte(read(t, filepath.Join(dir, name)))
	}
	second["terraform/terraform.tfstate"] = []byte("{}")
	if diff := cmp.Diff(second, got); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Errorf("a file outside of the package is gone: %v", err)
	}
}

func TestWhereOneFileCannotBeWrittenNoneIs(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "terraform", "variables.tf", "folder")
	if err := os.MkdirAll(blocked, 0o755); err != nil {
		t.Fatal(err)
	}
	err := deploy.Write(dir, pack(t, map[string][]byte{"arm64": []byte("a")}))
	if err == nil || !strings.Contains(err.Error(), "variables.tf is a folder") {
		t.Errorf("got %v", err)
	}
	if left := tree(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// tree lists the files below dir.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
