package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
)

// profile says where the time of a group of machines goes.
type profile struct {
	title string
	rows  []share
}

type share struct {
	where   string
	percent float64
}

// profile runs the machines of each query language, each for the same time, under
// the CPU profiler.
func (r *results) profile() error {
	if len(r.machines) == 0 {
		return nil
	}
	groups := []struct {
		title string
		takes func(string) bool
	}{
		{"JSONPath machines", func(name string) bool { return !strings.HasSuffix(name, "_jsonata") }},
		{"JSONata machines", func(name string) bool { return strings.HasSuffix(name, "_jsonata") }},
	}
	for _, g := range groups {
		rows, err := r.profileOf(g.takes)
		if err != nil {
			return err
		}
		r.profiles = append(r.profiles, profile{g.title, rows})
	}
	return nil
}

func (r *results) profileOf(takes func(string) bool) ([]share, error) {
	file, err := os.CreateTemp("", "perf*.prof")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	for _, m := range r.machines {
		if err == nil && takes(m.name) {
			err = r.runFor(m.name, time.Second)
		}
	}
	pprof.StopCPUProfile()
	if err := file.Close(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	out, err := exec.Command("go", "tool", "pprof", "-top", "-nodecount=100000", "-nodefraction=0", file.Name()).Output()
	if err != nil {
		return nil, fmt.Errorf("read the profile: %w", err)
	}
	return shares(string(out)), nil
}

func (r *results) runFor(name string, d time.Duration) error {
	base := filepath.Join(r.settings.shared, "machines", name)
	text, err := os.ReadFile(base + ".asl.json")
	if err != nil {
		return err
	}
	input, err := os.ReadFile(base + ".input.json")
	if err != nil {
		return err
	}
	m, err := asl.Parse(name, text)
	if err != nil {
		return err
	}
	e := engine.Engine{Clock: engine.VirtualClock(time.Now())}
	for end := time.Now().Add(d); time.Now().Before(end); {
		x, err := e.Run(context.Background(), m, input)
		if err != nil {
			return err
		}
		_ = x.Output.String()
	}
	return nil
}

// line is a line of pprof's -top: flat, flat%, sum%, cum, cum%, function.
var line = regexp.MustCompile(`^\s*\S+\s+([0-9.]+)%\s+[0-9.]+%\s+\S+\s+[0-9.]+%\s+(.+)$`)

// shares sums a profile up by what the time is spent on, most first.
func shares(top string) []share {
	sum := make(map[string]float64)
	for text := range strings.Lines(top) {
		m := line.FindStringSubmatch(strings.TrimRight(text, "\n"))
		if m == nil {
			continue
		}
		percent, _ := strconv.ParseFloat(m[1], 64)
		sum[purpose(m[2])] += percent
	}
	var rows []share
	for where, percent := range sum {
		rows = append(rows, share{where, percent})
	}
	slices.SortFunc(rows, func(a, b share) int {
		if a.percent != b.percent {
			return int((b.percent - a.percent) * 1e6)
		}
		return strings.Compare(a.where, b.where)
	})
	return rows
}

// purposes sort functions by the first fragment that their name contains.
var purposes = []struct{ fragment, purpose string }{
	{"stepsleuth/engine.", "engine: states, events"},
	{"stepsleuth/jsonata.", "jsonata: expressions"},
	{"stepsleuth/internal/value.", "values: parse, write, objects"},
	{"stepsleuth/internal/jsonpath.", "JSONPath"},
	{"stepsleuth/internal/intrinsic.", "intrinsic functions"},
	{"stepsleuth/history.", "history"},
	{"jsontext", "values: parse, write, objects"},
	{"jsonwire", "values: parse, write, objects"},
	{"runtime.mallocgc", "memory: allocation"},
	{"runtime.heapSetType", "memory: allocation"},
	{"writeHeapBits", "memory: allocation"},
	{"runtime.heapBits", "memory: allocation"},
	{"runtime.newobject", "memory: allocation"},
	{"runtime.makeslice", "memory: allocation"},
	{"runtime.growslice", "memory: allocation"},
	{"runtime.nextFree", "memory: allocation"},
	{"runtime.memclr", "memory: allocation"},
	{"runtime.(*mcache)", "memory: allocation"},
	{"runtime.(*mcentral)", "memory: allocation"},
	{"runtime.(*mheap)", "memory: allocation"},
	{"runtime.memmove", "memory: copying"},
	{"runtime.gc", "memory: garbage collection"},
	{"runtime.scan", "memory: garbage collection"},
	{"runtime.grey", "memory: garbage collection"},
	{"runtime.(*gc", "memory: garbage collection"},
	{"runtime.(*sweep", "memory: garbage collection"},
	{"runtime.(*mspan", "memory: garbage collection"},
	{"runtime.wb", "memory: garbage collection"},
	{"wbBuf", "memory: garbage collection"},
	{"gcWriteBarrier", "memory: garbage collection"},
	{"runtime.bulkBarrier", "memory: garbage collection"},
	{"runtime.typePointers", "memory: garbage collection"},
	{"runtime.arenaIndex", "memory: garbage collection"},
	{"runtime.isSweepDone", "memory: garbage collection"},
	{"runtime.sweepone", "memory: garbage collection"},
	{"runtime.markroot", "memory: garbage collection"},
	{"runtime.bgsweep", "memory: garbage collection"},
	{"runtime.asyncPreempt", "being interrupted, mostly for garbage collection"},
	{"memeq", "comparing text"},
	{"memequal", "comparing text"},
	{"cmpbody", "comparing text"},
	{"indexbytebody", "comparing text"},
	{"runtime.findObject", "memory: garbage collection"},
	{"runtime.tryDefer", "memory: garbage collection"},
	{"runtime.spanOf", "memory: garbage collection"},
	{"runtime.map", "maps"},
	{"internal/runtime/maps", "maps"},
	{"runtime.aeshash", "maps"},
	{"memhash", "maps"},
	{"strhash", "maps"},
	{"strconv.", "numbers"},
	{"math/big", "numbers"},
	{"runtime.", "scheduler and the rest of the runtime"},
	{"internal/runtime", "scheduler and the rest of the runtime"},
	{"sync", "scheduler and the rest of the runtime"},
}

func purpose(function string) string {
	for _, p := range purposes {
		if strings.Contains(function, p.fragment) {
			return p.purpose
		}
	}
	return "the rest of the standard library"
}
