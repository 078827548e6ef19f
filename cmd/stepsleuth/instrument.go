package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/wholefile"
)

type instrumentFlags struct {
	handler, topic, after string
	approval              approvalFlags
	out                   string
	remove, check, diff   bool
}

// approvalFlags say whether a failure waits for a person, and how long.
type approvalFlags struct {
	approve         bool
	timeout         time.Duration
	otherwise       string
	otherwiseOutput string
}

func (f *approvalFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&f.approve, "approve", false, "have a failure wait until a person decides: retry, skip or fail, by stepsleuth decide")
	c.Flags().DurationVar(&f.timeout, "approve-timeout", instrument.DefaultApproveTimeout, "with --approve, how long to wait for a decision")
	c.Flags().StringVar(&f.otherwise, "approve-default", string(instrument.DecideFail), "with --approve, what happens where nobody decides in time: fail or skip")
	c.Flags().StringVar(&f.otherwiseOutput, "approve-skip-output", "", "with --approve-default skip, the output that the failed state is to have had: JSON, or @ and the name of a file")
}

// approval is nil without --approve, without which the other flags mean nothing.
func (f approvalFlags) approval(c *cobra.Command) (*instrument.Approval, error) {
	output, err := jsonOrFile(f.otherwiseOutput, "output", c.InOrStdin())
	if err != nil {
		return nil, err
	}
	if f.approve && f.timeout == 0 {
		return nil, errors.New("--approve-timeout 0s: give whole seconds, such as 90m or 24h")
	}
	if f.approve {
		return &instrument.Approval{Timeout: f.timeout, Default: instrument.Decision(f.otherwise), Output: string(output)}, nil
	}
	for _, name := range []string{"approve-timeout", "approve-default", "approve-skip-output"} {
		if c.Flags().Changed(name) {
			return nil, fmt.Errorf("--%s goes with --approve", name)
		}
	}
	return nil, nil
}

func instrumentCommand(o *options) *cobra.Command {
	var f instrumentFlags
	c := &cobra.Command{
		Use:   "instrument DEFINITION",
		Short: "Add the troubleshooter and the notifications to a definition",
		Long: `instrument adds the pattern to a definition: each Task, Parallel and Map of the top
level that has no States.ALL catcher gets one as its last. It leads to the
troubleshooter, whose diagnosis is published to an SNS topic, and then to a Fail
with the first error and cause, so that the execution ends as it would have. A
success is told as well. Your own catchers, and every other byte, stay as they are.

With --approve a failure that people were told of waits for one of them, who decides by
"stepsleuth decide EXECUTION_ARN": retry runs the state again with the input it had (its
own retries count anew), skip goes on behind it with a given output, fail ends as without
--approve. Who decided what and when is in the output of the waiting state. Standard
workflows alone can wait: an Express one has no task tokens.

What no Catch sees (States.Runtime, a failed start, the machine's own time-out)
does not come this way. A redrive of an execution that ended here restarts at the
added Fail state; start it anew instead.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return instrumentFile(c, o, f, args[0]) },
	}
	c.Flags().StringVar(&f.handler, "handler", instrument.DefaultHandler, "the troubleshooter: a Lambda function's name or ARN")
	c.Flags().StringVar(&f.topic, "topic", instrument.DefaultTopic, "ARN of the SNS topic; by default a placeholder for your deployment to fill in")
	c.Flags().StringVar(&f.after, "after", string(instrument.Fail), "how a caught execution ends: fail, as it would have, or succeed, with the diagnosis as its output")
	f.approval.register(c)
	c.Flags().StringVarP(&f.out, "out", "o", "", "write the definition to this file instead of standard output")
	c.Flags().BoolVar(&f.remove, "remove", false, "take away what instrument added")
	c.Flags().BoolVar(&f.check, "check", false, "only tell whether the definition is instrumented as it would be now: exit 1 if it is not")
	c.Flags().BoolVar(&f.diff, "diff", false, "print the change instead of the definition")
	return c
}

func instrumentFile(c *cobra.Command, o *options, f instrumentFlags, name string) error {
	text, err := readFile(name, "definition", c.InOrStdin(), maxDefinition)
	if err != nil {
		return err
	}
	approval, err := f.approval.approval(c)
	if err != nil {
		return err
	}
	result, err := f.apply(label(name), text, approval)
	if err != nil {
		return err
	}
	if f.check {
		if result.Text != string(text) {
			fmt.Fprintf(c.ErrOrStderr(), "%s: not instrumented as it would be now\n", label(name))
			return found
		}
		o.note(c.ErrOrStderr(), "%s: instrumented", label(name))
		return nil
	}
	out := result.Text
	if f.diff {
		out = asl.Diff(label(name), label(name), string(text), result.Text)
	}
	if err := f.write(c.OutOrStdout(), out); err != nil {
		return err
	}
	f.tell(c.ErrOrStderr(), o, result)
	return nil
}

// apply adds the pattern, anew where an older one is there, or takes it away.
func (f instrumentFlags) apply(name string, text []byte, approval *instrument.Approval) (*instrument.Result, error) {
	bare, err := instrument.Remove(name, text)
	if err != nil || f.remove {
		return bare, err
	}
	return instrument.Add(name, []byte(bare.Text), instrument.Options{Handler: f.handler, Topic: f.topic, After: instrument.After(f.after), Approve: approval})
}

func (f instrumentFlags) write(stdout io.Writer, text string) error {
	if f.out != "" {
		return wholefile.Write(f.out, []byte(text))
	}
	_, err := io.WriteString(stdout, text)
	return err
}

// tell says what was done, and what the pattern cannot reach.
func (f instrumentFlags) tell(w io.Writer, o *options, r *instrument.Result) {
	list := func(what string, names []string) {
		if len(names) > 0 {
			o.note(w, "%s: %s", what, strings.Join(names, ", "))
		}
	}
	if f.remove {
		list("no longer caught", r.Caught)
		return
	}
	list("caught now", r.Caught)
	list("left alone, they have a States.ALL catcher", r.Handled)
	list("told when they succeed", r.Ends)
	if f.approval.approve && len(r.Caught) > 0 {
		o.note(w, "a failure waits %s for a decision (stepsleuth decide), and then: %s", instrument.Lasting(f.approval.timeout), f.approval.otherwise)
	}
	if r.Limit > 0 {
		o.note(w, "the machine's own time-out (%s) ends an execution that waits, and no Catch sees that; raise TimeoutSeconds, or give a shorter --approve-timeout", instrument.Lasting(r.Limit))
	}
	if f.topic == instrument.DefaultTopic {
		o.note(w, "topic: %s is for your deployment to fill in, or give --topic", f.topic)
	}
	o.note(w, "not reached: States.Runtime, a failed start and the machine's own time-out, which no Catch sees; and a redrive restarts at the added Fail state")
}
