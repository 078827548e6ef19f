package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/awscloud"
	"github.com/stepsleuth/stepsleuth/internal/bucket"
	"github.com/stepsleuth/stepsleuth/internal/decision"
	"github.com/stepsleuth/stepsleuth/internal/functions"
	"github.com/stepsleuth/stepsleuth/internal/mockfile"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/value"
	"github.com/stepsleuth/stepsleuth/internal/wholefile"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

type runFlags struct {
	input     string
	functions string
	mocks     string
	testCase  string
	buckets   []string
	outbox    string
	mailTo    string
	after     string
	decide    []string
	skipWith  string
	history   string
	name      string
	startAt   string
	realTime  bool
	express   bool
	strict    bool
	seed      uint64
}

func runCommand(o *options) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run DEFINITION",
		Short: "Execute a workflow on this machine, and diagnose it if it fails",
		Long: `run executes a workflow with no AWS account. Time is virtual: a Wait of a year takes
none. Lambda functions behave as the file of --functions says, or run where it says
({"price": {"type": "return", "value": 7}, "ship": {"type": "echo"}}; docs/functions.md);
with --mocks and --case the tasks that a test case of AWS's mock configuration file
names answer as it says, and --functions answers for the others. With --bucket a
folder stands for an S3 bucket, for s3:getObject, putObject and listObjectsV2 and for
distributed Maps that read their items there or write their results.

With --outbox the workflow is instrumented first, in memory: a failure that can be
caught reaches the troubleshooter inside the workflow, people are told by mail (as
.eml files in the folder), and the execution ends as it would have. With --decide, each
failure that was told waits for the next of these decisions, as with "stepsleuth
instrument --approve"; once there is none left, nobody decides.`,
		Example: `  stepsleuth run order.asl.json --input order.json --functions functions.json --outbox ./outbox`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return run(c, o, f, args[0]) },
	}
	c.Flags().StringVar(&f.input, "input", "", "file with the execution's input, - for standard input (default {})")
	c.Flags().StringVar(&f.functions, "functions", "", "file that says how Lambda functions behave")
	c.Flags().StringVar(&f.mocks, "mocks", "", "mock configuration file of Step Functions Local that answers tasks; needs --case")
	c.Flags().StringVar(&f.testCase, "case", "", "test case of the --mocks file; where that has several state machines, MACHINE#CASE")
	c.Flags().StringArrayVar(&f.buckets, "bucket", nil, "NAME=FOLDER: a folder that stands for an S3 bucket; may be given several times")
	c.Flags().StringVar(&f.outbox, "outbox", "", "folder for mails; instruments the workflow")
	c.Flags().StringVar(&f.mailTo, "mail-to", "oncall@localhost", "whom the mails are addressed to")
	c.Flags().StringVar(&f.after, "after", string(instrument.Fail), "with --outbox, how a caught execution ends: fail, as it would have, or succeed, with the diagnosis as its output")
	c.Flags().StringSliceVar(&f.decide, "decide", nil, "what is decided on failures that wait for a person, in turn: retry, skip or fail; with --outbox, or for a definition that waits")
	c.Flags().StringVar(&f.skipWith, "decide-output", "", "for --decide skip, the output that the failed state is to have had: JSON, or @ and the name of a file")
	c.Flags().StringVar(&f.history, "save-history", "", "write the history to this file, in the form of get-execution-history")
	c.Flags().StringVar(&f.name, "name", "", "name of the execution (default one made from the seed)")
	c.Flags().StringVar(&f.startAt, "start-at", "", "start from this state instead of StartAt")
	c.Flags().BoolVar(&f.realTime, "real-time", false, "let waits and retries take the time they say")
	c.Flags().BoolVar(&f.express, "express", false, "run as an Express workflow")
	c.Flags().BoolVar(&f.strict, "strict", false, "exit 1 also for failures inside an execution that succeeded")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "decides what is left to chance: names, tokens, jitter, random numbers")
	return c
}

