package llm

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/stepsleuth/stepsleuth/diagnose"
)

// Unsent explains what went wrong before a service said anything.
func (s *Service) Unsent(ctx context.Context, err error, model string) *diagnose.ModelError {
	e := s.unsent(ctx, err, model)
	e.Err = err
	return e
}

func (s *Service) unsent(ctx context.Context, err error, model string) *diagnose.ModelError {
	tries := 1
	var f *fault
	if errors.As(err, &f) {
		tries = f.tries
	}
	var dns *net.DNSError
	switch {
	case errors.Is(err, errTooLarge):
		return &diagnose.ModelError{Kind: "garbled", Reason: fmt.Sprintf("%s sent more than %d MB, which can be no answer", s.place(), maxAnswer>>20),
			Mend: "see that the base URL is the API's, or choose another model"}
	case errors.Is(err, context.DeadlineExceeded), Late(ctx):
		return &diagnose.ModelError{Kind: "timeout", Reason: fmt.Sprintf("the model %s did not answer in the time that was left", model),
			Mend: "give the diagnosis more time, or choose a faster model"}
	case errors.Is(err, context.Canceled):
		return &diagnose.ModelError{Kind: "timeout", Reason: "the question to the model was called off", Mend: "run it again"}
	case untrusted(err):
		return &diagnose.ModelError{Kind: "unavailable", Reason: fmt.Sprintf("there is no trusted connection to %s: %s", s.place(), Sentence(err.Error())),
			Mend: "see the certificate, the clock and the https:// of the base URL; behind a proxy, its authority must be trusted here"}
	case errors.As(err, &dns):
		return &diagnose.ModelError{Kind: "unavailable", Reason: fmt.Sprintf("the host of %s is not found", s.place()),
			Mend: "see the base URL, the network and its proxy"}
	case errors.Is(err, syscall.ECONNREFUSED) && s.local():
		return &diagnose.ModelError{Kind: "unavailable", Reason: "nothing listens at " + s.Host(), Mend: s.start()}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &diagnose.ModelError{Kind: "unavailable", Reason: s.place() + " refuses connections",
			Mend: "see whether the server runs there, and that host and port of the base URL are right"}
	case broken(err):
		return &diagnose.ModelError{Kind: "unavailable", Reason: fmt.Sprintf("%s broke the connection, in %d tries", s.place(), tries),
			Mend: "try later; a proxy or firewall between may be the one that does it"}
	case s.noAddress():
		return &diagnose.ModelError{Kind: "rejected", Reason: "the base URL of " + s.Name + " is no address",
			Mend: "set it to something like https://host/v1"}
	}
	return &diagnose.ModelError{Kind: "unavailable", Reason: fmt.Sprintf("%s cannot be reached: %s", s.place(), Sentence(s.scrub(err.Error()))),
		Mend: "see the base URL, the network and its proxy"}
}

// BadKey says what is wrong with a key that no header can carry; nil where nothing is.
func (s *Service) BadKey() *diagnose.ModelError {
	if !strings.ContainsFunc(s.Key, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return nil
	}
	return &diagnose.ModelError{Kind: "denied", Reason: "the API key for " + s.Name + " holds blanks, line ends or characters that no key has",
		Mend: "set it anew, the key alone and in one line"}
}

// start says how to start what is usually at a port.
func (s *Service) start() string {
	if strings.HasSuffix(s.Host(), ":11434") {
		return "is ollama running? Start it (ollama serve), or set the base URL to where it runs"
	}
	return "is ollama running, or vLLM, or whatever should answer there? Start it, or set the base URL to where it runs"
}

func (s *Service) noAddress() bool {
	u, err := url.Parse(s.URL)
	return err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https"
}

// untrusted reports everything that is wrong with TLS.
func untrusted(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		host         x509.HostnameError
		invalid      x509.CertificateInvalidError
		record       tls.RecordHeaderError
		alert        tls.AlertError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) ||
		errors.As(err, &record) || errors.As(err, &alert) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// Unreadable explains an answer that is none of the API's.
func (s *Service) Unreadable(body []byte) *diagnose.ModelError {
	if isHTML("", body) {
		return &diagnose.ModelError{Kind: "rejected", Reason: fmt.Sprintf("%s answers with a web page, not as %s's API would", s.Host(), s.Name),
			Mend: "set the base URL to the API's own; sign-in pages and proxies answer like this too"}
	}
	return &diagnose.ModelError{Kind: "garbled", Reason: "what " + s.place() + " sent is no answer of its API",
		Mend: "see that the base URL is the API's own, and try again"}
}

// Refused is the error of a model that would not answer.
func Refused(reason string) *diagnose.ModelError {
	return &diagnose.ModelError{Kind: "rejected", Reason: "the model refused to answer (" + reason + ")",
		Mend: "choose another model; the rest of the diagnosis needs none"}
}
