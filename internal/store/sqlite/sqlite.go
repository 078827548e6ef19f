// Package sqlite remembers failures in a file of this machine, which any number of
// processes share.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/redact"
	_ "modernc.org/sqlite" // the driver
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	path   string
	policy store.Policy
	redact *redact.Redactor
	db     *sql.DB

	claims int // the writer's
	writes chan write
	closed chan struct{} // by Close: no more writes
	done   chan struct{} // by the writer: it is gone
}

// Options are how a database is used.
type Options struct {
	Policy store.Policy

	// Redact is this installation's redactor: what is read back goes through it
	// once more, so that a file from elsewhere shows nothing either.
	Redact *redact.Redactor

	// Busy is how long to wait for another process that is writing; 0: 5 seconds.
	Busy time.Duration
}

// Open opens the database in the file of that name. The file and its folder are made
// if they are not there. An error is one line, and names the file.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s := &Store{
		path: path, policy: o.Policy, redact: o.Redact,
		writes: make(chan write, 64), closed: make(chan struct{}), done: make(chan struct{}),
	}
	if s.redact == nil {
		s.redact = new(redact.Redactor)
	}
	if o.Busy <= 0 {
		o.Busy = 5 * time.Second
	}
	if err := s.open(ctx, o.Busy); err != nil {
		return nil, s.explain(err)
	}
	go s.write()
	return s, nil
}

func (s *Store) open(ctx context.Context, busy time.Duration) error {
	if err := makeFile(s.path); err != nil {
		return err
	}
	source, err := dataSource(s.path, busy)
	if err != nil {
		return err
	}
	if s.db, err = sql.Open("sqlite", source); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1) // the writer's
	if err := migrate(ctx, s.db, busy); err != nil {
		return errors.Join(err, s.db.Close())
	}
	return nil
}

// makeFile makes the file, for its owner alone, so that SQLite need not.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// dataSource is a URI, as a path may hold ? and #.
func dataSource(path string, busy time.Duration) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: url.Values{
		"_txlock": {"immediate"}, // a claim reads, then writes
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()), "synchronous(FULL)"},
	}.Encode()}
	return u.String(), nil
}

// Close waits for the writes that were begun. The Store must not be used afterwards.
func (s *Store) Close() error {
	close(s.closed)
	<-s.done
	return s.explain(s.db.Close())
}

// tidyEvery is after how many claims, beginning with the first, what is old is
// forgotten: nobody has to ask for digests.
const tidyEvery = 1000

// Claim is oncall.Incidents' Claim.
func (s *Store) Claim(ctx context.Context, d store.Delivery) (store.Incident, bool, error) {
	var incident store.Incident
	var mine bool
	err := s.do(ctx, func(tx *sql.Tx) (err error) {
		b := &book{s, tx, d.At}
		if s.claims++; s.claims%tidyEvery == 1 {
			if err := b.forget(s.policy.Forgets(d.At)); err != nil {
				return err
			}
		}
		incident, mine, err = store.Claim(b, d, s.policy)
		return err
	})
	return incident, mine, err
}

// Settle is oncall.Incidents' Settle.
func (s *Store) Settle(ctx context.Context, end store.Settlement) error {
	return s.do(ctx, func(tx *sql.Tx) error {
		b := book{s, tx, end.At}
		held, err := b.all("WHERE ticket = ? AND ticket <> ''", string(end.Ticket))
		if err == nil && len(held) == 0 {
			return store.ErrLost
		}
		for i := range held {
			held[i].Settle(end)
		}
		return errors.Join(err, b.saveAll(held))
	})
}

// Due is oncall.Incidents' Due. It, too, forgets what is old.
func (s *Store) Due(ctx context.Context, now time.Time) (store.Digest, error) {
	var digest store.Digest
	err := s.do(ctx, func(tx *sql.Tx) error {
		b := book{s, tx, now}
		if err := b.forget(s.policy.Forgets(now)); err != nil {
			return err
		}
		waiting, err := b.all("WHERE unreported > 0")
		if err != nil {
			return err
		}
		var taken []store.Series
		digest, taken = store.Due(waiting, now, s.policy)
		return b.saveAll(taken)
	})
	return digest, err
}