// runner is one run of the command.
type runner struct {
	flags     runFlags
	options   *options
	stdout    io.Writer
	stderr    io.Writer
	file      string       // of the definition
	written   *asl.Machine // the definition as the user wrote it
	machine   *asl.Machine // what runs: the same, or instrumented
	input     []byte
	functions *functions.Set
	mocks     *mockfile.Case // nil without --mocks
	buckets   bucket.Set
	responder *oncall.Responder
	outbox    *notify.Outbox // nil: nobody is told
	topic     *topic
	decisions []decision.Answer // on failures that wait, the next first
	progress  *progress

	running *engine.Running
	ready   chan struct{} // closed when running is set

	mu       sync.Mutex
	examined *report.Document // what the troubleshooter said inside the workflow, of what was not decided on
}

func run(c *cobra.Command, o *options, f runFlags, file string) error {
	r := &runner{flags: f, options: o, file: label(file), stdout: c.OutOrStdout(), stderr: c.ErrOrStderr(), ready: make(chan struct{})}
	if err := r.load(c, file); err != nil {
		return err
	}
	defer r.buckets.Close()
	x, err := r.execute(c.Context())
	if closeErr := r.functions.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if f.history != "" {
		if err := saveHistory(f.history, x); err != nil {
			return err
		}
	}
	return r.conclude(context.WithoutCancel(c.Context()), x) // what was stopped is told like all else
}

// load reads everything before anything runs.
func (r *runner) load(c *cobra.Command, file string) error {
	definition, err := openDefinition(file, c.InOrStdin())
	if err != nil {
		return err
	}
	if r.written, err = definition.Parse(); err != nil {
		return err
	}
	r.machine = r.written
	if err := r.flags.check(r.written); err != nil {
		return err
	}
	if r.input, err = readInput(r.flags.input, c.InOrStdin()); err != nil {
		return err
	}
	if r.flags.functions != "" {
		if r.functions, err = readFunctions(r.flags.functions, c.InOrStdin()); err != nil {
			return err
		}
	}
	if r.mocks, err = r.readMocks(c.InOrStdin()); err != nil {
		return err
	}
	if r.buckets, err = openBuckets(r.flags.buckets); err != nil {
		return err
	}
	if r.responder, err = newResponder(c.Context(), r.options); err != nil {
		return err
	}
	doctor := r.responder.Doctor
	doctor.Collectors = append(doctor.Collectors, localLogs{r.functions})
	doctor.Rules = append(doctor.Rules, awscloud.Observed()...)
	if r.decisions, err = r.flags.decisions(c.InOrStdin()); err != nil {
		return err
	}
	r.topic = &topic{options: r.options, stderr: r.stderr, redact: r.responder.Redact}
	if r.flags.history != "" {
		if err := wholefile.Check(r.flags.history); err != nil {
			return fmt.Errorf("--save-history: %w", err)
		}
	}
	if r.flags.outbox != "" {
		r.outbox = &notify.Outbox{Dir: r.flags.outbox, To: r.flags.mailTo}
		r.topic.outbox = r.outbox
		if err := r.outbox.Check(); err != nil {
			return err
		}
		if err := r.instrument(); err != nil {
			return err
		}
	}
	if len(r.decisions) > 0 && !slices.ContainsFunc(r.machine.States, func(s *asl.State) bool { return instrument.Waits(s.Name) }) {
		return errors.New("--decide: nothing in this workflow waits for a decision; instrument it with --approve, or give --outbox as well")
	}
	return nil
}

// check refuses a name that AWS would, and a state to start at that is not there.
func (f runFlags) check(m *asl.Machine) error {
	if n := utf8.RuneCountInString(f.name); n > 80 || !sfnlocal.ValidName(f.name) {
		return fmt.Errorf("--name %q: an execution's name has up to 80 characters, and no white space nor any of < > { } [ ] ? * \" # %% \\ ^ | ~ ` $ & , ; : /", f.name)
	}
	var names []string
	m.Walk(func(_ []string, s *asl.State) { names = append(names, s.Name) })
	if f.startAt != "" && !slices.Contains(names, f.startAt) {
		return fmt.Errorf("--start-at %q: the definition has no such state%s", f.startAt, asl.DidYouMean(f.startAt, names))
	}
	return nil
}

