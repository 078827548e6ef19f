package lambdart

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Line is a line of a function's log.
type Line struct {
	Time      time.Time
	RequestID string
	Text      string // without the line's end
}

// What is held: of one request the last of its lines, and of all the latest requests.
const (
	maxRequestLog = 256 << 10
	maxLogs       = 16 << 20
	lineCost      = 64  // of a line, beside its text
	requestCost   = 256 // of a request, beside its lines
	maxTail       = 4 << 10
)

// logbook holds the latest logs of all functions.
type logbook struct {
	mu       sync.Mutex
	requests []*requestLog // in the order of their beginning
	size     int
}

// requestLog is what was logged for one request.
type requestLog struct {
	book          *logbook
	function, id  string
	lines         []Line
	size, dropped int
}

// open begins the log of a request.
func (b *logbook) open(function, id string) *requestLog {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &requestLog{book: b, function: function, id: id, size: requestCost}
	b.requests = append(b.requests, r)
	b.size += r.size
	b.trim()
	return r
}

func (r *requestLog) addf(format string, args ...any) { r.add(fmt.Sprintf(format, args...)) }

func (r *requestLog) add(text string) {
	b := r.book
	b.mu.Lock()
	defer b.mu.Unlock()
	before := r.size
	r.lines = append(r.lines, Line{Time: time.Now().UTC(), RequestID: r.id, Text: text})
	r.size += len(text) + lineCost
	for r.size > maxRequestLog && len(r.lines) > 1 {
		r.size -= len(r.lines[0].Text) + lineCost
		r.lines[0] = Line{}
		r.lines = r.lines[1:]
		r.dropped++
	}
	b.size += r.size - before
	b.trim()
}

// trim lets the oldest requests go.
func (b *logbook) trim() {
	for b.size > maxLogs && len(b.requests) > 1 {
		oldest := b.requests[0]
		b.size -= oldest.size
		oldest.lines, oldest.size = nil, 0
		b.requests[0] = nil
		b.requests = b.requests[1:]
	}
}

// lines returns the lines of a function that are wanted.
func (b *logbook) lines(function string, wanted func(Line) bool) []Line {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []Line
	for _, r := range b.requests {
		if r.function != function {
			continue
		}
		for i, line := range r.lines {
			if i == 0 && r.dropped > 0 {
				line.Text = fmt.Sprintf("[%d earlier lines of this request are not held]\n%s", r.dropped, line.Text)
			}
			if wanted(line) {
				all = append(all, line)
			}
		}
	}
	return all
}

// tail is the end of the log as LogType Tail gives it: base64 of the last 4 KB.
func (r *requestLog) tail() string {
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	var b strings.Builder
	first, size := len(r.lines), 0
	for ; first > 0 && size < maxTail; first-- {
		size += len(r.lines[first-1].Text) + 1
	}
	for _, line := range r.lines[first:] {
		b.WriteString(line.Text + "\n")
	}
	text := b.String()
	return base64.StdEncoding.EncodeToString([]byte(text[max(0, len(text)-maxTail):]))
}
