// Package storetest is what every store of incidents has to pass. It knows no store.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Incidents is what the suite tries: the interface of package oncall.
type Incidents interface {
	Claim(context.Context, store.Delivery) (store.Incident, bool, error)
	Settle(context.Context, store.Settlement) error
	Due(context.Context, time.Time) (store.Digest, error)
}

// Open makes an empty store and returns a function that opens it: each call gives
// another handle on the same data, as another process would have it.
type Open func(t *testing.T, p store.Policy) (handle func() Incidents)

// start is when every test begins.
var start = time.Date(2026, 11, 22, 9, 12, 0, 0, time.UTC)

// policy of every test.
var policy = store.Policy{Lease: 3 * time.Minute, Digest: time.Hour, Keep: 30 * 24 * time.Hour}

// Storm is how many failures a storm has, where a store can take as many in a test.
const Storm = 1000

// Run runs the suite. A storm has that many failures: a server that keeps all that it
// was ever asked wants fewer.
func Run(t *testing.T, storm int, open Open) {
	for _, c := range []struct {
		name string
		test func(*desk)
	}{
		{"the first failure of a fingerprint is its claimant's", first},
		{"equal failures are counted and not told", repeats},
		{"the same failure again is neither counted nor told", again},
		{"different failures are told each", different},
		{"a failure whose event is not known meets the one whose event is", unknownEvent},
		{"a failure whose event is known meets the one whose event was not", unknownEventFirst},
		{"a redriven execution that fails again is counted", redriven},
		{"a crashed claimant's failure is taken up when its lease ends", crashed},
		{"a crashed claimant's failure is in the digest", crashedDigest},
		{"who is late cannot settle what another has taken up", late},
		{"a ticket is settled once", settledOnce},
		{"what could not be told is told by the next", released},
		{"who could not tell after all leaves it to the next, once", untold},
		{"a nested failure attaches to its parent's, parent first", nestedParentFirst},
		{"a nested failure attaches to its parent's, child first", nestedChildFirst},
		{"a chain of three is one failure", nestedChain},
		{"a child of a Map run attaches to the Map's failure", mapRun},
		{"siblings are not kin", siblings},
		{"after a redrive a nested failure is news", nestedRedriven},
		{"a parent alone is known by its child's series", nestedAlias},
		{"a digest lists what came since, once", digest},
		{"a digest that could not be sent is due again", digestReleased},
		{"what comes while a digest is sent is in the next", digestMeanwhile},
		{"what was not seen for long is forgotten", forgotten},
		{"what is seen now and then is not forgotten", remembered},
		{"what is stored can be read by another handle", handles},
		{"a cancelled claim claims nothing", cancelled},
		{"one of many claimants at once gets it", race},
		{"a storm is one notification and a digest with the count", func(d *desk) { stormOf(d, storm) }},
		{"one of many gets the digest", raceDigest},
	} {
		t.Run(c.name, func(t *testing.T) {
			handle := open(t, policy)
			c.test(&desk{T: t, handle: handle, in: handle(), now: start})
		})
	}
}

// desk is a store under test with a clock.
type desk struct {
	*testing.T
	handle func() Incidents
	in     Incidents
	now    time.Time
}

func (d *desk) pass(t time.Duration) { d.now = d.now.Add(t) }

// failure is one of an execution, at event 12.
func (d *desk) failure(execution, fingerprint string) store.Delivery {
	return store.Delivery{
		Key: store.Key{Execution: store.IDOf(execution), Event: 12}, Fingerprint: "fp1:" + fingerprint,
		Example: new(redact.Redactor).Text(execution), At: d.now,
	}
}

func (d *desk) claim(f store.Delivery) (store.Incident, bool) {
	d.Helper()
	i, mine, err := d.in.Claim(context.Background(), f)
	if err != nil {
		d.Fatal(err)
	}
	if mine != (i.Ticket != "") {
		d.Fatalf("mine %v, ticket %q", mine, i.Ticket)
	}
	return i, mine
}

// expect claims and compares.
func (d *desk) expect(f store.Delivery, standing store.Standing, count int, mine bool) store.Incident {
	d.Helper()
	i, got := d.claim(f)
	if i.Standing != standing || i.Count != count || got != mine {
		d.Errorf("%s: %s, count %d, mine %v; want %s, %d, %v", f.Example, i.Standing, i.Count, got, standing, count, mine)
	}
	return i
}

