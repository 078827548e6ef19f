package cached

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/wholefile"
)

// Day is what was asked on a day.
type Day struct {
	Calls   int     `json:"calls"`
	Dollars float64 `json:"dollars"` // of answers whose price is known, and of questions on their way
	Dearest float64 `json:"dearest"` // the answer that cost most
}

// maxDays is how many days the ledger remembers.
const maxDays = 31

// ledger is a file of what was asked and spent, by day (UTC).
//
// Every change reads and replaces the whole file while an advisory lock on a file beside
// it is held, for a moment and never while a model is asked; the file itself appears whole
// or not at all. So any number of processes on one machine may share it. A question is
// counted before it is put, with what it may cost at most, and its real cost is filled in
// afterwards: together they never ask for more than the budget, and a process that dies in
// between has spent what it reserved. On a file system without locks (some network file
// systems) processes may overspend by what they ask at the same moment.
type ledger struct {
	path    string
	calls   int
	dollars float64

	mu   sync.Mutex
	lock *lockedfile.Mutex
}

func newLedger(folder string, calls int, dollars float64) *ledger {
	return &ledger{
		path: filepath.Join(folder, "budget.json"), lock: lockedfile.MutexAt(filepath.Join(folder, "budget.lock")),
		calls: calls, dollars: dollars,
	}
}

func (l *ledger) limited() bool { return l.calls > 0 || l.dollars > 0 }

// errSpent is why a question is not put.
var errSpent = errors.New("the budget is spent")

// reserve counts a question before it is put. The returned func says what it did cost, and
// whether it counts at all.
func (m *Model) reserve(p diagnose.Prompt) (settle func(cost float64, counts bool) error, refused *diagnose.ModelError) {
	estimate := 0.0
	if e, ok := m.model.(estimator); ok {
		estimate = e.Estimate(p)
	}
	unknown := estimate == 0
	l, day := m.ledger, dayOf(m.opts.Now())
	var before Day
	err := l.change(func(days map[string]Day) error {
		for _, d := range days {
			if !unknown {
				break
			}
			estimate = max(estimate, d.Dearest)
		}
		d := days[day]
		before = d
		if l.calls > 0 && d.Calls >= l.calls || l.dollars > 0 && (d.Dollars >= l.dollars || d.Dollars+estimate > l.dollars) {
			return errSpent
		}
		d.Calls++
		d.Dollars += estimate
		days[day] = d
		return nil
	})
	switch {
	case errors.Is(err, errSpent):
		return nil, l.spent(before, estimate)
	case err != nil && l.limited():
		return nil, &diagnose.ModelError{Kind: "budget", Err: err, Reason: "the budget for models cannot be kept, so none is asked: " + err.Error(),
			Mend: "make " + l.path + " writable, or remove it where it is broken; or set no budget"}
	case err != nil:
		m.opts.Warn(err)
		return func(float64, bool) error { return nil }, nil
	}
	return func(cost float64, counts bool) error {
		return l.change(func(days map[string]Day) error {
			d := days[day]
			d.Dollars = max(d.Dollars-estimate+cost, 0)
			d.Dearest = max(d.Dearest, cost)
			if !counts {
				d.Calls = max(d.Calls-1, 0)
			}
			days[day] = d
			return nil
		})
	}, nil
}

// spent says which limit it is.
func (l *ledger) spent(d Day, estimate float64) *diagnose.ModelError {
	e := &diagnose.ModelError{Kind: "budget", Err: errSpent, Mend: "wait until midnight UTC, or raise the budget; the rest of the diagnosis needs no model"}
	if l.calls > 0 && d.Calls >= l.calls {
		e.Reason = fmt.Sprintf("today's budget for models is spent: %d of %d questions", d.Calls, l.calls)
	} else {
		e.Reason = fmt.Sprintf("today's budget for models is spent: $%.4f of $%.2f, and a question costs up to $%.4f", d.Dollars, l.dollars, estimate)
	}
	return e
}

// counts reports questions for which a service may want its money, answered or not.
func counts(a diagnose.Answer, err error) bool {
	var e *diagnose.ModelError
	return !errors.As(err, &e) || e.Kind == "timeout" || e.Kind == "garbled" || a.InputTokens > 0
}

func dayOf(now time.Time) string { return now.UTC().Format(time.DateOnly) }

func (l *ledger) today(now time.Time) (Day, error) {
	days, err := l.read()
	return days[dayOf(now)], err
}

// change reads, changes and replaces the file, alone.
func (l *ledger) change(change func(map[string]Day) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	unlock, err := l.lock.Lock()
	if err != nil {
		return fmt.Errorf("budget: %w", err)
	}
	defer unlock()
	days, err := l.read()
	if err != nil {
		return err
	}
	if err := change(days); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(days))
	for _, old := range names[:max(len(names)-maxDays, 0)] {
		delete(days, old)
	}
	text, err := json.MarshalIndent(map[string]any{"days": days}, "", "  ")
	if err != nil {
		return fmt.Errorf("budget: %w", err)
	}
	return wholefile.WriteMode(l.path, append(text, '\n'), 0o600)
}

func (l *ledger) read() (map[string]Day, error) {
	text, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]Day{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("budget: %w", err)
	}
	var file struct {
		Days map[string]Day `json:"days"`
	}
	if err := json.Unmarshal(text, &file); err != nil || file.Days == nil {
		return nil, fmt.Errorf("budget: %s is no ledger", l.path)
	}
	return file.Days, nil
}
