// Package clienttest runs, for tests, what others made and users have: Terraform with
// its AWS provider, the AWS CLI, and moto_server, which stands in for AWS on this
// machine. Whatever it starts ends with the test, children included. It is imported by
// tests alone, and knows nothing of what they try.
package clienttest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Slow skips a test whose clients take minutes, unless the environment asks for it.
func Slow(t testing.TB) {
	t.Helper()
	if os.Getenv("STEPSLEUTH_SLOW_CLIENTS") == "" {
		t.Skip("SKIPPED: slow; set STEPSLEUTH_SLOW_CLIENTS=1 (make test-aws, make test-deploy) to try Terraform, the AWS CLI and moto_server")
	}
}

// Tool finds a command. Where it is absent the test is skipped with how to get it, and
// fails where CI=true, so that no build is green without having tried.
func Tool(t testing.TB, name, get string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		absent(t, "no "+name+" on this machine; "+get)
	}
	return path
}

func absent(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s (CI=true wants this tried)", what)
	}
	t.Skip("SKIPPED: " + what)
}

// command is one that ends, with all that it started, when its time is over.
func command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends its children in its own way
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// run runs a command to its end, and leaves nothing of its group behind.
func run(cmd *exec.Cmd) error {
	err := cmd.Run()
	if cmd.Process != nil {
		killGroup(cmd.Process.Pid)
	}
	return err
}
