package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

func redactCommand(o *options) *cobra.Command {
	var receipt bool
	c := &cobra.Command{
		Use:   "redact",
		Short: "Conceal secrets: text in, safe text out",
		Long: `redact reads text from standard input and writes it to standard output with its
secrets and personal data replaced by placeholders. The same secret gets the same
placeholder within one installation.`,
		Example: "  aws stepfunctions get-execution-history --execution-arn … | stepsleuth redact > history.json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := newRedactor(o)
			if err != nil {
				return err
			}
			if !receipt {
				return inRedaction(r.Stream(c.OutOrStdout(), c.InOrStdin()))
			}
			removed, err := r.StreamReceipt(c.OutOrStdout(), c.InOrStdin())
			if err != nil {
				return inRedaction(err)
			}
			for _, at := range removed.Removals {
				fmt.Fprintf(c.ErrOrStderr(), "%d:%d: %s\n", at.Line, at.Column, at.Placeholder)
			}
			for _, kind := range slices.Sorted(maps.Keys(removed.Kinds)) {
				fmt.Fprintf(c.ErrOrStderr(), "%s %d\n", kind, removed.Kinds[kind])
			}
			return nil
		},
	}
	c.Flags().BoolVar(&receipt, "receipt", false, "say on stderr what was concealed, and where in the output: never values")
	return c
}

func inRedaction(err error) error {
	if err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	return nil
}
