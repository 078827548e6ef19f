package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/functions"
)

type benchFlags struct {
	input       string
	expect      string
	functions   string
	seconds     float64
	concurrency int
	history     bool
}

func benchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench DEFINITION",
		Short: "Measure how fast a workflow runs on this machine",
		Long: `bench executes a workflow over and over, in virtual time, and prints one line of JSON:
executions and state transitions a second, the median and the 99th percentile of an
execution's time, and the most memory the process took.

The first execution warms up and is not measured. Each one reads its input from
text and gives its output as text. With --expect every result is compared with the
file's {status, output | error, cause, transitions}; the members that are there count.`,
		Example: `  stepsleuth bench order.asl.json --input order.json --seconds 5 --concurrency 4`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return bench(c, f, args[0]) },
	}
	c.Flags().StringVar(&f.input, "input", "", "file with the execution's input, - for standard input (default {})")
	c.Flags().StringVar(&f.expect, "expect", "", "file that says how each execution must end")
	c.Flags().StringVar(&f.functions, "functions", "", "file that says how Lambda functions behave")
	c.Flags().Float64Var(&f.seconds, "seconds", 2, "how long to measure")
	c.Flags().IntVar(&f.concurrency, "concurrency", 1, "how many executions run at the same time")
	c.Flags().BoolVar(&f.history, "history", true, "keep each execution's history in memory while it runs")
	return c
}

// benchmark is one run of the command.
type benchmark struct {
	engine   engine.Engine
	request  engine.Request
	expected *expectation // nil: any result will do
	flags    benchFlags
}

// figures is the line that bench prints. Members are only ever added.
type figures struct {
	Machine              string   `json:"machine"`
	Status               string   `json:"status"` // of the first execution
	Transitions          int      `json:"transitions"`
	Events               int      `json:"events"`
	Concurrency          int      `json:"concurrency"`
	History              bool     `json:"history"`
	Seconds              float64  `json:"seconds"`
	Executions           int      `json:"executions"`
	Verified             *int     `json:"verified"` // null without --expect
	ExecutionsPerSecond  float64  `json:"executionsPerSecond"`
	TransitionsPerSecond float64  `json:"transitionsPerSecond"`
	P50                  float64  `json:"p50Milliseconds"`
	P99                  float64  `json:"p99Milliseconds"`
	PeakRSS              *float64 `json:"peakRSSMegabytes"` // null where the system does not say
}

func bench(c *cobra.Command, f benchFlags, file string) error {
	if !(f.seconds > 0 && f.seconds <= 86400) {
		return fmt.Errorf("--seconds %v: it is more than 0 and at most 86400", f.seconds)
	}
	if f.concurrency < 1 || f.concurrency > 4096 {
		return fmt.Errorf("--concurrency %d: it is from 1 to 4096", f.concurrency)
	}
	b, err := newBenchmark(c, f, file)
	if err != nil {
		return err
	}
	out := figures{Machine: machineName(label(file)), Concurrency: f.concurrency, History: f.history}
	wrong, err := b.warmUp(c.Context(), &out)
	if err == nil && wrong == nil {
		wrong, err = b.measure(c.Context(), &out)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", label(file), err)
	}
	if wrong != nil {
		return &exitError{exitFailure, fmt.Errorf("%s: %w", label(file), wrong)}
	}
	return json.NewEncoder(c.OutOrStdout()).Encode(out)
}

func newBenchmark(c *cobra.Command, f benchFlags, file string) (*benchmark, error) {
	in := c.InOrStdin()
	written, err := openDefinition(file, in)
	if err != nil {
		return nil, err
	}
	b := &benchmark{flags: f}
	b.engine.Clock = engine.VirtualClock(time.Now().UTC().Truncate(time.Millisecond))
	if b.request.Machine, err = written.Parse(); err != nil {
		return nil, err
	}
	if b.request.Input, err = readInput(f.input, in); err != nil {
		return nil, err
	}
	b.request.Discard = !f.history
	if f.expect != "" {
		if b.expected, err = readExpectation(f.expect, in); err != nil {
			return nil, err
		}
	}
	var set *functions.Set
	if f.functions != "" {
		if set, err = readFunctions(f.functions, in); err != nil {
			return nil, err
		}
	}
	b.engine.Tasks = functionTasks(set, engine.LambdaHandler{Invoke: set.Invoke})
	return b, nil
}