// decisions are those of --decide.
func (f runFlags) decisions(stdin io.Reader) ([]decision.Answer, error) {
	if f.express && len(f.decide) > 0 {
		return nil, errors.New("--decide: an Express workflow cannot wait for a decision, as it has no task tokens")
	}
	output, err := jsonOrFile(f.skipWith, "output", stdin)
	if err != nil {
		return nil, err
	}
	if len(output) > 0 {
		if _, err := value.ParseBytes(output); err != nil {
			return nil, fmt.Errorf("--decide-output is not JSON: %w", err)
		}
	}
	var all []decision.Answer
	for _, what := range f.decide {
		a := decision.Answer{Decision: instrument.Decision(what), By: "run --decide"}
		switch a.Decision {
		case instrument.DecideSkip:
			if a.Output = output; f.skipWith == "" {
				return nil, errors.New("--decide skip needs --decide-output, the output (JSON) that the failed state is to have had")
			}
		case instrument.DecideRetry, instrument.DecideFail:
		default:
			return nil, fmt.Errorf("--decide %s: it is retry, skip or fail", what)
		}
		all = append(all, a)
	}
	return all, nil
}

// readInput reads an execution's input as compact JSON; {} where no file is given.
func readInput(name string, stdin io.Reader) ([]byte, error) {
	if name == "" {
		return []byte("{}"), nil
	}
	text, err := readData(name, "input", stdin, maxInput)
	if err != nil {
		return nil, err
	}
	v, err := value.ParseBytes(text)
	if err != nil {
		return nil, notJSON(name, err, "an input is JSON, such as {\"orderId\": 7}")
	}
	return v.AppendJSON(nil), nil
}

func readFunctions(name string, stdin io.Reader) (*functions.Set, error) {
	text, err := readData(name, "functions file", stdin, maxFunctions)
	if err != nil {
		return nil, err
	}
	return functions.Parse(label(name), text)
}

// readMocks reads the --case of --mocks, nil without it.
func (r *runner) readMocks(stdin io.Reader) (*mockfile.Case, error) {
	switch {
	case r.flags.mocks == "" && r.flags.testCase == "":
		return nil, nil
	case r.flags.mocks == "":
		return nil, errors.New("--case goes with --mocks, the file that has the test case")
	case r.flags.testCase == "":
		return nil, errors.New("--mocks goes with --case, the name of one of the file's test cases")
	}
	text, err := readData(r.flags.mocks, "mock configuration", stdin, maxFunctions)
	if err != nil {
		return nil, err
	}
	f, err := mockfile.Parse(label(r.flags.mocks), text)
	if err != nil {
		return nil, err
	}
	return f.Case(machineName(r.file), r.flags.testCase, r.written)
}

// openBuckets opens the folders of --bucket flags.
func openBuckets(flags []string) (bucket.Set, error) {
	set := bucket.Set{}
	for _, flag := range flags {
		name, dir, ok := strings.Cut(flag, "=")
		if !ok || name == "" || dir == "" {
			return nil, fmt.Errorf("--bucket %s: give the bucket's name and a folder, as in --bucket orders=./orders", flag)
		}
		if _, twice := set[name]; twice {
			return nil, fmt.Errorf("--bucket %s: bucket %s is given twice", flag, name)
		}
		if err := set.Open(name, dir); err != nil {
			var p *fs.PathError
			if errors.As(err, &p) {
				err = p.Err
			}
			return nil, errors.Join(fmt.Errorf("--bucket %s: folder %s: %w", flag, dir, err), set.Close())
		}
	}
	return set, nil
}

// localTopic stands for the outbox where the pattern wants a topic.
const localTopic = "arn:aws:sns:us-east-1:123456789012:outbox"

