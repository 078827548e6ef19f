package notify

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// Way is one way to tell people. It is safe for concurrent use, heeds ctx, and returns
// where the message went.
type Way interface {
	Notify(ctx context.Context, m Message) (string, error)
}

// Fanout tells people in several ways at once. All are tried, whatever becomes of the
// others; the place names those that worked, the error those that did not, so that
// both may be there.
type Fanout []Way

// Notify is Way's.
func (f Fanout) Notify(ctx context.Context, m Message) (string, error) {
	places, errs := make([]string, len(f)), make([]error, len(f))
	var wg sync.WaitGroup
	for i, way := range f {
		wg.Go(func() {
			defer func() {
				if recover() != nil { // what it was about may be a secret
					errs[i] = fmt.Errorf("a notifier broke down (%T); please report it", way)
				}
			}()
			places[i], errs[i] = way.Notify(ctx, m)
		})
	}
	wg.Wait()
	var told []string
	var failed manyErrors
	for i := range f {
		if errs[i] != nil {
			failed = append(failed, errs[i])
		} else {
			told = append(told, places[i])
		}
	}
	if failed == nil {
		return strings.Join(told, ", "), nil
	}
	return strings.Join(told, ", "), failed
}

// manyErrors are errors in one line.
type manyErrors []error

func (m manyErrors) Error() string {
	texts := make([]string, len(m))
	for i, err := range m {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (m manyErrors) Unwrap() []error { return m }
