package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/history"
)

// progress says on stderr how far a long execution is. It is silent for the first
// second, so that short ones print nothing.
type progress struct {
	w    io.Writer
	done chan struct{}
	once sync.Once
	wait sync.WaitGroup

	mu    sync.Mutex
	count int64
	state string
}

const progressEvery = 2 * time.Second

func startProgress(w io.Writer, quiet bool) *progress {
	p := &progress{w: w, done: make(chan struct{})}
	if !quiet {
		p.wait.Add(1)
		go p.tell()
	}
	return p
}

func (p *progress) observe(e history.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count = max(p.count, e.ID)
	if e.Type.IsEntered() && e.Details != nil {
		p.state = e.Details.Name
	}
}

func (p *progress) tell() {
	defer p.wait.Done()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
			p.mu.Lock()
			fmt.Fprintf(p.w, "running: %d events, in %s\n", p.count, p.state)
			p.mu.Unlock()
		}
	}
}

func (p *progress) stop() {
	p.once.Do(func() { close(p.done) })
	p.wait.Wait()
}
