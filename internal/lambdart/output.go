package lambdart

import (
	"bytes"
	"crypto/rand"
	"os"
	"strings"
	"sync"
)

// maxLine is where a line without an end is cut, CloudWatch's 256 KB.
const maxLine = 256 << 10

// output takes what a process writes to stdout and stderr, line by line, into the
// log of the request that the process works on.
//
// Its own handle of the pipe serves to find out that all has arrived: a mark written
// there comes out behind whatever the process wrote before.
type output struct {
	r, w  *os.File
	mark  []byte
	marks chan struct{}
	done  chan struct{}

	mu  sync.Mutex
	log *requestLog
}

func newOutput(log *requestLog) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{r: r, w: w, mark: []byte(rand.Text()), marks: make(chan struct{}, 1), done: make(chan struct{}), log: log}
	go o.read()
	return o, nil
}

// flush waits until all that was written before is in the log. One at a time.
func (o *output) flush() {
	if _, err := o.w.Write(append(bytes.Clone(o.mark), '\n')); err != nil {
		return
	}
	select {
	case <-o.marks:
	case <-o.done:
	}
}

// turn sends what comes from now on to another log.
func (o *output) turn(log *requestLog) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log = log
}

func (o *output) close() {
	o.flush()
	_ = o.w.Close()
	_ = o.r.Close() // a grandchild may hold the other end for ever
	<-o.done
}

func (o *output) read() {
	defer close(o.done)
	var pending []byte
	chunk := make([]byte, 16<<10)
	for {
		n, err := o.r.Read(chunk)
		pending = o.take(append(pending, chunk[:n]...))
		if err != nil {
			if len(pending) > 0 {
				o.add(pending)
			}
			return
		}
	}
}

// take logs the whole lines and returns the rest.
func (o *output) take(data []byte) []byte {
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			break
		}
		line, marked := bytes.CutSuffix(data[:end], o.mark)
		data = data[end+1:]
		if !marked || len(line) > 0 {
			o.add(line)
		}
		if marked {
			o.marks <- struct{}{}
		}
	}
	if cut := len(data) - len(o.mark); cut >= maxLine { // what stays may be the beginning of a mark
		o.add(data[:cut])
		data = data[cut:]
	}
	return bytes.Clone(data)
}

func (o *output) add(line []byte) {
	o.mu.Lock()
	log := o.log
	o.mu.Unlock()
	log.add(strings.ToValidUTF8(strings.TrimSuffix(string(line), "\r"), "\uFFFD"))
}
