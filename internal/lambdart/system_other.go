//go:build !unix

package lambdart

import (
	"os"
	"syscall"
)

func processAttributes() *syscall.SysProcAttr { return nil }

// killGroup ends the process alone: there are no process groups.
func killGroup(p *os.Process) { _ = p.Kill() }

// memoryUsed is not known here: no function is ended for its memory.
func memoryUsed(int) int64 { return 0 }
