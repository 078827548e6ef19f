package sqlite

import (
	"database/sql"
	"errors"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/store"
)

// book is a store.Book in a transaction.
type book struct {
	s   *Store
	tx  *sql.Tx
	now time.Time
}

func (b *book) Lookup(name string) (string, error) {
	var id string
	err := b.tx.QueryRow("SELECT series FROM names WHERE name = ?", name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

func (b *book) Record(name, series string) error {
	if series == "" {
		return b.exec("DELETE FROM names WHERE name = ?", name)
	}
	return b.exec("INSERT OR REPLACE INTO names (name, series, at) VALUES (?, ?, ?)", name, series, millis(b.now))
}

const columns = "id, count, first, last, example, unreported, told, draft_subject, draft_text, ticket, until, covers"

func (b *book) Series(id string) (store.Series, bool, error) {
	found, err := b.all("WHERE id = ?", id)
	if err != nil || len(found) == 0 {
		return store.Series{}, false, err
	}
	return found[0], true, nil
}

func (b *book) Save(s store.Series) error {
	return b.exec("INSERT OR REPLACE INTO series ("+columns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		s.ID, s.Count, millis(s.First), millis(s.Last), s.Example.String(), s.Unreported, millis(s.Told),
		s.Draft.Subject.String(), s.Draft.Text.String(), string(s.Ticket), millis(s.Until), s.Covers)
}

func (b *book) saveAll(all []store.Series) error {
	for _, s := range all {
		if err := b.Save(s); err != nil {
			return err
		}
	}
	return nil
}

// all reads the series for which the condition holds.
func (b *book) all(where string, args ...any) ([]store.Series, error) {
	rows, err := b.tx.Query("SELECT "+columns+" FROM series "+where, args...)
	if err != nil {
		return nil, err
	}
	var all []store.Series
	for rows.Next() {
		s, err := b.scan(rows)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		all = append(all, s)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

func (b *book) scan(rows *sql.Rows) (store.Series, error) {
	var s store.Series
	var first, last, told, until int64
	var example, subject, text, ticket string
	err := rows.Scan(&s.ID, &s.Count, &first, &last, &example, &s.Unreported, &told, &subject, &text, &ticket, &until, &s.Covers)
	s.First, s.Last, s.Told, s.Until = at(first), at(last), at(told), at(until)
	s.Example, s.Ticket = b.s.redact.Stored(example), store.Ticket(ticket)
	s.Draft = store.Draft{Subject: b.s.redact.Stored(subject), Text: b.s.redact.Stored(text)}
	return s, err
}

// forget drops what was not seen since.
func (b *book) forget(before time.Time) error {
	return errors.Join(
		b.exec("DELETE FROM series WHERE last < ?", millis(before)),
		b.exec("DELETE FROM names WHERE at < ?", millis(before)),
	)
}

func (b *book) exec(query string, args ...any) error {
	_, err := b.tx.Exec(query, args...)
	return err
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
