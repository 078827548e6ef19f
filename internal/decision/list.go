package decision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/stepsleuth/stepsleuth/history"
)

// Waiting is an execution that waits for a decision.
type Waiting struct {
	Execution string // ARN
	*Wait            // without what a retry needs
}

// lookers at once; AWS throttles GetExecutionHistory at 20 a second.
const lookers = 4

// List looks at the ends of executions that run, and returns those that wait, the one
// whose time is over first at the front. What could not be looked at is told in the
// error, which may come with others that wait.
func (d *Desk) List(ctx context.Context, executionARNs []string) ([]Waiting, error) {
	waits, errs := make([]*Wait, len(executionARNs)), make([]error, len(executionARNs))
	free := make(chan struct{}, lookers)
	var wg sync.WaitGroup
	for i, arn := range executionARNs {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			waits[i], errs[i] = d.look(ctx, arn)
		})
	}
	wg.Wait()
	var out []Waiting
	for i, w := range waits {
		if w != nil {
			out = append(out, Waiting{executionARNs[i], w})
		}
	}
	slices.SortStableFunc(out, soonest)
	return out, failures(errs)
}

// look returns the wait of an execution, nil for none.
func (d *Desk) look(ctx context.Context, arn string) (*Wait, error) {
	x, err := d.Cloud.Back(ctx, arn, func(*history.Execution) bool { return true })
	if err != nil {
		return nil, err
	}
	w, _, err := wait(x)
	var not *NotWaiting
	switch {
	case errors.As(err, &not):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", arn, err)
	}
	return w, nil
}

// soonest orders by the time that is left; where that is not known it may be long.
func soonest(a, b Waiting) int {
	switch {
	case a.Until.IsZero() == b.Until.IsZero():
		return a.Until.Compare(b.Until)
	case a.Until.IsZero():
		return 1
	}
	return -1
}

// failures is the first of the errors, and how many there are.
func failures(errs []error) error {
	all := len(errs)
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d running executions could not be looked at; the first: %w", len(errs), all, errs[0])
}
