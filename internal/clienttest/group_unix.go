//go:build unix

package clienttest

import "syscall"

// ownGroup puts a process into a group of its own, which ends as one.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
