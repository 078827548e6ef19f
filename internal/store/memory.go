package store

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Memory remembers for as long as the process lives. The zero Memory is ready to use,
// by any number of goroutines.
type Memory struct {
	Policy Policy

	mu     sync.Mutex
	series map[string]Series
	names  map[string]memoryName
}

type memoryName struct {
	series string
	at     time.Time // when it was last recorded
}

// Claim is oncall.Incidents' Claim.
func (m *Memory) Claim(ctx context.Context, d Delivery) (Incident, bool, error) {
	if err := ctx.Err(); err != nil {
		return Incident{}, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.series == nil {
		m.series, m.names = map[string]Series{}, map[string]memoryName{}
	}
	return Claim(memoryBook{m, d.At}, d, m.Policy)
}

// Settle is oncall.Incidents' Settle.
func (m *Memory) Settle(ctx context.Context, end Settlement) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	found := false
	for id, s := range m.series {
		if end.Ticket != "" && s.Ticket == end.Ticket {
			s.Settle(end)
			m.series[id], found = s, true
		}
	}
	if !found {
		return ErrLost
	}
	return nil
}

// Due is oncall.Incidents' Due.
func (m *Memory) Due(ctx context.Context, now time.Time) (Digest, error) {
	if err := ctx.Err(); err != nil {
		return Digest{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	digest, taken := Due(slices.Collect(maps.Values(m.series)), now, m.Policy)
	for _, s := range taken {
		m.series[s.ID] = s
	}
	return digest, nil
}

func (m *Memory) forget(now time.Time) {
	before := m.Policy.Forgets(now)
	maps.DeleteFunc(m.series, func(_ string, s Series) bool { return s.Last.Before(before) })
	maps.DeleteFunc(m.names, func(_ string, n memoryName) bool { return n.at.Before(before) })
}

// memoryBook is a Memory whose lock is held.
type memoryBook struct {
	m   *Memory
	now time.Time
}

func (b memoryBook) Lookup(name string) (string, error) { return b.m.names[name].series, nil }

func (b memoryBook) Record(name, series string) error {
	if series == "" {
		delete(b.m.names, name)
	} else {
		b.m.names[name] = memoryName{series, b.now}
	}
	return nil
}

func (b memoryBook) Series(id string) (Series, bool, error) {
	s, found := b.m.series[id]
	return s, found, nil
}

func (b memoryBook) Save(s Series) error {
	b.m.series[s.ID] = s
	return nil
}