func (d *desk) settle(t store.Ticket, told bool, headline string) {
	d.Helper()
	end := store.Settlement{Ticket: t, At: d.now, Told: told, Draft: store.Draft{Subject: text(headline), Text: text("body of " + headline)}}
	if err := d.in.Settle(context.Background(), end); err != nil {
		d.Error(err)
	}
}

func text(s string) redact.Text { return new(redact.Redactor).Text(s) }

func (d *desk) due(lines int) store.Digest {
	d.Helper()
	digest, err := d.in.Due(context.Background(), d.now)
	if err != nil {
		d.Fatal(err)
	}
	if len(digest.Lines) != lines || (lines > 0) != (digest.Ticket != "") {
		d.Fatalf("at %s due is %+v, want %d lines", d.now.Format(time.DateTime), digest, lines)
	}
	return digest
}

// told claims the first of a fingerprint and tells of it.
func (d *desk) told(f store.Delivery) {
	d.Helper()
	d.settle(d.expect(f, store.First, 1, true).Ticket, true, "headline of "+f.Fingerprint)
}

func first(d *desk) {
	i := d.expect(d.failure("run-1", "a"), store.First, 1, true)
	if i.Fingerprint != "fp1:a" || !i.First.Equal(start) || !i.Last.Equal(start) || i.Told || !i.Draft.Text.IsZero() {
		d.Errorf("%+v", i)
	}
}

func repeats(d *desk) {
	d.told(d.failure("run-1", "a"))
	for n := range 4 {
		d.pass(time.Second)
		i := d.expect(d.failure(fmt.Sprint("run-", n+2), "a"), store.Repeat, n+2, false)
		if !i.First.Equal(start) || !i.Last.Equal(d.now) || !i.Told {
			d.Errorf("%+v", i)
		}
	}
}

func again(d *desk) {
	d.expect(d.failure("run-1", "a"), store.First, 1, true)
	i := d.expect(d.failure("run-1", "a"), store.Again, 1, false)
	if !i.Until.Equal(d.now.Add(policy.Lease)) {
		d.Errorf("somebody is at it until %s", i.Until)
	}
	// Its fingerprint does not matter: the Catch sees the failure from inside.
	d.expect(d.failure("run-1", "b"), store.Again, 1, false)
	d.expect(d.failure("run-2", "b"), store.First, 1, true)
}

func different(d *desk) {
	d.told(d.failure("run-1", "a"))
	d.told(d.failure("run-2", "b"))
	other := d.failure("run-1", "c") // two failures in one execution, as in two iterations
	other.Key.Event = 40
	d.told(other)
}

func unknownEvent(d *desk) {
	d.told(d.failure("run-1", "a"))
	unknown := d.failure("run-1", "b")
	unknown.Key.Event = 0
	d.expect(unknown, store.Again, 1, false)
	d.expect(unknown, store.Again, 1, false)
	other := d.failure("run-1", "a")
	other.Key.Event = 40
	d.expect(other, store.Repeat, 2, false)
}

func unknownEventFirst(d *desk) {
	unknown := d.failure("run-1", "b")
	unknown.Key.Event = 0
	d.told(unknown)
	d.expect(unknown, store.Again, 1, false)
	d.expect(d.failure("run-1", "a"), store.Again, 1, false)
	d.expect(d.failure("run-1", "a"), store.Again, 1, false)
	d.expect(unknown, store.Again, 1, false)
	other := d.failure("run-1", "a") // only one failure can be the one whose event was not known
	other.Key.Event = 40
	d.expect(other, store.First, 1, true)
}

func redriven(d *desk) {
	d.told(d.failure("run-1", "a"))
	f := d.failure("run-1", "a")
	f.Key.Redrive = 1
	d.expect(f, store.Repeat, 2, false)
}

func crashed(d *desk) {
	d.expect(d.failure("run-1", "a"), store.First, 1, true)
	d.pass(policy.Lease - time.Second)
	d.expect(d.failure("run-1", "a"), store.Again, 1, false)
	d.expect(d.failure("run-2", "a"), store.Repeat, 2, false)
	d.pass(time.Second)
	d.settle(d.expect(d.failure("run-1", "a"), store.Again, 2, true).Ticket, true, "told")
	d.expect(d.failure("run-1", "a"), store.Again, 2, false)
	d.pass(policy.Lease)
	d.expect(d.failure("run-3", "a"), store.Repeat, 3, false)
}

