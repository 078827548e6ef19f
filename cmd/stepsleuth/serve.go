package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/functions"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/topics"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

type serveFlags struct {
	addr      string
	functions string
	sns       string
	outbox    string
	mailTo    string
	virtual   bool
	silent    bool
	account   string
	awsRegion string
	running   int
	remember  int
	seed      uint64
}

func serveCommand(o *options) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Answer the Step Functions API on this machine",
		Long: `serve answers the API of AWS Step Functions, for AWS's own clients and Terraform: state
machines are created, executions run here, their histories are read. Lambda functions
behave as the file of --functions says, or run where it says. What workflows publish
becomes .eml files in the folder of --outbox, or goes to the SNS, or what stands in for
it, at --sns. All is kept in memory and gone when serve ends. Executions that fail are
diagnosed as they end.

Workflows that were instrumented find the troubleshooter here. One that waits for a
decision (instrument --approve) waits for "stepsleuth decide", with the environment
below; in virtual time nobody is fast enough.

Requests are answered whoever signed them, so keep to a loopback address.`,
		Example: `  stepsleuth serve --functions functions.json
  export AWS_ENDPOINT_URL_SFN=http://127.0.0.1:8083 AWS_DISABLE_HOST_PREFIX_INJECTION=true
  aws stepfunctions list-state-machines`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return serve(c, o, f) },
	}
	c.Flags().StringVar(&f.addr, "addr", "127.0.0.1:8083", "address to listen on; port 0 takes a free one")
	c.Flags().StringVar(&f.functions, "functions", "", "file that says how Lambda functions behave")
	c.Flags().StringVar(&f.sns, "sns", os.Getenv("AWS_ENDPOINT_URL_SNS"), "URL of the Amazon SNS, or a stand-in, that sns:publish publishes to (AWS_ENDPOINT_URL_SNS)")
	c.Flags().StringVar(&f.outbox, "outbox", "", "folder for the mails of workflows that publish to a topic")
	c.Flags().StringVar(&f.mailTo, "mail-to", "oncall@localhost", "whom the mails are addressed to")
	c.Flags().BoolVar(&f.virtual, "virtual-time", false, "let waits and retries take no time")
	c.Flags().BoolVar(&f.silent, "no-diagnosis", false, "do not diagnose executions that fail")
	c.Flags().StringVar(&f.account, "account", "123456789012", "account in ARNs")
	c.Flags().StringVar(&f.awsRegion, "aws-region", "us-east-1", "region in ARNs")
	c.Flags().IntVar(&f.running, "max-running", 1000, "executions that may run at the same time")
	c.Flags().IntVar(&f.remember, "remember", 10_000, "executions that are remembered after their end")
	c.Flags().Uint64Var(&f.seed, "seed", 0, "decides what is left to chance: names, tokens, jitter, random numbers (default another each time)")
	return c
}

func serve(c *cobra.Command, o *options, f serveFlags) error {
	var set *functions.Set
	if f.functions != "" {
		text, err := readData(f.functions, "functions file", c.InOrStdin(), maxFunctions)
		if err != nil {
			return err
		}
		if set, err = functions.Parse(label(f.functions), text); err != nil {
			return err
		}
		defer set.Close()
	}
	r, err := newResponder(c.Context(), o)
	if err != nil {
		return err
	}
	s := &sfnlocal.Server{
		AccountID: f.account, Region: f.awsRegion, Seed: f.seed,
		Limits: sfnlocal.Limits{Running: f.running, Ended: f.remember},
	}
	local := &station{options: o, stderr: c.ErrOrStderr(), functions: set, responder: r, server: s}
	local.topic = &topic{options: o, stderr: c.ErrOrStderr(), redact: r.Redact}
	if f.outbox != "" {
		local.topic.outbox = &notify.Outbox{Dir: f.outbox, To: f.mailTo}
		if err := local.topic.outbox.Check(); err != nil {
			return err
		}
	}
	if f.outbox == "" && f.sns != "" {
		if local.sns, err = f.publishing(c.Context()); err != nil {
			return err
		}
	}
	s.Tasks = local.tasks()
	if f.virtual {
		s.Clock = engine.VirtualClock(time.Time{})
	}
	if !f.silent {
		w := &watcher{ctx: context.WithoutCancel(c.Context()), options: o, responder: r, stdout: c.OutOrStdout(), stderr: c.ErrOrStderr()}
		s.Ended = w.ended
	}
	return listen(c, o, f.addr, s)
}

