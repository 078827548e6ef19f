package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/awscloud"
	"github.com/stepsleuth/stepsleuth/internal/decision"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/wholefile"
	"github.com/stepsleuth/stepsleuth/redact"
)

// fetchFlags say which executions to fetch from AWS.
type fetchFlags struct {
	machine string
	last    bool
	since   string
	limit   int
	save    string
}

func (f *fetchFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.machine, "state-machine", "", "ARN of the state machine whose failures to fetch from AWS: with --last or --since")
	c.Flags().BoolVar(&f.last, "last", false, "of --state-machine, the execution that failed last")
	c.Flags().StringVar(&f.since, "since", "", "of --state-machine, all that failed since: 90m, 24h, 7d; equal ones are put together")
	c.Flags().IntVar(&f.limit, "limit", 50, "with --since, how many executions to fetch, newest first")
	c.Flags().StringVar(&f.save, "save", "", "with an ARN or --last, also write history.json and definition.asl.json into this folder, for verify")
}

func (f *fetchFlags) check(args []string) error {
	switch {
	case f.machine == "" && (f.last || f.since != ""):
		return errors.New("--last and --since need --state-machine and the ARN of a state machine")
	case f.machine == "":
		return nil
	case len(args) > 0:
		return errors.New("give an execution or --state-machine, not both")
	case f.last == (f.since != ""):
		return errors.New("--state-machine needs --last or --since: the execution that failed last, or all that failed since (24h)")
	case f.limit < 1 || f.limit > 1000:
		return fmt.Errorf("--limit %d: give a number from 1 to 1000", f.limit)
	case f.save != "" && f.since != "":
		return errors.New("--save is for one execution; take its ARN from what --since prints")
	}
	return nil
}

// fetchTime is how long fetching may take in all.
const fetchTime = 3 * time.Minute

// newCloud is AWS as the environment reaches it. The region is that of the ARN asked for.
func newCloud(ctx context.Context) (*awscloud.Cloud, error) {
	aws, err := reachAWS(ctx, "")
	if err != nil {
		return nil, err
	}
	return awscloud.New(aws), nil
}

// attend makes a responder that also looks at what the cloud has on a failure.
func attend(r *oncall.Responder, cloud *awscloud.Cloud) *oncall.Responder {
	doctor := *r.Doctor
	doctor.Rules = append(doctor.Rules[:len(doctor.Rules):len(doctor.Rules)], awscloud.Observed()...)
	doctor.Collectors = append(doctor.Collectors[:len(doctor.Collectors):len(doctor.Collectors)], cloud.Collectors()...)
	attending := *r
	attending.Doctor = &doctor
	return &attending
}

// diagnoseARN diagnoses one execution on AWS.
func diagnoseARN(c *cobra.Command, o *options, f diagnoseFlags, arn string) error {
	ctx, cancel := context.WithTimeout(c.Context(), fetchTime)
	defer cancel()
	cloud, err := newCloud(ctx)
	if err != nil {
		return err
	}
	return diagnoseFetched(ctx, c, o, f, cloud, awscloud.Ask{ARN: arn})
}

func diagnoseFetched(ctx context.Context, c *cobra.Command, o *options, f diagnoseFlags, cloud *awscloud.Cloud, ask awscloud.Ask) error {
	m, err := readDefinition(f.definition, c.InOrStdin())
	if err != nil {
		return err
	}
	r, err := newResponder(ctx, o)
	if err != nil {
		return err
	}
	ask.As = func(x *history.Execution) *history.Execution { x, _ = oncall.Uncaught(x); return x }
	fetched, err := cloud.Fetch(ctx, ask)
	if err != nil {
		return err
	}
	if m != nil {
		fetched.Machine = m
	}
	opts := report.Options{History: ask.ARN}
	if m != nil {
		opts.Definition = asArgument(f.definition)
	}
	if f.fetch.save != "" {
		if opts.History, err = save(f.fetch.save, fetched); err != nil {
			return err
		}
	}
	kase, inline := uncaught(fetched)
	opts.Inline = inline
	waits := waitsFor(r.Redact, ask.ARN, fetched.Execution)
	if !waits.IsZero() {
		opts.Next = []redact.Text{waits}
	}
	doc, err := examine(ctx, attend(r, cloud), kase, opts)
	if err != nil {
		return err
	}
	if err := o.print(c.OutOrStdout(), doc); err != nil {
		return err
	}
	if !waits.IsZero() {
		o.note(c.ErrOrStderr(), "note   the execution is still running: it waits for a decision; %s", waits)
	} else if fetched.Execution.Status == history.Running {
		o.note(c.ErrOrStderr(), "note   the execution is still running")
	}
	return verdict(doc, f.strict)
}

// waitsFor says how to decide on an execution that waits for a decision; zero where it does not.
func waitsFor(r *redact.Redactor, arn string, x *history.Execution) redact.Text {
	w, err := decision.Find(x)
	if err != nil {
		return redact.Text{}
	}
	how := redact.Format("stepsleuth decide %v retry (or skip --output JSON, or fail)", r.Text(arn))
	if w.Until.IsZero() {
		return how
	}
	return redact.Format("%v, until %v", how, r.Text(w.Until.UTC().Format(time.RFC3339)))
}