func crashedDigest(d *desk) {
	d.expect(d.failure("run-1", "a"), store.First, 1, true)
	d.due(0)
	d.pass(policy.Lease)
	line := d.due(1).Lines[0]
	if line.Told || line.New != 1 || line.Example.String() != "run-1" {
		d.Errorf("%+v", line)
	}
	d.expect(d.failure("run-1", "a"), store.Again, 1, false)
}

func late(d *desk) {
	slow := d.expect(d.failure("run-1", "a"), store.First, 1, true)
	d.pass(policy.Lease)
	quick := d.expect(d.failure("run-1", "a"), store.Again, 1, true)
	if err := d.in.Settle(context.Background(), store.Settlement{Ticket: slow.Ticket, At: d.now, Told: true}); !errors.Is(err, store.ErrLost) {
		d.Errorf("got %v", err)
	}
	d.settle(quick.Ticket, true, "told")
}

func settledOnce(d *desk) {
	i := d.expect(d.failure("run-1", "a"), store.First, 1, true)
	d.settle(i.Ticket, true, "told")
	for _, ticket := range []store.Ticket{i.Ticket, "", "unheard of"} {
		if err := d.in.Settle(context.Background(), store.Settlement{Ticket: ticket, At: d.now}); !errors.Is(err, store.ErrLost) {
			d.Errorf("%q: got %v", ticket, err)
		}
	}
}

func released(d *desk) {
	d.settle(d.expect(d.failure("run-1", "a"), store.First, 1, true).Ticket, false, "FAILED order")
	i := d.expect(d.failure("run-1", "a"), store.Again, 1, true)
	if i.Draft.Subject != text("FAILED order") || i.Draft.Text != text("body of FAILED order") {
		d.Errorf("draft %+v", i.Draft)
	}
	d.settle(i.Ticket, false, "")
	i = d.expect(d.failure("run-2", "a"), store.Repeat, 2, true)
	if i.Draft.Subject != text("FAILED order") {
		d.Errorf("draft %+v", i.Draft)
	}
	d.settle(i.Ticket, false, "")
	line := d.due(1).Lines[0]
	if line.Told || line.New != 2 || line.Draft.Text != text("body of FAILED order") {
		d.Errorf("%+v", line)
	}
}

func untold(d *desk) {
	late := d.failure("run-1", "a")
	late.Untold = true
	d.told(d.failure("run-1", "a"))
	other := d.failure("run-2", "a") // of which nobody was to tell
	d.expect(other, store.Repeat, 2, false)
	i := d.expect(late, store.Again, 2, true)
	if i.Told {
		d.Errorf("%+v", i)
	}
	d.expect(late, store.Again, 2, false) // somebody is at it
	d.settle(i.Ticket, false, "FAILED order")
	i = d.expect(late, store.Again, 2, true)
	if i.Draft.Text != text("body of FAILED order") {
		d.Errorf("draft %+v", i.Draft)
	}
	d.settle(i.Ticket, true, "FAILED order")
	d.expect(late, store.Again, 2, false)
	d.pass(policy.Digest)
	d.due(0)

	crashed := d.failure("run-3", "b")
	d.expect(crashed, store.First, 1, true)
	crashed.Untold = true
	d.settle(d.expect(crashed, store.Again, 1, true).Ticket, true, "told")

	unheard := d.failure("run-4", "c") // of before
	unheard.Untold = true
	d.settle(d.expect(unheard, store.First, 1, true).Ticket, true, "told")
	d.expect(unheard, store.Again, 1, false)
}

// nested returns the failure of an execution because of others.
func (d *desk) nested(execution, fingerprint string, causes ...string) store.Delivery {
	f := d.failure(execution, fingerprint)
	for _, c := range causes {
		f.Nested = append(f.Nested, store.IDOf(c))
	}
	return f
}

func nestedParentFirst(d *desk) {
	d.told(d.nested("parent", "p", "child"))
	i := d.expect(d.failure("child", "c"), store.Attached, 1, false)
	if i.Fingerprint != "fp1:p" {
		d.Errorf("attached to %s", i.Fingerprint)
	}
	d.expect(d.failure("child", "c"), store.Again, 1, false)
}

