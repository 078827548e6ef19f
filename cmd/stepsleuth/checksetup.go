package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/setup"
)

// checkSetupTime is how long all questions to AWS may take together.
const checkSetupTime = 2 * time.Minute

type checkSetupFlags struct {
	function string
	machines []string
}

func checkSetupCommand(o *options) *cobra.Command {
	var f checkSetupFlags
	c := &cobra.Command{
		Use:   "check-setup",
		Short: "Is a deployed set-up whole? Says what to mend",
		Long: `check-setup walks through a deployed troubleshooter with your own AWS credentials:
the function and its settings, what its role may do, the model, topic and
subscriptions, table, log, rules, dead letters, the state machines that are watched
or instrumented, and whether you may decide on failures that wait (instrument
--approve). For each it says ok, or what mends it: a command or a policy statement to
copy. It reads, and changes nothing.

What you may not look at is not taken for well. Exit codes: 0 all is well, 1
something is to be mended or could not be looked at, 2 bad usage.`,
		Example: "  stepsleuth check-setup --region eu-west-1\n  stepsleuth check-setup --function my-troubleshooter --format json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c, o) },
	}
	c.Flags().StringVar(&f.function, "function", instrument.DefaultHandler, "the troubleshooter: a Lambda function's name or ARN")
	c.Flags().StringSliceVar(&f.machines, "state-machine", nil, "look at this state machine too, though no rule names it: its ARN")
	return c
}

func (f checkSetupFlags) run(c *cobra.Command, o *options) error {
	if o.format == formatMarkdown {
		return fmt.Errorf("--format %s: check-setup prints %s or %s", o.format, formatText, formatJSON)
	}
	r, err := newRedactor(o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), checkSetupTime)
	defer cancel()
	aws, err := reachAWS(ctx, o.region)
	if err != nil {
		return err
	}
	examiner := &setup.Examiner{Clients: setup.NewClients(aws), Region: aws.Region, Redact: r, Machines: f.machines}
	report := examiner.Examine(ctx, f.function)
	print := report.Text
	if o.format == formatJSON {
		print = report.JSON
	}
	if err := print(c.OutOrStdout()); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	if !report.Well() {
		return found
	}
	return nil
}