// publishing answers sns:publish by the SNS at --sns. Credentials are the environment's;
// a stand-in takes any.
func (f serveFlags) publishing(ctx context.Context) (engine.TaskHandler, error) {
	if u, err := url.Parse(f.sns); err != nil || u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("--sns %s: it is a URL such as http://127.0.0.1:4566", f.sns)
	}
	aws, err := reachAWS(ctx, f.awsRegion)
	if err != nil {
		return nil, fmt.Errorf("--sns %s: %w", f.sns, err)
	}
	return engine.SNSHandler{Publish: topics.Publisher(sns.NewFromConfig(aws, func(o *sns.Options) { o.BaseEndpoint = &f.sns }))}, nil
}

// station is what the executions of a server find on this machine.
type station struct {
	options   *options
	stderr    io.Writer
	functions *functions.Set
	responder *oncall.Responder
	topic     *topic
	sns       engine.TaskHandler // in place of the topic; nil: the topic
	server    *sfnlocal.Server
}

// tasks are answered as the functions file says; what it does not name may be the
// troubleshooter or a topic.
func (s *station) tasks() engine.TaskHandler {
	mux := functionTasks(s.functions, engine.LambdaHandler{Invoke: s.invoke})
	for _, partition := range partitions {
		mux["arn:"+partition+":states:::sns:publish"] = engine.TaskFunc(s.publish)
	}
	return mux
}

func (s *station) publish(ctx context.Context, t *engine.Task) (engine.Result, error) {
	if s.functions.Names(t.Resource) {
		return s.functions.HandleTask(ctx, t)
	}
	if s.sns != nil {
		return s.sns.HandleTask(ctx, t)
	}
	return s.topic.publish(ctx, t)
}

func (s *station) invoke(ctx context.Context, call engine.LambdaCall) (engine.LambdaReply, error) {
	if s.functions.Names(call.Function) || functions.Name(call.Function) != instrument.DefaultHandler {
		return s.functions.Invoke(ctx, call)
	}
	if t := call.Task; t.Token != "" && instrument.Waits(t.State) {
		s.options.note(s.stderr, "%s waits for a decision: stepsleuth decide %s retry|skip|fail", t.Execution, t.Execution)
	}
	t := oncall.Troubleshooter{Responder: *s.responder, Fetch: s.fetch, Report: report.Options{Local: true, History: call.Task.Execution}}
	if t.Notify = nil; call.Event { // the workflow does not wait, and tells nobody
		t.Notify = desk{s.topic}
	}
	return troubleshoot(ctx, &t, call.Payload)
}

func (s *station) fetch(_ context.Context, arn string) (*history.Execution, *asl.Machine, error) {
	return s.server.Execution(arn)
}

// listen serves until the command is interrupted.
func listen(c *cobra.Command, o *options, addr string, s *sfnlocal.Server) error {
	l, err := new(net.ListenConfig).Listen(c.Context(), "tcp", addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", addr, err)
	}
	if host, ok := l.Addr().(*net.TCPAddr); ok && !host.IP.IsLoopback() {
		o.note(c.ErrOrStderr(), "warning: %s can be reached from other machines, and requests are answered whoever sent them", l.Addr())
	}
	o.note(c.ErrOrStderr(), "listening on http://%s", l.Addr())
	web := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(c.Context(), func() {
		s.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		web.Shutdown(ctx)
	})
	defer stop()
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// watcher says why executions failed, one after the other.
type watcher struct {
	ctx       context.Context
	options   *options
	responder *oncall.Responder
	stdout    io.Writer
	stderr    io.Writer
	mu        sync.Mutex
}

func (w *watcher) ended(x *history.Execution, m *asl.Machine) {
	if x.Status == history.Succeeded || x.Status == history.Aborted && x.Error == nil {
		return // aborted without a word: serve ends, or somebody wanted it so
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	x, inline := oncall.Uncaught(x)
	doc, err := examine(w.ctx, w.responder, diagnose.NewCase(m, x), report.Options{History: x.ARN, Inline: inline})
	if err == nil {
		err = w.options.print(w.stdout, doc)
	}
	if err != nil {
		w.options.note(w.stderr, "%s: no diagnosis: %v", x.ARN, err)
	}
}
