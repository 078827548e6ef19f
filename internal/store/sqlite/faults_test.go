package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/internal/store/sqlite"
)

func delivery(execution string) store.Delivery {
	return store.Delivery{Key: store.Key{Execution: store.IDOf(execution), Event: 7}, Fingerprint: "fp1:a", At: time.Now()}
}

// refused expects one line that names the file and says this.
func refused(t *testing.T, err error, path, says string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line with %q", err, says)
	}
}

func raw(t *testing.T, path, query string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestAFileThatIsNoStoreIsRefusedAndLeftAlone(t *testing.T) {
	for _, c := range []struct {
		name, says string
		make       func(path string)
	}{
		{"text", "not a database of stepsleuth", func(path string) { write(t, path, strings.Repeat("not a database\n", 400)) }},
		{"foreign", "another program", func(path string) { raw(t, path, "CREATE TABLE songs (title TEXT)").Close() }},
		{"newer", "a newer stepsleuth wrote it (version 99, this one knows", func(path string) {
			raw(t, path, "PRAGMA application_id = 1937007984; PRAGMA user_version = 99").Close()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "incidents.db")
			c.make(path)
			before, _ := os.ReadFile(path)
			_, err := sqlite.Open(context.Background(), path, sqlite.Options{})
			refused(t, err, path, c.says)
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestAPlaceWhereNoFileCanBeIsNamed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, "")
	for path, says := range map[string]string{filepath.Join(file, "incidents.db"): "not a directory", dir: "is a directory"} {
		_, err := sqlite.Open(context.Background(), path, sqlite.Options{})
		refused(t, err, path, says)
	}
}

func TestALockedStoreIsNamedAfterAWhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incidents.db")
	s := open(t, path, sqlite.Options{Busy: 20 * time.Millisecond})
	other := raw(t, path, "BEGIN IMMEDIATE")
	_, mine, err := s.Claim(context.Background(), delivery("run-1"))
	refused(t, err, path, "locked")
	if mine {
		t.Error("claimed all the same")
	}
	if _, err := other.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	if _, mine, err := s.Claim(context.Background(), delivery("run-1")); !mine || err != nil {
		t.Errorf("once it is free: mine %v, %v", mine, err)
	}
}

func TestAStoreThatIsDamagedWhileOpenIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incidents.db")
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		if _, _, err := s.Claim(context.Background(), delivery(fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	for i := 4096; i < len(text); i++ {
		text[i] = 0xee
	}
	write(t, path, string(text))
	s = open(t, path, sqlite.Options{})
	_, _, err = s.Claim(context.Background(), delivery("run-1"))
	refused(t, err, path, "damaged; move it away")
}

func TestAClosedStoreSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incidents.db")
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Claim(context.Background(), delivery("run-1"))
	refused(t, err, path, "closed")
}

func TestManyMayMakeTheFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incidents.db")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if _, _, err := s.Claim(context.Background(), delivery("run-1")); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestTheFileIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "incidents.db")
	s := open(t, path, sqlite.Options{})
	if _, _, err := s.Claim(context.Background(), delivery("run-1")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", name, info.Mode())
		}
	}
}

func TestTheFileDoesNotGrowForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incidents.db")
	old := delivery("run-1")
	for n := range 2 { // as two processes, the second a year later
		s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		d := old
		if n == 1 {
			d = delivery("run-2")
			d.Fingerprint, d.At = "fp1:b", old.At.AddDate(1, 0, 0)
		}
		if _, _, err := s.Claim(context.Background(), d); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var rows int
	const query = "SELECT (SELECT count(*) FROM names WHERE series = 'fp1:a') + (SELECT count(*) FROM series WHERE id = 'fp1:a')"
	if err := raw(t, path, "").QueryRow(query).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows of a year ago, %v", rows, err)
	}
}

func TestAFailedWriteDoesNotUndoItsNeighbours(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "incidents.db"), sqlite.Options{})
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			if _, _, err := s.Claim(context.Background(), delivery(fmt.Sprint(n))); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := s.Settle(context.Background(), store.Settlement{Ticket: "unheard of"}); !errors.Is(err, store.ErrLost) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if i, _, err := s.Claim(context.Background(), delivery("0")); err != nil || i.Count != 40 {
		t.Errorf("%+v, %v", i, err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
