package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/spf13/cobra"
)

// wire keeps what was sent to stand-ins of those who tell people.
type wire struct {
	mu   sync.Mutex
	sent map[string]*bytes.Buffer // by the way

	mailed chan<- string // where set, is given each mail as it is
}

func (w *wire) keep(way, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent[way] == nil {
		w.sent[way] = new(bytes.Buffer)
	}
	w.sent[way].WriteString(text + "\n")
}

// take returns what a way got since, and forgets it.
func (w *wire) take(way string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := ""
	if w.sent[way] != nil {
		text = w.sent[way].String()
	}
	delete(w.sent, way)
	return text
}

// receiver is an HTTP server that keeps what it gets, line and headers too, in the forms
// in which a secret may be read in it.
func (w *wire) receiver(t *testing.T, way string, answer func(http.ResponseWriter, *http.Request, string)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		plain, _ := url.QueryUnescape(string(body))
		w.keep(way, fmt.Sprintf("%s %s %v\n%s\n%s", r.Method, r.URL, r.Header, body, plain))
		answer(rw, r, string(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// mailServer is a mail server that keeps the mails it gets, as they are and decoded.
func (w *wire) mailServer(t *testing.T) int {
	t.Helper()
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return mailSession{w}, nil }))
	s.Domain, s.ErrorLog = "localhost", silent{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Close(); wg.Wait() })
	return l.Addr().(*net.TCPAddr).Port
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

type mailSession struct{ wire *wire }

func (mailSession) Reset()                               {}
func (mailSession) Logout() error                        { return nil }
func (mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.wire.keep("smtp", string(text)+readable(string(text)))
	if s.wire.mailed != nil {
		s.wire.mailed <- string(text)
	}
	return err
}

