// Command stepsleuth finds out why an AWS Step Functions execution failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes, the same for every verb.
const (
	exitFine        = 0 // nothing failed
	exitFailure     = 1 // a failure was found, and reported
	exitUsage       = 2 // bad usage, or input that cannot be read
	exitUndiagnosed = 3 // it failed and could not be diagnosed
)

// exitError ends the program with a code. Without a message everything has been
// said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// found is what a verb returns when it has reported a failure.
var found = &exitError{code: exitFailure}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Main runs one command line and returns the exit code. Data goes to stdout, all
// else to stderr.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	safe := guard(stderr)
	root := rootCommand(safe)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(safe)
	err := execute(ctx, root)
	if err == nil {
		return exitFine
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{code: exitUsage, err: err}
	}
	if exit.err != nil && ctx.Err() != nil && errors.Is(exit.err, context.Canceled) {
		exit.err = errors.New("stopped by a signal before it was done")
	}
	if exit.err != nil {
		fmt.Fprintf(safe, "stepsleuth: %v\n", exit.err)
	}
	return exit.code
}

// execute runs the command line. Where it panics, the message says in which of our
// functions, and nothing of what it was about.
func execute(ctx context.Context, root *cobra.Command) (err error) {
	defer func() {
		if recover() != nil {
			err = &exitError{code: exitUndiagnosed, err: fmt.Errorf("it broke down; please report this, with what it was asked to do:\n%s", debug.Stack())}
		}
	}()
	return root.ExecuteContext(ctx)
}

func rootCommand(safe *guarded) *cobra.Command {
	o := options{stderr: safe}
	root := &cobra.Command{
		Use:   "stepsleuth",
		Short: "Find out why an AWS Step Functions execution failed",
		Long: `stepsleuth finds out why an AWS Step Functions execution failed, and tells people.

It runs workflows on this machine with no AWS account, reads saved execution
histories, and needs no model: rules name the cause, and everything it prints or
sends has its secrets concealed.

Exit codes: 0 nothing failed, 1 a failure was found and reported, 2 bad usage or
input that cannot be read, 3 it failed and could not be diagnosed.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              cobra.NoArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error { return o.check() },
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	o.register(root.PersistentFlags())
	root.AddCommand(runCommand(&o), diagnoseCommand(&o), verifyCommand(&o), evalCommand(&o), benchCommand(), serveCommand(&o), digestCommand(&o), decideCommand(&o),
		instrumentCommand(&o), packageCommand(&o), checkSetupCommand(&o), redactCommand(&o), versionCommand(&o))
	return root
}
