package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/wholefile"
	"github.com/wneessen/go-mail"
)

// Outbox writes mails as .eml files into a folder, where a mail program opens
// them and a test reads them. The same message twice is one file; what says something
// else is another, whatever its ID: runs on one machine are alike but for their inputs.
type Outbox struct {
	Dir  string
	From string // "" is stepsleuth@localhost
	To   string // "" is oncall@localhost
}

// Notify writes the mail and returns the file's path. The folder is made if it is
// not there.
func (o Outbox) Notify(ctx context.Context, m Message) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := o.Check(); err != nil {
		return "", err
	}
	if m.ID != "" {
		m.ID += "\n" + m.Text.String()
	}
	eml, err := o.render(m)
	if err != nil {
		return "", err
	}
	path := filepath.Join(o.Dir, fileName(m))
	return path, wholefile.Write(path, eml)
}

// Check makes the folder and finds out whether files can be written to it, so
// that a run does not learn that at its end.
func (o Outbox) Check() error {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return fmt.Errorf("outbox %s: %w", o.Dir, reason(err))
	}
	probe, err := os.CreateTemp(o.Dir, ".probe*")
	if err != nil {
		return fmt.Errorf("outbox %s: %w", o.Dir, reason(err))
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func (o Outbox) render(m Message) ([]byte, error) {
	msg, err := m.mail(or(o.From, "stepsleuth@localhost"), or(o.To, "oncall@localhost"))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write the mail: %w", err)
	}
	return b.Bytes(), nil
}

// mail is the message as plain text. Its Message-ID is the same whenever it is sent.
func (m Message) mail(from string, to ...string) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(from); err != nil {
		return nil, fmt.Errorf("the sender's mail address: %w", err)
	}
	if err := msg.To(to...); err != nil {
		return nil, fmt.Errorf("the recipients' mail addresses: %w", err)
	}
	msg.Subject(asciiSubject(m.Subject.String()))
	msg.SetDateWithValue(m.Time)
	msg.SetMessageIDWithValue(m.hash() + "@stepsleuth.local")
	msg.SetBodyString(mail.TypeTextPlain, m.Text.String())
	msg.AddAlternativeString(mail.TypeTextHTML, m.html())
	return msg, nil
}

// hash names the message: by its ID, or by what it says.
func (m Message) hash() string {
	id := m.ID
	if id == "" {
		id = m.Time.String() + "\n" + m.Subject.String() + "\n" + m.Text.String()
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}

// fileName sorts by time and can be recognised: 20261122T101500Z-failed-order-1f2e3d4c.eml.
func fileName(m Message) string {
	words := strings.FieldsFunc(strings.ToLower(asciiSubject(m.Subject.String())), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	slug := strings.Join(words, "-")
	if len(slug) > 48 {
		slug = strings.TrimRight(slug[:48], "-")
	}
	return fmt.Sprintf("%s-%s-%s.eml", m.Time.UTC().Format("20060102T150405Z"), slug, m.hash()[:8])
}

func or(s, usual string) string {
	if s == "" {
		return usual
	}
	return s
}
