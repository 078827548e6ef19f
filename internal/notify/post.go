package notify

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// poster sends one body to one URL, again where that is of use.
type poster struct {
	whom    string // in errors: the URL may be a secret
	url     Secret
	client  *http.Client
	tries   int
	pause   time.Duration         // before the second try, doubled before each further one; 0: half a second
	again   func(status int) bool // whether an answer deserves another try
	resend  bool                  // whether a try that broke off may be repeated: the receiver tells repetitions
	header  func(now time.Time) http.Header
	secrets []Secret
}

// maxReply is how much of an answer is read.
const maxReply = 4 << 10

// post returns when a try was answered with 2xx.
func (p poster) post(ctx context.Context, body []byte) error {
	pause := cmp.Or(p.pause, 500*time.Millisecond)
	for try := 1; ; try++ {
		after, err := p.try(ctx, body)
		if err == nil {
			return nil
		}
		if after < 0 || try >= p.tries {
			return err
		}
		if !wait(ctx, max(after, pause)) {
			return err
		}
		pause *= 2
	}
}

// try returns how long to wait before the next one, negative where there is to be none.
func (p poster) try(ctx context.Context, body []byte) (time.Duration, error) {
	const never = -1
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(p.url), bytes.NewReader(body))
	if err != nil {
		return never, fault(p.whom, "its URL is not one", nil) // the error would show it
	}
	req.Header = p.header(time.Now())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "stepsleuth")
	res, err := p.do(req)
	if err != nil {
		after := time.Duration(never)
		if ctx.Err() == nil && (p.resend || unsent(err)) {
			after = 0
		}
		return after, p.broke(ctx, err)
	}
	defer res.Body.Close()
	reply, _ := io.ReadAll(io.LimitReader(res.Body, maxReply)) // it only explains the status
	if res.StatusCode/100 == 2 {
		return 0, nil
	}
	text := strconv.Itoa(res.StatusCode) + " " + cmp.Or(string(reply), http.StatusText(res.StatusCode))
	err = fault(p.whom, text, nil, p.all()...)
	if !p.again(res.StatusCode) {
		return never, err
	}
	return retryAfter(res.Header, time.Now()), err
}

// do follows no redirection: what is sent is for one receiver.
func (p poster) do(req *http.Request) (*http.Response, error) {
	client := http.Client{Timeout: 30 * time.Second}
	if p.client != nil {
		client = *p.client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client.Do(req)
}

// broke explains why there is no answer. A *url.Error would show the URL.
func (p poster) broke(ctx context.Context, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fault(p.whom, "given up", ctx.Err())
	case ctx.Err() != nil || u != nil && u.Timeout():
		return fault(p.whom, "no answer in time", cmp.Or(ctx.Err(), err))
	}
	return fault(p.whom, err.Error(), err, p.all()...)
}

// all are the URL's parts, too: an answer may show the path alone.
func (p poster) all() []Secret {
	all := append([]Secret{p.url}, p.secrets...)
	u, err := url.Parse(string(p.url))
	if err != nil {
		return all
	}
	password, _ := u.User.Password()
	const short = 5 // too short to be secret, and found anywhere
	parts := []string{u.Path, strings.TrimPrefix(u.Path, "/"), u.RawQuery, password, path.Base(u.Path)}
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	for _, part := range parts {
		if len(part) > short {
			all = append(all, Secret(part))
		}
	}
	return all
}

// unsent reports that nothing reached the receiver.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// retryAfter reads seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 24*60*60)) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

// wait reports whether the time is over before the context is; if it cannot be, at once.
func wait(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
