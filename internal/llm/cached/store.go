package cached

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/wholefile"
	"github.com/stepsleuth/stepsleuth/redact"
)

// key is what questions must have in common to share an answer.
type key struct {
	Fingerprint string `json:"fingerprint,omitempty"`
	Question    string `json:"question,omitempty"` // its hash, where there is no fingerprint
	Model       string `json:"model"`
	Prompt      string `json:"prompt"` // diagnose.PromptVersion
	Schema      string `json:"schema"` // its hash
	Pass        int    `json:"pass"`
}

func newKey(model string, p diagnose.Prompt) key {
	k := key{Fingerprint: p.Fingerprint, Model: model, Prompt: diagnose.PromptVersion, Schema: hash(string(p.Schema)), Pass: p.Pass}
	if k.Fingerprint == "" {
		k.Question = hash(p.System.String() + "\x00" + p.User.String())
	}
	return k
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:32]
}

// name is the file's, without its ending.
func (k key) name() string {
	b, err := json.Marshal(k)
	if err != nil {
		panic(err) // texts and a number
	}
	return hash(string(b))
}

// entry is a file: a question's key and its answer.
type entry struct {
	Key          key         `json:"key"`
	Given        time.Time   `json:"given"`
	Until        time.Time   `json:"until"`
	Text         redact.Text `json:"text"`
	ModelID      string      `json:"modelID"`
	StopReason   string      `json:"stopReason"`
	InputTokens  int         `json:"inputTokens"`
	OutputTokens int         `json:"outputTokens"`
	CostUSD      float64     `json:"costUSD"`
	Refusal      *refusal    `json:"refusal,omitempty"` // instead of a text
}

type refusal struct {
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
	Mend   string `json:"mend"`
}

// stored is an entry as it is read: its text has to be made redacted text again.
type stored struct {
	entry
	Text string `json:"text"`
}

func (e *stored) answer() (diagnose.Answer, error) {
	a := diagnose.Answer{Text: e.Text, ModelID: e.ModelID, StopReason: e.StopReason}
	if r := e.Refusal; r != nil {
		return a, &diagnose.ModelError{Kind: r.Kind, Reason: r.Reason, Mend: r.Mend}
	}
	return a, nil
}

// The limits of a file.
const (
	maxEntry  = 1 << 20
	maxSkew   = time.Hour // how much later than now an answer may have been given
	maxOrphan = time.Hour // how old a file may be that never was completed
	ending    = ".json"
)

// store is a folder of answers, a file each. Files appear whole or not at all, so that
// processes may read and write it without a lock: the last one to write wins.
type store struct {
	folder   string
	turns    string // folder of locks
	redact   *redact.Redactor
	maxBytes int64
	keep     time.Duration
}

func (s *store) path(k key) string { return filepath.Join(s.folder, k.name()+ending) }

// get returns what is kept, or nil. What has expired or cannot be read is removed.
func (s *store) get(k key, now time.Time) (*stored, error) {
	path := s.path(k)
	text, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	e := &stored{}
	if err == nil {
		err = json.Unmarshal(text, e)
	}
	switch {
	case err != nil, e.Key != k, e.Until.IsZero():
		return nil, s.remove(path)
	case !now.Before(e.Until), e.Until.Sub(now) > s.keep+maxSkew, e.Given.Sub(now) > maxSkew:
		return nil, s.remove(path)
	}
	e.Text = s.redact.Stored(e.Text).String()
	return e, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxEntry+1))
	if err == nil && len(text) > maxEntry {
		err = errors.New("too large")
	}
	return text, err
}

// remove also takes a folder away that stands where a file should.
func (s *store) remove(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("cache of answers: %w", err)
	}
	return nil
}

// put keeps an answer, and makes room for it.
func (s *store) put(k key, a diagnose.Answer, asking error, now time.Time, term time.Duration) error {
	e := entry{
		Key: k, Given: now.UTC(), Until: now.Add(term).UTC(), Text: s.redact.Stored(a.Text), ModelID: a.ModelID, StopReason: a.StopReason,
		InputTokens: a.InputTokens, OutputTokens: a.OutputTokens, CostUSD: a.CostUSD,
	}
	var refused *diagnose.ModelError
	if errors.As(asking, &refused) {
		e.Text, e.Refusal = redact.Text{}, &refusal{refused.Kind, s.redact.Text(refused.Reason).String(), s.redact.Text(refused.Mend).String()}
	}
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("cache of answers: %w", err)
	}
	if len(text) > maxEntry {
		return nil // no answer is that long
	}
	path := s.path(k)
	if err := wholefile.WriteMode(path, text, 0o600); err != nil {
		return fmt.Errorf("cache of answers: %w", err)
	}
	if err := os.Chtimes(path, now, now); err != nil { // sweep goes by it
		return fmt.Errorf("cache of answers: %w", err)
	}
	return s.sweep(now)
}

// ownName is that of a file of ours, whole or not: nothing else in the folder is touched.
var ownName = lazyregexp.New(`^([0-9a-f]{32}\.json|\.[0-9a-f]{32}\.json\.[0-9]+)$`)

// sweep removes what has been kept long enough, what was never completed, and then the
// oldest until the rest is small enough.
func (s *store) sweep(now time.Time) error {
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return fmt.Errorf("cache of answers: %w", err)
	}
	var files []fs.FileInfo
	size := int64(0)
	for _, e := range entries {
		if !ownName.MatchString(e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil { // another process was faster
			continue
		}
		age := now.Sub(info.ModTime())
		if age > s.keep || strings.HasPrefix(info.Name(), ".") && age > maxOrphan {
			if err := s.remove(filepath.Join(s.folder, info.Name())); err != nil {
				return err
			}
			continue
		}
		files = append(files, info)
		size += info.Size()
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for _, f := range files[:max(len(files)-1, 0)] { // the newest stays in any case
		if size <= s.maxBytes {
			break
		}
		if err := s.remove(filepath.Join(s.folder, f.Name())); err != nil {
			return err
		}
		size -= f.Size()
	}
	return nil
}
