package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/awscloud"
	"github.com/stepsleuth/stepsleuth/internal/decision"
	"github.com/stepsleuth/stepsleuth/internal/value"
	"github.com/stepsleuth/stepsleuth/redact"
)

type decideFlags struct {
	output string
	note   string
	by     string
	wait   time.Duration
	dryRun bool

	list    bool
	machine string // for list: its ARN
	limit   int
}

func decideCommand(o *options) *cobra.Command {
	var f decideFlags
	c := &cobra.Command{
		Use:   "decide EXECUTION_ARN retry|skip|fail",
		Short: "Decide what becomes of an execution that failed and waits for you",
		Long: `decide answers an execution on AWS that failed and waits for a decision, as
"stepsleuth instrument --approve" has it:

  retry   run the state that failed again, with the input it had; its retries count anew
  skip    go on behind it, as if --output had been its output
  fail    end the execution as it would have ended, or as instrument --after says

The task's token and the state's input are read from the execution's history, with the
credentials and endpoints that the AWS command line would use; they need
states:GetExecutionHistory on the execution and states:SendTaskSuccess (on "*": it knows
no resource). Who decided what and when stays in the history.

It says what the execution did then, and exits 1 where it failed again.

With --list it only says which executions of a state machine wait, the one whose time
is over first at the front; that needs states:ListExecutions on the state machine.`,
		Example: `  stepsleuth decide --list --state-machine arn:aws:states:us-east-1:123456789012:stateMachine:order
  stepsleuth decide arn:aws:states:us-east-1:123456789012:execution:order:run-7 skip --output '{"paid": false}'`,
		Args: func(c *cobra.Command, args []string) error {
			if err := f.checkList(args); err != nil || f.list {
				return err
			}
			return cobra.ExactArgs(2)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if f.list {
				return f.listWaiting(c, o)
			}
			return decide(c, o, f, args[0], instrument.Decision(args[1]))
		},
	}
	c.Flags().StringVar(&f.output, "output", "", "with skip, the output that the state is to have had: JSON, or @ and the name of a file (@- for standard input)")
	c.Flags().StringVar(&f.note, "note", "", "why, for the record; it stays in the history as it is")
	c.Flags().StringVar(&f.by, "by", "", "who decides, for the record (default the ARN of your credentials)")
	c.Flags().DurationVar(&f.wait, "wait", 10*time.Second, "how long to look on at what the execution does then")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "only say what would be sent")
	c.Flags().BoolVar(&f.list, "list", false, "say which executions of --state-machine wait for a decision")
	c.Flags().StringVar(&f.machine, "state-machine", "", "with --list, the ARN of the state machine")
	c.Flags().IntVar(&f.limit, "limit", 100, "with --list, how many running executions to look at, newest first")
	for _, deciding := range []string{"output", "note", "by", "wait", "dry-run"} {
		c.MarkFlagsMutuallyExclusive("list", deciding)
	}
	return c
}

// decided is what decide prints, and all of it may leave.
type decided struct {
	Schema    redact.Text  `json:"schema"`
	Execution redact.Text  `json:"execution"`
	State     redact.Text  `json:"state"` // that failed
	Decision  redact.Text  `json:"decision"`
	By        redact.Text  `json:"by"`
	At        redact.Text  `json:"at"`
	Note      *redact.Text `json:"note"`
	Sent      bool         `json:"sent"`
	Record    *redact.Text `json:"record"` // with --dry-run: what would be sent, redacted
	Status    *redact.Text `json:"status"` // of the execution, as it was seen last
	Now       *redact.Text `json:"now"`    // the state it is in since, or was in last
	Waits     bool         `json:"waits"`  // for the next decision
	Error     *redact.Text `json:"error"`  // that it ended with
}

func decide(c *cobra.Command, o *options, f decideFlags, arn string, what instrument.Decision) error {
	if err := f.check(what); err != nil {
		return err
	}
	output, err := jsonOrFile(f.output, "output", c.InOrStdin())
	if err != nil {
		return err
	}
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
	desk := decision.Desk{Cloud: cloud}
	w, err := desk.Find(ctx, arn)
	if err != nil {
		return undecidable(r, arn, err)
	}
	answer := decision.Answer{Decision: what, By: f.by, At: time.Now(), Note: f.note, Output: output}
	if answer.By == "" {
		answer.By = whoDecides(ctx, cloud, arn)
	}
	record, err := w.Record(answer)
	if err != nil {
		return err
	}
	out := decided{
		Schema: redact.Static("stepsleuth/decision/v1"), Execution: r.Text(arn), State: r.Text(w.State),
		Decision: r.Text(string(what)), By: r.Text(answer.By), At: r.Text(instant(answer.At)),
	}
	if f.note != "" {
		out.Note = textOf(r, f.note)
	}
	if f.dryRun {
		shown := r.JSON(record)
		out.Record = &shown
		return out.print(c.OutOrStdout(), o)
	}
	if err := desk.Send(ctx, arn, w, record); err != nil {
		return err
	}
	out.Sent = true
	return out.conclude(c, o, f, r, &desk, arn, w, what)
}

