package store

import "strconv"

// Book is what a claim reads and writes, in one transaction.
type Book interface {
	// Lookup returns the series that a name leads to, "" for none.
	Lookup(name string) (series string, err error)
	// Record makes a name lead to a series; "" removes it.
	Record(name, series string) error
	// Series returns a series, and whether it is there.
	Series(id string) (Series, bool, error)
	// Save stores a series under its ID.
	Save(Series) error
}

// Claim decides where a delivery belongs and whether its deliverer is to examine it
// and tell people: the part of Claim that is the same for every store.
func Claim(b Book, d Delivery, p Policy) (Incident, bool, error) {
	c := claim{Book: b, d: d, p: p}
	if err := c.place(); err != nil {
		return Incident{}, false, err
	}
	if c.standing == First || c.standing == Repeat {
		c.series.count(d)
	}
	if err := c.reopen(); err != nil {
		return Incident{}, false, err
	}
	mine := false
	if c.series.Told.IsZero() {
		mine = c.series.take(newTicket(), d.At, p)
	}
	if mine || c.standing != Again {
		if err := c.Save(c.series); err != nil {
			return Incident{}, false, err
		}
	}
	if err := c.record(); err != nil {
		return Incident{}, false, err
	}
	return c.incident(mine), mine, nil
}

type claim struct {
	Book
	d        Delivery
	p        Policy
	standing Standing
	series   Series
}

// place finds the series that the delivery belongs to, or begins one.
func (c *claim) place() error {
	for _, way := range []struct {
		standing Standing
		names    []string
	}{
		{Again, c.failureNames()},
		{Attached, c.kinNames()},
		{Repeat, []string{fingerprintName(c.d.Fingerprint)}},
	} {
		for _, name := range way.names {
			found, err := c.follow(name)
			if found || err != nil {
				c.standing = way.standing
				return err
			}
		}
	}
	c.standing, c.series = First, Series{ID: c.d.Fingerprint}
	return nil
}

// follow finds the series of a name, unless it should be forgotten.
func (c *claim) follow(name string) (bool, error) {
	id, err := c.Lookup(name)
	if id == "" || err != nil {
		return false, err
	}
	s, found, err := c.Book.Series(id)
	if !found || err != nil || s.Last.Before(c.p.Forgets(c.d.At)) {
		return false, err
	}
	c.series = s
	return true, nil
}

// reopen takes back that people know, where who was to tell them could not. It does so
// once for a failure, as word of it may come again.
func (c *claim) reopen() error {
	if !c.d.Untold {
		return nil
	}
	name := untoldName(c.d.Key)
	before, err := c.Lookup(name)
	if before != "" || err != nil {
		return err
	}
	if c.standing == Again {
		c.series.reopen()
	}
	return c.Record(name, c.series.ID)
}

// record makes everything by which the failure may be met again lead to the series.
func (c *claim) record() error {
	k, id := c.d.Key, c.series.ID
	var names []string
	if k.Event != 0 {
		names = append(names, failureName(k), metName(k))
	}
	if c.standing != Again {
		if k.Event == 0 {
			names = append(names, unknownName(k))
		}
		names = append(names, memberName(k.Execution, k.Redrive))
		if c.d.MapRun != "" {
			names = append(names, memberName(c.d.MapRun, k.Redrive))
		}
		for _, n := range c.d.Nested {
			names = append(names, namedName(n, k.Redrive))
		}
	}
	for _, name := range names {
		if err := c.Record(name, id); err != nil {
			return err
		}
	}
	if k.Event != 0 && c.standing == Again {
		return c.Record(unknownName(k), "") // the failure of which no event was known is this one
	}
	return c.alias()
}

// alias lets a fingerprint that is new lead to the series, also where the failure is
// only attached to it: the next one may come alone.
func (c *claim) alias() error {
	if c.standing == Again {
		return nil
	}
	name := fingerprintName(c.d.Fingerprint)
	if c.standing == Attached {
		if found, err := c.Lookup(name); found != "" || err != nil {
			return err
		}
	}
	return c.Record(name, c.series.ID)
}

func (c *claim) incident(mine bool) Incident {
	s := c.series
	i := Incident{
		Key: c.d.Key, Standing: c.standing, Fingerprint: s.ID, Count: s.Count, First: s.First, Last: s.Last, Told: !s.Told.IsZero(),
	}
	switch {
	case mine:
		i.Ticket, i.Draft = s.Ticket, s.Draft
	case !i.Told:
		i.Until = s.Until
	}
	return i
}

// failureNames are the names under which this failure may have been met before.
func (c *claim) failureNames() []string {
	if k := c.d.Key; k.Event != 0 {
		return []string{failureName(k), unknownName(k)}
	}
	return []string{unknownName(c.d.Key), metName(c.d.Key)}
}

// kinNames lead to a failure that named this one as its cause, or that is its cause.
// Only failures of the same redrive are kin: what fails after a redrive is news.
func (c *claim) kinNames() []string {
	k := c.d.Key
	names := []string{namedName(k.Execution, k.Redrive)}
	if c.d.MapRun != "" {
		names = append(names, namedName(c.d.MapRun, k.Redrive))
	}
	for _, n := range c.d.Nested {
		names = append(names, memberName(n, k.Redrive))
	}
	return names
}

func failureName(k Key) string         { return "failure/" + k.String() }
func metName(k Key) string             { return "met/" + redrive(k.Execution, k.Redrive) }
func untoldName(k Key) string          { return "untold/" + k.String() }
func unknownName(k Key) string         { return "unknown/" + redrive(k.Execution, k.Redrive) }
func memberName(id ID, n int) string   { return "member/" + redrive(id, n) }
func namedName(id ID, n int) string    { return "named/" + redrive(id, n) }
func fingerprintName(fp string) string { return "fingerprint/" + fp }
func redrive(id ID, n int) string      { return string(id) + "/" + strconv.Itoa(n) }
