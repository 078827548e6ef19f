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
