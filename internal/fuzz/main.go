// Fuzz runs each fuzz target of the module for a while, as many side by side as there are
// processors: go test fuzzes one target of one package at a time. It stops at the first
// that finds something.
//
// It knows nothing of what the targets test.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"sync"
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
	listed, err := goTest(ctx, "-list", "^Fuzz", "./...")
	if err != nil {
		return fmt.Errorf("go test -list: %w\n%s", err, listed)
	}
	targets := targetsIn(listed)
	if len(targets) == 0 {
		return errors.New("no fuzz target was found")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	next, done := make(chan target), make(chan outcome)
	go func() {
		defer close(next)
		for _, t := range targets {
			next <- t
		}
	}()
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for t := range next {
				done <- t.fuzz(ctx, each)
			}
		})
	}
	go func() { workers.Wait(); close(done) }()

	for o := range done {
		if len(o.said) > 0 {
			fmt.Fprintf(w, "fuzz %s %s\n%s", o.pkg, o.name, o.said)
		}
		if o.err != nil && err == nil {
			err = o.err
			stop() // which ends the others
		}
	}
	if err == nil {
		fmt.Fprintf(w, "%d fuzz targets, %v each: nothing found\n", len(targets), each)
	}
	return err
}

// outcome is what go test printed of a target; the error is that it found something, or
// that it was stopped.
type outcome struct {
	target
	said []byte
	err  error
}

// fuzz fuzzes the target on one processor.
func (t target) fuzz(ctx context.Context, each time.Duration) outcome {
	if ctx.Err() != nil {
		return outcome{target: t, err: ctx.Err()}
	}
	said, err := goTest(ctx, "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", each.String(), "-parallel", "1", t.pkg)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = ctx.Err()
	case onlyTimeIsUp(said, t.name):
		said, err = append(said, "found nothing: that was the time's end alone (https://go.dev/issue/75804)\n"...), nil
	default:
		err = fmt.Errorf("%s %s: %w", t.pkg, t.name, err)
	}
	return outcome{t, said, err}
}

// goTest runs go test and returns what it prints.
func goTest(ctx context.Context, args ...string) (said []byte, err error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // the fuzzer then ends its workers itself
	cmd.WaitDelay = 10 * time.Second
	return cmd.CombinedOutput()
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
