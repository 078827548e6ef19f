package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/wholefile"
	"github.com/stepsleuth/stepsleuth/redact"
)

const keyBytes = 32

// newRedactor returns a redactor with this installation's key, so that the same
// secret has the same placeholder tomorrow.
func newRedactor(o *options) (*redact.Redactor, error) {
	key, err := redactionKey()
	if err != nil {
		return nil, err
	}
	r := o.config.Redact.redactor(key)
	if err := r.Check(); err != nil {
		return nil, fmt.Errorf("redaction: %w", err)
	}
	return r, nil
}

// redactionKey comes from STEPSLEUTH_REDACTION_KEY (hexadecimal), or from the
// user's configuration folder, where it is made on first use. Where it cannot be
// kept, the key is one for this process alone.
func redactionKey() ([]byte, error) {
	if text := os.Getenv("STEPSLEUTH_REDACTION_KEY"); text != "" {
		key, err := hex.DecodeString(text)
		if err != nil || len(key) < 16 {
			return nil, errors.New("STEPSLEUTH_REDACTION_KEY: give 16 bytes or more in hexadecimal, as `openssl rand -hex 32` prints them")
		}
		return key, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, nil
	}
	path := filepath.Join(dir, "stepsleuth", "redaction.key")
	text, err := os.ReadFile(path)
	if err == nil {
		key, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil || len(key) < 16 {
			return nil, fmt.Errorf("%s: not a key; remove the file, and a new one is made", path)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return makeKey(path), nil
}

// makeKey makes a key and keeps it if it can; nil means one for this process.
func makeKey(path string) []byte {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return nil
	}
	if wholefile.WriteMode(path, []byte(hex.EncodeToString(key)+"\n"), 0o600) != nil {
		return nil
	}
	return key
}