func (r *runner) instrument() error {
	o := instrument.Options{Topic: localTopic, After: instrument.After(r.flags.after), Express: r.flags.express}
	if len(r.decisions) > 0 {
		o.Approve = new(instrument.Approval)
	}
	added, err := instrument.Add(r.file, []byte(r.written.Source().Text), o)
	if errors.Is(err, instrument.ErrInstrumented) {
		return nil // by the user: his topic and his handler are answered here too
	}
	if err != nil {
		return err
	}
	r.machine, err = asl.Parse(r.file, []byte(added.Text))
	return err
}

func (r *runner) execute(ctx context.Context) (*history.Execution, error) {
	clock := engine.VirtualClock(time.Now().UTC().Truncate(time.Millisecond))
	if r.flags.realTime {
		clock = engine.SystemClock()
	}
	r.progress = startProgress(r.stderr, r.options.quiet)
	defer r.progress.stop()
	e := &engine.Engine{Tasks: r.tasks(), Clock: clock, Observe: r.progress.observe}
	req := engine.Request{
		Machine: r.machine, Input: r.input, Name: r.flags.name, Type: history.Standard, Seed: r.flags.seed, StartAt: r.flags.startAt,
		StateMachineARN: "arn:aws:states:us-east-1:123456789012:stateMachine:" + machineName(r.file),
	}
	if r.flags.express {
		req.Type = history.Express
	}
	running, err := e.Start(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.file, err)
	}
	r.running = running
	close(r.ready)
	x, err := running.Wait(context.WithoutCancel(ctx))
	if err != nil {
		return nil, r.explain(err)
	}
	return x, nil
}

// explain says what to do about an execution that could not go on here.
func (r *runner) explain(err error) error {
	var unsupported *engine.UnsupportedError
	if errors.As(err, &unsupported) {
		return fmt.Errorf("%s: %w; run answers for Lambda functions and other tasks as --functions or --mocks say, for sns:publish, and for s3 with --bucket", r.file, err)
	}
	return fmt.Errorf("%s: %w", r.file, err)
}

// machineName makes a state machine's name of the file's: order.asl.json is order.
func machineName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	if name == "" || strings.ContainsAny(name, " :") {
		return "workflow"
	}
	return name
}

// conclude tells and prints what came of it.
func (r *runner) conclude(ctx context.Context, x *history.Execution) error {
	doc, err := r.document(ctx, x)
	if err != nil {
		return err
	}
	untold := r.notify(ctx, x, doc)
	r.progress.stop()
	if err := r.options.print(r.stdout, doc); err != nil {
		return err
	}
	if x.Status == history.Succeeded && r.options.format == formatText {
		fmt.Fprintln(r.stdout, x.Output.String())
	}
	for _, where := range r.topic.told {
		r.options.note(r.stderr, "mail   %s", where)
	}
	if untold != nil {
		return untold
	}
	if x.Status != history.Succeeded {
		return found
	}
	return verdict(doc, r.flags.strict)
}

// document is what the troubleshooter said inside the workflow, or else what is
// found now: for failures that no Catch sees, and without --outbox.
func (r *runner) document(ctx context.Context, x *history.Execution) (report.Document, error) {
	r.mu.Lock()
	inside := r.examined
	r.mu.Unlock()
	if inside != nil && (x.Status == history.Failed) == (inside.Failure != nil) {
		return *inside, nil
	}
	return examine(context.WithoutCancel(ctx), r.responder, diagnose.NewCase(r.written, x), r.reportOptions())
}

// reportOptions are what reports of this run say beyond the diagnosis.
func (r *runner) reportOptions() report.Options {
	return report.Options{Local: true, History: r.flags.history, Definition: asArgument(r.file)}
}

// notify tells of what the workflow itself could not tell.
func (r *runner) notify(ctx context.Context, x *history.Execution, doc report.Document) error {
	if r.outbox == nil || r.topic.toldEnd {
		return nil
	}
	tell := *r.responder
	tell.Notify = r.outbox
	where, err := tell.Tell(ctx, x.ARN, doc, x.Stop)
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	r.topic.told = append(r.topic.told, where)
	return nil
}

func saveHistory(path string, x *history.Execution) error {
	var b bytes.Buffer
	if err := history.Write(&b, x); err != nil {
		return err
	}
	return wholefile.Write(path, b.Bytes())
}
