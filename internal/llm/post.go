package llm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Service is one address that answers questions. It is safe for concurrent use.
type Service struct {
	Name     string // as a reader knows it: "Anthropic"
	URL      string
	Header   http.Header
	Key      string                    // stands in Header; taken out of whatever the service says
	Attempts int                       // tries in all; 0: 6
	Wait     func(n int) time.Duration // before try n+1, where the service does not say; nil: Backoff
	Client   *http.Client              // nil: the usual; redirects are not followed
	Final    func(*Refusal) bool       // refusals that stay whatever their status says; nil: none
}

// The limits of an exchange.
const (
	maxAnswer  = 4 << 20  // bytes of an answer
	maxRefusal = 64 << 10 // bytes of a refusal
	maxPause   = time.Minute
	maxAsk     = 5 * time.Minute // where the context has no deadline
)

var errTooLarge = errors.New("the answer is larger than any should be")

// fault is a try that brought no answer, not even a refusal.
type fault struct {
	err   error
	tries int
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// Post sends body and returns the answer's. It tries again where a connection broke and
// where the service is busy or falters, as long as the context's deadline allows (five
// minutes where it has none): a try that could not begin before it is not made. An
// answer is never asked for twice. The error is a *Refusal where the service said no.
func (s *Service) Post(ctx context.Context, body []byte) ([]byte, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, maxAsk)
		defer cancel()
	}
	for n := 1; ; n++ {
		answer, err := s.try(ctx, body)
		if err == nil {
			return answer, nil
		}
		pause, again := s.pause(err, n)
		var r *Refusal
		if errors.As(err, &r) {
			r.Tries = n
		} else {
			err = &fault{bare(err), n}
		}
		if !again || ctx.Err() != nil || !Sleep(ctx, pause) {
			return nil, err
		}
	}
}

func (s *Service) try(ctx context.Context, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = s.Header.Clone()
	var client http.Client
	if s.Client != nil {
		client = *s.Client
	}
	client.CheckRedirect = stay
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		said, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal)) // half a refusal explains more than none
		return nil, newRefusal(s, response, said)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if len(answer) > maxAnswer {
		return nil, errTooLarge
	}
	return answer, err
}

// stay follows no redirects: they would carry the key to wherever they lead.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// pause is how long to wait before the next try, and whether there is one.
func (s *Service) pause(err error, n int) (time.Duration, bool) {
	attempts := s.Attempts
	if attempts == 0 {
		attempts = 6
	}
	if n >= attempts {
		return 0, false
	}
	wait := s.Wait
	if wait == nil {
		wait = Backoff
	}
	var r *Refusal
	if !errors.As(err, &r) {
		return wait(n), broken(err)
	}
	if !r.passing() || s.Final != nil && s.Final(r) {
		return 0, false
	}
	if r.RetryAfter > 0 { // somewhat more, so that not all who were told so come back at once
		return r.RetryAfter + rand.N(r.RetryAfter/10+1), r.RetryAfter <= maxPause
	}
	return wait(n), true
}

// broken tells connections that broke or were cut from hosts that do not answer at all.
func broken(err error) bool {
	for _, known := range []error{syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, known) {
			return true
		}
	}
	for _, said := range []string{"server closed idle connection", "connection reset", "http2: client connection lost", "GOAWAY", "stream error: "} { // net/http has no types for them
		if strings.Contains(err.Error(), said) {
			return true
		}
	}
	return false
}

// bare takes the address out of an error: it may hold a key.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Backoff doubles from half a second to 20 seconds, with full jitter.
func Backoff(n int) time.Duration {
	return rand.N(min(500*time.Millisecond<<min(n-1, 10), 20*time.Second)) + 50*time.Millisecond
}

// Late reports that the context's deadline has come. A connection may notice that a
// moment before the context does.
func Late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

// Sleep reports whether it slept: not where the deadline comes first.
func Sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// retryAfter reads what a service says of the next try; 0 where it says nothing.
func retryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 && ms < 1e9 {
		return time.Duration(ms * float64(time.Millisecond))
	}
	said := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(said, 64); err == nil && s > 0 && s < 1e6 {
		return time.Duration(s * float64(time.Second))
	}
	if at, err := http.ParseTime(said); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// Host is where the service is, without anything that may be secret.
func (s *Service) Host() string {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" {
		return "an address that is none"
	}
	return u.Host
}

// local reports that the service is to run on this machine.
func (s *Service) local() bool {
	u, err := url.Parse(s.URL)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// place names the service and where it is.
func (s *Service) place() string { return fmt.Sprintf("%s (%s)", s.Name, s.Host()) }