// warmUp runs the machine once, with its history, and counts. A wrong result is
// no err.
func (b *benchmark) warmUp(ctx context.Context, out *figures) (wrong, err error) {
	req := b.request
	req.Discard = false
	running, err := b.engine.Start(ctx, req)
	if err != nil {
		return nil, err
	}
	x, err := running.Wait(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	out.Status = string(x.Status)
	for _, run := range append(running.MapRuns(), x) {
		for _, e := range run.Events() {
			out.Events++
			if e.Type.IsEntered() {
				out.Transitions++
			}
		}
	}
	if wrong = b.expected.check(x); wrong == nil {
		wrong = b.expected.checkTransitions(out.Transitions)
	}
	return wrong, nil
}

// measure runs the machine for the time asked for. It ends early with a wrong result,
// which is no err.
func (b *benchmark) measure(ctx context.Context, out *figures) (wrong, err error) {
	workers := make([]benchWorker, b.flags.concurrency)
	var group sync.WaitGroup
	begin := time.Now()
	end := begin.Add(time.Duration(b.flags.seconds * float64(time.Second)))
	for i := range workers {
		group.Go(func() { workers[i].work(ctx, b, end) })
	}
	group.Wait()
	took := time.Since(begin).Seconds()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var all []float64
	verified := 0
	for i := range workers {
		w := &workers[i]
		if w.err != nil {
			return nil, w.err
		}
		all, verified = append(all, w.latencies...), verified+w.verified
		if wrong == nil {
			wrong = w.wrong
		}
	}
	slices.Sort(all)
	n := float64(len(all))
	out.Seconds, out.Executions = round(took, 3), len(all)
	if b.expected != nil {
		out.Verified = &verified
	}
	out.ExecutionsPerSecond = round(n/took, 2)
	out.TransitionsPerSecond = round(n*float64(out.Transitions)/took, 0)
	out.P50, out.P99 = round(quantile(all, .5), 4), round(quantile(all, .99), 4)
	out.PeakRSS = peakRSS()
	return wrong, nil
}

// benchWorker runs executions one after another.
type benchWorker struct {
	latencies []float64 // milliseconds
	verified  int
	wrong     error
	err       error
}

func (w *benchWorker) work(ctx context.Context, b *benchmark, end time.Time) {
	for {
		begin := time.Now()
		if (len(w.latencies) > 0 && !begin.Before(end)) || ctx.Err() != nil {
			return
		}
		x, err := b.engine.RunRequest(ctx, b.request)
		if err != nil {
			w.err = err
			return
		}
		_ = x.Output.String() // as whoever asked for the result gets it
		w.latencies = append(w.latencies, float64(time.Since(begin).Nanoseconds())/1e6)
		if b.expected == nil {
			continue
		}
		if err := b.expected.check(x); err != nil {
			w.wrong = err
			return
		}
		w.verified++
	}
}

func quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func round(f float64, digits int) float64 {
	scale := math.Pow(10, float64(digits))
	return math.Round(f*scale) / scale
}

// peakRSS is the most memory that this process has had, in megabytes, where the
// system says so in Linux's way.
func peakRSS() *float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	_, rest, _ := bytes.Cut(text, []byte("VmHWM:"))
	line, _, _ := strings.Cut(string(rest), "kB")
	kilobytes, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
	if err != nil {
		return nil
	}
	megabytes := round(kilobytes/1024, 1)
	return &megabytes
}
