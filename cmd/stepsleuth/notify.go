package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/internal/store/sqlite"
)

// notifyConfig is how people are told. Secrets stand in environment variables, which
// the file names.
type notifyConfig struct {
	Outbox string `yaml:"outbox"`
	SMTP   *struct {
		Host        string   `yaml:"host"`
		Port        int      `yaml:"port"`
		Security    string   `yaml:"security"` // "" STARTTLS, tls, none
		User        string   `yaml:"user"`
		PasswordEnv string   `yaml:"passwordEnv"`
		Auth        string   `yaml:"auth"`   // PLAIN, LOGIN or CRAM-MD5; "" the best that the server offers
		CAFile      string   `yaml:"caFile"` // PEM: who vouches for the server, besides the system's
		From        string   `yaml:"from"`
		To          []string `yaml:"to"`
	} `yaml:"smtp"`
	Slack *struct {
		URLEnv string `yaml:"urlEnv"`
	} `yaml:"slack"`
	Webhook *struct {
		URLEnv string `yaml:"urlEnv"`
		KeyEnv string `yaml:"keyEnv"`
	} `yaml:"webhook"`
	SNS *struct {
		Topic string `yaml:"topic"`
	} `yaml:"sns"`
}

// ways are the ways of the configuration; none is an error.
func (n notifyConfig) ways(ctx context.Context, o *options) (notify.Fanout, error) {
	var ways notify.Fanout
	if n.Outbox != "" {
		box := notify.Outbox{Dir: n.Outbox}
		if err := box.Check(); err != nil {
			return nil, err
		}
		ways = append(ways, box)
	}
	if s := n.SMTP; s != nil {
		way, err := n.mailServer()
		if err != nil {
			return nil, err
		}
		ways = append(ways, way)
	}
	if s := n.Slack; s != nil {
		url, err := secret("notify.slack.urlEnv", s.URLEnv, false)
		if err != nil {
			return nil, err
		}
		ways = append(ways, notify.Slack{URL: url})
	}
	if w := n.Webhook; w != nil {
		url, err := secret("notify.webhook.urlEnv", w.URLEnv, false)
		if err != nil {
			return nil, err
		}
		key, err := secret("notify.webhook.keyEnv", w.KeyEnv, w.KeyEnv == "")
		if err != nil {
			return nil, err
		}
		ways = append(ways, notify.Webhook{URL: url, Key: key})
	}
	if s := n.SNS; s != nil {
		way, err := topicOf(ctx, o, s.Topic)
		if err != nil {
			return nil, err
		}
		ways = append(ways, way)
	}
	if len(ways) == 0 {
		return nil, fmt.Errorf("nobody to tell: give notify: (outbox, smtp, slack, webhook or sns) in %s", configFile)
	}
	return ways, nil
}

// mailServer is the way through the mail server of the configuration.
func (n notifyConfig) mailServer() (notify.SMTP, error) {
	s := n.SMTP
	way := notify.SMTP{Host: s.Host, Port: s.Port, Security: notify.Security(s.Security), User: s.User, Auth: notify.Auth(strings.ToUpper(s.Auth)), From: s.From, To: s.To}
	if s.Host == "" || s.From == "" || len(s.To) == 0 {
		return way, errors.New("notify.smtp in the configuration: host, from and to are needed")
	}
	switch way.Security {
	case notify.STARTTLS, notify.ImplicitTLS, notify.Plaintext:
	default:
		return way, errors.New("notify.smtp.security in the configuration: it is tls or none; leave it out for STARTTLS")
	}
	switch way.Auth {
	case "", notify.Plain, notify.Login, notify.CRAMMD5:
	default:
		return way, errors.New("notify.smtp.auth in the configuration: it is PLAIN, LOGIN or CRAM-MD5; leave it out for the best that the server offers")
	}
	var err error
	if way.Password, err = secret("notify.smtp.passwordEnv", s.PasswordEnv, s.User == ""); err != nil {
		return way, err
	}
	if s.CAFile != "" {
		way.Roots, err = authorities(s.CAFile)
	}
	return way, err
}