// uncaught is the case without the states that instrument added, where it ended in them;
// and whether it did.
func uncaught(f *awscloud.Fetched) (*diagnose.Case, bool) {
	x, inline := oncall.Uncaught(f.Execution)
	return f.CaseOf(x), inline
}

// save writes what was fetched as the files that verify and diagnose take, and returns
// the history's name. The definition is known by its file from now on.
func save(dir string, f *awscloud.Fetched) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("--save: %w", err)
	}
	name := filepath.Join(dir, "history.json")
	if err := saveHistory(name, f.Execution); err != nil {
		return "", fmt.Errorf("--save: %w", err)
	}
	if f.Machine == nil || f.Machine.Source() == nil {
		return name, nil
	}
	definition, text := filepath.Join(dir, "definition.asl.json"), []byte(f.Machine.Source().Text)
	if err := wholefile.WriteMode(definition, text, 0o600); err != nil {
		return "", fmt.Errorf("--save: %w", err)
	}
	if m, _ := asl.Parse(definition, text); m != nil {
		m.Source().Origin = f.Machine.Source().Origin // the same text, made of the same file
		f.Machine = m
	}
	return name, nil
}

// diagnoseMachine diagnoses what failed of a state machine on AWS.
func diagnoseMachine(c *cobra.Command, o *options, f diagnoseFlags) error {
	ctx, cancel := context.WithTimeout(c.Context(), fetchTime)
	defer cancel()
	cloud, err := newCloud(ctx)
	if err != nil {
		return err
	}
	if f.fetch.last {
		x, err := cloud.LastFailed(ctx, f.fetch.machine)
		if err != nil {
			return noneFailed(c, o, err)
		}
		o.note(c.ErrOrStderr(), "the last one that failed: %s, %s", x.ARN, x.Stop.Format(time.RFC3339))
		return diagnoseFetched(ctx, c, o, f, cloud, awscloud.Ask{ARN: x.ARN, Ended: true, Around: x.Stop})
	}
	return triage(ctx, c, o, f.fetch, cloud)
}

// noneFailed: that nothing failed is no error.
func noneFailed(c *cobra.Command, o *options, err error) error {
	var p *awscloud.Problem
	if errors.As(err, &p) && p.Kind == awscloud.NotFound && p.Err == nil {
		o.note(c.ErrOrStderr(), "%v", err)
		return nil
	}
	return err
}

// triage prints one diagnosis for each group of equal failures, the most frequent
// first; with --format json, one document a line.
func triage(ctx context.Context, c *cobra.Command, o *options, f fetchFlags, cloud *awscloud.Cloud) error {
	back, err := parseSince(f.since)
	if err != nil {
		return err
	}
	r, err := newResponder(ctx, o)
	if err != nil {
		return err
	}
	since := time.Now().Add(-back)
	list, err := cloud.FailedSince(ctx, f.machine, since, f.limit)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		o.note(c.ErrOrStderr(), "nothing failed since %s", since.Format(time.RFC3339))
		return nil
	}
	groups, partly := cloud.Triage(ctx, list, func(f *awscloud.Fetched) *diagnose.Case { c, _ := uncaught(f); return c })
	if partly != nil && len(groups) == 0 {
		return partly
	}
	for i, g := range groups {
		if err := printGroup(ctx, c, o, r, cloud, g, i == 0); err != nil {
			return err
		}
	}
	o.note(c.ErrOrStderr(), "%s since %s, for %s", count(len(list), "execution", "failed"), since.Format(time.RFC3339), count(len(groups), "reason", ""))
	if len(list) == f.limit {
		o.note(c.ErrOrStderr(), "note   there may be more: --limit is %d", f.limit)
	}
	if partly != nil {
		o.note(c.ErrOrStderr(), "note   %v", partly)
	}
	return found
}

func count(n int, what, did string) string {
	if n != 1 {
		what += "s"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", n, what, did))
}

func printGroup(ctx context.Context, c *cobra.Command, o *options, r *oncall.Responder, cloud *awscloud.Cloud, g awscloud.Group, first bool) error {
	doc, err := examine(ctx, attend(r, cloud), g.Case, report.Options{Seen: &report.Sighting{Count: g.Count, Since: g.First}})
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	if o.format == formatJSON {
		return writeDocument(w, doc)
	}
	if !first {
		fmt.Fprintln(w)
	}
	return o.print(w, doc)
}

// parseSince is time.ParseDuration, and days.
func parseSince(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		d = time.Duration(n * float64(24*time.Hour))
	}
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("--since %s: give a duration like 90m, 24h or 7d", text)
	}
	return d, nil
}

// writeDocument writes the document on one line.
func writeDocument(w io.Writer, doc report.Document) error {
	var b, line bytes.Buffer
	if err := report.JSON(&b, doc); err != nil {
		return err
	}
	if err := json.Compact(&line, b.Bytes()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s\n", line.Bytes())
	return err
}