func nestedChildFirst(d *desk) {
	d.told(d.failure("child", "c"))
	d.expect(d.nested("parent", "p", "child"), store.Attached, 1, false)
	d.expect(d.nested("parent", "p", "child"), store.Again, 1, false)
}

func nestedChain(d *desk) {
	d.told(d.nested("top", "t", "middle"))
	d.expect(d.nested("middle", "m", "bottom"), store.Attached, 1, false)
	d.expect(d.failure("bottom", "b"), store.Attached, 1, false)
}

func mapRun(d *desk) {
	d.told(d.nested("parent", "p", "map-run"))
	child := d.failure("child-1", "c")
	child.MapRun = store.IDOf("map-run")
	d.expect(child, store.Attached, 1, false)
	early := d.failure("child-2", "e")
	early.MapRun = store.IDOf("map-run-2")
	d.told(early)
	d.expect(d.nested("parent-2", "q", "map-run-2"), store.Attached, 1, false)
}

func siblings(d *desk) {
	for _, name := range []string{"child-1", "child-2"} {
		f := d.failure(name, name)
		f.MapRun = store.IDOf("map-run")
		d.told(f)
	}
}

func nestedRedriven(d *desk) {
	d.told(d.nested("parent", "p", "child"))
	d.expect(d.failure("child", "c"), store.Attached, 1, false)
	f := d.failure("child", "x")
	f.Key.Redrive = 1
	d.told(f)
	g := d.nested("parent", "y", "child")
	g.Key.Redrive = 1
	d.expect(g, store.Attached, 1, false)
}

func nestedAlias(d *desk) {
	d.told(d.failure("child", "c"))
	d.expect(d.nested("parent", "p", "child"), store.Attached, 1, false)
	d.expect(d.nested("parent-2", "p", "child-2"), store.Repeat, 2, false)
	d.expect(d.failure("child-2", "c"), store.Attached, 2, false)
}

func digest(d *desk) {
	d.told(d.failure("run-1", "a"))
	d.told(d.failure("run-2", "b"))
	d.told(d.failure("run-3", "c"))
	d.pass(time.Minute)
	d.expect(d.failure("run-4", "b"), store.Repeat, 2, false)
	d.expect(d.failure("run-5", "a"), store.Repeat, 2, false)
	d.expect(d.failure("run-6", "a"), store.Repeat, 3, false)
	d.pass(policy.Digest - time.Minute - time.Second)
	d.due(0)
	d.pass(time.Second)
	got := d.due(2)
	a, b := got.Lines[0], got.Lines[1]
	if a.Fingerprint != "fp1:a" || a.New != 2 || a.Count != 3 || !a.Told || a.Headline.String() != "headline of fp1:a" || a.Example.String() != "run-6" ||
		!a.First.Equal(start) || !a.Last.Equal(start.Add(time.Minute)) || !a.Draft.Text.IsZero() {
		d.Errorf("%+v", a)
	}
	if b.Fingerprint != "fp1:b" || b.New != 1 || b.Count != 2 {
		d.Errorf("%+v", b)
	}
	d.due(0)
	d.settle(got.Ticket, true, "")
	d.pass(policy.Digest)
	d.due(0)
	d.expect(d.failure("run-7", "a"), store.Repeat, 4, false)
	if again := d.due(1).Lines[0]; again.New != 1 || again.Headline.String() != "headline of fp1:a" {
		d.Errorf("%+v", again)
	}
}

func digestReleased(d *desk) {
	d.told(d.failure("run-1", "a"))
	d.expect(d.failure("run-2", "a"), store.Repeat, 2, false)
	d.pass(policy.Digest)
	d.settle(d.due(1).Ticket, false, "")
	d.settle(d.due(1).Ticket, true, "")
	d.due(0)
	d.expect(d.failure("run-3", "a"), store.Repeat, 3, false)
	d.pass(policy.Digest)
	d.due(1)
	d.pass(policy.Lease) // that one crashed
	d.due(1)
}

