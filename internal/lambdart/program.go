package lambdart

import (
	"archive/zip"
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

//go:embed bootstrap.py bootstrap.mjs
var bootstraps embed.FS

// maxUnpacked is how large a deployment package may be, Lambda's 250 MB.
const maxUnpacked = 250 << 20

// program is a function made ready to start: its code on disk, and what runs it.
type program struct {
	root    string // LAMBDA_TASK_ROOT
	runtime string // LAMBDA_RUNTIME_DIR
	path    string // PATH
	args    []string
	version string // for the log
	custom  bool   // args is the function's own bootstrap
}

// prepare unpacks a function's code and finds what runs it.
func (h *Host) prepare(f Function) (program, error) {
	dir, err := h.folder()
	if err != nil {
		return program{}, err
	}
	root, err := f.unpacked(dir)
	if err != nil {
		return program{}, err
	}
	p := program{root: root, runtime: dir, path: "/usr/local/bin:/usr/bin:/bin:/opt/bin", version: f.Runtime}
	lang, err := languageOf(f.Runtime)
	if err != nil {
		return program{}, err
	}
	if lang == custom {
		p.args, p.custom = []string{filepath.Join(root, "bootstrap")}, true
		return p, nil
	}
	tool, err := h.tools.find(h.ctx, lang, f.Runtime)
	if err != nil {
		return program{}, err
	}
	p.version = fmt.Sprintf("%s (run by %s, %s)", f.Runtime, tool.file, tool.version)
	p.path = filepath.Dir(tool.file) + string(os.PathListSeparator) + p.path
	p.args = lang.command(tool.file, dir, f)
	return p, nil
}

// unpacked returns the absolute path of the folder with the function's code.
func (f Function) unpacked(dir string) (string, error) {
	code, err := filepath.Abs(f.Code)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(code)
	if err != nil || info.IsDir() {
		return code, err
	}
	to, err := os.MkdirTemp(dir, "code-")
	if err != nil {
		return "", err
	}
	if err := unzip(code, to); err != nil {
		return "", fmt.Errorf("unpack %s: %w", code, err)
	}
	return to, nil
}

// unzip unpacks an archive; no entry leaves the folder.
func unzip(archive, dir string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer r.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(maxUnpacked)
	for _, entry := range r.File {
		n, err := unpackEntry(root, entry, left)
		if err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
		left -= n
	}
	return nil
}

func unpackEntry(root *os.Root, entry *zip.File, left int64) (int64, error) {
	name := path.Clean(strings.ReplaceAll(entry.Name, `\`, "/"))
	if entry.Mode().IsDir() {
		return 0, root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return 0, err
	}
	src, err := entry.Open()
	if err != nil {
		return 0, err
	}
	defer src.Close()
	src = io.NopCloser(io.LimitReader(src, left+1))
	if entry.Mode()&fs.ModeSymlink != 0 {
		to, err := io.ReadAll(src)
		if err != nil {
			return 0, err
		}
		return int64(len(to)), root.Symlink(string(to), name)
	}
	return unpackFile(root, name, entry.Mode().Perm(), src, left)
}

func unpackFile(root *os.Root, name string, mode fs.FileMode, src io.Reader, left int64) (int64, error) {
	dst, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode|0o400)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(dst, src)
	if closed := dst.Close(); err == nil {
		err = closed
	}
	if err == nil && n > left {
		err = fmt.Errorf("the unpacked code is larger than %d MB", maxUnpacked>>20)
	}
	return n, err
}

// language is a family of runtimes.
type language int

const (
	custom language = iota
	python
	node
)

var runtimes = lazyregexp.New(`^(provided|provided\.al2|provided\.al2023|python3\.\d+|nodejs\d+\.x)$`)

func languageOf(runtime string) (language, error) {
	switch {
	case !runtimes.MatchString(runtime):
		return 0, fmt.Errorf("no such runtime: %q; it is one of provided.al2023, python3.x (as python3.13), nodejsN.x (as nodejs22.x)", runtime)
	case strings.HasPrefix(runtime, "python"):
		return python, nil
	case strings.HasPrefix(runtime, "nodejs"):
		return node, nil
	}
	return custom, nil
}

// command is what starts an interpreter with our bootstrap. Node's heap is bounded
// as the managed runtime bounds it: 90 % and 5 % of the memory.
func (l language) command(file, dir string, f Function) []string {
	if l == python {
		return []string{file, "-u", filepath.Join(dir, "bootstrap.py")}
	}
	share := func(percent int) string { return strconv.Itoa(f.withDefaults().MemoryMB * percent / 100) }
	return []string{file, "--max-old-space-size=" + share(90), "--max-semi-space-size=" + share(5), filepath.Join(dir, "bootstrap.mjs")}
}

// names are the commands that may run a runtime, the best first.
func (l language) names(runtime string) []string {
	if l == python {
		return []string{runtime, "python3", "python"}
	}
	return []string{"node", "nodejs"}
}

// question makes an interpreter print its version and its real file, which is
// quicker to start than the shims of version managers.
func (l language) question() []string {
	if l == python {
		return []string{"-c", "import sys; print(sys.version.split()[0]); print(sys.executable)"}
	}
	return []string{"-p", `process.version + "\n" + process.execPath`}
}

// tool is an interpreter on this machine.
type tool struct{ file, version string }

// toolbox remembers which interpreters there are.
type toolbox struct {
	mu    sync.Mutex
	known map[string]tool // by runtime
}

func (b *toolbox) find(ctx context.Context, l language, runtime string) (tool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t, ok := b.known[runtime]; ok {
		return t, nil
	}
	for _, name := range l.names(runtime) {
		t, err := l.ask(ctx, name)
		if err != nil {
			continue
		}
		if b.known == nil {
			b.known = make(map[string]tool)
		}
		b.known[runtime] = t
		return t, nil
	}
	return tool{}, fmt.Errorf("the runtime %s needs one of %s on the PATH, and none runs", runtime, strings.Join(l.names(runtime), ", "))
}

// ask runs a command to see whether it is an interpreter that works.
func (l language) ask(ctx context.Context, name string) (tool, error) {
	file, err := exec.LookPath(name)
	if err != nil {
		return tool{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, file, l.question()...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return tool{}, err
	}
	version, real, ok := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if !ok {
		return tool{}, fmt.Errorf("%s does not say what it is", file)
	}
	return tool{file: strings.TrimSpace(real), version: strings.TrimSpace(version)}, nil
}
