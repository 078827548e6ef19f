package cached_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm/anthropic"
	"github.com/stepsleuth/stepsleuth/internal/llm/anthropic/anthropictest"
	"github.com/stepsleuth/stepsleuth/internal/llm/cached"
	"github.com/stepsleuth/stepsleuth/redact"
)

// counting is a model that counts how often it is asked.
type counting struct {
	asked  atomic.Int64
	id     string
	reply  func(ctx context.Context, n int64) (diagnose.Answer, error) // nil: good
	atMost float64
}

func (m *counting) ID() string                       { return m.id }
func (m *counting) Estimate(diagnose.Prompt) float64 { return m.atMost }
func good(text string) diagnose.Answer {
	return diagnose.Answer{Text: text, ModelID: "m", StopReason: "end_turn", InputTokens: 900, OutputTokens: 100, CostUSD: 0.01, Latency: time.Second}
}
func (m *counting) Ask(ctx context.Context, p diagnose.Prompt) (diagnose.Answer, error) {
	n := m.asked.Add(1)
	if m.reply != nil {
		return m.reply(ctx, n)
	}
	return good(fmt.Sprintf(`{"n":%d}`, n)), nil
}

// clock is a time that only a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

var key = []byte("a key of the tests, 32 bytes long")

func open(t *testing.T, m cached.Asker, opts cached.Options) *cached.Model {
	t.Helper()
	if opts.Folder == "" {
		opts.Folder = filepath.Join(t.TempDir(), "made", "by", "New")
	}
	if opts.Warn == nil {
		opts.Warn = func(err error) { t.Errorf("warned: %v", err) }
	}
	opts.Redact = &redact.Redactor{Key: key}
	c, err := cached.New(m, opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ask(t *testing.T, m diagnose.Model, p diagnose.Prompt) diagnose.Answer {
	t.Helper()
	a, err := m.Ask(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func prompt(fingerprint string) diagnose.Prompt {
	return diagnose.Prompt{Fingerprint: fingerprint, Pass: 1, Schema: []byte(`{}`), User: redact.Static("Why?")}
}

func TestOneFailureOneQuestion(t *testing.T) {
	m := &counting{id: "m"}
	c := open(t, m, cached.Options{})
	first := ask(t, c, prompt("fp1:a"))
	if first.Cached || first.CostUSD != 0.01 || first.InputTokens != 900 {
		t.Errorf("%+v", first)
	}
	other := prompt("fp1:a")
	other.User = redact.Static("Why, at another time?")
	for range 3 {
		a := ask(t, c, other)
		if !a.Cached || a.CostUSD != 0 || a.InputTokens+a.OutputTokens != 0 || a.Text != first.Text || a.ModelID != "m" || a.StopReason != "end_turn" {
			t.Errorf("%+v", a)
		}
	}
	if m.asked.Load() != 1 {
		t.Errorf("asked %d times", m.asked.Load())
	}
	if day, err := c.Today(); err != nil || day.Calls != 1 || day.Dollars != 0.01 {
		t.Errorf("%+v, %v", day, err)
	}
}

func TestWhatTellsQuestionsApart(t *testing.T) {
	folder := t.TempDir()
	m := &counting{id: "m"}
	c := open(t, m, cached.Options{Folder: folder})
	questions := []diagnose.Prompt{prompt("fp1:a"), prompt("fp1:b"), prompt("fp1:a"), prompt("fp1:a"), prompt(""), prompt("")}
	questions[2].Schema = []byte(`{"type":"object"}`)
	questions[3].Pass = 2
	questions[5].User = redact.Static("Why not?")
	for range 2 {
		for _, q := range questions {
			ask(t, c, q)
		}
	}
	if m.asked.Load() != int64(len(questions)) {
		t.Errorf("%d questions were asked %d times", len(questions), m.asked.Load())
	}
	other := &counting{id: "another"}
	ask(t, open(t, other, cached.Options{Folder: folder}), questions[0])
	if other.asked.Load() != 1 {
		t.Error("a model's answer was taken for another's")
	}
}

// Models that share nothing but the folder are what processes are: while one asks, the
// others wait for its answer.
func TestProcessesAskOnce(t *testing.T) {
	const processes = 24
	folder := t.TempDir()
	var coming sync.WaitGroup
	coming.Add(processes)
	m := &counting{id: "m", reply: func(context.Context, int64) (diagnose.Answer, error) {
		coming.Wait() // so that all have come before there is an answer
		return good(`{"n":1}`), nil
	}}
	var wg sync.WaitGroup
	for range processes {
		c := open(t, m, cached.Options{Folder: folder})
		wg.Go(func() {
			coming.Done()
			if a, err := c.Ask(t.Context(), prompt("fp1:a")); err != nil || a.Text != `{"n":1}` {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
	wg.Wait()
	if n := m.asked.Load(); n != 1 {
		t.Errorf("%d processes asked %d times", processes, n)
	}
}

// Who has no time left does not wait for another process.
func TestWaitingForAnotherProcessEnds(t *testing.T) {
	folder := t.TempDir()
	asking, answer := make(chan struct{}), make(chan struct{})
	slow := &counting{id: "m", reply: func(context.Context, int64) (diagnose.Answer, error) {
		close(asking)
		<-answer
		return good(`{"n":1}`), nil
	}}
	var wg sync.WaitGroup
	first := open(t, slow, cached.Options{Folder: folder})
	wg.Go(func() { ask(t, first, prompt("fp1:a")) })
	<-asking
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, slow, cached.Options{Folder: folder}).Ask(ctx, prompt("fp1:a")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(answer)
	wg.Wait()
}

// All at once, one after the other, and in another process: one request on the wire.
func TestTenThousandEqualFailures(t *testing.T) {
	const failures, workers = 10_000, 64
	s := anthropictest.New(t, anthropictest.Says(`{"n":1}`))
	folder := t.TempDir()
	m := open(t, anthropic.New(anthropic.Options{BaseURL: s.URL, Key: "sk-ant-test"}), cached.Options{Folder: folder})
	jobs := make(chan diagnose.Prompt)
	var wg sync.WaitGroup
	var anew atomic.Int64
	for range workers {
		wg.Go(func() {
			for p := range jobs {
				a, err := m.Ask(t.Context(), p)
				if err != nil || a.Text != `{"n":1}` {
					t.Errorf("%+v, %v", a, err)
				}
				if !a.Cached {
					anew.Add(1)
				}
			}
		})
	}
	for range failures {
		jobs <- prompt("fp1:a")
	}
	close(jobs)
	wg.Wait()
	again := open(t, anthropic.New(anthropic.Options{BaseURL: s.URL, Key: "sk-ant-test"}), cached.Options{Folder: folder})
	if a := ask(t, again, prompt("fp1:a")); !a.Cached {
		t.Error("what another process was told is asked again")
	}
	if s.Asked() != 1 || anew.Load() != 1 {
		t.Errorf("%d requests, %d answers that were paid", s.Asked(), anew.Load())
	}
}

// Through the doctor: the diagnosis says that its answer was not asked for anew.
func TestDoctorAsksOnce(t *testing.T) {
	const answer = `{"category":"throttling","root_cause":"The table refuses the write.","explanation":"",` +
		`"claims":[{"text":"The write was refused.","cites":[{"evidence":"E0","quote":"the write was refused"}]}],"remediation":[],"prevention":[]}`
	for name, script := range map[string][]string{
		"good": {answer}, "corrected": {"I cannot tell. {}", answer}, "never good": {"{no", "{no"},
	} {
		m := &counting{id: "m", reply: func(_ context.Context, n int64) (diagnose.Answer, error) { return good(script[n-1]), nil }}
		c := open(t, m, cached.Options{})
		for i := range 20 {
			problem, cause := "TableError", "the write was refused by the table"
			r := &redact.Redactor{Key: key}
			d, err := (&diagnose.Doctor{Model: c, Redact: r}).Diagnose(t.Context(), diagnose.NewRowCase(diagnose.Row{Error: &problem, Cause: &cause, StateName: "Save"}))
			if err != nil {
				t.Fatal(err)
			}
			if d.Model.Cached != (i > 0) || d.Model.Passes != len(script) || (d.Model.Answer.CostUSD > 0) != (i == 0) || d.Model.Leads != (name != "never good") {
				t.Errorf("%s: diagnosis %d: %+v", name, i+1, d.Model)
			}
		}
		if int(m.asked.Load()) != len(script) {
			t.Errorf("%s: asked %d times", name, m.asked.Load())
		}
	}
}

func TestAnswersExpire(t *testing.T) {
	for name, test := range map[string]struct {
		keep  time.Duration
		reply diagnose.Answer
		err   error
		after time.Duration
		asked int64
	}{
		"before":                           {0, good("{}"), nil, 7*24*time.Hour - time.Minute, 1},
		"after":                            {0, good("{}"), nil, 7 * 24 * time.Hour, 2},
		"a setting":                        {time.Minute, good("{}"), nil, time.Minute, 2},
		"nothing is kept":                  {-1, good("{}"), nil, 0, 2},
		"no answer, soon":                  {0, good("I cannot tell."), nil, 30 * time.Minute, 1},
		"no answer, later":                 {0, good("I cannot tell."), nil, time.Hour, 2},
		"cut off, soon":                    {0, diagnose.Answer{Text: `{"a`, StopReason: "max_tokens"}, nil, 30 * time.Minute, 1},
		"cut off, later":                   {0, diagnose.Answer{Text: `{"a`, StopReason: "max_tokens"}, nil, 2 * time.Hour, 2},
		"refusal, soon":                    {0, diagnose.Answer{StopReason: "refusal"}, &diagnose.ModelError{Kind: "rejected", Reason: "refused", Mend: "another"}, 30 * time.Minute, 1},
		"refusal, later":                   {0, diagnose.Answer{StopReason: "refusal"}, &diagnose.ModelError{Kind: "rejected", Reason: "refused", Mend: "another"}, 2 * time.Hour, 2},
		"denial":                           {0, diagnose.Answer{}, &diagnose.ModelError{Kind: "denied", Reason: "no", Mend: "yes"}, 0, 2},
		"context cut":                      {0, diagnose.Answer{Text: "{}", StopReason: "end_turn"}, &diagnose.ModelError{Kind: "rejected", Reason: "cut", Mend: "more"}, 0, 2},
		"the clock is back, and no answer": {0, good("I cannot tell."), nil, -3 * time.Hour, 2},
		"the clock is back":                {0, good("{}"), nil, -2 * time.Hour, 2},
	} {
		m := &counting{id: "m", reply: func(context.Context, int64) (diagnose.Answer, error) { return test.reply, test.err }}
		clock := newClock()
		c := open(t, m, cached.Options{Keep: test.keep, Now: clock.Now})
		var told [2]string
		for i := range told {
			_, err := c.Ask(t.Context(), prompt("fp1:a"))
			told[i] = fmt.Sprint(err)
			clock.now = clock.now.Add(test.after)
		}
		if m.asked.Load() != test.asked || told[0] != told[1] {
			t.Errorf("%s: asked %d times, want %d; %q", name, m.asked.Load(), test.asked, told)
		}
	}
}

func files(t *testing.T, folder string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "answers", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBrokenFilesAreReplaced(t *testing.T) {
	for name, spoil := range map[string]func(file string) error{
		"empty":      func(f string) error { return os.WriteFile(f, nil, 0o600) },
		"half":       func(f string) error { return os.Truncate(f, 100) },
		"garbage":    func(f string) error { return os.WriteFile(f, []byte("\x00\x01"), 0o600) },
		"another's":  nil, // see below
		"no end":     func(f string) error { return os.WriteFile(f, []byte(`{"text":"{}"}`), 0o600) },
		"huge":       func(f string) error { return os.Truncate(f, 2<<20) },
		"a folder":   func(f string) error { return errors.Join(os.Remove(f), os.MkdirAll(filepath.Join(f, "full"), 0o700)) },
		"for ever":   func(f string) error { return forever(f) },
		"not spoilt": nil,
	} {
		folder := t.TempDir()
		m := &counting{id: "m"}
		c := open(t, m, cached.Options{Folder: folder})
		ask(t, c, prompt("fp1:a"))
		want := int64(1)
		if name == "another's" {
			spoil = func(f string) error {
				ask(t, c, prompt("fp1:b"))
				m.asked.Add(-1)
				for _, other := range files(t, folder) {
					if other != f {
						return os.Rename(other, f)
					}
				}
				return errors.New("there is no other file")
			}
		}
		if spoil != nil {
			want = 2
			if err := spoil(files(t, folder)[0]); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			ask(t, c, prompt("fp1:a"))
		}
		if m.asked.Load() != want || len(files(t, folder)) != 1 {
			t.Errorf("%s: asked %d times, %d files", name, m.asked.Load(), len(files(t, folder)))
		}
	}
}

// forever gives an answer a term that nobody would.
func forever(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, after, _ := strings.Cut(string(text), `"until":"`)
	return os.WriteFile(file, []byte(before+`"until":"2999`+after[4:]), 0o600)
}

func TestTheFolderStaysSmall(t *testing.T) {
	folder := t.TempDir()
	clock := newClock()
	m := &counting{id: "m", reply: func(context.Context, int64) (diagnose.Answer, error) {
		return good("{" + strings.Repeat("x", 1000) + "}"), nil
	}}
	c := open(t, m, cached.Options{Folder: folder, MaxBytes: 5000, Now: clock.Now})
	for i := range 20 {
		ask(t, c, prompt(fmt.Sprint("fp1:", i)))
		clock.now = clock.now.Add(time.Second)
	}
	size := int64(0)
	for _, f := range files(t, folder) {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
		if info.Mode().Perm() != 0o600 {
			t.Errorf("others may read %s: %v", f, info.Mode())
		}
	}
	if size > 5000 || size < 2000 {
		t.Errorf("%d bytes are kept", size)
	}
	if a := ask(t, c, prompt("fp1:19")); !a.Cached {
		t.Error("the newest answer went first")
	}
	for _, old := range []string{"." + strings.Repeat("0f", 16) + ".json.123", "diary.txt"} {
		old = filepath.Join(folder, "answers", old)
		if err := errors.Join(os.WriteFile(old, nil, 0o600), os.Chtimes(old, clock.now, clock.now.Add(-2*time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	clock.now = clock.now.Add(8 * 24 * time.Hour)
	ask(t, c, prompt("fp1:new"))
	left, err := os.ReadDir(filepath.Join(folder, "answers"))
	if err != nil || len(left) != 2 || left[1].Name() != "diary.txt" {
		t.Errorf("%v are left, %v", left, err)
	}
}

func TestOnlyRedactedTextIsStored(t *testing.T) {
	folder := t.TempDir()
	m := &counting{id: "m", reply: func(context.Context, int64) (diagnose.Answer, error) {
		return good(`{"root_cause":"The card 4111111111111111 and <CARD_f6mfgi> differ."}`), nil
	}}
	c := open(t, m, cached.Options{Folder: folder})
	ask(t, c, prompt("fp1:a"))
	text, err := os.ReadFile(files(t, folder)[0])
	if err != nil || strings.Contains(string(text), "4111111111111111") || !strings.Contains(string(text), "<CARD_f6mfgi>") && !strings.Contains(string(text), `\u003cCARD_f6mfgi`) {
		t.Errorf("%s, %v", text, err)
	}
	if a := ask(t, c, prompt("fp1:a")); !strings.Contains(a.Text, "<CARD_f6mfgi> differ") || strings.Contains(a.Text, "4111") {
		t.Errorf("%q", a.Text)
	}
}

func spent(t *testing.T, err error, reason string) {
	t.Helper()
	var e *diagnose.ModelError
	if !errors.As(err, &e) || e.Kind != "budget" || !strings.Contains(e.Reason, reason) || e.Mend == "" {
		t.Errorf("%+v, want %q", err, reason)
	}
}

func TestBudgetOfQuestions(t *testing.T) {
	clock := newClock()
	m := &counting{id: "m"}
	c := open(t, m, cached.Options{Calls: 2, Now: clock.Now})
	ask(t, c, prompt("fp1:a"))
	ask(t, c, prompt("fp1:b"))
	_, err := c.Ask(t.Context(), prompt("fp1:c"))
	spent(t, err, "2 of 2 questions")
	if a := ask(t, c, prompt("fp1:a")); !a.Cached {
		t.Error("a spent budget keeps back what costs nothing")
	}
	clock.now = time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC)
	_, err = c.Ask(t.Context(), prompt("fp1:c"))
	spent(t, err, "2 of 2")
	clock.now = clock.now.Add(time.Second).In(time.FixedZone("elsewhere", -9*3600))
	ask(t, c, prompt("fp1:c"))
	if m.asked.Load() != 3 {
		t.Errorf("asked %d times", m.asked.Load())
	}
}

func TestBudgetOfDollars(t *testing.T) {
	for name, test := range map[string]struct {
		atMost float64
		asked  int64
	}{
		"price unknown before": {0, 3}, // 0.01 each once it is known: a fourth would go beyond
		"price known":          {0.02, 2},
		"dear at most":         {0.04, 0},
	} {
		m := &counting{id: "m", atMost: test.atMost}
		c := open(t, m, cached.Options{Dollars: 0.035})
		var err error
		for i := 0; err == nil && i < 10; i++ {
			_, err = c.Ask(t.Context(), prompt(fmt.Sprint("fp1:", i)))
		}
		spent(t, err, "of $0.0")
		if day, _ := c.Today(); m.asked.Load() != test.asked || day.Dollars > 0.035 {
			t.Errorf("%s: asked %d times, %+v", name, m.asked.Load(), day)
		}
	}
}

func TestWhatDoesNotCount(t *testing.T) {
	for kind, counts := range map[string]int{"denied": 0, "throttled": 0, "unavailable": 0, "timeout": 1, "garbled": 1} {
		m := &counting{id: "m", atMost: 0.5, reply: func(context.Context, int64) (diagnose.Answer, error) {
			return diagnose.Answer{}, &diagnose.ModelError{Kind: kind, Reason: "r", Mend: "m"}
		}}
		c := open(t, m, cached.Options{Calls: 5, Dollars: 1})
		if _, err := c.Ask(t.Context(), prompt("fp1:a")); err == nil {
			t.Error("no error")
		}
		if day, err := c.Today(); err != nil || day.Calls != counts || day.Dollars != 0 {
			t.Errorf("%s: %+v, %v", kind, day, err)
		}
	}
}

// The diagnosis goes out without the model.
func TestSpentBudgetLeavesTheDiagnosis(t *testing.T) {
	m := &counting{id: "m", atMost: 2}
	c := open(t, m, cached.Options{Dollars: 1})
	problem := "TableError"
	d, err := (&diagnose.Doctor{Model: c}).Diagnose(t.Context(), diagnose.NewRowCase(diagnose.Row{Error: &problem, StateName: "Save"}))
	if err != nil || d.Fingerprint == "" || d.Model.Err == nil || d.Model.Err.Kind != "budget" || m.asked.Load() != 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	if !strings.Contains(strings.Join(d.Missing, "\n"), "a model's reading: today's budget for models is spent") {
		t.Errorf("%q", d.Missing)
	}
}

// What the first question brought is kept, checked; only its correction is not to be had.
func TestBudgetSpentBetweenAnAnswerAndItsCorrection(t *testing.T) {
	const flawed = `{"category":"other","root_cause":"The table is full.","explanation":"","claims":[{"text":"The table is full.","cites":[]}],"remediation":[],"prevention":[]}`
	m := &counting{id: "m", reply: func(context.Context, int64) (diagnose.Answer, error) { return good(flawed), nil }}
	c := open(t, m, cached.Options{Calls: 1})
	problem := "TableError"
	d, err := (&diagnose.Doctor{Model: c}).Diagnose(t.Context(), diagnose.NewRowCase(diagnose.Row{Error: &problem, StateName: "Save"}))
	if err != nil || m.asked.Load() != 1 {
		t.Fatalf("asked %d times, %v", m.asked.Load(), err)
	}
	if d.Model.Err != nil || len(d.Claims) != 1 || d.Claims[0].Standing == diagnose.Kept || d.Model.Leads {
		t.Errorf("%+v, claims %+v", d.Model, d.Claims)
	}
	if !strings.Contains(strings.Join(d.Missing, "\n"), "a correction of the model's answer: today's budget for models is spent") {
		t.Errorf("%q", d.Missing)
	}
}

func TestBudgetThatCannotBeKept(t *testing.T) {
	for name, test := range map[string]struct {
		opts  cached.Options
		asked int64
	}{"with a limit": {cached.Options{Calls: 9}, 0}, "without": {cached.Options{}, 1}} {
		test.opts.Folder = t.TempDir()
		if err := os.WriteFile(filepath.Join(test.opts.Folder, "budget.json"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		warned := 0
		test.opts.Warn = func(error) { warned++ }
		m := &counting{id: "m"}
		_, err := open(t, m, test.opts).Ask(t.Context(), prompt("fp1:a"))
		if m.asked.Load() != test.asked {
			t.Errorf("%s: asked %d times", name, m.asked.Load())
		}
		if test.asked == 0 {
			spent(t, err, "budget.json is no ledger")
		} else if err != nil || warned == 0 {
			t.Errorf("%s: %v, %d warnings", name, err, warned)
		}
	}
}

// Processes that share a folder never ask for more than the budget together.
func TestProcessesShareTheBudget(t *testing.T) {
	const processes, limit = 4, 30
	folder := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	asked := 0
	for i := range processes {
		wg.Go(func() {
			c := exec.Command(program, "-test.run=^TestOneOfTheProcesses$", "-test.v")
			c.Env = append(os.Environ(), "CACHED_TEST_FOLDER="+folder, fmt.Sprint("CACHED_TEST_NAME=", i))
			out, err := c.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			mu.Lock()
			defer mu.Unlock()
			asked += strings.Count(string(out), "answered")
		})
	}
	wg.Wait()
	c := open(t, &counting{id: "m"}, cached.Options{Folder: folder})
	day, err := c.Today()
	if asked != limit || day.Calls != limit || err != nil {
		t.Errorf("%d questions were answered and %d counted, of %d (%v)", asked, day.Calls, limit, err)
	}
}

// TestOneOfTheProcesses is what TestProcessesShareTheBudget starts.
func TestOneOfTheProcesses(t *testing.T) {
	folder := os.Getenv("CACHED_TEST_FOLDER")
	if folder == "" {
		t.Skip("only of use to TestProcessesShareTheBudget")
	}
	c := open(t, &counting{id: "m"}, cached.Options{Folder: folder, Calls: 30})
	for i := range 15 {
		if _, err := c.Ask(t.Context(), prompt(fmt.Sprint(os.Getenv("CACHED_TEST_NAME"), ":", i))); err == nil {
			fmt.Println("answered")
		}
	}
}

// Who asks and runs out of time is not who the others wait for.
func TestWaitingForWhoLeaves(t *testing.T) {
	began := make(chan struct{})
	m := &counting{id: "m"}
	m.reply = func(ctx context.Context, n int64) (diagnose.Answer, error) {
		if n == 1 {
			close(began)
			<-ctx.Done()
			return diagnose.Answer{}, ctx.Err()
		}
		return good("{}"), nil
	}
	c := open(t, m, cached.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := c.Ask(ctx, prompt("fp1:a"))
		first <- err
	}()
	<-began
	impatient, stop := context.WithCancel(t.Context())
	stop()
	if _, err := c.Ask(impatient, prompt("fp1:a")); !errors.Is(err, context.Canceled) {
		t.Errorf("who has no time waits: %v", err)
	}
	second := make(chan diagnose.Answer, 1)
	go func() {
		a, err := c.Ask(t.Context(), prompt("fp1:a"))
		if err != nil {
			t.Error(err)
		}
		second <- a
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("first: %v", err)
	}
	if a := <-second; a.Text != "{}" {
		t.Errorf("second: %+v", a)
	}
}

func TestPanicsReleaseWhoWaits(t *testing.T) {
	m := &counting{id: "m"}
	m.reply = func(_ context.Context, n int64) (diagnose.Answer, error) {
		if n == 1 {
			panic("client")
		}
		return good("{}"), nil
	}
	c := open(t, m, cached.Options{})
	func() {
		defer func() { recover() }()
		c.Ask(t.Context(), prompt("fp1:a"))
	}()
	if a := ask(t, c, prompt("fp1:a")); a.Text != "{}" {
		t.Errorf("%+v", a)
	}
}

func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"", filepath.Join(file, "below")} {
		if _, err := cached.New(&counting{}, cached.Options{Folder: folder}); err == nil {
			t.Errorf("%q is taken for a folder", folder)
		}
	}
}
