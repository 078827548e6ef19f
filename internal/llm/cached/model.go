// Package cached asks a model once about what happens many times: it keeps answers in a
// folder, by the fingerprint of the failure, and keeps a budget of questions and dollars
// a day.
//
// It knows nothing of vendors and of what stands in an answer, and reads no environment.
// What it stores is redacted text and numbers.
package cached

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Asker is a model that can be told from others: "anthropic:claude-haiku-4-5".
type Asker interface {
	diagnose.Model
	ID() string
}

// estimator is a model that knows what a question costs at most, in US dollars.
type estimator interface {
	Estimate(p diagnose.Prompt) float64
}

// Options say what is kept, where and for how long. Only the Folder has no usual value.
type Options struct {
	Folder   string           // is made where it is missing; for one installation, and not to be shared with others
	Redact   *redact.Redactor // the doctor's; nil: a fresh one
	Keep     time.Duration    // how long an answer stands for a failure; 0: 7 days; negative: nothing is kept
	MaxBytes int64            // of all answers; the oldest go first; 0: 64 MiB
	Calls    int              // questions a day (UTC); 0: no limit
	Dollars  float64          // US dollars a day (UTC); 0: no limit. It binds only where prices are known
	Now      func() time.Time // nil: time.Now
	Warn     func(error)      // told what went wrong with the cache and spoilt nothing; nil: nobody
}

// The usual limits.
const (
	usualKeep = 7 * 24 * time.Hour
	briefly   = time.Hour // for an answer that is hardly one
	usualSize = 64 << 20
)

// Model is a diagnose.Model in front of another one. Questions with the same fingerprint
// share an answer; those that come while it is being asked wait for it. It is safe for
// concurrent use; several processes may share the folder: while one of them asks, the
// others wait for the answer, for 90 seconds at most, where the file system has locks.
// What they spend is counted together.
type Model struct {
	model  Asker
	opts   Options
	store  *store
	ledger *ledger

	mu      sync.Mutex
	flights map[string]*flight
}

var _ diagnose.Model = (*Model)(nil)

// New returns a model in front of m. The error is for a folder that cannot be used.
func New(m Asker, opts Options) (*Model, error) {
	opts.Keep = cmp.Or(opts.Keep, usualKeep)
	opts.MaxBytes = cmp.Or(opts.MaxBytes, usualSize)
	if opts.Redact == nil {
		opts.Redact = &redact.Redactor{}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Warn == nil {
		opts.Warn = func(error) {}
	}
	answers := filepath.Join(opts.Folder, "answers")
	if opts.Folder == "" {
		return nil, fmt.Errorf("cache of answers: no folder is named")
	}
	turns := filepath.Join(opts.Folder, "turns")
	for _, folder := range []string{answers, turns} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("cache of answers: %w", err)
		}
	}
	return &Model{
		model: m, opts: opts, flights: map[string]*flight{},
		store:  &store{folder: answers, turns: turns, redact: opts.Redact, maxBytes: opts.MaxBytes, keep: opts.Keep},
		ledger: newLedger(opts.Folder, opts.Calls, opts.Dollars),
	}, nil
}

// ID is that of the model behind.
func (m *Model) ID() string { return m.model.ID() }

// Today is what was asked and spent since midnight UTC, by every process with this folder.
func (m *Model) Today() (Day, error) { return m.ledger.today(m.opts.Now()) }

// flight is a question that is on its way.
type flight struct {
	done   chan struct{}
	answer diagnose.Answer
	err    error
	gone   bool // who asked had no time left: that is no answer for anybody else
}

// Ask returns the answer that was given before, or asks. A cached answer costs nothing
// and used no tokens.
func (m *Model) Ask(ctx context.Context, p diagnose.Prompt) (diagnose.Answer, error) {
	began := time.Now()
	key := newKey(m.model.ID(), p)
	for {
		f, first := m.join(key.name())
		if first {
			return m.lead(ctx, f, key, p)
		}
		select {
		case <-ctx.Done():
			return diagnose.Answer{ModelID: m.ID()}, fmt.Errorf("wait for the answer to another question of the kind: %w", ctx.Err())
		case <-f.done:
		}
		if !f.gone {
			return again(f.answer, began), f.err
		}
	}
}

// again is an answer to who did not ask for it.
func again(a diagnose.Answer, began time.Time) diagnose.Answer {
	a.Cached, a.InputTokens, a.OutputTokens, a.CostUSD = true, 0, 0, 0
	a.Latency = time.Since(began)
	return a
}

// join returns the question that is on its way, and whether the caller has to ask it.
func (m *Model) join(name string) (*flight, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.flights[name]; f != nil {
		return f, false
	}
	f := &flight{done: make(chan struct{}), gone: true}
	m.flights[name] = f
	return f, true
}

// lead asks for all who wait. Where the model panics, they ask for themselves.
func (m *Model) lead(ctx context.Context, f *flight, key key, p diagnose.Prompt) (diagnose.Answer, error) {
	defer func() {
		m.mu.Lock()
		delete(m.flights, key.name())
		m.mu.Unlock()
		close(f.done)
	}()
	f.answer, f.err = m.answer(ctx, key, p)
	f.gone = f.err != nil && ctx.Err() != nil
	return f.answer, f.err
}

// answer takes it from the folder, or asks and puts it there.
func (m *Model) answer(ctx context.Context, key key, p diagnose.Prompt) (diagnose.Answer, error) {
	began := time.Now()
	if m.opts.Keep > 0 {
		if kept := m.kept(key); kept != nil {
			a, err := kept.answer()
			return again(a, began), err
		}
		end, err := m.store.turn(ctx, key)
		if err != nil {
			return diagnose.Answer{ModelID: m.ID()}, fmt.Errorf("wait for the answer to another question of the kind: %w", err)
		}
		defer end()
		if kept := m.kept(key); kept != nil { // by another process, meanwhile
			a, err := kept.answer()
			return again(a, began), err
		}
	}
	settle, refused := m.reserve(p)
	if refused != nil {
		return diagnose.Answer{ModelID: m.ID()}, refused
	}
	a, err := m.model.Ask(ctx, p)
	if e := settle(a.CostUSD, counts(a, err)); e != nil {
		m.opts.Warn(e)
	}
	if term := m.term(a, err); term > 0 {
		if e := m.store.put(key, a, err, m.opts.Now(), term); e != nil {
			m.opts.Warn(e)
		}
	}
	return a, err
}

// kept is what the folder has, or nil.
func (m *Model) kept(key key) *stored {
	kept, err := m.store.get(key, m.opts.Now())
	if err != nil {
		m.opts.Warn(err)
	}
	return kept
}

// term is how long an answer is kept: what can be none is soon asked again. A refusal of
// the model's own is an answer too; one of the service is not.
func (m *Model) term(a diagnose.Answer, err error) time.Duration {
	switch a.StopReason {
	case "end_turn", "tool_use", "stop_sequence":
		if err != nil {
			return 0
		}
		if strings.Contains(a.Text, "{") {
			return m.opts.Keep
		}
	case "refusal", "content_filtered", "guardrail_intervened":
	default:
		if err != nil {
			return 0
		}
	}
	return min(m.opts.Keep, briefly)
}
