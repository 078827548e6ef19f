// Perf measures stepsleuth on this machine and writes docs/performance.md: the
// machines of shared/perf, side by side with the peer aws-local-stepfunctions in
// the same run, the start of the command, and how long a large history takes.
//
// What is not there (the machines, the peer, Node) is said, and left out.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// settings are the flags.
type settings struct {
	bin     string
	shared  string
	peer    string
	out     string
	seconds float64
	rounds  int
	starts  int
}

func main() {
	var s settings
	flag.StringVar(&s.bin, "bin", "bin/stepsleuth", "the command to measure")
	flag.StringVar(&s.shared, "shared", "../shared/perf", "folder with machines/, run-node.mjs and gen-history.py")
	flag.StringVar(&s.peer, "peer", "build/peer", "folder to install the peer in, by npm")
	flag.StringVar(&s.out, "out", "docs/performance.md", "the document to write")
	flag.Float64Var(&s.seconds, "seconds", 1, "how long each measurement of a machine takes")
	flag.IntVar(&s.rounds, "rounds", 3, "how often each machine is measured, on either side in turn")
	flag.IntVar(&s.starts, "starts", 101, "how often the command is started")
	flag.Parse()
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, "perf:", err)
		os.Exit(2)
	}
}

// results is all that was measured.
type results struct {
	settings settings
	before   conditions
	after    conditions
	machines []machine
	start    *startFigures
	history  *historyFigures
	profiles []profile
	absent   []string // what could not be measured, and why
}

func (r *results) lacks(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintln(os.Stderr, "perf:", text)
	r.absent = append(r.absent, text)
}

func run(s settings) error {
	if _, err := os.Stat(s.bin); err != nil {
		return fmt.Errorf("%w; make build makes it", err)
	}
	r := &results{settings: s}
	r.before = look()
	if err := r.measureStart(); err != nil {
		return err
	}
	if err := r.measureMachines(); err != nil {
		return err
	}
	if err := r.measureHistory(); err != nil {
		return err
	}
	if err := r.profile(); err != nil {
		return err
	}
	r.after = look()
	if err := os.WriteFile(s.out, []byte(r.page(time.Now())), 0o644); err != nil {
		return err
	}
	for _, m := range r.missed() {
		fmt.Println("falls short:", m)
	}
	fmt.Println("written:", filepath.ToSlash(s.out))
	return nil
}