// readable is a mail's headers and parts, decoded.
func readable(text string) string {
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return err.Error()
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	return subject + "\n" + part(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
}

func part(kind, encoding string, body io.Reader) string {
	media, params, _ := mime.ParseMediaType(kind)
	if strings.HasPrefix(media, "multipart/") {
		var all strings.Builder
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if err != nil {
				return all.String()
			}
			all.WriteString(part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p))
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, _ := io.ReadAll(body)
	return string(text)
}

// ways is a configuration with every way to tell people, the stand-ins of which keep
// what they get.
func (w *wire) ways(t *testing.T, dir string, answer func(http.ResponseWriter, *http.Request, string)) string {
	t.Helper()
	t.Setenv("TEST_SLACK_URL", w.receiver(t, "slack", answer)+"/services/T0/B0/"+slackCanary)
	t.Setenv("TEST_HOOK_URL", w.receiver(t, "webhook", answer)+"/in?code="+hookCanary)
	t.Setenv("TEST_HOOK_KEY", keyCanary)
	t.Setenv("AWS_ENDPOINT_URL_SNS", w.receiver(t, "sns", answer))
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	return writeFile(t, dir, "stepsleuth.yaml", fmt.Sprintf(`
incidents: %s
notify:
  outbox: %s
  smtp: {host: 127.0.0.1, port: %d, security: none, from: s@example.org, to: [oncall@example.org]}
  slack: {urlEnv: TEST_SLACK_URL}
  webhook: {urlEnv: TEST_HOOK_URL, keyEnv: TEST_HOOK_KEY}
  sns: {topic: 'arn:aws:sns:eu-west-1:123456789012:oncall'}
`, filepath.Join(dir, "incidents.db"), filepath.Join(dir, "outbox"), w.mailServer(t)))
}

const (
	slackCanary = "Xk7Q2mZr9TpLw4Vn"
	hookCanary  = "Rk7Q8sYd3FbNc6Hj"
	keyCanary   = "Wk7Q5vGt1KxMz0Pq"
)

func taken(w http.ResponseWriter, _ *http.Request, _ string) {
	fmt.Fprint(w, `<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>`)
}

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What people are told of carries no secret, by whichever way, nor does the digest.
func TestNothingSecretIsTold(t *testing.T) {
	t.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
	rows := canaries()
	if !testing.Short() {
		rows = append(rows, recordedSecrets(t)...)
	}
	for _, r := range rows {
		t.Run(r.ID, func(t *testing.T) {
			dir := t.TempDir()
			plant(t, dir, r)
			w := &wire{sent: map[string]*bytes.Buffer{}}
			config := w.ways(t, dir, taken)
			in := func(name string) string { return filepath.Join(dir, name) }
			for _, run := range []string{"1", "2"} {
				leaving(t, dir, "run", in("machine.asl.json"), "--input", in("input.json"), "--functions", in("functions.json"),
					"--save-history", in("history"+run+".json"), "--seed", run)
				holdsNone(t, "diagnose --notify", leaving(t, dir, "diagnose", in("history"+run+".json"), "--definition", in("machine.asl.json"),
					"--config", config, "--notify"), r.Secrets)
			}
			for _, way := range []string{"smtp", "slack", "webhook", "sns"} {
				holdsNone(t, way, w.take(way), r.Secrets)
			}
			holdsNone(t, "digest", leaving(t, dir, "digest", "--config", config), r.Secrets)
			for _, way := range []string{"smtp", "slack", "webhook", "sns"} {
				if text := w.take(way); text != "" {
					holdsNone(t, "digest by "+way, text, r.Secrets)
				}
			}
			book, err := os.ReadFile(in("incidents.db"))
			if err != nil {
				t.Fatal(err)
			}
			holdsNone(t, "the book of incidents", string(book), r.Secrets)
		})
	}
}

// A receiver that refuses may say anything, and may say again what it was sent.
func TestNothingSecretLeavesWhereTellingFails(t *testing.T) {
	t.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
	for _, r := range canaries() {
		t.Run(r.ID, func(t *testing.T) {
			dir := t.TempDir()
			plant(t, dir, r)
			w := &wire{sent: map[string]*bytes.Buffer{}}
			config := w.ways(t, dir, func(w http.ResponseWriter, asked *http.Request, body string) {
				w.WriteHeader(http.StatusForbidden)
				own := ""
				if asked.URL.Query().Has("code") {
					own = keyCanary
				}
				fmt.Fprintf(w, "no: %s %s, %s %s %s", r.Text, path.Base(asked.URL.Path), asked.URL.Query().Get("code"), own, body)
			})
			in := func(name string) string { return filepath.Join(dir, name) }
			leaving(t, dir, "run", in("machine.asl.json"), "--input", in("input.json"), "--functions", in("functions.json"), "--save-history", in("history.json"))
			secrets := append([]string{slackCanary, hookCanary, keyCanary}, r.Secrets...)
			out := leaving(t, dir, "diagnose", in("history.json"), "--config", config, "--notify", "--quiet")
			holdsNone(t, "diagnose --notify", out, secrets)
			if !strings.Contains(out, "403") {
				t.Errorf("it is not said that telling failed: %s", out)
			}
			holdsNone(t, "digest", leaving(t, dir, "digest", "--config", config)+"-", secrets)
		})
	}
}

// A vendor's refusal may say anything, and may say again the key and the question.
func TestNothingSecretComesBackFromAModel(t *testing.T) {
	t.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
	key := "sk-proj-" + "Qk7Q2mZr9TpLw4VnXk7Q2mZr9TpLw4Vn"
	t.Setenv("OPENAI_API_KEY", key)
	t.Setenv("ANTHROPIC_API_KEY", key)
	for _, r := range canaries() {
		for _, status := range []int{400, 401, 404, 200} {
			t.Run(fmt.Sprint(r.ID, " ", status), func(t *testing.T) {
				w := &wire{sent: map[string]*bytes.Buffer{}}
				server := w.receiver(t, "model", func(rw http.ResponseWriter, _ *http.Request, body string) {
					rw.Header().Set("Retry-After", "0")
					rw.WriteHeader(status)
					message, _ := json.Marshal("Incorrect API key provided: " + key + "; " + r.Text)
					fmt.Fprintf(rw, `{"error": {"type": "invalid_request_error", "code": %s, "message": %s}}`, message, message)
				})
				t.Setenv("ANTHROPIC_BASE_URL", server)
				dir := t.TempDir()
				config := writeFile(t, dir, "stepsleuth.yaml", "modelCache: "+filepath.Join(dir, "cache")+"\n")
				failure := writeFile(t, dir, "failure.json", `{"error": "OutOfStock", "cause": "none left"}`)
				for _, model := range []string{"openai:m@" + server, "anthropic:m"} {
					for _, format := range []string{formatText, formatJSON} {
						out := leaving(t, dir, "diagnose", failure, "--config", config, "--model", model, "--format", format)
						holdsNone(t, model, out, append([]string{key}, r.Secrets...))
					}
				}
			})
		}
	}
}

// What cannot be read is quoted in the message about it, and may be a secret.
func TestNothingSecretLeavesInAComplaint(t *testing.T) {
	t.Setenv("STEPSLEUTH_REDACTION_KEY", "000102030405060708090a0b0c0d0e0f")
	t.Setenv("NO_COLOR", "1")
	const plain = "hunter2plain" // looks like nothing: it must not be quoted at all
	for _, r := range canaries() {
		quoted, _ := json.Marshal(r.Text)
		dir := t.TempDir()
		file := func(name, text string) string { return writeFile(t, dir, name, text) }
		good := file("good.asl.json", `{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}`)
		failure := file("failure.json", `{"error": "E"}`)
		for what, args := range map[string][]string{
			"definition, no JSON":      {"run", file("a.json", `{"StartAt": `+string(quoted)+` x}`)},
			"definition, wrong type":   {"run", file("b.json", `{"StartAt": "P", "States": {"P": {"Type": `+string(quoted)+`}}}`)},
			"definition, no state":     {"run", file("c.json", `{"StartAt": `+string(quoted)+`, "States": {"P": {"Type": "Pass", "End": true}}}`)},
			"definition, field":        {"run", file("d.json", `{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true, `+string(quoted)+`: 1}}}`)},
			"definition, path":         {"run", file("e.json", `{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true, "InputPath": `+string(quoted)+`}}}`)},
			"definition to instrument": {"instrument", file("f.json", `{"StartAt": `+string(quoted)+`}`)},
			"input":                    {"run", good, "--input", file("g.json", "x"+r.Text)},
			"functions, no JSON":       {"run", good, "--functions", file("h.json", `{"f": `+r.Text+`}`)},
			"functions, type":          {"run", good, "--functions", file("i.json", `{"f": {"type": `+string(quoted)+`}}`)},
			"functions, member":        {"run", good, "--functions", file("j.json", `{"f": {"type": "echo", `+string(quoted)+`: 1}}`)},
			"mocks":                    {"run", good, "--case", "m#c", "--mocks", file("k.json", `{"StateMachines": `+string(quoted)+`}`)},
			"mocks, case":              {"run", good, "--case", r.Text, "--mocks", file("k2.json", `{"StateMachines": {}, "MockedResponses": {}}`)},
			"history":                  {"diagnose", file("l.json", `{"events": [{"id": `+string(quoted)+`}]}`)},
			"history, type":            {"diagnose", file("m.json", `{"events": [{"id": 1, "type": `+string(quoted)+`, "timestamp": "x"}]}`)},
			"batch":                    {"diagnose", "--batch", file("n.json", r.Text)},
			"fix":                      {"verify", failure, "--definition", good, "--fix", file("o.json", r.Text)},
			"corpus":                   {"eval", file("p.json", r.Text)},
			"config":                   {"diagnose", failure, "--config", file("q.yaml", "model: ["+r.Text)},
			"config, unknown field":    {"diagnose", failure, "--config", file("r.yaml", "notify: {smtp: {password: "+string(quoted)+"}}")},
			"config, wrong type":       {"diagnose", failure, "--config", file("s.yaml", "modelBudget: {calls: "+string(quoted)+"}")},
			"config, plain password":   {"diagnose", failure, "--config", file("t.yaml", "modelBudget: {calls: "+plain+"}")},
			"config, password as name": {"diagnose", failure, "--notify", "--config", file("u.yaml", "notify: {smtp: {host: h, from: a@b.c, to: [a@b.c], user: u, passwordEnv: "+plain+"}}")},
			"config, url as name":      {"digest", "--config", file("v.yaml", "notify: {slack: {urlEnv: 'https://hooks.slack.com/services/T00000000/B00000000/"+plain+"'}}")},
			"model":                    {"diagnose", failure, "--model", r.Text},
			"bucket":                   {"run", good, "--bucket", "b=" + filepath.Join(dir, r.Text)},
			"no file":                  {"diagnose", r.Text},
		} {
			t.Run(r.ID+"/"+what, func(t *testing.T) {
				holdsNone(t, what, leaving(t, dir, args...), append([]string{plain}, r.Secrets...))
			})
		}
	}
}

// Where the command itself breaks down it says where, and nothing of what it was about.
func TestABreakdownSaysNothingSecret(t *testing.T) {
	err := execute(context.Background(), &cobra.Command{Run: func(*cobra.Command, []string) { panic("hunter2plain") }, SilenceErrors: true})
	if err == nil || strings.Contains(err.Error(), "hunter2plain") || !strings.Contains(err.Error(), "leak_ways_test.go") {
		t.Errorf("got %v", err)
	}
}
