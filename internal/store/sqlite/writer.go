package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/store"
)

// write is a piece of work in a transaction.
type write struct {
	ctx  context.Context
	do   func(*sql.Tx) error
	done chan error // takes one
}

var errClosed = errors.New("the store is closed")

// do has the writer do the work, and waits for it to be on the disk.
func (s *Store) do(ctx context.Context, work func(*sql.Tx) error) error {
	w := write{ctx: ctx, do: work, done: make(chan error, 1)}
	select {
	case s.writes <- w:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return s.explain(errClosed)
	}
	select {
	case err := <-w.done:
		return s.explain(err)
	case <-s.done: // it may have been answered all the same
		select {
		case err := <-w.done:
			return s.explain(err)
		default:
			return s.explain(errClosed)
		}
	}
}

// write does all work, one transaction after the other: what waits while one is
// brought to the disk shares the next.
//
//	claims ──► writes ──► [ batch ] ──► BEGIN … work, work, work … COMMIT ──► answers
func (s *Store) write() {
	defer close(s.done)
	for {
		select {
		case w := <-s.writes:
			s.rest(s.commit(s.batch(w)))
		case <-s.closed:
			return
		}
	}
}

// maxRest is how long the writer rests at most.
const maxRest = 50 * time.Millisecond

// rest leaves the file to other processes for as long as it was held. SQLite has no
// queue: who waits looks now and then whether it is free, and would never find it so
// while another has always more to write.
func (s *Store) rest(held time.Duration) {
	timer := time.NewTimer(min(held, maxRest))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closed:
	}
}

// batch is w and whatever waits besides.
func (s *Store) batch(w write) []write {
	batch := []write{w}
	for len(batch) < cap(s.writes) {
		select {
		case w := <-s.writes:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// commit answers nobody before the disk has it all. It returns how long it held the
// file.
func (s *Store) commit(batch []write) (held time.Duration) {
	errs := make([]error, len(batch))
	held, err := s.transact(batch, errs)
	for i, w := range batch {
		if err != nil {
			w.done <- err
		} else {
			w.done <- errs[i]
		}
	}
	return held
}

func (s *Store) transact(batch []write, errs []error) (held time.Duration, err error) {
	tx, err := s.db.Begin()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	defer func() { held = time.Since(began) }()
	for i, w := range batch {
		if errs[i] = w.ctx.Err(); errs[i] != nil {
			continue // nobody waits for it
		}
		if errs[i], err = apart(tx, w.do); err != nil {
			return 0, errors.Join(err, tx.Rollback())
		}
	}
	return 0, tx.Commit()
}

// apart undoes work that failed without undoing that of others. The second error is
// for when that cannot be done.
func apart(tx *sql.Tx, work func(*sql.Tx) error) (failed, broken error) {
	if _, err := tx.Exec("SAVEPOINT work"); err != nil {
		return nil, err
	}
	if failed = work(tx); failed != nil {
		if _, err := tx.Exec("ROLLBACK TO work"); err != nil {
			return failed, errors.Join(failed, err)
		}
	}
	_, err := tx.Exec("RELEASE work")
	return failed, err
}

// own tells the errors that are not SQLite's.
func own(err error) bool {
	return errors.Is(err, store.ErrLost) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrClosed)
}
