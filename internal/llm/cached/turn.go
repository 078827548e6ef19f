package cached

import (
	"context"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// patience bounds how long a process waits while another asks the same; then it asks too,
// as the other may be stuck.
const patience = 90 * time.Second

// turn waits until no other process that shares the folder is asking this question, so
// that the answer is there by then. The returned func ends the turn. The error is the
// context's; where the file system has no locks nobody waits.
//
// A lock file serves all questions whose names begin alike, which bounds their number to
// 256: now and then one question waits for another.
func (s *store) turn(ctx context.Context, k key) (end func(), err error) {
	free := make(chan func())
	gone := make(chan struct{})
	go func() {
		unlock, err := lockedfile.MutexAt(filepath.Join(s.turns, k.name()[:2]+".lock")).Lock()
		if err != nil {
			unlock = func() {}
		}
		select {
		case free <- unlock:
		case <-gone:
			unlock()
		}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case end := <-free:
		return end, nil
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	close(gone)
	return func() {}, err
}
