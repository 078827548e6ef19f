package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/internal/decision"
	"github.com/stepsleuth/stepsleuth/redact"
)

// waitingList is what decide --list prints, and all of it may leave.
type waitingList struct {
	Schema  redact.Text   `json:"schema"`
	Machine redact.Text   `json:"stateMachine"`
	Looked  int           `json:"looked"` // at so many executions that run, newest first
	More    bool          `json:"more"`   // run than were looked at
	Waiting []listed      `json:"waiting"`
	Missing []redact.Text `json:"missing"` // what of them could not be looked at, and why
}

// listed is an execution that waits.
type listed struct {
	Execution redact.Text  `json:"execution"`
	State     redact.Text  `json:"state"` // that failed
	Error     *redact.Text `json:"error"`
	Since     redact.Text  `json:"since"`
	Until     *redact.Text `json:"until"`
}

// checkList refuses what does not go with --list, and --list without what it needs.
func (f decideFlags) checkList(args []string) error {
	switch {
	case !f.list && f.machine != "":
		return errors.New("--state-machine goes with --list: to decide, give the ARN of an execution")
	case !f.list:
		return nil
	case len(args) > 0:
		return errors.New("--list takes no execution: it looks at those of --state-machine that run")
	case f.machine == "":
		return errors.New("--list needs --state-machine and the ARN of a state machine")
	case f.limit < 1 || f.limit > 1000:
		return fmt.Errorf("--limit %d: give a number from 1 to 1000", f.limit)
	}
	return nil
}

// listWaiting prints which executions of a state machine wait for a decision.
func (f decideFlags) listWaiting(c *cobra.Command, o *options) error {
	r, err := newRedactor(o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), fetchTime)
	defer cancel()
	cloud, err := newCloud(ctx)
	if err != nil {
		return err
	}
	running, more, err := cloud.Running(ctx, f.machine, f.limit)
	if err != nil {
		return err
	}
	waiting, partly := (&decision.Desk{Cloud: cloud}).List(ctx, running)
	if partly != nil && len(waiting) == 0 {
		return partly
	}
	out := waitingList{Schema: redact.Static("stepsleuth/waiting/v1"), Machine: r.Text(f.machine), Looked: len(running), More: more, Waiting: []listed{}, Missing: []redact.Text{}}
	for _, w := range waiting {
		out.Waiting = append(out.Waiting, listing(r, w))
	}
	if partly != nil {
		out.Missing = append(out.Missing, r.Text(partly.Error()))
	}
	if err := out.print(c.OutOrStdout(), o); err != nil {
		return err
	}
	out.note(c.ErrOrStderr(), o)
	return nil
}

func listing(r *redact.Redactor, w decision.Waiting) listed {
	l := listed{Execution: r.Text(w.Execution), State: r.Text(w.State), Since: r.Text(instant(w.Since))}
	if w.Error != "" {
		l.Error = textOf(r, w.Error)
	}
	if !w.Until.IsZero() {
		l.Until = textOf(r, instant(w.Until))
	}
	return l
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (out *waitingList) print(w io.Writer, o *options) error {
	if o.format == formatJSON {
		return printIndented(w, out)
	}
	for _, l := range out.Waiting {
		why, until := redact.Text{}, redact.Text{}
		if l.Error != nil {
			why = redact.Format(" (%v)", *l.Error)
		}
		if l.Until != nil {
			until = redact.Format(", until %v", *l.Until)
		}
		if _, err := fmt.Fprintf(w, "%s  %s%s, since %s%s\n", l.Execution, l.State, why, l.Since, until); err != nil {
			return err
		}
	}
	return nil
}

// note says on stderr how much was looked at, and what to do now.
func (out *waitingList) note(w io.Writer, o *options) {
	o.note(w, "%d waiting for a decision, of %s", len(out.Waiting), count(out.Looked, "running execution", ""))
	if len(out.Waiting) > 0 {
		o.note(w, "decide: stepsleuth decide EXECUTION_ARN retry (or skip --output JSON, or fail)")
	}
	if out.More {
		o.note(w, "note   more are running: the newest %d were looked at (--limit)", out.Looked)
	}
	for _, m := range out.Missing {
		o.note(w, "note   %v", m)
	}
}
