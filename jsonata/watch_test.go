package jsonata_test

import (
	"runtime"
	"sync/atomic"
	"time"
)

// allowance is how many seconds of processor time an evaluation up to the end of
// its budget may take: about one, with a margin for slow machines.
const allowance = 5 * slower

// watchMemory samples the heap until stopped.
func watchMemory() (*atomic.Uint64, func()) {
	var peak atomic.Uint64
	done := make(chan struct{})
	ended := make(chan struct{})
	var base runtime.MemStats
	runtime.ReadMemStats(&base)
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				used := m.HeapInuse + m.StackInuse
				if used > base.HeapInuse+base.StackInuse {
					used -= base.HeapInuse + base.StackInuse
				} else {
					used = 0
				}
				if used > peak.Load() {
					peak.Store(used)
				}
			}
		}
	}()
	return &peak, func() { close(done); <-ended }
}
