package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/stepsleuth/stepsleuth/redact"
)

// Series is all that is remembered of the failures of one fingerprint.
type Series struct {
	ID          string // the fingerprint of its first failure
	Count       int
	First, Last time.Time
	Example     redact.Text // the latest execution

	Unreported int       // failures since people were last told
	Told       time.Time // when they were; zero: never
	Draft      Draft     // of the last notification; without the text once it was sent

	Ticket Ticket    // of who is telling people; "" nobody
	Until  time.Time // end of that lease
	Covers int       // failures that are being told of
}

// count adds a failure.
func (s *Series) count(d Delivery) {
	if s.First.IsZero() || d.At.Before(s.First) {
		s.First = d.At
	}
	if d.At.After(s.Last) {
		s.Last = d.At
	}
	if !d.Example.IsZero() {
		s.Example = d.Example
	}
	s.Count++
	s.Unreported++
}

// take gives the right to tell people to whoever asks first, or first after a lease ended.
func (s *Series) take(t Ticket, now time.Time, p Policy) bool {
	if s.Ticket != "" && now.Before(s.Until) {
		return false
	}
	s.Ticket, s.Until, s.Covers = t, now.Add(p.lease()), s.Unreported
	return true
}

// reopen makes a series that people were told of, or were being told of, one of which
// they know nothing.
func (s *Series) reopen() {
	if !s.Told.IsZero() {
		s.Unreported++
	}
	s.Told = time.Time{}
	s.Ticket, s.Until, s.Covers = "", time.Time{}, 0
}

// due reports whether people should be told of what came since, unless somebody is
// at it. Of what they know nothing of they are told at once.
func (s *Series) due(now time.Time, p Policy) bool {
	return s.Unreported > 0 && (s.Told.IsZero() || !now.Before(s.Told.Add(p.digest())))
}

// Settle ends the lease: the part of Settle that is the same for every store.
func (s *Series) Settle(end Settlement) {
	if end.Told {
		s.Unreported = max(0, s.Unreported-s.Covers)
		s.Told = end.At
		end.Draft.Text = redact.Text{}
	}
	if !end.Draft.Subject.IsZero() {
		s.Draft = end.Draft
	}
	s.Ticket, s.Until, s.Covers = "", time.Time{}, 0
}

func (s *Series) line() Line {
	l := Line{
		Fingerprint: s.ID, Headline: s.Draft.Subject, Example: s.Example,
		New: s.Unreported, Count: s.Count, First: s.First, Last: s.Last, Told: !s.Told.IsZero(),
	}
	if !l.Told {
		l.Draft = s.Draft
	}
	return l
}

// Due takes what is due of all, which it changes, and returns the digest: the part of
// Due that is the same for every store. What it returns besides has to be saved.
func Due(all []Series, now time.Time, p Policy) (Digest, []Series) {
	var taken []Series
	t := newTicket()
	for _, s := range all {
		if s.due(now, p) && s.take(t, now, p) {
			taken = append(taken, s)
		}
	}
	if len(taken) == 0 {
		return Digest{}, nil
	}
	slices.SortFunc(taken, func(a, b Series) int {
		return cmp.Or(cmp.Compare(b.Unreported, a.Unreported), cmp.Compare(a.ID, b.ID))
	})
	digest := Digest{Ticket: t}
	for _, s := range taken {
		digest.Lines = append(digest.Lines, s.line())
	}
	return digest, taken
}
