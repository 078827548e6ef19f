package notify

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// SMTP hands mails to a mail server. A message is offered once a call: what was
// accepted is not sent again, whatever happens to the connection afterwards.
type SMTP struct {
	Host     string
	Port     int // 0: 587, with ImplicitTLS 465
	Security Security
	User     string // "": no authentication
	Password Secret
	Auth     Auth // how to authenticate; "": the best that the server offers
	From     string
	To       []string

	Roots   *x509.CertPool // that vouch for the server; nil: the system's
	Timeout time.Duration  // for a mail, from dialling to the server's receipt; 0: 30 seconds
}

// Security is how the connection is encrypted.
type Security string

// The ways to encrypt.
const (
	STARTTLS    Security = ""     // required: a server that does not offer it gets nothing
	ImplicitTLS Security = "tls"  // from the first byte
	Plaintext   Security = "none" // not at all; a password is not sent then
)

// Auth is an authentication mechanism.
type Auth string

// The mechanisms.
const (
	Plain   Auth = "PLAIN"
	Login   Auth = "LOGIN"
	CRAMMD5 Auth = "CRAM-MD5"
)

// Notify sends the mail. Where the server refuses some of the recipients and takes
// others, people have been told, and the returned place names who was refused.
func (s SMTP) Notify(ctx context.Context, m Message) (string, error) {
	msg, err := m.mail(s.From, s.To...)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, 30*time.Second))
	defer cancel()
	refused, err := s.send(ctx, msg)
	if err != nil {
		return "", s.explain(ctx, err)
	}
	where := "mail server " + s.address()
	if len(refused) > 0 {
		where += " (refused: " + oneLine(s.Password.hide(strings.Join(refused, "; ")), maxFault) + ")"
	}
	return where, nil
}

func (s SMTP) address() string {
	port := 587
	if s.Security == ImplicitTLS {
		port = 465
	}
	return net.JoinHostPort(s.Host, strconv.Itoa(cmp.Or(s.Port, port)))
}

// send returns the recipients that were refused while others were not.
func (s SMTP) send(ctx context.Context, msg *mail.Msg) ([]string, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, step("connect", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })() // whatever it waits for then ends
	c, err := smtp.NewClient(conn, s.Host)
	if err != nil {
		return nil, step("greeting", err)
	}
	if err := s.prepare(c); err != nil {
		return nil, err
	}
	refused, err := envelope(c, msg)
	if err != nil {
		return nil, err
	}
	if err := content(c, msg); err != nil {
		return nil, err
	}
	_ = c.Quit() // it was accepted
	return refused, nil
}

func (s SMTP) dial(ctx context.Context) (net.Conn, error) {
	if s.Security == ImplicitTLS {
		return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, "tcp", s.address())
	}
	return new(net.Dialer).DialContext(ctx, "tcp", s.address())
}

func (s SMTP) tls() *tls.Config {
	return &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
}

// prepare encrypts and authenticates.
func (s SMTP) prepare(c *smtp.Client) error {
	if err := c.Hello("localhost"); err != nil {
		return step("EHLO", err)
	}
	if s.Security == STARTTLS {
		if offered, _ := c.Extension("STARTTLS"); !offered {
			return step("STARTTLS", errNoTLS)
		}
		if err := c.StartTLS(s.tls()); err != nil {
			return step("STARTTLS", err)
		}
	}
	if s.User == "" {
		return nil
	}
	auth, err := s.auth(c)
	if err != nil {
		return step("AUTH", err)
	}
	return step("AUTH", c.Auth(auth))
}

var (
	errNoTLS  = errors.New("the server does not offer STARTTLS, and without it nothing is sent; is this the right port?")
	errNoAuth = errors.New("the server offers none of PLAIN, LOGIN and CRAM-MD5 on this connection")
	errBare   = errors.New("the connection is not encrypted, so the password is not sent")
)

func (s SMTP) auth(c *smtp.Client) (smtp.Auth, error) {
	_, list := c.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(list))
	wanted := []Auth{Plain, Login, CRAMMD5}
	switch {
	case s.Security == Plaintext && (s.Auth == Plain || s.Auth == Login):
		return nil, errBare
	case s.Security == Plaintext:
		wanted = []Auth{CRAMMD5}
	case s.Auth != "":
		wanted = []Auth{s.Auth}
	}
	for _, auth := range wanted {
		for _, o := range offered {
			if o == string(auth) {
				return s.mechanism(auth), nil
			}
		}
	}
	if s.Auth != "" {
		return nil, fmt.Errorf("the server does not offer %s", oneLine(string(s.Auth), 20))
	}
	return nil, errNoAuth
}

func (s SMTP) mechanism(auth Auth) smtp.Auth {
	switch auth {
	case Plain:
		return smtp.PlainAuth("", s.User, string(s.Password), s.Host, false)
	case Login:
		return smtp.LoginAuth(s.User, string(s.Password), s.Host, false)
	}
	return smtp.CRAMMD5Auth(s.User, string(s.Password))
}

// envelope names sender and recipients, and returns those that were refused while
// others were not.
func envelope(c *smtp.Client, msg *mail.Msg) ([]string, error) {
	from, err := msg.GetSender(false)
	if err != nil {
		return nil, err
	}
	to, err := msg.GetRecipients()
	if err != nil {
		return nil, err
	}
	if err := c.Mail(from); err != nil {
		return nil, step("sender", err)
	}
	var refused []string
	var last error
	for _, address := range to {
		address = strings.Trim(address, "<>")
		if err := c.Rcpt(address); err != nil {
			last = step("recipient "+address, err)
			reply, ok := replyOf(err)
			if !ok {
				return nil, last
			}
			refused = append(refused, address+": "+reply)
		}
	}
	if len(refused) == len(to) {
		return nil, last
	}
	return refused, nil
}

func content(c *smtp.Client, msg *mail.Msg) error {
	w, err := c.Data()
	if err != nil {
		return step("DATA", err)
	}
	if _, err := msg.WriteTo(w); err != nil {
		return step("content", err)
	}
	return step("receipt", w.Close())
}

// stepError is an error with the part of the conversation in which it came.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

func step(name string, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{name, err}
}

// replyOf is what the server said, if it said anything.
func replyOf(err error) (string, bool) {
	var said *textproto.Error
	if !errors.As(err, &said) {
		return "", false
	}
	return strconv.Itoa(said.Code) + " " + said.Msg, true
}

// explain says in one line what the server did.
func (s SMTP) explain(ctx context.Context, err error) error {
	where := ""
	var at *stepError
	if errors.As(err, &at) {
		where = at.step + ": "
	}
	text := err.Error()
	reply, replied := replyOf(err)
	if replied {
		text = where + reply
	}
	var bad *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		text = where + "given up"
	case ctx.Err() != nil:
		text = where + "no answer in time"
	case errors.As(err, &bad):
		text = where + "its certificate is not trusted: " + bad.Err.Error()
	case errors.As(err, &op) && op.Err != nil:
		text = where + op.Err.Error()
	}
	if at != nil && at.step == "receipt" && !replied {
		text += " (the mail may have arrived all the same)"
	}
	return fault("mail server "+s.address(), text, cmp.Or(ctx.Err(), err), s.Password, "\x00"+Secret(s.User)+"\x00"+s.Password)
}
