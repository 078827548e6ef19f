// Package store remembers failures, so that one failure makes one notification
// however often and however many ways it is told of. It holds no name that
// somebody chose and no text that was not redacted, and knows nothing of how
// failures are found or people are told.
//
// What is remembered is a series: the failures of one fingerprint. Everything else
// is a name that leads to one: a failure's key, a fingerprint, an execution that
// another one named as its cause.
package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/stepsleuth/stepsleuth/redact"
)

// ID stands for an execution or a Map run.
type ID string

// IDOf returns the ID of an ARN, or of anything else that tells an execution from others.
func IDOf(arn string) ID {
	sum := sha256.Sum256([]byte(arn))
	return ID(hex.EncodeToString(sum[:16]))
}

// Key names one failure, whoever tells of it: a Catch, an event, a redelivery.
type Key struct {
	Execution ID
	Redrive   int
	Event     int64 // that tells the failure; 0 where it is not known, which meets any of that redrive
}

// String is stable and safe to show.
func (k Key) String() string {
	return string(k.Execution) + "/" + strconv.Itoa(k.Redrive) + "/" + strconv.FormatInt(k.Event, 10)
}

// Delivery is word of a failure.
type Delivery struct {
	Key         Key
	Fingerprint string
	MapRun      ID          // the Map run that the execution belongs to; "" none
	Nested      []ID        // the executions and Map runs whose failure is its cause
	Example     redact.Text // what people call the execution
	At          time.Time   // now
	Untold      bool        // who had taken it upon itself to tell people of this failure could not, after all
}

// Incident is where a delivery belongs.
type Incident struct {
	Key         Key
	Standing    Standing
	Fingerprint string // of the series
	Count       int    // failures of the series so far, this one included
	First, Last time.Time
	Told        bool      // people know of the series
	Until       time.Time // while nobody is told: until when somebody else is at it
	Ticket      Ticket    // for Settle; "" where somebody else is, or was, at it
	Draft       Draft     // what could not be told the last time
}

// Standing is how a delivery relates to those before it.
type Standing string

// The standings.
const (
	First    Standing = "first"    // of its fingerprint
	Repeat   Standing = "repeat"   // another failure with that fingerprint
	Again    Standing = "again"    // this very failure was delivered before
	Attached Standing = "attached" // it is the cause, or the consequence, of a failure in another execution
)

// Ticket is the right to tell people, which one holder has until its lease ends.
type Ticket string

// Draft is a notification that was written and not sent.
type Draft struct{ Subject, Text redact.Text }

// Settlement is what became of a ticket.
type Settlement struct {
	Ticket Ticket
	At     time.Time // now
	Told   bool      // people know; else whoever comes next tells them
	Draft  Draft     // what they were, or are to be, told
}

// ErrLost is the error of settling a ticket whose lease ended and which somebody else
// took up since, or which was settled before.
var ErrLost = errors.New("the lease of the incident ended, and another process has taken it up")

// Digest is what happened since people were last told.
type Digest struct {
	Ticket Ticket // "" where nothing is due
	Lines  []Line // what happened most first
}

// Line is one series of a digest.
type Line struct {
	Fingerprint string
	Headline    redact.Text // the subject of the last notification; may be empty
	Example     redact.Text // the latest execution
	New, Count  int         // failures since people were last told, and all of them
	First, Last time.Time
	Told        bool  // before
	Draft       Draft // where they were not
}

// Policy says how long things take. Zero members mean the usual.
type Policy struct {
	Lease  time.Duration // to examine a failure and tell people; 3 minutes, as AWS delivers anew after 1 and after 3
	Digest time.Duration // between notifications of equal failures; 1 hour
	Keep   time.Duration // after which what was not seen again is forgotten; 30 days
}

func (p Policy) lease() time.Duration  { return or(p.Lease, 3*time.Minute) }
func (p Policy) digest() time.Duration { return or(p.Digest, time.Hour) }

// Forgets returns the time before which nothing needs to be remembered.
func (p Policy) Forgets(now time.Time) time.Time { return now.Add(-or(p.Keep, 30*24*time.Hour)) }

func or(d, usual time.Duration) time.Duration {
	if d <= 0 {
		return usual
	}
	return d
}

func newTicket() Ticket { return Ticket(rand.Text()) }
