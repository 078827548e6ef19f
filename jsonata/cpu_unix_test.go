//go:build unix

package jsonata_test

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used of the processor: other than the clock
// it does not count what else the machine is busy with.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
