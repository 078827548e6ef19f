package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// explain says in one line what is wrong with which file, and what to do about it.
func (s *Store) explain(err error) error {
	if err == nil || own(err) {
		return err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("incident store %s: %w", s.path, path.Err)
	}
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return fmt.Errorf("incident store %s: %w", s.path, err)
	}
	if text := advice[lite.Code()&primary]; text != "" {
		return &storeError{text: "incident store " + s.path + ": " + text, err: err}
	}
	return &storeError{text: "incident store " + s.path + ": " + strings.Join(strings.Fields(lite.Error()), " "), err: err}
}

// primary masks the part of an error code that says what it is; the rest tells details.
const primary = 0xff

var advice = map[int]string{
	sqlite3.SQLITE_BUSY:     "another process keeps it locked; is one hanging?",
	sqlite3.SQLITE_LOCKED:   "another process keeps it locked; is one hanging?",
	sqlite3.SQLITE_READONLY: "it cannot be written; see to the rights of the file and its folder",
	sqlite3.SQLITE_CANTOPEN: "it cannot be opened; see to the rights of the file and its folder",
	sqlite3.SQLITE_PERM:     "it cannot be opened; see to the rights of the file and its folder",
	sqlite3.SQLITE_IOERR:    "the disk reports an error",
	sqlite3.SQLITE_FULL:     "the disk is full",
	sqlite3.SQLITE_CORRUPT:  "the file is damaged; move it away, and a new one is made",
	sqlite3.SQLITE_NOTADB:   "it is not a database of stepsleuth; name another file, or move this one away",
}

// storeError is one line over an error of SQLite's.
type storeError struct {
	text string
	err  error
}

func (e *storeError) Error() string { return e.text }
func (e *storeError) Unwrap() error { return e.err }
