package deploy

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/wholefile"
)

// checksums is the file that names all others of a package, as sha256sum takes it.
const checksums = "checksums.txt"

// Package returns the files of a deployment by their path in it: a zip file for each
// bootstrap, which is named by its architecture (arm64, amd64), the module, the template
// and the checksums. The same bootstraps give the same bytes.
func Package(bootstraps map[string][]byte) (map[string][]byte, error) {
	out := map[string][]byte{}
	for arch, bootstrap := range bootstraps {
		zipped, err := zipOf(bootstrap)
		if err != nil {
			return nil, err
		}
		out[zipName(arch)] = zipped
	}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[name], err = files.ReadFile(name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the deployment's files: %w", err)
	}
	if bootstraps["arm64"] == nil { // the template names its zip itself
		out[Template] = []byte(strings.NewReplacer(zipName("arm64"), zipName("amd64"), "Architectures: [arm64]", "Architectures: [x86_64]").
			Replace(string(out[Template])))
	}
	out[checksums] = checksumsOf(out)
	return out, nil
}

func zipName(arch string) string { return "stepsleuth-troubleshooter-" + arch + ".zip" }

// zipOf is the function's zip file, whose bytes depend on the bootstrap alone.
func zipOf(bootstrap []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	entry, err := w.CreateHeader(header)
	if err == nil {
		_, err = entry.Write(bootstrap)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("zip the bootstrap: %w", err)
	}
	return b.Bytes(), nil
}

func checksumsOf(files map[string][]byte) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	return b.Bytes()
}

// Write makes dir hold the files. All are written beside their places before
// the first is moved there, so that a full disk or a missing right changes nothing.
// Files of an earlier package that this one does not have are removed.
func Write(dir string, files map[string][]byte) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder %s: %w", dir, plainPath(err))
	}
	stage, err := os.MkdirTemp(dir, ".package-")
	if err != nil {
		return fmt.Errorf("write to %s: %w", dir, plainPath(err))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		if err := writeBelow(stage, name, files[name]); err != nil {
			return err
		}
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err == nil && info.IsDir() {
			return fmt.Errorf("%s is a folder, and a file of the package has that name; remove it", filepath.Join(dir, filepath.FromSlash(name)))
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, filepath.FromSlash(name))), 0o755); err != nil {
			return fmt.Errorf("write %s: %w", name, plainPath(err))
		}
	}
	stale := staleFiles(dir, files)
	for _, name := range names {
		if err := os.Rename(filepath.Join(stage, filepath.FromSlash(name)), filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	for _, name := range stale {
		if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what is no longer part of the package: %w", err)
		}
	}
	return nil
}

func writeBelow(dir, name string, data []byte) error {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", name, plainPath(err))
	}
	return wholefile.Write(file, data)
}

// staleFiles are those that an earlier package wrote and this one has not: Terraform
// would still read them.
func staleFiles(dir string, files map[string][]byte) []string {
	text, err := os.ReadFile(filepath.Join(dir, checksums))
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		_, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if ok && files[name] == nil && fs.ValidPath(name) && name != "." && path.Clean(name) == name {
			out = append(out, name)
		}
	}
	return out
}

func plainPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
