// Package wholefile writes files that appear whole or not at all.
package wholefile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Write makes path hold data, by way of a file beside it that is renamed when it
// is complete and on disk. The folder must exist. On an error nothing is left
// behind, and what path held before is still there. A file that is there keeps its
// permissions, a new one gets what the umask leaves of rw-rw-rw-. A symbolic link stays
// one: the file that it leads to is written. What is no file, such as /dev/null or a
// pipe, is written to and stays what it is.
func Write(path string, data []byte) error { return write(path, data, 0) }

// WriteMode is Write with the permissions that the file gets, also one that is there.
func WriteMode(path string, data []byte, mode os.FileMode) error { return write(path, data, mode) }

// write takes mode 0 for the permissions of Write.
func write(path string, data []byte, mode os.FileMode) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return writeThrough(path, data)
	}
	if err == nil && mode == 0 {
		mode = info.Mode().Perm()
	}
	file, err := linked(path)
	if err == nil {
		err = replace(file, data, mode)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, plain(err))
	}
	return nil
}

// Check finds out whether Write could make path, so that nobody learns that when the
// work is done. It changes nothing.
func Check(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("write %s: is a folder", path)
	case err == nil && !info.Mode().IsRegular():
		return nil
	}
	file, err := linked(path)
	if err == nil {
		var probe *os.File
		if probe, err = create(file, 0o600); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, plain(err))
	}
	return nil
}

// linked is where path leads, through symbolic links; the last may lead to a file that
// is not there yet.
func linked(path string) (string, error) {
	for range 40 { // as many as Linux follows
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", errors.New("too many levels of symbolic links")
}

// writeThrough writes to a device or a pipe.
func writeThrough(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.Write(data)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, plain(err))
	}
	return nil
}

// replace puts a new file in the place of path; mode 0 leaves its permissions to the umask.
func replace(path string, data []byte, mode os.FileMode) (err error) {
	at := os.FileMode(0o600) // until it is complete
	if mode == 0 {
		at = 0o666
	}
	tmp, err := create(path, at)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(data)
	if err == nil && mode != 0 {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	return err
}

// create makes a new file beside path, with a name of its own.
func create(path string, mode os.FileMode) (*os.File, error) {
	for range 100 {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%08x", filepath.Base(path), rand.Uint32()))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, fs.ErrExist
}

// plain drops the temporary file's name, which tells a reader nothing.
func plain(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
