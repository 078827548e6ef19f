package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// migrations are the steps from an empty file to what this version writes, in order
// of their names; PRAGMA user_version counts those that were taken. A step that was
// published is never changed.
//
//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the file as ours ("step").
const applicationID = 0x73746570

// migrate brings the database to this version. Other processes may do so at the same time.
func migrate(ctx context.Context, db *sql.DB, busy time.Duration) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := versionOf(ctx, db, len(steps))
	if err != nil {
		return err
	}
	if err := patiently(ctx, busy, func() error { return writeAhead(ctx, db) }); err != nil {
		return err
	}
	if version == len(steps) {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := climb(ctx, tx, steps); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// climb takes the steps that are still to be taken.
func climb(ctx context.Context, tx *sql.Tx, steps []string) error {
	version, err := versionOf(ctx, tx, len(steps))
	if err != nil {
		return err
	}
	for _, step := range steps[version:] {
		text, err := migrations.ReadFile(step)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(steps)))
	return err
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// versionOf returns how many steps were taken, and refuses what is not ours.
func versionOf(ctx context.Context, q queryer, newest int) (int, error) {
	var id, version, tables int
	err := q.QueryRowContext(ctx, "SELECT a.application_id, u.user_version, (SELECT count(*) FROM sqlite_master) "+
		"FROM pragma_application_id AS a, pragma_user_version AS u").Scan(&id, &version, &tables)
	switch {
	case err != nil:
		return 0, err
	case id != applicationID && (id != 0 || version != 0 || tables != 0):
		return 0, errors.New("it is a database of another program; name another file")
	case version > newest:
		return 0, fmt.Errorf("a newer stepsleuth wrote it (version %d, this one knows %d); update this one", version, newest)
	}
	return version, nil
}

// writeAhead lets readers and the writer work at the same time. The mode stays with the file.
func writeAhead(ctx context.Context, db *sql.DB) error {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil || mode == "wal" {
		return err
	}
	return db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
}

// patiently tries again while another process has the lock: SQLite itself does not
// wait for this one.
func patiently(ctx context.Context, wait time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		var lite *sqlite.Error
		if !errors.As(err, &lite) || lite.Code()&primary != sqlite3.SQLITE_BUSY {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}
