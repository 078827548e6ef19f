package lambdart

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// processAttributes puts a function into a process group of its own, which ends as
// one, and has the kernel end it should this process die first.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// memoryUsed is how many bytes a process and its children hold, for the process
// itself the most it ever held.
func memoryUsed(pid int) int64 {
	now, most := resident(pid)
	for _, child := range children(pid) {
		now += memoryUsed(child)
	}
	return max(now, most)
}

func resident(pid int) (now, most int64) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range bytes.Lines(status) {
		name, rest, _ := bytes.Cut(line, []byte(":"))
		if string(name) != "VmRSS" && string(name) != "VmHWM" {
			continue
		}
		kib, _ := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte(" kB"))), 10, 64)
		if string(name) == "VmRSS" {
			now = kib << 10
		} else {
			most = kib << 10
		}
	}
	return now, most
}

// children lists what any thread of a process has started.
func children(pid int) []int {
	var pids []int
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, thread := range threads {
		list, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		for _, field := range bytes.Fields(list) {
			if child, err := strconv.Atoi(string(field)); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
