//go:build unix

package proof_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock/bedrocktest"
)

// cloud is AWS as the function and the workflows see it: Step Functions' requests go to
// sfnlocal, all others to moto. It keeps what was said, and is out of order where a test
// wants it so.
type cloud struct {
	URL string

	states http.Handler
	moto   http.Handler
	inTurn sync.Mutex // moto's transactions are none where two come at once

	mu     sync.Mutex
	calls  []call
	faults map[string]fault // by the trial that wants them
}

// call is a request to AWS.
type call struct {
	service   string // as it is signed for: states, sns, dynamodb …
	operation string
	body      string
}

// fault answers a call in place of AWS, or returns false.
type fault func(w http.ResponseWriter, c call) bool

func newCloud(t *testing.T, moto string, states http.Handler) *cloud {
	t.Helper()
	u, err := url.Parse(moto)
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{states: states, faults: map[string]fault{}, moto: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	c.URL = srv.URL
	return c
}

var signedFor = regexp.MustCompile(`/([a-z0-9-]+)/aws4_request`)

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	made := call{body: string(body)}
	if m := signedFor.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		made.service = m[1]
	}
	_, made.operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if form, err := url.ParseQuery(made.body); err == nil && form.Has("Action") { // the query protocol: as people would read it
		made.operation, made.body = form.Get("Action"), form.Get("Subject")+"\n"+form.Get("Message")
	}
	for _, f := range c.note(made) {
		if f(w, made) {
			return
		}
	}
	if made.service == "states" {
		c.states.ServeHTTP(w, r)
		return
	}
	c.inTurn.Lock()
	defer c.inTurn.Unlock()
	c.moto.ServeHTTP(w, r)
}

// note keeps a call, and returns what is out of order.
func (c *cloud) note(made call) []fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	if made.service != "states" { // what goes there is the workflow's own
		c.calls = append(c.calls, made)
	}
	return slices.Collect(maps.Values(c.faults))
}

// breaks puts the cloud out of order; a fault concerns its own executions only.
func (c *cloud) breaks(trial string, f fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults[trial] = f
}

// mends puts it in order again.
func (c *cloud) mends(trial string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.faults, trial)
}

// said is all that went to AWS but to Step Functions.
func (c *cloud) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for _, made := range c.calls {
		b.WriteString(made.service + " " + made.operation + " " + made.body + "\n")
	}
	return b.String()
}

// says finds the calls whose body says the word.
func says(word string) func(string) bool {
	return func(body string) bool { return strings.Contains(body, word) }
}

// denies has calls of an operation denied by IAM.
func denies(operation string, concerns func(body string) bool) fault {
	return func(w http.ResponseWriter, c call) bool {
		if c.operation != operation || !concerns(c.body) {
			return false
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","message":"User: arn:aws:sts::123456789012:assumed-role/stepsleuth-troubleshooter/stepsleuth-troubleshooter is not authorized to perform: `+
			c.service+":"+operation+` because no identity-based policy allows the action"}`)
		return true
	}
}

// down has an operation end without an answer where the request says the word.
func down(operation, word string) fault {
	return func(w http.ResponseWriter, c call) bool {
		if c.operation != operation || !strings.Contains(c.body, word) {
			return false
		}
		panic(http.ErrAbortHandler) // the connection breaks
	}
}

// bedrock is a stand-in for Amazon Bedrock that answers well, unless it is asked about an
// error for which it is to behave otherwise.
type bedrock struct {
	*bedrocktest.Server

	mu     sync.Mutex
	behave map[string]bedrocktest.Reply // by a word of the question
}

func newBedrock(t *testing.T) *bedrock {
	t.Helper()
	b := &bedrock{behave: map[string]bedrocktest.Reply{}}
	b.Server = bedrocktest.New(t, func(w http.ResponseWriter, r *http.Request, got bedrocktest.Request) {
		b.reply(questionOf(got))(w, r, got)
	})
	return b
}

func (b *bedrock) about(word string, r bedrocktest.Reply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.behave[word] = r
}

func (b *bedrock) reply(question string) bedrocktest.Reply {
	b.mu.Lock()
	defer b.mu.Unlock()
	for word, r := range b.behave {
		if strings.Contains(question, word) {
			return r
		}
	}
	return bedrocktest.Says(opinion)
}

// asked counts the questions that say the word.
func (b *bedrock) asked(word string) int {
	n := 0
	for _, got := range b.Requests() {
		if strings.Contains(questionOf(got), word) {
			n++
		}
	}
	return n
}
