package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

type diagnoseFlags struct {
	definition string
	compare    string
	notify     bool
	batch      string
	strict     bool
	fetch      fetchFlags
}

func diagnoseCommand(o *options) *cobra.Command {
	var f diagnoseFlags
	c := &cobra.Command{
		Use:   "diagnose [ARN | HISTORY | -]",
		Short: "Find out why an execution failed: on AWS, or from its saved history",
		Long: `diagnose says which state of an execution failed, why, and what to do.

Given an execution's ARN it fetches from AWS, with the credentials and endpoints that
the AWS command line would use: the history, the definition that ran, the executions
that failed inside, and the configuration and log lines of the Lambda function that
failed. What it may not read it names, with the policy statement that would allow it.
Of --state-machine it diagnoses the execution that failed --last, or all that failed
--since, equal failures put together.

Given a file it reads the history of an execution as AWS gives it

  aws stepfunctions get-execution-history --execution-arn ARN > history.json

"-" reads it from standard input, where an EventBridge event "Step Functions Execution
Status Change" or the error output of a Catch will do too.

With --batch, each line of a file is a failure {"id", "error", "cause", "state",
"state_name", "phase", "definition", "input", "history"}, of which all but the id
may be absent, and one diagnosis document a line comes out, with the id added.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.fetch.check(args); err != nil {
				return err
			}
			switch {
			case f.batch != "" && (len(args) > 0 || f.fetch.machine != ""):
				return fmt.Errorf("give a history or --batch, not both")
			case f.fetch.machine != "":
				return diagnoseMachine(c, o, f)
			case f.batch != "":
				return diagnoseBatch(c, o, f.batch)
			case len(args) == 0:
				return fmt.Errorf("give the history of an execution: its ARN on AWS, a file, or - for standard input")
			}
			return diagnoseOne(c, o, f, args[0])
		},
	}
	c.Flags().StringVar(&f.definition, "definition", "", "the definition that ran (a file): names fields and lines, and offers edits")
	c.Flags().BoolVar(&f.notify, "notify", false, "tell people, as the configuration file says; of equal failures once")
	c.Flags().StringVar(&f.compare, "compare", "", "the history of an execution that went well (a file): says what is different in the input")
	c.Flags().StringVar(&f.batch, "batch", "", "a file of failures, one JSON object a line (- for standard input)")
	c.Flags().BoolVar(&f.strict, "strict", false, "exit 1 also for failures inside an execution that succeeded")
	f.fetch.register(c)
	return c
}

func diagnoseOne(c *cobra.Command, o *options, f diagnoseFlags, name string) error {
	if strings.HasPrefix(name, "arn:") {
		return diagnoseARN(c, o, f, name)
	}
	if f.fetch.save != "" {
		return fmt.Errorf("--save is for what is fetched from AWS; %s is a file already", label(name))
	}
	m, err := readDefinition(f.definition, c.InOrStdin())
	if err != nil {
		return err
	}
	kase, x, err := readCase(name, m, c.InOrStdin())
	if err != nil {
		return err
	}
	if f.compare != "" {
		text, err := readFile(f.compare, "history", c.InOrStdin(), maxHistory)
		if err != nil {
			return err
		}
		well, err := history.Parse(text)
		if err != nil {
			return inFile(f.compare, err)
		}
		kase.Compare(well)
	}
	r, err := newResponder(c.Context(), o)
	if err != nil {
		return err
	}
	ro := report.Options{History: name, Definition: asArgument(f.definition), Inline: x != kase.Execution}
	if waits := waitsFor(r.Redact, cmp.Or(x.ARN, "EXECUTION_ARN"), x); !waits.IsZero() {
		ro.Next = []redact.Text{waits}
	}
	var doc report.Document
	var untold error
	if f.notify && kase.Failure != nil {
		doc, untold, err = respond(c, o, r, kase, ro)
	} else {
		doc, err = examine(c.Context(), r, kase, ro)
	}
	if err != nil {
		return err
	}
	if err := o.print(c.OutOrStdout(), doc); err != nil {
		return err
	}
	if untold != nil {
		return untold
	}
	return verdict(doc, f.strict)
}

// examine is Responder.Examine with the exit code for when it cannot be done.
func examine(ctx context.Context, r *oncall.Responder, c *diagnose.Case, o report.Options) (report.Document, error) {
	doc, err := r.Examine(ctx, c, o)
	if err != nil {
		return doc, &exitError{code: exitUndiagnosed, err: err}
	}
	return doc, nil
}

// verdict is the exit code for what a document says.
func verdict(doc report.Document, strict bool) error {
	if doc.Failure != nil || (strict && doc.OtherFailureCount > 0) {
		return found
	}
	return nil
}

// readCase reads a history, or word of a failure without one, and returns the execution
// as it was read with its case: without the states that instrument added, where it ended
// or waits in them.
func readCase(name string, m *asl.Machine, stdin io.Reader) (*diagnose.Case, *history.Execution, error) {
	text, err := readFile(name, "history", stdin, maxHistory)
	if err != nil {
		return nil, nil, err
	}
	x, err := history.Parse(text)
	if err == nil && x.ARN == "" && len(x.Events()) == 0 {
		return nil, nil, fmt.Errorf("%s: no events in it; fetch the history again: aws stepfunctions get-execution-history --include-execution-data --execution-arn …", label(name))
	}
	if err == nil {
		own, _ := oncall.Uncaught(x)
		return diagnose.NewCase(m, own), x, nil
	}
	if notice, noticeErr := history.ParseEvent(text); noticeErr == nil {
		kase := diagnose.NewNoticeCase(m, notice)
		return kase, kase.Execution, nil
	}
	return nil, nil, inFile(name, err)
}

// readDefinition reads a definition for a diagnosis: one that AWS would refuse is
// of use all the same.
func readDefinition(name string, stdin io.Reader) (*asl.Machine, error) {
	if name == "" {
		return nil, nil
	}
	f, err := openDefinition(name, stdin)
	if err != nil {
		return nil, err
	}
	m, err := f.ParseTemplate()
	if m == nil {
		return nil, err
	}
	return m, nil
}

func label(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}