// authorities are the system's and those of a PEM file.
func authorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, cannotRead(file, "certificates (notify.smtp.caFile)", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no certificate in PEM (notify.smtp.caFile)", file)
	}
	return pool, nil
}

// secret reads the environment variable that a field of the configuration names.
func secret(field, name string, optional bool) (notify.Secret, error) {
	if value := os.Getenv(name); name != "" && value != "" {
		return notify.Secret(value), nil
	}
	if optional {
		return "", nil
	}
	if name == "" {
		return "", fmt.Errorf("%s in the configuration: name the environment variable that holds it", field)
	}
	if !variable.MatchString(name) {
		return "", fmt.Errorf("%s in the configuration: name the environment variable that holds it, in capitals; what stands there is no such name, and is not repeated here in case it is the secret", field)
	}
	return "", fmt.Errorf("%s in the configuration: the environment variable %s is not set", field, name)
}

var variable = lazyregexp.New(`^[A-Z_][A-Z0-9_]*$`)

func topicOf(ctx context.Context, o *options, topic string) (notify.SNS, error) {
	aws, err := reachAWS(ctx, o.region)
	if err != nil {
		return notify.SNS{}, err
	}
	return notify.SNS{Client: sns.NewFromConfig(aws), TopicARN: topic}, nil
}

// incidents opens the book of what people have been told.
func (o *options) incidents(ctx context.Context, r *oncall.Responder) (*sqlite.Store, error) {
	path := o.config.Incidents
	if path == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("no folder for incidents: %w; name a file as incidents in %s", err, configFile)
		}
		path = filepath.Join(dir, "stepsleuth", "incidents.db")
	}
	return sqlite.Open(ctx, path, sqlite.Options{Redact: r.Redact, Policy: o.config.policy()})
}

// respond examines a case and tells people, once for equal failures. Where nobody could be
// told there is a document all the same, and untold says why.
func respond(c *cobra.Command, o *options, r *oncall.Responder, kase *diagnose.Case, ro report.Options) (doc report.Document, untold, err error) {
	if err := o.tellers(c.Context(), r); err != nil {
		return doc, nil, err
	}
	book, err := o.incidents(c.Context(), r)
	if err != nil {
		r.Incidents = oncall.Unavailable(err) // people are told all the same
	} else {
		defer book.Close()
		r.Incidents = book
	}
	out, err := r.Respond(c.Context(), oncall.Call{Case: kase, Report: ro, At: time.Now(), Repeats: oncall.Thoroughly})
	for _, problem := range out.Problems {
		fmt.Fprintf(c.ErrOrStderr(), "stepsleuth: %s\n", problem)
	}
	if out.Document == nil {
		return doc, nil, &exitError{code: exitUndiagnosed, err: err}
	}
	if out.Told != "" {
		o.note(c.ErrOrStderr(), "told   %s", out.Told)
	}
	return *out.Document, err, nil
}

func (o *options) tellers(ctx context.Context, r *oncall.Responder) error {
	ways, err := o.config.Notify.ways(ctx, o)
	if err != nil {
		return err
	}
	r.Notify = ways
	if r.Spare == nil { // so that many failures in one go are few messages even without the book
		r.Spare = &store.Memory{Policy: o.config.policy()}
	}
	return nil
}

func digestCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "digest",
		Short: "Tell people how often known failures came again",
		Long: `digest sends one message with what happened since people were last told: equal
failures with their count, and what could not be told when it happened. Run it from a
schedule; it sends nothing where there is nothing to say.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := newResponder(c.Context(), o)
			if err != nil {
				return err
			}
			if err := o.tellers(c.Context(), r); err != nil {
				return err
			}
			book, err := o.incidents(c.Context(), r)
			if err != nil {
				return err
			}
			defer book.Close()
			r.Incidents = book
			where, err := r.Digest(c.Context(), time.Now())
			if where != "" {
				o.note(c.ErrOrStderr(), "told   %s", where)
			}
			return err
		},
	}
}
