package notify_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stepsleuth/stepsleuth/internal/notify"
)

// mailServer is a real one, with a certificate of its own.
type mailServer struct {
	server     *smtp.Server
	listener   net.Listener
	roots      *x509.CertPool
	mechanisms []string
	refuseAuth bool
	refuse     map[string]bool // recipients
	implicit   bool

	mu   sync.Mutex
	got  []string
	with []string // mechanisms that were used
	to   []string
}

func newMailServer(t *testing.T, change func(*mailServer)) *mailServer {
	t.Helper()
	s := &mailServer{mechanisms: []string{sasl.Plain}}
	if change != nil {
		change(s)
	}
	cert, roots := certificate(t, "127.0.0.1")
	s.roots = roots
	s.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{s: s}, nil }))
	s.server.Domain, s.server.ErrorLog = "localhost", quiet{}
	s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = l
	if s.implicit {
		l = tls.NewListener(l, s.server.TLSConfig)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.server.Serve(l) })
	t.Cleanup(func() { s.server.Close(); wg.Wait() })
	return s
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// way is a notifier for the server.
func (s *mailServer) way() notify.SMTP {
	w := notify.SMTP{
		Host: "127.0.0.1", Port: s.listener.Addr().(*net.TCPAddr).Port, User: "ana", Password: hidden,
		From: "stepsleuth@example.org", To: []string{"oncall@example.org"}, Roots: s.roots,
	}
	if s.implicit {
		w.Security = notify.ImplicitTLS
	}
	return w
}

func (s *mailServer) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

type session struct {
	s      *mailServer
	authed bool
	to     []string
}

func (x *session) AuthMechanisms() []string { return x.s.mechanisms }

func (x *session) Auth(mech string) (sasl.Server, error) {
	check := func(user, password string) error {
		if x.s.refuseAuth || user != "ana" || password != hidden {
			// Some servers are this talkative.
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "wrong password " + password}
		}
		x.authed = true
		x.s.mu.Lock()
		x.s.with = append(x.s.with, mech)
		x.s.mu.Unlock()
		return nil
	}
	switch mech {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case "LOGIN":
		return &loginServer{check: check}, nil
	}
	return &cramServer{check: check}, nil
}