// check refuses what can be refused before anything is asked.
func (f decideFlags) check(what instrument.Decision) error {
	switch what {
	case instrument.DecideRetry, instrument.DecideFail:
		if f.output != "" {
			return fmt.Errorf("--output goes with skip: %s takes none", what)
		}
	case instrument.DecideSkip:
		if f.output == "" {
			return errors.New("skip needs --output, the output (JSON) that the failed state is to have had: what comes next gets it as its input")
		}
	default:
		return fmt.Errorf("%q: decide retry, skip or fail", what)
	}
	if f.output != "" && !strings.HasPrefix(f.output, "@") {
		if _, err := value.Parse(f.output); err != nil {
			return fmt.Errorf("--output is not JSON: %w; a text needs quotes of its own: --output '\"done\"'", err)
		}
	}
	if f.wait < 0 {
		return fmt.Errorf("--wait %s: give a duration like 10s, or 0", f.wait)
	}
	return nil
}

// jsonOrFile is a flag's JSON itself, or what is in the file that @ names.
func jsonOrFile(flag, what string, stdin io.Reader) ([]byte, error) {
	name, isFile := strings.CutPrefix(flag, "@")
	if !isFile {
		return []byte(flag), nil
	}
	return readData(name, what, stdin, maxInput)
}

// undecidable says what to do where nothing waits.
func undecidable(r *redact.Redactor, arn string, err error) error {
	var not *decision.NotWaiting
	if !errors.As(err, &not) {
		return err
	}
	next := "see what became of it: stepsleuth diagnose " + arn
	if not.Decided == nil && !not.Expired && not.Status == history.Running {
		next = "only a failure waits, in a workflow that was instrumented with --approve"
	}
	return fmt.Errorf("%s; %s", r.Text(not.Error()), next)
}

// whoDecides is the ARN of the credentials, or else the user of this machine.
func whoDecides(ctx context.Context, cloud *awscloud.Cloud, arn string) string {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if caller, err := cloud.Caller(ctx, arn); err == nil && caller != "" {
		return caller
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "somebody"
}

// conclude looks on for a while and prints what came of it.
func (out *decided) conclude(c *cobra.Command, o *options, f decideFlags, r *redact.Redactor, desk *decision.Desk, arn string, w *decision.Wait, what instrument.Decision) error {
	ctx, cancel := context.WithTimeout(c.Context(), f.wait)
	defer cancel()
	then, err := desk.Watch(ctx, arn, w, what)
	if err != nil { // the decision was sent all the same
		o.note(c.ErrOrStderr(), "note   what the execution does now could not be seen: %v", err)
	}
	out.Status, out.Waits = textOf(r, string(then.Status)), then.Waits
	if then.State != "" {
		out.Now = textOf(r, then.State)
	}
	if then.Error != nil {
		out.Error = textOf(r, *then.Error)
	}
	if err := out.print(c.OutOrStdout(), o); err != nil {
		return err
	}
	if then.Waits || what != instrument.DecideFail && then.Status != history.Running && then.Status != history.Succeeded {
		return found
	}
	return nil
}

func textOf(r *redact.Redactor, s string) *redact.Text {
	t := r.Text(s)
	return &t
}

func (out *decided) print(w io.Writer, o *options) error {
	if o.format == formatJSON {
		return printIndented(w, out)
	}
	verb := "decided"
	if !out.Sent {
		verb = "would decide"
	}
	fmt.Fprintf(w, "%s  %s, for the state %s, by %s at %s\n", verb, out.Decision, out.State, out.By, out.At)
	if out.Record != nil {
		_, err := fmt.Fprintf(w, "would send    %s\n", out.Record)
		return err
	}
	_, err := fmt.Fprintf(w, "now      %s\n", out.now())
	return err
}

// now is what the execution was seen to do.
func (out *decided) now() redact.Text {
	switch {
	case out.Waits:
		return redact.Format("it failed again, and waits for the next decision: stepsleuth diagnose %v", out.Execution)
	case out.Status.String() != string(history.Running) && out.Error != nil:
		return redact.Format("%v (%v)", *out.Status, *out.Error)
	case out.Status.String() != string(history.Running):
		return *out.Status
	case out.Now != nil:
		return redact.Format("it runs, in the state %v", *out.Now)
	}
	return redact.Format("nothing was seen of it yet; look again with stepsleuth diagnose %v", out.Execution)
}
