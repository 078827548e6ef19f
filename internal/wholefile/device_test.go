//go:build unix

package wholefile_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/wholefile"
)

// Run by root, a rename would put a file in the place of /dev/null.
func TestWhatIsNoFileStaysWhatItIs(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skipf("SKIPPED: no named pipes here: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link} {
		read := make(chan string, 1)
		go func() {
			text, _ := os.ReadFile(pipe)
			read <- string(text)
		}()
		if err := wholefile.Write(path, []byte("one")); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(pipe)
		if err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
			t.Fatalf("the pipe is now %v, %v", info, err)
		}
		if got := <-read; got != "one" {
			t.Errorf("through it came %q", got)
		}
	}
}

// An output that is a link is written where it leads to, also where nothing is there yet.
func TestALinkStaysALink(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"there", "absent"} {
		file, link := filepath.Join(dir, name), filepath.Join(dir, name+".link")
		if name == "there" {
			if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(name, link); err != nil {
			t.Skipf("SKIPPED: no symbolic links here: %v", err)
		}
		if err := wholefile.Write(link, []byte("new")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s: the link is now %v, %v", name, info, err)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != "new" {
			t.Errorf("%s: it leads to %q, %v", name, text, err)
		}
	}
}

// What the owner keeps to himself is not opened to others by being written anew.
func TestPermissionsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "private")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := wholefile.Write(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	if err := wholefile.WriteMode(path, []byte("new"), 0o640); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
}