func digestMeanwhile(d *desk) {
	d.told(d.failure("run-1", "a"))
	d.expect(d.failure("run-2", "a"), store.Repeat, 2, false)
	d.pass(policy.Digest)
	sending := d.due(1)
	d.expect(d.failure("run-3", "a"), store.Repeat, 3, false)
	d.settle(sending.Ticket, true, "")
	d.pass(policy.Digest)
	if l := d.due(1).Lines[0]; l.New != 1 || l.Count != 3 {
		d.Errorf("%+v", l)
	}
}

func forgotten(d *desk) {
	d.told(d.failure("run-1", "a"))
	d.pass(policy.Keep + time.Second)
	d.told(d.failure("run-2", "a"))
	d.pass(policy.Keep + time.Second)
	d.due(0)
	d.told(d.failure("run-1", "a"))
}

func remembered(d *desk) {
	d.told(d.failure("run-1", "a"))
	for n := range 4 {
		d.pass(policy.Keep / 2)
		d.expect(d.failure(fmt.Sprint("run-", n+2), "a"), store.Repeat, n+2, false)
		d.settle(d.due(1).Ticket, true, "")
	}
}

func handles(d *desk) {
	i := d.expect(d.failure("run-1", "a"), store.First, 1, true)
	d.in = d.handle()
	d.expect(d.failure("run-1", "a"), store.Again, 1, false)
	d.settle(i.Ticket, true, "told")
	d.expect(d.failure("run-2", "a"), store.Repeat, 2, false)
}

func cancelled(d *desk) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, mine, err := d.in.Claim(ctx, d.failure("run-1", "a")); !errors.Is(err, context.Canceled) || mine {
		d.Errorf("mine %v, %v", mine, err)
	}
	d.expect(d.failure("run-1", "a"), store.First, 1, true)
}

func race(d *desk) {
	const claimants, each = 4, 25
	var won, counted atomic.Int64
	var wg sync.WaitGroup
	for c := range claimants {
		in := d.handle()
		for n := range each {
			wg.Go(func() {
				f := d.failure(fmt.Sprintf("run-%d", n), "a") // each run is told of by every claimant
				f.Key.Event = int64(12 + c/2)                 // and two of them mean another failure in it
				i, mine, err := in.Claim(context.Background(), f)
				if err != nil {
					d.Error(err)
				}
				if mine {
					won.Add(1)
				}
				counted.Store(max(counted.Load(), int64(i.Count)))
			})
		}
	}
	wg.Wait()
	if won.Load() != 1 {
		d.Errorf("%d claimants got it", won.Load())
	}
	if i := d.expect(d.failure("run-0", "a"), store.Again, 2*each, false); i.Count != 2*each {
		d.Errorf("counted %d", i.Count)
	}
}

// stormOf is many equal failures of many handles at once: one is told, and all are counted.
func stormOf(d *desk, failures int) {
	const handles = 4
	var won, next atomic.Int64
	var wg sync.WaitGroup
	for range handles {
		in := d.handle()
		for range 4 {
			wg.Go(func() {
				for n := next.Add(1); n <= int64(failures); n = next.Add(1) {
					i, mine, err := in.Claim(context.Background(), d.failure(fmt.Sprintf("run-%d", n), "a"))
					if err != nil {
						d.Error(err)
						return
					}
					if !mine {
						continue
					}
					won.Add(1)
					if err := in.Settle(context.Background(), store.Settlement{Ticket: i.Ticket, At: d.now, Told: true}); err != nil {
						d.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	if won.Load() != 1 {
		d.Errorf("%d were told of", won.Load())
	}
	d.pass(policy.Digest)
	line := d.due(1).Lines[0]
	if line.New != failures-1 || line.Count != failures || !line.Told {
		d.Errorf("the digest has %d new of %d, told %v; want %d of %d", line.New, line.Count, line.Told, failures-1, failures)
	}
}

func raceDigest(d *desk) {
	d.told(d.failure("run-1", "a"))
	d.expect(d.failure("run-2", "a"), store.Repeat, 2, false)
	var got atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		in := d.handle()
		wg.Go(func() {
			digest, err := in.Due(context.Background(), d.now.Add(policy.Digest))
			if err != nil {
				d.Error(err)
			}
			got.Add(int64(len(digest.Lines)))
		})
	}
	wg.Wait()
	if got.Load() != 1 {
		d.Errorf("%d got it", got.Load())
	}
}
