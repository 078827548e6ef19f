package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
)

// What the command is to need from its start to its end for a machine of one state.
const (
	startTarget = 20.0 // ms
	startMemory = 25.0 // MB
)

type startFigures struct {
	milliseconds, megabytes float64 // medians
	least                   float64 // ms
	floor                   float64 // ms: /bin/true, started the same way
}

const oneState = `{"StartAt":"Hello","States":{"Hello":{"Type":"Pass","Result":{"hello":"world"},"End":true}}}`

// measureStart starts the command over and over, as a whole process.
func (r *results) measureStart() error {
	dir, err := os.MkdirTemp("", "perf")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "one.asl.json")
	if err := os.WriteFile(file, []byte(oneState), 0o600); err != nil {
		return err
	}
	var times, memory, floor []float64
	for range r.settings.starts {
		took, rss, err := timed(r.settings.bin, "run", file)
		if err != nil {
			return err
		}
		times, memory = append(times, took), append(memory, rss)
		if took, _, err := timed("true"); err == nil {
			floor = append(floor, took)
		}
	}
	r.start = &startFigures{milliseconds: middle(times), megabytes: middle(memory), least: times[0], floor: middle(floor)}
	return nil
}

// timed runs a process and returns its time in milliseconds and its most memory in
// megabytes.
func timed(name string, args ...string) (milliseconds, megabytes float64, err error) {
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	begin := time.Now()
	err = cmd.Run()
	took := time.Since(begin)
	if err != nil {
		return 0, 0, errors.Join(fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err), errors.New(stderr.String()))
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		megabytes = float64(usage.Maxrss) / 1024
	}
	return float64(took.Microseconds()) / 1000, megabytes, nil
}

// historyTarget is how long reading a history of 25,000 events and locating its
// failure may take.
const historyTarget = 60.0 // ms

type historyFigures struct {
	events                   int
	megabytes                float64
	read, locate, both       float64 // ms, medians
	processor                float64 // ms of processor time for both, median
	process, processMegabyte float64 // stepsleuth diagnose, as a whole process
}

// measureHistory has a history of 25,000 events made, and reads and locates it.
func (r *results) measureHistory() error {
	script := filepath.Join(r.settings.shared, "gen-history.py")
	if _, err := os.Stat(script); err != nil {
		r.lacks("%s is not there: no large history was located", script)
		return nil
	}
	dir, err := os.MkdirTemp("", "perf")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "history.json")
	if out, err := exec.Command("python3", script, "--out", file).CombinedOutput(); err != nil {
		r.lacks("python3 made no history (%v: %s): no large history was located", err, bytes.TrimSpace(out))
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var truth struct {
		FailedState string `json:"failed_state"`
		Path        []string
	}
	if said, err := os.ReadFile(file + ".truth"); err != nil {
		return err
	} else if err := json.Unmarshal(said, &truth); err != nil {
		return err
	}
	f := &historyFigures{megabytes: float64(len(text)) / 1e6}
	var reads, locates, both, busy []float64
	for range 15 {
		used := processorTime()
		begin := time.Now()
		x, err := history.Parse(text)
		if err != nil {
			return err
		}
		parsed := time.Now()
		at := diagnose.Locate(x, nil)
		located := time.Now()
		if at.Failure == nil || at.Failure.State != truth.FailedState {
			return fmt.Errorf("the failure of the large history was located wrongly: %+v", at.Failure)
		}
		f.events = len(x.Events())
		reads = append(reads, ms(parsed.Sub(begin)))
		locates = append(locates, ms(located.Sub(parsed)))
		both = append(both, ms(located.Sub(begin)))
		busy = append(busy, ms(processorTime()-used))
	}
	f.read, f.locate, f.both, f.processor = middle(reads), middle(locates), middle(both), middle(busy)
	f.process, f.processMegabyte, err = r.diagnoseProcess(file, truth.FailedState)
	r.history = f
	return err
}

func (r *results) diagnoseProcess(file, state string) (milliseconds, megabytes float64, err error) {
	var times, memory []float64
	for range 7 {
		cmd := exec.Command(r.settings.bin, "diagnose", file)
		begin := time.Now()
		out, err := cmd.Output()
		took := time.Since(begin)
		if code := cmd.ProcessState.ExitCode(); code != 1 {
			return 0, 0, fmt.Errorf("diagnose ended with %d: %w", code, err)
		}
		if !bytes.Contains(out, []byte(state)) {
			return 0, 0, fmt.Errorf("diagnose did not name %s", state)
		}
		times = append(times, ms(took))
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			memory = append(memory, float64(usage.Maxrss)/1024)
		}
	}
	return middle(times), middle(memory), nil
}

// processorTime is what this process has used of the processors so far, which other
// than the time on the wall does not depend on what else the machine is busy with.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