func (x *session) Mail(string, *smtp.MailOptions) error {
	if !x.authed {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if x.s.refuse[to] {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	x.to = append(x.to, to)
	return nil
}

func (x *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.s.got, x.s.to = append(x.s.got, string(text)), append(x.s.to, x.to...)
	return err
}

func (x *session) Reset()        {}
func (x *session) Logout() error { return nil }

// loginServer asks for the name, then for the password.
type loginServer struct {
	check func(user, password string) error
	user  *string
	asked bool
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	switch text := string(response); {
	case !l.asked:
		l.asked = true
		return []byte("Username:"), false, nil
	case l.user == nil:
		l.user = &text
		return []byte("Password:"), false, nil
	default:
		return nil, true, l.check(*l.user, text)
	}
}

// cramServer is RFC 2195.
type cramServer struct {
	check func(user, password string) error
	asked bool
}

func (c *cramServer) Next(response []byte) ([]byte, bool, error) {
	const challenge = "<1.2@localhost>"
	if !c.asked {
		c.asked = true
		return []byte(challenge), false, nil
	}
	user, digest, _ := strings.Cut(string(response), " ")
	mac := hmac.New(md5.New, []byte(hidden))
	mac.Write([]byte(challenge))
	if digest != hex.EncodeToString(mac.Sum(nil)) {
		return nil, true, c.check(user, "")
	}
	return nil, true, c.check(user, hidden)
}

func certificate(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(host)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestMailAuthentication(t *testing.T) {
	for _, c := range []struct {
		offered []string
		auth    notify.Auth
		used    string
		says    string
	}{
		{[]string{"LOGIN", "CRAM-MD5", "PLAIN"}, "", "PLAIN", ""},
		{[]string{"LOGIN"}, "", "LOGIN", ""},
		{[]string{"CRAM-MD5"}, "", "CRAM-MD5", ""},
		{[]string{"PLAIN", "CRAM-MD5"}, notify.CRAMMD5, "CRAM-MD5", ""},
		{[]string{"PLAIN"}, notify.Login, "", "AUTH: the server does not offer LOGIN"},
		{[]string{"GSSAPI"}, "", "", "AUTH: the server offers none of PLAIN, LOGIN and CRAM-MD5"},
	} {
		t.Run(fmt.Sprint(c.offered, c.auth), func(t *testing.T) {
			s := newMailServer(t, func(s *mailServer) { s.mechanisms = c.offered })
			w := s.way()
			w.Auth = c.auth
			_, err := w.Notify(context.Background(), message())
			if c.says != "" {
				oneLine(t, err, c.says)
				return
			}
			if err != nil || len(s.with) != 1 || s.with[0] != c.used {
				t.Errorf("used %v, %v", s.with, err)
			}
		})
	}
}

func TestMailOverImplicitTLS(t *testing.T) {
	s := newMailServer(t, func(s *mailServer) { s.implicit = true })
	if _, err := s.way().Notify(context.Background(), message()); err != nil || len(s.all()) != 1 {
		t.Errorf("%d mails, %v", len(s.all()), err)
	}
}

func TestAMailHasOneHeaderEach(t *testing.T) {
	s := newMailServer(t, nil)
	for range 2 {
		if _, err := s.way().Notify(context.Background(), hostile()); err != nil {
			t.Fatal(err)
		}
	}
	var ids []string
	for _, text := range s.all() {
		m, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.Header.Get("Message-Id"))
		if m.Header.Get("Bcc") != "" || len(m.Header["To"]) != 1 || len(m.Header["Subject"]) != 1 {
			t.Errorf("%v", m.Header)
		}
	}
	if ids[0] == "" || ids[0] != ids[1] {
		t.Errorf("a repetition cannot be told: %q", ids)
	}
}

func TestRecipientsThatAreRefused(t *testing.T) {
	s := newMailServer(t, func(s *mailServer) { s.refuse = map[string]bool{"gone@example.org": true, "left@example.org": true} })
	w := s.way()
	w.To = []string{"gone@example.org", "oncall@example.org"}
	where, err := w.Notify(context.Background(), message())
	if err != nil || !strings.Contains(where, "refused: gone@example.org: 550") || len(s.all()) != 1 {
		t.Errorf("%q, %v", where, err)
	}
	w.To = []string{"gone@example.org", "left@example.org"}
	_, err = w.Notify(context.Background(), message())
	oneLine(t, err, "recipient left@example.org: 550")
	if len(s.all()) != 1 {
		t.Error("sent")
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, to := range []string{"oncall", "a@example.org\r\nBcc: b@example.org", ""} {
		w := notify.SMTP{Host: "127.0.0.1", From: "stepsleuth@example.org", To: []string{to}}
		_, err := w.Notify(context.Background(), message())
		if err == nil || !strings.Contains(err.Error(), "recipients' mail addresses") {
			t.Errorf("%q: %v", to, err)
		}
	}
}

func TestACertificateThatNobodyVouchesFor(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		s := newMailServer(t, func(s *mailServer) { s.implicit = implicit })
		w := s.way()
		_, w.Roots = certificate(t, "127.0.0.1")
		_, err := w.Notify(context.Background(), message())
		oneLine(t, err, "certificate is not trusted: x509")
		if len(s.all()) != 0 {
			t.Error("sent")
		}
	}
}

// fault is where in the conversation a server goes wrong, and how.
type fault struct {
	at  string // command; "" the greeting, "." the end of the mail
	how string // "hang", "drop", or what it says
}

// faulty is a server without TLS that goes wrong.
func faulty(t *testing.T, f fault) (notify.SMTP, *[]string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	var wg sync.WaitGroup
	wg.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		converse(conn, f, &said)
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return notify.SMTP{
		Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: notify.Plaintext,
		From: "stepsleuth@example.org", To: []string{"oncall@example.org"},
	}, &said
}

func converse(conn net.Conn, f fault, said *[]string) {
	r := bufio.NewReader(conn)
	inMail := false
	for command := ""; ; {
		switch {
		case command == f.at && f.how == "hang":
			_, _ = r.ReadString(0) // until the other side goes
			return
		case command == f.at && f.how == "drop":
			return
		case command == f.at:
			fmt.Fprintf(conn, "%s\r\n", f.how)
		case command == "DATA":
			fmt.Fprint(conn, "354 go ahead\r\n")
		case command == "":
			fmt.Fprint(conn, "220 hello\r\n")
		default:
			fmt.Fprint(conn, "250 fine\r\n")
		}
		inMail = command == "DATA" && f.at != "DATA"
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			command = strings.ToUpper(strings.Fields(line + " .")[0])
			if !inMail {
				break
			}
			if line == ".\r\n" {
				command = "."
				break
			}
		}
		*said = append(*said, command)
	}
}

func TestServersThatGoWrong(t *testing.T) {
	for _, c := range []struct {
		fault
		says string
	}{
		{fault{"", "554 go away"}, "greeting: 554 go away"},
		{fault{"", "drop"}, "greeting: EOF"},
		{fault{"", "hang"}, "no answer in time"},
		{fault{"", "HTTP/1.1 400 Bad Request"}, "greeting: "},
		{fault{"EHLO", "hang"}, "no answer in time"},
		{fault{"MAIL", "550 5.7.1 \x1b[31mnot from you\x07"}, "sender: 550 5.7.1 [31mnot from you"},
		{fault{"MAIL", "drop"}, "sender: "},
		{fault{"RCPT", "451 try later"}, "recipient oncall@example.org: 451 try later"},
		{fault{"RCPT", "drop"}, "recipient oncall@example.org: "},
		{fault{"DATA", "452 full"}, "DATA: 452 full"},
		{fault{".", "554 " + strings.Repeat("spam ", 200)}, "receipt: 554 spam"},
		{fault{".", "drop"}, "the mail may have arrived all the same"},
		{fault{".", "hang"}, "no answer in time (the mail may have arrived all the same)"},
	} {
		t.Run(fmt.Sprintf("%q %.10q", c.at, c.how), func(t *testing.T) {
			w, _ := faulty(t, c.fault)
			if c.how == "hang" {
				w.Timeout = 200 * time.Millisecond
			}
			_, err := w.Notify(context.Background(), message())
			oneLine(t, err, c.says)
			if err != nil && strings.HasPrefix(c.how, "554") && strings.Contains(err.Error(), "arrived") {
				t.Errorf("a mail that was refused has not arrived: %v", err)
			}
		})
	}
}

func TestWhatTheServerHasAcceptedIsNoFailure(t *testing.T) {
	for _, how := range []string{"drop", "500 what?", "hang"} {
		w, said := faulty(t, fault{"QUIT", how})
		w.Timeout = 500 * time.Millisecond
		if _, err := w.Notify(context.Background(), message()); err != nil {
			t.Errorf("%s: %v", how, err)
		}
		_ = said
	}
}

func TestAServerWithoutTLSGetsNothing(t *testing.T) {
	w, said := faulty(t, fault{"never", ""})
	w.Security, w.User, w.Password = notify.STARTTLS, "ana", hidden
	_, err := w.Notify(context.Background(), message())
	oneLine(t, err, "does not offer STARTTLS")
	for _, command := range *said {
		if command != "EHLO" && command != "QUIT" {
			t.Errorf("it was told %s", command)
		}
	}
}

func TestAPasswordIsNotSentInTheClear(t *testing.T) {
	for _, auth := range []notify.Auth{"", notify.Plain, notify.Login} {
		w, _ := faulty(t, fault{"EHLO", "250-localhost\r\n250 AUTH PLAIN LOGIN"})
		w.User, w.Password, w.Auth = "ana", hidden, auth
		if _, err := w.Notify(context.Background(), message()); err == nil || !strings.Contains(err.Error(), "AUTH: ") {
			t.Errorf("%s: %v", auth, err)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	w := notify.SMTP{Host: "127.0.0.1", Port: port, From: "a@example.org", To: []string{"b@example.org"}}
	_, err = w.Notify(context.Background(), message())
	oneLine(t, err, fmt.Sprintf("mail server 127.0.0.1:%d: connect: ", port))
}

func TestAMailIsGivenUpWithItsContext(t *testing.T) {
	w, _ := faulty(t, fault{"MAIL", "hang"})
	_, err := w.Notify(soon(t, 200*time.Millisecond), message())
	oneLine(t, err, "no answer in time")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%#v", err)
	}
}

// oneLine expects an error of one line that says this, and no secret.
func oneLine(t *testing.T, err error, says string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Fatalf("got %v, want %q", err, says)
	}
	if text := err.Error(); strings.ContainsAny(text, "\n\r\x1b\x07") || strings.Contains(text, "hunter2") || len(text) > 400 {
		t.Errorf("error %q", text)
	}
}
