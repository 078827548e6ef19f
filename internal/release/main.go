// Release builds what people download: the command for each system and processor, packed
// with what belongs to it, and a file of checksums. The same commit and the same Go give
// the same bytes, wherever and whenever they are made.
//
// It knows nothing of what the command does.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/wholefile"
)

// settings are the flags.
type settings struct {
	out     string
	targets string
	version string
}

func main() {
	var s settings
	flag.StringVar(&s.out, "out", "dist", "folder to write to; what is in it is replaced")
	flag.StringVar(&s.targets, "targets", "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64", "systems and processors, by GOOS/GOARCH")
	flag.StringVar(&s.version, "version", "", "version to stamp (default: what git describe says)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := release(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(2)
	}
}

// target is a system and a processor.
type target struct{ system, processor string }

func parseTargets(text string) ([]target, error) {
	var all []target
	for word := range strings.SplitSeq(text, ",") {
		system, processor, ok := strings.Cut(strings.TrimSpace(word), "/")
		if !ok || system == "" || processor == "" {
			return nil, fmt.Errorf("-targets %s: %q is no GOOS/GOARCH such as linux/amd64", text, word)
		}
		all = append(all, target{system, processor})
	}
	return all, nil
}

func release(ctx context.Context, s settings, stdout io.Writer) error {
	targets, err := parseTargets(s.targets)
	if err != nil {
		return err
	}
	if s.version == "" {
		if s.version, err = git(ctx, "describe", "--tags", "--always", "--dirty"); err != nil {
			return err
		}
	}
	made, err := committed(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(s.out), os.MkdirAll(s.out, 0o755)); err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, t := range targets {
		name, packed, err := t.archive(ctx, s.version, made)
		if err == nil {
			err = wholefile.Write(filepath.Join(s.out, name), packed)
		}
		if err != nil {
			return fmt.Errorf("%s/%s: %w", t.system, t.processor, err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(packed), name)
		fmt.Fprintf(stdout, "%-60s %5.1f MB\n", filepath.Join(s.out, name), float64(len(packed))/1e6)
	}
	return wholefile.Write(filepath.Join(s.out, "SHA256SUMS"), sums.Bytes())
}

// archive builds for the target and packs it.
func (t target) archive(ctx context.Context, version string, made time.Time) (name string, packed []byte, err error) {
	program, err := t.build(ctx, version)
	if err != nil {
		return "", nil, err
	}
	name = fmt.Sprintf("stepsleuth_%s_%s_%s", strings.TrimPrefix(version, "v"), t.system, t.processor)
	executable := "stepsleuth"
	if t.system == "windows" {
		executable += ".exe"
	}
	entries := []entry{{name + "/" + executable, 0o755, program}}
	for _, file := range []string{"LICENSE", "README.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", nil, err
		}
		entries = append(entries, entry{name + "/" + file, 0o644, text})
	}
	if t.system == "windows" {
		packed, err = zipped(entries, made)
		return name + ".zip", packed, err
	}
	packed, err = tarred(entries, made)
	return name + ".tar.gz", packed, err
}

// build returns the executable. Nothing of this machine goes into it: no paths, no build
// id, no settings of its user.
func (t target) build(ctx context.Context, version string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "stepsleuth-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "stepsleuth")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.stamp="+version, "-o", out, "./cmd/stepsleuth")
	cmd.Env = append(os.Environ(), "GOOS="+t.system, "GOARCH="+t.processor, "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFLAGS=", "GOWORK=off")
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, bytes.TrimSpace(said))
	}
	return os.ReadFile(out)
}

// committed is when the commit was made: the time of all that is packed.
func committed(ctx context.Context) (time.Time, error) {
	text, err := git(ctx, "log", "-1", "--format=%ct")
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("git log: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
