package redact

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// A stream is redacted in windows:
//
//	| context | ................ new text ................ | margin |
//	  written                    cut at a line's end ^       read again with the next window
//
// The text is cut where no secret is, far enough from the window's end that one
// which begins before the cut would have been seen as a whole. The end of what was
// written is kept as context, so that the next window knows what stood before it.
const (
	windowSize  = 1 << 20
	marginSize  = 64 << 10
	contextSize = 4 << 10
)

// Stream copies src to dst with its secrets concealed, as [Redactor.Text] would. It
// holds about two megabytes of it at a time; up to one, the result is that of Text.
// What depends on text further away than that is out of sight: the person whose
// object began a megabyte before, the end of a list of environment variables.
//
// If it returns an error, dst has got redacted text up to some place before the fault.
func (r *Redactor) Stream(dst io.Writer, src io.Reader) error {
	setup, err := r.prepare()
	if err != nil {
		return err
	}
	s := stream{redactor: r, setup: setup, dst: dst}
	buf := make([]byte, windowSize)
	for {
		n, err := io.ReadFull(src, buf[:windowSize-len(s.window)+s.context])
		s.window += string(buf[:n])
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return fmt.Errorf("redact: read: %w", err)
		}
		if err := s.flush(end); err != nil || end {
			return err
		}
	}
}

type stream struct {
	redactor *Redactor
	setup    *setup
	dst      io.Writer
	window   string
	context  int // bytes of the window that were written before
}

// flush writes the window up to a cut, or all of it at the end.
func (s *stream) flush(end bool) (err error) {
	defer func() {
		if recover() != nil {
			err = errRedaction
		}
	}()
	sc := newScan(s.window, s.setup)
	spans := sc.run()
	cut := len(s.window)
	if !end {
		cut = cutBefore(s.window, spans, s.context)
	}
	w := writer{redactor: s.redactor, key: s.setup.key}
	w.writeFrom(s.window, s.context, cut, spans, sc.escapes)
	if _, err := io.WriteString(s.dst, w.out.String()); err != nil {
		return fmt.Errorf("redact: write: %w", err)
	}
	s.keep(cut, spans)
	return nil
}

// cutBefore chooses where to cut: after a line's end or a blank that is in no secret,
// a margin before the window's end. Where one secret fills the window, the cut is in
// it.
func cutBefore(window string, spans []span, context int) int {
	limit := len(window) - marginSize
	if i := strings.LastIndexByte(window[context:limit], '\n'); i >= 0 {
		limit = context + i + 1
	} else if i := strings.LastIndexAny(window[limit-marginSize:limit], " \t,;&"); i >= 0 {
		limit += i + 1 - marginSize
	}
	for i := len(spans) - 1; i >= 0; i-- {
		sp := spans[i]
		if sp.start < limit && limit < sp.end {
			if sp.start > context {
				return sp.start
			}
			return sp.end
		}
	}
	return limit
}

// keep drops what was written, but for its end. Of a secret that the cut is in, the
// beginning is kept instead, so that its end will be found as if its middle had
// never been.
func (s *stream) keep(cut int, spans []span) {
	for _, sp := range spans {
		if sp.start < cut && cut == sp.end && cut == len(s.window) {
			head := s.window[max(0, sp.start-contextSize):min(cut, sp.start+contextSize)]
			s.window, s.context = strings.Clone(head), len(head)
			return
		}
	}
	from := max(0, cut-contextSize)
	s.window, s.context = strings.Clone(s.window[from:]), cut-from
}
