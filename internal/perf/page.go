package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// conditions are what figures depend on besides the code.
type conditions struct{ load string }

func look() conditions {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return conditions{"unknown"}
	}
	return conditions{strings.Join(strings.Fields(string(text))[:3], ", ")}
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, "\t :\n")
		}
	}
	return runtime.GOARCH
}

func version(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "absent"
	}
	return strings.TrimSpace(string(out))
}

// page is docs/performance.md.
func (r *results) page(now time.Time) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# How fast it is\n")
	say("Written by `make bench` on %s; nothing in here is typed by hand. A figure holds for the machine and the", now.Format("2 January 2006"))
	say("load that it was measured under. Ratios are of two programs that took turns, so they bear more than the rest.\n")
	r.sayConditions(say)
	r.sayMissed(say)
	r.sayMachines(say)
	r.sayTwins(say)
	r.sayProcesses(say)
	r.sayProfiles(say)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

type sayer = func(format string, args ...any)

func (r *results) sayConditions(say sayer) {
	say("## Conditions\n")
	say("| | |\n|---|---|")
	say("| machine | %s, %d processors, %s/%s |", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	say("| load average | %s before, %s after |", r.before.load, r.after.load)
	say("| Go | %s |", runtime.Version())
	say("| Node | %s |", version("node", "--version"))
	say("| peer | npm %s %s, in process |", peerName, peerVersion)
	say("| rounds | %d for each machine, %g s a side, ours and the peer's in turn; medians |", r.settings.rounds, r.settings.seconds)
	say("")
	for _, text := range r.absent {
		say("Not measured: %s.\n", text)
	}
}

func (r *results) sayMissed(say sayer) {
	say("## What falls short\n")
	list := r.missed()
	if len(list) == 0 {
		say("Nothing that was measured.\n")
		return
	}
	for _, text := range list {
		say("- %s", text)
	}
	say("")
}

// missed names the targets that are not met.
func (r *results) missed() []string {
	var list []string
	miss := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for i := range r.machines {
		m := &r.machines[i]
		if want := targets[m.name]; want > 0 && len(m.peers) > 0 && m.ratio() < want {
			miss("%s: %s times the peer, wanted %g", m.name, short(m.ratio()), want)
		}
		if t := r.twin(m); t != nil && speed(m)/speed(t) < twinTarget {
			miss("%s: %s of the speed of %s, wanted %g", m.name, short(speed(m)/speed(t)), t.name, twinTarget)
		}
	}
	if s := r.start; s != nil && s.milliseconds > startTarget {
		miss("start of the command: %s ms, wanted %g", short(s.milliseconds), startTarget)
	}
	if s := r.start; s != nil && s.megabytes > startMemory {
		miss("memory of the command: %s MB, wanted %g", short(s.megabytes), startMemory)
	}
	if h := r.history; h != nil && h.both > historyTarget {
		miss("history of %d events: %s ms (%s ms of processor time), wanted %g", h.events, short(h.both), short(h.processor), historyTarget)
	}
	return list
}

func speed(m *machine) float64 { return median(m.ours).perSecond }

// short writes a figure with about three digits.
func short(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

func (r *results) sayMachines(say sayer) {
	if len(r.machines) == 0 {
		return
	}
	say("## Machines\n")
	say("One execution after another, each verified against what AWS gives, in virtual time, with the whole history kept in")
	say("memory. Transitions are states entered.\n")
	say("| machine | transitions | executions/s | transitions/s | p50 ms | p99 ms | peak MB | peer's executions/s | times the peer | lowest round | target |")
	say("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for i := range r.machines {
		m := &r.machines[i]
		o := median(m.ours)
		peer, ratio, worst, want := "", "", "", ""
		if len(m.peers) > 0 {
			peer, ratio, worst = short(median(m.peers).perSecond), short(m.ratio()), short(m.worst())
		}
		if t := targets[m.name]; t > 0 {
			want = fmt.Sprintf("%g", t)
		}
		say("| %s | %d | %s | %s | %.3f | %.3f | %.0f | %s | %s | %s | %s |", m.name, m.transitions, short(o.perSecond), short(o.perSecond*float64(m.transitions)), o.p50, o.p99, o.megabytes, peer, ratio, worst, want)
	}
	say("")
	for i := range r.machines {
		m := &r.machines[i]
		switch {
		case m.differs == "":
		case len(m.peers) > 0:
			say("- %s: the peer ends with the right status and another output, and was measured all the same", m.name)
		default:
			say("- %s: the peer does not come to AWS's end, so there is no ratio", m.name)
		}
	}
	say("- retry_timer: the peer has no virtual time and waits")
	say("")
}

func (r *results) sayTwins(say sayer) {
	if len(r.machines) == 0 {
		return
	}
	say("## JSONata beside JSONPath\n")
	say("Machines that do the same in either language: how fast the JSONata one is, as a part of the other's speed. Wanted: %g.\n", twinTarget)
	say("| machine | executions/s | of its twin |\n|---|---:|---:|")
	for i := range r.machines {
		if m := &r.machines[i]; r.twin(m) != nil {
			say("| %s | %s | %s |", m.name, short(speed(m)), short(speed(m)/speed(r.twin(m))))
		}
	}
	say("")
}

func (r *results) sayProcesses(say sayer) {
	say("## Whole processes\n")
	say("| | median | wanted |\n|---|---:|---:|")
	if s := r.start; s != nil {
		say("| `stepsleuth run` of a machine of one state, %d starts | %s ms (fastest %s; `true` takes %s) | %g ms |", r.settings.starts, short(s.milliseconds), short(s.least), short(s.floor), startTarget)
		say("| its peak memory | %s MB | %g MB |", short(s.megabytes), startMemory)
	}
	if h := r.history; h != nil {
		say("| history of %d events (%.1f MB): read | %s ms | |", h.events, h.megabytes, short(h.read))
		say("| the failure located in it | %s ms | |", short(h.locate))
		say("| both | %s ms | %g ms |", short(h.both), historyTarget)
		say("| processor time of both | %s ms | |", short(h.processor))
		say("| `stepsleuth diagnose` of it, as a process | %s ms, %.0f MB | |", short(h.process), h.processMegabyte)
	}
	say("")
}

func (r *results) sayProfiles(say sayer) {
	if len(r.profiles) == 0 {
		return
	}
	say("## Where the time goes now\n")
	say("From a CPU profile of the machines above, each run for the same time; time in a function itself, not in those it calls.\n")
	for _, p := range r.profiles {
		say("| %s | %% |\n|---|---:|", p.title)
		for _, row := range p.rows {
			if row.percent >= 1 {
				say("| %s | %.0f |", row.where, row.percent)
			}
		}
		say("")
	}
}
