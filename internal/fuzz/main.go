// Fuzz runs each fuzz target of the module for a while, one after the other: go test
// fuzzes one target of one package at a time. It stops at the first that finds something.
//
// It knows nothing of what the targets test.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

func main() {
	each := flag.Duration("time", 20*time.Second, "how long each target is fuzzed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *each); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

// target is a fuzz target: the function's name and the import path of its package.
type target struct{ pkg, name string }

func run(ctx context.Context, w io.Writer, each time.Duration) error {
	listed, err := goTest(ctx, io.Discard, "-list", "^Fuzz", "./...")
	if err != nil {
		return fmt.Errorf("go test -list: %w\n%s", err, listed)
	}
	targets := targetsIn(listed)
	if len(targets) == 0 {
		return errors.New("no fuzz target was found")
	}
	for i, t := range targets {
		fmt.Fprintf(w, "fuzz %d of %d: %s %s\n", i+1, len(targets), t.pkg, t.name)
		said, err := goTest(ctx, w, "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", each.String(), t.pkg)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case onlyTimeIsUp(said, t.name):
			fmt.Fprintln(w, "found nothing; the time's end was reported as a failure (https://go.dev/issue/75804)")
		default:
			return fmt.Errorf("%s %s: %w", t.pkg, t.name, err)
		}
	}
	fmt.Fprintf(w, "%d fuzz targets, %v each: nothing found\n", len(targets), each)
	return nil
}

// goTest runs go test, shows on w what it prints, and returns that too.
func goTest(ctx context.Context, w io.Writer, args ...string) (said []byte, err error) {
	var b bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", append([]string{"test"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // the fuzzer then ends its workers itself
	cmd.WaitDelay = 10 * time.Second
	both := io.MultiWriter(w, &b)
	cmd.Stdout, cmd.Stderr = both, both
	err = cmd.Run()
	return b.Bytes(), err
}

var packageLine = regexp.MustCompile(`^(?:ok|\?)\s+(\S+)`)

// targetsIn reads what go test -list prints: the names of a package, then its path.
func targetsIn(listed []byte) (targets []target) {
	var names []string
	for line := range strings.Lines(string(listed)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "Fuzz") {
			names = append(names, line)
		} else if m := packageLine.FindStringSubmatch(line); m != nil {
			for _, name := range names {
				targets = append(targets, target{pkg: m[1], name: name})
			}
			names = nil
		}
	}
	return targets
}

// onlyTimeIsUp tells whether go test -fuzz failed with nothing but the end of -fuzztime.
// The fuzzing coordinator takes that for a normal end by comparing its deadline's error
// with that of a context derived from it, which on a busy machine can still be open; it
// then prints the deadline as the failure (https://go.dev/issue/75804, mended in Go 1.27).
// A finding looks different: it prints what the test said and the file with the input.
func onlyTimeIsUp(said []byte, name string) bool {
	text := strings.ReplaceAll(string(said), "\r\n", "\n")
	_, failure, failed := strings.Cut(text, "--- FAIL: ")
	if !failed || strings.Contains(text, "panic") || strings.Contains(text, "Failing input written") || strings.Contains(text, "fatal error:") {
		return false
	}
	lines := strings.Split(failure, "\n")
	return len(lines) > 2 && strings.HasPrefix(lines[0], name+" (") &&
		lines[1] == "    context deadline exceeded" && lines[2] == "FAIL"
}
