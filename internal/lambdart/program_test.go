package lambdart_test

import (
	"archive/zip"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/lambdart"
)

type entry struct {
	name string
	mode fs.FileMode
	data []byte
}

func zipOf(t *testing.T, entries ...entry) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "code.zip")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := zip.NewWriter(f)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		header.SetMode(e.mode)
		part, err := w.CreateHeader(header)
		if err == nil {
			_, err = part.Write(e.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// A custom runtime out of a .zip, which also tries what the Runtime API forbids.
func TestRuntimeAPI(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rude")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, "./testdata/rude").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	binary, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	h := hostOf(t, lambdart.Function{Runtime: "provided.al2", Code: zipOf(t, entry{"bootstrap", 0o755, binary}), Timeout: 20 * time.Second})
	for _, id := range []string{"1", "2"} {
		if reply := invoke(t, h, id, `{"a":1}`); string(reply.Payload) != `{"a":1}` || reply.Failed {
			t.Errorf("answered %s", reply.Payload)
		}
		want := `next: 200 application/json arn:aws:lambda:eu-west-1:123456789012:function:f
next again: 403 {"errorType":"InvalidStateTransition","errorMessage":"Transition from Running to Ready is not allowed: the event is not answered"}
another id: 400 {"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}
answer: 202 {"status":"OK"}
answer again: 400 {"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}
error after it: 400 {"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}
`
		if log := text(h, id); !strings.Contains(log, want) {
			t.Errorf("log is\n%s", log)
		}
	}
}

func TestZips(t *testing.T) {
	f := pythonFunction(t, "in/app.handler")
	code := []byte("from lib import rate\ndef handler(event, context): return rate * 2\n")
	f.Code = zipOf(t, entry{"in/", 0o755 | fs.ModeDir, nil}, entry{"in/app.py", 0o600, code}, entry{"lib.py", 0o600, []byte("rate = 21\n")})
	outcome{name: "1", event: "{}", answer: "42"}.check(t, hostOf(t, f))
}

func TestBadZips(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk.zip")
	if err := os.WriteFile(junk, []byte("PK nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(os.TempDir(), "lambdart-outside")
	for name, c := range map[string]struct{ zip, want string }{
		"junk":           {junk, "not a valid zip file"},
		"out of it":      {zipOf(t, entry{"../../lambdart-outside", 0o644, []byte("x")}), "escapes"},
		"absolute":       {zipOf(t, entry{outside, 0o644, []byte("x")}), ""},
		"through a link": {zipOf(t, entry{"link", 0o777 | fs.ModeSymlink, []byte(os.TempDir())}, entry{"link/lambdart-outside", 0o644, []byte("x")}), "escapes"},
		"twice":          {zipOf(t, entry{"a", 0o644, nil}, entry{"a", 0o644, nil}), "exists"},
	} {
		t.Run(name, func(t *testing.T) {
			h := hostOf(t, lambdart.Function{Runtime: "provided.al2023", Code: c.zip})
			_, err := h.Invoke(t.Context(), call("1", "{}"))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "function f: unpack ") {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if _, err := os.Stat(outside); !errors.Is(err, fs.ErrNotExist) {
				t.Error("a file left the folder")
			}
		})
	}
}

func TestNoInterpreter(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("NOT TESTED: PATH is not all that counts here")
	}
	f := pythonFunction(t, "app.handler")
	t.Setenv("PATH", t.TempDir())
	_, err := hostOf(t, f).Invoke(t.Context(), call("1", "{}"))
	if want := "function f: the runtime python3.13 needs one of python3.13, python3, python on the PATH, and none runs"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestClosingLeavesNoFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f := pythonFunction(t, "app.handler")
	h := hostOf(t, f)
	invoke(t, h, "1", `{"do":"echo","value":1}`)
	closeHost(t, h)
	if left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "stepsleuth-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
